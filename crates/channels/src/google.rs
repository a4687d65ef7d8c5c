//! Signing in to Google as a service account: its key signs a request for an access token, which is good for an hour.

use std::fmt;

use allclear_domain::time::{Span, Time};
use allclear_guard::{AllowList, GuardedClient};
use form_urlencoded::Serializer;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{
    Method, Url,
    header::{CONTENT_TYPE, HeaderValue},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::{
    outcome::Outcome,
    service::{Answer, ask, base, refused},
};

/// How long before its end a token is replaced.
const MARGIN: Span = Span::seconds(300);
/// A token younger than this is not replaced, whatever is said of it.
const YOUNG: Span = Span::seconds(60);
/// How long nobody asks for a token after that has failed, unless the answer says.
const PAUSE: Span = Span::seconds(10);

/// A service account; its key is kept elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// The project it belongs to.
    pub project_id: String,
    /// What it is called.
    pub client_email: String,
    /// Which of its keys.
    pub private_key_id: Option<String>,
    /// Who gives out access tokens.
    pub token_uri: String,
}

/// A key, as Google's console gives it out: the members needed of it.
#[derive(Deserialize)]
struct KeyFile {
    #[serde(rename = "type")]
    kind: String,
    private_key: String,
    #[serde(flatten)]
    account: ServiceAccount,
}

impl ServiceAccount {
    /// An account and its private key in PEM, out of the JSON file that Google gives out; the reason if the text is none.
    pub fn read(text: &str) -> Result<(Self, String), String> {
        let file: KeyFile = serde_json::from_str(text)
            .map_err(|error| format!("must be the JSON file of a service account's key: {error}"))?;
        if file.kind != "service_account" {
            return Err(format!("must be the key of a service account, and is of the type {:?}", file.kind));
        }
        Ok((file.account, file.private_key))
    }

    /// What is wrong with the account, or with its private key in PEM.
    pub(crate) fn problems(&self, pem: Option<&String>, allow: &AllowList) -> Vec<String> {
        let mut problems = Vec::new();
        let is_word = |text: &str| {
            (1..=100).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-.:".contains(&it))
        };
        if !is_word(&self.project_id) {
            problems.push("names no project_id".to_owned());
        }
        if !(3..=320).contains(&self.client_email.len()) || self.client_email.chars().any(char::is_control) {
            problems.push("names no client_email".to_owned());
        }
        if let Err(why) = base(&self.token_uri, allow) {
            problems.push(format!("names a token_uri that {why}"));
        }
        match pem {
            None => problems.push("is needed: the JSON file of the key that Google gave out".to_owned()),
            Some(pem) => {
                problems.extend(key(pem).and_then(|key| assertion(self, &key, "", Time::EPOCH)).err());
            }
        }
        problems
    }
}

fn key(pem: &str) -> Result<EncodingKey, String> {
    EncodingKey::from_rsa_pem(pem.trim().as_bytes()).map_err(|_| NO_KEY.to_owned())
}

const NO_KEY: &str = "has no private_key of RSA in PEM";

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

/// Asks for a token in the account's name (RFC 7523).
fn assertion(account: &ServiceAccount, key: &EncodingKey, scope: &str, now: Time) -> Result<String, String> {
    let header = Header { kid: account.private_key_id.clone(), ..Header::new(Algorithm::RS256) };
    let iat = now.as_micros() / 1_000_000;
    let ServiceAccount { client_email: iss, token_uri: aud, .. } = account;
    let claims = Claims { iss, scope, aud, iat, exp: iat + 3_600 };
    jsonwebtoken::encode(&header, &claims, key).map_err(|_| NO_KEY.to_owned())
}

/// What an account shows Google, asked for when it is needed and held until shortly before its end.
pub(crate) struct AccessTokens {
    client: GuardedClient,
    account: ServiceAccount,
    key: EncodingKey,
    scope: &'static str,
    /// Locked while a token is asked for, so that it is asked for once.
    access: Mutex<Access>,
}

impl fmt::Debug for AccessTokens {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessTokens({})", self.account.client_email)
    }
}

/// What we may do at present.
#[derive(Default)]
struct Access {
    token: Option<AccessToken>,
    /// Why there is no token, and until when nobody asks again.
    failed: Option<(Outcome, Time)>,
}

/// What is shown to Google with each request.
#[derive(Clone)]
pub(crate) struct AccessToken {
    /// The header.
    pub(crate) authorization: HeaderValue,
    since: Time,
    until: Time,
}

/// The answer to a request for a token.
#[derive(Deserialize)]
struct Granted {
    access_token: String,
    /// In seconds.
    expires_in: Option<i64>,
}

impl AccessTokens {
    /// Tokens for what `scope` names (parted by blanks), asked for by `client`; the reason if the key is none.
    pub(crate) fn new(
        client: GuardedClient,
        account: ServiceAccount,
        pem: Option<&String>,
        scope: &'static str,
    ) -> Result<Self, String> {
        let key = key(pem.ok_or("the key is missing")?)?;
        Ok(Self { client, account, key, scope, access: Mutex::default() })
    }

    /// The access token, or a new one if it is about to end.
    pub(crate) async fn get(&self, now: Time) -> Result<AccessToken, Outcome> {
        let mut access = self.access.lock().await;
        if let Some(token) = access.token.as_ref().filter(|token| now < token.until) {
            return Ok(token.clone());
        }
        if let Some((outcome, until)) = &access.failed
            && now < *until
        {
            return Err(outcome.clone());
        }
        match self.grant(now).await {
            Ok(token) => {
                *access = Access { token: Some(token.clone()), failed: None };
                Ok(token)
            }
            Err(outcome) => {
                let asked = match &outcome {
                    Outcome::Deferred { retry_after: Some(asked), .. } => {
                        Span::micros(i64::try_from(asked.as_micros()).unwrap_or(i64::MAX))
                    }
                    _ => PAUSE,
                };
                *access = Access { token: None, failed: Some((outcome.clone(), now.plus(asked))) };
                Err(outcome)
            }
        }
    }

    /// Gives up a token that Google does not take, because it has ended early or was revoked. Says whether there may be a
    /// new one: not if this one is hardly older.
    pub(crate) async fn give_up(&self, token: &AccessToken, now: Time) -> bool {
        let is_old = now.since(token.since) >= YOUNG;
        if is_old {
            self.access.lock().await.token.take_if(|held| held.since == token.since);
        }
        is_old
    }

    async fn grant(&self, now: Time) -> Result<AccessToken, Outcome> {
        let assertion = assertion(&self.account, &self.key, self.scope, now);
        let assertion = assertion.map_err(|answer| Outcome::Refused { answer })?;
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
            .append_pair("assertion", &assertion)
            .finish();
        let uri = self.account.token_uri.parse::<Url>();
        let uri = uri.map_err(|_| Outcome::Refused { answer: "the token_uri is no address".to_owned() })?;
        let request = self.client.request(Method::POST, uri).map_err(|why| refused(&why))?;
        let answer = ask(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)).await?;
        let words = |what: &str| format!("{what} for an access token: {}", answer.words());
        if !answer.status.is_success() {
            // Whatever is wrong with the account, somebody may put it right.
            return Err(answer.deferred_as(words("asked"), now));
        }
        let granted = serde_json::from_str::<Granted>(&answer.body).ok();
        let authorization =
            granted.as_ref().and_then(|it| HeaderValue::try_from(format!("Bearer {}", it.access_token)).ok());
        let (Some(granted), Some(mut authorization)) = (granted, authorization) else {
            // Without the answer: it may hold a token.
            let answer = format!("{}: the answer is no access token", answer.status);
            return Err(Outcome::Deferred { answer, retry_after: None });
        };
        authorization.set_sensitive(true);
        let lasts = Span::seconds(granted.expires_in.unwrap_or(3_600).clamp(0, 86_400));
        Ok(AccessToken { authorization, since: now, until: now.plus(lasts).minus(MARGIN) })
    }
}

/// What Google says of a request it has not done: a `google.rpc.Status`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Fault {
    /// The service's own word for it in the details, or the general one; empty if there is none.
    pub(crate) code: String,
    message: String,
}

impl Fault {
    pub(crate) fn of(answer: &Answer) -> Self {
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let error = &body["error"];
        let details = error["details"].as_array().map(Vec::as_slice).unwrap_or_default();
        let own = details.iter().find_map(|detail| detail["errorCode"].as_str());
        let code = own.or(error["status"].as_str()).unwrap_or_default().to_owned();
        Self { code, message: error["message"].as_str().unwrap_or_default().to_owned() }
    }

    /// What is said in this answer, for people.
    pub(crate) fn words(&self, answer: &Answer) -> String {
        match self.code.as_str() {
            "" => answer.words(),
            code => {
                let said = self.message.chars().take(300).collect::<String>();
                format!("{} {code}: {said}", answer.status.as_u16())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_service_account_is_read_or_refused() {
        let refused = |text: &str| ServiceAccount::read(text).unwrap_err();
        assert!(refused("{").starts_with("must be the JSON file"));
        assert!(refused("{}").contains("missing field"));
        let text = json!({ "type": "authorized_user", "project_id": "p", "private_key": "k", "client_email": "e@p",
            "token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com" });
        assert!(refused(&text.to_string()).contains("authorized_user"));
        let mut good = text;
        good["type"] = json!("service_account");
        let (account, private_key) = ServiceAccount::read(&good.to_string()).unwrap();
        assert_eq!((account.project_id.as_str(), account.private_key_id.as_deref()), ("p", None));
        let problems = |account: &ServiceAccount, pem| account.problems(pem, &AllowList::default());
        assert_eq!(problems(&account, Some(&private_key)), [NO_KEY]);
        assert_eq!(problems(&account, None).len(), 1, "no key");
        let strange = ServiceAccount {
            project_id: "a/b".into(),
            client_email: "\n".into(),
            token_uri: "http://127.0.0.1/token".into(),
            ..account
        };
        assert_eq!(problems(&strange, Some(&private_key)).len(), 4, "project, name, address and key");
    }
}
