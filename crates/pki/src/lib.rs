//! Certificates of devices and what is signed and encrypted with them: X.509, CMS and SCEP. Bytes in, bytes out.
//!
//! Everything that is read may come from anybody: parsers are bounded in bytes, levels and elements, and answer with an
//! [`Error`]. Old algorithms (SHA-1, DES, 3DES) are taken only where the caller says so. Keys are RSA, because that is
//! what enrolling devices encrypt to; signatures of others may be ECDSA as well.
//!
//! Must not know devices, tenants, the database, the clock or HTTP. Times are seconds since 1970.

mod authority;
mod ber;
mod certificate;
pub mod cms;
mod identity;
mod key;
mod name;
mod oid;
mod request;
pub mod scep;
mod signature;
#[cfg(test)]
mod tests;

pub use authority::{Anchors, Authority, Refused};
pub use certificate::Certificate;
pub use identity::Identity;
pub use key::PrivateKey;
pub use request::SigningRequest;

/// Why something cannot be read, made or believed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Error {
    /// It is not what it should be.
    #[error("the {0} cannot be read")]
    Malformed(&'static str),
    /// It is longer, deeper or has more parts than is taken.
    #[error("it is longer or has more parts than is taken")]
    TooLarge,
    /// It uses an algorithm that is not taken, or only by an option.
    #[error("it uses an algorithm that is not taken: {0}")]
    Algorithm(String),
    /// The signature is not of that key over that content.
    #[error("the signature does not match")]
    Signature,
    /// The signer's certificate is not in the message.
    #[error("the signer's certificate is missing")]
    NoSigner,
    /// It is encrypted to somebody else, or with another key than it says.
    #[error("it cannot be decrypted")]
    Sealed,
    /// A private key is of a kind or length that is not taken, or not the certificate's.
    #[error("the private key {0}")]
    Key(&'static str),
    /// The machine gave no random numbers.
    #[error("there are no random numbers")]
    Random,
}

/// Which algorithms are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Algorithms {
    /// Signatures over SHA-1.
    pub sha1: bool,
    /// Content encrypted with DES or 3DES.
    pub des: bool,
}

impl Algorithms {
    /// All there are, old ones too.
    pub const LEGACY: Self = Self { sha1: true, des: true };
}

/// Random bytes.
fn random<const N: usize>() -> Result<[u8; N], Error> {
    let random = ring::rand::SystemRandom::new();
    let mut bytes = [0; N];
    ring::rand::SecureRandom::fill(&random, &mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

/// An encoder fails on what is longer than 256 MB or out of its range, and on nothing else.
fn encoding(_: der::Error) -> Error {
    Error::TooLarge
}
