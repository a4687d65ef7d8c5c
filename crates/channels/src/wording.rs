//! Words that administrators have devices show, whoever manages the device.

use allclear_engine::Problem;

/// What is wrong with such a text at a pointer; nothing with one that is left out.
pub(crate) fn check(pointer: &str, text: Option<&String>, longest: usize) -> Option<Problem> {
    let good = text.is_none_or(|text| {
        (1..=longest).contains(&text.chars().count())
            && !text.trim().is_empty()
            && !text.chars().any(|letter| letter.is_control() && letter != '\n')
    });
    (!good).then(|| Problem::new(pointer, format!("must have 1 to {longest} characters, none of them control")))
}
