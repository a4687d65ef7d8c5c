//! Sessions of administrators: where somebody is signed in, and how to end it.

use allclear_domain::{
    admin::SecondFactor,
    ids::{AdminId, SessionId},
    rights::Right,
    time::Time,
};
use allclear_engine::admins::{self, lasts};
use allclear_store::sessions::{self, Session as Stored};
use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::admins::reached;
use crate::{
    app::AppState,
    auth::{Principal, SignedIn, Who},
    extract::{Json, Path, Query},
    problem::Problem,
};

/// A session.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Session {
    /// Its id.
    id: SessionId,
    /// Whose it is.
    admin_id: AdminId,
    /// Whether it is the one that asks.
    current: bool,
    /// What was given besides the password.
    second_factor: SecondFactor,
    /// When it began.
    created_at: Time,
    /// When it was last used, to about a minute.
    last_seen_at: Time,
    /// When it ends at the latest.
    expires_at: Time,
    /// What the browser calls itself.
    #[schema(required = true)]
    user_agent: Option<String>,
    /// The address it was begun from.
    #[schema(required = true)]
    address: Option<String>,
}

/// All sessions of an administrator.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Sessions {
    /// The sessions, the newest first.
    items: Vec<Session>,
}

/// Whose sessions are meant.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Whose {
    /// The administrator; left out: oneself. Others need the right `manage_roles`.
    admin_id: Option<AdminId>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, end_others)).routes(routes!(end))
}

/// Where somebody is signed in
#[utoipa::path(get, path = "/api/v1/sessions", tag = "session", operation_id = "list_sessions", params(Whose),
    responses((status = 200, body = Sessions)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(whose): Query<Whose>,
) -> Result<Json<Sessions>, Problem> {
    let (home, id) = match (whose.admin_id, principal.who) {
        (None, Who::Admin(own, _)) => (principal.home, own),
        (Some(asked), Who::Admin(own, _)) if asked == own => (principal.home, own),
        (Some(asked), _) => {
            principal.require(Right::ManageRoles)?;
            let admin = reached(&state, &principal, asked).await?;
            (admin.tenant, admin.id)
        }
        (None, Who::Token(_)) => {
            return Err(Problem::invalid_field("admin_id", "is required with an API token, which has no sessions"));
        }
    };
    let now = state.source.now();
    let found = state.db.read(move |tx| sessions::of_admin(tx, home, id)).await?;
    let current = |session: &Stored| matches!(principal.who, Who::Admin(_, own) if own == session.id);
    let items = found.into_iter().filter(|session| lasts(session, now)).map(|session| Session {
        current: current(&session),
        id: session.id,
        admin_id: session.admin,
        second_factor: session.second_factor,
        created_at: session.created_at,
        last_seen_at: session.last_seen_at,
        expires_at: session.expires_at,
        user_agent: session.user_agent,
        address: session.address,
    });
    Ok(Json(Sessions { items: items.collect() }))
}

/// Ends a session
///
/// One's own, or with the right `manage_roles` that of another administrator within reach.
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "session", operation_id = "end_session",
    params(("id" = SessionId, Path, description = "The session's id.")), responses((status = 204)))]
async fn end(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<SessionId>,
) -> Result<StatusCode, Problem> {
    let none = || Problem::not_found("session");
    let tenants = [principal.home, principal.tenant];
    let found = state.db.read(move |tx| match sessions::get(tx, tenants[0], id)? {
        None if tenants[1] != tenants[0] => sessions::get(tx, tenants[1], id),
        found => Ok(found),
    });
    let found = found.await?;
    let own = |session: &Stored| matches!(principal.who, Who::Admin(own, _) if own == session.admin);
    match &found {
        Some(session) if own(session) => {}
        // Whoever may not end it need not know whether it is there.
        _ => principal.require(Right::ManageRoles)?,
    }
    let session = found.ok_or_else(none)?;
    if !own(&session) {
        reached(&state, &principal, session.admin).await.map_err(|_| none())?;
    }
    let ended = state.engine.edit(session.tenant, principal.actor(), move |work| {
        let admin = admins::get(work, session.admin)?;
        admins::end_session(work, &admin, &session)
    });
    ended.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Signs out everywhere else
///
/// Ends all of one's own sessions but this one.
#[utoipa::path(delete, path = "/api/v1/sessions", tag = "session", operation_id = "end_other_sessions",
    responses((status = 204)))]
async fn end_others(
    State(state): State<AppState>,
    principal: Principal,
    signed_in: SignedIn,
) -> Result<StatusCode, Problem> {
    let (admin, session) = (signed_in.admin, signed_in.session.id);
    let ended = state
        .engine
        .edit(admin.tenant, principal.actor(), move |work| admins::end_sessions(work, &admin, Some(session)));
    ended.await?;
    Ok(StatusCode::NO_CONTENT)
}
