//! The dashboard's days: one row a day and organization group, so that a trend is read without counting anything.

use std::collections::BTreeMap;

use allclear_domain::{
    ids::{OrganizationGroupId, Tenant},
    score::MilliPoints,
    time::Time,
};
use uuid::Uuid;

use crate::{
    Error,
    dashboard::{self, Within},
    db::{self, FromRow, Row, Tx, Value},
    params, row,
};

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DayCounts {
    /// The sum of all users' scores.
    pub score: MilliPoints,
    /// Users with at least one device.
    pub users_with_devices: i64,
    /// Users by their highest severity: low, medium and high.
    pub users: [i64; 3],
    /// Users with a score above 0.
    pub risky_users: i64,
    /// Devices with a score above 0.
    pub risky_devices: i64,
    /// Open incidents by severity: low, medium and high.
    pub incidents: [i64; 3],
}

/// Users of an organization group that have a score.
struct Risky {
    group: Uuid,
    users: i64,
    score: i64,
    severities: [i64; 3],
    incidents: [i64; 3],
}

impl FromRow for Risky {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        Ok(Self {
            group: row.get(0)?,
            users: row.get(1)?,
            score: row.get(2)?,
            severities: [row.get(3)?, row.get(4)?, row.get(5)?],
            incidents: [row.get(6)?, row.get(7)?, row.get(8)?],
        })
    }
}

/// Counts a whole tenant by organization group. Takes a while at a million devices; reads only.
pub fn count(tx: &mut Tx<'_>, tenant: Tenant) -> Result<BTreeMap<OrganizationGroupId, DayCounts>, Error> {
    let mut days: BTreeMap<OrganizationGroupId, DayCounts> = BTreeMap::new();
    let with_devices: Vec<(Uuid, i64)> = tx.query(
        "SELECT organization_group, count(*) FROM users WHERE tenant = $1 AND devices > 0 GROUP BY organization_group",
        params![tenant.0],
    )?;
    for (group, users) in with_devices {
        days.entry(OrganizationGroupId(group)).or_default().users_with_devices = users;
    }
    let sql = format!(
        "SELECT organization_group, count(*), CAST(sum(score) AS BIGINT), {}, CAST(sum(incidents_low) AS BIGINT), \
         CAST(sum(incidents_medium) AS BIGINT), CAST(sum(incidents_high) AS BIGINT) \
         FROM users WHERE tenant = $1 AND score > 0 GROUP BY organization_group",
        dashboard::SEVERITIES
    );
    for risky in tx.query::<Risky>(&sql, params![tenant.0])? {
        let day = days.entry(OrganizationGroupId(risky.group)).or_default();
        (day.risky_users, day.score, day.users, day.incidents) =
            (risky.users, risky.score, risky.severities, risky.incidents);
    }
    let devices: Vec<(Uuid, i64)> = tx.query(
        "SELECT organization_group, count(*) FROM device WHERE tenant = $1 AND risk >= 0 AND score > 0 \
         GROUP BY organization_group",
        params![tenant.0],
    )?;
    for (group, count) in devices {
        days.entry(OrganizationGroupId(group)).or_default().risky_devices = count;
    }
    Ok(days)
}

/// Writes what was counted of a day in place of what was counted before.
pub fn write(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    day: i64,
    counts: &BTreeMap<OrganizationGroupId, DayCounts>,
) -> Result<(), Error> {
    tx.execute("DELETE FROM trend_day WHERE tenant = $1 AND day = $2", params![tenant.0, day])?;
    let rows: Vec<Vec<Value>> = counts
        .iter()
        .map(|(group, counts)| {
            let ([users_low, users_medium, users_high], [low, medium, high]) = (counts.users, counts.incidents);
            row![
                tenant.0,
                day,
                group.0,
                counts.score,
                counts.users_with_devices,
                users_low,
                users_medium,
                users_high,
                counts.risky_users,
                counts.risky_devices,
                low,
                medium,
                high
            ]
        })
        .collect();
    tx.execute_many(
        "INSERT INTO trend_day (tenant, day, organization_group, score, users_with_devices, users_low, users_medium, \
         users_high, risky_users, risky_devices, incidents_low, incidents_medium, incidents_high) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        &rows,
    )?;
    Ok(())
}

/// When the tenant was last counted, if it was.
pub fn counted_at(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Option<Time>, Error> {
    let at: Option<i64> = tx.query_opt("SELECT counted_at FROM trend_count WHERE tenant = $1", params![tenant.0])?;
    Ok(at.map(Time::from_micros))
}

/// Takes it on this node to count the tenant now, unless another has since `seen`, which is what
/// [`counted_at`] said.
pub fn claim(tx: &mut Tx<'_>, tenant: Tenant, seen: Option<Time>, now: Time) -> Result<bool, Error> {
    let changed = tx.execute(
        "INSERT INTO trend_count (tenant, counted_at) VALUES ($1, $2) ON CONFLICT (tenant) \
         DO UPDATE SET counted_at = excluded.counted_at WHERE trend_count.counted_at = $3",
        params![tenant.0, now.as_micros(), seen.map_or(i64::MIN, Time::as_micros)],
    )?;
    Ok(changed > 0)
}

/// A day's counts, summed over organization groups.
struct Summed(i64, DayCounts);

impl FromRow for Summed {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        let counts = DayCounts {
            score: row.get(1)?,
            users_with_devices: row.get(2)?,
            users: [row.get(3)?, row.get(4)?, row.get(5)?],
            risky_users: row.get(6)?,
            risky_devices: row.get(7)?,
            incidents: [row.get(8)?, row.get(9)?, row.get(10)?],
        };
        Ok(Self(row.get(0)?, counts))
    }
}

/// The days from one on that were counted, in order.
pub fn days(tx: &mut Tx<'_>, tenant: Tenant, within: Within<'_>, from: i64) -> Result<Vec<(i64, DayCounts)>, Error> {
    let mut params = vec![Value::from(tenant.0), Value::from(from)];
    let inside = dashboard::inside(within, &mut params);
    let sums = [
        "score",
        "users_with_devices",
        "users_low",
        "users_medium",
        "users_high",
        "risky_users",
        "risky_devices",
        "incidents_low",
        "incidents_medium",
        "incidents_high",
    ]
    .map(|column| format!("CAST(sum({column}) AS BIGINT)"))
    .join(", ");
    let sql =
        format!("SELECT day, {sums} FROM trend_day WHERE tenant = $1 AND day >= $2{inside} GROUP BY day ORDER BY day");
    Ok(tx.query::<Summed>(&sql, &params)?.into_iter().map(|Summed(day, counts)| (day, counts)).collect())
}
