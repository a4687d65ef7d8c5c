//! Proving that what is stored follows from rules and facts: every device is evaluated again, every user's sums are
//! added up again, and nothing is changed.
//!
//! What operators and tests ask after a crash. Must not mend what it finds.

use std::{collections::BTreeMap, sync::Arc};

use allclear_domain::{
    evaluate::evaluate,
    ids::{DeviceId, Tenant, UserId},
    posture::{PostureChange, diff},
    rules::Rules,
    time::{Span, Time},
};
use allclear_store::{
    db::Tx,
    devices::{self, DeviceRecord},
    jobs::{self, Scope},
    users::{self, UserDelta, UserFilter, UserSort},
};

use crate::{Engine, Error};

/// What a verification found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// How many devices were looked at.
    pub devices: u64,
    /// How many users were looked at.
    pub users: u64,
    /// How many devices have a posture that does not follow from rules and facts.
    pub wrong_devices: u64,
    /// How many users have sums that are not those of their devices.
    pub wrong_users: u64,
    /// What is wrong, in words; the first [`MOST`].
    pub findings: Vec<String>,
    /// Devices that differ while a re-evaluation is under way, which will reach them: no fault.
    pub awaited: u64,
}

impl Report {
    /// Whether nothing is wrong.
    pub fn is_right(&self) -> bool {
        self.wrong_devices == 0 && self.wrong_users == 0
    }

    fn find(&mut self, finding: impl FnOnce() -> String) {
        if self.findings.len() < MOST {
            self.findings.push(finding());
        }
    }
}

/// How many findings are put in words.
pub const MOST: usize = 100;

/// Rows read in one go.
const STEP: u32 = 500;

/// Evaluates all devices of a tenant again, in one consistent snapshot, and compares. Takes as long as reading them.
pub async fn verify(engine: &Engine, tenant: Tenant) -> Result<Report, Error> {
    let source = Arc::clone(engine.source());
    engine.read(tenant, move |tx, rules| verify_in(tx, tenant, rules, source.now())).await
}

fn verify_in(tx: &mut Tx<'_>, tenant: Tenant, rules: &Rules, now: Time) -> Result<Report, Error> {
    let mut report = Report::default();
    let sums = verify_devices(tx, tenant, rules, now, &mut report)?;
    verify_users(tx, tenant, &sums, &mut report)?;
    Ok(report)
}

/// Verifies the devices and adds up what they are to their users.
fn verify_devices(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    rules: &Rules,
    now: Time,
    report: &mut Report,
) -> Result<BTreeMap<UserId, UserDelta>, Error> {
    let under_way = jobs::any(tx, tenant)?;
    let mut sums: BTreeMap<UserId, UserDelta> = BTreeMap::new();
    let mut after: Option<DeviceId> = None;
    loop {
        let ids = jobs::devices(tx, tenant, &Scope::all(), after, STEP.into())?;
        let Some(last) = ids.last() else { return Ok(sums) };
        after = Some(*last);
        for record in devices::get_many(tx, tenant, &ids)? {
            report.devices += 1;
            if let Some(user) = record.facts.device.user {
                let posture = &record.posture;
                let incidents = posture.incidents.map(i64::from);
                sums.entry(user).or_default().add(UserDelta { devices: 1, score: posture.score, incidents });
            }
            let changes = differences(rules, &record, now);
            if changes.is_empty() {
                continue;
            }
            if under_way {
                report.awaited += 1;
                continue;
            }
            report.wrong_devices += 1;
            report.find(|| format!("device {} ({}): {changes:?}", record.id(), record.facts.device.friendly_name));
        }
    }
}

/// What an evaluation would change. A device that has become due is seen as of the moment before: until somebody has
/// looked at it, that is what its posture must be.
fn differences(rules: &Rules, record: &DeviceRecord, now: Time) -> Vec<PostureChange> {
    let at = match record.due_at {
        Some(due) if due <= now => due.minus(Span::micros(1)),
        _ => now,
    };
    diff(&record.posture, &evaluate(rules, &record.facts, &record.posture, at).posture)
}

fn verify_users(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    sums: &BTreeMap<UserId, UserDelta>,
    report: &mut Report,
) -> Result<(), Error> {
    let mut after = None;
    loop {
        let list = users::list(tx, tenant, &UserFilter::default(), UserSort::CreatedAt, false, after.as_ref(), STEP)?;
        let Some(last) = list.last() else { return Ok(()) };
        after = Some(UserSort::CreatedAt.key(last));
        for user in &list {
            report.users += 1;
            let stored = UserDelta { devices: user.devices, score: user.score, incidents: user.incidents };
            let summed = sums.get(&user.id).copied().unwrap_or_default();
            if stored != summed {
                report.wrong_users += 1;
                report.find(|| format!("user {} ({}): {stored:?}, devices give {summed:?}", user.id, user.user_name));
            }
        }
    }
}
