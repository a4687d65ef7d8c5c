//! Where the browsers of devices' owners are told, and the keys the server shows to push services. What is secret in them
//! comes sealed.

use allclear_domain::{
    ids::{DeviceId, MessagesSessionId, Tenant},
    time::Time,
};
use uuid::Uuid;

use crate::{Error, db::Tx, params, tokens::Hash};

/// Where a browser wants to be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Subscription {
    /// The session of the app in that browser.
    pub session: MessagesSessionId,
    /// Endpoint and keys, sealed.
    pub sealed: Vec<u8>,
}

/// Sets where a session is told. Another session of the device that was told there is not any more: it is the same
/// browser.
pub fn subscribe(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    subscription: &Subscription,
    endpoint: &Hash,
    now: Time,
) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM push_subscription WHERE tenant = $1 AND device_id = $2 AND (endpoint_hash = $3 OR session = $4)",
        params![tenant.0, device.0, endpoint, subscription.session.0],
    )?;
    tx.execute(
        "INSERT INTO push_subscription (tenant, session, device_id, endpoint_hash, sealed, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![tenant.0, subscription.session.0, device.0, endpoint, subscription.sealed.as_slice(), now.as_micros()],
    )?;
    Ok(())
}

/// Forgets where a session of a device is told.
pub fn unsubscribe(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId, session: MessagesSessionId) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM push_subscription WHERE tenant = $1 AND device_id = $2 AND session = $3",
        params![tenant.0, device.0, session.0],
    )?;
    Ok(())
}

/// Forgets a subscription if it still is that one: its push service does not know it any more.
pub fn forget_subscription(tx: &mut Tx<'_>, tenant: Tenant, gone: &Subscription) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM push_subscription WHERE tenant = $1 AND session = $2 AND sealed = $3",
        params![tenant.0, gone.session.0, gone.sealed.as_slice()],
    )?;
    Ok(())
}

/// Where a device's owner wants to be told.
pub fn subscriptions(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<Vec<Subscription>, Error> {
    let rows: Vec<(Uuid, Vec<u8>)> = tx.query(
        "SELECT session, sealed FROM push_subscription WHERE tenant = $1 AND device_id = $2 ORDER BY session",
        params![tenant.0, device.0],
    )?;
    let subscription = |(session, sealed)| Subscription { session: MessagesSessionId(session), sealed };
    Ok(rows.into_iter().map(subscription).collect())
}

/// A key the server has made, sealed.
pub fn server_key(tx: &mut Tx<'_>, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let sql = "SELECT sealed FROM server_key WHERE tenant = $1 AND name = $2";
    Ok(tx.query_opt(sql, params![Tenant::SERVER.0, name])?)
}

/// Keeps a key the server has made, unless there is one of that name.
pub fn keep_server_key(tx: &mut Tx<'_>, name: &str, sealed: &[u8], now: Time) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO server_key (tenant, name, sealed, created_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant, name) DO NOTHING",
        params![Tenant::SERVER.0, name, sealed, now.as_micros()],
    )?;
    Ok(())
}
