//! Where an agent is told by the push service of its platform that there is something for it.

use allclear_channels::push;
use allclear_domain::push::{PushEnvironment, PushProvider, PushToken};
use axum::{extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::AppState, auth::DevicePrincipal, check::Check, extract::Json, problem::Problem};

/// Where the agent is told.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentPushToken {
    /// Whose push service it is.
    provider: PushProvider,
    /// The token it gave the app: for `apns` in hexadecimal.
    #[schema(min_length = 1, max_length = 4096)]
    token: String,
    /// For `apns`: the app's bundle id, if it is not the one the channel is set up with.
    #[schema(min_length = 1, max_length = 155)]
    topic: Option<String>,
    /// For `apns`: which of Apple's services; `production` unless given.
    #[serde(default)]
    environment: PushEnvironment,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(put, delete))
}

/// Says where the agent is told
///
/// In place of what it said before. While it does not ask, it gets a silent push when there is something to do, and its
/// owner is shown messages. Say it again whenever the app starts.
#[utoipa::path(put, path = "/agent/v1/push-token", tag = "agent", operation_id = "set_push_token",
    request_body = AgentPushToken,
    responses((status = 204),
        (status = 409, description = "The device is not enrolled any more.", body = Problem,
            content_type = "application/problem+json")))]
async fn put(
    State(state): State<AppState>,
    who: DevicePrincipal,
    Json(given): Json<AgentPushToken>,
) -> Result<StatusCode, Problem> {
    let AgentPushToken { provider, token, topic, environment } = given;
    let token = PushToken { provider, token, topic, environment };
    Check::of(token.problems()).finish()?;
    push::set_token(&state.engine, who.tenant, who.device, token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks not to be told by push any more
#[utoipa::path(delete, path = "/agent/v1/push-token", tag = "agent", operation_id = "forget_push_token",
    responses((status = 204)))]
async fn delete(State(state): State<AppState>, who: DevicePrincipal) -> Result<StatusCode, Problem> {
    push::forget_token(&state.engine, who.tenant, who.device).await?;
    Ok(StatusCode::NO_CONTENT)
}
