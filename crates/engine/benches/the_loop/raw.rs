//! The comparison: a program that only writes the rows the engine wrote, one prepared transaction a batch, on a copy
//! of the same database with the same settings. It reads nothing, decides nothing and knows all values beforehand.

use std::{path::Path, time::Instant};

use allclear_domain::{
    detection::ThreatStatus,
    journal::{Change, Entry},
};
use rusqlite::{Connection, OptionalExtension as _, params, types::Value};

use crate::{
    Mode, TENANT,
    meter::{Meter, Sample},
};

/// What one journal entry of a device stands for in rows.
pub struct Operation {
    position: i64,
    entry: Vec<Value>,
    device: Vec<Value>,
    user: Vec<Value>,
    seen: Vec<Vec<u8>>,
    threats: Vec<(ThreatStatus, Vec<Value>)>,
    joined: Vec<Vec<u8>>,
    left: Vec<Vec<u8>>,
    profiles: Vec<(Vec<u8>, Option<String>)>,
}

/// Reads what the engine wrote in one mode, by the positions of its journal.
pub fn capture(file: &Path, (_, from, to): (Mode, i64, i64)) -> Vec<Operation> {
    let connection = Connection::open(file).unwrap();
    let mut numbers = crate::stream::Numbers::new(from.unsigned_abs());
    let mut statement = connection
        .prepare(
            "SELECT j.position, j.at, j.device_id, j.organization_group, j.previous, j.entry, d.doc, d.version, \
             d.compliance, d.score, d.risk, u.id, u.score, u.incidents_low, u.incidents_medium, u.incidents_high \
             FROM journal j JOIN device d ON d.tenant = j.tenant AND d.id = j.device_id \
             JOIN users u ON u.tenant = d.tenant AND u.id = d.user_id \
             WHERE j.tenant = ?1 AND j.position > ?2 AND j.position <= ?3 ORDER BY j.position",
        )
        .unwrap();
    let rows = statement.query_map(params![TENANT.0, from, to], |row| {
        (0..16).map(|column| row.get::<_, Value>(column)).collect::<Result<Vec<_>, _>>()
    });
    rows.unwrap().map(|row| operation(&connection, &row.unwrap(), &mut numbers)).collect()
}

fn operation(connection: &Connection, row: &[Value], numbers: &mut crate::stream::Numbers) -> Operation {
    let Value::Text(text) = &row[5] else { panic!("the entry is text") };
    let entry: Entry = serde_json::from_str(text).unwrap();
    let seen = |_: &String| [(); 2].map(|()| numbers.below(usize::MAX).to_be_bytes()).concat();
    let mut operation = Operation {
        position: entry.position,
        entry: row[..6].to_vec(),
        device: vec![row[6].clone(), row[7].clone(), row[8].clone(), row[9].clone(), row[10].clone(), row[2].clone()],
        user: vec![row[12].clone(), row[13].clone(), row[14].clone(), row[15].clone(), row[11].clone()],
        seen: entry.events.iter().map(seen).collect(),
        threats: vec![],
        joined: vec![],
        left: vec![],
        profiles: vec![],
    };
    for change in &entry.changes {
        match change {
            Change::Threat { threat, to, .. } => {
                let sql = "SELECT id, device_id, organization_group, source, threat_id, classification, ?3, \
                           first_seen, changed_at, details FROM threat WHERE tenant = ?1 AND id = ?2";
                let mut statement = connection.prepare_cached(sql).unwrap();
                let values = statement.query_row(params![TENANT.0, threat.0.as_bytes(), to.as_str()], |row| {
                    (0..10).map(|column| row.get::<_, Value>(column)).collect::<Result<Vec<_>, _>>()
                });
                operation.threats.push((*to, values.unwrap()));
            }
            Change::SmartGroupJoined { smart_group, .. } => operation.joined.push(smart_group.0.as_bytes().to_vec()),
            Change::SmartGroupLeft { smart_group, .. } => operation.left.push(smart_group.0.as_bytes().to_vec()),
            Change::Profile { profile, .. } => {
                let sql = "SELECT status FROM device_profile WHERE tenant = ?1 AND profile = ?2 AND device_id = ?3";
                let mut statement = connection.prepare_cached(sql).unwrap();
                let status = statement
                    .query_row(params![TENANT.0, profile.0.as_bytes(), row[2]], |row| row.get(0))
                    .optional()
                    .unwrap();
                operation.profiles.push((profile.0.as_bytes().to_vec(), status));
            }
            _ => {}
        }
    }
    operation
}

/// Writes the rows, so many operations in one durable transaction.
pub fn run(file: &Path, operations: &[Operation], batch: usize) -> Sample {
    let mut connection = Connection::open(file).unwrap();
    connection.pragma_update(None, "journal_mode", "WAL").unwrap();
    connection.pragma_update(None, "synchronous", "FULL").unwrap();
    connection.pragma_update(None, "cache_size", -64 * 1024).unwrap();
    let page_size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).unwrap();
    connection.pragma_update(None, "wal_autocheckpoint", (64 << 20) / page_size).unwrap();
    connection.set_prepared_statement_cache_capacity(32);
    let meter = Meter::start();
    let mut times = Vec::with_capacity(operations.len() / batch + 1);
    for part in operations.chunks(batch) {
        let started = Instant::now();
        let tx = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate).unwrap();
        let mut ordered: Vec<&Operation> = part.iter().collect();
        // In key order, as the engine does.
        ordered.sort_by(|a, b| blob(&a.device[5]).cmp(blob(&b.device[5])));
        write(&tx, &ordered).unwrap();
        tx.commit().unwrap();
        times.push(started.elapsed());
    }
    meter.stop(operations.len(), times, Some(file))
}

fn blob(value: &Value) -> &[u8] {
    match value {
        Value::Blob(bytes) => bytes,
        _ => &[],
    }
}

fn write(tx: &rusqlite::Transaction<'_>, operations: &[&Operation]) -> rusqlite::Result<()> {
    let tenant = TENANT.0;
    let mut seen =
        tx.prepare_cached("INSERT INTO seen_event (tenant, digest) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?;
    for digest in operations.iter().flat_map(|one| &one.seen) {
        seen.execute(params![tenant, digest])?;
    }
    let mut device = tx.prepare_cached(
        "UPDATE device SET doc = ?2, version = ?3, compliance = ?4, score = ?5, risk = ?6 \
         WHERE tenant = ?1 AND id = ?7",
    )?;
    for one in operations {
        let it = &one.device;
        device.execute(params![tenant, it[0], it[1], it[2], it[3], it[4], it[5]])?;
    }
    let mut user = tx.prepare_cached(
        "UPDATE users SET score = ?2, incidents_low = ?3, incidents_medium = ?4, incidents_high = ?5 \
         WHERE tenant = ?1 AND id = ?6",
    )?;
    for one in operations {
        let it = &one.user;
        user.execute(params![tenant, it[0], it[1], it[2], it[3], it[4]])?;
    }
    let mut join = tx.prepare_cached(
        "INSERT INTO device_smart_group (tenant, smart_group, device_id) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
    )?;
    let mut leave =
        tx.prepare_cached("DELETE FROM device_smart_group WHERE tenant = ?1 AND smart_group = ?2 AND device_id = ?3")?;
    let mut concern = tx.prepare_cached(
        "INSERT INTO device_profile (tenant, profile, device_id, status) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (tenant, profile, device_id) DO UPDATE SET status = excluded.status",
    )?;
    let mut release =
        tx.prepare_cached("DELETE FROM device_profile WHERE tenant = ?1 AND profile = ?2 AND device_id = ?3")?;
    for one in operations {
        let id = &one.device[5];
        for group in &one.left {
            leave.execute(params![tenant, group, id])?;
        }
        for group in &one.joined {
            join.execute(params![tenant, group, id])?;
        }
        for (profile, status) in &one.profiles {
            match status {
                Some(status) => concern.execute(params![tenant, profile, id, status])?,
                None => release.execute(params![tenant, profile, id])?,
            };
        }
    }
    let mut open = tx.prepare_cached(
        "INSERT INTO threat (tenant, id, device_id, organization_group, source, threat_id, classification, status, \
         first_seen, changed_at, details, archived) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0)",
    )?;
    let mut close = tx
        .prepare_cached("UPDATE threat SET status = ?3, changed_at = ?4, details = ?5 WHERE tenant = ?1 AND id = ?2")?;
    for (to, it) in operations.iter().flat_map(|one| &one.threats) {
        match to {
            ThreatStatus::Open => {
                open.execute(params![tenant, it[0], it[1], it[2], it[3], it[4], it[5], it[6], it[7], it[8], it[9]])?
            }
            _ => close.execute(params![tenant, it[0], it[6], it[8], it[9]])?,
        };
    }
    let mut journal = tx.prepare_cached(
        "INSERT INTO journal (tenant, position, at, device_id, organization_group, previous, entry) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let mut by_position: Vec<&&Operation> = operations.iter().collect();
    by_position.sort_by_key(|one| one.position);
    for one in by_position {
        let it = &one.entry;
        journal.execute(params![tenant, it[0], it[1], it[2], it[3], it[4], it[5]])?;
    }
    let last = operations.iter().map(|one| one.position).max();
    tx.prepare_cached("UPDATE tenant SET journal_position = ?2 WHERE tenant = ?1")?.execute(params![tenant, last])?;
    Ok(())
}
