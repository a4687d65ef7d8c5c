//! Incidents: threats seen from the side of the user who owns the device.

use crate::{
    classification::{self, Classification},
    device::DeviceFacts,
    level::RiskLevel,
    rules::Rules,
    score::{MilliPoints, incident_score},
    threat::Threat,
    time::Time,
};

/// One threat as an incident of its device's user.
#[derive(Clone, Copy, Debug)]
pub struct Incident<'a> {
    /// The threat.
    pub threat: &'a Threat,
    /// What is known of its kind; none if it is not in the Protections table.
    pub kind: Option<&'static Classification>,
    /// How bad it is, by the rules given.
    pub severity: RiskLevel,
    /// What it adds to the user's score.
    pub score: MilliPoints,
}

impl Incident<'_> {
    /// The name of its kind for people.
    pub fn name(&self) -> &str {
        self.kind.map_or(&self.threat.classification, |kind| kind.name)
    }

    /// Whether it stands for something the user did, so that its score decays when it is over.
    pub fn is_behaviour(&self) -> bool {
        self.kind.is_some_and(|kind| kind.behaviour)
    }
}

/// A device's incidents at `now`, the worst first: threats that are open, of any level but none, and those that are
/// over and still have a score.
pub fn incidents<'a>(rules: &Rules, facts: &'a DeviceFacts, now: Time) -> Vec<Incident<'a>> {
    let mut incidents: Vec<Incident<'_>> = facts
        .threats
        .iter()
        .map(|threat| {
            let severity = rules.protections.rate(threat, rules.trusts(&threat.source)).0;
            let score = incident_score(threat, severity, &rules.settings.scores, now).0;
            Incident { threat, kind: classification::find(&threat.classification), severity, score }
        })
        .filter(|incident| (incident.threat.is_open() && incident.severity > RiskLevel::None) || incident.score > 0)
        .collect();
    incidents.sort_by_key(|one| {
        let open = one.threat.is_open();
        (std::cmp::Reverse((open, one.severity, one.score)), one.threat.first_seen, one.threat.id)
    });
    incidents
}
