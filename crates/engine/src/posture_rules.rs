//! The built-in source at work: what posture rules make of a device becomes detections in the commit of the facts.
//!
//! Level-triggered: whatever touched a device, its threats are brought in line with its facts and the rules in force, so
//! that a re-evaluation after a change of the rules does the rest.

use allclear_domain::{
    app::App,
    device::EnrollmentStatus,
    ids::{DeviceId, Tenant, ThreatId},
    indicator::{IndicatorKind, Key},
    level::Platform,
    posture_rules::{PostureRules, judge},
    rules::Rules,
    time::Time,
};
use allclear_store::db::Tx;

use crate::{
    Error, indicators,
    source::Source,
    work::{Loaded, Work},
};

/// Takes note of which of the apps on a device are denylisted, for the end of the commit. `apps` are all that are on it.
pub(crate) fn note_apps<'a>(work: &mut Work<'_, '_>, device: DeviceId, apps: impl Iterator<Item = &'a App>) {
    let rules = work.rules_handle();
    if let Some(loaded) = work.loaded(device) {
        let denylist = rules.settings.posture_rules.denylist(loaded.record.facts.device.platform);
        loaded.apps = Some(apps.filter(|app| denylist.contains(&app.identifier)).cloned().collect());
    }
}

/// Has the devices looked at on which apps were seen that were not denylisted before.
pub(crate) fn look_for_apps(work: &mut Work<'_, '_>, before: &PostureRules, after: &PostureRules) -> Result<(), Error> {
    let added = [Platform::Android, Platform::Ios].into_iter().flat_map(|platform| {
        let known = before.denylist(platform);
        after.denylist(platform).iter().filter(|app| !known.contains(app))
    });
    let keys: Vec<Key> = added.map(|app| (IndicatorKind::AppIdentifier, app.clone())).collect();
    indicators::concern(work, &keys, "the denylist of apps was changed")
}

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
    let judged = judge(&rules.settings.posture_rules, &facts.device, loaded.apps.as_deref(), now);
    for detection in judged.detections(facts.device.id, &facts.threats, now) {
        loaded.found(tx, tenant, &detection, ThreatId(source.id()))?;
    }
    Ok(judged.valid_until)
}
