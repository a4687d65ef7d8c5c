//! Payloads to try things with: any of every kind, and custom settings that hit what depends on something else.

use allclear_domain::{
    level::Platform,
    payload::{
        AppAction, AppMode, AppRule, ApplicationControl, Kind, Passcode, PasscodeQuality, PasscodeScope, Payload,
        PayloadType, Restrictions, Vpn, VpnConnection, Wifi, WifiSecurity, settings,
    },
};
use proptest::{prelude::*, sample::select};
use serde_json::{Map, Value, json};

use super::custom;

pub(super) const APPS: [&str; 3] = ["com.example.chat", "com.example.mail", "com.example.vpn"];
pub(super) const PERMISSIONS: [&str; 2] = ["android.permission.CAMERA", "android.permission.READ_SMS"];
pub(super) const NETWORKS: [&str; 3] = ["guests", "office", "yard"];

fn restrictions() -> impl Strategy<Value = Payload> {
    let table = || settings(Platform::Android, PayloadType::Restrictions);
    prop::collection::vec((0..table().len(), any::<prop::sample::Index>(), any::<bool>(), 0i64..2000), 1..14).prop_map(
        move |picks| {
            let mut settings = Map::new();
            for (index, pick, truth, number) in picks {
                let spec = &table()[index];
                let words = |values: &[&'static str]| values[pick.index(values.len())];
                let value = match spec.kind {
                    Kind::Bool => truth.into(),
                    Kind::Integer { min, max } => number.clamp(min, max).into(),
                    Kind::Enum { values } => words(values).into(),
                    Kind::EnumList { values } => values.iter().take(pick.index(values.len())).copied().collect(),
                    Kind::StringList { .. } if truth => json!([words(&APPS), APPS[0]]),
                    Kind::StringList { .. } => json!([words(&APPS)]),
                    _ => json!(format!("host{}.example", number % 3)),
                };
                settings.insert(spec.key.to_owned(), value);
            }
            fit_together(&mut settings);
            if settings.is_empty() {
                settings.insert("funDisabled".to_owned(), true.into());
            }
            Payload::Restrictions(Restrictions { settings })
        },
    )
}

/// Settings that are given together or not at all.
fn fit_together(settings: &mut Map<String, Value>) {
    let dns = |key: &str| format!("deviceConnectivityManagement.privateDnsSettings.{key}");
    for (key, word, with) in [
        (
            "systemUpdate.type".to_owned(),
            "WINDOWED",
            ["systemUpdate.startMinutes", "systemUpdate.endMinutes"].map(str::to_owned),
        ),
        (dns("privateDnsMode"), "PRIVATE_DNS_SPECIFIED_HOST", [dns("privateDnsHost"), dns("privateDnsHost")]),
    ] {
        let given = settings.get(&key).is_some_and(|it| *it == word);
        for with in with {
            match given {
                true if with.ends_with("Minutes") => drop(settings.entry(with).or_insert_with(|| 60.into())),
                true => drop(settings.entry(with).or_insert_with(|| "dns.example".into())),
                false => drop(settings.remove(&with)),
            }
        }
    }
}

fn application_control() -> impl Strategy<Value = Payload> {
    let actions = [AppAction::Allow, AppAction::Require, AppAction::Disable, AppAction::Block];
    let app = select(APPS.to_vec());
    let apps = prop::collection::btree_map(app, select(actions.to_vec()), 1..=APPS.len());
    (apps, any::<bool>()).prop_map(|(apps, only)| {
        let rule = |(app, action): (&str, _)| AppRule { package_name: Some(app.into()), bundle_id: None, action };
        let mode = if only { AppMode::Allowlist } else { AppMode::Denylist };
        Payload::ApplicationControl(ApplicationControl { mode, apps: apps.into_iter().map(rule).collect() })
    })
}

fn passcode() -> impl Strategy<Value = Payload> {
    use PasscodeQuality::{Alphanumeric, Complex, Numeric, NumericComplex, Something};
    let maybe = prop::option::of::<std::ops::Range<u32>>;
    let quality = prop::option::of(select(vec![Something, Numeric, NumericComplex, Alphanumeric, Complex]));
    let scope = prop::option::of(select(vec![PasscodeScope::Device, PasscodeScope::Profile]));
    let numbers = (maybe(4..9), maybe(1..3), maybe(1..90), maybe(1..9), maybe(1..15), maybe(4..11));
    (quality, scope, numbers).prop_map(|(quality, scope, (length, complex, age, history, idle, wrong))| {
        Payload::Passcode(Passcode {
            quality,
            min_length: length,
            min_complex_characters: complex,
            max_age_days: age,
            history: if length.or(complex).or(age).or(idle).is_none() { history.or(Some(1)) } else { history },
            max_inactivity_minutes: idle,
            max_failed_attempts: wrong,
            max_grace_minutes: None,
            scope,
        })
    })
}

fn wifi() -> impl Strategy<Value = Payload> {
    (select(NETWORKS.to_vec()), any::<bool>(), any::<bool>(), 0..3u8).prop_map(|(ssid, open, hidden, password)| {
        Payload::Wifi(Wifi {
            ssid: ssid.into(),
            security: if open { WifiSecurity::Open } else { WifiSecurity::Wpa2 },
            password: (!open).then(|| format!("passphrase {password}")),
            hidden,
            auto_join: None,
        })
    })
}

fn vpn() -> impl Strategy<Value = Payload> {
    (select(APPS.to_vec()), any::<bool>()).prop_map(|(app, lockdown)| {
        Payload::Vpn(Vpn {
            connection: VpnConnection::App,
            name: None,
            app: Some(app.into()),
            server: None,
            remote_identifier: None,
            local_identifier: None,
            account: None,
            password: None,
            shared_secret: None,
            on_demand: false,
            lockdown,
        })
    })
}

/// Members of a policy that a profile may have as custom settings, each valid by itself and beside the others.
fn members() -> impl Strategy<Value = (&'static str, Value)> {
    let word = |key: &'static str, words: &[&'static str]| {
        select(words.to_vec()).prop_map(move |word| (key, json!(word))).boxed()
    };
    let policies = || select(vec!["GRANT", "PROMPT", "DENY"]);
    let grants = || {
        let grant = |(permission, policy)| json!({ "permission": permission, "policy": policy });
        prop::collection::btree_map(select(PERMISSIONS.to_vec()), policies(), 0..3)
            .prop_map(move |all| all.into_iter().map(grant).collect::<Value>())
    };
    let app = {
        let member = prop_oneof![
            select(vec!["AVAILABLE", "PREINSTALLED", "FORCE_INSTALLED", "REQUIRED_FOR_SETUP", "KIOSK", "BLOCKED"])
                .prop_map(|word| ("installType", json!(word))),
            any::<bool>().prop_map(|disabled| ("disabled", json!(disabled))),
            policies().prop_map(|word| ("defaultPermissionPolicy", json!(word))),
            grants().prop_map(|grants| ("permissionGrants", grants)),
            select(vec!["CREDENTIAL_PROVIDER_ALLOWED", "CREDENTIAL_PROVIDER_DISALLOWED"])
                .prop_map(|word| ("credentialProviderPolicy", json!(word))),
            select(vec!["VPN_LOCKDOWN_EXEMPTION", "VPN_LOCKDOWN_ENFORCED"])
                .prop_map(|word| ("alwaysOnVpnLockdownExemption", json!(word))),
            select(vec!["WORK_PROFILE_WIDGETS_ALLOWED", "WORK_PROFILE_WIDGETS_DISALLOWED"])
                .prop_map(|word| ("workProfileWidgets", json!(word))),
            (1..9i64).prop_map(|code| ("minimumVersionCode", json!(code))),
            (0..3u8).prop_map(|n| ("managedConfiguration", json!({ "server": format!("s{n}"), "password": "secret" }))),
            Just(("roles", json!([{ "roleType": "SYSTEM_HEALTH_MONITORING" }]))),
        ];
        (select(APPS.to_vec()), prop::collection::vec(member, 0..4)).prop_map(|(package, members)| {
            let mut app: Map<String, Value> = members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect();
            app.insert("packageName".to_owned(), package.into());
            Value::Object(app)
        })
    };
    let requirement = (
        prop::option::of(select(vec!["SCOPE_DEVICE", "SCOPE_PROFILE"])),
        select(super::super::passwords::QUALITIES.to_vec()),
        prop::collection::vec((select(vec!["Length", "Letters", "Symbols", "Numeric", "UpperCase"]), 0..7u32), 0..3),
        (0..12u32, 0..4u64),
    )
        .prop_map(|(scope, quality, counts, (wrong, days))| {
            let mut it = json!({ "passwordQuality": quality, "maximumFailedPasswordsForWipe": wrong,
                "passwordExpirationTimeout": format!("{}s", days * 86_400) });
            scope.into_iter().for_each(|scope| it["passwordScope"] = scope.into());
            counts.into_iter().for_each(|(what, count)| it[format!("passwordMinimum{what}")] = count.into());
            it
        });
    let ssids =
        (any::<bool>(), prop::collection::btree_set(select(NETWORKS.to_vec()), 1..3)).prop_map(|(only, names)| {
            let names: Value = names.into_iter().map(|name| json!({ "wifiSsid": name })).collect();
            let kind = if only { "WIFI_SSID_ALLOWLIST" } else { "WIFI_SSID_DENYLIST" };
            (
                "deviceConnectivityManagement",
                json!({ "wifiSsidPolicy": { "wifiSsidPolicyType": kind, "wifiSsids": names } }),
            )
        });
    let contacts = (select(vec!["ALLOWED", "DISALLOWED_EXCEPT_SYSTEM", "DISALLOWED"]), select(APPS.to_vec()), 0..3u8)
        .prop_map(|(word, app, named)| {
            let mut it = json!({ "showWorkContactsInPersonalProfile":
                format!("SHOW_WORK_CONTACTS_IN_PERSONAL_PROFILE_{word}") });
            if named > 0 && word != "ALLOWED" {
                it["exemptionsToShowWorkContactsInPersonalProfile"] = json!({ "packageNames": [app] });
            }
            ("crossProfilePolicies", it)
        });
    let personal = (select(vec!["BLACKLIST", "BLOCKLIST", "ALLOWLIST"]), select(APPS.to_vec()), any::<bool>())
        .prop_map(|(mode, app, blocked)| {
            let kind = if blocked { "BLOCKED" } else { "AVAILABLE" };
            (
                "personalUsagePolicies",
                json!({ "personalPlayStoreMode": mode,
                "personalApplications": [{ "packageName": app, "installType": kind }] }),
            )
        });
    let enforcement =
        (select(vec!["applications", "passwordPolicies"]), 0..5i64, 1..5i64).prop_map(|(name, block, more)| {
            let block_action = if block == 0 { json!({}) } else { json!({ "blockAfterDays": block }) };
            (
                "policyEnforcementRules",
                json!([{ "settingName": name, "blockAction": block_action,
            "wipeAction": { "wipeAfterDays": block + more, "preserveFrp": more % 2 == 0 } }]),
            )
        });
    let old = select(vec![
        "autoTimeRequired",
        "cameraDisabled",
        "debuggingFeaturesAllowed",
        "ensureVerifyAppsEnabled",
        "installUnknownSourcesAllowed",
        "safeBootDisabled",
        "tetheringConfigDisabled",
        "unmuteMicrophoneDisabled",
        "usbFileTransferDisabled",
        "wifiConfigDisabled",
        "statusBarDisabled",
        "blockApplicationsEnabled",
    ]);
    prop_oneof![
        4 => prop::collection::vec(app, 1..4).prop_map(|apps| ("applications", json!(apps))),
        2 => prop::collection::vec(requirement, 1..4).prop_map(|all| ("passwordPolicies", json!(all))),
        2 => grants().prop_map(|grants| ("permissionGrants", grants)),
        2 => word("defaultPermissionPolicy", &["GRANT", "PROMPT", "DENY"]),
        2 => word("playStoreMode", &["WHITELIST", "BLACKLIST"]),
        1 => word("locationMode", &["HIGH_ACCURACY", "OFF", "LOCATION_USER_CHOICE", "LOCATION_MODE_UNSPECIFIED"]),
        1 => word("maximumTimeToLock", &["0", "30000", "60000"]),
        1 => word("credentialProviderPolicyDefault",
            &["CREDENTIAL_PROVIDER_DEFAULT_ALLOWED", "CREDENTIAL_PROVIDER_DEFAULT_DISALLOWED_EXCEPT_SYSTEM"]),
        1 => (select(APPS.to_vec()), any::<bool>())
            .prop_map(|(app, lock)| ("alwaysOnVpnPackage", json!({ "packageName": app, "lockdownEnabled": lock }))),
        1 => ssids,
        1 => contacts,
        1 => personal,
        1 => enforcement,
        1 => (0..1000i64, 0..1000i64).prop_map(|(start, end)| {
            ("systemUpdate", json!({ "type": "WINDOWED", "startMinutes": start, "endMinutes": end }))
        }),
        1 => Just(("systemUpdate", json!({ "type": "AUTOMATIC" }))),
        1 => any::<bool>().prop_map(|on| ("statusReportingSettings", json!({ "softwareInfoEnabled": on }))),
        1 => any::<bool>().prop_map(|off| ("keyguardDisabled", json!(off))),
        1 => select(vec!["AC", "USB"]).prop_map(|mode| ("stayOnPluggedModes", json!([mode, "WIRELESS"]))),
        1 => Just(("permittedInputMethods", json!({}))),
        1 => (1..60u32).prop_map(|n| ("displaySettings", json!({ "screenTimeoutSettings":
            { "screenTimeoutMode": "SCREEN_TIMEOUT_ENFORCED", "screenTimeout": format!("{n}s") } }))),
        2 => (old, any::<bool>()).prop_map(|(key, truth)| (key, json!(truth))),
    ]
}

fn custom_settings() -> impl Strategy<Value = Payload> {
    prop::collection::vec(members(), 1..6).prop_map(|members| {
        custom(Value::Object(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
    })
}

/// The payloads of a profile, of all kinds that Android takes.
pub(super) fn payloads() -> impl Strategy<Value = Vec<Payload>> {
    let payload = prop_oneof![
        2 => restrictions(),
        2 => application_control(),
        1 => passcode(),
        1 => wifi(),
        1 => vpn(),
        3 => custom_settings(),
    ];
    prop::collection::vec(payload, 1..4)
}

/// Custom settings that make no sense, as far as they could ever be saved.
pub(super) fn nonsense() -> impl Strategy<Value = Payload> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-5..5i64).prop_map(Value::from),
        select(vec!["WHITELIST", "BLOCKED", "com.example.mail", "DENY", "86400s", "", "X_UNSPECIFIED", "COMPLEX"])
            .prop_map(Value::from),
    ];
    let keys = vec![
        "applications",
        "packageName",
        "installType",
        "permissionGrants",
        "permission",
        "policy",
        "passwordPolicies",
        "passwordQuality",
        "personalUsagePolicies",
        "personalApplications",
        "openNetworkConfiguration",
        "GUID",
        "WiFi",
        "NetworkConfigurations",
        "deviceConnectivityManagement",
        "wifiSsidPolicy",
        "wifiSsids",
        "systemUpdate",
        "type",
        "crossProfilePolicies",
        "policyEnforcementRules",
        "blockAction",
        "keyguardDisabledFeatures",
        "frpAdminEmails",
        "alwaysOnVpnPackage",
        "lockdownEnabled",
        "screenCaptureDisabled",
        "minimumApiLevel",
        "permittedInputMethods",
        "packageNames",
        "defaultPermissionPolicy",
        "playStoreMode",
        "passwordRequirements",
        "cameraDisabled",
    ];
    let value = leaf.prop_recursive(4, 40, 5, move |inner| {
        let object = prop::collection::btree_map(select(keys.clone()), inner.clone(), 0..5);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            object.prop_map(|members| members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
        ]
    });
    value.prop_map(|value| custom(if value.is_object() { value } else { json!({ "applications": value }) }))
}
