//! Reading the devices of a scope as fast as the database gives them.

use allclear_domain::ids::{DeviceId, Tenant};
use uuid::Uuid;

use crate::{
    Error,
    db::{FromRow, Row, Tx},
    devices::DeviceRecord,
    jobs::{self, Scope},
    params,
};

/// A part of a scope.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    scope: Scope,
    from: Uuid,
    to: Uuid,
}

/// Splits a scope into at most so many parts of about the same size; a small one is not split.
pub fn parts(tx: &mut Tx<'_>, tenant: Tenant, scope: &Scope, count: usize) -> Result<Vec<Part>, Error> {
    const SMALL: usize = 20_000;
    let whole = Part { scope: scope.clone(), from: Uuid::nil(), to: Uuid::max() };
    if count < 2 || jobs::devices(tx, tenant, scope, None, SMALL as i64)?.len() < SMALL {
        return Ok(vec![whole]);
    }
    // The borders are those of all devices, along which a scope this large lies about evenly.
    let total = jobs::count(tx, tenant, &Scope::all())?;
    let mut parts = Vec::with_capacity(count);
    let mut from = Uuid::nil();
    let step = total / i64::try_from(count).unwrap_or(1);
    for _ in 1..count {
        let border: Option<Uuid> = tx.query_opt(
            "SELECT id FROM device WHERE tenant = $1 AND id > $2 ORDER BY id LIMIT 1 OFFSET $3",
            params![tenant.0, from, step],
        )?;
        let Some(border) = border else { break };
        parts.push(Part { scope: scope.clone(), from, to: border });
        from = border;
    }
    parts.push(Part { from, ..whole });
    Ok(parts)
}

struct Decoded(Result<DeviceRecord, Error>);

impl FromRow for Decoded {
    fn from_row(row: &Row<'_>) -> Result<Self, crate::db::Error> {
        Ok(Self(DeviceRecord::decode(row.blob(0)?)))
    }
}

/// Hands every device of a part to `each`, by id.
pub fn scan(tx: &mut Tx<'_>, tenant: Tenant, part: &Part, each: &mut dyn FnMut(DeviceRecord)) -> Result<(), Error> {
    if part.scope.all {
        let mut failed = None;
        tx.scan(
            "SELECT doc FROM device WHERE tenant = $1 AND id > $2 AND id <= $3",
            params![tenant.0, part.from, part.to],
            &mut |row| match DeviceRecord::decode(row.blob(0)?) {
                Ok(record) => {
                    each(record);
                    Ok(std::ops::ControlFlow::Continue(()))
                }
                Err(error) => {
                    failed = Some(error);
                    Ok(std::ops::ControlFlow::Break(()))
                }
            },
        )?;
        return failed.map_or(Ok(()), Err);
    }
    let mut after = Some(DeviceId(part.from));
    loop {
        let mut ids = jobs::devices(tx, tenant, &part.scope, after, 500)?;
        ids.retain(|id| id.0 <= part.to);
        let Some(last) = ids.last().copied() else { return Ok(()) };
        let rows: Vec<_> = ids.iter().map(|id| crate::row![tenant.0, id.0]).collect();
        let found: Vec<Vec<Decoded>> = tx.query_many("SELECT doc FROM device WHERE tenant = $1 AND id = $2", &rows)?;
        for Decoded(record) in found.into_iter().flatten() {
            each(record?);
        }
        after = Some(last);
    }
}
