//! What administrators decide about threats, on each database.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use allclear_domain::{
    detection::{DeviceRef, ThreatStatus},
    ids::{DeviceId, OrganizationGroupId, ThreatId},
    journal::Change,
    level::{Platform, RiskLevel},
    threat::Threat,
    time::Span,
};
use allclear_engine::{
    Error,
    threats::{self, Decision},
};
use common::{Fixture, TENANT, admin, detection, fact};
use uuid::Uuid;

async fn decide(fixture: &Fixture, threat: ThreatId, decision: Decision) -> Result<Threat, Error> {
    let root = fixture.root;
    let decide =
        move |work: &mut allclear_engine::work::Work<'_, '_>| threats::decide(work, root, threat, decision, "because");
    fixture.engine.edit(TENANT, admin(), decide).await
}

/// Status of the device's only threat, and the device's level.
async fn state(fixture: &Fixture, device: DeviceId) -> (ThreatStatus, RiskLevel) {
    let record = fixture.record(device).await;
    (record.facts.threats[0].status(), record.posture.risk)
}

#[tokio::test]
async fn a_resolved_threat_is_opened_by_a_later_message_an_ignored_one_is_not() {
    for fixture in Fixture::all().await {
        let phone = fixture.device("S1", Platform::Android).await;
        fixture.detect("e1", phone, "t1", "trojan", ThreatStatus::Open).await;
        let id = fixture.record(phone).await.facts.threats[0].id;
        assert_eq!(state(&fixture, phone).await, (ThreatStatus::Open, RiskLevel::High));

        let resolved = decide(&fixture, id, Decision::Resolve).await.unwrap();
        assert_eq!(resolved.status(), ThreatStatus::Resolved);
        assert_eq!(state(&fixture, phone).await, (ThreatStatus::Resolved, RiskLevel::None));
        fixture.source.advance(Span::seconds(1));
        fixture.detect("e2", phone, "t1", "trojan", ThreatStatus::Open).await;
        assert_eq!(state(&fixture, phone).await, (ThreatStatus::Open, RiskLevel::High));

        let ignored = decide(&fixture, id, Decision::Ignore).await.unwrap().ignored.unwrap();
        assert_eq!((ignored.by.as_str(), ignored.reason.as_str()), ("test", "because"));
        fixture.source.advance(Span::seconds(1));
        fixture.detect("e3", phone, "t1", "trojan", ThreatStatus::Open).await;
        assert_eq!(state(&fixture, phone).await, (ThreatStatus::Ignored, RiskLevel::None));
        decide(&fixture, id, Decision::Reopen).await.unwrap();
        assert_eq!(state(&fixture, phone).await, (ThreatStatus::Open, RiskLevel::High));

        decide(&fixture, id, Decision::Resolve).await.unwrap();
        decide(&fixture, id, Decision::Reopen).await.unwrap();
        assert_eq!(state(&fixture, phone).await, (ThreatStatus::Open, RiskLevel::High), "of the same moment, too");
    }
}

#[tokio::test]
async fn deciding_the_same_again_changes_nothing_and_nonsense_is_refused() {
    for fixture in Fixture::all().await {
        let phone = fixture.device("S1", Platform::Ios).await;
        // The source's clock is ahead of ours.
        let ahead = fixture.now().plus(Span::seconds(600));
        let opened = detection("e1", DeviceRef::Id(phone), "t1", "trojan", ThreatStatus::Open, ahead);
        fixture.submit(vec![fact(opened)]).await;
        let id = fixture.record(phone).await.facts.threats[0].id;
        for (decision, status) in [
            (Decision::Ignore, ThreatStatus::Ignored),
            (Decision::Reopen, ThreatStatus::Open),
            (Decision::Resolve, ThreatStatus::Resolved),
        ] {
            let once = decide(&fixture, id, decision).await.unwrap();
            assert_eq!(once.status(), status);
            let version = fixture.record(phone).await.version;
            assert_eq!(decide(&fixture, id, decision).await.unwrap(), once);
            assert_eq!(fixture.record(phone).await.version, version, "nothing was written");
        }
        let refused = decide(&fixture, id, Decision::Ignore).await;
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
        let unknown = decide(&fixture, ThreatId(Uuid::nil()), Decision::Resolve).await;
        assert!(matches!(unknown, Err(Error::NotFound("threat"))));

        for (within, reason, missing) in
            [(OrganizationGroupId(Uuid::max()), "because", true), (fixture.root, " ", false)]
        {
            let attempt = move |work: &mut allclear_engine::work::Work<'_, '_>| {
                threats::decide(work, within, id, Decision::Reopen, reason)
            };
            let refused = fixture.engine.edit(TENANT, admin(), attempt).await.unwrap_err();
            assert_eq!(matches!(refused, Error::NotFound(_)), missing, "{refused:?}");
        }

        let record = fixture.record(phone).await;
        let entries = fixture.engine.read(TENANT, move |tx, _| {
            Ok(allclear_store::journal::of_device(tx, TENANT, phone, record.last_entry, 100)?.0)
        });
        let entries = entries.await.unwrap();
        let decided = entries.iter().filter(|entry| {
            let because =
                |change: &Change| matches!(change, Change::Threat { reason: Some(reason), .. } if reason == "because");
            entry.actor == admin() && entry.changes.iter().any(because)
        });
        assert_eq!(decided.count(), 3, "one entry a decision, with its reason");
    }
}

#[tokio::test]
async fn a_threat_that_left_the_devices_record_can_be_reopened() {
    for fixture in Fixture::all().await {
        let phone = fixture.device("S1", Platform::Android).await;
        fixture.detect("first", phone, "t0", "trojan", ThreatStatus::Resolved).await;
        let id = fixture.record(phone).await.facts.threats[0].id;
        for n in 1..40 {
            fixture.source.advance(Span::seconds(1));
            fixture.detect(&format!("e{n}"), phone, &format!("t{n}"), "trojan", ThreatStatus::Resolved).await;
        }
        let record = fixture.record(phone).await;
        assert!(record.archived_threats && record.facts.threats.iter().all(|threat| threat.id != id));
        fixture.source.advance(Span::seconds(1));
        decide(&fixture, id, Decision::Reopen).await.unwrap();
        let record = fixture.record(phone).await;
        assert_eq!(record.posture.risk, RiskLevel::High);
        assert_eq!(record.facts.threats.iter().filter(|threat| threat.id == id && threat.is_open()).count(), 1);
        let listed = fixture
            .engine
            .read(TENANT, move |tx, _| Ok(allclear_store::threat_list::get(tx, TENANT, id)?))
            .await
            .unwrap()
            .unwrap()
            .0;
        assert_eq!((listed.archived, listed.threat.status()), (false, ThreatStatus::Open));
    }
}
