//! Commands as an agent gets them, on each database.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "../../engine/tests/common/mod.rs"]
mod common;

use std::time::Duration;

use allclear_channels::agent::{Command, Polled, Task, commands};
use allclear_domain::{
    detection::ThreatStatus,
    device::Sensor,
    ids::{DeviceId, OrganizationGroupId, ProfileId},
    level::Platform,
    payload::{Payload, Wifi, WifiSecurity},
    profile::{AllowRemoval, ProfileSpec, ResultStatus},
    smart_group::{Criteria, Selection},
    time::Span,
};
use allclear_engine::{
    Error, devices,
    ingest::Fact,
    rules::{
        profiles::{self, Draft},
        smart_groups,
    },
};
use common::{Fixture, TENANT, admin};

const GLOBAL: OrganizationGroupId = OrganizationGroupId::GLOBAL;

/// What a poll that does not wait gets.
async fn poll(fixture: &Fixture, device: DeviceId) -> Vec<Command> {
    commands(&fixture.engine, TENANT, device, Duration::ZERO, false, std::future::pending()).await.unwrap().commands
}

async fn acknowledge(fixture: &Fixture, device: DeviceId, command: &Command) {
    let fact = Fact::Answered { device, command: command.id, status: ResultStatus::Acknowledged, detail: None };
    fixture.submit(vec![fact]).await;
}

fn names(commands: &[Command]) -> Vec<(&'static str, String)> {
    commands
        .iter()
        .map(|command| match &command.task {
            Task::InstallProfile { profile } => ("install", profile.name.clone()),
            Task::RemoveProfile { profile } => ("remove", profile.name.clone()),
            Task::Check => ("check", String::new()),
        })
        .collect()
}

/// A published profile with a secret, for all Android devices.
async fn publish(fixture: &Fixture, name: &str) -> ProfileId {
    let (sealer, root, name) = (fixture.engine.sealer().clone(), fixture.root, name.to_owned());
    let id = fixture
        .engine
        .edit(TENANT, admin(), move |work| {
            let draft = smart_groups::Draft {
                name: format!("{name} devices"),
                organization_group: root,
                selection: Selection { criteria: Criteria::default(), ..Selection::default() },
            };
            let (group, _) = smart_groups::create(work, draft)?;
            let wifi = Wifi { password: Some("open sesame".into()), ..wifi() };
            let spec = ProfileSpec {
                assigned_groups: vec![group.id],
                allow_removal: AllowRemoval::WithAuthorization,
                removal_password: Some("let me out".into()),
                payloads: vec![Payload::Wifi(wifi)],
                ..ProfileSpec::default()
            };
            let draft = Draft { name: name.clone(), platform: Platform::Android, organization_group: root, spec };
            let profile = profiles::create(work, &sealer, draft)?;
            profiles::publish(work, profile.id, None)?;
            Ok::<_, Error>(profile.id)
        })
        .await
        .unwrap();
    fixture.run_jobs().await;
    id
}

fn wifi() -> Wifi {
    serde_json::from_value(serde_json::json!({"ssid": "Office", "security": "wpa2"})).unwrap()
}

#[tokio::test]
async fn secrets_are_sealed_at_rest_and_open_in_the_command() {
    for fixture in Fixture::all().await {
        publish(&fixture, "Office Wi-Fi").await;
        let device = fixture.device("S1", Platform::Android).await;
        let commands = poll(&fixture, device).await;
        let Task::InstallProfile { profile } = &commands[0].task else { panic!("{commands:?}") };
        assert_eq!(profile.removal_password.as_deref(), Some("let me out"));
        let Payload::Wifi(wifi) = &profile.payloads[0] else { panic!("{profile:?}") };
        assert_eq!(wifi.password.as_deref(), Some("open sesame"));
        assert_eq!(wifi.security, WifiSecurity::Wpa2);
        let shown = format!("{commands:?}");
        assert!(!shown.contains("sesame") && !shown.contains("let me out"), "not in logs: {shown}");
        let kept: Vec<String> =
            fixture.engine.read(TENANT, |tx, _| Ok(tx.query("SELECT spec FROM profile_version", &[])?)).await.unwrap();
        assert!(kept.iter().all(|spec| !spec.contains("sesame") && !spec.contains("let me out")));
    }
}

#[tokio::test]
async fn polls_at_the_same_time_get_the_same_command() {
    for fixture in Fixture::all().await {
        fixture.quickstart().await;
        let device = fixture.device("S1", Platform::Android).await;
        fixture.detect("e1", device, "t1", "trojan", ThreatStatus::Open).await;
        let polls = (0..8).map(|_| poll(&fixture, device));
        let answers = futures_join(polls).await;
        assert_eq!(answers[0].len(), 1);
        assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
        let id = answers[0][0].id;
        let report = fixture.record(device).await.facts.reports[0].clone();
        assert_eq!(report.issued.last().map(|issued| issued.command), Some(id), "written down before it is given");
        acknowledge(&fixture, device, &answers[0][0]).await;
        assert_eq!(poll(&fixture, device).await, []);
    }
}

async fn futures_join<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    let mut done: Vec<Option<T>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in futures.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(value) = future.as_mut().poll(context)
            {
                *done = Some(value);
            }
        }
        if done.iter().all(Option::is_some) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn an_idle_poll_writes_nothing_but_a_contact_an_hour() {
    for fixture in Fixture::all().await {
        fixture.quickstart().await;
        let device = fixture.device("S1", Platform::Android).await;
        assert_eq!(poll(&fixture, device).await, []);
        let first = fixture.record(device).await;
        assert_eq!(first.facts.device.sensor.last_contact, Some(fixture.now()), "the first is recorded");
        fixture.source.advance(Span::seconds(1800));
        assert_eq!(poll(&fixture, device).await, []);
        assert_eq!(fixture.record(device).await, first, "half an hour later nothing is written");
        fixture.source.advance(Sensor::CONTACT_STEP);
        assert_eq!(poll(&fixture, device).await, []);
        let later = fixture.record(device).await;
        assert_eq!(later.facts.device.sensor.last_contact, Some(fixture.now()));
        assert_eq!(later.last_entry, first.last_entry, "and not into the journal");
    }
}

#[tokio::test]
async fn rules_that_changed_since_count_before_the_job_has_come_to_the_device() {
    for fixture in Fixture::all().await {
        let profile = publish(&fixture, "Office Wi-Fi").await;
        let device = fixture.device("S1", Platform::Android).await;
        assert_eq!(names(&poll(&fixture, device).await), [("install", "Office Wi-Fi".to_owned())]);
        fixture.engine.edit(TENANT, admin(), move |work| profiles::retire(work, profile, None)).await.unwrap();
        let commands = poll(&fixture, device).await;
        assert_eq!(names(&commands), [("remove", "Office Wi-Fi".to_owned())], "it may be on the device by now");
        acknowledge(&fixture, device, &commands[0]).await;
        assert_eq!(poll(&fixture, device).await, []);

        let other = fixture.device("S2", Platform::Android).await;
        let second = publish(&fixture, "Guest Wi-Fi").await;
        fixture.engine.edit(TENANT, admin(), move |work| profiles::retire(work, second, None)).await.unwrap();
        assert_eq!(poll(&fixture, other).await, [], "never given, so never to be removed");
    }
}

#[tokio::test]
async fn removals_come_before_installations() {
    for fixture in Fixture::all().await {
        fixture.quickstart().await;
        let device = fixture.device("S1", Platform::Android).await;
        fixture.detect("e1", device, "t1", "trojan", ThreatStatus::Open).await;
        let install = poll(&fixture, device).await;
        assert_eq!(names(&install), [("install", "MTD High Risk Android".to_owned())]);
        acknowledge(&fixture, device, &install[0]).await;
        publish(&fixture, "Office Wi-Fi").await;
        fixture.source.advance(Span::seconds(1));
        fixture.detect("e2", device, "t1", "trojan", ThreatStatus::Resolved).await;
        let both = [("remove", "MTD High Risk Android".to_owned()), ("install", "Office Wi-Fi".to_owned())];
        assert_eq!(names(&poll(&fixture, device).await), both);
        assert_eq!(names(&poll(&fixture, device).await), both, "and so they are handed over again");

        fixture.engine.edit(TENANT, admin(), move |work| devices::unenroll(work, GLOBAL, device)).await.unwrap();
        let commands = poll(&fixture, device).await;
        assert!(names(&commands).iter().all(|(what, _)| *what == "remove"), "{commands:?}");
        assert_eq!(commands.len(), 2);
    }
}

#[tokio::test]
async fn a_device_that_is_gone_is_told_so() {
    for fixture in Fixture::all().await {
        let nobody = DeviceId(uuid::Uuid::from_u128(1));
        let answer = commands(&fixture.engine, TENANT, nobody, Duration::ZERO, false, std::future::pending()).await;
        assert!(matches!(answer, Err(Error::NotFound("device"))));
        let device = fixture.device("S1", Platform::Android).await;
        poll(&fixture, device).await;
        let wait = commands(&fixture.engine, TENANT, device, Duration::from_secs(30), false, async {});
        assert_eq!(wait.await.unwrap(), Polled::default(), "shutting down lets nobody wait");
    }
}
