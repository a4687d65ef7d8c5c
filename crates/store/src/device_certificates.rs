//! Certificates of devices, one-time passwords for them, and a tenant's own authority. Keys come sealed, passwords hashed.

use allclear_domain::{
    ids::{DeviceId, Tenant, TokenId},
    time::Time,
};
use uuid::Uuid;

use crate::{
    Error, db,
    db::{FromRow, Row, Tx},
    params,
    tokens::Hash,
};

/// An authority of a tenant's own, and who takes requests for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Authority {
    /// Which of the tenant's it is, counted from 1.
    pub generation: i64,
    /// The authority's certificate, DER.
    pub certificate: Vec<u8>,
    /// Its key, sealed.
    pub sealed_key: Vec<u8>,
    /// The certificate of who takes requests, DER.
    pub registration: Vec<u8>,
    /// Its key, sealed.
    pub sealed_registration_key: Vec<u8>,
    /// Until when they are good.
    pub not_after: Time,
    /// When they were made.
    pub created_at: Time,
}

impl FromRow for Authority {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        Ok(Self {
            generation: row.get(0)?,
            certificate: row.get(1)?,
            sealed_key: row.get(2)?,
            registration: row.get(3)?,
            sealed_registration_key: row.get(4)?,
            not_after: Time::from_micros(row.get(5)?),
            created_at: Time::from_micros(row.get(6)?),
        })
    }
}

const SELECT_AUTHORITIES: &str = "SELECT generation, certificate, sealed_key, registration, sealed_registration_key, \
                                  not_after, created_at FROM device_authority WHERE tenant = $1 \
                                  ORDER BY generation DESC LIMIT $2";

/// A tenant's authorities, newest first, at most ten.
pub fn authorities(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<Authority>, Error> {
    Ok(tx.query(SELECT_AUTHORITIES, params![tenant.0, 10_i64])?)
}

/// A tenant's newest authority, if one was made.
pub fn authority(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Option<Authority>, Error> {
    Ok(tx.query_opt(SELECT_AUTHORITIES, params![tenant.0, 1_i64])?)
}

/// Keeps an authority, unless the tenant has one of this generation; says whether it did.
pub fn keep_authority(tx: &mut Tx<'_>, tenant: Tenant, new: &Authority) -> Result<bool, Error> {
    let kept = tx.execute(
        "INSERT INTO device_authority (tenant, generation, certificate, sealed_key, registration, \
         sealed_registration_key, not_after, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) \
         ON CONFLICT (tenant, generation) DO NOTHING",
        params![
            tenant.0,
            new.generation,
            new.certificate.as_slice(),
            new.sealed_key.as_slice(),
            new.registration.as_slice(),
            new.sealed_registration_key.as_slice(),
            new.not_after.as_micros(),
            new.created_at.as_micros()
        ],
    )?;
    Ok(kept == 1)
}

/// A one-time password for a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Challenge {
    /// For whose device: the enrollment token.
    pub token: TokenId,
    /// When it was made.
    pub created_at: Time,
    /// From when on it is worth nothing.
    pub expires_at: Time,
    /// The fingerprint of the certificate that was issued for it.
    pub certificate: Option<Hash>,
}

/// Adds a password. Of the token's others only the newest `keep` stay, and none that has expired.
pub fn insert_challenge(tx: &mut Tx<'_>, tenant: Tenant, hash: &Hash, new: &Challenge, keep: i64) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM enrollment_challenge WHERE tenant = $1 AND token = $2 AND (expires_at <= $3 OR hash NOT IN \
         (SELECT hash FROM enrollment_challenge WHERE tenant = $1 AND token = $2 \
         ORDER BY created_at DESC, hash LIMIT $4))",
        params![tenant.0, new.token.0, new.created_at.as_micros(), keep],
    )?;
    tx.execute(
        "INSERT INTO enrollment_challenge (tenant, hash, token, created_at, expires_at, certificate) \
         VALUES ($1, $2, $3, $4, $5, NULL)",
        params![tenant.0, hash, new.token.0, new.created_at.as_micros(), new.expires_at.as_micros()],
    )?;
    Ok(())
}

/// The password of this hash, used or expired ones too.
pub fn challenge(tx: &mut Tx<'_>, tenant: Tenant, hash: &Hash) -> Result<Option<Challenge>, Error> {
    let row: Option<(Uuid, i64, i64, Option<Vec<u8>>)> = tx.query_opt(
        "SELECT token, created_at, expires_at, certificate FROM enrollment_challenge WHERE tenant = $1 AND hash = $2",
        params![tenant.0, hash],
    )?;
    let Some((token, created_at, expires_at, certificate)) = row else { return Ok(None) };
    Ok(Some(Challenge {
        token: TokenId(token),
        created_at: Time::from_micros(created_at),
        expires_at: Time::from_micros(expires_at),
        certificate: certificate.map(fingerprint).transpose()?,
    }))
}

/// Uses a password up for a certificate; says whether it was still good. Of several at once exactly one succeeds.
pub fn use_challenge(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    hash: &Hash,
    certificate: &Hash,
    now: Time,
) -> Result<bool, Error> {
    let used = tx.execute(
        "UPDATE enrollment_challenge SET certificate = $3 \
         WHERE tenant = $1 AND hash = $2 AND certificate IS NULL AND expires_at > $4",
        params![tenant.0, hash, certificate, now.as_micros()],
    )?;
    Ok(used == 1)
}

/// A device's certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceCertificate {
    /// SHA-256 of the certificate.
    pub fingerprint: Hash,
    /// The enrollment: the token for which it was issued.
    pub token: TokenId,
    /// The device, once it has enrolled.
    pub device: Option<DeviceId>,
    /// Who issued it.
    pub issuer: String,
    /// Whether that is the tenant's own authority.
    pub own: bool,
    /// The certificate, DER.
    pub certificate: Vec<u8>,
    /// From when on it is good.
    pub not_before: Time,
    /// Until when it is good.
    pub not_after: Time,
    /// When it was issued, or seen for the first time.
    pub created_at: Time,
    /// When it was revoked.
    pub revoked_at: Option<Time>,
}

impl DeviceCertificate {
    /// Whether it is good at a time.
    pub fn is_good(&self, now: Time) -> bool {
        self.revoked_at.is_none() && self.not_before <= now && now < self.not_after
    }
}

const SELECT: &str = "SELECT fingerprint, token, device_id, issuer, own, certificate, not_before, not_after, created_at, \
                      revoked_at FROM device_certificate WHERE tenant = $1 AND ";

struct Raw(DeviceCertificate, Vec<u8>);

impl FromRow for Raw {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        let certificate = DeviceCertificate {
            fingerprint: Hash::default(),
            token: TokenId(row.get(1)?),
            device: row.get::<Option<Uuid>>(2)?.map(DeviceId),
            issuer: row.get(3)?,
            own: row.get(4)?,
            certificate: row.get(5)?,
            not_before: Time::from_micros(row.get(6)?),
            not_after: Time::from_micros(row.get(7)?),
            created_at: Time::from_micros(row.get(8)?),
            revoked_at: row.get::<Option<i64>>(9)?.map(Time::from_micros),
        };
        Ok(Self(certificate, row.get(0)?))
    }
}

impl Raw {
    fn read(self) -> Result<DeviceCertificate, Error> {
        Ok(DeviceCertificate { fingerprint: fingerprint(self.1)?, ..self.0 })
    }
}

fn fingerprint(bytes: Vec<u8>) -> Result<Hash, Error> {
    Hash::try_from(bytes).map_err(|bytes| Error::damaged("fingerprint", format!("of {} bytes", bytes.len())))
}

/// Adds a certificate; says whether it was new.
pub fn insert(tx: &mut Tx<'_>, tenant: Tenant, new: &DeviceCertificate) -> Result<bool, Error> {
    let inserted = tx.execute(
        "INSERT INTO device_certificate (tenant, fingerprint, token, device_id, issuer, own, certificate, not_before, \
         not_after, created_at, revoked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
         ON CONFLICT (tenant, fingerprint) DO NOTHING",
        params![
            tenant.0,
            new.fingerprint,
            new.token.0,
            new.device.map(|device| device.0),
            &new.issuer,
            new.own,
            new.certificate.as_slice(),
            new.not_before.as_micros(),
            new.not_after.as_micros(),
            new.created_at.as_micros(),
            new.revoked_at.map(Time::as_micros)
        ],
    )?;
    Ok(inserted == 1)
}

/// The certificate of this fingerprint.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, fingerprint: &Hash) -> Result<Option<DeviceCertificate>, Error> {
    tx.query_opt::<Raw>(&format!("{SELECT} fingerprint = $2"), params![tenant.0, fingerprint])?
        .map(Raw::read)
        .transpose()
}

/// A device's certificates, newest first; at most 100.
pub fn of_device(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<Vec<DeviceCertificate>, Error> {
    let sql = format!("{SELECT} device_id = $2 ORDER BY created_at DESC, fingerprint LIMIT 100");
    tx.query::<Raw>(&sql, params![tenant.0, device.0])?.into_iter().map(Raw::read).collect()
}

/// The device that has enrolled with a certificate of this enrollment, if one of them is not revoked.
pub fn device_of(tx: &mut Tx<'_>, tenant: Tenant, token: TokenId) -> Result<Option<DeviceId>, Error> {
    let device: Option<Uuid> = tx.query_opt(
        "SELECT device_id FROM device_certificate WHERE tenant = $1 AND token = $2 AND device_id IS NOT NULL \
         AND revoked_at IS NULL LIMIT 1",
        params![tenant.0, token.0],
    )?;
    Ok(device.map(DeviceId))
}

/// Binds a certificate to the device that has enrolled with it. Others of the same enrollment that are nobody's are
/// revoked, and passwords that were not used are worth nothing any more: they may be in others' hands.
pub fn bind(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    fingerprint: &Hash,
    token: TokenId,
    device: DeviceId,
    now: Time,
) -> Result<(), Error> {
    tx.execute(
        "UPDATE device_certificate SET device_id = $3 WHERE tenant = $1 AND fingerprint = $2 AND device_id IS NULL",
        params![tenant.0, fingerprint, device.0],
    )?;
    tx.execute(
        "UPDATE device_certificate SET revoked_at = $3 \
         WHERE tenant = $1 AND token = $2 AND device_id IS NULL AND revoked_at IS NULL",
        params![tenant.0, token.0, now.as_micros()],
    )?;
    tx.execute(
        "DELETE FROM enrollment_challenge WHERE tenant = $1 AND token = $2 AND certificate IS NULL",
        params![tenant.0, token.0],
    )?;
    Ok(())
}

/// Revokes a certificate; says whether that changed anything.
pub fn revoke(tx: &mut Tx<'_>, tenant: Tenant, fingerprint: &Hash, now: Time) -> Result<bool, Error> {
    let revoked = tx.execute(
        "UPDATE device_certificate SET revoked_at = $3 WHERE tenant = $1 AND fingerprint = $2 AND revoked_at IS NULL",
        params![tenant.0, fingerprint, now.as_micros()],
    )?;
    Ok(revoked == 1)
}

/// Revokes a device's certificates except those of one enrollment; says how many.
pub fn revoke_others(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    token: TokenId,
    now: Time,
) -> Result<u64, Error> {
    Ok(tx.execute(
        "UPDATE device_certificate SET revoked_at = $4 \
         WHERE tenant = $1 AND device_id = $2 AND token <> $3 AND revoked_at IS NULL",
        params![tenant.0, device.0, token.0, now.as_micros()],
    )?)
}

/// Revokes all of a device's certificates, because it is deleted.
pub fn revoke_all(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId, now: Time) -> Result<u64, Error> {
    Ok(tx.execute(
        "UPDATE device_certificate SET revoked_at = $3 WHERE tenant = $1 AND device_id = $2 AND revoked_at IS NULL",
        params![tenant.0, device.0, now.as_micros()],
    )?)
}
