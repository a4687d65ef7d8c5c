//! Notifications on both databases: once for a cause, lists against their plain meaning, and a device's messages.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use allclear_domain::{
    ids::{DeviceId, NotificationId, OrganizationGroupId, Tenant, UserId},
    notification::{
        Channel::{self, DeviceMessage, Email, Sms},
        NotificationState::{self, Captured, Delivered, LeftOut, Queued, Read},
        Trigger,
    },
    time::{Span, Time},
};
use allclear_store::{
    Error, MIGRATIONS,
    db::migrate,
    notifications::{self as stored, Delivery, Notification, NotificationFilter},
    testing::for_each_database,
};
use uuid::Uuid;

const TENANT: Tenant = Tenant(1);

fn at(n: i64) -> Time {
    Time::EPOCH.plus(Span::seconds(n))
}

fn user(n: u128) -> UserId {
    UserId(Uuid::from_u128(100 + n))
}

fn device(n: u128) -> DeviceId {
    DeviceId(Uuid::from_u128(200 + n))
}

fn group(n: u128) -> OrganizationGroupId {
    OrganizationGroupId(Uuid::from_u128(300 + n))
}

/// Notification `n`: of each three one mail, one text message, one device message.
fn notification(n: u128) -> Notification {
    let (channel, state, trigger) = [
        (Email, Captured, Trigger::Notify),
        (Sms, Captured, Trigger::AccountStatus),
        (DeviceMessage, if n.is_multiple_of(2) { Queued } else { LeftOut }, Trigger::Device),
    ][(n % 3) as usize];
    let number = i64::try_from(n).unwrap();
    Notification {
        id: NotificationId(Uuid::from_u128(1000 + n)),
        trigger,
        cause: format!("cause {}", n / 3),
        channel,
        recipient_name: format!("recipient {n}"),
        user: Some(user(n % 4)),
        device: (channel == DeviceMessage).then(|| device(n % 2)),
        organization_group: group(n % 5),
        address: (channel != DeviceMessage).then(|| "ada@example.com".to_owned()),
        subject: (channel == Email).then(|| "Subject".to_owned()),
        body: "Text\nof two lines".to_owned(),
        kind: None,
        html: (channel == Email).then(|| "<p>Page</p>".to_owned()),
        state,
        reason: (state == LeftOut).then(|| "not active".to_owned()),
        created_at: at(number),
        created_by: "Grace".to_owned(),
        changed_at: at(number),
        delivery: Delivery::default(),
    }
}

const ALL: u128 = 60;

#[tokio::test]
async fn one_cause_one_recipient_one_channel_is_one_notification() {
    for_each_database(|db| async move {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        db.write::<_, Error>(move |tx| {
            let one = notification(0);
            assert!(stored::insert(tx, TENANT, &one)?);
            let again = Notification { id: NotificationId(Uuid::from_u128(1)), body: "other".into(), ..one.clone() };
            assert!(!stored::insert(tx, TENANT, &again)?);
            assert_eq!(stored::of_cause(tx, TENANT, &one.cause)?, std::slice::from_ref(&one));
            assert_eq!(stored::get(tx, TENANT, one.id)?, Some(one.clone()), "with its page");
            assert_eq!(stored::get(tx, Tenant(2), one.id)?, None);
            let others = [
                Notification { channel: Sms, ..again.clone() },
                Notification { user: Some(user(9)), id: NotificationId(Uuid::from_u128(2)), ..again.clone() },
                Notification { cause: "other".into(), id: NotificationId(Uuid::from_u128(3)), ..again.clone() },
                Notification {
                    channel: DeviceMessage,
                    device: Some(device(0)),
                    id: NotificationId(Uuid::from_u128(4)),
                    ..again.clone()
                },
                Notification {
                    channel: DeviceMessage,
                    device: Some(device(1)),
                    id: NotificationId(Uuid::from_u128(5)),
                    ..again.clone()
                },
            ];
            for other in others {
                assert!(stored::insert(tx, TENANT, &other)?, "{other:?}");
            }
            assert!(stored::insert(tx, Tenant(2), &one)?, "of another tenant");
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}

#[tokio::test]
async fn every_filter_gives_its_notifications_once_and_in_order() {
    for_each_database(|db| async move {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        let filled = db.write::<_, Error>(|tx| {
            for n in 0..ALL {
                stored::insert(tx, TENANT, &notification(n))?;
            }
            stored::insert(tx, Tenant(2), &Notification { user: Some(user(0)), ..notification(0) }).map(|_| ())
        });
        filled.await.unwrap();
        let all = NotificationFilter::default();
        let filters = [
            all.clone(),
            NotificationFilter { user: Some(user(1)), ..all.clone() },
            NotificationFilter { device: Some(device(0)), ..all.clone() },
            NotificationFilter { channel: Some(Sms), ..all.clone() },
            NotificationFilter { state: Some(LeftOut), ..all.clone() },
            NotificationFilter { trigger: Some(Trigger::Notify), user: Some(user(0)), ..all.clone() },
            NotificationFilter { since: Some(at(30)), ..all.clone() },
            NotificationFilter { organization_groups: Some(vec![group(1), group(2)]), ..all.clone() },
            NotificationFilter { organization_groups: Some(vec![]), ..all },
        ];
        for (place, filter) in filters.into_iter().enumerate() {
            let passes = |it: &Notification| {
                filter.organization_groups.as_ref().is_none_or(|groups| groups.contains(&it.organization_group))
                    && filter.user.is_none_or(|user| it.user == Some(user))
                    && filter.device.is_none_or(|device| it.device == Some(device))
                    && filter.channel.is_none_or(|channel: Channel| it.channel == channel)
                    && filter.state.is_none_or(|state: NotificationState| it.state == state)
                    && filter.trigger.is_none_or(|trigger| it.trigger == trigger)
                    && filter.since.is_none_or(|since| it.created_at >= since)
            };
            let mut wanted: Vec<Notification> = (0..ALL).map(notification).filter(passes).collect();
            wanted.iter_mut().for_each(|it| it.html = None);
            assert_eq!(wanted.is_empty(), place == 8);
            for descending in [false, true] {
                let mut found: Vec<Notification> = Vec::new();
                loop {
                    let (filter, after) = (filter.clone(), found.last().map(stored::key));
                    let page = db
                        .read(move |tx| stored::list(tx, TENANT, &filter, descending, after.as_ref(), 7))
                        .await
                        .unwrap();
                    found.extend(page.iter().cloned());
                    if page.len() < 7 {
                        break;
                    }
                }
                if descending {
                    found.reverse();
                }
                assert_eq!(found, wanted, "{filter:?}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_device_fetches_and_reads_its_own_messages() {
    for_each_database(|db| async move {
        migrate::run(&db, MIGRATIONS).await.unwrap();
        db.write::<_, Error>(move |tx| {
            for n in [2, 5, 8] {
                stored::insert(tx, TENANT, &Notification { device: Some(device(0)), ..notification(n) })?;
            }
            let id = |n| notification(n).id;
            let states = |tx: &mut _| -> Result<Vec<(NotificationId, NotificationState)>, Error> {
                let found = stored::messages(tx, TENANT, device(0), None, 10)?;
                Ok(found.into_iter().map(|it| (it.id, it.state)).collect())
            };
            assert_eq!(states(tx)?, [(id(8), Queued), (id(2), Queued)], "the newest first, none that was left out");
            assert!(stored::waits(tx, TENANT, device(0))?);
            assert!(!stored::waits(tx, TENANT, device(1))? && !stored::waits(tx, Tenant(2), device(0))?);
            assert!(stored::deliver(tx, TENANT, device(0), at(50))?);
            assert!(!stored::deliver(tx, TENANT, device(0), at(51))?);
            assert!(!stored::waits(tx, TENANT, device(0))?);
            assert_eq!(states(tx)?, [(id(8), Delivered), (id(2), Delivered)]);
            assert!(stored::read(tx, TENANT, device(0), id(8), at(60))?);
            assert!(stored::read(tx, TENANT, device(0), id(8), at(61))?, "again");
            assert!(!stored::read(tx, TENANT, device(1), id(2), at(62))?, "not its own");
            assert!(!stored::read(tx, Tenant(2), device(0), id(2), at(62))?);
            assert!(!stored::read(tx, TENANT, device(0), id(5), at(62))?, "it was left out");
            assert_eq!(states(tx)?, [(id(8), Read), (id(2), Delivered)]);
            let read = stored::get(tx, TENANT, id(8))?.map(|it| (it.state, it.changed_at));
            assert_eq!(read, Some((Read, at(60))));
            Ok(())
        })
        .await
        .unwrap();
    })
    .await;
}
