//! Lists in YAML, as those of stalkerware are kept: an entry for each software, with its packages, certificates and
//! servers.
//!
//! Also what an organisation writes for its own list. Bounded in depth, and without aliases, by which a short text can
//! stand for an endless one.

use allclear_domain::{
    classification,
    indicator::{Indicator, IndicatorKind},
};
use saphyr_parser::{Event, Parser, StrInput};

use super::Gathered;

/// How deep an entry may be nested: the lists in use need three levels.
const DEEPEST: usize = 8;
/// The kind of threat that software is which is not said to be of a known kind.
const SOFTWARE: &str = "malware";

/// A value.
enum Node {
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Node)>),
}

pub(super) fn read(text: &str, found: &mut Gathered) -> Result<(), String> {
    let mut reader = Reader { parser: Parser::new_from_str(text) };
    loop {
        match reader.next()? {
            Event::SequenceStart(..) => break,
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            _ => return Err("is neither a STIX bundle nor a list in YAML".to_owned()),
        }
    }
    for place in 1.. {
        let node = match reader.next()? {
            Event::SequenceEnd => break,
            event => reader.node(event, 0)?,
        };
        match node {
            Node::Map(members) => entry(place, &members, found),
            Node::Text(_) | Node::List(_) => found.skip(&format!("entry {place}"), "is not a map"),
        }
    }
    match (reader.next()?, reader.next()?) {
        (Event::DocumentEnd, Event::StreamEnd) => Ok(()),
        _ => Err("holds more than one list".to_owned()),
    }
}

struct Reader<'a> {
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> Reader<'a> {
    fn next(&mut self) -> Result<Event<'a>, String> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(error)) => Err(format!("is no YAML: {error}")),
            None => Err("is no YAML: it ends too soon".to_owned()),
        }
    }

    /// The value that begins with this event.
    fn node(&mut self, event: Event<'a>, depth: usize) -> Result<Node, String> {
        if depth > DEEPEST {
            return Err(format!("is nested deeper than {DEEPEST} levels"));
        }
        Ok(match event {
            Event::Scalar(text, ..) => Node::Text(text.into_owned()),
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break Node::List(items),
                        event => items.push(self.node(event, depth + 1)?),
                    }
                }
            }
            Event::MappingStart(..) => {
                let mut members = Vec::new();
                loop {
                    let name = match self.next()? {
                        Event::MappingEnd => break Node::Map(members),
                        Event::Scalar(name, ..) => name.into_owned(),
                        _ => return Err("has a key that is no text".to_owned()),
                    };
                    let event = self.next()?;
                    members.push((name, self.node(event, depth + 1)?));
                }
            }
            Event::Alias(_) => return Err("has an alias, which is not taken here".to_owned()),
            _ => return Err("is no YAML: it ends too soon".to_owned()),
        })
    }
}

/// The texts of a list, or the one text that stands instead of it.
fn texts(node: &Node) -> Vec<&str> {
    match node {
        Node::Text(text) if !text.is_empty() => vec![text],
        Node::List(items) => items.iter().flat_map(texts).collect(),
        Node::Text(_) | Node::Map(_) => Vec::new(),
    }
}

/// The kind of threat for a type in a list.
fn of_type(name: &str) -> &'static str {
    if name.eq_ignore_ascii_case("watchware") {
        // What parents and employers use openly.
        return "riskware";
    }
    let known = classification::find(classification::canonical(name));
    known.filter(|known| known.id != classification::UNKNOWN).map_or(SOFTWARE, |known| known.id)
}

fn entry(place: usize, members: &[(String, Node)], found: &mut Gathered) {
    let one = |wanted: &str| {
        let node = members.iter().find(|(name, _)| name == wanted).map(|(_, node)| node);
        node.and_then(|node| texts(node).into_iter().next())
    };
    let Some(name) = one("name") else {
        found.skip(&format!("entry {place}"), "has no name");
        return;
    };
    let software = of_type(one("type").unwrap_or_default());
    let mut add = |kind: IndicatorKind, written: &str| {
        let indicator = Indicator {
            kind,
            value: String::new(),
            name: name.to_owned(),
            classification: super::classification(kind, software),
            reference: None,
            valid_from: None,
            valid_until: None,
        };
        found.add(written, indicator);
    };
    let mut left = Vec::new();
    for (member, node) in members {
        let kind = match member.as_str() {
            "packages" | "ios_bundles" => IndicatorKind::AppIdentifier,
            "websites" | "distribution" => IndicatorKind::Domain,
            "certificates" => {
                for text in texts(node) {
                    let long = text.chars().filter(char::is_ascii_hexdigit).count() > 40;
                    let kind = if long { IndicatorKind::CertificateSha256 } else { IndicatorKind::CertificateSha1 };
                    add(kind, text);
                }
                continue;
            }
            "c2" => {
                if let Node::Map(members) = node {
                    for (member, node) in members {
                        if member == "domains" {
                            texts(node).into_iter().for_each(|text| add(IndicatorKind::Domain, text));
                        } else {
                            left.extend(texts(node).into_iter().map(|text| (format!("c2.{member}"), text)));
                        }
                    }
                }
                continue;
            }
            "name" | "names" | "type" => continue,
            _ => {
                left.extend(texts(node).into_iter().map(|text| (member.clone(), text)));
                continue;
            }
        };
        texts(node).into_iter().for_each(|text| add(kind, text));
    }
    for (member, text) in left {
        found.skip(text, format!("{member} of {name} is not reported by devices"));
    }
}
