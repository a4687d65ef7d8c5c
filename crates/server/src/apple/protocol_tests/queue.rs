//! Commands: each is delivered until it is answered, and has one result, whatever is repeated, late or made up.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use allclear_domain::{
    device_command::{CommandState, rank},
    ids::{CommandId, DeviceId, Tenant},
    journal::{Actor, ActorKind},
    time::Span,
};
use allclear_store::device_commands::{self, DeviceCommand};
use plist::Value;
use serde_json::{Value as Json, json};

use super::device::{Device, Told, dictionary};
use crate::agent::tests::Stage;

fn restart() -> Json {
    json!({"type": "restart_device"})
}

fn app(name: &str) -> Json {
    json!({"type": "remove_application", "identifier": name})
}

fn id(told: &Option<Told>) -> &str {
    told.as_ref().map_or("", |told| &told.id)
}

#[tokio::test]
async fn what_was_postponed_comes_back_with_the_next_idle_and_nothing_else_does() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    let (a, b) = (device.given(app("a")).await, device.given(app("b")).await);
    let first = device.idle().await.unwrap();
    assert_eq!((first.id.as_str(), first.command["Identifier"].as_str()), (a.as_str(), Some("a")));
    let second = device.not_now(&first).await.unwrap();
    assert_eq!(second.id, b, "not the one it postponed");
    assert_eq!(device.done(&second).await, None, "neither");
    assert_eq!((device.state(&a).await, device.state(&b).await), ("not_now".into(), "acknowledged".into()));
    let again = device.idle().await.unwrap();
    assert_eq!(again, first, "the same command under the same id");
    assert_eq!(device.done(&again).await, None, "B is not delivered again");
    assert_eq!(device.idle().await, None);
    assert_eq!(device.state(&a).await, "acknowledged");
}

#[tokio::test]
async fn repeated_late_foreign_and_unknown_answers_change_nothing() {
    let stage = Stage::new().await;
    let (device, other) = (Device::enrolled(&stage, "U1").await, Device::enrolled(&stage, "U2").await);
    assert_eq!(device.answer_questions().await, None);
    assert_eq!(other.answer_questions().await, None);
    let (a, b, c) = (device.given(app("a")).await, device.given(app("b")).await, device.given(app("c")).await);
    let foreign = other.given(app("x")).await;

    let first = device.idle().await.unwrap();
    let second = device.done(&first).await.unwrap();
    assert_eq!((first.id.as_str(), second.id.as_str()), (a.as_str(), b.as_str()));
    // The answer was lost: it reports again.
    assert_eq!(device.done(&first).await, Some(second.clone()), "nothing is skipped");
    let failed = device.say("Error", Some(&a), &[]).await;
    assert_eq!((failed, device.state(&a).await), (Some(second.clone()), "acknowledged".into()), "settled");
    for made_up in ["7e0f9d2a-0000-7000-8000-000000000000", "no id", foreign.as_str(), c.as_str()] {
        assert_eq!(device.say("Acknowledged", Some(made_up), &[]).await, Some(second.clone()), "{made_up}");
    }
    assert_eq!(device.say("Acknowledged", None, &[]).await, Some(second.clone()));
    assert_eq!(other.state(&foreign).await, "queued", "not by another device");
    assert_eq!(device.state(&c).await, "queued", "it was never given that");
    let third = device.done(&second).await.unwrap();
    assert_eq!(third.id, c);
    assert_eq!(device.done(&third).await, None);
    assert_eq!(device.done(&second).await, None, "late");
    assert_eq!(other.idle().await.unwrap().id, foreign);

    let answers = answered(&stage, &device.id().await).await;
    assert_eq!(answers, [a, b, c], "each has one result");
}

/// The commands that a device has answered, by its timeline.
async fn answered(stage: &Stage, device: &str) -> Vec<String> {
    let uri = format!("/api/v1/devices/{device}/timeline?limit=500");
    let page = stage.world.get(&uri, &stage.admin).await.expect(200);
    let entries = page["items"].as_array().unwrap().iter().rev();
    let changes = entries.flat_map(|entry| entry["changes"].as_array().unwrap().clone());
    let answers = changes.filter(|change| change["type"] == "command_answered");
    answers.map(|change| change["command"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn two_connections_get_the_same_command() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    let a = device.given(restart()).await;
    let (one, two) = tokio::join!(device.idle(), device.idle());
    assert_eq!(one, two, "handed out twice, it is one command");
    let told = one.unwrap();
    let b = device.given(app("b")).await;
    let (one, two) = tokio::join!(device.done(&told), device.done(&told));
    assert_eq!((id(&one), id(&two)), (b.as_str(), b.as_str()));
    let told = one.unwrap();
    let (one, two) = tokio::join!(device.done(&told), device.say("Error", Some(&b), &[]));
    assert_eq!((one, two), (None, None));
    assert_eq!(answered(&stage, &device.id().await).await, [a, b], "one result each");
}

#[tokio::test]
async fn what_fails_is_told_in_the_devices_words() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    let (a, b) = (device.given(app("a")).await, device.given(restart()).await);
    let link = [
        ("ErrorCode", Value::from(12_021)),
        ("ErrorDomain", "MCMDMErrorDomain".into()),
        ("USEnglishDescription", "No such app".into()),
    ];
    let chain = Value::Array(vec![Value::Dictionary(dictionary(&link))]);
    let told = device.idle().await.unwrap();
    let members = [("ErrorChain", chain), ("Unheard", Value::from("of"))];
    assert_eq!(id(&device.say("Error", Some(&told.id), &members).await), b);
    let failed = device.command(&a).await;
    assert_eq!(
        (&failed["state"], &failed["detail"]),
        (&json!("error"), &json!("No such app (MCMDMErrorDomain 12021)"))
    );
    assert_eq!(failed["answer"]["Unheard"], "of", "what is not known is kept");
    assert_eq!(failed["payload"]["RequestType"], "RemoveApplication");
    assert_eq!(device.say("CommandFormatError", Some(&b), &[]).await, None);
    assert_eq!(device.state(&b).await, "error");
}

#[tokio::test]
async fn a_command_ends_when_it_is_taken_back_replaced_or_out_of_time() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    let uri = format!("/api/v1/devices/{}/commands", device.id().await);
    let cancel = async |id: &str| stage.world.call("POST", &format!("{uri}/{id}/cancel"), &stage.admin, None).await;

    let gone = device.given(app("gone")).await;
    assert_eq!(cancel(&gone).await.expect(200)["state"], "cancelled");
    assert_eq!(device.idle().await, None);
    cancel(&gone).await.expect(200);
    let late = device.given(app("late")).await;
    let told = device.idle().await.unwrap();
    cancel(&late).await.expect(200);
    assert_eq!(device.idle().await, None, "not handed out again");
    assert_eq!(device.done(&told).await, None);
    let late = device.command(&late).await;
    assert_eq!(late["state"], "cancelled");
    assert!(late["answered_at"].is_string(), "but what the device did is written down: {late}");
    cancel(late["id"].as_str().unwrap()).await.expect(200);

    let (lost, found) =
        (json!({"type": "enable_lost_mode", "message": "Call us"}), json!({"type": "disable_lost_mode"}));
    let (one, two) = (device.given(lost.clone()).await, device.given(found).await);
    assert_eq!(device.state(&one).await, "superseded", "only the last word counts");
    let three = device.given(lost).await;
    assert_eq!(device.state(&two).await, "superseded");
    let first = device.given(app("first")).await;
    let told = device.idle().await.unwrap();
    assert_eq!((told.id.as_str(), told.kind.as_str()), (three.as_str(), "EnableLostMode"), "protection goes first");
    assert_eq!(id(&device.done(&told).await), first);
    assert_eq!(cancel(&three).await.expect(409)["type"], "/problems/conflict", "it is settled");

    stage.world.pass(Span::days(8));
    assert_eq!(device.state(&first).await, "expired");
    let told = device.answer_questions().await;
    assert_eq!(told, None, "its time is over");
    let name = stage.device(&device.id().await).await["friendly_name"].clone();
    let short = json!({"command": app("short"), "expires_in_hours": 0, "confirm": name});
    let refused = stage.world.call("POST", &uri, &stage.admin, Some(short)).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/expires_in_hours");
}

#[tokio::test]
async fn what_does_harm_is_confirmed_and_done_once() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    let uri = format!("/api/v1/devices/{}/commands", device.id().await);
    let erase = json!({"type": "erase_device"});
    for (command, confirm) in [
        (erase.clone(), Json::Null),
        (erase.clone(), json!("another name")),
        (json!({"type": "clear_passcode"}), Json::Null),
        (json!({"type": "enable_lost_mode", "message": "x"}), Json::Null),
        (
            json!({"type": "raw", "plist": "<plist><dict><key>RequestType</key><string>EraseDevice</string></dict></plist>"}),
            Json::Null,
        ),
    ] {
        let body = json!({"command": command, "confirm": confirm});
        let refused = stage.world.call("POST", &uri, &stage.admin, Some(body)).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], "/confirm", "{command}");
    }
    let help_desk = stage.world.token(1, "help_desk", stage.world.acme).await;
    let as_help_desk = async |command: Json| {
        let name = device.shown().await["friendly_name"].clone();
        stage.world.call("POST", &uri, &help_desk, Some(json!({"command": command, "confirm": name}))).await
    };
    let refused = as_help_desk(erase.clone()).await.expect(403);
    assert!(refused["detail"].as_str().unwrap().contains("wipe_devices"), "{refused}");
    let raw = json!({"type": "raw", "plist": "<plist><dict><key>RequestType</key><string>X</string></dict></plist>"});
    let refused = as_help_desk(raw.clone()).await.expect(403);
    assert!(refused["detail"].as_str().unwrap().contains("send_raw_commands"), "{refused}");
    as_help_desk(json!({"type": "device_lock"})).await.expect(201);
    let invalid = device.give(json!({"type": "enable_lost_mode"})).await.expect(422);
    assert_eq!(invalid["errors"][0]["pointer"], "/command/message");
    device.give(json!({"type": "erase_device", "colour": "red"})).await.expect(422);
    let told = device.idle().await.unwrap();
    assert_eq!(device.done(&told).await, None);

    let passcode = device.given(json!({"type": "clear_passcode"})).await;
    let told = device.idle().await.unwrap();
    assert_eq!((told.id.as_str(), &told.command["UnlockToken"]), (passcode.as_str(), &json!("dW5sb2Nr")));
    assert_eq!(device.command(&passcode).await["payload"]["UnlockToken"], Json::Null, "it is not kept with it");
    let raw = device.given(raw).await;
    let told = device.done(&told).await.unwrap();
    assert_eq!((told.id.as_str(), told.kind.as_str()), (raw.as_str(), "X"));
    assert_eq!(device.done(&told).await, None);

    let erase_id = device.given(erase.clone()).await;
    let waiting = device.given(app("later")).await;
    assert!(device.give(erase.clone()).await.expect(409)["detail"].as_str().unwrap().contains("already"));
    let told = device.idle().await.unwrap();
    assert_eq!((told.id.as_str(), told.kind.as_str()), (erase_id.as_str(), "EraseDevice"));
    device.give(erase).await.expect(409);
    assert_eq!(device.done(&told).await, None);
    assert_eq!(device.put("/apple/v1/command", device.report("Idle", None, &[])).await.status, 403, "it was erased");
    assert_eq!(
        (device.state(&erase_id).await, device.state(&waiting).await),
        ("acknowledged".into(), "cancelled".into())
    );
    assert_eq!(device.shown().await["enrollment_status"], "unenrolled");
    device.give(restart()).await.expect(409);
}

#[tokio::test]
async fn a_long_queue_is_worked_off_in_order() {
    const LONG: u32 = 5000;
    const ROUND: usize = 500;
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    let id = DeviceId(device.id().await.parse().unwrap());
    let (source, sealer) = (stage.world.state.source.clone(), stage.world.state.engine.sealer().clone());
    let payload = "<plist version=\"1.0\"><dict><key>RequestType</key><string>CertificateList</string></dict></plist>";
    let payload = sealer.seal(Tenant(1), payload, &*source).unwrap();
    let made = stage.world.state.db.write(move |tx| {
        let now = source.now();
        let mut ids = Vec::new();
        for _ in 0..LONG {
            let command = DeviceCommand {
                id: CommandId(source.id()),
                device: id,
                request_type: "CertificateList".into(),
                rank: rank("CertificateList"),
                state: CommandState::Queued,
                requested_by: Actor::new(ActorKind::Administrator, "test"),
                created_at: now,
                expires_at: now.plus(Span::days(1)),
                sent_at: None,
                answered_at: None,
                detail: None,
            };
            ids.push(command.id.to_string());
            device_commands::insert(tx, Tenant(1), &command, &payload)?;
        }
        Ok::<_, allclear_store::Error>(ids)
    });
    let made = made.await.unwrap();
    // Every tenth is postponed, the others are done: none is lost, none comes twice.
    let mut told = device.idle().await;
    let mut seen = Vec::new();
    while let Some(one) = told.filter(|_| seen.len() < ROUND) {
        told = if seen.len() % 10 == 0 { device.not_now(&one).await } else { device.done(&one).await };
        seen.push(one.id);
    }
    assert_eq!(seen, made[..ROUND]);
    let mut left: Vec<String> = made[..ROUND].iter().step_by(10).cloned().collect();
    left.extend_from_slice(&made[ROUND..ROUND + 5]);
    let mut told = device.idle().await;
    let mut seen = Vec::new();
    while let Some(one) = told.filter(|_| seen.len() < left.len()) {
        told = device.done(&one).await;
        seen.push(one.id);
    }
    assert_eq!(seen, left, "what was postponed comes first, in the same order");
    let open = stage.world.state.db.read(move |tx| device_commands::count_open(tx, Tenant(1), id)).await.unwrap();
    assert_eq!(open, i64::from(LONG) - ROUND as i64 - 5);
    assert_eq!(device.authenticate().await.status, 200);
    let open = stage.world.state.db.read(move |tx| device_commands::count_open(tx, Tenant(1), id)).await.unwrap();
    assert_eq!(open, 0, "it begins anew");
}
