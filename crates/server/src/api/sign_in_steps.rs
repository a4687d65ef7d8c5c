//! The second factor of somebody who signs in.

use allclear_domain::admin::SecondFactor;
use allclear_store::{admins, second_factors, sessions};
use axum::{Extension, extract::State, http::HeaderMap, response::Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use webauthn_rs::prelude::PublicKeyCredential;

use super::{
    common::base_url,
    session::{Attempt, SignInAnswer, complete, wrong},
};
use crate::{
    access::ClientAddress,
    app::AppState,
    auth::SignedIn,
    extract::Json,
    problem::Problem,
    sign_in::{
        passkey, recovery,
        step::{self, Step},
        totp,
    },
};

/// A code.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Code {
    /// The code as it is shown or was written down.
    #[schema(max_length = 64, example = "123456")]
    pub(super) code: String,
}

/// What a browser is asked for.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PasskeyChallenge {
    /// What `navigator.credentials.create` or `.get` takes, in the JSON form of WebAuthn
    /// (`parseCreationOptionsFromJSON`, `parseRequestOptionsFromJSON`): an object with the member `publicKey`.
    #[schema(value_type = Object)]
    pub(super) options: serde_json::Value,
}

/// What a browser answers.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasskeyAnswer {
    /// The credential in its JSON form (`toJSON()`).
    #[schema(value_type = Object)]
    pub(super) credential: serde_json::Value,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(give_totp))
        .routes(routes!(give_recovery_code))
        .routes(routes!(begin_passkey))
        .routes(routes!(finish_passkey))
}

/// Refuses a session in which no second factor is awaited.
fn awaits(signed_in: &SignedIn) -> Result<(), Problem> {
    match signed_in.session.second_factor {
        SecondFactor::Awaited => Ok(()),
        _ => Err(Problem::conflict("No second factor is awaited in this session.")),
    }
}

/// Counts an attempt and looks at it. A session whose account is locked ends.
async fn attempt(
    state: &AppState,
    signed_in: &SignedIn,
    address: Option<Extension<ClientAddress>>,
    look: impl Future<Output = Result<(), Problem>>,
) -> Result<(), Problem> {
    let Some(attempt) = Attempt::begin(state, &signed_in.admin).await? else {
        let (tenant, id) = (signed_in.session.tenant, signed_in.session.id);
        state.db.write(move |tx| sessions::delete(tx, tenant, id)).await?;
        return Err(wrong());
    };
    let looked = look.await;
    if looked.is_err() {
        attempt.failed(state, address.map(|Extension(address)| address)).await?;
    }
    looked
}

fn wrong_code() -> Problem {
    Problem::invalid_field("/code", "is wrong or was used already")
}

/// Gives the second factor: a one-time code
///
/// Each code is good once.
#[utoipa::path(post, path = "/api/v1/session/totp", tag = "session", operation_id = "give_totp", request_body = Code,
    responses((status = 200, body = SignInAnswer)))]
async fn give_totp(
    State(state): State<AppState>,
    signed_in: SignedIn,
    address: Option<Extension<ClientAddress>>,
    Json(given): Json<Code>,
) -> Result<Response, Problem> {
    awaits(&signed_in)?;
    let (tenant, id) = (signed_in.admin.tenant, signed_in.admin.id);
    let sealed = signed_in.admin.totp_secret.clone();
    let sealed = sealed.ok_or_else(|| Problem::conflict("This account has no one-time codes."))?;
    let look = async {
        let secret = state.engine.sealer().open(tenant, &sealed)?;
        let step = totp::step(&secret, &given.code, state.source.now())?.ok_or_else(wrong_code)?;
        let taken = state.db.write(move |tx| admins::take_totp_step(tx, tenant, id, step)).await?;
        if taken { Ok(()) } else { Err(wrong_code()) }
    };
    attempt(&state, &signed_in, address, look).await?;
    complete(&state, signed_in, SecondFactor::Totp).await
}

/// Gives the second factor: a recovery code
///
/// Each is good once.
#[utoipa::path(post, path = "/api/v1/session/recovery-code", tag = "session", operation_id = "give_recovery_code",
    request_body = Code, responses((status = 200, body = SignInAnswer)))]
async fn give_recovery_code(
    State(state): State<AppState>,
    signed_in: SignedIn,
    address: Option<Extension<ClientAddress>>,
    Json(given): Json<Code>,
) -> Result<Response, Problem> {
    awaits(&signed_in)?;
    let (tenant, id) = (signed_in.admin.tenant, signed_in.admin.id);
    let look = async {
        let hash = recovery::hash(&given.code);
        let used = state.db.write(move |tx| second_factors::use_recovery_code(tx, tenant, id, &hash)).await?;
        if used { Ok(()) } else { Err(wrong_code()) }
    };
    attempt(&state, &signed_in, address, look).await?;
    complete(&state, signed_in, SecondFactor::RecoveryCode).await
}

/// Begins to give the second factor: a passkey
///
/// The browser signs the challenge; `POST /api/v1/session/passkey/finish` takes its answer within five minutes.
#[utoipa::path(post, path = "/api/v1/session/passkey", tag = "session", operation_id = "begin_passkey",
    responses((status = 200, body = PasskeyChallenge),
        (status = 409, description = "There is no passkey, or the address of the server allows none.", body = Problem,
            content_type = "application/problem+json")))]
async fn begin_passkey(
    State(state): State<AppState>,
    signed_in: SignedIn,
    headers: HeaderMap,
) -> Result<Json<PasskeyChallenge>, Problem> {
    awaits(&signed_in)?;
    let (tenant, id) = (signed_in.admin.tenant, signed_in.admin.id);
    let kept = state.db.read(move |tx| second_factors::passkeys(tx, tenant, id)).await?;
    if kept.is_empty() {
        return Err(Problem::conflict("This account has no passkey."));
    }
    let passkeys = kept.iter().map(|kept| passkey::from_text(&kept.credential)).collect::<Result<Vec<_>, _>>()?;
    let begun = passkey::webauthn(&base_url(&state, &headers))?.start_passkey_authentication(&passkeys);
    let (challenge, authentication) = begun.map_err(|error| Problem::internal(&error))?;
    step::begin(&state, &signed_in, Step::Passkey(Box::new(authentication))).await?;
    let options = serde_json::to_value(challenge).map_err(|error| Problem::internal(&error))?;
    Ok(Json(PasskeyChallenge { options }))
}

/// Gives the second factor: what a passkey has signed
#[utoipa::path(post, path = "/api/v1/session/passkey/finish", tag = "session", operation_id = "finish_passkey",
    request_body = PasskeyAnswer, responses((status = 200, body = SignInAnswer),
        (status = 409, description = "Nothing was begun, or it is too late.", body = Problem,
            content_type = "application/problem+json")))]
async fn finish_passkey(
    State(state): State<AppState>,
    signed_in: SignedIn,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    Json(given): Json<PasskeyAnswer>,
) -> Result<Response, Problem> {
    awaits(&signed_in)?;
    let look = check_passkey(&state, &signed_in, &headers, given.credential);
    attempt(&state, &signed_in, address, look).await?;
    complete(&state, signed_in, SecondFactor::Passkey).await
}

/// Looks at what a passkey has signed.
async fn check_passkey(
    state: &AppState,
    signed_in: &SignedIn,
    headers: &HeaderMap,
    credential: serde_json::Value,
) -> Result<(), Problem> {
    let Step::Passkey(authentication) = step::take(state, signed_in, false).await? else {
        return Err(Problem::conflict("Something else was begun."));
    };
    let credential: PublicKeyCredential = serde_json::from_value(credential)
        .map_err(|_| Problem::invalid_field("/credential", "is no credential of WebAuthn"))?;
    let webauthn = passkey::webauthn(&base_url(state, headers))?;
    let result = webauthn.finish_passkey_authentication(&credential, &authentication);
    let result = result.map_err(|error| passkey::refused(&error))?;
    let (tenant, id, now) = (signed_in.admin.tenant, signed_in.admin.id, state.source.now());
    let used = state.db.write(move |tx| {
        for kept in second_factors::passkeys(tx, tenant, id)? {
            let mut key = passkey::from_text(&kept.credential)?;
            if key.update_credential(&result).is_some() {
                second_factors::use_passkey(tx, tenant, kept.id, &passkey::to_text(&key)?, now)?;
                return Ok::<_, Problem>(true);
            }
        }
        Ok(false)
    });
    if used.await? { Ok(()) } else { Err(Problem::invalid_field("/credential", "was removed in the meantime")) }
}
