//! Reasons in words. Must not decide anything: it only says what the evaluation noted.

use std::collections::{BTreeSet, HashMap};

use allclear_domain::{
    device::{Device, DeviceFacts},
    explain::{GroupReason, TagReason},
    ids::{OrganizationGroupId, Tenant, UserGroupId},
    posture::{Posture, TargetReason},
    profile::ProfileStatus,
    protections::Decider,
    rules::Rules,
    smart_group::{Criterion, ModelMatch, PlatformRange, Quantity, SmartGroup},
    verdict::Verdict,
};
use allclear_engine::Error;
use allclear_store::{db::Tx, json, rules as stored_rules, user_groups};
use serde::Serialize;

use super::{
    DesiredAction, ExplainedCriterion, ExplainedGroup, ExplainedProfile, ExplainedTag, ExplainedThreat, Explanation,
};

/// Names that are not among the rules.
pub(super) struct Names {
    organization_groups: HashMap<OrganizationGroupId, String>,
    user_groups: HashMap<UserGroupId, String>,
}

impl Names {
    /// The names that reasons about a device can speak of.
    pub(super) fn of(tx: &mut Tx<'_>, tenant: Tenant, rules: &Rules, facts: &DeviceFacts) -> Result<Self, Error> {
        let groups = stored_rules::organization_groups(tx, tenant)?;
        let mut wanted: BTreeSet<UserGroupId> = facts.device.user_groups.iter().copied().collect();
        for group in &rules.smart_groups {
            wanted.extend(&group.selection.criteria.user_groups);
        }
        let mut names = HashMap::new();
        for id in wanted {
            if let Some(group) = user_groups::get(tx, tenant, id)? {
                names.insert(id, group.name);
            }
        }
        let organization_groups = groups.into_iter().map(|group| (group.id, group.name)).collect();
        Ok(Self { organization_groups, user_groups: names })
    }

    fn place(&self, id: OrganizationGroupId) -> String {
        self.organization_groups.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }

    fn user_group(&self, id: UserGroupId) -> String {
        self.user_groups.get(&id).cloned().unwrap_or_else(|| id.to_string())
    }
}

/// The word of an enum in the API.
fn word<T: Serialize>(value: &T) -> String {
    json::word(value).unwrap_or_default()
}

fn words<T: Serialize>(values: &[T]) -> String {
    any(values.iter().map(word))
}

/// `a`, `a or b`, `a, b or c`.
fn any(items: impl IntoIterator<Item = String>) -> String {
    join(items, "or")
}

fn join(items: impl IntoIterator<Item = String>, last_word: &str) -> String {
    let mut items: Vec<String> = items.into_iter().collect();
    match (items.pop(), items.is_empty()) {
        (None, _) => "nothing".to_owned(),
        (Some(only), true) => only,
        (Some(last), false) => format!("{} {last_word} {last}", items.join(", ")),
    }
}

fn known<T: Serialize>(value: Option<&T>) -> String {
    value.map_or_else(|| "not known".to_owned(), word)
}

/// What one part of a membership rests on.
pub(super) fn group_reason(
    reason: &GroupReason,
    group: &SmartGroup,
    device: &Device,
    posture: &Posture,
    rules: &Rules,
    names: &Names,
) -> ExplainedCriterion {
    let plain =
        |verdict, text: String| ExplainedCriterion { criterion: None, verdict, expected: None, actual: None, text };
    match reason {
        GroupReason::OutsideOrganizationGroup => {
            let (at, lives) = (names.place(group.organization_group), names.place(device.organization_group));
            plain(Verdict::No, format!("the group holds devices at or below {at}, and the device lives in {lives}"))
        }
        GroupReason::DeviceAdded => plain(Verdict::Yes, "the device itself was added".to_owned()),
        GroupReason::UserAdded => plain(Verdict::Yes, "its user was added".to_owned()),
        GroupReason::DeviceExcluded => plain(Verdict::No, "the device itself was excluded".to_owned()),
        GroupReason::UserExcluded => plain(Verdict::No, "its user was excluded".to_owned()),
        GroupReason::UserGroupExcluded => plain(Verdict::No, "a user group of its user was excluded".to_owned()),
        GroupReason::UserUnknown => {
            plain(Verdict::Unknown, "users were added, and it is not known whose the device is".to_owned())
        }
        GroupReason::Criterion { criterion, verdict } => {
            let (expected, actual) = criterion_words(*criterion, group, device, posture, rules, names);
            let what = word(criterion).replace('_', " ");
            let text = match verdict {
                Verdict::Yes => format!("{what}: asks for {expected}; the device has {actual}"),
                Verdict::No => format!("{what}: asks for {expected}, but the device has {actual}"),
                Verdict::Unknown => {
                    format!("{what}: asks for {expected}, and whether that holds is not known; the device has {actual}")
                }
            };
            ExplainedCriterion {
                criterion: Some(*criterion),
                verdict: *verdict,
                expected: Some(expected),
                actual: Some(actual),
                text,
            }
        }
    }
}

/// What a criterion asks for, and what the device has.
fn criterion_words(
    criterion: Criterion,
    group: &SmartGroup,
    device: &Device,
    posture: &Posture,
    rules: &Rules,
    names: &Names,
) -> (String, String) {
    let criteria = &group.selection.criteria;
    let tag_name = |id: &_| rules.tag(*id).map(|tag| tag.name.clone());
    match criterion {
        Criterion::OrganizationGroups => {
            let asked = any(criteria.organization_groups.iter().map(|id| names.place(*id)));
            (format!("a place at or below {asked}"), names.place(device.organization_group))
        }
        Criterion::UserGroups => {
            let asked = any(criteria.user_groups.iter().map(|id| names.user_group(*id)));
            let has = match device.user {
                None => "no user".to_owned(),
                Some(_) if device.user_groups.is_empty() => "a user in no group".to_owned(),
                Some(_) => {
                    let groups = device.user_groups.iter().map(|id| names.user_group(*id));
                    format!("a user in {}", join(groups, "and"))
                }
            };
            (format!("a user in {asked}"), has)
        }
        Criterion::Ownership => (words(&criteria.ownership), known(device.ownership.as_ref())),
        Criterion::Platforms => {
            let version = device.os_version.as_deref().unwrap_or("of a version not known");
            let asked = any(criteria.platforms.iter().map(platform_range));
            (asked, format!("{} {version}", device.platform.display()))
        }
        Criterion::Models => {
            let part =
                |part: &Option<String>, what: &str| part.clone().unwrap_or_else(|| format!("a {what} not known"));
            let has = format!("{}, {}", part(&device.manufacturer, "maker"), part(&device.model, "model"));
            (any(criteria.models.iter().map(model_match)), has)
        }
        Criterion::ManagementTypes => (words(&criteria.management_types), known(device.management.as_ref())),
        Criterion::EnrollmentCategories => {
            (words(&criteria.enrollment_categories), known(device.enrollment_category.as_ref()))
        }
        Criterion::Tags => {
            let asked = criteria.tags.tags.iter().filter_map(tag_name);
            let asked = match criteria.tags.quantity {
                Quantity::Any => any(asked),
                Quantity::All => join(asked, "and"),
                Quantity::None => format!("none of {}", join(asked, "and")),
            };
            let has = criteria.tags.tags.iter().filter(|tag| posture.tags.binary_search(tag).is_ok());
            let has: Vec<String> = has.filter_map(tag_name).collect();
            (asked, if has.is_empty() { "none of them".to_owned() } else { join(has, "and") })
        }
        Criterion::RiskLevels => (words(&criteria.risk_levels), word(&posture.risk)),
        Criterion::Compliance => (words(&criteria.compliance), word(&posture.compliance)),
        Criterion::ProtectionStatuses => (words(&criteria.protection_statuses), word(&posture.protection)),
    }
}

fn platform_range(range: &PlatformRange) -> String {
    let name = range.platform.display();
    match (&range.min_os_version, &range.max_os_version) {
        (None, None) => name.to_owned(),
        (Some(min), None) => format!("{name} from {min}"),
        (None, Some(max)) => format!("{name} up to {max}"),
        (Some(min), Some(max)) => format!("{name} {min} to {max}"),
    }
}

fn model_match(model: &ModelMatch) -> String {
    let parts = [&model.manufacturer, &model.model];
    parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ")
}

/// One sentence for each step from threat to restriction.
pub(super) fn chain(explanation: &Explanation) -> Vec<String> {
    let mut chain = Vec::new();
    for threat in explanation.threats.iter().filter(|threat| explanation.risk.threats.contains(&threat.id)) {
        chain.push(detected(threat));
        chain.push(rated(threat));
    }
    let (risk, compliance) = (&explanation.risk, &explanation.compliance);
    chain.push(match risk.threats.len() {
        0 => format!("The risk level is {} since {}: there is no open threat.", word(&risk.level), risk.since),
        count => format!(
            "The risk level is {} since {}: that is the highest among the open threats, {count} of them.",
            word(&risk.level),
            risk.since
        ),
    });
    chain.push(protected(explanation));
    let why = match compliance.compliance {
        allclear_domain::compliance::Compliance::NotCompliant => {
            format!("the risk level {} is at or above {}", word(&compliance.risk), word(&compliance.not_compliant_from))
        }
        allclear_domain::compliance::Compliance::Compliant => format!(
            "the sensor is activated and the risk level {} is below {}",
            word(&compliance.risk),
            word(&compliance.not_compliant_from)
        ),
        allclear_domain::compliance::Compliance::Unknown => {
            format!("the sensor is {}, so nobody can tell", word(&compliance.protection))
        }
    };
    let is = word(&compliance.compliance).replace('_', " ");
    chain.push(format!("The compliance is {is} since {}: {why}.", compliance.since));
    chain.extend(explanation.tags.iter().map(|tag| tagged(tag, explanation)));
    chain.extend(explanation.smart_groups.iter().filter(|group| group.member).map(joined));
    chain.extend(explanation.profiles.iter().map(profile));
    chain
}

fn detected(threat: &ExplainedThreat) -> String {
    format!(
        "{} says that {} ({}) is {}, first seen at {}, last changed at {}.",
        threat.source,
        threat.name,
        threat.threat_id,
        word(&threat.status),
        threat.first_seen,
        threat.since
    )
}

fn rated(threat: &ExplainedThreat) -> String {
    let (level, row) = (word(&threat.level), &threat.row.classification);
    match threat.decided_by {
        Decider::Default => format!("Protections rates {row} {level}, which is the default."),
        Decider::Tenant => format!("Protections rates {row} {level}, as the tenant has set it."),
        Decider::Source => format!("{} rates it {level} itself, and the tenant trusts that source.", threat.source),
    }
}

fn protected(explanation: &Explanation) -> String {
    let protection = &explanation.protection;
    let why = match (protection.silent, protection.reported, protection.last_contact) {
        (true, _, Some(last)) => format!("nothing has been heard of the device since {last}"),
        (_, None, _) => "the sensor has not said anything yet".to_owned(),
        (_, Some(_), _) => "that is what the sensor said last".to_owned(),
    };
    format!("The protection is {} since {}: {why}.", word(&protection.status), protection.since)
}

fn since(at: Option<allclear_domain::time::Time>) -> String {
    at.map(|at| format!(" since {at}")).unwrap_or_default()
}

fn tagged(tag: &ExplainedTag, explanation: &Explanation) -> String {
    let why = match tag.because {
        TagReason::Set => "somebody set it".to_owned(),
        TagReason::Risk => format!("the risk level is {}", word(&explanation.risk.level)),
        TagReason::Protection => format!("the protection is {}", word(&explanation.protection.status)),
        TagReason::Threat => "there is an open threat of that kind".to_owned(),
    };
    format!("The device carries the tag {}{}: {why}.", tag.name, since(tag.since))
}

fn joined(group: &ExplainedGroup) -> String {
    let why = match (group.verdict, group.because.is_empty()) {
        (_, true) => "it asks for nothing in particular".to_owned(),
        (_, false) => group.because.iter().map(|part| part.text.clone()).collect::<Vec<_>>().join("; "),
    };
    let held = if group.verdict == Verdict::Unknown { ", and stays in it because that is not known" } else { "" };
    format!("The device is in the smart group {}{}{held}: {why}.", group.name, since(group.since))
}

fn profile(profile: &ExplainedProfile) -> String {
    let through = || any(profile.through.iter().map(|group| group.name.clone()));
    let why = match profile.because {
        TargetReason::Assigned => format!("the device is in {}", through()),
        TargetReason::Requested => format!("it was asked for, and the device is in {}", through()),
        TargetReason::Available => format!("the device is in {}, and nobody has asked for it", through()),
        TargetReason::NotCompliant => format!("the device is in {} and is not compliant", through()),
        TargetReason::Compliant => {
            format!("it applies only while the device is not compliant; the device is in {}", through())
        }
        TargetReason::NotAssigned => "the device is in no assigned smart group".to_owned(),
        TargetReason::Excluded => "the device is in an excluded smart group".to_owned(),
        TargetReason::NotMatching => "the device does not match what the profile is limited to".to_owned(),
        TargetReason::MatchUnknown => {
            "it is not known whether the device matches what the profile is limited to".to_owned()
        }
        TargetReason::RemovalDate => "its removal date has passed".to_owned(),
        TargetReason::Retired => "it was retired".to_owned(),
        TargetReason::NotEnrolled => "the device is not enrolled".to_owned(),
        TargetReason::InstallOnly => "it is install only, so it stays".to_owned(),
        TargetReason::ManualDeployment => "it is deployed manually, so it stays".to_owned(),
    };
    let name = if profile.name.is_empty() { profile.id.to_string() } else { profile.name.clone() };
    let should = match profile.desired {
        DesiredAction::Install => {
            let version = profile.version.unwrap_or_default();
            format!("The profile {name} should be on the device in version {version}")
        }
        DesiredAction::Remove => format!("The profile {name} should be taken off the device"),
        DesiredAction::Nothing => format!("Nothing is asked of the device about the profile {name}"),
    };
    let status = profile.status.map(status).map(|status| format!(" {status}")).unwrap_or_default();
    let held = profile.held_until.map(|until| format!(" It waits for its window until {until}.")).unwrap_or_default();
    let detail = profile.detail.as_ref().map(|detail| format!(" The device said: {detail}")).unwrap_or_default();
    format!("{should}{}: {why}.{status}{held}{detail}", since(profile.since))
}

fn status(status: ProfileStatus) -> &'static str {
    match status {
        ProfileStatus::PendingInstall => "The device has not answered yet.",
        ProfileStatus::Installing => "The device will take it up later.",
        ProfileStatus::Installed => "The device reported it as installed.",
        ProfileStatus::Failed => "The device reported a failure; it is tried again.",
        ProfileStatus::PendingRemoval => "The device has not reported the removal yet.",
        ProfileStatus::Removed => "The device reported it as removed.",
        ProfileStatus::NotApplicable => "It does not apply to this device.",
    }
}
