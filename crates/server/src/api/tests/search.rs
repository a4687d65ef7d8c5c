//! The search over users, devices and threats.

use serde_json::json;

use super::Fleet;

#[tokio::test]
async fn what_begins_so_is_found_within_reach() {
    let fleet = Fleet::new().await;
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    fleet.detect("e2", "TABLET", "t2", "out_of_date_os", "open").await;
    fleet.detect("e3", "PHONE", "t3", "trojan", "resolved").await;
    let find = async |token: &str, text: &str| {
        let found = fleet.world.get(&format!("/api/v1/search?q={text}"), token).await.expect(200);
        ["users", "devices", "threats"].map(|kind| found[kind].as_array().unwrap().len())
    };
    let admin = &fleet.admin;
    for (text, counts) in [
        ("ad", [1, 0, 0]),
        ("Ada%20Now", [1, 0, 0]),
        ("ada%20no", [1, 0, 0]),
        ("device", [0, 2, 0]),
        ("tabl", [0, 1, 0]),
        ("Troj", [0, 0, 1]),
        ("out-of-date", [0, 0, 1]),
        ("out%20of", [0, 0, 1]),
        ("nobody", [0, 0, 0]),
        ("%25", [0, 0, 0]),
    ] {
        assert_eq!(find(admin, text).await, counts, "{text}");
    }
    let threat = fleet.get("/api/v1/search?q=trojan").await["threats"][0].clone();
    assert_eq!((&threat["device"]["friendly_name"], &threat["status"]), (&json!("Device PHONE"), &json!("open")));
    for (id, counts) in [
        (fleet.ada.to_string(), [1, 0, 0]),
        (fleet.phone.to_string(), [0, 1, 0]),
        (threat["id"].as_str().unwrap().to_owned(), [0, 0, 1]),
        (fleet.world.acme.to_string(), [0, 0, 0]),
    ] {
        assert_eq!(find(admin, &id).await, counts);
        assert_eq!(find(&fleet.north, &id).await, [0, 0, 0], "out of reach");
    }
    assert_eq!(find(&fleet.north, "device").await, [0, 1, 0]);
    assert_eq!(find(&fleet.north, "ada").await, [0, 0, 0]);
    let bolt = fleet.world.token(2, "administrator", fleet.world.bolt).await;
    assert_eq!(find(&bolt, &fleet.phone.to_string()).await, [0, 0, 0]);
    for query in ["", "?q=", "?q=%20", &format!("?q={}", "a".repeat(101))] {
        fleet.world.get(&format!("/api/v1/search{query}"), admin).await.expect(422);
    }
}
