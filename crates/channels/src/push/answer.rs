//! What push services answer, as outcomes.

use std::{error::Error as StdError, time::Duration};

use allclear_domain::time::Time;
use allclear_guard::{Refused, read_body};
use reqwest::{
    RequestBuilder, StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};

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
        Outcome::Deferred { answer: self.words(), retry_after: retry_after(&self.headers, now) }
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

fn unanswered(error: &(dyn StdError + 'static)) -> Outcome {
    if let Some(why) = Refused::behind(error) {
        return refused(why);
    }
    let causes = std::iter::successors(Some(error), |&error| error.source());
    // The address may hold what nobody else may know; the causes beneath do not.
    let words: Vec<String> = causes.skip(1).map(ToString::to_string).collect();
    let answer = if words.is_empty() { "no answer".to_owned() } else { format!("no answer: {}", words.join(": ")) };
    Outcome::Deferred { answer, retry_after: None }
}

/// How long a service asks to be left alone: seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap, now: Time) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let at = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::from_micros(u64::try_from(Time::from(at).since(now).as_micros()).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;

    #[test]
    fn a_pause_is_read_in_seconds_and_as_a_date() {
        let now = Time::from("2026-11-06T08:49:00Z".parse::<jiff::Timestamp>().unwrap());
        for (text, expected) in [
            ("120", Some(120)),
            ("Fri, 06 Nov 2026 08:49:37 GMT", Some(37)),
            ("Fri, 06 Nov 2026 08:48:00 GMT", Some(0)),
            ("soon", None),
            ("-5", None),
        ] {
            let headers = HeaderMap::from_iter([(RETRY_AFTER, text.parse().unwrap())]);
            assert_eq!(retry_after(&headers, now), expected.map(Duration::from_secs), "{text}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}
