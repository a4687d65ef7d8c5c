//! Profiles: drafts, versions, what they would do and what became of them.

use std::collections::BTreeMap;

use allclear_domain::{
    ids::{JobId, OrganizationGroupId, ProfileId, SmartGroupId},
    level::Platform,
    payload,
    profile::{ProfileSpec, ProfileState},
    rules::Rules,
    time::Time,
};
use allclear_engine::{
    Error,
    preview::{self, Question},
    rules::profiles::{self, Draft},
    work::Work,
};
use allclear_store::{
    db::Tx,
    profiles::{self as stored, StoredProfile},
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::common::PreviewAnswer;
use crate::{
    app::AppState,
    auth::Principal,
    extract::{IfMatch, Json, Path, Query, etag},
    page::{List, NoFilter, Page, PageParams},
    problem::Problem,
    sorted::{Place, Typed},
};

/// A named, versioned set of payloads.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Profile {
    /// Its id.
    id: ProfileId,
    /// Its name, unique in the tenant.
    name: String,
    /// The platform it is made for.
    platform: Platform,
    /// Where it lives.
    organization_group_id: OrganizationGroupId,
    /// How far it has come.
    state: ProfileState,
    /// The version in force; 0 before the first publication.
    published_version: u32,
    /// The draft: what the next publication puts in force. Secrets are masked.
    spec: ProfileSpec,
    /// What parts of the draft need of a device, for the editor.
    requirements: Vec<Requirement>,
    /// What in the draft's custom settings is newer than what is known here of the platform, or misspelt. It is sent to
    /// devices as it is.
    findings: Vec<Finding>,
    /// On how many devices it stands how: status and count.
    devices: BTreeMap<String, i64>,
    /// When it was made.
    created_at: Time,
    /// When it was changed last.
    updated_at: Time,
    /// Grows with every change.
    version: i64,
    /// The re-evaluation this change started; its progress is at `/api/v1/jobs/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
}

/// What a part of a profile needs of a device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Requirement {
    /// The part, as a JSON pointer into `spec`.
    pointer: String,
    /// What it needs.
    needs: payload::Need,
}

/// Something that an administrator should look at.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Finding {
    /// The part, as a JSON pointer into `spec`.
    pointer: String,
    /// What was found.
    detail: String,
}

/// A profile to be made, as a draft.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProfile {
    /// Its name.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The platform it is made for; cannot be changed later.
    platform: Platform,
    /// Where it lives; left out: the whole of what is within reach. Never Global.
    organization_group_id: Option<OrganizationGroupId>,
    /// Everything that is set about it.
    #[serde(default)]
    spec: ProfileSpec,
}

/// A change of a profile's draft. What is left out stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileEdit {
    /// Its new name.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Where it lives from now on.
    organization_group_id: Option<OrganizationGroupId>,
    /// Everything that is set about it, as a whole; a masked secret stays.
    spec: Option<ProfileSpec>,
    /// The version this edit is based on, unless `If-Match` says it.
    version: Option<i64>,
}

/// What a step in a profile's life is based on.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StepParams {
    /// The version this is based on, unless `If-Match` says it; without both, whatever is there.
    version: Option<i64>,
}

/// A published version of a profile.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProfileVersion {
    /// Its number, from 1.
    number: u32,
    /// What was published. Secrets are masked.
    spec: ProfileSpec,
    /// When.
    published_at: Time,
    /// By whom.
    published_by: String,
}

/// What a list of profiles is narrowed to. Several values of one parameter: any of them.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ProfileParams {
    /// Each word of this is in its name or description, whatever the case.
    #[serde(default)]
    #[param(required = false, value_type = String, min_length = 1, max_length = 100)]
    q: Typed,
    /// The platform it is made for.
    platform: Option<Platform>,
    /// How far it has come.
    #[serde(default)]
    #[param(required = false)]
    state: Vec<ProfileState>,
    /// At or below this organization group.
    organization_group_id: Option<OrganizationGroupId>,
    /// Whose draft is assigned to this smart group or excludes it.
    smart_group_id: Option<SmartGroupId>,
}

impl ProfileParams {
    fn fits(&self, within: Option<&[OrganizationGroupId]>, profile: &StoredProfile) -> bool {
        let spec = &profile.draft;
        let named = |id| spec.assigned_groups.contains(&id) || spec.excluded_groups.contains(&id);
        within.is_none_or(|within| within.contains(&profile.organization_group))
            && self.platform.is_none_or(|platform| profile.platform == platform)
            && (self.state.is_empty() || self.state.contains(&profile.state))
            && self.smart_group_id.is_none_or(named)
            && self.q.is_in(&[&profile.name, &spec.description])
    }
}

/// What profiles are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The name.
    #[default]
    Name,
    /// The platform.
    Platform,
    /// How far it has come: draft, published, retired.
    State,
    /// When it was changed last.
    UpdatedAt,
}

impl SortBy {
    fn place(self, profile: &StoredProfile) -> Place {
        match self {
            SortBy::Name => Place::text(&profile.name, profile.id),
            SortBy::Platform => Place::text(profile.platform.as_str(), profile.id),
            SortBy::State => Place::number(profile.state as i64, profile.id),
            SortBy::UpdatedAt => Place::number(profile.updated_at.as_micros(), profile.id),
        }
    }
}

/// What versions are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VersionSortBy {
    /// The number, highest first.
    #[default]
    Newest,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, edit, delete))
        .routes(routes!(publish))
        .routes(routes!(retire))
        .routes(routes!(preview))
        .routes(routes!(versions))
}

fn shown(tx: &mut Tx<'_>, principal: &Principal, profile: StoredProfile) -> Result<Profile, Error> {
    let requirements = profile.draft.requirements(profile.platform).into_iter();
    let requirements = requirements.map(|part| Requirement { pointer: part.pointer, needs: part.needs }).collect();
    let findings = payload::findings(profile.platform, &profile.draft.payloads).into_iter();
    let findings = findings.map(|it| Finding { pointer: format!("/payloads{}", it.pointer), detail: it.detail });
    Ok(Profile {
        devices: stored::status_counts(tx, principal.tenant, profile.id)?.into_iter().collect(),
        id: profile.id,
        name: profile.name,
        platform: profile.platform,
        organization_group_id: profile.organization_group,
        state: profile.state,
        published_version: profile.published_version,
        spec: profiles::masked(profile.draft),
        requirements,
        findings: findings.collect(),
        created_at: profile.created_at,
        updated_at: profile.updated_at,
        version: profile.version,
        job_id: None,
    })
}

/// The profile, if it lies within reach.
pub(super) fn reached(
    tx: &mut Tx<'_>,
    rules: &Rules,
    principal: &Principal,
    id: ProfileId,
) -> Result<StoredProfile, Error> {
    let found = stored::get(tx, principal.tenant, id)?;
    let tree = &rules.organization_groups;
    found.filter(|profile| principal.reaches(tree, profile.organization_group)).ok_or(Error::NotFound("profile"))
}

fn reached_in(work: &mut Work<'_, '_>, principal: &Principal, id: ProfileId) -> Result<StoredProfile, Error> {
    let rules = work.rules_handle();
    reached(work.tx, &rules, principal, id)
}

async fn one(
    state: &AppState,
    principal: &Principal,
    id: ProfileId,
    job_id: Option<JobId>,
) -> Result<Profile, Problem> {
    let who = principal.clone();
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let profile = reached(tx, rules, &who, id)?;
        Ok(Profile { job_id, ..shown(tx, &who, profile)? })
    });
    Ok(found.await?)
}

fn with_version(profile: Profile) -> Response {
    (etag(profile.version), Json(profile)).into_response()
}

/// Profiles
///
/// Sorted by `name`, `platform`, `state` or `updated_at`.
#[utoipa::path(get, path = "/api/v1/profiles", tag = "profiles", operation_id = "list_profiles",
    params(ProfileParams, PageParams), responses((status = 200, body = Page<Profile>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<ProfileParams, SortBy>,
) -> Result<Json<Page<Profile>>, Problem> {
    let (asked, sort, cut) = (list.filter.clone(), list.sort, list.cut()?);
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let within = principal.narrowed(rules, asked.organization_group_id);
        let mut all = stored::list(tx, principal.tenant, None, i64::MAX)?;
        all.retain(|profile| asked.fits(within.as_deref(), profile));
        let found = cut.of(all, |profile| sort.place(profile)).into_iter();
        found.map(|(place, profile)| Ok((place, shown(tx, &principal, profile)?))).collect::<Result<Vec<_>, Error>>()
    });
    list.cut_page(found.await?).map(Json)
}

/// One profile
#[utoipa::path(get, path = "/api/v1/profiles/{id}", tag = "profiles", operation_id = "get_profile",
    params(("id" = ProfileId, Path, description = "The profile.")), responses((status = 200, body = Profile)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ProfileId>,
) -> Result<Response, Problem> {
    one(&state, &principal, id, None).await.map(with_version)
}

/// Makes a profile, as a draft
///
/// Payloads are checked against the platform's schema.
#[utoipa::path(post, path = "/api/v1/profiles", tag = "profiles", operation_id = "create_profile",
    request_body = NewProfile, responses((status = 201, body = Profile)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    Json(new): Json<NewProfile>,
) -> Result<Response, Problem> {
    let (who, sealer) = (principal.clone(), state.engine.sealer().clone());
    let made = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        let organization_group = who.home(work.rules(), new.organization_group_id)?;
        let (name, spec) = (new.name.clone(), new.spec.clone());
        profiles::create(work, &sealer, Draft { name, platform: new.platform, organization_group, spec })
    });
    let id = made.await?.id;
    let location = [(header::LOCATION, format!("/api/v1/profiles/{id}"))];
    Ok((StatusCode::CREATED, location, with_version(one(&state, &principal, id, None).await?)).into_response())
}

/// Changes a profile's draft
///
/// What is published stays in force until the draft is published.
#[utoipa::path(patch, path = "/api/v1/profiles/{id}", tag = "profiles", operation_id = "edit_profile",
    request_body = ProfileEdit, params(("id" = ProfileId, Path, description = "The profile.")),
    responses((status = 200, body = Profile)))]
async fn edit(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ProfileId>,
    if_match: IfMatch,
    Json(edit): Json<ProfileEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let (who, sealer) = (principal.clone(), state.engine.sealer().clone());
    let change = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        let before = reached_in(work, &who, id)?;
        let draft = Draft {
            name: edit.name.clone().unwrap_or(before.name),
            platform: before.platform,
            organization_group: match edit.organization_group_id {
                None => before.organization_group,
                asked => who.home(work.rules(), asked)?,
            },
            spec: edit.spec.clone().unwrap_or_else(|| profiles::masked(before.draft)),
        };
        profiles::update(work, &sealer, id, draft, Some(version))
    });
    change.await.map_err(|error| if_match.problem(error))?;
    one(&state, &principal, id, None).await.map(with_version)
}

/// Deletes a draft that was never published
#[utoipa::path(delete, path = "/api/v1/profiles/{id}", tag = "profiles", operation_id = "delete_profile",
    params(("id" = ProfileId, Path, description = "The profile.")), responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ProfileId>,
) -> Result<StatusCode, Problem> {
    let who = principal.clone();
    let gone = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        reached_in(work, &who, id)?;
        profiles::delete(work, id)
    });
    gone.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Publishes the draft as the next version
///
/// The devices concerned are re-evaluated; the answer names the job.
#[utoipa::path(post, path = "/api/v1/profiles/{id}/publish", tag = "profiles", operation_id = "publish_profile",
    params(("id" = ProfileId, Path, description = "The profile."), StepParams),
    responses((status = 200, body = Profile)))]
async fn publish(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ProfileId>,
    if_match: IfMatch,
    Query(params): Query<StepParams>,
) -> Result<Response, Problem> {
    let version = if_match.seen(params.version).ok();
    let who = principal.clone();
    let change = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        reached_in(work, &who, id)?;
        profiles::publish(work, id, version)
    });
    let (_, job) = change.await.map_err(|error| if_match.problem(error))?;
    one(&state, &principal, id, Some(job)).await.map(with_version)
}

/// Takes a profile back from all devices
///
/// Publishing it again brings it back.
#[utoipa::path(post, path = "/api/v1/profiles/{id}/retire", tag = "profiles", operation_id = "retire_profile",
    params(("id" = ProfileId, Path, description = "The profile."), StepParams),
    responses((status = 200, body = Profile)))]
async fn retire(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ProfileId>,
    if_match: IfMatch,
    Query(params): Query<StepParams>,
) -> Result<Response, Problem> {
    let version = if_match.seen(params.version).ok();
    let who = principal.clone();
    let change = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        reached_in(work, &who, id)?;
        profiles::retire(work, id, version)
    });
    let (_, job) = change.await.map_err(|error| if_match.problem(error))?;
    one(&state, &principal, id, Some(job)).await.map(with_version)
}

/// What publishing the draft would do
///
/// Nothing is changed.
#[utoipa::path(post, path = "/api/v1/profiles/{id}/preview", tag = "profiles", operation_id = "preview_profile",
    params(("id" = ProfileId, Path, description = "The profile.")), responses((status = 200, body = PreviewAnswer)))]
async fn preview(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ProfileId>,
) -> Result<Json<PreviewAnswer>, Problem> {
    let (tenant, reach) = (principal.tenant, principal.reach);
    let (rules, scope) = state
        .engine
        .read(tenant, move |tx, rules| {
            let profile = reached(tx, rules, &principal, id)?;
            let before = rules.profile(id).map(|now| now.spec.assigned_groups.clone()).unwrap_or_default();
            let scope = profiles::scope(id, &before, &profile.draft.assigned_groups);
            Ok((profiles::proposed(rules, &profile), scope))
        })
        .await?;
    let found = preview::run(&state.engine, tenant, rules, scope, reach, Question::Profile(id)).await?;
    Ok(Json(found.into()))
}

/// The published versions of a profile, newest first
#[utoipa::path(get, path = "/api/v1/profiles/{id}/versions", tag = "profiles",
    operation_id = "list_profile_versions",
    params(("id" = ProfileId, Path, description = "The profile."), PageParams),
    responses((status = 200, body = Page<ProfileVersion>)))]
async fn versions(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<ProfileId>,
    list: List<NoFilter, VersionSortBy>,
) -> Result<Json<Page<ProfileVersion>>, Problem> {
    let after = list.after::<u32>()?;
    let descending = list.descending;
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        reached(tx, rules, &principal, id)?;
        let mut found = stored::versions(tx, principal.tenant, id)?;
        if descending {
            found.reverse();
        }
        found.retain(|version| match after {
            Some(after) if descending => version.number > after,
            Some(after) => version.number < after,
            None => true,
        });
        Ok(found)
    });
    let versions = found.await?.into_iter().map(|version| ProfileVersion {
        number: version.number,
        spec: profiles::masked(version.spec),
        published_at: version.published_at,
        published_by: version.published_by,
    });
    list.page(versions.collect(), |version| version.number).map(Json)
}
