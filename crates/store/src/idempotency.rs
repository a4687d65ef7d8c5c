//! Answers to requests that carried an Idempotency-Key, kept for a while so that a repeated request gets the same one.

use allclear_domain::{ids::Tenant, time::Time};

use crate::{Error, db::Tx, params};

/// A remembered answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// Digest of the request it answers.
    pub request: Vec<u8>,
    /// HTTP status; 0 while the first request is still being served.
    pub status: i64,
    /// JSON body.
    pub body: String,
    /// When the key was claimed.
    pub at: Time,
}

/// Claims a key for a request; if it is taken, what is remembered under it.
pub fn claim(tx: &mut Tx<'_>, tenant: Tenant, key: &[u8], request: &[u8], now: Time) -> Result<Option<Answer>, Error> {
    let claimed = tx.execute(
        "INSERT INTO idempotency (tenant, key, request, status, body, at) VALUES ($1, $2, $3, 0, '', $4) \
         ON CONFLICT (tenant, key) DO NOTHING",
        params![tenant.0, key, request, now.as_micros()],
    )?;
    if claimed > 0 {
        return Ok(None);
    }
    let row: Option<(Vec<u8>, i64, String, i64)> = tx.query_opt(
        "SELECT request, status, body, at FROM idempotency WHERE tenant = $1 AND key = $2",
        params![tenant.0, key],
    )?;
    Ok(row.map(|(request, status, body, at)| Answer { request, status, body, at: Time::from_micros(at) }))
}

/// Remembers the answer to a claimed key.
pub fn settle(tx: &mut Tx<'_>, tenant: Tenant, key: &[u8], status: i64, body: &str) -> Result<(), Error> {
    tx.execute(
        "UPDATE idempotency SET status = $3, body = $4 WHERE tenant = $1 AND key = $2",
        params![tenant.0, key, status, body],
    )?;
    Ok(())
}

/// Gives a claimed key back: the request failed in a way that may be tried again.
pub fn release(tx: &mut Tx<'_>, tenant: Tenant, key: &[u8]) -> Result<(), Error> {
    tx.execute("DELETE FROM idempotency WHERE tenant = $1 AND key = $2 AND status = 0", params![tenant.0, key])?;
    Ok(())
}

/// Forgets answers older than a time.
pub fn purge(tx: &mut Tx<'_>, tenant: Tenant, before: Time) -> Result<u64, Error> {
    Ok(tx.execute("DELETE FROM idempotency WHERE tenant = $1 AND at < $2", params![tenant.0, before.as_micros()])?)
}
