//! Commands of administrators in Google's words.

use allclear_domain::device_command::{Request, request_type as known};
use allclear_engine::{Error, Problem};
use allclear_store::json;

use super::operation::{Command, LostMode, PasswordFlag, WipeFlag};
use crate::wording;

/// The longest text shown on a device.
const LONGEST: usize = 500;
const APPLE_ONLY: &str = "is for Apple devices";

/// What Google calls a request, or what is wrong with it for an Android device; pointers are relative to the request.
pub fn kind(request: &Request) -> Result<&'static str, Error> {
    let mut problems = Vec::new();
    let mut text = |pointer: &str, text: Option<&String>, longest: usize| {
        problems.extend(wording::check(pointer, text, longest));
    };
    let kind = match request {
        Request::DeviceLock { message, phone_number } => {
            for (pointer, given) in [("/message", message), ("/phone_number", phone_number)] {
                if given.is_some() {
                    problems.push(Problem::new(pointer, "is shown by Android in lost mode only"));
                }
            }
            known::LOCK
        }
        Request::EnableLostMode { message, phone_number, footnote } => {
            text("/message", message.as_ref(), LONGEST);
            text("/phone_number", phone_number.as_ref(), 50);
            if message.is_none() && phone_number.is_none() {
                problems.push(Problem::new("/message", "is needed, unless there is a phone_number"));
            }
            if footnote.is_some() {
                problems.push(Problem::new("/footnote", APPLE_ONLY));
            }
            known::START_LOST_MODE
        }
        Request::DisableLostMode {} => known::STOP_LOST_MODE,
        Request::ClearPasscode {} => known::RESET_PASSWORD,
        Request::ResetPassword { new_password, .. } => {
            let good =
                |password: &str| (4..=256).contains(&password.chars().count()) && !password.contains(char::is_control);
            if new_password.as_ref().is_some_and(|password| !good(password.reveal())) {
                problems.push(Problem::new("/new_password", "must have 4 to 256 characters"));
            }
            known::RESET_PASSWORD
        }
        Request::EraseDevice { disallow_proximity_setup, .. } => {
            if *disallow_proximity_setup {
                problems.push(Problem::new("/disallow_proximity_setup", APPLE_ONLY));
            }
            known::WIPE
        }
        Request::RestartDevice {} => known::REBOOT,
        Request::RelinquishOwnership {} => known::RELINQUISH_OWNERSHIP,
        Request::RemoveApplication { .. }
        | Request::Settings { .. }
        | Request::DeviceInformation {}
        | Request::SecurityInfo {}
        | Request::ProfileList {}
        | Request::InstalledApplicationList {}
        | Request::Raw { .. } => {
            problems.push(Problem::new("/type", APPLE_ONLY));
            ""
        }
    };
    Error::check(problems)?;
    Ok(kind)
}

/// A request as it is kept until Google takes it over.
pub fn kept(request: &Request) -> Result<String, Error> {
    Ok(json::encode(request)?)
}

/// A request that was kept, in Google's words; none if there are none for it.
pub(super) fn command(kept: &str, organisation: &str) -> Result<Option<Command>, Error> {
    let request: Request = json::decode(kept)?;
    let reset = |password: Option<String>, flags| Command::ResetPassword { new_password: password, flags };
    Ok(Some(match request {
        Request::DeviceLock { .. } => Command::Lock,
        Request::EnableLostMode { message, phone_number, .. } => Command::StartLostMode(LostMode {
            message,
            phone_number,
            organization: Some(organisation.to_owned()).filter(|name| !name.is_empty()),
            ..LostMode::default()
        }),
        Request::DisableLostMode {} => Command::StopLostMode,
        Request::ClearPasscode {} => reset(None, Vec::new()),
        Request::ResetPassword { new_password, require_entry, lock_now } => {
            let flags = [(require_entry, PasswordFlag::RequireEntry), (lock_now, PasswordFlag::LockNow)];
            let flags = flags.into_iter().filter(|(given, _)| *given).map(|(_, flag)| flag).collect();
            reset(new_password.map(|password| password.reveal().to_owned()), flags)
        }
        Request::EraseDevice { preserve_data_plan, .. } => {
            let flags = if preserve_data_plan { Vec::new() } else { vec![WipeFlag::WipeEsims] };
            Command::Wipe { flags, reason: None }
        }
        Request::RestartDevice {} => Command::Reboot,
        Request::RelinquishOwnership {} => Command::RelinquishOwnership,
        Request::RemoveApplication { .. }
        | Request::Settings { .. }
        | Request::DeviceInformation {}
        | Request::SecurityInfo {}
        | Request::ProfileList {}
        | Request::InstalledApplicationList {}
        | Request::Raw { .. } => return Ok(None),
    }))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn request(request: Value) -> Request {
        serde_json::from_value(request).unwrap()
    }

    fn said(said: Value) -> (&'static str, Command) {
        let request = request(said);
        let kind = kind(&request).unwrap();
        let command = command(&kept(&request).unwrap(), "Acme").unwrap().unwrap();
        assert_eq!(command.kind(), kind);
        (kind, command)
    }

    fn wrong(said: Value) -> String {
        match kind(&request(said)).unwrap_err() {
            Error::Invalid(problems) => problems[0].pointer.clone(),
            error => unreachable!("{error}"),
        }
    }

    #[test]
    fn requests_become_googles_commands() {
        assert_eq!(said(json!({"type": "device_lock"})).0, "LOCK");
        assert_eq!(said(json!({"type": "restart_device"})).0, "REBOOT");
        assert_eq!(said(json!({"type": "disable_lost_mode"})).0, "STOP_LOST_MODE");
        assert_eq!(said(json!({"type": "relinquish_ownership"})).0, "RELINQUISH_OWNERSHIP");
        assert_eq!(said(json!({"type": "clear_passcode"})).0, "RESET_PASSWORD");
        let (kind, command) = said(json!({"type": "erase_device", "preserve_data_plan": true}));
        assert!(kind == "WIPE" && matches!(command, Command::Wipe { flags, .. } if flags.is_empty()));
        let (_, command) = said(json!({"type": "enable_lost_mode", "message": "Lost"}));
        let Command::StartLostMode(lost) = command else { unreachable!() };
        assert_eq!((lost.message.as_deref(), lost.organization.as_deref()), (Some("Lost"), Some("Acme")));
        let (_, command) = said(json!({"type": "reset_password", "new_password": "987654", "lock_now": true}));
        let Command::ResetPassword { new_password, flags } = command else { unreachable!() };
        assert_eq!((new_password.as_deref(), flags.len()), (Some("987654"), 1));
        let shown = format!("{:?}", request(json!({"type": "reset_password", "new_password": "987654"})));
        assert!(!shown.contains("987654"), "{shown}");
    }

    #[test]
    fn what_google_does_not_know_is_refused() {
        for kind in ["profile_list", "device_information", "security_info", "installed_application_list"] {
            assert_eq!(wrong(json!({ "type": kind })), "/type");
        }
        assert_eq!(wrong(json!({"type": "raw", "plist": ""})), "/type");
        assert_eq!(wrong(json!({"type": "device_lock", "message": "x"})), "/message");
        assert_eq!(wrong(json!({"type": "enable_lost_mode"})), "/message");
        assert_eq!(wrong(json!({"type": "enable_lost_mode", "message": "x", "footnote": "y"})), "/footnote");
        assert_eq!(wrong(json!({"type": "reset_password", "new_password": "123"})), "/new_password");
    }
}
