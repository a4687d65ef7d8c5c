//! One channel of one tenant: messages are taken in hand, handed over a few at a time, and what came of them is
//! recorded, many in one commit.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use allclear_domain::{
    ids::{NotificationId, Tenant},
    notification::{Channel, ProviderState, Transport},
    time::Span,
};
use allclear_engine::{
    Engine,
    outbox::{self, Attempted, Verdict},
};
use allclear_store::{logos, notifications::Notification};
use tokio::{
    sync::{Notify, Semaphore, mpsc, oneshot, watch},
    task::{Id, JoinHandle, JoinSet},
    time::{Instant, sleep, sleep_until},
};

use super::{
    Options,
    outage::{Doubt, Found, Outage},
    provider::{Provider, Sender},
};
use crate::outcome::Outcome;

/// The most messages recorded in one commit.
const BATCH: usize = 200;
/// The most messages taken in hand at once.
const MOST_IN_HAND: usize = 256;
/// How often and after what pause a record that could not be written is tried again.
const RECORD_TRIES: u32 = 20;
const RECORD_PAUSE: Duration = Duration::from_millis(500);
/// How long nothing more is taken in hand after nobody took anything, at first and at most.
const SHORTEST_LULL: Duration = Duration::from_secs(2);
const LONGEST_LULL: Duration = Duration::from_secs(10);

/// A channel of a tenant and who takes its messages.
pub(super) struct Lane {
    pub(super) engine: Engine,
    pub(super) tenant: Tenant,
    pub(super) channel: Channel,
    pub(super) provider: Provider,
    pub(super) options: Options,
}

/// What this node has in hand: taken, and not on record yet.
type InHand = Arc<Mutex<HashSet<NotificationId>>>;

/// An attempt, and whom to tell when it is on record.
type Done = (Attempted, oneshot::Sender<()>);

/// How the provider is doing, noted as long as the lane is at work.
#[derive(Clone)]
struct Health {
    engine: Engine,
    tenant: Tenant,
    transport: Option<Transport>,
    stop: watch::Receiver<bool>,
}

impl Health {
    fn note(&self, state: ProviderState, answer: &str) {
        if let Some(transport) = self.transport.filter(|_| !*self.stop.borrow()) {
            self.engine.providers().note(self.tenant, transport, state, answer, self.engine.source().now());
        }
    }
}

/// What those who send share.
#[derive(Clone)]
struct Sending {
    /// Places at the provider.
    places: Arc<Semaphore>,
    /// How many were put off in a row.
    in_a_row: Arc<AtomicUsize>,
    in_hand: InHand,
    done: mpsc::Sender<Done>,
    doubt: Doubt,
    health: Health,
}

impl Lane {
    /// Hands messages over until `stop` says so; then waits for those under way and gives back the others. `wake` says
    /// that something is due.
    pub(super) async fn run(self, wake: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        let limits = self.provider.limits();
        // Twice as many as the provider takes at once: some are put on record meanwhile. It is also the most that can be
        // sent twice when this node dies.
        let concurrency = limits.concurrency.max(1) * 2;
        let in_hand = InHand::default();
        let (done, recorder) = self.recorder(&in_hand);
        let mut outage = Outage::new();
        let sending = Sending {
            places: Arc::new(Semaphore::new(limits.concurrency.max(1))),
            in_a_row: Arc::default(),
            in_hand: Arc::clone(&in_hand),
            done,
            doubt: outage.doubt(),
            health: self.health(stop.clone()),
        };
        let mut sends: JoinSet<()> = JoinSet::new();
        let mut begun: HashMap<Id, NotificationId> = HashMap::new();
        let mut waiting: VecDeque<Notification> = VecDeque::new();
        let mut sender = Arc::new(Sender::default());
        let mut pace = Pace::new(limits.per_second);
        let mut renewed = Instant::now();
        let mut more = true;
        let mut lull = Lull::default();
        while !*stop.borrow() {
            lull.look(&sending.in_a_row, concurrency * 8);
            if more && !outage.is_on() && lull.is_over() && waiting.len() < concurrency {
                let room = (concurrency * 4).min(MOST_IN_HAND).saturating_sub(waiting.len());
                match self.claim(room, &mut sender).await {
                    Ok(claimed) => {
                        more = claimed.len() == room;
                        lock(&in_hand).extend(claimed.iter().map(|it| it.id));
                        waiting.extend(claimed);
                    }
                    Err(error) => {
                        // It is due still, so somebody is woken for it again.
                        more = false;
                        tracing::warn!(error = &error as &dyn std::error::Error, "no messages could be taken in hand");
                    }
                }
            }
            if renewed.elapsed() >= self.options.lease / 4 {
                renewed = self.renew(renewed, &in_hand, &mut waiting).await;
            }
            while sends.len() < concurrency && pace.is_ready() && !outage.is_on() {
                let Some(next) = waiting.pop_front() else { break };
                let id = next.id;
                let sent = self.send(next, Arc::clone(&sender), sending.clone());
                begun.insert(sends.spawn(sent).id(), id);
                pace.began();
            }
            let is_held_up = !waiting.is_empty() && sends.len() < concurrency && !outage.is_on();
            tokio::select! {
                _ = stop.changed() => {}
                () = wake.notified() => more = true,
                Some(ended) = sends.join_next_with_id() => ended_one(ended, &mut begun, &in_hand),
                found = outage.looked(&self.provider, &**self.engine.source()) => match found {
                    Ok(()) => {
                        sending.health.note(ProviderState::Ok, "it can be reached");
                        more = true;
                    }
                    Err(why) => {
                        sending.health.note(ProviderState::Unreachable, &why);
                        let left: Vec<NotificationId> = waiting.drain(..).map(|it| it.id).collect();
                        give_back(&self.engine, self.tenant, &in_hand, left).await;
                    }
                },
                () = sleep_until(pace.next()), if is_held_up => {}
                () = sleep_until(lull.until()), if more && !lull.is_over() => {}
                () = sleep(self.options.lease / 4), if !begun.is_empty() || !waiting.is_empty() => {}
            }
        }
        // Who asks it is told that there is nobody, and gives back.
        drop(outage);
        let left: Vec<NotificationId> = waiting.iter().map(|it| it.id).collect();
        give_back(&self.engine, self.tenant, &in_hand, left).await;
        let finish = async { while sends.join_next().await.is_some() {} };
        // What is under way longer than that is left to the end of its lease.
        let _ = tokio::time::timeout(self.options.finish, finish).await;
        sends.shutdown().await;
        drop(sending);
        let _ = recorder.await;
        self.provider.close().await;
    }

    async fn claim(&self, room: usize, sender: &mut Arc<Sender>) -> Result<Vec<Notification>, allclear_engine::Error> {
        let until = self.engine.source().now().plus(span(self.options.lease));
        let limit = i64::try_from(room).unwrap_or(1);
        let claimed = outbox::claim(&self.engine, self.tenant, self.channel, until, limit).await?;
        if !claimed.is_empty() {
            let tenant = self.tenant;
            let named = self.engine.read(tenant, move |tx, rules| {
                let logo = if rules.templates.logo { logos::get(tx, tenant)? } else { None };
                Ok(Sender { branding: rules.settings.branding.clone(), logo })
            });
            *sender = Arc::new(named.await?);
        }
        Ok(claimed)
    }

    /// Keeps what is in hand; what another node has taken is not begun any more. Returns when it was kept last.
    async fn renew(&self, before: Instant, in_hand: &InHand, waiting: &mut VecDeque<Notification>) -> Instant {
        let ids: Vec<NotificationId> = lock(in_hand).iter().copied().collect();
        let now = Instant::now();
        if ids.is_empty() {
            return now;
        }
        let until = self.engine.source().now().plus(span(self.options.lease));
        match outbox::renew(&self.engine, self.tenant, ids, until).await {
            Ok(kept) => {
                let kept: HashSet<NotificationId> = kept.into_iter().collect();
                waiting.retain(|it| kept.contains(&it.id));
                let begun = |id: &NotificationId| !waiting.iter().any(|it| it.id == *id);
                lock(in_hand).retain(|id| kept.contains(id) || begun(id));
                now
            }
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "messages in hand could not be kept");
                if before.elapsed() >= self.options.lease / 2 {
                    // They are as good as another node's.
                    let mut in_hand = lock(in_hand);
                    for lost in waiting.drain(..) {
                        in_hand.remove(&lost.id);
                    }
                }
                before
            }
        }
    }

    fn health(&self, stop: watch::Receiver<bool>) -> Health {
        Health { engine: self.engine.clone(), tenant: self.tenant, transport: Transport::of(self.channel), stop }
    }

    fn send(
        &self,
        notification: Notification,
        sender: Arc<Sender>,
        sending: Sending,
    ) -> impl Future<Output = ()> + Send + 'static {
        let (provider, engine, tenant) = (self.provider.clone(), self.engine.clone(), self.tenant);
        async move {
            let Sending { places, in_a_row, in_hand, done, doubt, health } = sending;
            let (at, answer) = loop {
                // Never closed.
                let place = places.acquire().await;
                let tried = if doubt.is_on() {
                    None
                } else {
                    let at = engine.source().now();
                    Some((at, provider.send(&notification, &sender).await))
                };
                drop(place);
                match tried {
                    Some((at, answer)) if answer.reached => break (at, answer),
                    tried => match (doubt.ask().await, tried) {
                        (Found::Nobody, _) => return give_back(&engine, tenant, &in_hand, vec![notification.id]).await,
                        // It was about the message, then.
                        (Found::Somebody, Some(tried)) => break tried,
                        (Found::Somebody, None) => {}
                    },
                }
            };
            let (provider, reached) = (answer.provider, answer.reached);
            let (verdict, answer) = verdict(answer.outcome);
            if reached {
                health.note(ProviderState::Ok, &answer);
            }
            match verdict {
                Verdict::Later { .. } => in_a_row.fetch_add(1, Ordering::Relaxed),
                _ => in_a_row.swap(0, Ordering::Relaxed),
            };
            let (recorded, on_record) = oneshot::channel();
            // The recorder listens as long as there is somebody to send.
            let _ = done.send((Attempted { notification, at, provider, verdict, answer }, recorded)).await;
            let _ = on_record.await;
        }
    }

    /// Records what comes of messages: whatever has come while the last commit was under way goes into the next.
    fn recorder(&self, in_hand: &InHand) -> (mpsc::Sender<Done>, JoinHandle<()>) {
        let (done, mut heard) = mpsc::channel::<Done>(BATCH);
        let (engine, tenant, in_hand) = (self.engine.clone(), self.tenant, Arc::clone(in_hand));
        let recorder = tokio::spawn(async move {
            let mut batch = Vec::with_capacity(BATCH);
            while heard.recv_many(&mut batch, BATCH).await > 0 {
                let (attempts, waiting): (Vec<Attempted>, Vec<_>) = batch.drain(..).unzip();
                let ids: Vec<NotificationId> = attempts.iter().map(|one| one.notification.id).collect();
                record(&engine, tenant, attempts).await;
                lock(&in_hand).retain(|id| !ids.contains(id));
                for recorded in waiting {
                    // Whoever waited may have been stopped.
                    let _ = recorded.send(());
                }
            }
        });
        (done, recorder)
    }
}

/// Gives messages back that were not tried, or reached nobody.
async fn give_back(engine: &Engine, tenant: Tenant, in_hand: &InHand, ids: Vec<NotificationId>) {
    lock(in_hand).retain(|id| !ids.contains(id));
    if ids.is_empty() {
        return;
    }
    if let Err(error) = outbox::release(engine, tenant, ids).await {
        // Their lease ends by itself.
        tracing::debug!(error = &error as &dyn std::error::Error, "messages were not given back");
    }
}

/// Writes a record, patiently: without it the messages would be sent again.
async fn record(engine: &Engine, tenant: Tenant, attempts: Vec<Attempted>) {
    for attempt in 1.. {
        match outbox::record(engine, tenant, attempts.clone()).await {
            Ok(()) => return,
            Err(error) if attempt < RECORD_TRIES => {
                tracing::warn!(error = &error as &dyn std::error::Error, "what came of messages is not on record yet");
                sleep(RECORD_PAUSE).await;
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "what came of messages is not on record");
                return;
            }
        }
    }
}

fn ended_one(
    ended: Result<(Id, ()), tokio::task::JoinError>,
    begun: &mut HashMap<Id, NotificationId>,
    in_hand: &InHand,
) {
    match ended {
        Ok((id, ())) => {
            begun.remove(&id);
        }
        Err(error) => {
            // Not on record, so it is let go: another attempt is made when its lease ends.
            if let Some(id) = begun.remove(&error.id()) {
                lock(in_hand).remove(&id);
            }
            tracing::error!(error = &error as &dyn std::error::Error, "an attempt to send a message has failed");
        }
    }
}

fn verdict(outcome: Outcome) -> (Verdict, String) {
    match outcome {
        Outcome::Accepted { message_id, answer } => (Verdict::Sent { message_id }, answer),
        Outcome::Deferred { answer, retry_after } => (Verdict::Later { retry_after: retry_after.map(span) }, answer),
        Outcome::Refused { answer } => (Verdict::Refused, answer),
        Outcome::Gone { answer } => (Verdict::Gone, answer),
    }
}

fn span(duration: Duration) -> Span {
    Span::micros(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

fn lock(in_hand: &InHand) -> std::sync::MutexGuard<'_, HashSet<NotificationId>> {
    in_hand.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A pause while nobody takes anything, so that a relay that is down costs an attempt now and then and not one of each
/// message that waits.
struct Lull {
    until: Instant,
    length: Duration,
}

impl Default for Lull {
    fn default() -> Self {
        Self { until: Instant::now(), length: SHORTEST_LULL }
    }
}

impl Lull {
    /// Begins a pause when many in a row were put off, longer each time.
    fn look(&mut self, in_a_row: &AtomicUsize, many: usize) {
        match in_a_row.load(Ordering::Relaxed) {
            0 => self.length = SHORTEST_LULL,
            count if count >= many => {
                in_a_row.store(1, Ordering::Relaxed);
                self.until = Instant::now() + self.length;
                self.length = (self.length * 2).min(LONGEST_LULL);
            }
            _ => {}
        }
    }

    fn is_over(&self) -> bool {
        self.until <= Instant::now()
    }

    fn until(&self) -> Instant {
        self.until
    }
}

/// How fast messages may be begun.
struct Pace {
    gap: Option<Duration>,
    next: Instant,
}

impl Pace {
    fn new(per_second: u16) -> Self {
        let gap = (per_second > 0).then(|| Duration::from_secs(1) / u32::from(per_second));
        Self { gap, next: Instant::now() }
    }

    fn is_ready(&self) -> bool {
        self.gap.is_none() || self.next <= Instant::now()
    }

    fn next(&self) -> Instant {
        self.next
    }

    fn began(&mut self) {
        if let Some(gap) = self.gap {
            self.next = self.next.max(Instant::now()) + gap;
        }
    }
}
