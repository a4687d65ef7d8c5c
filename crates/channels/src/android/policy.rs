//! Profiles as a policy of the Android Management API.
//!
//! Pure: the same profiles give the same policy, whatever their order, and two devices that should have the same share
//! one. The most restrictive value wins; what a profile does not mention it leaves to the others.

use std::fmt;

use allclear_domain::payload::{self, CustomSettings, Payload, PayloadIssue};
use allclear_engine::rules::profiles::MASK;
use data_encoding::HEXLOWER;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::{
    apps, passwords, render,
    rules::{ONLY_THESE, Of, at, members, name},
};

/// What a device is to be like: the members of the API's `Policy`, none of them deprecated, secrets in the clear.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Policy(Map<String, Value>);

impl fmt::Debug for Policy {
    /// Without the secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Policy({})", self.id())
    }
}

impl Policy {
    /// What every device gets: it reports its apps, settings and software, and apps may be used unless a profile says
    /// otherwise (without that, all apps would go that no profile names).
    pub fn base() -> Policy {
        let reports = ["applicationReportsEnabled", "deviceSettingsEnabled", "softwareInfoEnabled"];
        let reports: Map<String, Value> = reports.map(|key| (key.to_owned(), true.into())).into_iter().collect();
        let members = [("playStoreMode", json!("BLACKLIST")), ("statusReportingSettings", Value::Object(reports))];
        Policy(members.map(|(key, value)| (key.to_owned(), value)).into_iter().collect())
    }

    /// The payloads of one profile, their secrets opened. They say together what is wanted: apps that one payload names
    /// are among the only ones of another.
    pub fn of(payloads: &[Payload]) -> Policy {
        let parts = payloads.iter().map(|it| render::payload(it, &mut Vec::new()));
        let mut policy = parts.fold(Map::new(), |all, part| together(&all, &part, Of::OneProfile));
        exemptions(&mut policy);
        Policy(together(&policy, &policy, Of::Several))
    }

    /// Both at once, the most restrictive value of each field: at least as restrictive as either. Neither the order nor
    /// repetition makes a difference.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "the two are alike")]
    pub fn merge(self, other: Policy) -> Policy {
        Policy(together(&self.0, &other.0, Of::Several))
    }

    /// What a device gets that should have all these: [`base`](Policy::base) and them.
    pub fn in_force(policies: impl IntoIterator<Item = Policy>) -> Policy {
        policies.into_iter().fold(Policy::base(), Policy::merge)
    }

    /// The members, always in the same order, without a name and a version. What Google would refuse or pass over is put
    /// into words it takes.
    pub fn to_json(&self) -> Value {
        let mut policy = self.0.clone();
        finish(&mut policy);
        let mut policy = Value::Object(policy);
        policy.sort_all_objects();
        policy
    }

    /// A name made from the content: 32 hexadecimal digits.
    pub fn id(&self) -> String {
        let digest = Sha256::digest(self.to_json().to_string());
        HEXLOWER.encode(digest.get(..16).unwrap_or(&digest))
    }

    /// The members for people to look at: secrets are masked.
    pub fn masked(&self) -> Value {
        masked(self.to_json())
    }

    /// The members as they are kept for merging.
    pub(super) fn members(&self) -> &Map<String, Value> {
        &self.0
    }
}

/// JSON with the texts masked that its keys call secret.
pub(super) fn masked(value: Value) -> Value {
    let Value::Object(content) = value else { return value };
    let mut custom = [Payload::CustomSettings(CustomSettings { payload_type: None, content })];
    payload::secrets(&mut custom, &mut |secret| MASK.clone_into(secret));
    match custom {
        [Payload::CustomSettings(CustomSettings { content, .. })] => Value::Object(content),
        _ => Value::Null,
    }
}

/// What of the payloads of a profile no policy can say, with pointers into the list of payloads.
pub fn left_out(payloads: &[Payload]) -> Vec<PayloadIssue> {
    let mut all = Vec::new();
    for (index, payload) in payloads.iter().enumerate() {
        let before = all.len();
        render::payload(payload, &mut all);
        all.iter_mut().skip(before).for_each(|issue| issue.pointer.insert_str(0, &format!("/{index}")));
    }
    all
}

fn together(one: &Map<String, Value>, other: &Map<String, Value>, of: Of) -> Map<String, Value> {
    let without_apps = |policy: &Map<String, Value>| {
        let parts = policy.iter().filter(|(key, _)| !["applications", "permissionGrants"].contains(&key.as_str()));
        parts.map(|(key, value)| (key.clone(), value.clone())).collect::<Map<_, _>>()
    };
    let mut all = members("", &without_apps(one), &without_apps(other), of);
    apps::merge(one, other, of, &mut all);
    all
}

const CONTACTS: &str = "exemptionsToShowWorkContactsInPersonalProfile";

/// Who may see work contacts in spite of a rule against it: nobody, unless the profile with the rule names them. Where
/// there is no such rule, naming somebody is refused by Google.
fn exemptions(policy: &mut Map<String, Value>) {
    let Some(Value::Object(profiles)) = policy.get_mut("crossProfilePolicies") else { return };
    if name(profiles, "showWorkContactsInPersonalProfile").contains("_DISALLOWED") {
        profiles.entry(CONTACTS).or_insert_with(|| json!({ "packageNames": [] }));
    } else {
        profiles.remove(CONTACTS);
    }
}

/// Puts what came of merging into words that Google takes.
fn finish(policy: &mut Map<String, Value>) {
    if let Some(Value::Object(profiles)) = policy.get_mut("crossProfilePolicies") {
        let nobody = |list: &Value| list.get("packageNames").and_then(Value::as_array).is_none_or(Vec::is_empty);
        if profiles.get(CONTACTS).is_some_and(nobody) {
            profiles.remove(CONTACTS);
        }
    }
    for app in policy.get_mut("applications").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(app) = app.as_object_mut() else { continue };
        match name(app, "installType").as_str() {
            apps::BLOCKED => app.retain(|key, _| ["installType", "packageName"].contains(&key.as_str())),
            "CUSTOM" => app.retain(|key, _| !OF_THE_STORE.contains(&key.as_str())),
            _ => {}
        }
    }
    if let Some(Value::Array(requirements)) = policy.get_mut("passwordPolicies") {
        passwords::complete(requirements);
    }
    no_network_at_all(policy);
}

/// What is said of an app from the store, and refused of others.
const OF_THE_STORE: &[&str] =
    &["accessibleTrackIds", "autoUpdateMode", "installConstraint", "installPriority", "minimumVersionCode"];

/// Two lists of the only networks to join may have none in common. An empty list is refused; that Wi-Fi is off says the
/// same.
fn no_network_at_all(policy: &mut Map<String, Value>) {
    let Some(Value::Object(connectivity)) = policy.get_mut("deviceConnectivityManagement") else { return };
    let Some(ssids) = connectivity.get("wifiSsidPolicy") else { return };
    let none = at(ssids, "wifiSsids").and_then(Value::as_array).is_none_or(Vec::is_empty);
    if none {
        let only = ssids.get("wifiSsidPolicyType").and_then(Value::as_str) == Some(ONLY_THESE);
        connectivity.remove("wifiSsidPolicy");
        if only {
            let radio = policy.entry("deviceRadioState").or_insert_with(|| json!({}));
            if let Value::Object(radio) = radio {
                radio.insert("wifiState".to_owned(), "WIFI_DISABLED".into());
            }
        }
    }
}
