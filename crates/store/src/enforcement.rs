//! How long it took from threats to the restrictions they led to, as counts in buckets. Must not know what a bucket is.

use allclear_domain::ids::{OrganizationGroupId, Tenant};

use crate::{
    Error,
    dashboard::{self, Within},
    db::{Tx, Value},
    params,
};

/// Adds one to a bucket of an hour.
pub fn add(tx: &mut Tx<'_>, tenant: Tenant, hour: i64, group: OrganizationGroupId, bucket: i64) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO enforcement_hour (tenant, hour, organization_group, bucket, count) VALUES ($1, $2, $3, $4, 1) \
         ON CONFLICT (tenant, hour, organization_group, bucket) DO UPDATE SET count = enforcement_hour.count + 1",
        params![tenant.0, hour, group.0, bucket],
    )?;
    Ok(())
}

/// The buckets of the hours from one on, in order, with how many each holds.
pub fn counts(tx: &mut Tx<'_>, tenant: Tenant, within: Within<'_>, from: i64) -> Result<Vec<(i64, i64)>, Error> {
    let mut params = vec![Value::from(tenant.0), Value::from(from)];
    let inside = dashboard::inside(within, &mut params);
    let sql = format!(
        "SELECT bucket, CAST(sum(count) AS BIGINT) FROM enforcement_hour WHERE tenant = $1 AND hour >= $2{inside} \
         GROUP BY bucket ORDER BY bucket"
    );
    Ok(tx.query(&sql, &params)?)
}

/// Deletes hours before one.
pub fn purge(tx: &mut Tx<'_>, tenant: Tenant, before: i64) -> Result<u64, Error> {
    Ok(tx.execute("DELETE FROM enforcement_hour WHERE tenant = $1 AND hour < $2", params![tenant.0, before])?)
}
