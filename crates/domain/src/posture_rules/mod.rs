//! Posture rules: what the built-in source makes of what is known of a device.
//!
//! Pure: facts and rules go in, the conditions that hold, and the detections that follow, come out. A condition about
//! which nothing is known leaves its threat as it is; a rule that asks nothing any more lets go of it.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::{
    app::App,
    classification,
    detection::{BUILT_IN_SOURCE, Detection},
    device::Device,
    found::{Found, news},
    ids::DeviceId,
    level::Platform,
    os_version,
    threat::Threat,
    time::{Span, Time},
    verdict::Verdict,
};

/// The most apps a platform's denylist holds.
pub const MOST_DENYLISTED: usize = 1_000;

/// What the threat ids of posture rules start with.
const PREFIX: &str = "rule:";
const OUT_OF_DATE_OS: &str = "out_of_date_os";
const OUT_OF_DATE_PATCH: &str = "out_of_date_security_patch";
const DENYLISTED_APP: &str = "denylisted_app";

/// What a tenant asks of its devices. A rule is off until it is set; that a device has a passcode, is encrypted and not
/// tampered with is always asked, and how bad it is otherwise is said in Protections.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PostureRules {
    /// The least version of the operating system; a device below it is `out_of_date_os`.
    pub minimum_os: MinimumOs,
    /// How many days old an Android device's security patch level may be, 1 to 3650; one that is older is
    /// `out_of_date_security_patch`.
    pub maximum_patch_age_days: Option<u16>,
    /// Apps that may not be on a device; each one that is there is a `denylisted_app`.
    pub denylisted_apps: DenylistedApps,
}

/// The least version of each platform's operating system, such as `17.6`; absent: any.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MinimumOs {
    /// Of Android.
    pub android: Option<String>,
    /// Of iOS and iPadOS.
    pub ios: Option<String>,
}

/// Apps that may not be on a device, by identifier, each once; at most 1,000 a platform.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DenylistedApps {
    /// Package names.
    pub android: Vec<String>,
    /// Bundle identifiers.
    pub ios: Vec<String>,
}

impl PostureRules {
    fn minimum_os(&self, platform: Platform) -> Option<&str> {
        match platform {
            Platform::Android => self.minimum_os.android.as_deref(),
            Platform::Ios => self.minimum_os.ios.as_deref(),
        }
    }

    /// The apps that may not be on a device of a platform.
    pub fn denylist(&self, platform: Platform) -> &[String] {
        match platform {
            Platform::Android => &self.denylisted_apps.android,
            Platform::Ios => &self.denylisted_apps.ios,
        }
    }

    /// What is wrong with these rules: JSON pointer and reason.
    pub fn problems(&self) -> Vec<(String, &'static str)> {
        let mut problems = Vec::new();
        for platform in [Platform::Android, Platform::Ios] {
            let name = platform.as_str();
            if self.minimum_os(platform).is_some_and(|version| !os_version::is_valid(version)) {
                problems.push((format!("/minimum_os/{name}"), "must be a version such as 17.6"));
            }
            let apps = self.denylist(platform);
            if apps.len() > MOST_DENYLISTED {
                problems.push((format!("/denylisted_apps/{name}"), "must be at most 1000 apps"));
                continue;
            }
            for (place, app) in apps.iter().enumerate() {
                let pointer = || format!("/denylisted_apps/{name}/{place}");
                let letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
                if !(1..=150).contains(&app.len()) || !app.bytes().all(letter) {
                    problems.push((pointer(), "must be the id of an app, such as com.example.game"));
                } else if apps[..place].contains(app) {
                    problems.push((pointer(), "is there already"));
                }
            }
        }
        if self.maximum_patch_age_days.is_some_and(|days| !(1..=3650).contains(&days)) {
            problems.push(("/maximum_patch_age_days".to_owned(), "must be 1 to 3650"));
        }
        problems
    }
}

/// A condition that holds on a device.
#[derive(Clone, PartialEq, Debug)]
pub struct Condition {
    /// The kind of threat it is.
    pub classification: &'static str,
    /// The app it is about, if it is about one.
    pub app: Option<String>,
    /// What was seen, and what the rule asks.
    pub evidence: Map<String, Value>,
}

impl Condition {
    fn new(classification: &'static str, evidence: Value) -> Self {
        let evidence = match evidence {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        Self { classification, app: None, evidence }
    }

    /// The threat's id: the same whenever the same condition holds on the same device.
    pub fn threat_id(&self) -> String {
        match &self.app {
            None => format!("{PREFIX}{}", self.classification),
            Some(app) => format!("{PREFIX}{}:{app}", self.classification),
        }
    }

    fn found(&self) -> Found {
        let (classification, details) = (self.classification.to_owned(), self.evidence.clone());
        Found { threat_id: self.threat_id(), classification, details }
    }
}

/// What the rules say about a device.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Judged<'a> {
    /// The conditions that hold.
    pub holds: Vec<Condition>,
    /// The first moment at which time alone may change this.
    pub valid_until: Option<Time>,
    /// Kinds of threats whose facts are not known.
    unknown: Vec<&'static str>,
    /// Denylisted apps of which it is not known whether they are there.
    unknown_apps: &'a [String],
}

/// Judges a device. `apps` are all apps on it, or all of those on the denylist; absent where that is not known.
pub fn judge<'a>(rules: &'a PostureRules, device: &Device, apps: Option<&[App]>, now: Time) -> Judged<'a> {
    let mut judged = Judged::default();
    for (name, classification, fact, wrong) in plain_facts(device) {
        if !classification::find(classification).is_some_and(|row| row.platforms.contains(&device.platform)) {
            continue;
        }
        match fact {
            None => judged.unknown.push(classification),
            Some(fact) if fact == wrong => judged.holds.push(Condition::new(classification, json!({ name: fact }))),
            Some(_) => {}
        }
    }
    if let Some(minimum) = rules.minimum_os(device.platform) {
        let version = device.os_version.as_deref();
        match version.and_then(|version| os_version::compare(version, minimum)) {
            None => judged.unknown.push(OUT_OF_DATE_OS),
            Some(Ordering::Less) => {
                let evidence = json!({ "os_version": version, "minimum_os_version": minimum });
                judged.holds.push(Condition::new(OUT_OF_DATE_OS, evidence));
            }
            Some(Ordering::Equal | Ordering::Greater) => {}
        }
    }
    if let Some(days) = rules.maximum_patch_age_days.filter(|_| device.platform == Platform::Android) {
        let level = device.security_patch_level.as_deref();
        match level.and_then(day) {
            None => judged.unknown.push(OUT_OF_DATE_PATCH),
            Some(released) => {
                let too_old = released.plus(Span::days(i64::from(days) + 1));
                if now < too_old {
                    judged.valid_until = Some(too_old);
                } else {
                    let evidence = json!({ "security_patch_level": level, "maximum_patch_age_days": days });
                    judged.holds.push(Condition::new(OUT_OF_DATE_PATCH, evidence));
                }
            }
        }
    }
    let denylist = rules.denylist(device.platform);
    match apps {
        None => judged.unknown_apps = denylist,
        Some(apps) => {
            // One app can be there twice, in two versions or two users' spaces: the first one is named.
            for id in denylist {
                let Some(app) = apps.iter().find(|app| app.identifier == *id) else { continue };
                let mut evidence = json!({ "identifier": id, "rule": "denylisted_apps" });
                for (name, text) in [("name", &app.name), ("version", &app.version)] {
                    if let Some(text) = text {
                        evidence[name] = json!(text);
                    }
                }
                let condition = Condition::new(DENYLISTED_APP, evidence);
                judged.holds.push(Condition { app: Some(id.clone()), ..condition });
            }
        }
    }
    judged
}

/// The facts that always count: name, the kind of threat, what is known, and which value is wrong.
fn plain_facts(device: &Device) -> [(&'static str, &'static str, Option<bool>, bool); 8] {
    let seen = &device.security;
    [
        ("passcode_present", "no_passcode", seen.passcode_present, false),
        ("encrypted", "not_encrypted", seen.encrypted, false),
        ("rooted", "rooted", seen.rooted, true),
        ("rooted", "jailbroken", seen.rooted, true),
        ("bootloader_unlocked", "bootloader_unlocked", seen.bootloader_unlocked, true),
        ("usb_debugging", "usb_debugging", seen.usb_debugging, true),
        ("developer_mode", "developer_mode", seen.developer_mode, true),
        ("unknown_sources", "unknown_sources", seen.unknown_sources, true),
    ]
}

/// The beginning of a day given as `YYYY-MM-DD`, UTC.
fn day(text: &str) -> Option<Time> {
    let date: jiff::civil::Date = text.trim().parse().ok()?;
    Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().into())
}

impl Judged<'_> {
    /// Whether the condition behind a threat id of posture rules holds.
    pub fn verdict(&self, threat_id: &str) -> Verdict {
        if self.holds.iter().any(|condition| condition.threat_id() == threat_id) {
            return Verdict::Yes;
        }
        let Some((classification, app)) = parts(threat_id) else { return Verdict::Unknown };
        let unknown = match app {
            None => self.unknown.contains(&classification),
            Some(app) => self.unknown_apps.iter().any(|unknown| unknown == app),
        };
        if unknown { Verdict::Unknown } else { Verdict::No }
    }

    /// The detections that bring a device's threats in line: none where they are.
    pub fn detections(&self, device: DeviceId, threats: &[Threat], now: Time) -> Vec<Detection> {
        let found: Vec<Found> = self.holds.iter().map(Condition::found).collect();
        let is_over = |threat: &Threat| is_of_rule(threat) && self.verdict(&threat.threat_id) == Verdict::No;
        news(device, threats, &found, is_over, now)
    }
}

/// Whether a threat is about a posture rule.
pub fn is_of_rule(threat: &Threat) -> bool {
    threat.source == BUILT_IN_SOURCE && threat.threat_id.starts_with(PREFIX)
}

/// The kind of threat and the app that a threat id names.
fn parts(threat_id: &str) -> Option<(&str, Option<&str>)> {
    let rest = threat_id.strip_prefix(PREFIX)?;
    Some(rest.split_once(':').map_or((rest, None), |(classification, app)| (classification, Some(app))))
}

#[cfg(test)]
mod tests;
