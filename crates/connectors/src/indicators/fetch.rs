//! A content behind a URL, unless it is the one we have.

use std::time::Duration;

use allclear_guard::{GuardedClient, Refused};
use reqwest::{
    Method, Response, StatusCode, Url,
    header::{ETAG, HeaderName, HeaderValue, IF_MODIFIED_SINCE, IF_NONE_MATCH, LAST_MODIFIED},
};

use super::LARGEST;

/// How long a fetch may take in all.
const TIME: Duration = Duration::from_secs(120);
/// The longest name of a version that is kept.
const TAG: usize = 500;

/// What a server said of a version of a content.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Version {
    pub(super) etag: Option<String>,
    pub(super) last_modified: Option<String>,
}

/// Fetches what is there now; none if it is still the known version. An error is a sentence for people.
pub(super) async fn fetch(
    http: &GuardedClient,
    url: &Url,
    known: &Version,
) -> Result<Option<(Vec<u8>, Version)>, String> {
    let mut request = http.request(Method::GET, url.clone()).map_err(|refused| refused.to_string())?.timeout(TIME);
    for (name, value) in [(IF_NONE_MATCH, &known.etag), (IF_MODIFIED_SINCE, &known.last_modified)] {
        if let Some(value) = value.as_deref().and_then(|value| HeaderValue::from_str(value).ok()) {
            request = request.header(name, value);
        }
    }
    let mut response = request.send().await.map_err(|error| in_words(&error))?;
    match response.status() {
        StatusCode::NOT_MODIFIED => return Ok(None),
        StatusCode::OK => {}
        status if status.is_redirection() => {
            return Err(format!("the server answers {status}; redirects are not followed"));
        }
        status => return Err(format!("the server answers {status}")),
    }
    let version = Version { etag: header(&response, ETAG), last_modified: header(&response, LAST_MODIFIED) };
    let mut content = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|error| in_words(&error))? {
        if content.len() + piece.len() > LARGEST {
            return Err(format!("the content is larger than {LARGEST} bytes"));
        }
        content.extend_from_slice(&piece);
    }
    Ok(Some((content, version)))
}

fn header(response: &Response, name: HeaderName) -> Option<String> {
    let value = response.headers().get(name)?.to_str().ok()?;
    (value.len() <= TAG).then(|| value.to_owned())
}

/// Why a request failed: the deepest cause says most.
fn in_words(error: &reqwest::Error) -> String {
    if let Some(refused) = Refused::behind(error) {
        return refused.to_string();
    }
    if error.is_timeout() {
        return "the server does not answer in time".to_owned();
    }
    let causes = std::iter::successors(Some(error as &dyn std::error::Error), |error| error.source());
    causes.last().map_or_else(String::new, ToString::to_string)
}
