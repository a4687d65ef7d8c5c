//! One mail relay: its connections, and what it says to a mail.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use allclear_guard::{AllowList, words};
use lettre::{
    address::Envelope,
    transport::smtp::{
        Error as SmtpError,
        authentication::{Credentials, Mechanism},
        client::{AsyncSmtpConnection, Certificate, TlsParameters},
        commands::{Data, Mail, Noop, Rcpt, Rset},
        extension::{ClientId, Extension, MailBodyParameter, MailParameter},
    },
};
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use super::{
    by_line::ByLine,
    settings::{Relay as Settings, Security},
};

/// How long a connection may take, TLS and authentication included.
const CONNECT: Duration = Duration::from_secs(15);
/// How long handing one mail over may take.
const SEND: Duration = Duration::from_secs(60);
/// How long a connection that nobody needs is kept.
const IDLE: Duration = Duration::from_secs(20);
/// The most mails over one connection: relays end long ones.
const MAILS: u32 = 200;
/// How long a relay that failed is left alone, doubled with each failure in a row, and at most.
const SKIP: Duration = Duration::from_secs(10);
const LONGEST_SKIP: Duration = Duration::from_secs(300);

/// A relay, ready to be used.
pub(super) struct Relay {
    pub(super) settings: Settings,
    credentials: Option<Credentials>,
    tls: Option<TlsParameters>,
    allow: AllowList,
    idle: Mutex<VecDeque<Connection>>,
    health: Mutex<Health>,
}

#[derive(Default)]
struct Health {
    failures: u32,
    skip_until: Option<Instant>,
}

struct Connection {
    smtp: AsyncSmtpConnection,
    mails: u32,
    since: Instant,
}

/// Why a relay has not taken a mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Failure {
    /// It could not be asked, or serves nobody: another may be.
    Unavailable(String),
    /// It lacks what this mail needs: another may have it.
    Unable(String),
    /// Not now; it is not known whether it has it, or it says so.
    Deferred(String),
    /// It refuses the mail for good.
    Refused(String),
}

impl Relay {
    pub(super) fn new(settings: Settings, password: Option<String>, allow: AllowList) -> Result<Self, String> {
        let tls = match settings.security {
            Security::Plain => None,
            Security::Starttls | Security::Tls => {
                let mut tls = TlsParameters::builder(settings.host.trim_matches(['[', ']']).to_owned());
                if let Some(pem) = &settings.ca_certificate {
                    let authority = Certificate::from_pem(pem.as_bytes());
                    tls = tls.add_root_certificate(authority.map_err(|error| error.to_string())?);
                }
                Some(tls.build_rustls().map_err(|error| error.to_string())?)
            }
        };
        let credentials = settings.username.clone().zip(password).map(|(name, word)| Credentials::new(name, word));
        Ok(Self { settings, credentials, tls, allow, idle: Mutex::default(), health: Mutex::default() })
    }

    /// Whether it failed lately and is to be left alone while there are others.
    pub(super) fn is_skipped(&self) -> bool {
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.skip_until.is_some_and(|until| until > now())
    }

    /// Hands a mail over. The answer is the relay's own.
    pub(super) async fn send(&self, envelope: &Envelope, mail: &[u8], utf8: bool) -> Result<String, Failure> {
        let sent = self.try_send(envelope, mail, utf8).await;
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        match &sent {
            Err(Failure::Unavailable(_)) => {
                let wait = SKIP.saturating_mul(1 << health.failures.min(10)).min(LONGEST_SKIP);
                health.failures = health.failures.saturating_add(1);
                health.skip_until = Some(now() + wait);
            }
            _ => *health = Health::default(),
        }
        sent
    }

    async fn try_send(&self, envelope: &Envelope, mail: &[u8], utf8: bool) -> Result<String, Failure> {
        loop {
            let kept = self.kept();
            let is_kept = kept.is_some();
            let mut connection = match kept {
                Some(connection) => connection,
                None => self.connect().await.map_err(Failure::Unavailable)?,
            };
            if utf8 && !connection.smtp.server_info().supports_feature(Extension::SmtpUtfEight) {
                self.keep(connection);
                let why = format!("{} does not offer SMTPUTF8, which the address needs", self.settings.label());
                return Err(Failure::Unable(why));
            }
            let attempt = timeout(SEND, transact(&mut connection.smtp, envelope, mail, utf8)).await;
            let attempt = attempt.unwrap_or(Err(Stopped { at: At::Unknown, why: Why::TimedOut }));
            match attempt {
                Ok(answer) => {
                    connection.mails += 1;
                    self.keep(connection);
                    return Ok(answer);
                }
                // The relay has ended a connection nobody used: nothing was said on it yet.
                Err(Stopped { at: At::Envelope, why: Why::Broken(_) | Why::Said(421, _) }) if is_kept => {}
                Err(stopped) => {
                    if let Why::Said(code, _) = stopped.why
                        && code != 421
                        && matches!(connection.smtp.command(Rset).await, Ok(reply) if reply.is_positive())
                    {
                        self.keep(connection);
                    }
                    return Err(stopped.into());
                }
            }
        }
    }

    fn kept(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(connection) = idle.pop_back() {
            if connection.since.elapsed() < IDLE && !connection.smtp.has_broken() {
                return Some(connection);
            }
        }
        None
    }

    fn keep(&self, connection: Connection) {
        if connection.mails < MAILS && !connection.smtp.has_broken() {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            // Those at the front are the oldest; dropping one closes it.
            while idle.front().is_some_and(|oldest| oldest.since.elapsed() >= IDLE) {
                idle.pop_front();
            }
            idle.push_back(Connection { since: now(), ..connection });
        }
    }

    async fn connect(&self) -> Result<Connection, String> {
        let label = self.settings.label();
        let connected = timeout(CONNECT, self.open()).await;
        let opened = connected.unwrap_or_else(|_| Err(format!("no answer within {} s", CONNECT.as_secs())));
        opened.map(|smtp| Connection { smtp, mails: 0, since: now() }).map_err(|why| format!("{label}: {why}"))
    }

    async fn open(&self) -> Result<AsyncSmtpConnection, String> {
        let addresses = self.allow.resolve(&self.settings.host, self.settings.port).await;
        let addresses = addresses.map_err(|error| error.to_string())?;
        let hello = ClientId::default();
        let mut last = String::new();
        for address in addresses {
            match self.open_at(address, &hello).await {
                Ok(smtp) => return Ok(smtp),
                Err(why) => last = why,
            }
        }
        Err(last)
    }

    async fn open_at(&self, address: SocketAddr, hello: &ClientId) -> Result<AsyncSmtpConnection, String> {
        let opened = match self.settings.security {
            Security::Plain => {
                AsyncSmtpConnection::connect_with_transport(Box::new(reach(address).await?), hello).await
            }
            Security::Starttls => {
                let stream = ByLine::new(reach(address).await?);
                AsyncSmtpConnection::connect_with_transport(Box::new(stream), hello).await
            }
            Security::Tls => {
                AsyncSmtpConnection::connect_tokio1(address, Some(CONNECT), hello, self.tls.clone(), None).await
            }
        };
        let mut smtp = opened.map_err(|error| said(&error))?;
        if let (Security::Starttls, Some(tls)) = (self.settings.security, self.tls.clone()) {
            if !smtp.can_starttls() {
                smtp.abort().await;
                return Err("the relay does not offer STARTTLS, without which nothing is sent to it".to_owned());
            }
            smtp.starttls(tls, hello).await.map_err(|error| said(&error))?;
        }
        if let Some(credentials) = &self.credentials {
            let auth = smtp.auth(&[Mechanism::Plain, Mechanism::Login], credentials).await;
            if let Err(error) = auth {
                let why = said(&error);
                smtp.abort().await;
                return Err(format!("authentication failed: {why}"));
            }
        }
        Ok(smtp)
    }

    /// Asks the relay whether it is there and lets us in.
    pub(super) async fn probe(&self) -> Result<(), String> {
        let mut connection = self.connect().await?;
        connection.smtp.command(Noop).await.map_err(|error| said(&error))?;
        self.keep(connection);
        *self.health.lock().unwrap_or_else(PoisonError::into_inner) = Health::default();
        Ok(())
    }
}

/// Monotonic time: how long something has been idle is no business of the engine's clock.
fn now() -> Instant {
    Instant::now()
}

/// How far a transaction had come when it stopped.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum At {
    /// Before the recipients were taken.
    Envelope,
    /// At a recipient or later: who is told and what is known to the relay.
    Unknown,
}

struct Stopped {
    at: At,
    why: Why,
}

enum Why {
    Said(u16, String),
    Broken(String),
    TimedOut,
}

impl Stopped {
    fn at(at: At) -> impl Fn(SmtpError) -> Self {
        move |error| {
            let text = said(&error);
            let why = match error.status() {
                Some(code) => Why::Said(u16::from(code), text),
                None => Why::Broken(text),
            };
            Stopped { at, why }
        }
    }
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        match (stopped.at, stopped.why) {
            // It serves nobody, or not us: that says nothing about the mail.
            (_, Why::Said(421 | 530 | 534 | 535 | 538, text)) => Failure::Unavailable(text),
            (_, Why::Said(400..=499, text)) => Failure::Deferred(text),
            (_, Why::Said(_, text)) => Failure::Refused(text),
            (At::Envelope, Why::Broken(text)) => Failure::Unavailable(text),
            (At::Envelope, Why::TimedOut) => Failure::Unavailable("no answer in time".to_owned()),
            (At::Unknown, Why::Broken(text)) => Failure::Deferred(format!("the connection broke: {text}")),
            (At::Unknown, Why::TimedOut) => Failure::Deferred(format!("no answer within {} s", SEND.as_secs())),
        }
    }
}

/// One mail over an open connection.
async fn transact(
    smtp: &mut AsyncSmtpConnection,
    envelope: &Envelope,
    mail: &[u8],
    utf8: bool,
) -> Result<String, Stopped> {
    let mut options = Vec::new();
    if utf8 {
        options.extend([MailParameter::SmtpUtfEight, MailParameter::Body(MailBodyParameter::EightBitMime)]);
    }
    let began = Stopped::at(At::Envelope);
    smtp.command(Mail::new(envelope.from().cloned(), options)).await.map_err(&began)?;
    for to in envelope.to() {
        smtp.command(Rcpt::new(to.clone(), Vec::new())).await.map_err(&began)?;
    }
    smtp.command(Data).await.map_err(began)?;
    let reply = smtp.message(mail).await.map_err(Stopped::at(At::Unknown))?;
    Ok(format!("{} {}", reply.code(), reply.message().collect::<Vec<_>>().join(" ")))
}

/// A connection on which nothing waits for what was sent before: a mail ends with a few octets of their own.
async fn reach(address: SocketAddr) -> Result<TcpStream, String> {
    let stream = TcpStream::connect(address).await.map_err(|error| words(&error))?;
    stream.set_nodelay(true).map_err(|error| words(&error))?;
    Ok(stream)
}

/// What a relay, or the way to it, says: the reply with its code where there was one.
fn said(error: &SmtpError) -> String {
    let reply = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    error.status().map_or_else(|| words(error), |code| format!("{code} {reply}"))
}
