//! Changing rows of the Protections table.

use allclear_domain::{
    classification::{self, Classification},
    ids::JobId,
    protections::{ProtectionsRow, default_row},
    rules::Rules,
};
use allclear_store::{jobs::Scope, protections as stored};

use crate::{Error, jobs, work::Work};

/// The classification of a name, or not found.
pub fn known(name: &str) -> Result<&'static Classification, Error> {
    classification::find(name).ok_or(Error::NotFound("classification"))
}

/// Changes a row, or puts it back to its default. `version` is what the caller saw: 0 for a row with its default.
/// Returns the version now and the re-evaluation.
pub fn set(
    work: &mut Work<'_, '_>,
    name: &str,
    row: Option<ProtectionsRow>,
    version: Option<i64>,
) -> Result<(i64, Option<JobId>), Error> {
    let known = known(name)?;
    let present = stored::version(work.tx, work.tenant, known.id)?;
    if let Some(version) = version {
        super::same_version(version, present)?;
    }
    let before = work.rules().protections.row(known.id).0;
    let after = row.unwrap_or(default_row(known));
    if before == after {
        return Ok((present, None));
    }
    let version = if after == default_row(known) {
        stored::reset(work.tx, work.tenant, known.id)?;
        0
    } else {
        stored::set(work.tx, work.tenant, known.id, after, present + 1)?;
        present + 1
    };
    super::note(work, "classification", &known.id, known.name, None, Some(&before), Some(&after));
    work.rules_changed()?;
    let job = if before.level == after.level {
        None
    } else {
        let reason = format!("Protections: {} from {} to {}", known.name, before.level.as_str(), after.level.as_str());
        Some(jobs::reevaluate(work, scope(known.id), reason)?)
    };
    Ok((version, job))
}

/// The rules as they would be with that row.
pub fn proposed(rules: &Rules, name: &str, row: ProtectionsRow) -> Rules {
    let mut proposed = rules.clone();
    proposed.protections.set(name, row);
    proposed
}

/// The devices a row concerns. Names that are not in the table are rated like `unknown`; behaviour goes on scoring when
/// its threat is resolved.
pub fn scope(name: &str) -> Scope {
    if name == classification::UNKNOWN || classification::find(name).is_some_and(|known| known.behaviour) {
        Scope::all()
    } else {
        Scope { classifications: vec![name.to_owned()], ..Scope::default() }
    }
}
