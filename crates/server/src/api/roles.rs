//! Roles: named sets of rights. The built-in ones cannot be changed, only copied.

use std::collections::BTreeSet;

use allclear_domain::{
    ids::RoleId,
    journal::{Change, Object},
    rights::{BuiltInRole, Right},
};
use allclear_engine::{Error, admins::keeping_a_manager, work::Work};
use allclear_store::roles::{self, RoleRef};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    auth::Principal,
    check::{self, Check},
    extract::{IfMatch, Json, Path, etag},
    page::{List, Page, PageParams},
    problem::Problem,
    sorted::{Place, Typed},
};

/// Most roles of a tenant's own.
const MOST: usize = 200;

/// A named set of rights.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Role {
    /// The name of a built-in role, or the id of another.
    #[schema(example = "security_manager")]
    pub id: String,
    /// Its name.
    pub name: String,
    /// Whether every tenant has it; such a role cannot be changed.
    pub built_in: bool,
    /// What it may do.
    pub rights: BTreeSet<Right>,
    /// Grows with every change; null for built-in roles.
    #[schema(required = true)]
    pub version: Option<i64>,
}

impl From<BuiltInRole> for Role {
    fn from(role: BuiltInRole) -> Self {
        let (id, name) = (role.as_str().to_owned(), role.display().to_owned());
        Self { id, name, built_in: true, rights: role.rights(), version: None }
    }
}

impl From<roles::Role> for Role {
    fn from(role: roles::Role) -> Self {
        let version = Some(role.version);
        Self { id: role.id.to_string(), name: role.name, built_in: false, rights: role.rights, version }
    }
}

/// A role to be made, from scratch (`rights`) or as a copy (`copy_of`).
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// Its name, unique in the tenant.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it may do.
    rights: Option<BTreeSet<Right>>,
    /// The role to copy: the name of a built-in one or an id.
    #[schema(max_length = 40)]
    copy_of: Option<String>,
}

/// A change of a role. What is left out stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleEdit {
    /// Its new name.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// What it may do from now on.
    rights: Option<BTreeSet<Right>>,
    /// The version this edit is based on, unless `If-Match` says it.
    version: Option<i64>,
}

/// What a list of roles is narrowed to.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct RoleParams {
    /// Each word of this is in its name, whatever the case.
    #[serde(default)]
    #[param(required = false, value_type = String, min_length = 1, max_length = 100)]
    q: Typed,
    /// Those every tenant has, or the tenant's own.
    built_in: Option<bool>,
    /// Those that hold this right.
    right: Option<Right>,
}

/// What roles are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The name.
    #[default]
    Name,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, edit, delete))
}

/// All roles, built-in ones too
///
/// Sorted by `name`.
#[utoipa::path(get, path = "/api/v1/roles", tag = "roles", operation_id = "list_roles",
    params(RoleParams, PageParams), responses((status = 200, body = Page<Role>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<RoleParams, SortBy>,
) -> Result<Json<Page<Role>>, Problem> {
    let own = state.db.read(move |tx| roles::list(tx, principal.tenant)).await?;
    let all = BuiltInRole::ALL.into_iter().map(Role::from).chain(own.into_iter().map(Role::from));
    let RoleParams { q, built_in, right } = &list.filter;
    let fitting = all.filter(|role| {
        q.is_in(&[&role.name])
            && built_in.is_none_or(|built_in| role.built_in == built_in)
            && right.is_none_or(|right| role.rights.contains(&right))
    });
    list.cut_page(list.cut()?.of(fitting, |role| Place::text(&role.name, &role.id))).map(Json)
}

/// One role
#[utoipa::path(get, path = "/api/v1/roles/{id}", tag = "roles", operation_id = "get_role",
    params(("id" = String, Path, description = "The name of a built-in role, or an id.")),
    responses((status = 200, body = Role)))]
async fn get(State(state): State<AppState>, principal: Principal, Path(id): Path<String>) -> Result<Response, Problem> {
    match id.parse() {
        Ok(RoleRef::BuiltIn(role)) => Ok(Json(Role::from(role)).into_response()),
        Ok(RoleRef::Custom(id)) => {
            let role = state.db.read(move |tx| roles::get(tx, principal.tenant, id)).await?;
            role.map(with_version).ok_or_else(|| Problem::not_found("role"))
        }
        Err(_) => Err(Problem::not_found("role")),
    }
}

fn with_version(role: roles::Role) -> Response {
    (etag(role.version), Json(Role::from(role))).into_response()
}

/// Makes a role
///
/// Nobody can grant more than they hold.
#[utoipa::path(post, path = "/api/v1/roles", tag = "roles", operation_id = "create_role", request_body = NewRole,
    responses((status = 201, body = Role)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    Json(new): Json<NewRole>,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    check.line("/name", &new.name, check::NAME);
    check.that(new.rights.is_some() != new.copy_of.is_some(), "/rights", "give either rights or copy_of");
    check.finish()?;
    let id = RoleId(state.source.id());
    let (tenant, actor) = (principal.tenant, principal.actor());
    let made = state.engine.edit(tenant, actor, move |work| {
        principal.whole_tenant(work.rules())?;
        let rights = match (&new.rights, &new.copy_of) {
            (Some(rights), _) => rights.clone(),
            (None, copied) => {
                let copied = copied.as_deref().unwrap_or_default().parse().ok();
                let rights = copied.map(|role| roles::rights(work.tx, tenant, role)).transpose()?.flatten();
                rights.ok_or_else(|| Error::invalid("/copy_of", "there is no such role"))?
            }
        };
        principal.may_grant(&rights)?;
        free(&new.name)?;
        if roles::list(work.tx, tenant)?.len() >= MOST {
            return Err(Error::Conflict(format!("there are {MOST} roles already, which is the most")));
        }
        let role = roles::Role { id, name: new.name.clone(), rights, version: 1 };
        roles::insert(work.tx, tenant, &role).map_err(taken)?;
        note(work, None, Some(&role));
        Ok(role)
    });
    let made = made.await?;
    let location = [(header::LOCATION, format!("/api/v1/roles/{}", made.id))];
    Ok((StatusCode::CREATED, location, with_version(made)).into_response())
}

/// Changes a role
///
/// Whoever holds the role is concerned from their next request on. Nobody can grant or take away more than they hold, and
/// the last who can manage administrators keep the right to.
#[utoipa::path(patch, path = "/api/v1/roles/{id}", tag = "roles", operation_id = "edit_role", request_body = RoleEdit,
    params(("id" = String, Path, description = "The role's id.")), responses((status = 200, body = Role)))]
async fn edit(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
    if_match: IfMatch,
    Json(edit): Json<RoleEdit>,
) -> Result<Response, Problem> {
    let id = own(&id)?;
    if let Some(name) = &edit.name {
        let mut check = Check::default();
        check.line("/name", name, check::NAME);
        check.finish()?;
    }
    let version = if_match.seen(edit.version)?;
    let (tenant, actor) = (principal.tenant, principal.actor());
    let changed = state.engine.edit(tenant, actor, move |work| {
        principal.whole_tenant(work.rules())?;
        let old = roles::get(work.tx, tenant, id)?.ok_or(Error::NotFound("role"))?;
        if version != old.version {
            return Err(Error::Stale(old.version));
        }
        let mut role = roles::Role { version: old.version + 1, ..old.clone() };
        if let Some(rights) = &edit.rights {
            principal.may_grant(rights.symmetric_difference(&old.rights))?;
            role.rights.clone_from(rights);
        }
        if let Some(name) = &edit.name {
            free(name)?;
            role.name.clone_from(name);
        }
        if role.name == old.name && role.rights == old.rights {
            return Ok(old);
        }
        keeping_a_manager(work, |work| roles::update(work.tx, tenant, &role).map_err(taken))?;
        note(work, Some(&old), Some(&role));
        Ok(role)
    });
    changed.await.map(with_version).map_err(|error| if_match.problem(error))
}

/// Deletes a role that nobody holds
#[utoipa::path(delete, path = "/api/v1/roles/{id}", tag = "roles", operation_id = "delete_role",
    params(("id" = String, Path, description = "The role's id.")),
    responses((status = 204), (status = 409, description = "It is held by somebody.", body = Problem,
        content_type = "application/problem+json")))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<String>,
) -> Result<StatusCode, Problem> {
    let id = own(&id)?;
    let (tenant, actor) = (principal.tenant, principal.actor());
    let deleted = state.engine.edit(tenant, actor, move |work| {
        principal.whole_tenant(work.rules())?;
        let old = roles::get(work.tx, tenant, id)?.ok_or(Error::NotFound("role"))?;
        principal.may_grant(&old.rights)?;
        let (tokens, admins) = roles::holders(work.tx, tenant, id)?;
        if tokens + admins > 0 {
            let holders = format!("{tokens} API tokens and {admins} administrators");
            return Err(Error::Conflict(format!("the role is held by {holders}")));
        }
        roles::delete(work.tx, tenant, id)?;
        note(work, Some(&old), None);
        Ok(())
    });
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Writes into the journal what a role was and is.
fn note(work: &mut Work<'_, '_>, before: Option<&roles::Role>, after: Option<&roles::Role>) {
    let json = |role: &roles::Role| serde_json::json!({ "name": role.name, "rights": role.rights });
    let change = match (before.map(json), after.map(json)) {
        (Some(before), Some(after)) => Change::Updated { before, after },
        (Some(before), None) => Change::Deleted { before },
        (None, after) => Change::Created { after: after.unwrap_or_default() },
    };
    if let Some(role) = after.or(before) {
        work.note(Object { kind: "role".into(), id: role.id.to_string(), name: role.name.clone() }, None, change);
    }
}

/// The id of a role that can be changed.
fn own(id: &str) -> Result<RoleId, Problem> {
    match id.parse() {
        Ok(RoleRef::Custom(id)) => Ok(id),
        Ok(RoleRef::BuiltIn(_)) => Err(Problem::conflict("A built-in role cannot be changed; copy it.")),
        Err(_) => Err(Problem::not_found("role")),
    }
}

/// Refuses the name of a built-in role.
fn free(name: &str) -> Result<(), Error> {
    let built_in = |role: BuiltInRole| name.eq_ignore_ascii_case(role.display()) || name == role.as_str();
    if BuiltInRole::ALL.into_iter().any(built_in) { Err(name_taken()) } else { Ok(()) }
}

fn taken(error: allclear_store::Error) -> Error {
    if error.is_unique_violation() { name_taken() } else { error.into() }
}

fn name_taken() -> Error {
    Error::Conflict("there is a role of this name already".into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use allclear_domain::{
        ids::Tenant,
        journal::{Actor, ActorKind},
        rights::BuiltInRole,
    };
    use allclear_engine::admins::{self, NewAdmin};
    use allclear_store::roles::RoleRef;
    use serde_json::{Value, json};

    use crate::testing::{World, request};

    const ROLES: &str = "/api/v1/roles";

    async fn make(world: &World, token: &str, body: Value) -> Value {
        world.call("POST", ROLES, token, Some(body)).await.expect(201)
    }

    fn at(role: &Value) -> String {
        format!("{ROLES}/{}", role["id"].as_str().unwrap())
    }

    #[tokio::test]
    async fn the_list_has_the_built_in_roles_and_the_tenants_own() {
        let world = World::new().await;
        let token = world.admin().await;
        make(&world, &token, json!({"name": "Night shift", "rights": ["view", "notify"]})).await;
        let names = async |query: &str| -> Vec<String> {
            let list = world.get(&format!("{ROLES}{query}"), &token).await.expect(200);
            assert!(list["next_cursor"].is_null());
            list["items"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap().to_owned()).collect()
        };
        let all = names("").await;
        assert_eq!(
            all,
            [
                "Administrator",
                "Administrator Level 2",
                "Help Desk",
                "Night shift",
                "Read-Only",
                "Security Manager",
                "Service Administrator"
            ]
        );
        assert_eq!(names("?sort=-name").await, all.iter().rev().cloned().collect::<Vec<_>>());

        let mut paged = Vec::new();
        let mut query = "?limit=3".to_owned();
        loop {
            let page = world.get(&format!("{ROLES}{query}"), &token).await.expect(200);
            paged
                .extend(page["items"].as_array().unwrap().iter().map(|role| role["name"].as_str().unwrap().to_owned()));
            match page["next_cursor"].as_str() {
                Some(cursor) => query = format!("?limit=3&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(paged, all);
        world.get(&format!("{ROLES}?colour=red"), &token).await.expect(422);

        let bolt = world.token(2, "administrator", world.bolt).await;
        let of_bolt = world.get(ROLES, &bolt).await.expect(200);
        assert_eq!(of_bolt["items"].as_array().unwrap().len(), 6, "another tenant's roles are its own");
    }

    #[tokio::test]
    async fn a_role_is_made_changed_and_deleted() {
        let world = World::new().await;
        let token = world.admin().await;
        let made = world.call("POST", ROLES, &token, Some(json!({"name": "Copy", "copy_of": "help_desk"}))).await;
        let role = made.expect(201);
        assert_eq!(role["rights"], json!(["view", "enroll_devices", "command_devices", "manage_tags"]));
        assert_eq!((made.header("location"), made.header("etag")), (at(&role).as_str(), "\"1\""));
        assert_eq!(world.get(&at(&role), &token).await.expect(200), role);
        let copy = make(&world, &token, json!({"name": "Copy 2", "copy_of": role["id"]})).await;
        assert_eq!(copy["rights"], role["rights"]);

        let edit = async |body: Value, headers: &[(&str, &str)]| {
            world.send(request("PATCH", &at(&role), &token, Some(body), headers)).await
        };
        edit(json!({"name": "New"}), &[]).await.expect(422);
        let edited = edit(json!({"name": "New", "version": 1}), &[]).await;
        assert_eq!(edited.header("etag"), "\"2\"");
        assert_eq!((&edited.json()["name"], &edited.json()["version"]), (&json!("New"), &json!(2)));
        assert_eq!(edit(json!({"rights": [], "version": 1}), &[]).await.expect(409)["type"], "/problems/stale-version");
        edit(json!({"rights": []}), &[("if-match", "\"1\"")]).await.expect(412);
        let edited = edit(json!({"rights": ["view"]}), &[("if-match", "\"2\"")]).await.expect(200);
        assert_eq!((&edited["rights"], &edited["version"]), (&json!(["view"]), &json!(3)));
        let same = edit(json!({"rights": ["view"], "version": 3}), &[]).await.expect(200);
        assert_eq!(same["version"], 3, "nothing changed");
        edit(json!({"name": "Copy 2", "version": 3}), &[]).await.expect(409);

        let holder = world.token(1, role["id"].as_str().unwrap(), world.acme).await;
        world.get(ROLES, &holder).await.expect(200);
        edit(json!({"rights": [], "version": 3}), &[]).await.expect(200);
        world.get(ROLES, &holder).await.expect(403);
        world.call("DELETE", &at(&role), &token, None).await.expect(409);
        world.call("DELETE", &at(&copy), &token, None).await.expect(204);
        world.call("DELETE", &at(&copy), &token, None).await.expect(404);
        world.get(&at(&copy), &token).await.expect(404);
        let noted = world.noted("role").await;
        assert_eq!(noted, ["created", "created", "updated", "updated", "updated", "deleted"]);
    }

    #[tokio::test]
    async fn nobody_grants_or_takes_away_more_than_they_hold() {
        let world = World::new().await;
        let admin = world.admin().await;
        let service = world.token(1, "service_administrator", world.acme).await;
        let too_much = json!({"name": "X", "rights": ["view", "edit_protections"]});
        let refused = world.call("POST", ROLES, &service, Some(too_much.clone())).await.expect(403);
        assert!(refused["detail"].as_str().unwrap().contains("edit_protections"), "{refused}");
        world.call("POST", ROLES, &service, Some(json!({"name": "X", "copy_of": "administrator"}))).await.expect(403);

        let role = make(&world, &admin, too_much).await;
        let edit = async |rights: Value, version: i64| {
            world.call("PATCH", &at(&role), &service, Some(json!({"rights": rights, "version": version}))).await
        };
        edit(json!(["view"]), 1).await.expect(403);
        edit(json!(["edit_protections"]), 1).await.expect(200);
        edit(json!(["edit_protections", "manage_profiles"]), 2).await.expect(403);
        world.call("DELETE", &at(&role), &service, None).await.expect(403);

        let north = world.token(1, "administrator", world.north).await;
        world.get(ROLES, &north).await.expect(200);
        world.call("POST", ROLES, &north, Some(json!({"name": "Y", "rights": []}))).await.expect(403);
    }

    #[tokio::test]
    async fn the_last_who_manage_administrators_keep_the_right_to() {
        let world = World::new().await;
        let admin = world.admin().await;
        let role = make(&world, &admin, json!({"name": "Owners", "copy_of": "administrator"})).await;
        let id: RoleRef = role["id"].as_str().unwrap().parse().unwrap();
        let (tenant, acme) = (Tenant(1), world.acme);
        let add = async |user_name: &'static str, role: RoleRef| {
            let actor = Actor::new(ActorKind::Operator, "test");
            let added = world.state.engine.edit(tenant, actor, move |work| {
                let (name, password) = (user_name.to_owned(), Some("hash".to_owned()));
                let user_name = name.clone();
                admins::create(work, NewAdmin { user_name, email: None, name, role, reach: acme, password })
            });
            added.await.unwrap()
        };
        add("reader", RoleRef::BuiltIn(BuiltInRole::ReadOnly)).await;
        add("owner", id).await;
        let edit = async |body: Value| world.call("PATCH", &at(&role), &admin, Some(body)).await;
        let refused = edit(json!({"rights": ["view"], "version": 1})).await.expect(409);
        assert!(refused["detail"].as_str().unwrap().contains("manage administrators"), "{refused}");
        assert_eq!(world.get(&at(&role), &admin).await.expect(200), role, "as it was");
        edit(json!({"rights": ["view", "manage_roles"], "version": 1})).await.expect(200);

        add("second", RoleRef::BuiltIn(BuiltInRole::Administrator)).await;
        edit(json!({"rights": ["view"], "version": 2})).await.expect(200);
    }

    #[tokio::test]
    async fn bad_input_is_refused_member_by_member() {
        let world = World::new().await;
        let token = world.admin().await;
        let post = async |body: Value| world.call("POST", ROLES, &token, Some(body)).await;
        let pointers = async |body: Value| -> Vec<String> {
            let problem = post(body).await.expect(422);
            problem["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(pointers(json!({"name": "", "rights": [], "copy_of": "read_only"})).await, ["/name", "/rights"]);
        assert_eq!(pointers(json!({"name": "x"})).await, ["/rights"]);
        assert_eq!(pointers(json!({"name": "x", "rights": ["fly"]})).await, ["/rights/0"]);
        assert_eq!(pointers(json!({"name": "x", "rights": [], "colour": 1})).await, ["/colour"]);
        assert_eq!(pointers(json!({"name": "x", "copy_of": "nobody"})).await, ["/copy_of"]);
        post(json!({"name": "Read-Only", "rights": []})).await.expect(409);
        make(&world, &token, json!({"name": "x", "rights": []})).await;
        post(json!({"name": "x", "rights": []})).await.expect(409);

        world.get("/api/v1/roles/nobody", &token).await.expect(404);
        assert_eq!(world.get("/api/v1/roles/read_only", &token).await.expect(200)["built_in"], true);
        world.call("DELETE", "/api/v1/roles/read_only", &token, None).await.expect(409);
        let no_type = request("POST", ROLES, &token, None, &[]);
        world.send(no_type).await.expect(415);
        let empty = request("POST", ROLES, &token, None, &[("content-type", "application/json")]);
        world.send(empty).await.expect(400);

        let bolt = world.token(2, "administrator", world.bolt).await;
        let role = make(&world, &token, json!({"name": "Acme's", "rights": []})).await;
        for method in ["GET", "DELETE"] {
            world.call(method, &at(&role), &bolt, None).await.expect(404);
        }
        world.call("PATCH", &at(&role), &bolt, Some(json!({"version": 1}))).await.expect(404);
        world.call("POST", ROLES, &bolt, Some(json!({"name": "z", "copy_of": role["id"]}))).await.expect(422);
    }
}
