//! `allclear doctor`: what is wrong with an installation, and what to do about it. Changes nothing.

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use allclear_domain::{
    ids::Tenant,
    payload,
    time::{Span, Time},
};
use allclear_engine::{
    seal::{self, Sealer},
    source::{Source, SystemSource},
};
use allclear_store::{
    MIGRATIONS,
    db::{DatabaseUrl, Db, Dialect, migrate},
    integrations, journal, rules, tenants,
};
use anyhow::Result;
use clap::Args;
use tokio::net::TcpListener;

use crate::{
    client::{Client, Remote},
    config::{self, Config},
    home, output,
    place::{self, Place},
};

/// Check the installation and say what to do
///
/// Looks at the settings, the data directory, the key, the database, the clock and the address to listen on. Exit code
/// 1 if something keeps the server from working. May be run beside a running server.
#[derive(Args, Debug)]
pub struct Doctor {
    #[command(flatten)]
    place: Place,
    /// Only print all settings with their defaults and what they are for
    #[arg(long)]
    defaults: bool,
}

/// How bad a finding is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Grade {
    Ok,
    Warn,
    Fail,
}

/// One line of the report.
struct Finding {
    grade: Grade,
    about: &'static str,
    text: String,
}

#[derive(Default)]
struct Report(Vec<Finding>);

impl Report {
    fn add(&mut self, grade: Grade, about: &'static str, text: impl Into<String>) {
        self.0.push(Finding { grade, about, text: text.into() });
    }

    fn ok(&mut self, about: &'static str, text: impl Into<String>) {
        self.add(Grade::Ok, about, text);
    }

    fn warn(&mut self, about: &'static str, text: impl Into<String>) {
        self.add(Grade::Warn, about, text);
    }

    fn fail(&mut self, about: &'static str, text: impl Into<String>) {
        self.add(Grade::Fail, about, text);
    }
}

/// A write-ahead log of this size is not being copied back.
const LARGE_LOG: u64 = 512 << 20;
/// A clock that is so much behind what was written is wrong.
const BEHIND: Span = Span::seconds(60);

impl Doctor {
    /// Does it.
    pub async fn run(self) -> Result<ExitCode> {
        if self.defaults {
            output::line(config::DEFAULTS.trim_end())?;
            return Ok(ExitCode::SUCCESS);
        }
        let mut report = Report::default();
        let sources = self.place.sources();
        let reading = config::read(&sources);
        for problem in &reading.problems {
            report.fail("settings", problem);
        }
        for warning in &reading.warnings {
            report.warn("settings", warning);
        }
        if reading.problems.is_empty() {
            let file = sources.file.as_ref().map_or("defaults".to_owned(), |file| file.display().to_string());
            report.ok("settings", format!("{file}, environment and command line are valid"));
        }
        if let Some(config) = &reading.config {
            directory(&mut report, &config.data_dir);
            let key = key(&mut report, &config.data_dir);
            let db = database(&mut report, config).await;
            if let Some(db) = db {
                look_into(&mut report, &db, key).await;
                db.close().await;
            }
            address(&mut report, config).await;
            folder(&mut report, config);
        }
        for finding in &report.0 {
            let grade = match finding.grade {
                Grade::Ok => "ok",
                Grade::Warn => "warn",
                Grade::Fail => "FAIL",
            };
            output::line(format!("{grade:<5} {:<15} {}", finding.about, finding.text))?;
        }
        let worst = report.0.iter().map(|finding| finding.grade).max();
        Ok(if worst == Some(Grade::Fail) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }
}

fn folder(report: &mut Report, config: &Config) {
    let about = "indicators";
    let Some(folder) = config.indicators_folder() else { return };
    match std::fs::read_dir(&folder) {
        Ok(_) => report.ok(about, format!("{} can be read", folder.display())),
        Err(error) => report.warn(about, format!("{}: {error}; no sets come from there", folder.display())),
    }
}

fn directory(report: &mut Report, path: &Path) {
    let about = "data directory";
    let shown = path.display();
    if !path.exists() {
        return report.ok(about, format!("{shown} is not there yet; the first start makes it"));
    }
    if !path.is_dir() {
        return report.fail(about, format!("{shown} is not a directory; choose another with --data-dir"));
    }
    // Permission bits do not tell everything: a file system may be read-only.
    let probe = path.join(format!(".doctor-{}", SystemSource.id()));
    let written = std::fs::write(&probe, b"");
    let _ = std::fs::remove_file(&probe);
    if let Err(error) = written {
        return report.fail(about, format!("{shown} cannot be written to ({error}); give it to the server's user"));
    }
    match home::others(path) {
        Ok(0) => report.ok(about, format!("{shown} is private and can be written to")),
        Ok(_) => report.warn(about, format!("{shown} is open to other users; run: chmod 700 {shown}")),
        Err(error) => report.fail(about, format!("{shown}: {error}")),
    }
}

fn key(report: &mut Report, directory: &Path) -> Option<[u8; 32]> {
    let (about, path) = ("key", home::key_path(directory));
    let shown = path.display();
    match home::read_key(&path) {
        Ok(None) => {
            report.ok(about, format!("{shown} is not there yet; the first start makes it"));
            None
        }
        Ok(Some(key)) => {
            match home::others(&path) {
                Ok(0) => report.ok(about, format!("{shown} is there and private")),
                Ok(_) => report.fail(about, format!("{shown} can be read by other users; run: chmod 600 {shown}")),
                Err(error) => report.fail(about, format!("{shown}: {error}")),
            }
            Some(key)
        }
        Err(error) => {
            report.fail(about, format!("{error:#}; put back the right file"));
            None
        }
    }
}

/// Opens the database, unless there is none yet.
async fn database(report: &mut Report, config: &Config) -> Option<Db> {
    let about = "database";
    let url = config.database_url().ok()?;
    if let DatabaseUrl::Sqlite(path) = &url
        && !path.exists()
    {
        report.ok(about, format!("{url} is not there yet; the first start makes it"));
        return None;
    }
    match place::open_database(config).await {
        Ok(db) => {
            report.ok(about, format!("{url} answers"));
            Some(db)
        }
        Err(error) => {
            let advice = match &url {
                DatabaseUrl::Sqlite(_) => "restore a backup with `allclear restore`, or choose another data directory",
                DatabaseUrl::Postgres(_) => "is the server up, and are user, password and name in the URL right?",
            };
            report.fail(about, format!("{error:#}; {advice}"));
            None
        }
    }
}

async fn look_into(report: &mut Report, db: &Db, key: Option<[u8; 32]>) {
    if db.dialect() == Dialect::Sqlite {
        let found = db.read(|tx| tx.query_opt::<String>("PRAGMA quick_check(1)", &[])).await;
        match found.as_ref().map(Option::as_deref) {
            Ok(Some("ok")) => report.ok("database file", "is sound"),
            Ok(other) => report.fail(
                "database file",
                format!("is damaged ({}); restore a backup with `allclear restore`", other.unwrap_or("no answer")),
            ),
            Err(error) => report.fail("database file", format!("cannot be checked: {error}")),
        }
        match db.stats().await {
            Ok(stats) if stats.wal_bytes > LARGE_LOG => report.warn(
                "write-ahead log",
                format!(
                    "is {} MiB; some program keeps the database open and old: close it, or restart the server",
                    stats.wal_bytes >> 20
                ),
            ),
            Ok(stats) => report.ok(
                "write-ahead log",
                format!("{} MiB beside {} MiB of database", stats.wal_bytes >> 20, stats.database_bytes >> 20),
            ),
            Err(error) => report.fail("write-ahead log", error.to_string()),
        }
    }
    match migrate::status(db, MIGRATIONS).await {
        Err(error) => report.fail("schema", error.to_string()),
        Ok(steps) => match steps.iter().filter(|step| !step.applied).count() {
            0 => {
                report.ok("schema", format!("is up to date ({} migrations)", steps.len()));
                sealed(report, db, key).await;
                clock(report, db).await;
            }
            missing => report.warn(
                "schema",
                format!("{missing} migrations are missing; run `allclear migrate` or start the server"),
            ),
        },
    }
}

/// A stored secret and its tenant.
enum Secret {
    Text(Tenant, String),
    Bytes(Tenant, Vec<u8>),
}

/// Whether the key is the one that stored secrets were sealed with.
async fn sealed(report: &mut Report, db: &Db, key: Option<[u8; 32]>) {
    let about = "sealed secrets";
    let found = db.read(|tx| {
        let mut secrets = Vec::new();
        for tenant in tenants::list(tx)? {
            let mut texts = Vec::new();
            for profile in &mut rules::load(tx, tenant, 0)?.profiles {
                texts.extend(profile.spec.removal_password.clone());
                payload::secrets(&mut profile.spec.payloads, &mut |text| texts.push(text.clone()));
            }
            texts.retain(|text| text.starts_with(seal::MARK));
            secrets.extend(texts.into_iter().map(|text| Secret::Text(tenant, text)));
            secrets.extend(integrations::list(tx, tenant)?.into_iter().map(|it| Secret::Bytes(tenant, it.sealed_key)));
        }
        Ok::<_, allclear_store::Error>(secrets)
    });
    let secrets = match found.await {
        Ok(secrets) => secrets,
        Err(error) => return report.fail(about, error.to_string()),
    };
    let Some(key) = key else {
        return report.fail(
            about,
            "the database has been in use, but its key is missing; put it back, or make another with `allclear admin \
             new-key` and enter passwords and keys again",
        );
    };
    let sealer = Sealer::new(key);
    let opens = |secret: &&Secret| match secret {
        Secret::Text(tenant, text) => sealer.open_text(*tenant, text).is_ok(),
        Secret::Bytes(tenant, bytes) => sealer.open(*tenant, bytes).is_ok(),
    };
    match (secrets.iter().filter(opens).count(), secrets.len()) {
        (_, 0) => report.ok(about, "there are none yet"),
        (opened, all) if opened == all => report.ok(about, format!("the key opens all {all}")),
        (opened, all) => report.fail(
            about,
            format!(
                "the key does not open {} of {all}; put back the right one, or enter those passwords and keys again",
                all - opened
            ),
        ),
    }
}

async fn clock(report: &mut Report, db: &Db) {
    let about = "clock";
    let newest = db.read(|tx| {
        let mut newest = None::<Time>;
        for tenant in tenants::list(tx)? {
            let last = journal::before(tx, tenant, i64::MAX, 1)?;
            newest = newest.max(last.first().map(|(entry, _)| entry.at));
        }
        Ok::<_, allclear_store::Error>(newest)
    });
    let now = SystemSource.now();
    match newest.await {
        Err(error) => report.fail(about, error.to_string()),
        Ok(Some(newest)) if newest.since(now) > BEHIND => report.fail(
            about,
            format!("it is {now}, but {newest} is in the journal; set the clock (NTP) before starting the server"),
        ),
        Ok(_) => report.ok(about, format!("it is {now}")),
    }
}

async fn address(report: &mut Report, config: &Config) {
    let about = "listen address";
    match TcpListener::bind(&config.listen).await {
        Ok(_) => report.ok(about, format!("{} is free", config.listen)),
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            if is_ours(&config.listen).await {
                report.ok(about, format!("an Allclear server answers at {}", config.listen));
            } else {
                report.fail(
                    about,
                    format!("{} is in use by another program; choose another with --listen", config.listen),
                );
            }
        }
        Err(error) => report.fail(about, format!("cannot listen on {} ({error})", config.listen)),
    }
}

/// Whether a server of ours answers at an address.
async fn is_ours(listen: &str) -> bool {
    let server = Some(format!("http://{}", listen.replace("0.0.0.0", "127.0.0.1").replace("[::]", "[::1]")));
    let Ok(client) = Client::new(&Remote { server, token: None, authority: None::<PathBuf> }) else { return false };
    let asked = client.call::<serde_json::Value>(reqwest::Method::GET, "/healthz", &crate::client::Body::Empty);
    matches!(tokio::time::timeout(Duration::from_secs(2), asked).await, Ok(Ok(health)) if health["status"] == "ok")
}
