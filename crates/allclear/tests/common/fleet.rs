//! People, phones and detections, made over the public interfaces.

use serde_json::{Value, json};

use super::client::{Answer, Client};

/// The id of the organization group Global, the same on every server.
pub const GLOBAL: &str = "00000000-0000-0000-0000-000000000000";

/// A time in the past, so many seconds after a fixed one: what decides is the order of events.
pub fn at(seconds: u32) -> String {
    assert!(seconds < 86_400, "within a day");
    format!("2026-03-01T{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A detection of a trojan. `device` names the device by one of its keys.
#[allow(clippy::needless_pass_by_value, reason = "callers make the reference on the spot")]
pub fn trojan(event: &str, device: Value, threat: &str, status: &str, seconds: u32) -> Value {
    json!({
        "event_id": event, "source": "sensor", "device": device, "threat_id": threat,
        "classification": "trojan", "status": status, "detected_at": at(seconds),
        "details": { "package": "com.example.flashlight" },
    })
}

/// An enrolled device and its agent.
#[derive(Clone)]
pub struct Phone {
    /// The device's id.
    pub id: String,
    /// What the maker calls it.
    pub serial: String,
    /// Speaks with the device's credential.
    pub agent: Client,
}

impl Phone {
    /// Enrolls a device of a new user, as an administrator and the device do it.
    pub async fn enroll(admin: &Client, platform: &str, serial: &str) -> Phone {
        let user = admin.post("/api/v1/users", json!({ "user_name": format!("user of {serial}") })).await.expect(201);
        Phone::enroll_for(admin, &user["id"], platform, serial).await
    }

    /// Enrolls a device of a user.
    pub async fn enroll_for(admin: &Client, user: &Value, platform: &str, serial: &str) -> Phone {
        let token = admin.post("/api/v1/enrollment-tokens", json!({ "user_id": user })).await.expect(201);
        let (os_version, management) =
            if platform == "android" { ("15", "fully_managed") } else { ("18.2", "supervised") };
        let device = json!({
            "platform": platform, "serial_number": serial, "friendly_name": format!("phone {serial}"),
            "os_version": os_version, "management": management,
        });
        let body = json!({ "enrollment_token": token["token"], "device": device });
        let enrolled = admin.with("").post("/agent/v1/enroll", body).await.expect(201);
        Phone {
            id: enrolled["device_id"].as_str().unwrap().to_owned(),
            serial: serial.to_owned(),
            agent: admin.with(enrolled["device_token"].as_str().unwrap()),
        }
    }

    /// The device by its serial number.
    pub fn by_serial(&self) -> Value {
        json!({ "serial_number": self.serial })
    }

    /// What the device is to do, after so many seconds at most.
    pub async fn commands(&self, wait: u32) -> Vec<Value> {
        let mut answer = self.agent.read(&format!("/agent/v1/commands?wait={wait}")).await;
        answer["commands"].as_array_mut().expect("a list").drain(..).collect()
    }

    /// Answers a command.
    pub async fn answer(&self, command: &Value, status: &str) -> Answer {
        let path = format!("/agent/v1/commands/{}/result", command["id"].as_str().unwrap());
        self.agent.post(&path, json!({ "status": status })).await
    }

    /// The device as an administrator sees it.
    pub async fn seen_by(&self, admin: &Client) -> Value {
        admin.read(&format!("/api/v1/devices/{}", self.id)).await
    }
}

/// The strings at a key of each item.
pub fn each<'a>(items: &'a Value, key: &str) -> Vec<&'a str> {
    items.as_array().expect("an array").iter().map(|item| item[key].as_str().expect("a string")).collect()
}
