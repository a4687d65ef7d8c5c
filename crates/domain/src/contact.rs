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

#[cfg(test)]
mod tests {
    use super::*;

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
