//! Sets of indicators: handed in, fetched from a URL, or files in the server's folder.

use std::time::Duration;

use allclear_connectors::indicators as formats;
use allclear_domain::{
    classification,
    ids::{IndicatorSetId, JobId},
    indicator::{Origin, Skipped},
    rules::Rules,
    time::Time,
};
use allclear_engine::{
    Error,
    indicators::{self, NewSet, SetEdit},
    work::Work,
};
use allclear_store::{
    db::Tx,
    indicator_sets::{self as stored, IndicatorSet as Stored},
};
use axum::{
    extract::{Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::common::given;
use crate::{
    app::AppState,
    auth::Principal,
    check::{self, Check},
    extract::{self, IfMatch, Json, Path, etag},
    page::{List, Page, PageParams},
    problem::Problem,
    sorted::{Place, Typed},
};

/// How long taking a content in may take.
pub const TIME: Duration = Duration::from_secs(300);
/// How often a set may be fetched, in seconds.
const REFRESH: std::ops::RangeInclusive<u32> = 300..=2_592_000;
/// How often a set is fetched unless it is said.
const DAILY: u32 = 86_400;

/// A set of indicators.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IndicatorSet {
    /// Its id.
    id: IndicatorSetId,
    /// Its name, unique in the tenant; of a file in the server's folder, the file's.
    name: String,
    /// Where its content comes from.
    origin: Origin,
    /// What all of its indicators are taken for; null: what the content says of each.
    #[schema(required = true, example = "stalkerware")]
    classification: Option<String>,
    /// Where it is fetched from.
    #[schema(required = true)]
    url: Option<String>,
    /// How often it is fetched, in seconds.
    #[schema(required = true)]
    refresh_seconds: Option<u32>,
    /// What the content is: `stix` or `list`; null before the first.
    #[schema(required = true)]
    format: Option<String>,
    /// How many indicators it has.
    indicators: i64,
    /// How much in the content gave no indicator.
    skipped: i64,
    /// The first of that, at most 50, and why. Only when one set is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<Vec<Skipped>>,
    /// Whether a new content is being taken in.
    loading: bool,
    /// When the content changed last.
    #[schema(required = true)]
    loaded_at: Option<Time>,
    /// When its URL or file was looked at last.
    #[schema(required = true)]
    checked_at: Option<Time>,
    /// What went wrong then. What was loaded before stays in force.
    #[schema(required = true)]
    error: Option<String>,
    /// When it is fetched next.
    #[schema(required = true)]
    next_check_at: Option<Time>,
    /// When it was made.
    created_at: Time,
    /// When what is set about it was changed last.
    changed_at: Time,
    /// Grows with every change of what is set about it.
    version: i64,
    /// The job that compares the devices anew because of this change; its progress is at `/api/v1/jobs/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
}

impl From<Stored> for IndicatorSet {
    fn from(set: Stored) -> Self {
        Self {
            id: set.id,
            name: set.name,
            origin: set.origin,
            classification: set.classification,
            refresh_seconds: set.url.is_some().then_some(set.refresh_seconds),
            url: set.url,
            format: set.content.format,
            indicators: set.content.indicators,
            skipped: set.content.skipped,
            findings: None,
            loading: set.loading.is_some(),
            loaded_at: set.content.loaded_at,
            checked_at: set.checked_at,
            error: set.error,
            next_check_at: set.next_check_at,
            created_at: set.created_at,
            changed_at: set.changed_at,
            version: set.version,
            job_id: None,
        }
    }
}

/// A set to be made: fetched from a URL, or without one handed in afterwards.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIndicatorSet {
    /// Its name, unique in the tenant.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What all of its indicators are taken for, a name from the Protections table; left out: what the content says.
    #[schema(example = "denylisted_app")]
    classification: Option<String>,
    /// Where it is fetched from. Shown to whoever may see the set, so it must not hold a secret.
    #[schema(max_length = 500, format = "uri")]
    url: Option<String>,
    /// How often it is fetched, in seconds; a day unless given. Only with `url`.
    #[schema(minimum = 300, maximum = 2_592_000)]
    refresh_seconds: Option<u32>,
}

/// A change of a set. What is left out stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IndicatorSetEdit {
    /// Its new name; not of a file.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// What all of its indicators are taken for from now on; null: what the content says.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    classification: Option<Option<String>>,
    /// Where it is fetched from; only of a set that has a URL.
    #[schema(max_length = 500, format = "uri")]
    url: Option<String>,
    /// How often it is fetched, in seconds.
    #[schema(minimum = 300, maximum = 2_592_000)]
    refresh_seconds: Option<u32>,
    /// The version this edit is based on, unless `If-Match` says it.
    version: Option<i64>,
}

/// What a list of sets is narrowed to.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SetParams {
    /// Each word of this is in its name or URL, whatever the case.
    #[serde(default)]
    #[param(required = false, value_type = String, min_length = 1, max_length = 100)]
    q: Typed,
    /// Where its content comes from.
    origin: Option<Origin>,
    /// Whether something went wrong when it was looked at last.
    failed: Option<bool>,
}

/// What sets are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The name.
    #[default]
    Name,
    /// How many indicators it has.
    Indicators,
    /// When the content changed last.
    LoadedAt,
}

impl SortBy {
    fn place(self, set: &Stored) -> Place {
        match self {
            SortBy::Name => Place::text(&set.name, set.id),
            SortBy::Indicators => Place::number(set.content.indicators, set.id),
            SortBy::LoadedAt => Place::number(set.content.loaded_at.map_or(0, Time::as_micros), set.id),
        }
    }
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, edit, delete))
        .routes(routes!(load))
        .routes(routes!(refresh))
}

fn found(tx: &mut Tx<'_>, rules: &Rules, who: &Principal, id: IndicatorSetId) -> Result<Stored, Error> {
    who.whole_tenant(rules)?;
    stored::get(tx, who.tenant, id)?.ok_or(Error::NotFound("indicator set"))
}

fn found_in(work: &mut Work<'_, '_>, who: &Principal, id: IndicatorSetId) -> Result<Stored, Error> {
    let rules = work.rules_handle();
    found(work.tx, &rules, who, id)
}

async fn one(state: &AppState, principal: &Principal, id: IndicatorSetId) -> Result<IndicatorSet, Problem> {
    let who = principal.clone();
    let found = state.engine.read(principal.tenant, move |tx, rules| found(tx, rules, &who, id)).await?;
    let findings = Some(found.content.findings.clone());
    Ok(IndicatorSet { findings, ..found.into() })
}

fn with_version(set: IndicatorSet) -> Response {
    (etag(set.version), Json(set)).into_response()
}

/// The indicator sets
///
/// Sorted by `name`, `indicators` or `loaded_at`. They concern the whole tenant, so a part of it does not suffice as
/// reach.
#[utoipa::path(get, path = "/api/v1/indicator-sets", tag = "indicators", operation_id = "list_indicator_sets",
    params(SetParams, PageParams), responses((status = 200, body = Page<IndicatorSet>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<SetParams, SortBy>,
) -> Result<Json<Page<IndicatorSet>>, Problem> {
    let (asked, cut, sort) = (list.filter.clone(), list.cut()?, list.sort);
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        principal.whole_tenant(rules)?;
        let mut all = stored::list(tx, principal.tenant)?;
        all.retain(|one| {
            asked.q.is_in(&[&one.name, one.url.as_deref().unwrap_or_default()])
                && asked.origin.is_none_or(|origin| one.origin == origin)
                && asked.failed.is_none_or(|failed| one.error.is_some() == failed)
        });
        let found = cut.of(all, |one| sort.place(one)).into_iter();
        Ok(found.map(|(place, one)| (place, IndicatorSet::from(one))).collect::<Vec<_>>())
    });
    list.cut_page(found.await?).map(Json)
}

/// One indicator set
#[utoipa::path(get, path = "/api/v1/indicator-sets/{id}", tag = "indicators", operation_id = "get_indicator_set",
    params(("id" = IndicatorSetId, Path, description = "The set.")), responses((status = 200, body = IndicatorSet)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<IndicatorSetId>,
) -> Result<Response, Problem> {
    one(&state, &principal, id).await.map(with_version)
}

fn check_settings(
    state: &AppState,
    check: &mut Check,
    classification: Option<&str>,
    url: Option<&str>,
    refresh_seconds: Option<u32>,
) {
    let known = classification.is_none_or(|name| classification::find(classification::canonical(name)).is_some());
    check.that(known, "/classification", "is no classification");
    if let Some(url) = url
        && let Err(why) = formats::url(url, &state.options.outgoing)
    {
        check.fail("/url", why);
    }
    let often = refresh_seconds.is_none_or(|seconds| REFRESH.contains(&seconds));
    check.that(often, "/refresh_seconds", "must be 300 to 2592000");
}

/// Makes an indicator set
///
/// With a URL it is fetched within seconds and then regularly; without, its content is handed in.
#[utoipa::path(post, path = "/api/v1/indicator-sets", tag = "indicators", operation_id = "create_indicator_set",
    request_body = NewIndicatorSet, responses((status = 201, body = IndicatorSet)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    Json(new): Json<NewIndicatorSet>,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    check.line("/name", &new.name, check::NAME);
    check_settings(&state, &mut check, new.classification.as_deref(), new.url.as_deref(), new.refresh_seconds);
    check.that(new.url.is_some() || new.refresh_seconds.is_none(), "/refresh_seconds", "needs url");
    check.finish()?;
    let refresh_seconds = new.url.as_ref().map_or(0, |_| new.refresh_seconds.unwrap_or(DAILY));
    let origin = if new.url.is_some() { Origin::Url } else { Origin::Upload };
    let new = NewSet { name: new.name, origin, classification: new.classification, url: new.url, refresh_seconds };
    let who = principal.clone();
    let made = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        indicators::create(work, new.clone())
    });
    let made = one(&state, &principal, made.await?).await?;
    let location = [(header::LOCATION, format!("/api/v1/indicator-sets/{}", made.id))];
    Ok((StatusCode::CREATED, location, with_version(made)).into_response())
}

/// Changes what is set about an indicator set
///
/// With another classification the devices concerned are compared anew in the background.
#[utoipa::path(patch, path = "/api/v1/indicator-sets/{id}", tag = "indicators", operation_id = "edit_indicator_set",
    request_body = IndicatorSetEdit, params(("id" = IndicatorSetId, Path, description = "The set.")),
    responses((status = 200, body = IndicatorSet)))]
async fn edit(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<IndicatorSetId>,
    if_match: IfMatch,
    Json(edit): Json<IndicatorSetEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let mut check = Check::default();
    if let Some(name) = &edit.name {
        check.line("/name", name, check::NAME);
    }
    let classification = edit.classification.as_ref().and_then(Option::as_deref);
    check_settings(&state, &mut check, classification, edit.url.as_deref(), edit.refresh_seconds);
    check.finish()?;
    let IndicatorSetEdit { name, classification, url, refresh_seconds, .. } = edit;
    let (change, who) = (SetEdit { name, classification, url, refresh_seconds }, principal.clone());
    let changed = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        found_in(work, &who, id)?;
        indicators::edit(work, id, version, change.clone())
    });
    let job_id = changed.await.map_err(|error| if_match.problem(error))?;
    let set = one(&state, &principal, id).await?;
    Ok(with_version(IndicatorSet { job_id, ..set }))
}

/// Deletes an indicator set
///
/// Threats that only its indicators stood behind are resolved in the background. A set of the server's folder goes with
/// its file only.
#[utoipa::path(delete, path = "/api/v1/indicator-sets/{id}", tag = "indicators", operation_id = "delete_indicator_set",
    params(("id" = IndicatorSetId, Path, description = "The set.")),
    responses((status = 204), (status = 409, description = "It is a file in the server's folder.", body = Problem,
        content_type = "application/problem+json")))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<IndicatorSetId>,
) -> Result<StatusCode, Problem> {
    let who = principal.clone();
    let set = state.engine.read(principal.tenant, move |tx, rules| found(tx, rules, &who, id)).await?;
    if set.origin == Origin::Folder && state.options.indicators_folder {
        return Err(Problem::conflict("The set is a file in the server's folder and goes with it."));
    }
    indicators::delete(&state.engine, principal.tenant, principal.actor(), id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Hands a content in
///
/// A STIX 2.1 bundle, or a list in YAML as that of stalkerware indicators, of at most 64 MiB; which of the two, it says
/// itself. It takes the place of what the set held. The answer comes once it is in force for whatever is reported from
/// then on; the devices concerned are compared anew in the background.
#[utoipa::path(put, path = "/api/v1/indicator-sets/{id}/content", tag = "indicators",
    operation_id = "load_indicator_set", params(("id" = IndicatorSetId, Path, description = "The set.")),
    request_body(content((serde_json::Value = "application/json"), (serde_json::Value = "application/stix+json"),
        (String = "application/yaml"))),
    responses((status = 200, body = IndicatorSet), (status = 409, body = Problem,
        description = "It is not for handing in, or somebody else does.", content_type = "application/problem+json")))]
async fn load(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<IndicatorSetId>,
    request: Request,
) -> Result<Response, Problem> {
    let declared = extract::media_type(request.headers()).unwrap_or_default();
    let json = declared == "application/json" || (declared.starts_with("application/") && declared.ends_with("+json"));
    if !json && !["application/yaml", "application/x-yaml", "text/yaml"].contains(&declared.as_str()) {
        return Err(Problem::unsupported_media_type("application/stix+json, application/json, application/yaml"));
    }
    let who = principal.clone();
    let set = state.engine.read(principal.tenant, move |tx, rules| found(tx, rules, &who, id)).await?;
    if set.origin != Origin::Upload {
        return Err(Problem::conflict("The set's content comes from a URL or the server's folder."));
    }
    let content = extract::bytes(request, &state).await?;
    let read = tokio::task::spawn_blocking(move || formats::read(&content)).await;
    let content = read.map_err(|error| Problem::internal(&error))?;
    let content = content.map_err(|why| Problem::invalid_field("", why))?;
    indicators::load(&state.engine, principal.tenant, principal.actor(), id, content).await?;
    one(&state, &principal, id).await.map(with_version)
}

/// Fetches an indicator set at once
///
/// The answer does not wait for it; see `checked_at` and `error` afterwards.
#[utoipa::path(post, path = "/api/v1/indicator-sets/{id}/refresh", tag = "indicators",
    operation_id = "refresh_indicator_set", params(("id" = IndicatorSetId, Path, description = "The set.")),
    responses((status = 202, body = IndicatorSet), (status = 409, description = "It has no URL.", body = Problem,
        content_type = "application/problem+json")))]
async fn refresh(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<IndicatorSetId>,
) -> Result<Response, Problem> {
    let who = principal.clone();
    let asked = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        found_in(work, &who, id)?;
        indicators::refresh(work, id)
    });
    asked.await?;
    let set = one(&state, &principal, id).await?;
    Ok((StatusCode::ACCEPTED, with_version(set)).into_response())
}
