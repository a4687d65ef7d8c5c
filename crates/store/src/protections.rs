//! Rows of the Protections table that a tenant changed.

use allclear_domain::{ids::Tenant, protections::ProtectionsRow};

use crate::{Error, db::Tx, json, params};

/// The version of a row; 0 while it has its default.
pub fn version(tx: &mut Tx<'_>, tenant: Tenant, classification: &str) -> Result<i64, Error> {
    let version: Option<i64> = tx.query_opt(
        "SELECT version FROM protections_row WHERE tenant = $1 AND classification = $2",
        params![tenant.0, classification],
    )?;
    Ok(version.unwrap_or(0))
}

/// The versions of all changed rows.
pub fn versions(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<(String, i64)>, Error> {
    Ok(tx.query("SELECT classification, version FROM protections_row WHERE tenant = $1", params![tenant.0])?)
}

/// Changes a row.
pub fn set(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    classification: &str,
    row: ProtectionsRow,
    version: i64,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO protections_row (tenant, classification, level, response, version) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant, classification) DO UPDATE \
         SET level = excluded.level, response = excluded.response, version = excluded.version",
        params![tenant.0, classification, json::word(&row.level)?, json::word(&row.response)?, version],
    )?;
    Ok(())
}

/// Puts a row back to its default.
pub fn reset(tx: &mut Tx<'_>, tenant: Tenant, classification: &str) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM protections_row WHERE tenant = $1 AND classification = $2",
        params![tenant.0, classification],
    )?;
    Ok(())
}

/// How many open threats there are of each classification.
pub fn open_threats(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<(String, i64)>, Error> {
    Ok(tx.query(
        "SELECT classification, count(*) FROM threat WHERE tenant = $1 AND status = 'open' GROUP BY classification",
        params![tenant.0],
    )?)
}
