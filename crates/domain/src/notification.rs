//! Notifications: who was told what, why, by which channel, and what became of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What brings a notification about.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The user's risk status changed.
    AccountStatus,
    /// An administrator notified a user.
    Notify,
    /// An administrator notified devices.
    Device,
    /// Administrators are told once a day what happened.
    Digest,
}

/// How somebody is told.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A mail to the user's address.
    Email,
    /// A text message to the user's phone number.
    Sms,
    /// A message on the device itself.
    DeviceMessage,
}

impl Channel {
    /// The word people read.
    pub fn display(self) -> &'static str {
        match self {
            Channel::Email => "email",
            Channel::Sms => "SMS",
            Channel::DeviceMessage => "device message",
        }
    }
}

/// What messages and wake-ups are sent by: each is set up by itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// Mail relays.
    Email,
    /// A provider of text messages.
    Sms,
    /// Apple's push service.
    Apns,
    /// Google's push service.
    Fcm,
}

impl Transport {
    /// All of them.
    pub const ALL: [Transport; 4] = [Transport::Email, Transport::Sms, Transport::Apns, Transport::Fcm];

    /// The name in addresses and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Transport::Email => "email",
            Transport::Sms => "sms",
            Transport::Apns => "apns",
            Transport::Fcm => "fcm",
        }
    }

    /// The one of this name.
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.as_str() == name)
    }

    /// What takes the messages of a channel; devices fetch theirs.
    pub fn of(channel: Channel) -> Option<Self> {
        match channel {
            Channel::Email => Some(Transport::Email),
            Channel::Sms => Some(Transport::Sms),
            Channel::DeviceMessage => None,
        }
    }

    /// The channel whose messages it takes; none if it only wakes devices.
    pub fn channel(self) -> Option<Channel> {
        match self {
            Transport::Email => Some(Channel::Email),
            Transport::Sms => Some(Channel::Sms),
            Transport::Apns | Transport::Fcm => None,
        }
    }
}

/// How whoever takes the messages of a transport is doing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderState {
    /// It answers.
    Ok,
    /// It cannot be reached, or lets nobody in: messages wait, and it is looked now and then whether it is back.
    Unreachable,
    /// It cannot be used as it is set up.
    Unusable,
}

/// What a message to a device is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    /// It tells of open issues.
    #[default]
    Notice,
    /// It tells that there are none.
    AllClear,
    /// Somebody's own words.
    Message,
}

/// What became of a notification.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NotificationState {
    /// It waits to be sent, or fetched by the device.
    Queued,
    /// It was written down and not sent: nothing to send it by is set up.
    Captured,
    /// It was handed over to be delivered.
    Sent,
    /// It arrived; a device message: the device has fetched it.
    Delivered,
    /// It was opened.
    Read,
    /// It could not be delivered: it was refused for good, or it expired.
    Failed,
    /// The recipient was left out, for the reason given.
    LeftOut,
}
