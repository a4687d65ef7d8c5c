//! A tenant's settings.

use allclear_domain::{ids::JobId, settings::Settings};
use allclear_engine::rules::settings;
use allclear_store::tenants;
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    auth::Principal,
    extract::{IfMatch, Json, etag},
    problem::Problem,
};

/// A tenant's settings with their version.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SettingsAnswer {
    /// The settings.
    settings: Settings,
    /// Grows with every change.
    version: i64,
    /// The re-evaluation this change started; its progress is at `/api/v1/jobs/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
}

/// All settings anew; those left out get their defaults.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingsEdit {
    /// The settings.
    settings: Settings,
    /// The version this edit is based on, unless `If-Match` says it.
    version: Option<i64>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get, put))
}

/// The tenant's settings
#[utoipa::path(get, path = "/api/v1/settings", tag = "settings", operation_id = "get_settings",
    responses((status = 200, body = SettingsAnswer)))]
async fn get(State(state): State<AppState>, principal: Principal) -> Result<Response, Problem> {
    let tenant = principal.tenant;
    let (settings, version) = state.engine.read(tenant, move |tx, _| Ok(tenants::settings(tx, tenant)?)).await?;
    Ok((etag(version), Json(SettingsAnswer { settings, version, job_id: None })).into_response())
}

/// Changes the tenant's settings
#[utoipa::path(put, path = "/api/v1/settings", tag = "settings", operation_id = "set_settings",
    request_body = SettingsEdit, responses((status = 200, body = SettingsAnswer)))]
async fn put(
    State(state): State<AppState>,
    principal: Principal,
    if_match: IfMatch,
    Json(edit): Json<SettingsEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let (who, settings) = (principal.clone(), edit.settings);
    let wanted = settings.clone();
    let change = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        settings::set(work, &wanted, Some(version)).map_err(|error| error.below("/settings"))
    });
    let (version, job_id) = change.await.map_err(|error| if_match.problem(error))?;
    Ok((etag(version), Json(SettingsAnswer { settings, version, job_id })).into_response())
}
