//! Keeping what others send within bounds: texts, evidence, and messages that could not be understood.
//!
//! Must not know any vendor's format.

use std::borrow::Cow;

use allclear_domain::detection::{SourceEvent, Unmapped};
use data_encoding::HEXLOWER;
use serde::Serialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// The longest id of a message, a threat or a device, in bytes.
pub(crate) const ID: usize = 200;
/// The longest text kept in evidence, in characters.
const TEXT: usize = 1_000;
/// The longest list kept in evidence.
const ITEMS: usize = 100;
/// The most evidence kept with a message, in bytes of JSON.
pub(crate) const DETAILS: usize = 16 * 1024;
/// Where it is said which members were left out, and how many of them are named.
const TRUNCATED: &str = "truncated";
const NAMED: usize = 20;
/// The most kept of a message that could not be understood, in bytes.
const RAW: usize = 64 * 1024;

/// The longest beginning of `text` that has at most `max` bytes and ends between two characters.
pub(crate) fn bytes(text: &str, max: usize) -> &str {
    text.get(..text.floor_char_boundary(max)).unwrap_or_default()
}

/// The first `max` characters of `text`.
pub(crate) fn characters(text: &str, max: usize) -> &str {
    text.char_indices().nth(max).map_or(text, |(end, _)| text.get(..end).unwrap_or_default())
}

/// Cuts evidence to size: long texts and lists are shortened, then the largest members left out, which is said in the
/// member `truncated`.
pub(crate) fn details(mut members: Map<String, Value>) -> Map<String, Value> {
    members.values_mut().for_each(shorten);
    if size(&members) <= DETAILS {
        return members;
    }
    // With `,"truncated":[]`, to which a comma and a name come for each.
    let mut left = size(&members) + TRUNCATED.len() + 6;
    // A colon and a comma to each.
    let mut sizes: Vec<_> =
        members.iter().map(|(key, value)| (json_size(key) + json_size(value) + 2, key.clone())).collect();
    sizes.sort_unstable_by(|a, b| b.cmp(a));
    let mut names = Vec::new();
    for (size, key) in sizes {
        if left <= DETAILS {
            break;
        }
        members.remove(&key);
        left = left.saturating_sub(size);
        if names.len() < NAMED {
            let name = characters(&key, 50).to_owned();
            left += json_size(&name) + 1;
            names.push(name);
        }
    }
    members.insert(TRUNCATED.to_owned(), Value::from(names));
    members
}

fn shorten(value: &mut Value) {
    match value {
        Value::String(text) => {
            let kept = characters(text, TEXT).len();
            text.truncate(kept);
        }
        Value::Array(items) => {
            items.truncate(ITEMS);
            items.iter_mut().for_each(shorten);
        }
        Value::Object(members) => members.values_mut().for_each(shorten),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The size of evidence in bytes of JSON.
pub(crate) fn size(members: &Map<String, Value>) -> usize {
    serde_json::to_string(members).map_or(0, |json| json.len())
}

fn json_size(value: &impl Serialize) -> usize {
    serde_json::to_string(value).map_or(0, |json| json.len())
}

/// A message that could not be understood, kept with the reason. Without a usable id it gets a digest of itself, so
/// that the same message again is recognised.
pub(crate) fn unmapped(source: &str, id: Option<&str>, raw: &str, reason: impl Into<String>) -> SourceEvent {
    let event_id = match id.filter(|id| !id.is_empty() && id.len() <= ID) {
        Some(id) => Cow::Borrowed(id),
        None => Cow::Owned(format!("sha256:{}", HEXLOWER.encode(&Sha256::digest(raw.as_bytes())))),
    };
    SourceEvent::Unmapped(Unmapped {
        event_id: event_id.into_owned(),
        source: source.to_owned(),
        reason: characters(&reason.into(), TEXT).to_owned(),
        raw: bytes(raw, RAW).to_owned(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        let Value::Object(members) = value else { panic!("not an object") };
        members
    }

    #[test]
    fn long_texts_and_lists_are_cut_and_short_ones_stay() {
        let cut = details(object(json!({
            "short": "ü",
            "long": "ü".repeat(1_001),
            "list": vec![1; 101],
            "deep": {"list": ["x".repeat(2_000)]},
        })));
        assert_eq!(cut["short"], "ü");
        assert_eq!(cut["long"], "ü".repeat(1_000));
        assert_eq!(cut["list"].as_array().unwrap().len(), 100);
        assert_eq!(cut["deep"]["list"][0], "x".repeat(1_000));
        assert!(!cut.contains_key("truncated"));
    }

    #[test]
    fn the_largest_members_give_way_and_are_named() {
        let mut members = object(json!({"package_name": "com.example.torch"}));
        for n in 0..20 {
            members.insert(format!("m{n}"), json!("x".repeat(1_000)));
        }
        members.insert("huge".to_owned(), json!(vec!["y".repeat(900); 50]));
        let cut = details(members);
        assert!(size(&cut) <= DETAILS);
        assert_eq!(cut["package_name"], "com.example.torch");
        assert_eq!(cut["truncated"][0], "huge");
    }

    #[test]
    fn a_great_many_members_are_cut_in_reasonable_time() {
        let members = (0..200_000).map(|n| (format!("m{n}"), json!(n))).collect();
        let cut = details(members);
        assert!(size(&cut) <= DETAILS && size(&cut) > DETAILS / 2);
    }

    #[test]
    fn a_message_without_an_id_gets_a_digest_of_itself() {
        let SourceEvent::Unmapped(first) = unmapped("lookout", None, "{", "not JSON") else { panic!() };
        let SourceEvent::Unmapped(again) = unmapped("lookout", Some(""), "{", "not JSON") else { panic!() };
        let SourceEvent::Unmapped(other) = unmapped("lookout", Some(&"x".repeat(201)), "[", "not JSON") else {
            panic!()
        };
        assert_eq!(first.event_id, again.event_id);
        assert_ne!(first.event_id, other.event_id);
        assert!(first.event_id.starts_with("sha256:"));
    }

    fn json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::from),
            ".{0,20}".prop_map(Value::from),
            (0_usize..1_500).prop_map(|n| Value::from("é".repeat(n))),
        ];
        leaf.prop_recursive(3, 40, 12, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..12).prop_map(Value::from),
                prop::collection::hash_map(".{0,12}", inner, 0..12).prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn evidence_always_fits(members in prop::collection::hash_map("truncated|.{0,300}", json(), 0..40)) {
            prop_assert!(size(&details(members.into_iter().collect())) <= DETAILS);
        }

        #[test]
        fn cuts_are_exact_and_never_split_a_character(text in ".{0,40}", max in 0_usize..50) {
            let cut = bytes(&text, max);
            prop_assert!(text.starts_with(cut) && cut.len() <= max);
            prop_assert!(cut.len() == text.len() || max - cut.len() < 4);
            prop_assert_eq!(characters(&text, max), text.chars().take(max).collect::<String>());
        }
    }
}
