//! Puts restrictions of several payloads together: the most restrictive value wins.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::{
    Payload, PayloadType,
    setting::{Kind, Restrictive, SettingSpec, find, settings},
};
use crate::level::Platform;

/// The restrictions in force when all these payloads are on one device: per key the strictest value. Payloads of other
/// kinds are passed over. The order of the payloads does not matter, and neither does one given twice.
///
/// Where neither of two values is stricter, or a key is in no table, the one that sorts first as JSON text wins.
pub fn restrictive_merge(platform: Platform, payloads: &[&Payload]) -> Map<String, Value> {
    let all: Vec<((), &Payload)> = payloads.iter().map(|payload| ((), *payload)).collect();
    let specs = settings(platform, PayloadType::Restrictions);
    let strictest = |(key, values): (&str, Vec<((), &Value)>)| {
        Some((key.to_owned(), strictest(find(specs, key), values.into_iter().map(|(_, value)| value))?))
    };
    by_key(&all).into_iter().filter_map(strictest).collect()
}

/// The stricter of two values of a restriction, as [`restrictive_merge`] takes it.
pub fn stricter_value(platform: Platform, key: &str, one: &Value, other: &Value) -> Value {
    stricter(find(settings(platform, PayloadType::Restrictions), key), one, other)
}

/// What the value that one payload gives has to do with the value in force.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// It is the value in force.
    Prevails,
    /// It is a part of it: without it, the value in force would be another.
    Contributes,
    /// It makes no difference: others are as strict or stricter.
    Yields,
}

/// A restriction in force.
#[derive(Clone, PartialEq, Debug)]
pub struct InForce<P> {
    /// Its key.
    pub key: String,
    /// The value in force, as [`restrictive_merge`] has it.
    pub value: Value,
    /// The values given, each with where it comes from.
    pub given: Vec<(P, Value, Share)>,
}

/// The restrictions in force, by key, and what becomes of each value that the payloads give. With each payload comes
/// whatever tells where it is from.
pub fn in_force<P: Copy>(platform: Platform, payloads: &[(P, &Payload)]) -> Vec<InForce<P>> {
    let specs = settings(platform, PayloadType::Restrictions);
    let mut found = Vec::new();
    for (key, values) in by_key(payloads) {
        let spec = find(specs, key);
        let without = |left_out: usize| {
            let others = values.iter().enumerate().filter(|(place, _)| *place != left_out);
            strictest(spec, others.map(|(_, (_, value))| *value))
        };
        let Some(value) = strictest(spec, values.iter().map(|(_, value)| *value)) else { continue };
        let share = |(place, (from, given)): (usize, &(P, &Value))| {
            let given = tidy(spec, given);
            let share = if given == value {
                Share::Prevails
            } else if without(place).as_ref() == Some(&value) {
                Share::Yields
            } else {
                Share::Contributes
            };
            (*from, given, share)
        };
        let given = values.iter().enumerate().map(share).collect();
        found.push(InForce { key: key.to_owned(), value, given });
    }
    found
}

/// The restrictions among payloads, key by key.
fn by_key<'a, P: Copy>(payloads: &[(P, &'a Payload)]) -> BTreeMap<&'a str, Vec<(P, &'a Value)>> {
    let mut found: BTreeMap<&str, Vec<(P, &Value)>> = BTreeMap::new();
    for (from, payload) in payloads {
        let Payload::Restrictions(restrictions) = payload else { continue };
        for (key, value) in &restrictions.settings {
            found.entry(key).or_default().push((*from, value));
        }
    }
    found
}

/// The strictest of some values; none of none.
fn strictest<'a>(spec: Option<&SettingSpec>, values: impl Iterator<Item = &'a Value>) -> Option<Value> {
    values.fold(None, |held, value| {
        Some(match held {
            None => tidy(spec, value),
            Some(held) => stricter(spec, &held, value),
        })
    })
}

/// A value alone; lists are sorted, each entry once, so that merging cannot depend on their order.
fn tidy(spec: Option<&SettingSpec>, value: &Value) -> Value {
    match (spec.map(|spec| spec.restrictive), value) {
        (Some(Restrictive::Union | Restrictive::Intersection), Value::Array(entries)) => sorted(entries.clone()),
        _ => value.clone(),
    }
}

fn stricter(spec: Option<&SettingSpec>, held: &Value, other: &Value) -> Value {
    let first_as_text = || {
        let [a, b] = [held, other].map(Value::to_string);
        if a <= b { held } else { other }.clone()
    };
    let Some(spec) = spec else { return first_as_text() };
    match spec.restrictive {
        Restrictive::Neither => first_as_text(),
        Restrictive::True | Restrictive::False => {
            let strict = Value::Bool(spec.restrictive == Restrictive::True);
            if *held == strict || *other == strict { strict } else { first_as_text() }
        }
        Restrictive::Lower | Restrictive::Higher => match (held.as_f64(), other.as_f64()) {
            (Some(a), Some(b)) if a != b => {
                if (a < b) == (spec.restrictive == Restrictive::Lower) { held } else { other }.clone()
            }
            _ => first_as_text(),
        },
        Restrictive::Later => match (rank(spec, held), rank(spec, other)) {
            (a, b) if a == b => first_as_text(),
            (a, b) => if a > b { held } else { other }.clone(),
        },
        Restrictive::Union | Restrictive::Intersection => match (held, other) {
            (Value::Array(a), Value::Array(b)) if spec.restrictive == Restrictive::Union => {
                sorted(a.iter().chain(b).cloned().collect())
            }
            (Value::Array(a), Value::Array(b)) => sorted(a.iter().filter(|entry| b.contains(entry)).cloned().collect()),
            _ => first_as_text(),
        },
    }
}

/// How words end that leave it to the user.
const USER_CHOICE: &str = "_USER_CHOICE";

/// Whether a setting of restrictions takes something away at this value; one in no table does.
pub fn restricts(platform: Platform, key: &str, value: &Value) -> bool {
    let Some(spec) = find(settings(platform, PayloadType::Restrictions), key) else { return true };
    match spec.restrictive {
        Restrictive::True => *value == Value::Bool(true),
        Restrictive::False => *value == Value::Bool(false),
        // What is left to the user is not taken away.
        Restrictive::Later => {
            rank(spec, value) > Some(0) && !value.as_str().is_some_and(|it| it.ends_with(USER_CHOICE))
        }
        Restrictive::Union => value.as_array().is_some_and(|entries| !entries.is_empty()),
        Restrictive::Neither | Restrictive::Lower | Restrictive::Higher | Restrictive::Intersection => true,
    }
}

/// How strict a word is: its place in the table; words not in it are the loosest.
fn rank(spec: &SettingSpec, value: &Value) -> Option<usize> {
    let Kind::Enum { values } = spec.kind else { return None };
    values.iter().position(|word| Some(*word) == value.as_str())
}

fn sorted(mut entries: Vec<Value>) -> Value {
    entries.sort_by_cached_key(ToString::to_string);
    entries.dedup();
    Value::Array(entries)
}

/// The same settings with dotted keys turned into nested objects, as the Android Management API takes them.
///
/// Keys in the table never collide; should others do, the object wins over the plain value.
pub fn nested(settings: &Map<String, Value>) -> Map<String, Value> {
    let mut root = Map::new();
    for (key, value) in settings {
        put(&mut root, key, value);
    }
    root
}

fn put(object: &mut Map<String, Value>, key: &str, value: &Value) {
    match key.split_once('.') {
        None => {
            if !object.get(key).is_some_and(Value::is_object) {
                object.insert(key.to_owned(), value.clone());
            }
        }
        Some((first, rest)) => {
            let entry = object.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if !entry.is_object() {
                *entry = Value::Object(Map::new());
            }
            if let Value::Object(inner) = entry {
                put(inner, rest, value);
            }
        }
    }
}
