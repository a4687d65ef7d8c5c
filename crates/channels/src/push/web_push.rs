//! Web Push (RFC 8030): messages to browsers, encrypted for one subscription (RFC 8291), signed by the server's key.

use allclear_domain::time::Time;
use allclear_guard::GuardedClient;
use data_encoding::BASE64URL_NOPAD;
use reqwest::{
    Method, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION},
};
use serde::{Deserialize, Serialize};
use web_push_native::{Auth, encrypt, p256::PublicKey};

use super::vapid::VapidKey;
use crate::{
    outcome::Outcome,
    service::{ask, refused},
};

/// The longest message, in bytes: a push service takes 4096 with what encryption adds.
pub const LONGEST: usize = 3_800;
/// The longest endpoint taken, in bytes.
const LONGEST_ENDPOINT: usize = 2_048;

/// Where a browser wants to be told, and the keys it gave for that. Its text is a secret: whoever has it can push.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subscription {
    endpoint: String,
    p256dh: String,
    auth: String,
}

impl std::fmt::Debug for Subscription {
    /// Without the secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Subscription")
    }
}

impl Subscription {
    /// What a browser's `PushSubscription` says. The error is the member that is wrong, and why.
    pub fn new(endpoint: &str, p256dh: &str, auth: &str) -> Result<Self, (&'static str, &'static str)> {
        let subscription = Self { endpoint: endpoint.to_owned(), p256dh: p256dh.to_owned(), auth: auth.to_owned() };
        if endpoint.len() > LONGEST_ENDPOINT {
            return Err(("/endpoint", "is too long"));
        }
        subscription.url().ok_or(("/endpoint", "is no URL"))?;
        subscription.key().ok_or(("/keys/p256dh", "is no P-256 public key in base64url"))?;
        subscription.secret().ok_or(("/keys/auth", "is not 16 bytes in base64url"))?;
        Ok(subscription)
    }

    /// The endpoint's text.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The endpoint.
    pub fn url(&self) -> Option<Url> {
        self.endpoint.parse().ok()
    }

    fn key(&self) -> Option<PublicKey> {
        PublicKey::from_sec1_bytes(&decode(&self.p256dh)?).ok()
    }

    fn secret(&self) -> Option<Auth> {
        let bytes: [u8; 16] = decode(&self.auth)?.try_into().ok()?;
        Some(bytes.into())
    }
}

/// Base64url, with or without padding.
fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64URL_NOPAD.decode(text.trim_end_matches('=').as_bytes()).ok()
}

/// What a browser is told, at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Message {
    /// What its service worker gets, at most [`LONGEST`] bytes.
    pub body: Vec<u8>,
    /// How long the push service may keep it for a browser that cannot be reached, in seconds.
    pub ttl: u32,
    /// A newer message of the same topic takes the place of one that was not delivered: at most 32 characters of
    /// base64url.
    pub topic: Option<&'static str>,
}

/// Tells browsers.
#[derive(Clone, Debug)]
pub struct WebPush {
    client: GuardedClient,
    key: VapidKey,
    subject: Option<String>,
}

impl WebPush {
    /// A sender. `subject` as for [`VapidKey::authorization`].
    pub fn new(client: GuardedClient, key: VapidKey, subject: Option<String>) -> Self {
        Self { client, key, subject }
    }

    /// Hands one message to the push service of a subscription.
    pub async fn send(&self, subscription: &Subscription, message: Message, now: Time) -> Outcome {
        let (Some(url), Some(key), Some(secret)) = (subscription.url(), subscription.key(), subscription.secret())
        else {
            return Outcome::Gone { answer: "the subscription is damaged".into() };
        };
        let signed = self.key.authorization(&url, self.subject.as_deref(), now).ok();
        let headers = signed.and_then(|signed| headers(&signed, &message));
        let (Some(headers), Ok(body)) = (headers, encrypt(message.body, &key, &secret)) else {
            return Outcome::Refused { answer: "the message could not be signed and encrypted".into() };
        };
        let request = match self.client.request(Method::POST, url) {
            Ok(request) => request.headers(headers).body(body),
            Err(why) => return refused(&why),
        };
        let answer = match ask(request).await {
            Ok(answer) => answer,
            Err(outcome) => return outcome,
        };
        match answer.status {
            StatusCode::NOT_FOUND | StatusCode::GONE => Outcome::Gone { answer: answer.words() },
            status if status.is_success() => {
                let id = answer.headers.get(LOCATION).and_then(|location| location.to_str().ok());
                Outcome::Accepted { message_id: id.map(str::to_owned), answer: answer.words() }
            }
            _ if answer.is_for_now() => answer.deferred(now),
            _ => Outcome::Refused { answer: answer.words() },
        }
    }
}

fn headers(signed: &str, message: &Message) -> Option<HeaderMap> {
    let mut authorization = HeaderValue::from_str(signed).ok()?;
    authorization.set_sensitive(true);
    let mut headers = HeaderMap::from_iter([
        (AUTHORIZATION, authorization),
        (CONTENT_ENCODING, HeaderValue::from_static("aes128gcm")),
        (CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
    ]);
    headers.insert("ttl", HeaderValue::from(message.ttl));
    headers.insert("urgency", HeaderValue::from_static("high"));
    if let Some(topic) = message.topic {
        headers.insert("topic", HeaderValue::from_static(topic));
    }
    Some(headers)
}
