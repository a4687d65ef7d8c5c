//! An engine over a fresh database, with a clock that the test moves.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests, not all used by each"
)]

pub mod outbox;

use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use allclear_domain::{
    detection::{Detection, DeviceRef, SourceEvent, ThreatStatus},
    device::{Device, EnrollmentStatus, ManagementType},
    ids::{DeviceId, OrganizationGroupId, Tenant},
    journal::{Actor, ActorKind},
    level::Platform,
    profile::{Action, ProfileReport},
    time::{Span, Time},
};
use allclear_engine::{
    Engine, Error,
    ingest::{Fact, Outcome, UnknownDevice},
    rules::quickstart::{RiskResponse, risk_response},
    source::Source,
};
use allclear_store::{MIGRATIONS, db::migrate, devices::DeviceRecord, testing::TestDb};
use uuid::Uuid;

pub const TENANT: Tenant = Tenant(1);

/// A clock the test moves, and ids that count up.
pub struct TestSource {
    now: AtomicI64,
    count: AtomicU64,
}

impl TestSource {
    pub fn advance(&self, span: Span) {
        self.now.fetch_add(span.as_micros(), Ordering::SeqCst);
    }
}

impl Source for TestSource {
    fn now(&self) -> Time {
        Time::from_micros(self.now.load(Ordering::SeqCst))
    }

    fn id(&self) -> Uuid {
        let count = self.count.fetch_add(1, Ordering::SeqCst);
        let millis = u64::try_from(self.now.load(Ordering::SeqCst) / 1000).unwrap();
        let mut bytes = [0; 10];
        bytes[2..].copy_from_slice(&count.to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid()
    }

    fn secret(&self) -> [u8; 32] {
        let mut secret = [7; 32];
        secret[..8].copy_from_slice(&self.count.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        secret
    }
}

/// An engine and what a test needs around it.
pub struct Fixture {
    pub engine: Engine,
    pub source: Arc<TestSource>,
    pub root: OrganizationGroupId,
    pub database: TestDb,
}

impl Fixture {
    pub async fn new(database: TestDb) -> Self {
        migrate::run(&database.db, MIGRATIONS).await.unwrap();
        let start: Time = "2026-03-01T08:00:00Z".parse().unwrap();
        let source = Arc::new(TestSource { now: AtomicI64::new(start.as_micros()), count: AtomicU64::new(1) });
        let engine = Engine::open(database.db.clone(), Arc::clone(&source) as Arc<dyn Source>, [1; 32]).await.unwrap();
        let root =
            engine.read(TENANT, |tx, _| Ok(allclear_store::organization_groups::customers(tx)?[0].1.id)).await.unwrap();
        Self { engine, source, root, database }
    }

    /// A fixture on each database at hand.
    pub async fn all() -> Vec<Self> {
        let mut fixtures = vec![Self::new(TestDb::sqlite(|_| {}).await).await];
        if let Some(database) = TestDb::postgres(|_| {}).await {
            fixtures.push(Self::new(database).await);
        }
        fixtures
    }

    pub fn now(&self) -> Time {
        self.source.now()
    }

    pub async fn quickstart(&self) -> RiskResponse {
        let (sealer, root) = (self.engine.sealer().clone(), self.root);
        let response = self.engine.edit(TENANT, admin(), move |work| risk_response(work, &sealer, root)).await.unwrap();
        self.run_jobs().await;
        response
    }

    pub async fn run_jobs(&self) {
        allclear_engine::jobs::run_all(&self.engine).await.unwrap();
    }

    /// An enrolled device without a user.
    pub async fn device(&self, serial: &str, platform: Platform) -> DeviceId {
        let (root, serial) = (self.root, serial.to_owned());
        self.engine
            .edit(TENANT, admin(), move |work| {
                let id = DeviceId(work.source.id());
                let device = Device { serial_number: Some(serial.clone()), ..device(id, root, platform, work.now) };
                work.create_device(device);
                Ok::<_, Error>(id)
            })
            .await
            .unwrap()
    }

    pub async fn submit(&self, facts: Vec<Fact>) -> Vec<Outcome> {
        self.engine.submit(TENANT, facts).await.unwrap()
    }

    pub async fn detect(
        &self,
        event: &str,
        device: DeviceId,
        threat: &str,
        class: &str,
        status: ThreatStatus,
    ) -> Outcome {
        let detection = detection(event, DeviceRef::Id(device), threat, class, status, self.now());
        self.submit(vec![fact(detection)]).await.remove(0)
    }

    pub async fn record(&self, device: DeviceId) -> DeviceRecord {
        self.engine
            .read(TENANT, move |tx, _| Ok(allclear_store::devices::get(tx, TENANT, device)?))
            .await
            .unwrap()
            .expect("the device is there")
    }

    /// The names of the tags and smart groups of a device, and of the profiles wanted on it.
    pub async fn state(&self, device: DeviceId) -> (Vec<String>, Vec<String>, Vec<String>) {
        let record = self.record(device).await;
        self.engine
            .read(TENANT, move |_, rules| {
                let posture = &record.posture;
                let tags = posture.tags.iter().map(|id| rules.tag(*id).unwrap().name.clone());
                let groups = posture.smart_groups.iter().map(|id| rules.smart_group(*id).unwrap().name.clone());
                let wanted = posture
                    .profiles
                    .iter()
                    .filter(|target| matches!(target.desired, allclear_domain::profile::Desired::Install { .. }));
                let profiles = wanted.map(|target| rules.profile(target.profile).unwrap().name.clone());
                let mut tags: Vec<String> = tags.collect();
                tags.sort();
                Ok((tags, groups.collect(), profiles.collect()))
            })
            .await
            .unwrap()
    }

    /// What a device's agent would do once: take every command there is, and answer each.
    pub async fn obey(&self, device: DeviceId) -> Vec<Action> {
        let record = self.record(device).await;
        let mut done = Vec::new();
        for target in &record.posture.profiles {
            let empty = ProfileReport::new(target.profile);
            let report = record.facts.reports.iter().find(|report| report.profile == target.profile).unwrap_or(&empty);
            let Some(action) = report.action(target.desired, target.held_until, self.now()) else { continue };
            let command = allclear_domain::ids::CommandId(self.source.id());
            let commands = vec![(command, target.profile, action)];
            self.submit(vec![Fact::Delivered { device, commands }]).await;
            let status = allclear_domain::profile::ResultStatus::Acknowledged;
            self.submit(vec![Fact::Answered { device, command, status, detail: None }]).await;
            done.push(action);
        }
        done
    }
}

pub fn admin() -> Actor {
    Actor::new(ActorKind::Administrator, "test")
}

pub fn device(id: DeviceId, group: OrganizationGroupId, platform: Platform, now: Time) -> Device {
    Device {
        friendly_name: format!("device {id}"),
        management: Some(ManagementType::Agent),
        enrollment: EnrollmentStatus::Enrolled,
        enrolled_at: Some(now),
        ..Device::new(id, group, platform, now)
    }
}

pub fn detection(
    event: &str,
    device: DeviceRef,
    threat: &str,
    class: &str,
    status: ThreatStatus,
    at: Time,
) -> Detection {
    Detection {
        event_id: event.into(),
        source: "test".into(),
        device,
        threat_id: threat.into(),
        classification: class.into(),
        status,
        detected_at: at,
        severity: None,
        details: serde_json::Map::new(),
    }
}

pub fn fact(detection: Detection) -> Fact {
    Fact::Source { event: SourceEvent::Detection(detection), unknown_device: UnknownDevice::Reject }
}
