//! Signatures of others: which algorithms are taken, and whether one matches.

use der::{Any, Sequence, asn1::ObjectIdentifier};
use ring::{
    digest,
    signature::{
        ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
        RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
        RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
        UnparsedPublicKey, VerificationAlgorithm,
    },
};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

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
}

/// How a message was signed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Scheme {
    /// The digest, if the scheme names one and it is not said beside it.
    pub(crate) digest: Option<Digest>,
    pss: bool,
}

impl Scheme {
    /// The scheme of this identifier, if it is taken.
    pub(crate) fn find(signature: &AlgorithmIdentifierOwned, taken: Algorithms) -> Result<Self, Error> {
        let plain = |digest| Ok(Self { digest, pss: false });
        match signature.oid {
            oid::RSA => plain(None),
            oid::RSA_SHA1 => plain(Some(Digest::find(oid::SHA1, taken)?)),
            oid::RSA_SHA256 | oid::EC_SHA256 => plain(Some(Digest::Sha256)),
            oid::RSA_SHA384 | oid::EC_SHA384 => plain(Some(Digest::Sha384)),
            oid::RSA_SHA512 => plain(Some(Digest::Sha512)),
            oid::RSA_PSS => Ok(Self { digest: Some(pss_digest(signature.parameters.as_ref())?), pss: true }),
            other => Err(Error::Algorithm(format!("signature {other}"))),
        }
    }
}

/// How RSA signatures with PSS are parametrised (RFC 4055).
#[derive(Sequence)]
struct PssParameters {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    digest: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "1", tag_mode = "EXPLICIT", optional = "true")]
    mask: Option<AlgorithmIdentifierOwned>,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", optional = "true")]
    salt: Option<u8>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    trailer: Option<u8>,
}

/// The digest of parameters as everybody sets them: the same for the mask, and salt as long as it is.
fn pss_digest(parameters: Option<&Any>) -> Result<Digest, Error> {
    let unusual = || Error::Algorithm("PSS with unusual parameters".to_owned());
    let parameters: PssParameters = parameters.and_then(|any| any.decode_as().ok()).ok_or_else(unusual)?;
    let (digest, salt) = match parameters.digest.as_ref().map(|digest| digest.oid) {
        Some(oid::SHA256) => (Digest::Sha256, 32),
        Some(oid::SHA384) => (Digest::Sha384, 48),
        Some(oid::SHA512) => (Digest::Sha512, 64),
        _ => return Err(unusual()),
    };
    let mask = parameters.mask.filter(|mask| mask.oid == oid::MGF1).and_then(|mask| mask.parameters);
    let mask = mask.and_then(|of| of.decode_as::<AlgorithmIdentifierOwned>().ok()).map(|of| of.oid);
    let same = mask == parameters.digest.map(|digest| digest.oid);
    let usual = same && parameters.salt == Some(salt) && parameters.trailer.is_none_or(|trailer| trailer == 1);
    if usual { Ok(digest) } else { Err(unusual()) }
}

/// Whether a signature is of this key over this message.
pub(crate) fn verify(
    key: &SubjectPublicKeyInfoOwned,
    scheme: Scheme,
    digest: Digest,
    message: &[u8],
    signature: &[u8],
) -> Result<(), Error> {
    let curve = || key.algorithm.parameters.as_ref().and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
    let algorithm: &'static dyn VerificationAlgorithm = match (key.algorithm.oid, digest) {
        (oid::RSA, Digest::Sha256) if scheme.pss => &RSA_PSS_2048_8192_SHA256,
        (oid::RSA, Digest::Sha384) if scheme.pss => &RSA_PSS_2048_8192_SHA384,
        (oid::RSA, Digest::Sha512) if scheme.pss => &RSA_PSS_2048_8192_SHA512,
        (_, digest) if scheme.pss => return Err(Error::Algorithm(format!("PSS over {digest:?}"))),
        (oid::RSA, Digest::Sha1) => &RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY,
        (oid::RSA, Digest::Sha256) => &RSA_PKCS1_2048_8192_SHA256,
        (oid::RSA, Digest::Sha384) => &RSA_PKCS1_2048_8192_SHA384,
        (oid::RSA, Digest::Sha512) => &RSA_PKCS1_2048_8192_SHA512,
        (oid::EC, digest) => match (curve(), digest) {
            (Some(oid::P256), Digest::Sha256) => &ECDSA_P256_SHA256_ASN1,
            (Some(oid::P256), Digest::Sha384) => &ECDSA_P256_SHA384_ASN1,
            (Some(oid::P384), Digest::Sha256) => &ECDSA_P384_SHA256_ASN1,
            (Some(oid::P384), Digest::Sha384) => &ECDSA_P384_SHA384_ASN1,
            _ => return Err(Error::Algorithm(format!("ECDSA over {digest:?}"))),
        },
        (other, _) => return Err(Error::Algorithm(format!("public key {other}"))),
    };
    let public = key.subject_public_key.raw_bytes();
    UnparsedPublicKey::new(algorithm, public).verify(message, signature).map_err(|_| Error::Signature)
}
