//! Waking those who wait: agents for commands, owners for news of their devices, readers for new journal entries, whoever
//! sends messages for some to send; and remembering whom to call from outside because they do not wait.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use allclear_domain::ids::{DeviceId, Tenant};
use tokio::sync::{Notify, watch};

use crate::work::Committed;

/// Who waits for what. A wake-up is a hint: whoever is woken looks again.
#[derive(Debug, Default)]
pub(crate) struct Wake {
    /// Agents that wait for something to do.
    pub(crate) agents: Waiters,
    /// Owners of devices who wait for anything about them to change.
    pub(crate) owners: Waiters,
    /// Whom to call from outside.
    pub(crate) calls: Calls,
    /// Devices with something new to do, for whoever reaches them by their platform's management.
    pub(crate) woken: Calls,
    journals: Mutex<HashMap<Tenant, watch::Sender<i64>>>,
    outbox: Notify,
}

/// Those who wait for something about a device.
#[derive(Debug, Default)]
pub(crate) struct Waiters(Mutex<HashMap<DeviceId, Weak<Notify>>>);

impl Waiters {
    /// Something to wait on for a device. Register before looking, so that no wake-up is missed.
    pub(crate) fn of(&self, device: DeviceId) -> Arc<Notify> {
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    /// Whether anybody waits for a device.
    pub(crate) fn has(&self, device: DeviceId) -> bool {
        let devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        devices.get(&device).is_some_and(|notify| notify.strong_count() > 0)
    }

    /// Wakes whoever waits for a device.
    pub(crate) fn wake(&self, woken: impl IntoIterator<Item = DeviceId>) {
        let mut devices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
}

/// Why a device is to be called from outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Call {
    /// There is a new message for its owner.
    pub message: bool,
    /// Its agent may have something new to do.
    pub commands: bool,
}

/// Devices that are to be called from outside, each once however much there is to say. A call that is lost loses nothing:
/// what it is about is kept elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Calls {
    /// None while nobody reads them.
    waiting: Mutex<Option<BTreeMap<(Tenant, DeviceId), Call>>>,
    news: Notify,
}

impl Calls {
    /// The most devices remembered; more are left to come by themselves.
    const MOST: usize = 100_000;

    fn add(&self, tenant: Tenant, committed: &Committed) {
        self.add_all(tenant, &committed.told, &committed.woken);
    }

    /// Remembers devices with a new message, and devices with something new to do.
    pub(crate) fn add_all(&self, tenant: Tenant, told: &[DeviceId], woken: &[DeviceId]) {
        if told.is_empty() && woken.is_empty() {
            return;
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(waiting) = waiting.as_mut() else { return };
        let message: fn(&mut Call) = |call| call.message = true;
        let commands: fn(&mut Call) = |call| call.commands = true;
        for (devices, mark) in [(told, message), (woken, commands)] {
            for device in devices {
                let key = (tenant, *device);
                if waiting.contains_key(&key) || waiting.len() < Self::MOST {
                    mark(waiting.entry(key).or_default());
                }
            }
        }
        self.news.notify_one();
    }

    /// There may be something new for a device to do.
    pub(crate) fn call(&self, tenant: Tenant, device: DeviceId) {
        self.add(tenant, &Committed { woken: vec![device], ..Committed::default() });
    }

    /// Waits until there are calls, and takes them all.
    pub(crate) async fn take(&self) -> BTreeMap<(Tenant, DeviceId), Call> {
        loop {
            let taken = mem::take(self.waiting.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default());
            if !taken.is_empty() {
                return taken;
            }
            self.news.notified().await;
        }
    }
}

impl Wake {
    /// Wakes everybody whom this node's own commit concerns.
    pub(crate) fn tell(&self, tenant: Tenant, committed: &Committed) {
        self.agents.wake(committed.woken.iter().copied());
        self.owners.wake(committed.touched.iter().copied());
        self.calls.add(tenant, committed);
        self.woken.add_all(tenant, &[], &committed.woken);
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
