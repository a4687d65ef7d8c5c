//! The session with an SMSC: opened, kept up, opened again, and closed.

use std::{sync::Arc, time::Duration};

use allclear_engine::source::Source;
use allclear_guard::AllowList;
use futures_util::{Stream, StreamExt};
use rusmpp::{
    Command, CommandStatus, Pdu,
    pdus::{BindTransceiver, DeliverSm, DeliverSmResp},
    values::InterfaceVersion,
};
use rusmppc::{Client, ConnectionBuilder, Event, error::Error as SmppError};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_rustls::TlsConnector;

use super::{
    super::{Receipts, Taken},
    BadSetting, CLOSE_PATIENCE, SmppSettings, octets,
    receipt::{Delivered, read},
    status, wait,
};
use crate::outcome::Outcome;

/// How long a connection may take, with TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How many receipts are written down at once.
const RECEIPTS_AT_ONCE: usize = 64;

/// Whether messages can be sent.
#[derive(Clone, Debug)]
pub(super) enum State {
    /// The session is being opened.
    Opening,
    /// It is open.
    Bound(Client),
    /// It could not be opened or was lost, and will be tried again.
    Down { why: String, again: Instant },
    /// It was closed for good.
    Stopped,
}

impl State {
    /// What becomes of a message without a session.
    pub(super) fn outcome(&self) -> Outcome {
        let retry_after = match self {
            State::Down { again, .. } => Some(again.saturating_duration_since(Instant::now())),
            State::Stopped | State::Opening | State::Bound(_) => None,
        };
        Outcome::Deferred { answer: self.why(), retry_after }
    }

    /// Why there is no session.
    pub(super) fn why(&self) -> String {
        match self {
            State::Down { why, .. } => why.clone(),
            State::Stopped => "the session with the SMSC was closed".to_owned(),
            State::Opening | State::Bound(_) => "the SMSC could not be reached in time".to_owned(),
        }
    }
}

/// How a session ended.
struct Ended {
    why: String,
    /// Whether it had been open.
    was_bound: bool,
}

pub(super) struct Session {
    bind: BindTransceiver,
    settings: SmppSettings,
    tls: Option<TlsConnector>,
    allow: AllowList,
    source: Arc<dyn Source>,
    receipts: Arc<dyn Receipts>,
    state: watch::Sender<State>,
    stop: watch::Receiver<bool>,
}

impl Session {
    /// A session to be run, what it comes to, and what ends it.
    pub(super) fn new(
        settings: &SmppSettings,
        password: &str,
        allow: AllowList,
        source: Arc<dyn Source>,
        receipts: Arc<dyn Receipts>,
    ) -> Result<(Self, watch::Receiver<State>, watch::Sender<bool>), BadSetting> {
        let (bind, tls) = prepare(settings, password)?;
        let (state, seen) = watch::channel(State::Opening);
        let (stopper, stop) = watch::channel(false);
        let settings = settings.clone();
        Ok((Self { bind, settings, tls, allow, source, receipts, state, stop }, seen, stopper))
    }

    /// Keeps a session up until it is to stop.
    pub(super) async fn run(self) {
        let (host, port) = (&self.settings.host, self.settings.port);
        let mut failures = 0;
        loop {
            let Some(ended) = self.once().await else { break };
            failures = if ended.was_bound { 0 } else { failures + 1 };
            let pause = wait(failures, self.source.as_ref());
            tracing::warn!(%host, port, why = ended.why, ?pause, "there is no session with the SMSC");
            self.state.send_replace(State::Down { why: ended.why, again: Instant::now() + pause });
            tokio::select! {
                () = sleep(pause) => {}
                () = self.stopped() => break,
            }
            self.state.send_replace(State::Opening);
        }
        self.state.send_replace(State::Stopped);
    }

    async fn stopped(&self) {
        // An error is whoever could stop it being gone.
        let _ = self.stop.clone().wait_for(|stop| *stop).await;
    }

    /// One session from its opening to its end; none if it was to stop.
    async fn once(&self) -> Option<Ended> {
        let ended = |why: String| Ended { why, was_bound: false };
        let opened = tokio::select! {
            opened = self.connect() => opened,
            () = self.stopped() => return None,
        };
        let (client, events) = match opened {
            Ok(Connected::Plain(stream)) => self.session(stream),
            Ok(Connected::Tls(stream)) => self.session(*stream),
            Err(why) => return Some(ended(why)),
        };
        let bound = tokio::select! {
            bound = client.bind_transceiver(self.bind.clone()) => bound,
            () = self.stopped() => return None,
        };
        match bound {
            Ok(_) => {}
            Err(SmppError::UnexpectedResponse { response }) if response.status() == CommandStatus::EsmeRok => {}
            Err(SmppError::UnexpectedResponse { response }) => {
                // The answer says what there is to say.
                let _ = client.close().await;
                return Some(ended(format!("the SMSC refused the sign-in: {}", status::words(response.status()))));
            }
            Err(error) => return Some(ended(format!("the SMSC did not answer the sign-in: {error}"))),
        }
        tracing::info!(host = self.settings.host, port = self.settings.port, "the session with the SMSC is open");
        self.state.send_replace(State::Bound(client.clone()));
        let why = self.serve(&client, events).await?;
        Some(Ended { why, was_bound: true })
    }

    /// Answers the SMSC until the session ends; none if it was to stop.
    async fn serve(&self, client: &Client, mut events: impl Stream<Item = Event> + Unpin) -> Option<String> {
        let mut receipts = JoinSet::new();
        loop {
            let event = tokio::select! {
                event = events.next() => event,
                () = self.stopped() => {
                    // Receipts that are not answered are delivered again.
                    let close = async {
                        let _ = client.unbind().await;
                        let _ = client.close_and_wait().await;
                    };
                    let _ = timeout(CLOSE_PATIENCE, close).await;
                    return None;
                }
            };
            let command = match event {
                Some(Event::Incoming(command)) => command,
                Some(Event::Error(error)) => return Some(format!("the connection to the SMSC was lost: {error}")),
                None => return Some("the connection to the SMSC was lost".to_owned()),
            };
            let sequence = command.sequence_number();
            // An answer that cannot be given ends the session, which the next event says.
            match command.pdu() {
                Some(Pdu::DeliverSm(delivered)) => {
                    while receipts.try_join_next().is_some() {}
                    if receipts.len() >= RECEIPTS_AT_ONCE {
                        receipts.join_next().await;
                    }
                    receipts.spawn(answer(client.clone(), sequence, delivered.clone(), Arc::clone(&self.receipts)));
                }
                Some(Pdu::Unbind) => {
                    let _ = client.unbind_resp(sequence).await;
                    let _ = client.close().await;
                    return Some("the SMSC ended the session".to_owned());
                }
                _ if is_answer(&command) => {
                    tracing::debug!(sequence, status = ?command.status(), "an answer came too late");
                }
                Some(Pdu::AlertNotification(_) | Pdu::Outbind(_)) => {}
                _ => {
                    let _ = client.status(CommandStatus::EsmeRinvcmdid).generic_nack(sequence).await;
                }
            }
        }
    }

    async fn connect(&self) -> Result<Connected, String> {
        let (host, port) = (self.settings.host.as_str(), self.settings.port);
        let addresses = self.allow.resolve(host, port).await.map_err(|error| error.to_string())?;
        let mut why = String::new();
        for address in addresses {
            let attempt = async {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                let Some(tls) = &self.tls else { return Ok(Connected::Plain(stream)) };
                let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
                Ok::<_, std::io::Error>(Connected::Tls(Box::new(tls.connect(name, stream).await?)))
            };
            match timeout(CONNECT_TIMEOUT, attempt).await {
                Ok(Ok(connected)) => return Ok(connected),
                Ok(Err(error)) => why = format!("the SMSC at {address} cannot be reached: {error}"),
                Err(_) => why = format!("the SMSC at {address} did not answer in time"),
            }
        }
        Err(why)
    }

    fn session(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + 'static,
    ) -> (Client, std::pin::Pin<Box<dyn Stream<Item = Event> + Send>>) {
        let (client, events) = ConnectionBuilder::new()
            .enquire_link_interval(self.settings.enquire_link())
            .enquire_link_response_timeout(self.settings.response_timeout())
            .response_timeout(self.settings.response_timeout())
            // It would refuse to speak anything but version 5.
            .disable_interface_version_check()
            .connected(stream);
        (client, events.boxed())
    }
}

enum Connected {
    Plain(TcpStream),
    Tls(Box<tokio_rustls::client::TlsStream<TcpStream>>),
}

/// What a session is opened with.
pub(super) fn prepare(
    settings: &SmppSettings,
    password: &str,
) -> Result<(BindTransceiver, Option<TlsConnector>), BadSetting> {
    let bind = BindTransceiver::builder()
        .system_id(octets("system_id", &settings.system_id)?)
        .password(octets("password", password)?)
        .system_type(octets("system_type", &settings.system_type)?)
        .interface_version(InterfaceVersion::Smpp3_4)
        .build();
    let tls = if settings.tls { Some(connector(settings.ca_certificate.as_deref())?) } else { None };
    Ok((bind, tls))
}

fn connector(ca_certificate: Option<&str>) -> Result<TlsConnector, BadSetting> {
    let bad = |problem: String| BadSetting { field: "ca_certificate", problem };
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(pem) = ca_certificate {
        let root = CertificateDer::from_pem_slice(pem.as_bytes()).map_err(|error| bad(error.to_string()))?;
        roots.add(root).map_err(|error| bad(error.to_string()))?;
    }
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| bad(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

fn is_answer(command: &Command) -> bool {
    u32::from(command.id()) & 0x8000_0000 != 0
}

/// Writes a receipt down and tells the SMSC so; it delivers again what could not be written down.
async fn answer(client: Client, sequence: u32, delivered: DeliverSm, receipts: Arc<dyn Receipts>) {
    let taken = match read(&delivered) {
        Delivered::Receipt(receipt) => {
            let message = receipt.message_id.clone();
            match receipts.take(receipt).await {
                Taken::Recorded => true,
                Taken::Unknown => {
                    tracing::warn!(message, "a receipt of a message that is not known");
                    true
                }
                Taken::Later => false,
            }
        }
        Delivered::Unreadable(text) => {
            tracing::warn!(text, "a receipt that cannot be read");
            true
        }
        Delivered::OnItsWay | Delivered::Message => true,
    };
    let status = if taken { CommandStatus::EsmeRok } else { CommandStatus::EsmeRxTAppn };
    // Unanswered, it is delivered again.
    let _ = client.status(status).deliver_sm_resp(sequence, DeliverSmResp::default()).await;
}
