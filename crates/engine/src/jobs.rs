//! Re-evaluation after a change of rules or indicators: in bounded steps, resumable, while detections go on being served.
//!
//! A step is one transaction over a few hundred devices and moves the job's place with them, so that a killed node's
//! job is carried on where it stood, by this node or another.

use std::{sync::Arc, time::Duration};

use allclear_domain::{
    ids::{JobId, Tenant},
    journal::{Actor, ActorKind},
    time::Span,
};
pub use allclear_store::jobs::{Job, JobState, Scope};
use allclear_store::{jobs as stored, tenants};

use crate::{Engine, Error, indicators, work::Work};

/// Devices in one step: some ten milliseconds of writing between two detections.
const STEP: i64 = 500;
/// The same for a job that also compares all that is on them.
const COMPARED: i64 = 100;
/// The kinds of jobs.
const REEVALUATION: &str = "reevaluation";
const INDICATORS: &str = "indicators";
/// How long a node keeps a job without a sign of life.
const LEASE: Span = Span::seconds(30);
/// How often a node looks for jobs nobody told it of.
const LOOK: Duration = Duration::from_secs(2);

/// Starts a re-evaluation within the transaction that changes the rules.
pub fn reevaluate(work: &mut Work<'_, '_>, scope: Scope, reason: String) -> Result<JobId, Error> {
    start(work, REEVALUATION, scope, reason)
}

/// Starts a comparison with the indicators within the transaction that changes them.
pub(crate) fn compare(work: &mut Work<'_, '_>, scope: Scope, reason: String) -> Result<JobId, Error> {
    start(work, INDICATORS, scope, reason)
}

fn start(work: &mut Work<'_, '_>, kind: &str, scope: Scope, reason: String) -> Result<JobId, Error> {
    let job = Job {
        id: JobId(work.source.id()),
        kind: kind.to_owned(),
        total: stored::count(work.tx, work.tenant, &scope)?,
        scope,
        reason,
        state: JobState::Waiting,
        progress: None,
        done: 0,
        changed: 0,
        created_at: work.now,
        created_by: work.actor().name.clone(),
        updated_at: work.now,
    };
    Ok(stored::insert(work.tx, work.tenant, &job)?)
}

/// Carries jobs on, for ever.
pub(crate) async fn run(engine: &Engine) {
    loop {
        let notified = engine.shared.jobs.notified();
        match run_all(engine).await {
            Ok(()) | Err(Error::Busy | Error::Closed) => {}
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "a job could not be carried on"),
        }
        let _ = tokio::time::timeout(LOOK, notified).await;
    }
}

/// Carries all jobs of all tenants on until none is left for this node.
pub async fn run_all(engine: &Engine) -> Result<(), Error> {
    let tenants = engine.shared.db.read(|tx| Ok::<_, Error>(tenants::list(tx)?)).await?;
    for tenant in tenants {
        if engine.shared.db.read(move |tx| Ok::<_, Error>(stored::any(tx, tenant)?)).await? {
            while step(engine, tenant).await? {}
        }
    }
    Ok(())
}

/// One step of the tenant's oldest job; false when there is none.
async fn step(engine: &Engine, tenant: Tenant) -> Result<bool, Error> {
    let (source, rules, node) =
        (Arc::clone(&engine.shared.source), Arc::clone(&engine.shared.rules), engine.shared.node.clone());
    let (more, committed) = engine
        .shared
        .db
        .write(move |tx| {
            let now = source.now();
            let actor = Actor::new(ActorKind::Engine, "re-evaluation");
            let mut work = Work::begin(tx, tenant, now, &*source, &rules, actor)?;
            let Some(mut job) = stored::lease(work.tx, tenant, &node, now, now.plus(LEASE))? else {
                return Ok::<_, Error>((false, None));
            };
            let compared = job.kind == INDICATORS;
            let step = if compared { COMPARED } else { STEP };
            let devices = stored::devices(work.tx, tenant, &job.scope, job.progress, step)?;
            work.load(devices.iter().copied())?;
            if compared {
                indicators::recheck(&mut work, &devices)?;
            }
            for device in &devices {
                if let Some(loaded) = work.loaded(*device) {
                    loaded.touch();
                }
            }
            job.state = JobState::Running;
            job.progress = devices.last().copied().or(job.progress);
            job.done += i64::try_from(devices.len()).unwrap_or(0);
            job.updated_at = now;
            if devices.len() < usize::try_from(step).unwrap_or(usize::MAX) {
                job.state = JobState::Done;
                job.total = job.done;
            }
            let committed = work.finish_with(|tx, committed| {
                job.changed += i64::try_from(committed.changed).unwrap_or(0);
                Ok(stored::update(tx, tenant, &job)?)
            })?;
            Ok((true, Some(committed)))
        })
        .await?;
    if let Some(committed) = committed {
        engine.committed(tenant, &committed);
    }
    Ok(more)
}
