//! Indicator sets from being made to what they say of the apps on a device.

use axum::body::Body;
use serde_json::{Value, json};

use crate::{
    agent::tests::Stage,
    app::ServerOptions,
    testing::{Answer, World, request},
};

const SETS: &str = "/api/v1/indicator-sets";

/// Hands a content in.
async fn put(world: &World, token: &str, set: &Value, media: &str, content: &str) -> Answer {
    let uri = format!("{SETS}/{}/content", set["id"].as_str().unwrap());
    let mut request = request("PUT", &uri, token, None, &[("content-type", media)]);
    *request.body_mut() = Body::from(content.to_owned());
    world.send(request).await
}

async fn make(world: &World, token: &str, body: Value) -> Value {
    world.call("POST", SETS, token, Some(body)).await.expect(201)
}

const LIST: &str = "
- name: TheSpy
  type: stalkerware
  packages: [com.the.spy, com.the.spy2]
  certificates: [ABABABABABABABABABABABABABABABABABABABAB]
  websites: [spy.example]
  certificate_organizations: [Spies Inc.]
";

#[tokio::test]
async fn a_set_gives_away_what_is_on_a_device() {
    let stage = Stage::new().await;
    let (world, admin) = (&stage.world, &stage.admin);
    let phone = stage.enroll("S1").await;
    let set = make(world, admin, json!({ "name": "Stalkerware" })).await;
    assert_eq!((&set["origin"], &set["indicators"], &set["loaded_at"]), (&json!("upload"), &json!(0), &Value::Null));
    let loaded = put(world, admin, &set, "application/yaml", LIST).await.expect(200);
    assert_eq!((&loaded["indicators"], &loaded["skipped"], &loaded["format"]), (&json!(4), &json!(1), &json!("list")));
    assert_eq!(loaded["findings"][0]["what"], "Spies Inc.");
    assert_eq!(loaded["loading"], false);

    let apps = json!([
        { "identifier": "com.the.spy", "name": "Sync Services", "version": "3.1", "source": "sideloaded",
          "certificate_sha1": "AB:".repeat(19) + "AB" },
        { "identifier": "org.good", "name": "Good" },
    ]);
    phone.post("inventory", json!({ "apps": apps, "profiles_seen": [] })).await.expect(204);
    let device = stage.device(&phone.id).await;
    assert_eq!(device["risk_level"], "high");
    assert_eq!(device["smart_groups"][0]["name"], "MTD High Risk");
    let threat = &device["open_threats"][0];
    assert_eq!((&threat["source"], &threat["classification"]), (&json!("allclear"), &json!("stalkerware")));
    let uri = format!("/api/v1/threats/{}", threat["id"].as_str().unwrap());
    let threat = world.get(&uri, admin).await.expect(200);
    assert_eq!(threat["details"]["indicator"]["name"], "TheSpy");
    assert_eq!(threat["details"]["apps"][0]["name"], "Sync Services");

    let uri = format!("/api/v1/devices/{}/apps", phone.id);
    let seen = world.get(&uri, admin).await.expect(200);
    assert_eq!(seen["items"][0]["identifier"], "org.good", "by name");
    assert_eq!(seen["items"][1]["certificate_sha1"], "ab".repeat(20));
    let kinds: Vec<&Value> =
        seen["items"][1]["indicators"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["app_identifier", "certificate_sha1"]);
    assert_eq!(seen["items"][1]["indicators"][0]["set"]["name"], "Stalkerware");
    for (query, expected) in [
        ("?q=sync", vec!["com.the.spy"]),
        ("?q=good", vec!["org.good"]),
        ("?fitting=true", vec!["com.the.spy"]),
        ("?fitting=false", vec!["org.good"]),
        ("?source=sideloaded", vec!["com.the.spy"]),
        ("?sort=-identifier&limit=1", vec!["org.good"]),
    ] {
        let found = world.get(&format!("{uri}{query}"), admin).await.expect(200);
        let found: Vec<&str> =
            found["items"].as_array().unwrap().iter().map(|one| one["identifier"].as_str().unwrap()).collect();
        assert_eq!(found, expected, "{query}");
    }
    let north = world.token(1, "administrator", world.north).await;
    world.get(&uri, &north).await.expect(404);

    phone.post("inventory", json!({ "apps": [] })).await.expect(204);
    assert_eq!(stage.device(&phone.id).await["risk_level"], "none");
}

#[tokio::test]
async fn indicators_are_found_by_their_beginning_and_paged() {
    let world = World::new().await;
    let admin = world.admin().await;
    let first = make(&world, &admin, json!({ "name": "First" })).await;
    let second = make(&world, &admin, json!({ "name": "Second", "classification": "DENYLISTED_APP" })).await;
    put(&world, &admin, &first, "application/yaml", LIST).await.expect(200);
    let bundle = json!({ "type": "bundle", "objects": [
        { "type": "indicator", "id": "indicator--1", "pattern": "[app:id='com.the.spy']", "name": "Again" },
    ]});
    put(&world, &admin, &second, "application/stix+json", &bundle.to_string()).await.expect(200);

    let values = async |query: &str| -> Vec<String> {
        let (mut found, mut next) = (Vec::new(), String::new());
        loop {
            let page = world.get(&format!("/api/v1/indicators?limit=2{query}{next}"), &admin).await.expect(200);
            let items = page["items"].as_array().unwrap().iter();
            found.extend(
                items.map(|one| format!("{} {}", one["value"].as_str().unwrap(), one["set"]["name"].as_str().unwrap())),
            );
            match page["next_cursor"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => return found,
            }
        }
    };
    let all = values("").await;
    assert_eq!(all.len(), 5);
    assert!(all.is_sorted_by_key(|one| one.split(' ').next().unwrap().to_owned()), "{all:?}");
    let mut backwards = values("&sort=-value").await;
    backwards.reverse();
    assert_eq!(backwards, all);
    assert_eq!(values("&q=com.the.spy2").await, ["com.the.spy2 First"]);
    assert_eq!(values("&q=com.the").await.len(), 3);
    assert_eq!(values("&kind=domain").await, ["spy.example First"]);
    assert_eq!(values("&name=Again").await, ["com.the.spy Second"]);
    assert_eq!(values(&format!("&set_id={}", second["id"].as_str().unwrap())).await, ["com.the.spy Second"]);
    let one = world.get("/api/v1/indicators?name=Again", &admin).await.expect(200);
    assert_eq!(one["items"][0]["classification"], "denylisted_app", "as the set is set");
    assert_eq!(one["items"][0]["reference"], "indicator--1");

    let other = world.token(2, "administrator", world.bolt).await;
    assert_eq!(world.get("/api/v1/indicators", &other).await.expect(200)["items"], json!([]));
    let north = world.token(1, "administrator", world.north).await;
    for uri in [SETS, "/api/v1/indicators"] {
        world.get(uri, &north).await.expect(403);
    }
    for query in ["q=", "kind=colour", &format!("q={}", "x".repeat(256))] {
        world.get(&format!("/api/v1/indicators?{query}"), &admin).await.expect(422);
    }
}

#[tokio::test]
async fn what_is_set_is_checked_and_edited_by_version() {
    let world = World::new().await;
    let admin = world.admin().await;
    for (body, pointer) in [
        (json!({ "name": "" }), "/name"),
        (json!({ "name": "x", "classification": "colour" }), "/classification"),
        (json!({ "name": "x", "url": "http://example.com/" }), "/url"),
        (json!({ "name": "x", "url": "https://127.0.0.1/" }), "/url"),
        (json!({ "name": "x", "url": "https://example.com/", "refresh_seconds": 10 }), "/refresh_seconds"),
        (json!({ "name": "x", "refresh_seconds": 3600 }), "/refresh_seconds"),
    ] {
        let refused = world.call("POST", SETS, &admin, Some(body.clone())).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{body}");
    }
    let fetched = make(&world, &admin, json!({ "name": "Feed", "url": "https://example.com/list.yaml" })).await;
    assert_eq!((&fetched["origin"], &fetched["refresh_seconds"]), (&json!("url"), &json!(86_400)));
    assert!(fetched["next_check_at"].is_string());
    world.call("POST", SETS, &admin, Some(json!({ "name": "Feed" }))).await.expect(409);
    put(&world, &admin, &fetched, "application/yaml", LIST).await.expect(409);
    let uri = format!("{SETS}/{}", fetched["id"].as_str().unwrap());
    world.call("POST", &format!("{uri}/refresh"), &admin, None).await.expect(202);
    let edit = json!({ "refresh_seconds": 3600, "classification": "spyware", "version": 1 });
    let edited = world.call("PATCH", &uri, &admin, Some(edit.clone())).await.expect(200);
    assert_eq!((&edited["version"], &edited["classification"]), (&json!(2), &json!("spyware")));
    world.call("PATCH", &uri, &admin, Some(edit)).await.expect(409);
    let edit = json!({ "classification": null, "version": 2 });
    assert_eq!(world.call("PATCH", &uri, &admin, Some(edit)).await.expect(200)["classification"], Value::Null);

    let upload = make(&world, &admin, json!({ "name": "Upload" })).await;
    put(&world, &admin, &upload, "text/html", LIST).await.expect(415);
    let odd = put(&world, &admin, &upload, "application/json", "nothing").await.expect(422);
    assert!(odd["errors"][0]["detail"].as_str().unwrap().contains("neither"), "{odd}");
    let named = format!("{SETS}/{}", upload["id"].as_str().unwrap());
    world.call("POST", &format!("{named}/refresh"), &admin, None).await.expect(409);
    let edit = json!({ "url": "https://example.com/", "version": 1 });
    world.call("PATCH", &named, &admin, Some(edit)).await.expect(422);

    let sorted = world.get(&format!("{SETS}?sort=-name"), &admin).await.expect(200);
    assert_eq!(sorted["items"][0]["name"], "Upload");
    assert_eq!(sorted["items"][0].get("findings"), None);
    assert_eq!(
        world.get(&format!("{SETS}?origin=url&q=example"), &admin).await.expect(200)["items"][0]["name"],
        "Feed"
    );
    world.call("DELETE", &uri, &admin, None).await.expect(204);
    world.get(&uri, &admin).await.expect(404);
    assert_eq!(world.noted("indicator_set").await, ["created", "updated", "updated", "created", "deleted"]);
}

#[tokio::test]
async fn a_set_of_the_folder_goes_with_its_file_only() {
    use allclear_domain::{
        ids::Tenant,
        indicator::Origin,
        journal::{Actor, ActorKind},
    };
    use allclear_engine::indicators::{NewSet, create};

    for (indicators_folder, expected) in [(true, 409), (false, 204)] {
        let world = World::with(ServerOptions { indicators_folder, ..ServerOptions::default() }).await;
        let admin = world.admin().await;
        let new = NewSet {
            name: "spies.yaml".into(),
            origin: Origin::Folder,
            classification: None,
            url: None,
            refresh_seconds: 0,
        };
        let folder = Actor::new(ActorKind::Engine, "folder");
        let made = world.state.engine.edit(Tenant(1), folder, move |work| create(work, new.clone())).await.unwrap();
        let set = json!({ "id": made });
        put(&world, &admin, &set, "application/yaml", LIST).await.expect(409);
        let uri = format!("{SETS}/{made}");
        let renamed = world.call("PATCH", &uri, &admin, Some(json!({ "name": "x", "version": 1 }))).await;
        renamed.expect(422);
        world.call("PATCH", &uri, &admin, Some(json!({ "classification": "trojan", "version": 1 }))).await.expect(200);
        world.call("DELETE", &uri, &admin, None).await.expect(expected);
    }
}

#[tokio::test]
async fn an_inventory_is_checked() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    for (body, pointer) in [
        (json!({ "apps": [{ "identifier": " " }] }), "/apps/0/identifier"),
        (json!({ "apps": [{ "identifier": "x".repeat(256) }] }), "/apps/0/identifier"),
        (json!({ "apps": [{ "identifier": "a" }, { "identifier": "b", "sha256": "ab" }] }), "/apps/1/sha256"),
        (json!({ "apps": vec![json!({ "identifier": "a" }); 3001] }), "/apps"),
        (json!({ "profiles_seen": vec!["a"; 501] }), "/profiles_seen"),
        (json!({ "apps": [{ "identifier": "a", "colour": "red" }] }), "/apps/0/colour"),
    ] {
        let refused = phone.post("inventory", body).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
}
