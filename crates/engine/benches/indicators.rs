//! What comparing an app costs with ever more indicators: one look-up by key, and whole inventories through the engine.
//!
//! `cargo bench -p allclear-engine --bench indicators -- [--most N] [--postgres URL]`; docs/performance.md has the results.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement that fails has no result")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use allclear_domain::{
    app::App,
    device::{Device, EnrollmentStatus},
    ids::{DeviceId, IndicatorSetId, Tenant},
    indicator::{Indicator, IndicatorKind, Key, Origin},
    journal::{Actor, ActorKind},
    level::Platform,
};
use allclear_engine::{
    Engine, Error,
    indicators::{NewSet, create},
    ingest::{Fact, Inventory},
    source::SystemSource,
};
use allclear_store::{
    MIGRATIONS,
    db::{DatabaseUrl, Db, Options, migrate},
    indicators, organization_groups,
};

const TENANT: Tenant = Tenant(1);
/// Look-ups measured at each size, and inventories.
const LOOKUPS: usize = 3_000;
const INVENTORIES: usize = 300;
/// Apps on the device.
const APPS: usize = 200;
/// Indicators written in one transaction.
const STEP: usize = 10_000;

/// A SHA-1-like text for a number; numbers beside one another lie far apart.
fn digest(number: usize) -> String {
    let spread = (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{spread:016x}{number:024x}")
}

/// Half of the indicators are packages, half signers.
fn indicator(number: usize) -> Indicator {
    let (kind, value) = match number % 2 {
        0 => (IndicatorKind::AppIdentifier, format!("com.{}.app{number}", &digest(number)[..8])),
        _ => (IndicatorKind::CertificateSha1, digest(number)),
    };
    let name = format!("Spy{}", number % 1_000);
    let classification = "stalkerware".to_owned();
    Indicator { kind, value, name, classification, reference: None, valid_from: None, valid_until: None }
}

/// An app that no indicator fits.
fn app(number: usize) -> App {
    App {
        identifier: format!("org.{}.good{number}", &digest(number)[..8]),
        certificate_sha1: Some(digest(number * 2 + (1 << 40))),
        certificate_sha256: Some(format!("{}{}", digest(number), &digest(number)[..24])),
        ..App::default()
    }
}

fn percentile(times: &mut [Duration], part: usize) -> f64 {
    times.sort_unstable();
    times[(times.len() - 1) * part / 100].as_secs_f64() * 1e6
}

async fn grow(engine: &Engine, set: IndicatorSetId, from: usize, to: usize) {
    for start in (from..to).step_by(STEP) {
        let mut some: Vec<Indicator> = (start..to.min(start + STEP)).map(indicator).collect();
        some.sort_by(|a, b| a.value.cmp(&b.value));
        let now = engine.source().now();
        engine.db().write(move |tx| indicators::put(tx, TENANT, set, &some, now)).await.unwrap();
    }
}

/// Microseconds of looking up all that one app can be known by: half and 99 of 100 take at most so long.
async fn lookups(engine: &Engine, size: usize) -> (f64, f64) {
    let mut times = Vec::with_capacity(LOOKUPS);
    for turn in 0..LOOKUPS {
        // Every second app is one that an indicator fits.
        let known = indicator(((turn * 7_919) % size) & !1);
        let app = match turn % 2 {
            0 => App { identifier: known.value, ..app(turn) },
            _ => app(turn),
        };
        let keys: Vec<Key> = allclear_domain::indicator::Item::App(app).keys();
        let (found, time) = engine
            .db()
            .read(move |tx| {
                let began = Instant::now();
                let found = indicators::matching(tx, TENANT, &keys)?;
                Ok::<_, Error>((found.len(), began.elapsed()))
            })
            .await
            .unwrap();
        assert_eq!(found, 1 - turn % 2);
        times.push(time);
    }
    (percentile(&mut times, 50), percentile(&mut times, 99))
}

/// Microseconds from handing in an inventory to its commit, one app of which is new.
async fn inventories(engine: &Engine, device: DeviceId) -> (f64, f64) {
    let mut times = Vec::with_capacity(INVENTORIES);
    for turn in 0..INVENTORIES {
        let mut apps: Vec<App> = (0..APPS).map(app).collect();
        apps[turn % APPS].version = Some(format!("{turn}"));
        let inventory = Inventory { apps: Some(apps), ..Inventory::default() };
        let began = Instant::now();
        engine.submit(TENANT, vec![Fact::Inventory { device, inventory }]).await.unwrap();
        times.push(began.elapsed());
    }
    (percentile(&mut times, 50), percentile(&mut times, 99))
}

fn main() {
    let (mut most, mut postgres) = (1_000_000, None);
    let mut given = std::env::args().skip(1);
    while let Some(arg) = given.next() {
        match arg.as_str() {
            "--most" => most = given.next().and_then(|n| n.parse().ok()).expect("--most N"),
            "--postgres" => postgres = given.next(),
            // What cargo itself says to every bench.
            "--bench" => {}
            other => panic!("no such argument: {other}"),
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let url = match postgres {
        Some(url) => url.parse().unwrap(),
        None => DatabaseUrl::Sqlite(directory.path().join("bench.db")),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(measure(url, most));
}

async fn measure(url: DatabaseUrl, most: usize) {
    let db = Db::open(Options::new(url)).await.unwrap();
    migrate::run(&db, MIGRATIONS).await.unwrap();
    let engine = Engine::open(db, Arc::new(SystemSource), [1; 32]).await.unwrap();
    let actor = Actor::new(ActorKind::Operator, "bench");
    let made = engine.edit(TENANT, actor, |work| {
        let new = NewSet {
            name: "bench".into(),
            origin: Origin::Upload,
            classification: None,
            url: None,
            refresh_seconds: 0,
        };
        let set = create(work, new)?;
        let root = organization_groups::customers(work.tx)?[0].1.id;
        let id = DeviceId(work.source.id());
        work.create_device(Device {
            friendly_name: "bench".into(),
            enrollment: EnrollmentStatus::Enrolled,
            ..Device::new(id, root, Platform::Android, work.now)
        });
        Ok((set, id))
    });
    let (set, device) = made.await.unwrap();
    println!("{:>10}  {:>18}  {:>22}", "indicators", "one app, us", "inventory of 200, us");
    println!("{:>10}  {:>8}  {:>8}  {:>10}  {:>10}", "", "p50", "p99", "p50", "p99");
    let mut size = 0;
    for next in [100, 10_000, 1_000_000] {
        if next > most {
            break;
        }
        grow(&engine, set, size, next).await;
        size = next;
        let (half, nearly) = lookups(&engine, size).await;
        let (whole_half, whole_nearly) = inventories(&engine, device).await;
        println!("{size:>10}  {half:>8.1}  {nearly:>8.1}  {whole_half:>10.0}  {whole_nearly:>10.0}");
    }
    engine.db().close().await;
}
