//! How a tenant's devices are managed by Apple's protocol: one row. Must not know what is in it.

use allclear_domain::{ids::Tenant, time::Time};

use crate::{Error, db::Tx, params};

/// What is set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AppleMdmSetting {
    /// JSON, without secrets.
    pub config: String,
    /// The secrets, JSON, sealed.
    pub secrets: String,
    /// Grows with every change.
    pub version: i64,
    /// When it was changed last.
    pub changed_at: Time,
}

/// What a tenant has set; nothing before it was set up.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Option<AppleMdmSetting>, Error> {
    let row: Option<(String, String, i64, i64)> = tx.query_opt(
        "SELECT config, secrets, version, changed_at FROM apple_mdm_setting WHERE tenant = $1",
        params![tenant.0],
    )?;
    Ok(row.map(|(config, secrets, version, changed_at)| AppleMdmSetting {
        config,
        secrets,
        version,
        changed_at: Time::from_micros(changed_at),
    }))
}

/// The tenants that have set anything.
pub fn tenants(tx: &mut Tx<'_>) -> Result<Vec<Tenant>, Error> {
    let rows: Vec<i64> = tx.query("SELECT tenant FROM apple_mdm_setting ORDER BY tenant", params![])?;
    Ok(rows.into_iter().map(Tenant).collect())
}

/// Writes what a tenant sets; the caller has compared the version.
pub fn put(tx: &mut Tx<'_>, tenant: Tenant, setting: &AppleMdmSetting) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO apple_mdm_setting (tenant, config, secrets, version, changed_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (tenant) DO UPDATE SET config = excluded.config, secrets = excluded.secrets, \
         version = excluded.version, changed_at = excluded.changed_at",
        params![tenant.0, &setting.config, &setting.secrets, setting.version, setting.changed_at.as_micros()],
    )?;
    Ok(())
}
