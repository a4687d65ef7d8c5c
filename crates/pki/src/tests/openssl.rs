//! openssl verifies what we sign and reads what we encrypt, and the other way around.

use std::{fs, path::PathBuf, process::Command};

use tempfile::TempDir;

use super::{DAY, FIXTURE, NOW};
use crate::{
    Algorithms, Anchors, Authority, Certificate, Error, Identity, PrivateKey, Refused, SigningRequest,
    cms::{
        self,
        enveloped::{self, Cipher},
    },
};

const MODERN: Algorithms = Algorithms { sha1: false, des: false };

/// A directory to run the command in.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), bytes).unwrap();
        self
    }

    fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    fn text(&self, name: &str) -> String {
        String::from_utf8(self.read(name)).unwrap()
    }

    /// Whether the command succeeds, and what it says.
    fn try_run(&self, line: &str) -> (bool, String) {
        let output = Command::new("openssl").args(line.split(' ')).current_dir(self.0.path()).output();
        let output = output.expect("the openssl command is needed: install the package openssl");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    #[track_caller]
    fn run(&self, line: &str) -> String {
        let (success, said) = self.try_run(line);
        assert!(success, "openssl {line}: {said}");
        said
    }

    /// A key and a certificate of the command's own, self-signed unless there is an authority.
    fn certify(&self, name: &str, key: &str, options: &str) -> Certificate {
        self.run(&format!(
            "req -x509 -newkey {key} -nodes -keyout {name}.key -out {name}.pem -subj /CN={name} {options}"
        ));
        Certificate::from_pem(&self.text(&format!("{name}.pem"))).unwrap()
    }
}

fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap();
    since.as_secs().try_into().unwrap()
}

#[test]
fn openssl_verifies_what_we_sign() {
    let (desk, fixture) = (Desk::new(), &*FIXTURE);
    let body = b"<plist/>\r\nand a second line\n";
    desk.write("ca.pem", fixture.authority.certificate().pem().unwrap());
    desk.write("body", body).write("changed", b"<plist/> else");
    let options = format!("-CAfile ca.pem -purpose any -attime {NOW} -inform DER -binary");
    for signer in [&fixture.device, fixture.authority.identity()] {
        desk.write("detached", cms::sign_detached(body, signer, Some(NOW)).unwrap());
        desk.run(&format!("cms -verify {options} -in detached -content body"));
        assert!(!desk.try_run(&format!("cms -verify {options} -in detached -content changed")).0);
        desk.write("whole", cms::sign(body, signer, None).unwrap());
        desk.run(&format!("cms -verify {options} -in whole -out said"));
        assert_eq!(desk.read("said"), body);
        desk.run(&format!("smime -verify {options} -in whole"));
    }
    let said = desk.run("cms -cmsout -print -noout -inform DER -in detached");
    assert!(said.contains("signingTime"), "{said}");
    let other = Authority::generate("Other", NOW, 10).unwrap();
    desk.write("ca.pem", other.certificate().pem().unwrap());
    assert!(!desk.try_run(&format!("cms -verify {options} -in whole")).0);
}

#[test]
fn openssl_believes_the_certificates_we_issue() {
    let (desk, fixture) = (Desk::new(), &*FIXTURE);
    desk.write("ca.pem", fixture.authority.certificate().pem().unwrap());
    desk.write("device.pem", fixture.device.certificate().pem().unwrap());
    desk.write("ra.pem", fixture.registration.certificate().pem().unwrap());
    desk.run(&format!("verify -x509_strict -CAfile ca.pem -purpose sslclient -attime {NOW} device.pem"));
    desk.run(&format!("verify -x509_strict -CAfile ca.pem -purpose any -attime {NOW} ra.pem"));
    assert!(!desk.try_run(&format!("verify -CAfile ca.pem -purpose sslclient -attime {NOW} ra.pem")).0);
    let said = desk.run("x509 -in device.pem -noout -text");
    for part in
        ["Subject: CN = 0193-enrollment", "Issuer: CN = Acme devices", "TLS Web Client Authentication", "CA:FALSE"]
    {
        assert!(said.contains(part), "{part} in {said}");
    }
    let fingerprint = desk.run("x509 -in device.pem -noout -fingerprint -sha256");
    let ours: Vec<String> =
        fixture.device.certificate().fingerprint().iter().map(|byte| format!("{byte:02X}")).collect();
    assert!(fingerprint.contains(&ours.join(":")), "{fingerprint}");
    let serial = desk.run("x509 -in device.pem -noout -serial");
    let ours: String = fixture.device.certificate().serial().iter().map(|byte| format!("{byte:02X}")).collect();
    assert_eq!(serial.trim(), format!("serial={ours}"));
    let end = fixture.device.certificate().not_after();
    assert_eq!(end, NOW + 365 * DAY);
    assert_eq!(fixture.registration.certificate().not_after(), fixture.authority.certificate().not_after());
}

#[test]
fn we_verify_what_openssl_signs() {
    let desk = Desk::new();
    desk.write("body", "hello\n");
    for (name, key) in [("rsa", "rsa:2048"), ("p256", "ec:p256"), ("p384", "ec:p384")] {
        if let Some(curve) = key.strip_prefix("ec:") {
            let curve = if curve == "p256" { "prime256v1" } else { "secp384r1" };
            desk.run(&format!("ecparam -name {curve} -out {curve}"));
            desk.certify(name, &format!("ec:{curve}"), "-days 10");
        } else {
            desk.certify(name, key, "-days 10");
        }
        let signer = Certificate::from_pem(&desk.text(&format!("{name}.pem"))).unwrap();
        for options in ["-md sha256", "-md sha384", "-md sha256 -stream", "-md sha256 -keyid"] {
            let line =
                format!("cms -sign -binary -in body -signer {name}.pem -inkey {name}.key -outform DER {options}");
            // Streaming, the command puts the content into the message in any case.
            if !options.contains("stream") {
                desk.run(&format!("{line} -out detached"));
                let signature = desk.read("detached");
                let verified = cms::verify_detached(b"hello\n", &signature, MODERN).unwrap();
                assert_eq!(verified.certificate, signer, "{name} {options}");
                assert!((now() - verified.signed_at.unwrap()).abs() < 60);
                assert_eq!(cms::verify_detached(b"hello!", &signature, MODERN).unwrap_err(), Error::Signature);
            }
            desk.run(&format!("{line} -nodetach -out whole"));
            let whole = desk.read("whole");
            let verified = cms::verify(&whole, MODERN).unwrap();
            assert_eq!((verified.content.as_slice(), &verified.certificate), (&b"hello\n"[..], &signer));
            assert!(cms::verify_detached(b"hello\n", &whole, MODERN).is_err(), "the content is not what was sent");
            let at = whole.windows(5).position(|bytes| bytes == b"hello").unwrap();
            let mut changed = whole.clone();
            changed[at] = b'j';
            assert_eq!(cms::verify(&changed, MODERN).unwrap_err(), Error::Signature);
        }
    }
    desk.run("cms -sign -binary -in body -signer rsa.pem -inkey rsa.key -outform DER -nocerts -out detached");
    assert_eq!(cms::verify_detached(b"hello\n", &desk.read("detached"), MODERN).unwrap_err(), Error::NoSigner);
    desk.run("cms -sign -binary -in body -signer rsa.pem -inkey rsa.key -outform DER -noattr -out detached");
    assert!(cms::verify_detached(b"hello\n", &desk.read("detached"), MODERN).is_err(), "without attributes");
    desk.run("cms -sign -binary -in body -signer rsa.pem -inkey rsa.key -signer p256.pem -inkey p256.key -outform DER -out detached");
    assert!(cms::verify_detached(b"hello\n", &desk.read("detached"), MODERN).is_err(), "two signers");
}

#[test]
fn pss_is_taken_with_the_usual_parameters() {
    let desk = Desk::new();
    let signer = desk.certify("pss", "rsa:2048", "-days 10");
    desk.write("body", "hello\n");
    let sign = "cms -sign -binary -in body -signer pss.pem -inkey pss.key -outform DER -out detached \
                -keyopt rsa_padding_mode:pss";
    for digest in ["sha256", "sha384", "sha512"] {
        desk.run(&format!("{sign} -md {digest} -keyopt rsa_pss_saltlen:-1"));
        let signature = desk.read("detached");
        assert_eq!(cms::verify_detached(b"hello\n", &signature, MODERN).unwrap().certificate, signer, "{digest}");
        assert_eq!(cms::verify_detached(b"hello!", &signature, MODERN).unwrap_err(), Error::Signature);
        let options = format!("-{digest} -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:-1");
        desk.run(&format!("req -new -key pss.key -subj /CN=pss {options} -outform DER -out request"));
        let mut request = desk.read("request");
        assert!(SigningRequest::from_der(&request, MODERN).is_ok(), "{digest}");
        let at = request.windows(3).position(|bytes| bytes == b"pss").unwrap();
        request[at] = b'b';
        assert_eq!(SigningRequest::from_der(&request, MODERN).unwrap_err(), Error::Signature);
    }
    for unusual in ["-md sha256 -keyopt rsa_pss_saltlen:20", "-md sha256 -keyopt rsa_mgf1_md:sha384", "-md sha1"] {
        desk.run(&format!("{sign} {unusual}"));
        let refused = cms::verify_detached(b"hello\n", &desk.read("detached"), Algorithms::LEGACY).unwrap_err();
        assert!(matches!(refused, Error::Algorithm(_)), "{unusual}: {refused}");
    }
}

#[test]
fn sha_1_is_taken_only_when_said_so() {
    let desk = Desk::new();
    desk.certify("old", "rsa:2048", "-days 10");
    desk.write("body", "hello\n");
    desk.run("cms -sign -binary -in body -signer old.pem -inkey old.key -md sha1 -outform DER -out detached");
    let signature = desk.read("detached");
    let refused = cms::verify_detached(b"hello\n", &signature, MODERN).unwrap_err();
    assert_eq!(refused, Error::Algorithm("SHA-1".to_owned()));
    assert!(cms::verify_detached(b"hello\n", &signature, Algorithms { sha1: true, des: false }).is_ok());
    desk.run("req -new -newkey rsa:2048 -nodes -keyout key -subj /CN=old -sha1 -outform DER -out request");
    let request = desk.read("request");
    assert_eq!(SigningRequest::from_der(&request, MODERN).unwrap_err(), Error::Algorithm("SHA-1".to_owned()));
    assert!(SigningRequest::from_der(&request, Algorithms::LEGACY).is_ok());
}

#[test]
fn requests_of_openssl_are_granted_under_our_name_and_ours_are_read() {
    let (desk, fixture) = (Desk::new(), &*FIXTURE);
    desk.write(
        "conf",
        "[req]\ndistinguished_name=dn\nattributes=at\nprompt=no\n[dn]\nCN=root\n[at]\nchallengePassword=open sesame\n",
    );
    desk.run("req -new -config conf -newkey rsa:2048 -nodes -keyout key -outform DER -out request");
    let request = SigningRequest::from_der(&desk.read("request"), MODERN).unwrap();
    assert_eq!((request.common_name().as_deref(), request.challenge().as_deref()), (Some("root"), Some("open sesame")));
    let issued = fixture.authority.issue(&request, "phone-1", NOW, 30).unwrap();
    assert_eq!(issued.common_name().as_deref(), Some("phone-1"));
    assert_eq!(issued.subject(), "CN=phone-1");
    assert!(Identity::from_pem(&issued.pem().unwrap(), &desk.text("key")).is_ok());
    let mut changed = desk.read("request");
    let at = changed.windows(4).position(|bytes| bytes == b"root").unwrap();
    changed[at] = b'b';
    assert_eq!(SigningRequest::from_der(&changed, MODERN).unwrap_err(), Error::Signature);

    let own = SigningRequest::make(&fixture.device_key, "MDM push", Some("Acme"), Some("secret")).unwrap();
    desk.write("own.pem", SigningRequest::pem(&own).unwrap());
    let said = desk.run("req -in own.pem -verify -noout -text");
    assert!(said.contains("CN = MDM push, O = Acme") && said.contains("secret"), "{said}");
}

#[test]
fn keys_and_identities_are_read_from_files() {
    let desk = Desk::new();
    desk.certify("push", "rsa:2048", "-days 10");
    desk.write(
        "conf",
        "[req]\ndistinguished_name=dn\nprompt=no\n[dn]\nUID=com.apple.mgmt.External.1234\nCN=APSP\nC=US\n",
    );
    desk.run("req -x509 -new -config conf -key push.key -days 10 -out push.pem");
    desk.run("rsa -in push.key -traditional -out old.key");
    desk.run("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out short.key");
    desk.run("ecparam -name prime256v1 -genkey -noout -out ec.key");
    let pem = desk.text("push.pem");
    let identity = Identity::from_pem(&pem, &desk.text("push.key")).unwrap();
    assert_eq!(identity.certificate().user_id().as_deref(), Some("com.apple.mgmt.External.1234"));
    assert!((identity.certificate().not_after() - now() - 10 * DAY).abs() < 60);
    assert!(Identity::from_pem(&pem, &desk.text("old.key")).is_ok());
    let kept = PrivateKey::from_pkcs8_der(identity.key().pkcs8_der()).unwrap();
    assert!(Identity::new(identity.certificate().clone(), vec![], kept).is_ok());
    let other = &FIXTURE.device_key;
    assert!(matches!(Identity::new(identity.certificate().clone(), vec![], other.clone()), Err(Error::Key(_))));
    for key in ["short.key", "ec.key", "push.pem"] {
        assert!(PrivateKey::from_pem(&desk.text(key)).is_err(), "{key}");
    }
    let two = format!("{pem}{}", FIXTURE.authority.certificate().pem().unwrap());
    assert_eq!(Identity::from_pem(&two, &desk.text("push.key")).unwrap().chain().len(), 1);
    assert!(matches!(Certificate::all_from_pem(&pem.repeat(11)), Err(Error::TooLarge)));
}

#[test]
fn what_is_foreign_expired_or_for_something_else_is_not_believed() {
    let (desk, fixture) = (Desk::new(), &*FIXTURE);
    let (authority, device) = (&fixture.authority, fixture.device.certificate());
    assert_eq!(authority.check(device, NOW), Ok(()));
    assert_eq!(authority.check(device, NOW + 364 * DAY), Ok(()));
    assert_eq!(authority.check(device, NOW + 366 * DAY), Err(Refused::Expired));
    assert_eq!(authority.check(device, NOW - DAY), Err(Refused::NotYet));
    let namesake = Authority::generate("Acme devices", NOW, 3650).unwrap();
    assert_eq!(namesake.check(device, NOW), Err(Refused::Unknown));
    assert!(matches!(authority.check(authority.certificate(), NOW), Err(Refused::Unfit(_))));
    assert!(matches!(authority.check(fixture.registration.certificate(), NOW), Err(Refused::Unfit(_))));
    assert!(authority.certificate().is_authority() && !device.is_authority());
    let lone = desk.certify("lone", "rsa:2048", "-days 10");
    assert!(authority.check(&lone, now()).is_err());

    // An authority of others, with one between it and the device.
    desk.certify("root", "rsa:2048", "-days 20");
    desk.write("ca", "basicConstraints=critical,CA:TRUE\nkeyUsage=keyCertSign\n")
        .write("leaf", "basicConstraints=CA:FALSE\nextendedKeyUsage=clientAuth\n");
    desk.write("server", "basicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n");
    for (name, issuer, extensions) in
        [("middle", "root", "ca"), ("phone", "middle", "leaf"), ("web", "middle", "server")]
    {
        desk.run(&format!("req -new -newkey rsa:2048 -nodes -keyout {name}.key -subj /CN={name} -out {name}.csr"));
        desk.run(&format!(
            "x509 -req -in {name}.csr -CA {issuer}.pem -CAkey {issuer}.key -CAcreateserial -days 10 -extfile {extensions} -out {name}.pem"
        ));
    }
    let read = |name: &str| Certificate::from_pem(&desk.text(&format!("{name}.pem"))).unwrap();
    let anchors = Anchors::new(vec![read("root")]);
    assert_eq!(anchors.check(&read("phone"), &[read("middle")], now()), Ok(()));
    assert_eq!(anchors.check(&read("phone"), &[], now()), Err(Refused::Unknown));
    assert!(matches!(anchors.check(&read("web"), &[read("middle")], now()), Err(Refused::Unfit(_))));
    assert_eq!(anchors.check(&read("phone"), &[read("middle")], now() + 11 * DAY), Err(Refused::Expired));
    assert_eq!(Anchors::default().check(&read("phone"), &[read("middle")], now()), Err(Refused::Unknown));
}

#[test]
fn envelopes_go_both_ways() {
    let (desk, fixture) = (Desk::new(), &*FIXTURE);
    let (recipient, secret) = (&fixture.registration, b"a certificate request".repeat(20));
    desk.write("to.pem", recipient.certificate().pem().unwrap()).write("body", &secret);
    let key = der::pem::encode_string("PRIVATE KEY", der::pem::LineEnding::LF, recipient.key().pkcs8_der()).unwrap();
    desk.write("to.key", key);
    for (cipher, option, old) in [
        (Cipher::Aes128, "-aes128", false),
        (Cipher::Aes192, "-aes192", false),
        (Cipher::Aes256, "-aes256", false),
        (Cipher::TripleDes, "-des3", true),
        (Cipher::Des, "-des-cbc", true),
    ] {
        // Single DES is not in openssl's usual provider.
        let providers = if cipher == Cipher::Des { " -provider legacy -provider default" } else { "" };
        for stream in ["", " -stream"] {
            desk.run(&format!(
                "cms -encrypt -binary {option}{stream}{providers} -in body -outform DER -out sealed to.pem"
            ));
            let sealed = desk.read("sealed");
            let (opened, found) = enveloped::open(&sealed, recipient, Algorithms::LEGACY).unwrap();
            assert_eq!((opened.as_slice(), found), (secret.as_slice(), cipher), "{option}{stream}");
            let modern = enveloped::open(&sealed, recipient, MODERN);
            assert_eq!(matches!(modern, Err(Error::Algorithm(_))), old, "{option}");
            assert_eq!(enveloped::open(&sealed, &fixture.device, Algorithms::LEGACY).unwrap_err(), Error::Sealed);
            // Changing the encrypted key or the padding gives one and the same error.
            let mut changed = sealed.clone();
            let end = changed.len() - 20;
            changed[end] ^= 1;
            assert!(
                enveloped::open(&changed, recipient, Algorithms::LEGACY)
                    .map(|(opened, _)| opened != secret)
                    .unwrap_or(true)
            );
        }
        desk.write("ours", enveloped::seal(&secret, recipient.certificate(), cipher).unwrap());
        desk.run(&format!(
            "cms -decrypt -binary -inform DER -in ours -inkey to.key -recip to.pem -out opened{providers}"
        ));
        assert_eq!(desk.read("opened"), secret, "{option}");
    }
}
