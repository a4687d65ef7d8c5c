//! A user's incidents and their score.

use allclear_domain::time::Span;
use serde_json::json;

use super::Fleet;

#[tokio::test]
async fn open_and_fading_incidents_add_up_to_the_score() {
    let fleet = Fleet::new().await;
    let path = format!("/api/v1/users/{}/incidents", fleet.ada);
    assert_eq!(fleet.get(&path).await, json!({"score": 0.0, "incidents": []}));
    fleet.detect("e1", "PHONE", "t1", "adware", "open").await;
    fleet.detect("e2", "PHONE", "t2", "trojan", "open").await;
    fleet.detect("e3", "TABLET", "t3", "trojan", "open").await;
    fleet.detect("e4", "PHONE", "t4", "sim_change", "open").await;
    fleet.world.pass(Span::seconds(60));
    fleet.detect("e5", "PHONE", "t2", "trojan", "resolved").await;
    fleet.detect("e6", "PHONE", "t4", "sim_change", "resolved").await;
    let answer = fleet.get(&path).await;
    let shown: Vec<_> = answer["incidents"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| [&it["classification"], &it["severity"], &it["category"], &it["status"], &it["device"]["id"]])
        .collect();
    let phone = &json!(fleet.phone);
    assert_eq!(shown.len(), 2, "{answer:#}");
    assert_eq!(shown[0], [&json!("adware"), &json!("low"), &json!("device"), &json!("open"), phone]);
    assert_eq!(
        (shown[1][0], shown[1][2], shown[1][3]),
        (&json!("sim_change"), &json!("behaviour"), &json!("resolved"))
    );
    let scores: f64 = answer["incidents"].as_array().unwrap().iter().map(|it| it["score"].as_f64().unwrap()).sum();
    assert_eq!(answer["score"], scores);
    assert!(scores > 25.0, "{answer:#}");
    let dwelt = answer["incidents"][1]["dwell_time"].as_i64().unwrap();
    assert!((60..120).contains(&dwelt), "{dwelt}");
    assert!(answer["incidents"][0]["user_text"].as_str().unwrap().contains("Uninstall"));
    fleet.world.get(&path, &fleet.north).await.expect(404);
}
