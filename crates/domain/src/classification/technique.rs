//! The techniques of MITRE ATT&CK for Mobile that rows refer to.

use super::Technique;

macro_rules! techniques {
    ($($name:ident = $id:literal $title:literal;)*) => {
        $(pub(super) const $name: Option<Technique> = Some(Technique { id: $id, name: $title });)*
    };
}

techniques! {
    PRIVILEGE_ESCALATION = "T1404" "Exploitation for Privilege Escalation";
    DOWNLOAD_NEW_CODE = "T1407" "Download New Code at Runtime";
    STORED_APPLICATION_DATA = "T1409" "Stored Application Data";
    NETWORK_SCANNING = "T1423" "Network Service Scanning";
    REMOTE_SERVICES = "T1428" "Exploitation of Remote Services";
    LOCATION_TRACKING = "T1430" "Location Tracking";
    APPLICATION_PROTOCOL = "T1437" "Application Layer Protocol";
    SIM_SWAP = "T1451" "SIM Card Swap";
    REMOVABLE_MEDIA = "T1458" "Replication Through Removable Media";
    LOCKSCREEN_BYPASS = "T1461" "Lockscreen Bypass";
    ENCRYPTED_FOR_IMPACT = "T1471" "Data Encrypted for Impact";
    AUDIO_CAPTURE = "T1429" "Audio Capture";
    SMS_CONTROL = "T1582" "SMS Control";
    PROXY_THROUGH_VICTIM = "T1604" "Proxy Through Victim";
    HIJACK_EXECUTION_FLOW = "T1625" "Hijack Execution Flow";
    DEVICE_ADMINISTRATOR = "T1626.001" "Device Administrator Permissions";
    IMPAIR_DEFENSES = "T1629" "Impair Defenses";
    DISABLE_TOOLS = "T1629.003" "Disable or Modify Tools";
    PROCESS_INJECTION = "T1631" "Process Injection";
    SUBVERT_TRUST = "T1632" "Subvert Trust Controls";
    CODE_SIGNING_POLICY = "T1632.001" "Code Signing Policy Modification";
    PROTECTED_USER_DATA = "T1636" "Protected User Data";
    ADVERSARY_IN_THE_MIDDLE = "T1638" "Adversary-in-the-Middle";
    GENERATE_TRAFFIC = "T1643" "Generate Traffic from Victim";
    CLIENT_BINARY = "T1645" "Compromise Client Software Binary";
    EXFILTRATION_C2 = "T1646" "Exfiltration Over C2 Channel";
    MASQUERADING = "T1655" "Masquerading";
    CLIENT_EXECUTION = "T1658" "Exploitation for Client Execution";
    PHISHING = "T1660" "Phishing";
    REMOTE_ACCESS = "T1663" "Remote Access Software";
    INITIAL_ACCESS = "T1664" "Exploitation for Initial Access";
    DRIVE_BY = "T1456" "Drive-By Compromise";
}
