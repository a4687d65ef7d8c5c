//! Risk levels and the families of threats.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How bad: of a classification in Protections, of a threat, of a device (the highest of its open threats).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    /// Recorded, no alert; the device stays secured.
    #[default]
    None,
    /// Shown, no tag.
    Advisory,
    /// Tagged `MTD - Low Risk`.
    Low,
    /// Tagged `MTD - Medium Risk`; not compliant by default.
    Medium,
    /// Tagged `MTD - High Risk`; not compliant by default.
    High,
}

impl RiskLevel {
    /// All levels, lowest first.
    pub const ALL: [RiskLevel; 5] =
        [RiskLevel::None, RiskLevel::Advisory, RiskLevel::Low, RiskLevel::Medium, RiskLevel::High];

    /// The word used in the API: `none`, `advisory`, `low`, `medium` or `high`.
    pub fn as_str(self) -> &'static str {
        match self {
            RiskLevel::None => "none",
            RiskLevel::Advisory => "advisory",
            RiskLevel::Low => "low",
            RiskLevel::Medium => "medium",
            RiskLevel::High => "high",
        }
    }
}

/// What a threat lives in.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Family {
    /// An installed app.
    Application,
    /// A file on the device.
    File,
    /// A setting of the device.
    Configuration,
    /// The operating system itself.
    Os,
    /// A network the device uses.
    Network,
    /// A page, link or message.
    WebContent,
}

/// The operating system of a device.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Platform {
    /// Android.
    Android,
    /// iOS and iPadOS.
    Ios,
}

impl Platform {
    /// The word used in the API: `android` or `ios`.
    pub fn as_str(self) -> &'static str {
        match self {
            Platform::Android => "android",
            Platform::Ios => "ios",
        }
    }

    /// The name people read: `Android` or `iOS`.
    pub fn display(self) -> &'static str {
        match self {
            Platform::Android => "Android",
            Platform::Ios => "iOS",
        }
    }
}
