//! What the filters of a list of devices mean in terms of rows, and which indexes find them.

use allclear_domain::{
    compliance::Compliance,
    detection::ProtectionStatus,
    device::EnrollmentStatus,
    ids::Tenant,
    level::{Platform, RiskLevel},
    tag::EngineTag,
};
use sea_query::{Expr, ExprTrait, Query};
use uuid::Uuid;

use super::{DeviceFilter, TagFilter};
use crate::{
    Error,
    db::Dialect,
    json,
    listing::{self, MOST_PARTS},
};

/// How a filter can be looked up.
pub(super) struct Lookup {
    /// A smaller one is more telling.
    pub(super) rank: u8,
    /// Any of these.
    pub(super) alternatives: Vec<Alternative>,
    /// The filter as a condition on a device's row.
    pub(super) residual: Expr,
}

/// A condition that an index finds.
#[derive(Clone)]
pub(super) struct Alternative {
    /// The condition.
    pub(super) condition: Expr,
    /// The table of (…, device_id) it is about, if it is not the device's own.
    pub(super) table: Option<&'static str>,
    /// The order in which the index gives what it finds.
    pub(super) order: IndexOrder,
}

#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum IndexOrder {
    Id,
    Name,
    Other,
}

/// A condition that SQLite, which knows no numbers, does not take as a reason for another index than the one chosen.
/// PostgreSQL knows better itself.
pub(super) fn opaque(dialect: Dialect, condition: Expr) -> Expr {
    match dialect {
        Dialect::Sqlite => condition.is(Expr::cust("TRUE")),
        Dialect::Postgres => condition,
    }
}

/// The filters that an index can find, and the others.
pub(super) fn filters(tenant: Tenant, filter: &DeviceFilter) -> Result<(Vec<Lookup>, Vec<Expr>), Error> {
    let mut lookups = Vec::new();
    let mut conditions = Vec::new();
    if let Some(user) = filter.user {
        lookups.push(own(0, vec![device("user_id").eq(user.0)]));
    }
    if let Some(search) = &filter.search {
        let ranges = |column: &'static str, order| {
            let spellings = listing::spellings(search).into_iter();
            spellings.map(move |text| Alternative {
                condition: listing::begins(device(column), &text),
                table: None,
                order,
            })
        };
        let names = ranges("friendly_name", IndexOrder::Name);
        lookups.push(Lookup::any_of(1, names.chain(ranges("serial_number", IndexOrder::Other)).collect()));
    }
    match filter.tag {
        Some(TagFilter::Ordinary(tag)) => lookups.push(membership(tenant, 4, "device_tag", "tag", tag.0, None)),
        Some(TagFilter::Engine(tag)) => engine_tag(tenant, tag, &mut lookups, &mut conditions),
        None => {}
    }
    if let Some(profile) = filter.profile {
        let statuses = filter.profile_status.iter().map(json::word).collect::<Result<Vec<_>, _>>()?;
        let statuses = (!statuses.is_empty()).then(|| Expr::col(("device_profile", "status")).is_in(statuses));
        lookups.push(membership(tenant, 4, "device_profile", "profile", profile.0, statuses));
    }
    if let Some(group) = filter.smart_group {
        lookups.push(membership(tenant, 5, "device_smart_group", "smart_group", group.0, None));
    }
    risks(&filter.risk, &mut lookups, &mut conditions);
    if filter.risky {
        let level = |level| Expr::cust("device.score > 0").and(device("risk").eq(level as i64));
        lookups.push(own(2, RiskLevel::ALL.map(level).into()));
    }
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
        let each = filter.enrollment.iter().map(|one| device("enrollment").eq(one.as_str()));
        if filter.enrollment.contains(&EnrollmentStatus::Enrolled) {
            conditions.push(listing::any(each));
        } else {
            lookups.push(own(3, each.map(|one| Expr::cust("device.enrollment <> 'enrolled'").and(one)).collect()));
        }
    }
    if let Some(model) = &filter.model {
        lookups.push(own(6, vec![device("model").eq(model)]));
    }
    if let Some(maker) = &filter.manufacturer {
        lookups.push(own(7, vec![device("manufacturer").eq(maker)]));
    }
    match (filter.platform, &filter.os_version) {
        (platform, Some(version)) => {
            let platforms = platform.map_or(vec![Platform::Android, Platform::Ios], |platform| vec![platform]);
            let on =
                |platform: Platform| device("platform").eq(platform.as_str()).and(device("os_version").eq(version));
            lookups.push(own(6, platforms.into_iter().map(on).collect()));
        }
        (Some(platform), None) => conditions.push(device("platform").eq(platform.as_str())),
        (None, None) => {}
    }
    if let Some(groups) = &filter.organization_groups {
        if groups.len() <= MOST_PARTS {
            lookups.push(own(8, groups.iter().map(|group| device("organization_group").eq(group.0)).collect()));
        } else {
            conditions.push(device("organization_group").is_in(groups.iter().map(|group| group.0)));
        }
    }
    if let Some(ownership) = filter.ownership {
        lookups.push(own(9, vec![device("ownership").eq(json::word(&ownership)?)]));
    }
    Ok((lookups, conditions))
}

pub(super) fn device(column: &'static str) -> Expr {
    Expr::col(("device", column))
}

impl Lookup {
    fn any_of(rank: u8, mut alternatives: Vec<Alternative>) -> Self {
        let residual = listing::any(alternatives.iter().map(|alternative| alternative.condition.clone()));
        if alternatives.is_empty() {
            // What nothing can meet still has to be asked for, or the list would not be narrowed at all.
            alternatives.push(Alternative { condition: residual.clone(), table: None, order: IndexOrder::Id });
        }
        Self { rank, alternatives, residual }
    }
}

/// A lookup by indexes on devices that end with the id.
fn own(rank: u8, conditions: Vec<Expr>) -> Lookup {
    let alternative = |condition| Alternative { condition, table: None, order: IndexOrder::Id };
    Lookup::any_of(rank, conditions.into_iter().map(alternative).collect())
}

// The conditions of partial indexes stand in the statement as they are: bound values are not known when the index is
// chosen.

fn risks(levels: &[RiskLevel], lookups: &mut Vec<Lookup>, conditions: &mut Vec<Expr>) {
    if levels.is_empty() {
        return;
    }
    let each = levels.iter().map(|level| device("risk").eq(*level as i64));
    if levels.contains(&RiskLevel::None) {
        conditions.push(listing::any(each));
    } else {
        lookups.push(own(2, each.map(|one| Expr::cust("device.risk > 0").and(one)).collect()));
    }
}

fn protections(statuses: &[ProtectionStatus], lookups: &mut Vec<Lookup>, conditions: &mut Vec<Expr>) {
    if statuses.is_empty() {
        return;
    }
    let each = statuses.iter().map(|status| device("protection").eq(*status as i64));
    if statuses.contains(&ProtectionStatus::Activated) {
        conditions.push(listing::any(each));
    } else {
        lookups.push(own(3, each.map(|one| Expr::cust("device.protection <> 1").and(one)).collect()));
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
    let mut condition = Expr::col((table, column)).eq(thing);
    if let Some(more) = more {
        condition = condition.and(more);
    }
    let mut row = Query::select();
    row.expr(Expr::cust("1"))
        .from(table)
        .and_where(Expr::col((table, "tenant")).eq(tenant.0))
        .and_where(condition.clone())
        .and_where(Expr::col((table, "device_id")).eq(device("id")));
    let alternative = Alternative { condition, table: Some(table), order: IndexOrder::Id };
    Lookup { rank, alternatives: vec![alternative], residual: Expr::exists(row) }
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
        own(4, vec![device("id").in_subquery(threats)])
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
