//! Somebody else's SCEP client gets a certificate through the real route, and openssl believes what comes of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use common::{Client, Place, Server, until};
use serde_json::{Value, json};

/// Where devices would reach the server.
const PUBLIC: &str = "http://mdm.example.com";

/// A push certificate as Apple would give it for so many `$days`, for the key that the server made.
const PUSH_CERTIFICATE: &str = "\
    openssl req -x509 -newkey rsa:2048 -nodes -keyout apple.key -out apple.pem -subj /CN=Apple -days 10 2>&1
    openssl req -in request.pem -noout -verify 2>&1
    openssl req -in request.pem -noout -pubkey -out push.pub
    openssl x509 -new -subj /UID=com.apple.mgmt.External.77/CN=APSP -force_pubkey push.pub \
        -CA apple.pem -CAkey apple.key -days $days -out push.pem 2>&1";

/// Runs lines for a shell, which must succeed.
async fn shell(place: &Place, lines: &str) -> String {
    let output = place.shell(lines).output().await.unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{lines}: {said}");
    said
}

/// What stands in the element after a key of an XML property list.
fn after_key<'a>(profile: &'a str, key: &str) -> &'a str {
    let rest = profile.split(&format!("<key>{key}</key>")).nth(1).expect(key);
    rest.split("<string>").nth(1).unwrap().split("</string>").next().unwrap()
}

/// A server on which Apple's management is set up with a certificate that was requested.
async fn set_up(place: &Place, admin: &Client, days: u32) -> Value {
    let request = admin.post("/api/v1/apple-mdm/push-certificate-request", json!({})).await.expect(201);
    std::fs::write(place.file("request.pem"), request["request"].as_str().unwrap()).unwrap();
    shell(place, &format!("days={days}\n{PUSH_CERTIFICATE}")).await;
    let push = std::fs::read_to_string(place.file("push.pem")).unwrap();
    let edit = json!({ "push_certificate": push, "version": 1 });
    admin.call("PUT", "/api/v1/apple-mdm", &edit).await.expect(200)
}

async fn enrollment_token(admin: &Client, name: &str) -> String {
    let user = admin.post("/api/v1/users", json!({ "user_name": name })).await.expect(201);
    let token = admin.post("/api/v1/enrollment-tokens", json!({ "user_id": user["id"] })).await.expect(201);
    token["token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_independent_client_enrolls() {
    let Some(scepclient) = std::env::var_os("ALLCLEAR_TEST_SCEPCLIENT") else {
        eprintln!("skipped: ALLCLEAR_TEST_SCEPCLIENT is not set (scripts/with-scep.sh sets it)");
        return;
    };
    let scepclient = scepclient.to_str().unwrap();
    let place = Place::sqlite();
    let server = Server::start_with(&place, &[("PUBLIC_URL", PUBLIC)]).await;
    let admin = server.client(&place.token("administrator", None).await);
    let shown = set_up(&place, &admin, 365).await;
    assert_eq!(shown["push_certificate"]["topic"], "com.apple.mgmt.External.77");
    std::fs::write(place.file("ca.pem"), shown["authority"]["certificate"].as_str().unwrap()).unwrap();

    let token = enrollment_token(&admin, "ada").await;
    let nobody = server.client("");
    let profile = nobody.get(&format!("/apple/v1/enroll/{token}?unsigned=true")).await;
    assert_eq!(profile.status, 200, "{}", profile.text);
    let (url, challenge) = (after_key(&profile.text, "URL"), after_key(&profile.text, "Challenge"));
    let url = url.replace(PUBLIC, &server.url);
    let run = format!(
        "rm -rf device && mkdir device && {scepclient} -private-key device/key.pem -server-url {url} \
         -challenge {challenge} -cn device -debug 2>&1"
    );

    // The client encrypts with DES, which is not taken unless the tenant says so.
    let output = place.shell(&run).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(!output.status.success() && said.contains("failInfo: badAlg (0)"), "{said}");
    let edit = json!({ "legacy_enrollment": true, "version": shown["version"] });
    admin.call("PUT", "/api/v1/apple-mdm", &edit).await.expect(200);
    let wrong = place.shell(&run.replace(challenge, "a-guess")).output().await.unwrap();
    assert!(!wrong.status.success(), "{}", String::from_utf8_lossy(&wrong.stdout));
    shell(&place, &run).await;
    let said = shell(&place, "openssl verify -CAfile ca.pem -purpose sslclient device/client.pem").await;
    assert!(said.contains("OK"), "{said}");
    let subject = shell(&place, "openssl x509 -in device/client.pem -noout -subject").await;
    let name = after_key(&profile.text, "Subject");
    assert_eq!(name, "CN", "the first part of the name");
    assert!(subject.starts_with("subject=CN = 1-"), "our name, not the client's: {subject}");
    // Another device with the password that was used.
    let again = place.shell(&run).output().await.unwrap();
    assert!(!again.status.success(), "{}", String::from_utf8_lossy(&again.stdout));

    // openssl believes the signed profile and finds the same in it.
    let address = format!("{}/apple/v1/enroll/{token}", server.url);
    let said = shell(
        &place,
        &format!(
            "curl -sf {address} -o signed && openssl cms -verify -inform DER -binary -in signed -CAfile ca.pem -purpose any"
        ),
    )
    .await;
    assert!(said.contains("com.apple.mdm") && said.contains("com.apple.mgmt.External.77"), "{said}");
    server.stop().await;
    place.verify().await;
}

#[tokio::test]
async fn a_push_certificate_that_ends_soon_is_counted_and_logged() {
    let place = Place::sqlite();
    let server = Server::start(&place).await;
    let admin = server.client(&place.token("administrator", None).await);
    let shown = set_up(&place, &admin, 29).await;
    assert_eq!(shown["push_certificate"]["expires_soon"], true);
    server.stop().await;
    // Once an hour it is looked, and at the start.
    let server = Server::start(&place).await;
    let nobody = server.client("");
    until("the certificate is counted", async || {
        let metrics = nobody.get("/metrics").await.text;
        metrics.contains("allclear_apple_push_certificates_ending 1").then_some(())
    })
    .await;
    until("the log says it", async || server.log().contains("renew it with Apple").then_some(())).await;
    server.stop().await;
}
