//! Taking a detection into the threats of its device, whoever detected.

use allclear_domain::{
    detection::Detection,
    found::evidence_of,
    ids::{Tenant, ThreatId},
    journal::Change,
    threat::Threat,
};
use allclear_store::{db::Tx, threats};
use serde_json::{Map, Value};

use crate::{Error, work::Loaded};

impl Loaded {
    /// Takes a detection in: opens its threat under `new_id`, or changes it. `evidence` is kept if the detection decides
    /// the state of its threat.
    pub(crate) fn detected(
        &mut self,
        tx: &mut Tx<'_>,
        tenant: Tenant,
        detection: &Detection,
        evidence: Option<&Map<String, Value>>,
        new_id: ThreatId,
    ) -> Result<(), Error> {
        let device = self.record.id();
        let place = self.record.facts.threats.iter().position(|threat| threat.is_about(detection));
        let known = match place {
            Some(place) => Some(self.record.facts.threats.remove(place)),
            None if self.record.archived_threats => {
                threats::find_archived(tx, tenant, device, &detection.source, &detection.threat_id)?
            }
            None => None,
        };
        let before = known.as_ref().map(Threat::status);
        let mut threat = known.clone().unwrap_or_else(|| Threat::new(new_id, detection));
        let decides = threat.take(detection) || known.is_none();
        let status = threat.status();
        // One that was archived is in the device's record again.
        if place.is_none() || known.as_ref() != Some(&threat) {
            let details = evidence.filter(|_| decides).map(serde_json::to_string).and_then(Result::ok);
            self.write_threat(&threat, details, before.is_some());
        }
        if before != Some(status) {
            self.change(Change::Threat {
                threat: threat.id,
                classification: threat.classification.clone(),
                from: before,
                to: status,
                reason: None,
            });
        }
        let threats = &mut self.record.facts.threats;
        threats.insert(place.unwrap_or(threats.len()), threat);
        Ok(())
    }

    /// The same for what this server finds by itself: the evidence of open threats is kept, and its digest, which tells
    /// whether there is news; what was seen stays with a threat that is over.
    pub(crate) fn found(
        &mut self,
        tx: &mut Tx<'_>,
        tenant: Tenant,
        detection: &Detection,
        new_id: ThreatId,
    ) -> Result<(), Error> {
        let evidence = evidence_of(detection);
        let kept = evidence.is_some().then_some(&detection.details);
        self.detected(tx, tenant, detection, kept, new_id)?;
        if let Some(threat) = self.record.facts.threats.iter_mut().find(|threat| threat.is_about(detection)) {
            threat.evidence = evidence;
        }
        Ok(())
    }
}
