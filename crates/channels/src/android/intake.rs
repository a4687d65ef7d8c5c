//! What Google tells of devices and commands, taken in: by whoever pulls it, is pushed it or has asked for it.
//!
//! Everything may come twice, late and out of order. What a device reports is kept, becomes facts about the device, and
//! answers the commands about its profiles.

use allclear_domain::{
    detection::{Observed, ProtectionStatus},
    device_command::{self, Answered, CommandState},
    ids::{DeviceId, Tenant},
    journal::{Actor, ActorKind, Change},
    level::Platform,
    time::Time,
};
use allclear_engine::{
    Engine, Error,
    android::{self, Enrolling},
    android_enterprise,
    directory::enrollment::NewDevice,
    ingest::Fact,
};
use allclear_store::{
    android_devices::{self as stored, ManagedState},
    device_commands as queue,
};
use serde_json::{Map, Value};

use super::{
    events::Event,
    look::{self, Next},
    operation::Operation,
    settings::AndroidSettings,
    status::{self, Reading, State},
};
use crate::agent;

/// How often what a device said is compared with what was asked before it is left to the next look.
const ROUNDS: u32 = 4;
/// What a device says of itself that is kept elsewhere, or not at all.
const NOT_KEPT: &[&str] = &[
    "applicationReports",
    "appliedPasswordPolicies",
    "commonCriteriaModeInfo",
    "defaultApplicationInfo",
    "displays",
    "hardwareStatusSamples",
    "memoryEvents",
    "memoryInfo",
    "networkInfo",
    "powerManagementEvents",
    "systemProperties",
    "user",
    "userName",
];

/// What became of something that Google told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It need not be told again.
    Done,
    /// It is about something that is being written down just now: it is to be told again.
    TooEarly,
}

/// Who is at work when a device is not named yet.
pub(super) fn actor() -> Actor {
    Actor::new(ActorKind::Engine, "Android management")
}

/// Takes in what Google tells of a tenant's enterprise. What is about another one is nothing to the tenant.
pub async fn take(engine: &Engine, tenant: Tenant, settings: &AndroidSettings, event: &Event) -> Result<Taken, Error> {
    if !event.device().is_some_and(|device| settings.is_ours(device)) {
        return Ok(Taken::Done);
    }
    match event {
        Event::Enrollment(device) => reported(engine, tenant, device, true).await.map(|()| Taken::Done),
        Event::StatusReport(device) => reported(engine, tenant, device, false).await.map(|()| Taken::Done),
        Event::Command(operation) => self::operation(engine, tenant, operation).await,
        Event::EnterpriseUpgrade { .. } | Event::UsageLogs | Event::Test | Event::Unknown(_) => Ok(Taken::Done),
    }
}

/// Takes in a device as Google reports it. `news`: it says that it has enrolled.
pub(super) async fn reported(engine: &Engine, tenant: Tenant, device: &Value, news: bool) -> Result<(), Error> {
    let reading = status::read(device);
    if [reading.state, reading.applied_state].contains(&Some(State::Deleted)) {
        return gone(engine, tenant, &reading.name).await;
    }
    let (kept, reported_at) = (kept(device), reading.last_report);
    match known(engine, tenant, &reading.name).await? {
        Some((ManagedState::Leaving | ManagedState::Ended, ..)) => return Ok(()),
        // It was said before: most of what is asked for now and then.
        Some((ManagedState::Managed, id, Some(before))) if before == kept => return settle(engine, tenant, id).await,
        Some((ManagedState::Managed, ..)) | None => {}
    }
    let enrolled_at = device["enrollmentTime"].as_str().and_then(|time| time.parse().ok());
    let enrolling = enrolling(&reading, enrolled_at);
    let (name, sealer) = (reading.name.clone(), engine.sealer().clone());
    let taken = engine.edit(tenant, actor(), move |work| {
        let id = android::enroll(work, &enrolling)?;
        Ok(android::keep_reading(work, &sealer, &name, &kept, reported_at)?.map(|_| id))
    });
    let id = match taken.await {
        Ok(Some(id)) => id,
        Ok(None) => return Ok(()),
        Err(error @ (Error::Forbidden(_) | Error::Invalid(_) | Error::Conflict(_))) => {
            tracing::info!(name = reading.name, error = &error as &dyn std::error::Error, "a device is not managed");
            return if news { tell(engine, tenant, &reading.name, &error).await } else { Ok(()) };
        }
        Err(error) => return Err(error),
    };
    agent::submit(engine, tenant, Fact::Inventory { device: id, inventory: reading.inventory }).await?;
    settle(engine, tenant, id).await
}

/// What is known of the device that Google calls so: how far it has come, and what it said last.
async fn known(
    engine: &Engine,
    tenant: Tenant,
    name: &str,
) -> Result<Option<(ManagedState, DeviceId, Option<String>)>, Error> {
    let (name, sealer) = (name.to_owned(), engine.sealer().clone());
    let read = engine.db().read(move |tx| {
        let Some(row) = stored::by_name(tx, tenant, &name)? else { return Ok(None) };
        let before = android::reading(&sealer, tenant, &row)?;
        Ok::<_, Error>(Some((row.state, row.device, before)))
    });
    read.await
}

/// Has the journal say that a device has enrolled with Google and is not managed here.
async fn tell(engine: &Engine, tenant: Tenant, name: &str, why: &Error) -> Result<(), Error> {
    let summary = format!("{name} has enrolled with Google and is not managed here: {why}");
    let noted = engine.edit(tenant, actor(), move |work| {
        work.note(android_enterprise::object(), None, Change::SourceNotice { summary: summary.clone() });
        Ok(())
    });
    noted.await
}

/// Answers what a device was asked about its profiles by what it said last.
async fn settle(engine: &Engine, tenant: Tenant, device: DeviceId) -> Result<(), Error> {
    for _ in 0..ROUNDS {
        match look::look(engine, tenant, device).await?.map(|look| look.next) {
            Some(Next::Facts(facts)) => drop(engine.submit(tenant, facts).await?),
            Some(Next::Rest(_) | Next::Nobody) | None => return Ok(()),
            // Such as another policy: somebody else has changed something.
            Some(_) => break,
        }
    }
    engine.wake_management(tenant, device);
    Ok(())
}

/// Takes in that Google has a device no more.
pub(super) async fn gone(engine: &Engine, tenant: Tenant, name: &str) -> Result<(), Error> {
    let (name, sealer) = (name.to_owned(), engine.sealer().clone());
    let ended = engine.edit(tenant, actor(), move |work| match stored::by_name(work.tx, work.tenant, &name)? {
        Some(known) => android::end(work, &sealer, known.device),
        None => Ok(()),
    });
    ended.await
}

/// Takes in what became of a command.
pub(super) async fn operation(engine: &Engine, tenant: Tenant, operation: &Operation) -> Result<Taken, Error> {
    let Some(result) = operation.result.clone() else { return Ok(Taken::Done) };
    let (name, device, now) = (operation.name.clone(), operation.device().to_owned(), engine.source().now());
    let found = engine.db().read(move |tx| {
        if stored::by_operation(tx, tenant, &name)?.is_some() {
            return Ok(None);
        }
        // It may be the answer to one that is being handed over.
        let Some(known) = stored::by_name(tx, tenant, &device)? else { return Ok(Some(Taken::Done)) };
        let operations = stored::operations(tx, tenant, known.device)?;
        let open = queue::open(tx, tenant, known.device, None, now)?;
        let waits = open.iter().any(|command| {
            command.state == CommandState::Sent && operations.iter().all(|one| one.command != command.id)
        });
        Ok::<_, Error>(Some(if waits { Taken::TooEarly } else { Taken::Done }))
    });
    if let Some(taken) = found.await? {
        return Ok(taken);
    }
    let (answered, detail) = match result {
        Ok(()) => (Answered::Acknowledged, None),
        Err(why) => (Answered::Error, Some(why)),
    };
    let (name, sealer) = (operation.name.clone(), engine.sealer().clone());
    let said = allclear_store::json::encode(&serde_json::json!({
        "name": operation.name, "type": operation.kind, "done": true, "error": detail,
    }))?;
    let settled = engine.edit(tenant, actor(), move |work| {
        let settled = android::answer(work, &sealer, &name, answered, detail.as_deref(), said.as_bytes())?;
        let Some(settled) = settled else { return Ok(()) };
        let over = device_command::ends_management(&settled.request_type);
        // It will not say that it leaves.
        if over && answered == Answered::Acknowledged {
            android::end(work, &sealer, settled.device)?;
        }
        Ok(())
    });
    settled.await.map(|()| Taken::Done)
}

fn enrolling(reading: &Reading, enrolled_at: Option<Time>) -> Enrolling {
    let Observed { manufacturer, model, os_version, security_patch_level, .. } = reading.inventory.observed.clone();
    Enrolling {
        name: reading.name.clone(),
        token_name: reading.token_name.clone(),
        token: reading.token_data.as_deref().and_then(|data| data.parse().ok()),
        enrolled_at,
        policy: reading.policy.clone(),
        device: NewDevice {
            platform: Platform::Android,
            serial_number: reading.serial.clone(),
            udid: None,
            external_id: None,
            imei: None,
            manufacturer,
            model,
            os_version,
            security_patch_level,
            friendly_name: None,
            ownership: reading.ownership,
            management: reading.management,
            protection_status: Some(ProtectionStatus::Pending),
        },
    }
}

/// What is kept of what a device says.
fn kept(device: &Value) -> String {
    let members = device.as_object().into_iter().flatten();
    let kept = members.filter(|(name, _)| !NOT_KEPT.contains(&name.as_str()));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>()).to_string()
}
