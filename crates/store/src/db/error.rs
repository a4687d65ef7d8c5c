//! What can go wrong with the database. Knows nothing of what is stored in it.

use std::path::PathBuf;

/// A failure of the database or of the way to it. Sources are kept and never repeated in the message.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Too many transactions wait already, or another process holds the database; worth a later attempt.
    #[error("the database is busy")]
    Busy,
    /// The database was closed, or its workers could not be started.
    #[error("the database is closed")]
    Closed,
    /// The closure panicked; its transaction was rolled back.
    #[error("a database transaction panicked: {0}")]
    Panic(String),
    /// A statement had failed and the closure went on; the transaction was rolled back.
    #[error("the transaction was given up because a statement in it had failed")]
    Aborted,
    /// SQLite refused a statement or could not carry it out.
    #[error("SQLite reported an error")]
    Sqlite(#[from] rusqlite::Error),
    /// PostgreSQL refused a statement or could not be reached.
    #[error("PostgreSQL reported an error")]
    Postgres(#[from] tokio_postgres::Error),
    /// The connection broke while the commit was on its way: the transaction may or may not have been committed.
    #[error("the connection was lost during a commit, whose outcome is unknown")]
    CommitUnknown(#[source] tokio_postgres::Error),
    /// A column held something else than the program expects.
    #[error("column {column} holds {found}, not {wanted}")]
    Decode {
        /// The column's position in the result, from 0.
        column: usize,
        /// The Rust type asked for.
        wanted: &'static str,
        /// What was found instead.
        found: &'static str,
    },
    /// A built statement carries a kind of value the facade does not know, or an integer out of range.
    #[error("a statement was built with a value that cannot be bound: {0}")]
    Bind(String),
    /// The database URL or an option makes no sense.
    #[error("invalid database setting: {0}")]
    Options(String),
    /// A certificate could not be used.
    #[error("cannot set up TLS to PostgreSQL: {0}")]
    Tls(String),
    /// A file could not be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The schema could not be brought up to date.
    #[error(transparent)]
    Migration(#[from] super::migrate::MigrationError),
    /// The file is no SQLite database, or not one this program made.
    #[error("{} is not an Allclear database", .0.display())]
    NotOurs(PathBuf),
    /// The file is there already and was not to be replaced.
    #[error("{} exists already", .0.display())]
    Exists(PathBuf),
    /// The file is open in another process or in this one.
    #[error("{} is in use", .0.display())]
    InUse(PathBuf),
    /// The check of a database file found damage.
    #[error("{} is damaged: {detail}", path.display())]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The first thing the check complained about.
        detail: String,
    },
    /// The operation does not exist for this kind of database.
    #[error("{0}")]
    Unsupported(&'static str),
}

impl Error {
    /// Whether a unique or primary key was violated.
    pub fn is_unique_violation(&self) -> bool {
        use rusqlite::ffi::{SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID, SQLITE_CONSTRAINT_UNIQUE};
        self.is(
            &[SQLITE_CONSTRAINT_UNIQUE, SQLITE_CONSTRAINT_PRIMARYKEY, SQLITE_CONSTRAINT_ROWID],
            &tokio_postgres::error::SqlState::UNIQUE_VIOLATION,
        )
    }

    /// Whether a foreign key was violated.
    pub fn is_foreign_key_violation(&self) -> bool {
        self.is(&[rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY], &tokio_postgres::error::SqlState::FOREIGN_KEY_VIOLATION)
    }

    fn is(&self, sqlite: &[i32], postgres: &tokio_postgres::error::SqlState) -> bool {
        match self {
            Error::Sqlite(rusqlite::Error::SqliteFailure(e, _)) => sqlite.contains(&e.extended_code),
            Error::Postgres(e) => e.code() == Some(postgres),
            _ => false,
        }
    }
}
