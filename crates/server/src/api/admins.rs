//! Administrators: the people who sign in to the console. Nobody makes or changes one who may more than they may.

use allclear_domain::{
    admin::{AdminState, LinkKind},
    ids::{AdminId, OrganizationGroupId, Tenant},
    rules::Rules,
    time::Time,
};
use allclear_engine::{
    Error,
    admins::{self, AdminEdit as Edit, NewAdmin as New},
    work::Work,
};
use allclear_store::{
    admins::{self as stored, Admin as Stored, AdminFilter, Scope},
    db::Tx,
    roles::{self, RoleRef},
    second_factors,
};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    api_tokens::within_reach,
    common::{base_url, given},
    links,
};
use crate::{
    app::AppState,
    auth::{Credential, Kind, Principal},
    check::Check,
    extract::{IfMatch, Json, Path, etag},
    idempotency::ShownOnce,
    page::{List, Page, PageParams},
    problem::Problem,
    sorted::{Place, Typed},
};

/// Somebody who signs in to the console.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Admin {
    /// The id.
    id: AdminId,
    /// The name to sign in with, unique on the server.
    user_name: String,
    /// The mail address, good for signing in as well.
    #[schema(required = true)]
    email: Option<String>,
    /// What people call them.
    name: String,
    /// What they may do: the name of a built-in role, or the id of another.
    #[schema(example = "security_manager")]
    role: String,
    /// The organization group at or below which they may do it.
    organization_group_id: OrganizationGroupId,
    /// Whether they may sign in.
    state: AdminState,
    /// Whether they have one-time codes or a passkey.
    second_factor: bool,
    /// Until when they cannot sign in, after too many wrong attempts; null if they can.
    #[schema(required = true)]
    locked_until: Option<Time>,
    /// When they were added.
    created_at: Time,
    /// Who added them.
    created_by: String,
    /// When they last signed in; never if null.
    #[schema(required = true)]
    last_signed_in_at: Option<Time>,
    /// Grows with every change.
    version: i64,
}

/// Administrators as they are shown.
fn shown(tx: &mut Tx<'_>, found: Vec<Stored>, now: Time) -> Result<Vec<Admin>, Error> {
    let ids: Vec<(Tenant, AdminId)> = found.iter().map(|admin| (admin.tenant, admin.id)).collect();
    let passkeys = second_factors::count_passkeys_of(tx, &ids)?;
    let shown = found.into_iter().zip(passkeys).map(|(admin, passkeys)| Admin {
        id: admin.id,
        user_name: admin.user_name,
        email: admin.email,
        name: admin.name,
        role: admin.role.to_string(),
        organization_group_id: admin.reach,
        state: admin.state,
        second_factor: admin.totp_secret.is_some() || passkeys > 0,
        locked_until: admin.locked_until.filter(|until| *until > now),
        created_at: admin.created_at,
        created_by: admin.created_by,
        last_signed_in_at: admin.last_signed_in_at,
        version: admin.version,
    });
    Ok(shown.collect())
}

/// The one that was asked for.
fn shown_one(tx: &mut Tx<'_>, admin: Stored, now: Time) -> Result<Admin, Error> {
    shown(tx, vec![admin], now)?.pop().ok_or(Error::NotFound("administrator"))
}

/// A link by which an administrator comes to their account. It is shown here and never again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct AdminLink {
    /// What it is for.
    kind: LinkKind,
    /// The address to open; what makes it good stands after the `#`.
    #[schema(format = "uri")]
    url: String,
    /// From when on it is worth nothing.
    expires_at: Time,
}

/// An administrator who was just added.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct CreatedAdmin {
    /// What is known about them.
    #[serde(flatten)]
    about: Admin,
    /// The invitation.
    link: AdminLink,
}

/// An administrator to be added. They choose their password by the link in the answer.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAdmin {
    /// The name to sign in with, unique on the server whatever its case.
    #[schema(min_length = 1, max_length = 254, example = "ada")]
    user_name: String,
    /// The mail address, good for signing in as well.
    #[schema(max_length = 254, example = "ada@example.com")]
    email: Option<String>,
    /// What people call them.
    #[schema(min_length = 1, max_length = 100, example = "Ada Lovelace")]
    name: String,
    /// What they may do: the name of a built-in role, or the id of another. At most what one may do oneself.
    #[schema(max_length = 40)]
    role: String,
    /// The organization group at or below which they may do it. At or below one's own.
    organization_group_id: OrganizationGroupId,
}

/// A change of an administrator. What is left out stays; null clears.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AdminEdit {
    /// The name to sign in with.
    #[schema(min_length = 1, max_length = 254)]
    user_name: Option<String>,
    /// The mail address.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 254)]
    email: Option<Option<String>>,
    /// What people call them.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// What they may do.
    #[schema(max_length = 40)]
    role: Option<String>,
    /// Where they may do it. Global and the groups of customers cannot be exchanged.
    organization_group_id: Option<OrganizationGroupId>,
    /// Whether they are kept from signing in.
    disabled: Option<bool>,
    /// The version this edit is based on, unless `If-Match` says it.
    version: Option<i64>,
}

/// What else is done when a link is made.
#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAdminLink {
    /// Take all second factors away, for somebody who has lost theirs. Their sessions end.
    #[serde(default)]
    #[schema(default = false)]
    remove_second_factors: bool,
}

/// What a list of administrators is narrowed to.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AdminParams {
    /// Each word of this is in its user name, name or mail address, whatever the case.
    #[serde(default)]
    #[param(required = false, value_type = String, min_length = 1, max_length = 100)]
    q: Typed,
    /// In one of these states.
    #[serde(default)]
    state: Vec<AdminState>,
    /// With this role.
    #[param(max_length = 40)]
    role: Option<String>,
    /// Whose reach is at or below this organization group.
    organization_group_id: Option<OrganizationGroupId>,
}

/// What administrators are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SortBy {
    /// The user name.
    #[default]
    UserName,
    /// What people call them.
    Name,
    /// When they were added.
    CreatedAt,
    /// When they last signed in; those who never did come first.
    LastSignedInAt,
}

impl SortBy {
    fn place(self, admin: &Stored) -> Place {
        match self {
            SortBy::UserName => Place::text(&admin.user_name, admin.id),
            SortBy::Name => Place::text(&admin.name, admin.id),
            // Ids follow the time they were added.
            SortBy::CreatedAt => Place::number(0, admin.id),
            SortBy::LastSignedInAt => {
                Place::number(admin.last_signed_in_at.map_or(i64::MIN, Time::as_micros), admin.id)
            }
        }
    }
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list, create))
        .routes(routes!(get, edit, delete))
        .routes(routes!(link))
        .routes(routes!(unlock))
}

/// Whose administrators are within reach: with Global reach, the server's own are among them.
fn scope(principal: &Principal, rules: &Rules) -> Scope {
    match principal.server {
        true => Scope { tenants: vec![principal.tenant, Tenant::SERVER], groups: None },
        false => Scope { tenants: vec![principal.tenant], groups: principal.within(rules) },
    }
}

/// An administrator within reach.
pub(super) async fn reached(state: &AppState, principal: &Principal, id: AdminId) -> Result<Stored, Problem> {
    let principal = principal.clone();
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let scope = scope(&principal, rules);
        for tenant in scope.tenants {
            let within = |admin: &Stored| scope.groups.as_ref().is_none_or(|groups| groups.contains(&admin.reach));
            if let Some(admin) = stored::get(tx, tenant, id)?.filter(within) {
                return Ok(admin);
            }
        }
        Err(Error::NotFound("administrator"))
    });
    Ok(found.await?)
}

const NO_ROLE: &str = "there is no such role";

/// Refuses who would give or take away rights they do not hold themselves.
fn may_make(work: &mut Work<'_, '_>, principal: &Principal, role: RoleRef) -> Result<(), Error> {
    let rights = roles::rights(work.tx, work.tenant, role)?;
    principal.may_grant(&rights.ok_or_else(|| Error::invalid("/role", NO_ROLE))?)
}

/// The administrators within one's reach
///
/// Sorted by `user_name`, `name`, `created_at` or `last_signed_in_at`. With Global reach, the server's own are among
/// them.
#[utoipa::path(get, path = "/api/v1/admins", tag = "admins", operation_id = "list_admins",
    params(AdminParams, PageParams), responses((status = 200, body = Page<Admin>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<AdminParams, SortBy>,
) -> Result<Json<Page<Admin>>, Problem> {
    let (asked, sort, cut, now) = (list.filter.clone(), list.sort, list.cut()?, state.source.now());
    let mut check = Check::default();
    let role = asked.role.as_ref().map(|role| role.parse::<RoleRef>());
    check.that(!matches!(role, Some(Err(_))), "role", NO_ROLE);
    check.finish()?;
    let AdminParams { q, state: states, organization_group_id, .. } = asked;
    let filter = AdminFilter { states, role: role.and_then(Result::ok) };
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let mut scope = scope(&principal, rules);
        if let Some(group) = organization_group_id {
            scope.groups = Some(principal.below(&rules.organization_groups, group));
        }
        let mut found = stored::list(tx, &scope, &filter)?;
        found.retain(|admin| q.is_in(&[&admin.user_name, &admin.name, admin.email.as_deref().unwrap_or_default()]));
        let (places, found): (Vec<Place>, Vec<Stored>) = cut.of(found, |admin| sort.place(admin)).into_iter().unzip();
        Ok(places.into_iter().zip(shown(tx, found, now)?).collect::<Vec<_>>())
    });
    list.cut_page(found.await?).map(Json)
}

/// One administrator
#[utoipa::path(get, path = "/api/v1/admins/{id}", tag = "admins", operation_id = "get_admin",
    params(("id" = AdminId, Path, description = "The administrator's id.")),
    responses((status = 200, body = Admin)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<AdminId>,
) -> Result<Response, Problem> {
    let (found, now) = (reached(&state, &principal, id).await?, state.source.now());
    let admin = state.db.read(move |tx| shown_one(tx, found.clone(), now)).await?;
    Ok(with_version(admin))
}

fn with_version(admin: Admin) -> Response {
    (etag(admin.version), Json(admin)).into_response()
}

/// Adds an administrator
///
/// The answer holds a link, shown only here, by which they choose a password within seven days. Nobody can make somebody
/// who may more than they may themselves, nor elsewhere.
#[utoipa::path(post, path = "/api/v1/admins", tag = "admins", operation_id = "create_admin",
    request_body = NewAdmin, responses((status = 201, body = CreatedAdmin)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    headers: HeaderMap,
    Json(new): Json<NewAdmin>,
) -> Result<Response, Problem> {
    let role: RoleRef = new.role.parse().map_err(|_| Problem::invalid_field("/role", NO_ROLE))?;
    let global = new.organization_group_id == OrganizationGroupId::GLOBAL;
    let home = if global { Tenant::SERVER } else { principal.tenant };
    let (secret, credential) = Credential::new(Kind::Link, home, state.source.secret());
    let actor = principal.actor();
    let made = state.engine.edit(home, actor, move |work| {
        within_reach(work.tx, &principal, new.organization_group_id)?;
        may_make(work, &principal, role)?;
        let admin = admins::create(
            work,
            New {
                user_name: new.user_name.clone(),
                email: new.email.clone(),
                name: new.name.clone(),
                role,
                reach: new.organization_group_id,
                password: None,
            },
        )?;
        let link = admins::link_for(work, admin.id, &credential.hash)?;
        Ok((shown_one(work.tx, admin, work.now)?, link))
    });
    let (about, link) = made.await?;
    let url = links::url(&base_url(&state, &headers), &secret.reveal());
    let location = [(header::LOCATION, format!("/api/v1/admins/{}", about.id))];
    let (tag, link) = (etag(about.version), AdminLink { kind: link.kind, url, expires_at: link.expires_at });
    let mut response = (StatusCode::CREATED, location, tag, Json(CreatedAdmin { about, link })).into_response();
    response.extensions_mut().insert(ShownOnce);
    Ok(response)
}

/// Changes an administrator
///
/// Another role or organization group, and being disabled, ends their sessions. Nobody changes somebody who may more
/// than they may, nor makes them such; and somebody stays who can manage administrators.
#[utoipa::path(patch, path = "/api/v1/admins/{id}", tag = "admins", operation_id = "edit_admin",
    request_body = AdminEdit, params(("id" = AdminId, Path, description = "The administrator's id.")),
    responses((status = 200, body = Admin)))]
async fn edit(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<AdminId>,
    if_match: IfMatch,
    Json(edit): Json<AdminEdit>,
) -> Result<Response, Problem> {
    let found = reached(&state, &principal, id).await?;
    let role = edit.role.as_ref().map(|role| role.parse::<RoleRef>()).transpose();
    let role = role.map_err(|_| Problem::invalid_field("/role", NO_ROLE))?;
    let version = if_match.seen(edit.version)?;
    let actor = principal.actor();
    let changed = state.engine.edit(found.tenant, actor, move |work| {
        let present = admins::get(work, id)?;
        may_make(work, &principal, present.role)?;
        within_reach(work.tx, &principal, present.reach)?;
        if let Some(role) = role {
            may_make(work, &principal, role)?;
        }
        if let Some(group) = edit.organization_group_id {
            within_reach(work.tx, &principal, group)?;
        }
        let edit = Edit {
            user_name: edit.user_name.clone(),
            email: edit.email.clone(),
            name: edit.name.clone(),
            role,
            reach: edit.organization_group_id,
            disabled: edit.disabled,
        };
        let admin = admins::edit(work, id, &edit, version)?;
        shown_one(work.tx, admin, work.now)
    });
    changed.await.map(with_version).map_err(|error| if_match.problem(error))
}

/// Removes an administrator
///
/// Their sessions end. Somebody stays who can manage administrators.
#[utoipa::path(delete, path = "/api/v1/admins/{id}", tag = "admins", operation_id = "delete_admin",
    params(("id" = AdminId, Path, description = "The administrator's id.")), responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<AdminId>,
) -> Result<StatusCode, Problem> {
    let found = reached(&state, &principal, id).await?;
    let actor = principal.actor();
    let deleted = state.engine.edit(found.tenant, actor, move |work| {
        let present = admins::get(work, id)?;
        may_make(work, &principal, present.role)?;
        admins::delete(work, id)
    });
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a new link for an administrator
///
/// To take up the invitation, or to choose a new password. It is shown only here, and takes the place of any there was.
#[utoipa::path(post, path = "/api/v1/admins/{id}/link", tag = "admins", operation_id = "create_admin_link",
    request_body = Option<NewAdminLink>, params(("id" = AdminId, Path, description = "The administrator's id.")),
    responses((status = 201, body = AdminLink),
        (status = 409, description = "The administrator is disabled.", body = Problem,
            content_type = "application/problem+json")))]
async fn link(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<AdminId>,
    headers: HeaderMap,
    asked: Option<Json<NewAdminLink>>,
) -> Result<Response, Problem> {
    let found = reached(&state, &principal, id).await?;
    let asked = asked.map(|Json(asked)| asked).unwrap_or_default();
    let (secret, credential) = Credential::new(Kind::Link, found.tenant, state.source.secret());
    let actor = principal.actor();
    let made = state.engine.edit(found.tenant, actor, move |work| {
        let present = admins::get(work, id)?;
        may_make(work, &principal, present.role)?;
        if asked.remove_second_factors {
            admins::remove_second_factors(work, id)?;
        }
        admins::link_for(work, id, &credential.hash)
    });
    let link = made.await?;
    let url = links::url(&base_url(&state, &headers), &secret.reveal());
    let link = AdminLink { kind: link.kind, url, expires_at: link.expires_at };
    let mut response = (StatusCode::CREATED, Json(link)).into_response();
    response.extensions_mut().insert(ShownOnce);
    Ok(response)
}

/// Unlocks an administrator
///
/// After too many wrong attempts to sign in; else it changes nothing.
#[utoipa::path(post, path = "/api/v1/admins/{id}/unlock", tag = "admins", operation_id = "unlock_admin",
    params(("id" = AdminId, Path, description = "The administrator's id.")),
    responses((status = 200, body = Admin)))]
async fn unlock(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<AdminId>,
) -> Result<Response, Problem> {
    let found = reached(&state, &principal, id).await?;
    let actor = principal.actor();
    let unlocked = state.engine.edit(found.tenant, actor, move |work| {
        let present = admins::get(work, id)?;
        may_make(work, &principal, present.role)?;
        let admin = admins::unlock(work, id)?;
        shown_one(work.tx, admin, work.now)
    });
    Ok(with_version(unlocked.await?))
}
