//! Indicators on both databases: what is on devices is a threat for as long as an indicator fits it, whichever comes
//! first.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use allclear_domain::{
    app::App,
    detection::{BUILT_IN_SOURCE, DeviceRef, ProtectionStatus, ThreatStatus},
    ids::{DeviceId, IndicatorSetId, ThreatId},
    indicator::{Indicator, IndicatorKind, Key, Origin},
    level::{Platform, RiskLevel},
    time::Span,
};
use allclear_engine::{
    Error, devices,
    indicators::{self, Loading, NewSet, SetEdit},
    ingest::{Fact, Inventory, Outcome},
    jobs::JobState,
    threats::{self, Decision},
};
use allclear_store::{
    indicator_sets::{self, IndicatorSet},
    indicators as stored, items, jobs, threat_list,
};
use common::{Fixture, TENANT, admin, detection, fact};
use serde_json::json;

const SIGNER: &str = "aa";

fn app(identifier: &str) -> App {
    App { identifier: identifier.to_owned(), version: Some("1.0".into()), ..App::default() }
}

fn signed(identifier: &str) -> App {
    App { certificate_sha1: Some(SIGNER.repeat(20)), ..app(identifier) }
}

fn sign(kind: IndicatorKind, value: &str, name: &str, classification: &str) -> Indicator {
    Indicator {
        kind,
        value: kind.normalise(value).unwrap(),
        name: name.to_owned(),
        classification: classification.to_owned(),
        reference: None,
        valid_from: None,
        valid_until: None,
    }
}

fn package(value: &str) -> Indicator {
    sign(IndicatorKind::AppIdentifier, value, "SpyApp", "stalkerware")
}

fn content(indicators: &[Indicator]) -> Loading {
    Loading { format: "list".into(), indicators: indicators.to_vec(), digest: "d".into(), ..Loading::default() }
}

async fn see(fixture: &Fixture, device: DeviceId, apps: &[App]) {
    let inventory = Inventory { apps: Some(apps.to_vec()), ..Inventory::default() };
    let outcomes = fixture.submit(vec![Fact::Inventory { device, inventory }]).await;
    assert_eq!(outcomes, [Outcome::Accepted]);
}

async fn new_set(fixture: &Fixture, name: &str) -> IndicatorSetId {
    let new =
        NewSet { name: name.to_owned(), origin: Origin::Upload, classification: None, url: None, refresh_seconds: 0 };
    fixture.engine.edit(TENANT, admin(), move |work| indicators::create(work, new.clone())).await.unwrap()
}

async fn load(fixture: &Fixture, set: IndicatorSetId, indicators: &[Indicator]) {
    indicators::load(&fixture.engine, TENANT, admin(), set, content(indicators)).await.unwrap();
}

async fn set_of(fixture: &Fixture, set: IndicatorSetId) -> Option<IndicatorSet> {
    fixture.engine.read(TENANT, move |tx, _| Ok(indicator_sets::get(tx, TENANT, set)?)).await.unwrap()
}

/// The open threats of the built-in source: what they are about, and their kinds.
async fn open(fixture: &Fixture, device: DeviceId) -> BTreeMap<String, String> {
    let threats = fixture.record(device).await.facts.threats;
    let open = threats.into_iter().filter(|threat| threat.source == BUILT_IN_SOURCE && threat.is_open());
    open.map(|threat| (threat.threat_id.replace("indicator:", ""), threat.classification)).collect()
}

async fn evidence(fixture: &Fixture, id: ThreatId) -> serde_json::Value {
    let found = fixture.engine.read(TENANT, move |tx, _| Ok(threat_list::get(tx, TENANT, id)?)).await.unwrap();
    serde_json::from_str(&found.expect("the threat is there").1).unwrap()
}

fn of(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(id, kind)| ((*id).to_owned(), (*kind).to_owned())).collect()
}

#[tokio::test]
async fn an_app_is_a_threat_for_as_long_as_it_is_there() {
    for fixture in Fixture::all().await {
        let device = fixture.device("A", Platform::Android).await;
        let set = new_set(&fixture, "Stalkerware").await;
        load(
            &fixture,
            set,
            &[package("com.spy"), sign(IndicatorKind::CertificateSha1, &SIGNER.repeat(20), "Vendor", "riskware")],
        )
        .await;
        see(&fixture, device, &[app("org.good"), signed("com.spy")]).await;
        assert_eq!(open(&fixture, device).await, of(&[("app_identifier:com.spy", "stalkerware")]));
        let record = fixture.record(device).await;
        assert_eq!(record.posture.risk, RiskLevel::High);
        assert_eq!(record.posture.protection, ProtectionStatus::Pending, "no sensor has said anything");
        let details = evidence(&fixture, record.facts.threats[0].id).await;
        assert_eq!(details["indicator"]["name"], "SpyApp");
        assert_eq!(details["indicator"]["sets"], json!(["Stalkerware"]));
        assert_eq!(details["apps"][0]["version"], "1.0");
        assert_eq!(details["further_indicators"][0]["name"], "Vendor");

        see(&fixture, device, &[signed("com.spy"), app("org.good")]).await;
        assert_eq!(fixture.record(device).await.last_entry, record.last_entry, "nothing is new");

        // Renamed, it is still known by who signed it.
        see(&fixture, device, &[signed("com.other")]).await;
        let by_signer = format!("certificate_sha1:{}", SIGNER.repeat(20));
        assert_eq!(open(&fixture, device).await, of(&[(&by_signer, "riskware")]));
        see(&fixture, device, &[app("org.good")]).await;
        assert_eq!(open(&fixture, device).await, of(&[]));
        let record = fixture.record(device).await;
        assert_eq!((record.posture.risk, record.facts.threats.len()), (RiskLevel::None, 2));
        let spied = record.facts.threats.iter().find(|one| one.threat_id.ends_with("com.spy")).unwrap();
        assert_eq!(evidence(&fixture, spied.id).await["indicator"]["name"], "SpyApp", "what was seen stays");

        // An inventory without apps says nothing of them; and it comes back as the same threat.
        see(&fixture, device, &[signed("com.spy")]).await;
        fixture.submit(vec![Fact::Inventory { device, inventory: Inventory::default() }]).await;
        assert_eq!(open(&fixture, device).await.len(), 1);
        assert_eq!(fixture.record(device).await.facts.threats.len(), 2);
    }
}

#[tokio::test]
async fn a_changed_set_concerns_the_devices_that_have_what_it_names() {
    for fixture in Fixture::all().await {
        let mut spied = Vec::new();
        for number in 0..3 {
            let device = fixture.device(&format!("S{number}"), Platform::Android).await;
            see(&fixture, device, &[app("com.spy"), app("org.good")]).await;
            spied.push(device);
        }
        let clean = fixture.device("C", Platform::Android).await;
        see(&fixture, clean, &[app("org.good")]).await;
        let before = fixture.record(clean).await;
        let jobs = async || fixture.engine.read(TENANT, |tx, _| Ok(jobs::list(tx, TENANT, None, 100)?)).await.unwrap();

        let set = new_set(&fixture, "Lists").await;
        load(&fixture, set, &[package("com.spy"), package("com.nobody.has.it")]).await;
        let started = jobs().await;
        assert_eq!((started.len(), started[0].total, started[0].kind.as_str()), (1, 3, "indicators"));
        assert!(started[0].reason.contains("Lists"));
        fixture.run_jobs().await;
        let done = jobs().await;
        assert_eq!((done[0].state, done[0].done, done[0].changed), (JobState::Done, 3, 3));
        for device in &spied {
            assert_eq!(open(&fixture, *device).await, of(&[("app_identifier:com.spy", "stalkerware")]));
        }

        // The same content again, and an indicator for what nobody has, concern nobody.
        load(&fixture, set, &[package("com.spy"), package("com.nobody.has.it")]).await;
        load(&fixture, set, &[package("com.spy"), package("com.nobody.else")]).await;
        assert_eq!(jobs().await.len(), 1);
        assert_eq!(set_of(&fixture, set).await.unwrap().content.indicators, 2);

        let edit = SetEdit { classification: Some(Some("DENYLISTED APP".into())), ..SetEdit::default() };
        fixture.engine.edit(TENANT, admin(), move |work| indicators::edit(work, set, 1, edit.clone())).await.unwrap();
        fixture.run_jobs().await;
        assert_eq!(open(&fixture, spied[0]).await, of(&[("app_identifier:com.spy", "denylisted_app")]));

        load(&fixture, set, &[package("org.good")]).await;
        fixture.run_jobs().await;
        assert_eq!(open(&fixture, spied[0]).await, of(&[("app_identifier:org.good", "denylisted_app")]));
        assert_eq!(open(&fixture, clean).await.len(), 1);
        indicators::delete(&fixture.engine, TENANT, admin(), set).await.unwrap();
        fixture.run_jobs().await;
        assert_eq!((open(&fixture, spied[0]).await.len(), open(&fixture, clean).await.len()), (0, 0));
        assert!(set_of(&fixture, set).await.is_none());
        assert_eq!(fixture.record(clean).await.posture.risk, before.posture.risk);
    }
}

#[tokio::test]
async fn a_large_fleet_is_compared_in_steps_that_another_node_carries_on() {
    for fixture in Fixture::all().await {
        let mut all = Vec::new();
        for number in 0..330 {
            all.push(fixture.device(&format!("D{number}"), Platform::Ios).await);
        }
        let inventory = Inventory { apps: Some(vec![app("com.everywhere")]), ..Inventory::default() };
        let fact = |device: &DeviceId| Fact::Inventory { device: *device, inventory: inventory.clone() };
        fixture.submit(all.iter().map(fact).collect()).await;
        let set = new_set(&fixture, "Denylist").await;
        load(&fixture, set, &[package("com.everywhere")]).await;
        let job = async || {
            let jobs = fixture.engine.read(TENANT, |tx, _| Ok(jobs::list(tx, TENANT, None, 10)?)).await.unwrap();
            jobs.into_iter().next().unwrap()
        };
        assert_eq!((job().await.total, job().await.done), (330, 0));

        // The first node is gone in the middle of it.
        let engine = fixture.engine.clone();
        let working = tokio::spawn(async move { allclear_engine::jobs::run_all(&engine).await });
        while job().await.done == 0 {
            tokio::task::yield_now().await;
        }
        working.abort();
        let _ = working.await;
        let source = fixture.source.clone();
        let other = allclear_engine::Engine::open(fixture.database.db.clone(), source, [1; 32]).await.unwrap();
        // A step the first node had begun may still be written, and keeps the job for that node a while longer.
        while job().await.state != JobState::Done {
            fixture.source.advance(Span::seconds(31));
            allclear_engine::jobs::run_all(&other).await.unwrap();
        }
        let done = job().await;
        assert_eq!((done.state, done.done, done.changed), (JobState::Done, 330, 330), "each device once");
        for device in [all[0], all[99], all[100], all[329]] {
            assert_eq!(open(&fixture, device).await.len(), 1);
        }
        let device = all[0];
        let kept = fixture.engine.read(TENANT, move |tx, _| Ok(items::of_device(tx, TENANT, device)?)).await.unwrap();
        let keys = [(IndicatorKind::AppIdentifier, "com.everywhere".to_owned())];
        let known = fixture.engine.read(TENANT, move |tx, _| Ok(items::known_by(tx, TENANT, &keys)?)).await.unwrap();
        assert_eq!(known, [kept[0].0], "kept once for all devices");
    }
}

#[tokio::test]
async fn an_indicator_counts_while_it_is_valid() {
    for fixture in Fixture::all().await {
        let device = fixture.device("A", Platform::Android).await;
        see(&fixture, device, &[app("com.spy")]).await;
        let set = new_set(&fixture, "Lists").await;
        let at = |seconds| Some(fixture.now().plus(Span::seconds(seconds)));
        let later = Indicator { valid_from: at(100), valid_until: at(200), ..package("com.spy") };
        let over = Indicator { valid_until: at(0), reference: Some("indicator--1".into()), ..package("com.old") };
        load(&fixture, set, &[later, over]).await;
        let held = set_of(&fixture, set).await.unwrap().content;
        assert_eq!((held.indicators, held.skipped), (1, 1));
        assert_eq!(held.findings[0].what, "indicator--1");
        let pass = async |seconds| {
            fixture.source.advance(Span::seconds(seconds));
            indicators::run_due(&fixture.engine, TENANT).await.unwrap();
            fixture.run_jobs().await;
            open(&fixture, device).await.len()
        };
        assert_eq!((pass(99).await, pass(1).await, pass(99).await, pass(1).await), (0, 1, 1, 0));
        assert_eq!(set_of(&fixture, set).await.unwrap().content.indicators, 0);
    }
}

#[tokio::test]
async fn of_two_who_load_one_set_the_later_wins_as_a_whole() {
    for fixture in Fixture::all().await {
        let set = new_set(&fixture, "Lists").await;
        let contents: Vec<Vec<Indicator>> = ["one", "two"]
            .iter()
            .map(|name| (0..2_500).map(|number| package(&format!("com.{name}.app{number}"))).collect())
            .collect();
        let [first, second] =
            [0, 1].map(|place| indicators::load(&fixture.engine, TENANT, admin(), set, content(&contents[place])));
        let (first, second) = tokio::join!(first, second);
        assert!(first.is_ok() || second.is_ok());
        for outcome in [&first, &second] {
            assert!(matches!(outcome, Ok(()) | Err(Error::Conflict(_))), "{outcome:?}");
        }
        let held: BTreeSet<Key> = fixture
            .engine
            .read(TENANT, move |tx, _| Ok(stored::of_set(tx, TENANT, set, None, 10_000)?))
            .await
            .unwrap()
            .iter()
            .map(Indicator::key)
            .collect();
        let whole = contents.iter().any(|content| content.iter().map(Indicator::key).collect::<BTreeSet<_>>() == held);
        assert!(whole, "{} indicators", held.len());
    }
}

#[tokio::test]
async fn what_an_administrator_decides_stands_as_for_any_source() {
    for fixture in Fixture::all().await {
        let device = fixture.device("A", Platform::Android).await;
        let set = new_set(&fixture, "Lists").await;
        load(&fixture, set, &[package("com.spy")]).await;
        see(&fixture, device, &[app("com.spy")]).await;
        let id = fixture.record(device).await.facts.threats[0].id;
        let root = fixture.root;
        let decide = async |decision| {
            let decide = move |work: &mut allclear_engine::work::Work<'_, '_>| {
                threats::decide(work, root, id, decision, "because")
            };
            fixture.engine.edit(TENANT, admin(), decide).await.unwrap();
        };
        decide(Decision::Resolve).await;
        assert_eq!(open(&fixture, device).await.len(), 0);
        see(&fixture, device, &[app("com.spy")]).await;
        assert_eq!(open(&fixture, device).await.len(), 1, "it is still there");
        decide(Decision::Ignore).await;
        see(&fixture, device, &[app("com.spy"), app("org.good")]).await;
        let threat = fixture.record(device).await.facts.threats.remove(0);
        assert_eq!(threat.status(), ThreatStatus::Ignored);
        see(&fixture, device, &[]).await;
        let threat = fixture.record(device).await.facts.threats.remove(0);
        assert_eq!(threat.status(), ThreatStatus::Resolved);
    }
}

#[tokio::test]
async fn profiles_are_compared_too_and_a_deleted_device_is_forgotten() {
    for fixture in Fixture::all().await {
        let device = fixture.device("A", Platform::Ios).await;
        let set = new_set(&fixture, "Spyware").await;
        let profile = sign(IndicatorKind::ConfigurationProfile, "76DAB334-7E17", "Predator", "malicious_profile");
        load(&fixture, set, &[profile, package("com.spy")]).await;
        see(&fixture, device, &[app("com.spy")]).await;
        let inventory = Inventory { profiles_seen: Some(vec!["76dab334-7E17".into()]), ..Inventory::default() };
        fixture.submit(vec![Fact::Inventory { device, inventory }]).await;
        let expected = of(&[
            ("app_identifier:com.spy", "stalkerware"),
            ("configuration_profile:76dab334-7e17", "malicious_profile"),
        ]);
        assert_eq!(open(&fixture, device).await, expected, "each says nothing of the other");
        let root = fixture.root;
        fixture.engine.edit(TENANT, admin(), move |work| devices::delete(work, root, device)).await.unwrap();
        let keys = vec![(IndicatorKind::AppIdentifier, "com.spy".to_owned())];
        let left = fixture.engine.read(TENANT, move |tx, _| Ok(items::known_by(tx, TENANT, &keys)?)).await.unwrap();
        assert!(left.is_empty());
    }
}

#[tokio::test]
async fn servers_in_the_evidence_of_others_are_named_and_nobody_else_is_the_built_in_source() {
    for fixture in Fixture::all().await {
        let device = fixture.device("A", Platform::Ios).await;
        let set = new_set(&fixture, "Spyware").await;
        load(&fixture, set, &[sign(IndicatorKind::Domain, "evil.example", "Predator", "spyware")]).await;
        let mut seen =
            detection("e1", DeviceRef::Id(device), "t1", "phishing_content", ThreatStatus::Open, fixture.now());
        seen.details.insert("url".into(), json!("https://Login.evil.example/a"));
        assert_eq!(fixture.submit(vec![fact(seen.clone())]).await, [Outcome::Accepted]);
        let id = fixture.record(device).await.facts.threats[0].id;
        let details = evidence(&fixture, id).await;
        assert_eq!(details["indicators"][0]["name"], "Predator");
        assert_eq!(details["indicators"][0]["server"], "login.evil.example");
        seen.event_id = "e2".into();
        seen.threat_id = "t2".into();
        seen.details.insert("url".into(), json!("https://notevil.example/"));
        fixture.submit(vec![fact(seen.clone())]).await;
        let id = fixture.record(device).await.facts.threats[1].id;
        assert_eq!(evidence(&fixture, id).await["indicators"], serde_json::Value::Null);

        seen.event_id = "e3".into();
        seen.source = BUILT_IN_SOURCE.into();
        let outcome = fixture.submit(vec![fact(seen)]).await.remove(0);
        assert!(matches!(outcome, Outcome::Rejected { code: "invalid_source", .. }), "{outcome:?}");
    }
}

/// Whatever happens in whatever order: once the jobs are done, what is open is what the indicators there are give away
/// about the apps there are.
#[tokio::test]
async fn in_the_end_the_threats_are_what_fits() {
    let fixture = Fixture::all().await.remove(0);
    let names = ["a", "b", "c", "d", "e", "f"];
    let mut seed = 7_u64;
    let mut draw = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let mut devices: Vec<(DeviceId, BTreeSet<&str>)> = Vec::new();
    for number in 0..4 {
        devices.push((fixture.device(&format!("D{number}"), Platform::Android).await, BTreeSet::new()));
    }
    let mut sets: Vec<(IndicatorSetId, BTreeSet<&str>)> = Vec::new();
    for number in 0..2 {
        sets.push((new_set(&fixture, &format!("S{number}")).await, BTreeSet::new()));
    }
    for step in 0..60 {
        let some: BTreeSet<&str> = names.iter().filter(|_| draw(3) == 0).copied().collect();
        if draw(2) == 0 {
            let place = usize::try_from(draw(4)).unwrap();
            let apps: Vec<App> = some.iter().map(|name| app(name)).collect();
            see(&fixture, devices[place].0, &apps).await;
            devices[place].1 = some;
        } else {
            let place = usize::try_from(draw(2)).unwrap();
            load(&fixture, sets[place].0, &some.iter().map(|name| package(name)).collect::<Vec<_>>()).await;
            sets[place].1 = some;
        }
        fixture.source.advance(Span::seconds(1));
        if step % 7 == 6 {
            fixture.run_jobs().await;
            for (device, apps) in &devices {
                let known: BTreeSet<&str> = sets.iter().flat_map(|(_, names)| names).copied().collect();
                let expected: BTreeSet<String> =
                    apps.intersection(&known).map(|name| format!("app_identifier:{name}")).collect();
                let found: BTreeSet<String> = open(&fixture, *device).await.into_keys().collect();
                assert_eq!(found, expected, "after step {step}");
            }
        }
    }
}
