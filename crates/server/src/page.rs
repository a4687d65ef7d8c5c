//! Lists in pages: `limit`, `cursor` and `sort` in the query, beside the list's own filters.
//!
//! A cursor holds the sort keys of the last item shown, so that a page is found by an index and is right even when
//! items come and go in between. Callers must not look into it.

use axum::{extract::FromRequestParts, http::request::Parts};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use crate::{extract, problem::Problem};

/// Items of a page unless the caller says otherwise.
pub const DEFAULT_LIMIT: u32 = 50;
/// Most items of a page.
pub const MAX_LIMIT: u32 = 500;

const LONGEST_CURSOR: usize = 2048;

/// One page of a list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    pub next_cursor: Option<String>,
}

/// The parameters every list takes, for its description.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// The most items wanted.
    #[param(minimum = 1, maximum = 500, default = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before, with the same `sort` and filters.
    #[param(max_length = 2048)]
    pub cursor: Option<String>,
    /// What to sort by; `-` before it turns the order round.
    pub sort: Option<String>,
}

/// No filters.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

/// What is asked of a list: filters `F`, and a sort by one of the columns `S`, an enum of words with a default.
#[derive(Clone, Debug)]
pub struct List<F, S> {
    /// The most items wanted, 1 to [`MAX_LIMIT`].
    pub limit: u32,
    /// The list's own parameters.
    pub filter: F,
    /// The column to sort by.
    pub sort: S,
    /// Whether the greatest comes first.
    pub descending: bool,
    cursor: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Cursor<S, K> {
    s: S,
    d: bool,
    k: K,
}

impl<F, S: Copy + PartialEq + Serialize + DeserializeOwned> List<F, S> {
    /// The sort keys of the last item of the page before, if there was one.
    pub fn after<K: DeserializeOwned>(&self) -> Result<Option<K>, Problem> {
        self.after_one(|_| true)
    }

    /// The same for keys that only fit some columns.
    pub fn after_one<K: DeserializeOwned>(&self, fits: impl Fn(&K) -> bool) -> Result<Option<K>, Problem> {
        let Some(text) = &self.cursor else { return Ok(None) };
        let decoded = BASE64URL_NOPAD.decode(text.as_bytes()).ok();
        let cursor: Option<Cursor<S, K>> = decoded.and_then(|json| extract::parse(&json).ok());
        match cursor {
            Some(cursor) if cursor.s == self.sort && cursor.d == self.descending && fits(&cursor.k) => {
                Ok(Some(cursor.k))
            }
            _ => Err(Problem::invalid_field("cursor", "is not the next_cursor of a list with this sort")),
        }
    }

    /// How many items to fetch: one more than wanted, to see whether there is another page.
    pub fn fetch(&self) -> u32 {
        self.limit + 1
    }

    /// The page of the items fetched; `key` gives the sort keys of an item.
    pub fn page<T, K: Serialize>(&self, mut items: Vec<T>, key: impl Fn(&T) -> K) -> Result<Page<T>, Problem> {
        let more = items.len() > self.limit as usize;
        items.truncate(self.limit as usize);
        let next_cursor = match items.last() {
            Some(last) if more => {
                let cursor = Cursor { s: self.sort, d: self.descending, k: key(last) };
                let json = serde_json::to_vec(&cursor).map_err(|error| Problem::internal(&error))?;
                Some(BASE64URL_NOPAD.encode(&json))
            }
            _ => None,
        };
        Ok(Page { items, next_cursor })
    }
}

impl<F: DeserializeOwned, S: DeserializeOwned + Default> List<F, S> {
    fn parse(query: &str) -> Result<Self, Problem> {
        let mut list = PageParams::default();
        let mut rest = Vec::new();
        for (name, value) in extract::pairs(query)? {
            let place = match name.as_str() {
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                    let limit = limit.ok_or_else(|| Problem::invalid_field("limit", "must be 1 to 500"))?;
                    list.limit.replace(limit).is_some()
                }
                "cursor" => list.cursor.replace(value).is_some(),
                "sort" => list.sort.replace(value).is_some(),
                _ => {
                    rest.push((name, value));
                    continue;
                }
            };
            if place {
                return Err(Problem::invalid_field(name, "is given twice"));
            }
        }
        if list.cursor.as_ref().is_some_and(|cursor| cursor.len() > LONGEST_CURSOR) {
            return Err(Problem::invalid_field("cursor", "is too long"));
        }
        let (descending, sort) = match list.sort.as_deref() {
            None => (false, S::default()),
            Some(text) => {
                let (descending, word) = match text.strip_prefix('-') {
                    Some(word) => (true, word),
                    None => (false, text),
                };
                let sort = S::deserialize(serde::de::value::StrDeserializer::<serde::de::value::Error>::new(word));
                (descending, sort.map_err(|_| Problem::invalid_field("sort", "is not something to sort this list by"))?)
            }
        };
        Ok(List {
            limit: list.limit.unwrap_or(DEFAULT_LIMIT),
            filter: extract::from_pairs(&rest)?,
            sort,
            descending,
            cursor: list.cursor,
        })
    }
}

impl<F: DeserializeOwned, S: DeserializeOwned + Default, T: Sync> FromRequestParts<T> for List<F, S> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &T) -> Result<Self, Problem> {
        Self::parse(parts.uri.query().unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;

    #[derive(Clone, Copy, PartialEq, Debug, Default, Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum By {
        #[default]
        Name,
        LastSeen,
    }

    fn list(query: &str) -> Result<List<NoFilter, By>, Problem> {
        List::parse(query)
    }

    #[test]
    fn pages_follow_one_another_to_the_end() {
        let all: Vec<u32> = (0..7).collect();
        let mut seen = Vec::new();
        let mut query = "limit=3&sort=-last_seen".to_owned();
        loop {
            let list = list(&query).unwrap();
            let after: Option<u32> = list.after().unwrap();
            let fetched = all.iter().copied().filter(|n| after.is_none_or(|after| *n > after));
            let page = list.page(fetched.take(list.fetch() as usize).collect(), |n| *n).unwrap();
            seen.extend(page.items);
            match page.next_cursor {
                Some(cursor) => query = format!("limit=3&sort=-last_seen&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, all);
    }

    #[test]
    fn parameters_are_checked_by_name() {
        let wrong = |query: &str| {
            let problem = list(query).and_then(|list| list.after::<u32>()).unwrap_err();
            assert_eq!(problem.status, 422, "{query}");
            problem.errors[0].pointer.clone()
        };
        for limit in ["0", "501", "-1", "ten", "", "4294967296"] {
            assert_eq!(wrong(&format!("limit={limit}")), "limit");
        }
        assert_eq!(wrong("limit=1&limit=2"), "limit");
        assert_eq!(wrong("sort=colour"), "sort");
        assert_eq!(wrong("sort="), "sort");
        assert_eq!(wrong("colour=red"), "colour");
        assert_eq!(wrong("cursor=%21"), "cursor");
        assert_eq!(wrong(&format!("cursor={}", "A".repeat(5000))), "cursor");
        let page = list("limit=1").unwrap().page(vec![1, 2], |n| *n).unwrap();
        let cursor = page.next_cursor.unwrap();
        assert_eq!(list(&format!("cursor={cursor}")).unwrap().after::<u32>().unwrap(), Some(1));
        assert_eq!(wrong(&format!("cursor={cursor}&sort=-name")), "cursor");
        assert_eq!(wrong(&format!("cursor={cursor}&sort=last_seen")), "cursor");
        assert_eq!(wrong(&format!("cursor={}", &cursor[1..])), "cursor");
        assert_eq!((list("").unwrap().limit, list("").unwrap().sort), (50, By::Name));
    }

    proptest::proptest! {
        #[test]
        fn no_query_no_body_and_no_credential_makes_a_reader_panic(text in ".{0,200}", bytes: Vec<u8>) {
            if let Ok(list) = list(&text) {
                assert!((1..=MAX_LIMIT).contains(&list.limit));
                let _ = list.after::<(String, u32)>();
            }
            let _ = list(&format!("cursor={}", BASE64URL_NOPAD.encode(&bytes))).and_then(|list| list.after::<u32>());
            let _ = crate::extract::parse::<PageParams>(&bytes);
            let _ = crate::extract::parse::<PageParams>(text.as_bytes());
            let _ = crate::auth::Credential::parse(&text);
        }
    }
}
