//! What Google keeps for us, and what is asked of it about that.

use std::fmt;

use allclear_domain::time::{Span, Time};
use serde_json::Value;

use super::{
    error::{Error, strange},
    events::Message,
};

/// Where an organisation signs up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignUp {
    /// What Google calls it, needed to complete it.
    pub name: String,
    /// Where an administrator of the organisation is sent.
    pub url: String,
}

/// An organisation at Google.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enterprise {
    /// Its name, for example `enterprises/LC01abc`.
    pub name: String,
    /// What people are shown.
    pub display_name: String,
    /// Where Google publishes what happens to its devices.
    pub topic: Option<String>,
    /// What of that.
    pub notifications: Vec<String>,
}

impl Enterprise {
    pub(super) fn read(enterprise: &Value) -> Result<Self, Error> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let notifications = enterprise["enabledNotificationTypes"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(Self {
            name: text(&enterprise["name"]).ok_or_else(|| strange("name"))?,
            display_name: text(&enterprise["enterpriseDisplayName"]).unwrap_or_default(),
            topic: text(&enterprise["pubsubTopic"]),
            notifications: notifications.iter().filter_map(text).collect(),
        })
    }
}

/// Whether the owner of a device that enrolls may use it privately as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PersonalUsage {
    /// Yes: what is managed is a work profile.
    Allowed,
    /// No: all of a company-owned device is managed.
    Disallowed,
    /// No, and it is nobody's in particular.
    DisallowedUserless,
}

impl PersonalUsage {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "PERSONAL_USAGE_ALLOWED",
            Self::Disallowed => "PERSONAL_USAGE_DISALLOWED",
            Self::DisallowedUserless => "PERSONAL_USAGE_DISALLOWED_USERLESS",
        }
    }
}

/// What devices enroll with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NewEnrollmentToken<'a> {
    /// The policy they have at first.
    pub policy_id: &'a str,
    /// How long it may be used, at least a minute.
    pub lasts: Span,
    /// What a device that enrolled with it says, for us. At most 1024 characters.
    pub additional_data: &'a str,
    /// Whether it is for one device.
    pub one_time: bool,
    /// Who the device is for.
    pub personal_usage: PersonalUsage,
}

/// What devices enroll with. Whoever has its value or its code enrolls a device.
#[derive(Clone, PartialEq, Eq)]
pub struct EnrollmentToken {
    /// What Google calls it.
    pub name: String,
    /// What is typed in.
    pub value: String,
    /// What is in the QR code that is scanned.
    pub qr_code: String,
    /// Until when it may be used.
    pub expires: Time,
}

impl fmt::Debug for EnrollmentToken {
    /// Without the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EnrollmentToken({} until {})", self.name, self.expires)
    }
}

/// Some of the devices.
#[derive(Clone, PartialEq, Debug)]
pub struct DevicePage {
    /// Google's `Device`s.
    pub devices: Vec<Value>,
    /// Where the next ones are; none: these were the last.
    pub next: Option<String>,
}

/// What is changed of a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceChange<'a> {
    /// The policy it has, by its id.
    Policy(&'a str),
    /// It may be used.
    Active,
    /// It may not be used.
    Disabled {
        /// What its user reads.
        reason: Option<&'a str>,
    },
}

/// A message that was fetched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    /// By what it is acknowledged; otherwise it comes again.
    pub ack_id: String,
    /// The message.
    pub message: Message,
}
