//! A third language, brought in over the API alone: mails, text messages, device messages and the Messages app speak it,
//! and nothing of another language is left in them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;
#[path = "../../channels/tests/common/peer.rs"]
mod peer;

use common::{
    Client, Place, Server,
    fleet::{Phone, trojan},
    until,
};
use peer::Peer;
use serde_json::{Value, json};

const NAME: &str = "Koń trojański";
const ABOUT: &str = "Aplikacja kradnie dane z telefonu.";
const STEP: &str = "Odinstaluj ją i zmień hasło.";

/// Every template in Polish, by trigger and channel: a subject for mails, and the text.
const TEMPLATES: &[(&str, &str, &str)] = &[
    (
        "account_status",
        "email",
        "Problem na telefonie\n\nDzień dobry, {{ user.name }}!\n\n{% for i in issues %}{{ i.name }}: {{ i.advice }}\n{% endfor %}",
    ),
    (
        "account_status",
        "sms",
        "{% for i in issues %}{{ i.name }}. {{ i.advice }}{% endfor %}{% if more %} +{{ more }}{% endif %}",
    ),
    ("account_status", "device_message", "{% for i in issues %}{{ i.name }}: {{ i.steps|join(' / ') }}{% endfor %}"),
    ("all_clear", "email", "Wszystko w porządku\n\nDziękujemy, {{ user.name }}."),
    ("all_clear", "sms", "Wszystko w porządku."),
    ("all_clear", "device_message", "Wszystko w porządku."),
    (
        "notify",
        "email",
        "Prośba\n\nDzień dobry, {{ user.name }}!\n\n{% for i in issues %}{{ i.name }}: {{ i.advice }}\n{% endfor %}",
    ),
    ("notify", "sms", "{% for i in issues %}{{ i.name }}{% else %}Brak problemów{% endfor %}."),
    (
        "device",
        "device_message",
        "{% for i in issues %}{{ i.name }}: {{ i.advice }}{% else %}Brak problemów{% endfor %}",
    ),
];

async fn put(admin: &Client, path: &str, body: Value) {
    admin.call("PUT", &format!("/api/v1/{path}"), &body).await.expect(200);
}

/// Writes every template and every text of a kind of threat.
async fn translate(admin: &Client) {
    for (trigger, channel, text) in TEMPLATES {
        let mut template = json!({ "body": text, "version": 0 });
        if let Some((subject, body)) = text.split_once("\n\n").filter(|_| *channel == "email") {
            (template["subject"], template["body"]) = (json!(subject), json!(body));
        }
        put(admin, &format!("notification-templates/{trigger}/{channel}/pl"), template).await;
    }
    for kind in admin.all("/api/v1/classifications?untranslated=pl").await {
        let id = kind["id"].as_str().unwrap();
        let (name, user_text) = match id {
            "trojan" => (NAME.to_owned(), format!("{ABOUT} {STEP}")),
            _ => (format!("Zagrożenie {id}"), "Zadzwoń do pomocy technicznej.".to_owned()),
        };
        let text = json!({ "name": name, "user_text": user_text, "version": 0 });
        put(admin, &format!("classifications/{id}/texts/pl"), text).await;
    }
    let languages = admin.read("/api/v1/notification-templates/languages").await;
    let polish = json!({ "language": "pl", "shipped": false, "complete": true, "untranslated": 0 });
    assert_eq!(languages["languages"][2], polish);
}

/// Channels that lead to a relay and an SMSC of other people's making.
async fn set_up(admin: &Client) -> (Peer, Peer) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = made.cert.pem();
    let options = json!({ "security": "starttls", "cert": certificate, "key": made.signing_key.serialize_pem() });
    let relay = Peer::start("smtp.mjs", &[&options.to_string()]);
    let smsc = Peer::start("smsc.mjs", &[&json!({ "system_id": "allclear", "password": "secret08" }).to_string()]);
    let settings = json!({
        "branding": { "sender_address": "security@acme.example" }, "account_status_hold_down_seconds": 1,
        "account_status_channels": ["email", "sms", "device_message"],
    });
    let version = admin.read("/api/v1/settings").await["version"].clone();
    put(admin, "settings", json!({ "settings": settings, "version": version })).await;
    let to = json!({ "host": "localhost", "port": relay.port, "security": "starttls", "ca_certificate": certificate });
    put(admin, "channels/email", json!({ "enabled": true, "relays": [to], "version": 0 })).await;
    let smpp = json!({ "host": "localhost", "port": smsc.port, "tls": false, "system_id": "allclear", "password": "secret08" });
    put(admin, "channels/sms", json!({ "enabled": true, "smpp": smpp, "version": 0 })).await;
    (relay, smsc)
}

/// The state of the phone as its owner sees it, in their own language: none is asked for.
async fn seen_by_owner(client: &Client, phone: &Phone) -> Value {
    let link = phone.agent.poke("/agent/v1/messages-link").await.expect(201);
    let token = link["url"].as_str().unwrap().rsplit(['#', '=']).next().unwrap().to_owned();
    let of = |method: &str, path: &str| client.with("").request(method, path).header("sec-fetch-site", "same-origin");
    let bound = Client::send(of("POST", "/m/v1/enroll").json(&json!({ "token": token }))).await;
    bound.expect(200);
    let cookie = bound.header("set-cookie").split(';').next().unwrap().to_owned();
    Client::send(of("GET", "/m/v1/state").header("cookie", cookie)).await.expect(200)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_language_that_is_not_shipped_is_spoken_everywhere() {
    let place = Place::sqlite();
    let server = Server::start_with(&place, &[("OUTGOING_ALLOW", "localhost")]).await;
    let admin = server.client(&place.token("administrator", None).await);
    let (relay, smsc) = set_up(&admin).await;
    translate(&admin).await;
    let ada = json!({ "user_name": "ada", "display_name": "Ada Nowak", "email": "ada@example.com",
        "phone": "+48601234567", "locale": "pl-PL" });
    let ada = admin.post("/api/v1/users", ada).await.expect(201);
    let phone = Phone::enroll_for(&admin, &ada["id"], "android", "R58-1").await;
    admin.post("/api/v1/detections", trojan("e-1", phone.by_serial(), "t-1", "open", 100)).await.expect(200);

    let mail = relay.wait_for("a mail", |line| line["event"] == "mail");
    let log = |channel: &str| format!("/api/v1/notifications?channel={channel}&trigger=account_status");
    let advice = format!("{ABOUT} {STEP}");
    let id = admin.all(&log("email")).await[0]["id"].as_str().unwrap().to_owned();
    let kept = admin.read(&format!("/api/v1/notifications/{id}")).await;
    assert_eq!((&kept["subject"], &kept["message_id"]), (&json!("Problem na telefonie"), &mail["message_id"]));
    assert_eq!(kept["body"], format!("Dzień dobry, Ada Nowak!\n\n{NAME}: {advice}"));
    let page = kept["html"].as_str().unwrap();
    assert!(page.contains("<html lang=\"pl\"") && page.contains(&advice), "{page}");
    let text = smsc.wait_for("a text message", |line| line["text"].is_string());
    assert_eq!(text["text"], admin.all(&log("sms")).await[0]["body"]);
    assert_eq!(text["text"], format!("{NAME}."), "with a letter outside of GSM 7-bit there is room for the name only");
    let message = until("a device message", async || {
        let messages = phone.agent.read("/agent/v1/messages").await["messages"].clone();
        messages.get(0).cloned()
    });
    assert_eq!(message.await["body"], format!("{NAME}: {ABOUT} / {STEP}"));

    let state = seen_by_owner(&admin, &phone).await;
    assert_eq!(state["language"], "pl-PL");
    let issue = &state["issues"][0];
    assert_eq!((&issue["name"], &issue["about"], &issue["steps"]), (&json!(NAME), &json!(ABOUT), &json!([STEP])));
    server.stop().await;
    place.verify().await;
}
