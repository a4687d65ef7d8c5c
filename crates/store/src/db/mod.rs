//! The database: closures run as transactions on SQLite or PostgreSQL, with one text of SQL for both.
//!
//! [`Db::read`] and [`Db::write`] send a synchronous closure to a worker thread that owns a connection. Nothing can be
//! awaited while a transaction is open, and a caller who goes away leaves none behind: the closure is finished or
//! rolled back without them. Statements are written once, in the subset both databases understand, with parameters
//! `$1`, `$2`, …; [`Dialect`] has the few clauses that differ.
//!
//! This module must not know what is stored: no table, no domain type.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
    thread::JoinHandle,
};

use tokio::sync::oneshot;

mod backup;
mod build;
mod checkpoint;
mod error;
mod job;
pub mod migrate;
mod options;
mod postgres;
mod row;
mod sql;
mod sqlite;
mod tls;
mod tx;
mod value;

pub use backup::restore;
pub use build::build;
pub use error::Error;
pub use options::{DatabaseUrl, Dialect, Options, Synchronous};
pub use row::{Column, FromRow, Row, ValueRef};
pub use tx::Tx;
pub use value::Value;

use job::{Kind, Request};

/// A handle on an open database; clones share it.
#[derive(Clone)]
pub struct Db(Arc<Inner>);

struct Inner {
    options: Options,
    queues: RwLock<Option<Queues>>,
    /// In the order they are waited for: SQLite's writer last, so that it empties the log.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Queues {
    read: flume::Sender<Request>,
    write: flume::Sender<Request>,
    /// Its end stops the checkpointer.
    _checkpoint: Option<flume::Sender<()>>,
}

/// How large the database is, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// The database itself.
    pub database_bytes: u64,
    /// SQLite's write-ahead log; 0 on PostgreSQL.
    pub wal_bytes: u64,
}

impl Db {
    /// Opens the database and starts its workers. A SQLite file is made when missing, readable by its owner only.
    ///
    /// # Errors
    /// When the database cannot be reached, the file is not ours ([`Error::NotOurs`]) or an option makes no sense.
    pub async fn open(options: Options) -> Result<Db, Error> {
        tokio::task::spawn_blocking(|| Db::start(options)).await.map_err(|_| Error::Closed)?
    }

    fn start(options: Options) -> Result<Db, Error> {
        let (read, readers) = flume::bounded(options.queue.max(1));
        let (write, writers) = flume::bounded(options.queue.max(1));
        let mut threads = Vec::new();
        let mut checkpoint = None;
        match &options.url {
            DatabaseUrl::Sqlite(path) => {
                let writer = sqlite::Worker::writer(path, &options)?;
                for _ in 0..options.readers.max(1) {
                    let (worker, queue) = (sqlite::Worker::reader(path, &options)?, readers.clone());
                    threads.push(spawn("db-read", move || worker.work(&queue))?);
                }
                let (stop, stopped) = flume::bounded(0);
                let checkpointer = checkpoint::Checkpointer::open(path, &options)?;
                threads.push(spawn("db-checkpoint", move || checkpointer.work(&stopped))?);
                checkpoint = Some(stop);
                threads.push(spawn("db-write", move || writer.work(&writers))?);
            }
            DatabaseUrl::Postgres(url) => {
                let target = Arc::new(postgres::Target::new(url, &options)?);
                // Tells at once when the server cannot be reached; the others connect when they are needed.
                let mut first = postgres::Worker::new(Arc::clone(&target), Kind::Write)?;
                first.connect()?;
                let queue = writers.clone();
                threads.push(spawn("db-write", move || first.work(&queue))?);
                for _ in 1..options.writers.max(1) {
                    let (worker, queue) = (postgres::Worker::new(Arc::clone(&target), Kind::Write)?, writers.clone());
                    threads.push(spawn("db-write", move || worker.work(&queue))?);
                }
                for _ in 0..options.readers.max(1) {
                    let (worker, queue) = (postgres::Worker::new(Arc::clone(&target), Kind::Read)?, readers.clone());
                    threads.push(spawn("db-read", move || worker.work(&queue))?);
                }
            }
        }
        let queues = RwLock::new(Some(Queues { read, write, _checkpoint: checkpoint }));
        Ok(Db(Arc::new(Inner { options, queues, threads: Mutex::new(threads) })))
    }

    /// The dialect, for the clauses that differ.
    pub fn dialect(&self) -> Dialect {
        self.0.options.url.dialect()
    }

    /// Runs a closure that only reads, in a transaction that sees one consistent state. It may be run again after a
    /// conflict or a lost connection, and not at all when the caller has gone away before it started.
    ///
    /// # Errors
    /// What the closure returns; [`Error::Busy`] when too many wait already; [`Error::Closed`]; [`Error::Panic`].
    pub async fn read<T, E>(&self, f: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        E: From<Error> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(Kind::Read, f, false)?.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// [`Db::read`] for a closure that runs one statement only, which saves PostgreSQL two more. A second statement is
    /// refused.
    ///
    /// # Errors
    /// As [`Db::read`], and [`Error::Unsupported`] from a second statement.
    pub async fn read_single<T, E>(&self, f: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        E: From<Error> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(Kind::Read, f, true)?.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// Runs a closure that changes things; it is committed, durably, when this returns `Ok`, and rolled back when the
    /// closure returns an error. Writers are serial on SQLite. On PostgreSQL they run at READ COMMITTED: what is read
    /// to be changed is read with [`Dialect::for_update`], in the order of its key. A closure may be run again after a
    /// conflict or a lost connection, so all it does must be in the transaction or its result.
    ///
    /// # Errors
    /// As [`Db::read`], and [`Error::CommitUnknown`].
    pub async fn write<T, E>(&self, f: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        E: From<Error> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(Kind::Write, f, false)?.await.unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// [`Db::read`] for threads of their own; panics in asynchronous code. Not for closures of the same database, which
    /// could wait for themselves.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub fn blocking_read<T, E>(&self, f: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        E: From<Error> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(Kind::Read, f, false)?.blocking_recv().unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    /// [`Db::write`] for threads of their own; panics in asynchronous code. Not for closures of the same database, which
    /// could wait for themselves.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub fn blocking_write<T, E>(&self, f: impl Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static) -> Result<T, E>
    where
        E: From<Error> + Send + 'static,
        T: Send + 'static,
    {
        self.submit(Kind::Write, f, false)?.blocking_recv().unwrap_or_else(|_| Err(Error::Closed.into()))
    }

    fn submit<F, T, E>(&self, kind: Kind, f: F, single: bool) -> Result<oneshot::Receiver<Result<T, E>>, Error>
    where
        F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        E: From<Error> + Send + 'static,
        T: Send + 'static,
    {
        let queues = self.0.queues.read().unwrap_or_else(PoisonError::into_inner);
        let queues = queues.as_ref().ok_or(Error::Closed)?;
        let queue = match kind {
            Kind::Read => &queues.read,
            Kind::Write => &queues.write,
        };
        let (request, receiver) = job::request(f, single);
        queue.try_send(request).map_err(|e| match e {
            flume::TrySendError::Full(_) => Error::Busy,
            flume::TrySendError::Disconnected(_) => Error::Closed,
        })?;
        job::gauge_depth(kind, queue.len());
        Ok(receiver)
    }

    /// How large the database is.
    ///
    /// # Errors
    /// As [`Db::read`], or when the file cannot be looked at.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let DatabaseUrl::Sqlite(path) = &self.0.options.url else {
            let bytes = self.read(|tx| tx.query_opt::<i64>("SELECT pg_database_size(current_database())", &[])).await?;
            return Ok(Stats { database_bytes: bytes.unwrap_or(0).unsigned_abs(), wal_bytes: 0 });
        };
        let size = async |path: &Path| match tokio::fs::metadata(path).await {
            Ok(metadata) => Ok(metadata.len()),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(0),
            Err(source) => Err(Error::File { path: path.to_owned(), source }),
        };
        let wal = backup::beside(path, "-wal");
        Ok(Stats { database_bytes: size(path).await?, wal_bytes: size(&wal).await? })
    }

    /// Copies a SQLite database to a new file while it is in use. The copy is the state at one moment, checked, and
    /// complete or not there at all.
    ///
    /// # Errors
    /// [`Error::Exists`], [`Error::Corrupt`], the driver's, or [`Error::Unsupported`] on PostgreSQL.
    pub async fn backup(&self, to: &Path) -> Result<(), Error> {
        let DatabaseUrl::Sqlite(from) = self.0.options.url.clone() else {
            return Err(Error::Unsupported("a PostgreSQL database is backed up with pg_dump"));
        };
        let to = to.to_owned();
        tokio::task::spawn_blocking(move || backup::backup(&from, &to)).await.map_err(|_| Error::Closed)?
    }

    /// Takes no more transactions, finishes those queued and waits for the workers, for this handle and its clones.
    pub async fn close(&self) {
        drop(self.0.queues.write().unwrap_or_else(PoisonError::into_inner).take());
        let threads = std::mem::take(&mut *self.0.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let wait = move || threads.into_iter().for_each(|thread| drop(thread.join()));
        // It can only fail to run when the program is ending anyway.
        let _ = tokio::task::spawn_blocking(wait).await;
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, Error> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(|e| {
        tracing::error!(error = &e as &dyn std::error::Error, "cannot start a database worker");
        Error::Closed
    })
}
