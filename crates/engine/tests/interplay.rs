//! Many at once: callers, readers of the journal, changes of rules, and several nodes on one database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::type_complexity, reason = "tests")]
#![allow(clippy::needless_pass_by_value, reason = "tests hand their cases over")]

mod common;
mod simulation;
#[path = "../../domain/tests/world/mod.rs"]
mod world;

use std::{collections::BTreeMap, pin::pin, sync::Arc, time::Duration};

use allclear_domain::{
    classification::Response,
    detection::{DeviceRef, ProtectionStatus, SensorReport, SourceEvent, ThreatStatus},
    ids::DeviceId,
    journal::{Change, Entry},
    level::{Platform, RiskLevel},
    protections::ProtectionsRow,
    time::Span,
};
use allclear_engine::{
    Engine, Error,
    ingest::{Fact, Outcome, UnknownDevice},
    jobs, rules, scheduler,
    source::Source,
};
use allclear_store::{
    db::{Db, Dialect},
    journal, params,
};
use common::{Fixture, TENANT, admin, detection, fact};
use simulation::check;
use tokio::task::JoinSet;

const CALLERS: usize = 64;
const EACH: usize = 12;

/// Another node on the same database.
async fn another_node(fixture: &Fixture) -> Engine {
    let db = Db::open(fixture.database.options.clone()).await.unwrap();
    Engine::open(db, Arc::clone(&fixture.source) as Arc<dyn Source>, [1; 32]).await.unwrap()
}

async fn devices(fixture: &Fixture, count: usize) -> Vec<DeviceId> {
    let root = fixture.root;
    let create = move |work: &mut allclear_engine::work::Work<'_, '_>| {
        let devices = (0..count).map(|number| {
            let platform = if number % 2 == 0 { Platform::Android } else { Platform::Ios };
            let id = DeviceId(work.source.id());
            work.create_device(common::device(id, root, platform, work.now));
            id
        });
        Ok::<_, Error>(devices.collect())
    };
    fixture.engine.edit(TENANT, admin(), create).await.unwrap()
}

/// Hands one fact in as a well-behaved caller does: a busy server is asked again.
async fn submit(engine: &Engine, fact: Fact) -> Outcome {
    loop {
        match engine.submit(TENANT, vec![fact.clone()]).await {
            Ok(mut outcomes) => return outcomes.remove(0),
            Err(Error::Busy) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(other) => panic!("{other}"),
        }
    }
}

fn opened(event: &str, device: DeviceId, threat: &str, fixture: &Fixture) -> Fact {
    fact(detection(event, DeviceRef::Id(device), threat, "trojan", ThreatStatus::Open, fixture.now()))
}

async fn next_entries(engine: &Engine, after: i64) -> Vec<Entry> {
    let read = engine.db().read(move |tx| journal::after(tx, TENANT, after, 100)).await.unwrap();
    read.into_iter().map(|(entry, _)| entry).collect()
}

/// Follows the journal, without waiting for anything, until it has read an entry about this event.
async fn follow(engine: Engine, last: String) -> Vec<Entry> {
    let mut read: Vec<Entry> = Vec::new();
    loop {
        let position = read.len() as i64;
        let more = next_entries(&engine, position).await;
        for (place, entry) in (position..).zip(&more) {
            assert_eq!(entry.position, place + 1, "a reader was shown a gap");
        }
        if more.is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let ended = more.iter().any(|entry| entry.events.contains(&last));
        read.extend(more);
        if ended {
            return read;
        }
    }
}

/// Sixty-four callers post one detection at a time to any of the nodes, while a reader on each follows the journal.
async fn callers_and_readers(fixture: &Fixture, nodes: &[Engine]) {
    fixture.quickstart().await;
    // Fewer devices than callers: some work on the same one.
    let devices = devices(fixture, 40).await;
    let readers: Vec<_> = nodes.iter().map(|node| tokio::spawn(follow(node.clone(), "the last".to_owned()))).collect();
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let node = nodes[caller % nodes.len()].clone();
        let facts: Vec<(String, Fact)> = (0..EACH)
            .map(|number| {
                let event = format!("{caller}-{number}");
                let device = devices[(caller * EACH + number) % devices.len()];
                (event.clone(), opened(&event, device, &format!("threat {event}"), fixture))
            })
            .collect();
        callers.spawn(async move {
            let mut done = Vec::new();
            for (event, fact) in facts {
                assert_eq!(submit(&node, fact).await, Outcome::Accepted);
                done.push(event);
            }
            done
        });
    }
    let acknowledged: Vec<String> = callers.join_all().await.into_iter().flatten().collect();
    assert_eq!(acknowledged.len(), CALLERS * EACH);
    assert_eq!(submit(&nodes[0], opened("the last", devices[0], "the last", fixture)).await, Outcome::Accepted);
    let mut first = None;
    for reader in readers {
        let read = reader.await.unwrap();
        let mut told: BTreeMap<&str, usize> = BTreeMap::new();
        for event in read.iter().flat_map(|entry| &entry.events) {
            *told.entry(event).or_default() += 1;
        }
        for event in &acknowledged {
            assert_eq!(told.get(event.as_str()), Some(&1), "acknowledged, and not once in the journal: {event}");
        }
        assert_eq!(first.get_or_insert_with(|| read.clone()), &read, "all readers are told the same");
    }
    check::everything(fixture).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_many_callers_were_told_is_there_and_readers_miss_nothing() {
    for fixture in Fixture::all().await {
        callers_and_readers(&fixture, std::slice::from_ref(&fixture.engine)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_on_one_database_make_one_journal_and_hear_of_each_other() {
    for fixture in Fixture::all().await.into_iter().filter(|it| it.database.dialect() == Dialect::Postgres) {
        let other = another_node(&fixture).await;
        let (stop, stopped) = tokio::sync::watch::channel(false);
        let mut running = JoinSet::new();
        for node in [fixture.engine.clone(), other.clone()] {
            let mut stopped = stopped.clone();
            running.spawn(async move { node.run(async move { drop(stopped.changed().await) }).await });
        }
        callers_and_readers(&fixture, &[fixture.engine.clone(), other.clone()]).await;

        // Each node announces what the other one commits, and wakes those who wait there.
        let phone = devices(&fixture, 1).await[0];
        for (writer, waiter) in [(&fixture.engine, &other), (&other, &fixture.engine)] {
            let woken = waiter.wake_for(phone);
            let woken = woken.notified();
            let event = format!("for {phone} {}", writer.journal(TENANT).borrow().to_owned());
            submit(writer, opened(&event, phone, &event, &fixture)).await;
            let position = fixture.engine.db().read(|tx| allclear_store::tenants::get(tx, TENANT)).await.unwrap();
            let position = position.unwrap().journal_position;
            let mut announced = waiter.journal(TENANT);
            let heard = async {
                announced.wait_for(|known| *known >= position).await.unwrap();
                if std::ptr::eq(writer, &raw const fixture.engine) {
                    woken.await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), heard).await.expect("the other node hears of it");
        }
        stop.send(true).unwrap();
        running.join_all().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_change_while_detections_go_on() {
    for fixture in Fixture::all().await {
        fixture.quickstart().await;
        let devices = devices(&fixture, 600).await;
        let (stop, mut stopped) = tokio::sync::watch::channel(false);
        let running = {
            let engine = fixture.engine.clone();
            tokio::spawn(async move { engine.run(async move { drop(stopped.changed().await) }).await })
        };
        let mut callers = JoinSet::new();
        for caller in 0..8 {
            let engine = fixture.engine.clone();
            let facts: Vec<Fact> = devices
                .iter()
                .skip(caller)
                .step_by(8)
                .flat_map(|device| {
                    let open = format!("{device} open");
                    let resolved = format!("{device} resolved");
                    let at = fixture.now().plus(Span::seconds(1));
                    let close = detection(&resolved, DeviceRef::Id(*device), "t", "trojan", ThreatStatus::Resolved, at);
                    [opened(&open, *device, "t", &fixture), fact(close)]
                })
                .collect();
            callers.spawn(async move {
                for (number, fact) in facts.into_iter().enumerate() {
                    // Every fourth threat stays open.
                    if number % 8 != 7 {
                        assert_eq!(submit(&engine, fact).await, Outcome::Accepted);
                    }
                }
            });
        }
        let levels = [RiskLevel::Low, RiskLevel::None, RiskLevel::Medium, RiskLevel::Advisory, RiskLevel::Low];
        for level in levels {
            let row = ProtectionsRow { level, response: Response::Alert };
            let set = fixture
                .engine
                .edit(TENANT, admin(), move |work| rules::protections::set(work, "trojan", Some(row), None));
            let (_, job) = set.await.unwrap();
            assert!(job.is_some());
            let mut settings = fixture.engine.read(TENANT, |_, rules| Ok(rules.settings.clone())).await.unwrap();
            settings.scores.low += 1;
            let set = fixture.engine.edit(TENANT, admin(), move |work| rules::settings::set(work, &settings, None));
            set.await.unwrap();
        }
        callers.join_all().await;
        stop.send(true).unwrap();
        running.await.unwrap();
        fixture.run_jobs().await;
        check::everything(&fixture).await;
        let open = fixture.record(devices[24]).await;
        assert_eq!(open.posture.risk, RiskLevel::Low);
        assert_eq!(open.posture.score, 30_000, "low was raised five times from 25");
        assert_eq!(fixture.record(devices[0]).await.posture.risk, RiskLevel::None);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_is_carried_on_by_another_node_where_the_first_one_fell() {
    for fixture in Fixture::all().await {
        let devices = devices(&fixture, 1700).await;
        let other = another_node(&fixture).await;
        let mut settings = fixture.engine.read(TENANT, |_, rules| Ok(rules.settings.clone())).await.unwrap();
        settings.disconnected_after_days = 7;
        let set = fixture.engine.edit(TENANT, admin(), move |work| rules::settings::set(work, &settings, None));
        let job = set.await.unwrap().1.expect("a re-evaluation");
        let progress = async || {
            let read = fixture.engine.db().read(move |tx| allclear_store::jobs::get(tx, TENANT, job)).await;
            read.unwrap().expect("the job is kept")
        };
        {
            let mut first = pin!(jobs::run_all(&fixture.engine));
            while progress().await.done == 0 {
                // It moves only while it is waited for.
                let ended = tokio::time::timeout(Duration::from_millis(1), &mut first).await;
                assert!(ended.is_err(), "it was to fall in the middle");
            }
        }
        // The transaction the first node had sent may still be under way.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let fallen = progress().await;
        assert!((500..1700).contains(&fallen.done), "{}", fallen.done);
        assert_eq!(fallen.state, jobs::JobState::Running);

        jobs::run_all(&other).await.unwrap();
        assert_eq!(progress().await.done, fallen.done, "it still belongs to the first node");
        fixture.source.advance(Span::seconds(31));
        jobs::run_all(&other).await.unwrap();
        let ended = progress().await;
        assert_eq!((ended.state, ended.done), (jobs::JobState::Done, devices.len() as i64));
        check::everything(&fixture).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_look_at_a_due_device_once() {
    for fixture in Fixture::all().await {
        let devices = devices(&fixture, 1200).await;
        let activated = devices.iter().map(|device| Fact::Source {
            event: SourceEvent::Sensor(SensorReport {
                event_id: format!("{device} activated"),
                source: "test".into(),
                device: DeviceRef::Id(*device),
                external_id: None,
                reported_at: fixture.now(),
                protection_status: Some(ProtectionStatus::Activated),
                observed: allclear_domain::detection::Observed::default(),
            }),
            unknown_device: UnknownDevice::Reject,
        });
        fixture.submit(activated.collect()).await;
        fixture.source.advance(Span::days(31));
        let other = another_node(&fixture).await;
        let (one, two) = tokio::join!(scheduler::run_due(&fixture.engine, TENANT), scheduler::run_due(&other, TENANT));
        one.unwrap();
        two.unwrap();
        let entries = fixture.engine.db().read(|tx| journal::after(tx, TENANT, 0, 100_000)).await.unwrap();
        let silent = entries
            .iter()
            .flat_map(|(entry, _)| &entry.changes)
            .filter(|change| matches!(change, Change::Protection { to: ProtectionStatus::Disconnected, .. }));
        assert_eq!(silent.count(), devices.len());
        let due = fixture.engine.db().read(|tx| allclear_store::devices::next_due(tx, TENANT)).await.unwrap();
        assert_eq!(due, None);
        check::everything(&fixture).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_who_goes_away_leaves_nothing_half_done() {
    for fixture in Fixture::all().await {
        fixture.quickstart().await;
        let devices = devices(&fixture, 10).await;
        let facts = |range: std::ops::Range<usize>| -> Vec<Fact> {
            range
                .map(|number| {
                    let name = format!("{number}");
                    opened(&name, devices[number % devices.len()], &name, &fixture)
                })
                .collect()
        };
        for start in (0..200).step_by(10) {
            let submitted = fixture.engine.submit(TENANT, facts(start..start + 10));
            let _ = tokio::time::timeout(Duration::from_micros(start as u64 * 10), submitted).await;
        }
        // Asked again, each batch was taken in as a whole or not at all.
        for start in (0..200).step_by(10) {
            let outcomes = fixture.submit(facts(start..start + 10)).await;
            assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{outcomes:?}");
        }
        let threats: Option<i64> = fixture
            .engine
            .db()
            .read(|tx| tx.query_opt("SELECT count(*) FROM threat WHERE tenant = $1", params![TENANT.0]))
            .await
            .unwrap();
        assert_eq!(threats, Some(200));
        check::everything(&fixture).await;
    }
}
