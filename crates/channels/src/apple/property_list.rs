//! Property lists from devices, XML or binary, read with bounds.
//!
//! A binary list may refer to one object from many places, so that a few bytes stand for gigabytes; an XML list may nest
//! without end. What is counted here is what comes out, not what was sent. Entities of an XML list's own are not known.

use std::io::Cursor;

use data_encoding::BASE64;
use plist::{
    Dictionary, Value,
    stream::{Event, OwnedEvent, Reader},
};

/// The deepest nesting taken.
const MAX_DEPTH: usize = 32;
/// The most values taken, keys included.
const MAX_VALUES: usize = 400_000;
/// The most bytes of text and data taken, each counted as often as it is referred to.
const MAX_BYTES: usize = 24 * 1024 * 1024;

/// Why something is not a property list that is taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// Reads a property list whose root is a dictionary.
pub fn read(bytes: &[u8]) -> Result<Dictionary, Malformed> {
    let start = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let xml = start.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'<');
    if !xml && !bytes.starts_with(b"bplist00") {
        return Err(Malformed("is not a property list"));
    }
    if xml && declares_entities(start) {
        return Err(Malformed("the property list declares entities"));
    }
    let mut events = Events { reader: Reader::new(Cursor::new(bytes)), values: 0, bytes: 0 };
    let first = events.next()?.ok_or(Malformed("the property list is empty"))?;
    let Value::Dictionary(root) = events.value(first, 0)? else {
        return Err(Malformed("the property list is not a dictionary"));
    };
    match events.next()? {
        None => Ok(root),
        Some(_) => Err(Malformed("something follows the property list")),
    }
}

/// Whether entities are declared before the list begins. They are never put in; what refers to them would read as nothing.
fn declares_entities(xml: &[u8]) -> bool {
    let before = xml.windows(6).position(|some| some == b"<plist").unwrap_or(xml.len());
    xml.windows(8).take(before).any(|some| some == b"<!ENTITY")
}

struct Events<'a> {
    reader: Reader<Cursor<&'a [u8]>>,
    values: usize,
    bytes: usize,
}

impl Events<'_> {
    fn next(&mut self) -> Result<Option<OwnedEvent>, Malformed> {
        let event = self.reader.next().transpose().map_err(|_| Malformed("the property list is damaged"))?;
        let size = match &event {
            Some(Event::String(text)) => text.len(),
            Some(Event::Data(data)) => data.len(),
            _ => 0,
        };
        self.values += 1;
        self.bytes = self.bytes.saturating_add(size);
        if self.values > MAX_VALUES || self.bytes > MAX_BYTES {
            return Err(Malformed("the property list is too large"));
        }
        Ok(event)
    }

    /// The value that begins with an event, `depth` collections deep.
    fn value(&mut self, first: OwnedEvent, depth: usize) -> Result<Value, Malformed> {
        if depth >= MAX_DEPTH {
            return Err(Malformed("the property list is nested too deeply"));
        }
        let more = |event: Option<OwnedEvent>| event.ok_or(Malformed("the property list ends too early"));
        Ok(match first {
            Event::StartArray(_) => {
                let mut items = Vec::new();
                loop {
                    match more(self.next()?)? {
                        Event::EndCollection => return Ok(Value::Array(items)),
                        event => items.push(self.value(event, depth + 1)?),
                    }
                }
            }
            Event::StartDictionary(_) => {
                let mut members = Dictionary::new();
                loop {
                    let key = match more(self.next()?)? {
                        Event::EndCollection => return Ok(Value::Dictionary(members)),
                        Event::String(key) => key.into_owned(),
                        _ => return Err(Malformed("a key of a dictionary is not text")),
                    };
                    let event = more(self.next()?)?;
                    let value = self.value(event, depth + 1)?;
                    if members.insert(key, value).is_some() {
                        return Err(Malformed("a dictionary has a key twice"));
                    }
                }
            }
            Event::Boolean(value) => Value::Boolean(value),
            Event::Data(data) => Value::Data(data.into_owned()),
            Event::Date(date) => Value::Date(date),
            Event::Integer(number) => Value::Integer(number),
            Event::Real(number) => Value::Real(number),
            Event::String(text) => Value::String(text.into_owned()),
            Event::Uid(uid) => Value::Uid(uid),
            _ => return Err(Malformed("the property list holds something unknown")),
        })
    }
}

/// A property list as XML.
pub fn write(root: Dictionary) -> Result<Vec<u8>, plist::Error> {
    let mut bytes = Vec::new();
    Value::Dictionary(root).to_writer_xml(&mut bytes)?;
    Ok(bytes)
}

/// The same as JSON, to be shown: data in base64, dates as text, numbers that JSON has not as null.
pub fn to_json(value: &Value) -> serde_json::Value {
    use serde_json::Value as Json;
    match value {
        Value::Array(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Dictionary(members) => members_to_json(members),
        Value::Boolean(value) => Json::Bool(*value),
        Value::Data(data) => Json::String(BASE64.encode(data)),
        Value::Date(date) => Json::String(date.to_xml_format()),
        Value::Integer(number) => match (number.as_signed(), number.as_unsigned()) {
            (Some(signed), _) => signed.into(),
            (None, Some(unsigned)) => unsigned.into(),
            (None, None) => Json::Null,
        },
        Value::Real(number) => serde_json::Number::from_f64(*number).map_or(Json::Null, Json::Number),
        Value::String(text) => Json::String(text.clone()),
        Value::Uid(uid) => uid.get().into(),
        _ => Json::Null,
    }
}

/// A dictionary as JSON, see [`to_json`].
pub fn members_to_json(members: &Dictionary) -> serde_json::Value {
    serde_json::Value::Object(members.iter().map(|(key, value)| (key.clone(), to_json(value))).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn xml(body: &str) -> Vec<u8> {
        format!(
            "<?xml version=\"1.0\"?><!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
                 \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\"><plist version=\"1.0\">{body}</plist>"
        )
        .into_bytes()
    }

    fn why(bytes: &[u8]) -> &'static str {
        read(bytes).unwrap_err().0
    }

    /// A binary list from its objects, the first of which is the root. References take two bytes.
    fn binary(objects: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = b"bplist00".to_vec();
        let mut offsets = Vec::new();
        for object in objects {
            offsets.push(bytes.len() as u32);
            bytes.extend(object);
        }
        let table = bytes.len() as u64;
        offsets.iter().for_each(|offset| bytes.extend(offset.to_be_bytes()));
        bytes.extend([0; 6]);
        bytes.extend([4, 2]);
        for number in [objects.len() as u64, 0, table] {
            bytes.extend(number.to_be_bytes());
        }
        bytes
    }

    fn array(of: &[u16]) -> Vec<u8> {
        let mut object = vec![0xaf, 0x11];
        object.extend((of.len() as u16).to_be_bytes());
        of.iter().for_each(|place| object.extend(place.to_be_bytes()));
        object
    }

    /// A dictionary with one member: the key is object 1, the value object 2.
    fn root() -> Vec<Vec<u8>> {
        vec![vec![0xd1, 0, 1, 0, 2], vec![0x51, b'k']]
    }

    #[test]
    fn both_forms_are_read_with_everything_in_them() {
        let body = "<dict><key>a</key><array><true/><integer>-3</integer><real>1.5</real><data>AQI=</data>\
                    <date>2026-11-22T10:00:00Z</date><string>ü &amp; x</string></array><key>Unknown</key><dict/></dict>";
        let read_xml = read(&xml(body)).unwrap();
        let json = members_to_json(&read_xml);
        assert_eq!(
            json,
            serde_json::json!({"a": [true, -3, 1.5, "AQI=", "2026-11-22T10:00:00Z", "ü & x"], "Unknown": {}})
        );
        let mut bytes = Vec::new();
        Value::Dictionary(read_xml.clone()).to_writer_binary(&mut bytes).unwrap();
        assert_eq!(read(&bytes).unwrap(), read_xml);
        assert_eq!(read(&write(read_xml.clone()).unwrap()).unwrap(), read_xml);
    }

    #[test]
    fn garbage_is_refused() {
        for bytes in [&b""[..], b"{}", b"bplist00", b"<", b"<plist><dict><key>a</key></dict></plist>", b"( a, b )"] {
            read(bytes).unwrap_err();
        }
        assert_eq!(why(&xml("<array/>")), "the property list is not a dictionary");
        assert_eq!(why(&xml("<dict><key>a</key><true/><key>a</key><false/></dict>")), "a dictionary has a key twice");
        let entity = "<!DOCTYPE plist [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><plist version=\"1.0\"><dict>\
                      <key>a</key><string>&e;</string></dict></plist>";
        assert_eq!(why(entity.as_bytes()), "the property list declares entities");
    }

    #[test]
    fn nesting_is_bounded() {
        let deep = |depth: usize| {
            xml(&format!("<dict><key>a</key>{}{}</dict>", "<array>".repeat(depth), "</array>".repeat(depth)))
        };
        assert!(read(&deep(MAX_DEPTH - 1)).is_ok());
        assert_eq!(why(&deep(MAX_DEPTH)), "the property list is nested too deeply");
        assert_eq!(why(&deep(100_000)), "the property list is nested too deeply");
        let mut objects = root();
        objects.extend((3..1000).map(|next| array(&[next])));
        objects.push(array(&[]));
        assert_eq!(why(&binary(&objects)), "the property list is nested too deeply");
    }

    #[test]
    fn references_to_the_same_thing_do_not_multiply() {
        let mut itself = root();
        itself.push(array(&[2]));
        read(&binary(&itself)).unwrap_err();
        // Each refers twice to the next: 2 to the power of 20 in 100 bytes.
        let mut bomb = root();
        bomb.extend((3..23).map(|next| array(&[next, next])));
        bomb.push(array(&[]));
        assert_eq!(why(&binary(&bomb)), "the property list is too large");
        // A thousand references to 64 kB.
        let mut large = root();
        large.push(array(&[3; 1000]));
        large.push([&[0x4f, 0x12][..], &65_536_u32.to_be_bytes(), &[7; 65_536]].concat());
        assert_eq!(why(&binary(&large)), "the property list is too large");
        let mut far = root();
        far.push(array(&[60_000]));
        read(&binary(&far)).unwrap_err();
        // A count that promises what is not there.
        let mut huge = root();
        huge.push([&[0xaf, 0x13][..], &u64::MAX.to_be_bytes()].concat());
        read(&binary(&huge)).unwrap_err();
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, at in 0_usize..400, byte: u8) {
            let _ = read(&bytes);
            let _ = read(&[b"bplist00", &bytes[..]].concat());
            let _ = read(&[b"<plist><dict>", &bytes[..]].concat());
            let mut objects = root();
            objects.push(array(&[3, 1, 3]));
            objects.push(vec![0x62, 0, 0x41, 0, 0x42]);
            let mut good = binary(&objects);
            assert!(read(&good).is_ok());
            if let Some(place) = good.get_mut(at) {
                *place = byte;
            }
            let _ = read(&good);
        }
    }
}
