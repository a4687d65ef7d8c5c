//! What an event of the Mobile Risk API v2 means in our words.
//!
//! Pure: no I/O, no clock. Must not know how events arrive, nor which devices or rules there are.

use allclear_domain::{
    classification,
    detection::{Detection, DeviceRef, Notice, Observed, ProtectionStatus, SensorReport, SourceEvent, ThreatStatus},
    level::{Platform, RiskLevel},
    time::Time,
};
use serde_json::{Map, Value, json};

use crate::bounded;

/// How the feed is named in [`Detection::source`].
pub const SOURCE: &str = "lookout";

/// Turns one event, as JSON, into what it says. Never fails: what cannot be mapped comes back as
/// [`SourceEvent::Unmapped`] with a reason that names the member.
///
/// An event about a device may give several: the device's own report has the event's id, an alias of the device the
/// same id with `#actor` or `#target` added, and a status that is not known one with `#status`.
pub fn map(raw: &str) -> Vec<SourceEvent> {
    let value: Value = match serde_json::from_str(raw) {
        Ok(value) => value,
        Err(error) => return vec![bounded::unmapped(SOURCE, None, raw, format!("not JSON: {error}"))],
    };
    let event = Event { value: &value, raw };
    let mapped = match event.text("type") {
        Ok(Some("THREAT")) => threat(event).map(|detection| vec![SourceEvent::Detection(detection)]),
        Ok(Some("DEVICE")) => device(event),
        Ok(Some("SMISHING_ALERT")) => smishing(event).map(|detection| vec![SourceEvent::Detection(detection)]),
        Ok(Some("AUDIT")) => audit(event).map(|notice| vec![SourceEvent::Notice(notice)]),
        Ok(Some(other)) => Err(unknown("type", other)),
        Ok(None) => Err("type: missing".to_owned()),
        Err(reason) => Err(reason),
    };
    mapped.unwrap_or_else(|reason| vec![event.unmapped("", reason)])
}

/// The event's own id, if it has a usable one.
pub(super) fn id(raw: &str) -> Option<String> {
    let value: Value = serde_json::from_str(raw).ok()?;
    Event { value: &value, raw }.id("id").ok().map(str::to_owned)
}

/// Why an event cannot be mapped: the path of the member and what is wrong with it.
type Reason = String;

fn unknown(member: &str, value: &str) -> Reason {
    format!("{member}: unknown value `{}`", bounded::characters(value, 100))
}

/// An event, read member by member. Paths are members joined by dots.
#[derive(Clone, Copy)]
struct Event<'a> {
    value: &'a Value,
    raw: &'a str,
}

impl<'a> Event<'a> {
    fn get(self, path: &str) -> Option<&'a Value> {
        path.split('.').try_fold(self.value, |value, member| value.get(member)).filter(|value| !value.is_null())
    }

    /// The items of a list; none where there is no list.
    fn list(self, path: &str) -> &'a [Value] {
        self.get(path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
    }

    /// A text; an empty one counts as missing.
    fn text(self, path: &str) -> Result<Option<&'a str>, Reason> {
        match self.get(path) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(format!("{path}: not a text")),
        }
    }

    /// A text that must be there and short enough to be an id of ours.
    fn id(self, path: &str) -> Result<&'a str, Reason> {
        let id = self.text(path)?.ok_or_else(|| format!("{path}: missing"))?;
        if id.len() > bounded::ID { Err(format!("{path}: longer than {} bytes", bounded::ID)) } else { Ok(id) }
    }

    fn time(self) -> Result<Time, Reason> {
        let text = self.text("created_time")?.ok_or("created_time: missing")?;
        text.parse().map_err(|_| format!("created_time: not a time: `{}`", bounded::characters(text, 100)))
    }

    /// The guid of the actor or target if that is a device; an actor that does not say what it is counts as one.
    fn device_guid(self, party: &str) -> Result<Option<&'a str>, Reason> {
        let guid = format!("{party}.guid");
        let kind = self.text(&format!("{party}.type"))?;
        let is_device = kind == Some("DEVICE") || (kind.is_none() && party == "actor");
        if is_device && self.get(&guid).is_some() { self.id(&guid).map(Some) } else { Ok(None) }
    }

    /// The device a threat or alert is on: events name it only as their actor; the target is the threat.
    fn device(self) -> Result<DeviceRef, Reason> {
        let guid = match self.device_guid("actor")? {
            Some(guid) => guid,
            None => self.device_guid("target")?.ok_or("actor.guid: neither the actor nor the target is a device")?,
        };
        Ok(DeviceRef::ExternalId(guid.to_owned()))
    }

    fn unmapped(self, suffix: &str, reason: Reason) -> SourceEvent {
        let id = self.id("id").ok().map(|id| with_suffix(id, suffix));
        bounded::unmapped(SOURCE, id.as_deref(), self.raw, reason)
    }
}

/// The id of one of several messages that come from one event; stays within the length of an id.
fn with_suffix(id: &str, suffix: &str) -> String {
    format!("{}{suffix}", bounded::bytes(id, bounded::ID - suffix.len()))
}

fn threat(event: Event<'_>) -> Result<Detection, Reason> {
    let status = match event.text("threat.status")?.ok_or("threat.status: missing")? {
        "OPEN" => ThreatStatus::Open,
        "RESOLVED" => ThreatStatus::Resolved,
        "IGNORED" => ThreatStatus::Ignored,
        other => return Err(unknown("threat.status", other)),
    };
    let mut named = names(event, "threat.classifications", None);
    if named.is_empty() {
        named = names(event, "threat.assessments", Some("classification"));
    }
    let severity = event.get("threat.severity");

    let mut details = match event.get("threat.details") {
        Some(Value::Object(members)) => members.clone(),
        Some(other) => Map::from_iter([("details".to_owned(), other.clone())]),
        None => Map::new(),
    };
    for member in ["type", "classifications", "assessments"] {
        if let Some(value) = event.get(&format!("threat.{member}"))
            && let Some(theirs) = details.insert(member.to_owned(), value.clone())
        {
            details.insert(format!("details_{member}"), theirs);
        }
    }
    let level = severity.and_then(Value::as_str).and_then(level);
    if let (None, Some(severity)) = (level, severity) {
        details.insert("severity".to_owned(), severity.clone());
    }
    Ok(Detection {
        event_id: event.id("id")?.to_owned(),
        source: SOURCE.to_owned(),
        device: event.device()?,
        threat_id: event.id("threat.guid")?.to_owned(),
        classification: worst(&named).unwrap_or_else(|| classification::UNKNOWN.to_owned()),
        status,
        detected_at: event.time()?,
        severity: level,
        details: bounded::details(details),
    })
}

fn level(severity: &str) -> Option<RiskLevel> {
    Some(match severity {
        "NONE" => RiskLevel::None,
        "ADVISORY" => RiskLevel::Advisory,
        "LOW" => RiskLevel::Low,
        "MEDIUM" | "MODERATE" => RiskLevel::Medium,
        "HIGH" => RiskLevel::High,
        _ => return None,
    })
}

/// The texts in a list: its items themselves, or a member of each.
fn names<'a>(event: Event<'a>, list: &str, member: Option<&str>) -> Vec<&'a str> {
    let named = |item: &'a Value| member.map_or(Some(item), |member| item.get(member))?.as_str();
    event.list(list).iter().filter_map(named).collect()
}

/// Of several names, the classification our table rates highest by default; the first of equals. A name that is not in
/// the table is rated like `unknown` and kept in lower case.
fn worst(names: &[&str]) -> Option<String> {
    let rated = names.iter().filter(|name| !name.is_empty()).map(|name| {
        let id = classification::canonical(name);
        let row = classification::find(id);
        let level = row.or_else(|| classification::find(classification::UNKNOWN)).map(|row| row.default_level);
        (level, row.map_or_else(|| bounded::bytes(id, 100).to_ascii_lowercase(), |row| row.id.to_owned()))
    });
    // The last of equals is taken, hence backwards.
    rated.rev().max_by_key(|(level, _)| *level).map(|(_, id)| id)
}

fn device(event: Event<'_>) -> Result<Vec<SourceEvent>, Reason> {
    let id = event.id("id")?;
    let guid = event.id("device.guid")?;
    let external_id = match event.text("device.info.external_id")? {
        Some(_) => Some(event.id("device.info.external_id")?),
        None => None,
    };
    let (protection_status, problem) = match protection_status(event) {
        Ok(status) => (status, None),
        Err(reason) => (None, Some(reason)),
    };
    let report = SensorReport {
        event_id: id.to_owned(),
        source: SOURCE.to_owned(),
        device: DeviceRef::ExternalId(external_id.unwrap_or(guid).to_owned()),
        // The name by which the threats on the device will call it.
        external_id: external_id.is_some().then(|| guid.to_owned()),
        reported_at: event.time()?,
        protection_status,
        observed: Observed {
            platform: match event.text("device.platform")? {
                Some("ANDROID") => Some(Platform::Android),
                Some("IOS") => Some(Platform::Ios),
                _ => None,
            },
            manufacturer: observed(event, "device.hardware.manufacturer"),
            model: observed(event, "device.hardware.model"),
            os_version: observed(event, "device.software.os_version"),
            security_patch_level: observed(event, "device.software.security_patch_level"),
        },
    };
    // Who acted may be the same device under another guid, and it is that guid which the threats carry.
    let mut aliases = vec![guid];
    let mut events = Vec::new();
    for (party, suffix) in [("actor", "#actor"), ("target", "#target")] {
        if let Some(alias) = event.device_guid(party)?
            && !aliases.contains(&alias)
        {
            aliases.push(alias);
            events.push(SourceEvent::Sensor(SensorReport {
                event_id: with_suffix(id, suffix),
                external_id: Some(alias.to_owned()),
                protection_status: None,
                observed: Observed::default(),
                ..report.clone()
            }));
        }
    }
    events.insert(0, SourceEvent::Sensor(report));
    events.extend(problem.map(|reason| event.unmapped("#status", reason)));
    Ok(events)
}

fn observed(event: Event<'_>, path: &str) -> Option<String> {
    event.text(path).ok().flatten().map(|text| bounded::characters(text, bounded::ID).to_owned())
}

/// What the event says of the sensor, if anything. Protection counts only once the sensor is activated.
fn protection_status(event: Event<'_>) -> Result<Option<ProtectionStatus>, Reason> {
    if event.text("change_type")? == Some("DELETED") {
        return Ok(Some(ProtectionStatus::Unreachable));
    }
    match event.text("device.status.activation_status")? {
        Some("PENDING") => return Ok(Some(ProtectionStatus::Pending)),
        Some("DEACTIVATED") => return Ok(Some(ProtectionStatus::Deactivated)),
        Some("DELETED") => return Ok(Some(ProtectionStatus::Unreachable)),
        Some("ACTIVATED") | None => {}
        Some(other) => return Err(unknown("device.status.activation_status", other)),
    }
    match event.text("device.status.protection_status")? {
        Some("PROTECTED") => Ok(Some(ProtectionStatus::Activated)),
        Some("DISCONNECTED") => Ok(Some(ProtectionStatus::Disconnected)),
        Some("UNINSTALLED") => Ok(Some(ProtectionStatus::Unreachable)),
        None => Ok(None),
        Some(other) => Err(unknown("device.status.protection_status", other)),
    }
}

fn smishing(event: Event<'_>) -> Result<Detection, Reason> {
    let known: Vec<&str> = names(event, "smishing_alert.detections", Some("category"))
        .into_iter()
        .map(classification::canonical)
        .filter(|id| classification::find(id).is_some())
        .collect();
    let mut details = Map::from_iter([("type".to_owned(), json!("SMISHING_ALERT"))]);
    details.extend(event.get("smishing_alert.detections").map(|found| ("detections".to_owned(), found.clone())));
    Ok(Detection {
        event_id: event.id("id")?.to_owned(),
        source: SOURCE.to_owned(),
        device: event.device()?,
        threat_id: event.id("smishing_alert.guid")?.to_owned(),
        classification: worst(&known).unwrap_or_else(|| "smishing".to_owned()),
        status: ThreatStatus::Open,
        detected_at: event.time()?,
        severity: None,
        details: bounded::details(details),
    })
}

fn audit(event: Event<'_>) -> Result<Notice, Reason> {
    let subject = event.text("audit.type")?.ok_or("audit.type: missing")?;
    let change = event.text("change_type")?.unwrap_or("CHANGED");
    let actor = event.text("actor.type")?.unwrap_or("UNKNOWN");
    let changes: Vec<String> = event.list("audit.attribute_changes").iter().filter_map(attribute_change).collect();
    let mut summary = format!("{} {} by {}", words(subject), words(change), words(actor));
    if !changes.is_empty() {
        summary = format!("{summary}: {}", changes.join(", "));
    }
    let members = ["change_type", "audit", "actor", "target"];
    let details =
        members.iter().filter_map(|member| Some(((*member).to_owned(), event.get(member)?.clone()))).collect();
    Ok(Notice {
        event_id: event.id("id")?.to_owned(),
        source: SOURCE.to_owned(),
        at: event.time()?,
        summary: bounded::characters(&summary, 300).to_owned(),
        details: bounded::details(details),
    })
}

/// `severity from medium to high`, or as much of it as the change says.
fn attribute_change(change: &Value) -> Option<String> {
    let mut text = change.get("name")?.as_str()?.to_owned();
    for preposition in ["from", "to"] {
        if let Some(value) = change.get(preposition).and_then(Value::as_str) {
            text = format!("{text} {preposition} {value}");
        }
    }
    Some(text)
}

/// `CLASSIFICATION_POLICY` as people write it.
fn words(name: &str) -> String {
    name.replace('_', " ").to_ascii_lowercase()
}
