//! Where profiles want different things of one device, and what becomes of each wish.

use std::collections::BTreeMap;

use allclear_domain::{ids::ProfileId, payload::Share};
use serde_json::{Map, Value};

use super::{
    apps,
    policy::{Policy, masked},
    rules::{Key, Rule, below, key_of, rule},
};

/// A field that profiles want different values of.
#[derive(Clone, PartialEq, Debug)]
pub struct Conflict {
    /// Where in the device's policy, as a JSON pointer into [`Policy::to_json`].
    pub pointer: String,
    /// The value in force.
    pub value: Value,
    /// What each profile with a word on it wants, and what comes of that. An app that a profile leaves out of its list of
    /// the only ones counts as blocked by it.
    pub given: Vec<(ProfileId, Value, Share)>,
}

impl Conflict {
    /// The conflict for people to look at: secrets are masked.
    #[must_use]
    pub fn masked(mut self) -> Conflict {
        let key = self.pointer.rsplit('/').next().unwrap_or_default().to_owned();
        let mask = |value: Value| {
            let wrapped: Map<String, Value> = [(key.clone(), value)].into_iter().collect();
            masked(Value::Object(wrapped)).get(&key).cloned().unwrap_or_default()
        };
        self.value = mask(self.value);
        self.given = self.given.into_iter().map(|(profile, value, share)| (profile, mask(value), share)).collect();
        self
    }
}

/// The fields that these profiles want different values of when they are all on one device, or of which the value in force
/// is not the one that the only profile with a word on it wants.
pub fn conflicts(profiles: &[(ProfileId, Policy)]) -> Vec<Conflict> {
    let (before, after) = (running(profiles.iter()), running(profiles.iter().rev()));
    let in_force = before.last().map(|all| units(&all.to_json())).unwrap_or_default();
    let wishes: Vec<Said> = profiles.iter().map(|(_, policy)| Said::of(policy.clone())).collect();
    // Everything but one: what comes before it and what comes after.
    let others = before.into_iter().zip(after.into_iter().rev().skip(1));
    let without: Vec<Said> = others.map(|(before, after)| Said::of(before.merge(after))).collect();
    let mut found = Vec::new();
    for (unit, (pointer, value)) in &in_force {
        let sides = profiles.iter().zip(wishes.iter().zip(&without));
        let given: Vec<_> =
            sides.filter_map(|((id, _), (said, others))| Some((*id, said.about(unit)?, others))).collect();
        if given.iter().all(|(_, wish, _)| wish == value) {
            continue;
        }
        let share = |(id, wish, others): (ProfileId, Value, &Said)| {
            let share = if wish == *value {
                Share::Prevails
            } else if others.about(unit).as_ref() == Some(value) {
                Share::Yields
            } else {
                Share::Contributes
            };
            (id, wish, share)
        };
        let given = given.into_iter().map(share).collect();
        found.push(Conflict { pointer: pointer.clone(), value: value.clone(), given });
    }
    found
}

/// What every device gets, then that with the first profile, with the first two and so on.
fn running<'a>(profiles: impl Iterator<Item = &'a (ProfileId, Policy)>) -> Vec<Policy> {
    let mut all = vec![Policy::base()];
    for (_, policy) in profiles {
        let before = all.last().cloned().unwrap_or_default();
        all.push(before.merge(policy.clone()));
    }
    all
}

/// A policy and its fields.
struct Said {
    policy: Policy,
    units: BTreeMap<Unit, (String, Value)>,
}

impl Said {
    fn of(policy: Policy) -> Self {
        let units = units(&policy.to_json());
        Said { policy, units }
    }

    /// What it says of a field, in as many words or without.
    fn about(&self, unit: &Unit) -> Option<Value> {
        self.units.get(unit).map(|(_, value)| value.clone()).or_else(|| implied(&self.policy, unit))
    }
}

/// A field by its members, and by what the entries of lists are about.
pub(super) type Unit = Vec<String>;

/// The fields of a policy that are decided one by one: where each is, and its value.
pub(super) fn units(policy: &Value) -> BTreeMap<Unit, (String, Value)> {
    let mut found = BTreeMap::new();
    walk("", "", policy, &mut Vec::new(), &mut found);
    found
}

fn walk(path: &str, pointer: &str, value: &Value, unit: &mut Unit, found: &mut BTreeMap<Unit, (String, Value)>) {
    let step = |key: &str| format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
    match (rule(path), value) {
        (None | Some(Rule::By(_)), Value::Object(members)) if path != SSIDS => {
            for (key, value) in members {
                unit.push(key.clone());
                walk(&below(path, key), &step(key), value, unit, found);
                unit.pop();
            }
        }
        (listed, Value::Array(entries)) if keyed(path, listed).is_some() => {
            let Some(key) = keyed(path, listed) else { return };
            for (index, entry) in entries.iter().enumerate() {
                unit.push(key_of(key, entry));
                walk(&format!("{path}[]"), &step(&index.to_string()), entry, unit, found);
                unit.pop();
            }
        }
        _ => {
            found.insert(unit.clone(), (pointer.to_owned(), value.clone()));
        }
    }
}

const SSIDS: &str = "deviceConnectivityManagement.wifiSsidPolicy";

/// What the entries of a list are about, where they are put together one by one.
fn keyed(path: &str, rule: Option<Rule>) -> Option<Key> {
    match rule {
        Some(Rule::Each(key)) => Some(key),
        _ if path == "applications" || path == "personalUsagePolicies.personalApplications" => {
            Some(|app| super::rules::name(app, "packageName"))
        }
        _ => None,
    }
}

/// What a profile says of an app without naming it.
fn implied(policy: &Policy, unit: &Unit) -> Option<Value> {
    let members = policy.members();
    match unit.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["applications", app, member] => apps::effective(members, app).get(*member).cloned(),
        ["personalUsagePolicies", "personalApplications", app, "installType"] => {
            let personal = members.get("personalUsagePolicies")?.as_object()?;
            apps::left_out(personal, app).then(|| apps::BLOCKED.into())
        }
        _ => None,
    }
}
