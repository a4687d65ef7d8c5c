//! What payloads need, change, outdo and hide.

use serde_json::Map;

use super::*;

#[test]
fn what_a_device_cannot_take_is_said_in_sentences() {
    let restrictions = payloads(json!([{"type": "restrictions", "settings": {
        "allowAirDrop": false, "allowHostPairing": false, "allowScreenShot": false, "requireManagedPasteboard": true,
    }}]));
    let nothing_known = DeviceTraits::default();
    assert_eq!(unmet(Ios, &restrictions, &nothing_known), Vec::<String>::new());
    let old = DeviceTraits {
        supervised: Some(false),
        user_enrollment: Some(false),
        os_version: Some("14.8"),
        ..nothing_known
    };
    assert_eq!(
        unmet(Ios, &restrictions, &old),
        [
            "Restrictions: allowAirDrop, allowHostPairing need a supervised device; this one is not.",
            "Restrictions: requireManagedPasteboard needs iOS 15.0; this device has 14.8.",
        ]
    );
    let supervised = DeviceTraits { supervised: Some(true), os_version: Some("18.1"), ..nothing_known };
    assert_eq!(unmet(Ios, &restrictions, &supervised), Vec::<String>::new());

    let vpn = payloads(json!([{"type": "vpn", "connection": "app", "name": "a", "server": "a", "app": "a.b"}]));
    let personal = DeviceTraits { user_enrollment: Some(true), ..nothing_known };
    assert_eq!(unmet(Ios, &vpn, &personal), ["VPN is not allowed in user enrollment."]);

    let android = payloads(json!([
        {"type": "restrictions", "settings": {"networkResetDisabled": true, "deviceConnectivityManagement.usbDataAccess": "DISALLOW_USB_DATA_TRANSFER"}},
        {"type": "custom_settings", "content": {"deviceRadioState": {"cellularTwoGState": "CELLULAR_TWO_G_DISABLED"}}},
    ]));
    let profile = DeviceTraits { fully_managed: Some(false), os_version: Some("13"), ..nothing_known };
    assert_eq!(
        unmet(Android, &android, &profile),
        [
            "Restrictions: networkResetDisabled needs a fully managed device; this one has a work profile only.",
            "Custom Settings: deviceRadioState.cellularTwoGState needs Android 14; this device has 13.",
        ]
    );
    assert!(requirements(Android, &android[0]).contains(&Requirement {
        pointer: "/settings/deviceConnectivityManagement.usbDataAccess".to_owned(),
        needs: Need::CompanyOwned,
    }));
    let domains =
        payloads(json!([{"type": "custom_settings", "payload_type": "com.apple.app.lock", "content": {"a": 1}}]));
    let whole = |needs| Requirement { pointer: String::new(), needs };
    assert_eq!(requirements(Ios, &domains[0]), [Need::Supervised, Need::MinimumOs("6.0".to_owned())].map(whole));
}

#[test]
fn what_a_payload_changes_is_known() {
    let of = |platform, payload: Value| changes(platform, &payloads(json!([payload])));
    let resolves = |id| Effect::Classification(id);
    assert_eq!(of(Ios, json!({"type": "passcode", "min_length": 6})), [resolves("no_passcode")]);
    assert_eq!(of(Android, json!({"type": "passcode", "min_length": 6, "scope": "profile"})), []);
    assert!(
        of(Android, json!({"type": "restrictions", "settings": {"systemUpdate.type": "AUTOMATIC"}}))
            .contains(&Effect::OsVersion)
    );
    assert_eq!(of(Android, json!({"type": "restrictions", "settings": {"systemUpdate.type": "POSTPONE"}})), []);
    let debugging = of(
        Android,
        json!({"type": "restrictions", "settings": {"advancedSecurityOverrides.developerSettings": "DEVELOPER_SETTINGS_DISABLED"}}),
    );
    assert!(debugging.contains(&resolves("usb_debugging")) && debugging.contains(&resolves("developer_mode")));
    let nested = of(
        Android,
        json!({"type": "custom_settings", "content": {"advancedSecurityOverrides": {"developerSettings": "DEVELOPER_SETTINGS_DISABLED"}}}),
    );
    assert_eq!(nested, debugging);

    let sensor = [Effect::ProtectionStatus];
    let app = |mode: &str, id: &str, action: &str| json!({"type": "application_control", "mode": mode, "apps": [{"bundle_id": id, "action": action}]});
    assert_eq!(of(Ios, app("denylist", "com.lookout.work", "block")), sensor);
    assert_eq!(of(Ios, app("denylist", "com.example.game", "block")), []);
    assert_eq!(of(Ios, app("denylist", "com.lookoutpoint.game", "block")), []);
    assert_eq!(of(Ios, app("allowlist", "com.example.game", "allow")), sensor, "the sensor is left out");
    assert_eq!(of(Ios, app("allowlist", "com.lookout.work", "allow")), []);
    assert_eq!(
        of(Ios, json!({"type": "restrictions", "settings": {"blockedAppBundleIDs": ["com.lookout.work"]}})),
        sensor
    );
    let rule = |apps: Value| json!({"type": "network_usage_rules", "application_rules": [{"apps": apps, "allow_cellular_data": false}]});
    assert_eq!(of(Ios, rule(json!([]))), sensor, "no apps means all managed apps");
    assert_eq!(of(Ios, rule(json!(["com.microsoft.*"]))), sensor, "the prefix covers a sensor");
    assert_eq!(of(Ios, rule(json!(["com.lookout.work.*"]))), sensor);
    assert_eq!(of(Ios, rule(json!(["com.microsoft.skydrive", "com.look.*"]))), []);
    assert_eq!(
        of(
            Ios,
            json!({"type": "custom_settings", "payload_type": "com.apple.networkusagerules",
        "content": {"ApplicationRules": [{"AllowCellularData": false}]}})
        ),
        sensor
    );
    let forced = of(
        Android,
        json!({"type": "custom_settings", "content": {"applications": [
        {"packageName": "com.lookout.enterprise", "installType": "FORCE_INSTALLED"}]}}),
    );
    assert_eq!(forced, sensor);
    let uninstalls = json!({"type": "application_control", "mode": "denylist", "apps": [{"package_name": "a.b", "action": "block"}]});
    assert!(of(Android, uninstalls).contains(&resolves("denylisted_app")));
}

#[test]
fn effects_name_classifications_that_exist() {
    let everything = payloads(json!([
        {"type": "passcode", "min_length": 6},
        {"type": "vpn", "connection": "app", "app": "com.lookout.enterprise"},
        {"type": "application_control", "mode": "allowlist", "apps": [{"package_name": "a.b", "action": "allow"}]},
        {"type": "restrictions", "settings": {
            "systemUpdate.type": "AUTOMATIC", "encryptionPolicy": "ENABLED_WITH_PASSWORD",
            "advancedSecurityOverrides.developerSettings": "DEVELOPER_SETTINGS_DISABLED",
            "advancedSecurityOverrides.googlePlayProtectVerifyApps": "VERIFY_APPS_ENFORCED",
            "advancedSecurityOverrides.untrustedAppsPolicy": "DISALLOW_INSTALL"}},
    ]));
    let effects = changes(Android, &everything);
    assert!(effects.len() > 12, "{effects:?}");
    for effect in effects {
        if let Effect::Classification(id) = effect {
            assert!(crate::classification::find(id).is_some(), "{id}");
        }
    }
    assert!(SENSOR_APPS.windows(2).all(|pair| pair[0] < pair[1]), "sorted, each once");
}

#[test]
fn the_strictest_value_wins() {
    let merge = |platform, settings: Vec<Value>| {
        let all: Vec<_> = settings
            .into_iter()
            .flat_map(|settings| payloads(json!([{"type": "restrictions", "settings": settings}])))
            .collect();
        Value::Object(restrictive_merge(platform, &all.iter().collect::<Vec<_>>()))
    };
    assert_eq!(
        merge(
            Ios,
            vec![
                json!({"allowCamera": true, "forceEncryptedBackup": true, "ratingApps": 600, "blockedAppBundleIDs": ["b", "a"], "allowUSBRestrictedMode": false}),
                json!({"allowCamera": false, "forceEncryptedBackup": false, "ratingApps": 300, "blockedAppBundleIDs": ["c", "b"], "allowUSBRestrictedMode": true,
                   "allowListedAppBundleIDs": ["x", "y"], "safariAcceptCookies": 1}),
                json!({"allowListedAppBundleIDs": ["y", "z"], "safariAcceptCookies": 1.5}),
            ]
        ),
        json!({"allowCamera": false, "forceEncryptedBackup": true, "ratingApps": 300, "blockedAppBundleIDs": ["a", "b", "c"],
               "allowUSBRestrictedMode": true, "allowListedAppBundleIDs": ["y"], "safariAcceptCookies": 1}),
    );
    let usb = "deviceConnectivityManagement.usbDataAccess";
    assert_eq!(
        merge(
            Android,
            vec![
                json!({usb: "DISALLOW_USB_DATA_TRANSFER"}),
                json!({usb: "ALLOW_USB_DATA_TRANSFER", "defaultPermissionPolicy": "DENY"}),
                json!({"defaultPermissionPolicy": "GRANT"})
            ]
        ),
        json!({usb: "DISALLOW_USB_DATA_TRANSFER", "defaultPermissionPolicy": "DENY"}),
    );
}

#[test]
fn dotted_keys_become_objects() {
    let Value::Object(flat) = json!({"a.b.c": 1, "a.d": 2, "e": 3}) else { panic!() };
    assert_eq!(Value::Object(nested(&flat)), json!({"a": {"b": {"c": 1}, "d": 2}, "e": 3}));
    for (first, second) in [("a", "a.b"), ("a.b", "a.b.c")] {
        let colliding: Map<_, _> = [(first.to_owned(), json!(1)), (second.to_owned(), json!(2))].into_iter().collect();
        assert!(nested(&colliding)["a"].is_object());
    }
}

#[test]
fn secrets_are_all_visited() {
    let mut all = payloads(json!([
        {"type": "wifi", "ssid": "a", "security": "wpa2", "password": "one"},
        {"type": "vpn", "connection": "app", "password": "two", "shared_secret": "three"},
        {"type": "web_content_filter", "filter": "plugin", "password": "four"},
        {"type": "custom_settings", "payload_type": "com.apple.wifi.managed",
         "content": {"SSID_STR": "a", "Password": "five", "EAPClientConfiguration": {"UserPassword": "six", "UserName": "u"}, "PasswordSize": "no"}},
        {"type": "custom_settings", "content": {"openNetworkConfiguration": {"NetworkConfigurations": [{"WiFi": {"Passphrase": "seven"}}]}}},
        {"type": "restrictions", "settings": {"allowPasswordSharing": false}},
    ]));
    let before = all.clone();
    let mut seen = Vec::new();
    secrets(&mut all, &mut |secret| seen.push(std::mem::replace(secret, "sealed".to_owned())));
    assert_eq!(seen, ["one", "two", "three", "four", "six", "five", "seven"]);
    let mut seals = 0;
    secrets(&mut all, &mut |secret| seals += usize::from(secret == "sealed"));
    assert_eq!(seals, seen.len());
    assert_eq!(all[5], before[5]);
}

#[test]
fn each_value_given_says_what_became_of_it() {
    let restrictions = |settings: Value| payloads(json!([{"type": "restrictions", "settings": settings}])).remove(0);
    let all = [
        restrictions(json!({"allowCamera": true, "blockedAppBundleIDs": ["b", "a"]})),
        restrictions(json!({"allowCamera": false, "blockedAppBundleIDs": ["c"]})),
        restrictions(json!({"allowCamera": false, "blockedAppBundleIDs": ["a"], "allowAirDrop": false})),
    ];
    let given: Vec<(usize, &Payload)> = all.iter().enumerate().collect();
    let found = in_force(Ios, &given);
    let merged = restrictive_merge(Ios, &all.iter().collect::<Vec<_>>());
    assert_eq!(found.iter().map(|one| (one.key.clone(), one.value.clone())).collect::<Map<_, _>>(), merged);
    let shares = |key: &str| {
        let one = found.iter().find(|one| one.key == key).unwrap();
        one.given.iter().map(|(from, _, share)| (*from, *share)).collect::<Vec<_>>()
    };
    use Share::{Contributes, Prevails, Yields};
    assert_eq!(shares("allowCamera"), [(0, Yields), (1, Prevails), (2, Prevails)]);
    assert_eq!(shares("blockedAppBundleIDs"), [(0, Contributes), (1, Contributes), (2, Yields)]);
    assert_eq!(shares("allowAirDrop"), [(2, Prevails)]);
}
