//! Takes messages out of the outbox and hands them to providers: a lane for each channel that a tenant has set up.
//!
//! Every node does so, and none does what another has in hand. A message queued on this node is looked at once; those
//! of other nodes, retries and what dead nodes left are looked for every second.

mod lane;
mod outage;
mod provider;
mod test;

use std::{collections::HashMap, sync::Arc, time::Duration};

use allclear_domain::{
    ids::Tenant,
    notification::{Channel, ProviderState, Transport},
    time::Time,
};
use allclear_engine::{Engine, Error, channels};
use allclear_store::{channel_settings, outbox, tenants};
use lane::Lane;
pub use provider::{Limits, Outgoing, Provider, Sender};
pub(crate) use test::tested;
pub use test::{Tested, TestedOutcome, test};
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, JoinSet},
    time::{Instant, sleep},
};

/// How messages are handed over.
#[derive(Clone, Debug)]
pub struct Options {
    /// How often it is looked what is due and what is set up. Default 1 s.
    pub look: Duration,
    /// How long a message stays in a node's hand without a sign of life. Default 20 s.
    pub lease: Duration,
    /// How long messages under way have to end when the server stops. Default 10 s.
    pub finish: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { look: Duration::from_secs(1), lease: Duration::from_secs(20), finish: Duration::from_secs(10) }
    }
}

/// How often what waits is counted for the metrics.
const COUNT: Duration = Duration::from_secs(10);

/// Messages that wait to be sent, by channel.
pub const QUEUED: &str = "allclear_notifications_queued";
/// The age of the oldest message that waits, in seconds, by channel.
pub const OLDEST: &str = "allclear_notifications_oldest_age";
/// Tenants whose messages cannot be sent, because their provider cannot be reached or used, by channel.
pub const FAILING: &str = "allclear_channels_failing";

/// Hands messages over until `shutdown` is ready; then ends what is under way and gives back the rest.
pub async fn run(engine: Engine, outgoing: Outgoing, options: Options, shutdown: impl Future<Output = ()> + Send) {
    let mut delivery =
        Delivery { engine: engine.clone(), outgoing, options, lanes: HashMap::new(), ending: JoinSet::new() };
    let mut shutdown = std::pin::pin!(shutdown);
    let mut counted: Option<Instant> = None;
    loop {
        if let Err(error) = delivery.look().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the outbox could not be looked at");
        }
        if counted.is_none_or(|last| last.elapsed() >= COUNT) {
            counted = Some(Instant::now());
            if let Err(error) = count(&engine).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "what waits could not be counted");
            }
        }
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            () = engine.queued() => {}
            () = sleep(delivery.options.look) => {}
        }
    }
    delivery.end(|_, _| true);
    while delivery.ending.join_next().await.is_some() {}
}

struct Delivery {
    engine: Engine,
    outgoing: Outgoing,
    options: Options,
    lanes: HashMap<(Tenant, Channel), Running>,
    /// Lanes that were told to stop: what they have under way comes to its end beside their successors.
    ending: JoinSet<()>,
}

/// A lane at work, or the settings that make none.
struct Running {
    version: i64,
    wake: Arc<Notify>,
    stop: watch::Sender<bool>,
    task: Option<JoinHandle<()>>,
}

impl Delivery {
    /// Makes the lanes what they should be, and wakes those with something due.
    async fn look(&mut self) -> Result<(), Error> {
        let enabled = self.engine.db().read(|tx| Ok::<_, Error>(channel_settings::enabled(tx)?)).await?;
        let wanted: HashMap<(Tenant, Channel), i64> = enabled
            .into_iter()
            .filter_map(|(tenant, transport, version)| Some(((tenant, transport.channel()?), version)))
            .collect();
        self.end(|key, running| {
            let died = running.task.as_ref().is_some_and(JoinHandle::is_finished);
            wanted.get(key) != Some(&running.version) || died
        });
        while self.ending.try_join_next().is_some() {}
        for (key, version) in wanted {
            if !self.lanes.contains_key(&key) {
                let lane = self.start(key, version).await?;
                self.lanes.insert(key, lane);
            }
        }
        let keys: Vec<(Tenant, Channel)> = self.lanes.keys().copied().collect();
        let due = self.engine.db().read(move |tx| {
            let next = |(tenant, channel): &(Tenant, Channel)| outbox::next_due(tx, *tenant, *channel);
            let times: Result<Vec<Option<Time>>, _> = keys.iter().map(next).collect();
            Ok::<_, Error>(keys.iter().copied().zip(times?).collect::<Vec<_>>())
        });
        let due = due.await?;
        let now = self.engine.source().now();
        for (key, at) in due {
            if at.is_some_and(|at| at <= now)
                && let Some(running) = self.lanes.get(&key)
            {
                running.wake.notify_one();
            }
        }
        Ok(())
    }

    async fn start(&self, (tenant, channel): (Tenant, Channel), version: i64) -> Result<Running, Error> {
        let (wake, (stop, stopped)) = (Arc::new(Notify::new()), watch::channel(false));
        let sealer = self.engine.sealer().clone();
        let transport = Transport::of(channel);
        let read = self.engine.db().read(move |tx| {
            let Some(transport) = transport else { return Ok(None) };
            channels::get(tx, &sealer, tenant, transport)
        });
        let opened = match read.await {
            Ok(Some(setting)) => Provider::open(&setting, &self.outgoing, &self.engine, tenant),
            Ok(None) => Err("it is not set up".to_owned()),
            Err(Error::Sealed) => Err(Error::Sealed.to_string()),
            Err(error) => return Err(error),
        };
        let task = match opened {
            Ok(provider) => {
                let (engine, options) = (self.engine.clone(), self.options.clone());
                let lane = Lane { engine, tenant, channel, provider, options };
                Some(tokio::spawn(lane.run(Arc::clone(&wake), stopped)))
            }
            Err(why) => {
                // Until somebody sets it up anew.
                if let Some(transport) = transport {
                    let now = self.engine.source().now();
                    self.engine.providers().note(tenant, transport, ProviderState::Unusable, &why, now);
                }
                None
            }
        };
        Ok(Running { version, wake, stop, task })
    }

    /// Tells the lanes of which `condition` says so to stop.
    fn end(&mut self, condition: impl Fn(&(Tenant, Channel), &Running) -> bool) {
        for (key, running) in self.lanes.extract_if(|key, running| condition(key, running)) {
            running.stop.send_replace(true);
            if let Some(transport) = Transport::of(key.1) {
                self.engine.providers().forget(key.0, transport);
            }
            let Some(task) = running.task else { continue };
            self.ending.spawn(async move {
                if let Err(error) = task.await {
                    tracing::error!(error = &error as &dyn std::error::Error, "the sending of messages has failed");
                }
            });
        }
    }
}

/// Counts what waits, of all tenants.
async fn count(engine: &Engine) -> Result<(), Error> {
    let now = engine.source().now();
    for channel in [Channel::Email, Channel::Sms] {
        let counted = engine.db().read(move |tx| {
            let (mut queued, mut oldest) = (0, None::<Time>);
            for tenant in tenants::list(tx)? {
                let backlog = outbox::backlog(tx, tenant, channel)?;
                queued += backlog.queued;
                oldest = [oldest, backlog.oldest].into_iter().flatten().min();
            }
            Ok::<_, Error>((queued, oldest))
        });
        let (queued, oldest) = counted.await?;
        let transport = Transport::of(channel);
        let label = transport.map_or("", Transport::as_str);
        let failing = transport.map_or(0, |transport| engine.providers().failing(transport));
        metrics::gauge!(FAILING, "channel" => label).set(f64::from(u32::try_from(failing).unwrap_or(u32::MAX)));
        let seconds = oldest.map_or(0, |oldest| now.since(oldest).as_seconds().max(0));
        metrics::gauge!(QUEUED, "channel" => label).set(f64::from(u32::try_from(queued).unwrap_or(u32::MAX)));
        metrics::gauge!(OLDEST, "channel" => label).set(f64::from(u32::try_from(seconds).unwrap_or(u32::MAX)));
    }
    Ok(())
}
