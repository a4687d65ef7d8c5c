//! What one setting of a payload may be: the tables behind the editor's forms, the checks and the merging.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{PayloadType, android, below, check::PayloadIssue, forms, ios};
use crate::level::Platform;

/// One setting: what it may be and what it asks of a device.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, ToSchema)]
pub struct SettingSpec {
    /// The name in the payload. A key of restrictions may have dots (Android's nested fields).
    pub key: &'static str,
    /// What values it takes.
    #[serde(flatten)]
    pub kind: Kind,
    /// Which of two values is stricter.
    pub restrictive: Restrictive,
    /// iOS: takes effect on supervised devices only.
    pub supervised: bool,
    /// iOS: takes effect in user enrollment too.
    pub user_enrollment: bool,
    /// Android: which devices can take it.
    pub management: Management,
    /// The first version of the operating system that knows it; empty: any version.
    pub min_os: &'static str,
    /// What the setting does; for a restriction, what its stricter value does. One sentence.
    pub help: &'static str,
}

/// What values a setting takes.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Kind {
    /// True or false.
    Bool,
    /// A whole number from `min` to `max`.
    Integer {
        /// The least value.
        min: i64,
        /// The greatest value.
        max: i64,
    },
    /// One of these numbers.
    Number {
        /// The numbers.
        #[schema(value_type = Vec<f64>)]
        values: &'static [f64],
    },
    /// One of these words, from the loosest to the strictest.
    Enum {
        /// The words.
        #[schema(value_type = Vec<String>)]
        values: &'static [&'static str],
    },
    /// Any of these words, each once.
    EnumList {
        /// The words.
        #[schema(value_type = Vec<String>)]
        values: &'static [&'static str],
    },
    /// Text of 1 to `max` bytes without control characters.
    String {
        /// The most bytes.
        max: usize,
    },
    /// Like a string, but kept sealed and never shown again.
    Secret {
        /// The most bytes.
        max: usize,
    },
    /// Texts of at most 2048 bytes each, at most `max` of them.
    StringList {
        /// The most entries.
        max: usize,
    },
    /// Objects with these members, at most `max` of them.
    List {
        /// The members.
        #[schema(no_recursion, value_type = Vec<SettingSpec>)]
        members: &'static [SettingSpec],
        /// The most entries.
        max: usize,
    },
    /// An object of the platform's own making.
    Object,
}

/// Which of two values of a setting is stricter.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Restrictive {
    /// Neither.
    Neither,
    /// `true`.
    True,
    /// `false`.
    False,
    /// The smaller number.
    Lower,
    /// The greater number.
    Higher,
    /// The word that comes later in the table.
    Later,
    /// A list forbids: all entries of both lists.
    Union,
    /// A list allows: only the entries in both lists.
    Intersection,
}

/// Which Android devices can take a setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Management {
    /// All managed devices.
    Any,
    /// Devices that belong to the organisation.
    CompanyOwned,
    /// Devices managed as a whole.
    FullyManaged,
    /// Devices with a work profile.
    WorkProfile,
}

/// Texts in lists are at most this many bytes.
const LONGEST_ENTRY: usize = 2048;

impl SettingSpec {
    /// A setting that any device can take.
    pub(super) const fn new(key: &'static str, kind: Kind, restrictive: Restrictive, help: &'static str) -> Self {
        Self {
            key,
            kind,
            restrictive,
            supervised: false,
            user_enrollment: true,
            management: Management::Any,
            min_os: "",
            help,
        }
    }

    pub(super) const fn since(mut self, min_os: &'static str) -> Self {
        self.min_os = min_os;
        self
    }

    /// iOS: not in user enrollment.
    pub(super) const fn device_only(mut self) -> Self {
        self.user_enrollment = false;
        self
    }

    /// iOS: supervised devices only, and so not in user enrollment.
    pub(super) const fn supervised(mut self) -> Self {
        self.supervised = true;
        self.user_enrollment = false;
        self
    }

    pub(super) const fn on(mut self, management: Management) -> Self {
        self.management = management;
        self
    }

    /// Adds what is wrong with a value of this setting found at `pointer`.
    pub(super) fn check(&self, pointer: &str, value: &Value, issues: &mut Vec<PayloadIssue>) {
        let wrong = match (self.kind, value) {
            (Kind::Bool, Value::Bool(_)) | (Kind::Object, Value::Object(_)) => None,
            (Kind::Bool, _) => Some("must be true or false".to_owned()),
            (Kind::Object, _) => Some("must be an object".to_owned()),
            (Kind::Integer { min, max }, value) => {
                let fits = value.as_i64().is_some_and(|number| (min..=max).contains(&number));
                (!fits).then(|| format!("must be a whole number from {min} to {max}"))
            }
            (Kind::Number { values }, value) => {
                let fits = value.as_f64().is_some_and(|number| values.contains(&number));
                (!fits).then(|| format!("must be one of {}", list(values)))
            }
            (Kind::Enum { values }, value) => {
                let fits = value.as_str().is_some_and(|word| values.contains(&word));
                (!fits).then(|| format!("must be one of {}", list(values)))
            }
            (Kind::String { max } | Kind::Secret { max }, value) => {
                let fits = value.as_str().is_some_and(|text| fits(text, max));
                (!fits).then(|| format!("must be text of 1 to {max} bytes without control characters"))
            }
            (Kind::EnumList { .. } | Kind::StringList { .. } | Kind::List { .. }, Value::Array(entries)) => {
                self.check_entries(pointer, entries, issues);
                None
            }
            (Kind::EnumList { .. } | Kind::StringList { .. } | Kind::List { .. }, _) => Some("must be a list".into()),
        };
        issues.extend(wrong.map(|detail| PayloadIssue { pointer: pointer.to_owned(), detail }));
    }

    fn check_entries(&self, pointer: &str, entries: &[Value], issues: &mut Vec<PayloadIssue>) {
        let most = match self.kind {
            Kind::EnumList { values } => values.len(),
            Kind::StringList { max } | Kind::List { max, .. } => max,
            _ => return,
        };
        if entries.len() > most {
            return issues
                .push(PayloadIssue { pointer: pointer.to_owned(), detail: format!("at most {most} entries") });
        }
        for (index, entry) in entries.iter().enumerate() {
            let wrong = match (self.kind, entry) {
                (Kind::List { members, .. }, Value::Object(entry)) => {
                    check_members(&below(pointer, index), entry, members, issues);
                    None
                }
                (Kind::List { .. }, _) => Some("must be an object".to_owned()),
                (Kind::EnumList { values }, entry) if !entry.as_str().is_some_and(|word| values.contains(&word)) => {
                    Some(format!("must be one of {}", list(values)))
                }
                (_, entry) if !entry.as_str().is_some_and(|text| fits(text, LONGEST_ENTRY)) => {
                    Some(format!("must be text of 1 to {LONGEST_ENTRY} bytes without control characters"))
                }
                _ => None,
            };
            issues.extend(wrong.map(|detail| PayloadIssue { pointer: below(pointer, index), detail }));
        }
    }
}

/// Adds what is wrong with the members of an object, members not in the table among them.
pub(super) fn check_members(
    pointer: &str,
    object: &serde_json::Map<String, Value>,
    specs: &[SettingSpec],
    issues: &mut Vec<PayloadIssue>,
) {
    for (key, value) in object {
        let pointer = below(pointer, key);
        match find(specs, key) {
            Some(spec) => spec.check(&pointer, value, issues),
            None => issues.push(PayloadIssue { pointer, detail: "no such setting on this platform".to_owned() }),
        }
    }
}

/// The setting of a table with this key.
pub(super) fn find<'a>(specs: &'a [SettingSpec], key: &str) -> Option<&'a SettingSpec> {
    specs.iter().find(|spec| spec.key == key)
}

fn fits(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len()) && !text.contains(char::is_control)
}

fn list<T: std::fmt::Display>(values: &[T]) -> String {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The settings of a kind of payload on a platform, for the editor's form and its help; empty where the platform has no
/// such payload. For restrictions these are the keys within `settings`.
pub fn settings(platform: Platform, payload: PayloadType) -> &'static [SettingSpec] {
    match (platform, payload) {
        (Platform::Ios, PayloadType::Restrictions) => ios::RESTRICTIONS,
        (Platform::Android, PayloadType::Restrictions) => android::RESTRICTIONS,
        _ => forms::form(platform, payload),
    }
}

/// The kinds of payload that a platform has, each with its settings.
pub fn catalogue(platform: Platform) -> BTreeMap<PayloadType, &'static [SettingSpec]> {
    let all = PayloadType::ALL.into_iter().map(|payload| (payload, settings(platform, payload)));
    all.filter(|(_, settings)| !settings.is_empty()).collect()
}
