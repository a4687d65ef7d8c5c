//! What must be true of a tenant whatever happened to it.

use std::collections::{BTreeMap, BTreeSet};

use allclear_domain::{
    compliance::Compliance,
    detection::ProtectionStatus,
    evaluate::evaluate,
    ids::{DeviceId, ProfileId, SmartGroupId, TagId, UserId},
    journal::{Change, Entry},
    level::RiskLevel,
    profile::Desired,
    rules::Rules,
    tag::EngineTag,
};
use allclear_engine::{Error, verify};
use allclear_store::{
    db::Tx,
    devices::{self, DeviceRecord},
    jobs::{self, Scope},
    journal, params, tenants, users,
};
use uuid::Uuid;

use super::{Tenant, phone::Phone};
use crate::common::{Fixture, TENANT};

/// Checks everything, once all that waits has been done.
pub async fn everything(fixture: &Fixture) {
    let report = verify::verify(&fixture.engine, TENANT).await.unwrap();
    assert!(report.is_right() && report.awaited == 0, "{report:#?}");
    let now = fixture.now();
    fixture
        .engine
        .read(TENANT, move |tx, rules| {
            let ids = jobs::devices(tx, TENANT, &Scope::all(), None, 1000)?;
            let records = devices::get_many(tx, TENANT, &ids)?;
            assert_eq!(records.len(), ids.len());
            for record in &records {
                let until = evaluate(rules, &record.facts, &record.posture, now).valid_until;
                assert!(until.is_none() || record.due_at.is_some_and(|due| Some(due) <= until), "due too late");
            }
            columns(tx, &records)?;
            memberships(tx, &records)?;
            threats(tx, &records)?;
            user_sums(tx, &records)?;
            replay(tx, rules, &records)?;
            Ok(())
        })
        .await
        .unwrap();
}

/// The columns beside the document say what the document says.
fn columns(tx: &mut Tx<'_>, records: &[DeviceRecord]) -> Result<(), Error> {
    for record in records {
        let (device, posture) = (&record.facts.device, &record.posture);
        let id = record.id().0;
        let derived: Option<(i64, i64, i64, i64, Option<i64>, i64)> = tx.query_opt(
            "SELECT risk, protection, compliance, score, due_at, version FROM device WHERE tenant = $1 AND id = $2",
            params![TENANT.0, id],
        )?;
        let due = record.due_at.map(allclear_domain::time::Time::as_micros);
        let expected = (
            posture.risk as i64,
            posture.protection as i64,
            posture.compliance as i64,
            posture.score,
            due,
            record.version,
        );
        assert_eq!(derived, Some(expected));
        let identity: Option<(Uuid, Option<Uuid>, String, Option<String>, Option<String>, String)> = tx.query_opt(
            "SELECT organization_group, user_id, platform, model, os_version, enrollment FROM device \
             WHERE tenant = $1 AND id = $2",
            params![TENANT.0, id],
        )?;
        let expected = (
            device.organization_group.0,
            device.user.map(|user| user.0),
            device.platform.as_str().to_owned(),
            device.model.clone(),
            device.os_version.clone(),
            device.enrollment.as_str().to_owned(),
        );
        assert_eq!(identity, Some(expected));
    }
    Ok(())
}

/// The rows of tags, groups and profiles are those of the documents, no more and no less.
fn memberships(tx: &mut Tx<'_>, records: &[DeviceRecord]) -> Result<(), Error> {
    let mut expected = [BTreeSet::new(), BTreeSet::new()];
    let mut statuses = BTreeSet::new();
    for record in records {
        expected[0].extend(record.facts.device.tags.iter().map(|tag| (tag.0, record.id().0)));
        expected[1].extend(record.posture.smart_groups.iter().map(|group| (group.0, record.id().0)));
        for target in &record.posture.profiles {
            if let Some(status) = record.profile_status(target) {
                let word = serde_json::to_value(status).unwrap().as_str().unwrap().to_owned();
                statuses.insert((target.profile.0, record.id().0, word));
            }
        }
    }
    for (table, expected) in [("device_tag", "tag"), ("device_smart_group", "smart_group")].into_iter().zip(expected) {
        let (table, column) = table;
        let sql = format!("SELECT {column}, device_id FROM {table} WHERE tenant = $1");
        let rows: BTreeSet<(Uuid, Uuid)> = tx.query(&sql, params![TENANT.0])?.into_iter().collect();
        assert_eq!(rows, expected, "{table}");
    }
    let sql = "SELECT profile, device_id, status FROM device_profile WHERE tenant = $1";
    let rows: BTreeSet<(Uuid, Uuid, String)> = tx.query(sql, params![TENANT.0])?.into_iter().collect();
    assert_eq!(rows, statuses, "device_profile");
    Ok(())
}

/// Every threat of a document has a row that says the same, and what is archived is in no document.
fn threats(tx: &mut Tx<'_>, records: &[DeviceRecord]) -> Result<(), Error> {
    type Row = (Uuid, Uuid, String, String, i64, i64, bool);
    let rows: Vec<Row> = tx.query(
        "SELECT id, device_id, classification, status, first_seen, changed_at, archived FROM threat WHERE tenant = $1",
        params![TENANT.0],
    )?;
    let there: BTreeSet<DeviceId> = records.iter().map(DeviceRecord::id).collect();
    let in_documents: BTreeSet<Row> = records
        .iter()
        .flat_map(|record| record.facts.threats.iter().map(|threat| (record.id().0, threat)))
        .map(|(device, it)| {
            let (first, changed) = (it.first_seen.as_micros(), it.changed_at.as_micros());
            let (kind, status) = (it.classification.clone(), it.status().as_str().to_owned());
            (it.id.0, device, kind, status, first, changed, false)
        })
        .collect();
    let of_devices = rows.iter().filter(|row| there.contains(&DeviceId(row.1)));
    let unarchived: BTreeSet<Row> = of_devices.filter(|row| !row.6).cloned().collect();
    assert_eq!(unarchived, in_documents, "threat");
    Ok(())
}

/// The sums of users are the sums over their devices.
fn user_sums(tx: &mut Tx<'_>, records: &[DeviceRecord]) -> Result<(), Error> {
    for id in crate::world::users() {
        let own: Vec<&DeviceRecord> = records.iter().filter(|it| it.facts.device.user == Some(id)).collect();
        let Some(user) = users::get(tx, TENANT, id)? else {
            assert!(own.is_empty(), "devices of a user who is not there");
            continue;
        };
        let mut incidents = [0; 3];
        for record in &own {
            for (sum, count) in incidents.iter_mut().zip(record.posture.incidents) {
                *sum += i64::from(count);
            }
        }
        let score: i64 = own.iter().map(|record| record.posture.score).sum();
        assert_eq!((user.devices, user.score, user.incidents), (own.len() as i64, score, incidents));
    }
    Ok(())
}

/// A device as the journal tells it.
#[derive(Debug, Default)]
struct Told {
    risk: RiskLevel,
    protection: ProtectionStatus,
    compliance: Compliance,
    tags: BTreeSet<TagId>,
    groups: BTreeSet<SmartGroupId>,
    desired: BTreeMap<ProfileId, Desired>,
    score: f64,
    last_entry: i64,
}

/// The journal has every position once, and told from its beginning it ends with what is stored. At every position a
/// device has exactly the risk tag of its level: tags, groups and profiles change in the entry in which the risk does.
fn replay(tx: &mut Tx<'_>, rules: &Rules, records: &[DeviceRecord]) -> Result<(), Error> {
    let risk_tags: BTreeMap<TagId, EngineTag> = EngineTag::ALL
        .into_iter()
        .filter(|tag| tag.is_risk())
        .filter_map(|tag| rules.engine_tag(tag).map(|id| (id, tag)))
        .collect();
    let mut told: BTreeMap<DeviceId, Told> = BTreeMap::new();
    let mut users_at_risk: BTreeMap<UserId, RiskLevel> = BTreeMap::new();
    let mut position = 0;
    loop {
        let entries = journal::after(tx, TENANT, position, 500)?;
        if entries.is_empty() {
            break;
        }
        for (entry, _) in entries {
            position += 1;
            assert_eq!(entry.position, position, "a gap in the journal");
            for change in &entry.changes {
                if let Change::UserRisk { user, from, to } = change {
                    assert_eq!(users_at_risk.insert(*user, *to).unwrap_or_default(), *from);
                }
            }
            if let Some(device) = entry.device_id {
                if entry.changes.contains(&Change::DeviceDeleted) {
                    told.remove(&device);
                    continue;
                }
                let told = told.entry(device).or_default();
                tell(told, &entry);
                let tags: Vec<EngineTag> = told.tags.iter().filter_map(|tag| risk_tags.get(tag).copied()).collect();
                assert_eq!(tags, EngineTag::of_risk(told.risk).into_iter().collect::<Vec<_>>(), "at {position}");
            }
        }
    }
    assert_eq!(tenants::get(tx, TENANT)?.map(|row| row.journal_position), Some(position));
    for (user, risk) in users_at_risk {
        let stored = users::get(tx, TENANT, user)?.map(|user| users::severity(user.incidents));
        assert_eq!(stored, Some(risk), "the user's risk status");
    }
    for record in records {
        let (told, posture) = (told.remove(&record.id()).expect("every device is in the journal"), &record.posture);
        assert_eq!((told.risk, told.protection), (posture.risk, posture.protection));
        assert_eq!(told.compliance, posture.compliance);
        assert_eq!(told.tags.into_iter().collect::<Vec<_>>(), posture.tags);
        assert_eq!(told.groups.into_iter().collect::<Vec<_>>(), posture.smart_groups);
        for target in &posture.profiles {
            assert_eq!(told.desired.get(&target.profile), Some(&target.desired), "profile {}", target.profile);
        }
        assert_eq!((told.score * 1000.0).round() as i64, posture.score);
        assert_eq!(told.last_entry, record.last_entry);
        let (timeline, _) = journal::of_device(tx, TENANT, record.id(), record.last_entry, usize::MAX)?;
        let count: Option<i64> = tx.query_opt(
            "SELECT count(*) FROM journal WHERE tenant = $1 AND device_id = $2",
            params![TENANT.0, record.id().0],
        )?;
        assert_eq!(Some(timeline.len() as i64), count, "the timeline has every entry of the device");
    }
    Ok(())
}

fn tell(told: &mut Told, entry: &Entry) {
    told.last_entry = entry.position;
    let was = told.risk;
    for change in &entry.changes {
        match change {
            Change::Risk { from, to } => {
                assert_eq!(std::mem::replace(&mut told.risk, *to), *from);
            }
            Change::Protection { from, to } => {
                assert_eq!(std::mem::replace(&mut told.protection, *to), *from);
            }
            Change::Compliance { from, to } => {
                assert_eq!(std::mem::replace(&mut told.compliance, *to), *from);
            }
            Change::Score { from, to } => {
                assert_eq!((told.score * 1000.0).round(), (*from * 1000.0).round());
                told.score = *to;
            }
            Change::TagAdded { tag, .. } => assert!(told.tags.insert(*tag)),
            Change::TagRemoved { tag, .. } => assert!(told.tags.remove(tag)),
            Change::SmartGroupJoined { smart_group, .. } => assert!(told.groups.insert(*smart_group)),
            Change::SmartGroupLeft { smart_group, .. } => assert!(told.groups.remove(smart_group)),
            Change::Profile { profile, desired, .. } => {
                told.desired.insert(*profile, *desired);
            }
            _ => {}
        }
    }
    // A risk that changes between levels with tags takes both tags with it.
    if EngineTag::of_risk(was) != EngineTag::of_risk(told.risk) {
        let tagged = |change: &Change| matches!(change, Change::TagAdded { .. } | Change::TagRemoved { .. });
        assert!(entry.changes.iter().any(tagged));
    }
}

/// Every phone has what it should have, and there is nothing left to tell it.
pub async fn settled(tenant: &Tenant<'_>) {
    for (device, phone) in tenant.devices.iter().zip(&tenant.phones) {
        if let Some(device) = device {
            settled_phone(tenant.fixture, *device, phone).await;
        }
    }
}

async fn settled_phone(fixture: &Fixture, device: DeviceId, phone: &Phone) {
    let record = fixture.record(device).await;
    let mut left = phone.installed.clone();
    for target in &record.posture.profiles {
        let installed = left.remove(&target.profile);
        let report = record.facts.reports.iter().find(|report| report.profile == target.profile);
        assert_eq!(report.and_then(|report| report.installed), installed, "the server knows what is on the phone");
        match target.desired {
            Desired::Install { version } if target.held_until.is_none() => assert_eq!(installed, Some(version)),
            Desired::Install { .. } | Desired::Nothing => {}
            Desired::Remove => panic!("{} is still to be removed from {phone:?}: {report:?}", target.profile),
        }
    }
    assert!(left.is_empty(), "on the phone without a target: {left:?}");
}
