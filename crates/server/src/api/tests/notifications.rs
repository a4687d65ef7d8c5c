//! Notify: the preview, the order, the log, and who may.

use allclear_domain::{
    ids::DeviceId,
    journal::{Actor, ActorKind},
    level::Platform,
};
use allclear_engine::Error;
use serde_json::{Value, json};

use super::{Fleet, TENANT, device};

/// Gives Ada an address and a number.
async fn reachable(fleet: &Fleet) -> String {
    let path = format!("/api/v1/users/{}", fleet.ada);
    let edit = json!({"email": "ada@example.com", "phone": "+14255550123", "version": 1});
    fleet.world.call("PATCH", &path, &fleet.admin, Some(edit)).await.expect(200);
    format!("{path}/notify")
}

#[tokio::test]
async fn the_preview_is_what_is_written_down() {
    let fleet = Fleet::new().await;
    let before = fleet.get(&format!("/api/v1/users/{}/notify", fleet.ada)).await;
    for (channel, address) in [("email", "address"), ("sms", "phone")] {
        assert_eq!((&before[channel]["available"], &before[channel][address]), (&json!(false), &Value::Null));
        let reason = before[channel]["reason"].as_str().unwrap();
        assert!(reason.starts_with("The user has no ") && reason.contains("Users > Directory"), "{reason}");
    }
    let path = reachable(&fleet).await;
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    let preview = fleet.get(&path).await;
    assert_eq!((&preview["enabled"], &preview["email"]["available"]), (&json!(true), &json!(true)));
    assert_eq!((&preview["email"]["address"], &preview["email"]["reason"]), (&json!("ada@example.com"), &Value::Null));
    assert!(preview["email"]["text"].as_str().unwrap().contains("Trojan (high risk) on Device PHONE"));
    assert!(preview["email"]["html"].as_str().unwrap().starts_with("<!doctype html>"));
    let length = &preview["sms"]["length"];
    assert_eq!((&length["alphabet"], &length["limit"], &length["fits"]), (&json!("gsm7"), &json!(160), &json!(true)));
    assert_eq!(length["units"].as_u64().unwrap() as usize, preview["sms"]["text"].as_str().unwrap().len());

    let told = fleet.post(&path, json!({"channels": ["sms", "email"]})).await.expect(202);
    let [sms, mail] = [&told["notifications"][0], &told["notifications"][1]];
    assert_eq!((&sms["body"], &sms["address"]), (&preview["sms"]["text"], &preview["sms"]["phone"]));
    assert_eq!((&mail["body"], &mail["subject"]), (&preview["email"]["text"], &preview["email"]["subject"]));
    for one in [sms, mail] {
        assert_eq!(
            (&one["state"], &one["trigger"], &one["created_by"]),
            (&json!("captured"), &json!("notify"), &json!("test"))
        );
        assert_eq!((&one["user_id"], &one["recipient"]), (&json!(fleet.ada), &json!("Ada Nowak")));
        assert!(one["reason"].as_str().unwrap().ends_with("captured, not sent."));
    }
    let whole = fleet.get(&format!("/api/v1/notifications/{}", mail["id"].as_str().unwrap())).await;
    assert_eq!((&whole["html"], &whole["body"]), (&preview["email"]["html"], &mail["body"]));
    assert_eq!(fleet.world.noted("user").await.iter().filter(|what| *what == "notified").count(), 2);
}

#[tokio::test]
async fn an_order_that_cannot_be_is_refused_in_its_place() {
    let fleet = Fleet::new().await;
    let path = reachable(&fleet).await;
    for (body, pointer, part) in [
        (json!({"channels": []}), "/channels", "at least one"),
        (json!({"channels": ["sms"], "message": "x".repeat(161)}), "/message", "161 of 160"),
        (json!({"channels": ["email"], "message": ""}), "/message", "must have 1"),
        (json!({"channels": ["email", "email"]}), "/channels/1", "twice"),
    ] {
        let refused = fleet.post(&path, body).await.expect(422);
        let error = &refused["errors"][0];
        assert!(error["pointer"] == pointer && error["detail"].as_str().unwrap().contains(part), "{refused}");
    }
    fleet.post(&path, json!({"channels": ["device_message"]})).await.expect(422);
    fleet.post(&path, json!({"channels": ["email"], "colour": "red"})).await.expect(422);

    let help_desk = fleet.world.token(1, "help_desk", fleet.world.acme).await;
    fleet.world.get(&path, &help_desk).await.expect(200);
    let refused = fleet.world.call("POST", &path, &help_desk, Some(json!({"channels": ["email"]}))).await;
    assert!(refused.expect(403)["detail"].as_str().unwrap().contains("notify"));
    fleet.world.get(&path, &fleet.north).await.expect(404);
    fleet.world.call("POST", &path, &fleet.north, Some(json!({"channels": ["email"]}))).await.expect(404);

    let settings = fleet.get("/api/v1/settings").await;
    let off = json!({"settings": {"threat_management": false}, "version": settings["version"]});
    fleet.world.call("PUT", "/api/v1/settings", &fleet.admin, Some(off)).await.expect(200);
    assert_eq!(fleet.get(&path).await["enabled"], false);
    fleet.post(&path, json!({"channels": ["email"]})).await.expect(409);
    fleet.post("/api/v1/device-notifications", json!({"device_ids": [fleet.phone]})).await.expect(409);
    assert_eq!(fleet.get("/api/v1/notifications").await["items"], json!([]));
}

#[tokio::test]
async fn an_order_repeated_under_its_key_tells_nobody_twice() {
    let fleet = Fleet::new().await;
    let path = reachable(&fleet).await;
    let send = async || {
        let body = json!({"channels": ["email"]});
        let key = [("idempotency-key", "one")];
        fleet.world.send(crate::testing::request("POST", &path, &fleet.admin, Some(body), &key)).await.expect(202)
    };
    assert_eq!(send().await, send().await);
    assert_eq!(fleet.get("/api/v1/notifications").await["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_order_that_was_cut_off_comes_to_its_end_under_its_key() {
    let fleet = Fleet::new().await;
    let path = reachable(&fleet).await;
    let send = async |path: &str, body: &Value| {
        let key = [("idempotency-key", path)];
        let request = crate::testing::request("POST", path, &fleet.admin, Some(body.clone()), &key);
        fleet.world.send(request).await.expect(202)
    };
    let told = async || {
        let all = fleet.get("/api/v1/notifications?limit=500").await["items"].clone();
        all.as_array().unwrap().iter().map(|one| one["id"].clone()).collect::<Vec<_>>()
    };
    // A server that is killed leaves the key as it was claimed.
    let cut_off = async |undone: bool| {
        let cut_off = fleet.world.state.db.write::<_, allclear_store::Error>(move |tx| {
            tx.execute("UPDATE idempotency SET status = 0, body = ''", &[])?;
            if undone {
                tx.execute("DELETE FROM notification", &[])?;
            }
            Ok(())
        });
        cut_off.await.unwrap();
    };
    let (channels, filter) = (json!({"channels": ["email", "sms"]}), json!({"filter": {}}));
    for (path, body, once, anew) in [(path.as_str(), channels, 2, 2), ("/api/v1/device-notifications", filter, 3, 4)] {
        cut_off(true).await;
        let first = send(path, &body).await;
        assert_eq!(told().await.len(), once, "{first}");
        let (ids, elsewhere) = (told().await, fleet.world.acme);
        cut_off(false).await;
        let add = fleet.world.state.engine.edit(TENANT, Actor::new(ActorKind::Operator, "test"), move |work| {
            let id = DeviceId(work.source.id());
            work.create_device(device(id, elsewhere, &id.to_string(), Platform::Android, work.now));
            Ok::<_, Error>(id)
        });
        let new = add.await.unwrap();
        assert_eq!(send(path, &body).await, first, "it had been carried out, and is not once more");
        assert_eq!(told().await, ids, "nor for {new}, which is new");
        cut_off(true).await;
        let again = send(path, &body).await;
        assert_eq!(told().await.len(), anew, "it had not: {again}");
        assert!(told().await.iter().all(|id| !ids.contains(id)));
    }
}

#[tokio::test]
async fn each_device_is_answered_and_the_log_is_found_by_what_it_says() {
    let fleet = Fleet::new().await;
    let path = reachable(&fleet).await;
    fleet.post(&path, json!({"channels": ["email"]})).await.expect(202);
    let nobody = fleet.world.acme;
    let asked = json!({"device_ids": [fleet.tablet, fleet.phone, nobody], "message": "Bring it in."});
    let answer = fleet.post("/api/v1/device-notifications", asked).await.expect(202);
    let states: Vec<_> = answer["devices"].as_array().unwrap().iter().map(|it| (&it["state"], &it["reason"])).collect();
    let queued = (&json!("queued"), &Value::Null);
    assert_eq!(states, [queued, queued, (&json!("left_out"), &json!("There is no such device."))]);
    assert_eq!(answer["devices"][2]["device_id"], json!(nobody));

    let find = async |query: &str| {
        let items = fleet.get(&format!("/api/v1/notifications?{query}")).await["items"].clone();
        let channels = items.as_array().unwrap().iter().map(|it| it["channel"].as_str().unwrap().to_owned());
        channels.collect::<Vec<_>>()
    };
    let (mail, message) = ("email".to_owned(), "device_message".to_owned());
    assert_eq!(find("sort=-created_at").await, [message.clone(), message.clone(), mail.clone()]);
    assert_eq!(find(&format!("user_id={}", fleet.ada)).await, [mail.clone(), message.clone()], "and the user's phone");
    assert_eq!(find(&format!("device_id={}", fleet.tablet)).await, ["device_message"]);
    assert_eq!(find("channel=email&state=captured&trigger=notify").await, [mail]);
    assert_eq!(find("state=read").await, [""; 0]);
    assert_eq!(find("since=2100-01-01T00:00:00Z").await, [""; 0]);
    let north = fleet.world.get("/api/v1/notifications", &fleet.north).await.expect(200);
    assert_eq!(north["items"].as_array().unwrap().len(), 1, "the tablet's");
    let others = answer["devices"][1]["notification_id"].as_str().unwrap();
    fleet.world.get(&format!("/api/v1/notifications/{others}"), &fleet.north).await.expect(404);
    let first = fleet.get("/api/v1/notifications?limit=2").await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = fleet.get(&format!("/api/v1/notifications?limit=2&cursor={cursor}")).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    let timeline = fleet.get(&format!("/api/v1/devices/{}/timeline", fleet.phone)).await.to_string();
    assert!(timeline.contains("\"notified\""), "{timeline}");
}

#[tokio::test]
async fn all_devices_that_pass_a_filter_are_notified() {
    let fleet = Fleet::new().await;
    let send = async |token: &str, body: Value| {
        fleet.world.call("POST", "/api/v1/device-notifications", token, Some(body)).await
    };
    let unenroll = format!("/api/v1/devices/{}/unenroll", fleet.tablet);
    fleet.post(&unenroll, json!({})).await.expect(200);
    let told = send(&fleet.admin, json!({"filter": {}, "message": "Bring it in."})).await.expect(202);
    assert_eq!((&told["queued"], &told["left_out"]), (&json!(1), &json!(1)));
    let left_out = told["devices"].as_array().unwrap();
    assert_eq!((left_out.len(), &left_out[0]["device_id"]), (1, &json!(fleet.tablet)));
    assert_eq!(left_out[0]["reason"], "The device is not enrolled any more.");

    let filter = json!({"filter": {"platform": "android", "risk_level": ["none", "low"], "user_id": fleet.ada}});
    assert_eq!(send(&fleet.admin, filter).await.expect(202)["queued"], 1);
    let north = send(&fleet.north, json!({"filter": {}})).await.expect(202);
    assert_eq!((&north["queued"], &north["left_out"]), (&json!(0), &json!(1)), "within reach");
    let named = send(&fleet.admin, json!({"device_ids": [fleet.phone, fleet.tablet]})).await.expect(202);
    assert_eq!((&named["queued"], &named["left_out"]), (&json!(1), &json!(1)));
    assert_eq!(named["devices"].as_array().unwrap().len(), 2);

    for (body, pointer) in [
        (json!({}), "/device_ids"),
        (json!({"device_ids": [], "message": "x"}), "/device_ids"),
        (json!({"device_ids": [fleet.phone], "filter": {}}), "/device_ids"),
        (json!({"filter": {"colour": "red"}}), "/filter/colour"),
        (json!({"filter": {"profile_status": ["failed"]}}), "/filter/profile_status"),
        (json!({"filter": {"q": ""}}), "/filter/q"),
        (json!({"filter": {"model": "nothing like it"}}), "/filter"),
        (json!({"filter": {}, "message": " "}), "/message"),
    ] {
        let refused = send(&fleet.admin, body).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
}

#[tokio::test]
async fn a_filter_may_fit_many_devices_but_not_too_many() {
    let fleet = Fleet::new().await;
    let (home, enough) = (fleet.world.acme, 601);
    let add = async |from: usize, to: usize| {
        let made = fleet.world.state.engine.edit(TENANT, Actor::new(ActorKind::Operator, "test"), move |work| {
            for number in from..to {
                let id = DeviceId(work.source.id());
                work.create_device(device(id, home, &format!("N{number}"), Platform::Android, work.now));
            }
            Ok::<_, Error>(())
        });
        made.await.unwrap();
    };
    add(0, enough).await;
    let send = async |body: Value| fleet.post("/api/v1/device-notifications", body).await;
    let told = send(json!({"filter": {"q": "N"}})).await.expect(202);
    assert_eq!((&told["queued"], &told["left_out"], &told["devices"]), (&json!(enough), &json!(0), &json!([])));
    for part in 0..10 {
        add(1000 + part * 1000, 2000 + part * 1000).await;
    }
    let refused = send(json!({"filter": {}})).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/filter");
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("10000"), "{refused}");
}
