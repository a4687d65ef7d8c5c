//! Certificates as they came, and what they say.

use std::sync::Arc;

use der::{Decode, Encode, asn1::ObjectIdentifier, pem::LineEnding};
use rustls_pki_types::{CertificateDer, pem::PemObject};
use x509_cert::{ext::pkix::BasicConstraints, spki::SubjectPublicKeyInfoOwned};

use crate::{Error, ber, name, oid};

/// The longest certificate taken, in bytes.
const MAX_BYTES: usize = 16 * 1024;
/// The most certificates read from one text.
const MAX_CHAIN: usize = 10;

/// An X.509 certificate. Its bytes are kept as they came, because that is what was signed.
#[derive(Clone)]
pub struct Certificate {
    der: Arc<[u8]>,
    parsed: Arc<x509_cert::Certificate>,
}

impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl std::fmt::Debug for Certificate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Certificate({})", self.subject())
    }
}

impl Certificate {
    /// Reads a certificate of at most 16 KiB. Whether it can be trusted is another question.
    pub fn from_der(der: &[u8]) -> Result<Self, Error> {
        if der.len() > MAX_BYTES {
            return Err(Error::TooLarge);
        }
        ber::check(der, "certificate")?;
        let parsed = x509_cert::Certificate::from_der(der).map_err(|_| Error::Malformed("certificate"))?;
        Ok(Self { der: der.into(), parsed: Arc::new(parsed) })
    }

    /// Reads the first certificate of a text in PEM.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        Self::all_from_pem(pem)?.into_iter().next().ok_or(Error::Malformed("certificate"))
    }

    /// Reads all certificates of a text in PEM, at most 10.
    pub fn all_from_pem(pem: &str) -> Result<Vec<Self>, Error> {
        let mut found = Vec::new();
        for der in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            if found.len() == MAX_CHAIN {
                return Err(Error::TooLarge);
            }
            found.push(Self::from_der(&der.map_err(|_| Error::Malformed("certificate"))?)?);
        }
        Ok(found)
    }

    /// The certificate's bytes.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The certificate in PEM.
    pub fn pem(&self) -> Result<String, Error> {
        der::pem::encode_string("CERTIFICATE", LineEnding::LF, &self.der).map_err(|_| Error::TooLarge)
    }

    /// SHA-256 of the certificate's bytes: what it is known by.
    pub fn fingerprint(&self) -> [u8; 32] {
        let digest = ring::digest::digest(&ring::digest::SHA256, &self.der);
        // SHA-256 has 32 bytes.
        digest.as_ref().try_into().unwrap_or_default()
    }

    /// The serial number, most significant byte first.
    pub fn serial(&self) -> &[u8] {
        self.parsed.tbs_certificate.serial_number.as_bytes()
    }

    /// Whom it is for, as RFC 4514 writes names.
    pub fn subject(&self) -> String {
        self.parsed.tbs_certificate.subject.to_string()
    }

    /// Who issued it, as RFC 4514 writes names.
    pub fn issuer(&self) -> String {
        self.parsed.tbs_certificate.issuer.to_string()
    }

    /// The subject's common name.
    pub fn common_name(&self) -> Option<String> {
        self.attribute(oid::COMMON_NAME)
    }

    /// The subject's `UID`: of a push certificate the topic.
    pub fn user_id(&self) -> Option<String> {
        self.attribute(oid::USER_ID)
    }

    fn attribute(&self, wanted: ObjectIdentifier) -> Option<String> {
        name::attribute(&self.parsed.tbs_certificate.subject, wanted)
    }

    /// From when on it is good, in seconds since 1970.
    pub fn not_before(&self) -> i64 {
        seconds(self.parsed.tbs_certificate.validity.not_before)
    }

    /// Until when it is good, in seconds since 1970.
    pub fn not_after(&self) -> i64 {
        seconds(self.parsed.tbs_certificate.validity.not_after)
    }

    /// Whether it may issue others.
    pub fn is_authority(&self) -> bool {
        let constraints = self.parsed.tbs_certificate.get::<BasicConstraints>();
        constraints.is_ok_and(|found| found.is_some_and(|(_, constraints)| constraints.ca))
    }

    pub(crate) fn parsed(&self) -> &x509_cert::Certificate {
        &self.parsed
    }

    pub(crate) fn public_key(&self) -> &SubjectPublicKeyInfoOwned {
        &self.parsed.tbs_certificate.subject_public_key_info
    }

    /// How a message names it: its issuer and serial number.
    pub(crate) fn issuer_and_serial(&self) -> Result<IssuerAndSerial, Error> {
        let certificate = &self.parsed.tbs_certificate;
        let issuer = certificate.issuer.to_der().and_then(|der| der::Any::from_der(&der));
        let serial_number = certificate.serial_number.to_der().and_then(|der| der::Any::from_der(&der));
        Ok(IssuerAndSerial {
            issuer: issuer.map_err(crate::encoding)?,
            serial_number: serial_number.map_err(crate::encoding)?,
        })
    }
}

/// A certificate by its issuer and serial number.
#[derive(Clone, PartialEq, Eq, Debug, der::Sequence)]
pub(crate) struct IssuerAndSerial {
    issuer: der::Any,
    serial_number: der::Any,
}

fn seconds(time: x509_cert::time::Time) -> i64 {
    i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX)
}
