//! Text messages by an HTTP gateway in the style of Twilio's Messages API: a form is posted, later news comes as signed
//! callbacks ([`callback`]).
//!
//! An answer that is lost leaves open whether the message was taken: it is deferred and sent again, so that a message
//! arrives at least once.

pub mod callback;

use std::{error::Error as StdError, fmt, time::Duration};

use allclear_guard::{GuardedClient, Refused, read_body, retry_after, words};
use form_urlencoded::Serializer;
use reqwest::{Method, StatusCode, Url, header::CONTENT_TYPE};
use serde::{Deserialize, Serialize};

use super::Text;
use crate::outcome::Outcome;

/// How long the gateway may take to answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The longest answer that is read.
const LONGEST_ANSWER: usize = 64 * 1024;
/// How much of an answer that is not understood people are shown, in characters.
const SHOWN: usize = 200;
/// The longest that a gateway is left alone when it asks for it.
const LONGEST_REST: Duration = Duration::from_secs(60 * 60);

/// Errors that concern the account and what it is set up for; an administrator may put them right before the message
/// expires. From the provider's list of error codes.
const ABOUT_THE_ACCOUNT: &[u32] = &[
    20003, // authentication
    20404, // no such account
    21212, // the sender is invalid
    21408, // not enabled for the region
    21603, // no sender
    21606, // the sender cannot send
    21659, // the sender is not ours
    21660, // the sender belongs to another account
    21701, // no such messaging service
    21703, // the messaging service has no senders
];

/// How a gateway is reached and spoken to; the secret that signs requests in and callbacks is kept elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GatewaySettings {
    /// Where it is, before `/2010-04-01/…`.
    pub base_url: String,
    /// The account.
    pub account_sid: String,
    /// Whom messages come from.
    pub sender: Sender,
    /// Whether it is asked to post news of messages to us.
    pub status_callbacks: bool,
    /// How many requests may be under way at once, at least 1.
    pub requests: u16,
}

/// Whom messages come from.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sender {
    /// A number, short code or name.
    From(String),
    /// A messaging service, which chooses.
    MessagingService(String),
}

/// A gateway as a provider.
#[derive(Clone)]
pub struct Gateway {
    client: GuardedClient,
    url: Url,
    settings: GatewaySettings,
    auth_token: String,
    callback: Option<Url>,
}

impl fmt::Debug for Gateway {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gateway({})", self.url)
    }
}

/// What the gateway says of a message it made.
#[derive(Deserialize)]
struct Created {
    sid: String,
    status: String,
    error_code: Option<u32>,
    error_message: Option<String>,
}

/// What it says of a message it did not make.
#[derive(Deserialize)]
struct Fault {
    code: Option<u32>,
    message: String,
}

impl Gateway {
    /// A gateway that is asked through `client`, and told to post news of messages to `callback` if the settings want
    /// that; the reason if its address is none.
    pub fn new(
        client: GuardedClient,
        settings: GatewaySettings,
        auth_token: String,
        callback: Option<Url>,
    ) -> Result<Self, String> {
        let mut url: Url = settings.base_url.parse().map_err(|error| format!("the address: {error}"))?;
        match url.path_segments_mut() {
            Ok(mut path) => {
                path.pop_if_empty().extend(["2010-04-01", "Accounts", &settings.account_sid, "Messages.json"]);
            }
            Err(()) => return Err("the address is not one of a server".to_owned()),
        }
        let callback = callback.filter(|_| settings.status_callbacks);
        Ok(Self { client, url, settings, auth_token, callback })
    }

    /// Hands a message over.
    pub async fn send(&self, text: Text<'_>) -> Outcome {
        self.ask(text).await.0
    }

    /// Hands a message over, and says whether there was anybody to hand it to.
    pub(super) async fn ask(&self, text: Text<'_>) -> (Outcome, bool) {
        if let Err(outcome) = text.checked() {
            return (outcome, true);
        }
        match self.post(text).await {
            Ok((status, rest, body)) => (read(status, rest, &body), true),
            Err(Lost { answer, reached }) => (Outcome::Deferred { answer, retry_after: None }, reached),
        }
    }

    /// Asks whether the gateway is there, whatever it says.
    pub(super) async fn probe(&self) -> Result<(), String> {
        let mut url = self.url.clone();
        url.set_query(Some("PageSize=1"));
        let request = self.client.request(Method::GET, url).map_err(|refused| refused.to_string())?;
        let request = request.basic_auth(&self.settings.account_sid, Some(&self.auth_token)).timeout(TIMEOUT);
        request.send().await.map(drop).map_err(|error| unreachable(&error))
    }

    fn form(&self, text: Text<'_>) -> String {
        let mut form = Serializer::new(String::new());
        form.append_pair("To", text.to).append_pair("Body", text.body);
        match &self.settings.sender {
            Sender::From(from) => form.append_pair("From", from),
            Sender::MessagingService(sid) => form.append_pair("MessagingServiceSid", sid),
        };
        if let Some(callback) = &self.callback {
            form.append_pair("StatusCallback", callback.as_str());
        }
        form.finish()
    }

    async fn post(&self, text: Text<'_>) -> Result<(StatusCode, Option<Duration>, Vec<u8>), Lost> {
        let nobody = |answer| Lost { answer, reached: false };
        // It may have got through when it is not known how far it came.
        let lost = |error: &reqwest::Error| Lost { answer: unreachable(error), reached: !error.is_connect() };
        let request = self.client.request(Method::POST, self.url.clone());
        let request = request.map_err(|refused| nobody(refused.to_string()))?;
        let request = request
            .basic_auth(&self.settings.account_sid, Some(&self.auth_token))
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(self.form(text))
            .timeout(TIMEOUT);
        let response = request.send().await.map_err(|error| lost(&error))?;
        let status = response.status();
        let rest = retry_after(response.headers(), None);
        let body = read_body(response, LONGEST_ANSWER).await;
        let body = body.map_err(|error| Lost { answer: unreachable(&error), reached: true })?;
        Ok((status, rest.map(|rest| rest.min(LONGEST_REST)), body))
    }
}

/// Why there is no answer, and whether somebody may have heard the question.
struct Lost {
    answer: String,
    reached: bool,
}

/// Why there is no answer.
fn unreachable(error: &(dyn StdError + 'static)) -> String {
    match Refused::behind(error) {
        Some(refused) => refused.to_string(),
        None => format!("the gateway did not answer: {}", words(error)),
    }
}

/// What an answer means.
fn read(status: StatusCode, rest: Option<Duration>, body: &[u8]) -> Outcome {
    if status.is_success() {
        return match serde_json::from_slice::<Created>(body) {
            Ok(Created { status: state, error_code, error_message, .. }) if callback::has_failed(&state) => {
                let code = error_code.map(|code| format!(" {code}")).unwrap_or_default();
                Outcome::Refused { answer: format!("{state}{code} {}", error_message.unwrap_or_default()) }
            }
            Ok(created) => Outcome::Accepted { message_id: Some(created.sid), answer: created.status },
            Err(_) => Outcome::Accepted { message_id: None, answer: shown(status, body) },
        };
    }
    let fault = serde_json::from_slice::<Fault>(body).ok();
    let code = fault.as_ref().and_then(|fault| fault.code);
    let answer = match fault {
        Some(Fault { code: Some(code), message }) => format!("{} {code}: {message}", status.as_u16()),
        Some(Fault { code: None, message }) => format!("{}: {message}", status.as_u16()),
        None => shown(status, body),
    };
    let about_the_message = status.is_client_error()
        && !matches!(
            status,
            StatusCode::UNAUTHORIZED
                | StatusCode::FORBIDDEN
                | StatusCode::NOT_FOUND
                | StatusCode::REQUEST_TIMEOUT
                | StatusCode::TOO_MANY_REQUESTS
        )
        && !code.is_some_and(|code| ABOUT_THE_ACCOUNT.contains(&code));
    if about_the_message { Outcome::Refused { answer } } else { Outcome::Deferred { answer, retry_after: rest } }
}

/// The beginning of an answer that is not in the provider's form.
fn shown(status: StatusCode, body: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(body).chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    format!("{}: {text}", status.as_u16())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use proptest::prelude::*;

    use super::*;

    fn outcome(status: u16, body: &str) -> Outcome {
        read(StatusCode::from_u16(status).unwrap(), Some(Duration::from_secs(7)), body.as_bytes())
    }

    #[test]
    fn answers_mean_what_the_provider_says_they_mean() {
        let accepted = |message_id: Option<&str>, answer: &str| Outcome::Accepted {
            message_id: message_id.map(str::to_owned),
            answer: answer.to_owned(),
        };
        let refused = |answer: &str| Outcome::Refused { answer: answer.to_owned() };
        let deferred =
            |answer: &str| Outcome::Deferred { answer: answer.to_owned(), retry_after: Some(Duration::from_secs(7)) };
        for (status, body, expected) in [
            (201, r#"{"sid":"SM1","status":"queued","error_code":null}"#, accepted(Some("SM1"), "queued")),
            (201, "ok", accepted(None, "201: ok")),
            (
                201,
                r#"{"sid":"SM1","status":"failed","error_code":30006,"error_message":"Landline"}"#,
                refused("failed 30006 Landline"),
            ),
            (400, r#"{"code":21211,"message":"Invalid 'To'","status":400}"#, refused("400 21211: Invalid 'To'")),
            (400, r#"{"code":21606,"message":"Not yours"}"#, deferred("400 21606: Not yours")),
            (401, r#"{"code":20003,"message":"Authenticate"}"#, deferred("401 20003: Authenticate")),
            (404, r#"{"code":20404,"message":"Not found"}"#, deferred("404 20404: Not found")),
            (429, r#"{"code":20429,"message":"Too many"}"#, deferred("429 20429: Too many")),
            (422, r#"{"message":"what?"}"#, refused("422: what?")),
            (503, "<html>\n", deferred("503: <html>")),
            (301, "", deferred("301: ")),
        ] {
            assert_eq!(outcome(status, body), expected, "{status} {body}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_answered_means_something(status in 200_u16..600, body in "\\PC{0,300}") {
            let accepted = matches!(outcome(status, &body), Outcome::Accepted { .. });
            prop_assert!(accepted <= (200..300).contains(&status));
        }
    }
}
