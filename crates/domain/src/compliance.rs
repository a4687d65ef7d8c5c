//! Compliance: derived from risk level and protection status whenever it is asked for.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{detection::ProtectionStatus, level::RiskLevel, settings::ComplianceSettings};

/// Whether a device may be trusted.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Compliance {
    /// Yes.
    Compliant,
    /// No.
    NotCompliant,
    /// The sensor is silent or was never activated, so nobody can tell.
    #[default]
    Unknown,
}

impl Compliance {
    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Compliance::Compliant => "compliant",
            Compliance::NotCompliant => "not_compliant",
            Compliance::Unknown => "unknown",
        }
    }
}

/// The compliance of a device: risk decides first, because a known threat counts even when the sensor falls silent.
pub fn compliance(risk: RiskLevel, protection: ProtectionStatus, settings: &ComplianceSettings) -> Compliance {
    if risk >= settings.not_compliant_from {
        return Compliance::NotCompliant;
    }
    match protection {
        ProtectionStatus::Activated => Compliance::Compliant,
        ProtectionStatus::Pending
        | ProtectionStatus::Deactivated
        | ProtectionStatus::Disconnected
        | ProtectionStatus::Unreachable => Compliance::Unknown,
    }
}
