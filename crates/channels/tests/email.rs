//! Mails handed to a relay of other people's making: TLS, authentication, refusals, broken connections, failover, and
//! signatures that an independent verifier takes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::time::Duration;

use allclear_channels::{
    email::{
        Mailer,
        message::Mail,
        settings::{DKIM_KEY, Dkim, EmailSettings, Relay, Security},
    },
    outcome::{Answer, Outcome},
};
use allclear_domain::{logo::Logo, settings::Branding, time::Time};
use allclear_engine::channels::Secrets;
use allclear_guard::AllowList;
use common::peer::Peer;
use serde_json::{Value, json};

const PASSWORD: &str = "correct horse";

/// A relay and what its clients have to know.
struct Server {
    peer: Peer,
    security: Security,
    certificate: String,
    sign_in: bool,
}

impl Server {
    fn start(security: Security, more: &Value) -> Server {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let certificate = made.cert.pem();
        let mut options = json!({
            "security": security, "cert": certificate, "key": made.signing_key.serialize_pem(),
            "user": "allclear", "password": PASSWORD,
        });
        options.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let sign_in = options["user"].is_string();
        let peer = Peer::start("smtp.mjs", &[&options.to_string()]);
        Server { peer, security, certificate, sign_in }
    }

    fn relay(&self) -> Relay {
        Relay {
            host: "localhost".into(),
            port: self.peer.port,
            security: self.security,
            username: self.sign_in.then(|| "allclear".to_owned()),
            ca_certificate: Some(self.certificate.clone()),
        }
    }

    fn mailer(&self) -> Mailer {
        mailer(vec![self.relay()])
    }

    fn mails(&self, count: usize) -> Vec<Value> {
        self.peer.wait_for_many("mails", count, |line| line["event"] == "mail")
    }
}

fn mailer(relays: Vec<Relay>) -> Mailer {
    signing(relays, None, PASSWORD)
}

fn signing(relays: Vec<Relay>, dkim: Option<(Dkim, &str)>, password: &str) -> Mailer {
    let mut secrets: Secrets = relays.iter().map(|relay| (relay.secret(), password.to_owned())).collect();
    let (dkim, key) = dkim.unzip();
    secrets.extend(key.map(|key| (DKIM_KEY.to_owned(), key.to_owned())));
    let allow: AllowList = "localhost".parse().unwrap();
    let settings = EmailSettings { relays, dkim, connections: 3, per_second: 0 };
    assert_eq!(settings.problems(&secrets, &allow), []);
    Mailer::new(settings, &secrets, &allow).unwrap()
}

fn branding() -> Branding {
    Branding {
        sender_name: "Zoë & Söhne".into(),
        sender_address: Some("security@example.com".into()),
        ..Branding::default()
    }
}

async fn send(mailer: &Mailer, to: &str) -> Answer {
    let id = format!("<{to}.1@example.com>");
    let mail = Mail {
        message_id: if to.is_ascii() { &id } else { "<1@example.com>" },
        date: Time::from_micros(1_700_000_000_000_000),
        to_name: "Ada Ünïcode",
        to,
        subject: "Handlungsbedarf: Ihr Gerät 📱",
        text: "Grüße.\n.\nA line with a dot above.\n",
        html: Some("<p>Grüße</p><img src=\"cid:logo\">"),
    };
    let logo = Logo { content_type: "image/png", bytes: vec![137, 80, 78, 71] };
    mailer.send(&mail, &branding(), Some(&logo)).await
}

#[track_caller]
fn accepted(answer: Answer) -> String {
    match answer.outcome {
        Outcome::Accepted { answer, .. } => answer,
        other => panic!("{}: {other:?}", answer.provider),
    }
}

#[track_caller]
fn deferred(answer: Answer) -> String {
    match answer.outcome {
        Outcome::Deferred { answer, .. } => answer,
        other => panic!("{}: {other:?}", answer.provider),
    }
}

#[track_caller]
fn refused(answer: Answer) -> String {
    match answer.outcome {
        Outcome::Refused { answer } => answer,
        other => panic!("{}: {other:?}", answer.provider),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mails_go_out_under_tls_with_a_name_and_password() {
    for security in [Security::Starttls, Security::Tls] {
        let server = Server::start(security, &json!({}));
        let mailer = server.mailer();
        assert!(accepted(send(&mailer, "ada@example.net").await).starts_with("250 "));
        let mail = &server.mails(1)[0];
        assert_eq!((&mail["secure"], &mail["user"]), (&json!(true), &json!("allclear")));
        assert_eq!((&mail["from"], &mail["to"][0]), (&json!("security@example.com"), &json!("ada@example.net")));
        let headers: Vec<&str> = mail["headers"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
        assert!(headers.contains(&"Auto-Submitted: auto-generated"), "{headers:?}");
        assert!(headers.contains(&"Message-ID: <ada@example.net.1@example.com>"), "{headers:?}");
        assert!(headers.iter().all(|line| line.is_ascii()), "{headers:?}");
        let body = mail["body"].as_str().unwrap();
        assert!(body.contains("Content-ID: <logo>") && body.contains("A line with a dot above."), "{body}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_relay_says_decides_and_is_kept_word_for_word() {
    let server = Server::start(Security::Starttls, &json!({}));
    let mailer = server.mailer();
    assert_eq!(deferred(send(&mailer, "busy@example.net").await), "451 greylisted, try again later");
    assert_eq!(refused(send(&mailer, "gone@example.net").await), "550 no such user here");
    assert_eq!(refused(send(&mailer, "full@example.net").await), "552 mailbox full");
    accepted(send(&mailer, "ada@example.net").await);
    accepted(send(&mailer, "slow@example.net").await);
    let connections = server.peer.events("connect").len();
    assert_eq!(connections, 1, "a refusal does not cost the connection");

    let broken = deferred(send(&mailer, "drop@example.net").await);
    assert!(broken.starts_with("the connection broke"), "{broken}");
    accepted(send(&mailer, "drop@example.net").await);
    let dropped = server.peer.events("dropped").remove(0);
    let mail = server.mails(3).remove(2);
    assert_eq!(mail["message_id"], dropped["message_id"], "the same mail again");
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_are_kept_and_bounded() {
    let server = Server::start(Security::Starttls, &json!({ "quiet": true }));
    let mailer = server.mailer();
    let sends = (0..60).map(|n| {
        let mailer = &mailer;
        async move { accepted(send(mailer, &format!("user{n}@example.net")).await) }
    });
    futures_util::future::join_all(sends).await;
    assert_eq!(server.mails(60).len(), 60);
    let connections = server.peer.events("connect").len();
    assert!((1..=3).contains(&connections), "{connections}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_cannot_be_trusted_gets_nothing() {
    let server = Server::start(Security::Starttls, &json!({}));
    let unknown = Relay { ca_certificate: None, ..server.relay() };
    let why = deferred(send(&mailer(vec![unknown]), "ada@example.net").await);
    assert!(why.contains("certificate") || why.contains("UnknownIssuer"), "{why}");
    let wrong = signing(vec![server.relay()], None, "wrong");
    let why = deferred(send(&wrong, "ada@example.net").await);
    assert!(why.contains("authentication failed: 535 wrong name or password"), "{why}");

    let plain = Server::start(Security::Plain, &json!({}));
    let open = Relay { security: Security::Starttls, ..plain.relay() };
    let why = deferred(send(&mailer(vec![open]), "ada@example.net").await);
    assert!(why.contains("does not offer STARTTLS"), "{why}");
    assert!(plain.peer.events("mail").is_empty() && plain.peer.events("recipient").is_empty());
    accepted(send(&plain.mailer(), "ada@example.net").await);

    let settings = EmailSettings { relays: vec![plain.relay()], dkim: None, connections: 1, per_second: 0 };
    let secrets = Secrets::from([(plain.relay().secret(), PASSWORD.to_owned())]);
    let outside = Mailer::new(settings, &secrets, &AllowList::default()).unwrap();
    let why = deferred(send(&outside, "ada@example.net").await);
    assert!(why.contains("loopback"), "{why}");
}

/// A relay, behind whose "go ahead" somebody on the way puts answers of their own.
fn injected(what: &str) -> (Peer, Relay) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = made.cert.pem();
    let options = json!({ "cert": certificate, "key": made.signing_key.serialize_pem(), "inject": what });
    let peer = Peer::start("starttls.mjs", &[&options.to_string()]);
    let (host, port) = ("localhost".to_owned(), peer.port);
    let relay = Relay { host, port, security: Security::Starttls, username: None, ca_certificate: Some(certificate) };
    (peer, relay)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_behind_the_go_ahead_is_no_answer_of_the_relay() {
    // Under TLS this relay refuses every recipient.
    let (honest, relay) = injected("");
    assert_eq!(refused(send(&mailer(vec![relay]), "ada@example.net").await), "550 not here");
    assert!(honest.events("secured").len() == 1 && !honest.events("command").is_empty());

    let yes = "250 hello\r\n250 sender\r\n250 recipient\r\n354 go on\r\n250 taken\r\n";
    for what in [yes, "250 hello\r\n", "220 go ahead\r\n", "x", "\n"] {
        let (peer, relay) = injected(what);
        let why = deferred(send(&mailer(vec![relay]), "ada@example.net").await);
        assert!(why.starts_with(&format!("localhost:{}: ", peer.port)), "{what:?}: {why}");
        let under_tls = peer.events("command").into_iter().filter(|line| line["secure"] == true).count();
        assert_eq!(under_tls, 0, "{what:?}: nothing is said on such a connection");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_relay_takes_over_and_the_first_comes_back() {
    let mut first = Server::start(Security::Starttls, &json!({}));
    let second = Server::start(Security::Tls, &json!({}));
    let nobody = Relay { port: 1, ..first.relay() };
    let mailer = mailer(vec![nobody, first.relay(), second.relay()]);
    let answer = send(&mailer, "ada@example.net").await;
    assert_eq!(answer.provider, format!("localhost:{}", first.peer.port));
    accepted(answer);
    first.peer.say(&json!({ "refuse_all": 421 }));
    // The connection that was kept is still served.
    accepted(send(&mailer, "ada@example.net").await);
    let fresh = Mailer::new(
        EmailSettings { relays: vec![first.relay(), second.relay()], dkim: None, connections: 1, per_second: 0 },
        &[first.relay(), second.relay()].iter().map(|it| (it.secret(), PASSWORD.to_owned())).collect(),
        &"localhost".parse().unwrap(),
    )
    .unwrap();
    for _ in 0..2 {
        let answer = send(&fresh, "ada@example.net").await;
        assert_eq!(answer.provider, format!("localhost:{}", second.peer.port));
        accepted(answer);
    }
    assert_eq!(first.peer.events("connect").len(), 2, "the one that failed is left alone for a while");
    first.peer.say(&json!({}));
    tokio::time::sleep(Duration::from_secs(11)).await;
    let answer = send(&fresh, "ada@example.net").await;
    assert_eq!(answer.provider, format!("localhost:{}", first.peer.port));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_outside_of_ascii_needs_a_relay_that_takes_it() {
    let old = Server::start(Security::Starttls, &json!({}));
    let why = refused(send(&old.mailer(), "zoë@example.net").await);
    assert!(why.contains("does not offer SMTPUTF8"), "{why}");
    accepted(send(&old.mailer(), "ada@bücher.example").await);
    assert_eq!(old.mails(1)[0]["to"][0], "ada@bücher.example", "as the relay reads the name in ASCII");

    let new = Server::start(Security::Starttls, &json!({ "utf8": true }));
    accepted(send(&mailer(vec![old.relay(), new.relay()]), "zoë@example.net").await);
    assert_eq!(new.mails(1)[0]["to"][0], "zoë@example.net");
    assert_eq!(old.peer.events("mail").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn signatures_are_good_to_an_independent_verifier() {
    let server = Server::start(Security::Starttls, &json!({ "sign": "example.com" }));
    let keys = server.peer.lines()[0]["keys"].clone();
    for (place, selector) in ["rsa", "rsa1", "ed"].into_iter().enumerate() {
        let dkim = Dkim { domain: "example.com".into(), selector: selector.into() };
        let mailer = signing(vec![server.relay()], Some((dkim, keys[selector].as_str().unwrap())), PASSWORD);
        accepted(send(&mailer, "ada@example.net").await);
        let mail = server.mails(place + 1).remove(place);
        assert_eq!(mail["dkim"], json!([{ "result": "pass", "domain": "example.com" }]), "{selector}: {mail:#}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_sender_nothing_is_sent_and_nothing_lost() {
    let server = Server::start(Security::Starttls, &json!({}));
    let mail = Mail {
        message_id: "<1@example.com>",
        date: Time::EPOCH,
        to_name: "",
        to: "ada@example.net",
        subject: "",
        text: "",
        html: None,
    };
    let why = deferred(server.mailer().send(&mail, &Branding::default(), None).await);
    assert!(why.contains("sender's address"), "{why}");
    let bad = Mail { to: "no address", ..mail };
    refused(server.mailer().send(&bad, &branding(), None).await);
    server.mailer().probe().await.unwrap();
}
