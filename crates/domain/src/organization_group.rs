//! The tenant tree.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::OrganizationGroupId;

/// What an organization group stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationGroupKind {
    /// The root of the server.
    Global,
    /// A tenant; a child of Global.
    Customer,
    /// Any node below a customer: a region, a department.
    Container,
}

/// A node of the tenant tree.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrganizationGroup {
    /// Its id.
    pub id: OrganizationGroupId,
    /// The node above; none for Global.
    pub parent: Option<OrganizationGroupId>,
    /// Its name, unique among its siblings.
    pub name: String,
    /// What it stands for.
    pub kind: OrganizationGroupKind,
}

/// The tree of one tenant, for questions of "at or below".
#[derive(Clone, Debug, Default)]
pub struct OrganizationGroups {
    parents: HashMap<OrganizationGroupId, Option<OrganizationGroupId>>,
}

impl OrganizationGroups {
    /// The deepest tree that is allowed, Global not counted.
    pub const MAX_DEPTH: usize = 16;

    /// The tree of these nodes.
    pub fn new<'a>(nodes: impl IntoIterator<Item = &'a OrganizationGroup>) -> Self {
        Self { parents: nodes.into_iter().map(|node| (node.id, node.parent)).collect() }
    }

    /// Whether `node` is `above` or lies below it. A node nobody knows lies only within itself.
    pub fn is_within(&self, node: OrganizationGroupId, above: OrganizationGroupId) -> bool {
        let mut current = node;
        for _ in 0..=Self::MAX_DEPTH {
            if current == above {
                return true;
            }
            match self.parents.get(&current) {
                Some(Some(parent)) => current = *parent,
                _ => return false,
            }
        }
        false
    }

    /// The customer organization group: the node right below Global.
    pub fn root(&self) -> Option<OrganizationGroupId> {
        let below_global =
            |(_, parent): &(_, &Option<OrganizationGroupId>)| **parent == Some(OrganizationGroupId::GLOBAL);
        self.parents.iter().find(below_global).map(|(node, _)| *node)
    }

    /// Whether the tree has this node.
    pub fn contains(&self, node: OrganizationGroupId) -> bool {
        self.parents.contains_key(&node)
    }

    /// All nodes at or below `above`.
    pub fn within(&self, above: OrganizationGroupId) -> Vec<OrganizationGroupId> {
        let mut nodes: Vec<_> = self.parents.keys().copied().filter(|node| self.is_within(*node, above)).collect();
        nodes.sort_unstable();
        nodes
    }

    /// How many nodes lie between `node` and the root, itself counted.
    pub fn depth(&self, node: OrganizationGroupId) -> usize {
        let mut depth = 1;
        let mut current = node;
        while let Some(Some(parent)) = self.parents.get(&current) {
            depth += 1;
            current = *parent;
            if depth > Self::MAX_DEPTH {
                break;
            }
        }
        depth
    }
}
