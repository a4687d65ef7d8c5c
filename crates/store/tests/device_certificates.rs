//! Certificates of devices, one-time passwords and authorities, on both databases.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use allclear_domain::{
    ids::{DeviceId, Tenant, TokenId},
    time::{Span, Time},
};
use allclear_store::{
    Error, MIGRATIONS,
    apple_mdm_settings::{self, AppleMdmSetting},
    db::migrate,
    device_certificates::{self as stored, Authority, Challenge, DeviceCertificate},
    testing::for_each_database,
};
use uuid::Uuid;

const T: Tenant = Tenant(1);
const OTHER: Tenant = Tenant(2);

fn at(n: i64) -> Time {
    Time::EPOCH.plus(Span::seconds(n))
}

fn token(n: u128) -> TokenId {
    TokenId(Uuid::from_u128(n))
}

fn device(n: u128) -> DeviceId {
    DeviceId(Uuid::from_u128(100 + n))
}

fn challenge(token: TokenId, created: i64) -> Challenge {
    Challenge { token, created_at: at(created), expires_at: at(created + 100), certificate: None }
}

fn certificate(n: u8, token: TokenId) -> DeviceCertificate {
    DeviceCertificate {
        fingerprint: [n; 32],
        token,
        device: None,
        issuer: "CN=Acme".to_owned(),
        own: true,
        certificate: vec![n, 0, 255],
        not_before: at(0),
        not_after: at(1000),
        created_at: at(n.into()),
        revoked_at: None,
    }
}

#[tokio::test]
async fn a_password_is_good_once_in_its_time_and_few_are_kept() {
    for_each_database(|db| async move {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        db.write::<_, Error>(|tx| {
            for n in 0..5_u8 {
                stored::insert_challenge(tx, T, &[n; 32], &challenge(token(1), n.into()), 3)?;
            }
            stored::insert_challenge(tx, T, &[9; 32], &challenge(token(2), 0), 3)?;
            assert_eq!(stored::challenge(tx, T, &[0; 32])?, None, "the oldest gave way");
            assert_eq!(stored::challenge(tx, OTHER, &[4; 32])?, None);
            assert_eq!(stored::challenge(tx, T, &[4; 32])?, Some(challenge(token(1), 4)));
            assert!(!stored::use_challenge(tx, OTHER, &[4; 32], &[7; 32], at(50))?);
            assert!(!stored::use_challenge(tx, T, &[4; 32], &[7; 32], at(104))?, "it has expired");
            assert!(stored::use_challenge(tx, T, &[4; 32], &[7; 32], at(103))?);
            assert!(!stored::use_challenge(tx, T, &[4; 32], &[8; 32], at(50))?, "it was used");
            assert_eq!(stored::challenge(tx, T, &[4; 32])?.unwrap().certificate, Some([7; 32]));
            // All others of this token have expired by now.
            stored::insert_challenge(tx, T, &[10; 32], &challenge(token(1), 1000), 3)?;
            assert_eq!(stored::challenge(tx, T, &[3; 32])?, None);
            assert!(stored::challenge(tx, T, &[9; 32])?.is_some(), "another token's");
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_certificate_is_bound_and_revoked() {
    for_each_database(|db| async move {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        db.write::<_, Error>(|tx| {
            for (n, of) in [(1, 1), (2, 1), (3, 2)] {
                assert!(stored::insert(tx, T, &certificate(n, token(of)))?);
                assert!(!stored::insert(tx, T, &certificate(n, token(9)))?, "what is there stays");
            }
            assert_eq!(stored::get(tx, T, &[1; 32])?, Some(certificate(1, token(1))));
            assert_eq!((stored::get(tx, OTHER, &[1; 32])?, stored::get(tx, T, &[8; 32])?), (None, None));
            for (n, of) in [(20, 1), (21, 2)] {
                stored::insert_challenge(tx, T, &[n; 32], &challenge(token(of), 0), 3)?;
            }
            stored::bind(tx, OTHER, &[1; 32], token(1), device(9), at(1))?;
            assert_eq!(stored::device_of(tx, T, token(1))?, None);
            stored::bind(tx, T, &[1; 32], token(1), device(1), at(2))?;
            stored::bind(tx, T, &[1; 32], token(1), device(2), at(3))?;
            let revoked = stored::get(tx, T, &[2; 32])?.unwrap();
            assert_eq!(
                (revoked.device, revoked.revoked_at),
                (None, Some(at(2))),
                "somebody else's of the same enrollment"
            );
            assert_eq!(stored::challenge(tx, T, &[20; 32])?, None);
            assert!(stored::challenge(tx, T, &[21; 32])?.is_some());
            stored::bind(tx, T, &[3; 32], token(2), device(1), at(4))?;
            assert_eq!(stored::device_of(tx, T, token(1))?, Some(device(1)));
            assert_eq!((stored::device_of(tx, OTHER, token(1))?, stored::device_of(tx, T, token(9))?), (None, None));
            let of = |found: Vec<DeviceCertificate>| found.iter().map(|one| one.fingerprint[0]).collect::<Vec<_>>();
            assert_eq!(of(stored::of_device(tx, T, device(1))?), [3, 1], "newest first");
            assert_eq!(of(stored::of_device(tx, T, device(2))?), [0_u8; 0], "bound once");
            assert_eq!(stored::revoke_others(tx, T, device(1), token(2), at(5))?, 1);
            assert!(stored::revoke(tx, T, &[3; 32], at(6))? && !stored::revoke(tx, T, &[3; 32], at(7))?);
            let revoked = stored::get(tx, T, &[3; 32])?.unwrap();
            assert_eq!((revoked.revoked_at, revoked.is_good(at(5))), (Some(at(6)), false));
            assert_eq!(stored::revoke_all(tx, T, device(1), at(8))?, 0);
            assert_eq!(stored::device_of(tx, T, token(1))?, None, "all of them are revoked");
            let good = certificate(4, token(1));
            assert!(good.is_good(at(0)) && good.is_good(at(999)) && !good.is_good(at(1000)));
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn there_is_one_authority_at_a_time_and_one_setting_for_a_tenant() {
    for_each_database(|db| async move {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        db.write::<_, Error>(|tx| {
            let made = |generation: i64, n: u8| Authority {
                generation,
                certificate: vec![n],
                sealed_key: vec![n, n],
                registration: vec![n, 1],
                sealed_registration_key: vec![n, 2],
                not_after: at(1000),
                created_at: at(n.into()),
            };
            assert!(stored::keep_authority(tx, T, &made(1, 1))?);
            assert!(!stored::keep_authority(tx, T, &made(1, 2))?, "another was faster");
            assert!(stored::authority(tx, T)? == Some(made(1, 1)) && stored::authority(tx, OTHER)?.is_none());
            assert!(stored::keep_authority(tx, T, &made(2, 3))?);
            assert!(stored::authority(tx, T)? == Some(made(2, 3)), "the newest issues");
            assert!(stored::authorities(tx, T)? == [made(2, 3), made(1, 1)]);
            assert!(stored::authorities(tx, OTHER)?.is_empty());

            let set = |version: i64| AppleMdmSetting {
                config: format!("{{\"a\": {version}}}"),
                secrets: "sealed".to_owned(),
                version,
                changed_at: at(version),
            };
            for version in 1..3 {
                apple_mdm_settings::put(tx, T, &set(version))?;
                assert_eq!(apple_mdm_settings::get(tx, T)?, Some(set(version)));
            }
            assert_eq!(apple_mdm_settings::get(tx, OTHER)?, None);
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}
