//! What is set about mail relays, and whether it makes sense.

use allclear_engine::channels::Secrets;
use allclear_guard::AllowList;
use lettre::transport::smtp::client::Certificate;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::dkim;

/// The name of the secret that holds the key mails are signed with.
pub const DKIM_KEY: &str = "dkim";
/// The most relays of a tenant.
const MOST_RELAYS: usize = 5;
/// The longest certificate, in bytes.
const CERTIFICATE: usize = 20_000;

/// How the connection to a relay is protected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Security {
    /// It begins in the open and must turn to TLS before anything is said; port 587.
    Starttls,
    /// TLS from the start; port 465.
    Tls,
    /// Not at all: only to hosts the operator's allow list names.
    Plain,
}

/// A mail relay.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Relay {
    /// Its name or address; its certificate must be for it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Who we are to it; none: it takes our mails without.
    pub username: Option<String>,
    /// An authority trusted besides the public ones, PEM.
    pub ca_certificate: Option<String>,
}

impl Relay {
    /// What the log calls it.
    pub fn label(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The name of the secret that holds its password. One for another host, port or name is another secret, so that a
    /// password never goes where it was not meant to.
    pub fn secret(&self) -> String {
        format!("relay {}:{} {}", self.host, self.port, self.username.as_deref().unwrap_or_default())
    }
}

/// How mails are signed (DKIM).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dkim {
    /// The domain that signs.
    pub domain: String,
    /// Which of its keys: the public one is at `SELECTOR._domainkey.DOMAIN`.
    pub selector: String,
}

/// What is set about email, without secrets.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailSettings {
    /// The relays, in the order they are tried in.
    pub relays: Vec<Relay>,
    /// How mails are signed; none: not.
    pub dkim: Option<Dkim>,
    /// The most connections at once.
    pub connections: u16,
    /// The most mails a second; 0: no limit.
    pub per_second: u16,
}

impl EmailSettings {
    /// What is wrong with these settings: JSON pointer and reason. Where a host's name leads is not looked at.
    pub fn problems(&self, secrets: &Secrets, allow: &AllowList) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut fail = |pointer: String, detail: &str| problems.push((pointer, detail.to_owned()));
        if !(1..=MOST_RELAYS).contains(&self.relays.len()) {
            fail("/relays".into(), "must be 1 to 5 relays");
        }
        if !(1..=100).contains(&self.connections) {
            fail("/connections".into(), "must be 1 to 100");
        }
        for (place, relay) in self.relays.iter().enumerate() {
            let at = |member: &str| format!("/relays/{place}/{member}");
            if self.relays[..place].iter().any(|other| other.secret() == relay.secret()) {
                fail(format!("/relays/{place}"), "is given twice");
            }
            if let Err(why) = check_host(relay, allow) {
                fail(at("host"), &why);
            }
            if relay.port == 0 {
                fail(at("port"), "must be 1 to 65535");
            }
            if let Some(name) = &relay.username {
                if !is_line(name, 256) {
                    fail(at("username"), "must be one line of 1 to 256 characters");
                }
                match secrets.get(&relay.secret()) {
                    None => fail(at("password"), "is needed for this relay"),
                    Some(password) if !is_line(password, 1024) => {
                        fail(at("password"), "must be one line of 1 to 1024 characters");
                    }
                    Some(_) => {}
                }
            }
            if let Some(pem) = &relay.ca_certificate
                && (pem.len() > CERTIFICATE
                    || !pem.contains("BEGIN CERTIFICATE")
                    || Certificate::from_pem(pem.as_bytes()).is_err())
            {
                fail(at("ca_certificate"), "must be a certificate in PEM of at most 20000 bytes");
            }
        }
        if let Some(dkim) = &self.dkim {
            if !is_domain(&dkim.domain) {
                fail("/dkim/domain".into(), "must be a domain such as example.com");
            }
            if !is_domain(&dkim.selector) {
                fail("/dkim/selector".into(), "must be a name such as mail2026");
            }
            match secrets.get(DKIM_KEY) {
                None => fail("/dkim/private_key".into(), "is needed to sign"),
                Some(key) => {
                    if let Err(why) = dkim::key(key) {
                        fail("/dkim/private_key".into(), &why);
                    }
                }
            }
        }
        problems
    }

    /// The names of the secrets these settings use.
    pub fn secrets(&self) -> Vec<String> {
        let passwords = self.relays.iter().filter(|relay| relay.username.is_some()).map(Relay::secret);
        passwords.chain(self.dkim.iter().map(|_| DKIM_KEY.to_owned())).collect()
    }
}

fn check_host(relay: &Relay, allow: &AllowList) -> Result<(), String> {
    let name = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if !(1..=253).contains(&relay.host.len()) || !relay.host.chars().all(name) {
        return Err("must be a host's name or address".to_owned());
    }
    // The rule for addresses people configure is the one of URLs: protected, or named by the operator.
    let scheme = if relay.security == Security::Plain { "http" } else { "https" };
    let host = if relay.host.contains(':') && !relay.host.starts_with('[') {
        format!("[{}]", relay.host)
    } else {
        relay.host.clone()
    };
    let url = Url::parse(&format!("{scheme}://{host}:{}/", relay.port));
    let url = url.map_err(|error| format!("is no host: {error}"))?;
    allow.check(&url).map_err(|refused| match relay.security {
        Security::Plain => format!("may only be reached without TLS if it is on the operator's allow list ({refused})"),
        _ => refused.to_string(),
    })
}

fn is_line(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.chars().count()) && !text.chars().any(char::is_control)
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.len() <= 253 && text.split('.').all(label)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use super::*;

    fn relay(host: &str, security: Security) -> Relay {
        Relay { host: host.into(), port: 587, security, username: None, ca_certificate: None }
    }

    fn settings(relays: Vec<Relay>) -> EmailSettings {
        EmailSettings { relays, dkim: None, connections: 4, per_second: 0 }
    }

    fn pointers(settings: &EmailSettings, secrets: &Secrets, allow: &str) -> Vec<String> {
        let allow: AllowList = allow.parse().unwrap();
        settings.problems(secrets, &allow).into_iter().map(|(pointer, _)| pointer).collect()
    }

    #[test]
    fn plain_and_private_relays_need_the_operators_leave() {
        let none = Secrets::new();
        let of = |host: &str, security| settings(vec![relay(host, security)]);
        assert!(pointers(&of("mail.example.com", Security::Starttls), &none, "").is_empty());
        assert_eq!(pointers(&of("mail.example.com", Security::Plain), &none, ""), ["/relays/0/host"]);
        assert!(pointers(&of("mail.example.com", Security::Plain), &none, "mail.example.com").is_empty());
        for private in ["127.0.0.1", "10.0.0.1", "::1"] {
            assert_eq!(pointers(&of(private, Security::Tls), &none, ""), ["/relays/0/host"], "{private}");
            assert!(pointers(&of(private, Security::Plain), &none, private).is_empty(), "{private}");
        }
        for bad in ["", "a b", "mail@host", "host/path", "host\r\nRCPT"] {
            assert_eq!(pointers(&of(bad, Security::Tls), &none, ""), ["/relays/0/host"], "{bad}");
        }
    }

    #[test]
    fn a_password_belongs_to_one_relay_and_name() {
        let mut one = relay("mail.example.com", Security::Starttls);
        one.username = Some("allclear".into());
        let secrets = Secrets::from([(one.secret(), "secret".to_owned())]);
        assert!(pointers(&settings(vec![one.clone()]), &secrets, "").is_empty());
        one.host = "elsewhere.example.com".into();
        assert_eq!(pointers(&settings(vec![one]), &secrets, ""), ["/relays/0/password"]);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let mut bad = settings(vec![]);
        bad.connections = 0;
        bad.dkim = Some(Dkim { domain: "example.com; d=evil".into(), selector: String::new() });
        let wrong = pointers(&bad, &Secrets::from([(DKIM_KEY.to_owned(), "no key".to_owned())]), "");
        assert_eq!(wrong, ["/relays", "/connections", "/dkim/domain", "/dkim/selector", "/dkim/private_key"]);
        let mut certificate = relay("mail.example.com", Security::Tls);
        certificate.ca_certificate = Some("no certificate".into());
        assert_eq!(pointers(&settings(vec![certificate]), &Secrets::new(), ""), ["/relays/0/ca_certificate"]);
    }
}
