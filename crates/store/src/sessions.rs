//! Sessions of administrators. Only hashes of what a browser shows are kept; when a session has ended is decided above.

use allclear_domain::{
    admin::SecondFactor,
    ids::{AdminId, SessionId, Tenant},
    time::Time,
};
use uuid::Uuid;

use crate::{
    Error, db,
    db::{Row, Tx, Value},
    json, params,
    tokens::Hash,
};

/// A session.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Session {
    /// The tenant its administrator is kept in.
    pub tenant: Tenant,
    /// Its id, which stays when what the browser shows is changed.
    pub id: SessionId,
    /// Whose it is.
    pub admin: AdminId,
    /// What was given besides the password.
    pub second_factor: SecondFactor,
    /// When it began.
    pub created_at: Time,
    /// When it was last used, to about a minute.
    pub last_seen_at: Time,
    /// When it ends, however much it is used.
    pub expires_at: Time,
    /// When the password was last given.
    pub password_at: Time,
    /// What the browser calls itself.
    pub user_agent: Option<String>,
    /// Where it was begun from.
    pub address: Option<String>,
    /// What a step that is under way has to remember, sealed.
    pub step: Option<Vec<u8>>,
}

const COLUMNS: &str = "tenant, id, admin, second_factor, created_at, last_seen_at, expires_at, password_at, user_agent, \
                       address, step";

struct Kept(Result<Session, Error>);

impl db::FromRow for Kept {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        let second_factor = match json::from_word(row.get(3)?) {
            Ok(second_factor) => second_factor,
            Err(error) => return Ok(Kept(Err(error))),
        };
        Ok(Kept(Ok(Session {
            tenant: Tenant(row.get(0)?),
            id: SessionId(row.get(1)?),
            admin: AdminId(row.get(2)?),
            second_factor,
            created_at: Time::from_micros(row.get(4)?),
            last_seen_at: Time::from_micros(row.get(5)?),
            expires_at: Time::from_micros(row.get(6)?),
            password_at: Time::from_micros(row.get(7)?),
            user_agent: row.get(8)?,
            address: row.get(9)?,
            step: row.get(10)?,
        })))
    }
}

fn read(tx: &mut Tx<'_>, condition: &str, values: &[Value]) -> Result<Vec<Session>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM session WHERE {condition}");
    tx.query::<Kept>(&sql, values)?.into_iter().map(|kept| kept.0).collect()
}

/// The session of this hash.
pub fn by_hash(tx: &mut Tx<'_>, tenant: Tenant, hash: &Hash) -> Result<Option<Session>, Error> {
    Ok(read(tx, "tenant = $1 AND hash = $2", params![tenant.0, hash])?.into_iter().next())
}

/// A session by id.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: SessionId) -> Result<Option<Session>, Error> {
    Ok(read(tx, "tenant = $1 AND id = $2", params![tenant.0, id.0])?.into_iter().next())
}

/// All sessions of an administrator, the newest first.
pub fn of_admin(tx: &mut Tx<'_>, tenant: Tenant, admin: AdminId) -> Result<Vec<Session>, Error> {
    read(tx, "tenant = $1 AND admin = $2 ORDER BY id DESC", params![tenant.0, admin.0])
}

/// Adds a session. An administrator who is gone is a foreign key violation.
pub fn insert(tx: &mut Tx<'_>, session: &Session, hash: &Hash) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO session (tenant, id, hash, admin, second_factor, created_at, last_seen_at, expires_at, \
         password_at, user_agent, address, step) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        params![
            session.tenant.0,
            session.id.0,
            hash,
            session.admin.0,
            json::word(&session.second_factor)?,
            session.created_at.as_micros(),
            session.last_seen_at.as_micros(),
            session.expires_at.as_micros(),
            session.password_at.as_micros(),
            session.user_agent.as_deref(),
            session.address.as_deref(),
            session.step.as_deref()
        ],
    )?;
    Ok(())
}

/// Notes that a session was used, unless a use after `unless_after` is noted already.
pub fn touch(tx: &mut Tx<'_>, tenant: Tenant, id: SessionId, now: Time, unless_after: Time) -> Result<(), Error> {
    tx.execute(
        "UPDATE session SET last_seen_at = $3 WHERE tenant = $1 AND id = $2 AND last_seen_at <= $4",
        params![tenant.0, id.0, now.as_micros(), unless_after.as_micros()],
    )?;
    Ok(())
}

/// Remembers something for the next step of a session, or forgets it. Says whether the session is there.
pub fn set_step(tx: &mut Tx<'_>, tenant: Tenant, id: SessionId, step: Option<&[u8]>) -> Result<bool, Error> {
    let set =
        tx.execute("UPDATE session SET step = $3 WHERE tenant = $1 AND id = $2", params![tenant.0, id.0, step])?;
    Ok(set == 1)
}

/// Forgets what a step remembered, if it still is that; says whether it was. So nothing is answered twice.
pub fn take_step(tx: &mut Tx<'_>, tenant: Tenant, id: SessionId, step: &[u8]) -> Result<bool, Error> {
    let taken = tx.execute(
        "UPDATE session SET step = NULL WHERE tenant = $1 AND id = $2 AND step = $3",
        params![tenant.0, id.0, step],
    )?;
    Ok(taken == 1)
}

/// Writes what changes at a step: what the browser shows, the second factor and when the password was given. What the
/// step remembered is forgotten. Says whether the session was there.
pub fn rotate(tx: &mut Tx<'_>, session: &Session, hash: &Hash) -> Result<bool, Error> {
    let rotated = tx.execute(
        "UPDATE session SET hash = $3, second_factor = $4, expires_at = $5, password_at = $6, step = NULL \
         WHERE tenant = $1 AND id = $2",
        params![
            session.tenant.0,
            session.id.0,
            hash,
            json::word(&session.second_factor)?,
            session.expires_at.as_micros(),
            session.password_at.as_micros()
        ],
    )?;
    Ok(rotated == 1)
}

/// Ends a session; says whether it was there.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, id: SessionId) -> Result<bool, Error> {
    Ok(tx.execute("DELETE FROM session WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])? == 1)
}

/// Ends all sessions of an administrator but one; says how many.
pub fn delete_others(tx: &mut Tx<'_>, tenant: Tenant, admin: AdminId, but: Option<SessionId>) -> Result<u64, Error> {
    // An id that no session has.
    let but = but.map_or(Uuid::nil(), |id| id.0);
    Ok(tx.execute(
        "DELETE FROM session WHERE tenant = $1 AND admin = $2 AND id <> $3",
        params![tenant.0, admin.0, but],
    )?)
}

/// Removes the sessions of an administrator that are over: past their end, or not used since `idle_since`.
pub fn delete_ended(tx: &mut Tx<'_>, tenant: Tenant, admin: AdminId, now: Time, idle_since: Time) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM session WHERE tenant = $1 AND admin = $2 AND (expires_at <= $3 OR last_seen_at <= $4)",
        params![tenant.0, admin.0, now.as_micros(), idle_since.as_micros()],
    )?;
    Ok(())
}
