//! Organization groups: the tenant tree.

use allclear_domain::{
    ids::{OrganizationGroupId, Tenant},
    organization_group::OrganizationGroup,
};
use uuid::Uuid;

use crate::{Error, db::Tx, json, params};

/// Adds a node.
pub fn insert(tx: &mut Tx<'_>, tenant: Tenant, group: &OrganizationGroup) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO organization_group (tenant, id, parent, name, kind, version) VALUES ($1, $2, $3, $4, $5, 1)",
        params![tenant.0, group.id.0, group.parent.map(|parent| parent.0), &group.name, json::word(&group.kind)?],
    )?;
    Ok(())
}

/// A node with its version.
pub fn get(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    id: OrganizationGroupId,
) -> Result<Option<(OrganizationGroup, i64)>, Error> {
    let row: Option<(Option<Uuid>, String, String, i64)> = tx.query_opt(
        "SELECT parent, name, kind, version FROM organization_group WHERE tenant = $1 AND id = $2",
        params![tenant.0, id.0],
    )?;
    row.map(|(parent, name, kind, version)| {
        let group =
            OrganizationGroup { id, parent: parent.map(OrganizationGroupId), name, kind: json::from_word(kind)? };
        Ok((group, version))
    })
    .transpose()
}

/// Changes a node; the caller has compared the version.
pub fn update(tx: &mut Tx<'_>, tenant: Tenant, group: &OrganizationGroup, version: i64) -> Result<(), Error> {
    tx.execute(
        "UPDATE organization_group SET parent = $3, name = $4, version = $5 WHERE tenant = $1 AND id = $2",
        params![tenant.0, group.id.0, group.parent.map(|parent| parent.0), &group.name, version],
    )?;
    Ok(())
}

/// Removes a node. Fails with a foreign key violation while something lives in it.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, id: OrganizationGroupId) -> Result<(), Error> {
    tx.execute("DELETE FROM organization_group WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])?;
    Ok(())
}

/// All nodes of a tenant by name, each with its version.
pub fn list(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<(OrganizationGroup, i64)>, Error> {
    let rows: Vec<(Uuid, Option<Uuid>, String, String, i64)> = tx.query(
        "SELECT id, parent, name, kind, version FROM organization_group WHERE tenant = $1 ORDER BY name, id",
        params![tenant.0],
    )?;
    rows.into_iter()
        .map(|(id, parent, name, kind, version)| {
            let (id, parent) = (OrganizationGroupId(id), parent.map(OrganizationGroupId));
            Ok((OrganizationGroup { id, parent, name, kind: json::from_word(kind)? }, version))
        })
        .collect()
}

/// What lives in a node itself, in words; nodes below it do not count.
pub fn contents(tx: &mut Tx<'_>, tenant: Tenant, id: OrganizationGroupId) -> Result<Vec<&'static str>, Error> {
    let mut holds = Vec::new();
    for (table, words) in [
        ("users", "users"),
        ("user_group", "user groups"),
        ("device", "devices"),
        ("smart_group", "smart groups"),
        ("profile", "profiles"),
        ("api_token", "API tokens"),
        ("admin", "administrators"),
    ] {
        let sql = format!("SELECT tenant FROM {table} WHERE tenant = $1 AND organization_group = $2 LIMIT 1");
        if tx.query_opt::<i64>(&sql, params![tenant.0, id.0])?.is_some() {
            holds.push(words);
        }
    }
    Ok(holds)
}

/// The customers of the server: tenant and root node of each.
pub fn customers(tx: &mut Tx<'_>) -> Result<Vec<(Tenant, OrganizationGroup)>, Error> {
    let rows: Vec<(i64, Uuid, String, String)> = tx.query(
        "SELECT tenant, id, name, kind FROM organization_group WHERE kind = 'customer' ORDER BY tenant",
        params![],
    )?;
    rows.into_iter()
        .map(|(tenant, id, name, kind)| {
            let group = OrganizationGroup {
                id: OrganizationGroupId(id),
                parent: Some(OrganizationGroupId::GLOBAL),
                name,
                kind: json::from_word(kind)?,
            };
            Ok((Tenant(tenant), group))
        })
        .collect()
}
