//! Checks of values that have the right type but may make no sense, collecting everything that is wrong.

use crate::problem::{FieldError, Problem};

/// Longest name of anything, in characters.
pub const NAME: usize = 100;

/// What has been found wrong so far.
#[derive(Debug, Default)]
pub struct Check(Vec<FieldError>);

impl Check {
    /// What others have found wrong: JSON pointers and reasons.
    pub fn of(problems: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>) -> Self {
        Self(problems.into_iter().map(|(pointer, detail)| FieldError::new(pointer, detail)).collect())
    }

    /// Notes that the member at a JSON pointer is wrong.
    pub fn fail(&mut self, pointer: impl Into<String>, detail: impl Into<String>) {
        self.0.push(FieldError::new(pointer, detail));
    }

    /// Notes it unless `holds`.
    pub fn that(&mut self, holds: bool, pointer: &str, detail: &str) {
        if !holds {
            self.fail(pointer, detail);
        }
    }

    /// One line of text that people read: 1 to `longest` characters, no control characters, no space at either end.
    pub fn line(&mut self, pointer: &str, text: &str, longest: usize) {
        let length = text.chars().count();
        if length == 0 || length > longest {
            self.fail(pointer, format!("must have 1 to {longest} characters"));
        } else if text.chars().any(char::is_control) || text.trim() != text {
            self.fail(pointer, "must be one line without space at either end");
        }
    }

    /// Refuses the request if anything is wrong.
    pub fn finish(self) -> Result<(), Problem> {
        if self.0.is_empty() { Ok(()) } else { Err(Problem::invalid(self.0)) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;

    #[test]
    fn everything_wrong_is_said_at_once() {
        let mut check = Check::default();
        check.line("/a", "", 5);
        check.line("/b", "sixsix", 5);
        check.line("/c", "a\0b", 5);
        check.line("/d", " a", 5);
        check.line("/e", "äöüßé", 5);
        check.that(false, "/f", "no");
        check.that(true, "/g", "no");
        let problem = check.finish().unwrap_err();
        let pointers: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, ["/a", "/b", "/c", "/d", "/f"]);
        assert!(Check::default().finish().is_ok());
    }
}
