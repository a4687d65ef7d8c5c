//! The shapes of the payloads.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// One payload of a profile.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Payload {
    /// Limits of what the device may do.
    Restrictions(Restrictions),
    /// Which apps may be used.
    ApplicationControl(ApplicationControl),
    /// What the passcode must be like.
    Passcode(Passcode),
    /// A Wi-Fi network.
    Wifi(Wifi),
    /// A VPN.
    Vpn(Vpn),
    /// Who may use cellular data. iOS only.
    NetworkUsageRules(NetworkUsageRules),
    /// Which pages may be opened. iOS only.
    WebContentFilter(WebContentFilter),
    /// Anything else the platform knows, in the platform's own JSON.
    CustomSettings(CustomSettings),
}

/// The kinds of payloads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PayloadType {
    /// [`Payload::Restrictions`]
    Restrictions,
    /// [`Payload::ApplicationControl`]
    ApplicationControl,
    /// [`Payload::Passcode`]
    Passcode,
    /// [`Payload::Wifi`]
    Wifi,
    /// [`Payload::Vpn`]
    Vpn,
    /// [`Payload::NetworkUsageRules`]
    NetworkUsageRules,
    /// [`Payload::WebContentFilter`]
    WebContentFilter,
    /// [`Payload::CustomSettings`]
    CustomSettings,
}

impl PayloadType {
    /// All kinds, in the order they are offered.
    pub const ALL: [PayloadType; 8] = [
        PayloadType::Restrictions,
        PayloadType::ApplicationControl,
        PayloadType::Passcode,
        PayloadType::Wifi,
        PayloadType::Vpn,
        PayloadType::NetworkUsageRules,
        PayloadType::WebContentFilter,
        PayloadType::CustomSettings,
    ];

    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            PayloadType::Restrictions => "restrictions",
            PayloadType::ApplicationControl => "application_control",
            PayloadType::Passcode => "passcode",
            PayloadType::Wifi => "wifi",
            PayloadType::Vpn => "vpn",
            PayloadType::NetworkUsageRules => "network_usage_rules",
            PayloadType::WebContentFilter => "web_content_filter",
            PayloadType::CustomSettings => "custom_settings",
        }
    }

    /// The name people read.
    pub fn display(self) -> &'static str {
        match self {
            PayloadType::Restrictions => "Restrictions",
            PayloadType::ApplicationControl => "Application Control",
            PayloadType::Passcode => "Passcode",
            PayloadType::Wifi => "Wi-Fi",
            PayloadType::Vpn => "VPN",
            PayloadType::NetworkUsageRules => "Network Usage Rules",
            PayloadType::WebContentFilter => "Web Content Filter",
            PayloadType::CustomSettings => "Custom Settings",
        }
    }
}

impl Payload {
    /// Which kind it is.
    pub fn payload_type(&self) -> PayloadType {
        match self {
            Payload::Restrictions(_) => PayloadType::Restrictions,
            Payload::ApplicationControl(_) => PayloadType::ApplicationControl,
            Payload::Passcode(_) => PayloadType::Passcode,
            Payload::Wifi(_) => PayloadType::Wifi,
            Payload::Vpn(_) => PayloadType::Vpn,
            Payload::NetworkUsageRules(_) => PayloadType::NetworkUsageRules,
            Payload::WebContentFilter(_) => PayloadType::WebContentFilter,
            Payload::CustomSettings(_) => PayloadType::CustomSettings,
        }
    }
}

/// Limits of what the device may do.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Restrictions {
    /// Key → value, at least one. iOS: keys of Apple's `com.apple.applicationaccess`. Android: fields of the Android
    /// Management API's policy, nested ones with dots (`advancedSecurityOverrides.untrustedAppsPolicy`).
    #[schema(value_type = Object)]
    pub settings: Map<String, Value>,
}

/// Which apps may be used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationControl {
    /// Whether the apps listed are the exceptions or the only ones.
    pub mode: AppMode,
    /// The apps, each once; 1 to 3000.
    pub apps: Vec<AppRule>,
}

/// How a list of apps is meant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppMode {
    /// All apps may be used, except as the list says.
    Denylist,
    /// Only the apps listed may be used. On Android others are uninstalled, on iOS they are hidden.
    Allowlist,
}

/// One app and what is done about it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AppRule {
    /// The app on Android, for example `com.example.mail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_name: Option<String>,
    /// The app on iOS, for example `com.example.mail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle_id: Option<String>,
    /// What is done.
    pub action: AppAction,
}

impl AppRule {
    /// The app's id, whichever platform it is for.
    pub fn app(&self) -> Option<&str> {
        self.package_name.as_deref().or(self.bundle_id.as_deref())
    }
}

/// What is done about an app.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppAction {
    /// It cannot be installed; Android uninstalls it with its data, iOS hides it.
    Block,
    /// It cannot be opened; its data stays.
    Disable,
    /// It may be installed and used.
    Allow,
    /// It is installed and cannot be removed. Android only.
    Require,
}

/// What the passcode must be like. Absent members set nothing.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Passcode {
    /// What it must consist of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<PasscodeQuality>,
    /// Characters at least: 4 to 16.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u32>,
    /// Characters that are neither letter nor digit, at least: 1 to 4.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_complex_characters: Option<u32>,
    /// Days after which it must be changed: 1 to 730.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_days: Option<u32>,
    /// How many former passcodes may not be used again: 1 to 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<u32>,
    /// Minutes without use until the device locks itself: 1 to 15.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_inactivity_minutes: Option<u32>,
    /// Wrong attempts after which the device (the work profile, where the scope is that) erases itself: 4 to 11.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_failed_attempts: Option<u32>,
    /// Minutes after locking within which no passcode is asked: 0 to 240. iOS only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_grace_minutes: Option<u32>,
    /// What the passcode protects; absent: the device. Android only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<PasscodeScope>,
}

/// What a passcode must consist of, from least to most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PasscodeQuality {
    /// Anything, a pattern too.
    Something,
    /// Digits at least.
    Numeric,
    /// Digits at least, not repeated or in order.
    NumericComplex,
    /// Letters and digits.
    Alphanumeric,
    /// Letters, digits and other characters.
    Complex,
}

/// What a passcode protects.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PasscodeScope {
    /// The whole device.
    Device,
    /// The work profile.
    Profile,
}

/// A Wi-Fi network with a shared password, or open. Others go into custom settings.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Wifi {
    /// The network's name: 1 to 32 bytes.
    pub ssid: String,
    /// How it is protected.
    pub security: WifiSecurity,
    /// The password: 8 to 63 ASCII characters, or 64 hexadecimal digits. Kept sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The network does not announce itself.
    #[serde(default, skip_serializing_if = "is_false")]
    pub hidden: bool,
    /// Join it automatically; absent: yes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auto_join: Option<bool>,
}

/// How a Wi-Fi network is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WifiSecurity {
    /// Not at all.
    Open,
    /// WPA or newer with a password.
    Wpa,
    /// WPA2 or newer with a password.
    Wpa2,
    /// WPA3 with a password.
    Wpa3,
}

/// A VPN: one that an app provides, or (iOS) the built-in IKEv2.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Vpn {
    /// Who builds the tunnel.
    pub connection: VpnConnection,
    /// What the user sees it called. iOS; required there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The app that builds the tunnel: package name or bundle id. Required for `app`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// Host name or address of the server. iOS; required there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// What the server must identify itself as. Required for `ikev2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_identifier: Option<String>,
    /// What the device identifies itself as. Required for `ikev2`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_identifier: Option<String>,
    /// The account name. iOS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The account's password. iOS. Kept sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// The secret shared with the server. `ikev2` only. Kept sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_secret: Option<String>,
    /// Connect whenever there is traffic. iOS; on Android an app's VPN is always on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub on_demand: bool,
    /// No traffic past the tunnel, apps with an exemption aside. Android.
    #[serde(default, skip_serializing_if = "is_false")]
    pub lockdown: bool,
}

/// Who builds a VPN's tunnel.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VpnConnection {
    /// An app on the device.
    App,
    /// The system. iOS only.
    Ikev2,
}

/// Who may use cellular data. One per device.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkUsageRules {
    /// Rules for managed apps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub application_rules: Vec<ApplicationRule>,
    /// Rules for SIM cards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sim_rules: Vec<SimRule>,
}

/// Which data some managed apps may use. Absent means allowed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ApplicationRule {
    /// Bundle ids, or prefixes ending in `.*`. None: all managed apps, the threat sensor among them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub apps: Vec<String>,
    /// Cellular data.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_cellular_data: Option<bool>,
    /// Cellular data while roaming.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_roaming_cellular_data: Option<bool>,
}

/// How some SIM cards treat poor Wi-Fi.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimRule {
    /// The SIM cards: 18 to 22 digits each.
    pub iccids: Vec<String>,
    /// When to fall back to cellular data.
    pub wifi_assist: WifiAssist,
}

/// When a device falls back from poor Wi-Fi to cellular data.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WifiAssist {
    /// As the system does by default.
    Default,
    /// Sooner than by default.
    Eager,
}

/// Which pages may be opened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebContentFilter {
    /// Who decides about pages.
    pub filter: WebFilter,
    /// `built_in`: also keep the user from adult content, as the system judges it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub auto_filter: bool,
    /// `built_in` with `auto_filter`: pages open in spite of it; http(s) URLs, at most 500.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permitted_urls: Vec<String>,
    /// `built_in`: pages that may not be opened; http(s) URLs, at most 500.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied_urls: Vec<String>,
    /// `built_in`: the only pages that may be opened; at most 500.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bookmarks: Vec<Bookmark>,
    /// `plugin`: what the user sees it called. Required there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `plugin`: the bundle id of the app that filters. Required there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub app: Option<String>,
    /// `plugin`: the filter's server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
    /// `plugin`: the account at the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// `plugin`: the account's password. Kept sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
    /// `plugin`: filter browsers.
    #[serde(default, skip_serializing_if = "is_false")]
    pub filter_browsers: bool,
    /// `plugin`: filter all other traffic.
    #[serde(default, skip_serializing_if = "is_false")]
    pub filter_sockets: bool,
    /// `plugin`: the UUID under which apps are bound to this filter; needed without supervision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_filter_uuid: Option<String>,
}

/// Who decides about pages.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebFilter {
    /// The system, by lists.
    BuiltIn,
    /// An app.
    Plugin,
}

/// A page that may be opened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Bookmark {
    /// The page: an http(s) URL.
    pub url: String,
    /// What the bookmark is called.
    pub title: String,
}

/// Anything else the platform knows.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomSettings {
    /// iOS: the payload's type, for example `com.apple.domains`. Android: absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_type: Option<String>,
    /// iOS: the payload's keys without `PayloadType` and its siblings. Android: part of a policy of the Android
    /// Management API.
    #[schema(value_type = Object)]
    pub content: Map<String, Value>,
}

fn is_false(value: &bool) -> bool {
    !value
}
