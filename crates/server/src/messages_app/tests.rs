//! The Messages app over its interface: bound by a link, it shows one device to its owner, and nothing else to anybody.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

use std::time::Duration;

use allclear_domain::time::Span;
use serde_json::{Value, json};

use crate::{
    agent::tests::{Phone, Stage},
    testing::{Answer, request},
};

/// A browser with what its cookie holds.
struct Browser<'s> {
    stage: &'s Stage,
    cookie: String,
}

impl<'s> Browser<'s> {
    fn new(stage: &'s Stage) -> Self {
        Self { stage, cookie: String::new() }
    }

    /// A browser that has followed a link.
    async fn bound(stage: &'s Stage, phone: &Phone<'_>) -> Browser<'s> {
        let mut browser = Browser::new(stage);
        browser.enroll(&link(stage, phone).await).await.expect(200);
        browser
    }

    async fn enroll(&mut self, token: &str) -> Answer {
        let answer = self.call("POST", "enroll", Some(json!({ "token": token }))).await;
        if answer.status == 200 {
            let line = answer.header("set-cookie").to_owned();
            assert!(line.contains("; Path=/m; HttpOnly; SameSite=Lax; Max-Age="), "{line}");
            self.cookie = line.split(';').next().unwrap().to_owned();
        }
        answer
    }

    async fn call(&self, method: &str, path: &str, body: Option<Value>) -> Answer {
        self.with(method, path, body, &[]).await
    }

    async fn with(&self, method: &str, path: &str, body: Option<Value>, headers: &[(&str, &str)]) -> Answer {
        let own = [("cookie", self.cookie.as_str()), ("sec-fetch-site", "same-origin")];
        let headers: Vec<_> = own.iter().chain(headers).copied().collect();
        self.stage.world.send(request(method, &format!("/m/v1/{path}"), "", body, &headers)).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None).await
    }

    async fn state(&self) -> Value {
        self.get("state").await.expect(200)
    }
}

/// The text of a link an administrator makes.
async fn link(stage: &Stage, phone: &Phone<'_>) -> String {
    let path = format!("/api/v1/devices/{}/messages-link", phone.id);
    let made = stage.world.call("POST", &path, &stage.admin, None).await.expect(201);
    let (page, token) = made["url"].as_str().unwrap().split_once('#').unwrap();
    assert_eq!(page, "http://localhost/m/");
    token.to_owned()
}

async fn notify(stage: &Stage, phone: &Phone<'_>, message: Option<&str>) -> String {
    let mut body = json!({ "device_ids": [phone.id] });
    if let Some(message) = message {
        body["message"] = message.into();
    }
    let told = stage.world.call("POST", "/api/v1/device-notifications", &stage.admin, Some(body)).await.expect(202);
    told["devices"][0]["notification_id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_link_is_good_once_and_says_what_became_of_it() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    let mut browser = Browser::new(&stage);
    browser.get("state").await.expect(401);
    let first = link(&stage, &phone).await;
    assert_eq!(browser.enroll(&first).await.expect(200), json!({ "device_id": phone.id }));
    browser.get("state").await.expect(200);

    let kind = |answer: &Answer| (answer.status, answer.json()["type"].as_str().unwrap().to_owned());
    let mut other = Browser::new(&stage);
    assert_eq!(kind(&other.enroll(&first).await), (410, "/problems/link-used".to_owned()));
    browser.get("state").await.expect(200);
    let unknown = format!("acml_1_{}", "A".repeat(43));
    for token in ["", "nonsense", &unknown, &unknown.replace("acml_1", "acml_9"), &unknown.replace("acml", "acl")] {
        assert_eq!(kind(&other.enroll(token).await), (404, "/problems/not-found".to_owned()), "{token}");
    }
    let late = link(&stage, &phone).await;
    stage.world.pass(Span::days(8));
    assert_eq!(kind(&other.enroll(&late).await), (410, "/problems/link-expired".to_owned()));
    let foreign = [("sec-fetch-site", "cross-site")];
    let body = json!({ "token": link(&stage, &phone).await });
    let posted = request("POST", "/m/v1/enroll", "", Some(body), &foreign);
    stage.world.send(posted).await.expect(403);
    assert_eq!(stage.world.noted("messages_session").await, ["created"]);
    assert_eq!(stage.world.noted("messages_link").await, ["created"; 3]);

    // The agent opens the app itself.
    let opened = phone.post("messages-link", Value::Null).await;
    let opened = opened.json()["url"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
    let before = browser.cookie.clone();
    browser.enroll(&opened).await.expect(200);
    assert_ne!(browser.cookie, before);
    let old = Browser { stage: &stage, cookie: before };
    old.get("state").await.expect(401);
}

#[tokio::test]
async fn the_state_tells_the_owner_what_is_wrong_and_what_to_do() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    let browser = Browser::bound(&stage, &phone).await;
    let well = browser.get("state").await;
    let etag = well.header("etag").to_owned();
    assert!(well.header("set-cookie").starts_with(&browser.cookie), "the session slides in the browser, too");
    let well = well.expect(200);
    assert_eq!((&well["risk_level"], &well["issues"], &well["restrictions"]), (&json!("none"), &json!([]), &json!([])));
    assert_eq!((&well["language"], &well["organisation"]), (&json!("en"), &json!("Your organisation")));
    assert_eq!(well["device"]["name"], "Ada Nowak's Pixel 8");
    assert_eq!((&well["check_requested_at"], &well["unread"]), (&Value::Null, &json!(0)));
    assert!(well["checked_at"].is_string());
    let same = browser.with("GET", "state", None, &[("if-none-match", &etag)]).await;
    assert_eq!((same.status, same.body.len()), (304, 0));

    phone.detect("1", "open").await;
    let ill = browser.with("GET", "state", None, &[("if-none-match", &etag)]).await.expect(200);
    assert_eq!((&ill["risk_level"], &ill["compliance"]), (&json!("high"), &json!("not_compliant")));
    let issue = &ill["issues"][0];
    assert_eq!((&issue["name"], &issue["level"]), (&json!("Trojan"), &json!("high")));
    assert!(issue["about"].as_str().unwrap().ends_with('.') && !issue["steps"].as_array().unwrap().is_empty());
    let restrictions = ill["restrictions"].as_array().unwrap();
    assert_eq!(restrictions[0], "The camera is off.");
    assert!(restrictions.len() > 5, "{restrictions:?}");
    let german = browser.get("state?language=de-AT").await.expect(200);
    assert_eq!(
        (&german["language"], &german["restrictions"][0]),
        (&json!("de-AT"), &json!("Die Kamera ist ausgeschaltet."))
    );
    assert_ne!(german["issues"][0]["steps"], issue["steps"]);
    browser.get("state?language=no-thing-like-this!").await.expect(422);

    // What is on the phone stays told until the phone says that it is gone.
    let install = phone.commands().await.remove(0);
    phone.answer(&install, json!({ "status": "acknowledged" })).await;
    phone.detect("2", "resolved").await;
    let going = browser.state().await;
    assert_eq!(going["issues"], json!([]));
    assert_eq!(going["restrictions"][0], "The camera is off.");
    let remove = phone.commands().await.remove(0);
    phone.answer(&remove, json!({ "status": "acknowledged" })).await;
    assert_eq!(browser.state().await["restrictions"], json!([]));
}

#[tokio::test]
async fn news_come_while_the_app_waits_for_them() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    let browser = Browser::bound(&stage, &phone).await;
    let known = browser.get("state").await;
    let etag = known.header("etag").trim_matches('"').to_owned();
    browser.get("wait?after=another").await.expect(200);
    let waiting =
        async { tokio::time::timeout(Duration::from_secs(20), browser.get(&format!("wait?after={etag}"))).await };
    let happening = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        phone.detect("1", "open").await;
    };
    let (news, ()) = tokio::join!(waiting, happening);
    let news = news.expect("it wakes");
    assert_eq!(news.expect(200)["risk_level"], "high");
    let etag = news.header("etag").trim_matches('"').to_owned();
    stage.world.state.stopping.cancel();
    assert_eq!(browser.get(&format!("wait?after={etag}")).await.status, 204);
}

#[tokio::test]
async fn messages_are_shown_and_their_reading_is_told() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    let browser = Browser::bound(&stage, &phone).await;
    notify(&stage, &phone, None).await;
    phone.detect("1", "open").await;
    notify(&stage, &phone, None).await;
    let id = notify(&stage, &phone, Some("Please call us.")).await;
    assert_eq!(browser.state().await["unread"], 3);
    let page = browser.get("messages?limit=2").await.expect(200);
    let kinds =
        |page: &Value| page["items"].as_array().unwrap().iter().map(|it| it["kind"].clone()).collect::<Vec<_>>();
    assert_eq!(kinds(&page), ["message", "notice"]);
    assert_eq!((&page["items"][0]["text"], &page["items"][0]["read_at"]), (&json!("Please call us."), &Value::Null));
    let next = page["next_cursor"].as_str().unwrap();
    let rest = browser.get(&format!("messages?limit=2&cursor={next}")).await.expect(200);
    assert_eq!((kinds(&rest), &rest["next_cursor"]), (vec![json!("all_clear")], &Value::Null));
    browser.call("POST", &format!("messages/{id}/read"), None).await.expect(204);
    browser.call("POST", &format!("messages/{id}/read"), None).await.expect(204);
    assert!(browser.get("messages").await.expect(200)["items"][0]["read_at"].is_string());
    assert_eq!(browser.state().await["unread"], 2);
    let seen = stage.world.get(&format!("/api/v1/notifications/{id}"), &stage.admin).await.expect(200);
    assert_eq!(seen["state"], "read");

    // Another device's messages are none of its business.
    let other = stage.enroll("S2").await;
    let stranger = Browser::bound(&stage, &other).await;
    stranger.call("POST", &format!("messages/{id}/read"), None).await.expect(404);
    assert_eq!(stranger.get("messages").await.expect(200)["items"], json!([]));
    let foreign = [("cookie", browser.cookie.as_str()), ("sec-fetch-site", "cross-site")];
    let posted = request("POST", &format!("/m/v1/messages/{id}/read"), "", None, &foreign);
    stage.world.send(posted).await.expect(403);
}

#[tokio::test]
async fn a_check_reaches_the_agent_once_and_its_answer_the_owner() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    let browser = Browser::bound(&stage, &phone).await;
    let asked = browser.call("POST", "check", None).await.expect(202)["requested_at"].clone();
    let again = browser.call("POST", "check", None).await;
    again.expect(429);
    assert!((1..=60).contains(&again.header("retry-after").parse::<u32>().unwrap()));
    let going = browser.state().await;
    assert_eq!(going["check_requested_at"], asked);
    assert!(going["checked_at"].as_str() < asked.as_str());
    let commands = phone.commands().await;
    assert_eq!((commands.len(), &commands[0]["type"], &commands[0]["issued_at"]), (1, &json!("check"), &asked));
    assert_eq!(phone.commands().await[0]["id"], commands[0]["id"], "until it is answered");
    // What the phone says meanwhile does not end it.
    phone.post("inventory", json!({ "protection_status": "activated" })).await.expect(204);
    assert!(browser.state().await["checked_at"].as_str() < asked.as_str());
    assert_eq!(phone.answer(&commands[0], json!({ "status": "acknowledged" })).await, "recorded");
    assert_eq!(phone.answer(&commands[0], json!({ "status": "error" })).await, "settled");
    assert!(browser.state().await["checked_at"].as_str() >= asked.as_str());
    assert_eq!(phone.commands().await, Vec::<Value>::new());

    stage.world.pass(Span::seconds(61));
    browser.call("POST", "check", None).await.expect(202);
    let first = phone.commands().await.remove(0);
    assert_eq!(phone.answer(&first, json!({ "status": "not_now" })).await, "recorded");
    assert_eq!(phone.commands().await, Vec::<Value>::new());
    stage.world.pass(Span::seconds(61));
    assert_eq!(phone.commands().await[0]["id"], first["id"], "after a pause");
    browser.call("POST", "check", None).await.expect(202);
    let second = phone.commands().await.remove(0);
    assert_ne!(second["id"], first["id"]);
    assert_eq!(
        phone.answer(&first, json!({ "status": "acknowledged" })).await,
        "settled",
        "a newer one took its place"
    );
    phone.answer(&second, json!({ "status": "error", "detail": "no sensor" })).await;
    assert_eq!(browser.state().await["check_requested_at"], Value::Null);
    let timeline = stage.world.get(&format!("/api/v1/devices/{}/timeline", phone.id), &stage.admin).await.expect(200);
    let text = timeline.to_string();
    assert!(text.contains("check_requested") && text.contains("no sensor"), "{text}");
}

#[tokio::test]
async fn a_session_ends_with_the_enrollment_the_owner_or_long_silence() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    let browser = Browser::bound(&stage, &phone).await;
    let device = format!("/api/v1/devices/{}", phone.id);
    stage.world.call("POST", &format!("{device}/unenroll"), &stage.admin, None).await.expect(200);
    for (method, path) in [("GET", "state"), ("GET", "messages"), ("POST", "check"), ("GET", "install-link")] {
        assert_eq!(browser.call(method, path, None).await.expect(403)["type"], "/problems/unenrolled", "{path}");
    }
    stage.world.call("POST", &format!("{device}/messages-link"), &stage.admin, None).await.expect(409);
    let phone = stage.enroll("S1").await;
    browser.get("state").await.expect(401);

    let browser = Browser::bound(&stage, &phone).await;
    let eve = json!({ "user_name": "eve" });
    let eve = stage.world.call("POST", "/api/v1/users", &stage.admin, Some(eve)).await.expect(201)["id"].clone();
    stage.world.call("PATCH", &device, &stage.admin, Some(json!({ "user_id": eve }))).await.expect(200);
    browser.get("state").await.expect(401);

    let browser = Browser::bound(&stage, &phone).await;
    stage.world.pass(Span::days(179));
    browser.get("state").await.expect(200);
    // The use is noted beside the request.
    tokio::time::sleep(Duration::from_millis(300)).await;
    stage.world.pass(Span::days(179));
    browser.get("state").await.expect(200);
    tokio::time::sleep(Duration::from_millis(300)).await;
    stage.world.pass(Span::days(181));
    browser.get("state").await.expect(401);
}

#[tokio::test]
async fn the_manifest_starts_the_installed_app_with_a_link_of_its_own() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    let manifest = async |cookie: &str| {
        let asked = request("GET", "/m/manifest.webmanifest", "", None, &[("cookie", cookie)]);
        let answer = stage.world.send(asked).await;
        assert_eq!(answer.header("content-type"), "application/manifest+json");
        assert_eq!(answer.header("cache-control"), "no-store");
        answer.expect(200)
    };
    assert_eq!(manifest("").await["start_url"], "/m/");
    let browser = Browser::bound(&stage, &phone).await;
    let own = manifest(&browser.cookie).await;
    assert_eq!((&own["scope"], &own["display"]), (&json!("/m/"), &json!("standalone")));
    let token = own["start_url"].as_str().unwrap().strip_prefix("/m/?link=").unwrap().to_owned();
    let url = browser.get("install-link").await.expect(200)["url"].as_str().unwrap().to_owned();
    assert!(url.starts_with("http://localhost/m/?link=acml_1_"), "{url}");
    stage.world.pass(Span::days(29));
    let mut installed = Browser::new(&stage);
    installed.enroll(&token).await.expect(200);
    installed.get("state").await.expect(200);
    browser.get("state").await.expect(200);
}

#[tokio::test]
async fn a_browser_subscribes_with_the_servers_one_key() {
    let stage = Stage::new().await;
    let phone = stage.enroll("S1").await;
    let browser = Browser::bound(&stage, &phone).await;
    let key = browser.get("push-key").await.expect(200)["public_key"].as_str().unwrap().to_owned();
    assert_eq!(browser.get("push-key").await.expect(200)["public_key"], key.as_str());
    assert_eq!(key.len(), 87);
    let subscription = json!({ "endpoint": "https://push.example.com/x", "expirationTime": null,
        "keys": { "p256dh": key, "auth": "AAAAAAAAAAAAAAAAAAAAAA" } });
    browser.call("PUT", "push-subscription", Some(subscription.clone())).await.expect(204);
    browser.call("PUT", "push-subscription", Some(subscription.clone())).await.expect(204);
    let again = Browser::bound(&stage, &phone).await;
    again.call("PUT", "push-subscription", Some(subscription.clone())).await.expect(204);
    let kept = async || {
        let id = phone.id.parse().unwrap();
        let tenant = allclear_domain::ids::Tenant(1);
        stage.world.state.db.read(move |tx| allclear_store::push::subscriptions(tx, tenant, id)).await.unwrap()
    };
    let found = kept().await;
    assert_eq!(found.len(), 1, "the same browser under a new session");
    assert!(!String::from_utf8_lossy(&found[0].sealed).contains("push.example.com"));
    for (pointer, value) in [
        ("/endpoint", json!("http://push.example.com/x")),
        ("/endpoint", json!("https://127.0.0.1/x")),
        ("/endpoint", json!("no url")),
        ("/keys/p256dh", json!("AAAA")),
        ("/keys/auth", json!("AAAA")),
    ] {
        let mut wrong = subscription.clone();
        *wrong.pointer_mut(pointer).unwrap() = value;
        let refused = again.call("PUT", "push-subscription", Some(wrong)).await.expect(422);
        assert_eq!(refused["errors"][0]["pointer"], pointer);
    }
    again.call("DELETE", "push-subscription", None).await.expect(204);
    assert_eq!(kept().await, []);
}
