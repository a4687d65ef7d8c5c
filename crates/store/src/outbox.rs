//! The outbox: mails and text messages on their way. Which node has which in hand, what came of each attempt.
//!
//! A message waits while `next_attempt_at` is set. A node that takes it in hand moves that time to the end of its lease:
//! what a dead node left is due again by itself.

use allclear_domain::{
    ids::{NotificationId, Tenant},
    notification::{Channel, NotificationState},
    time::Time,
};
use uuid::Uuid;

use crate::{
    Error, db,
    db::{FromRow, Row, Tx, Value},
    json,
    notifications::{COLUMNS, Notification, Raw},
    params, row,
};

/// When the channel's next message is due; none if none waits.
pub fn next_due(tx: &mut Tx<'_>, tenant: Tenant, channel: Channel) -> Result<Option<Time>, Error> {
    let next: Option<i64> = tx.query_opt(
        "SELECT next_attempt_at FROM notification WHERE tenant = $1 AND channel = $2 AND next_attempt_at IS NOT NULL \
         ORDER BY next_attempt_at LIMIT 1",
        params![tenant.0, json::word(&channel)?],
    )?;
    Ok(next.map(Time::from_micros))
}

/// Takes up to `limit` messages of a channel that are due at `now` in hand for a node until a time, the longest due
/// first. Those another transaction is taking are left to it.
pub fn claim(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    channel: Channel,
    node: &str,
    now: Time,
    until: Time,
    limit: i64,
) -> Result<Vec<Notification>, Error> {
    let sql = format!(
        "SELECT id FROM notification WHERE tenant = $1 AND channel = $2 AND next_attempt_at IS NOT NULL \
         AND next_attempt_at <= $3 AND (expires_at IS NULL OR expires_at > $3) ORDER BY next_attempt_at LIMIT $4{}",
        tx.dialect().skip_locked()
    );
    let ids: Vec<Uuid> = tx.query(&sql, params![tenant.0, json::word(&channel)?, now.as_micros(), limit])?;
    let rows: Vec<Vec<Value>> = ids.iter().map(|id| row![tenant.0, *id, node, until.as_micros()]).collect();
    let sql = format!(
        "UPDATE notification SET lease_owner = $3, next_attempt_at = $4 WHERE tenant = $1 AND id = $2 RETURNING {}",
        COLUMNS.join(", ")
    );
    tx.query_many::<Raw>(&sql, &rows)?.into_iter().flatten().map(Raw::read).collect()
}

/// Keeps messages in hand until a time. Returns those that are still the node's.
pub fn renew(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    node: &str,
    ids: &[NotificationId],
    until: Time,
) -> Result<Vec<NotificationId>, Error> {
    let rows: Vec<Vec<Value>> = ids.iter().map(|id| row![tenant.0, id.0, node, until.as_micros()]).collect();
    let kept = tx.execute_many(
        "UPDATE notification SET next_attempt_at = $4 \
         WHERE tenant = $1 AND id = $2 AND lease_owner = $3 AND next_attempt_at IS NOT NULL",
        &rows,
    )?;
    Ok(ids.iter().zip(kept).filter(|(_, kept)| *kept > 0).map(|(id, _)| *id).collect())
}

/// Gives back messages that were not tried: they are due at once.
pub fn release(tx: &mut Tx<'_>, tenant: Tenant, node: &str, ids: &[NotificationId], now: Time) -> Result<(), Error> {
    let rows: Vec<Vec<Value>> = ids.iter().map(|id| row![tenant.0, id.0, node, now.as_micros()]).collect();
    tx.execute_many(
        "UPDATE notification SET next_attempt_at = $4, lease_owner = NULL \
         WHERE tenant = $1 AND id = $2 AND lease_owner = $3 AND next_attempt_at IS NOT NULL",
        &rows,
    )?;
    Ok(())
}

/// What becomes of a message after an attempt.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// The message.
    pub id: NotificationId,
    /// `Queued` when it is tried again, else the end of its way.
    pub state: NotificationState,
    /// Why, where that needs saying.
    pub reason: Option<String>,
    /// When it is tried again.
    pub next_attempt_at: Option<Time>,
    /// Who was asked.
    pub provider: String,
    /// What they call it, if they took it over and said.
    pub message_id: Option<String>,
}

/// Writes what became of messages that a node had in hand. Says of each whether it was written: one that has been
/// sent is on record whoever has it in hand by now, anything else only of those that are still the node's.
pub fn advance(tx: &mut Tx<'_>, tenant: Tenant, node: &str, now: Time, steps: &[Step]) -> Result<Vec<bool>, Error> {
    let rows = steps
        .iter()
        .map(|step| {
            Ok(row![
                tenant.0,
                step.id.0,
                node,
                json::word(&step.state)?,
                step.reason.as_deref(),
                step.next_attempt_at.map(Time::as_micros),
                &step.provider,
                step.message_id.as_deref(),
                now.as_micros()
            ])
        })
        .collect::<Result<Vec<Vec<Value>>, Error>>()?;
    let written = tx.execute_many(
        "UPDATE notification SET changed_at = CASE WHEN state = $4 THEN changed_at ELSE $9 END, state = $4, \
         reason = $5, next_attempt_at = $6, lease_owner = NULL, attempts = attempts + 1, provider = $7, \
         message_id = coalesce($8, message_id) \
         WHERE tenant = $1 AND id = $2 AND next_attempt_at IS NOT NULL AND (lease_owner = $3 OR $4 = 'sent')",
        &rows,
    )?;
    Ok(written.into_iter().map(|written| written > 0).collect())
}

/// One attempt to hand a message over, or what was heard of it afterwards.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Attempt {
    /// The message.
    pub notification: NotificationId,
    /// When it was made.
    pub at: Time,
    /// Who was asked.
    pub provider: String,
    /// What came of it: `accepted`, `deferred`, `refused`, `gone`, `delivered` or `undelivered`.
    pub outcome: String,
    /// What they said.
    pub answer: String,
}

impl FromRow for Attempt {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        Ok(Self {
            notification: NotificationId(row.get(0)?),
            at: Time::from_micros(row.get(1)?),
            provider: row.get(2)?,
            outcome: row.get(3)?,
            answer: row.get(4)?,
        })
    }
}

/// Adds attempts to the history.
pub fn add_attempts(tx: &mut Tx<'_>, tenant: Tenant, attempts: &[Attempt]) -> Result<(), Error> {
    let rows: Vec<Vec<Value>> = attempts
        .iter()
        .map(|one| row![tenant.0, one.notification.0, one.at.as_micros(), &one.provider, &one.outcome, &one.answer])
        .collect();
    tx.execute_many(
        "INSERT INTO notification_attempt (tenant, notification, at, provider, outcome, answer) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, notification, at) DO NOTHING",
        &rows,
    )?;
    Ok(())
}

/// The history of a message, the oldest first.
pub fn attempts(tx: &mut Tx<'_>, tenant: Tenant, id: NotificationId) -> Result<Vec<Attempt>, Error> {
    Ok(tx.query(
        "SELECT notification, at, provider, outcome, answer FROM notification_attempt \
         WHERE tenant = $1 AND notification = $2 ORDER BY at",
        params![tenant.0, id.0],
    )?)
}

/// Messages that wait, are in nobody's hand and are no longer worth sending, the longest over first.
pub fn expired(tx: &mut Tx<'_>, tenant: Tenant, now: Time, limit: i64) -> Result<Vec<Notification>, Error> {
    tx.query::<Raw>(&expired_sql(), params![tenant.0, now.as_micros(), limit])?.into_iter().map(Raw::read).collect()
}

fn expired_sql() -> String {
    format!(
        "SELECT {} FROM notification WHERE tenant = $1 AND next_attempt_at IS NOT NULL AND expires_at <= $2 \
         AND (lease_owner IS NULL OR next_attempt_at <= $2) ORDER BY expires_at LIMIT $3",
        COLUMNS.join(", ")
    )
}

/// Ends the way of a message, waiting or sent.
pub fn end(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    id: NotificationId,
    state: NotificationState,
    reason: Option<&str>,
    now: Time,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE notification SET state = $3, reason = $4, changed_at = $5, next_attempt_at = NULL, lease_owner = NULL \
         WHERE tenant = $1 AND id = $2",
        params![tenant.0, id.0, json::word(&state)?, reason, now.as_micros()],
    )?;
    Ok(())
}

/// Queues a message anew that could not be delivered. False if it is not in that state.
pub fn requeue(tx: &mut Tx<'_>, tenant: Tenant, id: NotificationId, now: Time, expires: Time) -> Result<bool, Error> {
    let changed = tx.execute(
        "UPDATE notification SET state = 'queued', reason = NULL, changed_at = $3, next_attempt_at = $3, \
         lease_owner = NULL, attempts = 0, expires_at = $4, provider = NULL \
         WHERE tenant = $1 AND id = $2 AND state = 'failed' AND channel <> 'device_message'",
        params![tenant.0, id.0, now.as_micros(), expires.as_micros()],
    )?;
    Ok(changed > 0)
}

/// The text message that a provider calls so.
pub fn by_message_id(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    provider: &str,
    message_id: &str,
) -> Result<Option<Notification>, Error> {
    tx.query_opt::<Raw>(&by_message_id_sql(), params![tenant.0, message_id, provider])?.map(Raw::read).transpose()
}

fn by_message_id_sql() -> String {
    // Not by id: for the order of the primary key, SQLite would walk all the tenant's.
    format!(
        "SELECT {} FROM notification WHERE tenant = $1 AND message_id = $2 AND message_id IS NOT NULL \
         AND channel = 'sms' AND provider = $3 ORDER BY created_at DESC LIMIT 1",
        COLUMNS.join(", ")
    )
}

/// How a channel is doing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Backlog {
    /// Messages that wait.
    pub queued: i64,
    /// When the oldest of them was made.
    pub oldest: Option<Time>,
}

/// What waits in a channel.
pub fn backlog(tx: &mut Tx<'_>, tenant: Tenant, channel: Channel) -> Result<Backlog, Error> {
    let found: Option<(i64, Option<i64>)> = tx.query_opt(
        "SELECT count(*), min(created_at) FROM notification \
         WHERE tenant = $1 AND channel = $2 AND next_attempt_at IS NOT NULL",
        params![tenant.0, json::word(&channel)?],
    )?;
    let (queued, oldest) = found.unwrap_or_default();
    Ok(Backlog { queued, oldest: oldest.map(Time::from_micros) })
}

/// How many messages came to failed at a time or later.
pub fn failed_since(tx: &mut Tx<'_>, tenant: Tenant, since: Time) -> Result<i64, Error> {
    let count: Option<i64> = tx.query_opt(
        "SELECT count(*) FROM notification WHERE tenant = $1 AND state = 'failed' AND changed_at >= $2",
        params![tenant.0, since.as_micros()],
    )?;
    Ok(count.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;
    use crate::{MIGRATIONS, db::migrate, testing::TestDb};

    #[tokio::test]
    async fn messages_are_found_by_their_indexes() {
        let database = TestDb::sqlite(|_| {}).await;
        migrate::run(&database.db, MIGRATIONS).await.unwrap();
        let plan = database.plan(&expired_sql(), row![1_i64, 0_i64, 1_i64]).await;
        assert!(
            plan.starts_with("SEARCH notification USING INDEX notification_expiring (tenant=? AND expires_at<?)"),
            "{plan}"
        );
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        let plan = database.plan(&by_message_id_sql(), row![1_i64, "id", "provider"]).await;
        assert!(
            plan.starts_with("SEARCH notification USING INDEX notification_message_id (tenant=? AND message_id=?)"),
            "{plan}"
        );
    }
}
