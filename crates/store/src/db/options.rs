//! Where the database is and how it is driven.

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use super::Error;

/// The SQL dialect, for the few clauses that differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded database.
    Sqlite,
    /// A PostgreSQL server or one that speaks its protocol.
    Postgres,
}

impl Dialect {
    /// What follows a `SELECT` that reads rows in order to change them. SQLite has one writer and needs nothing.
    pub fn for_update(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR UPDATE",
        }
    }

    /// What follows a `SELECT` that claims rows of a queue and leaves those others are claiming.
    pub fn skip_locked(self) -> &'static str {
        match self {
            Dialect::Sqlite => "",
            Dialect::Postgres => " FOR UPDATE SKIP LOCKED",
        }
    }
}

/// Where the database is: `sqlite:PATH` or `postgres://…` (`postgresql://…`).
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A file, made when missing; its directory must exist.
    Sqlite(PathBuf),
    /// A PostgreSQL URL. Beside the driver's parameters it may hold `sslrootcert=FILE` (PEM).
    Postgres(String),
}

impl DatabaseUrl {
    /// The dialect spoken there.
    pub fn dialect(&self) -> Dialect {
        match self {
            DatabaseUrl::Sqlite(_) => Dialect::Sqlite,
            DatabaseUrl::Postgres(_) => Dialect::Postgres,
        }
    }
}

impl FromStr for DatabaseUrl {
    type Err = Error;

    fn from_str(url: &str) -> Result<Self, Error> {
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(DatabaseUrl::Postgres(url.to_owned()));
        }
        let Some(path) = url.strip_prefix("sqlite:") else {
            return Err(Error::Options("a database URL starts with sqlite: or postgres://".to_owned()));
        };
        match path.strip_prefix("//").unwrap_or(path) {
            "" | ":memory:" => Err(Error::Options("sqlite: needs the path of a file".to_owned())),
            path => Ok(DatabaseUrl::Sqlite(path.into())),
        }
    }
}

/// Without the user and password, so that it may be logged.
impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabaseUrl::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            DatabaseUrl::Postgres(url) => {
                let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
                let rest = rest.split('?').next().unwrap_or_default();
                write!(f, "postgres://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host))
            }
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// When SQLite waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// At every commit: what was acknowledged survives a power cut.
    #[default]
    Full,
    /// At checkpoints: a power cut may take the last commits, but never damages the file.
    Normal,
}

/// How the database is driven. Start from [`Options::new`] and change what differs.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the database is.
    pub url: DatabaseUrl,
    /// Connections (threads) that read; at least 1.
    pub readers: usize,
    /// Connections (threads) that write, PostgreSQL only; SQLite has one.
    pub writers: usize,
    /// Transactions that may wait for readers, and as many for writers; beyond that [`Error::Busy`].
    pub queue: usize,
    /// How long a transaction is tried again after conflicts or while the server cannot be reached.
    pub retry_for: Duration,
    /// Prepared statements kept by each connection.
    pub statements: usize,
    /// SQLite: when to wait for the disk.
    pub synchronous: Synchronous,
    /// SQLite: page cache of the writer, KiB.
    pub cache_kib: u32,
    /// SQLite: page cache of each reader, KiB.
    pub reader_cache_kib: u32,
    /// SQLite: how much of the file is read through memory mapping, MiB; 0 for none.
    pub mmap_mib: u32,
    /// SQLite: page size of a new file, bytes; a power of two from 512 to 65536.
    pub page_size: u32,
    /// SQLite: how much of the write-ahead log may wait before it is copied into the file, MiB.
    pub checkpoint_mib: u32,
    /// SQLite: how long another process may hold the database before [`Error::Busy`].
    pub busy_timeout: Duration,
}

impl Options {
    /// Sensible values for a server on a small machine.
    pub fn new(url: DatabaseUrl) -> Options {
        let postgres = url.dialect() == Dialect::Postgres;
        Options {
            url,
            readers: if postgres { 8 } else { 4 },
            writers: if postgres { 8 } else { 1 },
            queue: 1024,
            retry_for: Duration::from_secs(10),
            statements: 1024,
            synchronous: Synchronous::Full,
            cache_kib: 64 * 1024,
            reader_cache_kib: 8 * 1024,
            mmap_mib: 0,
            page_size: 4096,
            checkpoint_mib: 64,
            busy_timeout: Duration::from_secs(5),
        }
    }
}
