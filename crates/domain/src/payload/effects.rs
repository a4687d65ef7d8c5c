//! Which facts about a device a payload itself changes, so that no smart group depends on what its own profile does.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    AppAction, AppMode, AppRule, ApplicationControl, ApplicationRule, CustomSettings, NetworkUsageRules, Passcode,
    PasscodeScope, Payload,
};
use crate::level::Platform;

/// A fact about a device that a payload changes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, ToSchema)]
#[serde(tag = "fact", content = "of", rename_all = "snake_case")]
pub enum Effect {
    /// The version of the operating system: the payload enforces updates.
    OsVersion,
    /// The protection status: the payload installs, blocks or cuts off the threat sensor.
    ProtectionStatus,
    /// Threats of this classification: the payload resolves them.
    Classification(&'static str),
}

/// The apps of threat sensors whose ids are public, sorted: package names and bundle ids. An id that starts with one of
/// these and a dot is a variant of it.
pub const SENSOR_APPS: &[&str] = &[
    "com.air-watch.agent",
    "com.airwatch.androidagent",
    "com.fiberlink.maas360",
    "com.fiberlink.maas360forios",
    "com.jamf.trust",
    "com.lacoon.security.fox",
    "com.lookout",
    "com.microsoft.scmx",
    "com.skycure.skycure",
    "com.sophos.smsec",
    "com.wandera.android",
    "com.zimperium.zIPS",
    "com.zimperium.zips",
    "net.pradeo.service",
];

/// Whether an app is a known threat sensor.
pub fn is_sensor(app: &str) -> bool {
    let variant = |rest: &str| rest.is_empty() || rest.starts_with('.');
    SENSOR_APPS.iter().any(|sensor| app.strip_prefix(sensor).is_some_and(variant))
}

/// The facts the payloads change, each once, sorted.
pub fn changes(platform: Platform, payloads: &[Payload]) -> Vec<Effect> {
    let mut effects = BTreeSet::new();
    for payload in payloads {
        match payload {
            Payload::Restrictions(restrictions) => match platform {
                Platform::Android => policy(&restrictions.settings, &mut effects),
                Platform::Ios => apple_restrictions(&restrictions.settings, &mut effects),
            },
            Payload::ApplicationControl(control) => application_control(platform, control, &mut effects),
            // A lock of the work profile leaves the device as it is.
            Payload::Passcode(passcode) => {
                if *passcode != Passcode::default() && passcode.scope != Some(PasscodeScope::Profile) {
                    effects.insert(Effect::Classification("no_passcode"));
                }
            }
            Payload::NetworkUsageRules(rules) => network_usage_rules(rules, &mut effects),
            Payload::CustomSettings(custom) => match platform {
                Platform::Android => {
                    policy(&flat(&custom.content), &mut effects);
                    custom_policy(&custom.content, &mut effects);
                }
                Platform::Ios => apple_custom(custom, &mut effects),
            },
            Payload::Vpn(vpn) => web_protection(vpn.app.as_deref(), &mut effects),
            Payload::WebContentFilter(filter) => web_protection(filter.app.as_deref(), &mut effects),
            Payload::Wifi(_) => {}
        }
    }
    effects.into_iter().collect()
}

/// A VPN or content filter of the sensor is its protection against bad pages.
fn web_protection(app: Option<&str>, effects: &mut BTreeSet<Effect>) {
    if app.is_some_and(is_sensor) {
        effects.extend(["pcp_disabled", "vpn_disabled"].map(Effect::Classification));
    }
}

/// Fields of an Android policy by dotted path, whether from restrictions or from custom settings.
fn policy(settings: &Map<String, Value>, effects: &mut BTreeSet<Effect>) {
    let says = |key: &str, word: &str| settings.get(key).and_then(Value::as_str) == Some(word);
    let is = |key: &str, value: bool| settings.get(key).and_then(Value::as_bool) == Some(value);
    if says("systemUpdate.type", "AUTOMATIC") || says("systemUpdate.type", "WINDOWED") {
        effects.extend([
            Effect::OsVersion,
            Effect::Classification("out_of_date_os"),
            Effect::Classification("out_of_date_security_patch"),
            Effect::Classification("vulnerable_os"),
        ]);
    }
    if says("advancedSecurityOverrides.developerSettings", "DEVELOPER_SETTINGS_DISABLED")
        || is("debuggingFeaturesAllowed", false)
    {
        effects.extend(
            ["adb_apps_not_verified", "adb_wifi_enabled", "developer_mode", "usb_debugging"]
                .map(Effect::Classification),
        );
    }
    if says("advancedSecurityOverrides.googlePlayProtectVerifyApps", "VERIFY_APPS_ENFORCED")
        || is("ensureVerifyAppsEnabled", true)
    {
        effects.extend(["adb_apps_not_verified", "play_protect_disabled"].map(Effect::Classification));
    }
    if says("advancedSecurityOverrides.untrustedAppsPolicy", "DISALLOW_INSTALL")
        || is("installUnknownSourcesAllowed", false)
    {
        effects.insert(Effect::Classification("unknown_sources"));
    }
    if settings.get("encryptionPolicy").and_then(Value::as_str).is_some_and(|word| word.starts_with("ENABLED_")) {
        effects.insert(Effect::Classification("not_encrypted"));
    }
}

/// The parts of an Android policy that have no place in restrictions.
fn custom_policy(content: &Map<String, Value>, effects: &mut BTreeSet<Effect>) {
    if ["passwordPolicies", "passwordRequirements"].iter().any(|key| content.contains_key(*key)) {
        effects.insert(Effect::Classification("no_passcode"));
    }
    let text = |object: &Value, key: &str| object.get(key).and_then(Value::as_str).map(str::to_owned);
    web_protection(content.get("alwaysOnVpnPackage").and_then(|vpn| text(vpn, "packageName")).as_deref(), effects);
    let apps = content.get("applications").and_then(Value::as_array).into_iter().flatten();
    let mut rules = Vec::new();
    for app in apps {
        let disabled = app.get("disabled").and_then(Value::as_bool) == Some(true);
        let action = match text(app, "installType").as_deref() {
            Some("BLOCKED") => AppAction::Block,
            _ if disabled => AppAction::Disable,
            Some("FORCE_INSTALLED" | "REQUIRED_FOR_SETUP" | "KIOSK" | "CUSTOM") => AppAction::Require,
            _ => AppAction::Allow,
        };
        rules.push(AppRule { package_name: text(app, "packageName"), bundle_id: None, action });
    }
    let mode = match content.get("playStoreMode").and_then(Value::as_str) {
        Some("WHITELIST") => AppMode::Allowlist,
        _ => AppMode::Denylist,
    };
    application_control(Platform::Android, &ApplicationControl { mode, apps: rules }, effects);
}

fn apple_restrictions(settings: &Map<String, Value>, effects: &mut BTreeSet<Effect>) {
    let listed = |key: &str| {
        settings.get(key).and_then(Value::as_array).map(|apps| apps.iter().filter_map(Value::as_str).any(is_sensor))
    };
    let blocked = ["blockedAppBundleIDs", "blacklistedAppBundleIDs"].into_iter().any(|key| listed(key) == Some(true));
    let left_out =
        ["allowListedAppBundleIDs", "whitelistedAppBundleIDs"].into_iter().any(|key| listed(key) == Some(false));
    if blocked || left_out {
        effects.insert(Effect::ProtectionStatus);
    }
}

fn application_control(platform: Platform, control: &ApplicationControl, effects: &mut BTreeSet<Effect>) {
    let mut sensors = control.apps.iter().filter(|rule| rule.app().is_some_and(is_sensor)).peekable();
    let left_out = control.mode == AppMode::Allowlist && sensors.peek().is_none();
    if left_out || sensors.any(|rule| rule.action != AppAction::Allow) {
        effects.insert(Effect::ProtectionStatus);
    }
    let uninstalls =
        control.mode == AppMode::Allowlist || control.apps.iter().any(|rule| rule.action == AppAction::Block);
    if platform == Platform::Android && uninstalls {
        effects.extend(["app_out_of_compliance", "denylisted_app"].map(Effect::Classification));
    }
}

fn network_usage_rules(rules: &NetworkUsageRules, effects: &mut BTreeSet<Effect>) {
    let cuts = |rule: &ApplicationRule| {
        rule.allow_cellular_data == Some(false) || rule.allow_roaming_cellular_data == Some(false)
    };
    let hits = |app: &String| match app.strip_suffix(".*") {
        Some(prefix) => is_sensor(prefix) || SENSOR_APPS.iter().any(|sensor| sensor.starts_with(&format!("{prefix}."))),
        None => is_sensor(app),
    };
    let sensor = |rule: &ApplicationRule| cuts(rule) && (rule.apps.is_empty() || rule.apps.iter().any(hits));
    if rules.application_rules.iter().any(sensor) {
        effects.insert(Effect::ProtectionStatus);
    }
}

fn apple_custom(custom: &CustomSettings, effects: &mut BTreeSet<Effect>) {
    match custom.payload_type.as_deref() {
        Some("com.apple.applicationaccess") => apple_restrictions(&custom.content, effects),
        Some("com.apple.mobiledevice.passwordpolicy") => {
            effects.insert(Effect::Classification("no_passcode"));
        }
        Some("com.apple.SoftwareUpdate") => {
            effects.extend([Effect::OsVersion, Effect::Classification("out_of_date_os")]);
        }
        // A device locked to one app runs no other.
        Some("com.apple.app.lock") => {
            effects.insert(Effect::ProtectionStatus);
        }
        Some("com.apple.networkusagerules") => {
            let rules = custom.content.get("ApplicationRules").and_then(Value::as_array);
            let rule = |rule: &Value| ApplicationRule {
                apps: rule
                    .get("AppIdentifierMatches")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(|app| app.as_str().map(str::to_owned))
                    .collect(),
                allow_cellular_data: rule.get("AllowCellularData").and_then(Value::as_bool),
                allow_roaming_cellular_data: rule.get("AllowRoamingCellularData").and_then(Value::as_bool),
            };
            let application_rules = rules.into_iter().flatten().map(rule).collect();
            network_usage_rules(&NetworkUsageRules { application_rules, sim_rules: Vec::new() }, effects);
        }
        Some("com.apple.vpn.managed" | "com.apple.vpn.managed.applayer") => {
            web_protection(custom.content.get("VPNSubType").and_then(Value::as_str), effects);
        }
        Some("com.apple.webcontent-filter") => {
            web_protection(custom.content.get("PluginBundleID").and_then(Value::as_str), effects);
        }
        _ => {}
    }
}

/// An object with its nested members under dotted keys.
fn flat(object: &Map<String, Value>) -> Map<String, Value> {
    fn walk(prefix: &str, object: &Map<String, Value>, out: &mut Map<String, Value>) {
        for (key, value) in object {
            let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
            match value {
                Value::Object(inner) => walk(&path, inner, out),
                value => {
                    out.insert(path, value.clone());
                }
            }
        }
    }
    let mut out = Map::new();
    walk("", object, &mut out);
    out
}
