//! What Google tells of its own accord: messages that are fetched, and messages that are pushed.

use std::{sync::Arc, time::Duration};

use allclear_channels::android::{
    client::{Error, Received},
    events::{Event, pushed},
    keys::{Keys, Untrusted},
};
use allclear_domain::time::Span;
use allclear_engine::source::Source;
use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use serde_json::{Value, json};

use crate::google::{Google, LC, SOON, allow};

#[tokio::test(flavor = "multi_thread")]
async fn messages_come_until_they_are_acknowledged() {
    let (mut google, client) = Google::of_enterprise(json!({ "ack_deadline": 1, "pull_wait": 1 }));
    assert_eq!(client.pull(10, SOON).await, Ok(Vec::new()), "Google has waited");
    assert_eq!(client.pull(10, Duration::from_millis(100)).await, Ok(Vec::new()), "we have waited");
    google.peer.wait_for("us to have left", |line| line["event"] == "left");
    for kind in ["test", "USAGE_LOGS", "SOMETHING_NEW"] {
        google.order("publish", json!({ "attributes": { "notificationType": kind } }));
    }
    let two = client.pull(2, SOON).await.unwrap();
    let read =
        |received: &[Received]| received.iter().map(|one| Event::read(&one.message).unwrap()).collect::<Vec<_>>();
    assert_eq!(read(&two), [Event::Test, Event::UsageLogs]);
    let third = client.pull(10, SOON).await.unwrap();
    assert_eq!(read(&third), [Event::Unknown("SOMETHING_NEW".into())]);
    client.acknowledge(&[two[1].ack_id.clone(), third[0].ack_id.clone()]).await.unwrap();
    let mut again = Vec::new();
    while again.is_empty() {
        again = client.pull(10, SOON).await.unwrap();
    }
    assert_eq!(read(&again), [Event::Test], "what was not acknowledged");
    client.acknowledge(&[two[0].ack_id.clone()]).await.unwrap();
    assert_eq!(google.order("waiting", Value::Null), 1, "that came too late");
    client.acknowledge(&[again[0].ack_id.clone()]).await.unwrap();
    assert_eq!(google.order("waiting", Value::Null), 0);

    // A message that makes no sense is one among others.
    google.order("publish", json!({ "attributes": { "notificationType": "STATUS_REPORT" }, "data": "e30=" }));
    google.order("publish", json!({ "attributes": { "notificationType": "test" } }));
    let received = client.pull(10, SOON).await.unwrap();
    let events: Vec<_> = received.iter().map(|one| Event::read(&one.message)).collect();
    assert!(matches!(&events[..], [Err(_), Ok(Event::Test)]), "{events:?}");

    // One that comes while we wait.
    client.acknowledge(&received.into_iter().map(|one| one.ack_id).collect::<Vec<_>>()).await.unwrap();
    google.order("fail", json!({ "method": "subscriptions.pull", "status": 429, "retry_after": "5" }));
    let busy = client.pull(10, SOON).await.unwrap_err();
    assert_eq!(busy, Error::Later { reason: busy.to_string(), after: Some(Duration::from_secs(5)) });
    let (received, _) = tokio::join!(client.pull(10, SOON), async {
        tokio::task::block_in_place(|| google.order("publish", json!({ "attributes": { "notificationType": "test" } })))
    });
    assert_eq!(read(&received.unwrap()), [Event::Test]);
    google.assert_by_the_document();
}

#[tokio::test(flavor = "multi_thread")]
async fn only_google_pushes() {
    let (mut google, _) = Google::of_enterprise(json!({ "keys_max_age": 120 }));
    let (settings, _) = google.settings(Some(LC));
    let keys = Arc::new(Keys::new(&settings.keys_url, &allow()).unwrap());
    let (email, clock) = (settings.push_email.unwrap(), Arc::clone(&google.clock));
    let (audience, subscription) = ("https://mtd.example.com/notifications", settings.subscription.unwrap());
    let (send, mut heard) = tokio::sync::mpsc::unbounded_channel();
    let expected = email.clone();
    let take = async move |headers: HeaderMap, body: Bytes| {
        let authorization = headers.get("authorization").map(|value| value.to_str().unwrap());
        match keys.verify(authorization, audience, &expected, clock.now()).await {
            Ok(()) => {}
            Err(Untrusted::Denied(why)) => return (StatusCode::UNAUTHORIZED, why),
            Err(Untrusted::Unavailable(why)) => return (StatusCode::SERVICE_UNAVAILABLE, why),
        }
        let pushed = pushed(&body).unwrap();
        if pushed.subscription != subscription {
            return (StatusCode::FORBIDDEN, pushed.subscription);
        }
        send.send(Event::read(&pushed.message)).unwrap();
        (StatusCode::NO_CONTENT, String::new())
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(take))).await });

    let push = json!({ "endpoint": endpoint, "audience": audience, "email": email });
    let deliver = |forge: Option<&str>| {
        let mut push = push.clone();
        push["message"] = json!({ "attributes": { "notificationType": "test" } });
        push["forge"] = json!(forge);
        push
    };
    assert_eq!(google.order("deliver", deliver(None))["status"], 204);
    assert_eq!(heard.recv().await, Some(Ok(Event::Test)));
    for forge in ["signature", "audience", "email", "issuer", "expired", "unverified", "unsigned", "key"] {
        let answer = google.order("deliver", deliver(Some(forge)));
        assert_eq!(answer["status"], 401, "{forge}: {answer}");
    }
    assert_eq!(google.order("deliver", deliver(Some("subscription")))["status"], 403);
    assert_eq!(google.happened("keys").len(), 1, "names of keys that are made up are not asked for each time");

    // Keys change; and they end.
    google.order("rotate", Value::Null);
    assert_eq!(google.order("deliver", deliver(None))["status"], 401, "asked for a moment ago");
    google.clock.advance(Span::seconds(61));
    assert_eq!(google.order("deliver", deliver(None))["status"], 204);
    assert_eq!(google.happened("keys").len(), 2);
    google.order("withhold", json!(503));
    google.clock.advance(Span::seconds(119));
    assert_eq!(google.order("deliver", deliver(None))["status"], 204, "as long as Google said");
    google.clock.advance(Span::seconds(2));
    assert_eq!(google.order("deliver", deliver(None))["status"], 503, "it is to come again");
    google.order("withhold", Value::Null);
    assert_eq!(google.order("deliver", deliver(None))["status"], 503, "asked for a moment ago");
    google.clock.advance(Span::seconds(60));

    // All that waits comes by itself, until it is taken.
    google.order("publish", json!({ "attributes": { "notificationType": "USAGE_LOGS" } }));
    google.order("push", push.clone());
    while heard.recv().await != Some(Ok(Event::UsageLogs)) {}
    google.peer.wait_for("the last push", |line| {
        line["event"] == "pushed" && line["kind"] == "USAGE_LOGS" && line["status"] == 204
    });
    assert_eq!(google.order("waiting", Value::Null), 0);
    server.abort();
}
