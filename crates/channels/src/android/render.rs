//! One payload as the fields of a policy.

use allclear_domain::payload::{
    AppAction, AppMode, ApplicationControl, Payload, PayloadIssue, Vpn, VpnConnection, Wifi, WifiSecurity, nested,
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{apps::BLOCKED, current::current, passwords};

/// The fields, secrets in the clear. What the Android Management API has no words for is added to `left_out`, with a
/// pointer into the payload.
pub(super) fn payload(payload: &Payload, left_out: &mut Vec<PayloadIssue>) -> Map<String, Value> {
    match payload {
        Payload::Restrictions(restrictions) => nested(&restrictions.settings),
        Payload::ApplicationControl(control) => application_control(control),
        Payload::Passcode(passcode) => passwords::render(passcode),
        Payload::Wifi(wifi) => {
            if wifi.security == WifiSecurity::Wpa3 {
                let detail = "a network with a password is joined by WPA2 or WPA3, whichever it offers".to_owned();
                left_out.push(PayloadIssue { pointer: "/security".to_owned(), detail });
            }
            network(wifi)
        }
        Payload::Vpn(vpn) => always_on(vpn),
        Payload::CustomSettings(custom) => {
            let before = left_out.len();
            let policy = current(&custom.content, left_out);
            left_out.iter_mut().skip(before).for_each(|issue| issue.pointer.insert_str(0, "/content"));
            policy
        }
        // Refused for Android when a profile is saved.
        Payload::NetworkUsageRules(_) | Payload::WebContentFilter(_) => Map::new(),
    }
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Map<String, Value> {
    members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn application_control(control: &ApplicationControl) -> Map<String, Value> {
    let apps = control.apps.iter().filter_map(|rule| Some((rule.package_name.as_deref()?, rule.action)));
    let apps = apps.map(|(package, action)| match action {
        AppAction::Block => json!({ "packageName": package, "installType": BLOCKED }),
        AppAction::Disable => json!({ "packageName": package, "disabled": true }),
        AppAction::Allow => json!({ "packageName": package, "installType": "AVAILABLE" }),
        AppAction::Require => json!({ "packageName": package, "installType": "FORCE_INSTALLED" }),
    });
    let mut policy = object([("applications", apps.collect())]);
    if control.mode == AppMode::Allowlist {
        policy.insert("playStoreMode".to_owned(), "WHITELIST".into());
    }
    policy
}

fn network(wifi: &Wifi) -> Map<String, Value> {
    // The same network in two profiles is one network.
    let guid = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("allclear.wifi.{}", wifi.ssid).as_bytes());
    let security = match wifi.security {
        WifiSecurity::Open => "None",
        WifiSecurity::Wpa | WifiSecurity::Wpa2 | WifiSecurity::Wpa3 => "WPA-PSK",
    };
    let mut network = object([
        ("SSID", wifi.ssid.as_str().into()),
        ("Security", security.into()),
        ("HiddenSSID", wifi.hidden.into()),
        ("AutoConnect", wifi.auto_join.unwrap_or(true).into()),
    ]);
    if let Some(password) = &wifi.password {
        network.insert("Passphrase".to_owned(), password.as_str().into());
    }
    let network = json!({ "GUID": guid, "Name": wifi.ssid, "Type": "WiFi", "WiFi": network });
    let configuration = json!({ "Type": "UnencryptedConfiguration", "NetworkConfigurations": [network] });
    object([("openNetworkConfiguration", configuration)])
}

fn always_on(vpn: &Vpn) -> Map<String, Value> {
    match (vpn.connection, &vpn.app) {
        (VpnConnection::App, Some(app)) => {
            object([("alwaysOnVpnPackage", json!({ "packageName": app, "lockdownEnabled": vpn.lockdown }))])
        }
        // Refused for Android when a profile is saved.
        (VpnConnection::App, None) | (VpnConnection::Ikev2, _) => Map::new(),
    }
}
