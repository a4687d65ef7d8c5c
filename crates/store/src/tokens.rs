//! Credentials: API tokens of programs, one-time enrollment tokens, and what devices show afterwards.
//!
//! Only hashes are kept; what a token looks like and when it has expired is decided above.

use std::{collections::BTreeSet, ops::ControlFlow};

use allclear_domain::{
    ids::{DeviceId, OrganizationGroupId, Tenant, TokenId, UserId},
    level::Platform,
    rights::Right,
    time::Time,
};
use uuid::Uuid;

use crate::{
    Error, db,
    db::{Row, Tx, Value},
    json, params,
    roles::{self, RoleRef},
};

/// SHA-256 of a whole credential.
pub type Hash = [u8; 32];

/// A credential of a program.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ApiToken {
    /// The tenant it is kept in; [`Tenant::SERVER`] when its reach is Global.
    pub tenant: Tenant,
    /// Its id.
    pub id: TokenId,
    /// What it is for, in the words of who made it.
    pub name: String,
    /// What it may do.
    pub role: RoleRef,
    /// The organization group at or below which it may do it.
    pub reach: OrganizationGroupId,
    /// When it was made.
    pub created_at: Time,
    /// Who made it.
    pub created_by: String,
    /// From when on it is worth nothing.
    pub expires_at: Option<Time>,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<Time>,
}

const API_TOKEN: &str = "SELECT tenant, id, name, role, organization_group, created_at, created_by, expires_at, \
                         last_used_at FROM api_token WHERE ";

// The groups at or below $2; UNION ends a loop in the tree.
const WITHIN: &str = "tenant = $1 AND organization_group IN (WITH RECURSIVE below (id) AS (\
                      SELECT g.id FROM organization_group g WHERE g.tenant = $1 AND g.id = $2 \
                      UNION SELECT g.id FROM organization_group g JOIN below ON g.parent = below.id \
                      WHERE g.tenant = $1) SELECT id FROM below)";

fn api_tokens(tx: &mut Tx<'_>, condition: &str, params: &[Value]) -> Result<Vec<ApiToken>, Error> {
    let mut found = Vec::new();
    let mut damaged = None;
    tx.scan(&format!("{API_TOKEN}{condition}"), params, &mut |row| {
        match api_token(row)? {
            Ok(token) => found.push(token),
            Err(error) => damaged = Some(error),
        }
        Ok(ControlFlow::Continue(()))
    })?;
    damaged.map_or(Ok(found), Err)
}

fn api_token(row: &Row<'_>) -> Result<Result<ApiToken, Error>, db::Error> {
    let role = match row.text(3)?.parse() {
        Ok(role) => role,
        Err(error) => return Ok(Err(Error::damaged("role of an API token", error))),
    };
    Ok(Ok(ApiToken {
        tenant: Tenant(row.get(0)?),
        id: TokenId(row.get(1)?),
        name: row.get(2)?,
        role,
        reach: OrganizationGroupId(row.get(4)?),
        created_at: Time::from_micros(row.get(5)?),
        created_by: row.get(6)?,
        expires_at: row.get::<Option<i64>>(7)?.map(Time::from_micros),
        last_used_at: row.get::<Option<i64>>(8)?.map(Time::from_micros),
    }))
}

/// The token of this hash and what it may do; nothing if its role is gone.
pub fn authenticate(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    hash: &Hash,
) -> Result<Option<(ApiToken, BTreeSet<Right>)>, Error> {
    let found = api_tokens(tx, "tenant = $1 AND hash = $2", params![tenant.0, hash])?;
    let Some(token) = found.into_iter().next() else { return Ok(None) };
    let rights = roles::rights(tx, tenant, token.role)?.unwrap_or_default();
    Ok(Some((token, rights)))
}

/// Tokens whose reach is at or below `within`, by the time they were made. Within Global these are the tenant's and the
/// server's own.
pub fn list(tx: &mut Tx<'_>, tenant: Tenant, within: OrganizationGroupId) -> Result<Vec<ApiToken>, Error> {
    api_tokens(tx, &format!("{} ORDER BY id", scope(within)), params![tenant.0, scope_param(within)])
}

/// One of the tokens that [`list`] shows.
pub fn get(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    within: OrganizationGroupId,
    id: TokenId,
) -> Result<Option<ApiToken>, Error> {
    let condition = format!("{} AND id = $3", scope(within));
    let found = api_tokens(tx, &condition, params![tenant.0, scope_param(within), id.0])?;
    Ok(found.into_iter().next())
}

fn scope(within: OrganizationGroupId) -> &'static str {
    if within == OrganizationGroupId::GLOBAL { "tenant IN ($1, $2)" } else { WITHIN }
}

fn scope_param(within: OrganizationGroupId) -> Value {
    if within == OrganizationGroupId::GLOBAL { Tenant::SERVER.0.into() } else { within.0.into() }
}

/// How many tokens are kept in the tenant.
pub fn count(tx: &mut Tx<'_>, tenant: Tenant) -> Result<i64, Error> {
    let count: Option<i64> = tx.query_opt("SELECT COUNT(*) FROM api_token WHERE tenant = $1", params![tenant.0])?;
    Ok(count.unwrap_or_default())
}

/// Adds a token, kept in `token.tenant`. The caller has locked the tenant and seen that the role exists.
pub fn insert(tx: &mut Tx<'_>, token: &ApiToken, hash: &Hash) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO api_token (tenant, id, hash, name, role, organization_group, created_at, created_by, expires_at, \
         last_used_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            token.tenant.0,
            token.id.0,
            hash,
            &token.name,
            token.role.to_string(),
            token.reach.0,
            token.created_at.as_micros(),
            &token.created_by,
            token.expires_at.map(Time::as_micros),
            token.last_used_at.map(Time::as_micros)
        ],
    )?;
    Ok(())
}

/// Removes a token; says whether it was there.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, id: TokenId) -> Result<bool, Error> {
    Ok(tx.execute("DELETE FROM api_token WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])? == 1)
}

/// Notes that a token was used, unless a use after `unless_after` is noted already.
pub fn touch(tx: &mut Tx<'_>, tenant: Tenant, id: TokenId, now: Time, unless_after: Time) -> Result<(), Error> {
    tx.execute(
        "UPDATE api_token SET last_used_at = $3 \
         WHERE tenant = $1 AND id = $2 AND (last_used_at IS NULL OR last_used_at <= $4)",
        params![tenant.0, id.0, now.as_micros(), unless_after.as_micros()],
    )?;
    Ok(())
}

/// The tenant of a customer organization group; `None` for any other group.
pub fn customer(tx: &mut Tx<'_>, group: OrganizationGroupId) -> Result<Option<Tenant>, Error> {
    let tenant: Option<i64> = tx.query_opt(
        "SELECT t.tenant FROM tenant t JOIN organization_group g ON g.tenant = t.tenant AND g.id = $1 \
         WHERE g.kind = 'customer'",
        params![group.0],
    )?;
    Ok(tenant.map(Tenant))
}

/// The first customers, at most two: enough to know whether there is exactly one.
pub fn first_customers(tx: &mut Tx<'_>) -> Result<Vec<Tenant>, Error> {
    let rows: Vec<i64> = tx.query("SELECT tenant FROM tenant WHERE tenant > 0 ORDER BY tenant LIMIT 2", params![])?;
    Ok(rows.into_iter().map(Tenant).collect())
}

/// A one-time credential with which a device of a user is enrolled.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EnrollmentToken {
    /// Its id.
    pub id: TokenId,
    /// Whose device it enrolls.
    pub user: UserId,
    /// The only platform it is good for; any if `None`.
    pub platform: Option<Platform>,
    /// When it was made.
    pub created_at: Time,
    /// From when on it is worth nothing.
    pub expires_at: Time,
    /// When it was used.
    pub used_at: Option<Time>,
    /// The device it enrolled.
    pub device: Option<DeviceId>,
}

type EnrollmentColumns = (Uuid, Uuid, Option<String>, i64, i64, Option<i64>, Option<Uuid>);

/// Adds an enrollment token. A user who is not there is a foreign key violation.
pub fn insert_enrollment(tx: &mut Tx<'_>, tenant: Tenant, token: &EnrollmentToken, hash: &Hash) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO enrollment_token (tenant, id, hash, user_id, platform, created_at, expires_at, used_at, \
         device_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            tenant.0,
            token.id.0,
            hash,
            token.user.0,
            token.platform.as_ref().map(json::word).transpose()?,
            token.created_at.as_micros(),
            token.expires_at.as_micros(),
            token.used_at.map(Time::as_micros),
            token.device.map(|device| device.0)
        ],
    )?;
    Ok(())
}

/// The enrollment token of this hash, used or expired ones too.
pub fn enrollment(tx: &mut Tx<'_>, tenant: Tenant, hash: &Hash) -> Result<Option<EnrollmentToken>, Error> {
    let row: Option<EnrollmentColumns> = tx.query_opt(
        "SELECT id, user_id, platform, created_at, expires_at, used_at, device_id FROM enrollment_token \
         WHERE tenant = $1 AND hash = $2",
        params![tenant.0, hash],
    )?;
    let Some((id, user, platform, created_at, expires_at, used_at, device)) = row else { return Ok(None) };
    Ok(Some(EnrollmentToken {
        id: TokenId(id),
        user: UserId(user),
        platform: platform.map(json::from_word).transpose()?,
        created_at: Time::from_micros(created_at),
        expires_at: Time::from_micros(expires_at),
        used_at: used_at.map(Time::from_micros),
        device: device.map(DeviceId),
    }))
}

/// Uses up an enrollment token; says whether it was still good. Of several at once exactly one succeeds.
pub fn use_enrollment(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    id: TokenId,
    device: DeviceId,
    now: Time,
) -> Result<bool, Error> {
    let used = tx.execute(
        "UPDATE enrollment_token SET used_at = $3, device_id = $4 \
         WHERE tenant = $1 AND id = $2 AND used_at IS NULL AND expires_at > $3",
        params![tenant.0, id.0, now.as_micros(), device.0],
    )?;
    Ok(used == 1)
}

/// Adds a credential of a device, beside those it has.
pub fn insert_device_credential(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    hash: &Hash,
    now: Time,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO device_credential (tenant, hash, device_id, created_at) VALUES ($1, $2, $3, $4)",
        params![tenant.0, hash, device.0, now.as_micros()],
    )?;
    Ok(())
}

/// The device a credential belongs to.
pub fn device(tx: &mut Tx<'_>, tenant: Tenant, hash: &Hash) -> Result<Option<DeviceId>, Error> {
    let row: Option<Uuid> = tx.query_opt(
        "SELECT device_id FROM device_credential WHERE tenant = $1 AND hash = $2",
        params![tenant.0, hash],
    )?;
    Ok(row.map(DeviceId))
}

/// Removes all credentials of a device and says how many there were.
pub fn delete_device_credentials(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<u64, Error> {
    Ok(tx.execute("DELETE FROM device_credential WHERE tenant = $1 AND device_id = $2", params![tenant.0, device.0])?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use allclear_domain::{
        organization_group::{OrganizationGroup, OrganizationGroupKind},
        rights::BuiltInRole,
        time::Span,
    };

    use super::*;
    use crate::{
        MIGRATIONS,
        db::{Db, migrate},
        organization_groups, tenants,
        testing::for_each_database,
    };

    const T: Tenant = Tenant(1);
    const GLOBAL: OrganizationGroupId = OrganizationGroupId::GLOBAL;

    fn group(n: u128) -> OrganizationGroupId {
        OrganizationGroupId(Uuid::from_u128(n))
    }

    /// Tenant 1 with the groups 10 > 11 > 12 and 10 > 13, tenant 2 with 20.
    async fn prepare(db: &Db) {
        migrate::run(db, MIGRATIONS).await.unwrap();
        let trees = [
            (Tenant::SERVER, vec![(GLOBAL, None)]),
            (
                T,
                vec![
                    (group(10), Some(GLOBAL)),
                    (group(11), Some(group(10))),
                    (group(12), Some(group(11))),
                    (group(13), Some(group(10))),
                ],
            ),
            (Tenant(2), vec![(group(20), Some(GLOBAL))]),
        ];
        db.write::<_, Error>(move |tx| {
            for (tenant, groups) in &trees {
                tenants::create(tx, *tenant, Time::EPOCH)?;
                for (id, parent) in groups {
                    let kind = match parent {
                        None => OrganizationGroupKind::Global,
                        Some(GLOBAL) => OrganizationGroupKind::Customer,
                        Some(_) => OrganizationGroupKind::Container,
                    };
                    let group = OrganizationGroup { id: *id, parent: *parent, name: id.to_string(), kind };
                    organization_groups::insert(tx, *tenant, &group)?;
                }
            }
            Ok(())
        })
        .await
        .unwrap();
    }

    fn token(tenant: Tenant, n: u8, reach: OrganizationGroupId) -> (ApiToken, Hash) {
        let token = ApiToken {
            tenant,
            id: TokenId(Uuid::from_u128(n.into())),
            name: format!("token {n}"),
            role: RoleRef::BuiltIn(BuiltInRole::HelpDesk),
            reach,
            created_at: Time::from_micros(5),
            created_by: "me".into(),
            expires_at: Some(Time::from_micros(7)),
            last_used_at: None,
        };
        (token, [n; 32])
    }

    fn numbers(found: Vec<ApiToken>) -> Vec<u128> {
        found.into_iter().map(|token| token.id.0.as_u128()).collect()
    }

    #[tokio::test]
    async fn a_token_is_found_by_its_hash_in_its_tenant() {
        for_each_database(|db| async move {
            prepare(&db).await;
            db.write::<_, Error>(|tx| {
                let (made, hash) = token(T, 1, group(10));
                insert(tx, &made, &hash)?;
                assert_eq!(authenticate(tx, T, &hash)?, Some((made.clone(), BuiltInRole::HelpDesk.rights())));
                assert_eq!(authenticate(tx, Tenant(2), &hash)?, None);
                assert_eq!(authenticate(tx, T, &[9; 32])?, None);
                let (mut other, hash) = token(T, 2, group(10));
                other.role = RoleRef::Custom(allclear_domain::ids::RoleId(Uuid::from_u128(99)));
                insert(tx, &other, &hash)?;
                assert_eq!(authenticate(tx, T, &hash)?, Some((other, [].into())), "its role is gone");
                assert!(!delete(tx, Tenant(2), made.id)?);
                assert!(delete(tx, T, made.id)? && !delete(tx, T, made.id)?);
                Ok(())
            })
            .await
            .unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn lists_end_at_ones_reach() {
        for_each_database(|db| async move {
            prepare(&db).await;
            db.write::<_, Error>(|tx| {
                for (tenant, n, reach) in [
                    (T, 1, group(10)),
                    (T, 2, group(11)),
                    (T, 3, group(12)),
                    (T, 4, group(13)),
                    (Tenant(2), 5, group(20)),
                    (Tenant::SERVER, 6, GLOBAL),
                ] {
                    let (token, hash) = token(tenant, n, reach);
                    insert(tx, &token, &hash)?;
                }
                let mut all = |within| list(tx, T, within).map(numbers);
                assert_eq!(all(group(10))?, [1, 2, 3, 4]);
                assert_eq!(all(group(11))?, [2, 3]);
                assert_eq!(all(group(20))?, [], "a group of another tenant");
                assert_eq!(all(GLOBAL)?, [1, 2, 3, 4, 6]);
                let mut one = |within, n| get(tx, T, within, TokenId(Uuid::from_u128(n))).map(|found| found.is_some());
                assert!(one(group(11), 3)? && !one(group(11), 4)? && !one(group(10), 5)? && !one(group(10), 6)?);
                assert!(one(GLOBAL, 6)? && !one(GLOBAL, 5)?);
                assert_eq!((count(tx, T)?, count(tx, Tenant(2))?), (4, 1));
                Ok(())
            })
            .await
            .unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn customers_are_told_from_other_groups() {
        for_each_database(|db| async move {
            prepare(&db).await;
            db.read::<_, Error>(|tx| {
                assert_eq!(customer(tx, group(10))?, Some(T));
                assert_eq!(customer(tx, group(20))?, Some(Tenant(2)));
                assert_eq!((customer(tx, group(11))?, customer(tx, GLOBAL)?), (None, None));
                assert_eq!(first_customers(tx)?, [T, Tenant(2)]);
                Ok(())
            })
            .await
            .unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn use_is_noted_unless_it_was_lately() {
        for_each_database(|db| async move {
            prepare(&db).await;
            db.write::<_, Error>(|tx| {
                let (made, hash) = token(T, 1, group(10));
                insert(tx, &made, &hash)?;
                let at = Time::from_micros;
                for (now, unless_after, noted) in [(100, 40, 100), (130, 70, 100), (160, 100, 160)] {
                    touch(tx, T, made.id, at(now), at(unless_after))?;
                    let found = get(tx, T, GLOBAL, made.id)?.unwrap();
                    assert_eq!(found.last_used_at, Some(at(noted)), "at {now}");
                }
                Ok(())
            })
            .await
            .unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn an_enrollment_token_is_used_once_and_in_time() {
        for_each_database(|db| async move {
            prepare(&db).await;
            db.write::<_, Error>(|tx| {
                let user = UserId(Uuid::from_u128(50));
                let sql = "INSERT INTO users (tenant, id, organization_group, user_name, version, created_at, devices, \
                           score, incidents_low, incidents_medium, incidents_high) \
                           VALUES (1, $1, $2, 'ada', 1, 0, 0, 0, 0, 0, 0)";
                tx.execute(sql, params![user.0, group(10).0])?;
                let now = Time::from_micros(1_000_000);
                let made = |n: u128| EnrollmentToken {
                    id: TokenId(Uuid::from_u128(n)),
                    user,
                    platform: Some(Platform::Ios),
                    created_at: now,
                    expires_at: now.plus(Span::seconds(10)),
                    used_at: None,
                    device: None,
                };
                insert_enrollment(tx, T, &made(60), &[60; 32])?;
                insert_enrollment(tx, T, &made(61), &[61; 32])?;
                let stranger = EnrollmentToken { user: UserId(Uuid::from_u128(51)), ..made(62) };
                let refused = tx.nested(|tx| insert_enrollment(tx, T, &stranger, &[62; 32]));
                assert!(refused.unwrap_err().is_foreign_key_violation());
                assert_eq!(enrollment(tx, T, &[60; 32])?, Some(made(60)));
                assert_eq!(enrollment(tx, Tenant(2), &[60; 32])?, None);

                let device = DeviceId(Uuid::from_u128(70));
                let late = now.plus(Span::seconds(10));
                assert!(!use_enrollment(tx, T, made(61).id, device, late)?, "expired");
                assert!(!use_enrollment(tx, Tenant(2), made(60).id, device, now)?);
                assert!(use_enrollment(tx, T, made(60).id, device, now)?);
                assert!(!use_enrollment(tx, T, made(60).id, device, now)?, "used");
                let used = EnrollmentToken { used_at: Some(now), device: Some(device), ..made(60) };
                assert_eq!(enrollment(tx, T, &[60; 32])?, Some(used));
                Ok(())
            })
            .await
            .unwrap();
        })
        .await;
    }

    #[tokio::test]
    async fn a_credential_leads_to_its_device_until_it_is_removed() {
        for_each_database(|db| async move {
            prepare(&db).await;
            db.write::<_, Error>(|tx| {
                let device_id = DeviceId(Uuid::from_u128(70));
                let sql = "INSERT INTO device (tenant, id, doc, version, organization_group, friendly_name, platform, \
                           enrollment, risk, protection, compliance, score, created_at) \
                           VALUES (1, $1, $2, 1, $3, 'phone', 'android', 'enrolled', 0, 0, 0, 0, 0)";
                tx.execute(sql, params![device_id.0, vec![0_u8], group(10).0])?;
                for n in [1, 2] {
                    insert_device_credential(tx, T, device_id, &[n; 32], Time::EPOCH)?;
                }
                assert_eq!(device(tx, T, &[1; 32])?, Some(device_id));
                assert_eq!((device(tx, Tenant(2), &[1; 32])?, device(tx, T, &[3; 32])?), (None, None));
                assert_eq!(delete_device_credentials(tx, Tenant(2), device_id)?, 0);
                assert_eq!(delete_device_credentials(tx, T, device_id)?, 2);
                assert_eq!(device(tx, T, &[1; 32])?, None);
                Ok(())
            })
            .await
            .unwrap();
        })
        .await;
    }
}
