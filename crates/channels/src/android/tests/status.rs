//! What a device reads back.

use allclear_domain::{
    app::{App, AppSource},
    detection::Observed,
    device::{ManagementType, Ownership, SecurityState},
    time::Time,
};
use allclear_engine::ingest::Inventory;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    super::status::{NonCompliance, Reading, Standing, State, of_profile, read},
    given::payloads,
    policy,
    schema::{problems, schemas},
};
use crate::android::policy::Policy;

fn device() -> Value {
    json!({
        "name": "enterprises/LC1/devices/3a1",
        "state": "ACTIVE", "appliedState": "PROVISIONING",
        "managementMode": "DEVICE_OWNER", "ownership": "COMPANY_OWNED",
        "policyName": "enterprises/LC1/policies/9f0c", "appliedPolicyName": "enterprises/LC1/policies/77aa",
        "appliedPolicyVersion": "12", "policyCompliant": false,
        "lastStatusReportTime": "2026-03-01T10:00:00.123Z", "lastPolicySyncTime": "2026-03-01T09:59:00Z",
        "enrollmentTokenName": "enterprises/LC1/enrollmentTokens/t", "enrollmentTokenData": "{\"token\":1}",
        "previousDeviceNames": ["enterprises/LC1/devices/2f"],
        "hardwareInfo": { "brand": "google", "manufacturer": "Google", "model": "Pixel 8", "serialNumber": "SN1" },
        "softwareInfo": { "androidVersion": "15", "securityPatchLevel": "2026-02-05" },
        "deviceSettings": { "isDeviceSecure": true, "adbEnabled": true, "encryptionStatus": "ACTIVE_PER_USER" },
        "securityPosture": { "devicePosture": "AT_RISK", "postureDetails": [{ "securityRisk": "UNKNOWN_OS" }] },
        "applicationReports": [
            { "packageName": "a.mail", "displayName": "Mail", "versionName": "2.1", "state": "INSTALLED",
              "applicationSource": "INSTALLED_FROM_PLAY_STORE", "packageSha256Hash": "0f",
              "signingKeyCerts": [{ "signingKeyCertFingerprintSha256": "AQID" }] },
            { "packageName": "a.gone", "state": "REMOVED" },
            { "packageName": "a.side", "state": "INSTALLED" },
            { "packageName": "a.clock", "state": "INSTALLED", "applicationSource": "SYSTEM_APP_FACTORY_VERSION" },
            { "displayName": "nobody" },
        ],
        "nonComplianceDetails": [
            { "settingName": "passwordPolicies", "nonComplianceReason": "USER_ACTION", "fieldPath": "passwordPolicies[0]",
              "specificNonComplianceReason": "PASSWORD_POLICIES_PASSWORD_EXPIRED",
              "specificNonComplianceContext": { "passwordPoliciesContext": { "passwordPolicyScope": "SCOPE_DEVICE" } } },
        ],
    })
}

#[test]
fn a_report_is_read() {
    let device = device();
    let app = |identifier: &str, source| App { identifier: identifier.into(), source, ..App::default() };
    let mail = App {
        name: Some("Mail".into()),
        version: Some("2.1".into()),
        certificate_sha256: Some("010203".into()),
        sha256: Some("0f".into()),
        ..app("a.mail", AppSource::Store)
    };
    let expected = Reading {
        name: "enterprises/LC1/devices/3a1".into(),
        state: Some(State::Active),
        applied_state: Some(State::Provisioning),
        policy: Some("9f0c".into()),
        applied: Some(("77aa".into(), 12)),
        compliant: false,
        not_complied: vec![NonCompliance {
            setting: "passwordPolicies".into(),
            reason: "USER_ACTION".into(),
            field_path: Some("passwordPolicies[0]".into()),
            specific: Some("PASSWORD_POLICIES_PASSWORD_EXPIRED".into()),
            scope: Some("SCOPE_DEVICE".into()),
            ..NonCompliance::default()
        }],
        inventory: Inventory {
            observed: Observed {
                platform: None,
                manufacturer: Some("Google".into()),
                model: Some("Pixel 8".into()),
                os_version: Some("15".into()),
                security_patch_level: Some("2026-02-05".into()),
            },
            security: SecurityState {
                passcode_present: Some(true),
                encrypted: Some(true),
                rooted: None,
                bootloader_unlocked: Some(true),
                usb_debugging: Some(true),
                developer_mode: Some(false),
                unknown_sources: Some(false),
            },
            apps: Some(vec![mail, app("a.side", AppSource::Sideloaded), app("a.clock", AppSource::Unknown)]),
            ..Inventory::default()
        },
        serial: Some("SN1".into()),
        management: Some(ManagementType::FullyManaged),
        ownership: Some(Ownership::CorporateDedicated),
        last_report: Some("2026-03-01T10:00:00.123Z".parse::<Time>().unwrap()),
        last_sync: Some("2026-03-01T09:59:00Z".parse::<Time>().unwrap()),
        token_name: Some("enterprises/LC1/enrollmentTokens/t".into()),
        token_data: Some("{\"token\":1}".into()),
        previous_names: vec!["enterprises/LC1/devices/2f".into()],
    };
    assert_eq!(read(&device), expected);
    if let Some(schemas) = schemas() {
        assert_eq!(problems(schemas, "Device", &device), [""; 0]);
    }
}

#[test]
fn what_is_not_said_is_not_known() {
    assert_eq!(read(&json!({})), Reading::default());
    assert_eq!(read(&json!({ "deviceSettings": {} })), Reading::default(), "settings that are not reported");
    let secure = |posture: Value| read(&json!({ "securityPosture": posture })).inventory.security;
    let safe = secure(json!({ "devicePosture": "SECURE" }));
    assert_eq!((safe.rooted, safe.bootloader_unlocked), (Some(false), Some(false)));
    let broken = secure(json!({ "devicePosture": "POTENTIALLY_COMPROMISED" }));
    assert_eq!((broken.rooted, broken.bootloader_unlocked), (Some(true), None));
    let personal = read(&json!({ "hardwareInfo": { "serialNumber": "ESID", "enterpriseSpecificId": "ESID" } }));
    assert_eq!(personal.serial, None, "an id of this enterprise's is no serial number");
    assert_eq!(read(&json!({ "state": "DELETED" })).state, Some(State::Deleted));
}

fn reading(details: &Value) -> Reading {
    read(&json!({ "nonComplianceDetails": details }))
}

fn detail(setting: &str, reason: &str) -> Value {
    json!({ "settingName": setting, "nonComplianceReason": reason })
}

#[test]
fn a_profile_fails_by_what_it_gives_and_not_by_what_others_give() {
    let profile = policy(json!({ "screenCaptureDisabled": true, "cameraAccess": "CAMERA_ACCESS_DISABLED" }));
    let holds = Standing::Holds { without: None };
    assert_eq!(of_profile(&profile, &reading(&json!([]))), holds);
    assert_eq!(of_profile(&profile, &reading(&json!([detail("funDisabled", "INVALID_VALUE")]))), holds);
    let failed = of_profile(&profile, &reading(&json!([detail("cameraAccess", "INVALID_VALUE")])));
    assert_eq!(
        failed,
        Standing::Fails("cameraAccess has a value that the device does not take (INVALID_VALUE).".into())
    );
    let pending = json!([detail("cameraAccess", "PENDING")]);
    assert_eq!(of_profile(&profile, &reading(&pending)), Standing::NotYet);
    let both = json!([detail("cameraAccess", "PENDING"), detail("screenCaptureDisabled", "USER_ACTION")]);
    assert!(matches!(of_profile(&profile, &reading(&both)), Standing::Fails(_)));
    let new = of_profile(&profile, &reading(&json!([detail("cameraAccess", "SOMETHING_NEW")])));
    assert_eq!(new, Standing::Fails("cameraAccess does not hold (SOMETHING_NEW).".into()), "an unknown reason is one");
}

#[test]
fn what_a_device_cannot_take_is_told_and_fails_only_if_nothing_is_left() {
    let one = policy(json!({ "microphoneAccess": "MICROPHONE_ACCESS_DISABLED" }));
    let details = reading(&json!([detail("microphoneAccess", "MANAGEMENT_MODE")]));
    let said = "microphoneAccess cannot be set the way this device is managed (MANAGEMENT_MODE).";
    assert_eq!(of_profile(&one, &details), Standing::Fails(said.into()));
    let two = one.merge(policy(json!({ "funDisabled": true })));
    assert_eq!(of_profile(&two, &details), Standing::Holds { without: Some(said.into()) });
}

#[test]
fn fields_apps_networks_and_passwords_are_told_apart() {
    let standing = |profile: Value, detail: Value| of_profile(&policy(profile), &reading(&json!([detail])));
    let fails =
        |profile: &Value, detail: &Value| matches!(standing(profile.clone(), detail.clone()), Standing::Fails(_));
    let usb = json!({ "settingName": "deviceConnectivityManagement", "nonComplianceReason": "INVALID_VALUE",
        "fieldPath": "deviceConnectivityManagement.usbDataAccess" });
    assert!(fails(&json!({ "deviceConnectivityManagement": { "usbDataAccess": "DISALLOW_USB_DATA_TRANSFER" } }), &usb));
    assert!(!fails(
        &json!({ "deviceConnectivityManagement": { "bluetoothSharing": "BLUETOOTH_SHARING_DISALLOWED" } }),
        &usb
    ));

    let unclear = json!({ "settingName": "deviceConnectivityManagement", "nonComplianceReason": "INVALID_VALUE",
        "fieldPath": "usb_data_access" });
    let bluetooth = json!({ "deviceConnectivityManagement": { "bluetoothSharing": "BLUETOOTH_SHARING_DISALLOWED" } });
    assert!(fails(&bluetooth, &unclear), "a path that cannot be told counts for all");

    let personal = |package: &str| {
        json!({ "personalUsagePolicies": { "personalApplications":
        [{ "packageName": package, "installType": "BLOCKED" }] } })
    };
    let still_there = json!({ "settingName": "personalUsagePolicies", "nonComplianceReason": "APP_INSTALLED",
        "packageName": "a.game", "fieldPath": "personalUsagePolicies.personalApplications[3].installType" });
    assert!(fails(&personal("a.game"), &still_there));
    assert!(!fails(&personal("a.mail"), &still_there));

    let app = |package: &str| json!({ "applications": [{ "packageName": package, "installType": "BLOCKED" }] });
    let there = json!({ "settingName": "applications", "nonComplianceReason": "APP_INSTALLED", "packageName": "a.game",
        "fieldPath": "applications[7].installType" });
    assert!(fails(&app("a.game"), &there));
    assert!(!fails(&app("a.mail"), &there));
    let coming = json!({ "settingName": "applications", "nonComplianceReason": "APP_NOT_INSTALLED",
        "packageName": "a.game", "installationFailureReason": "IN_PROGRESS" });
    assert_eq!(standing(app("a.game"), coming), Standing::NotYet);

    let network = |guid: &str| {
        json!({ "openNetworkConfiguration": { "NetworkConfigurations":
        [{ "GUID": guid, "WiFi": { "SSID": "s", "Security": "None" } }] } })
    };
    let wrong = json!({ "settingName": "openNetworkConfiguration", "nonComplianceReason": "INVALID_VALUE",
        "specificNonComplianceReason": "ONC_WIFI_INVALID_VALUE",
        "specificNonComplianceContext": { "oncWifiContext": { "wifiGuid": "g1" } } });
    assert!(fails(&network("g1"), &wrong));
    assert!(!fails(&network("g2"), &wrong));

    let password =
        |scope: &str| json!({ "passwordPolicies": [{ "passwordScope": scope, "passwordQuality": "NUMERIC" }] });
    let short = |scope: &str| {
        json!({ "settingName": "passwordPolicies", "nonComplianceReason": "USER_ACTION",
        "specificNonComplianceContext": { "passwordPoliciesContext": { "passwordPolicyScope": scope } } })
    };
    assert!(fails(&password("SCOPE_DEVICE"), &short("SCOPE_DEVICE")));
    assert!(!fails(&password("SCOPE_PROFILE"), &short("SCOPE_DEVICE")));
    assert!(fails(&json!({ "passwordPolicies": [{ "passwordQuality": "NUMERIC" }] }), &short("SCOPE_UNSPECIFIED")));
}

proptest! {
    #[test]
    fn any_detail_about_a_given_setting_counts(payloads in payloads(), reason in "[A-Z]{3,9}") {
        let profile = Policy::of(&payloads);
        for setting in profile.to_json().as_object().unwrap().keys() {
            let value = &profile.to_json()[setting];
            if value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(serde_json::Map::is_empty) {
                continue;
            }
            let standing = of_profile(&profile, &reading(&json!([detail(setting, &reason)])));
            prop_assert!(matches!(standing, Standing::Fails(_)), "{}: {:?}", setting, standing);
        }
    }

    #[test]
    fn any_report_is_read_without_panic(name in ".{0,20}", number in any::<i64>(), text in ".{0,300}") {
        let odd = json!({ "name": name, "appliedPolicyVersion": number, "appliedPolicyName": text, "state": text,
            "applicationReports": [{ "packageName": text }, number], "nonComplianceDetails": [text, {}],
            "deviceSettings": { "isDeviceSecure": text }, "softwareInfo": number, "previousDeviceNames": name });
        let seen = read(&odd);
        prop_assert!(seen.not_complied.iter().all(|it| it.setting.is_empty()));
    }
}
