//! Who messages are handed to, made from what a tenant has set up. A provider is a folder beside this one, and an arm
//! here.

use std::sync::Arc;

use allclear_domain::{ids::Tenant, logo::Logo, notification::Transport, settings::Branding};
use allclear_engine::{Engine, channels::Setting};
use allclear_guard::{AllowList, GuardError, GuardOptions, GuardedClient};
use allclear_store::notifications::Notification;

use crate::{
    email::{Mailer, message::Mail, settings::EmailSettings},
    outcome::{Answer, Outcome},
    sms::{Text, messenger::Messenger, settings::SmsSettings},
};

/// The ways out: everything a provider connects to goes through them.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// For HTTP.
    pub http: GuardedClient,
    /// For other protocols.
    pub allow: AllowList,
    /// Where providers reach the server, without a slash at the end; none: they do not.
    pub public_url: Option<String>,
}

impl Outgoing {
    /// The ways to public addresses and what the operator allows besides.
    pub fn new(allow: AllowList, public_url: Option<String>) -> Result<Self, GuardError> {
        let http = GuardedClient::new(GuardOptions { allow: allow.clone(), ..GuardOptions::default() })?;
        Ok(Self { http, allow, public_url })
    }
}

/// In whose name messages are sent.
#[derive(Clone, Debug, Default)]
pub struct Sender {
    /// How messages present themselves.
    pub branding: Branding,
    /// The picture a mail shows.
    pub logo: Option<Logo>,
}

/// How much a provider takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Messages under way at once, at least 1.
    pub concurrency: usize,
    /// Messages begun a second; 0: no limit.
    pub per_second: u16,
}

/// Who takes the messages of a tenant's channel.
#[derive(Clone, Debug)]
pub enum Provider {
    /// Mail relays.
    Email(Arc<Mailer>, Limits),
    /// A provider of text messages.
    Sms(Arc<Messenger>, Limits),
}

impl Provider {
    /// The provider as a tenant has set it up; the reason if it cannot be used. What it reports later is recorded by
    /// `engine`.
    pub fn open(setting: &Setting, outgoing: &Outgoing, engine: &Engine, tenant: Tenant) -> Result<Self, String> {
        match setting.transport {
            Transport::Email => {
                let settings: EmailSettings = read(setting)?;
                let limits = Limits { concurrency: settings.connections.into(), per_second: settings.per_second };
                Ok(Self::Email(Arc::new(Mailer::new(settings, &setting.secrets, &outgoing.allow)?), limits))
            }
            Transport::Sms => {
                let settings: SmsSettings = read(setting)?;
                let limits = Limits { concurrency: settings.provider.at_once(), per_second: settings.per_second };
                let messenger = Messenger::open(settings, &setting.secrets, outgoing, engine, tenant)?;
                Ok(Self::Sms(Arc::new(messenger), limits))
            }
            other => Err(format!("{} takes no messages", other.as_str())),
        }
    }

    /// How much it takes.
    pub fn limits(&self) -> Limits {
        match self {
            Self::Email(_, limits) | Self::Sms(_, limits) => *limits,
        }
    }

    /// Hands a message over.
    pub async fn send(&self, notification: &Notification, sender: &Sender) -> Answer {
        let Some(to) = notification.address.as_deref() else {
            return Answer::of("", Outcome::Refused { answer: "there is no address".to_owned() });
        };
        match self {
            Self::Email(mailer, _) => {
                let own = format!("<{}@allclear.invalid>", notification.id);
                let mail = Mail {
                    message_id: notification.delivery.message_id.as_deref().unwrap_or(&own),
                    date: notification.created_at,
                    to_name: &notification.recipient_name,
                    to,
                    subject: notification.subject.as_deref().unwrap_or_default(),
                    text: &notification.body,
                    html: notification.html.as_deref(),
                };
                mailer.send(&mail, &sender.branding, sender.logo.as_ref()).await
            }
            Self::Sms(messenger, _) => messenger.send(Text { to, body: &notification.body }).await,
        }
    }

    /// Asks whether it is there; the reason if it is not.
    pub async fn probe(&self) -> Result<(), String> {
        match self {
            Self::Email(mailer, _) => mailer.probe().await,
            Self::Sms(messenger, _) => messenger.probe().await,
        }
    }

    /// Ends what is kept open, after the last message.
    pub async fn close(&self) {
        match self {
            Self::Email(..) => {}
            Self::Sms(messenger, _) => messenger.close().await,
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(setting: &Setting) -> Result<T, String> {
    serde_json::from_str(&setting.config).map_err(|error| format!("the settings cannot be read: {error}"))
}
