//! The profile with which a person puts their device under management: made anew, with a one-time password of its own, each
//! time it is fetched.

use allclear_channels::apple::enrollment_profile::{self, Parts};
use allclear_domain::{
    journal::{Actor, ActorKind},
    level::Platform,
    time::Time,
};
use allclear_engine::{
    Error,
    apple_mdm_settings::{self, AppleMdmSettings},
    device_authority::{self, DeviceAuthority},
    device_certificates::{self, EnrollmentName},
};
use allclear_pki::cms;
use allclear_store::{
    organization_groups,
    tokens::{self, Hash},
};
use axum::{
    Extension,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use utoipa::IntoParams;

use super::slow_down;
use crate::{
    access::ClientAddress,
    app::AppState,
    auth::{Credential, Kind},
    extract::{Path, Query},
    problem::Problem,
};

const PROFILE: &str = "application/x-apple-aspen-config";
const FILE: &str = "attachment; filename=\"enrollment.mobileconfig\"";

/// How the profile is wanted.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ProfileParams {
    /// Without a signature, for tools that read the profile.
    #[serde(default)]
    unsigned: bool,
}

/// Where a device gets the profile for an enrollment token, unless it gets none.
pub(crate) fn profile_url(
    state: &AppState,
    settings: &AppleMdmSettings,
    platform: Option<Platform>,
    token: &str,
) -> Option<String> {
    let is_set_up = settings.topic().is_some() && is_for(platform);
    let base_url = state.options.public_url.as_deref().filter(|_| is_set_up)?;
    Some(format!("{base_url}/apple/v1/enroll/{token}"))
}

fn is_for(platform: Option<Platform>) -> bool {
    platform.is_none_or(|platform| platform == Platform::Ios)
}

/// The profile that enrolls an Apple device
///
/// For the enrollment token in the path, which is used up when the device that installed the profile says who it is. Each
/// time it is fetched it has another one-time password in it, good for a day; the last four are good.
#[utoipa::path(get, path = "/apple/v1/enroll/{token}", tag = "apple", operation_id = "get_enrollment_profile",
    params(ProfileParams, ("token" = String, Path, description = "The enrollment token.")),
    responses((status = 200, content_type = "application/x-apple-aspen-config",
            description = "A configuration profile, signed by the tenant's authority."),
        (status = 404, description = "There is no such enrollment token.", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "The management of Apple devices is not set up, the server does not know its \
            `public_url`, or the token is for another platform.", body = Problem, content_type = "application/problem+json"),
        (status = 410, description = "The token was used already or has expired.", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "Too many guesses.", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn profile(
    State(state): State<AppState>,
    Path(token): Path<String>,
    Query(params): Query<ProfileParams>,
    address: Option<Extension<ClientAddress>>,
) -> Result<Response, Problem> {
    let token = Credential::parse(&token).filter(|token| token.kind == Kind::Enrollment);
    let Some(token) = token else { return Err(unknown(&state, address)) };
    let (tenant, now) = (token.tenant, state.source.now());
    // Whoever guesses must not get as far as the writer.
    let known = state.db.read(move |tx| tokens::enrollment(tx, tenant, &token.hash)).await?;
    let Some(known) = known else { return Err(unknown(&state, address)) };
    if known.used_at.is_some() {
        return Err(Problem::link_used());
    }
    if known.expires_at <= now {
        return Err(Problem::link_expired());
    }
    if !is_for(known.platform) {
        return Err(Problem::conflict("The enrollment token is for another platform."));
    }
    let name = EnrollmentName { tenant, token: known.id };
    let (own, profile) = rendered(&state, Some(token.hash), name).await?;
    let profile = if params.unsigned { profile } else { signed(own, profile, now).await? };
    let headers = [(header::CONTENT_TYPE, PROFILE), (header::CONTENT_DISPOSITION, FILE)];
    Ok((headers, profile).into_response())
}

fn unknown(state: &AppState, address: Option<Extension<ClientAddress>>) -> Problem {
    slow_down(state, address.as_deref().copied()).err().unwrap_or_else(|| Problem::not_found("enrollment token"))
}

/// The profile for a device that is enrolled already and is to get its next certificate.
pub(super) async fn renewed(state: &AppState, enrollment: EnrollmentName) -> Result<Vec<u8>, Problem> {
    Ok(rendered(state, None, enrollment).await?.1)
}

/// The profile, not signed yet: for an enrollment token that was not used, or for the device that has used it.
async fn rendered(
    state: &AppState,
    token: Option<Hash>,
    enrollment: EnrollmentName,
) -> Result<(DeviceAuthority, Vec<u8>), Problem> {
    let (tenant, sealer) = (enrollment.tenant, state.engine.sealer().clone());
    let read = state.engine.read(tenant, move |tx, rules| {
        let setting = apple_mdm_settings::get(tx, &sealer, tenant)?;
        let own = device_authority::get(tx, &sealer, tenant)?;
        let mut organization = rules.settings.branding.organisation_name.clone();
        if let (true, Some(root)) = (organization.is_empty(), rules.organization_groups.root()) {
            organization = organization_groups::get(tx, tenant, root)?.map(|(group, _)| group.name).unwrap_or_default();
        }
        Ok((setting, own, organization))
    });
    let (setting, own, organization) = read.await?;
    let (Some(own), Some(topic)) = (own, setting.settings.topic()) else {
        return Err(Problem::conflict("The management of Apple devices is not set up: there is no push certificate."));
    };
    // Devices call there for years: not where the one that fetches the profile says that it called.
    let Some(base_url) = state.options.public_url.as_deref() else {
        return Err(Problem::conflict(
            "The server does not know where devices reach it: its operator sets `public_url`.",
        ));
    };
    let own_scep = format!("{base_url}/apple/v1/scep/{}", tenant.0);
    let one_time;
    let (scep_url, challenge) = match &setting.settings.scep_url {
        Some(url) => (url.as_str(), setting.scep_challenge()),
        None => {
            one_time = one_time_password(state, enrollment, token).await?;
            (own_scep.as_str(), Some(one_time.as_str()))
        }
    };
    let parts = Parts {
        enrollment,
        organization: &organization,
        base_url,
        scep_url,
        challenge,
        topic: &topic,
        access_rights: setting.settings.access_rights,
    };
    let profile = enrollment_profile::render(&parts).map_err(|error| Problem::internal(&error))?;
    Ok((own, profile))
}

/// Makes a one-time password for an enrollment.
async fn one_time_password(
    state: &AppState,
    enrollment: EnrollmentName,
    token: Option<Hash>,
) -> Result<String, Problem> {
    let password = BASE64URL_NOPAD.encode(&state.source.secret());
    let hash = device_certificates::hash(&password);
    let actor = Actor::new(ActorKind::Device, "new device");
    let begun = state.engine.edit(enrollment.tenant, actor, move |work| match &token {
        Some(token) => device_certificates::begin(work, token, &hash),
        None => device_certificates::begin_renewal(work, enrollment.token, &hash),
    });
    begun.await.map_err(|error| match error {
        // It was used or expired this very moment.
        Error::Forbidden(_) => Problem::link_used(),
        error => error.into(),
    })?;
    Ok(password)
}

async fn signed(own: DeviceAuthority, profile: Vec<u8>, now: Time) -> Result<Vec<u8>, Problem> {
    let sign = move || cms::sign(&profile, own.authority.identity(), Some(now.as_micros() / 1_000_000));
    let signed = tokio::task::spawn_blocking(sign).await.map_err(|error| Problem::internal(&error))?;
    signed.map_err(|error| Problem::internal(&error))
}
