#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use proptest::prelude::*;
use reqwest::header::HeaderName;

use super::{
    super::{ApplicationKey, LookoutConfig},
    *,
};

fn message(data: &str, id: Option<&str>) -> Message {
    Message { event: "events".to_owned(), data: data.to_owned(), id: id.map(str::to_owned), ..Message::default() }
}

fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
}

const EVENT: &str = r#"{"id":"e-1","type":"BATTERY"}"#;
const OTHER: &str = r#"{"id":"e-2","type":"BATTERY"}"#;

#[test]
fn every_shape_of_data_is_read() {
    for (data, count, position) in [
        (EVENT.to_owned(), 1, Some("e-1")),
        (format!("[{EVENT},{OTHER}]"), 2, Some("e-2")),
        (format!(" {{\"count\":2, \"events\": [{EVENT}, {OTHER}] }}"), 2, Some("e-2")),
        ("[]".to_owned(), 0, None),
        ("{}".to_owned(), 0, None),
        (r#"{"events":[]}"#.to_owned(), 0, None),
        (format!(r#"[{EVENT},{{"type":"BATTERY"}}]"#), 2, None),
        (r#"{"events":7}"#.to_owned(), 1, None),
        ("7".to_owned(), 1, None),
        ("[".to_owned(), 1, None),
    ] {
        let (events, found) = read(&message(&data, None));
        assert_eq!((events.len(), found.as_deref()), (count, position), "{data}");
        let (events, found) = read(&message(&data, Some("own")));
        assert_eq!((events.len(), found.as_deref()), (count, Some("own")), "{data}: the message's own id comes first");
    }
}

#[test]
fn a_message_that_is_too_long_is_one_unmapped_event() {
    let (events, position) = read(&Message { cut: true, ..message(EVENT, Some("own")) });
    let [SourceEvent::Unmapped(unmapped)] = events.as_slice() else { panic!("{events:?}") };
    assert_eq!(unmapped.reason, "events: too long");
    assert!(unmapped.event_id.starts_with("sha256:"), "the event called `own` may yet come");
    assert_eq!(position.as_deref(), Some("own"));
}

#[test]
fn only_event_streams_are_read() {
    for (content_type, expected) in [
        ("text/event-stream", true),
        ("Text/Event-Stream; charset=utf-8", true),
        ("text/html", false),
        ("application/json", false),
    ] {
        assert_eq!(is_event_stream(&headers(&[(CONTENT_TYPE, content_type)])), expected, "{content_type}");
    }
    assert!(!is_event_stream(&HeaderMap::new()));
}

#[test]
fn tokens_are_read_and_never_printed() {
    let (authorization, lifetime) = token(br#"{"access_token":"s3cret","expires_in":1799,"token_type":"x"}"#).unwrap();
    assert_eq!((authorization.to_str().unwrap(), lifetime.as_secs()), ("Bearer s3cret", 1_799));
    assert!(!format!("{authorization:?}").contains("s3cret"));
    assert_eq!(token(br#"{"access_token":"t"}"#).unwrap().1.as_secs(), 600);
    assert_eq!(token(br#"{"access_token":"t","expires_in":18446744073709551615}"#).unwrap().1.as_secs(), 86_400);
    for body in ["", "{}", r#"{"access_token":7}"#, r#"{"access_token":"a\nb"}"#] {
        assert_eq!(token(body.as_bytes()), None, "{body}");
    }
}

#[test]
fn the_key_is_never_printed() {
    let config = LookoutConfig::new("https://feed.example".parse().unwrap(), ApplicationKey::new("s3cret"));
    assert!(!format!("{config:?}").contains("s3cret"));
}

#[test]
fn answers_are_explained_in_one_line() {
    assert_eq!(explain(StatusCode::NOT_FOUND, b" \n"), "the feed answered 404 Not Found");
    assert_eq!(explain(StatusCode::BAD_GATEWAY, b"<h1>\nno\x1b[1m"), "the feed answered 502 Bad Gateway: <h1> no [1m");
    assert_eq!(explain(StatusCode::OK, "é".repeat(300).as_bytes()).chars().count(), 226);
}

proptest! {
    #[test]
    fn any_data_is_read(data in ".{0,200}", id in prop::option::of(".{0,250}")) {
        let (_, position) = read(&message(&data, id.as_deref()));
        prop_assert!(position.is_none_or(|position| position.len() <= 200));
    }
}
