//! Whether a template can be kept: it is read, and tried with values as they come.

use super::{
    DeviceShown, Issue, Occasion, TemplateError, TemplateKey, TemplateText, TemplateTrigger,
    compose::{device_message, part, text_message, whole},
    context::Voice,
};
use crate::{
    classification::{self, OwnTexts},
    level::{Platform, RiskLevel},
    notification::Channel,
    settings::Branding,
    time::{Span, Time},
};

/// The longest template of a subject, in characters.
const LONGEST_SUBJECT_TEMPLATE: usize = 2_000;
/// The longest template of a text, in characters.
const LONGEST_BODY: usize = 20_000;
/// The longest template of a page, in characters.
const LONGEST_HTML: usize = 100_000;

/// What mail programs should never be sent, whoever writes it.
const NOT_IN_HTML: [&str; 12] = [
    "<script",
    "<iframe",
    "<object",
    "<embed",
    "<form",
    "<base",
    "<meta",
    "<link",
    "<html",
    "<body",
    "<svg",
    "javascript:",
];

/// What is wrong with a template: JSON pointer and reason. `branding` is the tenant's; `real` are occasions from the
/// tenant's own data, which are tried besides made-up ones.
pub fn problems(
    key: &TemplateKey,
    text: &TemplateText,
    branding: &Branding,
    real: &[Occasion],
) -> Vec<(String, String)> {
    let mut problems: Vec<(String, String)> = Vec::new();
    let mut add = |pointer: &str, detail: &str| problems.push((pointer.to_owned(), detail.to_owned()));
    let mail = key.channel == Channel::Email;
    match &text.subject {
        None if mail => add("/subject", "a mail needs a subject"),
        Some(_) if !mail => add("/subject", "is for email only"),
        _ => {}
    }
    if text.html.is_some() && !mail {
        add("/html", "is for email only");
    }
    if text.body.trim().is_empty() {
        add("/body", "must have text");
    }
    if let Some(html) = &text.html {
        let lower = html.to_lowercase();
        for tag in NOT_IN_HTML.iter().filter(|tag| lower.contains(**tag)) {
            add("/html", &format!("must not have {tag}: mail programs refuse it, or the page has it already"));
        }
        if let Some(handler) = handler(&lower) {
            add("/html", &format!("must not have {handler}: mail programs refuse it"));
        }
    }
    let parts = [
        ("/subject", text.subject.as_deref(), LONGEST_SUBJECT_TEMPLATE),
        ("/body", Some(text.body.as_str()), LONGEST_BODY),
        ("/html", text.html.as_deref(), LONGEST_HTML),
    ];
    for (pointer, source, longest) in parts {
        if source.is_some_and(|source| source.chars().count() > longest) {
            add(pointer, &format!("must have at most {longest} characters"));
        } else if let Some(source) = source
            && let Some(error) = tried(key, pointer, source, branding, real)
        {
            add(pointer, &error.to_string());
        }
    }
    if problems.is_empty()
        && let Some(error) = unfit(key, text)
    {
        problems.push(("/body".to_owned(), error.to_string()));
    }
    problems
}

/// An attribute that runs a script, such as `onclick=`.
fn handler(lower: &str) -> Option<&str> {
    lower.match_indices(" on").find_map(|(at, _)| {
        let rest = &lower[at + 1..];
        let name = rest.find(|c: char| !c.is_ascii_alphabetic()).map(|end| &rest[..end])?;
        (name.len() > 3 && rest[name.len()..].trim_start().starts_with('=')).then_some(name)
    })
}

/// The first failure of a part with any values.
fn tried(
    key: &TemplateKey,
    pointer: &str,
    source: &str,
    branding: &Branding,
    real: &[Occasion],
) -> Option<TemplateError> {
    let (made_up, texts) = (made_up(key.trigger), OwnTexts::default());
    made_up.iter().chain(real).find_map(|occasion| {
        let values = whole(occasion, Voice { branding, texts: &texts, language: &key.language });
        match part(source, pointer == "/html", &values) {
            Err(error) => Some(error),
            Ok(made) if pointer == "/subject" && made.trim().is_empty() => {
                Some(TemplateError::new(None, "comes out empty"))
            }
            Ok(_) => None,
        }
    })
}

/// Why a text is too long for its channel whatever is left out of it, in the worst plausible case.
fn unfit(key: &TemplateKey, text: &TemplateText) -> Option<TemplateError> {
    let branding = Branding {
        organisation_name: "Ω".repeat(60),
        help: "Call the help desk at +1 425 555 0100 at any time, or write to help@example.com".into(),
        link: Some(format!("https://www.example.com/{}", "a".repeat(100))),
        language: key.language.clone(),
        ..Branding::default()
    };
    let voice = Voice { branding: &branding, texts: &OwnTexts::default(), language: &key.language };
    let occasions = made_up(key.trigger).into_iter().chain([worst(key.trigger)]);
    occasions.into_iter().find_map(|occasion| match key.channel {
        Channel::Sms => text_message(text, voice, &occasion).err(),
        Channel::DeviceMessage => device_message(text, voice, &occasion).err(),
        Channel::Email => None,
    })
}

/// A made-up occasion, as an example.
pub fn sample(trigger: TemplateTrigger, locale: &str) -> Occasion {
    let issues = match trigger {
        TemplateTrigger::AllClear => &[][..],
        _ => &["trojan", "out_of_date_os"][..],
    };
    let mut occasion = occasion(trigger, issues, 1);
    occasion.locale = Some(locale.to_owned());
    occasion
}

/// Without issues where that can be, with one, with several on several devices, and with more than are told of.
fn made_up(trigger: TemplateTrigger) -> Vec<Occasion> {
    let many: Vec<&str> = classification::all().iter().map(|kind| kind.id).collect();
    let mut occasions = vec![occasion(trigger, &[], 1), occasion(trigger, &[], 2)];
    if trigger != TemplateTrigger::AllClear {
        occasions.push(occasion(trigger, &["trojan"], 1));
        occasions.push(occasion(trigger, &["something_new", "no_passcode", "open_wifi"], 2));
        occasions.push(occasion(trigger, &many, 5));
        let up = Occasion { status: (RiskLevel::Low, RiskLevel::High), ..occasion(trigger, &["trojan"], 1) };
        occasions.push(up);
    }
    occasions
}

/// Long names in an alphabet that takes room, and many of them.
fn worst(trigger: TemplateTrigger) -> Occasion {
    let ids: Vec<&str> = if trigger == TemplateTrigger::AllClear { vec![] } else { vec!["new"; 120] };
    let mut worst = occasion(trigger, &ids, 20);
    worst.user = "Ы".repeat(100);
    worst.devices.iter_mut().for_each(|device| device.name = "電".repeat(100));
    worst.issues.iter_mut().for_each(|issue| {
        issue.device = "電".repeat(100);
        issue.classification = "Ж".repeat(100);
    });
    worst
}

fn occasion(trigger: TemplateTrigger, issues: &[&str], devices: usize) -> Occasion {
    let names = ["Ada's Pixel", "Ada's iPhone"];
    let platforms = [Platform::Android, Platform::Ios];
    let levels = [RiskLevel::High, RiskLevel::Medium, RiskLevel::Low];
    let day = Time::EPOCH.plus(Span::days(20_000));
    let issues: Vec<Issue> = issues
        .iter()
        .enumerate()
        .map(|(place, id)| Issue {
            classification: (*id).to_owned(),
            kind: classification::find(id),
            device: names[place % devices.min(2)].to_owned(),
            level: levels[place.min(2)],
            since: day,
        })
        .collect();
    let status = match trigger {
        TemplateTrigger::AllClear => (RiskLevel::High, RiskLevel::None),
        _ => (RiskLevel::None, issues.first().map_or(RiskLevel::None, |issue| issue.level)),
    };
    Occasion {
        trigger,
        user: "Ada Nowak".to_owned(),
        locale: None,
        devices: (0..devices)
            .map(|place| DeviceShown { name: names[place % 2].to_owned(), platform: platforms[place % 2] })
            .collect(),
        issues,
        status,
    }
}
