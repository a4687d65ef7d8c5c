//! The structures of RFC 5652 as far as they are read and written. Certificates stay as they are: what others signed must
//! not be encoded anew.

use der::{
    Any, Sequence, ValueOrd,
    asn1::{ObjectIdentifier, OctetString, SetOfVec},
};
use x509_cert::{attr::Attribute, spki::AlgorithmIdentifierOwned};

#[derive(Clone, Debug, Sequence)]
pub(super) struct ContentInfo {
    pub(super) content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    pub(super) content: Any,
}

#[derive(Clone, Debug, Sequence)]
pub(super) struct SignedData {
    pub(super) version: u8,
    pub(super) digest_algorithms: SetOfVec<AlgorithmIdentifierOwned>,
    pub(super) content: EncapsulatedContent,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(super) certificates: Option<SetOfVec<Any>>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(super) crls: Option<SetOfVec<Any>>,
    pub(super) signers: SetOfVec<SignerInfo>,
}

#[derive(Clone, Debug, Sequence)]
pub(super) struct EncapsulatedContent {
    pub(super) content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(super) content: Option<Any>,
}

#[derive(Clone, Debug, PartialEq, Eq, Sequence, ValueOrd)]
pub(super) struct SignerInfo {
    pub(super) version: u8,
    /// Issuer and serial number, or under `[0]` the name of the key.
    pub(super) signer: Any,
    pub(super) digest_algorithm: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(super) signed_attributes: Option<SetOfVec<Attribute>>,
    pub(super) signature_algorithm: AlgorithmIdentifierOwned,
    pub(super) signature: OctetString,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", constructed = "true", optional = "true")]
    pub(super) unsigned_attributes: Option<SetOfVec<Attribute>>,
}

#[derive(Clone, Debug, Sequence)]
pub(super) struct EnvelopedData {
    pub(super) version: u8,
    pub(super) recipients: SetOfVec<Any>,
    pub(super) content: EncryptedContent,
}

/// Somebody whose RSA key the content's key is encrypted to.
#[derive(Clone, Debug, Sequence)]
pub(super) struct KeyTransport {
    pub(super) version: u8,
    pub(super) recipient: Any,
    pub(super) algorithm: AlgorithmIdentifierOwned,
    pub(super) key: OctetString,
}

#[derive(Clone, Debug, Sequence)]
pub(super) struct EncryptedContent {
    pub(super) content_type: ObjectIdentifier,
    pub(super) algorithm: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT")]
    pub(super) content: OctetString,
}
