//! What editors of profiles are told about settings.

use serde_json::json;

use crate::testing::World;

#[tokio::test]
async fn each_platform_has_its_own_settings() {
    let world = World::new().await;
    let reader = world.token(1, "read_only", world.north).await;
    let all = world.get("/api/v1/payload-settings", &reader).await.expect(200);
    let find = |platform: &str, payload: &str, key: &str| {
        let settings = all[platform][payload].as_array().unwrap();
        settings.iter().find(|setting| setting["key"] == key).unwrap().clone()
    };
    let camera = find("ios", "restrictions", "allowCamera");
    assert_eq!((&camera["kind"], &camera["restrictive"]), (&json!("bool"), &json!("false")));
    assert!(!camera["help"].as_str().unwrap().is_empty());
    assert_eq!(find("android", "passcode", "min_length")["kind"], "integer");
    assert!(all["android"].get("network_usage_rules").is_none(), "iOS only");
    assert!(all["ios"]["network_usage_rules"].is_array());
    assert!(all["ios_release"].as_str().unwrap().starts_with("iOS "));
    assert!(all["ios_payload_types"].as_array().unwrap().contains(&json!("com.apple.domains")));
    world.get("/api/v1/payload-settings", "").await.expect(401);
}
