//! Wakes the agents of devices that have something to do and do not ask, and has the platform show messages to owners.

use std::{collections::BTreeMap, sync::Arc};

use allclear_domain::{
    ids::{DeviceId, NotificationId, Tenant},
    notification::{NotificationState, Transport},
};
use allclear_engine::{
    Error,
    channels::{self, Setting},
};
use allclear_store::{
    channel_settings,
    push_tokens::{self, KeptToken},
};

use super::{
    Push,
    senders::Sender,
    wakes::{Key, Looked, Pushed, Who},
    worker::{CallError, Caller, Device, Ended, beginning, newest},
};
use crate::agent;

/// Devices looked for in one go.
const STEP: usize = 500;

impl Caller {
    /// The agents that can be reached by a push service which their tenant uses: of these, or all there are.
    pub(super) async fn agents(&self, called: Option<Vec<Device>>) -> Result<Vec<Key>, Error> {
        let read = self.engine.db().read(|tx| Ok::<_, Error>(channel_settings::enabled(tx)?));
        let mut tenants: BTreeMap<Tenant, Vec<DeviceId>> = BTreeMap::new();
        for (tenant, transport, _) in read.await? {
            if matches!(transport, Transport::Apns | Transport::Fcm) {
                tenants.entry(tenant).or_default();
            }
        }
        let mut found = Vec::new();
        let Some(called) = called else {
            for tenant in tenants.into_keys() {
                self.all_agents(tenant, &mut found).await?;
            }
            return Ok(found);
        };
        for (tenant, device) in called {
            if let Some(devices) = tenants.get_mut(&tenant) {
                devices.push(device);
            }
        }
        for (tenant, devices) in tenants {
            for some in devices.chunks(STEP) {
                let some = some.to_vec();
                let read = self.engine.db().read(move |tx| Ok::<_, Error>(push_tokens::among(tx, tenant, &some)?));
                found.extend(read.await?.into_iter().map(|device| (tenant, device, Who::Agent)));
            }
        }
        Ok(found)
    }

    async fn all_agents(&self, tenant: Tenant, found: &mut Vec<Key>) -> Result<(), Error> {
        let mut last = None;
        loop {
            let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
            let read = self.engine.db().read(move |tx| Ok::<_, Error>(push_tokens::devices(tx, tenant, last, limit)?));
            let some = read.await?;
            last = some.last().copied();
            found.extend(some.into_iter().map(|device| (tenant, device, Who::Agent)));
            if last.is_none() {
                return Ok(());
            }
        }
    }

    /// Wakes an agent if there is something for it to do and nothing was heard of it.
    pub(super) async fn wake_agent(
        &self,
        tenant: Tenant,
        device: DeviceId,
        pushed: Option<Pushed>,
    ) -> Result<Looked, Error> {
        if self.engine.is_awaited(device) {
            return Ok(Looked::Done);
        }
        let Some(target) = self.target(tenant, device).await? else { return Ok(Looked::Done) };
        let pending = agent::pending(&self.engine, tenant, device).await?;
        let at = self.engine.source().now();
        let push = || target.sender.send(&target.kept, &Push::WakeUp, at);
        let looked = self.wake_by(target.sender.channel(), device, at, (pending, pushed), push).await;
        let Some(looked) = looked else {
            self.forget(tenant, device, target.kept).await?;
            return Ok(Looked::Done);
        };
        Ok(looked)
    }

    /// Has the platform show the newest message to the owner, if the agent has not fetched it.
    pub(super) async fn tell_agent(&self, tenant: Tenant, device: DeviceId) -> Result<(), CallError> {
        let Some(target) = self.target(tenant, device).await? else { return Ok(()) };
        let Some((id, push)) = self.message(tenant, device).await? else { return Ok(()) };
        let send = || async { target.sender.send(&target.kept, &push, self.engine.source().now()).await };
        // Not if it was fetched meanwhile, followed by another that is told by itself, or is told elsewhere now.
        let is_wanted = || async {
            let same = self.message(tenant, device).await?.is_some_and(|(now, _)| now == id);
            Ok(same && self.target(tenant, device).await?.is_some_and(|now| now.kept == target.kept))
        };
        if self.persist(target.sender.channel(), device, send, is_wanted).await? == Ended::Gone {
            self.forget(tenant, device, target.kept).await?;
        }
        Ok(())
    }

    async fn message(&self, tenant: Tenant, device: DeviceId) -> Result<Option<(NotificationId, Push)>, Error> {
        let read = self.engine.read(tenant, move |tx, rules| newest(tx, rules, tenant, device));
        let queued = read.await?.filter(|(message, _)| message.state == NotificationState::Queued);
        Ok(queued.map(|(message, title)| {
            let push = Push::Message { id: Some(message.id), title, body: beginning(&message.body) };
            (message.id, push)
        }))
    }

    /// Where an agent is told, and by whom; none if it is not.
    async fn target(&self, tenant: Tenant, device: DeviceId) -> Result<Option<Target>, Error> {
        let sealer = self.engine.sealer().clone();
        let read = self.engine.db().read(move |tx| {
            let Some(kept) = push_tokens::get(tx, tenant, device)? else { return Ok(None) };
            let setting = channels::get(tx, &sealer, tenant, kept.token.provider.transport())?;
            Ok::<_, Error>(setting.map(|setting: Setting| (kept, setting)))
        });
        let Some((kept, setting)) = read.await? else { return Ok(None) };
        Ok(self.senders.of(tenant, &setting).map(|sender| Target { kept, sender }))
    }

    async fn forget(&self, tenant: Tenant, device: DeviceId, gone: KeptToken) -> Result<(), Error> {
        tracing::debug!(%device, "a push token is no more");
        Ok(self.engine.db().write(move |tx| push_tokens::forget_gone(tx, tenant, device, &gone)).await?)
    }
}

/// Where an agent is told, and by whom.
struct Target {
    kept: KeptToken,
    sender: Arc<Sender>,
}
