//! The restrictions in force on a device when all the profiles that should be on it are: the most restrictive value wins.

use allclear_domain::{
    ids::{DeviceId, ProfileId},
    level::Platform,
    payload::{self, PayloadType, Share},
    profile::{Desired, Profile},
};
use allclear_engine::{devices, rules::profiles};
use axum::extract::State;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Path},
    problem::Problem,
};

/// The restrictions in force on a device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EffectiveSettings {
    /// The device's platform, which says what the keys mean.
    platform: Platform,
    /// The restrictions, by key.
    settings: Vec<EffectiveSetting>,
}

/// A restriction in force.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EffectiveSetting {
    /// Its key, as in the payload.
    #[schema(example = "allowCamera")]
    key: String,
    /// The value in force.
    value: Value,
    /// What its stricter value does; null for a key of the platform's own.
    #[schema(required = true)]
    help: Option<&'static str>,
    /// The profiles that give it a value, by name.
    profiles: Vec<EffectiveProfile>,
}

/// A profile that gives a restriction a value.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EffectiveProfile {
    /// The profile.
    id: ProfileId,
    /// Its name.
    name: String,
    /// Its version in force.
    version: u32,
    /// The value it gives.
    value: Value,
    /// Whether that is the value in force.
    share: Share,
}

impl EffectiveProfile {
    /// What a profile wants and what comes of it.
    pub(super) fn new(profile: &Profile, value: Value, share: Share) -> Self {
        Self { id: profile.id, name: profile.name.clone(), version: profile.version, value, share }
    }
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get))
}

/// The restrictions in force on a device
///
/// As they are when every profile is on it that should be: for each restriction the strictest value, which profile it
/// comes from, and whose value made no difference.
#[utoipa::path(get, path = "/api/v1/devices/{id}/effective-settings", tag = "devices",
    operation_id = "get_device_effective_settings", params(("id" = DeviceId, Path, description = "The device.")),
    responses((status = 200, body = EffectiveSettings)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
) -> Result<Json<EffectiveSettings>, Problem> {
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let record = devices::read(tx, rules, principal.tenant, principal.reach, id)?;
        let wanted = record.posture.profiles.iter().filter(|target| matches!(target.desired, Desired::Install { .. }));
        let mut wanted: Vec<Profile> = wanted.filter_map(|target| rules.profile(target.profile).cloned()).collect();
        wanted.sort_by(|a, b| a.name.cmp(&b.name));
        for profile in &mut wanted {
            profile.spec = profiles::masked(std::mem::take(&mut profile.spec));
        }
        Ok((record.facts.device.platform, wanted))
    });
    let (platform, wanted) = found.await?;
    Ok(Json(EffectiveSettings { platform, settings: settings(platform, &wanted) }))
}

fn settings(platform: Platform, wanted: &[Profile]) -> Vec<EffectiveSetting> {
    let payloads: Vec<_> =
        wanted.iter().flat_map(|profile| profile.spec.payloads.iter().map(move |payload| (profile, payload))).collect();
    let known = payload::settings(platform, PayloadType::Restrictions);
    let in_force = payload::in_force(platform, &payloads).into_iter();
    let setting = in_force.map(|one| EffectiveSetting {
        help: known.iter().find(|spec| spec.key == one.key).map(|spec| spec.help),
        key: one.key,
        value: one.value,
        profiles: one
            .given
            .into_iter()
            .map(|(profile, value, share)| EffectiveProfile::new(profile, value, share))
            .collect(),
    });
    setting.collect()
}
