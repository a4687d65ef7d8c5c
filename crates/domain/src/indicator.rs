//! Indicators: signs by which malicious software is known, and what of a device they fit.
//!
//! Knows neither the formats that indicators come in nor where they are kept.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{
    app::{self, App},
    classification,
    found::Found,
    ids::IndicatorSetId,
    time::Time,
};

/// What the ids of threats begin with that an indicator stands behind.
pub const THREATS: &str = "indicator:";
/// The longest identifier that can be an indicator, in bytes: it is part of a threat's id.
const LONGEST: usize = 160;
/// The longest name of a domain, in bytes.
const LONGEST_DOMAIN: usize = 253;
/// The most apps, and the most further indicators, that evidence names.
const EVIDENCE: usize = 20;
/// The most names of servers looked for in the evidence of one detection.
const SERVERS: usize = 20;

/// What an indicator is compared with. In the order in which they say best what was found.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IndicatorKind {
    /// The package name or bundle identifier of an app.
    AppIdentifier,
    /// SHA-256 of the certificate an app is signed with.
    CertificateSha256,
    /// SHA-1 of the certificate an app is signed with.
    CertificateSha1,
    /// SHA-256 of an app's package file.
    FileSha256,
    /// The identifier or UUID of a configuration profile.
    ConfigurationProfile,
    /// A domain, with everything below it: named in the evidence of what other sources detect.
    Domain,
}

impl IndicatorKind {
    /// All of them.
    pub const ALL: [IndicatorKind; 6] = [
        IndicatorKind::AppIdentifier,
        IndicatorKind::CertificateSha256,
        IndicatorKind::CertificateSha1,
        IndicatorKind::FileSha256,
        IndicatorKind::ConfigurationProfile,
        IndicatorKind::Domain,
    ];

    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            IndicatorKind::AppIdentifier => "app_identifier",
            IndicatorKind::CertificateSha256 => "certificate_sha256",
            IndicatorKind::CertificateSha1 => "certificate_sha1",
            IndicatorKind::FileSha256 => "file_sha256",
            IndicatorKind::ConfigurationProfile => "configuration_profile",
            IndicatorKind::Domain => "domain",
        }
    }

    /// A value in the one form in which it is kept and compared, or what is wrong with it.
    pub fn normalise(self, written: &str) -> Result<String, &'static str> {
        let written = written.trim();
        let identifier = || {
            let plain = !written.is_empty() && !written.chars().any(|c| c.is_control() || c.is_whitespace());
            if written.len() > LONGEST {
                Err("is longer than 160 bytes")
            } else if plain {
                Ok(written)
            } else {
                Err("is no identifier")
            }
        };
        match self {
            IndicatorKind::AppIdentifier => identifier().map(str::to_owned),
            // Written in either case: many are UUIDs.
            IndicatorKind::ConfigurationProfile => identifier().map(str::to_ascii_lowercase),
            IndicatorKind::CertificateSha256 | IndicatorKind::FileSha256 => {
                app::sha256(written).ok_or("is no SHA-256 in hexadecimal")
            }
            IndicatorKind::CertificateSha1 => app::sha1(written).ok_or("is no SHA-1 in hexadecimal"),
            IndicatorKind::Domain => domain(written).ok_or("is no domain"),
        }
    }
}

/// What is compared: a kind and a value in its [normal form](IndicatorKind::normalise).
pub type Key = (IndicatorKind, String);

/// One indicator of a set.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Indicator {
    /// What it is compared with.
    pub kind: IndicatorKind,
    /// The value, in its [normal form](IndicatorKind::normalise).
    pub value: String,
    /// What it gives away: the name of the software.
    pub name: String,
    /// The kind of threat it stands for.
    pub classification: String,
    /// What the set itself calls it, if anything.
    pub reference: Option<String>,
    /// It counts from then on; none: it always has.
    pub valid_from: Option<Time>,
    /// It counts until then; none: for good.
    pub valid_until: Option<Time>,
}

impl Indicator {
    /// What it is compared with.
    pub fn key(&self) -> Key {
        (self.kind, self.value.clone())
    }
}

/// Where the content of a set comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IndicatorOrigin)]
pub enum Origin {
    /// Somebody hands it in.
    Upload,
    /// It is a file in a folder of the server's.
    Folder,
    /// It is fetched from a URL.
    Url,
}

/// Something in the content of a set that gave no indicator.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[schema(as = SkippedIndicator)]
pub struct Skipped {
    /// What it is: its id, or its place.
    pub what: String,
    /// Why.
    pub why: String,
}

/// What is on a device that indicators are compared with.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Item {
    /// An app.
    App(App),
    /// A configuration profile, by its identifier or UUID.
    ConfigurationProfile(String),
}

impl Item {
    /// What it can be known by.
    pub fn keys(&self) -> Vec<Key> {
        match self {
            Item::App(app) => [
                (IndicatorKind::AppIdentifier, Some(&app.identifier)),
                (IndicatorKind::CertificateSha256, app.certificate_sha256.as_ref()),
                (IndicatorKind::CertificateSha1, app.certificate_sha1.as_ref()),
                (IndicatorKind::FileSha256, app.sha256.as_ref()),
            ]
            .into_iter()
            .filter_map(|(kind, value)| Some((kind, value?.clone())))
            .collect(),
            Item::ConfigurationProfile(identifier) => {
                vec![(IndicatorKind::ConfigurationProfile, identifier.to_ascii_lowercase())]
            }
        }
    }
}

/// An indicator that fits something.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Match {
    /// What it gives away.
    pub name: String,
    /// The kind of threat it stands for, by its set.
    pub classification: String,
    /// What the set itself calls it.
    pub reference: Option<String>,
    /// Its set.
    pub set: IndicatorSetId,
    /// The set's name.
    pub set_name: String,
}

/// The indicators that fit something, by what they were compared with.
pub type Matches = BTreeMap<Key, Vec<Match>>;

/// What the indicators that fit give away about a device.
///
/// Each item counts once, by the first of its keys that fits; the others are further evidence. Items that one key stands
/// for, as apps of one signer, are one threat.
pub fn found(items: &[&Item], matches: &Matches) -> Vec<Found> {
    let mut groups: BTreeMap<Key, (Vec<&Item>, BTreeSet<Key>)> = BTreeMap::new();
    for item in items.iter().copied() {
        let mut keys: Vec<Key> = item.keys().into_iter().filter(|key| matches.contains_key(key)).collect();
        keys.sort_unstable();
        let mut keys = keys.into_iter();
        if let Some(best) = keys.next() {
            let (items, further) = groups.entry(best).or_default();
            items.push(item);
            further.extend(keys);
        }
    }
    groups.iter().map(|(key, (items, further))| threat(key, items, further, matches)).collect()
}

fn threat(key: &Key, items: &[&Item], further: &BTreeSet<Key>, matches: &Matches) -> Found {
    let of = |key: &Key| matches.get(key).map_or(&[][..], Vec::as_slice);
    let all = of(key).iter().chain(further.iter().flat_map(of));
    let level = |name: &str| classification::find(classification::canonical(name)).map(|known| known.default_level);
    // Of equals the first, whatever order the sets come in.
    let worst = all.map(|one| &one.classification).max_by_key(|name| (level(name), std::cmp::Reverse(name.as_str())));
    let shown = |(kind, value): &Key| {
        let found = of(&(*kind, value.clone()));
        let sets: BTreeSet<&str> = found.iter().map(|one| one.set_name.as_str()).collect();
        let first = found.first();
        json!({
            "kind": kind, "value": value, "name": first.map(|one| &one.name), "sets": sets,
            "reference": first.and_then(|one| one.reference.as_ref()),
        })
    };
    let apps: Vec<Value> = items
        .iter()
        .filter_map(|item| match item {
            Item::App(app) => Some(json!({
                "identifier": app.identifier, "name": app.name, "version": app.version, "source": app.source,
            })),
            Item::ConfigurationProfile(_) => None,
        })
        .take(EVIDENCE)
        .collect();
    let mut details = Map::from_iter([("indicator".to_owned(), shown(key))]);
    if !apps.is_empty() {
        details.insert("apps".to_owned(), Value::from(apps));
    }
    if !further.is_empty() {
        details.insert("further_indicators".to_owned(), further.iter().take(EVIDENCE).map(shown).collect());
    }
    Found {
        threat_id: format!("{THREATS}{}:{}", key.0.as_str(), key.1),
        classification: worst.cloned().unwrap_or_else(|| classification::UNKNOWN.to_owned()),
        details,
    }
}

/// The keys under which to look for the servers that evidence names: each domain, and those it lies below.
pub fn servers(details: &Map<String, Value>) -> Vec<(String, Vec<Key>)> {
    let mut hosts = BTreeSet::new();
    details.iter().for_each(|(name, value)| hosts_in(name, value, &mut hosts));
    let above = |host: &String| {
        let dots = host.match_indices('.').map(|(at, _)| at + 1);
        let names = std::iter::once(0).chain(dots).filter_map(|at| host.get(at..));
        names.map(|name| (IndicatorKind::Domain, name.to_owned())).collect()
    };
    hosts.iter().map(|host| (host.clone(), above(host))).collect()
}

/// Gathers the hosts in members whose names say that they hold addresses.
fn hosts_in(name: &str, value: &Value, hosts: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if hosts.len() < SERVERS => {
            let name = name.to_ascii_lowercase();
            if ["url", "uri", "domain", "host", "link"].iter().any(|part| name.contains(part)) {
                hosts.extend(host(text));
            }
        }
        Value::Array(items) => items.iter().for_each(|item| hosts_in(name, item, hosts)),
        Value::Object(members) => members.iter().for_each(|(name, value)| hosts_in(name, value, hosts)),
        _ => {}
    }
}

/// The host of a URL or of what people write instead of one.
pub fn host(text: &str) -> Option<String> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    domain(host.split(':').next().unwrap_or_default())
}

/// A domain in lower case without the dot at its end, or the star at its beginning.
fn domain(written: &str) -> Option<String> {
    let name = written.strip_prefix("*.").unwrap_or(written).trim_end_matches('.').to_ascii_lowercase();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    (name.len() <= LONGEST_DOMAIN && name.split('.').all(is_label)).then_some(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn app(identifier: &str, signer: Option<&str>) -> Item {
        let certificate_sha1 = signer.map(|digit| digit.repeat(40));
        Item::App(App { identifier: identifier.to_owned(), certificate_sha1, ..App::default() })
    }

    fn fits(name: &str, classification: &str, set: &str) -> Match {
        Match {
            name: name.to_owned(),
            classification: classification.to_owned(),
            reference: None,
            set: IndicatorSetId(Uuid::nil()),
            set_name: set.to_owned(),
        }
    }

    #[test]
    fn values_have_one_form() {
        use IndicatorKind::*;
        for (kind, written, kept) in [
            (AppIdentifier, " com.Spy.App ", Some("com.Spy.App")),
            (AppIdentifier, "two words", None),
            (AppIdentifier, "", None),
            (ConfigurationProfile, "76DAB334-7E17", Some("76dab334-7e17")),
            (CertificateSha1, &"AB".repeat(20), Some(&"ab".repeat(20) as &str)),
            (CertificateSha1, &"ab".repeat(32), None),
            (FileSha256, &"AB:".repeat(31), None),
            (CertificateSha256, &"ab".repeat(32), Some(&"ab".repeat(32))),
            (Domain, "*.Evil.Example.", Some("evil.example")),
            (Domain, "https://evil.example/", None),
            (Domain, "evil..example", None),
        ] {
            assert_eq!(kind.normalise(written).ok().as_deref(), kept, "{written}");
        }
        assert!(AppIdentifier.normalise(&"x".repeat(161)).is_err());
    }

    #[test]
    fn each_app_counts_once_by_what_says_best_what_it_is() {
        let signer = (IndicatorKind::CertificateSha1, "b".repeat(40));
        let package = (IndicatorKind::AppIdentifier, "com.spy".to_owned());
        let matches = Matches::from([
            (package, vec![fits("Spy", "riskware", "One"), fits("Spy", "riskware", "Two")]),
            (signer, vec![fits("SpyVendor", "stalkerware", "One")]),
        ]);
        let items =
            [app("com.spy", Some("b")), app("org.good", Some("c")), app("com.a", Some("b")), app("com.z", Some("b"))];
        let found = found(&items.each_ref(), &matches);
        let ids: Vec<&str> = found.iter().map(|one| one.threat_id.as_str()).collect();
        assert_eq!(
            ids,
            ["indicator:app_identifier:com.spy", &format!("indicator:certificate_sha1:{}", "b".repeat(40))]
        );
        assert_eq!(found[0].classification, "stalkerware", "the worst that anything says of it");
        assert_eq!(found[0].details["indicator"]["sets"], json!(["One", "Two"]));
        assert_eq!(found[0].details["further_indicators"][0]["name"], "SpyVendor");
        assert_eq!(found[1].details["apps"].as_array().unwrap().len(), 2, "two apps of one signer");
        assert!(super::found(&items.each_ref(), &Matches::new()).is_empty());
    }

    #[test]
    fn a_profile_is_known_by_its_identifier_in_any_case() {
        let key = (IndicatorKind::ConfigurationProfile, "76dab334".to_owned());
        let matches = Matches::from([(key, vec![fits("Predator", "malicious_profile", "One")])]);
        let found = found(&[&Item::ConfigurationProfile("76DAB334".into())], &matches);
        assert_eq!(found[0].threat_id, "indicator:configuration_profile:76dab334");
        assert!(!found[0].details.contains_key("apps"));
    }

    #[test]
    fn servers_are_found_in_evidence_with_what_they_lie_below() {
        let details = json!({
            "url": "https://user@Login.Evil.example:8443/a?b#c", "note": "https://not.looked.at/",
            "detections": [{ "embedded_url": "http://10.0.0.1/x" }, { "domain": "a.b" }, { "host": "no host" }],
        });
        let Value::Object(details) = details else { unreachable!() };
        let servers = servers(&details);
        let hosts: Vec<&str> = servers.iter().map(|(host, _)| host.as_str()).collect();
        assert_eq!(hosts, ["10.0.0.1", "a.b", "login.evil.example"]);
        let names: Vec<&str> = servers[2].1.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["login.evil.example", "evil.example", "example"]);
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own_and_makes_a_threat_id_of_bounded_length(text in "\\PC{0,300}", place in 0..6_usize) {
            let kind = IndicatorKind::ALL[place];
            if let Ok(value) = kind.normalise(&text) {
                prop_assert_eq!(kind.normalise(&value), Ok(value.clone()));
                if kind != IndicatorKind::Domain {
                    prop_assert!(THREATS.len() + kind.as_str().len() + 1 + value.len() <= 200);
                }
            }
            let _ = host(&text);
        }
    }
}
