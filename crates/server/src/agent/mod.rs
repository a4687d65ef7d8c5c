//! The interface of device agents: they enroll, take commands, answer, and report what they see.
//!
//! A device speaks only for itself: its credential says which one it is. An agent's messages are told apart by device
//! and event id, so that agents may count their events as they like.

mod enroll;
mod messages;
mod push_token;

use std::time::Duration;

use allclear_channels::agent::{self, Command};
use allclear_domain::{
    app::{self, App},
    detection::{Detection, DeviceRef, Observed, ProtectionStatus, ThreatStatus},
    device::SecurityState,
    ids::{CommandId, DeviceId, ProfileId},
    level::RiskLevel,
    profile::ResultStatus,
    time::Time,
};
use allclear_engine::ingest::{Fact, Inventory, Outcome};
use allclear_store::sources;
use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    api::{
        batch::{self, Batch, Rejected},
        detections::{Taken, hand_in},
        messages_link,
    },
    app::AppState,
    auth::DevicePrincipal,
    check::Check,
    extract::{Json, Path, Query},
    problem::Problem,
};

/// What an agent's detections are from unless it says otherwise.
const SOURCE: &str = "agent";
/// The longest event id of an agent, in bytes; the device's id is put to it.
const MAX_EVENT_ID: usize = 160;
/// The most profiles in one inventory.
const MAX_PROFILES: usize = 500;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(enroll::enroll))
        .routes(routes!(commands))
        .routes(routes!(result))
        .routes(routes!(detections))
        .routes(routes!(inventory))
        .merge(messages::router())
        .merge(push_token::router())
        .routes(routes!(messages_link::open))
}

/// How long to wait for commands.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct CommandParams {
    /// Seconds to wait if there is nothing to do.
    #[param(minimum = 0, maximum = 60, default = 0)]
    wait: Option<u64>,
    /// Whether messages that wait for the device are something to do, too: then `messages_waiting` says so at once.
    messages: Option<bool>,
}

/// What a device is to do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Commands {
    /// In this order. Empty if there is nothing to do.
    commands: Vec<Command>,
    /// Whether there are messages that the device has not fetched; only if that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    messages_waiting: Option<bool>,
}

/// What there is to do
///
/// Waits for something to do for at most `wait` seconds. A command without an answer is handed out again under its id;
/// one whose reason has gone is not handed out any more. After a command was answered, ask again.
#[utoipa::path(get, path = "/agent/v1/commands", tag = "agent", operation_id = "get_commands", params(CommandParams),
    responses((status = 200, body = Commands)))]
async fn commands(
    State(state): State<AppState>,
    who: DevicePrincipal,
    Query(params): Query<CommandParams>,
) -> Result<Json<Commands>, Problem> {
    let wait = Duration::from_secs(params.wait.unwrap_or(0));
    if wait > agent::MAX_WAIT {
        return Err(Problem::invalid_field("wait", format!("must be at most {}", agent::MAX_WAIT.as_secs())));
    }
    let stopping = state.stopping.cancelled();
    let messages = params.messages.unwrap_or(false);
    let polled = agent::commands(&state.engine, who.tenant, who.device, wait, messages, stopping).await?;
    Ok(Json(Commands { commands: polled.commands, messages_waiting: messages.then_some(polled.messages) }))
}

/// What became of a command on the device.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommandResult {
    /// What became of it. `not_now`: it is handed out again after a pause.
    status: ResultStatus,
    /// Why, in the device's own words. Cut to 1,000 bytes.
    detail: Option<String>,
}

/// What an answer came to.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ResultTaken {
    /// Whether anything waited for it.
    outcome: ResultOutcome,
}

/// Whether anything waited for an answer.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ResultOutcome {
    /// The command waited for it, and it is written down.
    Recorded,
    /// The command was settled before or never given; nothing changed.
    Settled,
}

/// Answers to a command
#[utoipa::path(post, path = "/agent/v1/commands/{id}/result", tag = "agent", operation_id = "answer_command",
    request_body = CommandResult, params(("id" = CommandId, Path, description = "The command.")),
    responses((status = 200, body = ResultTaken)))]
async fn result(
    State(state): State<AppState>,
    who: DevicePrincipal,
    Path(command): Path<CommandId>,
    Json(result): Json<CommandResult>,
) -> Result<Json<ResultTaken>, Problem> {
    let fact = Fact::Answered { device: who.device, command, status: result.status, detail: result.detail };
    let outcome = match submit(&state, &who, fact).await? {
        Outcome::Accepted => ResultOutcome::Recorded,
        _ => ResultOutcome::Settled,
    };
    Ok(Json(ResultTaken { outcome }))
}

/// Hands one fact in; a device that was deleted meanwhile is told so.
async fn submit(state: &AppState, who: &DevicePrincipal, fact: Fact) -> Result<Outcome, Problem> {
    let outcomes = state.engine.submit(who.tenant, vec![fact]).await?;
    match outcomes.into_iter().next() {
        Some(Outcome::Rejected { code: "unknown_device", .. }) | None => Err(Problem::not_found("device")),
        Some(Outcome::Rejected { detail, .. }) => Err(Problem::invalid_field("", detail)),
        Some(outcome) => Ok(outcome),
    }
}

/// A detection of the device's own agent.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentDetection {
    /// The agent's id of this message; the same from the same device again changes nothing. 1 to 160 bytes.
    #[schema(min_length = 1, max_length = 160)]
    event_id: String,
    /// Who says it; not the name of a connected threat feed.
    #[serde(default = "source")]
    #[schema(default = "agent")]
    source: String,
    /// The agent's id of the threat, the same in every message about it. 1 to 200 bytes.
    threat_id: String,
    /// The kind of threat, a name from the Protections table such as `trojan`.
    classification: String,
    /// What is said of the threat.
    status: ThreatStatus,
    /// When the agent saw it. Decides between messages that arrive out of order.
    detected_at: Time,
    /// The agent's own opinion.
    severity: Option<RiskLevel>,
    /// Evidence: package names, hashes, network names. At most 16 KiB of JSON.
    #[serde(default)]
    #[schema(value_type = Object)]
    details: serde_json::Map<String, serde_json::Value>,
}

fn source() -> String {
    SOURCE.to_owned()
}

impl AgentDetection {
    /// As a detection about the device, or why it cannot be: code and sentence.
    fn about(self, device: DeviceId, feeds: &[String]) -> Result<Detection, (&'static str, String)> {
        if !(1..=MAX_EVENT_ID).contains(&self.event_id.len()) {
            return Err(("invalid_id", format!("event_id must be 1 to {MAX_EVENT_ID} bytes")));
        }
        if feeds.contains(&self.source) {
            return Err(("invalid_source", format!("source {:?} is a threat feed, not an agent", self.source)));
        }
        Ok(Detection {
            event_id: format!("{}@{device}", self.event_id),
            source: self.source,
            device: DeviceRef::Id(device),
            threat_id: self.threat_id,
            classification: self.classification,
            status: self.status,
            detected_at: self.detected_at,
            severity: self.severity,
            details: self.details,
        })
    }
}

/// One detection or several.
#[derive(ToSchema)]
#[schema(as = AgentDetections)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the body, which is read item by item")]
enum DetectionsBody {
    One(AgentDetection),
    Several(Vec<AgentDetection>),
}

/// Hands detections on this device in
///
/// As `POST /api/v1/detections`, without `device`. The answer comes after the commit.
#[utoipa::path(post, path = "/agent/v1/detections", tag = "agent", operation_id = "submit_agent_detections",
    request_body(content((DetectionsBody = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 200, body = Taken)))]
async fn detections(State(state): State<AppState>, who: DevicePrincipal, batch: Batch) -> Result<Json<Taken>, Problem> {
    let mut taken = Taken::default();
    let mut detections: Vec<(usize, Detection)> = Vec::new();
    let feeds = state.engine.read(who.tenant, move |tx, _| Ok(sources::feeds(tx, who.tenant)?)).await?;
    for (index, item) in batch.items()?.into_iter().enumerate() {
        let read = batch::read::<AgentDetection>(item).map_err(|detail| ("invalid", detail));
        match read.and_then(|detection| detection.about(who.device, &feeds)) {
            Ok(detection) => detections.push((index, detection)),
            Err((code, detail)) => taken.rejected.push(Rejected { index, code, detail }),
        }
    }
    hand_in(&state, who.tenant, detections, taken).await.map(Json)
}

/// What the agent sees of its device. What is left out says nothing.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AgentInventory {
    /// The maker.
    #[schema(max_length = 200, example = "samsung")]
    manufacturer: Option<String>,
    /// The model.
    #[schema(max_length = 200, example = "SM-A346B")]
    model: Option<String>,
    /// The version of the operating system.
    #[schema(max_length = 200, example = "17.6.1")]
    os_version: Option<String>,
    /// Android's security patch level, `YYYY-MM-DD`.
    #[schema(max_length = 200)]
    security_patch_level: Option<String>,
    /// Whether a passcode, pattern or password is asked to unlock it.
    passcode_present: Option<bool>,
    /// Whether its data is encrypted.
    encrypted: Option<bool>,
    /// Whether the system's own protection is broken: rooted (Android) or jailbroken (iOS).
    rooted: Option<bool>,
    /// Android: whether it starts systems that are not the maker's.
    bootloader_unlocked: Option<bool>,
    /// Android: whether a computer may debug it by cable.
    usb_debugging: Option<bool>,
    /// Whether developer options or Developer Mode are on.
    developer_mode: Option<bool>,
    /// Android: whether apps may be installed from outside the store.
    unknown_sources: Option<bool>,
    /// What the threat sensor says of itself.
    protection_status: Option<ProtectionStatus>,
    /// All profiles that are on the device. What we thought is corrected by it.
    #[schema(max_items = 500)]
    profiles: Option<Vec<InstalledProfile>>,
    /// All apps that are on the device, as far as the agent sees them. They are compared with the indicators.
    #[schema(max_items = 3_000)]
    apps: Option<Vec<App>>,
    /// The identifiers and UUIDs of all configuration profiles on the device, whoever put them there.
    #[schema(max_items = 500)]
    profiles_seen: Option<Vec<String>>,
}

/// A profile that is on a device.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct InstalledProfile {
    /// The profile.
    profile_id: ProfileId,
    /// The version.
    version: u32,
}

/// Reports what the agent sees of its device
///
/// What the tenant's posture rules find wrong with it opens a threat of the source `allclear` on the device in the same
/// commit, and resolves it once the device reports that it is right.
#[utoipa::path(post, path = "/agent/v1/inventory", tag = "agent", operation_id = "report_inventory",
    request_body = AgentInventory, responses((status = 204)))]
async fn inventory(
    State(state): State<AppState>,
    who: DevicePrincipal,
    Json(seen): Json<AgentInventory>,
) -> Result<StatusCode, Problem> {
    let mut check = Check::default();
    for (pointer, text) in [
        ("/manufacturer", &seen.manufacturer),
        ("/model", &seen.model),
        ("/os_version", &seen.os_version),
        ("/security_patch_level", &seen.security_patch_level),
    ] {
        if let Some(text) = text {
            check.line(pointer, text, 200);
        }
    }
    let count = seen.profiles.as_ref().map_or(0, Vec::len);
    check.that(count <= MAX_PROFILES, "/profiles", "holds more than 500 profiles");
    let count = seen.apps.as_ref().map_or(0, Vec::len);
    check.that(count <= app::MOST_APPS, "/apps", "holds more than 3000 apps");
    for (place, one) in seen.apps.iter().flatten().enumerate() {
        let sound = (1..=app::LONGEST).contains(&one.identifier.len()) && one.clone().tidy().is_some();
        check.that(sound, &format!("/apps/{place}/identifier"), "must have 1 to 255 bytes and be visible");
        for (member, digest, read) in [
            ("certificate_sha256", &one.certificate_sha256, app::sha256 as fn(&str) -> Option<String>),
            ("certificate_sha1", &one.certificate_sha1, app::sha1),
            ("sha256", &one.sha256, app::sha256),
        ] {
            let sound = digest.as_deref().is_none_or(|digest| read(digest).is_some());
            check.that(sound, &format!("/apps/{place}/{member}"), "is no such digest in hexadecimal");
        }
    }
    let count = seen.profiles_seen.as_ref().map_or(0, Vec::len);
    check.that(count <= MAX_PROFILES, "/profiles_seen", "holds more than 500 profiles");
    check.finish()?;
    let inventory = Inventory {
        observed: Observed {
            platform: None,
            manufacturer: seen.manufacturer,
            model: seen.model,
            os_version: seen.os_version,
            security_patch_level: seen.security_patch_level,
        },
        security: SecurityState {
            passcode_present: seen.passcode_present,
            encrypted: seen.encrypted,
            rooted: seen.rooted,
            bootloader_unlocked: seen.bootloader_unlocked,
            usb_debugging: seen.usb_debugging,
            developer_mode: seen.developer_mode,
            unknown_sources: seen.unknown_sources,
        },
        supervised: None,
        protection_status: seen.protection_status,
        installed: seen.profiles.map(|all| all.into_iter().map(|one| (one.profile_id, one.version)).collect()),
        apps: seen.apps,
        profiles_seen: seen.profiles_seen,
    };
    submit(&state, &who, Fact::Inventory { device: who.device, inventory }).await?;
    Ok(StatusCode::NO_CONTENT)
}

#[cfg(test)]
pub(crate) mod tests;
