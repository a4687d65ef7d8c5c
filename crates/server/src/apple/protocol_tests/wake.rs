//! Devices are woken by Apple's push service with the push certificate in force: against a peer that takes no other.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]

#[path = "../../../../channels/tests/common/peer.rs"]
mod peer;

use std::time::Duration;

use allclear_channels::{delivery::Outgoing, push::worker};
use allclear_domain::{ids::DeviceId, ids::Tenant, time::Span};
use allclear_guard::AllowList;
use allclear_pki::{Certificate, PrivateKey};
use allclear_store::apple_enrollments as enrollments;
use data_encoding::HEXLOWER;
use peer::Peer;
use plist::Value;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value as Json, json};
use tokio::{sync::oneshot, task::JoinHandle};

use super::device::{Device, TOPIC};
use crate::{agent::tests::Stage, app::ServerOptions, testing::World};

/// Apple, as far as certificates go.
struct Apple(CertifiedIssuer<'static, KeyPair>);

impl Apple {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// The push service.
    fn push_service(&self) -> Peer {
        let key = KeyPair::generate().unwrap();
        let server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &*self.0).unwrap();
        let tls = json!({ "cert": server.pem(), "key": key.serialize_pem(), "ca": self.0.pem() });
        Peer::start("apns.mjs", &[&json!({ "tls": tls }).to_string()])
    }

    /// A push certificate with its key, and its fingerprint.
    fn push_certificate(&self) -> (String, String, String) {
        let key = PrivateKey::generate(2048).unwrap().pem().unwrap();
        let pair = KeyPair::from_pkcs8_pem_and_sign_algo(&key, &PKCS_RSA_SHA256).unwrap();
        let mut params = CertificateParams::default();
        let uid = rcgen::DnType::CustomDnType(vec![0, 9, 2342, 19_200_300, 100, 1, 1]);
        params.distinguished_name.push(uid, TOPIC);
        let certificate = params.signed_by(&pair, &*self.0).unwrap().pem();
        let fingerprint = HEXLOWER.encode(&Certificate::from_pem(&certificate).unwrap().fingerprint());
        (certificate, key, fingerprint)
    }
}

/// A worker that runs until it is stopped.
struct Running(oneshot::Sender<()>, JoinHandle<()>);

impl Running {
    async fn start(stage: &Stage, allow: &AllowList) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let outgoing = Outgoing::new(allow.clone(), None).unwrap();
        let task = tokio::spawn(worker::run(stage.world.state.engine.clone(), outgoing, async {
            let _ = stopped.await;
        }));
        tokio::time::sleep(Duration::from_millis(200)).await;
        Self(stop, task)
    }

    async fn stop(self) {
        let _ = self.0.send(());
        self.1.await.unwrap();
    }
}

async fn a_while() {
    tokio::time::sleep(Duration::from_millis(900)).await;
}

fn restart() -> Json {
    json!({"type": "restart_device"})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_with_something_to_do_is_woken_by_the_certificate_in_force() {
    let allow: AllowList = "localhost".parse().unwrap();
    let stage =
        Stage::with(World::with(ServerOptions { outgoing: allow.clone(), ..ServerOptions::default() }).await).await;
    let apple = Apple::new();
    let service = apple.push_service();
    let set_up = async |version: i64, certificate: &str, key: &str| {
        let edit = json!({"version": version, "push_certificate": certificate, "push_key": key,
            "push_url": format!("https://localhost:{}", service.port), "push_authority": apple.0.pem()});
        stage.world.call("PUT", "/api/v1/apple-mdm", &stage.admin, Some(edit)).await.expect(200)
    };
    let (certificate, key, first) = apple.push_certificate();
    let shown = set_up(0, &certificate, &key).await;
    assert!(shown["push_authority"]["certificate"].is_string(), "{shown}");
    let refused = json!({"version": shown["version"], "push_url": "https://10.0.0.1"});
    let refused = stage.world.call("PUT", "/api/v1/apple-mdm", &stage.admin, Some(refused)).await.expect(422);
    assert_eq!(refused["errors"][0]["pointer"], "/push_url", "{refused}");

    let running = Running::start(&stage, &allow).await;
    let device = Device::enrolled(&stage, "U1").await;
    let is_push = |line: &Json| line["event"] == "push";
    let push = service.wait_for("the wake-up of a device that has just enrolled", is_push);
    assert_eq!(
        (&push["status"], &push["body"], &push["device_token"], &push["by"]["fingerprint"]),
        (&json!(200), &json!({"mdm": "magic"}), &json!("07".repeat(32)), &json!(first)),
        "{push}"
    );
    assert_eq!(device.answer_questions().await, None);
    let command = device.given(restart()).await;
    service.wait_for_many("the wake-up for a command", 2, is_push);
    let told = device.idle().await.unwrap();
    assert_eq!(told.id, command);
    let next = device.given(json!({"type": "device_information"})).await;
    a_while().await;
    assert_eq!(service.events("push").len(), 2, "it is awake: what comes next it gets with its answer");
    let told = device.done(&told).await.unwrap();
    assert_eq!((told.id.as_str(), device.done(&told).await), (next.as_str(), None));

    let (certificate, key, second) = apple.push_certificate();
    set_up(shown["version"].as_i64().unwrap(), &certificate, &key).await;
    device.given(restart()).await;
    let pushes = service.wait_for_many("the wake-up by the new certificate", 3, is_push);
    assert_eq!(pushes[2]["by"]["fingerprint"], second, "at once");
    let told = device.idle().await.unwrap();
    assert_eq!(device.not_now(&told).await, None);
    a_while().await;
    assert_eq!(service.events("push").len(), 3, "what it postponed it asks for by itself");
    let told = device.idle().await.unwrap();
    assert_eq!(device.done(&told).await, None);

    // The push service does not know it any more, until it says where it is.
    let lost = [[7; 30].as_slice(), &[0xa4, 0x10]].concat();
    let said =
        |token: Vec<u8>| [("Topic", Value::from(TOPIC)), ("PushMagic", "new".into()), ("Token", Value::Data(token))];
    assert_eq!(device.check_in("TokenUpdate", &said(lost)).await.status, 200);
    device.given(restart()).await;
    service.wait_for("the push that is too late", |line| line["status"] == 410);
    let id = DeviceId(device.id().await.parse().unwrap());
    let known = async || stage.world.state.db.read(move |tx| enrollments::push(tx, Tenant(1), id)).await.unwrap();
    let mut patience = 100;
    while known().await.is_some() {
        patience -= 1;
        assert!(patience > 0, "it is forgotten");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(device.check_in("TokenUpdate", &said(vec![8; 32])).await.status, 200);
    let is_found = |line: &Json| line["device_token"] == "08".repeat(32) && line["body"]["mdm"] == "new";
    service.wait_for("the wake-up where it is now", is_found);
    let told = device.idle().await.unwrap();
    assert_eq!(device.done(&told).await, None);
    running.stop().await;

    // What is to be asked every day is something, too.
    let before = service.events("push").len();
    stage.world.pass(Span::days(1));
    let running = Running::start(&stage, &allow).await;
    service.wait_for_many("the daily wake-up", before + 1, is_push);
    assert_eq!(device.check_in("CheckOut", &[]).await.status, 200);
    a_while().await;
    assert_eq!(service.events("push").len(), before + 1, "and it is left alone when it left");
    running.stop().await;
}
