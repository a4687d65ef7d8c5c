//! What the feed's answers and messages say.
//!
//! Pure: no I/O, no clock. Must not know what is done about it.

use std::time::Duration;

use allclear_domain::detection::SourceEvent;
use reqwest::{
    StatusCode,
    header::{CONTENT_TYPE, HeaderMap, HeaderValue},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    map::{SOURCE, id, map},
    sse::Message,
};
use crate::bounded;

/// The events in a message and the position after it: its own id or, where it has none, that of its last event.
pub(super) fn read(message: &Message) -> (Vec<SourceEvent>, Option<String>) {
    let own_id = message.id.clone().filter(|id| id.len() <= bounded::ID);
    if message.data.is_empty() {
        return (Vec::new(), own_id);
    }
    // Not under the message's id, which is that of its last event: that event may yet come by itself.
    let unmapped = |reason: &str| vec![bounded::unmapped(SOURCE, None, &message.data, reason)];
    if message.cut {
        return (unmapped("events: too long"), own_id);
    }
    let raw_events = match raw_events(&message.data) {
        Ok(events) => events,
        Err(error) => return (unmapped(&format!("not JSON: {error}")), own_id),
    };
    let position = own_id.or_else(|| raw_events.last().and_then(|event| id(event.get())));
    (raw_events.into_iter().flat_map(|event| map(event.get())).collect(), position)
}

/// The events in the data of a message: a list, an object with a list, or one event by itself.
fn raw_events(data: &str) -> serde_json::Result<Vec<&RawValue>> {
    #[derive(Deserialize)]
    struct Wrapped<'a> {
        #[serde(borrow)]
        events: Vec<&'a RawValue>,
    }

    let whole: &RawValue = serde_json::from_str(data)?;
    let list = serde_json::from_str::<Vec<&RawValue>>(data);
    Ok(match list.or_else(|_| serde_json::from_str::<Wrapped<'_>>(data).map(|wrapped| wrapped.events)) {
        Ok(events) => events,
        Err(_) if data.trim() == "{}" => Vec::new(),
        // What is not an event either is for the map to tell.
        Err(_) => vec![whole],
    })
}

/// How long a token holds that does not say it, and the longest that is believed.
const LIFETIME: Duration = Duration::from_secs(600);
const LIFETIME_MAX: Duration = Duration::from_secs(86_400);

/// The token in an answer, ready for use, and how long it holds.
pub(super) fn token(body: &[u8]) -> Option<(HeaderValue, Duration)> {
    #[derive(Deserialize)]
    struct Token {
        access_token: String,
        /// In seconds.
        expires_in: Option<u64>,
    }

    let token: Token = serde_json::from_slice(body).ok()?;
    let lifetime = token.expires_in.map_or(LIFETIME, Duration::from_secs).min(LIFETIME_MAX);
    Some((bearer(&token.access_token)?, lifetime))
}

/// The header that carries a secret; none if it has characters no header has.
pub(super) fn bearer(secret: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(format!("Bearer {secret}")).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The status and the beginning of an answer, for people.
pub(super) fn explain(status: StatusCode, body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body).replace(|c: char| c.is_control(), " ");
    match bounded::characters(text.trim(), 200) {
        "" => format!("the feed answered {status}"),
        text => format!("the feed answered {status}: {text}"),
    }
}

pub(super) fn is_event_stream(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/event-stream")
}

#[cfg(test)]
mod tests;
