//! A simulated Apple device: it signs what it says and reads what it is told.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::sync::LazyLock;

use allclear_channels::apple::property_list;
use allclear_domain::{
    ids::{Tenant, TokenId},
    time::{Span, Time},
};
use allclear_engine::device_certificates::EnrollmentName;
use allclear_pki::{Algorithms, Authority, Certificate, Identity, PrivateKey, SigningRequest, cms};
use allclear_store::device_certificates::{self, DeviceCertificate};
use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use data_encoding::BASE64;
use plist::{Dictionary, Value};
use serde_json::{Value as Json, json};

use crate::{
    agent::tests::Stage,
    testing::{Answer, World},
};

/// Making keys takes long, so all devices of a test share one; their certificates are their own.
static KEY: LazyLock<PrivateKey> = LazyLock::new(|| PrivateKey::generate(2048).unwrap());
static AUTHORITY: LazyLock<Authority> = LazyLock::new(|| Authority::generate("Test", 1_700_000_000, 36_500).unwrap());

pub(super) const TOPIC: &str = "com.apple.mgmt.External.test";

/// A device with a certificate.
pub(super) struct Device<'s> {
    pub(super) stage: &'s Stage,
    pub(super) udid: String,
    pub(super) identity: Identity,
}

/// What a device is told.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Told {
    pub(super) id: String,
    pub(super) kind: String,
    pub(super) command: Json,
}

fn seconds(at: Time) -> i64 {
    at.as_micros() / 1_000_000
}

/// A certificate for an enrollment token, valid from a time on for so many days.
pub(super) fn certificate(token: &str, from: Time, days: u32) -> Certificate {
    let request = SigningRequest::make(&KEY, "device", None, None).unwrap();
    let request = SigningRequest::from_der(&request, Algorithms::default()).unwrap();
    let name = EnrollmentName { tenant: Tenant(1), token: token.parse().unwrap() };
    AUTHORITY.issue(&request, &name.to_string(), seconds(from), days).unwrap()
}

/// A certificate by its key.
pub(super) fn identity(certificate: Certificate) -> Identity {
    Identity::new(certificate, Vec::new(), KEY.clone()).unwrap()
}

/// Has the server know a certificate as issued for an enrollment token.
pub(super) async fn register(world: &World, certificate: &Certificate, token: &str, revoked: bool) {
    let now = world.state.source.now();
    let row = DeviceCertificate {
        fingerprint: certificate.fingerprint(),
        token: TokenId(token.parse().unwrap()),
        device: None,
        issuer: certificate.issuer(),
        own: true,
        certificate: certificate.der().to_vec(),
        not_before: Time::from_micros(certificate.not_before() * 1_000_000),
        not_after: Time::from_micros(certificate.not_after() * 1_000_000),
        created_at: now,
        revoked_at: revoked.then_some(now),
    };
    world.state.db.write(move |tx| device_certificates::insert(tx, Tenant(1), &row)).await.unwrap();
}

pub(super) fn dictionary(members: &[(&str, Value)]) -> Dictionary {
    members.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect()
}

fn xml(members: &[(&str, Value)]) -> Vec<u8> {
    property_list::write(dictionary(members)).unwrap()
}

impl<'s> Device<'s> {
    /// One that has its certificate and has not said anything.
    pub(super) async fn new(stage: &'s Stage, udid: &str) -> Device<'s> {
        let token = stage.enrollment_token_id().await;
        let certificate = certificate(&token, stage.world.state.source.now(), 365);
        register(&stage.world, &certificate, &token, false).await;
        Device { stage, udid: udid.to_owned(), identity: identity(certificate) }
    }

    /// One that is enrolled.
    pub(super) async fn enrolled(stage: &'s Stage, udid: &str) -> Device<'s> {
        let device = Device::new(stage, udid).await;
        device.enroll().await;
        device
    }

    pub(super) async fn enroll(&self) {
        assert_eq!(self.authenticate().await.status, 200);
        assert_eq!(self.token_update().await.status, 200);
    }

    /// Sends a body, signed.
    pub(super) async fn put(&self, path: &str, body: Vec<u8>) -> Answer {
        let now = seconds(self.stage.world.state.source.now());
        let signature = cms::sign_detached(&body, &self.identity, Some(now)).unwrap();
        self.put_with(path, body, &[("Mdm-Signature", &BASE64.encode(&signature))]).await
    }

    pub(super) async fn put_with(&self, path: &str, body: Vec<u8>, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::builder().method("PUT").uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.stage.world.send(request.body(Body::from(body)).unwrap()).await;
        assert_ne!(answer.status, StatusCode::UNAUTHORIZED, "never");
        answer
    }

    pub(super) async fn check_in(&self, kind: &str, members: &[(&str, Value)]) -> Answer {
        let mut all = vec![("MessageType", kind.into()), ("UDID", self.udid.as_str().into())];
        all.extend(members.iter().cloned());
        self.put("/apple/v1/checkin", xml(&all)).await
    }

    pub(super) async fn authenticate(&self) -> Answer {
        let serial = format!("S-{}", self.udid);
        let members: [(&str, Value); 5] = [
            ("Topic", TOPIC.into()),
            ("SerialNumber", serial.as_str().into()),
            ("OSVersion", "17.6".into()),
            ("ProductName", "iPhone16,1".into()),
            ("Something", "new".into()),
        ];
        self.check_in("Authenticate", &members).await
    }

    pub(super) async fn token_update(&self) -> Answer {
        let members = [
            ("Topic", TOPIC.into()),
            ("Token", Value::Data(vec![7; 32])),
            ("PushMagic", "magic".into()),
            ("UnlockToken", Value::Data(b"unlock".to_vec())),
        ];
        self.check_in("TokenUpdate", &members).await
    }

    /// What a report looks like on the wire.
    pub(super) fn report(&self, status: &str, command: Option<&str>, members: &[(&str, Value)]) -> Vec<u8> {
        let mut all = vec![("Status", status.into()), ("UDID", self.udid.as_str().into())];
        all.extend(command.map(|id| ("CommandUUID", id.into())));
        all.extend(members.iter().cloned());
        xml(&all)
    }

    pub(super) async fn say(&self, status: &str, command: Option<&str>, members: &[(&str, Value)]) -> Option<Told> {
        let answer = self.put("/apple/v1/command", self.report(status, command, members)).await;
        told(&answer)
    }

    /// Begins an exchange.
    pub(super) async fn idle(&self) -> Option<Told> {
        self.say("Idle", None, &[]).await
    }

    pub(super) async fn done(&self, told: &Told) -> Option<Told> {
        self.say("Acknowledged", Some(&told.id), &[]).await
    }

    pub(super) async fn not_now(&self, told: &Told) -> Option<Told> {
        self.say("NotNow", Some(&told.id), &[]).await
    }

    /// Answers what it is asked after it enrolled, and returns what comes then.
    pub(super) async fn answer_questions(&self) -> Option<Told> {
        let mut told = self.idle().await;
        while let Some(one) = &told {
            let members: Vec<(&str, Value)> = match one.kind.as_str() {
                "DeviceInformation" => {
                    let said = [("OSVersion", "17.6.1".into()), ("IsSupervised", Value::Boolean(true))];
                    vec![("QueryResponses", Value::Dictionary(dictionary(&said)))]
                }
                "SecurityInfo" => {
                    let said = [("PasscodePresent", Value::Boolean(true)), ("HardwareEncryptionCaps", 3.into())];
                    vec![("SecurityInfo", Value::Dictionary(dictionary(&said)))]
                }
                "ProfileList" => vec![("ProfileList", Value::Array(Vec::new()))],
                "InstalledApplicationList" => {
                    let app = Value::Dictionary(dictionary(&[("Identifier", "com.example.app".into())]));
                    vec![("InstalledApplicationList", Value::Array(vec![app]))]
                }
                _ => break,
            };
            told = self.say("Acknowledged", Some(&one.id), &members).await;
        }
        told
    }

    /// The enrollment token it came with.
    pub(super) fn token(&self) -> String {
        let name: EnrollmentName = self.identity.certificate().common_name().unwrap().parse().unwrap();
        name.token.to_string()
    }

    /// Our id of the device.
    pub(super) async fn id(&self) -> String {
        let found = self.stage.world.get("/api/v1/devices?limit=500", &self.stage.admin).await.expect(200);
        let items = found["items"].as_array().unwrap();
        let serial = format!("S-{}", self.udid);
        let device = items.iter().find(|device| device["serial_number"] == serial.as_str()).unwrap();
        device["id"].as_str().unwrap().to_owned()
    }

    pub(super) async fn shown(&self) -> Json {
        self.stage.device(&self.id().await).await
    }

    /// Has an administrator give the device a command, with its name as confirmation.
    pub(super) async fn give(&self, command: Json) -> Answer {
        let device = self.shown().await;
        let uri = format!("/api/v1/devices/{}/commands", device["id"].as_str().unwrap());
        let body = json!({"command": command, "confirm": device["friendly_name"]});
        self.stage.world.call("POST", &uri, &self.stage.admin, Some(body)).await
    }

    /// The same, and the id of the command.
    pub(super) async fn given(&self, command: Json) -> String {
        self.give(command).await.expect(201)["id"].as_str().unwrap().to_owned()
    }

    /// A command as an administrator sees it.
    pub(super) async fn command(&self, id: &str) -> Json {
        let uri = format!("/api/v1/devices/{}/commands/{id}", self.id().await);
        self.stage.world.get(&uri, &self.stage.admin).await.expect(200)
    }

    pub(super) async fn state(&self, id: &str) -> String {
        self.command(id).await["state"].as_str().unwrap().to_owned()
    }
}

/// What an answer tells the device; nothing if it is empty.
pub(super) fn told(answer: &Answer) -> Option<Told> {
    assert_eq!(answer.status, 200, "{}", answer.text());
    if answer.body.is_empty() {
        return None;
    }
    let said = property_list::members_to_json(&property_list::read(&answer.body).unwrap());
    let text = |value: &Json| value.as_str().unwrap().to_owned();
    Some(Told {
        id: text(&said["CommandUUID"]),
        kind: text(&said["Command"]["RequestType"]),
        command: said["Command"].clone(),
    })
}

/// The clock goes on by a minute, so that signatures and pauses are apart.
pub(super) fn minute(stage: &Stage) {
    stage.world.pass(Span::seconds(60));
}
