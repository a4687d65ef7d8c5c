//! Extractors whose refusals are problems that name the wrong member.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, OptionalFromRequest, Request},
    http::{HeaderMap, HeaderValue, header, request::Parts},
    response::{IntoResponse, Response},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_path_to_error::Segment;

use crate::problem::Problem;

/// Longest text of a parser shown to callers, in characters: parsers repeat the value they complain about.
const LONGEST_DETAIL: usize = 200;

/// A JSON body, coming in or going out.
///
/// 415 if it is declared as something else, 400 if it is not JSON, 422 with a JSON pointer if it is not a `T`. As
/// `Option<Json<T>>` an empty body is `None`.
#[derive(Clone, Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response(),
            Err(error) => Problem::internal(&error).into_response(),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let body = json_bytes(request, state).await?;
        if body.is_empty() {
            return Err(Problem::bad_request("The body is empty; send JSON."));
        }
        parse(&body).map(Json)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Problem> {
        let declared = request.headers().contains_key(header::CONTENT_TYPE);
        let body = if declared { json_bytes(request, state).await? } else { bytes(request, state).await? };
        match body.is_empty() {
            true => Ok(None),
            false if !declared => Err(Problem::unsupported_media_type("application/json")),
            false => parse(&body).map(|value| Some(Json(value))),
        }
    }
}

async fn json_bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    if !is_json(request.headers()) {
        return Err(Problem::unsupported_media_type("application/json"));
    }
    bytes(request, state).await
}

/// The whole body, as far as this path takes it.
pub async fn bytes<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection.status().as_u16() {
        413 => Problem::too_large(),
        _ => Problem::bad_request("The body could not be read to its end."),
    })
}

/// The media type of a request's body in lower case, without parameters.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|media| {
        media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
    })
}

/// Reads a value from JSON text: 400 if it is not JSON, 422 if it is not a `T` or holds U+0000, which no database takes.
pub fn parse<T: DeserializeOwned>(text: &[u8]) -> Result<T, Problem> {
    if holds_nul(text) {
        return Err(Problem::invalid_field("", "holds the character U+0000"));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let (pointer, inner) = (pointer(error.path()), error.inner());
        if inner.is_data() {
            let (pointer, detail) = describe(pointer, "/", &without_position(inner));
            Problem::invalid_field(pointer, detail)
        } else {
            not_json(inner)
        }
    })?;
    deserializer.end().map_err(|error| not_json(&error))?;
    Ok(value)
}

/// Whether JSON text has an escaped U+0000; a bare one is no JSON. After an even number of backslashes it is no escape.
fn holds_nul(text: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(text) else { return false };
    text.match_indices("\\u0000")
        .any(|(at, _)| text[..at].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 0)
}

fn not_json(error: &serde_json::Error) -> Problem {
    let what = cut(&without_position(error));
    Problem::bad_request(format!("The body is not JSON: line {}, column {}: {what}.", error.line(), error.column()))
}

fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(LONGEST_DETAIL) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn pointer(path: &serde_path_to_error::Path) -> String {
    let mut pointer = String::new();
    for segment in path {
        pointer.push('/');
        match segment {
            Segment::Seq { index } => pointer.push_str(&index.to_string()),
            Segment::Map { key } | Segment::Enum { variant: key } => pointer.push_str(&escape(key)),
            Segment::Unknown => pointer.push('?'),
        }
    }
    pointer
}

fn escape(key: &str) -> String {
    cut(&key.replace('~', "~0").replace('/', "~1"))
}

/// Where and what a parser complains about, from its own words. A member that is missing or unknown is reported by
/// serde on the object around it.
fn describe(place: String, separator: &str, message: &str) -> (String, String) {
    let quoted = |rest: &str| rest.split('`').next().map(escape).unwrap_or_default();
    let within = |name: String| {
        if place.ends_with(&format!("{separator}{name}")) { place.clone() } else { format!("{place}{separator}{name}") }
    };
    if let Some(rest) = message.strip_prefix("missing field `") {
        (format!("{place}{separator}{}", quoted(rest)), "is required".to_owned())
    } else if let Some(rest) = message.strip_prefix("unknown field `") {
        (within(quoted(rest)), "is not known here".to_owned())
    } else if let Some(rest) = message.strip_prefix("duplicate field `") {
        (within(quoted(rest)), "is given twice".to_owned())
    } else {
        (place, cut(message))
    }
}

/// Parameters of the path; a malformed id is a thing that does not exist.
#[derive(Clone, Copy, Debug)]
pub struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        if parts.uri.path().contains("%00") {
            return Err(Problem::not_found("thing"));
        }
        let found = axum::extract::Path::<T>::from_request_parts(parts, state).await;
        found.map(|axum::extract::Path(value)| Path(value)).map_err(|_| Problem::not_found("thing"))
    }
}

/// Parameters of the query. An unknown or wrong one is refused by name; one that is repeated fills a list.
#[derive(Clone, Copy, Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let pairs = pairs(parts.uri.query().unwrap_or_default())?;
        from_pairs(&pairs).map(Query)
    }
}

/// The parameters of a query, decoded, in order. U+0000 is refused here, as no database takes it.
pub(crate) fn pairs(query: &str) -> Result<Vec<(String, String)>, Problem> {
    let pairs: Vec<(String, String)> =
        serde_html_form::from_str(query).map_err(|error| Problem::bad_request(cut(&error.to_string())))?;
    match pairs.iter().find(|(name, value)| name.contains('\0') || value.contains('\0')) {
        Some((name, _)) => Err(Problem::invalid_field(escape(&name.replace('\0', "?")), "holds the character U+0000")),
        None => Ok(pairs),
    }
}

/// Reads a value from the parameters of a query.
pub(crate) fn from_pairs<T: DeserializeOwned>(pairs: &[(String, String)]) -> Result<T, Problem> {
    let text = serde_html_form::to_string(pairs).map_err(|error| Problem::internal(&error))?;
    let deserializer = serde_html_form::Deserializer::from_bytes(text.as_bytes());
    serde_path_to_error::deserialize(deserializer).map_err(|error| {
        let place = pointer(error.path());
        let (name, detail) = describe(place.trim_start_matches('/').to_owned(), "", &error.inner().to_string());
        Problem::invalid_field(name, detail)
    })
}

/// The version a caller expects a thing to have, from `If-Match` or from the body.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IfMatch(Option<Vec<i64>>);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(IfMatch(None)) };
        let text = value.to_str().map_err(|_| Problem::bad_request("If-Match cannot be read."))?;
        // A weak tag never matches here, nor does one that is no version of ours.
        let version = |tag: &str| tag.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok();
        Ok(IfMatch(Some(text.split(',').filter_map(version).collect())))
    }
}

impl IfMatch {
    /// The version the caller saw, for an edit that compares it in its own transaction: from the header or the body.
    /// What can be no version, or two that differ, is 0, which nothing has. 422 if neither says anything.
    pub fn seen(&self, version: Option<i64>) -> Result<i64, Problem> {
        match (&self.0, version) {
            (None, None) => Err(Problem::invalid_field("/version", "is required, here or as If-Match: \"<version>\"")),
            (None, Some(version)) => Ok(version),
            (Some(tags), None) => Ok(tags.first().copied().unwrap_or(0)),
            (Some(tags), Some(version)) => Ok(if tags.contains(&version) { version } else { 0 }),
        }
    }

    /// The problem an edit ended with; a stale version is 412 where `If-Match` was sent, else 409.
    pub fn problem(&self, error: allclear_engine::Error) -> Problem {
        match error {
            allclear_engine::Error::Stale(current) if self.0.is_some() => Problem::precondition_failed(current),
            error => error.into(),
        }
    }
}

/// The `ETag` of a version.
pub fn etag(version: i64) -> [(header::HeaderName, String); 1] {
    [(header::ETAG, format!("\"{version}\""))]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        count: u32,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Body {
        name: String,
        #[serde(default)]
        list: Vec<Inner>,
        #[serde(default, rename = "a/b~c")]
        odd: Option<u8>,
    }

    fn refusal(text: &str) -> (u16, String, String) {
        let problem = parse::<Body>(text.as_bytes()).unwrap_err();
        let error = problem.errors.first().cloned();
        let error = error.unwrap_or(crate::problem::FieldError::new("", problem.detail));
        (problem.status.as_u16(), error.pointer, error.detail)
    }

    #[test]
    fn text_that_is_not_json_is_malformed_with_its_place() {
        let (status, _, detail) = refusal("{\n \"name\": }");
        assert_eq!(status, 400);
        assert!(detail.contains("line 2, column 10"), "{detail}");
        assert_eq!(refusal("{\"name\": \"x\"").0, 400);
        assert_eq!(refusal("{\"name\": \"x\"} {}").0, 400);
        let deep = format!("{{\"name\": {}", "[".repeat(100_000));
        assert_ne!(refusal(&deep).0, 500);
    }

    #[test]
    fn json_of_another_shape_is_invalid_with_a_pointer() {
        assert_eq!(refusal("{\"name\": 7}").0, 422);
        assert_eq!(refusal("{\"name\": 7}").1, "/name");
        assert_eq!(refusal("{}"), (422, "/name".to_owned(), "is required".to_owned()));
        assert_eq!(
            refusal("{\"name\": \"x\", \"nmae\": 1}"),
            (422, "/nmae".to_owned(), "is not known here".to_owned())
        );
        assert_eq!(refusal("{\"name\": \"x\", \"name\": \"y\"}").1, "/name");
        assert_eq!(refusal("{\"name\": \"x\", \"list\": [{\"count\": 1}, {\"count\": -1}]}").1, "/list/1/count");
        assert_eq!(refusal("{\"name\": \"x\", \"list\": [{}]}").1, "/list/0/count");
        assert_eq!(refusal("{\"name\": \"x\", \"list\": [{\"count\": 1, \"x\": 1}]}").1, "/list/0/x");
        assert_eq!(refusal("{\"name\": \"x\", \"a/b~c\": \"\"}").1, "/a~1b~0c");
        assert_eq!(refusal("[]").1, "");
        let (_, _, detail) = refusal(&format!("{{\"list\": \"{}\"}}", "ä".repeat(5000)));
        assert!(detail.chars().count() <= LONGEST_DETAIL + 1, "{detail}");
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Filter {
        #[serde(default)]
        level: Vec<u8>,
        name: Option<String>,
    }

    #[test]
    fn parameters_may_repeat_and_are_named_when_wrong() {
        let read = |query: &str| pairs(query).and_then(|pairs| from_pairs::<Filter>(&pairs));
        assert_eq!(
            read("level=1&name=a%26b+c&level=2").unwrap(),
            Filter { level: vec![1, 2], name: Some("a&b c".to_owned()) }
        );
        let name = |query: &str| {
            let problem = read(query).unwrap_err();
            assert_eq!(problem.status, 422);
            problem.errors[0].pointer.clone()
        };
        assert_eq!(name("colour=red"), "colour");
        assert!(name("level=red").starts_with("level"));
        assert_eq!(name("name=%00"), "name");
        assert_eq!(name("name=a&name=b"), "name");
    }

    #[test]
    fn an_edit_says_the_version_it_is_based_on() {
        use allclear_engine::Error;

        let tags = |tags: &[i64]| IfMatch(Some(tags.to_vec()));
        let seen = |header: IfMatch, body| header.seen(body).map_err(|problem| problem.status.as_u16());
        assert_eq!(seen(IfMatch(None), Some(3)), Ok(3));
        assert_eq!(seen(IfMatch(None), None), Err(422));
        assert_eq!(seen(tags(&[3]), None), Ok(3));
        assert_eq!(seen(tags(&[1, 3]), Some(3)), Ok(3));
        assert_eq!(seen(tags(&[2]), Some(3)), Ok(0), "they differ");
        assert_eq!(seen(tags(&[]), None), Ok(0), "a tag that is no version");
        assert_eq!(tags(&[2]).problem(Error::Stale(3)).status, 412);
        assert_eq!(IfMatch(None).problem(Error::Stale(3)).status, 409);
        assert_eq!(tags(&[2]).problem(Error::NotFound("role")).status, 404);
    }

    #[tokio::test]
    async fn if_match_holds_quoted_versions() {
        for (text, versions) in
            [("\"3\"", vec![3]), ("\"1\", \"2\"", vec![1, 2]), ("W/\"3\"", vec![]), ("3", vec![]), ("*", vec![])]
        {
            let request = Request::builder().header("if-match", text).body(()).unwrap();
            let found = IfMatch::from_request_parts(&mut request.into_parts().0, &()).await.unwrap();
            assert_eq!(found, IfMatch(Some(versions)), "{text}");
        }
    }

    #[tokio::test]
    async fn the_character_no_database_takes_is_refused() {
        let problem = parse::<Body>(br#"{"name": "a\u0000b"}"#).unwrap_err();
        assert_eq!(problem.status, 422);
        assert_eq!(parse::<Body>(br#"{"name": "a\\u0000b"}"#).unwrap().name, "a\\u0000b");
        assert_eq!(parse::<Body>(br#"{"name": "a\\\u0000b"}"#).unwrap_err().status, 422);
        assert_eq!(parse::<Body>(b"{\"name\": \"a\0b\"}").unwrap_err().status, 400);

        let routes = axum::Router::new().route("/{id}", axum::routing::get(async |Path(id): Path<String>| id));
        let get = async |uri: &str| {
            let request = Request::get(uri).body(axum::body::Body::empty()).unwrap();
            crate::testing::answer(&routes, request).await.status
        };
        assert_eq!((get("/a%00b").await, get("/a%20b").await), (404, 200));
    }
}
