//! Calls devices and their owners from outside, when there is something for them to fetch.
//!
//! Driven by what this node commits. Browsers and apps are told of a new message (`browsers`), agents that do not
//! ask are woken when they have something to do (`agents`), and so are devices under their platform's management
//! (`managed`), these also when it is time to ask them how they are. A push that cannot be delivered is tried again for
//! some minutes while there is reason to; whatever is lost then is fetched when the app is opened or the agent asks.

use std::{sync::Arc, time::Duration};

use allclear_domain::{
    device::EnrollmentStatus,
    ids::{DeviceId, Tenant},
    notification::NotificationState,
    rules::Rules,
    time::{Span, Time},
};
use allclear_engine::{Engine, Error};
use allclear_guard::GuardedClient;
use allclear_store::{
    db::Tx,
    devices,
    notifications::{self, Notification},
};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep, sleep_until},
};

use super::{
    senders::Senders,
    vapid::KeyError,
    wakes::{Key, Looked, Pushed, Wakes, Who},
};
use crate::{agent::Pending, delivery::Outgoing, outcome::Outcome};

/// Requests to push services at once.
const AT_ONCE: usize = 32;
/// Devices whose messages wait for another attempt; more are given up.
const MOST_WAITING: usize = 10_000;
/// After how long a push that was deferred is tried again, unless the service says.
const AGAIN: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(15), Duration::from_secs(60), Duration::from_secs(300)];
/// The longest pause a service may ask for; after a longer one the push is given up.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// The shortest time between two looks at what was committed: many devices are then looked for in one go.
const BREATH: Duration = Duration::from_millis(50);
/// How often it is looked which managed devices it is time to ask something.
const LOOK: Duration = Duration::from_secs(60);
/// After how long those that did not come are woken anew.
const ANEW: Span = Span::days(1);
/// The most characters of a message that are shown with a push.
const SHOWN: usize = 240;

/// Calls devices until `shutdown`.
pub async fn run(engine: Engine, outgoing: Outgoing, shutdown: impl Future<Output = ()>) {
    let caller = Arc::new(Caller {
        engine,
        client: outgoing.http,
        // Push services want to know whom to ask about what they get.
        subject: outgoing.public_url.filter(|url| url.starts_with("https://")),
        senders: Senders::new(outgoing.allow),
        turns: Semaphore::new(AT_ONCE),
    });
    let mut wakes = Wakes::default();
    let mut under_way: JoinSet<Done> = JoinSet::new();
    // What waited when the server ended.
    under_way.spawn(Arc::clone(&caller).found(None));
    let mut asked = caller.engine.source().now();
    let mut anew = asked.plus(ANEW);
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut rested = Instant::now();
    tokio::pin!(shutdown);
    loop {
        let next = wakes.next();
        tokio::select! {
            () = &mut shutdown => return,
            calls = async { sleep_until(rested).await; caller.engine.calls().await } => {
                rested = Instant::now() + BREATH;
                let mut called = Vec::new();
                for (device, call) in calls {
                    if call.commands {
                        called.push(device);
                    }
                    if call.message {
                        if under_way.len() < MOST_WAITING {
                            under_way.spawn(Arc::clone(&caller).told(device));
                        } else {
                            tracing::warn!(device = %device.1, "too many pushes wait for another attempt: one is given up");
                        }
                    }
                }
                if !called.is_empty() {
                    under_way.spawn(Arc::clone(&caller).found(Some(called)));
                }
            }
            _ = looks.tick() => {
                let now = caller.engine.source().now();
                let from = if now >= anew { Time::EPOCH } else { asked };
                if now >= anew {
                    anew = now.plus(ANEW);
                }
                under_way.spawn(Arc::clone(&caller).due(from, now));
                asked = now;
            }
            Some(done) = under_way.join_next() => match done {
                Ok(Done::Told) => {}
                Ok(Done::Found(keys)) => {
                    let now = Instant::now();
                    let left = keys.into_iter().filter(|key| !wakes.call(*key, now)).count();
                    if left > 0 {
                        tracing::warn!(left, "too many agents are to be woken: some will have to ask by themselves");
                    }
                }
                Ok(Done::Looked(key, looked)) => wakes.done(key, looked, Instant::now()),
                Err(error) => tracing::error!(error = &error as &dyn std::error::Error, "a call has failed"),
            },
            () = async { sleep_until(next.unwrap_or(rested)).await }, if next.is_some() => {
                while let Some((key, pushed)) = wakes.take(Instant::now()) {
                    let caller = Arc::clone(&caller);
                    under_way.spawn(async move { Done::Looked(key, caller.wake(key, pushed).await) });
                }
            }
        }
    }
}

/// What has come to its end.
enum Done {
    /// Somebody was told of a message, or not.
    Told,
    /// Agents and managed devices that may have to be woken.
    Found(Vec<Key>),
    /// One of them was woken, or not.
    Looked(Key, Looked),
}

/// A device of a tenant.
pub(super) type Device = (Tenant, DeviceId);

/// Who calls.
pub(super) struct Caller {
    pub(super) engine: Engine,
    pub(super) client: GuardedClient,
    pub(super) subject: Option<String>,
    pub(super) senders: Senders,
    turns: Semaphore,
}

/// What goes wrong before a push service is asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum CallError {
    #[error(transparent)]
    Engine(#[from] Error),
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// What became of a push in the end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Ended {
    /// It was taken over or refused, given up, or there is no reason for it any more.
    Settled,
    /// The address is no more.
    Gone,
}

impl Caller {
    async fn told(self: Arc<Self>, (tenant, device): Device) -> Done {
        let (browsers, agent) = tokio::join!(self.tell_browsers(tenant, device), self.tell_agent(tenant, device));
        for error in [browsers, agent].into_iter().filter_map(Result::err) {
            let cause = &error as &dyn std::error::Error;
            tracing::error!(%device, error = cause, "the owner of a device could not be told of a message");
        }
        Done::Told
    }

    /// Who may have to be woken: of these devices, or of all there are.
    async fn found(self: Arc<Self>, called: Option<Vec<Device>>) -> Done {
        let (agents, managed) = tokio::join!(self.agents(called.clone()), self.managed(called));
        Done::Found([seen(agents), seen(managed)].concat())
    }

    /// The managed devices that it became time to ask something, after `from` until `to`.
    async fn due(self: Arc<Self>, from: Time, to: Time) -> Done {
        Done::Found(seen(self.to_ask(from, to).await))
    }

    async fn wake(&self, (tenant, device, who): Key, pushed: Option<Pushed>) -> Looked {
        let looked = match who {
            Who::Agent => self.wake_agent(tenant, device, pushed).await,
            Who::Management => self.wake_managed(tenant, device, pushed).await,
        };
        match looked {
            Ok(looked) => looked,
            Err(Error::NotFound(_)) => Looked::Done,
            Err(error) => {
                let cause = &error as &dyn std::error::Error;
                tracing::error!(%device, ?who, error = cause, "a device could not be woken");
                Looked::Deferred(None)
            }
        }
    }

    /// Pushes if something waits and it is time to. None if the push service knows the device no more.
    pub(super) async fn wake_by<P: Future<Output = Outcome>>(
        &self,
        channel: &'static str,
        device: DeviceId,
        at: Time,
        (pending, pushed): (Pending, Option<Pushed>),
        push: impl FnOnce() -> P,
    ) -> Option<Looked> {
        if !pending.commands {
            return Some(pending.again.map_or(Looked::Done, Looked::Wait));
        }
        let heard = pushed.is_none_or(|pushed| pending.heard_at.is_some_and(|at| at > pushed.at));
        if !heard && !pushed.is_some_and(|pushed| pushed.again) {
            return Some(Looked::TooSoon);
        }
        match self.hand_over(channel, push()).await {
            Outcome::Accepted { .. } => Some(Looked::Pushed { at, heard }),
            Outcome::Deferred { answer, retry_after } => {
                tracing::debug!(%device, answer, "a wake-up was deferred");
                Some(Looked::Deferred(retry_after))
            }
            Outcome::Refused { answer } => {
                tracing::warn!(%device, answer, "a push service refused a wake-up");
                Some(Looked::Refused { at })
            }
            Outcome::Gone { .. } => None,
        }
    }

    /// Hands one push to a push service when it is its turn.
    pub(super) async fn hand_over(&self, channel: &'static str, push: impl Future<Output = Outcome>) -> Outcome {
        // Never closed.
        let _turn = self.turns.acquire().await;
        let outcome = push.await;
        count(channel, &outcome);
        outcome
    }

    /// Hands a push over, again after a pause while it is deferred and still wanted.
    pub(super) async fn persist<P, W>(
        &self,
        channel: &'static str,
        device: DeviceId,
        push: impl Fn() -> P,
        is_wanted: impl Fn() -> W,
    ) -> Result<Ended, CallError>
    where
        P: Future<Output = Outcome>,
        W: Future<Output = Result<bool, Error>>,
    {
        for times in 0.. {
            let asked = match self.hand_over(channel, push()).await {
                Outcome::Accepted { .. } => return Ok(Ended::Settled),
                Outcome::Gone { .. } => return Ok(Ended::Gone),
                Outcome::Refused { answer } => {
                    tracing::warn!(%device, channel, answer, "a push service refused a message");
                    return Ok(Ended::Settled);
                }
                Outcome::Deferred { retry_after, .. } => retry_after,
            };
            let Some(pause) = pause(times, asked) else { break };
            sleep(pause).await;
            if !is_wanted().await? {
                return Ok(Ended::Settled);
            }
        }
        tracing::info!(%device, channel, "a push was given up; its message waits in the app");
        Ok(Ended::Settled)
    }
}

fn seen(found: Result<Vec<Key>, Error>) -> Vec<Key> {
    found.unwrap_or_else(|error| {
        let cause = &error as &dyn std::error::Error;
        tracing::error!(error = cause, "it could not be seen who is to be woken");
        Vec::new()
    })
}

/// How long to wait after a push was deferred so often before; none: for ever.
pub(super) fn pause(times: usize, asked: Option<Duration>) -> Option<Duration> {
    let pause = AGAIN.get(times)?;
    Some(asked.map_or(*pause, |asked| asked.max(*pause))).filter(|pause| *pause <= LONGEST_PAUSE)
}

/// The newest message of an enrolled device, and who it is from; none if it was read.
pub(super) fn newest(
    tx: &mut Tx<'_>,
    rules: &Rules,
    tenant: Tenant,
    device: DeviceId,
) -> Result<Option<(Notification, String)>, Error> {
    if devices::enrollment(tx, tenant, device)? != Some(EnrollmentStatus::Enrolled) {
        return Ok(None);
    }
    let newest = notifications::messages(tx, tenant, device, None, 1)?.into_iter().next();
    let title = rules.settings.branding.organisation();
    Ok(newest.filter(|it| it.state != NotificationState::Read).map(|message| (message, title.to_owned())))
}

/// Counts what became of a push.
fn count(channel: &'static str, outcome: &Outcome) {
    let outcome = match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Deferred { .. } => "deferred",
        Outcome::Refused { .. } => "refused",
        Outcome::Gone { .. } => "gone",
    };
    metrics::counter!("allclear_pushes_total", "channel" => channel, "outcome" => outcome).increment(1);
}

/// The beginning of a text on one line, to the end of a word.
pub(super) fn beginning(text: &str) -> String {
    let mut said = String::new();
    for word in text.split_whitespace() {
        if said.chars().count() + 1 + word.chars().count() > SHOWN {
            if said.is_empty() {
                said = word.chars().take(SHOWN).collect();
            }
            said.push('…');
            break;
        }
        if !said.is_empty() {
            said.push(' ');
        }
        said.push_str(word);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_push_shows_the_beginning_of_a_message() {
        assert_eq!(
            beginning("Please put this right:\n\nTrojan\nRemove it."),
            "Please put this right: Trojan Remove it."
        );
        let long = beginning(&"word ".repeat(100));
        assert!(long.ends_with("word…") && long.chars().count() <= SHOWN + 1, "{long}");
        assert_eq!(beginning(&"Ы".repeat(500)).chars().count(), SHOWN + 1);
        assert_eq!(beginning(""), "");
    }

    #[test]
    fn a_pause_is_ours_or_theirs_and_not_for_ever() {
        let seconds = Duration::from_secs;
        assert_eq!(pause(0, None), Some(seconds(2)));
        assert_eq!(pause(0, Some(seconds(1))), Some(seconds(2)));
        assert_eq!(pause(1, Some(seconds(90))), Some(seconds(90)));
        assert_eq!(pause(1, Some(seconds(601))), None);
        assert_eq!(pause(AGAIN.len(), None), None);
    }
}
