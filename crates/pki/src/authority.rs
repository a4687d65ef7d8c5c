//! Who issues certificates, and whose certificates are believed.

use std::time::Duration;

use der::{
    Any, Encode,
    asn1::{BitString, GeneralizedTime, ObjectIdentifier, OctetString, UtcTime},
    oid::AssociatedOid,
};
use rustls_pki_types as types;
use webpki::{EndEntityCert, KeyUsage as Usage, anchor_from_trusted_cert};
use x509_cert::{
    TbsCertificate, Version,
    ext::{
        Extension,
        pkix::{AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectKeyIdentifier},
    },
    name::Name,
    serial_number::SerialNumber,
    spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned},
    time::{Time, Validity},
};

use crate::{Certificate, Error, Identity, PrivateKey, SigningRequest, name, oid};

/// An authority's key lasts ten years and more, that of a registration authority can be replaced.
const AUTHORITY_BITS: usize = 3072;
const REGISTRATION_BITS: usize = 2048;
const DAY: i64 = 24 * 3600;
/// Clocks of devices may be slow.
const BACKDATED: i64 = 3600;

/// A built-in certificate authority.
#[derive(Clone, Debug)]
pub struct Authority {
    identity: Identity,
}

impl Authority {
    /// A new authority of this name, good for so many days. Takes up to seconds.
    pub fn generate(name: &str, now: i64, days: u32) -> Result<Self, Error> {
        let key = PrivateKey::generate(AUTHORITY_BITS)?;
        let subject = name::name(&[(oid::COMMON_NAME, name)])?;
        let template = Template {
            public_key: key.public()?,
            not_before: now - BACKDATED,
            not_after: now.saturating_add(i64::from(days) * DAY),
            usage: KeyUsages::KeyCertSign | KeyUsages::CRLSign | KeyUsages::DigitalSignature,
            purpose: None,
            authority: true,
            issuer_key: key_id(&key.public()?),
            issuer: subject.clone(),
            subject,
        };
        let certificate = template.sign(&key)?;
        Ok(Self { identity: Identity::new(certificate, Vec::new(), key)? })
    }

    /// An authority as it was kept: its certificate and its key as PKCS#8.
    pub fn from_parts(certificate: &[u8], key: &[u8]) -> Result<Self, Error> {
        let (certificate, key) = (Certificate::from_der(certificate)?, PrivateKey::from_pkcs8_der(key)?);
        Ok(Self { identity: Identity::new(certificate, Vec::new(), key)? })
    }

    /// The authority's own certificate.
    pub fn certificate(&self) -> &Certificate {
        self.identity.certificate()
    }

    /// The authority as somebody who signs.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Issues a certificate for the key of a request: for client authentication, under a common name of ours and not
    /// what the request says of itself. It ends with the authority's own at the latest.
    pub fn issue(
        &self,
        request: &SigningRequest,
        common_name: &str,
        now: i64,
        days: u32,
    ) -> Result<Certificate, Error> {
        let usage = KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment;
        self.sign(common_name, request.public_key().clone(), (now, days), usage, oid::CLIENT_AUTH)
    }

    /// Somebody who takes requests for this authority, so that the authority's own key never decrypts what strangers
    /// send. Good as long as the authority. Takes up to seconds.
    pub fn registration(&self, name: &str, now: i64) -> Result<Identity, Error> {
        let key = PrivateKey::generate(REGISTRATION_BITS)?;
        let usage = KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment;
        let public = key.public()?;
        let certificate = self.sign(name, public, (now, u32::MAX), usage, oid::REGISTRATION_AUTHORITY)?;
        Identity::new(certificate, vec![self.certificate().clone()], key)
    }

    fn sign(
        &self,
        common_name: &str,
        public_key: SubjectPublicKeyInfoOwned,
        (now, days): (i64, u32),
        usage: der::flagset::FlagSet<KeyUsages>,
        purpose: ObjectIdentifier,
    ) -> Result<Certificate, Error> {
        let own = self.certificate();
        let template = Template {
            subject: name::name(&[(oid::COMMON_NAME, common_name)])?,
            issuer: own.parsed().tbs_certificate.subject.clone(),
            issuer_key: key_id(own.public_key()),
            public_key,
            not_before: (now - BACKDATED).max(own.not_before()),
            not_after: now.saturating_add(i64::from(days) * DAY).min(own.not_after()),
            usage,
            purpose: Some(purpose),
            authority: false,
        };
        template.sign(self.identity.key())
    }

    /// Somebody who vouches for nobody but themselves, for ten days.
    pub(crate) fn self_signed(key: &PrivateKey, common_name: &str, now: i64) -> Result<Identity, Error> {
        let subject = name::name(&[(oid::COMMON_NAME, common_name)])?;
        let template = Template {
            public_key: key.public()?,
            not_before: now - BACKDATED,
            not_after: now.saturating_add(10 * DAY),
            usage: KeyUsages::DigitalSignature | KeyUsages::KeyEncipherment,
            purpose: None,
            authority: false,
            issuer_key: key_id(&key.public()?),
            issuer: subject.clone(),
            subject,
        };
        Identity::new(template.sign(key)?, Vec::new(), key.clone())
    }

    /// Whether this authority issued a certificate for client authentication that is good now.
    pub fn check(&self, certificate: &Certificate, now: i64) -> Result<(), Refused> {
        Anchors::new(vec![self.certificate().clone()]).check(certificate, &[], now)
    }
}

/// A certificate to be.
struct Template {
    subject: Name,
    issuer: Name,
    issuer_key: Vec<u8>,
    public_key: SubjectPublicKeyInfoOwned,
    not_before: i64,
    not_after: i64,
    usage: der::flagset::FlagSet<KeyUsages>,
    purpose: Option<ObjectIdentifier>,
    authority: bool,
}

impl Template {
    fn sign(self, key: &PrivateKey) -> Result<Certificate, Error> {
        let tbs = self.unsigned().map_err(crate::encoding)?;
        let algorithm = tbs.signature.clone();
        let signature = key.sign(&tbs.to_der().map_err(crate::encoding)?)?;
        let signature = BitString::from_bytes(&signature).map_err(crate::encoding)?;
        let certificate = x509_cert::Certificate { tbs_certificate: tbs, signature_algorithm: algorithm, signature };
        Certificate::from_der(&certificate.to_der().map_err(crate::encoding)?)
    }

    fn unsigned(self) -> der::Result<TbsCertificate> {
        let own_key = key_id(&self.public_key);
        let mut extensions = vec![
            extension(true, &BasicConstraints { ca: self.authority, path_len_constraint: None })?,
            extension(true, &KeyUsage(self.usage))?,
            extension(false, &SubjectKeyIdentifier(OctetString::new(own_key)?))?,
        ];
        let issuer_key = Some(OctetString::new(self.issuer_key)?);
        extensions.push(extension(
            false,
            &AuthorityKeyIdentifier { key_identifier: issuer_key, ..AuthorityKeyIdentifier::default() },
        )?);
        if let Some(purpose) = self.purpose {
            extensions.push(extension(false, &ExtendedKeyUsage(vec![purpose]))?);
        }
        let mut serial = crate::random::<16>().map_err(|_| der::ErrorKind::Failed)?;
        // Positive, and as long as all others.
        serial[0] = serial[0] & 0x7f | 0x40;
        Ok(TbsCertificate {
            version: Version::V3,
            serial_number: SerialNumber::new(&serial)?,
            signature: AlgorithmIdentifierOwned { oid: oid::RSA_SHA256, parameters: Some(Any::null()) },
            issuer: self.issuer,
            validity: Validity { not_before: time(self.not_before)?, not_after: time(self.not_after)? },
            subject: self.subject,
            subject_public_key_info: self.public_key,
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: Some(extensions),
        })
    }
}

fn extension<T: AssociatedOid + Encode>(critical: bool, value: &T) -> der::Result<Extension> {
    Ok(Extension { extn_id: T::OID, critical, extn_value: OctetString::new(value.to_der()?)? })
}

/// What a key is called in certificates: the beginning of its digest (RFC 7093).
fn key_id(key: &SubjectPublicKeyInfoOwned) -> Vec<u8> {
    let digest = ring::digest::digest(&ring::digest::SHA256, key.subject_public_key.raw_bytes());
    digest.as_ref()[..20].to_vec()
}

/// A time as certificates write it: with two digits of the year until 2049.
pub(crate) fn time(seconds: i64) -> der::Result<Time> {
    let since = Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    Ok(match UtcTime::from_unix_duration(since) {
        Ok(short) => Time::UtcTime(short),
        Err(_) => Time::GeneralTime(GeneralizedTime::from_unix_duration(since)?),
    })
}

/// Why a certificate is not believed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Refused {
    /// It is not good any more.
    #[error("the certificate has expired")]
    Expired,
    /// It is not good yet.
    #[error("the certificate is not valid yet")]
    NotYet,
    /// Nobody who is trusted issued it.
    #[error("the certificate's issuer is not trusted")]
    Unknown,
    /// It is not for this, or not as the standard wants it.
    #[error("the certificate is not good for this: {0}")]
    Unfit(String),
}

/// Authorities that are trusted.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    trusted: Vec<Certificate>,
}

impl Anchors {
    /// Trusts these, and whom they have issued.
    pub fn new(trusted: Vec<Certificate>) -> Self {
        Self { trusted }
    }

    /// Whether a certificate for client authentication leads to one that is trusted, by way of `chain`, and is good now.
    pub fn check(&self, certificate: &Certificate, chain: &[Certificate], now: i64) -> Result<(), Refused> {
        let der = |certificate: &Certificate| types::CertificateDer::from(certificate.der().to_vec());
        let trusted: Vec<_> = self.trusted.iter().map(der).collect();
        let anchors: Vec<_> = trusted.iter().filter_map(|one| anchor_from_trusted_cert(one).ok()).collect();
        let chain: Vec<_> = chain.iter().map(der).collect();
        let leaf = der(certificate);
        let leaf = EndEntityCert::try_from(&leaf).map_err(refused)?;
        let now = types::UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(now).unwrap_or(0)));
        let path = leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            &chain,
            now,
            Usage::client_auth(),
            None,
            None,
        );
        path.map(|_| ()).map_err(refused)
    }
}

fn refused(error: webpki::Error) -> Refused {
    match error {
        webpki::Error::CertExpired { .. } => Refused::Expired,
        webpki::Error::CertNotValidYet { .. } => Refused::NotYet,
        webpki::Error::UnknownIssuer | webpki::Error::InvalidSignatureForPublicKey => Refused::Unknown,
        other => Refused::Unfit(other.to_string()),
    }
}
