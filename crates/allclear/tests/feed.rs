//! A threat feed from end to end: what it says becomes threats on the right devices or is kept with a reason, and
//! neither cut connections nor repetitions change that.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Duration,
};

use allclear_connectors::testing::{Behaviour, FakeFeed};
use allclear_engine::source::{Source, SystemSource};
use common::{Client, Place, Server, fleet::Phone, places, shared_data, until};
use serde_json::{Value, json};

/// Settings of a server that may reach this machine.
const REACHING: [(&str, &str); 1] = [("OUTGOING_ALLOW", "127.0.0.1")];

/// The events in a folder, in the order of their file names or, if they are numbered, of their ids.
fn events(folder: &Path) -> Vec<Value> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files.iter().map(|file| serde_json::from_slice(&fs::read(file).unwrap()).unwrap()).collect()
}

fn fixtures() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../connectors/tests/fixtures/lookout");
    let mut events = events(&folder);
    events.sort_by_key(|event| event["id"].as_str().unwrap().to_owned());
    assert!(events.len() > 30);
    events
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A feed that is connected to a server.
struct Connected {
    feed: FakeFeed,
    path: String,
}

impl Connected {
    async fn new(admin: &Client, feed: FakeFeed) -> Connected {
        let integration = json!({ "kind": "lookout", "name": "Lookout", "base_url": feed.url(),
            "application_key": FakeFeed::KEY });
        let made = admin.post("/api/v1/integrations", integration).await.expect(201);
        assert!(!made.to_string().contains(FakeFeed::KEY), "{made}");
        Connected { feed, path: format!("/api/v1/integrations/{}", text(&made["id"])) }
    }

    /// Waits until everything up to an event is taken in.
    async fn read_to(&self, admin: &Client, last: &Value) -> Value {
        until("the feed is read", async || {
            let seen = admin.read(&self.path).await;
            (seen["position"] == last["id"]).then_some(seen)
        })
        .await
    }

    async fn switch(&self, admin: &Client, on: bool) {
        let version = admin.read(&self.path).await["version"].clone();
        admin.patch(&self.path, json!({ "enabled": on, "version": version })).await.expect(200);
    }
}

/// Every threat a server knows: its id at the feed, the name of its device, and how it stands.
async fn threats(admin: &Client) -> BTreeMap<String, (String, String)> {
    let threats = admin.all("/api/v1/threats?status=open&status=resolved&status=ignored").await;
    let found: BTreeMap<_, _> = threats
        .iter()
        .map(|threat| {
            let device = text(&threat["device"]["friendly_name"]).to_owned();
            (text(&threat["threat_id"]).to_owned(), (device, text(&threat["status"]).to_owned()))
        })
        .collect();
    assert_eq!(found.len(), threats.len(), "each threat once");
    found
}

/// What the events say: each threat with its device and how it stands at the end. `devices` has the guids of devices.
fn said(events: &[Value], devices: &BTreeMap<&str, &str>) -> BTreeMap<String, (String, String)> {
    let mut threats = BTreeMap::new();
    for event in events {
        let party = |party: &str| (event[party]["type"] == "DEVICE").then(|| text(&event[party]["guid"]));
        let device = party("actor").or(party("target")).and_then(|guid| devices.get(guid));
        let (threat, status) = match text(&event["type"]) {
            "THREAT" => (&event["threat"], text(&event["threat"]["status"]).to_lowercase()),
            "SMISHING_ALERT" => (&event["smishing_alert"], "open".to_owned()),
            _ => continue,
        };
        if let Some(device) = device.filter(|_| ["open", "resolved", "ignored"].contains(&status.as_str())) {
            threats.insert(text(&threat["guid"]).to_owned(), ((*device).to_owned(), status));
        }
    }
    threats
}

/// The messages kept in a state: the source's id and the reason.
async fn kept(admin: &Client, state: &str) -> BTreeMap<String, String> {
    let kept = admin.all(&format!("/api/v1/source-events?state={state}")).await;
    let ids: BTreeSet<&str> = each_of(&kept, "event_id").collect();
    assert_eq!(ids.len(), kept.len(), "each once");
    each_of(&kept, "event_id").zip(each_of(&kept, "reason")).map(|(id, why)| (id.to_owned(), why.to_owned())).collect()
}

fn each_of<'a>(items: &'a [Value], key: &'a str) -> impl Iterator<Item = &'a str> {
    items.iter().map(move |item| item[key].as_str().unwrap())
}

/// What the fixtures have that cannot be understood.
const NOT_UNDERSTOOD: [(&str, &str); 4] = [
    ("0195b1c0-0000-7000-8000-00000000000f", "actor.guid: neither the actor nor the target is a device"),
    ("0195b1c0-0000-7000-8000-000000000010", "threat.status: unknown value `SLEEPING`"),
    ("0195b1c0-0000-7000-8000-00000000001a#status", "device.status.protection_status: unknown value `NAPPING`"),
    ("0195b1c0-0000-7000-8000-000000000021", "type: unknown value `BATTERY`"),
];

/// The devices of the fixtures: the guid by which threats name each, and what it is called here.
const ADA: (&str, &str) = ("a1a1a1a1-0000-4000-8000-000000000001", "phone R58-ada");
const BEN: (&str, &str) = ("b2b2b2b2-0000-4000-8000-000000000002", "phone F2LXK0ABCD12");

/// A phone that the feed knows by an id of ours.
async fn enroll(admin: &Client, platform: &str, serial: &str, external_id: Option<&str>) -> Phone {
    let phone = Phone::enroll(admin, platform, serial).await;
    if let Some(id) = external_id {
        admin.patch(&format!("/api/v1/devices/{}", phone.id), json!({ "external_id": id })).await.expect(200);
    }
    phone
}

#[tokio::test]
async fn what_a_feed_says_is_there_on_sqlite() {
    whatever_happens_to_the_connection(Place::sqlite()).await;
}

#[tokio::test]
async fn what_a_feed_says_is_there_on_postgres() {
    if let Some(place) = Place::postgres().await {
        whatever_happens_to_the_connection(place).await;
    }
}

async fn whatever_happens_to_the_connection(place: Place) {
    let server = Server::start(&place).await;
    let token = place.token("administrator", None).await;
    let admin = server.client(&token);
    let events = fixtures();
    let feed = FakeFeed::start(events.clone()).await.unwrap();
    refused_where_not_allowed(&admin, &feed).await;
    server.stop().await;

    let server = Server::start_with(&place, &REACHING).await;
    let admin = server.client(&token);
    let ada = enroll(&admin, "android", "R58-ada", Some("c0ffee00-0000-4000-8000-000000000001")).await;
    feed.script([
        Behaviour::CutInside(4),
        Behaviour::Close(3),
        Behaviour::Reconnect(2, Some(Duration::from_millis(50))),
        Behaviour::Replay(6),
    ]);
    let connected = Connected::new(&admin, feed).await;
    let seen = connected.read_to(&admin, events.last().unwrap()).await;
    assert_eq!(seen["exceptions"], NOT_UNDERSTOOD.len());
    let exceptions = kept(&admin, "exception").await;
    assert_eq!(exceptions, NOT_UNDERSTOOD.map(|(id, why)| (id.to_owned(), why.to_owned())).into());

    // Ben's phone comes later: what was said of it has waited.
    assert_eq!(threats(&admin).await, said(&events, &BTreeMap::from([ADA])));
    let waiting = kept(&admin, "waiting").await;
    assert!(!waiting.is_empty() && waiting.values().all(|why| why.starts_with("no device is known by")), "{waiting:?}");
    let ben = enroll(&admin, "ios", "F2LXK0ABCD12", None).await;
    let devices = BTreeMap::from([ADA, BEN]);
    assert_eq!(threats(&admin).await, said(&events, &devices));
    assert_eq!(kept(&admin, "waiting").await, BTreeMap::new());
    assert_eq!(ada.seen_by(&admin).await["risk_level"], "high");
    assert_eq!(ben.seen_by(&admin).await["risk_level"], "high");
    let notices =
        journal_after(&admin, 0).await.into_iter().flat_map(|entry| entry["changes"].as_array().unwrap().clone());
    assert_eq!(notices.filter(|change| change["type"] == "source_notice").count(), 3);

    said_again(&place, server, connected, &token, &ben, &events, &devices).await;
    place.verify().await;
}

async fn refused_where_not_allowed(admin: &Client, feed: &FakeFeed) {
    let integration = json!({ "kind": "lookout", "name": "Inside", "base_url": feed.url(), "application_key": "x" });
    let refused = admin.post("/api/v1/integrations", integration).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/base_url");
    assert_eq!(feed.token_requests().len(), 0);
}

/// The journal after a position.
async fn journal_after(admin: &Client, position: i64) -> Vec<Value> {
    let mut entries: Vec<Value> = Vec::new();
    loop {
        let after = entries.last().map_or(position, |entry| entry["position"].as_i64().unwrap());
        let mut page = admin.read(&format!("/api/v1/journal?limit=500&after={after}")).await;
        entries.append(page["items"].as_array_mut().unwrap());
        if page["at_end"] == true {
            return entries;
        }
    }
}

/// The server starts again, the feed forgets its tokens and says everything once more: only what is new counts.
async fn said_again(
    place: &Place,
    server: Server,
    connected: Connected,
    token: &str,
    ben: &Phone,
    events: &[Value],
    devices: &BTreeMap<&str, &str>,
) {
    let admin = server.client(token);
    connected.switch(&admin, false).await;
    let position = journal_after(&admin, 0).await.last().unwrap()["position"].as_i64().unwrap();
    server.stop().await;
    connected.feed.revoke_tokens();
    connected.feed.script([Behaviour::Replay(events.len()), Behaviour::Serve]);
    let server = Server::start_with(place, &REACHING).await;
    let admin = server.client(token);
    connected.switch(&admin, true).await;
    let mut news =
        events.iter().find(|event| event["device"]["status"]["activation_status"] == "DEACTIVATED").unwrap().clone();
    news["id"] = json!("0195b1c0-0000-7000-8000-0000000000ff");
    news["created_time"] = json!(SystemSource.now().to_string());
    connected.feed.push([news.clone()]);
    connected.read_to(&admin, &news).await;
    let seen = ben.seen_by(&admin).await;
    assert_eq!(seen["protection_status"], "deactivated");
    assert_eq!(seen["model"], news["device"]["hardware"]["model"], "{seen}");
    assert!(seen["tags"].as_array().unwrap().contains(&json!("MTD - Deactivated")));
    assert_eq!(threats(&admin).await, said(events, devices));
    assert_eq!(kept(&admin, "exception").await.len(), NOT_UNDERSTOOD.len());
    assert_eq!(kept(&admin, "waiting").await, BTreeMap::new());
    for entry in journal_after(&admin, position).await {
        if entry["actor"]["kind"] == "source" {
            assert_eq!(entry["events"], json!([news["id"]]), "said before: {entry}");
        } else {
            assert_eq!(entry["object"]["kind"], "integration", "{entry}");
        }
    }
    let asked = connected.feed.asked();
    assert!(asked.iter().skip(1).any(|asked| asked.id.as_deref() == events.last().unwrap()["id"].as_str()));
    server.stop().await;
}

#[tokio::test]
async fn real_events_find_their_devices() {
    let Some(folder) = shared_data("lookout") else { return };
    let events = events(&folder);
    let device = events.iter().find(|event| event["type"] == "DEVICE").expect("one about a device").clone();
    for place in places().await {
        let server = Server::start_with(&place, &REACHING).await;
        let admin = server.client(&place.token("administrator", None).await);
        let connected = Connected::new(&admin, FakeFeed::start(events.clone()).await.unwrap()).await;
        let seen = connected.read_to(&admin, events.last().unwrap()).await;
        assert_eq!(seen["exceptions"], 0, "{:?}", kept(&admin, "exception").await);
        assert_eq!(threats(&admin).await, BTreeMap::new(), "nobody knows the devices yet");

        // The devices enroll, and the feed says which is which.
        let external = text(&device["device"]["info"]["external_id"]).to_owned();
        enroll(&admin, "android", "real-0", Some(&external)).await;
        let mut devices = BTreeMap::new();
        let mut introductions = Vec::new();
        let actors = events.iter().filter(|event| ["THREAT", "SMISHING_ALERT"].contains(&text(&event["type"])));
        for (number, actor) in actors.map(|event| event["actor"]["guid"].clone()).enumerate() {
            let serial = format!("real-{}", number + 1);
            enroll(&admin, "android", &serial, None).await;
            let mut introduction = device.clone();
            introduction["id"] = json!(format!("introduction-{number}"));
            introduction["device"]["guid"] = actor.clone();
            introduction["device"]["info"]["external_id"] = json!(serial);
            introduction["actor"]["guid"] = actor.clone();
            introduction["target"]["guid"] = actor.clone();
            introductions.push(introduction);
            devices.insert(actor.as_str().unwrap().to_owned(), format!("phone {serial}"));
        }
        connected.feed.push(introductions.clone());
        connected.read_to(&admin, introductions.last().unwrap()).await;
        let devices = devices.iter().map(|(guid, name)| (guid.as_str(), name.as_str())).collect();
        let wanted = said(&events, &devices);
        assert_eq!(wanted.len(), devices.len());
        assert_eq!(threats(&admin).await, wanted);
        assert_eq!(kept(&admin, "waiting").await, BTreeMap::new());
        server.stop().await;
        place.verify().await;
    }
}
