//! Where profiles want different things.

use allclear_domain::{ids::ProfileId, payload::Share};
use proptest::prelude::*;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    super::conflicts::{Conflict, conflicts},
    Policy,
    given::payloads,
    policy,
};

fn id(number: usize) -> ProfileId {
    ProfileId(Uuid::from_u128(number as u128))
}

fn of(profiles: &[Value]) -> Vec<Conflict> {
    let profiles: Vec<_> = profiles.iter().enumerate().map(|(place, it)| (id(place), policy(it.clone()))).collect();
    conflicts(&profiles)
}

#[test]
fn agreement_is_no_conflict() {
    let same =
        json!({ "screenCaptureDisabled": true, "applications": [{ "packageName": "a.mail", "disabled": true }] });
    assert_eq!(of(&[same.clone(), same, json!({ "funDisabled": true })]), []);
    assert_eq!(of(&[]), []);
}

#[test]
fn each_wish_is_told_with_what_comes_of_it() {
    let found = of(&[
        json!({ "cameraAccess": "CAMERA_ACCESS_USER_CHOICE", "keyguardDisabledFeatures": ["CAMERA"] }),
        json!({ "cameraAccess": "CAMERA_ACCESS_DISABLED", "keyguardDisabledFeatures": ["FACE", "CAMERA"] }),
        json!({ "keyguardDisabledFeatures": ["IRIS"] }),
    ]);
    let expected = [
        Conflict {
            pointer: "/cameraAccess".into(),
            value: json!("CAMERA_ACCESS_DISABLED"),
            given: vec![
                (id(0), json!("CAMERA_ACCESS_USER_CHOICE"), Share::Yields),
                (id(1), json!("CAMERA_ACCESS_DISABLED"), Share::Prevails),
            ],
        },
        Conflict {
            pointer: "/keyguardDisabledFeatures".into(),
            value: json!(["CAMERA", "FACE", "IRIS"]),
            given: vec![
                (id(0), json!(["CAMERA"]), Share::Yields),
                (id(1), json!(["CAMERA", "FACE"]), Share::Contributes),
                (id(2), json!(["IRIS"]), Share::Contributes),
            ],
        },
    ];
    assert_eq!(found, expected);
}

#[test]
fn a_list_of_the_only_apps_is_a_word_on_every_other() {
    let found = of(&[
        json!({ "playStoreMode": "WHITELIST", "applications": [{ "packageName": "a.mail" }] }),
        json!({ "applications": [{ "packageName": "a.game", "installType": "FORCE_INSTALLED" }] }),
    ]);
    let [conflict] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(conflict.pointer, "/applications/0/installType");
    let given = [(id(0), json!("BLOCKED"), Share::Prevails), (id(1), json!("FORCE_INSTALLED"), Share::Yields)];
    assert_eq!((&conflict.value, conflict.given.as_slice()), (&json!("BLOCKED"), given.as_slice()));
}

#[test]
fn what_every_device_gets_can_be_stricter_than_the_only_wish() {
    let found =
        of(&[json!({ "statusReportingSettings": { "softwareInfoEnabled": false, "memoryInfoEnabled": true } })]);
    let [conflict] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(conflict.pointer, "/statusReportingSettings/softwareInfoEnabled");
    assert_eq!(conflict.given, [(id(0), json!(false), Share::Yields)]);
}

#[test]
fn secrets_are_masked() {
    let wish = |secret: &str| {
        json!({ "applications": [{ "packageName": "a.mail", "managedConfiguration": { "api/secret": secret } }],
            "openNetworkConfiguration": { "NetworkConfigurations":
                [{ "GUID": "g", "WiFi": { "SSID": "s", "Security": "WPA-PSK", "Passphrase": secret } }] } })
    };
    let found: Vec<_> = of(&[wish("first secret"), wish("second secret")]).into_iter().map(Conflict::masked).collect();
    let pointers: Vec<_> = found.iter().map(|it| it.pointer.as_str()).collect();
    let expected =
        ["/applications/0/managedConfiguration/api~1secret", "/openNetworkConfiguration/NetworkConfigurations/0"];
    assert_eq!(pointers, expected);
    assert_eq!(found[0].value, "********");
    assert!(!format!("{found:?}").contains("t secret"), "{found:?}");
}

proptest! {
    #[test]
    fn a_conflict_points_at_its_value_and_somebody_differs(all in prop::collection::vec(payloads(), 0..4)) {
        let profiles: Vec<_> =
            all.iter().enumerate().map(|(place, payloads)| (id(place), Policy::of(payloads))).collect();
        let in_force = Policy::in_force(profiles.iter().map(|(_, policy)| policy.clone())).to_json();
        for conflict in conflicts(&profiles) {
            prop_assert_eq!(in_force.pointer(&conflict.pointer), Some(&conflict.value));
            prop_assert!(conflict.given.iter().any(|(_, wish, _)| *wish != conflict.value));
            for (profile, wish, share) in &conflict.given {
                prop_assert_eq!(*share == Share::Prevails, *wish == conflict.value);
                // In lists the place depends on what else is there.
                let in_list = conflict.pointer.split('/').any(|step| step.parse::<usize>().is_ok());
                if *share != Share::Prevails && !in_list {
                    let others = profiles.iter().filter(|(id, _)| id != profile).map(|(_, policy)| policy.clone());
                    let others = Policy::in_force(others).to_json();
                    let same = others.pointer(&conflict.pointer) == Some(&conflict.value);
                    prop_assert_eq!(*share == Share::Yields, same, "{}", conflict.pointer);
                }
            }
        }
    }
}
