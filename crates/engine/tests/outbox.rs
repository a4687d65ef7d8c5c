//! The outbox and Account Status on each database: one cause, recipient and channel is one message, whatever fails,
//! stops or is late; and a user hears of a change that lasts, once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use allclear_domain::{
    detection::ThreatStatus,
    ids::{DeviceId, NotificationId, UserId},
    level::Platform,
    notification::{Channel, NotificationState, Transport, Trigger},
    settings::{DigestFrequency, Settings},
    time::{Span, Time},
};
use allclear_engine::{
    Engine, Error, account_status,
    channels::{self, NewSetting, Secrets},
    digest,
    outbox::{self, Attempted, Receipt, ReceiptState, Verdict},
    source::Source,
};
use allclear_store::{
    notifications::{self as stored, Notification, NotificationFilter},
    outbox as queue, tenants,
};
use common::{
    Fixture, TENANT, admin,
    outbox::{all, another_node, notify, set_up, user},
};
use serde_json::json;

async fn phone_of(fixture: &Fixture, serial: &str, user: UserId) -> DeviceId {
    let phone = fixture.device(serial, Platform::Android).await;
    let given = fixture.engine.edit(TENANT, admin(), move |work| {
        let loaded = work.device(phone)?.ok_or(Error::NotFound("device"))?;
        loaded.record.facts.device.user = Some(user);
        loaded.touch();
        Ok(())
    });
    given.await.unwrap();
    phone
}

async fn set(fixture: &Fixture, change: impl Fn(&mut Settings) + Send + Sync + 'static) {
    let set = fixture.engine.edit(TENANT, admin(), move |work| {
        let (mut settings, version) = tenants::settings(work.tx, TENANT)?;
        change(&mut settings);
        allclear_engine::rules::settings::set(work, &settings, Some(version)).map(|_| ())
    });
    set.await.unwrap();
}

async fn one(fixture: &Fixture, id: NotificationId) -> Notification {
    fixture.engine.db().read(move |tx| stored::get(tx, TENANT, id)).await.unwrap().unwrap()
}

async fn claim(engine: &Engine, source: &dyn Source) -> Vec<Notification> {
    let until = source.now().plus(Span::seconds(30));
    outbox::claim(engine, TENANT, Channel::Email, until, 100).await.unwrap()
}

async fn record(engine: &Engine, at: Time, notification: &Notification, verdict: Verdict, answer: &str) {
    let attempt = Attempted {
        notification: notification.clone(),
        at,
        provider: "relay".into(),
        verdict,
        answer: answer.to_owned(),
    };
    outbox::record(engine, TENANT, vec![attempt]).await.unwrap();
}

fn sent() -> Verdict {
    Verdict::Sent { message_id: None }
}

fn later() -> Verdict {
    Verdict::Later { retry_after: None }
}

#[tokio::test]
async fn what_is_captured_stays_captured_and_what_is_queued_is_sent_once() {
    for fixture in Fixture::all().await {
        let ada = user(&fixture, "ada", Some("+14255550123")).await;
        let before = notify(&fixture, ada, "one", &[Channel::Email]).await;
        set_up(&fixture, Transport::Email, true).await;
        let queued = notify(&fixture, ada, "two", &[Channel::Email, Channel::Sms]).await;
        let states: Vec<NotificationState> = before.iter().chain(&queued).map(|it| it.state).collect();
        use NotificationState::{Captured, Queued};
        assert_eq!(states, [Captured, Queued, Captured]);
        assert_eq!(notify(&fixture, ada, "two", &[Channel::Email, Channel::Sms]).await, queued, "the same order again");
        tokio::time::timeout(std::time::Duration::from_secs(5), fixture.engine.queued()).await.expect("woken");

        let claimed = claim(&fixture.engine, &*fixture.source).await;
        assert_eq!(claimed.iter().map(|it| it.id).collect::<Vec<_>>(), [queued[0].id]);
        assert!(claimed[0].html.is_some(), "with its page");
        let message_id = claimed[0].delivery.message_id.clone().unwrap();
        assert!(message_id.contains(&queued[0].id.to_string()), "{message_id}");
        assert!(claim(&fixture.engine, &*fixture.source).await.is_empty(), "it is in hand");
        record(&fixture.engine, fixture.now(), &claimed[0], sent(), "250 OK").await;
        let done = one(&fixture, queued[0].id).await;
        assert_eq!((done.state, done.reason, done.delivery.attempts), (NotificationState::Sent, None, 1));
        assert_eq!(done.delivery.message_id, Some(message_id));
        fixture.source.advance(Span::days(2));
        assert!(claim(&fixture.engine, &*fixture.source).await.is_empty());
        assert_eq!(outbox::expire(&fixture.engine, TENANT).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn secrets_are_sealed_and_versions_compared() {
    for fixture in Fixture::all().await {
        set_up(&fixture, Transport::Email, true).await;
        set_up(&fixture, Transport::Email, false).await;
        set_up(&fixture, Transport::Email, false).await;
        let sealer = fixture.engine.sealer().clone();
        let (open, sealed) = fixture
            .engine
            .read(TENANT, move |tx, _| {
                let open = channels::get(tx, &sealer, TENANT, Transport::Email)?.unwrap();
                Ok((open, allclear_store::channel_settings::get(tx, TENANT, Transport::Email)?.unwrap()))
            })
            .await
            .unwrap();
        assert_eq!((open.version, open.enabled, open.secrets["password"].as_str()), (2, false, "very secret"));
        assert!(!sealed.secrets.contains("secret\"") && !sealed.config.contains("secret"), "{sealed:?}");
        let (sealer, source) = (fixture.engine.sealer().clone(), Arc::clone(&fixture.source));
        let stale = fixture.engine.edit(TENANT, admin(), move |work| {
            let (config, secrets) = (json!({}), Secrets::new());
            let new = NewSetting { transport: Transport::Email, enabled: true, config, secrets, version: 1 };
            channels::set(work, &sealer, &*source, &new)
        });
        assert!(matches!(stale.await, Err(Error::Stale(2))));
    }
}

#[tokio::test]
async fn a_message_is_tried_again_later_and_later_until_it_expires() {
    for fixture in Fixture::all().await {
        set_up(&fixture, Transport::Email, true).await;
        let ada = user(&fixture, "ada", None).await;
        let id = notify(&fixture, ada, "one", &[Channel::Email]).await[0].id;
        let (began, mut tries) = (fixture.now(), 0);
        loop {
            let message = one(&fixture, id).await;
            let Some(next) = message.delivery.next_attempt_at else { break };
            assert_eq!((message.state, message.delivery.attempts), (NotificationState::Queued, tries));
            fixture.source.advance(next.since(fixture.now()));
            let claimed = claim(&fixture.engine, &*fixture.source).await.remove(0);
            record(&fixture.engine, fixture.now(), &claimed, later(), "451 greylisted").await;
            tries += 1;
        }
        let failed = one(&fixture, id).await;
        assert_eq!(failed.state, NotificationState::Failed);
        let reason = failed.reason.unwrap();
        assert!(reason.starts_with("expired after") && reason.ends_with("451 greylisted"), "{reason}");
        assert!((20..40).contains(&tries), "{tries} attempts in a day");
        assert!(fixture.now().since(began) <= Span::days(1));
        let history = fixture.engine.db().read(move |tx| queue::attempts(tx, TENANT, id)).await.unwrap();
        assert_eq!(i64::try_from(history.len()).unwrap(), tries);

        let waits = fixture.now();
        let again = fixture.engine.edit(TENANT, admin(), move |work| {
            let failed = stored::get(work.tx, TENANT, id)?.unwrap();
            outbox::retry(work, &failed)
        });
        again.await.unwrap();
        let claimed = claim(&fixture.engine, &*fixture.source).await.remove(0);
        assert_eq!((claimed.id, claimed.delivery.attempts), (id, 0));
        let patient = Verdict::Later { retry_after: Some(Span::seconds(7200)) };
        record(&fixture.engine, fixture.now(), &claimed, patient, "452 try in two hours").await;
        assert_eq!(one(&fixture, id).await.delivery.next_attempt_at, Some(waits.plus(Span::seconds(7200))));
    }
}

#[tokio::test]
async fn a_message_nobody_could_send_expires_and_a_refused_one_fails_at_once() {
    for fixture in Fixture::all().await {
        set_up(&fixture, Transport::Email, true).await;
        let ada = user(&fixture, "ada", None).await;
        let refused = notify(&fixture, ada, "one", &[Channel::Email]).await[0].id;
        let claimed = claim(&fixture.engine, &*fixture.source).await.remove(0);
        record(&fixture.engine, fixture.now(), &claimed, Verdict::Refused, "550 no such user").await;
        let failed = one(&fixture, refused).await;
        assert_eq!((failed.state, failed.reason.as_deref()), (NotificationState::Failed, Some("550 no such user")));

        let idle = notify(&fixture, ada, "two", &[Channel::Email]).await[0].id;
        set_up(&fixture, Transport::Email, false).await;
        fixture.source.advance(Span::days(1));
        assert_eq!(outbox::expire(&fixture.engine, TENANT).await.unwrap(), 1);
        let expired = one(&fixture, idle).await;
        assert_eq!(expired.reason.as_deref(), Some("expired before it could be sent"));
        let refused_retry = fixture.engine.edit(TENANT, admin(), move |work| {
            let failed = stored::get(work.tx, TENANT, idle)?.unwrap();
            outbox::retry(work, &failed)
        });
        assert!(matches!(refused_retry.await, Err(Error::Conflict(_))), "nothing is set up");
        set_up(&fixture, Transport::Email, true).await;
        let all = NotificationFilter::default();
        let again = fixture.engine.edit(TENANT, admin(), move |work| outbox::retry_all(work, &all));
        assert_eq!(again.await.unwrap(), (2, false));
        assert_eq!(claim(&fixture.engine, &*fixture.source).await.len(), 2);
    }
}

#[tokio::test]
async fn nodes_that_stop_at_any_moment_lose_no_message_and_share_none() {
    for fixture in Fixture::all().await {
        set_up(&fixture, Transport::Email, true).await;
        let mut expected = BTreeSet::new();
        for name in ["ada", "grace", "joan", "mary", "hedy", "radia", "barbara", "karen"] {
            let id = user(&fixture, name, None).await;
            for cause in ["a", "b", "c"] {
                expected.insert(notify(&fixture, id, &format!("{name} {cause}"), &[Channel::Email]).await[0].id);
            }
        }
        let nodes = [another_node(&fixture).await, another_node(&fixture).await, another_node(&fixture).await];
        // How often each message reached a mailbox, and how often it did so before its node died.
        let mut boxes: BTreeMap<NotificationId, (u32, u32)> = BTreeMap::new();
        for round in 0_usize..200 {
            let until = fixture.now().plus(Span::seconds(30));
            let [one, two, three] = &nodes;
            let (one, two, three) = tokio::join!(
                outbox::claim(one, TENANT, Channel::Email, until, 3),
                outbox::claim(two, TENANT, Channel::Email, until, 3),
                outbox::claim(three, TENANT, Channel::Email, until, 3),
            );
            let hands = [one.unwrap(), two.unwrap(), three.unwrap()];
            let taken: Vec<NotificationId> = hands.iter().flatten().map(|it| it.id).collect();
            assert_eq!(taken.iter().collect::<BTreeSet<_>>().len(), taken.len(), "in one hand only");
            for (node, hand) in nodes.iter().zip(&hands) {
                for (place, message) in hand.iter().enumerate() {
                    match (round * 7 + place * 3 + message.delivery.attempts as usize) % 6 {
                        // It dies before, or after it handed the message over.
                        0 => {}
                        1 => {
                            let entry = boxes.entry(message.id).or_default();
                            (entry.0, entry.1) = (entry.0 + 1, entry.1 + 1);
                        }
                        2 => record(node, fixture.now(), message, later(), "450").await,
                        3 => outbox::release(node, TENANT, vec![message.id]).await.unwrap(),
                        _ => {
                            boxes.entry(message.id).or_default().0 += 1;
                            record(node, fixture.now(), message, sent(), "250").await;
                        }
                    }
                }
            }
            let open = all(&fixture).await.iter().any(|it| it.state == NotificationState::Queued);
            if !open {
                break;
            }
            fixture.source.advance(Span::seconds(120));
        }
        let states: Vec<NotificationState> = all(&fixture).await.iter().map(|it| it.state).collect();
        assert!(states.iter().all(|state| *state == NotificationState::Sent), "{states:?}");
        assert_eq!(boxes.keys().copied().collect::<BTreeSet<_>>(), expected);
        for (id, (arrived, before_death)) in boxes {
            assert_eq!(arrived, before_death + 1, "{id}: once, and once for each node that died after its relay's yes");
        }
    }
}

#[tokio::test]
async fn a_late_word_of_a_node_that_lost_its_hold_counts_only_if_the_message_was_sent() {
    for fixture in Fixture::all().await {
        set_up(&fixture, Transport::Email, true).await;
        let ada = user(&fixture, "ada", None).await;
        let id = notify(&fixture, ada, "one", &[Channel::Email]).await[0].id;
        let (slow, quick) = (another_node(&fixture).await, another_node(&fixture).await);
        let in_slow_hand = claim(&slow, &*fixture.source).await.remove(0);
        fixture.source.advance(Span::seconds(60));
        let in_quick_hand = claim(&quick, &*fixture.source).await.remove(0);
        let until = fixture.now().plus(Span::seconds(60));
        assert!(outbox::renew(&slow, TENANT, vec![id], until).await.unwrap().is_empty(), "it is another's now");
        assert_eq!(outbox::renew(&quick, TENANT, vec![id], until).await.unwrap(), [id]);
        record(&slow, fixture.now(), &in_slow_hand, Verdict::Refused, "550").await;
        assert_eq!(one(&fixture, id).await.state, NotificationState::Queued);
        fixture.source.advance(Span::seconds(1));
        record(&slow, fixture.now(), &in_slow_hand, sent(), "250").await;
        assert_eq!(one(&fixture, id).await.state, NotificationState::Sent);
        fixture.source.advance(Span::seconds(1));
        record(&quick, fixture.now(), &in_quick_hand, later(), "451").await;
        let after = one(&fixture, id).await;
        assert_eq!((after.state, after.delivery.next_attempt_at), (NotificationState::Sent, None));
    }
}

#[tokio::test]
async fn a_receipt_says_whether_a_text_message_arrived() {
    for fixture in Fixture::all().await {
        set_up(&fixture, Transport::Sms, true).await;
        let ada = user(&fixture, "ada", Some("+14255550123")).await;
        let receipt = |id: &str, state| Receipt {
            provider: "relay".into(),
            message_id: id.to_owned(),
            state,
            answer: "DELIVRD".into(),
        };
        for (name, said, becomes) in [
            ("m-1", ReceiptState::Delivered, NotificationState::Delivered),
            ("m-2", ReceiptState::Failed, NotificationState::Failed),
        ] {
            let id = notify(&fixture, ada, name, &[Channel::Sms]).await[0].id;
            let until = fixture.now().plus(Span::seconds(30));
            let claimed = outbox::claim(&fixture.engine, TENANT, Channel::Sms, until, 1).await.unwrap().remove(0);
            let verdict = Verdict::Sent { message_id: Some(name.to_owned()) };
            record(&fixture.engine, fixture.now(), &claimed, verdict, "ok").await;
            fixture.source.advance(Span::seconds(1));
            assert!(outbox::receipt(&fixture.engine, TENANT, receipt(name, said)).await.unwrap());
            assert_eq!(one(&fixture, id).await.state, becomes);
            fixture.source.advance(Span::seconds(1));
            assert!(outbox::receipt(&fixture.engine, TENANT, receipt(name, ReceiptState::Failed)).await.unwrap());
            assert_eq!(one(&fixture, id).await.state, becomes, "told once");
        }
        assert!(!outbox::receipt(&fixture.engine, TENANT, receipt("m-3", ReceiptState::Failed)).await.unwrap());
    }
}

#[tokio::test]
async fn a_user_hears_of_a_change_that_lasts_and_of_the_all_clear() {
    for fixture in Fixture::all().await {
        let ada = user(&fixture, "ada", Some("+14255550123")).await;
        let phone = phone_of(&fixture, "S1", ada).await;
        let told = async || {
            account_status::run_due(&fixture.engine, TENANT).await.unwrap();
            let all = all(&fixture).await;
            assert!(all.iter().all(|it| it.trigger == Trigger::AccountStatus && it.user == Some(ada)));
            let causes: BTreeSet<String> = all.iter().map(|it| it.cause.clone()).collect();
            (causes.len(), all.len())
        };
        let minute = Span::seconds(60);
        fixture.detect("e1", phone, "t1", "trojan", ThreatStatus::Open).await;
        assert_eq!(told().await, (0, 0), "the hold-down has begun");
        fixture.source.advance(minute);
        assert_eq!(told().await, (1, 3), "by email, SMS and on the device");
        assert_eq!(told().await, (1, 3), "once");
        let first = all(&fixture).await;
        assert_eq!(first[0].subject.as_deref(), Some("Action needed: a security issue on your device"));
        assert_eq!(
            first.iter().map(|it| (it.channel, it.state)).collect::<Vec<_>>(),
            [
                (Channel::Email, NotificationState::Captured),
                (Channel::Sms, NotificationState::Captured),
                (Channel::DeviceMessage, NotificationState::Queued),
            ]
        );

        // Up and down within the hold-down, again and again: nobody's news.
        for round in 0..5 {
            fixture.detect(&format!("r{round}"), phone, "t1", "trojan", ThreatStatus::Resolved).await;
            fixture.source.advance(Span::seconds(20));
            fixture.detect(&format!("o{round}"), phone, "t1", "trojan", ThreatStatus::Open).await;
            fixture.source.advance(Span::seconds(20));
        }
        fixture.source.advance(minute);
        assert_eq!(told().await.0, 1, "it is as it was");

        fixture.detect("e2", phone, "t1", "trojan", ThreatStatus::Resolved).await;
        fixture.source.advance(minute);
        assert_eq!(told().await, (2, 6));
        let clear = all(&fixture).await.remove(3);
        assert_eq!(clear.subject.as_deref(), Some("All clear: no security issues on your device"));
    }
}

#[tokio::test]
async fn while_it_is_switched_off_nobody_is_told_and_old_news_stay_old() {
    for fixture in Fixture::all().await {
        let ada = user(&fixture, "ada", None).await;
        let phone = phone_of(&fixture, "S1", ada).await;
        let settle = async || {
            fixture.source.advance(Span::seconds(120));
            account_status::run_due(&fixture.engine, TENANT).await.unwrap();
            all(&fixture).await.len()
        };
        set(&fixture, |settings| settings.account_status = false).await;
        fixture.detect("e1", phone, "t1", "trojan", ThreatStatus::Open).await;
        assert_eq!(settle().await, 0);
        set(&fixture, |settings| settings.account_status = true).await;
        assert_eq!(settle().await, 0, "old news");
        fixture.detect("e2", phone, "t1", "trojan", ThreatStatus::Resolved).await;
        set(&fixture, |settings| settings.threat_management = false).await;
        assert_eq!(settle().await, 0, "switched off before it was told");
        set(&fixture, |settings| {
            settings.threat_management = true;
            settings.account_status_channels = vec![Channel::Email, Channel::Sms];
            settings.account_status_hold_down_seconds = 0;
        })
        .await;
        fixture.detect("e3", phone, "t1", "trojan", ThreatStatus::Open).await;
        assert_eq!(settle().await, 1, "by email only: there is no number, and devices were not chosen");
        assert_eq!(all(&fixture).await[0].channel, Channel::Email);
    }
}

#[tokio::test]
async fn several_nodes_tell_a_user_once() {
    for fixture in Fixture::all().await {
        let ada = user(&fixture, "ada", None).await;
        let phone = phone_of(&fixture, "S1", ada).await;
        let other = another_node(&fixture).await;
        for (round, status) in [ThreatStatus::Open, ThreatStatus::Resolved, ThreatStatus::Open].into_iter().enumerate()
        {
            fixture.detect(&format!("e{round}"), phone, "t1", "trojan", status).await;
            fixture.source.advance(Span::seconds(60));
            let (one, two) =
                tokio::join!(account_status::run_due(&fixture.engine, TENANT), account_status::run_due(&other, TENANT));
            one.unwrap();
            two.unwrap();
            let mails = all(&fixture).await.iter().filter(|it| it.channel == Channel::Email).count();
            assert_eq!(mails, round + 1);
        }
    }
}

#[tokio::test]
async fn administrators_get_a_digest_once_a_day_if_there_is_something_to_tell() {
    for fixture in Fixture::all().await {
        let root = fixture.root;
        let grace = fixture.engine.edit(TENANT, admin(), move |work| {
            let new = allclear_engine::admins::NewAdmin {
                user_name: "grace".into(),
                email: Some("grace@example.com".into()),
                name: "Grace".into(),
                role: allclear_store::roles::RoleRef::BuiltIn(allclear_domain::rights::BuiltInRole::Administrator),
                reach: root,
                password: Some("hash".into()),
            };
            allclear_engine::admins::create(work, new).map(|_| ())
        });
        grace.await.unwrap();
        let ada = user(&fixture, "ada", None).await;
        let phone = phone_of(&fixture, "S1", ada).await;
        fixture.detect("e1", phone, "t1", "trojan", ThreatStatus::Open).await;
        let digests = async || {
            digest::run_due(&fixture.engine, TENANT).await.unwrap();
            let all = all(&fixture).await;
            all.into_iter().filter(|it| it.trigger == Trigger::Digest).collect::<Vec<_>>()
        };
        assert!(digests().await.is_empty(), "it is off");
        set(&fixture, |settings| {
            settings.digest.frequency = DigestFrequency::Daily;
            settings.digest.hour = 9;
        })
        .await;
        assert!(digests().await.is_empty(), "it is eight o'clock");
        fixture.source.advance(Span::seconds(3600));
        let first = digests().await;
        assert_eq!(first.len(), 1);
        assert_eq!(first[0].address.as_deref(), Some("grace@example.com"));
        assert!(first[0].body.contains("One user came to high risk during the last day: ada."), "{}", first[0].body);
        assert_eq!(digests().await.len(), 1, "once a day");
        fixture.source.advance(Span::days(2));
        assert_eq!(digests().await.len(), 1, "nothing to tell");
    }
}
