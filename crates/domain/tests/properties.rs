//! The invariants of the domain: posture is a function, unknown is never "no", the order of messages decides nothing.
#![allow(clippy::unwrap_used, clippy::needless_pass_by_value, reason = "tests")]

mod world;

use std::collections::BTreeSet;

use allclear_domain::{
    detection::{Detection, ProtectionStatus, ThreatStatus},
    device::{Device, DeviceFacts, Sensor},
    evaluate::{evaluate, explain},
    explain::{GroupReason, Reason},
    ids::ThreatId,
    posture::{Posture, PostureChange, TargetReason, diff},
    profile::Desired,
    rules::Rules,
    smart_group::SelectionKind,
    tag::EngineTag,
    threat::Threat,
    time::{Span, Time},
    verdict::Verdict,
};
use proptest::prelude::*;
use uuid::Uuid;
use world::{Ask, config, detection, facts, held, now, rules};

proptest! {
    #![proptest_config(config(500))]

    #[test]
    fn evaluating_again_changes_nothing(rules in rules(Ask::Everything), facts in facts(), held in held()) {
        let rules = rules.rules();
        let first = evaluate(&rules, &facts, &held, now());
        let again = evaluate(&rules, &facts, &first.posture, now());
        prop_assert_eq!(diff(&first.posture, &again.posture), vec![]);
        prop_assert_eq!(first, again);
    }

    #[test]
    fn nothing_changes_before_it_is_due(
        rules in rules(Ask::Everything),
        facts in facts(),
        held in held(),
        part in 0.0..1.0_f64,
    ) {
        let rules = rules.rules();
        let first = evaluate(&rules, &facts, &held, now());
        let until = first.valid_until.unwrap_or(now().plus(Span::days(400)));
        prop_assert!(until > now());
        for later in [between(now(), until, part), until.minus(Span::micros(1))] {
            let again = evaluate(&rules, &facts, &first.posture, later);
            prop_assert_eq!(diff(&first.posture, &again.posture), vec![], "at {}, valid until {}", later, until);
            prop_assert_eq!(first.valid_until, again.valid_until);
        }
    }

    #[test]
    fn the_order_of_rules_and_facts_decides_nothing(
        parts in rules(Ask::Everything),
        facts in facts(),
        held in held(),
    ) {
        let mut other = parts.clone();
        other.tree.reverse();
        other.tags.reverse();
        other.smart_groups.reverse();
        other.profiles.reverse();
        for group in &mut other.smart_groups {
            let criteria = &mut group.selection.criteria;
            criteria.organization_groups.reverse();
            criteria.platforms.reverse();
            criteria.models.reverse();
            criteria.tags.tags.reverse();
        }
        for profile in &mut other.profiles {
            profile.spec.assigned_groups.reverse();
            profile.spec.excluded_groups.reverse();
        }
        let mut shuffled = facts.clone();
        shuffled.threats.reverse();
        shuffled.reports.reverse();
        let one = evaluate(&parts.rules(), &facts, &held, now());
        prop_assert_eq!(one, evaluate(&other.rules(), &shuffled, &held, now()));
    }

    #[test]
    fn an_explanation_is_the_evaluation_and_covers_all_of_it(
        rules in rules(Ask::Everything),
        facts in facts(),
        held in held(),
    ) {
        let rules = rules.rules();
        let (explained, reasons) = explain(&rules, &facts, &held, now());
        prop_assert_eq!(&explained, &evaluate(&rules, &facts, &held, now()));
        let posture = &explained.posture;
        let (mut tags, mut groups, mut profiles) = (BTreeSet::new(), Vec::new(), Vec::new());
        for reason in reasons {
            match reason {
                Reason::Risk { level, threats } => {
                    prop_assert_eq!(level, posture.risk);
                    let open = threats.iter().all(|id| facts.threats.iter().any(|it| it.id == *id && it.is_open()));
                    prop_assert!(open && (posture.open_threats == 0) == threats.is_empty());
                }
                Reason::Protection { status, silent, .. } => {
                    prop_assert_eq!(status, posture.protection);
                    prop_assert!(!silent || status == ProtectionStatus::Disconnected);
                }
                Reason::Compliance { compliance, .. } => prop_assert_eq!(compliance, posture.compliance),
                Reason::Tag { tag, .. } => prop_assert!(tags.insert(tag)),
                Reason::SmartGroup { smart_group, verdict, member, because } => {
                    prop_assert_eq!(member, verdict.holds(held.smart_groups.contains(&smart_group)));
                    prop_assert_eq!(verdict, verdict_of(&rules, &facts, smart_group, &because));
                    groups.extend(member.then_some(smart_group));
                }
                Reason::Profile { profile, desired, because, .. } => {
                    let target = posture.target(profile).unwrap();
                    prop_assert_eq!((target.desired, target.reason), (desired, because));
                    profiles.push(profile);
                }
                Reason::Threat { .. } => {}
            }
        }
        prop_assert_eq!(tags.into_iter().collect::<Vec<_>>(), posture.tags.clone());
        prop_assert_eq!(groups, posture.smart_groups.clone());
        profiles.sort_unstable();
        prop_assert_eq!(profiles, posture.profiles.iter().map(|target| target.profile).collect::<Vec<_>>());
    }

    #[test]
    fn a_difference_applied_to_the_old_posture_gives_the_new_one(
        rules in rules(Ask::Everything),
        others in rules(Ask::Everything),
        facts in facts(),
        later in facts(),
    ) {
        let old = evaluate(&rules.rules(), &facts, &Posture::default(), now()).posture;
        let new = evaluate(&others.rules(), &later, &old, now()).posture;
        prop_assert_eq!(diff(&new, &new), vec![]);
        let mut replayed = old.clone();
        for change in diff(&old, &new) {
            replay(&mut replayed, change);
        }
        // Counts are not posture in the journal's sense: they follow from the threats.
        replayed.incidents = new.incidents;
        replayed.open_threats = new.open_threats;
        prop_assert_eq!(replayed, new);
    }

    #[test]
    fn a_device_has_at_most_one_risk_tag_and_it_is_that_of_its_level(
        rules in rules(Ask::Everything),
        facts in facts(),
        held in held(),
    ) {
        let rules = rules.rules();
        let posture = evaluate(&rules, &facts, &held, now()).posture;
        let risk: Vec<EngineTag> = posture
            .tags
            .iter()
            .filter_map(|tag| rules.tag(*tag).unwrap().engine)
            .filter(|tag| tag.is_risk())
            .collect();
        prop_assert_eq!(risk, EngineTag::of_risk(posture.risk).into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn missing_data_lifts_nothing(
        rules in rules(Ask::Everything),
        facts in facts(),
        held in held(),
        datum in 0..Datum::ALL.len(),
    ) {
        let rules = rules.rules();
        let before = evaluate(&rules, &facts, &held, now()).posture;
        let mut poorer = facts.clone();
        Datum::ALL[datum].remove(&mut poorer.device);
        let after = evaluate(&rules, &poorer, &before, now()).posture;
        lifts_nothing(&before, &after)?;
    }

    #[test]
    fn a_silent_sensor_lifts_nothing(rules in rules(Ask::NotTheSensor), facts in facts(), held in held()) {
        let rules = rules.rules();
        let before = evaluate(&rules, &facts, &held, now()).posture;
        // Exactly as the device was, but so much later that its sensor counts as disconnected. What the calendar does
        // to profiles meanwhile is not the sensor's doing.
        let mut calm = rules.clone();
        for profile in &mut calm.profiles {
            profile.spec.removal_date = None;
        }
        let before = evaluate(&calm, &facts, &before, now()).posture;
        let silent = DeviceFacts {
            device: Device { sensor: hushed(facts.device.sensor), ..facts.device.clone() },
            ..facts.clone()
        };
        let after = evaluate(&calm, &silent, &before, now()).posture;
        if facts.device.sensor.status == Some(ProtectionStatus::Activated) {
            prop_assert_eq!(after.protection, ProtectionStatus::Disconnected);
        }
        prop_assert_eq!(before.risk, after.risk);
        lifts_nothing(&before, &after)?;
    }

    #[test]
    fn the_order_and_repetition_of_detections_decides_nothing(
        said in prop::collection::vec(detection(), 1..12),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..24),
    ) {
        let told = threats_of(&said);
        let mut otherwise: Vec<Detection> = order.iter().map(|index| index.get(&said).clone()).collect();
        otherwise.extend(said.iter().rev().cloned());
        prop_assert_eq!(&told, &threats_of(&otherwise));
        for threat in &told {
            let about: Vec<&Detection> = said.iter().filter(|it| threat.is_about(it)).collect();
            prop_assert_eq!(threat.first_seen, about.iter().map(|it| it.detected_at).min().unwrap());
            let newest = about.iter().map(|it| (it.detected_at, it.status)).max().unwrap();
            prop_assert_eq!((threat.changed_at, threat.reported), newest);
        }
    }

    #[test]
    fn a_threat_resolved_before_it_was_opened_stays_resolved(mut opened in detection(), seconds in 0..1000_i64) {
        opened.status = ThreatStatus::Open;
        let later = opened.detected_at.plus(Span::seconds(seconds));
        let resolved = Detection { status: ThreatStatus::Resolved, detected_at: later, ..opened.clone() };
        let threats = threats_of(&[resolved, opened.clone()]);
        prop_assert_eq!(threats.len(), 1);
        prop_assert_eq!(threats[0].status(), ThreatStatus::Resolved);
        prop_assert_eq!(threats[0].dwell_time(now()), Span::seconds(seconds));
        prop_assert_eq!(threats[0].first_seen, opened.detected_at);
    }
}

fn between(from: Time, until: Time, part: f64) -> Time {
    let span = until.since(from).as_micros() as f64;
    from.plus(Span::micros((span * part) as i64))
}

/// What a group's reasons say together.
fn verdict_of(
    rules: &Rules,
    facts: &DeviceFacts,
    group: allclear_domain::ids::SmartGroupId,
    because: &[GroupReason],
) -> Verdict {
    let selection = &rules.smart_group(group).unwrap().selection;
    let mut criteria = match selection.kind {
        SelectionKind::Criteria => Verdict::Yes,
        SelectionKind::DevicesOrUsers => Verdict::No,
    };
    let mut added = Verdict::No;
    for reason in because {
        match reason {
            GroupReason::OutsideOrganizationGroup
            | GroupReason::DeviceExcluded
            | GroupReason::UserExcluded
            | GroupReason::UserGroupExcluded => return Verdict::No,
            GroupReason::DeviceAdded | GroupReason::UserAdded => return Verdict::Yes,
            GroupReason::UserUnknown => {
                assert!(facts.device.user.is_none());
                added = Verdict::Unknown;
            }
            GroupReason::Criterion { verdict, .. } => criteria = criteria.and(*verdict),
        }
    }
    criteria.or(added)
}

fn replay(posture: &mut Posture, change: PostureChange) {
    fn put<T: Ord>(all: &mut Vec<T>, item: T) {
        all.push(item);
        all.sort_unstable();
    }
    match change {
        PostureChange::Risk(from, to) => {
            assert_eq!(std::mem::replace(&mut posture.risk, to), from);
        }
        PostureChange::Protection(from, to) => {
            assert_eq!(std::mem::replace(&mut posture.protection, to), from);
        }
        PostureChange::Compliance(from, to) => {
            assert_eq!(std::mem::replace(&mut posture.compliance, to), from);
        }
        PostureChange::Score(from, to) => {
            assert_eq!(std::mem::replace(&mut posture.score, to), from);
        }
        PostureChange::TagAdded(tag) => put(&mut posture.tags, tag),
        PostureChange::TagRemoved(tag) => posture.tags.retain(|it| *it != tag),
        PostureChange::GroupJoined(group) => put(&mut posture.smart_groups, group),
        PostureChange::GroupLeft(group) => posture.smart_groups.retain(|it| *it != group),
        PostureChange::ProfileDropped(target) => posture.profiles.retain(|it| *it != target),
        PostureChange::Profile(target, before) => {
            assert_eq!(posture.target(target.profile).copied(), before);
            posture.profiles.retain(|it| it.profile != target.profile);
            posture.profiles.push(target);
            posture.profiles.sort_unstable_by_key(|it| it.profile);
        }
    }
}

/// Something that may not be known of a device.
#[derive(Clone, Copy, Debug)]
enum Datum {
    OsVersion,
    Model,
    Manufacturer,
    Ownership,
    User,
    Management,
    EnrollmentCategory,
}

impl Datum {
    const ALL: [Datum; 7] = [
        Datum::OsVersion,
        Datum::Model,
        Datum::Manufacturer,
        Datum::Ownership,
        Datum::User,
        Datum::Management,
        Datum::EnrollmentCategory,
    ];

    fn remove(self, device: &mut Device) {
        match self {
            Datum::OsVersion => device.os_version = None,
            Datum::Model => device.model = None,
            Datum::Manufacturer => device.manufacturer = None,
            Datum::Ownership => device.ownership = None,
            Datum::User => {
                device.user = None;
                device.user_groups = Vec::new();
            }
            Datum::Management => device.management = None,
            Datum::EnrollmentCategory => device.enrollment_category = None,
        }
    }
}

fn hushed(sensor: Sensor) -> Sensor {
    let ever = |_: Time| now().minus(Span::days(365));
    Sensor {
        last_contact: sensor.last_contact.map(ever).or(sensor.status.map(|_| ever(now()))),
        reported_at: sensor.reported_at.map(ever),
        ..sensor
    }
}

/// Every group held is still held, and every profile that was to be installed still is, unless the device came into a
/// group that is excluded by name: a device that has lost its user is no longer excluded by its user.
fn lifts_nothing(before: &Posture, after: &Posture) -> Result<(), TestCaseError> {
    for group in &before.smart_groups {
        prop_assert!(after.smart_groups.contains(group), "left smart group {}", group);
    }
    for target in &before.profiles {
        if let Desired::Install { version } = target.desired {
            let now = after.target(target.profile);
            let kept = now.is_some_and(|now| now.desired == Desired::Install { version });
            let excluded = now.is_some_and(|now| now.reason == TargetReason::Excluded)
                && after.smart_groups.len() > before.smart_groups.len();
            prop_assert!(kept || excluded, "profile {} is to be {:?}", target.profile, now);
        }
    }
    Ok(())
}

/// What detections add up to, taken in one after the other as the engine does. The ids are those of the threats' names,
/// because ours depend on which message came first.
fn threats_of(said: &[Detection]) -> Vec<Threat> {
    let mut threats: Vec<Threat> = Vec::new();
    for detection in said {
        match threats.iter_mut().find(|threat| threat.is_about(detection)) {
            Some(threat) => {
                let before = threat.clone();
                let newer = threat.take(detection);
                assert!(newer || (&threat.changed_at, &threat.reported) == (&before.changed_at, &before.reported));
            }
            None => threats.push(Threat::new(ThreatId(Uuid::nil()), detection)),
        }
    }
    threats.sort_by(|a, b| (&a.source, &a.threat_id).cmp(&(&b.source, &b.threat_id)));
    threats
}
