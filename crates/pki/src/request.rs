//! Requests for certificates (PKCS#10): those that devices send, and our own.

use der::{
    Any, Decode, Encode, Tag,
    asn1::{BitString, SetOfVec},
    pem::LineEnding,
};
use x509_cert::{
    attr::Attribute,
    request::{CertReq, CertReqInfo, Version},
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
};

use crate::{
    Algorithms, Certificate, Error, PrivateKey, ber, name, oid,
    signature::{self, Scheme},
};

/// The longest request taken, in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// A request whose sender has the private key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SigningRequest {
    parsed: CertReq,
}

impl SigningRequest {
    /// Reads a request and verifies that it is signed with its own key.
    pub fn from_der(der: &[u8], taken: Algorithms) -> Result<Self, Error> {
        if der.len() > MAX_BYTES {
            return Err(Error::TooLarge);
        }
        ber::check(der, "certificate request")?;
        let parsed = CertReq::from_der(der).map_err(|_| Error::Malformed("certificate request"))?;
        let scheme = Scheme::find(&parsed.algorithm, taken)?;
        let digest = scheme.digest.ok_or_else(|| Error::Algorithm("a signature without a digest".to_owned()))?;
        let signed = parsed.info.to_der().map_err(crate::encoding)?;
        signature::verify(&parsed.info.public_key, scheme, digest, &signed, parsed.signature.raw_bytes())?;
        Ok(Self { parsed })
    }

    /// The subject's common name.
    pub fn common_name(&self) -> Option<String> {
        name::attribute(&self.parsed.info.subject, oid::COMMON_NAME)
    }

    /// The one-time password in it, if there is one.
    pub fn challenge(&self) -> Option<String> {
        let attribute = self.parsed.info.attributes.iter().find(|one| one.oid == oid::CHALLENGE_PASSWORD)?;
        attribute.values.get(0).and_then(name::text)
    }

    /// Whether a certificate is for the key of this request.
    pub fn is_for(&self, certificate: &Certificate) -> bool {
        self.public_key() == certificate.public_key()
    }

    pub(crate) fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.parsed.info.public_key
    }

    /// A request of one's own in DER, for this common name (and organization), with a one-time password.
    pub fn make(
        key: &PrivateKey,
        common_name: &str,
        organization: Option<&str>,
        challenge: Option<&str>,
    ) -> Result<Vec<u8>, Error> {
        let mut parts = vec![(oid::COMMON_NAME, common_name)];
        parts.extend(organization.map(|organization| (oid::ORGANIZATION, organization)));
        let mut attributes = SetOfVec::new();
        if let Some(challenge) = challenge {
            let value = Any::new(Tag::Utf8String, challenge.as_bytes()).map_err(crate::encoding)?;
            let values = SetOfVec::try_from([value]).map_err(crate::encoding)?;
            attributes.insert(Attribute { oid: oid::CHALLENGE_PASSWORD, values }).map_err(crate::encoding)?;
        }
        let subject = name::name(&parts)?;
        let info = CertReqInfo { version: Version::V1, subject, public_key: key.public()?, attributes };
        let signature = key.sign(&info.to_der().map_err(crate::encoding)?)?;
        let request = CertReq {
            info,
            algorithm: AlgorithmIdentifierOwned { oid: oid::RSA_SHA256, parameters: Some(Any::null()) },
            signature: BitString::from_bytes(&signature).map_err(crate::encoding)?,
        };
        request.to_der().map_err(crate::encoding)
    }

    /// A request in PEM.
    pub fn pem(der: &[u8]) -> Result<String, Error> {
        der::pem::encode_string("CERTIFICATE REQUEST", LineEnding::LF, der).map_err(|_| Error::TooLarge)
    }
}
