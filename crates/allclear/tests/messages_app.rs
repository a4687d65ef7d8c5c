//! The Messages app's interface, on both databases: bound by a link, told of the phone's state, messages and checks, and
//! worthless once the phone is not enrolled any more.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use common::{
    Client, Server,
    client::Answer,
    fleet::{Phone, trojan},
    places,
};
use serde_json::{Value, json};

/// A browser with the cookie that binds it.
struct App {
    client: Client,
    cookie: String,
}

impl App {
    async fn bind(client: &Client, token: &str) -> App {
        let app = App { client: client.with(""), cookie: String::new() };
        let answer = app.call("POST", "enroll", Some(json!({ "token": token }))).await;
        answer.expect(200);
        let cookie = answer.header("set-cookie").split(';').next().unwrap().to_owned();
        App { cookie, ..app }
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        let request = self.client.request(method, &format!("/m/v1/{path}"));
        let request = request.header("cookie", &self.cookie).header("sec-fetch-site", "same-origin");
        Client::send(match body {
            Some(body) => request.json(&body),
            None => request,
        })
        .await
    }

    async fn read(&self, path: &str) -> Value {
        self.call("GET", path, None).await.expect(200)
    }
}

fn token_of(url: &Value) -> String {
    url.as_str().unwrap().rsplit(['#', '=']).next().unwrap().to_owned()
}

#[tokio::test]
async fn an_owner_sees_the_phone_and_its_messages() {
    for place in places().await {
        let server = Server::start(&place).await;
        let admin = server.client(&place.token("administrator", None).await);
        let phone = Phone::enroll(&admin, "android", "R58-1").await;
        let by_admin = admin.post(&format!("/api/v1/devices/{}/messages-link", phone.id), json!({})).await.expect(201);
        let app = App::bind(&admin, &token_of(&by_admin["url"])).await;
        let by_agent = phone.agent.poke("/agent/v1/messages-link").await.expect(201);
        let second = App::bind(&admin, &token_of(&by_agent["url"])).await;
        let install = app.read("install-link").await;
        let third = App::bind(&admin, &token_of(&install["url"])).await;
        let again = third.call("POST", "enroll", Some(json!({ "token": token_of(&by_admin["url"]) }))).await;
        assert!(again.expect(410)["type"].as_str().unwrap().ends_with("link-used"));
        // Bound more often than is kept: the oldest go, and the newest stays.
        let mut newest = third;
        for _ in 0..12 {
            let link = phone.agent.poke("/agent/v1/messages-link").await;
            if link.status == 429 {
                break;
            }
            newest = App::bind(&admin, &token_of(&link.expect(201)["url"])).await;
        }
        assert_eq!(newest.read("state").await["issues"], json!([]));

        admin.post("/api/v1/detections", trojan("e-1", phone.by_serial(), "t-1", "open", 100)).await.expect(200);
        let state = newest.read("state?language=de").await;
        assert_eq!((&state["risk_level"], &state["language"]), (&json!("high"), &json!("de")));
        assert!(!state["issues"][0]["steps"].as_array().unwrap().is_empty(), "{state}");

        let order = json!({ "device_ids": [phone.id], "message": "Bring it in" });
        admin.post("/api/v1/device-notifications", order).await.expect(202);
        let messages = newest.read("messages").await;
        let message = &messages["items"][0];
        assert_eq!((&message["text"], &message["read_at"]), (&json!("Bring it in"), &Value::Null));
        let read = format!("messages/{}/read", message["id"].as_str().unwrap());
        newest.call("POST", &read, None).await.expect(204);
        let log = admin.all(&format!("/api/v1/notifications?device_id={}&state=read", phone.id)).await;
        assert_eq!(log.len(), 1);

        newest.call("POST", "check", None).await.expect(202);
        assert_eq!(newest.call("POST", "check", None).await.status, 429);
        let commands = phone.commands(0).await;
        let check = commands.iter().find(|command| command["type"] == "check").expect("a check");
        phone.answer(check, "acknowledged").await.expect(200);
        assert!(phone.commands(0).await.iter().all(|command| command["type"] != "check"), "once");

        assert!(newest.read("push-key").await["public_key"].as_str().unwrap().len() > 80);
        let keys = json!({
            "p256dh": "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM",
            "auth": "tBHItJI5svbpez7KI4CCXg",
        });
        let subscription = json!({ "endpoint": "https://push.example.com/abc", "keys": keys });
        for _ in 0..2 {
            newest.call("PUT", "push-subscription", Some(subscription.clone())).await.expect(204);
        }
        newest.call("DELETE", "push-subscription", None).await.expect(204);

        admin.post("/api/v1/detections", trojan("e-2", phone.by_serial(), "t-1", "resolved", 200)).await.expect(200);
        assert_eq!(newest.read("state").await["issues"], json!([]));
        admin.poke(&format!("/api/v1/devices/{}/unenroll", phone.id)).await;
        let refused = newest.call("GET", "state", None).await;
        assert!(refused.expect(403)["type"].as_str().unwrap().ends_with("unenrolled"));
        assert!([401, 403].contains(&second.call("GET", "state", None).await.status));
        place.verify().await;
        server.stop().await;
    }
}
