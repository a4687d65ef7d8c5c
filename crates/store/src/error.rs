//! What can go wrong with what is kept.

use crate::db;

/// A failure of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// A stored value cannot be read or written.
    #[error("a stored {what} is damaged")]
    Damaged {
        /// What it should be.
        what: &'static str,
        /// Why it cannot be read.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// A value that cannot be read or written.
    pub fn damaged(what: &'static str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Damaged { what, source: source.into() }
    }

    /// Whether a unique key stood in the way.
    pub fn is_unique_violation(&self) -> bool {
        matches!(self, Error::Database(error) if error.is_unique_violation())
    }

    /// Whether something that is referred to is not there, or something that goes is still referred to.
    pub fn is_foreign_key_violation(&self) -> bool {
        matches!(self, Error::Database(error) if error.is_foreign_key_violation())
    }
}
