//! Tags: the ordinary ones that people set, and the ones only the engine sets.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{ids::TagId, level::RiskLevel};

/// The tags the engine owns.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum EngineTag {
    /// The sensor runs.
    Activated,
    /// The sensor was switched off.
    Deactivated,
    /// The sensor has been silent for too long.
    Disconnected,
    /// The sensor was never activated.
    Pending,
    /// The sensor was removed or cannot be reached.
    Unreachable,
    /// At least one open threat of level low or above.
    ThreatsPresent,
    /// The sensor runs and there is no such threat.
    Secured,
    /// Risk level low.
    LowRisk,
    /// Risk level medium.
    MediumRisk,
    /// Risk level high.
    HighRisk,
    /// A denylisted app is installed.
    DenylistedApp,
    /// Phishing and content protection is off.
    PcpDisabled,
}

impl EngineTag {
    /// All of them.
    pub const ALL: [EngineTag; 12] = [
        EngineTag::Activated,
        EngineTag::Deactivated,
        EngineTag::Disconnected,
        EngineTag::Pending,
        EngineTag::Unreachable,
        EngineTag::ThreatsPresent,
        EngineTag::Secured,
        EngineTag::LowRisk,
        EngineTag::MediumRisk,
        EngineTag::HighRisk,
        EngineTag::DenylistedApp,
        EngineTag::PcpDisabled,
    ];

    /// The name a tenant starts with.
    pub fn default_name(self) -> &'static str {
        match self {
            EngineTag::Activated => "MTD - Activated",
            EngineTag::Deactivated => "MTD - Deactivated",
            EngineTag::Disconnected => "MTD - Disconnected",
            EngineTag::Pending => "MTD - Pending",
            EngineTag::Unreachable => "MTD - Unreachable",
            EngineTag::ThreatsPresent => "MTD - Threats Present",
            EngineTag::Secured => "MTD - Secured",
            EngineTag::LowRisk => "MTD - Low Risk",
            EngineTag::MediumRisk => "MTD - Medium Risk",
            EngineTag::HighRisk => "MTD - High Risk",
            EngineTag::DenylistedApp => "MTD - Denylisted App",
            EngineTag::PcpDisabled => "MTD - PCP Disabled",
        }
    }

    /// The word used in the API, for example `high_risk`.
    pub fn as_str(self) -> &'static str {
        match self {
            EngineTag::Activated => "activated",
            EngineTag::Deactivated => "deactivated",
            EngineTag::Disconnected => "disconnected",
            EngineTag::Pending => "pending",
            EngineTag::Unreachable => "unreachable",
            EngineTag::ThreatsPresent => "threats_present",
            EngineTag::Secured => "secured",
            EngineTag::LowRisk => "low_risk",
            EngineTag::MediumRisk => "medium_risk",
            EngineTag::HighRisk => "high_risk",
            EngineTag::DenylistedApp => "denylisted_app",
            EngineTag::PcpDisabled => "pcp_disabled",
        }
    }

    /// The risk tag of a level, if that level has one.
    pub fn of_risk(level: RiskLevel) -> Option<EngineTag> {
        match level {
            RiskLevel::None | RiskLevel::Advisory => None,
            RiskLevel::Low => Some(EngineTag::LowRisk),
            RiskLevel::Medium => Some(EngineTag::MediumRisk),
            RiskLevel::High => Some(EngineTag::HighRisk),
        }
    }

    /// Whether this is one of the three of which a device has at most one.
    pub fn is_risk(self) -> bool {
        matches!(self, EngineTag::LowRisk | EngineTag::MediumRisk | EngineTag::HighRisk)
    }
}

/// A label on devices.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Tag {
    /// Its id.
    pub id: TagId,
    /// Its name, unique in the tenant.
    pub name: String,
    /// Set where the engine owns it.
    pub engine: Option<EngineTag>,
}
