//! Smart groups, and the rows that say who is in them.

use allclear_domain::{
    ids::{DeviceId, OrganizationGroupId, SmartGroupId, Tenant},
    smart_group::SmartGroup,
};
use uuid::Uuid;

use crate::{Error, db::Tx, json, params};

/// Adds a smart group.
pub fn insert(tx: &mut Tx<'_>, tenant: Tenant, group: &SmartGroup) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO smart_group (tenant, id, name, organization_group, selection, version) \
         VALUES ($1, $2, $3, $4, $5, 1)",
        params![tenant.0, group.id.0, &group.name, group.organization_group.0, json::encode(&group.selection)?],
    )?;
    Ok(())
}

/// A smart group with its version.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: SmartGroupId) -> Result<Option<(SmartGroup, i64)>, Error> {
    let row: Option<(String, Uuid, String, i64)> = tx.query_opt(
        "SELECT name, organization_group, selection, version FROM smart_group WHERE tenant = $1 AND id = $2",
        params![tenant.0, id.0],
    )?;
    row.map(|(name, group, selection, version)| {
        let group = SmartGroup {
            id,
            name,
            organization_group: OrganizationGroupId(group),
            selection: json::decode(&selection)?,
        };
        Ok((group, version))
    })
    .transpose()
}

/// The versions of all smart groups.
pub fn versions(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<(SmartGroupId, i64)>, Error> {
    let rows: Vec<(Uuid, i64)> =
        tx.query("SELECT id, version FROM smart_group WHERE tenant = $1", params![tenant.0])?;
    Ok(rows.into_iter().map(|(id, version)| (SmartGroupId(id), version)).collect())
}

/// Changes a smart group; the caller has compared the version.
pub fn update(tx: &mut Tx<'_>, tenant: Tenant, group: &SmartGroup, version: i64) -> Result<(), Error> {
    tx.execute(
        "UPDATE smart_group SET name = $3, organization_group = $4, selection = $5, version = $6 \
         WHERE tenant = $1 AND id = $2",
        params![
            tenant.0,
            group.id.0,
            &group.name,
            group.organization_group.0,
            json::encode(&group.selection)?,
            version
        ],
    )?;
    Ok(())
}

/// Removes a smart group; who was in it leaves when re-evaluated.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, id: SmartGroupId) -> Result<(), Error> {
    tx.execute("DELETE FROM smart_group WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])?;
    Ok(())
}

/// How many devices are in a smart group.
pub fn count(tx: &mut Tx<'_>, tenant: Tenant, id: SmartGroupId) -> Result<i64, Error> {
    let count: Option<i64> = tx.query_opt(
        "SELECT count(*) FROM device_smart_group WHERE tenant = $1 AND smart_group = $2",
        params![tenant.0, id.0],
    )?;
    Ok(count.unwrap_or(0))
}

/// How many devices are in each smart group that has any.
pub fn counts(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<(SmartGroupId, i64)>, Error> {
    let rows: Vec<(Uuid, i64)> = tx.query(
        "SELECT smart_group, count(*) FROM device_smart_group WHERE tenant = $1 GROUP BY smart_group",
        params![tenant.0],
    )?;
    Ok(rows.into_iter().map(|(id, count)| (SmartGroupId(id), count)).collect())
}

/// Members, by id, after one.
pub fn members(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    id: SmartGroupId,
    after: Option<DeviceId>,
    limit: i64,
) -> Result<Vec<DeviceId>, Error> {
    let ids: Vec<Uuid> = tx.query(
        "SELECT device_id FROM device_smart_group WHERE tenant = $1 AND smart_group = $2 AND device_id > $3 \
         ORDER BY device_id LIMIT $4",
        params![tenant.0, id.0, after.map_or(Uuid::nil(), |after| after.0), limit],
    )?;
    Ok(ids.into_iter().map(DeviceId).collect())
}

/// What a selection may name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Devices.
    Device,
    /// Users.
    User,
    /// User groups.
    UserGroup,
}

/// Those of the ids (each with where it was named) that are not there.
pub fn missing<'a>(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    kind: Kind,
    named: Vec<(&'a str, Uuid)>,
) -> Result<Vec<(&'a str, Uuid)>, Error> {
    let sql = match kind {
        Kind::Device => "SELECT id FROM device WHERE tenant = $1 AND id = $2",
        Kind::User => "SELECT id FROM users WHERE tenant = $1 AND id = $2",
        Kind::UserGroup => "SELECT id FROM user_group WHERE tenant = $1 AND id = $2",
    };
    let rows: Vec<_> = named.iter().map(|(_, id)| crate::row![tenant.0, *id]).collect();
    let found: Vec<Vec<Uuid>> = tx.query_many(sql, &rows)?;
    Ok(named.into_iter().zip(found).filter(|(_, found)| found.is_empty()).map(|(named, _)| named).collect())
}
