#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

use allclear_domain::{
    detection::ProtectionStatus,
    device::{Device, DeviceFacts, Sensor},
    ids::OrganizationGroupId,
    level::Platform,
    posture::{Posture, ProfileTarget, TargetReason},
    profile::ProfileStatus,
    time::Span,
};
use allclear_store::devices::Since;
use serde_json::json;
use uuid::Uuid;

use super::*;

const NOW: Time = Time::EPOCH;

fn profile(n: u128) -> ProfileId {
    ProfileId(Uuid::from_u128(n))
}

fn command(n: u128) -> CommandId {
    CommandId(Uuid::from_u128(n))
}

fn record(targets: &[(u128, Desired)]) -> DeviceRecord {
    let device = Device {
        friendly_name: "phone".into(),
        enrollment: EnrollmentStatus::Enrolled,
        sensor: Sensor { status: Some(ProtectionStatus::Activated), ..Sensor::default() },
        ..Device::new(DeviceId(Uuid::from_u128(1)), OrganizationGroupId(Uuid::from_u128(2)), Platform::Android, NOW)
    };
    let target = |(n, desired): &(u128, Desired)| ProfileTarget {
        profile: profile(*n),
        desired: *desired,
        reason: TargetReason::Assigned,
        held_until: None,
    };
    DeviceRecord {
        facts: DeviceFacts { device, threats: Vec::new(), reports: Vec::new(), check: None },
        posture: Posture { profiles: targets.iter().map(target).collect(), ..Posture::default() },
        since: Since::default(),
        last_entry: 0,
        archived_threats: false,
        due_at: None,
        version: 1,
    }
}

const ONE: Desired = Desired::Install { version: 1 };

fn issue(record: &mut DeviceRecord, n: u128, id: u128, action: Action) {
    let reports = &mut record.facts.reports;
    let place = reports.iter().position(|report| report.profile == profile(n)).unwrap_or_else(|| {
        reports.push(ProfileReport::new(profile(n)));
        reports.len() - 1
    });
    reports[place].issue(command(id), action, NOW);
}

/// Carries the facts out as the engine does, and says how the profile stands then.
fn carry_out(record: &mut DeviceRecord, facts: &[Fact], n: u128) -> Option<ProfileStatus> {
    for fact in facts {
        match fact {
            Fact::Answered { command, status, detail, .. } => {
                let waits = |report: &&mut ProfileReport| report.issued.iter().any(|one| one.command == *command);
                let report = record.facts.reports.iter_mut().find(waits).expect("it was issued");
                assert!(report.answer(*command, *status, detail.clone(), NOW));
            }
            Fact::Inventory { inventory, .. } => {
                let installed = inventory.installed.clone().unwrap();
                for report in &mut record.facts.reports {
                    let found = installed.iter().find(|(profile, _)| *profile == report.profile);
                    report.installed = found.map(|(_, version)| *version);
                }
            }
            other => unreachable!("{other:?}"),
        }
    }
    let target = record.posture.profiles.iter().find(|target| target.profile == profile(n))?;
    record.profile_status(target)
}

fn camera() -> Policy {
    let payload = json!({ "type": "restrictions", "settings": { "cameraAccess": "CAMERA_ACCESS_DISABLED" } });
    Policy::of(&[serde_json::from_value(payload).unwrap()])
}

fn screen() -> Policy {
    let payload = json!({ "type": "restrictions", "settings": { "screenCaptureDisabled": true } });
    Policy::of(&[serde_json::from_value(payload).unwrap()])
}

/// Policies `a` with nothing, `b` with the camera (profile 1), `c` with both.
fn assignments(up_to: usize) -> Assignments {
    let mut all = Assignments::default();
    for (policy, profiles) in
        [("a", vec![]), ("b", vec![(profile(1), 1)]), ("c", vec![(profile(1), 1), (profile(2), 1)])]
            .into_iter()
            .take(up_to)
    {
        all.push(Assigned { policy: policy.into(), profiles }, None);
    }
    all
}

fn parts() -> Parts {
    Parts::from([((profile(1), 1), camera()), ((profile(2), 1), screen())])
}

#[allow(clippy::needless_pass_by_value, reason = "callers make the details on the spot")]
fn says(applied: &str, details: Value) -> Reading {
    status::read(&json!({
        "name": "enterprises/E/devices/D", "appliedPolicyName": format!("enterprises/E/policies/{applied}"),
        "appliedPolicyVersion": "1", "nonComplianceDetails": details,
    }))
}

#[test]
fn a_profile_is_installed_when_the_device_says_that_it_has_the_policy() {
    let mut device = record(&[(1, ONE)]);
    issue(&mut device, 1, 10, Action::Install(1));
    let all = assignments(2);
    assert_eq!(facts(&device, &all, &says("a", json!([])), &parts()), [], "it has the one before");
    assert_eq!(facts(&device, &all, &says("x", json!([])), &parts()), [], "it has one that nobody gave it");
    assert_eq!(facts(&device, &all, &status::read(&json!({})), &parts()), [], "it says nothing");
    let said = facts(&device, &all, &says("b", json!([])), &parts());
    assert_eq!(carry_out(&mut device, &said, 1), Some(ProfileStatus::Installed));
    assert_eq!(facts(&device, &all, &says("b", json!([])), &parts()), [], "said once");
}

#[test]
fn what_does_not_hold_fails_in_the_devices_words_and_holds_again_when_it_says_so() {
    let mut device = record(&[(1, ONE), (2, ONE)]);
    issue(&mut device, 1, 10, Action::Install(1));
    issue(&mut device, 2, 11, Action::Install(1));
    let all = assignments(3);
    let fails = json!([{ "settingName": "cameraAccess", "nonComplianceReason": "INVALID_VALUE" }]);
    let said = facts(&device, &all, &says("c", fails.clone()), &parts());
    assert_eq!(carry_out(&mut device, &said, 1), Some(ProfileStatus::Failed));
    assert_eq!(carry_out(&mut device, &[], 2), Some(ProfileStatus::Installed), "the other does hold");
    let answer = device.facts.reports[0].answer.clone().unwrap();
    assert!(answer.detail.as_ref().unwrap().contains("cameraAccess"), "{answer:?}");
    assert_eq!(facts(&device, &all, &says("c", fails.clone()), &parts()), [], "said once");
    let said = facts(&device, &all, &says("c", json!([])), &parts());
    assert_eq!(carry_out(&mut device, &said, 1), Some(ProfileStatus::Installed));
    // And when it does not hold any more.
    let said = facts(&device, &all, &says("c", fails), &parts());
    assert_eq!(device.facts.reports.len(), 2);
    carry_out(&mut device, &said, 1);
    assert_eq!(device.facts.reports[0].installed, None);
    assert_eq!(device.facts.reports[0].action(ONE, None, NOW.plus(Span::days(1))), Some(Action::Install(1)));
}

#[test]
fn what_is_pending_is_neither_installed_nor_failed_and_lifts_nothing() {
    let mut device = record(&[(1, ONE)]);
    issue(&mut device, 1, 10, Action::Install(1));
    let all = assignments(2);
    let pending = json!([{ "settingName": "cameraAccess", "nonComplianceReason": "PENDING" }]);
    let said = facts(&device, &all, &says("b", pending.clone()), &parts());
    assert_eq!(carry_out(&mut device, &said, 1), Some(ProfileStatus::Installing));
    assert_eq!(facts(&device, &all, &says("b", pending.clone()), &parts()), [], "said once");
    let said = facts(&device, &all, &says("b", json!([])), &parts());
    assert_eq!(carry_out(&mut device, &said, 1), Some(ProfileStatus::Installed));
    assert_eq!(facts(&device, &all, &says("b", pending), &parts()), [], "it stays installed meanwhile");
}

#[test]
fn a_profile_is_removed_when_the_device_has_the_policy_without_it() {
    let mut device = record(&[(1, ONE), (2, ONE)]);
    issue(&mut device, 1, 10, Action::Install(1));
    issue(&mut device, 2, 11, Action::Install(1));
    let mut all = assignments(3);
    let said = facts(&device, &all, &says("c", json!([])), &parts());
    carry_out(&mut device, &said, 1);
    device.posture.profiles[1].desired = Desired::Remove;
    issue(&mut device, 2, 12, Action::Remove);
    all.push(Assigned { policy: "b".into(), profiles: vec![(profile(1), 1)] }, Some("c"));
    assert_eq!(facts(&device, &all, &says("c", json!([])), &parts()), []);
    assert_eq!(carry_out(&mut device, &[], 2), Some(ProfileStatus::PendingRemoval));
    let said = facts(&device, &all, &says("b", json!([])), &parts());
    assert_eq!(carry_out(&mut device, &said, 2), Some(ProfileStatus::Removed));
    assert_eq!(carry_out(&mut device, &[], 1), Some(ProfileStatus::Installed));
}

#[test]
fn what_should_be_on_a_device_now_makes_its_policy() {
    let mut device =
        record(&[(1, ONE), (2, Desired::Install { version: 2 }), (3, Desired::Remove), (4, Desired::Nothing)]);
    let none = Assignments::default();
    assert_eq!(on_it(&device, &none, NOW), [(profile(1), 1), (profile(2), 2)]);
    // One that waits for its window leaves what is there; so does one that is not taken off again.
    device.posture.profiles[1].held_until = Some(NOW.plus(Span::seconds(60)));
    assert_eq!(on_it(&device, &none, NOW), [(profile(1), 1)]);
    for (n, version) in [(2, 1), (3, 1), (4, 3)] {
        let mut report = ProfileReport::new(profile(n));
        report.installed = Some(version);
        device.facts.reports.push(report);
    }
    assert_eq!(on_it(&device, &none, NOW), [(profile(1), 1), (profile(2), 1), (profile(4), 3)]);
    assert_eq!(on_it(&device, &none, NOW.plus(Span::seconds(60))), [(profile(1), 1), (profile(2), 2), (profile(4), 3)]);
}

#[test]
fn no_device_is_erased_by_leaving() {
    let says = |management: &str, ownership: &str| {
        parting(Some(&status::read(&json!({ "managementMode": management, "ownership": ownership }))))
    };
    assert_eq!(says("PROFILE_OWNER", "PERSONALLY_OWNED"), Parting::Delete);
    assert_eq!(says("PROFILE_OWNER", "COMPANY_OWNED"), Parting::Relinquish);
    for unknown in [says("DEVICE_OWNER", "COMPANY_OWNED"), says("PROFILE_OWNER", ""), says("", "PERSONALLY_OWNED")] {
        assert_eq!(unknown, Parting::Release);
    }
    assert_eq!(parting(None), Parting::Ask);
}
