//! Where a browser wants to be told that there is a message.

use allclear_channels::push::{self, vapid::VapidKey, web_push::Subscription};
use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{app::AppState, auth::MessagesPrincipal, extract::Json, problem::Problem};

/// The key to subscribe with.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct PushKey {
    /// An uncompressed point of P-256, base64url: the `applicationServerKey`. The same for ever.
    public_key: String,
}

/// What a browser's `PushSubscription` says of itself.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PushSubscription {
    /// Where its push service takes messages.
    #[schema(format = "uri", max_length = 2048)]
    endpoint: String,
    /// What it is encrypted with.
    keys: PushKeys,
    /// When it ends, in milliseconds; not looked at, because push services say when a subscription is gone.
    #[serde(default, rename = "expirationTime")]
    #[expect(dead_code, reason = "browsers send it")]
    expiration_time: Option<f64>,
}

/// What messages to a browser are encrypted with.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PushKeys {
    /// Its public key, base64url.
    #[schema(max_length = 100)]
    p256dh: String,
    /// Its secret, base64url.
    #[schema(max_length = 100)]
    auth: String,
}

/// The key to subscribe with
#[utoipa::path(get, path = "/m/v1/push-key", tag = "messages-app", operation_id = "get_push_key",
    responses((status = 200, body = PushKey)))]
pub(super) async fn key(State(state): State<AppState>, _: MessagesPrincipal) -> Result<Json<PushKey>, Problem> {
    let key = VapidKey::of(&state.engine).await.map_err(|error| Problem::internal(&error))?;
    Ok(Json(PushKey { public_key: key.public().to_owned() }))
}

/// Asks to be told of messages by push
///
/// In place of what this browser asked before. The push itself holds `{id, title, body, url}`.
#[utoipa::path(put, path = "/m/v1/push-subscription", tag = "messages-app", operation_id = "subscribe_to_push",
    request_body = PushSubscription, responses((status = 204)))]
pub(super) async fn subscribe(
    State(state): State<AppState>,
    who: MessagesPrincipal,
    Json(given): Json<PushSubscription>,
) -> Result<StatusCode, Problem> {
    let subscription = Subscription::new(&given.endpoint, &given.keys.p256dh, &given.keys.auth)
        .map_err(|(pointer, detail)| Problem::invalid_field(pointer, detail))?;
    let permitted = subscription.url().map(|url| state.options.outgoing.check(&url));
    if let Some(Err(refused)) = permitted {
        return Err(Problem::invalid_field("/endpoint", refused.to_string()));
    }
    push::subscribe(&state.engine, who.tenant, who.device, who.session, &subscription).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks not to be told by push any more
#[utoipa::path(delete, path = "/m/v1/push-subscription", tag = "messages-app", operation_id = "unsubscribe_from_push",
    responses((status = 204)))]
pub(super) async fn unsubscribe(State(state): State<AppState>, who: MessagesPrincipal) -> Result<StatusCode, Problem> {
    push::unsubscribe(&state.engine, who.tenant, who.device, who.session).await?;
    Ok(StatusCode::NO_CONTENT)
}
