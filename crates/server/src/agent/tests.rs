//! A device's life over its interface: enroll, restrictions come and go, enroll again.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

use std::time::Duration;

use allclear_domain::time::Span;
use serde_json::{Value, json};

use crate::testing::{Answer, World};

/// A server with the response to risk set up, its administrator, and a user.
pub(crate) struct Stage {
    pub(crate) world: World,
    pub(crate) admin: String,
    pub(crate) user: String,
}

impl Stage {
    pub(crate) async fn new() -> Stage {
        Stage::with(World::new().await).await
    }

    pub(crate) async fn with(world: World) -> Stage {
        let admin = world.admin().await;
        world.call("POST", "/api/v1/quickstart/risk-response", &admin, Some(json!({}))).await.expect(200);
        let user = json!({"user_name": "ada", "display_name": "Ada Nowak", "email": "ada@example.com"});
        let user = world.call("POST", "/api/v1/users", &admin, Some(user)).await.expect(201);
        let user = user["id"].as_str().unwrap().to_owned();
        Stage { world, admin, user }
    }

    pub(crate) async fn enrollment_token(&self) -> String {
        let new = json!({"user_id": self.user});
        let made = self.world.call("POST", "/api/v1/enrollment-tokens", &self.admin, Some(new)).await.expect(201);
        let token = made["token"].as_str().unwrap().to_owned();
        assert_eq!(made["url"], format!("http://localhost/enroll#{token}"));
        token
    }

    /// The id of a new enrollment token, which is not the token.
    pub(crate) async fn enrollment_token_id(&self) -> String {
        let new = json!({"user_id": self.user});
        let made = self.world.call("POST", "/api/v1/enrollment-tokens", &self.admin, Some(new)).await.expect(201);
        made["id"].as_str().unwrap().to_owned()
    }

    async fn enroll_with(&self, token: &str, device: Value) -> Answer {
        let body = json!({"enrollment_token": token, "device": device});
        self.world.call("POST", "/agent/v1/enroll", "", Some(body)).await
    }

    pub(crate) async fn enroll(&self, serial: &str) -> Phone<'_> {
        let device = json!({"platform": "android", "serial_number": serial, "model": "Pixel 8", "os_version": "14"});
        self.enroll_phone(device).await
    }

    /// An iPhone's agent.
    pub(crate) async fn enroll_pad(&self, serial: &str) -> Phone<'_> {
        self.enroll_phone(json!({"platform": "ios", "serial_number": serial})).await
    }

    async fn enroll_phone(&self, device: Value) -> Phone<'_> {
        let enrolled = self.enroll_with(&self.enrollment_token().await, device).await.expect(201);
        let text = |name: &str| enrolled[name].as_str().unwrap().to_owned();
        Phone { stage: self, id: text("device_id"), token: text("device_token") }
    }

    pub(crate) async fn device(&self, id: &str) -> Value {
        self.world.get(&format!("/api/v1/devices/{id}"), &self.admin).await.expect(200)
    }
}

pub(crate) struct Phone<'s> {
    stage: &'s Stage,
    pub(crate) id: String,
    pub(crate) token: String,
}

impl Phone<'_> {
    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.stage.world.call("POST", &format!("/agent/v1/{path}"), &self.token, Some(body)).await
    }

    pub(crate) async fn commands(&self) -> Vec<Value> {
        let answer = self.stage.world.get("/agent/v1/commands?wait=0", &self.token).await.expect(200);
        answer["commands"].as_array().unwrap().clone()
    }

    pub(crate) async fn answer(&self, command: &Value, body: Value) -> Value {
        let id = command["id"].as_str().unwrap();
        self.post(&format!("commands/{id}/result"), body).await.expect(200)["outcome"].clone()
    }

    pub(crate) async fn detect(&self, event: &str, status: &str) -> Value {
        let at = self.stage.world.state.source.now();
        let body = json!({"event_id": event, "threat_id": "t1", "classification": "trojan", "status": status,
            "detected_at": at, "details": {"package": "com.example.bad"}});
        self.post("detections", body).await.expect(200)
    }

    /// Name, desired, status and detail of the one profile that concerns the device.
    async fn profile(&self) -> [Value; 4] {
        let device = self.stage.device(&self.id).await;
        let profile = device["profiles"][0].clone();
        ["name", "desired", "status", "detail"].map(|name| profile[name].clone())
    }
}

#[tokio::test]
async fn a_threat_brings_a_profile_and_its_end_takes_it_off() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    let device = stage.device(&phone.id).await;
    assert_eq!(device["friendly_name"], "Ada Nowak's Pixel 8");
    assert_eq!(device["user"]["user_name"], "ada");
    assert_eq!(device["protection_status"], "activated");
    assert_eq!(device["tags"], json!(["MTD - Activated", "MTD - Secured"]));
    assert_eq!(phone.commands().await, Vec::<Value>::new());

    assert_eq!(phone.detect("1", "open").await, json!({"accepted": 1, "duplicates": 0, "rejected": []}));
    assert_eq!(phone.detect("1", "open").await["duplicates"], 1);
    let device = stage.device(&phone.id).await;
    assert_eq!(device["risk_level"], "high");
    assert_eq!(device["compliance"], "not_compliant");
    assert_eq!(device["tags"], json!(["MTD - Activated", "MTD - High Risk", "MTD - Threats Present"]));
    assert_eq!(device["smart_groups"][0]["name"], "MTD High Risk");
    assert_eq!(device["open_threats"][0]["classification"], "trojan");
    assert_eq!(device["open_threats"][0]["source"], "agent");
    let [name, desired, status, _] = phone.profile().await;
    assert_eq!((name, desired, status), (json!("MTD High Risk Android"), json!("install"), json!("pending_install")));

    let commands = phone.commands().await;
    assert_eq!(commands.len(), 1, "{commands:?}");
    let install = &commands[0];
    assert_eq!(install["type"], "install_profile");
    assert_eq!(install["profile"]["name"], "MTD High Risk Android");
    assert_eq!(install["profile"]["version"], 1);
    assert!(!install["profile"]["payloads"].as_array().unwrap().is_empty());
    assert_eq!(phone.commands().await, commands, "handed out again under its id until it is answered");

    let failed = json!({"status": "error", "detail": "DevicePolicyManager said no"});
    assert_eq!(phone.answer(install, failed.clone()).await, "recorded");
    assert_eq!(phone.answer(install, failed).await, "settled");
    let [_, _, status, detail] = phone.profile().await;
    assert_eq!((status, detail), (json!("failed"), json!("DevicePolicyManager said no")));
    assert_eq!(phone.commands().await, Vec::<Value>::new(), "not at once again");
    stage.world.pass(Span::seconds(61));
    let commands = phone.commands().await;
    assert_ne!(commands[0]["id"], install["id"], "a new attempt is a new command");
    assert_eq!(phone.answer(&commands[0], json!({"status": "acknowledged"})).await, "recorded");
    let [_, _, status, detail] = phone.profile().await;
    assert_eq!((status, detail), (json!("installed"), Value::Null));
    assert_eq!(phone.commands().await, Vec::<Value>::new());

    assert_eq!(phone.detect("2", "resolved").await["accepted"], 1);
    let device = stage.device(&phone.id).await;
    assert_eq!(device["tags"], json!(["MTD - Activated", "MTD - Secured"]));
    assert_eq!((device["compliance"].clone(), device["open_threats"].clone()), (json!("compliant"), json!([])));
    let commands = phone.commands().await;
    assert_eq!(commands[0]["type"], "remove_profile");
    assert_eq!(commands[0]["profile"]["version"], 1);
    assert_eq!(phone.answer(&commands[0], json!({"status": "acknowledged"})).await, "recorded");
    let [_, desired, status, _] = phone.profile().await;
    assert_eq!((desired, status), (json!("nothing"), json!("removed")));

    let at = format!("/api/v1/devices/{}/timeline", phone.id);
    let mut positions: Vec<i64> = Vec::new();
    let mut kinds: Vec<String> = Vec::new();
    let mut uri = format!("{at}?limit=2");
    loop {
        let page = stage.world.get(&uri, &stage.admin).await.expect(200);
        for entry in page["items"].as_array().unwrap() {
            positions.push(entry["position"].as_i64().unwrap());
            let changes = entry["changes"].as_array().unwrap().iter().rev();
            kinds.extend(changes.map(|change| change["type"].as_str().unwrap().to_owned()));
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => uri = format!("{at}?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert!(positions.windows(2).all(|pair| pair[0] > pair[1]), "newest first, each once: {positions:?}");
    kinds.reverse();
    for kind in ["device_created", "device_enrolled", "threat", "risk", "command_issued", "profile_reported"] {
        assert!(kinds.iter().any(|found| found == kind), "{kind} is missing: {kinds:?}");
    }
    assert_eq!(kinds[0], "device_created");
}

#[tokio::test]
async fn a_command_whose_reason_has_gone_is_not_handed_out() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    phone.detect("1", "open").await;
    let install = phone.commands().await.remove(0);
    phone.detect("2", "resolved").await;
    let commands = phone.commands().await;
    assert_eq!(commands.len(), 1);
    assert_eq!(commands[0]["type"], "remove_profile", "it may have been installed meanwhile");
    assert_eq!(phone.answer(&commands[0], json!({"status": "acknowledged"})).await, "recorded");
    assert_eq!(phone.answer(&install, json!({"status": "acknowledged"})).await, "settled", "late");
    assert_eq!(phone.commands().await, Vec::<Value>::new());

    stage.world.pass(Span::seconds(1));
    phone.detect("3", "open").await;
    stage.world.pass(Span::seconds(1));
    phone.detect("4", "resolved").await;
    assert_eq!(phone.commands().await, Vec::<Value>::new(), "never given, so there is nothing to take back");
}

#[tokio::test]
async fn a_poll_waits_until_there_is_something_to_do() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    let before = stage.device(&phone.id).await;
    let (answer, ()) = tokio::join!(stage.world.get("/agent/v1/commands?wait=60", &phone.token), async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(stage.device(&phone.id).await["version"], before["version"], "waiting writes nothing");
        phone.detect("1", "open").await;
    });
    assert_eq!(answer.expect(200)["commands"][0]["type"], "install_profile");

    let other = stage.enroll("S2").await;
    let started = std::time::Instant::now();
    let (answer, ()) = tokio::join!(stage.world.get("/agent/v1/commands?wait=60", &other.token), async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        stage.world.state.stopping.cancel();
    });
    assert_eq!(answer.expect(200), json!({"commands": []}));
    assert!(started.elapsed() < Duration::from_secs(30), "a server that stops lets nobody wait");
    stage.world.get("/agent/v1/commands?wait=61", &other.token).await.expect(422);
    stage.world.get("/agent/v1/commands?waits=1", &other.token).await.expect(422);
}

#[tokio::test]
async fn a_device_that_cannot_now_is_asked_again_with_the_same_command() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    phone.detect("1", "open").await;
    let command = phone.commands().await.remove(0);
    assert_eq!(phone.answer(&command, json!({"status": "not_now", "detail": "screen is locked"})).await, "recorded");
    let [_, _, status, detail] = phone.profile().await;
    assert_eq!((status, detail), (json!("installing"), json!("screen is locked")));
    assert_eq!(phone.commands().await, Vec::<Value>::new());
    stage.world.pass(Span::seconds(61));
    assert_eq!(phone.commands().await, [command]);
}

#[tokio::test]
async fn a_token_enrolls_one_device_and_a_device_speaks_for_itself_alone() {
    let stage = Stage::new().await;
    let token = stage.enrollment_token().await;
    let device = json!({"platform": "ios", "udid": "U1"});
    let refused = stage.enroll_with("nonsense", device.clone()).await;
    assert_eq!(refused.expect(401)["type"], "/problems/unauthorized");
    let unknown = format!("ace_1_{}", "A".repeat(43));
    stage.enroll_with(&unknown, device.clone()).await.expect(401);
    let invalid = stage.enroll_with(&token, json!({"platform": "ios", "udid": " "})).await.expect(422);
    assert_eq!(invalid["errors"][0]["pointer"], "/device/udid");
    stage.enroll_with(&token, json!({"platform": "ios", "colour": "red"})).await.expect(422);
    let first = stage.enroll_with(&token, device.clone()).await.expect(201);
    let used = stage.enroll_with(&token, device.clone()).await.expect(401);
    assert_eq!(used["detail"], "The enrollment token was used already.");
    let again = stage.enroll_with(&stage.enrollment_token().await, device).await.expect(201);
    assert_eq!(first["device_id"], again["device_id"]);
    let (old, new) = (first["device_token"].as_str().unwrap(), again["device_token"].as_str().unwrap());
    stage.world.get("/agent/v1/commands", old).await.expect(401);
    stage.world.get("/agent/v1/commands", new).await.expect(200);
    stage.world.get("/agent/v1/commands", &stage.admin).await.expect(401);
    stage.world.get("/api/v1/devices", new).await.expect(401);

    let (one, two) = (stage.enroll("S1").await, stage.enroll("S2").await);
    assert_eq!(one.detect("1", "open").await["accepted"], 1);
    assert_eq!(two.detect("1", "open").await["accepted"], 1, "each device counts its own events");
    let command = one.commands().await.remove(0);
    assert_eq!(two.answer(&command, json!({"status": "acknowledged"})).await, "settled", "not its command");
    assert_eq!(one.profile().await[2], "pending_install");
    let about = json!({"event_id": "2", "device": {"id": two.id}, "threat_id": "t", "classification": "trojan",
        "status": "open", "detected_at": stage.world.state.source.now()});
    let taken = one.post("detections", about).await.expect(200);
    assert_eq!(taken["rejected"][0]["code"], "invalid");
    let at = stage.world.state.source.now();
    let several = json!([
        {"event_id": "3", "threat_id": "t3", "classification": "adware", "status": "open", "detected_at": at},
        {"event_id": "x".repeat(161), "threat_id": "t", "classification": "adware", "status": "open", "detected_at": at},
        {"event_id": "4", "source": "Not A Source", "threat_id": "t", "classification": "adware", "status": "open",
            "detected_at": at},
    ]);
    let taken = one.post("detections", several).await.expect(200);
    assert_eq!(taken["accepted"], 1);
    let codes = [&taken["rejected"][0]["code"], &taken["rejected"][1]["code"]];
    assert_eq!(codes, ["invalid_id", "invalid_source"]);
}

#[tokio::test]
async fn an_inventory_is_taken_over_and_a_deleted_device_is_turned_away() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    phone.detect("1", "open").await;
    let command = phone.commands().await.remove(0);
    phone.answer(&command, json!({"status": "acknowledged"})).await;
    let inventory = json!({"os_version": "15", "protection_status": "deactivated", "profiles": []});
    phone.post("inventory", inventory).await.expect(204);
    let device = stage.device(&phone.id).await;
    assert_eq!((&device["os_version"], &device["protection_status"]), (&json!("15"), &json!("deactivated")));
    assert_eq!(device["model"], "Pixel 8", "what is left out stays");
    assert_eq!(phone.profile().await[2], "pending_install", "the profile is gone from the device");
    assert_eq!(phone.commands().await[0]["type"], "install_profile");
    phone.post("inventory", json!({"model": ""})).await.expect(422);
    phone.post("inventory", json!({"platform": "ios"})).await.expect(422);

    let uri = format!("/api/v1/devices/{}", phone.id);
    let unenrolled = stage.world.call("POST", &format!("{uri}/unenroll"), &stage.admin, None).await.expect(200);
    assert_eq!(unenrolled["enrollment_status"], "unenrolled");
    assert_eq!(phone.commands().await[0]["type"], "remove_profile", "its agent learns of it");
    stage.world.call("DELETE", &uri, &stage.admin, None).await.expect(204);
    stage.world.get("/agent/v1/commands", &phone.token).await.expect(401);
    stage.world.get(&uri, &stage.admin).await.expect(404);
    stage.world.get(&format!("{uri}/timeline"), &stage.admin).await.expect(404);
}

#[tokio::test]
async fn what_an_inventory_shows_to_be_wrong_is_a_threat_until_it_is_put_right() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    phone
        .post("inventory", json!({"passcode_present": false, "encrypted": true, "developer_mode": true}))
        .await
        .expect(204);
    let device = stage.device(&phone.id).await;
    assert_eq!(device["security"]["passcode_present"], false);
    assert_eq!(device["security"]["rooted"], Value::Null);
    let mut kinds: Vec<_> = device["open_threats"].as_array().unwrap().iter().map(|it| &it["classification"]).collect();
    kinds.sort_by_key(ToString::to_string);
    assert_eq!(kinds, ["developer_mode", "no_passcode"]);
    assert_eq!(device["open_threats"][0]["source"], "allclear");
    assert_eq!(device["risk_level"], "medium");

    phone.post("inventory", json!({"passcode_present": true})).await.expect(204);
    let device = stage.device(&phone.id).await;
    assert_eq!(device["open_threats"].as_array().unwrap().len(), 1);
    assert_eq!(device["risk_level"], "low");
}
