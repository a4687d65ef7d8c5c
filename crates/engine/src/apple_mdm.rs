//! Devices that are managed by Apple's protocol: how an enrollment begins, is completed and ends, and who a device is by
//! its certificate. What is said over the wire is not known here.

use allclear_domain::{
    device::EnrollmentStatus,
    ids::{DeviceId, Tenant},
    journal::{Actor, ActorKind, Change},
    time::Time,
};
use allclear_pki::Certificate;
use allclear_store::{
    apple_enrollments::{self as stored, AppleEnrollment, EnrollmentState, KeptPush},
    db::Tx,
    device_certificates as certificates, json,
};
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

use crate::{
    Engine, Error,
    device_certificates::{self, Distrust, Holder},
    device_commands,
    directory::enrollment::{self, NewDevice},
    seal::Sealer,
    source::Source,
    work::Work,
};

/// Why a device that shows a certificate is not heard.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Stranger {
    /// It shows nothing.
    #[error(transparent)]
    Distrusted(#[from] Distrust),
    /// No device has enrolled with it.
    #[error("no device has enrolled with the certificate")]
    Unknown,
    /// It is another device's.
    #[error("the certificate belongs to another device")]
    Another,
    /// The enrollment is over.
    #[error("the enrollment is over; enroll again")]
    Ended,
    /// The enrollment is not complete.
    #[error("the enrollment is not complete")]
    Incomplete,
}

impl From<Stranger> for Error {
    fn from(stranger: Stranger) -> Self {
        Error::Forbidden(stranger.to_string())
    }
}

/// What a device shows and says of itself when it calls.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The certificate it has the key to.
    pub certificate: Certificate,
    /// Those above it, as far as they came with it.
    pub chain: Vec<Certificate>,
    /// The UDID, or the id of the enrollment where it does not tell it.
    pub identifier: String,
}

/// How a device is woken.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Push {
    /// Its address with Apple's push service.
    pub token: Vec<u8>,
    /// What a push must carry.
    pub magic: String,
    /// The topic.
    pub topic: String,
}

/// The enrollment of a device that calls, whether or not it is complete.
pub fn identify(tx: &mut Tx<'_>, tenant: Tenant, caller: &Caller, now: Time) -> Result<AppleEnrollment, Error> {
    let (_, found) = known(tx, tenant, caller, now)?;
    found.ok_or(Stranger::Unknown.into())
}

/// Whose certificate a caller shows, and the enrollment if it was begun.
fn known(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    caller: &Caller,
    now: Time,
) -> Result<(Holder, Option<AppleEnrollment>), Error> {
    let holder = device_certificates::holder(tx, tenant, &caller.certificate, &caller.chain, now)?;
    let holder = holder.map_err(Stranger::from)?;
    let Some(found) = stored::by_token(tx, tenant, holder.token)? else { return Ok((holder, None)) };
    if found.identifier != caller.identifier {
        return Err(Stranger::Another.into());
    }
    if found.state == EnrollmentState::Ended {
        return Err(Stranger::Ended.into());
    }
    Ok((holder, Some(found)))
}

/// The enrollment of a device that may ask for commands, and what its certificate says.
pub fn identify_enabled(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    caller: &Caller,
    now: Time,
) -> Result<(AppleEnrollment, Holder), Error> {
    let (holder, found) = known(tx, tenant, caller, now)?;
    let found = found.ok_or(Stranger::Unknown)?;
    if found.state == EnrollmentState::Begun {
        return Err(Stranger::Incomplete.into());
    }
    Ok((found, holder))
}

/// Begins an enrollment, in place of the one the device had: what waited for it and what it gave us to keep goes. It may
/// not ask for commands until [`enable`]. The enrollment token for which the caller's certificate was issued is used up
/// the first time. `message` is kept as it came.
pub fn begin(
    work: &mut Work<'_, '_>,
    sealer: &Sealer,
    caller: &Caller,
    device: &NewDevice,
    topic: &str,
    message: &[u8],
) -> Result<DeviceId, Error> {
    let (holder, known) = known(work.tx, work.tenant, caller, work.now)?;
    let id = match known {
        Some(known) => known.device,
        None => enrollment::begin(work, holder.token, device)?,
    };
    device_certificates::bind(work, &holder, &caller.certificate, id)?;
    device_commands::cancel_all(work, id, "the device enrolled again")?;
    let new = AppleEnrollment {
        device: id,
        identifier: caller.identifier.clone(),
        token: holder.token,
        topic: topic.to_owned(),
        state: EnrollmentState::Begun,
        began_at: work.now,
        inquiries: "{}".to_owned(),
        ask_at: work.now,
        resumed_at: work.now,
    };
    let sealed = sealer.seal(work.tenant, &BASE64.encode(message), work.source)?;
    stored::begin(work.tx, work.tenant, &new, &sealed)?;
    if let Some(loaded) = work.device(id)? {
        // Nothing of what was installed before is managed now.
        loaded.record.facts.reports.clear();
        loaded.touch();
    }
    Ok(id)
}

/// Takes in how a device is woken from now on. The first time this completes its enrollment.
pub fn enable(
    work: &mut Work<'_, '_>,
    sealer: &Sealer,
    enrollment: &AppleEnrollment,
    push: &Push,
    unlock_token: Option<&[u8]>,
    message: &[u8],
) -> Result<(), Error> {
    let (tenant, device, now) = (work.tenant, enrollment.device, work.now);
    let sealed = Sealed::new(sealer, work.source, tenant, push, unlock_token, message)?;
    sealed.store(work.tx, tenant, device)?;
    let completes = enrollment.state == EnrollmentState::Begun;
    if let Some(loaded) = work.device(device)?
        && completes
    {
        let facts = &mut loaded.record.facts.device;
        facts.enrollment = EnrollmentStatus::Enrolled;
        facts.enrolled_at = Some(now);
        let actor = Actor::new(ActorKind::Device, facts.friendly_name.clone());
        loaded.caused_by(actor, None).change(Change::DeviceEnrolled);
    }
    Ok(())
}

/// Takes in how a device whose enrollment is complete is woken from now on, which concerns nobody else.
pub async fn update_push(
    engine: &Engine,
    tenant: Tenant,
    device: DeviceId,
    push: &Push,
    unlock_token: Option<&[u8]>,
    message: &[u8],
) -> Result<(), Error> {
    let sealed = Sealed::new(engine.sealer(), &**engine.source(), tenant, push, unlock_token, message)?;
    engine.db().write(move |tx| sealed.store(tx, tenant, device)).await?;
    // It may not have been reached where it was before.
    engine.call(tenant, device);
    Ok(())
}

/// What a TokenUpdate says, sealed.
struct Sealed {
    topic: String,
    push: KeptPush,
    unlock_token: Option<Vec<u8>>,
    message: Vec<u8>,
}

impl Sealed {
    fn new(
        sealer: &Sealer,
        source: &dyn Source,
        tenant: Tenant,
        push: &Push,
        unlock_token: Option<&[u8]>,
        message: &[u8],
    ) -> Result<Self, Error> {
        let seal = |bytes: &[u8]| sealer.seal(tenant, &BASE64.encode(bytes), source);
        Ok(Self {
            topic: push.topic.clone(),
            push: KeptPush { push: sealer.seal(tenant, &json::encode(push)?, source)?, changed_at: source.now() },
            unlock_token: unlock_token.map(seal).transpose()?,
            message: seal(message)?,
        })
    }

    fn store(&self, tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<(), Error> {
        let unlock_token = self.unlock_token.as_deref();
        Ok(stored::set_push(tx, tenant, device, &self.topic, &self.push, unlock_token, &self.message)?)
    }
}

/// Ends an enrollment: the device said so, or took the management off as it was told. What was managed goes with it.
pub fn end(work: &mut Work<'_, '_>, device: DeviceId) -> Result<(), Error> {
    if !stored::end(work.tx, work.tenant, device)? {
        return Ok(());
    }
    certificates::revoke_all(work.tx, work.tenant, device, work.now)?;
    device_commands::cancel_all(work, device, "the device is not managed any more")?;
    enrollment::leave(work, device)
}

/// Keeps what a device asks back when it is set up, or forgets it.
pub async fn set_bootstrap_token(
    engine: &Engine,
    tenant: Tenant,
    device: DeviceId,
    token: Option<&[u8]>,
) -> Result<(), Error> {
    let seal = |token: &[u8]| engine.sealer().seal(tenant, &BASE64.encode(token), &**engine.source());
    let sealed = token.map(seal).transpose()?;
    let write = move |tx: &mut Tx<'_>| stored::set_bootstrap_token(tx, tenant, device, sealed.as_deref());
    Ok(engine.db().write(write).await?)
}

/// How a device is woken, with the form in which it is kept; none if that is not known.
pub fn push(
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    tenant: Tenant,
    device: DeviceId,
) -> Result<Option<(Push, KeptPush)>, Error> {
    let Some(kept) = stored::push(tx, tenant, device)? else { return Ok(None) };
    Ok(Some((json::decode(&sealer.open(tenant, &kept.push)?)?, kept)))
}

/// Bytes that were sealed as this module seals them.
pub fn open(sealer: &Sealer, tenant: Tenant, sealed: &[u8]) -> Result<Vec<u8>, Error> {
    BASE64.decode(sealer.open(tenant, sealed)?.as_bytes()).map_err(|_| Error::Sealed)
}

/// When a device was last heard of so long ago that a contact is worth a write.
pub fn is_silent(last_contact: Option<Time>, now: Time) -> bool {
    last_contact.is_none_or(|last| now.since(last) >= allclear_domain::device::Sensor::CONTACT_STEP)
}
