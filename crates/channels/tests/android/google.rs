//! The peer that is Google, and a client of it.
#![allow(unreachable_pub, reason = "a module of a program that exports nothing")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use allclear_channels::android::{
    client::{Client, EnrollmentToken, NewEnrollmentToken, PersonalUsage},
    events::Event,
    settings::AndroidSettings,
};
use allclear_domain::time::{Span, Time};
use allclear_engine::{
    channels::Secrets,
    source::{Source, SystemSource},
};
use allclear_guard::AllowList;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::peer::Peer;

pub const LC: &str = "enterprises/LC00";
/// As long as a test waits for messages that are there already, or soon.
pub const SOON: Duration = Duration::from_secs(20);

pub fn allow() -> AllowList {
    "127.0.0.1".parse().unwrap()
}

/// The machine's clock, moved forward by the test.
#[derive(Default)]
pub struct Clock(AtomicI64);

impl Clock {
    pub fn advance(&self, span: Span) {
        self.0.fetch_add(span.as_micros(), Ordering::SeqCst);
    }
}

impl Source for Clock {
    fn now(&self) -> Time {
        SystemSource.now().plus(Span::micros(self.0.load(Ordering::SeqCst)))
    }

    fn id(&self) -> Uuid {
        SystemSource.id()
    }

    fn secret(&self) -> [u8; 32] {
        SystemSource.secret()
    }
}

/// Google, by its own description where that is at hand.
pub struct Google {
    pub peer: Peer,
    pub account: Value,
    pub clock: Arc<Clock>,
    orders: u64,
}

impl Google {
    pub fn start(mut options: Value) -> Self {
        let shared = std::env::var_os("ALLCLEAR_SHARED_DATA")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), Into::into);
        let description = Some(shared.join("android/androidmanagement.v1.json")).filter(|path| path.exists());
        if let Some(path) = description {
            options["description"] = json!(path);
        }
        let peer = Peer::start("android-management.mjs", &[&options.to_string()]);
        let account = peer.wait_for("the account", |line| line["event"] == "account");
        Self { peer, account, clock: Arc::default(), orders: 0 }
    }

    /// With an enterprise that is there already.
    pub fn of_enterprise(mut options: Value) -> (Self, Client) {
        options["enterprise"] = json!(LC);
        let google = Self::start(options);
        let client = google.client(Some(LC));
        (google, client)
    }

    pub fn settings(&self, enterprise: Option<&str>) -> (AndroidSettings, Secrets) {
        let url = format!("http://127.0.0.1:{}", self.peer.port);
        let text = |member: &str| Some(self.account[member].as_str().unwrap().to_owned());
        let file = text("service_account").unwrap();
        let (settings, key) = AndroidSettings::of_service_account(&file, url.clone(), url).unwrap();
        let settings = AndroidSettings {
            enterprise: enterprise.map(str::to_owned),
            topic: text("topic"),
            subscription: text("subscription"),
            push_email: Some("push@example-project.iam.gserviceaccount.com".into()),
            keys_url: text("keys_url").unwrap(),
            ..settings
        };
        let secrets = Secrets::from([(settings.secret(), key)]);
        assert_eq!(settings.problems(&secrets, &allow()), []);
        (settings, secrets)
    }

    pub fn client(&self, enterprise: Option<&str>) -> Client {
        let (settings, secrets) = self.settings(enterprise);
        let clock: Arc<dyn Source> = Arc::<Clock>::clone(&self.clock);
        Client::new(settings, &secrets, &allow(), clock).unwrap()
    }

    /// Gives an order and waits until it is carried out.
    pub fn order(&mut self, name: &str, given: Value) -> Value {
        let done = self.try_order(name, given);
        assert_eq!(done["error"], Value::Null, "{done}");
        done["result"].clone()
    }

    pub fn try_order(&mut self, name: &str, given: Value) -> Value {
        self.orders += 1;
        let id = self.orders;
        let mut order = json!({ "id": id });
        order[name] = given;
        self.peer.say(&order);
        self.peer.wait_for(&format!("the order {order}"), |line| line["event"] == "ordered" && line["id"] == id)
    }

    /// What has happened so far of this kind: an order's end is told after all that was before.
    pub fn happened(&mut self, event: &str) -> Vec<Value> {
        self.order("waiting", Value::Null);
        self.peer.events(event)
    }

    /// The requests for a method.
    pub fn requests(&mut self, method: &str) -> Vec<Value> {
        self.happened("request").into_iter().filter(|request| request["method"] == method).collect()
    }

    /// Nothing was asked, and nothing answered, that is not by the document.
    pub fn assert_by_the_document(&mut self) {
        for request in self.happened("request") {
            assert!(request["violations"].as_array().is_none_or(Vec::is_empty), "{request}");
        }
        assert_eq!(self.happened("wrong_answer"), [Value::Null; 0]);
    }
}

pub async fn token(client: &Client, personal_usage: PersonalUsage) -> EnrollmentToken {
    let new = NewEnrollmentToken {
        policy_id: "first",
        lasts: Span::days(1),
        additional_data: "group=7",
        one_time: true,
        personal_usage,
    };
    client.create_enrollment_token(&new).await.unwrap()
}

/// A device that has enrolled with the policy `first`: its name.
pub async fn enrolled(google: &mut Google, client: &Client, personal_usage: PersonalUsage) -> String {
    client.patch_policy("first", &json!({ "cameraAccess": "CAMERA_ACCESS_DISABLED" })).await.unwrap();
    let token = token(client, personal_usage).await;
    let device = google.order("enroll", json!({ "qr": token.qr_code }));
    device["device"].as_str().unwrap().to_owned()
}

/// The events that wait, acknowledged.
pub async fn events(client: &Client, at_least: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < at_least {
        let received = client.pull(100, SOON).await.unwrap();
        assert!(!received.is_empty(), "waited in vain after {events:?}");
        let ids: Vec<String> = received.iter().map(|one| one.ack_id.clone()).collect();
        client.acknowledge(&ids).await.unwrap();
        events.extend(received.iter().map(|one| Event::read(&one.message).unwrap()));
    }
    events
}
