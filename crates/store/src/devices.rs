//! Devices: one row each, with everything about the device as one compact value.
//!
//! The hot path writes only the columns that changed, so that a detection touches the row's page and those few index
//! pages whose key really moves.

use std::collections::BTreeMap;

use allclear_domain::{
    device::{Device, DeviceFacts, EnrollmentStatus},
    ids::{DeviceId, ProfileId, Tenant, UserId},
    posture::Posture,
    time::Time,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Error,
    db::{Tx, Value},
    items, json, params, row, threats,
};

/// Everything kept about one device.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// The facts the evaluation starts from.
    pub facts: DeviceFacts,
    /// What was derived when it was evaluated last.
    pub posture: Posture,
    /// Since when the parts of the posture have been as they are.
    pub since: Since,
    /// The position of its newest entry in the journal; 0 for none.
    pub last_entry: i64,
    /// Whether some of its threats are kept in the threat table only.
    pub archived_threats: bool,
    /// The time at or after which time alone may change the posture, as last written. May be too early, never too late.
    pub due_at: Option<Time>,
    /// Grows with every change of the record.
    pub version: i64,
}

/// Since when the parts of a posture have been as they are.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Since {
    /// The risk level.
    pub risk: Time,
    /// The protection status.
    pub protection: Time,
    /// The compliance.
    pub compliance: Time,
    /// Tags, smart groups and profiles, by id.
    pub parts: BTreeMap<Uuid, Time>,
}

/// The first byte of a stored device, which tells how the rest is written.
const FORMAT: u8 = 1;

impl DeviceRecord {
    /// The device's id.
    pub fn id(&self) -> DeviceId {
        self.facts.device.id
    }

    fn encode(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::with_capacity(512);
        bytes.push(FORMAT);
        rmp_serde::encode::write(&mut bytes, self).map_err(|error| Error::damaged("device", error))?;
        Ok(bytes)
    }

    /// Reads a stored device.
    pub fn decode(bytes: &[u8]) -> Result<Self, Error> {
        match bytes.split_first() {
            Some((&FORMAT, rest)) => rmp_serde::from_slice(rest).map_err(|error| Error::damaged("device", error)),
            _ => Err(Error::damaged("device", "written in a format this version does not know")),
        }
    }
}

/// A device by id.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: DeviceId) -> Result<Option<DeviceRecord>, Error> {
    let doc: Option<Vec<u8>> =
        tx.query_opt("SELECT doc FROM device WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])?;
    doc.map(|doc| DeviceRecord::decode(&doc)).transpose()
}

/// Where a device stands, without reading the rest.
pub fn enrollment(tx: &mut Tx<'_>, tenant: Tenant, id: DeviceId) -> Result<Option<EnrollmentStatus>, Error> {
    let word: Option<String> =
        tx.query_opt("SELECT enrollment FROM device WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])?;
    word.map(json::from_word).transpose()
}

/// Devices by id, in that order; those that are not there are left out.
pub fn get_many(tx: &mut Tx<'_>, tenant: Tenant, ids: &[DeviceId]) -> Result<Vec<DeviceRecord>, Error> {
    let rows: Vec<Vec<Value>> = ids.iter().map(|id| row![tenant.0, id.0]).collect();
    let docs: Vec<Vec<Vec<u8>>> = tx.query_many("SELECT doc FROM device WHERE tenant = $1 AND id = $2", &rows)?;
    docs.into_iter().flatten().map(|doc| DeviceRecord::decode(&doc)).collect()
}

/// A way a device can be named by others.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Key {
    /// Our id.
    Id(DeviceId),
    /// The maker's serial number.
    SerialNumber(String),
    /// Apple's device identifier.
    Udid(String),
    /// The id in another management system.
    ExternalId(String),
    /// What a source calls it: source and name.
    Alias(String, String),
}

/// Which devices have these keys, in the same order.
pub fn find_many(tx: &mut Tx<'_>, tenant: Tenant, keys: &[Key]) -> Result<Vec<Option<DeviceId>>, Error> {
    let mut found = vec![None; keys.len()];
    let mut ask = |sql: &str, pick: &dyn Fn(&Key) -> Option<Vec<Value>>| -> Result<(), Error> {
        let (places, rows): (Vec<usize>, Vec<Vec<Value>>) =
            keys.iter().enumerate().filter_map(|(place, key)| pick(key).map(|row| (place, row))).unzip();
        if !rows.is_empty() {
            let answers: Vec<Vec<Uuid>> = tx.query_many(sql, &rows)?;
            for (place, answer) in places.into_iter().zip(answers) {
                found[place] = answer.first().copied().map(DeviceId);
            }
        }
        Ok(())
    };
    ask("SELECT id FROM device WHERE tenant = $1 AND id = $2", &|key| match key {
        Key::Id(id) => Some(row![tenant.0, id.0]),
        _ => None,
    })?;
    ask("SELECT id FROM device WHERE tenant = $1 AND serial_number = $2", &|key| match key {
        Key::SerialNumber(serial) => Some(row![tenant.0, serial]),
        _ => None,
    })?;
    ask("SELECT id FROM device WHERE tenant = $1 AND udid = $2", &|key| match key {
        Key::Udid(udid) => Some(row![tenant.0, udid]),
        _ => None,
    })?;
    ask("SELECT id FROM device WHERE tenant = $1 AND external_id = $2", &|key| match key {
        Key::ExternalId(id) => Some(row![tenant.0, id]),
        _ => None,
    })?;
    ask(
        "SELECT device_id FROM device_alias WHERE tenant = $1 AND source = $2 AND external_id = $3",
        &|key| match key {
            Key::Alias(source, id) => Some(row![tenant.0, source, id]),
            _ => None,
        },
    )?;
    Ok(found)
}

/// Remembers what a source calls a device; the newest word stands.
pub fn set_alias(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    source: &str,
    external_id: &str,
    device: DeviceId,
) -> Result<bool, Error> {
    let changed = tx.execute(
        "INSERT INTO device_alias (tenant, source, external_id, device_id) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (tenant, source, external_id) DO UPDATE SET device_id = excluded.device_id \
         WHERE device_alias.device_id <> excluded.device_id",
        params![tenant.0, source, external_id, device.0],
    )?;
    Ok(changed > 0)
}

/// A record to write, with what was stored before.
#[derive(Debug)]
pub struct Write<'a> {
    /// What is to be stored; its version has been raised already.
    pub new: &'a DeviceRecord,
    /// What is stored now; none for a new device.
    pub old: Option<&'a DeviceRecord>,
}

/// Writes records and the rows lists read, touching only what changed. Sorted by id, to touch pages in order.
pub fn write_many(tx: &mut Tx<'_>, tenant: Tenant, writes: &[Write<'_>]) -> Result<(), Error> {
    let mut batch = Batch::default();
    for write in writes {
        batch.add(tenant, write)?;
    }
    batch.run(tx)
}

/// Rows by statement, so that each statement runs once over all of them.
#[derive(Default)]
struct Batch {
    insert: Vec<Vec<Value>>,
    doc: Vec<Vec<Value>>,
    rated: Vec<Vec<Value>>,
    identity: Vec<Vec<Value>>,
    protection: Vec<Vec<Value>>,
    due: Vec<Vec<Value>>,
    join: [Vec<Vec<Value>>; 2],
    leave: [Vec<Vec<Value>>; 2],
    profile: Vec<Vec<Value>>,
    profile_gone: Vec<Vec<Value>>,
}

const TAG: usize = 0;
const GROUP: usize = 1;

impl Batch {
    fn add(&mut self, tenant: Tenant, write: &Write<'_>) -> Result<(), Error> {
        let (new, id) = (write.new, write.new.id().0);
        let posture = &new.posture;
        let due = new.due_at.map(Time::as_micros);
        match write.old {
            None => {
                let mut values = row![tenant.0, id, new.encode()?, new.version];
                values.extend(identity(&new.facts.device)?);
                values.extend(row![
                    posture.risk as i64,
                    posture.protection as i64,
                    posture.compliance as i64,
                    posture.score,
                    new.facts.device.created_at.as_micros(),
                    due
                ]);
                self.insert.push(values);
            }
            Some(old) => {
                let mut values = row![tenant.0, id, new.encode()?, new.version, posture.compliance as i64];
                // These two share an index, so that one statement touches it once.
                if (old.posture.risk, old.posture.score) == (posture.risk, posture.score) {
                    self.doc.push(values);
                } else {
                    values.extend(row![posture.risk as i64, posture.score]);
                    self.rated.push(values);
                }
                if old.facts.device != new.facts.device && identity(&old.facts.device)? != identity(&new.facts.device)?
                {
                    let mut values = row![tenant.0, id];
                    values.extend(identity(&new.facts.device)?);
                    self.identity.push(values);
                }
                if old.posture.protection != posture.protection {
                    self.protection.push(row![tenant.0, id, posture.protection as i64]);
                }
                if old.due_at != new.due_at {
                    self.due.push(row![tenant.0, id, due]);
                }
            }
        }
        let empty = (Vec::new(), Vec::new());
        let (old_tags, old_groups) =
            write.old.map_or(empty, |old| (old.facts.device.tags.clone(), old.posture.smart_groups.clone()));
        self.difference(TAG, tenant, id, &old_tags, &new.facts.device.tags, |tag| tag.0);
        self.difference(GROUP, tenant, id, &old_groups, &posture.smart_groups, |group| group.0);
        let old_profiles = write.old.map(statuses).unwrap_or_default();
        let new_profiles = statuses(new);
        for (profile, status) in &new_profiles {
            if old_profiles.get(profile) != Some(status) {
                self.profile.push(row![tenant.0, profile.0, id, *status]);
            }
        }
        for profile in old_profiles.keys().filter(|profile| !new_profiles.contains_key(*profile)) {
            self.profile_gone.push(row![tenant.0, profile.0, id]);
        }
        Ok(())
    }

    fn difference<T: PartialEq + Copy>(
        &mut self,
        kind: usize,
        tenant: Tenant,
        device: Uuid,
        old: &[T],
        new: &[T],
        id: impl Fn(T) -> Uuid,
    ) {
        for gone in old.iter().filter(|item| !new.contains(item)) {
            self.leave[kind].push(row![tenant.0, id(*gone), device]);
        }
        for come in new.iter().filter(|item| !old.contains(item)) {
            self.join[kind].push(row![tenant.0, id(*come), device]);
        }
    }

    fn run(mut self, tx: &mut Tx<'_>) -> Result<(), Error> {
        // Memberships lie by group, then device: in key order neighbours share a page.
        for rows in [&mut self.join, &mut self.leave].into_iter().flatten() {
            rows.sort_unstable_by_key(|row| match (&row[1], &row[2]) {
                (Value::Uuid(group), Value::Uuid(device)) => (*group, *device),
                _ => (Uuid::nil(), Uuid::nil()),
            });
        }
        for (sql, rows) in [
            (
                "INSERT INTO device (tenant, id, doc, version, organization_group, user_id, friendly_name, platform, \
                 serial_number, udid, external_id, manufacturer, model, os_version, ownership, enrollment, risk, \
                 protection, compliance, score, created_at, due_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, \
                 $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)",
                &self.insert,
            ),
            ("UPDATE device SET doc = $3, version = $4, compliance = $5 WHERE tenant = $1 AND id = $2", &self.doc),
            (
                "UPDATE device SET doc = $3, version = $4, compliance = $5, risk = $6, score = $7 \
                 WHERE tenant = $1 AND id = $2",
                &self.rated,
            ),
            (
                "UPDATE device SET organization_group = $3, user_id = $4, friendly_name = $5, platform = $6, \
                 serial_number = $7, udid = $8, external_id = $9, manufacturer = $10, model = $11, os_version = $12, \
                 ownership = $13, enrollment = $14 WHERE tenant = $1 AND id = $2",
                &self.identity,
            ),
            ("UPDATE device SET protection = $3 WHERE tenant = $1 AND id = $2", &self.protection),
            ("UPDATE device SET due_at = $3 WHERE tenant = $1 AND id = $2", &self.due),
            ("DELETE FROM device_tag WHERE tenant = $1 AND tag = $2 AND device_id = $3", &self.leave[TAG]),
            (
                "INSERT INTO device_tag (tenant, tag, device_id) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                &self.join[TAG],
            ),
            (
                "DELETE FROM device_smart_group WHERE tenant = $1 AND smart_group = $2 AND device_id = $3",
                &self.leave[GROUP],
            ),
            (
                "INSERT INTO device_smart_group (tenant, smart_group, device_id) VALUES ($1, $2, $3) \
                 ON CONFLICT DO NOTHING",
                &self.join[GROUP],
            ),
            (
                "INSERT INTO device_profile (tenant, profile, device_id, status) VALUES ($1, $2, $3, $4) \
                 ON CONFLICT (tenant, profile, device_id) DO UPDATE SET status = excluded.status",
                &self.profile,
            ),
            ("DELETE FROM device_profile WHERE tenant = $1 AND profile = $2 AND device_id = $3", &self.profile_gone),
        ] {
            if !rows.is_empty() {
                tx.execute_many(sql, rows)?;
            }
        }
        Ok(())
    }
}

/// The columns that say what a device is.
fn identity(device: &Device) -> Result<Vec<Value>, Error> {
    Ok(row![
        device.organization_group.0,
        device.user.map(|user| user.0),
        &device.friendly_name,
        device.platform.as_str(),
        device.serial_number.as_deref(),
        device.udid.as_deref(),
        device.external_id.as_deref(),
        device.manufacturer.as_deref(),
        device.model.as_deref(),
        device.os_version.as_deref(),
        device.ownership.map(|ownership| json::word(&ownership)).transpose()?,
        device.enrollment.as_str(),
    ])
}

/// Where each profile stands on the device.
fn statuses(record: &DeviceRecord) -> BTreeMap<ProfileId, &'static str> {
    let targets = record.posture.profiles.iter();
    targets.filter_map(|target| Some((target.profile, record.profile_status(target)?.as_str()))).collect()
}

impl DeviceRecord {
    /// Where a profile stands on the device; `None` if there is nothing to say.
    pub fn profile_status(
        &self,
        target: &allclear_domain::posture::ProfileTarget,
    ) -> Option<allclear_domain::profile::ProfileStatus> {
        use allclear_domain::{
            posture::TargetReason,
            profile::{Desired, ProfileReport, ProfileStatus},
        };
        let report = self.facts.reports.iter().find(|report| report.profile == target.profile);
        let status = match report {
            Some(report) => report.status(target.desired),
            None => ProfileReport::new(target.profile).status(target.desired),
        };
        match (status, target.desired, target.reason) {
            (None, Desired::Nothing, TargetReason::NotMatching | TargetReason::MatchUnknown) => {
                Some(ProfileStatus::NotApplicable)
            }
            (status, _, _) => status,
        }
    }
}

/// Deletes a device and the rows about it, its threats too. Journal entries stay.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, record: &DeviceRecord) -> Result<(), Error> {
    let id = record.id().0;
    for tag in &record.facts.device.tags {
        tx.execute(
            "DELETE FROM device_tag WHERE tenant = $1 AND tag = $2 AND device_id = $3",
            params![tenant.0, tag.0, id],
        )?;
    }
    for group in &record.posture.smart_groups {
        tx.execute(
            "DELETE FROM device_smart_group WHERE tenant = $1 AND smart_group = $2 AND device_id = $3",
            params![tenant.0, group.0, id],
        )?;
    }
    for target in &record.posture.profiles {
        tx.execute(
            "DELETE FROM device_profile WHERE tenant = $1 AND profile = $2 AND device_id = $3",
            params![tenant.0, target.profile.0, id],
        )?;
    }
    threats::delete_of_device(tx, tenant, record)?;
    items::delete_of_device(tx, tenant, record.id())?;
    for sql in [
        "DELETE FROM device_alias WHERE tenant = $1 AND device_id = $2",
        "DELETE FROM device_credential WHERE tenant = $1 AND device_id = $2",
        "DELETE FROM device_command WHERE tenant = $1 AND device_id = $2",
        "DELETE FROM apple_enrollment WHERE tenant = $1 AND device_id = $2",
        "DELETE FROM device WHERE tenant = $1 AND id = $2",
    ] {
        tx.execute(sql, params![tenant.0, id])?;
    }
    Ok(())
}

/// The ids of devices that are due at `now`, the longest overdue first.
pub fn due(tx: &mut Tx<'_>, tenant: Tenant, now: Time, limit: i64) -> Result<Vec<DeviceId>, Error> {
    let ids: Vec<Uuid> = tx.query(
        "SELECT id FROM device WHERE tenant = $1 AND due_at <= $2 ORDER BY due_at LIMIT $3",
        params![tenant.0, now.as_micros(), limit],
    )?;
    Ok(ids.into_iter().map(DeviceId).collect())
}

/// When the next device of the tenant is due.
pub fn next_due(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Option<Time>, Error> {
    let due: Option<i64> = tx.query_opt(
        "SELECT due_at FROM device WHERE tenant = $1 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1",
        params![tenant.0],
    )?;
    Ok(due.map(Time::from_micros))
}

/// The devices of a user.
pub fn of_user(tx: &mut Tx<'_>, tenant: Tenant, user: UserId) -> Result<Vec<DeviceId>, Error> {
    let ids: Vec<Uuid> =
        tx.query("SELECT id FROM device WHERE tenant = $1 AND user_id = $2 ORDER BY id", params![tenant.0, user.0])?;
    Ok(ids.into_iter().map(DeviceId).collect())
}
