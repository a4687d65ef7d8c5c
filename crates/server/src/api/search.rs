//! One search for users, devices and threats, as somebody types.

use allclear_domain::{
    classification,
    detection::ThreatStatus,
    ids::{DeviceId, ThreatId, UserId},
    level::{Platform, RiskLevel},
};
use allclear_engine::Error;
use allclear_store::{
    device_list::{self, DeviceFilter, DeviceSort},
    devices,
    threat_list::{self, ListedThreat, Names, ThreatFilter, ThreatSort},
    users::{self, UserFilter, UserSort},
};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::threats::{self, Threat};
use crate::{
    app::AppState,
    auth::Principal,
    check::Check,
    extract::{Json, Query},
    problem::Problem,
};

/// The most found of each kind.
const MOST: u32 = 8;
/// The longest text looked for, in bytes.
const LONGEST: usize = 100;

/// What to look for.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SearchParams {
    /// The beginning of a user's name or mail address, of a device's name or serial number, or of a kind of threat; or
    /// the whole id of any of them.
    #[param(min_length = 1, max_length = 100)]
    q: String,
}

/// What was found: at most eight of each.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Found {
    /// Users, by user name.
    users: Vec<FoundUser>,
    /// Devices, by name.
    devices: Vec<FoundDevice>,
    /// Open threats, the newest first.
    threats: Vec<Threat>,
}

/// A user that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundUser {
    /// The id.
    id: UserId,
    /// The name, unique in the tenant.
    user_name: String,
    /// What people call them.
    name: String,
    /// The mail address.
    #[schema(required = true)]
    email: Option<String>,
    /// The highest severity among their open incidents.
    risk_status: RiskLevel,
}

/// A device that was found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FoundDevice {
    /// The id.
    id: DeviceId,
    /// What people call it.
    friendly_name: String,
    /// The maker's serial number.
    #[schema(required = true)]
    serial_number: Option<String>,
    /// Its operating system.
    platform: Platform,
    /// Its risk level.
    risk_level: RiskLevel,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(search))
}

/// Users, devices and threats whose name begins so
#[utoipa::path(get, path = "/api/v1/search", tag = "search", operation_id = "search", params(SearchParams),
    responses((status = 200, body = Found)))]
async fn search(
    State(state): State<AppState>,
    principal: Principal,
    Query(params): Query<SearchParams>,
) -> Result<Json<Found>, Problem> {
    let text = params.q.trim().to_owned();
    let mut check = Check::default();
    check.that((1..=LONGEST).contains(&text.len()), "q", "must have 1 to 100 bytes besides spaces around");
    check.finish()?;
    let (tenant, now) = (principal.tenant, state.source.now());
    let found = state.engine.read(tenant, move |tx, rules| {
        let groups = principal.within(rules);
        let id = text.parse::<uuid::Uuid>().ok();
        let reaches = |group| principal.reaches(&rules.organization_groups, group);

        let filter = UserFilter {
            organization_groups: groups.clone(),
            search: Some(text.clone()),
            by_display_name: true,
            ..UserFilter::default()
        };
        let mut users = match id.map(UserId) {
            Some(id) => users::get(tx, tenant, id)?.into_iter().collect(),
            None => users::list(tx, tenant, &filter, UserSort::UserName, false, None, MOST)?,
        };
        users.retain(|user| reaches(user.organization_group));

        let filter =
            DeviceFilter { organization_groups: groups.clone(), search: Some(text.clone()), ..DeviceFilter::default() };
        let ids = match id.map(DeviceId) {
            Some(id) => vec![id],
            None => device_list::list(tx, tenant, &filter, DeviceSort::FriendlyName, false, None, MOST)?,
        };
        let mut records = devices::get_many(tx, tenant, &ids)?;
        records.retain(|record| reaches(record.facts.device.organization_group));

        let listed: Vec<ListedThreat> = match id.map(ThreatId) {
            Some(id) => threat_list::get(tx, tenant, id)?.into_iter().map(|(listed, _)| listed).collect(),
            None => {
                let kinds = kinds(&text);
                let filter = ThreatFilter {
                    organization_groups: groups,
                    status: vec![ThreatStatus::Open],
                    families: Some(Names::Among(kinds.clone())),
                    classifications: kinds,
                    ..ThreatFilter::default()
                };
                if filter.classifications.is_empty() {
                    Vec::new()
                } else {
                    threat_list::list(tx, tenant, &filter, ThreatSort::Id, true, None, MOST)?
                }
            }
        };
        let owners = devices::get_many(tx, tenant, &listed.iter().map(|one| one.device).collect::<Vec<_>>())?;
        let listed = listed.into_iter().filter(|one| {
            let owner = owners.iter().find(|record| record.id() == one.device);
            owner.is_some_and(|record| reaches(record.facts.device.organization_group))
        });
        let threats = threats::shown(tx, &principal, rules, listed.collect(), now)?;
        Ok::<_, Error>(Found {
            users: users.iter().map(FoundUser::from).collect(),
            devices: records.iter().map(FoundDevice::from).collect(),
            threats: threats.into_iter().flatten().collect(),
        })
    });
    Ok(Json(found.await?))
}

/// The kinds of threats whose name or id begins with a text, however it is spelled.
fn kinds(text: &str) -> Vec<String> {
    let plain = |text: &str| text.to_lowercase().replace(['_', '-'], " ");
    let begins = plain(text);
    let known = classification::all().iter();
    let matching = known.filter(|kind| plain(kind.id).starts_with(&begins) || plain(kind.name).starts_with(&begins));
    matching.map(|kind| kind.id.to_owned()).collect()
}

impl From<&users::User> for FoundUser {
    fn from(user: &users::User) -> Self {
        Self {
            id: user.id,
            user_name: user.user_name.clone(),
            name: user.name().to_owned(),
            email: user.email.clone(),
            risk_status: users::severity(user.incidents),
        }
    }
}

impl From<&devices::DeviceRecord> for FoundDevice {
    fn from(record: &devices::DeviceRecord) -> Self {
        let device = &record.facts.device;
        Self {
            id: device.id,
            friendly_name: device.friendly_name.clone(),
            serial_number: device.serial_number.clone(),
            platform: device.platform,
            risk_level: record.posture.risk,
        }
    }
}
