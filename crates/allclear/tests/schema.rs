//! The server against its own description: schemathesis makes requests of every kind from it and checks the answers.
//!
//! `ALLCLEAR_TEST_SCHEMATHESIS` is the path of the program; skipped without it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::{fmt::Write, time::Duration};

use common::{
    Client, Place, Server,
    fleet::Phone,
    tenant::{Ids, populate, resource_id},
};
use serde_json::Value;
use tokio::{process::Command, time::timeout};

/// What is checked of each answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";

#[tokio::test]
async fn answers_are_as_described() {
    let Ok(program) = std::env::var("ALLCLEAR_TEST_SCHEMATHESIS") else {
        eprintln!("skipped: ALLCLEAR_TEST_SCHEMATHESIS is not set");
        return;
    };
    let place = Place::sqlite();
    let server = Server::start(&place).await;
    let token = place.token("administrator", None).await;
    let admin = server.client(&token);
    // Two of everything: one to work on, one to delete.
    let mut phones = Vec::new();
    for serial in ["one", "two"] {
        let phone = Phone::enroll(&admin, "android", serial).await;
        let ids = populate(&admin, &phone, serial).await;
        phones.push((phone, ids));
    }
    let config = place.file("schemathesis.toml");
    std::fs::write(&config, settings(&admin, &token, &phones).await).unwrap();
    let mut command = Command::new(program);
    command.arg("--config-file").arg(&config).arg("--no-color").arg("run");
    command.arg(format!("{}/api/v1/openapi.json", server.url));
    command.args(["--checks", CHECKS, "--seed", "1", "--workers", "1", "--phases", "examples,coverage,fuzzing"]);
    command.args(["--max-examples", "2", "--no-shrink", "--continue-on-failure", "--warnings", "off"]);
    // A stream of events has no end; Apple's own messages are in formats that it cannot write.
    for operation in ["follow_journal", "scep_post", "check_apple_device_in", "exchange_apple_command"] {
        command.args(["--exclude-operation-id", operation]);
    }
    command.current_dir(place.file("")).kill_on_drop(true);
    let run = timeout(Duration::from_secs(560), command.output()).await.expect("schemathesis ends").unwrap();
    let text = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{text}{}", String::from_utf8_lossy(&run.stderr));
    let errors = server.errors();
    assert!(errors.is_empty(), "{errors:?}");
    server.stop().await;
    place.verify().await;
}

/// Settings by which requests lead to something: credentials, and ids of things that are there.
async fn settings(client: &Client, token: &str, phones: &[(Phone, Ids)]) -> String {
    let mut text = format!("[headers]\nAuthorization = \"Bearer {token}\"\n");
    // Methods that are not described are tested elsewhere.
    text.push_str("[phases.coverage]\nunexpected-methods = []\n");
    let document = client.read("/api/v1/openapi.json").await;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let Some(id) = operation["operationId"].as_str() else { continue };
            let (phone, ids) = &phones[usize::from(method == "delete")];
            let mut parameters: Vec<(&str, &str)> = Vec::new();
            for name in operation["parameters"].as_array().into_iter().flatten().filter_map(in_path) {
                let fixed = match name {
                    "trigger" => Some("notify"),
                    "channel" => Some("email"),
                    "language" => Some("en"),
                    _ => None,
                };
                if let Some(value) = fixed {
                    parameters.push((name, value));
                    continue;
                }
                let resource = match name {
                    "id" if path.starts_with("/agent/v1/messages/") => Some("message"),
                    "id" if path.starts_with("/agent/") => Some("command"),
                    "id" => resource_id(path),
                    other => other.strip_suffix("_id"),
                };
                let value = resource.map_or("trojan", |resource| ids.get(resource).map_or("", String::as_str));
                assert!(!value.is_empty(), "{path}: no id for {name}");
                parameters.push((name, value));
            }
            write!(text, "[[operations]]\ninclude-operation-id = \"{id}\"\n").unwrap();
            if path.starts_with("/agent/") {
                writeln!(text, "headers = {{ Authorization = \"Bearer {}\" }}", phone.agent.token()).unwrap();
            }
            let mut parameters: Vec<String> =
                parameters.iter().map(|(name, value)| format!("\"path.{name}\" = \"{value}\"")).collect();
            if id == "get_commands" {
                // It waits for so long.
                parameters.push("\"query.wait\" = 0".to_owned());
            }
            writeln!(text, "parameters = {{ {} }}", parameters.join(", ")).unwrap();
        }
    }
    text
}

fn in_path(parameter: &Value) -> Option<&str> {
    parameter["name"].as_str().filter(|_| parameter["in"] == "path")
}
