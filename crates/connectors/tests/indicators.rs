//! Indicator sets kept up to date: from URLs, by one node each, and from a folder.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use allclear_connectors::indicators::{self, Options};
use allclear_domain::{
    ids::{IndicatorSetId, Tenant},
    indicator::Origin,
    journal::{Actor, ActorKind},
    time::Span,
};
use allclear_engine::{
    Engine,
    indicators::{NewSet, create, refresh},
    source::SystemSource,
};
use allclear_guard::{AllowList, GuardOptions, GuardedClient};
use allclear_store::{
    MIGRATIONS,
    db::migrate,
    indicator_sets::{self, IndicatorSet},
    testing::TestDb,
};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::{sync::oneshot, task::JoinHandle};

const TENANT: Tenant = Tenant(1);
const PATIENCE: Duration = Duration::from_secs(20);

/// A server with one file in one version.
#[derive(Clone, Default)]
struct Site {
    status: Arc<Mutex<u16>>,
    content: Arc<Mutex<String>>,
    version: Arc<Mutex<u32>>,
    /// The versions that requests said they know.
    asked: Arc<Mutex<Vec<Option<String>>>>,
}

impl Site {
    async fn start() -> (Site, String) {
        let site = Site { status: Arc::new(Mutex::new(200)), ..Site::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/list.yaml", listener.local_addr().unwrap());
        let router = Router::new().route("/list.yaml", get(answer)).with_state(site.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (site, url)
    }

    fn publish(&self, content: &str) {
        *self.content.lock().unwrap() = content.to_owned();
        *self.version.lock().unwrap() += 1;
    }

    fn asked(&self) -> Vec<Option<String>> {
        self.asked.lock().unwrap().clone()
    }
}

async fn answer(State(site): State<Site>, headers: HeaderMap) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).map(|value| value.to_str().unwrap().to_owned());
    site.asked.lock().unwrap().push(known.clone());
    let etag = format!("\"{}\"", site.version.lock().unwrap());
    match *site.status.lock().unwrap() {
        200 if known.as_ref() == Some(&etag) => StatusCode::NOT_MODIFIED.into_response(),
        200 => ([(header::ETAG, etag)], site.content.lock().unwrap().clone()).into_response(),
        302 => (StatusCode::FOUND, [(header::LOCATION, "http://127.0.0.1/")]).into_response(),
        status => StatusCode::from_u16(status).unwrap().into_response(),
    }
}

struct Node {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Node {
    fn start(engine: &Engine, folder: Option<PathBuf>) -> Node {
        let guard = GuardOptions { allow: AllowList::new(["127.0.0.1"]).unwrap(), ..GuardOptions::default() };
        let options = Options { folder, look: Duration::from_millis(20) };
        let (stop, stopped) = oneshot::channel();
        let run = indicators::run(engine.clone(), GuardedClient::new(guard).unwrap(), options, async {
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

async fn sets(engine: &Engine) -> Vec<IndicatorSet> {
    engine.db().read(move |tx| indicator_sets::list(tx, TENANT)).await.unwrap()
}

/// Waits until the only set is as wanted.
async fn until(engine: &Engine, wanted: impl Fn(&IndicatorSet) -> bool) -> IndicatorSet {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let sets = sets(engine).await;
        if let [set] = sets.as_slice()
            && wanted(set)
        {
            return set.clone();
        }
        assert!(Instant::now() < deadline, "in vain: {sets:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

async fn fetched_from(engine: &Engine, url: &str) -> IndicatorSetId {
    let new = NewSet {
        name: "Fetched".into(),
        origin: Origin::Url,
        classification: None,
        url: Some(url.to_owned()),
        refresh_seconds: 3600,
    };
    let admin = Actor::new(ActorKind::Administrator, "test");
    engine.edit(TENANT, admin, move |work| create(work, new.clone())).await.unwrap()
}

async fn again(engine: &Engine, set: IndicatorSetId) {
    let admin = Actor::new(ActorKind::Administrator, "test");
    engine.edit(TENANT, admin, move |work| refresh(work, set)).await.unwrap();
}

const ONE: &str = "- name: Spy\n  type: stalkerware\n  packages: [com.spy]\n";
const TWO: &str = "- name: Spy\n  type: stalkerware\n  packages: [com.spy, com.spy2]\n";

#[tokio::test]
async fn a_set_is_fetched_when_it_is_due_and_kept_when_that_fails() {
    for database in allclear_store::testing::databases().await {
        let engine = engine(&database).await;
        let (site, url) = Site::start().await;
        site.publish(ONE);
        let id = fetched_from(&engine, &url).await;
        // Two nodes: only one fetches.
        let nodes = [Node::start(&engine, None), Node::start(&engine, None)];
        let set = until(&engine, |set| set.content.indicators == 1).await;
        assert_eq!((set.content.etag.as_deref(), set.error), (Some("\"1\""), None));
        let pause = set.next_check_at.unwrap().since(set.checked_at.unwrap());
        assert_eq!(pause, Span::seconds(3600));

        let checked = async |before: &IndicatorSet| {
            let before = before.checked_at;
            again(&engine, id).await;
            until(&engine, |set| set.checked_at > before).await
        };
        let same = checked(&set_now(&engine).await).await;
        assert_eq!(site.asked(), [None, Some("\"1\"".into())], "it is asked for what is new only");
        assert_eq!(same.content, set.content);

        site.publish(TWO);
        let newer = checked(&same).await;
        assert_eq!((newer.content.indicators, newer.content.etag.as_deref()), (2, Some("\"2\"")));

        for (status, part) in [(500, "500"), (404, "404"), (302, "redirects are not followed")] {
            *site.status.lock().unwrap() = status;
            let failed = checked(&set_now(&engine).await).await;
            assert!(failed.error.as_ref().is_some_and(|why| why.contains(part)), "{:?}", failed.error);
            assert_eq!(failed.content, newer.content, "what was there stays in force");
        }
        *site.status.lock().unwrap() = 200;
        site.publish("no list");
        let odd = checked(&set_now(&engine).await).await;
        assert!(odd.error.is_some_and(|why| why.contains("the content is neither")));
        site.publish(ONE);
        let mended = checked(&set_now(&engine).await).await;
        assert_eq!((mended.content.indicators, mended.error), (1, None));
        for node in nodes {
            node.stop().await;
        }
        assert_eq!(site.asked().len(), 8, "each time one node asked");
    }
}

async fn set_now(engine: &Engine) -> IndicatorSet {
    sets(engine).await.remove(0)
}

#[tokio::test]
async fn a_url_that_leads_inside_is_refused() {
    let database = TestDb::sqlite(|_| {}).await;
    let engine = engine(&database).await;
    fetched_from(&engine, "https://169.254.169.254/latest").await;
    let node = Node::start(&engine, None);
    let set = until(&engine, |set| set.checked_at.is_some()).await;
    assert!(set.error.is_some_and(|why| why.contains("link-local")));
    node.stop().await;

    let allow = AllowList::default();
    assert!(indicators::url("https://example.com/list.yaml?raw=1", &allow).is_ok());
    for wrong in ["http://example.com/", "https://a:b@example.com/", "https://example.com/#x", "list.yaml"] {
        assert!(indicators::url(wrong, &allow).is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn sets_of_a_folder_follow_its_files_in_every_tenant() {
    for database in allclear_store::testing::databases().await {
        let engine = engine(&database).await;
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, content: &str| {
            // As whoever keeps the folder should: whole at once.
            let hidden = folder.path().join(format!(".{name}"));
            std::fs::write(&hidden, content).unwrap();
            std::fs::rename(hidden, folder.path().join(name)).unwrap();
        };
        write("spies.yaml", ONE);
        write("README.md", "not a set");
        let other =
            allclear_engine::setup::create_customer(&engine, Actor::new(ActorKind::Operator, "test"), "Bolt".into());
        let (other, _) = other.await.unwrap();
        let nodes = [
            Node::start(&engine, Some(folder.path().to_owned())),
            Node::start(&engine, Some(folder.path().to_owned())),
        ];
        let set = until(&engine, |set| set.content.indicators == 1).await;
        assert_eq!((set.name.as_str(), set.origin, set.error), ("spies.yaml", Origin::Folder, None));
        let deadline = Instant::now() + PATIENCE;
        loop {
            let theirs = engine.db().read(move |tx| indicator_sets::list(tx, other)).await.unwrap();
            if theirs.first().is_some_and(|set| set.content.indicators == 1) {
                break;
            }
            assert!(Instant::now() < deadline, "in vain: {theirs:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }

        write("spies.yaml", TWO);
        until(&engine, |set| set.content.indicators == 2).await;
        write("spies.yaml", "{ not a bundle, and longer than what was there }");
        let odd = until(&engine, |set| set.error.is_some()).await;
        assert_eq!((odd.id, odd.content.indicators), (set.id, 2), "what was there stays in force");
        write("spies.yaml", ONE);
        until(&engine, |set| set.error.is_none() && set.content.indicators == 1).await;
        std::fs::remove_file(folder.path().join("spies.yaml")).unwrap();
        let deadline = Instant::now() + PATIENCE;
        while !sets(&engine).await.is_empty() {
            assert!(Instant::now() < deadline, "the set stays without its file");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        for node in nodes {
            node.stop().await;
        }
        assert!(Path::new(folder.path()).is_dir());
    }
}
