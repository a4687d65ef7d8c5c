//! Loading a tenant's rules as one value.

use allclear_domain::{
    ids::{OrganizationGroupId, ProfileId, SmartGroupId, TagId, Tenant},
    organization_group::{OrganizationGroup, OrganizationGroups},
    profile::{Profile, ProfileState},
    protections::{Protections, ProtectionsRow},
    rules::Rules,
    smart_group::SmartGroup,
    tag::Tag,
};
use uuid::Uuid;

use crate::{Error, db::Tx, json, params, templates, tenants};

/// The rules of a tenant at `version`, which the caller read from the tenant's row in the same transaction.
pub fn load(tx: &mut Tx<'_>, tenant: Tenant, version: i64) -> Result<Rules, Error> {
    let (settings, _) = tenants::settings(tx, tenant)?;
    let mut rules = Rules::new(
        version,
        settings,
        protections(tx, tenant)?,
        OrganizationGroups::new(&organization_groups(tx, tenant)?),
        tags(tx, tenant)?,
        smart_groups(tx, tenant)?,
        profiles(tx, tenant)?,
    );
    rules.templates = templates::load(tx, tenant)?;
    Ok(rules)
}

fn protections(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Protections, Error> {
    let rows: Vec<(String, String, String)> =
        tx.query("SELECT classification, level, response FROM protections_row WHERE tenant = $1", params![tenant.0])?;
    let mut protections = Protections::default();
    for (classification, level, response) in rows {
        let row = ProtectionsRow { level: json::from_word(level)?, response: json::from_word(response)? };
        protections.set(&classification, row);
    }
    Ok(protections)
}

/// The tenant's tree, by name.
pub fn organization_groups(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<OrganizationGroup>, Error> {
    let rows: Vec<(Uuid, Option<Uuid>, String, String)> = tx.query(
        "SELECT id, parent, name, kind FROM organization_group WHERE tenant = $1 ORDER BY name, id",
        params![tenant.0],
    )?;
    rows.into_iter()
        .map(|(id, parent, name, kind)| {
            Ok(OrganizationGroup {
                id: OrganizationGroupId(id),
                parent: parent.map(OrganizationGroupId),
                name,
                kind: json::from_word(kind)?,
            })
        })
        .collect()
}

fn tags(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<Tag>, Error> {
    let rows: Vec<(Uuid, String, Option<String>)> =
        tx.query("SELECT id, name, engine FROM tag WHERE tenant = $1", params![tenant.0])?;
    rows.into_iter()
        .map(|(id, name, engine)| Ok(Tag { id: TagId(id), name, engine: engine.map(json::from_word).transpose()? }))
        .collect()
}

fn smart_groups(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<SmartGroup>, Error> {
    let rows: Vec<(Uuid, String, Uuid, String)> = tx.query(
        "SELECT id, name, organization_group, selection FROM smart_group WHERE tenant = $1",
        params![tenant.0],
    )?;
    rows.into_iter()
        .map(|(id, name, group, selection)| {
            Ok(SmartGroup {
                id: SmartGroupId(id),
                name,
                organization_group: OrganizationGroupId(group),
                selection: json::decode(&selection)?,
            })
        })
        .collect()
}

fn profiles(tx: &mut Tx<'_>, tenant: Tenant) -> Result<Vec<Profile>, Error> {
    let rows: Vec<(Uuid, String, String, String, i64, String)> = tx.query(
        "SELECT p.id, p.name, p.platform, p.state, p.published_version, v.spec FROM profile p \
         JOIN profile_version v ON v.tenant = p.tenant AND v.profile = p.id AND v.number = p.published_version \
         WHERE p.tenant = $1",
        params![tenant.0],
    )?;
    rows.into_iter()
        .map(|(id, name, platform, state, version, spec)| {
            let state: ProfileState = json::from_word(state)?;
            Ok(Profile {
                id: ProfileId(id),
                name,
                platform: json::from_word(platform)?,
                state,
                version: u32::try_from(version).map_err(|error| Error::damaged("profile version", error))?,
                spec: json::decode(&spec)?,
            })
        })
        .collect()
}
