//! Everything a tenant decides about its devices and what their owners are told, as one immutable value.

use std::collections::HashMap;

use crate::{
    ids::{ProfileId, SmartGroupId, TagId},
    organization_group::OrganizationGroups,
    profile::Profile,
    protections::Protections,
    settings::Settings,
    smart_group::SmartGroup,
    tag::{EngineTag, Tag},
    template::Templates,
};

/// A tenant's rules. Two evaluations with the same version see the same rules.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Grows with every change of any part.
    pub version: i64,
    /// Settings.
    pub settings: Settings,
    /// Classification → level and response.
    pub protections: Protections,
    /// The tenant tree.
    pub organization_groups: OrganizationGroups,
    /// Smart groups, sorted by id.
    pub smart_groups: Vec<SmartGroup>,
    /// Profiles that were published at least once, sorted by id.
    pub profiles: Vec<Profile>,
    /// What messages to people say, where the tenant says it differently.
    pub templates: Templates,
    tags: Vec<Tag>,
    engine_tags: HashMap<EngineTag, TagId>,
}

impl Rules {
    /// Puts the parts together; order does not matter.
    pub fn new(
        version: i64,
        settings: Settings,
        protections: Protections,
        organization_groups: OrganizationGroups,
        tags: Vec<Tag>,
        smart_groups: Vec<SmartGroup>,
        profiles: Vec<Profile>,
    ) -> Self {
        let mut rules =
            Self { version, settings, protections, organization_groups, smart_groups, profiles, ..Self::default() };
        rules.smart_groups.sort_unstable_by_key(|group| group.id);
        rules.profiles.sort_unstable_by_key(|profile| profile.id);
        rules.set_tags(tags);
        rules
    }

    /// Replaces the tags.
    pub fn set_tags(&mut self, mut tags: Vec<Tag>) {
        tags.sort_unstable_by_key(|tag| tag.id);
        self.engine_tags = tags.iter().filter_map(|tag| tag.engine.map(|engine| (engine, tag.id))).collect();
        self.tags = tags;
    }

    /// All tags, sorted by id.
    pub fn tags(&self) -> &[Tag] {
        &self.tags
    }

    /// The id of one of the engine's tags; none where the tenant has no such tag.
    pub fn engine_tag(&self, tag: EngineTag) -> Option<TagId> {
        self.engine_tags.get(&tag).copied()
    }

    /// A tag by id.
    pub fn tag(&self, id: TagId) -> Option<&Tag> {
        self.tags.binary_search_by_key(&id, |tag| tag.id).ok().map(|index| &self.tags[index])
    }

    /// A smart group by id.
    pub fn smart_group(&self, id: SmartGroupId) -> Option<&SmartGroup> {
        self.smart_groups.binary_search_by_key(&id, |group| group.id).ok().map(|index| &self.smart_groups[index])
    }

    /// A profile by id.
    pub fn profile(&self, id: ProfileId) -> Option<&Profile> {
        self.profiles.binary_search_by_key(&id, |profile| profile.id).ok().map(|index| &self.profiles[index])
    }

    /// Whether the source's own severity decides.
    pub fn trusts(&self, source: &str) -> bool {
        self.settings.trusted_sources.iter().any(|trusted| trusted == source)
    }
}
