//! A tenant with one of everything in it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    client::Client,
    fleet::{Phone, trojan},
    until,
};

/// Names for ids: `device`, `smart_group` and so on.
pub type Ids = BTreeMap<&'static str, String>;

/// The id of something that was answered.
pub fn id_of(value: &Value) -> String {
    value["id"].as_str().expect("an id").to_owned()
}

/// One of everything, with a mark in its name, and the ids. The device gets a user, a tag and a profile.
pub async fn populate(client: &Client, phone: &Phone, mark: &str) -> Ids {
    let mut ids = Ids::from([("device", phone.id.clone()), ("serial", phone.serial.clone())]);
    let post = async |path: &str, body: Value| client.post(&format!("/api/v1/{path}"), body).await.expect(201);
    ids.insert(
        "organization_group",
        id_of(&post("organization-groups", json!({ "name": format!("{mark} north") })).await),
    );
    let user = json!({ "user_name": format!("{mark} ada"), "email": format!("{mark}@example.com") });
    ids.insert("user", id_of(&post("users", user).await));
    ids.insert("user_group", id_of(&post("user-groups", json!({ "name": format!("{mark} staff") })).await));
    let path = format!("/api/v1/user-groups/{}/members", ids["user_group"]);
    client.post(&path, json!({ "add": [ids["user"]] })).await.expect(200);
    ids.insert("enrollment_token", id_of(&post("enrollment-tokens", json!({ "user_id": ids["user"] })).await));
    ids.insert("tag", id_of(&post("tags", json!({ "name": format!("{mark} tag") })).await));
    let path = format!("/api/v1/devices/{}", phone.id);
    client.post(&format!("{path}/tags"), json!({ "tag_id": ids["tag"] })).await.expect(200);
    client.patch(&path, json!({ "external_id": format!("{mark}-external"), "user_id": ids["user"] })).await.expect(200);
    let group =
        json!({ "name": format!("{mark} group"), "selection": { "criteria": { "tags": { "tags": [ids["tag"]] } } } });
    ids.insert("smart_group", id_of(&post("smart-groups", group).await));
    let payload = json!({ "type": "restrictions", "settings": { "cameraAccess": "CAMERA_ACCESS_DISABLED" } });
    let spec = json!({ "description": mark, "assigned_groups": [ids["smart_group"]], "payloads": [payload] });
    let profile = json!({ "name": format!("{mark} profile"), "platform": "android", "spec": spec });
    ids.insert("profile", id_of(&post("profiles", profile).await));
    let published = client.poke(&format!("/api/v1/profiles/{}/publish", ids["profile"])).await.expect(200);
    ids.insert("job", published["job_id"].as_str().unwrap().to_owned());
    let role = json!({ "name": format!("{mark} role"), "rights": ["view"] });
    ids.insert("role", id_of(&post("roles", role).await));
    let groups = client.all("/api/v1/organization-groups").await;
    let root = groups.iter().find(|group| group["kind"] == "customer").expect("the tenant's own");
    let token = json!({ "name": format!("{mark} token"), "role": ids["role"], "organization_group_id": root["id"] });
    ids.insert("api_token", id_of(&post("api-tokens", token).await));
    let admin = json!({ "user_name": format!("{mark}-admin"), "name": format!("{mark} admin"), "role": "help_desk",
        "organization_group_id": root["id"] });
    let admin = post("admins", admin).await;
    ids.insert("admin", id_of(&admin));
    let secret = admin["link"]["url"].as_str().unwrap().split_once('#').expect("the link's text").1;
    let password = format!("{mark} secret password");
    let anybody = client.with("");
    let redeem = json!({ "token": secret, "password": password });
    anybody.post("/api/v1/links/redeem", redeem).await.expect(200);
    let sign_in = json!({ "user_name": format!("{mark}-admin"), "password": password });
    anybody.post("/api/v1/session", sign_in).await.expect(200);
    let sessions = client.read(&format!("/api/v1/sessions?admin_id={}", ids["admin"])).await;
    ids.insert("session", id_of(&sessions["items"][0]));
    let integration = json!({ "kind": "lookout", "name": format!("{mark} feed"), "base_url": format!("https://{mark}.example.com"),
        "application_key": format!("{mark}-key"), "enabled": false });
    ids.insert("integration", id_of(&post("integrations", integration).await));
    let threat = trojan(&format!("{mark}-event"), phone.by_serial(), &format!("{mark}-threat"), "open", 1);
    client.post("/api/v1/detections", threat).await.expect(200);
    ids.insert("threat", id_of(&client.read(&format!("/api/v1/threats?device_id={}", phone.id)).await["items"][0]));
    let waiting = json!({ "type": "sensor", "event_id": format!("{mark}-waiting"), "source": "sensor",
        "device": { "external_id": format!("{mark}-unknown") }, "reported_at": "2026-03-01T00:00:00Z" });
    let taken = client.post("/api/v1/source-events", json!([waiting, { "nonsense": mark }])).await.expect(200);
    assert_eq!((&taken["waiting"], &taken["exceptions"]), (&json!(1), &json!(1)));
    ids.insert("source_event", id_of(&client.read("/api/v1/source-events?state=exception").await["items"][0]));
    let told = client.post(&format!("/api/v1/users/{}/notify", ids["user"]), json!({ "channels": ["email"] })).await;
    ids.insert("notification", id_of(&told.expect(202)["notifications"][0]));
    let told = json!({ "device_ids": [phone.id], "message": format!("{mark} message") });
    let told = client.post("/api/v1/device-notifications", told).await.expect(202);
    ids.insert("message", told["devices"][0]["notification_id"].as_str().unwrap().to_owned());
    let set = post("indicator-sets", json!({ "name": format!("{mark} set") })).await;
    ids.insert("indicator_set", id_of(&set));
    let pattern = format!("[app:id='{mark}.app']");
    let bundle =
        json!({ "objects": [{ "type": "indicator", "id": "indicator--1", "name": mark, "pattern": pattern }] });
    client.call("PUT", &format!("/api/v1/indicator-sets/{}/content", ids["indicator_set"]), &bundle).await.expect(200);
    let apps = json!({ "apps": [{ "identifier": format!("{mark}.app"), "name": format!("{mark} app") }] });
    phone.agent.post("/agent/v1/inventory", apps).await.expect(204);
    rest(client).await;
    let commands = phone.commands(0).await;
    ids.insert("command", id_of(commands.first().expect("the profile is to be installed")));
    ids
}

/// Waits until nothing goes on by itself.
async fn rest(client: &Client) {
    until("the jobs are done", async || {
        client.all("/api/v1/jobs").await.iter().all(|job| job["state"] == "done").then_some(())
    })
    .await;
}

/// What `{id}` in a path stands for.
pub fn resource_id(path: &str) -> Option<&'static str> {
    Some(match path.split('/').nth(3)? {
        "admins" => "admin",
        "api-tokens" => "api_token",
        "devices" => "device",
        "enrollment-tokens" => "enrollment_token",
        "indicator-sets" => "indicator_set",
        "integrations" => "integration",
        "jobs" => "job",
        "notifications" => "notification",
        "organization-groups" => "organization_group",
        "profiles" => "profile",
        "roles" => "role",
        "sessions" => "session",
        "smart-groups" => "smart_group",
        "source-events" => "source_event",
        "tags" => "tag",
        "threats" => "threat",
        "user-groups" => "user_group",
        "users" => "user",
        _ => return None,
    })
}
