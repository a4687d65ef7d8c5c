//! Payloads as fields of a policy.

use allclear_domain::payload::{
    AppAction, AppMode, AppRule, ApplicationControl, Passcode, PasscodeQuality, PasscodeScope, Payload, Restrictions,
    Vpn, VpnConnection, Wifi, WifiSecurity,
};
use serde_json::{Value, json};

use super::{super::policy::left_out, Policy, custom, policy};

fn of(payload: Payload) -> Value {
    Policy::of(&[payload]).to_json()
}

fn wifi(ssid: &str, security: WifiSecurity, password: Option<&str>) -> Payload {
    Payload::Wifi(Wifi {
        ssid: ssid.into(),
        security,
        password: password.map(str::to_owned),
        hidden: true,
        auto_join: Some(false),
    })
}

#[test]
fn restrictions_are_nested() {
    let settings = json!({ "screenCaptureDisabled": true, "deviceRadioState.nfc": "NFC_DISABLED" });
    let Value::Object(settings) = settings else { unreachable!() };
    let expected = json!({ "screenCaptureDisabled": true, "deviceRadioState": { "nfc": "NFC_DISABLED" } });
    assert_eq!(of(Payload::Restrictions(Restrictions { settings })), expected);
}

#[test]
fn apps_are_blocked_disabled_allowed_and_required() {
    let rule = |app: &str, action| AppRule { package_name: Some(app.into()), bundle_id: None, action };
    let apps = vec![
        rule("a.block", AppAction::Block),
        rule("a.disable", AppAction::Disable),
        rule("a.may", AppAction::Allow),
        rule("a.must", AppAction::Require),
    ];
    let listed = json!([
        { "packageName": "a.block", "installType": "BLOCKED" },
        { "packageName": "a.disable", "disabled": true },
        { "packageName": "a.may", "installType": "AVAILABLE" },
        { "packageName": "a.must", "installType": "FORCE_INSTALLED" },
    ]);
    let control = |mode| of(Payload::ApplicationControl(ApplicationControl { mode, apps: apps.clone() }));
    assert_eq!(control(AppMode::Denylist), json!({ "applications": listed }));
    assert_eq!(control(AppMode::Allowlist), json!({ "applications": listed, "playStoreMode": "WHITELIST" }));
}

#[test]
fn a_passcode_asks_for_a_quality_under_which_its_numbers_count() {
    let render = |passcode| of(Payload::Passcode(passcode));
    let all = Passcode {
        quality: Some(PasscodeQuality::Alphanumeric),
        min_length: Some(8),
        min_complex_characters: Some(2),
        max_age_days: Some(90),
        history: Some(5),
        max_inactivity_minutes: Some(5),
        max_failed_attempts: Some(10),
        max_grace_minutes: None,
        scope: Some(PasscodeScope::Profile),
    };
    let expected = json!({
        "maximumTimeToLock": "300000",
        "passwordPolicies": [{
            "passwordScope": "SCOPE_PROFILE", "passwordQuality": "COMPLEX", "passwordMinimumLength": 8,
            "passwordMinimumLetters": 1, "passwordMinimumNumeric": 1, "passwordMinimumSymbols": 2,
            "passwordExpirationTimeout": "7776000s", "passwordHistoryLength": 5, "maximumFailedPasswordsForWipe": 10,
        }],
    });
    assert_eq!(render(all), expected);
    let length = render(Passcode { min_length: Some(6), ..Passcode::default() });
    let expected = json!({ "passwordScope": "SCOPE_DEVICE", "passwordQuality": "NUMERIC", "passwordMinimumLength": 6 });
    assert_eq!(length["passwordPolicies"], json!([expected]));
    let history = render(Passcode { history: Some(3), ..Passcode::default() });
    assert_eq!(history["passwordPolicies"][0]["passwordQuality"], "SOMETHING");
}

#[test]
fn a_network_is_the_same_in_every_profile() {
    let office = of(wifi("office", WifiSecurity::Wpa2, Some("correct horse")));
    let network = &office["openNetworkConfiguration"]["NetworkConfigurations"][0];
    let expected = json!({ "SSID": "office", "Security": "WPA-PSK", "Passphrase": "correct horse", "HiddenSSID": true,
        "AutoConnect": false });
    assert_eq!((&network["Name"], &network["Type"], &network["WiFi"]), (&json!("office"), &json!("WiFi"), &expected));
    assert_eq!(office["openNetworkConfiguration"]["Type"], "UnencryptedConfiguration");

    let open = Policy::of(&[wifi("office", WifiSecurity::Open, None)]);
    let both = open.merge(Policy::of(&[wifi("yard", WifiSecurity::Wpa3, Some("battery staple"))]));
    let all = both.merge(Policy::of(&[wifi("office", WifiSecurity::Wpa2, Some("correct horse"))])).to_json();
    let networks = all["openNetworkConfiguration"]["NetworkConfigurations"].as_array().unwrap();
    assert_eq!(networks.len(), 2);
    assert!(networks.contains(network), "the protected one is in force");
}

#[test]
fn a_vpn_is_always_on() {
    let vpn = Vpn {
        connection: VpnConnection::App,
        name: None,
        app: Some("a.vpn".into()),
        server: None,
        remote_identifier: None,
        local_identifier: None,
        account: None,
        password: None,
        shared_secret: None,
        on_demand: false,
        lockdown: true,
    };
    let expected = json!({ "alwaysOnVpnPackage": { "packageName": "a.vpn", "lockdownEnabled": true } });
    assert_eq!(of(Payload::Vpn(vpn)), expected);
}

#[test]
fn old_words_become_the_ones_of_today() {
    let old = json!({
        "cameraDisabled": true, "debuggingFeaturesAllowed": false, "ensureVerifyAppsEnabled": true,
        "installUnknownSourcesAllowed": false, "tetheringConfigDisabled": true, "usbFileTransferDisabled": true,
        "wifiConfigDisabled": false, "locationMode": "OFF", "passwordRequirements": { "passwordQuality": "NUMERIC" },
        "personalUsagePolicies": { "personalPlayStoreMode": "BLACKLIST" }, "printingPolicy": "PRINTING_POLICY_UNSPECIFIED",
        "applications": [{ "packageName": "a.kiosk", "installType": "KIOSK" }], "usbMassStorageEnabled": false,
    });
    let expected = json!({
        "cameraAccess": "CAMERA_ACCESS_DISABLED",
        "advancedSecurityOverrides": { "developerSettings": "DEVELOPER_SETTINGS_DISABLED",
            "googlePlayProtectVerifyApps": "VERIFY_APPS_ENFORCED", "untrustedAppsPolicy": "DISALLOW_INSTALL" },
        "deviceConnectivityManagement": { "tetheringSettings": "DISALLOW_ALL_TETHERING",
            "usbDataAccess": "DISALLOW_USB_FILE_TRANSFER" },
        "locationMode": "LOCATION_DISABLED",
        "passwordPolicies": [{ "passwordQuality": "NUMERIC" }],
        "personalUsagePolicies": { "personalPlayStoreMode": "BLOCKLIST" },
        "applications": [{ "packageName": "a.kiosk", "installType": "REQUIRED_FOR_SETUP", "roles": [{ "roleType": "KIOSK" }] }],
    });
    assert_eq!(policy(old.clone()).to_json(), expected);
    let kept = policy(json!({ "cameraDisabled": true, "cameraAccess": "CAMERA_ACCESS_USER_CHOICE" })).to_json();
    assert_eq!(
        kept,
        json!({ "cameraAccess": "CAMERA_ACCESS_USER_CHOICE" }),
        "the old field has no effect beside the new"
    );

    let out = left_out(&[wifi("yard", WifiSecurity::Wpa3, Some("battery staple")), custom(old)]);
    let pointers: Vec<_> = out.iter().map(|issue| issue.pointer.as_str()).collect();
    assert_eq!(pointers, ["/0/security", "/1/content/usbMassStorageEnabled"]);
}

#[test]
fn what_is_meant_for_an_app_stays_as_it_is() {
    let settings = json!({ "mode": "MODE_UNSPECIFIED", "nothing": null });
    let apps = json!([{ "packageName": "a.mail", "installType": "INSTALL_TYPE_UNSPECIFIED", "managedConfiguration": settings }]);
    let expected = json!([{ "packageName": "a.mail", "managedConfiguration": settings }]);
    assert_eq!(policy(json!({ "applications": apps })).to_json()["applications"], expected);
}

#[test]
fn an_id_follows_the_content_and_hides_the_secrets() {
    let of = |password: &str| Policy::of(&[wifi("office", WifiSecurity::Wpa2, Some(password))]);
    let (one, other) = (of("correct horse"), of("battery staple"));
    assert_ne!(one.id(), other.id());
    assert!(one.id().len() == 32 && one.id().bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", one.id());
    assert_eq!(Policy::in_force([one.clone(), one.clone()]).id(), Policy::in_force([one.clone()]).id());
    assert_eq!(one.masked(), other.masked());
    for shown in [one.masked().to_string(), format!("{one:?}")] {
        assert!(!shown.contains("horse"), "{shown}");
    }
    assert_eq!(Policy::base().id(), Policy::in_force([]).id());
}
