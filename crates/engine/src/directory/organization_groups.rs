//! The tenant tree: nodes below a customer. Customers themselves are made by [`crate::setup::create_customer`].

use allclear_domain::{
    ids::{JobId, OrganizationGroupId},
    organization_group::{OrganizationGroup, OrganizationGroupKind, OrganizationGroups},
    smart_group::Criteria,
};
use allclear_store::{jobs::Scope, organization_groups as stored};

use crate::{Error, jobs, rules, work::Work};

const WHAT: &str = "organization group";

/// A node within reach and its version.
pub fn get(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    id: OrganizationGroupId,
) -> Result<(OrganizationGroup, i64), Error> {
    super::within(work, reach, id, WHAT)?;
    stored::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound(WHAT))
}

/// Creates a node below another.
pub fn create(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    parent: OrganizationGroupId,
    name: &str,
) -> Result<OrganizationGroup, Error> {
    Error::check(rules::name_problem("/name", name).into_iter().collect())?;
    let tree = &work.rules().organization_groups;
    if !tree.contains(parent) || !tree.is_within(parent, reach) {
        return Err(Error::invalid("/parent_id", "is no organization group"));
    }
    fits(tree, parent, 1)?;
    let group = OrganizationGroup {
        id: OrganizationGroupId(work.source.id()),
        parent: Some(parent),
        name: name.to_owned(),
        kind: OrganizationGroupKind::Container,
    };
    rules::name_taken(stored::insert(work.tx, work.tenant, &group), "organization group beside it")?;
    rules::note(work, "organization_group", &group.id, name, Some(group.id), None, Some(&group));
    work.rules_changed()?;
    Ok(group)
}

/// Renames or moves a node whose version the caller saw. Returns it with its version and, after a move, the
/// re-evaluation of the tenant's devices.
pub fn edit(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    id: OrganizationGroupId,
    version: i64,
    name: Option<&str>,
    parent: Option<OrganizationGroupId>,
) -> Result<(OrganizationGroup, i64, Option<JobId>), Error> {
    let (before, present) = get(work, reach, id)?;
    rules::same_version(version, present)?;
    let mut after = before.clone();
    if let Some(name) = name {
        Error::check(rules::name_problem("/name", name).into_iter().collect())?;
        name.clone_into(&mut after.name);
    }
    if let Some(parent) = parent.filter(|parent| before.parent != Some(*parent)) {
        move_problem(&work.rules().organization_groups, reach, &before, parent)?;
        after.parent = Some(parent);
    }
    if after == before {
        return Ok((after, present, None));
    }
    rules::name_taken(stored::update(work.tx, work.tenant, &after, present + 1), "organization group beside it")?;
    rules::note(work, "organization_group", &id, &after.name, Some(id), Some(&before), Some(&after));
    work.rules_changed()?;
    let job = if after.parent == before.parent {
        None
    } else {
        Some(jobs::reevaluate(work, Scope::all(), format!("organization group {:?} was moved", after.name))?)
    };
    Ok((after, present + 1, job))
}

/// Deletes a node that nothing lives in and nothing names.
pub fn delete(work: &mut Work<'_, '_>, reach: OrganizationGroupId, id: OrganizationGroupId) -> Result<(), Error> {
    let (group, _) = get(work, reach, id)?;
    if group.kind != OrganizationGroupKind::Container {
        return Err(Error::Conflict("a customer organization group cannot be deleted".into()));
    }
    let mut holds = stored::contents(work.tx, work.tenant, id)?;
    if work.rules().organization_groups.within(id).len() > 1 {
        holds.insert(0, "organization groups");
    }
    if !holds.is_empty() {
        return Err(Error::Conflict(format!("the organization group still holds {}", holds.join(", "))));
    }
    refuse_named(work, id)?;
    stored::delete(work.tx, work.tenant, id)?;
    rules::note(work, "organization_group", &id, &group.name, Some(id), Some(&group), None);
    work.rules_changed()
}

/// Whether so many more levels fit below a node.
fn fits(tree: &OrganizationGroups, parent: OrganizationGroupId, levels: usize) -> Result<(), Error> {
    // Depths count Global, the limit does not.
    if tree.depth(parent) + levels > OrganizationGroups::MAX_DEPTH + 1 {
        let detail = format!("lies too deep: the tree has at most {} levels", OrganizationGroups::MAX_DEPTH);
        return Err(Error::invalid("/parent_id", detail));
    }
    Ok(())
}

fn move_problem(
    tree: &OrganizationGroups,
    reach: OrganizationGroupId,
    group: &OrganizationGroup,
    parent: OrganizationGroupId,
) -> Result<(), Error> {
    let invalid = |detail: &str| Err(Error::invalid("/parent_id", detail));
    if group.kind != OrganizationGroupKind::Container {
        return invalid("a customer organization group stays below Global");
    }
    if parent == OrganizationGroupId::GLOBAL {
        return invalid("only customer organization groups lie below Global");
    }
    if !tree.contains(parent) || !tree.is_within(parent, reach) || group.id == reach {
        return invalid("is no organization group");
    }
    if tree.is_within(parent, group.id) {
        return invalid("lies within the organization group that is to be moved");
    }
    let deepest = tree.within(group.id).into_iter().map(|node| tree.depth(node)).max().unwrap_or(0);
    fits(tree, parent, deepest.saturating_sub(tree.depth(group.id)) + 1)
}

/// A criterion on a node that is gone would silently hold for nothing.
fn refuse_named(work: &Work<'_, '_>, id: OrganizationGroupId) -> Result<(), Error> {
    let rules = work.rules();
    let named = |criteria: &Criteria| criteria.organization_groups.contains(&id);
    let group = rules.smart_groups.iter().find(|group| named(&group.selection.criteria));
    if let Some(group) = group {
        return Err(Error::Conflict(format!("the smart group {:?} names the organization group", group.name)));
    }
    let profile = rules.profiles.iter().find(|it| named(&it.spec.install_criteria) || it.spec.managed_by == Some(id));
    match profile {
        Some(profile) => Err(Error::Conflict(format!("the profile {:?} names the organization group", profile.name))),
        None => Ok(()),
    }
}
