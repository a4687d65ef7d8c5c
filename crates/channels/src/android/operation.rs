//! Commands of Google's management: what is asked of a device, and what became of it.

use allclear_domain::time::Span;
use serde_json::{Map, Value, json};

use super::names;

/// What else is wiped, or is not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WipeFlag {
    /// What keeps a stolen device from being set up anew stays.
    PreserveResetProtectionData,
    /// What is on cards is wiped as well.
    WipeExternalStorage,
    /// The eSIMs are removed as well.
    WipeEsims,
}

impl WipeFlag {
    /// Google's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PreserveResetProtectionData => "PRESERVE_RESET_PROTECTION_DATA",
            Self::WipeExternalStorage => "WIPE_EXTERNAL_STORAGE",
            Self::WipeEsims => "WIPE_ESIMS",
        }
    }
}

/// How a password is set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PasswordFlag {
    /// Nobody sets another before it was entered once.
    RequireEntry,
    /// The device starts without it.
    DoNotAskCredentialsOnBoot,
    /// The device is locked at once.
    LockNow,
}

impl PasswordFlag {
    /// Google's word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RequireEntry => "REQUIRE_ENTRY",
            Self::DoNotAskCredentialsOnBoot => "DO_NOT_ASK_CREDENTIALS_ON_BOOT",
            Self::LockNow => "LOCK_NOW",
        }
    }
}

/// What a lost device shows. One of these besides the organisation is needed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct LostMode {
    /// What whoever finds it reads.
    pub message: Option<String>,
    /// Who is called by the one button there is.
    pub phone_number: Option<String>,
    /// Where they may write.
    pub email_address: Option<String>,
    /// Where they may bring it.
    pub street_address: Option<String>,
    /// Whose it is.
    pub organization: Option<String>,
}

/// What is asked of a device.
#[derive(Clone, PartialEq, Eq)]
pub enum Command {
    /// Locks the screen.
    Lock,
    /// Sets the password that unlocks the device.
    ResetPassword {
        /// The password; none: it has none from then on.
        new_password: Option<String>,
        /// How.
        flags: Vec<PasswordFlag>,
    },
    /// Starts the device anew. Only for fully managed devices.
    Reboot,
    /// Removes the management and leaves the device to its owner. Only for company-owned devices with a work profile.
    RelinquishOwnership,
    /// Locks a company-owned device and shows how it can be given back.
    StartLostMode(LostMode),
    /// Ends that.
    StopLostMode,
    /// Wipes the device, or the work profile of a person's device.
    Wipe {
        /// What else.
        flags: Vec<WipeFlag>,
        /// What a person is told whose work profile goes. At most 200 characters.
        reason: Option<String>,
    },
}

impl std::fmt::Debug for Command {
    /// Without the password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind())
    }
}

impl Command {
    /// Google's word for it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Lock => "LOCK",
            Self::ResetPassword { .. } => "RESET_PASSWORD",
            Self::Reboot => "REBOOT",
            Self::RelinquishOwnership => "RELINQUISH_OWNERSHIP",
            Self::StartLostMode(_) => "START_LOST_MODE",
            Self::StopLostMode => "STOP_LOST_MODE",
            Self::Wipe { .. } => "WIPE",
        }
    }

    /// Google's `Command`, for a device that has so long to carry it out.
    pub(super) fn to_json(&self, lasts: Option<Span>) -> Value {
        let shown = |text: &Option<String>| text.as_ref().map(|text| json!({ "defaultMessage": text }));
        let mut command = match self {
            Self::Lock | Self::Reboot | Self::RelinquishOwnership => members([("type", Some(json!(self.kind())))]),
            Self::ResetPassword { new_password, flags } => {
                let flags: Vec<_> = flags.iter().map(|flag| flag.as_str()).collect();
                members([
                    ("type", Some(json!(self.kind()))),
                    ("newPassword", new_password.as_ref().map(|password| json!(password))),
                    ("resetPasswordFlags", (!flags.is_empty()).then(|| json!(flags))),
                ])
            }
            // What follows is told apart by its parameters.
            Self::StartLostMode(lost) => {
                let params = members([
                    ("lostMessage", shown(&lost.message)),
                    ("lostPhoneNumber", shown(&lost.phone_number)),
                    ("lostEmailAddress", lost.email_address.as_ref().map(|address| json!(address))),
                    ("lostStreetAddress", shown(&lost.street_address)),
                    ("lostOrganization", shown(&lost.organization)),
                ]);
                members([("startLostModeParams", Some(Value::Object(params)))])
            }
            Self::StopLostMode => members([("stopLostModeParams", Some(json!({})))]),
            Self::Wipe { flags, reason } => {
                let flags: Vec<_> = flags.iter().map(|flag| flag.as_str()).collect();
                let params = members([
                    ("wipeDataFlags", (!flags.is_empty()).then(|| json!(flags))),
                    ("wipeReason", shown(reason)),
                ]);
                members([("wipeParams", Some(Value::Object(params)))])
            }
        };
        if let Some(lasts) = lasts {
            command.insert("duration".to_owned(), json!(format!("{}s", lasts.as_seconds().max(1))));
        }
        Value::Object(command)
    }
}

/// An object of those members that are there.
fn members<const N: usize>(members: [(&str, Option<Value>); N]) -> Map<String, Value> {
    members.into_iter().filter_map(|(name, value)| value.map(|value| (name.to_owned(), value))).collect()
}

/// The course of a command: Google's `Operation`, without what was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Operation {
    /// What Google calls it, for example `enterprises/E/devices/D/operations/1`.
    pub name: String,
    /// Google's word for what is asked, where it says that.
    pub kind: Option<String>,
    /// What became of it, or why it failed, in words; none while nothing has.
    pub result: Option<Result<(), String>>,
}

impl Operation {
    /// Reads an `Operation`; the reason if it is none of a device.
    pub fn read(operation: &Value) -> Result<Self, String> {
        let name = operation["name"].as_str().unwrap_or_default();
        if !names::is_name(name, &["enterprises", "devices", "operations"]) {
            return Err("it names no operation of a device".to_owned());
        }
        let command = &operation["metadata"];
        let is_done = operation["done"].as_bool().unwrap_or_default();
        Ok(Self {
            name: name.to_owned(),
            kind: command["type"].as_str().map(|kind| kind.chars().take(100).collect()),
            result: is_done.then(|| result(command, &operation["error"])),
        })
    }

    /// The device that was asked, for example `enterprises/E/devices/D`.
    pub fn device(&self) -> &str {
        names::parent(&self.name)
    }
}

/// What became of a command that has come to its end. Google's advice: what the command itself says goes before its error
/// code, and that before the general error.
fn result(command: &Value, error: &Value) -> Result<(), String> {
    for status in ["startLostModeStatus", "stopLostModeStatus"] {
        match command[status]["status"].as_str() {
            None | Some("STATUS_UNSPECIFIED") => {}
            Some("SUCCESS") => return Ok(()),
            Some(status) => return Err(in_words(status)),
        }
    }
    match command["errorCode"].as_str() {
        None | Some("COMMAND_ERROR_CODE_UNSPECIFIED") => {}
        Some(code) => return Err(in_words(code)),
    }
    if error.is_null() {
        return Ok(());
    }
    let said: String = error["message"].as_str().unwrap_or_default().chars().take(300).collect();
    Err(match (error["code"].as_i64().unwrap_or_default(), said.as_str()) {
        (1, _) => "it was taken back".to_owned(),
        (4, _) => "the device did not carry it out in time".to_owned(),
        (code, "") => format!("error {code}"),
        (code, said) => format!("error {code}: {said}"),
    })
}

/// What Google's words for a failure mean.
fn in_words(code: &str) -> String {
    let meaning = match code {
        "RESET_PASSWORD_RECENTLY" => "the password was reset in the last 12 hours",
        "USER_EXIT_LOST_MODE_RECENTLY" => "its user has left lost mode in the last 12 hours",
        "ALREADY_IN_LOST_MODE" => "the device is in lost mode already",
        "NOT_IN_LOST_MODE" => "the device is not in lost mode",
        "API_LEVEL" => "its Android version does not support the command",
        "MANAGEMENT_MODE" => "the command is not for devices managed in this way",
        "INVALID_VALUE" => "a value of the command is not valid on this device",
        "UNSUPPORTED" => "the device does not support the command",
        _ => "the device could not carry it out",
    };
    format!("{meaning} ({})", code.chars().take(100).collect::<String>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;

    fn read(done: bool, metadata: &Value, error: &Value) -> Option<Result<(), String>> {
        let name = "enterprises/E/devices/D/operations/1";
        let operation = json!({ "name": name, "done": done, "metadata": metadata, "error": error });
        let read = Operation::read(&operation).unwrap();
        assert_eq!(read.device(), "enterprises/E/devices/D");
        read.result
    }

    #[test]
    fn what_the_command_says_goes_before_the_general_error() {
        assert_eq!(read(false, &json!({ "type": "LOCK" }), &Value::Null), None);
        assert_eq!(read(true, &json!({ "type": "LOCK" }), &Value::Null), Some(Ok(())));
        let failed = |metadata: &Value, error: &Value| read(true, metadata, error).unwrap().unwrap_err();
        let general = json!({ "code": 2, "message": "unknown" });
        let lost = json!({ "startLostModeStatus": { "status": "ALREADY_IN_LOST_MODE" }, "errorCode": "UNKNOWN" });
        assert_eq!(failed(&lost, &general), "the device is in lost mode already (ALREADY_IN_LOST_MODE)");
        let code = json!({ "type": "REBOOT", "errorCode": "MANAGEMENT_MODE" });
        assert!(failed(&code, &general).ends_with("(MANAGEMENT_MODE)"));
        assert_eq!(failed(&json!({}), &general), "error 2: unknown");
        assert_eq!(failed(&json!({}), &json!({ "code": 4 })), "the device did not carry it out in time");
        assert_eq!(failed(&json!({}), &json!({ "code": 1 })), "it was taken back");
        let stopped = json!({ "stopLostModeStatus": { "status": "SUCCESS" }, "errorCode": "UNKNOWN" });
        assert_eq!(read(true, &stopped, &general), Some(Ok(())), "what the command itself says");
        assert!(Operation::read(&json!({ "name": "enterprises/E/devices/D", "done": true })).is_err());
    }

    #[test]
    fn a_password_is_not_shown() {
        let command =
            Command::ResetPassword { new_password: Some("s3cret".into()), flags: vec![PasswordFlag::LockNow] };
        assert_eq!(format!("{command:?}"), "RESET_PASSWORD");
        let sent = command.to_json(Some(Span::days(1)));
        let expected = json!({ "type": "RESET_PASSWORD", "newPassword": "s3cret", "resetPasswordFlags": ["LOCK_NOW"],
            "duration": "86400s" });
        assert_eq!(sent, expected);
    }
}
