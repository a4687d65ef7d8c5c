//! Threats listed, decided about, and kept from those they do not concern.

use allclear_domain::time::Span;
use serde_json::{Value, json};

use super::Fleet;

const URI: &str = "/api/v1/threats";

fn ids(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["threat_id"].as_str().unwrap()).collect()
}

async fn fleet() -> Fleet {
    let fleet = Fleet::new().await;
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    fleet.detect("e2", "PHONE", "t2", "out_of_date_os", "resolved").await;
    fleet.detect("e3", "TABLET", "t3", "man_in_the_middle", "open").await;
    fleet.detect("e4", "TABLET", "t4", "never_heard_of", "open").await;
    fleet
}

#[tokio::test]
async fn lists_are_filtered_sorted_and_paged() {
    let fleet = fleet().await;
    let all = fleet.get(URI).await;
    assert_eq!(ids(&all), ["t1", "t2", "t3", "t4"]);
    let first = &all["items"][0];
    assert_eq!(first["device"]["friendly_name"], "Device PHONE");
    assert_eq!(first["device"]["user"], json!({"id": fleet.ada, "name": "Ada Nowak"}));
    assert_eq!((&first["level"], &first["decided_by"]), (&json!("high"), &json!("default")));
    assert_eq!((&first["family"], &first["status"]), (&json!("application"), &json!("open")));
    assert!(first["dwell_time"].as_i64().unwrap() >= 0);
    assert_eq!((&all["items"][3]["family"], &all["items"][3]["name"]), (&Value::Null, &json!("never_heard_of")));

    let device = fleet.tablet;
    let future = fleet.world.state.source.now().plus(Span::days(1));
    for (query, expected) in [
        ("status=open".to_owned(), vec!["t1", "t3", "t4"]),
        ("status=open&status=resolved&sort=-id".to_owned(), vec!["t4", "t3", "t2", "t1"]),
        ("family=network".to_owned(), vec!["t3"]),
        ("classification=TROJAN&classification=out_of_date_os".to_owned(), vec!["t1", "t2"]),
        ("status=open&classification=trojan&classification=man_in_the_middle".to_owned(), vec!["t1", "t3"]),
        ("source=lab&status=resolved".to_owned(), vec!["t2"]),
        ("source=lookout".to_owned(), vec![]),
        (format!("device_id={device}"), vec!["t3", "t4"]),
        (format!("since={future}"), vec![]),
        (format!("until={future}&sort=changed_at"), vec!["t1", "t2", "t3", "t4"]),
        ("sort=-first_seen&limit=2".to_owned(), vec!["t4", "t3"]),
    ] {
        let query = query.replace('+', "%2B");
        assert_eq!(ids(&fleet.get(&format!("{URI}?{query}")).await), expected, "{query}");
    }
    let level = async |level: &str| {
        let list = fleet.get(&format!("{URI}?level={level}")).await;
        list["items"].as_array().unwrap().iter().map(|it| it["level"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut seen = 0;
    for word in ["none", "advisory", "low", "medium", "high"] {
        let levels = level(word).await;
        assert!(levels.iter().all(|level| level == word), "{word}: {levels:?}");
        seen += levels.len();
    }
    assert_eq!(seen, 4, "each threat has one level, unknown names too");

    let (mut query, mut paged) = ("?limit=1&sort=-changed_at".to_owned(), Vec::new());
    loop {
        let page = fleet.get(&format!("{URI}{query}")).await;
        paged.extend(ids(&page).into_iter().map(str::to_owned));
        match page["next_cursor"].as_str() {
            Some(cursor) => query = format!("?limit=1&sort=-changed_at&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(paged, ["t4", "t3", "t2", "t1"]);
    for wrong in ["colour=red", "status=gone", "device_id=7", "since=yesterday", "sort=name"] {
        fleet.world.get(&format!("{URI}?{wrong}"), &fleet.admin).await.expect(422);
    }
}

#[tokio::test]
async fn a_change_of_protections_changes_the_level_at_once() {
    let fleet = fleet().await;
    let row = json!({"risk_level": "low", "version": 0});
    fleet.world.call("PATCH", "/api/v1/classifications/trojan", &fleet.admin, Some(row)).await.expect(200);
    let list = fleet.get(&format!("{URI}?classification=trojan")).await;
    assert_eq!((&list["items"][0]["level"], &list["items"][0]["decided_by"]), (&json!("low"), &json!("tenant")));
    assert_eq!(ids(&fleet.get(&format!("{URI}?level=low&classification=trojan")).await), ["t1"]);
}

#[tokio::test]
async fn threats_are_resolved_ignored_and_reopened_with_a_reason() {
    let fleet = Fleet::new().await;
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    let uri = format!("{URI}/{}", fleet.threat().await["id"].as_str().unwrap());
    let one = fleet.get(&uri).await;
    assert_eq!(one["details"], json!({"package": "com.example"}));
    assert!(one["user_text"].as_str().unwrap().len() > 10);

    let decide = async |what: &str, status: u16| {
        let answer = fleet.post(&format!("{uri}/{what}"), json!({"reason": "seen by hand"})).await;
        answer.expect(status)["status"].clone()
    };
    assert_eq!(decide("ignore", 200).await, "ignored");
    assert_eq!(fleet.get(&uri).await["ignored"]["by"], "test");
    assert_eq!(decide("ignore", 200).await, "ignored");
    assert_eq!(decide("reopen", 200).await, "open");
    assert_eq!(decide("resolve", 200).await, "resolved");
    decide("ignore", 409).await;
    assert_eq!(decide("reopen", 200).await, "open");

    for (body, pointer) in [(json!({}), "/reason"), (json!({"reason": ""}), "/reason"), (json!({"why": "x"}), "/why")] {
        let problem = fleet.post(&format!("{uri}/resolve"), body).await.expect(422);
        assert_eq!(problem["errors"][0]["pointer"], pointer);
    }
    let reader = fleet.world.token(1, "help_desk", fleet.world.acme).await;
    let body = Some(json!({"reason": "x"}));
    fleet.world.call("POST", &format!("{uri}/resolve"), &reader, body.clone()).await.expect(403);
    let other = fleet.world.token(2, "administrator", fleet.world.bolt).await;
    for token in [&fleet.north, &other] {
        fleet.world.get(&uri, token).await.expect(404);
        fleet.world.call("POST", &format!("{uri}/resolve"), token, body.clone()).await.expect(404);
        assert_eq!(ids(&fleet.world.get(URI, token).await.expect(200)), Vec::<&str>::new());
    }
    fleet.detect("e2", "TABLET", "t2", "trojan", "open").await;
    assert_eq!(ids(&fleet.world.get(URI, &fleet.north).await.expect(200)), ["t2"]);
}

#[tokio::test]
async fn lists_of_devices_and_threats_name_the_users() {
    let fleet = Fleet::new().await;
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    let ada = serde_json::json!({"id": fleet.ada, "name": "Ada Nowak"});
    let devices = fleet.get("/api/v1/devices?sort=friendly_name").await;
    assert_eq!((&devices["items"][0]["user"], &devices["items"][0]["user_id"]), (&ada, &ada["id"]));
    assert_eq!(devices["items"][1]["user"], serde_json::Value::Null);
    assert_eq!(fleet.threat().await["device"]["user"], ada);
}
