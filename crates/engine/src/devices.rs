//! What people change about devices: whose they are, where they live, their tags, and their end.
//!
//! Functions here take the writer at work and the caller's reach: what lies outside of it is as good as not there.

use allclear_domain::{
    device::{Device, EnrollmentCategory, EnrollmentStatus, ManagementType, Ownership},
    ids::{DeviceId, OrganizationGroupId, ProfileId, TagId, UserId},
    journal::Change,
    profile::{AssignmentType, ProfileState},
};
use allclear_store::{
    android_devices::{self, ManagedState},
    device_certificates,
    devices::{self, DeviceRecord, Key},
    messages_app, threats, users,
};

use crate::{
    Error, Problem, device_commands, directory, ingest, rules,
    work::{Loaded, Work},
};

const WHAT: &str = "device";

/// What is to be changed about a device. Absent members stay as they are; an inner `None` clears one.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DeviceEdit {
    /// What people call it.
    pub friendly_name: Option<String>,
    /// Where it lives.
    pub organization_group: Option<OrganizationGroupId>,
    /// Its user.
    pub user: Option<Option<UserId>>,
    /// Whose it is.
    pub ownership: Option<Option<Ownership>>,
    /// How much of it is managed.
    pub management: Option<Option<ManagementType>>,
    /// The way it came to us.
    pub enrollment_category: Option<Option<EnrollmentCategory>>,
    /// The id another management system knows it by.
    pub external_id: Option<Option<String>>,
    /// The cellular identity.
    pub imei: Option<Option<String>>,
}

/// A device within reach, at work.
pub fn get<'a>(work: &'a mut Work<'_, '_>, reach: OrganizationGroupId, id: DeviceId) -> Result<&'a mut Loaded, Error> {
    let group = work.device(id)?.map(|loaded| loaded.record.facts.device.organization_group);
    directory::within(work, reach, group.ok_or(Error::NotFound(WHAT))?, WHAT)?;
    work.loaded(id).ok_or(Error::NotFound(WHAT))
}

/// Changes a device. A version is compared if there is one: detections and reports raise it, too, so that callers who
/// set single members may leave it out.
pub fn edit(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    id: DeviceId,
    version: Option<i64>,
    edit: &DeviceEdit,
) -> Result<(), Error> {
    let present = get(work, reach, id)?.record.version;
    if let Some(version) = version {
        rules::same_version(version, present)?;
    }
    check(work, reach, id, edit)?;
    let user_groups = match edit.user {
        Some(Some(user)) => Some(users::groups_of(work.tx, work.tenant, user)?),
        Some(None) => Some(Vec::new()),
        None => None,
    };
    let loaded = get(work, reach, id)?;
    let device = &mut loaded.record.facts.device;
    let mut fields = Vec::new();
    let mut note = |name: &str, changed: bool| {
        if changed {
            fields.push(name.to_owned());
        }
    };
    note("friendly_name", set(&mut device.friendly_name, edit.friendly_name.as_ref()));
    let moved = set(&mut device.organization_group, edit.organization_group.as_ref());
    note("organization_group_id", moved);
    let handed_on = set(&mut device.user, edit.user.as_ref());
    note("user_id", handed_on);
    set(&mut device.user_groups, user_groups.as_ref());
    note("ownership", set(&mut device.ownership, edit.ownership.as_ref()));
    note("management", set(&mut device.management, edit.management.as_ref()));
    note("enrollment_category", set(&mut device.enrollment_category, edit.enrollment_category.as_ref()));
    let renamed = set(&mut device.external_id, edit.external_id.as_ref());
    note("external_id", renamed);
    note("imei", set(&mut device.imei, edit.imei.as_ref()));
    if fields.is_empty() {
        return Ok(());
    }
    loaded.change(Change::DeviceChanged { fields });
    let record = loaded.record.clone();
    if handed_on {
        messages_app::unbind(work.tx, work.tenant, id)?;
    }
    if moved {
        threats::relocate(work.tx, work.tenant, &record)?;
    }
    match record.facts.device.external_id {
        Some(name) if renamed => ingest::release_waiting(work, &[name]),
        _ => Ok(()),
    }
}

/// Puts a value in its place if there is one, and says whether that changes anything.
fn set<T: Clone + PartialEq>(known: &mut T, given: Option<&T>) -> bool {
    match given {
        Some(given) if known != given => {
            known.clone_from(given);
            true
        }
        _ => false,
    }
}

fn check(work: &mut Work<'_, '_>, reach: OrganizationGroupId, id: DeviceId, edit: &DeviceEdit) -> Result<(), Error> {
    let mut problems: Vec<Problem> = edit
        .friendly_name
        .as_deref()
        .and_then(|name| rules::name_problem("/friendly_name", name))
        .into_iter()
        .collect();
    for (pointer, text) in [("/external_id", &edit.external_id), ("/imei", &edit.imei)] {
        let text = text.as_ref().and_then(|text| text.as_deref());
        problems.extend(text.and_then(|text| directory::identifier(pointer, text)));
    }
    if let Some(Some(user)) = edit.user {
        let found = users::get(work.tx, work.tenant, user)?;
        let tree = &work.rules().organization_groups;
        if !found.is_some_and(|user| tree.is_within(user.organization_group, reach)) {
            problems.push(Problem::new("/user_id", "is no user"));
        }
    }
    Error::check(problems)?;
    if let Some(group) = edit.organization_group {
        directory::place(work, reach, group, "a device")?;
    }
    if let Some(Some(external_id)) = &edit.external_id {
        let key = Key::ExternalId(external_id.clone());
        let other = devices::find_many(work.tx, work.tenant, &[key])?.into_iter().flatten().next();
        if other.is_some_and(|other| other != id) {
            return Err(Error::Conflict("another device has this external_id".into()));
        }
    }
    Ok(())
}

/// Sets an ordinary tag on a device. One that is set already stays.
pub fn add_tag(work: &mut Work<'_, '_>, reach: OrganizationGroupId, id: DeviceId, tag: TagId) -> Result<(), Error> {
    get(work, reach, id)?;
    match work.rules().tag(tag) {
        None => return Err(Error::invalid("/tag_id", "is no tag")),
        Some(tag) if tag.engine.is_some() => {
            return Err(Error::invalid("/tag_id", format!("{:?} is set by the engine alone", tag.name)));
        }
        Some(_) => {}
    }
    let loaded = get(work, reach, id)?;
    insert(&mut loaded.record.facts.device.tags, tag);
    loaded.touch();
    Ok(())
}

/// Takes an ordinary tag off a device.
pub fn remove_tag(work: &mut Work<'_, '_>, reach: OrganizationGroupId, id: DeviceId, tag: TagId) -> Result<(), Error> {
    get(work, reach, id)?;
    if let Some(tag) = work.rules().tag(tag).filter(|tag| tag.engine.is_some()) {
        return Err(Error::Conflict(format!("the tag {:?} is set and taken off by the engine alone", tag.name)));
    }
    let loaded = get(work, reach, id)?;
    let tags = &mut loaded.record.facts.device.tags;
    let place = tags.binary_search(&tag).map_err(|_| Error::NotFound("tag on this device"))?;
    tags.remove(place);
    loaded.touch();
    Ok(())
}

/// Asks for an optional profile on a device.
pub fn request_profile(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    id: DeviceId,
    profile: ProfileId,
) -> Result<(), Error> {
    let platform = get(work, reach, id)?.record.facts.device.platform;
    let problem = match work.rules().profile(profile).filter(|profile| profile.state == ProfileState::Published) {
        None => Some("is no published profile".to_owned()),
        Some(found) if found.spec.assignment_type != AssignmentType::Optional => {
            Some(format!("{:?} is not optional: only profiles of assignment type optional are asked for", found.name))
        }
        Some(found) if found.platform != platform => Some(format!("{:?} is for another platform", found.name)),
        Some(_) => None,
    };
    Error::check(problem.map(|detail| Problem::new("/profile_id", detail)).into_iter().collect())?;
    let loaded = get(work, reach, id)?;
    if insert(&mut loaded.record.facts.device.requested_profiles, profile) {
        loaded.change(Change::DeviceChanged { fields: vec!["requested_profiles".into()] });
    }
    Ok(())
}

/// Takes back what [`request_profile`] asked for.
pub fn withdraw_profile(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    id: DeviceId,
    profile: ProfileId,
) -> Result<(), Error> {
    let loaded = get(work, reach, id)?;
    let requested = &mut loaded.record.facts.device.requested_profiles;
    let place = requested.binary_search(&profile).map_err(|_| Error::NotFound("requested profile"))?;
    requested.remove(place);
    loaded.change(Change::DeviceChanged { fields: vec!["requested_profiles".into()] });
    Ok(())
}

/// Adds to a sorted list and says whether it was not in it.
fn insert<T: Ord>(list: &mut Vec<T>, item: T) -> bool {
    match list.binary_search(&item) {
        Ok(_) => false,
        Err(place) => {
            list.insert(place, item);
            true
        }
    }
}

/// Ends the management of a device: profiles that do not stay are to be taken off it, and then the management itself if
/// it is its platform's. What else waited for it is taken back. Its credential stays, so that it learns of all this. Done
/// again, it changes nothing.
pub fn unenroll(work: &mut Work<'_, '_>, reach: OrganizationGroupId, id: DeviceId) -> Result<(), Error> {
    let loaded = get(work, reach, id)?;
    let device: &mut Device = &mut loaded.record.facts.device;
    match device.enrollment {
        EnrollmentStatus::Unenrolled => Ok(()),
        EnrollmentStatus::Pending => Err(Error::Conflict("the device has not enrolled yet".into())),
        EnrollmentStatus::Enrolled => {
            device.enrollment = EnrollmentStatus::Unenrolled;
            loaded.change(Change::DeviceUnenrolled);
            device_commands::cancel_all(work, id, "the device was unenrolled")
        }
    }
}

/// Deletes a device and everything kept about it but its journal. Its credential is worth nothing any more.
pub fn delete(work: &mut Work<'_, '_>, reach: OrganizationGroupId, id: DeviceId) -> Result<(), Error> {
    get(work, reach, id)?;
    device_certificates::revoke_all(work.tx, work.tenant, id, work.now)?;
    // The management is taken off it yet, unless that is over.
    if !android_devices::set_state(work.tx, work.tenant, id, ManagedState::Leaving)? {
        android_devices::forget(work.tx, work.tenant, id)?;
    }
    work.delete_device(id)
}

/// What is kept about a device within reach, for reading.
pub fn read(
    tx: &mut allclear_store::db::Tx<'_>,
    rules: &allclear_domain::rules::Rules,
    tenant: allclear_domain::ids::Tenant,
    reach: OrganizationGroupId,
    id: DeviceId,
) -> Result<DeviceRecord, Error> {
    devices::get(tx, tenant, id)?
        .filter(|record| rules.organization_groups.is_within(record.facts.device.organization_group, reach))
        .ok_or(Error::NotFound(WHAT))
}
