//! Web Push against a push service and browser of other people's making.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../../engine/tests/common/mod.rs"]
mod common;
#[path = "common/peer.rs"]
mod peer;

use std::time::Duration;

use allclear_channels::{
    delivery::Outgoing,
    outcome::Outcome,
    push::{
        self,
        vapid::VapidKey,
        web_push::{LONGEST, Message, Subscription, WebPush},
        worker,
    },
};
use allclear_domain::{
    ids::{DeviceId, MessagesSessionId},
    level::Platform,
};
use allclear_engine::{
    messages_app::{self, Bound},
    notifications,
    source::{Source, SystemSource},
};
use allclear_guard::{GuardOptions, GuardedClient};
use allclear_store::push as stored;
use common::{Fixture, TENANT, admin};
use peer::Peer;
use serde_json::Value;

fn client(allow: &str) -> GuardedClient {
    GuardedClient::new(GuardOptions { allow: allow.parse().unwrap(), ..GuardOptions::default() }).unwrap()
}

/// A fixture whose clock shows the time of the peer.
async fn fixtures() -> Vec<Fixture> {
    let fixtures = Fixture::all().await;
    for fixture in &fixtures {
        fixture.source.advance(SystemSource.now().since(fixture.now()));
    }
    fixtures
}

fn subscription(peer: &Peer, path: &str) -> Subscription {
    let keys = peer.wait_for("the browser's keys", |line| line["event"] == "keys");
    let text = |name: &str| keys[name].as_str().unwrap().to_owned();
    let endpoint = format!("http://127.0.0.1:{}{path}", peer.port);
    Subscription::new(&endpoint, &text("p256dh"), &text("auth")).unwrap()
}

fn hello(body: &[u8]) -> Message {
    Message { body: body.to_vec(), ttl: 60, topic: Some("message") }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_is_signed_and_only_the_browser_can_read_it() {
    let fixture = fixtures().await.remove(0);
    let peer = Peer::start("web_push.mjs", &[]);
    let key = VapidKey::of(&fixture.engine).await.unwrap();
    assert_eq!(VapidKey::of(&fixture.engine).await.unwrap().public(), key.public(), "the same for ever");
    let sender = WebPush::new(client("127.0.0.1"), key.clone(), Some("https://allclear.example.com".into()));
    let text = "Grüße, und ein Gruß 👋";
    let sent = sender.send(&subscription(&peer, "/ok"), hello(text.as_bytes()), fixture.now()).await;
    let Outcome::Accepted { message_id, answer } = sent else { panic!("{sent:?}") };
    assert_eq!((message_id.as_deref(), answer.as_str()), (Some("/message/1"), "201 Created"));
    let got = peer.wait_for("the push", |line| line["event"] == "push");
    assert_eq!((&got["text"], &got["error"]), (&Value::from(text), &Value::Null));
    let headers = ["ttl", "urgency", "topic", "encoding"].map(|name| got[name].as_str().unwrap_or_default());
    assert_eq!(headers, ["60", "high", "message", "aes128gcm"]);
    let vapid = &got["vapid"];
    assert_eq!((&vapid["alg"], &vapid["key"]), (&Value::from("ES256"), &Value::from(key.public())));
    let claims = &vapid["claims"];
    assert_eq!(claims["aud"], format!("http://127.0.0.1:{}", peer.port), "with the port");
    assert_eq!(claims["sub"], "https://allclear.example.com");
    let lasts = claims["exp"].as_i64().unwrap() - fixture.now().as_micros() / 1_000_000;
    assert!((1..=86_400).contains(&lasts), "{lasts}");

    let long = sender.send(&subscription(&peer, "/ok"), hello(&[b'x'; LONGEST]), fixture.now()).await;
    assert!(matches!(long, Outcome::Accepted { .. }));
    let got = peer.wait_for_many("both pushes", 2, |line| line["event"] == "push").remove(1);
    assert!(got["size"].as_u64().unwrap() <= 4096 && got["error"].is_null(), "{}", got["size"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_say_whether_it_is_worth_another_attempt() {
    let fixture = fixtures().await.remove(0);
    let peer = Peer::start("web_push.mjs", &[]);
    let key = VapidKey::of(&fixture.engine).await.unwrap();
    let sender = WebPush::new(client("127.0.0.1"), key.clone(), None);
    let send = async |path: &str| sender.send(&subscription(&peer, path), hello(b"x"), fixture.now()).await;
    assert!(matches!(send("/gone").await, Outcome::Gone { .. }));
    assert!(matches!(send("/missing").await, Outcome::Gone { .. }));
    let answer = "429 Too Many Requests: slow down".to_owned();
    assert_eq!(send("/busy").await, Outcome::Deferred { answer, retry_after: Some(Duration::from_secs(7)) });
    assert!(matches!(send("/down").await, Outcome::Deferred { retry_after: None, .. }));
    assert!(matches!(send("/large").await, Outcome::Refused { .. }));
    let Outcome::Refused { answer } = send("/rude").await else { panic!() };
    assert_eq!(answer, "400 Bad Request: no such thing");

    let strict = WebPush::new(client(""), key.clone(), None);
    let refused = strict.send(&subscription(&peer, "/ok"), hello(b"x"), fixture.now()).await;
    assert!(matches!(refused, Outcome::Refused { .. }), "{refused:?}");
    let endpoint = subscription(&peer, "/ok");
    drop(peer);
    let nobody = sender.send(&endpoint, hello(b"x"), fixture.now()).await;
    assert!(matches!(nobody, Outcome::Deferred { .. }), "{nobody:?}");
}

/// A session of the Messages app of a device, told at a path of the peer.
async fn subscribe(fixture: &Fixture, peer: &Peer, device: DeviceId, n: u8, path: &str) {
    let link = [n; 32];
    messages_app::open(&fixture.engine, TENANT, device, link).await.unwrap();
    let session = MessagesSessionId(fixture.source.id());
    let bind = move |work: &mut allclear_engine::work::Work<'_, '_>| {
        messages_app::bind(work, &link, session, &[n + 100; 32], None)
    };
    assert_eq!(fixture.engine.edit(TENANT, admin(), bind).await.unwrap(), Bound::To(device));
    push::subscribe(&fixture.engine, TENANT, device, session, &subscription(peer, path)).await.unwrap();
}

async fn subscribed(fixture: &Fixture, device: DeviceId) -> usize {
    let read = fixture.engine.db().read(move |tx| stored::subscriptions(tx, TENANT, device));
    read.await.unwrap().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_are_told_of_new_messages_and_lost_subscriptions_forgotten() {
    for fixture in fixtures().await {
        let peer = Peer::start("web_push.mjs", &[]);
        let (one, other) = (fixture.device("S1", Platform::Android).await, fixture.device("S2", Platform::Ios).await);
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let outgoing = Outgoing::new("127.0.0.1".parse().unwrap(), None).unwrap();
        let running = tokio::spawn(worker::run(fixture.engine.clone(), outgoing, async {
            let _ = stopped.await;
        }));
        tokio::time::sleep(Duration::from_millis(100)).await;
        subscribe(&fixture, &peer, one, 1, "/ok").await;
        subscribe(&fixture, &peer, one, 2, "/gone").await;
        let root = fixture.root;
        let notify = move |work: &mut allclear_engine::work::Work<'_, '_>| {
            notifications::notify_devices(work, root, &[one, other], Some("Please call us."), "test")
        };
        let outcomes = fixture.engine.edit(TENANT, admin(), notify).await.unwrap();
        let told = peer.wait_for("the push", |line| line["path"] == "/ok");
        let push: Value = serde_json::from_str(told["text"].as_str().unwrap()).unwrap();
        let id = outcomes[0].notification.as_ref().unwrap().id.to_string();
        let expected =
            serde_json::json!({ "id": id, "title": "Your organisation", "body": "Please call us.", "url": "/m/" });
        assert_eq!(push, expected);
        peer.wait_for("the lost one", |line| line["path"] == "/gone");
        let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
        while subscribed(&fixture, one).await != 1 {
            assert!(tokio::time::Instant::now() < deadline, "it is forgotten");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        // Nothing is left to tell once it is read, and nobody is told twice.
        let id = outcomes[0].notification.as_ref().unwrap().id;
        notifications::read(&fixture.engine, TENANT, one, id).await.unwrap();
        fixture.detect("e1", one, "t1", "trojan", allclear_domain::detection::ThreatStatus::Open).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(peer.events("push").len(), 2, "{:?}", peer.events("push"));
        let _ = stop.send(());
        running.await.unwrap();
    }
}
