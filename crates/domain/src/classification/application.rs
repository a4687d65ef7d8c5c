//! Rows of the families application and file: what is installed or stored on the phone.

use super::{ANDROID, BOTH, Classification, IOS, Response, technique as t};
use crate::level::{
    Family::{Application, File},
    RiskLevel::{Advisory, High, Low, Medium},
};

const fn app(
    id: &'static str,
    name: &'static str,
    level: crate::level::RiskLevel,
    technique: Option<super::Technique>,
) -> Classification {
    Classification::new(id, name, Application, BOTH, level, technique)
}

pub(super) static ROWS: &[Classification] = &[
    app("adware", "Adware", Low, t::GENERATE_TRAFFIC)
        .user("An app shows intrusive advertising and collects data about you. Uninstall it.")
        .admin("Ask the user to uninstall the app; put it on the denylist if it is found on several devices."),
    app("app_dropper", "App Dropper", High, t::DOWNLOAD_NEW_CODE)
        .user("An app secretly installs other, harmful apps. Uninstall it now, along with any app you do not recognise.")
        .admin("Have the app removed, then look for apps installed after it; reset the device if any of them remains."),
    app("app_out_of_compliance", "App Out of Compliance", Medium, None)
        .user("An app on your phone breaks your organisation's rules, or a required app is missing. Open your work app store and put it right.")
        .admin("Compare the installed apps with the required and denied ones, and tell the user which app is meant."),
    app("app_tampering", "App Tampering", High, t::HIJACK_EXECUTION_FLOW)
        .user("An app has been tampered with. Uninstall it and install it again from the official store.")
        .admin("Find out how the app was changed (repackaged, hooked, debugged); treat its credentials as exposed."),
    app("backdoor", "Backdoor", High, t::REMOTE_ACCESS)
        .user("An app lets strangers control your phone. Uninstall it now and change your work password from another device.")
        .admin("Have the app removed, end the user's sessions, change credentials used on the device and consider a reset."),
    app("bot", "Bot", High, t::PROXY_THROUGH_VICTIM)
        .user("An app uses your phone for attacks on others. Uninstall it now and restart your phone.")
        .admin("Have the app removed, and block the addresses it talks to."),
    app("chargeware", "Chargeware", Medium, t::GENERATE_TRAFFIC)
        .user("An app charges you without asking clearly. Uninstall it and check your phone bill.")
        .admin("Have the app removed and check the device's mobile bill."),
    app("click_fraud", "Click Fraud", Medium, t::GENERATE_TRAFFIC)
        .user("An app clicks on advertisements in the background. Uninstall it.")
        .admin("Have the app removed; expect battery and data use to fall."),
    app("connectivity", "Connectivity", Low, t::APPLICATION_PROTOCOL)
        .user("An app talks to servers it should not talk to. Uninstall it unless your work needs it.")
        .admin("Check the servers named in the evidence; put the app on the denylist if your data may reach them."),
    app("dangerous_app", "Dangerous App", High, None)
        .user("A dangerous app is installed. Uninstall it now.")
        .admin("Have the app removed, and check what it could reach on the device."),
    app("data_leak", "Data Leak", Medium, t::EXFILTRATION_C2)
        .user("An app sends personal or work data away without protection. Stop using it and uninstall it.")
        .admin("Find out which data leaves and where to; deny the app or require a fixed version."),
    app("denylisted_app", "Denylisted App", Medium, None)
        .user("An app your organisation does not allow is installed. Uninstall it.")
        .admin("If the user needs the app, add an exception; otherwise block it by application control."),
    app("exploit", "Exploit", High, t::PRIVILEGE_ESCALATION)
        .user("An app or file attacks weaknesses of your phone. Delete it now and install all system updates.")
        .admin("Have it removed, update the system, and check the device's integrity before trusting it again."),
    app("likely_unsafe_app", "Likely Unsafe App", Low, None)
        .user("An app is probably unsafe. Uninstall it unless you really need it.")
        .admin("Review the app's verdict; allow or deny it for everyone."),
    app("malware", "Malware", High, None)
        .user("A harmful app is installed. Uninstall it now and restart your phone.")
        .admin("Have the app removed, and change credentials used on the device since it was installed."),
    Classification::new("non_app_store_signer", "Non-App-Store Signer", Application, IOS, Advisory, t::CODE_SIGNING_POLICY)
        .response(Response::DoNotAlert)
        .user("An app did not come from the App Store. Uninstall it if it is not from your organisation.")
        .admin("Trust the signer if it is yours or a partner's; otherwise have the app and its developer trust removed."),
    app("ransomware", "Ransomware", High, t::ENCRYPTED_FOR_IMPACT)
        .user("An app locks your files to demand money. Do not pay, disconnect from Wi-Fi and call your help desk.")
        .admin("Cut the device off from shared data, reset it and restore from a backup made before the infection."),
    app("riskware", "Riskware", Low, None)
        .user("An app behaves in risky ways. Uninstall it unless your work needs it.")
        .admin("Decide whether the app's benefit is worth its risk; allow or deny it for everyone."),
    Classification::new("risky_app_permissions", "Risky App Permissions", Application, ANDROID, Low, t::DEVICE_ADMINISTRATOR)
        .user("An app has more rights than it should. Take away its device administrator and other rights in Settings, or uninstall it.")
        .admin("Check which rights the app holds; device administrator rights are the serious ones."),
    Classification::new("root_enabler", "Root Enabler", Application, ANDROID, High, t::PRIVILEGE_ESCALATION)
        .user("An app that breaks your phone's protection is installed. Uninstall it now.")
        .admin("Have the app removed and check that the device is not rooted; if it is, reset it."),
    app("sideloaded_app", "Sideloaded App", Advisory, t::MASQUERADING)
        .response(Response::DoNotAlert)
        .user("An app did not come from an official store. Uninstall it if it is not from your organisation.")
        .admin("Check where the app came from; forbid unknown sources if it was not yours."),
    app("spam", "Spam", Low, t::SMS_CONTROL)
        .user("An app sends unwanted messages. Uninstall it and check your sent messages and phone bill.")
        .admin("Have the app removed."),
    app("spy", "Spy", High, t::PROTECTED_USER_DATA)
        .user("An app passes on your messages and contacts. Uninstall it now and change your passwords from another device.")
        .admin("Have the app removed, find out what it collected, and change credentials used on the device."),
    app("spyware", "Spyware", High, t::AUDIO_CAPTURE)
        .user("Spying software is on your phone. Do not discuss anything confidential near it, and call your help desk from another phone.")
        .admin("Keep the device as evidence if the user may be a target; then replace or reset it and change credentials."),
    app("stalkerware", "Stalkerware", High, t::LOCATION_TRACKING)
        .user("An app lets someone follow you in secret. Think of your own safety first; ask for help from a phone nobody else has used.")
        .admin("Talk to the user in private before anything is removed: whoever installed the app will notice."),
    app("surveillance", "Surveillance", High, t::AUDIO_CAPTURE)
        .user("An app watches what you do on your phone. Uninstall it now and call your help desk.")
        .admin("Have the app removed; find out who installed it and what it could see."),
    app("toll_fraud", "Toll Fraud", High, t::GENERATE_TRAFFIC)
        .user("An app runs up your phone bill with paid messages or calls. Uninstall it now and check your bill.")
        .admin("Have the app removed, dispute the charges and ask the carrier to block premium services."),
    app("trojan", "Trojan", High, t::MASQUERADING)
        .user("An app pretends to be useful but does harm. Uninstall it now and restart your phone.")
        .admin("Have the app removed, and change credentials used on the device since it was installed."),
    app(super::UNKNOWN, "Unknown", Medium, None)
        .user("Something on your phone may be harmful. Call your help desk before you use work apps again.")
        .admin("Look at the evidence: the source used a name that is not in this table. Rate it by what it is."),
    app("unsafe_app", "Unsafe App", Medium, None)
        .user("An unsafe app is installed. Uninstall it.")
        .admin("Have the app removed or replaced by a safe one; deny it for everyone."),
    app("virus", "Virus", High, None)
        .user("An app spreads harmful code on your phone. Uninstall it now and restart your phone.")
        .admin("Have the app removed, scan the device again and check devices that exchanged files with it."),
    app("worm", "Worm", High, t::REMOTE_SERVICES)
        .user("An app spreads itself to other devices. Switch Wi-Fi and Bluetooth off, uninstall it and call your help desk.")
        .admin("Keep the device off internal networks until the app is gone; check devices it was near."),
    Classification::new("malicious_file", "Malicious File", File, BOTH, High, t::CLIENT_EXECUTION)
        .user("A harmful file is on your phone. Delete it and do not open it again.")
        .admin("Have the file deleted, find out where it came from and block it there."),
    Classification::new("vulnerability", "Vulnerability", File, BOTH, Advisory, t::INITIAL_ACCESS)
        .user("An app or file has a known weakness. Install the latest updates from the store.")
        .admin("Require the fixed version; raise the level if the weakness is being exploited."),
];
