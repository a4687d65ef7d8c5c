//! A device's life: it enrolls, gets what it should have, says what is on it, leaves and comes back.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use allclear_channels::apple::{ENROLLMENT_PROFILE, property_list};
use allclear_domain::{ids::Tenant, time::Span};
use data_encoding::BASE64;
use plist::Value;
use serde_json::{Value as Json, json};

use super::device::{Device, Told, certificate, dictionary, identity, minute, register};
use crate::agent::tests::Stage;

const COMMAND: &str = "/apple/v1/command";

#[tokio::test]
async fn a_device_enrolls_says_what_it_is_and_an_idle_poll_writes_nothing() {
    let stage = Stage::new().await;
    let device = Device::new(&stage, "U1").await;
    assert_eq!(device.put(COMMAND, device.report("Idle", None, &[])).await.status, 403, "nobody yet");
    assert_eq!(device.token_update().await.status, 403, "it did not begin");
    let answer = device.authenticate().await;
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    let begun = device.shown().await;
    assert_eq!(begun["enrollment_status"], "pending");
    assert_eq!(device.put(COMMAND, device.report("Idle", None, &[])).await.status, 403, "not before TokenUpdate");
    assert_eq!(device.token_update().await.status, 200);
    let shown = device.shown().await;
    assert_eq!((&shown["enrollment_status"], &shown["udid"]), (&json!("enrolled"), &json!("U1")));
    assert_eq!(shown["user"]["user_name"], "ada");
    let mut asked = Vec::new();
    let mut told = device.idle().await;
    while let Some(one) = told {
        assert_eq!(device.idle().await, Some(one.clone()), "the same until it is answered");
        asked.push(one.kind.clone());
        told = device.done(&one).await;
    }
    assert_eq!(asked, ["DeviceInformation", "SecurityInfo", "ProfileList", "InstalledApplicationList"]);
    stage.world.pass(Span::days(1));
    assert_eq!(device.answer_questions().await, None, "every day");
    let shown = device.shown().await;
    assert_eq!((&shown["os_version"], &shown["model"]), (&json!("17.6.1"), &json!("iPhone16,1")));
    assert_eq!(shown["management"], "supervised");

    let before = (device.shown().await, position(&stage).await, changes(&stage).await);
    for _ in 0..20 {
        let answer = device.put(COMMAND, device.report("Idle", None, &[])).await;
        assert_eq!((answer.status, answer.body.len()), (200, 0), "nothing to do is an empty 200");
    }
    assert_eq!((device.shown().await, position(&stage).await, changes(&stage).await), before, "nothing was written");
    stage.world.pass(Span::seconds(3700));
    assert_eq!(device.idle().await, None);
    let after = (device.shown().await, position(&stage).await);
    assert_ne!(after.0["last_contact"], before.0["last_contact"], "but once an hour");
}

async fn position(stage: &Stage) -> i64 {
    let found = stage
        .world
        .state
        .db
        .read(|tx| tx.query_opt::<i64>("SELECT journal_position FROM tenant WHERE tenant = 1", &[]));
    found.await.unwrap().unwrap()
}

/// How many rows the one connection that writes has changed.
async fn changes(stage: &Stage) -> i64 {
    let found = stage.world.state.db.write(|tx| tx.query_opt::<i64>("SELECT total_changes()", &[]));
    found.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_device_that_enrolls_again_begins_anew_and_one_that_left_is_not_heard() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    let waiting = device.given(json!({"type": "restart_device"})).await;
    let bootstrap = [("BootstrapToken", Value::Data(b"boot".to_vec()))];
    assert_eq!(device.check_in("SetBootstrapToken", &bootstrap).await.status, 200);
    let kept = device.check_in("GetBootstrapToken", &[]).await;
    let kept = property_list::read(&kept.body).unwrap();
    assert_eq!(kept.get("BootstrapToken"), Some(&Value::Data(b"boot".to_vec())));

    assert_eq!(device.authenticate().await.status, 200);
    assert_eq!(device.state(&waiting).await, "cancelled");
    assert_eq!(device.put(COMMAND, device.report("Idle", None, &[])).await.status, 403);
    assert_eq!(device.put(COMMAND, device.report("Acknowledged", Some(&waiting), &[])).await.status, 403);
    assert_eq!(device.give(json!({"type": "restart_device"})).await.status, 409, "not yet");
    let none = device.check_in("GetBootstrapToken", &[]).await;
    assert_eq!((none.status, none.body.len()), (200, 0), "an absent one is an empty 200");
    assert_eq!(device.token_update().await.status, 200);
    assert_eq!(device.idle().await.unwrap().kind, "DeviceInformation", "it is asked anew");
    assert_eq!(device.answer_questions().await, None);
    assert_eq!(device.token_update().await.status, 200, "a later one changes how it is woken");
    assert_eq!(device.idle().await, None, "and nothing else");

    let waiting = device.given(json!({"type": "restart_device"})).await;
    assert_eq!(device.check_in("CheckOut", &[]).await.status, 200);
    assert_eq!(device.state(&waiting).await, "cancelled");
    assert_eq!(device.shown().await["enrollment_status"], "unenrolled");
    let refused = device.put(COMMAND, device.report("Idle", None, &[])).await;
    assert_eq!(refused.expect(403)["type"], "/problems/forbidden");
    assert_eq!(device.token_update().await.status, 403);
    assert_eq!(device.authenticate().await.status, 403, "its certificate is worth nothing any more");
    let again = Device::enrolled(&stage, "U1").await;
    assert_eq!(again.id().await, device.id().await, "it is the same device");
    assert_eq!(again.answer_questions().await, None);
    assert_eq!(device.put(COMMAND, device.report("Idle", None, &[])).await.status, 403, "not with the old one");
}

#[tokio::test]
async fn the_rest_of_the_protocol_is_answered_as_it_wants() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.check_in("UserAuthenticate", &[]).await.status, 410);
    assert_eq!(
        device
            .check_in(
                "TokenUpdate",
                &[
                    ("UserID", "x".into()),
                    ("Topic", "t".into()),
                    ("PushMagic", "m".into()),
                    ("Token", Value::Data(vec![1]))
                ]
            )
            .await
            .status,
        410,
        "not the device's own"
    );
    let body = device.report("Idle", None, &[("UserID", "x".into())]);
    assert_eq!(device.put(COMMAND, body).await.status, 410);
    assert_eq!(device.check_in("GetToken", &[("TokenServiceType", "com.apple.maid".into())]).await.status, 404);
    assert_eq!(device.check_in("Else", &[]).await.status, 400);
    let ask = async |endpoint: &str| device.check_in("DeclarativeManagement", &[("Endpoint", endpoint.into())]).await;
    let tokens = ask("tokens").await.expect(200);
    let items = ask("declaration-items").await.expect(200);
    assert!(tokens["SyncTokens"]["Timestamp"].as_str().unwrap().ends_with('Z'), "{tokens}");
    assert_eq!(tokens["SyncTokens"]["DeclarationsToken"], items["DeclarationsToken"]);
    assert_eq!(items["Declarations"]["Configurations"], json!([]));
    let status = ask("status").await;
    assert_eq!((status.status, status.body.len()), (200, 0));
    assert_eq!(ask("declaration/configuration/com.example").await.status, 404);
    for unknown in ["", "../tokens", "http://localhost:1/", "declaration/else/x", "tokens?x"] {
        assert_eq!(ask(unknown).await.status, 400, "{unknown}");
    }
    assert_eq!(device.put("/apple/v1/commands", Vec::new()).await.status, 404);
}

/// The configuration profile in a command: identifier and UUID.
fn payload(told: &Told) -> (String, String) {
    assert_eq!(told.kind, "InstallProfile");
    let bytes = BASE64.decode(told.command["Payload"].as_str().unwrap().as_bytes()).unwrap();
    let profile = property_list::members_to_json(&property_list::read(&bytes).unwrap());
    let text = |key: &str| profile[key].as_str().unwrap().to_owned();
    assert!(!profile["PayloadContent"].as_array().unwrap().is_empty());
    (text("PayloadIdentifier"), text("PayloadUUID"))
}

/// The list of profiles on a device.
fn profiles(of: &[&(String, String)]) -> Vec<(&'static str, Value)> {
    let one = |(identifier, uuid): &(String, String)| {
        let members = [("PayloadIdentifier", identifier.as_str().into()), ("PayloadUUID", uuid.as_str().into())];
        Value::Dictionary(dictionary(&members))
    };
    vec![("ProfileList", Value::Array(of.iter().map(|profile| one(profile)).collect()))]
}

async fn detect(stage: &Stage, device: &Device<'_>, event: &str, status: &str) {
    minute(stage);
    let detection = json!({"event_id": event, "source": "sensor", "device": {"id": device.id().await},
        "threat_id": "t", "classification": "trojan", "status": status,
        "detected_at": stage.world.state.source.now()});
    let taken = stage.world.call("POST", "/api/v1/detections", &stage.admin, Some(detection)).await.expect(200);
    assert_eq!(taken["accepted"], 1);
}

async fn profile_status(device: &Device<'_>) -> Json {
    device.shown().await["profiles"][0]["status"].clone()
}

#[tokio::test]
async fn a_threat_restricts_the_device_until_it_is_gone_as_the_device_says() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    detect(&stage, &device, "1", "open").await;
    assert_eq!(profile_status(&device).await, "pending_install");
    let install = device.idle().await.unwrap();
    let profile = payload(&install);
    assert_eq!(device.not_now(&install).await, None, "it is locked: not within this exchange");
    assert_eq!(profile_status(&device).await, "installing");
    let again = device.idle().await.unwrap();
    assert_eq!((&again.id, payload(&again)), (&install.id, profile.clone()), "at the next idle, at once");
    let list = device.done(&again).await.unwrap();
    assert_eq!(list.kind, "ProfileList", "what is on it is what it says");
    assert_eq!(device.say("Acknowledged", Some(&list.id), &profiles(&[&profile])).await, None);
    assert_eq!(profile_status(&device).await, "installed");
    assert_eq!(device.done(&install).await, None, "late");

    // Somebody took it off.
    stage.world.pass(Span::days(1));
    let mut told = device.idle().await;
    while let Some(one) = told.take_if(|one| one.kind != "InstallProfile") {
        told = device.say("Acknowledged", Some(&one.id), &profiles(&[])).await;
    }
    let told = told.unwrap();
    assert_eq!(payload(&told), profile, "it is put back");
    assert_eq!(profile_status(&device).await, "pending_install");
    let mut told = device.done(&told).await;
    while let Some(one) = told {
        told = device.say("Acknowledged", Some(&one.id), &profiles(&[&profile])).await;
    }
    assert_eq!(profile_status(&device).await, "installed");

    detect(&stage, &device, "2", "resolved").await;
    let remove = device.idle().await.unwrap();
    assert_eq!((remove.kind.as_str(), remove.command["Identifier"].as_str()), ("RemoveProfile", Some(&*profile.0)));
    let list = device.done(&remove).await.unwrap();
    assert_eq!(device.say("Acknowledged", Some(&list.id), &profiles(&[])).await, None);
    assert_eq!(profile_status(&device).await, "removed");
}

#[tokio::test]
async fn a_device_that_is_unenrolled_loses_what_was_managed_and_then_the_management() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    detect(&stage, &device, "1", "open").await;
    let install = device.idle().await.unwrap();
    let profile = payload(&install);
    let list = device.done(&install).await.unwrap();
    assert_eq!(device.say("Acknowledged", Some(&list.id), &profiles(&[&profile])).await, None);
    let waiting = device.given(json!({"type": "restart_device"})).await;

    let uri = format!("/api/v1/devices/{}/unenroll", device.id().await);
    let unenrolled = stage.world.call("POST", &uri, &stage.admin, None).await.expect(200);
    assert_eq!(unenrolled["enrollment_status"], "unenrolled");
    assert_eq!(device.state(&waiting).await, "cancelled");
    let remove = device.idle().await.unwrap();
    assert_eq!((remove.kind.as_str(), remove.command["Identifier"].as_str()), ("RemoveProfile", Some(&*profile.0)));
    assert_eq!(device.not_now(&remove).await, None, "the management stays until that is done");
    let remove = device.idle().await.unwrap();
    let leave = device.done(&remove).await.unwrap();
    assert_eq!(
        (leave.kind.as_str(), leave.command["Identifier"].as_str()),
        ("RemoveProfile", Some(ENROLLMENT_PROFILE))
    );
    assert_eq!(device.idle().await, Some(leave.clone()), "until it is answered");
    assert_eq!(device.done(&leave).await, None);
    assert_eq!(device.put(COMMAND, device.report("Idle", None, &[])).await.status, 403);
    let uri = format!("/api/v1/devices/{}/timeline", device.id().await);
    let timeline = stage.world.get(&uri, &stage.admin).await.expect(200).to_string();
    assert!(timeline.contains("device_unenrolled") && timeline.contains("management_removed"), "{timeline}");
}

#[tokio::test]
async fn a_certificate_is_renewed_before_it_ends() {
    let stage = Stage::new().await;
    stage.manage(json!({})).await;
    let mut device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None, "it lasts");
    let token = device.token();
    let ending = certificate(&token, stage.world.state.source.now().minus(Span::days(345)), 365);
    register(&stage.world, &ending, &token, false).await;
    device.identity = identity(ending);
    let told = device.idle().await.unwrap();
    assert_eq!(payload(&told).0, ENROLLMENT_PROFILE);
    assert_eq!(device.idle().await.unwrap().id, told.id, "until it is answered");
    assert_eq!(device.done(&told).await, None);
    assert_eq!(device.idle().await, None, "once a day");
    stage.world.pass(Span::days(1));
    let told = device.answer_questions().await.unwrap();
    assert_eq!(payload(&told).0, ENROLLMENT_PROFILE, "as long as it comes with the old one");
}

#[tokio::test]
async fn what_a_device_gave_us_is_sealed_and_its_messages_are_kept() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    let rows = stage.world.state.db.read(|tx| {
        let sql = "SELECT push, unlock_token, authenticate, token_update FROM apple_enrollment WHERE tenant = 1";
        tx.query_opt::<(Vec<u8>, Vec<u8>, Vec<u8>, Vec<u8>)>(sql, &[])
    });
    let (push, unlock, authenticate, update) = rows.await.unwrap().unwrap();
    let sealer = stage.world.state.engine.sealer();
    for (sealed, open) in [(&push, "magic"), (&authenticate, "Authenticate"), (&update, "PushMagic")] {
        assert!(!String::from_utf8_lossy(sealed).contains(open));
    }
    let opened = |sealed: &[u8]| allclear_engine::apple_mdm::open(sealer, Tenant(1), sealed).unwrap();
    assert_eq!(opened(&unlock), b"unlock");
    let said = property_list::read(&opened(&authenticate)).unwrap();
    assert_eq!(said.get("Something").and_then(Value::as_string), Some("new"), "what is not known is kept");
    assert!(sealer.open(Tenant(1), &push).unwrap().contains("magic"));
    assert_eq!(device.idle().await.unwrap().kind, "DeviceInformation");
}
