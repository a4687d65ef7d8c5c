//! When it is looked at which device of an enterprise: when there is news, when time may have brought something, and, while
//! it has yet to answer, ever more seldom by asking Google.
//!
//! A schedule and no more: nothing of it need survive a restart, because at the start all devices are looked at.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use allclear_domain::ids::DeviceId;
use tokio::time::Instant;

/// Devices worked on at once.
pub(super) const AT_ONCE: usize = 8;
/// After how long a device that has yet to answer is asked for, the first, second … time in a row.
const POLLS: [Duration; 6] = [
    Duration::from_secs(10),
    Duration::from_secs(30),
    Duration::from_secs(120),
    Duration::from_secs(600),
    Duration::from_secs(1_800),
    Duration::from_secs(3_600),
];
/// After how long it is tried again what has failed, the first, second … time in a row.
const AGAIN: [Duration; 5] = [
    Duration::from_secs(2),
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(900),
];

/// What a look at a device came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Looked {
    /// It is nobody's concern any more.
    Gone,
    /// It is as it should be, or has yet to say so.
    Rest {
        /// Something was told to Google.
        acted: bool,
        /// The device has yet to answer.
        pending: bool,
        /// In how long time alone may bring something.
        until: Option<Duration>,
    },
    /// Google cannot be asked now. Whoever asks waits until it can be.
    Later,
    /// It could not be done, and may be tried again.
    Failed,
    /// Google does not take it as it is; it is tried again after a long time.
    Refused,
}

/// The schedule.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    due: BTreeSet<(Instant, DeviceId)>,
    devices: HashMap<DeviceId, Entry>,
    under_way: usize,
}

#[derive(Debug, Default)]
struct Entry {
    /// When it is looked at.
    look: Option<Instant>,
    /// When it is asked for as well.
    poll: Option<Instant>,
    /// It is being looked at; there was news meanwhile.
    under_way: bool,
    woken: bool,
    polls: usize,
    failures: usize,
}

impl Entry {
    fn next(&self) -> Option<Instant> {
        self.look.into_iter().chain(self.poll).min().filter(|_| !self.under_way)
    }
}

impl Schedule {
    /// There may be news about a device.
    pub(super) fn wake(&mut self, device: DeviceId, now: Instant) {
        self.change(device, |entry| {
            if entry.under_way {
                entry.woken = true;
            } else {
                entry.look = Some(entry.look.map_or(now, |at| at.min(now)));
            }
        });
    }

    /// A device is to be asked for.
    pub(super) fn poll(&mut self, device: DeviceId, now: Instant) {
        self.change(device, |entry| entry.poll = Some(now));
    }

    /// When the next device is to be looked at; none while as many are as may be.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().filter(|_| self.under_way < AT_ONCE).map(|(at, _)| *at)
    }

    /// A device that is to be looked at now, and whether it is to be asked for. [`Schedule::done`] must follow.
    pub(super) fn take(&mut self, now: Instant) -> Option<(DeviceId, bool)> {
        self.next().filter(|at| *at <= now)?;
        let (_, device) = *self.due.first()?;
        let mut poll = false;
        self.change(device, |entry| {
            poll = entry.poll.is_some_and(|at| at <= now);
            (entry.look, entry.under_way, entry.woken) = (None, true, false);
            if poll {
                entry.poll = None;
            }
        });
        self.under_way += 1;
        Some((device, poll))
    }

    /// What the look at a device came to.
    pub(super) fn done(&mut self, device: DeviceId, looked: Looked, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        self.change(device, |entry| {
            entry.under_way = false;
            let after = |steps: &[Duration], times: usize| steps.get(times).or(steps.last()).map(|wait| now + *wait);
            match looked {
                Looked::Gone => entry.poll = None,
                Looked::Rest { acted, pending, until } => {
                    entry.failures = 0;
                    entry.look = until.map(|wait| now + wait);
                    if acted || !pending {
                        entry.polls = 0;
                        entry.poll = None;
                    }
                    if pending && entry.poll.is_none() {
                        entry.poll = after(&POLLS, entry.polls);
                        entry.polls += 1;
                    }
                }
                Looked::Later => entry.look = Some(now),
                Looked::Failed => {
                    entry.look = after(&AGAIN, entry.failures);
                    entry.failures += 1;
                    // What has failed is more than a look.
                    entry.poll = entry.poll.or(entry.look);
                }
                Looked::Refused => entry.look = AGAIN.last().map(|wait| now + *wait),
            }
            // Whoever could not be reached is left alone, whatever the news.
            if entry.woken && !matches!(looked, Looked::Failed) {
                entry.look = Some(now);
            }
            entry.woken = false;
        });
    }

    fn change(&mut self, device: DeviceId, change: impl FnOnce(&mut Entry)) {
        let entry = self.devices.entry(device).or_default();
        let before = entry.next();
        change(entry);
        let after = entry.next();
        if after.is_none() && !entry.under_way {
            self.devices.remove(&device);
        }
        if before != after {
            before.map(|at| self.due.remove(&(at, device)));
            after.map(|at| self.due.insert((at, device)));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use uuid::Uuid;

    use super::*;

    const RESTED: Looked = Looked::Rest { acted: false, pending: false, until: None };
    const PENDING: Looked = Looked::Rest { acted: false, pending: true, until: None };

    fn device(n: u128) -> DeviceId {
        DeviceId(Uuid::from_u128(n))
    }

    #[test]
    fn a_device_is_looked_at_when_there_is_news_and_not_twice_at_once() {
        let (mut schedule, now, one) = (Schedule::default(), Instant::now(), device(1));
        schedule.wake(one, now);
        schedule.wake(one, now);
        assert_eq!(schedule.take(now), Some((one, false)));
        schedule.wake(one, now);
        assert_eq!(schedule.take(now), None, "it is under way");
        schedule.done(one, RESTED, now);
        assert_eq!(schedule.take(now), Some((one, false)), "there was news meanwhile");
        schedule.done(one, RESTED, now);
        assert!(schedule.devices.is_empty() && schedule.due.is_empty());
    }

    #[test]
    fn what_has_yet_to_answer_is_asked_for_ever_more_seldom() {
        let (mut schedule, mut now, one) = (Schedule::default(), Instant::now(), device(1));
        schedule.wake(one, now);
        schedule.take(now).unwrap();
        schedule.done(one, Looked::Rest { acted: true, pending: true, until: None }, now);
        for wait in POLLS {
            assert_eq!(schedule.next(), Some(now + wait));
            schedule.wake(one, now + wait / 2);
            assert_eq!(schedule.take(now + wait / 2), Some((one, false)), "news is looked at, not asked for");
            schedule.done(one, PENDING, now + wait / 2);
            now += wait;
            assert_eq!(schedule.take(now), Some((one, true)));
            schedule.done(one, PENDING, now);
        }
        assert_eq!(schedule.next(), Some(now + POLLS[5]));
        schedule.wake(one, now);
        schedule.take(now).unwrap();
        schedule.done(one, Looked::Rest { acted: true, pending: true, until: None }, now);
        assert_eq!(schedule.next(), Some(now + POLLS[0]), "what is new is asked for soon");
        schedule.wake(one, now);
        schedule.take(now).unwrap();
        schedule.done(one, Looked::Rest { acted: false, pending: false, until: Some(POLLS[5]) }, now);
        assert_eq!(schedule.next(), Some(now + POLLS[5]), "time alone may bring something");
    }

    #[test]
    fn what_fails_is_tried_again_after_growing_pauses() {
        let (mut schedule, mut now, one) = (Schedule::default(), Instant::now(), device(1));
        schedule.wake(one, now);
        for wait in AGAIN.into_iter().chain(AGAIN.last().copied()) {
            schedule.take(now).unwrap();
            schedule.wake(one, now);
            schedule.done(one, Looked::Failed, now);
            assert_eq!(schedule.next(), Some(now + wait));
            now += wait;
        }
        schedule.take(now).unwrap();
        schedule.done(one, RESTED, now);
        assert_eq!(schedule.next(), None);
        schedule.wake(one, now);
        schedule.take(now).unwrap();
        schedule.done(one, Looked::Later, now);
        assert_eq!(schedule.take(now), Some((one, false)), "who asks waits by itself");
        schedule.done(one, Looked::Gone, now);
        assert!(schedule.devices.is_empty());
    }

    #[test]
    fn no_more_are_worked_on_than_may_be() {
        let (mut schedule, now) = (Schedule::default(), Instant::now());
        (0..100).for_each(|n| schedule.wake(device(n), now));
        let taken: Vec<_> = std::iter::from_fn(|| schedule.take(now)).collect();
        assert_eq!(taken.len(), AT_ONCE);
        schedule.done(taken[0].0, RESTED, now);
        assert!(schedule.take(now).is_some());
    }
}
