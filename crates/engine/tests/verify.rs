//! Verification finds what does not follow from rules and facts, and nothing else.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use allclear_domain::{
    detection::ThreatStatus::{Open, Resolved},
    ids::{JobId, UserId},
    level::{Platform, RiskLevel},
    time::Span,
};
use allclear_engine::{
    Error,
    directory::users::{self, NewUser},
    verify::{Report, verify},
};
use allclear_store::{
    devices,
    jobs::{self, Job, JobState, Scope},
    tenants,
    users::UserDelta,
};
use common::{Fixture, TENANT, admin};

async fn found(fixture: &Fixture) -> Report {
    verify(&fixture.engine, TENANT).await.unwrap()
}

#[tokio::test]
async fn what_follows_is_right_even_when_it_has_become_due() {
    for fixture in Fixture::all().await {
        fixture.quickstart().await;
        let device = fixture.device("SN-1", Platform::Android).await;
        fixture.detect("e-1", device, "t-1", "phishing_content", Open).await;
        fixture.detect("e-2", device, "t-1", "phishing_content", Resolved).await;
        assert_eq!(found(&fixture).await, Report { devices: 1, ..Report::default() });
        // The score of what somebody did fades with the days, and the sensor falls silent; nobody has looked yet.
        assert!(fixture.record(device).await.due_at.is_some());
        fixture.source.advance(Span::days(40));
        assert_eq!(found(&fixture).await, Report { devices: 1, ..Report::default() });
        allclear_engine::scheduler::run_due(&fixture.engine, TENANT).await.unwrap();
        assert!(found(&fixture).await.is_right());
    }
}

#[tokio::test]
async fn a_wrong_posture_is_found_unless_a_job_will_reach_it() {
    for fixture in Fixture::all().await {
        let device = fixture.device("SN-1", Platform::Android).await;
        let old = fixture.record(device).await;
        let db = &fixture.database.db;
        db.write(move |tx| {
            tenants::lock(tx, TENANT)?;
            let mut new = old.clone();
            new.posture.risk = RiskLevel::High;
            devices::write_many(tx, TENANT, &[devices::Write { new: &new, old: Some(&old) }])
        })
        .await
        .unwrap();
        let report = found(&fixture).await;
        assert_eq!((report.wrong_devices, report.wrong_users, report.awaited), (1, 0, 0));
        assert!(!report.is_right() && report.findings[0].contains("Risk(High, None)"), "{report:?}");

        let (now, id) = (fixture.now(), JobId(fixture.engine.source().id()));
        let job = Job {
            id,
            kind: "reevaluation".into(),
            scope: Scope::all(),
            reason: "test".into(),
            state: JobState::Waiting,
            progress: None,
            total: 1,
            done: 0,
            changed: 0,
            created_at: now,
            created_by: "test".into(),
            updated_at: now,
        };
        db.write(move |tx| jobs::insert(tx, TENANT, &job).map(drop)).await.unwrap();
        let report = found(&fixture).await;
        assert_eq!((report.is_right(), report.awaited), (true, 1));
        fixture.run_jobs().await;
        assert_eq!(found(&fixture).await, Report { devices: 1, ..Report::default() });
    }
}

#[tokio::test]
async fn wrong_sums_of_a_user_are_found() {
    for fixture in Fixture::all().await {
        let root = fixture.root;
        let user: UserId = fixture
            .engine
            .edit(TENANT, admin(), move |work| {
                let new = NewUser {
                    user_name: "ada".into(),
                    display_name: None,
                    email: None,
                    phone: None,
                    locale: None,
                    organization_group: root,
                };
                Ok::<_, Error>(users::create(work, root, &new)?.id)
            })
            .await
            .unwrap();
        assert_eq!(found(&fixture).await, Report { users: 1, ..Report::default() });
        let wrong = UserDelta { devices: 1, score: 25_000, incidents: [1, 0, 0] };
        let db = &fixture.database.db;
        db.write(move |tx| allclear_store::users::apply(tx, TENANT, &[(user, wrong)]).map(drop)).await.unwrap();
        let report = found(&fixture).await;
        assert_eq!((report.wrong_devices, report.wrong_users), (0, 1));
        assert!(report.findings[0].contains("(ada)"), "{report:?}");
    }
}
