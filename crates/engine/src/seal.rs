//! Secrets at rest: sealed with the server's key before they reach the store.

use allclear_domain::ids::Tenant;
use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead, KeyInit, Payload},
};

use crate::{Error, source::Source};

/// Seals and opens secrets with XChaCha20-Poly1305. The tenant is bound in, so that a sealed secret opens nowhere else.
#[derive(Clone)]
pub struct Sealer {
    cipher: XChaCha20Poly1305,
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

const NONCE: usize = 24;

impl Sealer {
    /// A sealer with this key.
    pub fn new(key: [u8; 32]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(&key.into()) }
    }

    /// Seals a secret.
    pub fn seal(&self, tenant: Tenant, secret: &str, source: &dyn Source) -> Result<Vec<u8>, Error> {
        let random = source.secret();
        let nonce = &random[..NONCE];
        let payload = Payload { msg: secret.as_bytes(), aad: &tenant.0.to_be_bytes() };
        let sealed = self.cipher.encrypt(XNonce::from_slice(nonce), payload).map_err(|_| Error::Sealed)?;
        Ok([nonce, &sealed].concat())
    }

    /// Opens a sealed secret.
    pub fn open(&self, tenant: Tenant, sealed: &[u8]) -> Result<String, Error> {
        if sealed.len() < NONCE {
            return Err(Error::Sealed);
        }
        let (nonce, body) = sealed.split_at(NONCE);
        let payload = Payload { msg: body, aad: &tenant.0.to_be_bytes() };
        let bytes = self.cipher.decrypt(XNonce::from_slice(nonce), payload).map_err(|_| Error::Sealed)?;
        String::from_utf8(bytes).map_err(|_| Error::Sealed)
    }

    /// Seals a secret within a text field, marked so that it is not sealed twice.
    pub fn seal_text(&self, tenant: Tenant, secret: &str, source: &dyn Source) -> Result<String, Error> {
        if secret.starts_with(MARK) {
            return Ok(secret.to_owned());
        }
        Ok(format!("{MARK}{}", data_encoding::BASE64URL_NOPAD.encode(&self.seal(tenant, secret, source)?)))
    }

    /// Opens a text field sealed by [`Sealer::seal_text`].
    pub fn open_text(&self, tenant: Tenant, text: &str) -> Result<String, Error> {
        let sealed = text.strip_prefix(MARK).ok_or(Error::Sealed)?;
        let bytes = data_encoding::BASE64URL_NOPAD.decode(sealed.as_bytes()).map_err(|_| Error::Sealed)?;
        self.open(tenant, &bytes)
    }
}

/// What a sealed text begins with. Callers refuse input that begins like this.
pub const MARK: &str = "sealed:v1:";

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::source::SystemSource;

    #[test]
    fn a_secret_opens_only_for_its_tenant_and_key() {
        let sealer = Sealer::new([7; 32]);
        let sealed = sealer.seal_text(Tenant(1), "pass word", &SystemSource).unwrap();
        assert!(!sealed.contains("pass"));
        assert_eq!(sealer.open_text(Tenant(1), &sealed).unwrap(), "pass word");
        assert!(sealer.open_text(Tenant(2), &sealed).is_err());
        assert!(Sealer::new([8; 32]).open_text(Tenant(1), &sealed).is_err());
        assert!(sealer.open_text(Tenant(1), "sealed:v1:AA").is_err());
        assert_eq!(sealer.seal_text(Tenant(1), &sealed, &SystemSource).unwrap(), sealed);
    }
}
