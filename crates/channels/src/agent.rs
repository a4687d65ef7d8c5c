//! Commands for devices with our agent, which asks for them and waits until there are some.
//!
//! A command is written down before it is handed over, and handed over only if it is still what is wanted after that.
//! One without an answer is handed over again under its id. A poll that finds nothing writes nothing.

use std::{fmt, time::Duration};

use allclear_domain::{
    check::CheckState,
    device::{EnrollmentStatus, Sensor},
    evaluate::evaluate,
    ids::{CommandId, DeviceId, ProfileId, Tenant},
    level::Platform,
    payload::Payload,
    posture::ProfileTarget,
    profile::{Action, AllowRemoval, ProfileReport, ResultStatus},
    rules::Rules,
    time::{Span, Time},
};
use allclear_engine::{
    Engine, Error,
    ingest::{Fact, Outcome},
    rules::profiles,
    seal::Sealer,
    source::Source,
};
use allclear_store::{
    android_devices,
    apple_enrollments::{self, EnrollmentState},
    db::Tx,
    devices::{self, DeviceRecord},
    notifications,
};
use serde::Serialize;
use tokio::time::Instant;
use utoipa::ToSchema;

/// The longest a poll waits.
pub const MAX_WAIT: Duration = Duration::from_secs(60);

/// How often a poll looks again at once before it gives up until the next one: rules change while it looks, but not for
/// ever.
const ROUNDS: u32 = 8;

/// Something a device is to do.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Command {
    /// Names the command in the answer to it. Later ones sort after earlier ones.
    pub id: CommandId,
    /// When it was first handed over.
    pub issued_at: Time,
    /// What is to be done.
    #[serde(flatten)]
    pub task: Task,
}

/// What a device is to do.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Task {
    /// Put a profile on the device, in place of any other version of it.
    InstallProfile {
        /// The profile.
        profile: ProfileToInstall,
    },
    /// Take a profile off the device. Done if it is not there.
    RemoveProfile {
        /// The profile.
        profile: ProfileToRemove,
    },
    /// Look at the device anew and report what is there, then answer: its owner says that an issue is put right.
    Check,
}

/// A profile with everything that is in it, secrets in the clear.
#[derive(Clone, PartialEq, Serialize, ToSchema)]
pub struct ProfileToInstall {
    /// Its id.
    pub id: ProfileId,
    /// Its name.
    pub name: String,
    /// The version.
    pub version: u32,
    /// Whether the person may remove it.
    pub allow_removal: AllowRemoval,
    /// What the person has to type to remove it, if removal needs authorization.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub removal_password: Option<String>,
    /// What it puts on the device.
    pub payloads: Vec<Payload>,
}

impl fmt::Debug for ProfileToInstall {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProfileToInstall({} {:?} version {})", self.id, self.name, self.version)
    }
}

/// A profile that is to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProfileToRemove {
    /// Its id.
    pub id: ProfileId,
    /// Its name; empty if the profile itself is gone.
    pub name: String,
    /// The version the device said it has, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
}

/// What a poll came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Polled {
    /// What the device is to do.
    pub commands: Vec<Command>,
    /// Whether messages wait for the device to fetch them; `false` unless that was asked.
    pub messages: bool,
}

/// What the device is to do now, removals first. If there is nothing, waits for something for at most `wait` (never
/// longer than [`MAX_WAIT`]) or until `shutdown`. With `messages`, messages that wait for the device are something, too.
///
/// [`Error::NotFound`] if there is no such device.
pub async fn commands(
    engine: &Engine,
    tenant: Tenant,
    device: DeviceId,
    wait: Duration,
    messages: bool,
    shutdown: impl Future<Output = ()>,
) -> Result<Polled, Error> {
    let wake = engine.wake_for(device);
    let deadline = Instant::now() + wait.min(MAX_WAIT);
    tokio::pin!(shutdown);
    let mut rounds = 0;
    let mut greeted = false;
    loop {
        // Before the look, so that what comes after it is not missed.
        let woken = wake.notified();
        tokio::pin!(woken);
        woken.as_mut().enable();
        let seen = look(engine, tenant, device, messages).await?;
        if seen.outdated || !seen.missing.is_empty() {
            rounds += 1;
            if rounds > ROUNDS {
                return Ok(Polled::default());
            }
            let fact =
                if seen.outdated { Fact::Due(device) } else { Fact::Delivered { device, commands: seen.missing } };
            submit(engine, tenant, fact).await?;
            continue;
        }
        if seen.silent && !greeted {
            greeted = true;
            match submit(engine, tenant, Fact::Contact(device)).await {
                // The next poll will say it.
                Ok(()) | Err(Error::Busy) => {}
                Err(error) => return Err(error),
            }
        }
        if !seen.commands.is_empty() || seen.messages {
            return Ok(Polled { commands: seen.commands, messages: seen.messages });
        }
        let until = seen.again.map_or(deadline, |again| deadline.min(Instant::now() + again));
        tokio::select! {
            () = woken => {}
            () = tokio::time::sleep_until(until) => {
                if until >= deadline {
                    return Ok(Polled::default());
                }
            }
            () = &mut shutdown => return Ok(Polled::default()),
        }
    }
}

/// How long a command that was handed out is left to the agent before it counts as lost.
const TIME_TO_ANSWER: Span = Span::seconds(60);

/// What waits for an agent that does not ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Whether there are commands it was not handed, or was and has not answered for a minute.
    pub commands: bool,
    /// In how long there may be some without anything else happening: a command that was handed over counts as lost then, an
    /// installation's window opens, or what failed may be tried again.
    pub again: Option<Duration>,
    /// When it was last handed a command it had not been handed before, or answered one.
    pub heard_at: Option<Time>,
}

/// What waits for an agent, without handing anything over. Writes nothing; what is not evaluated by the present rules
/// yet does not count, because the evaluation will be a change of its own.
pub async fn pending(engine: &Engine, tenant: Tenant, device: DeviceId) -> Result<Pending, Error> {
    let seen = look(engine, tenant, device, false).await?;
    let now = engine.source().now();
    if seen.outdated {
        return Ok(Pending { heard_at: seen.heard_at, ..Pending::default() });
    }
    // A check is handed over without being written down.
    let given_at = |command: &Command| (command.task != Task::Check).then_some(command.issued_at);
    let missing = (!seen.missing.is_empty()).then_some(None);
    let waits = seen.commands.iter().map(given_at).chain(missing).min();
    Ok(Pending::of(waits, seen.opens, seen.heard_at, now))
}

impl Pending {
    /// Of something that waits, if anything does, and when it was handed over, if it was; `opens` is in how long time alone
    /// may bring more.
    pub(crate) fn of(waits: Option<Option<Time>>, opens: Option<Duration>, heard_at: Option<Time>, now: Time) -> Self {
        let left = |given_at: Time| TIME_TO_ANSWER.as_micros() - now.since(given_at).as_micros();
        let left = waits.map(|given_at| Duration::from_micros(given_at.map_or(0, left).max(0).unsigned_abs()));
        let commands = left.is_some_and(|left| left.is_zero());
        let again = left.into_iter().chain(opens).min().filter(|_| !commands);
        Self { commands, again, heard_at }
    }
}

pub(crate) async fn submit(engine: &Engine, tenant: Tenant, fact: Fact) -> Result<(), Error> {
    match engine.submit(tenant, vec![fact]).await?.first() {
        Some(Outcome::Rejected { .. }) => Err(Error::NotFound("device")),
        _ => Ok(()),
    }
}

/// What a look at the device's record came to.
#[derive(Default)]
struct Seen {
    /// The record was evaluated by other rules than those in force, or before a time that mattered.
    outdated: bool,
    /// What is wanted and was not written down as handed over yet.
    missing: Vec<(CommandId, ProfileId, Action)>,
    /// What is wanted and was.
    commands: Vec<Command>,
    /// Messages wait for it.
    messages: bool,
    /// Nothing was heard of the device for as long as contacts are recorded.
    silent: bool,
    /// In how long time alone may bring something.
    again: Option<Duration>,
    /// In how long time alone may bring commands, the posture being what it is.
    opens: Option<Duration>,
    /// When the agent last took or answered a command.
    heard_at: Option<Time>,
}

/// When a device that said "not now" to a command about a profile is asked again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Postponed {
    /// After a pause.
    AfterPause,
    /// When it said so before this time.
    Before(Time),
}

/// What is wanted of a device about profiles, removals first.
#[derive(Default)]
pub(crate) struct Wanted {
    /// The record was evaluated by other rules than those in force.
    pub(crate) outdated: bool,
    /// What was not written down as handed over yet.
    pub(crate) missing: Vec<(CommandId, ProfileId, Action)>,
    /// What was.
    pub(crate) commands: Vec<Command>,
    /// More is wanted, but the device said "not now".
    pub(crate) postponed: bool,
}

async fn look(engine: &Engine, tenant: Tenant, device: DeviceId, messages: bool) -> Result<Seen, Error> {
    let (source, sealer) = (engine.source().clone(), engine.sealer().clone());
    let look = engine.read(tenant, move |tx, rules| {
        let record = devices::get(tx, tenant, device)?.ok_or(Error::NotFound("device"))?;
        let now = source.now();
        let opens = opens(&record, now);
        let mut seen =
            Seen { again: until([opens, record.due_at], now), opens: until([opens], now), ..Seen::default() };
        seen.heard_at = heard_at(&record);
        if record.due_at.is_some_and(|due| due <= now) {
            seen.outdated = true;
            return Ok(seen);
        }
        seen.messages = messages && notifications::waits(tx, tenant, device)?;
        let last_contact = record.facts.device.sensor.last_contact;
        seen.silent = last_contact.is_none_or(|last| now.since(last) >= Sensor::CONTACT_STEP);
        let wanted = wanted(rules, &sealer, tenant, &record, Postponed::AfterPause, &*source);
        let idle = !wanted.outdated && wanted.missing.is_empty() && wanted.commands.is_empty();
        // Only who would be told something is looked up, so that an idle poll costs no more.
        if !idle && !is_managed(tx, tenant, &record)? {
            seen.outdated = wanted.outdated;
            seen.missing = wanted.missing;
            seen.commands = wanted.commands;
        }
        let enrolled = record.facts.device.enrollment == EnrollmentStatus::Enrolled;
        let check = record.facts.check.filter(|check| enrolled && check.is_wanted(now));
        seen.commands.extend(check.map(|check| Command {
            id: check.command,
            issued_at: check.requested_at,
            task: Task::Check,
        }));
        Ok(seen)
    });
    look.await
}

/// Whether the device's profiles are its platform's business: its agent is then told nothing of them.
fn is_managed(tx: &mut Tx<'_>, tenant: Tenant, record: &DeviceRecord) -> Result<bool, Error> {
    match record.facts.device.platform {
        Platform::Android => Ok(android_devices::is_managed(tx, tenant, record.id())?),
        Platform::Ios => {
            let enrollment = apple_enrollments::of_device(tx, tenant, record.id())?;
            Ok(enrollment.is_some_and(|enrollment| enrollment.state == EnrollmentState::Enabled))
        }
    }
}

/// What is wanted of a device about profiles: what should be, compared with what it reported.
pub(crate) fn wanted(
    rules: &Rules,
    sealer: &Sealer,
    tenant: Tenant,
    record: &DeviceRecord,
    postponed: Postponed,
    source: &dyn Source,
) -> Wanted {
    let now = source.now();
    let mut result = Wanted::default();
    let mut wanted: Vec<(&ProfileTarget, ProfileReport, Action)> = Vec::new();
    for target in &record.posture.profiles {
        let report = record.facts.reports.iter().find(|report| report.profile == target.profile);
        let mut report = report.cloned().unwrap_or_else(|| ProfileReport::new(target.profile));
        let answer = report.answer.as_ref().filter(|answer| answer.status == ResultStatus::NotNow);
        let said_not_now = answer.map(|answer| (answer.action, answer.at));
        if said_not_now.is_some() && postponed != Postponed::AfterPause {
            report.retry_at = None;
        }
        let is_postponed = |action: Action| match (postponed, said_not_now) {
            (Postponed::Before(time), Some((postponed, at))) => postponed == action && at > time,
            _ => false,
        };
        match report.action(target.desired, target.held_until, now) {
            Some(action) if is_postponed(action) => result.postponed = true,
            Some(action) => wanted.push((target, report, action)),
            None => {}
        }
    }
    // A change of rules may not have come to this device yet.
    if !wanted.is_empty() {
        let fresh = evaluate(rules, &record.facts, &record.posture, now).posture;
        result.outdated = fresh.profiles != record.posture.profiles;
    }
    wanted.sort_by_key(|(_, _, action)| matches!(action, Action::Install(_)));
    for (target, report, action) in wanted {
        let task = match task(rules, sealer, tenant, target, &report, action) {
            Ok(task) => task,
            Err(error) => {
                let (device, profile) = (record.id(), target.profile);
                tracing::error!(%device, %profile, error = &error as &dyn std::error::Error, "a profile is held back");
                continue;
            }
        };
        match report.issued.last().filter(|issued| issued.action == action) {
            Some(issued) => result.commands.push(Command { id: issued.command, issued_at: issued.at, task }),
            None => result.missing.push((CommandId(source.id()), target.profile, action)),
        }
    }
    result
}

/// When an installation's window opens, or a failed or postponed command may be tried again.
pub(crate) fn opens(record: &DeviceRecord, now: Time) -> Option<Time> {
    let held = record.posture.profiles.iter().filter_map(|target| target.held_until);
    let failed = record.facts.reports.iter().filter_map(|report| report.retry_at);
    let check = record.facts.check.and_then(|check| match check.state {
        CheckState::Pending(not_before) => not_before,
        CheckState::Done | CheckState::Failed => None,
    });
    held.chain(failed).chain(check).filter(|at| *at > now).min()
}

/// How long until the first of these times that is yet to come.
pub(crate) fn until<const N: usize>(times: [Option<Time>; N], now: Time) -> Option<Duration> {
    let next = times.into_iter().flatten().filter(|at| *at > now).min()?;
    Some(Duration::from_micros(next.since(now).as_micros().unsigned_abs()))
}

/// When the agent was last handed a new command, or answered one.
pub(crate) fn heard_at(record: &DeviceRecord) -> Option<Time> {
    let reports = record.facts.reports.iter();
    reports.flat_map(|report| report.issued.last().map(|one| one.at).max(report.answer.as_ref().map(|it| it.at))).max()
}

fn task(
    rules: &Rules,
    sealer: &Sealer,
    tenant: Tenant,
    target: &ProfileTarget,
    report: &ProfileReport,
    action: Action,
) -> Result<Task, Error> {
    let profile = rules.profile(target.profile);
    let Action::Install(version) = action else {
        let name = profile.map(|profile| profile.name.clone()).unwrap_or_default();
        let profile = ProfileToRemove { id: target.profile, name, version: report.installed };
        return Ok(Task::RemoveProfile { profile });
    };
    let profile = profile.ok_or(Error::NotFound("profile"))?;
    let spec = profiles::opened(sealer, tenant, profile.spec.clone())?;
    Ok(Task::InstallProfile {
        profile: ProfileToInstall {
            id: profile.id,
            name: profile.name.clone(),
            version,
            allow_removal: spec.allow_removal,
            removal_password: spec.removal_password,
            payloads: spec.payloads,
        },
    })
}
