//! Cycles: a smart group must not depend on what its own profiles change, or devices would flap in and out of it.

use crate::{
    ids::{ProfileId, SmartGroupId},
    payload::{self, Effect},
    profile::{Profile, ProfileState},
    rules::Rules,
    smart_group::{Criterion, SelectionKind, SmartGroup},
};

/// A cycle, named.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cycle {
    /// The smart group that selects by what the profile changes.
    pub smart_group: SmartGroupId,
    /// The criterion concerned.
    pub criterion: Criterion,
    /// The profile assigned to the group.
    pub profile: ProfileId,
    /// The sentence for people.
    pub detail: String,
}

/// All cycles among published profiles and the groups they are assigned to.
pub fn cycles(rules: &Rules) -> Vec<Cycle> {
    let published = rules.profiles.iter().filter(|profile| profile.state == ProfileState::Published);
    published.flat_map(|profile| cycles_of(profile, &rules.smart_groups, rules)).collect()
}

fn cycles_of(profile: &Profile, groups: &[SmartGroup], rules: &Rules) -> Vec<Cycle> {
    let effects = payload::changes(profile.platform, &profile.spec.payloads);
    let mut found = Vec::new();
    for group in groups.iter().filter(|group| profile.spec.assigned_groups.contains(&group.id)) {
        if group.selection.kind == SelectionKind::DevicesOrUsers {
            continue;
        }
        for effect in &effects {
            for criterion in depends(group, effect, rules) {
                found.push(Cycle {
                    smart_group: group.id,
                    criterion,
                    profile: profile.id,
                    detail: format!(
                        "smart group \"{}\" selects by {}, which its own profile \"{}\" changes ({})",
                        group.name,
                        criterion_name(criterion),
                        profile.name,
                        effect_name(effect),
                    ),
                });
            }
        }
    }
    found
}

/// The criteria of a group that rest directly on what an effect changes.
///
/// That a payload mends a threat (a passcode resolves `no_passcode`) is no cycle: leaving the group when the threat is
/// gone is what risk groups are for.
fn depends(group: &SmartGroup, effect: &Effect, rules: &Rules) -> Vec<Criterion> {
    let criteria = &group.selection.criteria;
    match effect {
        Effect::OsVersion => {
            let ranged = |range: &crate::smart_group::PlatformRange| {
                range.min_os_version.is_some() || range.max_os_version.is_some()
            };
            criteria.platforms.iter().any(ranged).then_some(Criterion::Platforms).into_iter().collect()
        }
        Effect::ProtectionStatus => {
            use crate::tag::EngineTag::{Activated, Deactivated, Disconnected, Pending, Secured, Unreachable};
            let by_tag = [Activated, Deactivated, Disconnected, Pending, Secured, Unreachable]
                .into_iter()
                .filter_map(|tag| rules.engine_tag(tag))
                .any(|tag| criteria.tags.tags.contains(&tag));
            let mut found = Vec::new();
            if !criteria.protection_statuses.is_empty() {
                found.push(Criterion::ProtectionStatuses);
            }
            if by_tag {
                found.push(Criterion::Tags);
            }
            if !criteria.compliance.is_empty() {
                found.push(Criterion::Compliance);
            }
            found
        }
        Effect::Classification(_) => Vec::new(),
    }
}

fn criterion_name(criterion: Criterion) -> &'static str {
    match criterion {
        Criterion::OrganizationGroups => "organization group",
        Criterion::UserGroups => "user group",
        Criterion::Ownership => "ownership",
        Criterion::Platforms => "version of the operating system",
        Criterion::Models => "model",
        Criterion::ManagementTypes => "management type",
        Criterion::EnrollmentCategories => "enrollment category",
        Criterion::Tags => "tag",
        Criterion::RiskLevels => "risk level",
        Criterion::Compliance => "compliance",
        Criterion::ProtectionStatuses => "protection status",
    }
}

fn effect_name(effect: &Effect) -> &'static str {
    match effect {
        Effect::OsVersion => "it enforces system updates",
        Effect::ProtectionStatus => "it installs or blocks the threat sensor",
        Effect::Classification(_) => "it mends a threat",
    }
}
