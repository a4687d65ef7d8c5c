//! What several resources share: who acts, what lies within their reach, and how previews are answered.

use allclear_domain::{
    ids::{DeviceId, JobId, OrganizationGroupId},
    journal::{Actor, ActorKind},
    organization_group::OrganizationGroups,
    rules::Rules,
};
use allclear_engine::{
    Error,
    preview::{Effect, Preview},
};
use axum::http::{HeaderMap, header};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::{app::AppState, auth::Principal};

/// Each value once, however often it was given.
pub(crate) fn distinct<T: Ord>(mut values: Vec<T>) -> Vec<T> {
    values.sort_unstable();
    values.dedup();
    values
}

impl Principal {
    /// Who the journal says it was.
    pub(crate) fn actor(&self) -> Actor {
        Actor::new(ActorKind::Administrator, self.name.clone()).with_id(self.who.id())
    }

    /// Whether an organization group lies within reach.
    pub(crate) fn reaches(&self, tree: &OrganizationGroups, group: OrganizationGroupId) -> bool {
        tree.is_within(group, self.reach)
    }

    /// Refuses who reaches only a part of the tenant, for what concerns all of it.
    pub(crate) fn whole_tenant(&self, rules: &Rules) -> Result<(), Error> {
        if self.server || rules.organization_groups.root() == Some(self.reach) {
            return Ok(());
        }
        Err(Error::Forbidden("this concerns the whole tenant, and the credential reaches only a part of it".into()))
    }

    /// The organization groups within reach; none where that is the whole tenant.
    pub(crate) fn within(&self, rules: &Rules) -> Option<Vec<OrganizationGroupId>> {
        self.whole_tenant(rules).is_err().then(|| rules.organization_groups.within(self.reach))
    }

    /// The organization groups a list is narrowed to: at or below the one asked for, as far as it is within reach.
    pub(crate) fn narrowed(
        &self,
        rules: &Rules,
        asked: Option<OrganizationGroupId>,
    ) -> Option<Vec<OrganizationGroupId>> {
        let tree = &rules.organization_groups;
        match asked {
            None => self.within(rules),
            Some(group) if tree.root() == Some(group) && self.reaches(tree, group) => None,
            Some(group) => Some(self.below(tree, group)),
        }
    }

    /// The organization groups at or below one; none if it is out of reach.
    pub(crate) fn below(&self, tree: &OrganizationGroups, group: OrganizationGroupId) -> Vec<OrganizationGroupId> {
        if self.reaches(tree, group) { tree.within(group) } else { Vec::new() }
    }

    /// The organization group something is made in: the one asked for, else the whole of what is within reach. One out
    /// of reach is as good as none.
    pub(crate) fn home(&self, rules: &Rules, asked: Option<OrganizationGroupId>) -> Result<OrganizationGroupId, Error> {
        match asked {
            // The engine says why not.
            Some(OrganizationGroupId::GLOBAL) => Ok(OrganizationGroupId::GLOBAL),
            Some(group) if self.reaches(&rules.organization_groups, group) => Ok(group),
            Some(_) => Err(Error::invalid("/organization_group_id", "is no organization group")),
            None if self.server => {
                let root = rules.organization_groups.root();
                root.ok_or_else(|| Error::invalid("/organization_group_id", "is needed: Global holds no such things"))
            }
            None => Ok(self.reach),
        }
    }
}

/// Where people reach this server: as configured, else as the caller did.
pub(crate) fn base_url(state: &AppState, headers: &HeaderMap) -> String {
    if let Some(url) = &state.options.public_url {
        return url.trim_end_matches('/').to_owned();
    }
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let proto = headers.get("x-forwarded-proto").and_then(|proto| proto.to_str().ok());
    format!("{}://{host}", if proto == Some("https") { "https" } else { "http" })
}

/// Tells a member that is null, which clears something, from one that is left out. With `#[serde(default)]`.
pub(crate) fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// What a change would do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PreviewAnswer {
    /// Devices that would be members, carry the profile, or have such a threat.
    matching: u64,
    /// Devices that would be added; for a classification, whose risk would rise.
    gaining: u64,
    /// Devices that would be removed; for a classification, whose risk would fall.
    losing: u64,
    /// At most ten of the devices: those that would change first.
    sample: Vec<PreviewDevice>,
}

/// A device in a preview.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct PreviewDevice {
    /// The device.
    id: DeviceId,
    /// What people call it.
    friendly_name: String,
    /// What would happen to it.
    effect: PreviewEffect,
}

/// What would happen to a device.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PreviewEffect {
    /// It would be added, or its risk would rise.
    Gains,
    /// It would be removed, or its risk would fall.
    Loses,
    /// It stays as it is.
    Stays,
}

impl From<Preview> for PreviewAnswer {
    fn from(preview: Preview) -> Self {
        let sample = preview.sample.into_iter().map(|device| PreviewDevice {
            id: device.id,
            friendly_name: device.friendly_name,
            effect: match device.effect {
                Effect::Gains => PreviewEffect::Gains,
                Effect::Loses => PreviewEffect::Loses,
                Effect::Stays => PreviewEffect::Stays,
            },
        });
        Self { matching: preview.matching, gaining: preview.gaining, losing: preview.losing, sample: sample.collect() }
    }
}

/// The re-evaluation that a change started.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub(crate) struct Started {
    /// Its progress is at `/api/v1/jobs/{id}`; null if no device was concerned.
    #[schema(required = true)]
    pub(crate) job_id: Option<JobId>,
}
