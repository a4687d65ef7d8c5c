//! Where the agents of devices are told by the push services of their platforms. One address a device.

use allclear_domain::{
    ids::{DeviceId, Tenant},
    push::PushToken,
    time::Time,
};
use uuid::Uuid;

use crate::{
    Error,
    db::{Tx, Value},
    json, params, row,
};

/// A push token as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptToken {
    /// The token.
    pub token: PushToken,
    /// When the agent last said that it is this one.
    pub changed_at: Time,
}

/// Sets the token of a device in place of the one it had. Another device that had this one has none any more: the app
/// has gone over.
pub fn put(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId, token: &PushToken, now: Time) -> Result<(), Error> {
    let provider = json::word(&token.provider)?;
    tx.execute(
        "DELETE FROM push_token WHERE tenant = $1 AND provider = $2 AND token = $3 AND device_id <> $4",
        params![tenant.0, &provider, &token.token, device.0],
    )?;
    tx.execute(
        "INSERT INTO push_token (tenant, device_id, provider, token, topic, environment, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, device_id) DO UPDATE SET \
         provider = excluded.provider, token = excluded.token, topic = excluded.topic, \
         environment = excluded.environment, changed_at = excluded.changed_at",
        params![
            tenant.0,
            device.0,
            &provider,
            &token.token,
            token.topic.as_deref(),
            json::word(&token.environment)?,
            now.as_micros()
        ],
    )?;
    Ok(())
}

/// The token of a device.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<Option<KeptToken>, Error> {
    let row: Option<(String, String, Option<String>, String, i64)> = tx.query_opt(
        "SELECT provider, token, topic, environment, changed_at FROM push_token WHERE tenant = $1 AND device_id = $2",
        params![tenant.0, device.0],
    )?;
    let Some((provider, token, topic, environment, changed_at)) = row else { return Ok(None) };
    let token =
        PushToken { provider: json::from_word(provider)?, token, topic, environment: json::from_word(environment)? };
    Ok(Some(KeptToken { token, changed_at: Time::from_micros(changed_at) }))
}

/// Those of these devices that have a token.
pub fn among(tx: &mut Tx<'_>, tenant: Tenant, devices: &[DeviceId]) -> Result<Vec<DeviceId>, Error> {
    let rows: Vec<Vec<Value>> = devices.iter().map(|device| row![tenant.0, device.0]).collect();
    let sql = "SELECT device_id FROM push_token WHERE tenant = $1 AND device_id = $2";
    let found: Vec<Vec<Uuid>> = tx.query_many(sql, &rows)?;
    Ok(found.into_iter().flatten().map(DeviceId).collect())
}

/// The devices with a token, by id, after one of them if it is given.
pub fn devices(tx: &mut Tx<'_>, tenant: Tenant, after: Option<DeviceId>, limit: i64) -> Result<Vec<DeviceId>, Error> {
    let rows: Vec<Uuid> = tx.query(
        "SELECT device_id FROM push_token WHERE tenant = $1 AND device_id > $2 ORDER BY device_id LIMIT $3",
        params![tenant.0, after.map_or(Uuid::nil(), |after| after.0), limit],
    )?;
    Ok(rows.into_iter().map(DeviceId).collect())
}

/// Forgets the token of a device.
pub fn forget(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<(), Error> {
    tx.execute("DELETE FROM push_token WHERE tenant = $1 AND device_id = $2", params![tenant.0, device.0])?;
    Ok(())
}

/// Forgets a device's token if it still is that one, and the agent has not said so again: the push service does not know
/// it any more.
pub fn forget_gone(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId, gone: &KeptToken) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM push_token WHERE tenant = $1 AND device_id = $2 AND token = $3 AND changed_at = $4",
        params![tenant.0, device.0, &gone.token.token, gone.changed_at.as_micros()],
    )?;
    Ok(())
}
