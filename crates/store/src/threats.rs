//! Threats as lists and evidence need them. What the evaluation needs is in the device's record.

use allclear_domain::{
    ids::{DeviceId, OrganizationGroupId, Tenant, ThreatId},
    level::RiskLevel,
    threat::{Ignored, Threat},
    time::Time,
};
use uuid::Uuid;

use crate::{
    Error,
    db::{Tx, Value},
    devices::DeviceRecord,
    json, params, row,
};

/// A threat to write.
#[derive(Clone, Debug)]
pub struct ThreatWrite {
    /// The threat.
    pub threat: Threat,
    /// Its device.
    pub device: DeviceId,
    /// Where the device lives.
    pub organization_group: OrganizationGroupId,
    /// The evidence of the detection that decides; none leaves what is kept.
    pub details: Option<String>,
    /// Whether there is a row of it already.
    pub known: bool,
    /// Whether it is kept here only from now on.
    pub archived: bool,
}

/// Writes threats.
pub fn write_many(tx: &mut Tx<'_>, tenant: Tenant, writes: &[ThreatWrite]) -> Result<(), Error> {
    let (mut insert, mut update, mut evidence) = (Vec::new(), Vec::new(), Vec::new());
    for write in writes {
        let threat = &write.threat;
        let common = row![
            tenant.0,
            threat.id.0,
            &threat.classification,
            threat.status().as_str(),
            threat.severity.map(RiskLevel::as_str),
            threat.first_seen.as_micros(),
            threat.changed_at.as_micros(),
            threat.ignored.as_ref().map(json::encode).transpose()?,
            write.archived
        ];
        if write.known {
            update.push(common);
            if let Some(details) = &write.details {
                evidence.push(row![tenant.0, threat.id.0, details]);
            }
        } else {
            let mut values: Vec<Value> = common;
            values.extend(row![
                write.device.0,
                write.organization_group.0,
                &threat.source,
                &threat.threat_id,
                write.details.as_deref().unwrap_or("{}")
            ]);
            insert.push(values);
        }
    }
    for (sql, rows) in [
        (
            "INSERT INTO threat (tenant, id, classification, status, severity, first_seen, changed_at, ignored, \
             archived, device_id, organization_group, source, threat_id, details) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            &insert,
        ),
        (
            "UPDATE threat SET classification = $3, status = $4, severity = $5, first_seen = $6, changed_at = $7, \
             ignored = $8, archived = $9 WHERE tenant = $1 AND id = $2",
            &update,
        ),
        ("UPDATE threat SET details = $3 WHERE tenant = $1 AND id = $2", &evidence),
    ] {
        if !rows.is_empty() {
            tx.execute_many(sql, rows)?;
        }
    }
    Ok(())
}

type Row = ((Uuid, String, String, String, Option<String>, String), (i64, i64, Option<String>));

/// A threat that is no longer in its device's record.
pub fn find_archived(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    source: &str,
    threat_id: &str,
) -> Result<Option<Threat>, Error> {
    struct Archived(Row);
    impl crate::db::FromRow for Archived {
        fn from_row(row: &crate::db::Row<'_>) -> Result<Self, crate::db::Error> {
            Ok(Self((
                (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?),
                (row.get(6)?, row.get(7)?, row.get(8)?),
            )))
        }
    }
    let found: Option<Archived> = tx.query_opt(
        "SELECT id, source, threat_id, classification, severity, status, first_seen, changed_at, ignored FROM threat \
         WHERE tenant = $1 AND device_id = $2 AND source = $3 AND threat_id = $4 AND archived",
        params![tenant.0, device.0, source, threat_id],
    )?;
    let Some(Archived(((id, source, threat_id, classification, severity, status), (first_seen, changed_at, ignored)))) =
        found
    else {
        return Ok(None);
    };
    Ok(Some(Threat {
        id: ThreatId(id),
        source,
        threat_id,
        classification,
        severity: severity.map(json::from_word).transpose()?,
        reported: json::from_word(status)?,
        first_seen: Time::from_micros(first_seen),
        changed_at: Time::from_micros(changed_at),
        ignored: ignored.as_deref().map(json::decode::<Ignored>).transpose()?,
        evidence: None,
    }))
}

/// The device of a threat.
pub fn device_of(tx: &mut Tx<'_>, tenant: Tenant, id: ThreatId) -> Result<Option<DeviceId>, Error> {
    let device: Option<Uuid> =
        tx.query_opt("SELECT device_id FROM threat WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])?;
    Ok(device.map(DeviceId))
}

/// Deletes the threats of a device that is being deleted.
pub(crate) fn delete_of_device(tx: &mut Tx<'_>, tenant: Tenant, record: &DeviceRecord) -> Result<(), Error> {
    let rows = rows_of(tenant, record, &[]);
    tx.execute_many("DELETE FROM threat WHERE tenant = $1 AND id = $2", &rows)?;
    tx.execute(
        "DELETE FROM threat WHERE tenant = $1 AND device_id = $2 AND archived",
        params![tenant.0, record.id().0],
    )?;
    Ok(())
}

/// Has the threats of a device live where it lives now.
pub fn relocate(tx: &mut Tx<'_>, tenant: Tenant, record: &DeviceRecord) -> Result<(), Error> {
    let group = record.facts.device.organization_group.0;
    let rows = rows_of(tenant, record, &[group.into()]);
    tx.execute_many("UPDATE threat SET organization_group = $3 WHERE tenant = $1 AND id = $2", &rows)?;
    tx.execute(
        "UPDATE threat SET organization_group = $3 WHERE tenant = $1 AND device_id = $2 AND archived",
        params![tenant.0, record.id().0, group],
    )?;
    Ok(())
}

/// Parameters for each threat in a device's record: tenant, id, and more.
fn rows_of(tenant: Tenant, record: &DeviceRecord, more: &[Value]) -> Vec<Vec<Value>> {
    let row = |threat: &Threat| row![tenant.0, threat.id.0].into_iter().chain(more.iter().cloned()).collect();
    record.facts.threats.iter().map(row).collect()
}
