//! Email: notifications go to mail relays by SMTP.
//!
//! Relays are tried in order; one that fails is left alone for a while. A relay's 4xx means later, its 5xx never. Where
//! it is not known whether a relay took a mail, it is sent again under the same Message-ID. Must not know the outbox.

mod by_line;
mod dkim;
pub mod message;
mod relay;
pub mod settings;

use allclear_domain::{logo::Logo, settings::Branding};
use allclear_engine::channels::Secrets;
use allclear_guard::AllowList;
use lettre::message::dkim::DkimConfig;
use message::Mail;
use relay::{Failure, Relay};
use settings::{DKIM_KEY, EmailSettings};
use tokio::sync::Semaphore;

use crate::outcome::{Answer, Outcome};

/// What sends mails.
pub struct Mailer {
    relays: Vec<Relay>,
    dkim: Option<DkimConfig>,
    connections: Semaphore,
}

impl std::fmt::Debug for Mailer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mailer")
    }
}

impl Mailer {
    /// What sends mails as these settings say; the reason if they cannot be used.
    pub fn new(settings: EmailSettings, secrets: &Secrets, allow: &AllowList) -> Result<Self, String> {
        let key = |_: &settings::Dkim| secrets.get(DKIM_KEY).ok_or("the key to sign with is missing");
        let dkim = match &settings.dkim {
            None => None,
            Some(dkim) => Some(dkim::config(dkim, dkim::key(key(dkim)?)?)),
        };
        let relays = settings.relays.into_iter().map(|relay| {
            let password = secrets.get(&relay.secret()).cloned();
            Relay::new(relay, password, allow.clone())
        });
        let relays = relays.collect::<Result<Vec<_>, String>>()?;
        Ok(Self { relays, dkim, connections: Semaphore::new(settings.connections.into()) })
    }

    /// Hands a mail over to the first relay that takes it.
    pub async fn send(&self, mail: &Mail<'_>, branding: &Branding, logo: Option<&Logo>) -> Answer {
        let first = self.relays.first().map(|relay| relay.settings.label()).unwrap_or_default();
        let built = message::build(mail, branding, logo);
        let mut message = match built {
            Ok(message) => message,
            Err(answer) if branding.sender_address.is_none() => {
                return Answer::of(first, Outcome::Deferred { answer, retry_after: None });
            }
            Err(answer) => return Answer::of(first, Outcome::Refused { answer }),
        };
        if let Some(dkim) = &self.dkim {
            message.sign(dkim);
        }
        let (envelope, bytes) = (message.envelope(), message.formatted());
        let utf8 =
            envelope.from().into_iter().chain(envelope.to()).any(|it| !it.to_string().is_ascii()) || !bytes.is_ascii();
        // Never closed.
        let _place = self.connections.acquire().await;
        let (skipped, ready): (Vec<&Relay>, Vec<&Relay>) = self.relays.iter().partition(|relay| relay.is_skipped());
        let mut last = (first, Outcome::Deferred { answer: "no relay is set up".to_owned(), retry_after: None });
        let mut said: Vec<String> = Vec::new();
        let mut reached = false;
        for relay in ready.into_iter().chain(skipped) {
            let provider = relay.settings.label();
            match relay.send(envelope, &bytes, utf8).await {
                Ok(answer) => {
                    let message_id = Some(mail.message_id.to_owned());
                    return Answer::of(provider, Outcome::Accepted { message_id, answer });
                }
                Err(Failure::Refused(answer)) => return Answer::of(provider, Outcome::Refused { answer }),
                Err(Failure::Deferred(answer)) => {
                    return Answer::of(provider, Outcome::Deferred { answer, retry_after: None });
                }
                Err(Failure::Unable(answer)) => {
                    reached = true;
                    if said.is_empty() {
                        last = (provider, Outcome::Refused { answer });
                    }
                }
                Err(Failure::Unavailable(answer)) => {
                    said.push(answer);
                    last = (provider, Outcome::Deferred { answer: said.join("; "), retry_after: None });
                }
            }
        }
        Answer { provider: last.0, outcome: last.1, reached }
    }

    /// Asks the relays in order until one is there and lets us in; the reason of each if none does.
    pub async fn probe(&self) -> Result<(), String> {
        let mut said = Vec::new();
        for relay in &self.relays {
            match relay.probe().await {
                Ok(()) => return Ok(()),
                Err(why) => said.push(why),
            }
        }
        Err(said.join("; "))
    }
}
