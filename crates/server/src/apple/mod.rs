//! What Apple's devices speak to: how they enroll and get their certificates.
//!
//! A device is never answered 401, because it may then leave the management.

mod enroll;
mod scep;
#[cfg(test)]
mod tests;

pub(crate) use enroll::profile_url;

use std::time::Instant;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{access::ClientAddress, app::AppState, limits, problem::Problem};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(enroll::profile)).routes(routes!(scep::get, scep::post))
}

/// Slows down who computes at our cost, or guesses.
fn slow_down(state: &AppState, address: Option<ClientAddress>) -> Result<(), Problem> {
    let Some(address) = address else { return Ok(()) };
    let taken = state.limiters.failures.take(limits::client(address.0), Instant::now());
    taken.map_err(Problem::too_many_requests)
}
