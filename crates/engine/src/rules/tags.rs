//! Creating, renaming and deleting tags.

use allclear_domain::{
    ids::{JobId, TagId},
    tag::Tag,
};
use allclear_store::{jobs::Scope, tags as stored};

use crate::{Error, jobs, work::Work};

/// Creates an ordinary tag.
pub fn create(work: &mut Work<'_, '_>, name: &str) -> Result<Tag, Error> {
    Error::check(super::name_problem("/name", name).into_iter().collect())?;
    let tag = Tag { id: TagId(work.source.id()), name: name.to_owned(), engine: None };
    super::name_taken(stored::insert(work.tx, work.tenant, &tag), "tag")?;
    super::note(work, "tag", &tag.id, name, None, None, Some(&tag));
    work.rules_changed()?;
    Ok(tag)
}

/// Renames a tag; the engine's may be renamed, too. Returns it and its version now.
pub fn rename(work: &mut Work<'_, '_>, id: TagId, name: &str, version: Option<i64>) -> Result<(Tag, i64), Error> {
    Error::check(super::name_problem("/name", name).into_iter().collect())?;
    let (before, present) = stored::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound("tag"))?;
    if let Some(version) = version {
        super::same_version(version, present)?;
    }
    let after = Tag { name: name.to_owned(), ..before.clone() };
    super::name_taken(stored::rename(work.tx, work.tenant, id, name, present + 1), "tag")?;
    super::note(work, "tag", &id, name, None, Some(&before), Some(&after));
    work.rules_changed()?;
    Ok((after, present + 1))
}

/// Deletes an ordinary tag and takes it off all devices. Refused while a smart group or profile asks for it.
pub fn delete(work: &mut Work<'_, '_>, id: TagId) -> Result<JobId, Error> {
    let (tag, _) = stored::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound("tag"))?;
    if tag.engine.is_some() {
        return Err(Error::Conflict("the engine's own tags cannot be deleted, only renamed".into()));
    }
    let rules = work.rules();
    let group = rules.smart_groups.iter().find(|group| group.selection.criteria.tags.tags.contains(&id));
    if let Some(group) = group {
        return Err(Error::Conflict(format!("smart group \"{}\" selects by this tag", group.name)));
    }
    let profile = rules.profiles.iter().find(|profile| profile.spec.install_criteria.tags.tags.contains(&id));
    if let Some(profile) = profile {
        return Err(Error::Conflict(format!("profile \"{}\" is limited by this tag", profile.name)));
    }
    stored::delete(work.tx, work.tenant, id)?;
    super::note(work, "tag", &id, &tag.name, None, Some(&tag), None);
    work.rules_changed()?;
    jobs::reevaluate(work, Scope::all(), format!("tag \"{}\" deleted", tag.name))
}
