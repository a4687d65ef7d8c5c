//! Text messages by an SMSC over SMPP 3.4.
//!
//! One session as a transceiver is kept up as long as the provider lives, because receipts come at any time. At most
//! a window of messages waits for the SMSC's answer. An answer that is lost with the connection leaves open whether the
//! message was taken: it is deferred and sent again, so that a message arrives at least once.

mod receipt;
mod session;
mod status;

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use allclear_domain::sms::SmsAlphabet;
use allclear_engine::source::Source;
use allclear_guard::AllowList;
use rusmpp::{
    CommandStatus,
    pdus::SubmitSm,
    types::{COctetString, OctetString},
    values::{
        DataCoding, EsmClass, IntermediateNotification, MCDeliveryReceipt, Npi, RegisteredDelivery,
        SmeOriginatedAcknowledgement, Ton,
    },
};
use rusmppc::{Client, error::Error as SmppError};
use serde::{Deserialize, Serialize};
use tokio::{
    sync::{Semaphore, watch},
    time::{Instant, sleep, timeout},
};

use self::session::{Session, State};
use super::{Receipts, Text};
use crate::outcome::Outcome;

/// How long a message waits for a session that is being opened, and for the end of a pause.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long what was begun may take to end when the session is closed.
const CLOSE_PATIENCE: Duration = Duration::from_secs(5);
/// The first pause after the SMSC asked for one, and between attempts to reach it; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How an SMSC is reached and spoken to; the password is kept elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmppSettings {
    /// The SMSC's host: a name or an address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection is encrypted, with a certificate for `host`.
    pub tls: bool,
    /// An authority trusted besides the public ones, PEM.
    pub ca_certificate: Option<String>,
    /// Who signs in: at most 15 ASCII characters.
    pub system_id: String,
    /// The kind of system, where the SMSC wants one: at most 12 ASCII characters, usually none.
    pub system_type: String,
    /// Whom messages come from; the SMSC decides if none.
    pub sender: Option<Sender>,
    /// How many messages may wait for the SMSC's answer at once, at least 1.
    pub window: u16,
    /// How often the connection is tried while nothing else is said, in seconds.
    pub enquire_link_seconds: u16,
    /// How long the SMSC may take to answer, in seconds.
    pub response_timeout_seconds: u16,
    /// Whether the SMSC names a message in hexadecimal when it accepts it, and in decimal in its receipt.
    pub hex_message_ids: bool,
}

impl SmppSettings {
    fn response_timeout(&self) -> Duration {
        Duration::from_secs(self.response_timeout_seconds.max(1).into())
    }

    fn enquire_link(&self) -> Duration {
        Duration::from_secs(self.enquire_link_seconds.max(1).into())
    }

    /// The first setting that no SMSC can be spoken to with.
    pub fn check(&self, password: &str) -> Result<(), BadSetting> {
        template(self.sender.as_ref())?;
        session::prepare(self, password).map(drop)
    }
}

/// The address messages come from: at most 20 ASCII characters.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sender {
    /// A number, a short code or a name.
    pub address: String,
    /// Type of number; from the address if none.
    pub ton: Option<u8>,
    /// Numbering plan; from the address if none.
    pub npi: Option<u8>,
}

impl Sender {
    /// Type and plan of the address: a number in international format, a short code of the network, or a name.
    fn numbering(&self) -> (Ton, Npi) {
        let digits = self.address.trim_start_matches('+');
        let (ton, npi) = if !digits.bytes().all(|octet| octet.is_ascii_digit()) {
            (Ton::Alphanumeric, Npi::Unknown)
        } else if self.address.starts_with('+') || digits.len() > 8 {
            (Ton::International, Npi::Isdn)
        } else {
            (Ton::NetworkSpecific, Npi::Unknown)
        };
        (self.ton.map_or(ton, Ton::from), self.npi.map_or(npi, Npi::from))
    }

    /// What goes over the wire: digits alone, or the name as it is.
    fn wire(&self) -> &str {
        self.address.strip_prefix('+').unwrap_or(&self.address)
    }
}

/// A setting that no SMSC can be spoken to with.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct BadSetting {
    /// Which: the name of the member of [`SmppSettings`], or `password`.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

fn octets<const MAX: usize>(field: &'static str, text: &str) -> Result<COctetString<1, MAX>, BadSetting> {
    let bad = BadSetting { field, problem: format!("at most {} ASCII characters", MAX - 1) };
    if text.contains('\0') {
        return Err(bad);
    }
    text.parse().map_err(|_| bad)
}

/// An SMSC as a provider. Its session is opened at once, kept up, and closed when this is stopped or dropped.
pub struct Smpp {
    template: SubmitSm,
    settings: SmppSettings,
    source: Arc<dyn Source>,
    window: Semaphore,
    pause: Mutex<Pause>,
    state: watch::Receiver<State>,
    stop: watch::Sender<bool>,
}

impl Smpp {
    /// Starts to open a session, at addresses that `allow` permits. Needs a Tokio runtime. What the SMSC reports later
    /// goes to `receipts`. A password has at most 8 ASCII characters.
    pub fn start(
        settings: SmppSettings,
        password: &str,
        allow: AllowList,
        source: Arc<dyn Source>,
        receipts: Arc<dyn Receipts>,
    ) -> Result<Self, BadSetting> {
        let template = template(settings.sender.as_ref())?;
        let (session, state, stop) = Session::new(&settings, password, allow, Arc::clone(&source), receipts)?;
        tokio::spawn(session.run());
        let window = Semaphore::new(usize::from(settings.window.max(1)));
        Ok(Self { template, settings, source, window, pause: Mutex::default(), state, stop })
    }

    /// Hands a message over and waits for the SMSC's answer. While the SMSC has asked for fewer messages, this one waits;
    /// if that may take long, it is deferred.
    pub async fn send(&self, text: Text<'_>) -> Outcome {
        self.ask(text).await.0
    }

    /// The same, and whether there was anybody to hand it to.
    pub(super) async fn ask(&self, text: Text<'_>) -> (Outcome, bool) {
        let submit = match self.submit(text) {
            Ok(submit) => submit,
            Err(outcome) => return (outcome, true),
        };
        let Ok(_place) = self.window.acquire().await else {
            return (State::Stopped.outcome(), false);
        };
        let patience = Instant::now() + PATIENCE;
        loop {
            let now = Instant::now();
            // Taken out of the condition, so that the lock is not held while waiting.
            let left = self.pause().left(now);
            match left {
                None => break,
                Some(left) if now + left <= patience => sleep(left).await,
                Some(left) => return (paused(left), true),
            }
        }
        match self.client().await {
            Ok(client) => (self.read(client.submit_sm(submit).await), true),
            Err(state) => (state.outcome(), false),
        }
    }

    /// Waits a moment for a session; why there is none.
    pub(super) async fn probe(&self) -> Result<(), String> {
        self.client().await.map(drop).map_err(|state| state.why())
    }

    /// Waits for the answers that are still to come, unbinds and closes the session. Later messages are deferred.
    pub async fn stop(&self) {
        let all = u32::from(self.settings.window.max(1));
        // A message whose answer does not come by then is sent again by whoever has it next.
        let _ = timeout(CLOSE_PATIENCE, self.window.acquire_many(all)).await;
        self.window.close();
        self.stop.send_replace(true);
        let mut state = self.state.clone();
        // An error is a session that ended as well.
        let _ = state.wait_for(|state| matches!(state, State::Stopped)).await;
    }

    fn pause(&self) -> std::sync::MutexGuard<'_, Pause> {
        self.pause.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(&self, text: Text<'_>) -> Result<SubmitSm, Outcome> {
        let (digits, alphabet, octets) = text.checked()?;
        let impossible = |cause: String| Outcome::Refused { answer: cause };
        let mut submit = self.template.clone();
        submit.destination_addr = digits.parse().map_err(|cause| impossible(format!("the number: {cause}")))?;
        submit.data_coding = match alphabet {
            SmsAlphabet::Gsm7 => DataCoding::McSpecific,
            SmsAlphabet::Ucs2 => DataCoding::Ucs2,
        };
        let octets = OctetString::from_vec(octets).map_err(|cause| impossible(format!("the text: {cause}")))?;
        Ok(submit.with_short_message(octets))
    }

    /// The open session, or how it stands.
    async fn client(&self) -> Result<Client, State> {
        let mut state = self.state.clone();
        let settled = timeout(PATIENCE, state.wait_for(|state| !matches!(state, State::Opening))).await;
        match settled {
            Ok(Ok(state)) => match &*state {
                State::Bound(client) => Ok(client.clone()),
                other => Err(other.clone()),
            },
            Ok(Err(_)) => Err(State::Stopped),
            Err(_) => Err(State::Opening),
        }
    }

    fn read(&self, answer: Result<rusmpp::pdus::SubmitSmResp, SmppError>) -> Outcome {
        let deferred = |answer: String| Outcome::Deferred { answer, retry_after: None };
        match answer {
            Ok(answer) => {
                self.pause().ended(Instant::now());
                let name = answer.message_id().as_str();
                Outcome::Accepted { message_id: self.message_id(name), answer: format!("accepted as {name}") }
            }
            Err(SmppError::UnexpectedResponse { response }) => match response.status() {
                CommandStatus::EsmeRok => {
                    self.pause().ended(Instant::now());
                    Outcome::Accepted { message_id: None, answer: "accepted without a name".to_owned() }
                }
                asked @ (CommandStatus::EsmeRthrottled | CommandStatus::EsmeRmsgqful) => {
                    let left = self.pause().asked(Instant::now(), self.source.as_ref());
                    Outcome::Deferred { answer: status::words(asked), retry_after: Some(left) }
                }
                other if status::is_final(other) => Outcome::Refused { answer: status::words(other) },
                other => deferred(status::words(other)),
            },
            Err(SmppError::ResponseTimeout { timeout, .. }) => {
                deferred(format!("the SMSC did not answer within {} s", timeout.as_secs()))
            }
            Err(error) => deferred(format!("the connection was lost before the SMSC answered: {error}")),
        }
    }

    /// What receipts will call a message that the SMSC calls `name` now.
    fn message_id(&self, name: &str) -> Option<String> {
        let decimal = || u128::from_str_radix(name, 16).ok().map(|number| number.to_string());
        let converted = if self.settings.hex_message_ids { decimal() } else { None };
        converted.or_else(|| (!name.is_empty()).then(|| name.to_owned()))
    }
}

impl fmt::Debug for Smpp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Smpp({:?})", self.settings)
    }
}

/// What all messages have in common.
fn template(sender: Option<&Sender>) -> Result<SubmitSm, BadSetting> {
    let (ton, npi) = sender.map_or((Ton::Unknown, Npi::Unknown), Sender::numbering);
    Ok(SubmitSm::builder()
        .source_addr_ton(ton)
        .source_addr_npi(npi)
        .source_addr(octets("sender", sender.map_or("", Sender::wire))?)
        .dest_addr_ton(Ton::International)
        .dest_addr_npi(Npi::Isdn)
        // The library's default claims to be a delivery acknowledgement.
        .esm_class(EsmClass::from(0))
        // The library's "all" would bring acknowledgements of people and intermediate news as well.
        .registered_delivery(RegisteredDelivery::new(
            MCDeliveryReceipt::McDeliveryReceiptRequestedWhereFinalDeliveryOutcomeIsSuccessOrFailure,
            SmeOriginatedAcknowledgement::NoReceiptSmeAcknowledgementRequested,
            IntermediateNotification::NoIntermediaryNotificationRequested,
            0,
        ))
        .build())
}

fn paused(left: Duration) -> Outcome {
    let answer = "the SMSC asked for fewer messages: nothing is sent for a moment".to_owned();
    Outcome::Deferred { answer, retry_after: Some(left) }
}

/// Until when nothing is sent because the SMSC asked for fewer messages.
#[derive(Debug, Default)]
struct Pause {
    until: Option<Instant>,
    /// How many pauses there were since a message was last taken.
    times: u32,
}

impl Pause {
    fn left(&self, now: Instant) -> Option<Duration> {
        self.until.map(|until| until.saturating_duration_since(now)).filter(|left| !left.is_zero())
    }

    /// The SMSC asked for a pause: how long it is from now. Answers to messages that were under way when it began do not
    /// make it longer.
    fn asked(&mut self, now: Instant, source: &dyn Source) -> Duration {
        self.left(now).unwrap_or_else(|| {
            let wait = wait(self.times, source);
            self.times += 1;
            self.until = Some(now + wait);
            wait
        })
    }

    /// A message was taken: unless it was under way when the pause began, that is over.
    fn ended(&mut self, now: Instant) {
        if self.left(now).is_none() {
            *self = Self::default();
        }
    }
}

/// A wait that doubles with every failure, somewhere between half and all of it so that many nodes do not come back at
/// the same moment.
fn wait(failures: u32, source: &dyn Source) -> Duration {
    let most = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE);
    let [chance, ..] = source.secret();
    most / 2 + most / 2 * u32::from(chance) / 255
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use allclear_engine::source::SystemSource;

    use super::*;

    #[test]
    fn a_sender_is_a_number_a_short_code_or_a_name() {
        for (address, ton, npi, wire) in [
            ("+4915112345678", 1, 1, "4915112345678"),
            ("4915112345678", 1, 1, "4915112345678"),
            ("72345", 3, 0, "72345"),
            ("Allclear", 5, 0, "Allclear"),
            ("Bank 24", 5, 0, "Bank 24"),
        ] {
            let sender = Sender { address: address.to_owned(), ton: None, npi: None };
            assert_eq!(sender.numbering(), (Ton::from(ton), Npi::from(npi)), "{address}");
            assert_eq!(sender.wire(), wire);
        }
        let set = Sender { address: "72345".to_owned(), ton: Some(6), npi: Some(9) };
        assert_eq!(set.numbering(), (Ton::Abbreviated, Npi::Private));
    }

    #[test]
    fn a_message_asks_for_the_final_receipt_and_nothing_else() {
        let sender = Sender { address: "Allclear".to_owned(), ton: None, npi: None };
        let submit = template(Some(&sender)).unwrap();
        assert_eq!((u8::from(submit.esm_class), u8::from(submit.registered_delivery)), (0, 1));
        let long = Sender { address: "x".repeat(21), ..sender };
        assert_eq!(template(Some(&long)).unwrap_err().field, "sender");
        let bad = octets::<9>("password", "pässword").unwrap_err();
        assert_eq!(bad.to_string(), "password: at most 8 ASCII characters");
        assert!(octets::<9>("password", "12345678").is_ok() && octets::<9>("password", "123456789").is_err());
        assert!(octets::<9>("password", "1234\0").is_err());
    }

    #[test]
    fn pauses_grow_and_end_when_a_message_is_taken() {
        let mut pause = Pause::default();
        let start = Instant::now();
        assert_eq!(pause.left(start), None);
        let first = pause.asked(start, &SystemSource);
        assert!((FIRST_PAUSE / 2..=FIRST_PAUSE).contains(&first), "{first:?}");
        assert_eq!(pause.asked(start, &SystemSource), first, "one of the same window");
        pause.ended(start);
        assert_eq!(pause.left(start), Some(first), "it was under way before");
        let mut now = start + first;
        for times in 1..12 {
            assert_eq!(pause.left(now), None);
            let next = pause.asked(now, &SystemSource);
            let most = (FIRST_PAUSE * 2_u32.pow(times)).min(LONGEST_PAUSE);
            assert!((most / 2..=most).contains(&next), "{next:?} of {most:?}");
            now += next;
        }
        pause.ended(now);
        assert!(pause.asked(now, &SystemSource) <= FIRST_PAUSE);
    }
}
