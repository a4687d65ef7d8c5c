//! What a device answers about itself, as an inventory.
//!
//! Pure. What an answer does not say, or says in a way that cannot be, is left out: absent says nothing.

use std::str::FromStr;

use allclear_domain::{
    app::{App, AppSource, LONGEST},
    detection::Observed,
    device::SecurityState,
    ids::ProfileId,
};
use allclear_engine::ingest::Inventory;
use plist::{Dictionary, Value};
use uuid::Uuid;

use super::profile;

/// Both ways in which a device may encrypt what it holds: block by block, and file by file.
const BLOCKS_AND_FILES: u64 = 3;

/// What an answer to `DeviceInformation`, `SecurityInfo`, `InstalledApplicationList` or `ProfileList` says; nothing of
/// any other answer. `published` gives the newest version of a profile of ours.
pub fn inventory(answer: &Dictionary, published: impl Fn(ProfileId) -> Option<u32>) -> Inventory {
    let mut inventory = Inventory::default();
    if let Some(said) = answer.get("QueryResponses").and_then(Value::as_dictionary) {
        inventory.observed = information(said);
        inventory.supervised = truth(said, "IsSupervised");
    }
    if let Some(said) = answer.get("SecurityInfo").and_then(Value::as_dictionary) {
        inventory.security = security(said);
    }
    if let Some(said) = answer.get("InstalledApplicationList").and_then(Value::as_array) {
        inventory.apps = Some(said.iter().filter_map(Value::as_dictionary).filter_map(app).collect());
    }
    if let Some(said) = answer.get("ProfileList").and_then(Value::as_array) {
        let profiles: Vec<&Dictionary> = said.iter().filter_map(Value::as_dictionary).collect();
        inventory.installed = Some(profiles.iter().filter_map(|said| installed(said, &published)).collect());
        let names = ["PayloadIdentifier", "PayloadUUID"];
        let seen = profiles.iter().flat_map(|said| names.into_iter().filter_map(move |name| text(said, name)));
        inventory.profiles_seen = Some(seen.collect());
    }
    inventory
}

fn information(said: &Dictionary) -> Observed {
    Observed {
        platform: None,
        manufacturer: Some("Apple".to_owned()),
        model: text(said, "ProductName").or_else(|| text(said, "ModelName")),
        os_version: text(said, "OSVersion"),
        security_patch_level: None,
    }
}

fn security(said: &Dictionary) -> SecurityState {
    let passcode = truth(said, "PasscodePresent");
    let hardware = said.get("HardwareEncryptionCaps").and_then(Value::as_unsigned_integer);
    // The key to what is encrypted is made from the passcode: without one it lies open.
    let encrypted = hardware.zip(passcode).map(|(caps, passcode)| caps >= BLOCKS_AND_FILES && passcode);
    SecurityState { passcode_present: passcode, encrypted, ..SecurityState::default() }
}

fn app(said: &Dictionary) -> Option<App> {
    let identifier = text(said, "Identifier")?;
    // One that is still being fetched is not on the device.
    if truth(said, "Installing") == Some(true) && said.get("Version").is_none() {
        return None;
    }
    let source = match (truth(said, "AppStoreVendable"), truth(said, "AdHocCodeSigned")) {
        (Some(true), _) => AppSource::Store,
        (_, Some(true)) => AppSource::Sideloaded,
        _ => AppSource::Unknown,
    };
    Some(App {
        identifier,
        name: text(said, "Name"),
        version: text(said, "ShortVersion").or_else(|| text(said, "Version")),
        source,
        ..App::default()
    })
}

/// The profile of ours that this is, and its version: 0 for one that this server does not know it to have published, so
/// that it is replaced.
fn installed(said: &Dictionary, published: impl Fn(ProfileId) -> Option<u32>) -> Option<(ProfileId, u32)> {
    // One that the person installed by hand is not ours to count on.
    if truth(said, "IsManaged") == Some(false) {
        return None;
    }
    let id = profile::profile_of(&text(said, "PayloadIdentifier")?)?;
    let uuid = text(said, "PayloadUUID").and_then(|uuid| Uuid::from_str(&uuid).ok());
    let newest = published(id)?;
    let version = (1..=newest).rev().find(|version| Some(profile::uuid(id, *version)) == uuid);
    Some((id, version.unwrap_or(0)))
}

fn truth(said: &Dictionary, name: &str) -> Option<bool> {
    said.get(name).and_then(Value::as_boolean)
}

fn text(said: &Dictionary, name: &str) -> Option<String> {
    let text = said.get(name)?.as_string()?.trim();
    let fits = (1..=LONGEST).contains(&text.len()) && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}
