//! The outbox: a message is written in the commit that causes it, and handed over by whichever node takes it in hand.
//!
//! A node's hold on a message is a lease. It is handed over at least once: a node that dies between a provider's yes
//! and the record of it leaves the message to another, which tries again under the same name (a mail's Message-ID).

use std::{sync::Arc, time::Duration};

use allclear_domain::{
    ids::{NotificationId, OrganizationGroupId, Tenant},
    journal::{Actor, ActorKind, Change, Object},
    notification::{Channel, NotificationState, Transport, Trigger},
    time::{Span, Time},
};
use allclear_store::{
    channel_settings,
    notifications::{self as stored, Delivery, Notification},
    outbox::{self as queue, Step},
};

use crate::{Engine, Error, source::Source, work::Work};

/// How long a message is worth sending.
const WORTH: Span = Span::days(1);
/// A text message about a risk status that may have changed again is worth less.
const STATUS_SMS_WORTH: Span = Span::seconds(6 * 3600);
/// The wait after the first failure; it doubles with each.
const BACK_OFF: Span = Span::seconds(30);
/// The longest wait between two attempts.
const LONGEST_BACK_OFF: Span = Span::seconds(3600);
/// The longest answer kept, in characters.
const ANSWER: usize = 1000;
/// Expired messages ended in one transaction, and failed ones queued anew.
const STEP: i64 = 500;
/// How often and how long a receipt waits for the record of what it is about.
const RECEIPT_TRIES: u32 = 5;
const RECEIPT_PAUSE: Duration = Duration::from_millis(500);

/// What journal entries about deliveries name as the one who did it.
fn courier() -> Actor {
    Actor::new(ActorKind::Engine, "delivery")
}

/// Writes a mail or text message down, to be sent if its channel is set up, else captured; and the journal's word of
/// it. Unless there is one of its cause, recipient and channel. Returns it as written.
pub fn put(work: &mut Work<'_, '_>, mut notification: Notification, about: Object) -> Result<Notification, Error> {
    let transport = Transport::of(notification.channel);
    let is_set_up = match transport {
        Some(transport) => channel_settings::is_enabled(work.tx, work.tenant, transport)?,
        None => false,
    };
    if is_set_up {
        let worth = match (notification.trigger, notification.channel) {
            (Trigger::AccountStatus, Channel::Sms) => STATUS_SMS_WORTH,
            _ => WORTH,
        };
        (notification.state, notification.reason) = (NotificationState::Queued, None);
        notification.delivery = Delivery {
            next_attempt_at: Some(work.now),
            expires_at: Some(work.now.plus(worth)),
            message_id: (notification.channel == Channel::Email).then(|| message_id(work, notification.id)),
            ..Delivery::default()
        };
    } else {
        let what = if notification.channel == Channel::Sms { "SMS gateway" } else { "mail relay" };
        notification.state = NotificationState::Captured;
        notification.reason = Some(format!("no {what} is set up: captured, not sent"));
    }
    if stored::insert(work.tx, work.tenant, &notification)? {
        work.note(about, Some(notification.organization_group), noted(&notification));
    }
    Ok(notification)
}

/// What a mail is called in all attempts to send it.
fn message_id(work: &Work<'_, '_>, id: NotificationId) -> String {
    let sender = work.rules().settings.branding.sender_address.as_deref();
    let domain = sender.and_then(|address| address.rsplit_once('@')).map(|(_, domain)| domain);
    format!("<{id}@{}>", domain.filter(|domain| domain.is_ascii()).unwrap_or("allclear.invalid"))
}

/// The journal's word of a notification as it stands.
pub(crate) fn noted(notification: &Notification) -> Change {
    Change::Notified {
        notification: notification.id,
        trigger: notification.trigger,
        channel: notification.channel,
        user: notification.user,
        state: notification.state,
        reason: notification.reason.clone(),
    }
}

/// Who a notification is about, as the journal names them.
fn about(notification: &Notification) -> Object {
    let (kind, id) = match (notification.user, notification.trigger) {
        (Some(user), _) => ("user", user.to_string()),
        (None, Trigger::Digest) => ("notification", notification.id.to_string()),
        (None, _) => ("user", String::new()),
    };
    Object { kind: kind.into(), id, name: notification.recipient_name.clone() }
}

/// Takes up to `limit` messages of a channel that are due in hand for this node until `until`.
pub async fn claim(
    engine: &Engine,
    tenant: Tenant,
    channel: Channel,
    until: Time,
    limit: i64,
) -> Result<Vec<Notification>, Error> {
    let (now, node) = (engine.source().now(), engine.node().to_owned());
    let claim =
        engine.db().write(move |tx| Ok::<_, Error>(queue::claim(tx, tenant, channel, &node, now, until, limit)?));
    claim.await
}

/// Keeps messages in hand until `until`; returns those that are still this node's.
pub async fn renew(
    engine: &Engine,
    tenant: Tenant,
    ids: Vec<NotificationId>,
    until: Time,
) -> Result<Vec<NotificationId>, Error> {
    let node = engine.node().to_owned();
    engine.db().write(move |tx| Ok::<_, Error>(queue::renew(tx, tenant, &node, &ids, until)?)).await
}

/// Gives messages back that were not tried.
pub async fn release(engine: &Engine, tenant: Tenant, ids: Vec<NotificationId>) -> Result<(), Error> {
    let (now, node) = (engine.source().now(), engine.node().to_owned());
    engine.db().write(move |tx| Ok::<_, Error>(queue::release(tx, tenant, &node, &ids, now)?)).await
}

/// What came of an attempt to hand a message over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// The provider took it over.
    Sent {
        /// What they call it, where they said.
        message_id: Option<String>,
    },
    /// Not now.
    Later {
        /// How long they ask to be left alone.
        retry_after: Option<Span>,
    },
    /// Never: they refuse it.
    Refused,
    /// Never: the address is no more.
    Gone,
}

/// An attempt that was made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempted {
    /// The message, as it was taken in hand.
    pub notification: Notification,
    /// When the attempt began.
    pub at: Time,
    /// Who was asked.
    pub provider: String,
    /// What came of it.
    pub verdict: Verdict,
    /// What they said.
    pub answer: String,
}

/// Records attempts in one commit: the history of each, and in the journal the end of a message's way.
pub async fn record(engine: &Engine, tenant: Tenant, attempts: Vec<Attempted>) -> Result<(), Error> {
    if attempts.is_empty() {
        return Ok(());
    }
    let (attempts, node) = (Arc::new(attempts), engine.node().to_owned());
    let finished = engine.edit(tenant, courier(), move |work| {
        let history: Vec<queue::Attempt> = attempts.iter().map(history).collect();
        queue::add_attempts(work.tx, tenant, &history)?;
        let steps: Vec<Step> = attempts.iter().map(|one| step(one, work.now, work.source)).collect();
        let written = queue::advance(work.tx, tenant, &node, work.now, &steps)?;
        let mut finished = Vec::new();
        for ((attempt, step), written) in attempts.iter().zip(steps).zip(written) {
            if written && step.state != NotificationState::Queued {
                let before = &attempt.notification;
                let after = Notification { state: step.state, reason: step.reason, ..before.clone() };
                work.note(about(&after), Some(after.organization_group), noted(&after));
                finished.push((after.channel, after.state));
            }
        }
        Ok(finished)
    });
    for (channel, state) in finished.await? {
        let name = match state {
            NotificationState::Sent => "allclear_notifications_sent_total",
            _ => "allclear_notifications_failed_total",
        };
        metrics::counter!(name, "channel" => Transport::of(channel).map_or("", Transport::as_str)).increment(1);
    }
    Ok(())
}

fn history(attempt: &Attempted) -> queue::Attempt {
    let outcome = match attempt.verdict {
        Verdict::Sent { .. } => "accepted",
        Verdict::Later { .. } => "deferred",
        Verdict::Refused => "refused",
        Verdict::Gone => "gone",
    };
    queue::Attempt {
        notification: attempt.notification.id,
        at: attempt.at,
        provider: attempt.provider.clone(),
        outcome: outcome.to_owned(),
        answer: shortened(&attempt.answer),
    }
}

fn shortened(text: &str) -> String {
    text.chars().filter(|c| !c.is_control() || *c == '\n').take(ANSWER).collect()
}

/// What follows from an attempt.
fn step(attempt: &Attempted, now: Time, source: &dyn Source) -> Step {
    let delivery = &attempt.notification.delivery;
    let said = shortened(&attempt.answer);
    let step = Step {
        id: attempt.notification.id,
        state: NotificationState::Failed,
        reason: Some(said.clone()),
        next_attempt_at: None,
        provider: attempt.provider.clone(),
        message_id: None,
    };
    match &attempt.verdict {
        Verdict::Sent { message_id } => {
            Step { state: NotificationState::Sent, reason: None, message_id: message_id.clone(), ..step }
        }
        Verdict::Refused | Verdict::Gone => step,
        Verdict::Later { retry_after } => {
            let wait = back_off(delivery.attempts, source).max(retry_after.unwrap_or(Span::seconds(0)));
            let next = now.plus(wait);
            if delivery.expires_at.is_some_and(|expires| next >= expires) {
                let tries = delivery.attempts + 1;
                return Step { reason: Some(format!("expired after {tries} attempts, the last: {said}")), ..step };
            }
            Step { state: NotificationState::Queued, next_attempt_at: Some(next), ..step }
        }
    }
}

/// How long to wait after so many failed attempts and one more: 30 s, doubled each time up to an hour, give or take a
/// quarter, so that what failed together does not come back together.
fn back_off(attempts: i64, source: &dyn Source) -> Span {
    let doubled = BACK_OFF.as_micros() << attempts.clamp(0, 12);
    let wait = doubled.min(LONGEST_BACK_OFF.as_micros());
    let [.., high, low] = source.secret();
    let random = i64::from(u16::from_be_bytes([high, low]));
    Span::micros(wait - wait / 4 + wait / 2 * random / i64::from(u16::MAX))
}

/// Ends messages that are no longer worth sending, of all channels. Returns how many.
pub async fn expire(engine: &Engine, tenant: Tenant) -> Result<usize, Error> {
    let now = engine.source().now();
    if engine.db().read(move |tx| Ok::<_, Error>(queue::expired(tx, tenant, now, 1)?)).await?.is_empty() {
        return Ok(0);
    }
    let ended = engine.edit(tenant, courier(), move |work| {
        let expired = queue::expired(work.tx, tenant, work.now, STEP)?;
        for notification in &expired {
            let last = queue::attempts(work.tx, tenant, notification.id)?.pop();
            let reason = match last {
                Some(last) => format!("expired, the last attempt: {}", last.answer),
                None => "expired before it could be sent".to_owned(),
            };
            let failed = NotificationState::Failed;
            queue::end(work.tx, tenant, notification.id, failed, Some(&reason), work.now)?;
            let after = Notification { state: failed, reason: Some(reason), ..notification.clone() };
            work.note(about(&after), Some(after.organization_group), noted(&after));
        }
        Ok(expired.len())
    });
    ended.await
}

/// Queues a message anew that could not be delivered.
///
/// # Errors
/// [`Error::Conflict`] when it is not failed, or its channel is not set up.
pub fn retry(work: &mut Work<'_, '_>, notification: &Notification) -> Result<(), Error> {
    let conflict = |why: &str| Err(Error::Conflict(why.to_owned()));
    if notification.state != NotificationState::Failed {
        return conflict("only a notification that failed can be sent again");
    }
    let Some(transport) = Transport::of(notification.channel) else {
        return conflict("devices fetch their messages: there is nothing to send again");
    };
    if !channel_settings::is_enabled(work.tx, work.tenant, transport)? {
        return conflict("nothing is set up that it could be sent by: see Settings > Channels");
    }
    let expires = work.now.plus(WORTH);
    if queue::requeue(work.tx, work.tenant, notification.id, work.now, expires)? {
        let after = Notification { state: NotificationState::Queued, reason: None, ..notification.clone() };
        work.note(about(&after), Some(after.organization_group), noted(&after));
    }
    Ok(())
}

/// Queues failed messages anew, those of channels that are set up, at most 500 of each at once. Returns how many, and whether
/// more are left.
pub fn retry_all(work: &mut Work<'_, '_>, filter: &stored::NotificationFilter) -> Result<(usize, bool), Error> {
    let limit = u32::try_from(STEP).unwrap_or(u32::MAX);
    let (mut count, mut more) = (0, false);
    for channel in [Channel::Email, Channel::Sms] {
        let is_meant = filter.channel.is_none_or(|meant| meant == channel);
        let Some(transport) = Transport::of(channel).filter(|_| is_meant) else { continue };
        if !channel_settings::is_enabled(work.tx, work.tenant, transport)? {
            continue;
        }
        let failed = Some(NotificationState::Failed);
        let filter = stored::NotificationFilter { state: failed, channel: Some(channel), ..filter.clone() };
        let failed = stored::list(work.tx, work.tenant, &filter, false, None, limit + 1)?;
        more |= failed.len() > limit as usize;
        for notification in failed.iter().take(limit as usize) {
            retry(work, notification)?;
        }
        count += failed.len().min(limit as usize);
    }
    Ok((count, more))
}

/// What a provider says later of a text message it took over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// Who says so: the provider's name as recorded with the message.
    pub provider: String,
    /// What they call the message.
    pub message_id: String,
    /// What became of it.
    pub state: ReceiptState,
    /// In their own words.
    pub answer: String,
}

/// What became of a message that was taken over.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ReceiptState {
    /// It arrived.
    Delivered,
    /// It will not arrive.
    Failed,
}

/// Records a receipt; false if it is about no message of the tenant. Receipts may overtake the record of what they are
/// about, so this waits a little for it.
pub async fn receipt(engine: &Engine, tenant: Tenant, receipt: Receipt) -> Result<bool, Error> {
    for attempt in 0..RECEIPT_TRIES {
        if attempt > 0 {
            tokio::time::sleep(RECEIPT_PAUSE).await;
        }
        let receipt = receipt.clone();
        if engine.edit(tenant, courier(), move |work| take_receipt(work, &receipt)).await? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn take_receipt(work: &mut Work<'_, '_>, receipt: &Receipt) -> Result<bool, Error> {
    let found = queue::by_message_id(work.tx, work.tenant, &receipt.provider, &receipt.message_id)?;
    let Some(notification) = found else { return Ok(false) };
    let (outcome, state) = match receipt.state {
        ReceiptState::Delivered => ("delivered", NotificationState::Delivered),
        ReceiptState::Failed => ("undelivered", NotificationState::Failed),
    };
    let said = shortened(&receipt.answer);
    let attempt = queue::Attempt {
        notification: notification.id,
        at: work.now,
        provider: receipt.provider.clone(),
        outcome: outcome.to_owned(),
        answer: said.clone(),
    };
    queue::add_attempts(work.tx, work.tenant, &[attempt])?;
    // Told once; and what has arrived has arrived.
    if notification.state == NotificationState::Sent {
        let reason = (state == NotificationState::Failed).then_some(said);
        queue::end(work.tx, work.tenant, notification.id, state, reason.as_deref(), work.now)?;
        let after = Notification { state, reason, ..notification };
        work.note(about(&after), Some(after.organization_group), noted(&after));
    }
    Ok(true)
}

/// A notification to nobody in particular.
pub(crate) fn blank(
    work: &Work<'_, '_>,
    cause: &str,
    trigger: Trigger,
    channel: Channel,
    state: NotificationState,
) -> Notification {
    Notification {
        id: NotificationId(work.source.id()),
        trigger,
        cause: cause.to_owned(),
        channel,
        recipient_name: String::new(),
        user: None,
        device: None,
        organization_group: OrganizationGroupId::GLOBAL,
        address: None,
        subject: None,
        body: String::new(),
        html: None,
        kind: None,
        state,
        reason: None,
        created_at: work.now,
        created_by: work.actor().name.clone(),
        changed_at: work.now,
        delivery: Delivery::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SystemSource;

    #[test]
    fn the_wait_doubles_up_to_an_hour_and_varies() {
        for (attempts, seconds) in [(0, 30), (1, 60), (3, 240), (6, 1920), (7, 3600), (60, 3600)] {
            for _ in 0..100 {
                let wait = back_off(attempts, &SystemSource).as_micros();
                let (low, high) = (seconds * 750_000, seconds * 1_250_000);
                assert!((low..=high).contains(&wait), "{attempts}: {wait}");
            }
        }
        let waits: std::collections::HashSet<i64> = (0..20).map(|_| back_off(0, &SystemSource).as_micros()).collect();
        assert!(waits.len() > 1);
    }
}
