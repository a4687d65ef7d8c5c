//! Versions of operating systems, compared number by number.

use std::cmp::Ordering;

/// Compares two versions such as `17.6.1` and `17.10`; missing parts count as 0.
///
/// `None` when either is not a dotted number of at most six parts.
pub fn compare(a: &str, b: &str) -> Option<Ordering> {
    Some(parse(a)?.cmp(&parse(b)?))
}

/// Whether `text` is a version that can be compared.
pub fn is_valid(text: &str) -> bool {
    parse(text).is_some()
}

fn parse(text: &str) -> Option<[u32; 6]> {
    let mut parts = [0; 6];
    for (index, part) in text.trim().split('.').enumerate() {
        let slot = parts.get_mut(index)?;
        if part.is_empty() || !part.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *slot = part.parse().ok()?;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_number() {
        assert_eq!(compare("17.10", "17.9.3"), Some(Ordering::Greater));
        assert_eq!(compare("14", "14.0.0"), Some(Ordering::Equal));
        assert_eq!(compare("9", "10"), Some(Ordering::Less));
        for bad in ["", "14.", "Tiramisu", "-1", "1.2.3.4.5.6.7", "99999999999"] {
            assert_eq!(compare(bad, "1"), None, "{bad}");
        }
    }
}
