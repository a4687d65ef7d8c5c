//! What messages to people say: templates, the values they may name, and the composer that makes messages of both.
//!
//! Templates are written by administrators and filled with names that come from anywhere, so rendering is bounded in
//! time and size, reaches nothing but the values handed in, and escapes them in HTML. This module must not know how a
//! message is delivered or where templates are kept.

mod allowed;
mod check;
mod compose;
mod context;
mod defaults;
mod html;
pub mod language;
mod render;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use check::{problems, sample};
pub use compose::{Email, LONGEST_DEVICE_MESSAGE, LONGEST_SUBJECT};
pub use context::{DeviceShown, Issue, Occasion, VARIABLES, Variable};
pub use defaults::{LANGUAGES, shipped};
pub use render::TemplateError;

use crate::{classification::OwnTexts, notification::Channel};

/// What a message is about. Each has templates of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TemplateTrigger {
    /// The user's risk status changed, and issues are open.
    AccountStatus,
    /// The user's risk status changed, and all is well again.
    AllClear,
    /// An administrator notified a user.
    Notify,
    /// An administrator notified devices.
    Device,
}

impl TemplateTrigger {
    /// All of them.
    pub const ALL: [TemplateTrigger; 4] =
        [TemplateTrigger::AccountStatus, TemplateTrigger::AllClear, TemplateTrigger::Notify, TemplateTrigger::Device];

    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            TemplateTrigger::AccountStatus => "account_status",
            TemplateTrigger::AllClear => "all_clear",
            TemplateTrigger::Notify => "notify",
            TemplateTrigger::Device => "device",
        }
    }

    /// The channels such a message goes by.
    pub fn channels(self) -> &'static [Channel] {
        match self {
            TemplateTrigger::AccountStatus | TemplateTrigger::AllClear => {
                &[Channel::Email, Channel::Sms, Channel::DeviceMessage]
            }
            TemplateTrigger::Notify => &[Channel::Email, Channel::Sms],
            TemplateTrigger::Device => &[Channel::DeviceMessage],
        }
    }
}

/// Which template: of one trigger, channel and language.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TemplateKey {
    /// What the message is about.
    pub trigger: TemplateTrigger,
    /// How it goes.
    pub channel: Channel,
    /// The language, as [`language::normal`] writes it.
    pub language: String,
}

impl TemplateKey {
    /// Every key that there can be of a language.
    pub fn of_language(language: &str) -> impl Iterator<Item = TemplateKey> + use<> {
        let language = language.to_owned();
        TemplateTrigger::ALL.into_iter().flat_map(move |trigger| {
            let language = language.clone();
            let key = move |channel: &Channel| TemplateKey { trigger, channel: *channel, language: language.clone() };
            trigger.channels().iter().map(key)
        })
    }
}

/// The texts of a template.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TemplateText {
    /// The subject, of a mail only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// The text. An empty line parts paragraphs.
    pub body: String,
    /// The body of the page, of a mail only; without it the page is made of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub html: Option<String>,
}

/// A tenant's own templates, which stand before those that are shipped.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Templates {
    /// Those that were changed or added.
    pub own: BTreeMap<TemplateKey, TemplateText>,
    /// Whether there is a logo to show in mails.
    pub logo: bool,
    /// What kinds of threats are called, and what to do about them.
    pub texts: OwnTexts,
}

impl Templates {
    /// The text in force for exactly this key; none where there is neither an own nor a shipped one.
    pub fn get(&self, key: &TemplateKey) -> Option<&TemplateText> {
        self.own.get(key).or_else(|| shipped(key))
    }

    /// The languages with at least one template, sorted.
    pub fn languages(&self) -> Vec<String> {
        let own = self.own.keys().map(|key| key.language.clone());
        let mut all: Vec<String> = LANGUAGES.iter().map(|language| (*language).to_owned()).chain(own).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}
