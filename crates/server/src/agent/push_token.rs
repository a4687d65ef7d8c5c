//! How a device's agent is woken when there is something to do.

use allclear_channels::push::{self, agents::AgentToken};
use allclear_domain::notification::PushKind;
use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::AppState, auth::DevicePrincipal, extract::Json, problem::Problem};

/// What its platform's push service gave the agent.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct PushToken {
    /// Whose token it is.
    kind: PushKind,
    /// The token: of APNs in hexadecimal digits.
    #[schema(min_length = 1, max_length = 4096)]
    token: String,
    /// APNs: the app's bundle id, if it is not the one in the settings.
    #[schema(max_length = 255)]
    topic: Option<String>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(set, delete))
}

/// Says how the agent is woken
///
/// In place of what it said before. It is woken when commands or messages wait for it and it does not wait for them. A
/// token that the push service does not know any more is forgotten.
#[utoipa::path(put, path = "/agent/v1/push-token", tag = "agent", operation_id = "set_push_token",
    request_body = PushToken, responses((status = 204)))]
async fn set(
    State(state): State<AppState>,
    who: DevicePrincipal,
    Json(given): Json<PushToken>,
) -> Result<StatusCode, Problem> {
    let token = AgentToken::new(given.kind, given.token, given.topic)
        .map_err(|(pointer, detail)| Problem::invalid_field(pointer, detail))?;
    push::set_token(&state.engine, who.tenant, who.device, &token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says that the agent is not to be woken any more
#[utoipa::path(delete, path = "/agent/v1/push-token", tag = "agent", operation_id = "delete_push_token",
    responses((status = 204)))]
async fn delete(State(state): State<AppState>, who: DevicePrincipal) -> Result<StatusCode, Problem> {
    push::delete_token(&state.engine, who.tenant, who.device).await?;
    Ok(StatusCode::NO_CONTENT)
}
