//! Notifications: who was told what, by whom, and what became of it; and messages to devices.

use allclear_domain::{
    ids::{DeviceId, NotificationId, OrganizationGroupId, UserId},
    notification::{Channel, NotificationState, Trigger},
    time::Time,
};
use allclear_engine::{Error, notifications as engine, outbox};
use allclear_store::{
    device_list::{self, DeviceSort},
    listing::{By, Key},
    notifications::{self as stored, Notification as Stored, NotificationFilter, NotificationSort},
    outbox as queue,
};
use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::devices::DeviceParams;
use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Path},
    idempotency::OrderId,
    page::{List, Page, PageParams},
    problem::{Problem, sentence},
};

/// The most devices that are named when they are notified, and that are shown as left out.
const MOST_NAMED: usize = 500;

/// One message to one recipient by one channel.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Notification {
    /// The id.
    id: NotificationId,
    /// What brought it about.
    trigger: Trigger,
    /// How the recipient is told.
    channel: Channel,
    /// What the recipient was called then: the user, or the device of a device message.
    recipient: String,
    /// The user; of a device message, the device's user.
    #[schema(required = true)]
    user_id: Option<UserId>,
    /// The device, of a device message.
    #[schema(required = true)]
    device_id: Option<DeviceId>,
    /// The mail address or phone number.
    #[schema(required = true)]
    address: Option<String>,
    /// The subject, of a mail.
    #[schema(required = true)]
    subject: Option<String>,
    /// The text; empty where the recipient was left out.
    body: String,
    /// What became of it.
    state: NotificationState,
    /// Why, where that needs saying.
    #[schema(required = true)]
    reason: Option<String>,
    /// When it was made.
    created_at: Time,
    /// Who made it.
    created_by: String,
    /// When its state last changed.
    changed_at: Time,
}

impl From<Stored> for Notification {
    fn from(stored: Stored) -> Self {
        Self {
            id: stored.id,
            trigger: stored.trigger,
            channel: stored.channel,
            recipient: stored.recipient_name,
            user_id: stored.user,
            device_id: stored.device,
            address: stored.address,
            subject: stored.subject,
            body: stored.body,
            state: stored.state,
            reason: stored.reason.as_deref().map(sentence),
            created_at: stored.created_at,
            created_by: stored.created_by,
            changed_at: stored.changed_at,
        }
    }
}

/// A notification with everything in it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NotificationWithPage {
    /// The notification.
    #[serde(flatten)]
    notification: Notification,
    /// The text as a page, of a mail.
    #[schema(required = true)]
    html: Option<String>,
    /// Who was asked last to deliver it.
    #[schema(required = true)]
    provider: Option<String>,
    /// What they call it; of a mail, its Message-ID.
    #[schema(required = true)]
    message_id: Option<String>,
    /// While it is queued: when it is tried next.
    #[schema(required = true)]
    next_attempt_at: Option<Time>,
    /// When it is no longer worth sending.
    #[schema(required = true)]
    expires_at: Option<Time>,
    /// Everything that was tried and heard, the oldest first.
    attempts: Vec<NotificationAttempt>,
}

/// One attempt to hand a message over, or what was heard of it afterwards.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NotificationAttempt {
    /// When.
    at: Time,
    /// Who was asked.
    provider: String,
    /// `accepted`, `deferred`: not now, `refused`: never, or `gone`: the address is no more; and by a receipt
    /// `delivered` or `undelivered`.
    #[schema(example = "accepted")]
    outcome: String,
    /// What they said.
    answer: String,
}

/// Failed messages that are sent again.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryRequest {
    /// Only of this channel.
    channel: Option<Channel>,
    /// Only those brought about so.
    trigger: Option<Trigger>,
    /// Only to this user, or a device of theirs.
    user_id: Option<UserId>,
    /// Only those made then or later.
    since: Option<Time>,
}

/// What was queued anew.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Retried {
    /// How many.
    queued: usize,
    /// Whether there are more: ask again.
    more: bool,
}

/// What a list of notifications is narrowed to.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct NotificationParams {
    /// To recipients at or below this organization group.
    organization_group_id: Option<OrganizationGroupId>,
    /// To this user, or a device of theirs.
    user_id: Option<UserId>,
    /// To this device.
    device_id: Option<DeviceId>,
    /// By this channel.
    channel: Option<Channel>,
    /// Standing so.
    state: Option<NotificationState>,
    /// Brought about so.
    trigger: Option<Trigger>,
    /// Made then or later.
    since: Option<Time>,
}

/// Notifies devices: those named by `device_ids`, or all that pass a `filter`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceNotificationRequest {
    /// The devices.
    #[schema(min_items = 1, max_items = 500)]
    device_ids: Option<Vec<DeviceId>>,
    /// Every device that the list of devices shows with these filters, at most 10,000.
    filter: Option<DeviceParams>,
    /// The words, instead of what there is to put right on each device.
    #[schema(min_length = 1, max_length = 4000)]
    message: Option<String>,
}

/// What became of each device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeviceNotifications {
    /// How many are notified.
    queued: usize,
    /// How many were left out.
    left_out: usize,
    /// With `device_ids`: each device in the order asked for; one that was given twice is there once. With `filter`: the
    /// devices that were left out, at most 500 of them.
    devices: Vec<DeviceNotification>,
}

/// What became of one device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeviceNotification {
    /// The device.
    device_id: DeviceId,
    /// What it is called; null where there is no such device.
    #[schema(required = true)]
    friendly_name: Option<String>,
    /// The notification; null where there is no such device.
    #[schema(required = true)]
    notification_id: Option<NotificationId>,
    /// `queued`, or `left_out` for the reason given.
    state: NotificationState,
    /// Why it was left out.
    #[schema(required = true)]
    reason: Option<String>,
}

impl From<engine::DeviceOutcome> for DeviceNotification {
    fn from(outcome: engine::DeviceOutcome) -> Self {
        let (state, reason) = match &outcome.notification {
            Some(notification) => (notification.state, notification.reason.as_deref().map(sentence)),
            None => (NotificationState::LeftOut, Some("There is no such device.".to_owned())),
        };
        Self {
            device_id: outcome.device,
            notification_id: outcome.notification.as_ref().map(|notification| notification.id),
            friendly_name: outcome.notification.map(|notification| notification.recipient_name),
            state,
            reason,
        }
    }
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(retry))
        .routes(routes!(retry_all))
        .routes(routes!(notify_devices))
}

/// Notifications
///
/// Sorted by `created_at`. Left out of the list is the page of a mail.
#[utoipa::path(get, path = "/api/v1/notifications", tag = "notifications", operation_id = "list_notifications",
    params(NotificationParams, PageParams), responses((status = 200, body = Page<Notification>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<NotificationParams, NotificationSort>,
) -> Result<Json<Page<Notification>>, Problem> {
    let after = list.after_one(|key: &Key| matches!(key.by, By::Id))?;
    let (asked, descending, limit) = (list.filter.clone(), list.descending, list.fetch());
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let filter = NotificationFilter {
            organization_groups: principal.narrowed(rules, asked.organization_group_id),
            user: asked.user_id,
            device: asked.device_id,
            channel: asked.channel,
            state: asked.state,
            trigger: asked.trigger,
            since: asked.since,
        };
        Ok(stored::list(tx, principal.tenant, &filter, descending, after.as_ref(), limit)?)
    });
    let page = list.page(found.await?, stored::key)?;
    Ok(Json(Page { items: page.items.into_iter().map(Notification::from).collect(), next_cursor: page.next_cursor }))
}

/// One notification
#[utoipa::path(get, path = "/api/v1/notifications/{id}", tag = "notifications", operation_id = "get_notification",
    params(("id" = NotificationId, Path, description = "The notification.")),
    responses((status = 200, body = NotificationWithPage)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<NotificationId>,
) -> Result<Json<NotificationWithPage>, Problem> {
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let found = stored::get(tx, principal.tenant, id)?;
        let reached = |it: &Stored| principal.reaches(&rules.organization_groups, it.organization_group);
        let found = found.filter(reached).ok_or(Error::NotFound("notification"))?;
        Ok((found, queue::attempts(tx, principal.tenant, id)?))
    });
    let (mut found, attempts) = found.await?;
    let (html, delivery) = (found.html.take(), std::mem::take(&mut found.delivery));
    let shown = |one: queue::Attempt| NotificationAttempt {
        at: one.at,
        provider: one.provider,
        outcome: one.outcome,
        answer: one.answer,
    };
    Ok(Json(NotificationWithPage {
        notification: found.into(),
        html,
        provider: delivery.provider,
        message_id: delivery.message_id,
        next_attempt_at: delivery.next_attempt_at,
        expires_at: delivery.expires_at,
        attempts: attempts.into_iter().map(shown).collect(),
    }))
}

/// Sends a failed message again
///
/// 409 unless it failed, and while its channel is not set up.
#[utoipa::path(post, path = "/api/v1/notifications/{id}/retry", tag = "notifications",
    operation_id = "retry_notification",
    params(("id" = NotificationId, Path, description = "The notification.")),
    responses((status = 202, body = Notification)))]
async fn retry(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<NotificationId>,
) -> Result<(StatusCode, Json<Notification>), Problem> {
    let who = principal.clone();
    let queued = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        let found = stored::get(work.tx, who.tenant, id)?;
        let groups = &work.rules_handle().organization_groups;
        let found = found.filter(|it| who.reaches(groups, it.organization_group));
        outbox::retry(work, &found.ok_or(Error::NotFound("notification"))?)?;
        stored::get(work.tx, who.tenant, id)?.ok_or(Error::NotFound("notification"))
    });
    Ok((StatusCode::ACCEPTED, Json(queued.await?.into())))
}

/// Sends failed messages again
///
/// The oldest first, at most 500 of each channel in one call. Those whose channel is not set up stay as they are.
#[utoipa::path(post, path = "/api/v1/notifications/retry", tag = "notifications",
    operation_id = "retry_notifications", request_body = RetryRequest, responses((status = 202, body = Retried)))]
async fn retry_all(
    State(state): State<AppState>,
    principal: Principal,
    Json(request): Json<RetryRequest>,
) -> Result<(StatusCode, Json<Retried>), Problem> {
    let who = principal.clone();
    let retried = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        let filter = NotificationFilter {
            organization_groups: who.narrowed(work.rules(), None),
            user: request.user_id,
            channel: request.channel,
            trigger: request.trigger,
            since: request.since,
            ..NotificationFilter::default()
        };
        outbox::retry_all(work, &filter)
    });
    let (queued, more) = retried.await?;
    Ok((StatusCode::ACCEPTED, Json(Retried { queued, more })))
}

/// Notifies devices
///
/// The message is shown on the device. Only enrolled and active devices are notified; each one that is left out is
/// answered with the reason. All are notified in one commit, or none. 409 while the Threat Management service is off.
#[utoipa::path(post, path = "/api/v1/device-notifications", tag = "notifications", operation_id = "notify_devices",
    request_body = DeviceNotificationRequest, responses((status = 202, body = DeviceNotifications)))]
async fn notify_devices(
    State(state): State<AppState>,
    principal: Principal,
    order: OrderId,
    Json(request): Json<DeviceNotificationRequest>,
) -> Result<(StatusCode, Json<DeviceNotifications>), Problem> {
    let listed = request.filter.is_some();
    let ids = match (request.device_ids, request.filter) {
        (Some(ids), None) if (1..=MOST_NAMED).contains(&ids.len()) => ids,
        (Some(_), None) => {
            return Err(Problem::invalid_field("/device_ids", format!("must be 1 to {MOST_NAMED} devices")));
        }
        (None, Some(filter)) => matching(&state, &principal, filter).await?,
        _ => return Err(Problem::invalid_field("/device_ids", "give either device_ids or filter")),
    };
    let (reach, cause, message) = (principal.reach, format!("device:{}", order.0), request.message);
    let notified = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        if listed && ids.is_empty() && stored::of_cause(work.tx, work.tenant, &cause)?.is_empty() {
            return Err(Error::invalid("/filter", "fits no device"));
        }
        engine::notify_devices(work, reach, &ids, message.as_deref(), &cause)
    });
    let mut outcomes = notified.await?;
    // Devices that are gone since they were listed, or were not listed when this was carried out.
    outcomes.retain(|outcome| !listed || outcome.notification.is_some());
    let is_queued = |device: &DeviceNotification| device.state != NotificationState::LeftOut;
    let mut devices: Vec<DeviceNotification> = outcomes.into_iter().map(DeviceNotification::from).collect();
    let queued = devices.iter().filter(|device| is_queued(device)).count();
    let left_out = devices.len() - queued;
    if listed {
        devices.retain(|device| !is_queued(device));
        devices.truncate(MOST_NAMED);
    }
    Ok((StatusCode::ACCEPTED, Json(DeviceNotifications { queued, left_out, devices })))
}

/// The devices within reach that pass a filter.
async fn matching(state: &AppState, principal: &Principal, filter: DeviceParams) -> Result<Vec<DeviceId>, Problem> {
    filter.check("/filter/")?;
    let who = principal.clone();
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let filter = filter.clone().filter(&who, rules);
        let most = u32::try_from(engine::MOST_DEVICES).unwrap_or(u32::MAX);
        Ok(device_list::list(tx, who.tenant, &filter, DeviceSort::default(), false, None, most.saturating_add(1))?)
    });
    let found = found.await?;
    if found.len() > engine::MOST_DEVICES {
        let detail = format!("fits more than {} devices, the most at once", engine::MOST_DEVICES);
        return Err(Problem::invalid_field("/filter", detail));
    }
    Ok(found)
}
