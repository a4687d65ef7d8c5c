//! Signed messages (CMS, RFC 5652): one signer, who signs attributes, among them the digest of the content.
//!
//! Certificates in a message are kept byte for byte; whether a signer is believed is for [`crate::Anchors`] to say.

pub(crate) mod enveloped;
mod structure;

use der::{
    Any, Decode, Encode, Tag, Tagged,
    asn1::{ObjectIdentifier, OctetString, SetOfVec},
};
use x509_cert::{attr::Attribute, ext::pkix::SubjectKeyIdentifier, spki::AlgorithmIdentifierOwned, time::Time};

pub use crate::Error;
use crate::{
    Algorithms, Certificate, Identity, authority, ber, oid,
    signature::{self, Digest, Scheme},
};
use structure::{ContentInfo, EncapsulatedContent, SignedData, SignerInfo};

/// The most certificates read from one message.
const MAX_CERTIFICATES: usize = 10;

/// A message whose signature is of the certificate it carries.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The signer's. It says who signed only once it is believed.
    pub certificate: Certificate,
    /// All others in the message: perhaps those above the signer's.
    pub chain: Vec<Certificate>,
    /// What was signed.
    pub content: Vec<u8>,
    /// When the signer says it was signed, in seconds since 1970.
    pub signed_at: Option<i64>,
    attributes: SetOfVec<Attribute>,
}

impl Verified {
    /// The first value of a signed attribute.
    pub(crate) fn attribute(&self, wanted: ObjectIdentifier) -> Option<&Any> {
        find(&self.attributes, wanted)
    }
}

/// Verifies a signature over content that is not in the message.
pub fn verify_detached(content: &[u8], signature: &[u8], taken: Algorithms) -> Result<Verified, Error> {
    let data = open(signature)?;
    if data.content.content.is_some() {
        return Err(Error::Malformed("detached signature"));
    }
    verified(&data, content.to_vec(), taken)
}

/// Verifies a message with its content, of at most 1 MiB.
pub fn verify(message: &[u8], taken: Algorithms) -> Result<Verified, Error> {
    let data = open(message)?;
    let content = match &data.content.content {
        Some(content) if content.tag() == Tag::OctetString => content.value().to_vec(),
        Some(_) => return Err(Error::Malformed("signed message")),
        None => Vec::new(),
    };
    verified(&data, content, taken)
}

/// The certificates of a message that has nothing else in it.
pub fn read_certificates(message: &[u8]) -> Result<Vec<Certificate>, Error> {
    certificates_of(&open(message)?)
}

fn open(message: &[u8]) -> Result<SignedData, Error> {
    let malformed = |_| Error::Malformed("signed message");
    let info = ContentInfo::from_der(&ber::to_der(message, false)?).map_err(malformed)?;
    if info.content_type != oid::SIGNED_DATA {
        return Err(Error::Malformed("signed message"));
    }
    info.content.to_der().and_then(|der| SignedData::from_der(&der)).map_err(malformed)
}

fn certificates_of(data: &SignedData) -> Result<Vec<Certificate>, Error> {
    let Some(certificates) = &data.certificates else { return Ok(Vec::new()) };
    if certificates.len() > MAX_CERTIFICATES {
        return Err(Error::TooLarge);
    }
    // Others than X.509 are tagged otherwise.
    let certificates = certificates.iter().filter(|one| one.tag() == Tag::Sequence);
    certificates.map(|one| Certificate::from_der(&one.to_der().map_err(crate::encoding)?)).collect()
}

fn verified(data: &SignedData, content: Vec<u8>, taken: Algorithms) -> Result<Verified, Error> {
    let mut certificates = certificates_of(data)?;
    let [signer] = data.signers.as_slice() else { return Err(Error::Malformed("signed message")) };
    let index = certificates.iter().position(|certificate| is_of(signer, certificate)).ok_or(Error::NoSigner)?;
    let certificate = certificates.swap_remove(index);
    let digest = Digest::find(signer.digest_algorithm.oid, taken)?;
    let scheme = Scheme::find(&signer.signature_algorithm, taken)?;
    if scheme.digest.is_some_and(|named| named != digest) {
        return Err(Error::Algorithm("two different digests".to_owned()));
    }
    // Without attributes, what one message signs as attributes another could show as its content.
    let attributes = signer.signed_attributes.as_ref().ok_or(Error::Malformed("signed message"))?;
    let content_type = find(attributes, oid::CONTENT_TYPE).and_then(|value| value.decode_as().ok());
    let stated = find(attributes, oid::MESSAGE_DIGEST).filter(|value| value.tag() == Tag::OctetString);
    if content_type != Some(data.content.content_type) || stated.map(Any::value) != Some(digest.of(&content).as_ref()) {
        return Err(Error::Signature);
    }
    let signed = attributes.to_der().map_err(crate::encoding)?;
    signature::verify(certificate.public_key(), scheme, digest, &signed, signer.signature.as_bytes())?;
    let time = find(attributes, oid::SIGNING_TIME).and_then(|value| Time::from_der(&value.to_der().ok()?).ok());
    let signed_at = time.and_then(|time| i64::try_from(time.to_unix_duration().as_secs()).ok());
    Ok(Verified { certificate, chain: certificates, content, signed_at, attributes: attributes.clone() })
}

fn is_of(signer: &SignerInfo, certificate: &Certificate) -> bool {
    if signer.signer.tag() == Tag::Sequence {
        let name = certificate.issuer_and_serial().ok().and_then(|name| name.to_der().ok());
        return name.is_some() && name == signer.signer.to_der().ok();
    }
    let key = certificate.parsed().tbs_certificate.get::<SubjectKeyIdentifier>();
    key.is_ok_and(|key| key.is_some_and(|(_, key)| key.0.as_bytes() == signer.signer.value()))
}

/// The only value of an attribute.
fn find(attributes: &SetOfVec<Attribute>, wanted: ObjectIdentifier) -> Option<&Any> {
    let mut found = attributes.iter().filter(|attribute| attribute.oid == wanted);
    match (found.next(), found.next()) {
        (Some(attribute), None) if attribute.values.len() == 1 => attribute.values.get(0),
        _ => None,
    }
}

/// Signs content, which is in the message; `signed_at` in seconds since 1970.
pub fn sign(content: &[u8], signer: &Identity, signed_at: Option<i64>) -> Result<Vec<u8>, Error> {
    let content = OctetString::new(content).map_err(crate::encoding)?;
    make(content.as_bytes(), Some(&content), signer, signed_at, Vec::new())
}

/// Signs content that stays outside of the message; `signed_at` in seconds since 1970.
pub fn sign_detached(content: &[u8], signer: &Identity, signed_at: Option<i64>) -> Result<Vec<u8>, Error> {
    make(content, None, signer, signed_at, Vec::new())
}

/// Signs content, if there is any, and further attributes.
pub(crate) fn sign_with(
    content: Option<&[u8]>,
    signer: &Identity,
    attributes: Vec<(ObjectIdentifier, Any)>,
) -> Result<Vec<u8>, Error> {
    let inside = content.map(OctetString::new).transpose().map_err(crate::encoding)?;
    make(content.unwrap_or_default(), inside.as_ref(), signer, None, attributes)
}

fn make(
    content: &[u8],
    inside: Option<&OctetString>,
    signer: &Identity,
    signed_at: Option<i64>,
    mut further: Vec<(ObjectIdentifier, Any)>,
) -> Result<Vec<u8>, Error> {
    let attribute = |(oid, value): (ObjectIdentifier, Any)| Ok(Attribute { oid, values: SetOfVec::try_from([value])? });
    let build = || -> der::Result<SetOfVec<Attribute>> {
        let digest = OctetString::new(Digest::Sha256.of(content).as_ref())?;
        further.push((oid::CONTENT_TYPE, Any::encode_from(&oid::DATA)?));
        further.push((oid::MESSAGE_DIGEST, Any::encode_from(&digest)?));
        if let Some(signed_at) = signed_at {
            further.push((oid::SIGNING_TIME, Any::encode_from(&authority::time(signed_at)?)?));
        }
        SetOfVec::try_from(further.into_iter().map(attribute).collect::<der::Result<Vec<_>>>()?)
    };
    let attributes = build().map_err(crate::encoding)?;
    let signature = signer.key().sign(&attributes.to_der().map_err(crate::encoding)?)?;
    let name = signer.certificate().issuer_and_serial()?;
    let build = || -> der::Result<Vec<u8>> {
        let digest_algorithm = AlgorithmIdentifierOwned { oid: oid::SHA256, parameters: None };
        let info = SignerInfo {
            version: 1,
            signer: Any::encode_from(&name)?,
            digest_algorithm: digest_algorithm.clone(),
            signed_attributes: Some(attributes),
            signature_algorithm: AlgorithmIdentifierOwned { oid: oid::RSA_SHA256, parameters: Some(Any::null()) },
            signature: OctetString::new(signature)?,
            unsigned_attributes: None,
        };
        let certificates = std::iter::once(signer.certificate()).chain(signer.chain());
        wrap(&SignedData {
            version: 1,
            digest_algorithms: SetOfVec::try_from([digest_algorithm])?,
            content: EncapsulatedContent {
                content_type: oid::DATA,
                content: inside.map(Any::encode_from).transpose()?,
            },
            certificates: Some(set(certificates)?),
            crls: None,
            signers: SetOfVec::try_from([info])?,
        })
    };
    build().map_err(crate::encoding)
}

/// A message that has certificates in it and nothing else.
pub fn certificates(certificates: &[Certificate]) -> Result<Vec<u8>, Error> {
    let build = || {
        wrap(&SignedData {
            version: 1,
            digest_algorithms: SetOfVec::new(),
            content: EncapsulatedContent { content_type: oid::DATA, content: None },
            certificates: Some(set(certificates.iter())?),
            crls: None,
            signers: SetOfVec::new(),
        })
    };
    build().map_err(crate::encoding)
}

fn set<'a>(certificates: impl Iterator<Item = &'a Certificate>) -> der::Result<SetOfVec<Any>> {
    SetOfVec::try_from(certificates.map(|one| Any::from_der(one.der())).collect::<der::Result<Vec<_>>>()?)
}

fn wrap(data: &SignedData) -> der::Result<Vec<u8>> {
    ContentInfo { content_type: oid::SIGNED_DATA, content: Any::encode_from(data)? }.to_der()
}
