//! The nine steps, through the engine alone, on each database.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use allclear_domain::{
    compliance::Compliance,
    detection::{DeviceRef, ThreatStatus},
    level::{Platform, RiskLevel},
    profile::{Action, ProfileStatus},
    time::Span,
};
use allclear_engine::ingest::Outcome;
use common::{Fixture, TENANT, detection, fact};

#[tokio::test]
async fn a_trojan_restricts_the_phone_until_it_is_gone() {
    for fixture in Fixture::all().await {
        fixture.quickstart().await;
        let phone = fixture.device("S1", Platform::Android).await;
        assert_eq!(fixture.state(phone).await, (vec!["MTD - Pending".into()], vec![], vec![]));

        let outcome = fixture.detect("e1", phone, "t1", "TROJAN", ThreatStatus::Open).await;
        assert_eq!(outcome, Outcome::Accepted);
        let record = fixture.record(phone).await;
        assert_eq!(record.posture.risk, RiskLevel::High);
        assert_eq!(record.posture.compliance, Compliance::NotCompliant);
        let (tags, groups, profiles) = fixture.state(phone).await;
        assert_eq!(tags, ["MTD - Activated", "MTD - High Risk", "MTD - Threats Present"]);
        assert_eq!(groups, ["MTD High Risk"]);
        assert_eq!(profiles, ["MTD High Risk Android"]);
        let status = record.profile_status(&record.posture.profiles[0]);
        assert_eq!(status, Some(ProfileStatus::PendingInstall));

        assert_eq!(fixture.obey(phone).await, [Action::Install(1)]);
        let record = fixture.record(phone).await;
        assert_eq!(record.profile_status(&record.posture.profiles[0]), Some(ProfileStatus::Installed));
        assert_eq!(fixture.obey(phone).await, [], "an installed profile is not installed again");

        let again = fixture.detect("e1", phone, "t1", "trojan", ThreatStatus::Open).await;
        assert_eq!(again, Outcome::Duplicate);

        fixture.source.advance(Span::seconds(60));
        fixture.detect("e2", phone, "t1", "trojan", ThreatStatus::Resolved).await;
        let (tags, groups, profiles) = fixture.state(phone).await;
        assert_eq!((tags, groups, profiles), (vec!["MTD - Activated".into(), "MTD - Secured".into()], vec![], vec![]));
        assert_eq!(fixture.obey(phone).await, [Action::Remove]);
        let record = fixture.record(phone).await;
        assert_eq!(record.profile_status(&record.posture.profiles[0]), Some(ProfileStatus::Removed));
        assert_eq!(record.posture.score, 0);

        let timeline = fixture
            .engine
            .read(TENANT, move |tx, _| {
                Ok(allclear_store::journal::of_device(tx, TENANT, phone, record.last_entry, 100)?.0)
            })
            .await
            .unwrap();
        assert!(timeline.len() >= 6, "every step is in the journal");
        assert!(timeline.windows(2).all(|pair| pair[0].position > pair[1].position), "newest first");
    }
}

#[tokio::test]
async fn resolved_before_open_is_kept_and_older_events_undo_nothing() {
    for fixture in Fixture::all().await {
        fixture.quickstart().await;
        let phone = fixture.device("S1", Platform::Ios).await;
        let (before, after) = (fixture.now().minus(Span::seconds(60)), fixture.now());
        let resolved =
            detection("e2", DeviceRef::SerialNumber("S1".into()), "t1", "trojan", ThreatStatus::Resolved, after);
        let opened = detection("e1", DeviceRef::SerialNumber("S1".into()), "t1", "trojan", ThreatStatus::Open, before);
        fixture.submit(vec![fact(resolved), fact(opened)]).await;
        let record = fixture.record(phone).await;
        assert_eq!(record.posture.risk, RiskLevel::None);
        assert_eq!(record.facts.threats[0].first_seen, before);
        assert_eq!(record.facts.threats[0].dwell_time(after), Span::seconds(60));
    }
}

#[tokio::test]
async fn a_silent_sensor_becomes_disconnected_without_lifting_anything() {
    for fixture in Fixture::all().await {
        fixture.quickstart().await;
        let phone = fixture.device("S1", Platform::Android).await;
        fixture.detect("e1", phone, "t1", "trojan", ThreatStatus::Open).await;
        fixture.source.advance(Span::days(31));
        allclear_engine::scheduler::run_due(&fixture.engine, TENANT).await.unwrap();
        let (tags, groups, _) = fixture.state(phone).await;
        assert_eq!(tags, ["MTD - Disconnected", "MTD - High Risk", "MTD - Threats Present"]);
        assert_eq!(groups, ["MTD High Risk"]);
    }
}
