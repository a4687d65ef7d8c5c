//! Text messages: by an SMSC over SMPP ([`smpp`]), or by a provider's HTTP gateway ([`gateway`]), whichever a tenant has
//! set up ([`messenger`]).
//!
//! A text is one message in one alphabet (`allclear_domain::sms`); what does not fit is refused, never split.

pub mod gateway;
pub mod messenger;
pub mod settings;
pub mod smpp;

use allclear_domain::{
    contact,
    sms::{self, SmsAlphabet},
};
use futures_util::future::BoxFuture;

use crate::outcome::Outcome;

/// A text message to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Text<'a> {
    /// The number, E.164: `+` and digits.
    pub to: &'a str,
    /// What it says.
    pub body: &'a str,
}

impl Text<'_> {
    /// The digits of the number and the octets of the text, or why nobody would take it.
    fn checked(&self) -> Result<(&str, SmsAlphabet, Vec<u8>), Outcome> {
        let refused = |answer| Outcome::Refused { answer };
        let digits = contact::phone_digits(self.to);
        let digits = digits.ok_or_else(|| refused(format!("`{}` is not a number in international format", self.to)))?;
        let (alphabet, octets) = sms::encode(self.body).map_err(|length| {
            refused(format!("the text is too long for one SMS: {} of {}", length.units, length.limit))
        })?;
        Ok((digits, alphabet, octets))
    }
}

/// Later news of a message that was accepted: nothing comes after it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Receipt {
    /// What the provider called the message when it accepted it.
    pub message_id: String,
    /// Whether it arrived; otherwise it never will.
    pub delivered: bool,
    /// What the provider said.
    pub answer: String,
}

/// What became of a receipt.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Taken {
    /// It is written down.
    Recorded,
    /// There is no message of that name.
    Unknown,
    /// It could not be written down now.
    Later,
}

/// Writes receipts down.
pub trait Receipts: Send + Sync {
    /// Takes a receipt; the same may come again. It may come before the answer that names its message is written down.
    fn take(&self, receipt: Receipt) -> BoxFuture<'_, Taken>;
}
