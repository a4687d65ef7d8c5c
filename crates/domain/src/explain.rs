//! Reasons, written down by the evaluation itself while it decides.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    compliance::Compliance,
    detection::ProtectionStatus,
    ids::{ProfileId, SmartGroupId, TagId, ThreatId},
    level::RiskLevel,
    posture::TargetReason,
    profile::Desired,
    protections::Decider,
    score::MilliPoints,
    smart_group::Criterion,
    time::Time,
    verdict::Verdict,
};

/// One step of an evaluation and what it rests on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "about", rename_all = "snake_case")]
pub enum Reason {
    /// How one threat was rated.
    Threat {
        /// The threat.
        threat: ThreatId,
        /// Its kind, the row of Protections.
        classification: String,
        /// The level that row, or the source, gives it.
        level: RiskLevel,
        /// Whose word that is.
        decided_by: Decider,
        /// Whether it counts.
        open: bool,
        /// Since when it is as it is.
        since: Time,
        /// What it adds to the score, in thousandths of a point.
        score: MilliPoints,
    },
    /// The device's risk level.
    Risk {
        /// The level.
        level: RiskLevel,
        /// The open threats of that level.
        threats: Vec<ThreatId>,
    },
    /// The device's protection status.
    Protection {
        /// The status.
        status: ProtectionStatus,
        /// What the sensor said last.
        reported: Option<ProtectionStatus>,
        /// When something was last heard of the device.
        last_contact: Option<Time>,
        /// Whether the status comes from silence.
        silent: bool,
    },
    /// The device's compliance.
    Compliance {
        /// The outcome.
        compliance: Compliance,
        /// The risk level it rests on.
        risk: RiskLevel,
        /// The lowest level that makes a device not compliant.
        not_compliant_from: RiskLevel,
        /// The protection status it rests on.
        protection: ProtectionStatus,
    },
    /// A tag on the device.
    Tag {
        /// The tag.
        tag: TagId,
        /// Where it comes from.
        because: TagReason,
    },
    /// The membership in a smart group.
    SmartGroup {
        /// The group.
        smart_group: SmartGroupId,
        /// What the criteria, additions and exclusions say together.
        verdict: Verdict,
        /// Whether the device is in it: unknown leaves it as it was.
        member: bool,
        /// What the verdict rests on.
        because: Vec<GroupReason>,
    },
    /// What should be about a profile.
    Profile {
        /// The profile.
        profile: ProfileId,
        /// What should be.
        desired: Desired,
        /// Why.
        because: TargetReason,
        /// The assigned smart groups the device is in.
        through: Vec<SmartGroupId>,
        /// The installation waits for its window until then.
        held_until: Option<Time>,
        /// What parts of the profile have no effect on this device, in words.
        without_effect: Vec<String>,
    },
}

/// Where a tag comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TagReason {
    /// Somebody set it.
    Set,
    /// The engine, from the risk level.
    Risk,
    /// The engine, from the protection status.
    Protection,
    /// The engine, from an open threat of that classification.
    Threat,
}

/// What the membership in a smart group rests on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum GroupReason {
    /// The device lies outside the organization group the smart group lives in.
    OutsideOrganizationGroup,
    /// One criterion.
    Criterion {
        /// Which one.
        criterion: Criterion,
        /// What it says.
        verdict: Verdict,
    },
    /// The device itself was added.
    DeviceAdded,
    /// Its user was added.
    UserAdded,
    /// Users were added, and it is not known whose the device is.
    UserUnknown,
    /// The device itself was excluded.
    DeviceExcluded,
    /// Its user was excluded.
    UserExcluded,
    /// A user group of its user was excluded.
    UserGroupExcluded,
}

/// Where an evaluation writes its reasons.
pub trait Witness {
    /// Takes a reason down. The reason is only made if the witness wants it.
    fn note(&mut self, reason: impl FnOnce() -> Reason);

    /// Whether reasons are wanted, for callers that would have to gather material first.
    fn wants(&self) -> bool;
}

/// A witness that wants nothing.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Witness for Silent {
    fn note(&mut self, _: impl FnOnce() -> Reason) {}

    fn wants(&self) -> bool {
        false
    }
}

impl Witness for Vec<Reason> {
    fn note(&mut self, reason: impl FnOnce() -> Reason) {
        self.push(reason());
    }

    fn wants(&self) -> bool {
        true
    }
}
