//! Who is heard, and what is refused: never with 401, and nothing changes.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::{net::IpAddr, time::Duration};

use allclear_channels::apple::property_list;
use allclear_domain::time::Span;
use allclear_pki::cms;
use axum::{body::Body, http::Request};
use data_encoding::BASE64;
use futures_util::stream;
use plist::Value;
use serde_json::json;

use super::device::{Device, certificate, dictionary, identity, register, told};
use crate::{
    access::ClientAddress,
    agent::tests::Stage,
    app::{ServerOptions, TrustedProxies},
    testing::World,
};

const COMMAND: &str = "/apple/v1/command";

#[tokio::test]
async fn only_the_devices_own_certificate_in_force_is_heard() {
    let stage = Stage::new().await;
    let (mut device, other) = (Device::enrolled(&stage, "U1").await, Device::enrolled(&stage, "U2").await);
    assert_eq!(device.answer_questions().await, None);
    let waiting = device.given(json!({"type": "restart_device"})).await;
    let now = stage.world.state.source.now();
    let own = device.identity.clone();
    let refused = async |device: &Device<'_>, what: &str| {
        for body in [device.report("Idle", None, &[]), device.report("Acknowledged", Some(&waiting), &[])] {
            let answer = device.put(COMMAND, body).await;
            assert_eq!(answer.expect(403)["type"], "/problems/forbidden", "{what}");
        }
        assert_eq!(device.check_in("CheckOut", &[]).await.status, 403, "{what}");
        assert_eq!(device.token_update().await.status, 403, "{what}");
        assert_eq!(device.authenticate().await.status, 403, "{what}");
    };
    let token = stage.enrollment_token_id().await;
    device.identity = other.identity.clone();
    refused(&device, "another device's").await;
    let old = certificate(&token, now.minus(Span::days(20)), 10);
    register(&stage.world, &old, &token, false).await;
    device.identity = identity(old);
    refused(&device, "expired").await;
    let revoked = certificate(&token, now, 365);
    register(&stage.world, &revoked, &token, true).await;
    device.identity = identity(revoked);
    refused(&device, "revoked").await;
    device.identity = identity(certificate(&token, now, 365));
    refused(&device, "of somebody else: nobody issued it here").await;
    device.identity = own;
    assert_eq!(device.idle().await.unwrap().id, waiting, "nothing changed");
}

#[tokio::test]
async fn what_is_not_signed_over_this_body_a_moment_ago_is_refused() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    let body = device.report("Idle", None, &[]);
    let now = stage.world.state.source.now().as_micros() / 1_000_000;
    let signed = |body: &[u8], at: Option<i64>| BASE64.encode(&cms::sign_detached(body, &device.identity, at).unwrap());
    let send = async |signature: &str, body: &[u8]| {
        device.put_with(COMMAND, body.to_vec(), &[("Mdm-Signature", signature)]).await.status
    };
    let good = signed(&body, Some(now));
    assert_eq!(send(&good, &body).await, 200);
    assert_eq!(device.put_with(COMMAND, body.clone(), &[]).await.status, 403, "not signed");
    assert_eq!(send(&good, &[&body[..], b" "].concat()).await, 403, "of another body");
    assert_eq!(send(&signed(&body, None), &body).await, 403, "without a time");
    assert_eq!(send(&signed(&body, Some(now - 3700)), &body).await, 403, "long ago");
    assert_eq!(send(&signed(&body, Some(now + 3700)), &body).await, 403, "in the future");
    assert_eq!(send("%%%", &body).await, 400);
    assert_eq!(send(&BASE64.encode(b"garbage"), &body).await, 400);
    let attached = cms::sign(&body, &device.identity, Some(now)).unwrap();
    assert_eq!(send(&BASE64.encode(&attached), &body).await, 400, "with the content in it");
    stage.world.pass(Span::seconds(3700));
    assert_eq!(send(&good, &body).await, 403, "a recorded request is worth nothing later");
}

#[tokio::test]
async fn a_recorded_request_does_nothing_twice() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    let now = stage.world.state.source.now().as_micros() / 1_000_000;
    let record = |body: &[u8]| BASE64.encode(&cms::sign_detached(body, &device.identity, Some(now)).unwrap());
    let send = async |path: &str, body: &[u8], signature: &str| {
        device.put_with(path, body.to_vec(), &[("Mdm-Signature", signature)]).await
    };
    let (first, second) = (device.given(json!({"type": "restart_device"})).await, json!({"type": "profile_list"}));
    let second = device.given(second).await;
    assert_eq!(device.idle().await.unwrap().id, first);
    let body = device.report("Error", Some(&first), &[]);
    let signature = record(&body);
    let next = told(&send(COMMAND, &body, &signature).await).unwrap();
    assert_eq!(next.id, second);
    assert_eq!(told(&send(COMMAND, &body, &signature).await), Some(next.clone()), "the same is waited for");
    assert_eq!(device.done(&next).await, None);
    let before = (device.command(&first).await, device.command(&second).await);
    assert_eq!(told(&send(COMMAND, &body, &signature).await), None);
    assert_eq!((device.command(&first).await, device.command(&second).await), before);

    let members = [("MessageType", "CheckOut".into()), ("UDID", Value::from("U1"))];
    let leave = property_list::write(dictionary(&members)).unwrap();
    let signature = record(&leave);
    assert_eq!(send("/apple/v1/checkin", &leave, &signature).await.status, 200);
    let again = Device::enrolled(&stage, "U1").await;
    assert_eq!(
        send("/apple/v1/checkin", &leave, &signature).await.status,
        403,
        "it came back with another certificate"
    );
    assert_eq!(again.shown().await["enrollment_status"], "enrolled");
}

#[tokio::test]
async fn hostile_bodies_are_refused_and_binary_ones_are_read() {
    let stage = Stage::new().await;
    let device = Device::enrolled(&stage, "U1").await;
    assert_eq!(device.answer_questions().await, None);
    let waiting = device.given(json!({"type": "restart_device"})).await;
    let deep = format!(
        "<plist version=\"1.0\"><dict><key>a</key>{}{}</dict></plist>",
        "<array>".repeat(50_000),
        "</array>".repeat(50_000)
    );
    let entity = "<!DOCTYPE plist [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><plist version=\"1.0\"><dict>\
                  <key>Status</key><string>&e;</string></dict></plist>";
    for body in [&b"garbage"[..], b"", b"bplist00", b"{}", deep.as_bytes(), entity.as_bytes()] {
        for path in [COMMAND, "/apple/v1/checkin"] {
            let answer = device.put(path, body.to_vec()).await;
            assert_eq!(answer.expect(400)["type"], "/problems/bad-request");
        }
    }
    let no_status = [("UDID", Value::from("U1"))];
    let body = property_list::write(dictionary(&no_status)).unwrap();
    assert_eq!(device.put(COMMAND, body.clone()).await.status, 400);
    assert_eq!(device.put("/apple/v1/checkin", body).await.status, 400);
    let large = vec![b' '; 32 * 1024 * 1024];
    assert_eq!(device.put_with(COMMAND, large.clone(), &[("Mdm-Signature", "AAAA")]).await.status, 413);
    assert_eq!(device.put_with("/apple/v1/checkin", large, &[("Mdm-Signature", "AAAA")]).await.status, 413);
    let mut binary = Vec::new();
    let idle = dictionary(&[("Status", "Idle".into()), ("UDID", "U1".into())]);
    Value::Dictionary(idle).to_writer_binary(&mut binary).unwrap();
    assert_eq!(told(&device.put(COMMAND, binary).await).unwrap().id, waiting);
}

#[tokio::test]
async fn slow_and_endless_bodies_are_given_up() {
    let options = ServerOptions { request_time: Duration::from_millis(300), ..ServerOptions::default() };
    let (hasty, world) = (World::with(options).await, World::new().await);
    for path in [COMMAND, "/apple/v1/checkin"] {
        let send = async |world: &World, body: Body| {
            let request = Request::builder().method("PUT").uri(path).header("Mdm-Signature", "AAAA");
            world.send(request.body(body).unwrap()).await.status
        };
        let slow = stream::pending::<Result<Vec<u8>, std::io::Error>>();
        assert_eq!(send(&hasty, Body::from_stream(slow)).await, 503);
        let endless = stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b' '; 64 * 1024]));
        assert_eq!(send(&world, Body::from_stream(endless)).await, 413);
    }
}

#[tokio::test]
async fn a_certificate_in_a_header_counts_from_a_trusted_proxy_only() {
    let trusted_proxies = TrustedProxies::new(["10.0.0.0/8"]).unwrap();
    let world = World::with(ServerOptions { trusted_proxies, ..ServerOptions::default() }).await;
    let stage = Stage::with(world).await;
    let device = Device::enrolled(&stage, "U1").await;
    let header = format!(":{}:", BASE64.encode(device.identity.certificate().der()));
    let send = async |from: Option<&str>, value: &str| {
        let request = Request::builder().method("PUT").uri(COMMAND).header("Client-Cert", value);
        let mut request = request.body(Body::from(device.report("Idle", None, &[]))).unwrap();
        if let Some(address) = from {
            let address: IpAddr = address.parse().unwrap();
            request.extensions_mut().insert(ClientAddress(address));
        }
        stage.world.send(request).await.status
    };
    assert_eq!(send(Some("10.1.2.3"), &header).await, 200);
    assert_eq!(send(Some("::ffff:10.1.2.3"), &header).await, 200, "the same address");
    assert_eq!(send(Some("192.0.2.1"), &header).await, 403);
    assert_eq!(send(None, &header).await, 403);
    assert_eq!(send(Some("10.1.2.3"), "nonsense").await, 400);
    let mut refused = 0;
    while send(Some("192.0.2.7"), &header).await == 403 {
        refused += 1;
        assert!(refused < 1_000, "whoever has no key is slowed down");
    }
    assert_eq!(send(Some("192.0.2.7"), &header).await, 429);
    assert_eq!(send(Some("10.1.2.3"), &header).await, 200, "others are not");
    TrustedProxies::new(["proxy.example.com"]).unwrap_err();
}
