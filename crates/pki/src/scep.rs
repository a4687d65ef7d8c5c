//! The Simple Certificate Enrolment Protocol (RFC 8894): what a device asks, what it is answered, and, for simulators and
//! tests, the device's own side.

use der::{Any, Tag, asn1::ObjectIdentifier};

use crate::{
    Algorithms, Certificate, Error, Identity, PrivateKey, SigningRequest,
    cms::{
        self, Verified,
        enveloped::{self, Cipher},
    },
    oid,
};

/// The longest message taken, in bytes.
pub const MAX_BYTES: usize = 64 * 1024;
/// The longest transaction id taken, in bytes.
const MAX_TRANSACTION: usize = 256;
const NONCE: usize = 16;

/// What a server that takes these algorithms says it can do, as `GetCACaps` answers it.
pub fn capabilities(taken: Algorithms) -> String {
    let mut lines = vec!["AES", "POSTPKIOperation", "Renewal", "SCEPStandard", "SHA-256", "SHA-512"];
    if taken.des {
        lines.push("DES3");
    }
    if taken.sha1 {
        lines.push("SHA-1");
    }
    lines.join("\n")
}

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A first certificate; the request is signed with a certificate that the device made for itself.
    Enroll,
    /// Another one; the request is signed with the certificate in force.
    Renew,
    /// Something that is not offered.
    Other,
}

impl Kind {
    fn code(self) -> &'static str {
        match self {
            Self::Enroll => "19",
            Self::Renew => "17",
            Self::Other => "",
        }
    }
}

/// Why there is no certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// An algorithm is not taken.
    Algorithm,
    /// The message was changed, or cannot be decrypted or read.
    Message,
    /// It is not permitted.
    Request,
    /// The signer's certificate is not known or not good any more.
    Certificate,
}

impl Failure {
    fn code(self) -> &'static str {
        match self {
            Self::Algorithm => "0",
            Self::Message => "1",
            Self::Request => "2",
            Self::Certificate => "4",
        }
    }
}

/// How a message that could be opened, but no further, is answered.
impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        match error {
            Error::Algorithm(_) => Self::Algorithm,
            _ => Self::Message,
        }
    }
}

/// A message of a device, whose signature matches: it can be answered.
#[derive(Clone, Debug)]
pub struct Message {
    kind: Kind,
    transaction: Any,
    nonce: Any,
    signed: Verified,
}

impl Message {
    /// Opens a message of at most 64 KiB.
    pub fn open(message: &[u8], taken: Algorithms) -> Result<Self, Error> {
        if message.len() > MAX_BYTES {
            return Err(Error::TooLarge);
        }
        let signed = cms::verify(message, taken)?;
        let attribute = |wanted: ObjectIdentifier, most: usize| {
            let found = signed.attribute(wanted).filter(|value| (1..=most).contains(&value.value().len()));
            found.cloned().ok_or(Error::Malformed("enrollment message"))
        };
        let kind = attribute(oid::SCEP_MESSAGE_TYPE, 2)?;
        let kind = match kind.value() {
            b"19" => Kind::Enroll,
            b"17" => Kind::Renew,
            _ => Kind::Other,
        };
        let transaction = attribute(oid::SCEP_TRANSACTION, MAX_TRANSACTION)?;
        let nonce = attribute(oid::SCEP_SENDER_NONCE, 64)?;
        Ok(Self { kind, transaction, nonce, signed })
    }

    /// What is asked for.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whose message it is: of a renewal the certificate in force, if it is believed.
    pub fn signer(&self) -> &Certificate {
        &self.signed.certificate
    }

    /// Whether the request is encrypted to this certificate.
    pub fn is_to(&self, registration: &Certificate) -> bool {
        enveloped::is_to(&self.signed.content, registration)
    }

    /// The certificate request, which is encrypted to the registration authority. Its key and the one that signs the
    /// message of a first enrollment are the same.
    pub fn request(&self, registration: &Identity, taken: Algorithms) -> Result<Request, Error> {
        let (request, cipher) = enveloped::open(&self.signed.content, registration, taken)?;
        let request = SigningRequest::from_der(&request, taken).map_err(|error| match error {
            // As good as not decrypted: nobody is told how far it went.
            Error::Malformed(_) | Error::TooLarge | Error::Signature => Error::Sealed,
            other => other,
        })?;
        if self.kind == Kind::Enroll && self.signer().public_key() != request.public_key() {
            return Err(Error::Sealed);
        }
        Ok(Request { request, cipher })
    }

    /// The answer with a certificate, encrypted to the signer of the message.
    pub fn grant(&self, registration: &Identity, request: &Request, issued: &Certificate) -> Result<Vec<u8>, Error> {
        let certificates = cms::certificates(std::slice::from_ref(issued))?;
        let envelope = enveloped::seal(&certificates, self.signer(), request.cipher)?;
        self.answer(registration, "0", None, Some(&envelope))
    }

    /// The answer without one.
    pub fn refuse(&self, registration: &Identity, why: Failure) -> Result<Vec<u8>, Error> {
        self.answer(registration, "2", Some(why.code()), None)
    }

    fn answer(
        &self,
        registration: &Identity,
        status: &str,
        failure: Option<&str>,
        content: Option<&[u8]>,
    ) -> Result<Vec<u8>, Error> {
        let mut attributes = vec![
            (oid::SCEP_MESSAGE_TYPE, printable("3")?),
            (oid::SCEP_STATUS, printable(status)?),
            (oid::SCEP_TRANSACTION, self.transaction.clone()),
            (oid::SCEP_RECIPIENT_NONCE, self.nonce.clone()),
            (oid::SCEP_SENDER_NONCE, octets(crate::random::<NONCE>()?)?),
        ];
        if let Some(failure) = failure {
            attributes.push((oid::SCEP_FAIL_INFO, printable(failure)?));
        }
        cms::sign_with(content, registration, attributes)
    }
}

/// What was asked, decrypted.
#[derive(Clone, Debug)]
pub struct Request {
    request: SigningRequest,
    cipher: Cipher,
}

impl Request {
    /// The certificate request.
    pub fn signing(&self) -> &SigningRequest {
        &self.request
    }
}

fn printable(text: &str) -> Result<Any, Error> {
    Any::new(Tag::PrintableString, text.as_bytes()).map_err(crate::encoding)
}

fn octets(bytes: impl Into<Box<[u8]>>) -> Result<Any, Error> {
    Any::new(Tag::OctetString, bytes).map_err(crate::encoding)
}

/// The device's side: for simulators and tests.
pub mod client {
    use super::{Algorithms, Any, Certificate, Cipher, Error, Identity, Kind, NONCE, PrivateKey, SigningRequest};
    use super::{cms, enveloped, octets, oid, printable};
    use crate::Authority;

    /// A certificate that a device makes for itself, to sign its first message with.
    pub fn self_signed(key: &PrivateKey, common_name: &str, now: i64) -> Result<Identity, Error> {
        Authority::self_signed(key, common_name, now)
    }

    /// A message with a certificate request to a registration authority. `signer` is self-signed for a first certificate,
    /// and the one in force for another.
    pub fn message(
        kind: Kind,
        request: &[u8],
        signer: &Identity,
        registration: &Certificate,
    ) -> Result<Vec<u8>, Error> {
        let envelope = enveloped::seal(request, registration, Cipher::Aes256)?;
        let transaction: String = crate::random::<NONCE>()?.iter().map(|byte| format!("{byte:02x}")).collect();
        let attributes = vec![
            (oid::SCEP_MESSAGE_TYPE, printable(kind.code())?),
            (oid::SCEP_TRANSACTION, printable(&transaction)?),
            (oid::SCEP_SENDER_NONCE, octets(crate::random::<NONCE>()?)?),
        ];
        cms::sign_with(Some(&envelope), signer, attributes)
    }

    /// Reads an answer: the certificate, or the code of the failure.
    pub fn read(
        answer: &[u8],
        signer: &Identity,
        registration: &Certificate,
    ) -> Result<Result<Certificate, String>, Error> {
        let signed = cms::verify(answer, Algorithms::default())?;
        if signed.certificate != *registration {
            return Err(Error::NoSigner);
        }
        let text =
            |wanted| signed.attribute(wanted).map(|value: &Any| String::from_utf8_lossy(value.value()).into_owned());
        if text(oid::SCEP_STATUS).as_deref() != Some("0") {
            return Ok(Err(text(oid::SCEP_FAIL_INFO).unwrap_or_default()));
        }
        let (certificates, _) = enveloped::open(&signed.content, signer, Algorithms::default())?;
        let found = cms::read_certificates(&certificates)?.into_iter().next();
        found.map(Ok).ok_or(Error::Malformed("answer"))
    }

    /// A request for a certificate with a challenge, in DER.
    pub fn request(key: &PrivateKey, common_name: &str, challenge: Option<&str>) -> Result<Vec<u8>, Error> {
        SigningRequest::make(key, common_name, None, challenge)
    }
}
