//! Whatever comes in: nothing panics, and nothing that was changed is believed.

use std::sync::LazyLock;

use proptest::prelude::*;

use super::{FIXTURE, NOW};
use crate::{
    Algorithms, Certificate, SigningRequest,
    cms::{self, enveloped},
    scep::{Kind, Message, client},
};

/// A valid one of each, to be damaged.
static WHOLE: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let fixture = &*FIXTURE;
    let registration = fixture.registration.certificate();
    let request = client::request(&fixture.device_key, "phone", Some("challenge")).unwrap();
    vec![
        fixture.device.certificate().der().to_vec(),
        cms::sign_detached(b"body", &fixture.device, Some(NOW)).unwrap(),
        cms::sign(b"body", &fixture.device, None).unwrap(),
        client::message(Kind::Enroll, &request, &fixture.device, registration).unwrap(),
        enveloped::seal(&request, registration, enveloped::Cipher::Aes128).unwrap(),
        request,
    ]
});

/// Reads bytes as everything.
fn read(bytes: &[u8]) {
    let taken = Algorithms::LEGACY;
    let _ = Certificate::from_der(bytes).map(|read| (read.subject(), read.common_name(), read.not_after()));
    let _ = SigningRequest::from_der(bytes, taken).map(|read| read.challenge());
    let _ = cms::verify_detached(b"body", bytes, taken);
    let _ = cms::verify(bytes, taken);
    let _ = cms::read_certificates(bytes);
    let _ = enveloped::open(bytes, &FIXTURE.registration, taken);
    let _ = Message::open(bytes, taken).map(|message| message.request(&FIXTURE.registration, taken));
    let _ = Certificate::all_from_pem(&String::from_utf8_lossy(bytes));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn anything_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        read(&bytes);
    }

    #[test]
    fn damaged_messages_are_read_or_refused(
        which in 0..6_usize,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = WHOLE[which].clone();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        read(&bytes);
    }

    #[test]
    fn a_signature_that_was_changed_is_not_of_the_device(at: prop::sample::Index, bit in 0..8_u8) {
        let mut bytes = WHOLE[1].clone();
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        let taken = Algorithms::default();
        if let Ok(verified) = cms::verify_detached(b"body", &bytes, taken) {
            // What is around the signed parts may differ, not what was signed; a certificate that was changed is not believed.
            prop_assert_eq!(verified.signed_at, Some(NOW));
            let same = verified.certificate == *FIXTURE.device.certificate();
            prop_assert!(same || FIXTURE.authority.check(&verified.certificate, NOW).is_err());
        }
    }
}
