//! Contents of our own in both formats, the real ones where they are at hand, and anything else.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use allclear_domain::classification;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// What was read, shortly: kind, value, name and classification.
fn shown(loading: &Loading) -> Vec<(IndicatorKind, &str, &str, &str)> {
    loading.indicators.iter().map(|one| (one.kind, &*one.value, &*one.name, &*one.classification)).collect()
}

fn why<'a>(loading: &'a Loading, what: &str) -> &'a str {
    &loading
        .skipped
        .iter()
        .find(|one| one.what == what)
        .unwrap_or_else(|| panic!("{what} in {:?}", loading.skipped))
        .why
}

#[expect(clippy::needless_pass_by_value, reason = "reads better where it is called")]
fn indicator(id: &str, pattern: &str, more: Value) -> Value {
    let mut object = json!({ "type": "indicator", "spec_version": "2.1", "id": format!("indicator--{id}"),
        "pattern": pattern, "pattern_type": "stix", "valid_from": "2026-01-22T21:58:55.051167Z" });
    object.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    object
}

fn indicates(id: &str, target: &str) -> Value {
    json!({ "type": "relationship", "id": format!("relationship--{id}"), "relationship_type": "indicates",
        "source_ref": format!("indicator--{id}"), "target_ref": target })
}

#[test]
fn a_bundle_gives_its_indicators_and_says_what_it_left_out() {
    let bundle = json!({ "type": "bundle", "id": "bundle--1", "objects": [
        // What is referred to may come later.
        indicates("1", "malware--1"), indicates("2", "malware--2"), indicates("4", "campaign--1"), indicates("4", "malware--1"),
        indicator("1", "[app:id='com.spy.app']", json!({})),
        indicator("2", "[file:hashes.'SHA-256' = 'ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB']", json!({})),
        indicator("3", "[domain-name:value='Evil.Example']", json!({ "name": "C2", "valid_until": "2027-01-01T00:00:00Z" })),
        indicator("4", "[configuration-profile:id='76DAB334']", json!({})),
        indicator("5", "[app:id='a' OR app:id='b']", json!({})),
        indicator("6", "[file:path='/private/var/tmp/x']", json!({})),
        indicator("7", "[app:id='revoked']", json!({ "revoked": true })),
        indicator("8", "[app:id='benign']", json!({ "indicator_types": ["benign"] })),
        indicator("9", "rule x {}", json!({ "pattern_type": "yara" })),
        indicator("10", "[app:cert.sha256='short']", json!({})),
        indicator("11", "[app:id='x']", json!({ "valid_until": "tomorrow" })),
        { "type": "indicator", "id": 5 },
        { "type": "malware", "id": "malware--1", "name": "Pred", "malware_types": ["spyware"] },
        { "type": "malware", "id": "malware--2", "name": "Rat", "malware_types": ["remote-access-trojan"] },
        { "type": "campaign", "id": "campaign--1", "name": "Summer" },
        { "type": "x-other", "id": "x-other--1", "name": ["anything"] },
    ]});
    let read = read(bundle.to_string().as_bytes()).unwrap();
    use IndicatorKind::*;
    assert_eq!(
        shown(&read),
        [
            (AppIdentifier, "com.spy.app", "Pred", "spyware"),
            (FileSha256, &"ab".repeat(32) as &str, "Rat", "trojan"),
            (Domain, "evil.example", "C2", "spyware"),
            (ConfigurationProfile, "76dab334", "Pred", "malicious_profile"),
        ]
    );
    assert_eq!(read.indicators[0].reference.as_deref(), Some("indicator--1"));
    assert_eq!(read.indicators[2].valid_until, Some("2027-01-01T00:00:00Z".parse().unwrap()));
    assert_eq!((read.format.as_str(), read.digest.len()), ("stix", 64));
    for (what, part) in [
        ("indicator--5", "more than one comparison"),
        ("indicator--6", "file:path is not reported"),
        ("indicator--7", "revoked"),
        ("indicator--8", "benign"),
        ("indicator--9", "not STIX's"),
        ("short", "certificate_sha256 is no SHA-256"),
        ("indicator--11", "valid_until"),
        ("object 15", "cannot be read"),
        ("object 19", "cannot be read"),
    ] {
        assert!(why(&read, what).contains(part), "{what}: {}", why(&read, what));
    }
    assert_eq!(read.skipped.len(), 9);
}

#[test]
fn a_list_gives_its_indicators_and_says_what_it_left_out() {
    let list = r"
- name: TheSpy
  names: [Spy, Other]
  type: stalkerware
  packages:
  - com.the.spy
  - 'two words'
  ios_bundles: [com.the.spy.ios]
  certificates:
  - 31A6ECECD97CF39BC4126B8745CD94A7C30BF81C
  - ABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABABAB
  certificate_organizations: [Spies Inc.]
  websites: [spy.example]
  distribution:
  - get.spy.example
  c2:
    ips: [192.0.2.1]
    domains:
    - c2.spy.example
- type: watchware
  name: Family
  packages: [com.family]
- name: Games
  type: denylisted_app
  packages: com.game
- name: Unknown
  type: something else
  packages: [com.unknown]
- just a text
- packages: [com.nameless]
";
    let read = read(list.as_bytes()).unwrap();
    use IndicatorKind::*;
    assert_eq!(
        shown(&read),
        [
            (AppIdentifier, "com.the.spy", "TheSpy", "stalkerware"),
            (AppIdentifier, "com.the.spy.ios", "TheSpy", "stalkerware"),
            (CertificateSha1, "31a6ececd97cf39bc4126b8745cd94a7c30bf81c", "TheSpy", "stalkerware"),
            (CertificateSha256, &"ab".repeat(32) as &str, "TheSpy", "stalkerware"),
            (Domain, "spy.example", "TheSpy", "stalkerware"),
            (Domain, "get.spy.example", "TheSpy", "stalkerware"),
            (Domain, "c2.spy.example", "TheSpy", "stalkerware"),
            (AppIdentifier, "com.family", "Family", "riskware"),
            (AppIdentifier, "com.game", "Games", "denylisted_app"),
            (AppIdentifier, "com.unknown", "Unknown", "malware"),
        ]
    );
    assert!(read.indicators.iter().all(|one| classification::find(&one.classification).is_some()));
    assert_eq!(read.format, "list");
    for (what, part) in [
        ("two words", "no identifier"),
        ("Spies Inc.", "certificate_organizations of TheSpy"),
        ("192.0.2.1", "c2.ips of TheSpy"),
        ("entry 5", "not a map"),
        ("entry 6", "no name"),
    ] {
        assert!(why(&read, what).contains(part), "{what}: {}", why(&read, what));
    }
    assert_eq!(read.skipped.len(), 5);
}

#[test]
fn what_is_neither_is_refused_with_the_reason() {
    for (content, part) in [
        (&b""[..], "YAML"),
        (b"\xff\xfe", "UTF-8"),
        (b"- name: a\0", "U+0000"),
        (b"{", "STIX"),
        (b"{\"type\": \"bundle\"}", "STIX"),
        (b"{\"objects\": {}}", "STIX"),
        (b"just text", "neither"),
        (b"name: a map", "neither"),
        (b"- a\n---\n- b", "more than one"),
        (b"- name: &a x\n- *a", "alias"),
        (b"- [", "YAML"),
        (b"- ? [a]\n  : b", "key"),
    ] {
        let error = read(content).unwrap_err();
        assert!(error.contains(part), "{:?}: {error}", String::from_utf8_lossy(content));
    }
    let deep = format!("- {}", "[".repeat(100_000));
    assert!(read(deep.as_bytes()).is_err());
    assert!(read(b"- {a: {b: {c: {d: {e: {f: {g: {h: {i: {}}}}}}}}}}").unwrap_err().contains("deeper"));
    let deep = format!("{{\"objects\": [{}]}}", "[".repeat(100_000));
    assert!(read(deep.as_bytes()).is_err());
    let deep = format!("{{\"objects\": [{{\"type\": \"x\", \"y\": {}{}}}]}}", "[".repeat(50_000), "]".repeat(50_000));
    assert!(read(deep.as_bytes()).is_ok_and(|read| read.indicators.is_empty()));
    assert!(read(&vec![b' '; LARGEST + 1]).unwrap_err().contains("larger"));
}

/// Real sets, kept beside the project; the test says so where they are missing.
#[test]
fn real_sets_are_read_whole() {
    let shared = std::env::var_os("ALLCLEAR_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let folder = shared.join("indicators");
    if !folder.is_dir() {
        println!("skipped: no real indicators at {}", folder.display());
        return;
    }
    let load = |name: &str| read(&std::fs::read(folder.join(name)).unwrap()).unwrap();
    let counts = |loading: &Loading| {
        let mut counts = BTreeMap::new();
        loading.indicators.iter().for_each(|one| *counts.entry(one.kind.as_str()).or_insert(0) += 1);
        counts
    };
    let predator = load("predator.stix2");
    assert!(counts(&predator)["domain"] > 500 && counts(&predator)["configuration_profile"] == 1);
    assert!(predator.indicators.iter().all(|one| one.name.to_lowercase().contains("predator")));
    assert_eq!(predator.skipped.len(), 15, "paths of files, which devices do not report");
    let rcs = load("rcs.stix2");
    assert_eq!((counts(&rcs)["app_identifier"], counts(&rcs)["file_sha256"], rcs.skipped.len()), (5, 9, 0));
    assert!(shown(&rcs).contains(&(
        IndicatorKind::AppIdentifier,
        "com.vodaservices",
        &rcs.indicators[0].name,
        "spyware"
    )));
    assert_eq!(counts(&load("cellebrite.stix2"))["app_identifier"], 1);
    let wyrmspy = load("wyrmspy_dragonegg.stix2");
    assert_eq!((counts(&wyrmspy)["app_identifier"], wyrmspy.skipped.len()), (7, 5), "addresses are left out");

    let stalkerware = load("stalkerware-ioc.yaml");
    assert!(counts(&stalkerware)["app_identifier"] > 150 && counts(&stalkerware)["certificate_sha1"] > 100);
    let spy = (IndicatorKind::AppIdentifier, "com.ispyoo", "TheTruthSpy", "stalkerware");
    assert!(shown(&stalkerware).contains(&spy));
    let odd: Vec<_> = stalkerware.skipped.iter().filter(|one| !one.why.contains("not reported by devices")).collect();
    assert!(odd.len() <= 5, "{odd:?}");
    let watchware = load("watchware-ioc.yaml");
    assert!(watchware.indicators.iter().all(|one| one.classification == "riskware"));
}

proptest! {
    #[test]
    fn nothing_makes_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        drop(read(&bytes));
    }

    #[test]
    fn no_yaml_makes_a_reader_panic(text in "[-:?&*!|>'\"%@`{}\\[\\], \n\ta-c#~]{0,80}") {
        drop(read(text.as_bytes()));
        drop(read(format!("- name: a\n  packages:{text}").as_bytes()));
    }

    #[test]
    fn no_bundle_makes_a_reader_panic(pattern in "\\PC{0,40}", name in "\\PC{0,300}", odd in any::<u8>()) {
        let mut object = indicator("1", &pattern, json!({ "name": name }));
        if odd < 20 {
            object["pattern"] = json!([odd]);
        }
        let read = read(json!({ "objects": [object] }).to_string().as_bytes()).unwrap();
        prop_assert_eq!(read.indicators.len() + read.skipped.len(), 1);
        prop_assert!(read.indicators.iter().all(|one| one.name.chars().count() <= TEXT));
    }
}
