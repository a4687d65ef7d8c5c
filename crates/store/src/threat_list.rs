//! Lists of threats, and one threat with its evidence.
//!
//! What a level means is decided above: it comes in as names of classifications and severities of trusted sources.

use allclear_domain::{
    detection::ThreatStatus,
    ids::{DeviceId, OrganizationGroupId, Tenant, ThreatId},
    level::RiskLevel,
    threat::Threat,
    time::Time,
};
use sea_query::{Expr, ExprTrait, Query, SelectStatement};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Error,
    db::{self, FromRow, Row, Tx},
    devices, json,
    listing::{self, By, Key, MOST_PARTS},
    params,
};

/// A threat as it is listed. Of one that an administrator ignores, `reported` may not tell what the source says.
#[derive(Clone, PartialEq, Debug)]
pub struct ListedThreat {
    /// The threat.
    pub threat: Threat,
    /// Its device.
    pub device: DeviceId,
    /// Whether it is no longer in the device's record.
    pub archived: bool,
}

/// A set of names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Names {
    /// These.
    Among(Vec<String>),
    /// All but these.
    Except(Vec<String>),
}

/// Threats rated in some way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rated {
    /// Sources whose own severity decides, where they give one.
    pub trusted: Vec<String>,
    /// The severities wanted of those.
    pub severities: Vec<RiskLevel>,
    /// The classifications wanted of all other threats.
    pub classifications: Names,
}

/// What a list of threats is narrowed to: all that is given has to hold; within one, any of the values.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct ThreatFilter {
    /// On a device in one of these organization groups; none: in any.
    pub organization_groups: Option<Vec<OrganizationGroupId>>,
    /// On this device.
    pub device: Option<DeviceId>,
    /// Standing so.
    pub status: Vec<ThreatStatus>,
    /// Of one of these classifications.
    pub classifications: Vec<String>,
    /// Of one of the classifications of some families.
    pub families: Option<Names>,
    /// Rated so.
    pub rated: Option<Rated>,
    /// From one of these sources.
    pub sources: Vec<String>,
    /// Last changed then or later.
    pub since: Option<Time>,
    /// Last changed before that.
    pub until: Option<Time>,
}

/// What threats are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThreatSort {
    /// The time we first heard of them, which their ids follow.
    #[default]
    Id,
    /// The earliest time any detection gave. Has no index, so all rows the filters leave are looked at.
    FirstSeen,
    /// The time of the last change.
    ChangedAt,
}

impl ThreatSort {
    /// Where a threat stands in a list sorted by this.
    pub fn key(self, threat: &Threat) -> Key {
        let by = match self {
            ThreatSort::Id => By::Id,
            ThreatSort::FirstSeen => By::Number(threat.first_seen.as_micros()),
            ThreatSort::ChangedAt => By::Number(threat.changed_at.as_micros()),
        };
        Key { by, id: threat.id.0 }
    }

    /// Whether a key is of this sort.
    pub fn fits(self, key: &Key) -> bool {
        match self {
            ThreatSort::Id => matches!(key.by, By::Id),
            ThreatSort::FirstSeen | ThreatSort::ChangedAt => matches!(key.by, By::Number(_)),
        }
    }
}

const COLUMNS: [&str; 11] = [
    "id",
    "device_id",
    "archived",
    "source",
    "threat_id",
    "classification",
    "status",
    "severity",
    "first_seen",
    "changed_at",
    "ignored",
];

/// A row as the database gives it.
struct Raw {
    id: Uuid,
    device: Uuid,
    archived: bool,
    source: String,
    threat_id: String,
    classification: String,
    status: String,
    severity: Option<String>,
    first_seen: i64,
    changed_at: i64,
    ignored: Option<String>,
}

impl FromRow for Raw {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        Ok(Self {
            id: row.get(0)?,
            device: row.get(1)?,
            archived: row.get(2)?,
            source: row.get(3)?,
            threat_id: row.get(4)?,
            classification: row.get(5)?,
            status: row.get(6)?,
            severity: row.get(7)?,
            first_seen: row.get(8)?,
            changed_at: row.get(9)?,
            ignored: row.get(10)?,
        })
    }
}

impl Raw {
    fn read(self) -> Result<ListedThreat, Error> {
        let threat = Threat {
            id: ThreatId(self.id),
            source: self.source,
            threat_id: self.threat_id,
            classification: self.classification,
            severity: self.severity.map(json::from_word).transpose()?,
            reported: json::from_word(self.status)?,
            first_seen: Time::from_micros(self.first_seen),
            changed_at: Time::from_micros(self.changed_at),
            ignored: self.ignored.as_deref().map(json::decode).transpose()?,
            evidence: None,
        };
        Ok(ListedThreat { threat, device: DeviceId(self.device), archived: self.archived })
    }
}

/// A threat by id, and the evidence kept of it as JSON.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: ThreatId) -> Result<Option<(ListedThreat, String)>, Error> {
    struct WithDetails(Raw, String);
    impl FromRow for WithDetails {
        fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
            Ok(Self(Raw::from_row(row)?, row.get(COLUMNS.len())?))
        }
    }
    let sql = format!("SELECT {}, details FROM threat WHERE tenant = $1 AND id = $2", COLUMNS.join(", "));
    let found: Option<WithDetails> = tx.query_opt(&sql, params![tenant.0, id.0])?;
    found.map(|WithDetails(raw, details)| Ok((raw.read()?, details))).transpose()
}

/// Threats, sorted, after a key of this sort.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    filter: &ThreatFilter,
    sort: ThreatSort,
    descending: bool,
    after: Option<&Key>,
    limit: u32,
) -> Result<Vec<ListedThreat>, Error> {
    let ranges = match filter.device {
        Some(device) => match of_device(tx, tenant, device)? {
            Some(ranges) => ranges,
            None => return Ok(Vec::new()),
        },
        None => by_classification(filter),
    };
    let mut found = Vec::new();
    for range in ranges {
        let select = select(tenant, filter, range, sort, descending, after, limit);
        let (sql, values) = db::build(tx.dialect(), &select)?;
        for raw in tx.query::<Raw>(&sql, &values)? {
            found.push(raw.read()?);
        }
    }
    Ok(listing::merge(found, |listed| sort.key(&listed.threat), descending, limit))
}

fn col(name: &'static str) -> Expr {
    Expr::col(("threat", name))
}

/// Whether a column has one of these values; none means no.
fn one_of<V: Into<sea_query::Value>>(column: &'static str, values: impl IntoIterator<Item = V>) -> Expr {
    let mut values = values.into_iter().map(Expr::val).peekable();
    if values.peek().is_none() { Expr::cust("1 = 0") } else { col(column).is_in(values) }
}

/// The threats of a device: those its record names, and those that are only here. `None` if there is no such device.
fn of_device(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<Option<Vec<Expr>>, Error> {
    let Some(record) = devices::get(tx, tenant, device)? else { return Ok(None) };
    let named = one_of("id", record.facts.threats.iter().map(|threat| threat.id.0));
    let mut ranges = vec![named];
    if record.archived_threats {
        // In the words of the partial index.
        ranges.push(col("device_id").eq(device.0).and(Expr::cust("threat.archived")));
    }
    Ok(Some(ranges))
}

/// The ranges of the index of open threats that a few classifications mean, or just everything.
fn by_classification(filter: &ThreatFilter) -> Vec<Expr> {
    let names = &filter.classifications;
    if filter.status == [ThreatStatus::Open] && (1..=MOST_PARTS).contains(&names.len()) {
        names.iter().map(|name| col("classification").eq(name)).collect()
    } else if names.is_empty() {
        vec![Expr::cust("1 = 1")]
    } else {
        vec![one_of("classification", names)]
    }
}

/// The query for a part of a list.
fn select(
    tenant: Tenant,
    filter: &ThreatFilter,
    range: Expr,
    sort: ThreatSort,
    descending: bool,
    after: Option<&Key>,
    limit: u32,
) -> SelectStatement {
    let by = match sort {
        ThreatSort::Id => None,
        ThreatSort::FirstSeen => Some(col("first_seen")),
        ThreatSort::ChangedAt => Some(col("changed_at")),
    };
    let mut select = Query::select();
    select.columns(COLUMNS.map(|column| ("threat", column))).from("threat").and_where(col("tenant").eq(tenant.0));
    match filter.status.as_slice() {
        [] => {}
        // In the words of the partial indexes.
        [ThreatStatus::Open] => {
            select.and_where(Expr::cust("threat.status = 'open'"));
        }
        several => {
            select.and_where(one_of("status", several.iter().map(|status| status.as_str())));
        }
    }
    if filter.device.is_some() && !filter.classifications.is_empty() {
        select.and_where(one_of("classification", &filter.classifications));
    }
    if let Some(names) = &filter.families {
        select.and_where(among(names));
    }
    if let Some(rated) = &filter.rated {
        select.and_where(is_rated(rated));
    }
    if !filter.sources.is_empty() {
        select.and_where(one_of("source", &filter.sources));
    }
    if let Some(since) = filter.since {
        select.and_where(col("changed_at").gte(since.as_micros()));
    }
    if let Some(until) = filter.until {
        select.and_where(col("changed_at").lt(until.as_micros()));
    }
    if let Some(groups) = &filter.organization_groups {
        select.and_where(one_of("organization_group", groups.iter().map(|group| group.0)));
    }
    select.and_where(range);
    if sort == ThreatSort::FirstSeen || (sort == ThreatSort::ChangedAt && filter.status == [ThreatStatus::Open]) {
        // No id is nil. It has the database read the rows in the order they lie in, rather than by classification.
        select.and_where(col("id").gt(Uuid::nil()));
    }
    listing::sort(&mut select, by, &col("id"), descending, after);
    select.limit(limit.into());
    select
}

fn among(names: &Names) -> Expr {
    match names {
        Names::Among(names) => one_of("classification", names),
        Names::Except(names) => one_of("classification", names).not(),
    }
}

fn is_rated(rated: &Rated) -> Expr {
    let by_table = among(&rated.classifications);
    if rated.trusted.is_empty() {
        return by_table;
    }
    let trusted = one_of("source", &rated.trusted).and(col("severity").is_not_null());
    let severities = rated.severities.iter().map(|level| level.as_str());
    trusted.clone().and(one_of("severity", severities)).or(trusted.not().and(by_table))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;
    use crate::{MIGRATIONS, db::migrate, testing::TestDb};

    /// How SQLite goes about a list of open threats.
    async fn plans(filter: ThreatFilter, sort: ThreatSort) -> Vec<String> {
        let database = TestDb::sqlite(|_| {}).await;
        let db = database.db.clone();
        migrate::run(&db, MIGRATIONS).await.unwrap();
        let mut plans = Vec::new();
        for range in by_classification(&filter) {
            let select = select(Tenant(1), &filter, range, sort, true, None, 50);
            let (sql, values) = db::build(db.dialect(), &select).unwrap();
            plans.push(database.plan(&sql, values).await);
        }
        plans
    }

    #[tokio::test]
    async fn open_threats_are_read_along_their_indexes() {
        let open = ThreatFilter { status: vec![ThreatStatus::Open], ..ThreatFilter::default() };
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let groups = Some(vec![OrganizationGroupId(Uuid::nil())]);
        for plan in plans(open.clone(), ThreatSort::ChangedAt).await {
            assert!(plan.contains("SEARCH threat USING INDEX threat_open "), "{plan}");
        }
        for plan in plans(ThreatFilter::default(), ThreatSort::ChangedAt).await {
            assert!(plan.contains("SEARCH threat USING INDEX threat_changed ("), "{plan}");
            assert!(!plan.contains("TEMP B-TREE"), "{plan}");
        }
        let rated = Rated { trusted: vec![], severities: vec![], classifications: Names::Except(names(&["trojan"])) };
        for (filter, index) in [
            (open.clone(), "threat_open "),
            (ThreatFilter { rated: Some(rated), organization_groups: groups, ..open.clone() }, "threat_open "),
            (ThreatFilter { classifications: names(&["trojan"]), ..open.clone() }, "threat_open_classification "),
            (ThreatFilter { classifications: names(&["a", "b", "c"]), ..open }, "threat_open_classification "),
        ] {
            for plan in plans(filter, ThreatSort::Id).await {
                assert!(plan.contains(&format!("SEARCH threat USING INDEX {index}")), "{plan}");
                assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            }
        }
    }
}
