//! Android phones under Google's management, over public interfaces only: the other side is a server that holds every
//! request to Google's own description of its interface, and phones that it plays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]
#![allow(unreachable_pub, reason = "a module of a program, which exports nothing")]

mod common;
#[path = "../../channels/tests/common/peer.rs"]
mod peer;
#[path = "android/world.rs"]
mod world;

use std::time::Duration;

use allclear_domain::{
    level::{Platform, RiskLevel},
    payload::Payload,
    quickstart,
};
use common::{Client, Place, fleet::trojan, places, until};
use serde_json::{Value, json};
use world::{Google, PATH, World, start};

const HIGH: &str = "MTD High Risk Android";

#[tokio::test(flavor = "multi_thread")]
async fn a_threat_restricts_a_phone_and_the_all_clear_lifts_it() {
    for place in places().await {
        let mut world = World::new(&place).await;
        world.google.order("comply", json!(true));
        let shown = world.admin.read(PATH).await;
        assert!(shown["enterprise"].as_str().unwrap().starts_with("enterprises/LC"), "{shown}");
        assert!(!shown.to_string().contains("PRIVATE KEY"), "{shown}");
        let check = world.admin.poke(&format!("{PATH}/check")).await.expect(200);
        assert_eq!((&check["works"], &check["topic"]), (&json!(true), &shown["topic"]), "{check}");
        world.admin.post("/api/v1/quickstart/risk-response", json!({})).await.expect(200);

        let (device, name) = world.enroll("fully_managed", "R58-1", json!({})).await;
        let seen = world.seen(&device).await;
        assert_eq!((&seen["platform"], &seen["management"]), (&json!("android"), &json!("fully_managed")), "{seen}");
        assert_eq!((&seen["os_version"], &seen["ownership"]), (&json!("16"), &json!("corporate_dedicated")), "{seen}");

        world.detect("e-1", "R58-1", "open", 100).await;
        world.status(&device, HIGH, "installed").await;
        let restricted = world.google.policy_of(&name);
        assert!(restricted["statusReportingSettings"]["applicationReportsEnabled"] == true, "{restricted}");
        let timeline = world.admin.read(&format!("/api/v1/devices/{device}/timeline")).await.to_string();
        for word in ["device_enrolled", "command_issued", "profile_reported"] {
            assert!(timeline.contains(word), "{timeline}");
        }

        world.detect("e-2", "R58-1", "resolved", 200).await;
        let lifted = until("the restrictions are lifted", async || {
            let seen = world.seen(&device).await;
            let waits =
                |one: &Value| ["installed", "pending_removal", "failed"].contains(&one["status"].as_str().unwrap());
            (!seen["profiles"].as_array().unwrap().iter().any(waits)).then_some(seen)
        })
        .await;
        assert_eq!(lifted["risk_level"], "none", "{lifted}");
        let base = world.google.policy_of(&name);
        assert!(base["name"] != restricted["name"] && base.get("applications").is_none(), "{base}");
        let waiting = until("all news is taken in", async || {
            Some(world.google.order("waiting", json!({}))).filter(|waiting| *waiting == 0)
        });
        waiting.await;
        world.stop(&place).await;
    }
}

/// A fully managed phone takes all of them.
#[tokio::test(flavor = "multi_thread")]
async fn every_restriction_of_the_quickstart_comes_and_goes_as_the_phone_says() {
    let place = Place::sqlite();
    let mut world = World::new(&place).await;
    world.google.order("comply", json!(true));
    world.admin.post("/api/v1/quickstart/risk-response", json!({})).await.expect(200);
    let (device, name) = world.enroll("fully_managed", "R58-1", json!({})).await;
    let plan: Vec<_> = quickstart::plan().profiles.into_iter().filter(|it| it.platform == Platform::Android).collect();
    assert_eq!(plan.len(), 3);
    let detect = async |world: &World, n: usize, level: RiskLevel, status: &str| {
        let event = format!("{n} {status}");
        let seconds = if status == "open" { 100 } else { 200 };
        let mut threat = trojan(&event, json!({ "serial_number": "R58-1" }), &format!("t-{n}"), status, seconds);
        threat["classification"] = match level {
            RiskLevel::Low => json!("adware"),
            RiskLevel::Medium => json!("chargeware"),
            _ => json!("trojan"),
        };
        world.admin.post("/api/v1/detections", threat).await.expect(200);
    };
    let mut checked = 0;
    for (n, profile) in plan.iter().enumerate() {
        detect(&world, n, profile.level, "open").await;
        world.status(&device, profile.name, "installed").await;
        let policy = world.google.policy_of(&name);
        for (pointer, value) in profile.payloads.iter().flat_map(expected) {
            let found = match policy.pointer(&pointer) {
                Some(Value::Array(entries)) if !value.is_array() => entries.contains(&value).then_some(&value),
                found => found,
            };
            assert_eq!(found, Some(&value), "{}: {pointer} in {policy}", profile.name);
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked}");
    for (n, profile) in plan.iter().enumerate() {
        detect(&world, n, profile.level, "resolved").await;
    }
    world.status(&device, HIGH, "removed").await;
    let base = world.google.policy_of(&name);
    for (pointer, value) in plan[2].payloads.iter().flat_map(expected) {
        let left = base.pointer(&pointer);
        assert!(left.is_none() || left != Some(&value), "{pointer} in {base}");
    }
    world.stop(&place).await;
}

/// What a payload of the quickstart comes to in a policy: where, and a value or an entry of the list there.
fn expected(payload: &Payload) -> Vec<(String, Value)> {
    match payload {
        Payload::Restrictions(restrictions) => {
            let restriction = |(key, value): (&String, &Value)| {
                let mut value = value.clone();
                if let Value::Array(entries) = &mut value {
                    entries.sort_by_key(ToString::to_string);
                }
                (format!("/{}", key.replace('.', "/")), value)
            };
            restrictions.settings.iter().map(restriction).collect()
        }
        Payload::ApplicationControl(control) => {
            let app = |package: &String| json!({ "packageName": package, "disabled": true });
            let named = control.apps.iter().filter_map(|rule| rule.package_name.as_ref());
            named.map(|package| ("/applications".to_owned(), app(package))).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_phone_says_is_what_is_shown() {
    let place = Place::sqlite();
    let mut world = World::new(&place).await;
    world.profile("Camera", json!({ "cameraAccess": "CAMERA_ACCESS_DISABLED" })).await;
    world.profile("Screen", json!({ "screenCaptureDisabled": true })).await;
    let (device, name) = world.enroll("fully_managed", "R58-1", json!({})).await;
    let (other, _) = world.enroll("fully_managed", "R58-2", json!({})).await;

    // Two profiles are one policy, which both devices share.
    let policies = until("both devices have the same policy", async || {
        let google = world.google.show("devices");
        let names: Vec<Value> = google.iter().map(|device| device["policyName"].clone()).collect();
        (names[0] == names[1] && world.google.policy_of(&name)["screenCaptureDisabled"] == true).then_some(names)
    });
    policies.await;
    let policy = world.google.policy_of(&name);
    assert_eq!(policy["cameraAccess"], "CAMERA_ACCESS_DISABLED", "{policy}");
    assert_eq!(policy["version"], "1", "written once");
    world.status(&device, "Camera", "pending_install").await;

    world.google.order("refuse", json!({ "device": name, "settings": { "cameraAccess": "PENDING" } }));
    world.google.order("report", json!({ "device": name }));
    world.status(&device, "Camera", "installing").await;
    world.status(&device, "Screen", "installed").await;
    let refused = json!({ "cameraAccess": "INVALID_VALUE" });
    world.google.order("refuse", json!({ "device": name, "settings": refused }));
    world.google.order("report", json!({ "device": name }));
    let failed = world.status(&device, "Camera", "failed").await;
    assert!(failed["detail"].as_str().unwrap().contains("INVALID_VALUE"), "{failed}");
    world.status(&device, "Screen", "installed").await;
    world.google.order("refuse", json!({ "device": name, "settings": {} }));
    world.google.order("report", json!({ "device": name }));
    world.status(&device, "Camera", "installed").await;

    // What is lost on the way is asked for; what comes twice changes nothing.
    let lost = world.google.show("devices").into_iter().find(|one| one["hardwareInfo"]["serialNumber"] == "R58-2");
    world.google.order("report", json!({ "device": lost.unwrap()["name"], "publish": false }));
    world.status(&other, "Camera", "installed").await;
    let count = world.admin.read(&format!("/api/v1/devices/{device}/timeline")).await;
    world.google.order("redeliver", json!({}));
    world.google.order("report", json!({ "device": name, "apply": false }));
    tokio::time::sleep(Duration::from_secs(1)).await;
    let again = world.admin.read(&format!("/api/v1/devices/{device}/timeline")).await;
    assert_eq!(each_change(&again), each_change(&count));

    // What it sees of itself.
    let app =
        json!({ "packageName": "com.example.app", "versionName": "1.0", "displayName": "App", "state": "INSTALLED" });
    let settings = json!({ "isDeviceSecure": false, "isEncrypted": true, "encryptionStatus": "ACTIVE" });
    let set = json!({ "applicationReports": [app], "deviceSettings": settings });
    world.google.order("report", json!({ "device": name, "set": set }));
    until("the missing passcode is a threat", async || {
        let threats = world.admin.read(&format!("/api/v1/threats?device_id={device}")).await;
        threats["items"].as_array().unwrap().iter().any(|threat| threat["source"] == "allclear").then_some(())
    })
    .await;
    let apps = world.admin.read(&format!("/api/v1/devices/{device}/apps")).await;
    assert!(apps.to_string().contains("com.example.app"), "{apps}");
    world.stop(&place).await;
}

fn each_change(timeline: &Value) -> Vec<Value> {
    timeline["items"].as_array().unwrap().iter().map(|entry| entry["changes"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_google_fails_or_the_server_does() {
    for place in places().await {
        let mut world = World::new(&place).await;
        world.google.order("comply", json!(true));
        let (device, name) = world.enroll("fully_managed", "R58-1", json!({})).await;
        for (method, failure) in [
            ("policies.patch", json!({ "status": 503 })),
            ("policies.patch", json!({ "status": 429, "retry_after": "1" })),
            ("devices.patch", json!({ "status": 503, "times": 2 })),
            ("devices.patch", json!({ "drop": "after" })),
            ("subscriptions.pull", json!({ "status": 503 })),
        ] {
            let mut failure = failure;
            failure["method"] = json!(method);
            world.google.order("fail", failure);
        }
        world.profile("Camera", json!({ "cameraAccess": "CAMERA_ACCESS_DISABLED" })).await;
        world.status(&device, "Camera", "installed").await;
        assert!(world.google.requests("enterprises.devices.patch").len() >= 3);
        let state = world.admin.read(PATH).await["state"].clone();
        assert_eq!(state["state"], "connected", "{state}");

        // It is killed before Google answers, and nobody is there when the phone does.
        world.google.order("comply", json!(false));
        world.google.order("fail", Value::Null);
        let dropped = |world: &World| {
            world.google.requests("enterprises.devices.patch").iter().filter(|one| one["status"] == "dropped").count()
        };
        let before = dropped(&world);
        world.google.order("fail", json!({ "method": "devices.patch", "drop": "after" }));
        world.profile("Screen", json!({ "screenCaptureDisabled": true })).await;
        until("the answer is lost", async || (dropped(&world) > before).then_some(())).await;
        world.server.kill().await;
        world.google.order("report", json!({ "device": name, "publish": false }));
        let token = world.admin.token().to_owned();
        let server = start(&place).await;
        world.admin = server.client(&token);
        world.server = server;
        world.status(&device, "Screen", "installed").await;
        world.status(&device, "Camera", "installed").await;
        assert_eq!(world.google.policy_of(&name)["screenCaptureDisabled"], true);

        // A policy that somebody has deleted is written again, another one replaced.
        let base = world
            .google
            .show("policies")
            .iter()
            .map(|one| one["name"].clone())
            .find(|one| *one != world.google.device(&name)["policyName"]);
        world.google.order("report", json!({ "device": name, "set": { "policyName": base } }));
        until("the policy is given again", async || {
            (world.google.policy_of(&name)["screenCaptureDisabled"] == true).then_some(())
        })
        .await;
        world.google.verify();
        world.server.stop().await;
        place.verify().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_carried_out_once_and_answered() {
    let place = Place::sqlite();
    let mut world = World::new(&place).await;
    let (device, name) = world.enroll("fully_managed", "R58-1", json!({})).await;
    let operation = async |world: &mut World, kind: &str| {
        // Google would rather not have the type where it follows from the rest.
        let params = [("START_LOST_MODE", "startLostModeParams"), ("WIPE", "wipeParams")];
        let params = params.into_iter().find(|(of, _)| *of == kind).map_or("", |(_, params)| params);
        let is = |body: &Value| body["type"] == kind || body.get(params).is_some();
        let taken = |request: &Value| request["status"] == 200 && is(&request["body"]);
        world.asked("enterprises.devices.issueCommand", taken).await;
        let operations = world.google.show("operations");
        let found = operations.into_iter().rev().find(|one| one["metadata"]["type"] == kind);
        found.expect("it was taken over")["name"].clone()
    };

    let lock = world.command(&device, json!({ "type": "device_lock" })).await;
    let named = operation(&mut world, "LOCK").await;
    world.comes_to(&lock, "sent").await;
    world.google.order("answer", json!({ "operation": named }));
    world.comes_to(&lock, "acknowledged").await;

    let lost = json!({ "type": "enable_lost_mode", "message": "Call us", "phone_number": "+49 30 1" });
    let lost = world.command(&device, lost).await;
    let named = operation(&mut world, "START_LOST_MODE").await;
    world.google.order("answer", json!({ "operation": named, "status": "ALREADY_IN_LOST_MODE" }));
    let answered = world.comes_to(&lost, "error").await;
    assert!(answered["detail"].as_str().unwrap().contains("lost mode already"), "{answered}");

    // Its answer is lost: it is asked for.
    let reset = json!({ "type": "reset_password", "new_password": "987654", "lock_now": true });
    let reset = world.command(&device, reset).await;
    let named = operation(&mut world, "RESET_PASSWORD").await;
    world.google.order("answer", json!({ "operation": named, "publish": false }));
    let answered = world.comes_to(&reset, "acknowledged").await;
    assert!(!answered.to_string().contains("987654"), "{answered}");
    let asked = &world.google.requests("enterprises.devices.issueCommand")[2]["body"];
    assert_eq!((&asked["newPassword"], &asked["resetPasswordFlags"]), (&json!("987654"), &json!(["LOCK_NOW"])));

    // Google does not take one; one is taken back.
    world.google.order("fail", json!({ "method": "issueCommand", "status": 403 }));
    let restart = world.command(&device, json!({ "type": "restart_device" })).await;
    world.comes_to(&restart, "error").await;
    let restart = world.command(&device, json!({ "type": "restart_device" })).await;
    operation(&mut world, "REBOOT").await;
    world.comes_to(&restart, "sent").await;
    world.admin.poke(&format!("{restart}/cancel")).await.expect(200);
    world.asked("enterprises.devices.operations.cancel", |_| true).await;
    world.comes_to(&restart, "cancelled").await;

    // What Apple alone knows, what is not confirmed, and what nobody may.
    let path = format!("/api/v1/devices/{device}/commands");
    for (body, pointer) in [
        (json!({ "command": { "type": "profile_list" } }), "/command/type"),
        (json!({ "command": { "type": "device_lock", "message": "x" } }), "/command/message"),
        (json!({ "command": { "type": "erase_device" } }), "/confirm"),
        (json!({ "command": { "type": "relinquish_ownership" }, "confirm": "another" }), "/confirm"),
    ] {
        let problem = world.admin.post(&path, body).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    let help_desk = world.server.client(&place.token("help_desk", None).await);
    help_desk.post(&path, json!({ "command": { "type": "clear_passcode" }, "confirm": "x" })).await.expect(403);

    let wipe = world.command(&device, json!({ "type": "erase_device", "preserve_data_plan": true })).await;
    let named = operation(&mut world, "WIPE").await;
    assert_eq!(world.google.device(&name)["state"], "ACTIVE", "until it has done so");
    world.google.order("answer", json!({ "operation": named }));
    world.comes_to(&wipe, "acknowledged").await;
    let seen = until("the device has left", async || {
        Some(world.seen(&device).await).filter(|seen| seen["enrollment_status"] == "unenrolled")
    });
    seen.await;
    world.admin.post(&path, json!({ "command": { "type": "device_lock" } })).await.expect(409);
    world.stop(&place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_managed_goes_and_what_is_the_persons_stays() {
    let place = Place::sqlite();
    let mut world = World::new(&place).await;
    world.google.order("comply", json!(true));
    world.profile("Camera", json!({ "cameraAccess": "CAMERA_ACCESS_DISABLED" })).await;
    let company = json!({ "ownership": "COMPANY_OWNED" });
    let (own, own_name) = world.enroll("work_profile", "R58-1", json!({})).await;
    let (beside, beside_name) = world.enroll("work_profile", "R58-2", company).await;
    let (whole, whole_name) = world.enroll("dedicated", "R58-3", json!({})).await;
    assert_eq!(world.seen(&whole).await["management"], "dedicated");
    for device in [&own, &beside, &whole] {
        world.status(device, "Camera", "installed").await;
    }
    world.admin.call("DELETE", PATH, &Value::Null).await.expect(409);
    for device in [&own, &beside, &whole] {
        world.admin.poke(&format!("/api/v1/devices/{device}/unenroll")).await.expect(200);
    }
    let removed = async |world: &World, device: &str| {
        until("the management is gone", async || {
            let timeline = world.admin.read(&format!("/api/v1/devices/{device}/timeline")).await.to_string();
            timeline.contains("management_removed").then_some(())
        })
        .await;
    };
    removed(&world, &own).await;
    removed(&world, &beside).await;
    let deleted = world.google.requests("enterprises.devices.delete");
    assert_eq!(deleted.len(), 1, "{deleted:?}");
    assert!(deleted[0]["path"].as_str().unwrap().ends_with(&own_name), "{deleted:?}");
    let given = world.google.requests("enterprises.devices.issueCommand");
    assert_eq!(given.len(), 1, "{given:?}");
    assert_eq!(given[0]["body"]["type"], "RELINQUISH_OWNERSHIP");
    assert!(given[0]["path"].as_str().unwrap().contains(&beside_name), "{given:?}");
    // Google would erase the other: it only loses its restrictions.
    until("the restrictions are lifted", async || {
        (world.google.policy_of(&whole_name).get("cameraAccess").is_none()).then_some(())
    })
    .await;
    assert_eq!(world.google.device(&whole_name)["state"], "ACTIVE");
    let wipe = world.command(&whole, json!({ "type": "erase_device" })).await;
    world.comes_to(&wipe, "acknowledged").await;
    removed(&world, &whole).await;

    // One that is deleted here is let go first; one whose management its owner has removed is not there any more.
    let (gone, gone_name) = world.enroll("work_profile", "R58-4", json!({})).await;
    let (left, left_name) = world.enroll("work_profile", "R58-5", json!({})).await;
    world.status(&gone, "Camera", "installed").await;
    world.admin.delete(&format!("/api/v1/devices/{gone}")).await.expect(204);
    world.asked("enterprises.devices.delete", |request| request["path"].as_str().unwrap().ends_with(&gone_name)).await;
    world.google.order("report", json!({ "device": left_name, "set": { "state": "DELETED" } }));
    removed(&world, &left).await;

    // That one is gone which was erased may be heard before what became of the command.
    let (erased, erased_name) = world.enroll("dedicated", "R58-6", json!({})).await;
    world.status(&erased, "Camera", "installed").await;
    world.google.order("comply", json!(false));
    let wipe = world.command(&erased, json!({ "type": "erase_device" })).await;
    world.asked("enterprises.devices.issueCommand", |it| it["path"].as_str().unwrap().contains(&erased_name)).await;
    world.comes_to(&wipe, "sent").await;
    world.google.order("report", json!({ "device": erased_name, "set": { "state": "DELETED" } }));
    world.comes_to(&wipe, "acknowledged").await;
    removed(&world, &erased).await;
    until("nobody is managed", async || (world.admin.read(PATH).await["devices"] == 0).then_some(())).await;
    world.admin.call("DELETE", PATH, &Value::Null).await.expect(204);
    assert_eq!(world.admin.read(PATH).await["state"]["state"], "not_set_up");
    world.stop(&place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_are_found_without_news_and_strangers_are_not_taken() {
    let place = Place::sqlite();
    let mut world = World::with(&place, |settings| settings["subscription"] = Value::Null).await;
    world.google.order("comply", json!(true));
    world.profile("Camera", json!({ "cameraAccess": "CAMERA_ACCESS_DISABLED" })).await;
    let (device, _) = world.enroll("fully_managed", "R58-1", json!({})).await;
    world.status(&device, "Camera", "installed").await;

    // One that comes with a token that an agent has used meanwhile.
    let user = world.admin.post("/api/v1/users", json!({ "user_name": "eve" })).await.expect(201);
    let token = world.admin.post("/api/v1/enrollment-tokens", json!({ "user_id": user["id"] })).await.expect(201);
    let path = format!("/api/v1/enrollment-tokens/{}/android", token["id"].as_str().unwrap());
    let android = world.admin.post(&path, json!({ "management": "fully_managed" })).await.expect(201);
    assert_eq!(android["url"], Value::Null);
    let agent = json!({ "platform": "android", "serial_number": "R58-2" });
    let enroll = json!({ "enrollment_token": token["token"], "device": agent });
    world.admin.with("").post("/agent/v1/enroll", enroll).await.expect(201);
    world.admin.post(&path, json!({})).await.expect(409);
    until("it is taken back", async || world.google.show("tokens").is_empty().then_some(())).await;
    let known = world.admin.all("/api/v1/devices").await;
    assert_eq!(known.len(), 2, "{known:?}");
    let for_apple = json!({ "user_id": user["id"], "platform": "ios" });
    let token = world.admin.post("/api/v1/enrollment-tokens", for_apple).await.expect(201);
    let path = format!("/api/v1/enrollment-tokens/{}/android", token["id"].as_str().unwrap());
    world.admin.post(&path, json!({})).await.expect(409);
    world.stop(&place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pushed_news_is_believed_if_google_has_signed_it() {
    let place = Place::sqlite();
    let email = "push@example-project.iam.gserviceaccount.com";
    let mut world = World::with(&place, |settings| {
        settings["subscription"] = Value::Null;
        settings["push_email"] = json!(email);
    })
    .await;
    let endpoint = world.admin.read(PATH).await["push_endpoint"].clone();
    let to = json!({ "endpoint": endpoint, "email": email });
    world.google.order("push", to.clone());
    world.profile("Camera", json!({ "cameraAccess": "CAMERA_ACCESS_DISABLED" })).await;
    let (device, name) = world.enroll("fully_managed", "R58-1", json!({})).await;
    until("it has its policy", async || (world.google.policy_of(&name)["cameraAccess"].is_string()).then_some(()))
        .await;
    world.google.order("report", json!({ "device": name }));
    world.status(&device, "Camera", "installed").await;

    world.google.order("push", Value::Null);
    let said = json!({ "name": name, "state": "DELETED", "appliedState": "DELETED" });
    let data = data_encoding::BASE64.encode(said.to_string().as_bytes());
    let message = json!({ "attributes": { "notificationType": "STATUS_REPORT" }, "data": data });
    let mut order = to;
    order["message"] = message;
    for forged in ["signature", "key", "audience", "email", "issuer", "expired", "unverified", "unsigned"] {
        order["forge"] = json!(forged);
        let answer = world.google.order("deliver", order.clone());
        assert_eq!(answer["status"], 401, "{forged}: {answer}");
    }
    assert_eq!(world.seen(&device).await["enrollment_status"], "enrolled");
    order.as_object_mut().unwrap().remove("forge");
    let mut elsewhere = order.clone();
    elsewhere["endpoint"] = json!(format!("{}/android/v1/notifications/7", world.server.url));
    assert_eq!(world.google.order("deliver", elsewhere)["status"], 401, "nobody's");
    assert_eq!(world.google.order("deliver", order)["status"], 204);
    assert_eq!(world.seen(&device).await["enrollment_status"], "unenrolled");
    world.stop(&place).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_set_up_by_whoever_may_and_a_sign_up_is_good_once() {
    let place = Place::sqlite();
    let google = Google::new();
    let server = start(&place).await;
    let admin = server.client(&place.token("administrator", None).await);
    let shown = admin.read(PATH).await;
    assert_eq!((&shown["state"]["state"], &shown["version"]), (&json!("not_set_up"), &json!(0)), "{shown}");
    for path in ["sign-up", "check"] {
        admin.poke(&format!("{PATH}/{path}")).await.expect(409);
    }
    admin.call("DELETE", PATH, &Value::Null).await.expect(404);
    let mut settings = google.settings();
    settings["version"] = json!(0);
    for (member, wrong) in [
        ("service_account", json!("{}")),
        ("enterprise", json!("LC1")),
        ("topic", json!("android")),
        ("subscription", json!("projects/x")),
        ("base_url", json!("http://10.0.0.1")),
    ] {
        let mut settings = settings.clone();
        settings[member] = wrong;
        let problem = admin.call("PUT", PATH, &settings).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], format!("/{member}"), "{problem}");
    }
    let reader = server.client(&place.token("read_only", None).await);
    reader.read(PATH).await;
    reader.call("PUT", PATH, &settings).await.expect(403);
    admin.call("PUT", PATH, &settings).await.expect(200);
    admin.call("PUT", PATH, &settings).await.expect(409);
    assert_eq!(admin.read(PATH).await["state"]["state"], "signing_up");

    let url = admin.poke(&format!("{PATH}/sign-up")).await.expect(201)["url"].clone();
    let signed_up = Client::new(url.as_str().unwrap(), "").get("").await;
    let back = signed_up.header("location").to_owned();
    let guess = back.replace("sign-up/1/", "sign-up/1/A");
    Client::new(&guess, "").get("").await.expect(404);
    assert_eq!(Client::new(&back, "").get("").await.status, 200);
    assert_eq!(Client::new(&back, "").get("").await.status, 404, "it is good once");
    let enterprise = admin.read(PATH).await["enterprise"].clone();
    assert!(enterprise.is_string());
    admin.poke(&format!("{PATH}/sign-up")).await.expect(409);

    // The key stays for the same addresses, and the enterprise stays.
    let mut kept = settings.clone();
    kept.as_object_mut().unwrap().remove("service_account");
    kept["version"] = admin.read(PATH).await["version"].clone();
    let shown = admin.call("PUT", PATH, &kept).await.expect(200);
    assert_eq!((&shown["enterprise"], &shown["private_key_set"]), (&enterprise, &json!(true)), "{shown}");
    kept["base_url"] = json!("http://127.0.0.1:1");
    kept["version"] = shown["version"].clone();
    let problem = admin.call("PUT", PATH, &kept).await.expect(422);
    assert_eq!(problem["errors"][0]["pointer"], "/service_account", "{problem}");
    let journal = admin.read("/api/v1/journal?limit=500").await;
    assert!(!journal.to_string().contains("PRIVATE KEY"));
    google.verify();
    server.stop().await;
}
