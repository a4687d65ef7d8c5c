//! Devices check in: they begin to enroll, say how they are woken, ask for what is kept for them, and leave.

use allclear_channels::apple::{
    exchange,
    messages::{CheckIn, Endpoint, Introduction, Message},
    property_list,
};
use allclear_domain::{detection::ProtectionStatus, device::ManagementType, ids::Tenant, level::Platform, time::Time};
use allclear_engine::{
    apple_mdm::{self, Caller, Push},
    directory::enrollment::NewDevice,
};
use allclear_store::apple_enrollments::{self as enrollments, AppleEnrollment, EnrollmentState};
use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use plist::{Dictionary, Value};
use serde_json::json;

use super::{answer, paced, shown, unreadable};
use crate::{access::ClientAddress, app::AppState, extract::Json, problem::Problem};

/// What stands for "no declarations": it changes when they do.
const NO_DECLARATIONS: &str = "none";

/// Takes what a device says when it checks in
///
/// For Apple devices, as their protocol has it: the body is a property list.
#[utoipa::path(put, path = "/apple/v1/checkin", tag = "apple", operation_id = "check_apple_device_in",
    request_body(content = String, content_type = "application/x-apple-aspen-mdm-checkin",
        description = "A property list."),
    responses((status = 200, description = "What was asked for, or nothing.", body = String,
            content_type = "application/xml"),
        (status = 410, description = "People who use a device have no channel of their own.", body = Problem,
            content_type = "application/problem+json")))]
pub(super) async fn check_in(
    State(state): State<AppState>,
    address: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let address = address.map(|Extension(address)| address);
    let shown = shown(&state, address, &headers, &body).await?;
    let tenant = shown.tenant;
    let CheckIn { sender, message } = CheckIn::read(&body).map_err(|error| unreadable(&error))?;
    let caller = paced(&state, shown, &sender.identifier)?;
    if sender.user_channel || message == Message::UserAuthenticate {
        return Err(Problem::gone("People who use a device have no channel of their own here."));
    }
    if let Message::Authenticate(introduction) = message {
        authenticate(&state, tenant, caller, *introduction, sender.user_enrollment, &body).await?;
        return Ok(answer(None));
    }
    let enrollment = known(&state, tenant, caller).await?;
    let device = enrollment.device;
    match message {
        Message::TokenUpdate { topic, token, push_magic, unlock_token } => {
            let push = Push { token, magic: push_magic, topic };
            token_update(&state, tenant, enrollment, push, unlock_token, &body).await?;
        }
        Message::CheckOut => exchange::end(&state.engine, tenant, device).await?,
        Message::SetBootstrapToken(token) => {
            apple_mdm::set_bootstrap_token(&state.engine, tenant, device, token.as_deref()).await?;
        }
        Message::GetBootstrapToken => {
            let sealer = state.engine.sealer().clone();
            let kept = state.db.read(move |tx| enrollments::kept(tx, tenant, device)).await?;
            let token = kept.bootstrap_token.map(|token| apple_mdm::open(&sealer, tenant, &token)).transpose()?;
            return token.map_or_else(|| Ok(answer(None)), |token| data("BootstrapToken", token));
        }
        Message::GetToken => return Err(Problem::not_found("token")),
        Message::DeclarativeManagement(endpoint) => return declarations(endpoint, &enrollment),
        Message::Authenticate(_) | Message::UserAuthenticate => {}
    }
    Ok(answer(None))
}

/// The enrollment of who calls.
async fn known(state: &AppState, tenant: Tenant, caller: Caller) -> Result<AppleEnrollment, Problem> {
    let now = state.source.now();
    Ok(state.db.read(move |tx| apple_mdm::identify(tx, tenant, &caller, now)).await?)
}

async fn authenticate(
    state: &AppState,
    tenant: Tenant,
    caller: Caller,
    introduction: Introduction,
    user_enrollment: bool,
    said: &[u8],
) -> Result<(), Problem> {
    let management = if user_enrollment { ManagementType::UserEnrollment } else { ManagementType::DeviceEnrollment };
    let device = NewDevice {
        platform: Platform::Ios,
        serial_number: introduction.serial_number,
        udid: introduction.udid,
        external_id: None,
        imei: introduction.imei,
        manufacturer: Some("Apple".to_owned()),
        model: introduction.product_name.or(introduction.model_name),
        os_version: introduction.os_version,
        security_patch_level: None,
        friendly_name: None,
        ownership: None,
        management: Some(management),
        protection_status: Some(ProtectionStatus::Pending),
    };
    let (sealer, said, topic) = (state.engine.sealer().clone(), said.to_vec(), introduction.topic);
    let begun = state.engine.edit(tenant, exchange::device_actor(), move |work| {
        apple_mdm::begin(work, &sealer, &caller, &device, &topic, &said).map(|_| ())
    });
    Ok(begun.await?)
}

async fn token_update(
    state: &AppState,
    tenant: Tenant,
    enrollment: AppleEnrollment,
    push: Push,
    unlock_token: Option<Vec<u8>>,
    said: &[u8],
) -> Result<(), Problem> {
    let unlock = unlock_token.as_deref();
    if enrollment.state == EnrollmentState::Enabled {
        let device = enrollment.device;
        return Ok(apple_mdm::update_push(&state.engine, tenant, device, &push, unlock, said).await?);
    }
    let (sealer, said) = (state.engine.sealer().clone(), said.to_vec());
    let enabled = state.engine.edit(tenant, exchange::device_actor(), move |work| {
        apple_mdm::enable(work, &sealer, &enrollment, &push, unlock_token.as_deref(), &said)
    });
    Ok(enabled.await?)
}

/// A property list with one piece of data.
fn data(key: &str, bytes: Vec<u8>) -> Result<Response, Problem> {
    let members = Dictionary::from_iter([(key.to_owned(), Value::Data(bytes))]);
    let plist = property_list::write(members).map_err(|error| Problem::internal(&error))?;
    Ok(answer(Some(plist)))
}

/// What a device is told of declarations: that there are none. Only what the protocol knows is answered.
fn declarations(endpoint: Endpoint, enrollment: &AppleEnrollment) -> Result<Response, Problem> {
    match endpoint {
        Endpoint::Tokens => {
            let timestamp = whole_seconds(enrollment.began_at);
            let tokens = json!({"Timestamp": timestamp, "DeclarationsToken": NO_DECLARATIONS});
            Ok(Json(json!({"SyncTokens": tokens})).into_response())
        }
        Endpoint::Items => {
            let none = json!({"Activations": [], "Assets": [], "Configurations": [], "Management": []});
            Ok(Json(json!({"Declarations": none, "DeclarationsToken": NO_DECLARATIONS})).into_response())
        }
        Endpoint::Status => Ok(StatusCode::OK.into_response()),
        Endpoint::Declaration => Err(Problem::not_found("declaration")),
        Endpoint::Unknown => Err(Problem::bad_request("The endpoint is not known.")),
    }
}

fn whole_seconds(at: Time) -> Time {
    Time::from_micros(at.as_micros().div_euclid(1_000_000) * 1_000_000)
}
