//! What this server itself finds wrong with devices, and the detections of the [built-in source](BUILT_IN_SOURCE) that
//! follow from it. Pure: must not know who looks for what.

use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};

use crate::{
    detection::{BUILT_IN_SOURCE, Detection, DeviceRef, ThreatStatus},
    ids::DeviceId,
    threat::Threat,
    time::{Span, Time},
};

/// Something wrong with a device: a threat for as long as it is found.
#[derive(Clone, PartialEq, Debug)]
pub struct Found {
    /// The id of the threat, the same whenever it is found. Begins with a word for what looks for it. 1 to 200 bytes.
    pub threat_id: String,
    /// The kind of threat.
    pub classification: String,
    /// Evidence.
    pub details: Map<String, Value>,
}

/// The detections that bring a device's threats in line with what is found: none where they are. Threats of the built-in
/// source that are not resolved, and of which `is_over` says that they are found no more, are resolved.
pub fn news(
    device: DeviceId,
    threats: &[Threat],
    found: &[Found],
    is_over: impl Fn(&Threat) -> bool,
    now: Time,
) -> Vec<Detection> {
    let own = || threats.iter().filter(|threat| threat.source == BUILT_IN_SOURCE);
    let said = |known: Option<&Threat>, found: Found, status| Detection {
        event_id: found.threat_id.clone(),
        source: BUILT_IN_SOURCE.to_owned(),
        device: DeviceRef::Id(device),
        threat_id: found.threat_id,
        classification: found.classification,
        status,
        // A clock that was set back must not make it older than what is known.
        detected_at: known.map_or(now, |threat| now.max(threat.changed_at.plus(Span::micros(1)))),
        severity: None,
        details: found.details,
    };
    let open = found.iter().filter_map(|one| {
        let known = own().find(|threat| threat.threat_id == one.threat_id);
        let same = known.is_some_and(|threat| {
            threat.reported == ThreatStatus::Open
                && threat.classification == one.classification
                && threat.evidence == Some(digest(&one.details))
        });
        (!same).then(|| said(known, one.clone(), ThreatStatus::Open))
    });
    let over = own().filter(|threat| threat.reported != ThreatStatus::Resolved && is_over(threat)).map(|threat| {
        let (threat_id, classification) = (threat.threat_id.clone(), threat.classification.clone());
        said(Some(threat), Found { threat_id, classification, details: Map::new() }, ThreatStatus::Resolved)
    });
    open.chain(over).collect()
}

/// What is to be kept of a detection's evidence, see [`Threat::evidence`].
pub fn evidence_of(detection: &Detection) -> Option<u64> {
    (detection.status == ThreatStatus::Open).then(|| digest(&detection.details))
}

/// Tells evidence from other evidence. Should another release compute it differently, evidence is written once more.
fn digest(evidence: &Map<String, Value>) -> u64 {
    let mut hasher = DefaultHasher::new();
    Value::Object(evidence.clone()).to_string().hash(&mut hasher);
    hasher.finish()
}
