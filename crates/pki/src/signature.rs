//! Signatures of others: which algorithms are taken, and whether one matches.

use der::asn1::ObjectIdentifier;
use ring::{
    digest,
    signature::{self as scheme, UnparsedPublicKey, VerificationAlgorithm},
};
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::{Algorithms, Error, oid};

/// How a message is made short before it is signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Digest {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    /// The algorithm of this identifier, if it is taken.
    pub(crate) fn find(identifier: ObjectIdentifier, taken: Algorithms) -> Result<Self, Error> {
        match identifier {
            oid::SHA1 if taken.sha1 => Ok(Self::Sha1),
            oid::SHA1 => Err(Error::Algorithm("SHA-1".to_owned())),
            oid::SHA256 => Ok(Self::Sha256),
            oid::SHA384 => Ok(Self::Sha384),
            oid::SHA512 => Ok(Self::Sha512),
            other => Err(Error::Algorithm(format!("digest {other}"))),
        }
    }

    /// The digest of a message.
    pub(crate) fn of(self, message: &[u8]) -> digest::Digest {
        let algorithm = match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, message)
    }

    /// The digest that a signature algorithm names; `None` if that is said beside it.
    pub(crate) fn named(signature: ObjectIdentifier, taken: Algorithms) -> Result<Option<Self>, Error> {
        match signature {
            oid::RSA => Ok(None),
            oid::RSA_SHA1 => Self::find(oid::SHA1, taken).map(Some),
            oid::RSA_SHA256 | oid::EC_SHA256 => Ok(Some(Self::Sha256)),
            oid::RSA_SHA384 | oid::EC_SHA384 => Ok(Some(Self::Sha384)),
            oid::RSA_SHA512 => Ok(Some(Self::Sha512)),
            other => Err(Error::Algorithm(format!("signature {other}"))),
        }
    }
}

/// Whether a signature is of this key over this message.
pub(crate) fn verify(
    key: &SubjectPublicKeyInfoOwned,
    digest: Digest,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    let curve = || key.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
    let algorithm: &'static dyn VerificationAlgorithm = match (key.algorithm.oid, digest) {
        (oid::RSA, Digest::Sha1) => &scheme::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (oid::RSA, Digest::Sha256) => &scheme::RSA_PKCS1_2048_8192_SHA256,
        (oid::RSA, Digest::Sha384) => &scheme::RSA_PKCS1_2048_8192_SHA384,
        (oid::RSA, Digest::Sha512) => &scheme::RSA_PKCS1_2048_8192_SHA512,
        (oid::EC, digest) => match (curve(), digest) {
            (Some(oid::P256), Digest::Sha256) => &scheme::ECDSA_P256_SHA256_ASN1,
            (Some(oid::P256), Digest::Sha384) => &scheme::ECDSA_P256_SHA384_ASN1,
            (Some(oid::P384), Digest::Sha256) => &scheme::ECDSA_P384_SHA256_ASN1,
            (Some(oid::P384), Digest::Sha384) => &scheme::ECDSA_P384_SHA384_ASN1,
            _ => return Err(Error::Algorithm(format!("ECDSA over {digest:?}"))),
        },
        (other, _) => return Err(Error::Algorithm(format!("public key {other}"))),
    };
    let public = key.subject_public_key.raw_bytes();
    UnparsedPublicKey::new(algorithm, public).verify(message, signature).map_err(|_| Error::Signature)
}
