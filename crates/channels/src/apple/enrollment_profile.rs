//! The configuration profile with which a person puts their Apple device under management: where the device gets its
//! certificate, and where it calls. Pure: parts in, an XML property list out.

use allclear_engine::device_certificates::EnrollmentName;
use plist::{Dictionary, Value};
use uuid::Uuid;

use super::ENROLLMENT_PROFILE;

/// What the profile says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parts<'a> {
    /// Which enrollment it begins.
    pub enrollment: EnrollmentName,
    /// Whose management it is, for people to read.
    pub organization: &'a str,
    /// Where this server is reached, without a slash at the end.
    pub base_url: &'a str,
    /// Where the device gets its certificate.
    pub scep_url: &'a str,
    /// The one-time password for it, or that of an authority of others.
    pub challenge: Option<&'a str>,
    /// The topic of the device's pushes.
    pub topic: &'a str,
    /// What the management may do: Apple's bits.
    pub access_rights: u32,
}

/// Where devices of a tenant check in.
pub fn check_in_url(base_url: &str) -> String {
    format!("{base_url}/apple/v1/checkin")
}

/// Where devices ask for commands and answer them.
pub fn server_url(base_url: &str) -> String {
    format!("{base_url}/apple/v1/command")
}

/// The profile, unsigned.
///
/// The error is that a text cannot be written as XML.
pub fn render(parts: &Parts<'_>) -> Result<Vec<u8>, plist::Error> {
    let name = parts.enrollment.to_string();
    let subject = array([array([array([Value::from("CN"), Value::from(name.as_str())])])]);
    let mut scep = dictionary([
        ("URL", Value::from(parts.scep_url)),
        ("Subject", subject),
        ("Key Type", "RSA".into()),
        ("Keysize", 2048.into()),
        // For signing and for decrypting the answer.
        ("Key Usage", 5.into()),
        ("KeyIsExtractable", false.into()),
        ("Retries", 3.into()),
        ("RetryDelay", 10.into()),
    ]);
    if let Some(challenge) = parts.challenge {
        scep.insert("Challenge".to_owned(), challenge.into());
    }
    let identity = payload(parts, "com.apple.security.scep", "scep", "Device certificate");
    let identity_uuid = identity.get("PayloadUUID").cloned().unwrap_or_else(|| "".into());
    let identity = with(identity, [("PayloadContent", Value::Dictionary(scep))]);
    let management = with(
        payload(parts, "com.apple.mdm", "mdm", "Device management"),
        [
            ("IdentityCertificateUUID", identity_uuid),
            ("Topic", parts.topic.into()),
            ("ServerURL", server_url(parts.base_url).into()),
            ("CheckInURL", check_in_url(parts.base_url).into()),
            ("SignMessage", true.into()),
            ("CheckOutWhenRemoved", true.into()),
            ("AccessRights", parts.access_rights.into()),
            ("ServerCapabilities", array(["com.apple.mdm.bootstraptoken", "com.apple.mdm.token"].map(Value::from))),
        ],
    );
    let profile = with(
        header(parts, "Configuration", ENROLLMENT_PROFILE.to_owned(), "Device management"),
        [
            ("PayloadOrganization", Value::from(parts.organization)),
            ("PayloadDescription", "Lets your organisation manage and protect this device.".into()),
            ("PayloadContent", array([Value::Dictionary(identity), Value::Dictionary(management)])),
        ],
    );
    let mut out = Vec::new();
    Value::Dictionary(profile).to_writer_xml(&mut out)?;
    Ok(out)
}

fn payload(parts: &Parts<'_>, kind: &str, suffix: &str, name: &str) -> Dictionary {
    header(parts, kind, format!("{ENROLLMENT_PROFILE}.{suffix}"), name)
}

/// What all payloads have. The UUID stays the same for an enrollment, so that a profile with a new password replaces the
/// one before.
fn header(parts: &Parts<'_>, kind: &str, identifier: String, name: &str) -> Dictionary {
    let uuid = Uuid::new_v5(&parts.enrollment.token.0, identifier.as_bytes());
    dictionary([
        ("PayloadType", Value::from(kind)),
        ("PayloadVersion", 1.into()),
        ("PayloadIdentifier", identifier.into()),
        ("PayloadUUID", uuid.to_string().to_uppercase().into()),
        ("PayloadDisplayName", name.into()),
    ])
}

fn dictionary<const N: usize>(members: [(&str, Value); N]) -> Dictionary {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn with<const N: usize>(mut dictionary: Dictionary, members: [(&str, Value); N]) -> Dictionary {
    for (name, value) in members {
        dictionary.insert(name.to_owned(), value);
    }
    dictionary
}

fn array<const N: usize>(items: [Value; N]) -> Value {
    Value::Array(items.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use allclear_domain::ids::{Tenant, TokenId};

    use super::*;

    fn parts(scep_url: &str) -> Parts<'_> {
        Parts {
            enrollment: EnrollmentName { tenant: Tenant(3), token: TokenId(Uuid::from_u128(7)) },
            organization: "Müller & Söhne",
            base_url: "https://mdm.example.com",
            scep_url,
            challenge: Some("one-time"),
            topic: "com.apple.mgmt.External.1",
            access_rights: 8191,
        }
    }

    fn read(parts: &Parts<'_>) -> Dictionary {
        Value::from_reader_xml(render(parts).unwrap().as_slice()).unwrap().into_dictionary().unwrap()
    }

    fn content<'a>(profile: &'a Dictionary, kind: &str) -> &'a Dictionary {
        let payloads = profile["PayloadContent"].as_array().unwrap();
        let mut payloads = payloads.iter().map(|one| one.as_dictionary().unwrap());
        payloads.find(|one| one["PayloadType"].as_string() == Some(kind)).unwrap()
    }

    #[test]
    fn the_management_uses_the_certificate_of_the_same_profile() {
        let parts = parts("https://mdm.example.com/apple/v1/scep/3");
        let profile = read(&parts);
        assert_eq!(profile["PayloadOrganization"].as_string(), Some("Müller & Söhne"));
        let (scep, mdm) = (content(&profile, "com.apple.security.scep"), content(&profile, "com.apple.mdm"));
        assert_eq!(mdm["IdentityCertificateUUID"], scep["PayloadUUID"]);
        assert_eq!(mdm["ServerURL"].as_string(), Some("https://mdm.example.com/apple/v1/command"));
        assert_eq!(mdm["CheckInURL"].as_string(), Some("https://mdm.example.com/apple/v1/checkin"));
        assert_eq!(mdm["SignMessage"].as_boolean(), Some(true));
        let inner = scep["PayloadContent"].as_dictionary().unwrap();
        assert_eq!(inner["URL"].as_string(), Some(parts.scep_url));
        assert_eq!(inner["Challenge"].as_string(), Some("one-time"));
        let name = inner["Subject"].as_array().unwrap()[0].as_array().unwrap()[0].as_array().unwrap()[1].as_string();
        assert_eq!(name.unwrap().parse(), Ok(parts.enrollment));
        assert_eq!(read(&parts), profile, "the same every time");
        let uuids: std::collections::BTreeSet<_> =
            [&profile, scep, mdm].iter().map(|one| one["PayloadUUID"].as_string().unwrap().to_owned()).collect();
        assert_eq!(uuids.len(), 3);
    }

    #[test]
    fn an_authority_of_others_need_not_have_a_password() {
        let parts = Parts { challenge: None, ..parts("https://scep.example.com/ca") };
        let profile = read(&parts);
        let inner = content(&profile, "com.apple.security.scep")["PayloadContent"].as_dictionary().unwrap();
        assert!(!inner.contains_key("Challenge"));
    }
}
