//! The dashboard's numbers day by day.

use allclear_domain::{ids::OrganizationGroupId, time::Span};
use allclear_engine::{trend as engine, work::points};
use allclear_store::trend::{self as stored, DayCounts};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::dashboard::{ByRiskStatus, average};
use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Query},
    problem::Problem,
};

/// The most days asked for at once.
const MOST_DAYS: u32 = 366;

/// How many days, and of which part.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TrendParams {
    /// So many days of UTC up to today.
    #[param(minimum = 1, maximum = 366, default = 60)]
    days: Option<u32>,
    /// At or below this organization group.
    organization_group_id: Option<OrganizationGroupId>,
}

/// Days in order. A day on which nothing was counted is left out.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Trend {
    /// The days.
    points: Vec<TrendPoint>,
}

/// One day, as it was counted last.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TrendPoint {
    /// The day of UTC.
    #[schema(format = Date, example = "2026-03-01")]
    date: String,
    /// The sum of all users' scores, in points, divided by the users with at least one device.
    average_risk_score: f64,
    /// Users with at least one device.
    users_with_devices: i64,
    /// Users with a score above 0.
    risky_users: i64,
    /// Devices with a score above 0.
    risky_devices: i64,
    /// Users with at least one device by their risk status.
    users_by_risk_status: ByRiskStatus,
    /// Open incidents of users by severity.
    open_incidents: TrendIncidents,
}

/// Numbers of incidents.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct TrendIncidents {
    /// Of high severity.
    high: i64,
    /// Of medium severity.
    medium: i64,
    /// Of low severity.
    low: i64,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(trend))
}

/// The last days at a glance
///
/// Each day as it was counted last: about once an hour, and shortly before it ended.
#[utoipa::path(get, path = "/api/v1/dashboard/trend", tag = "dashboard", operation_id = "get_dashboard_trend",
    params(TrendParams), responses((status = 200, body = Trend)))]
async fn trend(
    State(state): State<AppState>,
    principal: Principal,
    Query(params): Query<TrendParams>,
) -> Result<Json<Trend>, Problem> {
    let days = params.days.unwrap_or(60);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Problem::invalid_field("days", format!("must be 1 to {MOST_DAYS}")));
    }
    let from = engine::day(state.source.now()) - i64::from(days) + 1;
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let groups = principal.narrowed(rules, params.organization_group_id);
        Ok(stored::days(tx, principal.tenant, groups.as_deref(), from)?)
    });
    let points = found.await?.iter().map(|(day, counts)| point(*day, counts)).collect();
    Ok(Json(Trend { points }))
}

fn point(day: i64, counts: &DayCounts) -> TrendPoint {
    let noon = allclear_domain::time::Time::EPOCH.plus(Span::days(day));
    let [low, medium, high] = counts.incidents;
    TrendPoint {
        date: noon.to_jiff().to_zoned(jiff::tz::TimeZone::UTC).date().to_string(),
        average_risk_score: average(points(counts.score), counts.users_with_devices),
        users_with_devices: counts.users_with_devices,
        risky_users: counts.risky_users,
        risky_devices: counts.risky_devices,
        users_by_risk_status: ByRiskStatus::new(counts.users, counts.users_with_devices),
        open_incidents: TrendIncidents { high, medium, low },
    }
}
