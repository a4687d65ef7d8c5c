//! A company to look at: its tree, its people and who belongs together.

use std::{collections::BTreeMap, sync::Arc};

use allclear_domain::{
    ids::{OrganizationGroupId, Tenant, UserId},
    journal::{Actor, ActorKind},
};
use allclear_engine::{
    Engine, Error,
    directory::{organization_groups, user_groups, users},
    rules::quickstart,
};
use anyhow::Result;
use rand::{RngExt, rngs::StdRng};

use crate::plausible::{self, Person};

/// What it is called.
const NAME: &str = "Meridian Freight";
/// Its parts: region, country, and the language of the people there.
const PARTS: &[(&str, &str, &str)] = &[
    ("Central Europe", "Germany", "de"),
    ("Central Europe", "Poland", "pl"),
    ("Western Europe", "France", "fr"),
    ("Western Europe", "United Kingdom and Ireland", "en"),
    ("Southern Europe", "Italy", "it"),
    ("Southern Europe", "Spain and Portugal", "es"),
];
/// Users made in one transaction.
const STEP: usize = 250;

/// Somebody who works there.
#[derive(Clone, Debug)]
pub(super) struct Employee {
    /// Who it is.
    pub(super) id: UserId,
    /// What is known of them.
    pub(super) person: Person,
    /// Where they work.
    pub(super) organization_group: OrganizationGroupId,
}

/// Who sets it up.
pub(super) fn actor() -> Actor {
    Actor::new(ActorKind::Operator, "demo")
}

/// Sets up the tree, the people and the risk response.
pub(super) async fn found(
    engine: &Engine,
    (tenant, root): (Tenant, OrganizationGroupId),
    people: usize,
    random: &mut StdRng,
) -> Result<Vec<Employee>> {
    let places = engine
        .edit(tenant, actor(), move |work| {
            let (mut top, version) = organization_groups::get(work, root, root)?;
            top.name = NAME.to_owned();
            allclear_store::organization_groups::update(work.tx, tenant, &top, version + 1)?;
            let (mut places, mut regions) = (Vec::new(), BTreeMap::new());
            for (region, country, language) in PARTS {
                let above = match regions.get(region) {
                    Some(id) => *id,
                    None => organization_groups::create(work, root, root, region)?.id,
                };
                regions.insert(region, above);
                places.push((organization_groups::create(work, root, above, country)?.id, *language));
            }
            Ok(places)
        })
        .await?;
    let sealer = engine.sealer().clone();
    engine.edit(tenant, actor(), move |work| quickstart::risk_response(work, &sealer, root).map(drop)).await?;

    let mut employees: Vec<(Person, OrganizationGroupId)> = Vec::with_capacity(people);
    for number in 0..people {
        let person = plausible::person(random, number);
        let home = places.iter().find(|(_, language)| *language == person.locale);
        // Some work abroad.
        let abroad = places.get(random.random_range(0..places.len().max(1)));
        let place = if random.random_bool(0.9) { home.or(abroad) } else { abroad };
        employees.push((person, place.map_or(root, |(id, _)| *id)));
    }
    let mut found = Vec::with_capacity(people);
    for part in employees.chunks(STEP) {
        let part: Arc<Vec<(Person, OrganizationGroupId)>> = Arc::new(part.to_vec());
        let made = engine.edit(tenant, actor(), move |work| {
            part.iter()
                .map(|(person, place)| {
                    let new = users::NewUser {
                        user_name: person.user_name.clone(),
                        display_name: Some(person.name.clone()),
                        email: Some(person.email.clone()),
                        phone: Some(person.phone.clone()),
                        locale: Some(person.locale.to_owned()),
                        organization_group: *place,
                    };
                    let user = users::create(work, root, &new)?;
                    Ok(Employee { id: user.id, person: person.clone(), organization_group: *place })
                })
                .collect::<Result<Vec<_>, Error>>()
        });
        found.extend(made.await?);
    }
    for (name, every) in [("Drivers", 3), ("Executives", 40), ("Works council", 150)] {
        let group = engine.edit(tenant, actor(), move |work| user_groups::create(work, root, root, name)).await?;
        let members = found.iter().step_by(every).map(|employee| employee.id).collect();
        user_groups::change_members(engine, tenant, actor(), root, group.id, members, Vec::new()).await?;
    }
    Ok(found)
}
