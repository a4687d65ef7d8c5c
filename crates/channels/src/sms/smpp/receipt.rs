//! Receipts of an SMSC, from what it calls a message and what became of it: in parameters of their own, or in the text
//! as appendix B of the standard has it.

use rusmpp::{
    pdus::DeliverSm,
    tlvs::TlvValue,
    values::{MessageState, MessageType},
};

use super::super::Receipt;

/// What an SMSC delivered.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Delivered {
    /// The last news of a message.
    Receipt(Receipt),
    /// News of a message on its way.
    OnItsWay,
    /// A receipt that does not say of what.
    Unreadable(String),
    /// A message from a phone.
    Message,
}

/// Reads what was delivered.
pub(super) fn read(delivered: &DeliverSm) -> Delivered {
    let (mut name, mut state, mut payload) = (None, None, None);
    for value in delivered.tlvs().iter().filter_map(|tlv| tlv.value()) {
        match value {
            TlvValue::ReceiptedMessageId(id) => name = Some(id.as_str().to_owned()),
            TlvValue::MessageState(found) => state = Some(*found),
            TlvValue::MessagePayload(text) => payload = Some(text.value.as_ref()),
            _ => {}
        }
    }
    let is_receipt =
        delivered.esm_class.message_type == MessageType::ShortMessageContainsMCDeliveryReceipt || name.is_some();
    if !is_receipt {
        return Delivered::Message;
    }
    let text = payload.unwrap_or(delivered.short_message().as_ref());
    let text = String::from_utf8_lossy(text).into_owned();
    let said = Said::read(&text);
    let name = name.or_else(|| said.id.map(str::to_owned));
    let delivered = state.and_then(outcome).or_else(|| said.state.and_then(outcome_of_word));
    match (name, delivered) {
        (Some(message_id), Some(Some(delivered))) => {
            let answer = match (said.state, state) {
                (Some(word), _) => {
                    format!("{word}{}", said.error.map(|code| format!(", error {code}")).unwrap_or_default())
                }
                (None, Some(state)) => format!("message state {}", u8::from(state)),
                (None, None) => text,
            };
            Delivered::Receipt(Receipt { message_id, delivered, answer })
        }
        (Some(_), Some(None)) => Delivered::OnItsWay,
        _ => Delivered::Unreadable(text),
    }
}

/// What the text of a receipt says.
#[derive(Default)]
struct Said<'a> {
    id: Option<&'a str>,
    state: Option<&'a str>,
    error: Option<&'a str>,
}

impl<'a> Said<'a> {
    fn read(text: &'a str) -> Self {
        let mut said = Self::default();
        for word in text.split_ascii_whitespace() {
            let Some((key, value)) = word.split_once(':') else { continue };
            match key.to_ascii_lowercase().as_str() {
                "id" => said.id = Some(value).filter(|value| !value.is_empty()),
                "stat" => said.state = Some(value),
                "err" => said.error = Some(value).filter(|value| value.bytes().any(|octet| octet != b'0')),
                // The beginning of the message follows, which may look like anything.
                "text" => break,
                _ => {}
            }
        }
        said
    }
}

/// Whether a message in this state has arrived, as far as that is decided; none if the state says nothing.
fn outcome(state: MessageState) -> Option<Option<bool>> {
    match state {
        MessageState::Delivered => Some(Some(true)),
        MessageState::Expired
        | MessageState::Deleted
        | MessageState::Undeliverable
        | MessageState::Rejected
        | MessageState::Skipped => Some(Some(false)),
        MessageState::Scheduled | MessageState::Enroute | MessageState::Accepted | MessageState::Unknown => Some(None),
        MessageState::Other(_) => None,
    }
}

fn outcome_of_word(word: &str) -> Option<Option<bool>> {
    let state = match word.to_ascii_uppercase().as_str() {
        "DELIVRD" => MessageState::Delivered,
        "EXPIRED" => MessageState::Expired,
        "DELETED" => MessageState::Deleted,
        "UNDELIV" => MessageState::Undeliverable,
        "REJECTD" => MessageState::Rejected,
        "SKIPPED" => MessageState::Skipped,
        "ENROUTE" => MessageState::Enroute,
        "ACCEPTD" => MessageState::Accepted,
        "UNKNOWN" => MessageState::Unknown,
        _ => return None,
    };
    outcome(state)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

    use proptest::prelude::*;
    use rusmpp::{
        tlvs::MessageDeliveryRequestTlvValue,
        types::{AnyOctetString, OctetString},
        values::{EsmClass, MessagePayload},
    };

    use super::*;

    fn delivered(esm_class: u8, text: &[u8], tlvs: Vec<MessageDeliveryRequestTlvValue>) -> DeliverSm {
        DeliverSm::builder()
            .esm_class(EsmClass::from(esm_class))
            .short_message(OctetString::from_slice(text).unwrap())
            .tlvs(tlvs)
            .build()
    }

    fn receipt(message_id: &str, delivered: bool, answer: &str) -> Delivered {
        Delivered::Receipt(Receipt { message_id: message_id.to_owned(), delivered, answer: answer.to_owned() })
    }

    #[test]
    fn receipts_are_read_from_their_text() {
        let standard = "id:0123456789 sub:001 dlvrd:001 submit date:2611220600 done date:2611220601 stat:DELIVRD \
                        err:000 text:Acme: Trojan on";
        for (text, read) in [
            (standard, receipt("0123456789", true, "DELIVRD")),
            ("id:ab-1 stat:UNDELIV err:021 Text:id:9 stat:DELIVRD", receipt("ab-1", false, "UNDELIV, error 021")),
            ("ID:7 STAT:expired", receipt("7", false, "expired")),
            ("id:7 stat:REJECTD err:11", receipt("7", false, "REJECTD, error 11")),
            ("id:7 stat:ENROUTE", Delivered::OnItsWay),
            ("id:7 stat:ACCEPTD", Delivered::OnItsWay),
            ("id:7 stat:WHATEVER", Delivered::Unreadable("id:7 stat:WHATEVER".to_owned())),
            ("id: stat:DELIVRD", Delivered::Unreadable("id: stat:DELIVRD".to_owned())),
            ("", Delivered::Unreadable(String::new())),
        ] {
            assert_eq!(super::read(&delivered(0x04, text.as_bytes(), vec![])), read, "{text}");
        }
        assert_eq!(super::read(&delivered(0x00, standard.as_bytes(), vec![])), Delivered::Message);
    }

    #[test]
    fn parameters_say_more_than_the_text() {
        let id = || MessageDeliveryRequestTlvValue::ReceiptedMessageId("A7".parse().unwrap());
        let state = |state| MessageDeliveryRequestTlvValue::MessageState(MessageState::from(state));
        let payload = |text: &str| {
            let value = AnyOctetString::from_slice(text.as_bytes());
            MessageDeliveryRequestTlvValue::MessagePayload(MessagePayload::new(value))
        };
        assert_eq!(read(&delivered(0x04, b"", vec![id(), state(2)])), receipt("A7", true, "message state 2"));
        assert_eq!(read(&delivered(0x00, b"", vec![id(), state(5)])), receipt("A7", false, "message state 5"));
        assert_eq!(read(&delivered(0x04, b"", vec![id(), state(8)])), receipt("A7", false, "message state 8"));
        assert_eq!(read(&delivered(0x04, b"id:x stat:DELIVRD", vec![id(), state(2)])), receipt("A7", true, "DELIVRD"));
        assert_eq!(read(&delivered(0x04, b"", vec![id(), state(1)])), Delivered::OnItsWay);
        assert_eq!(read(&delivered(0x04, b"", vec![id()])), Delivered::Unreadable(String::new()));
        assert_eq!(read(&delivered(0x04, b"", vec![payload("id:9 stat:DELIVRD")])), receipt("9", true, "DELIVRD"));
    }

    proptest! {
        #[test]
        fn whatever_is_delivered_is_read(esm_class in any::<u8>(), text in proptest::collection::vec(any::<u8>(), 0..=255)) {
            read(&delivered(esm_class, &text, vec![]));
        }
    }
}
