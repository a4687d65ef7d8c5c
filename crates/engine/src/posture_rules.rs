//! The built-in source at work: what posture rules make of a device becomes detections in the commit of the facts.
//!
//! Level-triggered: whatever touched a device, its threats are brought in line with its facts and the rules in force, so
//! that a re-evaluation after a change of the rules does the rest.

use allclear_domain::{
    device::EnrollmentStatus,
    ids::{Tenant, ThreatId},
    posture_rules::judge,
    rules::Rules,
    time::Time,
};
use allclear_store::db::Tx;

use crate::{Error, source::Source, work::Loaded};

/// Brings the threats of a device in line with the posture rules. Returns until when that holds.
pub(crate) fn apply(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    source: &dyn Source,
    rules: &Rules,
    loaded: &mut Loaded,
    now: Time,
) -> Result<Option<Time>, Error> {
    let facts = &loaded.record.facts;
    // What a device that left was like when it left says nothing of what it is like.
    if facts.device.enrollment == EnrollmentStatus::Unenrolled {
        return Ok(None);
    }
    let judged = judge(&rules.settings.posture_rules, &facts.device, now);
    for detection in judged.detections(facts.device.id, &facts.threats, now) {
        loaded.found(tx, tenant, &detection, ThreatId(source.id()))?;
    }
    Ok(judged.valid_until)
}
