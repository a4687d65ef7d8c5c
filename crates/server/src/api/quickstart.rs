//! The risk response of the vendors' guides in one call.

use allclear_domain::{
    ids::{OrganizationGroupId, ProfileId, SmartGroupId},
    level::{Platform, RiskLevel},
};
use allclear_engine::rules::quickstart;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::AppState, auth::Principal, extract::Json, problem::Problem};

/// Where to set the risk response up.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QuickstartParams {
    /// The organization group that manages the devices to protect; left out: the whole of what is within reach.
    organization_group_id: Option<OrganizationGroupId>,
}

/// The risk response as it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RiskResponse {
    /// The names of the engine's tags.
    tags: Vec<String>,
    /// One smart group for each risk level, lowest first.
    smart_groups: Vec<QuickstartGroup>,
    /// One profile for each risk level and platform, lowest first.
    profiles: Vec<QuickstartProfile>,
}

/// A smart group of the risk response.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct QuickstartGroup {
    /// The smart group.
    id: SmartGroupId,
    /// Its name.
    name: String,
    /// Whether this call created it.
    created: bool,
}

/// A profile of the risk response.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct QuickstartProfile {
    /// The profile.
    id: ProfileId,
    /// Its name.
    name: String,
    /// Its platform.
    platform: Platform,
    /// The risk level it answers to.
    risk_level: RiskLevel,
    /// Whether this call created it.
    created: bool,
    /// Why each part of it is as it is.
    explanation: Vec<Explained>,
}

/// Why a part of a profile is as it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Explained {
    /// The part, as a JSON pointer into the profile's payloads.
    pointer: String,
    /// Why.
    why: &'static str,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(risk_response))
}

/// Sets up the risk response
///
/// Creates, once, the smart groups `MTD Low Risk`, `MTD Medium Risk` and `MTD High Risk` and six published profiles for
/// Android and iOS. What has its name already is left as it is.
#[utoipa::path(post, path = "/api/v1/quickstart/risk-response", tag = "quickstart",
    operation_id = "quickstart_risk_response", request_body(content = Option<QuickstartParams>),
    responses((status = 200, body = RiskResponse)))]
async fn risk_response(
    State(state): State<AppState>,
    principal: Principal,
    params: Option<Json<QuickstartParams>>,
) -> Result<Json<RiskResponse>, Problem> {
    let asked = params.map(|Json(params)| params).unwrap_or_default().organization_group_id;
    let (who, sealer) = (principal.clone(), state.engine.sealer().clone());
    let done = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        let group = who.home(work.rules(), asked)?;
        quickstart::risk_response(work, &sealer, group)
    });
    let done = done.await?;
    Ok(Json(RiskResponse {
        tags: done.tags.into_iter().map(|tag| tag.name).collect(),
        smart_groups: done
            .smart_groups
            .into_iter()
            .map(|group| QuickstartGroup { id: group.id, name: group.name, created: group.created })
            .collect(),
        profiles: done
            .profiles
            .into_iter()
            .map(|(profile, plan)| QuickstartProfile {
                id: profile.id,
                name: profile.name,
                platform: plan.platform,
                risk_level: plan.level,
                created: profile.created,
                explanation: plan.explanation.into_iter().map(|(pointer, why)| Explained { pointer, why }).collect(),
            })
            .collect(),
    }))
}
