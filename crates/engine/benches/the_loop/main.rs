//! What the loop costs: detections, previews, re-evaluations and lists over a large fleet, beside a program that only
//! writes the same rows.
//!
//! `cargo bench -p allclear-engine -- [--devices N] [--quick] [--detections-only] [--load-only] [--dir D] [--page-size N] [--checkpoint-mib N] [--postgres]`;
//! docs/performance.md has the results and how to read them.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement that fails has no result"
)]

mod fleet;
mod meter;
mod raw;
mod reads;
mod stream;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use allclear_domain::ids::Tenant;
use allclear_engine::{
    Engine, Error,
    ingest::{Fact, Outcome},
    source::SystemSource,
};
use allclear_store::{
    MIGRATIONS,
    db::{DatabaseUrl, Db, Options, Synchronous, migrate},
};
use meter::{Meter, Sample};
use stream::Stream;

/// The tenant of the fleet.
pub const TENANT: Tenant = Tenant(1);

struct Args {
    devices: usize,
    quick: bool,
    dir: PathBuf,
    postgres: bool,
    page_size: Option<u32>,
    checkpoint_mib: Option<u32>,
    detections_only: bool,
    /// Leave the filled database behind and measure nothing.
    load_only: bool,
}

fn args() -> Args {
    let dir = std::env::temp_dir().join("allclear-bench");
    let mut args = Args {
        devices: 100_000,
        quick: false,
        dir,
        postgres: false,
        page_size: None,
        checkpoint_mib: None,
        detections_only: false,
        load_only: false,
    };
    let mut given = std::env::args().skip(1);
    while let Some(arg) = given.next() {
        match arg.as_str() {
            "--devices" => args.devices = given.next().and_then(|n| n.parse().ok()).expect("--devices N"),
            "--detections-only" => args.detections_only = true,
            "--checkpoint-mib" => args.checkpoint_mib = given.next().and_then(|n| n.parse().ok()),
            "--page-size" => args.page_size = given.next().and_then(|n| n.parse().ok()),
            "--dir" => args.dir = given.next().expect("--dir DIR").into(),
            "--quick" => args.quick = true,
            "--load-only" => args.load_only = true,
            "--postgres" => args.postgres = true,
            // What cargo itself says to every bench.
            "--bench" => {}
            other => panic!("no such argument: {other}"),
        }
    }
    args
}

/// One way of handing detections in.
#[derive(Clone, Copy)]
pub struct Mode {
    /// What it is called in the table.
    pub name: &'static str,
    /// Callers at the same time.
    callers: usize,
    /// Detections in one call.
    batch: usize,
    /// Detections in one transaction of the program it is compared with.
    pub raw_batch: usize,
    /// Detections in all.
    pub count: usize,
}

fn modes(quick: bool) -> [Mode; 4] {
    let scale = if quick { 10 } else { 1 };
    [
        Mode { name: "one caller, 1 a call", callers: 1, batch: 1, raw_batch: 1, count: 5_000 / scale },
        Mode { name: "one caller, 16 a call", callers: 1, batch: 16, raw_batch: 16, count: 24_000 / scale },
        Mode { name: "one caller, 256 a call", callers: 1, batch: 256, raw_batch: 256, count: 76_800 / scale },
        Mode { name: "64 callers, 1 a call", callers: 64, batch: 1, raw_batch: 64, count: 64_000 / scale },
    ]
}

fn main() {
    let args = args();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        if args.postgres {
            on_postgres(&args).await;
        } else {
            on_sqlite(&args).await;
        }
    });
}

impl Args {
    fn options(&self, path: &Path, synchronous: Synchronous) -> Options {
        let defaults = Options::new(DatabaseUrl::Sqlite(path.to_owned()));
        Options {
            synchronous,
            page_size: self.page_size.unwrap_or(defaults.page_size),
            checkpoint_mib: self.checkpoint_mib.unwrap_or(defaults.checkpoint_mib),
            ..defaults
        }
    }
}

/// Opens the database as the server does, and says how long that took.
async fn open(options: Options) -> (Engine, Duration) {
    let started = Instant::now();
    let db = Db::open(options).await.unwrap();
    migrate::run(&db, MIGRATIONS).await.unwrap();
    let engine = Engine::open(db, Arc::new(SystemSource), [1; 32]).await.unwrap();
    engine.read(TENANT, |_, _| Ok(())).await.unwrap();
    (engine, started.elapsed())
}

async fn on_sqlite(args: &Args) {
    let _ = std::fs::remove_dir_all(&args.dir);
    std::fs::create_dir_all(&args.dir).unwrap();
    let (path, copy) = (args.dir.join("fleet.db"), args.dir.join("raw.db"));
    println!("{} devices, SQLite, in {}", args.devices, args.dir.display());

    let (engine, _) = open(args.options(&path, Synchronous::Normal)).await;
    let started = Instant::now();
    let fleet = fleet::load(&engine, args.devices).await;
    let loaded = started.elapsed();
    engine.db().close().await;
    drop(engine);
    let size = std::fs::metadata(&path).unwrap().len();
    println!("loaded in {:.1} s, {} MB", loaded.as_secs_f64(), size / 1_000_000);
    if args.load_only {
        return;
    }
    std::fs::copy(&path, &copy).unwrap();
    println!();

    meter::forget_peak();
    let before = meter::memory();
    let (engine, opened) = open(args.options(&path, Synchronous::Full)).await;
    println!("{:44} {:>8.0} ms", "open and load the rules", opened.as_secs_f64() * 1e3);
    let stream = Arc::new(Mutex::new(Stream::new(&fleet)));
    println!();
    println!("{}", Sample::head());
    let mut ranges = Vec::new();
    let mut samples = Vec::new();
    for mode in modes(args.quick) {
        let from = position(&engine).await;
        let sample = detections(&engine, &stream, mode, Some(&path)).await;
        println!("{}", sample.row(&format!("Allclear: {}", mode.name), None));
        ranges.push((mode, from, position(&engine).await));
        samples.push(sample);
    }
    let after = meter::memory();
    if !args.detections_only {
        reads::all(&engine, &stream, &fleet, args.quick).await;
    }
    let whole = meter::memory();
    println!();
    println!("memory, MB: {:>6.0} resident before opening, the ids of the fleet among them", before.0);
    println!("            {:>6.0} resident after the detections, peak {:.0}", after.0, after.1);
    println!("            {:>6.0} resident after all of the above, peak {:.0}", whole.0, whole.1);
    engine.db().close().await;
    drop(engine);

    println!();
    println!("{}", Sample::head());
    for (range, sample) in ranges.iter().zip(&samples) {
        let mode = range.0;
        let operations = raw::capture(&path, *range);
        let raw = raw::run(&copy, &operations, mode.raw_batch);
        let ratio = sample.rate() / raw.rate();
        println!("{}", raw.row(&format!("rows only: {} a transaction", mode.raw_batch), Some(ratio)));
    }
    std::fs::remove_file(&copy).unwrap();
    let (engine, _) = open(args.options(&path, Synchronous::Normal)).await;
    for (mode, durable) in modes(args.quick).into_iter().zip(&samples) {
        let sample = detections(&engine, &stream, mode, Some(&path)).await;
        let ratio = durable.rate() / sample.rate();
        println!("{}", sample.row(&format!("not durable: {}", mode.name), Some(ratio)));
    }
    engine.db().close().await;
    drop(engine);
    std::fs::remove_dir_all(&args.dir).unwrap();
}

async fn on_postgres(args: &Args) {
    use allclear_store::testing::TestDb;
    let database = TestDb::postgres(|options| {
        let url = options.url.clone();
        *options = Options::new(url);
    });
    let database = database.await.expect("ALLCLEAR_TEST_POSTGRES is the URL of a server");
    println!("{} devices, PostgreSQL", args.devices);
    let (engine, _) = open(database.options.clone()).await;
    let started = Instant::now();
    let fleet = fleet::load(&engine, args.devices).await;
    println!("loaded in {:.1} s", started.elapsed().as_secs_f64());
    println!();
    println!("{}", Sample::head());
    let stream = Arc::new(Mutex::new(Stream::new(&fleet)));
    for mode in modes(args.quick) {
        let sample = detections(&engine, &stream, mode, None).await;
        println!("{}", sample.row(&format!("Allclear: {}", mode.name), None));
    }
    reads::all(&engine, &stream, &fleet, args.quick).await;
    engine.db().close().await;
}

async fn position(engine: &Engine) -> i64 {
    let read = engine.db().read(|tx| Ok::<_, Error>(allclear_store::tenants::get(tx, TENANT)?)).await;
    read.unwrap().map_or(0, |row| row.journal_position)
}

/// Hands detections in, each call waiting for its answer, and writes the log back at the end.
async fn detections(engine: &Engine, stream: &Arc<Mutex<Stream>>, mode: Mode, file: Option<&Path>) -> Sample {
    let meter = Meter::start();
    let calls = mode.count / mode.callers / mode.batch;
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..mode.callers {
        let (engine, stream) = (engine.clone(), Arc::clone(stream));
        callers.spawn(async move {
            let mut times = Vec::with_capacity(calls);
            for _ in 0..calls {
                let facts: Vec<Fact> = {
                    let mut stream = stream.lock().unwrap();
                    (0..mode.batch).map(|_| stream.next()).collect()
                };
                let started = Instant::now();
                let outcomes = engine.submit(TENANT, facts).await.unwrap();
                times.push(started.elapsed());
                assert!(outcomes.iter().all(|outcome| *outcome == Outcome::Accepted), "{outcomes:?}");
            }
            times
        });
    }
    let times: Vec<Duration> = callers.join_all().await.into_iter().flatten().collect();
    meter.stop(calls * mode.callers * mode.batch, times, file)
}
