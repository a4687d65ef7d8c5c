//! What comes in from and goes out to other systems: threat feeds, detections in our own format, and indicators.
//!
//! A source is one module: it turns what the vendor sends into [`SourceEvent`]s and hands them to a [`feed::Sink`].
//! It decides nothing: what a detection means for a device is the engine's business.
//!
//! This crate must not know how facts are evaluated, which devices or rules there are, or how the server speaks HTTP to
//! its own clients. What a source says goes through the sink; only the [`supervisor`] and the keeping of
//! [`indicators`] know engine and store.
//!
//! [`SourceEvent`]: allclear_domain::detection::SourceEvent

pub mod feed;
pub mod indicators;
pub mod lookout;
pub mod native;
pub mod supervisor;
#[cfg(feature = "testing")]
pub mod testing;

mod bounded;
