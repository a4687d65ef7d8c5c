//! What has to be there before the first request: the server's own row, `Global`, tenants and their tags.

use std::sync::Arc;

use allclear_domain::{
    ids::{OrganizationGroupId, TagId, Tenant},
    journal::{Actor, ActorKind, Change, Object},
    organization_group::{OrganizationGroup, OrganizationGroupKind},
    tag::{EngineTag, Tag},
    time::Time,
};
use allclear_store::{
    db::{Db, Tx},
    organization_groups, tags, tenants,
};

use crate::{
    Engine, Error,
    rules::name_problem,
    source::Source,
    work::{RulesCache, Work},
};

/// The name of the customer an empty server starts with.
pub const FIRST_CUSTOMER: &str = "My Company";

/// Sets an empty database up; does nothing to any other.
pub(crate) async fn first_start(db: &Db, source: &Arc<dyn Source>, rules: &Arc<RulesCache>) -> Result<(), Error> {
    let (source, rules) = (Arc::clone(source), Arc::clone(rules));
    db.write(move |tx| {
        if tenants::lock(tx, Tenant::SERVER)?.is_some() {
            return Ok(());
        }
        let now = source.now();
        tenants::create(tx, Tenant::SERVER, now)?;
        let global = OrganizationGroup {
            id: OrganizationGroupId::GLOBAL,
            parent: None,
            name: "Global".into(),
            kind: OrganizationGroupKind::Global,
        };
        organization_groups::insert(tx, Tenant::SERVER, &global)?;
        create_in(tx, Tenant(1), FIRST_CUSTOMER, now, &*source, &rules, &Actor::new(ActorKind::Engine, "first start"))?;
        Ok(())
    })
    .await
}

/// Creates a customer organization group, whose name no other has, and with it a tenant.
pub async fn create_customer(
    engine: &Engine,
    actor: Actor,
    name: String,
) -> Result<(Tenant, OrganizationGroup), Error> {
    Error::check(name_problem("/name", &name).into_iter().collect())?;
    let (source, rules) = (Arc::clone(&engine.shared.source), Arc::clone(&engine.shared.rules));
    engine
        .shared
        .db
        .write(move |tx| {
            // The server's own row is the lock for what is done to the list of tenants.
            tenants::lock(tx, Tenant::SERVER)?;
            if organization_groups::customers(tx)?.iter().any(|(_, customer)| customer.name == name) {
                return Err(Error::Conflict("there is a customer of that name already".into()));
            }
            let last = tenants::list(tx)?.last().copied().unwrap_or(Tenant::SERVER);
            let tenant = Tenant(last.0 + 1);
            let group = create_in(tx, tenant, &name, source.now(), &*source, &rules, &actor)?;
            Ok::<_, Error>((tenant, group))
        })
        .await
}

fn create_in(
    tx: &mut Tx<'_>,
    tenant: Tenant,
    name: &str,
    now: Time,
    source: &dyn Source,
    rules: &RulesCache,
    actor: &Actor,
) -> Result<OrganizationGroup, Error> {
    tenants::create(tx, tenant, now)?;
    let group = OrganizationGroup {
        id: OrganizationGroupId(source.id()),
        parent: Some(OrganizationGroupId::GLOBAL),
        name: name.to_owned(),
        kind: OrganizationGroupKind::Customer,
    };
    organization_groups::insert(tx, tenant, &group)?;
    for engine_tag in EngineTag::ALL {
        let tag = Tag { id: TagId(source.id()), name: engine_tag.default_name().to_owned(), engine: Some(engine_tag) };
        tags::insert(tx, tenant, &tag)?;
    }
    let mut work = Work::begin(tx, tenant, now, source, rules, actor.clone())?;
    let object = Object { kind: "organization_group".into(), id: group.id.to_string(), name: group.name.clone() };
    let after = serde_json::to_value(&group).unwrap_or_default();
    work.note(object, Some(group.id), Change::Created { after });
    work.finish()?;
    Ok(group)
}
