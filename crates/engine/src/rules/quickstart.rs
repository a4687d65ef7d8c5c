//! The risk response of the two vendor guides, set up in one call: three smart groups and six published profiles.

use allclear_domain::{
    ids::{OrganizationGroupId, ProfileId, SmartGroupId},
    profile::ProfileSpec,
    quickstart::{self, ProfilePlan},
    smart_group::{Criteria, Quantity, Selection, TagMatch},
    tag::{EngineTag, Tag},
};

use crate::{Error, rules, seal::Sealer, work::Work};

/// Something the risk response consists of.
#[derive(Clone, Debug, PartialEq)]
pub struct Part<I> {
    /// Its id.
    pub id: I,
    /// Its name.
    pub name: String,
    /// Whether this call created it.
    pub created: bool,
}

/// The risk response as it stands after the call.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskResponse {
    /// The engine's tags; they are there from the start.
    pub tags: Vec<Tag>,
    /// The smart groups, lowest level first.
    pub smart_groups: Vec<Part<SmartGroupId>>,
    /// The profiles, lowest level first, each with the reasons for its payloads.
    pub profiles: Vec<(Part<ProfileId>, ProfilePlan)>,
}

/// Creates what is missing of the risk response in an organization group. What has its name already is left alone.
pub fn risk_response(
    work: &mut Work<'_, '_>,
    sealer: &Sealer,
    organization_group: OrganizationGroupId,
) -> Result<RiskResponse, Error> {
    let plan = quickstart::plan();
    let mut groups = Vec::new();
    for group in &plan.groups {
        let present = work.rules().smart_groups.iter().find(|present| present.name == group.name);
        let part = match present {
            Some(present) => Part { id: present.id, name: present.name.clone(), created: false },
            None => {
                let tag = EngineTag::of_risk(group.tag).and_then(|tag| work.rules().engine_tag(tag));
                let tags = TagMatch { quantity: Quantity::Any, tags: tag.into_iter().collect() };
                let criteria = Criteria { organization_groups: vec![organization_group], tags, ..Criteria::default() };
                let draft = rules::smart_groups::Draft {
                    name: group.name.to_owned(),
                    organization_group,
                    selection: Selection { criteria, ..Selection::default() },
                };
                let (group, _) = rules::smart_groups::create(work, draft)?;
                Part { id: group.id, name: group.name, created: true }
            }
        };
        groups.push((group.tag, part));
    }
    let present = allclear_store::profiles::list(work.tx, work.tenant, None, i64::MAX)?;
    let mut profiles = Vec::new();
    for profile in plan.profiles {
        let part = match present.iter().find(|present| present.name == profile.name) {
            Some(present) => Part { id: present.id, name: present.name.clone(), created: false },
            None => {
                let group = groups.iter().find(|(level, _)| *level == profile.level).map(|(_, group)| group.id);
                let spec = ProfileSpec {
                    description: profile.description.to_owned(),
                    assigned_groups: group.into_iter().collect(),
                    payloads: profile.payloads.clone(),
                    ..ProfileSpec::default()
                };
                let draft = rules::profiles::Draft {
                    name: profile.name.to_owned(),
                    platform: profile.platform,
                    organization_group,
                    spec,
                };
                let draft = rules::profiles::create(work, sealer, draft)?;
                let (published, _) = rules::profiles::publish(work, draft.id, None)?;
                Part { id: published.id, name: published.name, created: true }
            }
        };
        profiles.push((part, profile));
    }
    Ok(RiskResponse {
        tags: work.rules().tags().iter().filter(|tag| tag.engine.is_some()).cloned().collect(),
        smart_groups: groups.into_iter().map(|(_, group)| group).collect(),
        profiles,
    })
}
