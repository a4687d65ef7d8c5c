//! A tenant's own certificate authorities, and who takes requests for them. The first is made when the management of Apple
//! devices is set up, the next before the newest ends; certificates of those before are good until they end. All are kept
//! with their keys sealed. An authority's key only signs; what strangers send is decrypted with another.

use allclear_domain::{
    ids::Tenant,
    time::{Span, Time},
};
use allclear_pki::{Authority, Certificate, Identity, PrivateKey};
use allclear_store::{db::Tx, device_certificates as stored, organization_groups};

use crate::{
    Engine, Error,
    apple_mdm_settings::{open, seal},
    seal::Sealer,
};

const DAYS: u32 = 3650;
/// How long before the end of an authority the next one issues, so that what it has issued need not end early.
const ROLL_OVER_BEFORE: Span = Span::days(730);
/// The longest common name that the standard allows, in characters, less what is put to it.
const NAME: usize = 44;

/// An authority with its keys.
#[derive(Clone, Debug)]
pub struct DeviceAuthority {
    /// Who issues.
    pub authority: Authority,
    /// Who takes requests.
    pub registration: Identity,
}

/// The authority of a tenant that issues, if one was made.
pub fn get(tx: &mut Tx<'_>, sealer: &Sealer, tenant: Tenant) -> Result<Option<DeviceAuthority>, Error> {
    stored::authority(tx, tenant)?.map(|kept| opened(sealer, tenant, &kept)).transpose()
}

/// All of a tenant's authorities: the one that issues first, then those whose requests may still be under way.
pub(crate) fn all(tx: &mut Tx<'_>, sealer: &Sealer, tenant: Tenant) -> Result<Vec<DeviceAuthority>, Error> {
    stored::authorities(tx, tenant)?.iter().map(|kept| opened(sealer, tenant, kept)).collect()
}

fn opened(sealer: &Sealer, tenant: Tenant, kept: &stored::Authority) -> Result<DeviceAuthority, Error> {
    let authority = Authority::from_parts(&kept.certificate, &open(sealer, tenant, &kept.sealed_key)?);
    let key = PrivateKey::from_pkcs8_der(&open(sealer, tenant, &kept.sealed_registration_key)?);
    let made = || {
        let authority = authority?;
        let certificate = Certificate::from_der(&kept.registration)?;
        let registration = Identity::new(certificate, vec![authority.certificate().clone()], key?)?;
        Ok(DeviceAuthority { authority, registration })
    };
    made().map_err(|error: allclear_pki::Error| damaged(&error))
}

fn damaged(error: &allclear_pki::Error) -> Error {
    allclear_store::Error::damaged("device authority", error.to_string()).into()
}

/// The certificates of a tenant's authorities, the one that issues first.
pub fn certificates(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<Certificate>, Error> {
    let read = |kept: &stored::Authority| Certificate::from_der(&kept.certificate).map_err(|error| damaged(&error));
    stored::authorities(tx, tenant)?.iter().map(read).collect()
}

/// The certificates of who takes requests for the authority of a tenant that issues, and its own, if one was made.
pub fn issuer(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Option<[Certificate; 2]>, Error> {
    let Some(kept) = stored::authority(tx, tenant)? else { return Ok(None) };
    let read = |der: &[u8]| Certificate::from_der(der).map_err(|error| damaged(&error));
    Ok(Some([read(&kept.registration)?, read(&kept.certificate)?]))
}

/// Makes a tenant's first authority if there is none, and the next one if the newest ends soon. Takes seconds then.
pub async fn ensure(engine: &Engine, tenant: Tenant) -> Result<(), Error> {
    let now = engine.source().now();
    let needed = engine.read(tenant, move |tx, rules| {
        let newest = stored::authority(tx, tenant)?;
        if newest.as_ref().is_some_and(|newest| !ends_soon(newest, now)) {
            return Ok(None);
        }
        let root = rules.organization_groups.root().ok_or(Error::NotFound("organization group"))?;
        let name = organization_groups::get(tx, tenant, root)?.map(|(group, _)| group.name);
        Ok(Some((newest.map_or(0, |newest| newest.generation) + 1, name.unwrap_or_default())))
    });
    let Some((generation, name)) = needed.await? else { return Ok(()) };
    let short: String = name.chars().take(NAME).collect();
    let made = tokio::task::spawn_blocking(move || {
        let seconds = now.as_micros() / 1_000_000;
        let authority = Authority::generate(&format!("{short} device authority"), seconds, DAYS)?;
        let registration = authority.registration(&format!("{short} enrollment"), seconds)?;
        Ok::<_, allclear_pki::Error>((authority, registration))
    });
    let made = made.await.map_err(|_| Error::Closed)?;
    let (authority, registration) = made.map_err(|error| damaged(&error))?;
    let key = |identity: &Identity| seal(engine.sealer(), &**engine.source(), tenant, identity.key().pkcs8_der());
    let new = stored::Authority {
        generation,
        certificate: authority.certificate().der().to_vec(),
        sealed_key: key(authority.identity())?,
        registration: registration.certificate().der().to_vec(),
        sealed_registration_key: key(&registration)?,
        not_after: Time::from_micros(authority.certificate().not_after().saturating_mul(1_000_000)),
        created_at: now,
    };
    // Another node may have been faster.
    engine.db().write(move |tx| stored::keep_authority(tx, tenant, &new)).await?;
    Ok(())
}

fn ends_soon(authority: &stored::Authority, now: Time) -> bool {
    authority.not_after.since(now) <= ROLL_OVER_BEFORE
}

/// Makes a tenant's next authority if the newest ends soon. A tenant without one needs none.
pub async fn roll_over(engine: &Engine, tenant: Tenant) -> Result<(), Error> {
    let now = engine.source().now();
    let newest = engine.db().read(move |tx| stored::authority(tx, tenant)).await?;
    if newest.is_some_and(|newest| ends_soon(&newest, now)) {
        ensure(engine, tenant).await?;
        tracing::info!(tenant = tenant.0, "the next authority for certificates of devices issues from now on");
    }
    Ok(())
}
