//! The channel to Apple's push service: how agents on iPhones and iPads are woken. The key is written and never shown again.

use allclear_channels::push::apns::ApnsSettings;
use allclear_domain::{notification::Transport, time::Time};
use allclear_engine::channels::Secrets;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{none_if_empty, put_secret, read, write};
use crate::{
    app::AppState,
    auth::Principal,
    check::Check,
    extract::{IfMatch, Json, etag},
    problem::Problem,
};

/// How Apple's push service is signed in to. What is null is so before the channel is set up.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ApnsChannel {
    /// Whether agents are told by it.
    enabled: bool,
    /// Which of the team's keys.
    #[schema(required = true)]
    key_id: Option<String>,
    /// The team.
    #[schema(required = true)]
    team_id: Option<String>,
    /// The bundle id of the agent's app.
    #[schema(required = true)]
    topic: Option<String>,
    /// Where pushes go instead of Apple; null: to Apple, to the production or sandbox service as each agent says.
    #[schema(required = true)]
    base_url: Option<String>,
    /// Whether there is a key.
    private_key_set: bool,
    /// Grows with every change; 0 before the first.
    version: i64,
    /// When it was changed last.
    #[schema(required = true)]
    changed_at: Option<Time>,
}

/// How Apple's push service is signed in to from now on.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApnsChannelEdit {
    /// Whether agents are told by it.
    enabled: bool,
    /// Which of the team's keys: ten letters and digits, as in the name of the key's file.
    #[schema(min_length = 10, max_length = 10, example = "ABC123DEFG")]
    key_id: String,
    /// The team: ten letters and digits.
    #[schema(min_length = 10, max_length = 10, example = "DEF123GHIJ")]
    team_id: String,
    /// The bundle id of the agent's app, for devices whose agent names no other.
    #[schema(min_length = 1, max_length = 155, example = "com.example.agent")]
    topic: String,
    /// The key: what is in the `.p8` file. Left out it stays, for the same key, team and address.
    #[schema(max_length = 10_000, write_only)]
    private_key: Option<String>,
    /// Where pushes go instead of Apple; most often nothing.
    #[schema(max_length = 500, format = "uri")]
    base_url: Option<String>,
    /// The version this is based on, unless `If-Match` says it; 0 before the first.
    version: Option<i64>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get, put))
}

/// How Apple's push service is signed in to
#[utoipa::path(get, path = "/api/v1/channels/apns", tag = "channels", operation_id = "get_apns_channel",
    responses((status = 200, body = ApnsChannel)))]
async fn get(State(state): State<AppState>, principal: Principal) -> Result<Response, Problem> {
    shown(&state, &principal).await
}

async fn shown(state: &AppState, principal: &Principal) -> Result<Response, Problem> {
    let kept = read::<ApnsSettings>(state, principal, Transport::Apns).await?;
    let private_key_set = kept.has(ApnsSettings::secret);
    let settings = kept.settings;
    let channel = ApnsChannel {
        enabled: kept.enabled,
        private_key_set,
        key_id: settings.as_ref().map(|settings| settings.key_id.clone()),
        team_id: settings.as_ref().map(|settings| settings.team_id.clone()),
        topic: settings.as_ref().map(|settings| settings.topic.clone()),
        base_url: settings.and_then(|settings| settings.base_url),
        version: kept.version,
        changed_at: kept.changed_at,
    };
    Ok((etag(channel.version), Json(channel)).into_response())
}

/// Sets up Apple's push service
///
/// Agents that have said where it reaches them are woken by it from now on when something waits for them, and their owners
/// are shown messages.
#[utoipa::path(put, path = "/api/v1/channels/apns", tag = "channels", operation_id = "set_apns_channel",
    request_body = ApnsChannelEdit, responses((status = 200, body = ApnsChannel)))]
async fn put(
    State(state): State<AppState>,
    principal: Principal,
    if_match: IfMatch,
    Json(edit): Json<ApnsChannelEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let before = read::<ApnsSettings>(&state, &principal, Transport::Apns).await?.secrets;
    let settings = ApnsSettings {
        key_id: edit.key_id,
        team_id: edit.team_id,
        topic: edit.topic,
        base_url: none_if_empty(edit.base_url),
    };
    let mut secrets = Secrets::new();
    put_secret(&mut secrets, settings.secret(), edit.private_key, &before);
    Check::of(settings.problems(&secrets, &state.options.outgoing)).finish()?;
    let what = (Transport::Apns, edit.enabled, version);
    write(&state, &principal, &if_match, what, &settings, secrets).await?;
    shown(&state, &principal).await
}
