//! API tokens: credentials of programs. A token's text is shown once, when it is made.

use allclear_domain::{
    ids::{OrganizationGroupId, Tenant, TokenId},
    journal::{Change, Object},
    organization_group::OrganizationGroups,
    time::Time,
};
use allclear_engine::Error;
use allclear_store::{
    db::Tx,
    roles::{self, RoleRef},
    rules, tokens,
};
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
    auth::{Credential, Kind, Principal},
    check::{self, Check},
    extract::{Json, Path},
    idempotency::ShownOnce,
    page::{List, Page, PageParams},
    problem::Problem,
    sorted::{Place, Typed},
};

/// Most tokens of a tenant.
const MOST: i64 = 1000;

/// A credential of a program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct ApiToken {
    /// Its id; not the credential.
    pub id: TokenId,
    /// What it is for.
    pub name: String,
    /// What it may do: the name of a built-in role, or the id of another.
    #[schema(example = "security_manager")]
    pub role: String,
    /// The organization group at or below which it may do it.
    pub organization_group_id: OrganizationGroupId,
    /// When it was made.
    pub created_at: Time,
    /// The credential that made it.
    pub created_by: String,
    /// From when on it is worth nothing; never if null.
    #[schema(required = true)]
    pub expires_at: Option<Time>,
    /// When it was last used, to about a minute; never if null.
    #[schema(required = true)]
    pub last_used_at: Option<Time>,
}

impl From<tokens::ApiToken> for ApiToken {
    fn from(token: tokens::ApiToken) -> Self {
        Self {
            id: token.id,
            name: token.name,
            role: token.role.to_string(),
            organization_group_id: token.reach,
            created_at: token.created_at,
            created_by: token.created_by,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
        }
    }
}

/// A token that was just made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreatedApiToken {
    /// The credential itself. It is shown here and never again.
    #[schema(example = "ac_1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    pub token: String,
    /// What is known about it.
    #[serde(flatten)]
    pub about: ApiToken,
}

/// A token to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiToken {
    /// What it is for.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// What it may do: the name of a built-in role, or the id of another. At most what its maker may do.
    #[schema(max_length = 40)]
    role: String,
    /// The organization group at or below which it may do it. At or below its maker's.
    organization_group_id: OrganizationGroupId,
    /// From when on it is worth nothing; never if left out.
    expires_at: Option<Time>,
}

/// What a list of tokens is narrowed to.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ApiTokenParams {
    /// Each word of this is in its name, whatever the case.
    #[serde(default)]
    #[param(required = false, value_type = String, min_length = 1, max_length = 100)]
    q: Typed,
    /// With this role.
    #[param(max_length = 40)]
    role: Option<String>,
    /// Good at or below this organization group; those good above it are left out.
    organization_group_id: Option<OrganizationGroupId>,
}

/// What tokens are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// When they were made.
    #[default]
    CreatedAt,
    /// What they are for.
    Name,
    /// When they expire; those that never do come last.
    ExpiresAt,
    /// When they were last used; those that never were come first.
    LastUsedAt,
}

impl SortBy {
    fn place(self, token: &tokens::ApiToken) -> Place {
        match self {
            // Ids follow the time they were made.
            SortBy::CreatedAt => Place::number(0, token.id),
            SortBy::Name => Place::text(&token.name, token.id),
            SortBy::ExpiresAt => Place::number(token.expires_at.map_or(i64::MAX, Time::as_micros), token.id),
            SortBy::LastUsedAt => Place::number(token.last_used_at.map_or(i64::MIN, Time::as_micros), token.id),
        }
    }
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, revoke))
}

/// The tokens within the caller's reach
///
/// Sorted by `created_at`, `name`, `expires_at` or `last_used_at`. With Global reach, the server's own tokens are among
/// them.
#[utoipa::path(get, path = "/api/v1/api-tokens", tag = "api-tokens", operation_id = "list_api_tokens",
    params(ApiTokenParams, PageParams), responses((status = 200, body = Page<ApiToken>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<ApiTokenParams, SortBy>,
) -> Result<Json<Page<ApiToken>>, Problem> {
    let role = list.filter.role.as_ref().map(|role| role.parse::<RoleRef>()).transpose();
    let role = role.map_err(|_| Problem::invalid_field("role", NO_ROLE))?;
    let (asked, sort, cut) = (list.filter.clone(), list.sort, list.cut()?);
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let within = asked.organization_group_id.map(|group| principal.below(&rules.organization_groups, group));
        let mut found = tokens::list(tx, principal.tenant, principal.reach)?;
        found.retain(|token| {
            within.as_ref().is_none_or(|within| within.contains(&token.reach))
                && role.is_none_or(|role| token.role == role)
                && asked.q.is_in(&[&token.name])
        });
        let found = cut.of(found, |token| sort.place(token)).into_iter();
        Ok(found.map(|(place, token)| (place, ApiToken::from(token))).collect::<Vec<_>>())
    });
    list.cut_page(found.await?).map(Json)
}

/// One token
#[utoipa::path(get, path = "/api/v1/api-tokens/{id}", tag = "api-tokens", operation_id = "get_api_token",
    params(("id" = TokenId, Path, description = "The token's id.")), responses((status = 200, body = ApiToken)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<TokenId>,
) -> Result<Json<ApiToken>, Problem> {
    let found = state.db.read(move |tx| tokens::get(tx, principal.tenant, principal.reach, id)).await?;
    found.map(|token| Json(token.into())).ok_or_else(|| Problem::not_found("API token"))
}

/// Makes a token
///
/// The answer holds the credential, which is shown only here. Nobody can grant more than they hold, nor a wider reach.
#[utoipa::path(post, path = "/api/v1/api-tokens", tag = "api-tokens", operation_id = "create_api_token",
    request_body = NewApiToken, responses((status = 201, body = CreatedApiToken)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    Json(new): Json<NewApiToken>,
) -> Result<Response, Problem> {
    let now = state.source.now();
    let role: Option<RoleRef> = new.role.parse().ok();
    let mut check = Check::default();
    check.line("/name", &new.name, check::NAME);
    check.that(role.is_some(), "/role", NO_ROLE);
    check.that(new.expires_at.is_none_or(|at| at > now), "/expires_at", "must be in the future");
    check.finish()?;
    let role = role.ok_or_else(|| Problem::invalid_field("/role", NO_ROLE))?;
    let global = new.organization_group_id == OrganizationGroupId::GLOBAL;
    let home = if global { Tenant::SERVER } else { principal.tenant };
    let (secret, credential) = Credential::new(Kind::Api, home, state.source.secret());
    let token = tokens::ApiToken {
        tenant: home,
        id: TokenId(state.source.id()),
        name: new.name,
        role,
        reach: new.organization_group_id,
        created_at: now,
        created_by: principal.name.clone(),
        expires_at: new.expires_at,
        last_used_at: None,
    };
    let (made, actor) = (token.clone(), principal.actor());
    let insert = state.engine.edit(home, actor, move |work| {
        within_reach(work.tx, &principal, token.reach)?;
        let rights = roles::rights(work.tx, home, role)?;
        principal.may_grant(&rights.ok_or_else(|| Error::invalid("/role", NO_ROLE))?)?;
        if tokens::count(work.tx, home)? >= MOST {
            return Err(Error::Conflict(format!("there are {MOST} API tokens already, which is the most")));
        }
        tokens::insert(work.tx, &token, &credential.hash)?;
        let change = Change::Created { after: json(&token) };
        work.note(object(&token), Some(token.reach), change);
        Ok(())
    });
    insert.await?;
    let location = [(header::LOCATION, format!("/api/v1/api-tokens/{}", made.id))];
    let created = CreatedApiToken { token: secret.reveal(), about: made.into() };
    let mut response = (StatusCode::CREATED, location, Json(created)).into_response();
    response.extensions_mut().insert(ShownOnce);
    Ok(response)
}

const NO_ROLE: &str = "there is no such role";

/// What the journal calls a token.
fn object(token: &tokens::ApiToken) -> Object {
    Object { kind: "api_token".into(), id: token.id.to_string(), name: token.name.clone() }
}

/// What the journal says about a token.
fn json(token: &tokens::ApiToken) -> serde_json::Value {
    serde_json::json!({
        "name": token.name,
        "role": token.role.to_string(),
        "organization_group_id": token.reach,
        "expires_at": token.expires_at,
    })
}

/// Refuses a reach that is not at or below the caller's. Groups elsewhere are as good as unknown.
pub(super) fn within_reach(tx: &mut Tx<'_>, principal: &Principal, group: OrganizationGroupId) -> Result<(), Error> {
    let within = if group == OrganizationGroupId::GLOBAL {
        principal.server
    } else {
        let tree = OrganizationGroups::new(&rules::organization_groups(tx, principal.tenant)?);
        tree.contains(group) && principal.reaches(&tree, group)
    };
    if within {
        return Ok(());
    }
    Err(Error::invalid("/organization_group_id", "there is no such organization group within your reach"))
}

/// Revokes a token at once
#[utoipa::path(delete, path = "/api/v1/api-tokens/{id}", tag = "api-tokens", operation_id = "revoke_api_token",
    params(("id" = TokenId, Path, description = "The token's id.")), responses((status = 204)))]
async fn revoke(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<TokenId>,
) -> Result<StatusCode, Problem> {
    let actor = principal.actor();
    let found = state.db.read(move |tx| tokens::get(tx, principal.tenant, principal.reach, id)).await?;
    let token = found.ok_or_else(|| Problem::not_found("API token"))?;
    let revoked = state.engine.edit(token.tenant, actor, move |work| {
        if !tokens::delete(work.tx, token.tenant, id)? {
            return Err(Error::NotFound("API token"));
        }
        work.note(object(&token), Some(token.reach), Change::Deleted { before: json(&token) });
        Ok(())
    });
    revoked.await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use allclear_domain::{ids::OrganizationGroupId, time::Span};
    use serde_json::{Value, json};

    use crate::{
        auth::ORGANIZATION_GROUP,
        testing::{Answer, World, request},
    };

    const TOKENS: &str = "/api/v1/api-tokens";

    async fn make(world: &World, token: &str, role: &str, reach: OrganizationGroupId) -> Answer {
        let body = json!({"name": "Feed", "role": role, "organization_group_id": reach});
        world.call("POST", TOKENS, token, Some(body)).await
    }

    fn at(token: &Value) -> String {
        format!("{TOKENS}/{}", token["id"].as_str().unwrap())
    }

    #[tokio::test]
    async fn a_token_works_from_its_making_to_its_revocation() {
        let world = World::new().await;
        let admin = world.admin().await;
        let made = make(&world, &admin, "read_only", world.north).await;
        let created = made.expect(201);
        assert_eq!(made.header("location"), at(&created));
        let secret = created["token"].as_str().unwrap();
        assert!(secret.starts_with("ac_1_"));
        world.get("/api/v1/roles", secret).await.expect(200);

        let shown = world.get(&at(&created), &admin).await.expect(200);
        assert_eq!(shown["created_by"], "test");
        assert_eq!((&shown["role"], &shown["organization_group_id"]), (&json!("read_only"), &json!(world.north)));
        let list = world.get(TOKENS, &admin).await;
        assert_eq!(list.expect(200)["items"].as_array().unwrap().len(), 2);
        assert!(!list.text().contains(secret), "the secret is shown once");

        world.call("DELETE", &at(&created), &admin, None).await.expect(204);
        world.get("/api/v1/roles", secret).await.expect(401);
        world.call("DELETE", &at(&created), &admin, None).await.expect(404);
        world.get(&format!("{TOKENS}/nonsense"), &admin).await.expect(404);
        assert_eq!(world.noted("api_token").await, ["created", "deleted"]);
    }

    #[tokio::test]
    async fn nobody_makes_a_token_that_may_more_than_they() {
        let world = World::new().await;
        let service = world.token(1, "service_administrator", world.acme).await;
        make(&world, &service, "administrator", world.acme).await.expect(403);
        make(&world, &service, "security_manager", world.acme).await.expect(403);
        make(&world, &service, "service_administrator", world.acme).await.expect(201);

        let north = world.token(1, "administrator", world.north).await;
        make(&world, &north, "administrator", world.north).await.expect(201);
        for wider in [world.acme, world.bolt, OrganizationGroupId::GLOBAL, OrganizationGroupId(uuid::Uuid::max())] {
            let problem = make(&world, &north, "read_only", wider).await.expect(422);
            assert_eq!(problem["errors"][0]["pointer"], "/organization_group_id");
        }
        make(&world, &north, "manager", world.north).await.expect(422);
        make(&world, &north, &uuid::Uuid::max().to_string(), world.north).await.expect(422);
    }

    #[tokio::test]
    async fn tokens_are_seen_and_revoked_within_ones_reach() {
        let world = World::new().await;
        let (admin, north) = (world.admin().await, world.token(1, "administrator", world.north).await);
        let bolt = world.token(2, "administrator", world.bolt).await;
        let of_acme = make(&world, &admin, "read_only", world.acme).await.expect(201);
        let of_north = make(&world, &admin, "read_only", world.north).await.expect(201);
        let count = async |token: &str| world.get(TOKENS, token).await.expect(200)["items"].as_array().unwrap().len();
        assert_eq!((count(&admin).await, count(&north).await, count(&bolt).await), (4, 2, 1));
        world.get(&at(&of_acme), &north).await.expect(404);
        world.call("DELETE", &at(&of_acme), &north, None).await.expect(404);
        world.call("DELETE", &at(&of_acme), &bolt, None).await.expect(404);
        world.call("DELETE", &at(&of_north), &north, None).await.expect(204);
    }

    #[tokio::test]
    async fn global_reach_has_tokens_of_its_own() {
        let world = World::new().await;
        let global = world.token(0, "administrator", OrganizationGroupId::GLOBAL).await;
        let call = async |method: &str, uri: &str, body: Option<Value>| {
            let acme = world.acme.to_string();
            world.send(request(method, uri, &global, body, &[(ORGANIZATION_GROUP, &acme)])).await
        };
        let body =
            |reach: OrganizationGroupId| json!({"name": "g", "role": "read_only", "organization_group_id": reach});
        let made = call("POST", TOKENS, Some(body(OrganizationGroupId::GLOBAL))).await.expect(201);
        assert!(made["token"].as_str().unwrap().starts_with("ac_0_"));
        call("POST", TOKENS, Some(body(world.north))).await.expect(201);
        call("POST", TOKENS, Some(body(world.bolt))).await.expect(422);
        let list = call("GET", TOKENS, None).await.expect(200);
        assert_eq!(list["items"].as_array().unwrap().len(), 3);
        let admin = world.admin().await;
        world.get(&at(&made), &admin).await.expect(404);
        call("DELETE", &at(&made), None).await.expect(204);
    }

    #[tokio::test]
    async fn a_token_may_expire_and_the_list_has_an_order() {
        let world = World::new().await;
        let admin = world.admin().await;
        let now = world.state.source.now();
        let post = async |name: &str, at: String| {
            let body =
                json!({"name": name, "role": "read_only", "organization_group_id": world.acme, "expires_at": at});
            world.call("POST", TOKENS, &admin, Some(body)).await
        };
        let problem = post("late", now.minus(Span::seconds(1)).to_string()).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], "/expires_at");
        assert_eq!(post("bad", "tomorrow".to_owned()).await.expect(422)["errors"][0]["pointer"], "/expires_at");
        let at = now.plus(Span::seconds(3600)).to_string();
        assert_eq!(post("one", at.clone()).await.expect(201)["expires_at"], at);
        post("two", at).await.expect(201);

        let mut names = Vec::new();
        let mut query = "?limit=1&sort=-created_at".to_owned();
        loop {
            let page = world.get(&format!("{TOKENS}{query}"), &admin).await.expect(200);
            names.push(page["items"][0]["name"].as_str().unwrap().to_owned());
            match page["next_cursor"].as_str() {
                Some(cursor) => query = format!("?limit=1&sort=-created_at&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(names, ["two", "one", "test"]);
    }
}
