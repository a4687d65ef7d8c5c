//! The channel to Google's push service: how agents on Android are woken. The key is written and never shown again.

use allclear_channels::push::fcm::{FcmSettings, GOOGLE};
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

/// How Google's push service is signed in to. What is null is so before the channel is set up.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FcmChannel {
    /// Whether agents are told by it.
    enabled: bool,
    /// The Firebase project of the agent's app.
    #[schema(required = true)]
    project_id: Option<String>,
    /// The service account.
    #[schema(required = true)]
    client_email: Option<String>,
    /// Who gives out access tokens.
    #[schema(required = true)]
    token_uri: Option<String>,
    /// Where pushes go.
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

/// How Google's push service is signed in to from now on.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FcmChannelEdit {
    /// Whether agents are told by it.
    enabled: bool,
    /// The key of a service account: what is in the JSON file that Google gives out. Left out it stays, for the same
    /// address.
    #[schema(max_length = 20_000, write_only)]
    service_account: Option<String>,
    /// Where pushes go; Google unless given.
    #[schema(max_length = 500, format = "uri")]
    base_url: Option<String>,
    /// The version this is based on, unless `If-Match` says it; 0 before the first.
    version: Option<i64>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get, put))
}

/// How Google's push service is signed in to
#[utoipa::path(get, path = "/api/v1/channels/fcm", tag = "channels", operation_id = "get_fcm_channel",
    responses((status = 200, body = FcmChannel)))]
async fn get(State(state): State<AppState>, principal: Principal) -> Result<Response, Problem> {
    shown(&state, &principal).await
}

async fn shown(state: &AppState, principal: &Principal) -> Result<Response, Problem> {
    let kept = read::<FcmSettings>(state, principal, Transport::Fcm).await?;
    let private_key_set = kept.has(FcmSettings::secret);
    let settings = kept.settings;
    let channel = FcmChannel {
        enabled: kept.enabled,
        private_key_set,
        project_id: settings.as_ref().map(|settings| settings.account.project_id.clone()),
        client_email: settings.as_ref().map(|settings| settings.account.client_email.clone()),
        token_uri: settings.as_ref().map(|settings| settings.account.token_uri.clone()),
        base_url: settings.map(|settings| settings.base_url),
        version: kept.version,
        changed_at: kept.changed_at,
    };
    Ok((etag(channel.version), Json(channel)).into_response())
}

/// Sets up Google's push service
///
/// Agents that have said where it reaches them are woken by it from now on when something waits for them, and their owners
/// are shown messages.
#[utoipa::path(put, path = "/api/v1/channels/fcm", tag = "channels", operation_id = "set_fcm_channel",
    request_body = FcmChannelEdit, responses((status = 200, body = FcmChannel)))]
async fn put(
    State(state): State<AppState>,
    principal: Principal,
    if_match: IfMatch,
    Json(edit): Json<FcmChannelEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let base_url = none_if_empty(edit.base_url).unwrap_or_else(|| GOOGLE.to_owned());
    let before = read::<FcmSettings>(&state, &principal, Transport::Fcm).await?;
    let mut secrets = Secrets::new();
    let settings = match (none_if_empty(edit.service_account), before.settings) {
        (Some(text), _) => {
            let read = FcmSettings::of_service_account(&text, base_url);
            let (settings, key) = read.map_err(|why| Problem::invalid_field("/service_account", why))?;
            secrets.insert(settings.secret(), key);
            settings
        }
        (None, Some(settings)) => {
            let settings = FcmSettings { base_url, ..settings };
            put_secret(&mut secrets, settings.secret(), None, &before.secrets);
            settings
        }
        (None, None) => return Err(Problem::invalid_field("/service_account", "is needed")),
    };
    Check::of(settings.problems(&secrets, &state.options.outgoing)).finish()?;
    let what = (Transport::Fcm, edit.enabled, version);
    write(&state, &principal, &if_match, what, &settings, secrets).await?;
    shown(&state, &principal).await
}
