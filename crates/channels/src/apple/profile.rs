//! Our iOS payloads as one of Apple's configuration profiles.
//!
//! Pure: a profile goes in, an XML property list comes out, the same every time. Whether a device takes a payload is
//! for the device to say; nothing is left out because a device may refuse it.

use std::time::{Duration, SystemTime};

use allclear_domain::{
    ids::ProfileId,
    payload::{
        AppMode, ApplicationControl, Bookmark, CustomSettings, NetworkUsageRules, Passcode, PasscodeQuality, Payload,
        Vpn, VpnConnection, WebContentFilter, WebFilter, Wifi, WifiAssist, WifiSecurity,
        apple::{self, Key, Kind},
    },
    profile::AllowRemoval,
    time::Time,
};
use data_encoding::BASE64;
use plist::{Dictionary, Value};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::agent::ProfileToInstall;

/// What the identifiers of our profiles start with; the profile's id follows.
const IDENTIFIER: &str = "allclear.profile.";

const RESTRICTIONS: &str = "com.apple.applicationaccess";

/// What a configuration profile says besides the profile itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rendering<'a> {
    /// Who the profile is from, for the person to read.
    pub organisation: &'a str,
    /// The device is supervised: only then can it keep the person from removing the profile, or ask for a password. On
    /// others such a profile would be refused.
    pub supervised: bool,
}

/// The identifier of a profile on devices: the same in all its versions, so that each replaces the one before.
pub fn identifier(profile: ProfileId) -> String {
    format!("{IDENTIFIER}{profile}")
}

/// The profile with this identifier; none if it is not one of ours.
pub fn profile_of(identifier: &str) -> Option<ProfileId> {
    identifier.strip_prefix(IDENTIFIER)?.parse().ok()
}

/// The UUID of a version of a profile, by which a device tells which one it has.
pub fn uuid(profile: ProfileId, version: u32) -> Uuid {
    Uuid::new_v5(&profile.0, version.to_string().as_bytes())
}

/// The configuration profile, unsigned, as XML. Secrets in it are in the clear.
///
/// The error is that a text cannot be written as XML, which is refused when a profile is saved.
pub fn render(profile: &ProfileToInstall, how: &Rendering<'_>) -> Result<Vec<u8>, plist::Error> {
    let mut content: Vec<(&str, &str, Dictionary)> = profile.payloads.iter().map(payload).collect();
    let mut root = Dictionary::new();
    if how.supervised && profile.allow_removal != AllowRemoval::Always {
        root.insert("PayloadRemovalDisallowed".into(), true.into());
    }
    if let Some(password) = profile.removal_password.as_deref().filter(|_| how.supervised) {
        root.insert("HasRemovalPasscode".into(), true.into());
        let members = Members::default().text("RemovalPassword", Some(password)).0;
        content.push(("com.apple.profileRemovalPassword", "Removal Password", members));
    }
    let identifier = identifier(profile.id);
    let content = content.into_iter().enumerate().map(|(index, (kind, name, mut members))| {
        let uuid = Uuid::new_v5(&profile.id.0, format!("{}/{index}", profile.version).as_bytes());
        common(&mut members, kind, &format!("{identifier}.{index}"), uuid, name, how);
        Value::Dictionary(members)
    });
    root.insert("PayloadContent".into(), Value::Array(content.collect()));
    common(&mut root, "Configuration", &identifier, uuid(profile.id, profile.version), &profile.name, how);
    root.insert("PayloadScope".into(), "System".into());
    let mut xml = Vec::new();
    Value::Dictionary(root).to_writer_xml(&mut xml)?;
    Ok(xml)
}

/// What every payload and the profile itself say of themselves.
fn common(members: &mut Dictionary, kind: &str, identifier: &str, uuid: Uuid, name: &str, how: &Rendering<'_>) {
    for (key, value) in [
        ("PayloadType", kind),
        ("PayloadIdentifier", identifier),
        ("PayloadUUID", &uuid.hyphenated().to_string().to_ascii_uppercase()),
        ("PayloadDisplayName", name),
        ("PayloadOrganization", how.organisation),
    ] {
        members.insert(key.into(), value.into());
    }
    members.insert("PayloadVersion".into(), Value::from(1_u64));
}

/// Apple's type of a payload, what people read, and its members.
fn payload(payload: &Payload) -> (&str, &'static str, Dictionary) {
    let (kind, members) = match payload {
        Payload::Restrictions(restrictions) => (RESTRICTIONS, typed(RESTRICTIONS, &restrictions.settings)),
        Payload::ApplicationControl(control) => (RESTRICTIONS, application_control(control)),
        Payload::Passcode(it) => ("com.apple.mobiledevice.passwordpolicy", passcode(it)),
        Payload::Wifi(it) => ("com.apple.wifi.managed", wifi(it)),
        Payload::Vpn(it) => ("com.apple.vpn.managed", vpn(it)),
        Payload::NetworkUsageRules(rules) => ("com.apple.networkusagerules", network_usage_rules(rules)),
        Payload::WebContentFilter(filter) => ("com.apple.webcontent-filter", web_content_filter(filter)),
        Payload::CustomSettings(CustomSettings { payload_type, content }) => {
            let kind = payload_type.as_deref().unwrap_or_default();
            (kind, typed(kind, content))
        }
    };
    (kind, payload.payload_type().display(), members)
}

/// The members of a payload, those that are set.
#[derive(Default)]
struct Members(Dictionary);

impl Members {
    fn with(mut self, key: &str, value: Option<Value>) -> Self {
        if let Some(value) = value {
            self.0.insert(key.to_owned(), value);
        }
        self
    }

    fn text(self, key: &str, text: Option<&str>) -> Self {
        self.with(key, text.map(Value::from))
    }

    fn number(self, key: &str, number: Option<u32>) -> Self {
        self.with(key, number.map(|number| Value::from(u64::from(number))))
    }

    fn truth(self, key: &str, truth: Option<bool>) -> Self {
        self.with(key, truth.map(Value::from))
    }

    /// A list, unless it is empty.
    fn texts(self, key: &str, texts: &[String]) -> Self {
        let list = Value::Array(texts.iter().map(|text| Value::from(text.as_str())).collect());
        self.with(key, (!texts.is_empty()).then_some(list))
    }

    fn list(self, key: &str, list: Vec<Dictionary>) -> Self {
        let present = !list.is_empty();
        self.with(key, present.then(|| Value::Array(list.into_iter().map(Value::Dictionary).collect())))
    }
}

fn application_control(control: &ApplicationControl) -> Dictionary {
    let apps: Vec<String> = control.apps.iter().filter_map(|rule| rule.bundle_id.clone()).collect();
    let key = match control.mode {
        AppMode::Denylist => "blockedAppBundleIDs",
        AppMode::Allowlist => "allowListedAppBundleIDs",
    };
    Members::default().texts(key, &apps).0
}

fn passcode(passcode: &Passcode) -> Dictionary {
    let quality = passcode.quality;
    let at_least = |least| quality.is_some_and(|quality| quality >= least).then_some(true);
    // Letters, digits and others means that one at least is another.
    let others = (quality == Some(PasscodeQuality::Complex)).then_some(1).max(passcode.min_complex_characters);
    Members::default()
        .truth("forcePIN", Some(true))
        .truth("allowSimple", at_least(PasscodeQuality::NumericComplex).map(|strict| !strict))
        .truth("requireAlphanumeric", at_least(PasscodeQuality::Alphanumeric))
        .number("minLength", passcode.min_length)
        .number("minComplexChars", others)
        .number("maxPINAgeInDays", passcode.max_age_days)
        .number("pinHistory", passcode.history)
        .number("maxInactivity", passcode.max_inactivity_minutes)
        .number("maxFailedAttempts", passcode.max_failed_attempts)
        .number("maxGracePeriod", passcode.max_grace_minutes)
        .0
}

fn wifi(wifi: &Wifi) -> Dictionary {
    let encryption = match wifi.security {
        WifiSecurity::Open => "None",
        WifiSecurity::Wpa => "WPA",
        WifiSecurity::Wpa2 => "WPA2",
        WifiSecurity::Wpa3 => "WPA3",
    };
    Members::default()
        .text("SSID_STR", Some(&wifi.ssid))
        .text("EncryptionType", Some(encryption))
        .text("Password", wifi.password.as_deref())
        .truth("HIDDEN_NETWORK", Some(wifi.hidden))
        .truth("AutoJoin", Some(wifi.auto_join.unwrap_or(true)))
        .0
}

fn vpn(vpn: &Vpn) -> Dictionary {
    let (server, account, password) = (vpn.server.as_deref(), vpn.account.as_deref(), vpn.password.as_deref());
    let connect = Members::default().text("Action", Some("Connect")).0;
    let on_demand = |members: Members| {
        let members = members.number("OnDemandEnabled", Some(u32::from(vpn.on_demand)));
        members.list("OnDemandRules", vpn.on_demand.then_some(connect).into_iter().collect())
    };
    let named = Members::default().text("UserDefinedName", vpn.name.as_deref());
    match vpn.connection {
        VpnConnection::App => {
            let tunnel = Members::default()
                .text("RemoteAddress", server)
                .text("AuthenticationMethod", Some("Password"))
                .text("AuthName", account)
                .text("Password", password);
            named
                .text("VPNType", Some("VPN"))
                .text("VPNSubType", vpn.app.as_deref())
                .with("VPN", Some(Value::Dictionary(on_demand(tunnel).0)))
                .0
        }
        VpnConnection::Ikev2 => {
            let method = if vpn.shared_secret.is_some() { "SharedSecret" } else { "None" };
            let extended = account.is_some() && password.is_some();
            let tunnel = Members::default()
                .text("RemoteAddress", server)
                .text("RemoteIdentifier", vpn.remote_identifier.as_deref())
                .text("LocalIdentifier", vpn.local_identifier.as_deref())
                .text("AuthenticationMethod", Some(method))
                .text("SharedSecret", vpn.shared_secret.as_deref())
                .number("ExtendedAuthEnabled", Some(u32::from(extended)))
                .text("AuthName", account)
                .text("AuthPassword", password);
            named.text("VPNType", Some("IKEv2")).with("IKEv2", Some(Value::Dictionary(on_demand(tunnel).0))).0
        }
    }
}

fn network_usage_rules(rules: &NetworkUsageRules) -> Dictionary {
    let applications = rules.application_rules.iter().map(|rule| {
        Members::default()
            .texts("AppIdentifierMatches", &rule.apps)
            .truth("AllowCellularData", rule.allow_cellular_data)
            .truth("AllowRoamingCellularData", rule.allow_roaming_cellular_data)
            .0
    });
    let cards = rules.sim_rules.iter().map(|rule| {
        let policy = match rule.wifi_assist {
            WifiAssist::Default => 2,
            WifiAssist::Eager => 3,
        };
        Members::default().texts("ICCIDs", &rule.iccids).number("WiFiAssistPolicy", Some(policy)).0
    });
    let (applications, cards) = (applications.collect(), cards.collect());
    Members::default().list("ApplicationRules", applications).list("SIMRules", cards).0
}

fn web_content_filter(filter: &WebContentFilter) -> Dictionary {
    match filter.filter {
        WebFilter::BuiltIn => {
            let bookmark = |Bookmark { url, title }: &Bookmark| {
                Members::default().text("URL", Some(url)).text("Title", Some(title)).0
            };
            Members::default()
                .text("FilterType", Some("BuiltIn"))
                .truth("AutoFilterEnabled", Some(filter.auto_filter))
                .texts("PermittedURLs", &filter.permitted_urls)
                .texts("DenyListURLs", &filter.denied_urls)
                .list("AllowListBookmarks", filter.bookmarks.iter().map(bookmark).collect())
                .0
        }
        WebFilter::Plugin => {
            Members::default()
                .text("FilterType", Some("Plugin"))
                .text("UserDefinedName", filter.name.as_deref())
                .text("PluginBundleID", filter.app.as_deref())
                .text("ServerAddress", filter.server.as_deref())
                .text("UserName", filter.account.as_deref())
                .text("Password", filter.password.as_deref())
                .truth("FilterBrowsers", Some(filter.filter_browsers))
                .truth("FilterSockets", Some(filter.filter_sockets))
                .text("ContentFilterUUID", filter.content_filter_uuid.as_deref())
                .0
        }
    }
}

/// JSON members as the property list types that Apple asks of this type of payload.
fn typed(kind: &str, members: &Map<String, Json>) -> Dictionary {
    let spec = apple::payload_type(kind);
    dictionary(members, |name| spec.and_then(|spec| spec.key(name)))
}

fn dictionary<'a>(members: &Map<String, Json>, key: impl Fn(&str) -> Option<&'a Key>) -> Dictionary {
    members.iter().filter_map(|(name, json)| Some((name.clone(), value(json, key(name))?))).collect()
}

/// A JSON value as the type that is asked for, where that is known; none of null.
fn value(json: &Json, key: Option<&Key>) -> Option<Value> {
    let kind = key.map(|key| key.kind);
    Some(match json {
        Json::Null => return None,
        Json::Bool(truth) => Value::Boolean(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) if kind != Some(Kind::Real) => Value::from(number),
            (_, Some(number)) if kind != Some(Kind::Real) => Value::from(number),
            _ => Value::Real(number.as_f64()?),
        },
        Json::String(text) => {
            let bytes = (kind == Some(Kind::Data)).then(|| BASE64.decode(text.as_bytes()).ok()).flatten();
            let time = (kind == Some(Kind::Date)).then(|| text.parse::<Time>().ok()).flatten();
            match (bytes, time) {
                (Some(bytes), _) => Value::Data(bytes),
                (_, Some(time)) => date(time),
                _ => Value::String(text.clone()),
            }
        }
        Json::Array(entries) => {
            let item = key.and_then(Key::item);
            Value::Array(entries.iter().filter_map(|entry| value(entry, item)).collect())
        }
        Json::Object(members) => Value::Dictionary(dictionary(members, |name| key.and_then(|key| key.key(name)))),
    })
}

fn date(time: Time) -> Value {
    let micros = time.as_micros();
    let span = Duration::from_micros(micros.unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    let at = if micros < 0 { epoch.checked_sub(span) } else { epoch.checked_add(span) };
    Value::Date(at.unwrap_or(epoch).into())
}
