//! What some devices write (BER: lengths left open, strings in pieces) as what the parsers read (DER).
//!
//! Bounded in bytes, levels and elements: whatever passes here is harmless to parse.

use crate::Error;

/// The longest message taken, in bytes.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;
/// A certificate in a signed message goes nine levels deep.
const MAX_DEPTH: u32 = 24;
const MAX_ELEMENTS: u32 = 4_000;
/// The parsers sort sets, in time that grows with the square.
const MAX_SET: u32 = 64;

const OCTET_STRING: u8 = 0x04;
const SET: u8 = 0x31;
const CONSTRUCTED: u8 = 0x20;
/// `[0]`, constructed and primitive, and `[1]`; the constructed ones may be sets.
const FIELD_0: u8 = 0xa0;
const FIELD_1: u8 = 0xa1;
const STRING_0: u8 = 0x80;
const OPEN: u8 = 0x80;
const MANY_OCTETS: u8 = 0x1f;

/// Whether it is harmless to parse what should be DER already, by this name.
pub(crate) fn check(input: &[u8], what: &'static str) -> Result<(), Error> {
    match to_der(input, false) {
        Ok(_) => Ok(()),
        Err(Error::Malformed(_)) => Err(Error::Malformed(what)),
        Err(error) => Err(error),
    }
}

/// Rewrites one element, which must be all of the input. Of an enveloped message: what is encrypted is a string under
/// `[0]`, which some write as if it had strings in it.
pub(crate) fn to_der(input: &[u8], enveloped: bool) -> Result<Vec<u8>, Error> {
    if input.len() > MAX_BYTES {
        return Err(Error::TooLarge);
    }
    let mut rest = input;
    let (tag, content) = Reader { elements: 0, enveloped }.element(&mut rest, 0)?;
    if !rest.is_empty() {
        return Err(Error::Malformed("message"));
    }
    let mut out = Vec::with_capacity(input.len());
    push(&mut out, tag, &content);
    Ok(out)
}

struct Reader {
    elements: u32,
    enveloped: bool,
}

impl Reader {
    fn element(&mut self, input: &mut &[u8], depth: u32) -> Result<(u8, Vec<u8>), Error> {
        self.elements += 1;
        if depth > MAX_DEPTH || self.elements > MAX_ELEMENTS {
            return Err(Error::TooLarge);
        }
        let tag = take(input, 1)?[0];
        if tag & MANY_OCTETS == MANY_OCTETS {
            return Err(Error::Malformed("message"));
        }
        let constructed = tag & CONSTRUCTED != 0;
        match (length(input)?, constructed) {
            (Some(length), false) => Ok((tag, take(input, length)?.to_vec())),
            (Some(length), true) => {
                let mut inner = take(input, length)?;
                let mut content = Content::default();
                while !inner.is_empty() {
                    let (tag, bytes) = self.element(&mut inner, depth + 1)?;
                    content.add(tag, &bytes);
                }
                content.end(tag, self.enveloped)
            }
            (None, true) => {
                let mut content = Content::default();
                while !input.starts_with(&[0, 0]) {
                    let (tag, bytes) = self.element(input, depth + 1)?;
                    content.add(tag, &bytes);
                }
                take(input, 2)?;
                content.end(tag, self.enveloped)
            }
            (None, false) => Err(Error::Malformed("message")),
        }
    }
}

/// What is in a constructed element: as elements, and as one string as long as they are all pieces of one.
#[derive(Default)]
struct Content {
    elements: Vec<u8>,
    string: Vec<u8>,
    count: u32,
    others: bool,
}

impl Content {
    fn add(&mut self, tag: u8, bytes: &[u8]) {
        push(&mut self.elements, tag, bytes);
        self.count += 1;
        if tag == OCTET_STRING {
            self.string.extend_from_slice(bytes);
        } else {
            self.others = true;
        }
    }

    fn end(self, tag: u8, enveloped: bool) -> Result<(u8, Vec<u8>), Error> {
        if tag == OCTET_STRING | CONSTRUCTED {
            return if self.others { Err(Error::Malformed("message")) } else { Ok((OCTET_STRING, self.string)) };
        }
        if enveloped && tag == FIELD_0 && !self.others && self.count > 0 {
            return Ok((STRING_0, self.string));
        }
        if matches!(tag, SET | FIELD_0 | FIELD_1) && self.count > MAX_SET {
            return Err(Error::TooLarge);
        }
        Ok((tag, self.elements))
    }
}

fn take<'a>(input: &mut &'a [u8], length: usize) -> Result<&'a [u8], Error> {
    let (taken, rest) = input.split_at_checked(length).ok_or(Error::Malformed("message"))?;
    *input = rest;
    Ok(taken)
}

/// A length; `None` if it is left open.
fn length(input: &mut &[u8]) -> Result<Option<usize>, Error> {
    let first = take(input, 1)?[0];
    if first < OPEN {
        return Ok(Some(first.into()));
    }
    if first == OPEN {
        return Ok(None);
    }
    let octets = take(input, usize::from(first & !OPEN))?;
    // Zeros may lead in BER.
    let significant = octets.iter().skip_while(|octet| **octet == 0);
    let mut length = 0_usize;
    for octet in significant {
        if length > MAX_BYTES {
            return Err(Error::TooLarge);
        }
        length = length << 8 | usize::from(*octet);
    }
    Ok(Some(length))
}

fn push(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    let octets = content.len().to_be_bytes();
    let significant: &[u8] = &octets[octets.iter().take_while(|octet| **octet == 0).count()..];
    match (content.len(), significant) {
        (length, &[one]) if length < usize::from(OPEN) => out.push(one),
        (0, _) => out.push(0),
        // At most eight octets.
        _ => {
            out.push(OPEN | significant.len() as u8);
            out.extend_from_slice(significant);
        }
    }
    out.extend_from_slice(content);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn open_lengths_and_pieces_become_definite() {
        // A sequence of a string in two pieces and a number.
        let ber = [0x30, 0x80, 0x24, 0x80, 4, 1, b'a', 4, 2, b'b', b'c', 0, 0, 2, 1, 5, 0, 0];
        assert_eq!(to_der(&ber, false).unwrap(), [0x30, 8, 4, 3, b'a', b'b', b'c', 2, 1, 5]);
        let explicit = [0xa0, 5, 4, 3, 1, 2, 3];
        assert_eq!(to_der(&explicit, false).unwrap(), explicit);
        assert_eq!(to_der(&explicit, true).unwrap(), [0x80, 3, 1, 2, 3]);
        let long = [&[4, 0x84, 0, 0, 0, 200][..], &[7; 200]].concat();
        assert_eq!(to_der(&long, false).unwrap(), [&[4, 0x81, 200][..], &[7; 200]].concat());
    }

    #[test]
    fn what_is_not_whole_or_too_much_is_refused() {
        for bad in [&[][..], &[4], &[4, 2, 1], &[4, 1, 1, 1], &[4, 0x80, 0, 0], &[0x24, 3, 2, 1, 1], &[0x1f, 1, 1]] {
            assert!(matches!(to_der(bad, false), Err(Error::Malformed(_))), "{bad:?}");
        }
        let deep = [0x30, 0x80].repeat(1000);
        assert!(matches!(to_der(&deep, false), Err(Error::TooLarge)));
        let many = [&[0x30, 0x80][..], &[5, 0].repeat(5_000), &[0, 0]].concat();
        assert!(matches!(to_der(&many, false), Err(Error::TooLarge)));
        for set in [SET, FIELD_0, FIELD_1] {
            let of = |count: usize| [&[set, 0x80][..], &[2, 1, 7].repeat(count), &[0, 0]].concat();
            assert!(to_der(&of(64), false).is_ok());
            assert!(matches!(to_der(&of(65), false), Err(Error::TooLarge)));
        }
        assert!(matches!(to_der(&vec![0; MAX_BYTES + 1], false), Err(Error::TooLarge)));
        assert!(to_der(&[4, 0x88, 255, 255, 255, 255, 255, 255, 255, 255], false).is_err());
    }

    proptest! {
        #[test]
        fn what_was_rewritten_is_not_rewritten_again(bytes in prop::collection::vec(any::<u8>(), 0..200), enveloped: bool) {
            if let Ok(der) = to_der(&bytes, enveloped) {
                prop_assert_eq!(to_der(&der, enveloped).unwrap(), der);
            }
        }
    }
}
