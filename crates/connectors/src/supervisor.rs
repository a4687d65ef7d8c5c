//! Keeps every threat feed that is switched on read by exactly one node, and hands what it brings to the engine.
//!
//! A node takes a lease on a feed, renews it while it reads, and gives it back when it stops; another node takes over
//! what a dead one left. What is set is looked at every few seconds, so that a change takes effect wherever the feed is
//! read. Must not know any vendor's format beyond choosing its client.

use std::{collections::HashMap, time::Duration};

use allclear_domain::{
    detection::{Notice, SourceEvent},
    ids::Tenant,
    time::{Span, Time},
};
use allclear_engine::{
    Engine, Error,
    ingest::{Fact, UnknownDevice},
};
use allclear_guard::{AllowList, GuardedClient};
use allclear_store::integrations::{self, Integration, Reader};
use reqwest::Url;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{sleep, timeout},
};
use uuid::Uuid;

use crate::{
    feed::{FeedState, Sink, SinkError},
    lookout::{self, ApplicationKey, Limits, LookoutConfig},
};

/// How feeds are kept.
#[derive(Clone, Debug)]
pub struct SupervisorOptions {
    /// How often it is looked what is set. Default 2 s.
    pub look: Duration,
    /// How long a node keeps a feed without a sign of life. Default 30 s.
    pub lease: Span,
    /// Times and sizes of the connections.
    pub limits: Limits,
}

impl Default for SupervisorOptions {
    fn default() -> Self {
        Self { look: Duration::from_secs(2), lease: Span::seconds(30), limits: Limits::default() }
    }
}

/// How far back a feed is read that is new: it goes back 10 days.
const HISTORY: Span = Span::days(9);
/// How long a reader has to end.
const END: Duration = Duration::from_secs(5);
/// The longest base URL, in bytes.
const URL: usize = 500;

/// Reads the address of a feed, or says what is wrong with it. Where its name leads is only known when it is used.
pub fn base_url(text: &str, allow: &AllowList) -> Result<Url, String> {
    let url = match Url::parse(text) {
        Ok(url) if text.len() <= URL => url,
        Ok(_) => return Err(format!("must be at most {URL} bytes")),
        Err(error) => return Err(format!("is no URL: {error}")),
    };
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("must have neither user, password, query nor fragment".to_owned());
    }
    allow.check(&url).map_err(|refused| refused.to_string())?;
    Ok(url)
}

/// Reads all feeds that are switched on and that no other node reads, until `shutdown` is ready; then gives them back.
pub async fn run(
    engine: Engine,
    http: GuardedClient,
    options: SupervisorOptions,
    shutdown: impl Future<Output = ()> + Send,
) {
    let node = engine.source().id().to_string();
    let mut supervisor = Supervisor { engine, http, options, node, readers: HashMap::new() };
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        if let Err(error) = supervisor.look().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the threat feeds could not be looked at");
        }
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            () = sleep(supervisor.options.look) => {}
        }
    }
    let readers: Vec<Running> = supervisor.readers.drain().map(|(_, running)| running).collect();
    for running in readers {
        running.end().await;
    }
}

struct Supervisor {
    engine: Engine,
    http: GuardedClient,
    options: SupervisorOptions,
    node: String,
    readers: HashMap<(Tenant, Uuid), Running>,
}

/// A feed that this node reads.
struct Running {
    version: i64,
    lease_until: Time,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Stops reading, and waits until the feed is given back.
    async fn end(self) {
        // It may have ended already.
        let _ = self.stop.send(());
        let mut task = self.task;
        if timeout(END, &mut task).await.is_err() {
            task.abort();
        }
    }
}

impl Supervisor {
    /// Makes what is read what should be.
    async fn look(&mut self) -> Result<(), Error> {
        let looked = self.engine.db().read(|tx| Ok::<_, Error>(integrations::enabled(tx)?)).await;
        let now = self.engine.source().now();
        let feeds = match looked {
            Ok(feeds) => feeds,
            Err(error) => {
                // Without the database nothing can be renewed: another node may have it by now.
                self.end_where(|running| running.lease_until <= now).await;
                return Err(error);
            }
        };
        let wanted: HashMap<(Tenant, Uuid), i64> =
            feeds.iter().map(|feed| ((feed.tenant, feed.id), feed.version)).collect();
        let gone: Vec<(Tenant, Uuid)> = self
            .readers
            .iter()
            .filter(|(key, running)| wanted.get(key) != Some(&running.version) || running.task.is_finished())
            .map(|(key, _)| *key)
            .collect();
        for key in gone {
            self.end(key).await;
        }
        for feed in feeds {
            self.keep(feed, now).await?;
        }
        Ok(())
    }

    /// Takes a feed, or renews the lease on it.
    async fn keep(&mut self, feed: Integration, now: Time) -> Result<(), Error> {
        let key = (feed.tenant, feed.id);
        let until = now.plus(self.options.lease);
        match self.readers.get(&key) {
            Some(running) if running.lease_until.since(now).as_micros() > self.options.lease.as_micros() / 2 => {
                return Ok(());
            }
            None if feed.lease_owner.is_some() && feed.lease_until > now => return Ok(()),
            _ => {}
        }
        let reader = Reader { tenant: feed.tenant, id: feed.id, node: self.node.clone(), version: feed.version };
        let asked = reader.clone();
        let taken =
            self.engine.db().write(move |tx| Ok::<_, Error>(integrations::lease(tx, &asked, now, until)?)).await?;
        match (taken, self.readers.get_mut(&key)) {
            (true, Some(running)) => running.lease_until = until,
            (true, None) => {
                let running = self.start(feed, reader, until, now);
                self.readers.insert(key, running);
            }
            (false, _) => self.end(key).await,
        }
        Ok(())
    }

    async fn end(&mut self, key: (Tenant, Uuid)) {
        if let Some(running) = self.readers.remove(&key) {
            running.end().await;
        }
    }

    async fn end_where(&mut self, condition: impl Fn(&Running) -> bool) {
        let keys: Vec<(Tenant, Uuid)> =
            self.readers.iter().filter(|(_, running)| condition(running)).map(|(key, _)| *key).collect();
        for key in keys {
            self.end(key).await;
        }
    }

    fn start(&self, feed: Integration, reader: Reader, lease_until: Time, now: Time) -> Running {
        let (stop, stopped) = oneshot::channel::<()>();
        let (engine, http, limits) = (self.engine.clone(), self.http.clone(), self.options.limits.clone());
        let version = feed.version;
        let task = tokio::spawn(async move {
            // Stopped too when the supervisor is dropped.
            let stopped = async {
                let _ = stopped.await;
            };
            read(&engine, http, limits, feed, &reader, now, stopped).await;
            let released = engine.db().write(move |tx| Ok::<_, Error>(integrations::release(tx, &reader)?)).await;
            if let Err(error) = released {
                tracing::debug!(error = &error as &dyn std::error::Error, "a threat feed was not given back");
            }
        });
        Running { version, lease_until, stop, task }
    }
}

/// Reads a feed until it is stopped.
async fn read(
    engine: &Engine,
    http: GuardedClient,
    limits: Limits,
    feed: Integration,
    reader: &Reader,
    now: Time,
    stopped: impl Future<Output = ()> + Send,
) {
    let (states, heard) = mpsc::unbounded_channel();
    let sink = EngineSink { engine: engine.clone(), reader: reader.clone(), states };
    let config =
        engine.sealer().open(feed.tenant, &feed.sealed_key).map_err(|error| error.to_string()).and_then(|key| {
            let base_url = Url::parse(&feed.base_url).map_err(|error| error.to_string())?;
            let start = Some(now.minus(HISTORY));
            Ok(LookoutConfig { start, limits, ..LookoutConfig::new(base_url, ApplicationKey::new(key)) })
        });
    let reading = async {
        match config {
            Ok(config) => lookout::run(config, http, sink, stopped).await,
            Err(why) => {
                // Nothing can be done until somebody sets it anew.
                sink.health(FeedState::Unauthorised { why, retry_in: Duration::ZERO });
                stopped.await;
                drop(sink);
            }
        }
    };
    tokio::join!(reading, write_states(engine, reader, heard));
}

/// Writes down how the feed is doing, at every change.
async fn write_states(engine: &Engine, reader: &Reader, mut heard: mpsc::UnboundedReceiver<FeedState>) {
    let mut last: Option<(std::mem::Discriminant<FeedState>, Time)> = None;
    while let Some(state) = heard.recv().await {
        let now = engine.source().now();
        let kind = std::mem::discriminant(&state);
        let since = last.filter(|(before, _)| *before == kind).map_or(now, |(_, since)| since);
        last = Some((kind, since));
        if let FeedState::PositionLost { position, why } = &state {
            tell_of_gap(engine, reader, position, why).await;
        }
        let (reader, text) = (reader.clone(), serde_json::to_string(&state).unwrap_or_default());
        let written = engine.db().write(move |tx| Ok::<_, Error>(integrations::set_state(tx, &reader, &text, since)?));
        if let Err(error) = written.await {
            tracing::debug!(error = &error as &dyn std::error::Error, "the state of a threat feed was not written");
        }
    }
}

/// Has the journal say that events may be missing.
async fn tell_of_gap(engine: &Engine, reader: &Reader, position: &str, why: &str) {
    let notice = Notice {
        event_id: format!("position-lost-{}", engine.source().id()),
        source: lookout::SOURCE.to_owned(),
        at: engine.source().now(),
        summary: format!("The feed no longer knows the position {position}: events may be missing. {why}"),
        details: serde_json::Map::new(),
    };
    let fact = Fact::Source { event: SourceEvent::Notice(notice), unknown_device: UnknownDevice::Wait };
    if let Err(error) = engine.submit(reader.tenant, vec![fact]).await {
        tracing::warn!(error = &error as &dyn std::error::Error, "a lost position was not noted in the journal");
    }
}

/// Hands the events of one feed to the engine.
struct EngineSink {
    engine: Engine,
    reader: Reader,
    states: mpsc::UnboundedSender<FeedState>,
}

/// Events handed to the engine at once, and how long to wait when it is busy.
const BATCH: usize = 256;
const PAUSE: Duration = Duration::from_millis(250);
const ATTEMPTS: u32 = 20;

impl EngineSink {
    async fn submit(&self, events: &[SourceEvent]) -> Result<(), SinkError> {
        for attempt in 1.. {
            let fact = |event: &SourceEvent| Fact::Source { event: event.clone(), unknown_device: UnknownDevice::Wait };
            match self.engine.submit(self.reader.tenant, events.iter().map(fact).collect()).await {
                Ok(_) => return Ok(()),
                Err(Error::Busy) if attempt < ATTEMPTS => sleep(PAUSE).await,
                Err(error) => return Err(SinkError::new(error)),
            }
        }
        Ok(())
    }
}

impl Sink for EngineSink {
    async fn position(&self) -> Result<Option<String>, SinkError> {
        let reader = self.reader.clone();
        let read = self.engine.db().read(move |tx| Ok::<_, Error>(integrations::get(tx, reader.tenant, reader.id)?));
        let feed = read.await.map_err(SinkError::new)?;
        feed.map(|feed| feed.position).ok_or_else(|| SinkError::new("the integration was deleted"))
    }

    async fn deliver(&self, events: Vec<SourceEvent>, position: Option<String>) -> Result<(), SinkError> {
        for batch in events.chunks(BATCH) {
            self.submit(batch).await?;
        }
        let Some(position) = position else { return Ok(()) };
        let reader = self.reader.clone();
        let write =
            self.engine.db().write(move |tx| Ok::<_, Error>(integrations::set_position(tx, &reader, &position)?));
        if write.await.map_err(SinkError::new)? {
            return Ok(());
        }
        Err(SinkError::new("the feed was changed, or another node reads it"))
    }

    fn health(&self, state: FeedState) {
        // Nobody listens any more when the reader ends.
        let _ = self.states.send(state);
    }
}
