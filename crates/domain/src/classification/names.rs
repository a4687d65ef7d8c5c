//! What sources call the kinds of threats: every name they use leads to one row.
//!
//! Names are compared by their ASCII letters and digits in lower case, so that `MAN_IN_THE_MIDDLE`, `Man in the middle`
//! and `ManInTheMiddle` are the same. A row's own id and name need no entry here.

use std::{collections::HashMap, sync::LazyLock};

/// Names are at most this long; a longer one is no name.
const LONGEST: usize = 80;

/// The id of the row a source means by `name`, or `name` itself when it is in no vocabulary we know.
///
/// A name that is returned as it came is rated like [`super::UNKNOWN`].
pub fn canonical(name: &str) -> &str {
    if let Some(row) = super::find(name) {
        return row.id;
    }
    let mut buffer = [0; LONGEST];
    match comparable(name, &mut buffer) {
        Some(key) => BY_NAME.get(key).copied().unwrap_or(name),
        None => name,
    }
}

static BY_NAME: LazyLock<HashMap<Box<[u8]>, &'static str>> = LazyLock::new(|| {
    let own = super::all().iter().flat_map(|row| [(row.id, row.id), (row.name, row.id)]);
    let aliases = ALIASES.iter().flat_map(|(id, names)| names.iter().map(|name| (*name, *id)));
    own.chain(aliases).filter_map(|(name, id)| Some((comparable(name, &mut [0; LONGEST])?.into(), id))).collect()
});

/// The letters and digits of a name in lower case; `None` when it is empty, too long or has letters outside ASCII.
fn comparable<'a>(name: &str, buffer: &'a mut [u8; LONGEST]) -> Option<&'a [u8]> {
    let mut length = 0;
    for letter in name.chars().filter(|letter| letter.is_alphanumeric()) {
        let byte = letter.is_ascii().then(|| letter.to_ascii_lowercase() as u8)?;
        *buffer.get_mut(length)? = byte;
        length += 1;
    }
    buffer.get(..length).filter(|key| !key.is_empty())
}

/// Row id → the other names sources use for it: Lookout, Zimperium (and products built on it), MaaS360, Pradeo, Jamf,
/// Microsoft Defender, Android Management.
pub(super) static ALIASES: &[(&str, &[&str])] = &[
    ("abnormal_process_activity", &["process anomaly"]),
    ("adb_wifi_enabled", &["ADB Wi-Fi Enabled", "wireless_debugging"]),
    ("agent_outdated", &["outdated_agent"]),
    ("app_debug_enabled", &["App Debug Enabled"]),
    ("app_out_of_compliance", &["App compliance state", "App compliance state = out of compliance"]),
    ("app_tampering", &["Suspicious Malware/spyware for Apps or Extensions"]),
    ("arp_scan", &["Protocol Scan"]),
    ("bootloader_unlocked", &["unlocked_bootloader"]),
    ("blocked_url_access", &["Blocked URL Access (Secure Browser)"]),
    ("ceo_fraud", &["FRAUD_DETECTION", "executive_impersonation"]),
    ("credit_card_leak", &["card data leak"]),
    ("danger_zone_connected", &["danger_zone"]),
    ("dangerous_app", &["dangerous"]),
    ("denylisted_app", &["BLACKLISTED_APP", "blocklisted_app"]),
    ("developer_mode", &["Developer debugging enabled", "DebugMode", "developer_options", "developerOptionsOn"]),
    (
        "device_attestation_failed",
        &[
            "Device attestation status",
            "Device attestation status = Failed",
            "HARDWARE_BACKED_EVALUATION_FAILED",
            "UNKNOWN_OS",
        ],
    ),
    ("elevation_of_privileges", &["privilege_escalation"]),
    ("email_leak", &["e-mail leak", "email leak"]),
    ("fake_certificate", &["fake SSL cert", "fake_ssl_certificate"]),
    ("jailbroken", &["Device Jailbroken", "isJailbroken", "jailbreak"]),
    ("likely_unsafe_app", &["likely unsafe"]),
    ("malicious_certificate", &["malicious certs", "malicious_certificates"]),
    ("malicious_content", &["MALICIOUS"]),
    ("malicious_email", &["Malicious email received"]),
    ("man_in_the_middle", &["MITM"]),
    ("no_passcode", &["Screen Lock disabled", "lockScreenUnprotected", "no_screen_lock"]),
    ("not_encrypted", &["DeviceNotEncrypted", "device_encryption_disabled"]),
    ("offensive_content", &["OBJECTIONABLE_CONTENT", "OFFENSIVE"]),
    ("open_wifi", &["Insecure Wi-Fi", "open_wi_fi", "unsecured_wifi_network"]),
    ("out_of_date_os", &["SystemNotUpToDate", "os_out_of_date", "outdated_os"]),
    ("out_of_date_security_patch", &["OUT_OF_DATE_ASPL"]),
    ("phishing_content", &["PHISHING", "phishing_link"]),
    ("play_protect_disabled", &["google_play_protect_disabled"]),
    ("repeated_non_compliance", &["Out of compliance (OOC) events", "Out of compliance events", "OOC events"]),
    ("risky_app_permissions", &["Excessive app permissions"]),
    ("rogue_access_point", &["rogue AP"]),
    (
        "rooted",
        &["Root", "device_rooted", "Jailbroken/rooted state", "Jail broken or Rooted State", "rooted_jailbroken"],
    ),
    ("sim_change", &["SIM change detected on device"]),
    ("smishing", &["Malicious SMS received", "EMBEDDED_PHISHING_URL", "URL_DETECTION", "SMS and email phishing"]),
    ("suspicious_content", &["ANALYSIS"]),
    ("suspicious_profile", &["Risky/Suspicious Profile", "risky_profile", "untrusted_profile"]),
    ("system_tampering", &["COMPROMISED_OS", "lost_integrity", "file_system_changed"]),
    ("unauthorized_content", &["BLACKLISTED", "DENYLISTED", "UNAUTHORIZED"]),
    ("unsafe_app", &["unsafe"]),
    ("usb_debugging", &["USB debugging mode", "adb_enabled"]),
];
