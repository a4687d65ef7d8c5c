//! Trying a channel out: one message to an address somebody gives, past the outbox, answered with the provider's words.

use allclear_domain::{
    ids::{NotificationId, OrganizationGroupId, Tenant},
    notification::{Channel, NotificationState, Transport, Trigger},
    time::Span,
};
use allclear_engine::{Engine, Error, channels};
use allclear_store::notifications::{Delivery, Notification};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Outgoing, Provider, Sender};
use crate::outcome::{Answer, Outcome};

/// What came of a test.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct Tested {
    /// What they made of it.
    pub outcome: TestedOutcome,
    /// What they said, or why they could not be asked.
    pub answer: String,
    /// Who was asked.
    pub provider: String,
    /// How long it took, in milliseconds.
    pub took_ms: i64,
}

impl Tested {
    /// Whether the address is no more.
    pub(crate) fn is_gone(&self) -> bool {
        self.outcome == TestedOutcome::Gone
    }
}

/// What became of a test message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestedOutcome {
    /// They have taken it over.
    Accepted,
    /// Not now, or they could not be asked.
    Deferred,
    /// They refuse it.
    Refused,
    /// The address is no more.
    Gone,
}

/// Sends a test message by what is set up, whether it is switched on or not.
pub async fn test(
    engine: &Engine,
    outgoing: &Outgoing,
    tenant: Tenant,
    transport: Transport,
    to: &str,
) -> Result<Tested, Error> {
    let sealer = engine.sealer().clone();
    let read = engine.read(tenant, move |tx, rules| {
        Ok((channels::get(tx, &sealer, tenant, transport)?, rules.settings.branding.clone()))
    });
    let (setting, branding) = read.await?;
    let setting = setting.ok_or_else(|| Error::Conflict("the channel is not set up".to_owned()))?;
    let channel =
        transport.channel().ok_or_else(|| Error::Conflict("the channel reaches devices, not addresses".to_owned()))?;
    let (source, began) = (engine.source(), engine.source().now());
    let id = NotificationId(source.id());
    let organisation = branding.organisation();
    let notification = Notification {
        id,
        trigger: Trigger::Notify,
        cause: String::new(),
        channel,
        recipient_name: String::new(),
        user: None,
        device: None,
        organization_group: OrganizationGroupId::GLOBAL,
        address: Some(to.to_owned()),
        subject: (channel == Channel::Email).then(|| format!("A test message from {organisation}")),
        body: format!("{organisation}: this is a test message. You need not do anything."),
        kind: None,
        html: None,
        state: NotificationState::Queued,
        reason: None,
        created_at: began,
        created_by: String::new(),
        changed_at: began,
        delivery: Delivery::default(),
    };
    let answer = match Provider::open(&setting, outgoing, engine, tenant) {
        Ok(provider) => {
            let answer = provider.send(&notification, &Sender { branding, logo: None }).await;
            provider.close().await;
            answer
        }
        Err(answer) => Answer::of(transport.as_str(), Outcome::Refused { answer }),
    };
    Ok(tested(answer, source.now().since(began)))
}

/// What came of a test that took so long.
pub(crate) fn tested(answer: Answer, took: Span) -> Tested {
    let (outcome, said) = match answer.outcome {
        Outcome::Accepted { answer, .. } => (TestedOutcome::Accepted, answer),
        Outcome::Deferred { answer, .. } => (TestedOutcome::Deferred, answer),
        Outcome::Refused { answer } => (TestedOutcome::Refused, answer),
        Outcome::Gone { answer } => (TestedOutcome::Gone, answer),
    };
    Tested { outcome, answer: said, provider: answer.provider, took_ms: took.as_micros() / 1000 }
}
