//! Integrations: what is set and shown; how feeds are read is tried where they are read.

use allclear_domain::time::{Span, Time};
use allclear_store::integrations::{self, Reader};
use serde_json::{Value, json};

use super::{Fleet, TENANT};
use crate::testing::request;

const URI: &str = "/api/v1/integrations";
const SECRET: &str = "very-secret-key";

fn body() -> Value {
    json!({"kind": "lookout", "name": "Lookout", "base_url": "https://api.lookout.com", "application_key": SECRET})
}

#[tokio::test]
async fn an_integration_is_connected_changed_and_disconnected() {
    let fleet = Fleet::new().await;
    let made = fleet.post(URI, body()).await;
    let integration = made.expect(201);
    let at = format!("{URI}/{}", integration["id"].as_str().unwrap());
    assert_eq!((made.header("location"), made.header("etag")), (at.as_str(), "\"1\""));
    assert_eq!((&integration["enabled"], &integration["state"]["state"]), (&json!(true), &json!("waiting")));
    fleet.post(URI, body()).await.expect(409);

    let edit = async |body: Value| fleet.world.call("PATCH", &at, &fleet.admin, Some(body)).await;
    let renamed = edit(json!({"name": "Sensor feed", "version": 1})).await.expect(200);
    assert_eq!((&renamed["name"], &renamed["version"]), (&json!("Sensor feed"), &json!(2)));
    edit(json!({"enabled": false, "version": 1})).await.expect(409);
    let unchanged = edit(json!({"name": "Sensor feed", "version": 2})).await.expect(200);
    assert_eq!(unchanged["version"], 2);
    let elsewhere = json!({"base_url": "https://feed.example.com", "version": 2});
    let refused = edit(elsewhere).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/application_key", "a key does not go elsewhere by itself");
    let moved = json!({"base_url": "https://feed.example.com", "application_key": "another", "version": 2});
    assert_eq!(edit(moved).await.expect(200)["base_url"], "https://feed.example.com");
    let off = request("PATCH", &at, &fleet.admin, Some(json!({"enabled": false})), &[("if-match", "\"3\"")]);
    assert_eq!(fleet.world.send(off).await.expect(200)["state"]["state"], "disabled");

    let journal = fleet.world.get("/api/v1/journal?kind=integration", &fleet.admin).await;
    assert_eq!(journal.expect(200)["items"].as_array().unwrap().len(), 4);
    for text in [journal.text(), fleet.get(URI).await.to_string(), integration.to_string()] {
        assert!(!text.contains(SECRET) && !text.contains("another"), "{text}");
    }
    fleet.world.call("DELETE", &at, &fleet.admin, None).await.expect(204);
    fleet.world.get(&at, &fleet.admin).await.expect(404);
}

#[tokio::test]
async fn what_cannot_be_is_refused_by_name() {
    let fleet = Fleet::new().await;
    for (member, value) in [
        ("kind", json!("weather")),
        ("name", json!(" ")),
        ("base_url", json!("http://api.lookout.com")),
        ("base_url", json!("https://127.0.0.1")),
        ("base_url", json!("not a url")),
        ("application_key", json!("")),
        ("application_key", json!("two words")),
        ("position", json!("1")),
    ] {
        let mut wrong = body();
        wrong[member] = value;
        let problem = fleet.post(URI, wrong).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], format!("/{member}"), "{problem}");
    }
    let integration = fleet.post(URI, body()).await.expect(201);
    let at = format!("{URI}/{}", integration["id"].as_str().unwrap());
    let security = fleet.world.token(1, "security_manager", fleet.world.acme).await;
    fleet.world.call("POST", URI, &security, Some(body())).await.expect(403);
    fleet.world.get(&at, &security).await.expect(200);
    fleet.world.get(URI, &fleet.north).await.expect(403);
    let bolt = fleet.world.token(2, "administrator", fleet.world.bolt).await;
    fleet.world.get(&at, &bolt).await.expect(404);
    fleet.world.call("DELETE", &at, &bolt, None).await.expect(404);
}

#[tokio::test]
async fn it_is_shown_how_a_feed_is_doing() {
    let fleet = Fleet::new().await;
    let integration = fleet.post(URI, body()).await.expect(201);
    let id = integration["id"].as_str().unwrap().parse().unwrap();
    let at = format!("{URI}/{id}");
    let now = fleet.world.state.source.now();
    let reader = Reader { tenant: TENANT, id, node: "node".into(), version: 1 };
    let said = r#"{"state":"reconnecting","why":"no answer","attempt":3,"retry_in_seconds":1.5}"#;
    let written = fleet.world.state.db.write(move |tx| {
        assert!(integrations::lease(tx, &reader, now, now.plus(Span::seconds(30)))?);
        integrations::set_state(tx, &reader, said, Time::EPOCH)?;
        integrations::set_position(tx, &reader, "p-7")
    });
    assert!(written.await.unwrap());
    let shown = fleet.get(&at).await;
    let state = json!({"state": "reconnecting", "since": "1970-01-01T00:00:00Z", "detail": "no answer", "attempt": 3,
                       "retry_in_seconds": 1.5});
    assert_eq!((&shown["state"], &shown["position"]), (&state, &json!("p-7")));
    fleet.world.pass(Span::seconds(31));
    assert_eq!(fleet.get(&at).await["state"]["state"], "waiting", "whoever read it is gone");

    let waiting = json!({
        "type": "detection", "event_id": "e1", "source": "lookout", "device": {"external_id": "x"}, "threat_id": "t",
        "classification": "trojan", "status": "open", "detected_at": "2026-01-01T00:00:00Z"
    });
    fleet.post("/api/v1/source-events", waiting).await.expect(200);
    let shown = fleet.get(&at).await;
    assert_eq!((&shown["waiting"], &shown["exceptions"]), (&json!(1), &json!(0)));
}
