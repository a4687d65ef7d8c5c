//! Tags.

use allclear_domain::{
    ids::{DeviceId, TagId, Tenant},
    tag::Tag,
};
use uuid::Uuid;

use crate::{Error, db::Tx, json, params};

/// Adds a tag.
pub fn insert(tx: &mut Tx<'_>, tenant: Tenant, tag: &Tag) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO tag (tenant, id, name, engine, version) VALUES ($1, $2, $3, $4, 1)",
        params![tenant.0, tag.id.0, &tag.name, tag.engine.map(|engine| json::word(&engine)).transpose()?],
    )?;
    Ok(())
}

/// A tag with its version.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: TagId) -> Result<Option<(Tag, i64)>, Error> {
    let row: Option<(String, Option<String>, i64)> =
        tx.query_opt("SELECT name, engine, version FROM tag WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])?;
    row.map(|(name, engine, version)| Ok((Tag { id, name, engine: engine.map(json::from_word).transpose()? }, version)))
        .transpose()
}

/// All tags by name, each with its version.
pub fn list(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<(Tag, i64)>, Error> {
    let rows: Vec<(Uuid, String, Option<String>, i64)> =
        tx.query("SELECT id, name, engine, version FROM tag WHERE tenant = $1 ORDER BY name", params![tenant.0])?;
    rows.into_iter()
        .map(|(id, name, engine, version)| {
            Ok((Tag { id: TagId(id), name, engine: engine.map(json::from_word).transpose()? }, version))
        })
        .collect()
}

/// Renames a tag; the caller has compared the version.
pub fn rename(tx: &mut Tx<'_>, tenant: Tenant, id: TagId, name: &str, version: i64) -> Result<(), Error> {
    tx.execute(
        "UPDATE tag SET name = $3, version = $4 WHERE tenant = $1 AND id = $2",
        params![tenant.0, id.0, name, version],
    )?;
    Ok(())
}

/// Removes a tag.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, id: TagId) -> Result<(), Error> {
    tx.execute("DELETE FROM tag WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])?;
    Ok(())
}

/// Devices with an ordinary tag, by id, after one.
pub fn devices(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    tag: TagId,
    after: Option<DeviceId>,
    limit: i64,
) -> Result<Vec<DeviceId>, Error> {
    let ids: Vec<Uuid> = tx.query(
        "SELECT device_id FROM device_tag WHERE tenant = $1 AND tag = $2 AND device_id > $3 \
         ORDER BY device_id LIMIT $4",
        params![tenant.0, tag.0, after.map_or(Uuid::nil(), |after| after.0), limit],
    )?;
    Ok(ids.into_iter().map(DeviceId).collect())
}
