//! The Messages app: one-time links that bind it to a device, and the browsers in which it is bound. Only hashes of
//! what a browser shows are kept; when something has expired is decided above.

use allclear_domain::{
    ids::{DeviceId, MessagesSessionId, Tenant},
    time::Time,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{Error, db::Tx, json, params, tokens::Hash};

/// What a link is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkPurpose {
    /// The device's owner opens the app for the first time.
    Enroll,
    /// The app, put on the home screen, starts without the browser's cookies.
    Install,
}

/// A one-time link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessagesLink {
    /// The device it binds the app to.
    pub device: DeviceId,
    /// What it is for.
    pub purpose: LinkPurpose,
    /// When it was made.
    pub created_at: Time,
    /// From when on it is worth nothing.
    pub expires_at: Time,
    /// When it was used.
    pub used_at: Option<Time>,
}

/// A browser in which the app is bound to a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessagesSession {
    /// Its id.
    pub id: MessagesSessionId,
    /// The device.
    pub device: DeviceId,
    /// When it was bound.
    pub created_at: Time,
    /// When it was last used, to about a day.
    pub last_seen_at: Time,
}

/// Adds a link.
pub fn insert_link(tx: &mut Tx<'_>, tenant: Tenant, link: &MessagesLink, hash: &Hash) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO messages_link (tenant, hash, device_id, purpose, created_at, expires_at, used_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            tenant.0,
            hash,
            link.device.0,
            json::word(&link.purpose)?,
            link.created_at.as_micros(),
            link.expires_at.as_micros(),
            link.used_at.map(Time::as_micros)
        ],
    )?;
    Ok(())
}

/// Removes a device's links that have expired, and of those for one purpose all but the newest so many.
pub fn tidy_links(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    purpose: LinkPurpose,
    keep: i64,
    now: Time,
) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM messages_link WHERE tenant = $1 AND device_id = $2 AND expires_at <= $3",
        params![tenant.0, device.0, now.as_micros()],
    )?;
    tx.execute(
        "DELETE FROM messages_link WHERE tenant = $1 AND device_id = $2 AND purpose = $3 AND created_at < \
         (SELECT MIN(newest.created_at) FROM (SELECT created_at FROM messages_link \
         WHERE tenant = $1 AND device_id = $2 AND purpose = $3 ORDER BY created_at DESC LIMIT $4) newest)",
        params![tenant.0, device.0, json::word(&purpose)?, keep],
    )?;
    Ok(())
}

/// The link of this hash, a used or expired one too.
pub fn link(tx: &mut Tx<'_>, tenant: Tenant, hash: &Hash) -> Result<Option<MessagesLink>, Error> {
    let row: Option<(Uuid, String, i64, i64, Option<i64>)> = tx.query_opt(
        "SELECT device_id, purpose, created_at, expires_at, used_at FROM messages_link \
         WHERE tenant = $1 AND hash = $2",
        params![tenant.0, hash],
    )?;
    let Some((device, purpose, created_at, expires_at, used_at)) = row else { return Ok(None) };
    Ok(Some(MessagesLink {
        device: DeviceId(device),
        purpose: json::from_word(purpose)?,
        created_at: Time::from_micros(created_at),
        expires_at: Time::from_micros(expires_at),
        used_at: used_at.map(Time::from_micros),
    }))
}

/// Notes that a link was used; says whether it was not before.
pub fn use_link(tx: &mut Tx<'_>, tenant: Tenant, hash: &Hash, now: Time) -> Result<bool, Error> {
    let used = tx.execute(
        "UPDATE messages_link SET used_at = $3 WHERE tenant = $1 AND hash = $2 AND used_at IS NULL",
        params![tenant.0, hash, now.as_micros()],
    )?;
    Ok(used == 1)
}

/// Adds a session.
pub fn insert_session(tx: &mut Tx<'_>, tenant: Tenant, session: &MessagesSession, hash: &Hash) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO messages_session (tenant, id, hash, device_id, created_at, last_seen_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            tenant.0,
            session.id.0,
            hash,
            session.device.0,
            session.created_at.as_micros(),
            session.last_seen_at.as_micros()
        ],
    )?;
    Ok(())
}

/// The session of this hash.
pub fn session(tx: &mut Tx<'_>, tenant: Tenant, hash: &Hash) -> Result<Option<MessagesSession>, Error> {
    let row: Option<(Uuid, Uuid, i64, i64)> = tx.query_opt(
        "SELECT id, device_id, created_at, last_seen_at FROM messages_session WHERE tenant = $1 AND hash = $2",
        params![tenant.0, hash],
    )?;
    Ok(row.map(|(id, device, created_at, last_seen_at)| MessagesSession {
        id: MessagesSessionId(id),
        device: DeviceId(device),
        created_at: Time::from_micros(created_at),
        last_seen_at: Time::from_micros(last_seen_at),
    }))
}

/// Notes that a session was used, unless a use after `unless_after` is noted already.
pub fn touch_session(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    id: MessagesSessionId,
    now: Time,
    unless_after: Time,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE messages_session SET last_seen_at = $3 WHERE tenant = $1 AND id = $2 AND last_seen_at <= $4",
        params![tenant.0, id.0, now.as_micros(), unless_after.as_micros()],
    )?;
    Ok(())
}

/// Ends the session of this hash, and its push subscription with it; says whether it was there.
pub fn delete_session(tx: &mut Tx<'_>, tenant: Tenant, hash: &Hash) -> Result<bool, Error> {
    let gone = tx.execute("DELETE FROM messages_session WHERE tenant = $1 AND hash = $2", params![tenant.0, hash])?;
    Ok(gone == 1)
}

/// Removes a device's sessions that were not used since `idle_since`, and of the others all but the newest so many.
pub fn tidy_sessions(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    keep: i64,
    idle_since: Time,
) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM messages_session WHERE tenant = $1 AND device_id = $2 AND (last_seen_at <= $3 OR id < \
         (SELECT newest.id FROM (SELECT id FROM messages_session WHERE tenant = $1 AND device_id = $2 \
         ORDER BY id DESC LIMIT $4) newest ORDER BY newest.id LIMIT 1))",
        params![tenant.0, device.0, idle_since.as_micros(), keep],
    )?;
    Ok(())
}

/// Unbinds the app from a device everywhere, and makes its links worthless: the device has another owner now.
pub fn unbind(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<(), Error> {
    tx.execute("DELETE FROM messages_link WHERE tenant = $1 AND device_id = $2", params![tenant.0, device.0])?;
    tx.execute("DELETE FROM messages_session WHERE tenant = $1 AND device_id = $2", params![tenant.0, device.0])?;
    Ok(())
}
