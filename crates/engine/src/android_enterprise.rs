//! How a tenant's Android devices are managed by Google: one setting, its secrets sealed, and the sign-up by which it comes
//! to its enterprise.
//!
//! Must not know what is in the setting: who speaks to Google does.

use allclear_domain::{
    ids::Tenant,
    journal::{Change, Object},
    time::{Span, Time},
};
use allclear_store::{
    android_devices,
    android_enterprise::{self as stored, AndroidEnterprise},
    db::Tx,
    json,
    tokens::Hash,
};
use serde_json::{Value, json};

use crate::{Error, channels::Secrets, rules::same_version, seal::Sealer, source::Source, work::Work};

/// How long somebody may take to sign up.
pub const SIGN_UP: Span = Span::seconds(86_400);

const WHAT: &str = "Android enterprise";

/// What is set, with its secrets open, and how it is doing.
#[derive(Clone, PartialEq, Eq)]
pub struct Setting {
    /// What is set, JSON, without secrets.
    pub config: String,
    /// The secrets.
    pub secrets: Secrets,
    /// Grows with every change.
    pub version: i64,
    /// When it was changed last.
    pub changed_at: Time,
    /// How it is doing: JSON in the words of whoever speaks to Google.
    pub state: String,
    /// Since when it is doing so.
    pub state_at: Time,
    /// When all devices were last asked for.
    pub listed_at: Option<Time>,
}

impl std::fmt::Debug for Setting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Setting").field("config", &self.config).field("version", &self.version).finish()
    }
}

/// What a tenant has set; none before it was set up.
pub fn get(tx: &mut Tx<'_>, sealer: &Sealer, tenant: Tenant) -> Result<Option<Setting>, Error> {
    let Some(AndroidEnterprise { config, secrets, version, changed_at, state, state_at, listed_at, .. }) =
        stored::get(tx, tenant)?
    else {
        return Ok(None);
    };
    let secrets = json::decode(&sealer.open_text(tenant, &secrets)?)?;
    Ok(Some(Setting { config, secrets, version, changed_at, state, state_at, listed_at }))
}

/// A change of what is set.
#[derive(Clone)]
pub struct NewSetting {
    /// What is set, without secrets.
    pub config: Value,
    /// All secrets from now on.
    pub secrets: Secrets,
    /// The version the change is based on; 0 before the first.
    pub version: i64,
}

/// Sets it up, or anew. Returns the version now. With `moves` it leads to another enterprise: not while devices are
/// managed by the one before.
///
/// # Errors
/// [`Error::Stale`] when it was changed in the meantime.
pub fn set(
    work: &mut Work<'_, '_>,
    sealer: &Sealer,
    source: &dyn Source,
    new: &NewSetting,
    moves: bool,
) -> Result<i64, Error> {
    let old = get(work.tx, sealer, work.tenant)?;
    let present = old.as_ref().map_or(0, |old| old.version);
    same_version(new.version, present)?;
    if moves && old.is_some() {
        nobody_is_managed(work)?;
    }
    let config = json::encode(&new.config)?;
    if old.as_ref().is_some_and(|old| old.config == config && old.secrets == new.secrets) {
        return Ok(present);
    }
    let secrets = sealer.seal_text(work.tenant, &json::encode(&new.secrets)?, source)?;
    stored::put(work.tx, work.tenant, &config, &secrets, present + 1, work.now)?;
    let mut after = json!({ "config": new.config });
    let change = match old {
        None => Change::Created { after },
        Some(old) => {
            if old.secrets != new.secrets {
                after["secrets"] = json!("changed");
            }
            Change::Updated { before: json!({ "config": json::decode::<Value>(&old.config)? }), after }
        }
    };
    work.note(object(), None, change);
    Ok(present + 1)
}

/// Forgets what is set.
///
/// # Errors
/// [`Error::Conflict`] while devices are managed by it.
pub fn remove(work: &mut Work<'_, '_>) -> Result<(), Error> {
    let old = stored::get(work.tx, work.tenant)?.ok_or(Error::NotFound(WHAT))?;
    nobody_is_managed(work)?;
    stored::delete(work.tx, work.tenant)?;
    let before = json!({ "config": json::decode::<Value>(&old.config)? });
    work.note(object(), None, Change::Deleted { before });
    Ok(())
}

fn nobody_is_managed(work: &mut Work<'_, '_>) -> Result<(), Error> {
    match android_devices::count(work.tx, work.tenant)? {
        0 => Ok(()),
        some => Err(Error::Conflict(format!("{some} devices are managed by it: unenroll them first"))),
    }
}

/// What the journal calls it.
pub fn object() -> Object {
    Object { kind: "android_enterprise".into(), id: "android_enterprise".into(), name: "Android management".into() }
}

/// Remembers a sign-up that Google has begun, in place of one before. `hash` is of what whoever comes back from there
/// must show, within a day.
pub fn begin_sign_up(work: &mut Work<'_, '_>, name: &str, hash: &Hash) -> Result<(), Error> {
    let until = work.now.plus(SIGN_UP);
    Ok(stored::begin_sign_up(work.tx, work.tenant, name, hash, until)?)
}

/// Ends a sign-up and sets what came of it.
///
/// # Errors
/// [`Error::NotFound`] if it ended before.
pub fn complete_sign_up(
    work: &mut Work<'_, '_>,
    sealer: &Sealer,
    source: &dyn Source,
    hash: &Hash,
    new: &NewSetting,
) -> Result<i64, Error> {
    if !stored::end_sign_up(work.tx, work.tenant, hash)? {
        return Err(Error::NotFound("sign-up"));
    }
    set(work, sealer, source, new, false)
}
