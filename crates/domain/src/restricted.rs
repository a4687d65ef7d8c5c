//! What is taken from a device's owner while a threat is open, in words for them.
//!
//! A profile counts if it would not be on the device without its threats. What it takes away is said in a few groups:
//! an owner wants to know that the camera is off and will come back, not which of forty settings is set.

use std::collections::BTreeSet;

use crate::{
    device::DeviceFacts,
    evaluate::evaluate,
    level::Platform,
    payload::{Payload, restricts},
    posture::{Posture, ProfileTarget},
    profile::{Desired, ProfileReport},
    rules::Rules,
    time::Time,
};

/// A language these words are written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// German.
    German,
}

impl Language {
    /// The language for a BCP 47 tag; English for those without words of their own.
    pub fn of(tag: &str) -> Self {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("de") { Language::German } else { Language::English }
    }
}

/// Something an owner notices, and the settings that bring it about, of both platforms.
struct Words {
    keys: &'static [&'static str],
    english: &'static str,
    german: &'static str,
}

impl Words {
    fn text(&self, language: Language) -> &'static str {
        match language {
            Language::English => self.english,
            Language::German => self.german,
        }
    }
}

/// In the order they are said in; the last three are of payloads other than restrictions.
static WORDS: &[Words] = &[
    Words {
        keys: &["cameraAccess", "personalUsagePolicies.cameraDisabled", "allowCamera"],
        english: "The camera is off.",
        german: "Die Kamera ist ausgeschaltet.",
    },
    Words { keys: &["microphoneAccess"], english: "The microphone is off.", german: "Das Mikrofon ist ausgeschaltet." },
    Words {
        keys: &["installAppsDisabled", "allowUIAppInstallation", "allowAppInstallation"],
        english: "You cannot install new apps. You can still remove apps.",
        german: "Sie können keine neuen Apps installieren. Entfernen können Sie Apps weiterhin.",
    },
    Words {
        keys: &[
            "advancedSecurityOverrides.untrustedAppsPolicy",
            "allowEnterpriseAppTrust",
            "allowMarketplaceAppInstallation",
            "allowWebDistributionAppInstallation",
        ],
        english: "Apps can only be installed from the official store.",
        german: "Apps lassen sich nur aus dem offiziellen Store installieren.",
    },
    Words {
        keys: &["screenCaptureDisabled", "personalUsagePolicies.screenCaptureDisabled", "allowScreenShot"],
        english: "Screenshots and screen recordings are off.",
        german: "Bildschirmfotos und Bildschirmaufnahmen sind ausgeschaltet.",
    },
    Words {
        keys: &[
            "crossProfilePolicies.crossProfileCopyPaste",
            "crossProfilePolicies.crossProfileDataSharing",
            "requireManagedPasteboard",
            "allowOpenFromManagedToUnmanaged",
            "allowOpenFromUnmanagedToManaged",
        ],
        english: "Texts and files cannot be moved between work apps and your own apps.",
        german: "Texte und Dateien lassen sich nicht zwischen Arbeits-Apps und eigenen Apps austauschen.",
    },
    Words {
        keys: &[
            "deviceConnectivityManagement.usbDataAccess",
            "mountPhysicalMediaDisabled",
            "allowFilesUSBDriveAccess",
            "allowHostPairing",
        ],
        english: "Files cannot be copied by cable or to memory cards.",
        german: "Dateien lassen sich nicht per Kabel oder auf Speicherkarten kopieren.",
    },
    Words {
        keys: &[
            "deviceConnectivityManagement.bluetoothSharing",
            "deviceConnectivityManagement.wifiDirectSettings",
            "outgoingBeamDisabled",
            "allowAirDrop",
        ],
        english: "Nothing can be sent to devices nearby.",
        german: "An Geräte in der Nähe lässt sich nichts senden.",
    },
    Words {
        keys: &["deviceConnectivityManagement.tetheringSettings"],
        english: "Your phone cannot share its internet connection.",
        german: "Das Telefon kann seine Internetverbindung nicht teilen.",
    },
    Words {
        keys: &["printingPolicy", "allowAirPrint"],
        english: "Printing is off.",
        german: "Drucken ist ausgeschaltet.",
    },
    Words {
        keys: &["modifyAccountsDisabled", "allowAccountModification"],
        english: "Accounts cannot be added or removed.",
        german: "Konten lassen sich nicht hinzufügen oder entfernen.",
    },
    Words {
        keys: &["autofillPolicy", "allowPasswordAutoFill"],
        english: "Passwords are not filled in for you.",
        german: "Passwörter werden nicht automatisch ausgefüllt.",
    },
    Words {
        keys: &["keyguardDisabledFeatures", "allowLockScreenNotificationsView", "allowAssistantWhileLocked"],
        english: "The lock screen shows less.",
        german: "Der Sperrbildschirm zeigt weniger.",
    },
    Words {
        keys: &[],
        english: "Some apps, such as work mail and chat, cannot be opened. Nothing in them is lost.",
        german: "Einige Apps, etwa E-Mail und Chat der Arbeit, lassen sich nicht öffnen. Darin geht nichts verloren.",
    },
    Words {
        keys: &[],
        english: "Some apps do not use mobile data.",
        german: "Einige Apps nutzen keine mobilen Daten.",
    },
    Words {
        keys: &[],
        english: "Some functions of your phone are limited.",
        german: "Einige Funktionen des Telefons sind eingeschränkt.",
    },
];

/// The places in the table of what is not a restriction: apps that are blocked, mobile data, and all else.
const APPS: usize = WORDS.len() - 3;
const MOBILE_DATA: usize = WORDS.len() - 2;
const OTHER: usize = WORDS.len() - 1;

/// What is taken from the owner of a device with these facts and this posture because of its threats, or soon will be,
/// or is not given back yet. Empty if nothing is.
pub fn because_of_threats(
    rules: &Rules,
    facts: &DeviceFacts,
    posture: &Posture,
    now: Time,
    language: Language,
) -> Vec<&'static str> {
    let on_device = |profile| {
        let report = facts.reports.iter().find(|report| report.profile == profile);
        report.is_some_and(ProfileReport::may_be_installed)
    };
    let wanted = |desired: Desired| matches!(desired, Desired::Install { .. });
    let held = |target: &&ProfileTarget| wanted(target.desired) || on_device(target.profile);
    let held: Vec<&ProfileTarget> = posture.profiles.iter().filter(held).collect();
    if held.is_empty() {
        return Vec::new();
    }
    let well = DeviceFacts { threats: Vec::new(), ..facts.clone() };
    let calm = evaluate(rules, &well, posture, now).posture;
    let mut said = BTreeSet::new();
    for target in held {
        let anyway = calm.target(target.profile).is_some_and(|without| wanted(without.desired));
        let profile = rules.profile(target.profile).filter(|_| !anyway);
        for payload in profile.iter().flat_map(|profile| &profile.spec.payloads) {
            said.extend(takes_away(facts.device.platform, payload));
        }
    }
    if said.len() > 1 {
        said.remove(&OTHER);
    }
    said.into_iter().map(|place| WORDS[place].text(language)).collect()
}

/// What a payload takes away, as places in the table.
fn takes_away(platform: Platform, payload: &Payload) -> Vec<usize> {
    match payload {
        Payload::Restrictions(restrictions) => {
            let strict = |key: &str| restrictions.settings.get(key).is_some_and(|it| restricts(platform, key, it));
            let hit = |words: &Words| words.keys.iter().any(|key| strict(key));
            let hits: Vec<usize> = (0..WORDS.len()).filter(|place| hit(&WORDS[*place])).collect();
            let any = restrictions.settings.iter().any(|(key, value)| restricts(platform, key, value));
            if hits.is_empty() && any { vec![OTHER] } else { hits }
        }
        Payload::ApplicationControl(_) => vec![APPS],
        Payload::NetworkUsageRules(_) => vec![MOBILE_DATA],
        _ => vec![OTHER],
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{
        payload::{PayloadType, settings},
        quickstart,
    };

    #[test]
    fn every_setting_is_in_a_catalogue_and_every_word_is_there_once() {
        let known: HashSet<&str> = [Platform::Android, Platform::Ios]
            .into_iter()
            .flat_map(|platform| settings(platform, PayloadType::Restrictions))
            .map(|spec| spec.key)
            .collect();
        let mut seen = HashSet::new();
        for words in WORDS {
            for key in words.keys {
                assert!(known.contains(key), "{key}");
                assert!(seen.insert(*key), "{key} is there twice");
            }
            assert!(seen.insert(words.english) && seen.insert(words.german), "{}", words.english);
            assert!(words.english.ends_with('.') && words.german.ends_with('.'));
        }
        assert!(WORDS[APPS].english.contains("mail") && WORDS[MOBILE_DATA].english.contains("mobile data"));
    }

    #[test]
    fn the_quickstarts_profiles_are_told_and_a_loose_value_is_not() {
        for profile in quickstart::plan().profiles {
            let said: BTreeSet<usize> =
                profile.payloads.iter().flat_map(|payload| takes_away(profile.platform, payload)).collect();
            assert!(!said.contains(&OTHER), "{}", profile.name);
            let least = match profile.level {
                crate::level::RiskLevel::High => 9,
                crate::level::RiskLevel::Medium => 5,
                _ => 2,
            };
            assert!(said.len() >= least, "{}: {said:?}", profile.name);
        }
        let payload = |value: &str| -> Payload {
            let settings = [("cameraAccess".to_owned(), value.into())].into_iter().collect();
            Payload::Restrictions(crate::payload::Restrictions { settings })
        };
        assert_eq!(takes_away(Platform::Android, &payload("CAMERA_ACCESS_DISABLED")), [0]);
        assert_eq!(takes_away(Platform::Android, &payload("CAMERA_ACCESS_USER_CHOICE")), Vec::<usize>::new());
    }

    #[test]
    fn a_language_is_found_by_its_tag() {
        for (tag, language) in
            [("de", Language::German), ("DE-AT", Language::German), ("den", Language::English), ("", Language::English)]
        {
            assert_eq!(Language::of(tag), language, "{tag}");
        }
    }
}
