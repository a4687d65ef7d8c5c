//! The whole fleet at a glance.
//!
//! At a million devices counting takes a while, so an answer is kept as long as it was expensive: about twenty times as
//! long as it took. One that took long is given once more while the next is being counted, so that nobody waits.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use allclear_domain::{
    classification,
    detection::ProtectionStatus,
    ids::{OrganizationGroupId, Tenant, UserId},
    level::{Family, RiskLevel},
    rules::Rules,
    time::Time,
};
use allclear_engine::{Error, enforcement, work::points};
use allclear_store::{
    dashboard::{self as stored, DeviceCounts, ThreatCount},
    db::Tx,
    enforcement as times,
    users::{self, UserFilter, UserSort},
};
use axum::{Extension, extract::State};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Query},
    problem::Problem,
};

/// The whole fleet at a glance.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Dashboard {
    /// When this was counted.
    computed_at: Time,
    /// The sum of all users' scores, in points, divided by the users with at least one device.
    average_risk_score: f64,
    /// Users with at least one device.
    users_with_devices: i64,
    /// Users with a score above 0.
    risky_users: i64,
    /// All devices.
    devices: i64,
    /// Devices with a score above 0.
    risky_devices: i64,
    /// Users with at least one device by their risk status.
    users_by_risk_status: ByRiskStatus,
    /// Open incidents by level.
    open_incidents: ByLevel,
    /// Devices by risk level.
    devices_by_risk: ByRisk,
    /// Devices by compliance.
    devices_by_compliance: ByCompliance,
    /// Devices by protection status.
    devices_by_protection: ByProtection,
    /// How long it took from a detection to the restriction it led to.
    time_to_enforcement: TimeToEnforcement,
    /// The ten users with the highest scores.
    top_risky_users: Vec<RiskyUser>,
    /// The ten kinds with the most open incidents.
    top_incidents: Vec<TopIncident>,
}

/// Numbers of incidents.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct ByLevel {
    /// Of level high.
    high: i64,
    /// Of level medium.
    medium: i64,
    /// Of level low.
    low: i64,
    /// Of level advisory: shown, but no risk.
    advisory: i64,
}

/// Numbers of users by risk status: the highest severity among their open incidents.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ByRiskStatus {
    /// High.
    high: i64,
    /// Medium.
    medium: i64,
    /// Low.
    low: i64,
    /// No open incident.
    none: i64,
}

impl ByRiskStatus {
    /// Of users by low, medium and high, and all there are.
    pub(super) fn new([low, medium, high]: [i64; 3], all: i64) -> Self {
        Self { high, medium, low, none: (all - low - medium - high).max(0) }
    }
}

/// How long it took from taking a detection in to the device's word that the profile it led to is installed.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct TimeToEnforcement {
    /// Of those installed in the last 24 hours.
    last_24_hours: Percentiles,
    /// Of those installed in the last 7 days.
    last_7_days: Percentiles,
}

/// What half and nearly all of them took at most, to five percent.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Percentiles {
    /// How many there were.
    count: i64,
    /// What half of them took at most, in seconds; null if there was none.
    #[schema(required = true)]
    p50: Option<f64>,
    /// What 95 of 100 took at most, in seconds; null if there was none.
    #[schema(required = true)]
    p95: Option<f64>,
}

impl Percentiles {
    fn new(counts: &[(i64, i64)]) -> Self {
        let at = |share| enforcement::percentile(counts, share).map(enforcement::seconds);
        Self { count: counts.iter().map(|(_, count)| count).sum(), p50: at(0.5), p95: at(0.95) }
    }
}

/// The part of the fleet that is looked at.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct DashboardParams {
    /// At or below this organization group.
    organization_group_id: Option<OrganizationGroupId>,
}

/// Points a user, unrounded; 0 without users.
#[expect(clippy::cast_precision_loss, reason = "fleets stay far below 2^52")]
pub(super) fn average(points: f64, users: i64) -> f64 {
    if users == 0 { 0.0 } else { points / users as f64 }
}

/// Numbers of devices by risk level.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ByRisk {
    /// High.
    high: i64,
    /// Medium.
    medium: i64,
    /// Low.
    low: i64,
    /// Advisory.
    advisory: i64,
    /// None.
    none: i64,
}

/// Numbers of devices by compliance.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ByCompliance {
    /// Compliant.
    compliant: i64,
    /// Not compliant.
    not_compliant: i64,
    /// Unknown.
    unknown: i64,
}

/// Numbers of devices by protection status.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ByProtection {
    /// Pending.
    pending: i64,
    /// Activated.
    activated: i64,
    /// Deactivated.
    deactivated: i64,
    /// Disconnected.
    disconnected: i64,
    /// Unreachable.
    unreachable: i64,
}

/// A user at risk.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct RiskyUser {
    /// The id.
    id: UserId,
    /// The name to sign in with.
    user_name: String,
    /// What people call them.
    name: String,
    /// The sum of the scores of their devices, in points.
    score: f64,
    /// The highest severity among their open incidents.
    risk_status: RiskLevel,
    /// Open incidents of level low or above.
    open_incidents: i64,
    /// How many devices they have.
    devices: i64,
}

/// A kind of threat that is open somewhere.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TopIncident {
    /// The kind.
    classification: String,
    /// Its name for people.
    name: String,
    /// What it lives in; null if it is not in the Protections table.
    #[schema(required = true)]
    family: Option<Family>,
    /// The highest level among the incidents.
    level: RiskLevel,
    /// Open incidents of level low or above.
    incidents: i64,
    /// Devices that have an open threat of this kind.
    devices: i64,
}

/// How many top users and kinds are shown.
const TOP: usize = 10;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(dashboard)).layer(Extension(Arc::new(Cache::default())))
}

/// The whole fleet at a glance
///
/// Counted within the caller's reach. At a very large fleet the numbers may be some seconds old; `computed_at` says it.
#[utoipa::path(get, path = "/api/v1/dashboard", tag = "dashboard", operation_id = "get_dashboard",
    params(DashboardParams), responses((status = 200, body = Dashboard)))]
async fn dashboard(
    State(state): State<AppState>,
    principal: Principal,
    Query(params): Query<DashboardParams>,
    Extension(cache): Extension<Arc<Cache>>,
) -> Result<Json<Dashboard>, Problem> {
    let asked_group = params.organization_group_id;
    let slot = cache.slot((principal.tenant, principal.reach, asked_group));
    if let Some(kept) = slot.kept() {
        let age = kept.at.elapsed();
        if age < kept.cost * WORTH {
            return Ok(Json((*kept.answer).clone()));
        }
        if kept.cost >= SLOW && age < STALE {
            tokio::spawn(async move {
                // Somebody else may be counting already.
                if let Ok(_counting) = slot.counting.try_lock()
                    && let Err(error) = slot.count(&state, principal, asked_group).await
                {
                    tracing::warn!(cause = crate::problem::chain(&error), "the dashboard could not be counted");
                }
            });
            return Ok(Json((*kept.answer).clone()));
        }
    }
    let asked = Instant::now();
    let _counting = slot.counting.lock().await;
    match slot.kept() {
        // Counted by somebody else while this request waited.
        Some(kept) if kept.at >= asked => Ok(Json((*kept.answer).clone())),
        _ => Ok(Json((*slot.count(&state, principal, asked_group).await?).clone())),
    }
}

/// An answer is kept this many times as long as it took.
const WORTH: u32 = 20;
/// What takes longer is counted in the background once there is an answer.
const SLOW: Duration = Duration::from_millis(25);
/// The oldest answer given while the next is counted.
const STALE: Duration = Duration::from_secs(60);
/// The most answers kept.
const MOST: usize = 256;

type Key = (Tenant, OrganizationGroupId, Option<OrganizationGroupId>);

#[derive(Default)]
struct Cache(Mutex<HashMap<Key, Arc<Slot>>>);

#[derive(Default)]
struct Slot {
    counting: tokio::sync::Mutex<()>,
    kept: Mutex<Option<Kept>>,
}

#[derive(Clone)]
struct Kept {
    answer: Arc<Dashboard>,
    /// When counting ended, and how long it took.
    at: Instant,
    cost: Duration,
}

impl Cache {
    fn slot(&self, key: Key) -> Arc<Slot> {
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if slots.len() >= MOST && !slots.contains_key(&key) {
            slots.retain(|_, slot| slot.kept().is_some_and(|kept| kept.at.elapsed() < STALE));
            if slots.len() >= MOST {
                return Arc::default();
            }
        }
        Arc::clone(slots.entry(key).or_default())
    }
}

impl Slot {
    fn kept(&self) -> Option<Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn count(
        &self,
        state: &AppState,
        principal: Principal,
        group: Option<OrganizationGroupId>,
    ) -> Result<Arc<Dashboard>, Error> {
        let now = state.source.now();
        let counted = state.engine.read(principal.tenant, move |tx, rules| {
            let started = Instant::now();
            let answer = count(tx, &principal, group, rules, now)?;
            Ok((answer, started.elapsed()))
        });
        let (answer, cost) = counted.await?;
        let answer = Arc::new(answer);
        let kept = Kept { answer: Arc::clone(&answer), at: Instant::now(), cost };
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        Ok(answer)
    }
}

fn count(
    tx: &mut Tx<'_>,
    principal: &Principal,
    group: Option<OrganizationGroupId>,
    rules: &Rules,
    now: Time,
) -> Result<Dashboard, Error> {
    let (tenant, groups) = (principal.tenant, principal.narrowed(rules, group));
    let within = groups.as_deref();
    let from = rules.settings.compliance.not_compliant_from;
    let devices = stored::devices(tx, tenant, within, from)?;
    let users = stored::users(tx, tenant, within)?;
    let threats = stored::open_threats(tx, tenant, within, &rules.settings.trusted_sources)?;
    let (open_incidents, mut top_incidents) = incidents(rules, &threats);
    for top in &mut top_incidents {
        top.devices = stored::affected(tx, tenant, within, &top.classification)?;
    }
    let hour = enforcement::hour(now);
    let [day, week] = [24, 24 * 7].map(|hours| times::counts(tx, tenant, within, hour - hours + 1));
    let filter = UserFilter { organization_groups: groups.clone(), ..UserFilter::default() };
    let top = users::list(tx, tenant, &filter, UserSort::Score, true, None, TOP as u32)?;
    let risk = |level: RiskLevel| devices.risk[level as usize];
    Ok(Dashboard {
        computed_at: now,
        average_risk_score: average(points(users.score), users.with_devices),
        users_with_devices: users.with_devices,
        risky_users: users.risky,
        devices: devices.total,
        risky_devices: devices.risky,
        users_by_risk_status: ByRiskStatus::new(users.severities, users.with_devices),
        open_incidents,
        devices_by_risk: ByRisk {
            high: risk(RiskLevel::High),
            medium: risk(RiskLevel::Medium),
            low: risk(RiskLevel::Low),
            advisory: risk(RiskLevel::Advisory),
            none: risk(RiskLevel::None),
        },
        devices_by_compliance: by_compliance(&devices, from),
        devices_by_protection: by_protection(&devices),
        time_to_enforcement: TimeToEnforcement {
            last_24_hours: Percentiles::new(&day?),
            last_7_days: Percentiles::new(&week?),
        },
        top_risky_users: top.iter().map(risky).collect(),
        top_incidents,
    })
}

/// A device is not compliant from a level on; below that it is unknown unless its sensor is activated.
fn by_compliance(devices: &DeviceCounts, from: RiskLevel) -> ByCompliance {
    let not_compliant = devices.risk[from as usize..].iter().sum::<i64>();
    let activated = devices.protection[ProtectionStatus::Activated as usize];
    let unknown = (devices.total - activated - devices.unprotected_at_risk).max(0);
    ByCompliance { compliant: (devices.total - not_compliant - unknown).max(0), not_compliant, unknown }
}

fn by_protection(devices: &DeviceCounts) -> ByProtection {
    let of = |status: ProtectionStatus| devices.protection[status as usize];
    ByProtection {
        pending: of(ProtectionStatus::Pending),
        activated: of(ProtectionStatus::Activated),
        deactivated: of(ProtectionStatus::Deactivated),
        disconnected: of(ProtectionStatus::Disconnected),
        unreachable: of(ProtectionStatus::Unreachable),
    }
}

fn risky(user: &users::User) -> RiskyUser {
    RiskyUser {
        id: user.id,
        user_name: user.user_name.clone(),
        name: user.name().to_owned(),
        score: points(user.score),
        risk_status: users::severity(user.incidents),
        open_incidents: user.incidents.iter().sum(),
        devices: user.devices,
    }
}

/// Open incidents by level, and the kinds with the most of them.
fn incidents(rules: &Rules, threats: &[ThreatCount]) -> (ByLevel, Vec<TopIncident>) {
    let mut by_level = ByLevel::default();
    let mut kinds: BTreeMap<&str, (RiskLevel, i64)> = BTreeMap::new();
    for threat in threats {
        let level = threat.severity.unwrap_or_else(|| rules.protections.row(&threat.classification).0.level);
        let counter = match level {
            RiskLevel::None => continue,
            RiskLevel::Advisory => &mut by_level.advisory,
            RiskLevel::Low => &mut by_level.low,
            RiskLevel::Medium => &mut by_level.medium,
            RiskLevel::High => &mut by_level.high,
        };
        *counter += threat.count;
        if level >= RiskLevel::Low {
            let kind = kinds.entry(&threat.classification).or_insert((level, 0));
            *kind = (kind.0.max(level), kind.1 + threat.count);
        }
    }
    let mut top: Vec<TopIncident> = kinds
        .into_iter()
        .map(|(name, (level, incidents))| {
            let known = classification::find(name);
            TopIncident {
                classification: name.to_owned(),
                name: known.map_or(name, |known| known.name).to_owned(),
                family: known.map(|known| known.family),
                level,
                incidents,
                devices: 0,
            }
        })
        .collect();
    top.sort_by_key(|top| std::cmp::Reverse((top.incidents, top.level)));
    top.truncate(TOP);
    (by_level, top)
}
