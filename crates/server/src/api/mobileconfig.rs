//! An iOS profile as the configuration profile that devices get, for inspection.

use allclear_channels::{
    agent::ProfileToInstall,
    apple::profile::{Rendering, render},
};
use allclear_domain::{ids::ProfileId, level::Platform, profile::ProfileSpec, rules::Rules};
use allclear_engine::{Error, rules::profiles};
use allclear_store::{
    db::Tx,
    profiles::{self as stored, StoredProfile},
};
use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::profiles::reached;
use crate::{
    app::AppState,
    auth::Principal,
    extract::{Path, Query},
    problem::Problem,
};

/// Which version is meant.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct VersionParams {
    /// A published version; left out: the draft, as it would be published next.
    #[param(minimum = 1)]
    version: Option<u32>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get))
}

/// An iOS profile as devices get it
///
/// The configuration profile for supervised devices, unsigned, with its secrets masked: to be looked at, not installed.
#[utoipa::path(get, path = "/api/v1/profiles/{id}/mobileconfig", tag = "profiles", operation_id = "get_mobileconfig",
    params(("id" = ProfileId, Path, description = "The profile."), VersionParams),
    responses(
        (status = 200, description = "A property list.", body = String,
            content_type = "application/x-apple-aspen-config"),
        (status = 409, description = "The profile is for Android.", body = Problem,
            content_type = "application/problem+json")))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ProfileId>,
    Query(params): Query<VersionParams>,
) -> Result<Response, Problem> {
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let (profile, version, spec) = chosen(tx, rules, &principal, id, params)?;
        if profile.platform != Platform::Ios {
            return Err(Error::Conflict("only iOS profiles become configuration profiles".into()));
        }
        let spec = profiles::masked(spec);
        let profile = ProfileToInstall {
            id,
            name: profile.name,
            version,
            allow_removal: spec.allow_removal,
            removal_password: spec.removal_password,
            payloads: spec.payloads,
        };
        Ok((profile, rules.settings.branding.organisation().to_owned()))
    });
    let (profile, organisation) = found.await?;
    let how = Rendering { organisation: &organisation, supervised: true };
    let bytes = render(&profile, &how).map_err(|error| Problem::internal(&error))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE)),
        (header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"profile.mobileconfig\"")),
        (header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    ];
    Ok((headers, bytes).into_response())
}

/// A profile within reach, the number of the version that is meant, and what is in that.
pub(super) fn chosen(
    tx: &mut Tx<'_>,
    rules: &Rules,
    principal: &Principal,
    id: ProfileId,
    params: VersionParams,
) -> Result<(StoredProfile, u32, ProfileSpec), Error> {
    let profile = reached(tx, rules, principal, id)?;
    let (version, spec) = match params.version {
        None => (profile.published_version + 1, profile.draft.clone()),
        Some(version) => {
            let versions = stored::versions(tx, principal.tenant, id)?;
            let published = versions.into_iter().find(|one| one.number == version);
            (version, published.ok_or(Error::NotFound("version"))?.spec)
        }
    };
    Ok((profile, version, spec))
}

/// Apple's media type of configuration profiles.
const CONTENT_TYPE: &str = "application/x-apple-aspen-config";
