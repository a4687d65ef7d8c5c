//! Bundles of STIX 2.1: indicators whose pattern is one comparison, and the malware they indicate.
//!
//! The paths are those of mobile indicators in use, of which `app`, `configuration-profile` are not STIX's own. Whatever
//! needs more than one comparison, or what no device reports, is skipped.

use std::collections::HashMap;

use allclear_domain::{
    classification,
    indicator::{Indicator, IndicatorKind},
    time::Time,
};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Gathered;

/// The kind of threat that malware is which is not said to be of a kind.
const MALWARE: &str = "spyware";
/// The name of software that has none.
const UNNAMED: &str = "unnamed";

#[derive(Deserialize)]
struct Bundle<'a> {
    #[serde(borrow)]
    objects: Vec<&'a RawValue>,
}

/// What is read of an object, whatever its type. Members of other types make only that object odd.
#[derive(Deserialize)]
struct Object {
    r#type: String,
    #[serde(default)]
    id: String,
    name: Option<String>,
    pattern: Option<String>,
    pattern_type: Option<String>,
    #[serde(default)]
    indicator_types: Vec<String>,
    #[serde(default)]
    malware_types: Vec<String>,
    valid_from: Option<String>,
    valid_until: Option<String>,
    #[serde(default)]
    revoked: bool,
    relationship_type: Option<String>,
    source_ref: Option<String>,
    target_ref: Option<String>,
}

/// What indicators indicate.
struct Software {
    name: String,
    classification: &'static str,
}

pub(super) fn read(text: &str, found: &mut Gathered) -> Result<(), String> {
    let bundle: Bundle<'_> =
        serde_json::from_str(text).map_err(|error| format!("is no bundle of STIX objects: {error}"))?;
    let mut software: HashMap<String, Software> = HashMap::new();
    let mut indicates: HashMap<String, Vec<String>> = HashMap::new();
    let mut indicators = Vec::new();
    for (place, raw) in bundle.objects.iter().enumerate() {
        let object: Object = match serde_json::from_str(raw.get()) {
            Ok(object) => object,
            Err(error) => {
                found.skip(&format!("object {place}"), format!("cannot be read: {error}"));
                continue;
            }
        };
        match object.r#type.as_str() {
            "indicator" => indicators.push(object),
            "relationship" if object.relationship_type.as_deref() == Some("indicates") && !object.revoked => {
                if let (Some(source), Some(target)) = (object.source_ref, object.target_ref) {
                    indicates.entry(source).or_default().push(target);
                }
            }
            "malware" | "tool" | "threat-actor" | "intrusion-set" | "campaign" => {
                if let Some(name) = object.name {
                    let classification = of_types(&object.malware_types);
                    software.insert(object.id, Software { name, classification });
                }
            }
            _ => {}
        }
    }
    for object in indicators {
        let targets = indicates.get(&object.id).into_iter().flatten();
        // Malware says more than who uses it.
        let named = targets.filter_map(|id| Some((!id.starts_with("malware--"), software.get(id)?)));
        let software = named.min_by_key(|(other, _)| *other).map(|(_, software)| software);
        match indicator(&object, software) {
            Ok((written, indicator)) => found.add(&written, indicator),
            Err(why) => found.skip(&object.id, why),
        }
    }
    Ok(())
}

/// The kind of threat for STIX's types of malware: the first that is known.
fn of_types(types: &[String]) -> &'static str {
    let known = types.iter().find_map(|name| {
        let name = match name.as_str() {
            "dropper" => "app_dropper",
            "exploit-kit" => "exploit",
            "remote-access-trojan" => "trojan",
            "rogue-security-software" => "riskware",
            "rootkit" => "root_enabler",
            other => other,
        };
        classification::find(classification::canonical(name)).filter(|known| known.id != classification::UNKNOWN)
    });
    known.map_or(MALWARE, |known| known.id)
}

fn indicator(object: &Object, software: Option<&Software>) -> Result<(String, Indicator), String> {
    if object.revoked {
        return Err("is revoked".to_owned());
    }
    if object.indicator_types.iter().any(|kind| kind == "benign") {
        return Err("is of something benign".to_owned());
    }
    if object.pattern_type.as_deref().is_some_and(|kind| kind != "stix") {
        return Err("has a pattern that is not STIX's".to_owned());
    }
    let pattern = object.pattern.as_deref().ok_or("has no pattern")?;
    let (path, value) = comparison(pattern).ok_or("is more than one comparison with `=`")?;
    let kind = kind(&path).ok_or_else(|| format!("{path} is not reported by devices"))?;
    let name = software.map(|software| software.name.as_str()).or(object.name.as_deref()).unwrap_or(UNNAMED);
    let indicator = Indicator {
        kind,
        value: String::new(),
        name: name.to_owned(),
        classification: super::classification(kind, software.map_or(MALWARE, |software| software.classification)),
        reference: Some(object.id.clone()),
        valid_from: time("valid_from", object.valid_from.as_deref())?,
        valid_until: time("valid_until", object.valid_until.as_deref())?,
    };
    Ok((value, indicator))
}

fn time(member: &str, text: Option<&str>) -> Result<Option<Time>, String> {
    text.map(str::parse).transpose().map_err(|_| format!("{member} is no time"))
}

fn kind(path: &str) -> Option<IndicatorKind> {
    Some(match path {
        "app:id" => IndicatorKind::AppIdentifier,
        "app:cert.sha256" => IndicatorKind::CertificateSha256,
        "app:cert.sha1" => IndicatorKind::CertificateSha1,
        "file:hashes.sha256" => IndicatorKind::FileSha256,
        "configuration-profile:id" => IndicatorKind::ConfigurationProfile,
        "domain-name:value" => IndicatorKind::Domain,
        _ => return None,
    })
}

/// Path and value of a pattern that is one comparison: `[type:member.'other' = 'value']`. The path comes in one form:
/// in lower case and without quotes, the names of digests without hyphens.
fn comparison(pattern: &str) -> Option<(String, String)> {
    let inner = pattern.trim().strip_prefix('[')?.strip_suffix(']')?.trim();
    let (path, rest) = inner.split_at(end_of_path(inner)?);
    let value = rest.trim_start().strip_prefix('=')?.trim_start();
    let value = literal(value)?;
    let (object, members) = path.split_once(':')?;
    let members: Vec<String> = members.split('.').map(member).collect::<Option<_>>()?;
    Some((format!("{}:{}", object.to_ascii_lowercase(), members.join(".")), value))
}

/// Where the path of a comparison ends: at a space or an operator outside quotes.
fn end_of_path(text: &str) -> Option<usize> {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '=' | '!' | '<' | '>' | ' ' | '\t' | '\n' | '\r' if !quoted => return (at > 0).then_some(at),
            _ => {}
        }
    }
    None
}

fn member(written: &str) -> Option<String> {
    let name = written.strip_prefix('\'').and_then(|name| name.strip_suffix('\'')).unwrap_or(written);
    let plain = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    let name = name.to_ascii_lowercase();
    plain.then(|| if name.starts_with("sha-") { name.replace('-', "") } else { name })
}

/// A text in single quotes that is all there is; backslashes stand before quotes and backslashes.
fn literal(text: &str) -> Option<String> {
    let mut chars = text.strip_prefix('\'')?.chars();
    let mut value = String::new();
    loop {
        match chars.next()? {
            '\'' => break,
            '\\' => value.push(chars.next().filter(|c| matches!(c, '\'' | '\\'))?),
            c => value.push(c),
        }
    }
    chars.as_str().trim().is_empty().then_some(value)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_comparison_is_read_and_anything_else_is_not() {
        for (pattern, path, value) in [
            ("[app:id='com.a']", "app:id", "com.a"),
            (" [ domain-name:value  =  'a.b' ] ", "domain-name:value", "a.b"),
            ("[file:hashes.'SHA-256'='ab']", "file:hashes.sha256", "ab"),
            ("[file:hashes.sha256 = 'ab']", "file:hashes.sha256", "ab"),
            (r"[file:name = 'it\'s \\ me']", "file:name", r"it's \ me"),
        ] {
            assert_eq!(comparison(pattern), Some((path.to_owned(), value.to_owned())), "{pattern}");
        }
        for pattern in [
            "",
            "[]",
            "app:id='a'",
            "[app:id='a' OR app:id='b']",
            "[app:id='a'] AND [app:id='b']",
            "[app:id!='a']",
            "[app:id IN ('a')]",
            "[app:id LIKE 'a%']",
            "[app:id='a'] WITHIN 5 SECONDS",
            "[app:id = 5]",
            "[app:id='a",
            r"[app:id='a\n']",
            "[='a']",
            "[app='a']",
            "[app:id.[*]='a']",
        ] {
            assert_eq!(comparison(pattern), None, "{pattern}");
        }
    }

    #[test]
    fn kinds_of_malware_become_kinds_of_threats() {
        let of = |types: &[&str]| of_types(&types.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(of(&["remote-access-trojan"]), "trojan");
        assert_eq!(of(&["resource-exploitation", "ransomware"]), "ransomware");
        assert_eq!(of(&["unknown"]), MALWARE);
        assert_eq!(of(&[]), MALWARE);
    }

    proptest! {
        #[test]
        fn no_pattern_panics(pattern in "\\[?[a-z:.'=\\\\ ]{0,30}'?\\]?", any in "\\PC{0,60}") {
            drop(comparison(&pattern));
            drop(comparison(&any));
        }
    }
}
