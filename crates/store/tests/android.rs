//! Android devices under Google's management, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

use allclear_domain::{
    device::ManagementType,
    ids::{CommandId, DeviceId, OrganizationGroupId, Tenant, TokenId, UserId},
    organization_group::{OrganizationGroup, OrganizationGroupKind},
    time::{Span, Time},
};
use allclear_store::{
    Error, MIGRATIONS,
    android_devices::{self as devices, AndroidDevice, AndroidOperation, AndroidToken, ManagedState},
    android_enterprise::{self as enterprise, Holder},
    db::{Db, Tx, migrate},
    organization_groups, params, tenants,
    testing::for_each_database,
    tokens::{self, EnrollmentToken},
};
use uuid::Uuid;

const T: Tenant = Tenant(1);
const OTHER: Tenant = Tenant(2);

fn at(seconds: i64) -> Time {
    Time::EPOCH.plus(Span::seconds(seconds))
}

fn device(n: u128) -> DeviceId {
    DeviceId(Uuid::from_u128(n))
}

fn one(n: u128) -> AndroidDevice {
    AndroidDevice {
        device: device(n),
        name: format!("enterprises/E/devices/{n}"),
        token: TokenId(Uuid::from_u128(n)),
        state: ManagedState::Managed,
        enrolled_at: at(1),
        policy: None,
        assigned: "[]".into(),
        reading: None,
        reported_at: None,
    }
}

async fn write<R: Send + 'static>(db: &Db, f: impl Fn(&mut Tx<'_>) -> Result<R, Error> + Send + 'static) -> R {
    db.write(f).await.unwrap()
}

#[tokio::test]
async fn a_device_is_known_by_its_name_until_it_is_forgotten() {
    for_each_database(async |db| {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        write(&db, |tx| {
            devices::put(tx, T, &one(1))?;
            devices::put(tx, T, &one(2))?;
            devices::put(tx, OTHER, &one(1))?;
            assert_eq!(devices::get(tx, T, device(1))?, Some(one(1)));
            assert_eq!(devices::by_name(tx, T, "enterprises/E/devices/2")?, Some(one(2)));
            assert_eq!(devices::by_name(tx, OTHER, "enterprises/E/devices/2")?, None);
            devices::set_assigned(tx, T, device(1), "[1]")?;
            devices::set_policy(tx, T, &one(1).name, "p")?;
            devices::set_reading(tx, T, device(1), b"said", Some(at(5)))?;
            devices::set_reading(tx, T, device(1), b"said again", None)?;
            let changed = AndroidDevice {
                policy: Some("p".into()),
                assigned: "[1]".into(),
                reading: Some(b"said again".to_vec()),
                reported_at: Some(at(5)),
                ..one(1)
            };
            assert_eq!(devices::get(tx, T, device(1))?, Some(changed));
            assert_eq!(devices::get(tx, OTHER, device(1))?, Some(one(1)), "another tenant's stays as it is");
            assert_eq!(devices::list(tx, T, ManagedState::Managed, None, 10)?, [device(1), device(2)]);
            assert_eq!(devices::list(tx, T, ManagedState::Managed, Some(device(1)), 10)?, [device(2)]);
            assert!(devices::set_state(tx, T, device(1), ManagedState::Leaving)?);
            assert_eq!((devices::count(tx, T)?, devices::is_managed(tx, T, device(1))?), (2, false));
            assert!(devices::set_state(tx, T, device(1), ManagedState::Ended)?);
            assert!(!devices::set_state(tx, T, device(1), ManagedState::Leaving)?, "it is over");
            assert_eq!(devices::among(tx, T, &[device(1), device(2), device(3)])?, [device(2)]);
            assert_eq!(devices::names(tx, T, None, 10)?, [(device(2), one(2).name, at(1))]);
            devices::forget(tx, T, device(2))?;
            assert_eq!((devices::count(tx, T)?, devices::count(tx, OTHER)?), (0, 1));
            Ok(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn policies_and_tokens_that_nobody_uses_are_found() {
    for_each_database(async |db| {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        write(&db, |tx| {
            for id in ["of a device", "of a token", "unused", "used lately"] {
                devices::put_policy(tx, T, id, 3, at(10))?;
            }
            assert_eq!((devices::policy(tx, T, "unused")?, devices::policy(tx, OTHER, "unused")?), (Some(3), None));
            assert!(devices::use_policy(tx, T, "used lately", at(100))?);
            assert!(!devices::use_policy(tx, T, "unknown", at(100))?);
            devices::put(tx, T, &AndroidDevice { policy: Some("of a device".into()), ..one(1) })?;
            let token = |n: u128, expires: i64| AndroidToken {
                name: format!("enterprises/E/enrollmentTokens/{n}"),
                token: TokenId(Uuid::from_u128(n)),
                policy: "of a token".into(),
                management: ManagementType::Dedicated,
                expires_at: at(expires),
            };
            let (user, group) = (UserId(Uuid::from_u128(50)), OrganizationGroupId(Uuid::from_u128(10)));
            for (tenant, id, parent, kind) in [
                (Tenant::SERVER, OrganizationGroupId::GLOBAL, None, OrganizationGroupKind::Global),
                (T, group, Some(OrganizationGroupId::GLOBAL), OrganizationGroupKind::Customer),
            ] {
                tenants::create(tx, tenant, Time::EPOCH)?;
                organization_groups::insert(tx, tenant, &OrganizationGroup { id, parent, name: "group".into(), kind })?;
            }
            let sql = "INSERT INTO users (tenant, id, organization_group, user_name, version, created_at, devices, \
                       score, incidents_low, incidents_medium, incidents_high) \
                       VALUES (1, $1, $2, 'ada', 1, 0, 0, 0, 0, 0, 0)";
            tx.execute(sql, params![user.0, group.0])?;
            for n in [1, 2, 3] {
                let ours = EnrollmentToken {
                    id: TokenId(Uuid::from_u128(n)),
                    user,
                    platform: None,
                    created_at: at(0),
                    expires_at: at(1_000),
                    used_at: None,
                    device: None,
                };
                tokens::insert_enrollment(tx, T, &ours, &[u8::try_from(n).unwrap(); 32])?;
                devices::insert_token(tx, T, &token(n, if n == 3 { 50 } else { 1_000 }))?;
            }
            assert!(tokens::use_enrollment(tx, T, TokenId(Uuid::from_u128(2)), device(9), at(20))?);
            devices::insert_token(tx, T, &token(4, 1_000))?;
            let stale: Vec<String> = [2, 3, 4].map(|n| token(n, 0).name).into();
            assert_eq!(devices::stale_tokens(tx, T, at(60), 10)?, stale, "used, expired, and without ours");
            let found = devices::token(tx, T, &token(1, 0).name)?;
            assert_eq!(found, Some((TokenId(Uuid::from_u128(1)), ManagementType::Dedicated)));
            assert!(devices::has_tokens(tx, T, at(60))? && !devices::has_tokens(tx, T, at(2_000))?);
            assert_eq!(devices::unused_policies(tx, T, at(50), 10)?, ["unused"]);
            for name in stale.iter().chain([&token(1, 0).name]) {
                devices::forget_token(tx, T, name)?;
            }
            assert_eq!(devices::unused_policies(tx, T, at(50), 10)?, ["of a token", "unused"]);
            assert!(devices::forget_policy(tx, T, "unused", at(50))?);
            assert!(!devices::forget_policy(tx, T, "used lately", at(50))?);
            let operation = AndroidOperation {
                name: "enterprises/E/devices/1/operations/1".into(),
                command: CommandId(Uuid::from_u128(7)),
                device: device(1),
                issued_at: at(3),
            };
            devices::insert_operation(tx, T, &operation)?;
            assert_eq!(devices::by_operation(tx, T, &operation.name)?, Some(operation.clone()));
            assert_eq!(devices::by_operation(tx, OTHER, &operation.name)?, None);
            assert_eq!(devices::operations(tx, T, device(1))?, std::slice::from_ref(&operation));
            devices::forget_operation(tx, T, &operation.name)?;
            assert_eq!(devices::operations(tx, T, device(1))?, []);
            Ok(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn one_node_works_for_an_enterprise_and_a_sign_up_is_good_once() {
    for_each_database(async |db| {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        write(&db, |tx| {
            enterprise::put(tx, T, "{}", "sealed", 1, at(1))?;
            assert_eq!(enterprise::tenants(tx)?, [(T, 1)]);
            let holder = |node: &str, version| Holder { tenant: T, node: node.into(), version };
            assert!(enterprise::lease(tx, &holder("a", 1), at(1), at(30))?);
            assert!(!enterprise::lease(tx, &holder("b", 1), at(2), at(30))?, "another has it");
            assert!(enterprise::lease(tx, &holder("a", 1), at(2), at(40))?);
            assert!(enterprise::lease(tx, &holder("b", 1), at(41), at(60))?, "it was left");
            enterprise::set_state(tx, &holder("a", 1), "mine", at(42))?;
            enterprise::set_state(tx, &holder("b", 1), "well", at(43))?;
            enterprise::set_listed(tx, T, at(44))?;
            let found = enterprise::get(tx, T)?.unwrap();
            assert_eq!((found.state.as_str(), found.state_at, found.listed_at), ("well", at(43), Some(at(44))));
            enterprise::put(tx, T, "{\"a\":1}", "sealed", 2, at(50))?;
            assert!(!enterprise::lease(tx, &holder("b", 1), at(51), at(60))?, "it was changed");
            enterprise::release(tx, &holder("b", 1))?;
            assert!(enterprise::lease(tx, &holder("a", 2), at(51), at(60))?);

            enterprise::begin_sign_up(tx, T, "signupUrls/1", &[1; 32], at(100))?;
            assert_eq!(enterprise::sign_up(tx, T, &[1; 32], at(99))?.as_deref(), Some("signupUrls/1"));
            assert_eq!(enterprise::sign_up(tx, T, &[1; 32], at(100))?, None, "too late");
            assert_eq!(enterprise::sign_up(tx, T, &[2; 32], at(99))?, None);
            assert!(enterprise::end_sign_up(tx, T, &[1; 32])? && !enterprise::end_sign_up(tx, T, &[1; 32])?);
            enterprise::delete(tx, T)?;
            assert_eq!(enterprise::get(tx, T)?, None);
            Ok(())
        })
        .await;
    })
    .await;
}
