//! PostgreSQL: worker threads, each with its own connection and a runtime to drive it, so that closures stay
//! synchronous and statements that need no answer in between travel together.

use std::{
    collections::HashMap,
    future::poll_fn,
    ops::ControlFlow,
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use futures_util::{
    TryStreamExt,
    future::{MaybeDone, join, maybe_done},
};
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, RowStream, Statement, error::SqlState};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{
    Error, FromRow, Options, Row, Tx, Value,
    job::{Job, Kind, Request, Started, Verdict},
    row::Source,
    tx::{Failure, Inner},
};

/// Rows of parameters on their way at once.
const PIPELINE: usize = 1024;

/// What all workers need to connect.
pub(super) struct Target {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    pub(super) statements: usize,
    pub(super) retry_for: Duration,
}

impl Target {
    pub(super) fn new(url: &str, options: &Options) -> Result<Target, Error> {
        let (mut config, tls) = super::tls::parse(url)?;
        if config.get_application_name().is_none() {
            config.application_name("allclear");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(5));
        }
        Ok(Target { config, tls, statements: options.statements.max(1), retry_for: options.retry_for })
    }
}

/// A worker and its connection, if it has one at the moment.
pub(super) struct Worker {
    session: Option<Session>,
    target: Arc<Target>,
    kind: Kind,
    // Last, so that it outlives the connection it drives.
    runtime: Runtime,
}

struct Session {
    client: Client,
    statements: HashMap<Box<str>, Statement>,
}

impl Worker {
    pub(super) fn new(target: Arc<Target>, kind: Kind) -> Result<Worker, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| {
            tracing::error!(error = &e as &dyn std::error::Error, "cannot start a database worker");
            Error::Closed
        })?;
        Ok(Worker { session: None, target, kind, runtime })
    }

    /// Connects now rather than for the first transaction.
    pub(super) fn connect(&mut self) -> Result<(), Error> {
        self.session = Some(Session::open(&self.runtime, &self.target, self.kind)?);
        Ok(())
    }

    /// Serves the queue until it is closed. The connection is driven while waiting, so that its end is noticed.
    pub(super) fn work(mut self, queue: &flume::Receiver<Request>) {
        while let Ok(request) = self.runtime.block_on(queue.recv_async()) {
            if let Some(started) = request.take(self.kind, queue.len()) {
                self.run(started);
            }
        }
    }

    fn run(&mut self, mut started: Started) {
        let mut tries = 0;
        loop {
            let Some((again, failure, outcome)) = self.attempt(started) else { return };
            // While the server is away those who have waited in the queue do not wait as long again.
            let since = if failure == Failure::Lost { again.queued } else { again.started };
            if since.elapsed() >= self.target.retry_for {
                return again.finish(outcome);
            }
            metrics::counter!("allclear_db_retries_total").increment(1);
            std::thread::sleep(pause(failure, tries));
            started = again;
            tries += 1;
        }
    }

    /// Runs the closure once, in its own transaction; returns what is needed to try again if that makes sense.
    fn attempt(&mut self, mut started: Started) -> Option<Retry> {
        let (verdict, is_open) = match self.call(&mut *started.job) {
            Ok(called) => called,
            Err(error) if is_passing(&error) => return Some((started, Failure::Lost, Err(error))),
            Err(error) => {
                started.finish(Err(error));
                return None;
            }
        };
        if !is_open {
            // Nothing was run, or a single statement outside a transaction, which ended with it.
            let outcome = match verdict {
                Verdict::Commit => Ok(()),
                Verdict::RollBack(outcome) => outcome,
                Verdict::Again(failure, outcome) => {
                    self.forget(failure);
                    return Some((started, failure, outcome));
                }
            };
            started.finish(outcome);
            return None;
        }
        match verdict {
            Verdict::Commit if self.kind == Kind::Write => return self.commit(started),
            Verdict::Commit => {
                // Nothing can go wrong any more: the caller need not wait for the end of the transaction.
                started.finish(Ok(()));
                self.end("COMMIT");
            }
            Verdict::RollBack(outcome) => {
                self.end("ROLLBACK");
                started.finish(outcome);
            }
            Verdict::Again(failure, outcome) => {
                self.forget(failure);
                self.end("ROLLBACK");
                return Some((started, failure, outcome));
            }
        }
        None
    }

    fn commit(&mut self, started: Started) -> Option<Retry> {
        let Some(session) = &self.session else {
            started.finish(Err(Error::Closed));
            return None;
        };
        let Err(error) = self.runtime.block_on(session.client.batch_execute("COMMIT")) else {
            started.finish(Ok(()));
            return None;
        };
        match classify(&session.client, &error) {
            Failure::Conflict => return Some((started, Failure::Conflict, Err(error.into()))),
            Failure::Lost => {
                self.session = None;
                started.finish(Err(Error::CommitUnknown(error)));
            }
            Failure::Statement | Failure::Stale => started.finish(Err(error.into())),
        }
        None
    }

    /// Lets go of what a failure has made useless.
    fn forget(&mut self, failure: Failure) {
        match (failure, &mut self.session) {
            (Failure::Lost, session) => *session = None,
            (Failure::Stale, Some(session)) => session.statements.clear(),
            _ => {}
        }
    }

    /// Ends a transaction whose outcome no longer matters; a connection that cannot do that is given up.
    fn end(&mut self, sql: &str) {
        if let Some(session) = &self.session
            && self.runtime.block_on(session.client.batch_execute(sql)).is_err()
        {
            self.session = None;
        }
    }

    /// Runs the closure, on a new connection when there is none or it has ended; tells whether a transaction is open.
    fn call(&mut self, job: &mut dyn Job) -> Result<(Verdict, bool), Error> {
        let session = match self.session.take().filter(|session| !session.client.is_closed()) {
            Some(session) => session,
            None => Session::open(&self.runtime, &self.target, self.kind)?,
        };
        // A single statement sees one state without a transaction.
        let is_single = job.is_single();
        let mut begin = (!is_single).then_some(match self.kind {
            Kind::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
            Kind::Write => "BEGIN ISOLATION LEVEL READ COMMITTED",
        });
        let inner = Inner::Postgres(Transaction {
            runtime: &self.runtime,
            session: self.session.insert(session),
            statements: self.target.statements,
            begin: &mut begin,
        });
        let mut tx = Tx::new(inner, is_single);
        let attempt = job.attempt(&mut tx);
        let verdict = Verdict::of(attempt, tx.failure());
        drop(tx);
        Ok((verdict, begin.is_none() && !is_single))
    }
}

impl Session {
    fn open(runtime: &Runtime, target: &Target, kind: Kind) -> Result<Session, Error> {
        let (client, connection) = runtime.block_on(target.config.connect(target.tls.clone()))?;
        runtime.spawn(async move {
            if let Err(error) = connection.await {
                tracing::warn!(error = &error as &dyn std::error::Error, "connection to PostgreSQL lost");
            }
        });
        if kind == Kind::Read {
            runtime.block_on(client.batch_execute("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"))?;
        }
        Ok(Session { client, statements: HashMap::new() })
    }
}

/// A job to try again, why, and how it ends when that is given up.
type Retry = (Started, Failure, Result<(), Error>);

/// What a [`Tx`] does on PostgreSQL. `BEGIN` goes out together with the first statement.
pub(super) struct Transaction<'a> {
    runtime: &'a Runtime,
    session: &'a mut Session,
    statements: usize,
    begin: &'a mut Option<&'static str>,
}

impl Transaction<'_> {
    pub(super) fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, Error> {
        let statement = self.prepare(sql)?;
        self.drive(async |client| Ok(client.execute_raw(&statement, params).await?))
    }

    pub(super) fn execute_many(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<Vec<u64>, Error> {
        let statement = &self.prepare(sql)?;
        let mut changed = Vec::with_capacity(rows.len());
        for rows in rows.chunks(PIPELINE) {
            changed.append(&mut self.drive(async |client| {
                pipelined(rows.iter().map(async |row| Ok(client.execute_raw(statement, row).await?))).await
            })?);
        }
        Ok(changed)
    }

    pub(super) fn query_many<T: FromRow>(&mut self, sql: &str, rows: &[Vec<Value>]) -> Result<Vec<Vec<T>>, Error> {
        let statement = &self.prepare(sql)?;
        let mut found = Vec::with_capacity(rows.len());
        for rows in rows.chunks(PIPELINE) {
            found.append(&mut self.drive(async |client| {
                pipelined(rows.iter().map(async |row| {
                    let mut found = Vec::new();
                    each_row(client.query_raw(statement, row).await?, &mut |row| {
                        found.push(T::from_row(row)?);
                        Ok(ControlFlow::Continue(()))
                    })
                    .await?;
                    Ok(found)
                }))
                .await
            })?);
        }
        Ok(found)
    }

    pub(super) fn scan(
        &mut self,
        sql: &str,
        params: &[Value],
        each: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>, Error>,
    ) -> Result<(), Error> {
        let statement = self.prepare(sql)?;
        self.drive(async |client| each_row(client.query_raw(&statement, params).await?, each).await)
    }

    pub(super) fn batch(&mut self, sql: &str) -> Result<(), Error> {
        self.drive(async |client| Ok(client.batch_execute(sql).await?))
    }

    pub(super) fn classify(&self, error: &tokio_postgres::Error) -> Failure {
        classify(&self.session.client, error)
    }

    /// The statement, prepared at its first use on this connection.
    fn prepare(&mut self, sql: &str) -> Result<Statement, Error> {
        if let Some(statement) = self.session.statements.get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.drive(async |client| Ok(client.prepare(sql).await?))?;
        if self.session.statements.len() >= self.statements {
            self.session.statements.clear();
        }
        self.session.statements.insert(sql.into(), statement.clone());
        Ok(statement)
    }

    /// Waits for an operation; the first one takes `BEGIN` along.
    fn drive<T>(&mut self, operation: impl AsyncFnOnce(&Client) -> Result<T, Error>) -> Result<T, Error> {
        let client = &self.session.client;
        let begin = self.begin.take();
        self.runtime.block_on(async {
            let Some(begin) = begin else { return operation(client).await };
            // Messages are sent when first polled, and join polls in order.
            let (begun, result) = join(client.batch_execute(begin), operation(client)).await;
            begun?;
            result
        })
    }
}

/// Starts all operations, in order, before waiting for the first. They are answered in the same order.
async fn pipelined<T>(operations: impl Iterator<Item: Future<Output = Result<T, Error>>>) -> Result<Vec<T>, Error> {
    let mut operations: Vec<Pin<Box<MaybeDone<_>>>> = operations.map(|o| Box::pin(maybe_done(o))).collect();
    poll_fn(|context| {
        for operation in &mut operations {
            // One that is ready at once keeps its result.
            let _ = operation.as_mut().poll(context);
        }
        Poll::Ready(())
    })
    .await;
    let mut results = Vec::with_capacity(operations.len());
    for mut operation in operations {
        operation.as_mut().await;
        results.push(operation.as_mut().take_output().unwrap_or(Err(Error::Closed))?);
    }
    Ok(results)
}

async fn each_row(
    rows: RowStream,
    each: &mut dyn FnMut(&Row<'_>) -> Result<ControlFlow<()>, Error>,
) -> Result<(), Error> {
    let mut rows = pin!(rows);
    while let Some(row) = rows.try_next().await? {
        if each(&Row(Source::Postgres(&row)))?.is_break() {
            break;
        }
    }
    Ok(())
}

fn classify(client: &Client, error: &tokio_postgres::Error) -> Failure {
    match error.as_db_error() {
        Some(db) => match *db.code() {
            SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Failure::Conflict,
            SqlState::INVALID_SQL_STATEMENT_NAME => Failure::Stale,
            SqlState::FEATURE_NOT_SUPPORTED if db.message().starts_with("cached plan") => Failure::Stale,
            SqlState::ADMIN_SHUTDOWN | SqlState::CRASH_SHUTDOWN | SqlState::CANNOT_CONNECT_NOW => Failure::Lost,
            _ if db.code().code().starts_with("08") => Failure::Lost,
            _ => Failure::Statement,
        },
        None if error.is_closed() || client.is_closed() => Failure::Lost,
        None => Failure::Statement,
    }
}

/// Whether a failed attempt to connect may succeed a moment later.
fn is_passing(error: &Error) -> bool {
    let Error::Postgres(error) = error else { return false };
    match error.code() {
        Some(code) => {
            let class = code.code().get(..2).unwrap_or_default();
            ["08", "53", "57"].contains(&class)
        }
        None => std::error::Error::source(error).is_none_or(<dyn std::error::Error>::is::<std::io::Error>),
    }
}

/// How long to wait before trying again: a random part of a time that doubles.
fn pause(failure: Failure, tries: u32) -> Duration {
    let (first, most) = match failure {
        Failure::Lost => (Duration::from_millis(50), Duration::from_secs(1)),
        _ => (Duration::from_millis(1), Duration::from_millis(100)),
    };
    let longest = first.saturating_mul(1 << tries.min(10)).min(most);
    longest.mul_f64(rand::random_range(0.1..=1.0))
}
