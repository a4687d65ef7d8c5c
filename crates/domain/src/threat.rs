//! Threats: what all the detections about one (source, threat id, device) add up to.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    detection::{Detection, ThreatStatus},
    ids::ThreatId,
    level::RiskLevel,
    time::{Span, Time},
};

/// A decision of an administrator that stands against what the source goes on saying.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct Ignored {
    /// Who decided.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Time,
}

/// One threat on one device.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Threat {
    /// Our id.
    pub id: ThreatId,
    /// Who detected it.
    pub source: String,
    /// The source's id of it.
    pub threat_id: String,
    /// Its kind.
    pub classification: String,
    /// The source's own opinion of it.
    pub severity: Option<RiskLevel>,
    /// What the newest detection said.
    pub reported: ThreatStatus,
    /// The earliest time any detection gave.
    pub first_seen: Time,
    /// The time the newest detection gave.
    pub changed_at: Time,
    /// Set while an administrator ignores it.
    pub ignored: Option<Ignored>,
    /// A digest of the evidence, kept of open threats of the built-in source to tell whether there is new evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<u64>,
}

impl Threat {
    /// A threat first heard of by this detection.
    pub fn new(id: ThreatId, detection: &Detection) -> Self {
        Self {
            id,
            source: detection.source.clone(),
            threat_id: detection.threat_id.clone(),
            classification: detection.classification.clone(),
            severity: detection.severity,
            reported: detection.status,
            first_seen: detection.detected_at,
            changed_at: detection.detected_at,
            ignored: None,
            evidence: None,
        }
    }

    /// Whether `detection` is about this threat.
    pub fn is_about(&self, detection: &Detection) -> bool {
        self.source == detection.source && self.threat_id == detection.threat_id
    }

    /// Takes a detection in and says whether it decides the state (it is newer than what was known).
    ///
    /// The result does not depend on the order in which detections arrive: the newest decides, and of two with the
    /// same time, resolved stands over ignored over open; two that are alike in that are told apart by their content.
    /// Every detection may move `first_seen` back.
    pub fn take(&mut self, detection: &Detection) -> bool {
        self.first_seen = self.first_seen.min(detection.detected_at);
        let newer = (detection.detected_at, detection.status, &detection.classification, detection.severity)
            > (self.changed_at, self.reported, &self.classification, self.severity);
        if newer {
            self.changed_at = detection.detected_at;
            self.reported = detection.status;
            self.classification.clone_from(&detection.classification);
            self.severity = detection.severity;
        }
        newer
    }

    /// What counts: the source's word unless an administrator ignores the threat.
    pub fn status(&self) -> ThreatStatus {
        match (&self.ignored, self.reported) {
            (_, ThreatStatus::Resolved) => ThreatStatus::Resolved,
            (Some(_), _) => ThreatStatus::Ignored,
            (None, reported) => reported,
        }
    }

    /// Whether it puts the device at risk.
    pub fn is_open(&self) -> bool {
        self.status() == ThreatStatus::Open
    }

    /// How long it was (or has been, at `now`) on the device.
    pub fn dwell_time(&self, now: Time) -> Span {
        let end = if self.is_open() { now.max(self.changed_at) } else { self.changed_at };
        end.since(self.first_seen)
    }
}
