//! Detections coming in: whole and broken batches, twice, and from those who may not.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::{Value, json};

use super::Fleet;

const URI: &str = "/api/v1/detections";

async fn send(fleet: &Fleet, token: &str, media: &str, body: impl Into<Body>) -> crate::testing::Answer {
    let request = Request::post(URI)
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .header(header::CONTENT_TYPE, media)
        .body(body.into());
    fleet.world.send(request.unwrap()).await
}

fn codes(answer: &Value) -> Vec<(u64, &str)> {
    let rejected = answer["rejected"].as_array().unwrap().iter();
    rejected.map(|one| (one["index"].as_u64().unwrap(), one["code"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn one_several_or_lines_are_taken_and_the_same_again_changes_nothing() {
    let fleet = Fleet::new().await;
    let of = |event: &str| fleet.detection(event, "PHONE", "t1", "TROJAN", "open");
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    let answer = fleet.post(URI, json!([of("e1"), of("e2")])).await.expect(200);
    assert_eq!(answer, json!({"accepted": 1, "duplicates": 1, "rejected": []}));
    let lines = format!("{}\n\n{}\n", of("e2"), of("e3"));
    let answer = send(&fleet, &fleet.admin, "application/x-ndjson; charset=utf-8", lines).await.expect(200);
    assert_eq!(answer, json!({"accepted": 1, "duplicates": 1, "rejected": []}));
    assert_eq!(fleet.threat().await["classification"], "trojan", "the canonical name");
    assert_eq!(fleet.post(URI, json!([])).await.expect(200)["accepted"], 0);
    assert_eq!(fleet.post(URI, json!([of("e4"), of("e4")])).await.expect(200)["duplicates"], 1);
}

#[tokio::test]
async fn good_items_are_kept_when_others_are_rejected() {
    let fleet = Fleet::new().await;
    let mut items: Vec<Value> =
        (0..7).map(|n| fleet.detection(&format!("e{n}"), "PHONE", "t1", "trojan", "open")).collect();
    items[0]["colour"] = json!("red");
    items[1]["device"] = json!({"serial_number": "NOBODY"});
    items[2]["status"] = json!("gone");
    items[3].as_object_mut().unwrap().remove("threat_id");
    items[4]["detected_at"] = json!("2100-01-01T00:00:00Z");
    items[5] = json!(7);
    let answer = fleet.post(URI, json!(items)).await.expect(200);
    assert_eq!(answer["accepted"], 1);
    let expected =
        [(0, "invalid"), (1, "unknown_device"), (2, "invalid"), (3, "invalid"), (4, "in_the_future"), (5, "invalid")];
    assert_eq!(codes(&answer), expected);
    let detail = |n: usize| answer["rejected"][n]["detail"].as_str().unwrap();
    for (n, part) in [(0, "colour"), (1, "NOBODY"), (2, "/status"), (3, "threat_id"), (4, "detected_at")] {
        assert!(detail(n).contains(part), "{}", detail(n));
    }
    let lines = format!("nonsense\n{}", fleet.detection("e9", "PHONE", "t1", "trojan", "open"));
    let answer = send(&fleet, &fleet.admin, "application/x-ndjson", lines).await.expect(200);
    assert_eq!((answer["accepted"].as_u64(), codes(&answer)), (Some(1), vec![(0, "invalid")]));
    // A single one that is wrong is answered the same way.
    let answer = fleet.post(URI, items[0].clone()).await.expect(200);
    assert_eq!((answer["accepted"].as_u64(), codes(&answer)), (Some(0), vec![(0, "invalid")]));
}

#[tokio::test]
async fn what_is_no_json_or_another_format_is_refused_as_a_whole() {
    let fleet = Fleet::new().await;
    send(&fleet, &fleet.admin, "application/json", "[{\"event_id\":").await.expect(400);
    send(&fleet, &fleet.admin, "application/json", "").await.expect(400);
    send(&fleet, &fleet.admin, "text/plain", "{}").await.expect(415);
    let many = format!("[{}]", vec!["{}"; 10_001].join(","));
    send(&fleet, &fleet.admin, "application/json", many).await.expect(413);
    send(&fleet, &fleet.admin, "application/x-ndjson", vec![b' '; 17 * 1024 * 1024]).await.expect(413);
    let reader = fleet.world.token(1, "read_only", fleet.world.acme).await;
    send(&fleet, &reader, "application/json", "[]").await.expect(403);
}

#[tokio::test]
async fn more_than_one_submission_is_taken_in_whole() {
    let fleet = Fleet::new().await;
    let lines: String = (0..700)
        .map(|n| fleet.detection(&format!("e{n}"), "TABLET", &format!("t{n}"), "trojan", "resolved").to_string() + "\n")
        .collect();
    let answer = send(&fleet, &fleet.admin, "application/x-ndjson", lines.clone()).await.expect(200);
    assert_eq!(answer["accepted"], 700);
    let answer = send(&fleet, &fleet.admin, "application/x-ndjson", lines).await.expect(200);
    assert_eq!(answer["duplicates"], 700);
}

#[tokio::test]
async fn devices_out_of_reach_are_unknown() {
    let fleet = Fleet::new().await;
    let items = json!([
        fleet.detection("e1", "PHONE", "t1", "trojan", "open"),
        fleet.detection("e2", "TABLET", "t1", "trojan", "open"),
        fleet.detection("e3", "NOBODY", "t1", "trojan", "open"),
    ]);
    let answer = fleet.world.call("POST", URI, &fleet.north, Some(items.clone())).await.expect(200);
    assert_eq!(answer["accepted"], 1);
    assert_eq!(codes(&answer), [(0, "unknown_device"), (2, "unknown_device")]);
    let detail = |n: usize| answer["rejected"][n]["detail"].as_str().unwrap().replace("PHONE", "NOBODY");
    assert_eq!(detail(0), detail(1), "nothing tells a device elsewhere from none");
    let bolt = fleet.world.token(2, "administrator", fleet.world.bolt).await;
    let answer = fleet.world.call("POST", URI, &bolt, Some(items)).await.expect(200);
    assert_eq!(answer["accepted"], 0);
}
