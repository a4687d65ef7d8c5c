//! Users: people who have devices. They are told about what happens to their devices; they do not sign in here.

use allclear_domain::{
    ids::{OrganizationGroupId, UserGroupId, UserId},
    level::RiskLevel,
    time::Time,
};
use allclear_engine::{
    Error,
    directory::users::{self, NewUser as New, UserEdit as Edit},
    work::points,
};
use allclear_store::{
    listing::Key,
    users::{self as stored, User as Stored, UserFilter, UserSort},
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::common::{distinct, given};
use crate::{
    app::AppState,
    auth::Principal,
    check::Check,
    extract::{IfMatch, Json, Path, etag},
    page::{List, Page, PageParams},
    problem::Problem,
};

/// A person in the directory.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct User {
    /// The id.
    id: UserId,
    /// The name, unique in the tenant.
    user_name: String,
    /// What people call them.
    #[schema(required = true)]
    display_name: Option<String>,
    /// The mail address.
    #[schema(required = true)]
    email: Option<String>,
    /// The phone number, E.164.
    #[schema(required = true)]
    phone: Option<String>,
    /// The language to write to them in, a BCP 47 tag.
    #[schema(required = true)]
    locale: Option<String>,
    /// Where the user lives in the tree.
    organization_group_id: OrganizationGroupId,
    /// How many devices they have.
    devices: i64,
    /// The sum of the scores of their incidents, in points.
    score: f64,
    /// The highest severity among their open incidents.
    risk_status: RiskLevel,
    /// Their open incidents.
    incidents: Incidents,
    /// When the user was created.
    created_at: Time,
    /// Grows with every edit.
    version: i64,
}

/// Open incidents by severity.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Incidents {
    /// Of low severity.
    low: i64,
    /// Of medium severity.
    medium: i64,
    /// Of high severity.
    high: i64,
}

impl From<[i64; 3]> for Incidents {
    fn from([low, medium, high]: [i64; 3]) -> Self {
        Self { low, medium, high }
    }
}

impl From<Stored> for User {
    fn from(user: Stored) -> Self {
        Self {
            id: user.id,
            user_name: user.user_name,
            display_name: user.display_name,
            email: user.email,
            phone: user.phone,
            locale: user.locale,
            organization_group_id: user.organization_group,
            devices: user.devices,
            score: points(user.score),
            risk_status: stored::severity(user.incidents),
            incidents: user.incidents.into(),
            created_at: user.created_at,
            version: user.version,
        }
    }
}

/// A user to be created.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The name, unique in the tenant.
    #[schema(min_length = 1, max_length = 100)]
    user_name: String,
    /// What people call them.
    #[schema(min_length = 1, max_length = 100)]
    display_name: Option<String>,
    /// The mail address.
    #[schema(max_length = 254, example = "ada@example.com")]
    email: Option<String>,
    /// The phone number, E.164.
    #[schema(example = "+14255550123")]
    phone: Option<String>,
    /// The language to write to them in, a BCP 47 tag.
    #[schema(max_length = 35, example = "pt-BR")]
    locale: Option<String>,
    /// Where the user lives; left out: the whole of what is within reach. Never Global.
    organization_group_id: Option<OrganizationGroupId>,
}

/// A change of a user. What is left out stays; null clears.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserEdit {
    /// The name, unique in the tenant.
    #[schema(min_length = 1, max_length = 100)]
    user_name: Option<String>,
    /// What people call them.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, min_length = 1, max_length = 100)]
    display_name: Option<Option<String>>,
    /// The mail address.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 254)]
    email: Option<Option<String>>,
    /// The phone number, E.164.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    phone: Option<Option<String>>,
    /// The language to write to them in, a BCP 47 tag.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 35)]
    locale: Option<Option<String>>,
    /// Where the user lives from now on. Their devices stay where they are.
    organization_group_id: Option<OrganizationGroupId>,
    /// The version this edit is based on, unless `If-Match` says it.
    version: Option<i64>,
}

/// What a list of users is narrowed to.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct UserParams {
    /// At or below this organization group.
    organization_group_id: Option<OrganizationGroupId>,
    /// In this user group.
    user_group_id: Option<UserGroupId>,
    /// With exactly this mail address.
    #[param(max_length = 254)]
    email: Option<String>,
    /// User name or mail address begins with this, as typed or in another usual spelling.
    #[param(min_length = 1, max_length = 100)]
    q: Option<String>,
    /// With a score above 0.
    risky: Option<bool>,
    /// With this highest severity among their open incidents; `none`: with a device and no open incident.
    #[serde(default)]
    #[param(required = false)]
    risk_status: Vec<RiskLevel>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, edit, delete))
}

/// Users
///
/// Sorted by `user_name`, `score` (only users with one) or `created_at`.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", operation_id = "list_users",
    params(UserParams, PageParams), responses((status = 200, body = Page<User>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<UserParams, UserSort>,
) -> Result<Json<Page<User>>, Problem> {
    let (asked, after, limit) = (list.filter.clone(), list.after_one(|key: &Key| list.sort.fits(key))?, list.fetch());
    let (sort, descending) = (list.sort, list.descending);
    let mut check = Check::default();
    for (name, text) in [("q", &asked.q), ("email", &asked.email)] {
        let good = text.as_ref().is_none_or(|text| (1..=254).contains(&text.len()));
        check.that(good, name, "must have 1 to 254 bytes");
    }
    check.finish()?;
    let tenant = principal.tenant;
    let found = state.engine.read(tenant, move |tx, rules| {
        let filter = UserFilter {
            organization_groups: principal.narrowed(rules, asked.organization_group_id),
            user_group: asked.user_group_id,
            email: asked.email.clone(),
            search: asked.q.clone(),
            by_display_name: false,
            risky: asked.risky.unwrap_or(false),
            risk_status: distinct(asked.risk_status.clone()),
        };
        Ok(stored::list(tx, tenant, &filter, sort, descending, after.as_ref(), limit)?)
    });
    let page = list.page(found.await?, |user| sort.key(user))?;
    Ok(Json(Page { items: page.items.into_iter().map(User::from).collect(), next_cursor: page.next_cursor }))
}

/// One user
#[utoipa::path(get, path = "/api/v1/users/{id}", tag = "users", operation_id = "get_user",
    params(("id" = UserId, Path, description = "The user.")), responses((status = 200, body = User)))]
async fn get(State(state): State<AppState>, principal: Principal, Path(id): Path<UserId>) -> Result<Response, Problem> {
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let found = stored::get(tx, principal.tenant, id)?;
        let reached = |user: &Stored| principal.reaches(&rules.organization_groups, user.organization_group);
        found.filter(reached).ok_or(Error::NotFound("user"))
    });
    Ok(answer(found.await?))
}

fn answer(user: Stored) -> Response {
    (etag(user.version), Json(User::from(user))).into_response()
}

/// Creates a user
#[utoipa::path(post, path = "/api/v1/users", tag = "users", operation_id = "create_user", request_body = NewUser,
    responses((status = 201, body = User)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    Json(new): Json<NewUser>,
) -> Result<Response, Problem> {
    let who = principal.clone();
    let made = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        let new = new.clone();
        let new = New {
            organization_group: who.home(work.rules(), new.organization_group_id)?,
            user_name: new.user_name,
            display_name: new.display_name,
            email: new.email,
            phone: new.phone,
            locale: new.locale,
        };
        users::create(work, who.reach, &new)
    });
    let user = made.await?;
    let location = [(header::LOCATION, format!("/api/v1/users/{}", user.id))];
    Ok((StatusCode::CREATED, location, answer(user)).into_response())
}

/// Changes a user
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "users", operation_id = "edit_user", request_body = UserEdit,
    params(("id" = UserId, Path, description = "The user.")), responses((status = 200, body = User)))]
async fn edit(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<UserId>,
    if_match: IfMatch,
    Json(edit): Json<UserEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let reach = principal.reach;
    let edit = Edit {
        user_name: edit.user_name,
        display_name: edit.display_name,
        email: edit.email,
        phone: edit.phone,
        locale: edit.locale,
        organization_group: edit.organization_group_id,
    };
    let change = state
        .engine
        .edit(principal.tenant, principal.actor(), move |work| users::edit(work, reach, id, version, &edit));
    Ok(answer(change.await.map_err(|error| if_match.problem(error))?))
}

/// Deletes a user who has no devices any more
///
/// Their enrollment tokens and memberships go with them.
#[utoipa::path(delete, path = "/api/v1/users/{id}", tag = "users", operation_id = "delete_user",
    params(("id" = UserId, Path, description = "The user.")),
    responses((status = 204), (status = 409, description = "They have devices.", body = Problem,
        content_type = "application/problem+json")))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<UserId>,
) -> Result<StatusCode, Problem> {
    let reach = principal.reach;
    state.engine.edit(principal.tenant, principal.actor(), move |work| users::delete(work, reach, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
