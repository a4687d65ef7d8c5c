//! The journal: appended in the commit that changes things, read in that order.

use allclear_domain::{
    ids::{DeviceId, OrganizationGroupId, Tenant},
    journal::Entry,
};

use crate::{
    Error,
    db::{Tx, Value},
    json, params, row,
};

/// An entry to append. Its position has been given by the writer, who holds the tenant's lock.
#[derive(Clone, Debug)]
pub struct Append {
    /// The entry.
    pub entry: Entry,
    /// Where the thing it is about lives, for readers whose reach is a part of the tree.
    pub organization_group: Option<OrganizationGroupId>,
    /// The position of the device's entry before this one.
    pub previous: Option<i64>,
}

/// Appends entries.
pub fn append(tx: &mut Tx<'_>, tenant: Tenant, appends: &[Append]) -> Result<(), Error> {
    let mut rows: Vec<Vec<Value>> = Vec::with_capacity(appends.len());
    for append in appends {
        let entry = &append.entry;
        rows.push(row![
            tenant.0,
            entry.position,
            entry.at.as_micros(),
            entry.device_id.map(|device| device.0),
            append.organization_group.map(|group| group.0),
            append.previous,
            json::encode(entry)?
        ]);
    }
    tx.execute_many(
        "INSERT INTO journal (tenant, position, at, device_id, organization_group, previous, entry) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &rows,
    )?;
    Ok(())
}

/// Entries after a position, oldest first, with where they belong.
pub fn after(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    position: i64,
    limit: i64,
) -> Result<Vec<(Entry, Option<OrganizationGroupId>)>, Error> {
    let rows: Vec<(String, Option<uuid::Uuid>)> = tx.query(
        "SELECT entry, organization_group FROM journal WHERE tenant = $1 AND position > $2 ORDER BY position LIMIT $3",
        params![tenant.0, position, limit],
    )?;
    rows.into_iter().map(|(text, group)| Ok((json::decode(&text)?, group.map(OrganizationGroupId)))).collect()
}

/// Entries before a position, newest first, with where they belong.
pub fn before(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    position: i64,
    limit: i64,
) -> Result<Vec<(Entry, Option<OrganizationGroupId>)>, Error> {
    let rows: Vec<(String, Option<uuid::Uuid>)> = tx.query(
        "SELECT entry, organization_group FROM journal WHERE tenant = $1 AND position < $2 \
         ORDER BY position DESC LIMIT $3",
        params![tenant.0, position, limit],
    )?;
    rows.into_iter().map(|(text, group)| Ok((json::decode(&text)?, group.map(OrganizationGroupId)))).collect()
}

/// A device's entries, newest first, from the one at `position` on: each names the one before, so no index is needed.
/// Returns them and the position to go on from.
pub fn of_device(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    position: i64,
    limit: usize,
) -> Result<(Vec<Entry>, Option<i64>), Error> {
    let mut entries = Vec::new();
    let mut next = Some(position).filter(|position| *position > 0);
    while let Some(position) = next {
        if entries.len() == limit {
            return Ok((entries, Some(position)));
        }
        let row: Option<(String, Option<i64>)> = tx.query_opt(
            "SELECT entry, previous FROM journal WHERE tenant = $1 AND position = $2 AND device_id = $3",
            params![tenant.0, position, device.0],
        )?;
        let Some((text, previous)) = row else { break };
        entries.push(json::decode(&text)?);
        next = previous;
    }
    Ok((entries, None))
}
