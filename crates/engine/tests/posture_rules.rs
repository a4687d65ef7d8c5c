//! The built-in source: inventories open and resolve threats, rules and time do as well, on each database.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use allclear_domain::{
    app::App,
    detection::{BUILT_IN_SOURCE, DeviceRef, Observed, ThreatStatus},
    device::SecurityState,
    ids::DeviceId,
    journal::Change,
    level::{Platform, RiskLevel},
    posture_rules::{DenylistedApps, MinimumOs, PostureRules},
    settings::Settings,
    threat::Threat,
    time::Span,
};
use allclear_engine::{
    Error,
    ingest::{Fact, Inventory, Outcome},
    rules::settings,
    scheduler,
    threats::{self, Decision},
};
use common::{Fixture, TENANT, admin, detection, fact};

async fn report(fixture: &Fixture, device: DeviceId, security: SecurityState, observed: Observed) {
    let inventory = Inventory { security, observed, ..Inventory::default() };
    assert_eq!(fixture.submit(vec![Fact::Inventory { device, inventory }]).await, [Outcome::Accepted]);
}

async fn set_rules(fixture: &Fixture, posture_rules: PostureRules) {
    let settings = Settings { posture_rules, ..Settings::default() };
    let set = move |work: &mut allclear_engine::work::Work<'_, '_>| settings::set(work, &settings, None);
    fixture.engine.edit(TENANT, admin(), set).await.unwrap();
    fixture.run_jobs().await;
}

/// The kinds of threats that are open.
async fn open(fixture: &Fixture, device: DeviceId) -> Vec<String> {
    let threats = fixture.record(device).await.facts.threats;
    threats.into_iter().filter(Threat::is_open).map(|threat| threat.classification).collect()
}

/// The evidence of the device's threat of one kind.
async fn evidence(fixture: &Fixture, device: DeviceId, classification: &str) -> serde_json::Value {
    let threats = fixture.record(device).await.facts.threats;
    let id = threats.iter().find(|threat| threat.classification == classification).unwrap().id;
    let read = move |tx: &mut allclear_store::db::Tx<'_>, _: &allclear_domain::rules::Rules| {
        Ok(allclear_store::threat_list::get(tx, TENANT, id)?.unwrap().1)
    };
    serde_json::from_str(&fixture.engine.read(TENANT, read).await.unwrap()).unwrap()
}

fn os(version: &str) -> Observed {
    Observed { os_version: Some(version.to_owned()), ..Observed::default() }
}

fn no_passcode() -> SecurityState {
    SecurityState { passcode_present: Some(false), ..SecurityState::default() }
}

#[tokio::test]
async fn an_inventory_opens_and_resolves_threats_in_its_own_commit() {
    for fixture in Fixture::all().await {
        let phone = fixture.device("S1", Platform::Android).await;
        let both = SecurityState { usb_debugging: Some(true), ..no_passcode() };
        report(&fixture, phone, both, Observed::default()).await;
        let record = fixture.record(phone).await;
        assert_eq!(open(&fixture, phone).await, ["no_passcode", "usb_debugging"]);
        assert!(record.facts.threats.iter().all(|threat| threat.source == BUILT_IN_SOURCE));
        assert_eq!(record.posture.risk, RiskLevel::Medium);
        assert_eq!(record.facts.device.sensor.status, None, "an inventory is no sensor");
        assert_eq!(evidence(&fixture, phone, "no_passcode").await, serde_json::json!({"passcode_present": false}));

        fixture.source.advance(Span::seconds(60));
        report(&fixture, phone, both, Observed::default()).await;
        let again = fixture.record(phone).await;
        assert_eq!((again.version, again.last_entry), (record.version, record.last_entry), "nothing new");

        // What is not said stays as it is; what is put right is resolved and keeps its evidence.
        report(&fixture, phone, SecurityState { usb_debugging: Some(false), ..SecurityState::default() }, os("14"))
            .await;
        assert_eq!(open(&fixture, phone).await, ["no_passcode"]);
        assert_eq!(evidence(&fixture, phone, "usb_debugging").await, serde_json::json!({"usb_debugging": true}));
        let entries = fixture.engine.db().read(|tx| allclear_store::journal::after(tx, TENANT, 0, 100)).await.unwrap();
        let threats = entries.iter().flat_map(|(entry, _)| &entry.changes);
        assert_eq!(threats.filter(|change| matches!(change, Change::Threat { .. })).count(), 3);

        report(&fixture, phone, both, Observed::default()).await;
        assert_eq!(open(&fixture, phone).await, ["no_passcode", "usb_debugging"]);
        assert_eq!(fixture.record(phone).await.facts.threats.len(), 2, "the same threat again");
    }
}

#[tokio::test]
async fn a_change_of_the_rules_reaches_the_fleet() {
    for fixture in Fixture::all().await {
        let (old, new) = (fixture.device("S1", Platform::Ios).await, fixture.device("S2", Platform::Ios).await);
        let silent = fixture.device("S3", Platform::Ios).await;
        report(&fixture, old, SecurityState::default(), os("17.5.1")).await;
        report(&fixture, new, SecurityState::default(), os("18.1")).await;
        assert_eq!(open(&fixture, old).await, [""; 0]);
        let at_least = |version: &str| PostureRules {
            minimum_os: MinimumOs { ios: Some(version.to_owned()), android: None },
            ..PostureRules::default()
        };
        set_rules(&fixture, at_least("17.6")).await;
        assert_eq!(open(&fixture, old).await, ["out_of_date_os"]);
        assert_eq!(open(&fixture, new).await, [""; 0]);
        set_rules(&fixture, at_least("18.2")).await;
        assert_eq!(open(&fixture, new).await, ["out_of_date_os"]);
        assert_eq!(evidence(&fixture, old, "out_of_date_os").await["minimum_os_version"], "18.2", "what is asked now");
        assert_eq!(open(&fixture, silent).await, [""; 0], "unknown is no threat");
        set_rules(&fixture, PostureRules::default()).await;
        for device in [old, new, silent] {
            assert_eq!(open(&fixture, device).await, [""; 0]);
        }
        let report = allclear_engine::verify::verify(&fixture.engine, TENANT).await.unwrap();
        assert!(report.is_right(), "{report:?}");
    }
}

#[tokio::test]
async fn a_denylisted_app_is_a_threat_while_it_is_there() {
    for fixture in Fixture::all().await {
        let phone = fixture.device("S1", Platform::Android).await;
        let has = async |apps: Option<&[&str]>| {
            let app = |id: &&str| App { identifier: (*id).to_owned(), ..App::default() };
            let apps = apps.map(|apps| apps.iter().map(app).collect());
            let inventory = Inventory { apps, ..Inventory::default() };
            fixture.submit(vec![Fact::Inventory { device: phone, inventory }]).await;
        };
        let denied = |apps: &[&str]| PostureRules {
            denylisted_apps: DenylistedApps {
                android: apps.iter().map(|app| (*app).to_owned()).collect(),
                ios: vec!["com.example.mail".into()],
            },
            ..PostureRules::default()
        };
        set_rules(&fixture, denied(&["com.example.game", "com.example.chat"])).await;
        has(Some(&["com.example.game", "com.example.chat", "com.example.mail"])).await;
        assert_eq!(open(&fixture, phone).await, ["denylisted_app", "denylisted_app"]);
        has(None).await;
        assert_eq!(open(&fixture, phone).await.len(), 2, "nothing said of apps");
        has(Some(&["com.example.game"])).await;
        assert_eq!(open(&fixture, phone).await, ["denylisted_app"]);
        assert_eq!(fixture.record(phone).await.facts.threats[0].threat_id, "rule:denylisted_app:com.example.game");
        set_rules(&fixture, denied(&["com.example.chat"])).await;
        assert_eq!(open(&fixture, phone).await, [""; 0], "it is allowed now");
        set_rules(&fixture, denied(&["com.example.game"])).await;
        assert_eq!(open(&fixture, phone).await, ["denylisted_app"], "what it has is known");
        assert_eq!(evidence(&fixture, phone, "denylisted_app").await["identifier"], "com.example.game");
    }
}

#[tokio::test]
async fn a_patch_grows_too_old_on_the_day() {
    for fixture in Fixture::all().await {
        set_rules(&fixture, PostureRules { maximum_patch_age_days: Some(30), ..PostureRules::default() }).await;
        let phone = fixture.device("S1", Platform::Android).await;
        let patch = Observed { security_patch_level: Some("2026-02-05".into()), ..Observed::default() };
        report(&fixture, phone, SecurityState::default(), patch).await;
        assert_eq!(open(&fixture, phone).await, [""; 0]);
        fixture.source.advance(Span::days(7));
        scheduler::run_due(&fixture.engine, TENANT).await.unwrap();
        assert_eq!(open(&fixture, phone).await, ["out_of_date_security_patch"]);
    }
}

#[tokio::test]
async fn people_may_ignore_what_a_rule_finds_and_nobody_may_speak_in_its_name() {
    for fixture in Fixture::all().await {
        let phone = fixture.device("S1", Platform::Android).await;
        report(&fixture, phone, no_passcode(), Observed::default()).await;
        let threat = fixture.record(phone).await.facts.threats[0].id;
        let root = fixture.root;
        let decide = |decision| {
            let decide = move |work: &mut allclear_engine::work::Work<'_, '_>| {
                threats::decide(work, root, threat, decision, "because")
            };
            fixture.engine.edit(TENANT, admin(), decide)
        };
        assert!(matches!(decide(Decision::Resolve).await, Err(Error::Conflict(_))));
        assert_eq!(decide(Decision::Ignore).await.unwrap().status(), ThreatStatus::Ignored);
        report(&fixture, phone, no_passcode(), os("15")).await;
        assert_eq!(open(&fixture, phone).await, [""; 0]);
        assert_eq!(decide(Decision::Reopen).await.unwrap().status(), ThreatStatus::Open);
        let put_right = SecurityState { passcode_present: Some(true), ..SecurityState::default() };
        report(&fixture, phone, put_right, Observed::default()).await;
        assert!(matches!(decide(Decision::Reopen).await, Err(Error::Conflict(_))));

        let now = fixture.now();
        let mut false_word = detection("e1", DeviceRef::Id(phone), "rule:rooted", "rooted", ThreatStatus::Open, now);
        false_word.source = BUILT_IN_SOURCE.into();
        let outcome = fixture.submit(vec![fact(false_word)]).await.remove(0);
        assert!(matches!(outcome, Outcome::Rejected { code: "invalid_source", .. }), "{outcome:?}");
    }
}
