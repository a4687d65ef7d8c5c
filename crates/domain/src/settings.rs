//! What a tenant can set about how it is served.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    contact, level::RiskLevel, notification::Channel, posture_rules::PostureRules, template::language, time::Span,
};

/// A tenant's settings. Everything has a default.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// The Threat Management service: without it nobody is notified.
    pub threat_management: bool,
    /// End User Notification Settings > Account Status: tell users when their risk status changes.
    pub account_status: bool,
    /// How long a change of risk status waits for another before the user is told, in seconds, 0 to 86400. Changes
    /// that cancel each other out are not told.
    pub account_status_hold_down_seconds: u32,
    /// By which channels users are told of their risk status: those they have an address, or a device, for.
    pub account_status_channels: Vec<Channel>,
    /// A mail to administrators about the last day.
    pub digest: DigestSettings,
    /// Days of silence after which a sensor counts as disconnected, 1 to 90.
    pub disconnected_after_days: u16,
    /// What makes a device not compliant.
    pub compliance: ComplianceSettings,
    /// What incidents score.
    pub scores: ScoreSettings,
    /// Sources whose own severity decides instead of Protections.
    pub trusted_sources: Vec<String>,
    /// What devices are asked to be like; what is wrong with one becomes a threat on it.
    pub posture_rules: PostureRules,
    /// How messages to people present themselves.
    pub branding: Branding,
    /// Administrators need a second factor to sign in; whoever has none sets one up before anything else.
    pub require_second_factor: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            threat_management: true,
            account_status: true,
            account_status_hold_down_seconds: 60,
            account_status_channels: vec![Channel::Email, Channel::Sms, Channel::DeviceMessage],
            digest: DigestSettings::default(),
            disconnected_after_days: 30,
            compliance: ComplianceSettings::default(),
            scores: ScoreSettings::default(),
            trusted_sources: Vec::new(),
            posture_rules: PostureRules::default(),
            branding: Branding::default(),
            require_second_factor: false,
        }
    }
}

impl Settings {
    /// How long a sensor may be silent.
    pub fn silence(&self) -> Span {
        Span::days(i64::from(self.disconnected_after_days))
    }

    /// Whether users are told when their risk status changes.
    pub fn tells_account_status(&self) -> bool {
        self.threat_management && self.account_status
    }

    /// How long a change of risk status waits for another before the user is told.
    pub fn hold_down(&self) -> Span {
        Span::seconds(self.account_status_hold_down_seconds.into())
    }

    /// What is wrong with these settings: JSON pointer and reason.
    pub fn problems(&self) -> Vec<(String, String)> {
        let mut problems = Vec::new();
        let mut check = |ok: bool, pointer: &str, detail: &str| {
            if !ok {
                problems.push((pointer.to_owned(), detail.to_owned()));
            }
        };
        check((1..=90).contains(&self.disconnected_after_days), "/disconnected_after_days", "must be 1 to 90");
        check(
            self.account_status_hold_down_seconds <= 86_400,
            "/account_status_hold_down_seconds",
            "must be at most 86400, which is a day",
        );
        let channels = &self.account_status_channels;
        let twice = channels.iter().enumerate().any(|(place, channel)| channels[..place].contains(channel));
        check(!twice, "/account_status_channels", "must have each channel once");
        check(self.digest.hour <= 23, "/digest/hour", "must be 0 to 23");
        check(
            self.compliance.not_compliant_from >= RiskLevel::Low,
            "/compliance/not_compliant_from",
            "must be low, medium or high: none and advisory never restrict a device",
        );
        let scores = &self.scores;
        check(scores.low <= 10_000, "/scores/low", "must be at most 10000");
        check(scores.medium <= 10_000, "/scores/medium", "must be at most 10000");
        check(scores.high <= 10_000, "/scores/high", "must be at most 10000");
        check(
            (0.01..=0.99).contains(&scores.daily_decay),
            "/scores/daily_decay",
            "must be between 0.01 and 0.99: what is left of a score after a day",
        );
        check(self.trusted_sources.len() <= 64, "/trusted_sources", "must be at most 64");
        let branding = &self.branding;
        let line =
            |text: &str| text.chars().count() <= 60 && !text.chars().any(char::is_control) && text.trim() == text;
        let no_line = "must be one line of at most 60 characters, without spaces around";
        check(line(&branding.organisation_name), "/branding/organisation_name", no_line);
        check(line(&branding.sender_name), "/branding/sender_name", no_line);
        check(
            branding.sender_address.as_deref().is_none_or(contact::is_email),
            "/branding/sender_address",
            "must be a mail address such as security@example.com",
        );
        let hex = |text: &str| {
            text.strip_prefix('#').is_some_and(|hex| hex.len() == 6 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()))
        };
        check(
            branding.accent_colour.as_deref().is_none_or(hex),
            "/branding/accent_colour",
            "must be a colour such as #1c5fd4",
        );
        check(language::is_tag(&branding.language), "/branding/language", "must be a language tag such as de or pt-BR");
        let help = &branding.help;
        check(
            help.chars().count() <= 200 && !help.chars().any(char::is_control) && help.trim() == help,
            "/branding/help",
            "must be one line of at most 200 characters, without spaces around",
        );
        let address = |text: &str| {
            let rest = text.strip_prefix("https://").unwrap_or_default();
            let plain = |c: char| c.is_ascii_graphic() && !"\"'<>\\^`{|}".contains(c);
            !rest.is_empty() && !rest.starts_with('/') && text.len() <= 200 && rest.chars().all(plain)
        };
        check(
            branding.link.as_deref().is_none_or(address),
            "/branding/link",
            "must be an address such as https://example.com/help, at most 200 characters",
        );
        let rules = self.posture_rules.problems().into_iter();
        problems.extend(rules.map(|(pointer, detail)| (format!("/posture_rules{pointer}"), detail.to_owned())));
        problems
    }
}

/// The mail to administrators about the last day: users who came to high risk, and messages that failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DigestSettings {
    /// How often it is sent, if there is something to tell.
    pub frequency: DigestFrequency,
    /// The hour of the day it is sent at, UTC, 0 to 23.
    pub hour: u8,
}

impl Default for DigestSettings {
    fn default() -> Self {
        Self { frequency: DigestFrequency::Off, hour: 7 }
    }
}

/// How often administrators get the digest.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DigestFrequency {
    /// Never.
    #[default]
    Off,
    /// Once a day.
    Daily,
}

/// How messages to people present themselves.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Branding {
    /// What the organisation is called; empty: "Your organisation" in the reader's language. At most 60 characters.
    pub organisation_name: String,
    /// The name mails come from. At most 60 characters.
    pub sender_name: String,
    /// The address mails come from.
    pub sender_address: Option<String>,
    /// The colour of the line above a mail, `#rrggbb`.
    pub accent_colour: Option<String>,
    /// The language of messages to people whose own is not known or has no templates, a BCP 47 tag.
    pub language: String,
    /// How to reach the help desk, in a sentence; empty: "ask your help desk". At most 200 characters.
    pub help: String,
    /// Where messages lead to: a page about what to do, `https://…`. At most 200 characters.
    pub link: Option<String>,
}

impl Default for Branding {
    fn default() -> Self {
        Self {
            organisation_name: String::new(),
            sender_name: "Mobile security".to_owned(),
            sender_address: None,
            accent_colour: None,
            language: language::ENGLISH.to_owned(),
            help: String::new(),
            link: None,
        }
    }
}

impl Branding {
    /// What the organisation is called in a message to administrators.
    pub fn organisation(&self) -> &str {
        if self.organisation_name.is_empty() { "Your organisation" } else { &self.organisation_name }
    }
}

/// What makes a device not compliant.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ComplianceSettings {
    /// The lowest risk level that makes a device not compliant: low, medium or high.
    pub not_compliant_from: RiskLevel,
    /// What an unknown compliance means for enforcement.
    pub unknown_means: UnknownMeans,
}

impl Default for ComplianceSettings {
    fn default() -> Self {
        Self { not_compliant_from: RiskLevel::Medium, unknown_means: UnknownMeans::Unchanged }
    }
}

/// What an unknown compliance means for smart groups and profiles that ask for compliance.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnknownMeans {
    /// What is in force stays in force; nothing new begins.
    #[default]
    Unchanged,
    /// Treated as not compliant.
    NotCompliant,
}

/// What incidents score, in points.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ScoreSettings {
    /// An incident of low severity.
    pub low: u32,
    /// An incident of medium severity.
    pub medium: u32,
    /// An incident of high severity.
    pub high: u32,
    /// What is left of a behaviour-based incident's score a day after it ended.
    pub daily_decay: f64,
}

impl Default for ScoreSettings {
    fn default() -> Self {
        Self { low: 25, medium: 75, high: 150, daily_decay: 0.64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branding_is_checked_by_member() {
        assert_eq!(Settings::default().problems(), []);
        let branding = Branding {
            organisation_name: "Acme\nBcc: eve".into(),
            sender_name: "x".repeat(61),
            sender_address: Some("not an address".into()),
            accent_colour: Some("red".into()),
            language: "de_DE".into(),
            help: "Call\nus".into(),
            link: Some("http://example.com".into()),
        };
        let problems = Settings { branding, ..Settings::default() }.problems();
        let pointers: Vec<&str> = problems.iter().map(|(pointer, _)| pointer.as_str()).collect();
        let members =
            ["organisation_name", "sender_name", "sender_address", "accent_colour", "language", "help", "link"];
        assert_eq!(pointers, members.map(|member| format!("/branding/{member}")));
        let branding = Branding {
            organisation_name: "Acme & Söhne".into(),
            sender_name: String::new(),
            sender_address: Some("security@example.com".into()),
            accent_colour: Some("#1C5fd4".into()),
            language: "pt-BR".into(),
            help: "Call +1 425 555 0100".into(),
            link: Some("https://example.com/help?phone=1".into()),
        };
        assert_eq!(Settings { branding, ..Settings::default() }.problems(), []);
    }
}
