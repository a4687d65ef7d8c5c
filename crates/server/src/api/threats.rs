//! Threats: what detections are about, and what administrators decide about them.

use std::collections::HashMap;

use allclear_domain::{
    classification,
    detection::ThreatStatus,
    ids::{DeviceId, OrganizationGroupId, ThreatId},
    level::{Family, Platform, RiskLevel},
    protections::Decider,
    rules::Rules,
    threat::Ignored,
    time::Time,
};
use allclear_engine::{
    Error,
    threats::{self, Decision},
};
use allclear_store::{
    db::Tx,
    devices::{self, DeviceRecord},
    listing::Key,
    threat_list::{self, ListedThreat, Names, Rated, ThreatFilter, ThreatSort},
};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::devices::{NamedUser, user_names};
use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Path},
    page::{List, Page, PageParams},
    problem::Problem,
};

/// A threat on a device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Threat {
    /// Our id.
    id: ThreatId,
    /// The device it is on.
    device: ThreatDevice,
    /// Who detected it.
    source: String,
    /// The source's id of it.
    threat_id: String,
    /// Its kind.
    #[schema(example = "trojan")]
    classification: String,
    /// The kind's name for people; the kind itself if it is not in the Protections table.
    name: String,
    /// What it lives in; null if its kind is not in the Protections table.
    #[schema(required = true)]
    family: Option<Family>,
    /// How bad it is, by the rules of now.
    level: RiskLevel,
    /// Whose word the level is.
    decided_by: Decider,
    /// The source's own opinion, if it has one.
    #[schema(required = true)]
    severity: Option<RiskLevel>,
    /// Whether it is open, ignored or resolved.
    status: ThreatStatus,
    /// The earliest time any detection gave.
    first_seen: Time,
    /// The time of the last change.
    changed_at: Time,
    /// How long it was, or has been, on the device, in whole seconds.
    dwell_time: i64,
    /// Who ignores it and why, while an administrator does.
    #[schema(required = true)]
    ignored: Option<Ignored>,
}

/// The device a threat is on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ThreatDevice {
    /// Its id.
    id: DeviceId,
    /// What people call it.
    friendly_name: String,
    /// Its operating system.
    platform: Platform,
    /// Whose it is, if it has a user.
    #[schema(required = true)]
    user: Option<NamedUser>,
}

/// A threat with its evidence.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ThreatWithDetails {
    /// The threat.
    #[serde(flatten)]
    threat: Threat,
    /// The evidence of the detection that decides.
    #[schema(value_type = Object)]
    details: Map<String, Value>,
    /// What the phone's owner should do, in English.
    #[schema(required = true)]
    user_text: Option<String>,
    /// What an administrator should do.
    #[schema(required = true)]
    admin_text: Option<&'static str>,
}

/// What a list of threats is narrowed to: all that is given has to hold; one that is repeated means any of its values.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ThreatParams {
    /// On a device at or below this organization group.
    organization_group_id: Option<OrganizationGroupId>,
    /// Standing so.
    #[param(required = false)]
    status: Vec<ThreatStatus>,
    /// Of a kind of this family.
    #[param(required = false)]
    family: Vec<Family>,
    /// Of this kind.
    #[param(required = false)]
    classification: Vec<String>,
    /// From this source.
    #[param(required = false)]
    source: Vec<String>,
    /// Of this level by the rules of now.
    #[param(required = false)]
    level: Vec<RiskLevel>,
    /// On this device.
    device_id: Option<DeviceId>,
    /// Last changed then or later.
    since: Option<Time>,
    /// Last changed before that.
    until: Option<Time>,
}

/// Why something was decided.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecisionReason {
    /// In a sentence; it is written into the journal.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get))
        .routes(routes!(resolve))
        .routes(routes!(ignore))
        .routes(routes!(reopen))
}

/// Most values of one filter.
const MOST_VALUES: usize = 100;

impl ThreatParams {
    fn filter(self, principal: &Principal, rules: &Rules) -> ThreatFilter {
        let canonical = |name: &String| classification::canonical(name).to_owned();
        ThreatFilter {
            organization_groups: principal.narrowed(rules, self.organization_group_id),
            device: self.device_id,
            status: self.status,
            classifications: self.classification.iter().map(canonical).collect(),
            families: (!self.family.is_empty()).then(|| of_families(&self.family)),
            rated: (!self.level.is_empty()).then(|| rated(rules, &self.level)),
            sources: self.source,
            since: self.since,
            until: self.until,
        }
    }

    fn check(&self) -> Result<(), Problem> {
        for (name, count) in [("classification", self.classification.len()), ("source", self.source.len())] {
            if count > MOST_VALUES {
                return Err(Problem::invalid_field(name, format!("is given more than {MOST_VALUES} times")));
            }
        }
        Ok(())
    }
}

fn of_families(families: &[Family]) -> Names {
    let known = classification::all().iter().filter(|known| families.contains(&known.family));
    Names::Among(known.map(|known| known.id.to_owned()).collect())
}

/// What these levels mean in terms of rows. A kind that is not in the Protections table is rated like `unknown`.
fn rated(rules: &Rules, levels: &[RiskLevel]) -> Rated {
    let has = |name: &str| levels.contains(&rules.protections.row(name).0.level);
    let known = || classification::all().iter().map(|known| known.id);
    let classifications = if has(classification::UNKNOWN) {
        Names::Except(known().filter(|name| !has(name)).map(str::to_owned).collect())
    } else {
        Names::Among(known().filter(|name| has(name)).map(str::to_owned).collect())
    };
    Rated { trusted: rules.settings.trusted_sources.clone(), severities: levels.to_vec(), classifications }
}

/// Threats as they are shown, in the same order, with their devices and users; none for one whose device is gone.
pub(super) fn shown(
    tx: &mut Tx<'_>,
    principal: &Principal,
    rules: &Rules,
    listed: Vec<ListedThreat>,
    now: Time,
) -> Result<Vec<Option<Threat>>, Error> {
    let mut ids: Vec<DeviceId> = listed.iter().map(|one| one.device).collect();
    ids.sort_unstable();
    ids.dedup();
    let records = devices::get_many(tx, principal.tenant, &ids)?;
    let names = user_names(tx, principal.tenant, &records)?;
    let records: HashMap<DeviceId, DeviceRecord> = records.into_iter().map(|record| (record.id(), record)).collect();
    let show = |listed: ListedThreat| {
        let device = &records.get(&listed.device)?.facts.device;
        let device = ThreatDevice {
            id: device.id,
            friendly_name: device.friendly_name.clone(),
            platform: device.platform,
            user: NamedUser::of(&names, device.user),
        };
        let threat = listed.threat;
        let (level, decided_by) = rules.protections.rate(&threat, rules.trusts(&threat.source));
        let known = classification::find(&threat.classification);
        Some(Threat {
            id: threat.id,
            device,
            name: known.map_or_else(|| threat.classification.clone(), |known| known.name.to_owned()),
            family: known.map(|known| known.family),
            level,
            decided_by,
            severity: threat.severity,
            status: threat.status(),
            first_seen: threat.first_seen,
            changed_at: threat.changed_at,
            dwell_time: threat.dwell_time(now).as_seconds(),
            source: threat.source,
            threat_id: threat.threat_id,
            classification: threat.classification,
            ignored: threat.ignored,
        })
    };
    Ok(listed.into_iter().map(show).collect())
}

/// Threats
///
/// Sorted by `id` (the order in which we first heard of them), `first_seen` or `changed_at`.
#[utoipa::path(get, path = "/api/v1/threats", tag = "threats", operation_id = "list_threats",
    params(PageParams, ThreatParams), responses((status = 200, body = Page<Threat>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<ThreatParams, ThreatSort>,
) -> Result<Json<Page<Threat>>, Problem> {
    list.filter.check()?;
    let (after, fetch, descending, sort) =
        (list.after_one(|key: &Key| list.sort.fits(key))?, list.fetch(), list.descending, list.sort);
    let (params, now) = (list.filter.clone(), state.source.now());
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let filter = params.clone().filter(&principal, rules);
        let listed = threat_list::list(tx, principal.tenant, &filter, sort, descending, after.as_ref(), fetch)?;
        let keys: Vec<Key> = listed.iter().map(|one| sort.key(&one.threat)).collect();
        Ok(keys.into_iter().zip(shown(tx, &principal, rules, listed, now)?).collect())
    });
    let page: Page<(Key, Option<Threat>)> = list.page(found.await?, |(key, _)| key.clone())?;
    let items = page.items.into_iter().filter_map(|(_, threat)| threat).collect();
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

/// One threat with its evidence
#[utoipa::path(get, path = "/api/v1/threats/{id}", tag = "threats", operation_id = "get_threat",
    params(("id" = ThreatId, Path, description = "The threat.")), responses((status = 200, body = ThreatWithDetails)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ThreatId>,
) -> Result<Json<ThreatWithDetails>, Problem> {
    one(&state, &principal, id).await.map(Json)
}

async fn one(state: &AppState, principal: &Principal, id: ThreatId) -> Result<ThreatWithDetails, Problem> {
    let (who, now) = (principal.clone(), state.source.now());
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let missing = || Error::NotFound("threat");
        let (listed, details) = threat_list::get(tx, who.tenant, id)?.ok_or_else(missing)?;
        let record = devices::get(tx, who.tenant, listed.device)?.ok_or_else(missing)?;
        if !who.reaches(&rules.organization_groups, record.facts.device.organization_group) {
            return Err(missing());
        }
        let known = classification::find(&listed.threat.classification);
        let threat = shown(tx, &who, rules, vec![listed], now)?.pop().flatten().ok_or_else(missing)?;
        Ok(ThreatWithDetails {
            threat,
            details: allclear_store::json::decode(&details)?,
            user_text: known.map(|known| rules.templates.texts.english(known).advice.to_owned()),
            admin_text: known.map(|known| known.admin_text),
        })
    });
    Ok(found.await?)
}

async fn decide(
    state: &AppState,
    principal: &Principal,
    id: ThreatId,
    decision: Decision,
    reason: String,
) -> Result<Json<ThreatWithDetails>, Problem> {
    let reach = principal.reach;
    let decided = state
        .engine
        .edit(principal.tenant, principal.actor(), move |work| threats::decide(work, reach, id, decision, &reason));
    decided.await?;
    one(state, principal, id).await.map(Json)
}

/// Marks a threat as resolved
///
/// Counts like a detection at this moment: a later message of the source decides again. Resolving what is resolved
/// changes nothing.
#[utoipa::path(post, path = "/api/v1/threats/{id}/resolve", tag = "threats", operation_id = "resolve_threat",
    request_body = DecisionReason, params(("id" = ThreatId, Path, description = "The threat.")),
    responses((status = 200, body = ThreatWithDetails)))]
async fn resolve(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ThreatId>,
    Json(body): Json<DecisionReason>,
) -> Result<Json<ThreatWithDetails>, Problem> {
    decide(&state, &principal, id, Decision::Resolve, body.reason).await
}

/// Ignores a threat
///
/// It no longer counts, whatever the source goes on saying, until it is reopened. A resolved threat cannot be ignored.
#[utoipa::path(post, path = "/api/v1/threats/{id}/ignore", tag = "threats", operation_id = "ignore_threat",
    request_body = DecisionReason, params(("id" = ThreatId, Path, description = "The threat.")),
    responses((status = 200, body = ThreatWithDetails)))]
async fn ignore(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ThreatId>,
    Json(body): Json<DecisionReason>,
) -> Result<Json<ThreatWithDetails>, Problem> {
    decide(&state, &principal, id, Decision::Ignore, body.reason).await
}

/// Reopens a threat that was ignored or resolved
///
/// Reopening what is open changes nothing.
#[utoipa::path(post, path = "/api/v1/threats/{id}/reopen", tag = "threats", operation_id = "reopen_threat",
    request_body = DecisionReason, params(("id" = ThreatId, Path, description = "The threat.")),
    responses((status = 200, body = ThreatWithDetails)))]
async fn reopen(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ThreatId>,
    Json(body): Json<DecisionReason>,
) -> Result<Json<ThreatWithDetails>, Problem> {
    decide(&state, &principal, id, Decision::Reopen, body.reason).await
}
