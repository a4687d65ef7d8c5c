//! Keys that mails are signed with.

use data_encoding::BASE64;
use lettre::message::{
    dkim::{DkimCanonicalization, DkimCanonicalizationType, DkimConfig, DkimSigningAlgorithm, DkimSigningKey},
    header::HeaderName,
};
use pkcs8::{ObjectIdentifier, PrivateKeyInfo, SecretDocument, der::Decode};

use super::settings::Dkim;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

/// The headers that are signed. The type of the content is none of them: lettre keeps it with the body and cannot sign it.
const SIGNED: [&str; 7] = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Auto-Submitted"];

/// Reads a private key: RSA (PKCS #1 or PKCS #8) or Ed25519 (PKCS #8) in PEM, as openssl writes them.
pub(super) fn key(pem: &str) -> Result<DkimSigningKey, String> {
    let unreadable = || "must be an RSA or Ed25519 private key in PEM, not protected by a password".to_owned();
    if pem.contains("BEGIN RSA PRIVATE KEY") {
        return DkimSigningKey::new(pem.trim(), DkimSigningAlgorithm::Rsa).map_err(|_| unreadable());
    }
    let (label, document) = SecretDocument::from_pem(pem.trim()).map_err(|_| unreadable())?;
    if label != "PRIVATE KEY" {
        return Err(unreadable());
    }
    let info = PrivateKeyInfo::from_der(document.as_bytes()).map_err(|_| unreadable())?;
    let key = match info.algorithm.oid {
        RSA => DkimSigningKey::new(&pkcs1_pem(info.private_key), DkimSigningAlgorithm::Rsa),
        // The seed is an octet string of its own within.
        ED25519 => match info.private_key {
            [4, 32, seed @ ..] if seed.len() == 32 => {
                DkimSigningKey::new(&BASE64.encode(seed), DkimSigningAlgorithm::Ed25519)
            }
            _ => return Err(unreadable()),
        },
        _ => return Err(unreadable()),
    };
    key.map_err(|_| unreadable())
}

fn pkcs1_pem(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let lines: Vec<&str> = (0..text.len()).step_by(64).map(|at| &text[at..(at + 64).min(text.len())]).collect();
    format!("-----BEGIN RSA PRIVATE KEY-----\n{}\n-----END RSA PRIVATE KEY-----\n", lines.join("\n"))
}

/// How mails are signed. Relaxed in both: what relays do to white space on the way does not break it.
pub(super) fn config(dkim: &Dkim, key: DkimSigningKey) -> DkimConfig {
    let relaxed =
        DkimCanonicalization { header: DkimCanonicalizationType::Relaxed, body: DkimCanonicalizationType::Relaxed };
    let headers = SIGNED.iter().map(|name| HeaderName::new_from_ascii_str(name)).collect();
    DkimConfig::new(dkim.selector.clone(), dkim.domain.clone(), key, headers, relaxed)
}
