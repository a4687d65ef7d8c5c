//! Putting what a set holds in place of what it held, in steps that do not keep detections waiting.
//!
//! Each step also starts the jobs that compare the devices which have what the step concerns. A load that was cut short
//! leaves nothing half done that the same load, run again, would not finish.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use allclear_domain::{
    ids::{IndicatorSetId, Tenant},
    indicator::{Indicator, Key, Skipped},
    journal::{Actor, ActorKind, Change},
};
use allclear_store::{
    indicator_sets::{self as stored, Content, IndicatorSet},
    indicators, items,
    jobs::Scope,
};
use serde_json::json;
use uuid::Uuid;

use super::sets;
use crate::{Engine, Error, jobs, work::Work};

/// The most indicators in a set.
const MOST: usize = 1_000_000;
/// How many of what was skipped are named.
const NAMED: usize = 50;
/// Indicators written in one transaction.
const STEP: usize = 1_000;
/// Indicators read at once.
const READ: i64 = 5_000;
/// Indicators that begin or cease to count in one transaction.
const TURN: i64 = 500;
/// Items whose devices are walked by one job.
const ITEMS: usize = 64;

/// What a set holds, as it was read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Loading {
    /// The format it is in.
    pub format: String,
    /// The indicators; of several alike the first counts.
    pub indicators: Vec<Indicator>,
    /// What gave none, and why.
    pub skipped: Vec<Skipped>,
    /// SHA-256 of the content.
    pub digest: String,
    /// What the server it came from calls this version.
    pub etag: Option<String>,
    /// When the server it came from says that it was changed.
    pub last_modified: Option<String>,
}

/// Puts a content in place of what the set holds. Fails with [`Error::Conflict`] when somebody else begins to load the
/// set meanwhile: their content is the newer one.
pub async fn load(
    engine: &Engine,
    tenant: Tenant,
    actor: Actor,
    set: IndicatorSetId,
    mut content: Loading,
) -> Result<(), Error> {
    let token = begin(engine, tenant, &actor, set).await?;
    let now = engine.source().now();
    let mut wanted: HashMap<Key, Indicator> = HashMap::with_capacity(content.indicators.len());
    for indicator in std::mem::take(&mut content.indicators) {
        if indicator.valid_until.is_some_and(|until| until <= now) {
            let what = indicator.reference.unwrap_or(indicator.value);
            content.skipped.push(Skipped { what, why: "is no longer valid".to_owned() });
        } else {
            wanted.entry(indicator.key()).or_insert(indicator);
        }
    }
    if wanted.len() > MOST {
        return Err(Error::invalid("", format!("holds {} indicators; at most {MOST} are taken", wanted.len())));
    }
    let count = i64::try_from(wanted.len()).unwrap_or(i64::MAX);
    let mut gone = Vec::new();
    let mut after: Option<Key> = None;
    loop {
        let from = after.clone();
        let read =
            engine.db().read(move |tx| Ok::<_, Error>(indicators::of_set(tx, tenant, set, from.as_ref(), READ)?));
        let held = read.await?;
        let Some(last) = held.last() else { break };
        after = Some(last.key());
        for indicator in held {
            match wanted.get(&indicator.key()) {
                Some(same) if *same == indicator => drop(wanted.remove(&indicator.key())),
                Some(_) => {}
                None => gone.push(indicator.key()),
            }
        }
    }
    // In the order of the table, so that neighbours are written together.
    let come: BTreeMap<(String, &'static str), Indicator> =
        wanted.into_values().map(|one| ((one.value.clone(), one.kind.as_str()), one)).collect();
    let come: Vec<Indicator> = come.into_values().collect();
    let changed = !come.is_empty() || !gone.is_empty();
    let put = |step: Arc<Vec<Indicator>>| {
        engine.edit(tenant, actor.clone(), move |work| {
            let held = held_by(work, set, token)?;
            indicators::put(work.tx, work.tenant, set, &step, work.now)?;
            concern(work, &step.iter().map(Indicator::key).collect::<Vec<_>>(), &changed_set(&held))
        })
    };
    for step in come.chunks(STEP) {
        put(Arc::new(step.to_vec())).await?;
    }
    remove(engine, tenant, &actor, set, token, &gone).await?;
    let skipped = i64::try_from(content.skipped.len()).unwrap_or(i64::MAX);
    content.skipped.truncate(NAMED);
    let content = Arc::new(content);
    let finish = engine.edit(tenant, actor, move |work| {
        let mut held = held_by(work, set, token)?;
        let before = json!({ "indicators": held.content.indicators });
        let content = Content {
            format: Some(content.format.clone()),
            indicators: count,
            skipped,
            findings: content.skipped.clone(),
            digest: Some(content.digest.clone()),
            etag: content.etag.clone(),
            last_modified: content.last_modified.clone(),
            loaded_at: if changed { Some(work.now) } else { held.content.loaded_at.or(Some(work.now)) },
        };
        held.content = content;
        held.loading = None;
        sets::looked(&mut held, work.now, None);
        stored::update(work.tx, work.tenant, &held)?;
        if changed {
            sets::note(work, &held, Change::Updated { before, after: json!({ "indicators": count }) });
        }
        Ok(())
    });
    finish.await
}

/// Deletes a set with its indicators.
pub async fn delete(engine: &Engine, tenant: Tenant, actor: Actor, set: IndicatorSetId) -> Result<(), Error> {
    let token = begin(engine, tenant, &actor, set).await?;
    loop {
        let read = engine.db().read(move |tx| Ok::<_, Error>(indicators::of_set(tx, tenant, set, None, READ)?));
        let keys: Vec<Key> = read.await?.iter().map(Indicator::key).collect();
        if keys.is_empty() {
            break;
        }
        remove(engine, tenant, &actor, set, token, &keys).await?;
    }
    let end = engine.edit(tenant, actor, move |work| {
        let held = held_by(work, set, token)?;
        stored::delete(work.tx, work.tenant, set)?;
        sets::note_deleted(work, &held);
        Ok(())
    });
    end.await
}

/// Has the indicators begin or cease to count whose time has come.
pub async fn run_due(engine: &Engine, tenant: Tenant) -> Result<(), Error> {
    loop {
        let next = engine.db().read(move |tx| Ok::<_, Error>(indicators::next_turn(tx, tenant)?)).await?;
        if next.is_none_or(|next| next > engine.source().now()) {
            return Ok(());
        }
        let actor = Actor::new(ActorKind::Engine, "time");
        let turn = engine.edit(tenant, actor, |work| {
            let keys = indicators::turn(work.tx, work.tenant, work.now, TURN)?;
            concern(work, &keys, "some indicators began or ceased to be valid")
        });
        turn.await?;
    }
}

/// Says that the set is being loaded from now on by whoever has this token.
async fn begin(engine: &Engine, tenant: Tenant, actor: &Actor, set: IndicatorSetId) -> Result<Uuid, Error> {
    let begin = engine.edit(tenant, actor.clone(), move |work| {
        let mut held = sets::get(work, set)?;
        let token = work.source.id();
        held.loading = Some(token);
        stored::update(work.tx, work.tenant, &held)?;
        Ok(token)
    });
    begin.await
}

fn held_by(work: &mut Work<'_, '_>, set: IndicatorSetId, token: Uuid) -> Result<IndicatorSet, Error> {
    let held = sets::get(work, set)?;
    if held.loading == Some(token) {
        return Ok(held);
    }
    Err(Error::Conflict("the set is being loaded by somebody else".into()))
}

async fn remove(
    engine: &Engine,
    tenant: Tenant,
    actor: &Actor,
    set: IndicatorSetId,
    token: Uuid,
    keys: &[Key],
) -> Result<(), Error> {
    for step in keys.chunks(STEP) {
        let step = Arc::new(step.to_vec());
        let remove = engine.edit(tenant, actor.clone(), move |work| {
            let held = held_by(work, set, token)?;
            indicators::remove(work.tx, work.tenant, set, &step)?;
            concern(work, &step, &changed_set(&held))
        });
        remove.await?;
    }
    Ok(())
}

fn changed_set(set: &IndicatorSet) -> String {
    format!("the indicator set {} was changed", set.name)
}

/// Starts the jobs that compare the devices which have what these keys stand for.
pub(crate) fn concern(work: &mut Work<'_, '_>, keys: &[Key], reason: &str) -> Result<(), Error> {
    let concerned = items::known_by(work.tx, work.tenant, keys)?;
    for items in concerned.chunks(ITEMS) {
        let scope = Scope { items: items.to_vec(), ..Scope::default() };
        jobs::compare(work, scope, reason.to_owned())?;
    }
    Ok(())
}
