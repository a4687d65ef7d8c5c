//! Profiles: the draft being edited, and every version that was published.

use allclear_domain::{
    ids::{OrganizationGroupId, ProfileId, Tenant},
    level::Platform,
    profile::{ProfileSpec, ProfileState},
    time::Time,
};
use uuid::Uuid;

use crate::{
    Error,
    db::{FromRow, Row, Tx},
    json, params,
};

/// A profile as it is kept.
#[derive(Clone, PartialEq, Debug)]
pub struct StoredProfile {
    /// Its id.
    pub id: ProfileId,
    /// Its name, unique in the tenant.
    pub name: String,
    /// Its platform.
    pub platform: Platform,
    /// Where it lives.
    pub organization_group: OrganizationGroupId,
    /// How far it has come.
    pub state: ProfileState,
    /// The version in force; 0 before the first publication.
    pub published_version: u32,
    /// What is being edited; secrets are sealed.
    pub draft: ProfileSpec,
    /// Grows with every edit.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it was changed last.
    pub updated_at: Time,
}

/// A published version.
#[derive(Clone, PartialEq, Debug)]
pub struct PublishedVersion {
    /// Its number, from 1.
    pub number: u32,
    /// What was published; secrets are sealed.
    pub spec: ProfileSpec,
    /// When.
    pub published_at: Time,
    /// By whom.
    pub published_by: String,
}

struct ProfileRow(Uuid, String, String, Uuid, String, i64, String, [i64; 3]);

impl FromRow for ProfileRow {
    fn from_row(row: &Row<'_>) -> Result<Self, crate::db::Error> {
        Ok(Self(
            row.get(0)?,
            row.get(1)?,
            row.get(2)?,
            row.get(3)?,
            row.get(4)?,
            row.get(5)?,
            row.get(6)?,
            [row.get(7)?, row.get(8)?, row.get(9)?],
        ))
    }
}

impl ProfileRow {
    fn profile(self) -> Result<StoredProfile, Error> {
        let ProfileRow(id, name, platform, group, state, published, draft, [version, created, updated]) = self;
        Ok(StoredProfile {
            id: ProfileId(id),
            name,
            platform: json::from_word(platform)?,
            organization_group: OrganizationGroupId(group),
            state: json::from_word(state)?,
            published_version: number(published)?,
            draft: json::decode(&draft)?,
            version,
            created_at: Time::from_micros(created),
            updated_at: Time::from_micros(updated),
        })
    }
}

fn number(number: i64) -> Result<u32, Error> {
    u32::try_from(number).map_err(|error| Error::damaged("profile version", error))
}

const COLUMNS: &str =
    "id, name, platform, organization_group, state, published_version, draft, version, created_at, updated_at";

/// Adds a profile.
pub fn insert(tx: &mut Tx<'_>, tenant: Tenant, profile: &StoredProfile) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO profile (tenant, id, name, platform, organization_group, state, published_version, draft, \
         version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            tenant.0,
            profile.id.0,
            &profile.name,
            profile.platform.as_str(),
            profile.organization_group.0,
            json::word(&profile.state)?,
            profile.published_version,
            json::encode(&profile.draft)?,
            profile.version,
            profile.created_at.as_micros(),
            profile.updated_at.as_micros()
        ],
    )?;
    Ok(())
}

/// Changes a profile; the caller has compared the version.
pub fn update(tx: &mut Tx<'_>, tenant: Tenant, profile: &StoredProfile) -> Result<(), Error> {
    tx.execute(
        "UPDATE profile SET name = $3, organization_group = $4, state = $5, published_version = $6, draft = $7, \
         version = $8, updated_at = $9 WHERE tenant = $1 AND id = $2",
        params![
            tenant.0,
            profile.id.0,
            &profile.name,
            profile.organization_group.0,
            json::word(&profile.state)?,
            profile.published_version,
            json::encode(&profile.draft)?,
            profile.version,
            profile.updated_at.as_micros()
        ],
    )?;
    Ok(())
}

/// A profile by id.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: ProfileId) -> Result<Option<StoredProfile>, Error> {
    let row: Option<ProfileRow> =
        tx.query_opt(&format!("SELECT {COLUMNS} FROM profile WHERE tenant = $1 AND id = $2"), params![tenant.0, id.0])?;
    row.map(ProfileRow::profile).transpose()
}

/// Profiles by name, after one.
pub fn list(tx: &mut Tx<'_>, tenant: Tenant, after: Option<&str>, limit: i64) -> Result<Vec<StoredProfile>, Error> {
    let rows: Vec<ProfileRow> = tx.query(
        &format!("SELECT {COLUMNS} FROM profile WHERE tenant = $1 AND name > $2 ORDER BY name LIMIT $3"),
        params![tenant.0, after.unwrap_or(""), limit],
    )?;
    rows.into_iter().map(ProfileRow::profile).collect()
}

/// Removes a profile that was never published.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, id: ProfileId) -> Result<(), Error> {
    tx.execute("DELETE FROM profile WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])?;
    Ok(())
}

/// Adds a published version.
pub fn publish(tx: &mut Tx<'_>, tenant: Tenant, profile: ProfileId, version: &PublishedVersion) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO profile_version (tenant, profile, number, spec, published_at, published_by) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        params![
            tenant.0,
            profile.0,
            version.number,
            json::encode(&version.spec)?,
            version.published_at.as_micros(),
            &version.published_by
        ],
    )?;
    Ok(())
}

/// The published versions of a profile, newest first.
pub fn versions(tx: &mut Tx<'_>, tenant: Tenant, profile: ProfileId) -> Result<Vec<PublishedVersion>, Error> {
    let rows: Vec<(i64, String, i64, String)> = tx.query(
        "SELECT number, spec, published_at, published_by FROM profile_version \
         WHERE tenant = $1 AND profile = $2 ORDER BY number DESC",
        params![tenant.0, profile.0],
    )?;
    rows.into_iter()
        .map(|(at, spec, published_at, published_by)| {
            Ok(PublishedVersion {
                number: number(at)?,
                spec: json::decode(&spec)?,
                published_at: Time::from_micros(published_at),
                published_by,
            })
        })
        .collect()
}

/// On how many devices a profile stands how: status and count.
pub fn status_counts(tx: &mut Tx<'_>, tenant: Tenant, profile: ProfileId) -> Result<Vec<(String, i64)>, Error> {
    Ok(tx.query(
        "SELECT status, count(*) FROM device_profile WHERE tenant = $1 AND profile = $2 GROUP BY status \
         ORDER BY status",
        params![tenant.0, profile.0],
    )?)
}
