//! Smart groups: saved criteria over devices.

use std::collections::HashMap;

use allclear_domain::{
    ids::{JobId, OrganizationGroupId, SmartGroupId, TagId},
    profile::ProfileState,
    rules::Rules,
    smart_group::{Selection, SmartGroup as Stored},
};
use allclear_engine::{
    Error,
    preview::{self, Question},
    rules::smart_groups::{self, Draft},
    work::Work,
};
use allclear_store::{db::Tx, smart_groups as stored};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::common::{PreviewAnswer, Started};
use crate::{
    app::AppState,
    auth::Principal,
    extract::{IfMatch, Json, Path, etag},
    page::{List, Page, PageParams},
    problem::Problem,
    sorted::{Place, Typed},
};

/// A saved set of criteria over devices.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SmartGroup {
    /// Its id.
    id: SmartGroupId,
    /// Its name, unique in the tenant.
    name: String,
    /// Where it lives: it only ever holds devices at or below this organization group.
    organization_group_id: OrganizationGroupId,
    /// What selects its devices.
    selection: Selection,
    /// How many devices are in it.
    devices: i64,
    /// How many published profiles are assigned to it.
    assignments: usize,
    /// How many published profiles exclude it.
    exclusions: usize,
    /// Grows with every change.
    version: i64,
    /// The re-evaluation this change started; its progress is at `/api/v1/jobs/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
}

/// A smart group to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSmartGroup {
    /// Its name.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Where it lives; left out: the whole of what is within reach. Never Global.
    organization_group_id: Option<OrganizationGroupId>,
    /// What selects its devices.
    #[serde(default)]
    selection: Selection,
}

/// A change of a smart group. What is left out stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SmartGroupEdit {
    /// Its new name.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Where it lives from now on.
    organization_group_id: Option<OrganizationGroupId>,
    /// What selects its devices from now on, as a whole.
    selection: Option<Selection>,
    /// The version this edit is based on, unless `If-Match` says it.
    version: Option<i64>,
}

/// A smart group to be previewed, as it would be saved.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SmartGroupPreview {
    /// The smart group that would be changed; left out for a new one.
    id: Option<SmartGroupId>,
    /// Where it would live; left out: where it lives now, or the whole of what is within reach.
    organization_group_id: Option<OrganizationGroupId>,
    /// What would select its devices.
    #[serde(default)]
    selection: Selection,
}

/// What published profiles make of a smart group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SmartGroupUse {
    /// One is assigned to it.
    Assigned,
    /// One excludes it.
    Excluded,
    /// Neither.
    Unused,
}

/// What a list of smart groups is narrowed to.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SmartGroupParams {
    /// Each word of this is in its name, whatever the case.
    #[serde(default)]
    #[param(required = false, value_type = String, min_length = 1, max_length = 100)]
    q: Typed,
    /// At or below this organization group.
    organization_group_id: Option<OrganizationGroupId>,
    /// What published profiles make of it.
    #[param(inline)]
    used: Option<SmartGroupUse>,
    /// With this tag among its criteria.
    tag_id: Option<TagId>,
}

/// What smart groups are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The name.
    #[default]
    Name,
    /// How many devices are in it.
    Devices,
    /// How many published profiles are assigned to it.
    Assignments,
    /// How many published profiles exclude it.
    Exclusions,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(preview)).routes(routes!(get, edit, delete))
}

/// To how many published profiles a smart group is assigned, and how many exclude it.
fn uses(rules: &Rules, id: SmartGroupId) -> (usize, usize) {
    let published = || rules.profiles.iter().filter(|profile| profile.state == ProfileState::Published);
    let assigned = published().filter(|profile| profile.spec.assigned_groups.contains(&id)).count();
    (assigned, published().filter(|profile| profile.spec.excluded_groups.contains(&id)).count())
}

impl SmartGroupParams {
    fn fits(&self, rules: &Rules, within: Option<&[OrganizationGroupId]>, group: &Stored) -> bool {
        let (assigned, excluded) = uses(rules, group.id);
        let used = match self.used {
            None => true,
            Some(SmartGroupUse::Assigned) => assigned > 0,
            Some(SmartGroupUse::Excluded) => excluded > 0,
            Some(SmartGroupUse::Unused) => assigned + excluded == 0,
        };
        used && within.is_none_or(|within| within.contains(&group.organization_group))
            && self.tag_id.is_none_or(|tag| group.selection.criteria.tags.tags.contains(&tag))
            && self.q.is_in(&[&group.name])
    }
}

fn shown(
    tx: &mut Tx<'_>,
    rules: &Rules,
    principal: &Principal,
    group: Stored,
    version: i64,
) -> Result<SmartGroup, Error> {
    let (assignments, exclusions) = uses(rules, group.id);
    Ok(SmartGroup {
        devices: stored::count(tx, principal.tenant, group.id)?,
        assignments,
        exclusions,
        id: group.id,
        name: group.name,
        organization_group_id: group.organization_group,
        selection: group.selection,
        version,
        job_id: None,
    })
}

/// The group, if it lies within reach.
fn reached(work: &mut Work<'_, '_>, principal: &Principal, id: SmartGroupId) -> Result<Stored, Error> {
    let found = work.rules().smart_group(id).cloned();
    let tree = &work.rules().organization_groups;
    found.filter(|group| principal.reaches(tree, group.organization_group)).ok_or(Error::NotFound("smart group"))
}

async fn one(
    state: &AppState,
    principal: &Principal,
    id: SmartGroupId,
    job_id: Option<JobId>,
) -> Result<SmartGroup, Problem> {
    let who = principal.clone();
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let found = stored::get(tx, who.tenant, id)?;
        let found = found.filter(|(group, _)| who.reaches(&rules.organization_groups, group.organization_group));
        let (group, version) = found.ok_or(Error::NotFound("smart group"))?;
        Ok(SmartGroup { job_id, ..shown(tx, rules, &who, group, version)? })
    });
    Ok(found.await?)
}

/// Smart groups
///
/// Sorted by `name`, `devices`, `assignments` or `exclusions`.
#[utoipa::path(get, path = "/api/v1/smart-groups", tag = "smart-groups", operation_id = "list_smart_groups",
    params(SmartGroupParams, PageParams), responses((status = 200, body = Page<SmartGroup>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<SmartGroupParams, SortBy>,
) -> Result<Json<Page<SmartGroup>>, Problem> {
    let (asked, sort, cut) = (list.filter.clone(), list.sort, list.cut()?);
    let groups = state.engine.read(principal.tenant, move |tx, rules| {
        let within = principal.narrowed(rules, asked.organization_group_id);
        let fitting = rules.smart_groups.iter().filter(|group| asked.fits(rules, within.as_deref(), group));
        let devices: HashMap<SmartGroupId, i64> = match sort {
            SortBy::Devices => stored::counts(tx, principal.tenant)?.into_iter().collect(),
            SortBy::Name | SortBy::Assignments | SortBy::Exclusions => HashMap::new(),
        };
        let number = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let found = cut.of(fitting, |group| match sort {
            SortBy::Name => Place::text(&group.name, group.id),
            SortBy::Devices => Place::number(devices.get(&group.id).copied().unwrap_or(0), group.id),
            SortBy::Assignments => Place::number(number(uses(rules, group.id).0), group.id),
            SortBy::Exclusions => Place::number(number(uses(rules, group.id).1), group.id),
        });
        let versions = stored::versions(tx, principal.tenant)?;
        let mut page = Vec::with_capacity(found.len());
        for (place, group) in found {
            let version = versions.iter().find(|(id, _)| *id == group.id).map_or(0, |(_, version)| *version);
            page.push((place, shown(tx, rules, &principal, group.clone(), version)?));
        }
        Ok(page)
    });
    list.cut_page(groups.await?).map(Json)
}

/// One smart group
#[utoipa::path(get, path = "/api/v1/smart-groups/{id}", tag = "smart-groups", operation_id = "get_smart_group",
    params(("id" = SmartGroupId, Path, description = "The smart group.")),
    responses((status = 200, body = SmartGroup)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<SmartGroupId>,
) -> Result<Response, Problem> {
    let found = one(&state, &principal, id, None).await?;
    Ok((etag(found.version), Json(found)).into_response())
}

/// Makes a smart group
///
/// The devices concerned are re-evaluated; the answer names the job. Refused in Global, and where it would depend on
/// what its own profiles change.
#[utoipa::path(post, path = "/api/v1/smart-groups", tag = "smart-groups", operation_id = "create_smart_group",
    request_body = NewSmartGroup, responses((status = 201, body = SmartGroup)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    Json(new): Json<NewSmartGroup>,
) -> Result<Response, Problem> {
    let who = principal.clone();
    let made = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        let organization_group = who.home(work.rules(), new.organization_group_id)?;
        let draft = Draft { name: new.name.clone(), organization_group, selection: new.selection.clone() };
        smart_groups::create(work, draft)
    });
    let (group, job) = made.await?;
    let location = [(header::LOCATION, format!("/api/v1/smart-groups/{}", group.id))];
    let made = one(&state, &principal, group.id, Some(job)).await?;
    Ok((StatusCode::CREATED, location, etag(made.version), Json(made)).into_response())
}

/// Changes a smart group
#[utoipa::path(patch, path = "/api/v1/smart-groups/{id}", tag = "smart-groups", operation_id = "edit_smart_group",
    request_body = SmartGroupEdit, params(("id" = SmartGroupId, Path, description = "The smart group.")),
    responses((status = 200, body = SmartGroup)))]
async fn edit(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<SmartGroupId>,
    if_match: IfMatch,
    Json(edit): Json<SmartGroupEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let who = principal.clone();
    let change = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        let before = reached(work, &who, id)?;
        let draft = Draft {
            name: edit.name.clone().unwrap_or(before.name),
            organization_group: match edit.organization_group_id {
                None => before.organization_group,
                asked => who.home(work.rules(), asked)?,
            },
            selection: edit.selection.clone().unwrap_or(before.selection),
        };
        smart_groups::update(work, id, draft, Some(version))
    });
    let (_, _, job) = change.await.map_err(|error| if_match.problem(error))?;
    let changed = one(&state, &principal, id, job).await?;
    Ok((etag(changed.version), Json(changed)).into_response())
}

/// Deletes a smart group
///
/// Its members leave it. Refused while a profile is assigned to it or excludes it.
#[utoipa::path(delete, path = "/api/v1/smart-groups/{id}", tag = "smart-groups", operation_id = "delete_smart_group",
    params(("id" = SmartGroupId, Path, description = "The smart group.")),
    responses((status = 202, body = Started)))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<SmartGroupId>,
) -> Result<(StatusCode, Json<Started>), Problem> {
    let who = principal.clone();
    let gone = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        reached(work, &who, id)?;
        smart_groups::delete(work, id)
    });
    let job = gone.await?;
    Ok((StatusCode::ACCEPTED, Json(Started { job_id: Some(job) })))
}

/// What saving a smart group would do
///
/// Nothing is changed.
#[utoipa::path(post, path = "/api/v1/smart-groups/preview", tag = "smart-groups",
    operation_id = "preview_smart_group", request_body = SmartGroupPreview,
    responses((status = 200, body = PreviewAnswer)))]
async fn preview(
    State(state): State<AppState>,
    principal: Principal,
    Json(asked): Json<SmartGroupPreview>,
) -> Result<Json<PreviewAnswer>, Problem> {
    let new_id = SmartGroupId(state.source.id());
    let (tenant, reach) = (principal.tenant, principal.reach);
    let (rules, scope, id) = state
        .engine
        .read(tenant, move |tx, rules| {
            let before = match asked.id {
                None => None,
                Some(id) => {
                    let found = rules.smart_group(id).cloned();
                    let tree = &rules.organization_groups;
                    let found = found.filter(|group| principal.reaches(tree, group.organization_group));
                    Some(found.ok_or(Error::NotFound("smart group"))?)
                }
            };
            let organization_group = match (asked.organization_group_id, &before) {
                (None, Some(before)) => before.organization_group,
                (asked, _) => principal.home(rules, asked)?,
            };
            let name = before.as_ref().map_or_else(|| "preview".to_owned(), |before| before.name.clone());
            let draft = Draft { name, organization_group, selection: asked.selection.clone() };
            smart_groups::check(tx, tenant, rules, &draft)?;
            let after = Stored {
                id: before.as_ref().map_or(new_id, |before| before.id),
                name: draft.name,
                organization_group,
                selection: draft.selection,
            };
            let scope = smart_groups::scope(rules, before.as_ref(), Some(&after));
            let id = after.id;
            Ok((smart_groups::proposed(rules, after), scope, id))
        })
        .await?;
    let found = preview::run(&state.engine, tenant, rules, scope, reach, Question::SmartGroup(id)).await?;
    Ok(Json(found.into()))
}
