//! Commands that administrators gave devices. What a state means and what comes after it is decided above; a command
//! that is past its time reads as expired.

use allclear_domain::{
    device_command::CommandState,
    ids::{CommandId, DeviceId, Tenant},
    journal::Actor,
    time::Time,
};
use uuid::Uuid;

use crate::{
    Error, db,
    db::{FromRow, Row, Tx},
    json, params,
};

/// A command, without what it says and what was answered.
#[derive(Clone, PartialEq, Debug)]
pub struct DeviceCommand {
    /// Its id.
    pub id: CommandId,
    /// The device.
    pub device: DeviceId,
    /// What it is called on the platform.
    pub request_type: String,
    /// Which goes first: the lower one.
    pub rank: u8,
    /// How far it has come.
    pub state: CommandState,
    /// Who gave it.
    pub requested_by: Actor,
    /// When it was given.
    pub created_at: Time,
    /// From when on the device is not given it any more.
    pub expires_at: Time,
    /// When the device was given it last.
    pub sent_at: Option<Time>,
    /// When the device answered.
    pub answered_at: Option<Time>,
    /// The device's own words, or why it was taken back.
    pub detail: Option<String>,
}

/// A command that the device is to be given next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Waiting {
    /// Its id.
    pub id: CommandId,
    /// What it is called on the platform.
    pub request_type: String,
    /// How far it has come.
    pub state: CommandState,
    /// When the device was given it last.
    pub sent_at: Option<Time>,
    /// What it says, sealed.
    pub payload: Vec<u8>,
}

const OPEN: &str = "state IN ('queued', 'sent', 'not_now')";

/// The columns of a command; the state as of the time that is parameter 2.
const COLUMNS: &str = "id, device_id, request_type, rank, \
                       CASE WHEN state IN ('queued', 'sent', 'not_now') AND expires_at <= $2 THEN 'expired' \
                       ELSE state END, requested_by, created_at, expires_at, sent_at, answered_at, detail";

struct Columns {
    command: DeviceCommand,
    state: String,
    requested_by: String,
}

impl FromRow for Columns {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        let time = |i| Ok::<_, db::Error>(row.get::<Option<i64>>(i)?.map(Time::from_micros));
        Ok(Self {
            command: DeviceCommand {
                id: CommandId(row.get(0)?),
                device: DeviceId(row.get(1)?),
                request_type: row.get(2)?,
                rank: row.get(3)?,
                state: CommandState::Queued,
                requested_by: Actor::new(allclear_domain::journal::ActorKind::Engine, ""),
                created_at: Time::from_micros(row.get(6)?),
                expires_at: Time::from_micros(row.get(7)?),
                sent_at: time(8)?,
                answered_at: time(9)?,
                detail: row.get(10)?,
            },
            state: row.get(4)?,
            requested_by: row.get(5)?,
        })
    }
}

fn command(columns: Columns) -> Result<DeviceCommand, Error> {
    let state = json::from_word(columns.state)?;
    let requested_by = json::decode(&columns.requested_by)?;
    Ok(DeviceCommand { state, requested_by, ..columns.command })
}

/// Adds a command.
pub fn insert(tx: &mut Tx<'_>, tenant: Tenant, command: &DeviceCommand, payload: &[u8]) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO device_command (tenant, id, device_id, request_type, rank, state, postponed, requested_by, \
         created_at, expires_at, payload) VALUES ($1, $2, $3, $4, $5, $6, FALSE, $7, $8, $9, $10)",
        params![
            tenant.0,
            command.id.0,
            command.device.0,
            &command.request_type,
            command.rank,
            command.state.as_str(),
            json::encode(&command.requested_by)?,
            command.created_at.as_micros(),
            command.expires_at.as_micros(),
            payload
        ],
    )?;
    Ok(())
}

/// A command of a device, as of `now`.
pub fn get(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    id: CommandId,
    now: Time,
) -> Result<Option<DeviceCommand>, Error> {
    let found: Option<Columns> = tx.query_opt(
        &format!("SELECT {COLUMNS} FROM device_command WHERE tenant = $1 AND id = $3 AND device_id = $4"),
        params![tenant.0, now.as_micros(), id.0, device.0],
    )?;
    found.map(command).transpose()
}

/// What a command says, and what was answered if anything was, each sealed.
pub type Contents = (Vec<u8>, Option<Vec<u8>>);

/// What a command says and what was answered to it.
pub fn contents(tx: &mut Tx<'_>, tenant: Tenant, id: CommandId) -> Result<Option<Contents>, Error> {
    Ok(tx.query_opt(
        "SELECT payload, answer FROM device_command WHERE tenant = $1 AND id = $2",
        params![tenant.0, id.0],
    )?)
}

/// The commands of a device, newest first, before one, as of `now`.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    before: Option<CommandId>,
    limit: u32,
    now: Time,
) -> Result<Vec<DeviceCommand>, Error> {
    let before = before.map_or(Uuid::max(), |before| before.0);
    let found: Vec<Columns> = tx.query(
        &format!(
            "SELECT {COLUMNS} FROM device_command WHERE tenant = $1 AND device_id = $3 AND id < $4 \
             ORDER BY id DESC LIMIT $5"
        ),
        params![tenant.0, now.as_micros(), device.0, before, limit],
    )?;
    found.into_iter().map(command).collect()
}

/// The command a device is to be given next at `now`; none that it postponed.
pub fn next(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId, now: Time) -> Result<Option<Waiting>, Error> {
    type Columns = (Uuid, String, String, Option<i64>, Vec<u8>);
    let found: Option<Columns> = tx.query_opt(
        &format!(
            "SELECT id, request_type, state, sent_at, payload FROM device_command WHERE tenant = $1 AND device_id = $2 \
             AND NOT postponed AND {OPEN} AND expires_at > $3 ORDER BY rank, id LIMIT 1"
        ),
        params![tenant.0, device.0, now.as_micros()],
    )?;
    let waiting = found.map(|(id, request_type, state, sent_at, payload)| {
        let sent_at = sent_at.map(Time::from_micros);
        Ok(Waiting { id: CommandId(id), request_type, state: json::from_word(state)?, sent_at, payload })
    });
    waiting.transpose()
}

/// Whether a device has postponed a command that it may still be given at `now`.
pub fn has_postponed(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId, now: Time) -> Result<bool, Error> {
    let found: Option<i64> = tx.query_opt(
        &format!(
            "SELECT 1 FROM device_command WHERE tenant = $1 AND device_id = $2 AND postponed AND {OPEN} \
             AND expires_at > $3 LIMIT 1"
        ),
        params![tenant.0, device.0, now.as_micros()],
    )?;
    Ok(found.is_some())
}

/// Has a device given again what it postponed.
pub fn resume(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<(), Error> {
    tx.execute(
        &format!(
            "UPDATE device_command SET postponed = FALSE WHERE tenant = $1 AND device_id = $2 AND postponed AND {OPEN}"
        ),
        params![tenant.0, device.0],
    )?;
    Ok(())
}

/// When a device last was given a command or answered one; none if neither is known. Looks at its newest commands only.
pub fn heard_at(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<Option<Time>, Error> {
    let found: Vec<(Option<i64>, Option<i64>)> = tx.query(
        "SELECT sent_at, answered_at FROM device_command WHERE tenant = $1 AND device_id = $2 ORDER BY id DESC LIMIT 50",
        params![tenant.0, device.0],
    )?;
    Ok(found.into_iter().map(|(sent, answered)| sent.max(answered)).max().flatten().map(Time::from_micros))
}

/// Notes that the device is given a command; false if it may not be any more.
pub fn send(tx: &mut Tx<'_>, tenant: Tenant, id: CommandId, now: Time) -> Result<bool, Error> {
    let sent = tx.execute(
        &format!(
            "UPDATE device_command SET state = 'sent', postponed = FALSE, sent_at = $3 \
             WHERE tenant = $1 AND id = $2 AND {OPEN} AND expires_at > $3"
        ),
        params![tenant.0, id.0, now.as_micros()],
    )?;
    Ok(sent == 1)
}

/// Writes down what came of a command: its state, the device's words and, sealed, all it said.
pub fn settle(tx: &mut Tx<'_>, tenant: Tenant, command: &DeviceCommand, answer: Option<&[u8]>) -> Result<(), Error> {
    tx.execute(
        "UPDATE device_command SET state = $3, postponed = $4, answered_at = $5, detail = $6, \
         answer = COALESCE($7, answer) WHERE tenant = $1 AND id = $2",
        params![
            tenant.0,
            command.id.0,
            command.state.as_str(),
            command.state == CommandState::NotNow,
            command.answered_at.map(Time::as_micros),
            command.detail.as_deref(),
            answer
        ],
    )?;
    Ok(())
}

/// The commands of a device that it has not answered, of one type or of all, oldest first, as of `now`.
pub fn open(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    request_type: Option<&str>,
    now: Time,
) -> Result<Vec<DeviceCommand>, Error> {
    let of_type = if request_type.is_some() { "request_type = $4" } else { "$4 = ''" };
    let found: Vec<Columns> = tx.query(
        &format!(
            "SELECT {COLUMNS} FROM device_command WHERE tenant = $1 AND device_id = $3 AND {of_type} AND {OPEN} \
             AND expires_at > $2 ORDER BY id"
        ),
        params![tenant.0, now.as_micros(), device.0, request_type.unwrap_or_default()],
    )?;
    found.into_iter().map(command).collect()
}

/// How many commands of a device it has not answered.
pub fn count_open(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<i64, Error> {
    let count: Option<i64> = tx.query_opt(
        &format!("SELECT count(*) FROM device_command WHERE tenant = $1 AND device_id = $2 AND {OPEN}"),
        params![tenant.0, device.0],
    )?;
    Ok(count.unwrap_or_default())
}

/// Removes the commands of a device, all but the newest so many, that were settled before a time.
pub fn tidy(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId, keep: i64, before: Time) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM device_command WHERE tenant = $1 AND device_id = $2 AND created_at < $3 AND expires_at < $3 \
         AND id < (SELECT newest.id FROM (SELECT id FROM device_command WHERE tenant = $1 AND device_id = $2 \
         ORDER BY id DESC LIMIT $4) newest ORDER BY newest.id LIMIT 1)",
        params![tenant.0, device.0, before.as_micros(), keep],
    )?;
    Ok(())
}
