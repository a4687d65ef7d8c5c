//! What each kind of event of the feed becomes: our fixtures, the vendor's own events where they are at hand, and
//! anything else.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::path::{Path, PathBuf};

use allclear_connectors::lookout::{SOURCE, map};
use allclear_domain::{
    detection::{
        Detection, DeviceRef, Notice, Observed, ProtectionStatus, SensorReport, SourceEvent, ThreatStatus, Unmapped,
    },
    level::{Platform, RiskLevel},
};
use proptest::prelude::*;
use serde_json::{Value, json};

const ADA: &str = "a1a1a1a1-0000-4000-8000-000000000001";
const ADA_ACTOR: &str = "a1a1a1a1-0000-4000-8000-0000000000ac";
const ADA_EXTERNAL: &str = "c0ffee00-0000-4000-8000-000000000001";
const BEN: &str = "b2b2b2b2-0000-4000-8000-000000000002";
const BEN_EXTERNAL: &str = "F2LXK0ABCD12";

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/lookout").join(format!("{name}.json"));
    std::fs::read_to_string(path).unwrap()
}

fn one(raw: &str) -> SourceEvent {
    let mut events = map(raw);
    assert_eq!(events.len(), 1, "{events:?}");
    events.remove(0)
}

fn detection(raw: &str) -> Detection {
    match one(raw) {
        SourceEvent::Detection(detection) => {
            let event: Value = serde_json::from_str(raw).unwrap();
            assert_eq!(detection.event_id, event["id"]);
            assert_eq!(detection.source, SOURCE);
            assert_eq!(detection.detected_at, event["created_time"].as_str().unwrap().parse().unwrap());
            detection
        }
        other => panic!("not a detection: {other:?}"),
    }
}

fn reports(raw: &str) -> Vec<SensorReport> {
    let report = |event| match event {
        SourceEvent::Sensor(report) => report,
        other => panic!("not a report: {other:?}"),
    };
    map(raw).into_iter().map(report).collect()
}

fn notice(raw: &str) -> Notice {
    match one(raw) {
        SourceEvent::Notice(notice) => notice,
        other => panic!("not a notice: {other:?}"),
    }
}

fn unmapped(raw: &str) -> Unmapped {
    match one(raw) {
        SourceEvent::Unmapped(unmapped) => unmapped,
        other => panic!("mapped to {other:?}"),
    }
}

fn external(id: &str) -> DeviceRef {
    DeviceRef::ExternalId(id.to_owned())
}

/// Fixture, device, classification, status, severity.
const THREATS: &[(&str, &str, &str, ThreatStatus, Option<RiskLevel>)] = &[
    ("threat_application_open", ADA, "trojan", ThreatStatus::Open, Some(RiskLevel::High)),
    ("threat_application_resolved", ADA, "trojan", ThreatStatus::Resolved, Some(RiskLevel::High)),
    ("threat_application_ignored", ADA, "riskware", ThreatStatus::Ignored, Some(RiskLevel::Low)),
    ("threat_several_classifications", ADA, "trojan", ThreatStatus::Open, Some(RiskLevel::Medium)),
    ("threat_only_assessments", ADA, "denylisted_app", ThreatStatus::Open, Some(RiskLevel::Medium)),
    ("threat_new_classification", ADA, "quantum_worm", ThreatStatus::Open, None),
    ("threat_file", ADA, "vulnerability", ThreatStatus::Open, Some(RiskLevel::Advisory)),
    ("threat_security_patch", ADA, "out_of_date_security_patch", ThreatStatus::Open, Some(RiskLevel::Advisory)),
    ("threat_pcp_paused", ADA, "pcp_paused", ThreatStatus::Open, Some(RiskLevel::Advisory)),
    ("threat_pcp_disabled", ADA, "pcp_disabled", ThreatStatus::Open, Some(RiskLevel::Low)),
    ("threat_network", BEN, "man_in_the_middle", ThreatStatus::Open, Some(RiskLevel::High)),
    ("threat_web_content_blocked", BEN, "phishing_content", ThreatStatus::Resolved, Some(RiskLevel::High)),
    ("threat_os", BEN, "jailbroken", ThreatStatus::Open, Some(RiskLevel::High)),
    ("threat_closed_by_admin", ADA, "adware", ThreatStatus::Resolved, Some(RiskLevel::Low)),
];

#[test]
fn threats_become_detections() {
    for (name, device, classification, status, severity) in THREATS {
        let raw = fixture(name);
        let event: Value = serde_json::from_str(&raw).unwrap();
        let detection = detection(&raw);
        assert_eq!(detection.device, external(device), "{name}");
        assert_eq!(detection.threat_id, event["threat"]["guid"], "{name}");
        assert_eq!(detection.classification, *classification, "{name}");
        assert_eq!(detection.status, *status, "{name}");
        assert_eq!(detection.severity, *severity, "{name}");
        assert_eq!(detection.details["type"], event["threat"]["type"], "{name}");
        assert_eq!(detection.details["classifications"], event["threat"]["classifications"], "{name}");
    }
}

#[test]
fn the_evidence_is_kept() {
    let details = detection(&fixture("threat_application_open")).details;
    assert_eq!(details["package_name"], "example.torch.bright");
    assert_eq!(details["assessments"], json!([{"classification": "TROJAN"}, {"classification": "TROJAN"}]));
    let details = detection(&fixture("threat_several_classifications")).details;
    assert_eq!(details["classifications"], json!(["SIDELOADED_APP", "RISKWARE", "TROJAN", "ADWARE"]));
    let details = detection(&fixture("threat_network")).details;
    assert_eq!((&details["type"], &details["details_type"]), (&json!("NETWORK"), &json!("WIFI")));
    let details = detection(&fixture("threat_new_classification")).details;
    assert_eq!(details["severity"], "EXTREME", "a severity we do not know stays readable");
}

#[test]
fn evidence_is_bounded() {
    let mut event: Value = serde_json::from_str(&fixture("threat_application_open")).unwrap();
    event["threat"]["details"]["application_name"] = json!("é".repeat(5_000));
    event["threat"]["details"]["permissions"] = json!(vec!["x".repeat(900); 90]);
    let details = detection(&event.to_string()).details;
    assert_eq!(details["application_name"], "é".repeat(1_000));
    assert_eq!(details["truncated"], json!(["permissions"]));
    assert!(serde_json::to_string(&details).unwrap().len() <= 16 * 1024);
}

#[test]
fn a_device_is_reported_with_every_guid_it_goes_by() {
    let raw = fixture("device_protected");
    let event: Value = serde_json::from_str(&raw).unwrap();
    let id = event["id"].as_str().unwrap().to_owned();
    let reports = reports(&raw);
    assert_eq!(
        reports,
        [
            SensorReport {
                event_id: id.clone(),
                source: SOURCE.to_owned(),
                device: external(ADA_EXTERNAL),
                external_id: Some(ADA.to_owned()),
                reported_at: event["created_time"].as_str().unwrap().parse().unwrap(),
                protection_status: Some(ProtectionStatus::Activated),
                observed: Observed {
                    platform: Some(Platform::Android),
                    manufacturer: Some("fairphone".to_owned()),
                    model: Some("fp5".to_owned()),
                    os_version: Some("15".to_owned()),
                    security_patch_level: Some("2026-02-05".to_owned()),
                },
            },
            SensorReport {
                event_id: format!("{id}#actor"),
                external_id: Some(ADA_ACTOR.to_owned()),
                protection_status: None,
                observed: Observed::default(),
                ..reports[0].clone()
            },
        ]
    );
}

#[test]
fn a_device_without_our_id_goes_by_its_guid() {
    let reports = reports(&fixture("device_without_external_id"));
    assert_eq!((&reports[0].device, &reports[0].external_id), (&external(ADA), &None));
    assert_eq!((&reports[1].device, &reports[1].external_id), (&external(ADA), &Some(ADA_ACTOR.to_owned())));
}

#[test]
fn a_target_with_a_third_guid_is_an_alias_too() {
    let mut event: Value = serde_json::from_str(&fixture("device_protected")).unwrap();
    event["target"]["guid"] = json!("third");
    let reports = reports(&event.to_string());
    assert_eq!(reports.len(), 3);
    assert!(reports[2].event_id.ends_with("#target"));
    assert_eq!(reports[2].external_id.as_deref(), Some("third"));

    event["actor"] = json!({"guid": "somebody", "type": "ADMIN"});
    event["target"]["guid"] = json!(ADA);
    assert_eq!(self::reports(&event.to_string()).len(), 1, "an administrator is not a device");
}

#[test]
fn what_the_sensor_says_of_itself() {
    for (name, status) in [
        ("device_ios_protected", ProtectionStatus::Activated),
        ("device_pending", ProtectionStatus::Pending),
        ("device_deactivated", ProtectionStatus::Deactivated),
        ("device_deleted", ProtectionStatus::Unreachable),
        ("device_removed", ProtectionStatus::Unreachable),
        ("device_disconnected", ProtectionStatus::Disconnected),
        ("device_uninstalled", ProtectionStatus::Unreachable),
    ] {
        let reports = reports(&fixture(name));
        assert_eq!(reports.len(), 1, "{name}: the device acted under its own guid");
        assert_eq!(reports[0].protection_status, Some(status), "{name}");
        assert_eq!((&reports[0].device, reports[0].external_id.as_deref()), (&external(BEN_EXTERNAL), Some(BEN)));
        assert_eq!(reports[0].observed.platform, Some(Platform::Ios));
        assert_eq!(reports[0].observed.security_patch_level, None);
    }
}

#[test]
fn a_status_we_do_not_know_says_nothing_but_is_shown() {
    let events = map(&fixture("device_unknown_status"));
    let [SourceEvent::Sensor(report), SourceEvent::Unmapped(unmapped)] = events.as_slice() else {
        panic!("{events:?}")
    };
    assert_eq!((report.protection_status, report.external_id.as_deref()), (None, Some(BEN)));
    assert_eq!(unmapped.event_id, format!("{}#status", report.event_id));
    assert!(unmapped.reason.starts_with("device.status.protection_status: unknown value `NAPPING`"));
}

#[test]
fn smishing_alerts_become_one_detection_each() {
    for (name, classification) in [
        ("smishing_phishing_url", "smishing"),
        ("smishing_ceo_fraud", "ceo_fraud"),
        ("smishing_new_category", "smishing"),
    ] {
        let raw = fixture(name);
        let event: Value = serde_json::from_str(&raw).unwrap();
        let detection = detection(&raw);
        assert_eq!(detection.device, external(ADA));
        assert_eq!(detection.threat_id, event["smishing_alert"]["guid"]);
        assert_eq!(
            (detection.classification.as_str(), detection.status),
            (classification, ThreatStatus::Open),
            "{name}"
        );
        assert_eq!(detection.details["detections"], event["smishing_alert"]["detections"]);
    }
}

#[test]
fn audit_events_become_readable_notices() {
    for (name, summary) in [
        ("audit_purged", "enterprise purged by system"),
        ("audit_policy", "classification policy created by admin: agent_outdated, severity from medium to high"),
        ("audit_login", "admin login created by admin: login"),
    ] {
        let raw = fixture(name);
        let event: Value = serde_json::from_str(&raw).unwrap();
        let notice = notice(&raw);
        assert_eq!(notice.summary, summary);
        assert_eq!(notice.event_id, event["id"]);
        assert_eq!((&notice.details["audit"], &notice.details["actor"]), (&event["audit"], &event["actor"]));
    }
}

#[test]
fn the_reason_names_the_member() {
    let edited = |name: &str, edit: &dyn Fn(&mut Value)| {
        let mut event: Value = serde_json::from_str(&fixture(name)).unwrap();
        edit(&mut event);
        event.to_string()
    };
    let threat = |edit: &dyn Fn(&mut Value)| edited("threat_file", edit);
    for (raw, reason) in [
        (String::new(), "not JSON"),
        ("7".to_owned(), "type: missing"),
        (fixture("unknown_type"), "type: unknown value `BATTERY`"),
        (fixture("threat_without_device"), "actor.guid: neither the actor nor the target is a device"),
        (fixture("threat_unknown_status"), "threat.status: unknown value `SLEEPING`"),
        (threat(&|e| e["id"] = Value::Null), "id: missing"),
        (threat(&|e| e["id"] = json!(7)), "id: not a text"),
        (threat(&|e| e["type"] = json!(["THREAT"])), "type: not a text"),
        (threat(&|e| e["threat"]["guid"] = json!("")), "threat.guid: missing"),
        (threat(&|e| e["threat"]["guid"] = json!("x".repeat(201))), "threat.guid: longer than 200 bytes"),
        (threat(&|e| e["threat"] = json!("gone")), "threat.status: missing"),
        (threat(&|e| e["created_time"] = json!("yesterday")), "created_time: not a time: `yesterday`"),
        (edited("device_pending", &|e| e["device"]["guid"] = Value::Null), "device.guid: missing"),
        (edited("smishing_ceo_fraud", &|e| e["smishing_alert"] = Value::Null), "smishing_alert.guid: missing"),
        (edited("audit_purged", &|e| e["audit"] = json!({})), "audit.type: missing"),
    ] {
        let unmapped = unmapped(&raw);
        assert!(unmapped.reason.starts_with(reason), "{}", unmapped.reason);
        assert_eq!((unmapped.source.as_str(), &unmapped.raw), (SOURCE, &raw));
        assert!((1..=200).contains(&unmapped.event_id.len()));
    }
}

/// Events of a real feed, kept beside the project; the test says so where they are missing.
#[test]
fn real_events_map_to_the_right_thing() {
    let shared = std::env::var_os("ALLCLEAR_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let folder = shared.join("lookout");
    if !folder.is_dir() {
        println!("skipped: no real events at {}", folder.display());
        return;
    }
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();

    for (name, device, classification, status, severity, detail) in [
        (
            "app_risk_created.json",
            "951294c6-d9c9-482b-955c-8879410a76b1",
            "riskware",
            ThreatStatus::Open,
            RiskLevel::Low,
            ("package_name", "com.doa.start"),
        ),
        (
            "app_risk_resolved.json",
            "0bd2deac-7609-4c3b-88fe-9c61d50a0f56",
            "trojan",
            ThreatStatus::Resolved,
            RiskLevel::High,
            ("package_name", "com.manageyourbank.accountbalancecheck"),
        ),
        (
            "aspl_advisory_open.json",
            "583d7b8d-a543-4f8f-a736-0fd46d91c876",
            "out_of_date_security_patch",
            ThreatStatus::Open,
            RiskLevel::Advisory,
            ("minimum_os_version", "2025-01-05"),
        ),
        (
            "malicious_content.json",
            "8595b5c2-e78b-494a-b0fa-9ab37431589e",
            "malicious_content",
            ThreatStatus::Resolved,
            RiskLevel::High,
            ("response", "BLOCKED"),
        ),
        (
            "network_created.json",
            "03ff47c2-fe85-4cd2-b8af-39908198ae19",
            "port_scan",
            ThreatStatus::Open,
            RiskLevel::Advisory,
            ("type", "NETWORK"),
        ),
    ] {
        let detection = detection(&read(name));
        assert_eq!(detection.device, external(device), "{name}");
        assert_eq!((detection.classification.as_str(), detection.status), (classification, status), "{name}");
        assert_eq!(detection.severity, Some(severity), "{name}");
        assert_eq!(detection.details[detail.0], detail.1, "{name}");
    }

    let alert = detection(&read("ceo_fraud_detection.json"));
    assert_eq!(alert.device, external("cc4d037a-9246-4fdf-8abb-4bf8b20bf905"));
    assert_eq!(alert.threat_id, "7b274c48-f82a-4e69-b683-28c0abcdf5fc");
    assert_eq!((alert.classification.as_str(), alert.status), ("ceo_fraud", ThreatStatus::Open));

    let reports = reports(&read("device_update.json"));
    assert_eq!(reports.len(), 2);
    for (report, alias) in
        reports.iter().zip(["f1557f3b-f90a-4260-a7c5-5a7bf975524c", "5ee38df4-7b1d-466d-820f-e2e5e1e0d664"])
    {
        assert_eq!(report.device, external("33184684-d443-4db2-a6ca-88b78df8f1e7"));
        assert_eq!(report.external_id.as_deref(), Some(alias));
    }
    assert_eq!(reports[0].protection_status, Some(ProtectionStatus::Activated));
    assert_eq!(reports[0].observed.model.as_deref(), Some("sm-a346b"));
    assert_eq!(reports[0].observed.security_patch_level.as_deref(), Some("2025-02-01"));

    assert_eq!(notice(&read("audit_purge_event.json")).summary, "enterprise purged by system");
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,250}".prop_map(Value::from),
        prop::sample::select(vec!["DEVICE", "OPEN", "DELETED", "2026-01-01T00:00:00Z", "NaN"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 20, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map("[a-z_]{1,12}", inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// The paths of all members of a value, as JSON pointers.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| pointers(value, &format!("{at}/{key}"), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, value)| pointers(value, &format!("{at}/{n}"), found));
        }
        _ => {}
    }
}

fn ids(event: &SourceEvent) -> (&str, &str) {
    match event {
        SourceEvent::Detection(event) => (&event.event_id, &event.source),
        SourceEvent::Sensor(event) => (&event.event_id, &event.source),
        SourceEvent::Notice(event) => (&event.event_id, &event.source),
        SourceEvent::Unmapped(event) => (&event.event_id, &event.source),
    }
}

proptest! {
    /// Whatever is put in the place of any member, every event gives something, with an id and within bounds.
    #[test]
    fn nothing_is_lost_and_nothing_panics(
        name in prop::sample::select(vec![
            "threat_application_open", "threat_network", "threat_closed_by_admin", "device_protected",
            "device_ios_protected", "smishing_ceo_fraud", "audit_policy", "unknown_type",
        ]),
        member in any::<prop::sample::Index>(),
        value in any_json(),
    ) {
        let mut event: Value = serde_json::from_str(&fixture(name)).unwrap();
        let mut found = Vec::new();
        pointers(&event, "", &mut found);
        *event.pointer_mut(member.get(&found).as_str()).unwrap() = value;

        let events = map(&event.to_string());
        prop_assert!(!events.is_empty());
        let mut seen = Vec::new();
        for event in &events {
            let (event_id, source) = ids(event);
            prop_assert!((1..=200).contains(&event_id.len()));
            prop_assert_eq!(source, SOURCE);
            prop_assert!(!seen.contains(&event_id));
            seen.push(event_id);
            if let SourceEvent::Detection(detection) = event {
                prop_assert!(serde_json::to_string(&detection.details).unwrap().len() <= 16 * 1024);
                prop_assert!(!detection.classification.is_empty() && (1..=200).contains(&detection.threat_id.len()));
            }
        }
    }

    #[test]
    fn any_text_is_kept_as_unmapped_or_understood(raw in ".{0,300}") {
        prop_assert!(!map(&raw).is_empty());
    }
}
