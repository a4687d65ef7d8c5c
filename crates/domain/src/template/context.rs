//! What a message is about, and the values that templates may name.

use minijinja::{Value, value::Serde};
use serde::Serialize;
use utoipa::ToSchema;

use super::{TemplateTrigger, language};
use crate::{
    classification::{self, Classification, OwnTexts, Texts},
    incident::Incident,
    level::{Platform, RiskLevel},
    settings::Branding,
    time::Time,
};

/// Something to put right on a device.
#[derive(Clone, PartialEq, Debug)]
pub struct Issue {
    /// What the source called it.
    pub classification: String,
    /// What is known of its kind.
    pub kind: Option<&'static Classification>,
    /// What people call the device it is on.
    pub device: String,
    /// How bad it is.
    pub level: RiskLevel,
    /// Since when.
    pub since: Time,
}

impl Issue {
    /// What an incident is to the owner of the device. None if it is over, or only shown to administrators.
    pub fn new(incident: &Incident<'_>, device: &str) -> Option<Self> {
        (incident.threat.is_open() && incident.severity >= RiskLevel::Low).then(|| Self {
            classification: incident.threat.classification.clone(),
            kind: incident.kind,
            device: device.to_owned(),
            level: incident.severity,
            since: incident.threat.first_seen,
        })
    }
}

/// A device of the reader's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeviceShown {
    /// What people call it.
    pub name: String,
    /// Its platform.
    pub platform: Platform,
}

/// What a message is about, and who reads it.
#[derive(Clone, PartialEq, Debug)]
pub struct Occasion {
    /// What brings it about.
    pub trigger: TemplateTrigger,
    /// What people call the reader.
    pub user: String,
    /// The language the reader is written to in.
    pub locale: Option<String>,
    /// The devices of the reader; of a device message, that one.
    pub devices: Vec<DeviceShown>,
    /// What is open on them, the worst first.
    pub issues: Vec<Issue>,
    /// The risk status before and now.
    pub status: (RiskLevel, RiskLevel),
}

/// A value that templates may name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Variable {
    /// How a template names it. Members of a list's items have `[]` before them.
    pub name: &'static str,
    /// What it is.
    pub meaning: &'static str,
}

const fn variable(name: &'static str, meaning: &'static str) -> Variable {
    Variable { name, meaning }
}

/// Everything that templates may name.
pub const VARIABLES: &[Variable] = &[
    variable("user.name", "what people call the reader"),
    variable("organisation", "the organisation's name; empty if it is not set, or in an SMS without room for it"),
    variable("help", "how to reach the help desk, as set in the branding; may be empty"),
    variable("link", "the address to go to, as set in the branding; may be empty"),
    variable("count", "how many issues are open"),
    variable("issues", "the open issues there is room for, the worst first"),
    variable("issues[].name", "what it is called"),
    variable("issues[].level", "how bad it is: low, medium or high"),
    variable("issues[].device", "what people call the device it is on"),
    variable("issues[].advice", "what to do about it; empty in an SMS without room for it"),
    variable("issues[].steps", "the same as a list of sentences"),
    variable("issues[].since", "the day it was found, such as 2026-03-01"),
    variable("more", "how many open issues are left out of the list"),
    variable("brief", "true in an SMS without room for advice"),
    variable("devices", "the reader's devices; in a device message, that one"),
    variable("devices[].name", "what people call it"),
    variable("devices[].platform", "Android or iOS"),
    variable("status.before", "the risk status before: none, low, medium or high"),
    variable("status.now", "the risk status now"),
];

#[derive(Serialize)]
struct Shown {
    user: User,
    organisation: String,
    help: String,
    link: String,
    count: usize,
    issues: Vec<ShownIssue>,
    more: usize,
    brief: bool,
    devices: Vec<ShownDevice>,
    status: Status,
}

#[derive(Serialize)]
struct User {
    name: String,
}

#[derive(Serialize)]
struct ShownIssue {
    name: String,
    level: &'static str,
    device: String,
    advice: String,
    steps: Vec<String>,
    since: String,
}

#[derive(Serialize)]
struct ShownDevice {
    name: String,
    platform: &'static str,
}

#[derive(Serialize)]
struct Status {
    before: &'static str,
    now: &'static str,
}

/// How much of an occasion there is room for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Room {
    /// How many issues.
    pub(super) issues: usize,
    /// Whether what to do about them, too.
    pub(super) advice: bool,
    /// Whether names, too: of the organisation, the reader, where to go and whom to ask.
    pub(super) names: bool,
}

/// The most devices that are named.
const MOST_DEVICES: usize = 50;

/// In whose words and in which language something is said.
#[derive(Clone, Copy, Debug)]
pub(super) struct Voice<'a> {
    pub(super) branding: &'a Branding,
    /// What the tenant says of kinds of threats.
    pub(super) texts: &'a OwnTexts,
    pub(super) language: &'a str,
}

/// The values of an occasion. `plain` leaves out marks that keep names of the other direction apart.
pub(super) fn values(occasion: &Occasion, voice: Voice<'_>, room: Room, plain: bool) -> Value {
    let Voice { branding, texts, language } = voice;
    let languages = language::chain(Some(language), &branding.language);
    let said = |kind| texts.best(kind, &languages);
    let name = |text: &str| {
        let text = one_line(text);
        if plain { text } else { isolated(text, language) }
    };
    let set = |text: &str| if room.names { name(text) } else { String::new() };
    let issues = occasion.issues.iter().take(room.issues).map(|issue| {
        let known = issue.kind.map(said);
        let texts = known.or_else(|| classification::find(classification::UNKNOWN).map(said));
        let texts = texts.filter(|_| room.advice).unwrap_or(Texts { name: "", advice: "" });
        ShownIssue {
            name: known.map_or_else(|| name(&issue.classification), |texts| texts.name.to_owned()),
            level: issue.level.as_str(),
            device: name(&issue.device),
            advice: texts.advice.to_owned(),
            steps: texts.steps().map(str::to_owned).collect(),
            since: issue.since.to_jiff().strftime("%Y-%m-%d").to_string(),
        }
    });
    let issues: Vec<ShownIssue> = issues.collect();
    let devices = occasion.devices.iter().take(MOST_DEVICES);
    let shown = Shown {
        user: User { name: set(&occasion.user) },
        organisation: set(&branding.organisation_name),
        help: set(&branding.help),
        link: if room.names { branding.link.clone().unwrap_or_default() } else { String::new() },
        count: occasion.issues.len(),
        more: occasion.issues.len() - issues.len(),
        issues,
        brief: !room.advice && !occasion.issues.is_empty(),
        devices: devices
            .map(|device| ShownDevice { name: name(&device.name), platform: device.platform.display() })
            .collect(),
        status: Status { before: occasion.status.0.as_str(), now: occasion.status.1.as_str() },
    };
    Value::from(Serde(shown))
}

/// A name that came from elsewhere, on one line, without marks that turn the direction of the text around it.
pub(super) fn one_line(text: &str) -> String {
    let plain =
        text.chars().filter(|c| !language::turns(*c)).map(|c| if c.is_control() { ' ' } else { c }).collect::<String>();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A name with marks around it that keep its direction to itself, where that is not the language's.
fn isolated(name: String, language: &str) -> String {
    let right_to_left = |c: char| {
        matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
            | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
    };
    let foreign = if language::is_right_to_left(language) {
        name.chars().any(|c| c.is_alphabetic() && !right_to_left(c))
    } else {
        name.chars().any(right_to_left)
    };
    if foreign { format!("\u{2068}{name}\u{2069}") } else { name }
}
