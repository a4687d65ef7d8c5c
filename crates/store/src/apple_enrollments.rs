//! Devices that are managed by Apple's protocol: with which enrollment token each came, how it is woken and what it gave
//! us to keep. Its certificates are in [`crate::device_certificates`]. Tokens and messages are sealed above.

use allclear_domain::{
    ids::{DeviceId, Tenant, TokenId},
    time::Time,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Error,
    db::{Tx, Value},
    json, params, row,
};

/// How far an enrollment has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EnrollmentState {
    /// The device began it and has not said how it is woken.
    Begun,
    /// The device may ask for commands.
    Enabled,
    /// It is over.
    Ended,
}

/// A device that is managed by Apple's protocol.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppleEnrollment {
    /// The device.
    pub device: DeviceId,
    /// The UDID, or the id of the enrollment where the device does not tell it.
    pub identifier: String,
    /// The enrollment token it came with: its certificates are issued for it.
    pub token: TokenId,
    /// The topic of its pushes.
    pub topic: String,
    /// How far it has come.
    pub state: EnrollmentState,
    /// When it began to enroll.
    pub began_at: Time,
    /// What it is asked by itself: JSON in the words of whoever asks.
    pub inquiries: String,
    /// From when on there is something to ask it.
    pub ask_at: Time,
    /// What it postponed before this time it is given again.
    pub resumed_at: Time,
}

/// How a device is woken, as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeptPush {
    /// Sealed.
    pub push: Vec<u8>,
    /// When the device said so last.
    pub changed_at: Time,
}

/// What a device gave us to keep, sealed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Kept {
    /// How to wake it.
    pub push: Option<Vec<u8>>,
    /// With which its passcode can be cleared.
    pub unlock_token: Option<Vec<u8>>,
    /// What it asks back when it is set up.
    pub bootstrap_token: Option<Vec<u8>>,
}

type Columns = (Uuid, String, Uuid, String, String, i64, String, i64, i64);

const SELECT: &str = "SELECT device_id, identifier, token, topic, state, began_at, inquiries, ask_at, \
                      resumed_at FROM apple_enrollment WHERE tenant = $1 AND ";

fn enrollment(columns: Columns) -> Result<AppleEnrollment, Error> {
    let (device, identifier, token, topic, state, began_at, inquiries, ask_at, resumed_at) = columns;
    let (device, token) = (DeviceId(device), TokenId(token));
    let [began_at, ask_at, resumed_at] = [began_at, ask_at, resumed_at].map(Time::from_micros);
    let state = json::from_word(state)?;
    Ok(AppleEnrollment { device, identifier, token, topic, state, began_at, inquiries, ask_at, resumed_at })
}

/// The enrollment that was begun with a token.
pub fn by_token(tx: &mut Tx<'_>, tenant: Tenant, token: TokenId) -> Result<Option<AppleEnrollment>, Error> {
    let found: Option<Columns> = tx.query_opt(&format!("{SELECT} token = $2"), params![tenant.0, token.0])?;
    found.map(enrollment).transpose()
}

/// The enrollment of a device.
pub fn of_device(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<Option<AppleEnrollment>, Error> {
    let found: Option<Columns> = tx.query_opt(&format!("{SELECT} device_id = $2"), params![tenant.0, device.0])?;
    found.map(enrollment).transpose()
}

/// The enrollment of a device, to be changed in this transaction.
pub fn lock(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<Option<AppleEnrollment>, Error> {
    let sql = format!("{SELECT} device_id = $2{}", tx.dialect().for_update());
    let found: Option<Columns> = tx.query_opt(&sql, params![tenant.0, device.0])?;
    found.map(enrollment).transpose()
}

/// Begins an enrollment in place of the one the device had, of which nothing is kept. `authenticate` is the sealed
/// message with which it begins.
pub fn begin(tx: &mut Tx<'_>, tenant: Tenant, new: &AppleEnrollment, authenticate: &[u8]) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO apple_enrollment (tenant, device_id, identifier, token, topic, state, began_at, inquiries, \
         ask_at, resumed_at, authenticate) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (tenant, device_id) DO UPDATE SET \
         identifier = excluded.identifier, token = excluded.token, topic = excluded.topic, \
         state = excluded.state, began_at = excluded.began_at, inquiries = excluded.inquiries, \
         ask_at = excluded.ask_at, resumed_at = excluded.resumed_at, authenticate = excluded.authenticate, \
         push = NULL, push_changed_at = NULL, unlock_token = NULL, bootstrap_token = NULL, token_update = NULL",
        params![
            tenant.0,
            new.device.0,
            &new.identifier,
            new.token.0,
            &new.topic,
            json::word(&new.state)?,
            new.began_at.as_micros(),
            &new.inquiries,
            new.ask_at.as_micros(),
            new.resumed_at.as_micros(),
            authenticate
        ],
    )?;
    Ok(())
}

/// Takes in how a device is woken from now on, and lets it ask for commands. An unlock token that it gave before stays
/// if there is none now.
pub fn set_push(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    topic: &str,
    push: &KeptPush,
    unlock_token: Option<&[u8]>,
    token_update: &[u8],
) -> Result<(), Error> {
    tx.execute(
        "UPDATE apple_enrollment SET topic = $3, push = $4, push_changed_at = $5, \
         unlock_token = COALESCE($6, unlock_token), token_update = $7, state = 'enabled' WHERE tenant = $1 AND device_id = $2 AND state <> 'ended'",
        params![
            tenant.0,
            device.0,
            topic,
            push.push.as_slice(),
            push.changed_at.as_micros(),
            unlock_token,
            token_update
        ],
    )?;
    Ok(())
}

/// Keeps what the device asks back when it is set up, or forgets it.
pub fn set_bootstrap_token(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    token: Option<&[u8]>,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE apple_enrollment SET bootstrap_token = $3 WHERE tenant = $1 AND device_id = $2",
        params![tenant.0, device.0, token],
    )?;
    Ok(())
}

/// Writes down what the device is asked by itself, and from when on there is something to ask it.
pub fn set_inquiries(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    inquiries: &str,
    ask_at: Time,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE apple_enrollment SET inquiries = $3, ask_at = $4 WHERE tenant = $1 AND device_id = $2",
        params![tenant.0, device.0, inquiries, ask_at.as_micros()],
    )?;
    Ok(())
}

/// Notes that the device is given again what it postponed before `at`.
pub fn resume(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId, at: Time) -> Result<(), Error> {
    tx.execute(
        "UPDATE apple_enrollment SET resumed_at = $3 WHERE tenant = $1 AND device_id = $2",
        params![tenant.0, device.0, at.as_micros()],
    )?;
    Ok(())
}

/// Ends an enrollment; says whether it was not over. What is needed to reach the device is forgotten.
pub fn end(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<bool, Error> {
    let ended = tx.execute(
        "UPDATE apple_enrollment SET state = 'ended', push = NULL, push_changed_at = NULL, unlock_token = NULL, \
         bootstrap_token = NULL, token_update = NULL WHERE tenant = $1 AND device_id = $2 AND state <> 'ended'",
        params![tenant.0, device.0],
    )?;
    Ok(ended == 1)
}

/// What a device gave us to keep.
pub fn kept(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<Kept, Error> {
    type Columns = (Option<Vec<u8>>, Option<Vec<u8>>, Option<Vec<u8>>);
    let found: Option<Columns> = tx.query_opt(
        "SELECT push, unlock_token, bootstrap_token FROM apple_enrollment WHERE tenant = $1 AND device_id = $2",
        params![tenant.0, device.0],
    )?;
    Ok(found
        .map(|(push, unlock_token, bootstrap_token)| Kept { push, unlock_token, bootstrap_token })
        .unwrap_or_default())
}

/// How a device is woken; none if that is not known, or it is not managed.
pub fn push(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<Option<KeptPush>, Error> {
    let found: Option<(Vec<u8>, i64)> = tx.query_opt(
        "SELECT push, push_changed_at FROM apple_enrollment WHERE tenant = $1 AND device_id = $2 AND push IS NOT NULL",
        params![tenant.0, device.0],
    )?;
    Ok(found.map(|(push, changed_at)| KeptPush { push, changed_at: Time::from_micros(changed_at) }))
}

/// Forgets how a device is woken if it still is that way: the push service does not know it any more.
pub fn forget_push(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId, gone: &KeptPush) -> Result<(), Error> {
    tx.execute(
        "UPDATE apple_enrollment SET push = NULL, push_changed_at = NULL \
         WHERE tenant = $1 AND device_id = $2 AND push = $3",
        params![tenant.0, device.0, gone.push.as_slice()],
    )?;
    Ok(())
}

/// Those of these devices that can be woken.
pub fn among(tx: &mut Tx<'_>, tenant: Tenant, devices: &[DeviceId]) -> Result<Vec<DeviceId>, Error> {
    let rows: Vec<Vec<Value>> = devices.iter().map(|device| row![tenant.0, device.0]).collect();
    let sql = "SELECT device_id FROM apple_enrollment WHERE tenant = $1 AND device_id = $2 AND push IS NOT NULL";
    let found: Vec<Vec<Uuid>> = tx.query_many(sql, &rows)?;
    Ok(found.into_iter().flatten().map(DeviceId).collect())
}

/// The devices that can be woken, by id, after one of them if it is given.
pub fn devices(tx: &mut Tx<'_>, tenant: Tenant, after: Option<DeviceId>, limit: i64) -> Result<Vec<DeviceId>, Error> {
    let rows: Vec<Uuid> = tx.query(
        "SELECT device_id FROM apple_enrollment WHERE tenant = $1 AND device_id > $2 AND push IS NOT NULL \
         ORDER BY device_id LIMIT $3",
        params![tenant.0, after.map_or(Uuid::nil(), |after| after.0), limit],
    )?;
    Ok(rows.into_iter().map(DeviceId).collect())
}

/// The devices that can be woken and for which the time to ask them something came after `from`, until `to`.
pub fn to_ask(tx: &mut Tx<'_>, tenant: Tenant, from: Time, to: Time) -> Result<Vec<DeviceId>, Error> {
    let rows: Vec<Uuid> = tx.query(
        "SELECT device_id FROM apple_enrollment WHERE tenant = $1 AND ask_at > $2 AND ask_at <= $3 \
         AND push IS NOT NULL",
        params![tenant.0, from.as_micros(), to.as_micros()],
    )?;
    Ok(rows.into_iter().map(DeviceId).collect())
}
