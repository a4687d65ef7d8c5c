//! The whole fleet at a glance.

use std::time::Duration;

use allclear_domain::time::Span;
use allclear_engine::ingest::{Fact, Inventory};
use allclear_store::devices;
use serde_json::{Value, json};

use super::{Fleet, TENANT};

/// The dashboard once it is as wanted: answers are kept for a moment.
async fn until(fleet: &Fleet, token: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        let answer = fleet.world.get("/api/v1/dashboard", token).await.expect(200);
        if wanted(&answer) {
            return answer;
        }
        assert!(std::time::Instant::now() < deadline, "in vain: {answer:#}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn it_counts_what_is_there() {
    let fleet = Fleet::new().await;
    let empty = until(&fleet, &fleet.admin, |_| true).await;
    assert_eq!((&empty["devices"], &empty["average_risk_score"]), (&json!(2), &json!(0.0)));
    assert_eq!(empty["devices_by_protection"]["pending"], 2);
    assert_eq!(empty["devices_by_compliance"], json!({"compliant": 0, "not_compliant": 0, "unknown": 2}));
    assert_eq!((&empty["top_risky_users"], &empty["top_incidents"]), (&json!([]), &json!([])));
    assert_eq!(empty["users_by_risk_status"], json!({"high": 0, "medium": 0, "low": 0, "none": 1}));
    let none = json!({"count": 0, "p50": null, "p95": null});
    assert_eq!(empty["time_to_enforcement"], json!({"last_24_hours": none, "last_7_days": none}));

    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    fleet.detect("e2", "PHONE", "t2", "trojan", "open").await;
    fleet.detect("e3", "TABLET", "t3", "trojan", "open").await;
    fleet.detect("e4", "TABLET", "t4", "out_of_date_os", "open").await;
    let full =
        until(&fleet, &fleet.admin, |it| it["open_incidents"]["high"] == 3 && it["top_incidents"][1] != json!(null))
            .await;
    assert_eq!((&full["devices"], &full["risky_devices"]), (&json!(2), &json!(2)));
    assert_eq!(full["devices_by_risk"]["high"], 2);
    assert_eq!(full["devices_by_protection"]["activated"], 2);
    assert_eq!(full["devices_by_compliance"], json!({"compliant": 0, "not_compliant": 2, "unknown": 0}));
    assert_eq!((&full["users_with_devices"], &full["risky_users"]), (&json!(1), &json!(1)));
    assert_eq!(full["average_risk_score"], 300.0, "the tablet has no user");
    assert_eq!(full["users_by_risk_status"], json!({"high": 1, "medium": 0, "low": 0, "none": 0}));
    let ada = &full["top_risky_users"][0];
    assert_eq!((&ada["id"], &ada["name"], &ada["score"]), (&json!(fleet.ada), &json!("Ada Nowak"), &json!(300.0)));
    assert_eq!((&ada["risk_status"], &ada["open_incidents"]), (&json!("high"), &json!(2)));
    let top = &full["top_incidents"][0];
    assert_eq!((&top["classification"], &top["incidents"], &top["devices"]), (&json!("trojan"), &json!(3), &json!(2)));
}

#[tokio::test]
async fn each_sees_their_part() {
    let fleet = Fleet::new().await;
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    fleet.detect("e2", "TABLET", "t2", "trojan", "open").await;
    let north = until(&fleet, &fleet.north, |it| it["open_incidents"]["high"] == 1).await;
    assert_eq!((&north["devices"], &north["users_with_devices"]), (&json!(1), &json!(0)));
    assert_eq!((&north["top_risky_users"], &north["top_incidents"][0]["devices"]), (&json!([]), &json!(1)));
    until(&fleet, &fleet.admin, |it| it["open_incidents"]["high"] == 2).await;
    let narrowed = format!("/api/v1/dashboard?organization_group_id={}", fleet.world.north);
    let narrowed = fleet.get(&narrowed).await;
    assert_eq!((&narrowed["devices"], &narrowed["open_incidents"]["high"]), (&json!(1), &json!(1)));
    let beyond = format!("/api/v1/dashboard?organization_group_id={}", fleet.world.acme);
    assert_eq!(fleet.world.get(&beyond, &fleet.north).await.expect(200)["devices"], 0, "out of reach");
    let count = allclear_engine::trend::count(&fleet.world.state.engine, TENANT);
    count.await.unwrap();
    let scores = async |token: &str, query: &str| {
        let answer = fleet.world.get(&format!("/api/v1/dashboard/trend{query}"), token).await.expect(200);
        let points = answer["points"].as_array().unwrap().iter();
        points.map(|it| (it["average_risk_score"].as_f64(), it["risky_devices"].as_i64())).collect::<Vec<_>>()
    };
    assert_eq!(scores(&fleet.admin, "").await, [(Some(150.0), Some(2))]);
    assert_eq!(scores(&fleet.north, "").await, [(Some(0.0), Some(1))]);
    let in_north = format!("?days=1&organization_group_id={}", fleet.world.north);
    assert_eq!(scores(&fleet.admin, &in_north).await, [(Some(0.0), Some(1))]);
    let bolt = fleet.world.token(2, "administrator", fleet.world.bolt).await;
    assert_eq!(until(&fleet, &bolt, |_| true).await["devices"], 0);
    assert_eq!(scores(&bolt, "").await, []);
}

#[tokio::test]
async fn a_trend_has_the_days_that_were_counted() {
    let fleet = Fleet::new().await;
    let count = async || allclear_engine::trend::count(&fleet.world.state.engine, TENANT).await.unwrap();
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    count().await;
    fleet.world.pass(Span::days(2));
    fleet.detect("e2", "PHONE", "t1", "trojan", "resolved").await;
    fleet.detect("e3", "PHONE", "t2", "adware", "open").await;
    count().await;
    count().await;
    let points = fleet.get("/api/v1/dashboard/trend?days=60").await["points"].clone();
    let (first, last) = (&points[0], &points[1]);
    assert_eq!(points.as_array().unwrap().len(), 2, "the day between was not counted");
    assert_eq!((&first["average_risk_score"], &last["average_risk_score"]), (&json!(150.0), &json!(25.0)));
    assert_eq!(last["open_incidents"], json!({"high": 0, "medium": 0, "low": 1}));
    assert_eq!(last["users_by_risk_status"], json!({"high": 0, "medium": 0, "low": 1, "none": 0}));
    assert_eq!((&last["risky_users"], &last["users_with_devices"]), (&json!(1), &json!(1)));
    let today = fleet.world.state.source.now().to_string();
    assert_eq!(last["date"], today[..10]);
    assert_eq!(fleet.get("/api/v1/dashboard/trend?days=1").await["points"].as_array().unwrap().len(), 1);
    for days in ["0", "367", "x"] {
        fleet.world.get(&format!("/api/v1/dashboard/trend?days={days}"), &fleet.admin).await.expect(422);
    }
}

#[tokio::test]
async fn the_time_to_enforcement_is_shown() {
    let fleet = Fleet::new().await;
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    fleet.world.pass(Span::seconds(8));
    let (device, engine) = (fleet.phone, &fleet.world.state.engine);
    let record = engine.read(TENANT, move |tx, _| Ok(devices::get(tx, TENANT, device)?)).await.unwrap().unwrap();
    let installed = record.posture.profiles.iter().map(|target| (target.profile, 1)).collect();
    let inventory = Inventory { installed: Some(installed), ..Inventory::default() };
    engine.submit(TENANT, vec![Fact::Inventory { device, inventory }]).await.unwrap();
    let shown = until(&fleet, &fleet.admin, |it| it["time_to_enforcement"]["last_24_hours"]["count"] == 1).await;
    let p50 = shown["time_to_enforcement"]["last_7_days"]["p50"].as_f64().unwrap();
    assert!((7.6..8.6).contains(&p50), "{p50}");
    fleet.world.pass(Span::days(2));
    let later = until(&fleet, &fleet.admin, |it| it["time_to_enforcement"]["last_24_hours"]["count"] == 0).await;
    assert_eq!(later["time_to_enforcement"]["last_7_days"]["count"], 1);
}

#[tokio::test]
async fn a_trusted_sources_word_decides_about_the_level() {
    let fleet = Fleet::new().await;
    let settings = fleet.get("/api/v1/settings").await;
    let mut changed = settings["settings"].clone();
    changed["trusted_sources"] = json!(["lab"]);
    let body = json!({"settings": changed, "version": settings["version"]});
    fleet.world.call("PUT", "/api/v1/settings", &fleet.admin, Some(body)).await.expect(200);
    let mut detection = fleet.detection("e1", "PHONE", "t1", "trojan", "open");
    detection["severity"] = json!("low");
    fleet.post("/api/v1/detections", detection).await.expect(200);
    let counted = until(&fleet, &fleet.admin, |it| it["open_incidents"]["low"] == 1).await;
    assert_eq!((&counted["open_incidents"]["high"], &counted["top_incidents"][0]["level"]), (&json!(0), &json!("low")));
    let list = fleet.get("/api/v1/threats?level=low&status=open").await;
    assert_eq!(list["items"][0]["decided_by"], "source");
    assert_eq!(fleet.get("/api/v1/threats?level=high").await["items"], json!([]));
}
