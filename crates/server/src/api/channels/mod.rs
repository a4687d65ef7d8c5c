//! Channels: what messages are sent by. A file for each; listing and trying out is the same for all.

pub mod apns;
pub mod email;
pub mod fcm;
pub mod sms;

use allclear_channels::{
    delivery::{self, Outgoing, Tested},
    push,
};
use allclear_domain::{
    contact,
    ids::DeviceId,
    notification::{ProviderState, Transport},
    time::Time,
};
use allclear_engine::channels::{self as engine, NewSetting, ProviderHealth, Secrets};
use allclear_store::{channel_settings as stored, outbox};
use axum::extract::State;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    auth::Principal,
    check::Check,
    extract::{IfMatch, Json, Path},
    problem::Problem,
};

/// A channel at a glance.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ChannelSummary {
    /// Which one.
    channel: Transport,
    /// Whether it is set up.
    configured: bool,
    /// Whether it is used. While it is not, messages are captured and not sent.
    enabled: bool,
    /// When it was changed last; null before it was set up.
    #[schema(required = true)]
    changed_at: Option<Time>,
    /// Messages that wait to be sent.
    queued: i64,
    /// When the oldest of them was made.
    #[schema(required = true)]
    oldest_queued_at: Option<Time>,
    /// How whoever takes its messages is doing, as the server that answers has seen; null before it has seen anything.
    #[schema(required = true)]
    provider: Option<ProviderSummary>,
}

/// How whoever takes a channel's messages is doing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ProviderSummary {
    /// How. While it is not `ok`, messages wait and their attempts are not counted.
    state: ProviderState,
    /// Since when.
    since: Time,
    /// What it said last, or why it cannot be reached or used.
    answer: String,
}

impl From<ProviderHealth> for ProviderSummary {
    fn from(health: ProviderHealth) -> Self {
        Self { state: health.state, since: health.since, answer: health.answer }
    }
}

/// All channels.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Channels {
    /// One each.
    items: Vec<ChannelSummary>,
}

/// Where to send a test message.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TestRequest {
    /// A mail address or phone number; for `apns` and `fcm` the id of a device.
    #[schema(min_length = 3, max_length = 254)]
    to: String,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(test))
        .merge(apns::router())
        .merge(email::router())
        .merge(fcm::router())
        .merge(sms::router())
}

/// The channels
///
/// What messages and wake-ups are sent by, and what waits in each. They concern the whole tenant, so a part of it does
/// not suffice as reach.
#[utoipa::path(get, path = "/api/v1/channels", tag = "channels", operation_id = "list_channels",
    responses((status = 200, body = Channels)))]
async fn list(State(state): State<AppState>, principal: Principal) -> Result<Json<Channels>, Problem> {
    let engine = state.engine.clone();
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        principal.whole_tenant(rules)?;
        let settings = stored::list(tx, principal.tenant)?;
        let mut items = Vec::new();
        for transport in Transport::ALL {
            let setting = settings.iter().find(|setting| setting.transport == transport);
            let backlog = match transport.channel() {
                Some(channel) => outbox::backlog(tx, principal.tenant, channel)?,
                None => outbox::Backlog::default(),
            };
            items.push(ChannelSummary {
                channel: transport,
                configured: setting.is_some(),
                enabled: setting.is_some_and(|setting| setting.enabled),
                changed_at: setting.map(|setting| setting.changed_at),
                queued: backlog.queued,
                oldest_queued_at: backlog.oldest,
                provider: engine.providers().of(principal.tenant, transport).map(ProviderSummary::from),
            });
        }
        Ok(items)
    });
    Ok(Json(Channels { items: found.await? }))
}

/// Sends a test message
///
/// By what is set up, whether it is enabled or not, and past the outbox. The answer is the provider's own. 409 while the
/// channel is not set up, or the device's agent has not said where the push service reaches it.
#[utoipa::path(post, path = "/api/v1/channels/{channel}/test", tag = "channels", operation_id = "test_channel",
    request_body = TestRequest, params(("channel" = Transport, Path, description = "The channel.")),
    responses((status = 200, body = Tested)))]
async fn test(
    State(state): State<AppState>,
    principal: Principal,
    Path(channel): Path<Transport>,
    Json(request): Json<TestRequest>,
) -> Result<Json<Tested>, Problem> {
    let mut check = Check::default();
    let mut device = None;
    match channel {
        Transport::Email => check.that(contact::is_email(&request.to), "/to", "must be a mail address"),
        Transport::Sms => {
            let good = contact::phone_digits(&request.to).is_some();
            check.that(good, "/to", "must be a phone number in international form (E.164)");
        }
        Transport::Apns | Transport::Fcm => {
            device = request.to.parse().ok().map(DeviceId);
            check.that(device.is_some(), "/to", "must be the id of a device");
        }
    }
    check.finish()?;
    let who = principal.clone();
    state.engine.read(principal.tenant, move |_, rules| who.whole_tenant(rules)).await?;
    if let Some(device) = device {
        let allow = &state.options.outgoing;
        return Ok(Json(push::test(&state.engine, allow, principal.tenant, channel, device).await?));
    }
    let outgoing =
        Outgoing::new(state.options.outgoing.clone(), state.options.public_url.clone()).map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "nothing can be connected to");
            Problem::unavailable("The server cannot connect to anything.", 60)
        })?;
    Ok(Json(delivery::test(&state.engine, &outgoing, principal.tenant, channel, &request.to).await?))
}

/// What is set for a channel.
struct Kept<S> {
    enabled: bool,
    /// None before it was set up.
    settings: Option<S>,
    secrets: Secrets,
    /// 0 before it was set up.
    version: i64,
    changed_at: Option<Time>,
}

impl<S> Kept<S> {
    /// Whether there is a secret that the settings name so.
    fn has(&self, name: impl FnOnce(&S) -> String) -> bool {
        self.settings.as_ref().is_some_and(|settings| self.secrets.contains_key(&name(settings)))
    }
}

/// What is set for a channel.
async fn read<S: DeserializeOwned>(
    state: &AppState,
    principal: &Principal,
    transport: Transport,
) -> Result<Kept<S>, Problem> {
    let (who, sealer) = (principal.clone(), state.engine.sealer().clone());
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        who.whole_tenant(rules)?;
        engine::get(tx, &sealer, who.tenant, transport)
    });
    let Some(setting) = found.await? else {
        return Ok(Kept { enabled: false, settings: None, secrets: Secrets::new(), version: 0, changed_at: None });
    };
    Ok(Kept {
        enabled: setting.enabled,
        settings: serde_json::from_str(&setting.config).ok(),
        secrets: setting.secrets,
        version: setting.version,
        changed_at: Some(setting.changed_at),
    })
}

/// Writes what is set for a channel.
async fn write(
    state: &AppState,
    principal: &Principal,
    if_match: &IfMatch,
    (transport, enabled, version): (Transport, bool, i64),
    settings: &impl Serialize,
    secrets: Secrets,
) -> Result<(), Problem> {
    let config = serde_json::to_value(settings).map_err(|error| Problem::internal(&error))?;
    let (who, sealer, source) = (principal.clone(), state.engine.sealer().clone(), state.source.clone());
    let new = NewSetting { transport, enabled, config, secrets, version };
    let set = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        engine::set(work, &sealer, &*source, &new)
    });
    set.await.map_err(|error| if_match.problem(error))?;
    Ok(())
}

/// A text, unless nothing is in it.
pub(super) fn none_if_empty(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

/// How much a provider takes at once unless somebody says so.
fn four() -> u16 {
    4
}

/// A secret as it is from now on: what is left out stays, an empty one is removed.
pub(super) fn put_secret(secrets: &mut Secrets, name: String, given: Option<String>, before: &Secrets) {
    let kept = given.or_else(|| before.get(&name).cloned()).filter(|secret| !secret.is_empty());
    if let Some(secret) = kept {
        secrets.insert(name, secret);
    }
}
