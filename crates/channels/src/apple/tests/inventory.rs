//! What devices answer, and what is made of it.

use allclear_domain::{
    app::{App, AppSource},
    detection::Observed,
    device::SecurityState,
    ids::ProfileId,
};
use allclear_engine::ingest::Inventory;
use plist::{Dictionary, Value};
use proptest::prelude::*;
use uuid::Uuid;

use super::super::{inventory::inventory, profile};

fn read(xml: &str) -> Dictionary {
    let xml = format!(r#"<?xml version="1.0" encoding="UTF-8"?><plist version="1.0"><dict>{xml}</dict></plist>"#);
    Value::from_reader_xml(xml.as_bytes()).unwrap().into_dictionary().unwrap()
}

fn nothing(_: ProfileId) -> Option<u32> {
    None
}

#[test]
fn device_information_and_security_become_facts() {
    let answer = read(
        "<key>QueryResponses</key><dict><key>OSVersion</key><string>18.1</string><key>ProductName</key>\
         <string>iPhone15,2</string><key>IsSupervised</key><true/><key>BatteryLevel</key><real>0.5</real></dict>",
    );
    let seen = inventory(&answer, nothing);
    let observed = Observed {
        manufacturer: Some("Apple".into()),
        model: Some("iPhone15,2".into()),
        os_version: Some("18.1".into()),
        ..Observed::default()
    };
    assert_eq!(seen, Inventory { observed, supervised: Some(true), ..Inventory::default() });

    let security = |passcode: &str, caps: u32| {
        let answer = read(&format!(
            "<key>SecurityInfo</key><dict><key>PasscodePresent</key><{passcode}/>\
             <key>HardwareEncryptionCaps</key><integer>{caps}</integer></dict>"
        ));
        inventory(&answer, nothing).security
    };
    let state = |passcode, encrypted| SecurityState {
        passcode_present: Some(passcode),
        encrypted: Some(encrypted),
        ..SecurityState::default()
    };
    assert_eq!(security("true", 3), state(true, true));
    assert_eq!(security("true", 1), state(true, false));
    assert_eq!(security("false", 3), state(false, false));
    assert_eq!(inventory(&read("<key>SecurityInfo</key><dict/>"), nothing), Inventory::default());
}

#[test]
fn apps_are_those_that_are_there() {
    let answer = read(
        "<key>InstalledApplicationList</key><array>\
         <dict><key>Identifier</key><string>com.example.mail</string><key>Name</key><string>Mail</string>\
         <key>Version</key><string>118</string><key>ShortVersion</key><string>2.1</string><key>AppStoreVendable</key><true/></dict>\
         <dict><key>Identifier</key><string>com.example.adhoc</string><key>Version</key><string>3</string>\
         <key>AdHocCodeSigned</key><true/></dict>\
         <dict><key>Identifier</key><string>com.example.coming</string><key>Installing</key><true/></dict>\
         <dict><key>Name</key><string>nobody</string></dict><string>no app</string></array>",
    );
    let app = |identifier: &str, version: &str, source| App {
        identifier: identifier.into(),
        version: Some(version.into()),
        source,
        ..App::default()
    };
    let mail = App { name: Some("Mail".into()), ..app("com.example.mail", "2.1", AppSource::Store) };
    let expected = vec![mail, app("com.example.adhoc", "3", AppSource::Sideloaded)];
    assert_eq!(inventory(&answer, nothing), Inventory { apps: Some(expected), ..Inventory::default() });
    let none = inventory(&read("<key>InstalledApplicationList</key><array/>"), nothing);
    assert_eq!(none.apps, Some(Vec::new()), "no app at all is something to say");
}

#[test]
fn a_profile_list_tells_our_profiles_by_version_and_names_the_others() {
    let [ours, other, gone] = [1, 2, 3].map(|n| ProfileId(Uuid::from_u128(n)));
    let entry = |identifier: &str, uuid: &str, more: &str| {
        format!(
            "<dict><key>PayloadIdentifier</key><string>{identifier}</string><key>PayloadUUID</key>\
             <string>{uuid}</string>{more}</dict>"
        )
    };
    let of = |id, version| profile::uuid(id, version).to_string().to_ascii_uppercase();
    let by_hand = "<key>IsManaged</key><false/>";
    let list = [
        entry(&profile::identifier(ours), &of(ours, 2), "<key>IsManaged</key><true/>"),
        entry(&profile::identifier(other), "3F2504E0-4F89-11D3-9A0C-0305E82C3301", ""),
        entry(&profile::identifier(gone), &of(gone, 1), ""),
        entry(&profile::identifier(ours), &of(ours, 3), by_hand),
        entry("com.example.evil", "not a UUID", by_hand),
    ];
    let answer = read(&format!("<key>ProfileList</key><array>{}</array>", list.concat()));
    let seen =
        inventory(&answer, |id| [(ours, 3), (other, 5)].into_iter().find(|(known, _)| *known == id).map(|it| it.1));
    assert_eq!(seen.installed, Some(vec![(ours, 2), (other, 0)]));
    let seen = seen.profiles_seen.unwrap();
    assert_eq!(seen.len(), 10);
    assert!(seen.contains(&"com.example.evil".to_owned()) && seen.contains(&of(ours, 2)));
}

#[test]
fn what_is_no_answer_about_the_device_says_nothing() {
    for xml in ["", "<key>Status</key><string>Idle</string>", "<key>QueryResponses</key><array/>"] {
        assert_eq!(inventory(&read(xml), nothing), Inventory::default(), "{xml}");
    }
}

fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::Real),
        ".{0,300}".prop_map(Value::String),
        prop::collection::vec(any::<u8>(), 0..8).prop_map(Value::Data),
    ];
    let key = prop::sample::select(vec![
        "QueryResponses",
        "SecurityInfo",
        "InstalledApplicationList",
        "ProfileList",
        "OSVersion",
        "IsSupervised",
        "PasscodePresent",
        "HardwareEncryptionCaps",
        "Identifier",
        "Version",
        "PayloadIdentifier",
        "PayloadUUID",
    ]);
    leaf.prop_recursive(4, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::btree_map(key.clone(), inner, 0..8).prop_map(|members| Value::Dictionary(
                members.into_iter().map(|(key, it)| (key.to_owned(), it)).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn no_answer_makes_anything_panic(value in any_value(), newest in prop::option::of(0_u32..5)) {
        if let Value::Dictionary(answer) = value {
            let seen = inventory(&answer, |_| newest);
            for app in seen.apps.iter().flatten() {
                prop_assert!(!app.identifier.is_empty());
            }
        }
    }
}
