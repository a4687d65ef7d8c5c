//! The loop as it happens, one readable line per journal entry about a device.

use std::collections::HashMap;

use allclear_domain::{
    classification,
    detection::ThreatStatus,
    ids::{DeviceId, ProfileId, TagId, Tenant},
    journal::{Change, Entry},
    level::RiskLevel,
    notification::NotificationState,
    profile::{Desired, ProfileStatus},
    rules::Rules,
    tag::EngineTag,
};
use allclear_engine::{Engine, Error};
use allclear_store::{devices, journal};
use anyhow::Result;
use tokio_util::sync::CancellationToken;

use crate::output;

/// Entries read at once.
const STEP: i64 = 200;

/// Prints what is committed from now on until `stop`.
pub(super) async fn tell(engine: &Engine, tenant: Tenant, stop: &CancellationToken) -> Result<()> {
    let mut news = engine.journal(tenant);
    let mut names: HashMap<DeviceId, String> = HashMap::new();
    let mut position = engine
        .read(tenant, move |tx, _| {
            Ok(journal::before(tx, tenant, i64::MAX, 1)?.first().map_or(0, |(entry, _)| entry.position))
        })
        .await?;
    loop {
        let from = position;
        let told = engine.read(tenant, move |tx, rules| {
            let entries: Vec<Entry> =
                journal::after(tx, tenant, from, STEP)?.into_iter().map(|(entry, _)| entry).collect();
            let mut known = Vec::new();
            for device in entries.iter().filter_map(|entry| entry.device_id) {
                known.extend(devices::get(tx, tenant, device)?.map(|it| (device, it.facts.device.friendly_name)));
            }
            let told: Vec<(DeviceId, String, String)> = entries
                .iter()
                .filter_map(|entry| {
                    let time = entry.at.to_jiff().strftime("%H:%M:%S").to_string();
                    Some((entry.device_id?, time, in_words(rules, entry)?))
                })
                .collect();
            Ok::<_, Error>((entries.last().map(|entry| entry.position), known, told))
        });
        let (last, known, told) = told.await?;
        names.extend(known);
        for (device, time, words) in told {
            let name = names.get(&device).map_or("a deleted device", String::as_str);
            output::line(format!("{time}  {name} · {words}"))?;
        }
        position = last.unwrap_or(position);
        if last.is_some() {
            continue;
        }
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            changed = news.changed() => if changed.is_err() {
                return Ok(());
            },
        }
    }
}

/// What changed, in one line; nothing if it is of no interest to somebody who watches.
fn in_words(rules: &Rules, entry: &Entry) -> Option<String> {
    let parts: Vec<String> = entry.changes.iter().filter_map(|change| part(rules, entry, change)).collect();
    (!parts.is_empty()).then(|| parts.join(" → "))
}

fn part(rules: &Rules, entry: &Entry, change: &Change) -> Option<String> {
    // What these two say, the risk tags say as well.
    let quiet = |tag: &TagId| {
        [EngineTag::ThreatsPresent, EngineTag::Secured].iter().any(|it| rules.engine_tag(*it) == Some(*tag))
    };
    Some(match change {
        Change::DeviceEnrolled => "enrolled".to_owned(),
        Change::DeviceUnenrolled => "unenrolled".to_owned(),
        Change::Threat { classification: kind, from, to, .. } => threat(rules, kind, *from, *to),
        Change::Risk { to: RiskLevel::None, .. } => "no risk any more".to_owned(),
        Change::TagAdded { tag, name } if !quiet(tag) => format!("tagged {name}"),
        Change::TagRemoved { tag, name } if !quiet(tag) => format!("no longer {name}"),
        Change::SmartGroupJoined { name, .. } => format!("joined {name}"),
        Change::SmartGroupLeft { name, .. } => format!("left {name}"),
        Change::Profile { name, desired: Desired::Install { version }, .. } => format!("{name} v{version} wanted"),
        Change::Profile { name, desired: Desired::Remove, .. } => format!("{name} to be lifted"),
        Change::CommandIssued { name, desired: Desired::Install { version }, .. } => format!("{name} v{version} sent"),
        Change::CommandIssued { name, .. } => format!("removal of {name} sent"),
        Change::Notified { state: NotificationState::Queued, .. } => "told by a message".to_owned(),
        Change::ProfileReported { profile, name, .. } if is_settled(entry, *profile) => format!("{name} lifted"),
        Change::ProfileReported { name, status, detail, .. } => reported(name, *status, detail.as_deref())?,
        _ => return None,
    })
}

/// Whether the device's answer left nothing to be done about a profile: it is gone.
fn is_settled(entry: &Entry, profile: ProfileId) -> bool {
    let settles = |change: &Change| matches!(change, Change::Profile { profile: it, desired: Desired::Nothing, .. } if *it == profile);
    entry.changes.iter().any(settles)
}

fn threat(rules: &Rules, kind: &str, from: Option<ThreatStatus>, to: ThreatStatus) -> String {
    let name = classification::find(kind).map_or(kind, |row| row.name);
    let level = rules.protections.row(kind).0.level.as_str();
    let mut capitals = level.chars();
    let level: String = capitals.next().map(|first| first.to_uppercase().chain(capitals).collect()).unwrap_or_default();
    match (from, to) {
        (None, ThreatStatus::Open) => format!("{name} found ({level})"),
        (_, ThreatStatus::Open) => format!("{name} found again ({level})"),
        (_, ThreatStatus::Ignored) => format!("{name} ignored"),
        (_, ThreatStatus::Resolved) => format!("{name} resolved"),
    }
}

fn reported(name: &str, status: Option<ProfileStatus>, detail: Option<&str>) -> Option<String> {
    let because = detail.map(|words| format!(": “{words}”")).unwrap_or_default();
    Some(match status? {
        ProfileStatus::Installed => format!("{name} installed"),
        ProfileStatus::Removed => format!("{name} lifted"),
        ProfileStatus::Failed => format!("{name} failed{because}"),
        ProfileStatus::Installing => format!("{name} not now{because}"),
        ProfileStatus::PendingInstall | ProfileStatus::PendingRemoval | ProfileStatus::NotApplicable => return None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use allclear_domain::{
        ids::{CommandId, SmartGroupId, ThreatId},
        journal::{Actor, ActorKind},
        posture::TargetReason,
        tag::Tag,
        time::Time,
    };
    use uuid::Uuid;

    use super::*;

    const PRESENT: TagId = TagId(Uuid::max());

    fn told(changes: Vec<Change>) -> Option<String> {
        let actor = Actor::new(ActorKind::Engine, "test");
        let entry =
            Entry { position: 1, at: Time::EPOCH, actor, device_id: None, object: None, events: Vec::new(), changes };
        let mut rules = Rules::default();
        let present =
            Tag { id: PRESENT, name: "MTD - Threats Present".into(), engine: Some(EngineTag::ThreatsPresent) };
        rules.set_tags(vec![present]);
        in_words(&rules, &entry)
    }

    #[test]
    fn a_detection_is_told_from_the_threat_to_the_profile() {
        let id = Uuid::nil();
        let words = told(vec![
            Change::Threat {
                threat: ThreatId(id),
                classification: "trojan".into(),
                from: None,
                to: ThreatStatus::Open,
                reason: None,
            },
            Change::Risk { from: RiskLevel::None, to: RiskLevel::High },
            Change::TagAdded { tag: PRESENT, name: "MTD - Threats Present".into() },
            Change::TagAdded { tag: TagId(id), name: "MTD - High Risk".into() },
            Change::SmartGroupJoined { smart_group: SmartGroupId(id), name: "MTD High Risk".into() },
            Change::Profile {
                profile: ProfileId(id),
                name: "MTD High Risk Android".into(),
                desired: Desired::Install { version: 1 },
                reason: TargetReason::Assigned,
            },
        ]);
        assert_eq!(
            words.unwrap(),
            "Trojan found (High) → tagged MTD - High Risk → joined MTD High Risk → MTD High Risk Android v1 wanted"
        );
    }

    #[test]
    fn the_way_back_ends_with_the_lifting() {
        let report = |status, detail: Option<&str>| Change::ProfileReported {
            profile: ProfileId(Uuid::nil()),
            name: "P".into(),
            status,
            detail: detail.map(str::to_owned),
        };
        let settled = Change::Profile {
            profile: ProfileId(Uuid::nil()),
            name: "P".into(),
            desired: Desired::Nothing,
            reason: TargetReason::NotAssigned,
        };
        assert_eq!(told(vec![report(Some(ProfileStatus::PendingRemoval), None), settled]).unwrap(), "P lifted");
        assert_eq!(told(vec![report(Some(ProfileStatus::PendingRemoval), None)]), None, "it was not the time");
        assert_eq!(
            told(vec![report(Some(ProfileStatus::Failed), Some("Storage is full"))]).unwrap(),
            "P failed: “Storage is full”"
        );
        assert_eq!(told(vec![Change::Risk { from: RiskLevel::Low, to: RiskLevel::None }]).unwrap(), "no risk any more");
        let sent = Change::CommandIssued {
            command: CommandId(Uuid::nil()),
            desired: Desired::Remove,
            profile: ProfileId(Uuid::nil()),
            name: "P".into(),
        };
        assert_eq!(told(vec![sent]).unwrap(), "removal of P sent");
        assert_eq!(told(vec![Change::Score { from: 1.0, to: 2.0 }]), None);
    }
}
