//! What addresses and identifiers have to look like.

use crate::Problem;

/// The longest identifier of a device, in bytes, as for ids of sources.
const MAX_IDENTIFIER: usize = 200;

/// A mail address that can be written to: `local@host.domain`, at most 254 bytes.
pub(super) fn email(pointer: &str, text: &str) -> Option<Problem> {
    let local = |text: &str| {
        let plain = |c: char| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c);
        (1..=64).contains(&text.len())
            && text.chars().all(plain)
            && !text.starts_with('.')
            && !text.ends_with('.')
            && !text.contains("..")
    };
    let label = |text: &str| {
        let plain = |c: char| c.is_alphanumeric() || c == '-';
        (1..=63).contains(&text.len()) && text.chars().all(plain) && !text.starts_with('-') && !text.ends_with('-')
    };
    let host = |text: &str| text.contains('.') && text.split('.').all(label);
    let good = text.len() <= 254 && text.rsplit_once('@').is_some_and(|(before, after)| local(before) && host(after));
    (!good).then(|| Problem::new(pointer, "must be a mail address such as ada@example.com"))
}

/// An international phone number in E.164: a plus and 7 to 15 digits, the first not 0.
pub(super) fn phone(pointer: &str, text: &str) -> Option<Problem> {
    let digits = text.strip_prefix('+').unwrap_or_default();
    let good = (7..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    let detail = "must be a phone number in international form (E.164): a plus, the country code and the number, \
                  7 to 15 digits without spaces, such as +14255550123";
    (!good).then(|| Problem::new(pointer, detail))
}

/// A language tag in the form of BCP 47, such as `de` or `pt-BR`.
pub(super) fn locale(pointer: &str, text: &str) -> Option<Problem> {
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    let good = text.len() <= 35
        && (2..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && subtags.all(|tag| (1..=8).contains(&tag.len()) && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    (!good).then(|| Problem::new(pointer, "must be a language tag such as de or pt-BR"))
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
    fn addresses_are_told_from_what_is_none() {
        for good in ["ada@example.com", "a.b+c@mail.example.co.uk", "o'neil@example.com", "zoë@bücher.example"] {
            assert_eq!(email("", good), None, "{good}");
        }
        for bad in
            ["", "ada", "@example.com", "ada@", "ada@example", "a b@example.com", "a@b@example.com", ".a@example.com"]
        {
            assert!(email("", bad).is_some(), "{bad}");
        }
        for bad in ["a..b@example.com", "a@-example.com", "a@example..com", "a@example.com\n", "<a@example.com>"] {
            assert!(email("", bad).is_some(), "{bad}");
        }
        assert!(email("", &format!("{}@example.com", "a".repeat(65))).is_some());
    }

    #[test]
    fn phone_numbers_are_international() {
        for good in ["+14255550123", "+4915112345678", "+2904567"] {
            assert_eq!(phone("", good), None, "{good}");
        }
        for bad in ["", "14255550123", "+0425555012", "+1 425 555 0123", "+123456", "+1234567890123456", "+1425555O123"]
        {
            assert!(phone("", bad).is_some(), "{bad}");
        }
    }

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
