//! Changing the rules: Protections and what is said of them, tags, smart groups, profiles and settings.
//!
//! Each change is checked, written, noted in the journal and followed by a re-evaluation of the devices it concerns, all
//! in one transaction. Functions here take the writer at work; whoever calls them has checked the caller's rights.

pub mod classification_texts;
pub mod profiles;
pub mod protections;
pub mod quickstart;
pub mod settings;
pub mod smart_groups;
pub mod tags;

use allclear_domain::{
    cycle,
    ids::OrganizationGroupId,
    journal::{Change, Object},
    rules::Rules,
};
use serde::Serialize;

use crate::{Error, Problem, work::Work};

/// The version a caller saw must be the present one.
pub fn same_version(seen: i64, present: i64) -> Result<(), Error> {
    if seen == present { Ok(()) } else { Err(Error::Stale(present)) }
}

/// A name must be 1 to 100 characters, without control characters or spaces around it.
pub fn name_problem(pointer: &str, name: &str) -> Option<Problem> {
    let good = (1..=100).contains(&name.chars().count()) && !name.chars().any(char::is_control) && name.trim() == name;
    (!good).then(|| Problem::new(pointer, "must be 1 to 100 characters, without spaces around or control characters"))
}

/// Things live at or below a customer organization group, never in Global.
pub fn organization_group_problem(rules: &Rules, id: OrganizationGroupId, what: &str) -> Option<Problem> {
    let pointer = "/organization_group_id";
    if id == OrganizationGroupId::GLOBAL {
        let detail = format!("{what} cannot live in Global: choose the customer organization group or one below it");
        return Some(Problem::new(pointer, detail));
    }
    (!rules.organization_groups.contains(id)).then(|| Problem::new(pointer, "is no organization group"))
}

/// Notes a change of an object from one state to another; nothing where they are the same.
pub(crate) fn note<T: Serialize>(
    work: &mut Work<'_, '_>,
    kind: &str,
    id: &impl std::fmt::Display,
    name: &str,
    group: Option<OrganizationGroupId>,
    before: Option<&T>,
    after: Option<&T>,
) {
    let json = |value: &T| serde_json::to_value(value).unwrap_or_default();
    let change = match (before.map(json), after.map(json)) {
        (None, Some(after)) => Change::Created { after },
        (Some(before), None) => Change::Deleted { before },
        (Some(before), Some(after)) if before != after => Change::Updated { before, after },
        _ => return,
    };
    work.note(Object { kind: kind.to_owned(), id: id.to_string(), name: name.to_owned() }, group, change);
}

/// Refuses rules in which a smart group depends on what its own profiles change. `pointer` is where to mend it.
fn refuse_cycles(work: &Work<'_, '_>, pointer: &str) -> Result<(), Error> {
    let found = cycle::cycles(work.rules());
    Error::check(found.into_iter().map(|cycle| Problem::new(pointer, format!("cycle: {}", cycle.detail))).collect())
}

/// A name that is taken, as a problem of the name.
pub(crate) fn name_taken<T>(result: Result<T, allclear_store::Error>, what: &str) -> Result<T, Error> {
    result.map_err(|error| {
        if error.is_unique_violation() {
            Error::Conflict(format!("there is a {what} of that name already"))
        } else {
            error.into()
        }
    })
}
