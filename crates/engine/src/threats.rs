//! What administrators decide about threats: resolved, ignored, open after all.
//!
//! Resolving and reopening act like a detection by the administrator at that moment, so that a later message of the
//! source decides again. Ignoring stands against everything the source goes on saying, until the threat is reopened.

use allclear_domain::{
    detection::ThreatStatus,
    ids::{OrganizationGroupId, ThreatId},
    journal::Change,
    posture_rules::is_of_rule,
    threat::{Ignored, Threat},
    time::Span,
};
use allclear_store::threat_list;

use crate::{Error, Problem, work::Work};

/// A decision about a threat.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// It is gone.
    Resolve,
    /// It does not count, whatever the source goes on saying.
    Ignore,
    /// It counts, and is there.
    Reopen,
}

/// The longest reason, in characters.
pub const LONGEST_REASON: usize = 500;

/// Carries a decision out on a threat within reach and returns the threat afterwards. Deciding the same again changes
/// nothing.
pub fn decide(
    work: &mut Work<'_, '_>,
    within: OrganizationGroupId,
    id: ThreatId,
    decision: Decision,
    reason: &str,
) -> Result<Threat, Error> {
    let length = reason.chars().count();
    if !(1..=LONGEST_REASON).contains(&length) || reason.trim().is_empty() || reason.contains('\0') {
        return Err(Error::Invalid(vec![Problem::new(
            "/reason",
            format!("must have 1 to {LONGEST_REASON} characters"),
        )]));
    }
    let missing = || Error::NotFound("threat");
    let (listed, _) = threat_list::get(work.tx, work.tenant, id)?.ok_or_else(missing)?;
    let group = work.device(listed.device)?.ok_or_else(missing)?.record.facts.device.organization_group;
    if !work.rules().organization_groups.is_within(group, within) {
        return Err(missing());
    }
    let (now, by) = (work.now, work.actor().name.clone());
    let loaded = work.loaded(listed.device).ok_or_else(missing)?;
    let threats = &mut loaded.record.facts.threats;
    let place = threats.iter().position(|threat| threat.id == id);
    let before = place.map_or(listed.threat, |place| threats[place].clone());
    let mut threat = before.clone();
    match decision {
        Decision::Resolve if before.status() == ThreatStatus::Resolved => return Ok(before),
        Decision::Resolve if is_of_rule(&before) => return Err(decided_by_rule()),
        Decision::Resolve => {
            threat.reported = ThreatStatus::Resolved;
            threat.changed_at = now.max(before.changed_at);
        }
        Decision::Ignore if before.status() == ThreatStatus::Resolved => {
            return Err(Error::Conflict("the threat is resolved, so there is nothing to ignore".into()));
        }
        Decision::Ignore if before.ignored.is_some() => return Ok(before),
        Decision::Ignore => threat.ignored = Some(Ignored { by, reason: reason.to_owned(), at: now }),
        Decision::Reopen if before.is_open() => return Ok(before),
        Decision::Reopen if is_of_rule(&before) && before.ignored.is_none() => return Err(decided_by_rule()),
        Decision::Reopen => {
            threat.ignored = None;
            if !threat.is_open() {
                // Of two words of the same time, resolved would stand over open.
                threat.reported = ThreatStatus::Open;
                threat.changed_at = now.max(before.changed_at.plus(Span::micros(1)));
            }
        }
    }
    match place {
        Some(place) => loaded.record.facts.threats[place] = threat.clone(),
        None => loaded.record.facts.threats.push(threat.clone()),
    }
    loaded.write_threat(&threat, None, true).change(Change::Threat {
        threat: id,
        classification: threat.classification.clone(),
        from: Some(before.status()),
        to: threat.status(),
        reason: Some(reason.to_owned()),
    });
    Ok(threat)
}

/// A posture rule would change the threat back in the same commit.
fn decided_by_rule() -> Error {
    Error::Conflict("a posture rule decides whether it is there: put the device right, or ignore the threat".into())
}
