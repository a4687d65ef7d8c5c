//! What a policy asks of passwords.

use allclear_domain::payload::{Passcode, PasscodeQuality, PasscodeScope};
use serde_json::{Map, Value, json};

use super::rules::name;

/// What a password must consist of: Android's own order, then the bands by which it measures passwords since version 12.
pub(super) const QUALITIES: &[&str] = &[
    "BIOMETRIC_WEAK",
    "SOMETHING",
    "NUMERIC",
    "NUMERIC_COMPLEX",
    "ALPHABETIC",
    "ALPHANUMERIC",
    "COMPLEX",
    "COMPLEXITY_LOW",
    "COMPLEXITY_MEDIUM",
    "COMPLEXITY_HIGH",
];

const BAND: &str = "COMPLEXITY_";
/// How the kind of a requirement without a scope starts.
pub(super) const NO_SCOPE: &str = "/";

const DEVICE: &str = "SCOPE_DEVICE";
const PROFILE: &str = "SCOPE_PROFILE";

/// What a requirement is about: what the password protects, and whether it asks for a band or for a quality, which a
/// policy may both have.
pub(super) fn kind(requirement: &Map<String, Value>) -> String {
    let band = name(requirement, "passwordQuality").starts_with(BAND);
    format!("{}/{}", name(requirement, "passwordScope"), if band { "band" } else { "quality" })
}

/// A passcode as the members of a policy.
pub(super) fn render(passcode: &Passcode) -> Map<String, Value> {
    // A length means nothing without a quality, and other characters are counted in the highest only.
    let least = match (passcode.min_complex_characters, passcode.min_length) {
        (Some(_), _) => PasscodeQuality::Complex,
        (None, Some(_)) => PasscodeQuality::Numeric,
        (None, None) => PasscodeQuality::Something,
    };
    let asked = passcode.quality.unwrap_or(PasscodeQuality::Something);
    let mut members = Map::new();
    let mut set = |key: &str, value: Option<Value>| members.extend(value.map(|value| (key.to_owned(), value)));
    let number = |number: Option<u32>| number.map(Value::from);
    set("passwordScope", Some(if passcode.scope == Some(PasscodeScope::Profile) { PROFILE } else { DEVICE }.into()));
    set("passwordQuality", Some(quality(asked.max(least)).into()));
    set("passwordMinimumLength", number(passcode.min_length));
    let symbols = passcode.min_complex_characters.max((asked == PasscodeQuality::Complex).then_some(1));
    set("passwordMinimumSymbols", number(symbols));
    set("passwordMinimumLetters", number((asked >= PasscodeQuality::Alphanumeric).then_some(1)));
    set("passwordMinimumNumeric", number((asked >= PasscodeQuality::Alphanumeric).then_some(1)));
    set("passwordExpirationTimeout", passcode.max_age_days.map(|days| format!("{}s", u64::from(days) * 86_400).into()));
    set("passwordHistoryLength", number(passcode.history));
    set("maximumFailedPasswordsForWipe", number(passcode.max_failed_attempts));
    let mut policy = Map::new();
    policy.insert("passwordPolicies".to_owned(), json!([members]));
    if let Some(minutes) = passcode.max_inactivity_minutes {
        policy.insert("maximumTimeToLock".to_owned(), (u64::from(minutes) * 60_000).to_string().into());
    }
    policy
}

fn quality(quality: PasscodeQuality) -> &'static str {
    match quality {
        PasscodeQuality::Something => "SOMETHING",
        PasscodeQuality::Numeric => "NUMERIC",
        PasscodeQuality::NumericComplex => "NUMERIC_COMPLEX",
        PasscodeQuality::Alphanumeric => "ALPHANUMERIC",
        PasscodeQuality::Complex => "COMPLEX",
    }
}

/// Spells out what a quality asks for, so that it is still asked when a higher one, which counts characters instead,
/// is merged with it.
pub(super) fn spell_out(requirement: &mut Map<String, Value>) {
    let quality = name(requirement, "passwordQuality");
    let given = |key: &str| requirement.get(key).and_then(super::rules::number).unwrap_or(0.0) >= 1.0;
    let counted: &[&str] = match quality.as_str() {
        "ALPHABETIC" => &["passwordMinimumLetters"],
        "ALPHANUMERIC" => &["passwordMinimumLetters", "passwordMinimumNumeric"],
        // Without any of these it would ask for less than the qualities below it.
        "COMPLEX"
            if !["Letters", "LowerCase", "UpperCase", "Symbols"]
                .iter()
                .any(|it| given(&format!("passwordMinimum{it}"))) =>
        {
            &["passwordMinimumLetters"]
        }
        _ => &[],
    };
    let missing: Vec<&str> = counted.iter().copied().filter(|key| !given(key)).collect();
    requirement.extend(missing.into_iter().map(|key| (key.to_owned(), 1.into())));
}

/// Adds to the device's password the band that Google takes its quality for, where the work profile's has a band: a
/// policy with a band for the profile alone is refused.
pub(super) fn complete(requirements: &mut Vec<Value>) {
    let of = |scope: &str, band: bool| {
        requirements.iter().position(|it| {
            it.as_object().is_some_and(|it| {
                name(it, "passwordScope") == scope && name(it, "passwordQuality").starts_with(BAND) == band
            })
        })
    };
    let (Some(_), Some(quality), None) = (of(PROFILE, true), of(DEVICE, false), of(DEVICE, true)) else { return };
    let band = match requirements[quality].get("passwordQuality").and_then(Value::as_str) {
        Some("BIOMETRIC_WEAK" | "SOMETHING") => "COMPLEXITY_LOW",
        Some("NUMERIC" | "NUMERIC_COMPLEX") => "COMPLEXITY_MEDIUM",
        Some(_) => "COMPLEXITY_HIGH",
        None => return,
    };
    requirements.insert(quality, json!({ "passwordScope": DEVICE, "passwordQuality": band }));
}
