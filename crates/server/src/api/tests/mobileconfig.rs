//! A profile as devices get it, to be looked at.

use serde_json::{Value, json};

use crate::testing::World;

async fn create(world: &World, admin: &str, platform: &str, spec: Value) -> (String, Value) {
    let new = json!({"name": format!("Work {platform}"), "platform": platform, "spec": spec});
    let made = world.call("POST", "/api/v1/profiles", admin, Some(new)).await.expect(201);
    (format!("/api/v1/profiles/{}", made["id"].as_str().unwrap()), made)
}

#[tokio::test]
async fn a_profile_is_shown_as_devices_get_it_without_its_secrets() {
    let world = World::new().await;
    let admin = world.admin().await;
    let reader = world.token(1, "read_only", world.acme).await;
    let spec = json!({"allow_removal": "with_authorization", "removal_password": "open sesame", "payloads": [
        {"type": "wifi", "ssid": "Office", "security": "wpa2", "password": "correct horse"},
        {"type": "custom_settings", "payload_type": "com.apple.domains", "content": {"WebDomains": ["a.example"], "News": 1}},
        {"type": "custom_settings", "payload_type": "com.apple.novelty", "content": {"a": 1}},
    ]});
    let (uri, made) = create(&world, &admin, "ios", spec).await;
    let findings: Vec<_> =
        made["findings"].as_array().unwrap().iter().map(|it| it["pointer"].as_str().unwrap()).collect();
    assert_eq!(findings, ["/payloads/1/content/News", "/payloads/2/payload_type"]);
    let removal = json!({"pointer": "/allow_removal", "needs": {"need": "supervised"}});
    assert!(made["requirements"].as_array().unwrap().contains(&removal), "{}", made["requirements"]);

    let shown = world.get(&format!("{uri}/mobileconfig"), &reader).await;
    assert_eq!((shown.status, shown.header("content-type")), (200, "application/x-apple-aspen-config"));
    let text = shown.text();
    for part in ["com.apple.wifi.managed", "<string>Office</string>", "com.apple.profileRemovalPassword", "********"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("correct horse") && !text.contains("open sesame") && !text.contains("sealed"), "{text}");
    world.get(&format!("{uri}/mobileconfig?version=1"), &reader).await.expect(404);
    let north = world.token(1, "administrator", world.north).await;
    world.get(&format!("{uri}/mobileconfig"), &north).await.expect(404);

    let (android, _) = create(&world, &admin, "android", json!({})).await;
    world.get(&format!("{android}/mobileconfig"), &reader).await.expect(409);
}

#[tokio::test]
async fn custom_settings_that_apple_describes_are_held_to_it() {
    let world = World::new().await;
    let admin = world.admin().await;
    let payload = json!({"type": "custom_settings", "payload_type": "com.apple.wifi.managed",
        "content": {"SSID_STR": "Office", "EncryptionType": "WPA9"}});
    let new = json!({"name": "Work", "platform": "ios", "spec": {"payloads": [payload]}});
    let refused = world.call("POST", "/api/v1/profiles", &admin, Some(new)).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/spec/payloads/0/content/EncryptionType");
}
