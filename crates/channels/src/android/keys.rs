//! Whether a request comes from Google: what Pub/Sub pushes carries a token (OpenID Connect) signed by one of Google's keys.

use std::time::Duration;

use allclear_domain::time::{Span, Time};
use allclear_guard::{AllowList, GuardOptions, GuardedClient};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header, jwk::JwkSet};
use reqwest::{
    Method, Url,
    header::{CACHE_CONTROL, HeaderMap},
};
use serde::Deserialize;
use tokio::sync::Mutex;

use crate::{
    outcome::Outcome,
    service::{ask_whole, base},
};

/// Who Google says it is.
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];
/// How far clocks may differ.
const LEEWAY: Span = Span::seconds(60);
/// The longest token that is looked at, in bytes.
const LONGEST_TOKEN: usize = 8 * 1024;
/// The longest set of keys, in bytes.
const LONGEST_KEYS: usize = 256 * 1024;
/// How long the keys are not asked for again, whoever wants that.
const PAUSE: Span = Span::seconds(60);
/// How long keys are kept: as long as Google says, within these bounds.
const KEPT: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(86_400));

/// Why a push is not taken.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Untrusted {
    /// It is not from Google, or not for us.
    #[error("{0}")]
    Denied(String),
    /// The keys cannot be had at present.
    #[error("the keys of its signature cannot be had: {0}")]
    Unavailable(String),
}

fn denied(why: &str) -> Untrusted {
    Untrusted::Denied(why.to_owned())
}

/// Google's keys. Fetched when they are needed, and kept for as long as Google says.
#[derive(Debug)]
pub struct Keys {
    client: GuardedClient,
    url: Url,
    /// Locked while they are fetched, so that they are fetched once.
    held: Mutex<Held>,
}

#[derive(Default)]
struct Held {
    keys: Vec<(String, DecodingKey)>,
    until: Option<Time>,
    /// When they were asked for last, and what was wrong with the answer.
    asked: Option<(Time, Option<String>)>,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Held({} keys until {:?})", self.keys.len(), self.until)
    }
}

/// What is claimed of a token's bearer.
#[derive(Deserialize)]
struct Claims {
    exp: i64,
    iat: i64,
    email: Option<String>,
    email_verified: Option<bool>,
}

impl Keys {
    /// Keys from this address, most often [`GOOGLE_KEYS`](super::settings::GOOGLE_KEYS); the reason if it cannot be used.
    pub fn new(url: &str, allow: &AllowList) -> Result<Self, String> {
        base(url, allow)?;
        let url = url.parse().map_err(|_| "must be an address".to_owned())?;
        let options = GuardOptions { allow: allow.clone(), ..GuardOptions::default() };
        let client = GuardedClient::new(options).map_err(|error| error.to_string())?;
        Ok(Self { client, url, held: Mutex::default() })
    }

    /// Whether the header `Authorization` of a push says that Google pushes in the name of this service account, to us:
    /// `audience` is what the subscription names, most often the address that is pushed to.
    pub async fn verify(
        &self,
        authorization: Option<&str>,
        audience: &str,
        email: &str,
        now: Time,
    ) -> Result<(), Untrusted> {
        let (scheme, token) = authorization.and_then(|it| it.split_once(' ')).ok_or_else(|| denied("no token"))?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.len() > LONGEST_TOKEN {
            return Err(denied("no token that could be Google's"));
        }
        let header = decode_header(token).map_err(|_| denied("the token cannot be read"))?;
        let kid = header.kid.filter(|_| header.alg == Algorithm::RS256);
        let key = self.key(&kid.ok_or_else(|| denied("the token is not signed as Google signs"))?, now).await?;
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[audience]);
        validation.set_issuer(&ISSUERS);
        validation.set_required_spec_claims(&["aud", "exp", "iss"]);
        // Below, by the clock that is ours.
        validation.validate_exp = false;
        let claims = decode::<Claims>(token, &key, &validation);
        let claims = claims.map_err(|error| Untrusted::Denied(format!("the token does not hold: {error}")))?.claims;
        let at = |seconds: i64| Time::from_micros(seconds.saturating_mul(1_000_000));
        if now.minus(LEEWAY) >= at(claims.exp) {
            return Err(denied("the token has ended"));
        }
        if now.plus(LEEWAY) < at(claims.iat) {
            return Err(denied("the token begins in the future"));
        }
        if claims.email.as_deref() != Some(email) || claims.email_verified != Some(true) {
            return Err(denied("the token is of another service account"));
        }
        Ok(())
    }

    /// The key of this name.
    async fn key(&self, kid: &str, now: Time) -> Result<DecodingKey, Untrusted> {
        let mut held = self.held.lock().await;
        if let Some(key) = held.get(kid, now) {
            return Ok(key);
        }
        // Keys change before their time, and anybody can make up names of keys.
        if held.asked.as_ref().is_none_or(|(at, _)| now.since(*at) >= PAUSE) {
            match self.fetch().await {
                Ok((keys, lasts)) => {
                    let lasts = Span::seconds(i64::try_from(lasts.as_secs()).unwrap_or_default());
                    *held = Held { keys, until: Some(now.plus(lasts)), asked: Some((now, None)) };
                }
                Err(why) => held.asked = Some((now, Some(why))),
            }
        }
        match (held.get(kid, now), &held.asked) {
            (Some(key), _) => Ok(key),
            (None, Some((_, Some(why)))) => Err(Untrusted::Unavailable(why.clone())),
            (None, _) => Err(denied("the token is signed by a key that is not Google's")),
        }
    }

    async fn fetch(&self) -> Result<(Vec<(String, DecodingKey)>, Duration), String> {
        let request = self.client.request(Method::GET, self.url.clone()).map_err(|why| why.to_string())?;
        let answer = ask_whole(request, LONGEST_KEYS).await.map_err(|outcome| match outcome {
            Outcome::Accepted { answer, .. }
            | Outcome::Deferred { answer, .. }
            | Outcome::Refused { answer }
            | Outcome::Gone { answer } => answer,
        })?;
        if !answer.status.is_success() {
            return Err(answer.words());
        }
        let set: JwkSet = serde_json::from_str(&answer.body).map_err(|error| error.to_string())?;
        let named =
            set.keys.iter().filter_map(|key| Some((key.common.key_id.clone()?, DecodingKey::from_jwk(key).ok()?)));
        let keys: Vec<_> = named.collect();
        if keys.is_empty() {
            return Err("there are none".to_owned());
        }
        Ok((keys, max_age(&answer.headers).clamp(KEPT.0, KEPT.1)))
    }
}

impl Held {
    fn get(&self, kid: &str, now: Time) -> Option<DecodingKey> {
        let is_good = self.until.is_some_and(|until| now < until);
        self.keys.iter().find(|(name, _)| is_good && name == kid).map(|(_, key)| key.clone())
    }
}

/// How long an answer may be kept; not at all if it does not say.
fn max_age(headers: &HeaderMap) -> Duration {
    let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let mut ages = values.flat_map(|value| value.split(',')).filter_map(|part| {
        let (name, seconds) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("max-age").then(|| seconds.trim_matches('"').parse().ok())?
    });
    Duration::from_secs(ages.next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;

    #[test]
    fn keys_are_kept_as_long_as_google_says() {
        let age =
            |text: &'static str| max_age(&HeaderMap::from_iter([(CACHE_CONTROL, text.parse().unwrap())])).as_secs();
        assert_eq!(age("public, max-age=20123, must-revalidate, no-transform"), 20_123);
        assert_eq!(age("Max-Age=\"60\""), 60);
        for text in ["no-cache", "max-age=soon", "s-maxage=7"] {
            assert_eq!(age(text), 0, "{text}");
        }
    }

    #[test]
    fn an_address_that_is_not_allowed_gives_no_keys() {
        assert!(Keys::new("http://127.0.0.1:1/certs", &AllowList::default()).is_err());
        assert!(Keys::new("certs", &AllowList::default()).is_err());
    }
}
