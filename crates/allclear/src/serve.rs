//! `allclear serve`: the server itself.

use std::{process::ExitCode, sync::Arc};

use allclear_channels::{
    android,
    delivery::{self, Outgoing},
    push::worker,
};
use allclear_connectors::{
    indicators,
    supervisor::{self, SupervisorOptions},
};
use allclear_engine::{
    Engine,
    source::{Source, SystemSource},
};
use allclear_server::{
    app::{self, AppState},
    ops,
};
use allclear_store::{tenants, tokens};
use anyhow::{Context, Result, anyhow};
use clap::Args;
use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::{
    admins,
    config::{self, Config},
    home, logging, output,
    place::{self, Opened, Place, Schema},
    signals,
};

/// Run the server
///
/// An empty data directory works at once: the database and the key are made in it. The server prints the URL it listens
/// on and, while there is no administrator, a one-time link by which somebody becomes the first. It ends in order on
/// SIGTERM or Ctrl-C. Make the first API token with `allclear token create`.
#[derive(Args, Debug)]
pub struct Serve {
    /// Address and port to listen on; port 0 takes any free one [default: 127.0.0.1:8080] [environment: ALLCLEAR_LISTEN]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// The URL under which people and devices reach the server [environment: ALLCLEAR_PUBLIC_URL]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Do not bring the database's schema up to date; fail if it is not
    #[arg(long)]
    no_migrate: bool,
    #[command(flatten)]
    place: Place,
}

impl Serve {
    /// Runs until the process is told to stop.
    pub async fn run(self) -> Result<ExitCode> {
        let mut sources = self.place.sources();
        sources.flags.extend(self.listen.map(|value| ("listen", value)));
        sources.flags.extend(self.public_url.map(|value| ("public_url", value)));
        let reading = config::read(&sources);
        let config = config::load(&sources)?;
        logging::start(&config.log)?;
        for warning in reading.warnings {
            tracing::warn!("{warning}");
        }
        let schema = if self.no_migrate { Schema::Expect } else { Schema::Migrate };
        let told = signals::stop();
        let server = Server::start(&config, schema).await?;
        output::line(format!("listening on {}", server.url))?;
        let base_url = if config.public_url.is_empty() { &server.url } else { &config.public_url };
        if let Some(link) = admins::first_start_link(&server.engine, base_url).await? {
            // Whoever read the line above may have gone since.
            let _ = output::line(format!("There is no administrator yet. Good once, for a day:\n{link}"));
        }
        let stop = server.stop.clone();
        tokio::spawn(async move {
            told.await;
            tracing::info!("stopping");
            stop.cancel();
        });
        server.ended().await?;
        Ok(ExitCode::SUCCESS)
    }
}

/// A running server.
pub struct Server {
    /// Where it listens, without a slash at the end.
    pub url: String,
    /// Its engine.
    pub engine: Engine,
    /// Cancel it to stop the server.
    pub stop: CancellationToken,
    /// What runs until then.
    parts: Vec<(&'static str, JoinHandle<()>)>,
}

impl Server {
    /// Opens everything and begins to serve. The socket is taken first, so that a port in use changes nothing.
    pub async fn start(config: &Config, schema: Schema) -> Result<Server> {
        let listener =
            TcpListener::bind(&config.listen).await.with_context(|| format!("cannot listen on {}", config.listen))?;
        let url = format!("http://{}", listener.local_addr()?);
        let Opened { db, key } = place::open(config, schema).await?;
        if home::others(&home::key_path(&config.data_dir))? != 0 {
            tracing::warn!("{} can be read by others; `allclear doctor` says more", home::KEY);
        }
        let kind = place::dialect(&db);
        let source: Arc<dyn Source> = Arc::new(SystemSource);
        let engine = Engine::open(db, source, key).await?;
        if !has_tokens(&engine).await? {
            tracing::info!(
                "there is no API token yet; make one: allclear token create --data-dir {} --role administrator --name \
                 NAME",
                config.data_dir.display()
            );
        }
        let state = AppState::new(engine.clone(), config.server_options()?, ops::install_metrics()?);
        let stop = state.stopping.clone();
        let router = app::router(state);

        let outgoing = Outgoing::new(config.allow_list()?, config.server_options()?.public_url)?;

        let serving = tokio::spawn(allclear_server::serve::serve(listener, router, stop.clone().cancelled_owned()));
        let running = {
            let (engine, stop) = (engine.clone(), stop.clone());
            tokio::spawn(async move { engine.run(stop.cancelled_owned()).await })
        };
        let reading = {
            let (engine, stop, feeds) = (engine.clone(), stop.clone(), outgoing.http.clone());
            tokio::spawn(supervisor::run(engine, feeds, SupervisorOptions::default(), stop.cancelled_owned()))
        };
        let comparing = {
            let (engine, stop, http) = (engine.clone(), stop.clone(), outgoing.http.clone());
            let options = indicators::Options { folder: config.indicators_folder(), ..indicators::Options::default() };
            tokio::spawn(indicators::run(engine, http, options, stop.cancelled_owned()))
        };
        let calling = {
            let (engine, stop, outgoing) = (engine.clone(), stop.clone(), outgoing.clone());
            tokio::spawn(worker::run(engine, outgoing, stop.cancelled_owned()))
        };
        let sending = {
            let (engine, stop) = (engine.clone(), stop.clone());
            tokio::spawn(delivery::run(engine, outgoing, delivery::Options::default(), stop.cancelled_owned()))
        };
        let keeping = {
            let (engine, stop, allow) = (engine.clone(), stop.clone(), config.allow_list()?);
            tokio::spawn(android::worker::run(engine, allow, stop.cancelled_owned()))
        };
        let parts = vec![
            ("the HTTP server", serving),
            ("the engine", running),
            ("the reader of threat feeds", reading),
            ("the reader of indicator sets", comparing),
            ("the sender of messages", sending),
            ("the caller of devices", calling),
            ("the keeper of Android devices", keeping),
        ];
        tracing::info!(url, database = kind, version = env!("CARGO_PKG_VERSION"), "the server is up");
        Ok(Server { url, engine, stop, parts })
    }

    /// Waits until the server was stopped and all is written; an error if a part of it ended by itself.
    pub async fn ended(self) -> Result<()> {
        let mut failure = None;
        // The first to end says why; the others follow.
        let mut parts: FuturesUnordered<_> =
            self.parts.into_iter().map(|(name, part)| async move { (name, part.await) }).collect();
        while let Some((name, ended)) = parts.next().await {
            let asked = self.stop.is_cancelled();
            let failed = match ended {
                Ok(()) if asked => None,
                Ok(()) => Some(anyhow!("{name} has ended")),
                Err(error) => Some(anyhow!(error).context(format!("{name} has failed"))),
            };
            failure = failure.or(failed);
            self.stop.cancel();
        }
        self.engine.db().close().await;
        tracing::info!("the server has stopped");
        failure.map_or(Ok(()), Err)
    }
}

async fn has_tokens(engine: &Engine) -> Result<bool> {
    let any = engine.db().read(|tx| {
        for tenant in tenants::list(tx)? {
            if tokens::count(tx, tenant)? > 0 {
                return Ok(true);
            }
        }
        Ok::<_, allclear_store::Error>(false)
    });
    Ok(any.await?)
}
