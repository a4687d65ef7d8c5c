//! Enrollments by Apple's protocol and the queue of commands, on both databases.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

use allclear_domain::{
    device_command::CommandState,
    ids::{CommandId, DeviceId, Tenant, TokenId},
    journal::{Actor, ActorKind},
    time::{Span, Time},
};
use allclear_store::{
    Error, MIGRATIONS,
    apple_enrollments::{self as enrollments, AppleEnrollment, EnrollmentState, Kept, KeptPush},
    db::{Db, migrate},
    device_commands::{self as commands, DeviceCommand},
    testing::for_each_database,
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

fn id(n: u128) -> CommandId {
    CommandId(Uuid::from_u128(n))
}

fn command(n: u128, of: u128, request_type: &str, rank: u8) -> DeviceCommand {
    DeviceCommand {
        id: id(n),
        device: device(of),
        request_type: request_type.into(),
        rank,
        state: CommandState::Queued,
        requested_by: Actor::new(ActorKind::Administrator, "Ada").with_id(Uuid::from_u128(1)),
        created_at: at(n.try_into().unwrap()),
        expires_at: at(1000),
        sent_at: None,
        answered_at: None,
        detail: None,
    }
}

fn kept_push(push: &str) -> KeptPush {
    KeptPush { push: push.as_bytes().to_vec(), changed_at: at(5) }
}

async fn write<T: Send + 'static>(
    db: &Db,
    f: impl Fn(&mut allclear_store::db::Tx<'_>) -> Result<T, Error> + Send + 'static,
) -> T {
    db.write(f).await.unwrap()
}

#[tokio::test]
async fn commands_wait_in_order_and_are_settled_once() {
    for_each_database(async |db| {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        write(&db, |tx| {
            for (n, of, kind, rank) in
                [(1, 1, "ProfileList", 1), (2, 1, "DeviceLock", 0), (3, 1, "Restart", 1), (4, 2, "ProfileList", 1)]
            {
                commands::insert(tx, T, &command(n, of, kind, rank), &[n as u8])?;
            }
            let next = |tx: &mut _| {
                let found = commands::next(tx, T, device(1), at(10)).unwrap();
                found.map(|waiting| (waiting.id, waiting.state, waiting.payload))
            };
            assert_eq!(next(tx), Some((id(2), CommandState::Queued, vec![2])), "what protects goes first");
            assert!(commands::send(tx, T, id(2), at(11))?);
            assert_eq!(next(tx), Some((id(2), CommandState::Sent, vec![2])), "until it is answered");
            assert!(!commands::send(tx, OTHER, id(2), at(11))?);
            let mut lock = commands::get(tx, T, device(1), id(2), at(12))?.unwrap();
            assert_eq!((lock.state, lock.sent_at), (CommandState::Sent, Some(at(11))));
            assert_eq!(lock.requested_by.id, Some(Uuid::from_u128(1)));
            lock.state = CommandState::NotNow;
            commands::settle(tx, T, &lock, Some(b"said"))?;
            assert_eq!(next(tx).unwrap().0, id(1), "not within the same exchange");
            let postponed = |tx: &mut _, of, now| commands::has_postponed(tx, T, device(of), at(now)).unwrap();
            assert!(postponed(tx, 1, 12) && !postponed(tx, 2, 12) && !postponed(tx, 1, 1000));
            commands::resume(tx, T, device(2))?;
            assert!(postponed(tx, 1, 12), "not another device's");
            commands::resume(tx, T, device(1))?;
            assert!(!postponed(tx, 1, 12));
            assert_eq!(next(tx), Some((id(2), CommandState::NotNow, vec![2])), "but in the next");
            assert!(commands::send(tx, T, id(2), at(12))?);
            assert_eq!(next(tx).unwrap().0, id(2));
            assert_eq!(commands::heard_at(tx, T, device(1))?, Some(at(12)));
            assert_eq!(commands::heard_at(tx, T, device(2))?, None);
            lock.state = CommandState::Acknowledged;
            lock.answered_at = Some(at(13));
            lock.detail = Some("done".into());
            commands::settle(tx, T, &lock, None)?;
            assert_eq!(commands::contents(tx, T, id(2))?, Some((vec![2], Some(b"said".to_vec()))), "kept");
            assert!(!commands::send(tx, T, id(2), at(14))?, "settled");
            assert_eq!(
                commands::get(tx, T, device(1), id(2), at(2000))?,
                Some(DeviceCommand { sent_at: Some(at(12)), ..lock })
            );
            assert_eq!(commands::get(tx, T, device(2), id(2), at(0))?, None, "another device's");
            assert_eq!(commands::get(tx, OTHER, device(1), id(2), at(0))?, None);
            assert_eq!(commands::count_open(tx, T, device(1))?, 2);
            let open = commands::open(tx, T, device(1), None, at(15))?;
            assert_eq!(open.iter().map(|one| one.id).collect::<Vec<_>>(), [id(1), id(3)]);
            assert_eq!(commands::open(tx, T, device(1), Some("Restart"), at(15))?.len(), 1);
            assert_eq!(commands::next(tx, T, device(1), at(1000))?, None, "expired");
            assert!(!commands::send(tx, T, id(1), at(1000))?);
            let late = commands::get(tx, T, device(1), id(1), at(1000))?.unwrap();
            assert_eq!(late.state, CommandState::Expired);
            let listed = commands::list(tx, T, device(1), None, 2, at(15))?;
            assert_eq!(listed.iter().map(|one| one.id).collect::<Vec<_>>(), [id(3), id(2)]);
            assert_eq!(commands::list(tx, T, device(1), Some(id(2)), 2, at(15))?.len(), 1);
            commands::tidy(tx, T, device(1), 1, at(1500))?;
            assert_eq!(commands::list(tx, T, device(1), None, 9, at(15))?.len(), 1, "the newest stays");
            assert_eq!(commands::list(tx, T, device(2), None, 9, at(15))?.len(), 1);
            Ok(())
        })
        .await;
    })
    .await;
}

#[tokio::test]
async fn an_enrollment_begins_anew_and_ends() {
    for_each_database(async |db| {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        let new = |n: u128, token: u128| AppleEnrollment {
            device: device(n),
            identifier: format!("U{n}"),
            token: TokenId(Uuid::from_u128(token)),
            topic: "topic".into(),
            state: EnrollmentState::Begun,
            began_at: at(1),
            inquiries: "{}".into(),
            ask_at: at(1),
            resumed_at: at(1),
        };
        write(&db, move |tx| {
            enrollments::begin(tx, T, &new(1, 10), b"authenticate")?;
            assert_eq!(enrollments::by_token(tx, T, TokenId(Uuid::from_u128(10)))?, Some(new(1, 10)));
            assert_eq!(enrollments::by_token(tx, OTHER, TokenId(Uuid::from_u128(10)))?, None);
            enrollments::set_push(tx, T, device(1), "other", &kept_push("push"), Some(b"unlock"), b"update")?;
            enrollments::set_push(tx, T, device(1), "other", &kept_push("push 2"), None, b"update")?;
            enrollments::set_bootstrap_token(tx, T, device(1), Some(b"bootstrap"))?;
            let kept = enrollments::kept(tx, T, device(1))?;
            let bytes = |text: &str| Some(text.as_bytes().to_vec());
            let expected =
                Kept { push: bytes("push 2"), unlock_token: bytes("unlock"), bootstrap_token: bytes("bootstrap") };
            assert_eq!(kept, expected, "an unlock token stays until there is another");
            let enabled = enrollments::of_device(tx, T, device(1))?.unwrap();
            assert_eq!((enabled.state, enabled.topic.as_str()), (EnrollmentState::Enabled, "other"));
            enrollments::set_inquiries(tx, T, device(1), "{\"a\":1}", at(9))?;
            for (from, to, found) in [(8, 9, 1), (9, 10, 0), (0, 8, 0)] {
                assert_eq!(enrollments::to_ask(tx, T, at(from), at(to))?.len(), found, "{from} to {to}");
            }
            assert_eq!(enrollments::devices(tx, T, None, 5)?, [device(1)]);
            assert_eq!(enrollments::devices(tx, T, Some(device(1)), 5)?, []);
            assert_eq!(enrollments::among(tx, T, &[device(1), device(2)])?, [device(1)]);
            assert_eq!(enrollments::among(tx, OTHER, &[device(1)])?, []);
            enrollments::forget_push(tx, T, device(1), &kept_push("push"))?;
            assert_eq!(enrollments::push(tx, T, device(1))?, Some(kept_push("push 2")), "another one");
            enrollments::forget_push(tx, T, device(1), &kept_push("push 2"))?;
            assert_eq!(enrollments::push(tx, T, device(1))?, None);
            assert_eq!(enrollments::devices(tx, T, None, 5)?, []);
            enrollments::resume(tx, T, device(1), at(8))?;
            assert_eq!(enrollments::of_device(tx, T, device(1))?.unwrap().resumed_at, at(8));
            assert_eq!(enrollments::lock(tx, T, device(1))?.unwrap().inquiries, "{\"a\":1}");
            enrollments::begin(tx, T, &new(1, 11), b"again")?;
            assert_eq!(enrollments::kept(tx, T, device(1))?, Kept::default(), "nothing of it is kept");
            assert_eq!(enrollments::of_device(tx, T, device(1))?, Some(new(1, 11)));
            assert_eq!(enrollments::by_token(tx, T, TokenId(Uuid::from_u128(10)))?, None);
            assert!(enrollments::end(tx, T, device(1))? && !enrollments::end(tx, T, device(1))?);
            enrollments::set_push(tx, T, device(1), "t", &kept_push("push"), None, b"update")?;
            let ended = enrollments::of_device(tx, T, device(1))?.unwrap();
            assert_eq!(ended.state, EnrollmentState::Ended, "it is over");
            Ok(())
        })
        .await;
    })
    .await;
}
