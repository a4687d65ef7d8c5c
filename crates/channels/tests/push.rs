//! Pushes to the agents of devices, by peers that hold requests to the rules of Apple's and Google's push services.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../../engine/tests/common/mod.rs"]
mod common;
#[path = "common/peer.rs"]
mod peer;

use std::{path::Path, time::Duration};

use allclear_channels::{
    agent::{self, Pending},
    delivery::{Outgoing, TestedOutcome},
    outcome::Outcome,
    push::{
        self, Push,
        apns::{Apns, ApnsSettings, Mdm, MdmToken},
        fcm::{Fcm, FcmSettings},
        worker,
    },
};
use allclear_domain::{
    detection::ThreatStatus,
    ids::DeviceId,
    level::Platform,
    notification::Transport,
    profile::ResultStatus,
    push::{PushEnvironment, PushProvider, PushToken},
    time::Span,
};
use allclear_engine::{
    channels::{self, NewSetting, Secrets},
    ingest::Fact,
    notifications,
    source::{Source, SystemSource},
};
use allclear_guard::{AllowList, ClientIdentity, GuardOptions};
use allclear_store::push_tokens::{self, KeptToken};
use common::{Fixture, TENANT, admin};
use peer::Peer;
use serde_json::{Value, json};

const KEY_ID: &str = "ABC123DEFG";
const TEAM_ID: &str = "DEF123GHIJ";
const TOPIC: &str = "com.example.agent";

fn allow() -> AllowList {
    "127.0.0.1".parse().unwrap()
}

/// A fixture whose clock shows the time of the peers.
async fn fixtures() -> Vec<Fixture> {
    let fixtures = Fixture::all().await;
    for fixture in &fixtures {
        fixture.source.advance(SystemSource.now().since(fixture.now()));
    }
    fixtures
}

fn apns_peer() -> Peer {
    Peer::start("apns.mjs", &[&json!({ "key_id": KEY_ID, "team_id": TEAM_ID, "topic": TOPIC }).to_string()])
}

/// Google, by its own description where that is at hand.
fn fcm_peer() -> Peer {
    let shared = std::env::var_os("ALLCLEAR_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), Into::into);
    let description = Some(shared.join("android/fcm.v1.json")).filter(|path| path.exists());
    let options = description.map_or(json!({}), |path| json!({ "description": path }));
    Peer::start("fcm.mjs", &[&options.to_string()])
}

fn url(peer: &Peer) -> String {
    format!("http://127.0.0.1:{}", peer.port)
}

fn apple(peer: &Peer) -> (ApnsSettings, Secrets) {
    let base_url = Some(url(peer));
    let settings = ApnsSettings { key_id: KEY_ID.into(), team_id: TEAM_ID.into(), topic: TOPIC.into(), base_url };
    let key = peer.wait_for("the key", |line| line["event"] == "key");
    let secrets = Secrets::from([(settings.secret(), key["private_key"].as_str().unwrap().to_owned())]);
    assert_eq!(settings.problems(&secrets, &allow()), []);
    (settings, secrets)
}

fn google(peer: &Peer) -> (FcmSettings, Secrets) {
    let account = peer.wait_for("the account", |line| line["event"] == "account");
    let account = account["service_account"].as_str().unwrap().to_owned();
    let (settings, key) = FcmSettings::of_service_account(&account, url(peer)).unwrap();
    let secrets = Secrets::from([(settings.secret(), key)]);
    assert_eq!(settings.problems(&secrets, &allow()), []);
    (settings, secrets)
}

fn token(provider: PushProvider, answer: &str) -> PushToken {
    let token = format!("{}{answer}", "0123456789abcdef".repeat(4));
    PushToken { provider, token, topic: None, environment: PushEnvironment::Production }
}

fn kept(fixture: &Fixture, provider: PushProvider, answer: &str) -> KeptToken {
    KeptToken { token: token(provider, answer), changed_at: fixture.now() }
}

fn message() -> Push {
    Push::Message { id: None, title: "Acme".into(), body: "Grüße 👋".into() }
}

#[tokio::test(flavor = "multi_thread")]
async fn apple_takes_what_is_sent_and_its_answers_are_understood() {
    let fixture = Fixture::all().await.remove(0);
    fixture.source.advance(SystemSource.now().since(fixture.now()));
    let peer = apns_peer();
    let (settings, secrets) = apple(&peer);
    let apns = Apns::new(settings.clone(), &secrets, &allow()).unwrap();
    let send = async |answer: &str, push: &Push| {
        apns.send(&kept(&fixture, PushProvider::Apns, answer), push, fixture.now()).await
    };
    let taken = send("000", &Push::WakeUp).await;
    assert!(matches!(&taken, Outcome::Accepted { message_id: Some(id), .. } if !id.is_empty()), "{taken:?}");
    let push = peer.wait_for("the wake-up", |line| line["event"] == "push");
    assert_eq!((&push["status"], &push["error"]), (&json!(200), &Value::Null), "{push}");
    assert_eq!(push["body"], json!({ "aps": { "content-available": 1 }, "type": "wake_up" }));
    let header = |name: &str| push["headers"][format!("apns-{name}")].as_str().unwrap_or_default().to_owned();
    assert_eq!(["topic", "push-type", "priority", "collapse-id"].map(header), [TOPIC, "background", "5", "wake_up"]);

    assert!(matches!(send("000", &message()).await, Outcome::Accepted { .. }));
    let push = peer.wait_for("the message", |line| line["headers"]["apns-push-type"] == "alert");
    assert_eq!(push["body"]["aps"]["alert"], json!({ "title": "Acme", "body": "Grüße 👋" }));
    assert_eq!(push["headers"]["apns-priority"], "10");

    let other = KeptToken {
        token: PushToken { topic: Some("com.example.other".into()), ..token(PushProvider::Apns, "000") },
        changed_at: fixture.now(),
    };
    let refused = apns.send(&other, &Push::WakeUp, fixture.now()).await;
    assert_eq!(refused, Outcome::Refused { answer: "400 DeviceTokenNotForTopic".into() });
    for (answer, expected) in [
        ("400", Outcome::Refused { answer: "400 BadDeviceToken".into() }),
        ("403", Outcome::Deferred { answer: "403 InvalidProviderToken".into(), retry_after: None }),
        ("410", Outcome::Gone { answer: "410 Unregistered".into() }),
        ("429", Outcome::Deferred { answer: "429 TooManyRequests".into(), retry_after: Some(Duration::from_secs(7)) }),
        ("500", Outcome::Deferred { answer: "500 InternalServerError".into(), retry_after: None }),
        ("503", Outcome::Deferred { answer: "503 Shutdown".into(), retry_after: None }),
    ] {
        assert_eq!(send(answer, &Push::WakeUp).await, expected, "{answer}");
    }
    let back = send("411", &Push::WakeUp).await;
    assert!(matches!(&back, Outcome::Refused { answer } if answer.contains("it is back")), "{back:?}");
    let huge = Push::Message { id: None, title: "Acme".into(), body: "x".repeat(5_000) };
    assert_eq!(send("000", &huge).await, Outcome::Refused { answer: "413 PayloadTooLarge".into() });
    let dropped = send("599", &Push::WakeUp).await;
    assert!(matches!(&dropped, Outcome::Deferred { answer, .. } if answer.starts_with("no answer: ")), "{dropped:?}");
    assert!(matches!(send("000", &Push::WakeUp).await, Outcome::Accepted { .. }), "by a new connection");

    let pushes = peer.events("push");
    let tokens: std::collections::BTreeSet<_> = pushes.iter().filter_map(|push| push["by"]["token"].as_str()).collect();
    // The half hour may end while the test runs.
    assert!((1..=2).contains(&tokens.len()) && pushes.len() > 10, "one token for all: {tokens:?}");
    let session = |push: &Value| push["session"].as_u64().unwrap();
    let last = pushes.last().unwrap();
    assert!(pushes.iter().rev().skip(1).all(|push| session(push) < session(last)), "and one connection until it broke");
    assert_eq!(pushes.iter().map(session).max(), Some(2));

    // After a restart the token is the same, and one that is too old means that a clock is wrong.
    let again = Apns::new(settings, &secrets, &allow()).unwrap();
    let to = kept(&fixture, PushProvider::Apns, "000");
    assert!(matches!(again.send(&to, &Push::WakeUp, fixture.now()).await, Outcome::Accepted { .. }));
    let slow = again.send(&to, &Push::WakeUp, fixture.now().minus(Span::seconds(7_200))).await;
    assert_eq!(slow, Outcome::Deferred { answer: "403 ExpiredProviderToken".into(), retry_after: None });
}

#[tokio::test(flavor = "multi_thread")]
async fn managed_devices_are_woken_with_the_push_certificate() {
    let now = SystemSource.now();
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = rcgen::CertifiedIssuer::self_signed(authority, authority_key).unwrap();
    let issue = |name: &str, topic: Option<&str>| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec![name.to_owned()]).unwrap();
        if let Some(topic) = topic {
            let uid = rcgen::DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]);
            params.distinguished_name.push(uid, topic);
        }
        (params.signed_by(&key, &*authority).unwrap(), key)
    };
    let (server, server_key) = issue("localhost", None);
    let topic = "com.apple.mgmt.External.0d3b4a3e";
    let (client, client_key) = issue("push", Some(topic));
    let tls = json!({ "cert": server.pem(), "key": server_key.serialize_pem(), "ca": authority.pem() });
    let peer = Peer::start("apns.mjs", &[&json!({ "tls": tls }).to_string()]);
    let options = |identity| GuardOptions {
        allow: "localhost".parse().unwrap(),
        extra_roots: vec![authority.der().clone()],
        identity,
        ..GuardOptions::default()
    };
    let base_url = format!("https://localhost:{}", peer.port);
    let identity = ClientIdentity::new(vec![client.der().to_vec()], client_key.serialize_der());
    let mdm = Mdm::new(topic.to_owned(), base_url.clone(), options(Some(identity.clone()))).unwrap();
    let token = [0xab; 30].into_iter().chain([0xf0, 0x00]).collect::<Vec<u8>>();
    let to = MdmToken { token: &token, magic: "4E2A1B", changed_at: now };
    let woken = mdm.wake(to, now).await;
    assert!(matches!(woken, Outcome::Accepted { .. }), "{woken:?}");
    let push = peer.wait_for("the push", |line| line["event"] == "push");
    assert_eq!((&push["body"], &push["by"]["certificate"]), (&json!({ "mdm": "4E2A1B" }), &json!(topic)));
    assert_eq!(push["headers"]["apns-push-type"], "mdm");
    let gone = [0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xa4, 0x10];
    assert!(matches!(mdm.wake(MdmToken { token: &gone, ..to }, now).await, Outcome::Gone { .. }));

    let other = Mdm::new("com.apple.mgmt.Other".to_owned(), base_url.clone(), options(Some(identity))).unwrap();
    assert_eq!(other.wake(to, now).await, Outcome::Refused { answer: "400 TopicDisallowed".into() });
    let nobody = Mdm::new(topic.to_owned(), base_url.clone(), options(None)).unwrap();
    assert!(matches!(nobody.wake(to, now).await, Outcome::Deferred { answer, .. } if answer == "403 BadCertificate"));
    assert!(Mdm::new(String::new(), base_url, options(None)).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn google_takes_what_is_sent_and_its_answers_are_understood() {
    let fixture = fixtures().await.remove(0);
    let mut peer = fcm_peer();
    let (settings, secrets) = google(&peer);
    let fcm = Fcm::new(settings.clone(), &secrets, &allow()).unwrap();
    let send = async |answer: &str, push: &Push| {
        fcm.send(&kept(&fixture, PushProvider::Fcm, answer), push, fixture.now()).await
    };
    for push in [Push::WakeUp, message()] {
        let taken = send("000", &push).await;
        let is_named = |id: &Option<String>| id.as_ref().is_some_and(|id| id.starts_with("projects/example-agent/"));
        assert!(matches!(&taken, Outcome::Accepted { message_id, .. } if is_named(message_id)), "{taken:?}");
    }
    let pushes = peer.wait_for_many("both", 2, |line| line["event"] == "push");
    for push in &pushes {
        assert_eq!(push["violations"], json!([]), "{push}");
    }
    let (silent, shown) = (&pushes[0]["body"]["message"], &pushes[1]["body"]["message"]);
    assert_eq!((&silent["data"], &silent["notification"]), (&json!({ "type": "wake_up" }), &Value::Null));
    assert_eq!(shown["notification"], json!({ "title": "Acme", "body": "Grüße 👋" }));
    let refused = |answer: &str| Outcome::Refused { answer: answer.into() };
    let deferred = |answer: &str, seconds: Option<u64>| Outcome::Deferred {
        answer: answer.into(),
        retry_after: seconds.map(Duration::from_secs),
    };
    for (answer, expected) in [
        ("400", refused("400 INVALID_ARGUMENT: because of INVALID_ARGUMENT")),
        ("401", deferred("401 THIRD_PARTY_AUTH_ERROR: because of UNAUTHENTICATED", None)),
        ("403", refused("403 SENDER_ID_MISMATCH: because of PERMISSION_DENIED")),
        ("404", Outcome::Gone { answer: "404 UNREGISTERED: because of NOT_FOUND".into() }),
        ("429", deferred("429 QUOTA_EXCEEDED: because of RESOURCE_EXHAUSTED", Some(7))),
        ("430", deferred("429 QUOTA_EXCEEDED: because of RESOURCE_EXHAUSTED", Some(60))),
        ("500", deferred("500 INTERNAL: because of INTERNAL", None)),
        ("503", deferred("503 UNAVAILABLE: because of UNAVAILABLE", Some(9))),
    ] {
        assert_eq!(send(answer, &Push::WakeUp).await, expected, "{answer}");
    }
    assert!(matches!(send("599", &Push::WakeUp).await, Outcome::Deferred { .. }), "dropped");
    assert_eq!(peer.events("grant").len(), 1, "one access token for all");

    // Until shortly before its end, or until it is worth nothing.
    let accepted = async || matches!(send("000", &Push::WakeUp).await, Outcome::Accepted { .. });
    fixture.source.advance(Span::seconds(3_200));
    assert!(accepted().await);
    assert_eq!(peer.events("grant").len(), 1);
    fixture.source.advance(Span::seconds(200));
    assert!(accepted().await);
    assert_eq!(peer.events("grant").len(), 2);
    revoke(&mut peer, 1);
    assert!(matches!(send("000", &Push::WakeUp).await, Outcome::Deferred { .. }), "it is not asked anew all the time");
    fixture.source.advance(Span::seconds(61));
    assert!(accepted().await);
    assert_eq!(peer.events("grant").len(), 3);

    // While none is given out, nobody hammers.
    let again = Fcm::new(settings, &secrets, &allow()).unwrap();
    peer.say(&json!({ "grant": { "status": 503, "retry-after": "30" } }));
    peer.wait_for_many("the order", 2, |line| line["event"] == "ordered");
    let to = kept(&fixture, PushProvider::Fcm, "000");
    for _ in 0..3 {
        let failed = again.send(&to, &Push::WakeUp, fixture.now()).await;
        let expected = Some(Duration::from_secs(30));
        assert!(matches!(&failed, Outcome::Deferred { retry_after, .. } if *retry_after == expected), "{failed:?}");
    }
    assert_eq!(peer.events("grant").len(), 4);
    peer.say(&json!({ "grant": null }));
    peer.wait_for_many("the order", 3, |line| line["event"] == "ordered");
    fixture.source.advance(Span::seconds(31));
    let shown = message();
    let (one, other) =
        tokio::join!(again.send(&to, &Push::WakeUp, fixture.now()), again.send(&to, &shown, fixture.now()));
    for outcome in [one, other] {
        assert!(matches!(outcome, Outcome::Accepted { .. }), "{outcome:?}");
    }
    assert_eq!(peer.events("grant").len(), 5, "asked for once");
}

fn revoke(peer: &mut Peer, order: usize) {
    peer.say(&json!({ "revoke": true }));
    peer.wait_for_many("the order", order, |line| line["event"] == "ordered");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_an_agent_is_known_before_it_asks() {
    for fixture in fixtures().await {
        fixture.quickstart().await;
        let device = fixture.device("S1", Platform::Android).await;
        let pending = async || agent::pending(&fixture.engine, TENANT, device).await.unwrap();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        assert_eq!(pending().await, Pending::default());
        fixture.detect("e1", device, "t1", "trojan", ThreatStatus::Open).await;
        assert_eq!(pending().await, Pending { commands: true, ..Pending::default() });

        // Handed over, it ought to be answered within a minute; else it is lost.
        let taken = agent::commands(&fixture.engine, TENANT, device, Duration::ZERO, false, std::future::pending());
        let command = taken.await.unwrap().commands.remove(0).id;
        let heard_at = Some(fixture.now());
        assert_eq!(pending().await, Pending { commands: false, again: seconds(60), heard_at });
        fixture.source.advance(Span::seconds(60));
        assert_eq!(pending().await, Pending { commands: true, again: None, heard_at });

        // What failed is tried again after a minute.
        let (status, detail) = (ResultStatus::Error, None);
        fixture.submit(vec![Fact::Answered { device, command, status, detail }]).await;
        let heard_at = Some(fixture.now());
        assert_eq!(pending().await, Pending { commands: false, again: seconds(60), heard_at });
        fixture.source.advance(Span::seconds(60));
        assert_eq!(pending().await, Pending { commands: true, again: None, heard_at });
        fixture.obey(device).await;
        assert!(!pending().await.commands && pending().await.again.is_none());
    }
}

async fn set_up<S: serde::Serialize>(fixture: &Fixture, transport: Transport, (settings, secrets): (S, Secrets)) {
    let (sealer, source) = (fixture.engine.sealer().clone(), fixture.source.clone());
    let config = serde_json::to_value(&settings).unwrap();
    let set = fixture.engine.edit(TENANT, admin(), move |work| {
        let (config, secrets) = (config.clone(), secrets.clone());
        let version = channels::get(work.tx, &sealer, TENANT, transport)?.map_or(0, |setting| setting.version);
        channels::set(work, &sealer, &*source, &NewSetting { transport, enabled: true, config, secrets, version })
    });
    set.await.unwrap();
}

async fn token_of(fixture: &Fixture, device: DeviceId) -> Option<KeptToken> {
    fixture.engine.db().read(move |tx| push_tokens::get(tx, TENANT, device)).await.unwrap()
}

async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(20);
    while !look().await {
        assert!(tokio::time::Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A worker that runs until it is stopped.
struct Running(tokio::sync::oneshot::Sender<()>, tokio::task::JoinHandle<()>);

impl Running {
    async fn start(fixture: &Fixture) -> Running {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let outgoing = Outgoing::new(allow(), None).unwrap();
        let task = tokio::spawn(worker::run(fixture.engine.clone(), outgoing, async {
            let _ = stopped.await;
        }));
        tokio::time::sleep(Duration::from_millis(200)).await;
        Running(stop, task)
    }

    async fn stop(self) {
        let _ = self.0.send(());
        self.1.await.unwrap();
    }
}

/// What agents were told: their tokens' last digits and the type of push.
fn told(peer: &Peer) -> Vec<(String, String)> {
    let pushes = peer.events("push").into_iter();
    pushes
        .map(|push| {
            let token = push["device_token"].as_str().or(push["body"]["message"]["token"].as_str()).unwrap();
            let data = if push["body"]["type"].is_string() { &push["body"] } else { &push["body"]["message"]["data"] };
            (token[token.len() - 3..].to_owned(), data["type"].as_str().unwrap().to_owned())
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_that_do_not_ask_are_woken_and_owners_shown_messages() {
    for fixture in fixtures().await {
        let (apple_peer, google_peer) = (apns_peer(), fcm_peer());
        set_up(&fixture, Transport::Apns, apple(&apple_peer)).await;
        set_up(&fixture, Transport::Fcm, google(&google_peer)).await;
        fixture.quickstart().await;
        let (phone, pad) = (fixture.device("S1", Platform::Android).await, fixture.device("S2", Platform::Ios).await);
        let (gone, polling) = (fixture.device("S3", Platform::Ios).await, fixture.device("S4", Platform::Ios).await);
        let running = Running::start(&fixture).await;
        let engine = &fixture.engine;
        for (device, token) in [
            (phone, token(PushProvider::Fcm, "001")),
            (pad, token(PushProvider::Apns, "002")),
            (gone, token(PushProvider::Apns, "410")),
            (polling, token(PushProvider::Apns, "004")),
        ] {
            push::set_token(engine, TENANT, device, token).await.unwrap();
        }
        let waits = engine.wake_for(polling);
        for (n, device) in [phone, pad, gone, polling].into_iter().enumerate() {
            fixture.detect(&format!("e{n}"), device, "t1", "trojan", ThreatStatus::Open).await;
        }
        google_peer.wait_for("the phone's wake-up", |line| line["event"] == "push");
        apple_peer.wait_for_many("the wake-ups of both pads", 2, |line| line["event"] == "push");
        until("the lost token to be forgotten", async || token_of(&fixture, gone).await.is_none()).await;

        // News within the minute is not told; an answer makes it.
        fixture.source.advance(Span::seconds(1));
        fixture.detect("e5", pad, "t1", "trojan", ThreatStatus::Resolved).await;
        fixture.source.advance(Span::seconds(1));
        fixture.detect("e6", pad, "t1", "trojan", ThreatStatus::Open).await;
        tokio::time::sleep(Duration::from_millis(900)).await;
        let wake_up = |device: &str| (device.to_owned(), "wake_up".to_owned());
        let mut first = told(&apple_peer);
        first.sort();
        assert_eq!(first, [wake_up("002"), wake_up("410")], "none to who waits, and one to each other");
        assert_eq!(told(&google_peer), [wake_up("001")]);
        fixture.source.advance(Span::seconds(1));
        fixture.obey(pad).await;
        fixture.source.advance(Span::seconds(1));
        fixture.detect("e7", pad, "t1", "trojan", ThreatStatus::Resolved).await;
        let is_second = |line: &Value| line["device_token"].as_str().is_some_and(|token| token.ends_with("002"));
        apple_peer.wait_for_many("the second wake-up", 2, is_second);

        let root = fixture.root;
        let notify = move |work: &mut allclear_engine::work::Work<'_, '_>| {
            notifications::notify_devices(work, root, &[phone, pad], Some("Bitte rufen Sie uns an."), "test")
        };
        fixture.engine.edit(TENANT, admin(), notify).await.unwrap();
        let shown = apple_peer.wait_for("the message", |line| line["headers"]["apns-push-type"] == "alert");
        let alert = json!({ "title": "Your organisation", "body": "Bitte rufen Sie uns an." });
        assert_eq!(shown["body"]["aps"]["alert"], alert);
        let shown = google_peer.wait_for("the message", |line| line["body"]["message"]["notification"].is_object());
        assert_eq!((&shown["body"]["message"]["notification"], &shown["violations"]), (&alert, &json!([])));
        tokio::time::sleep(Duration::from_millis(900)).await;
        assert!(told(&apple_peer).iter().filter(|(device, _)| device == "004").count() == 0);
        assert_eq!(told(&google_peer).len(), 2, "it was woken once: {:?}", told(&google_peer));
        running.stop().await;
        drop(waits);

        // What waits when the server comes back is told, and so is what is set up anew.
        let after = apns_peer();
        set_up(&fixture, Transport::Apns, apple(&after)).await;
        let running = Running::start(&fixture).await;
        let agent = |line: &Value| line["device_token"].as_str().map(|token| token[token.len() - 3..].to_owned());
        after.wait_for("a wake-up of who waited", |line| agent(line).as_deref() == Some("004"));
        let third = apns_peer();
        set_up(&fixture, Transport::Apns, apple(&third)).await;
        let tested = push::test(engine, &allow(), TENANT, Transport::Apns, pad).await.unwrap();
        assert_eq!((tested.outcome, tested.provider), (TestedOutcome::Accepted, url(&third)));
        let moved = fixture.device("S5", Platform::Ios).await;
        push::set_token(engine, TENANT, moved, token(PushProvider::Apns, "002")).await.unwrap();
        assert!(token_of(&fixture, pad).await.is_none(), "the app has gone over");
        assert!(push::test(engine, &allow(), TENANT, Transport::Apns, pad).await.is_err());
        fixture.detect("e8", moved, "t1", "trojan", ThreatStatus::Open).await;
        third.wait_for("the wake-up", |line| line["headers"]["apns-push-type"] == "background");
        running.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_leaves_is_told_and_then_forgotten() {
    for fixture in fixtures().await {
        let peer = apns_peer();
        set_up(&fixture, Transport::Apns, apple(&peer)).await;
        fixture.quickstart().await;
        let (one, clean) = (fixture.device("S1", Platform::Ios).await, fixture.device("S2", Platform::Ios).await);
        for (device, answer) in [(one, "001"), (clean, "002")] {
            push::set_token(&fixture.engine, TENANT, device, token(PushProvider::Apns, answer)).await.unwrap();
        }
        fixture.detect("e1", one, "t1", "trojan", ThreatStatus::Open).await;
        fixture.obey(one).await;
        let running = Running::start(&fixture).await;
        let root = fixture.root;
        for device in [one, clean] {
            let leave = move |work: &mut allclear_engine::work::Work<'_, '_>| {
                allclear_engine::devices::unenroll(work, root, device)
            };
            fixture.engine.edit(TENANT, admin(), leave).await.unwrap();
        }
        assert!(token_of(&fixture, clean).await.is_none(), "nothing is left to tell it");
        let push = peer.wait_for("the wake-up", |line| line["event"] == "push");
        assert!(push["device_token"].as_str().unwrap().ends_with("001"), "to take its profile off");
        let refused = push::set_token(&fixture.engine, TENANT, one, token(PushProvider::Apns, "003")).await;
        assert!(matches!(refused, Err(allclear_engine::Error::Conflict(_))), "{refused:?}");
        fixture.obey(one).await;
        assert!(token_of(&fixture, one).await.is_none(), "it has taken it off");
        running.stop().await;
    }
}
