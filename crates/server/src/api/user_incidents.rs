//! The incidents of one user, and what each adds to their score.

use allclear_domain::{
    detection::ThreatStatus,
    ids::{DeviceId, ThreatId, UserId},
    incident::{Incident, incidents},
    level::{Family, Platform, RiskLevel},
    rules::Rules,
    time::Time,
};
use allclear_engine::{Error, work::points};
use allclear_store::{
    devices::{self, DeviceRecord},
    users,
};
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Path},
    problem::Problem,
};

/// A user's incidents.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserIncidents {
    /// The user's score: what their incidents add up to, on all their devices.
    score: f64,
    /// Open incidents, and those that are over and still have a score, the worst first.
    incidents: Vec<UserIncident>,
}

/// A threat on one of a user's devices.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserIncident {
    /// The threat.
    threat_id: ThreatId,
    /// The device it is or was on.
    device: IncidentDevice,
    /// Its kind.
    classification: String,
    /// The kind's name for people.
    name: String,
    /// What it lives in; null if its kind is not in the Protections table.
    #[schema(required = true)]
    family: Option<Family>,
    /// How bad it is, by the rules of now.
    severity: RiskLevel,
    /// What it adds to the score, in points.
    score: f64,
    /// What the score does when the incident is over.
    category: IncidentCategory,
    /// Whether it is open, or over and still has a score.
    status: ThreatStatus,
    /// The earliest time any detection gave.
    first_seen: Time,
    /// The time of the last change: of one that is over, its end.
    changed_at: Time,
    /// How long it was, or has been, on the device, in whole seconds.
    dwell_time: i64,
    /// What the phone's owner should do, in English; null if its kind is not in the Protections table.
    #[schema(required = true)]
    user_text: Option<String>,
}

/// The device an incident is on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IncidentDevice {
    /// Its id.
    id: DeviceId,
    /// What people call it.
    friendly_name: String,
    /// Its operating system.
    platform: Platform,
}

/// What becomes of an incident's score when it is over.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IncidentCategory {
    /// It is about the device: the score falls to 0 at once.
    Device,
    /// It is about what the user did: the score decays day by day.
    Behaviour,
}

impl UserIncident {
    fn new(rules: &Rules, record: &DeviceRecord, incident: &Incident<'_>, now: Time) -> Self {
        let (device, threat) = (&record.facts.device, incident.threat);
        Self {
            threat_id: threat.id,
            device: IncidentDevice {
                id: device.id,
                friendly_name: device.friendly_name.clone(),
                platform: device.platform,
            },
            classification: threat.classification.clone(),
            name: incident.name().to_owned(),
            family: incident.kind.map(|kind| kind.family),
            severity: incident.severity,
            score: points(incident.score),
            category: if incident.is_behaviour() { IncidentCategory::Behaviour } else { IncidentCategory::Device },
            status: threat.status(),
            first_seen: threat.first_seen,
            changed_at: threat.changed_at,
            dwell_time: threat.dwell_time(now).as_seconds(),
            user_text: incident.kind.map(|kind| rules.templates.texts.english(kind).advice.to_owned()),
        }
    }
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// A user's incidents
///
/// Those on devices within the caller's reach. The score is the whole of it all the same.
#[utoipa::path(get, path = "/api/v1/users/{id}/incidents", tag = "users", operation_id = "list_user_incidents",
    params(("id" = UserId, Path, description = "The user.")), responses((status = 200, body = UserIncidents)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<UserId>,
) -> Result<Json<UserIncidents>, Problem> {
    let (now, tenant) = (state.source.now(), principal.tenant);
    let found = state.engine.read(tenant, move |tx, rules| {
        let tree = &rules.organization_groups;
        let user = users::get(tx, tenant, id)?.filter(|user| principal.reaches(tree, user.organization_group));
        let user = user.ok_or(Error::NotFound("user"))?;
        let ids = devices::of_user(tx, tenant, id)?;
        let mut found = Vec::new();
        for record in devices::get_many(tx, tenant, &ids)? {
            if principal.reaches(tree, record.facts.device.organization_group) {
                let all = incidents(rules, &record.facts, now);
                found.extend(all.iter().map(|incident| UserIncident::new(rules, &record, incident, now)));
            }
        }
        found.sort_by(|a, b| {
            let rank = |one: &UserIncident| (one.status == ThreatStatus::Open, one.severity);
            rank(b).cmp(&rank(a)).then(b.score.total_cmp(&a.score)).then(a.first_seen.cmp(&b.first_seen))
        });
        Ok(UserIncidents { score: points(user.score), incidents: found })
    });
    Ok(Json(found.await?))
}
