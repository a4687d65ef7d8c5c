//! Sets of indicators: read from what somebody hands in, from a folder and from URLs.
//!
//! [`read`] turns a content into indicators, whatever its format; [`run`] keeps folder and URLs up to date. What the
//! indicators mean for devices is the engine's business.

mod fetch;
mod folder;
mod lists;
mod stix;
mod worker;

use allclear_domain::indicator::{Indicator, IndicatorKind, Skipped};
use allclear_engine::indicators::Loading;
use data_encoding::HEXLOWER;
use sha2::{Digest, Sha256};

pub use worker::{Options, run, url};

use crate::bounded;

/// The largest content of a set, in bytes.
pub const LARGEST: usize = 64 * 1024 * 1024;
/// The longest name and reference of an indicator, in characters.
const TEXT: usize = 200;

/// What a content holds, in the form of a STIX 2.1 bundle or of a list in YAML, or why it cannot be read at all. What is
/// odd in single places is skipped and said so.
pub fn read(content: &[u8]) -> Result<Loading, String> {
    if content.len() > LARGEST {
        return Err(format!("is larger than {LARGEST} bytes"));
    }
    let text = std::str::from_utf8(content).map_err(|_| "is not in UTF-8")?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.contains('\0') {
        return Err("holds the character U+0000".to_owned());
    }
    let mut found = Gathered::default();
    let format = if text.trim_start().starts_with('{') {
        stix::read(text, &mut found)?;
        "stix"
    } else {
        lists::read(text, &mut found)?;
        "list"
    };
    Ok(Loading {
        format: format.to_owned(),
        indicators: found.indicators,
        skipped: found.skipped,
        digest: digest(content),
        ..Loading::default()
    })
}

/// SHA-256 of a content in hexadecimal.
fn digest(content: &[u8]) -> String {
    HEXLOWER.encode(&Sha256::digest(content))
}

/// What was read so far.
#[derive(Default)]
struct Gathered {
    indicators: Vec<Indicator>,
    skipped: Vec<Skipped>,
}

impl Gathered {
    /// One indicator; skipped if its value cannot be one.
    fn add(&mut self, written: &str, indicator: Indicator) {
        match indicator.kind.normalise(written) {
            Ok(value) => self.indicators.push(Indicator {
                value,
                name: bounded::characters(&indicator.name, TEXT).to_owned(),
                reference: indicator.reference.map(|text| bounded::characters(&text, TEXT).to_owned()),
                ..indicator
            }),
            Err(why) => self.skip(written, format!("{} {why}", indicator.kind.as_str())),
        }
    }

    fn skip(&mut self, what: &str, why: impl Into<String>) {
        self.skipped.push(Skipped { what: bounded::characters(what, TEXT).to_owned(), why: why.into() });
    }
}

/// The kind of threat that a configuration profile is, whatever software it belongs to.
const PROFILE: &str = "malicious_profile";

/// The kind of threat that an indicator stands for in software of a kind.
fn classification(kind: IndicatorKind, software: &str) -> String {
    if kind == IndicatorKind::ConfigurationProfile { PROFILE } else { software }.to_owned()
}

#[cfg(test)]
mod tests;
