//! Custom settings in the words the Android Management API uses today, without what it no longer takes.

use allclear_domain::payload::PayloadIssue;
use serde_json::{Map, Value, json};

use super::{passwords, rules::name};

/// What an old field says, and what says the same today: a path and a word. What is there already stays, as Google has
/// it.
const RENAMED: &[(&str, bool, &[&str], &str)] = &[
    ("autoTimeRequired", true, &["autoDateAndTimeZone"], "AUTO_DATE_AND_TIME_ZONE_ENFORCED"),
    ("cameraDisabled", true, &["cameraAccess"], "CAMERA_ACCESS_DISABLED"),
    ("debuggingFeaturesAllowed", false, DEVELOPER, "DEVELOPER_SETTINGS_DISABLED"),
    ("debuggingFeaturesAllowed", true, DEVELOPER, "DEVELOPER_SETTINGS_ALLOWED"),
    ("ensureVerifyAppsEnabled", false, VERIFY, "VERIFY_APPS_USER_CHOICE"),
    ("ensureVerifyAppsEnabled", true, VERIFY, "VERIFY_APPS_ENFORCED"),
    ("installUnknownSourcesAllowed", false, UNTRUSTED, "DISALLOW_INSTALL"),
    ("installUnknownSourcesAllowed", true, UNTRUSTED, "ALLOW_INSTALL_DEVICE_WIDE"),
    ("safeBootDisabled", true, DEVELOPER, "DEVELOPER_SETTINGS_DISABLED"),
    ("tetheringConfigDisabled", true, &["deviceConnectivityManagement", "tetheringSettings"], "DISALLOW_ALL_TETHERING"),
    ("unmuteMicrophoneDisabled", true, &["microphoneAccess"], "MICROPHONE_ACCESS_DISABLED"),
    ("usbFileTransferDisabled", false, USB, "ALLOW_USB_DATA_TRANSFER"),
    ("usbFileTransferDisabled", true, USB, "DISALLOW_USB_FILE_TRANSFER"),
    ("wifiConfigDisabled", true, &["deviceConnectivityManagement", "configureWifi"], "DISALLOW_CONFIGURING_WIFI"),
];
const DEVELOPER: &[&str] = &["advancedSecurityOverrides", "developerSettings"];
const VERIFY: &[&str] = &["advancedSecurityOverrides", "googlePlayProtectVerifyApps"];
const UNTRUSTED: &[&str] = &["advancedSecurityOverrides", "untrustedAppsPolicy"];
const USB: &[&str] = &["deviceConnectivityManagement", "usbDataAccess"];

/// Fields that nothing stands for today.
const GONE: &[&str] = &[
    "androidDevicePolicyTracks",
    "blockApplicationsEnabled",
    "complianceRules",
    "statusBarDisabled",
    "usbMassStorageEnabled",
    "wifiConfigsLockdownEnabled",
];
const GONE_FROM_APPS: &[&str] = &["extensionConfig", "lockTaskAllowed"];

/// The settings in today's words. What has none is left out and added to `left_out`, with a pointer into the settings.
pub(super) fn current(content: &Map<String, Value>, left_out: &mut Vec<PayloadIssue>) -> Map<String, Value> {
    let mut policy = content.clone();
    policy.values_mut().for_each(without_nothing);
    policy.retain(|_, value| !says_nothing(value));
    let mut gone = |pointer: String| {
        let detail = "is deprecated, and nothing in the Android Management API stands for it".to_owned();
        left_out.push(PayloadIssue { pointer, detail });
    };
    for key in GONE {
        if policy.remove(*key).is_some() {
            gone(format!("/{key}"));
        }
    }
    for (old, truth, path, word) in RENAMED {
        if policy.get(*old) == Some(&Value::Bool(*truth)) {
            put(&mut policy, path, word);
        }
    }
    policy.retain(|key, _| !RENAMED.iter().any(|(old, ..)| old == key));
    if let Some(requirements) = policy.remove("passwordRequirements") {
        policy.entry("passwordPolicies").or_insert_with(|| json!([requirements]));
    }
    for (index, app) in objects(policy.get_mut("applications")).enumerate() {
        for key in GONE_FROM_APPS {
            if app.remove(*key).is_some() {
                gone(format!("/applications/{index}/{key}"));
            }
        }
        if name(app, "installType") == "KIOSK" {
            app.insert("installType".to_owned(), "REQUIRED_FOR_SETUP".into());
            if let Value::Array(roles) = app.entry("roles").or_insert_with(|| json!([])) {
                roles.push(json!({ "roleType": "KIOSK" }));
            }
        }
    }
    objects(policy.get_mut("passwordPolicies")).for_each(passwords::spell_out);
    // What is absent here means something.
    for rule in objects(policy.get_mut("policyEnforcementRules")) {
        for (action, days) in [("blockAction", "blockAfterDays"), ("wipeAction", "wipeAfterDays")] {
            if let Some(Value::Object(action)) = rule.get_mut(action) {
                action.entry(days).or_insert_with(|| 0.into());
            }
        }
    }
    for key in ["permittedAccessibilityServices", "permittedInputMethods"] {
        if let Some(Value::Object(list)) = policy.get_mut(key) {
            list.entry("packageNames").or_insert_with(|| json!([]));
        }
    }
    renamed_words(&mut policy);
    policy
}

fn renamed_words(policy: &mut Map<String, Value>) {
    let location = match policy.get("locationMode").and_then(Value::as_str) {
        Some("HIGH_ACCURACY" | "SENSORS_ONLY" | "BATTERY_SAVING") => Some("LOCATION_ENFORCED"),
        Some("OFF") => Some("LOCATION_DISABLED"),
        _ => None,
    };
    policy.extend(location.map(|word| ("locationMode".to_owned(), word.into())));
    if let Some(Value::Object(personal)) = policy.get_mut("personalUsagePolicies")
        && name(personal, "personalPlayStoreMode") == "BLACKLIST"
    {
        personal.insert("personalPlayStoreMode".to_owned(), "BLOCKLIST".into());
    }
}

fn objects(list: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    list.and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn put(policy: &mut Map<String, Value>, path: &[&str], word: &str) {
    match path {
        [] => {}
        [last] => {
            policy.entry(*last).or_insert_with(|| word.into());
        }
        [first, rest @ ..] => {
            if let Value::Object(inner) = policy.entry(*first).or_insert_with(|| json!({})) {
                put(inner, rest, word);
            }
        }
    }
}

/// Null, and the word that every choice has for leaving it open.
fn says_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|word| word.ends_with("_UNSPECIFIED"))
}

/// Takes out what says nothing, but not from what is meant for an app.
fn without_nothing(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, value| !says_nothing(value));
            members
                .iter_mut()
                .filter(|(key, _)| *key != "managedConfiguration")
                .for_each(|(_, it)| without_nothing(it));
        }
        Value::Array(entries) => {
            entries.retain(|entry| !says_nothing(entry));
            entries.iter_mut().for_each(without_nothing);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
