//! A text as one SMS: how long it is, and the octets that say it.
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

impl SmsLength {
    /// That it does not fit, with the count.
    pub fn excess(&self) -> String {
        let Self { units, limit, .. } = self;
        let because = match self.alphabet {
            SmsAlphabet::Gsm7 => "",
            SmsAlphabet::Ucs2 => ", because it has characters outside of the GSM alphabet",
        };
        format!("is too long for an SMS: {units} of {limit} characters{because}")
    }
}

/// The basic table without the escape to the extension table, which stands between Ξ and Æ.
const BASIC: &str = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§\
                     ¿abcdefghijklmnopqrstuvwxyzäöñüà";
/// Says that the next septet is one of the extension table.
const ESCAPE: u8 = 0x1B;
/// The extension table.
const EXTENSION: [(char, u8); 10] = [
    ('\u{c}', 0x0A),
    ('^', 0x14),
    ('{', 0x28),
    ('}', 0x29),
    ('\\', 0x2F),
    ('[', 0x3C),
    ('~', 0x3D),
    (']', 0x3E),
    ('|', 0x40),
    ('€', 0x65),
];

/// What a character is in the GSM 7-bit alphabet: whether it is one of the extension table, and its septet.
fn septet(character: char) -> Option<(bool, u8)> {
    if let Some(place) = BASIC.chars().position(|known| known == character) {
        let septet = u8::try_from(place).ok()?;
        return Some((false, if septet < ESCAPE { septet } else { septet + 1 }));
    }
    EXTENSION.iter().find(|(known, _)| *known == character).map(|(_, septet)| (true, *septet))
}

/// Measures a text.
pub fn length(text: &str) -> SmsLength {
    let septets = |character| septet(character).map(|(extended, _)| 1 + usize::from(extended));
    let (alphabet, units, limit) = match text.chars().map(septets).sum::<Option<usize>>() {
        Some(units) => (SmsAlphabet::Gsm7, units, 160),
        None => (SmsAlphabet::Ucs2, text.encode_utf16().count(), 70),
    };
    SmsLength { alphabet, units, limit, fits: units <= limit }
}

/// The octets of a text that fits into one message: a septet in each (GSM 7-bit), or UTF-16 with the high octet first
/// (UCS-2). A text that does not fit is an error; nothing is ever cut off.
pub fn encode(text: &str) -> Result<(SmsAlphabet, Vec<u8>), SmsLength> {
    let length = length(text);
    if !length.fits {
        return Err(length);
    }
    let octets = match length.alphabet {
        SmsAlphabet::Gsm7 => {
            let escaped = |(extended, septet): (bool, u8)| extended.then_some(ESCAPE).into_iter().chain([septet]);
            text.chars().filter_map(septet).flat_map(escaped).collect()
        }
        SmsAlphabet::Ucs2 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
    };
    Ok((length.alphabet, octets))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

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
        assert_eq!(BASIC.chars().count(), 127);
    }

    /// Reads septets as the standard's tables have them, which are written down here once more, by row.
    fn read_gsm7(octets: &[u8]) -> String {
        let rows = [
            "@£$¥èéùìòÇ\nØø\rÅå",
            "Δ_ΦΓΛΩΠΨΣΘΞ\u{1b}ÆæßÉ",
            " !\"#¤%&'()*+,-./",
            "0123456789:;<=>?",
            "¡ABCDEFGHIJKLMNO",
            "PQRSTUVWXYZÄÖÑÜ§",
            "¿abcdefghijklmno",
            "pqrstuvwxyzäöñüà",
        ];
        let mut octets = octets.iter();
        let mut text = String::new();
        while let Some(&octet) = octets.next() {
            text.push(match octet {
                0x1B => match octets.next().unwrap() {
                    0x0A => '\u{c}',
                    0x14 => '^',
                    0x28 => '{',
                    0x29 => '}',
                    0x2F => '\\',
                    0x3C => '[',
                    0x3D => '~',
                    0x3E => ']',
                    0x40 => '|',
                    0x65 => '€',
                    other => panic!("{other:#x} is not in the extension table"),
                },
                _ => rows[usize::from(octet / 16)].chars().nth(usize::from(octet % 16)).unwrap(),
            });
        }
        text
    }

    fn read(alphabet: SmsAlphabet, octets: &[u8]) -> String {
        match alphabet {
            SmsAlphabet::Gsm7 => read_gsm7(octets),
            SmsAlphabet::Ucs2 => {
                assert_eq!(octets.len() % 2, 0);
                let units: Vec<u16> = octets.chunks(2).map(|pair| u16::from_be_bytes([pair[0], pair[1]])).collect();
                String::from_utf16(&units).unwrap()
            }
        }
    }

    #[test]
    fn every_character_of_the_alphabet_is_where_the_standard_has_it() {
        for character in BASIC.chars().chain(EXTENSION.map(|(character, _)| character)) {
            let text = character.to_string();
            let (alphabet, octets) = encode(&text).unwrap();
            assert_eq!((alphabet, read_gsm7(&octets)), (SmsAlphabet::Gsm7, text));
        }
        assert_eq!(encode("Ωé€"), Ok((SmsAlphabet::Gsm7, vec![0x15, 0x05, 0x1B, 0x65])));
        assert_eq!(encode("я😀"), Ok((SmsAlphabet::Ucs2, vec![0x04, 0x4F, 0xD8, 0x3D, 0xDE, 0x00])));
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
        fn what_fits_is_read_as_it_was_written(text in "[\\PC\\n€{}а-яa-z😀-😎]{0,170}") {
            let length = length(&text);
            match encode(&text) {
                Ok((alphabet, octets)) => {
                    prop_assert!(length.fits && alphabet == length.alphabet);
                    prop_assert_eq!(read(alphabet, &octets), text);
                    prop_assert_eq!(octets.len(), length.units * if alphabet == SmsAlphabet::Gsm7 { 1 } else { 2 });
                }
                Err(measured) => prop_assert!(!length.fits && measured == length),
            }
        }

        #[test]
        fn a_text_of_the_alphabet_is_sent_in_it(text in "[A-Za-z0-9 €\\[\\]{}|~^\\\\äöüß@_]{0,90}") {
            match encode(&text) {
                Ok((alphabet, octets)) => {
                    prop_assert_eq!(alphabet, SmsAlphabet::Gsm7);
                    prop_assert_eq!(read(alphabet, &octets), text);
                }
                Err(length) => prop_assert!(length.units > 160),
            }
        }

        #[test]
        fn the_alphabet_is_a_matter_of_the_characters_alone(text in "\\PC{0,80}") {
            let reversed: String = text.chars().rev().collect();
            prop_assert_eq!(length(&text), length(&reversed));
        }
    }
}
