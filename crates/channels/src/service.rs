//! Other people's services over HTTP: their addresses, and what they answer, as outcomes.

use std::time::Duration;

use allclear_domain::time::Time;
use allclear_guard::{AllowList, Refused, read_body, retry_after, words};
use reqwest::{RequestBuilder, StatusCode, Url, header::HeaderMap};

use crate::outcome::Outcome;

/// How long a service may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer that is read where the status says what matters, in bytes.
const LONGEST: usize = 16 * 1024;
/// The longest answer that is shown, in characters.
const SHOWN: usize = 500;

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    /// The status and what was said, for people.
    pub(crate) fn words(&self) -> String {
        let said: String = self.body.trim().chars().take(SHOWN).collect();
        if said.is_empty() { self.status.to_string() } else { format!("{}: {said}", self.status) }
    }

    /// Not now.
    pub(crate) fn deferred(&self, now: Time) -> Outcome {
        self.deferred_as(self.words(), now)
    }

    /// Not now, in other words.
    pub(crate) fn deferred_as(&self, answer: String, now: Time) -> Outcome {
        Outcome::Deferred { answer, retry_after: retry_after(&self.headers, Some(now.to_jiff())) }
    }

    /// Whether the same may succeed later: too many requests, or a failure of the service.
    pub(crate) fn is_for_now(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error()
    }
}

/// What is wrong with the address of a service.
pub(crate) fn base(text: &str, allow: &AllowList) -> Result<(), String> {
    let url = text.parse::<Url>().ok().filter(|url| url.query().is_none() && url.fragment().is_none());
    match url.filter(|url| url.username().is_empty() && url.password().is_none() && text.len() <= 500) {
        Some(url) => allow.check(&url).map_err(|refused| format!("cannot be used: {refused}")),
        None => Err("must be an address without a query or a name in it".to_owned()),
    }
}

/// Sends a request and reads the answer; the outcome if there is none. An answer that is too long, or breaks off, is as
/// good as its status.
pub(crate) async fn ask(request: RequestBuilder) -> Result<Answer, Outcome> {
    let response = request.timeout(PATIENCE).send().await.map_err(|error| unanswered(&error))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = read_body(response, LONGEST).await.unwrap_or_default();
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// Sends a request and reads the answer, which may be long, to its end; the outcome if there is none, or if it has more
/// than `longest` bytes.
pub(crate) async fn ask_whole(request: RequestBuilder, longest: usize) -> Result<Answer, Outcome> {
    let response = request.timeout(2 * PATIENCE).send().await.map_err(|error| unanswered(&error))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = read_body(response, longest).await;
    let body = body.map_err(|error| Outcome::Deferred { answer: words(&error), retry_after: None })?;
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// A request that may not be made, now or ever.
pub(crate) fn refused(refused: &Refused) -> Outcome {
    Outcome::Refused { answer: refused.to_string() }
}

fn unanswered(error: &reqwest::Error) -> Outcome {
    match Refused::behind(error) {
        Some(why) => refused(why),
        None => Outcome::Deferred { answer: format!("no answer: {}", words(error)), retry_after: None },
    }
}
