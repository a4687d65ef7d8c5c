//! Apple's payloads for iOS as Apple describes them, of one release of iOS: what custom settings are checked by.
//!
//! The description is `catalogue.json`, which `scripts/apple-catalogue.py` writes from Apple's schema (see
//! `LICENSE.txt`). Apple adds types and keys with every release, so what the catalogue does not know is no error but a
//! finding; what it knows is held to it.

use std::{collections::BTreeMap, sync::LazyLock};

use data_encoding::BASE64;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Need, PayloadIssue, Requirement, below};
use crate::time::Time;

/// Apple's payloads of one release.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// The release it describes, such as `iOS 18.1`.
    pub release: String,
    types: BTreeMap<String, PayloadSpec>,
}

/// One payload type.
#[derive(Debug, Deserialize)]
pub struct PayloadSpec {
    #[serde(flatten)]
    support: Support,
    keys: BTreeMap<String, Key>,
}

/// What devices take something; what is absent is as around it.
#[derive(Debug, Deserialize)]
struct Support {
    since: Option<String>,
    #[serde(default)]
    supervised: bool,
    #[serde(default)]
    device_only: bool,
}

/// What a value must be.
#[derive(Debug, Deserialize)]
pub struct Key {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(flatten)]
    support: Support,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    choices: Vec<Value>,
    range: Option<(Option<f64>, Option<f64>)>,
    keys: Option<BTreeMap<String, Key>>,
    items: Option<BTreeMap<String, Key>>,
}

/// The types of property lists, and how custom settings give them in JSON.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// A number.
    Real,
    /// A text.
    String,
    /// Bytes: a text in Base64.
    Data,
    /// A point in time: a text such as `2026-01-31T08:30:00Z`.
    Date,
    /// A list.
    Array,
    /// An object.
    Dictionary,
    /// Any of these.
    Any,
}

/// The name under which keys stand that may be called anything.
const ANY_KEY: &str = "ANY";

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the file is compiled in, and a test reads it")]
    serde_json::from_str(include_str!("catalogue.json")).expect("the catalogue is sound")
});

/// The catalogue.
pub fn catalogue() -> &'static Catalogue {
    &CATALOGUE
}

/// A payload type, if the catalogue knows it.
pub fn payload_type(name: &str) -> Option<&'static PayloadSpec> {
    CATALOGUE.types.get(name)
}

impl Catalogue {
    /// The names of the payload types.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.types.keys().map(String::as_str)
    }
}

/// What a check comes to.
#[derive(Default)]
pub(super) struct Checked {
    /// What is wrong.
    pub(super) issues: Vec<PayloadIssue>,
    /// What the catalogue does not know.
    pub(super) findings: Vec<PayloadIssue>,
}

impl PayloadSpec {
    /// Holds the content of a payload, found at `at`, to what Apple says of the type.
    pub(super) fn check(&self, at: &str, content: &Map<String, Value>) -> Checked {
        let mut checked = Checked::default();
        check_members(&self.keys, at, content, &mut checked);
        checked
    }

    /// What the payload and those of its keys that `content` has need of a device.
    pub(super) fn requirements(&self, at: &str, content: &Map<String, Value>, found: &mut Vec<Requirement>) {
        self.support.needs("", found);
        needs_of_members(&self.keys, at, content, found);
    }

    /// The key of this name, if the catalogue knows it.
    pub fn key(&self, name: &str) -> Option<&Key> {
        member(&self.keys, name)
    }
}

impl Key {
    /// The key of this name within a dictionary, if the catalogue knows it.
    pub fn key(&self, name: &str) -> Option<&Key> {
        member(self.keys.as_ref()?, name)
    }

    /// What the entries of a list are, if the catalogue knows it.
    pub fn item(&self) -> Option<&Key> {
        self.items.as_ref()?.values().next()
    }

    fn check(&self, at: &str, value: &Value, checked: &mut Checked) {
        let wrong = self.problem(value);
        if let Some(detail) = wrong {
            checked.issues.push(PayloadIssue { pointer: at.to_owned(), detail });
            return;
        }
        match (value, &self.keys, self.item()) {
            (Value::Object(content), Some(keys), _) => check_members(keys, at, content, checked),
            (Value::Array(entries), _, Some(item)) => {
                for (index, entry) in entries.iter().enumerate() {
                    item.check(&below(at, index), entry, checked);
                }
            }
            _ => {}
        }
    }

    /// Why a value is none that this key takes.
    fn problem(&self, value: &Value) -> Option<String> {
        let text = |fits: &dyn Fn(&str) -> bool| value.as_str().is_some_and(fits);
        let (fits, kind) = match self.kind {
            Kind::Boolean => (value.is_boolean(), "true or false"),
            Kind::Integer => (value.is_i64() || value.is_u64(), "a whole number"),
            Kind::Real => (value.is_number(), "a number"),
            Kind::String => (value.is_string(), "text"),
            Kind::Data => (text(&|text| BASE64.decode(text.as_bytes()).is_ok()), "bytes in Base64"),
            Kind::Date => (text(&|text| text.parse::<Time>().is_ok()), "a time such as 2026-01-31T08:30:00Z"),
            Kind::Array => (value.is_array(), "a list"),
            Kind::Dictionary => (value.is_object(), "an object"),
            Kind::Any => (true, ""),
        };
        if !fits {
            return Some(format!("must be {kind}"));
        }
        if !self.choices.is_empty() && !self.choices.iter().any(|choice| same(choice, value)) {
            let choices: Vec<String> =
                self.choices.iter().map(|choice| choice.as_str().map_or(choice.to_string(), str::to_owned)).collect();
            return Some(format!("must be one of {}", choices.join(", ")));
        }
        let ((min, max), number) = (self.range?, value.as_f64()?);
        if min.is_none_or(|min| number >= min) && max.is_none_or(|max| number <= max) {
            return None;
        }
        Some(match (min, max) {
            (Some(min), Some(max)) => format!("must be from {min} to {max}"),
            (Some(min), None) => format!("must be at least {min}"),
            (None, Some(max)) => format!("must be at most {max}"),
            (None, None) => return None,
        })
    }
}

/// Whether two values are the same, numbers by what they count.
fn same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one.total_cmp(&other).is_eq(),
        _ => one == other,
    }
}

fn member<'a>(keys: &'a BTreeMap<String, Key>, name: &str) -> Option<&'a Key> {
    keys.get(name).or_else(|| keys.get(ANY_KEY))
}

fn check_members(keys: &BTreeMap<String, Key>, at: &str, content: &Map<String, Value>, checked: &mut Checked) {
    for (name, value) in content {
        let pointer = below(at, name);
        match member(keys, name) {
            Some(key) => key.check(&pointer, value, checked),
            None => {
                let detail = format!("{} does not know this key here", CATALOGUE.release);
                checked.findings.push(PayloadIssue { pointer, detail });
            }
        }
    }
    for (name, _) in keys.iter().filter(|(name, key)| key.required && *name != ANY_KEY) {
        if !content.contains_key(name) {
            checked.issues.push(PayloadIssue { pointer: below(at, name), detail: "is required".to_owned() });
        }
    }
}

fn needs_of_members(
    keys: &BTreeMap<String, Key>,
    at: &str,
    content: &Map<String, Value>,
    found: &mut Vec<Requirement>,
) {
    for (name, value) in content {
        let Some(key) = member(keys, name) else { continue };
        let pointer = below(at, name);
        key.support.needs(&pointer, found);
        match (value, &key.keys, key.item().and_then(|item| item.keys.as_ref())) {
            (Value::Object(content), Some(keys), _) => needs_of_members(keys, &pointer, content, found),
            (Value::Array(entries), _, Some(keys)) => {
                for (index, entry) in entries.iter().enumerate() {
                    if let Value::Object(content) = entry {
                        needs_of_members(keys, &below(&pointer, index), content, found);
                    }
                }
            }
            _ => {}
        }
    }
}

impl Support {
    fn needs(&self, pointer: &str, found: &mut Vec<Requirement>) {
        let mut add = |needs| found.push(Requirement { pointer: pointer.to_owned(), needs });
        if self.supervised {
            add(Need::Supervised);
        } else if self.device_only {
            add(Need::NotUserEnrollment);
        }
        if let Some(since) = &self.since {
            add(Need::MinimumOs(since.clone()));
        }
    }
}
