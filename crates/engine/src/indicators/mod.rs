//! Indicators: sets of them, and what they give away about devices.
//!
//! Knows neither the formats that sets come in nor how they are fetched: whoever reads a set hands in what it holds.

mod load;
mod matching;
mod sets;

pub(crate) use load::concern;
pub use load::{Loading, delete, load, run_due};
pub(crate) use matching::{annotate, recheck, take_in};
pub use sets::{NewSet, SetEdit, create, edit, note_check, refresh};
