//! What addresses of people look like.

/// Whether a text is a mail address that can be written to: `local@host.domain`, at most 254 bytes, without anything
/// that could be read as another header.
pub fn is_email(text: &str) -> bool {
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
    text.len() <= 254 && text.rsplit_once('@').is_some_and(|(before, after)| local(before) && host(after))
}

/// The digits of an international phone number (E.164): a plus and 7 to 15 digits, the first not 0. None if the text is
/// anything else.
pub fn phone_digits(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('+')?;
    let good = (7..=15).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.starts_with('0');
    good.then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phone_numbers_are_international() {
        for good in ["+14255550123", "+4915112345678", "+2904567"] {
            assert_eq!(phone_digits(good), Some(&good[1..]), "{good}");
        }
        for bad in ["", "14255550123", "+0425555012", "+1 425 555 0123", "+123456", "+1234567890123456", "+1425555O123"]
        {
            assert_eq!(phone_digits(bad), None, "{bad}");
        }
    }

    #[test]
    fn addresses_are_told_from_what_is_none() {
        for good in ["ada@example.com", "a.b+c@mail.example.co.uk", "o'neil@example.com", "zoë@bücher.example"] {
            assert!(is_email(good), "{good}");
        }
        for bad in
            ["", "ada", "@example.com", "ada@", "ada@example", "a b@example.com", "a@b@example.com", ".a@example.com"]
        {
            assert!(!is_email(bad), "{bad}");
        }
        for bad in ["a..b@example.com", "a@-example.com", "a@example..com", "a@example.com\n", "<a@example.com>"] {
            assert!(!is_email(bad), "{bad}");
        }
        assert!(!is_email(&format!("{}@example.com", "a".repeat(65))));
    }
}
