//! The decision about one device: a function of rules, facts and the time given, and of nothing else.

use crate::{
    compliance::{Compliance, compliance},
    detection::ProtectionStatus,
    device::{DeviceFacts, EnrollmentStatus, ManagementType},
    explain::{GroupReason, Reason, Silent, TagReason, Witness},
    ids::{SmartGroupId, TagId},
    level::RiskLevel,
    payload::DeviceTraits,
    posture::{Posture, ProfileTarget, TargetReason},
    profile::{AssignmentType, Deployment, Desired, Profile, ProfileReport, ProfileState},
    rules::Rules,
    schedule::Window,
    score::incident_score,
    settings::UnknownMeans,
    smart_group::{Rated, SelectionKind, SmartGroup},
    tag::EngineTag,
    time::Time,
    verdict::Verdict,
};

/// What an evaluation yields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Evaluation {
    /// What is derived.
    pub posture: Posture,
    /// The first moment at which time alone may change it.
    pub valid_until: Option<Time>,
}

/// Decides everything about one device.
///
/// `held` is the posture in force: an unknown verdict leaves what it holds as it is. Evaluating again with the result
/// as `held` and the same rules, facts and time gives the same result.
pub fn evaluate(rules: &Rules, facts: &DeviceFacts, held: &Posture, now: Time) -> Evaluation {
    evaluate_with(rules, facts, held, now, &mut Silent)
}

/// [`evaluate`], and the reason for each part.
pub fn explain(rules: &Rules, facts: &DeviceFacts, held: &Posture, now: Time) -> (Evaluation, Vec<Reason>) {
    let mut reasons = Vec::new();
    let evaluation = evaluate_with(rules, facts, held, now, &mut reasons);
    (evaluation, reasons)
}

fn evaluate_with(
    rules: &Rules,
    facts: &DeviceFacts,
    held: &Posture,
    now: Time,
    witness: &mut impl Witness,
) -> Evaluation {
    let mut until = Earliest(None);
    let mut posture = Posture::default();
    rate(rules, facts, now, &mut posture, &mut until, witness);
    protect(rules, facts, now, &mut posture, &mut until, witness);
    posture.compliance = compliance(posture.risk, posture.protection, &rules.settings.compliance);
    witness.note(|| Reason::Compliance {
        compliance: posture.compliance,
        risk: posture.risk,
        not_compliant_from: rules.settings.compliance.not_compliant_from,
        protection: posture.protection,
    });
    posture.tags = tags(rules, facts, &posture, witness);
    posture.smart_groups = rules
        .smart_groups
        .iter()
        .filter(|group| is_member(rules, group, facts, &posture, held, witness))
        .map(|group| group.id)
        .collect();
    posture.profiles = targets(rules, facts, &posture, held, now, &mut until, witness);
    Evaluation { posture, valid_until: until.0 }
}

/// Risk level, incidents and score, from the threats.
fn rate(
    rules: &Rules,
    facts: &DeviceFacts,
    now: Time,
    posture: &mut Posture,
    until: &mut Earliest,
    witness: &mut impl Witness,
) {
    for threat in &facts.threats {
        let (level, decided_by) = rules.protections.rate(threat, rules.trusts(&threat.source));
        let (score, changes_at) = incident_score(threat, level, &rules.settings.scores, now);
        until.consider(changes_at);
        posture.score += score;
        if threat.is_open() {
            posture.open_threats += 1;
            posture.risk = posture.risk.max(level);
            match level {
                RiskLevel::None | RiskLevel::Advisory => {}
                RiskLevel::Low => posture.incidents[0] += 1,
                RiskLevel::Medium => posture.incidents[1] += 1,
                RiskLevel::High => posture.incidents[2] += 1,
            }
        }
        witness.note(|| Reason::Threat {
            threat: threat.id,
            classification: threat.classification.clone(),
            level,
            decided_by,
            open: threat.is_open(),
            since: threat.changed_at,
            score,
        });
    }
    witness.note(|| Reason::Risk {
        level: posture.risk,
        threats: facts
            .threats
            .iter()
            .filter(|threat| {
                threat.is_open() && rules.protections.rate(threat, rules.trusts(&threat.source)).0 == posture.risk
            })
            .map(|threat| threat.id)
            .collect(),
    });
}

/// Protection status: what the sensor said, or disconnected when it has been silent for too long.
fn protect(
    rules: &Rules,
    facts: &DeviceFacts,
    now: Time,
    posture: &mut Posture,
    until: &mut Earliest,
    witness: &mut impl Witness,
) {
    let sensor = &facts.device.sensor;
    let reported = sensor.status.unwrap_or_default();
    let deadline = (reported == ProtectionStatus::Activated)
        .then_some(sensor.last_contact)
        .flatten()
        .map(|last| last.plus(rules.settings.silence()));
    let silent = deadline.is_some_and(|deadline| deadline <= now);
    if !silent {
        until.consider(deadline);
    }
    posture.protection = if silent { ProtectionStatus::Disconnected } else { reported };
    witness.note(|| Reason::Protection {
        status: posture.protection,
        reported: sensor.status,
        last_contact: sensor.last_contact,
        silent,
    });
}

/// Ordinary tags and the engine's, sorted.
fn tags(rules: &Rules, facts: &DeviceFacts, posture: &Posture, witness: &mut impl Witness) -> Vec<TagId> {
    let mut tags = Vec::with_capacity(facts.device.tags.len() + 4);
    let mut add = |tag: Option<TagId>, because| {
        if let Some(tag) = tag {
            witness.note(|| Reason::Tag { tag, because });
            tags.push(tag);
        }
    };
    for tag in &facts.device.tags {
        if rules.tag(*tag).is_some_and(|tag| tag.engine.is_none()) {
            add(Some(*tag), TagReason::Set);
        }
    }
    let protection = match posture.protection {
        ProtectionStatus::Pending => EngineTag::Pending,
        ProtectionStatus::Activated => EngineTag::Activated,
        ProtectionStatus::Deactivated => EngineTag::Deactivated,
        ProtectionStatus::Disconnected => EngineTag::Disconnected,
        ProtectionStatus::Unreachable => EngineTag::Unreachable,
    };
    add(rules.engine_tag(protection), TagReason::Protection);
    match EngineTag::of_risk(posture.risk) {
        Some(risk) => {
            add(rules.engine_tag(EngineTag::ThreatsPresent), TagReason::Risk);
            add(rules.engine_tag(risk), TagReason::Risk);
        }
        None if posture.protection == ProtectionStatus::Activated => {
            add(rules.engine_tag(EngineTag::Secured), TagReason::Risk);
        }
        None => {}
    }
    let open = |names: &[&str]| {
        facts.threats.iter().any(|threat| threat.is_open() && names.contains(&threat.classification.as_str()))
    };
    if open(&["denylisted_app"]) {
        add(rules.engine_tag(EngineTag::DenylistedApp), TagReason::Threat);
    }
    if open(&["pcp_disabled", "pcp_paused"]) {
        add(rules.engine_tag(EngineTag::PcpDisabled), TagReason::Threat);
    }
    tags.sort_unstable();
    tags.dedup();
    tags
}

/// Whether the device is in a smart group.
fn is_member(
    rules: &Rules,
    group: &SmartGroup,
    facts: &DeviceFacts,
    posture: &Posture,
    held: &Posture,
    witness: &mut impl Witness,
) -> bool {
    let mut because = Vec::new();
    let wants = witness.wants();
    let verdict = membership(rules, group, facts, posture, &mut |reason| {
        if wants {
            because.push(reason);
        }
    });
    let member = verdict.holds(held.smart_groups.binary_search(&group.id).is_ok());
    witness.note(|| Reason::SmartGroup { smart_group: group.id, verdict, member, because });
    member
}

/// What a smart group's selection says about a device: exclusions first, then additions, then criteria.
fn membership(
    rules: &Rules,
    group: &SmartGroup,
    facts: &DeviceFacts,
    posture: &Posture,
    note: &mut dyn FnMut(GroupReason),
) -> Verdict {
    let device = &facts.device;
    let selection = &group.selection;
    if !rules.organization_groups.is_within(device.organization_group, group.organization_group) {
        note(GroupReason::OutsideOrganizationGroup);
        return Verdict::No;
    }
    let user_in = |users: &std::collections::BTreeSet<_>| device.user.is_some_and(|user| users.contains(&user));
    let exclusions = &selection.exclusions;
    let excluded = if exclusions.devices.contains(&device.id) {
        Some(GroupReason::DeviceExcluded)
    } else if user_in(&exclusions.users) {
        Some(GroupReason::UserExcluded)
    } else if device.user_groups.iter().any(|group| exclusions.user_groups.contains(group)) {
        Some(GroupReason::UserGroupExcluded)
    } else {
        None
    };
    if let Some(reason) = excluded {
        note(reason);
        return Verdict::No;
    }
    let added = if selection.additions.devices.contains(&device.id) {
        Some(GroupReason::DeviceAdded)
    } else if user_in(&selection.additions.users) {
        Some(GroupReason::UserAdded)
    } else {
        None
    };
    if let Some(reason) = added {
        note(reason);
        return Verdict::Yes;
    }
    let mut verdict = Verdict::No;
    if device.user.is_none() && !selection.additions.users.is_empty() {
        note(GroupReason::UserUnknown);
        verdict = Verdict::Unknown;
    }
    if selection.kind == SelectionKind::DevicesOrUsers {
        return verdict;
    }
    let (rated, tree) = (rated(rules, posture), &rules.organization_groups);
    verdict.or(selection.criteria.decide(device, &rated, tree, &mut |criterion, verdict| {
        note(GroupReason::Criterion { criterion, verdict });
    }))
}

fn rated<'a>(rules: &Rules, posture: &'a Posture) -> Rated<'a> {
    Rated {
        risk: posture.risk,
        protection: posture.protection,
        compliance: posture.compliance,
        unknown_means: rules.settings.compliance.unknown_means,
        tags: &posture.tags,
    }
}

/// What should be about every profile that concerns the device, sorted by profile.
fn targets(
    rules: &Rules,
    facts: &DeviceFacts,
    posture: &Posture,
    held: &Posture,
    now: Time,
    until: &mut Earliest,
    witness: &mut impl Witness,
) -> Vec<ProfileTarget> {
    let mut targets = Vec::new();
    for profile in &rules.profiles {
        let report = facts.reports.iter().find(|report| report.profile == profile.id);
        let through: &[SmartGroupId] = &profile.spec.assigned_groups;
        let assigned = profile.platform == facts.device.platform
            && through.iter().any(|group| posture.smart_groups.binary_search(group).is_ok());
        if !assigned && report.is_none_or(ProfileReport::is_empty) {
            continue;
        }
        let mut target = target(rules, profile, assigned, report, facts, posture, held, now, until);
        if let (Desired::Install { version }, Some(schedule)) = (target.desired, &profile.spec.install_schedule)
            && !report.is_some_and(|report| report.is_installed(version))
        {
            match schedule.at(now) {
                Window::OpenUntil(closes) => until.consider(Some(closes)),
                Window::ClosedUntil(opens) => {
                    target.held_until = Some(opens);
                    until.consider(Some(opens));
                }
            }
        }
        witness.note(|| Reason::Profile {
            profile: profile.id,
            desired: target.desired,
            because: target.reason,
            through: through
                .iter()
                .copied()
                .filter(|group| posture.smart_groups.binary_search(group).is_ok())
                .collect(),
            held_until: target.held_until,
            without_effect: profile.spec.unmet(profile.platform, &traits(facts)),
        });
        targets.push(target);
    }
    for report in &facts.reports {
        // A profile that is gone altogether is taken off like a retired one.
        if rules.profile(report.profile).is_none() && !report.is_empty() {
            let desired = if report.may_be_installed() { Desired::Remove } else { Desired::Nothing };
            witness.note(|| Reason::Profile {
                profile: report.profile,
                desired,
                because: TargetReason::Retired,
                through: Vec::new(),
                held_until: None,
                without_effect: Vec::new(),
            });
            targets.push(ProfileTarget {
                profile: report.profile,
                desired,
                reason: TargetReason::Retired,
                held_until: None,
            });
        }
    }
    targets.sort_unstable_by_key(|target| target.profile);
    targets
}

/// What should be about one profile, its window aside.
#[expect(clippy::too_many_arguments, reason = "the parts of one evaluation, used once")]
fn target(
    rules: &Rules,
    profile: &Profile,
    assigned: bool,
    report: Option<&ProfileReport>,
    facts: &DeviceFacts,
    posture: &Posture,
    held: &Posture,
    now: Time,
    until: &mut Earliest,
) -> ProfileTarget {
    let spec = &profile.spec;
    let on_device = report.is_some_and(ProfileReport::may_be_installed);
    let install = Desired::Install { version: profile.version };
    let take_off = if on_device { Desired::Remove } else { Desired::Nothing };
    let in_force = held.target(profile.id).is_some_and(|target| matches!(target.desired, Desired::Install { .. }));
    let make = |desired, reason| ProfileTarget { profile: profile.id, desired, reason, held_until: None };

    match facts.device.enrollment {
        EnrollmentStatus::Enrolled => {}
        EnrollmentStatus::Unenrolled if spec.deployment == Deployment::Manual => {
            return make(Desired::Nothing, TargetReason::ManualDeployment);
        }
        EnrollmentStatus::Unenrolled => return make(take_off, TargetReason::NotEnrolled),
        EnrollmentStatus::Pending => return make(Desired::Nothing, TargetReason::NotEnrolled),
    }
    if profile.state == ProfileState::Retired {
        return make(take_off, TargetReason::Retired);
    }
    if let Some(date) = spec.removal_date {
        if date <= now {
            return make(take_off, TargetReason::RemovalDate);
        }
        until.consider(Some(date));
    }
    let excluded = spec.excluded_groups.iter().any(|group| posture.smart_groups.binary_search(group).is_ok());
    if !assigned || excluded {
        let reason = if excluded { TargetReason::Excluded } else { TargetReason::NotAssigned };
        return if spec.install_only && on_device {
            make(Desired::Nothing, TargetReason::InstallOnly)
        } else {
            make(take_off, reason)
        };
    }
    let rated = rated(rules, posture);
    let stays = spec.install_only && on_device;
    let matches = spec.install_criteria.decide(&facts.device, &rated, &rules.organization_groups, &mut |_, _| {});
    if matches == Verdict::No {
        let off =
            if stays { (Desired::Nothing, TargetReason::InstallOnly) } else { (take_off, TargetReason::NotMatching) };
        return make(off.0, off.1);
    }
    // Whether the assignment applies comes before what is unknown: else an installation that was taken back would
    // count as never begun the next time.
    let because = match spec.assignment_type {
        AssignmentType::Auto => TargetReason::Assigned,
        AssignmentType::Optional if facts.device.requested_profiles.binary_search(&profile.id).is_ok() => {
            TargetReason::Requested
        }
        AssignmentType::Optional => return make(take_off, TargetReason::Available),
        AssignmentType::Compliance => {
            let applies = match posture.compliance {
                Compliance::NotCompliant => true,
                Compliance::Compliant => false,
                Compliance::Unknown => match rules.settings.compliance.unknown_means {
                    UnknownMeans::NotCompliant => true,
                    UnknownMeans::Unchanged => in_force,
                },
            };
            if !applies && stays {
                return make(Desired::Nothing, TargetReason::InstallOnly);
            }
            if !applies {
                return make(take_off, TargetReason::Compliant);
            }
            TargetReason::NotCompliant
        }
    };
    if matches == Verdict::Unknown && !in_force {
        return make(Desired::Nothing, TargetReason::MatchUnknown);
    }
    make(install, because)
}

/// What a device can take of a profile.
pub fn traits(facts: &DeviceFacts) -> DeviceTraits<'_> {
    let management = facts.device.management;
    DeviceTraits {
        supervised: management.map(|management| management == ManagementType::Supervised),
        user_enrollment: management.map(|management| management == ManagementType::UserEnrollment),
        fully_managed: management
            .map(|management| matches!(management, ManagementType::FullyManaged | ManagementType::Dedicated)),
        os_version: facts.device.os_version.as_deref(),
    }
}

/// The earliest of the moments considered.
struct Earliest(Option<Time>);

impl Earliest {
    fn consider(&mut self, moment: Option<Time>) {
        self.0 = match (self.0, moment) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
    }
}
