//! What Android devices under Google's management get: one policy, merged from all profiles; for inspection.

use std::collections::HashMap;

use allclear_channels::android::{
    conflicts::{Conflict, conflicts},
    policy::{Policy, left_out},
};
use allclear_domain::{
    ids::{DeviceId, ProfileId},
    level::Platform,
    payload::PayloadIssue,
    profile::{Desired, Profile},
};
use allclear_engine::{Error, devices, rules::profiles};
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    effective_settings::EffectiveProfile,
    mobileconfig::{VersionParams, chosen},
};
use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Path, Query},
    problem::Problem,
};

/// The policy of an Android device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DevicePolicy {
    /// Made from the content: devices that should be alike share one.
    #[schema(example = "5b3f0e1c9a7d4e26b8f1a0c3d2e4f567")]
    id: String,
    /// The members of a policy of the Android Management API, secrets masked.
    #[schema(value_type = Object)]
    policy: Value,
    /// Where profiles want different things.
    conflicts: Vec<PolicyConflict>,
}

/// A field of a policy that profiles want different values of.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PolicyConflict {
    /// Where, as a JSON pointer into the policy.
    #[schema(example = "/cameraAccess")]
    pointer: String,
    /// The value in force: the most restrictive.
    value: Value,
    /// The profiles with a word on it, by name. An app that a profile leaves out of its list of the only ones counts as
    /// blocked by it.
    profiles: Vec<EffectiveProfile>,
}

/// A profile as a policy.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProfilePolicy {
    /// The members of a policy of the Android Management API, secrets masked.
    #[schema(value_type = Object)]
    policy: Value,
    /// What of its payloads no policy can say, each with a pointer into the payloads.
    left_out: Vec<PayloadIssue>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(of_device)).routes(routes!(of_profile))
}

/// The policy of an Android device
///
/// As it is when every profile is on it that should be: all of them in one, the most restrictive value of each field. A
/// device with our agent gets the profiles one by one instead.
#[utoipa::path(get, path = "/api/v1/devices/{id}/policy", tag = "devices", operation_id = "get_device_policy",
    params(("id" = DeviceId, Path, description = "The device.")),
    responses((status = 200, body = DevicePolicy), (status = 409, description = "The device is no Android device.",
        body = Problem, content_type = "application/problem+json")))]
async fn of_device(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
) -> Result<Json<DevicePolicy>, Problem> {
    let (tenant, sealer) = (principal.tenant, state.engine.sealer().clone());
    let found = state.engine.read(tenant, move |tx, rules| {
        let record = devices::read(tx, rules, tenant, principal.reach, id)?;
        if record.facts.device.platform != Platform::Android {
            return Err(Error::Conflict("only Android devices have a policy".into()));
        }
        let wanted = record.posture.profiles.iter().filter(|target| matches!(target.desired, Desired::Install { .. }));
        let mut wanted: Vec<Profile> = wanted.filter_map(|target| rules.profile(target.profile).cloned()).collect();
        wanted.sort_by(|a, b| a.name.cmp(&b.name));
        for profile in &mut wanted {
            profile.spec = profiles::opened(&sealer, tenant, std::mem::take(&mut profile.spec))?;
        }
        // Here, because it may take a while.
        Ok(policy(&wanted))
    });
    Ok(Json(found.await?))
}

fn policy(wanted: &[Profile]) -> DevicePolicy {
    let policies: Vec<_> = wanted.iter().map(|profile| (profile.id, Policy::of(&profile.spec.payloads))).collect();
    let by_id: HashMap<ProfileId, &Profile> = wanted.iter().map(|profile| (profile.id, profile)).collect();
    let conflicts = conflicts(&policies).into_iter().map(Conflict::masked).map(|conflict| PolicyConflict {
        pointer: conflict.pointer,
        value: conflict.value,
        profiles: conflict
            .given
            .into_iter()
            .filter_map(|(id, value, share)| Some(EffectiveProfile::new(by_id.get(&id)?, value, share)))
            .collect(),
    });
    let conflicts = conflicts.collect();
    let policy = Policy::in_force(policies.into_iter().map(|(_, policy)| policy));
    DevicePolicy { id: policy.id(), policy: policy.masked(), conflicts }
}

/// An Android profile as a policy
///
/// What the profile says in words of the Android Management API. On a device it is merged with all others.
#[utoipa::path(get, path = "/api/v1/profiles/{id}/policy", tag = "profiles", operation_id = "get_profile_policy",
    params(("id" = ProfileId, Path, description = "The profile."), VersionParams),
    responses((status = 200, body = ProfilePolicy), (status = 409, description = "The profile is for iOS.",
        body = Problem, content_type = "application/problem+json")))]
async fn of_profile(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ProfileId>,
    Query(params): Query<VersionParams>,
) -> Result<Json<ProfilePolicy>, Problem> {
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let (profile, _, spec) = chosen(tx, rules, &principal, id, params)?;
        if profile.platform != Platform::Android {
            return Err(Error::Conflict("only Android profiles become policies".into()));
        }
        Ok(profiles::masked(spec).payloads)
    });
    let payloads = found.await?;
    Ok(Json(ProfilePolicy { policy: Policy::of(&payloads).masked(), left_out: left_out(&payloads) }))
}
