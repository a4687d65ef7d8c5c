//! Bodies that hold one item, an array of items, or one item a line, where a bad item does not spoil the others.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _, SeqAccess, Visitor},
};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::{
    extract::{self, bytes},
    problem::Problem,
};

/// The most items of one request.
pub(crate) const MOST: usize = 10_000;

/// The media types of lines of JSON.
const LINES: [&str; 3] = ["application/x-ndjson", "application/ndjson", "application/jsonl"];

/// An item that was refused.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub(crate) struct Rejected {
    /// Its place in the request, from 0; empty lines do not count.
    pub(crate) index: usize,
    /// Why, for programs.
    #[schema(example = "unknown_device")]
    pub(crate) code: &'static str,
    /// Why, for people; names the member.
    pub(crate) detail: String,
}

/// A body of several items. An extractor: 415 for another media type, 400 for what is not JSON as a whole, 413 for more
/// than [`MOST`] items.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    body: Bytes,
    lines: bool,
}

impl<S: Send + Sync> FromRequest<S> for Batch {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let media = extract::media_type(request.headers()).unwrap_or_default();
        let lines = LINES.contains(&media.as_str());
        if !lines && media != "application/json" {
            return Err(Problem::unsupported_media_type("application/json or application/x-ndjson"));
        }
        Ok(Self { body: bytes(request, state).await?, lines })
    }
}

impl Batch {
    /// The text of each item.
    pub(crate) fn items(&self) -> Result<Vec<&str>, Problem> {
        let text = std::str::from_utf8(&self.body).map_err(|_| Problem::bad_request("The body is not UTF-8."))?;
        if self.lines {
            let mut items = Vec::new();
            for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
                if items.len() == MOST {
                    return Err(too_many());
                }
                items.push(line);
            }
            return Ok(items);
        }
        match text.trim_start().as_bytes().first() {
            None => Err(Problem::bad_request("The body is empty; send JSON.")),
            Some(b'[') => {
                let items: serde_json::Result<Bounded<'_>> = serde_json::from_str(text);
                let items = items.map_err(|error| if error.is_data() { too_many() } else { not_json(&error) })?;
                Ok(items.0.into_iter().map(RawValue::get).collect())
            }
            Some(_) => {
                let item: &RawValue = serde_json::from_str(text).map_err(|error| not_json(&error))?;
                Ok(vec![item.get()])
            }
        }
    }
}

/// Reads an item, or says what is wrong with it.
pub(crate) fn read<T: DeserializeOwned>(item: &str) -> Result<T, String> {
    extract::parse(item.as_bytes()).map_err(|problem| problem.detail.replacen("The body", "The item", 1))
}

fn too_many() -> Problem {
    let mut problem = Problem::too_large();
    problem.detail = format!("The body has more than {MOST} items.");
    problem
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::bad_request(format!("The body is not JSON: line {}, column {}.", error.line(), error.column()))
}

/// At most [`MOST`] values; one more is a data error.
struct Bounded<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Bounded<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;
        impl<'de> Visitor<'de> for Items {
            type Value = Bounded<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Bounded<'de>, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    if items.len() == MOST {
                        return Err(A::Error::custom("too many items"));
                    }
                    items.push(item);
                }
                Ok(Bounded(items))
            }
        }
        deserializer.deserialize_seq(Items)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;

    fn batch(text: &str, lines: bool) -> Batch {
        Batch { body: Bytes::copy_from_slice(text.as_bytes()), lines }
    }

    fn status(text: &str, lines: bool) -> u16 {
        batch(text, lines).items().map_or_else(|problem| problem.status.as_u16(), |_| 200)
    }

    #[test]
    fn items_come_alone_in_an_array_or_one_a_line() {
        let items = |text: &str, lines| batch(text, lines).items().unwrap().join("|");
        assert_eq!(items(" {\"a\": [1]} ", false), "{\"a\": [1]}");
        assert_eq!(items("[1, {\"a\":2} ,\"x\"]", false), "1|{\"a\":2}|\"x\"");
        assert_eq!(items("[]", false), "");
        assert_eq!(items("{}\r\n\n  nonsense  \n{}", true), "{}|nonsense|{}");
        assert_eq!(items("", true), "");
    }

    #[test]
    fn what_is_not_json_as_a_whole_or_too_much_is_refused() {
        for text in ["", " ", "[1", "{}{}", "[1] 2", "nonsense"] {
            assert_eq!(status(text, false), 400, "{text}");
        }
        assert_eq!(Batch { body: Bytes::from_static(b"\xff"), lines: true }.items().unwrap_err().status, 400);
        for (count, expected) in [(MOST, 200), (MOST + 1, 413)] {
            assert_eq!(status(&format!("[{}]", vec!["0"; count].join(",")), false), expected);
            assert_eq!(status(&"0\n".repeat(count), true), expected);
        }
        assert_eq!(status(&"[".repeat(100_000), false), 400);
    }

    proptest::proptest! {
        #[test]
        fn no_body_makes_a_reader_panic(bytes: Vec<u8>, member in "[a-z_]{1,12}", value in ".{0,40}", lines: bool) {
            let mut item = serde_json::json!({
                "event_id": "e", "source": "s", "device": { "external_id": "d" }, "threat_id": "t",
                "classification": "trojan", "status": "open", "detected_at": "2026-03-01T00:00:00Z",
            });
            item[member.as_str()] = value.into();
            for body in [Bytes::from(bytes), Bytes::from(item.to_string())] {
                for item in (Batch { body, lines }).items().unwrap_or_default() {
                    let _ = read::<allclear_domain::detection::Detection>(item);
                    let _ = read::<allclear_domain::detection::SourceEvent>(item);
                    let _ = read::<crate::agent::AgentDetection>(item);
                }
            }
        }
    }
}
