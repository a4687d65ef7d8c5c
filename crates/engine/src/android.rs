//! Devices under Google's management: how one becomes known and ends, and what is kept of what it says. What is said over
//! the wire is not known here.

use allclear_domain::{
    device::{EnrollmentStatus, ManagementType},
    device_command::{self, Answered, CommandState},
    ids::{CommandId, DeviceId, ProfileId, Tenant, TokenId},
    journal::{Actor, ActorKind, Change},
    time::{Span, Time},
};
use allclear_store::{
    android_devices::{self as stored, AndroidDevice, ManagedState},
    device_commands as queue, json,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Error, device_commands,
    directory::enrollment::{self, NewDevice},
    seal::Sealer,
    work::Work,
};

/// What is said to commands of a device that has left.
const NOT_MANAGED: &str = "the device is not managed any more";
/// How many of a device's policies are remembered.
const KEPT: usize = 16;
/// How far Google's clock may be ahead of ours before a time is taken for now.
const AHEAD: Span = Span::seconds(300);

/// Stands for the command by which a device is given to its person when it leaves: no administrator gave it.
pub const PARTING: CommandId = CommandId(Uuid::nil());

/// Which profiles a policy that a device was given is made of.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Assigned {
    /// The policy's id.
    pub policy: String,
    /// The profiles, each in which version. Sorted.
    pub profiles: Vec<(ProfileId, u32)>,
}

/// The newest policies of a device, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Assignments(Vec<Assigned>);

impl Assignments {
    /// Those of a device.
    pub fn of(device: &AndroidDevice) -> Result<Self, Error> {
        Ok(json::decode(&device.assigned)?)
    }

    /// What the device was last given.
    pub fn newest(&self) -> Option<&Assigned> {
        self.0.last()
    }

    /// What a policy was made of when the device was last given it.
    pub fn find(&self, policy: &str) -> Option<&Assigned> {
        self.0.iter().rev().find(|one| one.policy == policy)
    }

    /// Adds what the device is to be given; false if that is what it was given last. Those before the one it has now
    /// are forgotten, and the oldest if there are too many.
    pub fn push(&mut self, next: Assigned, applied: Option<&str>) -> bool {
        if self.newest() == Some(&next) {
            return false;
        }
        let has = applied.and_then(|applied| self.0.iter().rposition(|one| one.policy == applied));
        self.0.drain(..has.unwrap_or(0));
        self.0.push(next);
        if self.0.len() > KEPT {
            self.0.remove(0);
        }
        true
    }
}

/// A device that has enrolled with Google.
#[derive(Clone, PartialEq, Debug)]
pub struct Enrolling {
    /// What Google calls it.
    pub name: String,
    /// The enrollment token of Google's that it came with.
    pub token_name: Option<String>,
    /// Ours, as Google was told it.
    pub token: Option<TokenId>,
    /// When it enrolled, if Google says.
    pub enrolled_at: Option<Time>,
    /// The id of the policy it has from the start.
    pub policy: Option<String>,
    /// What it says of itself.
    pub device: NewDevice,
}

/// Takes in a device that has enrolled with Google, by the enrollment token it came with, which is then used up. One that
/// is known under this name already stays as it is. A device of the same serial number is enrolled again: what waited for
/// it is taken back.
///
/// [`Error::Forbidden`] if it came with no token of ours that was good when it enrolled.
pub fn enroll(work: &mut Work<'_, '_>, new: &Enrolling) -> Result<DeviceId, Error> {
    if let Some(known) = stored::by_name(work.tx, work.tenant, &new.name)? {
        return Ok(known.device);
    }
    let by_name =
        new.token_name.as_deref().map(|name| stored::token(work.tx, work.tenant, name)).transpose()?.flatten();
    let unknown = || Error::Forbidden("it came with no enrollment token that was made here".into());
    let (token, management) = match (by_name, new.token) {
        (Some((token, management)), _) => (token, Some(management)),
        (None, Some(token)) => (token, None),
        (None, None) => return Err(unknown()),
    };
    let mut device = new.device.clone();
    // What Google reports does not tell a dedicated device from one that is managed whole.
    if management == Some(ManagementType::Dedicated) && device.management == Some(ManagementType::FullyManaged) {
        device.management = management;
    }
    let enrolled_at = new.enrolled_at.filter(|at| *at <= work.now.plus(AHEAD)).unwrap_or(work.now);
    let id = enrollment::begin_at(work, token, &device, enrolled_at)?;
    device_commands::cancel_all(work, id, "the device enrolled again")?;
    stored::forget(work.tx, work.tenant, id)?;
    let row = AndroidDevice {
        device: id,
        name: new.name.clone(),
        token,
        state: ManagedState::Managed,
        enrolled_at,
        policy: new.policy.clone(),
        assigned: json::encode(&Assignments::default())?,
        reading: None,
        reported_at: None,
    };
    stored::put(work.tx, work.tenant, &row)?;
    if let Some(loaded) = work.device(id)? {
        let facts = &mut loaded.record.facts.device;
        facts.enrollment = EnrollmentStatus::Enrolled;
        facts.enrolled_at = Some(enrolled_at);
        let actor = Actor::new(ActorKind::Device, facts.friendly_name.clone());
        loaded.caused_by(actor, None).change(Change::DeviceEnrolled);
    }
    Ok(id)
}

/// Keeps what a device said, unless it is older than what it said before or the device is not managed any more. The
/// device, if it was kept.
pub fn keep_reading(
    work: &mut Work<'_, '_>,
    sealer: &Sealer,
    name: &str,
    reading: &str,
    reported_at: Option<Time>,
) -> Result<Option<DeviceId>, Error> {
    let Some(known) = stored::by_name(work.tx, work.tenant, name)? else { return Ok(None) };
    let older = known.reported_at.zip(reported_at).is_some_and(|(known, now)| now < known);
    if older || known.state == ManagedState::Ended {
        return Ok(None);
    }
    let before = known.reading.as_deref().map(|sealed| sealer.open(work.tenant, sealed)).transpose()?;
    if before.as_deref() != Some(reading) {
        let sealed = sealer.seal(work.tenant, reading, work.source)?;
        stored::set_reading(work.tx, work.tenant, known.device, &sealed, reported_at)?;
    }
    Ok(Some(known.device))
}

/// What a device said last.
pub fn reading(sealer: &Sealer, tenant: Tenant, device: &AndroidDevice) -> Result<Option<String>, Error> {
    device.reading.as_deref().map(|sealed| sealer.open(tenant, sealed)).transpose()
}

/// Ends the management of a device: it is over at Google's. What was managed went with it.
pub fn end(work: &mut Work<'_, '_>, sealer: &Sealer, device: DeviceId) -> Result<(), Error> {
    let Some(known) = stored::get(work.tx, work.tenant, device)? else { return Ok(()) };
    match known.state {
        ManagedState::Ended => return Ok(()),
        // The device itself is deleted here.
        ManagedState::Leaving => return Ok(stored::forget(work.tx, work.tenant, device)?),
        ManagedState::Managed => {}
    }
    stored::set_state(work.tx, work.tenant, device, ManagedState::Ended)?;
    for command in queue::open(work.tx, work.tenant, device, None, work.now)? {
        // That it is gone may be heard before what became of the command.
        if command.state == CommandState::Sent && device_command::ends_management(&command.request_type) {
            device_commands::answer(work, sealer, device, command.id, Answered::Acknowledged, Some(NOT_MANAGED), &[])?;
        }
    }
    device_commands::cancel_all(work, device, NOT_MANAGED)?;
    for operation in stored::operations(work.tx, work.tenant, device)? {
        stored::forget_operation(work.tx, work.tenant, &operation.name)?;
    }
    enrollment::leave(work, device)
}

/// Takes in what became of a command that Google has taken over; the command, if that settled it. `said` is the whole
/// answer as it came.
pub fn answer(
    work: &mut Work<'_, '_>,
    sealer: &Sealer,
    operation: &str,
    answered: Answered,
    detail: Option<&str>,
    said: &[u8],
) -> Result<Option<Settled>, Error> {
    let Some(known) = stored::by_operation(work.tx, work.tenant, operation)? else { return Ok(None) };
    let now = work.now;
    stored::forget_operation(work.tx, work.tenant, operation)?;
    let (device, id) = (known.device, known.command);
    if id == PARTING {
        let request_type = device_command::request_type::RELINQUISH_OWNERSHIP.to_owned();
        return Ok(Some(Settled { device, command: id, request_type }));
    }
    let Some(command) = queue::get(work.tx, work.tenant, device, id, now)? else { return Ok(None) };
    let settled = device_commands::answer(work, sealer, device, id, answered, detail, said)?;
    Ok(settled.then_some(Settled { device, command: id, request_type: command.request_type }))
}

/// A command that has its result.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settled {
    /// The device.
    pub device: DeviceId,
    /// The command.
    pub command: CommandId,
    /// What it is called on the platform.
    pub request_type: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(policy: &str, profiles: &[u128]) -> Assigned {
        let profiles = profiles.iter().map(|n| (ProfileId(Uuid::from_u128(*n)), 1)).collect();
        Assigned { policy: policy.to_owned(), profiles }
    }

    #[test]
    fn what_a_device_has_and_may_come_to_have_is_remembered() {
        let mut all = Assignments::default();
        assert!(all.push(assigned("a", &[1]), None));
        assert!(!all.push(assigned("a", &[1]), None), "twice is once");
        assert!(all.push(assigned("b", &[1, 2]), None));
        assert_eq!(all.find("a"), Some(&assigned("a", &[1])), "it may be applied yet");
        assert!(all.push(assigned("c", &[2]), Some("b")));
        assert_eq!((all.find("a"), all.find("b").is_some()), (None, true));
        // Other profiles that come to the same policy.
        assert!(all.push(assigned("c", &[3]), Some("b")));
        assert_eq!(all.find("c"), Some(&assigned("c", &[3])));
        for n in 0..100 {
            all.push(assigned(&format!("p{n}"), &[n]), None);
        }
        assert_eq!(all.0.len(), KEPT);
        assert_eq!(all.newest(), Some(&assigned("p99", &[99])));
    }
}
