//! One-time links with which somebody comes to an account, or to a new password. Only hashes are kept.

use allclear_domain::{
    admin::LinkKind,
    ids::{AdminId, OrganizationGroupId, Tenant},
    time::Time,
};
use uuid::Uuid;

use crate::{Error, db::Tx, json, params, tokens::Hash};

/// A one-time link.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SignInLink {
    /// The tenant it is kept in.
    pub tenant: Tenant,
    /// What it is for.
    pub kind: LinkKind,
    /// The reach of whoever takes it up.
    pub reach: OrganizationGroupId,
    /// Whom it is for; nobody yet if it is to set something up.
    pub admin: Option<AdminId>,
    /// When it was made.
    pub created_at: Time,
    /// From when on it is worth nothing.
    pub expires_at: Time,
}

/// Adds a link.
pub fn insert(tx: &mut Tx<'_>, link: &SignInLink, hash: &Hash) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO sign_in_link (tenant, hash, kind, organization_group, admin, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            link.tenant.0,
            hash,
            json::word(&link.kind)?,
            link.reach.0,
            link.admin.map(|id| id.0),
            link.created_at.as_micros(),
            link.expires_at.as_micros()
        ],
    )?;
    Ok(())
}

/// The link of this hash, an expired one too.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, hash: &Hash) -> Result<Option<SignInLink>, Error> {
    let row: Option<(String, Uuid, Option<Uuid>, i64, i64)> = tx.query_opt(
        "SELECT kind, organization_group, admin, created_at, expires_at FROM sign_in_link \
         WHERE tenant = $1 AND hash = $2",
        params![tenant.0, hash],
    )?;
    let Some((kind, reach, admin, created_at, expires_at)) = row else { return Ok(None) };
    Ok(Some(SignInLink {
        tenant,
        kind: json::from_word(kind)?,
        reach: OrganizationGroupId(reach),
        admin: admin.map(AdminId),
        created_at: Time::from_micros(created_at),
        expires_at: Time::from_micros(expires_at),
    }))
}

/// Removes all links to set up what lies in the tenant.
pub fn delete_set_up(tx: &mut Tx<'_>, tenant: Tenant) -> Result<(), Error> {
    tx.execute("DELETE FROM sign_in_link WHERE tenant = $1 AND admin IS NULL", params![tenant.0])?;
    Ok(())
}

/// Removes all links for an administrator.
pub fn delete_of(tx: &mut Tx<'_>, tenant: Tenant, admin: AdminId) -> Result<(), Error> {
    tx.execute("DELETE FROM sign_in_link WHERE tenant = $1 AND admin = $2", params![tenant.0, admin.0])?;
    Ok(())
}

/// Removes the tenant's links that have expired.
pub fn delete_expired(tx: &mut Tx<'_>, tenant: Tenant, now: Time) -> Result<(), Error> {
    tx.execute("DELETE FROM sign_in_link WHERE tenant = $1 AND expires_at <= $2", params![tenant.0, now.as_micros()])?;
    Ok(())
}
