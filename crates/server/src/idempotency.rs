//! `Idempotency-Key`: a POST that is sent again with the same key is carried out once and answered the same.
//!
//! The request goes on when its caller goes away, so that its answer is there for the second attempt. Only successes
//! are kept; a refusal gives the key back. A server that was killed in between leaves the key taken: whether the
//! request was carried out is not known then, and it is not carried out a second time under that key, unless it is an
//! order that does nothing twice by itself ([`OrderId`]).

use std::{convert::Infallible, panic::AssertUnwindSafe, time::Duration};

use allclear_domain::{ids::Tenant, time::Time};
use allclear_store::{Error, idempotency};
use axum::{
    body::{Body, Bytes, HttpBody, to_bytes},
    extract::{FromRequestParts, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use data_encoding::HEXLOWER;
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tracing::Instrument;

use crate::{app::AppState, auth::Principal, extract, problem::Problem};

/// The header a caller puts the key into: 1 to 255 visible ASCII characters.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// The header that marks an answer that was given before.
pub const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");

/// The longest answer kept, in bytes.
const LONGEST: usize = 256 * 1024;
/// How often and how far apart the database is asked to take an answer: losing it would block the key.
const ATTEMPTS: u32 = 5;
const APART: Duration = Duration::from_millis(200);

/// Put into an answer's extensions when it holds a secret that must not be kept. A repeated request is told so.
#[derive(Clone, Copy, Debug)]
pub struct ShownOnce;

/// What an order to tell people is called: the same for every request under one key, so that nobody is told twice under
/// it; without a key, each request is an order of its own. An extractor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OrderId(pub String);

impl OrderId {
    /// Of a key claimed then: a key that was forgotten and is used anew is another order.
    fn of(key: &[u8], claimed: Time) -> Self {
        Self(format!("{}-{}", HEXLOWER.encode(&key[..key.len().min(16)]), claimed.as_micros()))
    }

    /// Whether a route takes orders, which may be carried out again under the same key without doing anything twice.
    fn applies(route: &str) -> bool {
        matches!(route, "/api/v1/device-notifications" | "/api/v1/users/{id}/notify")
    }
}

impl FromRequestParts<AppState> for OrderId {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Infallible> {
        let keyed = parts.extensions.get::<Self>().cloned();
        Ok(keyed.unwrap_or_else(|| Self(state.source.id().to_string())))
    }
}

/// Whether requests to a route may carry a key: not those that change nothing, nor batches of events, which carry ids,
/// nor steps of signing in, which are good once by themselves.
pub fn applies(method: &Method, route: &str) -> bool {
    method == Method::POST
        && route.starts_with("/api/")
        && !route.ends_with("/preview")
        && !["/api/v1/session", "/api/v1/account", "/api/v1/links"].iter().any(|own| route.starts_with(own))
        && !matches!(route, "/api/v1/detections" | "/api/v1/source-events")
}

/// What is kept of an answer.
#[derive(Serialize, Deserialize)]
struct Kept {
    location: Option<String>,
    etag: Option<String>,
    body: String,
}

/// The middleware. It runs inside of [`crate::access::guard`], so that who asks is known.
pub async fn replay(State(state): State<AppState>, matched: MatchedPath, request: Request, next: Next) -> Response {
    let key = request.headers().get(KEY).filter(|_| applies(request.method(), matched.as_str())).cloned();
    match (key, request.extensions().get::<Principal>().cloned()) {
        (Some(key), Some(principal)) => {
            let once = once(&state, &key, &principal, (matched.as_str(), request), next);
            once.await.unwrap_or_else(IntoResponse::into_response)
        }
        _ => next.run(request).await,
    }
}

async fn once(
    state: &AppState,
    key: &HeaderValue,
    principal: &Principal,
    (route, request): (&str, Request),
    next: Next,
) -> Result<Response, Problem> {
    let visible = |byte: &u8| byte.is_ascii_graphic() || *byte == b' ';
    if !(1..=255).contains(&key.len()) || !key.as_bytes().iter().all(visible) {
        return Err(Problem::bad_request("Idempotency-Key must have 1 to 255 visible ASCII characters."));
    }
    let (parts, body) = request.into_parts();
    let body = extract::bytes(Request::from_parts(parts.clone(), body), state).await?;
    let tenant = principal.tenant;
    let key = Sha256::new().chain_update(principal.who.id()).chain_update(key.as_bytes()).finalize().to_vec();
    let digest = digest(&parts, &body);
    let now = state.source.now();
    let claimed = {
        let (key, digest) = (key.clone(), digest.clone());
        state.db.write(move |tx| idempotency::claim(tx, tenant, &key, &digest, now)).await?
    };
    let is_order = OrderId::applies(route);
    let since = match claimed {
        Some(answer) if answer.request != digest => return Err(Problem::key_reused()),
        Some(answer) if answer.status == 0 && is_order => answer.at,
        Some(answer) if answer.status == 0 => {
            let detail = "A request with this Idempotency-Key is being carried out, or was cut off in it.";
            return Err(Problem::conflict(detail));
        }
        Some(answer) => return again(answer.status, &answer.body),
        None => now,
    };
    let mut request = Request::from_parts(parts, Body::from(body));
    if is_order {
        request.extensions_mut().insert(OrderId::of(&key, since));
    }
    let run = carry_out(state.clone(), tenant, key, request, next).in_current_span();
    match tokio::spawn(run).await {
        Ok(response) => Ok(response),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(Problem::internal(&error)),
        },
    }
}

fn digest(parts: &Parts, body: &Bytes) -> Vec<u8> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let mut hash = Sha256::new();
    for part in [parts.method.as_str(), " ", target, "\n"] {
        hash.update(part);
    }
    hash.update(body);
    hash.finalize().to_vec()
}

/// Runs the request and sees to it that the key is settled or given back, whatever happens.
async fn carry_out(state: AppState, tenant: Tenant, key: Vec<u8>, request: Request, next: Next) -> Response {
    let response = match AssertUnwindSafe(next.run(request)).catch_unwind().await {
        Ok(response) => response,
        Err(panic) => {
            release(&state, tenant, key).await;
            std::panic::resume_unwind(panic);
        }
    };
    let short = response.body().size_hint().exact().is_some_and(|length| length <= LONGEST as u64);
    if !response.status().is_success() || !short {
        release(&state, tenant, key).await;
        return response;
    }
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, LONGEST).await.unwrap_or_default();
    let (status, kept) = if parts.extensions.get::<ShownOnce>().is_some() {
        (StatusCode::CONFLICT, String::new())
    } else {
        let text = |name: HeaderName| parts.headers.get(name)?.to_str().ok().map(str::to_owned);
        let body = String::from_utf8_lossy(&body).into_owned();
        let kept = Kept { location: text(header::LOCATION), etag: text(header::ETAG), body };
        (parts.status, serde_json::to_string(&kept).unwrap_or_default())
    };
    let status = i64::from(status.as_u16());
    insist(&state, move |tx| idempotency::settle(tx, tenant, &key, status, &kept)).await;
    Response::from_parts(parts, Body::from(body))
}

async fn release(state: &AppState, tenant: Tenant, key: Vec<u8>) {
    insist(state, move |tx| idempotency::release(tx, tenant, &key)).await;
}

/// Writes, and tries again while the database is busy.
async fn insist(
    state: &AppState,
    write: impl Fn(&mut allclear_store::db::Tx<'_>) -> Result<(), Error> + Clone + Send + 'static,
) {
    for attempt in 1..=ATTEMPTS {
        match state.db.write(write.clone()).await {
            Ok(()) => return,
            Err(error) if attempt == ATTEMPTS => {
                tracing::warn!(cause = crate::problem::chain(&error), "an idempotency key stays taken");
            }
            Err(_) => tokio::time::sleep(APART).await,
        }
    }
}

/// The answer that was given before.
fn again(status: i64, kept: &str) -> Result<Response, Problem> {
    if status == i64::from(StatusCode::CONFLICT.as_u16()) {
        let problem = Problem::conflict("This was carried out; its answer held a secret that is shown only once.");
        return Ok(([(REPLAYED, "true")], problem).into_response());
    }
    let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
    let (Some(status), Ok(kept)) = (status, serde_json::from_str::<Kept>(kept)) else {
        return Err(Problem::internal_because("an answer that was kept cannot be read"));
    };
    let mut headers = HeaderMap::new();
    headers.insert(REPLAYED, HeaderValue::from_static("true"));
    if !kept.body.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    for (name, value) in [(header::LOCATION, kept.location), (header::ETAG, kept.etag)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
            headers.insert(name, value);
        }
    }
    Ok((status, headers, kept.body).into_response())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use axum::{Router, middleware, routing};
    use serde_json::{Value, json};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::{
        shell,
        testing::{Answer, World, answer, request},
    };

    async fn create(world: &World, token: &str, key: &str, body: Value) -> Answer {
        world.send(request("POST", "/api/v1/roles", token, Some(body), &[("idempotency-key", key)])).await
    }

    #[tokio::test]
    async fn the_same_request_is_carried_out_once() {
        let world = World::new().await;
        let token = world.admin().await;
        let role = json!({"name": "Watch", "rights": ["view"]});
        let first = create(&world, &token, "k1", role.clone()).await;
        first.expect(201);
        assert_eq!(first.header("idempotency-replayed"), "");
        let again = create(&world, &token, "k1", role.clone()).await;
        assert_eq!((again.expect(201), again.header("idempotency-replayed")), (first.json(), "true"));
        for name in ["location", "etag", "content-type"] {
            assert_eq!(again.header(name), first.header(name), "{name}");
        }
        // Without the key, or with another, it is another request.
        create(&world, &token, "k2", role.clone()).await.expect(409);
        world.call("POST", "/api/v1/roles", &token, Some(role.clone())).await.expect(409);
        // A key belongs to the token that used it.
        create(&world, &world.admin().await, "k1", role).await.expect(409);
    }

    #[tokio::test]
    async fn a_key_is_for_one_request() {
        let world = World::new().await;
        let token = world.admin().await;
        create(&world, &token, "k", json!({"name": "A", "rights": []})).await.expect(201);
        let other = create(&world, &token, "k", json!({"name": "B", "rights": []})).await;
        assert_eq!(other.expect(422)["type"], "/problems/idempotency-key-reused");
        for key in ["", &"k".repeat(256), "k\u{1}"] {
            let mut request = request("POST", "/api/v1/roles", &token, Some(json!({})), &[]);
            match HeaderValue::from_bytes(key.as_bytes()) {
                Ok(key) => request.headers_mut().insert(KEY, key),
                Err(_) => continue,
            };
            world.send(request).await.expect(400);
        }
    }

    #[tokio::test]
    async fn a_refusal_gives_the_key_back() {
        let world = World::new().await;
        let token = world.admin().await;
        let role = json!({"name": "Copy", "copy_of": uuid::Uuid::max().to_string()});
        create(&world, &token, "k", role).await.expect(422);
        create(&world, &token, "k", json!({"name": "Copy", "copy_of": "read_only"})).await.expect(201);
    }

    #[tokio::test]
    async fn a_secret_is_not_kept() {
        let world = World::new().await;
        let token = world.admin().await;
        let body = json!({"name": "t", "role": "read_only", "organization_group_id": world.acme});
        let send = async || {
            let headers = [("idempotency-key", "k")];
            world.send(request("POST", "/api/v1/api-tokens", &token, Some(body.clone()), &headers)).await
        };
        let made = send().await.expect(201);
        let again = send().await;
        assert!(again.expect(409)["detail"].as_str().unwrap().contains("secret"));
        assert_eq!(again.header("idempotency-replayed"), "true");
        let kept: Vec<String> = world.state.db.read(|tx| tx.query("SELECT body FROM idempotency", &[])).await.unwrap();
        let secret = made["token"].as_str().unwrap();
        assert!(kept.len() == 1 && !kept[0].contains(secret), "{kept:?}");
    }

    struct Slow {
        router: Router,
        begun: Arc<AtomicU32>,
        go: Arc<Semaphore>,
    }

    /// A route that waits to be let go, and one that panics, for a principal of Acme.
    async fn slow(world: &World) -> Slow {
        let (begun, go) = (Arc::new(AtomicU32::new(0)), Arc::new(Semaphore::new(0)));
        let waiting = {
            let (begun, go) = (begun.clone(), go.clone());
            async move || {
                begun.fetch_add(1, Ordering::SeqCst);
                go.acquire().await.unwrap().forget();
                "{}"
            }
        };
        let principal = Principal {
            tenant: Tenant(1),
            home: Tenant(1),
            who: crate::auth::Who::Token(allclear_domain::ids::TokenId(uuid::Uuid::nil())),
            name: "test".to_owned(),
            role: allclear_store::roles::RoleRef::BuiltIn(allclear_domain::rights::BuiltInRole::ReadOnly),
            rights: [].into(),
            reach: world.acme,
            server: false,
        };
        let router = Router::new()
            .route("/api/v1/slow", routing::post(waiting))
            .route("/api/v1/panic", routing::post(async || -> String { panic!("once") }))
            .route_layer(middleware::from_fn_with_state(world.state.clone(), replay))
            .layer(axum::Extension(principal))
            .layer(middleware::from_fn_with_state(world.state.clone(), shell::shell))
            .with_state(world.state.clone());
        Slow { router, begun, go }
    }

    fn keyed(path: &str) -> Request {
        request("POST", path, "", None, &[("idempotency-key", "k")])
    }

    #[tokio::test]
    async fn only_one_runs_at_a_time_and_it_outlives_its_caller() {
        let world = World::new().await;
        let slow = slow(&world).await;
        let caller = tokio::spawn({
            let router = slow.router.clone();
            async move { answer(&router, keyed("/api/v1/slow")).await }
        });
        while slow.begun.load(Ordering::SeqCst) == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(answer(&slow.router, keyed("/api/v1/slow")).await.status, 409);
        caller.abort();
        assert!(caller.await.unwrap_err().is_cancelled());
        slow.go.add_permits(1);
        let replayed = loop {
            let answer = answer(&slow.router, keyed("/api/v1/slow")).await;
            if answer.status != 409 {
                break answer;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        assert_eq!((replayed.status, replayed.header("idempotency-replayed")), (200, "true"));
        assert_eq!(slow.begun.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_panic_gives_the_key_back() {
        let world = World::new().await;
        let slow = slow(&world).await;
        for _ in 0..2 {
            assert_eq!(answer(&slow.router, keyed("/api/v1/panic")).await.status, 500);
        }
    }

    #[test]
    fn only_what_causes_something_takes_a_key() {
        assert!(applies(&Method::POST, "/api/v1/roles"));
        assert!(!applies(&Method::GET, "/api/v1/roles"));
        assert!(!applies(&Method::POST, "/api/v1/detections"));
        assert!(!applies(&Method::POST, "/api/v1/smart-groups/preview"));
        assert!(!applies(&Method::POST, "/agent/v1/enroll"));
    }
}
