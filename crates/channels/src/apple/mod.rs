//! Apple's device management: what is handed to iPhones and iPads in Apple's own words, and what they answer.

pub mod enrollment_profile;
pub mod inventory;
pub mod profile;

#[cfg(test)]
mod tests;

/// The identifier of the configuration profile that puts a device under management. Taking it off ends that.
pub const ENROLLMENT_PROFILE: &str = "allclear.enrollment";
