//! What went wrong, as RFC 9457 problem details. The only form in which errors leave the server.
//!
//! Must not know any resource. A cause that callers may not see travels in the response's extensions to the one place
//! that logs it, in [`crate::shell`].

use std::sync::Arc;

use allclear_domain::rights::Right;
use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

/// The media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// A member of the request that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct FieldError {
    /// Where: a JSON pointer into the body, or the name of a parameter.
    pub pointer: String,
    /// What is wrong with it, for people.
    pub detail: String,
}

impl FieldError {
    /// What is wrong at a place.
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// Why a request was not carried out (RFC 9457).
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Which kind of problem it is; stable, for programs to decide by.
    #[serde(rename = "type")]
    #[schema(example = "/problems/not-found", format = "uri-reference")]
    pub kind: &'static str,
    /// The kind in words.
    #[schema(example = "Not found")]
    pub title: &'static str,
    /// The HTTP status.
    #[serde(serialize_with = "status_code")]
    #[schema(value_type = u16, example = 404)]
    pub status: StatusCode,
    /// This occurrence in words.
    pub detail: String,
    /// The id of the request, also in its `X-Request-Id` and in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub instance: Option<Box<str>>,
    /// What is wrong with the request, member by member.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
    #[serde(skip)]
    #[schema(ignore)]
    unseen: Option<Box<Unseen>>,
}

/// What belongs to a problem but not into its body.
#[derive(Clone, Debug)]
enum Unseen {
    Header(HeaderName, HeaderValue),
    Cause(Arc<str>),
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature serde asks for")]
fn status_code<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    fn new(status: StatusCode, kind: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { kind, title, status, detail: detail.into(), instance: None, errors: Vec::new(), unseen: None }
    }

    fn header(self, name: HeaderName, value: HeaderValue) -> Self {
        Self { unseen: Some(Box::new(Unseen::Header(name, value))), ..self }
    }

    /// 400: the request cannot be read at all.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "/problems/bad-request", "Bad request", detail)
    }

    /// 400: the caller may act for several tenants and has not said for which.
    pub fn choose_organization_group() -> Self {
        let detail = format!(
            "Choose an organization group: send the id of a customer in the header {}.",
            crate::auth::ORGANIZATION_GROUP
        );
        Self::new(
            StatusCode::BAD_REQUEST,
            "/problems/choose-organization-group",
            "Choose an organization group",
            detail,
        )
    }

    /// 401: no valid credential.
    pub fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "/problems/unauthorized", "Not authenticated", detail)
            .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"allclear\""))
    }

    /// 403: the credential lacks a right.
    pub fn forbidden(right: Right) -> Self {
        Self::forbidden_because(format!("This needs the right {}.", right_name(right)))
    }

    /// 403: the credential is good but does not allow this.
    pub fn forbidden_because(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "/problems/forbidden", "Not allowed", detail)
    }

    /// 403: the password must have been given a short while ago.
    pub fn password_needed() -> Self {
        let detail = "Give your password again first: POST /api/v1/session/confirm.";
        Self::new(StatusCode::FORBIDDEN, "/problems/password-needed", "Password needed", detail)
    }

    /// 403: the administrator must set up a second factor before anything else.
    pub fn second_factor_needed() -> Self {
        let detail = "Set up a second factor first: one-time codes or a passkey.";
        Self::new(StatusCode::FORBIDDEN, "/problems/second-factor-needed", "Second factor needed", detail)
    }

    /// 403: the device that the Messages app is bound to is not enrolled any more.
    pub fn unenrolled() -> Self {
        let detail = "This phone is not enrolled any more.";
        Self::new(StatusCode::FORBIDDEN, "/problems/unenrolled", "Not enrolled", detail)
    }

    /// 410: a one-time link was used before.
    pub fn link_used() -> Self {
        let detail = "This link was used already. Ask for a new one.";
        Self::new(StatusCode::GONE, "/problems/link-used", "Link used", detail)
    }

    /// 410: a one-time link has expired.
    pub fn link_expired() -> Self {
        let detail = "This link has expired. Ask for a new one.";
        Self::new(StatusCode::GONE, "/problems/link-expired", "Link expired", detail)
    }

    /// 410: this is not there any more, or never will be.
    pub fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, "/problems/gone", "Gone", detail)
    }

    /// 404: there is no such thing, or none that the caller may know of.
    pub fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "/problems/not-found", "Not found", format!("There is no such {what}."))
    }

    /// 405: the path exists, but not for this method.
    pub fn method_not_allowed(allow: HeaderValue) -> Self {
        let detail = "This path does not take this method.";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "/problems/method-not-allowed", "Method not allowed", detail)
            .header(header::ALLOW, allow)
    }

    /// 409: the request contradicts the state of things.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "/problems/conflict", "Conflict", detail)
    }

    /// 409: the thing was changed since the caller read it.
    pub fn stale(current: i64) -> Self {
        let detail = format!("It has been changed in the meantime and now has version {current}.");
        Self::new(StatusCode::CONFLICT, "/problems/stale-version", "Stale version", detail)
    }

    /// 412: the thing was changed since the caller read it, said by `If-Match`.
    pub fn precondition_failed(current: i64) -> Self {
        let detail = format!("It has been changed in the meantime and now has version {current}.");
        Self::new(StatusCode::PRECONDITION_FAILED, "/problems/precondition-failed", "Precondition failed", detail)
    }

    /// 413: the body is longer than this path takes.
    pub fn too_large() -> Self {
        let detail = "The body is longer than this path takes.";
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "/problems/too-large", "Body too large", detail)
    }

    /// 415: the body is in a format this path does not take.
    pub fn unsupported_media_type(wanted: &str) -> Self {
        let detail = format!("Send the body as {wanted}.");
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "/problems/unsupported-media-type",
            "Unsupported media type",
            detail,
        )
    }

    /// 422: the request can be read but makes no sense.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [only] => format!("{}: {}", only.pointer, only.detail),
            several => format!("The request has {} errors.", several.len()),
        };
        let problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "/problems/invalid", "Invalid request", detail);
        Self { errors, ..problem }
    }

    /// 422: one member of the request makes no sense.
    pub fn invalid_field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(pointer, detail)])
    }

    /// 422: an idempotency key was used for another request.
    pub fn key_reused() -> Self {
        let detail = "This Idempotency-Key was used for a different request.";
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "/problems/idempotency-key-reused",
            "Idempotency key reused",
            detail,
        )
    }

    /// 429: too many requests; another may follow after that many seconds.
    pub fn too_many_requests(retry_after: u32) -> Self {
        let detail = "Too many requests.";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "/problems/too-many-requests", "Too many requests", detail)
            .retry_after(retry_after)
    }

    /// 500: a fault of ours. The cause is logged, never shown.
    pub fn internal(cause: &(dyn std::error::Error + 'static)) -> Self {
        Self::internal_because(chain(cause))
    }

    /// 500, with the cause in words.
    pub fn internal_because(cause: impl Into<Arc<str>>) -> Self {
        let detail = "The server has failed; the reason is in its log under this request's id.";
        let problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "/problems/internal", "Internal error", detail);
        Self { unseen: Some(Box::new(Unseen::Cause(cause.into()))), ..problem }
    }

    /// 503: not now; another attempt after that many seconds may succeed.
    pub fn unavailable(detail: impl Into<String>, retry_after: u32) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "/problems/unavailable", "Unavailable", detail)
            .retry_after(retry_after)
    }

    fn retry_after(self, seconds: u32) -> Self {
        self.header(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// A problem for a bare status that some layer has answered with.
    pub fn from_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found("path"),
            StatusCode::PAYLOAD_TOO_LARGE => Self::too_large(),
            status if status.is_server_error() => Self::internal_because(format!("answered with a bare {status}")),
            status => Self::new(
                status,
                "/problems/bad-request",
                "Bad request",
                status.canonical_reason().unwrap_or("Refused"),
            ),
        }
    }

    /// The cause that goes to the log and nowhere else.
    pub fn cause(&self) -> Option<&str> {
        match self.unseen.as_deref() {
            Some(Unseen::Cause(cause)) => Some(cause),
            _ => None,
        }
    }

    /// The body as it is sent.
    pub fn body(&self) -> Vec<u8> {
        // Strings and numbers under fixed names always serialise.
        serde_json::to_vec(self).unwrap_or_default()
    }
}

/// The name of a right as it stands in the API.
pub fn right_name(right: Right) -> String {
    serde_json::to_value(right).ok().and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}

/// An error and its sources in one line.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

impl From<allclear_store::db::Error> for Problem {
    fn from(error: allclear_store::db::Error) -> Self {
        match error {
            allclear_store::db::Error::Busy => Self::unavailable("The database is busy.", 1),
            allclear_store::db::Error::Closed => Self::unavailable("The server is stopping.", 5),
            error => Self::internal(&error),
        }
    }
}

impl From<allclear_store::Error> for Problem {
    fn from(error: allclear_store::Error) -> Self {
        match error {
            allclear_store::Error::Database(error) => error.into(),
            error => Self::internal(&error),
        }
    }
}

impl From<allclear_engine::Error> for Problem {
    fn from(error: allclear_engine::Error) -> Self {
        use allclear_engine::Error;
        match error {
            Error::Store(error) => error.into(),
            Error::NotFound(what) => Self::not_found(what),
            Error::Invalid(problems) => {
                Self::invalid(problems.into_iter().map(|one| FieldError::new(one.pointer, one.detail)).collect())
            }
            Error::Conflict(detail) => Self::conflict(sentence(&detail)),
            Error::Stale(current) => Self::stale(current),
            Error::Forbidden(detail) => Self::forbidden_because(sentence(&detail)),
            Error::TooSoon(seconds) => Self::too_many_requests(seconds),
            Error::Busy => Self::unavailable("The server is busy.", 1),
            Error::Closed => Self::unavailable("The server is stopping.", 5),
            error @ Error::Sealed => Self::internal(&error),
        }
    }
}

/// A message of the engine as a sentence.
pub(crate) fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        if let Some(Unseen::Header(name, value)) = self.unseen.as_deref() {
            headers.insert(name.clone(), value.clone());
        }
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use serde_json::json;

    use super::*;

    #[test]
    fn a_problem_has_the_members_of_the_standard() {
        let problem = Problem::invalid_field("/name", "is required");
        assert_eq!(
            serde_json::from_slice::<serde_json::Value>(&problem.body()).unwrap(),
            json!({"type": "/problems/invalid", "title": "Invalid request", "status": 422,
                   "detail": "/name: is required", "errors": [{"pointer": "/name", "detail": "is required"}]})
        );
        let response = Problem::too_many_requests(7).into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[header::RETRY_AFTER], "7");
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
    }

    #[test]
    fn a_cause_goes_to_the_log_only() {
        let source = std::io::Error::other("disk on fire");
        let error = allclear_store::Error::damaged("thing", source);
        let problem = Problem::from(error);
        assert_eq!(problem.cause(), Some("a stored thing is damaged: disk on fire"));
        assert!(!String::from_utf8(problem.body()).unwrap().contains("fire"));
    }

    #[test]
    fn a_busy_database_is_worth_another_attempt() {
        let busy = Problem::from(allclear_store::Error::Database(allclear_store::db::Error::Busy)).into_response();
        assert_eq!(busy.status(), 503);
        assert_eq!(busy.headers()[header::RETRY_AFTER], "1");
        assert_eq!(Problem::from(allclear_store::db::Error::Aborted).status, 500);
    }
}
