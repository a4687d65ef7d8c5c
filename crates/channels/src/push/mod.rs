//! Telling devices and their owners that there is something new, by the push services of their browsers and platforms.
//!
//! A push only says that there is something to fetch: one that is lost loses nothing.

mod agents;
pub mod apns;
mod browsers;
pub mod fcm;
mod managed;
mod senders;
mod test;
pub mod vapid;
mod wakes;
pub mod web_push;
pub mod worker;

use std::collections::BTreeMap;

use allclear_domain::{
    device::EnrollmentStatus,
    ids::{DeviceId, MessagesSessionId, NotificationId, Tenant},
    push::PushToken,
};
use allclear_engine::{Engine, Error};
use allclear_store::{devices, json, push as stored, push_tokens};
use sha2::{Digest, Sha256};
pub use test::test;

use web_push::Subscription;

/// What an agent is sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Push {
    /// That it has something to do. Nobody sees it.
    WakeUp,
    /// A message to the device's owner, which the platform shows.
    Message {
        /// The message, where it is one of the device's.
        id: Option<NotificationId>,
        /// Who it is from.
        title: String,
        /// What it says, or the beginning of it.
        body: String,
    },
}

impl Push {
    /// What it is, for the agent; a newer push of a kind takes the place of one that was not delivered.
    pub fn kind(&self) -> &'static str {
        match self {
            Push::WakeUp => "wake_up",
            Push::Message { .. } => "message",
        }
    }

    /// What the agent reads: `type`, which is the kind, and of a message its `id`.
    fn data(&self) -> BTreeMap<&'static str, String> {
        let mut data = BTreeMap::from([("type", self.kind().to_owned())]);
        if let Push::Message { id: Some(id), .. } = self {
            data.insert("id", id.to_string());
        }
        data
    }
}

/// Remembers where a session of the Messages app wants to be told, in place of what it said before.
pub async fn subscribe(
    engine: &Engine,
    tenant: Tenant,
    device: DeviceId,
    session: MessagesSessionId,
    subscription: &Subscription,
) -> Result<(), Error> {
    let source = engine.source();
    let sealed = engine.sealer().seal(tenant, &json::encode(subscription)?, &**source)?;
    let (kept, now) = (stored::Subscription { session, sealed }, source.now());
    let endpoint = Sha256::digest(subscription.endpoint().as_bytes()).into();
    let subscribed = engine.db().write(move |tx| stored::subscribe(tx, tenant, device, &kept, &endpoint, now));
    Ok(subscribed.await?)
}

/// Forgets where a session of the Messages app wants to be told.
pub async fn unsubscribe(
    engine: &Engine,
    tenant: Tenant,
    device: DeviceId,
    session: MessagesSessionId,
) -> Result<(), Error> {
    Ok(engine.db().write(move |tx| stored::unsubscribe(tx, tenant, device, session)).await?)
}

/// Remembers where the agent of a device is told, in place of what it said before. The device must be enrolled.
pub async fn set_token(engine: &Engine, tenant: Tenant, device: DeviceId, token: PushToken) -> Result<(), Error> {
    let now = engine.source().now();
    let set = engine.db().write(move |tx| match devices::enrollment(tx, tenant, device)? {
        Some(EnrollmentStatus::Enrolled) => Ok(push_tokens::put(tx, tenant, device, &token, now)?),
        Some(_) => Err(Error::Conflict("the device is not enrolled any more".to_owned())),
        None => Err(Error::NotFound("device")),
    });
    set.await
}

/// Forgets where the agent of a device is told.
pub async fn forget_token(engine: &Engine, tenant: Tenant, device: DeviceId) -> Result<(), Error> {
    Ok(engine.db().write(move |tx| push_tokens::forget(tx, tenant, device)).await?)
}
