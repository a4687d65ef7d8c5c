//! One's own session: signing in and out, and who one is.

use std::collections::BTreeSet;

use allclear_domain::{
    admin::{AdminState, SecondFactor},
    ids::{AdminId, OrganizationGroupId, SessionId, Tenant, TokenId},
    journal::{Actor, ActorKind},
    rights::Right,
    time::{Span, Time},
};
use allclear_engine::{
    Error,
    admins::{self as engine, has_second_factor},
};
use allclear_store::{
    admins::{self, Admin, Lockout},
    db::Tx,
    organization_groups, roles, second_factors,
    sessions::{self, Session},
    tenants,
};
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access::{self, ClientAddress},
    app::AppState,
    auth::{Credential, Kind, Principal, Secret, SignedIn, Who},
    extract::Json,
    problem::Problem,
    sign_in::{cookie, origin},
};

/// How long a session lasts, however much it is used.
const LASTS: Span = Span::days(7);
/// How long somebody may take to give the second factor.
const AWAITED: Span = Span::seconds(300);
/// Wrong attempts in a row that lock an account, and for how long.
const FAILURES: i64 = 10;
const LOCKED: Span = Span::seconds(900);
/// How long ago the password may have been given for what needs it.
const PASSWORD_LASTS: Span = Span::seconds(600);
/// Characters kept of what a browser calls itself.
const USER_AGENT: usize = 200;

/// Who somebody is who signs in, and their password.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SignIn {
    /// The user name or mail address, in whatever case.
    #[schema(max_length = 254, example = "ada@example.com")]
    user_name: String,
    /// The password.
    #[schema(max_length = 256, format = "password")]
    password: String,
}

/// How far signing in has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SignInState {
    /// All is given.
    SignedIn,
    /// One of `methods` has to be given.
    SecondFactorRequired,
    /// Signed in, but good for nothing until a second factor is set up.
    SecondFactorSetupRequired,
}

/// A way to give the second factor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// `POST /api/v1/session/totp`
    Totp,
    /// `POST /api/v1/session/passkey`
    Passkey,
    /// `POST /api/v1/session/recovery-code`
    RecoveryCode,
}

/// How far signing in has come.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct SignInAnswer {
    /// How far.
    state: SignInState,
    /// The ways to give the second factor, if it is required.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    methods: Vec<Method>,
}

/// Who is behind a request.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionAnswer {
    /// The administrator; null for an API token.
    #[schema(required = true)]
    admin: Option<SessionAdmin>,
    /// The API token; null for an administrator.
    #[schema(required = true)]
    token: Option<SessionToken>,
    /// What they may do.
    rights: BTreeSet<Right>,
    /// The role that says so.
    role: Named<String>,
    /// The organization group at or below which they may do it.
    organization_group: Named<OrganizationGroupId>,
    /// The customer this request acts for; null for the server itself.
    #[schema(required = true)]
    tenant: Option<Named<OrganizationGroupId>>,
    /// Whether they reach Global, and choose a customer by the header `Allclear-Organization-Group`.
    server: bool,
    /// The second factor of the administrator; null for an API token.
    #[schema(required = true)]
    second_factor: Option<SecondFactorAnswer>,
    /// The session; null for an API token.
    #[schema(required = true)]
    session_id: Option<SessionId>,
    /// Until when what needs the password can be done without giving it again; null for an API token.
    #[schema(required = true)]
    password_good_until: Option<Time>,
    /// When the session ends at the latest, or the token expires; null if it does not.
    #[schema(required = true)]
    expires_at: Option<Time>,
}

/// An administrator.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionAdmin {
    id: AdminId,
    name: String,
    user_name: String,
    #[schema(required = true)]
    email: Option<String>,
}

impl From<Admin> for SessionAdmin {
    fn from(admin: Admin) -> Self {
        Self { id: admin.id, name: admin.name, user_name: admin.user_name, email: admin.email }
    }
}

/// An API token.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SessionToken {
    id: TokenId,
    name: String,
}

/// Something with a name.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Named<T> {
    /// Its id.
    pub id: T,
    /// Its name.
    pub name: String,
}

/// The second factor of an administrator.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct SecondFactorAnswer {
    /// What was given when the session began.
    given: SecondFactor,
    /// Whether there are one-time codes.
    totp: bool,
    /// How many passkeys there are.
    passkeys: i64,
    /// How many recovery codes are left.
    recovery_codes: i64,
    /// Whether the settings require one.
    required: bool,
    /// Whether one has to be set up before anything else.
    setup_required: bool,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get, sign_in, sign_out))
}

/// Who one is
///
/// For administrators and API tokens. Credentials with Global reach that name no customer are told about the server.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", operation_id = "get_session",
    responses((status = 200, body = SessionAnswer)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    signed_in: Option<Extension<SignedIn>>,
) -> Result<Json<SessionAnswer>, Problem> {
    let signed_in = signed_in.map(|Extension(signed_in)| signed_in);
    let answer = state.db.read(move |tx| about(tx, principal.clone(), signed_in.clone()));
    Ok(Json(answer.await?))
}

fn about(tx: &mut Tx<'_>, principal: Principal, signed_in: Option<SignedIn>) -> Result<SessionAnswer, Problem> {
    let customers = organization_groups::customers(tx)?;
    let tenant = customers.into_iter().find(|(tenant, _)| *tenant == principal.tenant);
    let role = match principal.role {
        roles::RoleRef::BuiltIn(role) => role.display().to_owned(),
        roles::RoleRef::Custom(id) => roles::get(tx, principal.home, id)?.map(|role| role.name).unwrap_or_default(),
    };
    let group = organization_groups::get(tx, principal.home, principal.reach)?;
    let token = match principal.who {
        Who::Token(id) => {
            allclear_store::tokens::get(tx, principal.home, principal.reach, id)?.map(|token| (id, token.expires_at))
        }
        Who::Admin(..) => None,
    };
    let second_factor = signed_in.as_ref().map(|signed_in| second_factor(tx, signed_in)).transpose()?;
    let expires_at = match (&signed_in, token) {
        (Some(signed_in), _) => Some(signed_in.session.expires_at),
        (None, token) => token.and_then(|(_, expires_at)| expires_at),
    };
    let session = signed_in.as_ref().map(|signed_in| signed_in.session.clone());
    Ok(SessionAnswer {
        admin: signed_in.map(|SignedIn { admin, .. }| admin.into()),
        token: token.map(|(id, _)| SessionToken { id, name: principal.name }),
        rights: principal.rights,
        role: Named { id: principal.role.to_string(), name: role },
        organization_group: Named { id: principal.reach, name: group.map(|(group, _)| group.name).unwrap_or_default() },
        tenant: tenant.map(|(_, group)| Named { id: group.id, name: group.name }),
        server: principal.server,
        second_factor,
        session_id: session.as_ref().map(|session| session.id),
        password_good_until: session.map(|session| session.password_at.plus(PASSWORD_LASTS)),
        expires_at,
    })
}

fn second_factor(tx: &mut Tx<'_>, signed_in: &SignedIn) -> Result<SecondFactorAnswer, Problem> {
    let admin = &signed_in.admin;
    Ok(SecondFactorAnswer {
        given: signed_in.session.second_factor,
        totp: admin.totp_secret.is_some(),
        passkeys: second_factors::count_passkeys(tx, admin.tenant, admin.id)?,
        recovery_codes: second_factors::count_recovery_codes(tx, admin.tenant, admin.id)?,
        required: tenants::settings(tx, admin.tenant)?.0.require_second_factor,
        setup_required: signed_in.second_factor_needed,
    })
}

/// Signs in with a password
///
/// The answer sets the session's cookie. If the administrator has a second factor, the session is good for giving it
/// within five minutes, and for nothing else. Ten wrong attempts in a row, of whatever kind, lock an account for fifteen
/// minutes; the answer does not tell a wrong name, a wrong password and a locked account apart.
#[utoipa::path(post, path = "/api/v1/session", tag = "session", operation_id = "sign_in", request_body = SignIn,
    responses((status = 200, body = SignInAnswer),
        (status = 401, description = "The name or password is wrong, or the account is locked.", body = Problem,
            content_type = "application/problem+json"),
        (status = 403, description = "The request comes from a page of another site.", body = Problem,
            content_type = "application/problem+json")))]
async fn sign_in(
    State(state): State<AppState>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    Json(given): Json<SignIn>,
) -> Result<Response, Problem> {
    origin::check_sign_in(&headers, &state.options)?;
    let address = address.map(|Extension(address)| address);
    let Some(admin) = try_password(&state, &given, address).await? else {
        tracing::info!(address = address.map(|it| it.0.to_string()), "an attempt to sign in failed");
        return Err(access::slow_down(&state, address, wrong()));
    };
    let replaced = cookie::CONSOLE.value(&headers, &state.options).and_then(Credential::parse);
    let (secret, answer) = begin(&state, admin, &headers, address, replaced).await?;
    Ok(([cookie::CONSOLE.set(&state.options, &secret.reveal())?], Json(answer)).into_response())
}

pub(super) fn wrong() -> Problem {
    let detail = format!(
        "The name or the password is wrong. After {FAILURES} wrong attempts in a row an account is locked for {} \
         minutes.",
        LOCKED.as_micros() / 60_000_000
    );
    Problem::unauthorized(detail)
}

fn lockout(now: Time) -> Lockout {
    Lockout { failures: FAILURES, until: now.plus(LOCKED) }
}

/// An attempt of an administrator that was counted as wrong before it is looked at.
#[must_use]
pub(super) struct Attempt {
    tenant: Tenant,
    id: AdminId,
    locks_until: Option<Time>,
}

impl Attempt {
    /// Counts one; none if the account is locked, so that it may not be looked at.
    pub(super) async fn begin(state: &AppState, admin: &Admin) -> Result<Option<Self>, Problem> {
        let (tenant, id, now) = (admin.tenant, admin.id, state.source.now());
        let begun = state.db.write(move |tx| admins::begin_attempt(tx, tenant, id, now, lockout(now))).await?;
        Ok(match begun {
            admins::Attempt::Refused => None,
            admins::Attempt::Begun { locks_until } => Some(Self { tenant, id, locks_until }),
        })
    }

    /// Takes that back, because it was right.
    pub(super) async fn withdraw(self, state: &AppState) -> Result<(), Problem> {
        let (Self { tenant, id, .. }, now) = (self, state.source.now());
        Ok(state.db.write(move |tx| admins::withdraw_attempt(tx, tenant, id, lockout(now))).await?)
    }

    /// Leaves it at that, because it was wrong; the journal says if it locked the account.
    pub(super) async fn failed(self, state: &AppState, address: Option<ClientAddress>) -> Result<(), Problem> {
        let Some(until) = self.locks_until else { return Ok(()) };
        // Who it was is what nobody knows.
        let actor = Actor::new(ActorKind::Engine, "sign-in");
        let (id, address) = (self.id, address.map(ClientAddress::text));
        let noted = state.engine.edit(self.tenant, actor, move |work| engine::locked(work, id, until, address.clone()));
        Ok(noted.await?)
    }
}

/// The administrator whose name and password these are.
async fn try_password(
    state: &AppState,
    given: &SignIn,
    address: Option<ClientAddress>,
) -> Result<Option<Admin>, Problem> {
    let name = given.user_name.clone();
    let found = state.db.read(move |tx| {
        let Some((tenant, id)) = admins::by_name(tx, &name)? else { return Ok(None) };
        admins::get(tx, tenant, id)
    });
    let found = found.await?.filter(|admin| admin.state == AdminState::Active);
    let attempt = match &found {
        Some(admin) => Attempt::begin(state, admin).await?,
        None => None,
    };
    let begun = found.zip(attempt);
    let known = begun.as_ref().and_then(|(admin, _)| admin.password.clone());
    let right = state.passwords.verify(given.password.clone(), known, state.source.clone()).await?;
    match begun {
        Some((admin, attempt)) if right => {
            attempt.withdraw(state).await?;
            Ok(Some(admin))
        }
        Some((_, attempt)) => {
            attempt.failed(state, address).await?;
            Ok(None)
        }
        None => Ok(None),
    }
}

/// Who the journal says it was that signs in or out.
fn actor(admin: &Admin) -> Actor {
    Actor::new(ActorKind::Administrator, admin.name.clone()).with_id(admin.id.0)
}

/// Ends the session that a browser had before, whoever's it was.
async fn end_replaced(state: &AppState, old: Credential) -> Result<(), Problem> {
    let found = state.db.read(move |tx| {
        let Some(session) = sessions::by_hash(tx, old.tenant, &old.hash)? else { return Ok(None) };
        let admin = admins::get(tx, old.tenant, session.admin)?;
        Ok::<_, allclear_store::Error>(admin.map(|admin| (admin, session)))
    });
    if let Some((admin, session)) = found.await? {
        let who = actor(&admin);
        state.engine.edit(old.tenant, who, move |work| engine::end_session(work, &admin, &session)).await?;
    }
    Ok(())
}

/// Begins a session of somebody whose password was right, in place of the one their browser had.
async fn begin(
    state: &AppState,
    admin: Admin,
    headers: &HeaderMap,
    address: Option<ClientAddress>,
    replaced: Option<Credential>,
) -> Result<(Secret, SignInAnswer), Problem> {
    if let Some(old) = replaced.filter(|old| old.kind == Kind::Session) {
        end_replaced(state, old).await?;
    }
    let now = state.source.now();
    let (secret, credential) = Credential::new(Kind::Session, admin.tenant, state.source.secret());
    let user_agent = headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let session = Session {
        tenant: admin.tenant,
        id: SessionId(state.source.id()),
        admin: admin.id,
        second_factor: SecondFactor::None,
        created_at: now,
        last_seen_at: now,
        expires_at: now.plus(LASTS),
        password_at: now,
        user_agent: user_agent.map(|agent| agent.chars().take(USER_AGENT).collect()),
        address: address.map(ClientAddress::text),
        step: None,
    };
    let answer = state.engine.edit(admin.tenant, actor(&admin), move |work| {
        sessions::delete_ended(work.tx, admin.tenant, admin.id, now, now.minus(engine::IDLE))?;
        let mut session = session.clone();
        let methods = methods(work.tx, &admin)?;
        if !methods.is_empty() {
            session.second_factor = SecondFactor::Awaited;
            session.expires_at = now.plus(AWAITED);
        }
        sessions::insert(work.tx, &session, &credential.hash)?;
        if methods.is_empty() {
            engine::signed_in(work, &admin, &session)?;
        }
        answer(work.tx, &admin, methods)
    });
    Ok((secret, answer.await?))
}

/// The ways in which an administrator can give the second factor.
fn methods(tx: &mut Tx<'_>, admin: &Admin) -> Result<Vec<Method>, Error> {
    if !has_second_factor(tx, admin)? {
        return Ok(Vec::new());
    }
    let passkeys = second_factors::count_passkeys(tx, admin.tenant, admin.id)? > 0;
    let codes = second_factors::count_recovery_codes(tx, admin.tenant, admin.id)? > 0;
    let all = [(admin.totp_secret.is_some(), Method::Totp), (passkeys, Method::Passkey), (codes, Method::RecoveryCode)];
    Ok(all.into_iter().filter(|(there, _)| *there).map(|(_, method)| method).collect())
}

fn answer(tx: &mut Tx<'_>, admin: &Admin, methods: Vec<Method>) -> Result<SignInAnswer, Error> {
    let required = tenants::settings(tx, admin.tenant)?.0.require_second_factor;
    let state = match (methods.is_empty(), required) {
        (false, _) => SignInState::SecondFactorRequired,
        (true, true) => SignInState::SecondFactorSetupRequired,
        (true, false) => SignInState::SignedIn,
    };
    Ok(SignInAnswer { state, methods })
}

/// Completes a session whose second factor was given, with another cookie.
pub(super) async fn complete(state: &AppState, signed_in: SignedIn, given: SecondFactor) -> Result<Response, Problem> {
    let now = state.source.now();
    let SignedIn { session, admin, .. } = signed_in;
    let session = Session { second_factor: given, expires_at: now.plus(LASTS), ..session };
    let (secret, credential) = Credential::new(Kind::Session, session.tenant, state.source.secret());
    let there = state.engine.edit(session.tenant, actor(&admin), move |work| {
        let there = sessions::rotate(work.tx, &session, &credential.hash)?;
        if there {
            engine::signed_in(work, &admin, &session)?;
        }
        Ok(there)
    });
    if !there.await? {
        return Err(Problem::unauthorized("The session has ended; sign in."));
    }
    let answer = SignInAnswer { state: SignInState::SignedIn, methods: Vec::new() };
    Ok(([cookie::CONSOLE.set(&state.options, &secret.reveal())?], Json(answer)).into_response())
}

/// Gives a session another cookie, after a step that raised what it is good for.
pub(super) async fn rotate(state: &AppState, session: Session) -> Result<[(HeaderName, HeaderValue); 1], Problem> {
    let (secret, credential) = Credential::new(Kind::Session, session.tenant, state.source.secret());
    if !state.db.write(move |tx| sessions::rotate(tx, &session, &credential.hash)).await? {
        return Err(Problem::unauthorized("The session has ended; sign in."));
    }
    Ok([cookie::CONSOLE.set(&state.options, &secret.reveal())?])
}

/// Refuses what needs the password if it was given too long ago.
pub(super) fn password_is_fresh(signed_in: &SignedIn, now: Time) -> Result<(), Problem> {
    let fresh = signed_in.session.password_at.plus(PASSWORD_LASTS) > now;
    if fresh { Ok(()) } else { Err(Problem::password_needed()) }
}

/// Signs out
///
/// Ends the session, also one that awaits the second factor.
#[utoipa::path(delete, path = "/api/v1/session", tag = "session", operation_id = "sign_out",
    responses((status = 204)))]
async fn sign_out(
    State(state): State<AppState>,
    address: Option<Extension<ClientAddress>>,
    SignedIn { session, admin, .. }: SignedIn,
) -> Result<Response, Problem> {
    let address = address.map(|Extension(address)| address.text());
    let out = state
        .engine
        .edit(session.tenant, actor(&admin), move |work| engine::sign_out(work, &admin, &session, address.clone()));
    out.await?;
    Ok((StatusCode::NO_CONTENT, [cookie::CONSOLE.clear(&state.options)?]).into_response())
}
