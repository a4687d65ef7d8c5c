//! The Protections table: classification → risk level and response, and what is said of each in any language.

use std::collections::{BTreeMap, BTreeSet};

use allclear_domain::{
    classification::{self, Classification as Known, OwnText, Response, Technique},
    ids::{JobId, Tenant},
    level::{Family, Platform, RiskLevel},
    protections::ProtectionsRow,
    rules::Rules,
    template,
};
use allclear_engine::{
    Error,
    preview::{self, Question},
    rules::{classification_texts as texts, protections},
};
use allclear_store::{classification_texts as stored_texts, db::Tx, protections as stored};
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response as HttpResponse},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::common::PreviewAnswer;
use crate::{
    app::AppState,
    auth::Principal,
    extract::{IfMatch, Json, Path, Query, etag},
    page::{List, Page, PageParams},
    problem::Problem,
    sorted::{Place, Typed},
};

/// A row of the Protections table.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Classification {
    /// Its name in the API, for example `trojan`.
    id: &'static str,
    /// Its name for people.
    name: &'static str,
    /// What such a threat lives in.
    family: Family,
    /// Where there are such threats.
    platforms: &'static [Platform],
    /// The level in force.
    risk_level: RiskLevel,
    /// The level it starts with.
    default_risk_level: RiskLevel,
    /// What is done besides rating the device.
    response: Response,
    /// What is done unless changed.
    default_response: Response,
    /// What the phone's owner is told in English. One row by itself has the other languages as well.
    user_text: String,
    /// What an administrator should do.
    admin_text: &'static str,
    /// The technique of MITRE ATT&CK for Mobile, where there is one.
    #[schema(required = true)]
    technique: Option<TechniqueName>,
    /// Whether it is behaviour: then its score fades instead of ending at once.
    behaviour: bool,
    /// How many threats of this kind are open.
    open_threats: i64,
    /// Grows with every change; 0 while the row has its defaults.
    version: i64,
    /// The re-evaluation this change started; its progress is at `/api/v1/jobs/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
}

/// A row, and what is said of it in every language.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassificationWithTexts {
    /// The row.
    #[serde(flatten)]
    classification: Classification,
    /// What the phone's owner is told, by language: what is shipped and what the tenant wrote.
    texts: Vec<ClassificationText>,
}

/// What the owners of phones are told of a kind of threat in one language.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ClassificationText {
    /// The language, a BCP 47 tag.
    language: String,
    /// What it is called.
    name: String,
    /// What to do about it. Each sentence is a step.
    user_text: String,
    /// Whether a text is shipped, to which a reset leads back.
    shipped: bool,
    /// Whether the tenant has its own in place of the shipped one, or added the language.
    changed: bool,
    /// The version, for a change: 0 where the tenant has no text of its own.
    version: i64,
}

/// A text from now on.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassificationTextEdit {
    /// What it is called, one line.
    #[schema(min_length = 1, max_length = 60)]
    name: String,
    /// What to do about it, addressed to the owner of the phone, one line. Each sentence is a step.
    #[schema(min_length = 1, max_length = 500)]
    user_text: String,
    /// The version this edit is based on, unless `If-Match` says it; 0 where the tenant has no text of its own.
    version: Option<i64>,
}

/// A technique of MITRE ATT&CK for Mobile.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct TechniqueName {
    /// For example `T1404`.
    id: &'static str,
    /// Its name.
    name: &'static str,
}

impl From<Technique> for TechniqueName {
    fn from(technique: Technique) -> Self {
        Self { id: technique.id, name: technique.name }
    }
}

/// A change of a row. What is left out stays.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassificationEdit {
    /// The level from now on; open threats of this kind are rated again.
    risk_level: Option<RiskLevel>,
    /// What is done from now on.
    response: Option<Response>,
    /// The version this edit is based on, unless `If-Match` says it.
    version: Option<i64>,
}

/// A change to be previewed.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassificationPreview {
    /// The row.
    #[schema(min_length = 1, max_length = 64)]
    classification: String,
    /// The level it would have.
    risk_level: RiskLevel,
}

/// What a reset is based on.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ResetParams {
    /// The version this is based on, unless `If-Match` says it; without both, whatever is there is reset.
    version: Option<i64>,
}

/// What the table is narrowed to. Several values of one parameter: any of them.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ClassificationParams {
    /// Each word of this is in its id, name, texts or technique, whatever the case.
    #[serde(default)]
    #[param(required = false, value_type = String, min_length = 1, max_length = 100)]
    q: Typed,
    /// What such a threat lives in.
    #[serde(default)]
    #[param(required = false)]
    family: Vec<Family>,
    /// Found on this platform.
    platform: Option<Platform>,
    /// The level in force.
    #[serde(default)]
    #[param(required = false)]
    risk_level: Vec<RiskLevel>,
    /// What is done besides rating the device.
    #[serde(default)]
    #[param(required = false)]
    response: Vec<Response>,
    /// Whose level or response differs from the defaults, or does not.
    changed: Option<bool>,
    /// Of which nothing is said in this language: its readers are told in the default language or in English.
    #[param(max_length = 35, example = "pl")]
    untranslated: Option<String>,
}

impl ClassificationParams {
    fn fits(&self, row: &Classification) -> bool {
        let changed = (row.risk_level, row.response) != (row.default_risk_level, row.default_response);
        let technique = row.technique.map_or(["", ""], |technique| [technique.id, technique.name]);
        (self.family.is_empty() || self.family.contains(&row.family))
            && self.platform.is_none_or(|platform| row.platforms.contains(&platform))
            && (self.risk_level.is_empty() || self.risk_level.contains(&row.risk_level))
            && (self.response.is_empty() || self.response.contains(&row.response))
            && self.changed.is_none_or(|wanted| changed == wanted)
            && self.q.is_in(&[row.id, row.name, &row.user_text, row.admin_text, technique[0], technique[1]])
    }
}

/// What classifications are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The id.
    #[default]
    Id,
    /// The name.
    Name,
    /// What such a threat lives in.
    Family,
    /// The level in force, `none` first.
    RiskLevel,
    /// How many threats of this kind are open.
    OpenThreats,
}

impl SortBy {
    fn place(self, row: &Classification) -> Place {
        match self {
            SortBy::Id => Place::text(row.id, row.id),
            SortBy::Name => Place::text(row.name, row.id),
            SortBy::Family => Place::number(row.family as i64, row.id),
            SortBy::RiskLevel => Place::number(row.risk_level as i64, row.id),
            SortBy::OpenThreats => Place::number(row.open_threats, row.id),
        }
    }
}

const NO_TAG: &str = "must be a language tag such as de or pt-BR";

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(preview))
        .routes(routes!(get, edit, reset))
        .routes(routes!(set_text, reset_text))
}

fn row(rules: &Rules, known: &'static Known, version: i64, open_threats: i64) -> Classification {
    let (row, _) = rules.protections.row(known.id);
    Classification {
        id: known.id,
        name: known.name,
        family: known.family,
        platforms: known.platforms,
        risk_level: row.level,
        default_risk_level: known.default_level,
        response: row.response,
        default_response: known.default_response,
        user_text: rules.templates.texts.english(known).advice.to_owned(),
        admin_text: known.admin_text,
        technique: known.technique.map(TechniqueName::from),
        behaviour: known.behaviour,
        open_threats,
        version,
        job_id: None,
    }
}

/// The Protections table
///
/// Sorted by `id`, `name`, `family`, `risk_level` or `open_threats`.
#[utoipa::path(get, path = "/api/v1/classifications", tag = "classifications", operation_id = "list_classifications",
    params(ClassificationParams, PageParams), responses((status = 200, body = Page<Classification>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<ClassificationParams, SortBy>,
) -> Result<Json<Page<Classification>>, Problem> {
    let tenant = principal.tenant;
    let untranslated = list.filter.untranslated.as_deref().map(texts::language).transpose();
    let untranslated = untranslated.map_err(|_| Problem::invalid_field("untranslated", NO_TAG))?;
    let mut rows = state
        .engine
        .read(tenant, move |tx, rules| {
            let versions = stored::versions(tx, tenant)?;
            let open = stored::open_threats(tx, tenant)?;
            let find = |list: &[(String, i64)], id| list.iter().find(|(name, _)| name == id).map_or(0, |(_, n)| *n);
            let texts = &rules.templates.texts;
            let wanted = |known: &&Known| untranslated.as_ref().is_none_or(|language| !texts.is_said(known, language));
            let all = classification::all().iter().filter(wanted);
            Ok(all.map(|known| row(rules, known, find(&versions, known.id), find(&open, known.id))).collect::<Vec<_>>())
        })
        .await?;
    rows.retain(|row| list.filter.fits(row));
    list.cut_page(list.cut()?.of(rows, |row| list.sort.place(row))).map(Json)
}

/// One row
///
/// With what is said of it in every language.
#[utoipa::path(get, path = "/api/v1/classifications/{id}", tag = "classifications",
    operation_id = "get_classification", params(("id" = String, Path, description = "The classification.")),
    responses((status = 200, body = ClassificationWithTexts)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<HttpResponse, Problem> {
    let known = protections::known(&id)?;
    one(&state, &principal, known, None).await
}

async fn one(
    state: &AppState,
    principal: &Principal,
    known: &'static Known,
    job_id: Option<JobId>,
) -> Result<HttpResponse, Problem> {
    let tenant = principal.tenant;
    let found = state
        .engine
        .read(tenant, move |tx, rules| {
            let version = stored::version(tx, tenant, known.id)?;
            let open = stored::open_threats(tx, tenant)?;
            let open = open.into_iter().find(|(name, _)| name == known.id).map_or(0, |(_, count)| count);
            let classification = Classification { job_id, ..row(rules, known, version, open) };
            Ok(ClassificationWithTexts { classification, texts: said(tx, tenant, rules, known)? })
        })
        .await?;
    Ok((etag(found.classification.version), Json(found)).into_response())
}

/// What is said of a classification, by language.
fn said(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    rules: &Rules,
    known: &'static Known,
) -> Result<Vec<ClassificationText>, Error> {
    let versions: BTreeMap<String, i64> = stored_texts::versions(tx, tenant, known.id)?.into_iter().collect();
    let shipped = template::LANGUAGES.iter().map(|language| (*language).to_owned());
    let languages: BTreeSet<String> = shipped.chain(versions.keys().cloned()).collect();
    let text = |language: String| {
        let said = rules.templates.texts.get(known, &language)?;
        let version = versions.get(&language).copied();
        Some(ClassificationText {
            name: said.name.to_owned(),
            user_text: said.advice.to_owned(),
            shipped: known.shipped(&language).is_some(),
            changed: version.is_some(),
            version: version.unwrap_or(0),
            language,
        })
    };
    Ok(languages.into_iter().filter_map(text).collect())
}

/// Says in the tenant's words what a kind of threat is called and what to do about it
///
/// In any language. It stands before what is shipped, in mails, text messages, on devices and in the Messages app.
/// Where nothing is said in a reader's language, the organisation's and English stand in.
#[utoipa::path(put, path = "/api/v1/classifications/{id}/texts/{language}", tag = "classifications",
    operation_id = "set_classification_text", request_body = ClassificationTextEdit,
    params(
        ("id" = String, Path, description = "The classification."),
        ("language" = String, Path, description = "The language, a BCP 47 tag."),
    ),
    responses((status = 200, body = ClassificationText)))]
async fn set_text(
    State(state): State<AppState>,
    principal: Principal,
    Path((id, language)): Path<(String, String)>,
    if_match: IfMatch,
    Json(edit): Json<ClassificationTextEdit>,
) -> Result<HttpResponse, Problem> {
    let (known, language) = (protections::known(&id)?, texts::language(&language)?);
    let version = if_match.seen(edit.version)?;
    let text = OwnText { name: edit.name, user_text: edit.user_text };
    let (who, tenant, changed) = (principal.clone(), principal.tenant, language.clone());
    let change = state.engine.edit(tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        texts::set(work, known, &changed, &text, version)
    });
    change.await.map_err(|error| if_match.problem(error))?;
    let found = state.engine.read(tenant, move |tx, rules| said(tx, tenant, rules, known)).await?;
    let found = found.into_iter().find(|text| text.language == language).ok_or_else(|| Problem::not_found("text"))?;
    Ok((etag(found.version), Json(found)).into_response())
}

/// Puts a text back to the shipped one
///
/// In a language that is not shipped, takes it away.
#[utoipa::path(delete, path = "/api/v1/classifications/{id}/texts/{language}", tag = "classifications",
    operation_id = "reset_classification_text",
    params(
        ("id" = String, Path, description = "The classification."),
        ("language" = String, Path, description = "The language, a BCP 47 tag."),
        ResetParams,
    ),
    responses((status = 204)))]
async fn reset_text(
    State(state): State<AppState>,
    principal: Principal,
    Path((id, language)): Path<(String, String)>,
    if_match: IfMatch,
    Query(params): Query<ResetParams>,
) -> Result<StatusCode, Problem> {
    let (known, language) = (protections::known(&id)?, texts::language(&language)?);
    let version = if_match.seen(params.version).ok();
    let who = principal.clone();
    let change = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        texts::reset(work, known, &language, version)
    });
    change.await.map_err(|error| if_match.problem(error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes a row
///
/// Open threats of this kind are rated again; the answer names the job.
#[utoipa::path(patch, path = "/api/v1/classifications/{id}", tag = "classifications",
    operation_id = "edit_classification", request_body = ClassificationEdit,
    params(("id" = String, Path, description = "The classification.")),
    responses((status = 200, body = ClassificationWithTexts)))]
async fn edit(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(edit): Json<ClassificationEdit>,
) -> Result<HttpResponse, Problem> {
    let known = protections::known(&id)?;
    let version = if_match.seen(edit.version)?;
    let who = principal.clone();
    let change = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        let (before, _) = work.rules().protections.row(known.id);
        let row = ProtectionsRow {
            level: edit.risk_level.unwrap_or(before.level),
            response: edit.response.unwrap_or(before.response),
        };
        protections::set(work, known.id, Some(row), Some(version))
    });
    let (_, job) = change.await.map_err(|error| if_match.problem(error))?;
    one(&state, &principal, known, job).await
}

/// Puts a row back to its defaults
#[utoipa::path(delete, path = "/api/v1/classifications/{id}", tag = "classifications",
    operation_id = "reset_classification",
    params(("id" = String, Path, description = "The classification."), ResetParams),
    responses((status = 200, body = ClassificationWithTexts)))]
async fn reset(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Query(params): Query<ResetParams>,
) -> Result<HttpResponse, Problem> {
    let known = protections::known(&id)?;
    let version = if_match.seen(params.version).ok();
    let who = principal.clone();
    let change = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        protections::set(work, known.id, None, version)
    });
    let (_, job) = change.await.map_err(|error| if_match.problem(error))?;
    one(&state, &principal, known, job).await
}

/// What a change of a level would do
///
/// Nothing is changed. `gaining` devices would be at a higher risk, `losing` ones at a lower.
#[utoipa::path(post, path = "/api/v1/classifications/preview", tag = "classifications",
    operation_id = "preview_classification", request_body = ClassificationPreview,
    responses((status = 200, body = PreviewAnswer)))]
async fn preview(
    State(state): State<AppState>,
    principal: Principal,
    Json(asked): Json<ClassificationPreview>,
) -> Result<Json<PreviewAnswer>, Problem> {
    let Some(known) = classification::find(&asked.classification) else {
        return Err(Problem::invalid_field("/classification", "is no classification"));
    };
    let rules = state
        .engine
        .read(principal.tenant, move |_, rules| {
            let response = rules.protections.row(known.id).0.response;
            let row = ProtectionsRow { level: asked.risk_level, response };
            Ok(protections::proposed(rules, known.id, row))
        })
        .await?;
    let question = Question::Classification(known.id.to_owned());
    let scope = protections::scope(known.id);
    let found = preview::run(&state.engine, principal.tenant, rules, scope, principal.reach, question).await?;
    Ok(Json(found.into()))
}
