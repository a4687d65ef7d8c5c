//! Brings the schema up to date: one history of numbered SQL files for both databases, only ever added to.
//!
//! Files are written in the portable subset (types BIGINT, BOOLEAN, TEXT, BYTEA, UUID, DOUBLE PRECISION). For
//! PostgreSQL two things are translated: the type `TEXT` becomes `TEXT COLLATE "C"`, which sorts as SQLite does, and
//! `WITHOUT ROWID` is dropped.

use sha2::{Digest, Sha256};

use super::{Db, Dialect, Error, Tx, sql};
use crate::params;

/// One step of the schema's history.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// Its place in the history, from 1 and rising.
    pub number: i64,
    /// A short name.
    pub name: &'static str,
    /// The statements, in the portable subset.
    pub sql: &'static str,
}

/// A step and whether the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Its place in the history.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// Whether it has been applied.
    pub applied: bool,
}

/// Why the schema cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// The database has a step this program does not know.
    #[error("the database is newer than this program: it has migration {number} ({name}); use the newer program")]
    Newer {
        /// The step.
        number: i64,
        /// Its name.
        name: String,
    },
    /// A step was changed after it had been applied.
    #[error(
        "migration {number} ({name}) is not the one that was applied to this database; migrations are never edited"
    )]
    Edited {
        /// The step.
        number: i64,
        /// Its name.
        name: String,
    },
    /// The program's own list is out of order, or has a new step before one already applied.
    #[error("migration {number} ({name}) is out of order")]
    OutOfOrder {
        /// The step.
        number: i64,
        /// Its name.
        name: String,
    },
    /// A step's statements failed; nothing was changed.
    #[error("migration {number} ({name}) failed")]
    Failed {
        /// The step.
        number: i64,
        /// Its name.
        name: String,
        /// Why.
        source: Box<Error>,
    },
}

/// The same key in every program that migrates, so that they take turns.
const LOCK: &str = "SELECT pg_advisory_xact_lock(4711180317)";
const CREATE: &str = "CREATE TABLE IF NOT EXISTS schema_migration \
                      (number BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL, hash TEXT NOT NULL)";
const EXISTS_SQLITE: &str = "SELECT COUNT(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migration'";
const EXISTS_POSTGRES: &str = "SELECT COUNT(*) FROM pg_catalog.pg_class \
                               WHERE oid = to_regclass('schema_migration')";
const APPLIED: &str = "SELECT number, name, hash FROM schema_migration ORDER BY number";
const INSERT: &str = "INSERT INTO schema_migration (number, name, hash) VALUES ($1, $2, $3)";

/// Applies what is missing, all in one transaction, and returns the numbers of what was applied. Several programs may
/// do it at the same time.
///
/// # Errors
/// [`Error::Migration`], or the database's.
pub async fn run(db: &Db, migrations: &[Migration]) -> Result<Vec<i64>, Error> {
    let migrations = migrations.to_vec();
    db.write(move |tx| {
        if tx.dialect() == Dialect::Postgres {
            tx.batch(LOCK)?;
        }
        batch(tx, CREATE)?;
        let pending = pending(&migrations, &applied(tx)?)?;
        for migration in pending {
            batch(tx, migration.sql).map_err(|source| MigrationError::Failed {
                number: migration.number,
                name: migration.name.to_owned(),
                source: Box::new(source),
            })?;
            tx.execute(INSERT, params![migration.number, migration.name, hash(migration.sql)])?;
        }
        Ok(pending.iter().map(|m| m.number).collect())
    })
    .await
}

/// Every step, in order, and whether the database has it; changes nothing.
///
/// # Errors
/// As [`run`].
pub async fn status(db: &Db, migrations: &[Migration]) -> Result<Vec<Status>, Error> {
    let migrations = migrations.to_vec();
    db.read(move |tx| {
        let exists = match tx.dialect() {
            Dialect::Sqlite => EXISTS_SQLITE,
            Dialect::Postgres => EXISTS_POSTGRES,
        };
        let applied = if tx.query_opt(exists, &[])? == Some(0_i64) { Vec::new() } else { applied(tx)? };
        let pending = pending(&migrations, &applied)?.first().map(|m| m.number);
        let status = |m: &Migration| Status {
            number: m.number,
            name: m.name.to_owned(),
            applied: pending.is_none_or(|first| m.number < first),
        };
        Ok(migrations.iter().map(status).collect())
    })
    .await
}

type Applied = (i64, String, String);

fn applied(tx: &mut Tx<'_>) -> Result<Vec<Applied>, Error> {
    tx.query(APPLIED, &[])
}

/// What is still to be done; an error when the two histories are not the same as far as they both go.
fn pending<'a>(migrations: &'a [Migration], applied: &[Applied]) -> Result<&'a [Migration], MigrationError> {
    if let Some([_, m]) = migrations.windows(2).map(|w| [w[0], w[1]]).find(|[a, b]| a.number >= b.number) {
        return Err(MigrationError::OutOfOrder { number: m.number, name: m.name.to_owned() });
    }
    for (i, (number, name, applied_hash)) in applied.iter().enumerate() {
        let (number, name) = (*number, name.clone());
        match migrations.get(i) {
            Some(m) if m.number == number && hash(m.sql) == *applied_hash => {}
            Some(m) if m.number == number => return Err(MigrationError::Edited { number, name }),
            Some(m) if m.number < number => {
                return Err(MigrationError::OutOfOrder { number: m.number, name: m.name.to_owned() });
            }
            _ => return Err(MigrationError::Newer { number, name }),
        }
    }
    Ok(&migrations[applied.len()..])
}

fn batch(tx: &mut Tx<'_>, statements: &str) -> Result<(), Error> {
    match tx.dialect() {
        Dialect::Sqlite => tx.batch(statements),
        Dialect::Postgres => tx.batch(&sql::schema_for_postgres(statements)),
    }
}

/// SHA-256 of the text without white space, which may be tidied.
fn hash(sql: &str) -> String {
    let mut hash = Sha256::new();
    for word in sql.split_whitespace() {
        hash.update(word);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
