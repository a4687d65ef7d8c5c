//! Detections in our own format, one JSON object on each line: for programs that speak our language already.
//!
//! Must not know how the lines arrive.

use allclear_domain::detection::{Detection, Notice, SensorReport, SourceEvent};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::bounded;

/// The source of a line that does not say who sent it.
const SOURCE: &str = "native";

/// Reads one line: a [`Detection`], or any of our events with `"type": "detection"`, `"sensor"` or `"notice"`.
///
/// Never fails: what is not one of them, has members we do not know or breaks a limit stated on the type comes back as
/// [`SourceEvent::Unmapped`] with the reason.
pub fn parse_native(line: &str) -> SourceEvent {
    let value: Value = match serde_json::from_str(line) {
        Ok(value) => value,
        Err(error) => return bounded::unmapped(SOURCE, None, line, format!("not JSON: {error}")),
    };
    let Value::Object(members) = value else {
        return bounded::unmapped(SOURCE, None, line, "not a JSON object");
    };
    let text = |member: &str| members.get(member).and_then(Value::as_str).map(str::to_owned);
    let event_id = text("event_id");
    let source = text("source").filter(|source| check_source(source).is_ok());
    event(members).unwrap_or_else(|reason| {
        bounded::unmapped(source.as_deref().unwrap_or(SOURCE), event_id.as_deref(), line, reason)
    })
}

fn event(mut members: Map<String, Value>) -> Result<SourceEvent, String> {
    let kind = members.remove("type");
    match kind.as_ref().map(|kind| kind.as_str().unwrap_or_default()) {
        None | Some("detection") => {
            let detection: Detection = read(members)?;
            check_id("threat_id", &detection.threat_id)?;
            check_head(&detection.event_id, &detection.source, &detection.details)?;
            Ok(SourceEvent::Detection(detection))
        }
        Some("sensor") => {
            let report: SensorReport = read(members)?;
            check_head(&report.event_id, &report.source, &Map::new())?;
            Ok(SourceEvent::Sensor(report))
        }
        Some("notice") => {
            let notice: Notice = read(members)?;
            check_head(&notice.event_id, &notice.source, &notice.details)?;
            Ok(SourceEvent::Notice(notice))
        }
        Some(_) => Err("type: not `detection`, `sensor` or `notice`".to_owned()),
    }
}

fn read<T: DeserializeOwned>(members: Map<String, Value>) -> Result<T, String> {
    serde_path_to_error::deserialize(Value::Object(members)).map_err(|error| match error.path().to_string().as_str() {
        // The whole object: the error itself names the member that is missing or unknown.
        "." => error.inner().to_string(),
        path => format!("{path}: {}", error.inner()),
    })
}

fn check_head(event_id: &str, source: &str, details: &Map<String, Value>) -> Result<(), String> {
    check_id("event_id", event_id)?;
    check_source(source)?;
    if bounded::size(details) > bounded::DETAILS {
        return Err(format!("details: longer than {} bytes", bounded::DETAILS));
    }
    Ok(())
}

fn check_id(member: &str, id: &str) -> Result<(), String> {
    if id.is_empty() || id.len() > bounded::ID {
        return Err(format!("{member}: not 1 to {} bytes", bounded::ID));
    }
    Ok(())
}

fn check_source(source: &str) -> Result<(), String> {
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-';
    if source.is_empty() || source.len() > 64 || !source.bytes().all(is_name) {
        return Err("source: not 1 to 64 characters of a-z 0-9 _ -".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

    use allclear_domain::{
        detection::{DeviceRef, ProtectionStatus, ThreatStatus},
        level::RiskLevel,
    };
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn detection() -> Value {
        json!({
            "event_id": "e-1", "source": "lab-sensor", "device": {"serial_number": "C02X1"}, "threat_id": "t-1",
            "classification": "trojan", "status": "open", "detected_at": "2026-03-01T10:00:00+01:00",
            "severity": "high", "details": {"package_name": "com.example.torch"}
        })
    }

    fn with(member: &str, value: Value) -> String {
        let mut line = detection();
        line[member] = value;
        line.to_string()
    }

    fn reason(line: &str) -> String {
        match parse_native(line) {
            SourceEvent::Unmapped(unmapped) => {
                assert_eq!(unmapped.raw, line);
                unmapped.reason
            }
            other => panic!("understood as {other:?}"),
        }
    }

    #[test]
    fn a_detection_with_or_without_its_type() {
        let SourceEvent::Detection(read) = parse_native(&detection().to_string()) else { panic!() };
        assert_eq!(read.event_id, "e-1");
        assert_eq!(read.source, "lab-sensor");
        assert_eq!(read.device, DeviceRef::SerialNumber("C02X1".into()));
        assert_eq!(read.status, ThreatStatus::Open);
        assert_eq!(read.detected_at, "2026-03-01T09:00:00Z".parse().unwrap());
        assert_eq!(read.severity, Some(RiskLevel::High));
        assert_eq!(read.details["package_name"], "com.example.torch");
        assert_eq!(parse_native(&with("type", json!("detection"))), SourceEvent::Detection(read));
    }

    #[test]
    fn a_sensor_report_and_a_notice() {
        let sensor = json!({
            "type": "sensor", "event_id": "e-2", "source": "lab", "device": {"external_id": "d-1"},
            "reported_at": "2026-03-01T10:00:00Z", "protection_status": "disconnected",
            "observed": {"os_version": "17.6"}
        });
        let SourceEvent::Sensor(report) = parse_native(&sensor.to_string()) else { panic!() };
        assert_eq!(report.protection_status, Some(ProtectionStatus::Disconnected));
        assert_eq!(report.observed.os_version.as_deref(), Some("17.6"));

        let notice =
            json!({"type": "notice", "event_id": "e-3", "source": "lab", "at": "2026-03-01T10:00:00Z", "summary": "s"});
        let SourceEvent::Notice(notice) = parse_native(&notice.to_string()) else { panic!() };
        assert_eq!(notice.summary, "s");
    }

    #[test]
    fn the_reason_names_the_member() {
        for (line, expected) in [
            ("".to_owned(), "not JSON"),
            ("[]".to_owned(), "not a JSON object"),
            (with("type", json!("unmapped")), "type:"),
            (with("type", json!(7)), "type:"),
            (with("status", json!("gone")), "status: unknown variant `gone`"),
            (with("detected_at", json!("yesterday")), "detected_at: not an RFC 3339 time"),
            (with("device", json!({"imei": "1"})), "device: unknown variant `imei`"),
            (with("colour", json!("red")), "unknown field `colour`"),
            (with("event_id", json!("")), "event_id:"),
            (with("threat_id", json!("x".repeat(201))), "threat_id:"),
            (with("source", json!("Not A Source")), "source:"),
            (with("details", json!({"x": "y".repeat(17_000)})), "details:"),
        ] {
            let reason = reason(&line);
            assert!(reason.contains(expected), "{line}: {reason}");
        }
        let mut incomplete = detection();
        incomplete.as_object_mut().unwrap().remove("threat_id");
        assert!(reason(&incomplete.to_string()).contains("missing field `threat_id`"));
    }

    #[test]
    fn what_is_not_understood_keeps_its_id_and_source() {
        let SourceEvent::Unmapped(unmapped) = parse_native(&with("status", json!("gone"))) else { panic!() };
        assert_eq!((unmapped.event_id.as_str(), unmapped.source.as_str()), ("e-1", "lab-sensor"));
        let SourceEvent::Unmapped(unmapped) = parse_native("{}") else { panic!() };
        assert_eq!(unmapped.source, "native");
        assert!(unmapped.event_id.starts_with("sha256:"));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(line in ".{0,200}", member in "[a-z_]{1,12}", value in ".{0,300}") {
            parse_native(&line);
            parse_native(&with(&member, json!(value)));
        }
    }
}
