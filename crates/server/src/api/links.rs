//! One-time links by which somebody comes to an account or to a new password. A link's text stands after the `#` of its
//! address, where no server and no log sees it, and is sent in a body.

use allclear_domain::{
    admin::LinkKind,
    ids::{OrganizationGroupId, Tenant},
    journal::{Actor, ActorKind},
    rights::BuiltInRole,
    time::Time,
};
use allclear_engine::{
    Engine, Error,
    admins::{self, NewAdmin},
};
use allclear_store::{admins::Admin, organization_groups, roles::RoleRef, sign_in_links::SignInLink};
use axum::{extract::State, http::HeaderMap};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::session::Named;
use crate::{
    app::AppState,
    auth::{Credential, Kind},
    extract::Json,
    problem::Problem,
    sign_in::{origin, password},
};

/// A link.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// What stands after the `#`.
    #[schema(max_length = 100, example = "acl_1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    token: String,
}

/// What a link is for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LinkAnswer {
    /// What it is for.
    kind: LinkKind,
    /// The name to sign in with; null if it is still to be chosen.
    #[schema(required = true)]
    user_name: Option<String>,
    /// The mail address.
    #[schema(required = true)]
    email: Option<String>,
    /// What people call them; null if it is still to be chosen.
    #[schema(required = true)]
    name: Option<String>,
    /// The organization group they will administer.
    organization_group: Named<OrganizationGroupId>,
    /// From when on the link is worth nothing.
    expires_at: Time,
}

/// What somebody who follows a link chooses.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Redemption {
    /// What stands after the `#`.
    #[schema(max_length = 100)]
    token: String,
    /// The new password; not what one signs in with.
    #[schema(min_length = 12, max_length = 256, format = "password")]
    password: String,
    /// What people call them. Required to set something up; else what is left out stays.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The name to sign in with. Required to set something up, and for nothing else.
    #[schema(min_length = 1, max_length = 254)]
    user_name: Option<String>,
    /// The mail address, to set something up.
    #[schema(max_length = 254)]
    email: Option<String>,
}

/// Who can sign in now.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Redeemed {
    /// The name to sign in with.
    user_name: String,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(inspect)).routes(routes!(redeem))
}

fn no_link() -> Problem {
    Problem::not_found("link, or it has been used or has expired")
}

fn credential(token: &str) -> Result<Credential, Problem> {
    Credential::parse(token).filter(|credential| credential.kind == Kind::Link).ok_or_else(no_link)
}

/// Reads what a link is for
///
/// It stays good.
#[utoipa::path(post, path = "/api/v1/links/inspect", tag = "session", operation_id = "inspect_link",
    request_body = Link, responses((status = 200, body = LinkAnswer),
        (status = 404, description = "It has been used, has expired or never was.", body = Problem,
            content_type = "application/problem+json")))]
async fn inspect(State(state): State<AppState>, Json(given): Json<Link>) -> Result<Json<LinkAnswer>, Problem> {
    let credential = credential(&given.token)?;
    let now = state.source.now();
    let answer = state.db.read(move |tx| {
        let link = admins::good_link(tx, credential.tenant, &credential.hash, now)?;
        let admin = match link.admin {
            Some(id) => Some(allclear_store::admins::get(tx, link.tenant, id)?.ok_or(Error::NotFound("link"))?),
            None => None,
        };
        let group = organization_groups::get(tx, link.tenant, link.reach)?;
        Ok::<_, Error>(LinkAnswer {
            kind: link.kind,
            user_name: admin.as_ref().map(|admin| admin.user_name.clone()),
            email: admin.as_ref().and_then(|admin| admin.email.clone()),
            name: admin.map(|admin| admin.name),
            organization_group: Named { id: link.reach, name: group.map(|(group, _)| group.name).unwrap_or_default() },
            expires_at: link.expires_at,
        })
    });
    Ok(Json(answer.await?))
}

/// Takes a link up
///
/// Sets the password, and to set something up makes the first administrator, with the role `administrator`. Then the
/// link is used up, and one can sign in. A second factor that is there stays. All sessions of the administrator end.
#[utoipa::path(post, path = "/api/v1/links/redeem", tag = "session", operation_id = "redeem_link",
    request_body = Redemption, responses((status = 200, body = Redeemed),
        (status = 403, description = "The request comes from a page of another site.", body = Problem,
            content_type = "application/problem+json"),
        (status = 404, description = "It has been used, has expired or never was.", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "Somebody else signs in with that name.", body = Problem,
            content_type = "application/problem+json")))]
async fn redeem(
    State(state): State<AppState>,
    headers: HeaderMap,
    Json(given): Json<Redemption>,
) -> Result<Json<Redeemed>, Problem> {
    origin::check_sign_in(&headers, &state.options)?;
    let credential = credential(&given.token)?;
    let now = state.source.now();
    let found = state.db.read(move |tx| {
        let link = admins::good_link(tx, credential.tenant, &credential.hash, now)?;
        let admin = match link.admin {
            Some(id) => allclear_store::admins::get(tx, link.tenant, id)?,
            None => None,
        };
        Ok::<_, Error>((link, admin))
    });
    let (link, admin) = found.await?;
    let new = new_admin(&link, admin.as_ref(), &given)?;
    let names = [new.user_name.as_str(), new.email.as_deref().unwrap_or_default()];
    if let Some(problem) = password::problem(&given.password, &names) {
        return Err(Problem::invalid_field("/password", problem));
    }
    let hash = state.passwords.hash(given.password, state.source.clone()).await?;
    let new = NewAdmin { password: Some(hash), ..new };
    let user_name = new.user_name.clone();
    let actor = Actor::new(ActorKind::Administrator, new.name.clone());
    let redeemed = state.engine.edit(credential.tenant, actor, move |work| {
        // Looked at again: of several at once exactly one is first.
        let link = admins::good_link(work.tx, credential.tenant, &credential.hash, work.now)?;
        let Some(id) = link.admin else {
            return admins::create(work, new.clone()).map(|_| ());
        };
        let admin = admins::get(work, id)?;
        if admin.name != new.name {
            let edit = admins::AdminEdit { name: Some(new.name.clone()), ..admins::AdminEdit::default() };
            admins::edit(work, id, &edit, admin.version)?;
        }
        admins::set_password(work, id, new.password.clone().unwrap_or_default(), None).map(|_| ())
    });
    redeemed.await?;
    Ok(Json(Redeemed { user_name }))
}

/// What an administrator will be by a link and what was chosen.
fn new_admin(link: &SignInLink, admin: Option<&Admin>, given: &Redemption) -> Result<NewAdmin, Problem> {
    let (role, reach) = (RoleRef::BuiltIn(BuiltInRole::Administrator), link.reach);
    let Some(admin) = admin else {
        let required = |value: &Option<String>, pointer: &str| {
            value.clone().ok_or_else(|| Problem::invalid_field(pointer, "is required to set something up"))
        };
        let (user_name, name) = (required(&given.user_name, "/user_name")?, required(&given.name, "/name")?);
        return Ok(NewAdmin { user_name, email: given.email.clone(), name, role, reach, password: None });
    };
    for (value, pointer) in [(&given.user_name, "/user_name"), (&given.email, "/email")] {
        if value.is_some() {
            return Err(Problem::invalid_field(pointer, "is for links that set something up"));
        }
    }
    let name = given.name.clone().unwrap_or_else(|| admin.name.clone());
    let (user_name, email) = (admin.user_name.clone(), admin.email.clone());
    Ok(NewAdmin { user_name, email, name, role, reach, password: None })
}

/// Makes a link with which somebody becomes the first administrator of a tenant, for commands on the server itself.
pub async fn set_up(
    engine: &Engine,
    actor: Actor,
    (tenant, reach): (Tenant, OrganizationGroupId),
) -> Result<String, Error> {
    let (secret, credential) = Credential::new(Kind::Link, tenant, engine.source().secret());
    engine.edit(tenant, actor, move |work| admins::set_up_link(work, reach, &credential.hash)).await?;
    Ok(secret.reveal())
}

/// The address of a link.
pub fn url(base: &str, token: &str) -> String {
    format!("{}/welcome#{token}", base.trim_end_matches('/'))
}
