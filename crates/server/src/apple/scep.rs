//! Certificates for devices by SCEP (RFC 8894).

use allclear_domain::ids::Tenant;
use allclear_engine::{Error, apple_mdm_settings, device_authority, device_certificates};
use allclear_pki::{cms, scep};
use axum::{
    Extension,
    body::Bytes,
    extract::{RawQuery, State},
    http::header,
    response::{IntoResponse, Response},
};
use data_encoding::BASE64;

use super::slow_down;
use crate::{
    access::ClientAddress,
    app::AppState,
    extract::{Path, pairs},
    problem::Problem,
};

const MESSAGE: &str = "application/x-pki-message";
const CERTIFICATES: &str = "application/x-x509-ca-ra-cert";

/// What a client asks for.
#[derive(Default)]
struct Asked {
    operation: String,
    message: String,
}

/// Parameters that are not known are left alone: clients send more than the standard names.
fn asked(query: Option<&str>) -> Result<Asked, Problem> {
    let mut asked = Asked::default();
    for (name, value) in pairs(query.unwrap_or_default())? {
        match name.as_str() {
            "operation" => asked.operation = value,
            "message" => asked.message = value,
            _ => {}
        }
    }
    Ok(asked)
}

/// Asks for a certificate by SCEP
///
/// `GetCACaps` says what is offered, `GetCACert` gives the certificates of the tenant's authority and of who takes requests
/// for it, `PKIOperation` takes a message in base64.
#[utoipa::path(get, path = "/apple/v1/scep/{tenant}", tag = "apple", operation_id = "scep_get",
    params(("tenant" = i64, Path, description = "Whose device it is."),
        ("operation" = String, Query, description = "`GetCACaps`, `GetCACert` or `PKIOperation`."),
        ("message" = Option<String>, Query, description = "Of `PKIOperation` the message, in base64.")),
    responses((status = 200, description = "The answer, in a format of its own for each operation."),
        (status = 400, description = "The message cannot be read, or there is no such operation.", body = Problem,
            content_type = "application/problem+json"),
        (status = 429, description = "Too many messages.", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "The tenant has no authority.", body = Problem,
            content_type = "application/problem+json")))]
pub(super) async fn get(
    State(state): State<AppState>,
    Path(tenant): Path<String>,
    address: Option<Extension<ClientAddress>>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let (tenant, asked) = (known(&tenant)?, asked(query.as_deref())?);
    match asked.operation.as_str() {
        "GetCACaps" => capabilities(&state, tenant).await,
        "GetCACert" => certificates(&state, tenant).await,
        "PKIOperation" => answer(&state, tenant, address, decoded(&asked.message)?).await,
        _ => Err(no_operation()),
    }
}

/// Asks for a certificate by SCEP, with the message as body
///
/// Some clients send it in the query as well; the body counts.
#[utoipa::path(post, path = "/apple/v1/scep/{tenant}", tag = "apple", operation_id = "scep_post",
    params(("tenant" = i64, Path, description = "Whose device it is."),
        ("operation" = String, Query, description = "`PKIOperation`.")),
    request_body(content((Vec<u8> = "application/x-pki-message")), description = "The message, at most 64 KiB."),
    responses((status = 200, description = "The answer: a certificate, or why there is none.",
            content_type = "application/x-pki-message"),
        (status = 404, description = "The tenant has no authority.", body = Problem,
            content_type = "application/problem+json")))]
pub(super) async fn post(
    State(state): State<AppState>,
    Path(tenant): Path<String>,
    address: Option<Extension<ClientAddress>>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Result<Response, Problem> {
    let (tenant, asked) = (known(&tenant)?, asked(query.as_deref())?);
    if asked.operation != "PKIOperation" {
        return Err(no_operation());
    }
    let message = if body.is_empty() { decoded(&asked.message)? } else { body.to_vec() };
    answer(&state, tenant, address, message).await
}

fn known(tenant: &str) -> Result<Tenant, Problem> {
    tenant.parse().map(Tenant).map_err(|_| not_set_up())
}

fn not_set_up() -> Problem {
    Problem::not_found("certificate authority")
}

fn no_operation() -> Problem {
    Problem::bad_request("The operation must be GetCACaps, GetCACert or PKIOperation.")
}

/// A message in base64, whose plus signs may have become spaces on the way.
fn decoded(message: &str) -> Result<Vec<u8>, Problem> {
    let text: String = message.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    let text = text.replace(' ', "+");
    BASE64.decode(text.as_bytes()).map_err(|_| Problem::bad_request("The message is not base64."))
}

async fn capabilities(state: &AppState, tenant: Tenant) -> Result<Response, Problem> {
    let settings = state.db.read(move |tx| {
        let own = device_authority::issuer(tx, tenant)?;
        own.map(|_| apple_mdm_settings::settings(tx, tenant)).transpose()
    });
    let settings = settings.await?.ok_or_else(not_set_up)?;
    let text = scep::capabilities(settings.enrollment_algorithms());
    Ok(([(header::CONTENT_TYPE, "text/plain")], text).into_response())
}

async fn certificates(state: &AppState, tenant: Tenant) -> Result<Response, Problem> {
    let found = state.db.read(move |tx| device_authority::issuer(tx, tenant)).await?.ok_or_else(not_set_up)?;
    let message = cms::certificates(&found).map_err(|error| Problem::internal(&error))?;
    Ok(([(header::CONTENT_TYPE, CERTIFICATES)], message).into_response())
}

async fn answer(
    state: &AppState,
    tenant: Tenant,
    address: Option<Extension<ClientAddress>>,
    message: Vec<u8>,
) -> Result<Response, Problem> {
    slow_down(state, address.as_deref().copied())?;
    let answer = device_certificates::answer(&state.engine, tenant, message).await.map_err(|error| match error {
        Error::Invalid(problems) => {
            let why = problems.into_iter().map(|problem| problem.detail).collect::<Vec<_>>().join("; ");
            Problem::bad_request(format!("The message is not taken: {why}."))
        }
        error => error.into(),
    })?;
    Ok(([(header::CONTENT_TYPE, MESSAGE)], answer).into_response())
}
