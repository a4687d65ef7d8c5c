//! Google with phones, an administrator who has signed up, and what both see.

use serde_json::{Value, json};

use crate::{
    common::{Client, Place, Server, fleet::trojan, shared_data, until},
    peer::Peer,
};

pub const PATH: &str = "/api/v1/android-enterprise";

/// Google, which plays phones as well.
pub struct Google {
    pub peer: Peer,
    pub url: String,
    account: Value,
    orders: u64,
}

impl Google {
    pub fn new() -> Google {
        let mut options = json!({ "pull_wait": 2 });
        if let Some(path) = shared_data("android/androidmanagement.v1.json") {
            options["description"] = json!(path);
        }
        let peer = Peer::start("android-management.mjs", &[&options.to_string()]);
        let account = peer.wait_for("the account", |line| line["event"] == "account");
        let url = format!("http://127.0.0.1:{}", peer.port);
        Google { peer, url, account, orders: 0 }
    }

    /// How it is set up.
    pub fn settings(&self) -> Value {
        json!({
            "service_account": self.account["service_account"], "base_url": self.url, "pubsub_base_url": self.url,
            "topic": self.account["topic"], "subscription": self.account["subscription"],
            "keys_url": self.account["keys_url"],
        })
    }

    /// Gives an order, and what came of it.
    pub fn order(&mut self, name: &str, order: Value) -> Value {
        self.orders += 1;
        let id = self.orders;
        let mut line = json!({ "id": id });
        line[name] = order;
        self.peer.say(&line);
        let done = self.peer.wait_for(name, |line| line["event"] == "ordered" && line["id"] == id);
        assert_eq!(done["error"], Value::Null, "{name}: {done}");
        done["result"].clone()
    }

    /// A kind of thing that is kept.
    pub fn show(&mut self, kind: &str) -> Vec<Value> {
        self.order("show", json!({}))[kind].as_array().expect("a list").clone()
    }

    /// A device as Google has it.
    pub fn device(&mut self, name: &str) -> Value {
        self.show("devices").into_iter().find(|device| device["name"] == name).expect("it is there")
    }

    /// What the policy of a device asks.
    pub fn policy_of(&mut self, name: &str) -> Value {
        let policy = self.device(name)["policyName"].clone();
        self.show("policies").into_iter().find(|one| one["name"] == policy).expect("it is there")
    }

    /// Requests for a method so far.
    pub fn requests(&self, method: &str) -> Vec<Value> {
        let wanted = |line: &Value| line["event"] == "request" && line["method"] == method;
        self.peer.lines().into_iter().filter(wanted).collect()
    }

    /// Panics unless all that was said, on both sides, is as Google describes it.
    pub fn verify(&self) {
        for line in self.peer.lines() {
            assert_ne!(line["event"], "wrong_answer", "{line}");
            let violations = line["violations"].as_array().map_or(0, Vec::len);
            assert_eq!(violations, 0, "{line}");
        }
    }
}

/// A server whose administrator has signed up with Google.
pub struct World {
    pub server: Server,
    pub admin: Client,
    pub google: Google,
}

impl World {
    pub async fn new(place: &Place) -> World {
        World::with(place, |_| {}).await
    }

    /// The same with settings changed.
    pub async fn with(place: &Place, change: impl Fn(&mut Value)) -> World {
        let google = Google::new();
        let server = start(place).await;
        let admin = server.client(&place.token("administrator", None).await);
        let mut settings = google.settings();
        settings["version"] = json!(0);
        change(&mut settings);
        admin.call("PUT", PATH, &settings).await.expect(200);
        let url = admin.poke(&format!("{PATH}/sign-up")).await.expect(201)["url"].clone();
        // As a browser does that is shown Google's page.
        let signed_up = Client::new(url.as_str().unwrap(), "").get("").await;
        assert_eq!(signed_up.status, 302, "{}", signed_up.text);
        let back = Client::new(signed_up.header("location"), "").get("").await;
        assert_eq!(back.status, 200, "{}", back.text);
        World { server, admin, google }
    }

    /// Makes what a phone is shown to enroll.
    pub async fn token(&self, management: &str) -> Value {
        let users = self.admin.all("/api/v1/users").await.len();
        let user = json!({ "user_name": format!("user {users}") });
        let user = self.admin.post("/api/v1/users", user).await.expect(201);
        let token = json!({ "user_id": user["id"], "platform": "android" });
        let token = self.admin.post("/api/v1/enrollment-tokens", token).await.expect(201);
        let path = format!("/api/v1/enrollment-tokens/{}/android", token["id"].as_str().unwrap());
        self.admin.post(&path, json!({ "management": management })).await.expect(201)
    }

    /// Enrolls a phone: its id here, and what Google calls it.
    pub async fn enroll(&mut self, management: &str, serial: &str, more: Value) -> (String, String) {
        let token = self.token(management).await;
        let mut order = json!({ "qr": token["qr_code"], "serial": serial });
        order.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
        let name = self.google.order("enroll", order)["device"].as_str().unwrap().to_owned();
        (self.known(serial).await, name)
    }

    /// The device of a serial number once it is known and enrolled.
    pub async fn known(&self, serial: &str) -> String {
        let found = until("the device is known", async || {
            let devices = self.admin.all(&format!("/api/v1/devices?q={serial}")).await;
            devices.into_iter().find(|device| device["enrollment_status"] == "enrolled")
        });
        found.await["id"].as_str().unwrap().to_owned()
    }

    /// A threat on a device, or its end.
    pub async fn detect(&self, event: &str, serial: &str, status: &str, seconds: u32) {
        let detection = trojan(event, json!({ "serial_number": serial }), "t-1", status, seconds);
        self.admin.post("/api/v1/detections", detection).await.expect(200);
    }

    /// The device as an administrator sees it.
    pub async fn seen(&self, device: &str) -> Value {
        self.admin.read(&format!("/api/v1/devices/{device}")).await
    }

    /// Waits until a profile, the only one if it is not named, has this status on a device; what is said of it.
    pub async fn status(&self, device: &str, profile: &str, status: &str) -> Value {
        until(&format!("{profile} is {status}"), async || {
            let seen = self.seen(device).await;
            let profiles = seen["profiles"].as_array().unwrap();
            profiles.iter().find(|one| one["name"] == profile && one["status"] == status).cloned()
        })
        .await
    }

    /// A published profile for all Android devices.
    pub async fn profile(&self, name: &str, settings: Value) {
        let group = json!({ "name": format!("{name} group"), "selection": { "criteria": { "platforms": [{ "platform": "android" }] } } });
        let group = self.admin.post("/api/v1/smart-groups", group).await.expect(201);
        let payload = json!({ "type": "restrictions", "settings": settings });
        let spec = json!({ "assigned_groups": [group["id"]], "payloads": [payload] });
        let profile = json!({ "name": name, "platform": "android", "spec": spec });
        let profile = self.admin.post("/api/v1/profiles", profile).await.expect(201);
        self.admin.poke(&format!("/api/v1/profiles/{}/publish", profile["id"].as_str().unwrap())).await.expect(200);
    }

    /// Gives a command; its path.
    pub async fn command(&self, device: &str, command: Value) -> String {
        let confirm = self.seen(device).await["friendly_name"].clone();
        let body = json!({ "command": command, "confirm": confirm });
        let path = format!("/api/v1/devices/{device}/commands");
        let made = self.admin.post(&path, body).await.expect(201);
        format!("{path}/{}", made["id"].as_str().unwrap())
    }

    /// Waits until a command has come to a state; what is known of it.
    pub async fn comes_to(&self, command: &str, state: &str) -> Value {
        until(&format!("the command is {state}"), async || {
            Some(self.admin.read(command).await).filter(|command| command["state"] == state)
        })
        .await
    }

    /// Waits until Google was asked so; the request.
    pub async fn asked(&self, method: &str, which: impl Fn(&Value) -> bool) -> Value {
        until(method, async || self.google.requests(method).into_iter().find(|request| which(request))).await
    }

    pub async fn stop(self, place: &Place) {
        self.google.verify();
        self.server.stop().await;
        place.verify().await;
    }
}

pub async fn start(place: &Place) -> Server {
    Server::start_with(place, &[("OUTGOING_ALLOW", "127.0.0.1")]).await
}
