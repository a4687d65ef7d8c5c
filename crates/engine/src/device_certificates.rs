//! By which certificate a device shows who it is: how it gets one, and whose a certificate is.
//!
//! An enrollment begins with an enrollment token. A one-time password goes to the device in its enrollment profile; for it
//! the tenant's authority issues a certificate, whose common name is the enrollment's ([`EnrollmentName`]). When the device
//! says for the first time who it is, the certificate is bound to it and those of its former enrollments are revoked.

use std::{fmt, str::FromStr};

use allclear_domain::{
    ids::{DeviceId, OrganizationGroupId, Tenant, TokenId},
    journal::{Actor, ActorKind, Change, Object},
    time::{Span, Time},
};
use allclear_pki::{
    Algorithms, Certificate,
    scep::{Failure, Kind, Message, Request},
};
use allclear_store::{
    db::Tx,
    device_certificates::{self as stored, Challenge, DeviceCertificate},
    enrollment_tokens,
    tokens::{EnrollmentToken, Hash},
};
use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    Engine, Error, apple_mdm_settings,
    device_authority::{self, DeviceAuthority},
    devices,
    work::Work,
};

/// How long a one-time password is good.
const CHALLENGE_LASTS: Span = Span::days(1);
/// How many passwords of an enrollment stay when another is made; the oldest give way.
const OTHER_CHALLENGES: i64 = 3;
/// How long before its end a certificate is to be renewed, at most a third of the time it is good.
const RENEW_BEFORE: Span = Span::days(30);

const WHAT: &str = "enrollment token";

/// What an enrollment is called in the common name of its certificates: the tenant's number and the enrollment token's id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EnrollmentName {
    /// The tenant.
    pub tenant: Tenant,
    /// The enrollment token.
    pub token: TokenId,
}

impl fmt::Display for EnrollmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.tenant.0, self.token)
    }
}

impl FromStr for EnrollmentName {
    type Err = NoName;

    fn from_str(text: &str) -> Result<Self, NoName> {
        let (tenant, token) = text.split_once('-').ok_or(NoName)?;
        let name =
            Self { tenant: Tenant(tenant.parse().map_err(|_| NoName)?), token: token.parse().map_err(|_| NoName)? };
        // One name for one enrollment.
        if name.to_string() == text { Ok(name) } else { Err(NoName) }
    }
}

impl EnrollmentName {
    /// The enrollment that a certificate says it is for.
    pub fn of(certificate: &Certificate) -> Option<Self> {
        certificate.common_name()?.parse().ok()
    }
}

/// A text is no name of an enrollment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("this is no name of an enrollment")]
pub struct NoName;

/// The hash under which a one-time password is kept.
pub fn hash(challenge: &str) -> Hash {
    Sha256::digest(challenge.as_bytes()).into()
}

/// Begins an enrollment: keeps the hash of a one-time password for the device of an enrollment token, given by its hash.
///
/// [`Error::Forbidden`] if the token is worth nothing.
pub fn begin(work: &mut Work<'_, '_>, token: &Hash, challenge: &Hash) -> Result<EnrollmentName, Error> {
    let refused = |detail: &str| Error::Forbidden(format!("the {WHAT} {detail}"));
    let token = allclear_store::tokens::enrollment(work.tx, work.tenant, token)?;
    let token = token.ok_or_else(|| refused("is not valid"))?;
    if token.used_at.is_some() {
        return Err(refused("was used already"));
    }
    if token.expires_at <= work.now {
        return Err(refused("has expired"));
    }
    keep(work, token.id, challenge, Some(token.expires_at))
}

/// Keeps the hash of a one-time password with which a device renews the certificate of its enrollment.
pub fn begin_renewal(work: &mut Work<'_, '_>, token: TokenId, challenge: &Hash) -> Result<EnrollmentName, Error> {
    enrollment(work.tx, work.tenant, token)?.ok_or(Error::NotFound(WHAT))?;
    keep(work, token, challenge, None)
}

fn keep(
    work: &mut Work<'_, '_>,
    token: TokenId,
    challenge: &Hash,
    until: Option<Time>,
) -> Result<EnrollmentName, Error> {
    let expires_at = work.now.plus(CHALLENGE_LASTS);
    let expires_at = until.map_or(expires_at, |until| until.min(expires_at));
    let new = Challenge { token, created_at: work.now, expires_at, certificate: None };
    stored::insert_challenge(work.tx, work.tenant, challenge, &new, OTHER_CHALLENGES)?;
    Ok(EnrollmentName { tenant: work.tenant, token })
}

/// Why a device gets no certificate.
enum Refusal {
    /// What it is told.
    Told(Failure, String),
    /// The server has failed.
    Failed(Error),
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

fn told(failure: Failure, why: impl Into<String>) -> Refusal {
    Refusal::Told(failure, why.into())
}

/// Answers a SCEP message with a certificate or the reason why there is none, for the device to read.
///
/// [`Error::NotFound`] while the tenant has no authority, [`Error::Invalid`] for what cannot be answered.
pub async fn answer(engine: &Engine, tenant: Tenant, message: Vec<u8>) -> Result<Vec<u8>, Error> {
    let sealer = engine.sealer().clone();
    let read = engine.db().read(move |tx| {
        let all = device_authority::all(tx, &sealer, tenant)?;
        Ok::<_, Error>((all, apple_mdm_settings::settings(tx, tenant)?))
    });
    let (all, settings) = read.await?;
    let own = all.first().ok_or(Error::NotFound("certificate authority"))?;
    let taken = settings.enrollment_algorithms();
    // Who uses what is not taken is told so.
    let (message, old) = match Message::open(&message, taken) {
        Err(old @ allclear_pki::Error::Algorithm(_)) => (Message::open(&message, Algorithms::LEGACY), Some(old)),
        opened => (opened, None),
    };
    let message = message.map_err(|error| Error::invalid("", error.to_string()))?;
    // Whoever asked for the certificates before the roll-over is answered by the one they know.
    let known = all.iter().find(|one| message.is_to(one.registration.certificate()));
    let registration = known.unwrap_or(own).registration.clone();
    let opener = registration.clone();
    let opened = blocking(move || {
        let request = old.map_or_else(|| message.request(&opener, taken), Err);
        (message, request)
    });
    let (message, request) = opened.await?;
    let days = settings.certificate_days;
    let decided = match request {
        Ok(request) => decide(engine, tenant, own, &message, &request, days).await.map(|issued| (request, issued)),
        Err(error) => Err(told(Failure::from(&error), error.to_string())),
    };
    let answer = match decided {
        Ok((request, issued)) => blocking(move || message.grant(&registration, &request, &issued)).await?,
        Err(Refusal::Told(failure, why)) => {
            tracing::info!(tenant = tenant.0, %why, "a device gets no certificate");
            blocking(move || message.refuse(&registration, failure)).await?
        }
        Err(Refusal::Failed(error)) => return Err(error),
    };
    answer.map_err(|error| Error::invalid("", error.to_string()))
}

/// Computes apart from those who wait for others.
async fn blocking<T: Send + 'static>(compute: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(compute).await.map_err(|_| Error::Closed)
}

async fn decide(
    engine: &Engine,
    tenant: Tenant,
    own: &DeviceAuthority,
    message: &Message,
    request: &Request,
    days: u32,
) -> Result<Certificate, Refusal> {
    match message.kind() {
        Kind::Enroll => {
            let challenge = request.signing().challenge().ok_or_else(|| told(Failure::Request, "no password"))?;
            first(engine, tenant, own, request, hash(&challenge), days).await
        }
        Kind::Renew => renewed(engine, tenant, own, message.signer(), request, days).await,
        Kind::Other => Err(told(Failure::Request, "nothing else than certificates is given")),
    }
}

/// A certificate for a one-time password. Whoever asks again with the same password and key gets the same one: the answer
/// may have been lost.
async fn first(
    engine: &Engine,
    tenant: Tenant,
    own: &DeviceAuthority,
    request: &Request,
    challenge: Hash,
    days: u32,
) -> Result<Certificate, Refusal> {
    let now = engine.source().now();
    let refused = || told(Failure::Request, "the password is not valid, was used or has expired");
    let found = engine.db().read(move |tx| {
        let Some(challenge) = stored::challenge(tx, tenant, &challenge)? else { return Ok(None) };
        let given =
            challenge.certificate.map(|fingerprint| stored::get(tx, tenant, &fingerprint)).transpose()?.flatten();
        let enrollment = enrollment(tx, tenant, challenge.token)?;
        Ok::<_, Error>(enrollment.map(|enrollment| (challenge, given, enrollment)))
    });
    let Some((found, given, enrollment)) = found.await? else { return Err(refused()) };
    if found.expires_at <= now || enrollment.used_at.is_some_and(|used| found.created_at <= used) {
        return Err(refused());
    }
    if found.certificate.is_some() {
        let given = given.filter(|given| given.is_good(now)).ok_or_else(refused)?;
        let given = Certificate::from_der(&given.certificate).map_err(|_| refused())?;
        return if request.signing().is_for(&given) { Ok(given) } else { Err(refused()) };
    }
    let issued = issue(own, request, EnrollmentName { tenant, token: enrollment.token }, now, days).await?;
    let kept = keep_issued(engine, tenant, &issued, enrollment, now, Some(challenge)).await?;
    if kept { Ok(issued) } else { Err(refused()) }
}

/// Another certificate for the holder of one that is in force.
async fn renewed(
    engine: &Engine,
    tenant: Tenant,
    own: &DeviceAuthority,
    signer: &Certificate,
    request: &Request,
    days: u32,
) -> Result<Certificate, Refusal> {
    let (now, fingerprint) = (engine.source().now(), signer.fingerprint());
    let refused = || told(Failure::Certificate, "the certificate in force is not known, not good any more or revoked");
    let found = engine.db().read(move |tx| {
        let known = stored::get(tx, tenant, &fingerprint)?.filter(|known| known.own && known.is_good(now));
        Ok::<_, Error>(known.map(|known| enrollment(tx, tenant, known.token)).transpose()?.flatten())
    });
    let enrollment = found.await?.ok_or_else(refused)?;
    let issued = issue(own, request, EnrollmentName { tenant, token: enrollment.token }, now, days).await?;
    keep_issued(engine, tenant, &issued, enrollment, now, None).await?;
    Ok(issued)
}

/// For what certificates are issued.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Enrollment {
    token: TokenId,
    /// The device that has enrolled.
    device: Option<DeviceId>,
    /// When it did. Passwords that were made before are not of that device.
    used_at: Option<Time>,
    /// The organization group of the token's user.
    group: Option<OrganizationGroupId>,
}

/// The enrollment of a token, also of one that was deleted after a device had enrolled with it.
fn enrollment(tx: &mut Tx<'_>, tenant: Tenant, token: TokenId) -> Result<Option<Enrollment>, Error> {
    if let Some((token, group)) = enrollment_tokens::get(tx, tenant, token)? {
        let EnrollmentToken { id, device, used_at, .. } = token;
        return Ok(Some(Enrollment { token: id, device, used_at, group: Some(group) }));
    }
    let device = stored::device_of(tx, tenant, token)?;
    Ok(device.map(|device| Enrollment { token, device: Some(device), used_at: None, group: None }))
}

async fn issue(
    own: &DeviceAuthority,
    request: &Request,
    name: EnrollmentName,
    now: Time,
    days: u32,
) -> Result<Certificate, Refusal> {
    let (authority, request) = (own.authority.clone(), request.signing().clone());
    let issue = move || authority.issue(&request, &name.to_string(), now.as_micros() / 1_000_000, days);
    blocking(issue).await?.map_err(|error| told(Failure::Request, error.to_string()))
}

/// Writes an issued certificate down, unless its password or its token was used up meanwhile; says whether it did.
async fn keep_issued(
    engine: &Engine,
    tenant: Tenant,
    issued: &Certificate,
    found: Enrollment,
    now: Time,
    challenge: Option<Hash>,
) -> Result<bool, Error> {
    let row = row(issued, found.token, found.device, true, now);
    let name = EnrollmentName { tenant, token: found.token };
    engine
        .edit(tenant, Actor::new(ActorKind::Device, name.to_string()), move |work| {
            if let Some(challenge) = challenge {
                let same = enrollment(work.tx, tenant, found.token)? == Some(found);
                if !same || !stored::use_challenge(work.tx, tenant, &challenge, &row.fingerprint, work.now)? {
                    return Ok(false);
                }
            }
            stored::insert(work.tx, tenant, &row)?;
            let of_device = match found.device {
                Some(device) => work.device(device)?.map(|device| device.record.facts.device.organization_group),
                None => None,
            };
            let group = of_device.or(found.group);
            let after =
                json!({ "enrollment_token_id": row.token, "device_id": row.device, "not_after": row.not_after });
            work.note(object(&row), group, Change::Created { after });
            Ok(true)
        })
        .await
}

fn row(certificate: &Certificate, token: TokenId, device: Option<DeviceId>, own: bool, now: Time) -> DeviceCertificate {
    DeviceCertificate {
        fingerprint: certificate.fingerprint(),
        token,
        device,
        issuer: certificate.issuer(),
        own,
        certificate: certificate.der().to_vec(),
        not_before: Time::from_micros(certificate.not_before().saturating_mul(1_000_000)),
        not_after: Time::from_micros(certificate.not_after().saturating_mul(1_000_000)),
        created_at: now,
        revoked_at: None,
    }
}

fn object(certificate: &DeviceCertificate) -> Object {
    let id = HEXLOWER.encode(&certificate.fingerprint);
    Object { kind: "device_certificate".into(), id, name: certificate.issuer.clone() }
}

/// Whose a certificate is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Holder {
    /// The enrollment.
    pub token: TokenId,
    /// The device, once it has enrolled.
    pub device: Option<DeviceId>,
    /// Until when the certificate is good.
    pub not_after: Time,
    /// Whether it should be renewed now.
    pub renew: bool,
}

/// Why a certificate shows nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Distrust {
    /// Nobody who is trusted issued it for an enrollment of this tenant.
    #[error("the certificate is not known")]
    Unknown,
    /// It is not good any more, or not yet.
    #[error("the certificate has expired or is not valid yet")]
    Expired,
    /// It was revoked.
    #[error("the certificate was revoked")]
    Revoked,
}

/// Whose a certificate is; the message it came with has shown that its sender has the key. `chain` are those above it, if
/// they came with it. Reads one row, unless the certificate is one of a trusted authority that was not seen before.
pub fn holder(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    certificate: &Certificate,
    chain: &[Certificate],
    now: Time,
) -> Result<Result<Holder, Distrust>, Error> {
    if let Some(known) = stored::get(tx, tenant, &certificate.fingerprint())? {
        if known.revoked_at.is_some() {
            return Ok(Err(Distrust::Revoked));
        }
        if !known.is_good(now) {
            return Ok(Err(Distrust::Expired));
        }
        let lasts = Span::micros(known.not_after.since(known.not_before).as_micros() / 3);
        let before = RENEW_BEFORE.min(lasts);
        let renew = known.not_after.since(now) <= before;
        return Ok(Ok(Holder { token: known.token, device: known.device, not_after: known.not_after, renew }));
    }
    let name = EnrollmentName::of(certificate).filter(|name| name.tenant == tenant);
    let anchors = apple_mdm_settings::settings(tx, tenant)?.anchors();
    match (name, anchors.check(certificate, chain, now.as_micros() / 1_000_000)) {
        (Some(name), Ok(())) if enrollment(tx, tenant, name.token)?.is_some() => {
            let not_after = row(certificate, name.token, None, false, now).not_after;
            Ok(Ok(Holder { token: name.token, device: None, not_after, renew: false }))
        }
        (_, Err(allclear_pki::Refused::Expired | allclear_pki::Refused::NotYet)) => Ok(Err(Distrust::Expired)),
        _ => Ok(Err(Distrust::Unknown)),
    }
}

/// Binds a certificate to the device that has enrolled with it. Those of the device's former enrollments are revoked, and
/// those that others got for the same enrollment.
pub fn bind(
    work: &mut Work<'_, '_>,
    holder: &Holder,
    certificate: &Certificate,
    device: DeviceId,
) -> Result<(), Error> {
    stored::revoke_others(work.tx, work.tenant, device, holder.token, work.now)?;
    // Of a trusted authority it is seen for the first time.
    stored::insert(work.tx, work.tenant, &row(certificate, holder.token, Some(device), false, work.now))?;
    stored::bind(work.tx, work.tenant, &certificate.fingerprint(), holder.token, device, work.now)?;
    Ok(())
}

/// The certificates of a device within reach, newest first.
pub fn list(
    tx: &mut Tx<'_>,
    rules: &allclear_domain::rules::Rules,
    tenant: Tenant,
    reach: OrganizationGroupId,
    device: DeviceId,
) -> Result<Vec<DeviceCertificate>, Error> {
    devices::read(tx, rules, tenant, reach, device)?;
    Ok(stored::of_device(tx, tenant, device)?)
}

/// Revokes a certificate of a device within reach: from now on it shows nothing. Done again, it changes nothing.
pub fn revoke(
    work: &mut Work<'_, '_>,
    reach: OrganizationGroupId,
    device: DeviceId,
    fingerprint: &Hash,
) -> Result<(), Error> {
    let group = devices::get(work, reach, device)?.record.facts.device.organization_group;
    let known = stored::get(work.tx, work.tenant, fingerprint)?.filter(|known| known.device == Some(device));
    let known = known.ok_or(Error::NotFound("certificate of this device"))?;
    if stored::revoke(work.tx, work.tenant, fingerprint, work.now)? {
        let before = json!({ "device_id": device, "not_after": known.not_after });
        work.note(object(&known), Some(group), Change::Deleted { before });
    }
    Ok(())
}
