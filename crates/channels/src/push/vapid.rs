//! The key by which push services of browsers know this server (RFC 8292). Made once, and kept sealed: a subscription is
//! good for the key it was made with, and for no other.

use allclear_domain::{
    ids::Tenant,
    time::{Span, Time},
};
use allclear_engine::{Engine, Error};
use allclear_store::push;
use data_encoding::BASE64URL_NOPAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::Url;
use serde::Serialize;
use web_push_native::p256::{
    SecretKey,
    elliptic_curve::sec1::ToEncodedPoint,
    pkcs8::{EncodePrivateKey, spki},
};

/// What the key is kept as.
const NAME: &str = "vapid";
/// How long a token is good; at most a day by the standard.
const LASTS: Span = Span::seconds(12 * 3600);

/// The key.
#[derive(Clone)]
pub struct VapidKey {
    signing: EncodingKey,
    public: String,
}

impl std::fmt::Debug for VapidKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VapidKey({})", self.public)
    }
}

/// The key cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It could not be read or kept.
    #[error(transparent)]
    Engine(#[from] Error),
    /// What is kept is no key.
    #[error("the server's key for push services is damaged")]
    Damaged,
    /// It could not be written in the form in which it signs.
    #[error("the server's key for push services cannot be encoded")]
    Encoding(#[from] spki::Error),
    /// It does not sign.
    #[error("the server's key for push services does not sign")]
    Signing(#[from] jsonwebtoken::errors::Error),
}

#[derive(Serialize)]
struct Claims<'a> {
    aud: String,
    exp: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
}

impl VapidKey {
    /// The server's key, made if there is none yet.
    pub async fn of(engine: &Engine) -> Result<Self, KeyError> {
        let read = || engine.db().read(|tx| Ok::<_, Error>(push::server_key(tx, NAME)?));
        let kept = match read().await? {
            Some(kept) => kept,
            None => {
                let source = engine.source();
                let random = std::iter::repeat_with(|| source.secret());
                // All but one of 2^32 draws is a key.
                let secret = random.take(8).find(|bytes| SecretKey::from_slice(bytes).is_ok());
                let secret = BASE64URL_NOPAD.encode(&secret.ok_or(KeyError::Damaged)?);
                let sealed = engine.sealer().seal(Tenant::SERVER, &secret, &**source)?;
                let now = source.now();
                let keep = move |tx: &mut allclear_store::db::Tx<'_>| push::keep_server_key(tx, NAME, &sealed, now);
                engine.db().write(keep).await.map_err(Error::from)?;
                // Another node may have been faster.
                read().await?.ok_or(KeyError::Damaged)?
            }
        };
        let secret = engine.sealer().open(Tenant::SERVER, &kept)?;
        let bytes = BASE64URL_NOPAD.decode(secret.as_bytes()).map_err(|_| KeyError::Damaged)?;
        Self::new(&SecretKey::from_slice(&bytes).map_err(|_| KeyError::Damaged)?)
    }

    /// A key of one's own.
    pub fn new(secret: &SecretKey) -> Result<Self, KeyError> {
        let der = secret.to_pkcs8_der().map_err(|_| KeyError::Damaged)?;
        let public = secret.public_key().to_encoded_point(false);
        Ok(Self {
            signing: EncodingKey::from_ec_der(der.as_bytes()),
            public: BASE64URL_NOPAD.encode(public.as_bytes()),
        })
    }

    /// What browsers subscribe with: the uncompressed point, base64url.
    pub fn public(&self) -> &str {
        &self.public
    }

    /// The `Authorization` of a request to an endpoint. `subject` is where a push service can reach whoever runs this
    /// server: a `mailto:` or `https:` URL.
    pub fn authorization(&self, endpoint: &Url, subject: Option<&str>, now: Time) -> Result<String, KeyError> {
        // With the port, if it is not the usual one.
        let aud = endpoint.origin().ascii_serialization();
        let exp = now.plus(LASTS).as_micros() / 1_000_000;
        let token =
            jsonwebtoken::encode(&Header::new(Algorithm::ES256), &Claims { aud, exp, sub: subject }, &self.signing)?;
        Ok(format!("vapid t={token}, k={}", self.public))
    }
}
