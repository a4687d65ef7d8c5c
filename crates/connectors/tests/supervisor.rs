//! Feeds from the table to the engine: read, saved, changed, handed over between nodes.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use allclear_connectors::{
    lookout::Limits,
    supervisor::{self, SupervisorOptions},
    testing::{Behaviour, FakeFeed},
};
use allclear_domain::{
    ids::Tenant,
    time::{Span, Time},
};
use allclear_engine::{
    Engine, Error,
    source::{Source, SystemSource},
};
use allclear_guard::{AllowList, GuardOptions, GuardedClient};
use allclear_store::{
    MIGRATIONS,
    db::migrate,
    integrations::{self, Integration},
    sources::{self, KeptState},
    testing::TestDb,
};
use serde_json::{Value, json};
use tokio::{sync::oneshot, task::JoinHandle};
use uuid::Uuid;

const TENANT: Tenant = Tenant(1);
const PATIENCE: Duration = Duration::from_secs(20);

fn event(n: usize) -> Value {
    json!({
        "id": format!("0195b1c0-0000-7000-8000-{n:012}"), "created_time": "2026-03-02T08:00:00.000+00:00",
        "type": "THREAT", "change_type": "CREATED",
        "threat": {"guid": format!("threat-{n}"), "status": "OPEN", "severity": "LOW", "type": "APPLICATION",
                   "classifications": ["RISKWARE"], "details": {"application_name": "Fahrplan"}},
        "actor": {"guid": "device-1", "type": "DEVICE"}, "target": {"guid": "device-1", "type": "THREAT"}
    })
}

fn position(n: usize) -> Option<String> {
    event(n)["id"].as_str().map(str::to_owned)
}

struct Node {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Node {
    fn start(engine: &Engine) -> Node {
        let guard = GuardOptions { allow: AllowList::new(["127.0.0.1"]).unwrap(), ..GuardOptions::default() };
        let limits = Limits {
            backoff_min: Duration::from_millis(10),
            backoff_max: Duration::from_millis(50),
            pace: 10_000,
            ..Limits::default()
        };
        let options = SupervisorOptions { look: Duration::from_millis(20), lease: Span::seconds(2), limits };
        let (stop, stopped) = oneshot::channel();
        let run = supervisor::run(engine.clone(), GuardedClient::new(guard).unwrap(), options, async {
            let _ = stopped.await;
        });
        Node { stop, task: tokio::spawn(run) }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.task.await.unwrap();
    }
}

async fn engine(database: &TestDb) -> Engine {
    migrate::run(&database.db, MIGRATIONS).await.unwrap();
    Engine::open(database.db.clone(), Arc::new(SystemSource), [1; 32]).await.unwrap()
}

async fn connect(engine: &Engine, url: &str, key: &str) -> Uuid {
    let feed = Integration {
        tenant: TENANT,
        id: SystemSource.id(),
        kind: "lookout".into(),
        name: "Lookout".into(),
        enabled: true,
        base_url: url.into(),
        sealed_key: engine.sealer().seal(TENANT, key, &SystemSource).unwrap(),
        position: None,
        state: "{}".into(),
        state_at: Time::EPOCH,
        version: 1,
        lease_owner: None,
        lease_until: Time::EPOCH,
    };
    let id = feed.id;
    engine.db().write(move |tx| integrations::insert(tx, &feed)).await.unwrap();
    id
}

async fn get(engine: &Engine, id: Uuid) -> Integration {
    engine.db().read(move |tx| integrations::get(tx, TENANT, id)).await.unwrap().unwrap()
}

/// Waits until the integration is as wanted.
async fn until(engine: &Engine, id: Uuid, wanted: impl Fn(&Integration) -> bool) -> Integration {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let feed = get(engine, id).await;
        if wanted(&feed) {
            return feed;
        }
        assert!(Instant::now() < deadline, "in vain: {feed:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn waiting(engine: &Engine) -> i64 {
    let kept = |tx: &mut allclear_store::db::Tx<'_>| sources::kept(tx, TENANT, KeptState::Waiting, None, 500);
    engine.db().read(kept).await.unwrap().1
}

async fn edit(engine: &Engine, id: Uuid, change: impl Fn(&mut Integration) + Send + 'static) {
    let edited = engine.db().write(move |tx| {
        let mut feed = integrations::get(tx, TENANT, id)?.unwrap();
        change(&mut feed);
        feed.version += 1;
        integrations::update(tx, &feed)?;
        Ok::<_, Error>(())
    });
    edited.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_feed_says_reaches_the_engine_and_its_position_is_saved() {
    let database = TestDb::sqlite(|_| {}).await;
    let engine = engine(&database).await;
    let feed = FakeFeed::start((0..5).map(event).collect()).await.unwrap();
    let id = connect(&engine, feed.url(), FakeFeed::KEY).await;
    let node = Node::start(&engine);
    let read = until(&engine, id, |it| it.position == position(4) && it.state.contains("connected")).await;
    assert!(read.lease_owner.is_some());
    assert_eq!(waiting(&engine).await, 5, "their device is not known yet");
    let start: Time = feed.asked()[0].start_time.as_deref().unwrap().parse().unwrap();
    assert!(SystemSource.now().since(start) >= Span::days(8), "a new feed is read from some days back");

    // Cut off in the middle: nothing is lost, nothing is there twice.
    feed.script([Behaviour::CutInside(1), Behaviour::Replay(3)]);
    feed.push((5..9).map(event));
    until(&engine, id, |it| it.position == position(8)).await;
    assert_eq!(waiting(&engine).await, 9);

    node.stop().await;
    let left = get(&engine, id).await;
    assert_eq!(left.lease_owner, None, "given back");
    feed.push([event(9)]);
    let other = Node::start(&engine);
    until(&engine, id, |it| it.position == position(9)).await;
    assert_eq!(feed.asked().last().unwrap().id, position(8), "taken up where it was left");
    other.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_take_effect_and_wrong_keys_are_told() {
    let database = TestDb::sqlite(|_| {}).await;
    let engine = engine(&database).await;
    let feed = FakeFeed::start(vec![event(0)]).await.unwrap();
    let id = connect(&engine, feed.url(), "wrong").await;
    let node = Node::start(&engine);
    let state = |it: &Integration| serde_json::from_str::<Value>(&it.state).unwrap();
    let refused = until(&engine, id, |it| state(it)["state"] == "unauthorised").await;
    assert!(state(&refused)["why"].as_str().unwrap().contains("401"), "{}", refused.state);
    // A key that this server cannot open is told the same way.
    edit(&engine, id, |it| it.sealed_key = vec![0; 64]).await;
    until(&engine, id, |it| it.version == 2 && it.state.contains("cannot be opened")).await;

    let key = engine.sealer().seal(TENANT, FakeFeed::KEY, &SystemSource).unwrap();
    edit(&engine, id, move |it| it.sealed_key = key.clone()).await;
    until(&engine, id, |it| it.position == position(0)).await;
    edit(&engine, id, |it| it.enabled = false).await;
    until(&engine, id, |it| it.lease_owner.is_none()).await;
    feed.push([event(1)]);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(get(&engine, id).await.position, position(0), "switched off");
    edit(&engine, id, |it| it.enabled = true).await;
    until(&engine, id, |it| it.position == position(1)).await;

    engine.db().write(move |tx| integrations::delete(tx, TENANT, id)).await.unwrap();
    let streams = feed.asked().len();
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(feed.asked().len(), streams);
    node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_nodes_feed_is_taken_over() {
    let database = TestDb::sqlite(|_| {}).await;
    let engine = engine(&database).await;
    let feed = FakeFeed::start(vec![event(0)]).await.unwrap();
    let id = connect(&engine, feed.url(), FakeFeed::KEY).await;
    let machine = tokio::runtime::Runtime::new().unwrap();
    let dead = {
        let _machine = machine.enter();
        Node::start(&engine)
    };
    let by_dead = until(&engine, id, |it| it.position == position(0)).await.lease_owner;
    let other = Node::start(&engine);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(get(&engine, id).await.lease_owner, by_dead, "one node at a time");
    // As if its machine had lost power: nothing is given back.
    machine.shutdown_background();
    drop(dead);
    assert_eq!(get(&engine, id).await.lease_owner, by_dead);
    until(&engine, id, |it| it.lease_owner.is_some() && it.lease_owner != by_dead).await;
    feed.push([event(1)]);
    until(&engine, id, |it| it.position == position(1)).await;
    assert_eq!(waiting(&engine).await, 2);
    other.stop().await;
}

#[test]
fn addresses_are_checked_before_they_are_saved() {
    let (none, office) = (AllowList::default(), AllowList::new(["10.0.0.0/8", "feed.internal"]).unwrap());
    for good in ["https://api.lookout.com", "https://api.lookout.com:8443/base/"] {
        assert!(supervisor::base_url(good, &none).is_ok(), "{good}");
    }
    assert!(supervisor::base_url("http://feed.internal", &office).is_ok());
    for bad in [
        "",
        "api.lookout.com",
        "ftp://api.lookout.com",
        "http://api.lookout.com",
        "https://user@api.lookout.com",
        "https://api.lookout.com/?a=b",
        "https://api.lookout.com/#a",
        "https://127.0.0.1",
        "https://[::1]/",
        "https://169.254.169.254",
    ] {
        assert!(supervisor::base_url(bad, &office).is_err(), "{bad}");
    }
    assert!(supervisor::base_url(&format!("https://a.com/{}", "x".repeat(500)), &none).is_err());
}
