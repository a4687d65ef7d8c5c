//! What Google tells of its own accord, by Pub/Sub: messages that are fetched, or pushed to us.

use data_encoding::BASE64;
use serde_json::Value;

use super::{names, operation::Operation};

/// The longest notification that is read, in bytes: what Pub/Sub takes at most.
const LONGEST: usize = 10 * 1024 * 1024;

/// A message as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    /// What Pub/Sub calls it. The same message may come again.
    pub id: String,
    /// What it is about: the attribute `notificationType`, empty if there is none.
    pub kind: String,
    /// What it says; empty if it could not be decoded.
    pub data: Vec<u8>,
}

impl std::fmt::Debug for Message {
    /// Without what it says about people's devices.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Message({} {}, {} bytes)", self.id, self.kind, self.data.len())
    }
}

impl Message {
    /// A `PubsubMessage`.
    pub(super) fn of(message: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let data = message["data"].as_str().filter(|data| data.len() <= LONGEST.div_ceil(3) * 4);
        Self {
            id: text(&message["messageId"]),
            kind: text(&message["attributes"]["notificationType"]),
            data: data.and_then(|data| BASE64.decode(data.as_bytes()).ok()).unwrap_or_default(),
        }
    }
}

/// The body of a request by which Pub/Sub pushes a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Pushed {
    /// The subscription, for example `projects/p/subscriptions/allclear`.
    pub subscription: String,
    /// The message.
    pub message: Message,
}

/// Reads the body of a push; the reason if it is none.
pub fn pushed(body: &[u8]) -> Result<Pushed, String> {
    let body: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    match (body["subscription"].as_str(), &body["message"]) {
        (Some(subscription), message @ Value::Object(_)) => {
            Ok(Pushed { subscription: subscription.to_owned(), message: Message::of(message) })
        }
        _ => Err("a push has a message and a subscription".to_owned()),
    }
}

/// What has happened. Nothing but the shape and the names are checked: what is in a device is looked at where it is read.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// A device has enrolled: Google's `Device`.
    Enrollment(Value),
    /// A device has reported: Google's `Device`. It is gone if `state` or `appliedState` is `DELETED`.
    StatusReport(Value),
    /// A command has come to its end.
    Command(Operation),
    /// The enterprise has become a managed Google domain.
    EnterpriseUpgrade {
        /// Its name.
        enterprise: String,
    },
    /// What happened on a device, which is not asked for.
    UsageLogs,
    /// Google has tried out the topic.
    Test,
    /// Something else, by its name.
    Unknown(String),
}

impl Event {
    /// What a message says; the reason if that cannot be read, now or ever.
    pub fn read(message: &Message) -> Result<Self, String> {
        let said = || serde_json::from_slice::<Value>(&message.data).map_err(|error| error.to_string());
        let device = || {
            let device = said()?;
            let name = device["name"].as_str().unwrap_or_default();
            if names::is_name(name, &["enterprises", "devices"]) { Ok(device) } else { Err("it names no device") }
                .map_err(str::to_owned)
        };
        match message.kind.as_str() {
            "ENROLLMENT" => device().map(Self::Enrollment),
            "STATUS_REPORT" => device().map(Self::StatusReport),
            "COMMAND" => Operation::read(&said()?).map(Self::Command),
            "ENTERPRISE_UPGRADE" => match said()?["enterprise"].as_str() {
                Some(name) if names::is_name(name, &["enterprises"]) => {
                    Ok(Self::EnterpriseUpgrade { enterprise: name.to_owned() })
                }
                _ => Err("it names no enterprise".to_owned()),
            },
            "USAGE_LOGS" => Ok(Self::UsageLogs),
            "test" => Ok(Self::Test),
            other => Ok(Self::Unknown(other.chars().take(100).collect())),
        }
    }

    /// The device it is about, for example `enterprises/E/devices/D`.
    pub fn device(&self) -> Option<&str> {
        match self {
            Self::Enrollment(device) | Self::StatusReport(device) => device["name"].as_str(),
            Self::Command(operation) => Some(operation.device()),
            Self::EnterpriseUpgrade { .. } | Self::UsageLogs | Self::Test | Self::Unknown(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn message(kind: &str, data: &Value) -> Message {
        Message { id: "1".into(), kind: kind.into(), data: data.to_string().into_bytes() }
    }

    #[test]
    fn each_kind_is_read() {
        let device = json!({ "name": "enterprises/E/devices/D", "state": "ACTIVE" });
        let read = |kind: &str, data: &Value| Event::read(&message(kind, data));
        assert_eq!(read("ENROLLMENT", &device), Ok(Event::Enrollment(device.clone())));
        let report = read("STATUS_REPORT", &device).unwrap();
        assert_eq!(report.device(), Some("enterprises/E/devices/D"));
        let operation = json!({ "name": "enterprises/E/devices/D/operations/1", "done": true });
        let command = read("COMMAND", &operation).unwrap();
        assert_eq!(command.device(), Some("enterprises/E/devices/D"));
        let upgraded = Ok(Event::EnterpriseUpgrade { enterprise: "enterprises/E".into() });
        assert_eq!(read("ENTERPRISE_UPGRADE", &json!({ "enterprise": "enterprises/E" })), upgraded);
        assert_eq!(read("USAGE_LOGS", &json!({})), Ok(Event::UsageLogs));
        let empty = Message { id: String::new(), kind: "test".into(), data: Vec::new() };
        assert_eq!(Event::read(&empty), Ok(Event::Test));
        assert_eq!(read(&"X".repeat(300), &json!({})), Ok(Event::Unknown("X".repeat(100))));
        for (kind, data) in [
            ("ENROLLMENT", json!({})),
            ("STATUS_REPORT", json!({ "name": "enterprises/E/devices/../x" })),
            ("STATUS_REPORT", json!([])),
            ("COMMAND", json!({ "name": "operations/1", "done": true })),
            ("ENTERPRISE_UPGRADE", json!({ "enterprise": "E" })),
        ] {
            assert!(read(kind, &data).is_err(), "{kind} {data}");
        }
    }

    #[test]
    fn a_push_is_read_as_pubsub_writes_it() {
        let body = json!({
            "message": {
                "attributes": { "notificationType": "test" },
                "data": BASE64.encode(b"{}"),
                "messageId": "7",
                "message_id": "7",
                "publishTime": "2026-02-26T19:13:55.749Z",
                "publish_time": "2026-02-26T19:13:55.749Z",
            },
            "subscription": "projects/p/subscriptions/s",
        });
        let read = pushed(body.to_string().as_bytes()).unwrap();
        assert_eq!((read.subscription.as_str(), read.message.id.as_str()), ("projects/p/subscriptions/s", "7"));
        assert_eq!((read.message.kind.as_str(), read.message.data.as_slice()), ("test", b"{}".as_slice()));
        for body in ["", "[]", "{}", r#"{"message":{}}"#, r#"{"message":1,"subscription":"s"}"#] {
            assert!(pushed(body.as_bytes()).is_err(), "{body}");
        }
        let damaged = json!({ "message": { "data": "%", "attributes": { "notificationType": "ENROLLMENT" } },
            "subscription": "s" });
        assert!(Event::read(&pushed(damaged.to_string().as_bytes()).unwrap().message).is_err());
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_or_refused(kind in "ENROLLMENT|STATUS_REPORT|COMMAND|ENTERPRISE_UPGRADE|\\PC{0,9}",
            data in "\\PC{0,100}", depth in 0_usize..500) {
            let nested = format!("{}{data}{}", "[".repeat(depth), "]".repeat(depth));
            let message = Message { id: String::new(), kind, data: nested.into_bytes() };
            if let Ok(event @ (Event::Enrollment(_) | Event::StatusReport(_) | Event::Command(_))) = Event::read(&message) {
                prop_assert!(event.device().is_some());
            }
            let _ = pushed(&message.data);
        }
    }
}
