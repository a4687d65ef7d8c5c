//! What push services answer, as outcomes.

use std::time::Duration;

use allclear_domain::time::Time;
use allclear_guard::{Refused, read_body, retry_after, words};
use reqwest::{RequestBuilder, StatusCode, header::HeaderMap};

use crate::outcome::Outcome;

/// How long a push service may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// The longest answer that is read, in bytes.
const LONGEST: usize = 16 * 1024;
/// The longest answer that is shown, in characters.
const SHOWN: usize = 500;

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl Answer {
    /// The status and what was said, for people.
    pub(super) fn words(&self) -> String {
        let said: String = self.body.trim().chars().take(SHOWN).collect();
        if said.is_empty() { self.status.to_string() } else { format!("{}: {said}", self.status) }
    }

    /// Not now.
    pub(super) fn deferred(&self, now: Time) -> Outcome {
        self.deferred_as(self.words(), now)
    }

    /// Not now, in other words.
    pub(super) fn deferred_as(&self, answer: String, now: Time) -> Outcome {
        Outcome::Deferred { answer, retry_after: retry_after(&self.headers, Some(now.to_jiff())) }
    }

    /// Whether the same may succeed later: too many requests, or a failure of the service.
    pub(super) fn is_for_now(&self) -> bool {
        self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error()
    }
}

/// Sends a request and reads the answer; the outcome if there is none.
pub(super) async fn ask(request: RequestBuilder) -> Result<Answer, Outcome> {
    let response = request.timeout(PATIENCE).send().await.map_err(|error| unanswered(&error))?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = read_body(response, LONGEST).await.unwrap_or_default();
    Ok(Answer { status, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// A request that may not be made, now or ever.
pub(super) fn refused(refused: &Refused) -> Outcome {
    Outcome::Refused { answer: refused.to_string() }
}

fn unanswered(error: &reqwest::Error) -> Outcome {
    match Refused::behind(error) {
        Some(why) => refused(why),
        None => Outcome::Deferred { answer: format!("no answer: {}", words(error)), retry_after: None },
    }
}
