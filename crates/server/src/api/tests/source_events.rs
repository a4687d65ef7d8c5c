//! Messages of sources: taken in, kept aside, tried again, dropped.

use allclear_domain::{
    ids::DeviceId,
    journal::{Actor, ActorKind},
    level::Platform,
};
use allclear_engine::Error;
use serde_json::{Value, json};

use super::{Fleet, TENANT, device};

const URI: &str = "/api/v1/source-events";

fn typed(kind: &str, mut event: Value) -> Value {
    event["type"] = json!(kind);
    event
}

fn sensor(event: &str, serial: &str) -> Value {
    typed(
        "sensor",
        json!({
            "event_id": event, "source": "lab", "device": {"serial_number": serial}, "external_id": "their-phone",
            "reported_at": "2026-01-01T00:00:00Z", "protection_status": "activated"
        }),
    )
}

fn of_theirs(fleet: &Fleet, event: &str, theirs: &str) -> Value {
    let mut detection = fleet.detection(event, "", "t1", "trojan", "open");
    detection["device"] = json!({"external_id": theirs});
    typed("detection", detection)
}

#[tokio::test]
async fn messages_are_taken_in_or_kept_and_never_refused() {
    let fleet = Fleet::new().await;
    let unmapped = json!({"type": "unmapped", "event_id": "u1", "source": "lab", "reason": "no idea", "raw": "{x"});
    let notice = json!({"type": "notice", "event_id": "n1", "source": "lab", "at": "2026-01-01T00:00:00Z",
                        "summary": "policy changed"});
    let waiting = of_theirs(&fleet, "e1", "their-phone");
    let all = json!([waiting, unmapped, notice, {"type": "weather"}, 7]);
    let answer = fleet.post(URI, all.clone()).await.expect(200);
    let counts = json!({"accepted": 1, "duplicates": 0, "waiting": 1, "exceptions": 3, "rejected": []});
    assert_eq!(answer, counts);
    let again = fleet.post(URI, all).await.expect(200);
    assert_eq!(again, json!({"accepted": 0, "duplicates": 5, "waiting": 0, "exceptions": 0, "rejected": []}));

    let kept = fleet.get(URI).await;
    assert_eq!((&kept["count"], &kept["items"][0]["external_id"]), (&json!(1), &json!("their-phone")));
    assert_eq!(kept["items"][0]["event"]["type"], "detection");
    let page = fleet.get(&format!("{URI}?state=exception&limit=2")).await;
    assert_eq!((&page["count"], page["items"].as_array().unwrap().len()), (&json!(3), 2));
    let rest = format!("{URI}?state=exception&limit=2&cursor={}", page["next_cursor"].as_str().unwrap());
    let rest = fleet.get(&rest).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
    assert_eq!(rest["items"][0]["reason"], "no idea", "as whoever mapped it said");

    // The sensor says whose name that is, and what waited is taken in.
    assert_eq!(fleet.post(URI, sensor("s1", "PHONE")).await.expect(200)["accepted"], 1);
    assert_eq!(fleet.get(URI).await["count"], 0);
    assert_eq!(fleet.threat().await["status"], "open");

    for (method, uri) in [("GET", URI.to_owned()), ("POST", URI.to_owned())] {
        let answer = fleet.world.call(method, &uri, &fleet.north, Some(json!([]))).await;
        assert_eq!(answer.expect(403)["type"], "/problems/forbidden", "they concern the whole tenant");
    }
    fleet.world.get(&format!("{URI}?sort=-received_at"), &fleet.admin).await.expect(422);
}

#[tokio::test]
async fn what_was_kept_is_tried_again_or_dropped() {
    let fleet = Fleet::new().await;
    fleet.post(URI, of_theirs(&fleet, "e1", "EXT-1")).await.expect(200);
    let mut future = fleet.detection("e2", "PHONE", "t2", "trojan", "open");
    future["detected_at"] =
        json!(fleet.world.state.source.now().plus(allclear_domain::time::Span::days(3)).to_string());
    assert_eq!(fleet.post(URI, typed("detection", future)).await.expect(200)["exceptions"], 1);
    fleet.post(URI, json!(["nonsense"])).await.expect(200);

    let at = |item: &Value| format!("{URI}/{}", item["id"].as_str().unwrap());
    let waiting = at(&fleet.get(URI).await["items"][0]);
    let exceptions = fleet.get(&format!("{URI}?state=exception")).await;
    let (nonsense, ahead) = (at(&exceptions["items"][0]), at(&exceptions["items"][1]));
    for still in [&waiting, &nonsense, &ahead] {
        fleet.post(&format!("{still}/retry"), json!({})).await.expect(409);
    }
    assert_eq!(fleet.get(&format!("{URI}?state=exception")).await, exceptions, "refused, and kept as it was");

    fleet.world.pass(allclear_domain::time::Span::days(3));
    let taken = fleet.post(&format!("{ahead}/retry"), json!({})).await.expect(200);
    assert_eq!(taken["accepted"], 1);
    assert_eq!(fleet.threat().await["threat_id"], "t2");
    fleet.post(&format!("{ahead}/retry"), json!({})).await.expect(404);

    let id = DeviceId(fleet.world.state.source.id());
    let acme = fleet.world.acme;
    let made = fleet.world.state.engine.edit(TENANT, Actor::new(ActorKind::Operator, "test"), move |work| {
        let device = device(id, acme, "NEW", Platform::Ios, work.now);
        work.create_device(allclear_domain::device::Device { external_id: Some("EXT-1".into()), ..device });
        Ok::<_, Error>(())
    });
    made.await.unwrap();
    fleet.world.call("DELETE", &waiting, &fleet.admin, None).await.expect(409);
    assert_eq!(fleet.post(&format!("{waiting}/retry"), json!({})).await.expect(200)["accepted"], 1);
    assert_eq!(fleet.get(URI).await["count"], 0);

    let desk = fleet.world.token(1, "help_desk", fleet.world.acme).await;
    fleet.world.call("DELETE", &nonsense, &desk, None).await.expect(403);
    let bolt = fleet.world.token(2, "administrator", fleet.world.bolt).await;
    fleet.world.call("DELETE", &nonsense, &bolt, None).await.expect(404);
    fleet.world.call("DELETE", &nonsense, &fleet.admin, None).await.expect(204);
    fleet.world.call("DELETE", &nonsense, &fleet.admin, None).await.expect(404);
    let journal = fleet.get("/api/v1/journal?kind=source_event&change=deleted").await;
    assert_eq!(journal["items"].as_array().unwrap().len(), 1);
}
