//! Sets of indicators: what is set about each, what was loaded last, and when it is looked for news.

use allclear_domain::{
    ids::{IndicatorSetId, Tenant},
    indicator::{Origin, Skipped},
    time::Time,
};
use uuid::Uuid;

use crate::{
    Error, db,
    db::{FromRow, Row, Tx, Value},
    json, params, row,
};

/// A set of indicators.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IndicatorSet {
    /// Its id.
    pub id: IndicatorSetId,
    /// Its name, unique in the tenant; of a file its name.
    pub name: String,
    /// Where its content comes from.
    pub origin: Origin,
    /// What all of its indicators are taken for, in place of what the content says.
    pub classification: Option<String>,
    /// Where it is fetched from.
    pub url: Option<String>,
    /// How often it is fetched, in seconds; 0 for what is not fetched.
    pub refresh_seconds: u32,
    /// What was loaded last.
    pub content: Content,
    /// Who is loading it: of two only the later goes on.
    pub loading: Option<Uuid>,
    /// When its URL or file was looked at last.
    pub checked_at: Option<Time>,
    /// What went wrong then.
    pub error: Option<String>,
    /// When it is fetched next.
    pub next_check_at: Option<Time>,
    /// Grows with every edit; what is loaded does not count.
    pub version: i64,
    /// When it was made.
    pub created_at: Time,
    /// When it was edited last.
    pub changed_at: Time,
}

/// What a set held when it was loaded last.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Content {
    /// The format it was in.
    pub format: Option<String>,
    /// How many indicators it gave.
    pub indicators: i64,
    /// How much of it gave none.
    pub skipped: i64,
    /// The first of that, with the reasons.
    pub findings: Vec<Skipped>,
    /// SHA-256 of it.
    pub digest: Option<String>,
    /// What the server it came from calls this version.
    pub etag: Option<String>,
    /// When the server it came from says that it was changed.
    pub last_modified: Option<String>,
    /// When it was loaded.
    pub loaded_at: Option<Time>,
}

const COLUMNS: &str = "id, name, origin, classification, url, refresh_seconds, format, indicators, skipped, findings, \
                       digest, etag, last_modified, loaded_at, loading, checked_at, error, next_check_at, version, \
                       created_at, changed_at";

/// A row: words and JSON are read afterwards.
struct Raw(IndicatorSet, String, String);

impl FromRow for Raw {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        let time = |at: usize| row.get::<Option<i64>>(at).map(|at| at.map(Time::from_micros));
        let set = IndicatorSet {
            id: IndicatorSetId(row.get(0)?),
            name: row.get(1)?,
            origin: Origin::Upload,
            classification: row.get(3)?,
            url: row.get(4)?,
            refresh_seconds: row.get(5)?,
            content: Content {
                format: row.get(6)?,
                indicators: row.get(7)?,
                skipped: row.get(8)?,
                findings: Vec::new(),
                digest: row.get(10)?,
                etag: row.get(11)?,
                last_modified: row.get(12)?,
                loaded_at: time(13)?,
            },
            loading: row.get(14)?,
            checked_at: time(15)?,
            error: row.get(16)?,
            next_check_at: time(17)?,
            version: row.get(18)?,
            created_at: Time::from_micros(row.get(19)?),
            changed_at: Time::from_micros(row.get(20)?),
        };
        Ok(Self(set, row.get(2)?, row.get(9)?))
    }
}

impl Raw {
    fn read(self) -> Result<IndicatorSet, Error> {
        let Self(mut set, origin, findings) = self;
        set.origin = json::from_word(origin)?;
        set.content.findings = json::decode(&findings)?;
        Ok(set)
    }
}

/// The values of all columns, after the tenant.
fn values(tenant: Tenant, set: &IndicatorSet) -> Result<Vec<Value>, Error> {
    let IndicatorSet { content, .. } = set;
    let micros = |at: Option<Time>| at.map(Time::as_micros);
    Ok(row![
        tenant.0,
        set.id.0,
        &set.name,
        json::word(&set.origin)?,
        set.classification.as_deref(),
        set.url.as_deref(),
        set.refresh_seconds,
        content.format.as_deref(),
        content.indicators,
        content.skipped,
        json::encode(&content.findings)?,
        content.digest.as_deref(),
        content.etag.as_deref(),
        content.last_modified.as_deref(),
        micros(content.loaded_at),
        set.loading,
        micros(set.checked_at),
        set.error.as_deref(),
        micros(set.next_check_at),
        set.version,
        set.created_at.as_micros(),
        set.changed_at.as_micros(),
    ])
}

/// A tenant's sets, by name.
pub fn list(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<IndicatorSet>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM indicator_set WHERE tenant = $1 ORDER BY name");
    tx.query::<Raw>(&sql, params![tenant.0])?.into_iter().map(Raw::read).collect()
}

/// A set by id.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, id: IndicatorSetId) -> Result<Option<IndicatorSet>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM indicator_set WHERE tenant = $1 AND id = $2");
    tx.query_opt::<Raw>(&sql, params![tenant.0, id.0])?.map(Raw::read).transpose()
}

/// Adds a set. A name that is taken is a unique violation.
pub fn insert(tx: &mut Tx<'_>, tenant: Tenant, set: &IndicatorSet) -> Result<(), Error> {
    let places: Vec<String> = (1..=22).map(|place| format!("${place}")).collect();
    let sql = format!("INSERT INTO indicator_set (tenant, {COLUMNS}) VALUES ({})", places.join(", "));
    tx.execute(&sql, &values(tenant, set)?)?;
    Ok(())
}

/// Writes a set as a whole; the caller has compared what matters.
pub fn update(tx: &mut Tx<'_>, tenant: Tenant, set: &IndicatorSet) -> Result<(), Error> {
    let columns = COLUMNS.split(", ").enumerate().skip(1);
    let columns: Vec<String> = columns.map(|(place, column)| format!("{column} = ${}", place + 2)).collect();
    let sql = format!("UPDATE indicator_set SET {} WHERE tenant = $1 AND id = $2", columns.join(", "));
    tx.execute(&sql, &values(tenant, set)?)?;
    Ok(())
}

/// Removes a set that has no indicators left.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, id: IndicatorSetId) -> Result<(), Error> {
    tx.execute("DELETE FROM indicator_set WHERE tenant = $1 AND id = $2", params![tenant.0, id.0])?;
    Ok(())
}

/// The set that is to be fetched first, if one is due.
pub fn due(tx: &mut Tx<'_>, tenant: Tenant, now: Time) -> Result<Option<IndicatorSet>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM indicator_set WHERE tenant = $1 AND next_check_at IS NOT NULL AND next_check_at <= $2 \
         ORDER BY next_check_at LIMIT 1"
    );
    tx.query_opt::<Raw>(&sql, params![tenant.0, now.as_micros()])?.map(Raw::read).transpose()
}
