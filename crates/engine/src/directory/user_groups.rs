//! User groups, and what a change of their members means for the members' devices.
//!
//! A device keeps the groups of its user, so that one row decides about it. A user's membership and the user's devices
//! change in one commit; many users are done in several, each of few devices, so that nobody else has to wait.

use allclear_domain::{
    ids::{DeviceId, OrganizationGroupId, Tenant, UserGroupId, UserId},
    journal::{Actor, Change, Object},
};
use allclear_store::{
    devices,
    user_groups::{self as stored, UserGroup},
    users,
};
use serde::Serialize;

use crate::{Engine, Error, Problem, rules, work::Work};

/// Devices in one transaction.
const STEP: i64 = 500;
/// Users looked at for one transaction.
const LOOK: u32 = 500;

/// A group as the journal shows one.
#[derive(Serialize)]
struct Noted<'a> {
    name: &'a str,
    organization_group_id: OrganizationGroupId,
}

fn noted(group: &UserGroup) -> Noted<'_> {
    Noted { name: &group.name, organization_group_id: group.organization_group }
}

/// A user group within reach.
pub fn get(work: &mut Work<'_, '_>, reach: OrganizationGroupId, id: UserGroupId) -> Result<UserGroup, Error> {
    let group = stored::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound("user group"))?;
    super::within(work, reach, group.organization_group, "user group")?;
    Ok(group)
}

/// Creates a group without members.
pub fn create(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    organization_group: OrganizationGroupId,
    name: &str,
) -> Result<UserGroup, Error> {
    super::place(work, reach, organization_group, "a user group")?;
    Error::check(rules::name_problem("/name", name).into_iter().collect())?;
    let group = UserGroup { id: UserGroupId(work.source.id()), organization_group, name: name.to_owned(), version: 1 };
    rules::name_taken(stored::insert(work.tx, work.tenant, &group), "user group")?;
    rules::note(work, "user_group", &group.id, name, Some(organization_group), None, Some(&noted(&group)));
    Ok(group)
}

/// Renames or moves a group whose version the caller saw.
pub fn edit(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    id: UserGroupId,
    version: i64,
    name: Option<&str>,
    organization_group: Option<OrganizationGroupId>,
) -> Result<UserGroup, Error> {
    let before = get(work, reach, id)?;
    rules::same_version(version, before.version)?;
    let mut after = before.clone();
    if let Some(group) = organization_group {
        super::place(work, reach, group, "a user group")?;
        after.organization_group = group;
    }
    if let Some(name) = name {
        Error::check(rules::name_problem("/name", name).into_iter().collect())?;
        name.clone_into(&mut after.name);
    }
    if after == before {
        return Ok(after);
    }
    after.version += 1;
    rules::name_taken(stored::update(work.tx, work.tenant, &after), "user group")?;
    let group = Some(after.organization_group);
    rules::note(work, "user_group", &id, &after.name, group, Some(&noted(&before)), Some(&noted(&after)));
    Ok(after)
}

/// What a change of members came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Users who were not members before.
    pub added: u64,
    /// Users who are not members any more.
    pub removed: u64,
    /// Devices evaluated anew.
    pub devices: u64,
}

/// Puts users into a group and takes others out. Nothing is changed if one of them is not there; done again, it changes
/// nothing.
pub async fn change_members(
    engine: &Engine,
    tenant: Tenant,
    actor: Actor,
    reach: OrganizationGroupId,
    id: UserGroupId,
    add: Vec<UserId>,
    remove: Vec<UserId>,
) -> Result<Changed, Error> {
    let (adding, removing) = (add.clone(), remove.clone());
    let check = engine.read(tenant, move |tx, rules| {
        let group = stored::get(tx, tenant, id)?.ok_or(Error::NotFound("user group"))?;
        let within = |group| rules.organization_groups.is_within(group, reach);
        if !within(group.organization_group) {
            return Err(Error::NotFound("user group"));
        }
        let mut problems = Vec::new();
        for (name, users) in [("add", &adding), ("remove", &removing)] {
            for (place, user) in users.iter().enumerate() {
                let found = users::get(tx, tenant, *user)?;
                if !found.is_some_and(|user| within(user.organization_group)) {
                    problems.push(Problem::new(format!("/{name}/{place}"), "is no user"));
                } else if name == "remove" && adding.contains(user) {
                    problems.push(Problem::new(format!("/{name}/{place}"), "is also to be added"));
                }
            }
        }
        Error::check(problems)
    });
    check.await?;
    let mut changed = Changed::default();
    for (mut users, member) in [(add, true), (remove, false)] {
        users.sort_unstable();
        users.dedup();
        while !users.is_empty() {
            let part = users.clone();
            let (done, step) = engine
                .edit(tenant, actor.clone(), move |work| {
                    let group = get(work, reach, id)?;
                    step(work, &group, &part, member)
                })
                .await?;
            users.drain(..done);
            changed.added += if member { step.users } else { 0 };
            changed.removed += if member { 0 } else { step.users };
            changed.devices += step.devices;
        }
    }
    Ok(changed)
}

/// Deletes a group that no smart group names. Its members leave it first, in steps.
pub async fn delete(
    engine: &Engine,
    tenant: Tenant,
    actor: Actor,
    reach: OrganizationGroupId,
    id: UserGroupId,
) -> Result<(), Error> {
    loop {
        let gone = engine
            .edit(tenant, actor.clone(), move |work| {
                let group = get(work, reach, id)?;
                refuse_named(work, id)?;
                let members = stored::members(work.tx, work.tenant, id, None, LOOK)?;
                let last = members.len() < LOOK as usize;
                let (done, _) =
                    if members.is_empty() { Default::default() } else { step(work, &group, &members, false)? };
                if !last || done < members.len() {
                    return Ok(false);
                }
                stored::delete(work.tx, work.tenant, id)?;
                let place = Some(group.organization_group);
                rules::note(work, "user_group", &id, &group.name, place, Some(&noted(&group)), None);
                Ok(true)
            })
            .await?;
        if gone {
            return Ok(());
        }
    }
}

/// A criterion on a group that is gone would silently hold for nobody.
fn refuse_named(work: &Work<'_, '_>, id: UserGroupId) -> Result<(), Error> {
    let names = |group: &&allclear_domain::smart_group::SmartGroup| {
        let selection = &group.selection;
        selection.criteria.user_groups.contains(&id) || selection.exclusions.user_groups.contains(&id)
    };
    match work.rules().smart_groups.iter().find(names) {
        Some(group) => Err(Error::Conflict(format!("the smart group {:?} names the user group", group.name))),
        None => Ok(()),
    }
}

#[derive(Clone, Copy, Default)]
struct Step {
    users: u64,
    devices: u64,
}

/// Changes the membership of as many users as have few devices together, at least one. Says how many of the users it
/// has dealt with.
fn step(work: &mut Work<'_, '_>, group: &UserGroup, ids: &[UserId], member: bool) -> Result<(usize, Step), Error> {
    let mut ids: Vec<UserId> = ids.iter().copied().take(LOOK as usize).collect();
    let found = users::get_many(work.tx, work.tenant, &ids)?;
    let mut devices = 0;
    let fits = found.iter().take_while(|user| {
        devices += user.devices;
        devices <= STEP
    });
    if let Some(first_left) = found.get(fits.count().max(1)) {
        ids.truncate(ids.iter().position(|id| *id == first_left.id).unwrap_or(ids.len()));
    }
    let done = ids.len();
    // Who is gone in the meantime is in no group.
    ids.retain(|id| found.iter().any(|user| user.id == *id));
    let tenant = work.tenant;
    let changed = if member {
        stored::add(work.tx, tenant, group.id, &ids)?
    } else {
        stored::remove(work.tx, tenant, group.id, &ids)?
    };
    let users: Vec<UserId> = ids.into_iter().zip(changed).filter_map(|(id, changed)| changed.then_some(id)).collect();
    let mut concerned: Vec<DeviceId> = Vec::new();
    for user in &users {
        concerned.extend(devices::of_user(work.tx, tenant, *user)?);
    }
    work.load(concerned.iter().copied())?;
    for device in &concerned {
        let Some(loaded) = work.loaded(*device) else { continue };
        let groups = &mut loaded.record.facts.device.user_groups;
        match (groups.binary_search(&group.id), member) {
            (Err(place), true) => groups.insert(place, group.id),
            (Ok(place), false) => {
                groups.remove(place);
            }
            _ => continue,
        }
        loaded.change(Change::DeviceChanged { fields: vec!["user_groups".into()] });
    }
    if !users.is_empty() {
        let word = if member { "members_added" } else { "members_removed" };
        let after = serde_json::json!({ word: users });
        let object = Object { kind: "user_group".into(), id: group.id.to_string(), name: group.name.clone() };
        let before = serde_json::Value::Null;
        work.note(object, Some(group.organization_group), Change::Updated { before, after });
    }
    let step = Step { users: users.len() as u64, devices: concerned.len() as u64 };
    Ok((done, step))
}
