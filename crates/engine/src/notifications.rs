//! Telling people: an administrator's Notify to a user, and messages to devices.
//!
//! A notification is written in the commit that causes it, together with the journal's word of who told whom. Mails and
//! text messages go to the outbox, devices fetch their messages.

use std::collections::{BTreeMap, HashSet};

use allclear_domain::{
    detection::ProtectionStatus,
    device::EnrollmentStatus,
    ids::{DeviceId, NotificationId, OrganizationGroupId, Tenant, UserId},
    journal::{Actor, Object},
    level::RiskLevel,
    notification::{Channel, MessageKind, NotificationState, Trigger},
    rules::Rules,
    sms,
    template::TemplateTrigger,
    time::Time,
};
use allclear_store::{
    db::Tx,
    devices::DeviceRecord,
    notifications::{self as stored, Notification},
    users::{self as people, User},
};

use crate::{
    Engine, Error, Problem,
    compose::{self, Draft},
    directory::users,
    outbox::{self, blank, noted},
    work::Work,
};

pub use allclear_domain::template::{LONGEST_DEVICE_MESSAGE, LONGEST_SUBJECT};

/// The longest message to a user, in characters. A mail has no limit of its own; this is ours.
pub const LONGEST_MESSAGE: usize = 50_000;
/// The most devices notified at once.
pub const MOST_DEVICES: usize = 10_000;
/// The most messages an agent is shown.
pub const MOST_MESSAGES: u32 = 100;

/// What is asked for: a user told by some channels.
#[derive(Clone, Debug, Default)]
pub struct Order {
    /// By which channels; at least one, each once.
    pub channels: Vec<Channel>,
    /// The subject of the mail instead of the usual one.
    pub subject: Option<String>,
    /// The words instead of the usual ones, of the mail and the text message.
    pub message: Option<String>,
}

/// What became of one device of many that were to be notified.
#[derive(Clone, Debug)]
pub struct DeviceOutcome {
    /// The device.
    pub device: DeviceId,
    /// The notification; none where there is no such device within reach.
    pub notification: Option<Notification>,
}

/// The usual messages about a user's open incidents at `now`.
pub fn draft(tx: &mut Tx<'_>, tenant: Tenant, rules: &Rules, user: &User, now: Time) -> Result<Draft, Error> {
    let status = people::severity(user.incidents);
    compose::draft(rules, &compose::about_user(tx, tenant, rules, user, (TemplateTrigger::Notify, status), now)?)
}

/// Why a user cannot be told by a channel, in a sentence; none if they can.
pub fn unavailable(user: &User, channel: Channel) -> Option<&'static str> {
    match channel {
        Channel::Email if user.email.is_none() => Some("the user has no mail address: add one in Users > Directory"),
        Channel::Sms if user.phone.is_none() => Some("the user has no phone number: add one in Users > Directory"),
        Channel::DeviceMessage => Some("users are told by email and SMS; devices get device messages"),
        Channel::Email | Channel::Sms => None,
    }
}

/// Tells a user within reach. `cause` names this order: ordered again under it, nothing more is sent.
pub fn notify_user(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    user: UserId,
    cause: &str,
    order: &Order,
) -> Result<Vec<Notification>, Error> {
    let user = users::get(work, reach, user)?;
    let known = stored::of_cause(work.tx, work.tenant, cause)?;
    if !known.is_empty() {
        return Ok(known);
    }
    service_is_on(work.rules())?;
    Error::check(problems(&user, order))?;
    let rules = work.rules_handle();
    let draft = draft(work.tx, work.tenant, &rules, &user, work.now)?;
    let draft = worded(&rules, &user, draft, order);
    let mut told = Vec::new();
    for channel in &order.channels {
        told.push(tell(work, &user, *channel, (cause, Trigger::Notify), &draft)?);
    }
    Ok(told)
}

/// The usual messages, or an administrator's own words in their place.
pub fn worded(rules: &Rules, user: &User, usual: Draft, order: &Order) -> Draft {
    if order.subject.is_none() && order.message.is_none() {
        return usual;
    }
    let subject = order.subject.as_ref().unwrap_or(&usual.email.subject);
    let text = order.message.as_ref().unwrap_or(&usual.email.text);
    let email = rules.templates.custom_email(&rules.settings.branding, user.locale.as_deref(), subject, text);
    Draft { email, sms: order.message.clone().unwrap_or(usual.sms) }
}

/// Writes a mail or text message to a user down.
pub(crate) fn tell(
    work: &mut Work<'_, '_>,
    user: &User,
    channel: Channel,
    (cause, trigger): (&str, Trigger),
    draft: &Draft,
) -> Result<Notification, Error> {
    let (address, subject, body, html) = match channel {
        Channel::Email => {
            let mail = draft.email.clone();
            (user.email.clone(), Some(mail.subject), mail.text, Some(mail.html))
        }
        Channel::Sms | Channel::DeviceMessage => (user.phone.clone(), None, draft.sms.clone(), None),
    };
    let notification = Notification {
        address,
        subject,
        body,
        html,
        recipient_name: user.name().to_owned(),
        user: Some(user.id),
        organization_group: user.organization_group,
        ..blank(work, cause, trigger, channel, NotificationState::Captured)
    };
    let about = Object { kind: "user".into(), id: user.id.to_string(), name: user.name().to_owned() };
    outbox::put(work, notification, about)
}

/// Writes a message to a device down that is at work, or that it is left out and why. None if it is not at work. Without
/// a `message`, it is told what `about` says, with the risk status before.
pub(crate) fn tell_device(
    work: &mut Work<'_, '_>,
    id: DeviceId,
    message: Option<&str>,
    about: (TemplateTrigger, RiskLevel),
    (cause, trigger): (&str, Trigger),
) -> Result<Option<Notification>, Error> {
    let rules = work.rules_handle();
    let Some(record) = work.loaded(id).map(|loaded| loaded.record.clone()) else { return Ok(None) };
    let reason = inactive(&record);
    let state = if reason.is_some() { NotificationState::LeftOut } else { NotificationState::Queued };
    let (kind, body) = match (&reason, message) {
        (Some(_), _) => (None, String::new()),
        (None, Some(message)) => (Some(MessageKind::Message), message.to_owned()),
        (None, None) => {
            let user = match record.facts.device.user {
                Some(user) => people::get(work.tx, work.tenant, user)?,
                None => None,
            };
            let occasion = compose::about_device(&rules, &record.facts, user.as_ref(), about, work.now);
            let kind = if occasion.issues.is_empty() { MessageKind::AllClear } else { MessageKind::Notice };
            (Some(kind), compose::device_message(&rules, &occasion)?)
        }
    };
    let device = &record.facts.device;
    let notification = Notification {
        recipient_name: device.friendly_name.clone(),
        user: device.user,
        device: Some(id),
        organization_group: device.organization_group,
        body,
        kind,
        reason: reason.map(str::to_owned),
        ..blank(work, cause, trigger, Channel::DeviceMessage, state)
    };
    stored::insert(work.tx, work.tenant, &notification)?;
    if let Some(loaded) = work.loaded(id) {
        loaded.change(noted(&notification));
    }
    Ok(Some(notification))
}

/// Notifies devices within reach, each about its own incidents unless `message` says something else. One outcome for
/// each device, in order; a device given twice counts once. `cause` as for [`notify_user`]: ordered again under it, those
/// that were notified then are the outcome, whatever is given now.
pub fn notify_devices(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    ids: &[DeviceId],
    message: Option<&str>,
    cause: &str,
) -> Result<Vec<DeviceOutcome>, Error> {
    let known = stored::of_cause(work.tx, work.tenant, cause)?;
    let mut seen = HashSet::with_capacity(ids.len());
    let each = ids.iter().filter(|id| seen.insert(**id));
    if !known.is_empty() {
        let known = known.into_iter().filter_map(|one| Some((one.device?, one)));
        let mut known: BTreeMap<DeviceId, Notification> = known.collect();
        let mut outcomes: Vec<DeviceOutcome> =
            each.map(|id| DeviceOutcome { device: *id, notification: known.remove(id) }).collect();
        outcomes.extend(known.into_iter().map(|(device, one)| DeviceOutcome { device, notification: Some(one) }));
        return Ok(outcomes);
    }
    service_is_on(work.rules())?;
    let mut problems = Vec::new();
    if !(1..=MOST_DEVICES).contains(&ids.len()) {
        problems.push(Problem::new("/device_ids", format!("must be 1 to {MOST_DEVICES} devices")));
    }
    problems.extend(message.and_then(|text| text_problem("/message", text, LONGEST_DEVICE_MESSAGE)));
    Error::check(problems)?;
    work.load(ids.iter().copied())?;
    let rules = work.rules_handle();
    let about = (TemplateTrigger::Device, RiskLevel::None);
    let mut outcomes: Vec<DeviceOutcome> = Vec::with_capacity(ids.len());
    for id in each {
        let within = |group| rules.organization_groups.is_within(group, reach);
        let is_reached = work.loaded(*id).is_some_and(|loaded| within(loaded.record.facts.device.organization_group));
        let notification =
            if is_reached { tell_device(work, *id, message, about, (cause, Trigger::Device))? } else { None };
        outcomes.push(DeviceOutcome { device: *id, notification });
    }
    Ok(outcomes)
}

/// A device's messages, the newest first, those before one if it is given; that it has fetched them is noted.
pub async fn fetch(
    engine: &Engine,
    tenant: Tenant,
    device: DeviceId,
    before: Option<NotificationId>,
    limit: u32,
) -> Result<Vec<Notification>, Error> {
    let limit = i64::from(limit);
    let read = engine.db().read(move |tx| {
        let waits = stored::waits(tx, tenant, device)?;
        Ok::<_, Error>((waits, stored::messages(tx, tenant, device, before, limit)?))
    });
    let (waits, messages) = read.await?;
    if !waits {
        return Ok(messages);
    }
    let actor = Actor::new(allclear_domain::journal::ActorKind::Device, device.to_string());
    let fetched = engine.edit(tenant, actor, move |work| {
        stored::deliver(work.tx, tenant, device, work.now)?;
        Ok(stored::messages(work.tx, tenant, device, before, limit)?)
    });
    fetched.await
}

/// Notes that a device's message was read. Reading it again changes nothing.
pub async fn read(engine: &Engine, tenant: Tenant, device: DeviceId, id: NotificationId) -> Result<(), Error> {
    let actor = Actor::new(allclear_domain::journal::ActorKind::Device, device.to_string());
    let read = engine.edit(tenant, actor, move |work| Ok(stored::read(work.tx, tenant, device, id, work.now)?));
    if read.await? { Ok(()) } else { Err(Error::NotFound("message")) }
}

pub(crate) fn service_is_on(rules: &Rules) -> Result<(), Error> {
    if rules.settings.threat_management {
        return Ok(());
    }
    let detail = "the Threat Management service is switched off: switch it on in Settings to notify anybody";
    Err(Error::Conflict(detail.into()))
}

/// Why a device cannot be notified, in a sentence; none if it can.
pub(crate) fn inactive(record: &DeviceRecord) -> Option<&'static str> {
    match (record.facts.device.enrollment, record.posture.protection) {
        (EnrollmentStatus::Pending, _) => Some("the device has not enrolled yet"),
        (EnrollmentStatus::Unenrolled, _) => Some("the device is not enrolled any more"),
        (_, ProtectionStatus::Disconnected) => Some("the device is not active: nothing was heard of it for too long"),
        (_, ProtectionStatus::Unreachable) => Some("the device is not active: it cannot be reached"),
        _ => None,
    }
}

fn problems(user: &User, order: &Order) -> Vec<Problem> {
    let mut problems = Vec::new();
    if order.channels.is_empty() {
        problems.push(Problem::new("/channels", "choose at least one: email or sms"));
    }
    for (place, channel) in order.channels.iter().enumerate() {
        let pointer = format!("/channels/{place}");
        if order.channels[..place].contains(channel) {
            problems.push(Problem::new(pointer, "is given twice"));
        } else if let Some(reason) = unavailable(user, *channel) {
            problems.push(Problem::new(pointer, reason));
        }
    }
    problems.extend(words_problems(order));
    if order.subject.is_some() && !order.channels.contains(&Channel::Email) {
        problems.push(Problem::new("/subject", "is for email only"));
    }
    if let Some(message) = &order.message
        && order.channels.contains(&Channel::Sms)
        && problems.iter().all(|problem| problem.pointer != "/message")
    {
        let length = sms::length(message);
        if !length.fits {
            problems.push(Problem::new("/message", length.excess()));
        }
    }
    problems
}

/// Refuses words that cannot be sent by any channel.
pub fn words_fit(order: &Order) -> Result<(), Error> {
    Error::check(words_problems(order))
}

fn words_problems(order: &Order) -> Vec<Problem> {
    let mut problems = Vec::new();
    if let Some(subject) = &order.subject {
        let good = (1..=LONGEST_SUBJECT).contains(&subject.chars().count())
            && !subject.chars().any(char::is_control)
            && subject.trim() == subject;
        if !good {
            let detail = format!("must be one line of 1 to {LONGEST_SUBJECT} characters, without spaces around");
            problems.push(Problem::new("/subject", detail));
        }
    }
    problems.extend(order.message.as_ref().and_then(|message| text_problem("/message", message, LONGEST_MESSAGE)));
    problems
}

/// Text of several lines that people read.
fn text_problem(pointer: &str, text: &str, longest: usize) -> Option<Problem> {
    let length = text.chars().count();
    if text.trim().is_empty() || length > longest {
        return Some(Problem::new(pointer, format!("must have 1 to {longest} characters, not only spaces")));
    }
    let odd = |c: char| c.is_control() && c != '\n' && c != '\t';
    text.chars().any(odd).then(|| Problem::new(pointer, "must not have control characters besides line breaks"))
}
