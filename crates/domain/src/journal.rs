//! The journal: what changed, in the order it was committed. What everything that leaves the server is driven by.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    admin::SecondFactor,
    compliance::Compliance,
    detection::{ProtectionStatus, ThreatStatus},
    ids::{CommandId, DeviceId, NotificationId, ProfileId, SmartGroupId, TagId, ThreatId, UserId},
    level::RiskLevel,
    notification::{Channel, NotificationState, Trigger},
    posture::TargetReason,
    profile::{Desired, ProfileStatus, ResultStatus},
    time::Time,
};

/// One entry: everything that changed about one thing in one commit.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    /// Its place in the tenant's order of commits, from 1, without gaps.
    pub position: i64,
    /// When it was committed.
    pub at: Time,
    /// Who brought it about.
    pub actor: Actor,
    /// The device it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_id: Option<DeviceId>,
    /// The thing it is about, if that is not a device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<Object>,
    /// The ids of the source's messages that brought it about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<String>,
    /// What changed, in the order of the loop.
    pub changes: Vec<Change>,
}

/// Who brings a change about.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Actor {
    /// What kind of actor.
    pub kind: ActorKind,
    /// Its name: of the source, the token, the administrator, the device or the engine's task.
    pub name: String,
    /// The id of the token or administrator, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
}

impl Actor {
    /// An actor by kind and name.
    pub fn new(kind: ActorKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into(), id: None }
    }

    /// The same with an id.
    #[must_use]
    pub fn with_id(self, id: Uuid) -> Self {
        Self { id: Some(id), ..self }
    }
}

/// The kinds of actor.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActorKind {
    /// A source of detections.
    Source,
    /// Somebody with an API token or a session.
    Administrator,
    /// A device's agent.
    Device,
    /// The engine itself: time passed, or rules changed.
    Engine,
    /// Somebody with the command line on the server.
    Operator,
}

/// A thing that is not a device.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Object {
    /// What it is: `user`, `smart_group`, `profile`, …, the resource's name in the singular.
    pub kind: String,
    /// Its id; the name of the classification for a row of Protections.
    pub id: String,
    /// Its name.
    pub name: String,
}

/// One change.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Change {
    /// A device became known.
    DeviceCreated,
    /// A device enrolled.
    DeviceEnrolled,
    /// A device was unenrolled.
    DeviceUnenrolled,
    /// A device was deleted, with everything kept about it.
    DeviceDeleted,
    /// Facts about a device changed.
    DeviceChanged {
        /// The fields that changed.
        fields: Vec<String>,
    },
    /// A source gave a device a name of its own.
    AliasAdded {
        /// The source.
        source: String,
        /// Its name for the device.
        external_id: String,
    },
    /// A threat changed its status, or was seen for the first time.
    Threat {
        /// The threat.
        threat: ThreatId,
        /// Its kind.
        classification: String,
        /// The status before; none the first time.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        from: Option<ThreatStatus>,
        /// The status now.
        to: ThreatStatus,
        /// Why, where a person decided.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// The device's risk level.
    Risk {
        /// Before.
        from: RiskLevel,
        /// Now.
        to: RiskLevel,
    },
    /// The device's protection status.
    Protection {
        /// Before.
        from: ProtectionStatus,
        /// Now.
        to: ProtectionStatus,
    },
    /// The device's compliance.
    Compliance {
        /// Before.
        from: Compliance,
        /// Now.
        to: Compliance,
    },
    /// A tag was added to the device.
    TagAdded {
        /// The tag.
        tag: TagId,
        /// Its name.
        name: String,
    },
    /// A tag was removed from the device.
    TagRemoved {
        /// The tag.
        tag: TagId,
        /// Its name.
        name: String,
    },
    /// The device joined a smart group.
    SmartGroupJoined {
        /// The group.
        smart_group: SmartGroupId,
        /// Its name.
        name: String,
    },
    /// The device left a smart group.
    SmartGroupLeft {
        /// The group.
        smart_group: SmartGroupId,
        /// Its name.
        name: String,
    },
    /// What should be about a profile.
    Profile {
        /// The profile.
        profile: ProfileId,
        /// Its name.
        name: String,
        /// What should be.
        desired: Desired,
        /// Why.
        reason: TargetReason,
    },
    /// The device answered about a profile.
    ProfileReported {
        /// The profile.
        profile: ProfileId,
        /// Its name.
        name: String,
        /// The status that follows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        status: Option<ProfileStatus>,
        /// The device's own words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// A command was handed to the device.
    CommandIssued {
        /// The command.
        command: CommandId,
        /// What it asks.
        desired: Desired,
        /// The profile it is about.
        profile: ProfileId,
        /// The profile's name.
        name: String,
    },
    /// An administrator gave the device a command.
    CommandRequested {
        /// The command.
        command: CommandId,
        /// What it is called on the platform.
        request_type: String,
    },
    /// A command of an administrator was taken back before the device answered.
    CommandCancelled {
        /// The command.
        command: CommandId,
        /// What it is called on the platform.
        request_type: String,
        /// Why.
        reason: String,
    },
    /// The device answered to a command of an administrator.
    CommandAnswered {
        /// The command.
        command: CommandId,
        /// What it is called on the platform.
        request_type: String,
        /// Its answer.
        status: ResultStatus,
        /// The device's own words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// The device is not managed by its platform's means any more: it said so, or took the management off as it was told.
    ManagementRemoved,
    /// The device's owner said that it is put right, and asked that it is checked.
    CheckRequested {
        /// The command by which the device is told.
        command: CommandId,
    },
    /// The device answered that it has checked itself, or why not.
    CheckAnswered {
        /// Its answer.
        status: ResultStatus,
        /// The device's own words.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// The device's score, in points.
    Score {
        /// Before.
        from: f64,
        /// Now.
        to: f64,
    },
    /// The risk status of the device's user: the highest severity among the incidents on all the user's devices.
    UserRisk {
        /// The user.
        user: UserId,
        /// Before.
        from: RiskLevel,
        /// Now.
        to: RiskLevel,
    },
    /// Somebody was told about incidents, or was to be told and was left out.
    Notified {
        /// The notification.
        notification: NotificationId,
        /// What brought it about.
        trigger: Trigger,
        /// How.
        channel: Channel,
        /// The user told, or the device's user.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user: Option<UserId>,
        /// What became of it.
        state: NotificationState,
        /// Why, where it was left out or not sent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// An object came to be.
    Created {
        /// What it is now.
        #[schema(value_type = Object)]
        after: serde_json::Value,
    },
    /// An object was changed.
    Updated {
        /// What it was.
        #[schema(value_type = Object)]
        before: serde_json::Value,
        /// What it is now.
        #[schema(value_type = Object)]
        after: serde_json::Value,
    },
    /// An object was deleted.
    Deleted {
        /// What it was.
        #[schema(value_type = Object)]
        before: serde_json::Value,
    },
    /// An administrator signed in.
    SignedIn {
        /// What was given besides the password.
        second_factor: SecondFactor,
        /// The address they came from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
        /// What their browser calls itself.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        user_agent: Option<String>,
    },
    /// An administrator signed out.
    SignedOut {
        /// The address they came from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
    },
    /// Too many wrong attempts in a row locked an administrator's account.
    AccountLocked {
        /// Until when.
        until: Time,
        /// The address the last attempt came from.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        address: Option<String>,
    },
    /// Sessions of an administrator were ended before their time.
    SessionsEnded {
        /// How many.
        count: u32,
        /// The addresses they were begun from, each once.
        addresses: Vec<String>,
    },
    /// A source said something that concerns no device of ours.
    SourceNotice {
        /// What it said.
        summary: String,
    },
    /// A message of a source waits for its device, or could not be understood.
    SourceEventKept {
        /// The id under which it is kept.
        id: Uuid,
        /// Why.
        reason: String,
    },
}

impl Change {
    /// Whether it says what an administrator set up or did, rather than what became of devices and users.
    pub fn is_administrative(&self) -> bool {
        matches!(
            self,
            Change::Created { .. }
                | Change::Updated { .. }
                | Change::Deleted { .. }
                | Change::SignedIn { .. }
                | Change::SignedOut { .. }
                | Change::AccountLocked { .. }
                | Change::SessionsEnded { .. }
        )
    }
}
