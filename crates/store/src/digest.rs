//! Which day's digest was written last.

use allclear_domain::ids::Tenant;

use crate::{Error, db::Tx, params};

/// The day of UTC, counted from 1970, whose digest was written last.
pub fn last(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Option<i64>, Error> {
    Ok(tx.query_opt("SELECT day FROM digest WHERE tenant = $1", params![tenant.0])?)
}

/// Notes that a day's digest was written.
pub fn wrote(tx: &mut Tx<'_>, tenant: Tenant, day: i64) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO digest (tenant, day) VALUES ($1, $2) ON CONFLICT (tenant) DO UPDATE SET day = excluded.day",
        params![tenant.0, day],
    )?;
    Ok(())
}
