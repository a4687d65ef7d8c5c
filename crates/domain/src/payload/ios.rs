//! What iOS and iPadOS restrict: the keys of Apple's `com.apple.applicationaccess` that are not deprecated.

use super::setting::{Kind, Restrictive, SettingSpec};

/// Where a restriction takes effect.
#[derive(Clone, Copy)]
enum On {
    /// Everywhere, in user enrollment too.
    All,
    /// Everywhere but in user enrollment.
    Device,
    /// On supervised devices only.
    Supervised,
}
use On::{All, Device, Supervised};

const fn key(
    key: &'static str,
    since: &'static str,
    on: On,
    kind: Kind,
    strict: Restrictive,
    help: &'static str,
) -> SettingSpec {
    let spec = SettingSpec::new(key, kind, strict, help).since(since);
    match on {
        On::All => spec,
        On::Device => spec.device_only(),
        On::Supervised => spec.supervised(),
    }
}

/// A key whose `false` is stricter.
const fn allow(name: &'static str, since: &'static str, on: On, help: &'static str) -> SettingSpec {
    key(name, since, on, Kind::Bool, Restrictive::False, help)
}

/// A key whose `true` is stricter.
const fn force(name: &'static str, since: &'static str, on: On, help: &'static str) -> SettingSpec {
    key(name, since, on, Kind::Bool, Restrictive::True, help)
}

/// A key that lists apps by bundle id.
const fn apps(name: &'static str, since: &'static str, strict: Restrictive, help: &'static str) -> SettingSpec {
    key(name, since, Supervised, Kind::StringList { max: super::MAX_APPS }, strict, help)
}

/// A key with a greatest allowed age rating.
const fn rating(name: &'static str, help: &'static str) -> SettingSpec {
    key(name, "", Device, Kind::Integer { min: 0, max: 1000 }, Restrictive::Lower, help)
}

const REGIONS: Kind = Kind::Enum { values: &["us", "au", "ca", "de", "fr", "ie", "jp", "nz", "gb"] };

pub(super) static RESTRICTIONS: &[SettingSpec] = &[
    allow("allowAccountModification", "7.0", Supervised, "Accounts cannot be added, changed or removed."),
    allow("allowActivityContinuation", "8.0", Device, "Handoff to other devices is off."),
    allow("allowAddingGameCenterFriends", "", Supervised, "No friends can be added in Game Center."),
    allow("allowAirDrop", "7.0", Supervised, "AirDrop is off."),
    allow("allowAirPrint", "11.0", Supervised, "AirPrint is off."),
    allow("allowAirPrintCredentialsStorage", "11.0", Supervised, "Passwords of printers are not kept."),
    allow(
        "allowAirPrintiBeaconDiscovery",
        "11.0",
        Supervised,
        "Printers are not discovered by beacons, which can be faked.",
    ),
    allow("allowAppCellularDataModification", "7.0", Supervised, "Which apps use cellular data cannot be changed."),
    allow("allowAppClips", "14.0", Supervised, "App Clips cannot be added, and those present are removed."),
    allow("allowAppInstallation", "", Supervised, "No app can be installed or updated, from any store."),
    allow("allowAppRemoval", "", Supervised, "Apps cannot be removed, harmful ones included."),
    allow("allowApplePersonalizedAdvertising", "14.0", Device, "Apple's advertising is not personalised."),
    allow("allowAppsToBeHidden", "18.0", Supervised, "Apps cannot be hidden."),
    allow("allowAppsToBeLocked", "18.0", Supervised, "Apps cannot be locked, and so not hidden either."),
    allow("allowAssistant", "5.0", All, "Siri is off."),
    allow(
        "allowAssistantUserGeneratedContent",
        "7.0",
        Supervised,
        "Siri does not look up content made by other users.",
    ),
    allow("allowAssistantWhileLocked", "5.1", All, "Siri is off while the device is locked."),
    allow("allowAutoCorrection", "8.1.3", Supervised, "The keyboard does not correct."),
    allow("allowAutoDim", "17.4", Supervised, "Screens of iPads do not dim by themselves."),
    allow("allowAutoUnlock", "14.5", Device, "The device cannot be unlocked by a watch."),
    allow("allowAutomaticAppDownloads", "9.0", Supervised, "Apps bought on other devices are not downloaded."),
    allow("allowBluetoothModification", "11.0", Supervised, "Bluetooth settings cannot be changed."),
    allow("allowBookstore", "6.0", Supervised, "The book store is gone."),
    allow("allowBookstoreErotica", "6.0", Device, "Books tagged as erotica cannot be downloaded."),
    allow("allowCallRecording", "18.1", Supervised, "Calls cannot be recorded."),
    allow("allowCamera", "", Device, "The camera is off and its icon is gone."),
    allow("allowCellularPlanModification", "11.0", Supervised, "The cellular plan cannot be changed."),
    allow("allowChat", "5.0", Supervised, "iMessage is off; text messages still work."),
    allow("allowCloudBackup", "5.0", Device, "The device is not backed up to iCloud."),
    allow("allowCloudDocumentSync", "5.0", Supervised, "Documents are not synced to iCloud."),
    allow("allowCloudKeychainSync", "7.0", Device, "Passwords are not synced to iCloud."),
    allow("allowCloudPhotoLibrary", "9.0", Device, "iCloud Photos is off; photos not fully downloaded are removed."),
    allow("allowCloudPrivateRelay", "15.0", Supervised, "iCloud Private Relay is off."),
    allow("allowContinuousPathKeyboard", "13.0", Supervised, "Swiping on the keyboard is off."),
    allow("allowDefinitionLookup", "8.1.3", Supervised, "Words cannot be looked up."),
    allow("allowDeviceNameModification", "9.0", Supervised, "The device's name cannot be changed."),
    allow("allowDiagnosticSubmission", "6.0", All, "No diagnostics are sent to Apple."),
    allow(
        "allowDiagnosticSubmissionModification",
        "9.3.2",
        Supervised,
        "Whether diagnostics are sent cannot be changed.",
    ),
    allow("allowDictation", "10.3", Supervised, "Dictation is off."),
    allow("allowESIMModification", "12.1", Supervised, "eSIMs cannot be changed."),
    allow("allowESIMOutgoingTransfers", "18.0", Supervised, "eSIMs cannot be moved to another device."),
    allow("allowEnablingRestrictions", "8.0", Supervised, "Screen Time is off and cannot be switched on."),
    allow(
        "allowEnterpriseAppTrust",
        "9.0",
        Device,
        "Developers of apps from outside the store cannot be trusted by hand.",
    ),
    allow("allowEnterpriseBookBackup", "8.0", All, "Managed books are not backed up."),
    allow("allowEnterpriseBookMetadataSync", "8.0", All, "Notes in managed books are not synced."),
    allow("allowEraseContentAndSettings", "8.0", Supervised, "The user cannot erase the device."),
    allow("allowExplicitContent", "", Supervised, "Explicit music and films are hidden."),
    allow("allowFilesNetworkDriveAccess", "13.1", Supervised, "The Files app cannot open network drives."),
    allow("allowFilesUSBDriveAccess", "13.0", Supervised, "The Files app cannot open USB drives."),
    allow("allowFindMyDevice", "13.0", Supervised, "Find My Device is off."),
    allow("allowFindMyFriends", "13.0", Supervised, "Find My Friends is off."),
    allow("allowFindMyFriendsModification", "7.0", Supervised, "Find My Friends cannot be changed."),
    allow("allowFingerprintForUnlock", "7.0", Device, "Touch ID and Face ID do not unlock the device."),
    allow("allowFingerprintModification", "8.3", Supervised, "Touch ID and Face ID cannot be changed."),
    allow("allowGameCenter", "6.0", Supervised, "Game Center is off."),
    allow("allowGenmoji", "18.0", Supervised, "No Genmoji can be made."),
    allow("allowGlobalBackgroundFetchWhenRoaming", "", Device, "Nothing is fetched in the background while roaming."),
    allow("allowHostPairing", "7.0", Supervised, "The device pairs with no computer but its supervision host."),
    allow("allowImagePlayground", "18.0", Supervised, "No images can be generated."),
    allow("allowImageWand", "18.0", Supervised, "Image Wand is off."),
    allow("allowInAppPurchases", "", Device, "Nothing can be bought in apps."),
    allow("allowKeyboardShortcuts", "9.0", Supervised, "Keyboard shortcuts are off."),
    apps("allowListedAppBundleIDs", "15.0", Restrictive::Intersection, "Only these apps are shown and can be opened."),
    allow("allowLiveVoicemail", "17.2", Supervised, "Live voicemail is off."),
    allow("allowLockScreenControlCenter", "7.0", All, "No Control Center on the lock screen."),
    allow("allowLockScreenNotificationsView", "7.0", All, "Past notifications are not shown on the lock screen."),
    allow("allowLockScreenTodayView", "7.0", All, "The Today view is not shown on the lock screen."),
    allow("allowMailPrivacyProtection", "15.2", Supervised, "Mail Privacy Protection is off."),
    allow("allowMailSummary", "18.1", Supervised, "Emails cannot be summarised by hand."),
    allow("allowManagedAppsCloudSync", "8.0", All, "Managed apps do not sync to iCloud."),
    allow("allowManagedToWriteUnmanagedContacts", "12.0", Device, "Managed apps cannot write to personal contacts."),
    allow("allowMarketplaceAppInstallation", "17.4", Supervised, "No apps from alternative marketplaces."),
    allow("allowMultiplayerGaming", "", Supervised, "No games with others."),
    allow("allowMusicService", "9.3", Supervised, "Apple Music is off."),
    allow("allowNFC", "14.2", Supervised, "NFC is off."),
    allow("allowNews", "9.0", Supervised, "News is off."),
    allow("allowNotificationsModification", "9.3", Supervised, "Notification settings cannot be changed."),
    allow("allowOTAPKIUpdates", "7.0", Device, "Trusted certificates are not updated over the air."),
    allow("allowOpenFromManagedToUnmanaged", "7.0", All, "Work documents open in work apps only."),
    allow("allowOpenFromUnmanagedToManaged", "7.0", All, "Personal documents open in personal apps only."),
    allow("allowPairedWatch", "9.0", Supervised, "No watch can be paired; a paired one is unpaired and erased."),
    allow("allowPassbookWhileLocked", "6.0", Device, "Wallet is not shown on the lock screen."),
    allow("allowPasscodeModification", "9.0", Supervised, "The passcode cannot be set, changed or removed."),
    allow("allowPasswordAutoFill", "12.0", Supervised, "Passwords are not filled in or suggested."),
    allow("allowPasswordProximityRequests", "12.0", Supervised, "Nearby devices are not asked for passwords."),
    allow("allowPasswordSharing", "12.0", Supervised, "Passwords cannot be shared by AirDrop."),
    allow("allowPersonalHotspotModification", "12.2", Supervised, "The personal hotspot cannot be changed."),
    allow("allowPersonalizedHandwritingResults", "18.0", Supervised, "No text is made in the user's handwriting."),
    allow("allowPodcasts", "8.0", Supervised, "Podcasts is off."),
    allow("allowPredictiveKeyboard", "8.1.3", Supervised, "The keyboard does not predict."),
    allow("allowProximitySetupToNewDevice", "11.0", Supervised, "New devices nearby cannot be set up from this one."),
    allow("allowRCSMessaging", "18.1", Supervised, "RCS messages are off."),
    allow("allowRadioService", "9.3", Supervised, "Apple Music radio is off."),
    allow("allowRapidSecurityResponseInstallation", "16.0", Supervised, "Rapid security responses are not installed."),
    allow("allowRapidSecurityResponseRemoval", "16.0", Supervised, "Rapid security responses cannot be removed."),
    allow("allowRemoteScreenObservation", "9.3", All, "Teachers cannot watch the screen."),
    allow("allowSafari", "", Supervised, "Safari is gone, and web clips do not open."),
    allow("allowScreenShot", "", All, "No screenshots or screen recordings."),
    allow("allowSharedDeviceTemporarySession", "13.4", Supervised, "No temporary sessions on shared iPads."),
    allow("allowSharedStream", "6.0", Device, "Shared albums are off."),
    allow("allowSpellCheck", "8.1.3", Supervised, "The keyboard does not check spelling."),
    allow("allowSpotlightInternetResults", "8.0", Device, "Searches on the device do not go to the internet."),
    allow("allowSystemAppRemoval", "11.0", Supervised, "System apps cannot be removed."),
    allow(
        "allowUIAppInstallation",
        "9.0",
        Supervised,
        "The App Store is gone; management and other stores still install.",
    ),
    allow(
        "allowUIConfigurationProfileInstallation",
        "6.0",
        Supervised,
        "The user cannot install profiles or certificates.",
    ),
    force("allowUSBRestrictedMode", "11.4.1", Supervised, "USB accessories do not connect while the device is locked."),
    allow("allowUnmanagedToReadManagedContacts", "12.0", All, "Personal apps cannot read work contacts."),
    allow("allowUnpairedExternalBootToRecovery", "14.5", Supervised, "Unpaired devices cannot boot it into recovery."),
    allow("allowUntrustedTLSPrompt", "5.0", Device, "Untrusted certificates of web sites are refused without asking."),
    allow("allowVPNCreation", "11.0", Supervised, "No VPN can be set up, by security apps neither."),
    allow("allowVideoConferencing", "", Supervised, "FaceTime is hidden."),
    allow("allowWallpaperModification", "9.0", Supervised, "The wallpaper cannot be changed."),
    allow("allowWebDistributionAppInstallation", "17.5", Supervised, "No apps straight from web sites."),
    allow("allowWritingTools", "18.0", Supervised, "Writing tools of Apple Intelligence are off."),
    allow("allowiPhoneMirroring", "18.0", Supervised, "The screen cannot be mirrored to a Mac."),
    allow("allowiPhoneWidgetsOnMac", "17.0", Supervised, "Widgets do not show on a Mac."),
    allow("allowiTunes", "", Supervised, "The iTunes Store is gone."),
    apps(
        "autonomousSingleAppModePermittedAppIDs",
        "7.0",
        Restrictive::Intersection,
        "Only these apps may lock the device to themselves.",
    ),
    apps("blockedAppBundleIDs", "15.0", Restrictive::Union, "These apps are hidden and cannot be opened."),
    key(
        "enforcedSoftwareUpdateDelay",
        "11.3",
        Supervised,
        Kind::Integer { min: 1, max: 90 },
        Restrictive::Higher,
        "Days for which a system update stays hidden, if updates are delayed.",
    ),
    force(
        "forceAirDropUnmanaged",
        "9.0",
        All,
        "Work documents cannot be sent by AirDrop if they may not leave work apps.",
    ),
    force("forceAirPlayOutgoingRequestsPairingPassword", "7.1", All, "AirPlay receivers must show a pairing password."),
    force(
        "forceAirPrintTrustedTLSRequirement",
        "11.0",
        Supervised,
        "Only printers with trusted certificates are used.",
    ),
    force("forceAssistantProfanityFilter", "5.0", Supervised, "Siri and dictation avoid profanity."),
    force(
        "forceAuthenticationBeforeAutoFill",
        "11.0",
        Supervised,
        "Face ID or Touch ID is asked before passwords are filled in.",
    ),
    force("forceAutomaticDateAndTime", "12.0", Supervised, "Date and time are set automatically."),
    force(
        "forceClassroomAutomaticallyJoinClasses",
        "11.0",
        Supervised,
        "Teachers' requests are granted without asking.",
    ),
    force("forceClassroomRequestPermissionToLeaveClasses", "11.3", Supervised, "Leaving a course needs the teacher."),
    force("forceClassroomUnpromptedAppAndDeviceLock", "11.0", Supervised, "Teachers lock the device without asking."),
    force("forceClassroomUnpromptedScreenObservation", "11.0", Supervised, "Teachers watch the screen without asking."),
    force("forceDelayedSoftwareUpdates", "11.3", Supervised, "System updates stay hidden for some days."),
    force("forceEncryptedBackup", "", All, "Backups on computers are encrypted."),
    force("forceLimitAdTracking", "7.0", Device, "Apps cannot track the user."),
    force("forceOnDeviceOnlyDictation", "14.5", All, "Dictation does not leave the device."),
    force("forceOnDeviceOnlyTranslation", "15.0", All, "Translation does not leave the device."),
    force("forcePreserveESIMOnErase", "17.2", Supervised, "The eSIM stays when the device is erased."),
    force("forceWatchWristDetection", "8.2", All, "A paired watch must detect the wrist."),
    force("forceWiFiPowerOn", "13.0", Supervised, "Wi-Fi cannot be switched off."),
    force("forceWiFiToAllowedNetworksOnly", "14.5", Supervised, "Only Wi-Fi networks set up by profiles are joined."),
    rating("ratingApps", "The highest age rating of apps: 100 is 4+, 600 is 17+, 1000 all."),
    rating("ratingMovies", "The highest age rating of films; 1000 is all."),
    key("ratingRegion", "", All, REGIONS, Restrictive::Neither, "The country whose age ratings the editor shows."),
    rating("ratingTVShows", "The highest age rating of television shows; 1000 is all."),
    force("requireManagedPasteboard", "15.0", All, "Copy and paste follow the rules for work documents."),
    key(
        "safariAcceptCookies",
        "",
        Device,
        Kind::Number { values: &[0.0, 1.0, 1.5, 2.0] },
        Restrictive::Lower,
        "How cookies are limited: 0 blocks all, 2 only prevents tracking if the user wants it.",
    ),
    allow("safariAllowAutoFill", "", Supervised, "Safari does not fill in forms."),
    allow("safariAllowJavaScript", "", Device, "Safari runs no JavaScript."),
    allow("safariAllowPopups", "", Device, "Safari opens no pop-ups."),
    force("safariForceFraudWarning", "", All, "Safari warns of fraudulent sites, and this cannot be switched off."),
];
