//! What the quickstart sets up: one smart group per risk level, and a profile per level and platform.
//!
//! Each level adds to the one below. Low closes doors nobody should need, medium keeps work data from leaving, high
//! takes work off the phone until the threat is gone. At every level the owner can still remove what is harmful, reach
//! a network, install updates and make calls, the threat sensor keeps working, and nothing is erased.

use serde_json::{Map, Value};

use crate::{
    level::{Platform, RiskLevel},
    payload::{
        AppAction, AppMode, AppRule, ApplicationControl, ApplicationRule, NetworkUsageRules, Payload, Restrictions,
    },
};

/// Everything the quickstart creates besides the tags.
#[derive(Clone, PartialEq, Debug)]
pub struct RiskResponse {
    /// The smart groups, lowest level first.
    pub groups: [GroupPlan; 3],
    /// The profiles: Android and iOS for each level, lowest level first.
    pub profiles: [ProfilePlan; 6],
}

/// A smart group with exactly one tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GroupPlan {
    /// Its name.
    pub name: &'static str,
    /// The level whose tag selects its devices.
    pub tag: RiskLevel,
}

/// A profile for one level and platform. It is managed, assigned automatically, may never be removed by the user (a
/// removal password works on supervised iOS devices only) and has no schedule or removal date.
#[derive(Clone, PartialEq, Debug)]
pub struct ProfilePlan {
    /// Its name.
    pub name: &'static str,
    /// Its platform.
    pub platform: Platform,
    /// The level of the group it is assigned to.
    pub level: RiskLevel,
    /// What it is for, in a sentence.
    pub description: &'static str,
    /// What it puts on the device.
    pub payloads: Vec<Payload>,
    /// Why each part is there: a JSON pointer within the payloads, and the reason.
    pub explanation: Vec<(String, &'static str)>,
}

/// The plan. The same every time.
pub fn plan() -> RiskResponse {
    use Platform::{Android, Ios};
    use RiskLevel::{High, Low, Medium};
    RiskResponse {
        groups: [
            GroupPlan { name: "MTD Low Risk", tag: Low },
            GroupPlan { name: "MTD Medium Risk", tag: Medium },
            GroupPlan { name: "MTD High Risk", tag: High },
        ],
        profiles: [
            profile("MTD Low Risk Android", Android, Low),
            profile("MTD Low Risk iOS", Ios, Low),
            profile("MTD Medium Risk Android", Android, Medium),
            profile("MTD Medium Risk iOS", Ios, Medium),
            profile("MTD High Risk Android", Android, High),
            profile("MTD High Risk iOS", Ios, High),
        ],
    }
}

fn profile(name: &'static str, platform: Platform, level: RiskLevel) -> ProfilePlan {
    let mut parts = Parts::default();
    parts.restrictions(if platform == Platform::Android { ANDROID } else { IOS }, level);
    if platform == Platform::Ios && level >= RiskLevel::Medium {
        let (cellular, why) = match level {
            RiskLevel::High => {
                (Some(false), "Work apps get no cellular data, so nothing leaves through them on the road.")
            }
            _ => (None, "Work apps get no data on foreign networks, where interception is likelier."),
        };
        let rule = ApplicationRule {
            apps: IOS_WORK_APPS.iter().map(|&app| app.to_owned()).collect(),
            allow_cellular_data: cellular,
            allow_roaming_cellular_data: Some(false),
        };
        let rules = NetworkUsageRules { application_rules: vec![rule], sim_rules: Vec::new() };
        parts.add(Payload::NetworkUsageRules(rules), "/application_rules/0", why);
    }
    if level == RiskLevel::High {
        let rule = |&app: &&str| {
            let app = Some(app.to_owned());
            match platform {
                Platform::Android => AppRule { package_name: app, bundle_id: None, action: AppAction::Disable },
                Platform::Ios => AppRule { package_name: None, bundle_id: app, action: AppAction::Disable },
            }
        };
        let apps = if platform == Platform::Android { ANDROID_WORK_APPS } else { IOS_WORK_APPS };
        let control = ApplicationControl { mode: AppMode::Denylist, apps: apps.iter().map(rule).collect() };
        let why = "Mail, chat and documents of the organisation cannot be opened; their data stays for afterwards.";
        parts.add(Payload::ApplicationControl(control), "/apps", why);
    }
    let description = match level {
        RiskLevel::High => "Takes work off the phone and closes the ways out of it until the threat is gone.",
        RiskLevel::Medium => "Keeps work data from leaving the phone until the threat is gone.",
        _ => "Closes doors nobody should need while a minor threat is open.",
    };
    ProfilePlan { name, platform, level, description, payloads: parts.payloads, explanation: parts.explanation }
}

#[derive(Default)]
struct Parts {
    payloads: Vec<Payload>,
    explanation: Vec<(String, &'static str)>,
}

impl Parts {
    fn add(&mut self, payload: Payload, part: &str, why: &'static str) {
        self.explanation.push((format!("/{}{part}", self.payloads.len()), why));
        self.payloads.push(payload);
    }

    /// The restrictions of a level and all below it; a step of a higher level replaces one with the same key.
    fn restrictions(&mut self, steps: &[Step], level: RiskLevel) {
        let mut settings = Map::new();
        for step in steps.iter().filter(|step| step.from <= level) {
            let pointer = format!("/{}/settings/{}", self.payloads.len(), step.key);
            self.explanation.retain(|(explained, _)| *explained != pointer);
            self.explanation.push((pointer, step.why));
            settings.insert(step.key.to_owned(), step.value.to_json());
        }
        self.payloads.push(Payload::Restrictions(Restrictions { settings }));
    }
}

/// One restriction, the level it starts at, and why.
struct Step {
    from: RiskLevel,
    key: &'static str,
    value: Setting,
    why: &'static str,
}

enum Setting {
    On,
    Off,
    Word(&'static str),
    Words(&'static [&'static str]),
}
use Setting::{Off, On, Word, Words};

impl Setting {
    fn to_json(&self) -> Value {
        match self {
            On => true.into(),
            Off => false.into(),
            Word(word) => (*word).into(),
            Words(words) => words.iter().copied().collect(),
        }
    }
}

const fn low(key: &'static str, value: Setting, why: &'static str) -> Step {
    Step { from: RiskLevel::Low, key, value, why }
}

const fn medium(key: &'static str, value: Setting, why: &'static str) -> Step {
    Step { from: RiskLevel::Medium, key, value, why }
}

const fn high(key: &'static str, value: Setting, why: &'static str) -> Step {
    Step { from: RiskLevel::High, key, value, why }
}

static ANDROID: &[Step] = &[
    low(
        "advancedSecurityOverrides.untrustedAppsPolicy",
        Word("DISALLOW_INSTALL"),
        "Harmful apps mostly come from outside the store.",
    ),
    low(
        "advancedSecurityOverrides.googlePlayProtectVerifyApps",
        Word("VERIFY_APPS_ENFORCED"),
        "Every app is checked while a threat is open.",
    ),
    low(
        "advancedSecurityOverrides.contentProtectionPolicy",
        Word("CONTENT_PROTECTION_ENFORCED"),
        "The system looks for apps that imitate others.",
    ),
    low(
        "crossProfilePolicies.crossProfileCopyPaste",
        Word("COPY_FROM_WORK_TO_PERSONAL_DISALLOWED"),
        "Work text stays out of personal apps, which may be the harmful ones.",
    ),
    low(
        "crossProfilePolicies.crossProfileDataSharing",
        Word("DATA_SHARING_FROM_WORK_TO_PERSONAL_DISALLOWED"),
        "Work files stay out of personal apps; personal files can still be brought to work.",
    ),
    low("bluetoothContactSharingDisabled", On, "Work contacts are not handed to cars and headsets."),
    low(
        "deviceConnectivityManagement.usbDataAccess",
        Word("DISALLOW_USB_FILE_TRANSFER"),
        "No files by cable; keyboards and headsets still work.",
    ),
    low(
        "crossDevicePolicies.nearbyNotificationStreaming",
        Word("NEARBY_NOTIFICATION_STREAMING_DISABLED"),
        "Codes and messages do not show up on devices nearby.",
    ),
    medium(
        "advancedSecurityOverrides.developerSettings",
        Word("DEVELOPER_SETTINGS_DISABLED"),
        "Debugging gives whoever holds a cable control of the phone.",
    ),
    medium("screenCaptureDisabled", On, "Spying apps record the screen."),
    medium(
        "assistContentPolicy",
        Word("ASSIST_CONTENT_DISALLOWED"),
        "Assistant apps do not get to read what is on the screen.",
    ),
    medium(
        "deviceConnectivityManagement.usbDataAccess",
        Word("DISALLOW_USB_DATA_TRANSFER"),
        "No data by cable at all: no copying, no attack from a charger.",
    ),
    medium(
        "deviceConnectivityManagement.bluetoothSharing",
        Word("BLUETOOTH_SHARING_DISALLOWED"),
        "No files by Bluetooth; headsets still work.",
    ),
    medium(
        "deviceConnectivityManagement.tetheringSettings",
        Word("DISALLOW_ALL_TETHERING"),
        "A phone under attack is no bridge for other devices.",
    ),
    medium(
        "deviceConnectivityManagement.wifiDirectSettings",
        Word("DISALLOW_WIFI_DIRECT"),
        "No direct links to devices nearby.",
    ),
    medium(
        "crossDevicePolicies.nearbyAppStreaming",
        Word("NEARBY_APP_STREAMING_DISABLED"),
        "Apps do not show up on devices nearby.",
    ),
    medium("mountPhysicalMediaDisabled", On, "Nothing is copied to memory cards or USB drives."),
    medium("outgoingBeamDisabled", On, "Nothing is handed over by NFC."),
    medium("printingPolicy", Word("PRINTING_DISALLOWED"), "Printing is a way out for documents."),
    medium(
        "crossProfilePolicies.showWorkContactsInPersonalProfile",
        Word("SHOW_WORK_CONTACTS_IN_PERSONAL_PROFILE_DISALLOWED_EXCEPT_SYSTEM"),
        "Personal apps cannot read work contacts; the dialler still shows who calls.",
    ),
    medium(
        "crossProfilePolicies.workProfileWidgetsDefault",
        Word("WORK_PROFILE_WIDGETS_DEFAULT_DISALLOWED"),
        "Work content is not shown on the home screen.",
    ),
    medium(
        "keyguardDisabledFeatures",
        Words(&["TRUST_AGENTS", "UNREDACTED_NOTIFICATIONS"]),
        "The lock screen shows no content and nothing but the owner opens it.",
    ),
    high(
        "installAppsDisabled",
        On,
        "No new app comes in before the harmful one is out; removing apps is still possible.",
    ),
    high("modifyAccountsDisabled", On, "No account is added that data could be sent to."),
    high("credentialsConfigDisabled", On, "No certificate is added that opens protected traffic."),
    high("cameraAccess", Word("CAMERA_ACCESS_DISABLED"), "Surveillance uses the camera."),
    high("autofillPolicy", Word("AUTOFILL_DISABLED"), "Passwords are not filled into what may be an imitation."),
    high("appFunctions", Word("APP_FUNCTIONS_DISALLOWED"), "No app drives another."),
    high(
        "crossProfilePolicies.crossProfileDataSharing",
        Word("CROSS_PROFILE_DATA_SHARING_DISALLOWED"),
        "Nothing passes between work and personal apps, in either direction.",
    ),
];

static IOS: &[Step] = &[
    low("safariForceFraudWarning", On, "Safari warns of fraudulent sites."),
    low("allowUntrustedTLSPrompt", Off, "Nobody is asked to trust an interceptor's certificate."),
    low("allowEnterpriseAppTrust", Off, "Apps from outside the store do not start for the first time."),
    low("allowMarketplaceAppInstallation", Off, "Apps come from the App Store or from management."),
    low("allowWebDistributionAppInstallation", Off, "Apps do not come straight from web sites."),
    low(
        "allowOpenFromManagedToUnmanaged",
        Off,
        "Work documents stay out of personal apps, which may be the harmful ones.",
    ),
    low("forceAirDropUnmanaged", On, "AirDrop counts as personal, so work documents do not leave by it."),
    low("allowRapidSecurityResponseRemoval", Off, "Urgent fixes stay installed."),
    medium("requireManagedPasteboard", On, "Work text is not pasted into personal apps."),
    medium(
        "allowOpenFromUnmanagedToManaged",
        Off,
        "Personal files, harmful ones among them, do not open in work apps.",
    ),
    medium("allowUnmanagedToReadManagedContacts", Off, "Personal apps cannot read work contacts."),
    medium("allowScreenShot", Off, "Screens with work data are not captured or recorded."),
    medium("allowManagedAppsCloudSync", Off, "Work apps do not sync to a personal cloud."),
    medium("allowActivityContinuation", Off, "What is open does not show up on other devices."),
    medium("allowAssistantWhileLocked", Off, "Nobody but the owner asks the phone."),
    medium("allowLockScreenNotificationsView", Off, "Past messages are not read off the lock screen."),
    medium("forceEncryptedBackup", On, "A backup on a computer cannot be read without its password."),
    medium("allowUIConfigurationProfileInstallation", Off, "No profile or certificate comes in from a web page."),
    medium("allowUSBRestrictedMode", On, "A locked phone does not talk to cables."),
    medium("allowFilesUSBDriveAccess", Off, "Nothing is copied to USB drives."),
    medium("allowAirPrint", Off, "Printing is a way out for documents."),
    high(
        "allowUIAppInstallation",
        Off,
        "No new app comes in before the harmful one is out; removing apps is still possible.",
    ),
    high("allowAccountModification", Off, "No account is added that data could be sent to."),
    high("allowAirDrop", Off, "Nothing is sent to or taken from devices nearby."),
    high("allowHostPairing", Off, "No computer reads the phone, save the one that supervises it."),
    high("allowCamera", Off, "Surveillance uses the camera."),
    high("allowPasswordAutoFill", Off, "Passwords are not filled into what may be an imitation."),
    high("allowPasswordSharing", Off, "Passwords are not passed to others."),
    high("allowPasswordProximityRequests", Off, "Devices nearby get no passwords."),
    high("allowFilesNetworkDriveAccess", Off, "Nothing is copied to or from shared drives."),
    high("allowiPhoneMirroring", Off, "The screen is not shown on a Mac."),
    high("allowESIMOutgoingTransfers", Off, "The number stays with the phone."),
];

/// Work apps in wide use, each named: a rule for all managed apps would hit the threat sensor too.
const ANDROID_WORK_APPS: &[&str] = &[
    "com.Slack",
    "com.box.android",
    "com.dropbox.android",
    "com.google.android.apps.docs",
    "com.google.android.apps.dynamite",
    "com.google.android.gm",
    "com.microsoft.office.officehubrow",
    "com.microsoft.office.outlook",
    "com.microsoft.sharepoint",
    "com.microsoft.skydrive",
    "com.microsoft.teams",
    "com.salesforce.chatter",
    "us.zoom.videomeetings",
];

const IOS_WORK_APPS: &[&str] = &[
    "com.getdropbox.Dropbox",
    "com.google.Drive",
    "com.google.Dynamite",
    "com.google.Gmail",
    "com.microsoft.Office.Outlook",
    "com.microsoft.officemobile",
    "com.microsoft.sharepoint",
    "com.microsoft.skydrive",
    "com.microsoft.skype.teams",
    "com.salesforce.chatter",
    "com.tinyspeck.chatlyio",
    "net.box.BoxNet",
    "us.zoom.videomeetings",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

    use super::*;
    use crate::payload::{Effect, changes, check, is_sensor, restrictive_merge, unmet};

    fn of(platform: Platform) -> Vec<ProfilePlan> {
        plan().profiles.into_iter().filter(|profile| profile.platform == platform).collect()
    }

    #[test]
    fn the_names_are_those_of_the_guide() {
        let plan = plan();
        let names: Vec<_> = plan.groups.iter().map(|group| group.name).collect();
        assert_eq!(names, ["MTD Low Risk", "MTD Medium Risk", "MTD High Risk"]);
        for group in plan.groups {
            for platform in [Platform::Android, Platform::Ios] {
                let name = format!("{} {}", group.name, platform.display());
                let profile = plan.profiles.iter().find(|profile| profile.name == name).unwrap();
                assert_eq!((profile.platform, profile.level), (platform, group.tag));
            }
        }
    }

    #[test]
    fn every_payload_can_be_saved_and_causes_no_cycle() {
        for profile in plan().profiles {
            assert_eq!(check(profile.platform, &profile.payloads), [], "{}", profile.name);
            let effects = changes(profile.platform, &profile.payloads);
            assert!(!effects.contains(&Effect::OsVersion), "{}", profile.name);
            assert!(!effects.contains(&Effect::ProtectionStatus), "{}", profile.name);
        }
    }

    #[test]
    fn every_part_is_explained() {
        for profile in plan().profiles {
            let payloads = serde_json::to_value(&profile.payloads).unwrap();
            let mut expected: Vec<String> = Vec::new();
            for (index, payload) in profile.payloads.iter().enumerate() {
                match payload {
                    Payload::Restrictions(restrictions) => {
                        expected.extend(restrictions.settings.keys().map(|key| format!("/{index}/settings/{key}")));
                    }
                    Payload::NetworkUsageRules(_) => expected.push(format!("/{index}/application_rules/0")),
                    Payload::ApplicationControl(_) => expected.push(format!("/{index}/apps")),
                    other => panic!("{other:?}"),
                }
            }
            let mut explained: Vec<_> = profile.explanation.iter().map(|(pointer, _)| pointer.clone()).collect();
            expected.sort();
            explained.sort();
            assert_eq!(explained, expected, "{}", profile.name);
            for (pointer, why) in &profile.explanation {
                assert!(payloads.pointer(pointer).is_some(), "{}: {pointer}", profile.name);
                assert!(why.ends_with('.'), "{why}");
            }
        }
    }

    #[test]
    fn each_level_is_at_least_as_strict_as_the_one_below() {
        for platform in [Platform::Android, Platform::Ios] {
            let levels = of(platform);
            for pair in levels.windows(2) {
                let [below, above] = pair else { unreachable!() };
                let both = restrictive_merge(platform, &[&below.payloads[0], &above.payloads[0]]);
                let alone = restrictive_merge(platform, &[&above.payloads[0]]);
                assert_eq!(both, alone, "{} loosens {}", above.name, below.name);
                assert_ne!(alone, restrictive_merge(platform, &[&below.payloads[0]]), "{} adds nothing", above.name);
                assert!(below.payloads.len() <= above.payloads.len());
                for (lower, higher) in below.payloads.iter().zip(&above.payloads).skip(1) {
                    if let (Payload::NetworkUsageRules(lower), Payload::NetworkUsageRules(higher)) = (lower, higher) {
                        let (lower, higher) = (&lower.application_rules[0], &higher.application_rules[0]);
                        assert_eq!(lower.apps, higher.apps);
                        assert_eq!(higher.allow_roaming_cellular_data, lower.allow_roaming_cellular_data);
                        assert_eq!((lower.allow_cellular_data, higher.allow_cellular_data), (None, Some(false)));
                    }
                }
            }
        }
    }

    #[test]
    fn nothing_bricks_the_phone_erases_data_or_cuts_the_sensor_off() {
        let forbidden = [
            // The way to put things right stays open.
            "allowAppRemoval",
            "uninstallAppsDisabled",
            "allowPasscodeModification",
            "systemUpdate.type",
            "forceDelayedSoftwareUpdates",
            "allowRapidSecurityResponseInstallation",
            "outgoingCallsDisabled",
            "smsDisabled",
            "microphoneAccess",
            // The network stays reachable, and another one can be chosen.
            "dataRoamingDisabled",
            "mobileNetworksConfigDisabled",
            "networkResetDisabled",
            "vpnConfigDisabled",
            "allowVPNCreation",
            "forceWiFiToAllowedNetworksOnly",
            "deviceConnectivityManagement.configureWifi",
            "deviceRadioState.wifiState",
            "deviceRadioState.cellularTwoGState",
            "deviceRadioState.minimumWifiSecurityLevel",
            "bluetoothDisabled",
            // Nothing is removed or erased.
            "allowAppClips",
            "allowPairedWatch",
            "allowCloudPhotoLibrary",
            "personalUsagePolicies.privateSpacePolicy",
            "playStoreMode",
            "allowListedAppBundleIDs",
            "backupService",
            // No threat sensor or agent loses what it needs.
            "defaultPermissionPolicy",
            "permittedAccessibilityServices.packageNames",
        ];
        for profile in plan().profiles {
            for payload in &profile.payloads {
                match payload {
                    Payload::Restrictions(restrictions) => {
                        for key in forbidden {
                            assert!(!restrictions.settings.contains_key(key), "{}: {key}", profile.name);
                        }
                    }
                    Payload::ApplicationControl(control) => {
                        assert_eq!(control.mode, AppMode::Denylist);
                        for rule in &control.apps {
                            assert_eq!(rule.action, AppAction::Disable, "data is kept");
                            assert!(!is_sensor(rule.app().unwrap()));
                        }
                    }
                    Payload::NetworkUsageRules(rules) => {
                        assert!(rules.sim_rules.is_empty());
                        for rule in &rules.application_rules {
                            assert!(!rule.apps.is_empty() && rule.apps.iter().all(|app| !app.contains('*')));
                            assert!(rule.apps.iter().all(|app| !is_sensor(app)));
                        }
                    }
                    other => panic!("{}: {other:?} has no place in a risk response", profile.name),
                }
            }
        }
    }

    #[test]
    fn a_phone_without_supervision_still_gets_something_at_every_level() {
        let traits = crate::payload::DeviceTraits {
            supervised: Some(false),
            user_enrollment: Some(true),
            os_version: Some("18.1"),
            ..Default::default()
        };
        let mut effective = Vec::new();
        for profile in of(Platform::Ios) {
            assert!(!unmet(Platform::Ios, &profile.payloads, &traits).is_empty(), "{}", profile.name);
            let needs = crate::payload::requirements(Platform::Ios, &profile.payloads[0]);
            let Payload::Restrictions(restrictions) = &profile.payloads[0] else { panic!() };
            let bound = |key: &String| {
                needs.iter().any(|need| {
                    need.pointer == format!("/settings/{key}")
                        && !matches!(need.needs, crate::payload::Need::MinimumOs(_))
                })
            };
            effective.push(restrictions.settings.keys().filter(|key| !bound(key)).count());
        }
        assert!(effective[0] >= 3 && effective[1] > effective[0], "{effective:?}");
    }
}
