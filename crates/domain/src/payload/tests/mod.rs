//! Tests of the payloads: their shape here, the rest by subject.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

mod apple;
mod checks;
mod meaning;
mod properties;

use serde_json::{Value, json};

use super::*;
use crate::level::Platform::{self, Android, Ios};

fn payloads(value: Value) -> Vec<Payload> {
    serde_json::from_value(value).unwrap()
}

fn pointers(platform: Platform, value: Value) -> Vec<String> {
    check(platform, &payloads(value)).into_iter().map(|issue| issue.pointer).collect()
}

fn fine(platform: Platform, value: Value) {
    let detail = value.to_string();
    assert_eq!(check(platform, &payloads(value)), [], "{detail}");
}

#[test]
fn payloads_read_and_write_the_same_json() {
    let all = json!([
        {"type": "restrictions", "settings": {"allowCamera": false}},
        {"type": "application_control", "mode": "denylist", "apps": [{"bundle_id": "com.example.game", "action": "block"}]},
        {"type": "passcode", "quality": "numeric_complex", "min_length": 6, "max_inactivity_minutes": 5},
        {"type": "wifi", "ssid": "Office", "security": "wpa2", "password": "correct horse"},
        {"type": "vpn", "connection": "ikev2", "name": "Work", "server": "vpn.example.com",
         "remote_identifier": "vpn.example.com", "local_identifier": "phone", "shared_secret": "s3cret"},
        {"type": "network_usage_rules",
         "application_rules": [{"apps": ["com.example.*"], "allow_roaming_cellular_data": false}],
         "sim_rules": [{"iccids": ["89310410106543789301"], "wifi_assist": "eager"}]},
        {"type": "web_content_filter", "filter": "built_in", "denied_urls": ["https://bad.example/"]},
        {"type": "custom_settings", "payload_type": "com.apple.domains", "content": {"WebDomains": ["example.com"]}},
    ]);
    fine(Ios, all.clone());
    assert_eq!(serde_json::to_value(payloads(all.clone())).unwrap(), all);
    for unknown in [
        json!({"type": "passcode", "minimum": 4}),
        json!({"type": "restrictions", "settings": {}, "extra": 1}),
        json!({"type": "teleport"}),
        json!({"settings": {}}),
    ] {
        assert!(serde_json::from_value::<Payload>(unknown.clone()).is_err(), "{unknown}");
    }
}

#[test]
fn every_kind_has_a_word_and_a_form_that_covers_its_members() {
    let full = payloads(json!([
        {"type": "application_control", "mode": "allowlist", "apps": [{"package_name": "com.example.a", "bundle_id": "com.example.a", "action": "allow"}]},
        {"type": "passcode", "quality": "complex", "min_length": 6, "min_complex_characters": 1, "max_age_days": 90, "history": 3,
         "max_inactivity_minutes": 5, "max_failed_attempts": 10, "max_grace_minutes": 0, "scope": "device"},
        {"type": "wifi", "ssid": "x", "security": "wpa3", "password": "12345678", "hidden": true, "auto_join": false},
        {"type": "vpn", "connection": "app", "name": "a", "app": "com.example.a", "server": "a", "remote_identifier": "a",
         "local_identifier": "a", "account": "a", "password": "a", "shared_secret": "a", "on_demand": true, "lockdown": true},
        {"type": "network_usage_rules", "application_rules": [{"apps": ["a"], "allow_cellular_data": true, "allow_roaming_cellular_data": true}],
         "sim_rules": [{"iccids": ["1"], "wifi_assist": "default"}]},
        {"type": "web_content_filter", "filter": "plugin", "auto_filter": true, "permitted_urls": ["a"], "denied_urls": ["a"],
         "bookmarks": [{"url": "a", "title": "a"}], "name": "a", "app": "a", "server": "a", "account": "a", "password": "a",
         "filter_browsers": true, "filter_sockets": true, "content_filter_uuid": "a"},
        {"type": "custom_settings", "payload_type": "a.b", "content": {"a": 1}},
    ]));
    for payload in full {
        let kind = payload.payload_type();
        let value = serde_json::to_value(&payload).unwrap();
        assert_eq!(value["type"], kind.as_str());
        for key in value.as_object().unwrap().keys().filter(|key| *key != "type") {
            let known = |platform| setting::find(settings(platform, kind), key).is_some();
            assert!(known(Android) || known(Ios), "{}: {key} is in no form", kind.as_str());
        }
    }
    for kind in PayloadType::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        assert!(!settings(Ios, kind).is_empty(), "{}", kind.as_str());
    }
    assert!(settings(Android, PayloadType::NetworkUsageRules).is_empty());
    assert!(settings(Android, PayloadType::WebContentFilter).is_empty());
}

#[test]
fn every_setting_has_help_and_a_sense_of_strictness_that_fits() {
    for (platform, kind) in
        [Android, Ios].into_iter().flat_map(|platform| PayloadType::ALL.map(|kind| (platform, kind)))
    {
        for spec in settings(platform, kind) {
            let name = spec.key;
            assert!(spec.help.ends_with('.') && spec.help.len() > 10, "{name}: {}", spec.help);
            assert!(spec.min_os.is_empty() || crate::os_version::is_valid(spec.min_os), "{name}");
            let fits = match (spec.restrictive, spec.kind) {
                (Restrictive::Neither, _) => true,
                (Restrictive::True | Restrictive::False, kind) => kind == Kind::Bool,
                (Restrictive::Lower | Restrictive::Higher, kind) => {
                    matches!(kind, Kind::Integer { .. } | Kind::Number { .. })
                }
                (Restrictive::Later, kind) => matches!(kind, Kind::Enum { .. }),
                (Restrictive::Union | Restrictive::Intersection, kind) => {
                    matches!(kind, Kind::StringList { .. } | Kind::EnumList { .. })
                }
            };
            assert!(fits, "{name}");
        }
    }
    let camera =
        serde_json::to_value(setting::find(settings(Android, PayloadType::Restrictions), "cameraAccess")).unwrap();
    assert_eq!((&camera["kind"], &camera["restrictive"]), (&json!("enum"), &json!("later")));
    assert_eq!(camera["values"][2], "CAMERA_ACCESS_DISABLED");
}

#[test]
fn the_api_description_is_finite_and_names_every_kind() {
    use utoipa::{PartialSchema, ToSchema};
    let mut schemas = Vec::new();
    Payload::schemas(&mut schemas);
    SettingSpec::schemas(&mut schemas);
    assert!((10..100).contains(&schemas.len()), "{}", schemas.len());
    let payload = serde_json::to_string(&Payload::schema()).unwrap();
    for kind in PayloadType::ALL {
        assert!(payload.contains(&format!("\"{}\"", kind.as_str())), "{}", kind.as_str());
    }
    assert!(serde_json::to_string(&SettingSpec::schema()).unwrap().contains("min_os"));
}
