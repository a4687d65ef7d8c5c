//! Phones that do not ask are woken by Apple's and Google's push services, over public interfaces only and on both
//! databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;
#[path = "../../channels/tests/common/peer.rs"]
mod peer;

use common::{
    Client, Server,
    fleet::{Phone, trojan},
    places, shared_data,
};
use peer::Peer;
use serde_json::{Value, json};

const APNS: &str = "/api/v1/channels/apns";
const FCM: &str = "/api/v1/channels/fcm";

/// Apple, and how it is set up.
fn apple() -> (Peer, Value) {
    let options = json!({ "key_id": "ABC123DEFG", "team_id": "DEF123GHIJ", "topic": "com.example.agent" });
    let peer = Peer::start("apns.mjs", &[&options.to_string()]);
    let mut settings = options;
    settings["enabled"] = json!(true);
    settings["base_url"] = json!(format!("http://127.0.0.1:{}", peer.port));
    settings["private_key"] = peer.wait_for("the key", |line| line["event"] == "key")["private_key"].clone();
    (peer, settings)
}

/// Google, and how it is set up.
fn google() -> (Peer, Value) {
    let options = shared_data("android/fcm.v1.json").map_or(json!({}), |path| json!({ "description": path }));
    let peer = Peer::start("fcm.mjs", &[&options.to_string()]);
    let account = peer.wait_for("the account", |line| line["event"] == "account");
    let base_url = format!("http://127.0.0.1:{}", peer.port);
    let settings = json!({ "enabled": true, "service_account": account["service_account"], "base_url": base_url });
    (peer, settings)
}

async fn set_up(admin: &Client, path: &str, settings: &Value) -> Value {
    let mut settings = settings.clone();
    settings["version"] = admin.read(path).await["version"].clone();
    admin.call("PUT", path, &settings).await.expect(200)
}

async fn says(phone: &Phone, provider: &str, token: &str) {
    let token = json!({ "provider": provider, "token": token });
    phone.agent.call("PUT", "/agent/v1/push-token", &token).await.expect(204);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_detection_wakes_the_phone_and_a_message_is_shown() {
    for place in places().await {
        let ((apple, by_apple), (google, by_google)) = (apple(), google());
        let server = Server::start_with(&place, &[("OUTGOING_ALLOW", "127.0.0.1")]).await;
        let admin = server.client(&place.token("administrator", None).await);
        admin.post("/api/v1/quickstart/risk-response", json!({})).await.expect(200);
        let (pad, phone) =
            (Phone::enroll(&admin, "ios", "F2L-1").await, Phone::enroll(&admin, "android", "R58-1").await);
        let (pads, phones) = ("a1".repeat(32), "dXk:APA91bH-_x");
        says(&pad, "apns", &pads).await;
        says(&phone, "fcm", phones).await;

        let test = |channel: &str, device: &str| {
            let (path, body) = (format!("/api/v1/channels/{channel}/test"), json!({ "to": device }));
            let admin = admin.clone();
            async move { admin.post(&path, body).await }
        };
        test("apns", &pad.id).await.expect(409);
        assert_eq!(admin.read(APNS).await["key_id"], Value::Null);
        for (path, settings) in [(APNS, &by_apple), (FCM, &by_google)] {
            let shown = set_up(&admin, path, settings).await;
            assert_eq!(shown["private_key_set"], true, "{shown}");
            assert!(!shown.to_string().contains("PRIVATE KEY"), "{shown}");
        }
        let listed = admin.read("/api/v1/channels").await;
        let used = listed["items"].as_array().unwrap().iter().filter(|channel| channel["enabled"] == true);
        assert_eq!(used.map(|channel| channel["channel"].as_str().unwrap()).collect::<Vec<_>>(), ["apns", "fcm"]);
        for (channel, device) in [("apns", &pad.id), ("fcm", &phone.id)] {
            let tested = test(channel, device).await.expect(200);
            assert_eq!(tested["outcome"], "accepted", "{tested}");
        }
        test("apns", &phone.id).await.expect(409);
        test("apns", "nobody").await.expect(422);

        // Nobody asks: both are woken, and find out what for.
        for (n, device) in [&pad, &phone].into_iter().enumerate() {
            let detection = trojan(&format!("e-{n}"), device.by_serial(), "t-1", "open", 100);
            admin.post("/api/v1/detections", detection).await.expect(200);
        }
        let woken = apple.wait_for("the wake-up", |line| line["headers"]["apns-push-type"] == "background");
        assert_eq!((&woken["device_token"], &woken["status"]), (&json!(pads), &json!(200)), "{woken}");
        let woken = google.wait_for("the wake-up", |line| line["body"]["message"]["data"]["type"] == "wake_up");
        assert_eq!((&woken["body"]["message"]["token"], &woken["violations"]), (&json!(phones), &json!([])));
        for device in [&pad, &phone] {
            let commands = device.commands(0).await;
            assert_eq!(commands[0]["type"], "install_profile");
            device.answer(&commands[0], "acknowledged").await.expect(200);
        }

        let order = json!({ "device_ids": [pad.id, phone.id], "message": "Bring it in" });
        admin.post("/api/v1/device-notifications", order).await.expect(202);
        let is_shown = |line: &Value| line["body"]["aps"]["alert"]["body"] == "Bring it in";
        let shown = apple.wait_for("the message", is_shown);
        let messages = pad.agent.read("/agent/v1/messages").await;
        assert_eq!(shown["body"]["id"], messages["messages"][0]["id"]);
        google.wait_for("the message", |line| line["body"]["message"]["notification"]["body"] == "Bring it in");

        // One that asks is told by its answer; one that left is told to take its profile off, and then no more.
        let asking = {
            let pad = pad.clone();
            tokio::spawn(async move { pad.commands(30).await })
        };
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let before = apple.events("push").len();
        admin.post("/api/v1/detections", trojan("e-3", pad.by_serial(), "t-1", "resolved", 200)).await.expect(200);
        let commands = asking.await.unwrap();
        assert_eq!(commands[0]["type"], "remove_profile");
        pad.answer(&commands[0], "acknowledged").await.expect(200);
        admin.poke(&format!("/api/v1/devices/{}/unenroll", phone.id)).await.expect(200);
        let last =
            google.wait_for_many("the last wake-up", 2, |line| line["body"]["message"]["data"]["type"] == "wake_up");
        assert_eq!(last[1]["status"], 200);
        assert_eq!(apple.events("push").len(), before, "{:?}", apple.events("push"));
        let commands = phone.commands(0).await;
        phone.answer(&commands[0], "acknowledged").await.expect(200);
        test("fcm", &phone.id).await.expect(409);
        let token = json!({ "provider": "fcm", "token": phones });
        phone.agent.call("PUT", "/agent/v1/push-token", &token).await.expect(409);
        server.stop().await;
        place.verify().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_stay_where_they_were_meant_to_go_and_tokens_must_make_sense() {
    let place = common::Place::sqlite();
    let ((_apple, by_apple), (_google, by_google)) = (apple(), google());
    let server = Server::start_with(&place, &[("OUTGOING_ALLOW", "127.0.0.1")]).await;
    let admin = server.client(&place.token("administrator", None).await);
    for (path, settings, secret, moved) in [
        (APNS, &by_apple, "private_key", ["team_id", "ZZZ123ZZZZ"]),
        (FCM, &by_google, "service_account", ["base_url", "http://127.0.0.1:1"]),
    ] {
        set_up(&admin, path, settings).await;
        let mut kept = settings.clone();
        kept.as_object_mut().unwrap().remove(secret);
        assert_eq!(set_up(&admin, path, &kept).await["private_key_set"], true);
        kept["version"] = admin.read(path).await["version"].clone();
        kept[moved[0]] = json!(moved[1]);
        let problem = admin.call("PUT", path, &kept).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], format!("/{secret}"), "{problem}");
        kept[secret] = json!("nonsense");
        let problem = admin.call("PUT", path, &kept).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], format!("/{secret}"), "{problem}");
        kept["version"] = json!(0);
        kept[secret] = settings[secret].clone();
        kept[moved[0]] = settings[moved[0]].clone();
        admin.call("PUT", path, &kept).await.expect(409);
        let reader = server.client(&place.token("read_only", None).await);
        reader.read(path).await;
        reader.call("PUT", path, settings).await.expect(403);
    }
    let journal = admin.read("/api/v1/journal?limit=500").await.to_string();
    assert!(journal.contains("DEF123GHIJ") && !journal.contains("PRIVATE KEY"));

    let phone = Phone::enroll(&admin, "ios", "F2L-1").await;
    let put = async |token: Value| phone.agent.call("PUT", "/agent/v1/push-token", &token).await;
    let pointer = |problem: &Value| problem["errors"][0]["pointer"].clone();
    assert_eq!(pointer(&put(json!({ "provider": "apns", "token": "no hex" })).await.expect(422)), "/token");
    let token = json!({ "provider": "fcm", "token": "x", "topic": "com.example.agent" });
    assert_eq!(pointer(&put(token).await.expect(422)), "/topic");
    let token = json!({ "provider": "apns", "token": "ab".repeat(32), "topic": "com.example.beta",
        "environment": "sandbox" });
    put(token).await.expect(204);
    phone.agent.call("DELETE", "/agent/v1/push-token", &Value::Null).await.expect(204);
    admin.post("/api/v1/channels/apns/test", json!({ "to": phone.id })).await.expect(409);
    server.stop().await;
}
