//! One's own account: name, password, one-time codes, passkeys, recovery codes. All of it asks for a password that was given
//! within the last ten minutes.

use allclear_domain::{
    admin::SecondFactor,
    ids::{AdminId, PasskeyId, Tenant},
    time::Time,
};
use allclear_engine::{
    Error,
    admins::{self, AdminEdit, has_second_factor},
    work::Work,
};
use allclear_store::{
    admins::Admin,
    second_factors::{self, Passkey as Stored},
    sessions::Session,
    tenants,
};
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use webauthn_rs::prelude::RegisterPublicKeyCredential;

use super::{
    common::{base_url, given},
    session::{Attempt, SessionAdmin, password_is_fresh, rotate, wrong},
    sign_in_steps::{Code, PasskeyAnswer, PasskeyChallenge},
};
use crate::{
    access::ClientAddress,
    app::AppState,
    auth::{Principal, SignedIn},
    check::{self, Check},
    extract::{Json, Path},
    idempotency::ShownOnce,
    problem::Problem,
    sign_in::{
        passkey, password, recovery,
        step::{self, Step},
        totp,
    },
};

/// Most passkeys of one administrator.
const MOST: usize = 20;

/// A password.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Password {
    /// The password.
    #[schema(max_length = 256, format = "password")]
    password: String,
}

/// A new password.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The password; not what one signs in with.
    #[schema(min_length = 12, max_length = 256, format = "password")]
    password: String,
}

/// One-time codes that are being set up.
#[derive(Clone, Serialize, ToSchema)]
pub struct TotpSetup {
    /// The secret in base 32, to be typed into an authenticator app.
    secret: String,
    /// The same as an app reads it from a QR code.
    #[schema(format = "uri", example = "otpauth://totp/Allclear:ada?secret=GEZDGNBVGY3TQOJQ&issuer=Allclear")]
    url: String,
}

/// Recovery codes, shown here and never again.
#[derive(Clone, Serialize, ToSchema)]
pub struct RecoveryCodes {
    /// The codes, each good once in place of another second factor. Empty if there were some already.
    recovery_codes: Vec<String>,
}

/// A passkey.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Passkey {
    /// Its id.
    id: PasskeyId,
    /// What its owner calls it.
    name: String,
    /// When it was added.
    created_at: Time,
    /// When it was last used; never if null.
    #[schema(required = true)]
    last_used_at: Option<Time>,
}

/// All passkeys of an account.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Passkeys {
    /// The passkeys, the oldest first.
    items: Vec<Passkey>,
}

/// A change of one's own account. What is left out stays; null clears.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountEdit {
    /// What people call one.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The mail address, good for signing in as well.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 254)]
    email: Option<Option<String>>,
}

/// A passkey to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPasskey {
    /// What to call it.
    #[schema(min_length = 1, max_length = 100, example = "Laptop")]
    name: String,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(confirm))
        .routes(routes!(set_password))
        .routes(routes!(edit))
        .routes(routes!(begin_totp, remove_totp))
        .routes(routes!(confirm_totp))
        .routes(routes!(list_passkeys, begin_new_passkey))
        .routes(routes!(finish_new_passkey))
        .routes(routes!(remove_passkey))
        .routes(routes!(new_recovery_codes))
}

/// Gives the password again
///
/// For ten minutes, what needs it can be done then. The session gets another cookie. Wrong ones count as wrong attempts
/// to sign in.
#[utoipa::path(post, path = "/api/v1/session/confirm", tag = "session", operation_id = "confirm_password",
    request_body = Password, responses((status = 204)))]
async fn confirm(
    State(state): State<AppState>,
    SignedIn { session, admin, .. }: SignedIn,
    address: Option<Extension<ClientAddress>>,
    Json(given): Json<Password>,
) -> Result<Response, Problem> {
    let attempt = Attempt::begin(&state, &admin).await?.ok_or_else(wrong)?;
    if !state.passwords.verify(given.password, admin.password, state.source.clone()).await? {
        attempt.failed(&state, address.map(|Extension(address)| address)).await?;
        return Err(Problem::invalid_field("/password", "is wrong"));
    }
    attempt.withdraw(&state).await?;
    let session = Session { password_at: state.source.now(), ..session };
    Ok((StatusCode::NO_CONTENT, rotate(&state, session).await?).into_response())
}

/// Sets one's own password
///
/// All other sessions end; this one gets another cookie.
#[utoipa::path(put, path = "/api/v1/session/password", tag = "session", operation_id = "set_password",
    request_body = NewPassword, responses((status = 204)))]
async fn set_password(
    State(state): State<AppState>,
    principal: Principal,
    signed_in: SignedIn,
    Json(given): Json<NewPassword>,
) -> Result<Response, Problem> {
    let now = state.source.now();
    password_is_fresh(&signed_in, now)?;
    let SignedIn { session, admin, .. } = signed_in;
    let names = [admin.user_name.as_str(), admin.email.as_deref().unwrap_or_default()];
    if let Some(problem) = password::problem(&given.password, &names) {
        return Err(Problem::invalid_field("/password", problem));
    }
    let hash = state.passwords.hash(given.password, state.source.clone()).await?;
    let id = session.id;
    let set = state.engine.edit(admin.tenant, principal.actor(), move |work| {
        admins::set_password(work, admin.id, hash.clone(), Some(id))
    });
    set.await?;
    let session = Session { password_at: now, ..session };
    Ok((StatusCode::NO_CONTENT, rotate(&state, session).await?).into_response())
}

/// Changes one's own name and mail address
///
/// What one signs in with besides the mail address, and what one may do, is for those who manage administrators.
#[utoipa::path(patch, path = "/api/v1/account", tag = "account", operation_id = "edit_account",
    request_body = AccountEdit, responses((status = 200, body = SessionAdmin),
        (status = 409, description = "Somebody else signs in with that mail address.", body = Problem,
            content_type = "application/problem+json")))]
async fn edit(
    State(state): State<AppState>,
    principal: Principal,
    signed_in: SignedIn,
    Json(edit): Json<AccountEdit>,
) -> Result<Json<SessionAdmin>, Problem> {
    password_is_fresh(&signed_in, state.source.now())?;
    let (tenant, id) = (signed_in.admin.tenant, signed_in.admin.id);
    let edit = AdminEdit { name: edit.name, email: edit.email, ..AdminEdit::default() };
    let edited = state.engine.edit(tenant, principal.actor(), move |work| {
        let version = admins::get(work, id)?.version;
        admins::edit(work, id, &edit, version)
    });
    Ok(Json(edited.await?.into()))
}

/// Begins to set up one-time codes
///
/// They are in force once `POST /api/v1/account/totp/confirm` has taken a code, within five minutes.
#[utoipa::path(post, path = "/api/v1/account/totp", tag = "account", operation_id = "begin_totp",
    responses((status = 200, body = TotpSetup)))]
async fn begin_totp(State(state): State<AppState>, signed_in: SignedIn) -> Result<Json<TotpSetup>, Problem> {
    password_is_fresh(&signed_in, state.source.now())?;
    let secret = totp::new_secret(state.source.secret());
    let url = totp::url(&secret, &signed_in.admin.user_name)?;
    step::begin(&state, &signed_in, Step::Totp { secret: secret.clone() }).await?;
    Ok(Json(TotpSetup { secret, url }))
}

/// Puts one-time codes in force
///
/// In place of those there were. If this is the first second factor, the answer holds recovery codes.
#[utoipa::path(post, path = "/api/v1/account/totp/confirm", tag = "account", operation_id = "confirm_totp",
    request_body = Code, responses((status = 200, body = RecoveryCodes),
        (status = 409, description = "Nothing was begun, or it is too late.", body = Problem,
            content_type = "application/problem+json")))]
async fn confirm_totp(
    State(state): State<AppState>,
    principal: Principal,
    signed_in: SignedIn,
    Json(given): Json<Code>,
) -> Result<Response, Problem> {
    password_is_fresh(&signed_in, state.source.now())?;
    let Step::Totp { secret } = step::take(&state, &signed_in, true).await? else {
        return Err(Problem::conflict("Something else was begun."));
    };
    let wrong = || Problem::invalid_field("/code", "is wrong");
    let step = totp::step(&secret, &given.code, state.source.now())?.ok_or_else(wrong)?;
    let (tenant, id) = (signed_in.admin.tenant, signed_in.admin.id);
    let sealed = state.engine.sealer().seal(tenant, &secret, &*state.source)?;
    let (codes, hashes) = recovery::new(&*state.source);
    let first = state.engine.edit(tenant, principal.actor(), move |work| {
        let first = needs_recovery_codes(work, id)?;
        admins::set_totp(work, id, Some(sealed.clone()))?;
        allclear_store::admins::take_totp_step(work.tx, tenant, id, step)?;
        if first {
            second_factors::set_recovery_codes(work.tx, tenant, id, &hashes)?;
        }
        Ok(first)
    });
    let codes = if first.await? { codes } else { Vec::new() };
    with_codes(&state, Session { second_factor: SecondFactor::Totp, ..signed_in.session }, codes).await
}

/// Whether somebody who is about to get a second factor has no recovery codes.
fn needs_recovery_codes(work: &mut Work<'_, '_>, id: AdminId) -> Result<bool, Error> {
    Ok(second_factors::count_recovery_codes(work.tx, work.tenant, id)? == 0)
}

/// Another cookie and the codes, which are shown once.
async fn with_codes(state: &AppState, session: Session, codes: Vec<String>) -> Result<Response, Problem> {
    let cookie = rotate(state, session).await?;
    let mut response = (cookie, Json(RecoveryCodes { recovery_codes: codes })).into_response();
    response.extensions_mut().insert(ShownOnce);
    Ok(response)
}

/// Removes one-time codes
///
/// Refused if a second factor is required and there is no other. With the last second factor the recovery codes go.
#[utoipa::path(delete, path = "/api/v1/account/totp", tag = "account", operation_id = "remove_totp",
    responses((status = 204)))]
async fn remove_totp(
    State(state): State<AppState>,
    principal: Principal,
    signed_in: SignedIn,
) -> Result<StatusCode, Problem> {
    password_is_fresh(&signed_in, state.source.now())?;
    let (tenant, id) = (signed_in.admin.tenant, signed_in.admin.id);
    let removed = state.engine.edit(tenant, principal.actor(), move |work| {
        if admins::get(work, id)?.totp_secret.is_none() {
            return Err(Error::NotFound("one-time codes"));
        }
        let admin = admins::set_totp(work, id, None)?;
        one_is_left(work, &admin)
    });
    removed.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Refuses to leave an administrator without a second factor where the settings require one.
fn one_is_left(work: &mut Work<'_, '_>, admin: &Admin) -> Result<(), Error> {
    let required = tenants::settings(work.tx, work.tenant)?.0.require_second_factor;
    if required && !has_second_factor(work.tx, admin)? {
        return Err(Error::Conflict("a second factor is required, and this is the only one".into()));
    }
    Ok(())
}

/// One's own passkeys
#[utoipa::path(get, path = "/api/v1/account/passkeys", tag = "account", operation_id = "list_passkeys",
    responses((status = 200, body = Passkeys)))]
async fn list_passkeys(State(state): State<AppState>, signed_in: SignedIn) -> Result<Json<Passkeys>, Problem> {
    let found = passkeys(&state, signed_in.admin.tenant, signed_in.admin.id).await?;
    let items = found.into_iter().map(|it| Passkey {
        id: it.id,
        name: it.name,
        created_at: it.created_at,
        last_used_at: it.last_used_at,
    });
    Ok(Json(Passkeys { items: items.collect() }))
}

async fn passkeys(state: &AppState, tenant: Tenant, id: AdminId) -> Result<Vec<Stored>, Problem> {
    Ok(state.db.read(move |tx| second_factors::passkeys(tx, tenant, id)).await?)
}

/// Begins to make a passkey
///
/// The browser makes it; `POST /api/v1/account/passkeys/finish` takes its answer within five minutes.
#[utoipa::path(post, path = "/api/v1/account/passkeys", tag = "account", operation_id = "begin_new_passkey",
    request_body = NewPasskey, responses((status = 200, body = PasskeyChallenge),
        (status = 409, description = "There are too many, or the address of the server allows none.", body = Problem,
            content_type = "application/problem+json")))]
async fn begin_new_passkey(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
    Json(new): Json<NewPasskey>,
) -> Result<Json<PasskeyChallenge>, Problem> {
    password_is_fresh(&signed_in, state.source.now())?;
    let mut check = Check::default();
    check.line("/name", &new.name, check::NAME);
    check.finish()?;
    let admin = &signed_in.admin;
    let kept = passkeys(&state, admin.tenant, admin.id).await?;
    if kept.len() >= MOST {
        return Err(Problem::conflict(format!("There are {MOST} passkeys already, which is the most.")));
    }
    let known = kept.iter().map(|kept| passkey::from_text(&kept.credential)).collect::<Result<Vec<_>, _>>()?;
    let known = known.iter().map(|key| key.cred_id().clone()).collect();
    let webauthn = passkey::webauthn(&base_url(&state, &headers))?;
    let begun = webauthn.start_passkey_registration(admin.id.0, &admin.user_name, &admin.name, Some(known));
    let (challenge, registration) = begun.map_err(|error| Problem::internal(&error))?;
    let step = Step::NewPasskey { name: new.name, registration: Box::new(registration) };
    step::begin(&state, &signed_in, step).await?;
    let options = serde_json::to_value(challenge).map_err(|error| Problem::internal(&error))?;
    Ok(Json(PasskeyChallenge { options }))
}

/// Adds the passkey that a browser has made
///
/// If this is the first second factor, the answer holds recovery codes.
#[utoipa::path(post, path = "/api/v1/account/passkeys/finish", tag = "account", operation_id = "finish_new_passkey",
    request_body = PasskeyAnswer, responses((status = 200, body = RecoveryCodes),
        (status = 409, description = "Nothing was begun, or it is too late.", body = Problem,
            content_type = "application/problem+json")))]
async fn finish_new_passkey(
    State(state): State<AppState>,
    principal: Principal,
    signed_in: SignedIn,
    headers: HeaderMap,
    Json(given): Json<PasskeyAnswer>,
) -> Result<Response, Problem> {
    let now = state.source.now();
    password_is_fresh(&signed_in, now)?;
    let Step::NewPasskey { name, registration } = step::take(&state, &signed_in, false).await? else {
        return Err(Problem::conflict("Something else was begun."));
    };
    let credential: RegisterPublicKeyCredential = serde_json::from_value(given.credential)
        .map_err(|_| Problem::invalid_field("/credential", "is no credential of WebAuthn"))?;
    let webauthn = passkey::webauthn(&base_url(&state, &headers))?;
    let made = webauthn.finish_passkey_registration(&credential, &registration);
    let made = made.map_err(|error| passkey::refused(&error))?;
    let (tenant, id) = (signed_in.admin.tenant, signed_in.admin.id);
    let stored = Stored {
        id: PasskeyId(state.source.id()),
        admin: id,
        name,
        credential: passkey::to_text(&made)?,
        created_at: now,
        last_used_at: None,
    };
    let (codes, hashes) = recovery::new(&*state.source);
    let first = state.engine.edit(tenant, principal.actor(), move |work| {
        let first = needs_recovery_codes(work, id)?;
        admins::add_passkey(work, &stored)?;
        if first {
            second_factors::set_recovery_codes(work.tx, tenant, id, &hashes)?;
        }
        Ok(first)
    });
    let codes = if first.await? { codes } else { Vec::new() };
    with_codes(&state, Session { second_factor: SecondFactor::Passkey, ..signed_in.session }, codes).await
}

/// Removes a passkey
///
/// Refused if a second factor is required and there is no other. With the last second factor the recovery codes go.
#[utoipa::path(delete, path = "/api/v1/account/passkeys/{id}", tag = "account", operation_id = "remove_passkey",
    params(("id" = PasskeyId, Path, description = "The passkey's id.")), responses((status = 204)))]
async fn remove_passkey(
    State(state): State<AppState>,
    principal: Principal,
    signed_in: SignedIn,
    Path(id): Path<PasskeyId>,
) -> Result<StatusCode, Problem> {
    password_is_fresh(&signed_in, state.source.now())?;
    let admin = signed_in.admin.id;
    let removed = state.engine.edit(signed_in.admin.tenant, principal.actor(), move |work| {
        let all = second_factors::passkeys(work.tx, work.tenant, admin)?;
        let passkey = all.into_iter().find(|passkey| passkey.id == id).ok_or(Error::NotFound("passkey"))?;
        admins::remove_passkey(work, &passkey)?;
        let admin = admins::get(work, admin)?;
        one_is_left(work, &admin)
    });
    removed.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes new recovery codes
///
/// In place of those there were. Refused without a second factor, as they would be one themselves.
#[utoipa::path(post, path = "/api/v1/account/recovery-codes", tag = "account",
    operation_id = "renew_recovery_codes", responses((status = 200, body = RecoveryCodes),
        (status = 409, description = "There is no second factor to recover.", body = Problem,
            content_type = "application/problem+json")))]
async fn new_recovery_codes(
    State(state): State<AppState>,
    principal: Principal,
    signed_in: SignedIn,
) -> Result<Response, Problem> {
    password_is_fresh(&signed_in, state.source.now())?;
    let (codes, hashes) = recovery::new(&*state.source);
    let id = signed_in.admin.id;
    let set = state
        .engine
        .edit(signed_in.admin.tenant, principal.actor(), move |work| admins::renew_recovery_codes(work, id, &hashes));
    set.await?;
    let mut response = Json(RecoveryCodes { recovery_codes: codes }).into_response();
    response.extensions_mut().insert(ShownOnce);
    Ok(response)
}
