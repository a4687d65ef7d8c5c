//! The exchange of commands and answers with one device.
//!
//! What a device is given is written down before, and given again under the same id until the device answers. An answer
//! counts once; one that nobody waits for changes nothing. A call that finds nothing to do writes nothing.

use allclear_domain::{
    device_command::{Answered, CommandState, request_type as known},
    ids::{CommandId, DeviceId, Tenant},
    journal::{Actor, ActorKind},
    profile::ResultStatus,
};
use allclear_engine::{
    Engine, Error,
    apple_mdm::{self, Caller},
    device_certificates::EnrollmentName,
    device_commands,
    ingest::Fact,
};
use allclear_store::{
    apple_enrollments::{self as enrollments, AppleEnrollment},
    db::Tx,
    device_commands as queue, devices, json,
};

use super::{
    inquiries::{self, About, Inquiries, Question},
    inventory,
    messages::{Report, Status},
    next::{Next, look},
    requests::Command,
};
use crate::agent;

/// How often a call looks again before it gives up until the next one: rules change while it looks, but not for ever.
const ROUNDS: u32 = 8;

/// What a device is to be answered.
#[derive(Debug)]
pub enum Reply {
    /// Nothing is to be done.
    Nothing,
    /// The next command, as it goes over the wire.
    Command(Vec<u8>),
    /// It should get its next certificate: see [`renewal`].
    Renewal(Renewal),
}

/// A device whose certificate should be renewed.
#[derive(Debug)]
pub struct Renewal {
    /// Its enrollment.
    pub enrollment: EnrollmentName,
    device: DeviceId,
    question: Question,
}

/// Gives a device a new enrollment profile, in place of the one by which it got its present certificate.
pub async fn renewal(engine: &Engine, renewal: Renewal, profile: Vec<u8>) -> Result<Vec<u8>, Error> {
    let id = ask(engine, renewal.enrollment.tenant, renewal.device, renewal.question).await?;
    Command::install_profile(profile).envelope(id)
}

/// Takes in what a device reports, and says what it is to be answered. `said` is the report as it came.
///
/// [`Error::Forbidden`] if nobody is known by what the caller shows.
pub async fn exchange(
    engine: &Engine,
    tenant: Tenant,
    caller: &Caller,
    report: &Report,
    said: &[u8],
) -> Result<Reply, Error> {
    let idle = report.status == Status::Idle;
    if !idle {
        let (caller, now) = (caller.clone(), engine.source().now());
        let known = engine.db().read(move |tx| apple_mdm::identify_enabled(tx, tenant, &caller, now)).await?;
        let enrollment = known.0;
        if let Some(command) = report.command
            && take(engine, tenant, &enrollment, command, report, said).await? == Taken::Left
        {
            return Ok(Reply::Nothing);
        }
    }
    let mut resumed = false;
    for _ in 0..ROUNDS {
        let look = look(engine, tenant, caller).await?;
        let device = look.device;
        if idle && look.postponed && !resumed {
            resume(engine, tenant, device).await?;
            resumed = true;
            continue;
        }
        let given = match look.next {
            Next::Nothing => {
                if look.silent {
                    match agent::submit(engine, tenant, Fact::Contact(device)).await {
                        // The next call will say it.
                        Ok(()) | Err(Error::Busy) => {}
                        Err(error) => return Err(error),
                    }
                }
                return Ok(Reply::Nothing);
            }
            Next::Ended => return Ok(Reply::Nothing),
            Next::Outdated => {
                agent::submit(engine, tenant, Fact::Due(device)).await?;
                None
            }
            Next::Issue(missing) => {
                agent::submit(engine, tenant, Fact::Delivered { device, commands: vec![missing] }).await?;
                None
            }
            Next::Profile { id, command, .. } => Some((id, command)),
            Next::Queued(waiting, command) => {
                let free = waiting.state == CommandState::Sent || send(engine, tenant, waiting.id).await?;
                free.then_some((waiting.id, command))
            }
            Next::Ask(question) => match question.command() {
                Some(command) => Some((ask(engine, tenant, device, question).await?, command)),
                None => {
                    let enrollment = EnrollmentName { tenant, token: look.token };
                    return Ok(Reply::Renewal(Renewal { enrollment, device, question }));
                }
            },
        };
        if let Some((id, command)) = given {
            return command.envelope(id).map(Reply::Command);
        }
    }
    Ok(Reply::Nothing)
}

/// What an answer meant for the exchange.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Taken {
    /// It goes on.
    Stays,
    /// The device is not managed any more.
    Left,
}

/// Notes that a command of an administrator is handed over; false if it may not be any more.
async fn send(engine: &Engine, tenant: Tenant, id: CommandId) -> Result<bool, Error> {
    let source = engine.source().clone();
    let sent = engine.db().write(move |tx| queue::send(tx, tenant, id, source.now())).await;
    Ok(sent?)
}

/// Has a device given again what it postponed: it begins anew.
async fn resume(engine: &Engine, tenant: Tenant, device: DeviceId) -> Result<(), Error> {
    noted(engine, tenant, device, Inquiries::resume).await?;
    let source = engine.source().clone();
    let resumed = engine.db().write(move |tx| {
        queue::resume(tx, tenant, device)?;
        enrollments::resume(tx, tenant, device, source.now())
    });
    Ok(resumed.await?)
}

/// Notes that a question is asked, and says under which id.
async fn ask(engine: &Engine, tenant: Tenant, device: DeviceId, question: Question) -> Result<CommandId, Error> {
    if let (Some(asked), Some(_)) = (question.asked, question.asked_at) {
        return Ok(asked);
    }
    let source = engine.source().clone();
    noted(engine, tenant, device, move |inquiries| inquiries.ask(&question, CommandId(source.id()), source.now())).await
}

/// Changes what is noted of the questions to a device.
async fn noted<T: Send + 'static>(
    engine: &Engine,
    tenant: Tenant,
    device: DeviceId,
    change: impl Fn(&mut Inquiries) -> T + Send + 'static,
) -> Result<T, Error> {
    let source = engine.source().clone();
    let write = move |tx: &mut Tx<'_>| {
        let enrollment = enrollments::lock(tx, tenant, device)?.ok_or(Error::NotFound("device"))?;
        let before: Inquiries = json::decode(&enrollment.inquiries)?;
        let mut after = before.clone();
        let value = change(&mut after);
        if after != before {
            let ask_at = after.ask_at(source.now());
            enrollments::set_inquiries(tx, tenant, device, &json::encode(&after)?, ask_at)?;
        }
        Ok::<_, Error>(value)
    };
    engine.db().write(write).await
}

/// Takes in an answer to a command: of the queue, to a question, or about a profile.
async fn take(
    engine: &Engine,
    tenant: Tenant,
    enrollment: &AppleEnrollment,
    command: CommandId,
    report: &Report,
    said: &[u8],
) -> Result<Taken, Error> {
    let device = enrollment.device;
    let inquiries: Inquiries = json::decode(&enrollment.inquiries)?;
    if let Some(about) = inquiries.about(command) {
        return answered_question(engine, tenant, device, command, about, report).await;
    }
    let now = engine.source().now();
    let found = engine.db().read(move |tx| {
        let queued = queue::get(tx, tenant, device, command, now)?;
        let about_profile = devices::get(tx, tenant, device)?.is_some_and(|record| {
            record.facts.reports.iter().any(|report| report.issued.iter().any(|issued| issued.command == command))
        });
        Ok::<_, allclear_store::Error>((queued, about_profile))
    });
    let (queued, about_profile) = found.await?;
    if let Some(queued) = queued {
        return answered_queued(engine, tenant, device, &queued, report, said).await;
    }
    if !about_profile {
        tracing::debug!(%device, %command, "an answer that nobody waits for");
        return Ok(Taken::Stays);
    }
    let (status, detail) = (result(report.status), report.detail());
    agent::submit(engine, tenant, Fact::Answered { device, command, status, detail }).await?;
    if status != ResultStatus::NotNow {
        // What is on the device is what it says, not what it was told.
        noted(engine, tenant, device, Inquiries::want_profiles).await?;
    }
    Ok(Taken::Stays)
}

fn result(status: Status) -> ResultStatus {
    match status {
        Status::Acknowledged => ResultStatus::Acknowledged,
        Status::Error | Status::FormatError => ResultStatus::Error,
        // Idle answers nothing.
        Status::NotNow | Status::Idle => ResultStatus::NotNow,
    }
}

async fn answered_question(
    engine: &Engine,
    tenant: Tenant,
    device: DeviceId,
    command: CommandId,
    about: About,
    report: &Report,
) -> Result<Taken, Error> {
    let postponed = report.status == Status::NotNow;
    let acknowledged = report.status == Status::Acknowledged;
    match about {
        About::Leaving if acknowledged => {
            end(engine, tenant, device).await?;
            return Ok(Taken::Left);
        }
        About::Itself(kind) if acknowledged => learn(engine, tenant, device, &kind, report).await?,
        About::Itself(_) | About::Leaving => {}
    }
    let now = engine.source().now();
    noted(engine, tenant, device, move |inquiries| inquiries.answer(command, postponed, now)).await?;
    Ok(Taken::Stays)
}

async fn answered_queued(
    engine: &Engine,
    tenant: Tenant,
    device: DeviceId,
    queued: &queue::DeviceCommand,
    report: &Report,
    said: &[u8],
) -> Result<Taken, Error> {
    let answered = match result(report.status) {
        ResultStatus::Acknowledged => Answered::Acknowledged,
        ResultStatus::Error => Answered::Error,
        ResultStatus::NotNow => Answered::NotNow,
    };
    let (id, detail, said, sealer) = (queued.id, report.detail(), said.to_vec(), engine.sealer().clone());
    let erased = queued.request_type == known::ERASE_DEVICE && answered == Answered::Acknowledged;
    let taken = engine.edit(tenant, device_actor(), move |work| {
        let taken = device_commands::answer(work, &sealer, device, id, answered, detail.as_deref(), &said)?;
        // It will not say that it leaves.
        if taken && erased {
            apple_mdm::end(work, device)?;
        }
        Ok(taken)
    });
    if !taken.await? || answered != Answered::Acknowledged {
        return Ok(Taken::Stays);
    }
    if erased {
        return Ok(Taken::Left);
    }
    learn(engine, tenant, device, &queued.request_type, report).await?;
    Ok(Taken::Stays)
}

/// Takes in what a device says of itself.
async fn learn(engine: &Engine, tenant: Tenant, device: DeviceId, kind: &str, report: &Report) -> Result<(), Error> {
    if !inquiries::is_asked(kind) {
        return Ok(());
    }
    let said = report.said.clone();
    let read = engine.read(tenant, move |_, rules| {
        Ok(inventory::inventory(&said, |id| rules.profile(id).map(|profile| profile.version)))
    });
    let inventory = read.await?;
    agent::submit(engine, tenant, Fact::Inventory { device, inventory }).await
}

/// Ends the enrollment of a device.
pub async fn end(engine: &Engine, tenant: Tenant, device: DeviceId) -> Result<(), Error> {
    engine.edit(tenant, device_actor(), move |work| apple_mdm::end(work, device)).await
}

/// Who is at work where the entries of the device name it themselves.
pub fn device_actor() -> Actor {
    Actor::new(ActorKind::Device, "device")
}
