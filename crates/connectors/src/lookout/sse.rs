//! A parser for server-sent events (the `text/event-stream` format of the HTML standard) with bounded memory.
//!
//! Differs from the standard in two points: an event without data is handed out when it has a name or a retry time,
//! because the feed's `reconnect` has no data, and the last event id is not carried over to events without one.
//!
//! Must not know what the events mean, nor where the bytes come from.

use std::time::Duration;

/// One event of a stream.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Message {
    /// The event's name; empty where it has none.
    pub event: String,
    /// The lines of data, joined by line feeds.
    pub data: String,
    /// The id given with this event; an empty one is none.
    pub id: Option<String>,
    /// How long to wait before connecting again.
    pub retry: Option<Duration>,
    /// The event was longer than the parser takes: the rest of it is missing.
    pub cut: bool,
}

/// Names, ids and times are taken up to this length even when the data has used up the limit.
const SHORT_LINE: usize = 1024;

/// Turns pieces of a stream into events. Takes any bytes; keeps at most about the limit of one event.
#[derive(Debug)]
pub struct Parser {
    max: usize,
    line: Vec<u8>,
    /// The current line has bytes, kept or not.
    in_line: bool,
    line_is_cut: bool,
    message: Message,
    has_data: bool,
    /// The last byte was a carriage return, so that a line feed now belongs to the same line end.
    after_return: bool,
    /// Still in the first line, where a byte order mark may stand.
    at_start: bool,
}

impl Parser {
    /// A parser for one stream that keeps about `max` bytes of an event's data; what is longer comes out cut.
    pub fn new(max: usize) -> Self {
        Self {
            max,
            line: Vec::new(),
            in_line: false,
            line_is_cut: false,
            message: Message::default(),
            has_data: false,
            after_return: false,
            at_start: true,
        }
    }

    /// Takes the next piece of the stream and appends the events that end in it.
    pub fn push(&mut self, mut bytes: &[u8], messages: &mut Vec<Message>) {
        if bytes.is_empty() {
            return;
        }
        if std::mem::take(&mut self.after_return) {
            bytes = bytes.strip_prefix(b"\n").unwrap_or(bytes);
        }
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            let (line, line_end) = bytes.split_at(end);
            self.keep(line);
            self.end_line(messages);
            self.after_return = line_end == b"\r";
            bytes = line_end.strip_prefix(b"\r\n").or(line_end.get(1..)).unwrap_or_default();
        }
        self.keep(bytes);
    }

    /// Adds to the current line what still fits.
    fn keep(&mut self, bytes: &[u8]) {
        let room = self.max.saturating_sub(self.message.data.len()).max(SHORT_LINE);
        let kept = bytes.get(..room.saturating_sub(self.line.len())).unwrap_or(bytes);
        self.line.extend_from_slice(kept);
        self.line_is_cut |= kept.len() < bytes.len();
        self.in_line |= !bytes.is_empty();
    }

    fn end_line(&mut self, messages: &mut Vec<Message>) {
        let line = std::mem::take(&mut self.line);
        let mut line = line.as_slice();
        let mut is_blank = !std::mem::take(&mut self.in_line);
        let is_cut = std::mem::take(&mut self.line_is_cut);
        if std::mem::take(&mut self.at_start)
            && let Some(rest) = line.strip_prefix("\u{feff}".as_bytes())
        {
            line = rest;
            is_blank = rest.is_empty();
        }
        if is_blank {
            return self.end_message(messages);
        }
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(colon) => (line.get(..colon).unwrap_or_default(), line.get(colon + 1..).unwrap_or_default()),
            None => (line, [].as_slice()),
        };
        let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
        match name {
            b"data" => self.add_data(&value, is_cut),
            b"event" => self.message.event = value.into_owned(),
            b"id" if !value.contains('\0') => self.message.id = Some(value.into_owned()).filter(|id| !id.is_empty()),
            b"retry" if value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.message.retry = value.parse().ok().map(Duration::from_millis);
            }
            _ => {}
        }
    }

    fn add_data(&mut self, value: &str, is_cut: bool) {
        self.message.cut |= is_cut;
        if std::mem::replace(&mut self.has_data, true) {
            if self.message.data.len() >= self.max {
                self.message.cut = true;
                return;
            }
            self.message.data.push('\n');
        }
        self.message.data.push_str(value);
    }

    fn end_message(&mut self, messages: &mut Vec<Message>) {
        let message = std::mem::take(&mut self.message);
        let has_data = std::mem::take(&mut self.has_data);
        if has_data || !message.event.is_empty() || message.retry.is_some() {
            messages.push(message);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use proptest::prelude::*;

    use super::*;

    fn parse(stream: &[u8]) -> Vec<Message> {
        let mut messages = Vec::new();
        Parser::new(1 << 20).push(stream, &mut messages);
        messages
    }

    fn message(event: &str, data: &str, id: Option<&str>) -> Message {
        Message { event: event.into(), data: data.into(), id: id.map(Into::into), ..Message::default() }
    }

    #[test]
    fn events_as_the_feed_writes_them() {
        let stream =
            b"event:heartbeat\ndata:{}\n\nid:7\nevent:events\ndata:[1,\ndata:2]\n\nevent:reconnect\nretry:1500\n\n";
        assert_eq!(
            parse(stream),
            [
                message("heartbeat", "{}", None),
                message("events", "[1,\n2]", Some("7")),
                Message { retry: Some(Duration::from_millis(1500)), ..message("reconnect", "", None) },
            ]
        );
    }

    #[test]
    fn the_standards_finer_points() {
        assert_eq!(parse(b"\xef\xbb\xbfdata: a\n\n"), [message("", "a", None)], "byte order mark, one space");
        assert_eq!(parse(b"data:  a\r\rdata\r\n\r\n"), [message("", " a", None), message("", "", None)]);
        assert_eq!(parse(b": comment\n\nother: x\nid: 1\n\n"), [], "nothing to hand out");
        assert_eq!(parse(b"id: a\0b\ndata: x\n\n"), [message("", "x", None)], "an id with a NUL is ignored");
        assert_eq!(parse(b"retry: 1s\ndata: x\n\n"), [message("", "x", None)]);
        assert_eq!(parse(b"data: unfinished\n"), [], "an event that was not ended is not one");
        assert_eq!(parse(b"\xef\xbb\xbf\ndata: \xff\n\n"), [message("", "\u{fffd}", None)]);
    }

    #[test]
    fn an_event_beyond_the_limit_is_cut_and_the_next_one_whole() {
        let long = "x".repeat(5_000);
        let stream = format!(":{long}\ndata:{long}\ndata:{long}\nid:after\n\ndata:ok\n\n");
        let mut messages = Vec::new();
        Parser::new(2_000).push(stream.as_bytes(), &mut messages);
        assert_eq!(messages.len(), 2);
        assert!(messages[0].cut && messages[0].data.len() <= 2_000 + SHORT_LINE);
        assert_eq!(messages[0].id.as_deref(), Some("after"));
        assert_eq!(messages[1], message("", "ok", None));
    }

    #[test]
    fn a_line_end_may_come_in_pieces() {
        let mut parser = Parser::new(100);
        let mut messages = Vec::new();
        for piece in ["event:a\r", "", "\ndata:b\r", "\n", "\r", "", "\n"] {
            parser.push(piece.as_bytes(), &mut messages);
        }
        assert_eq!(messages, [message("a", "b", None)]);
    }

    fn line_end() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["\n", "\r\n", "\r"])
    }

    fn split(stream: &[u8], max: usize, cuts: &[usize]) -> Vec<Message> {
        let mut parser = Parser::new(max);
        let mut messages = Vec::new();
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (stream.len() + 1)).collect();
        cuts.sort_unstable();
        let mut from = 0;
        for to in cuts.into_iter().chain([stream.len()]) {
            parser.push(&stream[from..to], &mut messages);
            from = to;
        }
        messages
    }

    proptest! {
        #[test]
        fn any_bytes_cut_anywhere_give_the_same_bounded_events(
            pieces in prop::collection::vec(
                prop_oneof![
                    Just(b"data:".to_vec()), Just(b"id:".to_vec()), Just(b"event:".to_vec()), Just(b"retry:9".to_vec()),
                    Just(b"\n".to_vec()), Just(b"\r".to_vec()), Just(b"\r\n".to_vec()), Just(vec![b'x'; 700]),
                    prop::collection::vec(any::<u8>(), 0..20),
                ],
                0..60,
            ),
            cuts in prop::collection::vec(any::<usize>(), 0..20),
            max in 0_usize..3_000,
        ) {
            let stream = pieces.concat();
            let whole = split(&stream, max, &[]);
            prop_assert_eq!(&split(&stream, max, &cuts), &whole);
            for message in whole {
                // A byte that is not text takes three.
                prop_assert!(message.data.len() <= 3 * (max + SHORT_LINE));
                prop_assert!(message.event.len() <= 3 * max.max(SHORT_LINE));
            }
        }

        #[test]
        fn what_is_written_is_read(
            messages in prop::collection::vec(
                ("[a-z]{1,10}", prop::collection::vec("[^\r\n]{0,30}", 1..4), prop::option::of("[a-z0-9-]{1,20}")),
                0..10,
            ),
            end in line_end(),
            cuts in prop::collection::vec(any::<usize>(), 0..20),
        ) {
            let mut stream = String::new();
            let mut expected = Vec::new();
            for (event, lines, id) in messages {
                if let Some(id) = &id {
                    stream += &format!("id: {id}{end}");
                }
                stream += &format!("event:{event}{end}");
                for line in &lines {
                    stream += &format!("data: {line}{end}");
                }
                stream += end;
                expected.push(message(&event, &lines.join("\n"), id.as_deref()));
            }
            prop_assert_eq!(split(stream.as_bytes(), 1 << 20, &cuts), expected);
        }
    }
}
