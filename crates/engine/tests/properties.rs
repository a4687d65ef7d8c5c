//! The invariants, over the engine and its store: whatever happens, in whatever order, what is stored follows from
//! rules and facts, every row says what the documents say, the journal tells all of it, and phones end up with what
//! they should have.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::type_complexity, reason = "tests")]
#![allow(clippy::needless_pass_by_value, reason = "tests hand their cases over")]

mod common;
mod simulation;
#[path = "../../domain/tests/world/mod.rs"]
mod world;

use allclear_domain::{
    detection::{Detection, DeviceRef, SourceEvent, ThreatStatus},
    ids::DeviceId,
    level::Platform,
    threat::Threat,
    time::Span,
};
use allclear_engine::ingest::{Fact, Outcome, UnknownDevice};
use allclear_store::{db::Synchronous, params, testing::TestDb, threats};
use common::{Fixture, TENANT};
use proptest::prelude::*;
use simulation::{Step, check, steps};
use world::{config, detection};

/// Runs a case on the databases wanted; durability is not what is tested here.
fn on(databases: &[&str], case: impl AsyncFn(&Fixture)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut fixtures = Vec::new();
        if databases.contains(&"SQLite") {
            let database = TestDb::sqlite(|options| options.synchronous = Synchronous::Normal).await;
            fixtures.push(Fixture::new(database).await);
        }
        if databases.contains(&"PostgreSQL")
            && let Some(database) = TestDb::postgres(|_| {}).await
        {
            fixtures.push(Fixture::new(database).await);
        }
        for fixture in fixtures {
            case(&fixture).await;
        }
    });
}

async fn live_through(fixture: &Fixture, steps: Vec<Step>) {
    let mut tenant = simulation::Tenant::new(fixture).await;
    for step in steps {
        let checked = matches!(step, Step::Jobs);
        tenant.happen(step).await;
        if checked {
            tenant.rest().await;
            check::everything(fixture).await;
        }
    }
    tenant.rest().await;
    check::everything(fixture).await;
    tenant.settle().await;
    check::everything(fixture).await;
    check::settled(&tenant).await;
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn what_is_stored_follows_from_rules_and_facts(steps in steps(0..60)) {
        on(&["SQLite"], async |fixture| live_through(fixture, steps.clone()).await);
    }
}

proptest! {
    #![proptest_config(config(6))]

    #[test]
    fn what_is_stored_follows_from_rules_and_facts_on_postgres(steps in steps(20..60)) {
        on(&["PostgreSQL"], async |fixture| live_through(fixture, steps.clone()).await);
    }
}

/// The threats of a device by the source's names, those that are only in the table included. Ours differ: they tell
/// which message came first.
async fn threats_of(fixture: &Fixture, device: DeviceId) -> Vec<Threat> {
    let record = fixture.record(device).await;
    let mut all = record.facts.threats;
    let archived = fixture
        .engine
        .read(TENANT, move |tx, _| {
            let names: Vec<(String, String)> = tx.query(
                "SELECT source, threat_id FROM threat WHERE tenant = $1 AND device_id = $2 AND archived",
                params![TENANT.0, device.0],
            )?;
            let mut found = Vec::new();
            for (source, threat) in names {
                found.extend(threats::find_archived(tx, TENANT, device, &source, &threat)?);
            }
            Ok(found)
        })
        .await
        .unwrap();
    all.extend(archived);
    all.sort_by(|a, b| (&a.source, &a.threat_id).cmp(&(&b.source, &b.threat_id)));
    for threat in &mut all {
        threat.id = allclear_domain::ids::ThreatId(uuid::Uuid::nil());
    }
    all
}

fn facts_about(device: DeviceId, said: &[(usize, &Detection)]) -> Vec<Fact> {
    let fact = |(event, detection): &(usize, &Detection)| Fact::Source {
        event: SourceEvent::Detection(Detection {
            event_id: format!("{device} {event}"),
            device: DeviceRef::Id(device),
            ..(*detection).clone()
        }),
        unknown_device: UnknownDevice::Reject,
    };
    said.iter().map(fact).collect()
}

/// Two phones are told the same, one in order, the other in any order, in other batches and some of it again.
async fn told_in_any_order(fixture: &Fixture, said: &[Detection], order: &[prop::sample::Index], batch: usize) {
    fixture.quickstart().await;
    let orderly = fixture.device("orderly", Platform::Android).await;
    let other = fixture.device("other", Platform::Android).await;
    let numbered: Vec<(usize, &Detection)> = said.iter().enumerate().collect();
    for one in &numbered {
        assert_eq!(fixture.submit(facts_about(orderly, &[*one])).await, [Outcome::Accepted]);
    }
    let mut shuffled: Vec<(usize, &Detection)> = order.iter().map(|index| numbered[index.index(said.len())]).collect();
    shuffled.extend(numbered.iter().rev());
    let mut seen = std::collections::BTreeSet::new();
    for part in shuffled.chunks(batch) {
        let outcomes = fixture.submit(facts_about(other, part)).await;
        for ((event, _), outcome) in part.iter().zip(outcomes) {
            assert_eq!(outcome, if seen.insert(*event) { Outcome::Accepted } else { Outcome::Duplicate });
        }
    }
    assert_eq!(threats_of(fixture, orderly).await, threats_of(fixture, other).await);
    let (one, two) = (fixture.record(orderly).await, fixture.record(other).await);
    assert_eq!(one.posture, two.posture);

    // Once more, all of it: nothing changes, and nothing is written about it.
    let position = fixture.engine.journal(TENANT).borrow().to_owned();
    for part in shuffled.chunks(batch) {
        let again = fixture.submit(facts_about(other, part)).await;
        assert!(again.iter().all(|outcome| *outcome == Outcome::Duplicate));
    }
    assert_eq!(two, fixture.record(other).await);
    assert_eq!(position, fixture.engine.journal(TENANT).borrow().to_owned());
    check::everything(fixture).await;
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn detections_in_any_order_and_any_number_add_up_to_the_same(
        said in prop::collection::vec(detection(), 1..10),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        batch in 1..5_usize,
    ) {
        on(&["SQLite"], async |fixture| told_in_any_order(fixture, &said, &order, batch).await);
    }

    #[test]
    fn threats_that_no_longer_fit_into_the_document_are_not_forgotten(
        threats in prop::collection::vec((0..45_usize, detection()), 60..90),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        batch in 1..20_usize,
    ) {
        // Each at a time of its own, so that it is plain which are the oldest; most are resolved at once.
        let said: Vec<Detection> = threats
            .into_iter()
            .enumerate()
            .map(|(number, (threat, detection))| Detection {
                threat_id: format!("threat {threat}"),
                status: if number % 8 == 0 { detection.status } else { ThreatStatus::Resolved },
                detected_at: world::now().minus(Span::seconds(60 * number as i64)),
                ..detection
            })
            .collect();
        on(&["SQLite"], async |fixture| told_in_any_order(fixture, &said, &order, batch).await);
    }
}

proptest! {
    #![proptest_config(config(6))]

    #[test]
    fn detections_in_any_order_and_any_number_add_up_to_the_same_on_postgres(
        said in prop::collection::vec(detection(), 4..10),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        batch in 1..5_usize,
    ) {
        on(&["PostgreSQL"], async |fixture| told_in_any_order(fixture, &said, &order, batch).await);
    }
}
