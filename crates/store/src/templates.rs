//! The templates a tenant changed or added. Must not know what a template may say.

use allclear_domain::{
    ids::Tenant,
    template::{TemplateKey, TemplateText, Templates},
    time::Time,
};

use crate::{
    Error, classification_texts, db,
    db::{FromRow, Row, Tx},
    json, logos, params,
};

/// A template as it is kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Which.
    pub key: TemplateKey,
    /// Its texts.
    pub text: TemplateText,
    /// Grows with every change, from 1.
    pub version: i64,
    /// When it was changed last.
    pub changed_at: Time,
    /// Who changed it last.
    pub changed_by: String,
}

/// A row as the database gives it: words of trigger and channel, then the rest.
struct Raw([String; 3], TemplateText, i64, i64, String);

impl FromRow for Raw {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        let words = [row.get(0)?, row.get(1)?, row.get(2)?];
        let text = TemplateText { subject: row.get(3)?, body: row.get(4)?, html: row.get(5)? };
        Ok(Self(words, text, row.get(6)?, row.get(7)?, row.get(8)?))
    }
}

impl Raw {
    fn read(self) -> Result<Stored, Error> {
        let Self([trigger, channel, language], text, version, changed_at, changed_by) = self;
        let key = TemplateKey { trigger: json::from_word(trigger)?, channel: json::from_word(channel)?, language };
        Ok(Stored { key, text, version, changed_at: Time::from_micros(changed_at), changed_by })
    }
}

const COLUMNS: &str = "occasion, channel, language, subject, body, html, version, changed_at, changed_by";

/// A tenant's templates.
pub fn list(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<Stored>, Error> {
    let sql =
        format!("SELECT {COLUMNS} FROM notification_template WHERE tenant = $1 ORDER BY language, occasion, channel");
    tx.query::<Raw>(&sql, params![tenant.0])?.into_iter().map(Raw::read).collect()
}

/// A tenant's template, where it has its own.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, key: &TemplateKey) -> Result<Option<Stored>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM notification_template \
         WHERE tenant = $1 AND occasion = $2 AND channel = $3 AND language = $4"
    );
    let found = params![tenant.0, json::word(&key.trigger)?, json::word(&key.channel)?, &key.language];
    tx.query_opt::<Raw>(&sql, found)?.map(Raw::read).transpose()
}

/// Writes a template; the caller has compared the version.
pub fn set(tx: &mut Tx<'_>, tenant: Tenant, stored: &Stored) -> Result<(), Error> {
    let Stored { key, text, .. } = stored;
    tx.execute(
        "INSERT INTO notification_template (tenant, occasion, channel, language, subject, body, html, version, \
         changed_at, changed_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (tenant, occasion, channel, language) DO UPDATE \
         SET subject = excluded.subject, body = excluded.body, html = excluded.html, version = excluded.version, \
         changed_at = excluded.changed_at, changed_by = excluded.changed_by",
        params![
            tenant.0,
            json::word(&key.trigger)?,
            json::word(&key.channel)?,
            &key.language,
            text.subject.as_deref(),
            &text.body,
            text.html.as_deref(),
            stored.version,
            stored.changed_at.as_micros(),
            &stored.changed_by
        ],
    )?;
    Ok(())
}

/// Removes a tenant's own template.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, key: &TemplateKey) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM notification_template WHERE tenant = $1 AND occasion = $2 AND channel = $3 AND language = $4",
        params![tenant.0, json::word(&key.trigger)?, json::word(&key.channel)?, &key.language],
    )?;
    Ok(())
}

/// All that the composer needs to know of a tenant.
pub fn load(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Templates, Error> {
    let own = list(tx, tenant)?.into_iter().map(|stored| (stored.key, stored.text)).collect();
    Ok(Templates { own, logo: logos::exists(tx, tenant)?, texts: classification_texts::load(tx, tenant)? })
}
