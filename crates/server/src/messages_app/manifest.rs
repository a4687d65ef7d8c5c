//! How the Messages app is put on a home screen.
//!
//! On iOS an app on the home screen does not share the browser's cookies. So the manifest of a session has a one-time
//! link as the app's start, with which the app gets a session of its own.

use allclear_engine::messages_app;
use axum::{
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::{
    access,
    api::common::base_url,
    app::AppState,
    auth::{Credential, Kind, MessagesPrincipal},
    extract::Json,
    problem::Problem,
};

/// The colour of a title bar without one of its own.
const COLOUR: &str = "#1c5fd4";

/// A link to start the installed app with.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct InstallLink {
    /// The address; good once, within 30 days.
    #[schema(format = "uri")]
    url: String,
}

/// The manifest of the app
///
/// With the session's cookie, its start is a one-time link.
#[utoipa::path(get, path = "/m/manifest.webmanifest", tag = "messages-app", operation_id = "get_manifest",
    responses((status = 200, description = "A web app manifest.", body = Object,
        content_type = "application/manifest+json")))]
pub(super) async fn manifest(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, Problem> {
    let who = match access::messages(&state, &Method::GET, &headers).await {
        Ok(who) => Some(who),
        // Nobody yet, or nobody any more.
        Err(problem) if matches!(problem.status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => None,
        Err(problem) => return Err(problem),
    };
    let (start, branding) = match who {
        Some(who) => {
            let branding = state.engine.read(who.tenant, |_, rules| Ok(rules.settings.branding.clone())).await?;
            (fresh(&state, who).await?, Some(branding))
        }
        None => ("/m/".to_owned(), None),
    };
    let name = branding.as_ref().filter(|branding| !branding.organisation_name.is_empty());
    let icon = |file: &str, sizes: &str, purpose: &str| json!({ "src": format!("/m/{file}"), "sizes": sizes, "type": "image/png", "purpose": purpose });
    let manifest = json!({
        "id": "/m/",
        "name": name.map_or("Messages".to_owned(), |branding| format!("{} Messages", branding.organisation())),
        "short_name": "Messages",
        "start_url": start,
        "scope": "/m/",
        "display": "standalone",
        "theme_color": branding.and_then(|branding| branding.accent_colour).as_deref().unwrap_or(COLOUR),
        "background_color": "#ffffff",
        "icons": [
            icon("icon-192.png", "192x192", "any"),
            icon("icon-512.png", "512x512", "any"),
            icon("icon-maskable-512.png", "512x512", "maskable"),
        ],
    });
    Ok(([(header::CONTENT_TYPE, "application/manifest+json")], manifest.to_string()).into_response())
}

/// A fresh link to start the installed app with
#[utoipa::path(get, path = "/m/v1/install-link", tag = "messages-app", operation_id = "get_install_link",
    responses((status = 200, body = InstallLink)))]
pub(super) async fn install_link(
    State(state): State<AppState>,
    who: MessagesPrincipal,
    headers: HeaderMap,
) -> Result<Json<InstallLink>, Problem> {
    let path = fresh(&state, who).await?;
    Ok(Json(InstallLink { url: format!("{}{path}", base_url(&state, &headers)) }))
}

async fn fresh(state: &AppState, who: MessagesPrincipal) -> Result<String, Problem> {
    let (secret, credential) = Credential::new(Kind::MessagesLink, who.tenant, state.source.secret());
    messages_app::install(&state.engine, who.tenant, who.device, credential.hash).await?;
    Ok(format!("/m/?link={}", secret.reveal()))
}
