//! Credentials: what they look like, and who is behind one.
//!
//! A credential is `<kind>_<tenant>_<secret>`: `ac` for programs (API tokens), `ace` for enrollment, `acd` for devices,
//! `acs` for sessions of administrators, `acl` for the one-time links by which they come to an account, `acm` for
//! sessions of the Messages app, `acml` for the one-time links that bind it to a device; the tenant's number in base 32;
//! 256 random bits in base64url. The tenant in it says where to look the hash up.

use std::{collections::BTreeSet, fmt};

use allclear_domain::{
    admin::{AdminState, SecondFactor},
    device::EnrollmentStatus,
    ids::{AdminId, DeviceId, MessagesSessionId, OrganizationGroupId, SessionId, Tenant, TokenId},
    rights::Right,
    time::{Span, Time},
};
use allclear_engine::{
    admins::{has_second_factor, lasts},
    messages_app::IDLE as IDLE_MESSAGES,
};
use allclear_store::{
    admins::{self, Admin},
    db::Tx,
    devices, messages_app,
    roles::{self, RoleRef},
    sessions::{self, Session},
    tenants,
    tokens::{self, Hash},
};
use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::problem::Problem;

/// The header by which a credential with Global reach says for which customer it acts: the customer's id, or Global's
/// for the server itself.
pub const ORGANIZATION_GROUP: &str = "Allclear-Organization-Group";

/// How often the use of a token or session is noted.
pub const TOUCH_EVERY: Span = Span::seconds(60);

/// How often the use of a session of the Messages app is noted.
pub const TOUCH_MESSAGES_EVERY: Span = Span::days(1);

/// What a credential is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    /// A program's.
    Api,
    /// Good for enrolling one device.
    Enrollment,
    /// An enrolled device's.
    Device,
    /// A session's, in a cookie.
    Session,
    /// A one-time link's.
    Link,
    /// The Messages app's, in a cookie.
    Messages,
    /// Good for binding the Messages app to one device.
    MessagesLink,
}

impl Kind {
    const ALL: [Kind; 7] =
        [Kind::Api, Kind::Enrollment, Kind::Device, Kind::Session, Kind::Link, Kind::Messages, Kind::MessagesLink];

    fn prefix(self) -> &'static str {
        match self {
            Kind::Api => "ac",
            Kind::Enrollment => "ace",
            Kind::Device => "acd",
            Kind::Session => "acs",
            Kind::Link => "acl",
            Kind::Messages => "acm",
            Kind::MessagesLink => "acml",
        }
    }
}

/// A well-formed credential. The text itself is not kept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Credential {
    /// What it is for.
    pub kind: Kind,
    /// Where it is kept.
    pub tenant: Tenant,
    /// What is kept of it.
    pub hash: Hash,
}

/// A new credential's text, to be shown once.
pub struct Secret(String);

impl Secret {
    /// The text.
    pub fn reveal(self) -> String {
        self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

const SECRET_CHARS: usize = 43;

impl Credential {
    /// A new credential of 256 random bits and its text.
    pub fn new(kind: Kind, tenant: Tenant, random: [u8; 32]) -> (Secret, Credential) {
        let text = format!("{}_{}_{}", kind.prefix(), base32(tenant.0), BASE64URL_NOPAD.encode(&random));
        let hash = Sha256::digest(text.as_bytes()).into();
        (Secret(text), Credential { kind, tenant, hash })
    }

    /// Reads a credential; `None` if the text is not one. Whether it is valid only the database knows.
    pub fn parse(text: &str) -> Option<Credential> {
        let mut parts = text.splitn(3, '_');
        let (prefix, tenant, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let kind = Kind::ALL.into_iter().find(|kind| kind.prefix() == prefix)?;
        let number = i64::from_str_radix(tenant, 32).ok().filter(|number| base32(*number) == tenant)?;
        if secret.len() != SECRET_CHARS {
            return None;
        }
        Some(Credential { kind, tenant: Tenant(number), hash: Sha256::digest(text.as_bytes()).into() })
    }
}

/// A number that is not negative, in digits 0-9 and a-v without leading zeros.
fn base32(number: i64) -> String {
    let mut digits = Vec::new();
    let mut rest = number.unsigned_abs();
    loop {
        digits.extend(char::from_digit((rest % 32) as u32, 32));
        rest /= 32;
        if rest == 0 {
            return digits.iter().rev().collect();
        }
    }
}

/// What shows who somebody is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Who {
    /// A program, with an API token.
    Token(TokenId),
    /// An administrator, in a session.
    Admin(AdminId, SessionId),
}

impl Who {
    /// The id of the token or administrator.
    pub fn id(self) -> Uuid {
        match self {
            Who::Token(id) => id.0,
            Who::Admin(id, _) => id.0,
        }
    }
}

/// Who is behind a request with an API token or a session. An extractor: the route's [`crate::access::TABLE`] row put
/// it there.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Principal {
    /// The tenant this request acts on.
    pub tenant: Tenant,
    /// The tenant the token or administrator is kept in; [`Tenant::SERVER`] if its reach is Global.
    pub home: Tenant,
    /// The token or session.
    pub who: Who,
    /// The token's or administrator's name, for the journal.
    pub name: String,
    /// The role that says what it may do.
    pub role: RoleRef,
    /// What it may do.
    pub rights: BTreeSet<Right>,
    /// The organization group at or below which it may do it.
    pub reach: OrganizationGroupId,
    /// Whether its reach is Global.
    pub server: bool,
}

impl Principal {
    /// Refuses who lacks a right.
    pub fn require(&self, right: Right) -> Result<(), Problem> {
        if self.rights.contains(&right) { Ok(()) } else { Err(Problem::forbidden(right)) }
    }

    /// Refuses who would grant or take away a right they do not hold.
    pub fn may_grant<'a>(&self, rights: impl IntoIterator<Item = &'a Right>) -> Result<(), allclear_engine::Error> {
        match rights.into_iter().find(|right| !self.rights.contains(right)) {
            None => Ok(()),
            Some(right) => Err(allclear_engine::Error::Forbidden(format!(
                "nobody can grant or take away the right {} without holding it",
                crate::problem::right_name(*right)
            ))),
        }
    }
}

/// The session behind a request. An extractor. While the second factor is awaited there is no [`Principal`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignedIn {
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub admin: Admin,
    /// Whether a second factor must be set up before anything else.
    pub second_factor_needed: bool,
}

/// Which device is behind a request of an agent. An extractor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DevicePrincipal {
    /// The device's tenant.
    pub tenant: Tenant,
    /// The device.
    pub device: DeviceId,
}

/// Whose device a request of the Messages app is about. An extractor.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MessagesPrincipal {
    /// The device's tenant.
    pub tenant: Tenant,
    /// The device.
    pub device: DeviceId,
    /// The browser's session.
    pub session: MessagesSessionId,
}

macro_rules! from_extensions {
    ($($t:ty),*) => {$(
        impl<S: Sync> FromRequestParts<S> for $t {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
                let found = parts.extensions.get::<$t>().cloned();
                found.ok_or_else(|| Problem::internal_because("the route's row in the access table puts nobody here"))
            }
        }
    )*};
}

from_extensions!(Principal, DevicePrincipal, MessagesPrincipal, SignedIn);

/// The credential in the `Authorization` header.
pub fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let missing = || Problem::unauthorized("Send a credential: Authorization: Bearer <token>.");
    let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?.to_str().map_err(|_| missing())?;
    let (scheme, token) = value.split_once(' ').ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") { Ok(token.trim()) } else { Err(missing()) }
}

fn not_valid() -> Problem {
    Problem::unauthorized("The credential is not valid.")
}

/// The credential of a request, of the kind wanted.
pub fn credential(headers: &HeaderMap, wanted: Kind) -> Result<Credential, Problem> {
    Credential::parse(bearer(headers)?).filter(|credential| credential.kind == wanted).ok_or_else(not_valid)
}

/// The organization group named in the header, if there is one.
pub fn chosen(headers: &HeaderMap) -> Result<Option<OrganizationGroupId>, Problem> {
    let Some(value) = headers.get(ORGANIZATION_GROUP) else { return Ok(None) };
    let id = value.to_str().ok().and_then(|text| text.parse().ok());
    id.map(Some).ok_or_else(|| Problem::bad_request(format!("The header {ORGANIZATION_GROUP} holds no id.")))
}

/// Finds out who is behind an API token, and for which tenant they act: one read. Says also when the token was last
/// used.
pub fn principal(
    tx: &mut Tx<'_>,
    credential: &Credential,
    chosen: Chosen,
    now: Time,
) -> Result<(Principal, Option<Time>), Problem> {
    let found = tokens::authenticate(tx, credential.tenant, &credential.hash)?;
    let (token, rights) = found.ok_or_else(not_valid)?;
    if token.expires_at.is_some_and(|expires_at| expires_at <= now) {
        return Err(Problem::unauthorized("The credential has expired."));
    }
    let principal = Principal {
        tenant: acts_for(tx, (token.tenant, token.reach), chosen)?,
        home: token.tenant,
        who: Who::Token(token.id),
        name: token.name,
        role: token.role,
        rights,
        reach: token.reach,
        server: token.reach == OrganizationGroupId::GLOBAL,
    };
    Ok((principal, token.last_used_at))
}

/// Finds out whose session it is: one read.
pub fn signed_in(tx: &mut Tx<'_>, credential: &Credential, now: Time) -> Result<SignedIn, Problem> {
    let ended = || Problem::unauthorized("The session has ended; sign in.");
    let found = sessions::by_hash(tx, credential.tenant, &credential.hash)?;
    let session = found.filter(|session| lasts(session, now)).ok_or_else(ended)?;
    let admin = admins::get(tx, session.tenant, session.admin)?;
    let admin = admin.filter(|admin| admin.state == AdminState::Active).ok_or_else(ended)?;
    let second_factor_needed =
        tenants::settings(tx, admin.tenant)?.0.require_second_factor && !has_second_factor(tx, &admin)?;
    Ok(SignedIn { session, admin, second_factor_needed })
}

impl SignedIn {
    /// Who acts in this session, and for which tenant. Refused while the second factor is awaited.
    pub fn principal(&self, tx: &mut Tx<'_>, chosen: Chosen) -> Result<Principal, Problem> {
        if self.session.second_factor == SecondFactor::Awaited {
            return Err(Problem::unauthorized("The second factor is awaited."));
        }
        let admin = &self.admin;
        Ok(Principal {
            tenant: acts_for(tx, (admin.tenant, admin.reach), chosen)?,
            home: admin.tenant,
            who: Who::Admin(admin.id, self.session.id),
            name: admin.name.clone(),
            role: admin.role,
            rights: roles::rights(tx, admin.tenant, admin.role)?.unwrap_or_default(),
            reach: admin.reach,
            server: admin.reach == OrganizationGroupId::GLOBAL,
        })
    }
}

/// Whether the credential behind a principal is still good and holds a right.
pub fn still_holds(tx: &mut Tx<'_>, principal: &Principal, right: Right, now: Time) -> Result<bool, Problem> {
    let role = match principal.who {
        Who::Token(id) => {
            let token = tokens::get(tx, principal.home, principal.reach, id)?;
            token.filter(|token| token.expires_at.is_none_or(|at| at > now)).map(|token| token.role)
        }
        Who::Admin(id, session) => {
            let session = sessions::get(tx, principal.home, session)?.filter(|session| lasts(session, now));
            let admin = if session.is_some() { admins::get(tx, principal.home, id)? } else { None };
            admin.filter(|admin| admin.state == AdminState::Active).map(|admin| admin.role)
        }
    };
    let Some(role) = role else { return Ok(false) };
    Ok(roles::rights(tx, principal.home, role)?.unwrap_or_default().contains(&right))
}

/// For which customer a request says it acts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Chosen {
    /// The organization group it names.
    pub group: Option<OrganizationGroupId>,
    /// Whether one has to be named where there are several; else the server itself is meant.
    pub needed: bool,
}

/// For which tenant a credential acts that is kept in a tenant and has a reach.
fn acts_for(tx: &mut Tx<'_>, (home, reach): (Tenant, OrganizationGroupId), chosen: Chosen) -> Result<Tenant, Problem> {
    if reach == OrganizationGroupId::GLOBAL { choose(tx, chosen) } else { own(tx, home, chosen.group) }
}

/// For which tenant a credential with Global reach acts.
fn choose(tx: &mut Tx<'_>, chosen: Chosen) -> Result<Tenant, Problem> {
    match chosen.group {
        Some(OrganizationGroupId::GLOBAL) => Ok(Tenant::SERVER),
        Some(group) => tokens::customer(tx, group)?.ok_or_else(|| Problem::not_found("organization group")),
        None => match tokens::first_customers(tx)?.as_slice() {
            // Nothing to choose from yet.
            [] => Ok(Tenant::SERVER),
            [only] => Ok(*only),
            _ if chosen.needed => Err(Problem::choose_organization_group()),
            _ => Ok(Tenant::SERVER),
        },
    }
}

/// A credential of one tenant acts for that tenant; naming another is an error rather than ignored.
fn own(tx: &mut Tx<'_>, tenant: Tenant, chosen: Option<OrganizationGroupId>) -> Result<Tenant, Problem> {
    match chosen {
        Some(group) if tokens::customer(tx, group)? != Some(tenant) => Err(Problem::not_found("organization group")),
        _ => Ok(tenant),
    }
}

/// Finds out which device is behind a device's credential: one read.
pub fn device(tx: &mut Tx<'_>, credential: &Credential) -> Result<DevicePrincipal, Problem> {
    let device = tokens::device(tx, credential.tenant, &credential.hash)?.ok_or_else(not_valid)?;
    Ok(DevicePrincipal { tenant: credential.tenant, device })
}

/// Finds out to which device a session of the Messages app is bound, and when it was last used: one read.
pub fn messages(tx: &mut Tx<'_>, credential: &Credential, now: Time) -> Result<(MessagesPrincipal, Time), Problem> {
    let ended = || Problem::unauthorized("This app is not connected to a device. Ask for a new link.");
    let session = messages_app::session(tx, credential.tenant, &credential.hash)?;
    let session = session.filter(|session| session.last_seen_at.plus(IDLE_MESSAGES) > now).ok_or_else(ended)?;
    let enrollment = devices::enrollment(tx, credential.tenant, session.device)?.ok_or_else(ended)?;
    if enrollment != EnrollmentStatus::Enrolled {
        return Err(Problem::unenrolled());
    }
    let principal = MessagesPrincipal { tenant: credential.tenant, device: session.device, session: session.id };
    Ok((principal, session.last_seen_at))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;

    #[test]
    fn credentials_are_read_as_they_were_made() {
        for (kind, tenant) in [(Kind::Api, 0), (Kind::Enrollment, 31), (Kind::Device, 32), (Kind::Api, i64::MAX)] {
            let (secret, made) = Credential::new(kind, Tenant(tenant), [0xfb; 32]);
            assert_eq!(format!("{secret:?}"), "Secret");
            let text = secret.reveal();
            assert_eq!(Credential::parse(&text), Some(made), "{text}");
        }
        let (secret, _) = Credential::new(Kind::Api, Tenant(33), [0; 32]);
        assert_eq!(secret.reveal(), "ac_11_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
    }

    #[test]
    fn what_is_no_credential_is_refused() {
        let secret = "A".repeat(SECRET_CHARS);
        for text in [
            String::new(),
            "ac".to_owned(),
            "ac_1".to_owned(),
            format!("ac_1_{secret}A"),
            format!("ac__{secret}"),
            format!("ac_01_{secret}"),
            format!("ac_+1_{secret}"),
            format!("ac_-1_{secret}"),
            format!("ac_W_{secret}"),
            format!("ac_zzzzzzzzzzzzzzz_{secret}"),
            format!("acx_1_{secret}"),
            format!("AC_1_{secret}"),
        ] {
            assert_eq!(Credential::parse(&text), None, "{text}");
        }
        assert!(Credential::parse(&format!("ac_1_{secret}")).is_some());
    }

    #[test]
    fn the_scheme_is_bearer() {
        let headers = |value: &str| HeaderMap::from_iter([(header::AUTHORIZATION, value.parse().unwrap())]);
        assert_eq!(bearer(&headers("Bearer abc")).unwrap(), "abc");
        assert_eq!(bearer(&headers("bearer  abc")).unwrap(), "abc");
        assert_eq!(bearer(&headers("Basic abc")).unwrap_err().status, 401);
        assert_eq!(bearer(&headers("abc")).unwrap_err().status, 401);
        assert_eq!(bearer(&HeaderMap::new()).unwrap_err().status, 401);
    }
}
