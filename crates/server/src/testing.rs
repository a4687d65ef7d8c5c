//! A whole server in the test's own process: a fresh database with two customers, and calls without a socket.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use allclear_domain::{
    ids::{OrganizationGroupId, Tenant, TokenId},
    journal::{Actor, ActorKind},
    organization_group::{OrganizationGroup, OrganizationGroupKind},
    time::{Span, Time},
};
use allclear_engine::{
    Engine, setup,
    source::{Source, SystemSource},
};
use allclear_store::{MIGRATIONS, db::migrate, journal, organization_groups, roles::RoleRef, testing::TestDb, tokens};
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, header},
};
use serde_json::Value;
use tower::ServiceExt;
use uuid::Uuid;

use crate::{
    app::{self, AppState, ServerOptions},
    auth::{Credential, Kind},
    ops,
};

/// The machine's source with a clock that can be put forward.
#[derive(Default)]
struct TestSource {
    ahead: AtomicI64,
}

impl Source for TestSource {
    fn now(&self) -> Time {
        SystemSource.now().plus(Span::micros(self.ahead.load(Ordering::Relaxed)))
    }

    fn id(&self) -> Uuid {
        SystemSource.id()
    }

    fn secret(&self) -> [u8; 32] {
        SystemSource.secret()
    }
}

/// A server with the customers Acme (tenant 1, with the group North below it) and Bolt (tenant 2).
pub(crate) struct World {
    pub(crate) state: AppState,
    pub(crate) acme: OrganizationGroupId,
    pub(crate) north: OrganizationGroupId,
    pub(crate) bolt: OrganizationGroupId,
    router: Router,
    source: Arc<TestSource>,
    // The database is gone when this is.
    _database: TestDb,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {:?}", self.text()))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON of an answer that must have this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.text());
        if self.body.is_empty() { Value::Null } else { self.json() }
    }
}

pub(crate) fn group(id: OrganizationGroupId, parent: OrganizationGroupId, name: &str) -> OrganizationGroup {
    let kind = match (id, parent) {
        (OrganizationGroupId::GLOBAL, _) => OrganizationGroupKind::Global,
        (_, OrganizationGroupId::GLOBAL) => OrganizationGroupKind::Customer,
        _ => OrganizationGroupKind::Container,
    };
    OrganizationGroup { id, parent: (id != parent).then_some(parent), name: name.to_owned(), kind }
}

impl World {
    pub(crate) async fn new() -> World {
        World::with(ServerOptions::default()).await
    }

    /// Unless the options say otherwise it is reached at `http://localhost`.
    pub(crate) async fn with(mut options: ServerOptions) -> World {
        options.public_url.get_or_insert_with(|| "http://localhost".to_owned());
        let database = TestDb::sqlite(|_| {}).await;
        let db = database.db.clone();
        migrate::run(&db, MIGRATIONS).await.unwrap();
        let source = Arc::new(TestSource::default());
        let engine = Engine::open(db, source.clone(), [1; 32]).await.unwrap();
        let operator = Actor::new(ActorKind::Operator, "test");
        let (_, bolt) = setup::create_customer(&engine, operator.clone(), "Bolt".into()).await.unwrap();
        let north = OrganizationGroupId(source.id());
        let acme = engine
            .edit(Tenant(1), operator, move |work| {
                let (mut acme, version) = organization_groups::customers(work.tx)
                    .map(|all| (all[0].1.clone(), 2))
                    .map_err(allclear_engine::Error::from)?;
                acme.name = "Acme".into();
                organization_groups::update(work.tx, Tenant(1), &acme, version)?;
                organization_groups::insert(work.tx, Tenant(1), &group(north, acme.id, "North"))?;
                work.rules_changed()?;
                Ok(acme.id)
            })
            .await
            .unwrap();
        let bolt = bolt.id;
        let metrics = ops::metrics_builder().unwrap().build_recorder().handle();
        let state = AppState::new(engine, options, metrics);
        let router = app::router(state.clone());
        World { state, acme, north, bolt, router, source, _database: database }
    }

    /// Puts the clock forward.
    pub(crate) fn pass(&self, span: Span) {
        self.source.ahead.fetch_add(span.as_micros(), Ordering::Relaxed);
    }

    /// A token of a role with a reach, kept in a tenant.
    pub(crate) async fn token(&self, tenant: i64, role: &str, reach: OrganizationGroupId) -> String {
        self.expiring_token(tenant, role, reach, None).await
    }

    pub(crate) async fn expiring_token(
        &self,
        tenant: i64,
        role: &str,
        reach: OrganizationGroupId,
        expires_at: Option<Time>,
    ) -> String {
        let (secret, credential) = Credential::new(Kind::Api, Tenant(tenant), self.source.secret());
        let role: RoleRef = role.parse().unwrap();
        let token = tokens::ApiToken {
            tenant: Tenant(tenant),
            id: TokenId(self.source.id()),
            name: "test".to_owned(),
            role,
            reach,
            created_at: self.source.now(),
            created_by: "test".to_owned(),
            expires_at,
            last_used_at: None,
        };
        self.state.db.write(move |tx| tokens::insert(tx, &token, &credential.hash)).await.unwrap();
        secret.reveal()
    }

    /// An administrator of Acme.
    pub(crate) async fn admin(&self) -> String {
        self.token(1, "administrator", self.acme).await
    }

    /// A path of the access table with its parameters filled in, with ids that lead to nothing.
    pub(crate) fn filled(&self, path: &str) -> String {
        let segments = path.split('/').map(|segment| match segment {
            "{*rest}" => "index.css".to_owned(),
            segment if segment.starts_with('{') => self.acme.to_string(),
            segment => segment.to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    }

    /// What Acme's journal says was done to objects of a kind, oldest first.
    pub(crate) async fn noted(&self, kind: &'static str) -> Vec<String> {
        let entries = self.state.db.read(|tx| journal::after(tx, Tenant(1), 0, 1000)).await.unwrap();
        let entries = entries.into_iter().filter(|(entry, _)| entry.object.as_ref().is_some_and(|o| o.kind == kind));
        let changes = entries.flat_map(|(entry, _)| entry.changes);
        changes.map(|change| serde_json::to_value(change).unwrap()["type"].as_str().unwrap().to_owned()).collect()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        answer(&self.router, request).await
    }

    pub(crate) async fn call(&self, method: &str, uri: &str, token: &str, body: Option<Value>) -> Answer {
        self.send(request(method, uri, token, body, &[])).await
    }

    pub(crate) async fn get(&self, uri: &str, token: &str) -> Answer {
        self.call("GET", uri, token, None).await
    }
}

pub(crate) async fn answer(router: &Router, request: Request<Body>) -> Answer {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body }
}

/// A request with a token, unless it is empty, and a JSON body if there is one.
pub(crate) fn request(
    method: &str,
    uri: &str,
    token: &str,
    body: Option<Value>,
    headers: &[(&str, &str)],
) -> Request<Body> {
    let mut builder = Request::builder().method(method).uri(uri);
    if !token.is_empty() {
        builder = builder.header(header::AUTHORIZATION, format!("Bearer {token}"));
    }
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    match body {
        None => builder.body(Body::empty()).unwrap(),
        Some(body) => {
            builder.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string())).unwrap()
        }
    }
}
