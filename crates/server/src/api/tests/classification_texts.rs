//! What is said of kinds of threats over HTTP: shown in every language, changed, put back; and who may.

use serde_json::{Value, json};

use super::Fleet;
use crate::testing::Answer;

const TROJAN: &str = "/api/v1/classifications/trojan";

impl Fleet {
    async fn say(&self, path: &str, token: &str, body: Value) -> Answer {
        self.world.call("PUT", &format!("{TROJAN}/texts/{path}"), token, Some(body)).await
    }

    async fn unsay(&self, path: &str, token: &str) -> u16 {
        self.world.call("DELETE", &format!("{TROJAN}/texts/{path}"), token, None).await.status
    }
}

#[tokio::test]
async fn a_text_is_added_in_any_language_changed_and_put_back() {
    let fleet = Fleet::new().await;
    let before = fleet.get(TROJAN).await;
    let languages = |shown: &Value| -> Vec<String> {
        let texts = shown["texts"].as_array().unwrap().iter();
        texts.map(|text| format!("{} {}", text["language"].as_str().unwrap(), text["version"])).collect()
    };
    assert_eq!(languages(&before), ["de 0", "en 0"]);
    assert_eq!((&before["texts"][0]["name"], &before["texts"][0]["shipped"]), (&json!("Trojaner"), &json!(true)));
    assert_eq!(before["texts"][1]["user_text"], before["user_text"]);
    let polish = json!({ "name": "Trojan", "user_text": "Odinstaluj aplikację. Zmień hasło.", "version": 0 });
    let said = fleet.say("PL", &fleet.admin, polish.clone()).await;
    assert_eq!(said.header("etag"), "\"1\"");
    let expected = json!({ "language": "pl", "name": "Trojan", "user_text": "Odinstaluj aplikację. Zmień hasło.",
        "shipped": false, "changed": true, "version": 1 });
    assert_eq!(said.expect(200), expected);
    fleet.say("pl", &fleet.admin, polish).await.expect(409);
    let english = json!({ "name": "Bad app", "user_text": "Delete it.", "version": 0 });
    fleet.say("en", &fleet.admin, english).await.expect(200);
    let after = fleet.get(TROJAN).await;
    assert_eq!(languages(&after), ["de 0", "en 1", "pl 1"]);
    assert_eq!((&after["user_text"], &after["name"]), (&json!("Delete it."), &json!("Trojan")));
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    let incidents = fleet.get(&format!("/api/v1/users/{}/incidents", fleet.ada)).await;
    assert_eq!(incidents["incidents"][0]["user_text"], "Delete it.");
    let threats = fleet.get("/api/v1/threats").await;
    let threat = fleet.get(&format!("/api/v1/threats/{}", threats["items"][0]["id"].as_str().unwrap())).await;
    assert_eq!(threat["user_text"], "Delete it.");
    let draft = fleet.get(&format!("/api/v1/users/{}/notify", fleet.ada)).await;
    assert!(draft["email"]["text"].as_str().unwrap().contains("Bad app (high risk) on Device PHONE\nDelete it."));

    let all = fleet.get("/api/v1/classifications?limit=500").await["items"].as_array().unwrap().len();
    let left = fleet.get("/api/v1/classifications?untranslated=pl-PL&limit=500").await;
    assert_eq!(left["items"].as_array().unwrap().len(), all - 1);
    assert_eq!(fleet.get("/api/v1/classifications?untranslated=de-AT").await["items"], json!([]));
    let known = fleet.get("/api/v1/notification-templates/languages").await;
    let polish = json!({ "language": "pl", "shipped": false, "complete": false, "untranslated": all - 1 });
    assert_eq!(known["languages"][2], polish);

    // What is shipped, written again, is no change.
    let shipped = json!({ "name": before["name"], "user_text": before["user_text"], "version": 1 });
    assert_eq!(fleet.say("en", &fleet.admin, shipped).await.expect(200)["changed"], false);
    assert_eq!(fleet.unsay("pl?version=7", &fleet.admin).await, 409);
    assert_eq!(fleet.unsay("pl?version=1", &fleet.admin).await, 204);
    assert_eq!((fleet.unsay("pl", &fleet.admin).await, fleet.unsay("de", &fleet.admin).await), (404, 204));
    assert_eq!(fleet.get(TROJAN).await["texts"], before["texts"]);
    assert_eq!(fleet.world.noted("classification_text").await, ["created", "created", "deleted", "deleted"]);
}

#[tokio::test]
async fn a_text_that_cannot_be_said_is_refused_and_so_is_who_may_not() {
    let fleet = Fleet::new().await;
    for (name, user_text, pointer) in [
        ("", "x", "/name"),
        ("a\nb", "x", "/name"),
        (&"x".repeat(61), "x", "/name"),
        ("x", "", "/user_text"),
        ("x", &"x".repeat(501), "/user_text"),
        ("x", "turned \u{202e}", "/user_text"),
    ] {
        let body = json!({ "name": name, "user_text": user_text, "version": 0 });
        let refused = fleet.say("pl", &fleet.admin, body).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
    let good = json!({ "name": "Trojan", "user_text": "x", "version": 0 });
    fleet.say("no_tag", &fleet.admin, good.clone()).await.expect(404);
    fleet
        .world
        .call("PUT", "/api/v1/classifications/nothing/texts/pl", &fleet.admin, Some(good.clone()))
        .await
        .expect(404);
    fleet.world.get("/api/v1/classifications?untranslated=no_tag", &fleet.admin).await.expect(422);
    let security_manager = fleet.world.token(1, "security_manager", fleet.world.acme).await;
    for token in [&security_manager, &fleet.north] {
        fleet.say("pl", token, good.clone()).await.expect(403);
        assert_eq!(fleet.unsay("de", token).await, 403);
    }
    let who_sets_templates = fleet.world.token(1, "service_administrator", fleet.world.acme).await;
    fleet.say("pl", &who_sets_templates, good).await.expect(200);
}
