//! Google's push service (FCM, HTTP v1), signed in as a service account.

use std::fmt;

use allclear_domain::time::{Span, Time};
use allclear_engine::channels::Secrets;
use allclear_guard::{AllowList, GuardOptions, GuardedClient};
use allclear_store::push_tokens::KeptToken;
use reqwest::{
    Method, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Push;
use crate::{
    google::{AccessTokens, Fault, ServiceAccount},
    outcome::Outcome,
    service::{Answer, ask, base, refused},
};

/// Where Google takes pushes.
pub const GOOGLE: &str = "https://fcm.googleapis.com";

/// What a token lets us do.
const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
/// How long to wait where Google takes no more and does not say: its own advice.
const QUOTA_PAUSE: std::time::Duration = std::time::Duration::from_secs(60);
/// How long Google keeps a push for a device that cannot be reached.
const KEPT: Span = Span::days(7);

/// Whose pushes are sent, and where; the key is kept elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FcmSettings {
    /// The service account, of the Firebase project of the agent's app.
    #[serde(flatten)]
    pub account: ServiceAccount,
    /// Where pushes go; most often [`GOOGLE`].
    pub base_url: String,
}

impl FcmSettings {
    /// The settings of a service account, and its key; the reason if the text is none.
    pub fn of_service_account(text: &str, base_url: String) -> Result<(Self, String), String> {
        let (account, key) = ServiceAccount::read(text)?;
        Ok((Self { account, base_url }, key))
    }

    /// The name of the key's secret: another for another account or place, so that no token goes where it was not meant
    /// to.
    pub fn secret(&self) -> String {
        format!("fcm {} {} {}", self.account.client_email, self.account.token_uri, self.base_url)
    }

    /// What is wrong with these settings: JSON pointer and reason.
    pub fn problems(&self, secrets: &Secrets, allow: &AllowList) -> Vec<(&'static str, String)> {
        let account = self.account.problems(secrets.get(&self.secret()), allow);
        let mut problems: Vec<_> = account.into_iter().map(|why| ("/service_account", why)).collect();
        problems.extend(base(&self.base_url, allow).err().map(|why| ("/base_url", why)));
        problems
    }
}

/// Tells agents by Google.
pub struct Fcm {
    client: GuardedClient,
    settings: FcmSettings,
    tokens: AccessTokens,
}

impl fmt::Debug for Fcm {
    /// Without the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fcm({})", self.settings.account.project_id)
    }
}

impl Fcm {
    /// A sender with connections of its own; the reason if it cannot be used.
    pub fn new(settings: FcmSettings, secrets: &Secrets, allow: &AllowList) -> Result<Self, String> {
        let options = GuardOptions { allow: allow.clone(), http2_only: true, ..GuardOptions::default() };
        let client = GuardedClient::new(options).map_err(|error| error.to_string())?;
        let pem = secrets.get(&settings.secret());
        let tokens = AccessTokens::new(client.clone(), settings.account.clone(), pem, SCOPE)?;
        Ok(Self { client, settings, tokens })
    }

    /// Where the pushes go.
    pub fn base_url(&self) -> &str {
        &self.settings.base_url
    }

    /// Hands one push over.
    pub async fn send(&self, to: &KeptToken, push: &Push, now: Time) -> Outcome {
        let body = json!({ "message": message(&to.token.token, push) }).to_string();
        let project = &self.settings.account.project_id;
        let url = format!("{}/v1/projects/{project}/messages:send", self.settings.base_url.trim_end_matches('/'));
        let Ok(url) = url.parse::<Url>() else {
            return Outcome::Refused { answer: "the address is none".to_owned() };
        };
        let mut renewed = false;
        loop {
            let token = match self.tokens.get(now).await {
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
            if is_ours && !renewed && self.tokens.give_up(&token, now).await {
                renewed = true;
                continue;
            }
            return outcome(&answer, &fault, now);
        }
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

/// What an answer means.
fn outcome(answer: &Answer, fault: &Fault, now: Time) -> Outcome {
    if answer.status.is_success() {
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let name = body["name"].as_str().map(str::to_owned);
        return Outcome::Accepted { answer: answer.status.to_string(), message_id: name };
    }
    let said = fault.words(answer);
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
    fn what_is_kept_is_read_again_and_a_key_is_for_one_place() {
        let kept = json!({ "project_id": "p", "client_email": "e@p", "private_key_id": null, "base_url": GOOGLE,
            "token_uri": "https://oauth2.googleapis.com/token" });
        let settings: FcmSettings = serde_json::from_value(kept.clone()).unwrap();
        assert_eq!(serde_json::to_value(&settings).unwrap(), kept);
        let secret = settings.secret();
        assert_eq!(secret, format!("fcm e@p https://oauth2.googleapis.com/token {GOOGLE}"));
        let secrets = Secrets::from([(secret, "k".to_owned())]);
        let problems = |settings: &FcmSettings| settings.problems(&secrets, &AllowList::default());
        let said = problems(&settings);
        assert_eq!((said.len(), said[0].1.contains("private_key")), (1, true), "{said:?}");
        let moved = FcmSettings { base_url: "http://127.0.0.1:1".into(), ..settings };
        let pointers: Vec<_> = problems(&moved).into_iter().map(|(pointer, _)| pointer).collect();
        assert_eq!(pointers, ["/service_account", "/base_url"], "the key was for another place");
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
