//! Which feed to read, and within which limits.
//!
//! Must not know how the stream is read.

use std::{fmt, time::Duration};

use allclear_domain::time::Time;
use reqwest::Url;

/// The key that gives access to a tenant's feed. Never printed.
#[derive(Clone)]
pub struct ApplicationKey(pub(super) String);

impl ApplicationKey {
    /// Takes the key as the vendor's console shows it.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }
}

impl fmt::Debug for ApplicationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApplicationKey(hidden)")
    }
}

/// Which feed to read, and how.
#[derive(Clone, Debug)]
pub struct LookoutConfig {
    /// Where the API is: `https://api.lookout.com` in production.
    pub base_url: Url,
    /// The key that gives access.
    pub application_key: ApplicationKey,
    /// The types of events asked for; [`LookoutConfig::TYPES`] are all there are.
    pub types: Vec<String>,
    /// Where to start before the first event is stored; the feed goes back 10 days. `None` starts with what happens
    /// from now on.
    pub start: Option<Time>,
    /// Times and sizes.
    pub limits: Limits,
}

impl LookoutConfig {
    /// The types of events the feed has.
    pub const TYPES: [&'static str; 4] = ["THREAT", "DEVICE", "AUDIT", "SMISHING_ALERT"];

    /// Every type of event from now on, with the usual limits.
    pub fn new(base_url: Url, application_key: ApplicationKey) -> Self {
        Self {
            base_url,
            application_key,
            types: Self::TYPES.map(str::to_owned).to_vec(),
            start: None,
            limits: Limits::default(),
        }
    }
}

/// Times and sizes of a connection. The defaults are what the feed's documentation asks for.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long the stream may be silent before it is opened again. Default 15 s: three heartbeats.
    pub silence: Duration,
    /// The shortest wait before connecting again. Default 1 s.
    pub backoff_min: Duration,
    /// The longest wait, unless the feed asks for more. Default 60 s.
    pub backoff_max: Duration,
    /// How long a request may take until the answer begins; for a token, until it is complete. Default 30 s.
    pub request: Duration,
    /// How long before its end a token is no longer used. Default 60 s.
    pub token_margin: Duration,
    /// At most this many requests in each [`Limits::pace_span`]. Default 100.
    pub pace: usize,
    /// Default one minute.
    pub pace_span: Duration,
    /// At most about this many events in one delivery. Default 256.
    pub batch: usize,
    /// The longest server-sent event, in bytes; a longer one becomes one unmapped event. Default 8 MiB.
    pub message: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(15),
            backoff_min: Duration::from_secs(1),
            backoff_max: Duration::from_secs(60),
            request: Duration::from_secs(30),
            token_margin: Duration::from_secs(60),
            pace: 100,
            pace_span: Duration::from_secs(60),
            batch: 256,
            message: 8 * 1024 * 1024,
        }
    }
}
