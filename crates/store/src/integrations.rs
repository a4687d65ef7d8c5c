//! Threat feeds that are connected: what is set about each, how it is doing, and which node reads it.

use allclear_domain::{ids::Tenant, time::Time};
use uuid::Uuid;

use crate::{
    Error, db,
    db::{FromRow, Row, Tx},
    params,
};

/// A threat feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Integration {
    /// The tenant whose devices it is about.
    pub tenant: Tenant,
    /// Its id.
    pub id: Uuid,
    /// Whose format it has, for example `lookout`.
    pub kind: String,
    /// Its name, unique in the tenant.
    pub name: String,
    /// Whether it is to be read.
    pub enabled: bool,
    /// Where it is.
    pub base_url: String,
    /// The key to it, sealed.
    pub sealed_key: Vec<u8>,
    /// How far it has been read.
    pub position: Option<String>,
    /// How it is doing: JSON in the reader's words.
    pub state: String,
    /// Since when it is doing so.
    pub state_at: Time,
    /// Grows with every edit; position and state do not count.
    pub version: i64,
    /// The node that reads it,
    pub lease_owner: Option<String>,
    /// until then at least.
    pub lease_until: Time,
}

const COLUMNS: &str = "tenant, id, kind, name, enabled, base_url, sealed_key, position, state, state_at, version, \
                       lease_owner, lease_until";

impl FromRow for Integration {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        Ok(Self {
            tenant: Tenant(row.get(0)?),
            id: row.get(1)?,
            kind: row.get(2)?,
            name: row.get(3)?,
            enabled: row.get(4)?,
            base_url: row.get(5)?,
            sealed_key: row.get(6)?,
            position: row.get(7)?,
            state: row.get(8)?,
            state_at: Time::from_micros(row.get(9)?),
            version: row.get(10)?,
            lease_owner: row.get(11)?,
            lease_until: Time::from_micros(row.get(12)?),
        })
    }
}

/// A tenant's integrations, by name.
pub fn list(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<Integration>, Error> {
    Ok(tx.query(&format!("SELECT {COLUMNS} FROM integration WHERE tenant = $1 ORDER BY name"), params![tenant.0])?)
}

/// The integrations of all tenants that are to be read.
pub fn enabled(tx: &mut Tx<'_>) -> Result<Vec<Integration>, Error> {
    Ok(tx.query(&format!("SELECT {COLUMNS} FROM integration WHERE enabled ORDER BY tenant, id"), params![])?)
}

/// An integration by id.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: Uuid) -> Result<Option<Integration>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM integration WHERE tenant = $1 AND id = $2");
    Ok(tx.query_opt(&sql, params![tenant.0, id])?)
}

/// Adds an integration that nobody reads yet. A name that is taken is a unique violation.
pub fn insert(tx: &mut Tx<'_>, one: &Integration) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO integration (tenant, id, kind, name, enabled, base_url, sealed_key, position, state, state_at, \
         version, lease_owner, lease_until) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, NULL, 0)",
        params![
            one.tenant.0,
            one.id,
            &one.kind,
            &one.name,
            one.enabled,
            &one.base_url,
            &one.sealed_key,
            one.position.as_deref(),
            &one.state,
            one.state_at.as_micros(),
            one.version
        ],
    )?;
    Ok(())
}

/// Writes everything but the kind and the lease; the caller has compared the version.
pub fn update(tx: &mut Tx<'_>, one: &Integration) -> Result<(), Error> {
    tx.execute(
        "UPDATE integration SET name = $3, enabled = $4, base_url = $5, sealed_key = $6, position = $7, state = $8, \
         state_at = $9, version = $10 WHERE tenant = $1 AND id = $2",
        params![
            one.tenant.0,
            one.id,
            &one.name,
            one.enabled,
            &one.base_url,
            &one.sealed_key,
            one.position.as_deref(),
            &one.state,
            one.state_at.as_micros(),
            one.version
        ],
    )?;
    Ok(())
}

/// Removes an integration. What it brought stays.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, id: Uuid) -> Result<(), Error> {
    tx.execute("DELETE FROM integration WHERE tenant = $1 AND id = $2", params![tenant.0, id])?;
    Ok(())
}

/// Who reads a feed: a node, in one version of what is set about the feed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reader {
    /// The tenant.
    pub tenant: Tenant,
    /// The integration.
    pub id: Uuid,
    /// The node.
    pub node: String,
    /// The version it goes by.
    pub version: i64,
}

/// Takes or keeps the feed for a node until a time; false while another has it, or when it was changed or switched off.
pub fn lease(tx: &mut Tx<'_>, reader: &Reader, now: Time, until: Time) -> Result<bool, Error> {
    let taken = tx.execute(
        "UPDATE integration SET lease_owner = $4, lease_until = $5 WHERE tenant = $1 AND id = $2 AND version = $3 \
         AND enabled AND (lease_owner = $4 OR lease_owner IS NULL OR lease_until <= $6)",
        params![reader.tenant.0, reader.id, reader.version, &reader.node, until.as_micros(), now.as_micros()],
    )?;
    Ok(taken > 0)
}

/// Gives the feed back, if it is the node's.
pub fn release(tx: &mut Tx<'_>, reader: &Reader) -> Result<(), Error> {
    tx.execute(
        "UPDATE integration SET lease_owner = NULL, lease_until = 0 \
         WHERE tenant = $1 AND id = $2 AND lease_owner = $3",
        params![reader.tenant.0, reader.id, &reader.node],
    )?;
    Ok(())
}

/// Saves how far the feed has been read; false if it is no longer the reader's.
pub fn set_position(tx: &mut Tx<'_>, reader: &Reader, position: &str) -> Result<bool, Error> {
    let saved = tx.execute(
        "UPDATE integration SET position = $5 WHERE tenant = $1 AND id = $2 AND version = $3 AND lease_owner = $4",
        params![reader.tenant.0, reader.id, reader.version, &reader.node, position],
    )?;
    Ok(saved > 0)
}

/// Saves how the feed is doing, if it is the reader's.
pub fn set_state(tx: &mut Tx<'_>, reader: &Reader, state: &str, at: Time) -> Result<(), Error> {
    tx.execute(
        "UPDATE integration SET state = $5, state_at = $6 \
         WHERE tenant = $1 AND id = $2 AND version = $3 AND lease_owner = $4",
        params![reader.tenant.0, reader.id, reader.version, &reader.node, state, at.as_micros()],
    )?;
    Ok(())
}

/// How many messages of a source wait for their device, and how many could not be understood.
pub fn kept(tx: &mut Tx<'_>, tenant: Tenant, source: &str) -> Result<(i64, i64), Error> {
    let waiting: Option<i64> = tx.query_opt(
        "SELECT count(*) FROM source_event WHERE tenant = $1 AND source = $2 AND state = 'waiting'",
        params![tenant.0, source],
    )?;
    let exceptions: Option<i64> = tx.query_opt(
        "SELECT count(*) FROM source_event WHERE tenant = $1 AND state = 'exception' AND source = $2",
        params![tenant.0, source],
    )?;
    Ok((waiting.unwrap_or_default(), exceptions.unwrap_or_default()))
}
