//! Enrollment messages between a device's side and ours; the route is tried with other people's clients.

use super::{FIXTURE, NOW};
use crate::{
    Algorithms, Error, PrivateKey,
    scep::{self, Failure, Kind, Message, client},
};

const MODERN: Algorithms = Algorithms { sha1: false, des: false };

#[test]
fn a_device_enrolls_and_renews() {
    let fixture = &*FIXTURE;
    let registration = fixture.registration.certificate();
    let signer = client::self_signed(&fixture.device_key, "phone", NOW).unwrap();
    let request = client::request(&fixture.device_key, "phone", Some("challenge-1")).unwrap();
    let sent = client::message(Kind::Enroll, &request, &signer, registration).unwrap();

    let message = Message::open(&sent, MODERN).unwrap();
    assert_eq!((message.kind(), message.signer()), (Kind::Enroll, signer.certificate()));
    let asked = message.request(&fixture.registration, MODERN).unwrap();
    assert_eq!(asked.signing().challenge().as_deref(), Some("challenge-1"));
    let issued = fixture.authority.issue(asked.signing(), "enrollment-1", NOW, 365).unwrap();
    let answer = message.grant(&fixture.registration, &asked, &issued).unwrap();
    assert_eq!(client::read(&answer, &signer, registration).unwrap(), Ok(issued.clone()));

    let refusal = message.refuse(&fixture.registration, Failure::Request).unwrap();
    assert_eq!(client::read(&refusal, &signer, registration).unwrap(), Err("2".to_owned()));

    let force = crate::Identity::new(issued, vec![], fixture.device_key.clone()).unwrap();
    let fresh = PrivateKey::generate(2048).unwrap();
    let renewal = client::request(&fresh, "phone", None).unwrap();
    let sent = client::message(Kind::Renew, &renewal, &force, registration).unwrap();
    let message = Message::open(&sent, MODERN).unwrap();
    assert_eq!((message.kind(), message.signer()), (Kind::Renew, force.certificate()));
    assert_eq!(fixture.authority.check(message.signer(), NOW), Ok(()));
    assert!(message.request(&fixture.registration, MODERN).is_ok(), "another key than the one in force");
}

#[test]
fn a_message_for_somebody_else_or_another_key_is_not_opened() {
    let fixture = &*FIXTURE;
    let registration = fixture.registration.certificate();
    let signer = client::self_signed(&fixture.device_key, "phone", NOW).unwrap();
    let request = client::request(&fixture.device_key, "phone", Some("challenge")).unwrap();
    let elsewhere = client::message(Kind::Enroll, &request, &signer, signer.certificate()).unwrap();
    let message = Message::open(&elsewhere, MODERN).unwrap();
    assert_eq!(message.request(&fixture.registration, MODERN).unwrap_err(), Error::Sealed);

    // Somebody repeats another's request under a certificate of their own.
    let thief = PrivateKey::generate(2048).unwrap();
    let thief = client::self_signed(&thief, "phone", NOW).unwrap();
    let stolen = client::message(Kind::Enroll, &request, &thief, registration).unwrap();
    let message = Message::open(&stolen, MODERN).unwrap();
    assert_eq!(message.request(&fixture.registration, MODERN).unwrap_err(), Error::Sealed);

    let garbage = client::message(Kind::Enroll, b"no request", &signer, registration).unwrap();
    let message = Message::open(&garbage, MODERN).unwrap();
    let error = message.request(&fixture.registration, MODERN).unwrap_err();
    assert_eq!((error.clone(), Failure::from(&error)), (Error::Sealed, Failure::Message));

    let plain = crate::cms::sign(b"", &signer, None).unwrap();
    assert_eq!(Message::open(&plain, MODERN).unwrap_err(), Error::Malformed("enrollment message"));
    assert_eq!(Message::open(&vec![0x30; scep::MAX_BYTES + 1], MODERN).unwrap_err(), Error::TooLarge);
}

#[test]
fn capabilities_say_what_is_taken() {
    let modern = scep::capabilities(MODERN);
    assert!(modern.lines().any(|line| line == "AES") && !modern.contains("DES3") && !modern.contains("SHA-1"));
    let legacy = scep::capabilities(Algorithms::LEGACY);
    assert!(legacy.lines().any(|line| line == "DES3") && legacy.lines().any(|line| line == "SHA-1"));
}
