//! The secrets in payloads, so that they can be sealed before they are kept and hidden before they are shown.

use serde_json::{Map, Value};

use super::Payload;

/// Calls `visit` for each secret text in the payloads: passwords, shared secrets, and texts in custom settings under a
/// key that is named like one.
pub fn secrets(payloads: &mut [Payload], visit: &mut dyn FnMut(&mut String)) {
    for payload in payloads {
        match payload {
            Payload::Wifi(wifi) => wifi.password.iter_mut().for_each(&mut *visit),
            Payload::Vpn(vpn) => vpn.password.iter_mut().chain(&mut vpn.shared_secret).for_each(&mut *visit),
            Payload::WebContentFilter(filter) => filter.password.iter_mut().for_each(&mut *visit),
            Payload::CustomSettings(custom) => object(&mut custom.content, visit),
            Payload::Restrictions(_)
            | Payload::ApplicationControl(_)
            | Payload::Passcode(_)
            | Payload::NetworkUsageRules(_) => {}
        }
    }
}

fn object(object: &mut Map<String, Value>, visit: &mut dyn FnMut(&mut String)) {
    for (key, value) in object {
        match value {
            Value::String(text) if is_secret(key) => visit(text),
            value => any(value, visit),
        }
    }
}

fn any(value: &mut Value, visit: &mut dyn FnMut(&mut String)) {
    match value {
        Value::Object(map) => object(map, visit),
        Value::Array(entries) => entries.iter_mut().for_each(|entry| any(entry, visit)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a key is named like those of Apple and Google that hold a secret: `UserPassword`, `SharedSecret`,
/// `Passphrase`, SCEP's `Challenge`.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    ["password", "secret", "passphrase", "challenge"].iter().any(|end| key.ends_with(end))
}
