//! The files of the console and the Messages app, built into the binary: the app's page at every path under `/m/`, the
//! console's at every other that is nobody else's, their assets by name.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, header},
    response::{IntoResponse, Redirect, Response},
};

use crate::{app::AppState, problem::Problem};

/// What `build.rs` found, by path, sorted; empty if the console was not built before the server.
static BUILT: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// What the console's page carries where a request's own nonce goes.
const PLACEHOLDER: &str = "__ALLCLEAR_CSP_NONCE__";
/// The page.
const INDEX: &str = "index.html";
/// First parts of paths that programs and devices use: there, nothing is found rather than the console.
const NOT_PAGES: &[&str] = &["api", "agent", "healthz", "readyz", "metrics"];
/// Where the Messages app is, among the files and in paths.
const MESSAGES: &str = "m/";
/// What is said at `/` by a server without a console.
const NOT_BUILT: &str = "Allclear is running, without its console. To build it in: make console, then build the server \
                         again. The API is described at /api/docs.\n";

/// Finds a file by its path without the leading slash.
type Find = fn(&str) -> Option<&'static [u8]>;

fn built(path: &str) -> Option<&'static [u8]> {
    let place = BUILT.binary_search_by_key(&path, |(name, _)| name).ok()?;
    BUILT.get(place).map(|(_, content)| *content)
}

/// Answers what no route does.
pub(crate) async fn fallback(State(state): State<AppState>, request: Request) -> Response {
    let nonce = data_encoding::BASE64URL_NOPAD.encode(&state.source.secret()[..16]);
    answer(built, request.method(), request.uri().path(), request.headers(), &nonce)
}

fn answer(find: Find, method: &Method, path: &str, headers: &HeaderMap, nonce: &str) -> Response {
    let path = path.trim_start_matches('/');
    let first = path.split('/').next().unwrap_or_default();
    if !matches!(*method, Method::GET | Method::HEAD) || NOT_PAGES.contains(&first) {
        return Problem::not_found("path").into_response();
    }
    if first == "m" {
        return messages(find, path, headers);
    }
    let is_page = path == INDEX || !path.contains('.');
    if is_page { page(find, nonce) } else { file(find, path, headers) }
}

/// What the Messages app may do: nothing inline, nothing from elsewhere.
const MESSAGES_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                               connect-src 'self'; manifest-src 'self'; worker-src 'self'; font-src 'self'; \
                               base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn messages(find: Find, path: &str, headers: &HeaderMap) -> Response {
    let Some(within) = path.strip_prefix(MESSAGES) else {
        // Its service worker may act below the slash only.
        return Redirect::permanent("/m/").into_response();
    };
    if within.starts_with("v1/") || within == "v1" {
        return Problem::not_found("path").into_response();
    }
    if within.contains('.') && within != INDEX {
        let mut response = file(find, path, headers);
        // The service worker fetches, and what it may fetch is said where it itself is answered.
        let policy = HeaderValue::from_static(MESSAGES_POLICY);
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
        return response;
    }
    let Some(html) = find("m/index.html") else {
        return ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], NOT_BUILT).into_response();
    };
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, MESSAGES_POLICY),
    ];
    (headers, html).into_response()
}

fn page(find: Find, nonce: &str) -> Response {
    let Some(html) = find(INDEX) else {
        let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        return (kind, NOT_BUILT).into_response();
    };
    let html = String::from_utf8_lossy(html).replace(PLACEHOLDER, nonce);
    let policy = format!(
        "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; \
         connect-src 'self'; manifest-src 'self'; worker-src 'self'; font-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    );
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8".to_owned()),
        (header::CACHE_CONTROL, "no-store".to_owned()),
        (header::CONTENT_SECURITY_POLICY, policy),
    ];
    (headers, html).into_response()
}

fn file(find: Find, path: &str, headers: &HeaderMap) -> Response {
    let packed = if takes_gzip(headers) { find(&format!("{path}.gz")) } else { None };
    let encoded = packed.is_some();
    let Some(content) = packed.or_else(|| find(path)) else { return Problem::not_found("path").into_response() };
    let mime = mime_guess::from_path(path).first_or_octet_stream();
    let charset = if mime.type_() == mime_guess::mime::TEXT { "; charset=utf-8" } else { "" };
    // Names under assets carry a digest of their content.
    let named = path.strip_prefix(MESSAGES).unwrap_or(path).starts_with("assets/");
    let kept = if named { "public, max-age=31536000, immutable" } else { "no-cache" };
    let own = [
        (header::CONTENT_TYPE, format!("{mime}{charset}")),
        (header::CACHE_CONTROL, kept.to_owned()),
        (header::VARY, "accept-encoding".to_owned()),
    ];
    let mut response = (own, content).into_response();
    if encoded {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

/// Whether the client takes gzip: named, and not with a weight of 0.
fn takes_gzip(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|coding| {
        let mut parts = coding.split(';').map(str::trim);
        let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("gzip"));
        let refused = parts.any(|part| part.strip_prefix("q=").is_some_and(|q| q.parse() == Ok(0.0_f32)));
        named && !refused
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use axum::{Router, middleware};

    use super::*;
    use crate::{
        shell,
        testing::{self, Answer, World, request},
    };

    const HTML: &str = "<!doctype html><meta property=\"csp-nonce\" nonce=\"__ALLCLEAR_CSP_NONCE__\">\
                        <style nonce=\"__ALLCLEAR_CSP_NONCE__\"></style>";

    fn made_up(path: &str) -> Option<&'static [u8]> {
        match path {
            "index.html" => Some(HTML.as_bytes()),
            "assets/app-1a2b.js" => Some(b"console.log(1)"),
            "assets/app-1a2b.js.gz" => Some(b"packed"),
            "favicon.svg" => Some(b"<svg/>"),
            "m/index.html" => Some(b"<!doctype html><title>Messages</title>"),
            "m/assets/app-3c4d.js" | "m/sw.js" => Some(b"console.log(2)"),
            _ => None,
        }
    }

    async fn get(world: &World, method: &str, path: &str, encoding: &str) -> Answer {
        let serve = async |State(state): State<AppState>, request: Request| {
            let nonce = data_encoding::HEXLOWER.encode(&state.source.secret()[..4]);
            answer(made_up, request.method(), request.uri().path(), request.headers(), &nonce)
        };
        let shell = middleware::from_fn_with_state(world.state.clone(), shell::shell);
        let router = Router::new().fallback(serve).layer(shell).with_state(world.state.clone());
        testing::answer(&router, request(method, path, "", None, &[("accept-encoding", encoding)])).await
    }

    fn nonce(answer: &Answer) -> String {
        let policy = answer.header("content-security-policy");
        policy.split("'nonce-").nth(1).unwrap().split('\'').next().unwrap().to_owned()
    }

    #[tokio::test]
    async fn the_page_has_a_nonce_of_its_own_and_is_not_kept() {
        let world = World::new().await;
        let (one, other) = (get(&world, "GET", "/", "").await, get(&world, "GET", "/", "").await);
        assert_eq!((one.status, one.header("content-type")), (200, "text/html; charset=utf-8"));
        assert_eq!(one.header("cache-control"), "no-store");
        assert_ne!(nonce(&one), nonce(&other));
        assert_eq!(one.text().matches(&nonce(&one)).count(), 2);
        assert!(!one.text().contains(PLACEHOLDER));
        let policy = one.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; ") && !policy.contains("unsafe"));
    }

    #[tokio::test]
    async fn paths_of_the_console_lead_to_its_page_and_no_others_do() {
        let world = World::new().await;
        for path in ["/users", "/devices/0192/x", "/index.html", "/apis", "/protections?level=high"] {
            assert!(get(&world, "GET", path, "").await.text().starts_with("<!doctype html>"), "{path}");
        }
        for path in
            ["/api", "/api/v1/nothing", "/agent/v1/x", "/m/v1/x", "/m/x.js", "/metrics/x", "/x.js", "/assets/gone-1.js"]
        {
            let answer = get(&world, "GET", path, "").await;
            assert_eq!(answer.expect(404)["type"], "/problems/not-found", "{path}");
            assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        }
        get(&world, "POST", "/users", "").await.expect(404);
        assert_eq!(get(&world, "HEAD", "/users", "").await.status, 200);
    }

    #[tokio::test]
    async fn files_are_kept_by_name_and_sent_packed_to_who_takes_it() {
        let world = World::new().await;
        let packed = get(&world, "GET", "/assets/app-1a2b.js", "br, gzip;q=0.8").await;
        assert_eq!((packed.text().as_str(), packed.header("content-encoding")), ("packed", "gzip"));
        for encoding in ["", "br", "gzip;q=0", "gzipped"] {
            let plain = get(&world, "GET", "/assets/app-1a2b.js", encoding).await;
            assert_eq!((plain.text().as_str(), plain.header("content-encoding")), ("console.log(1)", ""));
            assert_eq!(plain.header("content-type"), "text/javascript; charset=utf-8");
            assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
            assert_eq!(plain.header("vary"), "accept-encoding");
            assert_eq!(plain.header("x-content-type-options"), "nosniff");
        }
        let icon = get(&world, "GET", "/favicon.svg", "gzip").await;
        assert_eq!((icon.header("content-type"), icon.header("cache-control")), ("image/svg+xml", "no-cache"));
    }

    #[tokio::test]
    async fn the_messages_app_is_a_page_of_its_own_without_anything_inline() {
        let world = World::new().await;
        let bare = get(&world, "GET", "/m", "").await;
        assert_eq!((bare.status, bare.header("location")), (308, "/m/"));
        for path in ["/m/", "/m/?link=acml_1_x", "/m/index.html", "/m/messages"] {
            let page = get(&world, "GET", path, "").await;
            assert!(page.text().contains("<title>Messages"), "{path}: {}", page.text());
            assert_eq!(page.header("cache-control"), "no-store");
            let policy = page.header("content-security-policy");
            assert!(policy.contains("style-src 'self';") && !policy.contains("unsafe") && !policy.contains("nonce"));
        }
        let worker = get(&world, "GET", "/m/sw.js", "").await;
        assert_eq!((worker.status, worker.header("cache-control")), (200, "no-cache"));
        assert!(worker.header("content-security-policy").contains("connect-src 'self'"), "it may fetch");
        let asset = get(&world, "GET", "/m/assets/app-3c4d.js", "").await;
        assert_eq!(asset.header("cache-control"), "public, max-age=31536000, immutable");
    }

    #[tokio::test]
    async fn the_servers_own_page_says_what_it_has() {
        let world = World::new().await;
        let (one, other) = (world.get("/", "").await, world.get("/devices", "").await);
        assert_eq!((one.status, other.status), (200, 200));
        assert!(BUILT.is_sorted_by(|a, b| a.0 < b.0));
        if built(INDEX).is_some() {
            assert_ne!(nonce(&one), nonce(&other));
        } else {
            assert!(one.text().contains("make console"), "{}", one.text());
        }
    }

    #[tokio::test]
    async fn without_a_console_the_page_says_how_to_build_it() {
        let answer = page(|_| None, "n");
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        assert!(String::from_utf8_lossy(&body).contains("make console"));
    }
}
