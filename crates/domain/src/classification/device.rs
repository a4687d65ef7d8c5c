//! Rows of the families configuration and os: how the phone is set up, and the state of its system.

use super::{ANDROID, BOTH, Classification, IOS, Technique, technique as t};
use crate::level::{
    Family::{Configuration, Os},
    Platform, RiskLevel,
    RiskLevel::{Advisory, High, Low, Medium},
};

const fn setting(
    id: &'static str,
    name: &'static str,
    platforms: &'static [Platform],
    level: RiskLevel,
    technique: Option<Technique>,
) -> Classification {
    Classification::new(id, name, Configuration, platforms, level, technique)
}

const fn system(
    id: &'static str,
    name: &'static str,
    platforms: &'static [Platform],
    level: RiskLevel,
    technique: Option<Technique>,
) -> Classification {
    Classification::new(id, name, Os, platforms, level, technique)
}

pub(super) static ROWS: &[Classification] = &[
    setting("adb_apps_not_verified", "ADB Apps Not Verified", ANDROID, Low, t::IMPAIR_DEFENSES)
        .user("Apps installed from a computer are not checked. Switch on \"Verify apps over USB\" in the developer options.")
        .admin("Enforce app verification and disable developer options by policy."),
    setting("adb_wifi_enabled", "Wireless Debugging Enabled", ANDROID, Medium, t::REMOTE_SERVICES)
        .user("Wireless debugging is on: others on the same Wi-Fi may control your phone. Switch it off in the developer options.")
        .admin("Disable developer options by policy unless the user develops apps."),
    setting("agent_outdated", "Agent Outdated", BOTH, Advisory, None)
        .user("Your security app is out of date. Update it from the store.")
        .admin("Require the current version of the app; devices that stay behind miss new threats."),
    setting("always_on_vpn_app_set", "Always-On VPN App Set", ANDROID, Advisory, None)
        .user("A VPN app is always on. If your organisation did not set it up, remove it in Settings > VPN.")
        .admin("Check that the VPN app is yours: another one sees all traffic of the device."),
    setting("app_debug_enabled", "App Debugging Enabled", ANDROID, Low, t::HIJACK_EXECUTION_FLOW)
        .user("An app is open for debugging. Switch the developer options off, or uninstall the app.")
        .admin("Disable developer options by policy; do not distribute debuggable builds."),
    setting("app_pending_activation", "App Pending Activation", BOTH, Advisory, None)
        .user("Your security app is not active yet. Open it and follow the steps.")
        .admin("Remind the user; until then nothing is known about threats on this device."),
    setting("bootloader_unlocked", "Bootloader Unlocked", ANDROID, Medium, t::CLIENT_BINARY)
        .user("Your phone's start-up protection is unlocked. Call your help desk; locking it again erases the phone.")
        .admin("Have the data backed up and the bootloader locked; refuse the device sensitive data until then."),
    setting("developer_mode", "Developer Mode", BOTH, Low, None)
        .user("Developer mode is on. Switch it off in Settings unless you develop apps.")
        .admin("Disable developer options by policy unless the user develops apps."),
    setting("malicious_certificate", "Malicious Certificate", BOTH, High, t::SUBVERT_TRUST)
        .user("A certificate on your phone lets others read protected traffic. Remove it in Settings and change your passwords.")
        .admin("Have the certificate removed, find out who installed it and change credentials used since."),
    setting("malicious_profile", "Malicious Profile", IOS, High, t::SUBVERT_TRUST)
        .user("A harmful configuration profile is installed. Remove it in Settings > General > VPN & Device Management.")
        .admin("Have the profile removed and look at what it set: certificates, proxies, VPN. Change credentials used since."),
    setting("no_passcode", "No Passcode", BOTH, Medium, t::LOCKSCREEN_BYPASS)
        .user("Your phone has no screen lock. Set a passcode in Settings.")
        .admin("Require a passcode by profile."),
    setting("not_encrypted", "Not Encrypted", ANDROID, Medium, t::STORED_APPLICATION_DATA)
        .user("The data on your phone is not encrypted. Set a screen lock, then switch encryption on in Settings > Security.")
        .admin("Require encryption by profile; replace devices that cannot encrypt."),
    setting("out_of_date_security_patch", "Out-of-Date Security Patch", ANDROID, Advisory, t::INITIAL_ACCESS)
        .user("A security update is available for your phone. Install it in Settings > System > System update.")
        .admin("Ask the user to update, or enforce system updates; plan to replace models that get no more patches."),
    setting("pcp_disabled", "Phishing and Content Protection Disabled", BOTH, Low, t::DISABLE_TOOLS)
        .user("Protection against phishing is off. Open your security app and switch it on.")
        .admin("Ask the user to switch it on; on managed devices deploy its VPN or content filter by profile."),
    setting("pcp_paused", "Phishing and Content Protection Paused", BOTH, Advisory, None)
        .user("Protection against phishing is paused. Open your security app and resume it.")
        .admin("Nothing to do unless it stays paused; another VPN app may be in the way."),
    setting("play_protect_disabled", "Play Protect Disabled", ANDROID, Low, t::DISABLE_TOOLS)
        .user("Google Play Protect is off. Switch it on in the Play Store under Play Protect > Settings.")
        .admin("Enforce app verification by profile."),
    setting("repeated_non_compliance", "Repeated Non-Compliance", BOTH, Medium, None)
        .behaviour()
        .user("Your phone has broken your organisation's rules several times. Put right what is shown and keep it that way.")
        .admin("Talk to the user: the same rules are broken again and again."),
    setting("sim_change", "SIM Change", BOTH, Low, t::SIM_SWAP)
        .behaviour()
        .user("The SIM card of your phone has changed. If it was not you, call your help desk and your carrier now.")
        .admin("Confirm with the user; if it was not them, treat phone-based sign-in as compromised."),
    setting("suspicious_profile", "Suspicious Profile", IOS, Medium, t::SUBVERT_TRUST)
        .user("An untrusted configuration profile is installed. Remove it in Settings > General > VPN & Device Management.")
        .admin("Find out where the profile came from; have it removed unless it is from a trusted party."),
    setting("unknown_sources", "Unknown Sources Enabled", ANDROID, Low, t::CODE_SIGNING_POLICY)
        .user("Your phone may install apps from outside the store. Switch \"Install unknown apps\" off in Settings.")
        .admin("Forbid untrusted apps by profile."),
    setting("usb_debugging", "USB Debugging Enabled", ANDROID, Medium, t::REMOVABLE_MEDIA)
        .user("USB debugging is on: a computer can control your phone. Switch it off in the developer options.")
        .admin("Disable developer options by policy unless the user develops apps."),
    setting("vpn_disabled", "Protective VPN Disabled", BOTH, Low, t::DISABLE_TOOLS)
        .user("The VPN of your security app is off, so harmful sites are not blocked. Open the app and switch it on.")
        .admin("Ask the user to switch it on; deploy it by profile on managed devices."),
    system("abnormal_process_activity", "Abnormal Process Activity", BOTH, High, t::PROCESS_INJECTION)
        .user("A program on your phone behaves like an attack. Restart your phone and call your help desk.")
        .admin("Check the evidence for the process; keep the device off sensitive data until it is explained or reset."),
    system("device_attestation_failed", "Device Attestation Failed", BOTH, High, t::CLIENT_BINARY)
        .user("Your phone could not prove that its system is genuine. Restart it; if this stays, call your help desk.")
        .admin("If it fails again after a restart and an update, treat the system as modified and reset or replace it."),
    system("elevation_of_privileges", "Elevation of Privileges", BOTH, High, t::PRIVILEGE_ESCALATION)
        .user("A program has gained control over your phone. Switch it off and call your help desk from another phone.")
        .admin("Treat the device as compromised: isolate it, keep evidence, reset it and change credentials."),
    system("jailbroken", "Jailbroken", IOS, High, t::PRIVILEGE_ESCALATION)
        .user("Your phone is jailbroken, so its protection is gone. Call your help desk: it has to be restored.")
        .admin("Block access to work data and have the device restored with a computer before it is enrolled again."),
    system("out_of_date_os", "Out-of-Date OS", BOTH, Medium, t::INITIAL_ACCESS)
        .user("Your phone's system is out of date. Install the update offered in Settings.")
        .admin("Ask the user to update, or enforce the update; plan to replace models that cannot be updated."),
    system("rooted", "Rooted", ANDROID, High, t::PRIVILEGE_ESCALATION)
        .user("Your phone is rooted, so its protection is gone. Call your help desk: it has to be reset.")
        .admin("Block access to work data and have the device reset with the maker's system before it is enrolled again."),
    system("selinux_disabled", "SELinux Disabled", ANDROID, High, t::IMPAIR_DEFENSES)
        .user("A basic protection of your phone is off. Call your help desk.")
        .admin("Treat the system as modified: have the maker's system installed again."),
    system("system_tampering", "System Tampering", BOTH, High, t::CLIENT_BINARY)
        .user("Your phone's system has been changed. Do not use it for work and call your help desk.")
        .admin("Treat the device as compromised: isolate it, keep evidence, reset it and change credentials."),
    system("vulnerable_os", "Vulnerable OS", BOTH, Medium, t::INITIAL_ACCESS)
        .user("Your phone's system has known weaknesses. Install the update offered in Settings.")
        .admin("Enforce the update that closes the weakness; if there is none, raise the level or limit the device."),
];
