//! What sources say: one message about one threat on one device, or about the sensor on a device.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    ids::DeviceId,
    level::{Platform, RiskLevel},
    time::Time,
};

/// The source of what this server itself finds: no message from outside may claim to be from it.
pub const BUILT_IN_SOURCE: &str = "allclear";

/// What a detection says of its threat.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ThreatStatus {
    /// The threat is there.
    Open,
    /// Somebody decided that it does not count.
    Ignored,
    /// The threat is gone.
    Resolved,
}

impl ThreatStatus {
    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ThreatStatus::Open => "open",
            ThreatStatus::Ignored => "ignored",
            ThreatStatus::Resolved => "resolved",
        }
    }
}

/// Which device a source means. Exactly one of the members is given.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeviceRef {
    /// Our own id.
    Id(DeviceId),
    /// The maker's serial number.
    SerialNumber(String),
    /// The device identifier of Apple devices.
    Udid(String),
    /// What the source itself calls the device; scoped to the source.
    ExternalId(String),
}

/// One message from a source about one threat on one device.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Detection {
    /// The source's id of this message; the same id again changes nothing. 1 to 200 bytes.
    pub event_id: String,
    /// Who says it: 1 to 64 characters of `a-z 0-9 _ -`, for example `lookout`.
    pub source: String,
    /// The device concerned.
    pub device: DeviceRef,
    /// The source's id of the threat, the same in every message about it. 1 to 200 bytes.
    pub threat_id: String,
    /// The kind of threat, a name from the Protections table such as `trojan`. A name not in the table is
    /// kept and rated like `unknown`.
    pub classification: String,
    /// What is said of the threat.
    pub status: ThreatStatus,
    /// When the source saw it. Decides between messages that arrive out of order.
    pub detected_at: Time,
    /// The source's own opinion, kept as evidence; decides only where the tenant trusts the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<RiskLevel>,
    /// Evidence: package names, hashes, network names. At most 16 KiB of JSON.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    #[schema(value_type = Object)]
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// What the threat sensor on a device says of itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProtectionStatus {
    /// Not activated yet.
    #[default]
    Pending,
    /// Running and in touch.
    Activated,
    /// Switched off by the user or an administrator.
    Deactivated,
    /// Silent for longer than the tenant allows.
    Disconnected,
    /// Removed from the device or out of reach.
    Unreachable,
}

impl ProtectionStatus {
    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            ProtectionStatus::Pending => "pending",
            ProtectionStatus::Activated => "activated",
            ProtectionStatus::Deactivated => "deactivated",
            ProtectionStatus::Disconnected => "disconnected",
            ProtectionStatus::Unreachable => "unreachable",
        }
    }
}

/// One message from a source about the sensor on a device and what it sees of the device.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SensorReport {
    /// The source's id of this message; the same id again changes nothing. 1 to 200 bytes.
    pub event_id: String,
    /// Who says it, as in [`Detection::source`].
    pub source: String,
    /// The device concerned, by one of the keys the device is known by to us.
    pub device: DeviceRef,
    /// The source's own id of the device. Kept, so that later messages may name the device by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// When the source said it.
    pub reported_at: Time,
    /// What the sensor says of itself, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protection_status: Option<ProtectionStatus>,
    /// Facts about the device the sensor sees; absent ones stay as they are.
    #[serde(default)]
    pub observed: Observed,
}

/// Facts about a device that change while it is in use. An absent one says nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Observed {
    /// The operating system, where the source names it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// The maker, for example `samsung`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// The model, for example `SM-A346B` or `iPhone15,2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The version of the operating system, for example `17.6.1`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// Android's security patch level, `YYYY-MM-DD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_patch_level: Option<String>,
}

/// Something a source says that concerns no single device, kept in the journal: a policy changed there, data was purged.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The source's id of this message; the same id again changes nothing. 1 to 200 bytes.
    pub event_id: String,
    /// Who says it, as in [`Detection::source`].
    pub source: String,
    /// When the source said it.
    pub at: Time,
    /// What it is about, in a few words.
    pub summary: String,
    /// The message's own members.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    #[schema(value_type = Object)]
    pub details: serde_json::Map<String, serde_json::Value>,
}

/// A message of a source that could not be turned into one of ours: kept, counted and shown, never dropped.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Unmapped {
    /// The source's id of the message, or a digest of it where it has none.
    pub event_id: String,
    /// Who sent it, as in [`Detection::source`].
    pub source: String,
    /// Why it could not be mapped, naming the member.
    pub reason: String,
    /// The message as it came, at most 64 KiB; longer ones are cut.
    pub raw: String,
}

/// Anything a source can tell us.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum SourceEvent {
    /// About a threat on a device.
    Detection(Detection),
    /// About the sensor on a device.
    Sensor(SensorReport),
    /// About nothing we hold.
    Notice(Notice),
    /// Not understood.
    Unmapped(Unmapped),
}
