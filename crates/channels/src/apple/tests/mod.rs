//! Profiles held to Apple's description, answers as devices give them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

mod inventory;
mod profile;
