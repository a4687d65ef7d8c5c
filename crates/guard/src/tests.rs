#![allow(clippy::unwrap_used, clippy::panic, reason = "a test stops at the first surprise")]

use axum::{Router, http::StatusCode, routing::get};
use proptest::prelude::*;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::*;

fn client(allow: &str) -> GuardedClient {
    GuardedClient::new(GuardOptions { allow: allow.parse().unwrap(), ..GuardOptions::default() }).unwrap()
}

fn asked(client: &GuardedClient, url: &str) -> Result<(), Refused> {
    client.request(Method::GET, url.parse().unwrap()).map(drop)
}

#[test]
fn every_range_that_is_not_public_is_refused() {
    for (address, why) in [
        ("0.0.0.0", "unspecified"),
        ("0.255.255.255", "unspecified"),
        ("10.0.0.1", "private"),
        ("10.255.255.255", "private"),
        ("100.64.0.1", "behind a carrier's address translation"),
        ("100.127.255.255", "behind a carrier's address translation"),
        ("127.0.0.1", "loopback"),
        ("127.255.255.254", "loopback"),
        ("169.254.169.254", "link-local"),
        ("172.16.0.1", "private"),
        ("172.31.255.255", "private"),
        ("192.0.0.170", "reserved for protocols"),
        ("192.0.2.1", "for documentation"),
        ("192.88.99.1", "a relay anycast address"),
        ("192.168.0.1", "private"),
        ("198.18.0.1", "for benchmarks"),
        ("198.19.255.255", "for benchmarks"),
        ("198.51.100.7", "for documentation"),
        ("203.0.113.9", "for documentation"),
        ("224.0.0.251", "multicast"),
        ("239.255.255.255", "multicast"),
        ("240.0.0.1", "reserved"),
        ("255.255.255.255", "reserved"),
        ("::", "unspecified"),
        ("::1", "loopback"),
        ("::ffff:8.8.8.8", "an IPv4 address in disguise"),
        ("::ffff:127.0.0.1", "an IPv4 address in disguise"),
        ("::127.0.0.1", "reserved"),
        ("64:ff9b::10.0.0.1", "private"),
        ("64:ff9b:1::1", "reserved"),
        ("100::1", "reserved"),
        ("2001::1", "reserved for protocols"),
        ("2001:1ff::1", "reserved for protocols"),
        ("2001:db8::1", "for documentation"),
        ("2002:7f00:1::", "an IPv4 address in disguise"),
        ("3fff::1", "for documentation"),
        ("4000::1", "reserved"),
        ("fc00::1", "private"),
        ("fdff::1", "private"),
        ("fe80::1", "link-local"),
        ("fec0::1", "reserved"),
        ("ff02::1", "multicast"),
    ] {
        let parsed: IpAddr = address.parse().unwrap();
        assert_eq!(not_public(parsed), Some(why), "{address}");
        let (host, url) = match parsed {
            IpAddr::V4(_) => (address.to_owned(), format!("https://{address}/")),
            IpAddr::V6(address) => {
                let url: Url = format!("https://[{address}]/").parse().unwrap();
                (url.host_str().unwrap().to_owned(), url.to_string())
            }
        };
        assert_eq!(asked(&client(""), &url), Err(Refused::Address { host, address: parsed, why }));
        assert_eq!(asked(&client(address), &url), Ok(()), "{address} on the allow list");
    }
}

#[test]
fn public_addresses_pass() {
    for address in [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.1",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.1",
        "192.167.255.255",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
    ] {
        assert_eq!(asked(&client(""), &format!("https://{address}/")), Ok(()), "{address}");
    }
    for address in ["2606:4700::1111", "2001:200::1", "2001:db9::1", "3ffe::1", "64:ff9b::8.8.8.8"] {
        assert_eq!(asked(&client(""), &format!("https://[{address}]/")), Ok(()), "{address}");
    }
}

#[test]
fn other_spellings_of_an_address_are_the_address() {
    for url in ["https://2130706433/", "https://0x7f.1/", "https://0177.0.0.1/", "https://127.1/", "https://①②⑦.0.0.1/"]
    {
        let Err(Refused::Address { address, .. }) = asked(&client(""), url) else { panic!("{url} passed") };
        assert_eq!(address, IpAddr::V4(Ipv4Addr::LOCALHOST), "{url}");
    }
}

#[test]
fn plain_http_only_to_what_is_listed() {
    let not_https = |host: &str| Err(Refused::NotHttps { host: host.to_owned() });
    assert_eq!(asked(&client(""), "http://feed.example/"), not_https("feed.example"));
    assert_eq!(asked(&client("10.0.0.0/8"), "http://feed.example/"), not_https("feed.example"));
    assert_eq!(asked(&client("10.0.0.0/8"), "http://192.168.0.1/"), not_https("192.168.0.1"));
    assert_eq!(asked(&client("10.0.0.0/8"), "http://10.9.8.7/"), Ok(()));
    assert_eq!(asked(&client("feed.example"), "http://FEED.example.:8080/"), Ok(()));
    assert_eq!(asked(&client("feed.example"), "http://a.feed.example/"), not_https("a.feed.example"));
    assert_eq!(asked(&client("feed.example"), "ftp://feed.example/"), not_https("feed.example"));
    assert_eq!(asked(&client(""), "data:text/plain,x"), Err(Refused::NoHost));
}

#[test]
fn allow_lists_are_read_or_refused() {
    let list: AllowList = "10.0.0.0/8, fd00::/8\n127.0.0.1 feed.internal, sms_gateway".parse().unwrap();
    assert_eq!(list.networks.len(), 3);
    assert_eq!(list.hosts, ["feed.internal", "sms_gateway"]);
    assert_eq!("".parse::<AllowList>(), Ok(AllowList::default()));
    for bad in ["10.0.0.0/33", "10.0.0", "http://feed.internal", "feed..internal", "*.internal", "[::1]", "-/-"] {
        assert_eq!(bad.parse::<AllowList>(), Err(BadEntry(bad.to_owned())));
    }
}

/// Answers every name with the same addresses.
struct Always(Vec<IpAddr>);

impl Resolve for Always {
    fn resolve(&self, _: Name) -> Resolving {
        let addresses: Vec<_> = self.0.iter().map(|address| SocketAddr::new(*address, 0)).collect();
        Box::pin(async move { Ok(Box::new(addresses.into_iter()) as Addrs) })
    }
}

async fn resolved(allow: &str, answers: &[&str]) -> Result<Vec<String>, String> {
    let resolver = GuardedResolver {
        resolver: Arc::new(Always(answers.iter().map(|answer| answer.parse().unwrap()).collect())),
        allow: Arc::new(allow.parse().unwrap()),
    };
    match resolver.resolve("feed.example".parse().unwrap()).await {
        Ok(addresses) => Ok(addresses.map(|address| address.ip().to_string()).collect()),
        Err(error) => Err(error.downcast::<Refused>().unwrap().to_string()),
    }
}

#[tokio::test]
async fn names_lead_to_permitted_addresses_only() {
    assert_eq!(resolved("", &["10.0.0.1", "1.1.1.1", "::1"]).await, Ok(vec!["1.1.1.1".to_owned()]));
    assert_eq!(resolved("", &[]).await, Ok(vec![]), "a name without addresses is not a refusal");
    assert_eq!(resolved("10.1.0.0/16", &["10.1.0.1", "10.2.0.1"]).await, Ok(vec!["10.1.0.1".to_owned()]), "by network");
    assert_eq!(resolved("feed.example", &["10.2.0.1"]).await, Ok(vec!["10.2.0.1".to_owned()]), "by name");
    assert_eq!(
        resolved("other.example", &["127.0.0.1"]).await,
        Err("feed.example leads to 127.0.0.1, which is loopback, and is not on the allow list".to_owned())
    );
}

/// A server on a free port of this machine.
async fn server() -> String {
    let app = Router::new()
        .route("/ok", get(|| async { "0123456789" }))
        .route("/away", get(|| async { (StatusCode::FOUND, [("location", "/ok")]) }));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    format!("http://localhost:{}", address.port())
}

#[tokio::test]
async fn a_name_that_leads_here_is_refused_when_the_request_is_sent() {
    let url: Url = server().await.replace("http:", "https:").parse().unwrap();
    let error = client("").request(Method::GET, url.clone()).unwrap().send().await.unwrap_err();
    assert!(matches!(Refused::behind(&error), Some(Refused::Address { why: "loopback", .. })), "{error:?}");
    // With the addresses permitted the connection is made, and fails only because nobody speaks TLS there.
    let error = client("127.0.0.0/8 ::1").request(Method::GET, url).unwrap().send().await.unwrap_err();
    assert_eq!(Refused::behind(&error), None, "{error:?}");
}

#[tokio::test]
async fn a_resolver_of_ones_own_is_guarded_as_well() {
    let resolver = Arc::new(Always(vec!["192.168.7.7".parse().unwrap()]));
    let client = GuardedClient::with_resolver(GuardOptions::default(), resolver).unwrap();
    let error =
        client.request(Method::GET, "https://feed.example/".parse().unwrap()).unwrap().send().await.unwrap_err();
    assert!(matches!(Refused::behind(&error), Some(Refused::Address { why: "private", .. })), "{error:?}");
}

#[tokio::test]
async fn redirects_are_not_followed_and_answers_are_bounded() {
    let (url, client) = (server().await, client("localhost"));
    let get = async |path: &str| {
        client.request(Method::GET, format!("{url}{path}").parse().unwrap()).unwrap().send().await.unwrap()
    };
    assert_eq!(get("/away").await.status(), 302);
    assert_eq!(read_body(get("/ok").await, 10).await.unwrap(), b"0123456789");
    assert!(matches!(read_body(get("/ok").await, 9).await, Err(BodyError::TooLarge { max: 9 })));
}

/// Serves one answer over TLS with a certificate of an authority of our own; returns the port and the authority.
async fn tls_server() -> (u16, CertificateDer<'static>) {
    let issued = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = issued.cert.der().clone();
    let key = rustls::pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut request = [0; 4096];
            if stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                // Chunked, so that the length is not known beforehand.
                let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nover\r\n4\r\n TLS\r\n0\r\n\r\n";
                stream.write_all(answer.as_bytes()).await.ok();
                stream.shutdown().await.ok();
            }
        }
    });
    (port, certificate)
}

#[tokio::test]
async fn certificates_are_checked() {
    let (port, authority) = tls_server().await;
    let url: Url = format!("https://localhost:{port}/").parse().unwrap();
    let options = GuardOptions { allow: "localhost".parse().unwrap(), ..GuardOptions::default() };
    let trusting = GuardOptions { extra_roots: vec![authority], ..options.clone() };

    let get = async |options: &GuardOptions| {
        GuardedClient::new(options.clone()).unwrap().request(Method::GET, url.clone()).unwrap().send().await
    };
    assert!(get(&options).await.unwrap_err().is_connect(), "an authority nobody knows");
    assert_eq!(read_body(get(&trusting).await.unwrap(), 8).await.unwrap(), b"over TLS");
    assert!(matches!(read_body(get(&trusting).await.unwrap(), 7).await, Err(BodyError::TooLarge { max: 7 })));
}

proptest! {
    #[test]
    fn an_address_is_refused_unless_listed(bits in any::<u128>(), is_v6 in any::<bool>()) {
        let address = if is_v6 { IpAddr::V6(bits.into()) } else { IpAddr::V4((bits as u32).into()) };
        let list = AllowList::new([address.to_string()]).unwrap();
        prop_assert_eq!(list.refuses(address), None);
        prop_assert_eq!(AllowList::default().refuses(address), not_public(address));
    }
}

#[test]
fn an_identity_is_a_certificate_and_its_own_key() {
    let make = || rcgen::generate_simple_self_signed(vec!["client".to_owned()]).unwrap();
    let (one, other) = (make(), make());
    let client = |chain: Vec<Vec<u8>>, key: Vec<u8>| {
        let identity = Some(ClientIdentity::new(chain, key));
        GuardedClient::new(GuardOptions { identity, http2_only: true, ..GuardOptions::default() })
    };
    let chain = vec![one.cert.der().to_vec()];
    assert!(client(chain.clone(), one.signing_key.serialize_der()).is_ok());
    assert!(matches!(client(chain.clone(), other.signing_key.serialize_der()), Err(GuardError::Tls(_))));
    assert!(matches!(client(chain, b"no key".to_vec()), Err(GuardError::Tls(_))));
    assert!(!format!("{:?}", ClientIdentity::new(Vec::new(), b"secret".to_vec())).contains("secret"));
}
