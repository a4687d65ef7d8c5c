//! What messages are sent by: one row for each transport a tenant has set up. Must not know what is in it.

use allclear_domain::{ids::Tenant, notification::Transport, time::Time};

use crate::{
    Error, db,
    db::{FromRow, Row, Tx},
    params,
};

/// A transport as it is set up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChannelSetting {
    /// The tenant whose messages it takes.
    pub tenant: Tenant,
    /// Which one.
    pub transport: Transport,
    /// Whether it is used.
    pub enabled: bool,
    /// What is set, JSON, without secrets.
    pub config: String,
    /// The secrets, JSON, sealed.
    pub secrets: String,
    /// Grows with every change.
    pub version: i64,
    /// When it was changed last.
    pub changed_at: Time,
}

const COLUMNS: &str = "tenant, channel, enabled, config, secrets, version, changed_at";

struct Raw(ChannelSetting, String);

impl FromRow for Raw {
    fn from_row(row: &Row<'_>) -> Result<Self, db::Error> {
        let setting = ChannelSetting {
            tenant: Tenant(row.get(0)?),
            transport: Transport::Email,
            enabled: row.get(2)?,
            config: row.get(3)?,
            secrets: row.get(4)?,
            version: row.get(5)?,
            changed_at: Time::from_micros(row.get(6)?),
        };
        Ok(Self(setting, row.get(1)?))
    }
}

impl Raw {
    fn read(self) -> Result<ChannelSetting, Error> {
        let transport =
            Transport::find(&self.1).ok_or_else(|| Error::damaged("channel setting", format!("of {}", self.1)))?;
        Ok(ChannelSetting { transport, ..self.0 })
    }
}

/// What a tenant has set up.
pub fn list(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<ChannelSetting>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM channel_setting WHERE tenant = $1 ORDER BY channel");
    tx.query::<Raw>(&sql, params![tenant.0])?.into_iter().map(Raw::read).collect()
}

/// Which transports are used, of all tenants, with the version of what is set.
pub fn enabled(tx: &mut Tx<'_>) -> Result<Vec<(Tenant, Transport, i64)>, Error> {
    let rows: Vec<(i64, String, i64)> =
        tx.query("SELECT tenant, channel, version FROM channel_setting WHERE enabled ORDER BY tenant", params![])?;
    let known = |(tenant, name, version): (i64, String, i64)| {
        Transport::find(&name).map(|transport| (Tenant(tenant), transport, version))
    };
    Ok(rows.into_iter().filter_map(known).collect())
}

/// One transport, if it was set up.
pub fn get(tx: &mut Tx<'_>, tenant: Tenant, transport: Transport) -> Result<Option<ChannelSetting>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM channel_setting WHERE tenant = $1 AND channel = $2");
    tx.query_opt::<Raw>(&sql, params![tenant.0, transport.as_str()])?.map(Raw::read).transpose()
}

/// Whether a transport is set up and used.
pub fn is_enabled(tx: &mut Tx<'_>, tenant: Tenant, transport: Transport) -> Result<bool, Error> {
    let enabled: Option<bool> = tx.query_opt(
        "SELECT enabled FROM channel_setting WHERE tenant = $1 AND channel = $2",
        params![tenant.0, transport.as_str()],
    )?;
    Ok(enabled.unwrap_or(false))
}

/// Writes a transport; the caller has compared the version.
pub fn put(tx: &mut Tx<'_>, setting: &ChannelSetting) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO channel_setting (tenant, channel, enabled, config, secrets, version, changed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant, channel) DO UPDATE SET \
         enabled = excluded.enabled, config = excluded.config, secrets = excluded.secrets, \
         version = excluded.version, changed_at = excluded.changed_at",
        params![
            setting.tenant.0,
            setting.transport.as_str(),
            setting.enabled,
            &setting.config,
            &setting.secrets,
            setting.version,
            setting.changed_at.as_micros()
        ],
    )?;
    Ok(())
}
