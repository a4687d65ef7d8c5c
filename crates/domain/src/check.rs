//! "I have fixed it, check again": what a device's owner asks of the device, and what came of it.

use serde::{Deserialize, Serialize};

use crate::{
    ids::CommandId,
    profile::ResultStatus,
    time::{Span, Time},
};

/// How long an owner waits until they may ask again.
pub const PAUSE: Span = Span::seconds(60);
/// How long a device that said "not now" is left alone.
const NOT_NOW_PAUSE: Span = Span::seconds(60);

/// The last check that a device's owner asked for. A newer one takes its place: a late answer to the older decides
/// nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Check {
    /// Names the command in the device's answer.
    pub command: CommandId,
    /// When it was asked for.
    pub requested_at: Time,
    /// How far it has come.
    pub state: CheckState,
    /// When a check was last done: this one or one before.
    pub done_at: Option<Time>,
}

/// How far a check has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum CheckState {
    /// The device is to be told, or has not answered; not before the time, if it asked to be left alone.
    Pending(Option<Time>),
    /// The device has checked itself.
    Done,
    /// The device answered that it cannot.
    Failed,
}

impl Check {
    /// A new check in place of the one before; when to ask again, if that is too soon.
    pub fn request(before: Option<Check>, command: CommandId, now: Time) -> Result<Check, Time> {
        let again = before.map(|before| before.requested_at.plus(PAUSE));
        if let Some(again) = again.filter(|again| *again > now) {
            return Err(again);
        }
        let done_at = before.and_then(|before| before.done_at);
        Ok(Check { command, requested_at: now, state: CheckState::Pending(None), done_at })
    }

    /// Whether the device is to be told at `now`.
    pub fn is_wanted(&self, now: Time) -> bool {
        matches!(self.state, CheckState::Pending(not_before) if not_before.is_none_or(|at| at <= now))
    }

    /// Whether the device has not answered for good.
    pub fn is_pending(&self) -> bool {
        matches!(self.state, CheckState::Pending(_))
    }

    /// Takes in an answer; says whether it was waited for.
    pub fn answer(&mut self, command: CommandId, status: ResultStatus, now: Time) -> bool {
        if self.command != command || !self.is_pending() {
            return false;
        }
        self.state = match status {
            ResultStatus::Acknowledged => {
                self.done_at = Some(now);
                CheckState::Done
            }
            ResultStatus::Error => CheckState::Failed,
            ResultStatus::NotNow => CheckState::Pending(Some(now.plus(NOT_NOW_PAUSE))),
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(seconds: i64) -> Time {
        Time::EPOCH.plus(Span::seconds(seconds))
    }

    #[test]
    fn a_check_is_wanted_until_it_is_answered_and_a_newer_one_takes_its_place() {
        let [one, two] = [1, 2].map(|n| CommandId(Uuid::from_u128(n)));
        let mut first = Check::request(None, one, at(0)).unwrap_or_else(|again| unreachable!("{again}"));
        assert!(first.is_wanted(at(0)));
        assert_eq!(Check::request(Some(first), two, at(59)), Err(at(60)));
        assert!(!first.answer(two, ResultStatus::Acknowledged, at(1)), "not this one");
        assert!(first.answer(one, ResultStatus::NotNow, at(1)));
        assert!(first.is_pending() && !first.is_wanted(at(60)) && first.is_wanted(at(61)));
        assert!(first.answer(one, ResultStatus::Acknowledged, at(62)));
        assert!(!first.answer(one, ResultStatus::Error, at(63)), "it was answered");
        assert_eq!((first.state, first.done_at), (CheckState::Done, Some(at(62))));

        let mut second = Check::request(Some(first), two, at(120)).unwrap_or_else(|again| unreachable!("{again}"));
        assert!(!second.answer(one, ResultStatus::Acknowledged, at(121)), "late");
        assert!(second.answer(two, ResultStatus::Error, at(122)));
        assert_eq!((second.state, second.done_at), (CheckState::Failed, Some(at(62))));
    }
}
