//! What messages are sent by, as a tenant has set it up: one setting for each transport, its secrets sealed.
//!
//! Must not know what is in a setting: who sends by it does. How the providers are doing is what this node has seen of them.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use allclear_domain::{
    ids::Tenant,
    journal::{Change, Object},
    notification::{ProviderState, Transport},
    time::Time,
};
use allclear_store::{
    channel_settings::{self as stored, ChannelSetting},
    db::Tx,
    json,
};
use serde_json::{Value, json};

use crate::{Error, seal::Sealer, source::Source, work::Work};

/// The secrets of a setting, by name.
pub type Secrets = BTreeMap<String, String>;

/// A transport as it is set up, with its secrets open.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// Which one.
    pub transport: Transport,
    /// Whether it is used.
    pub enabled: bool,
    /// What is set, JSON, without secrets.
    pub config: String,
    /// The secrets.
    pub secrets: Secrets,
    /// Grows with every change.
    pub version: i64,
    /// When it was changed last.
    pub changed_at: Time,
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting").field("transport", &self.transport).field("version", &self.version).finish()
    }
}

/// What a tenant has set for a transport; none before it was set up.
pub fn get(tx: &mut Tx<'_>, sealer: &Sealer, tenant: Tenant, transport: Transport) -> Result<Option<Setting>, Error> {
    stored::get(tx, tenant, transport)?.map(|setting| open(sealer, setting)).transpose()
}

fn open(sealer: &Sealer, stored: ChannelSetting) -> Result<Setting, Error> {
    Ok(Setting {
        transport: stored.transport,
        enabled: stored.enabled,
        secrets: json::decode(&sealer.open_text(stored.tenant, &stored.secrets)?)?,
        config: stored.config,
        version: stored.version,
        changed_at: stored.changed_at,
    })
}

/// A change of a transport's setting.
#[derive(Clone)]
pub struct NewSetting {
    /// Which one.
    pub transport: Transport,
    /// Whether it is used from now on.
    pub enabled: bool,
    /// What is set, without secrets.
    pub config: Value,
    /// All secrets from now on.
    pub secrets: Secrets,
    /// The version the change is based on; 0 before the first.
    pub version: i64,
}

/// Sets a transport up, or anew. Returns the version now.
///
/// # Errors
/// [`Error::Stale`] when it was changed in the meantime.
pub fn set(work: &mut Work<'_, '_>, sealer: &Sealer, source: &dyn Source, new: &NewSetting) -> Result<i64, Error> {
    let old = get(work.tx, sealer, work.tenant, new.transport)?;
    let present = old.as_ref().map_or(0, |old| old.version);
    super::rules::same_version(new.version, present)?;
    let config = json::encode(&new.config)?;
    let unchanged = |old: &Setting| old.enabled == new.enabled && old.config == config && old.secrets == new.secrets;
    if old.as_ref().is_some_and(unchanged) {
        return Ok(present);
    }
    let setting = ChannelSetting {
        tenant: work.tenant,
        transport: new.transport,
        enabled: new.enabled,
        config,
        secrets: sealer.seal_text(work.tenant, &json::encode(&new.secrets)?, source)?,
        version: present + 1,
        changed_at: work.now,
    };
    stored::put(work.tx, &setting)?;
    let mut after = json!({ "enabled": new.enabled, "config": new.config });
    let change = match old {
        None => Change::Created { after },
        Some(old) => {
            if old.secrets != new.secrets {
                after["secrets"] = json!("changed");
            }
            let config: Value = json::decode(&old.config)?;
            Change::Updated { before: json!({ "enabled": old.enabled, "config": config }), after }
        }
    };
    let name = new.transport.as_str();
    work.note(Object { kind: "channel".into(), id: name.into(), name: name.into() }, None, change);
    Ok(setting.version)
}

/// How a provider is doing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ProviderHealth {
    /// How.
    pub state: ProviderState,
    /// Since when.
    pub since: Time,
    /// What it said last, or why it cannot be reached or used.
    pub answer: String,
}

/// How the providers are doing by which this node sends.
#[derive(Debug, Default)]
pub struct Providers(Mutex<BTreeMap<(Tenant, Transport), ProviderHealth>>);

/// The longest answer remembered, in characters.
const ANSWER: usize = 500;

impl Providers {
    /// Notes how a provider is doing.
    pub fn note(&self, tenant: Tenant, transport: Transport, state: ProviderState, answer: &str, now: Time) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.get(&(tenant, transport)).filter(|before| before.state == state);
        let since = before.map_or(now, |before| before.since);
        if before.is_none() && state != ProviderState::Ok {
            tracing::warn!(tenant = tenant.0, channel = transport.as_str(), answer, "messages cannot be sent");
        }
        let answer = answer.chars().filter(|c| !c.is_control()).take(ANSWER).collect();
        known.insert((tenant, transport), ProviderHealth { state, since, answer });
    }

    /// Forgets a provider that is not used any more.
    pub fn forget(&self, tenant: Tenant, transport: Transport) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&(tenant, transport));
    }

    /// How a provider is doing; none before anything was heard of it.
    pub fn of(&self, tenant: Tenant, transport: Transport) -> Option<ProviderHealth> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&(tenant, transport)).cloned()
    }

    /// Of how many tenants messages cannot be sent by a transport.
    pub fn failing(&self, transport: Transport) -> usize {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.iter().filter(|((_, of), health)| *of == transport && health.state != ProviderState::Ok).count()
    }
}

#[cfg(test)]
mod tests {
    use allclear_domain::time::Span;

    use super::*;

    #[test]
    fn a_provider_is_in_its_state_since_it_came_to_it() {
        let (providers, tenant, mail) = (Providers::default(), Tenant(1), Transport::Email);
        let at = |seconds| Time::EPOCH.plus(Span::seconds(seconds));
        let seen = |state| providers.of(tenant, mail).map(|it| (it.state == state, it.since, it.answer));
        assert_eq!(seen(ProviderState::Ok), None);
        providers.note(tenant, mail, ProviderState::Unreachable, "refused", at(1));
        providers.note(tenant, mail, ProviderState::Unreachable, "timed\nout", at(2));
        assert_eq!(seen(ProviderState::Unreachable), Some((true, at(1), "timedout".to_owned())));
        providers.note(Tenant(2), mail, ProviderState::Unusable, "no key", at(2));
        assert_eq!((providers.failing(mail), providers.failing(Transport::Sms)), (2, 0));
        providers.note(tenant, mail, ProviderState::Ok, "250 taken", at(3));
        assert_eq!(seen(ProviderState::Ok), Some((true, at(3), "250 taken".to_owned())));
        providers.forget(Tenant(2), mail);
        assert_eq!(providers.failing(mail), 0);
    }
}
