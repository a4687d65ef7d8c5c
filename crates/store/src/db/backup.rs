//! Copies of a SQLite database, taken while it is in use, and their return.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{
    Connection, ErrorCode,
    backup::{Backup, StepResult},
};

use super::{Error, sqlite};

/// Pages copied between two pauses.
const STEP: i32 = 1024;
/// How long others get the disk to themselves between two steps.
const PAUSE: Duration = Duration::from_millis(2);

pub(super) fn backup(from: &Path, to: &Path) -> Result<(), Error> {
    refuse_existing(to)?;
    let conn = sqlite::open_file(from)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    copy_into_place(from, &conn, to)
}

/// Puts a backup in the place of a database that nobody has open.
///
/// # Errors
/// [`Error::Exists`] when there is one and `force` is not set, [`Error::InUse`] when it is open, [`Error::NotOurs`]
/// and [`Error::Corrupt`] when the backup is no good; then nothing has changed.
pub fn restore(backup: &Path, to: &Path, force: bool) -> Result<(), Error> {
    if !backup.is_file() {
        return Err(Error::File { path: backup.to_owned(), source: std::io::ErrorKind::NotFound.into() });
    }
    if !force {
        refuse_existing(to)?;
    }
    let conn = sqlite::open_file(backup)?;
    if !sqlite::is_ours(&conn)? {
        return Err(Error::NotOurs(backup.to_owned()));
    }
    check(backup, &conn)?;
    settle(to)?;
    copy_into_place(backup, &conn, to)
}

/// A file's sibling with `suffix` after the whole name, as SQLite names its own.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Copies to a sibling first, so that `to` is only ever complete.
fn copy_into_place(from: &Path, conn: &Connection, to: &Path) -> Result<(), Error> {
    let partial = beside(to, ".partial");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::File { path, source }
    };
    if partial.exists() {
        fs::remove_file(&partial).map_err(failed(&partial))?;
    }
    let copied = copy(from, conn, &partial);
    if copied.is_err() {
        // What is left of it is of no use; the error that matters is the one at hand.
        let _ = fs::remove_file(&partial);
    }
    copied?;
    File::open(&partial).and_then(|file| file.sync_all()).map_err(failed(&partial))?;
    fs::rename(&partial, to).map_err(failed(to))?;
    let directory = to.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed(directory))
}

fn copy(from: &Path, conn: &Connection, to: &Path) -> Result<(), Error> {
    // One read transaction around all steps: others' commits neither show nor make it start over.
    let snapshot = conn.unchecked_transaction()?;
    snapshot.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    if !sqlite::is_ours(conn)? {
        return Err(Error::NotOurs(from.to_owned()));
    }
    sqlite::create_private(to)?;
    let mut target = sqlite::open_file(to)?;
    let steps = Backup::new(conn, &mut target)?;
    loop {
        match steps.step(STEP)? {
            StepResult::Done => break,
            _ => std::thread::sleep(PAUSE),
        }
    }
    drop(steps);
    // One file, without a log beside it.
    target.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?;
    check(to, &target)
}

fn check(path: &Path, conn: &Connection) -> Result<(), Error> {
    let found: Result<String, _> = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0));
    match found {
        Ok(found) if found == "ok" => Ok(()),
        Ok(detail) => Err(Error::Corrupt { path: path.to_owned(), detail }),
        Err(e) if e.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            Err(Error::Corrupt { path: path.to_owned(), detail: e.to_string() })
        }
        Err(e) => Err(sqlite::busy_or(e)),
    }
}

fn refuse_existing(path: &Path) -> Result<(), Error> {
    if path.exists() { Err(Error::Exists(path.to_owned())) } else { Ok(()) }
}

/// Makes sure nobody has the database open, and leaves no log of it that would be taken for its successor's.
fn settle(path: &Path) -> Result<(), Error> {
    if path.exists() {
        // Leaving the write-ahead log needs the file for oneself. A file too damaged to open is nobody's.
        let left = sqlite::open_file(path)
            .and_then(|conn| Ok(conn.pragma_update_and_check(None, "journal_mode", "DELETE", |_| Ok(()))?));
        if let Err(Error::Sqlite(e)) = left
            && matches!(sqlite::busy_or(e), Error::Busy)
        {
            return Err(Error::InUse(path.to_owned()));
        }
    }
    for suffix in ["-wal", "-shm"] {
        match fs::remove_file(beside(path, suffix)) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::File { path: beside(path, suffix), source });
            }
            _ => {}
        }
    }
    Ok(())
}
