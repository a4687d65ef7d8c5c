//! Keeps the Android devices of all enterprises: each is one node's work, which takes a lease on it and gives it back when
//! it stops; another takes over what a dead one left. What is set is looked at every few seconds.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex},
    time::Duration,
};

use allclear_domain::{
    ids::Tenant,
    time::{Span, Time},
};
use allclear_engine::{Engine, Error, android_enterprise};
use allclear_guard::AllowList;
use allclear_store::android_enterprise::{self as stored, Holder};
use tokio::{sync::mpsc, task::JoinHandle, time::sleep};

use super::{
    client::Client,
    keeper::{Keeper, News, Way},
    read_settings,
};

/// How often it is looked what is set.
const LOOK: Duration = Duration::from_secs(2);
/// How long a node keeps an enterprise without a sign of life.
const LEASE: Span = Span::seconds(10);

/// Keeps the devices of all enterprises that no other node keeps, until `shutdown`; then gives them back.
pub async fn run(engine: Engine, allow: AllowList, shutdown: impl Future<Output = ()> + Send) {
    let node = engine.source().id().to_string();
    let mut worker = Worker { engine: engine.clone(), allow, node, running: HashMap::new() };
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        if let Err(error) = worker.look().await {
            tracing::warn!(error = &error as &dyn std::error::Error, "the Android enterprises could not be looked at");
        }
        let again = sleep(LOOK);
        tokio::pin!(again);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => {
                    worker.end_where(|_| true).await;
                    return;
                }
                () = &mut again => break,
                woken = engine.woken() => {
                    for (tenant, device) in woken {
                        if let Some(Running { keeper: Some((news, _)), .. }) = worker.running.get(&tenant) {
                            // It may have ended: whoever comes next looks at all devices.
                            let _ = news.send(News::Woken(device));
                        }
                    }
                }
            }
        }
    }
}

struct Worker {
    engine: Engine,
    allow: AllowList,
    node: String,
    running: HashMap<Tenant, Running>,
}

/// An enterprise that this node keeps, or settings that make none.
struct Running {
    holder: Holder,
    lease_until: Time,
    keeper: Option<(mpsc::UnboundedSender<News>, JoinHandle<()>)>,
}

impl Worker {
    /// Makes what is kept what should be.
    async fn look(&mut self) -> Result<(), Error> {
        let looked = self.engine.db().read(|tx| Ok::<_, Error>(stored::tenants(tx)?)).await;
        let now = self.engine.source().now();
        let wanted: BTreeMap<Tenant, i64> = match looked {
            Ok(tenants) => tenants.into_iter().collect(),
            Err(error) => {
                // Without the database nothing can be renewed: another node may have it by now.
                self.end_where(|running| running.lease_until <= now).await;
                return Err(error);
            }
        };
        let is_over = |running: &Running| {
            let died = running.keeper.as_ref().is_some_and(|(_, task)| task.is_finished());
            died || wanted.get(&running.holder.tenant) != Some(&running.holder.version)
        };
        self.end_where(is_over).await;
        for (tenant, version) in wanted {
            self.keep(tenant, version, now).await?;
        }
        Ok(())
    }

    /// Takes an enterprise, or renews the lease on it.
    async fn keep(&mut self, tenant: Tenant, version: i64, now: Time) -> Result<(), Error> {
        if let Some(running) = self.running.get(&tenant)
            && (running.keeper.is_none() || running.lease_until.since(now).as_micros() > LEASE.as_micros() / 2)
        {
            return Ok(());
        }
        let (holder, until) = (Holder { tenant, node: self.node.clone(), version }, now.plus(LEASE));
        let asked = holder.clone();
        let taken = self.engine.db().write(move |tx| Ok::<_, Error>(stored::lease(tx, &asked, now, until)?)).await?;
        match self.running.get_mut(&tenant) {
            Some(running) if taken => running.lease_until = until,
            None if taken => {
                let keeper = self.start(&holder).await?;
                self.running.insert(tenant, Running { holder, lease_until: until, keeper });
            }
            Some(_) => self.end_where(|running| running.holder.tenant == tenant).await,
            None => {}
        }
        Ok(())
    }

    /// None where what is set makes no enterprise.
    async fn start(&self, holder: &Holder) -> Result<Option<(mpsc::UnboundedSender<News>, JoinHandle<()>)>, Error> {
        let (tenant, sealer) = (holder.tenant, self.engine.sealer().clone());
        let read = self.engine.db().read(move |tx| android_enterprise::get(tx, &sealer, tenant));
        let setting = match read.await {
            Ok(setting) => setting.filter(|setting| setting.version == holder.version),
            Err(error @ Error::Sealed) => {
                tracing::error!(tenant = tenant.0, error = &error as &dyn std::error::Error, "no devices are kept");
                None
            }
            Err(error) => return Err(error),
        };
        let Some(setting) = setting else { return Ok(None) };
        let config = read_settings(&setting.config)?;
        if config.enterprise.is_none() {
            return Ok(None);
        }
        let client = match Client::new(config, &setting.secrets, &self.allow, self.engine.source().clone()) {
            Ok(client) => client,
            Err(why) => {
                // Until somebody sets it up anew.
                tracing::error!(tenant = tenant.0, why, "Google cannot be asked");
                return Ok(None);
            }
        };
        let (news, heard) = mpsc::unbounded_channel();
        let keeper = Keeper {
            engine: self.engine.clone(),
            tenant,
            client,
            holder: holder.clone(),
            way: Mutex::new(Way::default()),
            news: news.clone(),
        };
        Ok(Some((news, tokio::spawn(Arc::new(keeper).run(heard)))))
    }

    async fn end_where(&mut self, condition: impl Fn(&Running) -> bool) {
        let over: Vec<Running> = self.running.extract_if(|_, running| condition(running)).map(|(_, one)| one).collect();
        for running in over {
            if let Some((_, task)) = running.keeper {
                task.abort();
                if let Err(error) = task.await
                    && !error.is_cancelled()
                {
                    tracing::error!(error = &error as &dyn std::error::Error, "the keeping of devices has failed");
                }
            }
            let holder = running.holder;
            let given_back = self.engine.db().write(move |tx| Ok::<_, Error>(stored::release(tx, &holder)?)).await;
            if let Err(error) = given_back {
                tracing::debug!(error = &error as &dyn std::error::Error, "an enterprise was not given back");
            }
        }
    }
}
