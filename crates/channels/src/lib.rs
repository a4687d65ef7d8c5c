//! What reaches devices and people.
//!
//! A channel compares what should be with what was reported and hands over what is missing; [`agent`] does so for
//! devices with our own agent, [`apple`] for those under Apple's management, [`android`] for those under Google's, signed in
//! by [`google`]. [`delivery`] takes messages out of the outbox and hands them to providers, which say what they made of
//! them ([`outcome`]): [`email`] and [`sms`]. [`push`] wakes agents and tells devices' owners.
//! This crate must not decide what should be, nor know SQL.

pub mod agent;
pub mod android;
pub mod apple;
pub mod delivery;
pub mod email;
pub mod google;
pub mod outcome;
pub mod push;
mod service;
pub mod sms;
mod wording;
