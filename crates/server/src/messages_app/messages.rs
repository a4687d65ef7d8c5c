//! Messages to the device's owner, as the Messages app shows them.

use allclear_domain::{
    ids::NotificationId,
    notification::{MessageKind, NotificationState},
    time::Time,
};
use allclear_engine::notifications;
use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::AppState,
    auth::MessagesPrincipal,
    extract::{Json, Path},
    page::{List, NoFilter, Page, PageParams},
    problem::Problem,
};

/// A message to the device's owner.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct OwnMessage {
    /// The id.
    id: NotificationId,
    /// When it was sent.
    sent_at: Time,
    /// The text, in paragraphs.
    text: String,
    /// When it was read; null while it was not.
    #[schema(required = true)]
    read_at: Option<Time>,
    /// What it is.
    kind: MessageKind,
}

/// What messages are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum SortBy {
    /// The time they were sent, newest first.
    #[default]
    Newest,
}

/// Messages, newest first
///
/// Fetching them counts as delivery.
#[utoipa::path(get, path = "/m/v1/messages", tag = "messages-app", operation_id = "list_own_messages",
    params(PageParams), responses((status = 200, body = Page<OwnMessage>)))]
pub(super) async fn list(
    State(state): State<AppState>,
    who: MessagesPrincipal,
    list: List<NoFilter, SortBy>,
) -> Result<Json<Page<OwnMessage>>, Problem> {
    if list.descending {
        return Err(Problem::invalid_field("sort", "must be newest"));
    }
    let found = notifications::fetch(&state.engine, who.tenant, who.device, list.after()?, list.fetch()).await?;
    let messages = found.into_iter().map(|one| OwnMessage {
        id: one.id,
        sent_at: one.created_at,
        text: one.body,
        read_at: (one.state == NotificationState::Read).then_some(one.changed_at),
        kind: one.kind.unwrap_or_default(),
    });
    list.page(messages.collect(), |message| message.id).map(Json)
}

/// Says that a message was read
///
/// Saying it again changes nothing.
#[utoipa::path(post, path = "/m/v1/messages/{id}/read", tag = "messages-app", operation_id = "read_own_message",
    params(("id" = NotificationId, Path, description = "The message.")), responses((status = 204)))]
pub(super) async fn read(
    State(state): State<AppState>,
    who: MessagesPrincipal,
    Path(id): Path<NotificationId>,
) -> Result<StatusCode, Problem> {
    notifications::read(&state.engine, who.tenant, who.device, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
