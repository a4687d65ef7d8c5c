//! A device's way to its certificate, as far as it can be gone without the protocol that follows.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

use allclear_domain::{
    ids::{DeviceId, Tenant},
    journal::{Actor, ActorKind},
    time::Span,
};
use allclear_engine::{
    device_authority,
    device_certificates::{self as engine, Distrust, EnrollmentName, Holder},
    source::{Source, SystemSource},
};
use allclear_pki::{
    Algorithms, Anchors, Authority, Certificate, Identity, PrivateKey, SigningRequest, cms,
    scep::{Kind, client},
};
use axum::body::Body;
use data_encoding::{BASE64, HEXLOWER};
use serde_json::{Value, json};

use crate::{
    agent::tests::Stage,
    testing::{Answer, request},
};

const SCEP: &str = "/apple/v1/scep/1";
const TOPIC: &str = "com.apple.mgmt.External.0b1f";

/// A certificate as Apple would give it for this key.
fn push_certificate(key: &PrivateKey, topic: &str, days: i64) -> String {
    let key = rcgen::KeyPair::from_pkcs8_pem_and_sign_algo(&key.pem().unwrap(), &rcgen::PKCS_RSA_SHA256).unwrap();
    let mut params = rcgen::CertificateParams::default();
    let uid = rcgen::DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]);
    params.distinguished_name.push(uid, topic);
    params.distinguished_name.push(rcgen::DnType::CommonName, "APSP:0b1f");
    let end = SystemSource.now().as_micros() / 1_000_000 + days * 86_400;
    let end = std::time::UNIX_EPOCH + std::time::Duration::from_secs(u64::try_from(end).unwrap());
    params.not_after = end.into();
    params.self_signed(&key).unwrap().pem()
}

impl Stage {
    /// Sets the management of Apple devices up.
    pub(super) async fn manage(&self, mut edit: Value) -> Value {
        let key = PrivateKey::generate(2048).unwrap();
        edit["push_certificate"] = push_certificate(&key, TOPIC, 365).into();
        edit["push_key"] = key.pem().unwrap().into();
        edit["version"] = 0.into();
        self.world.call("PUT", "/api/v1/apple-mdm", &self.admin, Some(edit)).await.expect(200)
    }

    async fn profile(&self, token: &str) -> plist::Dictionary {
        let answer = self.world.get(&format!("/apple/v1/enroll/{token}?unsigned=true"), "").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-apple-aspen-config"));
        plist::Value::from_reader_xml(answer.body.as_slice()).unwrap().into_dictionary().unwrap()
    }

    /// The name and the one-time password in a new profile for a token.
    async fn challenge(&self, token: &str) -> (EnrollmentName, String) {
        let scep = payload(&self.profile(token).await, "com.apple.security.scep");
        let inner = scep["PayloadContent"].as_dictionary().unwrap().clone();
        assert_eq!(inner["URL"].as_string(), Some("http://localhost/apple/v1/scep/1"));
        let name = inner["Subject"].as_array().unwrap()[0].as_array().unwrap()[0].as_array().unwrap()[1].clone();
        let text = |value: &plist::Value| value.as_string().unwrap().to_owned();
        (text(&name).parse().unwrap(), text(&inner["Challenge"]))
    }

    /// Who takes requests, and the authority.
    async fn registration(&self) -> (Certificate, Certificate) {
        let answer = self.world.get(&format!("{SCEP}?operation=GetCACert&message=any"), "").await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-x509-ca-ra-cert"));
        let found = cms::read_certificates(&answer.body).unwrap();
        let (authority, registration) = found.into_iter().partition::<Vec<_>, _>(Certificate::is_authority);
        (registration[0].clone(), authority[0].clone())
    }

    async fn send(&self, path: &str, message: Vec<u8>) -> Answer {
        let mut post = request("POST", &format!("{path}?operation=PKIOperation"), "", None, &[]);
        *post.body_mut() = Body::from(message);
        self.world.send(post).await
    }

    /// Asks for a certificate: the certificate, or why there is none.
    async fn enroll_key(&self, key: &PrivateKey, challenge: &str) -> Result<Certificate, String> {
        let registration = self.registration().await.0;
        let signer = client::self_signed(key, "phone", self.seconds()).unwrap();
        let asked = client::request(key, "phone", Some(challenge)).unwrap();
        let message = client::message(Kind::Enroll, &asked, &signer, &registration).unwrap();
        let answer = self.send(SCEP, message).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, "application/x-pki-message"));
        client::read(&answer.body, &signer, &registration).unwrap()
    }

    async fn renew(&self, key: &PrivateKey, force: &Identity) -> Result<Certificate, String> {
        let registration = self.registration().await.0;
        let asked = client::request(key, "phone", None).unwrap();
        let message = client::message(Kind::Renew, &asked, force, &registration).unwrap();
        client::read(&self.send(SCEP, message).await.body, force, &registration).unwrap()
    }

    fn seconds(&self) -> i64 {
        self.world.state.source.now().as_micros() / 1_000_000
    }

    async fn holder(&self, certificate: &Certificate) -> Result<Holder, Distrust> {
        let (certificate, now) = (certificate.clone(), self.world.state.source.now());
        self.world.state.db.read(move |tx| engine::holder(tx, Tenant(1), &certificate, &[], now)).await.unwrap()
    }

    async fn bind(&self, certificate: &Certificate, device: &str) {
        let holder = self.holder(certificate).await.unwrap();
        let (certificate, device): (_, DeviceId) = (certificate.clone(), device.parse().unwrap());
        let actor = Actor::new(ActorKind::Device, "phone");
        let bound = self
            .world
            .state
            .engine
            .edit(Tenant(1), actor, move |work| engine::bind(work, &holder, &certificate, device));
        bound.await.unwrap();
    }
}

fn payload(profile: &plist::Dictionary, kind: &str) -> plist::Dictionary {
    let payloads = profile["PayloadContent"].as_array().unwrap();
    let mut payloads = payloads.iter().map(|one| one.as_dictionary().unwrap());
    payloads.find(|one| one["PayloadType"].as_string() == Some(kind)).unwrap().clone()
}

#[tokio::test]
async fn a_device_gets_one_certificate_for_one_password() {
    let stage = Stage::new().await;
    stage.manage(json!({})).await;
    let token = stage.enrollment_token().await;
    let (name, challenge) = stage.challenge(&token).await;
    let capabilities = stage.world.get(&format!("{SCEP}?operation=GetCACaps"), "").await.text();
    assert!(
        capabilities.lines().any(|line| line == "SCEPStandard") && !capabilities.contains("DES3"),
        "{capabilities}"
    );

    let key = PrivateKey::generate(2048).unwrap();
    let other = PrivateKey::generate(2048).unwrap();
    assert_eq!(stage.enroll_key(&key, "a guess").await, Err("2".to_owned()));
    let issued = stage.enroll_key(&key, &challenge).await.unwrap();
    assert_eq!(EnrollmentName::of(&issued), Some(name));
    let (_, authority) = stage.registration().await;
    assert_eq!(Anchors::new(vec![authority.clone()]).check(&issued, &[], stage.seconds()), Ok(()));
    // The answer was lost: the same once more, for the same key only.
    assert_eq!(stage.enroll_key(&key, &challenge).await, Ok(issued.clone()));
    assert_eq!(stage.enroll_key(&other, &challenge).await, Err("2".to_owned()));
    let holder = stage.holder(&issued).await.unwrap();
    assert_eq!((holder.token, holder.device, holder.renew), (name.token, None, false));
    assert_eq!(stage.world.noted("device_certificate").await, ["created"]);

    // Passwords that were not used are good for a day; the fifth profile makes the first one worthless.
    let (_, first) = stage.challenge(&token).await;
    for _ in 0..4 {
        stage.challenge(&token).await;
    }
    assert_eq!(stage.enroll_key(&other, &first).await, Err("2".to_owned()));
    let (_, late) = stage.challenge(&token).await;
    stage.world.pass(Span::days(1));
    assert_eq!(stage.enroll_key(&other, &late).await, Err("2".to_owned()));

    // Nor does a password that was made before an agent enrolled with the token.
    let token = stage.enrollment_token().await;
    let (_, before) = stage.challenge(&token).await;
    let body = json!({ "enrollment_token": token, "device": { "platform": "ios", "serial_number": "s" } });
    stage.world.call("POST", "/agent/v1/enroll", "", Some(body)).await.expect(201);
    assert_eq!(stage.enroll_key(&other, &before).await, Err("2".to_owned()));

    let message = |text: &str| format!("{SCEP}?operation=PKIOperation&message={text}");
    for bad in
        [message("AAAA"), message("no%20base64"), message(""), SCEP.to_owned(), format!("{SCEP}?operation=GetCRL")]
    {
        assert_eq!(stage.world.get(&bad, "").await.status, 400, "{bad}");
    }
    assert_eq!(stage.send(SCEP, b"garbage".to_vec()).await.status, 400);
    assert_eq!(stage.send(SCEP, vec![0x30; 64 * 1024 + 1]).await.status, 413);
    for nobody in ["/apple/v1/scep/2", "/apple/v1/scep/99", "/apple/v1/scep/x"] {
        assert_eq!(stage.send(nobody, b"garbage".to_vec()).await.status, 404);
        assert_eq!(stage.world.get(&format!("{nobody}?operation=GetCACert"), "").await.status, 404);
    }
}

#[tokio::test]
async fn a_message_may_come_in_the_query() {
    let stage = Stage::new().await;
    stage.manage(json!({ "certificate_days": 90 })).await;
    let (_, challenge) = stage.challenge(&stage.enrollment_token().await).await;
    let (registration, _) = stage.registration().await;
    let key = PrivateKey::generate(2048).unwrap();
    let signer = client::self_signed(&key, "phone", stage.seconds()).unwrap();
    let asked = client::request(&key, "phone", Some(&challenge)).unwrap();
    let message = BASE64.encode(&client::message(Kind::Enroll, &asked, &signer, &registration).unwrap());
    let encoded = message.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let answer = stage.world.get(&format!("{SCEP}?operation=PKIOperation&message={encoded}"), "").await;
    let issued = client::read(&answer.body, &signer, &registration).unwrap().unwrap();
    assert!((issued.not_after() - stage.seconds() - 90 * 86_400).abs() < 60);
    // Plus signs that were not encoded, and the message twice: as body, and in the query.
    let answer = stage.world.get(&format!("{SCEP}?operation=PKIOperation&message={message}"), "").await;
    assert_eq!(client::read(&answer.body, &signer, &registration).unwrap(), Ok(issued));
    let both = format!("{SCEP}?operation=PKIOperation&message={encoded}");
    let mut post = request("POST", &both, "", None, &[]);
    *post.body_mut() = Body::from(BASE64.decode(message.as_bytes()).unwrap());
    assert_eq!(stage.world.send(post).await.status, 200);
}

#[tokio::test]
async fn a_certificate_is_bound_renewed_and_revoked() {
    let stage = Stage::new().await;
    stage.manage(json!({ "certificate_days": 90 })).await;
    let phone = stage.enroll("serial-1").await.id;
    let token = stage.enrollment_token().await;
    let (_, challenge) = stage.challenge(&token).await;
    let key = PrivateKey::generate(2048).unwrap();
    let issued = stage.enroll_key(&key, &challenge).await.unwrap();
    // Somebody else has seen the link and was faster than the device, but did not enroll.
    let (_, seen) = stage.challenge(&token).await;
    let (_, kept) = stage.challenge(&token).await;
    let stranger = PrivateKey::generate(2048).unwrap();
    let taken = stage.enroll_key(&stranger, &seen).await.unwrap();
    stage.bind(&issued, &phone).await;
    assert_eq!(stage.holder(&taken).await, Err(Distrust::Revoked));
    assert_eq!(stage.enroll_key(&stranger, &kept).await, Err("2".to_owned()));
    let force = Identity::new(issued.clone(), vec![], key.clone()).unwrap();
    assert_eq!(stage.holder(&issued).await.unwrap().device.unwrap().to_string(), phone);
    stage.world.pass(Span::days(61));
    assert!(stage.holder(&issued).await.unwrap().renew);
    let next = stage.renew(&key, &force).await.unwrap();
    stage.bind(&next, &phone).await;
    assert!(!stage.holder(&next).await.unwrap().renew);
    assert_eq!(EnrollmentName::of(&next), EnrollmentName::of(&issued));

    let path = format!("/api/v1/devices/{phone}/certificates");
    let shown = stage.world.get(&path, &stage.admin).await.expect(200);
    let items = shown["items"].as_array().unwrap();
    let fingerprint = HEXLOWER.encode(&next.fingerprint());
    assert_eq!((items.len(), &items[0]["fingerprint"], &items[0]["own"]), (2, &json!(fingerprint), &json!(true)));
    let revoke = format!("{path}/{fingerprint}/revoke");
    for _ in 0..2 {
        stage.world.call("POST", &revoke, &stage.admin, None).await.expect(204);
    }
    assert_eq!(stage.holder(&next).await, Err(Distrust::Revoked));
    let force = Identity::new(next, vec![], key.clone()).unwrap();
    assert_eq!(stage.renew(&key, &force).await, Err("4".to_owned()), "a revoked one renews nothing");
    assert_eq!(stage.world.noted("device_certificate").await, ["created", "created", "created", "deleted"]);
    stage.world.call("POST", &format!("{path}/00/revoke"), &stage.admin, None).await.expect(404);

    stage.world.pass(Span::days(30));
    assert_eq!(stage.holder(&issued).await, Err(Distrust::Expired));

    // Enrolled again with another token: what it showed before is worth nothing.
    let (_, challenge) = stage.challenge(&stage.enrollment_token().await).await;
    let again = stage.enroll_key(&key, &challenge).await.unwrap();
    stage.bind(&again, &phone).await;
    let (_, challenge) = stage.challenge(&stage.enrollment_token().await).await;
    let anew = stage.enroll_key(&key, &challenge).await.unwrap();
    stage.bind(&anew, &phone).await;
    assert_eq!(stage.holder(&again).await, Err(Distrust::Revoked));
    stage.world.call("DELETE", &format!("/api/v1/devices/{phone}"), &stage.admin, None).await.expect(204);
    assert_eq!(stage.holder(&anew).await, Err(Distrust::Revoked));
}

#[tokio::test]
async fn an_enrollment_outlives_its_token() {
    let stage = Stage::new().await;
    stage.manage(json!({})).await;
    let phone = stage.enroll("serial-1").await.id;
    let key = PrivateKey::generate(2048).unwrap();
    for enrolls in [true, false] {
        let (name, challenge) = stage.challenge(&stage.enrollment_token().await).await;
        let issued = stage.enroll_key(&key, &challenge).await.unwrap();
        if enrolls {
            stage.bind(&issued, &phone).await;
        }
        let token = format!("/api/v1/enrollment-tokens/{}", name.token);
        stage.world.call("DELETE", &token, &stage.admin, None).await.expect(204);
        let renewed = stage.renew(&key, &Identity::new(issued, vec![], key.clone()).unwrap()).await;
        if enrolls {
            assert_eq!(stage.holder(&renewed.unwrap()).await.unwrap().device.unwrap().to_string(), phone);
        } else {
            assert_eq!(renewed, Err("4".to_owned()), "no device has enrolled with it");
        }
    }
}

#[tokio::test]
async fn the_next_authority_issues_before_the_one_in_force_ends() {
    let stage = Stage::new().await;
    let first = stage.manage(json!({ "certificate_days": 3650 })).await;
    assert_eq!(first["former_authorities"], json!([]));
    let key = PrivateKey::generate(2048).unwrap();
    let (_, challenge) = stage.challenge(&stage.enrollment_token().await).await;
    let issued = stage.enroll_key(&key, &challenge).await.unwrap();
    let (before, _) = stage.registration().await;
    stage.world.pass(Span::days(3650 - 729));

    // Somebody is about to enroll.
    let (_, challenge) = stage.challenge(&stage.enrollment_token().await).await;
    let signer = client::self_signed(&key, "phone", stage.seconds()).unwrap();
    let asked = client::request(&key, "phone", Some(&challenge)).unwrap();
    let message = client::message(Kind::Enroll, &asked, &signer, &before).unwrap();
    device_authority::roll_over(&stage.world.state.engine, Tenant(1)).await.unwrap();
    let (after, authority) = stage.registration().await;
    assert_ne!(after, before);
    let anew = client::read(&stage.send(SCEP, message).await.body, &signer, &before).unwrap().unwrap();
    assert_eq!(Anchors::new(vec![authority]).check(&anew, &[], stage.seconds()), Ok(()));
    assert!(anew.not_after() - issued.not_after() > 7 * 365 * 86_400, "it need not end with the first authority");
    assert_eq!(stage.holder(&issued).await.map(|holder| holder.device), Ok(None), "what that has issued is good");
    let renewed = stage.renew(&key, &Identity::new(issued, vec![], key.clone()).unwrap()).await.unwrap();
    assert!(stage.holder(&renewed).await.is_ok());

    let shown = stage.world.get("/api/v1/apple-mdm", &stage.admin).await.expect(200);
    assert_eq!(shown["former_authorities"], json!([first["authority"]]));
    assert_ne!(shown["authority"], first["authority"]);
}

#[tokio::test]
async fn certificates_of_a_trusted_authority_are_believed_for_enrollments_of_the_tenant() {
    let stage = Stage::new().await;
    let now = stage.seconds();
    let others = Authority::generate("Others", now, 100).unwrap();
    let trusted = json!({ "trusted_authorities": [others.certificate().pem().unwrap()],
        "scep_url": "https://scep.example.com/ca", "scep_challenge": "shared" });
    let shown = stage.manage(trusted).await;
    assert_eq!(
        (&shown["scep_challenge_set"], &shown["trusted_authorities"][0]["subject"]),
        (&json!(true), &json!("CN=Others"))
    );
    let profile = stage.profile(&stage.enrollment_token().await).await;
    let inner = payload(&profile, "com.apple.security.scep")["PayloadContent"].as_dictionary().unwrap().clone();
    assert_eq!(inner["URL"].as_string(), Some("https://scep.example.com/ca"));
    assert_eq!(inner["Challenge"].as_string(), Some("shared"));
    let name = inner["Subject"].as_array().unwrap()[0].as_array().unwrap()[0].as_array().unwrap()[1].as_string();
    let name = name.unwrap().to_owned();

    let key = PrivateKey::generate(2048).unwrap();
    let asked = SigningRequest::make(&key, "phone", None, None).unwrap();
    let asked = SigningRequest::from_der(&asked, Algorithms::default()).unwrap();
    let certify = |authority: &Authority, name: &str| authority.issue(&asked, name, now, 50).unwrap();
    let good = certify(&others, &name);
    let holder = stage.holder(&good).await.unwrap();
    assert_eq!(holder.device, None);
    let foreign = Authority::generate("Others", now, 100).unwrap();
    let elsewhere = EnrollmentName { tenant: Tenant(2), token: holder.token };
    let nowhere = EnrollmentName { tenant: Tenant(1), token: uuid::Uuid::nil().into() };
    for bad in [
        certify(&foreign, &name),
        certify(&others, "phone"),
        certify(&others, &elsewhere.to_string()),
        certify(&others, &nowhere.to_string()),
    ] {
        assert_eq!(stage.holder(&bad).await, Err(Distrust::Unknown), "{bad:?}");
    }
    let phone = stage.enroll("serial-1").await.id;
    stage.bind(&good, &phone).await;
    assert_eq!(stage.holder(&good).await.unwrap().device.unwrap().to_string(), phone);
    stage.world.pass(Span::days(51));
    assert_eq!(stage.holder(&good).await, Err(Distrust::Expired));
    assert_eq!(stage.holder(&certify(&others, &name)).await, Err(Distrust::Expired));
}

#[tokio::test]
async fn the_profile_is_signed_and_there_for_good_tokens_only() {
    let stage = Stage::new().await;
    let token = stage.enrollment_token().await;
    let path = |token: &str| format!("/apple/v1/enroll/{token}");
    stage.world.get(&path(&token), "").await.expect(409);
    let any = json!({ "user_id": stage.user });
    let any = stage.world.call("POST", "/api/v1/enrollment-tokens", &stage.admin, Some(any)).await.expect(201);
    assert_eq!(any["enrollment_profile_url"], json!(null), "not set up yet");
    stage.manage(json!({})).await;
    // Where devices call is not for who asks to say.
    let elsewhere =
        request("GET", &format!("{}?unsigned=true", path(&token)), "", None, &[("host", "evil.example.com")]);
    let answer = stage.world.send(elsewhere).await;
    assert!(answer.status == 200 && !answer.text().contains("evil"), "{}", answer.text());
    let profile = stage.profile(&token).await;
    let mdm = payload(&profile, "com.apple.mdm");
    assert_eq!(mdm["Topic"].as_string(), Some(TOPIC));
    assert_eq!(mdm["CheckInURL"].as_string(), Some("http://localhost/apple/v1/checkin"));
    assert_eq!(profile["PayloadOrganization"].as_string(), Some("Acme"));

    let signed = stage.world.get(&path(&token), "").await;
    assert_eq!(signed.header("content-disposition"), "attachment; filename=\"enrollment.mobileconfig\"");
    let verified = cms::verify(&signed.body, Algorithms::default()).unwrap();
    assert_eq!(verified.certificate, stage.registration().await.1);
    assert!(plist::Value::from_reader_xml(verified.content.as_slice()).is_ok());

    for nobody in ["x", "ace_1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", &stage.admin] {
        stage.world.get(&path(nobody), "").await.expect(404);
    }
    let android = json!({ "user_id": stage.user, "platform": "android" });
    let android = stage.world.call("POST", "/api/v1/enrollment-tokens", &stage.admin, Some(android)).await.expect(201);
    assert_eq!(android["enrollment_profile_url"], json!(null));
    let ios = json!({ "user_id": stage.user, "platform": "ios" });
    let ios = stage.world.call("POST", "/api/v1/enrollment-tokens", &stage.admin, Some(ios)).await.expect(201);
    let link = ios["enrollment_profile_url"].as_str().unwrap();
    assert_eq!(stage.world.get(link.strip_prefix("http://localhost").unwrap(), "").await.status, 200);
    stage.world.get(&path(android["token"].as_str().unwrap()), "").await.expect(409);
    let device = json!({ "platform": "ios", "serial_number": "s" });
    let body = json!({ "enrollment_token": token, "device": device });
    stage.world.call("POST", "/agent/v1/enroll", "", Some(body)).await.expect(201);
    assert_eq!(stage.world.get(&path(&token), "").await.expect(410)["type"], "/problems/link-used");
    let token = stage.enrollment_token().await;
    stage.world.pass(Span::days(31));
    assert_eq!(stage.world.get(&path(&token), "").await.expect(410)["type"], "/problems/link-expired");
}

#[tokio::test]
async fn what_is_set_is_checked_and_keys_are_never_shown() {
    let stage = Stage::new().await;
    let put = async |edit: Value| stage.world.call("PUT", "/api/v1/apple-mdm", &stage.admin, Some(edit)).await;
    let empty = stage.world.get("/api/v1/apple-mdm", &stage.admin).await.expect(200);
    assert_eq!(
        (&empty["version"], &empty["authority"], &empty["push_certificate"]),
        (&json!(0), &json!(null), &json!(null))
    );
    let key = PrivateKey::generate(2048).unwrap();
    let (pem, secret) = (push_certificate(&key, TOPIC, 20), key.pem().unwrap());
    let other = PrivateKey::generate(2048).unwrap();
    let errors = async |edit: Value| {
        let problem = put(edit).await.expect(422);
        problem["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["pointer"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let wrong = json!({ "version": 0, "certificate_days": 0, "access_rights": 2, "trusted_authorities": [pem], "scep_url": "ftp://x" });
    assert_eq!(errors(wrong).await, ["/certificate_days", "/access_rights", "/trusted_authorities/0", "/scep_url"]);
    for (pem, key) in [
        ("nothing", secret.as_str()),
        (pem.as_str(), &other.pem().unwrap()),
        (&push_certificate(&key, "com.example.app", 20), &secret),
        (&push_certificate(&key, TOPIC, 0), &secret),
    ] {
        assert_eq!(
            errors(json!({ "version": 0, "push_certificate": pem, "push_key": key })).await,
            ["/push_certificate"]
        );
    }
    let shown = put(json!({ "version": 0, "push_certificate": pem, "push_key": secret })).await;
    assert!(!shown.text().contains("PRIVATE KEY"));
    let shown = shown.expect(200);
    assert_eq!(
        (&shown["push_certificate"]["topic"], &shown["push_certificate"]["expires_soon"]),
        (&json!(TOPIC), &json!(true))
    );
    assert!(shown["authority"]["subject"].as_str().unwrap().contains("Acme"));
    put(json!({ "version": 0 })).await.expect(409);
    // The next one, for the same key; what is left out stays.
    let next = push_certificate(&key, TOPIC, 365);
    let renewed = put(json!({ "version": 1, "push_certificate": next })).await.expect(200);
    assert_eq!(renewed["push_certificate"]["expires_soon"], false);
    assert_eq!(renewed["authority"], shown["authority"], "made once");
    assert_eq!(
        put(json!({ "version": 2, "sha1_signatures": true })).await.expect(200)["push_certificate"]["topic"],
        TOPIC
    );

    let asked =
        stage.world.call("POST", "/api/v1/apple-mdm/push-certificate-request", &stage.admin, None).await.expect(201);
    assert!(asked["request"].as_str().unwrap().starts_with("-----BEGIN CERTIFICATE REQUEST-----"));
    let now = stage.world.get("/api/v1/apple-mdm", &stage.admin).await.expect(200);
    assert_eq!((&now["push_certificate_requested"], &now["version"]), (&json!(true), &json!(4)));
    let gone = put(json!({ "version": 4, "push_certificate": null })).await.expect(200);
    assert_eq!(gone["push_certificate"], json!(null));
    let token = stage.enrollment_token().await;
    stage.world.get(&format!("/apple/v1/enroll/{token}"), "").await.expect(409);
    let journal = stage.world.get("/api/v1/journal?limit=500", &stage.admin).await.text();
    assert!(!journal.contains("PRIVATE KEY"));
    let north = stage.world.token(1, "administrator", stage.world.north).await;
    stage.world.get("/api/v1/apple-mdm", &north).await.expect(403);
}
