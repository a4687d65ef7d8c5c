//! Google's management of Android devices, by a peer that holds requests and answers to Google's own description.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod google;
mod messages;
#[path = "../common/peer.rs"]
mod peer;

use std::{sync::Arc, time::Duration};

use allclear_channels::android::{
    client::{Client, DeviceChange, Error, NewEnrollmentToken, PersonalUsage},
    events::Event,
    operation::{Command, LostMode, PasswordFlag, WipeFlag},
    settings::AndroidSettings,
};
use allclear_domain::time::Span;
use allclear_engine::source::{Source, SystemSource};
use google::{Clock, Google, LC, allow, enrolled, events, token};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_signs_up_and_a_device_is_managed() {
    let mut google = Google::start(json!({}));
    let client = google.client(None);
    let early = client.list_devices(None).await.unwrap_err();
    assert_eq!(early, Error::Permanent { reason: "there is no enterprise yet".into() });

    let sign_up =
        client.sign_up_url("https://mtd.example.com/back?state=a%26b", Some("admin@example.com")).await.unwrap();
    let unfinished = client.create_enterprise(&sign_up.name, "guess", "Acme").await.unwrap_err();
    assert!(matches!(unfinished, Error::Refused { status: 400, .. }), "{unfinished:?}");
    let done = google.order("sign_up", json!(sign_up.name));
    assert!(
        done["callback"].as_str().unwrap().starts_with("https://mtd.example.com/back?state=a%26b&enterpriseToken=")
    );
    let proof = done["enterprise_token"].as_str().unwrap();
    let name = client.create_enterprise(&sign_up.name, proof, &"Äcme ".repeat(30)).await.unwrap();
    let again = client.create_enterprise(&sign_up.name, proof, "Acme").await.unwrap_err();
    assert!(matches!(again, Error::Refused { status: 400, .. }), "once: {again:?}");

    let client = google.client(Some(&name));
    let enterprise = client.get_enterprise().await.unwrap();
    assert_eq!(enterprise.topic.as_deref(), google.account["topic"].as_str());
    assert_eq!(enterprise.notifications, ["ENROLLMENT", "STATUS_REPORT", "COMMAND"]);
    assert_eq!(enterprise.display_name.chars().count(), 100);
    assert_eq!(client.patch_enterprise("Acme").await.unwrap().display_name, "Acme");
    assert_eq!(events(&client, 2).await, [Event::Test, Event::Test], "the topic is tried out each time");

    let policy = json!({ "screenCaptureDisabled": true, "statusReportingSettings": { "deviceSettingsEnabled": true } });
    assert_eq!(client.patch_policy("first", &policy).await.unwrap(), 1);
    assert_eq!(client.patch_policy("first", &policy).await.unwrap(), 2);
    let deprecated = client.patch_policy("other", &json!({ "cameraDisabled": true })).await;
    if google.account["described_by"] != "ours" {
        let deprecated = deprecated.unwrap_err();
        assert!(
            matches!(&deprecated, Error::Refused { message, .. } if message.contains("deprecated")),
            "{deprecated:?}"
        );
    }
    let token = self::token(&client, PersonalUsage::Disallowed).await;
    assert!(token.expires > SystemSource.now() && !format!("{token:?}").contains(&token.value));
    let enrolled = google.order("enroll", json!({ "qr": token.qr_code, "serial": "S1" }));
    assert_eq!(google.try_order("enroll", json!({ "token": token.value }))["error"], "the token is not valid", "twice");
    let device = enrolled["device"].as_str().unwrap();
    let Event::Enrollment(told) = events(&client, 1).await.remove(0) else { panic!("a device has enrolled") };
    assert_eq!((told["name"].as_str(), told["enrollmentTokenData"].as_str()), (Some(device), Some("group=7")));
    assert_eq!(client.get_device(device).await.unwrap(), told);
    let policy_name = client.policy_name("first").unwrap();
    assert_eq!((&told["policyName"], &told["appliedPolicyVersion"]), (&json!(policy_name), &json!("2")));

    // Another policy: the device has it when it says so.
    client.patch_policy("second", &json!({ "cameraAccess": "CAMERA_ACCESS_DISABLED" })).await.unwrap();
    let patched = client.patch_device(device, DeviceChange::Policy("second")).await.unwrap();
    assert_eq!(patched["appliedPolicyName"], json!(policy_name));
    let used = client.delete_policy("second").await.unwrap_err();
    assert!(
        matches!(&used, Error::Refused { status: 400, message } if message.contains("FAILED_PRECONDITION")),
        "{used:?}"
    );
    client.delete_policy("first").await.unwrap();
    assert!(matches!(client.delete_policy("first").await, Err(Error::NotFound { .. })));
    google.order("refuse", json!({ "device": device, "settings": { "cameraAccess": "PENDING" } }));
    google.order("report", json!({ "device": device }));
    google.order("refuse", json!({ "device": device, "settings": {} }));
    google.order("report", json!({ "device": device }));
    let reports = events(&client, 2).await;
    let [Event::StatusReport(pending), Event::StatusReport(applied)] = &reports[..] else { panic!("two: {reports:?}") };
    assert_eq!(pending["nonComplianceDetails"][0]["nonComplianceReason"], "PENDING");
    assert_eq!((&applied["policyCompliant"], &applied["appliedPolicyVersion"]), (&json!(true), &json!("1")));
    assert_eq!(applied["appliedPolicyName"], json!(client.policy_name("second").unwrap()));

    let disabled = client.patch_device(device, DeviceChange::Disabled { reason: Some("It was lost.") }).await.unwrap();
    assert_eq!(
        (&disabled["state"], &disabled["disabledReason"]["defaultMessage"]),
        (&json!("DISABLED"), &json!("It was lost."))
    );
    assert_eq!(client.patch_device(device, DeviceChange::Active).await.unwrap()["state"], "ACTIVE");
    let flags = [WipeFlag::PreserveResetProtectionData, WipeFlag::WipeExternalStorage];
    client.delete_device(device, &flags, None).await.unwrap();
    assert!(
        google.requests("enterprises.devices.delete")[0]["query"].as_str().unwrap().matches("wipeDataFlags").count()
            == 2
    );
    assert!(matches!(client.get_device(device).await, Err(Error::NotFound { .. })));
    google.order("report", json!({ "device": device }));
    let Event::StatusReport(last) = events(&client, 1).await.remove(0) else { panic!("a last report") };
    assert_eq!(last["appliedState"], "DELETED");

    client.patch_policy("first", &policy).await.unwrap();
    let token = self::token(&client, PersonalUsage::Allowed).await;
    client.delete_enrollment_token(&token.name).await.unwrap();
    assert!(google.try_order("enroll", json!({ "token": token.value }))["error"].is_string());
    let refused =
        google.requests("enterprises.policies.patch").into_iter().filter(|one| one["body"]["cameraDisabled"] == true);
    let others = google.happened("request").into_iter().filter(|one| one["body"]["cameraDisabled"] != true);
    assert_eq!(refused.count(), 1);
    for request in others {
        assert_eq!(request["violations"], json!([]), "{request}");
    }
    assert_eq!(google.happened("wrong_answer"), [Value::Null; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_are_given_and_what_became_of_them_is_known() {
    let (mut google, client) = Google::of_enterprise(json!({}));
    let device = enrolled(&mut google, &client, PersonalUsage::Disallowed).await;
    events(&client, 1).await;
    let lost = LostMode {
        message: Some("Please call.".into()),
        phone_number: Some("+49 30 1234".into()),
        email_address: Some("lost@example.com".into()),
        street_address: Some("Example Street 1".into()),
        organization: Some("Acme".into()),
    };
    let password = Command::ResetPassword {
        new_password: Some("correct-horse".into()),
        flags: vec![PasswordFlag::RequireEntry, PasswordFlag::DoNotAskCredentialsOnBoot, PasswordFlag::LockNow],
    };
    let wipe = Command::Wipe { flags: vec![WipeFlag::WipeEsims], reason: Some("It is lost.".into()) };
    let (start, stop) = (Command::StartLostMode(lost), Command::StopLostMode);
    for command in [Command::Lock, password, Command::Reboot, start.clone(), stop.clone(), Command::RelinquishOwnership]
    {
        let given = client.issue_command(&device, &command, Some(Span::days(1))).await.unwrap();
        assert_eq!(
            (given.kind.as_deref(), &given.result, given.device()),
            (Some(command.kind()), &None, device.as_str())
        );
        assert_eq!(client.get_operation(&given.name).await.unwrap(), given);
        google.order("answer", json!({ "operation": given.name }));
        let became = client.get_operation(&given.name).await.unwrap();
        let cannot = matches!(command, Command::RelinquishOwnership);
        assert_eq!(matches!(became.result, Some(Err(_))), cannot, "{became:?}");
        let told = events(&client, 1).await.into_iter().find_map(|event| match event {
            Event::Command(operation) => Some(operation),
            _ => None,
        });
        assert_eq!(told, Some(became));
    }
    let request = &google.requests("enterprises.devices.issueCommand")[0];
    assert_eq!(request["body"], json!({ "type": "LOCK", "duration": "86400s" }));

    let given = client.issue_command(&device, &start, None).await.unwrap();
    google.order(
        "answer",
        json!({ "operation": given.name, "status": "USER_EXIT_LOST_MODE_RECENTLY", "publish": false }),
    );
    let became = client.get_operation(&given.name).await.unwrap().result.unwrap().unwrap_err();
    assert!(became.contains("12 hours"), "{became}");
    let taken_back = client.issue_command(&device, &stop, None).await.unwrap();
    client.cancel_operation(&taken_back.name).await.unwrap();
    let became = client.get_operation(&taken_back.name).await.unwrap().result;
    assert_eq!(became, Some(Err("it was taken back".into())));
    let slow = client.issue_command(&device, &Command::Lock, Some(Span::seconds(1))).await.unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let became = client.get_operation(&slow.name).await.unwrap().result;
    assert_eq!(became, Some(Err("the device did not carry it out in time".into())));
    let nobodys = LostMode { organization: Some("Acme".into()), ..LostMode::default() };
    let refused = client.issue_command(&device, &Command::StartLostMode(nobodys), None).await.unwrap_err();
    assert!(matches!(refused, Error::Refused { status: 400, .. }), "{refused:?}");

    let given = client.issue_command(&device, &wipe, None).await.unwrap();
    google.order("answer", json!({ "operation": given.name }));
    assert!(matches!(client.issue_command(&device, &wipe, None).await, Err(Error::NotFound { .. })), "it is gone");
    let gone = events(&client, 4).await.pop();
    assert!(matches!(&gone, Some(Event::StatusReport(device)) if device["state"] == "DELETED"), "{gone:?}");
    google.assert_by_the_document();
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_that_do_as_they_are_told_are_listed_in_pages() {
    let (mut google, client) = Google::of_enterprise(json!({ "comply": true }));
    client.patch_policy("first", &json!({ "cameraAccess": "CAMERA_ACCESS_DISABLED" })).await.unwrap();
    let new = NewEnrollmentToken {
        policy_id: "first",
        lasts: Span::seconds(3_600),
        additional_data: "",
        one_time: false,
        personal_usage: PersonalUsage::Allowed,
    };
    let token = client.create_enrollment_token(&new).await.unwrap();
    let mut names: Vec<String> = Vec::new();
    for _ in 0..30 {
        let device = google.order("enroll", json!({ "token": token.value }));
        names.push(device["device"].as_str().unwrap().to_owned());
    }
    let first = client.list_devices(None).await.unwrap();
    let second = client.list_devices(first.next.as_deref()).await.unwrap();
    assert_eq!((first.devices.len(), second.devices.len(), second.next), (25, 5, None));
    let listed: Vec<_> = first.devices.iter().chain(&second.devices).map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(listed, names);
    events(&client, 30).await;

    client.patch_policy("second", &json!({ "screenCaptureDisabled": true })).await.unwrap();
    client.patch_device(&names[0], DeviceChange::Policy("second")).await.unwrap();
    let Event::StatusReport(report) = events(&client, 1).await.remove(0) else { panic!("a report") };
    assert_eq!(report["appliedPolicyName"], json!(client.policy_name("second").unwrap()));
    google.order("refuse", json!({ "device": names[0], "settings": { "screenCaptureDisabled": "MANAGEMENT_MODE" } }));
    let Event::StatusReport(report) = events(&client, 1).await.remove(0) else { panic!("a report") };
    assert_eq!(
        (&report["policyCompliant"], report["nonComplianceDetails"].as_array().unwrap().len()),
        (&json!(false), 1)
    );
    client.delete_device(&names[0], &[], Some("You have left Acme.")).await.unwrap();
    let Event::StatusReport(report) = events(&client, 1).await.remove(0) else { panic!("a report") };
    assert_eq!(report["state"], "DELETED");
    assert_eq!(client.list_devices(None).await.unwrap().devices[0]["name"], json!(names[1]));
    google.assert_by_the_document();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_google_does_not_do_is_understood() {
    let (mut google, client) = Google::of_enterprise(json!({}));
    let device = enrolled(&mut google, &client, PersonalUsage::Allowed).await;
    let again = |after: Option<u64>| after.map(Duration::from_secs);
    for (fail, after) in [
        (json!({ "status": 429, "retry_after": "7" }), again(Some(7))),
        (json!({ "status": 429 }), None),
        (json!({ "status": 503, "retry_after": "3" }), again(Some(3))),
        (json!({ "status": 500 }), None),
        (json!({ "status": 409 }), None),
        (json!({ "drop": "before" }), None),
    ] {
        google.order("fail", fail.clone());
        let failed = client.get_device(&device).await.unwrap_err();
        assert!(matches!(&failed, Error::Later { after: asked, .. } if *asked == after), "{fail}: {failed:?}");
    }
    for (fail, expected) in [
        (json!({ "status": 403 }), 403),
        (json!({ "status": 400 }), 400),
        (json!({ "status": 409, "code": "ALREADY_EXISTS" }), 409),
    ] {
        google.order("fail", fail.clone());
        let failed = client.get_device(&device).await.unwrap_err();
        assert!(matches!(failed, Error::Refused { status, .. } if status == expected), "{fail}: {failed:?}");
    }
    let missing = client.get_device(&format!("{LC}/devices/none")).await.unwrap_err();
    assert!(matches!(&missing, Error::NotFound { message } if message.starts_with("404 NOT_FOUND: ")), "{missing:?}");
    let unknown = client.patch_device(&device, DeviceChange::Policy("none")).await.unwrap_err();
    assert!(matches!(unknown, Error::Refused { status: 400, .. }), "{unknown:?}");

    // An answer that is lost: it was done all the same.
    google.order("fail", json!({ "method": "policies.patch", "drop": "after" }));
    assert!(matches!(client.patch_policy("third", &json!({})).await, Err(Error::Later { .. })));
    assert_eq!(client.patch_policy("third", &json!({})).await.unwrap(), 2);

    // Names that are none, or somebody else's, are not asked for.
    let asked = google.happened("request").len();
    let others =
        ["enterprises/LC00x/devices/a", "enterprises/LC00/devices/a:issueCommand", "enterprises/LC00/devices/../x", ""];
    for name in others {
        assert!(matches!(client.get_device(name).await, Err(Error::Permanent { .. })), "{name}");
        assert!(matches!(client.get_operation(name).await, Err(Error::Permanent { .. })), "{name}");
        assert!(matches!(client.delete_enrollment_token(name).await, Err(Error::Permanent { .. })), "{name}");
    }
    assert!(matches!(client.patch_policy("a/b", &json!({})).await, Err(Error::Permanent { .. })));
    assert_eq!(google.happened("request").len(), asked);
    google.assert_by_the_document();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_is_asked_for_once_and_again_when_it_is_worthless() {
    let (mut google, client) = Google::of_enterprise(json!({}));
    let (one, other) = tokio::join!(client.get_enterprise(), client.list_devices(None));
    one.unwrap();
    other.unwrap();
    assert_eq!(google.happened("grant").len(), 1);
    google.order("revoke", json!(true));
    assert!(matches!(client.get_enterprise().await, Err(Error::Later { .. })), "it is not asked anew all the time");
    google.clock.advance(Span::seconds(61));
    client.get_enterprise().await.unwrap();
    assert_eq!(google.happened("grant").len(), 2);
    google.clock.advance(Span::seconds(3_400));
    google.order("grant", json!({ "status": 503, "retry-after": "30" }));
    for _ in 0..2 {
        let failed = client.get_enterprise().await.unwrap_err();
        let expected = Some(Duration::from_secs(30));
        assert!(matches!(&failed, Error::Later { after, .. } if *after == expected), "{failed:?}");
    }
    assert_eq!(google.happened("grant").len(), 3, "nobody hammers");
    google.order("grant", Value::Null);
    google.clock.advance(Span::seconds(31));
    client.get_enterprise().await.unwrap();

    let (settings, secrets) = google.settings(Some(LC));
    assert_eq!(format!("{client:?}"), format!("Client({})", settings.account.client_email));
    let elsewhere = AndroidSettings { base_url: "https://10.0.0.1".into(), ..settings };
    let clock: Arc<dyn Source> = Arc::<Clock>::clone(&google.clock);
    assert!(Client::new(elsewhere, &secrets, &allow(), clock).is_err(), "the key was for another place");
}
