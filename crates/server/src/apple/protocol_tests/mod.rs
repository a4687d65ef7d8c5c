//! The protocol over the wire, with simulated devices.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

mod device;
mod identity;
mod life;
mod queue;
mod restrictions;
mod wake;
