//! Which agents and managed devices are to be woken, and when: at most once a minute while nothing is heard of them, then ever more seldom,
//! and not for ever.
//!
//! A schedule and no more: must not know how an agent is woken, nor whether it has to be.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    time::Duration,
};

use allclear_domain::{
    ids::{DeviceId, Tenant},
    time::Time,
};
use tokio::time::Instant;

use super::worker::pause;

/// Who on a device is woken.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Who {
    /// Our agent.
    Agent,
    /// The platform's own management.
    Management,
}

/// Whom on a device of a tenant.
pub(super) type Key = (Tenant, DeviceId, Who);

/// How long an agent that may be just about to ask is left alone: one that waits on another node is told there meanwhile.
const GRACE: Duration = Duration::from_millis(400);
/// How long after a push that nothing was heard upon another may follow, after the first, second …
const AGAIN: [Duration; 4] =
    [Duration::from_secs(60), Duration::from_secs(300), Duration::from_secs(1_800), Duration::from_secs(7_200)];
/// How long nothing follows after the last of these, or a push that was refused.
const REST: Duration = Duration::from_secs(60);
/// Agents remembered at once; more are left to ask by themselves.
const MOST: usize = 100_000;
/// Agents looked at at once.
const AT_ONCE: usize = 32;

/// The schedule.
#[derive(Debug, Default)]
pub(super) struct Wakes {
    due: BTreeSet<(Instant, Key)>,
    agents: HashMap<Key, Agent>,
    under_way: usize,
}

#[derive(Debug)]
struct Agent {
    state: State,
    /// The last push, and how many there were in a row without a sign of life.
    pushed: Option<(Instant, Time, usize)>,
    /// How often in a row a push could not be handed over, and until when none is tried.
    deferred: usize,
    not_before: Option<Instant>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// It is looked at then.
    Due(Instant),
    /// It is being looked at; `called`: there was news meanwhile.
    LookedAt { called: bool },
}

/// What is known of the last push to an agent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Pushed {
    /// When it was sent, by the engine's clock.
    pub(super) at: Time,
    /// Whether another may follow though nothing was heard.
    pub(super) again: bool,
}

/// What a look at an agent came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Looked {
    /// It need not, or cannot, be woken.
    Done,
    /// Something waits, but it was told a moment ago.
    TooSoon,
    /// There may be something for it after this time, whatever else happens.
    Wait(Duration),
    /// A push was handed over at that time; `heard`: there was a sign of life after the one before.
    Pushed { at: Time, heard: bool },
    /// The push service takes none now, and may have said for how long.
    Deferred(Option<Duration>),
    /// The push service took none at that time, and will not.
    Refused { at: Time },
}

impl Wakes {
    /// There may be news for an agent. False if there is no room to remember it.
    pub(super) fn call(&mut self, key: Key, now: Instant) -> bool {
        let full = self.agents.len() >= MOST;
        let soon = now + GRACE;
        match self.agents.entry(key) {
            Entry::Vacant(_) if full => return false,
            Entry::Vacant(place) => {
                place.insert(Agent { state: State::Due(soon), pushed: None, deferred: 0, not_before: None });
                self.due.insert((soon, key));
            }
            Entry::Occupied(mut known) => {
                let soon = known.get().not_before.map_or(soon, |at| at.max(soon));
                match &mut known.get_mut().state {
                    State::LookedAt { called } => *called = true,
                    State::Due(due) if soon < *due => {
                        self.due.remove(&(*due, key));
                        self.due.insert((soon, key));
                        *due = soon;
                    }
                    State::Due(_) => {}
                }
            }
        }
        true
    }

    /// When the next agent is to be looked at; none while as many are as may be, or none is to be.
    pub(super) fn next(&self) -> Option<Instant> {
        self.due.first().filter(|_| self.under_way < AT_ONCE).map(|(at, _)| *at)
    }

    /// An agent that is to be looked at now, and what is known of the last push to it. [`Wakes::done`] must follow.
    pub(super) fn take(&mut self, now: Instant) -> Option<(Key, Option<Pushed>)> {
        self.next().filter(|at| *at <= now)?;
        let (_, key) = self.due.pop_first()?;
        let agent = self.agents.get_mut(&key)?;
        agent.state = State::LookedAt { called: false };
        self.under_way += 1;
        let pushed = agent.pushed.map(|(sent, at, times)| {
            let again = times.checked_sub(1).and_then(|place| AGAIN.get(place)).is_some_and(|wait| now >= sent + *wait);
            Pushed { at, again }
        });
        Some((key, pushed))
    }

    /// What the look at an agent came to.
    pub(super) fn done(&mut self, key: Key, looked: Looked, now: Instant) {
        self.under_way = self.under_way.saturating_sub(1);
        let Some(agent) = self.agents.get_mut(&key) else { return };
        let called = matches!(agent.state, State::LookedAt { called: true });
        let next = agent.after(looked, now);
        // Whoever took no push is left alone for as long as they say.
        let soon = (called && !matches!(looked, Looked::Deferred(_))).then(|| now + GRACE);
        match next.into_iter().chain(soon).min() {
            Some(at) => {
                agent.state = State::Due(at);
                self.due.insert((at, key));
            }
            None => {
                self.agents.remove(&key);
            }
        }
    }
}

impl Agent {
    /// When to look at it after this; none: never, unless there is news.
    fn after(&mut self, looked: Looked, now: Instant) -> Option<Instant> {
        self.not_before = None;
        if let Looked::Deferred(asked) = looked {
            let again = pause(self.deferred, asked).map(|wait| now + wait);
            self.deferred += 1;
            self.not_before = again;
            if again.is_none() {
                tracing::info!("a wake-up was given up; the agent will have to ask by itself");
                self.deferred = 0;
            }
            return again;
        }
        self.deferred = 0;
        match looked {
            Looked::Wait(time) => return Some(now + time),
            Looked::Pushed { at, heard } => {
                let times = if heard { 0 } else { self.pushed.map_or(0, |(_, _, times)| times) };
                self.pushed = Some((now, at, times + 1));
            }
            Looked::Refused { at } => self.pushed = Some((now, at, AGAIN.len() + 1)),
            Looked::Done | Looked::TooSoon | Looked::Deferred(_) => {}
        }
        let (sent, _, times) = self.pushed?;
        let wait = match looked {
            Looked::Done => REST,
            _ => times.checked_sub(1).and_then(|place| AGAIN.get(place)).copied().unwrap_or(REST),
        };
        Some(sent + wait).filter(|at| *at > now)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use uuid::Uuid;

    use super::*;

    const AT: Time = Time::EPOCH;

    fn key(n: u128) -> Key {
        (Tenant(1), DeviceId(Uuid::from_u128(n)), Who::Agent)
    }

    fn seconds(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn an_agent_is_woken_once_a_minute_then_more_seldom_and_not_for_ever() {
        let (mut wakes, start) = (Wakes::default(), Instant::now());
        let one = key(1);
        assert!(wakes.call(one, start));
        wakes.call(one, start + GRACE / 2);
        assert_eq!(wakes.next(), Some(start + GRACE), "several causes, one look");
        assert_eq!(wakes.take(start), None);
        let mut now = start + GRACE;
        assert_eq!(wakes.take(now), Some((one, None)));
        wakes.done(one, Looked::Pushed { at: AT, heard: false }, now);
        for wait in AGAIN {
            // News in between is looked at, and not told before its time.
            wakes.call(one, now + seconds(5));
            let asked = now + seconds(5) + GRACE;
            assert_eq!(wakes.take(asked), Some((one, Some(Pushed { at: AT, again: false }))));
            wakes.done(one, Looked::TooSoon, asked);
            assert_eq!(wakes.next(), Some(now + wait));
            now += wait;
            assert_eq!(wakes.take(now), Some((one, Some(Pushed { at: AT, again: true }))));
            wakes.done(one, Looked::Pushed { at: AT, heard: false }, now);
        }
        assert_eq!(wakes.next(), Some(now + REST));
        now += REST;
        assert_eq!(wakes.take(now).unwrap().1, Some(Pushed { at: AT, again: false }));
        wakes.done(one, Looked::TooSoon, now);
        assert!(wakes.agents.is_empty() && wakes.due.is_empty(), "given up");
    }

    #[test]
    fn a_sign_of_life_begins_anew_and_nothing_to_do_ends_it() {
        let (mut wakes, start, one) = (Wakes::default(), Instant::now(), key(1));
        wakes.call(one, start);
        let now = start + GRACE;
        wakes.take(now).unwrap();
        wakes.done(one, Looked::Pushed { at: AT, heard: false }, now);
        let now = now + AGAIN[0];
        wakes.take(now).unwrap();
        wakes.done(one, Looked::Pushed { at: AT, heard: true }, now);
        assert_eq!(wakes.next(), Some(now + AGAIN[0]), "as after the first");
        wakes.call(one, now);
        let now = now + GRACE;
        wakes.take(now).unwrap();
        wakes.done(one, Looked::Done, now);
        assert_eq!(wakes.agents.len(), 1, "that it was told is remembered for a minute");
        let now = now + REST;
        wakes.take(now).unwrap();
        wakes.done(one, Looked::Done, now);
        assert!(wakes.agents.is_empty() && wakes.under_way == 0);
    }

    #[test]
    fn who_took_no_push_is_left_alone() {
        let (mut wakes, mut now, one) = (Wakes::default(), Instant::now(), key(1));
        wakes.call(one, now);
        now += GRACE;
        wakes.take(now).unwrap();
        wakes.call(one, now);
        wakes.done(one, Looked::Deferred(Some(seconds(90))), now);
        wakes.call(one, now);
        assert_eq!(wakes.next(), Some(now + seconds(90)), "whatever happens meanwhile");
        now += seconds(90);
        wakes.take(now).unwrap();
        wakes.done(one, Looked::Refused { at: AT }, now);
        wakes.call(one, now);
        now += GRACE;
        assert_eq!(wakes.take(now).unwrap().1, Some(Pushed { at: AT, again: false }));
        wakes.done(one, Looked::TooSoon, now);
        wakes.take(now + REST).unwrap();
        wakes.call(one, now + REST);
        wakes.done(one, Looked::Deferred(Some(seconds(7_200))), now + REST);
        assert!(wakes.agents.is_empty(), "too long");
    }

    #[test]
    fn no_more_are_looked_at_or_remembered_than_may_be() {
        let (mut wakes, now) = (Wakes::default(), Instant::now());
        for n in 0..MOST {
            assert!(wakes.call(key(n as u128), now));
        }
        assert!(!wakes.call(key(MOST as u128), now));
        assert!(wakes.call(key(0), now), "known");
        let taken: Vec<Key> = std::iter::from_fn(|| wakes.take(now + GRACE)).map(|(key, _)| key).collect();
        assert_eq!(taken.len(), AT_ONCE);
        assert_eq!(wakes.next(), None);
        wakes.call(taken[0], now);
        wakes.done(taken[0], Looked::Done, now);
        assert_eq!(wakes.take(now + GRACE).map(|_| ()), Some(()));
    }
}
