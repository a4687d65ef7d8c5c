//! Lists of devices: any combination of filters, sorted, page by page.
//!
//! Every index on devices that a filter can use ends with the id. So a list is read along the index of its most telling
//! filter, once for each value asked for, the other filters look at the rows met there, and nothing has to be sorted
//! when the order is that of ids. What sorts by risk is read level by level for the same reason.

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

use crate::{
    Error,
    db::{self, Tx},
    devices::DeviceRecord,
    json,
    listing::{self, By, Key, MOST_PARTS},
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
    /// The score. Has no index, so all rows the filters leave are looked at.
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
}

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
    let mut found = Vec::new();
    for (select, level) in selects(tenant, filter, sort, descending, after, limit)? {
        // Levels follow one another: the next is not read when the page is full.
        let mut part: Vec<Key> = Vec::new();
        for select in select {
            let (sql, values) = db::build(tx.dialect(), &select)?;
            match sort {
                DeviceSort::FriendlyName => {
                    let rows: Vec<(Uuid, String)> = tx.query(&sql, &values)?;
                    part.extend(rows.into_iter().map(|(id, name)| Key { by: By::Text(name), id }));
                }
                DeviceSort::Score => {
                    let rows: Vec<(Uuid, i64)> = tx.query(&sql, &values)?;
                    part.extend(rows.into_iter().map(|(id, score)| Key { by: By::Number(score), id }));
                }
                DeviceSort::CreatedAt | DeviceSort::Risk => {
                    let rows: Vec<Uuid> = tx.query(&sql, &values)?;
                    let by = level.map_or(By::Id, |level| By::Number(level as i64));
                    part.extend(rows.into_iter().map(|id| Key { by: by.clone(), id }));
                }
            }
        }
        found.extend(listing::merge(part, Key::clone, descending, limit));
        if found.len() >= limit as usize {
            break;
        }
    }
    found.truncate(limit as usize);
    Ok(found.into_iter().map(|key| DeviceId(key.id)).collect())
}

/// How a filter can be looked up: each alternative by an index that ends with the id.
struct Lookup {
    /// A smaller one is more telling.
    rank: u8,
    alternatives: Vec<Expr>,
    /// The table of (…, device_id) the alternatives are about, if it is not the device's own.
    table: Option<&'static str>,
    /// The filter as a condition on a device's row.
    residual: Expr,
}

type Selects = Vec<(Vec<SelectStatement>, Option<RiskLevel>)>;

/// The queries of a list: those of each level, or of all at once.
fn selects(
    tenant: Tenant,
    filter: &DeviceFilter,
    sort: DeviceSort,
    descending: bool,
    after: Option<&Key>,
    limit: u32,
) -> Result<Selects, Error> {
    if sort != DeviceSort::Risk {
        return Ok(vec![(part(tenant, filter, sort, descending, after, limit)?, None)]);
    }
    let mut levels: Vec<RiskLevel> = RiskLevel::ALL.into();
    if descending {
        levels.reverse();
    }
    let passed = |level: RiskLevel| match after.map(|after| &after.by) {
        Some(By::Number(number)) if descending => level as i64 > *number,
        Some(By::Number(number)) => (level as i64) < *number,
        _ => false,
    };
    levels
        .into_iter()
        .filter(|level| !passed(*level) && (filter.risk.is_empty() || filter.risk.contains(level)))
        .map(|level| {
            let filter = DeviceFilter { risk: vec![level], ..filter.clone() };
            let after = after.filter(|after| after.by == By::Number(level as i64));
            Ok((part(tenant, &filter, sort, descending, after, limit)?, Some(level)))
        })
        .collect()
}

fn part(
    tenant: Tenant,
    filter: &DeviceFilter,
    sort: DeviceSort,
    descending: bool,
    after: Option<&Key>,
    limit: u32,
) -> Result<Vec<SelectStatement>, Error> {
    let (mut lookups, conditions) = filters(tenant, filter)?;
    let best = lookups.iter().enumerate().min_by_key(|(_, lookup)| lookup.rank).map(|(place, _)| place);
    let best = best.map(|place| lookups.remove(place));
    let (alternatives, table) = match best {
        Some(best) => (best.alternatives.into_iter().map(Some).collect(), best.table),
        None => (vec![None], None),
    };
    let mut select = Query::select();
    let id = match table {
        Some(table) => Expr::col((table, "device_id")),
        None => device("id"),
    };
    select.expr(id.clone());
    match table {
        Some(table) => {
            // SQLite takes the tables of a cross join in the order given.
            select.from(table).and_where(Expr::col((table, "tenant")).eq(tenant.0));
            select.cross_join("device").and_where(device("tenant").eq(tenant.0)).and_where(device("id").eq(id.clone()));
        }
        None => {
            select.from("device").and_where(device("tenant").eq(tenant.0));
        }
    }
    for condition in conditions.into_iter().chain(lookups.into_iter().map(|lookup| lookup.residual)) {
        select.and_where(condition);
    }
    let by = match sort {
        DeviceSort::FriendlyName => Some(device("friendly_name")),
        DeviceSort::Score => Some(device("score")),
        DeviceSort::CreatedAt | DeviceSort::Risk => None,
    };
    if let Some(by) = &by {
        select.expr(by.clone());
    }
    listing::sort(&mut select, by, &id, descending, after);
    select.limit(limit.into());
    Ok(alternatives
        .into_iter()
        .map(|alternative| {
            let mut select = select.clone();
            select.and_where_option(alternative);
            select
        })
        .collect())
}

/// The filters that an index can find, and the others.
fn filters(tenant: Tenant, filter: &DeviceFilter) -> Result<(Vec<Lookup>, Vec<Expr>), Error> {
    let mut lookups = Vec::new();
    let mut conditions = Vec::new();
    let own = |rank, alternatives: Vec<Expr>| {
        let residual = listing::any(alternatives.clone());
        Lookup { rank, alternatives, table: None, residual }
    };
    if let Some(user) = filter.user {
        lookups.push(own(0, vec![device("user_id").eq(user.0)]));
    }
    if let Some(search) = &filter.search {
        let ranges = ["friendly_name", "serial_number"].into_iter().flat_map(|column| {
            listing::spellings(search).into_iter().map(move |text| listing::begins(device(column), &text))
        });
        lookups.push(own(1, ranges.collect()));
    }
    match filter.tag {
        Some(TagFilter::Ordinary(tag)) => lookups.push(membership(tenant, 2, "device_tag", "tag", tag.0, None)),
        Some(TagFilter::Engine(tag)) => engine_tag(tenant, tag, &mut lookups, &mut conditions),
        None => {}
    }
    if let Some(profile) = filter.profile {
        let statuses = filter.profile_status.iter().map(json::word).collect::<Result<Vec<_>, _>>()?;
        let statuses = (!statuses.is_empty()).then(|| Expr::col(("device_profile", "status")).is_in(statuses));
        lookups.push(membership(tenant, 2, "device_profile", "profile", profile.0, statuses));
    }
    if let Some(group) = filter.smart_group {
        lookups.push(membership(tenant, 3, "device_smart_group", "smart_group", group.0, None));
    }
    risks(&filter.risk, &mut lookups, &mut conditions);
    match filter.compliance {
        Some(Compliance::NotCompliant) => {
            // No level below low ever makes a device not compliant.
            conditions.push(device("compliance").eq(Compliance::NotCompliant as i64));
            risks(&[RiskLevel::Low, RiskLevel::Medium, RiskLevel::High], &mut lookups, &mut conditions);
        }
        Some(Compliance::Unknown) => {
            use ProtectionStatus::{Deactivated, Disconnected, Pending, Unreachable};
            conditions.push(device("compliance").eq(Compliance::Unknown as i64));
            protections(&[Pending, Deactivated, Disconnected, Unreachable], &mut lookups, &mut conditions);
        }
        Some(Compliance::Compliant) => conditions.push(device("compliance").eq(Compliance::Compliant as i64)),
        None => {}
    }
    protections(&filter.protection, &mut lookups, &mut conditions);
    if !filter.enrollment.is_empty() {
        let mut lookup = own(5, filter.enrollment.iter().map(|one| device("enrollment").eq(one.as_str())).collect());
        if filter.enrollment.contains(&EnrollmentStatus::Enrolled) {
            conditions.push(lookup.residual);
        } else {
            partial(&mut lookup, "device.enrollment <> 'enrolled'");
            lookups.push(lookup);
        }
    }
    match (&filter.manufacturer, &filter.model) {
        (Some(maker), Some(model)) => {
            lookups.push(own(6, vec![device("manufacturer").eq(maker).and(device("model").eq(model))]));
        }
        (maker, model) => {
            conditions.extend(maker.as_ref().map(|maker| device("manufacturer").eq(maker)));
            conditions.extend(model.as_ref().map(|model| device("model").eq(model)));
        }
    }
    match (filter.platform, &filter.os_version) {
        (Some(platform), Some(version)) => {
            let both = device("platform").eq(platform.as_str()).and(device("os_version").eq(version));
            lookups.push(own(7, vec![both]));
        }
        (platform, version) => {
            conditions.extend(platform.map(|platform| device("platform").eq(platform.as_str())));
            conditions.extend(version.as_ref().map(|version| device("os_version").eq(version)));
        }
    }
    if let Some(groups) = &filter.organization_groups {
        if groups.len() <= MOST_PARTS {
            lookups.push(own(8, groups.iter().map(|group| device("organization_group").eq(group.0)).collect()));
        } else {
            conditions.push(device("organization_group").is_in(groups.iter().map(|group| group.0)));
        }
    }
    if let Some(ownership) = filter.ownership {
        conditions.push(device("ownership").eq(json::word(&ownership)?));
    }
    // An alternative that cannot be met still has to be asked for, or the list would not be narrowed at all.
    for lookup in &mut lookups {
        if lookup.alternatives.is_empty() {
            lookup.alternatives.push(lookup.residual.clone());
        }
    }
    Ok((lookups, conditions))
}

fn device(column: &'static str) -> Expr {
    Expr::col(("device", column))
}

/// Adds the condition of a partial index in its own words: bound values are not known when the index is chosen.
fn partial(lookup: &mut Lookup, condition: &'static str) {
    for alternative in &mut lookup.alternatives {
        *alternative = Expr::cust(condition).and(alternative.clone());
    }
}

fn risks(levels: &[RiskLevel], lookups: &mut Vec<Lookup>, conditions: &mut Vec<Expr>) {
    if levels.is_empty() {
        return;
    }
    let alternatives: Vec<Expr> = levels.iter().map(|level| device("risk").eq(*level as i64)).collect();
    let residual = device("risk").is_in(levels.iter().map(|level| *level as i64));
    if levels.contains(&RiskLevel::None) {
        conditions.push(residual);
    } else {
        let mut lookup = Lookup { rank: 4, alternatives, table: None, residual };
        partial(&mut lookup, "device.risk > 0");
        lookups.push(lookup);
    }
}

fn protections(statuses: &[ProtectionStatus], lookups: &mut Vec<Lookup>, conditions: &mut Vec<Expr>) {
    if statuses.is_empty() {
        return;
    }
    let alternatives: Vec<Expr> = statuses.iter().map(|status| device("protection").eq(*status as i64)).collect();
    let residual = device("protection").is_in(statuses.iter().map(|status| *status as i64));
    if statuses.contains(&ProtectionStatus::Activated) {
        conditions.push(residual);
    } else {
        let mut lookup = Lookup { rank: 5, alternatives, table: None, residual };
        partial(&mut lookup, "device.protection <> 1");
        lookups.push(lookup);
    }
}

/// Devices that have a row in a table of (thing, device).
fn membership(
    tenant: Tenant,
    rank: u8,
    table: &'static str,
    column: &'static str,
    thing: Uuid,
    more: Option<Expr>,
) -> Lookup {
    let mut alternative = Expr::col((table, column)).eq(thing);
    if let Some(more) = more {
        alternative = alternative.and(more);
    }
    let mut row = Query::select();
    row.expr(Expr::cust("1"))
        .from(table)
        .and_where(Expr::col((table, "tenant")).eq(tenant.0))
        .and_where(alternative.clone())
        .and_where(Expr::col((table, "device_id")).eq(device("id")));
    Lookup { rank, alternatives: vec![alternative], table: Some(table), residual: Expr::exists(row) }
}

/// The engine's tags follow from risk, protection or open threats, as the evaluation sets them.
fn engine_tag(tenant: Tenant, tag: EngineTag, lookups: &mut Vec<Lookup>, conditions: &mut Vec<Expr>) {
    use RiskLevel::{Advisory, High, Low, Medium, None};
    let open = |names: &[&str]| {
        let mut threats = Query::select();
        threats
            .column("device_id")
            .from("threat")
            .and_where(Expr::col("tenant").eq(tenant.0))
            .and_where(Expr::col("classification").is_in(names.iter().copied()))
            .and_where(Expr::cust("status = 'open'"));
        let found = device("id").in_subquery(threats);
        Lookup { rank: 3, alternatives: vec![found.clone()], table: Option::None, residual: found }
    };
    match tag {
        EngineTag::Pending => protections(&[ProtectionStatus::Pending], lookups, conditions),
        EngineTag::Activated => protections(&[ProtectionStatus::Activated], lookups, conditions),
        EngineTag::Deactivated => protections(&[ProtectionStatus::Deactivated], lookups, conditions),
        EngineTag::Disconnected => protections(&[ProtectionStatus::Disconnected], lookups, conditions),
        EngineTag::Unreachable => protections(&[ProtectionStatus::Unreachable], lookups, conditions),
        EngineTag::ThreatsPresent => risks(&[Low, Medium, High], lookups, conditions),
        EngineTag::Secured => {
            risks(&[None, Advisory], lookups, conditions);
            protections(&[ProtectionStatus::Activated], lookups, conditions);
        }
        EngineTag::LowRisk => risks(&[Low], lookups, conditions),
        EngineTag::MediumRisk => risks(&[Medium], lookups, conditions),
        EngineTag::HighRisk => risks(&[High], lookups, conditions),
        EngineTag::DenylistedApp => lookups.push(open(&["denylisted_app"])),
        EngineTag::PcpDisabled => lookups.push(open(&["pcp_disabled", "pcp_paused"])),
    }
}

#[cfg(test)]
mod tests;
