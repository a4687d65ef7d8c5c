//! The whole router, and what its handlers share.

use std::{net::IpAddr, sync::Arc, time::Duration};

use allclear_engine::{Engine, source::Source};
use allclear_guard::AllowList;
use allclear_store::db::Db;
use axum::{Router, middleware};
use ipnet::IpNet;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio_util::sync::CancellationToken;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    access, agent, android, api, apple, console, idempotency, limits::Limiters, messages_app, openapi, ops, shell,
    sign_in::password::Passwords,
};

/// What can be set about the HTTP face.
#[derive(Clone, Debug)]
pub struct ServerOptions {
    /// What `GET /metrics` asks for as a bearer token; anybody may read it if `None`.
    pub metrics_token: Option<String>,
    /// Where people and devices reach the server, for links: `https://allclear.example.com`; `None`: as the request's
    /// `Host` says.
    pub public_url: Option<String>,
    /// How long most requests may take.
    pub request_time: Duration,
    /// Requests a second of one credential, on average; at least 1.
    pub requests_per_second: u32,
    /// Requests of one credential at once; at least 1.
    pub requests_burst: u32,
    /// Failed authentications a second from one address; at least 1.
    pub failures_per_second: u32,
    /// What may be reached besides public addresses over https: URLs that somebody types in are checked against it.
    pub outgoing: AllowList,
    /// Whether the server reads indicator sets from a folder.
    pub indicators_folder: bool,
    /// Proxies that are believed when they say which certificate a client has shown them.
    pub trusted_proxies: TrustedProxies,
}

/// Networks and addresses of proxies that are believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads networks (`10.1.0.0/16`) and addresses; the first that is neither is the error.
    pub fn new<S: AsRef<str>>(entries: impl IntoIterator<Item = S>) -> Result<Self, String> {
        let network = |entry: &str| entry.parse().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
        let networks = entries.into_iter().map(|entry| {
            let entry = entry.as_ref().trim();
            network(entry).map_err(|_| format!("`{entry}` is not a network such as 10.1.0.0/16 or an address"))
        });
        networks.collect::<Result<_, _>>().map(Self)
    }

    /// Whether an address is one of theirs.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            metrics_token: None,
            public_url: None,
            request_time: Duration::from_secs(30),
            requests_per_second: 10_000,
            requests_burst: 20_000,
            failures_per_second: 20,
            outgoing: AllowList::default(),
            indicators_folder: false,
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

/// What all handlers share; clones share it too.
#[derive(Clone)]
pub struct AppState {
    /// The engine: every change goes through it.
    pub engine: Engine,
    /// The engine's database, for reading.
    pub db: Db,
    /// The clock and chance.
    pub source: Arc<dyn Source>,
    /// What was configured.
    pub options: Arc<ServerOptions>,
    /// The metrics, for `GET /metrics`.
    pub metrics: PrometheusHandle,
    /// Cancelled when the server begins to stop: whoever waits for something to happen answers at once.
    pub stopping: CancellationToken,
    pub(crate) limiters: Arc<Limiters>,
    pub(crate) passwords: Passwords,
    pub(crate) android_keys: android::KeyRings,
}

impl AppState {
    /// State over an engine. `metrics` comes from [`ops::install_metrics`].
    pub fn new(engine: Engine, options: ServerOptions, metrics: PrometheusHandle) -> Self {
        let limiters = Arc::new(Limiters::new(&options));
        let (db, source) = (engine.db().clone(), Arc::clone(engine.source()));
        Self {
            engine,
            db,
            source,
            options: Arc::new(options),
            metrics,
            stopping: CancellationToken::new(),
            limiters,
            passwords: Passwords::default(),
            android_keys: android::KeyRings::default(),
        }
    }
}

/// Every documented route. All of them have a row in [`access::TABLE`].
pub(crate) fn routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::with_openapi(openapi::base())
        .routes(routes!(ops::healthz))
        .routes(routes!(ops::readyz))
        .routes(routes!(ops::metrics))
        .routes(routes!(openapi::get))
        .merge(api::router())
        .merge(agent::router())
        .merge(apple::router())
        .merge(android::router())
        .merge(messages_app::router())
}

/// The server's router.
pub fn router(state: AppState) -> Router {
    let (routes, _) = routes().split_for_parts();
    assemble(state, routes.merge(openapi::reader()))
}

/// Routes with everything around them.
pub(crate) fn assemble(state: AppState, routes: Router<AppState>) -> Router {
    routes
        // From the inside out: who may is known before an earlier answer is given again.
        .route_layer(middleware::from_fn_with_state(state.clone(), idempotency::replay))
        .route_layer(middleware::from_fn_with_state(state.clone(), access::guard))
        .fallback(console::fallback)
        .layer(middleware::from_fn_with_state(state.clone(), shell::shell))
        .with_state(state)
}
