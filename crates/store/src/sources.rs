//! What sources sent: which messages were taken in already, and those that are kept aside.

use allclear_domain::{detection::SourceEvent, ids::Tenant, time::Time};
use uuid::Uuid;

use crate::{
    Error,
    db::{Tx, Value},
    json, params, row,
};

/// Marks messages as taken in and says of each whether it is new. The same digest twice in one call is new once.
pub fn see(tx: &mut Tx<'_>, tenant: Tenant, digests: &[Uuid]) -> Result<Vec<bool>, Error> {
    let rows: Vec<Vec<Value>> = digests.iter().map(|digest| row![tenant.0, *digest]).collect();
    let counts = tx.execute_many(
        "INSERT INTO seen_event (tenant, digest) VALUES ($1, $2) ON CONFLICT (tenant, digest) DO NOTHING",
        &rows,
    )?;
    Ok(counts.into_iter().map(|count| count > 0).collect())
}

/// Why a message is kept aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeptState {
    /// Its device is not known yet.
    Waiting,
    /// It could not be understood.
    Exception,
}

impl KeptState {
    /// The word in the database and in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            KeptState::Waiting => "waiting",
            KeptState::Exception => "exception",
        }
    }
}

/// A message kept aside.
#[derive(Clone, PartialEq, Debug)]
pub struct Kept {
    /// The id it is kept under.
    pub id: Uuid,
    /// Who sent it.
    pub source: String,
    /// The source's id of it.
    pub event_id: String,
    /// What the source calls the device it is about.
    pub external_id: Option<String>,
    /// Why it is kept aside.
    pub reason: String,
    /// The message.
    pub event: SourceEvent,
    /// When it came.
    pub received_at: Time,
}

/// Keeps a message aside.
pub fn keep(tx: &mut Tx<'_>, tenant: Tenant, state: KeptState, kept: &Kept) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO source_event (tenant, id, source, event_id, state, external_id, reason, event, received_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            tenant.0,
            kept.id,
            &kept.source,
            &kept.event_id,
            state.as_str(),
            kept.external_id.as_deref(),
            &kept.reason,
            json::encode(&kept.event)?,
            kept.received_at.as_micros()
        ],
    )?;
    Ok(())
}

/// Takes the messages that wait for this name of a device, oldest first.
pub fn take_waiting(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    source: &str,
    external_id: &str,
) -> Result<Vec<SourceEvent>, Error> {
    let waiting: Vec<String> = tx.query(
        "SELECT event FROM source_event \
         WHERE tenant = $1 AND source = $2 AND external_id = $3 AND state = 'waiting' ORDER BY id",
        params![tenant.0, source, external_id],
    )?;
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    tx.execute(
        "DELETE FROM source_event WHERE tenant = $1 AND source = $2 AND external_id = $3 AND state = 'waiting'",
        params![tenant.0, source, external_id],
    )?;
    waiting.iter().map(|text| json::decode(text)).collect()
}

/// Messages kept aside in a state, newest first, before an id; and how many there are in all.
pub fn kept(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    state: KeptState,
    before: Option<Uuid>,
    limit: i64,
) -> Result<(Vec<Kept>, i64), Error> {
    type Row = (Uuid, String, String, Option<String>, String, String, i64);
    let before = before.unwrap_or(Uuid::max());
    let rows: Vec<Row> = tx.query(
        "SELECT id, source, event_id, external_id, reason, event, received_at FROM source_event \
         WHERE tenant = $1 AND state = $2 AND id < $3 ORDER BY id DESC LIMIT $4",
        params![tenant.0, state.as_str(), before, limit],
    )?;
    let count: Option<i64> = tx.query_opt(
        "SELECT count(*) FROM source_event WHERE tenant = $1 AND state = $2",
        params![tenant.0, state.as_str()],
    )?;
    let kept = rows
        .into_iter()
        .map(|(id, source, event_id, external_id, reason, event, received_at)| {
            Ok(Kept {
                id,
                source,
                event_id,
                external_id,
                reason,
                event: json::decode(&event)?,
                received_at: Time::from_micros(received_at),
            })
        })
        .collect::<Result<Vec<_>, Error>>()?;
    Ok((kept, count.unwrap_or(0)))
}

/// A message kept aside, by id, and why it is.
pub fn get_kept(tx: &mut Tx<'_>, tenant: Tenant, id: Uuid) -> Result<Option<(KeptState, Kept)>, Error> {
    type Row = (String, String, String, Option<String>, String, String, i64);
    let row: Option<Row> = tx.query_opt(
        "SELECT state, source, event_id, external_id, reason, event, received_at FROM source_event \
         WHERE tenant = $1 AND id = $2",
        params![tenant.0, id],
    )?;
    row.map(|(state, source, event_id, external_id, reason, event, received_at)| {
        let state = if state == KeptState::Waiting.as_str() { KeptState::Waiting } else { KeptState::Exception };
        let event = json::decode(&event)?;
        let received_at = Time::from_micros(received_at);
        Ok((state, Kept { id, source, event_id, external_id, reason, event, received_at }))
    })
    .transpose()
}

/// Drops a message kept aside.
pub fn drop_kept(tx: &mut Tx<'_>, tenant: Tenant, id: Uuid) -> Result<(), Error> {
    tx.execute("DELETE FROM source_event WHERE tenant = $1 AND id = $2", params![tenant.0, id])?;
    Ok(())
}

/// The sources that have messages waiting for this name of a device.
pub fn waiting_sources(tx: &mut Tx<'_>, tenant: Tenant, external_id: &str) -> Result<Vec<String>, Error> {
    Ok(tx.query(
        "SELECT DISTINCT source FROM source_event WHERE tenant = $1 AND external_id = $2 AND state = 'waiting'",
        params![tenant.0, external_id],
    )?)
}

/// The names under which connected threat feeds speak.
pub fn feeds(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<String>, Error> {
    Ok(tx.query("SELECT DISTINCT kind FROM integration WHERE tenant = $1", params![tenant.0])?)
}
