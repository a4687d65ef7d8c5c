//! Cursors that somebody has bent: refused or understood, and never a fault of the server.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use common::{Client, Server, fleet::Phone, places, tenant::populate};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

/// Lists with every sort they take.
const LISTS: &[(&str, &[&str])] = &[
    ("admins", &["created_at", "last_signed_in_at", "name", "user_name"]),
    ("api-tokens", &["created_at", "expires_at", "last_used_at", "name"]),
    ("classifications", &["family", "id", "name", "open_threats", "risk_level"]),
    ("devices", &["created_at", "friendly_name", "risk_level", "score"]),
    ("enrollment-tokens", &["newest"]),
    ("integrations", &["name"]),
    ("jobs", &["newest"]),
    ("organization-groups", &["name"]),
    ("profiles", &["name", "platform", "state", "updated_at"]),
    ("roles", &["name"]),
    ("smart-groups", &["assignments", "devices", "exclusions", "name"]),
    ("source-events", &["received_at"]),
    ("tags", &["name"]),
    ("threats", &["changed_at", "first_seen", "id"]),
    ("user-groups", &["members", "name"]),
    ("users", &["created_at", "score", "user_name"]),
];

/// What takes the place of each part of a cursor in turn.
fn instead() -> Vec<Value> {
    vec![
        Value::Null,
        json!(-1),
        json!(i64::MAX),
        json!(1e300),
        json!("x"),
        json!("a\u{0}b"),
        json!("\u{10ffff}'; --"),
        json!([]),
        json!({}),
        json!([null, null]),
        json!("ffffffff-ffff-ffff-ffff-ffffffffffff"),
    ]
}

/// The pointers of all parts of a value.
fn parts(value: &Value, pointer: &str, found: &mut Vec<String>) {
    found.push(pointer.to_owned());
    match value {
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(number, item)| parts(item, &format!("{pointer}/{number}"), found));
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, member)| parts(member, &format!("{pointer}/{name}"), found));
        }
        _ => {}
    }
}

#[tokio::test]
async fn a_bent_cursor_is_no_fault_of_the_server() {
    for place in places().await {
        let server = Server::start(&place).await;
        let admin = server.client(&place.token("administrator", None).await);
        for name in ["one", "two"] {
            let phone = Phone::enroll(&admin, "android", name).await;
            populate(&admin, &phone, name).await;
        }
        let mut bent = 0;
        for (list, sorts) in LISTS {
            for sort in *sorts {
                bent += bend(&admin, &format!("/api/v1/{list}?limit=1&sort={sort}")).await;
            }
        }
        assert!(bent > 500, "{bent}");
        server.stop().await;
    }
}

/// Bends the cursor of a list's second page in every way; how often that was.
async fn bend(admin: &Client, list: &str) -> usize {
    let page = admin.read(list).await;
    let cursor = page["next_cursor"].as_str().unwrap_or_else(|| panic!("{list} has one page: {page}"));
    assert_eq!(admin.read(&format!("{list}&cursor={cursor}")).await["items"].as_array().unwrap().len(), 1);
    let cursor: Value = serde_json::from_slice(&BASE64URL_NOPAD.decode(cursor.as_bytes()).unwrap()).unwrap();
    let mut pointers = Vec::new();
    parts(&cursor, "", &mut pointers);
    let mut bent = 0;
    for pointer in pointers {
        for value in instead() {
            let mut cursor = cursor.clone();
            *cursor.pointer_mut(&pointer).expect("it is there") = value;
            let text = BASE64URL_NOPAD.encode(cursor.to_string().as_bytes());
            let answer = admin.get(&format!("{list}&cursor={text}")).await;
            assert!([200, 422].contains(&answer.status), "{list} {cursor}: {}", answer.text);
            bent += 1;
        }
    }
    bent
}
