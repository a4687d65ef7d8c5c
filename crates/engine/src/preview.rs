//! What a change of rules would do, without doing it: the same evaluation, over the devices concerned.

use std::sync::Arc;

use allclear_domain::{
    evaluate::evaluate,
    ids::{DeviceId, OrganizationGroupId, ProfileId, SmartGroupId, Tenant},
    posture::Posture,
    profile::Desired,
    rules::Rules,
    time::Time,
};
use allclear_store::{
    devices::DeviceRecord,
    jobs::Scope,
    preview::{self as stored, Part},
};

use crate::{Engine, Error};

/// What is looked at.
#[derive(Clone, Debug)]
pub enum Question {
    /// The members of a smart group.
    SmartGroup(SmartGroupId),
    /// The risk level of devices with an open threat of a classification.
    Classification(String),
    /// The devices a profile is to be installed on.
    Profile(ProfileId),
}

/// What a change would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preview {
    /// Devices that would be members, carry the profile, or have such a threat.
    pub matching: u64,
    /// Those of them that are not now; for a classification, devices whose risk would rise.
    pub gaining: u64,
    /// Devices that are now and would not be; for a classification, devices whose risk would fall.
    pub losing: u64,
    /// A few of the devices that would change, or else that match.
    pub sample: Vec<Sample>,
}

/// A device in a preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The device.
    pub id: DeviceId,
    /// What people call it.
    pub friendly_name: String,
    /// What would happen to it.
    pub effect: Effect,
}

/// What would happen to a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// It would be added, or its risk would rise.
    Gains,
    /// It would be removed, or its risk would fall.
    Loses,
    /// It stays as it is.
    Stays,
}

/// How many devices a preview names.
const SAMPLE: usize = 10;

/// Compares what is with what would be under `rules`, over the devices of a scope within a part of the tree.
pub async fn run(
    engine: &Engine,
    tenant: Tenant,
    rules: Rules,
    scope: Scope,
    reach: OrganizationGroupId,
    question: Question,
) -> Result<Preview, Error> {
    let rules = Arc::new(rules);
    let now = engine.source().now();
    let parts = {
        let scope = scope.clone();
        engine.db().read(move |tx| Ok::<_, Error>(stored::parts(tx, tenant, &scope, PARTS)?)).await?
    };
    let mut tasks = Vec::new();
    for part in parts {
        let (engine, rules, question) = (engine.clone(), Arc::clone(&rules), question.clone());
        tasks.push(tokio::spawn(async move { one_part(&engine, tenant, &rules, part, reach, &question, now).await }));
    }
    let mut sum = Preview::default();
    for task in tasks {
        let part = task.await.map_err(|_| Error::Closed)??;
        sum.matching += part.matching;
        sum.gaining += part.gaining;
        sum.losing += part.losing;
        sum.sample.extend(part.sample);
    }
    sum.sample.sort_by_key(|sample| (sample.effect, sample.id));
    sum.sample.truncate(SAMPLE);
    Ok(sum)
}

/// Into how many parts a large scope is split, one for each core that may work on it.
const PARTS: usize = 2;

async fn one_part(
    engine: &Engine,
    tenant: Tenant,
    rules: &Arc<Rules>,
    part: Part,
    reach: OrganizationGroupId,
    question: &Question,
    now: Time,
) -> Result<Preview, Error> {
    let (rules, question) = (Arc::clone(rules), question.clone());
    engine
        .db()
        .read(move |tx| {
            let mut preview = Preview::default();
            stored::scan(tx, tenant, &part, &mut |record| {
                if rules.organization_groups.is_within(record.facts.device.organization_group, reach) {
                    count(&mut preview, &rules, &record, &question, now);
                }
            })?;
            Ok::<_, Error>(preview)
        })
        .await
}

fn count(preview: &mut Preview, rules: &Rules, record: &DeviceRecord, question: &Question, now: Time) {
    let evaluation = evaluate(rules, &record.facts, &record.posture, now);
    let (before, after) = (&record.posture, &evaluation.posture);
    let (matches, effect) = match question {
        Question::SmartGroup(group) => membership(is_in(before, *group), is_in(after, *group)),
        Question::Profile(profile) => membership(installs(before, *profile), installs(after, *profile)),
        Question::Classification(name) => {
            let open = record.facts.threats.iter().any(|threat| threat.is_open() && threat.classification == *name);
            let effect = match after.risk.cmp(&before.risk) {
                std::cmp::Ordering::Greater => Effect::Gains,
                std::cmp::Ordering::Less => Effect::Loses,
                std::cmp::Ordering::Equal => Effect::Stays,
            };
            (open, effect)
        }
    };
    preview.matching += u64::from(matches);
    preview.gaining += u64::from(effect == Effect::Gains);
    preview.losing += u64::from(effect == Effect::Loses);
    // A device that changes is more telling than one that only matches.
    let wanted = effect != Effect::Stays || matches;
    if wanted && (preview.sample.len() < SAMPLE || effect != Effect::Stays) {
        if preview.sample.len() >= SAMPLE {
            match preview.sample.iter().position(|sample| sample.effect == Effect::Stays) {
                Some(place) => {
                    preview.sample.remove(place);
                }
                None => return,
            }
        }
        preview.sample.push(Sample {
            id: record.id(),
            friendly_name: record.facts.device.friendly_name.clone(),
            effect,
        });
    }
}

fn membership(before: bool, after: bool) -> (bool, Effect) {
    let effect = match (before, after) {
        (false, true) => Effect::Gains,
        (true, false) => Effect::Loses,
        _ => Effect::Stays,
    };
    (after, effect)
}

fn is_in(posture: &Posture, group: SmartGroupId) -> bool {
    posture.smart_groups.binary_search(&group).is_ok()
}

fn installs(posture: &Posture, profile: ProfileId) -> bool {
    posture.target(profile).is_some_and(|target| matches!(target.desired, Desired::Install { .. }))
}
