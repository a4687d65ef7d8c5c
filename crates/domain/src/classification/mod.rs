//! The kinds of threats, each with the level and response a tenant's Protections table starts from.
//!
//! One row per kind, in one file per family. This module knows what a threat is called and how bad it usually is; it
//! must not know who reported it, on which device, or what a tenant made of it.

mod application;
mod device;
mod names;
mod network;
mod technique;
mod translations;
mod web;

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::level::{Family, Platform, RiskLevel};
pub use names::canonical;
pub use translations::{LONGEST_NAME, LONGEST_USER_TEXT, OwnText, OwnTexts, Texts};

/// The id of the row that rates every name not in the table.
pub const UNKNOWN: &str = "unknown";

/// What is done at once about an open threat, besides rating the device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// The user of the device is told.
    Alert,
    /// Nobody is told; the threat is shown in the console only.
    DoNotAlert,
    /// The user is told, and the sensor keeps the device from the domain.
    BlockDomain,
    /// The user is told, and the sensor cuts the device off from the internet until the threat is gone.
    BlockInternet,
}

impl Response {
    /// All responses, in the order they are offered.
    pub const ALL: [Response; 4] =
        [Response::Alert, Response::DoNotAlert, Response::BlockDomain, Response::BlockInternet];

    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Response::Alert => "alert",
            Response::DoNotAlert => "do_not_alert",
            Response::BlockDomain => "block_domain",
            Response::BlockInternet => "block_internet",
        }
    }
}

/// A technique of MITRE ATT&CK for Mobile.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, ToSchema)]
pub struct Technique {
    /// The id, `T` and four digits, with `.` and three digits for a sub-technique.
    pub id: &'static str,
    /// The name ATT&CK gives it.
    pub name: &'static str,
}

/// One kind of threat.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, ToSchema)]
pub struct Classification {
    /// The name in the API: snake_case, never changes.
    pub id: &'static str,
    /// The name people read.
    pub name: &'static str,
    /// What such a threat lives in.
    pub family: Family,
    /// The platforms it occurs on.
    pub platforms: &'static [Platform],
    /// The level a tenant starts with.
    pub default_level: RiskLevel,
    /// The response a tenant starts with.
    pub default_response: Response,
    /// What the owner of the phone should do, addressed to them; at most 200 characters.
    pub user_text: &'static str,
    /// What the administrator should do.
    pub admin_text: &'static str,
    /// The ATT&CK technique it stands for, where there is one.
    pub technique: Option<Technique>,
    /// It stands for something the user did: when it is over its score decays instead of falling to 0 at once.
    pub behaviour: bool,
}

impl Classification {
    /// A row that alerts and is about the device, not about what its user did.
    const fn new(
        id: &'static str,
        name: &'static str,
        family: Family,
        platforms: &'static [Platform],
        default_level: RiskLevel,
        technique: Option<Technique>,
    ) -> Self {
        Self {
            id,
            name,
            family,
            platforms,
            default_level,
            default_response: Response::Alert,
            user_text: "",
            admin_text: "",
            technique,
            behaviour: false,
        }
    }

    const fn user(mut self, text: &'static str) -> Self {
        self.user_text = text;
        self
    }

    const fn admin(mut self, text: &'static str) -> Self {
        self.admin_text = text;
        self
    }

    const fn response(mut self, response: Response) -> Self {
        self.default_response = response;
        self
    }

    const fn behaviour(mut self) -> Self {
        self.behaviour = true;
        self
    }
}

const ANDROID: &[Platform] = &[Platform::Android];
const IOS: &[Platform] = &[Platform::Ios];
const BOTH: &[Platform] = &[Platform::Android, Platform::Ios];

static TABLE: LazyLock<Vec<Classification>> = LazyLock::new(|| {
    let mut rows = [application::ROWS, device::ROWS, network::ROWS, web::ROWS].concat();
    rows.sort_unstable_by_key(|row| row.id);
    rows
});

/// The whole table, sorted by id.
pub fn all() -> &'static [Classification] {
    &TABLE
}

/// The row with exactly this id; see [`canonical`] for what sources call it.
pub fn find(id: &str) -> Option<&'static Classification> {
    let index = TABLE.binary_search_by(|row| row.id.cmp(id)).ok()?;
    TABLE.get(index)
}

#[cfg(test)]
mod tests;
