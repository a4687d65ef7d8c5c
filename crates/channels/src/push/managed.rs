//! Wakes devices under Apple's management that have something to do: a push is all that makes them call.

use std::{collections::BTreeMap, sync::Arc};

use allclear_domain::{
    ids::{DeviceId, Tenant},
    time::Time,
};
use allclear_engine::{
    Error,
    apple_mdm::{self, Push},
    apple_mdm_settings,
};
use allclear_store::{
    apple_enrollments::{self as enrollments, KeptPush},
    apple_mdm_settings as settings,
};

use super::{
    apns::{Mdm, MdmToken},
    wakes::{Key, Looked, Pushed, Who},
    worker::{Caller, Device},
};
use crate::apple::next;

/// Devices looked for in one go.
const STEP: usize = 500;
/// What metrics call this way.
const CHANNEL: &str = "apple_mdm";

impl Caller {
    /// The devices under Apple's management that can be woken: of these, or all there are.
    pub(super) async fn managed(&self, called: Option<Vec<Device>>) -> Result<Vec<Key>, Error> {
        let mut tenants: BTreeMap<Tenant, Vec<DeviceId>> = self.managing().await?;
        let mut found = Vec::new();
        let Some(called) = called else {
            for tenant in tenants.into_keys() {
                self.all_managed(tenant, &mut found).await?;
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
                let read = self.engine.db().read(move |tx| Ok::<_, Error>(enrollments::among(tx, tenant, &some)?));
                found.extend(read.await?.into_iter().map(|device| (tenant, device, Who::Management)));
            }
        }
        Ok(found)
    }

    /// The tenants that manage Apple devices.
    async fn managing(&self) -> Result<BTreeMap<Tenant, Vec<DeviceId>>, Error> {
        let read = self.engine.db().read(|tx| Ok::<_, Error>(settings::tenants(tx)?)).await?;
        Ok(read.into_iter().map(|tenant| (tenant, Vec::new())).collect())
    }

    async fn all_managed(&self, tenant: Tenant, found: &mut Vec<Key>) -> Result<(), Error> {
        let mut last = None;
        loop {
            let limit = i64::try_from(STEP).unwrap_or(i64::MAX);
            let read = self.engine.db().read(move |tx| Ok::<_, Error>(enrollments::devices(tx, tenant, last, limit)?));
            let some = read.await?;
            last = some.last().copied();
            found.extend(some.into_iter().map(|device| (tenant, device, Who::Management)));
            if last.is_none() {
                return Ok(());
            }
        }
    }

    /// The devices that it became time to ask something, after `from` until `to`.
    pub(super) async fn to_ask(&self, from: Time, to: Time) -> Result<Vec<Key>, Error> {
        let mut found = Vec::new();
        for tenant in self.managing().await?.into_keys() {
            let read = self.engine.db().read(move |tx| Ok::<_, Error>(enrollments::to_ask(tx, tenant, from, to)?));
            found.extend(read.await?.into_iter().map(|device| (tenant, device, Who::Management)));
        }
        Ok(found)
    }

    /// Wakes a managed device if there is something for it to do and nothing was heard of it.
    pub(super) async fn wake_managed(
        &self,
        tenant: Tenant,
        device: DeviceId,
        pushed: Option<Pushed>,
    ) -> Result<Looked, Error> {
        let Some(Way { sender, push, kept }) = self.way(tenant, device).await? else { return Ok(Looked::Done) };
        let pending = next::pending(&self.engine, tenant, device).await?;
        let at = self.engine.source().now();
        let to = MdmToken { token: &push.token, magic: &push.magic, changed_at: kept.changed_at };
        match self.wake_by(CHANNEL, device, at, (pending, pushed), || sender.wake(to, at)).await {
            Some(looked) => Ok(looked),
            None => {
                // It will say anew how it is woken if it is still managed.
                tracing::debug!(%device, "a managed device cannot be woken any more");
                let forget = self.engine.db().write(move |tx| enrollments::forget_push(tx, tenant, device, &kept));
                forget.await?;
                Ok(Looked::Done)
            }
        }
    }

    /// How a device is woken, and by whom; none if it cannot be.
    async fn way(&self, tenant: Tenant, device: DeviceId) -> Result<Option<Way>, Error> {
        let sealer = self.engine.sealer().clone();
        let read = self.engine.db().read(move |tx| {
            let Some((push, kept)) = apple_mdm::push(tx, &sealer, tenant, device)? else { return Ok(None) };
            Ok::<_, Error>(Some((apple_mdm_settings::get(tx, &sealer, tenant)?, push, kept)))
        });
        let Some((setting, push, kept)) = read.await? else { return Ok(None) };
        Ok(self.senders.managing(tenant, &setting).map(|sender| Way { sender, push, kept }))
    }
}

/// How a managed device is woken, and by whom.
struct Way {
    sender: Arc<Mdm>,
    push: Push,
    kept: KeptPush,
}
