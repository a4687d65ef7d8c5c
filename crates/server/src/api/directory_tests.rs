//! Users, user groups, organization groups, enrollment tokens and devices over the API.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

use serde_json::{Value, json};

use crate::testing::{World, request};

async fn post(world: &World, token: &str, uri: &str, body: Value) -> Value {
    world.call("POST", uri, token, Some(body)).await.expect(201)
}

fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

/// Enrolls a device for a user and returns its id.
async fn enroll(world: &World, admin: &str, user: &str, device: Value) -> String {
    let made = post(world, admin, "/api/v1/enrollment-tokens", json!({"user_id": user})).await;
    let body = json!({"enrollment_token": made["token"], "device": device});
    post(world, "", "/agent/v1/enroll", body).await["device_id"].as_str().unwrap().to_owned()
}

fn names(page: &Value, member: &str) -> Vec<String> {
    page["items"].as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn users_live_their_life() {
    let world = World::new().await;
    let admin = world.admin().await;
    let new = json!({"user_name": "ada", "email": "ada@example.com", "phone": "+14255550123", "locale": "pl"});
    let ada = post(&world, &admin, "/api/v1/users", new.clone()).await;
    assert_eq!(ada["organization_group_id"], world.acme.to_string());
    assert_eq!((&ada["devices"], &ada["risk_status"], &ada["display_name"]), (&json!(0), &json!("none"), &Value::Null));
    world.call("POST", "/api/v1/users", &admin, Some(new)).await.expect(409);
    let bad = json!({"user_name": "bob", "phone": "12", "email": "x", "organization_group_id": uuid::Uuid::nil()});
    let refused = world.call("POST", "/api/v1/users", &admin, Some(bad)).await.expect(422);
    assert!(refused["detail"].as_str().unwrap().contains("Global"), "{refused}");

    let uri = format!("/api/v1/users/{}", id(&ada));
    let edit = |body: Value| world.call("PATCH", &uri, &admin, Some(body));
    edit(json!({"email": null})).await.expect(422);
    let edited = edit(json!({"email": null, "display_name": "Ada", "version": 1})).await.expect(200);
    assert_eq!((&edited["email"], &edited["phone"]), (&Value::Null, &json!("+14255550123")));
    assert_eq!(edit(json!({"user_name": "x", "version": 1})).await.expect(409)["type"], "/problems/stale-version");
    let headers = [("if-match", "\"1\"")];
    let stale = world.send(request("PATCH", &uri, &admin, Some(json!({"user_name": "x"})), &headers)).await;
    stale.expect(412);
    edit(json!({"phone": "911", "version": 2})).await.expect(422);
    assert_eq!(world.get(&uri, &admin).await.header("etag"), "\"2\"");

    for name in ["bob", "Adele", "carl"] {
        post(&world, &admin, "/api/v1/users", json!({"user_name": name})).await;
    }
    let list =
        async |query: &str| names(&world.get(&format!("/api/v1/users?{query}"), &admin).await.expect(200), "user_name");
    assert_eq!(list("").await, ["Adele", "ada", "bob", "carl"]);
    assert_eq!(list("q=ad&sort=-user_name").await, ["ada", "Adele"]);
    assert_eq!(list("risky=true").await, Vec::<String>::new());
    let page = world.get("/api/v1/users?limit=3", &admin).await.expect(200);
    let next = format!("limit=3&cursor={}", page["next_cursor"].as_str().unwrap());
    assert_eq!(list(&next).await, ["carl"]);
    for query in ["sort=age", "colour=red", "risky=maybe", "q=", "search=ad"] {
        world.get(&format!("/api/v1/users?{query}"), &admin).await.expect(422);
    }
    world.call("DELETE", &uri, &admin, None).await.expect(204);
    world.get(&uri, &admin).await.expect(404);
}

#[tokio::test]
async fn an_administrator_of_a_part_sees_only_that_part() {
    let world = World::new().await;
    let admin = world.admin().await;
    let north = world.token(1, "administrator", world.north).await;
    let ada = post(&world, &admin, "/api/v1/users", json!({"user_name": "ada"})).await;
    let ben = post(&world, &north, "/api/v1/users", json!({"user_name": "ben"})).await;
    assert_eq!(ben["organization_group_id"], world.north.to_string(), "made where its maker reaches");
    let far = enroll(&world, &admin, &id(&ada), json!({"platform": "ios", "serial_number": "A"})).await;
    let near = enroll(&world, &north, &id(&ben), json!({"platform": "ios", "serial_number": "B"})).await;
    let hers = post(&world, &admin, "/api/v1/user-groups", json!({"name": "Field"})).await;
    let token = post(&world, &admin, "/api/v1/enrollment-tokens", json!({"user_id": ada["id"]})).await;

    assert_eq!(names(&world.get("/api/v1/users", &north).await.expect(200), "user_name"), ["ben"]);
    assert_eq!(names(&world.get("/api/v1/devices", &north).await.expect(200), "id"), std::slice::from_ref(&near));
    assert_eq!(names(&world.get("/api/v1/organization-groups", &north).await.expect(200), "name"), ["North"]);
    assert_eq!(world.get("/api/v1/user-groups", &north).await.expect(200)["items"], json!([]));
    assert_eq!(world.get("/api/v1/enrollment-tokens", &north).await.expect(200)["items"].as_array().unwrap().len(), 1);
    let beyond = format!("/api/v1/devices?organization_group_id={}", world.acme);
    assert_eq!(world.get(&beyond, &north).await.expect(200)["items"], json!([]));
    for uri in [
        format!("/api/v1/users/{}", id(&ada)),
        format!("/api/v1/devices/{far}"),
        format!("/api/v1/user-groups/{}", id(&hers)),
        format!("/api/v1/organization-groups/{}", world.acme),
        format!("/api/v1/enrollment-tokens/{}", id(&token)),
    ] {
        world.get(&uri, &admin).await.expect(200);
        world.get(&uri, &north).await.expect(404);
        world.call("DELETE", &uri, &north, None).await.expect(404);
        let bolt = world.token(2, "administrator", world.bolt).await;
        world.get(&uri, &bolt).await.expect(404);
    }
    let edit = json!({"friendly_name": "x"});
    world.call("PATCH", &format!("/api/v1/devices/{far}"), &north, Some(edit.clone())).await.expect(404);
    world.call("PATCH", &format!("/api/v1/devices/{near}"), &north, Some(edit)).await.expect(200);
    let out = json!({"organization_group_id": world.acme});
    world.call("PATCH", &format!("/api/v1/devices/{near}"), &north, Some(out)).await.expect(422);
    let foreign = json!({"user_id": ada["id"]});
    world.call("POST", "/api/v1/enrollment-tokens", &north, Some(foreign)).await.expect(422);
}

#[tokio::test]
async fn organization_groups_grow_move_and_go() {
    let world = World::new().await;
    let admin = world.admin().await;
    let uri = "/api/v1/organization-groups";
    let oslo = post(&world, &admin, uri, json!({"name": "Oslo", "parent_id": world.north})).await;
    assert_eq!((&oslo["kind"], &oslo["parent_id"]), (&json!("container"), &json!(world.north)));
    let west = post(&world, &admin, uri, json!({"name": "West"})).await;
    assert_eq!(west["parent_id"], json!(world.acme));
    world.call("POST", uri, &admin, Some(json!({"name": "West"}))).await.expect(409);
    world.call("POST", uri, &admin, Some(json!({"name": "Evil", "parent_id": uuid::Uuid::nil()}))).await.expect(422);
    let at = format!("{uri}/{}", id(&oslo));
    let moved =
        world.call("PATCH", &at, &admin, Some(json!({"parent_id": west["id"], "version": 1}))).await.expect(200);
    assert!(moved["job_id"].is_string() && moved["version"] == 2, "{moved}");
    let renamed = world.call("PATCH", &at, &admin, Some(json!({"name": "Bergen", "version": 2}))).await.expect(200);
    assert_eq!((&renamed["name"], renamed.get("job_id")), (&json!("Bergen"), None));
    let west = format!("{uri}/{}", id(&west));
    let held = world.call("DELETE", &west, &admin, None).await.expect(409);
    assert_eq!(held["detail"], "The organization group still holds organization groups.");
    world.call("DELETE", &at, &admin, None).await.expect(204);
    world.call("DELETE", &west, &admin, None).await.expect(204);
    world.call("DELETE", &format!("{uri}/{}", world.acme), &admin, None).await.expect(409);
    assert_eq!(names(&world.get(uri, &admin).await.expect(200), "name"), ["Acme", "North"]);

    let server = world.token(0, "administrator", allclear_domain::ids::OrganizationGroupId::GLOBAL).await;
    let global = uuid::Uuid::nil().to_string();
    let headers = [("allclear-organization-group", global.as_str())];
    let all = world.send(request("GET", uri, &server, None, &headers)).await.expect(200);
    assert_eq!(names(&all, "name"), ["Acme", "Bolt", "Global"]);
    let new = Some(json!({"name": "Cord"}));
    let made = world.send(request("POST", uri, &server, new.clone(), &headers)).await.expect(201);
    assert_eq!((&made["kind"], &made["parent_id"]), (&json!("customer"), &json!(global)));
    world.send(request("POST", uri, &server, new, &headers)).await.expect(409);
    let nobody = world.send(request("POST", "/api/v1/users", &server, Some(json!({"user_name": "x"})), &headers)).await;
    nobody.expect(422);
}

#[tokio::test]
async fn user_groups_have_members_and_devices_follow() {
    let world = World::new().await;
    let admin = world.admin().await;
    let ada = post(&world, &admin, "/api/v1/users", json!({"user_name": "ada"})).await;
    let device = enroll(&world, &admin, &id(&ada), json!({"platform": "android"})).await;
    let group = post(&world, &admin, "/api/v1/user-groups", json!({"name": "Field"})).await;
    world.call("POST", "/api/v1/user-groups", &admin, Some(json!({"name": "Field"}))).await.expect(409);
    let selection = json!({"criteria": {"user_groups": [group["id"]]}});
    post(&world, &admin, "/api/v1/smart-groups", json!({"name": "Field devices", "selection": selection})).await;
    let uri = format!("/api/v1/user-groups/{}", id(&group));
    let members = format!("{uri}/members");
    let change = |body: Value| world.call("POST", &members, &admin, Some(body));
    let changed = change(json!({"add": [ada["id"]]})).await.expect(200);
    assert_eq!(changed, json!({"added": 1, "removed": 0, "devices": 1}));
    assert_eq!(names(&world.get(&members, &admin).await.expect(200), "user_name"), ["ada"]);
    assert_eq!(world.get(&uri, &admin).await.expect(200)["members"], 1);
    let found = world.get(&format!("/api/v1/users?user_group_id={}", id(&group)), &admin).await.expect(200);
    assert_eq!(names(&found, "user_name"), ["ada"]);
    let shown = world.get(&format!("/api/v1/devices/{device}"), &admin).await.expect(200);
    assert_eq!(shown["smart_groups"][0]["name"], "Field devices");
    change(json!({"add": [uuid::Uuid::nil()]})).await.expect(422);
    world.call("DELETE", &uri, &admin, None).await.expect(409);
    let renamed = world.call("PATCH", &uri, &admin, Some(json!({"name": "Sales", "version": 1}))).await.expect(200);
    assert_eq!((&renamed["name"], &renamed["version"]), (&json!("Sales"), &json!(2)));
    assert_eq!(change(json!({"remove": [ada["id"]]})).await.expect(200)["removed"], 1);
    let shown = world.get(&format!("/api/v1/devices/{device}"), &admin).await.expect(200);
    assert_eq!(shown["smart_groups"], json!([]));
}

#[tokio::test]
async fn enrollment_tokens_are_shown_once_and_can_be_taken_back() {
    let world = World::new().await;
    let admin = world.admin().await;
    let ada = post(&world, &admin, "/api/v1/users", json!({"user_name": "ada"})).await;
    let new = json!({"user_id": ada["id"], "platform": "ios", "expires_in_hours": 1});
    let made = post(&world, &admin, "/api/v1/enrollment-tokens", new).await;
    let secret = made["token"].as_str().unwrap();
    assert!(secret.starts_with("ace_1_") && made["url"].as_str().unwrap().ends_with(secret));
    let list = world.get("/api/v1/enrollment-tokens", &admin).await;
    assert!(!list.text().contains(secret), "never shown again");
    assert_eq!(list.expect(200)["items"][0]["used_at"], Value::Null);
    for hours in [0, 721] {
        let new = json!({"user_id": ada["id"], "expires_in_hours": hours});
        world.call("POST", "/api/v1/enrollment-tokens", &admin, Some(new)).await.expect(422);
    }
    let android = json!({"enrollment_token": secret, "device": {"platform": "android"}});
    let refused = world.call("POST", "/agent/v1/enroll", "", Some(android)).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/device/platform");
    let uri = format!("/api/v1/enrollment-tokens/{}", id(&made));
    world.call("DELETE", &uri, &admin, None).await.expect(204);
    world.get(&uri, &admin).await.expect(404);
    let ios = json!({"enrollment_token": secret, "device": {"platform": "ios"}});
    world.call("POST", "/agent/v1/enroll", "", Some(ios)).await.expect(401);
    assert_eq!(world.noted("enrollment_token").await, ["created", "deleted"]);
}

#[tokio::test]
async fn devices_are_found_by_what_is_known_about_them() {
    let world = World::new().await;
    let admin = world.admin().await;
    world.call("POST", "/api/v1/quickstart/risk-response", &admin, Some(json!({}))).await.expect(200);
    let ada = post(&world, &admin, "/api/v1/users", json!({"user_name": "ada"})).await;
    let mut devices = Vec::new();
    for n in 0..6 {
        let platform = if n % 2 == 0 { "android" } else { "ios" };
        let device = json!({"platform": platform, "serial_number": format!("S{n}"), "friendly_name": format!("Phone {}", 9 - n)});
        devices.push(enroll(&world, &admin, &id(&ada), device).await);
    }
    let now = world.state.source.now();
    for (n, kind) in [(0, "trojan"), (3, "adware"), (4, "trojan")] {
        let detection = json!({"event_id": format!("e{n}"), "source": "test", "device": {"id": devices[n]},
            "threat_id": "t", "classification": kind, "status": "open", "detected_at": now});
        world.call("POST", "/api/v1/detections", &admin, Some(detection)).await.expect(200);
    }
    let tag = post(&world, &admin, "/api/v1/tags", json!({"name": "VIP"})).await;
    let at = |n: usize| format!("/api/v1/devices/{}", devices[n]);
    let tagged = world.call("POST", &format!("{}/tags", at(5)), &admin, Some(json!({"tag_id": tag["id"]}))).await;
    assert!(tagged.expect(200)["tags"].as_array().unwrap().contains(&json!("VIP")));
    let page = world.get("/api/v1/tags?limit=500", &admin).await.expect(200);
    let high = page["items"].as_array().unwrap().iter().find(|tag| tag["engine"] == "high_risk").unwrap().clone();
    let profile = world.get(&at(0), &admin).await.expect(200)["profiles"][0]["id"].clone();

    let list = async |query: String| {
        let found = names(&world.get(&format!("/api/v1/devices?{query}"), &admin).await.expect(200), "id");
        found.iter().map(|id| devices.iter().position(|device| device == id).unwrap()).collect::<Vec<_>>()
    };
    for (query, expected) in [
        (String::new(), vec![0, 1, 2, 3, 4, 5]),
        ("sort=-created_at&limit=2".into(), vec![5, 4]),
        ("sort=friendly_name".into(), vec![5, 4, 3, 2, 1, 0]),
        ("sort=-risk_level&limit=3".into(), vec![4, 0, 3]),
        ("sort=-risk&limit=1".into(), vec![4]),
        ("sort=-score&limit=2".into(), vec![4, 0]),
        ("platform=ios".into(), vec![1, 3, 5]),
        ("risk_level=high&risk_level=high".into(), vec![0, 4]),
        ("risk_level=high&platform=ios".into(), vec![]),
        ("compliance=not_compliant".into(), vec![0, 4]),
        ("protection_status=activated&enrollment_status=enrolled&compliance=compliant".into(), vec![1, 2, 3, 5]),
        (format!("tag_id={}", id(&tag)), vec![5]),
        (format!("tag_id={}", id(&high)), vec![0, 4]),
        (format!("profile_id={}&profile_status=pending_install", profile.as_str().unwrap()), vec![0, 4]),
        (format!("profile_id={}&profile_status=installed", profile.as_str().unwrap()), vec![]),
        (format!("user_id={}", id(&ada)), vec![0, 1, 2, 3, 4, 5]),
        (format!("organization_group_id={}", world.north), vec![]),
        ("q=phone%206".into(), vec![3]),
        ("q=s4".into(), vec![4]),
    ] {
        assert_eq!(list(query.clone()).await, expected, "{query}");
    }
    for query in ["profile_status=failed", "platform=symbian", "sort=colour", "q=", "search=s4", "tag_id=x"] {
        world.get(&format!("/api/v1/devices?{query}"), &admin).await.expect(422);
    }

    let user = world.get(&format!("/api/v1/users/{}", id(&ada)), &admin).await.expect(200);
    assert_eq!((&user["devices"], &user["risk_status"]), (&json!(6), &json!("high")));
    assert_eq!(user["incidents"]["high"], 2);
    let edited = json!({"friendly_name": "Ada's", "user_id": null, "ownership": "employee_owned"});
    let edited = world.call("PATCH", &at(1), &admin, Some(edited)).await.expect(200);
    assert_eq!((&edited["user"], &edited["ownership"]), (&Value::Null, &json!("employee_owned")));
    let global = json!({"organization_group_id": uuid::Uuid::nil()});
    let refused = world.call("PATCH", &at(1), &admin, Some(global)).await.expect(422);
    assert!(refused["detail"].as_str().unwrap().contains("Global"), "{refused}");
    let untag = format!("{}/tags/{}", at(5), id(&tag));
    world.call("DELETE", &untag, &admin, None).await.expect(204);
    world.call("DELETE", &untag, &admin, None).await.expect(404);
    world.call("DELETE", &format!("{}/tags/{}", at(0), id(&high)), &admin, None).await.expect(409);
    let engines = Some(json!({"tag_id": high["id"]}));
    world.call("POST", &format!("{}/tags", at(1)), &admin, engines).await.expect(422);
    let ask = Some(json!({"profile_id": profile}));
    world.call("POST", &format!("{}/requested-profiles", at(0)), &admin, ask).await.expect(422);
    world.call("DELETE", &format!("/api/v1/users/{}", id(&ada)), &admin, None).await.expect(409);
}
