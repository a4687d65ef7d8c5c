//! One closure on its way through a queue to a worker and its result on the way back.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Instant,
};

use tokio::sync::oneshot;

use super::{Error, Tx, tx::Failure};

/// Reads or changes, which go to different queues and transactions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Read,
    Write,
}

impl Kind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Read => "read",
            Kind::Write => "write",
        }
    }
}

/// A closure with its types erased, so that one queue serves all.
pub(super) trait Job: Send {
    /// Runs the closure once; may be called again after a rollback.
    fn attempt(&mut self, tx: &mut Tx<'_>) -> Attempt;
    /// Hands over the last attempt's result, or the error that took its place.
    fn finish(self: Box<Self>, outcome: Result<(), Error>);
    /// Nobody waits for the result any more.
    fn is_abandoned(&self) -> bool;
    /// The closure runs no more than one statement.
    fn is_single(&self) -> bool;
}

/// How a closure ended.
pub(super) enum Attempt {
    Ok,
    Err,
    Panic(String),
}

/// What to do with the transaction after an attempt.
pub(super) enum Verdict {
    Commit,
    /// Roll back and finish with this outcome; `Ok` delivers the closure's own error.
    RollBack(Result<(), Error>),
    /// Roll back and try again, after the failure given; when that is given up, finish with the outcome.
    Again(Failure, Result<(), Error>),
}

impl Verdict {
    pub(super) fn of(attempt: Attempt, failure: Option<Failure>) -> Verdict {
        match (attempt, failure) {
            (Attempt::Panic(message), _) => Verdict::RollBack(Err(Error::Panic(message))),
            (attempt, Some(failure @ (Failure::Conflict | Failure::Stale | Failure::Lost))) => {
                // The closure's own error tells more, if it returned one.
                let outcome = if matches!(attempt, Attempt::Err) { Ok(()) } else { Err(Error::Aborted) };
                Verdict::Again(failure, outcome)
            }
            (Attempt::Err, _) => Verdict::RollBack(Ok(())),
            (Attempt::Ok, Some(Failure::Statement)) => Verdict::RollBack(Err(Error::Aborted)),
            (Attempt::Ok, None) => Verdict::Commit,
        }
    }
}

/// A job in a queue.
pub(super) struct Request {
    pub(super) job: Box<dyn Job>,
    pub(super) queued: Instant,
}

impl Request {
    /// The job, once a worker has taken it; records how long it waited. `None` for a read nobody waits for.
    pub(super) fn take(self, kind: Kind, left: usize) -> Option<Started> {
        gauge_depth(kind, left);
        if kind == Kind::Read && self.job.is_abandoned() {
            return None;
        }
        if kind == Kind::Write {
            metrics::histogram!("allclear_db_write_wait_seconds").record(self.queued.elapsed());
        }
        Some(Started { job: self.job, queued: self.queued, started: Instant::now(), kind })
    }
}

/// A job in a worker's hands.
pub(super) struct Started {
    pub(super) job: Box<dyn Job>,
    pub(super) queued: Instant,
    pub(super) started: Instant,
    kind: Kind,
}

impl Started {
    /// Hands the result over and records how long the transaction took.
    pub(super) fn finish(self, outcome: Result<(), Error>) {
        metrics::histogram!("allclear_db_transaction_seconds", "kind" => self.kind.name())
            .record(self.started.elapsed());
        self.job.finish(outcome);
    }
}

pub(super) fn gauge_depth(kind: Kind, depth: usize) {
    metrics::gauge!("allclear_db_queue_depth", "queue" => kind.name()).set(depth as f64);
}

struct Call<F, T, E> {
    closure: F,
    result: Option<Result<T, E>>,
    reply: oneshot::Sender<Result<T, E>>,
    single: bool,
}

/// Wraps a closure; its result arrives at the receiver.
pub(super) fn request<F, T, E>(closure: F, single: bool) -> (Request, oneshot::Receiver<Result<T, E>>)
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    T: Send + 'static,
    E: From<Error> + Send + 'static,
{
    let (reply, receiver) = oneshot::channel();
    let job = Box::new(Call { closure, result: None, reply, single });
    (Request { job, queued: Instant::now() }, receiver)
}

impl<F, T, E> Job for Call<F, T, E>
where
    F: Fn(&mut Tx<'_>) -> Result<T, E> + Send,
    T: Send,
    E: From<Error> + Send,
{
    fn attempt(&mut self, tx: &mut Tx<'_>) -> Attempt {
        // Whatever the closure left half done is inside a transaction that is rolled back.
        let result = match catch_unwind(AssertUnwindSafe(|| (self.closure)(tx))) {
            Ok(result) => result,
            Err(panic) => {
                let message = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
                let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
                return Attempt::Panic(message.unwrap_or_default());
            }
        };
        let attempt = if result.is_ok() { Attempt::Ok } else { Attempt::Err };
        self.result = Some(result);
        attempt
    }

    fn finish(self: Box<Self>, outcome: Result<(), Error>) {
        let result = match (outcome, self.result) {
            (Ok(()), Some(result)) => result,
            (Ok(()), None) => Err(Error::Closed.into()),
            (Err(error), _) => Err(error.into()),
        };
        // The caller may have gone away; there is nobody else to tell.
        let _ = self.reply.send(result);
    }

    fn is_abandoned(&self) -> bool {
        self.reply.is_closed()
    }

    fn is_single(&self) -> bool {
        self.single
    }
}
