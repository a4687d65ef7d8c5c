//! What addresses and identifiers have to look like.

use allclear_domain::{contact, template::language};

use crate::Problem;

/// The longest identifier of a device, in bytes, as for ids of sources.
const MAX_IDENTIFIER: usize = 200;

/// A mail address that can be written to.
pub(super) fn email(pointer: &str, text: &str) -> Option<Problem> {
    (!contact::is_email(text)).then(|| Problem::new(pointer, "must be a mail address such as ada@example.com"))
}

/// An international phone number.
pub(super) fn phone(pointer: &str, text: &str) -> Option<Problem> {
    let detail = "must be a phone number in international form (E.164): a plus, the country code and the number, \
                  7 to 15 digits without spaces, such as +14255550123";
    contact::phone_digits(text).is_none().then(|| Problem::new(pointer, detail))
}

/// A language tag in the form of BCP 47, such as `de` or `pt-BR`.
pub(super) fn locale(pointer: &str, text: &str) -> Option<Problem> {
    (!language::is_tag(text)).then(|| Problem::new(pointer, "must be a language tag such as de or pt-BR"))
}

/// An identifier of a device: 1 to 200 bytes without control characters or space around it.
pub(crate) fn identifier(pointer: &str, text: &str) -> Option<Problem> {
    let good = (1..=MAX_IDENTIFIER).contains(&text.len()) && !text.chars().any(char::is_control) && text.trim() == text;
    let detail = format!("must be 1 to {MAX_IDENTIFIER} bytes, without spaces around or control characters");
    (!good).then(|| Problem::new(pointer, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_are_tags() {
        for good in ["de", "pt-BR", "zh-Hans-CN", "es-419"] {
            assert_eq!(locale("", good), None, "{good}");
        }
        for bad in ["", "d", "de_DE", "de-", "1a", "de-abcdefghi", "deutschland"] {
            assert!(locale("", bad).is_some(), "{bad}");
        }
    }
}
