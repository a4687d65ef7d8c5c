//! Messages to a device's owner.

use allclear_domain::{ids::NotificationId, notification::NotificationState, time::Time};
use allclear_engine::notifications;
use axum::{extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    auth::DevicePrincipal,
    extract::{Json, Path},
    problem::Problem,
};

/// A device's messages.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Messages {
    /// The newest first; at most the last hundred.
    messages: Vec<Message>,
}

/// A message to the device's owner.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Message {
    /// The id.
    id: NotificationId,
    /// The text, in paragraphs.
    body: String,
    /// When it was sent.
    sent_at: Time,
    /// Whether the owner has read it.
    read: bool,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(messages)).routes(routes!(read))
}

/// The device's messages
///
/// Fetching them counts as delivery.
#[utoipa::path(get, path = "/agent/v1/messages", tag = "agent", operation_id = "get_messages",
    responses((status = 200, body = Messages)))]
async fn messages(State(state): State<AppState>, who: DevicePrincipal) -> Result<Json<Messages>, Problem> {
    let found = notifications::fetch(&state.engine, who.tenant, who.device, None, notifications::MOST_MESSAGES).await?;
    let messages = found.into_iter().map(|one| Message {
        id: one.id,
        body: one.body,
        sent_at: one.created_at,
        read: one.state == NotificationState::Read,
    });
    Ok(Json(Messages { messages: messages.collect() }))
}

/// Says that a message was read
///
/// Saying it again changes nothing.
#[utoipa::path(post, path = "/agent/v1/messages/{id}/read", tag = "agent", operation_id = "read_message",
    params(("id" = NotificationId, Path, description = "The message.")), responses((status = 204)))]
async fn read(
    State(state): State<AppState>,
    who: DevicePrincipal,
    Path(id): Path<NotificationId>,
) -> Result<StatusCode, Problem> {
    notifications::read(&state.engine, who.tenant, who.device, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
