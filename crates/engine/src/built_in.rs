//! Threats that are looked for on a device and there for as long as they are found, under ids with a common beginning.
//!
//! Whoever looks hands in all that was found; what was found before and is found no more is over. Unlike a source's
//! message this says nothing about a sensor on the device.

use allclear_domain::{
    found::{Found, news},
    ids::{DeviceId, ThreatId},
    threat::Threat,
};

use crate::{Error, work::Work};

/// Makes the threats of the built-in source on a device whose ids begin with `prefix` those that are found.
pub(crate) fn settle(work: &mut Work<'_, '_>, device: DeviceId, prefix: &str, found: &[Found]) -> Result<(), Error> {
    work.load([device])?;
    let (tenant, now, source) = (work.tenant, work.now, work.source);
    let Some((tx, loaded)) = work.loaded_with_tx(device) else { return Ok(()) };
    let is_found = |threat: &Threat| found.iter().any(|one| one.threat_id == threat.threat_id);
    let is_over = |threat: &Threat| threat.threat_id.starts_with(prefix) && !is_found(threat);
    for detection in news(device, &loaded.record.facts.threats, found, is_over, now) {
        loaded.found(tx, tenant, &detection, ThreatId(source.id()))?;
    }
    Ok(())
}
