//! Tells the browsers of devices' owners when there is a new message.
//!
//! Driven by what this node commits. A push that cannot be delivered is tried again for some minutes while the message
//! is unread; whatever is lost then is fetched when the app is opened.

use std::{sync::Arc, time::Duration};

use allclear_domain::{
    device::EnrollmentStatus,
    ids::{DeviceId, NotificationId, Tenant},
    notification::NotificationState,
};
use allclear_engine::{Engine, Error};
use allclear_guard::GuardedClient;
use allclear_store::{devices, json, notifications, push};
use serde::Serialize;
use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    vapid::{KeyError, VapidKey},
    web_push::{Message, Subscription, WebPush},
};
use crate::outcome::Outcome;

/// Requests to push services at once.
const AT_ONCE: usize = 32;
/// Devices that wait for another attempt; more are given up.
const MOST_WAITING: usize = 10_000;
/// After how long a push that was deferred is tried again, unless the service says.
const AGAIN: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(15), Duration::from_secs(60), Duration::from_secs(300)];
/// The longest pause a service may ask for; after a longer one the push is given up.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);
/// How long push services keep a message for a browser that cannot be reached, in seconds.
const TTL: u32 = 24 * 3600;
/// A newer message takes the place of one that the browser has not got: the app shows all of them anyway.
const TOPIC: &str = "message";
/// The most characters of a message that are shown with a push.
const SHOWN: usize = 240;

/// What a browser's service worker gets.
#[derive(Serialize)]
struct Push {
    id: NotificationId,
    title: String,
    body: String,
    url: &'static str,
}

/// Calls devices until `shutdown`. `subject` is where push services can reach whoever runs this server.
pub async fn run(engine: Engine, client: GuardedClient, subject: Option<String>, shutdown: impl Future<Output = ()>) {
    let caller = Arc::new(Caller { engine, client, subject, turns: Semaphore::new(AT_ONCE) });
    let mut under_way = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        let calls = tokio::select! {
            calls = caller.engine.calls() => calls,
            _ = under_way.join_next(), if !under_way.is_empty() => continue,
            () = &mut shutdown => return,
        };
        for (tenant, device) in calls {
            if under_way.len() < MOST_WAITING {
                under_way.spawn(Arc::clone(&caller).call(tenant, device));
            } else {
                tracing::warn!(%device, "too many pushes wait for another attempt: one is given up");
            }
        }
    }
}

struct Caller {
    engine: Engine,
    client: GuardedClient,
    subject: Option<String>,
    turns: Semaphore,
}

/// Something to tell a browser.
struct News {
    subscription: push::Subscription,
    push: Vec<u8>,
    message: NotificationId,
}

/// What goes wrong before a push service is asked.
#[derive(Debug, thiserror::Error)]
enum CallError {
    #[error(transparent)]
    Engine(#[from] Error),
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Caller {
    async fn call(self: Arc<Self>, tenant: Tenant, device: DeviceId) {
        if let Err(error) = self.tell_owner(tenant, device).await {
            let cause = &error as &dyn std::error::Error;
            tracing::error!(%device, error = cause, "the owner of a device could not be told of a message");
        }
    }

    async fn tell_owner(&self, tenant: Tenant, device: DeviceId) -> Result<(), CallError> {
        let news = self.news(tenant, device).await?;
        if news.is_empty() {
            return Ok(());
        }
        let key = VapidKey::of(&self.engine).await?;
        let sender = WebPush::new(self.client.clone(), key, self.subject.clone());
        for one in news {
            self.tell_browser(tenant, device, &sender, &one).await?;
        }
        Ok(())
    }

    /// The newest message, for each browser that wants to be told; nothing if it was read.
    async fn news(&self, tenant: Tenant, device: DeviceId) -> Result<Vec<News>, Error> {
        let read = self.engine.read(tenant, move |tx, rules| {
            let subscriptions = push::subscriptions(tx, tenant, device)?;
            if subscriptions.is_empty() || devices::enrollment(tx, tenant, device)? != Some(EnrollmentStatus::Enrolled)
            {
                return Ok(Vec::new());
            }
            let newest = notifications::messages(tx, tenant, device, None, 1)?;
            let Some(newest) = newest.into_iter().next().filter(|it| it.state != NotificationState::Read) else {
                return Ok(Vec::new());
            };
            let push = Push {
                id: newest.id,
                title: rules.settings.branding.organisation().to_owned(),
                body: beginning(&newest.body),
                url: "/m/",
            };
            let push = json::encode(&push)?.into_bytes();
            let news = |subscription| News { subscription, push: push.clone(), message: newest.id };
            Ok(subscriptions.into_iter().map(news).collect())
        });
        read.await
    }

    async fn tell_browser(
        &self,
        tenant: Tenant,
        device: DeviceId,
        sender: &WebPush,
        news: &News,
    ) -> Result<(), CallError> {
        let opened = self.engine.sealer().open(tenant, &news.subscription.sealed)?;
        let subscription: Subscription = json::decode(&opened).map_err(Error::from)?;
        for pause in AGAIN.into_iter().map(Some).chain([None]) {
            let message = Message { body: news.push.clone(), ttl: TTL, topic: Some(TOPIC) };
            let outcome = {
                // Never closed.
                let _turn = self.turns.acquire().await;
                sender.send(&subscription, message, self.engine.source().now()).await
            };
            count("web_push", &outcome);
            let asked = match outcome {
                Outcome::Accepted { .. } => return Ok(()),
                Outcome::Gone { .. } => {
                    let gone = news.subscription.clone();
                    let forget =
                        move |tx: &mut allclear_store::db::Tx<'_>| push::forget_subscription(tx, tenant, &gone);
                    self.engine.db().write(forget).await.map_err(Error::from)?;
                    return Ok(());
                }
                Outcome::Refused { answer } => {
                    tracing::warn!(%device, answer, "a push service refused a message");
                    return Ok(());
                }
                Outcome::Deferred { retry_after, .. } => retry_after,
            };
            let Some(pause) = pause.map(|pause| asked.map_or(pause, |asked| asked.max(pause))) else { break };
            if pause > LONGEST_PAUSE {
                break;
            }
            tokio::time::sleep(pause).await;
            let newest = self.news(tenant, device).await?;
            if !newest.iter().any(|now| now.message == news.message && now.subscription == news.subscription) {
                // Read meanwhile, followed by another that is told by itself, or not wanted any more.
                return Ok(());
            }
        }
        tracing::info!(%device, "a push was given up; its message waits in the app");
        Ok(())
    }
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
fn beginning(text: &str) -> String {
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
}
