//! Telling devices' owners that there is something new, by the push services of their browsers.
//!
//! A push only says that there is something to fetch: one that is lost loses nothing.

mod answer;
pub mod vapid;
pub mod web_push;
pub mod worker;

use allclear_domain::ids::{DeviceId, MessagesSessionId, Tenant};
use allclear_engine::{Engine, Error};
use allclear_store::{json, push as stored};
use sha2::{Digest, Sha256};

use web_push::Subscription;

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
