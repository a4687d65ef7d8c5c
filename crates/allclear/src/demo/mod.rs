//! `allclear demo`: a server with a company in it that has been using it for weeks, and phones that are alive.

mod clock;
mod company;
mod history;
mod story;

use std::{path::PathBuf, process::ExitCode, sync::Arc, time::Instant};

use allclear_domain::{ids::OrganizationGroupId, ids::Tenant, rights::BuiltInRole, time::Span};
use allclear_engine::{
    Engine,
    source::{Source, SystemSource},
};
use allclear_store::{
    jobs::{self, Scope},
    roles::RoleRef,
};
use anyhow::{Context, Result};
use clap::Args;

use crate::{
    admins,
    client::{Client, Remote},
    config::{self, Config, Sources, Waits},
    logging, output,
    place::{self, Group, Opened, Schema},
    serve::Server,
    signals,
    simulate::{self, Plan, tally::Tally},
    token,
};
use clock::PastClock;
use history::Extent;

/// Run a server with an invented company, its history, and live phones
///
/// Prints the URL and an administrator's token, then the loop as it happens: a threat is found, the device is tagged,
/// joins a smart group, gets its profile; the threat is gone, everything is lifted.
#[derive(Args, Debug)]
pub struct Demo {
    /// Keep the company in this directory; without it, it is gone at the end
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: String,
    /// Phones in the company
    #[arg(long, value_name = "N", default_value_t = 3000, value_parser = clap::value_parser!(u32).range(0..=100_000))]
    devices: u32,
    /// People in the company
    #[arg(long, value_name = "N", default_value_t = 2000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    users: u32,
    /// Days of history
    #[arg(long, value_name = "N", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=365))]
    days: u32,
    /// Live phones
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=500))]
    live: u32,
    /// Another seed gives another company
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// How often a live phone catches or loses something, in seconds.
const PACE: f64 = 40.0;

impl Demo {
    /// Runs until the process is told to stop.
    pub async fn run(self) -> Result<ExitCode> {
        let passing = match &self.data_dir {
            Some(_) => None,
            None => {
                Some(tempfile::Builder::new().prefix("allclear-demo-").tempdir().context("no temporary directory")?)
            }
        };
        let directory = self.data_dir.clone().or_else(|| passing.as_ref().map(|it| it.path().to_owned()));
        let mut config = config::load(&Sources::default())?;
        config.data_dir = directory.unwrap_or_default();
        config.listen.clone_from(&self.listen);
        // A demo need not survive a power cut.
        config.database.synchronous = Waits::Normal;
        config.log.filter = "warn".to_owned();
        logging::start(&config.log)?;

        let mut told = Box::pin(signals::stop());
        let group = tokio::select! {
            group = self.company(&config) => group?,
            () = &mut told => return Ok(ExitCode::SUCCESS),
        };
        let server = Server::start(&config, Schema::Migrate).await?;
        let week = server.engine.source().now().plus(Span::days(7));
        let role = RoleRef::BuiltIn(BuiltInRole::Administrator);
        let (_, text) = token::create(&server.engine, (group.tenant, group.id), role, "demo", Some(week)).await?;
        let password = data_encoding::BASE64URL_NOPAD.encode(&server.engine.source().secret()[..12]);
        admins::with_password(&server.engine, "admin", "Demo Administrator", &password).await?;
        output::line(format!("listening on {}", server.url))?;
        output::line(format!("The console: {}/", server.url))?;
        output::line("User name: admin")?;
        output::line(format!("Password: {password}"))?;
        output::line(format!("The API and its reader: {}/api/docs", server.url))?;
        output::line("An administrator's token, good for a week:")?;
        output::line(&text)?;
        output::line(format!("{} phones are live. Ctrl-C ends the demo.", self.live))?;
        tokio::spawn({
            let stop = server.stop.clone();
            async move {
                told.await;
                stop.cancel();
            }
        });
        self.play(server, group.tenant, text).await?;
        if let Some(directory) = passing {
            directory.close().context("the temporary directory could not be removed")?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The company, written if the database is empty.
    async fn company(&self, config: &Config) -> Result<Group> {
        let Opened { db, key } = place::open(config, Schema::Migrate).await?;
        let now = SystemSource.now();
        let clock = Arc::new(PastClock::at(now.minus(Span::days(self.days.into()))));
        let engine = Engine::open(db.clone(), Arc::clone(&clock) as Arc<dyn Source>, key).await?;
        let group = place::tenant(&db, None).await?;
        let tenant = group.tenant;
        let devices = db.read(move |tx| jobs::count(tx, tenant, &Scope::all())).await?;
        if devices == 0 {
            self.write(&engine, &clock, (tenant, group.id)).await?;
        }
        drop(engine);
        db.close().await;
        Ok(group)
    }

    async fn write(&self, engine: &Engine, clock: &PastClock, company: (Tenant, OrganizationGroupId)) -> Result<()> {
        output::line(format!(
            "Writing {} days of a company with {} people and {} phones …",
            self.days, self.users, self.devices
        ))?;
        let started = Instant::now();
        let extent =
            Extent { users: self.users as usize, devices: self.devices as usize, days: self.days, seed: self.seed };
        let threats = history::write(engine, clock, company, extent, SystemSource.now()).await?;
        Ok(output::line(format!("… with {threats} threats, in {:.1} s", started.elapsed().as_secs_f64()))?)
    }

    /// Lets the phones live and tells what happens, until the server is told to stop.
    async fn play(&self, server: Server, tenant: Tenant, token: String) -> Result<()> {
        let stop = server.stop.clone();
        let telling = tokio::spawn({
            let (engine, stop) = (server.engine.clone(), stop.clone());
            async move {
                let told = story::tell(&engine, tenant, &stop).await;
                // Nobody listens any more, or it cannot go on.
                stop.cancel();
                told
            }
        });
        let remote = Remote { server: Some(server.url.clone()), token: Some(token), authority: None };
        let client = Client::new(&remote)?;
        let plan = Plan {
            devices: self.live,
            android: 55,
            rate: f64::from(self.live) / PACE,
            concurrency: 8,
            polls: self.live as usize,
            wait: 30,
            seed: self.seed,
        };
        let fleet = tokio::spawn({
            let (stop, tally) = (stop.clone(), Arc::new(Tally::new(self.live)));
            async move {
                if let Err(error) = simulate::run(&client, plan, tally, stop).await {
                    // Without phones there is still a server to look at.
                    eprintln!("{error:#}");
                }
            }
        });
        let ended = server.ended().await;
        fleet.await.context("the phones have failed")?;
        telling.await.context("the story has failed")??;
        ended
    }
}
