//! Puts restrictions of several payloads together: the most restrictive value wins.

use serde_json::{Map, Value};

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
    let specs = settings(platform, PayloadType::Restrictions);
    let mut merged = Map::new();
    for payload in payloads {
        let Payload::Restrictions(restrictions) = payload else { continue };
        for (key, value) in &restrictions.settings {
            let stricter = match merged.get(key) {
                None => tidy(find(specs, key), value),
                Some(held) => stricter(find(specs, key), held, value),
            };
            merged.insert(key.clone(), stricter);
        }
    }
    merged
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
