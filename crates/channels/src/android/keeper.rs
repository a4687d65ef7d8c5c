//! Keeps the devices of one enterprise as they should be: gives them their policies, hands commands over, takes in what
//! Google tells, and takes the management off those that leave.
//!
//! One node at a time does so. Nothing is lost when it is cut off: what a device was given is written down before, and
//! everything is looked at anew by whoever comes next.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use allclear_domain::{
    ids::{DeviceId, Tenant},
    time::Span,
};
use allclear_engine::{Engine, ingest::Fact};
use allclear_store::{
    android_devices::{self as stored, ManagedState},
    android_enterprise::{self, Holder},
    db::Tx,
};
use serde_json::json;
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use super::{
    Failure,
    client::{self, Client},
    look::{self, Next, Rest},
    schedule::{Looked, Schedule},
};

/// The shortest time between two requests to Google: 20 a second are well below what it grants a project.
const PACE: Duration = Duration::from_millis(50);
/// How long Google is left alone after it could not be asked, the first, second … time in a row, unless it says.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(60),
];
/// The longest pause Google may ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// How often a look at a device is followed by another at once.
const ROUNDS: u32 = 16;
/// Devices read at once when all are looked at.
pub(super) const STEP: i64 = 500;
/// How long a policy that nobody uses is kept.
pub(super) const UNUSED: Span = Span::days(1);

/// Who keeps the devices of one enterprise.
pub(super) struct Keeper {
    pub(super) engine: Engine,
    pub(super) tenant: Tenant,
    pub(super) client: Client,
    pub(super) holder: Holder,
    pub(super) way: Mutex<Way>,
    pub(super) news: mpsc::UnboundedSender<News>,
}

/// When Google may be asked.
#[derive(Debug, Default)]
pub(super) struct Way {
    next: Option<Instant>,
    failures: usize,
    /// How it is doing, as last written down.
    said: Option<String>,
}

/// Why it is looked at a device.
#[derive(Clone, Copy, Debug)]
pub(super) enum News {
    /// There may be something to do.
    Woken(DeviceId),
    /// It is to be asked for.
    Ask(DeviceId),
}

impl Keeper {
    /// Works until it is dropped.
    pub(super) async fn run(self: Arc<Self>, news: mpsc::UnboundedReceiver<News>) {
        tokio::join!(Arc::clone(&self).work(news), self.pull(), self.tidy(), self.start());
    }

    /// Has all devices looked at.
    async fn start(&self) {
        for state in [ManagedState::Managed, ManagedState::Leaving] {
            let mut after = None;
            loop {
                let tenant = self.tenant;
                let read = move |tx: &mut Tx<'_>| stored::list(tx, tenant, state, after, STEP);
                match self.engine.db().read(read).await {
                    Ok(found) if found.is_empty() => break,
                    Ok(found) => {
                        after = found.last().copied();
                        found.into_iter().for_each(|device| self.tell(News::Woken(device)));
                    }
                    Err(error) => {
                        tracing::warn!(error = &error as &dyn std::error::Error, "devices could not be looked at");
                        sleep(Duration::from_secs(5)).await;
                    }
                }
            }
        }
    }

    pub(super) fn tell(&self, news: News) {
        // Whoever works has ended: so will this.
        let _ = self.news.send(news);
    }

    async fn work(self: Arc<Self>, mut news: mpsc::UnboundedReceiver<News>) {
        let mut schedule = Schedule::default();
        let mut under_way: JoinSet<(DeviceId, Looked)> = JoinSet::new();
        let mut batch = Vec::new();
        loop {
            let next = schedule.next();
            tokio::select! {
                count = news.recv_many(&mut batch, 500) => {
                    if count == 0 {
                        return;
                    }
                    let known = self.known(&batch).await;
                    for one in batch.drain(..) {
                        let now = Instant::now();
                        match one {
                            News::Woken(device) if known.contains(&device) => schedule.wake(device, now),
                            News::Woken(_) => {}
                            News::Ask(device) => schedule.poll(device, now),
                        }
                    }
                }
                Some(done) = under_way.join_next() => match done {
                    Ok((device, looked)) => schedule.done(device, looked, Instant::now()),
                    Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "a look has failed"),
                },
                () = async { sleep_until(next.unwrap_or_else(Instant::now)).await }, if next.is_some() => {
                    while let Some((device, poll)) = schedule.take(Instant::now()) {
                        let keeper = Arc::clone(&self);
                        under_way.spawn(async move { (device, keeper.keep(device, poll).await) });
                    }
                }
            }
        }
    }

    /// Which of these devices Google manages.
    async fn known(&self, news: &[News]) -> HashSet<DeviceId> {
        let woken = news.iter().filter_map(|one| match one {
            News::Woken(device) => Some(*device),
            News::Ask(_) => None,
        });
        let (tenant, woken) = (self.tenant, woken.collect::<Vec<_>>());
        let among = woken.clone();
        let read = self.engine.db().read(move |tx| stored::among(tx, tenant, &among));
        // Looking in vain does no harm.
        read.await.unwrap_or(woken).into_iter().collect()
    }

    async fn keep(&self, device: DeviceId, poll: bool) -> Looked {
        match self.reconcile(device, poll).await {
            Ok(looked) => looked,
            Err(failure) => {
                let why = failure.to_string();
                tracing::info!(%device, why, "a device could not be kept as it should be");
                match failure {
                    Failure::Google(client::Error::Later { .. }) => Looked::Later,
                    Failure::Google(client::Error::Refused { .. }) => Looked::Refused,
                    Failure::Google(_) | Failure::Engine(_) => Looked::Failed,
                }
            }
        }
    }

    /// Brings a device closer to what it should be, until something has to be waited for.
    async fn reconcile(&self, device: DeviceId, poll: bool) -> Result<Looked, Failure> {
        let mut acted = false;
        if poll {
            self.ask_for(device).await?;
        }
        for _ in 0..ROUNDS {
            let Some(look) = look::look(&self.engine, self.tenant, device).await? else { return Ok(Looked::Gone) };
            match look.next.clone() {
                Next::Nobody => return Ok(Looked::Gone),
                Next::Outdated => self.submit(vec![Fact::Due(device)]).await?,
                Next::Issue(commands) => self.submit(vec![Fact::Delivered { device, commands }]).await?,
                Next::Facts(facts) => self.submit(facts).await?,
                Next::Command(waiting) => {
                    self.hand_over(&look.row, &waiting).await?;
                    acted = true;
                }
                Next::TakeBack(operation) => self.take_back(&operation).await?,
                Next::Assign(new) => {
                    self.assign(&look.row, *new).await?;
                    acted = true;
                }
                Next::Leave(parting) => return self.part(&look, parting).await,
                Next::Rest(Rest { pending, until }) => {
                    let now = self.engine.source().now();
                    let until = until.map(|at| Duration::from_micros(at.since(now).as_micros().max(0).unsigned_abs()));
                    return Ok(Looked::Rest { acted, pending, until });
                }
            }
        }
        Ok(Looked::Failed)
    }

    pub(super) async fn submit(&self, facts: Vec<Fact>) -> Result<(), Failure> {
        self.engine.submit(self.tenant, facts).await?;
        Ok(())
    }

    pub(super) async fn write<T: Send + 'static>(
        &self,
        write: impl Fn(&mut Tx<'_>) -> Result<T, allclear_store::Error> + Send + 'static,
    ) -> Result<T, Failure> {
        self.engine.db().write(write).await.map_err(|error| Failure::Engine(error.into()))
    }

    /// Asks Google when it is its turn, and remembers how that went.
    pub(super) async fn ask<T>(
        &self,
        question: impl Future<Output = Result<T, client::Error>>,
    ) -> Result<T, client::Error> {
        let at = {
            let mut way = self.way.lock().unwrap_or_else(PoisonError::into_inner);
            let at = way.next.unwrap_or_else(Instant::now).max(Instant::now());
            way.next = Some(at + PACE);
            at
        };
        sleep_until(at).await;
        let answer = question.await;
        let failure = match &answer {
            Err(client::Error::Later { reason, after }) => Some((reason.clone(), *after)),
            Err(client::Error::Permanent { reason }) => Some((reason.clone(), Some(PAUSES[4]))),
            Ok(_) | Err(client::Error::NotFound { .. } | client::Error::Refused { .. }) => None,
        };
        let said = {
            let mut way = self.way.lock().unwrap_or_else(PoisonError::into_inner);
            let said = match &failure {
                None => {
                    way.failures = 0;
                    json!({ "state": "connected" })
                }
                Some((reason, after)) => {
                    let pause = PAUSES.get(way.failures).copied().unwrap_or(PAUSES[4]);
                    let pause = after.map_or(pause, |after| after.clamp(pause, LONGEST_PAUSE));
                    way.failures += 1;
                    let rested = Instant::now() + pause;
                    way.next = Some(way.next.map_or(rested, |next| next.max(rested)));
                    json!({ "state": "failing", "why": reason })
                }
            }
            .to_string();
            (way.said.as_ref() != Some(&said)).then(|| way.said.insert(said).clone())
        };
        if let Some(said) = said {
            let (holder, now) = (self.holder.clone(), self.engine.source().now());
            if let Err(failure) = self.write(move |tx| android_enterprise::set_state(tx, &holder, &said, now)).await {
                tracing::debug!(why = failure.to_string(), "how Google is doing was not written down");
            }
        }
        answer
    }
}
