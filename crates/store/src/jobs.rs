//! Jobs: work that goes on after the request that started it, in steps, whoever carries it on.

use allclear_domain::{
    ids::{DeviceId, ItemId, JobId, OrganizationGroupId, ProfileId, SmartGroupId, Tenant, UserId},
    time::Time,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Error,
    db::{FromRow, Row, Tx, Value},
    json, params,
};

/// Which devices a re-evaluation concerns: all of these parts together.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Scope {
    /// All of the tenant.
    pub all: bool,
    /// Those with a risk level above none.
    pub at_risk: bool,
    /// Those that live in one of these organization groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub organization_groups: Vec<OrganizationGroupId>,
    /// Those with an open threat of one of these classifications.
    pub classifications: Vec<String>,
    /// The present members of these smart groups.
    pub smart_groups: Vec<SmartGroupId>,
    /// Those that one of these profiles concerns now.
    pub profiles: Vec<ProfileId>,
    /// These.
    pub devices: Vec<DeviceId>,
    /// Those of these users.
    pub users: Vec<UserId>,
    /// Those that have one of these items.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<ItemId>,
}

impl Scope {
    /// All devices of the tenant.
    pub fn all() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// The queries whose results together are the scope: a condition on `$1` tenant and `$2` one more value, the
    /// column with the device's id, and the value.
    fn parts(&self) -> Vec<(&'static str, &'static str, Value)> {
        if self.all {
            return vec![("device WHERE tenant = $1 AND $2 = 0", "id", Value::Int(0))];
        }
        let mut parts = Vec::new();
        if self.at_risk {
            parts.push(("device WHERE tenant = $1 AND risk > 0 AND $2 = 0", "id", Value::Int(0)));
        }
        for group in &self.organization_groups {
            parts.push(("device WHERE tenant = $1 AND organization_group = $2", "id", Value::from(group.0)));
        }
        for name in &self.classifications {
            let open = "threat WHERE tenant = $1 AND status = 'open' AND classification = $2";
            parts.push((open, "device_id", Value::from(name)));
        }
        for group in &self.smart_groups {
            let members = "device_smart_group WHERE tenant = $1 AND smart_group = $2";
            parts.push((members, "device_id", Value::from(group.0)));
        }
        for profile in &self.profiles {
            parts.push(("device_profile WHERE tenant = $1 AND profile = $2", "device_id", Value::from(profile.0)));
        }
        for device in &self.devices {
            parts.push(("device WHERE tenant = $1 AND id = $2", "id", Value::from(device.0)));
        }
        for user in &self.users {
            parts.push(("device WHERE tenant = $1 AND user_id = $2", "id", Value::from(user.0)));
        }
        for item in &self.items {
            parts.push(("device_item WHERE tenant = $1 AND item = $2", "device_id", Value::from(item.0)));
        }
        parts
    }
}

/// How far a job has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Not begun.
    Waiting,
    /// Under way.
    Running,
    /// Finished.
    Done,
}

/// A job.
#[derive(Clone, PartialEq, Debug)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// What it does: `reevaluation`, or `indicators`, which are compared anew as well.
    pub kind: String,
    /// Which devices it concerns.
    pub scope: Scope,
    /// Why it was started, for people.
    pub reason: String,
    /// How far it has come.
    pub state: JobState,
    /// The last device done: in key order, so that it can be carried on from there.
    pub progress: Option<DeviceId>,
    /// How many devices it concerns, as counted when it began.
    pub total: i64,
    /// How many are done.
    pub done: i64,
    /// How many of those changed.
    pub changed: i64,
    /// When it was started.
    pub created_at: Time,
    /// Who started it.
    pub created_by: String,
    /// When it last moved.
    pub updated_at: Time,
}

struct JobRow(Uuid, String, String, String, String, Option<String>, [i64; 5], String);

impl FromRow for JobRow {
    fn from_row(row: &Row<'_>) -> Result<Self, crate::db::Error> {
        Ok(Self(
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
            [row.get(6)?, row.get(7)?, row.get(8)?, row.get(9)?, row.get(10)?],
            row.get(11)?,
        ))
    }
}

impl JobRow {
    fn job(self) -> Result<Job, Error> {
        let JobRow(id, kind, scope, reason, state, progress, [total, done, changed, created, updated], created_by) =
            self;
        Ok(Job {
            id: JobId(id),
            kind,
            scope: json::decode(&scope)?,
            reason,
            state: json::from_word(state)?,
            progress: progress
                .map(|text| text.parse().map_err(|error: uuid::Error| Error::damaged("job's progress", error)))
                .transpose()?,
            total,
            done,
            changed,
            created_at: Time::from_micros(created),
            created_by,
            updated_at: Time::from_micros(updated),
        })
    }
}

const COLUMNS: &str =
    "id, kind, scope, reason, state, progress, total, done, changed, created_at, updated_at, created_by";

/// Adds a job, unless one of the kind with the same scope has not begun yet: that one will do the same. Returns its id.
pub fn insert(tx: &mut Tx<'_>, tenant: Tenant, job: &Job) -> Result<JobId, Error> {
    let scope = json::encode(&job.scope)?;
    let waiting: Option<Uuid> = tx.query_opt(
        "SELECT id FROM job \
         WHERE tenant = $1 AND state <> 'done' AND state = 'waiting' AND kind = $2 AND scope = $3 LIMIT 1",
        params![tenant.0, &job.kind, &scope],
    )?;
    if let Some(id) = waiting {
        return Ok(JobId(id));
    }
    tx.execute(
        "INSERT INTO job (tenant, id, kind, scope, reason, state, total, done, changed, created_at, created_by, \
         updated_at, lease_until) VALUES ($1, $2, $3, $4, $5, $6, $7, 0, 0, $8, $9, $8, 0)",
        params![
            tenant.0,
            job.id.0,
            &job.kind,
            scope,
            &job.reason,
            json::word(&job.state)?,
            job.total,
            job.created_at.as_micros(),
            &job.created_by
        ],
    )?;
    Ok(job.id)
}

/// A job by id.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: JobId) -> Result<Option<Job>, Error> {
    let row: Option<JobRow> =
        tx.query_opt(&format!("SELECT {COLUMNS} FROM job WHERE tenant = $1 AND id = $2"), params![tenant.0, id.0])?;
    row.map(JobRow::job).transpose()
}

/// Jobs, newest first, before one.
pub fn list(tx: &mut Tx<'_>, tenant: Tenant, before: Option<JobId>, limit: i64) -> Result<Vec<Job>, Error> {
    let rows: Vec<JobRow> = tx.query(
        &format!("SELECT {COLUMNS} FROM job WHERE tenant = $1 AND id < $2 ORDER BY id DESC LIMIT $3"),
        params![tenant.0, before.map_or(Uuid::max(), |before| before.0), limit],
    )?;
    rows.into_iter().map(JobRow::job).collect()
}

/// Takes the oldest unfinished job of a tenant for a node until `until`, unless another node has it.
pub fn lease(tx: &mut Tx<'_>, tenant: Tenant, node: &str, now: Time, until: Time) -> Result<Option<Job>, Error> {
    let row: Option<JobRow> = tx.query_opt(
        &format!(
            "SELECT {COLUMNS} FROM job WHERE tenant = $1 AND state <> 'done' \
             AND (lease_owner IS NULL OR lease_owner = $2 OR lease_until < $3) ORDER BY id LIMIT 1"
        ),
        params![tenant.0, node, now.as_micros()],
    )?;
    let Some(job) = row.map(JobRow::job).transpose()? else { return Ok(None) };
    tx.execute(
        "UPDATE job SET lease_owner = $3, lease_until = $4 WHERE tenant = $1 AND id = $2",
        params![tenant.0, job.id.0, node, until.as_micros()],
    )?;
    Ok(Some(job))
}

/// Writes how far a job has come.
pub fn update(tx: &mut Tx<'_>, tenant: Tenant, job: &Job) -> Result<(), Error> {
    tx.execute(
        "UPDATE job SET state = $3, progress = $4, total = $5, done = $6, changed = $7, updated_at = $8 \
         WHERE tenant = $1 AND id = $2",
        params![
            tenant.0,
            job.id.0,
            json::word(&job.state)?,
            job.progress.map(|device| device.to_string()),
            job.total,
            job.done,
            job.changed,
            job.updated_at.as_micros()
        ],
    )?;
    Ok(())
}

/// Deletes finished jobs older than a time.
pub fn purge(tx: &mut Tx<'_>, tenant: Tenant, before: Time) -> Result<u64, Error> {
    Ok(tx.execute(
        "DELETE FROM job WHERE tenant = $1 AND state = 'done' AND updated_at < $2",
        params![tenant.0, before.as_micros()],
    )?)
}

/// The next devices of a scope, by id, after one.
///
/// Each part of a scope gives its next few, so that a step costs what it yields whatever the size of the fleet.
pub fn devices(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    scope: &Scope,
    after: Option<DeviceId>,
    limit: i64,
) -> Result<Vec<DeviceId>, Error> {
    let after = after.map_or(Uuid::nil(), |after| after.0);
    let mut ids: Vec<Uuid> = Vec::new();
    for (part, column, value) in scope.parts() {
        let sql = format!("SELECT DISTINCT {column} FROM {part} AND {column} > $3 ORDER BY {column} LIMIT $4");
        ids.extend(tx.query::<Uuid>(&sql, params![tenant.0, value, after, limit])?);
    }
    ids.sort_unstable();
    ids.dedup();
    ids.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(ids.into_iter().map(DeviceId).collect())
}

/// How many devices a scope concerns; those in several parts are counted more than once.
pub fn count(tx: &mut Tx<'_>, tenant: Tenant, scope: &Scope) -> Result<i64, Error> {
    let mut total = 0;
    for (part, column, value) in scope.parts() {
        let sql = format!("SELECT count(DISTINCT {column}) FROM {part}");
        total += tx.query_opt::<i64>(&sql, params![tenant.0, value])?.unwrap_or(0);
    }
    Ok(total)
}

/// Whether the tenant has an unfinished job.
pub fn any(tx: &mut Tx<'_>, tenant: Tenant) -> Result<bool, Error> {
    let id: Option<Uuid> =
        tx.query_opt("SELECT id FROM job WHERE tenant = $1 AND state <> 'done' LIMIT 1", params![tenant.0])?;
    Ok(id.is_some())
}
