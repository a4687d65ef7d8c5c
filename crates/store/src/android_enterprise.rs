//! How tenants manage Android devices by Google: one row each. Must not know what is in it.

use allclear_domain::{ids::Tenant, time::Time};

use crate::{
    Error, db,
    db::{FromRow, Row, Tx},
    params,
    tokens::Hash,
};

/// What is set, and how it is doing.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AndroidEnterprise {
    /// JSON, without secrets.
    pub config: String,
    /// The secrets, JSON, sealed.
    pub secrets: String,
    /// Grows with every change.
    pub version: i64,
    /// When it was changed last.
    pub changed_at: Time,
    /// How it is doing: JSON in the worker's words.
    pub state: String,
    /// Since when it is doing so.
    pub state_at: Time,
    /// When all devices were last asked for.
    pub listed_at: Option<Time>,
    /// The node that works on it,
    pub lease_owner: Option<String>,
    /// until then at least.
    pub lease_until: Time,
}

const COLUMNS: &str = "config, secrets, version, changed_at, state, state_at, listed_at, lease_owner, lease_until";

impl FromRow for AndroidEnterprise {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        Ok(Self {
            config: row.get(0)?,
            secrets: row.get(1)?,
            version: row.get(2)?,
            changed_at: Time::from_micros(row.get(3)?),
            state: row.get(4)?,
            state_at: Time::from_micros(row.get(5)?),
            listed_at: row.get::<Option<i64>>(6)?.map(Time::from_micros),
            lease_owner: row.get(7)?,
            lease_until: Time::from_micros(row.get(8)?),
        })
    }
}

/// What a tenant has set; nothing before it was set up.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Option<AndroidEnterprise>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM android_enterprise WHERE tenant = $1");
    Ok(tx.query_opt(&sql, params![tenant.0])?)
}

/// The tenants that have set it up, each with the version of what is set.
pub fn tenants(tx: &mut Tx<'_>) -> Result<Vec<(Tenant, i64)>, Error> {
    let rows: Vec<(i64, i64)> =
        tx.query("SELECT tenant, version FROM android_enterprise ORDER BY tenant", params![])?;
    Ok(rows.into_iter().map(|(tenant, version)| (Tenant(tenant), version)).collect())
}

/// Writes what a tenant sets; the caller has compared the version. Whoever works on it stops, because the version is
/// another one.
pub fn put(tx: &mut Tx<'_>, tenant: Tenant, config: &str, secrets: &str, version: i64, now: Time) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO android_enterprise (tenant, config, secrets, version, changed_at, state, state_at, lease_until) \
         VALUES ($1, $2, $3, $4, $5, '{}', $5, 0) ON CONFLICT (tenant) DO UPDATE SET config = excluded.config, \
         secrets = excluded.secrets, version = excluded.version, changed_at = excluded.changed_at, \
         state = excluded.state, state_at = excluded.state_at",
        params![tenant.0, config, secrets, version, now.as_micros()],
    )?;
    Ok(())
}

/// Forgets what a tenant has set, and what was noted of policies, tokens and operations at Google.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant) -> Result<(), Error> {
    for sql in [
        "DELETE FROM android_policy WHERE tenant = $1",
        "DELETE FROM android_token WHERE tenant = $1",
        "DELETE FROM android_operation WHERE tenant = $1",
        "DELETE FROM android_device WHERE tenant = $1",
        "DELETE FROM android_enterprise WHERE tenant = $1",
    ] {
        tx.execute(sql, params![tenant.0])?;
    }
    Ok(())
}

/// Notes a sign-up that was begun, in place of one before.
pub fn begin_sign_up(tx: &mut Tx<'_>, tenant: Tenant, name: &str, hash: &Hash, until: Time) -> Result<(), Error> {
    tx.execute(
        "UPDATE android_enterprise SET sign_up_name = $2, sign_up_hash = $3, sign_up_until = $4 WHERE tenant = $1",
        params![tenant.0, name, hash, until.as_micros()],
    )?;
    Ok(())
}

/// What Google calls the sign-up that was begun with this and is not over at `now`.
pub fn sign_up(tx: &mut Tx<'_>, tenant: Tenant, hash: &Hash, now: Time) -> Result<Option<String>, Error> {
    Ok(tx.query_opt(
        "SELECT sign_up_name FROM android_enterprise WHERE tenant = $1 AND sign_up_hash = $2 AND sign_up_until > $3",
        params![tenant.0, hash, now.as_micros()],
    )?)
}

/// Forgets a sign-up; false if it was not there any more.
pub fn end_sign_up(tx: &mut Tx<'_>, tenant: Tenant, hash: &Hash) -> Result<bool, Error> {
    let ended = tx.execute(
        "UPDATE android_enterprise SET sign_up_name = NULL, sign_up_hash = NULL, sign_up_until = NULL \
         WHERE tenant = $1 AND sign_up_hash = $2",
        params![tenant.0, hash],
    )?;
    Ok(ended == 1)
}

/// Who works for a tenant: a node, in one version of what is set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Holder {
    /// The tenant.
    pub tenant: Tenant,
    /// The node.
    pub node: String,
    /// The version it goes by.
    pub version: i64,
}

/// Takes or keeps the work for a node until a time; false while another has it, or when it was changed.
pub fn lease(tx: &mut Tx<'_>, holder: &Holder, now: Time, until: Time) -> Result<bool, Error> {
    let taken = tx.execute(
        "UPDATE android_enterprise SET lease_owner = $3, lease_until = $4 WHERE tenant = $1 AND version = $2 \
         AND (lease_owner = $3 OR lease_owner IS NULL OR lease_until <= $5)",
        params![holder.tenant.0, holder.version, &holder.node, until.as_micros(), now.as_micros()],
    )?;
    Ok(taken == 1)
}

/// Gives the work back, if it is the node's.
pub fn release(tx: &mut Tx<'_>, holder: &Holder) -> Result<(), Error> {
    tx.execute(
        "UPDATE android_enterprise SET lease_owner = NULL, lease_until = 0 WHERE tenant = $1 AND lease_owner = $2",
        params![holder.tenant.0, &holder.node],
    )?;
    Ok(())
}

/// Writes down how it is doing, if that is the holder's to say.
pub fn set_state(tx: &mut Tx<'_>, holder: &Holder, state: &str, at: Time) -> Result<(), Error> {
    tx.execute(
        "UPDATE android_enterprise SET state = $4, state_at = $5 \
         WHERE tenant = $1 AND version = $2 AND lease_owner = $3",
        params![holder.tenant.0, holder.version, &holder.node, state, at.as_micros()],
    )?;
    Ok(())
}

/// Notes when all devices were asked for.
pub fn set_listed(tx: &mut Tx<'_>, tenant: Tenant, at: Time) -> Result<(), Error> {
    let sql = "UPDATE android_enterprise SET listed_at = $2 WHERE tenant = $1";
    tx.execute(sql, params![tenant.0, at.as_micros()])?;
    Ok(())
}
