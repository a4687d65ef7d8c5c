//! Recovery codes: ten, each good once, for somebody who has lost every other second factor.

use allclear_engine::source::Source;
use allclear_store::tokens::Hash;
use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

/// How many there are.
pub const COUNT: usize = 10;

/// Random bytes of a code: so many that a plain hash keeps it secret.
const BYTES: usize = 10;

/// New codes, `XXXX-XXXX-XXXX-XXXX`, and what is kept of each.
pub fn new(source: &dyn Source) -> (Vec<String>, Vec<Hash>) {
    let codes: Vec<String> = (0..COUNT)
        .map(|_| {
            let text = BASE32_NOPAD.encode(&source.secret()[..BYTES]);
            let groups: Vec<&str> = (0..4).map(|group| &text[group * 4..group * 4 + 4]).collect();
            groups.join("-")
        })
        .collect();
    let hashes = codes.iter().map(|code| hash(code)).collect();
    (codes, hashes)
}

/// What is kept of a code, however it is typed.
pub fn hash(code: &str) -> Hash {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    Sha256::digest(plain.to_ascii_uppercase().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use allclear_engine::source::SystemSource;

    use super::*;

    #[test]
    fn a_code_may_be_typed_as_one_likes() {
        let (codes, hashes) = new(&SystemSource);
        assert_eq!((codes.len(), hashes.len()), (COUNT, COUNT));
        for (code, kept) in codes.iter().zip(hashes) {
            assert_eq!((code.len(), code.matches('-').count()), (19, 3));
            assert_eq!(hash(&format!(" {} ", code.to_lowercase().replace('-', " "))), kept);
        }
        assert_ne!(codes[0], codes[1]);
    }
}
