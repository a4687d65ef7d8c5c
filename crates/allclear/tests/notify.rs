//! Telling people, over public interfaces only and on both databases: a user by email and SMS, devices by messages that
//! wake them, and the log of it all.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::time::{Duration, Instant};

use common::{
    Client, Server,
    fleet::{Phone, each, trojan},
    places, until,
};
use serde_json::{Value, json};

const DEVICES: &str = "/api/v1/device-notifications";

/// A user with an address and a number, and their phone with a trojan on it.
async fn at_risk(admin: &Client) -> (String, Phone) {
    let ada =
        json!({ "user_name": "ada", "display_name": "Ada Nowak", "email": "ada@example.com", "phone": "+14255550123" });
    let ada = admin.post("/api/v1/users", ada).await.expect(201);
    let phone = Phone::enroll_for(admin, &ada["id"], "android", "R58-1").await;
    admin.post("/api/v1/detections", trojan("e-1", phone.by_serial(), "t-1", "open", 100)).await.expect(200);
    (ada["id"].as_str().unwrap().to_owned(), phone)
}

/// The phone's messages: text and whether it was read.
async fn messages(phone: &Phone) -> Vec<(String, bool)> {
    let answer = phone.agent.read("/agent/v1/messages").await;
    let messages = answer["messages"].as_array().unwrap().iter();
    messages.map(|it| (it["body"].as_str().unwrap().to_owned(), it["read"].as_bool().unwrap())).collect()
}

/// The state of each notification, the newest first.
async fn states(admin: &Client, query: &str) -> Vec<Value> {
    let found = admin.all(&format!("/api/v1/notifications?sort=-created_at&{query}")).await;
    found.into_iter().map(|it| it["state"].clone()).collect()
}

#[tokio::test]
async fn a_user_is_told_what_to_do_in_their_organisations_name() {
    for place in places().await {
        let server = Server::start(&place).await;
        let admin = server.client(&place.token("administrator", None).await);
        let (ada, _) = at_risk(&admin).await;
        let settings = admin.read("/api/v1/settings").await;
        let mut changed = settings["settings"].clone();
        changed["branding"] = json!({ "organisation_name": "Acme", "accent_colour": "#00aa00" });
        let wrong = json!({ "branding": { "accent_colour": "green" } });
        let put = async |settings: &Value| {
            let version = admin.read("/api/v1/settings").await["version"].clone();
            admin.call("PUT", "/api/v1/settings", &json!({ "settings": settings, "version": version })).await
        };
        assert_eq!(put(&wrong).await.expect(422)["errors"][0]["pointer"], "/settings/branding/accent_colour");
        put(&changed).await.expect(200);

        let path = format!("/api/v1/users/{ada}/notify");
        let preview = admin.read(&path).await;
        assert!(preview["email"]["html"].as_str().unwrap().contains("#00aa00"));
        let sms = preview["sms"]["text"].as_str().unwrap();
        assert!(sms.starts_with("Acme: Trojan on phone R58-1") && sms.len() <= 160, "{sms}");
        let told = admin.post(&path, json!({ "channels": ["email", "sms"] })).await.expect(202);
        assert_eq!(each(&told["notifications"], "state"), ["captured", "captured"]);
        assert_eq!(each(&told["notifications"], "address"), ["ada@example.com", "+14255550123"]);
        assert_eq!(told["notifications"][1]["body"], sms);
        let own = json!({ "channels": ["email"], "subject": "Your phone", "message": "Please call me.\n\nGrace" });
        admin.post(&path, own).await.expect(202);
        let log = admin.all(&format!("/api/v1/notifications?user_id={ada}&sort=-created_at")).await;
        assert_eq!(log.len(), 3);
        assert_eq!((&log[0]["subject"], &log[0]["body"]), (&json!("Your phone"), &json!("Please call me.\n\nGrace")));

        let reader = server.client(&place.token("read_only", None).await);
        reader.read(&path).await;
        reader.post(&path, json!({ "channels": ["email"] })).await.expect(403);
        place.verify().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn a_message_wakes_the_phone_and_is_read_there() {
    for place in places().await {
        let server = Server::start(&place).await;
        let admin = server.client(&place.token("administrator", None).await);
        let (_, phone) = at_risk(&admin).await;
        let tablet = Phone::enroll(&admin, "ios", "C02-1").await;
        admin.poke(&format!("/api/v1/devices/{}/unenroll", tablet.id)).await.expect(200);

        let started = Instant::now();
        let poll = phone.agent.get("/agent/v1/commands?wait=30&messages=true");
        let notify = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            admin.post(DEVICES, json!({ "device_ids": [phone.id, tablet.id] })).await.expect(202)
        };
        let (polled, answer) = tokio::join!(poll, notify);
        assert!(started.elapsed() < Duration::from_secs(15), "it was woken");
        assert_eq!(polled.expect(200), json!({ "commands": [], "messages_waiting": true }));
        assert_eq!(each(&answer["devices"], "state"), ["queued", "left_out"]);
        assert!(answer["devices"][1]["reason"].as_str().unwrap().contains("not enrolled"));
        assert_eq!(states(&admin, "channel=device_message").await, ["left_out", "queued"]);

        let found = messages(&phone).await;
        assert!(found.len() == 1 && found[0].0.contains("Trojan (high risk)") && !found[0].1, "{found:?}");
        assert_eq!(states(&admin, &format!("device_id={}", phone.id)).await, ["delivered"]);
        let idle = phone.agent.read("/agent/v1/commands?messages=true").await;
        assert_eq!(idle, json!({ "commands": [], "messages_waiting": false }));
        assert_eq!(phone.agent.read("/agent/v1/commands").await, json!({ "commands": [] }), "it did not ask");

        admin.post(DEVICES, json!({ "device_ids": [phone.id], "message": "Bring it in." })).await.expect(202);
        let waiting = phone.agent.read("/agent/v1/commands?messages=true").await;
        assert_eq!(waiting["messages_waiting"], true);
        let listed = phone.agent.read("/agent/v1/messages").await;
        let newest = listed["messages"][0]["id"].as_str().unwrap().to_owned();
        for _ in 0..2 {
            phone.agent.poke(&format!("/agent/v1/messages/{newest}/read")).await.expect(204);
        }
        tablet.agent.poke(&format!("/agent/v1/messages/{newest}/read")).await;
        let found = messages(&phone).await;
        assert_eq!(found[0], ("Bring it in.".to_owned(), true));
        assert_eq!(states(&admin, &format!("device_id={}", phone.id)).await, ["read", "delivered"]);
        place.verify().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn a_server_killed_while_it_notifies_devices_tells_all_or_none_and_all_under_the_same_key() {
    const PHONES: usize = 120;
    for place in places().await {
        let mut server = Server::start(&place).await;
        let token = place.token("administrator", None).await;
        let user = server.client(&token).post("/api/v1/users", json!({ "user_name": "ada" })).await.expect(201);
        for n in 0..PHONES {
            Phone::enroll_for(&server.client(&token), &user["id"], "android", &format!("R58-{n}")).await;
        }
        let mut halves = 0;
        for (round, delay) in [2, 5, 10, 20, 40, 80].into_iter().enumerate() {
            let admin = server.client(&token);
            let order = json!({ "filter": {}, "message": format!("round {round}") });
            let send = async |admin: &Client| {
                let request = admin.request("POST", DEVICES).header("idempotency-key", format!("round {round}"));
                Client::try_send(request.json(&order)).await
            };
            let first = async {
                // Its answer is lost with the server, or came just before.
                let _ = send(&admin).await;
            };
            let kill = async {
                tokio::time::sleep(Duration::from_millis(delay)).await;
                server.kill().await;
            };
            tokio::join!(first, kill);
            server = Server::start(&place).await;
            let admin = server.client(&token);
            let told = async || {
                let all = admin.all("/api/v1/notifications?channel=device_message").await;
                all.iter().filter(|one| one["body"] == format!("round {round}")).count()
            };
            let before = told().await;
            assert!(before == 0 || before == PHONES, "{before} of {PHONES} after {delay} ms");
            halves += usize::from(before == 0);
            let again = send(&admin).await.unwrap().expect(202);
            assert_eq!((&again["queued"], told().await), (&json!(PHONES), PHONES), "{again}");
        }
        eprintln!("{halves} of 6 were cut off before they were done");
        place.verify().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn the_dashboard_says_how_fast_a_restriction_came_and_keeps_the_day() {
    for place in places().await {
        let server = Server::start(&place).await;
        let admin = server.client(&place.token("administrator", None).await);
        admin.post("/api/v1/quickstart/risk-response", json!({})).await.expect(200);
        let (ada, phone) = at_risk(&admin).await;
        let commands = phone.commands(10).await;
        phone.answer(&commands[0], "acknowledged").await.expect(200);
        let dashboard = until("the restriction is counted", async || {
            let dashboard = admin.read("/api/v1/dashboard").await;
            (dashboard["time_to_enforcement"]["last_24_hours"]["count"] == 1).then_some(dashboard)
        })
        .await;
        let p95 = dashboard["time_to_enforcement"]["last_24_hours"]["p95"].as_f64().unwrap();
        assert!(p95 > 0.0 && p95 < 30.0, "{p95}");
        assert_eq!(dashboard["users_by_risk_status"]["high"], 1);
        let metrics = admin.get("/metrics").await.text;
        assert!(metrics.contains("allclear_enforcement_seconds_count 1"), "{metrics}");
        assert!(metrics.contains("allclear_enforcement_seconds_bucket{le=\"3600\"} 1"), "{metrics}");
        let incidents = admin.read(&format!("/api/v1/users/{ada}/incidents")).await;
        assert_eq!((&incidents["score"], &incidents["incidents"][0]["name"]), (&json!(150.0), &json!("Trojan")));
        let found = admin.read("/api/v1/search?q=ada").await;
        assert_eq!((&found["users"][0]["id"], &found["users"][0]["risk_status"]), (&json!(ada), &json!("high")));
        place.verify().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn people_are_told_in_the_tenants_words_and_their_language() {
    for place in places().await {
        let server = Server::start(&place).await;
        let admin = server.client(&place.token("administrator", None).await);
        let (ada, phone) = at_risk(&admin).await;
        let user = format!("/api/v1/users/{ada}");
        let version = admin.read(&user).await["version"].clone();
        let german = json!({ "locale": "de-AT", "version": version });
        admin.call("PATCH", &user, &german).await.expect(200);
        let mail = "/api/v1/notification-templates/notify/email/de";
        let own = json!({ "subject": "Telefon von {{ user.name }}", "version": 0,
            "body": "{% for issue in issues %}{{ issue.name }}: {{ issue.advice }}\n\n{% endfor %}" });
        admin.call("PUT", mail, &own).await.expect(200);
        let wrong = json!({ "subject": "x", "body": "a\n{% for x in issues %}{{ x ~ x }}{% endfor %}", "version": 1 });
        let refused = admin.call("PUT", mail, &wrong).await.expect(422);
        assert!(refused["errors"][0]["detail"].as_str().unwrap().starts_with("line 2: "), "{refused}");
        let picture = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x10\0\0\0\x10\x08\x06\0\0\0".to_vec();
        let logo = "/api/v1/settings/branding/logo";
        let put = admin.request("PUT", logo).header("content-type", "image/png").body(picture);
        assert_eq!(Client::send(put).await.status, 204);

        let told = admin.post(&format!("{user}/notify"), json!({ "channels": ["email", "sms"] })).await.expect(202);
        let [mail, sms] = [&told["notifications"][0], &told["notifications"][1]];
        assert_eq!(mail["subject"], "Telefon von Ada Nowak");
        assert!(mail["body"].as_str().unwrap().starts_with("Trojaner: Eine App gibt vor,"), "{mail}");
        assert!(sms["body"].as_str().unwrap().starts_with("Trojaner auf phone R58-1: "), "{sms}");
        let whole = admin.read(&format!("/api/v1/notifications/{}", mail["id"].as_str().unwrap())).await;
        let html = whole["html"].as_str().unwrap();
        assert!(html.contains("<html lang=\"de\" dir=\"ltr\">") && html.contains("src=\"cid:logo\""), "{html}");
        admin.post(DEVICES, json!({ "device_ids": [phone.id] })).await.expect(202);
        assert!(messages(&phone).await[0].0.starts_with("Bitte beheben Sie auf diesem Gerät:"));
        place.verify().await;
        server.stop().await;
    }
}
