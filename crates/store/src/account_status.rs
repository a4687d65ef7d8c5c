//! Users' risk status, what they were last told of it, and when it is to be seen whether there is news for them.

use allclear_domain::{
    ids::{Tenant, UserId},
    level::RiskLevel,
    time::Time,
};
use uuid::Uuid;

use crate::{
    Error,
    db::{Tx, Value},
    json, params, row,
};

/// A user's risk status has changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatusChange {
    /// The user.
    pub user: UserId,
    /// The status before.
    pub from: RiskLevel,
    /// The status now.
    pub to: RiskLevel,
}

/// Remembers changes. With a time they are looked at then, or earlier if an earlier change waits already; without one
/// they are nobody's news, and so is what waits.
pub fn changed(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    changes: &[StatusChange],
    now: Time,
    due: Option<Time>,
) -> Result<(), Error> {
    let rows = changes
        .iter()
        .map(|change| {
            let told = if due.is_some() { change.from } else { change.to };
            Ok(row![
                tenant.0,
                change.user.0,
                json::word(&change.to)?,
                now.as_micros(),
                json::word(&told)?,
                due.map(Time::as_micros)
            ])
        })
        .collect::<Result<Vec<Vec<Value>>, Error>>()?;
    let after = match due {
        Some(_) => "due_at = coalesce(account_status.due_at, excluded.due_at)",
        None => "told = excluded.told, due_at = NULL",
    };
    tx.execute_many(
        &format!(
            "INSERT INTO account_status (tenant, user_id, status, since, told, sequence, due_at) \
             VALUES ($1, $2, $3, $4, $5, 0, $6) ON CONFLICT (tenant, user_id) DO UPDATE SET \
             status = excluded.status, since = excluded.since, {after}"
        ),
        &rows,
    )?;
    Ok(())
}

/// What is known of one user's status.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct AccountStatus {
    /// The user.
    pub user: UserId,
    /// What they were told last, or what was so before the first change.
    pub told: RiskLevel,
    /// How often they were told.
    pub sequence: i64,
}

/// When the next user is to be looked at.
pub fn next_due(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Option<Time>, Error> {
    let due: Option<i64> = tx.query_opt(
        "SELECT due_at FROM account_status WHERE tenant = $1 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1",
        params![tenant.0],
    )?;
    Ok(due.map(Time::from_micros))
}

/// Users who are to be looked at, the longest due first.
pub fn due(tx: &mut Tx<'_>, tenant: Tenant, now: Time, limit: i64) -> Result<Vec<AccountStatus>, Error> {
    let rows: Vec<(Uuid, String, i64)> = tx.query(
        "SELECT user_id, told, sequence FROM account_status \
         WHERE tenant = $1 AND due_at IS NOT NULL AND due_at <= $2 ORDER BY due_at, user_id LIMIT $3",
        params![tenant.0, now.as_micros(), limit],
    )?;
    rows.into_iter()
        .map(|(user, told, sequence)| Ok(AccountStatus { user: UserId(user), told: json::from_word(told)?, sequence }))
        .collect()
}

/// Writes what users have been told by now; nobody has to look again before the next change.
pub fn settle(tx: &mut Tx<'_>, tenant: Tenant, settled: &[AccountStatus]) -> Result<(), Error> {
    let rows = settled
        .iter()
        .map(|one| Ok(row![tenant.0, one.user.0, json::word(&one.told)?, one.sequence]))
        .collect::<Result<Vec<Vec<Value>>, Error>>()?;
    tx.execute_many(
        "UPDATE account_status SET told = $3, sequence = $4, due_at = NULL WHERE tenant = $1 AND user_id = $2",
        &rows,
    )?;
    Ok(())
}

/// Forgets a user.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, user: UserId) -> Result<(), Error> {
    tx.execute("DELETE FROM account_status WHERE tenant = $1 AND user_id = $2", params![tenant.0, user.0])?;
    Ok(())
}

/// Users whose status has been this one since a time or later, the latest first.
pub fn came_to(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    status: RiskLevel,
    since: Time,
    limit: i64,
) -> Result<Vec<UserId>, Error> {
    let ids: Vec<Uuid> = tx.query(
        "SELECT user_id FROM account_status WHERE tenant = $1 AND status = $2 AND since >= $3 \
         ORDER BY since DESC, user_id LIMIT $4",
        params![tenant.0, json::word(&status)?, since.as_micros(), limit],
    )?;
    Ok(ids.into_iter().map(UserId).collect())
}
