//! The Messages app: how it is bound to a device, and "I have fixed it, check again".
//!
//! A link is good once. Whoever follows it holds a session of that device until it has gone unused for long, the device
//! enrolls again or is handed on to somebody else.

use allclear_domain::{
    check::Check,
    device::{Device, EnrollmentStatus},
    ids::{CommandId, DeviceId, MessagesSessionId, OrganizationGroupId, Tenant},
    journal::{Change, Object},
    time::{Span, Time},
};
use allclear_store::{
    messages_app::{self as stored, LinkPurpose, MessagesLink, MessagesSession},
    tokens::Hash,
};

use crate::{Engine, Error, devices, work::Work};

/// How long a session may go unused.
pub const IDLE: Span = Span::days(180);
/// How long a link is good that an administrator hands to a device's owner.
pub const HANDED: Span = Span::days(7);
/// How long a link is good that a device's agent opens at once.
pub const OPENED: Span = Span::seconds(3600);
/// How long a link is good with which the app starts from the home screen for the first time.
pub const INSTALLED: Span = Span::days(30);
/// The most links of a kind that a device has; the oldest give way.
const MOST_LINKS: i64 = 50;
/// The most browsers in which the app is bound to one device; the oldest give way.
const MOST_SESSIONS: i64 = 20;

/// What following a link came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bound {
    /// The app is bound to this device.
    To(DeviceId),
    /// There is no such link.
    Unknown,
    /// It was used before.
    Used,
    /// It has expired.
    Expired,
    /// The device is not enrolled.
    Unenrolled,
}

/// Makes a link for a device's owner, of which only the hash is kept. The device must be within reach and enrolled.
pub fn hand_out(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    device: DeviceId,
    hash: &Hash,
) -> Result<MessagesLink, Error> {
    let about = devices::get(work, reach, device)?.record.facts.device.clone();
    is_enrolled(&about)?;
    let link = link(device, LinkPurpose::Enroll, work.now, HANDED);
    keep(work.tx, work.tenant, &link, hash)?;
    let after = serde_json::json!({ "device_id": device, "expires_at": link.expires_at });
    let object = Object { kind: "messages_link".into(), id: device.to_string(), name: about.friendly_name };
    work.note(object, Some(about.organization_group), Change::Created { after });
    Ok(link)
}

/// Makes a link that the device's own agent opens.
pub async fn open(engine: &Engine, tenant: Tenant, device: DeviceId, hash: Hash) -> Result<MessagesLink, Error> {
    made(engine, tenant, device, LinkPurpose::Enroll, OPENED, hash).await
}

/// Makes a link with which the app starts from the home screen for the first time.
pub async fn install(engine: &Engine, tenant: Tenant, device: DeviceId, hash: Hash) -> Result<MessagesLink, Error> {
    made(engine, tenant, device, LinkPurpose::Install, INSTALLED, hash).await
}

async fn made(
    engine: &Engine,
    tenant: Tenant,
    device: DeviceId,
    purpose: LinkPurpose,
    lasts: Span,
    hash: Hash,
) -> Result<MessagesLink, Error> {
    let source = engine.source().clone();
    let made = engine.db().write(move |tx| {
        let record = allclear_store::devices::get(tx, tenant, device)?.ok_or(Error::NotFound("device"))?;
        is_enrolled(&record.facts.device)?;
        let link = link(device, purpose, source.now(), lasts);
        keep(tx, tenant, &link, &hash)?;
        Ok(link)
    });
    made.await
}

fn is_enrolled(device: &Device) -> Result<(), Error> {
    match device.enrollment {
        EnrollmentStatus::Enrolled => Ok(()),
        EnrollmentStatus::Pending => Err(Error::Conflict("the device has not enrolled yet".into())),
        EnrollmentStatus::Unenrolled => Err(Error::Conflict("the device is not enrolled any more".into())),
    }
}

fn link(device: DeviceId, purpose: LinkPurpose, now: Time, lasts: Span) -> MessagesLink {
    MessagesLink { device, purpose, created_at: now, expires_at: now.plus(lasts), used_at: None }
}

fn keep(
    tx: &mut allclear_store::db::Tx<'_>,
    tenant: Tenant,
    link: &MessagesLink,
    hash: &Hash,
) -> Result<(), allclear_store::Error> {
    stored::insert_link(tx, tenant, link, hash)?;
    stored::tidy_links(tx, tenant, link.device, link.purpose, MOST_LINKS, link.created_at)
}

/// Follows a link, which is then used up: the browser that shows `credential` is bound to the link's device, in place of
/// the session it may have shown before.
pub fn bind(
    work: &mut Work<'_, '_>,
    link: &Hash,
    session: MessagesSessionId,
    credential: &Hash,
    replaced: Option<&Hash>,
) -> Result<Bound, Error> {
    let Some(found) = stored::link(work.tx, work.tenant, link)? else { return Ok(Bound::Unknown) };
    if found.used_at.is_some() {
        return Ok(Bound::Used);
    }
    if found.expires_at <= work.now {
        return Ok(Bound::Expired);
    }
    let device = work.device(found.device)?.map(|loaded| loaded.record.facts.device.clone());
    let Some(device) = device.filter(|device| device.enrollment == EnrollmentStatus::Enrolled) else {
        return Ok(Bound::Unenrolled);
    };
    if !stored::use_link(work.tx, work.tenant, link, work.now)? {
        return Ok(Bound::Used);
    }
    if let Some(replaced) = replaced {
        stored::delete_session(work.tx, work.tenant, replaced)?;
    }
    let made = MessagesSession { id: session, device: device.id, created_at: work.now, last_seen_at: work.now };
    stored::insert_session(work.tx, work.tenant, &made, credential)?;
    stored::tidy_sessions(work.tx, work.tenant, device.id, MOST_SESSIONS, work.now.minus(IDLE))?;
    let object = Object { kind: "messages_session".into(), id: session.to_string(), name: device.friendly_name };
    let after = serde_json::json!({ "device_id": device.id });
    work.note(object, Some(device.organization_group), Change::Created { after });
    Ok(Bound::To(device.id))
}

/// Notes that a device's owner asks for a check, which its agent is told at once, and says since when.
///
/// [`Error::TooSoon`] if they asked a moment ago.
pub fn request_check(work: &mut Work<'_, '_>, device: DeviceId) -> Result<Time, Error> {
    let (command, now) = (CommandId(work.source.id()), work.now);
    let loaded = work.device(device)?.ok_or(Error::NotFound("device"))?;
    is_enrolled(&loaded.record.facts.device)?;
    let check = Check::request(loaded.record.facts.check, command, now).map_err(|again| {
        let seconds = again.since(now).as_micros().unsigned_abs().div_ceil(1_000_000);
        Error::TooSoon(u32::try_from(seconds).unwrap_or(u32::MAX))
    })?;
    loaded.record.facts.check = Some(check);
    loaded.change(Change::CheckRequested { command });
    Ok(now)
}
