//! What a tenant says of kinds of threats, in any language. Must not know what is shipped.

use allclear_domain::{
    classification::{OwnText, OwnTexts},
    ids::Tenant,
};

use crate::{Error, db::Tx, params};

/// All texts of a tenant.
pub fn load(tx: &mut Tx<'_>, tenant: Tenant) -> Result<OwnTexts, Error> {
    let rows: Vec<(String, String, String, String)> = tx.query(
        "SELECT classification, language, name, user_text FROM classification_text WHERE tenant = $1",
        params![tenant.0],
    )?;
    let mut texts = OwnTexts::default();
    for (classification, language, name, user_text) in rows {
        texts.set(&classification, &language, OwnText { name, user_text });
    }
    Ok(texts)
}

/// A tenant's text and its version, which is at least 1; none where it has none of its own.
pub fn get(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    classification: &str,
    language: &str,
) -> Result<Option<(OwnText, i64)>, Error> {
    let found: Option<(String, String, i64)> = tx.query_opt(
        "SELECT name, user_text, version FROM classification_text \
         WHERE tenant = $1 AND classification = $2 AND language = $3",
        params![tenant.0, classification, language],
    )?;
    Ok(found.map(|(name, user_text, version)| (OwnText { name, user_text }, version)))
}

/// The versions of a tenant's texts of a classification, by language.
pub fn versions(tx: &mut Tx<'_>, tenant: Tenant, classification: &str) -> Result<Vec<(String, i64)>, Error> {
    Ok(tx.query(
        "SELECT language, version FROM classification_text WHERE tenant = $1 AND classification = $2",
        params![tenant.0, classification],
    )?)
}

/// Writes a text; the caller has compared the version.
pub fn set(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    classification: &str,
    language: &str,
    text: &OwnText,
    version: i64,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO classification_text (tenant, classification, language, name, user_text, version) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, classification, language) DO UPDATE \
         SET name = excluded.name, user_text = excluded.user_text, version = excluded.version",
        params![tenant.0, classification, language, &text.name, &text.user_text, version],
    )?;
    Ok(())
}

/// Removes a text.
pub fn delete(tx: &mut Tx<'_>, tenant: Tenant, classification: &str, language: &str) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM classification_text WHERE tenant = $1 AND classification = $2 AND language = $3",
        params![tenant.0, classification, language],
    )?;
    Ok(())
}
