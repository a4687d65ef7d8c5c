//! What can go wrong when something is asked of the engine, in words a caller can act on.

use allclear_store::db;

/// One thing wrong with what was handed in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// Where, as a JSON pointer into the request.
    pub pointer: String,
    /// What, in a sentence.
    pub detail: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// A failure of an operation. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] allclear_store::Error),
    /// There is no such thing, or it is another tenant's.
    #[error("there is no such {0}")]
    NotFound(&'static str),
    /// What was handed in cannot be.
    #[error("invalid: {}", .0.iter().map(|problem| format!("{} {}", problem.pointer, problem.detail)).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Problem>),
    /// It cannot be done in the present state of things.
    #[error("{0}")]
    Conflict(String),
    /// Somebody else changed it in the meantime; the present version is given.
    #[error("it was changed in the meantime: the present version is {0}")]
    Stale(i64),
    /// The caller may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// It was asked for a moment ago; it can be asked for again after that many seconds.
    #[error("it can be asked for again in {0} seconds")]
    TooSoon(u32),
    /// Too much waits already.
    #[error("the server is busy")]
    Busy,
    /// The engine is shutting down.
    #[error("the server is shutting down")]
    Closed,
    /// A secret could not be opened with the server's key.
    #[error("a stored secret cannot be opened with this server's key")]
    Sealed,
}

impl Error {
    /// One thing wrong at one place.
    pub fn invalid(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem::new(pointer, detail)])
    }

    /// The same, with the places of problems lying below another: for callers that hand in a part of their request.
    #[must_use]
    pub fn below(self, at: &str) -> Self {
        match self {
            Self::Invalid(problems) => Self::Invalid(
                problems
                    .into_iter()
                    .map(|problem| Problem { pointer: format!("{at}{}", problem.pointer), ..problem })
                    .collect(),
            ),
            other => other,
        }
    }

    /// Fails if there are problems.
    pub fn check(problems: Vec<Problem>) -> Result<(), Self> {
        if problems.is_empty() { Ok(()) } else { Err(Self::Invalid(problems)) }
    }
}

impl From<db::Error> for Error {
    fn from(error: db::Error) -> Self {
        match error {
            db::Error::Busy => Self::Busy,
            db::Error::Closed => Self::Closed,
            other => Self::Store(other.into()),
        }
    }
}
