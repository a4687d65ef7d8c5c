//! The interface of the Messages app: what the owner of one device sees of it, is told about it and asks of it.
//!
//! A session is bound to one device and speaks only for that one. Its page and files are in `console.rs`.

mod check;
mod enroll;
mod manifest;
mod messages;
mod push;
mod state;
#[cfg(test)]
mod tests;

use utoipa_axum::{router::OpenApiRouter, routes};

use crate::app::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(enroll::enroll))
        .routes(routes!(state::state))
        .routes(routes!(state::wait))
        .routes(routes!(messages::list))
        .routes(routes!(messages::read))
        .routes(routes!(check::check))
        .routes(routes!(manifest::manifest))
        .routes(routes!(manifest::install_link))
        .routes(routes!(push::key))
        .routes(routes!(push::subscribe, push::unsubscribe))
}
