//! Links with which the Messages app is bound to a device: an administrator's to hand out, the device's agent's to open.

use allclear_domain::{ids::DeviceId, time::Time};
use allclear_engine::messages_app;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::common::base_url;
use crate::{
    app::AppState,
    auth::{Credential, DevicePrincipal, Kind, Principal},
    extract::{Json, Path},
    idempotency::ShownOnce,
    problem::Problem,
};

/// A one-time link.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct MessagesLink {
    /// The address to open on the device. It is shown here and never again.
    #[schema(
        format = "uri",
        example = "https://allclear.example.com/m/#acml_1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    )]
    url: String,
    /// From when on it is worth nothing.
    expires_at: Time,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create))
}

fn url(state: &AppState, headers: &HeaderMap, token: &str) -> String {
    format!("{}/m/#{token}", base_url(state, headers))
}

/// Makes a link to the Messages app
///
/// Whoever opens it first sees the state of the device and its messages from then on. Good once, for seven days.
#[utoipa::path(post, path = "/api/v1/devices/{id}/messages-link", tag = "messages-app",
    operation_id = "create_messages_link", params(("id" = DeviceId, Path, description = "The device.")),
    responses((status = 201, body = MessagesLink)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    headers: HeaderMap,
    Path(id): Path<DeviceId>,
) -> Result<Response, Problem> {
    let (secret, credential) = Credential::new(Kind::MessagesLink, principal.tenant, state.source.secret());
    let reach = principal.reach;
    let made = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        messages_app::hand_out(work, reach, id, &credential.hash)
    });
    let expires_at = made.await?.expires_at;
    let link = MessagesLink { url: url(&state, &headers, &secret.reveal()), expires_at };
    let mut response = (StatusCode::CREATED, Json(link)).into_response();
    response.extensions_mut().insert(ShownOnce);
    Ok(response)
}

/// Makes a link to the Messages app for the device itself
///
/// For an agent that opens the app on the device. Good once, for an hour.
#[utoipa::path(post, path = "/agent/v1/messages-link", tag = "agent", operation_id = "open_messages",
    responses((status = 201, body = MessagesLink),
        (status = 409, description = "The device is not enrolled any more.", body = Problem,
            content_type = "application/problem+json")))]
pub(crate) async fn open(
    State(state): State<AppState>,
    who: DevicePrincipal,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<MessagesLink>), Problem> {
    let (secret, credential) = Credential::new(Kind::MessagesLink, who.tenant, state.source.secret());
    let made = messages_app::open(&state.engine, who.tenant, who.device, credential.hash).await?;
    let link = MessagesLink { url: url(&state, &headers, &secret.reveal()), expires_at: made.expires_at };
    Ok((StatusCode::CREATED, Json(link)))
}
