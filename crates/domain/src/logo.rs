//! The picture an organisation shows in its mails.

/// The largest logo, in bytes.
pub const LARGEST: usize = 64 * 1024;
/// The most pixels a logo is wide or high.
const MOST_PIXELS: u32 = 2_000;

/// A picture that mail programs show.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Logo {
    /// `image/png` or `image/jpeg`.
    pub content_type: &'static str,
    /// The file.
    pub bytes: Vec<u8>,
}

impl Logo {
    /// Reads a file: a PNG or JPEG by its first bytes, of a bounded size. Otherwise says what is wrong.
    pub fn read(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.len() > LARGEST {
            return Err(format!("must be at most {LARGEST} bytes"));
        }
        let png = png_size(&bytes).map(|size| ("image/png", size));
        let (content_type, (width, height)) =
            png.or_else(|| jpeg_size(&bytes).map(|size| ("image/jpeg", size))).ok_or("must be a PNG or JPEG file")?;
        let good = 1..=MOST_PIXELS;
        if !good.contains(&width) || !good.contains(&height) {
            return Err(format!("must be at most {MOST_PIXELS} pixels wide and high"));
        }
        Ok(Self { content_type, bytes })
    }
}

/// Width and height of a PNG, which its first chunk says.
fn png_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR")?;
    let number = |at: usize| Some(u32::from_be_bytes(rest.get(at..at + 4)?.try_into().ok()?));
    Some((number(0)?, number(4)?))
}

/// Width and height of a JPEG, which its frame header says.
fn jpeg_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        let [0xff, marker, high, low, after @ ..] = rest else { return None };
        if *marker == 0xff {
            rest = &rest[1..];
            continue;
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        if matches!(marker, 0xc0..=0xcf) && !matches!(marker, 0xc4 | 0xc8 | 0xcc) {
            let [_, a, b, c, d, ..] = after else { return None };
            return Some((u16::from_be_bytes([*c, *d]).into(), u16::from_be_bytes([*a, *b]).into()));
        }
        rest = after.get(length.checked_sub(2)?..)?;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use proptest::prelude::*;

    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes
    }

    #[test]
    fn pictures_are_told_by_their_bytes_and_bounded() {
        assert_eq!(Logo::read(png(200, 80)).unwrap().content_type, "image/png");
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc0\0\x11\x08\0\x50\0\xc8\x03";
        assert_eq!(jpeg_size(jpeg), Some((200, 80)));
        assert_eq!(Logo::read(jpeg.to_vec()).unwrap().content_type, "image/jpeg");
        for (bytes, expected) in [
            (png(2001, 80), "2000 pixels"),
            (png(0, 80), "2000 pixels"),
            (b"<svg/>".to_vec(), "PNG or JPEG"),
            (b"\x89PNG".to_vec(), "PNG or JPEG"),
            (b"\xff\xd8\xff\xe0\0\x01".to_vec(), "PNG or JPEG"),
            (vec![], "PNG or JPEG"),
            (vec![0; LARGEST + 1], "65536 bytes"),
        ] {
            assert!(Logo::read(bytes).unwrap_err().contains(expected), "{expected}");
        }
    }

    proptest! {
        #[test]
        fn no_file_panics(start in 0..3_usize, rest in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = [&b"\xff\xd8\xff"[..], b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR", b""][start].to_vec();
            bytes.extend(rest);
            drop(Logo::read(bytes));
        }
    }
}
