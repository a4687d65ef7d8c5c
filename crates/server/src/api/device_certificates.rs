//! By which certificates a device shows who it is, and taking that from one.

use allclear_domain::{
    ids::{DeviceId, TokenId},
    time::Time,
};
use allclear_engine::device_certificates;
use allclear_store::{device_certificates as stored, tokens::Hash};
use axum::{extract::State, http::StatusCode};
use data_encoding::HEXLOWER;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Path},
    problem::Problem,
};

/// A certificate of a device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeviceCertificate {
    /// SHA-256 of it in hexadecimal.
    fingerprint: String,
    /// Who issued it.
    issuer: String,
    /// Whether that is the tenant's own authority.
    own: bool,
    /// The enrollment token for which it was issued.
    enrollment_token_id: TokenId,
    /// From when on it is good.
    not_before: Time,
    /// Until when it is good.
    not_after: Time,
    /// When it was issued, or seen for the first time.
    created_at: Time,
    /// When it was revoked; null: it was not.
    #[schema(required = true)]
    revoked_at: Option<Time>,
}

impl From<stored::DeviceCertificate> for DeviceCertificate {
    fn from(stored: stored::DeviceCertificate) -> Self {
        Self {
            fingerprint: HEXLOWER.encode(&stored.fingerprint),
            issuer: stored.issuer,
            own: stored.own,
            enrollment_token_id: stored.token,
            not_before: stored.not_before,
            not_after: stored.not_after,
            created_at: stored.created_at,
            revoked_at: stored.revoked_at,
        }
    }
}

/// The certificates of a device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeviceCertificates {
    /// Newest first, at most 100.
    items: Vec<DeviceCertificate>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(revoke))
}

/// The certificates of a device
///
/// By which it shows who it is where its platform has such: devices under Apple's management.
#[utoipa::path(get, path = "/api/v1/devices/{id}/certificates", tag = "devices", operation_id = "list_device_certificates",
    params(("id" = DeviceId, Path, description = "The device.")), responses((status = 200, body = DeviceCertificates)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
) -> Result<Json<DeviceCertificates>, Problem> {
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        device_certificates::list(tx, rules, principal.tenant, principal.reach, id)
    });
    Ok(Json(DeviceCertificates { items: found.await?.into_iter().map(DeviceCertificate::from).collect() }))
}

/// Revokes a certificate of a device
///
/// The device is not heard with it any more; under Apple's management it has to enroll again. Done again, it changes
/// nothing.
#[utoipa::path(post, path = "/api/v1/devices/{id}/certificates/{fingerprint}/revoke", tag = "devices",
    operation_id = "revoke_device_certificate",
    params(("id" = DeviceId, Path, description = "The device."),
        ("fingerprint" = String, Path, description = "SHA-256 of the certificate in hexadecimal.")),
    responses((status = 204)))]
async fn revoke(
    State(state): State<AppState>,
    principal: Principal,
    Path((id, fingerprint)): Path<(DeviceId, String)>,
) -> Result<StatusCode, Problem> {
    let fingerprint = HEXLOWER.decode(fingerprint.to_ascii_lowercase().as_bytes()).ok();
    let fingerprint = fingerprint.and_then(|bytes| Hash::try_from(bytes).ok()).unwrap_or_default();
    let reach = principal.reach;
    let revoked = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        device_certificates::revoke(work, reach, id, &fingerprint)
    });
    revoked.await?;
    Ok(StatusCode::NO_CONTENT)
}
