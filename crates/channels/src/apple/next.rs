//! What an Apple device is to do next: what administrators gave it, what profiles ask for, what it is asked by itself. And
//! whether there is anything for one that does not call. Only reads.

use allclear_domain::{
    device::{EnrollmentStatus, ManagementType},
    device_command::CommandState,
    ids::{CommandId, DeviceId, ProfileId, Tenant, TokenId},
    profile::{Action, Answer, Desired, ResultStatus},
    rules::Rules,
    time::Time,
};
use allclear_engine::{
    Engine, Error,
    apple_mdm::{self, Caller},
    seal::Sealer,
    source::Source,
};
use allclear_store::{
    apple_enrollments::{self as enrollments, AppleEnrollment, EnrollmentState},
    db::Tx,
    device_commands as queue,
    devices::{self, DeviceRecord},
    json,
};

use super::{
    inquiries::{Inquiries, Question},
    profile,
    requests::Command,
};
use crate::agent::{self, Pending, Postponed, Task, Wanted};

/// What a look at everything about a device came to.
pub(super) struct Look {
    pub(super) device: DeviceId,
    /// The enrollment token it came with.
    pub(super) token: TokenId,
    /// Nothing was heard of it for as long as contacts are recorded.
    pub(super) silent: bool,
    /// The device has postponed something.
    pub(super) postponed: bool,
    pub(super) next: Next,
}

/// What comes next.
pub(super) enum Next {
    /// Nothing is to be done.
    Nothing,
    /// The device has left meanwhile.
    Ended,
    /// The record was evaluated by other rules than those in force, or before a time that mattered.
    Outdated,
    /// A command about a profile has to be written down first.
    Issue((CommandId, ProfileId, Action)),
    /// A command about a profile, which was written down as issued.
    Profile { id: CommandId, issued_at: Time, command: Command },
    /// A command of an administrator.
    Queued(queue::Waiting, Command),
    /// A question.
    Ask(Question),
}

/// What comes next for a device that calls.
///
/// [`Error::Forbidden`] if nobody is known by what the caller shows.
pub(super) async fn look(engine: &Engine, tenant: Tenant, caller: &Caller) -> Result<Look, Error> {
    let (sealer, source, caller) = (engine.sealer().clone(), engine.source().clone(), caller.clone());
    let read = engine.read(tenant, move |tx, rules| {
        let now = source.now();
        let (enrollment, holder) = apple_mdm::identify_enabled(tx, tenant, &caller, now)?;
        let (device, token) = (enrollment.device, enrollment.token);
        let Some(record) = devices::get(tx, tenant, device)? else {
            return Ok(Look { device, token, silent: false, postponed: false, next: Next::Ended });
        };
        let view = View { rules, sealer: &sealer, source: &*source, tenant, now, record: &record };
        let (next, postponed) = view.next(tx, &enrollment, holder.renew)?;
        let silent = apple_mdm::is_silent(record.facts.device.sensor.last_contact, now);
        Ok(Look { device, token, silent, postponed, next })
    });
    read.await
}

/// What waits for a device that does not call. What it postponed does not count: it comes back by itself.
pub(crate) async fn pending(engine: &Engine, tenant: Tenant, device: DeviceId) -> Result<Pending, Error> {
    let (sealer, source) = (engine.sealer().clone(), engine.source().clone());
    let read = engine.read(tenant, move |tx, rules| {
        let now = source.now();
        let enrollment = enrollments::of_device(tx, tenant, device)?;
        let enrollment = enrollment.filter(|enrollment| enrollment.state == EnrollmentState::Enabled);
        let (Some(enrollment), Some(record)) = (enrollment, devices::get(tx, tenant, device)?) else {
            return Ok(Pending::default());
        };
        let inquiries: Inquiries = json::decode(&enrollment.inquiries)?;
        let heard_at = [agent::heard_at(&record), inquiries.heard_at(), queue::heard_at(tx, tenant, device)?];
        let view = View { rules, sealer: &sealer, source: &*source, tenant, now, record: &record };
        let given_at = match view.next(tx, &enrollment, false)?.0 {
            // What is to be evaluated first will be a change of its own.
            Next::Nothing | Next::Ended | Next::Outdated => None,
            Next::Issue(_) => Some(None),
            Next::Profile { issued_at, .. } => Some(Some(issued_at)),
            Next::Queued(waiting, _) => Some(waiting.sent_at.filter(|_| waiting.state == CommandState::Sent)),
            Next::Ask(question) => Some(question.asked_at.filter(|_| question.asked.is_some())),
        };
        let opens = agent::until([agent::opens(&record, now)], now);
        Ok(Pending::of(given_at, opens, heard_at.into_iter().flatten().max(), now))
    });
    read.await
}

/// A device as it is seen in one transaction.
struct View<'a> {
    rules: &'a Rules,
    sealer: &'a Sealer,
    source: &'a dyn Source,
    tenant: Tenant,
    now: Time,
    record: &'a DeviceRecord,
}

impl View<'_> {
    /// What comes next, and whether the device has postponed something; `renew` has it get its next certificate when there
    /// is nothing else.
    fn next(&self, tx: &mut Tx<'_>, enrollment: &AppleEnrollment, renew: bool) -> Result<(Next, bool), Error> {
        let &View { rules, sealer, source, tenant, now, record } = self;
        if record.due_at.is_some_and(|due| due <= now) {
            return Ok((Next::Outdated, false));
        }
        let postponed = Postponed::Before(enrollment.resumed_at);
        let wanted = agent::wanted(rules, sealer, tenant, record, postponed, source);
        let inquiries: Inquiries = json::decode(&enrollment.inquiries)?;
        let postponed =
            wanted.postponed || inquiries.has_postponed() || queue::has_postponed(tx, tenant, enrollment.device, now)?;
        let next = if let Some(waiting) = queue::next(tx, tenant, enrollment.device, now)? {
            let command = queued(tx, sealer, tenant, enrollment.device, &waiting)?;
            Next::Queued(waiting, command)
        } else if wanted.outdated {
            Next::Outdated
        } else if let Some(next) = self.about_profiles(wanted)? {
            next
        } else {
            self.question(&inquiries, renew).map_or(Next::Nothing, Next::Ask)
        };
        Ok((next, postponed))
    }

    /// What comes next about profiles. One at a time, so that what was not handed over does not count as such.
    fn about_profiles(&self, mut wanted: Wanted) -> Result<Option<Next>, Error> {
        // Removals come first in both.
        let removal = |task: &Task| matches!(task, Task::RemoveProfile { .. });
        let missing = wanted.missing.first().copied();
        let missing_removal = missing.filter(|(_, _, action)| *action == Action::Remove);
        let given = wanted.commands.iter().position(|command| removal(&command.task) || missing_removal.is_none());
        if let Some(place) = given {
            let agent::Command { id, issued_at, task } = wanted.commands.swap_remove(place);
            let command = about_profile(self.rules, self.record, task)?;
            return Ok(Some(command.map_or(Next::Nothing, |command| Next::Profile { id, issued_at, command })));
        }
        Ok(missing.map(Next::Issue))
    }

    /// What the device is asked by itself.
    fn question(&self, inquiries: &Inquiries, renew: bool) -> Option<Question> {
        match self.record.facts.device.enrollment {
            EnrollmentStatus::Unenrolled if !leaves_something(self.record) => inquiries.leave(self.now),
            EnrollmentStatus::Unenrolled => None,
            EnrollmentStatus::Enrolled | EnrollmentStatus::Pending => {
                let renewal = || inquiries.renew(self.now).filter(|_| renew);
                inquiries.next(self.now).or_else(renewal)
            }
        }
    }
}

/// Whether profiles are still to be taken off before the management itself goes. One that the device could not remove is
/// not waited for: it goes with the management.
fn leaves_something(record: &DeviceRecord) -> bool {
    record.posture.profiles.iter().any(|target| {
        let report = record.facts.reports.iter().find(|report| report.profile == target.profile);
        let failed = |answer: &Answer| answer.status == ResultStatus::Error;
        target.desired == Desired::Remove
            && report.is_some_and(|report| report.may_be_installed() && !report.answer.as_ref().is_some_and(failed))
    })
}

/// A command of an administrator as it was kept, with what the device gave us for it.
fn queued(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    tenant: Tenant,
    device: DeviceId,
    waiting: &queue::Waiting,
) -> Result<Command, Error> {
    let command = Command::from_xml(&sealer.open(tenant, &waiting.payload)?)?;
    if !command.needs_unlock_token() {
        return Ok(command);
    }
    match enrollments::kept(tx, tenant, device)?.unlock_token {
        Some(token) => Ok(command.unlocking(apple_mdm::open(sealer, tenant, &token)?)),
        // The device will say what it thinks of that.
        None => Ok(command),
    }
}

/// A command about a profile in Apple's words; none for what only agents do.
fn about_profile(rules: &Rules, record: &DeviceRecord, task: Task) -> Result<Option<Command>, Error> {
    let organisation = rules.settings.branding.organisation_name.as_str();
    let supervised = record.facts.device.management == Some(ManagementType::Supervised);
    match task {
        Task::InstallProfile { profile } => {
            let how = profile::Rendering { organisation, supervised };
            let payload = profile::render(&profile, &how)
                .map_err(|error| Error::Store(allclear_store::Error::damaged("profile", error)))?;
            Ok(Some(Command::install_profile(payload)))
        }
        Task::RemoveProfile { profile } => Ok(Some(Command::remove_profile(&profile::identifier(profile.id)))),
        Task::Check => Ok(None),
    }
}
