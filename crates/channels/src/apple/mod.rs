//! Apple's device management: what is handed to iPhones and iPads in Apple's own words, and what they answer.

pub mod inventory;
pub mod profile;

#[cfg(test)]
mod tests;
