//! Android profiles as policies, one by one and merged on a device.

use serde_json::{Value, json};

use super::Fleet;

async fn create(fleet: &Fleet, name: &str, platform: &str, spec: Value) -> String {
    let new = json!({"name": name, "platform": platform, "spec": spec});
    fleet.post("/api/v1/profiles", new).await.expect(201)["id"].as_str().unwrap().to_owned()
}

async fn publish(fleet: &Fleet, name: &str, group: &Value, payloads: Value) -> String {
    let id = create(fleet, name, "android", json!({"assigned_groups": [group], "payloads": payloads})).await;
    fleet.post(&format!("/api/v1/profiles/{id}/publish"), json!({})).await.expect(200);
    id
}

fn wifi(password: &str) -> Value {
    json!({"type": "wifi", "ssid": "Office", "security": "wpa2", "password": password})
}

#[tokio::test]
async fn a_device_has_one_policy_of_all_its_profiles() {
    let fleet = Fleet::new().await;
    let uri = format!("/api/v1/devices/{}/policy", fleet.phone);
    let bare = fleet.get(&uri).await;
    assert_eq!((&bare["policy"]["playStoreMode"], &bare["conflicts"]), (&json!("BLACKLIST"), &json!([])));

    let group = fleet.post("/api/v1/smart-groups", json!({"name": "All"})).await.expect(201)["id"].clone();
    let camera = |word: &str| json!({"type": "restrictions", "settings": {"cameraAccess": word}});
    publish(&fleet, "Lax", &group, json!([camera("CAMERA_ACCESS_USER_CHOICE"), wifi("correct horse")])).await;
    let strict =
        publish(&fleet, "Strict", &group, json!([camera("CAMERA_ACCESS_DISABLED"), wifi("battery staple")])).await;
    fleet.run_jobs().await;

    let found = fleet.get(&uri).await;
    assert_ne!(found["id"], bare["id"]);
    assert_eq!(found["id"].as_str().unwrap().len(), 32);
    assert_eq!(found["policy"]["cameraAccess"], "CAMERA_ACCESS_DISABLED");
    let network = &found["policy"]["openNetworkConfiguration"]["NetworkConfigurations"][0]["WiFi"];
    assert_eq!((&network["SSID"], &network["Passphrase"]), (&json!("Office"), &json!("********")));
    for secret in ["correct horse", "battery staple", "sealed:"] {
        assert!(!found.to_string().contains(secret), "{found}");
    }
    let pointers: Vec<_> = found["conflicts"].as_array().unwrap().iter().map(|it| it["pointer"].clone()).collect();
    assert_eq!(pointers, ["/cameraAccess", "/openNetworkConfiguration/NetworkConfigurations/0"]);
    let told = &found["conflicts"][0]["profiles"];
    assert_eq!((&told[0]["name"], &told[0]["share"]), (&json!("Lax"), &json!("yields")));
    assert_eq!(
        (&told[1]["id"], &told[1]["share"], &told[1]["version"]),
        (&json!(strict), &json!("prevails"), &json!(1))
    );

    // The secret is part of what the device is to have, although nobody is shown it.
    let draft = json!({"assigned_groups": [group], "payloads": [camera("CAMERA_ACCESS_DISABLED"), wifi("a new one")]});
    let profile = format!("/api/v1/profiles/{strict}");
    let edit = json!({"spec": draft, "version": fleet.get(&profile).await["version"]});
    fleet.world.call("PATCH", &profile, &fleet.admin, Some(edit)).await.expect(200);
    fleet.post(&format!("{profile}/publish"), json!({})).await.expect(200);
    fleet.run_jobs().await;
    assert_ne!(fleet.get(&uri).await["id"], found["id"]);

    fleet.world.get(&uri, &fleet.north).await.expect(404);
    let tablet = format!("/api/v1/devices/{}/policy", fleet.tablet);
    fleet.world.get(&tablet, &fleet.admin).await.expect(409);
}

#[tokio::test]
async fn a_profile_is_shown_as_a_policy_without_its_secrets() {
    let fleet = Fleet::new().await;
    let payloads = json!([
        wifi("correct horse"),
        {"type": "custom_settings", "content": {"cameraDisabled": true, "statusBarDisabled": true}},
    ]);
    let group = fleet.post("/api/v1/smart-groups", json!({"name": "All"})).await.expect(201)["id"].clone();
    let id = create(&fleet, "Work", "android", json!({"assigned_groups": [group], "payloads": payloads})).await;
    let uri = format!("/api/v1/profiles/{id}/policy");
    let shown = fleet.get(&uri).await;
    assert_eq!(shown["policy"]["cameraAccess"], "CAMERA_ACCESS_DISABLED");
    assert!(shown["policy"].get("cameraDisabled").is_none(), "{shown}");
    assert_eq!(shown["left_out"][0]["pointer"], "/1/content/statusBarDisabled");
    assert_eq!(shown["left_out"].as_array().unwrap().len(), 1);
    assert!(!shown.to_string().contains("horse") && shown.to_string().contains("********"), "{shown}");
    fleet.world.get(&format!("{uri}?version=1"), &fleet.admin).await.expect(404);
    fleet.post(&format!("/api/v1/profiles/{id}/publish"), json!({})).await.expect(200);
    assert_eq!(fleet.get(&format!("{uri}?version=1")).await, shown);
    let ios = create(&fleet, "Phones", "ios", json!({})).await;
    fleet.world.get(&format!("/api/v1/profiles/{ios}/policy"), &fleet.admin).await.expect(409);
    fleet.world.get(&uri, &fleet.north).await.expect(404);
}
