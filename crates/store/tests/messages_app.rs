//! What binds the Messages app to a device, where browsers are told, and the server's own keys, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

use std::collections::BTreeMap;

use allclear_domain::{
    device::{Device, DeviceFacts, EnrollmentStatus},
    ids::{DeviceId, MessagesSessionId, OrganizationGroupId, Tenant},
    level::Platform,
    organization_group::{OrganizationGroup, OrganizationGroupKind},
    posture::Posture,
    time::{Span, Time},
};
use allclear_store::{
    Error, MIGRATIONS,
    db::{Tx, migrate},
    devices::{self, DeviceRecord, Since, Write},
    messages_app::{self as app, LinkPurpose, MessagesLink, MessagesSession},
    organization_groups,
    push::{self, Subscription},
    tenants,
    testing::databases,
    tokens::Hash,
};
use uuid::Uuid;

const TENANT: Tenant = Tenant(1);
const OTHER: Tenant = Tenant(2);

fn at(n: i64) -> Time {
    Time::EPOCH.plus(Span::seconds(n))
}

fn phone(n: u128) -> DeviceId {
    DeviceId(Uuid::from_u128(0x9000 + n))
}

fn hash(n: u8) -> Hash {
    [n; 32]
}

fn record(id: DeviceId, group: OrganizationGroupId) -> DeviceRecord {
    let device = Device {
        friendly_name: format!("phone {id}"),
        enrollment: EnrollmentStatus::Enrolled,
        ..Device::new(id, group, Platform::Ios, Time::EPOCH)
    };
    DeviceRecord {
        facts: DeviceFacts { device, threats: vec![], reports: vec![], check: None },
        posture: Posture::default(),
        since: Since { parts: BTreeMap::new(), ..Since::default() },
        last_entry: 0,
        archived_threats: false,
        due_at: None,
        version: 1,
    }
}

/// Two phones of each of two tenants, under the same ids; then the test, in one transaction on each database.
async fn with_phones(test: impl Fn(&mut Tx<'_>) -> Result<(), Error> + Clone + Send + 'static) {
    for database in databases().await {
        let test = test.clone();
        migrate::run(&database.db, MIGRATIONS).await.unwrap();
        let tried = database.db.write::<_, Error>(move |tx| {
            for tenant in [TENANT, OTHER] {
                tenants::create(tx, tenant, Time::EPOCH)?;
                let id = OrganizationGroupId(Uuid::from_u128(0x1000 + tenant.0.unsigned_abs() as u128));
                let (parent, kind) = (Some(OrganizationGroupId::GLOBAL), OrganizationGroupKind::Customer);
                organization_groups::insert(tx, tenant, &OrganizationGroup { id, parent, name: "group".into(), kind })?;
                let records = [record(phone(0), id), record(phone(1), id)];
                let writes: Vec<Write<'_>> = records.iter().map(|new| Write { new, old: None }).collect();
                devices::write_many(tx, tenant, &writes)?;
            }
            test(tx)
        });
        tried.await.unwrap_or_else(|error| panic!("{}: {error}", database.name));
    }
}

fn link(device: DeviceId, purpose: LinkPurpose, made: i64) -> MessagesLink {
    MessagesLink { device, purpose, created_at: at(made), expires_at: at(made + 100), used_at: None }
}

fn session(n: u128, device: DeviceId, seen: i64) -> MessagesSession {
    let id = MessagesSessionId(Uuid::from_u128(0x5000 + n));
    MessagesSession { id, device, created_at: at(1), last_seen_at: at(seen) }
}

fn told(session: &MessagesSession, sealed: &[u8]) -> Subscription {
    Subscription { session: session.id, sealed: sealed.to_vec() }
}

#[tokio::test]
async fn a_link_is_used_once_and_is_of_one_tenant() {
    with_phones(|tx| {
        let first = link(phone(0), LinkPurpose::Enroll, 10);
        app::insert_link(tx, TENANT, &first, &hash(1))?;
        assert_eq!(app::link(tx, TENANT, &hash(1))?, Some(first));
        assert_eq!((app::link(tx, TENANT, &hash(2))?, app::link(tx, OTHER, &hash(1))?), (None, None));
        assert!(!app::use_link(tx, OTHER, &hash(1), at(11))? && !app::use_link(tx, TENANT, &hash(2), at(11))?);
        assert!(app::use_link(tx, TENANT, &hash(1), at(12))?);
        assert!(!app::use_link(tx, TENANT, &hash(1), at(13))?, "once");
        assert_eq!(app::link(tx, TENANT, &hash(1))?, Some(MessagesLink { used_at: Some(at(12)), ..first }));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn of_links_the_expired_and_the_oldest_of_a_purpose_give_way() {
    with_phones(|tx| {
        let (enroll, install) = (LinkPurpose::Enroll, LinkPurpose::Install);
        for n in 1..=6_u8 {
            app::insert_link(tx, TENANT, &link(phone(0), enroll, 10 * i64::from(n)), &hash(n))?;
        }
        app::insert_link(tx, TENANT, &link(phone(0), install, 11), &hash(7))?;
        app::insert_link(tx, TENANT, &link(phone(1), enroll, 12), &hash(8))?;
        app::insert_link(tx, OTHER, &link(phone(0), enroll, 13), &hash(9))?;
        let left = |tx: &mut Tx<'_>| -> Result<Vec<u8>, Error> {
            let mut left = Vec::new();
            for n in 1..=9_u8 {
                let tenant = if n == 9 { OTHER } else { TENANT };
                left.extend(app::link(tx, tenant, &hash(n))?.map(|_| n));
            }
            Ok(left)
        };
        app::tidy_links(tx, TENANT, phone(0), enroll, 10, at(60))?;
        assert_eq!(left(tx)?, [1, 2, 3, 4, 5, 6, 7, 8, 9], "there is room, and none has expired");
        app::tidy_links(tx, TENANT, phone(0), enroll, 3, at(60))?;
        assert_eq!(left(tx)?, [4, 5, 6, 7, 8, 9], "the three newest for this purpose, and all others");
        app::tidy_links(tx, TENANT, phone(0), install, 3, at(140))?;
        assert_eq!(left(tx)?, [5, 6, 8, 9], "what has expired, whatever its purpose; at its very second, too");
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_session_is_found_kept_alive_and_ended() {
    with_phones(|tx| {
        let one = session(1, phone(0), 10);
        app::insert_session(tx, TENANT, &one, &hash(1))?;
        app::insert_session(tx, OTHER, &one, &hash(2))?;
        assert_eq!(app::session(tx, TENANT, &hash(1))?, Some(one));
        assert_eq!((app::session(tx, TENANT, &hash(2))?, app::session(tx, OTHER, &hash(1))?), (None, None));
        app::touch_session(tx, TENANT, one.id, at(50), at(9))?;
        assert_eq!(app::session(tx, TENANT, &hash(1))?, Some(one), "a use lately is noted already");
        app::touch_session(tx, TENANT, one.id, at(50), at(10))?;
        assert_eq!(app::session(tx, TENANT, &hash(1))?.map(|it| it.last_seen_at), Some(at(50)));
        assert_eq!(app::session(tx, OTHER, &hash(2))?, Some(one));
        push::subscribe(tx, TENANT, phone(0), &told(&one, b"sealed"), &hash(7), at(2))?;
        push::subscribe(tx, OTHER, phone(0), &told(&one, b"theirs"), &hash(7), at(2))?;
        assert!(!app::delete_session(tx, TENANT, &hash(2))? && app::delete_session(tx, TENANT, &hash(1))?);
        assert_eq!(app::session(tx, TENANT, &hash(1))?, None);
        assert_eq!(push::subscriptions(tx, TENANT, phone(0))?, [], "nobody listens there any more");
        assert_eq!(push::subscriptions(tx, OTHER, phone(0))?, [told(&one, b"theirs")]);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn of_sessions_the_idle_and_the_oldest_give_way_and_a_new_owner_starts_anew() {
    with_phones(|tx| {
        for n in 1..=6_u8 {
            let seen = if n == 5 { 20 } else { 100 };
            app::insert_session(tx, TENANT, &session(n.into(), phone(0), seen), &hash(n))?;
        }
        app::insert_session(tx, TENANT, &session(7, phone(1), 20), &hash(7))?;
        app::insert_session(tx, OTHER, &session(8, phone(0), 20), &hash(8))?;
        app::insert_link(tx, TENANT, &link(phone(0), LinkPurpose::Install, 10), &hash(9))?;
        app::insert_link(tx, TENANT, &link(phone(1), LinkPurpose::Install, 10), &hash(10))?;
        let left = |tx: &mut Tx<'_>| -> Result<Vec<u8>, Error> {
            let mut left = Vec::new();
            for n in 1..=8_u8 {
                let tenant = if n == 8 { OTHER } else { TENANT };
                left.extend(app::session(tx, tenant, &hash(n))?.map(|_| n));
            }
            Ok(left)
        };
        app::tidy_sessions(tx, TENANT, phone(0), 10, at(19))?;
        assert_eq!(left(tx)?, [1, 2, 3, 4, 5, 6, 7, 8], "there is room, and none was idle for too long");
        app::tidy_sessions(tx, TENANT, phone(0), 4, at(20))?;
        assert_eq!(left(tx)?, [3, 4, 6, 7, 8], "the four newest less the idle one");
        app::unbind(tx, TENANT, phone(0))?;
        assert_eq!(left(tx)?, [7, 8]);
        assert_eq!(app::link(tx, TENANT, &hash(9))?, None);
        assert!(app::link(tx, TENANT, &hash(10))?.is_some());

        // With the device goes everything that is bound to it.
        let device = devices::get(tx, TENANT, phone(1))?.expect("it is there");
        push::subscribe(tx, TENANT, phone(1), &told(&session(7, phone(1), 20), b"x"), &hash(1), at(2))?;
        devices::delete(tx, TENANT, &device)?;
        assert_eq!((left(tx)?, app::link(tx, TENANT, &hash(10))?), (vec![8], None));
        assert_eq!(push::subscriptions(tx, TENANT, phone(1))?, []);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn a_browser_is_told_once_and_at_its_newest_address() {
    with_phones(|tx| {
        let (one, two, elsewhere) = (session(1, phone(0), 10), session(2, phone(0), 10), session(3, phone(1), 10));
        for (n, session) in [(1, &one), (2, &two), (3, &elsewhere)] {
            app::insert_session(tx, TENANT, session, &hash(n))?;
        }
        push::subscribe(tx, TENANT, phone(0), &told(&one, b"a"), &hash(71), at(1))?;
        push::subscribe(tx, TENANT, phone(0), &told(&two, b"b"), &hash(72), at(1))?;
        push::subscribe(tx, TENANT, phone(1), &told(&elsewhere, b"c"), &hash(71), at(1))?;
        assert_eq!(push::subscriptions(tx, TENANT, phone(0))?, [told(&one, b"a"), told(&two, b"b")]);
        push::subscribe(tx, TENANT, phone(0), &told(&one, b"a2"), &hash(73), at(2))?;
        assert_eq!(push::subscriptions(tx, TENANT, phone(0))?, [told(&one, b"a2"), told(&two, b"b")], "it has moved");
        push::subscribe(tx, TENANT, phone(0), &told(&two, b"a3"), &hash(73), at(3))?;
        assert_eq!(push::subscriptions(tx, TENANT, phone(0))?, [told(&two, b"a3")], "it is the same browser");
        assert_eq!(push::subscriptions(tx, TENANT, phone(1))?, [told(&elsewhere, b"c")], "another phone's");
        assert_eq!(push::subscriptions(tx, OTHER, phone(0))?, []);

        push::forget_subscription(tx, TENANT, &told(&two, b"older"))?;
        assert_eq!(push::subscriptions(tx, TENANT, phone(0))?.len(), 1, "it has a newer one by now");
        push::forget_subscription(tx, OTHER, &told(&two, b"a3"))?;
        push::unsubscribe(tx, TENANT, phone(1), two.id)?;
        push::unsubscribe(tx, OTHER, phone(0), two.id)?;
        assert_eq!(push::subscriptions(tx, TENANT, phone(0))?.len(), 1, "not theirs to end");
        push::forget_subscription(tx, TENANT, &told(&two, b"a3"))?;
        assert_eq!(push::subscriptions(tx, TENANT, phone(0))?, []);
        push::unsubscribe(tx, TENANT, phone(1), elsewhere.id)?;
        assert_eq!(push::subscriptions(tx, TENANT, phone(1))?, []);
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn the_first_key_of_a_name_stays() {
    with_phones(|tx| {
        assert_eq!(push::server_key(tx, "vapid")?, None);
        push::keep_server_key(tx, "vapid", b"first", at(1))?;
        push::keep_server_key(tx, "vapid", b"second", at(2))?;
        push::keep_server_key(tx, "other", b"third", at(2))?;
        assert_eq!(push::server_key(tx, "vapid")?.as_deref(), Some(&b"first"[..]));
        assert_eq!(push::server_key(tx, "other")?.as_deref(), Some(&b"third"[..]));
        Ok(())
    })
    .await;
}
