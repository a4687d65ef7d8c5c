//! Administrators, sessions, second factors and links, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

use allclear_domain::{
    admin::{AdminState, LinkKind, SecondFactor},
    ids::{AdminId, OrganizationGroupId, PasskeyId, SessionId, Tenant},
    rights::BuiltInRole,
    time::{Span, Time},
};
use allclear_store::{
    Error, MIGRATIONS,
    admins::{self, Admin, AdminFilter, Attempt, Lockout, Scope},
    db::{Db, migrate},
    roles::RoleRef,
    second_factors::{self, Passkey},
    sessions::{self, Session},
    sign_in_links::{self, SignInLink},
    testing::for_each_database,
};
use uuid::Uuid;

const T: Tenant = Tenant(1);
const OTHER: Tenant = Tenant(2);

fn id(n: u128) -> AdminId {
    AdminId(Uuid::from_u128(n))
}

fn group(n: u128) -> OrganizationGroupId {
    OrganizationGroupId(Uuid::from_u128(n))
}

fn at(seconds: i64) -> Time {
    Time::from_micros(seconds * 1_000_000)
}

fn admin(tenant: Tenant, n: u128, user_name: &str, email: Option<&str>) -> Admin {
    Admin {
        tenant,
        id: id(n),
        user_name: user_name.into(),
        email: email.map(str::to_owned),
        name: format!("Admin {n}"),
        role: RoleRef::BuiltIn(BuiltInRole::Administrator),
        reach: group(10),
        state: AdminState::Active,
        password: Some("hash".into()),
        password_set_at: Some(at(1)),
        totp_secret: Some(vec![1, 2, 3]),
        totp_step: 0,
        failures: 0,
        locked_until: None,
        created_at: at(1),
        created_by: "test".into(),
        last_signed_in_at: None,
        version: 1,
    }
}

async fn prepare(db: &Db) {
    migrate::run(db, MIGRATIONS).await.unwrap();
}

#[tokio::test]
async fn a_name_leads_to_one_administrator_of_the_whole_server() {
    for_each_database(|db| async move {
        prepare(&db).await;
        db.write::<_, Error>(|tx| {
            let ada = admin(T, 1, "Ada", Some("Ada@Example.com"));
            admins::insert(tx, &ada)?;
            assert_eq!(admins::get(tx, T, id(1))?, Some(ada.clone()));
            assert_eq!(admins::get(tx, OTHER, id(1))?, None);
            for name in ["ada", "ADA ", "ada@example.COM"] {
                assert_eq!(admins::by_name(tx, name)?, Some((T, id(1))), "{name}");
            }
            assert_eq!(admins::by_name(tx, "ad")?, None);
            // Also in another tenant, and as a mail address.
            for taken in [admin(OTHER, 2, "aDa", None), admin(OTHER, 2, "bob", Some("ada@example.com"))] {
                let refused = tx.nested(|tx| admins::insert(tx, &taken));
                assert!(refused.unwrap_err().is_unique_violation(), "{taken:?}");
            }
            let both = admin(OTHER, 3, "eve@example.com", Some("Eve@example.com"));
            admins::insert(tx, &both)?;

            let moved = Admin { user_name: "Lovelace".into(), email: None, version: 2, ..ada };
            admins::update(tx, &moved)?;
            assert_eq!(admins::get(tx, T, id(1))?, Some(moved));
            assert_eq!((admins::by_name(tx, "ada")?, admins::by_name(tx, "lovelace")?), (None, Some((T, id(1)))));
            assert!(!admins::delete(tx, OTHER, id(1))?);
            assert!(admins::delete(tx, T, id(1))? && !admins::delete(tx, T, id(1))?);
            assert_eq!(admins::by_name(tx, "lovelace")?, None);
            assert_eq!((admins::count(tx, T)?, admins::count(tx, OTHER)?), (0, 1));
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn wrong_attempts_in_a_row_lock_for_a_while() {
    for_each_database(|db| async move {
        prepare(&db).await;
        db.write::<_, Error>(|tx| {
            admins::insert(tx, &admin(T, 1, "ada", None))?;
            let lockout = |now: i64| Lockout { failures: 3, until: at(now + 100) };
            let mut attempt = |now: i64| admins::begin_attempt(tx, T, id(1), at(now), lockout(now));
            let (begun, locks) =
                (Attempt::Begun { locks_until: None }, |now| Attempt::Begun { locks_until: Some(at(now)) });
            assert_eq!([attempt(1)?, attempt(2)?, attempt(3)?], [begun, begun, locks(103)], "the third is looked at");
            assert_eq!([attempt(4)?, attempt(102)?], [Attempt::Refused; 2], "locked");
            assert_eq!(attempt(103)?, begun, "the lock is over");
            let found = admins::get(tx, T, id(1))?.unwrap();
            assert_eq!((found.failures, found.locked_until), (1, None));

            // A right password takes its own note back, and only that.
            assert_eq!(admins::begin_attempt(tx, T, id(1), at(104), lockout(104))?, begun);
            admins::withdraw_attempt(tx, T, id(1), lockout(104))?;
            assert_eq!(admins::get(tx, T, id(1))?.unwrap().failures, 1);
            for (now, expected) in [(105, begun), (106, locks(206))] {
                assert_eq!(admins::begin_attempt(tx, T, id(1), at(now), lockout(now))?, expected);
            }
            assert!(admins::get(tx, T, id(1))?.unwrap().locked_until.is_some());
            admins::withdraw_attempt(tx, T, id(1), lockout(106))?;
            let found = admins::get(tx, T, id(1))?.unwrap();
            assert_eq!((found.failures, found.locked_until), (2, None));
            admins::succeeded(tx, T, id(1))?;
            assert_eq!(admins::get(tx, T, id(1))?.unwrap().failures, 0);
            let another_tenants = admins::begin_attempt(tx, OTHER, id(1), at(200), lockout(200))?;
            assert_eq!(another_tenants, Attempt::Refused);

            assert!(admins::take_totp_step(tx, T, id(1), 7)? && !admins::take_totp_step(tx, T, id(1), 7)?);
            assert!(!admins::take_totp_step(tx, T, id(1), 6)? && admins::take_totp_step(tx, T, id(1), 8)?);
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn lists_are_narrowed() {
    for_each_database(|db| async move {
        prepare(&db).await;
        db.write::<_, Error>(|tx| {
            let in_group = |n: u128, name: &str, reach: u128| Admin { reach: group(reach), ..admin(T, n, name, None) };
            admins::insert(tx, &in_group(1, "carol", 10))?;
            admins::insert(tx, &Admin { state: AdminState::Disabled, ..in_group(2, "alice", 11) })?;
            admins::insert(tx, &Admin { role: RoleRef::BuiltIn(BuiltInRole::ReadOnly), ..in_group(3, "bob", 11) })?;
            admins::insert(tx, &admin(Tenant::SERVER, 4, "root", Some("root@example.com")))?;
            admins::insert(tx, &admin(OTHER, 5, "eve", None))?;
            let scope = |tenants: &[Tenant], groups: Option<&[u128]>| Scope {
                tenants: tenants.to_vec(),
                groups: groups.map(|groups| groups.iter().map(|n| group(*n)).collect()),
            };
            let mut names = |scope: &Scope, filter: &AdminFilter| {
                let found = admins::list(tx, scope, filter)?;
                Ok::<_, Error>(found.into_iter().map(|admin| admin.user_name).collect::<Vec<_>>())
            };
            let (all, any) = (scope(&[T], None), AdminFilter::default());
            assert_eq!(names(&all, &any)?, ["alice", "bob", "carol"]);
            let with_server = scope(&[T, Tenant::SERVER], None);
            assert_eq!(names(&with_server, &any)?, ["alice", "bob", "carol", "root"]);
            assert_eq!(names(&scope(&[T], Some(&[11])), &any)?, ["alice", "bob"]);
            assert!(names(&scope(&[T], Some(&[])), &any)?.is_empty());
            let disabled = AdminFilter { states: vec![AdminState::Disabled], ..AdminFilter::default() };
            assert_eq!(names(&all, &disabled)?, ["alice"]);
            let read_only =
                AdminFilter { role: Some(RoleRef::BuiltIn(BuiltInRole::ReadOnly)), ..AdminFilter::default() };
            assert_eq!(names(&all, &read_only)?, ["bob"]);
            let active = admins::active_at(tx, T, group(11))?;
            assert_eq!(active.into_iter().map(|admin| admin.user_name).collect::<Vec<_>>(), ["bob"]);
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_session_is_found_by_its_hash_until_it_ends() {
    for_each_database(|db| async move {
        prepare(&db).await;
        db.write::<_, Error>(|tx| {
            admins::insert(tx, &admin(T, 1, "ada", None))?;
            let session = |n: u128| Session {
                tenant: T,
                id: SessionId(Uuid::from_u128(n)),
                admin: id(1),
                second_factor: SecondFactor::Awaited,
                created_at: at(10),
                last_seen_at: at(10),
                expires_at: at(100),
                password_at: at(10),
                user_agent: Some("Browser".into()),
                address: None,
                step: None,
            };
            for n in 1..=4_u8 {
                sessions::insert(tx, &session(n.into()), &[n; 32])?;
            }
            let one = session(1);
            assert_eq!(sessions::by_hash(tx, T, &[1; 32])?, Some(one.clone()));
            assert_eq!((sessions::by_hash(tx, OTHER, &[1; 32])?, sessions::by_hash(tx, T, &[9; 32])?), (None, None));

            assert!(sessions::set_step(tx, T, one.id, Some(&[5]))?);
            assert!(!sessions::take_step(tx, T, one.id, &[6])?, "another was begun");
            assert!(sessions::take_step(tx, T, one.id, &[5])? && !sessions::take_step(tx, T, one.id, &[5])?);
            let raised = Session { second_factor: SecondFactor::Totp, expires_at: at(900), ..one.clone() };
            assert!(sessions::rotate(tx, &raised, &[77; 32])?);
            assert_eq!(sessions::by_hash(tx, T, &[1; 32])?, None, "the old cookie is worth nothing");
            assert_eq!(sessions::by_hash(tx, T, &[77; 32])?, Some(raised.clone()));

            sessions::touch(tx, T, one.id, at(50), at(9))?;
            assert_eq!(sessions::get(tx, T, one.id)?.unwrap().last_seen_at, at(10), "noted lately");
            sessions::touch(tx, T, one.id, at(50), at(10))?;
            assert_eq!(sessions::get(tx, T, one.id)?.unwrap().last_seen_at, at(50));

            sessions::delete_ended(tx, T, id(1), at(60), at(20))?;
            let ids = |found: Vec<Session>| found.into_iter().map(|one| one.id.0.as_u128()).collect::<Vec<_>>();
            assert_eq!(ids(sessions::of_admin(tx, T, id(1))?), [1], "the others were idle");
            sessions::insert(tx, &session(5), &[5; 32])?;
            sessions::insert(tx, &session(6), &[6; 32])?;
            assert_eq!(sessions::delete_others(tx, T, id(1), Some(SessionId(Uuid::from_u128(5))))?, 2);
            assert_eq!(ids(sessions::of_admin(tx, T, id(1))?), [5]);
            assert!(!sessions::delete(tx, OTHER, SessionId(Uuid::from_u128(5)))?);
            assert!(admins::delete(tx, T, id(1))?);
            assert!(sessions::of_admin(tx, T, id(1))?.is_empty(), "gone with its administrator");
            assert!(!sessions::rotate(tx, &raised, &[8; 32])?);
            let orphan = tx.nested(|tx| sessions::insert(tx, &session(7), &[7; 32]));
            assert!(orphan.unwrap_err().is_foreign_key_violation());
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn second_factors_and_links_are_good_once() {
    for_each_database(|db| async move {
        prepare(&db).await;
        db.write::<_, Error>(|tx| {
            admins::insert(tx, &admin(T, 1, "ada", None))?;
            second_factors::set_recovery_codes(tx, T, id(1), &[[1; 32], [2; 32]])?;
            assert!(!second_factors::use_recovery_code(tx, OTHER, id(1), &[1; 32])?);
            assert!(second_factors::use_recovery_code(tx, T, id(1), &[1; 32])?);
            assert!(!second_factors::use_recovery_code(tx, T, id(1), &[1; 32])?);
            assert_eq!(second_factors::count_recovery_codes(tx, T, id(1))?, 1);
            second_factors::set_recovery_codes(tx, T, id(1), &[])?;
            assert_eq!(second_factors::count_recovery_codes(tx, T, id(1))?, 0);

            let passkey = Passkey {
                id: PasskeyId(Uuid::from_u128(3)),
                admin: id(1),
                name: "Laptop".into(),
                credential: "{}".into(),
                created_at: at(5),
                last_used_at: None,
            };
            second_factors::insert_passkey(tx, T, &passkey)?;
            second_factors::use_passkey(tx, T, passkey.id, "{1}", at(6))?;
            let used = Passkey { credential: "{1}".into(), last_used_at: Some(at(6)), ..passkey.clone() };
            assert_eq!(second_factors::passkeys(tx, T, id(1))?, [used]);
            assert_eq!(second_factors::count_passkeys_of(tx, &[(T, id(2)), (T, id(1))])?, [0, 1]);
            assert!(!second_factors::delete_passkey(tx, T, id(2), passkey.id)?, "another's");
            assert!(second_factors::delete_passkey(tx, T, id(1), passkey.id)?);
            assert_eq!(second_factors::count_passkeys(tx, T, id(1))?, 0);

            let link = |kind, admin| SignInLink {
                tenant: T,
                kind,
                reach: group(10),
                admin,
                created_at: at(5),
                expires_at: at(5).plus(Span::seconds(10)),
            };
            let (set_up, reset) = (link(LinkKind::SetUp, None), link(LinkKind::Reset, Some(id(1))));
            sign_in_links::insert(tx, &set_up, &[1; 32])?;
            sign_in_links::insert(tx, &reset, &[2; 32])?;
            assert_eq!(sign_in_links::get(tx, T, &[1; 32])?, Some(set_up));
            assert_eq!(sign_in_links::get(tx, OTHER, &[1; 32])?, None);
            sign_in_links::delete_set_up(tx, T)?;
            assert_eq!(sign_in_links::get(tx, T, &[1; 32])?, None);
            assert_eq!(sign_in_links::get(tx, T, &[2; 32])?, Some(reset));
            sign_in_links::delete_expired(tx, T, at(14))?;
            assert!(sign_in_links::get(tx, T, &[2; 32])?.is_some());
            sign_in_links::delete_of(tx, T, id(1))?;
            assert_eq!(sign_in_links::get(tx, T, &[2; 32])?, None);
            sign_in_links::insert(tx, &reset, &[3; 32])?;
            sign_in_links::delete_expired(tx, T, at(15))?;
            assert_eq!(sign_in_links::get(tx, T, &[3; 32])?, None);
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}
