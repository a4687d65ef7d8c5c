//! The HTTP face: thin handlers over engine and store. They parse, authorise, call and render.
//!
//! * [`app`] puts the router together; [`serve`] runs it on a socket.
//! * [`access`] holds the table of who may call what; a route without a row there answers nobody.
//! * [`problem`] is the only form in which errors leave; [`extract`], [`page`] and [`check`] make them from bad input;
//!   [`sorted`] makes pages of lists that are short.
//! * `api` has one file for each resource; [`agent`] is what devices speak to, `apple` what those under
//!   Apple's management do, [`messages_app`] what their owners do.
//!
//! This crate must not know SQL, nor decide anything about a device.

pub mod access;
pub mod agent;
mod android;
pub mod api;
pub mod app;
mod apple;
pub mod auth;
pub mod check;
mod console;
pub mod extract;
pub mod idempotency;
pub mod limits;
pub mod messages_app;
pub mod openapi;
pub mod ops;
pub mod page;
pub mod problem;
pub mod serve;
pub mod shell;
pub mod sign_in;
pub mod sorted;
#[cfg(test)]
mod testing;
