//! A browser comes with a one-time link and leaves with a session.

use allclear_domain::{
    ids::{DeviceId, MessagesSessionId},
    journal::{Actor, ActorKind},
};
use allclear_engine::messages_app::{self, Bound};
use allclear_store::messages_app as stored;
use axum::{
    extract::State,
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    app::AppState,
    auth::{Credential, Kind},
    extract::Json,
    problem::Problem,
    sign_in::{cookie, origin},
};

/// A link to follow.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrollMessages {
    /// What stands after the `#` of the link, or in its `link` parameter.
    #[schema(max_length = 100, example = "acml_1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    token: String,
}

/// What the app is bound to now.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(super) struct EnrolledMessages {
    /// The device.
    device_id: DeviceId,
}

fn no_link() -> Problem {
    Problem::not_found("link")
}

/// Binds the Messages app to a device
///
/// The link is used up, and the answer sets the session's cookie. A session that the browser had before ends. It ends
/// also when it goes unused for 180 days, and when the device enrolls again or is handed to another user.
#[utoipa::path(post, path = "/m/v1/enroll", tag = "messages-app", operation_id = "enroll_messages",
    request_body = EnrollMessages, responses((status = 200, body = EnrolledMessages),
        (status = 403, description = "The device is not enrolled (`/problems/unenrolled`), or the request comes from a \
            page of another site.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There never was such a link, or it expired long ago.", body = Problem,
            content_type = "application/problem+json"),
        (status = 410, description = "The link was used (`/problems/link-used`) or has expired \
            (`/problems/link-expired`).", body = Problem, content_type = "application/problem+json")))]
pub(super) async fn enroll(
    State(state): State<AppState>,
    headers: HeaderMap,
    Json(given): Json<EnrollMessages>,
) -> Result<Response, Problem> {
    origin::check_sign_in(&headers, &state.options)?;
    let link = Credential::parse(&given.token).filter(|link| link.kind == Kind::MessagesLink).ok_or_else(no_link)?;
    // Whoever guesses must not get as far as the writer.
    let known = state.db.read(move |tx| stored::link(tx, link.tenant, &link.hash)).await?;
    let known = known.ok_or_else(no_link)?;
    let replaced = cookie::MESSAGES.value(&headers, &state.options).and_then(Credential::parse);
    let replaced = replaced.filter(|old| old.kind == Kind::Messages && old.tenant == link.tenant).map(|old| old.hash);
    let (secret, credential) = Credential::new(Kind::Messages, link.tenant, state.source.secret());
    let session = MessagesSessionId(state.source.id());
    let actor = Actor::new(ActorKind::Device, known.device.to_string());
    let bound = state.engine.edit(link.tenant, actor, move |work| {
        messages_app::bind(work, &link.hash, session, &credential.hash, replaced.as_ref())
    });
    match bound.await? {
        Bound::To(device_id) => {
            let cookie = cookie::MESSAGES.set(&state.options, &secret.reveal())?;
            Ok(([cookie], Json(EnrolledMessages { device_id })).into_response())
        }
        Bound::Unknown => Err(no_link()),
        Bound::Used => Err(Problem::link_used()),
        Bound::Expired => Err(Problem::link_expired()),
        Bound::Unenrolled => Err(Problem::unenrolled()),
    }
}
