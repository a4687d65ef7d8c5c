//! Waking those who wait: agents for commands, readers for new journal entries, whoever sends messages for some to send.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use allclear_domain::ids::{DeviceId, Tenant};
use tokio::sync::{Notify, watch};

/// Who waits for what. A wake-up is a hint: whoever is woken looks again.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    devices: Mutex<HashMap<DeviceId, Weak<Notify>>>,
    journals: Mutex<HashMap<Tenant, watch::Sender<i64>>>,
    outbox: Notify,
}

impl Wake {
    /// Something to wait on for a device. Register before looking, so that no wake-up is missed.
    pub(crate) fn device(&self, device: DeviceId) -> Arc<Notify> {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notify) = devices.get(&device).and_then(Weak::upgrade) {
            return notify;
        }
        if devices.len() > 1024 && devices.len().is_power_of_two() {
            devices.retain(|_, notify| notify.strong_count() > 0);
        }
        let notify = Arc::new(Notify::new());
        devices.insert(device, Arc::downgrade(&notify));
        notify
    }

    /// Wakes whoever waits for a device.
    pub(crate) fn wake_devices(&self, woken: impl IntoIterator<Item = DeviceId>) {
        let mut devices = self.devices.lock().unwrap_or_else(PoisonError::into_inner);
        for device in woken {
            match devices.get(&device).map(Weak::upgrade) {
                Some(Some(notify)) => notify.notify_waiters(),
                Some(None) => {
                    devices.remove(&device);
                }
                None => {}
            }
        }
    }

    /// Something to wait on for messages to send. One waits at a time; news while nobody does are kept for the next.
    pub(crate) fn outbox(&self) -> &Notify {
        &self.outbox
    }

    /// The position up to which this node has announced a tenant's journal, to wait on; negative before the first.
    pub(crate) fn journal(&self, tenant: Tenant) -> watch::Receiver<i64> {
        let mut journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        journals.entry(tenant).or_insert_with(|| watch::channel(UNKNOWN).0).subscribe()
    }

    /// The position up to which a tenant's journal has been announced, if any has.
    pub(crate) fn known(&self, tenant: Tenant) -> Option<i64> {
        Some(*self.journal(tenant).borrow()).filter(|position| *position != UNKNOWN)
    }

    /// Announces the entries after `from` up to `to`. If there is a gap before them, they are left to the follower,
    /// which announces what lies in the gap as well.
    pub(crate) fn announce(&self, tenant: Tenant, from: i64, to: i64) {
        let mut journals = self.journals.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = journals.entry(tenant).or_insert_with(|| watch::channel(UNKNOWN).0);
        sender.send_if_modified(|known| {
            let news = (*known == UNKNOWN || from <= *known) && to > *known;
            if news {
                *known = to;
            }
            news
        });
    }
}

const UNKNOWN: i64 = -1;
