//! Google's management of Android devices (Android Management API).
//!
//! [`client`] asks Google, [`events`] reads what it tells of its own accord, and [`keys`] says whether it was Google;
//! [`operation`] are commands and what became of them.

pub mod client;
pub mod events;
pub mod keys;
mod names;
pub mod operation;
pub mod settings;

pub use client::Error;
