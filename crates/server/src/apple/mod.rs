//! What Apple devices speak to: how they enroll and get their certificates, check in, take commands and answer.
//!
//! Nothing to do is an empty 200. Never 401, which devices may take as the end of their enrollment.

mod check_in;
mod enroll;
mod identity;
#[cfg(test)]
mod protocol_tests;
mod scep;
#[cfg(test)]
mod tests;

pub(crate) use enroll::profile_url;

use std::time::Instant;

use allclear_channels::apple::{
    exchange::{self, Renewal, Reply},
    messages::Report,
};
use allclear_engine::apple_mdm::Caller;
use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use identity::Shown;

use crate::{access::ClientAddress, app::AppState, limits, problem::Problem};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(enroll::profile))
        .routes(routes!(scep::get, scep::post))
        .routes(routes!(check_in::check_in))
        .routes(routes!(command))
}

/// The answer to a device: a property list, or nothing.
fn answer(plist: Option<Vec<u8>>) -> Response {
    match plist {
        Some(plist) => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/xml; charset=utf-8"))], plist)
            .into_response(),
        None => StatusCode::OK.into_response(),
    }
}

/// What the caller has the key to. Whoever has none is slowed down: to find that out costs.
async fn shown(
    state: &AppState,
    address: Option<ClientAddress>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Shown, Problem> {
    let shown = identity::caller(state, address, headers, body).await;
    shown.map_err(|problem| slow_down(state, address).err().unwrap_or(problem))
}

/// Who calls, if the device may have one more request.
fn paced(state: &AppState, shown: Shown, identifier: &str) -> Result<Caller, Problem> {
    let taken = state.limiters.credentials.take(shown.certificate.fingerprint(), Instant::now());
    taken.map_err(Problem::too_many_requests)?;
    Ok(Caller { certificate: shown.certificate, chain: shown.chain, identifier: identifier.to_owned() })
}

/// Takes an answer and gives the next command
///
/// For Apple devices, as their protocol has it: the body is a property list with the device's answer to a command, or
/// `Idle`; so is the answer, with the next command, or empty.
#[utoipa::path(put, path = "/apple/v1/command", tag = "apple", operation_id = "exchange_apple_command",
    request_body(content = String, content_type = "application/x-apple-aspen-mdm", description = "A property list."),
    responses((status = 200, description = "The next command, or nothing.", body = String,
        content_type = "application/xml")))]
async fn command(
    State(state): State<AppState>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let address = address.map(|Extension(address)| address);
    let shown = shown(&state, address, &headers, &body).await?;
    let tenant = shown.tenant;
    let report = Report::read(&body).map_err(|error| unreadable(&error))?;
    let caller = paced(&state, shown, &report.sender.identifier)?;
    if report.sender.user_channel {
        return Err(Problem::gone("People who use a device have no channel of their own here."));
    }
    match exchange::exchange(&state.engine, tenant, &caller, &report, &body).await? {
        Reply::Nothing => Ok(answer(None)),
        Reply::Command(command) => Ok(answer(Some(command))),
        Reply::Renewal(renewal) => renew(&state, renewal).await,
    }
}

/// Gives a device the profile with which it gets its next certificate. Where the management is not set up any more the
/// device keeps the one it has.
async fn renew(state: &AppState, renewal: Renewal) -> Result<Response, Problem> {
    match enroll::renewed(state, renewal.enrollment).await {
        Ok(profile) => Ok(answer(Some(exchange::renewal(&state.engine, renewal, profile).await?))),
        Err(problem) if problem.status == StatusCode::CONFLICT => Ok(answer(None)),
        Err(problem) => Err(problem),
    }
}

fn unreadable(error: &dyn std::error::Error) -> Problem {
    Problem::bad_request(format!("The message cannot be read: {error}."))
}

/// Slows down who computes at our cost, or guesses.
fn slow_down(state: &AppState, address: Option<ClientAddress>) -> Result<(), Problem> {
    let Some(address) = address else { return Ok(()) };
    let taken = state.limiters.failures.take(limits::client(address.0), Instant::now());
    taken.map_err(Problem::too_many_requests)
}
