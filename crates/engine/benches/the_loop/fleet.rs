//! A large fleet, put into the store in batches as the engine would have left it.

use std::sync::Arc;

use allclear_domain::{
    detection::{Detection, DeviceRef, ProtectionStatus, ThreatStatus},
    device::{Device, DeviceFacts, EnrollmentStatus, ManagementType, Ownership, Sensor},
    evaluate::evaluate,
    ids::{DeviceId, OrganizationGroupId, ThreatId, UserId},
    journal::{Actor, ActorKind},
    level::Platform,
    posture::Posture,
    rules::Rules,
    threat::Threat,
    time::{Span, Time},
};
use allclear_engine::{
    Engine, Error,
    rules::quickstart::risk_response,
    source::{Source, SystemSource},
};
use allclear_store::{
    devices::{self, DeviceRecord, Since},
    sources,
    threats::{self, ThreatWrite},
    users::{self, User, UserDelta},
};
use uuid::Uuid;

use crate::TENANT;

/// What a measurement has to know of the fleet.
pub struct Fleet {
    /// All devices.
    pub devices: Arc<Vec<DeviceId>>,
    /// The tenant's organization group.
    pub root: OrganizationGroupId,
}

/// Rows written in one transaction.
const BATCH: usize = 5_000;

/// Sets the risk response up and puts the devices in, each with its user and a message that was seen before. Three in
/// a hundred have an open threat.
pub async fn load(engine: &Engine, count: usize) -> Fleet {
    let root =
        engine.read(TENANT, |tx, _| Ok(allclear_store::organization_groups::customers(tx)?[0].1.id)).await.unwrap();
    let sealer = engine.sealer().clone();
    let actor = Actor::new(ActorKind::Operator, "bench");
    engine.edit(TENANT, actor, move |work| risk_response(work, &sealer, root)).await.unwrap();
    allclear_engine::jobs::run_all(engine).await.unwrap();
    let rules = engine.cached_rules(TENANT).unwrap();
    let rules = if rules.profiles.is_empty() { reloaded(engine).await } else { rules };
    let mut all = Vec::with_capacity(count);
    let mut digests = crate::stream::Numbers::new(2);
    for start in (0..count).step_by(BATCH) {
        let now = SystemSource.now();
        let batch: Vec<(User, DeviceRecord)> =
            (start..count.min(start + BATCH)).map(|number| device(number, root, &rules, now)).collect();
        all.extend(batch.iter().map(|(_, record)| record.id()));
        let mut seen: Vec<Uuid> = batch
            .iter()
            .map(|_| Uuid::from_u64_pair(digests.below(usize::MAX) as u64, digests.below(usize::MAX) as u64))
            .collect();
        seen.sort_unstable();
        engine.db().write(move |tx| write(tx, &batch, &seen)).await.unwrap();
    }
    Fleet { devices: Arc::new(all), root }
}

async fn reloaded(engine: &Engine) -> Arc<Rules> {
    engine.read(TENANT, |_, rules| Ok(Arc::new(rules.clone()))).await.unwrap()
}

fn write(tx: &mut allclear_store::db::Tx<'_>, batch: &[(User, DeviceRecord)], seen: &[Uuid]) -> Result<(), Error> {
    let mut deltas = Vec::with_capacity(batch.len());
    let mut writes = Vec::with_capacity(batch.len());
    let mut opened = Vec::new();
    for (user, record) in batch {
        users::insert(tx, TENANT, user)?;
        let posture = &record.posture;
        let incidents = posture.incidents.map(i64::from);
        deltas.push((user.id, UserDelta { devices: 1, score: posture.score, incidents }));
        writes.push(devices::Write { new: record, old: None });
        opened.extend(record.facts.threats.iter().map(|threat| ThreatWrite {
            threat: threat.clone(),
            device: record.id(),
            organization_group: record.facts.device.organization_group,
            details: Some("{}".into()),
            known: false,
            archived: false,
        }));
    }
    devices::write_many(tx, TENANT, &writes)?;
    threats::write_many(tx, TENANT, &opened)?;
    users::apply(tx, TENANT, &deltas)?;
    sources::see(tx, TENANT, seen)?;
    Ok(())
}

/// The device of a number, its user, and the posture that follows from the rules.
fn device(number: usize, root: OrganizationGroupId, rules: &Rules, now: Time) -> (User, DeviceRecord) {
    let (id, user) = (DeviceId(SystemSource.id()), UserId(SystemSource.id()));
    let android = !number.is_multiple_of(3);
    let platform = if android { Platform::Android } else { Platform::Ios };
    let pick = |all: &[&str]| all[number / 7 % all.len()].to_owned();
    let (makers, models, versions): (&[&str], &[&str], &[&str]) = if android {
        (&["samsung", "Google", "Zebra"], &["SM-A346B", "SM-S918B", "Pixel 8", "TC58"], &["13", "14", "15"])
    } else {
        (&["Apple"], &["iPhone14,5", "iPhone15,2", "iPad13,18"], &["16.7.8", "17.6.1", "18.1"])
    };
    let ownership = [Ownership::CorporateDedicated, Ownership::CorporateShared, Ownership::EmployeeOwned][number % 3];
    let device = Device {
        user: Some(user),
        friendly_name: format!("{} of user {number:07}", if android { "Phone" } else { "iPhone" }),
        serial_number: Some(format!("SN{number:010}")),
        udid: (!android).then(|| format!("00008110-{number:016}")),
        imei: Some(format!("35{number:013}")),
        manufacturer: Some(pick(makers)),
        model: Some(pick(models)),
        os_version: Some(pick(versions)),
        security_patch_level: android.then(|| "2026-05-01".to_owned()),
        ownership: Some(ownership),
        management: Some(if android { ManagementType::FullyManaged } else { ManagementType::Supervised }),
        enrollment: EnrollmentStatus::Enrolled,
        enrolled_at: Some(now),
        sensor: Sensor { status: Some(ProtectionStatus::Activated), reported_at: Some(now), last_contact: Some(now) },
        ..Device::new(id, root, platform, now)
    };
    let kind = ["trojan", "no_passcode", "adware"].get(number % 100).copied();
    let threats = kind.map(|kind| open_threat(kind, id, now)).into_iter().collect();
    let facts = DeviceFacts { device, threats, reports: vec![], check: None };
    let evaluation = evaluate(rules, &facts, &Posture::default(), now);
    let tags = evaluation.posture.tags.iter().map(|tag| (tag.0, now));
    let groups = evaluation.posture.smart_groups.iter().map(|group| (group.0, now));
    let profiles = evaluation.posture.profiles.iter().map(|target| (target.profile.0, now));
    let parts = tags.chain(groups).chain(profiles).collect();
    let record = DeviceRecord {
        since: Since { risk: now, protection: now, compliance: now, parts },
        posture: evaluation.posture,
        facts,
        last_entry: 0,
        archived_threats: false,
        due_at: evaluation.valid_until,
        version: 1,
    };
    let user = User {
        id: user,
        organization_group: root,
        user_name: format!("user{number:07}"),
        display_name: Some(format!("User Number {number}")),
        email: Some(format!("user{number:07}@example.com")),
        phone: Some(format!("+49151{number:08}")),
        locale: None,
        version: 1,
        created_at: now,
        devices: 0,
        score: 0,
        incidents: [0; 3],
    };
    (user, record)
}

fn open_threat(kind: &str, device: DeviceId, now: Time) -> Threat {
    let detection = Detection {
        event_id: "loaded".into(),
        source: "lookout".into(),
        device: DeviceRef::Id(device),
        threat_id: format!("{device}"),
        classification: kind.into(),
        status: ThreatStatus::Open,
        detected_at: now.minus(Span::days(1)),
        severity: None,
        details: serde_json::Map::new(),
    };
    Threat::new(ThreatId(SystemSource.id()), &detection)
}
