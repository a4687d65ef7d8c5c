//! Comparing what is on devices with the indicators.

use std::collections::{BTreeMap, BTreeSet};

use allclear_domain::{
    app::App,
    ids::{DeviceId, ItemId},
    indicator::{self, Item, Key},
};
use allclear_store::{indicators as stored, items};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{Error, built_in, posture_rules, work::Work};

/// The most configuration profiles that are kept of one device.
const MOST_PROFILES: usize = 500;
/// The most servers that evidence is given names for.
const NAMED: usize = 10;

/// Takes in what was seen on a device: all its apps, all its configuration profiles, or both; what is absent says
/// nothing. Then compares everything on it.
pub(crate) fn take_in(
    work: &mut Work<'_, '_>,
    device: DeviceId,
    apps: Option<&[App]>,
    profiles: Option<&[String]>,
) -> Result<(), Error> {
    if (apps.is_none() && profiles.is_none()) || work.device(device)?.is_none() {
        return Ok(());
    }
    let before: BTreeMap<ItemId, Item> = items::of_device(work.tx, work.tenant, device)?.into_iter().collect();
    let kept = |item: &Item| match item {
        Item::App(_) => apps.is_none(),
        Item::ConfigurationProfile(_) => profiles.is_none(),
    };
    let mut now: BTreeMap<ItemId, Item> =
        before.iter().filter(|(_, item)| kept(item)).map(|(id, item)| (*id, item.clone())).collect();
    let apps = allclear_domain::app::tidy(apps.unwrap_or_default().to_vec()).into_iter().map(Item::App);
    let mut profiles: Vec<Item> = profiles.unwrap_or_default().iter().filter_map(|name| profile(name)).collect();
    profiles.sort_unstable();
    profiles.dedup();
    profiles.truncate(MOST_PROFILES);
    now.extend(apps.chain(profiles).map(|item| (id(&item), item)));
    let come: Vec<(ItemId, Item)> =
        now.iter().filter(|(id, _)| !before.contains_key(id)).map(|(id, item)| (*id, item.clone())).collect();
    let gone: Vec<ItemId> = before.keys().filter(|id| !now.contains_key(id)).copied().collect();
    if !come.is_empty() || !gone.is_empty() {
        items::write(work.tx, work.tenant, device, &come, &gone)?;
    }
    let present: Vec<Item> = now.into_values().collect();
    compare(work, &[(device, present.iter().collect())])
}

/// A configuration profile as it is kept.
fn profile(name: &str) -> Option<Item> {
    let app = App { identifier: name.to_owned(), ..App::default() };
    app.tidy().map(|app| Item::ConfigurationProfile(app.identifier.to_ascii_lowercase()))
}

/// The id of an item: 128 bits of a hash over all that is known of it.
fn id(item: &Item) -> ItemId {
    let mut hash = Sha256::new();
    let mut add = |text: Option<&str>| match text {
        Some(text) => {
            hash.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(text);
        }
        None => hash.update(u64::MAX.to_be_bytes()),
    };
    match item {
        Item::App(app) => {
            add(Some("app"));
            add(Some(&app.identifier));
            for text in [&app.name, &app.version, &app.certificate_sha256, &app.certificate_sha1, &app.sha256] {
                add(text.as_deref());
            }
            add(Some(app.source.as_str()));
        }
        Item::ConfigurationProfile(identifier) => {
            add(Some("configuration_profile"));
            add(Some(identifier));
        }
    }
    let hash = hash.finalize();
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash[..16]);
    ItemId(Uuid::from_bytes(bytes))
}

/// Compares devices anew with the indicators there are now, by what they reported last.
pub(crate) fn recheck(work: &mut Work<'_, '_>, devices: &[DeviceId]) -> Result<(), Error> {
    let ids = items::ids_of(work.tx, work.tenant, devices)?;
    // Most of what is on one device is on others, too.
    let distinct: BTreeSet<ItemId> = ids.iter().flatten().copied().collect();
    let distinct: Vec<ItemId> = distinct.into_iter().collect();
    let known: BTreeMap<ItemId, Item> = items::get_many(work.tx, work.tenant, &distinct)?.into_iter().collect();
    let present: Vec<(DeviceId, Vec<&Item>)> = devices
        .iter()
        .zip(&ids)
        .map(|(device, ids)| (*device, ids.iter().filter_map(|id| known.get(id)).collect()))
        .collect();
    compare(work, &present)
}

/// Makes the threats on devices those that indicators give away about what is on them: one look-up for each distinct
/// value.
fn compare(work: &mut Work<'_, '_>, present: &[(DeviceId, Vec<&Item>)]) -> Result<(), Error> {
    let keys: BTreeSet<Key> = present.iter().flat_map(|(_, items)| items).flat_map(|item| item.keys()).collect();
    let keys: Vec<Key> = keys.into_iter().collect();
    let matches = stored::matching(work.tx, work.tenant, &keys)?;
    for (device, items) in present {
        let found = indicator::found(items, &matches);
        built_in::settle(work, *device, indicator::THREATS, &found)?;
        let apps = items.iter().filter_map(|item| match item {
            Item::App(app) => Some(app),
            Item::ConfigurationProfile(_) => None,
        });
        posture_rules::note_apps(work, *device, apps);
    }
    Ok(())
}

/// Adds to the evidence of a detection what indicators say of the servers it names.
pub(crate) fn annotate(work: &mut Work<'_, '_>, details: &mut Map<String, Value>, most: usize) -> Result<(), Error> {
    let servers = indicator::servers(details);
    if servers.is_empty() || details.contains_key("indicators") {
        return Ok(());
    }
    let keys: BTreeSet<Key> = servers.iter().flat_map(|(_, keys)| keys).cloned().collect();
    let matches = stored::matching(work.tx, work.tenant, &keys.into_iter().collect::<Vec<_>>())?;
    let mut named = Vec::new();
    for (server, keys) in &servers {
        for (kind, value) in keys {
            let found = matches.get(&(*kind, value.clone())).into_iter().flatten();
            named.extend(found.map(
                |one| json!({ "server": server, "kind": kind, "value": value, "name": one.name, "set": one.set_name }),
            ));
        }
    }
    named.truncate(NAMED);
    if !named.is_empty() {
        details.insert("indicators".to_owned(), named.into());
        if serde_json::to_vec(&*details).map_or(usize::MAX, |bytes| bytes.len()) > most {
            details.remove("indicators");
        }
    }
    Ok(())
}
