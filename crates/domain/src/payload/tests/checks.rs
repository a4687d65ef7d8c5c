//! What is refused, and where the issue points.

use super::*;

#[test]
fn restrictions_are_held_to_the_table() {
    let bad = json!([{"type": "restrictions", "settings": {
        "allowCamera": "no", "allowTeleport": false, "enforcedSoftwareUpdateDelay": 91, "safariAcceptCookies": 1.2,
        "blockedAppBundleIDs": ["com.example.a", 7], "ratingRegion": "xx", "a/b~c": 1,
    }}]);
    let mut found = pointers(Ios, bad);
    found.sort();
    assert_eq!(
        found,
        [
            "/0/settings/allowCamera",
            "/0/settings/allowTeleport",
            "/0/settings/a~1b~0c",
            "/0/settings/blockedAppBundleIDs/1",
            "/0/settings/enforcedSoftwareUpdateDelay",
            "/0/settings/ratingRegion",
            "/0/settings/safariAcceptCookies",
        ]
    );
    fine(Ios, json!([{"type": "restrictions", "settings": {"safariAcceptCookies": 2, "ratingApps": 600}}]));
    assert_eq!(pointers(Ios, json!([{"type": "restrictions", "settings": {}}])), ["/0/settings"]);
    // Android's names mean nothing on iOS and the other way round.
    assert_eq!(
        pointers(Ios, json!([{"type": "restrictions", "settings": {"cameraAccess": "CAMERA_ACCESS_DISABLED"}}])).len(),
        1
    );
    assert_eq!(pointers(Android, json!([{"type": "restrictions", "settings": {"allowCamera": false}}])).len(), 1);
}

#[test]
fn android_settings_that_belong_together_are_asked_for_together() {
    let dns = "deviceConnectivityManagement.privateDnsSettings.";
    let (mode, host) = (format!("{dns}privateDnsMode"), format!("{dns}privateDnsHost"));
    let with = |settings: Value| json!([{"type": "restrictions", "settings": settings}]);
    assert_eq!(pointers(Android, with(json!({&mode: "PRIVATE_DNS_SPECIFIED_HOST"}))), [format!("/0/settings/{host}")]);
    assert_eq!(pointers(Android, with(json!({&host: "dns.example"}))), [format!("/0/settings/{host}")]);
    fine(Android, with(json!({&mode: "PRIVATE_DNS_SPECIFIED_HOST", &host: "dns.example"})));
    assert_eq!(pointers(Android, with(json!({"systemUpdate.type": "WINDOWED"}))), ["/0/settings/systemUpdate.type"]);
    assert_eq!(pointers(Android, with(json!({"systemUpdate.startMinutes": 10}))), ["/0/settings/systemUpdate.type"]);
    fine(
        Android,
        with(json!({"systemUpdate.type": "WINDOWED", "systemUpdate.startMinutes": 60, "systemUpdate.endMinutes": 180})),
    );
}

#[test]
fn apps_are_named_once_and_by_their_platforms_id() {
    let control = |mode: &str, apps: Value| json!([{"type": "application_control", "mode": mode, "apps": apps}]);
    fine(Android, control("denylist", json!([{"package_name": "com.example.app_1", "action": "disable"}])));
    fine(Ios, control("allowlist", json!([{"bundle_id": "com.example.my-app", "action": "allow"}])));
    for (platform, mode, apps, pointer) in [
        (Android, "denylist", json!([]), "/0/apps"),
        (Android, "denylist", json!([{"package_name": "nodots", "action": "block"}]), "/0/apps/0/package_name"),
        (Android, "denylist", json!([{"package_name": "com.1x", "action": "block"}]), "/0/apps/0/package_name"),
        (Android, "denylist", json!([{"action": "block"}]), "/0/apps/0/package_name"),
        (Ios, "denylist", json!([{"bundle_id": "com..a", "action": "block"}]), "/0/apps/0/bundle_id"),
        (Ios, "denylist", json!([{"bundle_id": "com.a", "action": "allow"}]), "/0/apps/0/action"),
        (Ios, "allowlist", json!([{"bundle_id": "com.a", "action": "block"}]), "/0/apps/0/action"),
    ] {
        assert_eq!(pointers(platform, control(mode, apps)), [pointer]);
    }
    let twice = json!([{"package_name": "a.b", "action": "block"}, {"package_name": "a.b", "action": "allow"}]);
    assert_eq!(pointers(Android, control("denylist", twice)), ["/0/apps/1/package_name"]);
    let wrong_platform = control("denylist", json!([{"bundle_id": "com.a", "action": "block"}]));
    assert_eq!(pointers(Android, wrong_platform), ["/0/apps/0/bundle_id", "/0/apps/0/package_name"]);
    let require = control("denylist", json!([{"bundle_id": "com.a", "action": "require"}]));
    assert!(pointers(Ios, require).contains(&"/0/apps/0/action".to_owned()));
}

#[test]
fn networks_and_filters_are_whole() {
    for (platform, payload, pointer) in [
        (Ios, json!({"type": "wifi", "ssid": "a", "security": "wpa2"}), "/0/password"),
        (Ios, json!({"type": "wifi", "ssid": "a", "security": "wpa2", "password": "short"}), "/0/password"),
        (Ios, json!({"type": "wifi", "ssid": "a", "security": "open", "password": "12345678"}), "/0/password"),
        (Ios, json!({"type": "wifi", "ssid": "", "security": "open"}), "/0/ssid"),
        (Android, json!({"type": "wifi", "ssid": "x".repeat(33), "security": "open"}), "/0/ssid"),
        (Android, json!({"type": "vpn", "connection": "app"}), "/0/app"),
        (Android, json!({"type": "vpn", "connection": "app", "app": "com.example.vpn", "server": "a"}), "/0/server"),
        (Android, json!({"type": "vpn", "connection": "ikev2"}), "/0/connection"),
        (Ios, json!({"type": "vpn", "connection": "app", "app": "a.b", "name": "a"}), "/0/server"),
        (
            Ios,
            json!({"type": "vpn", "connection": "app", "app": "a.b", "name": "a", "server": "a", "lockdown": true}),
            "/0/lockdown",
        ),
        (
            Ios,
            json!({"type": "vpn", "connection": "ikev2", "name": "a", "server": "a", "remote_identifier": "a", "local_identifier": "a"}),
            "/0/shared_secret",
        ),
        (Ios, json!({"type": "network_usage_rules"}), "/0"),
        (
            Ios,
            json!({"type": "network_usage_rules", "application_rules": [{"apps": ["com.a"]}]}),
            "/0/application_rules/0",
        ),
        (
            Ios,
            json!({"type": "network_usage_rules", "application_rules": [{"apps": ["com.*.a"], "allow_cellular_data": false}]}),
            "/0/application_rules/0/apps/0",
        ),
        (
            Ios,
            json!({"type": "network_usage_rules", "sim_rules": [{"iccids": ["123"], "wifi_assist": "default"}]}),
            "/0/sim_rules/0/iccids/0",
        ),
        (Android, json!({"type": "network_usage_rules"}), "/0/type"),
        (Android, json!({"type": "web_content_filter", "filter": "built_in"}), "/0/type"),
        (Ios, json!({"type": "web_content_filter", "filter": "built_in"}), "/0"),
        (
            Ios,
            json!({"type": "web_content_filter", "filter": "built_in", "denied_urls": ["bad.example"]}),
            "/0/denied_urls/0",
        ),
        (
            Ios,
            json!({"type": "web_content_filter", "filter": "built_in", "permitted_urls": ["https://a.example"]}),
            "/0/permitted_urls",
        ),
        (
            Ios,
            json!({"type": "web_content_filter", "filter": "plugin", "name": "a", "app": "a.b"}),
            "/0/filter_browsers",
        ),
        (Ios, json!({"type": "passcode"}), "/0"),
        (Ios, json!({"type": "passcode", "min_length": 3}), "/0/min_length"),
        (Ios, json!({"type": "passcode", "history": 1, "scope": "device"}), "/0/scope"),
        (Android, json!({"type": "passcode", "history": 1, "max_grace_minutes": 5}), "/0/max_grace_minutes"),
        (Android, json!({"type": "passcode", "scope": "profile"}), "/0"),
    ] {
        assert_eq!(pointers(platform, json!([payload])), [pointer], "{payload}");
    }
    fine(Android, json!([{"type": "vpn", "connection": "app", "app": "com.example.vpn", "lockdown": true}]));
    fine(
        Ios,
        json!([{"type": "web_content_filter", "filter": "plugin", "name": "a", "app": "a.b", "filter_sockets": true}]),
    );
    let twice = json!({"type": "network_usage_rules", "application_rules": [{"allow_cellular_data": true}]});
    assert_eq!(pointers(Ios, json!([twice, twice])), [""]);
}

#[test]
fn custom_settings_are_checked_as_far_as_they_are_known() {
    let ios =
        |kind: &str, content: Value| json!([{"type": "custom_settings", "payload_type": kind, "content": content}]);
    fine(Ios, ios("com.example.app", json!({"a": 1})));
    fine(Ios, ios("com.apple.applicationaccess", json!({"allowCamera": false, "allowSomethingNew": false})));
    assert_eq!(
        pointers(Ios, ios("com.apple.applicationaccess", json!({"allowCamera": 0}))),
        ["/0/content/allowCamera"]
    );
    assert_eq!(pointers(Ios, ios("com.apple.mdm", json!({"a": 1}))), ["/0/payload_type"]);
    assert_eq!(pointers(Ios, ios("nodots", json!({"a": 1}))), ["/0/payload_type"]);
    assert_eq!(pointers(Ios, ios("com.apple.domains", json!({"PayloadUUID": "x"}))), ["/0/content/PayloadUUID"]);
    assert_eq!(pointers(Ios, json!([{"type": "custom_settings", "content": {"a": 1}}])), ["/0/payload_type"]);

    let android = |content: Value| json!([{"type": "custom_settings", "content": content}]);
    fine(Android, android(json!({"cameraAccess": "CAMERA_ACCESS_UNSPECIFIED", "kioskCustomLauncherEnabled": true})));
    fine(
        Android,
        android(json!({"policyEnforcementRules": [{"settingName": "passwordPolicies",
        "blockAction": {"blockAfterDays": 1}, "wipeAction": {"wipeAfterDays": 7}}]})),
    );
    for (content, pointer) in [
        (json!({}), "/0/content"),
        (json!({"teleport": true}), "/0/content/teleport"),
        (json!({"name": "enterprises/a/policies/b"}), "/0/content/name"),
        (json!({"applications": {}}), "/0/content/applications"),
        (json!({"cameraAccess": "CAMERA_OFF"}), "/0/content/cameraAccess"),
        (
            json!({"advancedSecurityOverrides": {"developerSettings": "OFFISH"}}),
            "/0/content/advancedSecurityOverrides/developerSettings",
        ),
        (json!({"policyEnforcementRules": [{"blockAction": {}}]}), "/0/content/policyEnforcementRules/0"),
        (
            json!({"policyEnforcementRules": [{"blockAction": {"blockAfterDays": 7}, "wipeAction": {"wipeAfterDays": 7}}]}),
            "/0/content/policyEnforcementRules/0",
        ),
    ] {
        assert_eq!(pointers(Android, android(content)), [pointer]);
    }
    let both = json!([{"type": "custom_settings", "payload_type": "com.apple.domains", "content": {"cameraAccess": "CAMERA_ACCESS_DISABLED"}}]);
    assert_eq!(pointers(Android, both), ["/0/payload_type"]);
}

#[test]
fn everything_is_bounded() {
    let one = json!({"type": "restrictions", "settings": {"allowCamera": false}});
    assert_eq!(pointers(Ios, vec![one.clone(); MAX_PAYLOADS].into()), Vec::<String>::new());
    assert_eq!(pointers(Ios, vec![one; MAX_PAYLOADS + 1].into()), [""]);
    let big =
        json!([{"type": "custom_settings", "payload_type": "com.example.a", "content": {"a": "x".repeat(MAX_BYTES)}}]);
    assert_eq!(pointers(Ios, big), [""]);
    let apps = |count: usize| {
        (0..count).map(|n| json!({"package_name": format!("a.b{n}"), "action": "block"})).collect::<Value>()
    };
    let control = |count| json!([{"type": "application_control", "mode": "denylist", "apps": apps(count)}]);
    fine(Android, control(MAX_APPS));
    assert!(pointers(Android, control(MAX_APPS + 1)).contains(&"/0/apps".to_owned()));
    let split = json!([control(2000)[0], control(2000)[0]]);
    assert_eq!(pointers(Android, split), [""]);
}
