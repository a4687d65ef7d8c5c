//! Apple's push service: HTTP/2, signed in by a token of the team's key, or by a push certificate for the management of
//! devices ([`Mdm`]).

use std::{
    fmt,
    sync::{Mutex, PoisonError},
};

use allclear_domain::{
    push::{PushEnvironment, is_topic},
    time::{Span, Time},
};
use allclear_engine::{apple_mdm_settings::AppleMdmSettings, channels::Secrets};
use allclear_guard::{AllowList, ClientIdentity, GuardOptions, GuardedClient};
use allclear_pki::{Certificate, Identity};
use allclear_store::push_tokens::KeptToken;
use data_encoding::HEXLOWER;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use reqwest::{
    Method, StatusCode, Url,
    header::{AUTHORIZATION, HeaderMap, HeaderValue},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Push;
use crate::{
    outcome::Outcome,
    service::{Answer, ask, base, refused},
};

/// Where Apple takes pushes for apps that people use.
pub const PRODUCTION: &str = "https://api.push.apple.com";
/// Where it takes those for apps that a developer runs.
pub const SANDBOX: &str = "https://api.sandbox.push.apple.com";

/// How long a token of ours is shown. Apple wants a new one at least each hour and at most each 20 minutes; one that begins
/// with a half hour of the clock is the same on all nodes, and after a restart.
const TOKEN_LASTS: i64 = 30 * 60;
/// How long Apple keeps a push for a device that cannot be reached.
const KEPT: Span = Span::days(7);

/// How Apple's push service is signed in to; the key is kept elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApnsSettings {
    /// Which of the team's keys.
    pub key_id: String,
    /// The team.
    pub team_id: String,
    /// The bundle id of the agent's app, where a device names no other.
    pub topic: String,
    /// Where it is; none: at Apple, by the environment of each device's app.
    pub base_url: Option<String>,
}

impl ApnsSettings {
    /// The name of the key's secret. A token for another team or place is signed by another key, so that none goes where
    /// it was not meant to.
    pub fn secret(&self) -> String {
        format!("apns {} {} {}", self.team_id, self.key_id, self.base_url.as_deref().unwrap_or_default())
    }

    /// What is wrong with these settings: JSON pointer and reason.
    pub fn problems(&self, secrets: &Secrets, allow: &AllowList) -> Vec<(&'static str, String)> {
        let mut problems = Vec::new();
        let is_id = |id: &str| id.len() == 10 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        for (pointer, id) in [("/key_id", &self.key_id), ("/team_id", &self.team_id)] {
            if !is_id(id) {
                problems.push((pointer, "must be the ten letters and digits that Apple shows".to_owned()));
            }
        }
        if !is_topic(&self.topic) {
            problems.push(("/topic", "must be a bundle id such as com.example.app".to_owned()));
        }
        if let Some(base_url) = &self.base_url {
            problems.extend(base(base_url, allow).err().map(|why| ("/base_url", why)));
        }
        match secrets.get(&self.secret()) {
            None => problems.push(("/private_key", "is needed: the .p8 file that Apple gave out".to_owned())),
            Some(pem) => {
                let tried = key(pem).and_then(|key| signed(self, &key, Time::EPOCH));
                problems.extend(tried.err().map(|why| ("/private_key", why)));
            }
        }
        problems
    }
}

/// Claims of a token of ours.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    iat: i64,
}

fn key(pem: &str) -> Result<EncodingKey, String> {
    EncodingKey::from_ec_pem(pem.trim().as_bytes()).map_err(|_| NO_KEY.to_owned())
}

const NO_KEY: &str = "must be a private key of P-256 in PEM, as Apple's .p8 file holds it";

fn signed(settings: &ApnsSettings, key: &EncodingKey, at: Time) -> Result<HeaderValue, String> {
    let header = Header { kid: Some(settings.key_id.clone()), ..Header::new(Algorithm::ES256) };
    let claims = Claims { iss: &settings.team_id, iat: at.as_micros() / 1_000_000 };
    let token = jsonwebtoken::encode(&header, &claims, key).map_err(|_| NO_KEY.to_owned())?;
    let mut value = HeaderValue::try_from(format!("bearer {token}")).map_err(|_| NO_KEY.to_owned())?;
    value.set_sensitive(true);
    Ok(value)
}

/// Tells agents on Apple's devices.
pub struct Apns {
    client: GuardedClient,
    settings: ApnsSettings,
    key: EncodingKey,
    /// The token in use, and when it begins.
    token: Mutex<Option<(Time, HeaderValue)>>,
}

impl fmt::Debug for Apns {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Apns({})", self.settings.topic)
    }
}

impl Apns {
    /// A sender with connections of its own: Apple takes one team on each. The reason if it cannot be used.
    pub fn new(settings: ApnsSettings, secrets: &Secrets, allow: &AllowList) -> Result<Self, String> {
        let options = GuardOptions { allow: allow.clone(), http2_only: true, ..GuardOptions::default() };
        let client = GuardedClient::new(options).map_err(|error| error.to_string())?;
        let pem = secrets.get(&settings.secret()).ok_or("the key is missing")?;
        let key = key(pem)?;
        Ok(Self { client, settings, key, token: Mutex::default() })
    }

    fn authorization(&self, now: Time) -> Result<HeaderValue, String> {
        let seconds = now.as_micros() / 1_000_000;
        let begins = Time::EPOCH.plus(Span::seconds(seconds - seconds.rem_euclid(TOKEN_LASTS)));
        let mut token = self.token.lock().unwrap_or_else(PoisonError::into_inner);
        match token.as_ref() {
            Some((at, value)) if *at == begins => Ok(value.clone()),
            _ => {
                let value = signed(&self.settings, &self.key, begins)?;
                *token = Some((begins, value.clone()));
                Ok(value)
            }
        }
    }

    /// Where the pushes for an app of this environment go.
    pub fn base_url(&self, environment: PushEnvironment) -> &str {
        self.settings.base_url.as_deref().unwrap_or(match environment {
            PushEnvironment::Production => PRODUCTION,
            PushEnvironment::Sandbox => SANDBOX,
        })
    }

    /// Hands one push over.
    pub async fn send(&self, to: &KeptToken, push: &Push, now: Time) -> Outcome {
        let authorization = match self.authorization(now) {
            Ok(authorization) => authorization,
            Err(answer) => return Outcome::Refused { answer },
        };
        let (kind, priority, aps) = match push {
            // A silent push of a higher priority is refused.
            Push::WakeUp => ("background", "5", json!({ "content-available": 1 })),
            Push::Message { title, body, .. } => {
                let alert = json!({ "title": title, "body": body });
                ("alert", "10", json!({ "alert": alert, "sound": "default", "content-available": 1 }))
            }
        };
        let mut body = json!(push.data());
        body["aps"] = aps;
        let headers = [
            ("apns-topic", to.token.topic.as_deref().unwrap_or(&self.settings.topic)),
            ("apns-push-type", kind),
            ("apns-priority", priority),
            ("apns-collapse-id", push.kind()),
        ];
        let request = Request { base_url: self.base_url(to.token.environment), token: &to.token.token, headers, body };
        post(&self.client, request, Some(authorization), to.changed_at, now).await
    }
}

/// Tells devices that Apple's management protocol has something for them. Signed in by the push certificate.
#[derive(Clone, Debug)]
pub struct Mdm {
    client: GuardedClient,
    base_url: String,
    topic: String,
}

/// What is wrong with where managed devices are to be woken.
pub fn mdm_problem(settings: &AppleMdmSettings, allow: &AllowList) -> Option<String> {
    base(settings.push_url.as_deref()?, allow).err()
}

/// Where a managed device is told, as it said in its last `TokenUpdate`.
#[derive(Clone, Copy)]
pub struct MdmToken<'a> {
    /// Its `Token`.
    pub token: &'a [u8],
    /// Its `PushMagic`.
    pub magic: &'a str,
    /// When it said so.
    pub changed_at: Time,
}

impl Mdm {
    /// A sender with connections of its own. `topic` is the `UID` in the subject of the push certificate
    /// (`com.apple.mgmt.…`), which is in `options.identity` with its key; `base_url` is most often [`PRODUCTION`].
    pub fn new(topic: String, base_url: String, options: GuardOptions) -> Result<Self, String> {
        if !is_topic(&topic) {
            return Err("the push certificate has no UID to be used as a topic".to_owned());
        }
        base(&base_url, &options.allow)?;
        let options = GuardOptions { http2_only: true, ..options };
        let client = GuardedClient::new(options).map_err(|error| error.to_string())?;
        Ok(Self { client, base_url, topic })
    }

    /// The sender as a tenant has set it up; the reason if it cannot be used.
    pub(super) fn open(settings: &AppleMdmSettings, identity: &Identity, allow: &AllowList) -> Result<Self, String> {
        let topic = identity.certificate().user_id().unwrap_or_default();
        let base_url = settings.push_url.clone().unwrap_or_else(|| PRODUCTION.to_owned());
        let der = |certificate: &Certificate| certificate.der().to_vec();
        let chain = std::iter::once(identity.certificate()).chain(identity.chain()).map(der).collect();
        let options = GuardOptions {
            allow: allow.clone(),
            extra_roots: settings.push_authority().iter().map(|root| der(root).into()).collect(),
            identity: Some(ClientIdentity::new(chain, identity.key().pkcs8_der().to_vec())),
            ..GuardOptions::default()
        };
        Self::new(topic, base_url, options)
    }

    /// Tells one device to ask for its commands. [`Outcome::Gone`] if it is not managed by this topic any more.
    pub async fn wake(&self, to: MdmToken<'_>, now: Time) -> Outcome {
        let token = HEXLOWER.encode(to.token);
        let headers = [("apns-topic", self.topic.as_str()), ("apns-push-type", "mdm"), ("apns-priority", "10")];
        let body = json!({ "mdm": to.magic });
        let request = Request { base_url: &self.base_url, token: &token, headers, body };
        post(&self.client, request, None, to.changed_at, now).await
    }
}

struct Request<'a, const N: usize> {
    base_url: &'a str,
    token: &'a str,
    headers: [(&'static str, &'a str); N],
    body: Value,
}

/// Hands one push over. `registered`: when the app said that the token is its own.
async fn post<const N: usize>(
    client: &GuardedClient,
    request: Request<'_, N>,
    authorization: Option<HeaderValue>,
    registered: Time,
    now: Time,
) -> Outcome {
    let url = format!("{}/3/device/{}", request.base_url.trim_end_matches('/'), request.token).parse::<Url>();
    let mut headers = HeaderMap::new();
    for (name, text) in request.headers {
        let Ok(value) = HeaderValue::from_str(text) else { return unsendable() };
        headers.insert(name, value);
    }
    headers.insert("apns-expiration", HeaderValue::from(now.plus(KEPT).as_micros() / 1_000_000));
    if let Some(authorization) = authorization {
        headers.insert(AUTHORIZATION, authorization);
    }
    let Ok(url) = url else { return unsendable() };
    let request = match client.request(Method::POST, url) {
        Ok(started) => started.headers(headers).body(request.body.to_string()),
        Err(why) => return refused(&why),
    };
    match ask(request).await {
        Ok(answer) => outcome(&answer, registered, now),
        Err(outcome) => outcome,
    }
}

fn unsendable() -> Outcome {
    Outcome::Refused { answer: "the push cannot be put into a request".to_owned() }
}

/// What Apple says of a push it has not taken.
#[derive(Default, Deserialize)]
struct Fault {
    reason: String,
    /// Since when it knows that the token is not used any more, in milliseconds.
    timestamp: Option<i64>,
}

/// What an answer means.
fn outcome(answer: &Answer, registered: Time, now: Time) -> Outcome {
    if answer.status.is_success() {
        let id = answer.headers.get("apns-id").and_then(|id| id.to_str().ok());
        return Outcome::Accepted { message_id: id.map(str::to_owned), answer: answer.words() };
    }
    let fault = serde_json::from_str::<Fault>(&answer.body).unwrap_or_default();
    let said = match fault.reason.as_str() {
        "" => answer.words(),
        reason => format!("{} {reason}", answer.status.as_u16()),
    };
    match answer.status {
        StatusCode::GONE => {
            let since = fault.timestamp.map(|millis| Time::from_micros(millis.saturating_mul(1_000)));
            if since.is_some_and(|since| since < registered) {
                // The app has come back: what is said is of the time before.
                return Outcome::Refused { answer: format!("{said}, before the app said that it is back") };
            }
            Outcome::Gone { answer: said }
        }
        // It concerns our key, certificate or clock, which somebody may put right.
        StatusCode::FORBIDDEN => answer.deferred_as(said, now),
        _ if answer.is_for_now() || fault.reason == "IdleTimeout" => answer.deferred_as(said, now),
        _ => Outcome::Refused { answer: said },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use allclear_domain::push::{PushProvider, PushToken};
    use proptest::prelude::*;
    use web_push_native::p256::{
        SecretKey,
        pkcs8::{EncodePrivateKey, LineEnding},
    };

    use super::*;

    fn settings() -> ApnsSettings {
        ApnsSettings {
            key_id: "ABC123DEFG".to_owned(),
            team_id: "DEF123GHIJ".to_owned(),
            topic: "com.example.agent".to_owned(),
            base_url: None,
        }
    }

    fn secrets(settings: &ApnsSettings) -> Secrets {
        let key = SecretKey::from_slice(&[7; 32]).unwrap();
        Secrets::from([(settings.secret(), key.to_pkcs8_pem(LineEnding::LF).unwrap().to_string())])
    }

    #[test]
    fn settings_that_make_no_sense_are_named() {
        let allow = AllowList::default();
        let pointers = |settings: &ApnsSettings, secrets: &Secrets| {
            settings.problems(secrets, &allow).into_iter().map(|(pointer, _)| pointer).collect::<Vec<_>>()
        };
        let good = settings();
        assert_eq!(pointers(&good, &secrets(&good)), [""; 0]);
        assert_eq!(pointers(&good, &Secrets::new()), ["/private_key"]);
        let bad = ApnsSettings {
            key_id: "short".into(),
            team_id: "DEF123GHI-".into(),
            topic: "a b".into(),
            base_url: Some("http://127.0.0.1:1".into()),
        };
        let wrong = Secrets::from([(bad.secret(), "no key".to_owned())]);
        assert_eq!(pointers(&bad, &wrong), ["/key_id", "/team_id", "/topic", "/base_url", "/private_key"]);
    }

    #[test]
    fn the_token_is_the_same_for_half_an_hour_and_everywhere() {
        let make = || Apns::new(settings(), &secrets(&settings()), &AllowList::default()).unwrap();
        let (one, other) = (make(), make());
        let at = |minutes: i64| Time::EPOCH.plus(Span::seconds(1_770_000_000 / 1800 * 1800 + minutes * 60));
        let begun = one.authorization(at(0)).unwrap();
        assert_eq!(one.authorization(at(29)).unwrap(), begun);
        assert_eq!(other.authorization(at(13)).unwrap(), begun, "another node, or this one after a restart");
        assert_ne!(one.authorization(at(30)).unwrap(), begun);
        assert!(begun.is_sensitive());
        assert_eq!(one.base_url(PushEnvironment::Sandbox), SANDBOX);
    }

    fn answer(status: u16, body: &str) -> Answer {
        let headers = HeaderMap::from_iter([(reqwest::header::RETRY_AFTER, HeaderValue::from_static("9"))]);
        Answer { status: StatusCode::from_u16(status).unwrap(), headers, body: body.to_owned() }
    }

    #[test]
    fn a_token_that_was_gone_before_it_came_back_is_kept() {
        let body = r#"{"reason":"Unregistered","timestamp":1000000}"#;
        let at = |seconds| Time::EPOCH.plus(Span::seconds(seconds));
        assert!(matches!(outcome(&answer(410, body), at(1_000), at(2_000)), Outcome::Gone { .. }));
        assert!(matches!(outcome(&answer(410, body), at(1_001), at(2_000)), Outcome::Refused { .. }));
        assert!(matches!(outcome(&answer(410, ""), at(1_001), at(2_000)), Outcome::Gone { .. }));
    }

    proptest! {
        #[test]
        fn whatever_is_answered_means_something(status in 200_u16..600, body in "\\PC{0,300}") {
            let outcome = outcome(&answer(status, &body), Time::EPOCH, Time::EPOCH);
            prop_assert_eq!(matches!(outcome, Outcome::Accepted { .. }), status < 300);
            prop_assert_eq!(matches!(outcome, Outcome::Gone { .. }), status == 410);
        }
    }

    #[tokio::test]
    async fn what_is_on_no_allow_list_is_not_asked() {
        let settings = ApnsSettings { base_url: Some("https://10.0.0.1".to_owned()), ..settings() };
        let apns = Apns::new(settings.clone(), &secrets(&settings), &AllowList::default()).unwrap();
        let token = PushToken {
            provider: PushProvider::Apns,
            token: "0123456789abcdef".to_owned(),
            topic: None,
            environment: PushEnvironment::Production,
        };
        let outcome = apns.send(&KeptToken { token, changed_at: Time::EPOCH }, &Push::WakeUp, Time::EPOCH).await;
        assert!(matches!(outcome, Outcome::Refused { .. }), "{outcome:?}");
    }
}
