//! What time alone brings about, and what other nodes committed.
//!
//! The schedule is the `due_at` of devices and of users' risk status: durable, and safe with several nodes, because
//! looking at what is not due any more changes nothing.

use std::time::Duration;

use allclear_domain::{
    ids::{DeviceId, Tenant},
    journal::Change,
    time::{Span, Time},
};
use allclear_store::{account_status as statuses, devices, jobs, journal, tenants};

use crate::{
    Engine, Error, account_status, apple_mdm_settings, device_authority, digest, enforcement, indicators, ingest::Fact,
    outbox,
};

/// How often other nodes' commits and due devices are looked for.
const TICK: Duration = Duration::from_millis(250);
/// Devices looked at in one go.
const STEP: i64 = 500;
/// How long finished jobs and remembered answers are kept.
const KEEP_JOBS: Span = Span::days(30);
/// How long answers to requests with an Idempotency-Key are remembered.
const KEEP_ANSWERS: Span = Span::days(1);
/// How often old rows are cleared away.
const CLEAR: Span = Span::seconds(3600);
/// How often the log says again what somebody has to do.
const REMIND: Span = Span::days(1);

/// How often it is looked whether messages or indicators expired and whether a digest is due.
const LOOK: Span = Span::seconds(10);

/// When this node last did what is done now and then.
#[derive(Default)]
struct Times {
    cleared: Option<Time>,
    looked: Option<Time>,
    reminded: Option<Time>,
}

/// Runs for ever.
pub(crate) async fn run(engine: &Engine) {
    let mut times = Times::default();
    loop {
        match tick(engine, &mut times).await {
            Ok(()) | Err(Error::Busy | Error::Closed) => {}
            Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "the schedule could not be kept"),
        }
        let _ = tokio::time::timeout(TICK, engine.shared.scheduler.notified()).await;
    }
}

async fn tick(engine: &Engine, times: &mut Times) -> Result<(), Error> {
    let now = engine.source().now();
    let minute = times.looked.is_none_or(|last| now.since(last) >= LOOK);
    let tenants = engine
        .db()
        .read(|tx| {
            let tenants = tenants::list(tx)?;
            let mut found = Vec::with_capacity(tenants.len());
            for tenant in tenants {
                let position = tenants::get(tx, tenant)?.map_or(0, |row| row.journal_position);
                let due = (devices::next_due(tx, tenant)?, statuses::next_due(tx, tenant)?);
                found.push((tenant, position, due));
            }
            Ok::<_, Error>(found)
        })
        .await?;
    let is_due = |due: Option<Time>| due.is_some_and(|due| due <= now);
    for (tenant, position, (device, status)) in tenants {
        follow(engine, tenant, position).await?;
        if is_due(device) {
            run_due(engine, tenant).await?;
        }
        if is_due(status) {
            account_status::run_due(engine, tenant).await?;
        }
        if minute && tenant != Tenant::SERVER {
            outbox::expire(engine, tenant).await?;
            digest::run_due(engine, tenant).await?;
            indicators::run_due(engine, tenant).await?;
        }
        if times.cleared.is_none_or(|last: Time| now.since(last) >= CLEAR) {
            clear(engine, tenant, now).await?;
            device_authority::roll_over(engine, tenant).await?;
        }
    }
    if times.cleared.is_none_or(|last: Time| now.since(last) >= CLEAR) {
        times.cleared = Some(now);
        let remind = times.reminded.is_none_or(|last| now.since(last) >= REMIND);
        apple_mdm_settings::watch(engine, now, remind).await?;
        if remind {
            times.reminded = Some(now);
        }
    }
    if minute {
        times.looked = Some(now);
    }
    Ok(())
}

/// Evaluates all devices of a tenant that are due.
pub async fn run_due(engine: &Engine, tenant: Tenant) -> Result<(), Error> {
    loop {
        let now = engine.source().now();
        let due = engine.db().read(move |tx| Ok::<_, Error>(devices::due(tx, tenant, now, STEP)?)).await?;
        let more = due.len() == usize::try_from(STEP).unwrap_or(usize::MAX);
        let facts: Vec<Fact> = due.into_iter().map(Fact::Due).collect();
        engine.submit(tenant, facts).await?;
        if !more {
            return Ok(());
        }
    }
}

/// Wakes those who wait for what another node, or the command line, committed: this node announces its own commits.
async fn follow(engine: &Engine, tenant: Tenant, position: i64) -> Result<(), Error> {
    let wake = &engine.shared.wake;
    let Some(known) = wake.known(tenant) else {
        wake.announce(tenant, position, position);
        return Ok(());
    };
    if position <= known {
        return Ok(());
    }
    let entries = engine.db().read(move |tx| Ok::<_, Error>(journal::after(tx, tenant, known, STEP)?)).await?;
    let Some((last, _)) = entries.last() else { return Ok(()) };
    let concerns = |change: &Change| {
        matches!(
            change,
            Change::Profile { .. }
                | Change::ProfileReported { .. }
                | Change::Notified { .. }
                | Change::CheckRequested { .. }
                | Change::CommandRequested { .. }
                | Change::CommandCancelled { .. }
                | Change::DeviceEnrolled
                | Change::DeviceUnenrolled
                | Change::DeviceDeleted
        )
    };
    wake.owners.wake(entries.iter().filter_map(|(entry, _)| entry.device_id));
    let woken: Vec<DeviceId> = entries
        .iter()
        .filter(|(entry, _)| entry.changes.iter().any(concerns))
        .filter_map(|(entry, _)| entry.device_id)
        .collect();
    wake.agents.wake(woken.iter().copied());
    wake.woken.add_all(tenant, &[], &woken);
    wake.announce(tenant, known, last.position);
    if last.position < position {
        engine.shared.scheduler.notify_one();
    }
    Ok(())
}

async fn clear(engine: &Engine, tenant: Tenant, now: Time) -> Result<(), Error> {
    engine
        .db()
        .write(move |tx| {
            tenants::lock(tx, tenant)?;
            jobs::purge(tx, tenant, now.minus(KEEP_JOBS))?;
            allclear_store::idempotency::purge(tx, tenant, now.minus(KEEP_ANSWERS))?;
            allclear_store::enforcement::purge(tx, tenant, enforcement::hour(now) - enforcement::KEPT_HOURS)?;
            Ok::<_, Error>(())
        })
        .await
}
