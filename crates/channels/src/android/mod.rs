//! Android devices under Google's management (Android Management API).
//!
//! A device takes one policy, so everything that should be on it is merged into one ([`policy`]); where profiles want
//! different things, [`conflicts`] says so, and [`status`] reads from a device's report what has come of each profile.
//! [`client`] asks Google, [`events`] reads what it tells of its own accord, and [`keys`] says whether it was Google;
//! [`operation`] are commands and what became of them.

mod apps;
pub mod client;
pub mod conflicts;
mod current;
mod error;
pub mod events;
pub mod keys;
mod names;
pub mod operation;
mod passwords;
pub mod policy;
mod render;
mod resources;
mod rules;
pub mod settings;
pub mod status;
#[cfg(test)]
mod tests;

pub use client::Error;
