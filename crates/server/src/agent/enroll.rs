//! A device comes with an enrollment token and leaves with a credential of its own.

use allclear_domain::{
    detection::ProtectionStatus,
    device::{ManagementType, Ownership},
    ids::DeviceId,
    journal::{Actor, ActorKind},
    level::Platform,
};
use allclear_engine::{
    Error,
    directory::enrollment::{self, NewDevice},
};
use allclear_store::tokens;
use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    access::{self, ClientAddress},
    app::AppState,
    auth::{Credential, Kind},
    extract::Json,
    problem::Problem,
};

/// A device that wants to enroll.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Enroll {
    /// The one-time credential an administrator made for the user.
    #[schema(example = "ace_1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    enrollment_token: String,
    /// What the device says of itself.
    device: EnrollingDevice,
}

/// What a device says of itself when it enrolls.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct EnrollingDevice {
    /// Its operating system.
    platform: Platform,
    /// The maker's serial number. Left out if the device does not tell.
    #[schema(min_length = 1, max_length = 200)]
    serial_number: Option<String>,
    /// Apple's device identifier.
    #[schema(min_length = 1, max_length = 200)]
    udid: Option<String>,
    /// The maker.
    #[schema(min_length = 1, max_length = 200)]
    manufacturer: Option<String>,
    /// The model.
    #[schema(min_length = 1, max_length = 200)]
    model: Option<String>,
    /// The version of the operating system.
    #[schema(min_length = 1, max_length = 200)]
    os_version: Option<String>,
    /// Android's security patch level, `YYYY-MM-DD`.
    #[schema(min_length = 1, max_length = 200)]
    security_patch_level: Option<String>,
    /// What people call it; left out: its user's name and its model.
    #[schema(min_length = 1, max_length = 100)]
    friendly_name: Option<String>,
    /// Whose it is.
    ownership: Option<Ownership>,
    /// How much of it is managed; left out: only the agent is on it.
    management: Option<ManagementType>,
    /// The id another management system knows it by.
    #[schema(min_length = 1, max_length = 200)]
    external_id: Option<String>,
    /// The cellular identity.
    #[schema(min_length = 1, max_length = 200)]
    imei: Option<String>,
    /// What its threat sensor says of itself; left out: it runs.
    protection_status: Option<ProtectionStatus>,
}

impl From<EnrollingDevice> for NewDevice {
    fn from(device: EnrollingDevice) -> Self {
        Self {
            platform: device.platform,
            serial_number: device.serial_number,
            udid: device.udid,
            external_id: device.external_id,
            imei: device.imei,
            manufacturer: device.manufacturer,
            model: device.model,
            os_version: device.os_version,
            security_patch_level: device.security_patch_level,
            friendly_name: device.friendly_name,
            ownership: device.ownership,
            management: device.management,
            protection_status: device.protection_status,
        }
    }
}

/// An enrolled device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(super) struct Enrolled {
    /// The device.
    device_id: DeviceId,
    /// The credential for everything else under `/agent/v1`. It is shown here and never again.
    #[schema(example = "acd_1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    device_token: String,
}

/// Enrolls a device
///
/// The enrollment token is used up. A device whose serial number or UDID is known is enrolled again: its former
/// credential is worth nothing any more, its threats stay.
#[utoipa::path(post, path = "/agent/v1/enroll", tag = "agent", operation_id = "enroll", request_body = Enroll,
    responses((status = 201, body = Enrolled),
        (status = 401, description = "The enrollment token is not valid, was used or has expired.", body = Problem,
            content_type = "application/problem+json"),
        (status = 409, description = "What the device says of itself belongs to another device.", body = Problem,
            content_type = "application/problem+json")))]
pub(super) async fn enroll(
    State(state): State<AppState>,
    address: Option<Extension<ClientAddress>>,
    Json(enroll): Json<Enroll>,
) -> Result<Response, Problem> {
    let refuse = |detail: &str| {
        let problem = Problem::unauthorized(detail);
        access::slow_down(&state, address.as_deref().copied(), problem)
    };
    let token = Credential::parse(&enroll.enrollment_token).filter(|token| token.kind == Kind::Enrollment);
    let token = token.ok_or_else(|| refuse(NOT_VALID))?;
    // Whoever guesses must not get as far as the writer.
    let known = state.db.read(move |tx| tokens::enrollment(tx, token.tenant, &token.hash)).await?;
    if known.is_none() {
        return Err(refuse(NOT_VALID));
    }
    let (secret, credential) = Credential::new(Kind::Device, token.tenant, state.source.secret());
    let device = NewDevice::from(enroll.device);
    let name = device.friendly_name.clone().or(device.serial_number.clone()).or(device.model.clone());
    let actor = Actor::new(ActorKind::Device, name.unwrap_or_else(|| "new device".to_owned()));
    let enrolled = state
        .engine
        .edit(token.tenant, actor, move |work| enrollment::enroll(work, &token.hash, &credential.hash, &device));
    let device_id = enrolled.await.map_err(|error| match error {
        Error::Forbidden(detail) => refuse(&crate::problem::sentence(&detail)),
        error => error.into(),
    })?;
    Ok((StatusCode::CREATED, Json(Enrolled { device_id, device_token: secret.reveal() })).into_response())
}

const NOT_VALID: &str = "The enrollment token is not valid.";
