//! Why Google has not done what it was asked, and whether it may do so later.

use std::time::Duration;

use allclear_domain::time::Time;
use allclear_guard::retry_after;
use reqwest::StatusCode;

use crate::{google::Fault, outcome::Outcome, service::Answer};

/// Why Google has not done what it was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be asked, until somebody changes the settings.
    #[error("{reason}")]
    Permanent {
        /// Why, in words.
        reason: String,
    },
    /// Not now: the same may be asked again.
    #[error("{reason}")]
    Later {
        /// What was said, or why there was no answer.
        reason: String,
        /// How long Google asks to be left alone.
        after: Option<Duration>,
    },
    /// There is no such thing, or not any more.
    #[error("{message}")]
    NotFound {
        /// What was said.
        message: String,
    },
    /// It does not do that.
    #[error("{message}")]
    Refused {
        /// The status of the answer, for example 403.
        status: u16,
        /// What was said.
        message: String,
    },
}

impl From<Outcome> for Error {
    /// Why there is no answer.
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Deferred { answer, retry_after } => Self::Later { reason: answer, after: retry_after },
            Outcome::Accepted { answer: reason, .. }
            | Outcome::Refused { answer: reason }
            | Outcome::Gone { answer: reason } => Self::Permanent { reason },
        }
    }
}

impl Error {
    /// What an answer means that is no success.
    pub(super) fn of(answer: &Answer, now: Time) -> Self {
        let fault = Fault::of(answer);
        let message = fault.words(answer);
        match answer.status {
            StatusCode::NOT_FOUND => Self::NotFound { message },
            // Somebody else changes the same; or our account is at fault, which somebody may put right.
            StatusCode::CONFLICT if fault.code != "ABORTED" => Self::Refused { status: 409, message },
            StatusCode::CONFLICT | StatusCode::UNAUTHORIZED | StatusCode::REQUEST_TIMEOUT => {
                Self::later(answer, message, now)
            }
            _ if answer.is_for_now() => Self::later(answer, message, now),
            status => Self::Refused { status: status.as_u16(), message },
        }
    }

    fn later(answer: &Answer, reason: String, now: Time) -> Self {
        Self::Later { reason, after: retry_after(&answer.headers, Some(now.to_jiff())) }
    }
}

pub(super) fn permanent(reason: &str) -> Error {
    Error::Permanent { reason: reason.to_owned() }
}

/// An answer of Google's that is not what it says it would be.
pub(super) fn strange(what: &str) -> Error {
    Error::Later { reason: format!("Google's answer has no {what}"), after: None }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use reqwest::header::{HeaderMap, RETRY_AFTER};
    use serde_json::json;

    use super::*;

    fn answered(status: u16, code: &str) -> Error {
        let body = match code {
            "" => "<html>".to_owned(),
            code => json!({ "error": { "code": status, "status": code, "message": "why" } }).to_string(),
        };
        let headers = HeaderMap::from_iter([(RETRY_AFTER, "7".parse().unwrap())]);
        Error::of(&Answer { status: StatusCode::from_u16(status).unwrap(), headers, body }, Time::EPOCH)
    }

    #[test]
    fn answers_mean_what_google_says_they_mean() {
        assert_eq!(answered(404, "NOT_FOUND"), Error::NotFound { message: "404 NOT_FOUND: why".into() });
        let after = Some(Duration::from_secs(7));
        for (status, code) in
            [(429, "RESOURCE_EXHAUSTED"), (503, "UNAVAILABLE"), (500, ""), (409, "ABORTED"), (401, ""), (408, "")]
        {
            assert!(matches!(answered(status, code), Error::Later { after: it, .. } if it == after), "{status} {code}");
        }
        for (status, code) in [
            (400, "INVALID_ARGUMENT"),
            (400, "FAILED_PRECONDITION"),
            (403, "PERMISSION_DENIED"),
            (409, "ALREADY_EXISTS"),
            (301, ""),
        ] {
            assert!(
                matches!(answered(status, code), Error::Refused { status: it, .. } if it == status),
                "{status} {code}"
            );
        }
    }
}
