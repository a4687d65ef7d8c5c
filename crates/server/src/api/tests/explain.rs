//! The chain from threat to restriction, and back.

use serde_json::{Value, json};

use super::Fleet;

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|item| item["name"] == name).unwrap_or_else(|| panic!("{name}: {list:#}"))
}

#[tokio::test]
async fn every_step_has_its_reason() {
    let fleet = Fleet::new().await;
    let before = fleet.world.state.source.now().to_string();
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    let uri = format!("/api/v1/devices/{}/explain", fleet.phone);
    let why = fleet.get(&uri).await;
    let threat = &fleet.threat().await["id"];

    assert_eq!((&why["device_id"], &why["risk"]["level"]), (&json!(fleet.phone), &json!("high")));
    assert_eq!((&why["risk"]["threats"], &why["risk"]["score"]), (&json!([threat]), &json!(150.0)));
    assert!(why["risk"]["since"].as_str().unwrap() >= before.as_str());
    assert_eq!((&why["protection"]["status"], &why["protection"]["silent"]), (&json!("activated"), &json!(false)));
    assert_eq!(why["compliance"]["compliance"], "not_compliant");
    assert_eq!(why["compliance"]["not_compliant_from"], "medium");
    let rated = &why["threats"][0];
    assert_eq!((&rated["level"], &rated["decided_by"]), (&json!("high"), &json!("default")));
    let row = json!({"classification": "trojan", "level": "high", "response": "alert", "changed": false});
    assert_eq!(rated["row"], row);

    let tag = named(&why["tags"], "MTD - High Risk");
    assert_eq!((&tag["because"], &tag["threat"]), (&json!("risk"), threat));
    assert!(tag["since"].as_str().unwrap() >= before.as_str());
    let group = named(&why["smart_groups"], "MTD High Risk");
    assert_eq!((&group["member"], &group["verdict"]), (&json!(true), &json!("yes")));
    let criterion = group["because"].as_array().unwrap().iter().find(|part| part["criterion"] == "tags").unwrap();
    assert_eq!((&criterion["expected"], &criterion["actual"]), (&json!("MTD - High Risk"), &json!("MTD - High Risk")));
    let other = named(&why["smart_groups"], "MTD Low Risk");
    assert_eq!((&other["member"], &other["since"]), (&json!(false), &Value::Null));
    let missing = other["because"].as_array().unwrap().iter().find(|part| part["criterion"] == "tags").unwrap();
    assert_eq!((&missing["verdict"], &missing["actual"]), (&json!("no"), &json!("none of them")));

    let profile = named(&why["profiles"], "MTD High Risk Android");
    assert_eq!((&profile["desired"], &profile["status"]), (&json!("install"), &json!("pending_install")));
    assert_eq!((&profile["because"], &profile["through"][0]["name"]), (&json!("assigned"), &json!("MTD High Risk")));
    assert_eq!(why["profiles"].as_array().unwrap().len(), 1);

    let chain: Vec<&str> = why["chain"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let mut rest = chain.as_slice();
    for step in [
        "lab says that Trojan (t1) is open",
        "Protections rates trojan high",
        "risk level is high",
        "protection is activated",
        "compliance is not compliant",
        "tag MTD - High Risk",
        "smart group MTD High Risk",
        "profile MTD High Risk Android should be on the device in version 1",
    ] {
        let place = rest.iter().position(|line| line.contains(step)).unwrap_or_else(|| panic!("{step}: {chain:#?}"));
        rest = &rest[place + 1..];
    }
}

#[tokio::test]
async fn a_device_that_is_well_is_explained_too_and_only_to_whom_it_concerns() {
    let fleet = Fleet::new().await;
    let uri = format!("/api/v1/devices/{}/explain", fleet.phone);
    let why = fleet.get(&uri).await;
    assert_eq!((&why["risk"]["level"], &why["risk"]["threats"]), (&json!("none"), &json!([])));
    assert_eq!(
        (&why["compliance"]["compliance"], &why["protection"]["status"]),
        (&json!("unknown"), &json!("pending"))
    );
    assert_eq!(why["tags"][0]["name"], "MTD - Pending");
    assert!(why["smart_groups"].as_array().unwrap().iter().all(|group| group["member"] == false));

    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    fleet.detect("e2", "PHONE", "t1", "trojan", "resolved").await;
    let why = fleet.get(&uri).await;
    assert_eq!((&why["threats"][0]["status"], &why["profiles"]), (&json!("resolved"), &json!([])));
    assert_eq!(named(&why["tags"], "MTD - Secured")["threat"], Value::Null);

    fleet.world.get(&uri, &fleet.north).await.expect(404);
    let tablet = format!("/api/v1/devices/{}/explain", fleet.tablet);
    fleet.world.get(&tablet, &fleet.north).await.expect(200);
    let bolt = fleet.world.token(2, "administrator", fleet.world.bolt).await;
    fleet.world.get(&uri, &bolt).await.expect(404);
    fleet.world.get("/api/v1/devices/nonsense/explain", &fleet.admin).await.expect(404);
}
