//! The logo in a tenant's mails.

use allclear_domain::{ids::Tenant, logo::Logo, time::Time};

use crate::{Error, db::Tx, params};

/// The logo; none if there is none.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Option<Logo>, Error> {
    let bytes: Option<Vec<u8>> =
        tx.query_opt("SELECT bytes FROM branding_logo WHERE tenant = $1", params![tenant.0])?;
    bytes.map(|bytes| Logo::read(bytes).map_err(|error| Error::damaged("logo", error))).transpose()
}

/// Whether there is one.
pub fn exists(tx: &mut Tx<'_>, tenant: Tenant) -> Result<bool, Error> {
    let found: Option<i64> = tx.query_opt("SELECT 1 FROM branding_logo WHERE tenant = $1", params![tenant.0])?;
    Ok(found.is_some())
}

/// Puts another in its place.
pub fn set(tx: &mut Tx<'_>, tenant: Tenant, logo: &Logo, now: Time) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO branding_logo (tenant, content_type, bytes, changed_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant) DO UPDATE SET content_type = excluded.content_type, bytes = excluded.bytes, \
         changed_at = excluded.changed_at",
        params![tenant.0, logo.content_type, logo.bytes.as_slice(), now.as_micros()],
    )?;
    Ok(())
}

/// Takes it away.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant) -> Result<(), Error> {
    tx.execute("DELETE FROM branding_logo WHERE tenant = $1", params![tenant.0])?;
    Ok(())
}
