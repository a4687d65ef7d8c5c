//! A notification as a mail. Whatever names and texts hold, the result is one mail with the headers meant.

use std::time::{Duration, SystemTime};

use allclear_domain::{logo::Logo, settings::Branding, time::Time};
use lettre::{
    Address, Message,
    message::{
        Attachment, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use reqwest::Url;

/// The longest name and subject, in characters.
const LINE: usize = 300;

/// What a mail is made of.
#[derive(Clone, Copy, Debug)]
pub struct Mail<'a> {
    /// Its Message-ID, with the angle brackets. All attempts to send it share it.
    pub message_id: &'a str,
    /// When it was made.
    pub date: Time,
    /// Whom it is to.
    pub to_name: &'a str,
    /// Where it goes.
    pub to: &'a str,
    /// The subject.
    pub subject: &'a str,
    /// The text.
    pub text: &'a str,
    /// The same as a page.
    pub html: Option<&'a str>,
}

/// Makes a mail from the sender that the branding names; the reason if it cannot be. The logo is added where the page
/// shows it, as `cid:logo`.
pub fn build(mail: &Mail<'_>, branding: &Branding, logo: Option<&Logo>) -> Result<Message, String> {
    let sender = branding.sender_address.as_deref().ok_or(NO_SENDER)?;
    let from = Mailbox::new(name(&branding.sender_name), address(sender)?);
    let to = Mailbox::new(name(mail.to_name), address(mail.to)?);
    let micros = u64::try_from(mail.date.as_micros()).unwrap_or(0);
    let builder = Message::builder()
        .from(from)
        .to(to)
        .subject(line(mail.subject))
        .message_id(Some(mail.message_id.to_owned()))
        .date(SystemTime::UNIX_EPOCH + Duration::from_micros(micros))
        // So that no answering machine answers.
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    let text = SinglePart::plain(mail.text.to_owned());
    let built = match mail.html {
        None => builder.singlepart(text),
        Some(html) => {
            let page = SinglePart::html(html.to_owned());
            let both = MultiPart::alternative().singlepart(text);
            builder.multipart(match logo.filter(|_| html.contains("cid:logo")) {
                None => both.singlepart(page),
                Some(logo) => {
                    let content_type = ContentType::parse(logo.content_type).map_err(|error| error.to_string())?;
                    let picture = Attachment::new_inline("logo".to_owned()).body(logo.bytes.clone(), content_type);
                    both.multipart(MultiPart::related().singlepart(page).singlepart(picture))
                }
            })
        }
    };
    built.map_err(|error| error.to_string())
}

/// What is missing where no mail can be sent for want of a sender.
pub const NO_SENDER: &str = "there is no sender's address: set it in Settings > Branding";

/// An address to put on an envelope: a domain outside of ASCII is written as the name service knows it.
pub fn address(text: &str) -> Result<Address, String> {
    let wrong = |why: &dyn std::fmt::Display| format!("{text} is no mail address: {why}");
    let (local, domain) = text.rsplit_once('@').ok_or_else(|| wrong(&"it has no @"))?;
    let domain = if domain.is_ascii() {
        domain.to_owned()
    } else {
        let url = Url::parse(&format!("http://{domain}/")).map_err(|error| wrong(&error))?;
        url.host_str().unwrap_or_default().to_owned()
    };
    Address::new(local, domain).map_err(|error| wrong(&error))
}

fn name(text: &str) -> Option<String> {
    Some(line(text)).filter(|text| !text.is_empty())
}

/// One line without control characters, nor those that turn the direction of what follows.
fn line(text: &str) -> String {
    let odd = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2028}' | '\u{2029}');
    let clean: String = text.chars().map(|c| if odd(c) { ' ' } else { c }).take(LINE).collect();
    clean.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that panics has failed")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn branding(name: &str) -> Branding {
        Branding {
            sender_name: name.into(),
            sender_address: Some("security@example.com".into()),
            ..Branding::default()
        }
    }

    fn mail<'a>(name: &'a str, subject: &'a str, text: &'a str) -> Mail<'a> {
        Mail {
            message_id: "<1@example.com>",
            date: Time::from_micros(1_700_000_000_000_000),
            to_name: name,
            to: "ada@example.com",
            subject,
            text,
            html: Some("<p>page</p>"),
        }
    }

    /// The lines of the header, unfolded, without what lettre adds by itself.
    fn header(message: &Message) -> Vec<String> {
        let bytes = message.formatted();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        head.replace("\r\n ", " ").replace("\r\n\t", " ").split("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn the_same_mail_has_the_same_name_and_date_and_is_marked_as_automatic() {
        let one = header(&build(&mail("Ada", "Hi", "Text"), &branding("Acme"), None).unwrap());
        for line in [
            "Message-ID: <1@example.com>",
            "Auto-Submitted: auto-generated",
            "Subject: Hi",
            "From: Acme <security@example.com>",
            "To: Ada <ada@example.com>",
            "Date: Tue, 14 Nov 2023 22:13:20 +0000",
        ] {
            assert!(one.iter().any(|it| it == line), "{line}: {one:#?}");
        }
    }

    #[test]
    fn the_logo_is_there_if_the_page_shows_it() {
        let logo = Logo { content_type: "image/png", bytes: b"\x89PNG".to_vec() };
        let shows = Mail { html: Some("<img src=\"cid:logo\">"), ..mail("Ada", "Hi", "Text") };
        let text = |mail: &Mail<'_>| {
            String::from_utf8_lossy(&build(mail, &branding("Acme"), Some(&logo)).unwrap().formatted()).into_owned()
        };
        assert!(text(&shows).contains("Content-ID: <logo>") && text(&shows).contains("multipart/related"));
        assert!(!text(&mail("Ada", "Hi", "Text")).contains("Content-ID"));
    }

    #[test]
    fn domains_of_the_world_are_written_in_ascii() {
        assert_eq!(address("ada@bücher.example").unwrap().to_string(), "ada@xn--bcher-kva.example");
        assert_eq!(address("zoë@example.com").unwrap().to_string(), "zoë@example.com");
        assert!(address("ada").is_err() && address("a b@example.com").is_err());
    }

    proptest! {
        #[test]
        fn nothing_in_names_subjects_and_texts_makes_another_header(
            to in "[\\PC\r\n\u{202e}<>\",:@]{0,80}",
            from in "[\\PC\r\n<>\",:@]{0,80}",
            subject in "[\\PC\r\n:\u{202e}]{0,400}",
            text in "[\\PC\r\n.]{0,400}",
        ) {
            let plain = header(&build(&mail("Ada", "Hi", "Text"), &branding("Acme"), None).unwrap());
            let names = |lines: &[String]| -> Vec<String> {
                let mut names: Vec<String> =
                    lines.iter().map(|line| line.split(':').next().unwrap_or_default().to_owned()).collect();
                names.sort_unstable();
                names
            };
            let built = build(&mail(&to, &subject, &text), &branding(&from), None).unwrap();
            let lines = header(&built);
            prop_assert_eq!(names(&lines), names(&plain));
            prop_assert!(lines.iter().all(|line| line.is_ascii()), "{:?}", lines);
            prop_assert_eq!(built.envelope().to().len(), 1);
            prop_assert_eq!(built.envelope().to()[0].to_string(), "ada@example.com");
        }
    }
}
