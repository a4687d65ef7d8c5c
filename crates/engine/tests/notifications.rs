//! Telling users and devices, and how fast threats lead to restrictions, on each database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::time::Duration;

use allclear_domain::{
    detection::ThreatStatus,
    device::EnrollmentStatus,
    ids::{DeviceId, OrganizationGroupId, UserId},
    journal::Change,
    level::{Platform, RiskLevel},
    notification::{Channel, NotificationState, Trigger},
    settings::Settings,
    time::Span,
};
use allclear_engine::{
    Error, enforcement,
    ingest::{Fact, Inventory},
    notifications::{self, DeviceOutcome, Order},
    rules::protections,
    trend,
};
use allclear_store::{enforcement as times, journal, notifications as stored, tenants, users, users::User};
use common::{Fixture, TENANT, admin};
use uuid::Uuid;

/// Ada, with the phone given.
async fn ada(fixture: &Fixture, phone: DeviceId) -> UserId {
    let root = fixture.root;
    let made = fixture.engine.edit(TENANT, admin(), move |work| {
        let id = UserId(work.source.id());
        let user = User {
            id,
            organization_group: root,
            user_name: "ada".into(),
            display_name: Some("Ada Nowak".into()),
            email: Some("ada@example.com".into()),
            phone: Some("+14255550123".into()),
            locale: None,
            version: 1,
            created_at: work.now,
            devices: 0,
            score: 0,
            incidents: [0; 3],
        };
        users::insert(work.tx, TENANT, &user)?;
        let loaded = work.device(phone)?.ok_or(Error::NotFound("device"))?;
        loaded.record.facts.device.user = Some(id);
        loaded.record.facts.device.friendly_name = "Ada's Pixel".into();
        loaded.touch();
        Ok(id)
    });
    made.await.unwrap()
}

async fn notify(
    fixture: &Fixture,
    user: UserId,
    cause: &str,
    order: Order,
) -> Result<Vec<stored::Notification>, Error> {
    let (root, cause) = (fixture.root, cause.to_owned());
    let notify = move |work: &mut allclear_engine::work::Work<'_, '_>| {
        notifications::notify_user(work, root, user, &cause, &order)
    };
    fixture.engine.edit(TENANT, admin(), notify).await
}

async fn notify_devices(
    fixture: &Fixture,
    devices: &[DeviceId],
    message: Option<&'static str>,
    cause: &'static str,
) -> Result<Vec<DeviceOutcome>, Error> {
    let (root, devices) = (fixture.root, devices.to_vec());
    let notify = move |work: &mut allclear_engine::work::Work<'_, '_>| {
        notifications::notify_devices(work, root, &devices, message, cause)
    };
    fixture.engine.edit(TENANT, admin(), notify).await
}

/// What the journal says of who was told, with the device it says it of.
async fn told(fixture: &Fixture) -> Vec<(Option<DeviceId>, Channel, NotificationState)> {
    let entries = fixture.engine.db().read(|tx| journal::after(tx, TENANT, 0, 1000)).await.unwrap();
    let changes = entries.into_iter().flat_map(|(entry, _)| {
        let device = entry.device_id;
        entry.changes.into_iter().map(move |change| (device, change))
    });
    changes
        .filter_map(|(device, change)| match change {
            Change::Notified { channel, state, .. } => Some((device, channel, state)),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_user_is_told_once_for_an_order_by_each_channel() {
    for fixture in Fixture::all().await {
        let phone = fixture.device("S1", Platform::Android).await;
        let ada = ada(&fixture, phone).await;
        fixture.detect("e1", phone, "t1", "adware", ThreatStatus::Open).await;
        fixture.detect("e2", phone, "t2", "trojan", ThreatStatus::Open).await;
        fixture.detect("e3", phone, "t3", "bot", ThreatStatus::Resolved).await;
        let both = || Order { channels: vec![Channel::Email, Channel::Sms], ..Order::default() };
        let sent = notify(&fixture, ada, "one", both()).await.unwrap();
        let shown: Vec<_> = sent.iter().map(|it| (it.channel, it.state, it.address.as_deref())).collect();
        assert_eq!(
            shown,
            [
                (Channel::Email, NotificationState::Captured, Some("ada@example.com")),
                (Channel::Sms, NotificationState::Captured, Some("+14255550123")),
            ]
        );
        let mail = &sent[0];
        assert_eq!(mail.subject.as_deref(), Some("Action needed: 2 security issues on your device"));
        let (trojan, adware) = (mail.body.find("Trojan (high risk)"), mail.body.find("Adware (low risk)"));
        assert!(trojan.is_some() && trojan < adware && !mail.body.contains("Bot"), "{}", mail.body);
        assert!(sent[1].body.starts_with("Trojan on Ada's Pixel"), "{}", sent[1].body);
        assert!(sent.iter().all(|it| it.created_by == "test" && it.trigger == Trigger::Notify));

        assert_eq!(notify(&fixture, ada, "one", both()).await.unwrap(), sent, "the same order again");
        let own = Order { channels: vec![Channel::Email], subject: Some("Hi".into()), message: Some("Call me".into()) };
        let own = notify(&fixture, ada, "two", own).await.unwrap();
        assert_eq!((own[0].subject.as_deref(), own[0].body.as_str()), (Some("Hi"), "Call me"));
        let captured = NotificationState::Captured;
        assert_eq!(
            told(&fixture).await,
            [(None, Channel::Email, captured), (None, Channel::Sms, captured), (None, Channel::Email, captured)]
        );
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_the_reason() {
    for fixture in Fixture::all().await {
        let phone = fixture.device("S1", Platform::Android).await;
        let ada = ada(&fixture, phone).await;
        let refused = async |order: Order| match notify(&fixture, ada, "x", order).await {
            Err(Error::Invalid(problems)) => {
                problems.into_iter().map(|it| format!("{} {}", it.pointer, it.detail)).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        };
        let order = |channels: &[Channel], message: Option<String>| Order {
            channels: channels.to_vec(),
            subject: None,
            message,
        };
        assert!(refused(order(&[], None)).await[0].starts_with("/channels choose at least one"));
        assert_eq!(refused(order(&[Channel::Sms, Channel::Sms], None)).await, ["/channels/1 is given twice"]);
        assert!(refused(order(&[Channel::DeviceMessage], None)).await[0].starts_with("/channels/0 users are told"));
        let long = refused(order(&[Channel::Sms], Some("€".repeat(81)))).await;
        assert_eq!(long, ["/message is too long for an SMS: 162 of 160 characters"]);
        let long = refused(order(&[Channel::Sms], Some("ы".repeat(71)))).await;
        assert!(long[0].starts_with("/message is too long for an SMS: 71 of 70 characters"), "{long:?}");
        assert_eq!(refused(order(&[Channel::Email], Some(" \n".into()))).await.len(), 1);
        assert_eq!(refused(order(&[Channel::Email], Some("a\u{7}".into()))).await.len(), 1);
        let headers = Order { subject: Some("a\r\nBcc: eve@example.com".into()), ..order(&[Channel::Email], None) };
        assert!(refused(headers).await[0].starts_with("/subject must be one line"));
        let alone = Order { subject: Some("Hi".into()), ..order(&[Channel::Sms], None) };
        assert_eq!(refused(alone).await, ["/subject is for email only"]);

        let mute = move |work: &mut allclear_engine::work::Work<'_, '_>| {
            let user = users::get(work.tx, TENANT, ada)?.unwrap();
            Ok(users::update(work.tx, TENANT, &User { email: None, phone: None, ..user })?)
        };
        fixture.engine.edit(TENANT, admin(), mute).await.unwrap();
        let unavailable = refused(order(&[Channel::Email, Channel::Sms], None)).await;
        assert!(unavailable[0].contains("/channels/0 the user has no mail address") && unavailable.len() == 2);

        let nobody = UserId(Uuid::from_u128(1));
        let answer = notify(&fixture, nobody, "x", order(&[Channel::Email], None)).await;
        assert!(matches!(answer, Err(Error::NotFound("user"))));
        switch(&fixture, false).await;
        assert!(matches!(notify(&fixture, ada, "x", order(&[Channel::Email], None)).await, Err(Error::Conflict(_))));
        assert!(matches!(notify_devices(&fixture, &[phone], None, "x").await, Err(Error::Conflict(_))));
        assert_eq!(told(&fixture).await, []);
    }
}

async fn switch(fixture: &Fixture, on: bool) {
    let switch = move |work: &mut allclear_engine::work::Work<'_, '_>| {
        let (settings, version) = tenants::settings(work.tx, TENANT)?;
        let settings = Settings { threat_management: on, ..settings };
        allclear_engine::rules::settings::set(work, &settings, Some(version)).map(|_| ())
    };
    fixture.engine.edit(TENANT, admin(), switch).await.unwrap();
}

#[tokio::test]
async fn devices_are_notified_or_left_out_with_the_reason() {
    for fixture in Fixture::all().await {
        let phone = fixture.device("S1", Platform::Android).await;
        let (gone, silent) = (fixture.device("S2", Platform::Ios).await, fixture.device("S3", Platform::Ios).await);
        let elsewhere = DeviceId(Uuid::from_u128(1));
        let unenroll = move |work: &mut allclear_engine::work::Work<'_, '_>| {
            let loaded = work.device(gone)?.unwrap();
            loaded.record.facts.device.enrollment = EnrollmentStatus::Unenrolled;
            loaded.change(Change::DeviceUnenrolled);
            Ok(())
        };
        fixture.engine.edit(TENANT, admin(), unenroll).await.unwrap();
        fixture.detect("e0", silent, "t0", "adware", ThreatStatus::Resolved).await;
        fixture.source.advance(Span::days(40));
        fixture.detect("e1", phone, "t1", "trojan", ThreatStatus::Open).await;
        fixture.submit(vec![Fact::Due(silent)]).await;

        let wake = fixture.engine.wake_for(phone);
        let woken = wake.notified();
        let asked = [phone, gone, elsewhere, silent, phone];
        let outcomes = notify_devices(&fixture, &asked, None, "one").await.unwrap();
        tokio::time::timeout(Duration::from_secs(5), woken).await.expect("the phone is woken");
        let shown: Vec<_> = outcomes
            .iter()
            .map(|it| (it.device, it.notification.as_ref().map(|it| (it.state, it.reason.as_deref().unwrap_or("")))))
            .collect();
        let out = NotificationState::LeftOut;
        assert_eq!(
            shown,
            [
                (phone, Some((NotificationState::Queued, ""))),
                (gone, Some((out, "the device is not enrolled any more"))),
                (elsewhere, None),
                (silent, Some((out, "the device is not active: nothing was heard of it for too long"))),
            ]
        );
        let text = outcomes[0].notification.as_ref().unwrap().body.clone();
        assert!(text.contains("Trojan (high risk)"), "{text}");
        let again = notify_devices(&fixture, &asked, None, "one").await.unwrap();
        assert_eq!(again[0].notification.as_ref().map(|it| it.id), outcomes[0].notification.as_ref().map(|it| it.id));
        let by_message = Channel::DeviceMessage;
        let mut noted = told(&fixture).await;
        noted.sort_by_key(|(device, ..)| *device);
        assert_eq!(
            noted,
            [
                (Some(phone), by_message, NotificationState::Queued),
                (Some(gone), by_message, out),
                (Some(silent), by_message, out)
            ]
        );

        notify_devices(&fixture, &[phone], Some("Bring it in"), "two").await.unwrap();
        let messages = notifications::fetch(&fixture.engine, TENANT, phone, None, 100).await.unwrap();
        let shown: Vec<_> = messages.iter().map(|it| (it.body.as_str(), it.state)).collect();
        assert_eq!(
            shown,
            [("Bring it in", NotificationState::Delivered), (text.as_str(), NotificationState::Delivered)]
        );
        for _ in 0..2 {
            notifications::read(&fixture.engine, TENANT, phone, messages[0].id).await.unwrap();
        }
        let messages = notifications::fetch(&fixture.engine, TENANT, phone, None, 100).await.unwrap();
        assert_eq!((messages[0].state, messages[1].state), (NotificationState::Read, NotificationState::Delivered));
        let foreign = notifications::read(&fixture.engine, TENANT, gone, messages[0].id).await;
        assert!(matches!(foreign, Err(Error::NotFound("message"))));

        let none = notify_devices(&fixture, &[], None, "three").await;
        assert!(matches!(none, Err(Error::Invalid(_))));
        let many = (0..=notifications::MOST_DEVICES as u128).map(|n| DeviceId(Uuid::from_u128(n)));
        let many: Vec<DeviceId> = many.collect();
        assert!(matches!(notify_devices(&fixture, &many, None, "four").await, Err(Error::Invalid(_))));
    }
}

/// How long enforcement took, as counted: seconds and how often.
async fn timed(fixture: &Fixture) -> Vec<(i64, i64)> {
    let counts = fixture.engine.db().read(|tx| times::counts(tx, TENANT, None, 0)).await.unwrap();
    counts.into_iter().map(|(bucket, count)| (enforcement::seconds(bucket).round() as i64, count)).collect()
}

#[tokio::test]
async fn the_time_from_a_detection_to_its_restriction_is_counted_once() {
    for fixture in Fixture::all().await {
        fixture.quickstart().await;
        let phone = fixture.device("S1", Platform::Android).await;
        fixture.detect("e1", phone, "t1", "trojan", ThreatStatus::Open).await;
        fixture.source.advance(Span::seconds(5));
        fixture.detect("e2", phone, "t2", "adware", ThreatStatus::Open).await;
        fixture.source.advance(Span::seconds(5));
        assert_eq!(timed(&fixture).await, []);
        assert_eq!(fixture.obey(phone).await.len(), 1);
        assert_eq!(timed(&fixture).await, [(10, 1)], "from the threat that put it at high risk");
        fixture.obey(phone).await;
        assert_eq!(timed(&fixture).await, [(10, 1)]);

        // The way back, and a fall to low risk that brings a profile without a threat having opened.
        fixture.detect("e3", phone, "t1", "trojan", ThreatStatus::Resolved).await;
        fixture.source.advance(Span::seconds(30));
        assert_eq!(fixture.obey(phone).await.len(), 2, "high goes, low comes");
        assert_eq!(timed(&fixture).await, [(10, 1)]);
        fixture.detect("e4", phone, "t2", "adware", ThreatStatus::Resolved).await;
        fixture.obey(phone).await;

        fixture.detect("e6", phone, "t6", "app_dropper", ThreatStatus::Open).await;
        fixture.source.advance(Span::seconds(100));
        // The device says by its inventory what is on it.
        let record = fixture.record(phone).await;
        let wanted = record.posture.profiles.iter().filter_map(|target| match target.desired {
            allclear_domain::profile::Desired::Install { version } => Some((target.profile, version)),
            _ => None,
        });
        let inventory = Inventory { installed: Some(wanted.collect()), ..Inventory::default() };
        fixture.submit(vec![Fact::Inventory { device: phone, inventory }]).await;
        let counted = timed(&fixture).await;
        assert_eq!(counted.len(), 2, "{counted:?}");
        assert!(counted[0] == (10, 1) && (95..=105).contains(&counted[1].0), "{counted:?}");
    }
}

#[tokio::test]
async fn a_restriction_by_a_change_of_rules_is_not_timed() {
    for fixture in Fixture::all().await {
        fixture.quickstart().await;
        let phone = fixture.device("S1", Platform::Android).await;
        let set = |level| {
            move |work: &mut allclear_engine::work::Work<'_, '_>| {
                let response = allclear_domain::classification::Response::Alert;
                let row = allclear_domain::protections::ProtectionsRow { level, response };
                protections::set(work, "trojan", Some(row), None).map(|_| ())
            }
        };
        fixture.engine.edit(TENANT, admin(), set(RiskLevel::None)).await.unwrap();
        fixture.run_jobs().await;
        fixture.detect("e1", phone, "t1", "trojan", ThreatStatus::Open).await;
        fixture.engine.edit(TENANT, admin(), set(RiskLevel::High)).await.unwrap();
        fixture.run_jobs().await;
        assert_eq!(fixture.obey(phone).await.len(), 1);
        assert_eq!(timed(&fixture).await, []);
    }
}

#[tokio::test]
async fn days_are_counted_as_they_are() {
    for fixture in Fixture::all().await {
        let phone = fixture.device("S1", Platform::Android).await;
        ada(&fixture, phone).await;
        let day = trend::day(fixture.now());
        trend::count(&fixture.engine, TENANT).await.unwrap();
        fixture.detect("e1", phone, "t1", "trojan", ThreatStatus::Open).await;
        trend::count(&fixture.engine, TENANT).await.unwrap();
        fixture.source.advance(Span::days(1));
        fixture.detect("e2", phone, "t1", "trojan", ThreatStatus::Resolved).await;
        trend::count(&fixture.engine, TENANT).await.unwrap();
        let days = fixture.engine.db().read(|tx| allclear_store::trend::days(tx, TENANT, None, 0)).await.unwrap();
        let shown: Vec<_> = days
            .iter()
            .map(|(day, it)| (*day, it.score, it.users_with_devices, it.risky_users, it.risky_devices, it.incidents))
            .collect();
        assert_eq!(shown, [(day, 150_000, 1, 1, 1, [0, 0, 1]), (day + 1, 0, 1, 0, 0, [0, 0, 0])]);
        assert_eq!(days[0].1.users, [0, 0, 1]);
        let elsewhere = [OrganizationGroupId(Uuid::from_u128(1))];
        let none = fixture.engine.db().read(move |tx| allclear_store::trend::days(tx, TENANT, Some(&elsewhere), 0));
        assert_eq!(none.await.unwrap(), []);
    }
}

#[tokio::test]
async fn everybody_is_told_in_their_language_and_the_tenants_words() {
    use allclear_domain::template::{TemplateText, TemplateTrigger};
    use allclear_engine::templates;
    for fixture in Fixture::all().await {
        let phone = fixture.device("S1", Platform::Android).await;
        let ada = ada(&fixture, phone).await;
        fixture.detect("e1", phone, "t1", "trojan", ThreatStatus::Open).await;
        let change = fixture.engine.edit(TENANT, admin(), move |work| {
            let mut user = users::get(work.tx, TENANT, ada)?.ok_or(Error::NotFound("user"))?;
            user.locale = Some("de-CH".into());
            users::update(work.tx, TENANT, &user)?;
            let key = templates::key(TemplateTrigger::Notify, Channel::Sms, "de")?;
            let text = TemplateText { body: "{{ count }} offen, {{ user.name }}".into(), ..TemplateText::default() };
            assert!(matches!(templates::set(work, &key, &text, 3), Err(Error::Stale(0))));
            assert_eq!(templates::set(work, &key, &text, 0)?, 1);
            assert_eq!(templates::set(work, &key, &text, 1)?, 1, "nothing changed");
            let long = TemplateText { body: "ä".repeat(161), ..TemplateText::default() };
            assert!(matches!(templates::set(work, &key, &long, 1), Err(Error::Invalid(_))));
            Ok(())
        });
        change.await.unwrap();
        let both = Order { channels: vec![Channel::Email, Channel::Sms], ..Order::default() };
        let sent = notify(&fixture, ada, "one", both).await.unwrap();
        assert_eq!(sent[0].subject.as_deref(), Some("Bitte handeln: ein Sicherheitsproblem auf Ihrem Gerät"));
        assert!(sent[0].body.contains("Trojaner (hohes Risiko) auf Ada's Pixel"), "{}", sent[0].body);
        assert!(sent[0].html.as_ref().unwrap().contains("lang=\"de\""));
        assert_eq!(sent[1].body, "1 offen, Ada Nowak");
        let told = notify_devices(&fixture, &[phone], None, "two").await.unwrap();
        let body = &told[0].notification.as_ref().unwrap().body;
        assert!(body.starts_with("Bitte beheben Sie auf diesem Gerät:\n\nTrojaner (hohes Risiko)\n"), "{body}");

        let reset = fixture.engine.edit(TENANT, admin(), |work| {
            templates::reset(work, &templates::key(TemplateTrigger::Notify, Channel::Sms, "de")?, Some(1))
        });
        reset.await.unwrap();
        let sms = || Order { channels: vec![Channel::Sms], ..Order::default() };
        let sent = notify(&fixture, ada, "three", sms()).await.unwrap();
        assert!(sent[0].body.starts_with("Trojaner auf Ada's Pixel: "), "{}", sent[0].body);
    }
}
