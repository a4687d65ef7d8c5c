//! The restrictions that the response to risk puts on Apple devices, from a detection to the device's own word that they
//! are there, and off again.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::collections::BTreeMap;

use allclear_channels::apple::property_list;
use allclear_domain::{
    level::{Platform, RiskLevel},
    payload::{AppMode, Payload},
    quickstart,
};
use data_encoding::BASE64;
use plist::Value;
use serde_json::{Value as Json, json};

use super::device::{Device, Told, dictionary, minute};
use crate::agent::tests::Stage;

/// What a device has: its configuration profiles by identifier.
#[derive(Default)]
struct Profiles(BTreeMap<String, Json>);

impl Profiles {
    /// Does what the device is told until there is nothing more, and says what it did.
    async fn obey(&mut self, device: &Device<'_>) -> Vec<String> {
        let mut done = Vec::new();
        let mut told = device.idle().await;
        while let Some(one) = told {
            done.push(one.kind.clone());
            let answer = self.carry_out(&one);
            told = device.say("Acknowledged", Some(&one.id), &answer).await;
        }
        done
    }

    fn carry_out(&mut self, told: &Told) -> Vec<(&'static str, Value)> {
        let text = |value: &Json| value.as_str().unwrap().to_owned();
        match told.kind.as_str() {
            "InstallProfile" => {
                let payload = BASE64.decode(text(&told.command["Payload"]).as_bytes()).unwrap();
                let profile = property_list::members_to_json(&property_list::read(&payload).unwrap());
                self.0.insert(text(&profile["PayloadIdentifier"]), profile);
            }
            "RemoveProfile" => assert!(self.0.remove(&text(&told.command["Identifier"])).is_some(), "it is not there"),
            "ProfileList" => {
                let one = |(identifier, profile): (&String, &Json)| {
                    let uuid = text(&profile["PayloadUUID"]);
                    let members =
                        [("PayloadIdentifier", identifier.as_str().into()), ("PayloadUUID", uuid.as_str().into())];
                    Value::Dictionary(dictionary(&members))
                };
                return vec![("ProfileList", Value::Array(self.0.iter().map(one).collect()))];
            }
            other => unreachable!("{other}"),
        }
        Vec::new()
    }

    /// What is in force of a type of payload: a key that several have must be the same in all.
    fn in_force(&self, kind: &str) -> BTreeMap<String, Json> {
        let mut found = BTreeMap::new();
        for payload in self.0.values().flat_map(|profile| profile["PayloadContent"].as_array().unwrap()) {
            let of_kind = payload.as_object().unwrap().iter().filter(|_| payload["PayloadType"] == kind);
            for (key, value) in of_kind.filter(|(key, _)| !key.starts_with("Payload")) {
                let before = found.insert(key.clone(), value.clone());
                assert!(before.is_none_or(|before| before == *value), "{key}");
            }
        }
        found
    }
}

/// What a payload of ours must come to on the device: for each type of Apple's, key and value.
fn expected(payload: &Payload) -> Vec<(&'static str, String, Json)> {
    const RESTRICTIONS: &str = "com.apple.applicationaccess";
    match payload {
        Payload::Restrictions(restrictions) => {
            let settings = restrictions.settings.iter();
            settings.map(|(key, value)| (RESTRICTIONS, key.clone(), value.clone())).collect()
        }
        Payload::ApplicationControl(control) => {
            assert_eq!(control.mode, AppMode::Denylist);
            let apps: Vec<&String> = control.apps.iter().filter_map(|rule| rule.bundle_id.as_ref()).collect();
            vec![(RESTRICTIONS, "blockedAppBundleIDs".into(), json!(apps))]
        }
        Payload::NetworkUsageRules(rules) => {
            let rules = rules.application_rules.iter().map(|rule| {
                let mut members = json!({"AppIdentifierMatches": rule.apps});
                for (key, allowed) in [
                    ("AllowCellularData", rule.allow_cellular_data),
                    ("AllowRoamingCellularData", rule.allow_roaming_cellular_data),
                ] {
                    if let Some(allowed) = allowed {
                        members[key] = allowed.into();
                    }
                }
                members
            });
            vec![("com.apple.networkusagerules", "ApplicationRules".into(), rules.collect())]
        }
        other => unreachable!("{other:?}"),
    }
}

async fn detect(device: &Device<'_>, threat: &str, level: RiskLevel, status: &str) {
    let classification = match level {
        RiskLevel::Low => "adware",
        RiskLevel::Medium => "chargeware",
        _ => "trojan",
    };
    let stage: &Stage = device.stage;
    minute(stage);
    let detection = json!({"event_id": format!("{threat} {status}"), "source": "sensor",
        "device": {"id": device.id().await}, "threat_id": threat, "classification": classification,
        "status": status, "detected_at": stage.world.state.source.now()});
    let taken = stage.world.call("POST", "/api/v1/detections", &stage.admin, Some(detection)).await.expect(200);
    assert_eq!(taken["accepted"], 1);
}

/// The profiles that concern a device: name and status.
async fn statuses(device: &Device<'_>) -> BTreeMap<String, String> {
    let shown = device.shown().await;
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    let profiles = shown["profiles"].as_array().unwrap();
    profiles.iter().map(|profile| (text(&profile["name"]), text(&profile["status"]))).collect()
}

#[tokio::test]
async fn every_restriction_comes_and_goes_as_the_device_itself_says() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    let mut profiles = Profiles::default();
    let plan: Vec<_> = quickstart::plan().profiles.into_iter().filter(|it| it.platform == Platform::Ios).collect();
    assert_eq!(plan.len(), 3);
    let mut before: Option<&str> = None;
    for (n, profile) in plan.iter().enumerate() {
        detect(&device, &format!("t{n}"), profile.level, "open").await;
        assert_eq!(statuses(&device).await[profile.name], "pending_install");
        let done = profiles.obey(&device).await;
        let expected_commands = match before {
            None => vec!["InstallProfile", "ProfileList"],
            Some(_) => vec!["RemoveProfile", "InstallProfile", "ProfileList"],
        };
        assert_eq!(done, expected_commands, "{}", profile.name);
        let mut expected_statuses = BTreeMap::from([(profile.name.to_owned(), "installed".to_owned())]);
        expected_statuses.extend(before.map(|name| (name.to_owned(), "removed".to_owned())));
        let statuses = statuses(&device).await;
        assert!(expected_statuses.iter().all(|(name, status)| statuses.get(name) == Some(status)), "{statuses:?}");
        assert_eq!(profiles.0.len(), 1, "{}", profile.name);
        let mut checked = 0;
        for (kind, key, value) in profile.payloads.iter().flat_map(expected) {
            assert_eq!(profiles.in_force(kind).get(&key), Some(&value), "{}: {kind} {key}", profile.name);
            checked += 1;
        }
        assert!(checked > n * 5 + 5, "{}: {checked}", profile.name);
        before = Some(profile.name);
    }
    for (n, profile) in plan.iter().enumerate() {
        detect(&device, &format!("t{n}"), profile.level, "resolved").await;
    }
    assert_eq!(profiles.obey(&device).await, ["RemoveProfile", "ProfileList"]);
    assert!(profiles.0.is_empty());
    assert_eq!(statuses(&device).await[plan[2].name], "removed");
    assert_eq!(device.idle().await, None);
}

#[tokio::test]
async fn the_agent_on_a_managed_device_is_told_nothing_of_profiles() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    let agent = stage.enroll_pad("S-U1").await;
    assert_eq!(agent.id, device.id().await, "it is the same device");
    detect(&device, "t", RiskLevel::High, "open").await;
    assert_eq!(agent.commands().await, Vec::<Json>::new());
    let mut profiles = Profiles::default();
    assert_eq!(profiles.obey(&device).await, ["InstallProfile", "ProfileList"]);
    assert_eq!(device.check_in("CheckOut", &[]).await.status, 200);
    assert_eq!(agent.commands().await, Vec::<Json>::new(), "it left: nothing is installed now");
}
