//! Text messages by an HTTP gateway, which answers what the provider's published description of its API says.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use allclear_channels::{
    outcome::Outcome,
    sms::{
        Receipt, Text,
        gateway::{
            Gateway, GatewaySettings, Sender,
            callback::{self, BadCallback},
        },
    },
};
use allclear_guard::{GuardOptions, GuardedClient};
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use common::peer::Peer;
use reqwest::Url;
use serde_json::{Value, json};
use tokio::net::TcpListener;

const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
const TOKEN: &str = "s3cret";
const TO: &str = "+14255550123";

fn gateway_peer() -> Peer {
    Peer::start("gateway.mjs", &[&json!({ "auth_token": TOKEN }).to_string()])
}

fn settings(port: u16) -> GatewaySettings {
    GatewaySettings {
        base_url: format!("http://127.0.0.1:{port}"),
        account_sid: ACCOUNT.to_owned(),
        sender: Sender::From("Allclear".to_owned()),
        status_callbacks: true,
        requests: 4,
    }
}

fn gateway(settings: GatewaySettings, token: &str, callback: Option<Url>) -> Gateway {
    let options = GuardOptions { allow: "127.0.0.1".parse().unwrap(), ..GuardOptions::default() };
    Gateway::new(GuardedClient::new(options).unwrap(), settings, token.to_owned(), callback).unwrap()
}

async fn send(gateway: &Gateway, to: &str) -> Outcome {
    gateway.send(Text { to, body: "Acme: Trojan on Zoë's phone & more + 100% 🎉" }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_of_the_description_is_understood() {
    let peer = gateway_peer();
    let known = gateway(settings(peer.port), TOKEN, None);
    let accepted = send(&known, TO).await;
    let sent = peer.wait_for("the request", |line| line["event"] == "request");
    assert!(
        matches!(&accepted, Outcome::Accepted { message_id: Some(id), .. } if sent["sid"] == id.as_str()),
        "{accepted:?}"
    );
    let form = json!({ "To": TO, "From": "Allclear", "Body": "Acme: Trojan on Zoë's phone & more + 100% 🎉" });
    assert_eq!((&sent["form"], &sent["violations"]), (&form, &Value::Null));
    assert_eq!(sent["url"], format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json"));

    for (to, code) in [("+15005550001", "400 21211"), ("+15005550009", "400 21614"), ("+15005550004", "400 21610")] {
        let outcome = send(&known, to).await;
        assert!(matches!(&outcome, Outcome::Refused { answer } if answer.starts_with(code)), "{outcome:?}");
    }
    let service = Sender::MessagingService("MG0123456789abcdef0123456789abcdef".to_owned());
    let by_service = gateway(GatewaySettings { sender: service, ..settings(peer.port) }, TOKEN, None);
    assert!(matches!(send(&by_service, TO).await, Outcome::Accepted { .. }));
    let unknown = gateway(settings(peer.port), "wrong", None);
    for (gateway, to, code, rest) in [
        (&known, "+15005550429", "429 20429", Some(Duration::from_secs(2))),
        (&known, "+15005550503", "503 20503", None),
        (&known, "+15005550007", "400 21606", None),
        (&unknown, TO, "401 20003", None),
    ] {
        let outcome = send(gateway, to).await;
        assert!(
            matches!(&outcome, Outcome::Deferred { answer, retry_after } if answer.starts_with(code) && *retry_after == rest),
            "{outcome:?}"
        );
    }
    assert!(matches!(send(&known, "0151 1234").await, Outcome::Refused { .. }));
    let long = "x".repeat(161);
    assert!(matches!(known.send(Text { to: TO, body: &long }).await, Outcome::Refused { .. }));
    assert!(matches!(known.send(Text { to: TO, body: "the last" }).await, Outcome::Accepted { .. }));
    let requests = peer.wait_for_many("requests", 10, |line| line["event"] == "request");
    assert_eq!(requests[9]["form"]["Body"], "the last", "neither went out");
    for request in requests {
        assert_eq!(request["violations"], Value::Null, "{request}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_reached_is_tried_again() {
    let port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    for (base_url, words) in [
        (format!("http://127.0.0.1:{port}"), "did not answer"),
        ("http://10.0.0.1".to_owned(), "over https"),
        ("https://10.0.0.1".to_owned(), "not on the allow list"),
    ] {
        let outcome = send(&gateway(GatewaySettings { base_url, ..settings(port) }, TOKEN, None), TO).await;
        assert!(matches!(&outcome, Outcome::Deferred { answer, .. } if answer.contains(words)), "{outcome:?}");
    }
}

/// What was posted to us: the form and its signature.
type Posted = Arc<Mutex<Vec<(Bytes, String)>>>;

#[tokio::test(flavor = "multi_thread")]
async fn news_is_believed_if_the_account_signed_it() {
    let posted = Posted::default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/callbacks/sms/abc?x=1", listener.local_addr().unwrap()).parse().unwrap();
    let keep = Arc::clone(&posted);
    let take = move |headers: HeaderMap, body: Bytes| async move {
        let signature = headers["x-twilio-signature"].to_str().unwrap().to_owned();
        keep.lock().unwrap().push((body, signature));
        StatusCode::NO_CONTENT
    };
    tokio::spawn(axum::serve(listener, Router::new().route("/callbacks/sms/abc", post(take))).into_future());

    let mut peer = gateway_peer();
    let gateway = gateway(settings(peer.port), TOKEN, Some(url.clone()));
    assert!(matches!(send(&gateway, TO).await, Outcome::Accepted { .. }));
    let sent = peer.wait_for("the request", |line| line["event"] == "request");
    assert_eq!((&sent["form"]["StatusCallback"], &sent["violations"]), (&json!(url.as_str()), &Value::Null));
    let sid = sent["sid"].as_str().unwrap();
    let receipt =
        |delivered, answer: &str| Receipt { message_id: sid.to_owned(), delivered, answer: answer.to_owned() };
    for (callback, expected) in [
        (json!({ "sid": sid, "status": "sent" }), Ok(None)),
        (json!({ "sid": sid, "status": "delivered" }), Ok(Some(receipt(true, "delivered")))),
        (json!({ "sid": sid, "status": "undelivered", "error": 30005 }), Ok(Some(receipt(false, "undelivered 30005")))),
        (json!({ "sid": sid, "status": "delivered", "token": "another" }), Err(BadCallback::Signature)),
    ] {
        let count = posted.lock().unwrap().len() + 1;
        peer.say(&json!({ "callback": callback }));
        peer.wait_for_many("our answer", count, |line| line["event"] == "callback_answered" && line["status"] == 204);
        let (form, signature) = posted.lock().unwrap().last().cloned().unwrap();
        assert_eq!(callback::read(TOKEN, &url, &form, &signature), expected, "{callback}");
        let elsewhere: Url = url.as_str().replace("abc", "abd").parse().unwrap();
        assert_eq!(callback::read(TOKEN, &elsewhere, &form, &signature), Err(BadCallback::Signature));
    }
}
