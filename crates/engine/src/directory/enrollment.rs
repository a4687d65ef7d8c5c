//! Enrollment: one-time tokens for a user's devices, and devices that come with one.

use allclear_domain::{
    detection::ProtectionStatus,
    device::{Device, EnrollmentCategory, EnrollmentStatus, ManagementType, Ownership, Sensor},
    ids::{DeviceId, OrganizationGroupId, TokenId, UserId},
    journal::{Actor, ActorKind, Change, Object},
    level::Platform,
    time::{Span, Time},
};
use allclear_store::{
    devices::{self, Key},
    enrollment_tokens, messages_app, push_tokens,
    tokens::{self, EnrollmentToken, Hash},
    users::{self, User},
};

use super::identifier;
use crate::{Error, Problem, ingest, rules, work::Work};

/// The longest time an enrollment token may be good for, in hours.
pub const MAX_HOURS: u32 = 720;

const WHAT: &str = "enrollment token";

/// Creates a token for a device of a user, of which only the hash is kept. `hours` is 1 to [`MAX_HOURS`].
pub fn create_token(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    hash: &Hash,
    user: UserId,
    platform: Option<Platform>,
    hours: u32,
) -> Result<EnrollmentToken, Error> {
    let mut problems = Vec::new();
    if !(1..=MAX_HOURS).contains(&hours) {
        problems.push(Problem::new("/expires_in_hours", format!("must be 1 to {MAX_HOURS}")));
    }
    let found = users::get(work.tx, work.tenant, user)?;
    let tree = &work.rules().organization_groups;
    let found = found.filter(|user| tree.is_within(user.organization_group, reach));
    let Some(user) = found else {
        problems.push(Problem::new("/user_id", "is no user"));
        return Err(Error::Invalid(problems));
    };
    Error::check(problems)?;
    let token = EnrollmentToken {
        id: TokenId(work.source.id()),
        user: user.id,
        platform,
        created_at: work.now,
        expires_at: work.now.plus(Span::seconds(i64::from(hours) * 3600)),
        used_at: None,
        device: None,
    };
    tokens::insert_enrollment(work.tx, work.tenant, &token, hash)?;
    let after = serde_json::json!({
        "user_id": token.user, "platform": token.platform, "expires_at": token.expires_at,
    });
    work.note(object(&token, &user), Some(user.organization_group), Change::Created { after });
    Ok(token)
}

/// Deletes a token, used or not. A device enrolled with it stays.
pub fn delete_token(work: &mut Work<'_, '_>, reach: OrganizationGroupId, id: TokenId) -> Result<(), Error> {
    let (token, group) = enrollment_tokens::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound(WHAT))?;
    super::within(work, reach, group, WHAT)?;
    let user = users::get(work.tx, work.tenant, token.user)?.ok_or(Error::NotFound(WHAT))?;
    enrollment_tokens::delete(work.tx, work.tenant, id)?;
    let before = serde_json::json!({
        "user_id": token.user, "platform": token.platform, "expires_at": token.expires_at,
    });
    work.note(object(&token, &user), Some(group), Change::Deleted { before });
    Ok(())
}

/// Has the journal say what else a token is good for now.
pub fn note(work: &mut Work<'_, '_>, id: TokenId, after: serde_json::Value) -> Result<(), Error> {
    let (token, group) = enrollment_tokens::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound(WHAT))?;
    let user = users::get(work.tx, work.tenant, token.user)?.ok_or(Error::NotFound(WHAT))?;
    work.note(object(&token, &user), Some(group), Change::Updated { before: serde_json::json!({}), after });
    Ok(())
}

fn object(token: &EnrollmentToken, user: &User) -> Object {
    Object { kind: "enrollment_token".into(), id: token.id.to_string(), name: user.name().to_owned() }
}

/// What a device says of itself when it enrolls.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDevice {
    /// Its operating system.
    pub platform: Platform,
    /// The maker's serial number.
    pub serial_number: Option<String>,
    /// Apple's device identifier.
    pub udid: Option<String>,
    /// The id another management system knows it by.
    pub external_id: Option<String>,
    /// The cellular identity.
    pub imei: Option<String>,
    /// The maker.
    pub manufacturer: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The version of the operating system.
    pub os_version: Option<String>,
    /// Android's security patch level.
    pub security_patch_level: Option<String>,
    /// What people call it.
    pub friendly_name: Option<String>,
    /// Whose it is.
    pub ownership: Option<Ownership>,
    /// How much of it is managed; absent: only the agent is on it.
    pub management: Option<ManagementType>,
    /// What its sensor says of itself; absent: it runs.
    pub protection_status: Option<ProtectionStatus>,
}

impl NewDevice {
    fn problems(&self) -> Vec<Problem> {
        let mut problems: Vec<Problem> = [
            ("serial_number", &self.serial_number),
            ("udid", &self.udid),
            ("external_id", &self.external_id),
            ("imei", &self.imei),
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("os_version", &self.os_version),
            ("security_patch_level", &self.security_patch_level),
        ]
        .into_iter()
        .filter_map(|(name, text)| identifier(&format!("/device/{name}"), text.as_deref()?))
        .collect();
        problems.extend(self.friendly_name.as_deref().and_then(|it| rules::name_problem("/device/friendly_name", it)));
        // What Android answers to whoever may not know: it would make one device of many.
        if self.serial_number.as_deref().is_some_and(|serial| serial.eq_ignore_ascii_case("unknown")) {
            problems.push(Problem::new("/device/serial_number", "is no serial number: leave it out"));
        }
        problems
    }

    /// The keys by which the same device is known again.
    fn keys(&self) -> Vec<Key> {
        let serial = self.serial_number.clone().map(Key::SerialNumber);
        serial.into_iter().chain(self.udid.clone().map(Key::Udid)).collect()
    }
}

/// Enrolls a device with a token that is then used up, and makes `credential` its only one. A device of the same serial
/// number or UDID is enrolled again: its threats stay, what it reported of profiles is forgotten. Then messages that
/// waited for the device are taken in.
///
/// [`Error::Forbidden`] if the token is worth nothing.
pub fn enroll(work: &mut Work<'_, '_>, token: &Hash, credential: &Hash, device: &NewDevice) -> Result<DeviceId, Error> {
    let token = tokens::enrollment(work.tx, work.tenant, token)?.ok_or_else(|| refused("is not valid"))?;
    let id = admit(work, &token, device, work.now)?;
    // Its agent will say anew where it is told.
    push_tokens::forget(work.tx, work.tenant, id)?;
    let now = work.now;
    if let Some(loaded) = work.device(id)? {
        let facts = &mut loaded.record.facts.device;
        facts.enrollment = EnrollmentStatus::Enrolled;
        facts.enrolled_at = Some(now);
        let status = device.protection_status.unwrap_or(ProtectionStatus::Activated);
        facts.sensor = Sensor { status: Some(status), reported_at: Some(now), last_contact: Some(now) };
        loaded.change(Change::DeviceEnrolled).set_credential(*credential);
    }
    release_waiting(work, id, device)?;
    Ok(id)
}

/// As [`enroll`], for a device that is managed by its platform and shows who it is in another way: it is known from now
/// on, but has not enrolled until it says so.
pub fn begin(work: &mut Work<'_, '_>, token: TokenId, device: &NewDevice) -> Result<DeviceId, Error> {
    begin_at(work, token, device, work.now)
}

/// [`begin`] as of a time: for a device of which its platform tells later that it came while the token was good.
pub fn begin_at(work: &mut Work<'_, '_>, token: TokenId, device: &NewDevice, at: Time) -> Result<DeviceId, Error> {
    let (token, _) = enrollment_tokens::get(work.tx, work.tenant, token)?.ok_or_else(|| refused("is not valid"))?;
    let id = admit(work, &token, device, at)?;
    let now = work.now;
    if let Some(loaded) = work.device(id)? {
        let facts = &mut loaded.record.facts.device;
        // Its agent may have enrolled it before.
        if facts.enrollment != EnrollmentStatus::Enrolled {
            facts.enrollment = EnrollmentStatus::Pending;
        }
        ingest::heard_of(&mut facts.sensor, now);
        loaded.touch();
    }
    release_waiting(work, id, device)?;
    Ok(id)
}

fn refused(detail: &str) -> Error {
    Error::Forbidden(format!("the enrollment token {detail}"))
}

/// Notes that the management of a device is over: it said so, or took it off as it was told. What was managed went with
/// it.
pub fn leave(work: &mut Work<'_, '_>, device: DeviceId) -> Result<(), Error> {
    let Some(loaded) = work.device(device)? else { return Ok(()) };
    let actor = Actor::new(ActorKind::Device, loaded.record.facts.device.friendly_name.clone());
    loaded.caused_by(actor, None);
    loaded.record.facts.reports.clear();
    let facts = &mut loaded.record.facts.device;
    let left = facts.enrollment == EnrollmentStatus::Enrolled;
    facts.enrollment = EnrollmentStatus::Unenrolled;
    if left {
        loaded.change(Change::DeviceUnenrolled);
    }
    loaded.change(Change::ManagementRemoved);
    Ok(())
}

/// Uses up a token for a device, and takes over what it says of itself and whose it is now.
fn admit(work: &mut Work<'_, '_>, token: &EnrollmentToken, device: &NewDevice, at: Time) -> Result<DeviceId, Error> {
    if token.used_at.is_some() {
        return Err(refused("was used already"));
    }
    if token.expires_at <= at {
        return Err(refused("has expired"));
    }
    let mut problems = device.problems();
    if let Some(platform) = token.platform.filter(|platform| *platform != device.platform) {
        let detail = format!("the enrollment token is for {} only", platform.display());
        problems.push(Problem::new("/device/platform", detail));
    }
    Error::check(problems)?;
    let user = users::get(work.tx, work.tenant, token.user)?.ok_or_else(|| refused("is not valid"))?;
    let known = find(work, device)?;
    let id = known.unwrap_or_else(|| DeviceId(work.source.id()));
    if known.is_none() {
        let fresh = fresh(work, id, &user, device);
        work.create_device(fresh);
    }
    if !tokens::use_enrollment(work.tx, work.tenant, token.id, id, at)? {
        return Err(refused("was used already"));
    }
    settle_in(work, id, &user, device)?;
    messages_app::unbind(work.tx, work.tenant, id)?;
    Ok(id)
}

/// Takes in what waited for a device.
fn release_waiting(work: &mut Work<'_, '_>, id: DeviceId, device: &NewDevice) -> Result<(), Error> {
    let names = [&device.serial_number, &device.udid, &device.external_id];
    let mut names: Vec<String> = names.into_iter().flatten().cloned().collect();
    names.push(id.to_string());
    ingest::release_waiting(work, &names)
}

/// The device that is known already, if it is one and only one.
fn find(work: &mut Work<'_, '_>, device: &NewDevice) -> Result<Option<DeviceId>, Error> {
    let mut known: Vec<DeviceId> =
        devices::find_many(work.tx, work.tenant, &device.keys())?.into_iter().flatten().collect();
    known.dedup();
    if known.len() > 1 {
        return Err(Error::Conflict("the serial number and the UDID belong to two different devices".into()));
    }
    let known = known.first().copied();
    if let Some(external_id) = &device.external_id {
        let key = Key::ExternalId(external_id.clone());
        let other = devices::find_many(work.tx, work.tenant, &[key])?.into_iter().flatten().next();
        if other.is_some_and(|other| Some(other) != known) {
            return Err(Error::Conflict("another device has this external_id".into()));
        }
    }
    if let Some(id) = known
        && let Some(loaded) = work.device(id)?
        && loaded.record.facts.device.platform != device.platform
    {
        let platform = loaded.record.facts.device.platform.display();
        return Err(Error::Conflict(format!("the device is known as one of the platform {platform}")));
    }
    Ok(known)
}

fn fresh(work: &Work<'_, '_>, id: DeviceId, user: &User, device: &NewDevice) -> Device {
    Device {
        management: Some(ManagementType::Agent),
        enrollment_category: Some(EnrollmentCategory::SelfService),
        ..Device::new(id, user.organization_group, device.platform, work.now)
    }
}

/// Takes over what a device says of itself, and whose it is now.
fn settle_in(work: &mut Work<'_, '_>, id: DeviceId, user: &User, device: &NewDevice) -> Result<(), Error> {
    let user_groups = users::groups_of(work.tx, work.tenant, user.id)?;
    let Some(loaded) = work.device(id)? else { return Ok(()) };
    loaded.record.facts.reports.clear();
    loaded.record.facts.check = None;
    let facts = &mut loaded.record.facts.device;
    let moved = facts.user != Some(user.id) && facts.organization_group != user.organization_group;
    if facts.user != Some(user.id) {
        facts.user = Some(user.id);
        facts.organization_group = user.organization_group;
    }
    facts.user_groups = user_groups;
    for (known, given) in [
        (&mut facts.serial_number, &device.serial_number),
        (&mut facts.udid, &device.udid),
        (&mut facts.external_id, &device.external_id),
        (&mut facts.imei, &device.imei),
        (&mut facts.manufacturer, &device.manufacturer),
        (&mut facts.model, &device.model),
        (&mut facts.os_version, &device.os_version),
        (&mut facts.security_patch_level, &device.security_patch_level),
    ] {
        if given.is_some() {
            known.clone_from(given);
        }
    }
    facts.ownership = device.ownership.or(facts.ownership);
    facts.management = device.management.or(facts.management);
    if let Some(name) = &device.friendly_name {
        facts.friendly_name.clone_from(name);
    } else if facts.friendly_name.is_empty() {
        let what = facts.model.as_deref().unwrap_or(facts.platform.display());
        facts.friendly_name = format!("{}'s {what}", user.name());
    }
    if moved {
        let record = loaded.record.clone();
        allclear_store::threats::relocate(work.tx, work.tenant, &record)?;
    }
    Ok(())
}
