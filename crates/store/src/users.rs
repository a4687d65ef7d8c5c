//! Users: the directory, and what the engine sums up over a user's devices.

use allclear_domain::{
    ids::{OrganizationGroupId, Tenant, UserGroupId, UserId},
    level::RiskLevel,
    score::MilliPoints,
    time::Time,
};
use sea_query::{Expr, ExprTrait, Query, SelectStatement};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Error, account_status, db,
    db::{FromRow, Row, Tx, Value},
    listing::{self, By, Key},
    params, row,
};

/// A person in the directory, and the sums over their devices.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// The id.
    pub id: UserId,
    /// Where the user lives in the tree.
    pub organization_group: OrganizationGroupId,
    /// The name to sign in with, unique in the tenant.
    pub user_name: String,
    /// What people call them.
    pub display_name: Option<String>,
    /// The mail address.
    pub email: Option<String>,
    /// The phone number, E.164.
    pub phone: Option<String>,
    /// The language to write to them in, a BCP 47 tag.
    pub locale: Option<String>,
    /// Grows with every edit; the sums below do not count.
    pub version: i64,
    /// When the user was created.
    pub created_at: Time,
    /// How many devices they have. Kept by the engine, as are all below.
    pub devices: i64,
    /// The sum of the scores of their devices.
    pub score: MilliPoints,
    /// Open incidents of level low, medium and high.
    pub incidents: [i64; 3],
}

impl User {
    /// What people call them: the display name or else the user name.
    pub fn name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.user_name)
    }
}

const COLUMNS: [&str; 14] = [
    "id",
    "organization_group",
    "user_name",
    "display_name",
    "email",
    "phone",
    "locale",
    "version",
    "created_at",
    "devices",
    "score",
    "incidents_low",
    "incidents_medium",
    "incidents_high",
];

impl FromRow for User {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        Ok(Self {
            id: UserId(row.get(0)?),
            organization_group: OrganizationGroupId(row.get(1)?),
            user_name: row.get(2)?,
            display_name: row.get(3)?,
            email: row.get(4)?,
            phone: row.get(5)?,
            locale: row.get(6)?,
            version: row.get(7)?,
            created_at: Time::from_micros(row.get(8)?),
            devices: row.get(9)?,
            score: row.get(10)?,
            incidents: [row.get(11)?, row.get(12)?, row.get(13)?],
        })
    }
}

/// Adds a user without devices. A name that is taken is a unique violation.
pub fn insert(tx: &mut Tx<'_>, tenant: Tenant, user: &User) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO users (tenant, id, organization_group, user_name, display_name, email, phone, locale, version, \
         created_at, devices, score, incidents_low, incidents_medium, incidents_high) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, 0, 0, 0, 0)",
        params![
            tenant.0,
            user.id.0,
            user.organization_group.0,
            &user.user_name,
            user.display_name.as_deref(),
            user.email.as_deref(),
            user.phone.as_deref(),
            user.locale.as_deref(),
            user.version,
            user.created_at.as_micros()
        ],
    )?;
    Ok(())
}

/// A user by id.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: UserId) -> Result<Option<User>, Error> {
    let sql = format!("SELECT {} FROM users WHERE tenant = $1 AND id = $2", COLUMNS.join(", "));
    Ok(tx.query_opt(&sql, params![tenant.0, id.0])?)
}

/// Users by id, in that order; those that are not there are left out.
pub fn get_many(tx: &mut Tx<'_>, tenant: Tenant, ids: &[UserId]) -> Result<Vec<User>, Error> {
    let sql = format!("SELECT {} FROM users WHERE tenant = $1 AND id = $2", COLUMNS.join(", "));
    let rows: Vec<Vec<Value>> = ids.iter().map(|id| row![tenant.0, id.0]).collect();
    Ok(tx.query_many(&sql, &rows)?.into_iter().flatten().collect())
}

/// The user of this name.
pub fn by_name(tx: &mut Tx<'_>, tenant: Tenant, user_name: &str) -> Result<Option<UserId>, Error> {
    let id: Option<Uuid> =
        tx.query_opt("SELECT id FROM users WHERE tenant = $1 AND user_name = $2", params![tenant.0, user_name])?;
    Ok(id.map(UserId))
}

/// Writes what can be edited; the caller has compared the version. The sums stay as they are.
pub fn update(tx: &mut Tx<'_>, tenant: Tenant, user: &User) -> Result<(), Error> {
    tx.execute(
        "UPDATE users SET organization_group = $3, user_name = $4, display_name = $5, email = $6, phone = $7, \
         locale = $8, version = $9 WHERE tenant = $1 AND id = $2",
        params![
            tenant.0,
            user.id.0,
            user.organization_group.0,
            &user.user_name,
            user.display_name.as_deref(),
            user.email.as_deref(),
            user.phone.as_deref(),
            user.locale.as_deref(),
            user.version
        ],
    )?;
    Ok(())
}

/// Removes a user with their enrollment tokens and memberships. Fails with a foreign key violation while they have
/// devices.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, id: UserId) -> Result<(), Error> {
    tx.execute("DELETE FROM users WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])?;
    account_status::delete(tx, tenant, id)
}

/// What a list of users is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct UserFilter {
    /// In one of these organization groups; none: in any.
    pub organization_groups: Option<Vec<OrganizationGroupId>>,
    /// In this user group.
    pub user_group: Option<UserGroupId>,
    /// With exactly this mail address.
    pub email: Option<String>,
    /// User name or mail address begins with this.
    pub search: Option<String>,
    /// Whether the search looks for display names, too.
    pub by_display_name: bool,
    /// With a score above 0.
    pub risky: bool,
    /// With one of these as the highest severity among their open incidents; none: with a device and no open incident.
    pub risk_status: Vec<RiskLevel>,
}

/// What users are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserSort {
    /// The user name.
    #[default]
    UserName,
    /// The score; lists only users with one.
    Score,
    /// The time they were created, which their ids follow.
    CreatedAt,
}

impl UserSort {
    /// Where a user stands in a list sorted by this.
    pub fn key(self, user: &User) -> Key {
        let by = match self {
            UserSort::UserName => By::Text(user.user_name.clone()),
            UserSort::Score => By::Number(user.score),
            UserSort::CreatedAt => By::Id,
        };
        Key { by, id: user.id.0 }
    }

    /// Whether a key is of this sort.
    pub fn fits(self, key: &Key) -> bool {
        match self {
            UserSort::UserName => matches!(key.by, By::Text(_)),
            UserSort::Score => matches!(key.by, By::Number(_)),
            UserSort::CreatedAt => matches!(key.by, By::Id),
        }
    }
}

/// Users, sorted, after a key of this sort.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    filter: &UserFilter,
    sort: UserSort,
    descending: bool,
    after: Option<&Key>,
    limit: u32,
) -> Result<Vec<User>, Error> {
    if filter.organization_groups.as_ref().is_some_and(Vec::is_empty) {
        // Not every database takes a list without values.
        return Ok(Vec::new());
    }
    let mut found: Vec<User> = Vec::new();
    for select in selects(tenant, filter, sort, descending, after, limit) {
        let (sql, values) = db::build(tx.dialect(), &select)?;
        found.extend(tx.query::<User>(&sql, &values)?);
    }
    Ok(listing::merge(found, |user| sort.key(user), descending, limit))
}

/// The queries of a list: one for each range of an index that a search means, or just one.
fn selects(
    tenant: Tenant,
    filter: &UserFilter,
    sort: UserSort,
    descending: bool,
    after: Option<&Key>,
    limit: u32,
) -> Vec<SelectStatement> {
    let col = |name: &'static str| Expr::col(("users", name));
    let mut select = Query::select();
    select.columns(COLUMNS.map(|column| ("users", column))).from("users").and_where(col("tenant").eq(tenant.0));
    if let Some(groups) = &filter.organization_groups {
        select.and_where(col("organization_group").is_in(groups.iter().map(|group| group.0)));
    }
    if let Some(group) = filter.user_group {
        let mut members = Query::select();
        members
            .column("user_id")
            .from("user_group_member")
            .and_where(Expr::col("tenant").eq(tenant.0))
            .and_where(Expr::col("user_group").eq(group.0));
        select.and_where(col("id").in_subquery(members));
    }
    if let Some(email) = &filter.email {
        select.and_where(col("email").eq(email));
    }
    let some_risk = !filter.risk_status.is_empty() && !filter.risk_status.contains(&RiskLevel::None);
    if !filter.risk_status.is_empty() {
        select.and_where(listing::any(filter.risk_status.iter().map(|level| with_status(*level))));
    }
    if filter.risky || sort == UserSort::Score || some_risk {
        // In the words of the partial index.
        select.and_where(Expr::cust("users.score > 0"));
    }
    let by = match sort {
        UserSort::UserName => Some(col("user_name")),
        UserSort::Score => Some(col("score")),
        UserSort::CreatedAt => None,
    };
    listing::sort(&mut select, by, &col("id"), descending, after);
    select.limit(limit.into());
    let Some(search) = &filter.search else { return vec![select] };
    let columns = ["user_name", "email"].into_iter().chain(filter.by_display_name.then_some("display_name"));
    let ranges = columns
        .into_iter()
        .flat_map(|column| listing::spellings(search).into_iter().map(move |text| listing::begins(col(column), &text)));
    ranges.map(|range| select.clone().and_where(range).take()).collect()
}

/// Whether the highest severity among a user's open incidents is this.
fn with_status(level: RiskLevel) -> Expr {
    let col = |name: &'static str| Expr::col(("users", name));
    let (none, some) = (|name| col(name).eq(0), |name| col(name).gt(0));
    let no_higher = none("incidents_high");
    match level {
        RiskLevel::High => some("incidents_high"),
        RiskLevel::Medium => no_higher.and(some("incidents_medium")),
        RiskLevel::Low => no_higher.and(none("incidents_medium")).and(some("incidents_low")),
        // An advisory is no incident.
        RiskLevel::Advisory => listing::any([]),
        RiskLevel::None => no_higher.and(none("incidents_medium")).and(none("incidents_low")).and(some("devices")),
    }
}

/// What changes for a user when one of their devices changes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct UserDelta {
    /// Devices gained or lost.
    pub devices: i64,
    /// Change of the score.
    pub score: MilliPoints,
    /// Change of the number of open incidents of level low, medium and high.
    pub incidents: [i64; 3],
}

impl UserDelta {
    /// Whether nothing changes.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    /// Both together.
    pub fn add(&mut self, other: UserDelta) {
        self.devices += other.devices;
        self.score += other.score;
        for (mine, theirs) in self.incidents.iter_mut().zip(other.incidents) {
            *mine += theirs;
        }
    }
}

/// The highest severity among so many open incidents of level low, medium and high.
pub fn severity(incidents: [i64; 3]) -> RiskLevel {
    let [low, medium, high] = incidents.map(|count| count > 0);
    match (high, medium, low) {
        (true, _, _) => RiskLevel::High,
        (_, true, _) => RiskLevel::Medium,
        (_, _, true) => RiskLevel::Low,
        _ => RiskLevel::None,
    }
}

/// Adds up changes, sorted by user, and returns each user's open incidents afterwards; users that are gone are left out.
pub fn apply(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    deltas: &[(UserId, UserDelta)],
) -> Result<Vec<(UserId, [i64; 3])>, Error> {
    let rows: Vec<Vec<Value>> = deltas
        .iter()
        .map(|(user, delta)| {
            let [low, medium, high] = delta.incidents;
            row![tenant.0, user.0, delta.devices, delta.score, low, medium, high]
        })
        .collect();
    let after: Vec<Vec<(i64, i64, i64)>> = tx.query_many(
        "UPDATE users SET devices = devices + $3, score = score + $4, incidents_low = incidents_low + $5, \
         incidents_medium = incidents_medium + $6, incidents_high = incidents_high + $7 \
         WHERE tenant = $1 AND id = $2 RETURNING incidents_low, incidents_medium, incidents_high",
        &rows,
    )?;
    Ok(deltas
        .iter()
        .zip(after)
        .filter_map(|((user, _), rows)| rows.first().map(|(low, medium, high)| (*user, [*low, *medium, *high])))
        .collect())
}

/// The user groups of a user, sorted.
pub fn groups_of(tx: &mut Tx<'_>, tenant: Tenant, user: UserId) -> Result<Vec<UserGroupId>, Error> {
    let ids: Vec<Uuid> = tx.query(
        "SELECT user_group FROM user_group_member WHERE tenant = $1 AND user_id = $2 ORDER BY user_group",
        params![tenant.0, user.0],
    )?;
    Ok(ids.into_iter().map(UserGroupId).collect())
}
