//! Changing what kinds of threats are called, and what their owners are told to do, in any language.

use allclear_domain::{
    classification::{Classification, OwnText},
    template::language,
};
use allclear_store::classification_texts as stored;

use crate::{Error, Problem, templates::MOST_LANGUAGES, work::Work};

/// The language of a tag as texts are kept under it, or why there is none.
pub fn language(tag: &str) -> Result<String, Error> {
    if language::is_tag(tag) { Ok(language::normal(tag)) } else { Err(Error::NotFound("text")) }
}

/// Changes or adds the text of a kind in a language. `version` is what the caller saw: 0 where the tenant has none of its
/// own. Returns the version now; 0 where the text is the shipped one.
pub fn set(
    work: &mut Work<'_, '_>,
    kind: &'static Classification,
    language: &str,
    text: &OwnText,
    version: i64,
) -> Result<i64, Error> {
    let before = stored::get(work.tx, work.tenant, kind.id, language)?;
    let present = before.as_ref().map_or(0, |(_, version)| *version);
    super::same_version(version, present)?;
    let problems = text.problems();
    Error::check(problems.into_iter().map(|(pointer, detail)| Problem::new(pointer, detail)).collect())?;
    if kind.shipped(language).is_some_and(|shipped| (shipped.name, shipped.advice) == (&text.name, &text.user_text)) {
        return reset(work, kind, language, None).map(|()| 0);
    }
    let others = work.rules().templates.texts.languages().filter(|other| *other != language).count();
    if others >= MOST_LANGUAGES {
        return Err(Error::Conflict(format!("there are texts in {MOST_LANGUAGES} languages already")));
    }
    if before.as_ref().is_some_and(|(before, _)| before == text) {
        return Ok(present);
    }
    stored::set(work.tx, work.tenant, kind.id, language, text, present + 1)?;
    changed(work, kind, language, before.map(|(before, _)| before).as_ref(), Some(text))?;
    Ok(present + 1)
}

/// Puts the text of a kind back to the shipped one; in a language that is not shipped, takes it away.
pub fn reset(
    work: &mut Work<'_, '_>,
    kind: &'static Classification,
    language: &str,
    version: Option<i64>,
) -> Result<(), Error> {
    let before = stored::get(work.tx, work.tenant, kind.id, language)?;
    if let Some(version) = version {
        super::same_version(version, before.as_ref().map_or(0, |(_, version)| *version))?;
    }
    match before {
        Some((before, _)) => {
            stored::delete(work.tx, work.tenant, kind.id, language)?;
            changed(work, kind, language, Some(&before), None)
        }
        None if kind.shipped(language).is_some() => Ok(()),
        None => Err(Error::NotFound("text")),
    }
}

fn changed(
    work: &mut Work<'_, '_>,
    kind: &Classification,
    language: &str,
    before: Option<&OwnText>,
    after: Option<&OwnText>,
) -> Result<(), Error> {
    let id = format!("{}/{language}", kind.id);
    super::note(work, "classification_text", &id, &format!("{} ({language})", kind.name), None, before, after);
    work.rules_changed()
}
