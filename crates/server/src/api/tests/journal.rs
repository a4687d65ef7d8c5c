//! The journal read, and followed live.

use std::time::Duration;

use allclear_domain::time::Span;
use axum::{body::Body, http::Request, response::Response};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::time::timeout;
use tower::ServiceExt;

use super::Fleet;
use crate::{app, testing::request};

const URI: &str = "/api/v1/journal";

fn positions(page: &Value) -> Vec<i64> {
    page["items"].as_array().unwrap().iter().map(|entry| entry["position"].as_i64().unwrap()).collect()
}

#[tokio::test]
async fn the_journal_is_read_in_order_and_to_its_end() {
    let fleet = Fleet::new().await;
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    let (mut after, mut seen) = (0, Vec::new());
    loop {
        let page = fleet.get(&format!("{URI}?after={after}&limit=3")).await;
        seen.extend(positions(&page));
        assert_eq!(page["next_after"].as_i64(), seen.last().copied());
        after = page["next_after"].as_i64().unwrap();
        if page["at_end"] == true {
            break;
        }
    }
    let count = i64::try_from(seen.len()).unwrap();
    assert_eq!(seen, (1..=count).collect::<Vec<_>>(), "from 1, without gaps");
    let end = fleet.get(&format!("{URI}?after={count}")).await;
    assert_eq!(end, json!({"items": [], "next_after": count, "at_end": true}));

    let last = fleet.get(&format!("{URI}?after={}", count - 1)).await["items"][0].clone();
    assert_eq!(last["actor"], json!({"kind": "source", "name": "lab"}));
    assert_eq!(last["events"], json!(["e1"]));
    let of_phone = fleet.get(&format!("{URI}?device_id={}&limit=500", fleet.phone)).await;
    assert_eq!(positions(&of_phone).last(), Some(&count));
    assert!(positions(&of_phone).len() < seen.len());
    let kinds = fleet.get(&format!("{URI}?kind=smart_group&limit=500")).await;
    assert_eq!(positions(&kinds).len(), 3, "the quickstart's groups");
    let risks = fleet.get(&format!("{URI}?change=risk")).await;
    assert_eq!(positions(&risks), [count]);
    for wrong in
        ["before=-1", "before=x", "after=1&before=5", "after=-1", "limit=0", "limit=501", "after=x", "colour=red"]
    {
        fleet.world.get(&format!("{URI}?{wrong}"), &fleet.admin).await.expect(422);
    }
}

#[tokio::test]
async fn each_reads_what_lies_within_reach() {
    let fleet = Fleet::new().await;
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    fleet.detect("e2", "TABLET", "t1", "trojan", "open").await;
    let page = fleet.world.get(URI, &fleet.north).await.expect(200);
    let about: Vec<&Value> = page["items"].as_array().unwrap().iter().map(|entry| &entry["device_id"]).collect();
    assert!(!about.is_empty() && about.iter().all(|id| **id == json!(fleet.tablet)), "{page}");
    let whole = fleet.get(&format!("{URI}?limit=500")).await;
    assert_eq!(page["next_after"], whole["next_after"], "what is out of reach is passed over");
    let bolt = fleet.world.token(2, "administrator", fleet.world.bolt).await;
    let theirs = fleet.world.get(URI, &bolt).await.expect(200);
    assert!(!theirs.to_string().contains("PHONE"));
    let desk = fleet.world.token(1, "help_desk", fleet.world.acme).await;
    fleet.world.get(URI, &desk).await.expect(403);
    let nobody = json!({"name": "Nothing to see", "rights": ["notify"]});
    let role = fleet.post("/api/v1/roles", nobody).await.expect(201)["id"].as_str().unwrap().to_owned();
    let nobody = fleet.world.token(1, &role, fleet.world.acme).await;
    fleet.world.get("/api/v1/live", &nobody).await.expect(403);
}

#[tokio::test]
async fn the_journal_is_read_from_its_end() {
    let fleet = Fleet::new().await;
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    let end = fleet.get(&format!("{URI}?limit=500")).await["next_after"].as_i64().unwrap();
    let (mut before, mut seen) = (i64::MAX, Vec::new());
    loop {
        let page = fleet.get(&format!("{URI}?before={before}&limit=4")).await;
        seen.extend(positions(&page));
        assert_eq!(page["next_after"], if before == i64::MAX { end } else { before - 1 });
        before = page["next_before"].as_i64().unwrap();
        if page["at_end"] == true {
            break;
        }
        assert_eq!(seen.last(), Some(&before));
    }
    assert_eq!(seen, (1..=end).rev().collect::<Vec<_>>(), "to the first, without gaps");
    let none = fleet.get(&format!("{URI}?before=0")).await;
    assert_eq!(none, json!({"items": [], "next_after": 0, "next_before": 0, "at_end": true}));
    let groups = fleet.get(&format!("{URI}?before={}&kind=smart_group", end + 1)).await;
    let mut forward = positions(&fleet.get(&format!("{URI}?kind=smart_group")).await);
    forward.reverse();
    assert_eq!(positions(&groups), forward);
    let north = fleet.world.get(&format!("{URI}?before={}", i64::MAX), &fleet.north).await.expect(200);
    assert!(!north.to_string().contains(&fleet.phone.to_string()));
    fleet.world.get("/api/v1/live?before=5", &fleet.admin).await.expect(422);
}

/// A live stream, read event by event.
struct Live {
    frames: futures_util::stream::BoxStream<'static, String>,
    text: String,
}

impl Live {
    async fn open(fleet: &Fleet, request: Request<Body>) -> Live {
        let response: Response = app::router(fleet.world.state.clone()).oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        let frames = response.into_body().into_data_stream();
        let frames = frames.map(|frame| String::from_utf8(frame.unwrap().to_vec()).unwrap()).boxed();
        Live { frames, text: String::new() }
    }

    /// The next event's fields as they stand; `None` when the stream has ended.
    async fn event(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let event = self.text[..end].to_owned();
                self.text.drain(..end + 2);
                return Some(event);
            }
            let frame = timeout(Duration::from_secs(20), self.frames.next()).await.unwrap();
            self.text.push_str(&frame?);
        }
    }

    /// The next entry.
    async fn entry(&mut self) -> Value {
        loop {
            let event = self.event().await.unwrap();
            let mut lines = event.lines();
            if lines.clone().any(|line| line == "event: entry") {
                let id = lines.clone().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
                let entry: Value =
                    serde_json::from_str(lines.find_map(|line| line.strip_prefix("data: ")).unwrap()).unwrap();
                assert_eq!(entry["position"].to_string(), id);
                return entry;
            }
        }
    }
}

fn live(query: &str, token: &str, last: Option<&str>) -> Request<Body> {
    let headers: Vec<(&str, &str)> = last.map(|last| ("last-event-id", last)).into_iter().collect();
    request("GET", &format!("/api/v1/live{query}"), token, None, &headers)
}

#[tokio::test]
async fn a_live_stream_tells_everything_from_where_it_was_left() {
    let fleet = Fleet::new().await;
    let mut now = Live::open(&fleet, live("", &fleet.admin, None)).await;
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    let first = now.entry().await;
    assert_eq!(first["events"], json!(["e1"]), "what was before is not told");
    fleet.detect("e2", "TABLET", "t1", "trojan", "open").await;
    fleet.detect("e3", "PHONE", "t1", "trojan", "resolved").await;
    let (second, third) = (now.entry().await, now.entry().await);
    assert_eq!((&second["events"], &third["events"]), (&json!(["e2"]), &json!(["e3"])));

    let last = first["position"].to_string();
    let mut resumed = Live::open(&fleet, live("?after=0", &fleet.admin, Some(&last))).await;
    assert_eq!([resumed.entry().await, resumed.entry().await], [second.clone(), third]);
    let mut whole = Live::open(&fleet, live("?after=0", &fleet.admin, None)).await;
    for position in 1..=first["position"].as_i64().unwrap() {
        assert_eq!(whole.entry().await["position"], position);
    }
    let mut north = Live::open(&fleet, live(&format!("?after={last}"), &fleet.north, None)).await;
    assert_eq!(north.entry().await, second);
    let passed = north.event().await.unwrap();
    assert!(passed.starts_with("id: ") && !passed.contains("data"), "the position goes on without an entry: {passed}");

    fleet.world.send(live("", &fleet.admin, Some("x"))).await.expect(400);
    fleet.world.send(live("?after=-1", &fleet.admin, None)).await.expect(422);
    fleet.world.state.stopping.cancel();
    while now.event().await.is_some() {}
    while resumed.event().await.is_some() {}
}

#[tokio::test]
async fn a_silent_stream_shows_that_it_is_alive_and_ends_with_its_credential() {
    let fleet = Fleet::new().await;
    let soon = fleet.world.state.source.now().plus(Span::seconds(60));
    let brief = fleet.world.expiring_token(1, "administrator", fleet.world.acme, Some(soon)).await;
    let mut stream = Live::open(&fleet, live("", &brief, None)).await;
    let begins = stream.event().await.unwrap();
    let position = begins.strip_prefix("id: ").and_then(|id| id.parse::<i64>().ok());
    assert!(position.is_some_and(|position| position > 0), "where it begins: {begins}");
    assert!(stream.event().await.unwrap().starts_with(':'), "a comment");
    fleet.world.pass(Span::seconds(61));
    while let Some(event) = stream.event().await {
        assert!(event.starts_with(':'), "{event}");
    }
}

#[tokio::test]
async fn who_may_not_audit_is_told_what_becomes_of_devices() {
    let fleet = Fleet::new().await;
    let reader = fleet.world.token(1, "read_only", fleet.world.acme).await;
    let desk = fleet.world.token(1, "help_desk", fleet.world.north).await;
    let mut whole = Live::open(&fleet, live("", &reader, None)).await;
    let mut north = Live::open(&fleet, live("", &desk, None)).await;
    fleet.post("/api/v1/tags", json!({"name": "secret plan"})).await.expect(201);
    let user = format!("/api/v1/users/{}", fleet.ada);
    let edit = json!({"email": "ada@example.com", "version": 1});
    fleet.world.call("PATCH", &user, &fleet.admin, Some(edit)).await.expect(200);
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    fleet.post(&format!("{user}/notify"), json!({"channels": ["email"]})).await.expect(202);
    fleet.detect("e2", "TABLET", "t1", "trojan", "open").await;
    assert_eq!(whole.entry().await["events"], json!(["e1"]), "what administrators set up is left out");
    let told = whole.entry().await;
    assert_eq!((&told["object"]["kind"], &told["changes"][0]["type"]), (&json!("user"), &json!("notified")));
    assert_eq!(whole.entry().await["events"], json!(["e2"]));
    assert_eq!(north.entry().await["events"], json!(["e2"]), "within reach");
    fleet.world.get(URI, &reader).await.expect(403);
}
