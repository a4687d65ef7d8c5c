//! What reaches devices and people.
//!
//! A channel compares what should be with what was reported and hands over what is missing; [`agent`] does so for
//! devices with our own agent. This crate must not decide what should be, nor know HTTP or SQL.

pub mod agent;
pub mod outcome;
