//! Apple's and Google's push services as tenants have set them up. A sender is kept, with its connections and what it is
//! signed in by, until its settings change: so a new push certificate counts at once.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use allclear_domain::{ids::Tenant, notification::Transport, time::Time};
use allclear_engine::{apple_mdm_settings, channels::Setting};
use allclear_guard::AllowList;
use allclear_store::push_tokens::KeptToken;
use serde::de::DeserializeOwned;

use super::{
    Push,
    apns::{Apns, Mdm},
    fcm::Fcm,
};
use crate::outcome::Outcome;

/// Who takes pushes for agents.
#[derive(Debug)]
pub(super) enum Sender {
    Apns(Apns),
    Fcm(Box<Fcm>),
}

impl Sender {
    /// The sender as a tenant has set it up; the reason if it cannot be used.
    pub(super) fn open(setting: &Setting, allow: &AllowList) -> Result<Self, String> {
        match setting.transport {
            Transport::Apns => Ok(Self::Apns(Apns::new(read(setting)?, &setting.secrets, allow)?)),
            Transport::Fcm => Ok(Self::Fcm(Box::new(Fcm::new(read(setting)?, &setting.secrets, allow)?))),
            other => Err(format!("{} takes no pushes", other.as_str())),
        }
    }

    /// Hands one push over.
    pub(super) async fn send(&self, to: &KeptToken, push: &Push, now: Time) -> Outcome {
        match self {
            Self::Apns(apns) => apns.send(to, push, now).await,
            Self::Fcm(fcm) => fcm.send(to, push, now).await,
        }
    }

    /// Where pushes to a token go.
    pub(super) fn provider(&self, to: &KeptToken) -> String {
        match self {
            Self::Apns(apns) => apns.base_url(to.token.environment).to_owned(),
            Self::Fcm(fcm) => fcm.base_url().to_owned(),
        }
    }

    /// What metrics call it.
    pub(super) fn channel(&self) -> &'static str {
        match self {
            Self::Apns(_) => Transport::Apns.as_str(),
            Self::Fcm(_) => Transport::Fcm.as_str(),
        }
    }
}

fn read<T: DeserializeOwned>(setting: &Setting) -> Result<T, String> {
    serde_json::from_str(&setting.config).map_err(|error| format!("the settings cannot be read: {error}"))
}

/// Senders, with the version of the settings each was made of; none where they make none.
type Kept = HashMap<(Tenant, Transport), (i64, Option<Arc<Sender>>)>;

/// The same for managed devices.
type Managing = HashMap<Tenant, (i64, Option<Arc<Mdm>>)>;

/// The senders in use.
#[derive(Debug)]
pub(super) struct Senders {
    allow: AllowList,
    kept: Mutex<Kept>,
    managing: Mutex<Managing>,
}

impl Senders {
    pub(super) fn new(allow: AllowList) -> Self {
        Self { allow, kept: Mutex::default(), managing: Mutex::default() }
    }

    /// The sender of these settings; none while they are switched off or cannot be used.
    pub(super) fn of(&self, tenant: Tenant, setting: &Setting) -> Option<Arc<Sender>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant, setting.transport);
        if !setting.enabled {
            kept.remove(&key);
            return None;
        }
        match kept.get(&key) {
            Some((version, sender)) if *version == setting.version => sender.clone(),
            _ => {
                let opened = Sender::open(setting, &self.allow).map_err(|why| {
                    let transport = setting.transport.as_str();
                    // Until somebody sets it up anew.
                    tracing::error!(tenant = tenant.0, transport, why, "devices cannot be woken");
                });
                let sender = opened.ok().map(Arc::new);
                kept.insert(key, (setting.version, sender.clone()));
                sender
            }
        }
    }
    /// The sender to the devices that a tenant manages by Apple's protocol; none while there is no push certificate, or it
    /// cannot be used.
    pub(super) fn managing(&self, tenant: Tenant, setting: &apple_mdm_settings::Setting) -> Option<Arc<Mdm>> {
        let mut kept = self.managing.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.get(&tenant) {
            Some((version, sender)) if *version == setting.version => sender.clone(),
            _ => {
                let opened =
                    setting.push_identity().map(|identity| Mdm::open(&setting.settings, &identity, &self.allow));
                let sender = opened.and_then(|opened| {
                    // Until somebody sets it up anew.
                    let log = |why: &String| tracing::error!(tenant = tenant.0, why, "managed devices cannot be woken");
                    opened.inspect_err(log).ok().map(Arc::new)
                });
                kept.insert(tenant, (setting.version, sender.clone()));
                sender
            }
        }
    }
}
