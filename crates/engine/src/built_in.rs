//! Threats that are looked for on a device and there for as long as they are found, under ids with a common beginning.
//!
//! Whoever looks hands in all that was found; what was found before and is found no more is over. Unlike a source's
//! message this says nothing about a sensor on the device.

use allclear_domain::{
    detection::{BUILT_IN_SOURCE, Detection, DeviceRef, Found, ThreatStatus},
    ids::{DeviceId, ThreatId},
    posture_rules::evidence_of,
    threat::Threat,
    time::{Span, Time},
};
use serde_json::Map;

use crate::{Error, work::Work};

/// Makes the threats of the built-in source on a device whose ids begin with `prefix` those that are found.
pub(crate) fn settle(work: &mut Work<'_, '_>, device: DeviceId, prefix: &str, found: &[Found]) -> Result<(), Error> {
    work.load([device])?;
    let (tenant, now, source) = (work.tenant, work.now, work.source);
    let Some((tx, loaded)) = work.loaded_with_tx(device) else { return Ok(()) };
    let news = news(device, &loaded.record.facts.threats, prefix, found, now);
    for detection in news {
        loaded.found(tx, tenant, &detection, ThreatId(source.id()))?;
    }
    Ok(())
}

/// The detections that bring the threats in line with what is found: none where they are.
fn news(device: DeviceId, threats: &[Threat], prefix: &str, found: &[Found], now: Time) -> Vec<Detection> {
    let own = |threat: &&Threat| threat.source == BUILT_IN_SOURCE && threat.threat_id.starts_with(prefix);
    let said = |known: Option<&Threat>, found: Found, status| Detection {
        event_id: found.threat_id.clone(),
        source: BUILT_IN_SOURCE.to_owned(),
        device: DeviceRef::Id(device),
        threat_id: found.threat_id,
        classification: found.classification,
        status,
        // What is said now stands over what was said before.
        detected_at: known.map_or(now, |threat| now.max(threat.changed_at.plus(Span::micros(1)))),
        severity: None,
        details: found.details,
    };
    let open = found.iter().filter_map(|one| {
        let known = threats.iter().filter(own).find(|threat| threat.threat_id == one.threat_id);
        let detection = said(known, one.clone(), ThreatStatus::Open);
        let same = known.is_some_and(|threat| {
            threat.reported == ThreatStatus::Open
                && threat.classification == detection.classification
                && threat.evidence == evidence_of(&detection)
        });
        (!same).then_some(detection)
    });
    let over = threats.iter().filter(own).filter(|threat| {
        threat.reported != ThreatStatus::Resolved && !found.iter().any(|one| one.threat_id == threat.threat_id)
    });
    let over = over.map(|threat| {
        let (threat_id, classification) = (threat.threat_id.clone(), threat.classification.clone());
        said(Some(threat), Found { threat_id, classification, details: Map::new() }, ThreatStatus::Resolved)
    });
    open.chain(over).collect()
}
