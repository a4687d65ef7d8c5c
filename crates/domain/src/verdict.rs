//! Three-valued logic: missing data is *unknown*, and unknown is never "no".

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The answer to a question about a device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The data says no.
    No,
    /// The data to decide is missing.
    Unknown,
    /// The data says yes.
    Yes,
}

impl Verdict {
    /// All of several: no if one is no, else unknown if one is unknown.
    #[must_use]
    pub fn and(self, other: Verdict) -> Verdict {
        self.min(other)
    }

    /// Any of several: yes if one is yes, else unknown if one is unknown.
    #[must_use]
    pub fn or(self, other: Verdict) -> Verdict {
        self.max(other)
    }

    /// The opposite; unknown stays unknown.
    #[must_use]
    pub fn negate(self) -> Verdict {
        match self {
            Verdict::No => Verdict::Yes,
            Verdict::Unknown => Verdict::Unknown,
            Verdict::Yes => Verdict::No,
        }
    }

    /// What it means for something that is (`held`) or is not in force: unknown changes nothing.
    pub fn holds(self, held: bool) -> bool {
        match self {
            Verdict::No => false,
            Verdict::Unknown => held,
            Verdict::Yes => true,
        }
    }
}

impl From<bool> for Verdict {
    fn from(yes: bool) -> Self {
        if yes { Verdict::Yes } else { Verdict::No }
    }
}
