//! Posture: everything derived about one device, and the difference between two of them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    compliance::Compliance,
    detection::ProtectionStatus,
    ids::{ProfileId, SmartGroupId, TagId},
    level::RiskLevel,
    profile::Desired,
    score::MilliPoints,
    time::Time,
};

/// Everything derived about one device.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Posture {
    /// The highest level among its open threats.
    pub risk: RiskLevel,
    /// What its sensor last said, or disconnected after too long a silence.
    pub protection: ProtectionStatus,
    /// Whether it may be trusted.
    pub compliance: Compliance,
    /// Ordinary tags and the engine's. Sorted.
    pub tags: Vec<TagId>,
    /// Smart groups it is in. Sorted.
    pub smart_groups: Vec<SmartGroupId>,
    /// Profiles that concern it. Sorted by profile.
    pub profiles: Vec<ProfileTarget>,
    /// The sum of its incidents' scores.
    pub score: MilliPoints,
    /// Open incidents of level low, medium and high.
    pub incidents: [u32; 3],
    /// Open threats of any level.
    pub open_threats: u32,
}

/// What one profile should be on one device.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProfileTarget {
    /// The profile.
    pub profile: ProfileId,
    /// What should be.
    pub desired: Desired,
    /// Why.
    pub reason: TargetReason,
    /// The installation waits for its window until then.
    pub held_until: Option<Time>,
}

/// Why a profile should or should not be on a device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TargetReason {
    /// The device is in an assigned smart group.
    Assigned,
    /// Assigned and asked for (assignment type optional).
    Requested,
    /// Assigned, and can be asked for (assignment type optional).
    Available,
    /// Assigned, and applies because the device is not compliant (assignment type compliance).
    NotCompliant,
    /// Assigned, and would apply if the device were not compliant (assignment type compliance).
    Compliant,
    /// In no assigned smart group any more.
    NotAssigned,
    /// In an excluded smart group.
    Excluded,
    /// Assigned, but the device does not match what the profile is limited to.
    NotMatching,
    /// Assigned, but it is not known whether the device matches what the profile is limited to.
    MatchUnknown,
    /// The profile's removal date has passed.
    RemovalDate,
    /// The profile was retired or deleted.
    Retired,
    /// The device is not enrolled.
    NotEnrolled,
    /// No longer assigned, and stays because it is install only.
    InstallOnly,
    /// The device is not enrolled, and the profile stays because its deployment is manual.
    ManualDeployment,
}

/// One difference between two postures.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PostureChange {
    /// The risk level.
    Risk(RiskLevel, RiskLevel),
    /// The protection status.
    Protection(ProtectionStatus, ProtectionStatus),
    /// The compliance.
    Compliance(Compliance, Compliance),
    /// A tag was added.
    TagAdded(TagId),
    /// A tag was removed.
    TagRemoved(TagId),
    /// The device joined a smart group.
    GroupJoined(SmartGroupId),
    /// The device left a smart group.
    GroupLeft(SmartGroupId),
    /// What one profile should be on the device, with what it should have been before.
    Profile(ProfileTarget, Option<ProfileTarget>),
    /// A profile concerns the device no more and nothing is left to do.
    ProfileDropped(ProfileTarget),
    /// The device's score.
    Score(MilliPoints, MilliPoints),
}

/// What changed from `old` to `new`, in the order of the loop: risk, compliance, tags, groups, profiles, score.
pub fn diff(old: &Posture, new: &Posture) -> Vec<PostureChange> {
    let mut changes = Vec::new();
    if old.risk != new.risk {
        changes.push(PostureChange::Risk(old.risk, new.risk));
    }
    if old.protection != new.protection {
        changes.push(PostureChange::Protection(old.protection, new.protection));
    }
    if old.compliance != new.compliance {
        changes.push(PostureChange::Compliance(old.compliance, new.compliance));
    }
    let (gone, come) = set_difference(&old.tags, &new.tags);
    changes.extend(gone.into_iter().map(PostureChange::TagRemoved));
    changes.extend(come.into_iter().map(PostureChange::TagAdded));
    let (gone, come) = set_difference(&old.smart_groups, &new.smart_groups);
    changes.extend(gone.into_iter().map(PostureChange::GroupLeft));
    changes.extend(come.into_iter().map(PostureChange::GroupJoined));
    for target in &old.profiles {
        if find(&new.profiles, target.profile).is_none() {
            changes.push(PostureChange::ProfileDropped(*target));
        }
    }
    for target in &new.profiles {
        let before = find(&old.profiles, target.profile).copied();
        if before != Some(*target) {
            changes.push(PostureChange::Profile(*target, before));
        }
    }
    if old.score != new.score {
        changes.push(PostureChange::Score(old.score, new.score));
    }
    changes
}

impl Posture {
    /// What one profile should be on the device.
    pub fn target(&self, profile: ProfileId) -> Option<&ProfileTarget> {
        find(&self.profiles, profile)
    }
}

fn find(targets: &[ProfileTarget], profile: ProfileId) -> Option<&ProfileTarget> {
    targets.binary_search_by_key(&profile, |target| target.profile).ok().map(|index| &targets[index])
}

/// What is only in the first and what is only in the second of two sorted sets.
fn set_difference<T: Ord + Copy>(old: &[T], new: &[T]) -> (Vec<T>, Vec<T>) {
    let only = |a: &[T], b: &[T]| a.iter().copied().filter(|item| b.binary_search(item).is_err()).collect();
    (only(old, new), only(new, old))
}
