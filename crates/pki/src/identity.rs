//! A certificate with its private key.

use crate::{Certificate, Error, PrivateKey};

/// Somebody who can sign and decrypt: a certificate, those that lead to its authority, and its key.
#[derive(Clone, Debug)]
pub struct Identity {
    certificate: Certificate,
    chain: Vec<Certificate>,
    key: PrivateKey,
}

impl Identity {
    /// A certificate with its key. `chain` are the certificates above it.
    pub fn new(certificate: Certificate, chain: Vec<Certificate>, key: PrivateKey) -> Result<Self, Error> {
        if !key.is_of(certificate.public_key()) {
            return Err(Error::Key("is not the certificate's"));
        }
        Ok(Self { certificate, chain, key })
    }

    /// As files have it: the certificate first, then those above it; and its key.
    pub fn from_pem(certificates: &str, key: &str) -> Result<Self, Error> {
        let mut chain = Certificate::all_from_pem(certificates)?.into_iter();
        let certificate = chain.next().ok_or(Error::Malformed("certificate"))?;
        Self::new(certificate, chain.collect(), PrivateKey::from_pem(key)?)
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The certificates above it.
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }

    /// The key.
    pub fn key(&self) -> &PrivateKey {
        &self.key
    }
}
