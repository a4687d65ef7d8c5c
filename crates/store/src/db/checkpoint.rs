//! Copies SQLite's write-ahead log into the database file, late and away from the writer.

use std::{path::Path, time::Duration};

use super::{Error, Options, sqlite};

/// How often the log is looked at.
const TICK: Duration = Duration::from_millis(250);
/// Ticks without a commit after which the log is emptied.
const IDLE_TICKS: u32 = 20;
/// A log this many times the threshold is emptied even if the writer must wait for it.
const TOO_LONG: u64 = 4;

/// The checkpointer's connection and what it has seen.
pub(super) struct Checkpointer {
    conn: rusqlite::Connection,
    page_size: u64,
    threshold: u64,
    /// The log as it was at the last look.
    last: Log,
    /// Looks since the log last changed.
    idle: u32,
    /// The length at which the log is emptied next; doubled while a reader, such as a backup, holds it.
    limit: u64,
}

/// The log, in bytes: all of it, and what is not yet in the database file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Log {
    all: u64,
    waiting: u64,
}

impl Checkpointer {
    pub(super) fn open(path: &Path, options: &Options) -> Result<Checkpointer, Error> {
        let conn = sqlite::connect(path, options)?;
        conn.pragma_update(None, "wal_autocheckpoint", 0)?;
        conn.pragma_update(None, "journal_size_limit", i64::from(options.checkpoint_mib) << 20)?;
        // Emptying the log keeps the writer waiting for readers, so not for long.
        conn.busy_timeout(Duration::from_millis(200))?;
        let page_size: i64 = conn.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let threshold = u64::from(options.checkpoint_mib.max(1)) << 20;
        let (last, idle, limit) = (Log::default(), 0, threshold * TOO_LONG);
        Ok(Checkpointer { conn, page_size: page_size.unsigned_abs(), threshold, last, idle, limit })
    }

    /// Works until `stop` is closed.
    pub(super) fn work(mut self, stop: &flume::Receiver<()>) {
        while stop.recv_timeout(TICK) == Err(flume::RecvTimeoutError::Timeout) {
            if let Err(error) = self.tick() {
                tracing::warn!(error = &error as &dyn std::error::Error, "checkpoint failed");
            }
        }
    }

    fn tick(&mut self) -> Result<(), rusqlite::Error> {
        let mut log = self.checkpoint("NOOP")?;
        metrics::gauge!("allclear_db_wal_bytes").set(log.all as f64);
        self.idle = if log == self.last { self.idle.saturating_add(1) } else { 0 };
        if log.waiting >= self.threshold {
            log = self.checkpoint("PASSIVE")?;
        }
        let is_idle = self.idle > 0 && self.idle.is_multiple_of(IDLE_TICKS);
        if log.all >= self.limit || (log.all > 0 && is_idle) {
            log = self.checkpoint("TRUNCATE")?;
            self.limit = if log.all >= self.limit { log.all * 2 } else { self.threshold * TOO_LONG };
        }
        self.last = log;
        Ok(())
    }

    fn checkpoint(&self, mode: &str) -> Result<Log, rusqlite::Error> {
        self.conn.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| {
            let all = row.get::<_, i64>(1)?.max(0).unsigned_abs();
            let done = row.get::<_, i64>(2)?.max(0).unsigned_abs();
            Ok(Log { all: all * self.page_size, waiting: all.saturating_sub(done) * self.page_size })
        })
    }
}
