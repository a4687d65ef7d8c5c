//! Google's push service (FCM, HTTP v1), signed in as a service account: its key signs a request for an access token,
//! which is good for an hour.

use std::fmt;

use allclear_domain::time::{Span, Time};
use allclear_engine::channels::Secrets;
use allclear_guard::{AllowList, GuardOptions, GuardedClient};
use allclear_store::push_tokens::KeptToken;
use form_urlencoded::Serializer;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{
    Method, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{
    Push,
    answer::{Answer, ask, refused},
    base,
};
use crate::outcome::Outcome;

/// Where Google takes pushes.
pub const GOOGLE: &str = "https://fcm.googleapis.com";

/// What a token lets us do.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// How long before its end a token is replaced.
const MARGIN: Span = Span::seconds(300);
/// A token younger than this is not replaced, whatever is said of it.
const YOUNG: Span = Span::seconds(60);
/// How long nobody asks for a token after that has failed, unless the answer says.
const PAUSE: Span = Span::seconds(10);
/// How long to wait where Google takes no more and does not say: its own advice.
const QUOTA_PAUSE: std::time::Duration = std::time::Duration::from_secs(60);
/// How long Google keeps a push for a device that cannot be reached.
const KEPT: Span = Span::days(7);

/// Whose pushes are sent, and where; the key is kept elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FcmSettings {
    /// The Firebase project of the agent's app.
    pub project_id: String,
    /// The service account.
    pub client_email: String,
    /// Which of its keys.
    pub private_key_id: Option<String>,
    /// Who gives out access tokens.
    pub token_uri: String,
    /// Where pushes go; most often [`GOOGLE`].
    pub base_url: String,
}

/// A service account's key, as Google's console gives it out: the members needed of it.
#[derive(Deserialize)]
struct ServiceAccount {
    #[serde(rename = "type")]
    kind: String,
    project_id: String,
    private_key_id: Option<String>,
    private_key: String,
    client_email: String,
    token_uri: String,
}

impl FcmSettings {
    /// The settings of a service account, and its key; the reason if the text is none.
    pub fn of_service_account(text: &str, base_url: String) -> Result<(Self, String), String> {
        let account: ServiceAccount = serde_json::from_str(text)
            .map_err(|error| format!("must be the JSON file of a service account's key: {error}"))?;
        if account.kind != "service_account" {
            return Err(format!("must be the key of a service account, and is of the type {:?}", account.kind));
        }
        let ServiceAccount { project_id, private_key_id, private_key, client_email, token_uri, .. } = account;
        Ok((Self { project_id, client_email, private_key_id, token_uri, base_url }, private_key))
    }

    /// The name of the key's secret: another for another account or place, so that no token goes where it was not meant
    /// to.
    pub fn secret(&self) -> String {
        format!("fcm {} {} {}", self.client_email, self.token_uri, self.base_url)
    }

    /// What is wrong with these settings: JSON pointer and reason.
    pub fn problems(&self, secrets: &Secrets, allow: &AllowList) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let mut account = |why: String| problems.push(("/service_account", why));
        let is_word = |text: &str| {
            (1..=100).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-.:".contains(&it))
        };
        if !is_word(&self.project_id) {
            account("names no project_id".to_owned());
        }
        if !(3..=320).contains(&self.client_email.len()) || self.client_email.chars().any(char::is_control) {
            account("names no client_email".to_owned());
        }
        if let Err(why) = base(&self.token_uri, allow) {
            account(format!("names a token_uri that {why}"));
        }
        match secrets.get(&self.secret()) {
            None => account("is needed: the JSON file of the key that Google gave out".to_owned()),
            Some(pem) => {
                if let Err(why) = key(pem).and_then(|key| assertion(self, &key, Time::EPOCH)) {
                    account(why);
                }
            }
        }
        problems.extend(base(&self.base_url, allow).err().map(|why| ("/base_url", why)));
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
fn assertion(settings: &FcmSettings, key: &EncodingKey, now: Time) -> Result<String, String> {
    let header = Header { kid: settings.private_key_id.clone(), ..Header::new(Algorithm::RS256) };
    let iat = now.as_micros() / 1_000_000;
    let FcmSettings { client_email: iss, token_uri: aud, .. } = settings;
    let claims = Claims { iss, scope: SCOPE, aud, iat, exp: iat + 3_600 };
    jsonwebtoken::encode(&header, &claims, key).map_err(|_| NO_KEY.to_owned())
}

/// Tells agents by Google.
pub struct Fcm {
    client: GuardedClient,
    settings: FcmSettings,
    key: EncodingKey,
    /// Held while a token is asked for, so that it is asked for once.
    access: Mutex<Access>,
}

impl fmt::Debug for Fcm {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fcm({})", self.settings.project_id)
    }
}

/// What we may do at present.
#[derive(Default)]
struct Access {
    token: Option<Token>,
    /// Why there is no token, and until when nobody asks again.
    failed: Option<(Outcome, Time)>,
}

#[derive(Clone)]
struct Token {
    authorization: HeaderValue,
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

impl Fcm {
    /// A sender with connections of its own; the reason if it cannot be used.
    pub fn new(settings: FcmSettings, secrets: &Secrets, allow: &AllowList) -> Result<Self, String> {
        let options = GuardOptions { allow: allow.clone(), http2_only: true, ..GuardOptions::default() };
        let client = GuardedClient::new(options).map_err(|error| error.to_string())?;
        let pem = secrets.get(&settings.secret()).ok_or("the key is missing")?;
        let key = key(pem)?;
        Ok(Self { client, settings, key, access: Mutex::default() })
    }

    /// Where the pushes go.
    pub fn base_url(&self) -> &str {
        &self.settings.base_url
    }

    /// Hands one push over.
    pub async fn send(&self, to: &KeptToken, push: &Push, now: Time) -> Outcome {
        let body = json!({ "message": message(&to.token.token, push) }).to_string();
        let project = &self.settings.project_id;
        let url = format!("{}/v1/projects/{project}/messages:send", self.settings.base_url.trim_end_matches('/'));
        let Ok(url) = url.parse::<Url>() else {
            return Outcome::Refused { answer: "the address is none".to_owned() };
        };
        let mut renewed = false;
        loop {
            let token = match self.token(now).await {
                Ok(token) => token,
                Err(outcome) => return outcome,
            };
            let request = match self.client.request(Method::POST, url.clone()) {
                Ok(request) => request.header(AUTHORIZATION, token.authorization.clone()),
                Err(why) => return refused(&why),
            };
            let request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
            let answer = match ask(request).await {
                Ok(answer) => answer,
                Err(outcome) => return outcome,
            };
            let fault = Fault::of(&answer);
            // Our token has ended early or was revoked; Apple's certificate at Google is another matter.
            let is_ours = answer.status == StatusCode::UNAUTHORIZED && fault.code != "THIRD_PARTY_AUTH_ERROR";
            if is_ours && !renewed && now.since(token.since) >= YOUNG {
                renewed = true;
                let mut access = self.access.lock().await;
                access.token.take_if(|held| held.since == token.since);
                continue;
            }
            return outcome(&answer, &fault, now);
        }
    }

    /// The access token, or a new one if it is about to end.
    async fn token(&self, now: Time) -> Result<Token, Outcome> {
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

    async fn grant(&self, now: Time) -> Result<Token, Outcome> {
        let assertion = assertion(&self.settings, &self.key, now).map_err(|answer| Outcome::Refused { answer })?;
        let form = Serializer::new(String::new())
            .append_pair("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")
            .append_pair("assertion", &assertion)
            .finish();
        let uri = self.settings.token_uri.parse::<Url>();
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
        Ok(Token { authorization, since: now, until: now.plus(lasts).minus(MARGIN) })
    }
}

/// A push in the words of the API.
fn message(token: &str, push: &Push) -> Value {
    let lasts = format!("{}s", KEPT.as_seconds());
    let android = json!({ "priority": "HIGH", "collapseKey": push.kind(), "ttl": lasts });
    let apple = |kind: &str, priority: &str, aps: Value| {
        let headers = json!({ "apns-push-type": kind, "apns-priority": priority, "apns-collapse-id": push.kind() });
        json!({ "headers": headers, "payload": { "aps": aps } })
    };
    match push {
        Push::WakeUp => json!({
            "token": token,
            "data": push.data(),
            "android": android,
            "apns": apple("background", "5", json!({ "content-available": 1 })),
        }),
        Push::Message { title, body, .. } => json!({
            "token": token,
            "data": push.data(),
            "notification": { "title": title, "body": body },
            "android": android,
            "apns": apple("alert", "10", json!({ "sound": "default", "content-available": 1 })),
        }),
    }
}

/// What Google says of a push it has not taken: a `google.rpc.Status`, with FCM's own word for it in the details.
struct Fault {
    /// FCM's word, or the general one.
    code: String,
    message: String,
}

impl Fault {
    fn of(answer: &Answer) -> Self {
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let error = &body["error"];
        let details = error["details"].as_array().map(Vec::as_slice).unwrap_or_default();
        let own = details.iter().find_map(|detail| detail["errorCode"].as_str());
        let code = own.or(error["status"].as_str()).unwrap_or_default().to_owned();
        Self { code, message: error["message"].as_str().unwrap_or_default().to_owned() }
    }
}

/// What an answer means.
fn outcome(answer: &Answer, fault: &Fault, now: Time) -> Outcome {
    if answer.status.is_success() {
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let name = body["name"].as_str().map(str::to_owned);
        return Outcome::Accepted { answer: answer.status.to_string(), message_id: name };
    }
    let said = match fault.code.as_str() {
        "" => answer.words(),
        code => format!("{} {code}: {}", answer.status.as_u16(), fault.message.chars().take(300).collect::<String>()),
    };
    match (answer.status, fault.code.as_str()) {
        (_, "UNREGISTERED") => Outcome::Gone { answer: said },
        // The token is of another project.
        (_, "SENDER_ID_MISMATCH") => Outcome::Refused { answer: said },
        (StatusCode::TOO_MANY_REQUESTS, _) => match answer.deferred_as(said, now) {
            Outcome::Deferred { answer, retry_after } => {
                Outcome::Deferred { answer, retry_after: retry_after.or(Some(QUOTA_PAUSE)) }
            }
            other => other,
        },
        // It concerns our account or project, which somebody may put right.
        (StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND, _) => answer.deferred_as(said, now),
        _ if answer.is_for_now() => answer.deferred_as(said, now),
        _ => Outcome::Refused { answer: said },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use std::time::Duration;

    use proptest::prelude::*;
    use reqwest::header::{HeaderMap, RETRY_AFTER};

    use super::*;

    fn answered(status: u16, code: &str, retry_after: Option<&str>) -> Outcome {
        let body = match code {
            "" => "<html>".to_owned(),
            code => {
                let details = json!([
                    { "@type": "type.googleapis.com/google.rpc.BadRequest" },
                    { "@type": "type.googleapis.com/google.firebase.fcm.v1.FcmError", "errorCode": code },
                ]);
                json!({ "error": { "code": status, "status": "X", "message": "why", "details": details } }).to_string()
            }
        };
        let headers: HeaderMap = retry_after.iter().map(|it| (RETRY_AFTER, it.parse().unwrap())).collect();
        let answer = Answer { status: StatusCode::from_u16(status).unwrap(), headers, body };
        outcome(&answer, &Fault::of(&answer), Time::EPOCH)
    }

    #[test]
    fn answers_mean_what_google_says_they_mean() {
        assert_eq!(answered(404, "UNREGISTERED", None), Outcome::Gone { answer: "404 UNREGISTERED: why".to_owned() });
        for (status, code) in [(400, "INVALID_ARGUMENT"), (403, "SENDER_ID_MISMATCH"), (413, "")] {
            assert!(matches!(answered(status, code, None), Outcome::Refused { .. }), "{status} {code}");
        }
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (status, code, asks, expected) in [
            (429, "QUOTA_EXCEEDED", None, seconds(60)),
            (429, "QUOTA_EXCEEDED", Some("7"), seconds(7)),
            (503, "UNAVAILABLE", Some("7"), seconds(7)),
            (503, "", None, None),
            (500, "INTERNAL", None, None),
            (401, "THIRD_PARTY_AUTH_ERROR", None, None),
            (401, "", None, None),
            (403, "", None, None),
            (404, "", None, None),
        ] {
            let outcome = answered(status, code, asks);
            assert!(
                matches!(&outcome, Outcome::Deferred { retry_after, .. } if *retry_after == expected),
                "{status} {code}: {outcome:?}"
            );
        }
    }

    #[test]
    fn a_service_account_is_read_or_refused() {
        let refused = |text: &str| FcmSettings::of_service_account(text, GOOGLE.to_owned()).unwrap_err();
        assert!(refused("{").starts_with("must be the JSON file"));
        assert!(refused("{}").contains("missing field"));
        let text = json!({ "type": "authorized_user", "project_id": "p", "private_key": "k", "client_email": "e",
            "token_uri": "https://oauth2.googleapis.com/token", "universe_domain": "googleapis.com" });
        assert!(refused(&text.to_string()).contains("authorized_user"));
        let mut good = text;
        good["type"] = json!("service_account");
        let (settings, private_key) = FcmSettings::of_service_account(&good.to_string(), GOOGLE.to_owned()).unwrap();
        assert_eq!((settings.project_id.as_str(), private_key.as_str()), ("p", "k"));
        let secrets = Secrets::from([(settings.secret(), private_key)]);
        let pointers = |settings: &FcmSettings, secrets: &Secrets| {
            let problems = settings.problems(secrets, &AllowList::default());
            problems.into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>()
        };
        assert_eq!(pointers(&settings, &secrets), ["/service_account", "/service_account"], "no address, no key");
        let moved = FcmSettings { base_url: "http://127.0.0.1:1".into(), client_email: "a@b".into(), ..settings };
        assert_eq!(pointers(&moved, &secrets), ["/service_account", "/base_url"], "the key was for another place");
    }

    proptest! {
        #[test]
        fn whatever_is_answered_means_something(status in 200_u16..600, body in "\\PC{0,300}") {
            let answer = Answer { status: StatusCode::from_u16(status).unwrap(), headers: HeaderMap::new(), body };
            let outcome = outcome(&answer, &Fault::of(&answer), Time::EPOCH);
            prop_assert_eq!(matches!(outcome, Outcome::Accepted { .. }), status < 300);
        }
    }
}
