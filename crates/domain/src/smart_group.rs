//! Smart groups: criteria over devices. Membership is always derived, never stored as truth.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    compliance::Compliance,
    detection::ProtectionStatus,
    device::{Device, EnrollmentCategory, ManagementType, Ownership},
    ids::{DeviceId, OrganizationGroupId, SmartGroupId, TagId, UserGroupId, UserId},
    level::{Platform, RiskLevel},
    organization_group::OrganizationGroups,
    os_version,
    settings::UnknownMeans,
    verdict::Verdict,
};

/// A saved set of criteria over devices.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SmartGroup {
    /// Its id.
    pub id: SmartGroupId,
    /// Its name, unique in the tenant.
    pub name: String,
    /// Where it lives: it only ever holds devices at or below this organization group.
    pub organization_group: OrganizationGroupId,
    /// What selects its devices.
    pub selection: Selection,
}

/// What selects the devices of a smart group: criteria, plus additions, minus exclusions.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Selection {
    /// Whether criteria select, or only the additions do.
    pub kind: SelectionKind,
    /// All of these have to hold.
    pub criteria: Criteria,
    /// Members whatever the criteria say.
    pub additions: Additions,
    /// Not members whatever else is said.
    pub exclusions: Exclusions,
}

/// The two kinds of smart group.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SelectionKind {
    /// Criteria decide, then additions and exclusions.
    #[default]
    Criteria,
    /// Only the listed devices and users; the criteria are empty.
    DevicesOrUsers,
}

/// Members whatever the criteria say.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Additions {
    /// Devices by id.
    pub devices: BTreeSet<DeviceId>,
    /// All devices of these users.
    pub users: BTreeSet<UserId>,
}

/// Not members whatever else is said.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Exclusions {
    /// Devices by id.
    pub devices: BTreeSet<DeviceId>,
    /// All devices of these users.
    pub users: BTreeSet<UserId>,
    /// All devices of users in these groups.
    pub user_groups: BTreeSet<UserGroupId>,
}

/// Criteria: all that are given have to hold; within one, any of the values. An empty one does not filter.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Criteria {
    /// At or below any of these organization groups.
    pub organization_groups: Vec<OrganizationGroupId>,
    /// Owned by a user in any of these groups.
    pub user_groups: Vec<UserGroupId>,
    /// Any of these ownerships.
    pub ownership: Vec<Ownership>,
    /// Any of these platforms, each within its version range.
    pub platforms: Vec<PlatformRange>,
    /// Any of these makers and models.
    pub models: Vec<ModelMatch>,
    /// Any of these management types.
    pub management_types: Vec<ManagementType>,
    /// Any of these enrollment categories.
    pub enrollment_categories: Vec<EnrollmentCategory>,
    /// Tags.
    pub tags: TagMatch,
    /// Any of these risk levels.
    pub risk_levels: Vec<RiskLevel>,
    /// Any of these compliance states.
    pub compliance: Vec<Compliance>,
    /// Any of these protection statuses.
    pub protection_statuses: Vec<ProtectionStatus>,
}

/// A platform, and the versions of its operating system that are meant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlatformRange {
    /// The platform.
    pub platform: Platform,
    /// The lowest version meant, for example `16.4`; absent: no lower bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_os_version: Option<String>,
    /// The highest version meant; `17` includes `17.0` but not `17.1`. Absent: no upper bound.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_os_version: Option<String>,
}

/// A maker, a model or both, compared without regard to case.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ModelMatch {
    /// The maker; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// The model; absent: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
}

/// Tags and how many of them a device needs.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TagMatch {
    /// How many of the tags a device needs.
    #[serde(rename = "match")]
    pub quantity: Quantity,
    /// The tags; empty does not filter.
    pub tags: Vec<TagId>,
}

/// How many of several.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Quantity {
    /// At least one.
    #[default]
    Any,
    /// Every one.
    All,
    /// Not a single one.
    None,
}

/// The names of criteria, for explanations and for the check against cycles.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// The organization group the smart group lives in, or those it names.
    OrganizationGroups,
    /// User groups of the device's user.
    UserGroups,
    /// Whose the device is.
    Ownership,
    /// Platform and version of the operating system.
    Platforms,
    /// Maker and model.
    Models,
    /// How much of the device is managed.
    ManagementTypes,
    /// The way the device came to us.
    EnrollmentCategories,
    /// Tags, the engine's included.
    Tags,
    /// Risk level.
    RiskLevels,
    /// Compliance.
    Compliance,
    /// Protection status.
    ProtectionStatuses,
}

/// What the evaluation has found out about a device by the time groups are decided.
#[derive(Clone, Copy, Debug)]
pub struct Rated<'a> {
    /// Its risk level.
    pub risk: RiskLevel,
    /// Its protection status.
    pub protection: ProtectionStatus,
    /// Its compliance.
    pub compliance: Compliance,
    /// What unknown compliance means.
    pub unknown_means: UnknownMeans,
    /// All its tags, sorted.
    pub tags: &'a [TagId],
}

impl Criteria {
    /// Decides every criterion given and hands each verdict to `each`; returns all of them taken together.
    pub fn decide(
        &self,
        device: &Device,
        rated: &Rated<'_>,
        tree: &OrganizationGroups,
        each: &mut dyn FnMut(Criterion, Verdict),
    ) -> Verdict {
        let mut all = Verdict::Yes;
        let mut hold = |criterion, verdict: Verdict| {
            each(criterion, verdict);
            all = all.and(verdict);
        };
        if !self.organization_groups.is_empty() {
            let inside = self.organization_groups.iter().any(|group| tree.is_within(device.organization_group, *group));
            hold(Criterion::OrganizationGroups, inside.into());
        }
        if !self.user_groups.is_empty() {
            let verdict = match device.user {
                None => Verdict::Unknown,
                Some(_) => self.user_groups.iter().any(|group| device.user_groups.contains(group)).into(),
            };
            hold(Criterion::UserGroups, verdict);
        }
        if !self.ownership.is_empty() {
            hold(Criterion::Ownership, among(&self.ownership, device.ownership));
        }
        if !self.platforms.is_empty() {
            let any = self.platforms.iter().fold(Verdict::No, |any, range| any.or(range.decide(device)));
            hold(Criterion::Platforms, any);
        }
        if !self.models.is_empty() {
            let any = self.models.iter().fold(Verdict::No, |any, model| any.or(model.decide(device)));
            hold(Criterion::Models, any);
        }
        if !self.management_types.is_empty() {
            hold(Criterion::ManagementTypes, among(&self.management_types, device.management));
        }
        if !self.enrollment_categories.is_empty() {
            hold(Criterion::EnrollmentCategories, among(&self.enrollment_categories, device.enrollment_category));
        }
        if !self.tags.tags.is_empty() {
            let mut held = self.tags.tags.iter().map(|tag| rated.tags.binary_search(tag).is_ok());
            let verdict = match self.tags.quantity {
                Quantity::Any => held.any(|held| held),
                Quantity::All => held.all(|held| held),
                Quantity::None => !held.any(|held| held),
            };
            hold(Criterion::Tags, verdict.into());
        }
        if !self.risk_levels.is_empty() {
            hold(Criterion::RiskLevels, self.risk_levels.contains(&rated.risk).into());
        }
        if !self.compliance.is_empty() {
            hold(Criterion::Compliance, compliance_verdict(&self.compliance, rated));
        }
        if !self.protection_statuses.is_empty() {
            hold(Criterion::ProtectionStatuses, self.protection_statuses.contains(&rated.protection).into());
        }
        all
    }

    /// The criteria that are given.
    pub fn given(&self) -> Vec<Criterion> {
        [
            (Criterion::OrganizationGroups, self.organization_groups.is_empty()),
            (Criterion::UserGroups, self.user_groups.is_empty()),
            (Criterion::Ownership, self.ownership.is_empty()),
            (Criterion::Platforms, self.platforms.is_empty()),
            (Criterion::Models, self.models.is_empty()),
            (Criterion::ManagementTypes, self.management_types.is_empty()),
            (Criterion::EnrollmentCategories, self.enrollment_categories.is_empty()),
            (Criterion::Tags, self.tags.tags.is_empty()),
            (Criterion::RiskLevels, self.risk_levels.is_empty()),
            (Criterion::Compliance, self.compliance.is_empty()),
            (Criterion::ProtectionStatuses, self.protection_statuses.is_empty()),
        ]
        .into_iter()
        .filter_map(|(criterion, empty)| (!empty).then_some(criterion))
        .collect()
    }

    /// What is wrong with these criteria in themselves: JSON pointer and reason.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        for (index, range) in self.platforms.iter().enumerate() {
            for (name, version) in
                [("min_os_version", &range.min_os_version), ("max_os_version", &range.max_os_version)]
            {
                if version.as_deref().is_some_and(|version| !os_version::is_valid(version)) {
                    problems.push((format!("/platforms/{index}/{name}"), "must be numbers and dots, like 17.6".into()));
                }
            }
            if let (Some(min), Some(max)) = (&range.min_os_version, &range.max_os_version)
                && os_version::compare(min, max) == Some(std::cmp::Ordering::Greater)
            {
                problems.push((format!("/platforms/{index}/max_os_version"), "is below min_os_version".into()));
            }
        }
        for (index, model) in self.models.iter().enumerate() {
            if model.manufacturer.is_none() && model.model.is_none() {
                problems.push((format!("/models/{index}"), "needs a manufacturer, a model or both".into()));
            }
        }
        problems
    }
}

/// Unknown compliance is unknown unless the tenant says what it means or it is asked for by name.
fn compliance_verdict(wanted: &[Compliance], rated: &Rated<'_>) -> Verdict {
    if wanted.contains(&rated.compliance) {
        return Verdict::Yes;
    }
    match (rated.compliance, rated.unknown_means) {
        (Compliance::Unknown, UnknownMeans::Unchanged) => Verdict::Unknown,
        (Compliance::Unknown, UnknownMeans::NotCompliant) => wanted.contains(&Compliance::NotCompliant).into(),
        _ => Verdict::No,
    }
}

fn among<T: PartialEq>(wanted: &[T], actual: Option<T>) -> Verdict {
    actual.map_or(Verdict::Unknown, |actual| wanted.contains(&actual).into())
}

impl PlatformRange {
    fn decide(&self, device: &Device) -> Verdict {
        if self.platform != device.platform {
            return Verdict::No;
        }
        let version = device.os_version.as_deref();
        bound(version, self.min_os_version.as_deref(), std::cmp::Ordering::Less).and(bound(
            version,
            self.max_os_version.as_deref(),
            std::cmp::Ordering::Greater,
        ))
    }
}

/// No if `version` lies on the `outside` side of `limit`.
fn bound(version: Option<&str>, limit: Option<&str>, outside: std::cmp::Ordering) -> Verdict {
    let Some(limit) = limit else { return Verdict::Yes };
    match version.and_then(|version| os_version::compare(version, limit)) {
        None => Verdict::Unknown,
        Some(ordering) => (ordering != outside).into(),
    }
}

impl ModelMatch {
    fn decide(&self, device: &Device) -> Verdict {
        same(self.manufacturer.as_deref(), device.manufacturer.as_deref())
            .and(same(self.model.as_deref(), device.model.as_deref()))
    }
}

fn same(wanted: Option<&str>, actual: Option<&str>) -> Verdict {
    match (wanted, actual) {
        (None, _) => Verdict::Yes,
        (Some(_), None) => Verdict::Unknown,
        (Some(wanted), Some(actual)) => wanted.eq_ignore_ascii_case(actual).into(),
    }
}
