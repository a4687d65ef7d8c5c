//! Administrators: who may sign in to the console, and what changes about them.
//!
//! Functions here take the writer at work. Whoever calls them has checked that the caller may do this; that names,
//! roles and reach are possible is checked here, and that a tenant keeps somebody who can manage administrators. Must
//! not know how passwords are hashed nor how a session is shown.

use std::collections::BTreeSet;

use allclear_domain::{
    admin::{AdminState, LinkKind, SecondFactor},
    ids::{AdminId, OrganizationGroupId, SessionId, Tenant},
    journal::{Change, Object},
    rights::Right,
    time::{Span, Time},
};
use allclear_store::{
    admins::{self, Admin},
    roles::{self, RoleRef},
    second_factors,
    sessions::{self, Session},
    sign_in_links::{self, SignInLink},
    tokens::Hash,
};

use crate::{
    Error, Problem,
    rules::{self, name_problem, same_version},
    work::Work,
};

/// Most administrators of a tenant.
const MOST: i64 = 1000;

/// Longest user name or mail address, in characters.
const LONGEST_NAME: usize = 254;

/// How long a session may go unused.
pub const IDLE: Span = Span::seconds(12 * 3600);

/// Somebody to be added.
#[derive(Clone, Debug)]
pub struct NewAdmin {
    /// The name to sign in with.
    pub user_name: String,
    /// The mail address, good for signing in as well.
    pub email: Option<String>,
    /// What people call them.
    pub name: String,
    /// What they may do.
    pub role: RoleRef,
    /// The organization group at or below which they may do it; of the tenant at work.
    pub reach: OrganizationGroupId,
    /// The hash of the password; without one they are invited.
    pub password: Option<String>,
}

/// What is changed about somebody; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct AdminEdit {
    /// The name to sign in with.
    pub user_name: Option<String>,
    /// The mail address.
    pub email: Option<Option<String>>,
    /// What people call them.
    pub name: Option<String>,
    /// What they may do.
    pub role: Option<RoleRef>,
    /// Where they may do it.
    pub reach: Option<OrganizationGroupId>,
    /// Whether they are kept from signing in.
    pub disabled: Option<bool>,
}

/// An administrator of the tenant at work.
pub fn get(work: &mut Work<'_, '_>, id: AdminId) -> Result<Admin, Error> {
    admins::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound("administrator"))
}

/// Adds an administrator. Links to set the tenant or the server up are worth nothing from then on.
pub fn create(work: &mut Work<'_, '_>, new: NewAdmin) -> Result<Admin, Error> {
    let state = if new.password.is_some() { AdminState::Active } else { AdminState::Invited };
    let admin = Admin {
        tenant: work.tenant,
        id: AdminId(work.source.id()),
        user_name: new.user_name,
        email: new.email,
        name: new.name,
        role: new.role,
        reach: new.reach,
        state,
        password_set_at: new.password.as_ref().map(|_| work.now),
        password: new.password,
        totp_secret: None,
        totp_step: 0,
        failures: 0,
        locked_until: None,
        created_at: work.now,
        created_by: work.actor().name.clone(),
        last_signed_in_at: None,
        version: 1,
    };
    check(work, &admin)?;
    if admins::count(work.tx, work.tenant)? >= MOST {
        return Err(Error::Conflict(format!("there are {MOST} administrators already, which is the most")));
    }
    admins::insert(work.tx, &admin).map_err(taken)?;
    for tenant in [work.tenant, Tenant::SERVER] {
        sign_in_links::delete_set_up(work.tx, tenant)?;
    }
    note(work, None, Some(&admin));
    Ok(admin)
}

/// Changes an administrator who has the version `seen`. A change of what they may do, and disabling them, ends their
/// sessions; an administrator who is enabled again has no lock.
pub fn edit(work: &mut Work<'_, '_>, id: AdminId, edit: &AdminEdit, seen: i64) -> Result<Admin, Error> {
    let before = get(work, id)?;
    same_version(seen, before.version)?;
    let mut after = before.clone();
    after.user_name.clone_from(edit.user_name.as_ref().unwrap_or(&before.user_name));
    after.email.clone_from(edit.email.as_ref().unwrap_or(&before.email));
    after.name.clone_from(edit.name.as_ref().unwrap_or(&before.name));
    after.role = edit.role.unwrap_or(before.role);
    after.reach = edit.reach.unwrap_or(before.reach);
    after.state = match edit.disabled {
        None => before.state,
        Some(true) => AdminState::Disabled,
        Some(false) if before.state != AdminState::Disabled => before.state,
        Some(false) if before.password.is_some() => AdminState::Active,
        Some(false) => AdminState::Invited,
    };
    if after == before {
        return Ok(before);
    }
    check(work, &after)?;
    if (before.role, before.reach, before.state) != (after.role, after.reach, after.state) {
        end_sessions(work, &before, None)?;
    }
    if after.state == AdminState::Disabled {
        sign_in_links::delete_of(work.tx, work.tenant, id)?;
    }
    replace(work, &before, after)
}

/// Writes what an administrator has become, and notes it.
fn replace(work: &mut Work<'_, '_>, before: &Admin, mut after: Admin) -> Result<Admin, Error> {
    after.version = before.version + 1;
    keeping_a_manager(work, |work| admins::update(work.tx, &after).map_err(taken))?;
    note(work, Some(before), Some(&after));
    Ok(after)
}

/// Removes an administrator, with their sessions.
pub fn delete(work: &mut Work<'_, '_>, id: AdminId) -> Result<(), Error> {
    let before = get(work, id)?;
    keeping_a_manager(work, |work| Ok(admins::delete(work.tx, work.tenant, id)?))?;
    note(work, Some(&before), None);
    Ok(())
}

/// Sets a password by its hash: lifts a lock, takes an invitation up, makes links worth nothing, and ends all sessions
/// but one.
pub fn set_password(
    work: &mut Work<'_, '_>,
    id: AdminId,
    password: String,
    session: Option<SessionId>,
) -> Result<Admin, Error> {
    let before = get(work, id)?;
    let state = if before.state == AdminState::Invited { AdminState::Active } else { before.state };
    let after = Admin {
        password: Some(password),
        password_set_at: Some(work.now),
        state,
        failures: 0,
        locked_until: None,
        ..before.clone()
    };
    end_sessions(work, &before, session)?;
    sign_in_links::delete_of(work.tx, work.tenant, id)?;
    replace(work, &before, after)
}

/// Gives an administrator the sealed secret of one-time codes, or takes it away.
pub fn set_totp(work: &mut Work<'_, '_>, id: AdminId, secret: Option<Vec<u8>>) -> Result<Admin, Error> {
    let before = get(work, id)?;
    let after = Admin { totp_secret: secret, ..before.clone() };
    let after = replace(work, &before, after)?;
    forget_recovery_codes(work, &after)?;
    Ok(after)
}

/// Adds a passkey.
pub fn add_passkey(work: &mut Work<'_, '_>, passkey: &second_factors::Passkey) -> Result<(), Error> {
    let admin = get(work, passkey.admin)?;
    second_factors::insert_passkey(work.tx, work.tenant, passkey)?;
    work.note(object(&admin), place(&admin), Change::Created { after: serde_json::json!({ "passkey": passkey.name }) });
    Ok(())
}

/// Removes a passkey.
pub fn remove_passkey(work: &mut Work<'_, '_>, passkey: &second_factors::Passkey) -> Result<(), Error> {
    let admin = get(work, passkey.admin)?;
    if !second_factors::delete_passkey(work.tx, work.tenant, admin.id, passkey.id)? {
        return Err(Error::NotFound("passkey"));
    }
    let before = serde_json::json!({ "passkey": passkey.name });
    work.note(object(&admin), place(&admin), Change::Deleted { before });
    forget_recovery_codes(work, &admin)
}

/// Gives an administrator who has a second factor these recovery codes, by their hashes, in place of all there were.
pub fn renew_recovery_codes(work: &mut Work<'_, '_>, id: AdminId, codes: &[Hash]) -> Result<(), Error> {
    let admin = get(work, id)?;
    if !has_second_factor(work.tx, &admin)? {
        return Err(Error::Conflict("there is no second factor to recover; set one up first".into()));
    }
    second_factors::set_recovery_codes(work.tx, work.tenant, id, codes)?;
    let after = serde_json::json!({ "recovery_codes": codes.len() });
    work.note(object(&admin), place(&admin), Change::Created { after });
    Ok(())
}

/// Recovery codes without anything to recover would be a second factor of their own.
fn forget_recovery_codes(work: &mut Work<'_, '_>, admin: &Admin) -> Result<(), Error> {
    if !has_second_factor(work.tx, admin)? {
        second_factors::set_recovery_codes(work.tx, admin.tenant, admin.id, &[])?;
    }
    Ok(())
}

/// Whether an administrator has a second factor.
pub fn has_second_factor(tx: &mut allclear_store::db::Tx<'_>, admin: &Admin) -> Result<bool, Error> {
    Ok(admin.totp_secret.is_some() || second_factors::count_passkeys(tx, admin.tenant, admin.id)? > 0)
}

/// Takes every second factor away from an administrator and ends their sessions.
pub fn remove_second_factors(work: &mut Work<'_, '_>, id: AdminId) -> Result<(), Error> {
    let admin = get(work, id)?;
    for passkey in second_factors::passkeys(work.tx, work.tenant, id)? {
        remove_passkey(work, &passkey)?;
    }
    end_sessions(work, &admin, None)?;
    if admin.totp_secret.is_some() { set_totp(work, id, None).map(|_| ()) } else { Ok(()) }
}

/// Whether a session has not come to its end by itself.
pub fn lasts(session: &Session, now: Time) -> bool {
    session.expires_at > now && session.last_seen_at.plus(IDLE) > now
}

/// Notes that somebody signed in: their session, as it is from now on, is good for everything they may.
pub fn signed_in(work: &mut Work<'_, '_>, admin: &Admin, session: &Session) -> Result<(), Error> {
    admins::succeeded(work.tx, work.tenant, admin.id)?;
    admins::signed_in(work.tx, work.tenant, admin.id, work.now)?;
    let change = Change::SignedIn {
        second_factor: session.second_factor,
        address: session.address.clone(),
        user_agent: session.user_agent.clone(),
    };
    work.note(object(admin), place(admin), change);
    Ok(())
}

/// Ends a session of somebody who signs out at an address.
pub fn sign_out(
    work: &mut Work<'_, '_>,
    admin: &Admin,
    session: &Session,
    address: Option<String>,
) -> Result<(), Error> {
    if sessions::delete(work.tx, work.tenant, session.id)? && was_good(session, work.now) {
        work.note(object(admin), place(admin), Change::SignedOut { address });
    }
    Ok(())
}

/// Ends a session from elsewhere.
pub fn end_session(work: &mut Work<'_, '_>, admin: &Admin, session: &Session) -> Result<(), Error> {
    if sessions::delete(work.tx, work.tenant, session.id)? {
        note_ended(work, admin, std::slice::from_ref(session));
    }
    Ok(())
}

/// Ends all sessions of an administrator but one.
pub fn end_sessions(work: &mut Work<'_, '_>, admin: &Admin, but: Option<SessionId>) -> Result<(), Error> {
    let mut ended = sessions::of_admin(work.tx, work.tenant, admin.id)?;
    ended.retain(|session| Some(session.id) != but);
    sessions::delete_others(work.tx, work.tenant, admin.id, but)?;
    note_ended(work, admin, &ended);
    Ok(())
}

/// Whether a session was good for more than giving the second factor, and had not come to its end.
fn was_good(session: &Session, now: Time) -> bool {
    session.second_factor != SecondFactor::Awaited && lasts(session, now)
}

fn note_ended(work: &mut Work<'_, '_>, admin: &Admin, ended: &[Session]) {
    let good: Vec<&Session> = ended.iter().filter(|session| was_good(session, work.now)).collect();
    if good.is_empty() {
        return;
    }
    let addresses: BTreeSet<String> = good.iter().filter_map(|session| session.address.clone()).collect();
    let count = u32::try_from(good.len()).unwrap_or(u32::MAX);
    let change = Change::SessionsEnded { count, addresses: addresses.into_iter().collect() };
    work.note(object(admin), place(admin), change);
}

/// Notes that a wrong attempt from an address locked the account of an administrator.
pub fn locked(work: &mut Work<'_, '_>, id: AdminId, until: Time, address: Option<String>) -> Result<(), Error> {
    let admin = get(work, id)?;
    work.note(object(&admin), place(&admin), Change::AccountLocked { until, address });
    Ok(())
}

/// Lifts a lock.
pub fn unlock(work: &mut Work<'_, '_>, id: AdminId) -> Result<Admin, Error> {
    let before = get(work, id)?;
    if before.failures == 0 && before.locked_until.is_none() {
        return Ok(before);
    }
    let after = Admin { failures: 0, locked_until: None, ..before.clone() };
    replace(work, &before, after)
}

/// How long links are good for.
fn good_for(kind: LinkKind) -> Span {
    match kind {
        LinkKind::SetUp | LinkKind::Reset => Span::days(1),
        LinkKind::Invitation => Span::days(7),
    }
}

/// Makes a link by its hash for somebody who is to be the first administrator of the tenant at work.
pub fn set_up_link(work: &mut Work<'_, '_>, reach: OrganizationGroupId, hash: &Hash) -> Result<SignInLink, Error> {
    link(work, LinkKind::SetUp, reach, None, hash)
}

/// Makes a link by its hash for an administrator, in place of any there was: to take up the invitation, or to choose a
/// new password.
pub fn link_for(work: &mut Work<'_, '_>, id: AdminId, hash: &Hash) -> Result<SignInLink, Error> {
    let admin = get(work, id)?;
    let kind = match admin.state {
        AdminState::Invited => LinkKind::Invitation,
        AdminState::Active => LinkKind::Reset,
        AdminState::Disabled => return Err(Error::Conflict("the administrator is disabled".into())),
    };
    sign_in_links::delete_of(work.tx, work.tenant, id)?;
    let link = link(work, kind, admin.reach, Some(id), hash)?;
    let after = serde_json::json!({ "link": kind, "expires_at": link.expires_at });
    work.note(object(&admin), place(&admin), Change::Created { after });
    Ok(link)
}

fn link(
    work: &mut Work<'_, '_>,
    kind: LinkKind,
    reach: OrganizationGroupId,
    admin: Option<AdminId>,
    hash: &Hash,
) -> Result<SignInLink, Error> {
    sign_in_links::delete_expired(work.tx, work.tenant, work.now)?;
    let expires_at = work.now.plus(good_for(kind));
    let link = SignInLink { tenant: work.tenant, kind, reach, admin, created_at: work.now, expires_at };
    sign_in_links::insert(work.tx, &link, hash)?;
    Ok(link)
}

/// The link of a hash, if it is still good.
pub fn good_link(
    tx: &mut allclear_store::db::Tx<'_>,
    tenant: Tenant,
    hash: &Hash,
    now: Time,
) -> Result<SignInLink, Error> {
    let link = sign_in_links::get(tx, tenant, hash)?;
    link.filter(|link| link.expires_at > now).ok_or(Error::NotFound("link, or it has been used or has expired"))
}

/// Does something that may leave nobody who can manage the administrators of the tenant, and refuses it if it does.
pub fn keeping_a_manager<T>(
    work: &mut Work<'_, '_>,
    change: impl FnOnce(&mut Work<'_, '_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let before = has_manager(work)?;
    let done = change(work)?;
    if before && !has_manager(work)? {
        return Err(Error::Conflict("nobody would be left who can manage administrators".into()));
    }
    Ok(done)
}

/// Whether somebody active reaches the whole tenant and may manage administrators.
fn has_manager(work: &mut Work<'_, '_>) -> Result<bool, Error> {
    let root = match work.tenant {
        Tenant::SERVER => Some(OrganizationGroupId::GLOBAL),
        _ => work.rules().organization_groups.root(),
    };
    let Some(root) = root else { return Ok(false) };
    for admin in admins::active_at(work.tx, work.tenant, root)? {
        let rights = roles::rights(work.tx, work.tenant, admin.role)?.unwrap_or_default();
        if rights.contains(&Right::ManageRoles) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What is wrong with an administrator.
fn check(work: &mut Work<'_, '_>, admin: &Admin) -> Result<(), Error> {
    let mut problems: Vec<Problem> = name_problem("/name", &admin.name).into_iter().collect();
    let length = admin.user_name.chars().count();
    if !(1..=LONGEST_NAME).contains(&length) || admin.user_name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        problems.push(Problem::new("/user_name", "must be 1 to 254 characters without spaces"));
    }
    if let Some(email) = &admin.email {
        let parts = email.split_once('@').filter(|(local, domain)| !local.is_empty() && !domain.is_empty());
        let odd = |c: char| c.is_control() || c.is_whitespace();
        if parts.is_none() || email.chars().count() > LONGEST_NAME || email.chars().any(odd) {
            problems.push(Problem::new("/email", "is no mail address"));
        }
    }
    if roles::rights(work.tx, work.tenant, admin.role)?.is_none() {
        problems.push(Problem::new("/role", "there is no such role"));
    }
    let known = match work.tenant {
        Tenant::SERVER => admin.reach == OrganizationGroupId::GLOBAL,
        _ => work.rules().organization_groups.contains(admin.reach) && admin.reach != OrganizationGroupId::GLOBAL,
    };
    if !known {
        problems.push(Problem::new("/organization_group_id", "is no organization group"));
    }
    Error::check(problems)
}

fn taken(error: allclear_store::Error) -> Error {
    if error.is_unique_violation() {
        return Error::Conflict("somebody on this server signs in with that name or mail address already".into());
    }
    error.into()
}

fn object(admin: &Admin) -> Object {
    Object { kind: "admin".into(), id: admin.id.to_string(), name: admin.name.clone() }
}

/// Where the journal files it.
fn place(admin: &Admin) -> Option<OrganizationGroupId> {
    Some(admin.reach).filter(|reach| *reach != OrganizationGroupId::GLOBAL)
}

/// Writes into the journal what an administrator was and is, without anything secret.
fn note(work: &mut Work<'_, '_>, before: Option<&Admin>, after: Option<&Admin>) {
    let Some(admin) = after.or(before) else { return };
    let said = |admin: &Admin| {
        serde_json::json!({
            "user_name": admin.user_name,
            "email": admin.email,
            "name": admin.name,
            "role": admin.role.to_string(),
            "organization_group_id": admin.reach,
            "state": admin.state,
            "password_set_at": admin.password_set_at,
            "totp": admin.totp_secret.is_some(),
            "locked": admin.locked_until.is_some(),
        })
    };
    rules::note(
        work,
        "admin",
        &admin.id,
        &admin.name,
        place(admin),
        before.map(said).as_ref(),
        after.map(said).as_ref(),
    );
}
