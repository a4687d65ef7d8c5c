//! What becomes of an attempt to hand a message over.

use std::time::Duration;

/// What whoever was asked to deliver a message made of it. `answer` is what they said, in their own words, for people.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// They have taken it over.
    Accepted {
        /// What they call it, where later receipts need that.
        message_id: Option<String>,
        /// What they said.
        answer: String,
    },
    /// Not now: the same may be tried again.
    Deferred {
        /// What they said, or why they could not be asked.
        answer: String,
        /// How long they ask to be left alone.
        retry_after: Option<Duration>,
    },
    /// Never: the same will not be taken by this provider.
    Refused {
        /// What they said.
        answer: String,
    },
    /// The address is no more, and is to be forgotten.
    Gone {
        /// What they said.
        answer: String,
    },
}

/// An outcome, and who was asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Answer {
    /// What the log calls whoever was asked, for example `mail.example.com:587`.
    pub provider: String,
    /// What they made of it.
    pub outcome: Outcome,
    /// Whether anybody could be asked. Otherwise the outcome says nothing about the message.
    pub reached: bool,
}

impl Answer {
    /// What somebody who could be asked made of a message.
    pub fn of(provider: impl Into<String>, outcome: Outcome) -> Self {
        Self { provider: provider.into(), outcome, reached: true }
    }
}
