//! The crate against itself, against openssl, and against anything.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod openssl;
mod properties;
mod scep;

use std::sync::LazyLock;

use crate::{Authority, Identity, PrivateKey, SigningRequest};

/// 2026-03-01.
const NOW: i64 = 1_772_323_200;
const DAY: i64 = 24 * 3600;

/// What most tests need. Keys take long to make.
struct Fixture {
    authority: Authority,
    registration: Identity,
    device_key: PrivateKey,
    device: Identity,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let authority = Authority::generate("Acme devices", NOW, 3650).unwrap();
    let registration = authority.registration("Acme enrollment", NOW).unwrap();
    let device_key = PrivateKey::generate(2048).unwrap();
    let request = SigningRequest::make(&device_key, "whatever", None, None).unwrap();
    let request = SigningRequest::from_der(&request, Default::default()).unwrap();
    let certificate = authority.issue(&request, "0193-enrollment", NOW, 365).unwrap();
    let device = Identity::new(certificate, vec![], device_key.clone()).unwrap();
    Fixture { authority, registration, device_key, device }
});
