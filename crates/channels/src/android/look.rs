//! What is to be done about one device under Google's management: what should be, compared with the policy it was given and
//! with what it said last.
//!
//! All profiles that should be on the device now make one policy. What the device says of that policy answers the commands
//! about its profiles. Nothing is told to Google here.

use std::collections::BTreeMap;

use allclear_domain::{
    device::{EnrollmentStatus, ManagementType, Ownership},
    device_command::CommandState,
    ids::{CommandId, DeviceId, ProfileId, Tenant},
    profile::{Action, Desired, ProfileReport, ResultStatus},
    rules::Rules,
    time::Time,
};
use allclear_engine::{
    Engine, Error,
    android::{self, Assigned, Assignments},
    ingest::{Fact, Inventory},
    rules::profiles,
    seal::Sealer,
};
use allclear_store::{
    android_devices::{self as stored, AndroidDevice, AndroidOperation, ManagedState},
    db::Tx,
    device_commands as queue,
    devices::{self, DeviceRecord},
    json, profiles as versions,
};
use serde_json::Value;

use super::{
    policy::Policy,
    status::{self, Reading, Standing},
};
use crate::agent::{self, Postponed};

/// The longest answer to a command about a profile, in characters.
const DETAIL: usize = 500;

/// What is to be done next about a device.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Next {
    /// It is not managed, or not any more.
    Nobody,
    /// The record was evaluated by other rules than those in force, or before a time that mattered.
    Outdated,
    /// A command of an administrator is to be handed to Google.
    Command(Waiting),
    /// A command of an administrator that Google has taken over was taken back.
    TakeBack(AndroidOperation),
    /// Commands about profiles have to be written down first.
    Issue(Vec<(CommandId, ProfileId, Action)>),
    /// It is to be given another policy.
    Assign(Box<NewPolicy>),
    /// The device has said something about its profiles.
    Facts(Vec<Fact>),
    /// The management is to be taken off it.
    Leave(Parting),
    /// It is as it should be, or has yet to say so.
    Rest(Rest),
}

/// A command of an administrator that waits for Google.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Waiting {
    pub(super) id: CommandId,
    /// What it says.
    pub(super) payload: String,
    pub(super) expires_at: Time,
    /// What the organisation is called.
    pub(super) organisation: String,
}

/// A policy for a device.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct NewPolicy {
    pub(super) id: String,
    pub(super) content: Value,
    /// Which profiles it is made of.
    pub(super) profiles: Vec<(ProfileId, u32)>,
    /// The policy the device says it has.
    pub(super) applied: Option<String>,
    /// The commands that it is to carry out: what is said to them if Google does not take it.
    pub(super) commands: Vec<CommandId>,
}

/// How the management is taken off a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Parting {
    /// It has to be asked first what it is.
    Ask,
    /// The person's own device: the work profile goes.
    Delete,
    /// The organisation's device with a work profile: the work profile goes, and with it all policies.
    Relinquish,
    /// The organisation's device, which would be erased: it keeps a policy that asks nothing.
    Release,
}

/// What is waited for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Rest {
    /// The device has not said yet that it has its policy, or what became of a command.
    pub(super) pending: bool,
    /// When time alone may bring something.
    pub(super) until: Option<Time>,
}

/// What is known of a device that Google manages, and what is to be done.
pub(super) struct Look {
    pub(super) row: AndroidDevice,
    pub(super) operations: Vec<AndroidOperation>,
    pub(super) next: Next,
}

/// Looks at everything about a device. None if it never was managed by Google.
pub(super) async fn look(engine: &Engine, tenant: Tenant, device: DeviceId) -> Result<Option<Look>, Error> {
    let (source, sealer) = (engine.source().clone(), engine.sealer().clone());
    let look = engine.read(tenant, move |tx, rules| {
        let Some(row) = stored::get(tx, tenant, device)? else { return Ok(None) };
        let operations = stored::operations(tx, tenant, device)?;
        let record = devices::get(tx, tenant, device)?;
        let known = Known {
            rules,
            sealer: &sealer,
            tenant,
            row: &row,
            operations: &operations,
            reading: android::reading(&sealer, tenant, &row)?.map(|said| read(&said)).transpose()?,
            now: source.now(),
        };
        let next = match record {
            _ if row.state == ManagedState::Ended => Next::Nobody,
            None => Next::Leave(parting(known.reading.as_ref())),
            Some(_) if row.state == ManagedState::Leaving => Next::Leave(parting(known.reading.as_ref())),
            Some(record) => {
                let wanted = agent::wanted(rules, &sealer, tenant, &record, Postponed::Before(known.now), &*source);
                known.next(tx, &record, wanted)?
            }
        };
        Ok(Some(Look { row, operations, next }))
    });
    look.await
}

fn read(said: &str) -> Result<Reading, Error> {
    Ok(status::read(&json::decode(said)?))
}

/// How the management is taken off a device that says this of itself.
pub(super) fn parting(reading: Option<&Reading>) -> Parting {
    let Some(reading) = reading else { return Parting::Ask };
    match (reading.management, reading.ownership) {
        (Some(ManagementType::WorkProfile), Some(Ownership::EmployeeOwned)) => Parting::Delete,
        (Some(ManagementType::WorkProfile), Some(_)) => Parting::Relinquish,
        // Whoever does not know what it is must not erase it.
        _ => Parting::Release,
    }
}

/// What is known when it is looked at a device.
struct Known<'a> {
    rules: &'a Rules,
    sealer: &'a Sealer,
    tenant: Tenant,
    row: &'a AndroidDevice,
    operations: &'a [AndroidOperation],
    reading: Option<Reading>,
    now: Time,
}

impl Known<'_> {
    fn next(&self, tx: &mut Tx<'_>, record: &DeviceRecord, wanted: agent::Wanted) -> Result<Next, Error> {
        if record.due_at.is_some_and(|due| due <= self.now) || wanted.outdated {
            return Ok(Next::Outdated);
        }
        let mut pending = false;
        if let Some(next) = self.command(tx, record.id(), &mut pending)? {
            return Ok(next);
        }
        if record.facts.device.enrollment == EnrollmentStatus::Unenrolled {
            match parting(self.reading.as_ref()) {
                Parting::Release => {}
                parting => return Ok(Next::Leave(parting)),
            }
        }
        if !wanted.missing.is_empty() {
            return Ok(Next::Issue(wanted.missing));
        }
        let assignments = Assignments::of(self.row)?;
        let profiles = on_it(record, &assignments, self.now);
        let parts = self.parts(tx, &profiles, assignments.newest())?;
        let policy = Policy::in_force(profiles.iter().filter_map(|part| parts.get(part)).cloned());
        let (id, applied) = (policy.id(), self.reading.as_ref().and_then(|reading| reading.applied.clone()));
        let google_has = self.reading.as_ref().and_then(|reading| reading.policy.as_deref());
        let newest = Assigned { policy: id.clone(), profiles };
        let given = self.row.policy.as_ref() == Some(&id) && google_has.is_none_or(|has| has == id);
        if !given || assignments.newest() != Some(&newest) {
            return Ok(Next::Assign(Box::new(NewPolicy {
                id,
                content: policy.to_json(),
                profiles: newest.profiles,
                applied: applied.map(|(id, _)| id),
                commands: wanted.commands.iter().map(|command| command.id).collect(),
            })));
        }
        if let Some(reading) = &self.reading {
            let facts = facts(record, &assignments, reading, &parts);
            if !facts.is_empty() {
                return Ok(Next::Facts(facts));
            }
        }
        pending |= applied.is_none_or(|(has, _)| has != id) || !wanted.commands.is_empty();
        let until = agent::opens(record, self.now).into_iter().chain(record.due_at).min();
        Ok(Next::Rest(Rest { pending, until }))
    }

    /// What is to be done about the commands of administrators.
    fn command(&self, tx: &mut Tx<'_>, device: DeviceId, pending: &mut bool) -> Result<Option<Next>, Error> {
        for operation in self.operations {
            let command = queue::get(tx, self.tenant, device, operation.command, self.now)?;
            if command.is_some_and(|command| command.state == CommandState::Cancelled) {
                return Ok(Some(Next::TakeBack(operation.clone())));
            }
            *pending = true;
        }
        let mut open = queue::open(tx, self.tenant, device, None, self.now)?;
        open.retain(|command| self.operations.iter().all(|operation| operation.command != command.id));
        let Some(first) = open.into_iter().min_by_key(|command| (command.rank, command.id)) else { return Ok(None) };
        let Some((payload, _)) = queue::contents(tx, self.tenant, first.id)? else { return Ok(None) };
        Ok(Some(Next::Command(Waiting {
            id: first.id,
            payload: self.sealer.open(self.tenant, &payload)?,
            expires_at: first.expires_at,
            organisation: self.rules.settings.branding.organisation_name.clone(),
        })))
    }

    /// What these profiles, and those of the newest policy, ask of a device.
    fn parts(&self, tx: &mut Tx<'_>, profiles: &[(ProfileId, u32)], newest: Option<&Assigned>) -> Result<Parts, Error> {
        let mut parts = Parts::new();
        let given = newest.map(|newest| newest.profiles.as_slice()).unwrap_or_default();
        for part in profiles.iter().chain(given) {
            if !parts.contains_key(part)
                && let Some(policy) = self.part(tx, *part)?
            {
                parts.insert(*part, policy);
            }
        }
        // One that is to be on the device and cannot be read must not be lifted by leaving it out.
        match profiles.iter().find(|part| !parts.contains_key(part)) {
            Some((profile, version)) => {
                let what = format!("version {version} of the profile {profile} is missing");
                Err(Error::Store(allclear_store::Error::damaged("profile", what)))
            }
            None => Ok(parts),
        }
    }

    fn part(&self, tx: &mut Tx<'_>, (profile, version): (ProfileId, u32)) -> Result<Option<Policy>, Error> {
        let published = self.rules.profile(profile).filter(|published| published.version == version);
        let spec = match published {
            Some(published) => Some(published.spec.clone()),
            None => versions::versions(tx, self.tenant, profile)?
                .into_iter()
                .find(|one| one.number == version)
                .map(|one| one.spec),
        };
        let opened = spec.map(|spec| profiles::opened(self.sealer, self.tenant, spec)).transpose()?;
        Ok(opened.map(|spec| Policy::of(&spec.payloads)))
    }
}

/// What profiles ask of a device, each in a version.
type Parts = BTreeMap<(ProfileId, u32), Policy>;

/// Which profiles should be on a device now, each in which version. Sorted.
fn on_it(record: &DeviceRecord, assignments: &Assignments, now: Time) -> Vec<(ProfileId, u32)> {
    let newest = assignments.newest();
    let given = |profile| newest?.profiles.iter().find(|(given, _)| *given == profile).map(|(_, version)| *version);
    let mut profiles: Vec<(ProfileId, u32)> = Vec::new();
    for target in &record.posture.profiles {
        let report = record.facts.reports.iter().find(|report| report.profile == target.profile);
        let has = report.and_then(|report| report.installed);
        let version = match target.desired {
            Desired::Install { version } => {
                let held = target.held_until.is_some_and(|until| now < until);
                // One that waits for its window leaves what is there.
                if held && given(target.profile) != Some(version) {
                    has.or(given(target.profile))
                } else {
                    Some(version)
                }
            }
            Desired::Remove => None,
            Desired::Nothing => has.or_else(|| {
                let may_be = report.is_some_and(ProfileReport::may_be_installed);
                given(target.profile).filter(|_| may_be)
            }),
        };
        profiles.extend(version.map(|version| (target.profile, version)));
    }
    profiles.sort_unstable();
    profiles
}

/// What a device's word on its policy says about its profiles.
fn facts(record: &DeviceRecord, assignments: &Assignments, reading: &Reading, parts: &Parts) -> Vec<Fact> {
    let device = record.id();
    let Some((applied, _)) = &reading.applied else { return Vec::new() };
    let Some(has) = assignments.find(applied) else { return Vec::new() };
    let is_newest = assignments.newest() == Some(has);
    let mut facts = Vec::new();
    let mut installed: BTreeMap<ProfileId, u32> = BTreeMap::new();
    let mut standings: BTreeMap<(ProfileId, u32), Standing> = BTreeMap::new();
    for part in &has.profiles {
        let report = record.facts.reports.iter().find(|report| report.profile == part.0);
        let said_before = report.and_then(|report| report.installed);
        match parts.get(part).map(|policy| status::of_profile(policy, reading)) {
            Some(standing @ Standing::Holds { .. }) => {
                installed.insert(part.0, part.1);
                standings.insert(*part, standing);
            }
            Some(standing) => {
                if matches!(standing, Standing::NotYet) {
                    installed.extend(said_before.map(|version| (part.0, version)));
                }
                standings.insert(*part, standing);
            }
            // It was part of an older policy.
            None => installed.extend(said_before.map(|version| (part.0, version))),
        }
    }
    for report in record.facts.reports.iter().filter(|_| is_newest) {
        let Some(issued) = report.issued.last() else { continue };
        let answer = match issued.action {
            Action::Remove => {
                let gone = has.profiles.iter().all(|(profile, _)| *profile != report.profile);
                gone.then_some((ResultStatus::Acknowledged, None))
            }
            Action::Install(version) => match standings.get(&(report.profile, version)) {
                Some(Standing::Holds { without }) => Some((ResultStatus::Acknowledged, without.clone())),
                Some(Standing::Fails(why)) => Some((ResultStatus::Error, Some(why.clone()))),
                Some(Standing::NotYet) => {
                    let said = report
                        .answer
                        .as_ref()
                        .is_some_and(|answer| answer.status == ResultStatus::NotNow && answer.action == issued.action);
                    (!said).then_some((ResultStatus::NotNow, None))
                }
                None => None,
            },
        };
        facts.extend(answer.map(|(status, detail)| {
            let detail = detail.map(|text| text.chars().take(DETAIL).collect());
            Fact::Answered { device, command: issued.command, status, detail }
        }));
    }
    if facts.is_empty() && differs(record, &installed) {
        let installed = Some(installed.into_iter().collect());
        facts.push(Fact::Inventory { device, inventory: Inventory { installed, ..Inventory::default() } });
    }
    facts
}

/// Whether a device is known to have other profiles than these.
fn differs(record: &DeviceRecord, installed: &BTreeMap<ProfileId, u32>) -> bool {
    let known: BTreeMap<ProfileId, u32> =
        record.facts.reports.iter().filter_map(|report| Some((report.profile, report.installed?))).collect();
    known != *installed
}

#[cfg(test)]
mod tests;
