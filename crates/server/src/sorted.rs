//! Lists that are short by their nature: taken as a whole, and filtered, sorted and cut into pages in memory, with the
//! same parameters as lists that the database pages.

use std::fmt::Display;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    page::{List, Page},
    problem::Problem,
};

/// The longest `q`, in characters.
const LONGEST: usize = 100;

/// Where an item stands in its list: what it is sorted by, and its id where that is equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct Place {
    by: By,
    id: String,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum By {
    Number(i64),
    Text(String),
}

impl Place {
    /// By a number.
    pub fn number(number: i64, id: impl Display) -> Self {
        Self { by: By::Number(number), id: id.to_string() }
    }

    /// By a text, whatever its case.
    pub fn text(text: &str, id: impl Display) -> Self {
        Self { by: By::Text(text.to_lowercase()), id: id.to_string() }
    }
}

/// Which part of a list is wanted.
#[derive(Clone, Debug)]
pub struct Cut {
    after: Option<Place>,
    descending: bool,
    fetch: usize,
}

impl Cut {
    /// That part, in order, and the first item beyond it if there is one; each with its place.
    pub fn of<T>(&self, items: impl IntoIterator<Item = T>, place: impl Fn(&T) -> Place) -> Vec<(Place, T)> {
        let placed = items.into_iter().map(|item| (place(&item), item));
        let beyond = |place: &Place| match &self.after {
            Some(after) if self.descending => place < after,
            Some(after) => place > after,
            None => true,
        };
        let mut found: Vec<(Place, T)> = placed.filter(|(place, _)| beyond(place)).collect();
        found.sort_by(|(a, _), (b, _)| if self.descending { b.cmp(a) } else { a.cmp(b) });
        found.truncate(self.fetch);
        found
    }
}

impl<F, S: Copy + PartialEq + Serialize + DeserializeOwned> List<F, S> {
    /// Which part of the list is wanted.
    pub fn cut(&self) -> Result<Cut, Problem> {
        Ok(Cut { after: self.after()?, descending: self.descending, fetch: self.fetch() as usize })
    }

    /// The page of what [`Cut::of`] found.
    pub fn cut_page<T>(&self, found: Vec<(Place, T)>) -> Result<Page<T>, Problem> {
        let page = self.page(found, |(place, _)| place.clone())?;
        Ok(Page { items: page.items.into_iter().map(|(_, item)| item).collect(), next_cursor: page.next_cursor })
    }
}

/// What somebody typed to find something by its name.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(try_from = "String")]
pub struct Typed(Vec<String>);

impl TryFrom<String> for Typed {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.chars().count() {
            1..=LONGEST => Ok(Self(text.to_lowercase().split_whitespace().map(str::to_owned).collect())),
            _ => Err(format!("must have 1 to {LONGEST} characters")),
        }
    }
}

impl Typed {
    /// Whether each word of it is in one of the texts, whatever its case; so it is if nothing was typed.
    pub fn is_in(&self, texts: &[&str]) -> bool {
        let texts: Vec<String> = texts.iter().map(|text| text.to_lowercase()).collect();
        self.0.iter().all(|word| texts.iter().any(|text| text.contains(word)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;

    fn typed(text: &str) -> Typed {
        Typed::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn every_word_typed_is_found_whatever_its_case() {
        let texts = ["MTD High Risk Android", "Verschärft die Sperre"];
        for found in ["mtd", "HIGH and", "sperre android", "VERSCHÄRFT", "  "] {
            assert!(typed(found).is_in(&texts), "{found}");
        }
        assert!(!typed("mtd ios").is_in(&texts) && Typed::default().is_in(&[]));
        assert!(Typed::try_from(String::new()).is_err() && Typed::try_from("x".repeat(101)).is_err());
    }

    #[test]
    fn parts_follow_one_another_whatever_the_order() {
        let items = [(2, "b"), (1, "z"), (2, "B"), (3, "a"), (1, "y")];
        for (descending, all) in [(false, ["y", "z", "B", "b", "a"]), (true, ["a", "b", "B", "z", "y"])] {
            let (mut after, mut seen) = (None, Vec::new());
            loop {
                let cut = Cut { after: after.clone(), descending, fetch: 2 };
                let part = cut.of(items, |(number, id)| Place::number(*number, id));
                let Some((place, (_, id))) = part.into_iter().next() else { break };
                seen.push(id);
                after = Some(place);
            }
            assert_eq!(seen, all);
        }
        assert!(Place::text("a", 2) > Place::text("A", 1) && Place::text("B", 1) > Place::text("a", 2));
    }
}
