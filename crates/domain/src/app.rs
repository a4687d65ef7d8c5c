//! Apps that are on a device, whoever saw them: its agent, its management protocol.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The most apps that are kept of one device.
pub const MOST_APPS: usize = 3_000;
/// The longest identifier, name or version that is kept, in bytes.
pub const LONGEST: usize = 255;

/// Where an app came from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppSource {
    /// The platform's own store, or the organisation's.
    Store,
    /// Installed past any store.
    Sideloaded,
    /// Not said.
    #[default]
    Unknown,
}

impl AppSource {
    /// The word used in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            AppSource::Store => "store",
            AppSource::Sideloaded => "sideloaded",
            AppSource::Unknown => "unknown",
        }
    }
}

/// One app on one device. What is absent says nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct App {
    /// The package name (Android) or bundle identifier (Apple). 1 to 255 bytes without control characters.
    pub identifier: String,
    /// What people call it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The version people see.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// SHA-256 of the certificate it is signed with, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_sha256: Option<String>,
    /// SHA-1 of the certificate it is signed with, in hexadecimal: what older indicators name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate_sha1: Option<String>,
    /// SHA-256 of the package file, in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Where it came from.
    #[serde(default)]
    pub source: AppSource,
}

impl App {
    /// The app in the form it is kept in: digests in lower case without colons, texts cut to [`LONGEST`] bytes. What
    /// cannot be a digest is left out; none if there is no identifier.
    pub fn tidy(self) -> Option<App> {
        Some(App {
            identifier: text(&self.identifier)?,
            name: self.name.as_deref().and_then(text),
            version: self.version.as_deref().and_then(text),
            certificate_sha256: self.certificate_sha256.as_deref().and_then(sha256),
            certificate_sha1: self.certificate_sha1.as_deref().and_then(sha1),
            sha256: self.sha256.as_deref().and_then(sha256),
            source: self.source,
        })
    }
}

/// The apps of a device in the form they are kept in: each [tidied](App::tidy), sorted, none twice, at most
/// [`MOST_APPS`].
pub fn tidy(apps: Vec<App>) -> Vec<App> {
    let mut apps: Vec<App> = apps.into_iter().filter_map(App::tidy).collect();
    apps.sort_unstable();
    apps.dedup();
    apps.truncate(MOST_APPS);
    apps
}

/// A SHA-256 digest in lower-case hexadecimal, as it may be written: either case, with or without colons.
pub fn sha256(written: &str) -> Option<String> {
    digest(written, 64)
}

/// A SHA-1 digest in lower-case hexadecimal, as it may be written: either case, with or without colons.
pub fn sha1(written: &str) -> Option<String> {
    digest(written, 40)
}

fn digest(written: &str, digits: usize) -> Option<String> {
    // Written with colons it is half as long again.
    if written.len() > 2 * digits {
        return None;
    }
    let digest: String = written.chars().filter(|c| *c != ':' && !c.is_whitespace()).collect();
    let good = digest.len() == digits && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    good.then(|| digest.to_ascii_lowercase())
}

/// A text without control characters and space around it, cut at a character border.
fn text(written: &str) -> Option<String> {
    let mut text: String = written.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned();
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn app(identifier: &str) -> App {
        App { identifier: identifier.to_owned(), ..App::default() }
    }

    #[test]
    fn digests_are_kept_in_one_form_and_what_is_none_is_left_out() {
        let written = "AB:".repeat(19) + "cd";
        assert_eq!(sha1(&written), Some("ab".repeat(19) + "cd"));
        assert_eq!(sha256(&"0F".repeat(32)), Some("0f".repeat(32)));
        for wrong in ["", "ab", &"g".repeat(40), &"a".repeat(64), &":".repeat(1000)] {
            assert_eq!(sha1(wrong), None, "{wrong}");
        }
        let tidied = App { certificate_sha1: Some("none".into()), name: Some(" \n ".into()), ..app(" a.b\0 ") }.tidy();
        assert_eq!(tidied, Some(app("a.b")));
        assert_eq!(app("\n").tidy(), None);
    }

    #[test]
    fn apps_are_sorted_without_doubles_and_bounded() {
        assert_eq!(tidy(vec![app("b"), app("a"), app("b "), app("")]), vec![app("a"), app("b")]);
        let many = (0..MOST_APPS + 5).map(|n| app(&format!("app{n}"))).collect();
        assert_eq!(tidy(many).len(), MOST_APPS);
        let long = tidy(vec![app(&"ü".repeat(200))]);
        assert_eq!(long.first().map(|app| app.identifier.len()), Some(254), "cut between characters");
    }
}
