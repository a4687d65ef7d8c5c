//! Indicators, found by their value in one step whatever the size of their sets.

use allclear_domain::{
    ids::{IndicatorSetId, Tenant},
    indicator::{Indicator, IndicatorKind, Key, Match, Matches},
    time::Time,
};
use uuid::Uuid;

use crate::{
    Error, db,
    db::{FromRow, Row, Tx, Value},
    json, params, row,
};

/// A row of the table: the kind as a word, the set, and the rest.
struct Raw(String, Uuid, Indicator);

impl FromRow for Raw {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        let time = |at: usize| row.get::<Option<i64>>(at).map(|at| at.map(Time::from_micros));
        let indicator = Indicator {
            kind: IndicatorKind::Domain,
            value: row.get(0)?,
            name: row.get(3)?,
            classification: row.get(4)?,
            reference: row.get(5)?,
            valid_from: time(6)?,
            valid_until: time(7)?,
        };
        Ok(Self(row.get(1)?, row.get(2)?, indicator))
    }
}

impl Raw {
    fn read(self) -> Result<(IndicatorSetId, Indicator), Error> {
        let Self(kind, set, indicator) = self;
        Ok((IndicatorSetId(set), Indicator { kind: json::from_word(kind)?, ..indicator }))
    }
}

const COLUMNS: &str = "value, kind, set_id, name, classification, reference, valid_from, valid_until";

/// Whether an indicator counts at a time, and when that changes next.
fn standing(indicator: &Indicator, now: Time) -> (bool, Option<Time>) {
    match (indicator.valid_from, indicator.valid_until) {
        (Some(from), _) if from > now => (false, Some(from)),
        (_, until) => (until.is_none_or(|until| until > now), until.filter(|until| *until > now)),
    }
}

/// Writes indicators of a set, new ones and changed ones, as they stand at a time.
pub fn put(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    set: IndicatorSetId,
    indicators: &[Indicator],
    now: Time,
) -> Result<(), Error> {
    let rows: Vec<Vec<Value>> = indicators
        .iter()
        .map(|one| {
            let (active, due) = standing(one, now);
            row![
                tenant.0,
                &one.value,
                one.kind.as_str(),
                set.0,
                &one.name,
                &one.classification,
                one.reference.as_deref(),
                one.valid_from.map(Time::as_micros),
                one.valid_until.map(Time::as_micros),
                active,
                due.map(Time::as_micros),
            ]
        })
        .collect();
    tx.execute_many(
        "INSERT INTO indicator (tenant, value, kind, set_id, name, classification, reference, valid_from, valid_until, \
         active, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (tenant, value, kind, set_id) DO UPDATE SET name = excluded.name, \
         classification = excluded.classification, reference = excluded.reference, valid_from = excluded.valid_from, \
         valid_until = excluded.valid_until, active = excluded.active, due_at = excluded.due_at",
        &rows,
    )?;
    Ok(())
}

/// Removes indicators of a set.
pub fn remove(tx: &mut Tx<'_>, tenant: Tenant, set: IndicatorSetId, keys: &[Key]) -> Result<(), Error> {
    let rows: Vec<Vec<Value>> = keys.iter().map(|(kind, value)| row![tenant.0, value, kind.as_str(), set.0]).collect();
    tx.execute_many("DELETE FROM indicator WHERE tenant = $1 AND value = $2 AND kind = $3 AND set_id = $4", &rows)?;
    Ok(())
}

/// Indicators of a set, by value and kind, after one.
pub fn of_set(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    set: IndicatorSetId,
    after: Option<&Key>,
    limit: i64,
) -> Result<Vec<Indicator>, Error> {
    let (kind, value) = after.map_or(("", ""), |(kind, value)| (kind.as_str(), value.as_str()));
    let sql = format!(
        "SELECT {COLUMNS} FROM indicator WHERE tenant = $1 AND set_id = $2 AND (value, kind) > ($3, $4) \
         ORDER BY value, kind LIMIT $5"
    );
    let rows: Vec<Raw> = tx.query(&sql, params![tenant.0, set.0, value, kind, limit])?;
    rows.into_iter().map(|raw| raw.read().map(|(_, indicator)| indicator)).collect()
}

/// The kinds of threat that the indicators of a set stand for by its content.
pub fn classifications(tx: &mut Tx<'_>, tenant: Tenant, set: IndicatorSetId) -> Result<Vec<String>, Error> {
    Ok(tx.query(
        "SELECT DISTINCT classification FROM indicator WHERE tenant = $1 AND set_id = $2",
        params![tenant.0, set.0],
    )?)
}

/// The indicators that fit any of these now, each looked up by itself.
pub fn matching(tx: &mut Tx<'_>, tenant: Tenant, keys: &[Key]) -> Result<Matches, Error> {
    struct Found(Match);
    impl FromRow for Found {
        fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
            Ok(Self(Match {
                name: row.get(0)?,
                classification: row.get(1)?,
                reference: row.get(2)?,
                set: IndicatorSetId(row.get(3)?),
                set_name: row.get(4)?,
            }))
        }
    }
    let rows: Vec<Vec<Value>> = keys.iter().map(|(kind, value)| row![tenant.0, value, kind.as_str()]).collect();
    let found: Vec<Vec<Found>> = tx.query_many(
        "SELECT i.name, coalesce(s.classification, i.classification), i.reference, i.set_id, s.name FROM indicator i \
         JOIN indicator_set s ON s.tenant = i.tenant AND s.id = i.set_id \
         WHERE i.tenant = $1 AND i.value = $2 AND i.kind = $3 AND i.active ORDER BY i.set_id",
        &rows,
    )?;
    let found = keys.iter().cloned().zip(found).filter(|(_, found)| !found.is_empty());
    Ok(found.map(|(key, found)| (key, found.into_iter().map(|Found(one)| one).collect())).collect())
}

/// Indicators that begin or cease to count at a time or did so before, the longest due first, each with its set. Those
/// that begin to count do so from now on, those that cease are gone.
pub fn turn(tx: &mut Tx<'_>, tenant: Tenant, now: Time, limit: i64) -> Result<Vec<Key>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM indicator WHERE tenant = $1 AND due_at IS NOT NULL AND due_at <= $2 \
         ORDER BY due_at LIMIT $3"
    );
    let rows: Vec<Raw> = tx.query(&sql, params![tenant.0, now.as_micros(), limit])?;
    let mut keys = Vec::with_capacity(rows.len());
    for raw in rows {
        let (set, indicator) = raw.read()?;
        if standing(&indicator, now).0 {
            put(tx, tenant, set, std::slice::from_ref(&indicator), now)?;
        } else {
            remove(tx, tenant, set, &[indicator.key()])?;
            tx.execute(
                "UPDATE indicator_set SET indicators = indicators - 1 WHERE tenant = $1 AND id = $2",
                params![tenant.0, set.0],
            )?;
        }
        keys.push(indicator.key());
    }
    Ok(keys)
}

/// When the next indicator begins or ceases to count.
pub fn next_turn(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Option<Time>, Error> {
    let next: Option<i64> = tx.query_opt(
        "SELECT due_at FROM indicator WHERE tenant = $1 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1",
        params![tenant.0],
    )?;
    Ok(next.map(Time::from_micros))
}

/// What a list of indicators is narrowed to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IndicatorFilter {
    /// The value begins with this.
    pub begins: Option<String>,
    /// What it gives away, exactly.
    pub name: Option<String>,
    /// Of this kind.
    pub kind: Option<IndicatorKind>,
    /// Of this set.
    pub set: Option<IndicatorSetId>,
}

/// An indicator in a list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its set.
    pub set: IndicatorSetId,
    /// The indicator.
    pub indicator: Indicator,
}

/// Where an indicator stands in the list: value, kind and set.
pub type Place = (String, String, Uuid);

/// Indicators by value, or backwards, after a place. Goes along an index from there: what costs is what is passed.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    filter: &IndicatorFilter,
    after: Option<&Place>,
    descending: bool,
    limit: u32,
) -> Result<Vec<Listed>, Error> {
    let mut values = row![tenant.0];
    let mut conditions = vec!["tenant = $1".to_owned()];
    let mut narrow = |condition: &str, given: Vec<Value>| {
        let mut condition = condition.to_owned();
        for value in given {
            values.push(value);
            condition = condition.replacen('?', &format!("${}", values.len()), 1);
        }
        conditions.push(condition);
    };
    if let Some(begins) = &filter.begins {
        narrow("value >= ? AND value < ?", row![begins, format!("{begins}{}", char::MAX)]);
    }
    if let Some(name) = &filter.name {
        narrow("name = ?", row![name]);
    }
    if let Some(kind) = filter.kind {
        narrow("kind = ?", row![kind.as_str()]);
    }
    if let Some(set) = filter.set {
        narrow("set_id = ?", row![set.0]);
    }
    let (beyond, order) = if descending { ("<", "DESC") } else { (">", "ASC") };
    if let Some((value, kind, set)) = after {
        narrow(&format!("(value, kind, set_id) {beyond} (?, ?, ?)"), row![value, kind, *set]);
    }
    values.push(limit.into());
    let sql = format!(
        "SELECT {COLUMNS} FROM indicator WHERE {} ORDER BY value {order}, kind {order}, set_id {order} LIMIT ${}",
        conditions.join(" AND "),
        values.len()
    );
    let found: Vec<Raw> = tx.query(&sql, &values)?;
    found.into_iter().map(|raw| raw.read().map(|(set, indicator)| Listed { set, indicator })).collect()
}
