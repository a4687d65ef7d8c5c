//! Every payload of ours is one that Apple describes, in the types Apple asks for.

use std::{
    collections::BTreeSet,
    io::Write,
    process::{Command, Stdio},
};

use allclear_domain::{
    ids::ProfileId,
    level::Platform,
    payload::{self, CustomSettings, Kind, Payload, PayloadType, Restrictions, SettingSpec},
    profile::AllowRemoval,
    quickstart,
};
use data_encoding::BASE64;
use plist::{Dictionary, Value};
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};
use uuid::Uuid;

use super::super::profile::{Rendering, identifier, profile_of, render, uuid};
use crate::agent::ProfileToInstall;

const ID: ProfileId = ProfileId(Uuid::from_u128(0x0193_5a3c_0000_7000_8000_0000_0000_0001));
const SUPERVISED: Rendering<'_> = Rendering { organisation: "Example & Sons", supervised: true };

fn profile(payloads: Vec<Payload>) -> ProfileToInstall {
    ProfileToInstall {
        id: ID,
        name: "Work <phones>".into(),
        version: 3,
        allow_removal: AllowRemoval::Never,
        removal_password: None,
        payloads,
    }
}

fn of(value: Json) -> Vec<Payload> {
    let payloads: Vec<Payload> = serde_json::from_value(value).unwrap();
    assert_eq!(payload::check(Platform::Ios, &payloads), []);
    payloads
}

fn rendered(profile: &ProfileToInstall, how: &Rendering<'_>) -> Dictionary {
    let xml = render(profile, how).unwrap();
    Value::from_reader_xml(xml.as_slice()).unwrap().into_dictionary().unwrap()
}

fn contents(root: &Dictionary) -> Vec<Dictionary> {
    let payloads = root.get("PayloadContent").unwrap().as_array().unwrap();
    payloads.iter().map(|payload| payload.as_dictionary().unwrap().clone()).collect()
}

fn text<'a>(members: &'a Dictionary, key: &str) -> &'a str {
    members.get(key).unwrap_or_else(|| panic!("{key}")).as_string().unwrap()
}

/// A property list's value as custom settings give it.
fn json_of(value: &Value) -> Json {
    match value {
        Value::Boolean(truth) => json!(truth),
        Value::Integer(number) => json!(number.as_signed().unwrap()),
        Value::Real(number) => json!(number),
        Value::String(text) => json!(text),
        Value::Data(bytes) => json!(BASE64.encode(bytes)),
        Value::Date(date) => json!(date.to_xml_format()),
        Value::Array(entries) => entries.iter().map(json_of).collect(),
        Value::Dictionary(members) => {
            Json::Object(members.iter().map(|(key, it)| (key.clone(), json_of(it))).collect())
        }
        other => panic!("{other:?}"),
    }
}

/// Keys that devices take for VPNs of apps, and that Apple's description leaves out.
const UNDESCRIBED: [&str; 2] = ["VPN/RemoteAddress", "VPN/AuthName"];

/// Holds a profile to Apple's description of each of its payloads.
fn hold(profile: &ProfileToInstall) {
    let root = rendered(profile, &SUPERVISED);
    let mut identifiers = BTreeSet::new();
    for members in std::iter::once(&root).chain(&contents(&root)) {
        assert_eq!(members.get("PayloadVersion").unwrap().as_signed_integer(), Some(1));
        assert!(identifiers.insert(text(members, "PayloadIdentifier").to_owned()));
        assert!(identifiers.insert(text(members, "PayloadUUID").to_owned()));
        assert!(!text(members, "PayloadDisplayName").is_empty());
        assert_eq!(text(members, "PayloadOrganization"), "Example & Sons");
    }
    assert_eq!(text(&root, "PayloadType"), "Configuration");
    for (index, members) in contents(&root).into_iter().enumerate() {
        let kind = text(&members, "PayloadType").to_owned();
        let own = |key: &str| {
            ["Type", "Identifier", "UUID", "DisplayName", "Organization", "Version"]
                .iter()
                .any(|name| key == format!("Payload{name}"))
        };
        let content: Map<String, Json> =
            members.iter().filter(|(key, _)| !own(key)).map(|(key, it)| (key.clone(), json_of(it))).collect();
        let custom = [Payload::CustomSettings(CustomSettings { payload_type: Some(kind.clone()), content })];
        assert_eq!(payload::check(Platform::Ios, &custom), [], "{kind} {members:?}");
        let given = matches!(profile.payloads.get(index), Some(Payload::CustomSettings(_)));
        for finding in payload::findings(Platform::Ios, &custom) {
            let known = UNDESCRIBED.iter().any(|key| finding.pointer == format!("/0/content/{key}"));
            assert!(known || given, "{kind}: {finding:?}");
        }
    }
}

#[test]
fn the_quickstart_profiles_are_apples() {
    let mut seen = 0;
    for plan in quickstart::plan().profiles {
        if plan.platform == Platform::Ios {
            let rendered_profile = ProfileToInstall { name: plan.name.into(), ..profile(plan.payloads.clone()) };
            hold(&rendered_profile);
            assert_eq!(contents(&rendered(&rendered_profile, &SUPERVISED)).len(), plan.payloads.len());
            seen += 1;
        }
    }
    assert_eq!(seen, 3);
}

fn one_of_each() -> Vec<Payload> {
    of(json!([
        {"type": "restrictions", "settings": {"allowCamera": false, "safariAcceptCookies": 1, "ratingApps": 600,
            "blockedAppBundleIDs": ["com.example.game"]}},
        {"type": "application_control", "mode": "allowlist", "apps": [{"bundle_id": "com.example.mail", "action": "allow"}]},
        {"type": "passcode", "quality": "complex", "min_length": 8, "max_age_days": 90, "history": 5,
            "max_inactivity_minutes": 5, "max_failed_attempts": 10, "max_grace_minutes": 0},
        {"type": "wifi", "ssid": "Office & <Guests>", "security": "wpa3", "password": "correct horse", "hidden": true},
        {"type": "vpn", "connection": "app", "name": "Work", "app": "com.example.vpn", "server": "vpn.example.com",
            "account": "ada", "password": "secret", "on_demand": true},
        {"type": "vpn", "connection": "ikev2", "name": "Work", "server": "vpn.example.com",
            "remote_identifier": "vpn.example.com", "local_identifier": "phone", "shared_secret": "s3cret"},
        {"type": "network_usage_rules", "application_rules": [{"apps": ["com.example.*"], "allow_cellular_data": false}],
            "sim_rules": [{"iccids": ["89310410106543789301"], "wifi_assist": "eager"}]},
        {"type": "web_content_filter", "filter": "built_in", "auto_filter": true, "permitted_urls": ["https://a.example/"],
            "denied_urls": ["https://b.example/"], "bookmarks": [{"url": "https://c.example/", "title": "C"}]},
        {"type": "web_content_filter", "filter": "plugin", "name": "Filter", "app": "com.example.filter",
            "server": "f.example.com", "account": "a", "password": "b", "filter_browsers": true,
            "content_filter_uuid": "3F2504E0-4F89-11D3-9A0C-0305E82C3301"},
        {"type": "custom_settings", "payload_type": "com.apple.security.root",
            "content": {"PayloadContent": "AAECAw==", "PayloadCertificateFileName": "ca.cer"}},
        {"type": "custom_settings", "payload_type": "com.apple.novelty", "content": {"Level": 2, "Share": 0.5}},
    ]))
}

#[test]
fn one_of_each_payload_is_apples_in_apples_types() {
    let all = one_of_each();
    let kinds: BTreeSet<PayloadType> = all.iter().map(Payload::payload_type).collect();
    assert_eq!(kinds.len(), PayloadType::ALL.len(), "each kind");
    hold(&profile(all.clone()));
    let root = rendered(&profile(all), &SUPERVISED);
    let content = contents(&root);
    assert_eq!(content[0].get("safariAcceptCookies"), Some(&Value::Real(1.0)), "a real, however it is written");
    assert_eq!(content[0].get("ratingApps").unwrap().as_signed_integer(), Some(600));
    let passcode = &content[2];
    for key in ["forcePIN", "requireAlphanumeric"] {
        assert_eq!(passcode.get(key), Some(&Value::Boolean(true)), "{key}");
    }
    assert_eq!(passcode.get("allowSimple"), Some(&Value::Boolean(false)));
    assert_eq!(passcode.get("minComplexChars").unwrap().as_signed_integer(), Some(1));
    assert_eq!(text(&content[3], "SSID_STR"), "Office & <Guests>");
    let tunnel = content[4].get("VPN").unwrap().as_dictionary().unwrap();
    assert_eq!(tunnel.get("OnDemandEnabled").unwrap().as_signed_integer(), Some(1));
    assert!(tunnel.get("OnDemandRules").is_some());
    assert_eq!(content[9].get("PayloadContent"), Some(&Value::Data(vec![0, 1, 2, 3])), "bytes");
    assert_eq!(content[10].get("Share"), Some(&Value::Real(0.5)), "as it is given where nothing is known");
}

#[test]
fn a_version_replaces_the_one_before_and_can_be_told_from_it() {
    let first = rendered(&profile(one_of_each()), &SUPERVISED);
    assert_eq!(first, rendered(&profile(one_of_each()), &SUPERVISED), "the same every time");
    let second = rendered(&ProfileToInstall { version: 4, ..profile(one_of_each()) }, &SUPERVISED);
    assert_eq!(text(&first, "PayloadIdentifier"), text(&second, "PayloadIdentifier"));
    assert_eq!(text(&first, "PayloadUUID"), uuid(ID, 3).to_string().to_ascii_uppercase());
    assert_ne!(text(&first, "PayloadUUID"), text(&second, "PayloadUUID"));
    for (one, other) in contents(&first).iter().zip(&contents(&second)) {
        assert_eq!(text(one, "PayloadIdentifier"), text(other, "PayloadIdentifier"));
        assert_ne!(text(one, "PayloadUUID"), text(other, "PayloadUUID"));
    }
    assert_eq!(profile_of(&identifier(ID)), Some(ID));
    for other in ["", "allclear.profile.", "com.example.profile", "allclear.profile.3.0"] {
        assert_eq!(profile_of(other), None, "{other}");
    }
}

#[test]
fn removal_is_up_to_the_server_on_supervised_devices_only() {
    let payloads = of(json!([{"type": "restrictions", "settings": {"allowCamera": false}}]));
    let with = |allow_removal, password: Option<&str>, supervised| {
        let profile = ProfileToInstall {
            allow_removal,
            removal_password: password.map(str::to_owned),
            ..profile(payloads.clone())
        };
        let root = rendered(&profile, &Rendering { supervised, ..SUPERVISED });
        let password =
            contents(&root).into_iter().find(|it| text(it, "PayloadType") == "com.apple.profileRemovalPassword");
        (root.get("PayloadRemovalDisallowed").is_some(), password.map(|it| text(&it, "RemovalPassword").to_owned()))
    };
    assert_eq!(with(AllowRemoval::Never, None, true), (true, None));
    assert_eq!(with(AllowRemoval::Always, None, true), (false, None));
    assert_eq!(with(AllowRemoval::WithAuthorization, Some("open"), true), (true, Some("open".into())));
    assert_eq!(with(AllowRemoval::Never, None, false), (false, None));
    assert_eq!(with(AllowRemoval::WithAuthorization, Some("open"), false), (false, None));
    let guarded = ProfileToInstall {
        allow_removal: AllowRemoval::WithAuthorization,
        removal_password: Some("open".into()),
        ..profile(payloads)
    };
    hold(&guarded);
}

#[test]
fn another_reader_of_property_lists_reads_the_same() {
    let script =
        "import plistlib, sys; sys.stdout.buffer.write(plistlib.dumps(plistlib.loads(sys.stdin.buffer.read())))";
    let mut python = Command::new("python3");
    python.args(["-c", script]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let Ok(mut python) = python.spawn() else {
        println!("skipped: no python3");
        return;
    };
    let xml = render(&profile(one_of_each()), &SUPERVISED).unwrap();
    python.stdin.take().unwrap().write_all(&xml).unwrap();
    let output = python.wait_with_output().unwrap();
    assert!(output.status.success());
    let read = Value::from_reader_xml(output.stdout.as_slice()).unwrap().into_dictionary().unwrap();
    assert_eq!(read, rendered(&profile(one_of_each()), &SUPERVISED));
}

fn setting(spec: &'static SettingSpec) -> BoxedStrategy<Json> {
    match spec.kind {
        Kind::Bool => any::<bool>().prop_map(Json::from).boxed(),
        Kind::Integer { min, max } => (min..=max).prop_map(Json::from).boxed(),
        Kind::Number { values } => prop::sample::select(values).prop_map(Json::from).boxed(),
        Kind::Enum { values } => prop::sample::select(values).prop_map(Json::from).boxed(),
        Kind::EnumList { values } => prop::sample::subsequence(values, 0..=values.len()).prop_map(Json::from).boxed(),
        Kind::String { max } | Kind::Secret { max } => {
            prop::string::string_regex(&format!("[a-zA-Z0-9&<>é .]{{1,{}}}", max.min(12)))
                .unwrap()
                .prop_map(Json::from)
                .boxed()
        }
        Kind::StringList { .. } => prop::collection::vec(
            prop_oneof![
                "[a-z]{2,5}\\.[a-z]{2,5}".prop_map(Json::from),
                "https://[a-z]{2,5}\\.example/".prop_map(Json::from),
                "[0-9]{19}".prop_map(Json::from)
            ],
            1..3,
        )
        .prop_map(Json::from)
        .boxed(),
        Kind::List { members, .. } => prop::collection::vec(object(members), 1..3).prop_map(Json::from).boxed(),
        Kind::Object => Just(json!({"Any": [1, "two", {"three": 3.5}]})).boxed(),
    }
}

/// Members of a form, each given or not.
fn object(members: &'static [SettingSpec]) -> BoxedStrategy<Json> {
    let each: Vec<_> = members.iter().map(|spec| prop::option::weighted(0.8, setting(spec))).collect();
    each.prop_map(move |values| {
        let given = members.iter().zip(values).filter_map(|(spec, value)| Some((spec.key.to_owned(), value?)));
        Json::Object(given.collect())
    })
    .boxed()
}

/// Any payload the editor's forms can make, most of them wrong.
fn any_payload() -> BoxedStrategy<Option<Payload>> {
    let restrictions = payload::settings(Platform::Ios, PayloadType::Restrictions);
    let some = prop::sample::subsequence(restrictions, 1..12).prop_flat_map(|specs: Vec<SettingSpec>| {
        let each: Vec<_> = specs
            .into_iter()
            .map(|spec| {
                let spec = payload::settings(Platform::Ios, PayloadType::Restrictions)
                    .iter()
                    .find(|known| known.key == spec.key)
                    .unwrap();
                setting(spec).prop_map(move |value| (spec.key.to_owned(), value))
            })
            .collect();
        each.prop_map(|settings| Some(Payload::Restrictions(Restrictions { settings: settings.into_iter().collect() })))
    });
    let others = PayloadType::ALL.into_iter().filter(|kind| *kind != PayloadType::Restrictions).map(|kind| {
        object(payload::settings(Platform::Ios, kind)).prop_map(move |mut members| {
            members["type"] = kind.as_str().into();
            serde_json::from_value(members).ok()
        })
    });
    prop_oneof![some, prop::strategy::Union::new(others.collect::<Vec<_>>())].boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn whatever_can_be_saved_is_apples(payloads in prop::collection::vec(any_payload(), 1..6)) {
        let fits = |payload: &Payload| payload::check(Platform::Ios, std::slice::from_ref(payload)).is_empty();
        let mut payloads: Vec<Payload> = payloads.into_iter().flatten().filter(fits).collect();
        let mut usage_rules = 0;
        payloads.retain(|payload| {
            usage_rules += usize::from(matches!(payload, Payload::NetworkUsageRules(_)));
            !matches!(payload, Payload::NetworkUsageRules(_)) || usage_rules == 1
        });
        hold(&profile(payloads));
    }
}
