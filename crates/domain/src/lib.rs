//! What is true: the types of the product, and the pure functions that decide about a device.
//!
//! This crate does no I/O, is not async, reads no clock and draws no random number: times and ids are handed in.
//! It must not know that there is a database, a network or an operating system.
//!
//! Start at [`evaluate`]: rules and facts go in, a [`posture::Posture`] and its [`explain::Reason`]s come out.

pub mod admin;
pub mod app;
pub mod check;
pub mod classification;
pub mod compliance;
pub mod contact;
pub mod cycle;
pub mod detection;
pub mod device;
pub mod device_command;
pub mod evaluate;
pub mod explain;
pub mod found;
pub mod ids;
pub mod incident;
pub mod indicator;
pub mod journal;
pub mod level;
pub mod logo;
pub mod notification;
pub mod organization_group;
pub mod os_version;
pub mod payload;
pub mod posture;
pub mod posture_rules;
pub mod profile;
pub mod protections;
pub mod push;
pub mod quickstart;
pub mod restricted;
pub mod rights;
pub mod rules;
pub mod schedule;
pub mod score;
pub mod settings;
pub mod smart_group;
pub mod sms;
pub mod tag;
pub mod template;
pub mod threat;
pub mod time;
pub mod verdict;
