//! What a device is asked by itself: what it is, how it is secured, what is on it. After it enrolled and every day, and its
//! profiles whenever something was done about them. Kept with the enrollment, not in the queue of commands.

use std::collections::BTreeMap;

use allclear_domain::{
    device_command::request_type as known,
    ids::CommandId,
    time::{Span, Time},
};
use serde::{Deserialize, Serialize};

use super::{ENROLLMENT_PROFILE, requests::Command};

/// How long an answer is good for.
const EVERY: Span = Span::days(1);
/// What is asked, in this order.
const ALL: [&str; 4] =
    [known::DEVICE_INFORMATION, known::SECURITY_INFO, known::PROFILE_LIST, known::INSTALLED_APPLICATION_LIST];
/// The word for taking the management itself off, which is the last thing that is asked of a device.
const LEAVE: &str = "leave";
/// The word for the profile with which the device gets its next certificate.
const RENEW: &str = "renew";

/// Whether an answer to a request of this type says something that is taken over.
pub fn is_asked(request_type: &str) -> bool {
    ALL.contains(&request_type)
}

/// What a device was asked, and when it answered.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Inquiries(BTreeMap<String, Inquiry>);

/// One question.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
struct Inquiry {
    /// Under which it was asked and not answered yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    command: Option<CommandId>,
    /// When it was asked under that id last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    asked_at: Option<Time>,
    /// The device said "not now".
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    postponed: bool,
    /// When it was answered last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered_at: Option<Time>,
    /// To be asked again, however new the answer is.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    wanted: bool,
}

/// Something to ask.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// What is asked.
    kind: String,
    /// Under which it was asked already and not answered.
    pub asked: Option<CommandId>,
    /// When that was; none if the device is to be given it anew.
    pub asked_at: Option<Time>,
}

impl Question {
    /// It as a command. None for the renewal of the certificate, which needs a profile made for it.
    pub fn command(&self) -> Option<Command> {
        match self.kind.as_str() {
            LEAVE => Some(Command::remove_profile(ENROLLMENT_PROFILE)),
            RENEW => None,
            kind => Some(Command::inquiry(kind)),
        }
    }
}

/// What an answer was about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum About {
    /// The device said something about itself: to which request.
    Itself(String),
    /// The management was taken off it, or was to be.
    Leaving,
}

impl Inquiries {
    /// What to ask next at `now`; nothing that was postponed.
    pub fn next(&self, now: Time) -> Option<Question> {
        ALL.iter().find_map(|kind| self.question(kind, now))
    }

    /// Whether anything was postponed.
    pub fn has_postponed(&self) -> bool {
        self.0.values().any(|inquiry| inquiry.postponed)
    }

    /// Has asked again what was postponed.
    pub fn resume(&mut self) {
        self.0.values_mut().for_each(|inquiry| inquiry.postponed = false);
    }

    /// Asks the device to take the management off; only at the end. Again at each call until it is gone.
    pub fn leave(&self, now: Time) -> Option<Question> {
        self.question(LEAVE, now)
    }

    /// Has the device get its next certificate, at most once a day.
    pub fn renew(&self, now: Time) -> Option<Question> {
        self.question(RENEW, now)
    }

    fn question(&self, kind: &str, now: Time) -> Option<Question> {
        let inquiry = self.0.get(kind).copied().unwrap_or_default();
        let due = match (inquiry.command, inquiry.answered_at) {
            (Some(_), _) => !inquiry.postponed,
            (None, None) => true,
            (None, Some(at)) => inquiry.wanted || now.since(at) >= EVERY,
        };
        due.then(|| Question { kind: kind.to_owned(), asked: inquiry.command, asked_at: inquiry.asked_at })
    }

    /// From when on there is something to ask, as far as that can be said at `now`.
    pub fn ask_at(&self, now: Time) -> Time {
        let due = |kind: &&str| match self.0.get(*kind) {
            Some(Inquiry { command: None, answered_at: Some(at), wanted: false, .. }) => at.plus(EVERY),
            _ => now,
        };
        ALL.iter().map(due).min().unwrap_or(now)
    }

    /// When the device was last asked something new, or answered; never if it was not.
    pub fn heard_at(&self) -> Option<Time> {
        self.0.values().map(|inquiry| inquiry.asked_at.max(inquiry.answered_at)).max().flatten()
    }

    /// Notes that something is asked at `now`, and under which id: `id` unless it was asked already.
    pub fn ask(&mut self, question: &Question, id: CommandId, now: Time) -> CommandId {
        let inquiry = self.0.entry(question.kind.clone()).or_default();
        inquiry.asked_at = Some(now);
        inquiry.wanted = false;
        *inquiry.command.get_or_insert(id)
    }

    /// What an answer to a command is about; none if it was not asked, or was answered.
    pub fn about(&self, command: CommandId) -> Option<About> {
        let (kind, _) = self.0.iter().find(|(_, inquiry)| inquiry.command == Some(command))?;
        Some(if kind == LEAVE { About::Leaving } else { About::Itself(kind.clone()) })
    }

    /// Notes the answer to a command, or that the device postponed it.
    pub fn answer(&mut self, command: CommandId, postponed: bool, now: Time) {
        for inquiry in self.0.values_mut().filter(|inquiry| inquiry.command == Some(command)) {
            inquiry.postponed = postponed;
            inquiry.asked_at = None;
            if !postponed {
                inquiry.command = None;
                inquiry.answered_at = Some(now);
            }
        }
    }

    /// Has the device asked for its profiles again; says whether that is news.
    pub fn want_profiles(&mut self) -> bool {
        let inquiry = self.0.entry(known::PROFILE_LIST.to_owned()).or_default();
        // One that was never answered is asked in any case.
        let news = !inquiry.wanted && inquiry.answered_at.is_some();
        inquiry.wanted |= news;
        news
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Time {
        Time::EPOCH.plus(Span::seconds(seconds))
    }

    fn id(n: u128) -> CommandId {
        CommandId(Uuid::from_u128(n))
    }

    #[test]
    fn everything_is_asked_once_a_day() {
        let mut inquiries = Inquiries::default();
        assert_eq!((inquiries.ask_at(at(0)), inquiries.heard_at()), (at(0), None));
        let mut asked = Vec::new();
        for n in 1..=4 {
            let question = inquiries.next(at(0)).unwrap();
            assert_eq!(inquiries.ask(&question, id(n), at(0)), id(n));
            let again = inquiries.next(at(1)).unwrap();
            assert_eq!(
                (again.kind.as_str(), again.asked),
                (question.kind.as_str(), Some(id(n))),
                "until it is answered"
            );
            assert_eq!(inquiries.ask(&again, id(100 + n), at(1)), id(n), "under the same id");
            assert_eq!(inquiries.next(at(1)).unwrap().asked_at, Some(at(1)));
            assert_eq!((inquiries.ask_at(at(1)), inquiries.heard_at()), (at(1), Some(at(if n == 1 { 1 } else { 2 }))));
            assert_eq!(inquiries.about(id(n)), Some(About::Itself(question.kind.clone())));
            inquiries.answer(id(n), false, at(2));
            assert_eq!(inquiries.about(id(n)), None, "answered");
            asked.push(question.kind);
        }
        assert_eq!(asked, ALL);
        assert_eq!(inquiries.next(at(3)), None);
        assert_eq!((inquiries.ask_at(at(3)), inquiries.heard_at()), (at(2 + 24 * 3600), Some(at(2))));
        assert!(inquiries.next(at(2 + 24 * 3600)).is_some());
        assert!(inquiries.want_profiles() && !inquiries.want_profiles());
        assert_eq!(inquiries.next(at(3)).unwrap().kind, known::PROFILE_LIST);
        let kept: Inquiries = serde_json::from_str(&serde_json::to_string(&inquiries).unwrap()).unwrap();
        assert_eq!(kept, inquiries);
    }

    #[test]
    fn what_is_postponed_comes_when_an_exchange_begins() {
        let mut inquiries = Inquiries::default();
        let first = inquiries.next(at(0)).unwrap();
        inquiries.ask(&first, id(1), at(0));
        inquiries.answer(id(1), true, at(1));
        assert!(inquiries.next(at(2)).unwrap().kind != first.kind && inquiries.has_postponed());
        inquiries.resume();
        assert!(!inquiries.has_postponed());
        assert_eq!(inquiries.next(at(2)).unwrap(), Question { asked: Some(id(1)), ..first }, "under the same id");
        inquiries.answer(id(9), false, at(3));
        assert_eq!(inquiries.about(id(1)), Some(About::Itself(known::DEVICE_INFORMATION.into())), "not this one");
        let leave = inquiries.leave(at(4)).unwrap();
        assert_eq!(leave.command().unwrap().request_type, known::REMOVE_PROFILE);
        assert_eq!(inquiries.renew(at(4)).unwrap().command(), None);
    }
}
