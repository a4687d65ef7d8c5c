//! The resources around the loop, tried over HTTP on a small fleet.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod account;
mod android_policy;
mod classification_texts;
mod dashboard;
mod detections;
mod effective_settings;
mod explain;
mod indicators;
mod integrations;
mod journal;
mod lists;
mod mobileconfig;
mod notification_templates;
mod notifications;
mod payload_settings;
mod search;
mod source_events;
mod threats;
mod user_incidents;

use allclear_domain::{
    device::{Device, EnrollmentStatus, ManagementType},
    ids::{DeviceId, OrganizationGroupId, Tenant, UserId},
    journal::{Actor, ActorKind},
    level::Platform,
};
use allclear_engine::Error;
use allclear_store::users::{self, User};
use serde_json::{Value, json};

use crate::testing::{Answer, World};

const TENANT: Tenant = Tenant(1);

/// Acme with the risk response set up, Ada's phone, and a tablet without user in North.
struct Fleet {
    world: World,
    /// An administrator of Acme.
    admin: String,
    /// An administrator of North only.
    north: String,
    phone: DeviceId,
    tablet: DeviceId,
    ada: UserId,
}

impl Fleet {
    async fn new() -> Fleet {
        let world = World::new().await;
        let admin = world.admin().await;
        let north = world.token(1, "administrator", world.north).await;
        world.call("POST", "/api/v1/quickstart/risk-response", &admin, Some(json!({}))).await.expect(200);
        let ada = UserId(world.state.source.id());
        let (phone, tablet) = (DeviceId(world.state.source.id()), DeviceId(world.state.source.id()));
        let (acme, in_north) = (world.acme, world.north);
        let made = world.state.engine.edit(TENANT, Actor::new(ActorKind::Operator, "test"), move |work| {
            users::insert(work.tx, TENANT, &person(ada, acme))?;
            let phone = Device { user: Some(ada), ..device(phone, acme, "PHONE", Platform::Android, work.now) };
            work.create_device(phone);
            work.create_device(device(tablet, in_north, "TABLET", Platform::Ios, work.now));
            Ok::<_, Error>(())
        });
        made.await.unwrap();
        let fleet = Fleet { world, admin, north, phone, tablet, ada };
        fleet.run_jobs().await;
        fleet
    }

    async fn run_jobs(&self) {
        allclear_engine::jobs::run_all(&self.world.state.engine).await.unwrap();
    }

    async fn get(&self, uri: &str) -> Value {
        self.world.get(uri, &self.admin).await.expect(200)
    }

    async fn post(&self, uri: &str, body: Value) -> Answer {
        self.world.call("POST", uri, &self.admin, Some(body)).await
    }

    /// Hands a detection in that must be accepted.
    async fn detect(&self, event: &str, serial: &str, threat: &str, classification: &str, status: &str) {
        let detection = self.detection(event, serial, threat, classification, status);
        let answer = self.post("/api/v1/detections", detection).await.expect(200);
        assert_eq!(answer, json!({"accepted": 1, "duplicates": 0, "rejected": []}));
    }

    fn detection(&self, event: &str, serial: &str, threat: &str, classification: &str, status: &str) -> Value {
        json!({
            "event_id": event, "source": "lab", "device": {"serial_number": serial}, "threat_id": threat,
            "classification": classification, "status": status,
            "detected_at": self.world.state.source.now().to_string(), "details": {"package": "com.example"}
        })
    }

    /// The only threat there is.
    async fn threat(&self) -> Value {
        let list = self.get("/api/v1/threats").await;
        assert_eq!(list["items"].as_array().unwrap().len(), 1);
        list["items"][0].clone()
    }
}

fn person(id: UserId, group: OrganizationGroupId) -> User {
    User {
        id,
        organization_group: group,
        user_name: "ada".into(),
        display_name: Some("Ada Nowak".into()),
        email: None,
        phone: None,
        locale: None,
        version: 1,
        created_at: allclear_domain::time::Time::EPOCH,
        devices: 0,
        score: 0,
        incidents: [0; 3],
    }
}

fn device(
    id: DeviceId,
    group: OrganizationGroupId,
    serial: &str,
    platform: Platform,
    now: allclear_domain::time::Time,
) -> Device {
    Device {
        friendly_name: format!("Device {serial}"),
        serial_number: Some(serial.to_owned()),
        management: Some(ManagementType::Agent),
        enrollment: EnrollmentStatus::Enrolled,
        enrolled_at: Some(now),
        ..Device::new(id, group, platform, now)
    }
}
