//! How long a text is as one SMS.
//!
//! A message of the GSM 7-bit alphabet (3GPP TS 23.038) has 160 septets, of which a character of the extension table
//! takes two. One character outside of it, and the whole message is sent as UCS-2 with 70 code units.

use serde::Serialize;
use utoipa::ToSchema;

/// The alphabet a text is sent in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SmsAlphabet {
    /// The GSM 7-bit alphabet with its extension table.
    Gsm7,
    /// UCS-2.
    Ucs2,
}

/// How long a text is as an SMS, and whether one message holds it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct SmsLength {
    /// The alphabet it needs.
    pub alphabet: SmsAlphabet,
    /// How many units of the alphabet it takes: septets or UTF-16 code units.
    pub units: usize,
    /// How many there is room for: 160 or 70.
    pub limit: usize,
    /// Whether it fits.
    pub fits: bool,
}

/// The basic table without the escape to the extension table.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§\
                     ¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// The extension table; each takes an escape before it.
const EXTENSION: &str = "\u{c}^{}\\[~]|€";

/// Measures a text.
pub fn length(text: &str) -> SmsLength {
    let septets = |character: char| match character {
        _ if BASIC.contains(character) => Some(1),
        _ if EXTENSION.contains(character) => Some(2),
        _ => None,
    };
    let (alphabet, units, limit) = match text.chars().map(septets).sum::<Option<usize>>() {
        Some(units) => (SmsAlphabet::Gsm7, units, 160),
        None => (SmsAlphabet::Ucs2, text.encode_utf16().count(), 70),
    };
    SmsLength { alphabet, units, limit, fits: units <= limit }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_borders_are_where_the_alphabets_end() {
        for (text, alphabet, units, fits) in [
            (String::new(), SmsAlphabet::Gsm7, 0, true),
            ("a".repeat(160), SmsAlphabet::Gsm7, 160, true),
            ("a".repeat(161), SmsAlphabet::Gsm7, 161, false),
            ("€".repeat(80), SmsAlphabet::Gsm7, 160, true),
            (format!("{}a", "€".repeat(80)), SmsAlphabet::Gsm7, 161, false),
            ("Übergröße: ¿qué? @ Ω".to_owned(), SmsAlphabet::Gsm7, 20, true),
            ("ы".repeat(70), SmsAlphabet::Ucs2, 70, true),
            ("ы".repeat(71), SmsAlphabet::Ucs2, 71, false),
            (format!("{}ы", "a".repeat(70)), SmsAlphabet::Ucs2, 71, false),
            ("😀".repeat(35), SmsAlphabet::Ucs2, 70, true),
            ("ç’`".to_owned(), SmsAlphabet::Ucs2, 3, true),
        ] {
            let length = length(&text);
            assert_eq!((length.alphabet, length.units, length.fits), (alphabet, units, fits), "{text}");
        }
        assert_eq!((BASIC.chars().count(), EXTENSION.chars().count()), (127, 10));
    }

    proptest! {
        #[test]
        fn length_grows_with_every_character(text in "\\PC{0,200}", more in "\\PC") {
            let (before, after) = (length(&text), length(&format!("{text}{more}")));
            // Room shrinks when the alphabet changes, and what did not fit never fits again.
            prop_assert!(before.fits || !after.fits);
            prop_assert!(after.limit <= before.limit);
            prop_assert!(before.alphabet != after.alphabet || after.units > before.units);
            prop_assert_eq!(after.fits, after.units <= after.limit);
        }

        #[test]
        fn the_alphabet_is_a_matter_of_the_characters_alone(text in "\\PC{0,80}") {
            let reversed: String = text.chars().rev().collect();
            prop_assert_eq!(length(&text), length(&reversed));
        }
    }
}
