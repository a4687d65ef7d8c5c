//! Which of several profiles' values is in force on a device.

use serde_json::{Value, json};

use super::Fleet;

/// Publishes a profile for the members of a smart group.
async fn publish(fleet: &Fleet, name: &str, group: &Value, settings: Value) {
    let payload = json!({"type": "restrictions", "settings": settings});
    let spec = json!({"assigned_groups": [group], "payloads": [payload]});
    let new = json!({"name": name, "platform": "android", "spec": spec});
    let id = fleet.post("/api/v1/profiles", new).await.expect(201)["id"].as_str().unwrap().to_owned();
    fleet.post(&format!("/api/v1/profiles/{id}/publish"), json!({})).await.expect(200);
}

#[tokio::test]
async fn the_strictest_value_is_in_force_and_says_where_it_comes_from() {
    let fleet = Fleet::new().await;
    let uri = format!("/api/v1/devices/{}/effective-settings", fleet.phone);
    assert_eq!(fleet.get(&uri).await, json!({"platform": "android", "settings": []}));
    let group = fleet.post("/api/v1/smart-groups", json!({"name": "All"})).await.expect(201)["id"].clone();
    publish(&fleet, "Strict", &group, json!({"outgoingCallsDisabled": true})).await;
    publish(&fleet, "Lax", &group, json!({"outgoingCallsDisabled": false, "factoryResetDisabled": true})).await;
    fleet.run_jobs().await;

    let found = fleet.get(&uri).await;
    let settings = found["settings"].as_array().unwrap();
    assert_eq!(
        settings.iter().map(|one| one["key"].clone()).collect::<Vec<_>>(),
        ["factoryResetDisabled", "outgoingCallsDisabled"]
    );
    assert_eq!(settings[1]["value"], true);
    assert!(settings[1]["help"].as_str().is_some_and(|help| !help.is_empty()));
    let told: Vec<_> = settings[1]["profiles"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["name"], &one["value"], &one["share"]))
        .collect();
    assert_eq!(
        told,
        [(&json!("Lax"), &json!(false), &json!("yields")), (&json!("Strict"), &json!(true), &json!("prevails"))]
    );
    assert_eq!(settings[0]["profiles"][0]["version"], 1);

    let tablet = fleet.get(&format!("/api/v1/devices/{}/effective-settings", fleet.tablet)).await;
    assert_eq!(tablet, json!({"platform": "ios", "settings": []}), "another platform");
    fleet.world.get(&uri, &fleet.north).await.expect(404);
}
