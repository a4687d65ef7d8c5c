//! Trying a push service out: a message to one device, past everything else, answered with the service's own words.

use allclear_domain::{
    ids::{DeviceId, Tenant},
    notification::Transport,
};
use allclear_engine::{Engine, Error, channels};
use allclear_guard::AllowList;
use allclear_store::{devices, push_tokens};

use super::{Push, senders::Sender};
use crate::{
    delivery::{Tested, tested},
    outcome::{Answer, Outcome},
};

/// Sends a test message to the agent of a device by what is set up, whether it is switched on or not.
pub async fn test(
    engine: &Engine,
    allow: &AllowList,
    tenant: Tenant,
    transport: Transport,
    device: DeviceId,
) -> Result<Tested, Error> {
    let sealer = engine.sealer().clone();
    let read = engine.read(tenant, move |tx, rules| {
        let setting = channels::get(tx, &sealer, tenant, transport)?;
        let setting = setting.ok_or_else(|| Error::Conflict("the channel is not set up".to_owned()))?;
        devices::enrollment(tx, tenant, device)?.ok_or(Error::NotFound("device"))?;
        let kept = push_tokens::get(tx, tenant, device)?.filter(|kept| kept.token.provider.transport() == transport);
        let kept = kept.ok_or_else(|| {
            Error::Conflict("the agent of this device has not said where this push service reaches it".to_owned())
        })?;
        Ok((setting, kept, rules.settings.branding.organisation().to_owned()))
    });
    let (setting, kept, title) = read.await?;
    let began = engine.source().now();
    let push = Push::Message { id: None, title, body: "This is a test message. You need not do anything.".to_owned() };
    let answer = match Sender::open(&setting, allow) {
        Ok(sender) => Answer::of(sender.provider(&kept), sender.send(&kept, &push, began).await),
        Err(answer) => Answer::of(transport.as_str(), Outcome::Refused { answer }),
    };
    let result = tested(answer, engine.source().now().since(began));
    if result.is_gone() {
        engine.db().write(move |tx| push_tokens::forget_gone(tx, tenant, device, &kept)).await?;
    }
    Ok(result)
}
