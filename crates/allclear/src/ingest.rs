//! `allclear ingest`: detections from a file or a pipe, to a server or straight into the database.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use allclear_connectors::{lookout, native};
use allclear_domain::{detection::SourceEvent, ids::Tenant};
use allclear_engine::{
    Engine, Error,
    ingest::{Fact, Outcome, UnknownDevice},
};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use reqwest::Method;
use serde::Deserialize;
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::{
    client::{Body, Client, Remote},
    output,
    place::{self, Place},
};

/// Take in detections from a file of JSON lines
///
/// To a server over its API (--server and --token), or straight into the database (--data-dir or --database), where a
/// server may run at the same time. An event that was taken in before changes nothing, so a file may be sent again.
/// Prints what became of the events; each one refused is named on standard error, and the exit code is then 1.
#[derive(Args, Debug)]
pub struct Ingest {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    remote: Remote,
    /// What the lines are
    #[arg(long, value_enum, default_value_t = Format::Native)]
    format: Format,
    /// The customer they are for, when they go straight into the database: id or name; the only one if not given
    #[arg(long, value_name = "GROUP")]
    organization_group: Option<String>,
    /// The file; `-` for standard input
    file: PathBuf,
}

/// The formats that are understood.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Format {
    /// Our own: detections as POST /api/v1/detections takes them; also sensor reports and notices with a `type`
    Native,
    /// Events of Lookout's Mobile Risk API v2
    Lookout,
}

/// Events sent at once.
const BATCH: usize = 256;
/// The longest line, in bytes.
const LINE: usize = 1024 * 1024;
/// How long to go on trying while the database or server is busy.
const ATTEMPTS: u32 = 60;
const PAUSE: Duration = Duration::from_millis(250);

/// What became of the events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Counts {
    accepted: u64,
    duplicates: u64,
    waiting: u64,
    exceptions: u64,
    rejected: u64,
}

/// One event and the number of its line.
type Numbered = (u64, SourceEvent);

impl Ingest {
    /// Does it.
    pub async fn run(self) -> Result<ExitCode> {
        let target = self.target().await?;
        let input: Box<dyn AsyncBufRead + Unpin> = if self.file.as_os_str() == "-" {
            Box::new(BufReader::new(tokio::io::stdin()))
        } else {
            let file = tokio::fs::File::open(&self.file).await;
            Box::new(BufReader::new(file.with_context(|| format!("cannot read {}", self.file.display()))?))
        };
        let mut counts = Counts::default();
        let sent = feed(input, self.format, &target, &mut counts).await;
        target.close().await;
        output::line(format!(
            "{{\"accepted\": {}, \"duplicates\": {}, \"waiting\": {}, \"exceptions\": {}, \"rejected\": {}}}",
            counts.accepted, counts.duplicates, counts.waiting, counts.exceptions, counts.rejected
        ))?;
        sent?;
        Ok(if counts.rejected == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    async fn target(&self) -> Result<Target> {
        if self.remote.server.is_some() {
            if self.place.data_dir.is_some() || self.place.database.is_some() {
                bail!("choose a server (--server) or a database (--data-dir, --database), not both");
            }
            if self.organization_group.is_some() {
                bail!("a token knows which customer it is for; --organization-group goes with a database");
            }
            return Ok(Target::Server(Client::new(&self.remote)?));
        }
        let engine = place::open_engine(&self.place.load()?).await?;
        let tenant = place::tenant(engine.db(), self.organization_group.as_deref()).await?.tenant;
        Ok(Target::Engine(engine, tenant))
    }
}

/// Reads all lines and sends them on, in order.
async fn feed(
    mut input: impl AsyncBufRead + Unpin,
    format: Format,
    target: &Target,
    counts: &mut Counts,
) -> Result<()> {
    let mut batch: Vec<Numbered> = Vec::with_capacity(BATCH);
    let (mut number, mut line) = (0, Vec::new());
    loop {
        line.clear();
        number += 1;
        let limit = u64::try_from(LINE).unwrap_or(u64::MAX) + 1;
        if (&mut input).take(limit).read_until(b'\n', &mut line).await.context("cannot read the file")? == 0 {
            break;
        }
        if line.len() > LINE {
            skip_line(&mut input).await?;
            reject(counts, number, "line_too_long", &format!("the line is longer than {LINE} bytes"));
            continue;
        }
        let Ok(text) = std::str::from_utf8(&line) else {
            reject(counts, number, "not_utf8", "the line is not UTF-8");
            continue;
        };
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        match format {
            Format::Lookout => batch.extend(lookout::map(text).into_iter().map(|event| (number, event))),
            Format::Native => match native::parse_native(text) {
                // Whoever writes our own format can mend it.
                SourceEvent::Unmapped(unmapped) => reject(counts, number, "not_understood", &unmapped.reason),
                event => batch.push((number, event)),
            },
        }
        if batch.len() >= BATCH {
            send(target, format, &batch, counts).await?;
            batch.clear();
        }
    }
    send(target, format, &batch, counts).await
}

/// Reads on to the end of a line that was too long.
async fn skip_line(input: &mut (impl AsyncBufRead + Unpin)) -> Result<()> {
    loop {
        let buffer = input.fill_buf().await.context("cannot read the file")?;
        let (used, done) = match buffer.iter().position(|byte| *byte == b'\n') {
            Some(place) => (place + 1, true),
            None => (buffer.len(), buffer.is_empty()),
        };
        input.consume(used);
        if done {
            return Ok(());
        }
    }
}

fn reject(counts: &mut Counts, line: u64, code: &str, detail: &str) {
    counts.rejected += 1;
    eprintln!("line {line}: {code}: {detail}");
}

async fn send(target: &Target, format: Format, batch: &[Numbered], counts: &mut Counts) -> Result<()> {
    if batch.is_empty() {
        return Ok(());
    }
    let lines = || {
        let (first, last) = (batch.first().map_or(0, |one| one.0), batch.last().map_or(0, |one| one.0));
        format!("lines {first} to {last} were not taken in, or not all of them")
    };
    match target {
        Target::Engine(engine, tenant) => into_engine(engine, *tenant, format, batch, counts).await.with_context(lines),
        Target::Server(client) => to_server(client, format, batch, counts).await.with_context(lines),
    }
}

/// Where events go.
enum Target {
    Engine(Engine, Tenant),
    Server(Client),
}

impl Target {
    async fn close(&self) {
        if let Target::Engine(engine, _) = self {
            engine.db().close().await;
        }
    }
}

async fn into_engine(
    engine: &Engine,
    tenant: Tenant,
    format: Format,
    batch: &[Numbered],
    counts: &mut Counts,
) -> Result<()> {
    // Whoever sends our own format knows our devices; a feed may be ahead of us.
    let unknown_device = match format {
        Format::Native => UnknownDevice::Reject,
        Format::Lookout => UnknownDevice::Wait,
    };
    for _ in 0..ATTEMPTS {
        let facts = batch.iter().map(|(_, event)| Fact::Source { event: event.clone(), unknown_device }).collect();
        let outcomes = match engine.submit(tenant, facts).await {
            Err(Error::Busy) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
            done => done?,
        };
        for ((line, _), outcome) in batch.iter().zip(outcomes) {
            match outcome {
                Outcome::Accepted => counts.accepted += 1,
                Outcome::Duplicate => counts.duplicates += 1,
                Outcome::Waiting => counts.waiting += 1,
                Outcome::Exception => counts.exceptions += 1,
                Outcome::Rejected { code, detail } => reject(counts, *line, code, &detail),
            }
        }
        return Ok(());
    }
    bail!("the database stays busy")
}

/// What the server says of a batch.
#[derive(Deserialize)]
struct Taken {
    accepted: u64,
    duplicates: u64,
    #[serde(default)]
    waiting: u64,
    #[serde(default)]
    exceptions: u64,
    rejected: Vec<Rejected>,
}

#[derive(Deserialize)]
struct Rejected {
    index: usize,
    code: String,
    detail: String,
}

/// Detections of our own format go where everybody's go; other events, and all of a feed, to the entry of feeds, where
/// they may wait for their device. The order is kept.
async fn to_server(client: &Client, format: Format, batch: &[Numbered], counts: &mut Counts) -> Result<()> {
    let is_plain = |(_, event): &Numbered| format == Format::Native && matches!(event, SourceEvent::Detection(_));
    for run in batch.chunk_by(|a, b| is_plain(a) == is_plain(b)) {
        let plain = run.first().is_some_and(is_plain);
        let mut lines = String::new();
        for (_, event) in run {
            lines += &match event {
                SourceEvent::Detection(detection) if plain => serde_json::to_string(detection)?,
                event => serde_json::to_string(event)?,
            };
            lines.push('\n');
        }
        let path = if plain { "/api/v1/detections" } else { "/api/v1/source-events" };
        let taken: Taken = client.insist(Method::POST, path, &Body::Lines(lines)).await?;
        counts.accepted += taken.accepted;
        counts.duplicates += taken.duplicates;
        counts.waiting += taken.waiting;
        counts.exceptions += taken.exceptions;
        for rejected in taken.rejected {
            let line = run.get(rejected.index).map_or(0, |(line, _)| *line);
            reject(counts, line, &rejected.code, &rejected.detail);
        }
    }
    Ok(())
}
