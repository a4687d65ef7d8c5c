//! Custom settings for iOS, held to Apple's own description.

use super::*;

#[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
fn custom(kind: &str, content: Value) -> Value {
    json!([{"type": "custom_settings", "payload_type": kind, "content": content}])
}

fn found(kind: &str, content: Value) -> Vec<String> {
    findings(Ios, &payloads(custom(kind, content))).into_iter().map(|finding| finding.pointer).collect()
}

#[test]
fn the_catalogue_says_what_it_describes() {
    let catalogue = super::super::apple::catalogue();
    assert!(catalogue.release.starts_with("iOS "), "{}", catalogue.release);
    assert!(catalogue.names().count() > 40);
}

#[test]
fn known_keys_are_held_to_their_type_range_and_choices() {
    let wifi = |content: Value| pointers(Ios, custom("com.apple.wifi.managed", content));
    fine(
        Ios,
        custom(
            "com.apple.wifi.managed",
            json!({"SSID_STR": "Office", "EncryptionType": "WPA2", "AutoJoin": true,
                   "EAPClientConfiguration": {"AcceptEAPTypes": [13, 25], "TLSMinimumVersion": "1.2"}}),
        ),
    );
    assert_eq!(wifi(json!({"EncryptionType": "WPA9"})), ["/0/content/EncryptionType"]);
    assert_eq!(wifi(json!({"AutoJoin": 1})), ["/0/content/AutoJoin"]);
    assert_eq!(
        wifi(json!({"EAPClientConfiguration": {"AcceptEAPTypes": [13, 14]}})),
        ["/0/content/EAPClientConfiguration/AcceptEAPTypes/1"]
    );
    assert_eq!(
        wifi(json!({"EAPClientConfiguration": {}})),
        ["/0/content/EAPClientConfiguration/AcceptEAPTypes"],
        "what is required there"
    );
    let passcode = |content: Value| pointers(Ios, custom("com.apple.mobiledevice.passwordpolicy", content));
    assert_eq!(passcode(json!({"minLength": 16})), Vec::<String>::new());
    assert_eq!(passcode(json!({"minLength": 17})), ["/0/content/minLength"]);
    assert_eq!(passcode(json!({"minLength": "four"})), ["/0/content/minLength"]);
    assert_eq!(passcode(json!({"minLength": 4.5})), ["/0/content/minLength"]);
    let root = |content: Value| pointers(Ios, custom("com.apple.security.root", content));
    assert_eq!(root(json!({"PayloadContent": "AAEC"})), Vec::<String>::new());
    assert_eq!(root(json!({"PayloadContent": "not base64"})), ["/0/content/PayloadContent"]);
    assert_eq!(root(json!({"PayloadCertificateFileName": "a.cer"})), ["/0/content/PayloadContent"]);
}

#[test]
fn what_the_catalogue_does_not_know_is_a_finding_and_no_error() {
    fine(Ios, custom("com.apple.novelty", json!({"a": 1})));
    assert_eq!(found("com.apple.novelty", json!({"a": 1})), ["/0/payload_type"]);
    fine(Ios, custom("com.apple.domains", json!({"WebDomains": ["example.com"], "NewDomains": []})));
    assert_eq!(found("com.apple.domains", json!({"WebDomains": [], "NewDomains": []})), ["/0/content/NewDomains"]);
    // A key of macOS is none of iOS.
    assert_eq!(found("com.apple.applicationaccess", json!({"allowAirDrop": false})), Vec::<String>::new());
    assert_eq!(found("com.apple.globalethernet.managed", json!({"Anything": 1})), Vec::<String>::new());
    let android = payloads(json!([{"type": "custom_settings", "content": {"cameraAccess": "CAMERA_ACCESS_DISABLED"}}]));
    assert_eq!(findings(Android, &android), []);
}

#[test]
fn what_no_property_list_can_say_is_refused_wherever_it_is() {
    for content in
        [json!({"a": null}), json!({"a": [{"b": null}]}), json!({"a": ["x\u{0}"]}), json!({"a": {"\u{1}": 1}})]
    {
        assert_eq!(pointers(Ios, custom("com.example.app", content)), ["/0/content/a"]);
    }
}

#[test]
fn each_key_says_what_it_needs() {
    let requirements = requirements(
        Ios,
        &payloads(custom("com.apple.domains", json!({"SafariPasswordAutoFillDomains": ["example.com"]})))[0],
    );
    assert!(requirements.contains(&Requirement { pointer: String::new(), needs: Need::NotUserEnrollment }));
    let camera = super::super::requirements(
        Ios,
        &payloads(custom("com.apple.applicationaccess", json!({"allowCamera": false, "allowAirDrop": false})))[0],
    );
    assert!(camera.contains(&Requirement { pointer: "/content/allowCamera".into(), needs: Need::NotUserEnrollment }));
    assert!(camera.contains(&Requirement { pointer: "/content/allowAirDrop".into(), needs: Need::Supervised }));
}
