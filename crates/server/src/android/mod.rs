//! What Google speaks to: it leads administrators back who have signed up, and tells news of devices.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use allclear_channels::android::{
    self,
    events::{self, Event},
    keys::{Keys, Untrusted},
    read_settings,
    settings::AndroidSettings,
};
use allclear_domain::{
    ids::Tenant,
    journal::{Actor, ActorKind},
};
use allclear_engine::{
    Error,
    android_enterprise::{self as engine, NewSetting},
};
use allclear_store::android_enterprise as stored;
use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access::{self, ClientAddress},
    api::android_enterprise::{google, open, organization, push_endpoint},
    app::AppState,
    extract::{Path, Query},
    problem::Problem,
};

/// What an administrator reads who has signed up.
const DONE: &str = "Android devices of your organisation can be managed now. You can close this window.\n";

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(signed_up)).routes(routes!(notified))
}

/// Google's keys, by where they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyRings(Arc<Mutex<HashMap<String, Arc<Keys>>>>);

impl KeyRings {
    /// The keys at an address.
    fn of(&self, state: &AppState, url: &str) -> Result<Arc<Keys>, String> {
        let mut rings = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(keys) = rings.get(url) {
            return Ok(Arc::clone(keys));
        }
        let keys = Arc::new(Keys::new(url, &state.options.outgoing)?);
        rings.insert(url.to_owned(), Arc::clone(&keys));
        Ok(keys)
    }
}

/// What Google adds to the address.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
struct SignedUp {
    /// What makes the enterprise.
    enterprise_token: Option<String>,
}

/// Completes a sign-up
///
/// Google leads an administrator here who has signed up.
#[utoipa::path(get, path = "/android/v1/sign-up/{tenant}/{secret}", tag = "android",
    operation_id = "complete_android_sign_up",
    params(SignedUp, ("tenant" = i64, Path, description = "Whose enterprise it is."),
        ("secret" = String, Path, description = "Shows that the sign-up was begun here.")),
    responses((status = 200, description = "It is complete.", body = String, content_type = "text/plain"),
        (status = 404, description = "There is no such sign-up, or it is over.", body = Problem,
            content_type = "application/problem+json")))]
async fn signed_up(
    State(state): State<AppState>,
    Path((tenant, secret)): Path<(String, String)>,
    Query(said): Query<SignedUp>,
    address: Option<Extension<ClientAddress>>,
) -> Result<Response, Problem> {
    let unknown = || {
        let guess = access::slow_down(&state, address.as_deref().copied(), Problem::unauthorized(""));
        if guess.status == StatusCode::UNAUTHORIZED { Problem::not_found("sign-up") } else { guess }
    };
    let tenant = Tenant(tenant.parse().map_err(|_| Problem::not_found("sign-up"))?);
    let (hash, now) = (Sha256::digest(secret.as_bytes()).into(), state.source.now());
    let begun = state.db.read(move |tx| stored::sign_up(tx, tenant, &hash, now)).await?;
    let begun = begun.ok_or_else(unknown)?;
    let token = said.enterprise_token.ok_or_else(|| Problem::bad_request("Google has given no enterpriseToken."))?;
    let client = open(&state, tenant).await?;
    let name = organization(&state, tenant).await?;
    let made = client.create_enterprise(&begun, &token, &name).await.map_err(|error| google(&error))?;
    let settings = AndroidSettings { enterprise: Some(made), ..client.settings().clone() };
    let config = serde_json::to_value(&settings).map_err(|error| Problem::internal(&error))?;
    let (sealer, source) = (state.engine.sealer().clone(), state.source.clone());
    let actor = Actor::new(ActorKind::Engine, "Android sign-up");
    let completed = state.engine.edit(tenant, actor, move |work| {
        let present = engine::get(work.tx, &sealer, tenant)?.ok_or(Error::NotFound("sign-up"))?;
        let new = NewSetting { config: config.clone(), secrets: present.secrets, version: present.version };
        engine::complete_sign_up(work, &sealer, &*source, &hash, &new)
    });
    completed.await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], DONE).into_response())
}

/// Takes news from Google
///
/// Pushed by Pub/Sub, in the name of the service account that is set, to the address that is shown with the settings. 503
/// where it is to come again.
#[utoipa::path(post, path = "/android/v1/notifications/{tenant}", tag = "android",
    operation_id = "take_android_news",
    params(("tenant" = i64, Path, description = "Whose enterprise it is.")),
    request_body(content = String, content_type = "application/json", description = "A message of Pub/Sub."),
    responses((status = 204),
        (status = 401, description = "It does not come from Google.", body = Problem,
            content_type = "application/problem+json"),
        (status = 503, description = "It is to come again.", body = Problem,
            content_type = "application/problem+json")))]
async fn notified(
    State(state): State<AppState>,
    Path(tenant): Path<String>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Problem> {
    let tenant = Tenant(tenant.parse().map_err(|_| Problem::not_found("tenant"))?);
    // Nobody learns here who has set it up.
    let denied = || {
        let problem = Problem::unauthorized("The message does not come from Google for this address.");
        access::slow_down(&state, address.as_deref().copied(), problem)
    };
    let again = || Problem::unavailable("It could not be taken in.", 5);
    let setting = state.db.read(move |tx| stored::get(tx, tenant)).await?.ok_or_else(denied)?;
    let settings = read_settings(&setting.config)?;
    let email = settings.push_email.as_deref().ok_or_else(denied)?;
    let keys = state.android_keys.of(&state, &settings.keys_url).map_err(|why| {
        tracing::warn!(why, "news from Google cannot be verified");
        again()
    })?;
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let audience = push_endpoint(&state, &headers, tenant);
    match keys.verify(authorization, &audience, email, state.source.now()).await {
        Ok(()) => {}
        Err(Untrusted::Denied(why)) => {
            tracing::debug!(why, "a message does not come from Google");
            return Err(denied());
        }
        Err(Untrusted::Unavailable(why)) => {
            tracing::warn!(why, "news from Google cannot be verified");
            return Err(again());
        }
    }
    let pushed = events::pushed(&body).map_err(Problem::bad_request)?;
    if settings.subscription.as_ref().is_some_and(|subscription| *subscription != pushed.subscription) {
        return Err(denied());
    }
    let event = match Event::read(&pushed.message) {
        Ok(event) => event,
        Err(why) => {
            // It stays unreadable.
            tracing::warn!(id = pushed.message.id, why, "news from Google cannot be read");
            return Ok(StatusCode::NO_CONTENT);
        }
    };
    match android::take(&state.engine, tenant, &settings, &event).await? {
        android::Taken::Done => Ok(StatusCode::NO_CONTENT),
        android::Taken::TooEarly => Err(again()),
    }
}
