//! Commands that administrators give devices: given, taken back, answered. Exactly one result for each, whatever is
//! repeated; how a command is put into a platform's words, and how it reaches the device, is not known here.

use allclear_domain::{
    device::EnrollmentStatus,
    device_command::{self, Answered, CommandState},
    ids::{CommandId, DeviceId, OrganizationGroupId},
    journal::{Actor, ActorKind, Change},
    level::Platform,
    profile::ResultStatus,
    time::Span,
};
use allclear_store::{
    android_devices,
    apple_enrollments::{self, EnrollmentState},
    device_commands::{self as stored, DeviceCommand},
};
use data_encoding::BASE64;

use crate::{Error, devices, ingest, seal::Sealer, work::Work};

/// How long a device has to answer unless whoever gives the command says otherwise, in hours.
pub const DEFAULT_HOURS: u32 = 7 * 24;
/// The longest it may have, in hours.
pub const MAX_HOURS: u32 = 90 * 24;
/// The most commands that wait for one device.
const MOST_OPEN: i64 = 10_000;
/// The fewest commands of a device that are kept, and for how long all are.
const KEPT: (i64, Span) = (100, Span::days(365));
/// The longest answer kept as it came, in bytes.
const MAX_ANSWER: usize = 8 * 1024 * 1024;

const WHAT: &str = "command";

/// A command to be given.
#[derive(Clone, PartialEq, Debug)]
pub struct NewCommand {
    /// What it is called on the platform.
    pub request_type: String,
    /// What it says, in the platform's words.
    pub payload: String,
    /// Whether it needs what the device gave us to clear its passcode with.
    pub needs_unlock_token: bool,
    /// The name of the device that is meant, repeated by whoever gives it.
    pub confirm: Option<String>,
    /// How long the device has to answer, in hours.
    pub hours: u32,
}

/// Gives a device a command. One of its kind that the device was not given yet makes way.
pub fn request(
    work: &mut Work<'_, '_>,
    sealer: &Sealer,
    reach: OrganizationGroupId,
    id: DeviceId,
    new: &NewCommand,
) -> Result<CommandId, Error> {
    let device = devices::get(work, reach, id)?.record.facts.device.clone();
    let kind = new.request_type.as_str();
    if !(1..=MAX_HOURS).contains(&new.hours) {
        return Err(Error::invalid("/expires_in_hours", format!("must be 1 to {MAX_HOURS}")));
    }
    let confirmed = new.confirm.as_deref() == Some(device.friendly_name.as_str());
    if device_command::needs_confirmation(kind) && !confirmed {
        return Err(Error::invalid("/confirm", "must repeat the name of the device"));
    }
    let managed = match device.platform {
        Platform::Android => android_devices::is_managed(work.tx, work.tenant, id)?,
        Platform::Ios => {
            let enrollment = apple_enrollments::of_device(work.tx, work.tenant, id)?;
            enrollment.is_some_and(|enrollment| enrollment.state == EnrollmentState::Enabled)
        }
    };
    // A device of the organisation that Google manages stays so until it is erased.
    let ending = device.platform == Platform::Android && device_command::ends_management(kind);
    if !managed || (device.enrollment != EnrollmentStatus::Enrolled && !ending) {
        return Err(Error::Conflict("the device is not managed by its platform, so it takes no commands".into()));
    }
    if new.needs_unlock_token && apple_enrollments::kept(work.tx, work.tenant, id)?.unlock_token.is_none() {
        return Err(Error::Conflict("the device gave nothing with which its passcode can be cleared".into()));
    }
    let now = work.now;
    if device_command::is_single(kind) && !stored::open(work.tx, work.tenant, id, Some(kind), now)?.is_empty() {
        return Err(Error::Conflict("such a command waits for the device already".into()));
    }
    if stored::count_open(work.tx, work.tenant, id)? >= MOST_OPEN {
        return Err(Error::Conflict(format!("{MOST_OPEN} commands wait for the device already")));
    }
    for older in device_command::superseded_by(kind) {
        for command in stored::open(work.tx, work.tenant, id, Some(older), now)? {
            if command.state != CommandState::Sent {
                close(work, command, CommandState::Superseded, "a newer command took its place")?;
            }
        }
    }
    stored::tidy(work.tx, work.tenant, id, KEPT.0, now.minus(KEPT.1))?;
    let command = DeviceCommand {
        id: CommandId(work.source.id()),
        device: id,
        request_type: new.request_type.clone(),
        rank: device_command::rank(kind),
        state: CommandState::Queued,
        requested_by: work.actor().clone(),
        created_at: now,
        expires_at: now.plus(Span::seconds(i64::from(new.hours) * 3600)),
        sent_at: None,
        answered_at: None,
        detail: None,
    };
    let payload = sealer.seal(work.tenant, &new.payload, work.source)?;
    stored::insert(work.tx, work.tenant, &command, &payload)?;
    if let Some(loaded) = work.loaded(id) {
        loaded.change(Change::CommandRequested { command: command.id, request_type: command.request_type });
    }
    Ok(command.id)
}

/// Takes a command back: the device is not given it any more. One that it was given already it may carry out all the
/// same.
pub fn cancel(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    device: DeviceId,
    id: CommandId,
) -> Result<(), Error> {
    devices::get(work, reach, device)?;
    let now = work.now;
    let command = stored::get(work.tx, work.tenant, device, id, now)?.ok_or(Error::NotFound(WHAT))?;
    match command.state {
        state if state.is_open() => close(work, command, CommandState::Cancelled, "an administrator took it back"),
        CommandState::Cancelled => Ok(()),
        state => Err(Error::Conflict(format!("the command is settled: {}", state.as_str()))),
    }
}

/// Takes back everything that waits for a device.
pub fn cancel_all(work: &mut Work<'_, '_>, device: DeviceId, reason: &str) -> Result<(), Error> {
    let now = work.now;
    for command in stored::open(work.tx, work.tenant, device, None, now)? {
        close(work, command, CommandState::Cancelled, reason)?;
    }
    Ok(())
}

fn close(work: &mut Work<'_, '_>, command: DeviceCommand, state: CommandState, reason: &str) -> Result<(), Error> {
    let command = DeviceCommand { state, detail: Some(reason.to_owned()), ..command };
    stored::settle(work.tx, work.tenant, &command, None)?;
    if let Some(loaded) = work.device(command.device)? {
        loaded.change(Change::CommandCancelled {
            command: command.id,
            request_type: command.request_type,
            reason: reason.to_owned(),
        });
    }
    Ok(())
}

/// Takes in a device's answer to a command of an administrator; says whether that settled it. `said` is the whole answer
/// as it came; empty if it is only concluded.
///
/// An answer to a command that is settled, is another device's or was never given changes nothing. Only where a command
/// was taken back after the device had been given it, what the device did then is written down beside.
pub fn answer(
    work: &mut Work<'_, '_>,
    sealer: &Sealer,
    device: DeviceId,
    id: CommandId,
    answered: Answered,
    detail: Option<&str>,
    said: &[u8],
) -> Result<bool, Error> {
    let now = work.now;
    let Some(mut command) = stored::get(work.tx, work.tenant, device, id, now)? else { return Ok(false) };
    let before = command.state;
    match device_command::after(before, answered) {
        Some(state) => command.state = state,
        None if before.is_open() || command.sent_at.is_none() || command.answered_at.is_some() => return Ok(false),
        None if answered == Answered::NotNow => return Ok(false),
        None => {}
    }
    let detail = detail.map(|text| ingest::shortened(text, 1000));
    if answered != Answered::NotNow {
        command.answered_at = Some(now);
    }
    if command.state != before || detail.is_some() {
        command.detail.clone_from(&detail);
    }
    let sealed = if said.is_empty() || said.len() > MAX_ANSWER {
        None
    } else {
        Some(sealer.seal(work.tenant, &BASE64.encode(said), work.source)?)
    };
    stored::settle(work.tx, work.tenant, &command, sealed.as_deref())?;
    let status = match answered {
        Answered::Acknowledged => ResultStatus::Acknowledged,
        Answered::Error => ResultStatus::Error,
        Answered::NotNow => ResultStatus::NotNow,
    };
    if let Some(loaded) = work.device(device)? {
        ingest::heard_of(&mut loaded.record.facts.device.sensor, now);
        let actor = Actor::new(ActorKind::Device, loaded.record.facts.device.friendly_name.clone());
        let (command, request_type) = (command.id, command.request_type);
        loaded.caused_by(actor, None).change(Change::CommandAnswered { command, request_type, status, detail });
    }
    Ok(before.is_open() && answered != Answered::NotNow)
}
