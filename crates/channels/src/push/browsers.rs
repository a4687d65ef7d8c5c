//! Tells the browsers of devices' owners when there is a new message.

use allclear_domain::ids::{DeviceId, NotificationId, Tenant};
use allclear_engine::Error;
use allclear_store::{json, push};
use serde::Serialize;

use super::{
    vapid::VapidKey,
    web_push::{Message, Subscription, WebPush},
    worker::{CallError, Caller, Ended, beginning, newest},
};

/// How long push services keep a message for a browser that cannot be reached, in seconds.
const TTL: u32 = 24 * 3600;
/// A newer message takes the place of one that the browser has not got: the app shows all of them anyway.
const TOPIC: &str = "message";

/// What a browser's service worker gets.
#[derive(Serialize)]
struct Push {
    id: NotificationId,
    title: String,
    body: String,
    url: &'static str,
}

/// Something to tell a browser.
struct News {
    subscription: push::Subscription,
    push: Vec<u8>,
    message: NotificationId,
}

impl Caller {
    pub(super) async fn tell_browsers(&self, tenant: Tenant, device: DeviceId) -> Result<(), CallError> {
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
            if subscriptions.is_empty() {
                return Ok(Vec::new());
            }
            let Some((message, title)) = newest(tx, rules, tenant, device)? else { return Ok(Vec::new()) };
            let push = Push { id: message.id, title, body: beginning(&message.body), url: "/m/" };
            let push = json::encode(&push)?.into_bytes();
            let news = |subscription| News { subscription, push: push.clone(), message: message.id };
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
        let push = || async {
            let message = Message { body: news.push.clone(), ttl: TTL, topic: Some(TOPIC) };
            sender.send(&subscription, message, self.engine.source().now()).await
        };
        // Not if it was read meanwhile, followed by another that is told by itself, or is not wanted any more.
        let is_wanted = || async {
            let now = self.news(tenant, device).await?;
            Ok(now.iter().any(|now| now.message == news.message && now.subscription == news.subscription))
        };
        if self.persist("web_push", device, push, is_wanted).await? == Ended::Gone {
            let gone = news.subscription.clone();
            let forget = move |tx: &mut allclear_store::db::Tx<'_>| push::forget_subscription(tx, tenant, &gone);
            self.engine.db().write(forget).await.map_err(Error::from)?;
        }
        Ok(())
    }
}
