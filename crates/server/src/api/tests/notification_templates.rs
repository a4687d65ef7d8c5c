//! Templates over HTTP: looked at, changed, tried, put back; languages; the logo; and who may.

use allclear_domain::classification;
use serde_json::{Value, json};

use super::Fleet;
use crate::testing::{Answer, request};

const TEMPLATES: &str = "/api/v1/notification-templates";
const MAIL: &str = "/api/v1/notification-templates/notify/email/en";
const LOGO: &str = "/api/v1/settings/branding/logo";

impl Fleet {
    async fn put(&self, uri: &str, body: Value) -> Answer {
        self.world.call("PUT", uri, &self.admin, Some(body)).await
    }

    async fn send(&self, method: &str, uri: &str, token: &str, media: &str, body: Vec<u8>) -> Answer {
        let headers = [("content-type", media)];
        let mut request = request(method, uri, token, None, &headers);
        *request.body_mut() = axum::body::Body::from(body);
        self.world.send(request).await
    }
}

#[tokio::test]
async fn templates_are_listed_by_language_and_narrowed() {
    let fleet = Fleet::new().await;
    let all = fleet.get(TEMPLATES).await;
    let items = all["items"].as_array().unwrap();
    assert_eq!(items.len(), 18);
    assert!(items.iter().all(|one| one["shipped"] == true && one["changed"] == false && one["version"] == 0));
    assert_eq!((&items[0]["language"], &items[0]["trigger"]), (&json!("de"), &json!("account_status")));
    let first = fleet.get(&format!("{TEMPLATES}?limit=5&language=EN")).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 5);
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = fleet.get(&format!("{TEMPLATES}?limit=5&language=EN&cursor={cursor}")).await;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (4, &Value::Null));
    let sms = fleet.get(&format!("{TEMPLATES}?trigger=notify&channel=sms&sort=-language")).await;
    let languages: Vec<_> = sms["items"].as_array().unwrap().iter().map(|one| one["language"].clone()).collect();
    assert_eq!(languages, ["en", "de"]);
    for nothing in ["notify/device_message/en", "notify/email/no_tag", "other/email/en"] {
        fleet.world.get(&format!("{TEMPLATES}/{nothing}"), &fleet.admin).await.expect(404);
    }
}

#[tokio::test]
async fn a_template_is_changed_used_and_put_back() {
    let fleet = Fleet::new().await;
    let before = fleet.get(MAIL).await;
    assert_eq!((&before["changed"], &before["text"]), (&json!(false), &before["default"]));
    assert!(before["variables"].as_array().unwrap().iter().any(|one| one["name"] == "issues[].advice"));
    let own = json!({"subject": "For {{ user.name }}", "body": "{{ count }} open.", "version": 0});
    let after = fleet.put(MAIL, own.clone()).await.expect(200);
    assert_eq!((&after["changed"], &after["version"], &after["changed_by"]), (&json!(true), &json!(1), &json!("test")));
    assert_eq!(after["text"], json!({"subject": "For {{ user.name }}", "body": "{{ count }} open."}));
    fleet.put(MAIL, own).await.expect(409);
    let draft = fleet.get(&format!("/api/v1/users/{}/notify", fleet.ada)).await;
    let mail = &draft["email"];
    assert_eq!((&mail["subject"], &mail["text"]), (&json!("For Ada Nowak"), &json!("0 open.")));
    assert_eq!(fleet.get(&format!("{TEMPLATES}?changed=true")).await["items"].as_array().unwrap().len(), 1);

    let stale = fleet.world.call("DELETE", &format!("{MAIL}?version=7"), &fleet.admin, None).await;
    stale.expect(409);
    let reset = fleet.world.call("DELETE", &format!("{MAIL}?version=1"), &fleet.admin, None).await.expect(200);
    assert_eq!((&reset["changed"], &reset["version"], &reset["text"]), (&json!(false), &json!(0), &before["text"]));
    // What is shipped, written again, is no change.
    let mut same = before["default"].clone();
    same["version"] = json!(0);
    assert_eq!(fleet.put(MAIL, same).await.expect(200)["changed"], false);
    assert_eq!(fleet.world.noted("notification_template").await, ["created", "deleted"]);

    let wrong =
        json!({"subject": "x", "body": "Hello\n{% for issue in issues %}{{ issue.nme }}{% endfor %}", "version": 0});
    let refused = fleet.put(MAIL, wrong).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/body");
    let detail = refused["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.starts_with("line 2: issue.nme is not there"), "{detail}");
    let sms = format!("{TEMPLATES}/notify/sms/en");
    let refused = fleet.put(&sms, json!({"body": "a".repeat(161), "version": 0})).await.expect(422);
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("161 of 160"), "{refused}");

    let read_only = fleet.world.token(1, "read_only", fleet.world.acme).await;
    fleet.world.get(MAIL, &read_only).await.expect(200);
    for token in [&read_only, &fleet.north] {
        let body = json!({"subject": "x", "body": "x", "version": 0});
        fleet.world.call("PUT", MAIL, token, Some(body)).await.expect(403);
        fleet.world.call("DELETE", MAIL, token, None).await.expect(403);
    }
}

#[tokio::test]
async fn another_language_is_added_and_spoken_to_those_who_read_it() {
    let fleet = Fleet::new().await;
    let user = format!("/api/v1/users/{}", fleet.ada);
    let edit = json!({"locale": "pl-PL", "email": "ada@example.com", "version": 1});
    fleet.world.call("PATCH", &user, &fleet.admin, Some(edit)).await.expect(200);
    let polish = format!("{TEMPLATES}/notify/email/PL");
    let none = fleet.get(&polish).await;
    assert_eq!((&none["text"], &none["default"], &none["language"]), (&Value::Null, &Value::Null, &json!("pl")));
    fleet.put(&polish, json!({"body": "Cześć", "version": 0})).await.expect(422);
    fleet.put(&polish, json!({"subject": "Telefon", "body": "Cześć {{ user.name }}", "version": 0})).await.expect(200);
    let draft = fleet.get(&format!("{user}/notify")).await;
    assert_eq!(draft["email"]["text"], "Cześć Ada Nowak");
    assert!(draft["email"]["html"].as_str().unwrap().contains("<html lang=\"pl\" dir=\"ltr\">"));
    assert!(draft["sms"]["text"].as_str().unwrap().contains("no open security issues"), "falls back to English");
    let languages = fleet.get(&format!("{TEMPLATES}/languages")).await;
    let expected = json!({"default": "en", "languages": [
        {"language": "de", "shipped": true, "complete": true, "untranslated": 0},
        {"language": "en", "shipped": true, "complete": true, "untranslated": 0},
        {"language": "pl", "shipped": false, "complete": false, "untranslated": classification::all().len()},
    ]});
    assert_eq!(languages, expected);
    fleet.world.call("DELETE", &polish, &fleet.admin, None).await.expect(200);
    fleet.world.call("DELETE", &polish, &fleet.admin, None).await.expect(404);

    let settings = fleet.get("/api/v1/settings").await;
    let german = json!({"settings": {"branding": {"language": "de"}}, "version": settings["version"]});
    fleet.put("/api/v1/settings", german).await.expect(200);
    let draft = fleet.get(&format!("{user}/notify")).await;
    assert_eq!(draft["email"]["subject"], "Keine Sicherheitsprobleme auf Ihrem Gerät");
}

#[tokio::test]
async fn a_template_is_shown_with_real_or_made_up_data() {
    let fleet = Fleet::new().await;
    fleet.detect("e1", "PHONE", "t1", "trojan", "open").await;
    let preview = async |mut body: Value, with: Value| {
        body.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
        fleet.post(&format!("{TEMPLATES}/preview"), body).await
    };
    let mail = json!({"trigger": "account_status", "channel": "email", "language": "de"});
    let sample = preview(mail.clone(), json!({})).await.expect(200);
    assert!(sample["text"].as_str().unwrap().contains("Trojaner (hohes Risiko) auf Ada's Pixel"), "{sample}");
    assert_eq!(sample["length"], Value::Null);
    let real = preview(mail.clone(), json!({"user_id": fleet.ada})).await.expect(200);
    assert!(real["html"].as_str().unwrap().contains("Trojaner (hohes Risiko) auf Device PHONE"), "{real}");
    let own = json!({"user_id": fleet.ada, "subject": "{{ user.name }}", "html": "<h2>{{ count }}</h2>"});
    let own = preview(mail.clone(), own).await.expect(200);
    assert_eq!((&own["subject"], &own["text"]), (&json!("Ada Nowak"), &real["text"]));
    assert!(own["html"].as_str().unwrap().contains("<h2>1</h2>"));
    let sms = json!({"trigger": "notify", "channel": "sms", "language": "en", "user_id": fleet.ada});
    let sms = preview(sms, json!({})).await.expect(200);
    assert_eq!((&sms["length"]["units"], &sms["html"]), (&sms["characters"], &Value::Null));
    let device = json!({"trigger": "device", "channel": "device_message", "language": "en"});
    let shown = preview(device.clone(), json!({"device_id": fleet.phone})).await.expect(200);
    assert!(shown["text"].as_str().unwrap().contains("Trojan (high risk)"), "{shown}");
    let well = preview(device.clone(), json!({"device_id": fleet.tablet})).await.expect(200);
    assert!(well["text"].as_str().unwrap().starts_with("There are no open"), "{well}");

    for (with, pointer) in [
        (json!({"body": "{{ nobody }}"}), "/body"),
        (json!({"channel": "email"}), "/channel"),
        (json!({"language": "d_e"}), "/language"),
        (json!({"language": "fr"}), "/body"),
        (json!({"user_id": fleet.ada, "device_id": fleet.phone}), "/device_id"),
        (json!({"device_id": fleet.ada}), "/device_id"),
        (json!({"user_id": fleet.phone}), "/user_id"),
    ] {
        let refused = preview(device.clone(), with).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], pointer, "{refused}");
    }
    let mut theirs = mail;
    theirs["user_id"] = json!(fleet.ada);
    let answer = fleet.world.call("POST", &format!("{TEMPLATES}/preview"), &fleet.north, Some(theirs)).await;
    answer.expect(422);
    assert_eq!(fleet.get(&format!("{TEMPLATES}?changed=true")).await["items"], json!([]), "nothing was kept");

    let words = format!("/api/v1/users/{}/notify/preview", fleet.ada);
    let shown = fleet.post(&words, json!({"subject": "Hi", "message": "Call <me>"})).await.expect(200);
    assert!(
        shown["email"]["html"].as_str().unwrap().contains("Call &lt;me&gt;") && shown["sms"]["text"] == "Call <me>"
    );
    let long = fleet.post(&words, json!({"message": "x".repeat(161)})).await.expect(200);
    assert_eq!(long["sms"]["length"]["fits"], false);
    fleet.post(&words, json!({"subject": "a\nBcc: b"})).await.expect(422);
}

#[tokio::test]
async fn a_logo_is_a_picture_and_shown_in_mails() {
    let fleet = Fleet::new().await;
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR\0\0\0\x10\0\0\0\x10".to_vec();
    png.extend([8, 6, 0, 0, 0]);
    fleet.world.get(LOGO, &fleet.admin).await.expect(404);
    fleet.send("PUT", LOGO, &fleet.admin, "image/svg+xml", png.clone()).await.expect(415);
    let refused = fleet.send("PUT", LOGO, &fleet.admin, "image/png", b"<svg/>".to_vec()).await.expect(422);
    assert!(refused["errors"][0]["detail"].as_str().unwrap().contains("PNG or JPEG"), "{refused}");
    fleet.send("PUT", LOGO, &fleet.admin, "image/png", vec![0; 70_000]).await.expect(422);
    fleet.send("PUT", LOGO, &fleet.admin, "image/png", vec![0; 2_000_000]).await.expect(413);
    fleet.send("PUT", LOGO, &fleet.north, "image/png", png.clone()).await.expect(403);
    assert_eq!(fleet.send("PUT", LOGO, &fleet.admin, "image/jpeg", png.clone()).await.status, 204);
    let shown = fleet.world.get(LOGO, &fleet.admin).await;
    assert_eq!((shown.status, shown.header("content-type"), &shown.body[..]), (200, "image/png", &png[..]));
    let draft = format!("/api/v1/users/{}/notify", fleet.ada);
    assert!(fleet.get(&draft).await["email"]["html"].as_str().unwrap().contains("src=\"cid:logo\""));
    assert_eq!(fleet.world.call("DELETE", LOGO, &fleet.admin, None).await.status, 204);
    assert!(!fleet.get(&draft).await["email"]["html"].as_str().unwrap().contains("cid:logo"));
    assert_eq!(fleet.world.noted("logo").await, ["created", "deleted"]);
}
