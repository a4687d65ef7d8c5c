//! What is on devices that indicators are compared with: each app and configuration profile once, and who has it.

use allclear_domain::{
    app::{App, AppSource},
    ids::{DeviceId, ItemId, Tenant},
    indicator::{IndicatorKind, Item, Key},
};
use uuid::Uuid;

use crate::{
    Error, db,
    db::{FromRow, Row, Tx, Value},
    json, row,
};

const APP: &str = "app";
const PROFILE: &str = "configuration_profile";

/// A row: id, kind and source as a word, and the app.
struct Raw(Uuid, String, String, App);

impl FromRow for Raw {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        let app = App {
            identifier: row.get(3)?,
            name: row.get(4)?,
            version: row.get(5)?,
            certificate_sha256: row.get(6)?,
            certificate_sha1: row.get(7)?,
            sha256: row.get(8)?,
            source: AppSource::Unknown,
        };
        Ok(Self(row.get(0)?, row.get(1)?, row.get(2)?, app))
    }
}

impl Raw {
    fn read(self) -> Result<(ItemId, Item), Error> {
        let Self(id, kind, source, app) = self;
        let item = match kind.as_str() {
            PROFILE => Item::ConfigurationProfile(app.identifier),
            _ => Item::App(App { source: json::from_word(source)?, ..app }),
        };
        Ok((ItemId(id), item))
    }
}

const COLUMNS: &str = "id, kind, source, identifier, name, version, certificate_sha256, certificate_sha1, sha256";

/// What is on a device, as it was reported last.
pub fn of_device(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<Vec<(ItemId, Item)>, Error> {
    let ids = ids_of(tx, tenant, &[device])?.pop().unwrap_or_default();
    get_many(tx, tenant, &ids)
}

/// The ids of what is on devices, in that order.
pub fn ids_of(tx: &mut Tx<'_>, tenant: Tenant, devices: &[DeviceId]) -> Result<Vec<Vec<ItemId>>, Error> {
    let rows: Vec<Vec<Value>> = devices.iter().map(|device| row![tenant.0, device.0]).collect();
    let found: Vec<Vec<Uuid>> =
        tx.query_many("SELECT item FROM device_item WHERE tenant = $1 AND device_id = $2 ORDER BY item", &rows)?;
    Ok(found.into_iter().map(|ids| ids.into_iter().map(ItemId).collect()).collect())
}

/// Items by id; those that are not there are left out.
pub fn get_many(tx: &mut Tx<'_>, tenant: Tenant, ids: &[ItemId]) -> Result<Vec<(ItemId, Item)>, Error> {
    let rows: Vec<Vec<Value>> = ids.iter().map(|id| row![tenant.0, id.0]).collect();
    let sql = format!("SELECT {COLUMNS} FROM item WHERE tenant = $1 AND id = $2");
    let found: Vec<Vec<Raw>> = tx.query_many(&sql, &rows)?;
    found.into_iter().flatten().map(Raw::read).collect()
}

/// Writes what has come to a device and what has gone from it. An item that no device has any more is forgotten.
pub fn write(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    device: DeviceId,
    come: &[(ItemId, Item)],
    gone: &[ItemId],
) -> Result<(), Error> {
    let items: Vec<Vec<Value>> = come.iter().map(|(id, item)| values(tenant, *id, item)).collect();
    let pair = |id: &ItemId| row![tenant.0, device.0, id.0];
    tx.execute_many(
        "INSERT INTO item (tenant, id, kind, source, identifier, name, version, certificate_sha256, certificate_sha1, \
         sha256) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (tenant, id) DO NOTHING",
        &items,
    )?;
    tx.execute_many(
        "INSERT INTO device_item (tenant, device_id, item) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        &come.iter().map(|(id, _)| pair(id)).collect::<Vec<_>>(),
    )?;
    tx.execute_many(
        "DELETE FROM device_item WHERE tenant = $1 AND device_id = $2 AND item = $3",
        &gone.iter().map(pair).collect::<Vec<_>>(),
    )?;
    tx.execute_many(
        "DELETE FROM item WHERE tenant = $1 AND id = $2 \
         AND NOT EXISTS (SELECT 1 FROM device_item WHERE tenant = $1 AND item = $2)",
        &gone.iter().map(|id| row![tenant.0, id.0]).collect::<Vec<_>>(),
    )?;
    Ok(())
}

fn values(tenant: Tenant, id: ItemId, item: &Item) -> Vec<Value> {
    match item {
        Item::App(app) => row![
            tenant.0,
            id.0,
            APP,
            app.source.as_str(),
            &app.identifier,
            app.name.as_deref(),
            app.version.as_deref(),
            app.certificate_sha256.as_deref(),
            app.certificate_sha1.as_deref(),
            app.sha256.as_deref(),
        ],
        Item::ConfigurationProfile(identifier) => {
            let none = Value::Null;
            let source = AppSource::Unknown.as_str();
            row![tenant.0, id.0, PROFILE, source, identifier, &none, &none, &none, &none, &none]
        }
    }
}

/// Forgets what is on a device that is being deleted.
pub(crate) fn delete_of_device(tx: &mut Tx<'_>, tenant: Tenant, device: DeviceId) -> Result<(), Error> {
    let ids = ids_of(tx, tenant, &[device])?.pop().unwrap_or_default();
    write(tx, tenant, device, &[], &ids)
}

/// The items that any of these keys stands for, each once.
pub fn known_by(tx: &mut Tx<'_>, tenant: Tenant, keys: &[Key]) -> Result<Vec<ItemId>, Error> {
    let mut found: Vec<Uuid> = Vec::new();
    for (kind, condition) in [
        (IndicatorKind::AppIdentifier, "identifier = $2 AND kind = 'app'"),
        (IndicatorKind::CertificateSha256, "certificate_sha256 = $2"),
        (IndicatorKind::CertificateSha1, "certificate_sha1 = $2"),
        (IndicatorKind::FileSha256, "sha256 = $2"),
        (IndicatorKind::ConfigurationProfile, "identifier = $2 AND kind = 'configuration_profile'"),
    ] {
        let asked = keys.iter().filter(|key| key.0 == kind);
        let rows: Vec<Vec<Value>> = asked.map(|(_, value)| row![tenant.0, value]).collect();
        if !rows.is_empty() {
            let sql = format!("SELECT id FROM item WHERE tenant = $1 AND {condition}");
            found.extend(tx.query_many::<Uuid>(&sql, &rows)?.into_iter().flatten());
        }
    }
    found.sort_unstable();
    found.dedup();
    Ok(found.into_iter().map(ItemId).collect())
}
