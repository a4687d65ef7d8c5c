//! What is set about sets of indicators, and what became of looking for news.

use allclear_domain::{
    classification,
    ids::{IndicatorSetId, JobId},
    indicator::Origin,
    journal::{Change, Object},
    time::Span,
};
use allclear_store::{
    indicator_sets::{self as stored, Content, IndicatorSet},
    indicators,
    jobs::Scope,
};
use serde_json::{Value, json};

use crate::{Error, jobs, work::Work};

/// The most sets of a tenant.
const MOST: usize = 200;
/// The longest pause after something went wrong.
const AFTER_FAILURE: Span = Span::seconds(3600);

/// A set to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewSet {
    /// Its name, unique in the tenant.
    pub name: String,
    /// Where its content comes from.
    pub origin: Origin,
    /// What all of its indicators are taken for, in place of what the content says.
    pub classification: Option<String>,
    /// Where it is fetched from; of the origin URL only.
    pub url: Option<String>,
    /// How often it is fetched, in seconds; 0 for what is not fetched.
    pub refresh_seconds: u32,
}

/// A change of a set. What is none stays.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct SetEdit {
    /// Its new name.
    pub name: Option<String>,
    /// What all of its indicators are taken for from now on; none within: what the content says.
    pub classification: Option<Option<String>>,
    /// Where it is fetched from.
    pub url: Option<String>,
    /// How often it is fetched, in seconds.
    pub refresh_seconds: Option<u32>,
}

/// What the journal shows of a set.
fn outline(set: &IndicatorSet) -> Value {
    json!({
        "name": set.name, "origin": set.origin, "classification": set.classification, "url": set.url,
        "refresh_seconds": set.refresh_seconds,
    })
}

pub(super) fn note(work: &mut Work<'_, '_>, set: &IndicatorSet, change: Change) {
    let object = Object { kind: "indicator_set".into(), id: set.id.to_string(), name: set.name.clone() };
    work.note(object, None, change);
}

pub(super) fn note_deleted(work: &mut Work<'_, '_>, set: &IndicatorSet) {
    note(work, set, Change::Deleted { before: outline(set) });
}

pub(super) fn get(work: &mut Work<'_, '_>, id: IndicatorSetId) -> Result<IndicatorSet, Error> {
    stored::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound("indicator set"))
}

fn name_taken(error: allclear_store::Error) -> Error {
    if error.is_unique_violation() {
        Error::Conflict("there is an indicator set of that name already".into())
    } else {
        error.into()
    }
}

/// The id of the row of Protections that is meant.
fn known(name: Option<String>) -> Result<Option<String>, Error> {
    let Some(name) = name else { return Ok(None) };
    let id = classification::canonical(&name);
    match classification::find(id) {
        Some(_) => Ok(Some(id.to_owned())),
        None => Err(Error::invalid("/classification", "is no classification")),
    }
}

/// Makes a set without content. One with a URL is due at once.
pub fn create(work: &mut Work<'_, '_>, new: NewSet) -> Result<IndicatorSetId, Error> {
    if stored::list(work.tx, work.tenant)?.len() >= MOST {
        return Err(Error::Conflict(format!("there are {MOST} indicator sets already, which is the most")));
    }
    let set = IndicatorSet {
        id: IndicatorSetId(work.source.id()),
        name: new.name,
        origin: new.origin,
        classification: known(new.classification)?,
        next_check_at: (new.origin == Origin::Url).then_some(work.now),
        url: new.url,
        refresh_seconds: new.refresh_seconds,
        content: Content::default(),
        loading: None,
        checked_at: None,
        error: None,
        version: 1,
        created_at: work.now,
        changed_at: work.now,
    };
    stored::insert(work.tx, work.tenant, &set).map_err(name_taken)?;
    note(work, &set, Change::Created { after: outline(&set) });
    Ok(set.id)
}

/// Changes a set that is at this version. Returns the job that compares the devices anew, if the change needs it.
pub fn edit(work: &mut Work<'_, '_>, id: IndicatorSetId, version: i64, edit: SetEdit) -> Result<Option<JobId>, Error> {
    let old = get(work, id)?;
    if old.version != version {
        return Err(Error::Stale(old.version));
    }
    let mut new = old.clone();
    if let Some(name) = edit.name {
        new.name = name;
    }
    if let Some(classification) = edit.classification {
        new.classification = known(classification)?;
    }
    if old.origin == Origin::Folder && new.name != old.name {
        return Err(Error::invalid("/name", "is that of the file in the server's folder"));
    }
    let fetched = (edit.url.is_some() || edit.refresh_seconds.is_some()) && old.origin != Origin::Url;
    if fetched {
        return Err(Error::invalid("/url", "is for sets that are fetched"));
    }
    if let Some(seconds) = edit.refresh_seconds {
        new.refresh_seconds = seconds;
        new.next_check_at = old.checked_at.map_or(old.next_check_at, |at| Some(at.plus(Span::seconds(seconds.into()))));
    }
    if let Some(url) = edit.url.filter(|url| old.url.as_ref() != Some(url)) {
        new.url = Some(url);
        (new.content.etag, new.content.last_modified, new.next_check_at) = (None, None, Some(work.now));
    }
    if new == old {
        return Ok(None);
    }
    (new.version, new.changed_at) = (old.version + 1, work.now);
    let mut job = None;
    if new.classification != old.classification {
        let before = match &old.classification {
            Some(one) => vec![one.clone()],
            None => indicators::classifications(work.tx, work.tenant, id)?,
        };
        let scope = Scope { classifications: before, ..Scope::default() };
        let reason = format!("the indicator set {} stands for another kind of threat", new.name);
        job = Some(jobs::compare(work, scope, reason)?);
    }
    stored::update(work.tx, work.tenant, &new).map_err(name_taken)?;
    note(work, &new, Change::Updated { before: outline(&old), after: outline(&new) });
    Ok(job)
}

/// Has a set fetched at once.
pub fn refresh(work: &mut Work<'_, '_>, id: IndicatorSetId) -> Result<(), Error> {
    let mut set = get(work, id)?;
    if set.origin != Origin::Url {
        return Err(Error::Conflict("only a set with a URL is fetched".into()));
    }
    set.next_check_at = Some(work.now);
    Ok(stored::update(work.tx, work.tenant, &set)?)
}

/// Writes down that a set was looked at and gave nothing new: what went wrong, if anything.
pub fn note_check(work: &mut Work<'_, '_>, id: IndicatorSetId, error: Option<String>) -> Result<(), Error> {
    let Some(mut set) = stored::get(work.tx, work.tenant, id)? else { return Ok(()) };
    looked(&mut set, work.now, error);
    Ok(stored::update(work.tx, work.tenant, &set)?)
}

/// What a set is like after it was looked at.
pub(super) fn looked(set: &mut IndicatorSet, now: allclear_domain::time::Time, error: Option<String>) {
    set.checked_at = Some(now);
    if set.origin == Origin::Url {
        let regular = Span::seconds(set.refresh_seconds.into());
        let pause = if error.is_some() { regular.min(AFTER_FAILURE) } else { regular };
        set.next_check_at = Some(now.plus(pause));
    }
    set.error = error;
}
