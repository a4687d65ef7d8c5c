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
    /// It could not be delivered.
    Failed,
    /// The recipient was left out, for the reason given.
    LeftOut,
}
