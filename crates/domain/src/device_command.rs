//! Commands that administrators give a device, and what becomes of them. What profiles ask for is no such command: it is
//! derived anew whenever a device asks.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rights::Right;
use request_type as known;

/// What a device is to do.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
#[schema(as = DeviceRequest)]
pub enum Request {
    /// Lock the screen.
    DeviceLock {
        /// What is shown on the lock screen.
        #[schema(max_length = 500)]
        message: Option<String>,
        /// A number to call, shown on the lock screen.
        #[schema(max_length = 50)]
        phone_number: Option<String>,
    },
    /// Lock the device and show only this until lost mode is disabled. Supervised devices only; needs a message or a
    /// number.
    EnableLostMode {
        /// What is shown.
        #[schema(max_length = 500)]
        message: Option<String>,
        /// A number to call.
        #[schema(max_length = 50)]
        phone_number: Option<String>,
        /// What is shown below.
        #[schema(max_length = 500)]
        footnote: Option<String>,
    },
    /// End lost mode.
    DisableLostMode {},
    /// Take the passcode off.
    ClearPasscode {},
    /// Erase everything on the device.
    EraseDevice {
        /// Keep the cellular plan.
        #[serde(default)]
        preserve_data_plan: bool,
        /// Do not offer to set the device up from another one nearby.
        #[serde(default)]
        disallow_proximity_setup: bool,
    },
    /// Restart. Of Apple devices supervised ones only, of Android devices those that are managed whole.
    RestartDevice {},
    /// Set the passcode anew, or take it off. Android devices only.
    ResetPassword {
        /// The passcode from now on; none if it is left out.
        #[schema(value_type = Option<String>, min_length = 4, max_length = 256, write_only)]
        new_password: Option<NewPassword>,
        /// No other app may change it until the person has entered it.
        #[serde(default)]
        require_entry: bool,
        /// Lock the device at once.
        #[serde(default)]
        lock_now: bool,
    },
    /// Give the organisation's device with a work profile to the person: the work profile and all policies go, what is
    /// the person's stays. Android devices only.
    RelinquishOwnership {},
    /// Remove an app that was installed by management.
    RemoveApplication {
        /// The app's bundle id.
        #[schema(min_length = 1, max_length = 200)]
        identifier: String,
    },
    /// Change settings of the device. What is left out stays.
    Settings {
        /// What the device calls itself. Supervised devices only.
        #[schema(min_length = 1, max_length = 100)]
        device_name: Option<String>,
        /// Bluetooth. Supervised devices only.
        bluetooth: Option<bool>,
        /// Data while roaming.
        data_roaming: Option<bool>,
        /// Calls while roaming.
        voice_roaming: Option<bool>,
        /// The personal hotspot.
        personal_hotspot: Option<bool>,
    },
    /// Say what it is.
    DeviceInformation {},
    /// Say how it is secured.
    SecurityInfo {},
    /// Say which configuration profiles are on it.
    ProfileList {},
    /// Say which apps are on it.
    InstalledApplicationList {},
    /// Anything else the platform knows, in its own words.
    Raw {
        /// The command as an XML property list: a dictionary with `RequestType`.
        #[schema(max_length = 500_000)]
        plist: String,
    },
}

/// A passcode that is set.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NewPassword(String);

impl NewPassword {
    /// The passcode itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for NewPassword {
    /// Without the passcode.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewPassword")
    }
}

/// How far a command has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// Waits for the device to come.
    Queued,
    /// The device was given it and has not answered. It is given it again, under the same id.
    Sent,
    /// The device said "not now"; it is given it again when it comes next.
    NotNow,
    /// The device has done it.
    Acknowledged,
    /// The device could not do it.
    Error,
    /// Somebody took it back, or the device left or enrolled again.
    Cancelled,
    /// The device did not answer in time.
    Expired,
    /// A newer command took its place before the device was given it.
    Superseded,
}

impl CommandState {
    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            CommandState::Queued => "queued",
            CommandState::Sent => "sent",
            CommandState::NotNow => "not_now",
            CommandState::Acknowledged => "acknowledged",
            CommandState::Error => "error",
            CommandState::Cancelled => "cancelled",
            CommandState::Expired => "expired",
            CommandState::Superseded => "superseded",
        }
    }

    /// Whether the device may still be given it.
    pub fn is_open(self) -> bool {
        matches!(self, CommandState::Queued | CommandState::Sent | CommandState::NotNow)
    }
}

/// What the platform calls its commands, as far as they are treated differently from others.
pub mod request_type {
    /// Locks the screen.
    pub const DEVICE_LOCK: &str = "DeviceLock";
    /// Begins lost mode.
    pub const ENABLE_LOST_MODE: &str = "EnableLostMode";
    /// Ends lost mode.
    pub const DISABLE_LOST_MODE: &str = "DisableLostMode";
    /// Takes the passcode off.
    pub const CLEAR_PASSCODE: &str = "ClearPasscode";
    /// Erases the device.
    pub const ERASE_DEVICE: &str = "EraseDevice";
    /// Restarts the device.
    pub const RESTART_DEVICE: &str = "RestartDevice";
    /// Removes a managed app.
    pub const REMOVE_APPLICATION: &str = "RemoveApplication";
    /// Changes settings.
    pub const SETTINGS: &str = "Settings";
    /// Asks what the device is.
    pub const DEVICE_INFORMATION: &str = "DeviceInformation";
    /// Asks how it is secured.
    pub const SECURITY_INFO: &str = "SecurityInfo";
    /// Asks for its profiles.
    pub const PROFILE_LIST: &str = "ProfileList";
    /// Asks for its apps.
    pub const INSTALLED_APPLICATION_LIST: &str = "InstalledApplicationList";
    /// Puts a profile on it.
    pub const INSTALL_PROFILE: &str = "InstallProfile";
    /// Takes a profile off it.
    pub const REMOVE_PROFILE: &str = "RemoveProfile";
    /// Android: locks the screen.
    pub const LOCK: &str = "LOCK";
    /// Android: begins lost mode.
    pub const START_LOST_MODE: &str = "START_LOST_MODE";
    /// Android: ends lost mode.
    pub const STOP_LOST_MODE: &str = "STOP_LOST_MODE";
    /// Android: sets the passcode anew or takes it off.
    pub const RESET_PASSWORD: &str = "RESET_PASSWORD";
    /// Android: erases the device, or the work profile of a person's own.
    pub const WIPE: &str = "WIPE";
    /// Android: restarts the device.
    pub const REBOOT: &str = "REBOOT";
    /// Android: gives the device to the person.
    pub const RELINQUISH_OWNERSHIP: &str = "RELINQUISH_OWNERSHIP";
}

/// The rights that giving a command of this type needs; `raw` says that it is given in the platform's own words.
pub fn rights(request_type: &str, raw: bool) -> Vec<Right> {
    let by_type = match request_type {
        known::ERASE_DEVICE
        | known::CLEAR_PASSCODE
        | known::ENABLE_LOST_MODE
        | known::DISABLE_LOST_MODE
        | known::WIPE
        | known::RESET_PASSWORD
        | known::START_LOST_MODE
        | known::STOP_LOST_MODE
        | known::RELINQUISH_OWNERSHIP => Some(Right::WipeDevices),
        // Anything may be in it.
        _ if raw => None,
        _ => Some(Right::CommandDevices),
    };
    raw.then_some(Right::SendRawCommands).into_iter().chain(by_type).collect()
}

/// Whether whoever gives such a command has to confirm which device is meant.
pub fn needs_confirmation(request_type: &str) -> bool {
    matches!(
        request_type,
        known::ERASE_DEVICE
            | known::CLEAR_PASSCODE
            | known::ENABLE_LOST_MODE
            | known::WIPE
            | known::RESET_PASSWORD
            | known::START_LOST_MODE
            | known::RELINQUISH_OWNERSHIP
    )
}

/// Whether there may be only one such command that the device has not answered: carried out twice it does harm.
pub fn is_single(request_type: &str) -> bool {
    ends_management(request_type)
}

/// Whether a device that has carried it out is not managed any more.
pub fn ends_management(request_type: &str) -> bool {
    matches!(request_type, known::ERASE_DEVICE | known::WIPE | known::RELINQUISH_OWNERSHIP)
}

/// Which waits for the device first: 0 what protects it, 1 everything else.
pub fn rank(request_type: &str) -> u8 {
    let first = [
        known::ERASE_DEVICE,
        known::DEVICE_LOCK,
        known::ENABLE_LOST_MODE,
        known::DISABLE_LOST_MODE,
        known::WIPE,
        known::LOCK,
        known::START_LOST_MODE,
        known::STOP_LOST_MODE,
    ];
    u8::from(!first.contains(&request_type))
}

/// The types of commands in whose place a new one of `request_type` comes, as long as the device was not given them:
/// only the last word counts.
pub fn superseded_by(request_type: &str) -> &'static [&'static str] {
    match request_type {
        known::DEVICE_LOCK => &[known::DEVICE_LOCK],
        known::ENABLE_LOST_MODE | known::DISABLE_LOST_MODE => &[known::ENABLE_LOST_MODE, known::DISABLE_LOST_MODE],
        known::CLEAR_PASSCODE => &[known::CLEAR_PASSCODE],
        known::RESTART_DEVICE => &[known::RESTART_DEVICE],
        known::DEVICE_INFORMATION => &[known::DEVICE_INFORMATION],
        known::SECURITY_INFO => &[known::SECURITY_INFO],
        known::PROFILE_LIST => &[known::PROFILE_LIST],
        known::INSTALLED_APPLICATION_LIST => &[known::INSTALLED_APPLICATION_LIST],
        known::LOCK => &[known::LOCK],
        known::START_LOST_MODE | known::STOP_LOST_MODE => &[known::START_LOST_MODE, known::STOP_LOST_MODE],
        known::RESET_PASSWORD => &[known::RESET_PASSWORD],
        known::REBOOT => &[known::REBOOT],
        _ => &[],
    }
}

/// What a device answers to a command of an administrator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answered {
    /// Done.
    Acknowledged,
    /// Failed.
    Error,
    /// Not now.
    NotNow,
}

/// What an answer makes of a command in a state. None if it changes nothing: the command is settled, or the device was
/// never given it.
pub fn after(state: CommandState, answered: Answered) -> Option<CommandState> {
    if !matches!(state, CommandState::Sent | CommandState::NotNow) {
        return None;
    }
    Some(match answered {
        Answered::Acknowledged => CommandState::Acknowledged,
        Answered::Error => CommandState::Error,
        Answered::NotNow => CommandState::NotNow,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_command_that_was_handed_over_takes_an_answer() {
        use CommandState::*;
        let all = [Queued, Sent, NotNow, Acknowledged, Error, Cancelled, Expired, Superseded];
        for state in all {
            for (answer, then) in
                [(Answered::Acknowledged, Acknowledged), (Answered::Error, Error), (Answered::NotNow, NotNow)]
            {
                let expected = matches!(state, Sent | NotNow).then_some(then);
                assert_eq!(after(state, answer), expected, "{state:?} {answer:?}");
            }
            assert_eq!(state.is_open(), matches!(state, Queued | Sent | NotNow));
        }
    }

    #[test]
    fn what_does_harm_needs_more() {
        for dangerous in [known::ERASE_DEVICE, known::CLEAR_PASSCODE, known::ENABLE_LOST_MODE] {
            assert!(needs_confirmation(dangerous));
            assert_eq!(rights(dangerous, false), [Right::WipeDevices]);
            assert_eq!(rights(dangerous, true), [Right::SendRawCommands, Right::WipeDevices], "however it is said");
        }
        assert_eq!(rights(known::DEVICE_LOCK, false), [Right::CommandDevices]);
        assert_eq!(rights("CertificateList", true), [Right::SendRawCommands]);
        for dangerous in [known::WIPE, known::RESET_PASSWORD, known::START_LOST_MODE, known::RELINQUISH_OWNERSHIP] {
            assert!(needs_confirmation(dangerous) && rights(dangerous, false) == [Right::WipeDevices]);
        }
        assert!(!needs_confirmation(known::LOCK) && rights(known::LOCK, false) == [Right::CommandDevices]);
        assert!(is_single(known::WIPE) && rank(known::WIPE) < rank(known::REBOOT));
        assert!(superseded_by(known::STOP_LOST_MODE).contains(&known::START_LOST_MODE));
        assert!(!needs_confirmation(known::DEVICE_LOCK));
        assert!(superseded_by(known::DISABLE_LOST_MODE).contains(&known::ENABLE_LOST_MODE));
        assert!(superseded_by(known::ERASE_DEVICE).is_empty() && is_single(known::ERASE_DEVICE));
        assert!(superseded_by(known::REMOVE_APPLICATION).is_empty(), "each may name another app");
        assert!(rank(known::ERASE_DEVICE) < rank(known::PROFILE_LIST));
    }
}
