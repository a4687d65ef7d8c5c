//! SQLite: one writer thread and several readers, each with its own connection.

use std::{collections::HashMap, ops::ControlFlow, path::Path, sync::Arc, time::Duration};

use rusqlite::{CachedStatement, ErrorCode, TransactionBehavior, ffi, params_from_iter};

use super::{
    Error, FromRow, Options, Row, Synchronous, Tx, Value,
    job::{Kind, Request, Started, Verdict},
    row::Source,
    sql,
    tx::Inner,
};

/// `ALLC`, in the header of every database this program makes.
const APPLICATION_ID: i32 = 0x414c_4c43;

/// A worker's connection.
pub(super) struct Worker {
    conn: rusqlite::Connection,
    texts: Texts,
    kind: Kind,
}

impl Worker {
    /// The one connection that changes anything; makes the file when it is missing.
    pub(super) fn writer(path: &Path, options: &Options) -> Result<Worker, Error> {
        if !options.page_size.is_power_of_two() || !(512..=65536).contains(&options.page_size) {
            return Err(Error::Options("page_size is a power of two from 512 to 65536".to_owned()));
        }
        create_private(path)?;
        let conn = connect(path, options)?;
        identify(&conn, path, options)?;
        enter_wal(&conn)?;
        // The checkpointer does it, off this thread.
        conn.pragma_update(None, "wal_autocheckpoint", 0)?;
        conn.pragma_update(None, "journal_size_limit", i64::from(options.checkpoint_mib) << 20)?;
        conn.pragma_update(None, "cache_size", -i64::from(options.cache_kib))?;
        Ok(Worker { conn, texts: Texts::default(), kind: Kind::Write })
    }

    /// A connection that can only read.
    pub(super) fn reader(path: &Path, options: &Options) -> Result<Worker, Error> {
        let conn = connect(path, options)?;
        conn.pragma_update(None, "cache_size", -i64::from(options.reader_cache_kib))?;
        conn.pragma_update(None, "query_only", true)?;
        Ok(Worker { conn, texts: Texts::default(), kind: Kind::Read })
    }

    /// Serves the queue until it is closed.
    pub(super) fn work(mut self, queue: &flume::Receiver<Request>) {
        while let Ok(request) = queue.recv() {
            if let Some(started) = request.take(self.kind, queue.len()) {
                self.run(started);
            }
        }
    }

    fn run(&mut self, mut started: Started) {
        let behavior = match self.kind {
            Kind::Read => TransactionBehavior::Deferred,
            Kind::Write => TransactionBehavior::Immediate,
        };
        let tx = match self.conn.transaction_with_behavior(behavior) {
            Ok(tx) => tx,
            Err(e) => return started.finish(Err(busy_or(e))),
        };
        let inner = Inner::Sqlite(Transaction { tx, texts: &mut self.texts });
        let mut tx = Tx::new(inner, started.job.is_single());
        let attempt = started.job.attempt(&mut tx);
        let outcome = match (Verdict::of(attempt, tx.failure()), tx.into_inner()) {
            (Verdict::Commit, Inner::Sqlite(inner)) => inner.tx.commit().map_err(busy_or),
            (Verdict::RollBack(outcome), _) => outcome,
            // SQLite has no conflicts once a transaction has begun.
            (Verdict::Commit | Verdict::Again(..), _) => Err(Error::Aborted),
        };
        started.finish(outcome);
    }
}

/// What a [`Tx`] does on SQLite. Rolled back when dropped.
pub(super) struct Transaction<'a> {
    tx: rusqlite::Transaction<'a>,
    texts: &'a mut Texts,
}

impl Transaction<'_> {
    fn prepare(&mut self, sql: &str) -> Result<CachedStatement<'_>, Error> {
        Ok(self.tx.prepare_cached(&self.texts.get(sql))?)
    }

    pub(super) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, Error> {
        Ok(self.prepare(sql)?.execute(params_from_iter(params))? as u64)
    }

    pub(super) fn execute_many(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<Vec<u64>, Error> {
        let mut statement = self.prepare(sql)?;
        rows.iter().map(|row| Ok(statement.execute(params_from_iter(row))? as u64)).collect()
    }

    pub(super) fn query_many<T: FromRow>(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<Vec<Vec<T>>, Error> {
        let mut statement = self.prepare(sql)?;
        rows.iter()
            .map(|row| {
                let mut found = Vec::new();
                let mut rows = statement.query(params_from_iter(row))?;
                while let Some(row) = rows.next()? {
                    found.push(T::from_row(&Row(Source::Sqlite(row)))?);
                }
                Ok(found)
            })
            .collect()
    }

    pub(super) fn scan(
        &mut self,
        sql: &str,
        params: &[Value],
        each: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        let mut statement = self.prepare(sql)?;
        let mut rows = statement.query(params_from_iter(params))?;
        while let Some(row) = rows.next()? {
            if each(&Row(Source::Sqlite(row)))?.is_break() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn batch(&mut self, sql: &str) -> Result<(), Error> {
        Ok(self.tx.execute_batch(sql)?)
    }
}

/// Statements with their parameters renumbered.
#[derive(Default)]
struct Texts(HashMap<Box<str>, Arc<str>>);

impl Texts {
    /// Far more than the program has; only built statements could ever get there.
    const MOST: usize = 4096;

    fn get(&mut self, sql: &str) -> Arc<str> {
        if let Some(text) = self.0.get(sql) {
            return Arc::clone(text);
        }
        if self.0.len() >= Self::MOST {
            self.0.clear();
        }
        let text: Arc<str> = sql::number_for_sqlite(sql).into();
        self.0.insert(sql.into(), Arc::clone(&text));
        text
    }
}

/// A connection to an existing file with the settings all of them share.
pub(super) fn connect(path: &Path, options: &Options) -> Result<rusqlite::Connection, Error> {
    let conn = open_file(path)?;
    conn.busy_timeout(options.busy_timeout)?;
    // The first settings look into the file, and fail on what is no database.
    if conn.pragma_query_value(None, "schema_version", |_| Ok(())).is_err() && !is_ours(&conn)? {
        return Err(Error::NotOurs(path.to_owned()));
    }
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "mmap_size", i64::from(options.mmap_mib) << 20)?;
    let synchronous = match options.synchronous {
        Synchronous::Full => "FULL",
        Synchronous::Normal => "NORMAL",
    };
    conn.pragma_update(None, "synchronous", synchronous)?;
    conn.set_prepared_statement_cache_capacity(options.statements);
    Ok(conn)
}

/// Opens a file that is there, under the name given and no other (no URI).
pub(super) fn open_file(path: &Path) -> Result<rusqlite::Connection, Error> {
    use rusqlite::OpenFlags;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(rusqlite::Connection::open_with_flags(path, flags)?)
}

/// Makes an empty file, readable by its owner only, when there is none.
pub(super) fn create_private(path: &Path) -> Result<(), Error> {
    let mut open = std::fs::OpenOptions::new();
    open.write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut open, 0o600);
    open.open(path).map(drop).map_err(|source| Error::File { path: path.to_owned(), source })
}

/// Whether the file is a database of this program.
pub(super) fn is_ours(conn: &rusqlite::Connection) -> Result<bool, Error> {
    match conn.pragma_query_value(None, "application_id", |row| row.get::<_, i32>(0)) {
        Ok(id) => Ok(id == APPLICATION_ID),
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::NotADatabase) => Ok(false),
        Err(e) => Err(busy_or(e)),
    }
}

/// Marks a new file as ours; refuses one that is somebody else's.
fn identify(conn: &rusqlite::Connection, path: &Path, options: &Options) -> Result<(), Error> {
    if is_ours(conn)? {
        return Ok(());
    }
    let is_empty = conn.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get::<_, bool>(0));
    if !matches!(is_empty, Ok(true)) {
        return Err(Error::NotOurs(path.to_owned()));
    }
    conn.pragma_update(None, "page_size", options.page_size)?;
    conn.pragma_update(None, "application_id", APPLICATION_ID).map_err(busy_or)
}

/// Switches to a write-ahead log. The busy timeout does not cover this when two processes start at once.
fn enter_wal(conn: &rusqlite::Connection) -> Result<(), Error> {
    for _ in 0..100 {
        match conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0)) {
            Ok(mode) if mode == "wal" => return Ok(()),
            Ok(mode) => return Err(Error::Options(format!("SQLite cannot use a write-ahead log here, only {mode}"))),
            Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                std::thread::sleep(Duration::from_millis(50));
            }
            Err(e) => return Err(e.into()),
        }
    }
    Err(Error::Busy)
}

/// [`Error::Busy`] when another process holds the database.
pub(super) fn busy_or(error: rusqlite::Error) -> Error {
    match error.sqlite_error().map(|e| e.extended_code & 0xff) {
        Some(ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED) => Error::Busy,
        _ => error.into(),
    }
}
