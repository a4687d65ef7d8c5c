//! Telling people by text message, over public interfaces only and on both databases: to an SMSC and by an HTTP gateway
//! that are somebody else's, and what they report afterwards.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;
#[path = "../../channels/tests/common/peer.rs"]
mod peer;

use common::{
    Client, Server,
    fleet::{Phone, each, trojan},
    places, until,
};
use peer::Peer;
use serde_json::{Value, json};

const CHANNEL: &str = "/api/v1/channels/sms";
const TO: &str = "+14255550123";
const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";

/// A user with a number, and their phone with a trojan on it.
async fn at_risk(admin: &Client, phone: &str) -> String {
    let ada = json!({ "user_name": "ada", "display_name": "Ada Nowak", "phone": phone });
    let ada = admin.post("/api/v1/users", ada).await.expect(201);
    let phone = Phone::enroll_for(admin, &ada["id"], "android", "R58-1").await;
    admin.post("/api/v1/detections", trojan("e-1", phone.by_serial(), "t-1", "open", 100)).await.expect(200);
    ada["id"].as_str().unwrap().to_owned()
}

/// Tells the user and returns the notification's id.
async fn notify(admin: &Client, user: &str, message: Option<&str>) -> String {
    let mut order = json!({ "channels": ["sms"] });
    if let Some(message) = message {
        order["message"] = json!(message);
    }
    let told = admin.post(&format!("/api/v1/users/{user}/notify"), order).await.expect(202);
    assert_eq!(each(&told["notifications"], "state"), ["queued"]);
    told["notifications"][0]["id"].as_str().unwrap().to_owned()
}

/// Waits until the notification is in a state, and returns it.
async fn comes_to(admin: &Client, id: &str, state: &str) -> Value {
    let path = format!("/api/v1/notifications/{id}");
    let what = format!("{id} to be {state}");
    until(&what, async || Some(admin.read(&path).await).filter(|found| found["state"] == state)).await
}

async fn set_up(admin: &Client, settings: &Value) -> Value {
    let mut settings = settings.clone();
    settings["version"] = admin.read(CHANNEL).await["version"].clone();
    admin.call("PUT", CHANNEL, &settings).await.expect(200)
}

fn smpp(port: u16) -> Value {
    let sender = json!({ "address": "Acme" });
    json!({ "enabled": true, "smpp": { "host": "127.0.0.1", "port": port, "tls": false, "system_id": "allclear",
        "password": "secret08", "sender": sender } })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_message_goes_to_the_smsc_and_its_receipt_comes_back() {
    for place in places().await {
        let options = json!({ "system_id": "allclear", "password": "secret08", "receipts": "text" });
        let mut smsc = Peer::start("smsc.mjs", &[&options.to_string()]);
        let server = Server::start_with(&place, &[("OUTGOING_ALLOW", "127.0.0.1")]).await;
        let admin = server.client(&place.token("administrator", None).await);
        let ada = at_risk(&admin, TO).await;
        let path = format!("/api/v1/users/{ada}/notify");
        let before = admin.post(&path, json!({ "channels": ["sms"] })).await.expect(202);
        assert_eq!(each(&before["notifications"], "state"), ["captured"]);

        assert_eq!(admin.read(CHANNEL).await["smpp"], Value::Null);
        let shown = set_up(&admin, &smpp(smsc.port)).await;
        assert_eq!((&shown["smpp"]["password_set"], &shown["smpp"]["password"]), (&json!(true), &Value::Null));
        assert!(!shown.to_string().contains("secret08"));
        let tested = admin.post("/api/v1/channels/sms/test", json!({ "to": TO })).await.expect(200);
        assert_eq!(tested["outcome"], "accepted", "{tested}");
        assert!(tested["answer"].as_str().unwrap().starts_with("accepted as "));
        assert_eq!(tested["provider"], format!("127.0.0.1:{}", smsc.port));

        let id = notify(&admin, &ada, None).await;
        let delivered = comes_to(&admin, &id, "delivered").await;
        let sent = smsc.wait_for("the message", |line| line["text"] == delivered["body"]);
        assert_eq!((&sent["destination_addr"], &sent["source_addr"]), (&json!("14255550123"), &json!("Acme")));
        assert!(sent["text"].as_str().unwrap().contains("Trojan"));
        let cyrillic = notify(&admin, &ada, Some("Позвоните мне, пожалуйста 🙏")).await;
        comes_to(&admin, &cyrillic, "delivered").await;
        smsc.wait_for("it", |line| line["text"] == "Позвоните мне, пожалуйста 🙏" && line["data_coding"] == 8);

        // A number the SMSC refuses for good is a dead letter, with its words.
        smsc.say(&json!({ "answer": 0x0B }));
        smsc.wait_for("the order to be read", |line| line["event"] == "ordered");
        let refused = notify(&admin, &ada, Some("refused")).await;
        let failed = comes_to(&admin, &refused, "failed").await;
        assert!(failed["reason"].as_str().unwrap().contains("the recipient's number is invalid"), "{failed}");
        admin.poke(&format!("/api/v1/notifications/{refused}/retry")).await.expect(202);
        comes_to(&admin, &refused, "delivered").await;

        // The password stays where it was meant to go.
        let mut kept = smpp(smsc.port);
        kept["smpp"].as_object_mut().unwrap().remove("password");
        kept["smpp"]["window"] = json!(3);
        assert_eq!(set_up(&admin, &kept).await["smpp"]["password_set"], true);
        kept["smpp"]["system_id"] = json!("another");
        kept["version"] = admin.read(CHANNEL).await["version"].clone();
        let problem = admin.call("PUT", CHANNEL, &kept).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], "/smpp/password");
        let again = notify(&admin, &ada, Some("by the new session")).await;
        comes_to(&admin, &again, "delivered").await;

        let reader = server.client(&place.token("read_only", None).await);
        reader.read(CHANNEL).await;
        reader.call("PUT", CHANNEL, &smpp(smsc.port)).await.expect(403);
        server.stop().await;
        let unbound = smsc.events("bind").len();
        smsc.wait_for_many("an unbind of each session", unbound, |line| line["event"] == "unbind");
        place.verify().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_is_asked_and_its_signed_news_believed() {
    for place in places().await {
        let mut gateway = Peer::start("gateway.mjs", &[&json!({ "auth_token": "s3cret" }).to_string()]);
        // The address is given out, so it is chosen before.
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let public_url = format!("http://127.0.0.1:{port}");
        let settings = [("OUTGOING_ALLOW", "127.0.0.1"), ("PUBLIC_URL", public_url.as_str())];
        let server = Server::start_at(&place, &format!("127.0.0.1:{port}"), &settings).await;
        let admin = server.client(&place.token("administrator", None).await);
        let ada = at_risk(&admin, TO).await;
        let channel = json!({ "enabled": true, "gateway": { "base_url": format!("http://127.0.0.1:{}", gateway.port),
            "account_sid": ACCOUNT, "auth_token": "s3cret", "from": "Acme" } });
        let shown = set_up(&admin, &channel).await;
        assert_eq!((&shown["gateway"]["auth_token_set"], &shown["smpp"]), (&json!(true), &Value::Null));
        assert!(!shown.to_string().contains("s3cret"));

        let mut sids = Vec::new();
        for (body, news, state) in [
            ("first", json!({ "status": "delivered" }), "delivered"),
            ("second", json!({ "status": "undelivered", "error": 30005 }), "failed"),
        ] {
            let id = notify(&admin, &ada, Some(body)).await;
            comes_to(&admin, &id, "sent").await;
            let request = gateway.wait_for("the request", |line| line["form"]["Body"] == body);
            assert_eq!((&request["violations"], &request["form"]["To"]), (&Value::Null, &json!(TO)));
            let callback = request["form"]["StatusCallback"].as_str().unwrap().to_owned();
            assert!(callback.starts_with(&format!("{public_url}/callbacks/sms/")), "{callback}");
            let sid = request["sid"].as_str().unwrap().to_owned();
            let post = |gateway: &mut Peer, mut news: Value, answer: u16| {
                news["sid"] = json!(sid);
                let count = gateway.events("callback_answered").len();
                gateway.say(&json!({ "callback": news }));
                let answers =
                    gateway.wait_for_many("our answer", count + 1, |line| line["event"] == "callback_answered");
                assert_eq!(answers[count]["status"], answer, "{news}");
            };
            let mut forged = news.clone();
            forged["token"] = json!("another");
            post(&mut gateway, forged, 403);
            post(&mut gateway, json!({ "status": "sent" }), 204);
            assert_eq!(admin.read(&format!("/api/v1/notifications/{id}")).await["state"], "sent");
            post(&mut gateway, news.clone(), 204);
            let ended = comes_to(&admin, &id, state).await;
            assert!(state == "delivered" || ended["reason"] == "Undelivered 30005.", "{ended}");
            post(&mut gateway, news, 204);
            sids.push(sid);
        }
        assert_ne!(sids[0], sids[1]);
        assert!(server.errors().is_empty());
        server.stop().await;
        place.verify().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_make_no_sense_and_callbacks_of_nobody_are_refused() {
    let place = common::Place::sqlite();
    let server = Server::start(&place).await;
    let admin = server.client(&place.token("administrator", None).await);
    let gateway = json!({ "account_sid": ACCOUNT, "auth_token": "s3cret", "from": "Acme" });
    for (settings, pointer) in [
        (smpp(2775), "/smpp/host"),
        (json!({ "enabled": true }), ""),
        (json!({ "enabled": true, "smpp": smpp(1)["smpp"], "gateway": gateway }), ""),
        (json!({ "enabled": true, "gateway": gateway }), "/gateway/status_callbacks"),
        (json!({ "enabled": true, "gateway": { "account_sid": "x", "auth_token": "s3cret" } }), "/gateway"),
    ] {
        let mut settings = settings.clone();
        settings["version"] = json!(0);
        let problem = admin.call("PUT", CHANNEL, &settings).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let anybody = server.client("");
    for tenant in ["0", "1", "999", "x"] {
        let request = anybody.request("POST", &format!("/callbacks/sms/{tenant}"));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let request = request.header("x-twilio-signature", "AAAA").body("MessageSid=SM1&MessageStatus=delivered");
        Client::send(request).await.expect(if tenant == "x" { 404 } else { 403 });
    }
    server.stop().await;
}
