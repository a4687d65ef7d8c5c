//! What administrators show besides a password: passkeys, and recovery codes for when everything else is lost. The
//! secret of one-time codes is in the administrator's own row.

use allclear_domain::{
    ids::{AdminId, PasskeyId, Tenant},
    time::Time,
};

use crate::{
    Error, db,
    db::{Row, Tx, Value},
    params, row,
    tokens::Hash,
};

/// A passkey of an administrator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Passkey {
    /// Its id.
    pub id: PasskeyId,
    /// Whose it is.
    pub admin: AdminId,
    /// What its owner calls it.
    pub name: String,
    /// The public key and its counter: JSON in the words of the WebAuthn library.
    pub credential: String,
    /// When it was added.
    pub created_at: Time,
    /// When it was last used.
    pub last_used_at: Option<Time>,
}

impl db::FromRow for Passkey {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        Ok(Self {
            id: PasskeyId(row.get(0)?),
            admin: AdminId(row.get(1)?),
            name: row.get(2)?,
            credential: row.get(3)?,
            created_at: Time::from_micros(row.get(4)?),
            last_used_at: row.get::<Option<i64>>(5)?.map(Time::from_micros),
        })
    }
}

/// An administrator's passkeys, the oldest first.
pub fn passkeys(tx: &mut Tx<'_>, tenant: Tenant, admin: AdminId) -> Result<Vec<Passkey>, Error> {
    Ok(tx.query(
        "SELECT id, admin, name, credential, created_at, last_used_at FROM passkey WHERE tenant = $1 AND admin = $2 \
         ORDER BY id",
        params![tenant.0, admin.0],
    )?)
}

/// How many passkeys an administrator has.
pub fn count_passkeys(tx: &mut Tx<'_>, tenant: Tenant, admin: AdminId) -> Result<i64, Error> {
    let count: Option<i64> =
        tx.query_opt("SELECT COUNT(*) FROM passkey WHERE tenant = $1 AND admin = $2", params![tenant.0, admin.0])?;
    Ok(count.unwrap_or_default())
}

/// How many passkeys each of several administrators has.
pub fn count_passkeys_of(tx: &mut Tx<'_>, admins: &[(Tenant, AdminId)]) -> Result<Vec<i64>, Error> {
    let rows: Vec<Vec<Value>> = admins.iter().map(|(tenant, admin)| row![tenant.0, admin.0]).collect();
    let counts: Vec<Vec<i64>> =
        tx.query_many("SELECT COUNT(*) FROM passkey WHERE tenant = $1 AND admin = $2", &rows)?;
    Ok(counts.into_iter().map(|count| count.first().copied().unwrap_or_default()).collect())
}

/// Adds a passkey.
pub fn insert_passkey(tx: &mut Tx<'_>, tenant: Tenant, passkey: &Passkey) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO passkey (tenant, id, admin, name, credential, created_at, last_used_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![
            tenant.0,
            passkey.id.0,
            passkey.admin.0,
            &passkey.name,
            &passkey.credential,
            passkey.created_at.as_micros(),
            passkey.last_used_at.map(Time::as_micros)
        ],
    )?;
    Ok(())
}

/// Notes that a passkey was used, and what its counter is now.
pub fn use_passkey(tx: &mut Tx<'_>, tenant: Tenant, id: PasskeyId, credential: &str, now: Time) -> Result<(), Error> {
    tx.execute(
        "UPDATE passkey SET credential = $3, last_used_at = $4 WHERE tenant = $1 AND id = $2",
        params![tenant.0, id.0, credential, now.as_micros()],
    )?;
    Ok(())
}

/// Removes a passkey of an administrator; says whether it was there.
pub fn delete_passkey(tx: &mut Tx<'_>, tenant: Tenant, admin: AdminId, id: PasskeyId) -> Result<bool, Error> {
    let deleted = tx.execute(
        "DELETE FROM passkey WHERE tenant = $1 AND admin = $2 AND id = $3",
        params![tenant.0, admin.0, id.0],
    )?;
    Ok(deleted == 1)
}

/// Removes all passkeys of an administrator.
pub fn delete_passkeys(tx: &mut Tx<'_>, tenant: Tenant, admin: AdminId) -> Result<(), Error> {
    tx.execute("DELETE FROM passkey WHERE tenant = $1 AND admin = $2", params![tenant.0, admin.0])?;
    Ok(())
}

/// How many recovery codes an administrator has left.
pub fn count_recovery_codes(tx: &mut Tx<'_>, tenant: Tenant, admin: AdminId) -> Result<i64, Error> {
    let count: Option<i64> = tx
        .query_opt("SELECT COUNT(*) FROM recovery_code WHERE tenant = $1 AND admin = $2", params![tenant.0, admin.0])?;
    Ok(count.unwrap_or_default())
}

/// Gives an administrator these recovery codes in place of all there were; none takes all away.
pub fn set_recovery_codes(tx: &mut Tx<'_>, tenant: Tenant, admin: AdminId, codes: &[Hash]) -> Result<(), Error> {
    tx.execute("DELETE FROM recovery_code WHERE tenant = $1 AND admin = $2", params![tenant.0, admin.0])?;
    let rows: Vec<Vec<Value>> = codes.iter().map(|hash| row![tenant.0, admin.0, hash]).collect();
    tx.execute_many("INSERT INTO recovery_code (tenant, admin, hash) VALUES ($1, $2, $3)", &rows)?;
    Ok(())
}

/// Uses a recovery code up; says whether it was there. Of several at once exactly one succeeds.
pub fn use_recovery_code(tx: &mut Tx<'_>, tenant: Tenant, admin: AdminId, hash: &Hash) -> Result<bool, Error> {
    let used = tx.execute(
        "DELETE FROM recovery_code WHERE tenant = $1 AND admin = $2 AND hash = $3",
        params![tenant.0, admin.0, hash],
    )?;
    Ok(used == 1)
}
