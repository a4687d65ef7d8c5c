//! Users: people who have devices.

use allclear_domain::ids::{OrganizationGroupId, UserId};
use allclear_store::users::{self as stored, User};
use serde::Serialize;

use super::checks;
use crate::{Error, Problem, rules, work::Work};

/// A user to be created.
#[derive(Clone, Debug, PartialEq)]
pub struct NewUser {
    /// The name to sign in with.
    pub user_name: String,
    /// What people call them.
    pub display_name: Option<String>,
    /// The mail address.
    pub email: Option<String>,
    /// The phone number, E.164.
    pub phone: Option<String>,
    /// The language to write to them in.
    pub locale: Option<String>,
    /// Where the user lives.
    pub organization_group: OrganizationGroupId,
}

/// What is to be changed about a user. Absent members stay as they are; an inner `None` clears one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UserEdit {
    /// The name to sign in with.
    pub user_name: Option<String>,
    /// What people call them.
    pub display_name: Option<Option<String>>,
    /// The mail address.
    pub email: Option<Option<String>>,
    /// The phone number, E.164.
    pub phone: Option<Option<String>>,
    /// The language to write to them in.
    pub locale: Option<Option<String>>,
    /// Where the user lives. Their devices stay where they are.
    pub organization_group: Option<OrganizationGroupId>,
}

/// A user as the journal shows one.
#[derive(Serialize)]
struct Noted<'a> {
    user_name: &'a str,
    display_name: Option<&'a str>,
    email: Option<&'a str>,
    phone: Option<&'a str>,
    locale: Option<&'a str>,
    organization_group_id: OrganizationGroupId,
}

fn noted(user: &User) -> Noted<'_> {
    Noted {
        user_name: &user.user_name,
        display_name: user.display_name.as_deref(),
        email: user.email.as_deref(),
        phone: user.phone.as_deref(),
        locale: user.locale.as_deref(),
        organization_group_id: user.organization_group,
    }
}

/// A user within reach.
pub fn get(work: &mut Work<'_, '_>, reach: OrganizationGroupId, id: UserId) -> Result<User, Error> {
    let user = stored::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound("user"))?;
    super::within(work, reach, user.organization_group, "user")?;
    Ok(user)
}

/// Creates a user.
pub fn create(work: &mut Work<'_, '_>, reach: OrganizationGroupId, new: &NewUser) -> Result<User, Error> {
    super::place(work, reach, new.organization_group, "a user")?;
    let user = User {
        id: UserId(work.source.id()),
        organization_group: new.organization_group,
        user_name: new.user_name.clone(),
        display_name: new.display_name.clone(),
        email: new.email.clone(),
        phone: new.phone.clone(),
        locale: new.locale.clone(),
        version: 1,
        created_at: work.now,
        devices: 0,
        score: 0,
        incidents: [0; 3],
    };
    check(work, &user)?;
    stored::insert(work.tx, work.tenant, &user)?;
    rules::note(work, "user", &user.id, user.name(), Some(user.organization_group), None, Some(&noted(&user)));
    Ok(user)
}

/// Changes a user whose version the caller saw.
pub fn edit(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    id: UserId,
    version: i64,
    edit: &UserEdit,
) -> Result<User, Error> {
    let before = get(work, reach, id)?;
    rules::same_version(version, before.version)?;
    let mut after = before.clone();
    if let Some(group) = edit.organization_group {
        super::place(work, reach, group, "a user")?;
        after.organization_group = group;
    }
    if let Some(user_name) = &edit.user_name {
        after.user_name.clone_from(user_name);
    }
    for (known, given) in [
        (&mut after.display_name, &edit.display_name),
        (&mut after.email, &edit.email),
        (&mut after.phone, &edit.phone),
        (&mut after.locale, &edit.locale),
    ] {
        if let Some(given) = given {
            known.clone_from(given);
        }
    }
    if after == before {
        return Ok(after);
    }
    check(work, &after)?;
    after.version += 1;
    stored::update(work.tx, work.tenant, &after)?;
    let group = Some(after.organization_group);
    rules::note(work, "user", &id, after.name(), group, Some(&noted(&before)), Some(&noted(&after)));
    Ok(after)
}

/// Deletes a user who has no devices any more.
pub fn delete(work: &mut Work<'_, '_>, reach: OrganizationGroupId, id: UserId) -> Result<(), Error> {
    let user = get(work, reach, id)?;
    if user.devices > 0 {
        let plural = if user.devices == 1 { "" } else { "s" };
        return Err(Error::Conflict(format!(
            "the user has {} device{plural}: delete them or give them to others first",
            user.devices
        )));
    }
    stored::delete(work.tx, work.tenant, id)?;
    rules::note(work, "user", &id, user.name(), Some(user.organization_group), Some(&noted(&user)), None);
    Ok(())
}

fn check(work: &mut Work<'_, '_>, user: &User) -> Result<(), Error> {
    let mut problems: Vec<Problem> = rules::name_problem("/user_name", &user.user_name).into_iter().collect();
    problems.extend(user.display_name.as_deref().and_then(|text| rules::name_problem("/display_name", text)));
    problems.extend(user.email.as_deref().and_then(|text| checks::email("/email", text)));
    problems.extend(user.phone.as_deref().and_then(|text| checks::phone("/phone", text)));
    problems.extend(user.locale.as_deref().and_then(|text| checks::locale("/locale", text)));
    Error::check(problems)?;
    // The tenant is locked, so nobody else can take the name before the commit.
    let taken = stored::by_name(work.tx, work.tenant, &user.user_name)?.is_some_and(|other| other != user.id);
    if taken { Err(Error::Conflict("there is a user of that user_name already".into())) } else { Ok(()) }
}
