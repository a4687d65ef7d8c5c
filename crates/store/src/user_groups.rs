//! User groups and who is in them.

use allclear_domain::ids::{OrganizationGroupId, Tenant, UserGroupId, UserId};
use uuid::Uuid;

use crate::{
    Error,
    db::{Tx, Value},
    params, row,
};

/// A named set of users.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UserGroup {
    /// The id.
    pub id: UserGroupId,
    /// Where it lives in the tree.
    pub organization_group: OrganizationGroupId,
    /// Its name, unique in the tenant.
    pub name: String,
    /// Grows with every edit.
    pub version: i64,
}

/// Adds a group. A name that is taken is a unique violation.
pub fn insert(tx: &mut Tx<'_>, tenant: Tenant, group: &UserGroup) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO user_group (tenant, id, organization_group, name, version) VALUES ($1, $2, $3, $4, $5)",
        params![tenant.0, group.id.0, group.organization_group.0, &group.name, group.version],
    )?;
    Ok(())
}

/// A group by id.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: UserGroupId) -> Result<Option<UserGroup>, Error> {
    let row: Option<(Uuid, String, i64)> = tx.query_opt(
        "SELECT organization_group, name, version FROM user_group WHERE tenant = $1 AND id = $2",
        params![tenant.0, id.0],
    )?;
    Ok(row.map(|(group, name, version)| UserGroup {
        id,
        organization_group: OrganizationGroupId(group),
        name,
        version,
    }))
}

/// Writes a group; the caller has compared the version. A name that is taken is a unique violation.
pub fn update(tx: &mut Tx<'_>, tenant: Tenant, group: &UserGroup) -> Result<(), Error> {
    tx.execute(
        "UPDATE user_group SET organization_group = $3, name = $4, version = $5 WHERE tenant = $1 AND id = $2",
        params![tenant.0, group.id.0, group.organization_group.0, &group.name, group.version],
    )?;
    Ok(())
}

/// Removes a group and its memberships.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, id: UserGroupId) -> Result<(), Error> {
    tx.execute("DELETE FROM user_group WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])?;
    Ok(())
}

/// All groups.
pub fn list(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<UserGroup>, Error> {
    let rows: Vec<(Uuid, Uuid, String, i64)> = tx.query(
        "SELECT id, organization_group, name, version FROM user_group WHERE tenant = $1 ORDER BY name",
        params![tenant.0],
    )?;
    let group = |(id, group, name, version)| UserGroup {
        id: UserGroupId(id),
        organization_group: OrganizationGroupId(group),
        name,
        version,
    };
    Ok(rows.into_iter().map(group).collect())
}

/// How many users are in each group that has any.
pub fn counts(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<(UserGroupId, i64)>, Error> {
    let rows: Vec<(Uuid, i64)> = tx.query(
        "SELECT user_group, count(*) FROM user_group_member WHERE tenant = $1 GROUP BY user_group",
        params![tenant.0],
    )?;
    Ok(rows.into_iter().map(|(id, count)| (UserGroupId(id), count)).collect())
}

/// How many users are in a group.
pub fn count(tx: &mut Tx<'_>, tenant: Tenant, group: UserGroupId) -> Result<i64, Error> {
    let count: Option<i64> = tx.query_opt(
        "SELECT count(*) FROM user_group_member WHERE tenant = $1 AND user_group = $2",
        params![tenant.0, group.0],
    )?;
    Ok(count.unwrap_or(0))
}

/// The users in a group, by id, after one.
pub fn members(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    group: UserGroupId,
    after: Option<UserId>,
    limit: u32,
) -> Result<Vec<UserId>, Error> {
    let ids: Vec<Uuid> = tx.query(
        "SELECT user_id FROM user_group_member WHERE tenant = $1 AND user_group = $2 AND user_id > $3 \
         ORDER BY user_id LIMIT $4",
        params![tenant.0, group.0, after.map_or(Uuid::nil(), |after| after.0), limit],
    )?;
    Ok(ids.into_iter().map(UserId).collect())
}

/// Puts users into a group; says of each whether that is new.
pub fn add(tx: &mut Tx<'_>, tenant: Tenant, group: UserGroupId, users: &[UserId]) -> Result<Vec<bool>, Error> {
    change(
        tx,
        tenant,
        group,
        users,
        "INSERT INTO user_group_member (tenant, user_group, user_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
    )
}

/// Takes users out of a group; says of each whether they were in it.
pub fn remove(tx: &mut Tx<'_>, tenant: Tenant, group: UserGroupId, users: &[UserId]) -> Result<Vec<bool>, Error> {
    change(
        tx,
        tenant,
        group,
        users,
        "DELETE FROM user_group_member WHERE tenant = $1 AND user_group = $2 AND user_id = $3",
    )
}

fn change(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    group: UserGroupId,
    users: &[UserId],
    sql: &str,
) -> Result<Vec<bool>, Error> {
    let rows: Vec<Vec<Value>> = users.iter().map(|user| row![tenant.0, group.0, user.0]).collect();
    Ok(tx.execute_many(sql, &rows)?.into_iter().map(|count| count > 0).collect())
}
