//! Group commit: callers that come at the same time share a transaction. An answer means durable.

use std::sync::Arc;

use allclear_domain::{
    ids::Tenant,
    journal::{Actor, ActorKind},
};
use allclear_store::db::Dialect;
use tokio::sync::{mpsc, oneshot};

use crate::{
    Engine, Error,
    ingest::{self, Fact, Outcome},
    work::Work,
};

/// The most facts in one transaction: past a few hundred, a batch costs latency and gains nothing.
const BATCH: usize = 256;
/// Apps of inventories that take about as long as one other fact.
const APPS_A_FACT: usize = 16;
/// How many submissions may wait; more are told to come back.
const WAITING: usize = 4096;
/// Queues, each with a transaction of its own under way. SQLite has one writer; on PostgreSQL a tenant keeps to one
/// queue, because its commits follow one another anyway.
const POSTGRES_QUEUES: usize = 4;

struct Submission {
    tenant: Tenant,
    facts: Arc<Vec<Fact>>,
    answer: oneshot::Sender<Result<Vec<Outcome>, Error>>,
}

pub(crate) struct Queue(mpsc::Sender<Submission>);
pub(crate) struct Receiver(mpsc::Receiver<Submission>);

pub(crate) fn queues(dialect: Dialect) -> (Vec<Queue>, Vec<Receiver>) {
    let count = match dialect {
        Dialect::Sqlite => 1,
        Dialect::Postgres => POSTGRES_QUEUES,
    };
    (0..count)
        .map(|_| {
            let (sender, receiver) = mpsc::channel(WAITING);
            (Queue(sender), Receiver(receiver))
        })
        .unzip()
}

pub(crate) fn start(engine: &Engine, receivers: Vec<Receiver>) {
    for receiver in receivers {
        // A committer ends when the last engine is dropped, so it must not keep one itself.
        let shared = Arc::downgrade(&engine.shared);
        tokio::spawn(run(shared, receiver.0));
    }
}

pub(crate) async fn submit(engine: &Engine, tenant: Tenant, facts: Vec<Fact>) -> Result<Vec<Outcome>, Error> {
    let queues = &engine.shared.queues;
    let place = usize::try_from(tenant.0.unsigned_abs()).unwrap_or(0) % queues.len();
    let (answer, answered) = oneshot::channel();
    let submission = Submission { tenant, facts: Arc::new(facts), answer };
    queues[place].0.try_send(submission).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => Error::Busy,
        mpsc::error::TrySendError::Closed(_) => Error::Closed,
    })?;
    answered.await.map_err(|_| Error::Closed)?
}

async fn run(shared: std::sync::Weak<crate::Shared>, mut receiver: mpsc::Receiver<Submission>) {
    let mut held = None;
    loop {
        let first = match held.take() {
            Some(submission) => submission,
            None => match receiver.recv().await {
                Some(submission) => submission,
                None => return,
            },
        };
        let tenant = first.tenant;
        let mut size = weight(&first.facts);
        let mut group = vec![first];
        while size < BATCH {
            match receiver.try_recv() {
                Ok(next) if next.tenant == tenant => {
                    size += weight(&next.facts);
                    group.push(next);
                }
                Ok(other) => {
                    held = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        let Some(shared) = shared.upgrade() else { return };
        commit(&Engine { shared }, tenant, group).await;
    }
}

/// How many plain facts these are worth: an inventory takes as long as it has apps.
fn weight(facts: &[Fact]) -> usize {
    let apps = facts.iter().map(|fact| match fact {
        Fact::Inventory { inventory, .. } => inventory.apps.as_ref().map_or(0, Vec::len),
        _ => 0,
    });
    facts.len() + apps.sum::<usize>() / APPS_A_FACT
}

async fn commit(engine: &Engine, tenant: Tenant, group: Vec<Submission>) {
    metrics::histogram!("allclear_commit_facts")
        .record(u32::try_from(group.iter().map(|one| one.facts.len()).sum::<usize>()).unwrap_or(u32::MAX));
    let batches: Vec<Arc<Vec<Fact>>> = group.iter().map(|one| Arc::clone(&one.facts)).collect();
    match write(engine, tenant, batches).await {
        Ok(outcomes) => {
            for (submission, outcomes) in group.into_iter().zip(outcomes) {
                let _ = submission.answer.send(Ok(outcomes));
            }
        }
        // One submission must not spoil the others: each gets a transaction of its own.
        Err(_) if group.len() > 1 => {
            for submission in group {
                let result = write(engine, tenant, vec![Arc::clone(&submission.facts)]).await;
                let _ = submission.answer.send(result.map(|mut outcomes| outcomes.pop().unwrap_or_default()));
            }
        }
        Err(error) => {
            if let Some(submission) = group.into_iter().next() {
                let _ = submission.answer.send(Err(error));
            }
        }
    }
}

async fn write(engine: &Engine, tenant: Tenant, batches: Vec<Arc<Vec<Fact>>>) -> Result<Vec<Vec<Outcome>>, Error> {
    let (source, rules) = (Arc::clone(&engine.shared.source), Arc::clone(&engine.shared.rules));
    let (outcomes, committed) = engine
        .shared
        .db
        .write(move |tx| {
            let actor = Actor::new(ActorKind::Engine, "time");
            let mut work = Work::begin(tx, tenant, source.now(), &*source, &rules, actor)?;
            let outcomes = ingest::apply(&mut work, &batches)?;
            Ok::<_, Error>((outcomes, work.finish()?))
        })
        .await?;
    engine.committed(tenant, &committed);
    Ok(outcomes)
}
