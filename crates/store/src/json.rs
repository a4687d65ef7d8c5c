//! Values kept as JSON text or as single words.

use serde::{Serialize, de::DeserializeOwned};

use crate::Error;

/// The JSON text of a value.
pub fn encode<T: Serialize>(value: &T) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::damaged("JSON value", error))
}

/// The value of a JSON text.
pub fn decode<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::damaged("JSON value", error))
}

/// The word an enum without fields is written as.
pub fn word<T: Serialize>(value: &T) -> Result<String, Error> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        Ok(other) => Err(Error::damaged("word", format!("{other} is no word"))),
        Err(error) => Err(Error::damaged("word", error)),
    }
}

/// The enum a word stands for.
pub fn from_word<T: DeserializeOwned>(word: String) -> Result<T, Error> {
    serde_json::from_value(serde_json::Value::String(word)).map_err(|error| Error::damaged("word", error))
}
