//! The messages people get unless an administrator writes another: what was found, where, and what to do about it.

use crate::{incident::Incident, level::RiskLevel, settings::Branding, sms};

/// Who is told.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    /// What people call them.
    pub name: &'a str,
    /// How many devices they have.
    pub devices: usize,
}

/// Something to put right on a device.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Issue {
    /// The kind of threat, in words.
    pub name: String,
    /// What people call the device it is on.
    pub device: String,
    /// How bad it is.
    pub level: RiskLevel,
    /// What the device's owner should do; empty if nothing is known.
    pub advice: &'static str,
}

impl Issue {
    /// What an incident is to the owner of the device. None if it is over, or only shown to administrators.
    pub fn new(incident: &Incident<'_>, device: &str) -> Option<Self> {
        (incident.threat.is_open() && incident.severity >= RiskLevel::Low).then(|| Self {
            name: one_line(incident.name()),
            device: one_line(device),
            level: incident.severity,
            advice: incident.kind.map_or("", |kind| kind.user_text),
        })
    }
}

/// A mail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Email {
    /// The subject, one line.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The same as a page of its own.
    pub html: String,
}

/// What is done where nothing is known to do.
const ASK: &str = "Ask your help desk what to do.";
/// What an SMS without room for advice says instead.
const LOOK: &str = "Open the security app on your device.";

/// The mail about these issues, the worst first; without any, that all is well.
pub fn email(branding: &Branding, reader: Reader<'_>, issues: &[Issue]) -> Email {
    let subject = subject(reader, issues);
    let text = text(branding, reader, issues);
    let html = html(branding, &subject, &text);
    Email { subject, text, html }
}

/// A mail with an administrator's own words.
pub fn custom_email(branding: &Branding, subject: &str, text: &str) -> Email {
    Email { subject: subject.to_owned(), text: text.to_owned(), html: html(branding, subject, text) }
}

/// The subject of [`email`].
pub fn subject(reader: Reader<'_>, issues: &[Issue]) -> String {
    let device = device_word(reader);
    match issues.len() {
        0 => format!("No security issues on your {device}"),
        1 => format!("Action needed: a security issue on your {device}"),
        more => format!("Action needed: {more} security issues on your {device}"),
    }
}

/// The text of [`email`].
pub fn text(branding: &Branding, reader: Reader<'_>, issues: &[Issue]) -> String {
    let mut paragraphs = vec![format!("Hello {},", one_line(reader.name))];
    let (device, organisation) = (device_word(reader), branding.organisation());
    match issues.len() {
        0 => paragraphs.push(format!("There are no open security issues on your {device}. You need not do anything.")),
        count => {
            let (issue, them) = if count == 1 { ("a security issue", "it") } else { ("security issues", "them") };
            paragraphs.push(format!(
                "{organisation} found {issue} on your {device}. Please put {them} right soon. Until then, some apps \
                 and services may not be available to you."
            ));
            paragraphs.extend(issues.iter().map(in_full));
            paragraphs.push(
                "When you are done there is nothing to report: your device is checked again by itself, and what was \
                 restricted comes back."
                    .to_owned(),
            );
        }
    }
    paragraphs.push(format!("If you are unsure, ask your help desk.\n{organisation}"));
    paragraphs.join("\n\n")
}

/// The message on one device about its own issues, the worst first.
pub fn device_message(issues: &[Issue]) -> String {
    let mut paragraphs: Vec<String> =
        issues.iter().map(|issue| format!("{}\n{}", headline(issue), advice(issue))).collect();
    if paragraphs.is_empty() {
        paragraphs.push("There are no open security issues on this device. You need not do anything.".to_owned());
    } else {
        paragraphs.insert(0, "Please put this right on this device:".to_owned());
    }
    paragraphs.join("\n\n")
}

/// The SMS about these issues, the worst first. Always fits in one message: whole issues are left out and counted, and
/// no word is ever cut.
pub fn sms(branding: &Branding, issues: &[Issue]) -> String {
    let organisation = branding.organisation();
    if issues.is_empty() {
        return fitting([
            format!("{organisation}: There are no open security issues on your devices."),
            "There are no open security issues on your devices.".to_owned(),
        ]);
    }
    let with = |part: &dyn Fn(&Issue) -> String, end: &str, told: usize| {
        let parts: Vec<String> = issues.iter().take(told).map(part).collect();
        let more = match issues.len() - told {
            0 => String::new(),
            more => format!(" +{more} more"),
        };
        format!("{organisation}: {}{more}{end}", parts.join(" "))
    };
    let in_full = |issue: &Issue| format!("{} on {}: {}", issue.name, issue.device, advice(issue));
    let in_short = |issue: &Issue| format!("{} on {}.", issue.name, issue.device);
    let look = format!(". {LOOK}");
    let shortened = |end: &str, told: usize| {
        // A sentence ends once: before the count of those left out, or at its end.
        let end = if told == issues.len() { &end[1..] } else { end };
        with(&in_short, end, told)
    };
    let full = (1..=issues.len()).rev().map(|told| with(&in_full, "", told));
    let short = (1..=issues.len()).rev().map(|told| shortened(&look, told));
    let count = issues.len();
    let plain = format!("{count} security issue{} on your devices.", if count == 1 { "" } else { "s" });
    fitting(full.chain(short).chain([format!("{organisation}: {plain} {LOOK}"), plain]))
}

/// The first that fits; the last, which the caller knows to fit, otherwise.
fn fitting(texts: impl IntoIterator<Item = String>) -> String {
    let mut last = String::new();
    for text in texts {
        if sms::length(&text).fits {
            return text;
        }
        last = text;
    }
    last
}

fn device_word(reader: Reader<'_>) -> &'static str {
    if reader.devices == 1 { "device" } else { "devices" }
}

fn advice(issue: &Issue) -> &str {
    if issue.advice.is_empty() { ASK } else { issue.advice }
}

fn headline(issue: &Issue) -> String {
    format!("{} ({} risk)", issue.name, issue.level.as_str())
}

fn in_full(issue: &Issue) -> String {
    format!("{} on {}\n{}", headline(issue), issue.device, advice(issue))
}

/// A name that came from elsewhere, on one line.
fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A text as a page that mail programs show well: one column, no images, nothing loaded from anywhere.
fn html(branding: &Branding, title: &str, text: &str) -> String {
    let accent = branding.accent_colour.as_deref().unwrap_or("#1c5fd4");
    let paragraphs: String = text
        .split("\n\n")
        .filter(|paragraph| !paragraph.trim().is_empty())
        .map(|paragraph| {
            let lines: Vec<String> = paragraph.lines().map(escaped).collect();
            format!("<p style=\"margin:0 0 16px\">{}</p>\n", lines.join("<br>\n"))
        })
        .collect();
    let (title, organisation) = (escaped(title), escaped(branding.organisation()));
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><title>{title}</title></head>\n\
         <body style=\"margin:0;padding:16px;font:16px/1.5 system-ui,sans-serif\">\n\
         <div style=\"max-width:600px;margin:0 auto\">\n\
         <div style=\"border-top:4px solid {accent};padding:16px 0 8px;font-size:14px\">{organisation}</div>\n\
         <h1 style=\"font-size:20px;margin:0 0 16px\">{title}</h1>\n{paragraphs}</div>\n</body></html>\n"
    )
}

fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            _ => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const ADA: Reader<'_> = Reader { name: "Ada", devices: 1 };

    fn issue(name: &str, device: &str, advice: &'static str) -> Issue {
        Issue { name: name.into(), device: device.into(), level: RiskLevel::High, advice }
    }

    fn acme() -> Branding {
        Branding { organisation_name: "Acme".into(), ..Branding::default() }
    }

    #[test]
    fn a_mail_says_what_where_and_what_to_do() {
        let issues = [issue("Trojan", "Ada's <Pixel>", "Uninstall it."), issue("Odd", "Ada's <Pixel>", "")];
        let mail = email(&acme(), ADA, &issues);
        assert_eq!(mail.subject, "Action needed: 2 security issues on your device");
        for part in ["Hello Ada,", "Acme found", "Trojan (high risk) on Ada's <Pixel>\nUninstall it.", ASK] {
            assert!(mail.text.contains(part), "{part}: {}", mail.text);
        }
        assert!(mail.html.contains("Trojan (high risk) on Ada's &lt;Pixel&gt;<br>\nUninstall it."), "{}", mail.html);
        assert!(!mail.html.contains("<Pixel>") && !mail.html.contains("http"));
        let well = email(&acme(), ADA, &[]);
        assert!(well.subject.starts_with("No security issues") && well.text.contains("need not do anything"));
    }

    #[test]
    fn an_sms_has_the_advice_while_there_is_room() {
        let trojan = issue("Trojan", "Ada's Pixel", "Uninstall the app you installed last.");
        let old = issue("Out-of-Date OS", "Ada's Pixel", "Install the update in the settings of your phone now.");
        assert_eq!(
            sms(&acme(), std::slice::from_ref(&trojan)),
            "Acme: Trojan on Ada's Pixel: Uninstall the app you installed last."
        );
        assert_eq!(
            sms(&acme(), &[trojan.clone(), old.clone()]),
            "Acme: Trojan on Ada's Pixel: Uninstall the app you installed last. Out-of-Date OS on Ada's Pixel: Install \
             the update in the settings of your phone now."
        );
        assert_eq!(
            sms(&acme(), &[trojan.clone(), old.clone(), old.clone()]),
            "Acme: Trojan on Ada's Pixel: Uninstall the app you installed last. Out-of-Date OS on Ada's Pixel: Install \
             the update in the settings of your phone now. +1 more"
        );
        let wide =
            issue("Sideloaded App", "Ada's Pixel", "Uninstall it unless your help desk has told you to keep it.");
        assert_eq!(
            sms(&acme(), &[trojan.clone(), wide.clone(), wide]),
            "Acme: Trojan on Ada's Pixel: Uninstall the app you installed last. +2 more"
        );
        let emoji = issue("Trojan", "📱 of Ada", "Uninstall the app you installed last, and all you do not know.");
        assert_eq!(sms(&acme(), &[emoji]), "Acme: Trojan on 📱 of Ada. Open the security app on your device.");
        let long = issue("Trojan", "Ы".repeat(70).as_str(), "Uninstall it.");
        assert_eq!(
            sms(&acme(), &[long.clone(), long]),
            "Acme: 2 security issues on your devices. Open the security app on your device."
        );
    }

    #[test]
    fn custom_words_are_escaped_and_kept_in_paragraphs() {
        let mail = custom_email(&acme(), "A & B", "One\ntwo\n\n<script>alert(1)</script>");
        assert!(mail.html.contains("<title>A &amp; B</title>"));
        assert!(mail.html.contains("One<br>\ntwo</p>") && mail.html.contains("&lt;script&gt;"));
        assert!(!mail.html.contains("<script>"));
    }

    fn any_issue() -> impl Strategy<Value = Issue> {
        let advice = prop_oneof![
            Just(""),
            Just("Uninstall it now."),
            Just("An app secretly installs other, harmful apps. Uninstall it now, along with any app you do not know."),
            Just("Prüfe dein Telefon: § 1 – alles löschen."),
        ];
        ("\\PC{1,100}", "\\PC{1,100}", advice).prop_map(|(name, device, advice)| issue(&name, &device, advice))
    }

    proptest! {
        #[test]
        fn an_sms_always_fits_cuts_no_word_and_counts_every_issue(
            organisation in "\\PC{0,60}",
            issues in prop::collection::vec(any_issue(), 0..12),
        ) {
            let issues: Vec<Issue> = issues
                .into_iter()
                .map(|it| Issue { name: one_line(&it.name), device: one_line(&it.device), ..it })
                .collect();
            let branding = Branding { organisation_name: organisation, ..Branding::default() };
            let text = sms(&branding, &issues);
            prop_assert!(sms::length(&text).fits, "{text}");
            let mut known: String = format!("{}: There are no open security issues on your devices. {LOOK} {ASK}", branding.organisation());
            for issue in &issues {
                known.push_str(&format!(" {} on {}. {}: {}", issue.name, issue.device, issue.device, issue.advice));
            }
            known.push_str(" security issue on more. more");
            let known: std::collections::HashSet<&str> = known.split_whitespace().collect();
            for word in text.split_whitespace() {
                let count = word.trim_start_matches('+').parse::<usize>().is_ok_and(|count| count <= issues.len());
                prop_assert!(count || known.contains(word), "{word:?} of {text:?}");
            }
        }

        #[test]
        fn a_subject_is_one_line_and_html_holds_nothing_foreign(
            name in "[\\PC\r\n<>\"&]{0,60}",
            issues in prop::collection::vec(any_issue(), 0..4),
        ) {
            let mail = email(&acme(), Reader { name: &name, devices: 2 }, &issues);
            prop_assert!(!mail.subject.chars().any(char::is_control));
            let opened = mail.html.matches('<').count();
            let own = email(&acme(), ADA, &issues.iter().map(|_| issue("x", "y", "z")).collect::<Vec<_>>());
            prop_assert_eq!(opened, own.html.matches('<').count());
        }
    }
}
