//! A transaction as closures see it, the same over both drivers.

use std::ops::ControlFlow;

use super::{Dialect, Error, FromRow, Row, Value, postgres, sqlite};

/// An open transaction. It is committed when the closure returns `Ok`, else rolled back.
///
/// After a statement has failed nothing more can be done in it on either database ([`Error::Aborted`]), unless the
/// statement ran inside [`Tx::nested`].
pub struct Tx<'a> {
    inner: Inner<'a>,
    failure: Option<Failure>,
    /// How many statements it may still run, when that is limited.
    left: Option<u32>,
}

pub(super) enum Inner<'a> {
    Sqlite(sqlite::Transaction<'a>),
    Postgres(postgres::Transaction<'a>),
}

/// Why a transaction cannot go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// A statement failed for good.
    Statement,
    /// It lost against another transaction; the whole closure is run again.
    Conflict,
    /// A prepared statement no longer fits the schema; run again with statements prepared anew.
    Stale,
    /// The connection is gone; run again on another.
    Lost,
}

macro_rules! on {
    ($self:ident, $tx:ident => $call:expr) => {{
        $self.check()?;
        let result = match &mut $self.inner {
            Inner::Sqlite($tx) => $call,
            Inner::Postgres($tx) => $call,
        };
        $self.note(result)
    }};
}

impl<'a> Tx<'a> {
    pub(super) fn new(inner: Inner<'a>, is_single: bool) -> Tx<'a> {
        Tx { inner, failure: None, left: is_single.then_some(1) }
    }

    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure
    }

    pub(super) fn into_inner(self) -> Inner<'a> {
        self.inner
    }

    /// The dialect, for the clauses that differ.
    pub fn dialect(&self) -> Dialect {
        match self.inner {
            Inner::Sqlite(_) => Dialect::Sqlite,
            Inner::Postgres(_) => Dialect::Postgres,
        }
    }

    /// Runs one statement and returns the number of rows it changed.
    ///
    /// # Errors
    /// The driver's, or [`Error::Aborted`].
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, Error> {
        on!(self, tx => tx.execute(sql, params))
    }

    /// All rows of one statement, which may also change rows (`RETURNING`).
    ///
    /// # Errors
    /// The driver's, [`Error::Aborted`], or [`Error::Decode`].
    pub fn query<T: FromRow>(&mut self, sql: &str, params: &[Value]) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        self.scan(sql, params, &mut |row| {
            found.push(T::from_row(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// The first row of one statement, if there is one.
    ///
    /// # Errors
    /// As [`Tx::query`].
    pub fn query_opt<T: FromRow>(&mut self, sql: &str, params: &[Value]) -> Result<Option<T>, Error> {
        let mut found = None;
        self.scan(sql, params, &mut |row| {
            // Read to the end: a statement that changes rows must change all of them.
            if found.is_none() {
                found = Some(T::from_row(row)?);
            }
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(found)
    }

    /// Runs one statement once for each row of parameters, in order, and returns the numbers of rows changed.
    /// PostgreSQL is sent all of them before the first answer is waited for.
    ///
    /// # Errors
    /// As [`Tx::execute`], of the first that failed.
    pub fn execute_many(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<Vec<u64>, Error> {
        on!(self, tx => tx.execute_many(sql, rows))
    }

    /// The rows of one statement for each row of parameters, in order. Sent like [`Tx::execute_many`].
    ///
    /// # Errors
    /// As [`Tx::query`], of the first that failed.
    pub fn query_many<T: FromRow>(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<Vec<Vec<T>>, Error> {
        on!(self, tx => tx.query_many(sql, rows))
    }

    /// Shows each row of one statement to `each` as it arrives, until it breaks off; never holds all of them.
    ///
    /// # Errors
    /// As [`Tx::query`], and whatever `each` returns.
    pub fn scan(
        &mut self,
        sql: &str,
        params: &[Value],
        each: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        on!(self, tx => tx.scan(sql, params, each))
    }

    /// Runs several statements without parameters, separated by semicolons.
    ///
    /// # Errors
    /// As [`Tx::execute`].
    pub fn batch(&mut self, sql: &str) -> Result<(), Error> {
        on!(self, tx => tx.batch(sql))
    }

    /// Runs `f` under a savepoint: when it returns an error, only what it did is undone and the transaction goes on.
    ///
    /// # Errors
    /// What `f` returns, or the driver's.
    pub fn nested<T, E: From<Error>>(&mut self, f: impl FnOnce(&mut Tx<'a>) -> Result<T, E>) -> Result<T, E> {
        self.batch("SAVEPOINT nested")?;
        let result = match (f(self), self.failure) {
            // The whole closure will be run again.
            (result, Some(Failure::Conflict | Failure::Stale | Failure::Lost)) => return result,
            (Ok(_), Some(Failure::Statement)) => Err(Error::Aborted.into()),
            (result, _) => result,
        };
        self.failure = None;
        self.batch(match result {
            Ok(_) => "RELEASE SAVEPOINT nested",
            Err(_) => "ROLLBACK TO SAVEPOINT nested; RELEASE SAVEPOINT nested",
        })?;
        result
    }

    fn check(&mut self) -> Result<(), Error> {
        if self.failure.is_some() {
            return Err(Error::Aborted);
        }
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(1).ok_or(Error::Unsupported("this transaction is for a single statement"))?;
        }
        Ok(())
    }

    fn note<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.failure = match (error, &self.inner) {
                (Error::Postgres(e), Inner::Postgres(tx)) => Some(tx.classify(e)),
                (Error::Sqlite(_) | Error::Busy, _) => Some(Failure::Statement),
                _ => None,
            };
        }
        result
    }
}
