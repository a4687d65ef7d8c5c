//! The logo in a tenant's mails.

use allclear_domain::logo::Logo;
use allclear_engine::{Error, templates};
use allclear_store::logos;
use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::AppState, auth::Principal, extract, problem::Problem};

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get, put, delete))
}

/// The logo in mails
#[utoipa::path(get, path = "/api/v1/settings/branding/logo", tag = "settings", operation_id = "get_logo",
    responses((status = 200, description = "The picture.", content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg")))))]
async fn get(State(state): State<AppState>, principal: Principal) -> Result<Response, Problem> {
    let tenant = principal.tenant;
    let found = state.engine.read(tenant, move |tx, _| Ok(logos::get(tx, tenant)?)).await?;
    let logo = found.ok_or(Error::NotFound("logo"))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(logo.content_type)),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((headers, logo.bytes).into_response())
}

/// Puts a logo into mails
///
/// A PNG or JPEG file of at most 64 kB and 2000 × 2000 pixels as the body; what it is, its first bytes say.
#[utoipa::path(put, path = "/api/v1/settings/branding/logo", tag = "settings", operation_id = "set_logo",
    request_body(content((Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"))),
    responses((status = 204, description = "It is in mails from now on.")))]
async fn put(State(state): State<AppState>, principal: Principal, request: Request) -> Result<StatusCode, Problem> {
    let declared = extract::media_type(request.headers());
    if !declared.is_some_and(|media| ["image/png", "image/jpeg"].contains(&media.as_str())) {
        return Err(Problem::unsupported_media_type("image/png, image/jpeg"));
    }
    let bytes = extract::bytes(request, &state).await?;
    let logo = Logo::read(bytes.to_vec()).map_err(|detail| Problem::invalid_field("", detail))?;
    change(&state, &principal, Some(logo)).await
}

/// Takes the logo out of mails
#[utoipa::path(delete, path = "/api/v1/settings/branding/logo", tag = "settings", operation_id = "delete_logo",
    responses((status = 204, description = "Mails are without one from now on.")))]
async fn delete(State(state): State<AppState>, principal: Principal) -> Result<StatusCode, Problem> {
    change(&state, &principal, None).await
}

async fn change(state: &AppState, principal: &Principal, logo: Option<Logo>) -> Result<StatusCode, Problem> {
    let who = principal.clone();
    let change = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        templates::set_logo(work, logo.as_ref())
    });
    change.await?;
    Ok(StatusCode::NO_CONTENT)
}
