//! Checks payloads against the platform's schema when a profile is saved.

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    AppAction, AppMode, ApplicationControl, CustomSettings, NetworkUsageRules, Passcode, Payload, PayloadType,
    Restrictions, Vpn, VpnConnection, WebContentFilter, WebFilter, Wifi, WifiSecurity, android, apple, below, policy,
    setting::{check_members, settings},
};
use crate::level::Platform;

/// Payloads in a profile, at most.
pub const MAX_PAYLOADS: usize = 64;
/// Bytes of JSON of all payloads of a profile, at most.
pub const MAX_BYTES: usize = 256 * 1024;
/// Apps in all payloads of a profile, at most: as many as one policy of the Android Management API takes.
pub const MAX_APPS: usize = 3000;

/// What is wrong with a payload.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, ToSchema)]
pub struct PayloadIssue {
    /// Where, as a JSON pointer within the list of payloads: `/0/settings/allowCamera`.
    pub pointer: String,
    /// What, in a few words for the administrator.
    pub detail: String,
}

/// Everything wrong with the payloads of a profile; empty when it can be saved.
///
/// Secrets are checked as they were typed: check first, seal them (see [`super::secrets`]) afterwards.
pub fn check(platform: Platform, payloads: &[Payload]) -> Vec<PayloadIssue> {
    let mut issues = Issues(Vec::new());
    if payloads.len() > MAX_PAYLOADS {
        issues.add("", format!("at most {MAX_PAYLOADS} payloads in a profile"));
        return issues.0;
    }
    let values = serde_json::to_value(payloads).unwrap_or_default();
    if values.to_string().len() > MAX_BYTES {
        issues.add("", format!("at most {} KiB of payloads in a profile", MAX_BYTES / 1024));
        return issues.0;
    }
    for (index, payload) in payloads.iter().enumerate() {
        let value = values.get(index).and_then(Value::as_object);
        check_one(platform, &format!("/{index}"), payload, value, &mut issues);
    }
    let apps = |payload: &Payload| match payload {
        Payload::ApplicationControl(control) => control.apps.len(),
        _ => 0,
    };
    if payloads.iter().map(apps).sum::<usize>() > MAX_APPS {
        issues.add("", format!("at most {MAX_APPS} apps in a profile"));
    }
    let rules = |payload: &&Payload| matches!(payload, Payload::NetworkUsageRules(_));
    if payloads.iter().filter(rules).count() > 1 {
        issues.add("", "a device takes one payload of network usage rules".to_owned());
    }
    issues.0
}

struct Issues(Vec<PayloadIssue>);

impl Issues {
    fn add(&mut self, pointer: impl Into<String>, detail: String) {
        self.0.push(PayloadIssue { pointer: pointer.into(), detail });
    }

    fn add_if(&mut self, wrong: bool, pointer: impl Into<String>, detail: &str) {
        if wrong {
            self.add(pointer, detail.to_owned());
        }
    }
}

fn check_one(platform: Platform, at: &str, payload: &Payload, value: Option<&Map<String, Value>>, issues: &mut Issues) {
    let kind = payload.payload_type();
    let specs = settings(platform, kind);
    if specs.is_empty() {
        issues.add(format!("{at}/type"), format!("{} has no payload {}", platform.display(), kind.as_str()));
        return;
    }
    if kind != PayloadType::Restrictions {
        let mut members = value.cloned().unwrap_or_default();
        members.remove("type");
        check_members(at, &members, specs, &mut issues.0);
    }
    match payload {
        Payload::Restrictions(restrictions) => check_restrictions(platform, at, restrictions, issues),
        Payload::ApplicationControl(control) => check_application_control(platform, at, control, issues),
        Payload::Passcode(passcode) => check_passcode(at, passcode, issues),
        Payload::Wifi(wifi) => check_wifi(at, wifi, issues),
        Payload::Vpn(vpn) => check_vpn(platform, at, vpn, issues),
        Payload::NetworkUsageRules(rules) => check_network_usage_rules(at, rules, issues),
        Payload::WebContentFilter(filter) => check_web_content_filter(at, filter, issues),
        Payload::CustomSettings(custom) => match platform {
            Platform::Android => check_android_custom(at, custom, issues),
            Platform::Ios => check_ios_custom(at, custom, issues),
        },
    }
}

fn check_restrictions(platform: Platform, at: &str, restrictions: &Restrictions, issues: &mut Issues) {
    let at = format!("{at}/settings");
    let settings_of = settings(platform, PayloadType::Restrictions);
    issues.add_if(restrictions.settings.is_empty(), &at, "choose at least one setting");
    check_members(&at, &restrictions.settings, settings_of, &mut issues.0);
    if platform == Platform::Android {
        let get = |key: &str| restrictions.settings.get(key);
        let mode = get("deviceConnectivityManagement.privateDnsSettings.privateDnsMode").and_then(Value::as_str);
        let host = get("deviceConnectivityManagement.privateDnsSettings.privateDnsHost").is_some();
        issues.add_if(
            (mode == Some("PRIVATE_DNS_SPECIFIED_HOST")) != host,
            below(&at, "deviceConnectivityManagement.privateDnsSettings.privateDnsHost"),
            "is given exactly when the mode is PRIVATE_DNS_SPECIFIED_HOST",
        );
        let windowed = get("systemUpdate.type").and_then(Value::as_str) == Some("WINDOWED");
        let window = [get("systemUpdate.startMinutes"), get("systemUpdate.endMinutes")];
        issues.add_if(
            if windowed { window.iter().any(Option::is_none) } else { window.iter().any(Option::is_some) },
            below(&at, "systemUpdate.type"),
            "start and end are given exactly when the type is WINDOWED",
        );
    }
}

fn check_application_control(platform: Platform, at: &str, control: &ApplicationControl, issues: &mut Issues) {
    issues.add_if(control.apps.is_empty(), format!("{at}/apps"), "choose at least one app");
    let mut seen = std::collections::HashSet::new();
    for (index, rule) in control.apps.iter().enumerate() {
        let at = format!("{at}/apps/{index}");
        let (key, app) = match platform {
            Platform::Android => ("package_name", rule.package_name.as_deref()),
            Platform::Ios => ("bundle_id", rule.bundle_id.as_deref()),
        };
        match app {
            None => issues.add(format!("{at}/{key}"), "is required".to_owned()),
            Some(app) => {
                let fits = match platform {
                    Platform::Android => is_package_name(app),
                    Platform::Ios => is_bundle_id(app),
                };
                issues.add_if(!fits, format!("{at}/{key}"), "is not the id of an app, such as com.example.mail");
                issues.add_if(!seen.insert(app), format!("{at}/{key}"), "is listed twice");
            }
        }
        if platform == Platform::Ios {
            let wrong = match (control.mode, rule.action) {
                (_, AppAction::Require) => Some("iOS installs apps by command, not by profile"),
                (AppMode::Denylist, AppAction::Allow) => Some("a denylist on iOS can only block or disable"),
                (AppMode::Allowlist, AppAction::Block | AppAction::Disable) => {
                    Some("an allowlist on iOS can only allow; leave the app out instead")
                }
                _ => None,
            };
            issues.0.extend(wrong.map(|wrong| PayloadIssue { pointer: format!("{at}/action"), detail: wrong.into() }));
        }
    }
}

fn check_passcode(at: &str, passcode: &Passcode, issues: &mut Issues) {
    let scope_only = Passcode { scope: passcode.scope, ..Passcode::default() };
    issues.add_if(*passcode == scope_only, at, "choose at least one requirement");
    if let (Some(length), Some(complex)) = (passcode.min_length, passcode.min_complex_characters) {
        issues.add_if(complex > length, format!("{at}/min_complex_characters"), "is more than the length");
    }
}

fn check_wifi(at: &str, wifi: &Wifi, issues: &mut Issues) {
    let at = format!("{at}/password");
    match (wifi.security, &wifi.password) {
        (WifiSecurity::Open, Some(_)) => issues.add(at, "an open network has no password".to_owned()),
        (WifiSecurity::Open, None) => {}
        (_, None) => issues.add(at, "is required".to_owned()),
        (_, Some(password)) => {
            let ascii = password.bytes().all(|byte| (0x20..0x7f).contains(&byte));
            let hex = password.len() == 64 && password.bytes().all(|byte| byte.is_ascii_hexdigit());
            let fits = hex || (ascii && (8..=63).contains(&password.len()));
            issues.add_if(!fits, at, "must be 8 to 63 ASCII characters, or 64 hexadecimal digits");
        }
    }
}

fn check_vpn(platform: Platform, at: &str, vpn: &Vpn, issues: &mut Issues) {
    let mut required = |key: &str, missing: bool| issues.add_if(missing, format!("{at}/{key}"), "is required");
    if platform == Platform::Ios {
        required("name", vpn.name.is_none());
        required("server", vpn.server.is_none());
    }
    match vpn.connection {
        VpnConnection::App => {
            required("app", vpn.app.is_none());
            let fits = match platform {
                Platform::Android => vpn.app.as_deref().is_none_or(is_package_name),
                Platform::Ios => vpn.app.as_deref().is_none_or(is_bundle_id),
            };
            issues.add_if(!fits, format!("{at}/app"), "is not the id of an app, such as com.example.vpn");
            for (key, given) in [
                ("remote_identifier", vpn.remote_identifier.is_some()),
                ("local_identifier", vpn.local_identifier.is_some()),
                ("shared_secret", vpn.shared_secret.is_some()),
            ] {
                issues.add_if(given, format!("{at}/{key}"), "is for IKEv2 only");
            }
        }
        VpnConnection::Ikev2 if platform == Platform::Android => {}
        VpnConnection::Ikev2 => {
            required("remote_identifier", vpn.remote_identifier.is_none());
            required("local_identifier", vpn.local_identifier.is_none());
            let account = vpn.account.is_some() && vpn.password.is_some();
            required("shared_secret", vpn.shared_secret.is_none() && !account);
            issues.add_if(vpn.app.is_some(), format!("{at}/app"), "is for VPNs of apps only");
        }
    }
}

fn check_network_usage_rules(at: &str, rules: &NetworkUsageRules, issues: &mut Issues) {
    issues.add_if(
        rules.application_rules.is_empty() && rules.sim_rules.is_empty(),
        at,
        "give at least one application rule or SIM rule",
    );
    for (index, rule) in rules.application_rules.iter().enumerate() {
        let at = format!("{at}/application_rules/{index}");
        let empty = rule.allow_cellular_data.is_none() && rule.allow_roaming_cellular_data.is_none();
        issues.add_if(empty, &at, "says neither about cellular data nor about roaming");
        for (index, app) in rule.apps.iter().enumerate() {
            let fits = is_bundle_id(app.strip_suffix(".*").unwrap_or(app));
            issues.add_if(!fits, format!("{at}/apps/{index}"), "must be a bundle id, or a prefix of one ending in .*");
        }
    }
    let mut seen = std::collections::HashSet::new();
    for (index, rule) in rules.sim_rules.iter().enumerate() {
        let at = format!("{at}/sim_rules/{index}/iccids");
        issues.add_if(rule.iccids.is_empty(), &at, "name at least one SIM card");
        for (index, iccid) in rule.iccids.iter().enumerate() {
            let fits = (18..=22).contains(&iccid.len()) && iccid.bytes().all(|byte| byte.is_ascii_digit());
            issues.add_if(!fits, format!("{at}/{index}"), "must be 18 to 22 digits");
            issues.add_if(!seen.insert(iccid), format!("{at}/{index}"), "is listed twice");
        }
    }
}

fn check_web_content_filter(at: &str, filter: &WebContentFilter, issues: &mut Issues) {
    let lists = [("permitted_urls", &filter.permitted_urls), ("denied_urls", &filter.denied_urls)];
    for (key, urls) in lists {
        for (index, url) in urls.iter().enumerate() {
            issues.add_if(
                !is_url(url),
                format!("{at}/{key}/{index}"),
                "must be a URL starting with http:// or https://",
            );
        }
    }
    for (index, bookmark) in filter.bookmarks.iter().enumerate() {
        let at = format!("{at}/bookmarks/{index}/url");
        issues.add_if(!is_url(&bookmark.url), at, "must be a URL starting with http:// or https://");
    }
    let built_in = filter.auto_filter || lists.iter().any(|(_, urls)| !urls.is_empty()) || !filter.bookmarks.is_empty();
    let plugin = filter.name.is_some()
        || filter.app.is_some()
        || filter.server.is_some()
        || filter.account.is_some()
        || filter.password.is_some()
        || filter.content_filter_uuid.is_some()
        || filter.filter_browsers
        || filter.filter_sockets;
    match filter.filter {
        WebFilter::BuiltIn => {
            issues.add_if(!built_in, at, "says nothing: switch the automatic filter on or list pages");
            issues.add_if(plugin, at, "has members that are for a plug-in only");
            issues.add_if(
                !filter.permitted_urls.is_empty() && !filter.auto_filter,
                format!("{at}/permitted_urls"),
                "need the automatic filter",
            );
        }
        WebFilter::Plugin => {
            issues.add_if(built_in, at, "has members that are for the built-in filter only");
            issues.add_if(filter.name.is_none(), format!("{at}/name"), "is required");
            issues.add_if(filter.app.is_none(), format!("{at}/app"), "is required");
            let app = filter.app.as_deref().is_none_or(is_bundle_id);
            issues.add_if(!app, format!("{at}/app"), "is not a bundle id, such as com.example.filter");
            let nothing = !filter.filter_browsers && !filter.filter_sockets;
            issues.add_if(nothing, format!("{at}/filter_browsers"), "filter browsers, other traffic or both");
            let uuid = filter.content_filter_uuid.as_deref().is_none_or(|text| uuid::Uuid::try_parse(text).is_ok());
            issues.add_if(!uuid, format!("{at}/content_filter_uuid"), "is not a UUID");
        }
    }
}

fn check_ios_custom(at: &str, custom: &CustomSettings, issues: &mut Issues) {
    match custom.payload_type.as_deref() {
        None => issues.add(format!("{at}/payload_type"), "is required".to_owned()),
        Some("com.apple.mdm" | "Configuration") => {
            return issues.add(format!("{at}/payload_type"), "cannot be installed by a profile".to_owned());
        }
        Some(kind) => {
            let fits = kind.contains('.') && is_bundle_id(kind);
            issues.add_if(!fits, format!("{at}/payload_type"), "must be a payload type such as com.apple.domains");
        }
    }
    let at = format!("{at}/content");
    issues.add_if(custom.content.is_empty(), &at, "is empty");
    let keys = custom.content.keys().any(|key| key.contains(char::is_control));
    issues.add_if(keys, &at, "has a control character in a key");
    for key in ["PayloadType", "PayloadIdentifier", "PayloadUUID", "PayloadVersion"] {
        issues.add_if(custom.content.contains_key(key), below(&at, key), "is set by the server");
    }
    for (key, value) in &custom.content {
        if let Some(detail) = unwritable(value) {
            issues.add(below(&at, key), detail.to_owned());
        }
    }
    if let Some(spec) = custom.payload_type.as_deref().and_then(apple::payload_type) {
        issues.0.extend(spec.check(&at, &custom.content).issues);
    }
}

/// Why a value cannot be written as a property list, if it cannot.
fn unwritable(value: &Value) -> Option<&'static str> {
    let control = |text: &str| text.contains(|c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r'));
    match value {
        Value::Null => Some("has a null, which property lists do not know"),
        Value::String(text) if control(text) => Some("has a control character, which property lists do not take"),
        Value::Array(entries) => entries.iter().find_map(unwritable),
        Value::Object(members) => members.iter().find_map(|(key, value)| {
            let wrong = control(key).then_some("has a control character in a key");
            wrong.or_else(|| unwritable(value))
        }),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

/// What in the payloads is taken as it is, because the description of the platform at hand does not know it: it may be
/// newer than that, or misspelt.
pub fn findings(platform: Platform, payloads: &[Payload]) -> Vec<PayloadIssue> {
    let mut found = Vec::new();
    for (index, payload) in payloads.iter().enumerate() {
        let (Platform::Ios, Payload::CustomSettings(custom)) = (platform, payload) else { continue };
        let Some(kind) = &custom.payload_type else { continue };
        match apple::payload_type(kind) {
            Some(spec) => found.extend(spec.check(&format!("/{index}/content"), &custom.content).findings),
            None => {
                let detail = format!("{} does not know this payload type", apple::catalogue().release);
                found.push(PayloadIssue { pointer: format!("/{index}/payload_type"), detail });
            }
        }
    }
    found
}

fn check_android_custom(at: &str, custom: &CustomSettings, issues: &mut Issues) {
    let at = format!("{at}/content");
    issues.add_if(custom.content.is_empty(), &at, "is empty");
    for (key, value) in &custom.content {
        let pointer = below(&at, key);
        match policy::field(key) {
            None => issues.add(pointer, "the Android Management API's policy has no such field".to_owned()),
            Some(field) => {
                let wrong = field.check(value);
                issues.0.extend(wrong.map(|wrong| PayloadIssue { pointer, detail: wrong.to_owned() }));
            }
        }
    }
    for spec in android::RESTRICTIONS {
        let mut path = spec.key.split('.');
        let first = path.next().and_then(|key| custom.content.get(key));
        let value = path.try_fold(first, |value, key| Some(value?.get(key)));
        if let Some(Some(value)) = value.filter(|value| value.is_some_and(|value| !is_left_open(value))) {
            let pointer = format!("{at}/{}", spec.key.replace('.', "/"));
            if !is_deprecated_word(value) && !issues.0.iter().any(|issue| issue.pointer == pointer) {
                spec.check(&pointer, value, &mut issues.0);
            }
        }
    }
    check_enforcement_rules(&at, custom, issues);
}

/// The word every choice of the API has for leaving it open.
fn is_left_open(value: &Value) -> bool {
    value.as_str().is_some_and(|word| word.ends_with("_UNSPECIFIED"))
}

/// Words the API still takes but our tables no longer offer.
fn is_deprecated_word(value: &Value) -> bool {
    matches!(value.as_str(), Some("HIGH_ACCURACY" | "SENSORS_ONLY" | "BATTERY_SAVING" | "OFF" | "BLACKLIST"))
}

/// The API refuses a rule without both actions, and one that does not block before it wipes.
fn check_enforcement_rules(at: &str, custom: &CustomSettings, issues: &mut Issues) {
    let rules = custom.content.get("policyEnforcementRules").and_then(Value::as_array);
    for (index, rule) in rules.into_iter().flatten().enumerate() {
        let at = format!("{at}/policyEnforcementRules/{index}");
        let days = |action: &str, key: &str| {
            rule.get(action).and_then(Value::as_object).map(|action| action.get(key).map_or(Some(0), Value::as_i64))
        };
        match (days("blockAction", "blockAfterDays"), days("wipeAction", "wipeAfterDays")) {
            (Some(Some(block)), Some(Some(wipe))) => {
                issues.add_if(block < 0 || block >= wipe, at, "blockAfterDays must be less than wipeAfterDays");
            }
            (Some(_), Some(_)) => issues.add(at, "the days must be whole numbers".to_owned()),
            _ => issues.add(at, "both blockAction and wipeAction are needed".to_owned()),
        }
    }
}

/// Two or more words of ASCII letters, digits and `_`, each starting with a letter, with dots between.
fn is_package_name(text: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|first: char| first.is_ascii_alphabetic())
            && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    text.len() <= 255 && text.contains('.') && text.split('.').all(word)
}

/// Words of ASCII letters, digits, `-` and `_`, with dots between.
fn is_bundle_id(text: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    text.len() <= 255 && text.split('.').all(|word| !word.is_empty() && word.bytes().all(letter))
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !text.contains(char::is_whitespace))
}
