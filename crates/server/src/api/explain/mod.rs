//! Why a device is as it is: the evaluation's own reasons, with names, times and a sentence for every step.

mod words;

use std::collections::BTreeMap;

use allclear_domain::{
    classification::{self, Response},
    compliance::Compliance,
    detection::{ProtectionStatus, ThreatStatus},
    device::DeviceFacts,
    evaluate,
    explain::{GroupReason, Reason, TagReason},
    ids::{DeviceId, ProfileId, SmartGroupId, TagId, ThreatId},
    level::RiskLevel,
    posture::{Posture, TargetReason},
    profile::{Desired, ProfileStatus},
    protections::Decider,
    rules::Rules,
    smart_group::Criterion,
    tag::EngineTag,
    time::Time,
    verdict::Verdict,
};
use allclear_engine::{Error, work::points};
use allclear_store::devices::{self, DeviceRecord};
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::devices::DesiredAction;
use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Path},
    problem::Problem,
};

/// Why a device is as it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Explanation {
    /// The device.
    device_id: DeviceId,
    /// When this was worked out, from the rules and facts of that moment.
    evaluated_at: Time,
    /// The risk level.
    risk: ExplainedRisk,
    /// The protection status.
    protection: ExplainedProtection,
    /// The compliance.
    compliance: ExplainedCompliance,
    /// Every threat in the device's record, open ones first.
    threats: Vec<ExplainedThreat>,
    /// Every tag on the device.
    tags: Vec<ExplainedTag>,
    /// Every smart group of the tenant, those the device is in first.
    smart_groups: Vec<ExplainedGroup>,
    /// Every profile that concerns the device.
    profiles: Vec<ExplainedProfile>,
    /// One sentence for each step from threat to restriction.
    chain: Vec<String>,
}

/// Why the risk level is what it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExplainedRisk {
    /// The level.
    level: RiskLevel,
    /// Since when.
    since: Time,
    /// The open threats of that level.
    threats: Vec<ThreatId>,
    /// The sum of the scores of all threats, in points.
    score: f64,
}

/// Why the protection status is what it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExplainedProtection {
    /// The status.
    status: ProtectionStatus,
    /// Since when.
    since: Time,
    /// What the sensor said last.
    #[schema(required = true)]
    reported: Option<ProtectionStatus>,
    /// When something was last heard of the device, to the hour.
    #[schema(required = true)]
    last_contact: Option<Time>,
    /// Whether the status comes from silence.
    silent: bool,
}

/// Why the compliance is what it is.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExplainedCompliance {
    /// The compliance.
    compliance: Compliance,
    /// Since when.
    since: Time,
    /// The risk level it rests on.
    risk: RiskLevel,
    /// The lowest level that makes a device not compliant.
    not_compliant_from: RiskLevel,
    /// The protection status it rests on.
    protection: ProtectionStatus,
}

/// How a threat was rated.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExplainedThreat {
    /// The threat.
    id: ThreatId,
    /// Who detected it.
    source: String,
    /// The source's id of it.
    threat_id: String,
    /// Its kind.
    classification: String,
    /// The kind's name for people.
    name: String,
    /// Open, ignored or resolved.
    status: ThreatStatus,
    /// The level.
    level: RiskLevel,
    /// Whose word the level is.
    decided_by: Decider,
    /// The row of Protections for its kind.
    row: ExplainedRow,
    /// The source's own opinion.
    #[schema(required = true)]
    severity: Option<RiskLevel>,
    /// The earliest time any detection gave.
    first_seen: Time,
    /// Since when it stands as it does.
    since: Time,
    /// What it adds to the score, in points.
    score: f64,
}

/// A row of Protections.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExplainedRow {
    /// The row: the threat's kind, or `unknown` if that has none.
    classification: String,
    /// The level it gives.
    level: RiskLevel,
    /// What else it brings about.
    response: Response,
    /// Whether the tenant changed it.
    changed: bool,
}

/// Why a tag is on the device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExplainedTag {
    /// The tag.
    id: TagId,
    /// Its name.
    name: String,
    /// Where it comes from.
    because: TagReason,
    /// Since when.
    #[schema(required = true)]
    since: Option<Time>,
    /// The open threat behind it, if there is one.
    #[schema(required = true)]
    threat: Option<ThreatId>,
}

/// Why the device is or is not in a smart group.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExplainedGroup {
    /// The smart group.
    id: SmartGroupId,
    /// Its name.
    name: String,
    /// Whether the device is in it.
    member: bool,
    /// What the selection says; unknown leaves the device as it was.
    verdict: Verdict,
    /// Since when it is a member; null if it is none.
    #[schema(required = true)]
    since: Option<Time>,
    /// What the verdict rests on.
    because: Vec<ExplainedCriterion>,
}

/// One thing a membership rests on.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExplainedCriterion {
    /// The criterion; null for an addition, an exclusion or the place of the group.
    #[schema(required = true)]
    criterion: Option<Criterion>,
    /// What it says.
    verdict: Verdict,
    /// What it asks for, in words.
    #[schema(required = true)]
    expected: Option<String>,
    /// What the device has, in words.
    #[schema(required = true)]
    actual: Option<String>,
    /// All of it in a sentence.
    text: String,
}

/// Why a profile should or should not be on the device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExplainedProfile {
    /// The profile.
    id: ProfileId,
    /// Its name; empty once it is deleted.
    name: String,
    /// The version that is to be installed, else the one on the device; null if there is neither.
    #[schema(required = true)]
    version: Option<u32>,
    /// What should be.
    desired: DesiredAction,
    /// Where it stands, by what the device reported.
    #[schema(required = true)]
    status: Option<ProfileStatus>,
    /// The device's own words, if it has said something.
    #[schema(required = true)]
    detail: Option<String>,
    /// Why.
    because: TargetReason,
    /// The assigned smart groups the device is in.
    through: Vec<ExplainedThrough>,
    /// Since when this is what should be.
    #[schema(required = true)]
    since: Option<Time>,
    /// The installation waits for its window until then.
    #[schema(required = true)]
    held_until: Option<Time>,
    /// Parts of the profile that have no effect on this device, in words.
    without_effect: Vec<String>,
}

/// A smart group a profile comes through.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ExplainedThrough {
    /// The smart group.
    id: SmartGroupId,
    /// Its name.
    name: String,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(explain))
}

/// Why a device is as it is
///
/// For every tag, smart group, profile and the compliance: which threat, which row of Protections, which criterion,
/// since when. Worked out anew at every call by the same function that decides.
#[utoipa::path(get, path = "/api/v1/devices/{id}/explain", tag = "devices", operation_id = "explain_device",
    params(("id" = DeviceId, Path, description = "The device.")), responses((status = 200, body = Explanation)))]
async fn explain(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
) -> Result<Json<Explanation>, Problem> {
    let now = state.source.now();
    let explained = state.engine.read(principal.tenant, move |tx, rules| {
        let record = devices::get(tx, principal.tenant, id)?;
        let record = record
            .filter(|record| principal.reaches(&rules.organization_groups, record.facts.device.organization_group))
            .ok_or(Error::NotFound("device"))?;
        let names = words::Names::of(tx, principal.tenant, rules, &record.facts)?;
        Ok(Explainer::new(rules, &record, &names, now).explain())
    });
    Ok(Json(explained.await?))
}

struct Explainer<'a> {
    rules: &'a Rules,
    record: &'a DeviceRecord,
    facts: &'a DeviceFacts,
    names: &'a words::Names,
    posture: Posture,
    reasons: Vec<Reason>,
    now: Time,
}

impl<'a> Explainer<'a> {
    fn new(rules: &'a Rules, record: &'a DeviceRecord, names: &'a words::Names, now: Time) -> Self {
        let (evaluation, reasons) = evaluate::explain(rules, &record.facts, &record.posture, now);
        Self { rules, record, facts: &record.facts, names, posture: evaluation.posture, reasons, now }
    }

    fn explain(self) -> Explanation {
        let mut threats: Vec<ExplainedThreat> = self.reasons.iter().filter_map(|reason| self.threat(reason)).collect();
        threats.sort_by_key(|threat| {
            (threat.status != ThreatStatus::Open, std::cmp::Reverse((threat.level, threat.since)), threat.id)
        });
        let mut smart_groups: Vec<ExplainedGroup> =
            self.reasons.iter().filter_map(|reason| self.group(reason)).collect();
        smart_groups.sort_by(|a, b| (!a.member, &a.name).cmp(&(!b.member, &b.name)));
        let mut tags: Vec<ExplainedTag> = self.reasons.iter().filter_map(|reason| self.tag(reason)).collect();
        tags.sort_by(|a, b| a.name.cmp(&b.name));
        let mut explanation = Explanation {
            device_id: self.record.id(),
            evaluated_at: self.now,
            risk: self.risk(),
            protection: self.protection(),
            compliance: self.compliance(),
            threats,
            tags,
            smart_groups,
            profiles: self.profiles(),
            chain: Vec::new(),
        };
        explanation.chain = words::chain(&explanation);
        explanation
    }

    /// Since when a part has been as it is; now, where the stored posture is about to change.
    fn since<T: PartialEq>(&self, part: impl Fn(&Posture) -> T, since: Time) -> Time {
        if part(&self.posture) == part(&self.record.posture) { since } else { self.now }
    }

    fn part_since(&self, id: Uuid) -> Option<Time> {
        self.record.since.parts.get(&id).copied()
    }

    fn risk(&self) -> ExplainedRisk {
        let threats = self.reasons.iter().find_map(|reason| match reason {
            Reason::Risk { threats, .. } => Some(threats.clone()),
            _ => None,
        });
        ExplainedRisk {
            level: self.posture.risk,
            since: self.since(|posture| posture.risk, self.record.since.risk),
            threats: threats.unwrap_or_default(),
            score: points(self.posture.score),
        }
    }

    fn protection(&self) -> ExplainedProtection {
        let silent = self.reasons.iter().any(|reason| matches!(reason, Reason::Protection { silent: true, .. }));
        ExplainedProtection {
            status: self.posture.protection,
            since: self.since(|posture| posture.protection, self.record.since.protection),
            reported: self.facts.device.sensor.status,
            last_contact: self.facts.device.sensor.last_contact,
            silent,
        }
    }

    fn compliance(&self) -> ExplainedCompliance {
        ExplainedCompliance {
            compliance: self.posture.compliance,
            since: self.since(|posture| posture.compliance, self.record.since.compliance),
            risk: self.posture.risk,
            not_compliant_from: self.rules.settings.compliance.not_compliant_from,
            protection: self.posture.protection,
        }
    }

    fn threat(&self, reason: &Reason) -> Option<ExplainedThreat> {
        let Reason::Threat { threat: id, level, decided_by, since, score, .. } = reason else { return None };
        let threat = self.facts.threats.iter().find(|threat| threat.id == *id)?;
        let known = classification::find(&threat.classification);
        let (row, decider) = self.rules.protections.row(&threat.classification);
        Some(ExplainedThreat {
            id: *id,
            source: threat.source.clone(),
            threat_id: threat.threat_id.clone(),
            classification: threat.classification.clone(),
            name: known.map_or_else(|| threat.classification.clone(), |known| known.name.to_owned()),
            status: threat.status(),
            level: *level,
            decided_by: *decided_by,
            row: ExplainedRow {
                classification: known.map_or(classification::UNKNOWN, |known| known.id).to_owned(),
                level: row.level,
                response: row.response,
                changed: decider == Decider::Tenant,
            },
            severity: threat.severity,
            first_seen: threat.first_seen,
            since: *since,
            score: points(*score),
        })
    }

    fn tag(&self, reason: &Reason) -> Option<ExplainedTag> {
        let Reason::Tag { tag: id, because } = reason else { return None };
        let tag = self.rules.tag(*id)?;
        let open = |names: &[&str]| {
            let threats = self.facts.threats.iter();
            threats
                .filter(|threat| threat.is_open() && names.contains(&threat.classification.as_str()))
                .map(|threat| threat.id)
                .next()
        };
        let threat = match (because, tag.engine) {
            (TagReason::Risk, Some(EngineTag::Secured)) => None,
            (TagReason::Risk, _) => self.risk().threats.first().copied(),
            (TagReason::Threat, Some(EngineTag::DenylistedApp)) => open(&["denylisted_app"]),
            (TagReason::Threat, _) => open(&["pcp_disabled", "pcp_paused"]),
            (TagReason::Set | TagReason::Protection, _) => None,
        };
        let since = self.part_since(id.0);
        Some(ExplainedTag { id: *id, name: tag.name.clone(), because: *because, since, threat })
    }

    fn group(&self, reason: &Reason) -> Option<ExplainedGroup> {
        let Reason::SmartGroup { smart_group: id, verdict, member, because } = reason else { return None };
        let group = self.rules.smart_group(*id)?;
        let describe = |reason: &GroupReason| {
            words::group_reason(reason, group, &self.facts.device, &self.posture, self.rules, self.names)
        };
        Some(ExplainedGroup {
            id: *id,
            name: group.name.clone(),
            member: *member,
            verdict: *verdict,
            since: self.part_since(id.0).filter(|_| *member),
            because: because.iter().map(describe).collect(),
        })
    }

    fn profiles(&self) -> Vec<ExplainedProfile> {
        let mut details: BTreeMap<ProfileId, (&[SmartGroupId], &[String])> = BTreeMap::new();
        for reason in &self.reasons {
            if let Reason::Profile { profile, through, without_effect, .. } = reason {
                details.insert(*profile, (through, without_effect));
            }
        }
        let group = |id: &SmartGroupId| ExplainedThrough {
            id: *id,
            name: self.rules.smart_group(*id).map(|group| group.name.clone()).unwrap_or_default(),
        };
        let explain = |target: &allclear_domain::posture::ProfileTarget| {
            let profile = self.rules.profile(target.profile);
            let (through, without_effect) = details.get(&target.profile).copied().unwrap_or_default();
            let report = self.facts.reports.iter().find(|report| report.profile == target.profile);
            let installed = report.and_then(|report| report.installed);
            let (desired, version) = match target.desired {
                Desired::Install { version } => (DesiredAction::Install, Some(version)),
                Desired::Remove => (DesiredAction::Remove, installed),
                Desired::Nothing => (DesiredAction::Nothing, installed),
            };
            ExplainedProfile {
                id: target.profile,
                name: profile.map(|profile| profile.name.clone()).unwrap_or_default(),
                version,
                desired,
                status: self.record.profile_status(target),
                detail: report.and_then(|report| report.answer.as_ref()?.detail.clone()),
                because: target.reason,
                through: through.iter().map(group).collect(),
                since: self.part_since(target.profile.0),
                held_until: target.held_until,
                without_effect: without_effect.to_vec(),
            }
        };
        let mut profiles: Vec<ExplainedProfile> = self.posture.profiles.iter().map(explain).collect();
        profiles.sort_by(|a, b| a.name.cmp(&b.name));
        profiles
    }
}
