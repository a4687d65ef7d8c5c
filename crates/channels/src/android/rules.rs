//! Which of two values in a policy is stricter, field by field.
//!
//! The restrictions that profiles offer are decided by their own table; here is the rest of the policy, which comes
//! from other payloads and from custom settings. Whatever is merged: the order does not matter, and neither does merging
//! the same thing twice.

use std::collections::BTreeMap;

use allclear_domain::{
    level::Platform,
    payload::{PayloadType, settings, stricter_value},
};
use serde_json::{Map, Value};

use super::{apps, passwords};

/// What is put together.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Of {
    /// The payloads of one profile: they say together what is wanted, so lists of apps add up.
    OneProfile,
    /// Profiles: an app that one of them leaves out of its list of the only ones is out.
    Several,
}

/// Members by name.
pub(super) type Object = Map<String, Value>;

/// What an entry of a list is about.
pub(super) type Key = fn(&Object) -> String;

/// How values of a field are put together.
#[derive(Clone, Copy)]
pub(super) enum Rule {
    /// As the table of restrictions says.
    Restriction,
    /// The stricter in this order.
    Strictest(Order),
    /// One of the two objects as it is: the stricter by these members (dotted paths), the first that decides.
    Whole(&'static [(&'static str, Order)]),
    /// Lists: all entries of both.
    Union,
    /// Lists: the entries in both.
    Intersection,
    /// Lists of objects, one for each of what this names; those that name the same are put together.
    Each(Key),
    /// Members that depend on each other.
    By(fn(&Object, &Object, Of) -> Object),
}

/// Which of two values is stricter. Absent values, and those that cannot be, are the loosest.
#[derive(Clone, Copy)]
pub(super) enum Order {
    /// `true`.
    True,
    /// `false`.
    False,
    /// The smaller number or time; 0 sets no limit.
    Lower,
    /// The smaller number; 0 is at once.
    Sooner,
    /// The greater number or time.
    Higher,
    /// The later of these words.
    Words(&'static [&'static str]),
}

impl Order {
    fn rank(self, value: Option<&Value>) -> f64 {
        let Some(value) = value else { return f64::NEG_INFINITY };
        let truth = |strict| if *value == Value::Bool(strict) { 1.0 } else { f64::NEG_INFINITY };
        match self {
            Order::True => truth(true),
            Order::False => truth(false),
            Order::Lower => number(value).filter(|number| *number > 0.0).map_or(f64::NEG_INFINITY, |number| -number),
            Order::Sooner => number(value).map_or(f64::NEG_INFINITY, |number| -number),
            Order::Higher => number(value).unwrap_or(f64::NEG_INFINITY),
            Order::Words(words) => {
                let place = words.iter().position(|word| Some(*word) == value.as_str());
                place.and_then(|place| u32::try_from(place).ok()).map_or(f64::NEG_INFINITY, f64::from)
            }
        }
    }
}

/// A number, also one written as text, and a time in seconds such as `86400s`.
pub(super) fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.strip_suffix('s').unwrap_or(text).parse().ok().filter(|it: &f64| it.is_finite()),
        _ => None,
    }
}

/// Networks by how they are protected.
const SECURITY: Order = Order::Words(&["None", "WEP-PSK", "WEP-8021X", "WPA-PSK", "WPA-EAP", "WPA3-Enterprise_192"]);

/// How a field is put together, by its path: members after dots, entries of lists as `[]`. None for objects: member by
/// member; for anything else: the one that sorts first as text.
pub(super) fn rule(path: &str) -> Option<Rule> {
    use Order::{False, Higher, Lower, Sooner, True, Words};
    use Rule::{By, Each, Intersection, Strictest, Union, Whole};
    Some(match path {
        "alwaysOnVpnPackage" => Whole(&[("lockdownEnabled", True)]),
        "applications[].accessibleTrackIds" | "applications[].delegatedScopes" | "stayOnPluggedModes" => Intersection,
        "applications[].autoUpdateMode" => {
            Strictest(Words(&["AUTO_UPDATE_POSTPONED", "AUTO_UPDATE_DEFAULT", "AUTO_UPDATE_HIGH_PRIORITY"]))
        }
        "applications[].connectedWorkAndPersonalApp" => {
            Strictest(Words(&["CONNECTED_WORK_AND_PERSONAL_APP_ALLOWED", "CONNECTED_WORK_AND_PERSONAL_APP_DISALLOWED"]))
        }
        "applications[].credentialProviderPolicy" => Strictest(Words(apps::CREDENTIALS)),
        "applications[].customAppConfig.userUninstallSettings" => {
            Strictest(Words(&["ALLOW_UNINSTALL_BY_USER", "DISALLOW_UNINSTALL_BY_USER"]))
        }
        "applications[].defaultPermissionPolicy"
        | "applications[].permissionGrants[].policy"
        | "permissionGrants[].policy" => Strictest(Words(&["GRANT", "PROMPT", "DENY"])),
        "applications[].disabled" => Strictest(True),
        "applications[].installType" => Strictest(Words(apps::INSTALL_TYPES)),
        "applications[].alwaysOnVpnLockdownExemption" => Strictest(Words(apps::LOCKDOWN)),
        "applications[].managedConfigurationTemplate" => Whole(&[]),
        "applications[].minimumVersionCode" => Strictest(Higher),
        "applications[].permissionGrants" | "permissionGrants" => Each(|grant| name(grant, "permission")),
        "applications[].roles" => Each(|role| name(role, "roleType")),
        "applications[].roles[].extraCapabilities.localDeviceWipeCommand" => {
            Strictest(Words(&["LOCAL_DEVICE_WIPE_COMMAND_ALLOWED", "LOCAL_DEVICE_WIPE_COMMAND_DISALLOWED"]))
        }
        "applications[].userControlSettings" => Strictest(Words(&["USER_CONTROL_ALLOWED", "USER_CONTROL_DISALLOWED"])),
        "applications[].workProfileWidgets" => Strictest(Words(apps::WIDGETS)),
        "choosePrivateKeyRules"
        | "persistentPreferredActivities"
        | "usageLog.enabledLogTypes"
        | "usageLog.uploadOnCellularAllowed"
        | "wipeDataFlags" => Union,
        "defaultApplicationSettings" => Each(|setting| name(setting, "defaultApplicationType")),
        "defaultApplicationSettings[]"
        | "deviceConnectivityManagement.preferentialNetworkServiceSettings"
        | "deviceOwnerLockScreenInfo"
        | "longSupportMessage"
        | "recommendedGlobalProxy"
        | "shortSupportMessage"
        | "unifiedUpdatePolicy" => Whole(&[]),
        "deviceConnectivityManagement.apnPolicy" => {
            Whole(&[("overrideApns", Words(&["OVERRIDE_APNS_DISABLED", "OVERRIDE_APNS_ENABLED"]))])
        }
        "deviceConnectivityManagement.wifiRoamingPolicy.wifiRoamingSettings" => Each(|it| name(it, "wifiSsid")),
        "deviceConnectivityManagement.wifiSsidPolicy" => By(ssids),
        "displaySettings.screenBrightnessSettings" => Whole(&[(
            "screenBrightnessMode",
            Words(&["BRIGHTNESS_USER_CHOICE", "BRIGHTNESS_AUTOMATIC", "BRIGHTNESS_FIXED"]),
        )]),
        "displaySettings.screenTimeoutSettings" => Whole(&[
            ("screenTimeoutMode", Words(&["SCREEN_TIMEOUT_USER_CHOICE", "SCREEN_TIMEOUT_ENFORCED"])),
            ("screenTimeout", Lower),
        ]),
        "keyguardDisabled" | "networkEscapeHatchEnabled" => Strictest(False),
        "kioskCustomLauncherEnabled" | "skipFirstUseHintsEnabled" => Strictest(True),
        "kioskCustomization.deviceSettings" => {
            Strictest(Words(&["SETTINGS_ACCESS_ALLOWED", "SETTINGS_ACCESS_BLOCKED"]))
        }
        "kioskCustomization.powerButtonActions" => {
            Strictest(Words(&["POWER_BUTTON_AVAILABLE", "POWER_BUTTON_BLOCKED"]))
        }
        "kioskCustomization.statusBar" => Strictest(Words(&[
            "NOTIFICATIONS_AND_SYSTEM_INFO_ENABLED",
            "SYSTEM_INFO_ONLY",
            "NOTIFICATIONS_AND_SYSTEM_INFO_DISABLED",
        ])),
        "kioskCustomization.systemErrorWarnings" => {
            Strictest(Words(&["ERROR_AND_WARNINGS_ENABLED", "ERROR_AND_WARNINGS_MUTED"]))
        }
        "kioskCustomization.systemNavigation" => {
            Strictest(Words(&["NAVIGATION_ENABLED", "HOME_BUTTON_ONLY", "NAVIGATION_DISABLED"]))
        }
        "maximumTimeToLock" => Strictest(Lower),
        "openNetworkConfiguration.Certificates" | "openNetworkConfiguration.NetworkConfigurations" => {
            Each(|it| name(it, "GUID"))
        }
        "openNetworkConfiguration.NetworkConfigurations[]" => Whole(&[("WiFi.Security", SECURITY)]),
        "openNetworkConfiguration.Certificates[]" => Whole(&[]),
        "passwordPolicies" => Each(passwords::kind),
        "passwordPolicies[].maximumFailedPasswordsForWipe" | "passwordPolicies[].passwordExpirationTimeout" => {
            Strictest(Lower)
        }
        "passwordPolicies[].passwordQuality" => Strictest(Words(passwords::QUALITIES)),
        "passwordPolicies[].requirePasswordUnlock" => {
            Strictest(Words(&["USE_DEFAULT_DEVICE_TIMEOUT", "REQUIRE_EVERY_DAY"]))
        }
        "passwordPolicies[].unifiedLockSettings" => {
            Strictest(Words(&["ALLOW_UNIFIED_WORK_AND_PERSONAL_LOCK", "REQUIRE_SEPARATE_WORK_LOCK"]))
        }
        "personalUsagePolicies" => By(apps::personal),
        "policyEnforcementRules" => Each(|rule| name(rule, "settingName")),
        "policyEnforcementRules[].blockAction.blockAfterDays" | "policyEnforcementRules[].wipeAction.wipeAfterDays" => {
            Strictest(Sooner)
        }
        "policyEnforcementRules[].blockAction.blockScope" => {
            Strictest(Words(&["BLOCK_SCOPE_WORK_PROFILE", "BLOCK_SCOPE_DEVICE"]))
        }
        "policyEnforcementRules[].wipeAction.preserveFrp" => Strictest(True),
        "systemUpdate" => Whole(&[("type", Words(&["POSTPONE", "WINDOWED", "AUTOMATIC"]))]),
        "workAccountSetupConfig" => {
            Whole(&[("authenticationType", Words(&["AUTHENTICATION_TYPE_NOT_ENFORCED", "GOOGLE_AUTHENTICATED"]))])
        }
        "passwordPolicies[].passwordHistoryLength" => Strictest(Higher),
        _ if path.starts_with("passwordPolicies[].passwordMinimum") => Strictest(Higher),
        _ if path.starts_with("statusReportingSettings.") && !path.ends_with("applicationReportingSettings") => {
            Strictest(True)
        }
        _ if path.contains('[') => return None,
        _ => {
            let known = settings(Platform::Android, PayloadType::Restrictions);
            return known.iter().any(|spec| spec.key == path).then_some(Rule::Restriction);
        }
    })
}

/// The stricter of two values of the field at this path.
pub(super) fn stricter(path: &str, one: &Value, other: &Value, of: Of) -> Value {
    match (rule(path), one, other) {
        (Some(Rule::Restriction), ..) => stricter_value(Platform::Android, path, one, other),
        (Some(Rule::Strictest(order)), ..) => {
            let [a, b] = [one, other].map(|value| order.rank(Some(value)));
            if a == b { first(one, other) } else { (if a > b { one } else { other }).clone() }
        }
        (Some(Rule::Whole(orders)), Value::Object(_), Value::Object(_)) => {
            let ranks =
                |value: &Value| orders.iter().map(|(path, order)| order.rank(at(value, path))).collect::<Vec<_>>();
            let (a, b) = (ranks(one), ranks(other));
            match a.partial_cmp(&b) {
                Some(std::cmp::Ordering::Less) => other.clone(),
                Some(std::cmp::Ordering::Greater) => one.clone(),
                _ => first(one, other),
            }
        }
        (Some(Rule::Union), Value::Array(a), Value::Array(b)) => sorted(a.iter().chain(b).cloned().collect()),
        (Some(Rule::Intersection), Value::Array(a), Value::Array(b)) => {
            sorted(a.iter().filter(|entry| b.contains(entry)).cloned().collect())
        }
        (Some(Rule::Each(key)), Value::Array(a), Value::Array(b)) => each(&format!("{path}[]"), key, a, b, of),
        (Some(Rule::By(together)), Value::Object(a), Value::Object(b)) => Value::Object(together(a, b, of)),
        (None, Value::Object(a), Value::Object(b)) => Value::Object(members(path, a, b, of)),
        _ => first(one, other),
    }
}

/// The members of two objects at this path, those that both have put together.
pub(super) fn members(path: &str, one: &Object, other: &Object, of: Of) -> Object {
    let mut all = one.clone();
    for (key, value) in other {
        let value = match one.get(key) {
            Some(held) => stricter(&below(path, key), held, value, of),
            None => value.clone(),
        };
        all.insert(key.clone(), value);
    }
    all
}

/// The path of a member.
pub(super) fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// The text of a member; empty if there is none.
pub(super) fn name(object: &Object, key: &str) -> String {
    object.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// What an entry of a list is about, by how the list is put together.
pub(super) fn key_of(key: Key, entry: &Value) -> String {
    // What is no object is about nothing else than itself.
    entry.as_object().map_or_else(|| entry.to_string(), key)
}

fn each(path: &str, key: Key, one: &[Value], other: &[Value], of: Of) -> Value {
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    for entry in one.iter().chain(other) {
        let key = key_of(key, entry);
        let entry = all.get(&key).map_or_else(|| entry.clone(), |held| stricter(path, held, entry, of));
        all.insert(key, entry);
    }
    all.into_values().collect()
}

/// The value at a dotted path.
pub(super) fn at<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| value.get(key))
}

/// The one that sorts first as JSON text.
fn first(one: &Value, other: &Value) -> Value {
    let [a, b] = [one, other].map(Value::to_string);
    if a <= b { one } else { other }.clone()
}

fn sorted(mut entries: Vec<Value>) -> Value {
    entries.sort_by_cached_key(ToString::to_string);
    entries.dedup();
    Value::Array(entries)
}

/// The type of the network names in a list that are the only ones to be joined.
pub(super) const ONLY_THESE: &str = "WIFI_SSID_ALLOWLIST";

/// Which networks may be joined: those that both allow.
fn ssids(one: &Object, other: &Object, _: Of) -> Object {
    let names = |policy: &Object| match policy.get("wifiSsids") {
        Some(Value::Array(names)) => names.clone(),
        _ => Vec::new(),
    };
    let only = |policy: &Object| name(policy, "wifiSsidPolicyType") == ONLY_THESE;
    let (a, b) = (names(one), names(other));
    let both = |keep: bool| a.iter().filter(|name| b.contains(name) == keep).cloned().collect();
    let names: Vec<Value> = match (only(one), only(other)) {
        (true, true) => both(true),
        (true, false) => both(false),
        (false, true) => b.iter().filter(|name| !a.contains(name)).cloned().collect(),
        (false, false) => a.iter().chain(&b).cloned().collect(),
    };
    let kind = if only(one) || only(other) { ONLY_THESE } else { "WIFI_SSID_DENYLIST" };
    let members = [("wifiSsidPolicyType", kind.into()), ("wifiSsids", sorted(names))];
    members.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()
}
