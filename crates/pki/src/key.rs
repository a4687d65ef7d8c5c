//! Private keys: RSA of 2,048 bits or more.

use std::sync::Arc;

use der::{SecretDocument, asn1::BitString, pem::LineEnding};
use ring::{
    rand::SystemRandom,
    signature::{self, KeyPair, RsaKeyPair},
};
use rsa::{
    Pkcs1v15Encrypt, RsaPrivateKey, RsaPublicKey,
    pkcs1::{DecodeRsaPrivateKey, DecodeRsaPublicKey},
    pkcs8::{DecodePrivateKey, EncodePrivateKey},
    rand_core::OsRng,
};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use crate::{Error, oid};

/// A private key. Signing takes the same time whatever is signed; decrypting is blinded.
#[derive(Clone)]
pub struct PrivateKey {
    document: SecretDocument,
    signing: Arc<RsaKeyPair>,
    decrypting: Arc<RsaPrivateKey>,
}

impl std::fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrivateKey")
    }
}

impl PrivateKey {
    /// A new key of so many bits, 2,048 to 4,096. Takes up to seconds.
    pub fn generate(bits: usize) -> Result<Self, Error> {
        if !(2048..=4096).contains(&bits) {
            return Err(Error::Key("must have 2,048 to 4,096 bits"));
        }
        Self::new(RsaPrivateKey::new(&mut OsRng, bits).map_err(|_| Error::Random)?)
    }

    /// A key as [`PrivateKey::pkcs8_der`] gave it.
    pub fn from_pkcs8_der(der: &[u8]) -> Result<Self, Error> {
        Self::new(RsaPrivateKey::from_pkcs8_der(der).map_err(|_| Error::Malformed("private key"))?)
    }

    /// A key in PEM: PKCS#8 or PKCS#1, without a pass phrase.
    pub fn from_pem(pem: &str) -> Result<Self, Error> {
        let pem = pem.trim();
        let key = RsaPrivateKey::from_pkcs8_pem(pem).or_else(|_| RsaPrivateKey::from_pkcs1_pem(pem));
        Self::new(key.map_err(|_| Error::Malformed("private key"))?)
    }

    fn new(key: RsaPrivateKey) -> Result<Self, Error> {
        let document = key.to_pkcs8_der().map_err(|_| Error::Malformed("private key"))?;
        let signing = RsaKeyPair::from_pkcs8(document.as_bytes());
        let signing = signing.map_err(|_| Error::Key("must be RSA of 2,048 to 4,096 bits"))?;
        Ok(Self { document, signing: Arc::new(signing), decrypting: Arc::new(key) })
    }

    /// The key as PKCS#8, to be kept sealed.
    pub fn pkcs8_der(&self) -> &[u8] {
        self.document.as_bytes()
    }

    /// The key in PEM, to be kept sealed.
    pub fn pem(&self) -> Result<String, Error> {
        let pem = self.document.to_pem("PRIVATE KEY", LineEnding::LF).map_err(|_| Error::TooLarge)?;
        Ok(pem.to_string())
    }

    pub(crate) fn public(&self) -> Result<SubjectPublicKeyInfoOwned, Error> {
        Ok(SubjectPublicKeyInfoOwned {
            algorithm: AlgorithmIdentifierOwned { oid: oid::RSA, parameters: Some(der::Any::null()) },
            subject_public_key: BitString::from_bytes(self.signing.public_key().as_ref()).map_err(crate::encoding)?,
        })
    }

    /// Whether this key belongs to a public one.
    pub(crate) fn is_of(&self, public: &SubjectPublicKeyInfoOwned) -> bool {
        public.subject_public_key.raw_bytes() == self.signing.public_key().as_ref()
    }

    /// Signs a message: PKCS#1 v1.5 over SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let mut signature = vec![0; self.signing.public().modulus_len()];
        let signed = self.signing.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature);
        signed.map_err(|_| Error::Random)?;
        Ok(signature)
    }

    /// Decrypts a short message (PKCS#1 v1.5); `None` if the padding is wrong, which whoever sent it must not learn.
    pub(crate) fn decrypt(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.decrypting.decrypt_blinded(&mut OsRng, Pkcs1v15Encrypt, message).ok()
    }
}

/// Encrypts a short message to an RSA key (PKCS#1 v1.5).
pub(crate) fn encrypt(public: &SubjectPublicKeyInfoOwned, message: &[u8]) -> Result<Vec<u8>, Error> {
    if public.algorithm.oid != oid::RSA {
        return Err(Error::Algorithm(format!("public key {}", public.algorithm.oid)));
    }
    let key = RsaPublicKey::from_pkcs1_der(public.subject_public_key.raw_bytes());
    let key = key.map_err(|_| Error::Malformed("public key"))?;
    key.encrypt(&mut OsRng, Pkcs1v15Encrypt, message).map_err(|_| Error::Malformed("public key"))
}
