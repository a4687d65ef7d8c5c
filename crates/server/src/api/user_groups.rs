//! User groups: named sets of users, for criteria of smart groups.

use std::collections::HashMap;

use allclear_domain::ids::{OrganizationGroupId, UserGroupId, UserId};
use allclear_engine::{Error, directory::user_groups};
use allclear_store::{
    db::Tx,
    user_groups::{self as stored, UserGroup as Stored},
    users,
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::users::User;
use crate::{
    app::AppState,
    auth::Principal,
    extract::{IfMatch, Json, Path, etag},
    page::{List, NoFilter, Page, PageParams},
    problem::Problem,
    sorted::{Place, Typed},
};

/// Most users added and removed in one request.
const MOST: usize = 1000;

/// A named set of users.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct UserGroup {
    /// The id.
    id: UserGroupId,
    /// Its name, unique in the tenant.
    name: String,
    /// Where it lives in the tree.
    organization_group_id: OrganizationGroupId,
    /// How many users are in it.
    members: i64,
    /// Grows with every edit; members do not count.
    version: i64,
}

impl UserGroup {
    fn new(group: Stored, members: i64) -> Self {
        Self {
            id: group.id,
            name: group.name,
            organization_group_id: group.organization_group,
            members,
            version: group.version,
        }
    }
}

/// A user group to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUserGroup {
    /// Its name, unique in the tenant.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Where it lives; left out: the whole of what is within reach. Never Global.
    organization_group_id: Option<OrganizationGroupId>,
}

/// A change of a user group. What is left out stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserGroupEdit {
    /// Its name, unique in the tenant.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Where it lives from now on.
    organization_group_id: Option<OrganizationGroupId>,
    /// The version this edit is based on, unless `If-Match` says it.
    version: Option<i64>,
}

/// Users to put into a group and to take out of it; together at most 1,000.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MembersEdit {
    /// Users to put in.
    #[serde(default)]
    #[schema(max_items = 1000)]
    add: Vec<UserId>,
    /// Users to take out.
    #[serde(default)]
    #[schema(max_items = 1000)]
    remove: Vec<UserId>,
}

/// What a change of members came to.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct MembersChanged {
    /// Users who were not members before.
    added: u64,
    /// Users who are not members any more.
    removed: u64,
    /// Their devices, which were evaluated anew.
    devices: u64,
}

/// What a list of user groups is narrowed to.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UserGroupParams {
    /// Each word of this is in its name, whatever the case.
    #[serde(default)]
    #[param(required = false, value_type = String, min_length = 1, max_length = 100)]
    q: Typed,
    /// At or below this organization group.
    organization_group_id: Option<OrganizationGroupId>,
}

/// What user groups are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The name.
    #[default]
    Name,
    /// How many users are in it.
    Members,
}

/// What the members of a group are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MembersBy {
    /// The time they were created.
    #[default]
    CreatedAt,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, edit, delete))
        .routes(routes!(members, change_members))
}

/// User groups
///
/// Sorted by `name` or `members`.
#[utoipa::path(get, path = "/api/v1/user-groups", tag = "user-groups", operation_id = "list_user_groups",
    params(UserGroupParams, PageParams), responses((status = 200, body = Page<UserGroup>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<UserGroupParams, SortBy>,
) -> Result<Json<Page<UserGroup>>, Problem> {
    let (asked, sort, cut) = (list.filter.clone(), list.sort, list.cut()?);
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let within = principal.narrowed(rules, asked.organization_group_id);
        let mut all = stored::list(tx, principal.tenant)?;
        all.retain(|group| {
            within.as_ref().is_none_or(|within| within.contains(&group.organization_group))
                && asked.q.is_in(&[&group.name])
        });
        let members: HashMap<UserGroupId, i64> = stored::counts(tx, principal.tenant)?.into_iter().collect();
        let members = |group: &Stored| members.get(&group.id).copied().unwrap_or(0);
        let found = cut.of(all, |group| match sort {
            SortBy::Name => Place::text(&group.name, group.id),
            SortBy::Members => Place::number(members(group), group.id),
        });
        let shown = |(place, group): (Place, Stored)| (place, UserGroup::new(group.clone(), members(&group)));
        Ok(found.into_iter().map(shown).collect::<Vec<_>>())
    });
    list.cut_page(found.await?).map(Json)
}

/// The group, if it lies within reach.
fn reached(
    tx: &mut Tx<'_>,
    rules: &allclear_domain::rules::Rules,
    principal: &Principal,
    id: UserGroupId,
) -> Result<UserGroup, Error> {
    let found = stored::get(tx, principal.tenant, id)?;
    let found = found.filter(|group| principal.reaches(&rules.organization_groups, group.organization_group));
    let group = found.ok_or(Error::NotFound("user group"))?;
    Ok(UserGroup::new(group, stored::count(tx, principal.tenant, id)?))
}

async fn one(state: &AppState, principal: &Principal, id: UserGroupId) -> Result<Response, Problem> {
    let who = principal.clone();
    let group = state.engine.read(principal.tenant, move |tx, rules| reached(tx, rules, &who, id)).await?;
    Ok((etag(group.version), Json(group)).into_response())
}

/// One user group
#[utoipa::path(get, path = "/api/v1/user-groups/{id}", tag = "user-groups", operation_id = "get_user_group",
    params(("id" = UserGroupId, Path, description = "The user group.")),
    responses((status = 200, body = UserGroup)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<UserGroupId>,
) -> Result<Response, Problem> {
    one(&state, &principal, id).await
}

/// Makes a user group
#[utoipa::path(post, path = "/api/v1/user-groups", tag = "user-groups", operation_id = "create_user_group",
    request_body = NewUserGroup, responses((status = 201, body = UserGroup)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    Json(new): Json<NewUserGroup>,
) -> Result<Response, Problem> {
    let who = principal.clone();
    let made = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        let home = who.home(work.rules(), new.organization_group_id)?;
        user_groups::create(work, who.reach, home, &new.name)
    });
    let group = made.await?;
    let location = [(header::LOCATION, format!("/api/v1/user-groups/{}", group.id))];
    Ok((StatusCode::CREATED, location, etag(group.version), Json(UserGroup::new(group, 0))).into_response())
}

/// Renames or moves a user group
#[utoipa::path(patch, path = "/api/v1/user-groups/{id}", tag = "user-groups", operation_id = "edit_user_group",
    request_body = UserGroupEdit, params(("id" = UserGroupId, Path, description = "The user group.")),
    responses((status = 200, body = UserGroup)))]
async fn edit(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<UserGroupId>,
    if_match: IfMatch,
    Json(edit): Json<UserGroupEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let reach = principal.reach;
    let change = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        user_groups::edit(work, reach, id, version, edit.name.as_deref(), edit.organization_group_id)
    });
    change.await.map_err(|error| if_match.problem(error))?;
    one(&state, &principal, id).await
}

/// Deletes a user group
///
/// Its members leave it. Refused while a smart group names it.
#[utoipa::path(delete, path = "/api/v1/user-groups/{id}", tag = "user-groups", operation_id = "delete_user_group",
    params(("id" = UserGroupId, Path, description = "The user group.")),
    responses((status = 204), (status = 409, description = "A smart group names it.", body = Problem,
        content_type = "application/problem+json")))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<UserGroupId>,
) -> Result<StatusCode, Problem> {
    user_groups::delete(&state.engine, principal.tenant, principal.actor(), principal.reach, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The users in a group
///
/// Sorted by `created_at`.
#[utoipa::path(get, path = "/api/v1/user-groups/{id}/members", tag = "user-groups",
    operation_id = "list_user_group_members", params(PageParams,
    ("id" = UserGroupId, Path, description = "The user group.")), responses((status = 200, body = Page<User>)))]
async fn members(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<UserGroupId>,
    list: List<NoFilter, MembersBy>,
) -> Result<Json<Page<User>>, Problem> {
    if list.descending {
        return Err(Problem::invalid_field("sort", "must be created_at"));
    }
    let (after, limit) = (list.after::<UserId>()?, list.fetch());
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        reached(tx, rules, &principal, id)?;
        let ids = stored::members(tx, principal.tenant, id, after, limit)?;
        Ok(users::get_many(tx, principal.tenant, &ids)?)
    });
    let page = list.page(found.await?, |user| user.id)?;
    Ok(Json(Page { items: page.items.into_iter().map(User::from).collect(), next_cursor: page.next_cursor }))
}

/// Puts users into a group and takes others out
///
/// The users' devices are evaluated anew with it. Sent again, it changes nothing.
#[utoipa::path(post, path = "/api/v1/user-groups/{id}/members", tag = "user-groups",
    operation_id = "change_user_group_members", request_body = MembersEdit,
    params(("id" = UserGroupId, Path, description = "The user group.")),
    responses((status = 200, body = MembersChanged)))]
async fn change_members(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<UserGroupId>,
    Json(edit): Json<MembersEdit>,
) -> Result<Json<MembersChanged>, Problem> {
    if edit.add.len() + edit.remove.len() > MOST {
        return Err(Problem::invalid_field("", format!("holds more than {MOST} users")));
    }
    let (tenant, reach) = (principal.tenant, principal.reach);
    let changed =
        user_groups::change_members(&state.engine, tenant, principal.actor(), reach, id, edit.add, edit.remove).await?;
    let user_groups::Changed { added, removed, devices } = changed;
    Ok(Json(MembersChanged { added, removed, devices }))
}
