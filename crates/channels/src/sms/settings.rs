//! What is set about text messages, and whether it makes sense.

use allclear_engine::channels::Secrets;
use allclear_guard::AllowList;
use reqwest::Url;
use serde::{Deserialize, Serialize};

use super::{
    gateway::{GatewaySettings, Sender},
    smpp::SmppSettings,
};

/// The longest certificate, in bytes.
const CERTIFICATE: usize = 20_000;

/// What is set about text messages, without secrets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsSettings {
    /// Who takes them.
    pub provider: SmsProvider,
    /// The most messages a second; 0: no limit.
    pub per_second: u16,
}

/// Who takes text messages.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsProvider {
    /// An SMSC over SMPP.
    Smpp(SmppSettings),
    /// An HTTP gateway.
    Gateway(GatewaySettings),
}

impl SmsProvider {
    /// What the log calls it, and messages on record name it by.
    pub fn label(&self) -> String {
        match self {
            Self::Smpp(smpp) => format!("{}:{}", smpp.host, smpp.port),
            Self::Gateway(gateway) => {
                let url = gateway.base_url.parse::<Url>().ok();
                url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| gateway.base_url.clone())
            }
        }
    }

    /// The name of its secret. One for another place or account is another secret, so that a secret never goes where it
    /// was not meant to.
    pub fn secret(&self) -> String {
        match self {
            Self::Smpp(smpp) => format!("smpp {}:{} {}", smpp.host, smpp.port, smpp.system_id),
            Self::Gateway(gateway) => format!("gateway {} {}", gateway.base_url, gateway.account_sid),
        }
    }

    /// How many messages it takes at once.
    pub fn at_once(&self) -> usize {
        match self {
            Self::Smpp(smpp) => smpp.window.into(),
            Self::Gateway(gateway) => gateway.requests.into(),
        }
    }
}

impl SmsSettings {
    /// What is wrong with these settings: JSON pointer and reason. Where a host's name leads is not looked at.
    /// `has_public_url`: whether the server knows where it can be reached from outside.
    pub fn problems(&self, secrets: &Secrets, allow: &AllowList, has_public_url: bool) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let secret = secrets.get(&self.provider.secret()).map(String::as_str);
        match &self.provider {
            SmsProvider::Smpp(smpp) => of_smpp(smpp, secret, allow, |member, detail| {
                problems.push((format!("/smpp/{member}"), detail.to_owned()));
            }),
            SmsProvider::Gateway(gateway) => of_gateway(gateway, secret, allow, has_public_url, |member, detail| {
                problems.push((format!("/gateway/{member}"), detail.to_owned()));
            }),
        }
        problems
    }
}

fn of_smpp(smpp: &SmppSettings, password: Option<&str>, allow: &AllowList, mut fail: impl FnMut(&str, &str)) {
    if let Err(why) = check_host(smpp, allow) {
        fail("host", &why);
    }
    if smpp.port == 0 {
        fail("port", "must be 1 to 65535");
    }
    if smpp.system_id.is_empty() {
        fail("system_id", "must be 1 to 15 ASCII characters");
    }
    if password.is_none() {
        fail("password", "is needed to sign in");
    }
    if smpp.sender.as_ref().is_some_and(|sender| sender.address.is_empty()) {
        fail("sender/address", "must be 1 to 20 ASCII characters");
    }
    if smpp.ca_certificate.as_ref().is_some_and(|pem| pem.len() > CERTIFICATE) {
        fail("ca_certificate", "must be a certificate in PEM of at most 20000 bytes");
    } else if let Err(bad) = smpp.check(password.unwrap_or_default()) {
        let member = if bad.field == "sender" { "sender/address" } else { bad.field };
        fail(member, &format!("must be {}", bad.problem));
    }
    if !(1..=1000).contains(&smpp.window) {
        fail("window", "must be 1 to 1000");
    }
    for (member, seconds) in [
        ("enquire_link_seconds", smpp.enquire_link_seconds),
        ("response_timeout_seconds", smpp.response_timeout_seconds),
    ] {
        if !(1..=600).contains(&seconds) {
            fail(member, "must be 1 to 600");
        }
    }
}

fn check_host(smpp: &SmppSettings, allow: &AllowList) -> Result<(), String> {
    let name = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if !(1..=253).contains(&smpp.host.len()) || !smpp.host.chars().all(name) {
        return Err("must be a host's name or address".to_owned());
    }
    // The rule for addresses people configure is the one of URLs: protected, or named by the operator.
    let scheme = if smpp.tls { "https" } else { "http" };
    let bare = smpp.host.trim_matches(['[', ']']);
    let host = if bare.contains(':') { format!("[{bare}]") } else { bare.to_owned() };
    let url: Url =
        format!("{scheme}://{host}:{}/", smpp.port).parse().map_err(|error| format!("is no host: {error}"))?;
    allow.check(&url).map_err(|refused| {
        if smpp.tls {
            refused.to_string()
        } else {
            format!("may only be reached without TLS if it is on the operator's allow list ({refused})")
        }
    })
}

fn of_gateway(
    gateway: &GatewaySettings,
    secret: Option<&str>,
    allow: &AllowList,
    has_public_url: bool,
    mut fail: impl FnMut(&str, &str),
) {
    match gateway.base_url.parse::<Url>() {
        Ok(url) if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() => {
            fail("base_url", "must be an address without a query or a name in it");
        }
        Ok(url) => {
            if let Err(refused) = allow.check(&url) {
                fail("base_url", &refused.to_string());
            }
        }
        Err(_) => fail("base_url", "must be an address such as https://api.twilio.com"),
    }
    if !is_word(&gateway.account_sid, 64) {
        fail("account_sid", "must be 1 to 64 ASCII letters and digits");
    }
    match secret {
        None => fail("auth_token", "is needed to sign in"),
        Some(secret) if secret.len() > 256 || secret.chars().any(char::is_control) => {
            fail("auth_token", "must be one line of at most 256 bytes");
        }
        Some(_) => {}
    }
    match &gateway.sender {
        Sender::From(from) if !(1..=64).contains(&from.chars().count()) || from.chars().any(char::is_control) => {
            fail("from", "must be 1 to 64 characters");
        }
        Sender::MessagingService(sid) if !is_word(sid, 64) => {
            fail("messaging_service_sid", "must be 1 to 64 ASCII letters and digits");
        }
        Sender::From(_) | Sender::MessagingService(_) => {}
    }
    if gateway.status_callbacks && !has_public_url {
        fail("status_callbacks", "needs the server's `public_url`, which its operator sets");
    }
    if !(1..=100).contains(&gateway.requests) {
        fail("requests", "must be 1 to 100");
    }
}

fn is_word(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|octet| octet.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use super::*;

    fn smpp() -> SmppSettings {
        SmppSettings {
            host: "smsc.example.com".to_owned(),
            port: 3550,
            tls: true,
            ca_certificate: None,
            system_id: "allclear".to_owned(),
            system_type: String::new(),
            sender: None,
            window: 10,
            enquire_link_seconds: 30,
            response_timeout_seconds: 30,
            hex_message_ids: false,
        }
    }

    fn gateway() -> GatewaySettings {
        GatewaySettings {
            base_url: "https://api.twilio.com".to_owned(),
            account_sid: "AC0123".to_owned(),
            sender: Sender::From("+14255550123".to_owned()),
            status_callbacks: true,
            requests: 4,
        }
    }

    /// The members that are wrong, with a secret in place.
    fn wrong(provider: SmsProvider, allow: &str) -> Vec<String> {
        let secrets = Secrets::from([(provider.secret(), "secret08".to_owned())]);
        let settings = SmsSettings { provider, per_second: 0 };
        let allow: AllowList = allow.parse().unwrap();
        settings.problems(&secrets, &allow, true).into_iter().map(|(pointer, _)| pointer).collect()
    }

    #[test]
    fn plain_and_private_hosts_need_the_operators_leave() {
        let none: [&str; 0] = [];
        let of = |host: &str, tls| SmsProvider::Smpp(SmppSettings { host: host.to_owned(), tls, ..smpp() });
        assert_eq!(wrong(of("smsc.example.com", true), ""), none);
        assert_eq!(wrong(of("smsc.example.com", false), ""), ["/smpp/host"]);
        assert_eq!(wrong(of("smsc.example.com", false), "smsc.example.com"), none);
        for private in ["127.0.0.1", "10.0.0.1", "::1", "[::1]"] {
            assert_eq!(wrong(of(private, true), ""), ["/smpp/host"], "{private}");
            assert_eq!(wrong(of(private, false), private.trim_matches(['[', ']'])), none, "{private}");
        }
        for bad in ["", "a b", "user@host", "host/path", "host\r\n"] {
            assert_eq!(wrong(of(bad, true), ""), ["/smpp/host"], "{bad}");
        }
        let at = |base_url: &str| SmsProvider::Gateway(GatewaySettings { base_url: base_url.to_owned(), ..gateway() });
        assert_eq!(wrong(at("https://api.twilio.com"), ""), none);
        assert_eq!(wrong(at("http://127.0.0.1:4010/base"), "127.0.0.1"), none);
        for bad in [
            "http://api.twilio.com",
            "https://127.0.0.1",
            "api.twilio.com",
            "https://a:b@c.example",
            "https://c.example/?x",
        ] {
            assert_eq!(wrong(at(bad), ""), ["/gateway/base_url"], "{bad}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let sender = super::super::smpp::Sender { address: "Größe".to_owned(), ton: None, npi: None };
        let bad = SmppSettings { port: 0, window: 0, enquire_link_seconds: 0, sender: Some(sender), ..smpp() };
        let expected = ["/smpp/port", "/smpp/sender/address", "/smpp/window", "/smpp/enquire_link_seconds"];
        assert_eq!(wrong(SmsProvider::Smpp(bad), ""), expected);
        let bad = SmppSettings { system_id: "x".repeat(16), ..smpp() };
        assert_eq!(wrong(SmsProvider::Smpp(bad), ""), ["/smpp/system_id"]);
        let bad = SmppSettings { ca_certificate: Some("none".to_owned()), ..smpp() };
        assert_eq!(wrong(SmsProvider::Smpp(bad), ""), ["/smpp/ca_certificate"]);
        let sender = Sender::MessagingService("a/b".to_owned());
        let bad = GatewaySettings { account_sid: "../x".to_owned(), sender, requests: 0, ..gateway() };
        let expected = ["/gateway/account_sid", "/gateway/messaging_service_sid", "/gateway/requests"];
        assert_eq!(wrong(SmsProvider::Gateway(bad), ""), expected);
    }

    #[test]
    fn a_secret_belongs_to_one_place_and_account() {
        let settings = |provider| SmsSettings { provider, per_second: 0 };
        let pointers = |settings: &SmsSettings, secrets: &Secrets, has_public_url| -> Vec<String> {
            let problems = settings.problems(secrets, &AllowList::default(), has_public_url);
            problems.into_iter().map(|(pointer, _)| pointer).collect()
        };
        let secrets = Secrets::from([
            (SmsProvider::Smpp(smpp()).secret(), "secret08".to_owned()),
            (SmsProvider::Gateway(gateway()).secret(), "token".to_owned()),
        ]);
        let moved = SmppSettings { host: "elsewhere.example.com".to_owned(), ..smpp() };
        assert_eq!(pointers(&settings(SmsProvider::Smpp(moved)), &secrets, true), ["/smpp/password"]);
        let moved = GatewaySettings { base_url: "https://elsewhere.example".to_owned(), ..gateway() };
        assert_eq!(pointers(&settings(SmsProvider::Gateway(moved)), &secrets, true), ["/gateway/auth_token"]);
        let hidden = settings(SmsProvider::Gateway(gateway()));
        assert_eq!(pointers(&hidden, &secrets, false), ["/gateway/status_callbacks"]);
    }
}
