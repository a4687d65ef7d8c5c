//! What the rules make of devices: by example, and whatever is known of them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

use proptest::prelude::*;

use super::*;
use crate::{
    device::{EnrollmentStatus, SecurityState},
    found::evidence_of,
    ids::{OrganizationGroupId, ThreatId},
};

fn now() -> Time {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

fn device(platform: Platform) -> Device {
    Device {
        friendly_name: "phone".into(),
        enrollment: EnrollmentStatus::Enrolled,
        ..Device::new(
            DeviceId(uuid::Uuid::from_u128(1)),
            OrganizationGroupId(uuid::Uuid::from_u128(2)),
            platform,
            now(),
        )
    }
}

fn app(identifier: &str) -> App {
    App { identifier: identifier.into(), version: Some("1.2".into()), ..App::default() }
}

fn strict() -> PostureRules {
    let games = || vec!["com.example.game".to_owned(), "com.example.other".to_owned()];
    PostureRules {
        minimum_os: MinimumOs { android: Some("14".into()), ios: Some("17.6".into()) },
        maximum_patch_age_days: Some(90),
        denylisted_apps: DenylistedApps { android: games(), ios: games() },
    }
}

/// What the engine does with detections, as far as threats go.
fn take(threats: &mut Vec<Threat>, detections: &[Detection]) {
    for detection in detections {
        let place = threats.iter().position(|threat| threat.is_about(detection)).unwrap_or_else(|| {
            threats.push(Threat::new(ThreatId(uuid::Uuid::from_u128(threats.len() as u128)), detection));
            threats.len() - 1
        });
        threats[place].take(detection);
        threats[place].evidence = evidence_of(detection);
    }
}

fn open(threats: &[Threat]) -> Vec<&str> {
    threats.iter().filter(|threat| threat.is_open()).map(|threat| threat.threat_id.as_str()).collect()
}

#[test]
fn what_is_wrong_opens_a_threat_with_its_evidence_and_what_is_right_resolves_it() {
    let rules = strict();
    let mut phone = device(Platform::Android);
    phone.os_version = Some("13".into());
    phone.security_patch_level = Some("2025-06-05".into());
    phone.security = SecurityState { passcode_present: Some(false), rooted: Some(true), ..SecurityState::default() };
    let apps = [app("com.example.game"), app("com.example.mail")];
    let judged = judge(&rules, &phone, Some(&apps), now());
    let detections = judged.detections(phone.id, &[], now());
    let found: Vec<_> =
        detections.iter().map(|it| (it.threat_id.as_str(), Value::Object(it.details.clone()))).collect();
    assert_eq!(
        found,
        [
            ("rule:no_passcode", json!({"passcode_present": false})),
            ("rule:rooted", json!({"rooted": true})),
            ("rule:out_of_date_os", json!({"os_version": "13", "minimum_os_version": "14"})),
            (
                "rule:out_of_date_security_patch",
                json!({"security_patch_level": "2025-06-05", "maximum_patch_age_days": 90})
            ),
            (
                "rule:denylisted_app:com.example.game",
                json!({"identifier": "com.example.game", "version": "1.2", "rule": "denylisted_apps"})
            ),
        ]
    );
    for detection in &detections {
        let known = crate::classification::find(&detection.classification).expect("is in the table");
        assert!(known.platforms.contains(&Platform::Android), "{}", known.id);
    }
    let mut threats = Vec::new();
    take(&mut threats, &detections);
    assert_eq!(judged.detections(phone.id, &threats, now()), [], "the same again changes nothing");

    // New evidence of the same condition is the same threat.
    phone.os_version = Some("13.1".into());
    let news = judge(&rules, &phone, None, now()).detections(phone.id, &threats, now());
    assert_eq!(news.len(), 1);
    assert_eq!(news[0].details["os_version"], "13.1");
    take(&mut threats, &news);
    assert_eq!(threats.len(), 5);

    phone.os_version = Some("14".into());
    phone.security_patch_level = Some("2026-02-05".into());
    phone.security = SecurityState { passcode_present: Some(true), rooted: Some(false), ..SecurityState::default() };
    let judged = judge(&rules, &phone, Some(&apps[1..]), now());
    let news = judged.detections(phone.id, &threats, now());
    take(&mut threats, &news);
    assert_eq!(open(&threats), [""; 0]);
}

#[test]
fn facts_count_on_the_platforms_where_they_mean_something() {
    let mut phone = device(Platform::Ios);
    phone.os_version = Some("17.5.1".into());
    phone.security_patch_level = Some("2020-01-01".into());
    phone.security = SecurityState {
        passcode_present: Some(true),
        encrypted: Some(false),
        rooted: Some(true),
        bootloader_unlocked: Some(true),
        usb_debugging: Some(true),
        developer_mode: Some(true),
        unknown_sources: Some(true),
    };
    let rules = strict();
    let judged = judge(&rules, &phone, None, now());
    let holds: Vec<_> = judged.holds.iter().map(Condition::threat_id).collect();
    assert_eq!(holds, ["rule:jailbroken", "rule:developer_mode", "rule:out_of_date_os"]);
    let off = PostureRules::default();
    assert_eq!(judge(&off, &phone, Some(&[app("com.example.game")]), now()).holds.len(), 2, "what was not set is off");
}

#[test]
fn a_patch_level_grows_too_old_by_itself() {
    let rules = PostureRules { maximum_patch_age_days: Some(30), ..PostureRules::default() };
    let mut phone = device(Platform::Android);
    phone.security_patch_level = Some("2026-02-05".into());
    let until = judge(&rules, &phone, None, now()).valid_until.unwrap();
    assert_eq!(until, "2026-03-08T00:00:00Z".parse().unwrap());
    assert!(judge(&rules, &phone, None, until.minus(Span::micros(1))).holds.is_empty());
    assert_eq!(judge(&rules, &phone, None, until).holds.len(), 1);
    for nonsense in ["", "2026-02", "soon", "2026-13-01", "99999-01-01"] {
        phone.security_patch_level = Some(nonsense.into());
        let judged = judge(&rules, &phone, None, now());
        assert_eq!(judged.verdict("rule:out_of_date_security_patch"), Verdict::Unknown, "{nonsense}");
    }
}

#[test]
fn a_rule_that_asks_nothing_any_more_lets_go_whatever_is_known() {
    let rules = strict();
    let mut phone = device(Platform::Android);
    phone.os_version = Some("13".into());
    let mut threats = Vec::new();
    let news = judge(&rules, &phone, Some(&[app("com.example.game")]), now()).detections(phone.id, &[], now());
    take(&mut threats, &news);
    assert_eq!(threats.len(), 2);
    phone.os_version = None;
    let off = PostureRules::default();
    let news = judge(&off, &phone, None, now()).detections(phone.id, &threats, now());
    take(&mut threats, &news);
    assert_eq!(open(&threats), [""; 0]);
}

#[test]
fn rules_are_checked_by_member() {
    assert_eq!(strict().problems(), []);
    let twice = vec!["a.b".to_owned(), "a b".to_owned(), "a.b".to_owned()];
    let rules = PostureRules {
        minimum_os: MinimumOs { android: Some("Tiramisu".into()), ios: None },
        maximum_patch_age_days: Some(0),
        denylisted_apps: DenylistedApps { android: twice, ios: vec!["a".to_owned(); MOST_DENYLISTED + 1] },
    };
    let pointers: Vec<_> = rules.problems().into_iter().map(|(pointer, _)| pointer).collect();
    assert_eq!(
        pointers,
        [
            "/minimum_os/android",
            "/denylisted_apps/android/1",
            "/denylisted_apps/android/2",
            "/denylisted_apps/ios",
            "/maximum_patch_age_days"
        ]
    );
}

fn fact() -> impl Strategy<Value = Option<bool>> {
    prop::option::of(any::<bool>())
}

fn seen() -> impl Strategy<Value = (Device, Option<Vec<App>>)> {
    let security = (fact(), fact(), fact(), fact(), fact(), fact(), fact()).prop_map(
        |(passcode_present, encrypted, rooted, bootloader_unlocked, usb_debugging, developer_mode, unknown_sources)| {
            SecurityState {
                passcode_present,
                encrypted,
                rooted,
                bootloader_unlocked,
                usb_debugging,
                developer_mode,
                unknown_sources,
            }
        },
    );
    let version = prop::option::of(prop::sample::select(vec!["13", "14", "17.6", "18", "weird"]));
    let patch = prop::option::of(prop::sample::select(vec!["2025-01-01", "2026-02-01", "", "2026-09-01"]));
    let names = prop::sample::subsequence(vec!["com.example.game", "com.example.other", "com.example.mail"], 0..=3);
    (any::<bool>(), security, version, patch, prop::option::of(names)).prop_map(
        |(ios, security, version, patch, apps)| {
            let device = Device {
                security,
                os_version: version.map(str::to_owned),
                security_patch_level: patch.map(str::to_owned),
                ..device(if ios { Platform::Ios } else { Platform::Android })
            };
            (device, apps.map(|apps| apps.into_iter().map(app).collect()))
        },
    )
}

fn some_rules() -> impl Strategy<Value = PostureRules> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(os, patch, apps)| {
        let all = strict();
        PostureRules {
            minimum_os: if os { all.minimum_os } else { MinimumOs::default() },
            maximum_patch_age_days: all.maximum_patch_age_days.filter(|_| patch),
            denylisted_apps: if apps { all.denylisted_apps } else { DenylistedApps::default() },
        }
    })
}

proptest! {
    #[test]
    fn threats_follow_what_is_known_and_unknown_changes_none(
        steps in prop::collection::vec((some_rules(), seen(), 0_i64..100), 1..8),
    ) {
        let mut threats = Vec::new();
        let mut at = now();
        for (rules, (phone, apps), days) in steps {
            at = at.plus(Span::days(days));
            let judged = judge(&rules, &phone, apps.as_deref(), at);
            let before = threats.clone();
            let news = judged.detections(phone.id, &threats, at);
            take(&mut threats, &news);
            for threat in &threats {
                let known = before.iter().find(|known: &&Threat| known.threat_id == threat.threat_id);
                match judged.verdict(&threat.threat_id) {
                    Verdict::Yes => prop_assert!(threat.is_open()),
                    Verdict::No => prop_assert!(!threat.is_open()),
                    Verdict::Unknown => prop_assert_eq!(known, Some(threat)),
                }
            }
            let open: Vec<&str> = open(&threats);
            for condition in &judged.holds {
                prop_assert!(open.contains(&condition.threat_id().as_str()));
            }
            prop_assert_eq!(judged.detections(phone.id, &threats, at), vec![]);
            // Nothing known at all resolves nothing that the same rules ask.
            let blank = Device { platform: phone.platform, ..device(phone.platform) };
            let blind = judge(&rules, &blank, None, at);
            let resolved = blind.detections(phone.id, &threats, at);
            for detection in resolved {
                prop_assert!(!judged.holds.iter().any(|condition| condition.threat_id() == detection.threat_id));
            }
        }
    }
}
