//! Lists of devices: any combination of filters, sorted, page by page.
//!
//! How a page is found without looking at the whole fleet:
//! * A filter that leaves few devices is looked up by its index, and those few are sorted.
//! * Otherwise the list is read in its order until the page is full: along an index that ends with the id, once for each
//!   value of a filter, or along the index on names. The other filters look at the rows met on the way.
//! * Sorted by risk, level follows level, each by id; sorted by score, all scores are looked at in the index that has
//!   them, and the devices without one follow by id.
//!
//! Several filters that each leave many devices and together next to none are what this cannot help.

mod lookup;

use allclear_domain::{
    compliance::Compliance,
    detection::ProtectionStatus,
    device::{EnrollmentStatus, Ownership},
    ids::{DeviceId, OrganizationGroupId, ProfileId, SmartGroupId, TagId, Tenant, UserId},
    level::{Platform, RiskLevel},
    profile::ProfileStatus,
    tag::EngineTag,
};
use sea_query::{Expr, ExprTrait, Query, SelectStatement};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::lookup::{Alternative, IndexOrder, Lookup, device, filters, opaque};
use crate::{
    Error,
    db::{self, Dialect, Tx, Value},
    devices::DeviceRecord,
    listing::{self, By, Key},
};

/// What a list of devices is narrowed to: all that is given has to hold; within one, any of the values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceFilter {
    /// In one of these organization groups; none: in any.
    pub organization_groups: Option<Vec<OrganizationGroupId>>,
    /// Of this user.
    pub user: Option<UserId>,
    /// The platform.
    pub platform: Option<Platform>,
    /// Whose it is.
    pub ownership: Option<Ownership>,
    /// Where it stands in its life with us.
    pub enrollment: Vec<EnrollmentStatus>,
    /// Its risk level.
    pub risk: Vec<RiskLevel>,
    /// With a score above 0.
    pub risky: bool,
    /// Its compliance.
    pub compliance: Option<Compliance>,
    /// Its protection status.
    pub protection: Vec<ProtectionStatus>,
    /// With this tag.
    pub tag: Option<TagFilter>,
    /// In this smart group.
    pub smart_group: Option<SmartGroupId>,
    /// Concerned by this profile,
    pub profile: Option<ProfileId>,
    /// and standing so with it. Means nothing without a profile.
    pub profile_status: Vec<ProfileStatus>,
    /// The maker, exactly.
    pub manufacturer: Option<String>,
    /// The model, exactly.
    pub model: Option<String>,
    /// The version of the operating system, exactly.
    pub os_version: Option<String>,
    /// Its name or serial number begins with this.
    pub search: Option<String>,
}

/// A tag to filter by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagFilter {
    /// One that people set.
    Ordinary(TagId),
    /// One of the engine's, which is looked for by what it stands for.
    Engine(EngineTag),
}

/// What devices are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceSort {
    /// The time they became known, which their ids follow.
    #[default]
    CreatedAt,
    /// The name.
    FriendlyName,
    /// The risk level.
    #[serde(rename = "risk_level", alias = "risk")]
    Risk,
    /// The score.
    Score,
}

impl DeviceSort {
    /// Where a device stands in a list sorted by this.
    pub fn key(self, record: &DeviceRecord) -> Key {
        let by = match self {
            DeviceSort::CreatedAt => By::Id,
            DeviceSort::FriendlyName => By::Text(record.facts.device.friendly_name.clone()),
            DeviceSort::Risk => By::Number(record.posture.risk as i64),
            DeviceSort::Score => By::Number(record.posture.score),
        };
        Key { by, id: record.id().0 }
    }

    /// Whether a key is of this sort.
    pub fn fits(self, key: &Key) -> bool {
        match self {
            DeviceSort::CreatedAt => matches!(key.by, By::Id),
            DeviceSort::FriendlyName => matches!(key.by, By::Text(_)),
            DeviceSort::Risk | DeviceSort::Score => matches!(key.by, By::Number(_)),
        }
    }
}

/// As many devices are few: looking each of them up takes no longer than reading a list in its order.
const FEW: u32 = 5000;

/// The ids of the devices that pass a filter, sorted, after a key of this sort.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    filter: &DeviceFilter,
    sort: DeviceSort,
    descending: bool,
    after: Option<&Key>,
    limit: u32,
) -> Result<Vec<DeviceId>, Error> {
    Asked { tenant, filter, sort, descending, after, limit, few: FEW }.list(tx)
}

/// A stretch of a list. Within it, the order is that of one index.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Segment {
    /// All of it.
    Whole,
    /// What has this risk level, by id.
    Level(RiskLevel),
    /// What has a score, by it.
    Scored,
    /// What has none, by id.
    Unscored,
}

impl Segment {
    /// Whether a key lies in it.
    fn holds(self, key: &Key) -> bool {
        match (self, &key.by) {
            (Segment::Whole, _) => true,
            (Segment::Level(level), By::Number(number)) => level as i64 == *number,
            (Segment::Scored, By::Number(number)) => *number > 0,
            (Segment::Unscored, By::Number(number)) => *number == 0,
            (_, By::Id | By::Text(_)) => false,
        }
    }
}

fn keys(tx: &mut Tx<'_>, sql: &str, values: &[Value], sort: DeviceSort, segment: Segment) -> Result<Vec<Key>, Error> {
    let number = match segment {
        Segment::Level(level) => level as i64,
        Segment::Whole | Segment::Scored | Segment::Unscored => 0,
    };
    Ok(match (sort, segment) {
        (DeviceSort::FriendlyName, _) => {
            let rows: Vec<(Uuid, String)> = tx.query(sql, values)?;
            rows.into_iter().map(|(id, name)| Key { by: By::Text(name), id }).collect()
        }
        (DeviceSort::Score, Segment::Scored) => {
            let rows: Vec<(Uuid, i64)> = tx.query(sql, values)?;
            rows.into_iter().map(|(id, score)| Key { by: By::Number(score), id }).collect()
        }
        (DeviceSort::CreatedAt, _) => {
            let rows: Vec<Uuid> = tx.query(sql, values)?;
            rows.into_iter().map(|id| Key { by: By::Id, id }).collect()
        }
        (DeviceSort::Risk | DeviceSort::Score, _) => {
            let rows: Vec<Uuid> = tx.query(sql, values)?;
            rows.into_iter().map(|id| Key { by: By::Number(number), id }).collect()
        }
    })
}

/// A page that is asked for.
struct Asked<'a> {
    tenant: Tenant,
    filter: &'a DeviceFilter,
    sort: DeviceSort,
    descending: bool,
    after: Option<&'a Key>,
    limit: u32,
    few: u32,
}

impl Asked<'_> {
    fn list(&self, tx: &mut Tx<'_>) -> Result<Vec<DeviceId>, Error> {
        let mut found: Vec<Key> = Vec::new();
        for segment in self.segments() {
            let mut part = Vec::new();
            for select in self.selects(tx, segment)? {
                let (sql, values) = db::build(tx.dialect(), &select)?;
                part.extend(keys(tx, &sql, &values, self.sort, segment)?);
            }
            found.extend(listing::merge(part, Key::clone, self.descending, self.limit));
            // Segments follow one another: the next is not read when the page is full.
            if found.len() >= self.limit as usize {
                break;
            }
        }
        found.truncate(self.limit as usize);
        Ok(found.into_iter().map(|key| DeviceId(key.id)).collect())
    }

    /// The segments of the list from the key on, in order.
    fn segments(&self) -> Vec<Segment> {
        let mut segments = match self.sort {
            DeviceSort::CreatedAt | DeviceSort::FriendlyName => vec![Segment::Whole],
            DeviceSort::Risk => RiskLevel::ALL
                .into_iter()
                .filter(|level| self.filter.risk.is_empty() || self.filter.risk.contains(level))
                .map(Segment::Level)
                .collect(),
            DeviceSort::Score => vec![Segment::Unscored, Segment::Scored],
        };
        if self.descending {
            segments.reverse();
        }
        if let Some(after) = self.after {
            let first = segments.iter().position(|segment| segment.holds(after));
            segments.drain(..first.unwrap_or(0));
        }
        segments
    }

    /// The queries whose results together are a segment.
    fn selects(&self, tx: &mut Tx<'_>, segment: Segment) -> Result<Vec<SelectStatement>, Error> {
        let mut filter = self.filter.clone();
        if let Segment::Level(level) = segment {
            filter.risk = vec![level];
        }
        let (mut lookups, mut conditions) = filters(self.tenant, &filter)?;
        match segment {
            Segment::Scored => conditions.push(Expr::cust("device.score > 0")),
            Segment::Unscored => conditions.push(device("score").eq(0_i64)),
            Segment::Whole | Segment::Level(_) => {}
        }
        let order = match (self.sort, segment) {
            (DeviceSort::FriendlyName, _) => IndexOrder::Name,
            (DeviceSort::Score, Segment::Scored) => IndexOrder::Other,
            _ => IndexOrder::Id,
        };
        lookups.sort_by_key(|lookup| lookup.rank);
        let driver = self.driver(tx, &mut lookups, order)?;
        conditions.extend(lookups.into_iter().map(|lookup| lookup.residual));
        let dialect = tx.dialect();
        let conditions: Vec<Expr> = conditions.into_iter().map(|condition| opaque(dialect, condition)).collect();
        let drivers = match driver {
            Some(driver) => driver.into_iter().map(Some).collect(),
            None => vec![None],
        };
        Ok(drivers.into_iter().map(|driver| self.select(segment, driver, &conditions, order, dialect)).collect())
    }

    /// Takes the lookup to read the list by out of the others, as alternatives; none if it is best read in its order.
    fn driver(
        &self,
        tx: &mut Tx<'_>,
        lookups: &mut Vec<Lookup>,
        order: IndexOrder,
    ) -> Result<Option<Vec<Alternative>>, Error> {
        let mut ordered = None;
        for place in 0..lookups.len() {
            let mut many = Vec::new();
            for alternative in &lookups[place].alternatives {
                if !self.is_few(tx, alternative)? {
                    many.push(alternative.order);
                }
            }
            if many.is_empty() {
                return Ok(Some(lookups.remove(place).alternatives));
            }
            if ordered.is_none() && order != IndexOrder::Other && many.contains(&order) {
                ordered = Some(place);
            }
        }
        let Some(place) = ordered else { return Ok(None) };
        let mut alternatives = lookups.remove(place).alternatives;
        for alternative in &mut alternatives {
            if alternative.order != order && !self.is_few(tx, alternative)? {
                // Many that no index gives in this order: they are met soon enough when all are read in it.
                alternative.condition = opaque(tx.dialect(), alternative.condition.clone());
                alternative.order = order;
            }
        }
        Ok(Some(alternatives))
    }

    fn is_few(&self, tx: &mut Tx<'_>, alternative: &Alternative) -> Result<bool, Error> {
        if self.few == 0 {
            return Ok(false);
        }
        let table = alternative.table.unwrap_or("device");
        let mut some = Query::select();
        some.expr(Expr::cust("1"))
            .from(table)
            .and_where(Expr::col((table, "tenant")).eq(self.tenant.0))
            .and_where(alternative.condition.clone())
            .limit(u64::from(self.few) + 1);
        let mut count = Query::select();
        count.expr(Expr::cust("count(*)")).from_subquery(some, "some");
        let (sql, values) = db::build(tx.dialect(), &count)?;
        Ok(tx.query_opt::<i64>(&sql, &values)?.unwrap_or(0) <= i64::from(self.few))
    }

    fn select(
        &self,
        segment: Segment,
        driver: Option<Alternative>,
        conditions: &[Expr],
        order: IndexOrder,
        dialect: Dialect,
    ) -> SelectStatement {
        let mut select = Query::select();
        let table = driver.as_ref().and_then(|driver| driver.table);
        // A few that are to be sorted: SQLite must not take the sort as a reason to read all in another order.
        let sorted = driver.as_ref().is_some_and(|driver| driver.order != order) && dialect == Dialect::Sqlite;
        let id = match table {
            Some(table) => Expr::col((table, "device_id")),
            None if sorted => Expr::cust("+device.id"),
            None => device("id"),
        };
        select.expr(id.clone());
        if let Some(table) = table {
            // SQLite takes the tables of a cross join in the order given.
            select.from(table).and_where(Expr::col((table, "tenant")).eq(self.tenant.0)).cross_join("device");
            select.and_where(device("id").eq(id.clone()));
        } else {
            select.from("device");
        }
        select.and_where(device("tenant").eq(self.tenant.0));
        match driver {
            Some(driver) => {
                select.and_where(driver.condition);
            }
            None if order == IndexOrder::Other => {
                // All there is in the one index that has the scores.
                select.and_where(Expr::cust("device.risk >= 0")).and_where(Expr::cust("device.score > 0"));
            }
            None => {}
        }
        for condition in conditions {
            select.and_where(condition.clone());
        }
        let by = match order {
            IndexOrder::Id => None,
            IndexOrder::Name if sorted => Some(Expr::cust("+device.friendly_name")),
            IndexOrder::Name => Some(device("friendly_name")),
            IndexOrder::Other => Some(device("score")),
        };
        if let Some(by) = &by {
            select.expr(by.clone());
        }
        listing::sort(&mut select, by, &id, self.descending, self.after.filter(|after| segment.holds(after)));
        select.limit(self.limit.into());
        select
    }
}

#[cfg(test)]
mod tests;
