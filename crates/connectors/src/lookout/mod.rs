//! Lookout's Mobile Risk API v2: a stream of what its sensors find on devices.
//!
//! [`run`] keeps the stream open and hands every event on in order, [`map`](map()) says what one means, [`sse`] reads
//! the stream's format. Must not know what becomes of an event, nor how positions are kept.

mod answer;
mod client;
mod config;
mod map;
mod pace;
pub mod sse;

pub use client::run;
pub use config::{ApplicationKey, Limits, LookoutConfig};
pub use map::{SOURCE, map};

pub use crate::feed::{FeedState, Sink, SinkError};
