//! The composer: an occasion becomes a mail, an SMS or a message on a device, in the reader's language.

use minijinja::Value;

use super::{
    Occasion, TemplateError, TemplateKey, TemplateText, Templates,
    context::{Room, Voice, values},
    html, language,
    render::Template,
    shipped,
};
use crate::{notification::Channel, settings::Branding, sms};

/// The longest subject, in characters.
pub const LONGEST_SUBJECT: usize = 200;
/// The longest message on a device, in characters.
pub const LONGEST_DEVICE_MESSAGE: usize = 4_000;
/// The most issues a mail or device message tells of.
const MOST_ISSUES: usize = 50;
/// The most issues an SMS is tried with. More never fit.
const MOST_SMS_ISSUES: usize = 8;

/// A mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Email {
    /// The language it is in.
    pub language: String,
    /// The subject, one line without control characters, at most [`LONGEST_SUBJECT`].
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as a page of its own. May refer to the tenant's logo as `cid:logo`.
    pub html: String,
}

impl Templates {
    /// The mail about an occasion.
    pub fn email(&self, branding: &Branding, occasion: &Occasion) -> Result<Email, TemplateError> {
        self.in_best_language(branding, occasion, Channel::Email, |text, voice| email(text, voice, occasion, self.logo))
    }

    /// The SMS about an occasion. Always fits in one message: issues are left out and counted, then what to do about
    /// them, then names. No word is cut.
    pub fn sms(&self, branding: &Branding, occasion: &Occasion) -> Result<String, TemplateError> {
        self.in_best_language(branding, occasion, Channel::Sms, |text, voice| text_message(text, voice, occasion))
    }

    /// The message on a device about an occasion, at most [`LONGEST_DEVICE_MESSAGE`].
    pub fn device_message(&self, branding: &Branding, occasion: &Occasion) -> Result<String, TemplateError> {
        self.in_best_language(branding, occasion, Channel::DeviceMessage, |text, voice| {
            device_message(text, voice, occasion)
        })
    }

    /// A mail with an administrator's own words in place of the usual ones.
    pub fn custom_email(&self, branding: &Branding, locale: Option<&str>, subject: &str, text: &str) -> Email {
        let chain = language::chain(locale, &branding.language);
        let language = chain.into_iter().next().unwrap_or_default();
        let html = html::page(branding, &language, subject, &html::paragraphs(text), self.logo);
        Email { language, subject: subject.to_owned(), text: text.to_owned(), html }
    }

    /// Makes a message by the first language there is a template in. Should a tenant's own fail with these very values,
    /// the shipped one says what has to be said.
    fn in_best_language<T>(
        &self,
        branding: &Branding,
        occasion: &Occasion,
        channel: Channel,
        make: impl Fn(&TemplateText, Voice<'_>) -> Result<T, TemplateError>,
    ) -> Result<T, TemplateError> {
        let mut failed = TemplateError::new(None, "there is no such template");
        for language in language::chain(occasion.locale.as_deref(), &branding.language) {
            let key = TemplateKey { trigger: occasion.trigger, channel, language };
            for text in self.own.get(&key).into_iter().chain(shipped(&key)) {
                match make(text, Voice { branding, texts: &self.texts, language: &key.language }) {
                    Ok(made) => return Ok(made),
                    Err(error) => failed = error,
                }
            }
        }
        Err(failed)
    }
}

const EVERYTHING: Room = Room { issues: MOST_ISSUES, advice: true, names: true };

pub(super) fn email(
    text: &TemplateText,
    voice: Voice<'_>,
    occasion: &Occasion,
    logo: bool,
) -> Result<Email, TemplateError> {
    let Voice { branding, language, .. } = voice;
    let values = values(occasion, voice, EVERYTHING, false);
    let subject = text.subject.as_deref().unwrap_or_default();
    let subject = subject_line(&Template::new(subject, false)?.render(&values)?);
    let body = tidy(&Template::new(&text.body, false)?.render(&values)?);
    let inner = match &text.html {
        Some(html) => Template::new(html, true)?.render(&values)?,
        None => html::paragraphs(&body),
    };
    let html = html::page(branding, language, &subject, &inner, logo);
    Ok(Email { language: language.to_owned(), subject, text: body, html })
}

pub(super) fn text_message(
    text: &TemplateText,
    voice: Voice<'_>,
    occasion: &Occasion,
) -> Result<String, TemplateError> {
    let template = Template::new(&text.body, false)?;
    let most = occasion.issues.len().min(MOST_SMS_ISSUES);
    let room = |advice| move |issues| Room { issues, advice, names: true };
    let full = (usize::from(most > 0)..=most).rev().map(room(true));
    let short = (0..=most).rev().map(room(false));
    let last = Room { issues: 0, advice: false, names: false };
    let mut length = sms::length("");
    for room in full.chain(short).chain([last]) {
        let message = one_line(&template.render(&values(occasion, voice, room, true))?);
        length = sms::length(&message);
        if length.fits {
            return Ok(message);
        }
    }
    Err(TemplateError::new(None, length.excess()))
}

pub(super) fn device_message(
    text: &TemplateText,
    voice: Voice<'_>,
    occasion: &Occasion,
) -> Result<String, TemplateError> {
    let template = Template::new(&text.body, false)?;
    let most = occasion.issues.len().min(MOST_ISSUES);
    let mut length = 0;
    for issues in (0..=most).rev() {
        let room = Room { issues, ..EVERYTHING };
        let message = tidy(&template.render(&values(occasion, voice, room, false))?);
        length = message.chars().count();
        if length <= LONGEST_DEVICE_MESSAGE {
            return Ok(message);
        }
    }
    let what = format!("has {length} of {LONGEST_DEVICE_MESSAGE} characters even without issues");
    Err(TemplateError::new(None, what))
}

/// One line without control characters, cut between words where it is too long.
fn subject_line(text: &str) -> String {
    let line = one_line(text);
    if line.chars().count() <= LONGEST_SUBJECT {
        return line;
    }
    let end = line.char_indices().nth(LONGEST_SUBJECT - 1).map_or(line.len(), |(at, _)| at);
    let kept = line[..end].rsplit_once(' ').map_or(&line[..end], |(before, _)| before);
    // What was cut off may have held the end of an isolated name.
    format!("{}…", kept.replace(language::turns, ""))
}

/// A text on one line.
fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text without spaces at the ends of lines, and with one empty line where there are several.
fn tidy(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let line = line.trim();
        if !line.is_empty() || lines.last().is_some_and(|last| !last.is_empty()) {
            lines.push(line.to_owned());
        }
    }
    lines.join("\n").trim_end().to_owned()
}

/// What a part of a template makes of values, for checks.
pub(super) fn part(source: &str, html: bool, values: &Value) -> Result<String, TemplateError> {
    Template::new(source, html)?.render(values)
}

/// The values of an occasion with room for everything, for checks.
pub(super) fn whole(occasion: &Occasion, voice: Voice<'_>) -> Value {
    values(occasion, voice, EVERYTHING, false)
}
