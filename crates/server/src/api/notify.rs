//! Notify: what a user would be told about their incidents, and telling them.

use allclear_domain::{
    ids::UserId,
    notification::Channel,
    sms::{self, SmsLength},
};
use allclear_engine::{
    Error,
    notifications::{self, Order},
};
use allclear_store::users;
use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::notifications::Notification;
use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Path},
    idempotency::OrderId,
    problem::{Problem, sentence},
};

/// What a user would be told, and by which channels they can be.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct NotifyPreview {
    /// Whether the Threat Management service is on; without it nobody is notified.
    enabled: bool,
    /// By email.
    email: EmailPreview,
    /// By SMS.
    sms: SmsPreview,
}

/// The mail a user would get.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EmailPreview {
    /// Whether the user has a mail address.
    available: bool,
    /// The mail address.
    #[schema(required = true)]
    address: Option<String>,
    /// Why it is not available, and where to mend that.
    #[schema(required = true)]
    reason: Option<String>,
    /// The usual subject.
    subject: String,
    /// The usual text.
    text: String,
    /// The usual text as the page that is sent beside it.
    html: String,
}

/// The text message a user would get.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SmsPreview {
    /// Whether the user has a phone number.
    available: bool,
    /// The phone number.
    #[schema(required = true)]
    phone: Option<String>,
    /// Why it is not available, and where to mend that.
    #[schema(required = true)]
    reason: Option<String>,
    /// The usual text. It always fits.
    text: String,
    /// How long it is.
    length: SmsLength,
}

/// A channel by which users are told.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserChannel {
    /// A mail.
    Email,
    /// A text message.
    Sms,
}

impl From<UserChannel> for Channel {
    fn from(channel: UserChannel) -> Self {
        match channel {
            UserChannel::Email => Channel::Email,
            UserChannel::Sms => Channel::Sms,
        }
    }
}

/// Tells a user about their incidents.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotifyRequest {
    /// By which channels.
    #[schema(min_items = 1, max_items = 2)]
    channels: Vec<UserChannel>,
    /// The subject of the mail instead of the usual one; only with `email`.
    #[schema(min_length = 1, max_length = 200)]
    subject: Option<String>,
    /// The words instead of the usual ones. With `sms`, they have to fit: 160 characters of the GSM 7-bit alphabet, in
    /// which those of its extension table count two, else 70.
    #[schema(min_length = 1, max_length = 50_000)]
    message: Option<String>,
}

/// Words to be shown in place of the usual ones.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NotifyPreviewRequest {
    /// The subject of the mail instead of the usual one.
    #[schema(max_length = 200)]
    subject: Option<String>,
    /// The words instead of the usual ones.
    #[schema(max_length = 50_000)]
    message: Option<String>,
}

/// What was written down, one notification for each channel.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Notified {
    /// In the order of the channels asked for.
    notifications: Vec<Notification>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(preview, notify)).routes(routes!(preview_words))
}

/// What a user would be told
///
/// The usual messages about the user's open incidents, and whether there is an address to send each to.
#[utoipa::path(get, path = "/api/v1/users/{id}/notify", tag = "notifications", operation_id = "preview_notify_user",
    params(("id" = UserId, Path, description = "The user.")), responses((status = 200, body = NotifyPreview)))]
async fn preview(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<UserId>,
) -> Result<Json<NotifyPreview>, Problem> {
    drafted(&state, principal, id, Order::default()).await
}

/// What a user would be told in an administrator's own words
///
/// Nothing is sent or kept. `sms.length` says whether the words fit.
#[utoipa::path(post, path = "/api/v1/users/{id}/notify/preview", tag = "notifications",
    operation_id = "preview_notify_words", request_body = NotifyPreviewRequest,
    params(("id" = UserId, Path, description = "The user.")), responses((status = 200, body = NotifyPreview)))]
async fn preview_words(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<UserId>,
    Json(words): Json<NotifyPreviewRequest>,
) -> Result<Json<NotifyPreview>, Problem> {
    let NotifyPreviewRequest { subject, message } = words;
    drafted(&state, principal, id, Order { channels: Vec::new(), subject, message }).await
}

async fn drafted(
    state: &AppState,
    principal: Principal,
    id: UserId,
    order: Order,
) -> Result<Json<NotifyPreview>, Problem> {
    let now = state.source.now();
    let drafted = state.engine.read(principal.tenant, move |tx, rules| {
        let user = users::get(tx, principal.tenant, id)?;
        let user = user.filter(|user| principal.reaches(&rules.organization_groups, user.organization_group));
        let user = user.ok_or(Error::NotFound("user"))?;
        notifications::words_fit(&order)?;
        let draft = notifications::draft(tx, principal.tenant, rules, &user, now)?;
        let draft = notifications::worded(rules, &user, draft, &order);
        Ok((user, draft, rules.settings.threat_management))
    });
    let (user, draft, enabled) = drafted.await?;
    let [no_email, no_sms] = [Channel::Email, Channel::Sms].map(|channel| notifications::unavailable(&user, channel));
    Ok(Json(NotifyPreview {
        enabled,
        email: EmailPreview {
            available: no_email.is_none(),
            address: user.email,
            reason: no_email.map(sentence),
            subject: draft.email.subject,
            text: draft.email.text,
            html: draft.email.html,
        },
        sms: SmsPreview {
            available: no_sms.is_none(),
            phone: user.phone,
            reason: no_sms.map(sentence),
            length: sms::length(&draft.sms),
            text: draft.sms,
        },
    }))
}

/// Tells a user about their incidents
///
/// 409 while the Threat Management service is off. Mails and text messages are `queued` to be sent; while their channel
/// is not set up they are `captured`: written down, and not sent.
#[utoipa::path(post, path = "/api/v1/users/{id}/notify", tag = "notifications", operation_id = "notify_user",
    request_body = NotifyRequest, params(("id" = UserId, Path, description = "The user.")),
    responses((status = 202, body = Notified)))]
async fn notify(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<UserId>,
    order_id: OrderId,
    Json(request): Json<NotifyRequest>,
) -> Result<(StatusCode, Json<Notified>), Problem> {
    let order = Order {
        channels: request.channels.into_iter().map(Channel::from).collect(),
        subject: request.subject,
        message: request.message,
    };
    let (reach, cause) = (principal.reach, format!("notify:{}", order_id.0));
    let told = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        notifications::notify_user(work, reach, id, &cause, &order)
    });
    let notifications = told.await?.into_iter().map(Notification::from).collect();
    Ok((StatusCode::ACCEPTED, Json(Notified { notifications })))
}
