//! Keeps other sites from acting with somebody's session: what changes something must come from our own pages.

use axum::http::{HeaderMap, Method, header};

use crate::{app::ServerOptions, problem::Problem};

fn refused() -> Problem {
    Problem::forbidden_because("The request does not come from a page of this server.")
}

/// Refuses a request that a cookie stands for, unless it changes nothing or comes from our own pages.
pub fn check(method: &Method, headers: &HeaderMap, options: &ServerOptions) -> Result<(), Problem> {
    let safe = matches!(*method, Method::GET | Method::HEAD);
    if safe || is_own(headers, options) == Some(true) { Ok(()) } else { Err(refused()) }
}

/// Refuses a request without a credential if a browser says that it comes from another site: nobody is to be signed
/// in from there. Programs say nothing.
pub fn check_sign_in(headers: &HeaderMap, options: &ServerOptions) -> Result<(), Problem> {
    if is_own(headers, options) == Some(false) { Err(refused()) } else { Ok(()) }
}

/// Whether a request comes from a page of this server; `None` if nothing says so.
fn is_own(headers: &HeaderMap, options: &ServerOptions) -> Option<bool> {
    if let Some(site) = headers.get("sec-fetch-site") {
        return Some(site == "same-origin");
    }
    let origin = headers.get(header::ORIGIN)?;
    let Ok(origin) = origin.to_str() else { return Some(false) };
    if let Some(url) = &options.public_url
        && origin == root(url)
    {
        return Some(true);
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    Some(host.is_some() && origin.split_once("://").map(|(_, authority)| authority) == host)
}

/// Scheme and authority of a URL.
fn root(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    url[start..].find('/').map_or(url, |end| &url[..start + end])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use axum::http::HeaderName;

    use super::*;

    fn status(method: &Method, headers: &[(&str, &str)], url: Option<&str>) -> (u16, u16) {
        let options = ServerOptions { public_url: url.map(str::to_owned), ..ServerOptions::default() };
        let pairs = headers.iter().map(|(name, value)| (name.parse::<HeaderName>().unwrap(), value.parse().unwrap()));
        let headers = HeaderMap::from_iter(pairs);
        let of = |result: Result<(), Problem>| result.err().map_or(200, |problem| problem.status.as_u16());
        (of(check(method, &headers, &options)), of(check_sign_in(&headers, &options)))
    }

    #[test]
    fn only_our_own_pages_change_anything() {
        let host = ("host", "a.example.com:8080");
        assert_eq!(status(&Method::GET, &[host, ("sec-fetch-site", "cross-site")], None), (200, 403));
        for (headers, expected) in [
            (vec![], (403, 200)),
            (vec![("sec-fetch-site", "same-origin")], (200, 200)),
            (vec![("sec-fetch-site", "same-site")], (403, 403)),
            (vec![("sec-fetch-site", "cross-site")], (403, 403)),
            (vec![("sec-fetch-site", "none")], (403, 403)),
            (vec![("sec-fetch-site", "cross-site"), ("origin", "http://a.example.com:8080")], (403, 403)),
            (vec![("origin", "http://a.example.com:8080")], (200, 200)),
            (vec![("origin", "http://a.example.com")], (403, 403)),
            (vec![("origin", "http://evil.example.com")], (403, 403)),
            (vec![("origin", "null")], (403, 403)),
        ] {
            let with_host: Vec<_> = headers.iter().copied().chain([host]).collect();
            for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
                assert_eq!(status(&method, &with_host, None), expected, "{headers:?}");
            }
        }
        // Behind a proxy that changes the host.
        let own = [host, ("origin", "https://allclear.example.com")];
        assert_eq!(status(&Method::POST, &own, Some("https://allclear.example.com/sub")), (200, 200));
        assert_eq!(status(&Method::POST, &own, Some("https://allclear.example.org")), (403, 403));
        assert_eq!(status(&Method::POST, &[("origin", "http://a")], None), (403, 403), "no host to compare with");
    }
}
