//! The payloads of a profile: what it puts on a device.
//!
//! A payload says what the administrator wants in the platform's own terms. This module checks it against the
//! platform's schema, says what it needs of a device, which facts it changes, and which of several values is stricter.
//! It must not know how a payload is sent to a device.

mod android;
pub mod apple;
mod check;
mod effects;
mod forms;
mod ios;
mod merge;
mod policy;
mod requirements;
mod secrets;
mod setting;
mod types;

pub use check::{MAX_APPS, MAX_BYTES, MAX_PAYLOADS, PayloadIssue, check, findings};
pub use effects::{Effect, SENSOR_APPS, changes, is_sensor};
pub use merge::{InForce, Share, in_force, nested, restrictive_merge, restricts, stricter_value};
pub use requirements::{DeviceTraits, Need, Requirement, requirements, unmet};
pub use secrets::secrets;
pub use setting::{Kind, Management, Restrictive, SettingSpec, catalogue, settings};
pub use types::{
    AppAction, AppMode, AppRule, ApplicationControl, ApplicationRule, Bookmark, CustomSettings, NetworkUsageRules,
    Passcode, PasscodeQuality, PasscodeScope, Payload, PayloadType, Restrictions, SimRule, Vpn, VpnConnection,
    WebContentFilter, WebFilter, Wifi, WifiAssist, WifiSecurity,
};

#[cfg(test)]
mod schema_tests;
#[cfg(test)]
mod tests;

/// A JSON pointer one step deeper, escaped as RFC 6901 asks.
fn below(pointer: &str, step: impl std::fmt::Display) -> String {
    let step = step.to_string();
    if step.contains(['~', '/']) {
        return format!("{pointer}/{}", step.replace('~', "~0").replace('/', "~1"));
    }
    format!("{pointer}/{step}")
}
