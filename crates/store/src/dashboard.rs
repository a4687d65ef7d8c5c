//! Counts over a whole fleet, read from the indexes that hold only what is out of the ordinary; what is ordinary is
//! the rest. Must not know what a level of a classification is.

use allclear_domain::{
    detection::ProtectionStatus,
    ids::{OrganizationGroupId, Tenant},
    level::RiskLevel,
    score::MilliPoints,
};

use crate::{
    Error,
    db::{Tx, Value},
    json, row,
};

/// Which part of a tenant is counted: these organization groups, or all of it.
pub type Within<'a> = Option<&'a [OrganizationGroupId]>;

/// How many devices there are of each kind.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DeviceCounts {
    /// All of them.
    pub total: i64,
    /// By risk level, in the order of [`RiskLevel::ALL`].
    pub risk: [i64; 5],
    /// By protection status: pending, activated, deactivated, disconnected, unreachable.
    pub protection: [i64; 5],
    /// Those that are not activated and at or above the level asked for.
    pub unprotected_at_risk: i64,
    /// Those with a score above 0.
    pub risky: i64,
}

/// What users add up to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct UserCounts {
    /// Users with at least one device.
    pub with_devices: i64,
    /// Users with a score above 0.
    pub risky: i64,
    /// The sum of all scores.
    pub score: MilliPoints,
    /// Users with a score by their highest severity: low, medium and high.
    pub severities: [i64; 3],
}

/// Open threats of one kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ThreatCount {
    /// The kind.
    pub classification: String,
    /// What a trusted source says of them; none where no such source decides.
    pub severity: Option<RiskLevel>,
    /// How many there are.
    pub count: i64,
}

/// A condition on an organization group, with its parameters put after those given. Written so that no index is looked
/// up by it: those of what is out of the ordinary are shorter.
pub(crate) fn inside(within: Within<'_>, params: &mut Vec<Value>) -> String {
    let Some(groups) = within else { return String::new() };
    if groups.is_empty() {
        return " AND 1 = 0".to_owned();
    }
    let first = params.len() + 1;
    params.extend(groups.iter().map(|group| Value::from(group.0)));
    let places: Vec<String> = (first..=params.len()).map(|place| format!("${place}")).collect();
    format!(" AND CASE WHEN organization_group IN ({}) THEN 1 ELSE 0 END = 1", places.join(", "))
}

/// Counts devices. `level` is the one from which on those without protection are counted.
pub fn devices(tx: &mut Tx<'_>, tenant: Tenant, within: Within<'_>, level: RiskLevel) -> Result<DeviceCounts, Error> {
    let mut params = vec![Value::from(tenant.0)];
    let inside = inside(within, &mut params);
    let mut by = |column: &str, condition: &str| -> Result<Vec<(i64, i64)>, Error> {
        let sql = format!(
            "SELECT {column}, count(*) FROM device WHERE tenant = $1 AND {condition}{inside} GROUP BY {column}"
        );
        Ok(tx.query(&sql, &params)?)
    };
    // In the words of the partial indexes.
    let (risk, protection) = (by("risk", "risk > 0")?, by("protection", "protection <> 1")?);
    let total = match within {
        None => tx.query_opt("SELECT count(*) FROM device WHERE tenant = $1", &params)?.unwrap_or_default(),
        Some(groups) => of_groups(tx, tenant, groups, "device", "")?,
    };
    // The index has all scores; a score that still fades has outlived its risk.
    let sql = format!("SELECT count(*) FROM device WHERE tenant = $1 AND risk >= 0 AND score > 0{inside}");
    let risky: i64 = tx.query_opt(&sql, &params)?.unwrap_or_default();
    params.push(Value::from(level as i64));
    let sql = format!(
        "SELECT count(*) FROM device WHERE tenant = $1 AND risk > 0 AND protection <> 1{inside} AND risk >= ${}",
        params.len()
    );
    let unprotected_at_risk: i64 = tx.query_opt(&sql, &params)?.unwrap_or_default();
    Ok(DeviceCounts {
        total,
        risk: filled(&risk, RiskLevel::None as usize, total),
        protection: filled(&protection, ProtectionStatus::Activated as usize, total),
        unprotected_at_risk,
        risky,
    })
}

/// How many users have low, medium and high as their highest severity.
pub(crate) const SEVERITIES: &str = "CAST(coalesce(sum(CASE WHEN incidents_low > 0 AND incidents_medium = 0 AND incidents_high = 0 THEN 1 END), 0) \
     AS BIGINT), \
     CAST(coalesce(sum(CASE WHEN incidents_medium > 0 AND incidents_high = 0 THEN 1 END), 0) AS BIGINT), \
     CAST(coalesce(sum(CASE WHEN incidents_high > 0 THEN 1 END), 0) AS BIGINT)";

/// Counts what lives in these groups, group by group along the index.
fn of_groups(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    groups: &[OrganizationGroupId],
    table: &str,
    condition: &str,
) -> Result<i64, Error> {
    let sql = format!("SELECT count(*) FROM {table} WHERE tenant = $1 AND organization_group = $2{condition}");
    let rows: Vec<Vec<Value>> = groups.iter().map(|group| row![tenant.0, group.0]).collect();
    let counts: Vec<Vec<i64>> = tx.query_many(&sql, &rows)?;
    Ok(counts.iter().flatten().sum())
}

/// Counts in their places; `rest` is the place of all that were not counted.
fn filled(counted: &[(i64, i64)], rest: usize, total: i64) -> [i64; 5] {
    let mut counts = [0; 5];
    for (place, count) in counted {
        if let Some(slot) = usize::try_from(*place).ok().and_then(|place| counts.get_mut(place)) {
            *slot = *count;
        }
    }
    counts[rest] = (total - counts.iter().sum::<i64>()).max(0);
    counts
}

/// Counts users and sums up their scores.
pub fn users(tx: &mut Tx<'_>, tenant: Tenant, within: Within<'_>) -> Result<UserCounts, Error> {
    let mut params = vec![Value::from(tenant.0)];
    let inside = inside(within, &mut params);
    let with_devices = match within {
        // The index on devices by user is much shorter than the table of users.
        None => {
            let sql = "SELECT count(*) FROM (SELECT DISTINCT user_id FROM device \
                       WHERE tenant = $1 AND user_id IS NOT NULL) u";
            tx.query_opt(sql, &params)?.unwrap_or_default()
        }
        Some(groups) => of_groups(tx, tenant, groups, "users", " AND devices > 0")?,
    };
    let sql = format!(
        "SELECT count(*), CAST(coalesce(sum(score), 0) AS BIGINT), {SEVERITIES} FROM users \
         WHERE tenant = $1 AND score > 0{inside}"
    );
    let (risky, score, low, medium, high): (i64, i64, i64, i64, i64) = tx.query_opt(&sql, &params)?.unwrap_or_default();
    Ok(UserCounts { with_devices, risky, score, severities: [low, medium, high] })
}

/// Counts open threats by kind; of `trusted` sources also by their severity.
pub fn open_threats(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    within: Within<'_>,
    trusted: &[String],
) -> Result<Vec<ThreatCount>, Error> {
    let mut params = vec![Value::from(tenant.0)];
    let inside = inside(within, &mut params);
    let sql = if trusted.is_empty() {
        // An index answers alone.
        format!(
            "SELECT classification, CAST(NULL AS TEXT), count(*) FROM threat \
             WHERE tenant = $1 AND status = 'open'{inside} GROUP BY classification ORDER BY classification"
        )
    } else {
        let first = params.len() + 1;
        params.extend(trusted.iter().map(Value::from));
        let places: Vec<String> = (first..=params.len()).map(|place| format!("${place}")).collect();
        format!(
            "SELECT classification, severity, count(*) FROM (SELECT classification, \
             CASE WHEN source IN ({}) THEN severity END AS severity FROM threat \
             WHERE tenant = $1 AND status = 'open'{inside}) t GROUP BY classification, severity \
             ORDER BY classification, severity",
            places.join(", ")
        )
    };
    let rows: Vec<(String, Option<String>, i64)> = tx.query(&sql, &params)?;
    rows.into_iter()
        .map(|(classification, severity, count)| {
            Ok(ThreatCount { classification, severity: severity.map(json::from_word).transpose()?, count })
        })
        .collect()
}

/// How many devices have an open threat of this kind.
pub fn affected(tx: &mut Tx<'_>, tenant: Tenant, within: Within<'_>, classification: &str) -> Result<i64, Error> {
    let mut params = vec![Value::from(tenant.0), Value::from(classification)];
    let inside = inside(within, &mut params);
    let sql = format!(
        "SELECT count(DISTINCT device_id) FROM threat \
         WHERE tenant = $1 AND classification = $2 AND status = 'open'{inside}"
    );
    Ok(tx.query_opt(&sql, &params)?.unwrap_or_default())
}
