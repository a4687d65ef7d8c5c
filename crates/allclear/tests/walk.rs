//! Every route of the API description, for every role and across tenants: nobody does more than they may, and nothing of
//! one tenant is read, changed or revealed with another's credentials.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::{
    Client, Server,
    client::Answer,
    fleet::{GLOBAL, Phone, each, trojan},
    places,
    tenant::{Ids, id_of, populate, resource_id},
};
use serde_json::{Value, json};
use uuid::Uuid;

/// A route as the API description has it.
#[derive(Clone, Debug)]
struct Operation {
    id: String,
    method: String,
    path: String,
    needs: Needs,
    takes_body: bool,
}

/// Who may call a route.
#[derive(Clone, PartialEq, Debug)]
enum Needs {
    Nothing,
    DeviceCredential,
    /// A signature by an Apple device; never answered with 401.
    AppleSignature,
    /// A session of the Messages app.
    MessagesSession,
    /// An administrator's session: programs are kept out.
    Session,
    /// A session or an API token, whatever it may do.
    Anybody,
    All(BTreeSet<String>),
    Any(BTreeSet<String>),
}

impl Needs {
    fn are_met_by(&self, rights: &BTreeSet<String>) -> bool {
        match self {
            Needs::All(needed) => needed.is_subset(rights),
            Needs::Any(needed) => !needed.is_disjoint(rights),
            Needs::Nothing
            | Needs::DeviceCredential
            | Needs::AppleSignature
            | Needs::MessagesSession
            | Needs::Session
            | Needs::Anybody => {
                panic!("no role decides about that")
            }
        }
    }

    fn of(operation: &Value) -> Needs {
        let security = &operation["security"];
        if security.is_null() {
            return Needs::Nothing;
        }
        if security[0].get("device_credential").is_some() {
            return Needs::DeviceCredential;
        }
        if security[0].get("mdm_signature").is_some() {
            return Needs::AppleSignature;
        }
        if security[0].get("messages_session").is_some() {
            return Needs::MessagesSession;
        }
        if security[0].get("session").is_some() {
            return Needs::Session;
        }
        assert!(security[0].get("api_token").is_some() && security[1].get("session").is_some(), "{security}");
        let sentence = operation["description"].as_str().unwrap_or_default().lines().last().unwrap_or_default();
        if ["get_session", "list_sessions", "end_session"].contains(&operation["operationId"].as_str().unwrap()) {
            return Needs::Anybody;
        }
        assert!(sentence.starts_with("Needs the right"), "{}: {sentence}", operation["operationId"]);
        let rights = sentence.split('`').skip(1).step_by(2).map(str::to_owned).collect();
        if sentence.contains("` or `") { Needs::Any(rights) } else { Needs::All(rights) }
    }
}

async fn operations(client: &Client) -> Vec<Operation> {
    let document = client.read("/api/v1/openapi.json").await;
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            if let Some(id) = operation["operationId"].as_str() {
                found.push(Operation {
                    id: id.to_owned(),
                    method: method.to_uppercase(),
                    path: path.clone(),
                    needs: Needs::of(operation),
                    takes_body: operation.get("requestBody").is_some(),
                });
            }
        }
    }
    assert!(found.len() > 80, "{}", found.len());
    found
}

/// A path with ids that lead to nothing.
fn nowhere(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment.starts_with('{') {
        true => random_id(),
        false => segment.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

fn random_id() -> String {
    Uuid::from_u128(rand::random()).to_string()
}

#[tokio::test]
async fn every_role_does_what_the_description_says_and_no_more() {
    let place = common::Place::sqlite();
    let server = Server::start(&place).await;
    let nobody = server.client("");
    let operations = operations(&nobody).await;
    for operation in &operations {
        let answer = Client::send(nobody.request(&operation.method, &nowhere(&operation.path))).await;
        if operation.needs == Needs::Nothing {
            assert!(answer.status < 500 && ![401, 403].contains(&answer.status), "{}: {}", answer.request, answer.text);
        } else if operation.needs == Needs::AppleSignature {
            answer.expect(403);
        } else {
            answer.expect(401);
        }
    }
    let admin = server.client(&place.token("administrator", None).await);
    let roles = admin.all("/api/v1/roles").await;
    assert_eq!(roles.iter().filter(|role| role["built_in"] == true).count(), 6);
    for role in roles {
        let name = role["id"].as_str().unwrap();
        let strings = role["rights"].as_array().unwrap().iter();
        let rights: BTreeSet<String> = strings.map(|right| right.as_str().unwrap().to_owned()).collect();
        let client = server.client(&place.token(name, None).await);
        for operation in &operations {
            let answer = Client::send(client.request(&operation.method, &nowhere(&operation.path))).await;
            let said = format!("{name}, {}: {} {}", answer.request, answer.status, answer.text);
            match &operation.needs {
                Needs::Nothing => assert!(answer.status < 500, "{said}"),
                Needs::AppleSignature => assert_eq!(answer.status, 403, "{said}"),
                Needs::DeviceCredential | Needs::MessagesSession => assert_eq!(answer.status, 401, "{said}"),
                Needs::Session => assert!([401, 403].contains(&answer.status), "{said}"),
                Needs::Anybody => assert!(answer.status < 500 && ![401, 405].contains(&answer.status), "{said}"),
                needs if needs.are_met_by(&rights) => {
                    assert!(answer.status < 500 && ![401, 403, 405].contains(&answer.status), "{said}");
                }
                Needs::All(needed) | Needs::Any(needed) => {
                    assert_eq!(answer.status, 403, "{said}");
                    assert!(needed.iter().any(|right| answer.text.contains(right)), "{said}");
                }
            }
        }
    }
    server.stop().await;
    place.verify().await;
}

/// What everything of the first tenant is called.
const MARK: &str = "walnut";

#[tokio::test]
async fn nothing_of_one_tenant_is_there_for_another() {
    for place in places().await {
        let server = Server::start(&place).await;
        let theirs = server.client(&place.token("administrator", None).await);
        let global = place.token("administrator", Some("global")).await;
        let customer = json!({ "name": "Hazel", "parent_id": GLOBAL });
        let request = server.client(&global).request("POST", "/api/v1/organization-groups");
        let customer = Client::send(request.header("Allclear-Organization-Group", GLOBAL).json(&customer)).await;
        let customer = id_of(&customer.expect(201));
        let token = place.token("administrator", Some(&customer)).await;
        let mine = server.client(&token);

        // Nothing happens by itself while it is looked.
        let quiet = json!({ "settings": { "account_status_hold_down_seconds": 86_400 }, "version": 1 });
        theirs.call("PUT", "/api/v1/settings", &quiet).await.expect(200);
        let phone = Phone::enroll(&theirs, "android", &format!("{MARK}-serial")).await;
        let ids = populate(&theirs, &phone, MARK).await;
        let own_phone = Phone::enroll(&mine, "android", "hazel-serial").await;
        let own = own_things(&mine, &own_phone, &customer).await;
        let operations = operations(&mine).await;
        let before = dump(&theirs, &operations, &ids).await;
        let secrets = secrets(&before);
        assert!(secrets.len() > 30, "{secrets:?}");
        for text in dump(&mine, &operations, &Ids::new()).await.values().map(Value::to_string) {
            let leaked: Vec<_> = secrets.iter().filter(|secret| text.contains(*secret)).collect();
            assert!(leaked.is_empty(), "{leaked:?} in {text}");
        }

        let mut walker = Walker { client: &mine, secrets, theirs: ids, own, fresh: 0, wrong: Vec::new() };
        for operation in &operations {
            if matches!(operation.needs, Needs::All(_) | Needs::Any(_) | Needs::Anybody) {
                walker.visit(operation).await;
            }
        }
        walker.reach_over().await;
        assert!(walker.wrong.is_empty(), "{}", walker.wrong.join("\n"));
        with_their_names(&theirs, &mine, &token, &customer, &phone, &own_phone, &walker.theirs).await;

        let after = dump(&theirs, &operations, &walker.theirs).await;
        for (path, value) in &before {
            assert_eq!(after[path], *value, "{path} was changed");
        }
        server.stop().await;
        place.verify().await;
    }
}

/// Things of the second tenant that others are put to.
async fn own_things(client: &Client, phone: &Phone, root: &str) -> Ids {
    let post = async |path: &str, body: Value| id_of(&client.post(&format!("/api/v1/{path}"), body).await.expect(201));
    let user = post("users", json!({ "user_name": "hazel ada" })).await;
    let spec = json!({ "description": "hazel" });
    Ids::from([
        ("own_device", phone.id.clone()),
        ("own_root", root.to_owned()),
        ("own_organization_group", post("organization-groups", json!({ "name": "hazel north" })).await),
        ("own_user_group", post("user-groups", json!({ "name": "hazel staff" })).await),
        ("own_smart_group", post("smart-groups", json!({ "name": "hazel group" })).await),
        (
            "own_profile",
            post("profiles", json!({ "name": "hazel profile", "platform": "android", "spec": spec })).await,
        ),
        ("own_user", user),
    ])
}

/// Everything a tenant's administrator sees of it, by path.
async fn dump(client: &Client, operations: &[Operation], ids: &Ids) -> BTreeMap<String, Value> {
    let mut seen = BTreeMap::new();
    for operation in operations.iter().filter(|one| one.method == "GET" && matches!(one.needs, Needs::All(_))) {
        let path = match resource_id(&operation.path) {
            _ if ["follow_journal", "get_logo", "get_mobileconfig"].contains(&operation.id.as_str()) => continue,
            _ if !operation.path.contains('{') => operation.path.clone(),
            Some(name) if ids.contains_key(name) => operation.path.replace("{id}", &ids[name]),
            _ => continue,
        };
        let path = if operation.id == "search" { format!("{path}?q={MARK}") } else { path };
        let mut value = client.read(&path).await;
        if operation.id == "list_source_events" {
            value = json!([value, client.read(&format!("{path}?state=exception")).await]);
        }
        if operation.id == "read_journal" {
            value = client.read(&format!("{path}?limit=500")).await;
            assert_eq!(value["at_end"], true);
        }
        forget_times(&mut value);
        seen.insert(path, value);
    }
    seen
}

/// Takes out what changes by being looked at, or as time passes.
fn forget_times(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(forget_times),
        Value::Object(members) => {
            members.retain(|key, _| {
                !["last_used_at", "dwell_time", "evaluated_at", "computed_at"].contains(&key.as_str())
            });
            members.values_mut().for_each(forget_times);
        }
        _ => {}
    }
}

/// Ids and marked strings: what nobody else may ever see.
fn secrets(dump: &BTreeMap<String, Value>) -> BTreeSet<String> {
    fn collect(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
            Value::Object(members) => members.values().for_each(|member| collect(member, found)),
            Value::String(text) if text.parse::<Uuid>().is_ok() && text != GLOBAL => {
                found.insert(text.clone());
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::from([MARK.to_owned()]);
    dump.values().for_each(|value| collect(value, &mut found));
    found
}

/// Calls routes with another tenant's ids, and with ids that nobody has: there must be no difference.
struct Walker<'a> {
    client: &'a Client,
    secrets: BTreeSet<String>,
    theirs: Ids,
    own: Ids,
    fresh: u32,
    wrong: Vec<String>,
}

impl Walker<'_> {
    async fn visit(&mut self, operation: &Operation) {
        let mut path = operation.path.replace("{tag_id}", "$tag").replace("{profile_id}", "$profile");
        path = path.replace("{trigger}/{channel}/{language}", "notify/sms/en").replace("{language}", "pl");
        path = path.replace("{command_id}", "$command");
        if path.contains("{id}") {
            // Names of classifications are the same for all; a row of one's own is changed.
            path = path.replace("{id}", &resource_id(&path).map_or("trojan".to_owned(), |name| format!("${name}")));
        }
        for body in bodies(&operation.id, operation.takes_body) {
            self.compare(&operation.method, &path, &body).await;
        }
    }

    /// Uses of foreign ids beside one's own, and in filters.
    async fn reach_over(&mut self) {
        let own = "/api/v1/devices/$own_device";
        let none = Value::Null;
        for (method, path, body) in [
            ("PATCH", own, json!({ "user_id": "$user" })),
            ("PATCH", own, json!({ "organization_group_id": "$organization_group" })),
            ("POST", &format!("{own}/tags"), json!({ "tag_id": "$tag" })),
            ("DELETE", &format!("{own}/tags/$tag"), none.clone()),
            ("POST", &format!("{own}/requested-profiles"), json!({ "profile_id": "$profile" })),
            ("DELETE", &format!("{own}/requested-profiles/$profile"), none.clone()),
            ("POST", "/api/v1/channels/apns/test", json!({ "to": "$device" })),
            ("POST", "/api/v1/user-groups/$own_user_group/members", json!({ "add": ["$user"] })),
            ("POST", "/api/v1/user-groups/$own_user_group/members", json!({ "remove": ["$user"] })),
            (
                "PATCH",
                "/api/v1/users/$own_user",
                json!({ "organization_group_id": "$organization_group", "version": 1 }),
            ),
            (
                "PATCH",
                "/api/v1/organization-groups/$own_organization_group",
                json!({ "parent_id": "$organization_group", "version": 1 }),
            ),
            (
                "PATCH",
                "/api/v1/smart-groups/$own_smart_group",
                json!({ "organization_group_id": "$organization_group", "version": 1 }),
            ),
            (
                "PATCH",
                "/api/v1/profiles/$own_profile",
                json!({ "spec": { "assigned_groups": ["$smart_group"] }, "version": 1 }),
            ),
        ] {
            self.compare(method, path, &body).await;
        }
        for query in [
            "devices?user_id=$user",
            "devices?organization_group_id=$organization_group",
            "devices?tag_id=$tag",
            "devices?smart_group_id=$smart_group",
            "devices?profile_id=$profile",
            "devices?q=walnut",
            "threats?device_id=$device",
            "journal?device_id=$device",
            "users?organization_group_id=$organization_group",
            "users?user_group_id=$user_group",
            "users?q=walnut",
            "notifications?user_id=$user",
            "notifications?device_id=$device",
            "notifications?organization_group_id=$organization_group",
            "users?email=walnut@example.com",
            "admins?q=walnut",
            "admins?organization_group_id=$organization_group",
            "api-tokens?organization_group_id=$organization_group",
            "indicator-sets?q=walnut",
            "indicators?q=walnut",
            "indicators?set_id=$indicator_set",
            "integrations?q=walnut",
            "journal?before=1000000&device_id=$device",
            "profiles?organization_group_id=$organization_group",
            "profiles?smart_group_id=$smart_group",
            "roles?q=walnut",
            "smart-groups?organization_group_id=$organization_group",
            "smart-groups?tag_id=$tag",
            "tags?q=walnut",
            "user-groups?organization_group_id=$organization_group",
            "sessions?admin_id=$admin",
        ] {
            let answer = self.compare("GET", &format!("/api/v1/{query}"), &none).await;
            if answer.status == 200 && answer.json()["items"] != json!([]) {
                self.wrong.push(format!("{query} finds {}", answer.text));
            }
        }
    }

    async fn compare(&mut self, method: &str, path: &str, body: &Value) -> Answer {
        let theirs = self.theirs.clone();
        let nobodys: Ids = theirs.keys().map(|name| (*name, random_id())).collect();
        let answer = self.call(method, path, body, &theirs).await;
        let template = format!("{path} {body}");
        if !theirs.keys().any(|name| template.contains(&format!("${name}"))) {
            return answer;
        }
        let same = self.call(method, path, body, &nobodys).await;
        let plain = |answer: &Answer, ids: &Ids| {
            let mut text = answer.text.clone();
            for (name, id) in ids {
                text = text.replace(id, name);
            }
            let mut problem: Value = serde_json::from_str(&text).unwrap_or_default();
            problem.as_object_mut().map(|members| members.remove("instance"));
            problem
        };
        let differs =
            answer.status != same.status || (answer.status >= 400 && plain(&answer, &theirs) != plain(&same, &nobodys));
        if differs {
            let (a, b) = (&answer, &same);
            self.wrong.push(format!("{method} {path} {body}: {} {} but {} {}", a.status, a.text, b.status, b.text));
        }
        answer
    }

    async fn call(&mut self, method: &str, path: &str, body: &Value, ids: &Ids) -> Answer {
        self.fresh += 1;
        let fill = |text: &str| {
            let mut text = text.replace("$fresh", &format!("hazel {}", self.fresh));
            // The longer names first: some begin with others.
            for (name, id) in self.own.iter().chain(ids).rev().collect::<BTreeMap<_, _>>().into_iter().rev() {
                text = text.replace(&format!("${name}"), id);
            }
            assert!(!text.contains('$'), "{text}");
            text
        };
        let (path, body) = (fill(path), fill(&body.to_string()));
        let mut request = self.client.request(method, &path);
        if body != "null" {
            request = request.header("content-type", "application/json").body(body.clone());
        }
        let answer = Client::send(request).await;
        let sent = format!("{path} {body}");
        let leaked: Vec<&String> =
            self.secrets.iter().filter(|secret| answer.text.contains(*secret) && !sent.contains(*secret)).collect();
        if answer.status >= 500 || !leaked.is_empty() {
            self.wrong.push(format!("{method} {sent}: {leaked:?} in {} {}", answer.status, answer.text));
        }
        answer
    }
}

/// Bodies that name as much as they can of another tenant.
fn bodies(operation: &str, takes_body: bool) -> Vec<Value> {
    if !takes_body {
        return vec![Value::Null];
    }
    let detection = |device: Value| trojan("$fresh", device, "$fresh", "open", 1);
    let selection = json!({
        "criteria": { "organization_groups": ["$organization_group"], "user_groups": ["$user_group"], "tags": { "tags": ["$tag"] } },
        "additions": { "devices": ["$device"], "users": ["$user"] },
        "exclusions": { "user_groups": ["$user_group"] },
    });
    let spec = json!({ "assigned_groups": ["$smart_group"], "managed_by": "$organization_group" });
    let reason = json!({ "reason": "because" });
    match operation {
        "create_admin" => vec![
            json!({ "user_name": "x", "name": "x", "role": "read_only", "organization_group_id": "$organization_group" }),
            json!({ "user_name": "x", "name": "x", "role": "$role", "organization_group_id": "$own_root" }),
        ],
        "edit_admin" => vec![json!({ "name": "mine", "version": 2 }), json!({ "disabled": true, "version": 2 })],
        "create_admin_link" => vec![json!({ "remove_second_factors": true })],
        "create_api_token" => vec![
            json!({ "name": "x", "role": "read_only", "organization_group_id": "$organization_group" }),
            json!({ "name": "x", "role": "$role", "organization_group_id": "$own_root" }),
        ],
        "preview_classification" => vec![json!({ "classification": "trojan", "risk_level": "low" })],
        "set_classification_text" => vec![json!({ "name": "hazel", "user_text": "hazel", "version": 0 })],
        "edit_classification" => vec![json!({ "risk_level": "low", "version": 0 })],
        "submit_detections" => vec![
            json!([detection(json!({ "id": "$device" })), detection(json!({ "serial_number": "$serial" }))]),
            detection(json!({ "external_id": "walnut-external" })),
        ],
        "edit_device" => vec![json!({ "friendly_name": "mine" }), json!({ "user_id": null })],
        "create_device_command" => vec![json!({ "command": { "type": "device_lock" } })],
        "request_profile" => vec![json!({ "profile_id": "$own_profile" })],
        "tag_device" => vec![json!({ "tag_id": "$tag" })],
        "create_enrollment_token" => vec![json!({ "user_id": "$user" })],
        "create_integration" => {
            vec![json!({ "kind": "lookout", "name": "$fresh", "base_url": "https://hazel.example.com",
                "application_key": "hazel", "enabled": false })]
        }
        "create_indicator_set" => vec![json!({ "name": "$fresh" })],
        "edit_indicator_set" => vec![json!({ "name": "mine", "version": 1 })],
        "load_indicator_set" => vec![json!({ "objects": [] })],
        "edit_integration" => vec![json!({ "name": "mine", "version": 1 })],
        "create_organization_group" => vec![json!({ "name": "$fresh", "parent_id": "$organization_group" })],
        "retry_notifications" => vec![json!({}), json!({ "user_id": "$user" })],
        "set_email_channel" => {
            let relay = json!({ "host": "mail.hazel.example.com", "port": 587, "security": "starttls" });
            vec![json!({ "enabled": false, "relays": [relay], "version": 0 })]
        }
        "set_sms_channel" => {
            let smpp = json!({ "host": "smsc.hazel.example.com", "system_id": "hazel", "password": "secret08" });
            vec![json!({ "enabled": false, "smpp": smpp, "version": 0 })]
        }
        "set_apns_channel" => {
            vec![
                json!({ "enabled": false, "key_id": "ABC123DEFG", "team_id": "DEF123GHIJ", "topic": "com.example.hazel",
                "private_key": "hazel", "version": 0 }),
            ]
        }
        "set_fcm_channel" => vec![json!({ "enabled": false, "service_account": "{}", "version": 0 })],
        "test_channel" => vec![json!({ "to": "walnut@example.com" })],
        "notify_user" => vec![json!({ "channels": ["email"] })],
        "preview_notify_words" => vec![json!({ "subject": "x" })],
        "set_logo" => vec![Value::Null],
        "set_notification_template" => vec![json!({ "body": "hazel {{ user.name }}", "version": 0 })],
        "preview_notification_template" => {
            let about = |body: Value| {
                let mut body = body;
                body["language"] = json!("en");
                body
            };
            vec![
                about(json!({ "trigger": "notify", "channel": "sms", "user_id": "$user" })),
                about(json!({ "trigger": "device", "channel": "device_message", "device_id": "$device" })),
            ]
        }
        "notify_devices" => {
            vec![
                json!({ "device_ids": ["$device"] }),
                json!({ "device_ids": ["$device", "$own_device"] }),
                json!({ "filter": { "user_id": "$user" } }),
                json!({ "filter": { "organization_group_id": "$organization_group" } }),
            ]
        }
        "edit_organization_group" => vec![json!({ "name": "mine", "version": 1 })],
        "create_profile" => vec![
            json!({ "name": "$fresh", "platform": "android", "organization_group_id": "$organization_group" }),
            json!({ "name": "$fresh", "platform": "android", "spec": spec }),
        ],
        "edit_profile" => vec![json!({ "name": "mine", "version": 1 }), json!({ "spec": spec, "version": 2 })],
        "quickstart_risk_response" => vec![json!({ "organization_group_id": "$organization_group" }), json!({})],
        "create_role" => vec![json!({ "name": "$fresh", "copy_of": "$role" })],
        "edit_role" => vec![json!({ "rights": [], "version": 1 })],
        "set_android_enterprise" => vec![json!({ "service_account": "{}", "version": 0 })],
        "create_android_enrollment" => vec![json!({ "management": "work_profile" })],
        "set_apple_mdm" => vec![json!({ "certificate_days": 30, "version": 0 })],
        "set_settings" => vec![json!({ "settings": { "trusted_sources": ["sensor"] }, "version": 1 })],
        "create_smart_group" => vec![
            json!({ "name": "$fresh", "organization_group_id": "$organization_group" }),
            json!({ "name": "$fresh", "selection": selection }),
        ],
        "preview_smart_group" => vec![
            json!({ "id": "$smart_group" }),
            json!({ "organization_group_id": "$organization_group" }),
            json!({ "selection": selection }),
        ],
        "edit_smart_group" => vec![json!({ "name": "mine", "version": 1 })],
        "submit_source_events" => vec![
            json!({ "type": "sensor", "event_id": "$fresh", "source": "sensor", "device": { "serial_number": "$serial" },
                "external_id": "walnut-external", "reported_at": "2026-03-01T00:00:00Z", "protection_status": "unreachable" }),
        ],
        "create_tag" => vec![json!({ "name": "$fresh" })],
        "edit_tag" => vec![json!({ "name": "mine", "version": 1 })],
        "ignore_threat" | "reopen_threat" | "resolve_threat" => vec![reason],
        "create_user_group" => vec![json!({ "name": "$fresh", "organization_group_id": "$organization_group" })],
        "edit_user_group" => vec![json!({ "name": "mine", "version": 1 })],
        "change_user_group_members" => vec![json!({ "add": ["$own_user"] }), json!({ "remove": ["$user"] })],
        "create_user" => vec![json!({ "user_name": "$fresh", "organization_group_id": "$organization_group" })],
        "edit_user" => vec![json!({ "display_name": "mine", "version": 1 })],
        other => panic!("{other} is new: give it a body that names another tenant's things"),
    }
}

/// What takes more than a call: credentials bent to another tenant, and a device that calls itself like another's.
async fn with_their_names(
    theirs: &Client,
    mine: &Client,
    token: &str,
    customer: &str,
    phone: &Phone,
    own: &Phone,
    ids: &Ids,
) {
    let root = theirs.all("/api/v1/organization-groups").await;
    let root = root.iter().find(|group| group["kind"] == "customer").map(id_of).unwrap();
    let chosen = mine.request("GET", "/api/v1/devices").header("Allclear-Organization-Group", &root);
    let answer = Client::send(chosen).await;
    assert!(![200, 500].contains(&answer.status) && !answer.text.contains(MARK), "{}", answer.text);
    let parts: Vec<&str> = token.splitn(3, '_').collect();
    for tenant in ["0", "1", "01", "3"] {
        mine.with(&format!("{}_{tenant}_{}", parts[0], parts[2])).get("/api/v1/devices").await.expect(401);
    }

    // A device answers another's command, and says that it has another's profile.
    let result = json!({ "status": "acknowledged" });
    let answer = own.agent.post(&format!("/agent/v1/commands/{}/result", ids["command"]), result).await;
    assert_eq!(answer.expect(200), json!({ "outcome": "settled" }));
    let has = json!({ "profiles": [{ "profile_id": ids["profile"], "version": 1 }] });
    own.agent.post("/agent/v1/inventory", has).await.expect(204);
    for text in [own.seen_by(mine).await.to_string(), json!(own.commands(0).await).to_string()] {
        assert!(!text.contains(MARK), "{text}");
    }
    let names = theirs.read(&format!("/api/v1/devices/{}", phone.id)).await;
    let profile = names["profiles"].as_array().unwrap().iter().find(|one| one["id"] == json!(ids["profile"])).cloned();
    assert_eq!(profile.expect("it is still wanted")["status"], "pending_install");

    // It enrolls under another's serial number: there are two of them now.
    let user = json!({ "user_name": "hazel eve", "organization_group_id": customer });
    let user = mine.post("/api/v1/users", user).await.expect(201);
    let namesake = Phone::enroll_for(mine, &user["id"], "android", &phone.serial).await;
    assert_ne!(namesake.id, phone.id);
    assert_eq!(each(&theirs.read("/api/v1/devices").await["items"], "id"), [&phone.id]);
    phone.agent.get("/agent/v1/commands").await.expect(200);
}
