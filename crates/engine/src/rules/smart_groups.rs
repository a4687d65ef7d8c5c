//! Creating, changing and deleting smart groups.

use allclear_domain::{
    ids::{JobId, OrganizationGroupId, SmartGroupId, Tenant},
    level::RiskLevel,
    rules::Rules,
    smart_group::{Criteria, Quantity, Selection, SelectionKind, SmartGroup},
    tag::EngineTag,
};
use allclear_store::{db::Tx, jobs::Scope, smart_groups as stored};

use crate::{Error, Problem, jobs, work::Work};

/// The most devices or users a smart group may name one by one.
const MAX_NAMED: usize = 500;
/// The most values in one criterion.
const MAX_VALUES: usize = 500;

/// What is handed in about a smart group.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// Where it lives.
    pub organization_group: OrganizationGroupId,
    /// What selects its devices.
    pub selection: Selection,
}

/// Creates a smart group. Returns it and the re-evaluation.
pub fn create(work: &mut Work<'_, '_>, draft: Draft) -> Result<(SmartGroup, JobId), Error> {
    check_in(work, &draft)?;
    let Draft { name, organization_group, selection } = draft;
    let group = SmartGroup { id: SmartGroupId(work.source.id()), name, organization_group, selection };
    super::name_taken(stored::insert(work.tx, work.tenant, &group), "smart group")?;
    super::note(work, "smart_group", &group.id, &group.name, Some(organization_group), None, Some(&group));
    work.rules_changed()?;
    super::refuse_cycles(work, "/selection/criteria")?;
    let scope = scope(work.rules(), None, Some(&group));
    let job = jobs::reevaluate(work, scope, format!("smart group \"{}\" created", group.name))?;
    Ok((group, job))
}

/// Changes a smart group. Returns it, its version now and the re-evaluation.
pub fn update(
    work: &mut Work<'_, '_>,
    id: SmartGroupId,
    draft: Draft,
    version: Option<i64>,
) -> Result<(SmartGroup, i64, Option<JobId>), Error> {
    let (before, present) = stored::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound("smart group"))?;
    if let Some(version) = version {
        super::same_version(version, present)?;
    }
    check_in(work, &draft)?;
    let Draft { name, organization_group, selection } = draft;
    let group = SmartGroup { id, name, organization_group, selection };
    if group == before {
        return Ok((group, present, None));
    }
    super::name_taken(stored::update(work.tx, work.tenant, &group, present + 1), "smart group")?;
    super::note(work, "smart_group", &id, &group.name, Some(organization_group), Some(&before), Some(&group));
    work.rules_changed()?;
    super::refuse_cycles(work, "/selection/criteria")?;
    let moved = before.selection != group.selection || before.organization_group != group.organization_group;
    let job = if moved {
        let scope = scope(work.rules(), Some(&before), Some(&group));
        Some(jobs::reevaluate(work, scope, format!("smart group \"{}\" changed", group.name))?)
    } else {
        None
    };
    Ok((group, present + 1, job))
}

/// Deletes a smart group. Refused while a profile is assigned to it or excludes it.
pub fn delete(work: &mut Work<'_, '_>, id: SmartGroupId) -> Result<JobId, Error> {
    let (group, _) = stored::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound("smart group"))?;
    let drafts = allclear_store::profiles::list(work.tx, work.tenant, None, i64::MAX)?;
    let names = |spec: &allclear_domain::profile::ProfileSpec| {
        spec.assigned_groups.contains(&id) || spec.excluded_groups.contains(&id)
    };
    let used = work
        .rules()
        .profiles
        .iter()
        .find(|profile| profile.state == allclear_domain::profile::ProfileState::Published && names(&profile.spec));
    let used = used
        .map(|profile| profile.name.clone())
        .or_else(|| drafts.iter().find(|profile| names(&profile.draft)).map(|profile| profile.name.clone()));
    if let Some(profile) = used {
        return Err(Error::Conflict(format!("profile \"{profile}\" is assigned to or excludes this smart group")));
    }
    stored::delete(work.tx, work.tenant, id)?;
    super::note(work, "smart_group", &id, &group.name, Some(group.organization_group), Some(&group), None);
    work.rules_changed()?;
    let scope = Scope { smart_groups: vec![id], ..Scope::default() };
    jobs::reevaluate(work, scope, format!("smart group \"{}\" deleted", group.name))
}

/// The rules as they would be with that group.
pub fn proposed(rules: &Rules, group: SmartGroup) -> Rules {
    let mut proposed = rules.clone();
    proposed.smart_groups.retain(|other| other.id != group.id);
    proposed.smart_groups.push(group);
    proposed.smart_groups.sort_unstable_by_key(|group| group.id);
    proposed
}

/// The devices that a change of a group may concern: those in it now, and those that may come to it.
pub fn scope(rules: &Rules, before: Option<&SmartGroup>, after: Option<&SmartGroup>) -> Scope {
    let mut scope = Scope::default();
    if let Some(before) = before {
        scope.smart_groups.push(before.id);
    }
    if let Some(after) = after {
        let selection = &after.selection;
        scope.devices.extend(&selection.additions.devices);
        scope.users.extend(&selection.additions.users);
        match selection.kind {
            SelectionKind::DevicesOrUsers => {}
            SelectionKind::Criteria if only_at_risk(rules, &selection.criteria) => scope.at_risk = true,
            SelectionKind::Criteria => scope.all = true,
        }
    }
    scope
}

/// Whether only devices with a risk level above none can match.
fn only_at_risk(rules: &Rules, criteria: &Criteria) -> bool {
    let by_level = !criteria.risk_levels.is_empty() && !criteria.risk_levels.contains(&RiskLevel::None);
    let means_risk = |id: &allclear_domain::ids::TagId| {
        let engine = rules.tag(*id).and_then(|tag| tag.engine);
        engine.is_some_and(|tag| tag.is_risk() || tag == EngineTag::ThreatsPresent)
    };
    let tags = &criteria.tags;
    let by_tag = !tags.tags.is_empty()
        && match tags.quantity {
            Quantity::Any => tags.tags.iter().all(means_risk),
            Quantity::All => tags.tags.iter().any(means_risk),
            Quantity::None => false,
        };
    by_level || by_tag
}

fn check_in(work: &mut Work<'_, '_>, draft: &Draft) -> Result<(), Error> {
    let rules = work.rules_handle();
    check(work.tx, work.tenant, &rules, draft)
}

/// Checks a draft against the tenant's things.
pub fn check(tx: &mut Tx<'_>, tenant: Tenant, rules: &Rules, draft: &Draft) -> Result<(), Error> {
    let mut problems: Vec<Problem> = Vec::new();
    problems.extend(super::name_problem("/name", &draft.name));
    problems.extend(super::organization_group_problem(rules, draft.organization_group, "a smart group"));
    problems.extend(criteria_problems(tx, tenant, rules, &draft.selection.criteria, "/selection/criteria")?);
    let selection = &draft.selection;
    if selection.kind == SelectionKind::DevicesOrUsers {
        if !selection.criteria.given().is_empty() {
            let detail = "must be empty: a smart group of kind devices_or_users holds only its additions";
            problems.push(Problem::new("/selection/criteria", detail));
        }
        if selection.additions.devices.is_empty() && selection.additions.users.is_empty() {
            problems.push(Problem::new("/selection/additions", "must name at least one device or user"));
        }
    }
    let named = [
        ("/selection/additions/devices", selection.additions.devices.len()),
        ("/selection/additions/users", selection.additions.users.len()),
        ("/selection/exclusions/devices", selection.exclusions.devices.len()),
        ("/selection/exclusions/users", selection.exclusions.users.len()),
        ("/selection/exclusions/user_groups", selection.exclusions.user_groups.len()),
    ];
    for (pointer, count) in named {
        if count > MAX_NAMED {
            problems.push(Problem::new(pointer, format!("must be at most {MAX_NAMED}: use criteria for more")));
        }
    }
    if problems.is_empty() {
        let devices = selection.additions.devices.iter().map(|id| ("/selection/additions/devices", id.0));
        let devices =
            devices.chain(selection.exclusions.devices.iter().map(|id| ("/selection/exclusions/devices", id.0)));
        let missing = stored::missing(tx, tenant, stored::Kind::Device, devices.collect())?;
        problems.extend(missing.into_iter().map(|(pointer, id)| Problem::new(pointer, format!("{id} is no device"))));
        let users = selection.additions.users.iter().map(|id| ("/selection/additions/users", id.0));
        let users = users.chain(selection.exclusions.users.iter().map(|id| ("/selection/exclusions/users", id.0)));
        let missing = stored::missing(tx, tenant, stored::Kind::User, users.collect())?;
        problems.extend(missing.into_iter().map(|(pointer, id)| Problem::new(pointer, format!("{id} is no user"))));
        let groups = selection.exclusions.user_groups.iter().map(|id| ("/selection/exclusions/user_groups", id.0));
        let missing = stored::missing(tx, tenant, stored::Kind::UserGroup, groups.collect())?;
        problems
            .extend(missing.into_iter().map(|(pointer, id)| Problem::new(pointer, format!("{id} is no user group"))));
    }
    Error::check(problems)
}

/// What is wrong with criteria: in themselves, and against the tenant's things.
pub(super) fn criteria_problems(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    rules: &Rules,
    criteria: &Criteria,
    at: &str,
) -> Result<Vec<Problem>, Error> {
    let mut problems: Vec<Problem> = criteria
        .problems()
        .into_iter()
        .map(|(pointer, detail)| Problem::new(format!("{at}{pointer}"), detail))
        .collect();
    for (name, count) in [
        ("organization_groups", criteria.organization_groups.len()),
        ("user_groups", criteria.user_groups.len()),
        ("platforms", criteria.platforms.len()),
        ("models", criteria.models.len()),
        ("tags/tags", criteria.tags.tags.len()),
    ] {
        if count > MAX_VALUES {
            problems.push(Problem::new(format!("{at}/{name}"), format!("must be at most {MAX_VALUES} values")));
        }
    }
    if !problems.is_empty() {
        return Ok(problems);
    }
    for (index, group) in criteria.organization_groups.iter().enumerate() {
        if !rules.organization_groups.contains(*group) {
            problems.push(Problem::new(format!("{at}/organization_groups/{index}"), "is no organization group"));
        }
    }
    for (index, tag) in criteria.tags.tags.iter().enumerate() {
        if rules.tag(*tag).is_none() {
            problems.push(Problem::new(format!("{at}/tags/tags/{index}"), "is no tag"));
        }
    }
    let groups = criteria.user_groups.iter().map(|id| ("user_groups", id.0)).collect();
    for (name, id) in stored::missing(tx, tenant, stored::Kind::UserGroup, groups)? {
        problems.push(Problem::new(format!("{at}/{name}"), format!("{id} is no user group")));
    }
    Ok(problems)
}
