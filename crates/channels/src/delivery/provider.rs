//! Who messages are handed to, made from what a tenant has set up. A provider is a folder beside this one, and an arm
//! here.

use std::sync::Arc;

use allclear_domain::{notification::Transport, settings::Branding};
use allclear_engine::channels::Setting;
use allclear_guard::{AllowList, GuardError, GuardOptions, GuardedClient};
use allclear_store::notifications::Notification;

use crate::{
    email::{
        Mailer,
        message::{Logo, Mail},
        settings::EmailSettings,
    },
    outcome::{Answer, Outcome},
};

/// The ways out: everything a provider connects to goes through them.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// For HTTP.
    pub http: GuardedClient,
    /// For other protocols.
    pub allow: AllowList,
}

impl Outgoing {
    /// The ways to public addresses and what the operator allows besides.
    pub fn new(allow: AllowList) -> Result<Self, GuardError> {
        let http = GuardedClient::new(GuardOptions { allow: allow.clone(), ..GuardOptions::default() })?;
        Ok(Self { http, allow })
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
}

impl Provider {
    /// The provider as it is set up; the reason if it cannot be used.
    pub fn open(setting: &Setting, outgoing: &Outgoing) -> Result<Self, String> {
        match setting.transport {
            Transport::Email => {
                let settings: EmailSettings = read(setting)?;
                let limits = Limits { concurrency: settings.connections.into(), per_second: settings.per_second };
                Ok(Self::Email(Arc::new(Mailer::new(settings, &setting.secrets, &outgoing.allow)?), limits))
            }
            other => Err(format!("{} takes no messages", other.as_str())),
        }
    }

    /// How much it takes.
    pub fn limits(&self) -> Limits {
        match self {
            Self::Email(_, limits) => *limits,
        }
    }

    /// Hands a message over.
    pub async fn send(&self, notification: &Notification, sender: &Sender) -> Answer {
        let Some(to) = notification.address.as_deref() else {
            let outcome = Outcome::Refused { answer: "there is no address".to_owned() };
            return Answer { provider: String::new(), outcome };
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
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(setting: &Setting) -> Result<T, String> {
    serde_json::from_str(&setting.config).map_err(|error| format!("the settings cannot be read: {error}"))
}
