//! The loop, over public interfaces only and on both databases: from a threat on a phone to its restriction and back.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use common::{
    Client, Server,
    client::Answer,
    fleet::{GLOBAL, Phone, at, each, trojan},
    places, until,
};
use serde_json::{Value, json};

const DETECTIONS: &str = "/api/v1/detections";
const QUICKSTART: &str = "/api/v1/quickstart/risk-response";

/// What a phone carries when nothing is wrong.
const SECURED: [&str; 2] = ["MTD - Activated", "MTD - Secured"];

/// Tags, smart groups, and profiles with their status, by name.
fn state(device: &Value) -> (Vec<&str>, Vec<&str>, Vec<(&str, &str)>) {
    let tags = device["tags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap()).collect();
    let profiles = each(&device["profiles"], "name").into_iter().zip(each(&device["profiles"], "status")).collect();
    (tags, each(&device["smart_groups"], "name"), profiles)
}

/// The types of changes in a device's timeline, oldest first.
async fn happened(admin: &Client, phone: &Phone) -> Vec<String> {
    let mut entries = admin.all(&format!("/api/v1/devices/{}/timeline", phone.id)).await;
    let positions: Vec<i64> = entries.iter().map(|entry| entry["position"].as_i64().unwrap()).collect();
    assert!(positions.is_sorted_by(|a, b| a > b), "newest first: {positions:?}");
    entries.reverse();
    entries.iter().flat_map(|entry| each(&entry["changes"], "type")).map(str::to_owned).collect()
}

/// Whether these come in this order, with anything in between.
fn in_order(all: &[String], wanted: &[&str]) -> bool {
    let mut rest = all.iter();
    wanted.iter().all(|wanted| rest.any(|one| one == wanted))
}

/// The words of a refusal that must have this status.
#[track_caller]
fn refusal(answer: &Answer, status: u16) -> String {
    let problem = answer.expect(status);
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert_eq!(problem["status"], status);
    let errors = problem["errors"].as_array().into_iter().flatten().map(|error| error["detail"].as_str().unwrap());
    errors.chain(problem["detail"].as_str()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_trojan_restricts_the_phone_until_it_is_gone() {
    for place in places().await {
        let server = Server::start(&place).await;
        let admin = server.client(&place.token("administrator", None).await);
        let phone = Phone::enroll(&admin, "android", "R58-1").await;
        let other = Phone::enroll(&admin, "ios", "C02-1").await;
        let response = admin.post(QUICKSTART, json!({})).await.expect(200);
        assert_eq!(each(&response["smart_groups"], "name"), ["MTD Low Risk", "MTD Medium Risk", "MTD High Risk"]);
        assert_eq!(response["profiles"].as_array().unwrap().len(), 6);
        let again = admin.post(QUICKSTART, json!({})).await.expect(200);
        assert_eq!(each(&again["profiles"], "id"), each(&response["profiles"], "id"), "once");
        assert_eq!(state(&phone.seen_by(&admin).await), (SECURED.to_vec(), vec![], vec![]));

        // The device asks before there is anything, and is told when there is.
        let opened = trojan("e-1", phone.by_serial(), "t-1", "open", 100);
        let (commands, taken) = tokio::join!(phone.commands(30), admin.post(DETECTIONS, opened.clone()));
        assert_eq!(taken.expect(200), json!({ "accepted": 1, "duplicates": 0, "rejected": [] }));
        let seen = phone.seen_by(&admin).await;
        assert_eq!((&seen["risk_level"], &seen["compliance"]), (&json!("high"), &json!("not_compliant")));
        let at_risk = (
            vec!["MTD - Activated", "MTD - High Risk", "MTD - Threats Present"],
            vec!["MTD High Risk"],
            vec![("MTD High Risk Android", "pending_install")],
        );
        assert_eq!(state(&seen), at_risk, "a command that was sent is not done");
        assert_eq!(each(&seen["open_threats"], "threat_id"), ["t-1"]);
        assert_eq!(state(&other.seen_by(&admin).await), (SECURED.to_vec(), vec![], vec![]), "nobody else is concerned");

        let [install] = commands.as_slice() else { panic!("{commands:?}") };
        assert_eq!(install["type"], "install_profile");
        assert_eq!(install["profile"]["name"], "MTD High Risk Android");
        assert!(!install["profile"]["payloads"].as_array().unwrap().is_empty());
        assert_eq!(phone.commands(0).await, commands, "without an answer the same again");
        assert_eq!(phone.answer(install, "acknowledged").await.expect(200), json!({ "outcome": "recorded" }));
        assert_eq!(phone.answer(install, "acknowledged").await.expect(200), json!({ "outcome": "settled" }));
        assert_eq!(state(&phone.seen_by(&admin).await).2, [("MTD High Risk Android", "installed")]);
        assert_eq!(phone.commands(0).await, [] as [Value; 0]);
        told(&admin, &phone).await;

        // The same again changes nothing.
        let before = phone.seen_by(&admin).await;
        let again = admin.post(DETECTIONS, opened).await.expect(200);
        assert_eq!(again, json!({ "accepted": 0, "duplicates": 1, "rejected": [] }));
        assert_eq!(phone.seen_by(&admin).await, before);

        let resolved = trojan("e-2", phone.by_serial(), "t-1", "resolved", 200);
        let (commands, taken) = tokio::join!(phone.commands(30), admin.post(DETECTIONS, resolved));
        assert_eq!(taken.expect(200)["accepted"], 1);
        let seen = phone.seen_by(&admin).await;
        assert_eq!((&seen["risk_level"], &seen["compliance"]), (&json!("none"), &json!("compliant")));
        assert_eq!(state(&seen), (SECURED.to_vec(), vec![], vec![("MTD High Risk Android", "pending_removal")]));
        assert_eq!(seen["open_threats"], json!([]));
        let [remove] = commands.as_slice() else { panic!("{commands:?}") };
        assert_eq!((&remove["type"], &remove["profile"]["id"]), (&json!("remove_profile"), &install["profile"]["id"]));
        assert_ne!(remove["id"], install["id"]);
        phone.answer(remove, "acknowledged").await.expect(200);
        let lifted = (SECURED.to_vec(), vec![], vec![("MTD High Risk Android", "removed")]);
        assert_eq!(state(&phone.seen_by(&admin).await), lifted);
        assert_eq!(phone.commands(0).await, [] as [Value; 0]);
        let all = happened(&admin, &phone).await;
        let lifting = [
            "profile_reported",
            "threat",
            "risk",
            "compliance",
            "tag_removed",
            "smart_group_left",
            "profile",
            "command_issued",
            "profile_reported",
        ];
        assert!(in_order(&all, &lifting), "{all:?}");
        server.stop().await;
        place.verify().await;
    }
}

/// What explain and timeline tell of a restricted phone.
async fn told(admin: &Client, phone: &Phone) {
    let why = admin.read(&format!("/api/v1/devices/{}/explain", phone.id)).await;
    let threat = &why["threats"][0];
    assert_eq!((&threat["classification"], &threat["level"]), (&json!("trojan"), &json!("high")));
    assert_eq!((&threat["row"]["classification"], &threat["decided_by"]), (&json!("trojan"), &json!("default")));
    assert_eq!(why["risk"]["threats"], json!([threat["id"]]));
    let find = |part: &str, key: &str, value: Value| {
        why[part].as_array().unwrap().iter().find(|one| one[key] == value).cloned().expect(part)
    };
    let tag = find("tags", "name", json!("MTD - High Risk"));
    assert_eq!((&tag["because"], &tag["threat"]), (&json!("risk"), &threat["id"]));
    let group = find("smart_groups", "member", json!(true));
    assert_eq!((&group["name"], &group["verdict"]), (&json!("MTD High Risk"), &json!("yes")));
    assert!(group["because"].as_array().unwrap().iter().any(|part| part["criterion"] == "tags"), "{group}");
    assert!(group["since"].is_string());
    let profile = find("profiles", "name", json!("MTD High Risk Android"));
    assert_eq!((&profile["status"], &profile["because"]), (&json!("installed"), &json!("assigned")));
    assert_eq!(each(&profile["through"], "name"), ["MTD High Risk"]);
    let chain = why["chain"].to_string();
    for step in [
        "t-1",
        "Protections rates trojan high",
        "tag MTD - High Risk",
        "smart group MTD High Risk",
        "profile MTD High Risk Android",
    ] {
        assert!(chain.contains(step), "{step}: {chain}");
    }

    let all = happened(admin, phone).await;
    let steps = [
        "device_created",
        "threat",
        "risk",
        "compliance",
        "tag_added",
        "smart_group_joined",
        "profile",
        "command_issued",
        "profile_reported",
    ];
    assert!(in_order(&all, &steps), "{all:?}");
}

#[tokio::test]
async fn detections_in_any_order_and_bad_ones_among_good_ones() {
    for place in places().await {
        let server = Server::start(&place).await;
        let admin = server.client(&place.token("administrator", None).await);
        let phone = Phone::enroll(&admin, "ios", "C02-1").await;
        admin.post(QUICKSTART, json!({})).await.expect(200);

        // Resolved arrives before open: the threat is kept, and it is not open.
        admin.post(DETECTIONS, trojan("e-2", phone.by_serial(), "t-1", "resolved", 200)).await.expect(200);
        admin.post(DETECTIONS, trojan("e-1", phone.by_serial(), "t-1", "open", 100)).await.expect(200);
        assert_eq!(phone.seen_by(&admin).await["risk_level"], "none");
        let threats = admin.all("/api/v1/threats").await;
        assert_eq!(threats.len(), 1, "{threats:?}");
        assert_eq!((&threats[0]["status"], &threats[0]["first_seen"]), (&json!("resolved"), &json!(at(100))));

        // A batch keeps its good items.
        let batch = json!([
            trojan("e-3", phone.by_serial(), "t-2", "open", 300),
            trojan("e-4", json!({ "serial_number": "nobody's" }), "t-2", "open", 300),
            { "event_id": "e-5", "nonsense": true },
            trojan("e-6", json!({ "id": phone.id }), "t-3", "open", 300),
            trojan("e-3", phone.by_serial(), "t-2", "open", 300),
        ]);
        let taken = admin.post(DETECTIONS, batch.clone()).await.expect(200);
        assert_eq!((&taken["accepted"], &taken["duplicates"]), (&json!(2), &json!(1)));
        assert_eq!(each(&taken["rejected"], "code"), ["unknown_device", "invalid"]);
        assert_eq!((&taken["rejected"][0]["index"], &taken["rejected"][1]["index"]), (&json!(1), &json!(2)));
        assert!(taken["rejected"][0]["detail"].as_str().unwrap().contains("nobody's"), "{taken}");
        let seen = phone.seen_by(&admin).await;
        let mut open = each(&seen["open_threats"], "threat_id");
        open.sort_unstable();
        assert_eq!((open, &seen["risk_level"]), (vec!["t-2", "t-3"], &json!("high")));

        // The same as lines: everything was taken in or rejected before.
        let lines: String = batch.as_array().unwrap().iter().map(|one| format!("{one}\n")).collect();
        let lines = admin.request("POST", DETECTIONS).header("content-type", "application/x-ndjson").body(lines);
        let taken = Client::send(lines).await.expect(200);
        assert_eq!((&taken["accepted"], &taken["duplicates"]), (&json!(0), &json!(3)));
        assert_eq!(each(&taken["rejected"], "code"), ["unknown_device", "invalid"]);

        // The agent speaks for its own device, and its event ids are its own.
        let mut own = trojan("e-1", Value::Null, "t-9", "open", 400);
        own.as_object_mut().unwrap().retain(|key, _| key != "device" && key != "source");
        let taken = phone.agent.post("/agent/v1/detections", own.clone()).await.expect(200);
        assert_eq!(taken["accepted"], 1);
        assert_eq!(phone.agent.post("/agent/v1/detections", own).await.expect(200)["duplicates"], 1);
        server.stop().await;
        place.verify().await;
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_a_reason() {
    for place in places().await {
        let server = Server::start(&place).await;
        let admin = server.client(&place.token("administrator", None).await);
        let global = server.client(&place.token("administrator", Some("global")).await);

        // Who.
        let nobody = admin.with("");
        assert!(nobody.get("/api/v1/devices").await.header("www-authenticate").starts_with("Bearer"));
        refusal(&nobody.get("/api/v1/devices").await, 401);
        refusal(&nobody.post(DETECTIONS, json!([])).await, 401);
        let reader = server.client(&place.token("read_only", None).await);
        reader.read("/api/v1/devices").await;
        let detail = refusal(&reader.post("/api/v1/tags", json!({ "name": "x" })).await, 403);
        assert!(detail.contains("manage_tags"), "{detail}");

        // What.
        let json_type = ("content-type", "application/json");
        let malformed = admin.request("POST", "/api/v1/tags").header(json_type.0, json_type.1).body("{\"name\":");
        let detail = refusal(&Client::send(malformed).await, 400);
        assert!(detail.contains("line 1"), "{detail}");
        let invalid = admin.post("/api/v1/tags", json!({ "nmae": "x" })).await;
        refusal(&invalid, 422);
        assert_eq!(invalid.json()["errors"][0]["pointer"], "/nmae");
        refusal(&admin.get("/api/v1/devices?colour=red").await, 422);
        refusal(&admin.get("/api/v1/devices/nonsense").await, 404);

        // On which version.
        let tag = admin.post("/api/v1/tags", json!({ "name": "VIP" })).await;
        let path = format!("/api/v1/tags/{}", tag.expect(201)["id"].as_str().unwrap());
        assert_eq!(tag.header("location"), path);
        let version = tag.json()["version"].as_i64().unwrap();
        admin.patch(&path, json!({ "name": "VIPs", "version": version })).await.expect(200);
        let stale = admin.patch(&path, json!({ "name": "late", "version": version })).await;
        refusal(&stale, 409);
        assert_eq!(stale.json()["type"], "/problems/stale-version");
        let stale = admin.request("PATCH", &path).header("if-match", tag.header("etag"));
        refusal(&Client::send(stale.json(&json!({ "name": "late" }))).await, 412);
        assert_eq!(admin.read(&path).await["name"], "VIPs");

        // Where.
        let in_global = json!({ "name": "Everywhere", "organization_group_id": GLOBAL });
        for client in [&admin, &global] {
            let detail = refusal(&client.post("/api/v1/smart-groups", in_global.clone()).await, 422);
            assert!(detail.contains("cannot live in Global: choose the customer organization group"), "{detail}");
        }
        assert_eq!(admin.all("/api/v1/smart-groups").await, [] as [Value; 0]);

        cycle(&admin).await;
        server.stop().await;
        place.verify().await;
    }
}

/// A profile that enforces updates and a group of old versions: devices would flap in and out.
async fn cycle(admin: &Client) {
    let selection = json!({ "criteria": { "platforms": [{ "platform": "android", "max_os_version": "14" }] } });
    let old = json!({ "name": "Old", "selection": selection });
    let old = admin.post("/api/v1/smart-groups", old).await.expect(201);
    let any = admin.post("/api/v1/smart-groups", json!({ "name": "Any" })).await.expect(201);
    let updates = json!({ "type": "custom_settings", "content": { "systemUpdate": { "type": "AUTOMATIC" } } });
    let draft = |name: &str, group: &Value| {
        let spec = json!({ "assigned_groups": [group["id"]], "payloads": [updates] });
        json!({ "name": name, "platform": "android", "spec": spec })
    };
    let at = |resource: &str, one: &Value| format!("/api/v1/{resource}/{}", one["id"].as_str().unwrap());

    let profile = admin.post("/api/v1/profiles", draft("Update", &old)).await.expect(201);
    let detail = refusal(&admin.poke(&format!("{}/publish", at("profiles", &profile))).await, 422);
    for part in ["cycle", "\"Old\"", "\"Update\""] {
        assert!(detail.contains(part), "{part}: {detail}");
    }
    let shown = admin.read(&at("profiles", &profile)).await;
    assert_eq!((&shown["state"], &shown["published_version"]), (&json!("draft"), &json!(0)));

    // The other way round, too: the group is changed under a published profile.
    let profile = admin.post("/api/v1/profiles", draft("Update all", &any)).await.expect(201);
    admin.poke(&format!("{}/publish", at("profiles", &profile))).await.expect(200);
    let version = admin.read(&at("smart-groups", &any)).await["version"].clone();
    let edit = json!({ "selection": selection, "version": version });
    let detail = refusal(&admin.patch(&at("smart-groups", &any), edit).await, 422);
    assert!(detail.contains("cycle") && detail.contains("\"Update all\""), "{detail}");
    until("the jobs are done", async || {
        let jobs = admin.all("/api/v1/jobs").await;
        jobs.iter().all(|job| job["state"] == "done").then_some(())
    })
    .await;
}
