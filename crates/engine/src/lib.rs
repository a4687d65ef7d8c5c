//! The loop: facts come in, posture and journal go out, in one commit.
//!
//! [`Engine::submit`] is the one entry for facts about devices; concurrent callers share transactions. Everything else
//! that changes something goes through [`Engine::edit`]. This crate must not know HTTP, formats of sources, or how
//! devices and people are reached.

pub mod account_status;
pub mod admins;
pub mod android;
pub mod android_enterprise;
pub mod apple_mdm;
pub mod apple_mdm_settings;
mod built_in;
pub mod channels;
mod commit;
pub mod compose;
mod detected;
pub mod device_authority;
pub mod device_certificates;
pub mod device_commands;
pub mod devices;
pub mod digest;
pub mod directory;
pub mod enforcement;
mod error;
pub mod indicators;
pub mod ingest;
pub mod jobs;
pub mod messages_app;
pub mod notifications;
pub mod outbox;
mod posture_rules;
pub mod preview;
pub mod rules;
pub mod scheduler;
pub mod seal;
pub mod setup;
pub mod source;
pub mod templates;
pub mod threats;
pub mod trend;
pub mod verify;
mod wake;
pub mod work;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use allclear_domain::{
    ids::{DeviceId, Tenant},
    journal::Actor,
    rules::Rules,
};
use allclear_store::{
    db::{Db, Tx},
    tenants,
};

pub use crate::{
    error::{Error, Problem},
    wake::Call,
};
use crate::{
    ingest::{Fact, Outcome},
    seal::Sealer,
    source::Source,
    wake::Wake,
    work::{Committed, RulesCache, Work},
};

/// The engine. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct Engine {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    source: Arc<dyn Source>,
    sealer: Sealer,
    rules: Arc<RulesCache>,
    wake: Wake,
    queues: Vec<commit::Queue>,
    node: String,
    jobs: tokio::sync::Notify,
    scheduler: tokio::sync::Notify,
    providers: channels::Providers,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Engine")
    }
}

impl Engine {
    /// An engine over a database whose schema is up to date. Sets up an empty one: `Global` and one customer exist.
    ///
    /// Must be called within a tokio runtime. Jobs and schedules run once [`Engine::run`] does.
    pub async fn open(db: Db, source: Arc<dyn Source>, key: [u8; 32]) -> Result<Self, Error> {
        let rules: Arc<RulesCache> = Arc::new(RwLock::new(HashMap::new()));
        setup::first_start(&db, &source, &rules).await?;
        let (queues, receivers) = commit::queues(db.dialect());
        let node = source.id().to_string();
        let engine = Self {
            shared: Arc::new(Shared {
                db,
                source,
                sealer: Sealer::new(key),
                rules,
                wake: Wake::default(),
                queues,
                node,
                jobs: tokio::sync::Notify::new(),
                scheduler: tokio::sync::Notify::new(),
                providers: channels::Providers::default(),
            }),
        };
        commit::start(&engine, receivers);
        Ok(engine)
    }

    /// The database, for reading. Writing goes through [`Engine::submit`] and [`Engine::edit`].
    pub fn db(&self) -> &Db {
        &self.shared.db
    }

    /// The clock, ids and secrets.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.shared.source
    }

    /// Seals and opens secrets.
    pub fn sealer(&self) -> &Sealer {
        &self.shared.sealer
    }

    /// How those who take this node's messages are doing.
    pub fn providers(&self) -> &channels::Providers {
        &self.shared.providers
    }

    /// What a device's agent waits on for something to do.
    pub fn wake_for(&self, device: DeviceId) -> Arc<tokio::sync::Notify> {
        self.shared.wake.agents.of(device)
    }

    /// What a device's owner waits on for anything about the device to change.
    pub fn wake_owner(&self, device: DeviceId) -> Arc<tokio::sync::Notify> {
        self.shared.wake.owners.of(device)
    }

    /// Whether an agent of the device waits on this node for something to do.
    pub fn is_awaited(&self, device: DeviceId) -> bool {
        self.shared.wake.agents.has(device)
    }

    /// Waits for devices for which this node committed new messages or commands since the last call. For one reader;
    /// nothing is remembered before its first call.
    pub async fn calls(&self) -> BTreeMap<(Tenant, DeviceId), Call> {
        self.shared.wake.calls.take().await
    }

    /// Has it looked whether a device is to be woken from outside, though nothing was committed about it.
    pub(crate) fn call(&self, tenant: Tenant, device: DeviceId) {
        self.shared.wake.calls.call(tenant, device);
    }

    /// Has it looked what there is to do about a device by its platform's management, though nothing was committed about it.
    pub fn wake_management(&self, tenant: Tenant, device: DeviceId) {
        self.shared.wake.woken.call(tenant, device);
    }

    /// Waits for devices for which this node or, as far as it has noticed, another committed something new to do since the
    /// last call. For one reader; nothing is remembered before its first call.
    pub async fn woken(&self) -> BTreeSet<(Tenant, DeviceId)> {
        self.shared.wake.woken.take().await.into_keys().collect()
    }

    /// Resolves when a mail or text message was queued on this node since it was last waited for.
    pub async fn queued(&self) {
        self.shared.wake.outbox().notified().await;
    }

    /// What this node calls itself while it runs: whoever takes something in hand does so under this name.
    pub fn node(&self) -> &str {
        &self.shared.node
    }

    /// The position up to which a tenant's journal has been announced on this node, to wait on; -1 before the first.
    pub fn journal(&self, tenant: Tenant) -> tokio::sync::watch::Receiver<i64> {
        self.shared.wake.journal(tenant)
    }

    /// Hands facts in and returns, after the commit, what became of each, in order.
    pub async fn submit(&self, tenant: Tenant, facts: Vec<Fact>) -> Result<Vec<Outcome>, Error> {
        if facts.is_empty() {
            return Ok(Vec::new());
        }
        commit::submit(self, tenant, facts).await
    }

    /// Changes anything else in a transaction of its own. `change` may run more than once; only its last run counts.
    pub async fn edit<T: Send + 'static>(
        &self,
        tenant: Tenant,
        actor: Actor,
        change: impl Fn(&mut Work<'_, '_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.edit_at(tenant, actor, None, change).await
    }

    /// [`Engine::edit`] as of a time: for history that is written afterwards.
    pub async fn edit_at<T: Send + 'static>(
        &self,
        tenant: Tenant,
        actor: Actor,
        at: Option<allclear_domain::time::Time>,
        change: impl Fn(&mut Work<'_, '_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let (source, rules) = (Arc::clone(&self.shared.source), Arc::clone(&self.shared.rules));
        let result = self
            .shared
            .db
            .write(move |tx| {
                let now = at.unwrap_or_else(|| source.now());
                let mut work = Work::begin(tx, tenant, now, &*source, &rules, actor.clone())?;
                let value = change(&mut work)?;
                Ok::<_, Error>((value, work.finish()?))
            })
            .await;
        let (value, committed) = result?;
        self.committed(tenant, &committed);
        self.shared.jobs.notify_one();
        Ok(value)
    }

    /// Reads with the tenant's rules, in one consistent snapshot.
    pub async fn read<T: Send + 'static>(
        &self,
        tenant: Tenant,
        read: impl Fn(&mut Tx<'_>, &Rules) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let rules = Arc::clone(&self.shared.rules);
        self.shared
            .db
            .read(move |tx| {
                let row = tenants::get(tx, tenant)?.ok_or(Error::NotFound("organization group"))?;
                let rules = work::current_rules(tx, tenant, row, &rules)?;
                read(tx, &rules)
            })
            .await
    }

    /// The tenant's rules as this node loaded them last, if it did.
    pub fn cached_rules(&self, tenant: Tenant) -> Option<Arc<Rules>> {
        self.shared.rules.read().unwrap_or_else(PoisonError::into_inner).get(&tenant).cloned()
    }

    /// Runs jobs and schedules, and follows what other nodes commit, until `shutdown` resolves.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) {
        tokio::select! {
            () = shutdown => {}
            () = jobs::run(self) => {}
            () = scheduler::run(self) => {}
            () = trend::run(self) => {}
        }
    }

    fn committed(&self, tenant: Tenant, committed: &Committed) {
        self.shared.wake.announce(tenant, committed.from, committed.position);
        self.shared.wake.tell(tenant, committed);
        if committed.queued {
            self.shared.wake.outbox().notify_one();
        }
        for span in &committed.enforced {
            metrics::histogram!(enforcement::METRIC).record(Duration::from_micros(span.as_micros().unsigned_abs()));
        }
    }
}
