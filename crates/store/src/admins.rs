//! Administrators: the people who sign in to the console, and the names they sign in with.
//!
//! An administrator is kept in the tenant of their reach; a name leads there from the server's own rows, because whoever
//! signs in says no tenant. Must not know how a password or a code is checked.

use std::collections::BTreeSet;

use allclear_domain::{
    admin::AdminState,
    ids::{AdminId, OrganizationGroupId, Tenant},
    time::Time,
};
use sea_query::{Expr, ExprTrait, Order, Query};
use uuid::Uuid;

use crate::{
    Error, db,
    db::{Row, Tx, Value},
    json, params,
    roles::RoleRef,
};

/// Somebody who signs in to the console.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Admin {
    /// The tenant they are kept in; [`Tenant::SERVER`] when their reach is Global.
    pub tenant: Tenant,
    /// The id.
    pub id: AdminId,
    /// The name to sign in with, unique over the whole server whatever its case.
    pub user_name: String,
    /// The mail address, which is good for signing in as well, and unique likewise.
    pub email: Option<String>,
    /// What people call them.
    pub name: String,
    /// What they may do.
    pub role: RoleRef,
    /// The organization group at or below which they may do it.
    pub reach: OrganizationGroupId,
    /// Whether they may sign in.
    pub state: AdminState,
    /// The hash of the password (PHC format).
    pub password: Option<String>,
    /// When the password was set.
    pub password_set_at: Option<Time>,
    /// The secret of their one-time codes, sealed.
    pub totp_secret: Option<Vec<u8>>,
    /// The last time step a code was taken of.
    pub totp_step: i64,
    /// Wrong attempts since the last right one.
    pub failures: i64,
    /// Until when no attempt is looked at.
    pub locked_until: Option<Time>,
    /// When they were added.
    pub created_at: Time,
    /// Who added them.
    pub created_by: String,
    /// When they last signed in.
    pub last_signed_in_at: Option<Time>,
    /// Grows with every edit; signing in does not count.
    pub version: i64,
}

impl Admin {
    /// The names they sign in with, as they are kept.
    fn names(&self) -> BTreeSet<String> {
        [Some(&self.user_name), self.email.as_ref()].into_iter().flatten().map(|name| folded(name)).collect()
    }
}

/// A name as it is kept and compared.
fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

const COLUMNS: [&str; 18] = [
    "tenant",
    "id",
    "user_name",
    "email",
    "name",
    "role",
    "organization_group",
    "state",
    "password",
    "password_set_at",
    "totp_secret",
    "totp_step",
    "failures",
    "locked_until",
    "created_at",
    "created_by",
    "last_signed_in_at",
    "version",
];

/// A row as it was read; what it says may be damaged.
struct Kept(Result<Admin, Error>);

impl db::FromRow for Kept {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        let (role, state): (&str, String) = (row.text(5)?, row.get(7)?);
        let role = role.parse().map_err(|error| Error::damaged("role of an administrator", error));
        let (role, state) = match (role, json::from_word(state)) {
            (Ok(role), Ok(state)) => (role, state),
            (Err(error), _) | (_, Err(error)) => return Ok(Kept(Err(error))),
        };
        Ok(Kept(Ok(Admin {
            tenant: Tenant(row.get(0)?),
            id: AdminId(row.get(1)?),
            user_name: row.get(2)?,
            email: row.get(3)?,
            name: row.get(4)?,
            role,
            reach: OrganizationGroupId(row.get(6)?),
            state,
            password: row.get(8)?,
            password_set_at: row.get::<Option<i64>>(9)?.map(Time::from_micros),
            totp_secret: row.get(10)?,
            totp_step: row.get(11)?,
            failures: row.get(12)?,
            locked_until: row.get::<Option<i64>>(13)?.map(Time::from_micros),
            created_at: Time::from_micros(row.get(14)?),
            created_by: row.get(15)?,
            last_signed_in_at: row.get::<Option<i64>>(16)?.map(Time::from_micros),
            version: row.get(17)?,
        })))
    }
}

fn read(tx: &mut Tx<'_>, sql: &str, values: &[Value]) -> Result<Vec<Admin>, Error> {
    tx.query::<Kept>(sql, values)?.into_iter().map(|kept| kept.0).collect()
}

/// An administrator by id.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: AdminId) -> Result<Option<Admin>, Error> {
    let sql = format!("SELECT {} FROM admin WHERE tenant = $1 AND id = $2", COLUMNS.join(", "));
    Ok(read(tx, &sql, params![tenant.0, id.0])?.into_iter().next())
}

/// Where the administrator of a sign-in name is kept.
pub fn by_name(tx: &mut Tx<'_>, name: &str) -> Result<Option<(Tenant, AdminId)>, Error> {
    let row: Option<(i64, Uuid)> = tx.query_opt(
        "SELECT home, admin FROM sign_in_name WHERE tenant = $1 AND name = $2",
        params![Tenant::SERVER.0, folded(name)],
    )?;
    Ok(row.map(|(home, id)| (Tenant(home), AdminId(id))))
}

/// Adds an administrator, kept in `admin.tenant`. A name that is taken, in whatever tenant, is a unique violation. The
/// caller has locked the tenant and seen that the role exists.
pub fn insert(tx: &mut Tx<'_>, admin: &Admin) -> Result<(), Error> {
    let places: Vec<String> = (1..=COLUMNS.len()).map(|place| format!("${place}")).collect();
    tx.execute(
        &format!("INSERT INTO admin ({}) VALUES ({})", COLUMNS.join(", "), places.join(", ")),
        params![
            admin.tenant.0,
            admin.id.0,
            &admin.user_name,
            admin.email.as_deref(),
            &admin.name,
            admin.role.to_string(),
            admin.reach.0,
            json::word(&admin.state)?,
            admin.password.as_deref(),
            admin.password_set_at.map(Time::as_micros),
            admin.totp_secret.as_deref(),
            admin.totp_step,
            admin.failures,
            admin.locked_until.map(Time::as_micros),
            admin.created_at.as_micros(),
            &admin.created_by,
            admin.last_signed_in_at.map(Time::as_micros),
            admin.version
        ],
    )?;
    insert_names(tx, admin)
}

fn insert_names(tx: &mut Tx<'_>, admin: &Admin) -> Result<(), Error> {
    for name in admin.names() {
        tx.execute(
            "INSERT INTO sign_in_name (tenant, name, home, admin) VALUES ($1, $2, $3, $4)",
            params![Tenant::SERVER.0, name, admin.tenant.0, admin.id.0],
        )?;
    }
    Ok(())
}

fn delete_names(tx: &mut Tx<'_>, tenant: Tenant, id: AdminId) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM sign_in_name WHERE tenant = $1 AND home = $2 AND admin = $3",
        params![Tenant::SERVER.0, tenant.0, id.0],
    )?;
    Ok(())
}

/// Writes what can be edited: names, role, reach, state, password, secret of codes, lock and version. The caller has
/// locked the tenant and compared the version. A name that is taken is a unique violation.
pub fn update(tx: &mut Tx<'_>, admin: &Admin) -> Result<(), Error> {
    tx.execute(
        "UPDATE admin SET user_name = $3, email = $4, name = $5, role = $6, organization_group = $7, state = $8, \
         password = $9, password_set_at = $10, totp_secret = $11, failures = $12, locked_until = $13, version = $14 \
         WHERE tenant = $1 AND id = $2",
        params![
            admin.tenant.0,
            admin.id.0,
            &admin.user_name,
            admin.email.as_deref(),
            &admin.name,
            admin.role.to_string(),
            admin.reach.0,
            json::word(&admin.state)?,
            admin.password.as_deref(),
            admin.password_set_at.map(Time::as_micros),
            admin.totp_secret.as_deref(),
            admin.failures,
            admin.locked_until.map(Time::as_micros),
            admin.version
        ],
    )?;
    delete_names(tx, admin.tenant, admin.id)?;
    insert_names(tx, admin)
}

/// Removes an administrator with all they have; says whether they were there.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, id: AdminId) -> Result<bool, Error> {
    delete_names(tx, tenant, id)?;
    Ok(tx.execute("DELETE FROM admin WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])? == 1)
}

/// How many administrators are kept in the tenant.
pub fn count(tx: &mut Tx<'_>, tenant: Tenant) -> Result<i64, Error> {
    let count: Option<i64> = tx.query_opt("SELECT COUNT(*) FROM admin WHERE tenant = $1", params![tenant.0])?;
    Ok(count.unwrap_or_default())
}

/// All administrators who are active and reach the whole of `root`, the tenant's own group.
pub fn active_at(tx: &mut Tx<'_>, tenant: Tenant, root: OrganizationGroupId) -> Result<Vec<Admin>, Error> {
    let sql = format!(
        "SELECT {} FROM admin WHERE tenant = $1 AND organization_group = $2 AND state = 'active'",
        COLUMNS.join(", ")
    );
    read(tx, &sql, params![tenant.0, root.0])
}

/// How many wrong attempts lock an account, and for how long.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Lockout {
    /// Wrong attempts in a row.
    pub failures: i64,
    /// Until when the next of them locks it.
    pub until: Time,
}

/// What became of an attempt that was begun.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Attempt {
    /// The account is locked: it may not be looked at.
    Refused,
    /// It may be looked at.
    Begun {
        /// Until when the account is locked by it, unless it is right.
        locks_until: Option<Time>,
    },
}

/// Notes an attempt as failed before it is looked at, so that many at once are no more than as many in a row. It may not
/// be looked at while the account is locked. [`succeeded`] takes the note back.
pub fn begin_attempt(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    id: AdminId,
    now: Time,
    lockout: Lockout,
) -> Result<Attempt, Error> {
    let begun = tx.execute(
        "UPDATE admin SET locked_until = CASE WHEN failures + 1 >= $4 THEN CAST($5 AS BIGINT) END, \
         failures = CASE WHEN failures + 1 >= $4 THEN 0 ELSE failures + 1 END \
         WHERE tenant = $1 AND id = $2 AND (locked_until IS NULL OR locked_until <= $3)",
        params![tenant.0, id.0, now.as_micros(), lockout.failures, lockout.until.as_micros()],
    )?;
    if begun != 1 {
        return Ok(Attempt::Refused);
    }
    let locked: Option<Option<i64>> =
        tx.query_opt("SELECT locked_until FROM admin WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])?;
    Ok(Attempt::Begun { locks_until: locked.flatten().map(Time::from_micros) })
}

/// Takes the note of an attempt back that was right but is not the last one needed.
pub fn withdraw_attempt(tx: &mut Tx<'_>, tenant: Tenant, id: AdminId, lockout: Lockout) -> Result<(), Error> {
    tx.execute(
        "UPDATE admin SET failures = CASE WHEN locked_until IS NULL THEN failures - 1 ELSE $3 - 1 END, \
         locked_until = NULL WHERE tenant = $1 AND id = $2 AND (failures > 0 OR locked_until IS NOT NULL)",
        params![tenant.0, id.0, lockout.failures],
    )?;
    Ok(())
}

/// Ends a row of wrong attempts.
pub fn succeeded(tx: &mut Tx<'_>, tenant: Tenant, id: AdminId) -> Result<(), Error> {
    tx.execute(
        "UPDATE admin SET failures = 0, locked_until = NULL WHERE tenant = $1 AND id = $2",
        params![tenant.0, id.0],
    )?;
    Ok(())
}

/// Notes that somebody signed in.
pub fn signed_in(tx: &mut Tx<'_>, tenant: Tenant, id: AdminId, now: Time) -> Result<(), Error> {
    tx.execute(
        "UPDATE admin SET last_signed_in_at = $3 WHERE tenant = $1 AND id = $2",
        params![tenant.0, id.0, now.as_micros()],
    )?;
    Ok(())
}

/// Takes the code of a time step; says whether it is later than all before. Of several at once exactly one is.
pub fn take_totp_step(tx: &mut Tx<'_>, tenant: Tenant, id: AdminId, step: i64) -> Result<bool, Error> {
    let taken = tx.execute(
        "UPDATE admin SET totp_step = $3 WHERE tenant = $1 AND id = $2 AND totp_step < $3",
        params![tenant.0, id.0, step],
    )?;
    Ok(taken == 1)
}

/// What a list of administrators is narrowed to.
#[derive(Clone, Debug, Default)]
pub struct AdminFilter {
    /// In one of these states; none: in any.
    pub states: Vec<AdminState>,
    /// With this role.
    pub role: Option<RoleRef>,
}

/// Whose administrators are meant: those kept in these tenants, and in one of these organization groups if they are
/// given.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scope {
    /// The tenants they are kept in.
    pub tenants: Vec<Tenant>,
    /// Where they reach; anywhere if none.
    pub groups: Option<Vec<OrganizationGroupId>>,
}

/// Administrators, by user name.
pub fn list(tx: &mut Tx<'_>, scope: &Scope, filter: &AdminFilter) -> Result<Vec<Admin>, Error> {
    if scope.groups.as_ref().is_some_and(Vec::is_empty) {
        // Not every database takes a list without values.
        return Ok(Vec::new());
    }
    let col = |name: &'static str| Expr::col(("admin", name));
    let mut select = Query::select();
    select.columns(COLUMNS.map(|column| ("admin", column))).from("admin");
    select.and_where(col("tenant").is_in(scope.tenants.iter().map(|tenant| tenant.0)));
    if let Some(groups) = &scope.groups {
        select.and_where(col("organization_group").is_in(groups.iter().map(|group| group.0)));
    }
    if !filter.states.is_empty() {
        let words = filter.states.iter().map(json::word).collect::<Result<Vec<_>, _>>()?;
        select.and_where(col("state").is_in(words));
    }
    if let Some(role) = filter.role {
        select.and_where(col("role").eq(role.to_string()));
    }
    select.order_by_expr(col("user_name"), Order::Asc);
    let (sql, values) = db::build(tx.dialect(), &select)?;
    read(tx, &sql, &values)
}
