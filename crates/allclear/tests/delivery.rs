//! From a detection to the mailbox, over public interfaces only: users are told by a relay of other people's making, what
//! fails can be seen and sent again, and a server that is killed loses no message and repeats none that was on record.
//!
//! `ALLCLEAR_TEST_MAILS` says how many messages the killed server has to send.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;
#[path = "../../channels/tests/common/peer.rs"]
mod peer;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use common::{
    Client, Place, Server,
    fleet::{Phone, each, trojan},
    places, until,
};
use peer::Peer;
use serde_json::{Value, json};
use tokio::task::JoinSet;

const CHANNEL: &str = "/api/v1/channels/email";
const ALLOW: (&str, &str) = ("OUTGOING_ALLOW", "localhost");

/// A relay that asks for TLS, a name and a password; and its certificate.
fn relay(more: &Value) -> (Peer, String) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let mut options = json!({
        "security": "starttls", "cert": made.cert.pem(), "key": made.signing_key.serialize_pem(),
        "user": "allclear", "password": "correct horse",
    });
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    (Peer::start("smtp.mjs", &[&options.to_string()]), made.cert.pem())
}

/// The channel's setting for a relay.
fn channel(peer: &Peer, certificate: &str, version: i64) -> Value {
    json!({
        "enabled": true, "version": version,
        "relays": [{
            "host": "localhost", "port": peer.port, "security": "starttls", "username": "allclear",
            "password": "correct horse", "ca_certificate": certificate,
        }],
    })
}

/// Sets the sender, a short hold-down and the relay.
async fn set_up(admin: &Client, peer: &Peer, certificate: &str) {
    let settings = json!({
        "branding": { "organisation_name": "Acme", "sender_name": "Acme Security", "sender_address": "security@acme.example" },
        "account_status_hold_down_seconds": 1,
    });
    let version = admin.read("/api/v1/settings").await["version"].clone();
    let settings = json!({ "settings": settings, "version": version });
    admin.call("PUT", "/api/v1/settings", &settings).await.expect(200);
    admin.call("PUT", CHANNEL, &channel(peer, certificate, 0)).await.expect(200);
}

async fn user(admin: &Client, name: &str, email: &str) -> Value {
    let user = json!({ "user_name": name, "display_name": format!("{name} Nowak"), "email": email });
    admin.post("/api/v1/users", user).await.expect(201)["id"].clone()
}

async fn notify(admin: &Client, user: &Value) -> Value {
    let path = format!("/api/v1/users/{}/notify", user.as_str().unwrap());
    admin.post(&path, json!({ "channels": ["email"] })).await.expect(202)["notifications"][0].clone()
}

/// Waits until a notification has come to a state, and returns all about it.
async fn comes_to(admin: &Client, notification: &Value, state: &str) -> Value {
    let path = format!("/api/v1/notifications/{}", notification["id"].as_str().unwrap());
    until(state, async || Some(admin.read(&path).await).filter(|it| it["state"] == state)).await
}

fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    let headers = mail["headers"].as_array().unwrap().iter().filter_map(Value::as_str);
    headers.filter_map(|line| line.split_once(": ")).find(|(it, _)| *it == name).map_or("", |(_, text)| text)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_hears_of_a_threat_and_of_the_all_clear() {
    for place in places().await {
        let (peer, certificate) = relay(&json!({}));
        let server = Server::start_with(&place, &[ALLOW]).await;
        let admin = server.client(&place.token("administrator", None).await);
        set_up(&admin, &peer, &certificate).await;
        let ada = user(&admin, "ada", "ada@example.com").await;
        let phone = Phone::enroll_for(&admin, &ada, "android", "R58-1").await;
        let detect = async |event: &str, status: &str| {
            admin.post("/api/v1/detections", trojan(event, phone.by_serial(), "t-1", status, 100)).await.expect(200)
        };
        let mails = |count| peer.wait_for_many("mails", count, |line| line["event"] == "mail");
        detect("e-1", "open").await;
        let first = mails(1).remove(0);
        assert_eq!((&first["to"][0], &first["from"]), (&json!("ada@example.com"), &json!("security@acme.example")));
        assert_eq!(header(&first, "From"), "\"Acme Security\" <security@acme.example>");
        assert!(header(&first, "Subject").starts_with("Action needed"), "{first:#}");
        detect("e-2", "resolved").await;
        let clear = mails(2).remove(1);
        assert!(header(&clear, "Subject").starts_with("All clear"), "{clear:#}");
        assert_ne!(clear["message_id"], first["message_id"]);

        let log = admin.all("/api/v1/notifications?trigger=account_status&channel=email&sort=created_at").await;
        assert_eq!(each(&json!(log), "recipient"), ["ada Nowak", "ada Nowak"]);
        let sent = comes_to(&admin, &log[0], "sent").await;
        assert_eq!(sent["message_id"], first["message_id"]);
        assert_eq!(sent["attempts"][0]["outcome"], "accepted");
        assert!(sent["attempts"][0]["answer"].as_str().unwrap().starts_with("250 "), "{sent:#}");
        let messages = phone.agent.read("/agent/v1/messages").await;
        assert_eq!(messages["messages"].as_array().unwrap().len(), 2, "on the phone as well: {messages}");
        server.stop().await;
        place.verify().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_fails_is_shown_with_the_relays_words_and_can_be_sent_again() {
    let place = Place::sqlite();
    let (peer, certificate) = relay(&json!({}));
    let server = Server::start_with(&place, &[ALLOW]).await;
    let admin = server.client(&place.token("administrator", None).await);
    let (test, to) = ("/api/v1/channels/email/test", json!({ "to": "ada@example.com" }));
    admin.post(test, to.clone()).await.expect(409);
    let wanted = admin.call("PUT", CHANNEL, &channel(&peer, &certificate, 0)).await.expect(422);
    assert_eq!(wanted["errors"][0]["pointer"], "/enabled", "there is no sender yet");
    set_up(&admin, &peer, &certificate).await;

    let shown = admin.get(CHANNEL).await;
    assert!(!shown.text.contains("correct horse"));
    assert_eq!(shown.json()["relays"][0]["password_set"], true);
    let mut kept = channel(&peer, &certificate, 1);
    kept["relays"][0].as_object_mut().unwrap().remove("password");
    kept["per_second"] = json!(50);
    assert_eq!(admin.call("PUT", CHANNEL, &kept).await.expect(200)["version"], 2, "the password stays");
    let mut moved = kept.clone();
    moved["version"] = json!(2);
    moved["relays"][0]["host"] = json!("mail.example.com");
    let refused = admin.call("PUT", CHANNEL, &moved).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/relays/0/password", "and goes nowhere else");
    admin.call("PUT", CHANNEL, &kept).await.expect(409);
    let journal = admin.get("/api/v1/journal?kind=channel").await;
    assert!(journal.status == 200 && !journal.text.contains("correct horse"), "{}", journal.text);

    let tested = admin.post(test, to).await.expect(200);
    assert_eq!(tested["outcome"], "accepted", "{tested}");
    let tested = admin.post(test, json!({ "to": "gone@example.com" })).await.expect(200);
    assert_eq!((&tested["outcome"], &tested["answer"]), (&json!("refused"), &json!("550 no such user here")));
    admin.post(test, json!({ "to": "nobody" })).await.expect(422);

    let gone = user(&admin, "gone", "gone@example.com").await;
    let busy = user(&admin, "busy", "busy@example.com").await;
    let drop = user(&admin, "drop", "drop@example.com").await;
    let failed = comes_to(&admin, &notify(&admin, &gone).await, "failed").await;
    assert_eq!(failed["reason"], "550 no such user here.");
    let waiting = notify(&admin, &busy).await;
    let path = format!("/api/v1/notifications/{}", waiting["id"].as_str().unwrap());
    let waiting = until("a retry", async || {
        Some(admin.read(&path).await).filter(|it| it["attempts"].as_array().is_some_and(|all| !all.is_empty()))
    });
    let waiting = waiting.await;
    assert_eq!((&waiting["state"], &waiting["attempts"][0]["outcome"]), (&json!("queued"), &json!("deferred")));
    assert!(waiting["next_attempt_at"].is_string() && waiting["expires_at"].is_string());
    notify(&admin, &drop).await;
    peer.wait_for("a broken connection", |line| line["event"] == "dropped");

    let retry = format!("/api/v1/notifications/{}/retry", failed["id"].as_str().unwrap());
    assert_eq!(admin.poke(&retry).await.expect(202)["state"], "queued");
    let again = comes_to(&admin, &failed, "failed").await;
    assert_eq!(again["attempts"].as_array().unwrap().len(), 2);
    admin.poke(&format!("{path}/retry")).await.expect(409);
    let all = admin.post("/api/v1/notifications/retry", json!({ "channel": "email" })).await.expect(202);
    assert_eq!(all, json!({ "queued": 1, "more": false }));
    comes_to(&admin, &failed, "failed").await;
    let metrics = server.client("").get("/metrics").await.text;
    assert!(metrics.contains("allclear_notifications_failed_total{channel=\"email\"} 3"), "{metrics}");
    let reader = server.client(&place.token("read_only", None).await);
    reader.poke(&retry).await.expect(403);
    reader.call("PUT", CHANNEL, &kept).await.expect(403);
    server.stop().await;
    place.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_no_relay_serves_the_channel_rests_and_no_attempt_is_lost() {
    let place = Place::sqlite();
    let (mut peer, certificate) = relay(&json!({ "quiet": true }));
    let server = Server::start_with(&place, &[ALLOW]).await;
    let admin = server.client(&place.token("administrator", None).await);
    set_up(&admin, &peer, &certificate).await;
    let provider = async || admin.read("/api/v1/channels").await["items"][0]["provider"].clone();
    assert_eq!(provider().await, Value::Null, "nothing was heard of it yet");
    peer.say(&json!({ "refuse_all": 421 }));
    let mut waiting = Vec::new();
    for n in 0..40 {
        let id = user(&admin, &format!("user{n}"), &format!("user{n}@example.com")).await;
        waiting.push(notify(&admin, &id).await);
    }
    let down =
        until("the outage to be seen", async || Some(provider().await).filter(|it| it["state"] == "unreachable"));
    let down = down.await;
    assert!(down["answer"].as_str().unwrap().contains("421 no service for you today"), "{down}");
    let metric = "allclear_channels_failing{channel=\"email\"} 1";
    until("the metric", async || server.client("").get("/metrics").await.text.contains(metric).then_some(())).await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    for one in &waiting {
        let one = admin.read(&format!("/api/v1/notifications/{}", one["id"].as_str().unwrap())).await;
        assert_eq!((&one["state"], &one["attempts"]), (&json!("queued"), &json!([])), "{one:#}");
    }
    // Four mails may be under way at once before it is known; each may cost two connections. Then one now and then.
    let connections = peer.events("connect").len();
    assert!(connections < 25, "{connections} connections for {} mails", waiting.len());

    // A relay that serves everybody but one: that mail waits by itself.
    peer.say(&json!({}));
    assert_eq!(peer.wait_for_many("mails", 40, |line| line["event"] == "mail").len(), 40);
    let up = until("the end of the outage", async || Some(provider().await).filter(|it| it["state"] == "ok")).await;
    assert!(up["since"].as_str() > down["since"].as_str(), "{down} {up}");
    let sent = comes_to(&admin, &waiting[0], "sent").await;
    assert_eq!(sent["attempts"].as_array().unwrap().len(), 1, "{sent:#}");
    let bad = user(&admin, "hangup", "hangup@example.com").await;
    let bad = notify(&admin, &bad).await;
    let good = user(&admin, "good", "good@example.com").await;
    comes_to(&admin, &notify(&admin, &good).await, "sent").await;
    let path = format!("/api/v1/notifications/{}", bad["id"].as_str().unwrap());
    let tried = until("an attempt", async || {
        Some(admin.read(&path).await).filter(|it| it["attempts"].as_array().is_some_and(|all| !all.is_empty()))
    });
    assert_eq!(tried.await["attempts"][0]["outcome"], "deferred");
    server.stop().await;
    place.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_names_and_texts_hold_it_is_one_mail_or_refused() {
    let place = Place::sqlite();
    let (peer, certificate) = relay(&json!({}));
    let server = Server::start_with(&place, &[ALLOW]).await;
    let admin = server.client(&place.token("administrator", None).await);
    set_up(&admin, &peer, &certificate).await;
    let users = "/api/v1/users";
    for (email, phone) in [
        ("eve@example.com\r\nBcc: all@example.com", "+14255550123"),
        ("<eve@example.com>", "+14255550123"),
        ("eve@example.com", "12345"),
        ("eve@example.com", "+1425555012345678"),
    ] {
        admin.post(users, json!({ "user_name": "eve", "email": email, "phone": phone })).await.expect(422);
    }
    let name = "نورا \u{202e}<b>\"; Bcc: all@example.com";
    let eve = json!({ "user_name": "eve", "display_name": name, "email": "eve@example.com" });
    let eve = admin.post(users, eve).await.expect(201)["id"].clone();
    let path = format!("/api/v1/users/{}/notify", eve.as_str().unwrap());
    let own = |subject: &str, message: &str| json!({ "channels": ["email"], "subject": subject, "message": message });
    admin.post(&path, own("Hi\r\nBcc: all@example.com", "Hello")).await.expect(422);
    admin.post(&path, own("Hi", &"x".repeat(50_001))).await.expect(422);
    let text = format!("مرحبا\n.\n.\n{}", "é".repeat(49_000));
    admin.post(&path, own("مرحبا: Bcc: all@example.com", &text)).await.expect(202);
    let mail = peer.wait_for("the mail", |line| line["event"] == "mail");
    assert_eq!(mail["to"], json!(["eve@example.com"]));
    let headers = mail["headers"].as_array().unwrap();
    assert!(headers.iter().all(|line| line.as_str().unwrap().is_ascii()), "{headers:#?}");
    assert!(!headers.iter().any(|line| line.as_str().unwrap().starts_with("Bcc")), "{headers:#?}");
    assert_eq!(header(&mail, "Auto-Submitted"), "auto-generated");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_twice_loses_no_mail_on_sqlite() {
    killed_twice(Place::sqlite()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_killed_twice_loses_no_mail_on_postgres() {
    if let Some(place) = Place::postgres().await {
        killed_twice(place).await;
    }
}

async fn killed_twice(place: Place) {
    let mails: usize = std::env::var("ALLCLEAR_TEST_MAILS").map_or(1000, |text| text.parse().expect("a number"));
    let (peer, certificate) = relay(&json!({ "quiet": true }));
    let server = Server::start_with(&place, &[ALLOW]).await;
    let token = place.token("administrator", None).await;
    let admin = server.client(&token);
    set_up(&admin, &peer, &certificate).await;
    // Slowly until everything is queued.
    let mut setting = channel(&peer, &certificate, 1);
    setting["per_second"] = json!(1);
    admin.call("PUT", CHANNEL, &setting).await.expect(200);
    let mut orders = JoinSet::new();
    for lane in 0..8 {
        let admin = admin.clone();
        orders.spawn(async move {
            for n in (lane..mails).step_by(8) {
                let id = user(&admin, &format!("user{n}"), &format!("user{n}@example.com")).await;
                assert_eq!(notify(&admin, &id).await["state"], "queued");
            }
        });
    }
    while let Some(done) = orders.join_next().await {
        done.unwrap();
    }
    (setting["per_second"], setting["version"]) = (json!(0), json!(2));
    admin.call("PUT", CHANNEL, &setting).await.expect(200);

    let arrived = || peer.events("mail");
    let count = async |wanted: usize| {
        let deadline = std::time::Instant::now() + Duration::from_secs(300);
        while arrived().len() < wanted {
            assert!(std::time::Instant::now() < deadline, "{} of {wanted} mails", arrived().len());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    count(mails / 3).await;
    server.kill().await;
    let server = Server::start_with(&place, &[ALLOW]).await;
    count(mails * 2 / 3).await;
    server.kill().await;
    let server = Server::start_with(&place, &[ALLOW]).await;
    let admin = server.client(&token);
    let everybody: BTreeSet<String> = (0..mails).map(|n| format!("user{n}@example.com")).collect();
    let boxes = || {
        let mut boxes: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for mail in arrived() {
            boxes.entry(mail["to"][0].as_str().unwrap().to_owned()).or_default().push(mail["message_id"].clone());
        }
        boxes
    };
    let deadline = std::time::Instant::now() + Duration::from_secs(300);
    while boxes().len() < mails {
        assert!(std::time::Instant::now() < deadline, "{} of {mails} mailboxes", boxes().len());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    until("all on record", async || admin.all("/api/v1/notifications?state=queued").await.is_empty().then_some(()))
        .await;
    let boxes = boxes();
    assert_eq!(boxes.keys().cloned().collect::<BTreeSet<_>>(), everybody);
    let twice: Vec<&Vec<Value>> = boxes.values().filter(|mails| mails.len() > 1).collect();
    // What was in flight or not on record yet when the server was killed: two for each of four connections.
    eprintln!("{} of {mails} mails came twice", twice.len());
    assert!(twice.len() <= 2 * 8, "{twice:?}");
    assert!(twice.iter().all(|mails| mails.len() == 2 && mails[0] == mails[1]), "under the same name: {twice:?}");
    server.stop().await;
    place.verify().await;
}
