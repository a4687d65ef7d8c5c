//! Enveloped messages: content encrypted with a key of its own, which is encrypted to the recipient's RSA key.
//!
//! Nothing protects the content against changes but what signs around it, and padding of the key could be probed by who
//! sends many messages. So a key that cannot be decrypted is replaced by a random one, and all that is wrong from there on
//! is one and the same error.

use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::Pkcs7};
use der::{
    Any, Decode, Encode, Tag, Tagged,
    asn1::{ObjectIdentifier, OctetString, SetOfVec},
};
use x509_cert::spki::AlgorithmIdentifierOwned;

use super::structure::{ContentInfo, EncryptedContent, EnvelopedData, KeyTransport};
use crate::{Algorithms, Certificate, Error, Identity, ber, key, oid};

/// The most recipients of one message.
const MAX_RECIPIENTS: usize = 10;

/// What content is encrypted with, all in CBC mode.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cipher {
    Aes128,
    Aes192,
    Aes256,
    TripleDes,
    Des,
}

impl Cipher {
    fn find(identifier: ObjectIdentifier, taken: Algorithms) -> Result<Self, Error> {
        match identifier {
            oid::AES_128_CBC => Ok(Self::Aes128),
            oid::AES_192_CBC => Ok(Self::Aes192),
            oid::AES_256_CBC => Ok(Self::Aes256),
            oid::TRIPLE_DES_CBC if taken.des => Ok(Self::TripleDes),
            oid::DES_CBC if taken.des => Ok(Self::Des),
            oid::TRIPLE_DES_CBC => Err(Error::Algorithm("3DES".to_owned())),
            oid::DES_CBC => Err(Error::Algorithm("DES".to_owned())),
            other => Err(Error::Algorithm(format!("cipher {other}"))),
        }
    }

    fn identifier(self) -> ObjectIdentifier {
        match self {
            Self::Aes128 => oid::AES_128_CBC,
            Self::Aes192 => oid::AES_192_CBC,
            Self::Aes256 => oid::AES_256_CBC,
            Self::TripleDes => oid::TRIPLE_DES_CBC,
            Self::Des => oid::DES_CBC,
        }
    }

    /// Bytes of the key.
    fn key(self) -> usize {
        match self {
            Self::Aes128 => 16,
            Self::Aes192 | Self::TripleDes => 24,
            Self::Aes256 => 32,
            Self::Des => 8,
        }
    }

    /// Bytes of a block, and so of the vector to begin with.
    fn block(self) -> usize {
        match self {
            Self::Aes128 | Self::Aes192 | Self::Aes256 => 16,
            Self::TripleDes | Self::Des => 8,
        }
    }

    fn decrypt(self, key: &[u8], iv: &[u8], content: &[u8]) -> Option<Vec<u8>> {
        fn with<M: KeyIvInit + BlockModeDecrypt>(key: &[u8], iv: &[u8], content: &[u8]) -> Option<Vec<u8>> {
            M::new_from_slices(key, iv).ok()?.decrypt_padded_vec::<Pkcs7>(content).ok()
        }
        match self {
            Self::Aes128 => with::<cbc::Decryptor<aes::Aes128>>(key, iv, content),
            Self::Aes192 => with::<cbc::Decryptor<aes::Aes192>>(key, iv, content),
            Self::Aes256 => with::<cbc::Decryptor<aes::Aes256>>(key, iv, content),
            Self::TripleDes => with::<cbc::Decryptor<des::TdesEde3>>(key, iv, content),
            Self::Des => with::<cbc::Decryptor<des::Des>>(key, iv, content),
        }
    }

    fn encrypt(self, key: &[u8], iv: &[u8], content: &[u8]) -> Option<Vec<u8>> {
        fn with<M: KeyIvInit + BlockModeEncrypt>(key: &[u8], iv: &[u8], content: &[u8]) -> Option<Vec<u8>> {
            Some(M::new_from_slices(key, iv).ok()?.encrypt_padded_vec::<Pkcs7>(content))
        }
        match self {
            Self::Aes128 => with::<cbc::Encryptor<aes::Aes128>>(key, iv, content),
            Self::Aes192 => with::<cbc::Encryptor<aes::Aes192>>(key, iv, content),
            Self::Aes256 => with::<cbc::Encryptor<aes::Aes256>>(key, iv, content),
            Self::TripleDes => with::<cbc::Encryptor<des::TdesEde3>>(key, iv, content),
            Self::Des => with::<cbc::Encryptor<des::Des>>(key, iv, content),
        }
    }
}

fn read(message: &[u8]) -> Result<EnvelopedData, Error> {
    let malformed = |_| Error::Malformed("enveloped message");
    let info = ContentInfo::from_der(&ber::to_der(message, true)?).map_err(malformed)?;
    if info.content_type != oid::ENVELOPED_DATA {
        return Err(Error::Malformed("enveloped message"));
    }
    info.content.to_der().and_then(|der| EnvelopedData::from_der(&der)).map_err(malformed)
}

/// Whether a message is to this recipient, among others.
pub(crate) fn is_to(message: &[u8], recipient: &Certificate) -> bool {
    read(message).is_ok_and(|data| key_for(&data.recipients, recipient).is_ok())
}

/// Opens a message to this recipient. Says also what it was encrypted with.
pub(crate) fn open(message: &[u8], recipient: &Identity, taken: Algorithms) -> Result<(Vec<u8>, Cipher), Error> {
    let data = read(message)?;
    let cipher = Cipher::find(data.content.algorithm.oid, taken)?;
    let iv = data.content.algorithm.parameters.filter(|iv| iv.tag() == Tag::OctetString);
    let iv = iv.filter(|iv| iv.value().len() == cipher.block()).ok_or(Error::Malformed("enveloped message"))?;
    let sealed = key_for(&data.recipients, recipient.certificate())?;
    let random = crate::random::<32>()?;
    let key = recipient.key().decrypt(sealed.as_bytes()).filter(|key| key.len() == cipher.key());
    let key = key.unwrap_or_else(|| random[..cipher.key()].to_vec());
    let content = cipher.decrypt(&key, iv.value(), data.content.content.as_bytes()).ok_or(Error::Sealed)?;
    Ok((content, cipher))
}

/// The content's key as it is encrypted to a recipient.
fn key_for(recipients: &SetOfVec<Any>, recipient: &Certificate) -> Result<OctetString, Error> {
    if recipients.len() > MAX_RECIPIENTS {
        return Err(Error::TooLarge);
    }
    let name = recipient.issuer_and_serial()?;
    let name = Any::encode_from(&name).map_err(crate::encoding)?;
    // Keys are transported in one way or agreed upon in others, which are tagged otherwise.
    let transported = recipients.iter().filter(|one| one.tag() == Tag::Sequence);
    let mut found = transported.filter_map(|one| KeyTransport::from_der(&one.to_der().ok()?).ok());
    let found = found.find(|one| one.recipient == name).ok_or(Error::Sealed)?;
    match found.algorithm.oid {
        oid::RSA => Ok(found.key),
        other => Err(Error::Algorithm(format!("key transport {other}"))),
    }
}

/// Encrypts content to the RSA key of a certificate.
pub(crate) fn seal(content: &[u8], recipient: &Certificate, cipher: Cipher) -> Result<Vec<u8>, Error> {
    let (random, iv) = (crate::random::<32>()?, crate::random::<16>()?);
    let (key, iv) = (&random[..cipher.key()], &iv[..cipher.block()]);
    let encrypted = cipher.encrypt(key, iv, content).ok_or(Error::TooLarge)?;
    let sealed = key::encrypt(recipient.public_key(), key)?;
    let name = recipient.issuer_and_serial()?;
    let build = || -> der::Result<Vec<u8>> {
        let recipient = KeyTransport {
            version: 0,
            recipient: Any::encode_from(&name)?,
            algorithm: AlgorithmIdentifierOwned { oid: oid::RSA, parameters: Some(Any::null()) },
            key: OctetString::new(sealed)?,
        };
        let iv = Some(Any::encode_from(&OctetString::new(iv)?)?);
        let data = EnvelopedData {
            version: 0,
            recipients: SetOfVec::try_from([Any::encode_from(&recipient)?])?,
            content: EncryptedContent {
                content_type: oid::DATA,
                algorithm: AlgorithmIdentifierOwned { oid: cipher.identifier(), parameters: iv },
                content: OctetString::new(encrypted)?,
            },
        };
        ContentInfo { content_type: oid::ENVELOPED_DATA, content: Any::encode_from(&data)? }.to_der()
    };
    build().map_err(crate::encoding)
}
