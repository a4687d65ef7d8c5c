//! What is around every request, known or unknown path: its id, its time limit, its headers, its line in the log, and
//! the one place where failures are logged.

use std::{
    any::Any,
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use axum::{
    extract::{DefaultBodyLimit, MatchedPath, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use tracing::Instrument;

use crate::{app::AppState, limits, problem::Problem};

/// The header of request ids.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The metric of how long requests took, in seconds, by route template, method and class of status.
pub const DURATION: &str = "allclear_http_request_duration_seconds";

/// What a request is called in the log and in problems.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub String);

/// The outermost middleware.
pub async fn shell(
    State(state): State<AppState>,
    matched: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let id = request_id(request.headers()).unwrap_or_else(|| state.source.id().to_string());
    let route = matched.as_ref().map_or("unmatched", MatchedPath::as_str).to_owned();
    let method = label(request.method());
    let limits = limits::of(&route, &state.options);
    let span = tracing::info_span!("request", request.id = id, http.method = method, http.route = route);

    request.extensions_mut().insert(RequestId(id.clone()));
    DefaultBodyLimit::max(limits.body).apply(&mut request);
    let mut response = if declared_length(request.headers()) > limits.body as u64 {
        Problem::too_large().into_response()
    } else {
        run(request, next, limits.time).instrument(span.clone()).await
    };

    span.in_scope(|| finish(&mut response, &id));
    let elapsed = started.elapsed();
    let status = response.status();
    let class = ["other", "1xx", "2xx", "3xx", "4xx", "5xx"][usize::from(status.as_u16() / 100).min(5)];
    metrics::histogram!(DURATION, "route" => route, "method" => method, "status" => class).record(elapsed);
    span.in_scope(|| tracing::debug!(http.status = status.as_u16(), duration_ms = elapsed.as_millis(), "request done"));
    response
}

/// The request's own answer, or the one to give when it panics or takes too long.
async fn run(request: Request, next: Next, limit: Option<Duration>) -> Response {
    let answer = AssertUnwindSafe(next.run(request)).catch_unwind();
    let answer = match limit {
        Some(limit) => tokio::time::timeout(limit, answer).await,
        None => Ok(answer.await),
    };
    match answer {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => Problem::internal_because(format!("a handler panicked: {}", words(&*panic))).into_response(),
        Err(_) => Problem::unavailable("This took too long and was given up.", 1).into_response(),
    }
}

/// What a panic said.
pub(crate) fn words(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words")
}

/// Completes and logs a problem, makes one of a bare refusal, and sets the headers all answers have.
fn finish(response: &mut Response, id: &str) {
    let problem = response.extensions_mut().remove::<Problem>();
    let refused = response.status().is_client_error() || response.status().is_server_error();
    if let Some(mut problem) = problem.or_else(|| refused.then(|| Problem::from_status(response.status()))) {
        if let Some(cause) = problem.cause() {
            tracing::error!(cause, "request failed");
        }
        problem.instance = Some(id.into());
        let allow = response.headers_mut().remove(header::ALLOW);
        let replaced = std::mem::replace(response, problem.into_response());
        for (name, value) in replaced.headers() {
            if name == crate::idempotency::REPLAYED {
                response.headers_mut().insert(name.clone(), value.clone());
            }
        }
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    let defaults = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in defaults {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

/// The caller's own id for the request, if it is harmless in a log and in a header.
fn request_id(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(REQUEST_ID)?.to_str().ok()?;
    let harmless = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    ((1..=64).contains(&text.len()) && text.bytes().all(harmless)).then(|| text.to_owned())
}

fn declared_length(headers: &HeaderMap) -> u64 {
    headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0)
}

/// Methods as metrics know them: callers cannot make up new ones.
fn label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]
    use std::sync::Arc;

    use axum::{Router, body::Body, http::Request as HttpRequest, middleware, routing};

    use super::*;
    use crate::{
        app::ServerOptions,
        limits::BODY,
        testing::{Answer, World, answer, request},
    };

    #[test]
    fn request_ids_of_callers_are_taken_when_harmless() {
        let id = |text: &str| request_id(&HeaderMap::from_iter([(REQUEST_ID, HeaderValue::from_str(text).unwrap())]));
        assert_eq!(id("a-1_b.C").as_deref(), Some("a-1_b.C"));
        assert_eq!(id(""), None);
        assert_eq!(id("a b"), None);
        assert_eq!(id("a\"b"), None);
        assert_eq!(id(&"a".repeat(65)), None);
        assert_eq!(request_id(&HeaderMap::new()), None);
    }

    /// Routes that misbehave, inside of the shell alone.
    async fn misbehave(world: &World, mut request: HttpRequest<Body>) -> Answer {
        let routes = Router::new()
            .route("/panic", routing::get(async || -> String { panic!("at the disco") }))
            .route("/slow", routing::get(async || tokio::time::sleep(Duration::from_secs(3600)).await))
            .route("/bare", routing::get(async || axum::http::StatusCode::IM_A_TEAPOT))
            .route("/fault", routing::get(async || Problem::internal_because("the password is swordfish")))
            .route("/length", routing::post(async |body: axum::body::Bytes| body.len().to_string()))
            .layer(middleware::from_fn_with_state(world.state.clone(), shell))
            .with_state(world.state.clone());
        request.headers_mut().insert(REQUEST_ID, HeaderValue::from_static("my-request"));
        answer(&routes, request).await
    }

    #[tokio::test]
    async fn whatever_happens_the_answer_is_a_problem_with_the_requests_id() {
        let options = ServerOptions { request_time: Duration::from_millis(50), ..ServerOptions::default() };
        let world = World::with(options).await;
        for (path, status, kind) in [
            ("/panic", 500, "/problems/internal"),
            ("/fault", 500, "/problems/internal"),
            ("/slow", 503, "/problems/unavailable"),
            ("/bare", 418, "/problems/bad-request"),
        ] {
            let answer = misbehave(&world, request("GET", path, "", None, &[])).await;
            let problem = answer.expect(status);
            assert_eq!(answer.header("content-type"), crate::problem::MEDIA_TYPE);
            assert_eq!((&problem["type"], &problem["status"]), (&kind.into(), &status.into()));
            assert_eq!(problem["instance"], "my-request");
            assert_eq!(answer.header("x-request-id"), "my-request");
            assert!(!answer.text().contains("disco") && !answer.text().contains("swordfish"), "{}", answer.text());
        }
    }

    #[tokio::test]
    async fn a_body_is_taken_up_to_its_limit() {
        let world = World::new().await;
        let post = |length: usize| HttpRequest::post("/length").body(Body::from(vec![b' '; length])).unwrap();
        assert_eq!(misbehave(&world, post(BODY)).await.text(), BODY.to_string());
        assert_eq!(misbehave(&world, post(BODY + 1)).await.expect(413)["type"], "/problems/too-large");
        // Declared too long: refused before it is sent.
        let mut declared = post(0);
        declared.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from(BODY + 1));
        misbehave(&world, declared).await.expect(413);
        let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 65536]));
        let endless = HttpRequest::post("/length").body(Body::from_stream(endless)).unwrap();
        misbehave(&world, endless).await.expect(413);
    }

    #[tokio::test]
    async fn every_answer_carries_the_same_headers() {
        let world = World::new().await;
        for path in ["/healthz", "/api/v1/roles", "/api/v1/nothing", "/"] {
            let answer = world.get(path, "").await;
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("cache-control"), "no-store");
            assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
            assert_eq!(answer.header("x-request-id").len(), 36, "one of ours");
        }
        let hostile = request("GET", "/healthz", "", None, &[("x-request-id", "<script>")]);
        assert_eq!(world.send(hostile).await.header("x-request-id").len(), 36);
    }

    #[test]
    fn requests_are_measured_by_route_method_and_class() {
        let recorder = crate::ops::metrics_builder().unwrap().build_recorder();
        let handle = recorder.handle();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        metrics::with_local_recorder(&recorder, || {
            runtime.block_on(async {
                let world = World::new().await;
                world.get("/api/v1/roles/1", "").await;
                world.get("/api/v1/roles/2", "").await;
                world.call("BREW", "/anything", "", None).await;
            });
        });
        let text = handle.render();
        let roles = "allclear_http_request_duration_seconds_count{route=\"/api/v1/roles/{id}\",method=\"GET\",\
                     status=\"4xx\"} 2";
        assert!(text.contains(roles), "{text}");
        assert!(text.contains("{route=\"unmatched\",method=\"other\",status=\"4xx\"} 1"), "{text}");
        assert!(text.contains("le=\"0.005\""), "histograms have buckets: {text}");
    }

    #[test]
    fn panics_are_told_in_their_own_words() {
        assert_eq!(words(&"a"), "a");
        assert_eq!(words(&String::from("b")), "b");
        assert_eq!(words(&Arc::new(1)), "no words");
    }
}
