//! Names for things: one type for each noun, so that a user's id cannot stand where a device's should.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A tenant: a customer organization group and everything at or below it. Small, because it leads every key.
///
/// Number 0 is the server itself (the `Global` organization group); customers count from 1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tenant(pub i64);

impl Tenant {
    /// The server itself; holds no devices, groups or profiles.
    pub const SERVER: Tenant = Tenant(0);
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )* };
}

ids! {
    /// An organization group: a node of the tenant tree.
    OrganizationGroupId,
    /// A person in the directory.
    UserId,
    /// A named set of users.
    UserGroupId,
    /// A phone or tablet.
    DeviceId,
    /// A threat on one device, across all the detections about it.
    ThreatId,
    /// A label on devices.
    TagId,
    /// A saved set of criteria over devices.
    SmartGroupId,
    /// A named, versioned set of payloads.
    ProfileId,
    /// Something a device was told to do.
    CommandId,
    /// Work that goes on after the request that started it.
    JobId,
    /// A set of rights.
    RoleId,
    /// A credential of a program.
    TokenId,
    /// One message to one recipient by one channel.
    NotificationId,
    /// Somebody who signs in to the console.
    AdminId,
    /// An administrator's session.
    SessionId,
    /// A browser in which the Messages app is bound to a device.
    MessagesSessionId,
    /// A passkey of an administrator.
    PasskeyId,
    /// A set of indicators.
    IndicatorSetId,
    /// An app or configuration profile that devices have, in one version.
    ItemId,
}

impl OrganizationGroupId {
    /// `Global`, the root of the tree, has the same id on every server.
    pub const GLOBAL: OrganizationGroupId = OrganizationGroupId(Uuid::nil());
}
