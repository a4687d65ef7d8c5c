//! What a device under Google's management reads back: the policy it has applied, what of it does not hold, and itself.
//!
//! Pure. What a report does not say, or says in a way that cannot be, is left out: absent says nothing. Google leaves
//! out members that are false, so a group of settings that is there says all of them.

use std::collections::BTreeSet;

use allclear_domain::{
    app::{App, AppSource, LONGEST},
    detection::Observed,
    device::{ManagementType, Ownership, SecurityState},
    time::Time,
};
use allclear_engine::ingest::Inventory;
use data_encoding::{BASE64, HEXLOWER};
use serde_json::Value;

use super::{conflicts::units, passwords, policy::Policy, rules::at};

/// Where a device stands with Google.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum State {
    /// It works.
    Active,
    /// It is locked out of work until it is made active again.
    Disabled,
    /// Its management is gone.
    Deleted,
    /// It has not applied a policy yet.
    Provisioning,
    /// It is in lost mode.
    Lost,
    /// Something else.
    Other,
}

/// Something of the policy that does not hold on the device, in Google's words.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NonCompliance {
    /// The member of the policy.
    pub setting: String,
    /// Why it does not hold.
    pub reason: String,
    /// The app it is about.
    pub package: Option<String>,
    /// The field within the member, as JavaScript writes it.
    pub field_path: Option<String>,
    /// Why, more exactly.
    pub specific: Option<String>,
    /// Why an app is not installed.
    pub installation: Option<String>,
    /// The GUID of the network it is about.
    pub network: Option<String>,
    /// What the password it is about protects.
    pub scope: Option<String>,
}

/// What a device reported of itself.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Reading {
    /// Its name at Google: `enterprises/{enterprise}/devices/{device}`; empty if it is not said.
    pub name: String,
    /// Where it is to stand; deleted in its last report.
    pub state: Option<State>,
    /// Where it stands.
    pub applied_state: Option<State>,
    /// The id of the policy it is to have.
    pub policy: Option<String>,
    /// The id and version of the policy it has.
    pub applied: Option<(String, i64)>,
    /// Whether all of the policy holds.
    pub compliant: bool,
    /// What of it does not.
    pub not_complied: Vec<NonCompliance>,
    /// What it is, how it is protected and which apps are on it.
    pub inventory: Inventory,
    /// The maker's serial number, if that is said.
    pub serial: Option<String>,
    /// How much of it is managed: all or a work profile.
    pub management: Option<ManagementType>,
    /// Whose it is: the organisation's or its user's.
    pub ownership: Option<Ownership>,
    /// When it last reported.
    pub last_report: Option<Time>,
    /// When it last fetched its policy.
    pub last_sync: Option<Time>,
    /// The name of the enrollment token it came with.
    pub token_name: Option<String>,
    /// What was written into that token.
    pub token_data: Option<String>,
    /// The names the same device had in former enrollments, oldest first.
    pub previous_names: Vec<String>,
}

/// What a `Device` of the API says.
pub fn read(device: &Value) -> Reading {
    let management = match device.get("managementMode").and_then(Value::as_str) {
        Some("DEVICE_OWNER") => Some(ManagementType::FullyManaged),
        Some("PROFILE_OWNER") => Some(ManagementType::WorkProfile),
        _ => None,
    };
    let ownership = match device.get("ownership").and_then(Value::as_str) {
        Some("COMPANY_OWNED") => Some(Ownership::CorporateDedicated),
        Some("PERSONALLY_OWNED") => Some(Ownership::EmployeeOwned),
        _ => None,
    };
    let time = |key| device.get(key)?.as_str()?.parse().ok();
    let serial = text(device, "hardwareInfo.serialNumber");
    let policy_id = |key| text(device, key).and_then(|name| Some(name.rsplit('/').next()?.to_owned()));
    Reading {
        name: text(device, "name").unwrap_or_default(),
        state: state(device.get("state")),
        applied_state: state(device.get("appliedState")),
        policy: policy_id("policyName"),
        applied: policy_id("appliedPolicyName").zip(device.get("appliedPolicyVersion").and_then(whole)),
        compliant: truth(device, "policyCompliant"),
        not_complied: list(device, "nonComplianceDetails").map(non_compliance).collect(),
        inventory: inventory(device),
        // In place of the serial number, phones of their users may give an id that means something here only.
        serial: serial.filter(|serial| Some(serial) != text(device, "hardwareInfo.enterpriseSpecificId").as_ref()),
        management,
        ownership,
        last_report: time("lastStatusReportTime"),
        last_sync: time("lastPolicySyncTime"),
        token_name: text(device, "enrollmentTokenName"),
        token_data: device.get("enrollmentTokenData").and_then(Value::as_str).map(str::to_owned),
        previous_names: list(device, "previousDeviceNames").filter_map(Value::as_str).map(str::to_owned).collect(),
    }
}

fn state(state: Option<&Value>) -> Option<State> {
    Some(match state?.as_str()? {
        "DEVICE_STATE_UNSPECIFIED" => return None,
        "ACTIVE" => State::Active,
        "DISABLED" => State::Disabled,
        "DELETED" => State::Deleted,
        "PROVISIONING" => State::Provisioning,
        "LOST" => State::Lost,
        _ => State::Other,
    })
}

fn non_compliance(detail: &Value) -> NonCompliance {
    NonCompliance {
        setting: text(detail, "settingName").unwrap_or_default(),
        reason: text(detail, "nonComplianceReason").unwrap_or_default(),
        package: text(detail, "packageName"),
        field_path: text(detail, "fieldPath"),
        specific: text(detail, "specificNonComplianceReason"),
        installation: text(detail, "installationFailureReason"),
        network: text(detail, "specificNonComplianceContext.oncWifiContext.wifiGuid"),
        scope: text(detail, "specificNonComplianceContext.passwordPoliciesContext.passwordPolicyScope"),
    }
}

fn inventory(device: &Value) -> Inventory {
    let observed = Observed {
        platform: None,
        manufacturer: text(device, "hardwareInfo.manufacturer").or_else(|| text(device, "hardwareInfo.brand")),
        model: text(device, "hardwareInfo.model"),
        os_version: text(device, "softwareInfo.androidVersion"),
        security_patch_level: text(device, "softwareInfo.securityPatchLevel"),
    };
    let apps = device.get("applicationReports").and_then(Value::as_array);
    let apps = apps.map(|apps| apps.iter().filter_map(app).collect());
    Inventory { observed, security: security(device), apps, ..Inventory::default() }
}

fn security(device: &Value) -> SecurityState {
    let mut seen = SecurityState::default();
    if let Some(settings) = device.get("deviceSettings").filter(|it| it.as_object().is_some_and(|it| !it.is_empty())) {
        seen.passcode_present = Some(truth(settings, "isDeviceSecure"));
        seen.encrypted = Some(match settings.get("encryptionStatus").and_then(Value::as_str) {
            Some(status) => status.starts_with("ACTIVE"),
            None => truth(settings, "isEncrypted"),
        });
        seen.usb_debugging = Some(truth(settings, "adbEnabled"));
        seen.developer_mode = Some(truth(settings, "developmentSettingsEnabled"));
        seen.unknown_sources = Some(truth(settings, "unknownSourcesEnabled"));
    }
    let posture = text(device, "securityPosture.devicePosture");
    let risks: BTreeSet<&str> = at(device, "securityPosture.postureDetails")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|detail| detail.get("securityRisk")?.as_str())
        .collect();
    let secure = posture.as_deref() == Some("SECURE");
    let compromised = posture.as_deref() == Some("POTENTIALLY_COMPROMISED") || risks.contains("COMPROMISED_OS");
    seen.rooted = if compromised { Some(true) } else { secure.then_some(false) };
    seen.bootloader_unlocked = if risks.contains("UNKNOWN_OS") { Some(true) } else { secure.then_some(false) };
    seen
}

fn app(said: &Value) -> Option<App> {
    // Reports go on naming an app for a while after it is gone.
    if said.get("state").and_then(Value::as_str) == Some("REMOVED") {
        return None;
    }
    let by_store = text(said, "installerPackageName").as_deref() == Some("com.android.vending");
    let source = match said.get("applicationSource").and_then(Value::as_str) {
        Some("INSTALLED_FROM_PLAY_STORE" | "CUSTOM") => AppSource::Store,
        None | Some("APPLICATION_SOURCE_UNSPECIFIED") if !by_store => AppSource::Sideloaded,
        None | Some("APPLICATION_SOURCE_UNSPECIFIED") => AppSource::Store,
        // With the system.
        Some(_) => AppSource::Unknown,
    };
    let certificate = list(said, "signingKeyCerts").next().and_then(|it| text(it, "signingKeyCertFingerprintSha256"));
    Some(App {
        identifier: text(said, "packageName")?,
        name: text(said, "displayName"),
        version: text(said, "versionName"),
        certificate_sha256: certificate.and_then(|it| BASE64.decode(it.as_bytes()).ok()).map(|it| HEXLOWER.encode(&it)),
        certificate_sha1: None,
        sha256: text(said, "packageSha256Hash"),
        source,
    })
}

fn list<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    object.get(key).and_then(Value::as_array).into_iter().flatten()
}

fn truth(object: &Value, key: &str) -> bool {
    object.get(key).and_then(Value::as_bool) == Some(true)
}

/// A 64-bit number, which JSON of Google's carries as text.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn text(object: &Value, path: &str) -> Option<String> {
    let text = at(object, path)?.as_str()?.trim();
    let fits = (1..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// What has come of a profile on a device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It holds.
    Holds {
        /// Parts that a device of this version or way of management cannot take, in a sentence.
        without: Option<String>,
    },
    /// The device is at it.
    NotYet,
    /// It does not hold, and why, in a sentence.
    Fails(String),
}

/// What has come of a profile that is part of the policy the device has applied.
///
/// What the device cannot take at all is no failure, as long as it takes anything of the profile.
pub fn of_profile(profile: &Policy, reading: &Reading) -> Standing {
    let units = units(&profile.to_json());
    let (mut failing, mut unable, mut pending) = (BTreeSet::new(), BTreeSet::new(), false);
    let mut left: BTreeSet<&Vec<String>> = units.keys().collect();
    for detail in &reading.not_complied {
        let hit: Vec<_> = units.keys().filter(|unit| concerns(detail, unit)).collect();
        if hit.is_empty() {
            continue;
        }
        match detail.reason.as_str() {
            "PENDING" => pending = true,
            // An app that is on its way.
            "APP_NOT_INSTALLED" | "APP_NOT_UPDATED" if detail.installation.as_deref() == Some("IN_PROGRESS") => {
                pending = true;
            }
            "API_LEVEL" | "MANAGEMENT_MODE" | "UNSUPPORTED" | "DEVICE_INCOMPATIBLE" | "APP_INCOMPATIBLE" => {
                unable.insert(sentence(detail));
                hit.iter().for_each(|unit| {
                    left.remove(unit);
                });
            }
            _ => {
                failing.insert(sentence(detail));
            }
        }
    }
    let said = |sentences: BTreeSet<String>| sentences.into_iter().collect::<Vec<_>>().join(" ");
    if !failing.is_empty() {
        Standing::Fails(said(failing))
    } else if pending {
        Standing::NotYet
    } else if !unable.is_empty() && left.is_empty() {
        Standing::Fails(said(unable))
    } else {
        Standing::Holds { without: (!unable.is_empty()).then(|| said(unable)) }
    }
}

/// Whether a detail is about something that a profile gives.
fn concerns(detail: &NonCompliance, unit: &[String]) -> bool {
    let Some((setting, rest)) = unit.split_first() else { return false };
    if *setting != detail.setting {
        return false;
    }
    let entry = rest.first().map(String::as_str).unwrap_or_default();
    match setting.as_str() {
        "applications" => detail.package.as_deref().is_none_or(|package| package == entry),
        "passwordPolicies" => match detail.scope.as_deref() {
            Some(scope) => entry.starts_with(scope.strip_suffix("_UNSPECIFIED").map_or(scope, |_| passwords::NO_SCOPE)),
            None => true,
        },
        "openNetworkConfiguration" => match &detail.network {
            Some(guid) => rest.contains(guid),
            None => true,
        },
        _ => {
            let of_an_app = unit.get(1).is_some_and(|member| member == "personalApplications");
            if let (true, Some(package)) = (of_an_app, &detail.package) {
                return unit.get(2) == Some(package);
            }
            // Indices count the entries of the whole policy, so what is left of one is as far as it can be told.
            let path = detail.field_path.as_deref().unwrap_or_default().split('[').next().unwrap_or_default();
            let path: Vec<&str> = path.split('.').filter(|step| !step.is_empty()).collect();
            path.first() != Some(&setting.as_str()) || path.iter().zip(unit).all(|(step, member)| step == member)
        }
    }
}

fn sentence(detail: &NonCompliance) -> String {
    let mut what = detail.field_path.clone().unwrap_or_else(|| detail.setting.clone());
    if let Some(package) = &detail.package {
        what = format!("{what} ({package})");
    }
    let why = match detail.reason.as_str() {
        "API_LEVEL" => "is not known to this version of Android",
        "MANAGEMENT_MODE" => "cannot be set the way this device is managed",
        "USER_ACTION" => "waits for the user to do something",
        "INVALID_VALUE" => "has a value that the device does not take",
        "APP_NOT_INSTALLED" => "needs an app that is not installed",
        "UNSUPPORTED" => "is not supported on this device",
        "APP_INSTALLED" => "does not hold: the blocked app is installed",
        "APP_INCOMPATIBLE" => "cannot be applied to the app",
        "APP_NOT_UPDATED" => "needs a newer version of the app",
        "OS_NOT_PERMITTED" => "does not permit this version of Android",
        "DEVICE_INCOMPATIBLE" => "does not go with this device",
        "APP_SIGNING_CERT_MISMATCH" => "names another signing certificate than the app has",
        "PROJECT_NOT_PERMITTED" => "may not be used by this project at Google",
        _ => "does not hold",
    };
    let words: Vec<&str> = [Some(detail.reason.as_str()), detail.specific.as_deref(), detail.installation.as_deref()]
        .into_iter()
        .flatten()
        .filter(|word| !word.is_empty())
        .collect();
    if words.is_empty() { format!("{what} {why}.") } else { format!("{what} {why} ({}).", words.join(", ")) }
}
