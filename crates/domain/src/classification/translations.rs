//! What kinds of threats are called, and what to do about them, in any language.
//!
//! English is in the table and other languages have a file each: the id leads to the name and the text for the owner of
//! the phone. What a tenant writes itself stands before what is shipped.

use std::{collections::BTreeMap, sync::LazyLock};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Classification;
use crate::template::language::{self, ENGLISH};

/// What is said of a kind of threat in one language.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Texts<'a> {
    /// The name people read.
    pub name: &'a str,
    /// What the owner of the phone should do, addressed to them.
    pub advice: &'a str,
}

impl<'a> Texts<'a> {
    /// The advice by its sentences.
    pub fn steps(self) -> impl Iterator<Item = &'a str> {
        let mut rest = self.advice;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (sentence, after) = rest.split_at(sentence_end(rest));
            rest = after.trim_start();
            Some(sentence)
        })
    }
}

/// Where the first sentence ends: behind a mark that a space follows and then the beginning of another, neither a small
/// letter nor a digit; or behind one of those that no space follows.
fn sentence_end(text: &str) -> usize {
    let end = text.char_indices().find_map(|(at, mark)| {
        let end = at + mark.len_utf8();
        let begins = |next: &str| next.starts_with(|c: char| !c.is_lowercase() && !c.is_numeric());
        let ends = match mark {
            '。' | '！' | '？' => true,
            '.' | '!' | '?' | '…' | '؟' | '۔' | '।' => text[end..].strip_prefix(' ').is_some_and(begins),
            _ => false,
        };
        ends.then_some(end)
    });
    end.unwrap_or(text.len())
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
    /// The texts that are shipped in exactly this language.
    pub fn shipped(&self, language: &str) -> Option<Texts<'static>> {
        if language == ENGLISH {
            return Some(self.english());
        }
        let [name, advice] = *LANGUAGES.get(language)?.get(self.id)?;
        Some(Texts { name, advice })
    }

    fn english(&self) -> Texts<'static> {
        Texts { name: self.name, advice: self.user_text }
    }
}

/// What a tenant says of a kind of threat in one language.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct OwnText {
    /// The name people read, one line.
    pub name: String,
    /// What the owner of the phone should do, addressed to them, on one line. Each sentence is a step.
    pub user_text: String,
}

/// The longest name of one's own, in characters.
pub const LONGEST_NAME: usize = 60;
/// The longest text for the owner of a phone of one's own, in characters.
pub const LONGEST_USER_TEXT: usize = 500;

impl OwnText {
    /// What is wrong with it: JSON pointer and reason. Where there is no room for it, a message leaves it out.
    pub fn problems(&self) -> Vec<(&'static str, String)> {
        let members = [("/name", &self.name, LONGEST_NAME), ("/user_text", &self.user_text, LONGEST_USER_TEXT)];
        let wrong = members.into_iter().filter(|(_, text, longest)| {
            let odd = |c: char| c.is_control() || language::turns(c);
            !(1..=*longest).contains(&text.chars().count()) || text.trim() != *text || text.chars().any(odd)
        });
        let explained = |(pointer, _, longest)| {
            let detail = format!(
                "must be one line of 1 to {longest} characters, without spaces around, control characters or marks \
                 that turn the direction of text"
            );
            (pointer, detail)
        };
        wrong.map(explained).collect()
    }
}

/// What a tenant says of kinds of threats, by language.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OwnTexts {
    languages: BTreeMap<String, BTreeMap<String, OwnText>>,
}

impl OwnTexts {
    /// Puts a text in. `language` as [`language::normal`] writes it.
    pub fn set(&mut self, classification: &str, language: &str, text: OwnText) {
        self.languages.entry(language.to_owned()).or_default().insert(classification.to_owned(), text);
    }

    /// The languages with at least one text, sorted.
    pub fn languages(&self) -> impl Iterator<Item = &str> {
        self.languages.keys().map(String::as_str)
    }

    /// What is said of a kind in exactly this language; none if nobody has written that.
    pub fn get(&self, kind: &Classification, language: &str) -> Option<Texts<'_>> {
        let own = self.languages.get(language).and_then(|texts| texts.get(kind.id));
        own.map(|own| Texts { name: &own.name, advice: &own.user_text }).or_else(|| kind.shipped(language))
    }

    /// Whether anything is said of a kind in a language or what that is a variety of.
    pub fn is_said(&self, kind: &Classification, language: &str) -> bool {
        language::family(language).any(|one| self.get(kind, one).is_some())
    }

    /// What is said of a kind in the first of these languages there is a text in, else in English.
    pub fn best(&self, kind: &Classification, languages: &[String]) -> Texts<'_> {
        languages.iter().find_map(|language| self.get(kind, language)).unwrap_or_else(|| self.english(kind))
    }

    /// What is said of a kind in English.
    pub fn english(&self, kind: &Classification) -> Texts<'_> {
        self.get(kind, ENGLISH).unwrap_or_else(|| kind.english())
    }
}
