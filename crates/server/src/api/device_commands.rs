//! Commands that administrators give a device: lock it, erase it, ask it something. Each is given once and has one result.

use allclear_channels::{
    android,
    apple::{property_list, requests},
};
use allclear_domain::{
    device_command::{self, CommandState, Request},
    ids::{CommandId, DeviceId},
    journal::Actor,
    level::Platform,
    rights::Right,
    time::Time,
};
use allclear_engine::{
    Error, apple_mdm,
    device_commands::{self, DEFAULT_HOURS, NewCommand as New},
    devices,
    rules::profiles,
};
use allclear_store::device_commands::{self as stored, DeviceCommand as Stored};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Path},
    page::{List, NoFilter, Page, PageParams},
    problem::Problem,
};

/// A command that was given to a device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeviceCommand {
    /// Its id; the device is given it under the same.
    id: CommandId,
    /// What it is called on the platform.
    #[schema(example = "DeviceLock")]
    request_type: String,
    /// How far it has come.
    state: CommandState,
    /// Who gave it.
    requested_by: Actor,
    /// When it was given.
    created_at: Time,
    /// From when on the device is not given it any more.
    expires_at: Time,
    /// When the device was given it last; null before.
    #[schema(required = true)]
    sent_at: Option<Time>,
    /// When the device answered; null before. A command that was taken back too late may have been answered as well.
    #[schema(required = true)]
    answered_at: Option<Time>,
    /// The device's own words, or why it was taken back.
    #[schema(required = true)]
    detail: Option<String>,
}

impl From<Stored> for DeviceCommand {
    fn from(command: Stored) -> Self {
        Self {
            id: command.id,
            request_type: command.request_type,
            state: command.state,
            requested_by: command.requested_by,
            created_at: command.created_at,
            expires_at: command.expires_at,
            sent_at: command.sent_at,
            answered_at: command.answered_at,
            detail: command.detail,
        }
    }
}

/// A command with what it says and what was answered.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeviceCommandContents {
    /// What is known about it.
    #[serde(flatten)]
    about: DeviceCommand,
    /// What it says, in the platform's words; null without the right to give such commands.
    #[schema(value_type = Option<Object>, required = true)]
    payload: Option<Value>,
    /// All the device answered, in its own words; data is in base64. Null before it answered.
    #[schema(value_type = Option<Object>, required = true)]
    answer: Option<Value>,
}

/// A command to be given.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeviceCommand {
    /// What the device is to do.
    command: Request,
    /// The name of the device, repeated: needed to erase it, to clear its passcode and to begin lost mode.
    confirm: Option<String>,
    /// How long the device has to answer, in hours.
    #[schema(minimum = 1, maximum = 2160, default = 168)]
    expires_in_hours: Option<u32>,
}

/// What commands are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The time they were given, newest first.
    #[default]
    Newest,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get)).routes(routes!(cancel))
}

/// Commands given to a device, newest first
///
/// Those of administrators. What profiles ask for is with the device's profiles.
#[utoipa::path(get, path = "/api/v1/devices/{id}/commands", tag = "device-commands",
    operation_id = "list_device_commands",
    params(PageParams, ("id" = DeviceId, Path, description = "The device.")),
    responses((status = 200, body = Page<DeviceCommand>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
    list: List<NoFilter, SortBy>,
) -> Result<Json<Page<DeviceCommand>>, Problem> {
    if list.descending {
        return Err(Problem::invalid_field("sort", "must be newest"));
    }
    let (before, limit, now) = (list.after::<CommandId>()?, list.fetch(), state.source.now());
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        devices::read(tx, rules, principal.tenant, principal.reach, id)?;
        Ok(stored::list(tx, principal.tenant, id, before, limit, now)?)
    });
    list.page(found.await?.into_iter().map(DeviceCommand::from).collect(), |command| command.id).map(Json)
}

/// Gives a device a command
///
/// It waits until the device comes, and is given to it until it answers. What does harm needs `wipe_devices` and the
/// device's name in `confirm`; what is said in the platform's own words needs `send_raw_commands`; all else
/// `command_devices`.
#[utoipa::path(post, path = "/api/v1/devices/{id}/commands", tag = "device-commands",
    operation_id = "create_device_command", request_body = NewDeviceCommand,
    params(("id" = DeviceId, Path, description = "The device.")), responses((status = 201, body = DeviceCommand)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
    Json(new): Json<NewDeviceCommand>,
) -> Result<Response, Problem> {
    let who = principal.clone();
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        Ok(devices::read(tx, rules, who.tenant, who.reach, id)?.facts.device.platform)
    });
    let raw = matches!(new.command, Request::Raw { .. });
    let (request_type, payload, needs_unlock_token) =
        in_words_of(found.await?, &new.command).map_err(|error| error.below("/command"))?;
    may_give(&principal, &request_type, raw)?;
    let new = New {
        payload,
        needs_unlock_token,
        request_type,
        confirm: new.confirm,
        hours: new.expires_in_hours.unwrap_or(DEFAULT_HOURS),
    };
    let (reach, sealer) = (principal.reach, state.engine.sealer().clone());
    let made = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        let command = device_commands::request(work, &sealer, reach, id, &new)?;
        let (tenant, now) = (work.tenant, work.now);
        stored::get(work.tx, tenant, id, command, now)?.ok_or(Error::NotFound("command"))
    });
    let made: DeviceCommand = made.await?.into();
    let location = [(header::LOCATION, format!("/api/v1/devices/{id}/commands/{}", made.id))];
    Ok((StatusCode::CREATED, location, Json(made)).into_response())
}

/// What a platform calls a command, what it says, and whether it needs what the device gave us to clear its passcode with.
fn in_words_of(platform: Platform, request: &Request) -> Result<(String, String, bool), Error> {
    match platform {
        Platform::Ios => {
            let command = requests::command(request)?;
            Ok((command.request_type.clone(), command.to_xml()?, command.needs_unlock_token()))
        }
        Platform::Android => {
            Ok((android::requests::kind(request)?.to_owned(), android::requests::kept(request)?, false))
        }
    }
}

/// What was said, as JSON: of an Apple device it is a property list.
fn shown(said: &[u8]) -> Option<Value> {
    let plist = || property_list::read(said).ok().map(|said| property_list::members_to_json(&said));
    serde_json::from_slice(said).ok().or_else(plist)
}

fn without_secrets(mut said: Value) -> Value {
    if let Some(password) = said.get_mut("new_password").filter(|password| !password.is_null()) {
        *password = profiles::MASK.into();
    }
    said
}

/// Refuses who may not give such a command.
fn may_give(principal: &Principal, request_type: &str, raw: bool) -> Result<(), Problem> {
    device_command::rights(request_type, raw).into_iter().try_for_each(|right| principal.require(right))
}

/// One command, with all the device answered
#[utoipa::path(get, path = "/api/v1/devices/{id}/commands/{command_id}", tag = "device-commands",
    operation_id = "get_device_command",
    params(("id" = DeviceId, Path, description = "The device."),
        ("command_id" = CommandId, Path, description = "The command.")),
    responses((status = 200, body = DeviceCommandContents)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path((id, command)): Path<(DeviceId, CommandId)>,
) -> Result<Json<DeviceCommandContents>, Problem> {
    let (now, sealer) = (state.source.now(), state.engine.sealer().clone());
    let sees_payload = principal.rights.contains(&Right::SendRawCommands);
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let tenant = principal.tenant;
        devices::read(tx, rules, tenant, principal.reach, id)?;
        let about = stored::get(tx, tenant, id, command, now)?.ok_or(Error::NotFound("command"))?;
        let (payload, answer) = stored::contents(tx, tenant, command)?.ok_or(Error::NotFound("command"))?;
        let payload = sees_payload.then(|| sealer.open(tenant, &payload)).transpose()?;
        let answer = answer.map(|answer| apple_mdm::open(&sealer, tenant, &answer)).transpose()?;
        Ok((about, payload, answer))
    });
    let (about, payload, answer) = found.await?;
    Ok(Json(DeviceCommandContents {
        about: about.into(),
        payload: payload.and_then(|payload| shown(payload.as_bytes())).map(without_secrets),
        answer: answer.and_then(|answer| shown(&answer)),
    }))
}

/// Takes a command back
///
/// The device is not given it any more. One that it was given already it may carry out all the same; what it answers then
/// is written down beside. 409 if it is settled.
#[utoipa::path(post, path = "/api/v1/devices/{id}/commands/{command_id}/cancel", tag = "device-commands",
    operation_id = "cancel_device_command",
    params(("id" = DeviceId, Path, description = "The device."),
        ("command_id" = CommandId, Path, description = "The command.")),
    responses((status = 200, body = DeviceCommand)))]
async fn cancel(
    State(state): State<AppState>,
    principal: Principal,
    Path((id, command)): Path<(DeviceId, CommandId)>,
) -> Result<Json<DeviceCommand>, Problem> {
    let (tenant, reach, now) = (principal.tenant, principal.reach, state.source.now());
    let found = state.engine.read(tenant, move |tx, rules| {
        devices::read(tx, rules, tenant, reach, id)?;
        stored::get(tx, tenant, id, command, now)?.ok_or(Error::NotFound("command"))
    });
    may_give(&principal, &found.await?.request_type, false)?;
    let taken_back = state.engine.edit(tenant, principal.actor(), move |work| {
        device_commands::cancel(work, reach, id, command)?;
        let now = work.now;
        stored::get(work.tx, tenant, id, command, now)?.ok_or(Error::NotFound("command"))
    });
    Ok(Json(taken_back.await?.into()))
}
