//! Commands in Apple's words.

use allclear_domain::{
    device_command::{Request, request_type as known},
    ids::CommandId,
};
use allclear_engine::{Error, Problem};
use plist::{Dictionary, Value};

use super::property_list;
use crate::wording;

/// The longest command in Apple's own words, in bytes.
const MAX_RAW: usize = 500_000;

/// A command as the device is given it, before it has an id.
#[derive(Clone, PartialEq, Debug)]
pub struct Command {
    /// What Apple calls it.
    pub request_type: String,
    /// All of it.
    pub members: Dictionary,
}

impl Command {
    fn new(request_type: &str) -> Self {
        let members = Dictionary::from_iter([("RequestType".to_owned(), Value::from(request_type))]);
        Self { request_type: request_type.to_owned(), members }
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.members.insert(key.to_owned(), value.into());
        self
    }

    fn with_text(self, key: &str, text: Option<&String>) -> Self {
        match text {
            Some(text) => self.with(key, text.as_str()),
            None => self,
        }
    }

    /// Puts a profile, a whole configuration profile, on the device.
    pub fn install_profile(payload: Vec<u8>) -> Self {
        Self::new(known::INSTALL_PROFILE).with("Payload", Value::Data(payload))
    }

    /// Takes a profile off the device.
    pub fn remove_profile(identifier: &str) -> Self {
        Self::new(known::REMOVE_PROFILE).with("Identifier", identifier)
    }

    /// Asks for something that the device reports.
    pub fn inquiry(request_type: &str) -> Self {
        let command = Self::new(request_type);
        match request_type {
            known::DEVICE_INFORMATION => command.with("Queries", words(QUERIES)),
            known::PROFILE_LIST => command.with("ManagedOnly", false),
            known::INSTALLED_APPLICATION_LIST => command.with("Items", words(APP_ITEMS)),
            _ => command,
        }
    }

    /// The command as XML, to be kept.
    pub fn to_xml(&self) -> Result<String, Error> {
        let bytes = property_list::write(self.members.clone()).map_err(unwritable)?;
        String::from_utf8(bytes).map_err(unwritable)
    }

    /// A command that was kept.
    pub fn from_xml(xml: &str) -> Result<Self, Error> {
        let members = property_list::read(xml.as_bytes()).map_err(unwritable)?;
        let request_type = members.get("RequestType").and_then(Value::as_string).unwrap_or_default().to_owned();
        Ok(Self { request_type, members })
    }

    /// The command under an id, as it is handed to the device.
    pub fn envelope(self, id: CommandId) -> Result<Vec<u8>, Error> {
        let members = [
            ("Command".to_owned(), Value::Dictionary(self.members)),
            ("CommandUUID".to_owned(), Value::String(id.to_string())),
        ];
        property_list::write(Dictionary::from_iter(members)).map_err(unwritable)
    }

    /// The same with what only the device can be told: what it once gave us to clear its passcode with.
    #[must_use]
    pub fn unlocking(self, token: Vec<u8>) -> Self {
        self.with("UnlockToken", Value::Data(token))
    }

    /// Whether the device clears its passcode by it and has to be given its own token for that.
    pub fn needs_unlock_token(&self) -> bool {
        self.request_type == known::CLEAR_PASSCODE && !self.members.contains_key("UnlockToken")
    }
}

/// What is asked about the device itself.
const QUERIES: &[&str] = &[
    "UDID",
    "DeviceName",
    "OSVersion",
    "SupplementalOSVersionExtra",
    "BuildVersion",
    "ModelName",
    "Model",
    "ModelNumber",
    "ProductName",
    "SerialNumber",
    "IMEI",
    "IsSupervised",
    "IsMDMLostModeEnabled",
    "IsActivationLockEnabled",
    "ServiceSubscriptions",
];

/// What is asked about each app.
const APP_ITEMS: &[&str] =
    &["Identifier", "Name", "ShortVersion", "Version", "AppStoreVendable", "AdHocCodeSigned", "BetaApp", "IsValidated"];

fn words(all: &[&str]) -> Value {
    Value::Array(all.iter().map(|word| Value::from(*word)).collect())
}

fn unwritable(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Store(allclear_store::Error::damaged("command", error))
}

/// A request in Apple's words, or what is wrong with it; pointers are relative to the request.
pub fn command(request: &Request) -> Result<Command, Error> {
    let mut problems = Vec::new();
    let mut text = |pointer: &str, text: Option<&String>, longest: usize| {
        problems.extend(wording::check(pointer, text, longest));
    };
    let command = match request {
        Request::DeviceLock { message, phone_number } => {
            text("/message", message.as_ref(), 500);
            text("/phone_number", phone_number.as_ref(), 50);
            Command::new(known::DEVICE_LOCK)
                .with_text("Message", message.as_ref())
                .with_text("PhoneNumber", phone_number.as_ref())
        }
        Request::EnableLostMode { message, phone_number, footnote } => {
            text("/message", message.as_ref(), 500);
            text("/phone_number", phone_number.as_ref(), 50);
            text("/footnote", footnote.as_ref(), 500);
            if message.is_none() && phone_number.is_none() {
                problems.push(Problem::new("/message", "is needed, unless there is a phone_number"));
            }
            Command::new(known::ENABLE_LOST_MODE)
                .with_text("Message", message.as_ref())
                .with_text("PhoneNumber", phone_number.as_ref())
                .with_text("Footnote", footnote.as_ref())
        }
        Request::DisableLostMode {} => Command::new(known::DISABLE_LOST_MODE),
        Request::ClearPasscode {} => Command::new(known::CLEAR_PASSCODE),
        Request::EraseDevice { preserve_data_plan, disallow_proximity_setup } => Command::new(known::ERASE_DEVICE)
            .with("PreserveDataPlan", *preserve_data_plan)
            .with("DisallowProximitySetup", *disallow_proximity_setup),
        Request::RestartDevice {} => Command::new(known::RESTART_DEVICE),
        Request::RemoveApplication { identifier } => {
            text("/identifier", Some(identifier), 200);
            Command::new(known::REMOVE_APPLICATION).with("Identifier", identifier.as_str())
        }
        Request::Settings { device_name, bluetooth, data_roaming, voice_roaming, personal_hotspot } => {
            text("/device_name", device_name.as_ref(), 100);
            let item = |name: &str, key: &str, value: Value| {
                let members = [("Item".to_owned(), Value::from(name)), (key.to_owned(), value)];
                Value::Dictionary(Dictionary::from_iter(members))
            };
            let mut items: Vec<Value> = Vec::new();
            items.extend(device_name.as_ref().map(|name| item("DeviceName", "DeviceName", name.as_str().into())));
            for (name, switch) in [
                ("Bluetooth", bluetooth),
                ("DataRoaming", data_roaming),
                ("VoiceRoaming", voice_roaming),
                ("PersonalHotspot", personal_hotspot),
            ] {
                items.extend(switch.map(|on| item(name, "Enabled", on.into())));
            }
            if items.is_empty() {
                problems.push(Problem::new("", "changes nothing"));
            }
            Command::new(known::SETTINGS).with("Settings", Value::Array(items))
        }
        Request::DeviceInformation {} => Command::inquiry(known::DEVICE_INFORMATION),
        Request::SecurityInfo {} => Command::inquiry(known::SECURITY_INFO),
        Request::ProfileList {} => Command::inquiry(known::PROFILE_LIST),
        Request::InstalledApplicationList {} => Command::inquiry(known::INSTALLED_APPLICATION_LIST),
        Request::Raw { plist } => raw(plist)?,
        Request::ResetPassword { .. } | Request::RelinquishOwnership {} => {
            return Err(Error::invalid("/type", "is for Android devices"));
        }
    };
    Error::check(problems)?;
    Ok(command)
}

/// A command in Apple's own words.
fn raw(plist: &str) -> Result<Command, Error> {
    let wrong = |detail: &str| Error::invalid("/plist", detail);
    if plist.len() > MAX_RAW {
        return Err(wrong("is longer than 500,000 bytes"));
    }
    let members = property_list::read(plist.as_bytes()).map_err(|error| wrong(&error.to_string()))?;
    let request_type = members.get("RequestType").and_then(Value::as_string).unwrap_or_default().to_owned();
    let plain = request_type.chars().all(|letter| letter.is_ascii_alphanumeric());
    if !(1..=64).contains(&request_type.len()) || !plain {
        return Err(wrong("has no RequestType of 1 to 64 letters and digits"));
    }
    Ok(Command { request_type, members })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn said(request: serde_json::Value) -> serde_json::Value {
        let request: Request = serde_json::from_value(request).unwrap();
        property_list::members_to_json(&command(&request).unwrap().members)
    }

    fn wrong(request: serde_json::Value) -> String {
        let request: Request = serde_json::from_value(request).unwrap();
        match command(&request).unwrap_err() {
            Error::Invalid(problems) => problems[0].pointer.clone(),
            error => unreachable!("{error}"),
        }
    }

    #[test]
    fn requests_become_apples_commands() {
        assert_eq!(
            said(json!({"type": "device_lock", "message": "Lost", "phone_number": "+49"})),
            json!({"RequestType": "DeviceLock", "Message": "Lost", "PhoneNumber": "+49"})
        );
        assert_eq!(
            said(json!({"type": "erase_device", "preserve_data_plan": true})),
            json!({"RequestType": "EraseDevice", "PreserveDataPlan": true, "DisallowProximitySetup": false})
        );
        assert_eq!(
            said(json!({"type": "settings", "device_name": "Ada's", "bluetooth": false})),
            json!({"RequestType": "Settings", "Settings": [
                {"Item": "DeviceName", "DeviceName": "Ada's"}, {"Item": "Bluetooth", "Enabled": false}]})
        );
        let raw = "<plist><dict><key>RequestType</key><string>CertificateList</string></dict></plist>";
        assert_eq!(said(json!({"type": "raw", "plist": raw})), json!({"RequestType": "CertificateList"}));
        assert_eq!(wrong(json!({"type": "raw", "plist": "<plist><dict/></plist>"})), "/plist");
        assert_eq!(wrong(json!({"type": "enable_lost_mode"})), "/message");
        assert_eq!(wrong(json!({"type": "settings"})), "");
        assert_eq!(wrong(json!({"type": "remove_application", "identifier": " "})), "/identifier");
        assert_eq!(wrong(json!({"type": "device_lock", "message": "a\u{7}"})), "/message");
        serde_json::from_value::<Request>(json!({"type": "restart_device", "now": true})).unwrap_err();
    }

    #[test]
    fn a_command_that_was_kept_is_the_same_command() {
        let made = command(&Request::DeviceInformation {}).unwrap();
        assert_eq!(Command::from_xml(&made.to_xml().unwrap()).unwrap(), made);
        let bytes = made.envelope(CommandId(Uuid::from_u128(1))).unwrap();
        let json = property_list::members_to_json(&property_list::read(&bytes).unwrap());
        assert_eq!(json["CommandUUID"], "00000000-0000-0000-0000-000000000001");
        assert_eq!(json["Command"]["RequestType"], "DeviceInformation");
    }
}
