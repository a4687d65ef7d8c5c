//! Policies held to Google's own description of its API, where that is at hand.

use std::{fs, path::PathBuf, sync::OnceLock};

use allclear_domain::{level::Platform, payload::check};
use proptest::prelude::*;
use serde_json::Value;

use super::{
    super::rules::{Order, Rule, below, rule},
    Policy,
    given::payloads,
};

/// The schemas of the API; `None`, said aloud, when they are not there.
pub(super) fn schemas() -> Option<&'static Value> {
    static SCHEMAS: OnceLock<Option<Value>> = OnceLock::new();
    SCHEMAS.get_or_init(read).as_ref()
}

fn read() -> Option<Value> {
    let given = std::env::var_os("ALLCLEAR_SHARED_DATA").map(PathBuf::from);
    let data = given.unwrap_or_else(|| [env!("CARGO_MANIFEST_DIR"), "../../../shared/data"].iter().collect());
    let path = data.join("android/androidmanagement.v1.json");
    let Ok(text) = fs::read(&path) else {
        println!("skipped: no schemas at {} (set ALLCLEAR_SHARED_DATA)", path.display());
        return None;
    };
    let document: Value = serde_json::from_slice(&text).unwrap();
    Some(document["schemas"].clone())
}

/// Everything about a value that is not as the schema has it; deprecated members and words are wrong, too.
pub(super) fn problems(schemas: &Value, schema: &str, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    object(schemas, schema, "", value, &mut found);
    found
}

fn object(schemas: &Value, schema: &str, at: &str, value: &Value, found: &mut Vec<String>) {
    let Some(members) = value.as_object() else { return found.push(format!("{at} is no {schema}")) };
    for (key, value) in members {
        let at = format!("{at}/{key}");
        let described = &schemas[schema]["properties"][key];
        if !described.is_object() {
            found.push(format!("{at} is unknown"));
        } else if described["deprecated"] == true {
            found.push(format!("{at} is deprecated"));
        } else {
            field(schemas, described, &at, value, found);
        }
    }
}

fn field(schemas: &Value, described: &Value, at: &str, value: &Value, found: &mut Vec<String>) {
    if let Some(schema) = described["$ref"].as_str() {
        return object(schemas, schema, at, value, found);
    }
    let digits = |text: &str| text.parse::<i64>().is_ok();
    let seconds = |text: &str| text.strip_suffix('s').is_some_and(|it| it.parse::<f64>().is_ok());
    let right = match (described["type"].as_str().unwrap(), value) {
        ("boolean", Value::Bool(_)) | ("any", _) | ("object", Value::Object(_)) => true,
        ("integer", value) => value.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
        ("string", Value::String(text)) => match (described["enum"].as_array(), described["format"].as_str()) {
            (Some(words), _) => {
                let place = words.iter().position(|word| word == text);
                let old = &described["enumDeprecated"];
                place.is_some_and(|place| old[place] != true) && !text.ends_with("_UNSPECIFIED")
            }
            (None, Some("int64")) => digits(text),
            (None, Some("google-duration")) => seconds(text),
            (None, _) => true,
        },
        ("array", Value::Array(entries)) => {
            for (index, entry) in entries.iter().enumerate() {
                field(schemas, &described["items"], &format!("{at}/{index}"), entry, found);
            }
            true
        }
        _ => false,
    };
    if !right {
        found.push(format!("{at} cannot be {value}"));
    }
}

#[test]
fn the_check_finds_what_is_wrong() {
    let Some(schemas) = schemas() else { return };
    let wrong = serde_json::json!({
        "cameraDisabled": true, "nothing": 1, "minimumApiLevel": "5", "cameraAccess": "OFF",
        "locationMode": "HIGH_ACCURACY", "maximumTimeToLock": "1m", "applications": [{ "lockTaskAllowed": true }],
        "systemUpdate": 5, "frpAdminEmails": [1], "playStoreMode": "PLAY_STORE_MODE_UNSPECIFIED",
    });
    assert_eq!(problems(schemas, "Policy", &wrong).len(), 10);
    assert_eq!(problems(schemas, "Policy", &Policy::base().to_json()), [""; 0]);
}

/// Switches and choices without a stricter side, and what entries of lists are told apart by.
const NEITHER: &[&str] = &[
    "applications[].preferentialNetworkId",
    "applications[].roles[].roleType",
    "deviceConnectivityManagement.wifiRoamingPolicy.wifiRoamingSettings[].wifiRoamingMode",
    "enterpriseDisplayNameVisibility",
    "passwordPolicies[].passwordScope",
    "preferentialNetworkService",
];

#[test]
fn every_switch_and_choice_has_a_stricter_side_in_googles_words() {
    let Some(schemas) = schemas() else { return };
    let mut seen = Vec::new();
    decided(schemas, "Policy", "", &mut seen);
    assert!(seen.len() > 100, "{}", seen.len());
    for path in NEITHER {
        assert!(seen.iter().any(|it| it == path), "{path} is no choice");
    }
}

/// Looks at the members of a schema that are decided one by one.
fn decided(schemas: &Value, schema: &str, at: &str, seen: &mut Vec<String>) {
    for (key, described) in schemas[schema]["properties"].as_object().unwrap() {
        let path = below(at, key);
        if described["deprecated"] == true {
            continue;
        }
        match (rule(&path), described["$ref"].as_str(), described["items"]["$ref"].as_str()) {
            (None, Some(schema), _) => decided(schemas, schema, &path, seen),
            (Some(Rule::By(_)), Some(schema), _) if path == "personalUsagePolicies" => {
                decided(schemas, schema, &path, seen);
            }
            (Some(Rule::Each(_)), _, Some(schema)) => {
                let path = format!("{path}[]");
                if rule(&path).is_none() {
                    decided(schemas, schema, &path, seen);
                }
            }
            (None, _, Some(schema)) if path == "applications" => decided(schemas, schema, "applications[]", seen),
            (rule, None, None) if described["type"] == "boolean" || described["enum"].is_array() => {
                let neither = NEITHER.contains(&path.as_str());
                assert_eq!(rule.is_none(), neither, "{path}");
                if let Some(Rule::Strictest(Order::Words(ours))) = rule {
                    let mut ours = ours.to_vec();
                    ours.sort_unstable();
                    assert_eq!(ours, words(described), "{path}");
                }
                seen.push(path);
            }
            _ => {}
        }
    }
}

fn words(described: &Value) -> Vec<&str> {
    let old = &described["enumDeprecated"];
    let words = described["enum"].as_array().unwrap().iter().enumerate();
    let words = words.filter(|(place, _)| old[*place] != true).filter_map(|(_, word)| word.as_str());
    let mut words: Vec<_> = words.filter(|word| !word.ends_with("_UNSPECIFIED")).collect();
    words.sort_unstable();
    words
}

proptest! {
    #[test]
    fn what_can_be_saved_is_a_policy_that_google_knows(a in payloads(), b in payloads()) {
        let Some(schemas) = schemas() else { return Ok(()) };
        for payloads in [&a, &b] {
            prop_assert_eq!(check(Platform::Android, payloads), []);
        }
        let policy = Policy::in_force([Policy::of(&a), Policy::of(&b)]).to_json();
        prop_assert_eq!(problems(schemas, "Policy", &policy), Vec::<String>::new());
    }
}
