//! What kinds of threats are called, and what to do about them, in other languages than English.
//!
//! One file for each language: the id leads to the name and the text for the owner of the phone. A language without a
//! file, or a row without a text, is served in English.

use std::{collections::BTreeMap, sync::LazyLock};

use super::Classification;

/// What is said of a kind of threat in one language.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Texts {
    /// The name people read.
    pub name: &'static str,
    /// What the owner of the phone should do, addressed to them; at most 200 characters.
    pub advice: &'static str,
}

type Rows = BTreeMap<&'static str, [&'static str; 2]>;

pub(super) static LANGUAGES: LazyLock<BTreeMap<&'static str, Rows>> = LazyLock::new(|| {
    let files = [("de", include_str!("../../templates/de/classifications.json"))];
    files.into_iter().map(|(language, file)| (language, rows(file))).collect()
});

#[expect(clippy::expect_used, reason = "the files are built in, and a test reads them all")]
fn rows(file: &'static str) -> Rows {
    let owned: BTreeMap<String, [String; 2]> = serde_json::from_str(file).expect("a file of texts");
    // Kept for as long as the program runs, like the English ones.
    owned
        .into_iter()
        .map(|(id, texts)| {
            let texts: [&'static str; 2] = texts.map(|text| &*text.leak());
            (&*id.leak(), texts)
        })
        .collect()
}

impl Classification {
    /// The texts in a language or what it is a variety of, else in English.
    pub fn texts(&self, language: &str) -> Texts {
        let family = language.split('-').next().unwrap_or_default();
        let found = [language, family].into_iter().find_map(|tag| LANGUAGES.get(tag)?.get(self.id));
        let [name, advice] = found.copied().unwrap_or([self.name, self.user_text]);
        Texts { name, advice }
    }
}
