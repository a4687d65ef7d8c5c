//! Apple devices under Apple's own management: what they say, what they are told, and the exchange of the two.
//!
//! A device calls, or is woken to call, and is given one command at a time until there is none. Commands about profiles
//! are derived anew at each call, as for devices with our agent; those of administrators wait in a queue; some things the
//! device is asked by itself. Who a device is was found out before it comes here.

pub mod enrollment_profile;
pub mod exchange;
pub mod inquiries;
pub mod inventory;
pub mod messages;
pub(crate) mod next;
pub mod profile;
pub mod property_list;
pub mod requests;
#[cfg(test)]
mod tests;

/// The identifier of the configuration profile that puts a device under management. Taking it off ends that.
pub const ENROLLMENT_PROFILE: &str = "allclear.enrollment";
