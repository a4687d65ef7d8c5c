//! Merging: an algebra, and never looser than what was merged, told by what a device would let happen.

use allclear_domain::{
    level::Platform,
    payload::{Kind, Payload, PayloadType, Restrictive, settings},
};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    Policy, custom,
    given::{APPS, NETWORKS, PERMISSIONS, nonsense, payloads},
    policy,
};

fn word<'a>(value: &'a Value, path: &str) -> Option<&'a str> {
    path.split('.').try_fold(value, |value, key| value.get(key))?.as_str()
}

/// An app that nobody names.
const OTHER: &str = "com.example.other";

/// What a device with this policy would let happen. Higher is stricter, and nothing said is the lowest.
struct Device(Value);

impl Device {
    fn app(&self, app: &str) -> Option<&Value> {
        let list = self.0.get("applications")?.as_array()?;
        let found: Vec<_> = list.iter().filter(|it| it["packageName"] == app).collect();
        assert!(found.len() < 2, "{app} is named twice");
        found.first().copied()
    }

    fn blocked(&self, app: &str) -> bool {
        match self.app(app) {
            Some(said) => said["installType"] == "BLOCKED",
            None => word(&self.0, "playStoreMode") == Some("WHITELIST"),
        }
    }

    fn disabled(&self, app: &str) -> bool {
        self.blocked(app) || self.app(app).is_some_and(|it| it["disabled"] == true)
    }

    fn kept(&self, app: &str) -> bool {
        let kinds = ["FORCE_INSTALLED", "REQUIRED_FOR_SETUP", "BLOCKED"];
        self.blocked(app) || self.app(app).and_then(|it| word(it, "installType")).is_some_and(|it| kinds.contains(&it))
    }

    fn permission(&self, app: &str, permission: &str) -> Option<usize> {
        let grant = |of: &Value| {
            let grants = of.get("permissionGrants")?.as_array()?;
            grants.iter().find(|it| it["permission"] == permission)?["policy"].as_str().map(str::to_owned)
        };
        let said = self.app(app);
        let default = |of: &Value| word(of, "defaultPermissionPolicy").map(str::to_owned);
        let policy = said
            .and_then(grant)
            .or_else(|| grant(&self.0))
            .or_else(|| said.and_then(default))
            .or_else(|| default(&self.0));
        ["GRANT", "PROMPT", "DENY"].iter().position(|it| Some(*it) == policy.as_deref())
    }

    fn keeps_no_credentials(&self, app: &str) -> bool {
        let own = self.app(app).and_then(|it| word(it, "credentialProviderPolicy"));
        let of_all = word(&self.0, "credentialProviderPolicyDefault");
        own.or(of_all).is_some_and(|it| it.contains("DISALLOWED"))
    }

    fn no_widgets(&self, app: &str) -> bool {
        let own = self.app(app).and_then(|it| word(it, "workProfileWidgets"));
        own.or_else(|| word(&self.0, "crossProfilePolicies.workProfileWidgetsDefault"))
            .is_some_and(|it| it.ends_with("DISALLOWED"))
    }

    fn cut_off_without_vpn(&self, app: &str) -> bool {
        self.0["alwaysOnVpnPackage"]["lockdownEnabled"] == true
            && self.app(app).and_then(|it| word(it, "alwaysOnVpnLockdownExemption")) != Some("VPN_LOCKDOWN_EXEMPTION")
    }

    fn personal_blocked(&self, app: &str) -> bool {
        let personal = &self.0["personalUsagePolicies"];
        let entry =
            personal["personalApplications"].as_array().into_iter().flatten().find(|it| it["packageName"] == app);
        entry.map_or(personal["personalPlayStoreMode"] == "ALLOWLIST", |it| it["installType"] == "BLOCKED")
    }

    fn sees_no_contacts(&self, app: &str) -> bool {
        let profiles = &self.0["crossProfilePolicies"];
        let exempt = profiles["exemptionsToShowWorkContactsInPersonalProfile"]["packageNames"].as_array();
        word(profiles, "showWorkContactsInPersonalProfile").is_some_and(|it| it.contains("_DISALLOWED"))
            && !exempt.into_iter().flatten().any(|it| it == app)
    }

    fn joins_not(&self, network: &str) -> bool {
        let policy = &self.0["deviceConnectivityManagement"]["wifiSsidPolicy"];
        let named = policy["wifiSsids"].as_array().into_iter().flatten().any(|it| it["wifiSsid"] == network);
        let off = word(&self.0, "deviceRadioState.wifiState") == Some("WIFI_DISABLED");
        off || match word(policy, "wifiSsidPolicyType") {
            Some("WIFI_SSID_ALLOWLIST") => !named,
            _ => named,
        }
    }

    /// Days until the device is blocked and wiped for not keeping a setting.
    fn days(&self, setting: &str) -> Option<(i64, i64)> {
        let rules = self.0.get("policyEnforcementRules")?.as_array()?;
        let rule = rules.iter().find(|it| it["settingName"] == setting)?;
        let days = (rule["blockAction"]["blockAfterDays"].as_i64()?, rule["wipeAction"]["wipeAfterDays"].as_i64()?);
        assert!(days.0 < days.1, "Google refuses {rule}");
        Some(days)
    }

    fn limit(&self, path: &str) -> u64 {
        word(&self.0, path).and_then(|it| it.parse().ok()).filter(|it| *it > 0).unwrap_or(u64::MAX)
    }

    fn refuses(&self, scope: Option<&str>, password: &str) -> bool {
        let all = self.0["passwordPolicies"].as_array().into_iter().flatten();
        all.filter(|it| it.get("passwordScope").and_then(Value::as_str) == scope).any(|it| !accepts(it, password))
    }

    fn password_limit(&self, scope: Option<&str>, key: &str) -> u64 {
        let all = self.0["passwordPolicies"].as_array().into_iter().flatten();
        let all = all.filter(|it| it.get("passwordScope").and_then(Value::as_str) == scope);
        let number = |it: &Value| match &it[key] {
            Value::String(text) => text.trim_end_matches('s').parse().ok(),
            number => number.as_u64(),
        };
        all.filter_map(number).filter(|it| *it > 0).min().unwrap_or(u64::MAX)
    }
}

/// Whether a password will do, as Android judges it.
fn accepts(requirement: &Value, password: &str) -> bool {
    let count = |of: fn(char) -> bool| u64::try_from(password.chars().filter(|c| of(*c)).count()).unwrap();
    let letters = count(|c| c.is_ascii_alphabetic());
    let digits = count(|c| c.is_ascii_digit());
    let symbols = count(|c| !c.is_ascii_alphanumeric());
    let bytes = password.as_bytes();
    let step = |pair: &[u8]| i16::from(pair[1]) - i16::from(pair[0]);
    let steps: Vec<_> = bytes.windows(2).map(step).collect();
    let orderly = steps.windows(3).any(|it| it[0] == it[1] && it[1] == it[2]);
    // SOMETHING, NUMERIC, NUMERIC_COMPLEX, ALPHABETIC, ALPHANUMERIC
    let quality = match (letters + symbols, digits) {
        (0, 0) => 0,
        (0, _) if orderly => 2,
        (0, _) => 3,
        (_, 0) => 4,
        _ => 5,
    };
    let least = |key: &str, has: u64| has >= requirement[format!("passwordMinimum{key}")].as_u64().unwrap_or(0);
    let length = least("Length", password.len() as u64);
    match requirement["passwordQuality"].as_str().unwrap_or_default() {
        "BIOMETRIC_WEAK" => true,
        "SOMETHING" => quality >= 1,
        "NUMERIC" => quality >= 2 && length,
        "NUMERIC_COMPLEX" => quality >= 3 && length,
        "ALPHABETIC" => quality >= 4 && length,
        "ALPHANUMERIC" => quality >= 5 && length,
        "COMPLEX" => {
            quality >= 1
                && length
                && least("Letters", letters)
                && least("Symbols", symbols)
                && least("Numeric", digits)
                && least("NonLetter", digits + symbols)
                && least("LowerCase", count(|c| c.is_ascii_lowercase()))
                && least("UpperCase", count(|c| c.is_ascii_uppercase()))
        }
        "COMPLEXITY_LOW" => quality >= 1,
        "COMPLEXITY_MEDIUM" => quality >= 3 && password.len() >= 4,
        "COMPLEXITY_HIGH" => (quality == 3 && password.len() >= 8) || (quality >= 4 && password.len() >= 6),
        _ => true,
    }
}

const PASSWORDS: [&str; 12] = [
    "",
    "1111",
    "2580",
    "25803691",
    "abcd",
    "abcdefgh",
    "a1b2",
    "Abc123xy",
    "!!!!",
    "a!1B",
    "Ab1!Cd2?",
    "Abcdef!!??12345",
];

/// Holds that the stricter device lets nothing happen that the other does not.
fn assert_as_strict(merged: &Policy, part: &Policy) {
    let (merged, part) = (Device(merged.to_json()), Device(part.to_json()));
    for app in APPS.into_iter().chain([OTHER]) {
        let off = merged.blocked(app);
        assert!(off || !part.blocked(app), "{app} comes back");
        assert!(merged.disabled(app) || !part.disabled(app), "{app} can be opened");
        assert!(merged.kept(app) || !part.kept(app), "{app} can be removed");
        for permission in PERMISSIONS {
            assert!(
                off || merged.permission(app, permission) >= part.permission(app, permission),
                "{app}: {permission}"
            );
        }
        assert!(off || merged.keeps_no_credentials(app) || !part.keeps_no_credentials(app), "{app}: credentials");
        assert!(off || merged.no_widgets(app) || !part.no_widgets(app), "{app}: widgets");
        assert!(off || merged.cut_off_without_vpn(app) || !part.cut_off_without_vpn(app), "{app}: VPN");
        assert!(merged.personal_blocked(app) || !part.personal_blocked(app), "{app}: personal");
        assert!(merged.sees_no_contacts(app) || !part.sees_no_contacts(app), "{app}: contacts");
    }
    for network in NETWORKS {
        assert!(merged.joins_not(network) || !part.joins_not(network), "{network}");
    }
    for setting in ["applications", "passwordPolicies"] {
        if let Some((block, wipe)) = part.days(setting) {
            let found = merged.days(setting).unwrap();
            assert!(found.0 <= block && found.1 <= wipe, "{setting}: {found:?}");
        }
    }
    assert!(merged.limit("maximumTimeToLock") <= part.limit("maximumTimeToLock"));
    for scope in [None, Some("SCOPE_DEVICE"), Some("SCOPE_PROFILE")] {
        for password in PASSWORDS {
            assert!(merged.refuses(scope, password) || !part.refuses(scope, password), "{scope:?} takes {password}");
        }
        for key in ["maximumFailedPasswordsForWipe", "passwordExpirationTimeout"] {
            assert!(merged.password_limit(scope, key) <= part.password_limit(scope, key), "{scope:?} {key}");
        }
    }
    for spec in settings(Platform::Android, PayloadType::Restrictions) {
        let pointer = format!("/{}", spec.key.replace('.', "/"));
        let Some(given) = part.0.pointer(&pointer) else { continue };
        // These two are there only with a rule that the profile may have lost to a stricter one.
        if spec.key.starts_with("systemUpdate.") && merged.0["systemUpdate"] != part.0["systemUpdate"] {
            continue;
        }
        let found = merged.0.pointer(&pointer);
        let words = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let as_strict = match (spec.restrictive, spec.kind) {
            (Restrictive::Neither, _) => continue,
            (Restrictive::True, _) => *given != true || found == Some(&json!(true)),
            (Restrictive::False, _) => *given != false || found == Some(&json!(false)),
            (Restrictive::Lower, _) => found.and_then(Value::as_i64) <= given.as_i64(),
            (Restrictive::Higher, _) => found.and_then(Value::as_i64) >= given.as_i64(),
            (Restrictive::Later, Kind::Enum { values }) => {
                let place = |value: &Value| values.iter().position(|it| Some(*it) == value.as_str());
                found.and_then(place) >= place(given)
            }
            (Restrictive::Later, _) => panic!("{}", spec.key),
            (Restrictive::Union, _) => {
                words(given).iter().all(|it| found.is_some_and(|found| words(found).contains(it)))
            }
            (Restrictive::Intersection, _) => {
                found.map_or(words(given).is_empty(), |found| words(found).iter().all(|it| words(given).contains(it)))
            }
        };
        // Without the rule they are exempt from.
        let exempt = spec.key.starts_with("crossProfilePolicies.exemptions");
        assert!(as_strict || (exempt && found.is_none()), "{}: {given} but {found:?}", spec.key);
    }
}

fn profile() -> impl Strategy<Value = Vec<Payload>> {
    payloads()
}

proptest! {
    #[test]
    fn merging_is_an_algebra(a in profile(), b in profile(), c in profile()) {
        let [a, b, c] = [a, b, c].map(|payloads| Policy::of(&payloads));
        prop_assert_eq!(a.clone().merge(a.clone()), a.clone(), "idempotent");
        let ab = a.clone().merge(b.clone());
        prop_assert_eq!(&ab, &b.clone().merge(a.clone()), "commutative");
        let left = ab.clone().merge(c.clone());
        let right = a.clone().merge(b.clone().merge(c.clone()));
        prop_assert_eq!(left.members(), right.members(), "associative");
        prop_assert_eq!(Policy::in_force([c, a.clone(), b, a]).id(), Policy::base().merge(left).id(), "one id");
    }

    #[test]
    fn what_is_merged_is_as_strict_as_either(a in profile(), b in profile()) {
        let [a, b] = [a, b].map(|payloads| Policy::of(&payloads));
        let merged = a.clone().merge(b.clone());
        for part in [&a, &b] {
            assert_as_strict(&merged, part);
        }
        assert_as_strict(&Policy::in_force([a.clone(), b.clone()]), &merged);
    }

    #[test]
    fn nonsense_merges_like_anything_else(a in nonsense(), b in nonsense(), c in nonsense()) {
        let [a, b, c] = [a, b, c].map(|payload| Policy::of(&[payload]));
        prop_assert_eq!(a.clone().merge(a.clone()), a.clone());
        prop_assert_eq!(a.clone().merge(b.clone()), b.clone().merge(a.clone()));
        prop_assert_eq!(a.clone().merge(b.clone()).merge(c.clone()), a.merge(b.merge(c)));
    }
}

#[test]
fn a_list_of_the_only_apps_keeps_out_what_others_name() {
    let only = |apps: &[&str]| {
        let apps: Value = apps.iter().map(|app| json!({ "packageName": app, "installType": "AVAILABLE" })).collect();
        policy(json!({ "playStoreMode": "WHITELIST", "applications": apps }))
    };
    let merged = only(&["a.mail", "a.chat"]).merge(only(&["a.chat", "a.game"]));
    let merged = merged
        .merge(policy(json!({ "applications": [{ "packageName": "a.maps", "installType": "FORCE_INSTALLED" }] })));
    let kinds: Vec<_> = merged.to_json()["applications"].as_array().unwrap().to_vec();
    let of = |app: &str, kind: &str| json!({ "packageName": app, "installType": kind });
    assert_eq!(
        kinds,
        [of("a.chat", "AVAILABLE"), of("a.game", "BLOCKED"), of("a.mail", "BLOCKED"), of("a.maps", "BLOCKED")]
    );
}

#[test]
fn the_payloads_of_one_profile_add_up() {
    let both = Policy::of(&[
        custom(json!({ "playStoreMode": "WHITELIST" })),
        custom(json!({ "applications": [{ "packageName": "a.mail" }] })),
        custom(json!({ "applications": [{ "packageName": "a.chat", "disabled": true }] })),
    ]);
    let expected = json!([{ "packageName": "a.chat", "disabled": true }, { "packageName": "a.mail" }]);
    assert_eq!(both.to_json()["applications"], expected);
}

#[test]
fn a_grant_to_one_app_does_not_undo_what_another_profile_denies() {
    let grants = json!([{ "permission": "CAMERA", "policy": "GRANT" }]);
    let one = policy(json!({ "applications": [{ "packageName": "a.mail", "permissionGrants": grants }] }));
    let denies = policy(json!({ "defaultPermissionPolicy": "DENY" }));
    let merged = one.merge(denies).to_json();
    assert_eq!(merged.pointer("/applications/0/permissionGrants/0/policy"), Some(&json!("DENY")));

    let all = policy(json!({ "permissionGrants": grants }));
    let denies = policy(json!({ "applications": [{ "packageName": "a.mail", "defaultPermissionPolicy": "DENY" }] }));
    let merged = all.merge(denies).to_json();
    assert_eq!(merged.pointer("/permissionGrants/0/policy"), Some(&json!("GRANT")), "for the others");
    assert_eq!(
        merged.pointer("/applications/0/permissionGrants/0"),
        Some(&json!({ "permission": "CAMERA", "policy": "DENY" }))
    );
}

#[test]
fn networks_that_no_two_lists_share_mean_no_network() {
    let only = |ssid: &str| {
        policy(json!({ "deviceConnectivityManagement": { "usbDataAccess": "ALLOW_USB_DATA_TRANSFER", "wifiSsidPolicy":
            { "wifiSsidPolicyType": "WIFI_SSID_ALLOWLIST", "wifiSsids": [{ "wifiSsid": ssid }] } } }))
    };
    let merged = only("office").merge(only("yard")).to_json();
    assert_eq!(merged["deviceConnectivityManagement"], json!({ "usbDataAccess": "ALLOW_USB_DATA_TRANSFER" }));
    assert_eq!(merged["deviceRadioState"], json!({ "wifiState": "WIFI_DISABLED" }));
}

#[test]
fn what_belongs_together_is_taken_from_one_profile() {
    let window = |start, end| {
        policy(json!({ "systemUpdate": { "type": "WINDOWED", "startMinutes": start, "endMinutes": end } }))
    };
    let (night, morning) = (window(0, 120), window(300, 60));
    let merged = night.clone().merge(morning.clone());
    assert!(merged == night || merged == morning, "{merged:?}");
    let vpn = |app: &str, lockdown: bool| {
        policy(json!({ "alwaysOnVpnPackage": { "packageName": app, "lockdownEnabled": lockdown } }))
    };
    assert_eq!(vpn("a.vpn", false).merge(vpn("b.vpn", true)), vpn("b.vpn", true));
}

#[test]
fn a_lower_quality_is_still_asked_for_under_a_higher_one() {
    let asks = |it: Value| policy(json!({ "passwordPolicies": [it] }));
    let merged = asks(json!({ "passwordQuality": "ALPHANUMERIC" }))
        .merge(asks(json!({ "passwordQuality": "COMPLEX", "passwordMinimumSymbols": 1 })))
        .to_json();
    assert!(!accepts(&merged["passwordPolicies"][0], "!!!!") && accepts(&merged["passwordPolicies"][0], "a1!"));
}

#[test]
fn a_band_for_the_profile_asks_for_one_for_the_device() {
    let asks = |scope: &str, quality: &str| {
        policy(json!({ "passwordPolicies": [{ "passwordScope": scope, "passwordQuality": quality }] }))
    };
    let merged = asks("SCOPE_DEVICE", "NUMERIC").merge(asks("SCOPE_PROFILE", "COMPLEXITY_HIGH")).to_json();
    let all: Vec<_> =
        merged["passwordPolicies"].as_array().unwrap().iter().map(|it| it["passwordQuality"].clone()).collect();
    assert_eq!(all, ["COMPLEXITY_MEDIUM", "NUMERIC", "COMPLEXITY_HIGH"]);
}

#[test]
fn a_word_on_one_app_does_not_undo_a_rule_for_all() {
    let app = |key: &str, word: &str| json!({ "applications": [{ "packageName": "a.mail", key: word }] });
    let contacts = |word: &str| {
        json!({ "crossProfilePolicies": { "showWorkContactsInPersonalProfile":
            format!("SHOW_WORK_CONTACTS_IN_PERSONAL_PROFILE_{word}"),
            "exemptionsToShowWorkContactsInPersonalProfile": { "packageNames": ["a.mail"] } } })
    };
    let exempt = "/crossProfilePolicies/exemptionsToShowWorkContactsInPersonalProfile";
    for (rule, exception, pointer, expected) in [
        (
            json!({ "credentialProviderPolicyDefault": "CREDENTIAL_PROVIDER_DEFAULT_DISALLOWED_EXCEPT_SYSTEM" }),
            app("credentialProviderPolicy", "CREDENTIAL_PROVIDER_ALLOWED"),
            "/applications/0/credentialProviderPolicy",
            Some(json!("CREDENTIAL_PROVIDER_DISALLOWED")),
        ),
        (
            json!({ "crossProfilePolicies": { "workProfileWidgetsDefault": "WORK_PROFILE_WIDGETS_DEFAULT_DISALLOWED" } }),
            app("workProfileWidgets", "WORK_PROFILE_WIDGETS_ALLOWED"),
            "/applications/0/workProfileWidgets",
            Some(json!("WORK_PROFILE_WIDGETS_DISALLOWED")),
        ),
        (
            json!({ "alwaysOnVpnPackage": { "packageName": "a.vpn", "lockdownEnabled": true } }),
            app("alwaysOnVpnLockdownExemption", "VPN_LOCKDOWN_EXEMPTION"),
            "/applications/0/alwaysOnVpnLockdownExemption",
            Some(json!("VPN_LOCKDOWN_ENFORCED")),
        ),
        (
            json!({ "crossProfilePolicies": { "showWorkContactsInPersonalProfile":
                "SHOW_WORK_CONTACTS_IN_PERSONAL_PROFILE_DISALLOWED_EXCEPT_SYSTEM" } }),
            contacts("DISALLOWED"),
            exempt,
            None,
        ),
        (contacts("DISALLOWED"), json!({}), exempt, Some(json!({ "packageNames": ["a.mail"] }))),
        (contacts("ALLOWED"), json!({}), exempt, None),
        (
            json!({ "personalUsagePolicies": { "personalPlayStoreMode": "ALLOWLIST" } }),
            json!({ "personalUsagePolicies": { "personalApplications": [{ "packageName": "a.game", "installType": "AVAILABLE" }] } }),
            "/personalUsagePolicies/personalApplications/0/installType",
            Some(json!("BLOCKED")),
        ),
        (
            json!({ "policyEnforcementRules": [{ "settingName": "applications", "blockAction": {}, "wipeAction": { "wipeAfterDays": 9 } }] }),
            json!({ "policyEnforcementRules": [{ "settingName": "applications", "blockAction": { "blockAfterDays": 3 },
                "wipeAction": { "wipeAfterDays": 5 } }] }),
            "/policyEnforcementRules",
            Some(
                json!([{ "settingName": "applications", "blockAction": { "blockAfterDays": 0 }, "wipeAction": { "wipeAfterDays": 5 } }]),
            ),
        ),
    ] {
        let merged = policy(rule).merge(policy(exception)).to_json();
        assert_eq!(merged.pointer(pointer), expected.as_ref(), "{pointer}");
    }
}
