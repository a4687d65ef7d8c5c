//! The whole fleet at a glance.

use std::time::Duration;

use serde_json::{Value, json};

use super::Fleet;

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
    let bolt = fleet.world.token(2, "administrator", fleet.world.bolt).await;
    assert_eq!(until(&fleet, &bolt, |_| true).await["devices"], 0);
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
