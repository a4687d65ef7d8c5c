//! Holds the tables to the platforms' own schemas, where those are at hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a failed step is a failed test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

use super::{
    Need, android, apple, ios, policy,
    setting::{Kind, Restrictive, SettingSpec, find, settings},
    types::PayloadType,
};
use crate::level::Platform;

/// The folder with the platforms' schemas; `None`, said aloud, when it is not there.
fn data() -> Option<PathBuf> {
    let given = std::env::var_os("ALLCLEAR_SHARED_DATA").map(PathBuf::from);
    let path = given.unwrap_or_else(|| [env!("CARGO_MANIFEST_DIR"), "../../../shared/data"].iter().collect());
    let found = path.join("apple").is_dir() && path.join("android").is_dir();
    if !found {
        println!("skipped: no schemas at {} (set ALLCLEAR_SHARED_DATA)", path.display());
    }
    found.then_some(path)
}

/// What one of Apple's files says, as far as we ask: path → value, in order.
#[derive(Default)]
struct Entry(Vec<(String, String)>);

impl Entry {
    fn get(&self, path: &str) -> Option<&str> {
        self.all(path).into_iter().next()
    }

    fn all(&self, path: &str) -> Vec<&str> {
        self.0.iter().filter(|(key, _)| key == path).map(|(_, value)| value.as_str()).collect()
    }

    fn on_ios(&self) -> bool {
        self.get("supportedOS/iOS/introduced") != Some("n/a")
    }

    fn is(&self, path: &str) -> bool {
        self.get(path) == Some("true")
    }

    fn allowed_in_user_enrollment(&self) -> bool {
        !matches!(self.get("supportedOS/iOS/userenrollment/mode"), Some("forbidden" | "ignored"))
    }
}

/// The part of YAML these files use: nested mappings, lists, plain and quoted scalars.
fn read(path: &Path) -> (Entry, Vec<Entry>) {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut payload = Entry::default();
    let mut keys: Vec<Entry> = Vec::new();
    let mut in_keys = false;
    let mut stack: Vec<(usize, String)> = Vec::new();
    for line in text.lines() {
        in_keys |= line == "payloadkeys:";
        let mut rest = line.trim_start();
        let mut indent = line.len() - rest.len();
        if in_keys && line.starts_with("- key:") {
            keys.push(Entry::default());
        }
        while let Some(item) = rest.strip_prefix("- ") {
            indent += 2;
            rest = item;
        }
        stack.retain(|(depth, _)| *depth < indent);
        let parents =
            |stack: &[(usize, String)]| stack.iter().map(|(_, key)| key.as_str()).collect::<Vec<_>>().join("/");
        let (path, value) = match rest.split_once(':') {
            Some((key, value)) => {
                stack.push((indent, key.to_owned()));
                (parents(&stack), value)
            }
            None => (parents(&stack), rest),
        };
        let value = value.trim().trim_matches('\'').to_owned();
        let entry = if in_keys { keys.last_mut() } else { Some(&mut payload) };
        if let Some(entry) = entry.filter(|_| !value.is_empty()) {
            let path = path.trim_start_matches("payloadkeys/").trim_start_matches("payload/").to_owned();
            entry.0.push((path, value));
        }
    }
    (payload, keys)
}

#[test]
fn ios_restrictions_are_apples() {
    let Some(data) = data() else { return };
    let (_, keys) = read(&data.join("apple/mdm/profiles/com.apple.applicationaccess.yaml"));
    let current: Vec<_> =
        keys.iter().filter(|key| key.on_ios() && key.get("supportedOS/iOS/deprecated").is_none()).collect();
    let theirs: BTreeSet<_> = current.iter().map(|key| key.get("key").unwrap()).collect();
    let ours: BTreeSet<_> = ios::RESTRICTIONS.iter().map(|spec| spec.key).collect();
    assert_eq!(ours.len(), ios::RESTRICTIONS.len(), "a key twice");
    assert!(theirs.len() > 140);
    assert_eq!(ours, theirs);
    for key in current {
        let spec = find(ios::RESTRICTIONS, key.get("key").unwrap()).unwrap();
        let name = spec.key;
        assert_eq!(spec.supervised, key.is("supportedOS/iOS/supervised"), "{name}: supervised");
        assert_eq!(spec.user_enrollment, key.allowed_in_user_enrollment(), "{name}: user enrollment");
        let since = key.get("supportedOS/iOS/introduced").filter(|since| !since.starts_with(['3', '4']));
        assert_eq!(spec.min_os, since.unwrap_or_default(), "{name}: first version");
        let words = key.all("rangelist");
        match (key.get("type").unwrap(), spec.kind) {
            ("<boolean>", Kind::Bool) => {
                let strict = if name != "allowUSBRestrictedMode"
                    && (name.starts_with("allow") || name.starts_with("safariAllow"))
                {
                    Restrictive::False
                } else {
                    Restrictive::True
                };
                assert_eq!(spec.restrictive, strict, "{name}");
            }
            ("<integer>", Kind::Integer { min, max }) => {
                assert_eq!(key.get("range/min"), Some(min.to_string().as_str()), "{name}");
                assert_eq!(key.get("range/max"), Some(max.to_string().as_str()), "{name}");
            }
            ("<real>", Kind::Number { values }) => {
                assert_eq!(values.to_vec(), words.iter().map(|word| word.parse().unwrap()).collect::<Vec<f64>>());
            }
            ("<string>", Kind::Enum { values }) => assert_eq!(values, words, "{name}"),
            ("<array>", Kind::StringList { .. }) => {}
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn ios_payload_types_need_what_apple_says() {
    let Some(data) = data() else { return };
    let mut known = BTreeSet::new();
    for file in fs::read_dir(data.join("apple/mdm/profiles")).unwrap() {
        let (payload, keys) = read(&file.unwrap().path());
        let Some(kind) = payload.get("payloadtype").filter(|kind| kind.starts_with("com.apple.")) else { continue };
        if !payload.on_ios() || payload.get("supportedOS/iOS/introduced").is_none() {
            continue;
        }
        let Some(spec) = apple::payload_type(kind) else {
            assert!(payload.get("supportedOS/iOS/removed").is_some(), "{kind} is not in the catalogue");
            continue;
        };
        known.insert(kind.to_owned());
        let mut needs = Vec::new();
        spec.requirements("", &serde_json::Map::new(), &mut needs);
        let supervised = payload.is("supportedOS/iOS/supervised");
        let device_only = !supervised && !payload.allowed_in_user_enrollment();
        for (need, expected) in [(Need::Supervised, supervised), (Need::NotUserEnrollment, device_only)] {
            assert_eq!(needs.iter().any(|found| found.needs == need), expected, "{kind}: {need:?}");
        }
        for key in keys.iter().filter(|key| key.on_ios() && key.get("supportedOS/iOS/removed").is_none()) {
            let name = key.get("key").unwrap();
            assert!(spec.key(name).is_some(), "{kind}: {name}");
        }
    }
    assert_eq!(known.iter().map(String::as_str).collect::<Vec<_>>(), apple::catalogue().names().collect::<Vec<_>>());
    assert!(known.len() > 40);
}

#[test]
fn the_catalogue_is_what_the_script_makes_of_the_schema() {
    let Some(data) = data() else { return };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let ready =
        Command::new("python3").args(["-c", "import yaml"]).output().is_ok_and(|output| output.status.success());
    if !ready {
        println!("skipped: no python3 with PyYAML");
        return;
    }
    let made = std::env::temp_dir().join(format!("apple-catalogue-{}", std::process::id()));
    let release = apple::catalogue().release.strip_prefix("iOS ").unwrap();
    let output = Command::new("python3")
        .arg(root.join("scripts/apple-catalogue.py"))
        .args([data.join("apple").as_os_str(), release.as_ref(), made.as_os_str()])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for name in ["catalogue.json", "LICENSE.txt"] {
        let ours = root.join("crates/domain/src/payload/apple").join(name);
        assert_eq!(fs::read(made.join(name)).unwrap(), fs::read(ours).unwrap(), "{name}");
    }
    fs::remove_dir_all(made).unwrap();
}

#[test]
fn ios_passcodes_stay_within_apples_ranges() {
    let Some(data) = data() else { return };
    let (_, keys) = read(&data.join("apple/mdm/profiles/com.apple.mobiledevice.passwordpolicy.yaml"));
    for (ours, theirs) in [
        ("min_length", "minLength"),
        ("min_complex_characters", "minComplexChars"),
        ("max_age_days", "maxPINAgeInDays"),
        ("history", "pinHistory"),
        ("max_inactivity_minutes", "maxInactivity"),
        ("max_failed_attempts", "maxFailedAttempts"),
    ] {
        let spec = find(settings(Platform::Ios, PayloadType::Passcode), ours).unwrap();
        let key = keys.iter().find(|key| key.get("key") == Some(theirs)).unwrap();
        let Kind::Integer { min, max } = spec.kind else { panic!("{ours}") };
        let bound = |path| key.get(path).unwrap().parse::<i64>().unwrap();
        assert!(bound("range/min") <= min && max <= bound("range/max"), "{ours}");
        assert_eq!(spec.user_enrollment, key.allowed_in_user_enrollment(), "{ours}");
    }
}

fn discovery() -> Option<Value> {
    let path = data()?.join("android/androidmanagement.v1.json");
    let document: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    Some(document["schemas"].clone())
}

/// A field of a policy by its dotted path; none of its parents may be deprecated.
fn at<'a>(schemas: &'a Value, path: &str) -> &'a Value {
    let mut schema = "Policy";
    let mut field = &Value::Null;
    for step in path.split('.') {
        field = &schemas[schema]["properties"][step];
        assert!(field.is_object(), "{path}: no such field");
        assert_ne!(field["deprecated"], true, "{path} is deprecated");
        schema = field["$ref"].as_str().unwrap_or_default();
    }
    field
}

fn words(field: &Value) -> BTreeSet<&str> {
    let deprecated = field["enumDeprecated"].as_array().cloned().unwrap_or_default();
    let words = field["enum"].as_array().unwrap().iter().map(|word| word.as_str().unwrap());
    words
        .enumerate()
        .filter(|(index, word)| !word.ends_with("_UNSPECIFIED") && deprecated.get(*index) != Some(&Value::Bool(true)))
        .map(|(_, word)| word)
        .collect()
}

#[test]
fn android_restrictions_are_googles() {
    let Some(schemas) = discovery() else { return };
    let check = |spec: &SettingSpec| {
        let field = at(&schemas, spec.key);
        let name = spec.key;
        match (field["type"].as_str().unwrap(), spec.kind) {
            ("boolean", Kind::Bool) | ("integer", Kind::Integer { .. }) => {}
            ("string", Kind::String { .. }) => assert!(field["enum"].is_null(), "{name}"),
            ("string", Kind::Enum { values }) => {
                assert_eq!(values.iter().copied().collect::<BTreeSet<_>>(), words(field), "{name}");
            }
            ("array", Kind::StringList { .. }) => assert_eq!(field["items"]["type"], "string", "{name}"),
            ("array", Kind::EnumList { values }) => {
                assert_eq!(values.iter().copied().collect::<BTreeSet<_>>(), words(&field["items"]), "{name}");
            }
            other => panic!("{name}: {other:?}"),
        }
        if !spec.min_os.is_empty() {
            let said = format!("{} {}", field["description"], field["enumDescriptions"]);
            let ways = [format!("Android {}", spec.min_os), format!("less than {}", spec.min_os)];
            assert!(ways.iter().any(|way| said.contains(way)), "{name}: not since {}", spec.min_os);
        }
    };
    android::RESTRICTIONS.iter().for_each(check);
    assert!(android::RESTRICTIONS.windows(2).all(|pair| pair[0].key < pair[1].key), "sorted, each once");
}

#[test]
fn no_android_restriction_is_forgotten() {
    // Switches and choices of a policy that do not restrict: they set the device up, or belong to single-purpose devices.
    let left_out = [
        "enterpriseDisplayNameVisibility",
        "keyguardDisabled",
        "kioskCustomLauncherEnabled",
        "networkEscapeHatchEnabled",
        "preferentialNetworkService",
        "skipFirstUseHintsEnabled",
    ];
    let Some(schemas) = discovery() else { return };
    for (name, field) in schemas["Policy"]["properties"].as_object().unwrap() {
        let choice = field["type"] == "boolean" || field["enum"].is_array();
        if choice && field["deprecated"] != true {
            let ours = find(android::RESTRICTIONS, name).is_some();
            assert_ne!(ours, left_out.contains(&name.as_str()), "{name}");
        }
    }
    for group in ["advancedSecurityOverrides", "crossDevicePolicies", "deviceRadioState", "personalUsagePolicies"] {
        let schema = schemas["Policy"]["properties"][group]["$ref"].as_str().unwrap();
        for (name, field) in schemas[schema]["properties"].as_object().unwrap() {
            if (field["type"] == "boolean" || field["enum"].is_array()) && field["deprecated"] != true {
                assert!(find(android::RESTRICTIONS, &format!("{group}.{name}")).is_some(), "{group}.{name}");
            }
        }
    }
}

#[test]
fn android_policy_fields_are_googles() {
    use policy::Field;
    let Some(schemas) = discovery() else { return };
    let theirs = schemas["Policy"]["properties"].as_object().unwrap();
    for (name, field) in theirs {
        let expected = match field["type"].as_str() {
            _ if name == "name" || name == "version" => Field::ReadOnly,
            Some("boolean") => Field::Bool,
            Some("integer") => Field::Integer,
            Some("string") => Field::Text,
            Some("array") => Field::Array,
            _ => Field::Object,
        };
        assert_eq!(policy::field(name), Some(expected), "{name}");
    }
    assert_eq!(policy::FIELDS.iter().map(|(_, names)| names.len()).sum::<usize>(), theirs.len());
}
