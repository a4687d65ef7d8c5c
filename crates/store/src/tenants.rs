//! Tenants: the row that every writer locks first, and the settings in it.

use allclear_domain::{ids::Tenant, settings::Settings, time::Time};

use crate::{
    Error,
    db::{Dialect, Tx},
    json, params,
};

/// A tenant's row, as locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TenantRow {
    /// The position of the newest entry of the journal; 0 before the first.
    pub journal_position: i64,
    /// Grows with every change of rules.
    pub rules_version: i64,
}

/// Locks the tenant until the transaction ends and reads its row; `None` if there is no such tenant.
///
/// Every transaction that writes anything of a tenant begins with this. It makes commits of one tenant follow one
/// another, so that journal positions grow in commit order without gaps, whatever node writes.
pub fn lock(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Option<TenantRow>, Error> {
    let sql = match tx.dialect() {
        Dialect::Sqlite => "SELECT journal_position, rules_version FROM tenant WHERE tenant = $1",
        Dialect::Postgres => "SELECT journal_position, rules_version FROM tenant WHERE tenant = $1 FOR UPDATE",
    };
    let row: Option<(i64, i64)> = tx.query_opt(sql, params![tenant.0])?;
    Ok(row.map(|(journal_position, rules_version)| TenantRow { journal_position, rules_version }))
}

/// Reads the tenant's row without locking it.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Option<TenantRow>, Error> {
    let row: Option<(i64, i64)> =
        tx.query_opt("SELECT journal_position, rules_version FROM tenant WHERE tenant = $1", params![tenant.0])?;
    Ok(row.map(|(journal_position, rules_version)| TenantRow { journal_position, rules_version }))
}

/// Writes back what a transaction changed in the tenant's row.
pub fn update(tx: &mut Tx<'_>, tenant: Tenant, row: TenantRow) -> Result<(), Error> {
    tx.execute(
        "UPDATE tenant SET journal_position = $2, rules_version = $3 WHERE tenant = $1",
        params![tenant.0, row.journal_position, row.rules_version],
    )?;
    Ok(())
}

/// All tenants, the server itself (0) included, in order.
pub fn list(tx: &mut Tx<'_>) -> Result<Vec<Tenant>, Error> {
    let rows: Vec<i64> = tx.query("SELECT tenant FROM tenant ORDER BY tenant", params![])?;
    Ok(rows.into_iter().map(Tenant).collect())
}

/// Creates a tenant with default settings.
pub fn create(tx: &mut Tx<'_>, tenant: Tenant, now: Time) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO tenant (tenant, journal_position, rules_version, settings, settings_version, created_at) \
         VALUES ($1, 0, 1, $2, 1, $3)",
        params![tenant.0, json::encode(&Settings::default())?, now.as_micros()],
    )?;
    Ok(())
}

/// The tenant's settings and their version.
pub fn settings(tx: &mut Tx<'_>, tenant: Tenant) -> Result<(Settings, i64), Error> {
    let row: Option<(String, i64)> =
        tx.query_opt("SELECT settings, settings_version FROM tenant WHERE tenant = $1", params![tenant.0])?;
    match row {
        Some((text, version)) => Ok((json::decode(&text)?, version)),
        None => Ok((Settings::default(), 0)),
    }
}

/// Replaces the tenant's settings; the caller has locked the tenant and compared the version.
pub fn set_settings(tx: &mut Tx<'_>, tenant: Tenant, settings: &Settings, version: i64) -> Result<(), Error> {
    tx.execute(
        "UPDATE tenant SET settings = $2, settings_version = $3 WHERE tenant = $1",
        params![tenant.0, json::encode(settings)?, version],
    )?;
    Ok(())
}
