//! The members of all payloads but restrictions, per platform.

use super::{
    MAX_APPS, PayloadType,
    setting::{Kind, Restrictive, SettingSpec},
};
use crate::level::Platform;

/// The members of a kind of payload on a platform; empty where the platform has no such payload.
pub(super) fn form(platform: Platform, payload: PayloadType) -> &'static [SettingSpec] {
    use Platform::{Android, Ios};
    match (payload, platform) {
        (PayloadType::ApplicationControl, Android) => ANDROID_APPLICATION_CONTROL,
        (PayloadType::ApplicationControl, Ios) => IOS_APPLICATION_CONTROL,
        (PayloadType::Passcode, Android) => ANDROID_PASSCODE,
        (PayloadType::Passcode, Ios) => IOS_PASSCODE,
        (PayloadType::Wifi, Android | Ios) => WIFI,
        (PayloadType::Vpn, Android) => ANDROID_VPN,
        (PayloadType::Vpn, Ios) => IOS_VPN,
        (PayloadType::NetworkUsageRules, Ios) => NETWORK_USAGE_RULES,
        (PayloadType::WebContentFilter, Ios) => WEB_CONTENT_FILTER,
        (PayloadType::CustomSettings, Android) => ANDROID_CUSTOM_SETTINGS,
        (PayloadType::CustomSettings, Ios) => IOS_CUSTOM_SETTINGS,
        (PayloadType::NetworkUsageRules | PayloadType::WebContentFilter, Android) | (PayloadType::Restrictions, _) => {
            &[]
        }
    }
}

const fn member(key: &'static str, kind: Kind, help: &'static str) -> SettingSpec {
    SettingSpec::new(key, kind, Restrictive::Neither, help)
}

const fn switch(key: &'static str, help: &'static str) -> SettingSpec {
    member(key, Kind::Bool, help)
}

const fn text(key: &'static str, help: &'static str) -> SettingSpec {
    member(key, Kind::String { max: 255 }, help)
}

const fn number(key: &'static str, min: i64, max: i64, strict: Restrictive, help: &'static str) -> SettingSpec {
    SettingSpec::new(key, Kind::Integer { min, max }, strict, help)
}

const fn word(key: &'static str, values: &'static [&'static str], help: &'static str) -> SettingSpec {
    member(key, Kind::Enum { values }, help)
}

const MODE: SettingSpec = word(
    "mode",
    &["denylist", "allowlist"],
    "Denylist: all apps but those listed. Allowlist: only those listed; others are removed (Android) or hidden (iOS).",
);

static ANDROID_APPLICATION_CONTROL: &[SettingSpec] = &[
    MODE,
    member(
        "apps",
        Kind::List {
            max: MAX_APPS,
            members: &[
                text("package_name", "The app's package name, for example com.example.mail."),
                word(
                    "action",
                    &["allow", "require", "disable", "block"],
                    "Disable keeps the app's data; block uninstalls it; require installs it for good.",
                ),
            ],
        },
        "The apps meant, each once.",
    ),
];

static IOS_APPLICATION_CONTROL: &[SettingSpec] = &[
    MODE,
    member(
        "apps",
        Kind::List {
            max: MAX_APPS,
            members: &[
                text("bundle_id", "The app's bundle id, for example com.example.mail."),
                word("action", &["allow", "disable", "block"], "Disable and block both hide the app; its data stays."),
            ],
        },
        "The apps meant, each once.",
    ),
];

const QUALITY: SettingSpec = SettingSpec::new(
    "quality",
    Kind::Enum { values: &["something", "numeric", "numeric_complex", "alphanumeric", "complex"] },
    Restrictive::Later,
    "What the passcode must consist of.",
);
const MIN_LENGTH: SettingSpec = number("min_length", 4, 16, Restrictive::Higher, "Characters at least.");
const MIN_COMPLEX: SettingSpec = number(
    "min_complex_characters",
    1,
    4,
    Restrictive::Higher,
    "Characters that are neither letter nor digit, at least.",
);
const MAX_AGE: SettingSpec = number("max_age_days", 1, 730, Restrictive::Lower, "Days after which it must be changed.");
const HISTORY: SettingSpec =
    number("history", 1, 50, Restrictive::Higher, "Former passcodes that may not be used again.");
const MAX_INACTIVITY: SettingSpec =
    number("max_inactivity_minutes", 1, 15, Restrictive::Lower, "Minutes without use until the device locks itself.");
const MAX_FAILED: SettingSpec = number(
    "max_failed_attempts",
    4,
    11,
    Restrictive::Lower,
    "Wrong attempts after which the device erases itself. Leave it empty unless you mean it.",
);

static ANDROID_PASSCODE: &[SettingSpec] = &[
    word("scope", &["device", "profile"], "What the passcode protects: the device or the work profile."),
    QUALITY,
    MIN_LENGTH,
    MIN_COMPLEX,
    MAX_AGE,
    HISTORY,
    MAX_INACTIVITY,
    MAX_FAILED,
];

static IOS_PASSCODE: &[SettingSpec] = &[
    QUALITY.device_only(),
    MIN_LENGTH.device_only(),
    MIN_COMPLEX.device_only(),
    MAX_AGE.device_only(),
    HISTORY.device_only(),
    MAX_INACTIVITY.device_only(),
    MAX_FAILED.device_only(),
    number("max_grace_minutes", 0, 240, Restrictive::Lower, "Minutes after locking within which no passcode is asked.")
        .device_only(),
];

static WIFI: &[SettingSpec] = &[
    member("ssid", Kind::String { max: 32 }, "The network's name."),
    word("security", &["open", "wpa", "wpa2", "wpa3"], "How the network is protected."),
    member("password", Kind::Secret { max: 64 }, "8 to 63 ASCII characters, or 64 hexadecimal digits."),
    switch("hidden", "The network does not announce itself."),
    switch("auto_join", "Join the network automatically."),
];

static ANDROID_VPN: &[SettingSpec] = &[
    word("connection", &["app"], "On Android an app builds the tunnel, and it is always on."),
    text("app", "The VPN app's package name."),
    switch(
        "lockdown",
        "No traffic past the tunnel. A security app without an exemption is cut off when the VPN is down.",
    ),
];

static IOS_VPN: &[SettingSpec] = &[
    word("connection", &["app", "ikev2"], "Whether an app builds the tunnel or the system does."),
    text("name", "What the user sees it called."),
    text("app", "App: the VPN app's bundle id."),
    text("server", "Host name or address of the server."),
    text("remote_identifier", "IKEv2: what the server must identify itself as."),
    text("local_identifier", "IKEv2: what the device identifies itself as."),
    text("account", "The account name."),
    member("password", Kind::Secret { max: 255 }, "The account's password."),
    member("shared_secret", Kind::Secret { max: 255 }, "IKEv2: the secret shared with the server."),
    switch("on_demand", "Connect whenever there is traffic."),
];

static NETWORK_USAGE_RULES: &[SettingSpec] = &[
    member(
        "application_rules",
        Kind::List {
            max: 100,
            members: &[
                member(
                    "apps",
                    Kind::StringList { max: 500 },
                    "Bundle ids, or prefixes ending in .*; none means all managed apps, the security app among them.",
                ),
                switch("allow_cellular_data", "Whether these managed apps use cellular data."),
                switch("allow_roaming_cellular_data", "Whether they use it while roaming."),
            ],
        },
        "Rules for managed apps.",
    ),
    member(
        "sim_rules",
        Kind::List {
            max: 100,
            members: &[
                member("iccids", Kind::StringList { max: 500 }, "The SIM cards, 18 to 22 digits each."),
                word("wifi_assist", &["default", "eager"], "When to fall back from poor Wi-Fi to cellular data."),
            ],
        },
        "Rules for SIM cards.",
    )
    .since("13.0"),
];

static WEB_CONTENT_FILTER: &[SettingSpec] = &[
    word("filter", &["built_in", "plugin"], "Whether the system decides about pages, or an app."),
    switch("auto_filter", "Built-in: keep the user from adult content, as the system judges it."),
    member("permitted_urls", Kind::StringList { max: 500 }, "Built-in: pages open in spite of the automatic filter."),
    member("denied_urls", Kind::StringList { max: 500 }, "Built-in: pages that may not be opened.").since("14.5"),
    member(
        "bookmarks",
        Kind::List { max: 500, members: &[text("url", "The page."), text("title", "The bookmark's name.")] },
        "Built-in: the only pages that may be opened.",
    )
    .since("14.5"),
    text("name", "Plug-in: what the user sees it called."),
    text("app", "Plug-in: the bundle id of the app that filters."),
    text("server", "Plug-in: the filter's server."),
    text("account", "Plug-in: the account at the server."),
    member("password", Kind::Secret { max: 255 }, "Plug-in: the account's password."),
    switch("filter_browsers", "Plug-in: filter browsers."),
    switch("filter_sockets", "Plug-in: filter all other traffic."),
    text(
        "content_filter_uuid",
        "Plug-in: the UUID under which apps are bound to this filter; needed without supervision.",
    )
    .since("16.0"),
];

static ANDROID_CUSTOM_SETTINGS: &[SettingSpec] =
    &[member("content", Kind::Object, "Part of a policy of the Android Management API, as JSON.")];

static IOS_CUSTOM_SETTINGS: &[SettingSpec] = &[
    text("payload_type", "The payload's type, for example com.apple.domains."),
    member(
        "content",
        Kind::Object,
        "The payload's keys, as JSON, without PayloadType, PayloadIdentifier and their like.",
    ),
];
