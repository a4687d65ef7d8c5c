//! "I have fixed it, check again."

use allclear_domain::{
    journal::{Actor, ActorKind},
    time::Time,
};
use allclear_engine::messages_app;
use axum::{extract::State, http::StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{app::AppState, auth::MessagesPrincipal, extract::Json, problem::Problem};

/// A check that goes on.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) struct CheckStarted {
    /// Since when. It is done once the state's `checked_at` is not before that.
    requested_at: Time,
}

/// Asks the device to check itself
///
/// Its agent gets the command `check`, at once if it waits for commands or can be woken. Once a minute; 429 before that.
#[utoipa::path(post, path = "/m/v1/check", tag = "messages-app", operation_id = "check_own_device",
    responses((status = 202, body = CheckStarted)))]
pub(super) async fn check(
    State(state): State<AppState>,
    who: MessagesPrincipal,
) -> Result<(StatusCode, Json<CheckStarted>), Problem> {
    let actor = Actor::new(ActorKind::Device, who.device.to_string());
    let asked = state.engine.edit(who.tenant, actor, move |work| messages_app::request_check(work, who.device));
    Ok((StatusCode::ACCEPTED, Json(CheckStarted { requested_at: asked.await? })))
}
