//! Enrollment tokens as administrators see them: without the secret. How one is made and used is in [`crate::tokens`].

use allclear_domain::{
    ids::{DeviceId, OrganizationGroupId, Tenant, TokenId, UserId},
    time::Time,
};
use uuid::Uuid;

use crate::{Error, db::Tx, json, params, tokens::EnrollmentToken};

type Columns = (Uuid, Uuid, Option<String>, i64, i64, Option<i64>, Option<Uuid>, Uuid);

const SELECT: &str = "SELECT t.id, t.user_id, t.platform, t.created_at, t.expires_at, t.used_at, t.device_id, \
                      u.organization_group FROM enrollment_token t \
                      JOIN users u ON u.tenant = t.tenant AND u.id = t.user_id WHERE t.tenant = $1 AND ";

fn token(row: Columns) -> Result<(EnrollmentToken, OrganizationGroupId), Error> {
    let (id, user, platform, created_at, expires_at, used_at, device, group) = row;
    let token = EnrollmentToken {
        id: TokenId(id),
        user: UserId(user),
        platform: platform.map(json::from_word).transpose()?,
        created_at: Time::from_micros(created_at),
        expires_at: Time::from_micros(expires_at),
        used_at: used_at.map(Time::from_micros),
        device: device.map(DeviceId),
    };
    Ok((token, OrganizationGroupId(group)))
}

/// A token, with the organization group of its user.
pub fn get(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    id: TokenId,
) -> Result<Option<(EnrollmentToken, OrganizationGroupId)>, Error> {
    let row: Option<Columns> = tx.query_opt(&format!("{SELECT} t.id = $2"), params![tenant.0, id.0])?;
    row.map(token).transpose()
}

/// Tokens, newest first, before one; `within` names the organization groups whose users' tokens are meant.
pub fn list(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    within: Option<&[OrganizationGroupId]>,
    before: Option<TokenId>,
    limit: u32,
) -> Result<Vec<EnrollmentToken>, Error> {
    let sql = format!("{SELECT} t.id < $2 ORDER BY t.id DESC LIMIT $3");
    let mut before = before.map_or(Uuid::max(), |before| before.0);
    let mut found = Vec::new();
    loop {
        let rows: Vec<Columns> = tx.query(&sql, params![tenant.0, before, limit])?;
        let last = rows.len() < limit as usize;
        for row in rows {
            let (token, group) = token(row)?;
            before = token.id.0;
            if within.is_none_or(|within| within.contains(&group)) {
                found.push(token);
            }
            if found.len() == limit as usize {
                return Ok(found);
            }
        }
        if last {
            return Ok(found);
        }
    }
}

/// Removes a token; says whether it was there.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, id: TokenId) -> Result<bool, Error> {
    Ok(tx.execute("DELETE FROM enrollment_token WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])? > 0)
}
