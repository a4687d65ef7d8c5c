//! Simulated phones against a real server, and the demo.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::process::Stdio;

use common::{Client, PATIENCE, Place, Server, places};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::ChildStdout,
    time::timeout,
};

/// Runs the phones of a seed for some seconds and returns the last line and whether all went well.
async fn simulate(place: &Place, server: &Server, token: &str, seconds: &str) -> (String, bool) {
    let arguments = ["--devices", "12", "--rate", "40", "--seconds", seconds, "--seed", "5"];
    let mut command = place.bare(&["simulate", "--server", &server.url]);
    let output = command.args(arguments).env("ALLCLEAR_TOKEN", token).output().await.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    (format!("{}{}", text.lines().last().unwrap(), String::from_utf8_lossy(&output.stderr)), output.status.success())
}

/// Serial number and model of all devices.
async fn phones(admin: &Client) -> Vec<(String, String)> {
    let all = admin.all("/api/v1/devices").await;
    let mut phones: Vec<_> = all.iter().map(|it| (it["serial_number"].to_string(), it["model"].to_string())).collect();
    phones.sort();
    phones
}

#[tokio::test]
async fn phones_live_and_the_loop_closes() {
    for place in places().await {
        let server = Server::start(&place).await;
        let token = place.token("administrator", None).await;
        let admin = server.client(&token);
        admin.post("/api/v1/quickstart/risk-response", json!({})).await.expect(200);
        let (last, well) = simulate(&place, &server, &token, "4").await;
        assert!(well && last.contains("12/12 enrolled") && last.ends_with("· 0 errors"), "{last}");
        assert!(!last.contains(" 0 opened") && !last.contains(" 0 installed"), "{last}");
        let before = phones(&admin).await;
        assert_eq!(before.len(), 12);

        // The same seed is the same phones: they enroll again.
        let (last, well) = simulate(&place, &server, &token, "1").await;
        assert!(well && last.contains("12/12 enrolled"), "{last}");
        assert_eq!(phones(&admin).await, before);
        place.verify().await;
        server.stop().await;
    }
}

#[tokio::test]
async fn phones_need_a_token_that_may() {
    let place = Place::sqlite();
    let server = Server::start(&place).await;
    let error = async |token: &[&str]| {
        let arguments = [&["simulate", "--server", &server.url, "--devices", "1"], token].concat();
        let output = place.bare(&arguments).output().await.unwrap();
        assert_eq!(output.status.code(), Some(1));
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(error(&[]).await.contains("--token is missing"));
    let reader = place.token("read_only", None).await;
    let refused = error(&["--token", &reader]).await;
    assert!(refused.contains("no phone could be enrolled") && refused.contains("403"), "{refused}");
}

/// The first line from now on in which `pick` finds something.
async fn line<T>(lines: &mut Lines<BufReader<ChildStdout>>, pick: impl Fn(&str) -> Option<T>) -> T {
    let found = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(found) = pick(&line) {
                return found;
            }
        }
        panic!("the line did not come")
    };
    timeout(PATIENCE * 2, found).await.expect("the line comes in time")
}

#[tokio::test]
async fn the_demo_tells_the_loop_as_it_happens() {
    let place = Place::sqlite();
    let arguments = ["demo", "--listen", "127.0.0.1:0", "--devices", "40", "--users", "30"];
    let mut command = place.bare(&arguments);
    command.arg("--data-dir").arg(place.data_dir()).args(["--days", "20", "--live", "30"]);
    let mut demo = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(demo.stdout.take().unwrap()).lines();
    let url = line(&mut lines, |line| line.strip_prefix("listening on ").map(str::to_owned)).await;
    let password = line(&mut lines, |line| line.strip_prefix("Password: ").map(str::to_owned)).await;
    let token = line(&mut lines, |line| line.starts_with("ac_").then(|| line.to_owned())).await;
    line(&mut lines, |line| line.contains(" found (").then_some(())).await;
    line(&mut lines, |line| line.ends_with(" installed").then_some(())).await;
    line(&mut lines, |line| line.ends_with(" lifted").then_some(())).await;

    let who = json!({ "user_name": "admin", "password": password });
    let signed_in = Client::new(&url, "").post("/api/v1/session", who).await;
    assert_eq!(signed_in.expect(200), json!({ "state": "signed_in" }));

    let admin = Client::new(&url, &token);
    assert_eq!(admin.all("/api/v1/devices").await.len(), 70);
    let points = admin.read("/api/v1/dashboard/trend?days=60").await["points"].clone();
    let points = points.as_array().unwrap();
    // Days of the calendar are one more than days of 24 hours, or one less where the clock strikes twelve just now.
    assert!((19..=22).contains(&points.len()), "{points:?}");
    assert!(points.iter().any(|point| point["average_risk_score"].as_f64().unwrap() > 0.0), "{points:?}");
    // Something has happened in the past, and is told as of then.
    let first = admin.read("/api/v1/journal?limit=1").await["items"][0]["at"].as_str().unwrap().to_owned();
    let newest = admin.read("/api/v1/devices?limit=1&sort=-created_at").await;
    let last = newest["items"][0]["created_at"].as_str().unwrap();
    assert!(first[..10] < last[..10], "{first} {last}");

    let id = demo.id().expect("it runs").to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    // The story is read to its end, so that nothing holds it.
    while lines.next_line().await.unwrap().is_some() {}
    assert!(timeout(PATIENCE, demo.wait()).await.expect("it ends").unwrap().success());
    place.verify().await;
}
