//! Devices under Google's management: what Google calls them, which policy they were given and what they said last; the
//! enrollment tokens they come with, and the commands that Google has taken over for them. What is in the JSON is known
//! above.

use allclear_domain::{
    device::ManagementType,
    ids::{CommandId, DeviceId, Tenant, TokenId},
    time::Time,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Error, db,
    db::{FromRow, Row, Tx, Value},
    json, params, row,
};

/// How far the management of a device has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ManagedState {
    /// It is managed.
    Managed,
    /// The device was deleted here: the management is to be taken off it.
    Leaving,
    /// It is not managed any more.
    Ended,
}

/// A device under Google's management.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AndroidDevice {
    /// The device.
    pub device: DeviceId,
    /// What Google calls it.
    pub name: String,
    /// The enrollment token it came with.
    pub token: TokenId,
    /// How far it has come.
    pub state: ManagedState,
    /// When it enrolled, by Google's clock.
    pub enrolled_at: Time,
    /// The policy that Google was told to put on it.
    pub policy: Option<String>,
    /// Which profiles its newest policies were made of: JSON.
    pub assigned: String,
    /// What the device said last, sealed.
    pub reading: Option<Vec<u8>>,
    /// When it said so, by its own clock.
    pub reported_at: Option<Time>,
}

const COLUMNS: &str = "device_id, name, token, state, enrolled_at, policy, assigned, reading, reported_at";

struct Columns(AndroidDevice, String);

impl FromRow for Columns {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        let device = AndroidDevice {
            device: DeviceId(row.get(0)?),
            name: row.get(1)?,
            token: TokenId(row.get(2)?),
            state: ManagedState::Managed,
            enrolled_at: Time::from_micros(row.get(4)?),
            policy: row.get(5)?,
            assigned: row.get(6)?,
            reading: row.get(7)?,
            reported_at: row.get::<Option<i64>>(8)?.map(Time::from_micros),
        };
        Ok(Self(device, row.get(3)?))
    }
}

fn read(columns: Columns) -> Result<AndroidDevice, Error> {
    Ok(AndroidDevice { state: json::from_word(columns.1)?, ..columns.0 })
}

/// What is kept of a device.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<Option<AndroidDevice>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM android_device WHERE tenant = $1 AND device_id = $2");
    tx.query_opt::<Columns>(&sql, params![tenant.0, device.0])?.map(read).transpose()
}

/// The device that Google calls so.
pub fn by_name(tx: &mut Tx<'_>, tenant: Tenant, name: &str) -> Result<Option<AndroidDevice>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM android_device WHERE tenant = $1 AND name = $2");
    tx.query_opt::<Columns>(&sql, params![tenant.0, name])?.map(read).transpose()
}

/// Which of these devices are not done with.
pub fn among(tx: &mut Tx<'_>, tenant: Tenant, devices: &[DeviceId]) -> Result<Vec<DeviceId>, Error> {
    let rows: Vec<Vec<Value>> = devices.iter().map(|device| row![tenant.0, device.0]).collect();
    let sql = "SELECT device_id FROM android_device WHERE tenant = $1 AND device_id = $2 AND state <> 'ended'";
    let found: Vec<Vec<Uuid>> = tx.query_many(sql, &rows)?;
    Ok(found.into_iter().flatten().map(DeviceId).collect())
}

/// Whether a device is managed.
pub fn is_managed(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<bool, Error> {
    let sql = "SELECT name FROM android_device WHERE tenant = $1 AND device_id = $2 AND state = 'managed'";
    let found: Option<String> = tx.query_opt(sql, params![tenant.0, device.0])?;
    Ok(found.is_some())
}

/// Devices in a state, by id, after one.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    state: ManagedState,
    after: Option<DeviceId>,
    limit: i64,
) -> Result<Vec<DeviceId>, Error> {
    let after = after.map_or(Uuid::nil(), |after| after.0);
    let ids: Vec<Uuid> = tx.query(
        "SELECT device_id FROM android_device WHERE tenant = $1 AND state = $2 AND device_id > $3 \
         ORDER BY device_id LIMIT $4",
        params![tenant.0, json::word(&state)?, after, limit],
    )?;
    Ok(ids.into_iter().map(DeviceId).collect())
}

/// Managed devices with what Google calls them and when they enrolled, by id, after one.
pub fn names(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    after: Option<DeviceId>,
    limit: i64,
) -> Result<Vec<(DeviceId, String, Time)>, Error> {
    let after = after.map_or(Uuid::nil(), |after| after.0);
    let found: Vec<(Uuid, String, i64)> = tx.query(
        "SELECT device_id, name, enrolled_at FROM android_device \
         WHERE tenant = $1 AND state = 'managed' AND device_id > $2 ORDER BY device_id LIMIT $3",
        params![tenant.0, after, limit],
    )?;
    Ok(found.into_iter().map(|(device, name, at)| (DeviceId(device), name, Time::from_micros(at))).collect())
}

/// How many devices are managed or have yet to leave.
pub fn count(tx: &mut Tx<'_>, tenant: Tenant) -> Result<i64, Error> {
    let sql = "SELECT count(*) FROM android_device WHERE tenant = $1 AND state <> 'ended'";
    Ok(tx.query_opt(sql, params![tenant.0])?.unwrap_or_default())
}

/// Writes what is kept of a device, in place of what there was.
pub fn put(tx: &mut Tx<'_>, tenant: Tenant, one: &AndroidDevice) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO android_device (tenant, device_id, name, token, state, enrolled_at, policy, assigned, reading, \
         reported_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (tenant, device_id) DO UPDATE SET \
         name = excluded.name, token = excluded.token, state = excluded.state, enrolled_at = excluded.enrolled_at, \
         policy = excluded.policy, assigned = excluded.assigned, reading = excluded.reading, \
         reported_at = excluded.reported_at",
        params![
            tenant.0,
            one.device.0,
            &one.name,
            one.token.0,
            json::word(&one.state)?,
            one.enrolled_at.as_micros(),
            one.policy.as_deref(),
            &one.assigned,
            one.reading.as_deref(),
            one.reported_at.map(Time::as_micros)
        ],
    )?;
    Ok(())
}

/// Notes which profiles the newest policies of a device are made of, before it is given the newest.
pub fn set_assigned(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId, assigned: &str) -> Result<(), Error> {
    let sql = "UPDATE android_device SET assigned = $3 WHERE tenant = $1 AND device_id = $2";
    tx.execute(sql, params![tenant.0, device.0, assigned])?;
    Ok(())
}

/// Notes the policy that Google was told to put on a device under a name.
pub fn set_policy(tx: &mut Tx<'_>, tenant: Tenant, name: &str, policy: &str) -> Result<(), Error> {
    let sql = "UPDATE android_device SET policy = $3 WHERE tenant = $1 AND name = $2";
    tx.execute(sql, params![tenant.0, name, policy])?;
    Ok(())
}

/// Keeps what a device said.
pub fn set_reading(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    reading: &[u8],
    reported_at: Option<Time>,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE android_device SET reading = $3, reported_at = COALESCE($4, reported_at) \
         WHERE tenant = $1 AND device_id = $2",
        params![tenant.0, device.0, reading, reported_at.map(Time::as_micros)],
    )?;
    Ok(())
}

/// Sets the state of a device that is not done with; says whether it was not.
pub fn set_state(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId, state: ManagedState) -> Result<bool, Error> {
    let changed = tx.execute(
        "UPDATE android_device SET state = $3 WHERE tenant = $1 AND device_id = $2 AND state <> 'ended'",
        params![tenant.0, device.0, json::word(&state)?],
    )?;
    Ok(changed == 1)
}

/// Forgets a device whose management is over.
pub fn forget(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<(), Error> {
    for sql in [
        "DELETE FROM android_operation WHERE tenant = $1 AND device_id = $2",
        "DELETE FROM android_device WHERE tenant = $1 AND device_id = $2",
    ] {
        tx.execute(sql, params![tenant.0, device.0])?;
    }
    Ok(())
}

/// The version of a policy that Google has.
pub fn policy(tx: &mut Tx<'_>, tenant: Tenant, id: &str) -> Result<Option<i64>, Error> {
    Ok(tx.query_opt("SELECT version FROM android_policy WHERE tenant = $1 AND id = $2", params![tenant.0, id])?)
}

/// Notes that Google has a policy, and that it is used.
pub fn put_policy(tx: &mut Tx<'_>, tenant: Tenant, id: &str, version: i64, now: Time) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO android_policy (tenant, id, version, used_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant, id) DO UPDATE SET version = excluded.version, used_at = excluded.used_at",
        params![tenant.0, id, version, now.as_micros()],
    )?;
    Ok(())
}

/// Notes that a policy is about to be used; false if Google does not have it.
pub fn use_policy(tx: &mut Tx<'_>, tenant: Tenant, id: &str, now: Time) -> Result<bool, Error> {
    let sql = "UPDATE android_policy SET used_at = $3 WHERE tenant = $1 AND id = $2";
    Ok(tx.execute(sql, params![tenant.0, id, now.as_micros()])? == 1)
}

/// Policies that no device and no enrollment token has, and that were last used before a time.
pub fn unused_policies(tx: &mut Tx<'_>, tenant: Tenant, before: Time, limit: i64) -> Result<Vec<String>, Error> {
    Ok(tx.query(
        "SELECT id FROM android_policy p WHERE tenant = $1 AND used_at < $2 \
         AND NOT EXISTS (SELECT 1 FROM android_device d WHERE d.tenant = $1 AND d.policy = p.id AND d.state <> 'ended') \
         AND NOT EXISTS (SELECT 1 FROM android_token t WHERE t.tenant = $1 AND t.policy = p.id) \
         ORDER BY id LIMIT $3",
        params![tenant.0, before.as_micros(), limit],
    )?)
}

/// Forgets a policy that Google does not have, or is about to lose, unless it was used since; says whether it did.
pub fn forget_policy(tx: &mut Tx<'_>, tenant: Tenant, id: &str, before: Time) -> Result<bool, Error> {
    let sql = "DELETE FROM android_policy WHERE tenant = $1 AND id = $2 AND used_at < $3";
    Ok(tx.execute(sql, params![tenant.0, id, before.as_micros()])? == 1)
}

/// An enrollment token of Google's that was made for one of ours.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AndroidToken {
    /// What Google calls it.
    pub name: String,
    /// Ours.
    pub token: TokenId,
    /// The policy a device gets with it.
    pub policy: String,
    /// How a device is managed that comes with it.
    pub management: ManagementType,
    /// Until when it is good.
    pub expires_at: Time,
}

/// Notes an enrollment token of Google's.
pub fn insert_token(tx: &mut Tx<'_>, tenant: Tenant, one: &AndroidToken) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO android_token (tenant, name, token, policy, management, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, name) DO NOTHING",
        params![
            tenant.0,
            &one.name,
            one.token.0,
            &one.policy,
            json::word(&one.management)?,
            one.expires_at.as_micros()
        ],
    )?;
    Ok(())
}

/// How devices are managed that come with an enrollment token of Google's, and which of ours it was made for.
pub fn token(tx: &mut Tx<'_>, tenant: Tenant, name: &str) -> Result<Option<(TokenId, ManagementType)>, Error> {
    let sql = "SELECT token, management FROM android_token WHERE tenant = $1 AND name = $2";
    let found: Option<(Uuid, String)> = tx.query_opt(sql, params![tenant.0, name])?;
    found.map(|(token, management)| Ok((TokenId(token), json::from_word(management)?))).transpose()
}

/// Enrollment tokens of Google's that are worth nothing any more: past their time, or ours is gone or used.
pub fn stale_tokens(tx: &mut Tx<'_>, tenant: Tenant, now: Time, limit: i64) -> Result<Vec<String>, Error> {
    Ok(tx.query(
        "SELECT a.name FROM android_token a LEFT JOIN enrollment_token t ON t.tenant = a.tenant AND t.id = a.token \
         WHERE a.tenant = $1 AND (a.expires_at <= $2 OR t.id IS NULL OR t.used_at IS NOT NULL) ORDER BY a.name LIMIT $3",
        params![tenant.0, now.as_micros(), limit],
    )?)
}

/// Whether there are enrollment tokens of Google's that are good at `now`.
pub fn has_tokens(tx: &mut Tx<'_>, tenant: Tenant, now: Time) -> Result<bool, Error> {
    let sql = "SELECT name FROM android_token WHERE tenant = $1 AND expires_at > $2 LIMIT 1";
    let found: Option<String> = tx.query_opt(sql, params![tenant.0, now.as_micros()])?;
    Ok(found.is_some())
}

/// Forgets an enrollment token of Google's.
pub fn forget_token(tx: &mut Tx<'_>, tenant: Tenant, name: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM android_token WHERE tenant = $1 AND name = $2", params![tenant.0, name])?;
    Ok(())
}

/// A command of an administrator that Google has taken over.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AndroidOperation {
    /// What Google calls it.
    pub name: String,
    /// The command.
    pub command: CommandId,
    /// The device.
    pub device: DeviceId,
    /// When Google took it over.
    pub issued_at: Time,
}

type OperationColumns = (String, Uuid, Uuid, i64);

fn operation(columns: OperationColumns) -> AndroidOperation {
    let (name, command, device, issued_at) = columns;
    let (command, device) = (CommandId(command), DeviceId(device));
    AndroidOperation { name, command, device, issued_at: Time::from_micros(issued_at) }
}

/// Notes what Google calls a command.
pub fn insert_operation(tx: &mut Tx<'_>, tenant: Tenant, one: &AndroidOperation) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO android_operation (tenant, name, command, device_id, issued_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant, name) DO NOTHING",
        params![tenant.0, &one.name, one.command.0, one.device.0, one.issued_at.as_micros()],
    )?;
    Ok(())
}

/// The command that Google calls so.
pub fn by_operation(tx: &mut Tx<'_>, tenant: Tenant, name: &str) -> Result<Option<AndroidOperation>, Error> {
    let sql = "SELECT name, command, device_id, issued_at FROM android_operation WHERE tenant = $1 AND name = $2";
    Ok(tx.query_opt::<OperationColumns>(sql, params![tenant.0, name])?.map(operation))
}

/// The commands that Google has taken over for a device, oldest first.
pub fn operations(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<Vec<AndroidOperation>, Error> {
    let sql = "SELECT name, command, device_id, issued_at FROM android_operation \
               WHERE tenant = $1 AND device_id = $2 ORDER BY issued_at, name";
    let found: Vec<OperationColumns> = tx.query(sql, params![tenant.0, device.0])?;
    Ok(found.into_iter().map(operation).collect())
}

/// Forgets what Google called a command.
pub fn forget_operation(tx: &mut Tx<'_>, tenant: Tenant, name: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM android_operation WHERE tenant = $1 AND name = $2", params![tenant.0, name])?;
    Ok(())
}
