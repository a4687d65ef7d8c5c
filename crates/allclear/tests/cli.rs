//! The command line as an operator uses it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

mod common;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::{Output, Stdio},
};

use common::{Client, Place, Server, fleet::Phone, places, until};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

/// What a command printed, if it did what it should.
#[track_caller]
fn done(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// What it complained about, if it failed as it should.
#[track_caller]
fn failed(output: &Output) -> String {
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    err.into_owned()
}

/// A server and its administrator.
async fn serve(place: &Place) -> (Server, Client) {
    let server = Server::start(place).await;
    let admin = server.client(&place.token("administrator", None).await);
    (server, admin)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn an_empty_directory_works_at_once_and_data_survives() {
    for place in places().await {
        let server = Server::start(&place).await;
        let data = place.data_dir();
        assert_eq!((mode(&data), mode(&data.join("secret.key"))), (0o700, 0o600));
        assert_eq!(fs::read(data.join("secret.key")).unwrap().len(), 32);
        let token = place.token("administrator", None).await;
        let admin = server.client(&token);
        assert_eq!(admin.read("/healthz").await, json!({"status": "ok"}));
        assert_eq!(admin.read("/readyz").await, json!({"status": "ok"}));
        admin.post("/api/v1/users", json!({"user_name": "ada"})).await.expect(201);
        server.stop().await;
        assert!(Client::try_send(admin.request("GET", "/healthz")).await.is_err());

        let server = Server::start(&place).await;
        let users = server.client(&token).read("/api/v1/users").await;
        assert_eq!(users["items"][0]["user_name"], "ada", "the token made before is still good");
    }
}

#[tokio::test]
async fn tokens_are_made_listed_and_revoked_beside_a_server() {
    for place in places().await {
        let server = Server::start(&place).await;
        let made = ["token", "create", "--role", "help_desk", "--name", "desk", "--expires-in-days", "3"];
        let token = place.lines(&made).await.pop().unwrap();
        let desk = server.client(&token);
        desk.get("/api/v1/users").await.expect(200);
        desk.get("/api/v1/api-tokens").await.expect(403);

        let listed = place.lines(&["token", "list"]).await;
        let row = listed.iter().find(|line| line.contains("help_desk")).unwrap();
        assert!(row.contains("desk") && row.contains("My Company") && !row.contains(&token), "{row}");
        let id = row.split_whitespace().next().unwrap();
        place.lines(&["token", "revoke", id]).await;
        desk.get("/api/v1/users").await.expect(401);
        assert!(failed(&place.run(&["token", "revoke", id]).await).contains("there is no token"));

        let error = failed(&place.run(&["token", "create", "--role", "king", "--name", "x"]).await);
        assert!(error.contains("security_manager"), "{error}");
    }
}

#[tokio::test]
async fn with_several_customers_one_has_to_be_chosen() {
    let place = Place::sqlite();
    let (server, admin) = serve(&place).await;
    place.lines(&["admin", "create-customer", "Second"]).await;
    assert!(failed(&place.run(&["admin", "create-customer", "Second"]).await).contains("already"));
    let create = ["token", "create", "--role", "administrator", "--name", "x"];
    let error = failed(&place.run(&create).await);
    assert!(error.contains("My Company") && error.contains("Second"), "{error}");

    let second = server.client(&place.token("administrator", Some("Second")).await);
    second.post("/api/v1/users", json!({"user_name": "only-in-second"})).await.expect(201);
    assert_eq!(admin.read("/api/v1/users").await["items"], json!([]), "the first customer sees nothing of it");
    let global = server.client(&place.token("administrator", Some("global")).await);
    global.get("/api/v1/users").await.expect(400);

    let tenants = place.lines(&["admin", "tenants"]).await;
    assert_eq!(tenants.len(), 3, "{tenants:?}");
    let error = failed(&place.run(&[&create[..], &["--organization-group", "Third"]].concat()).await);
    assert!(error.contains("no customer \"Third\""), "{error}");
}

#[tokio::test]
async fn a_re_evaluation_is_carried_out_and_finds_nothing_to_mend() {
    let place = Place::sqlite();
    let (_server, admin) = serve(&place).await;
    Phone::enroll(&admin, "ios", "SN-1").await;
    let done = place.lines(&["admin", "reevaluate", "--wait"]).await;
    assert_eq!(done.last().unwrap(), "done: 1 devices evaluated, 0 changed");
    // Only what is at or below a group.
    let root = admin.all("/api/v1/organization-groups").await;
    let root = common::tenant::id_of(root.iter().find(|group| group["kind"] == "customer").unwrap());
    let make = async |name: &str, parent: &str| {
        let group = json!({"name": name, "parent_id": parent});
        common::tenant::id_of(&admin.post("/api/v1/organization-groups", group).await.expect(201))
    };
    let north = make("North", &root).await;
    let far = make("Far north", &north).await;
    let phone = Phone::enroll(&admin, "android", "SN-2").await;
    let moved = json!({"organization_group_id": far});
    admin.patch(&format!("/api/v1/devices/{}", phone.id), moved).await.expect(200);
    for (group, devices) in [(&north, 1), (&far, 1), (&root, 2)] {
        let done = place.lines(&["admin", "reevaluate", "--organization-group", group, "--wait"]).await;
        assert!(done[0].contains(&format!(": {devices} devices of ")), "{done:?}");
        assert_eq!(done.last().unwrap(), &format!("done: {devices} devices evaluated, 0 changed"));
    }
    // The running server does one that nobody waits for.
    let started = place.lines(&["admin", "reevaluate"]).await;
    let id = started[0].split_whitespace().nth(1).unwrap().trim_end_matches(':').to_owned();
    until("the job", async || {
        let job = admin.read(&format!("/api/v1/jobs/{id}")).await;
        (job["state"] == "done").then_some(())
    })
    .await;
    place.verify().await;
}

const COUNTS: &str = r#"{"accepted": 2, "duplicates": 1, "waiting": 0, "exceptions": 0, "rejected": 3}"#;

fn detection(event: &str, serial: &str) -> Value {
    common::fleet::trojan(event, json!({"serial_number": serial}), event, "open", 1)
}

/// Two good detections, one of them twice, one about nobody, one that is wrong, and one that is no JSON.
fn lines() -> String {
    let mut wrong = detection("e-4", "SN-1");
    wrong["colour"] = json!("red");
    let all =
        [detection("e-1", "SN-1"), detection("e-2", "SN-1"), detection("e-1", "SN-1"), detection("e-3", "SN-9"), wrong];
    let lines: Vec<String> = all.iter().map(Value::to_string).collect();
    format!("{}\n\nnonsense\n", lines.join("\n"))
}

#[tokio::test]
async fn detections_are_taken_in_from_a_file() {
    for place in places().await {
        let (_server, admin) = serve(&place).await;
        let phone = Phone::enroll(&admin, "android", "SN-1").await;
        let file = place.file("events.ndjson");
        fs::write(&file, lines()).unwrap();
        // Beside the running server, straight into the database.
        let output = place.run(&["ingest", file.to_str().unwrap()]).await;
        let errors = failed(&output);
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), COUNTS);
        assert!(errors.contains("line 4: unknown_device: "), "{errors}");
        assert!(errors.contains("line 5: not_understood: ") && errors.contains("colour"), "{errors}");
        assert!(errors.contains("line 7: not_understood: not JSON"), "{errors}");
        assert_eq!(phone.seen_by(&admin).await["risk_level"], "high");
    }
}

/// Runs a command with something on its standard input.
async fn piped(mut command: tokio::process::Command, input: &str) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).await.unwrap();
    child.wait_with_output().await.unwrap()
}

#[tokio::test]
async fn detections_are_taken_in_over_the_network() {
    let place = Place::sqlite();
    let server = Server::start(&place).await;
    let token = place.token("administrator", None).await;
    Phone::enroll(&server.client(&token), "android", "SN-1").await;
    let mut ingest = place.bare(&["ingest", "--server", &server.url, "-"]);
    ingest.env("ALLCLEAR_TOKEN", &token);
    let output = piped(ingest, &lines()).await;
    let errors = failed(&output);
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), COUNTS);
    assert!(errors.contains("line 4: unknown_device: ") && errors.contains("line 7: "), "{errors}");

    let ingest = place.bare(&["ingest", "--server", &server.url, "--token", "ac_1_x", "-"]);
    let error = failed(&piped(ingest, &lines()).await);
    assert!(error.contains("lines 1 to 4 were not taken in") && error.contains("401"), "{error}");
}

#[tokio::test]
async fn a_line_without_end_is_refused_and_the_next_is_read() {
    let place = Place::sqlite();
    let (_server, admin) = serve(&place).await;
    Phone::enroll(&admin, "android", "SN-1").await;
    let input = format!("{}\n{}\n", "x".repeat(3 << 20), detection("e-1", "SN-1"));
    let output = piped(place.command(&["ingest", "-"]), &input).await;
    assert!(failed(&output).contains("line 1: line_too_long: "));
    let counts = r#"{"accepted": 1, "duplicates": 0, "waiting": 0, "exceptions": 0, "rejected": 1}"#;
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), counts);
}

#[tokio::test]
async fn a_feeds_events_wait_for_their_device() {
    for network in [false, true] {
        let place = Place::sqlite();
        let server = Server::start(&place).await;
        let token = place.token("administrator", None).await;
        let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../connectors/tests/fixtures/lookout");
        let one_line = |name: &str| {
            let text = fs::read_to_string(format!("{fixtures}/{name}.json")).unwrap();
            serde_json::from_str::<Value>(&text).unwrap().to_string()
        };
        let events = ["device_protected", "threat_application_open", "audit_policy", "unknown_type"].map(one_line);
        let command = if network {
            place.bare(&["ingest", "--format", "lookout", "--server", &server.url, "--token", &token, "-"])
        } else {
            place.command(&["ingest", "--format", "lookout", "-"])
        };
        let counts: Value = serde_json::from_str(&done(&piped(command, &events.join("\n")).await)).unwrap();
        assert_eq!(
            (&counts["accepted"], &counts["exceptions"], &counts["rejected"]),
            (&json!(1), &json!(1), &json!(0))
        );
        assert!(counts["waiting"].as_u64().unwrap() >= 2, "{counts}");
    }
}

#[tokio::test]
async fn the_schema_is_migrated_when_asked() {
    for place in places().await {
        let status = place.run(&["migrate", "--status"]).await;
        assert_eq!(status.status.code(), Some(1));
        let refused = failed(&place.run(&["serve", "--listen", "127.0.0.1:0", "--no-migrate"]).await);
        assert!(refused.contains("allclear migrate"), "{refused}");
        let applied = [
            "applied 0001 init",
            "applied 0002 lists",
            "applied 0003 administrators",
            "applied 0004 notifications",
            "applied 0005 outbox",
            "applied 0006 templates",
            "applied 0007 messages_app",
            "applied 0008 outbox_expiry",
            "applied 0009 classification_texts",
            "applied 0010 push_tokens",
            "applied 0011 indicators",
            "applied 0012 device_certificates",
            "applied 0013 apple_mdm",
            "applied 0014 android",
        ];
        assert_eq!(place.lines(&["migrate"]).await[..applied.len()], applied);
        assert_eq!(place.lines(&["migrate"]).await, ["the database is up to date"]);
        assert_eq!(place.lines(&["migrate", "--status"]).await[0], "applied 0001 init");
        Server::start(&place).await.stop().await;
    }
}

#[tokio::test]
async fn a_backup_is_taken_while_the_server_runs_and_can_be_put_back() {
    let place = Place::sqlite();
    let (server, admin) = serve(&place).await;
    admin.post("/api/v1/users", json!({"user_name": "before"})).await.expect(201);
    let backup = place.file("backup.db");
    let backup = backup.to_str().unwrap();
    let said = done(&place.run(&["backup", backup]).await);
    assert!(said.contains("checked") && said.contains("secret.key"), "{said}");
    assert!(failed(&place.run(&["backup", backup]).await).contains("exists already"));
    admin.post("/api/v1/users", json!({"user_name": "after"})).await.expect(201);

    assert!(failed(&place.run(&["restore", backup]).await).contains("exists already"));
    assert!(failed(&place.run(&["restore", "--force", backup]).await).contains("in use"));
    server.stop().await;
    place.lines(&["restore", "--force", backup]).await;
    let (_server, admin) = serve(&place).await;
    let users = admin.read("/api/v1/users").await;
    assert_eq!(common::fleet::each(&users["items"], "user_name"), ["before"]);

    let elsewhere = Place::sqlite();
    let said = done(&elsewhere.run(&["restore", backup]).await);
    assert!(said.contains("secret.key is missing"), "{said}");
    let refused = failed(&elsewhere.run(&["serve", "--listen", "127.0.0.1:0"]).await);
    assert!(refused.contains("secret.key is missing"), "{refused}");
    elsewhere.lines(&["admin", "new-key"]).await;
    assert!(done(&elsewhere.run(&["admin", "verify"]).await).contains("0 of 1 users"));
}

#[tokio::test]
async fn a_postgresql_database_is_backed_up_with_its_own_tools() {
    let Some(place) = Place::postgres().await else { return };
    assert!(failed(&place.run(&["backup", "x"]).await).contains("pg_dump"));
    assert!(failed(&place.run(&["restore", "x"]).await).contains("pg_restore"));
    assert!(!done(&place.run(&["doctor"]).await).contains("FAIL"));
}

#[tokio::test]
async fn doctor_finds_what_is_wrong() {
    let new = Place::sqlite();
    let healthy = done(&new.run(&["doctor"]).await);
    assert!(healthy.contains("is not there yet") && !new.data_dir().exists(), "{healthy}");

    let place = Place::sqlite();
    let (server, _) = serve(&place).await;
    let listen = server.url.strip_prefix("http://").unwrap().to_owned();
    // Exit code and report.
    let doctor = async |environment: &[(&str, &str)]| {
        let mut command = place.command(&["doctor"]);
        command.env("ALLCLEAR_LISTEN", &listen).envs(environment.iter().copied());
        let output = command.output().await.unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, report) = doctor(&[]).await;
    assert!(code == 0 && !report.contains("warn") && report.contains("an Allclear server answers"), "{report}");

    let (code, report) = doctor(&[("ALLCLEAR_LOG_FORMAT", "xml"), ("ALLCLEAR_LISTN", "x")]).await;
    assert!(code == 1 && report.contains("FAIL  settings        log.format: "), "{report}");
    assert!(report.contains("warn  settings        the environment variable ALLCLEAR_LISTN"), "{report}");

    let file = place.file("allclear.toml");
    fs::write(&file, "[database]\ncache = 3\n").unwrap();
    let (code, report) = doctor(&[("ALLCLEAR_CONFIG", file.to_str().unwrap())]).await;
    assert!(code == 1 && report.contains("no setting `database.cache`; did you mean"), "{report}");

    let key = place.data_dir().join("secret.key");
    let right = fs::read(&key).unwrap();
    set_mode(&key, 0o644);
    let (code, report) = doctor(&[]).await;
    assert!(code == 1 && report.contains("chmod 600"), "{report}");
    fs::remove_file(&key).unwrap();
    let (code, report) = doctor(&[]).await;
    assert!(code == 1 && report.contains("its key is missing"), "{report}");
    fs::write(&key, right).unwrap();
    set_mode(&key, 0o600);
    set_mode(&place.data_dir(), 0o755);
    let (code, report) = doctor(&[]).await;
    assert!(code == 0 && report.contains("chmod 700"), "{report}");

    // Somebody else's port.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = other.local_addr().unwrap().to_string();
    let (code, report) = doctor(&[("ALLCLEAR_LISTEN", &taken)]).await;
    assert!(code == 1 && report.contains("in use by another program"), "{report}");
}

#[tokio::test]
async fn doctor_tells_a_damaged_or_foreign_database() {
    let place = Place::sqlite();
    place.lines(&["migrate"]).await;
    for beside in ["allclear.db-wal", "allclear.db-shm"] {
        // They may be there or not.
        let _ = fs::remove_file(place.data_dir().join(beside));
    }
    fs::write(place.data_dir().join("allclear.db"), [b'x'; 8192]).unwrap();
    let output = place.run(&["doctor"]).await;
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.code() == Some(1) && report.contains("allclear restore"), "{report}");
}

#[tokio::test]
async fn doctor_tells_a_wrong_key() {
    let place = Place::sqlite();
    let (_server, admin) = serve(&place).await;
    let wifi = json!({"type": "wifi", "ssid": "office", "security": "wpa2", "password": "correct horse"});
    let everybody = json!({"name": "Everybody", "selection": {"kind": "criteria"}});
    let everybody = admin.post("/api/v1/smart-groups", everybody).await.expect(201);
    let spec = json!({"payloads": [wifi], "assigned_groups": [everybody["id"]]});
    let profile = json!({"name": "Office Wi-Fi", "platform": "android", "spec": spec});
    let profile = admin.post("/api/v1/profiles", profile).await.expect(201);
    admin.poke(&format!("/api/v1/profiles/{}/publish", profile["id"].as_str().unwrap())).await.expect(200);
    let feed = json!({
        "kind": "lookout",
        "name": "Lookout",
        "base_url": "https://api.lookout.com",
        "application_key": "invented",
        "enabled": false,
    });
    admin.post("/api/v1/integrations", feed).await.expect(201);
    let output = place.run(&["doctor"]).await;
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(report.contains("the key opens all 2"), "{report}");
    fs::write(place.data_dir().join("secret.key"), [7; 32]).unwrap();
    let output = place.run(&["doctor"]).await;
    let report = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.code() == Some(1) && report.contains("the key does not open 2 of 2"), "{report}");
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused_at_the_start() {
    let place = Place::sqlite();
    let file = place.file("allclear.toml");
    fs::write(&file, "lisen = '127.0.0.1:0'\n").unwrap();
    let error = failed(&place.run(&["serve", "--config", file.to_str().unwrap()]).await);
    assert!(error.contains("there is no setting `lisen`; did you mean `listen`?"), "{error}");
    let error = failed(&place.run(&["serve", "--listen", "nowhere"]).await);
    assert!(error.contains("listen: must be an address and a port"), "{error}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = failed(&place.run(&["serve", "--listen", &taken.local_addr().unwrap().to_string()]).await);
    assert!(error.contains("cannot listen on"), "{error}");
    assert!(!place.data_dir().exists(), "nothing was made");
}

#[tokio::test]
async fn settings_come_from_a_file_and_the_environment() {
    let place = Place::sqlite();
    let file = place.file("allclear.toml");
    fs::write(&file, "public_url = 'https://phones.example.com/'\n[metrics]\ntoken = 'from the file'\n").unwrap();
    let settings = [("CONFIG", file.to_str().unwrap()), ("METRICS_TOKEN", "from-the-environment")];
    let server = Server::start_with(&place, &settings).await;
    server.client("from the file").get("/metrics").await.expect(401);
    assert_eq!(server.client("from-the-environment").get("/metrics").await.status, 200);
    let admin = server.client(&place.token("administrator", None).await);
    let user = admin.post("/api/v1/users", json!({"user_name": "ada"})).await.expect(201);
    let token = admin.post("/api/v1/enrollment-tokens", json!({"user_id": user["id"]})).await.expect(201);
    assert!(token["url"].as_str().unwrap().starts_with("https://phones.example.com/enroll"), "{token}");
}

#[tokio::test]
async fn the_api_is_described_and_commands_have_help() {
    let place = Place::sqlite();
    let bare = async |arguments: &[&str]| done(&place.bare(arguments).output().await.unwrap());
    let document: Value = serde_json::from_str(&bare(&["openapi"]).await).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    assert!(document["paths"]["/api/v1/detections"]["post"].is_object());
    for command in
        ["serve", "demo", "ingest", "simulate", "token", "admin", "migrate", "backup", "restore", "doctor", "openapi"]
    {
        let help = bare(&[command, "--help"]).await;
        assert!(help.contains("Usage: allclear"), "{help}");
    }
    assert_eq!(bare(&["doctor", "--defaults"]).await.trim_end(), allclear::config::DEFAULTS.trim_end());
}
