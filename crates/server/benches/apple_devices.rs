//! What managed Apple devices cost when they call: idle polls and TokenUpdates of a large fleet, through the whole router but
//! without a socket. Signing is done before it is measured, and by a part of the fleet only.
//!
//! `cargo bench -p allclear-server --bench apple_devices -- [--devices N] [--signed N] [--requests N] [--callers N] [--dir D] [--postgres]`;
//! docs/performance.md has the results.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a measurement that fails has no result")]

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use allclear_channels::apple::{inquiries::Inquiries, property_list};
use allclear_domain::{
    device::{Device, EnrollmentStatus, ManagementType, Sensor},
    ids::{CommandId, DeviceId, OrganizationGroupId, Tenant, TokenId},
    journal::{Actor, ActorKind},
    level::Platform,
    time::Time,
};
use allclear_engine::{
    Engine, Error, apple_mdm,
    device_certificates::EnrollmentName,
    source::{Source, SystemSource},
};
use allclear_pki::{Algorithms, Authority, Certificate, Identity, PrivateKey, SigningRequest, cms};
use allclear_server::{
    app::{self, AppState, ServerOptions},
    ops,
};
use allclear_store::{
    MIGRATIONS,
    apple_enrollments::{self as enrollments, AppleEnrollment, EnrollmentState, KeptPush},
    db::{DatabaseUrl, Db, Dialect, Options, migrate},
    device_certificates::{self, DeviceCertificate},
    organization_groups,
    testing::TestDb,
};
use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    http::Request,
};
use data_encoding::BASE64;
use plist::{Dictionary, Value};
use tower::ServiceExt;

const TENANT: Tenant = Tenant(1);
const TOPIC: &str = "com.apple.mgmt.External.bench";
/// Devices written in one transaction.
const STEP: usize = 1_000;

struct Args {
    devices: usize,
    /// Devices whose requests are signed and sent.
    signed: usize,
    requests: usize,
    callers: usize,
    dir: PathBuf,
    postgres: bool,
}

fn args() -> Args {
    let dir = std::env::temp_dir().join("allclear-bench-apple");
    let mut args = Args { devices: 100_000, signed: 2_000, requests: 50_000, callers: 16, dir, postgres: false };
    let mut given = std::env::args().skip(1);
    while let Some(arg) = given.next() {
        let mut number = || given.next().and_then(|n| n.parse().ok()).expect("a number follows");
        match arg.as_str() {
            "--devices" => args.devices = number(),
            "--signed" => args.signed = number(),
            "--requests" => args.requests = number(),
            "--callers" => args.callers = number(),
            "--dir" => args.dir = given.next().expect("--dir DIR").into(),
            "--postgres" => args.postgres = true,
            // What cargo itself says to every bench.
            "--bench" => {}
            other => panic!("no such argument: {other}"),
        }
    }
    args.signed = args.signed.clamp(1, args.devices.max(1));
    args
}

fn main() {
    let args = args();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(run(&args));
}

async fn run(args: &Args) {
    let database = if args.postgres {
        let own = |options: &mut Options| *options = Options::new(options.url.clone());
        Some(TestDb::postgres(own).await.expect("ALLCLEAR_TEST_POSTGRES is the URL of a server"))
    } else {
        let _ = std::fs::remove_dir_all(&args.dir);
        std::fs::create_dir_all(&args.dir).unwrap();
        None
    };
    let options = database.as_ref().map(|database| database.options.clone());
    let options = options.unwrap_or_else(|| Options::new(DatabaseUrl::Sqlite(args.dir.join("fleet.db"))));
    let db = Db::open(options).await.unwrap();
    migrate::run(&db, MIGRATIONS).await.unwrap();
    let engine = Engine::open(db, Arc::new(SystemSource), [1; 32]).await.unwrap();
    let began = Instant::now();
    let identities = load(&engine, args).await;
    let dialect = engine.db().dialect();
    println!("{} enrolled devices on {dialect:?}, loaded in {:.0} s", args.devices, began.elapsed().as_secs_f64());
    let began = Instant::now();
    let (polls, updates) = signed(&identities, SystemSource.now());
    let share = 100.0 * args.signed as f64 / args.devices as f64;
    let took = began.elapsed().as_secs_f64();
    println!("{} of them ({share:.1} %) sign and call; two messages of each signed in {took:.0} s", args.signed);
    let options = ServerOptions { requests_per_second: u32::MAX, requests_burst: u32::MAX, ..ServerOptions::default() };
    let metrics = ops::metrics_builder().unwrap().build_recorder().handle();
    let router = app::router(AppState::new(engine.clone(), options, metrics));

    println!();
    println!(
        "{:24} {:>9} {:>9} {:>9} {:>9} {:>10} {:>14}",
        "", "per s", "p50 ms", "p99 ms", "µs CPU", "PostgreSQL", "rows or bytes"
    );
    for (name, path, requests, count) in [
        ("idle polls", "/apple/v1/command", polls, args.requests),
        ("TokenUpdates", "/apple/v1/checkin", updates, args.requests / 5),
    ] {
        // Once round, so that nothing is read for the first time.
        send(&router, path, &requests, args.callers, requests.len().min(count)).await;
        let before = written(&engine).await;
        let (started, cpu) = (Instant::now(), (processor("self"), servers()));
        let mut times = send(&router, path, &requests, args.callers, count).await;
        let (wall, own, servers) = (started.elapsed(), processor("self") - cpu.0, servers() - cpu.1);
        let after = written(&engine).await;
        times.sort_unstable();
        let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1e3;
        let each = |time: Duration| time.as_secs_f64() * 1e6 / times.len() as f64;
        println!(
            "{name:24} {:>9.0} {:>9.2} {:>9.2} {:>9.0} {:>10.0} {:>14}",
            times.len() as f64 / wall.as_secs_f64(),
            at(0.5),
            at(0.99),
            each(own + servers),
            each(servers),
            after - before
        );
        if name == "idle polls" && dialect == Dialect::Sqlite {
            assert_eq!(after, before, "an idle poll has written something");
        }
    }
    println!();
    println!("{:.0} MB resident, the signed messages among them", resident());
    engine.db().close().await;
    if !args.postgres {
        std::fs::remove_dir_all(&args.dir).unwrap();
    }
}

/// What a device signs with.
struct Signer {
    udid: String,
    identity: Identity,
}

/// Puts the fleet in as it is after every device has answered what it is asked. Those that sign have certificates of
/// their own; the others' are as long, and nobody has a key to them.
async fn load(engine: &Engine, args: &Args) -> Vec<Signer> {
    let now = SystemSource.now();
    let authority = Authority::generate("Bench", seconds(now) - 60, 3_650).unwrap();
    let key = PrivateKey::generate(2048).unwrap();
    let request = SigningRequest::make(&key, "device", None, None).unwrap();
    let request = SigningRequest::from_der(&request, Algorithms::default()).unwrap();
    let root = engine.read(TENANT, |tx, _| Ok(organization_groups::customers(tx)?[0].1.id)).await.unwrap();
    let push = apple_mdm::Push { token: vec![7; 32], magic: "magic".into(), topic: TOPIC.into() };
    let push = serde_json::to_string(&push).unwrap();
    let push = KeptPush { push: engine.sealer().seal(TENANT, &push, &SystemSource).unwrap(), changed_at: now };
    let inquiries = answered(now);
    let issue = |token: TokenId| {
        let name = EnrollmentName { tenant: TENANT, token };
        authority.issue(&request, &name.to_string(), seconds(now) - 60, 365).unwrap()
    };
    let template = issue(TokenId(SystemSource.id()));
    let mut signers = Vec::new();
    for start in (0..args.devices).step_by(STEP) {
        let mut rows = Vec::new();
        for number in start..args.devices.min(start + STEP) {
            let (device, token) = (DeviceId(SystemSource.id()), TokenId(SystemSource.id()));
            let udid = format!("00008110-{number:016}");
            // Spread over the whole fleet.
            let signs = number * args.signed / args.devices != (number + 1) * args.signed / args.devices;
            let mut certificate = row(&template, token, device, now);
            if signs {
                let own = issue(token);
                certificate = row(&own, token, device, now);
                let identity = Identity::new(own, Vec::new(), key.clone()).unwrap();
                signers.push(Signer { udid: udid.clone(), identity });
            } else {
                certificate.fingerprint = SystemSource.secret();
            }
            rows.push((device, token, udid, certificate));
        }
        let (devices, now) = (rows.iter().map(|row| (row.0, row.2.clone())).collect::<Vec<_>>(), SystemSource.now());
        let actor = Actor::new(ActorKind::Operator, "bench");
        let made = engine.edit(TENANT, actor, move |work| {
            for (id, udid) in &devices {
                work.create_device(device(*id, root, udid, now));
            }
            Ok::<_, Error>(())
        });
        made.await.unwrap();
        let (push, inquiries) = (push.clone(), inquiries.clone());
        let written = engine.db().write(move |tx| {
            for (device, token, udid, certificate) in &rows {
                let new = AppleEnrollment {
                    device: *device,
                    identifier: udid.clone(),
                    token: *token,
                    topic: TOPIC.into(),
                    state: EnrollmentState::Begun,
                    began_at: now,
                    inquiries: inquiries.0.clone(),
                    ask_at: inquiries.1,
                    resumed_at: now,
                };
                enrollments::begin(tx, TENANT, &new, &[7; 1_500])?;
                enrollments::set_push(tx, TENANT, *device, TOPIC, &push, Some(&[7; 1_500]), &[7; 1_500])?;
                device_certificates::insert(tx, TENANT, certificate)?;
            }
            Ok::<_, allclear_store::Error>(())
        });
        written.await.unwrap();
    }
    signers
}

fn seconds(at: Time) -> i64 {
    at.as_micros() / 1_000_000
}

/// What is noted of the questions to a device that has answered them all.
fn answered(now: Time) -> (String, Time) {
    let mut inquiries = Inquiries::default();
    while let Some(question) = inquiries.next(now) {
        let id = inquiries.ask(&question, CommandId(SystemSource.id()), now);
        inquiries.answer(id, false, now);
    }
    (serde_json::to_string(&inquiries).unwrap(), inquiries.ask_at(now))
}

fn row(certificate: &Certificate, token: TokenId, device: DeviceId, now: Time) -> DeviceCertificate {
    DeviceCertificate {
        fingerprint: certificate.fingerprint(),
        token,
        device: Some(device),
        issuer: certificate.issuer(),
        own: true,
        certificate: certificate.der().to_vec(),
        not_before: Time::from_micros(certificate.not_before() * 1_000_000),
        not_after: Time::from_micros(certificate.not_after() * 1_000_000),
        created_at: now,
        revoked_at: None,
    }
}

fn device(id: DeviceId, group: OrganizationGroupId, udid: &str, now: Time) -> Device {
    Device {
        serial_number: Some(format!("SN{udid}")),
        udid: Some(udid.to_owned()),
        manufacturer: Some("Apple".into()),
        model: Some("iPhone16,1".into()),
        os_version: Some("18.1".into()),
        management: Some(ManagementType::Supervised),
        enrollment: EnrollmentStatus::Enrolled,
        enrolled_at: Some(now),
        sensor: Sensor { last_contact: Some(now), ..Sensor::default() },
        ..Device::new(id, group, Platform::Ios, now)
    }
}

/// A body and its signature.
type Signed = (Bytes, String);

/// An idle poll and a TokenUpdate of each device, signed.
fn signed(signers: &[Signer], now: Time) -> (Vec<Signed>, Vec<Signed>) {
    let sign = |signer: &Signer, members: &[(&str, Value)]| {
        let udid = [("UDID", Value::from(signer.udid.as_str()))];
        let members = members.iter().chain(&udid).map(|(key, value)| ((*key).to_owned(), value.clone()));
        let body = property_list::write(members.collect::<Dictionary>()).unwrap();
        let signature = cms::sign_detached(&body, &signer.identity, Some(seconds(now))).unwrap();
        (Bytes::from(body), BASE64.encode(&signature))
    };
    let update = [
        ("MessageType", Value::from("TokenUpdate")),
        ("Topic", TOPIC.into()),
        ("Token", Value::Data(vec![8; 32])),
        ("PushMagic", "81B5B0A2-7F4C-4E5C-9C39-7E5A6DF57A7D".into()),
        ("UnlockToken", Value::Data(vec![9; 1_200])),
    ];
    let polls = signers.iter().map(|signer| sign(signer, &[("Status", "Idle".into())])).collect();
    (polls, signers.iter().map(|signer| sign(signer, &update)).collect())
}

/// Sends so many requests, each caller one after the other; how long each took.
async fn send(router: &Router, path: &'static str, all: &[Signed], callers: usize, count: usize) -> Vec<Duration> {
    let all: Arc<[Signed]> = all.into();
    let mut tasks = tokio::task::JoinSet::new();
    for caller in 0..callers {
        let (router, all) = (router.clone(), Arc::clone(&all));
        tasks.spawn(async move {
            let mut times = Vec::new();
            for number in (caller..count).step_by(callers) {
                // Devices that call one after the other lie far apart.
                let (body, signature) = &all[number.wrapping_mul(7_919) % all.len()];
                let request = Request::put(path).header("Mdm-Signature", signature).body(Body::from(body.clone()));
                let request = request.unwrap();
                let started = Instant::now();
                let answer = router.clone().oneshot(request).await.unwrap();
                let status = answer.status();
                let said = to_bytes(answer.into_body(), 1_000_000).await.unwrap();
                times.push(started.elapsed());
                assert!(status == 200 && said.is_empty(), "{status}: {}", String::from_utf8_lossy(&said));
            }
            times
        });
    }
    tasks.join_all().await.concat()
}

/// How much was written: rows that SQLite's one connection has changed, bytes of PostgreSQL's log.
async fn written(engine: &Engine) -> i64 {
    let sql = match engine.db().dialect() {
        Dialect::Sqlite => "SELECT total_changes()",
        Dialect::Postgres => "SELECT (pg_current_wal_insert_lsn() - '0/0')::bigint",
    };
    let found = engine.db().write(move |tx| tx.query_opt::<i64>(sql, &[])).await;
    found.unwrap().unwrap()
}

/// Processor time of all threads of a process so far.
fn processor(process: &str) -> Duration {
    let stat = std::fs::read_to_string(Path::new("/proc").join(process).join("stat")).unwrap_or_default();
    let Some((_, after_name)) = stat.rsplit_once(')') else { return Duration::ZERO };
    let ticks = after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
    Duration::from_millis(ticks.sum::<u64>() * 10)
}

/// Processor time of PostgreSQL's processes so far, on this machine.
fn servers() -> Duration {
    let processes = std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let name = |process: &str| std::fs::read_to_string(Path::new("/proc").join(process).join("comm"));
    processes.filter(|process| name(process).is_ok_and(|name| name.trim() == "postgres")).map(|it| processor(&it)).sum()
}

/// Megabytes resident now.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1e3
}
