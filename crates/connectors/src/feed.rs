//! Where the events of a feed go, and how the feed tells how it is doing.
//!
//! Must not know any vendor's format, nor what becomes of an event behind the sink.

use std::{future::Future, sync::Arc, time::Duration};

use allclear_domain::detection::SourceEvent;
use serde::Serialize;

/// Takes the events of one feed of one tenant. Implemented over the engine by whoever wires the two.
pub trait Sink: Send + Sync {
    /// The position saved with the last batch that was delivered; none before the first.
    fn position(&self) -> impl Future<Output = Result<Option<String>, SinkError>> + Send;

    /// Stores the events, in this order, and the position with them, and returns after the commit. `None` leaves the
    /// position as it is.
    ///
    /// An error means that nothing of the batch is promised to be kept: the same events come again, so a batch the
    /// sink will never take must not be an error. An event may come again after success, too; its id tells. The
    /// future may be dropped when the feed is shut down.
    fn deliver(
        &self,
        events: Vec<SourceEvent>,
        position: Option<String>,
    ) -> impl Future<Output = Result<(), SinkError>> + Send;

    /// Hears how the feed is doing, at every change.
    fn health(&self, state: FeedState);
}

impl<S: Sink> Sink for Arc<S> {
    fn position(&self) -> impl Future<Output = Result<Option<String>, SinkError>> + Send {
        S::position(self)
    }

    fn deliver(
        &self,
        events: Vec<SourceEvent>,
        position: Option<String>,
    ) -> impl Future<Output = Result<(), SinkError>> + Send {
        S::deliver(self, events, position)
    }

    fn health(&self, state: FeedState) {
        S::health(self, state);
    }
}

/// The events could not be stored, or the position not be read, for now.
#[derive(Debug, thiserror::Error)]
#[error("the events could not be stored")]
pub struct SinkError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl SinkError {
    /// Wraps the cause.
    pub fn new(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

/// How a feed is doing. Texts are for people and hold no secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum FeedState {
    /// Asking for access and opening the stream.
    Connecting,
    /// The stream is open; heartbeats or events arrive.
    Connected,
    /// The feed ended a stream in good order and asks to connect again.
    Resuming,
    /// The connection failed or was lost.
    Reconnecting {
        /// What happened.
        why: String,
        /// How many times in a row it has failed, from 1.
        attempt: u32,
        /// How long until the next attempt.
        #[serde(rename = "retry_in_seconds", serialize_with = "seconds")]
        retry_in: Duration,
    },
    /// The feed does not accept the credentials. It is tried again, but somebody has to mend them.
    Unauthorised {
        /// What the feed answered.
        why: String,
        /// How long until the next attempt.
        #[serde(rename = "retry_in_seconds", serialize_with = "seconds")]
        retry_in: Duration,
    },
    /// The feed asks to slow down.
    RateLimited {
        /// How long until the next attempt.
        #[serde(rename = "retry_in_seconds", serialize_with = "seconds")]
        retry_in: Duration,
    },
    /// The feed no longer knows the last position: reading goes on from the oldest it still has. Events between the
    /// two may be missing.
    PositionLost {
        /// The position it refused.
        position: String,
        /// What the feed answered.
        why: String,
    },
    /// Shut down on request.
    Stopped,
}

fn seconds<S: serde::Serializer>(span: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(span.as_secs_f64())
}
