//! Roles of a tenant: named sets of rights beside the built-in ones, which need no rows.
//!
//! Must not know who may change a role; that is decided above.

use std::{collections::BTreeSet, fmt, str::FromStr};

use allclear_domain::{
    ids::{RoleId, Tenant},
    rights::{BuiltInRole, Right},
};
use uuid::Uuid;

use crate::{Error, db::Tx, json, params};

/// A role by what it is called in the API: the name of a built-in one or the id of one of the tenant's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RoleRef {
    /// One that every tenant has.
    BuiltIn(BuiltInRole),
    /// One of the tenant's own.
    Custom(RoleId),
}

/// The text is neither the name of a built-in role nor an id.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("neither a built-in role nor the id of a role")]
pub struct NoRole;

impl FromStr for RoleRef {
    type Err = NoRole;

    fn from_str(text: &str) -> Result<Self, NoRole> {
        text.parse().map(RoleRef::BuiltIn).or_else(|()| text.parse().map(RoleRef::Custom).map_err(|_| NoRole))
    }
}

impl fmt::Display for RoleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RoleRef::BuiltIn(role) => f.write_str(role.as_str()),
            RoleRef::Custom(id) => id.fmt(f),
        }
    }
}

/// A role of the tenant's own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Role {
    /// Its id.
    pub id: RoleId,
    /// Its name, unique in the tenant.
    pub name: String,
    /// What it may do.
    pub rights: BTreeSet<Right>,
    /// Grows by one with every change, from 1.
    pub version: i64,
}

type Columns = (Uuid, String, String, i64);

fn role((id, name, rights, version): Columns) -> Result<Role, Error> {
    // A right that this version does not know grants nothing.
    let words: Vec<String> = json::decode(&rights)?;
    let rights = words.into_iter().filter_map(|word| json::from_word(word).ok()).collect();
    Ok(Role { id: RoleId(id), name, rights, version })
}

/// The tenant's own roles, by name.
pub fn list(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<Role>, Error> {
    let rows: Vec<Columns> =
        tx.query("SELECT id, name, rights, version FROM role WHERE tenant = $1 ORDER BY name, id", params![tenant.0])?;
    rows.into_iter().map(role).collect()
}

/// One of the tenant's own roles.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: RoleId) -> Result<Option<Role>, Error> {
    let row: Option<Columns> = tx.query_opt(
        "SELECT id, name, rights, version FROM role WHERE tenant = $1 AND id = $2",
        params![tenant.0, id.0],
    )?;
    row.map(role).transpose()
}

/// What a role may do; `None` if there is no such role.
pub fn rights(tx: &mut Tx<'_>, tenant: Tenant, role: RoleRef) -> Result<Option<BTreeSet<Right>>, Error> {
    match role {
        RoleRef::BuiltIn(role) => Ok(Some(role.rights())),
        RoleRef::Custom(id) => Ok(get(tx, tenant, id)?.map(|role| role.rights)),
    }
}

/// Adds a role. A name that is taken is a unique violation.
pub fn insert(tx: &mut Tx<'_>, tenant: Tenant, role: &Role) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO role (tenant, id, name, rights, version) VALUES ($1, $2, $3, $4, $5)",
        params![tenant.0, role.id.0, &role.name, json::encode(&role.rights)?, role.version],
    )?;
    Ok(())
}

/// Replaces a role if it still has the version before `role.version`; says whether it did. A name that is taken is a
/// unique violation.
pub fn update(tx: &mut Tx<'_>, tenant: Tenant, role: &Role) -> Result<bool, Error> {
    let changed = tx.execute(
        "UPDATE role SET name = $3, rights = $4, version = $5 WHERE tenant = $1 AND id = $2 AND version = $5 - 1",
        params![tenant.0, role.id.0, &role.name, json::encode(&role.rights)?, role.version],
    )?;
    Ok(changed == 1)
}

/// Removes a role; says whether it was there. The caller has locked the tenant and seen that nobody holds it.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, id: RoleId) -> Result<bool, Error> {
    Ok(tx.execute("DELETE FROM role WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])? == 1)
}

/// How many API tokens and how many administrators hold a role of the tenant's own.
pub fn holders(tx: &mut Tx<'_>, tenant: Tenant, id: RoleId) -> Result<(i64, i64), Error> {
    let mut count = |table: &str| {
        let sql = format!("SELECT COUNT(*) FROM {table} WHERE tenant = $1 AND role = $2");
        tx.query_opt::<i64>(&sql, params![tenant.0, id.to_string()]).map(Option::unwrap_or_default)
    };
    Ok((count("api_token")?, count("admin")?))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;
    use crate::{MIGRATIONS, db::Db, db::migrate, testing::for_each_database};

    const T: Tenant = Tenant(1);

    #[test]
    fn a_role_is_named_by_its_word_or_its_id() {
        for role in BuiltInRole::ALL {
            assert_eq!(role.as_str().parse(), Ok(RoleRef::BuiltIn(role)));
        }
        let id = RoleRef::Custom(RoleId(Uuid::from_u128(7)));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("manager".parse::<RoleRef>(), Err(NoRole));
    }

    async fn prepare(db: &Db) {
        migrate::run(db, MIGRATIONS).await.unwrap();
    }

    #[tokio::test]
    async fn roles_are_kept_by_tenant_and_version() {
        for_each_database(|db| async move {
            prepare(&db).await;
            db.write::<_, Error>(|tx| {
                let id = RoleId(Uuid::from_u128(7));
                let mut role = Role { id, name: "B".into(), rights: [Right::View, Right::Notify].into(), version: 1 };
                insert(tx, T, &role)?;
                insert(tx, T, &Role { id: RoleId(Uuid::from_u128(8)), name: "A".into(), ..role.clone() })?;
                assert_eq!(get(tx, T, id)?, Some(role.clone()));
                assert_eq!(get(tx, Tenant(2), id)?, None);
                assert!(list(tx, Tenant(2))?.is_empty());
                let names: Vec<String> = list(tx, T)?.into_iter().map(|role| role.name).collect();
                assert_eq!(names, ["A", "B"]);
                assert_eq!(rights(tx, T, RoleRef::Custom(id))?, Some(role.rights.clone()));
                assert_eq!(rights(tx, Tenant(2), RoleRef::Custom(id))?, None);

                role.version = 2;
                role.rights = [].into();
                assert!(update(tx, T, &role)?);
                assert!(!update(tx, T, &role)?, "based on a stale version");
                assert!(!update(tx, Tenant(2), &Role { version: 3, ..role.clone() })?);
                assert_eq!(get(tx, T, id)?, Some(role));
                let taken = tx.nested(|tx| {
                    insert(
                        tx,
                        T,
                        &Role { id: RoleId(Uuid::from_u128(9)), name: "A".into(), rights: [].into(), version: 1 },
                    )
                });
                assert!(taken.unwrap_err().is_unique_violation());
                assert!(!delete(tx, Tenant(2), id)?);
                assert!(delete(tx, T, id)? && !delete(tx, T, id)?);
                Ok(())
            })
            .await
            .unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn a_right_of_a_later_version_grants_nothing() {
        for_each_database(|db| async move {
            prepare(&db).await;
            let id = RoleId(Uuid::from_u128(7));
            let found = db.write::<_, Error>(move |tx| {
                let sql = "INSERT INTO role (tenant, id, name, rights, version) VALUES (1, $1, 'x', $2, 1)";
                tx.execute(sql, params![id.0, "[\"view\",\"levitate\"]"])?;
                rights(tx, T, RoleRef::Custom(id))
            });
            assert_eq!(found.await.unwrap(), Some([Right::View].into()));
        })
        .await;
    }
}
