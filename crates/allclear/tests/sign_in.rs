//! Administrators sign in to a real server, as a browser does it, and are kept out where they should be.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::{process::Stdio, time::Duration};

use common::{
    Client, PATIENCE, Place, Server, authenticator::Authenticator, browser::Browser, fleet::GLOBAL, places,
    tenant::id_of,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    time::timeout,
};

const PASSWORD: &str = "a long enough password";

/// What stands after the `#` of a link.
fn text_of(url: &str) -> String {
    url.split_once("/welcome#").expect("a link").1.to_owned()
}

/// Makes somebody by the links that commands and the API give, and returns their id.
async fn redeem(client: &Client, url: &str, who: Value) {
    let mut body = json!({ "token": text_of(url), "password": PASSWORD });
    body.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
    client.with("").post("/api/v1/links/redeem", body).await.expect(200);
}

/// The first administrator of the server.
async fn first(place: &Place, server: &Server) -> Browser {
    let client = server.client("");
    let link = place.lines(&["admin", "link"]).await.pop().unwrap();
    redeem(&client, &link, json!({ "user_name": "root", "name": "Root" })).await;
    Browser::signed_in(&client, "root", PASSWORD).await
}

/// Invites somebody, takes the invitation up and returns their id.
async fn invite(browser: &mut Browser, client: &Client, user_name: &str, role: &str, group: &str) -> String {
    let body = json!({ "user_name": user_name, "name": user_name, "role": role, "organization_group_id": group });
    let made = browser.call("POST", "/api/v1/admins", body).await.expect(201);
    redeem(client, made["link"]["url"].as_str().unwrap(), json!({})).await;
    id_of(&made)
}

/// The only customer.
async fn customer(browser: &mut Browser) -> String {
    browser.get("/api/v1/session").await.expect(200)["tenant"]["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_first_start_leads_to_an_administrator_who_may_everything() {
    let place = Place::sqlite();
    let mut command = place.command(&["serve", "--listen", "127.0.0.1:0"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut line = async || timeout(PATIENCE, lines.next_line()).await.expect("in time").unwrap().expect("a line");
    let url = line().await.strip_prefix("listening on ").unwrap().to_owned();
    line().await;
    let link = line().await;
    assert!(link.starts_with(&format!("{url}/welcome#acl_0_")), "{link}");

    let client = Client::new(&url, "");
    let about = client.post("/api/v1/links/inspect", json!({ "token": text_of(&link) })).await.expect(200);
    assert_eq!((&about["kind"], &about["organization_group"]["name"]), (&json!("set_up"), &json!("Global")));
    for (body, pointer) in [
        (json!({ "password": "too short", "user_name": "ada", "name": "Ada" }), "/password"),
        (json!({ "password": PASSWORD, "name": "Ada" }), "/user_name"),
        (
            json!({ "password": "ada@example.com", "user_name": "ada", "email": "Ada@example.com", "name": "Ada" }),
            "/password",
        ),
        (json!({ "password": PASSWORD, "user_name": "ada ada", "name": "Ada" }), "/user_name"),
    ] {
        let mut body = body;
        body["token"] = json!(text_of(&link));
        assert_eq!(client.post("/api/v1/links/redeem", body).await.expect(422)["errors"][0]["pointer"], pointer);
    }
    redeem(&client, &link, json!({ "user_name": "ada", "email": "ada@example.com", "name": "Ada" })).await;
    let again = json!({ "token": text_of(&link), "password": PASSWORD, "user_name": "eve", "name": "Eve" });
    client.post("/api/v1/links/redeem", again).await.expect(404);

    let mut browser = Browser::new(&client);
    let answer = browser.sign_in("ADA@example.com", PASSWORD).await;
    assert_eq!(answer.expect(200), json!({ "state": "signed_in" }));
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("allclear_session=acs_0_"), "{cookie}");
    assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Strict"), "{cookie}");
    let session = browser.get("/api/v1/session").await.expect(200);
    assert_eq!(session["admin"]["user_name"], "ada");
    assert_eq!(session["rights"].as_array().unwrap().len(), 20);
    assert_eq!((&session["server"], &session["token"]), (&json!(true), &Value::Null));
    assert_eq!(session["organization_group"], json!({ "id": GLOBAL, "name": "Global" }));
    browser.call("POST", "/api/v1/tags", json!({ "name": "mine" })).await.expect(201);
    let journal = browser.get("/api/v1/journal?limit=500").await.expect(200);
    let made = journal["items"].as_array().unwrap().iter().find(|entry| entry["object"]["name"] == "mine").unwrap();
    assert_eq!(made["actor"], json!({ "kind": "administrator", "name": "Ada", "id": session["admin"]["id"] }));

    let token = place.token("read_only", None).await;
    let of_token = client.with(&token).read("/api/v1/session").await;
    assert_eq!((&of_token["admin"], &of_token["token"]["name"]), (&Value::Null, &json!("read_only")));
    assert_eq!((&of_token["rights"], &of_token["server"]), (&json!(["view"]), &json!(false)));

    browser.call("DELETE", "/api/v1/session", Value::Null).await.expect(204);
    assert_eq!(browser.cookie, None);
    browser.get("/api/v1/session").await.expect(401);
    child.kill().await.unwrap();

    // Who has an administrator is asked for no other.
    let server = Server::start(&place).await;
    assert_eq!(place.lines(&["admin", "list"]).await.len(), 2);
    Browser::signed_in(&server.client(""), "ada", PASSWORD).await;
    server.stop().await;
}

#[tokio::test]
async fn wrong_attempts_lock_an_account_and_say_no_more_than_that() {
    for place in places().await {
        let server = Server::start(&place).await;
        let mut root = first(&place, &server).await;
        let client = server.client("");
        let group = customer(&mut root).await;
        let id = invite(&mut root, &client, "ada", "read_only", &group).await;
        let unknown = Browser::new(&client).sign_in("nobody", PASSWORD).await.expect(401);
        for _ in 0..10 {
            let wrong = Browser::new(&client).sign_in("ada", "not her password").await.expect(401);
            assert_eq!(wrong["detail"], unknown["detail"]);
        }
        let locked = Browser::new(&client).sign_in("ada", PASSWORD).await.expect(401);
        assert_eq!(locked["detail"], unknown["detail"], "a locked account looks like any other");
        let changes = changes(&mut root, &group, &id).await;
        let locks: Vec<_> = changes.iter().filter(|(_, change)| change["type"] == "account_locked").collect();
        let [(actor, lock)] = locks.as_slice() else { panic!("once: {changes:?}") };
        assert_eq!((&actor["kind"], &lock["address"]), (&json!("engine"), &json!("127.0.0.1")));
        assert!(lock["until"].is_string());
        let about = root.get(&format!("/api/v1/admins/{id}")).await.expect(200);
        assert!(about["locked_until"].is_string(), "{about}");
        root.poke(&format!("/api/v1/admins/{id}/unlock")).await.expect(200);
        Browser::signed_in(&client, "ada", PASSWORD).await;

        for _ in 0..10 {
            Browser::new(&client).sign_in("ada", "not her password").await.expect(401);
        }
        assert_eq!(place.lines(&["admin", "unlock", "ada"]).await, ["unlocked ada"]);
        let mut ada = Browser::signed_in(&client, "ada", PASSWORD).await;
        assert_eq!(place.lines(&["admin", "disable", "ada"]).await, ["disabled ada"]);
        ada.get("/api/v1/session").await.expect(401);
        Browser::new(&client).sign_in("ada", PASSWORD).await.expect(401);
        server.stop().await;
    }
}

/// What the journal of a customer says of an administrator, oldest first: by whom, and the change.
async fn changes(root: &mut Browser, customer: &str, id: &str) -> Vec<(Value, Value)> {
    let headers = [("sec-fetch-site", "same-origin"), ("allclear-organization-group", customer)];
    let page = root.call_with("GET", "/api/v1/journal?limit=500&kind=admin", &Value::Null, &headers).await.expect(200);
    let entries = page["items"].as_array().unwrap().iter().filter(|entry| entry["object"]["id"] == id);
    let of = |entry: &Value| {
        let changes = entry["changes"].as_array().unwrap().clone();
        let actor = entry["actor"].clone();
        changes.into_iter().map(move |change| (actor.clone(), change)).collect::<Vec<_>>()
    };
    entries.flat_map(of).collect()
}

#[tokio::test]
async fn who_was_signed_in_is_in_the_journal() {
    for place in places().await {
        let server = Server::start(&place).await;
        let mut root = first(&place, &server).await;
        let client = server.client("");
        let group = customer(&mut root).await;
        let id = invite(&mut root, &client, "ada", "read_only", &group).await;
        let mut ada = Browser::signed_in(&client, "ada", PASSWORD).await;
        let mut phone = Browser::signed_in(&client, "ada", PASSWORD).await;
        let _laptop = Browser::signed_in(&client, "ada", PASSWORD).await;
        ada.sign_in("ada", PASSWORD).await.expect(200);
        ada.call("DELETE", "/api/v1/sessions", Value::Null).await.expect(204);
        phone.get("/api/v1/session").await.expect(401);
        let _phone = Browser::signed_in(&client, "ada", PASSWORD).await;
        let sessions = root.get(&format!("/api/v1/sessions?admin_id={id}")).await.expect(200);
        let newest = sessions["items"][0]["id"].as_str().unwrap();
        root.call("DELETE", &format!("/api/v1/sessions/{newest}"), Value::Null).await.expect(204);
        ada.call("DELETE", "/api/v1/session", Value::Null).await.expect(204);

        let changes = changes(&mut root, &group, &id).await;
        let session_changes = ["signed_in", "signed_out", "sessions_ended"];
        let told: Vec<(&str, &str, u64)> = changes
            .iter()
            .map(|(actor, change)| {
                let word = change["type"].as_str().unwrap();
                (actor["name"].as_str().unwrap(), word, change["count"].as_u64().unwrap_or_default())
            })
            .filter(|(_, word, _)| session_changes.contains(word))
            .collect();
        assert_eq!(
            told,
            [
                ("ada", "signed_in", 0),
                ("ada", "signed_in", 0),
                ("ada", "signed_in", 0),
                ("ada", "sessions_ended", 1),
                ("ada", "signed_in", 0),
                ("ada", "sessions_ended", 2),
                ("ada", "signed_in", 0),
                ("Root", "sessions_ended", 1),
                ("ada", "signed_out", 0),
            ]
        );
        let (actor, change) = changes.iter().find(|(_, change)| change["type"] == "signed_in").unwrap();
        assert_eq!((&actor["id"], &change["second_factor"]), (&json!(id), &json!("none")));
        assert_eq!(change["address"], "127.0.0.1");
        server.stop().await;
    }
}

#[tokio::test]
async fn ones_own_name_and_mail_address_are_changed_with_a_fresh_password() {
    let place = Place::sqlite();
    let server = Server::start(&place).await;
    let mut root = first(&place, &server).await;
    let client = server.client("");
    let group = customer(&mut root).await;
    invite(&mut root, &client, "bea", "read_only", &group).await;
    let id = invite(&mut root, &client, "ada", "read_only", &group).await;
    let mut ada = Browser::signed_in(&client, "ada", PASSWORD).await;
    let edit = json!({ "name": "Ada Lovelace", "email": "ada@example.com" });
    let edited = ada.call("PATCH", "/api/v1/account", edit).await.expect(200);
    assert_eq!(edited, json!({ "id": id, "name": "Ada Lovelace", "user_name": "ada", "email": "ada@example.com" }));
    Browser::signed_in(&client, "Ada@Example.com", PASSWORD).await;
    assert_eq!(ada.get("/api/v1/session").await.expect(200)["admin"], edited, "the session goes on");
    let refused = ada.call("PATCH", "/api/v1/account", json!({ "email": "bea" })).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/email");
    ada.call("PATCH", "/api/v1/account", json!({ "name": "" })).await.expect(422);
    ada.call("PATCH", "/api/v1/account", json!({ "role": "administrator" })).await.expect(422);
    let mut bea = Browser::signed_in(&client, "bea", PASSWORD).await;
    bea.call("PATCH", "/api/v1/account", json!({ "email": "ADA@example.com" })).await.expect(409);
    let cleared = ada.call("PATCH", "/api/v1/account", json!({ "email": null })).await.expect(200);
    assert_eq!((&cleared["email"], &cleared["name"]), (&Value::Null, &json!("Ada Lovelace")));
    let token = place.token("administrator", None).await;
    client.with(&token).patch("/api/v1/account", json!({ "name": "x" })).await.expect(403);
    let noted = changes(&mut root, &group, &id).await;
    let renamed = noted.iter().find(|(_, change)| change["after"]["name"] == "Ada Lovelace").unwrap();
    assert_eq!(renamed.0["id"], json!(id));
    server.stop().await;
}

#[tokio::test]
async fn other_sites_cannot_act_with_a_session() {
    let place = Place::sqlite();
    let server = Server::start(&place).await;
    let mut root = first(&place, &server).await;
    let host = server.url.strip_prefix("http://").unwrap().to_owned();
    let (own, other) = (format!("http://{host}"), "http://evil.example.com".to_owned());
    let tag = json!({ "name": "forged" });
    for headers in [
        vec![],
        vec![("sec-fetch-site", "cross-site")],
        vec![("sec-fetch-site", "same-site")],
        vec![("sec-fetch-site", "none")],
        vec![("origin", other.as_str())],
        vec![("origin", "null")],
        vec![("origin", own.as_str()), ("sec-fetch-site", "cross-site")],
    ] {
        let refused = root.call_with("POST", "/api/v1/tags", &tag, &headers).await;
        assert_eq!(refused.expect(403)["type"], "/problems/forbidden", "{headers:?}");
        root.call_with("DELETE", "/api/v1/session", &Value::Null, &headers).await.expect(403);
    }
    root.call_with("POST", "/api/v1/tags", &tag, &[("origin", &own)]).await.expect(201);
    root.call_with("GET", "/api/v1/tags", &Value::Null, &[]).await.expect(200);
    let who = json!({ "user_name": "root", "password": PASSWORD });
    let mut anybody = Browser::new(&server.client(""));
    let cross = [("sec-fetch-site", "cross-site")];
    anybody.call_with("POST", "/api/v1/session", &who, &cross).await.expect(403);
    anybody.call_with("POST", "/api/v1/session", &who, &[]).await.expect(200);
    server.stop().await;

    // Behind TLS the cookie is for this host alone.
    let server = Server::start_with(&place, &[("PUBLIC_URL", "https://allclear.example.com")]).await;
    let mut browser = Browser::new(&server.client(""));
    let answer = browser.call_with("POST", "/api/v1/session", &who, &[]).await;
    let cookie = answer.header("set-cookie");
    assert!(cookie.starts_with("__Host-allclear_session=") && cookie.ends_with("; Secure"), "{cookie}");
    let origin = [("origin", "https://allclear.example.com")];
    browser.call_with("POST", "/api/v1/tags", &json!({ "name": "proxied" }), &origin).await.expect(201);
    browser.cookie = browser.cookie.map(|cookie| cookie.replace("__Host-", ""));
    browser.get("/api/v1/session").await.expect(401);
    server.stop().await;
}

fn code(secret: &Value, ahead: i64) -> String {
    let seconds = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs().checked_add_signed(ahead * 30).unwrap();
    let secret = totp_rs::Secret::try_from_base32(secret.as_str().unwrap()).unwrap();
    totp_rs::Builder::new().with_secret(secret).build().unwrap().generate(seconds).to_string()
}

#[tokio::test]
async fn one_time_codes_and_recovery_codes_are_good_once() {
    let place = Place::sqlite();
    let server = Server::start(&place).await;
    let mut root = first(&place, &server).await;
    let client = server.client("");
    root.poke("/api/v1/account/recovery-codes").await.expect(409);
    let setup = root.poke("/api/v1/account/totp").await.expect(200);
    assert!(setup["url"].as_str().unwrap().starts_with("otpauth://totp/Allclear:root?secret="), "{setup}");
    root.call("POST", "/api/v1/account/totp/confirm", json!({ "code": "000000" })).await.expect(422);
    let before = root.cookie.clone();
    let confirm = json!({ "code": code(&setup["secret"], -1) });
    let confirmed = root.call("POST", "/api/v1/account/totp/confirm", confirm).await.expect(200);
    let codes: Vec<String> = serde_json::from_value(confirmed["recovery_codes"].clone()).unwrap();
    assert_eq!(codes.len(), 10);
    let mut old = Browser::new(&client);
    old.cookie = before;
    old.get("/api/v1/session").await.expect(401);
    assert_eq!(root.get("/api/v1/session").await.expect(200)["second_factor"]["given"], "totp");

    let mut browser = Browser::new(&client);
    let awaited = browser.sign_in("root", PASSWORD).await.expect(200);
    assert_eq!(awaited, json!({ "state": "second_factor_required", "methods": ["totp", "recovery_code"] }));
    // Good for nothing else.
    for path in ["session", "tags", "sessions", "account/passkeys"] {
        browser.get(&format!("/api/v1/{path}")).await.expect(401);
    }
    let give = async |browser: &mut Browser, way: &str, code: &str| {
        browser.call("POST", &format!("/api/v1/session/{way}"), json!({ "code": code })).await
    };
    give(&mut browser, "totp", &code(&setup["secret"], -1)).await.expect(422);
    give(&mut browser, "totp", "123").await.expect(422);
    let pending = browser.cookie.clone();
    let now = code(&setup["secret"], 0);
    give(&mut browser, "totp", &now).await.expect(200);
    assert_ne!(browser.cookie, pending, "another cookie");
    assert_eq!(browser.get("/api/v1/session").await.expect(200)["second_factor"]["totp"], true);
    give(&mut browser, "totp", &now).await.expect(409);

    let mut again = Browser::new(&client);
    again.sign_in("root", PASSWORD).await.expect(200);
    give(&mut again, "totp", &now).await.expect(422);
    give(&mut again, "recovery-code", &codes[3].to_lowercase()).await.expect(200);
    let about = again.get("/api/v1/session").await.expect(200);
    assert_eq!(about["second_factor"]["given"], "recovery_code");
    assert_eq!(about["second_factor"]["recovery_codes"], 9);
    let mut third = Browser::new(&client);
    third.sign_in("root", PASSWORD).await.expect(200);
    give(&mut third, "recovery-code", &codes[3]).await.expect(422);

    // Ten wrong codes lock, whatever is right afterwards.
    for _ in 0..12 {
        give(&mut third, "recovery-code", "AAAA").await;
    }
    third.get("/api/v1/session").await.expect(401);
    Browser::new(&client).sign_in("root", PASSWORD).await.expect(401);
    place.lines(&["admin", "unlock", "root"]).await;

    again.call("DELETE", "/api/v1/account/totp", Value::Null).await.expect(204);
    let about = again.get("/api/v1/session").await.expect(200);
    assert_eq!(
        (&about["second_factor"]["totp"], &about["second_factor"]["recovery_codes"]),
        (&json!(false), &json!(0))
    );
    Browser::signed_in(&client, "root", PASSWORD).await;
    server.stop().await;
}

#[tokio::test]
async fn a_passkey_is_made_and_signs_in() {
    let place = Place::sqlite();
    let server = Server::start(&place).await;
    first(&place, &server).await;
    let by_number = server.client("");
    let origin = server.url.replace("127.0.0.1", "localhost");
    let client = Client::new(&origin, "");
    let mut authenticator = Authenticator::new(&origin);
    let mut browser = Browser::signed_in(&client, "root", PASSWORD).await;
    let new = json!({ "name": "Laptop" });
    let mut elsewhere = Browser::signed_in(&by_number, "root", PASSWORD).await;
    elsewhere.call("POST", "/api/v1/account/passkeys", new.clone()).await.expect(409);

    let options = browser.call("POST", "/api/v1/account/passkeys", new).await.expect(200);
    let made = authenticator.create(&options);
    let mut forged = made.clone();
    forged["credential"]["response"]["clientDataJSON"] = json!("e30");
    browser.call("POST", "/api/v1/account/passkeys/finish", forged).await.expect(422);
    browser.call("POST", "/api/v1/account/passkeys/finish", made).await.expect(409);
    let options = browser.call("POST", "/api/v1/account/passkeys", json!({ "name": "Laptop" })).await.expect(200);
    let made = authenticator.create(&options);
    let codes = browser.call("POST", "/api/v1/account/passkeys/finish", made).await.expect(200);
    assert_eq!(codes["recovery_codes"].as_array().unwrap().len(), 10);
    let listed = browser.get("/api/v1/account/passkeys").await.expect(200);
    assert_eq!((&listed["items"][0]["name"], &listed["items"][0]["last_used_at"]), (&json!("Laptop"), &Value::Null));

    let mut other = Browser::new(&client);
    let awaited = other.sign_in("root", PASSWORD).await.expect(200);
    assert_eq!(awaited["methods"], json!(["passkey", "recovery_code"]));
    let challenge = other.poke("/api/v1/session/passkey").await.expect(200);
    let mut wrong = Authenticator::new("http://evil.example.com");
    let answer = wrong.get(&challenge);
    other.call("POST", "/api/v1/session/passkey/finish", answer).await.expect(422);
    let answer = authenticator.get(&challenge);
    other.call("POST", "/api/v1/session/passkey/finish", answer).await.expect(409);
    let challenge = other.poke("/api/v1/session/passkey").await.expect(200);
    let answer = authenticator.get(&challenge);
    other.call("POST", "/api/v1/session/passkey/finish", answer.clone()).await.expect(200);
    assert_eq!(other.get("/api/v1/session").await.expect(200)["second_factor"]["given"], "passkey");
    other.call("POST", "/api/v1/session/passkey/finish", answer).await.expect(409);
    let listed = other.get("/api/v1/account/passkeys").await.expect(200);
    assert!(listed["items"][0]["last_used_at"].is_string(), "{listed}");

    let settings = json!({ "settings": { "require_second_factor": true }, "version": 1 });
    let global = [("sec-fetch-site", "same-origin"), ("allclear-organization-group", GLOBAL)];
    other.call_with("PUT", "/api/v1/settings", &settings, &global).await.expect(200);
    let path = format!("/api/v1/account/passkeys/{}", listed["items"][0]["id"].as_str().unwrap());
    other.call("DELETE", &path, Value::Null).await.expect(409);
    let settings = json!({ "settings": { "require_second_factor": false }, "version": 2 });
    other.call_with("PUT", "/api/v1/settings", &settings, &global).await.expect(200);
    other.call("DELETE", &path, Value::Null).await.expect(204);
    Browser::signed_in(&client, "root", PASSWORD).await;
    server.stop().await;
}

#[tokio::test]
async fn whoever_has_no_second_factor_sets_one_up_where_it_is_required() {
    let place = Place::sqlite();
    let server = Server::start(&place).await;
    let mut root = first(&place, &server).await;
    let client = server.client("");
    let group = customer(&mut root).await;
    let id = invite(&mut root, &client, "ada", "administrator", &group).await;
    let settings = json!({ "settings": { "require_second_factor": true }, "version": 1 });
    root.call("PUT", "/api/v1/settings", settings).await.expect(200);

    let mut ada = Browser::new(&client);
    let state = ada.sign_in("ada", PASSWORD).await.expect(200);
    assert_eq!(state, json!({ "state": "second_factor_setup_required" }));
    let about = ada.get("/api/v1/session").await.expect(200);
    assert_eq!(
        (&about["second_factor"]["required"], &about["second_factor"]["setup_required"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(ada.get("/api/v1/tags").await.expect(403)["type"], "/problems/second-factor-needed");
    let setup = ada.poke("/api/v1/account/totp").await.expect(200);
    let confirm = json!({ "code": code(&setup["secret"], 0) });
    ada.call("POST", "/api/v1/account/totp/confirm", confirm).await.expect(200);
    ada.get("/api/v1/tags").await.expect(200);

    // She loses it, and another takes it away.
    let path = format!("/api/v1/admins/{id}/link");
    let link = root.call("POST", &path, json!({ "remove_second_factors": true })).await.expect(201);
    assert_eq!(link["kind"], "reset");
    ada.get("/api/v1/session").await.expect(401);
    redeem(&client, link["url"].as_str().unwrap(), json!({})).await;
    let state = Browser::new(&client).sign_in("ada", PASSWORD).await.expect(200);
    assert_eq!(state["state"], "second_factor_setup_required");
    server.stop().await;
}

#[tokio::test]
async fn a_session_that_is_ended_elsewhere_is_over() {
    for place in places().await {
        let server = Server::start(&place).await;
        let mut root = first(&place, &server).await;
        let client = server.client("");
        let group = customer(&mut root).await;
        let id = invite(&mut root, &client, "ada", "security_manager", &group).await;
        let mut one = Browser::signed_in(&client, "ada", PASSWORD).await;
        let mut two = Browser::signed_in(&client, "ada", PASSWORD).await;
        let mut three = Browser::signed_in(&client, "ada", PASSWORD).await;
        let sessions = one.get("/api/v1/sessions").await.expect(200);
        let sessions = sessions["items"].as_array().unwrap();
        assert_eq!(sessions.len(), 3);
        assert_eq!(sessions.iter().filter(|session| session["current"] == true).count(), 1);
        assert_eq!((&sessions[2]["current"], &sessions[0]["address"]), (&json!(true), &json!("127.0.0.1")));

        // A live stream ends with its session.
        let stream = client.request("GET", "/api/v1/live").header("cookie", three.cookie.clone().unwrap());
        let mut stream = stream.send().await.unwrap();
        assert_eq!(stream.status(), 200);
        one.call("DELETE", &format!("/api/v1/sessions/{}", id_of(&sessions[0])), Value::Null).await.expect(204);
        three.get("/api/v1/session").await.expect(401);
        let end = async { while stream.chunk().await.unwrap().is_some() {} };
        timeout(Duration::from_secs(10), end).await.expect("the stream ends within seconds");

        one.call("DELETE", "/api/v1/sessions", Value::Null).await.expect(204);
        two.get("/api/v1/session").await.expect(401);
        one.get("/api/v1/session").await.expect(200);

        // Another password ends the others; this one goes on with another cookie.
        let mut two = Browser::signed_in(&client, "ada", PASSWORD).await;
        let before = one.cookie.clone();
        one.call("PUT", "/api/v1/session/password", json!({ "password": "ada" })).await.expect(422);
        one.call("PUT", "/api/v1/session/password", json!({ "password": "another password" })).await.expect(204);
        assert_ne!(one.cookie, before);
        one.get("/api/v1/session").await.expect(200);
        two.get("/api/v1/session").await.expect(401);
        Browser::new(&client).sign_in("ada", PASSWORD).await.expect(401);
        one.call("POST", "/api/v1/session/confirm", json!({ "password": PASSWORD })).await.expect(422);
        one.call("POST", "/api/v1/session/confirm", json!({ "password": "another password" })).await.expect(204);

        // Another role, too, and others may look and end as well.
        let path = format!("/api/v1/admins/{id}");
        let seen = root.get(&format!("/api/v1/sessions?admin_id={id}")).await.expect(200);
        assert_eq!(seen["items"].as_array().unwrap().len(), 1);
        let version = root.get(&path).await.expect(200)["version"].clone();
        root.call("PATCH", &path, json!({ "role": "help_desk", "version": version })).await.expect(200);
        one.get("/api/v1/session").await.expect(401);
        let mut one = Browser::signed_in(&client, "ada", "another password").await;
        let session = id_of(&one.get("/api/v1/sessions").await.expect(200)["items"][0]);
        root.call("DELETE", &format!("/api/v1/sessions/{session}"), Value::Null).await.expect(204);
        one.get("/api/v1/session").await.expect(401);
        server.stop().await;
        place.verify().await;
    }
}

#[tokio::test]
async fn administrators_are_managed_within_rights_and_reach() {
    let place = Place::sqlite();
    let server = Server::start(&place).await;
    let mut root = first(&place, &server).await;
    let client = server.client("");
    let group = customer(&mut root).await;
    invite(&mut root, &client, "ada", "administrator", &group).await;
    invite(&mut root, &client, "help", "help_desk", &group).await;
    let service = invite(&mut root, &client, "service", "service_administrator", &group).await;
    let mut ada = Browser::signed_in(&client, "ada", PASSWORD).await;
    let mut help = Browser::signed_in(&client, "help", PASSWORD).await;
    let mut serving = Browser::signed_in(&client, "service", PASSWORD).await;

    let new = |role: &str, group: &str| json!({ "user_name": format!("{role}-{}", &group[..4]), "name": "New", "role": role, "organization_group_id": group });
    for (method, path) in [("GET", "admins"), ("POST", "admins"), ("DELETE", "roles/read_only")] {
        let refused = help.call(method, &format!("/api/v1/{path}"), Value::Null).await.expect(403);
        assert!(refused["detail"].as_str().unwrap().contains("manage_roles"), "{refused}");
    }
    help.get(&format!("/api/v1/sessions?admin_id={service}")).await.expect(403);
    serving.call("POST", "/api/v1/admins", new("administrator", &group)).await.expect(403);
    serving.call("POST", "/api/v1/admins", new("read_only", &group)).await.expect(201);
    ada.call("POST", "/api/v1/admins", new("administrator", GLOBAL)).await.expect(422);

    // The lists, and who is not in them.
    let names = async |browser: &mut Browser, query: &str| -> Vec<String> {
        let found = browser.get(&format!("/api/v1/admins{query}")).await.expect(200);
        found["items"].as_array().unwrap().iter().map(|one| one["user_name"].as_str().unwrap().to_owned()).collect()
    };
    let all = names(&mut ada, "").await;
    assert_eq!(all.len(), 4);
    assert!(!all.contains(&"root".to_owned()));
    assert_eq!(names(&mut root, "?sort=-user_name").await.len(), 5);
    assert_eq!(names(&mut root, "?state=invited").await.len(), 1);
    assert_eq!(names(&mut ada, "?q=he&role=help_desk").await, ["help"]);
    let mut paged = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = root.get(&format!("/api/v1/admins?limit=2{cursor}")).await.expect(200);
        paged.extend(page["items"].as_array().unwrap().iter().map(|one| one["user_name"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, names(&mut root, "").await);

    let me = ada.get("/api/v1/session").await.expect(200)["admin"]["id"].as_str().unwrap().to_owned();
    let root_id = root.get("/api/v1/session").await.expect(200)["admin"]["id"].as_str().unwrap().to_owned();
    for (method, path) in [("GET", ""), ("DELETE", ""), ("POST", "/link"), ("POST", "/unlock")] {
        ada.call(method, &format!("/api/v1/admins/{root_id}{path}"), Value::Null).await.expect(404);
    }
    // Who may less may not take over who may more.
    for (method, path) in [("DELETE", ""), ("POST", "/link"), ("POST", "/unlock")] {
        serving.call(method, &format!("/api/v1/admins/{me}{path}"), Value::Null).await.expect(403);
    }
    let disable = json!({ "disabled": true, "version": 2 });
    serving.call("PATCH", &format!("/api/v1/admins/{me}"), disable.clone()).await.expect(403);

    // Somebody stays who can manage administrators.
    serving.call("DELETE", &format!("/api/v1/admins/{service}"), Value::Null).await.expect(204);
    serving.get("/api/v1/session").await.expect(401);
    root.call("PATCH", &format!("/api/v1/admins/{me}"), disable).await.expect(409);
    root.call("PATCH", &format!("/api/v1/admins/{me}"), json!({ "role": "read_only", "version": 2 })).await.expect(409);
    root.call("DELETE", &format!("/api/v1/admins/{me}"), Value::Null).await.expect(409);
    root.call("DELETE", &format!("/api/v1/admins/{root_id}"), Value::Null).await.expect(409);

    // Another customer's administrator is not there.
    let hazel = json!({ "name": "Hazel", "parent_id": GLOBAL });
    let global = [("sec-fetch-site", "same-origin"), ("allclear-organization-group", GLOBAL)];
    let hazel = id_of(&root.call_with("POST", "/api/v1/organization-groups", &hazel, &global).await.expect(201));
    let choose = [("sec-fetch-site", "same-origin"), ("allclear-organization-group", hazel.as_str())];
    let eve = json!({ "user_name": "eve", "name": "Eve", "role": "administrator", "organization_group_id": hazel });
    root.call("POST", "/api/v1/admins", eve.clone()).await.expect(400);
    let made = root.call_with("POST", "/api/v1/admins", &eve, &choose).await.expect(201);
    redeem(&client, made["link"]["url"].as_str().unwrap(), json!({})).await;
    let mut eve = Browser::signed_in(&client, "eve", PASSWORD).await;
    for (method, path) in [("GET", ""), ("DELETE", ""), ("POST", "/link"), ("POST", "/unlock")] {
        eve.call(method, &format!("/api/v1/admins/{me}{path}"), Value::Null).await.expect(404);
    }
    eve.get(&format!("/api/v1/sessions?admin_id={me}")).await.expect(404);
    let session = id_of(&ada.get("/api/v1/sessions").await.expect(200)["items"][0]);
    eve.call("DELETE", &format!("/api/v1/sessions/{session}"), Value::Null).await.expect(404);
    assert_eq!(names(&mut eve, "").await, ["eve"]);
    let taken = json!({ "user_name": "ADA", "name": "x", "role": "read_only", "organization_group_id": hazel });
    eve.call("POST", "/api/v1/admins", taken).await.expect(409);
    // With Global reach one chooses, and is told about oneself without.
    assert_eq!(root.get("/api/v1/session").await.expect(200)["tenant"], Value::Null);
    root.get("/api/v1/tags").await.expect(400);
    assert_eq!(root.call_with("GET", "/api/v1/tags", &Value::Null, &choose).await.status, 200);
    server.stop().await;
    place.verify().await;
}
