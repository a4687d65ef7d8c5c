//! Text messages by SMPP, taken by an SMSC that is somebody else's.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use allclear_channels::{
    outcome::Outcome,
    sms::{
        Receipt, Receipts, Taken, Text,
        smpp::{Sender, Smpp, SmppSettings},
    },
};
use allclear_domain::sms;
use allclear_engine::source::SystemSource;
use allclear_guard::AllowList;
use common::peer::Peer;
use futures_util::future::{BoxFuture, join_all};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

const PASSWORD: &str = "secret08";
const TO: &str = "+14255550123";

/// Keeps receipts in memory, except for those it is told to answer otherwise.
#[derive(Default)]
struct Kept {
    receipts: Mutex<Vec<Receipt>>,
    others: Mutex<Vec<Taken>>,
}

impl Receipts for Kept {
    fn take(&self, receipt: Receipt) -> BoxFuture<'_, Taken> {
        let answer = self.others.lock().unwrap().pop().unwrap_or(Taken::Recorded);
        if answer == Taken::Recorded {
            self.receipts.lock().unwrap().push(receipt);
        }
        Box::pin(async move { answer })
    }
}

impl Kept {
    async fn wait_for(&self, count: usize) -> Vec<Receipt> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let kept = self.receipts.lock().unwrap().clone();
            if kept.len() >= count {
                return kept;
            }
            assert!(Instant::now() < deadline, "{count} receipts; so far {kept:?}");
            sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Options of an SMSC that knows us, with more.
fn options(more: &Value) -> Value {
    let mut options = json!({ "system_id": "allclear", "password": "secret08" });
    options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    options
}

fn smsc(more: &Value) -> Peer {
    Peer::start("smsc.mjs", &[&options(more).to_string()])
}

/// Gives the SMSC an order and waits until it is read.
fn order(peer: &mut Peer, order: &Value) {
    let before = peer.events("ordered").len();
    peer.say(order);
    peer.wait_for_many("the order to be read", before + 1, |line| line["event"] == "ordered");
}

/// The first messages that came to the SMSC; waits for as many.
fn submits(peer: &Peer, count: usize) -> Vec<Value> {
    peer.wait_for_many("messages", count, |line| line["event"] == "submit")
}

fn settings(peer: &Peer) -> SmppSettings {
    SmppSettings {
        host: "127.0.0.1".to_owned(),
        port: peer.port,
        tls: false,
        ca_certificate: None,
        system_id: "allclear".to_owned(),
        system_type: String::new(),
        sender: Some(Sender { address: "Allclear".to_owned(), ton: None, npi: None }),
        window: 10,
        enquire_link_seconds: 30,
        response_timeout_seconds: 10,
        hex_message_ids: false,
    }
}

fn start(settings: SmppSettings) -> (Smpp, Arc<Kept>) {
    let kept = Arc::new(Kept::default());
    let allow = "127.0.0.1".parse().unwrap();
    let receipts = Arc::clone(&kept);
    (Smpp::start(settings, PASSWORD, allow, Arc::new(SystemSource), receipts).unwrap(), kept)
}

async fn send(smpp: &Smpp, body: &str) -> Outcome {
    timeout(Duration::from_secs(60), smpp.send(Text { to: TO, body })).await.expect("an answer")
}

/// What the SMSC calls a message that it took.
fn accepted(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Accepted { message_id: Some(id), .. } => id.clone(),
        other => panic!("{other:?}"),
    }
}

fn deferred(outcome: &Outcome) -> (String, Option<Duration>) {
    match outcome {
        Outcome::Deferred { answer, retry_after } => (answer.clone(), *retry_after),
        other => panic!("{other:?}"),
    }
}

/// Sends until the message is accepted, as the outbox would.
async fn send_until_accepted(smpp: &Smpp, body: &str) -> String {
    for _ in 0..60 {
        match send(smpp, body).await {
            Outcome::Deferred { retry_after, .. } => sleep(retry_after.unwrap_or(Duration::from_millis(50))).await,
            other => return accepted(&other),
        }
    }
    panic!("it was never accepted");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_alphabet_arrives_as_it_was_written_and_is_receipted() {
    let peer = smsc(&json!({ "receipts": "text" }));
    let (smpp, kept) = start(settings(&peer));
    let latin = "Acme: Trojan on Zoé's phone [1/2] {€} Ω~ ".to_owned();
    let latin = format!("{latin}{}", "x".repeat(160 - sms::length(&latin).units));
    let texts = [(latin.as_str(), 0), ("Acme: опасное приложение на телефоне", 8), ("All clear 🎉👍🏽 — 万事大吉", 8)];
    let mut ids = Vec::new();
    for (text, _) in texts {
        ids.push(accepted(&send(&smpp, text).await));
    }
    for ((text, coding), sent) in texts.iter().zip(submits(&peer, texts.len())) {
        assert_eq!((&sent["text"], &sent["data_coding"]), (&json!(text), &json!(coding)));
        assert_eq!((&sent["destination_addr"], &sent["dest_addr_ton"]), (&json!("14255550123"), &json!(1)));
        let from = (&sent["source_addr"], &sent["source_addr_ton"], &sent["source_addr_npi"]);
        assert_eq!(from, (&json!("Allclear"), &json!(5), &json!(0)));
        assert_eq!(
            (&sent["esm_class"], &sent["registered_delivery"]),
            (&json!(0), &json!(1)),
            "only the final receipt"
        );
    }
    assert_eq!(peer.events("bind")[0]["interface_version"], 0x34);
    let receipts = kept.wait_for(3).await;
    let named: Vec<&str> = receipts.iter().map(|receipt| receipt.message_id.as_str()).collect();
    assert_eq!(named, ids);
    assert!(receipts.iter().all(|receipt| receipt.delivered && receipt.answer == "DELIVRD"));
    let answers = peer.wait_for_many("answers to receipts", 3, |line| line["event"] == "receipt_answered");
    assert!(answers.iter().all(|answer| answer["status"] == 0));

    assert!(
        matches!(send(&smpp, &"x".repeat(161)).await, Outcome::Refused { answer } if answer.contains("161 of 160"))
    );
    assert!(matches!(send(&smpp, &"я".repeat(71)).await, Outcome::Refused { answer } if answer.contains("71 of 70")));
    for bad in ["", "0151 1234", "+", "+49 151", "+1234567890123456", "+4915112345x"] {
        let outcome = smpp.send(Text { to: bad, body: "x" }).await;
        assert!(matches!(outcome, Outcome::Refused { .. }), "{bad}: {outcome:?}");
    }
    accepted(&send(&smpp, "the last").await);
    assert_eq!(submits(&peer, 4)[3]["text"], "the last", "nothing else went out");
    smpp.stop().await;
    peer.wait_for("an unbind", |line| line["event"] == "unbind");
    deferred(&send(&smpp, "too late").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_come_in_every_form() {
    let mut peer = smsc(&json!({ "receipts": "tlv", "state": 5, "hex": true }));
    let (smpp, kept) = start(SmppSettings { hex_message_ids: true, ..settings(&peer) });
    let id = accepted(&send(&smpp, "one").await);
    let receipt = kept.wait_for(1).await.remove(0);
    assert_eq!(receipt, Receipt { message_id: id, delivered: false, answer: "message state 5".to_owned() });
    peer.wait_for("an answer", |line| line["event"] == "receipt_answered" && line["status"] == 0);
    *kept.others.lock().unwrap() = vec![Taken::Unknown, Taken::Later];
    order(&mut peer, &json!({ "receipt": { "id": "77" } }));
    peer.wait_for("a request to deliver it again", |line| line["id"] == "77" && line["status"] == 0x64);
    order(&mut peer, &json!({ "receipt": { "id": "79" } }));
    peer.wait_for("an answer", |line| line["id"] == "79" && line["status"] == 0);
    order(&mut peer, &json!({ "receipt": { "id": "78", "state": 1 } }));
    peer.wait_for("an answer", |line| line["id"] == "78" && line["status"] == 0);
    order(&mut peer, &json!({ "deliver": "Who is this?" }));
    peer.wait_for("an answer", |line| line["event"] == "message_answered" && line["status"] == 0);
    assert_eq!(kept.receipts.lock().unwrap().len(), 1);
    smpp.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_say_whether_to_come_again() {
    let mut peer = smsc(&json!({}));
    let (smpp, _kept) = start(settings(&peer));
    accepted(&send(&smpp, "warm").await);
    for (status, words) in [(0x0B, "0x0000000B: the recipient's number is invalid"), (0x45, "0x00000045")] {
        order(&mut peer, &json!({ "answer": status }));
        let outcome = send(&smpp, "no").await;
        assert!(matches!(&outcome, Outcome::Refused { answer } if answer.starts_with(words)), "{outcome:?}");
    }
    for status in [0x08, 0x64, 0x0A, 0x412] {
        order(&mut peer, &json!({ "answer": status }));
        assert_eq!(deferred(&send(&smpp, "later").await).1, None, "{status:#x}");
    }
    accepted(&send(&smpp, "still there").await);
    smpp.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throttling_smsc_is_left_alone_for_a_while() {
    let mut peer = smsc(&json!({}));
    let (smpp, _kept) = start(settings(&peer));
    accepted(&send(&smpp, "warm").await);
    for status in [0x58, 0x14] {
        order(&mut peer, &json!({ "answer": status, "times": 1 }));
        let (_, rest) = deferred(&send(&smpp, "fast").await);
        let rest = rest.expect("how long to wait");
        assert!((Duration::from_millis(500)..=Duration::from_secs(1)).contains(&rest), "{rest:?}");
        let (paused, others) = (Instant::now(), ["second", "third"]);
        let outcomes = join_all(others.map(|body| send(&smpp, body))).await;
        outcomes.iter().for_each(|outcome| drop(accepted(outcome)));
        assert!(paused.elapsed() + Duration::from_millis(100) >= rest, "they wait until the pause is over");
    }
    submits(&peer, 7);
    smpp.stop().await;
    assert_eq!(peer.events("submit").len(), 7, "each went out once");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_a_window_waits_for_answers() {
    let peer = smsc(&json!({ "delay": 50 }));
    let (smpp, _kept) = start(SmppSettings { window: 3, ..settings(&peer) });
    let bodies: Vec<String> = (0..12).map(|n| format!("message {n}")).collect();
    let outcomes = join_all(bodies.iter().map(|body| send(&smpp, body))).await;
    outcomes.iter().for_each(|outcome| drop(accepted(outcome)));
    let waiting: Vec<u64> = submits(&peer, 12).iter().filter_map(|sent| sent["outstanding"].as_u64()).collect();
    assert_eq!((waiting.len(), waiting.iter().max()), (12, Some(&3)), "{waiting:?}");
    smpp.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_is_opened_again_and_the_message_sent_again() {
    let mut peer = smsc(&json!({ "receipts": "text" }));
    let port = peer.port;
    let (smpp, kept) = start(SmppSettings { response_timeout_seconds: 2, ..settings(&peer) });
    accepted(&send(&smpp, "first").await);
    order(&mut peer, &json!({ "answer": "drop" }));
    let (answer, _) = deferred(&send(&smpp, "lost").await);
    assert!(answer.contains("connection was lost"), "{answer}");
    send_until_accepted(&smpp, "lost").await;
    peer.wait_for_many("it twice: the SMSC may have taken the first", 2, |line| line["text"] == "lost");
    order(&mut peer, &json!({ "answer": "nothing" }));
    assert!(deferred(&send(&smpp, "slow").await).0.contains("did not answer within 2 s"));
    order(&mut peer, &json!({ "unbind": true }));
    peer.wait_for_many("the end of the session", 2, |line| line["event"] == "closed");
    send_until_accepted(&smpp, "after its unbind").await;
    kept.wait_for(3).await;

    drop(peer);
    assert!(deferred(&send_until_deferred(&smpp).await).1.is_some(), "it says when it will try again");
    let peer = smsc(&json!({ "port": port }));
    send_until_accepted(&smpp, "after its restart").await;
    assert_eq!(submits(&peer, 1)[0]["text"], "after its restart");
    smpp.stop().await;
}

/// Sends until the loss of the connection was noticed.
async fn send_until_deferred(smpp: &Smpp) -> Outcome {
    for _ in 0..200 {
        let outcome = send(smpp, "anybody?").await;
        if matches!(&outcome, Outcome::Deferred { retry_after: Some(_), .. }) {
            return outcome;
        }
        sleep(Duration::from_millis(20)).await;
    }
    panic!("it was never noticed");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_get_in_is_told_why_in_the_smscs_words() {
    let peer = smsc(&json!({}));
    let start = |settings, password, allow| {
        Smpp::start(settings, password, allow, Arc::new(SystemSource), Arc::new(Kept::default()))
    };
    let local: AllowList = "127.0.0.1".parse().unwrap();
    let smpp = start(settings(&peer), "wrong", local).unwrap();
    let (answer, again) = deferred(&send(&smpp, "x").await);
    assert!(answer.contains("refused the sign-in: 0x0000000E: the password is invalid"), "{answer}");
    assert!(again.is_some_and(|again| again <= Duration::from_secs(2)));
    smpp.stop().await;

    let guarded = SmppSettings { host: "localhost".to_owned(), ..settings(&peer) };
    let smpp = start(guarded, PASSWORD, AllowList::default()).unwrap();
    assert!(deferred(&send(&smpp, "x").await).0.contains("not on the allow list"));
    smpp.stop().await;
    assert_eq!(peer.events("bind").len(), 1, "the second never came there");

    let error = start(settings(&peer), "123456789", AllowList::default()).unwrap_err();
    assert_eq!(error.to_string(), "password: at most 8 ASCII characters");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quiet_session_is_tried_and_a_dead_one_noticed() {
    let peer = smsc(&json!({}));
    let (smpp, _kept) = start(SmppSettings { enquire_link_seconds: 1, ..settings(&peer) });
    peer.wait_for_many("signs of life", 2, |line| line["event"] == "enquire_link");
    drop(smpp);
    peer.wait_for("an unbind of what was dropped", |line| line["event"] == "unbind");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_session_is_with_the_host_of_that_name() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let peer = smsc(&json!({ "key": own.signing_key.serialize_pem(), "cert": own.cert.pem() }));
    let trusting = |host: &str, ca_certificate: Option<String>| SmppSettings {
        host: host.to_owned(),
        tls: true,
        ca_certificate,
        ..settings(&peer)
    };
    let start = |settings| {
        let allow = "localhost 127.0.0.1 ::1".parse().unwrap();
        Smpp::start(settings, PASSWORD, allow, Arc::new(SystemSource), Arc::new(Kept::default()))
    };
    let smpp = start(trusting("localhost", Some(own.cert.pem()))).unwrap();
    accepted(&send(&smpp, "in private").await);
    smpp.stop().await;
    for (host, certificate) in [("localhost", None), ("127.0.0.1", Some(own.cert.pem()))] {
        let smpp = start(trusting(host, certificate)).unwrap();
        let (answer, _) = deferred(&send(&smpp, "x").await);
        assert!(answer.contains("cannot be reached") && answer.contains("certificate"), "{answer}");
        smpp.stop().await;
    }
    assert_eq!(start(trusting("localhost", Some("none".to_owned()))).unwrap_err().field, "ca_certificate");
    assert_eq!(submits(&peer, 1)[0]["text"], "in private");
}
