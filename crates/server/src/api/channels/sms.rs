//! The SMS channel: an SMSC over SMPP, or an HTTP gateway and the news it posts. Secrets are written and never shown again.

use allclear_channels::sms::{
    Taken,
    gateway::{GatewaySettings, Sender as GatewaySender, callback},
    messenger,
    settings::{SmsProvider, SmsSettings},
    smpp::{Sender, SmppSettings},
};
use allclear_domain::{ids::Tenant, notification::Transport, time::Time};
use allclear_engine::channels::{self as engine, Secrets};
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{four, none_if_empty, put_secret, read, write};
use crate::{
    app::AppState,
    auth::Principal,
    check::Check,
    extract::{IfMatch, Json, Path, etag},
    problem::Problem,
};

/// How news of text messages comes.
const FORM: &str = "application/x-www-form-urlencoded";
/// What signs it.
const SIGNATURE: HeaderName = HeaderName::from_static("x-twilio-signature");

/// How text messages are sent: by one of `smpp` and `gateway`; both are null before the channel is set up.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SmsChannel {
    /// Whether text messages are sent; else they are captured.
    enabled: bool,
    /// An SMSC over SMPP.
    #[schema(required = true)]
    smpp: Option<SmppChannel>,
    /// An HTTP gateway.
    #[schema(required = true)]
    gateway: Option<GatewayChannel>,
    /// The most messages a second; 0: no limit.
    per_second: u16,
    /// Grows with every change; 0 before the first.
    version: i64,
    /// When it was changed last.
    #[schema(required = true)]
    changed_at: Option<Time>,
}

/// An SMSC over SMPP 3.4. Each node of the server opens one session as a transceiver, and keeps it up.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct SmppChannel {
    /// Its name or address.
    host: String,
    /// Its port.
    port: u16,
    /// Whether the connection is encrypted.
    tls: bool,
    /// An authority trusted besides the public ones, PEM.
    #[schema(required = true)]
    ca_certificate: Option<String>,
    /// Who signs in.
    system_id: String,
    /// Whether there is a password.
    password_set: bool,
    /// The kind of system; most often empty.
    system_type: String,
    /// Whom messages come from; null: the SMSC decides.
    #[schema(required = true)]
    sender: Option<SmsSender>,
    /// How many messages may wait for the SMSC's answer at once.
    window: u16,
    /// How often the connection is tried while nothing else is said, in seconds.
    enquire_link_seconds: u16,
    /// How long the SMSC may take to answer, in seconds.
    response_timeout_seconds: u16,
    /// Whether the SMSC names a message in hexadecimal when it accepts it, and in decimal in its receipt.
    hex_message_ids: bool,
}

/// Whom text messages come from.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SmsSender {
    /// A number, a short code or a name: ASCII.
    #[schema(min_length = 1, max_length = 20)]
    address: String,
    /// SMPP's type of number; from the address if nothing is given.
    ton: Option<u8>,
    /// SMPP's numbering plan; from the address if nothing is given.
    npi: Option<u8>,
}

/// An HTTP gateway in the style of Twilio's Messages API.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct GatewayChannel {
    /// Where it is, before `/2010-04-01/…`.
    base_url: String,
    /// The account.
    account_sid: String,
    /// Whether there is a secret.
    auth_token_set: bool,
    /// Whom messages come from: a number, short code or name.
    #[schema(required = true)]
    from: Option<String>,
    /// Or a messaging service, which chooses.
    #[schema(required = true)]
    messaging_service_sid: Option<String>,
    /// Whether it is asked to post news of messages to us.
    status_callbacks: bool,
    /// How many requests may be under way at once.
    requests: u16,
}

/// How text messages are sent from now on: by either `smpp` or `gateway`.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SmsChannelEdit {
    /// Whether text messages are sent.
    enabled: bool,
    /// An SMSC over SMPP.
    smpp: Option<SmppChannelEdit>,
    /// An HTTP gateway.
    gateway: Option<GatewayChannelEdit>,
    /// The most messages a second; 0, which is the default: no limit.
    #[serde(default)]
    per_second: u16,
    /// The version this is based on, unless `If-Match` says it; 0 before the first.
    version: Option<i64>,
}

/// An SMSC from now on.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SmppChannelEdit {
    /// Its name or address, which its certificate must be for.
    #[schema(min_length = 1, max_length = 253)]
    host: String,
    /// Its port: most often 2775, with TLS 3550; 2775 unless given.
    #[serde(default = "smpp_port")]
    #[schema(minimum = 1)]
    port: u16,
    /// Whether the connection is encrypted; true unless given. `false` only for hosts that the operator's allow list names.
    #[serde(default = "yes")]
    tls: bool,
    /// An authority trusted besides the public ones, PEM.
    #[schema(max_length = 20_000)]
    ca_certificate: Option<String>,
    /// Who signs in: ASCII.
    #[schema(min_length = 1, max_length = 15)]
    system_id: String,
    /// The password, at most 8 ASCII characters. Left out it stays, for the same host, port and system id.
    #[schema(max_length = 8, write_only)]
    password: Option<String>,
    /// The kind of system, where the SMSC wants one: ASCII.
    #[serde(default)]
    #[schema(max_length = 12)]
    system_type: String,
    /// Whom messages come from; nothing: the SMSC decides.
    sender: Option<SmsSender>,
    /// How many messages may wait for the SMSC's answer at once; 10 unless given.
    #[serde(default = "ten")]
    #[schema(minimum = 1, maximum = 1000)]
    window: u16,
    /// How often the connection is tried while nothing else is said, in seconds; 30 unless given.
    #[serde(default = "thirty")]
    #[schema(minimum = 1, maximum = 600)]
    enquire_link_seconds: u16,
    /// How long the SMSC may take to answer, in seconds; 30 unless given.
    #[serde(default = "thirty")]
    #[schema(minimum = 1, maximum = 600)]
    response_timeout_seconds: u16,
    /// Whether the SMSC names a message in hexadecimal when it accepts it, and in decimal in its receipt; false unless
    /// given.
    #[serde(default)]
    hex_message_ids: bool,
}

/// An HTTP gateway from now on. Needs either `from` or `messaging_service_sid`.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayChannelEdit {
    /// Where it is, before `/2010-04-01/…`; `https://api.twilio.com` unless given.
    #[serde(default = "twilio")]
    #[schema(max_length = 500, format = "uri")]
    base_url: String,
    /// The account.
    #[schema(min_length = 1, max_length = 64)]
    account_sid: String,
    /// Its secret, which also signs the news it posts. Left out it stays, for the same address and account.
    #[schema(max_length = 256, write_only)]
    auth_token: Option<String>,
    /// Whom messages come from: a number, short code or name.
    #[schema(max_length = 64)]
    from: Option<String>,
    /// Or a messaging service, which chooses.
    #[schema(max_length = 64)]
    messaging_service_sid: Option<String>,
    /// Whether it is asked to post news of messages to us; true unless given. Needs the server's `public_url`.
    #[serde(default = "yes")]
    status_callbacks: bool,
    /// How many requests may be under way at once; 4 unless given.
    #[serde(default = "four")]
    #[schema(minimum = 1, maximum = 100)]
    requests: u16,
}

fn yes() -> bool {
    true
}

fn smpp_port() -> u16 {
    2775
}

fn ten() -> u16 {
    10
}

fn thirty() -> u16 {
    30
}

fn twilio() -> String {
    "https://api.twilio.com".to_owned()
}

impl From<SmppChannelEdit> for SmppSettings {
    fn from(edit: SmppChannelEdit) -> Self {
        Self {
            host: edit.host,
            port: edit.port,
            tls: edit.tls,
            ca_certificate: none_if_empty(edit.ca_certificate),
            system_id: edit.system_id,
            system_type: edit.system_type,
            sender: edit.sender.map(|SmsSender { address, ton, npi }| Sender { address, ton, npi }),
            window: edit.window,
            enquire_link_seconds: edit.enquire_link_seconds,
            response_timeout_seconds: edit.response_timeout_seconds,
            hex_message_ids: edit.hex_message_ids,
        }
    }
}

impl SmppChannel {
    fn new(smpp: SmppSettings, password_set: bool) -> Self {
        Self {
            host: smpp.host,
            port: smpp.port,
            tls: smpp.tls,
            ca_certificate: smpp.ca_certificate,
            system_id: smpp.system_id,
            password_set,
            system_type: smpp.system_type,
            sender: smpp.sender.map(|Sender { address, ton, npi }| SmsSender { address, ton, npi }),
            window: smpp.window,
            enquire_link_seconds: smpp.enquire_link_seconds,
            response_timeout_seconds: smpp.response_timeout_seconds,
            hex_message_ids: smpp.hex_message_ids,
        }
    }
}

impl GatewayChannel {
    fn new(gateway: GatewaySettings, auth_token_set: bool) -> Self {
        let (from, messaging_service_sid) = match gateway.sender {
            GatewaySender::From(from) => (Some(from), None),
            GatewaySender::MessagingService(sid) => (None, Some(sid)),
        };
        Self {
            base_url: gateway.base_url,
            account_sid: gateway.account_sid,
            auth_token_set,
            from,
            messaging_service_sid,
            status_callbacks: gateway.status_callbacks,
            requests: gateway.requests,
        }
    }
}

/// The provider that is asked for, and its secret if one is given.
fn provider(
    smpp: Option<SmppChannelEdit>,
    gateway: Option<GatewayChannelEdit>,
) -> Result<(SmsProvider, Option<String>), Problem> {
    let gateway = match (smpp, gateway) {
        (Some(mut smpp), None) => {
            let secret = smpp.password.take();
            return Ok((SmsProvider::Smpp(smpp.into()), secret));
        }
        (None, Some(gateway)) => gateway,
        _ => return Err(Problem::invalid_field("", "needs either `smpp` or `gateway`")),
    };
    let sender = match (none_if_empty(gateway.from), none_if_empty(gateway.messaging_service_sid)) {
        (Some(from), None) => GatewaySender::From(from),
        (None, Some(sid)) => GatewaySender::MessagingService(sid),
        _ => return Err(Problem::invalid_field("/gateway", "needs either `from` or `messaging_service_sid`")),
    };
    let settings = GatewaySettings {
        base_url: gateway.base_url,
        account_sid: gateway.account_sid,
        sender,
        status_callbacks: gateway.status_callbacks,
        requests: gateway.requests,
    };
    Ok((SmsProvider::Gateway(settings), gateway.auth_token))
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get, put)).routes(routes!(news))
}

/// How text messages are sent
#[utoipa::path(get, path = "/api/v1/channels/sms", tag = "channels", operation_id = "get_sms_channel",
    responses((status = 200, body = SmsChannel)))]
async fn get(State(state): State<AppState>, principal: Principal) -> Result<Response, Problem> {
    shown(&state, &principal).await
}

async fn shown(state: &AppState, principal: &Principal) -> Result<Response, Problem> {
    let kept = read::<SmsSettings>(state, principal, Transport::Sms).await?;
    let is_set = kept.has(|settings| settings.provider.secret());
    let mut channel = SmsChannel {
        enabled: kept.enabled,
        smpp: None,
        gateway: None,
        per_second: kept.settings.as_ref().map_or(0, |settings| settings.per_second),
        version: kept.version,
        changed_at: kept.changed_at,
    };
    if let Some(settings) = kept.settings {
        match settings.provider {
            SmsProvider::Smpp(smpp) => channel.smpp = Some(SmppChannel::new(smpp, is_set)),
            SmsProvider::Gateway(gateway) => channel.gateway = Some(GatewayChannel::new(gateway, is_set)),
        }
    }
    Ok((etag(channel.version), Json(channel)).into_response())
}

/// Sets up how text messages are sent
///
/// Messages that wait are sent this way from now on. Those that were captured before stay captured.
#[utoipa::path(put, path = "/api/v1/channels/sms", tag = "channels", operation_id = "set_sms_channel",
    request_body = SmsChannelEdit, responses((status = 200, body = SmsChannel)))]
async fn put(
    State(state): State<AppState>,
    principal: Principal,
    if_match: IfMatch,
    Json(edit): Json<SmsChannelEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let before = read::<SmsSettings>(&state, &principal, Transport::Sms).await?.secrets;
    let (provider, secret) = provider(edit.smpp, edit.gateway)?;
    let mut secrets = Secrets::new();
    put_secret(&mut secrets, provider.secret(), secret, &before);
    let settings = SmsSettings { provider, per_second: edit.per_second };
    let has_public_url = state.options.public_url.is_some();
    Check::of(settings.problems(&secrets, &state.options.outgoing, has_public_url)).finish()?;
    let what = (Transport::Sms, edit.enabled, version);
    write(&state, &principal, &if_match, what, &settings, secrets).await?;
    shown(&state, &principal).await
}

/// Takes news of a text message
///
/// Posted by the gateway that took the message over, and signed with the account's secret (`X-Twilio-Signature`). 403
/// otherwise.
#[utoipa::path(post, path = "/callbacks/sms/{tenant}", tag = "channels", operation_id = "take_sms_news",
    params(("tenant" = i64, Path, description = "Whose message it is."),
        ("X-Twilio-Signature" = String, Header, description = "The signature of address and form.")),
    request_body(content = String, content_type = "application/x-www-form-urlencoded",
        description = "`MessageSid`, `MessageStatus` and more."),
    responses((status = 204), (status = 403)))]
async fn news(
    State(state): State<AppState>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    form: Bytes,
) -> Result<StatusCode, Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if !text(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with(FORM)) {
        return Err(Problem::unsupported_media_type(FORM));
    }
    let tenant = Tenant(tenant.parse().map_err(|_| Problem::not_found("tenant"))?);
    // Nobody learns here whose channels are set up.
    let forbidden = || Problem::forbidden_because("The signature is not one of this account for this address.");
    let signature = text(SIGNATURE).ok_or_else(forbidden)?;
    let public_url = state.options.public_url.as_deref();
    let url = public_url.and_then(|url| messenger::callback_url(url, tenant)).ok_or_else(forbidden)?;
    let sealer = state.engine.sealer().clone();
    let setting = state.db.read(move |tx| engine::get(tx, &sealer, tenant, Transport::Sms)).await?;
    let setting = setting.ok_or_else(forbidden)?;
    let settings: SmsSettings = serde_json::from_str(&setting.config).map_err(|error| Problem::internal(&error))?;
    let secret = setting.secrets.get(&settings.provider.secret()).ok_or_else(forbidden)?;
    if !matches!(settings.provider, SmsProvider::Gateway(_)) {
        return Err(forbidden());
    }
    let receipt = match callback::read(secret, &url, &form, signature) {
        Ok(Some(receipt)) => receipt,
        // On its way.
        Ok(None) => return Ok(StatusCode::NO_CONTENT),
        Err(callback::BadCallback::Signature) => return Err(forbidden()),
        Err(bad @ callback::BadCallback::Form) => return Err(Problem::bad_request(bad.to_string())),
    };
    match messenger::record(&state.engine, tenant, &settings.provider.label(), receipt).await {
        Taken::Recorded | Taken::Unknown => Ok(StatusCode::NO_CONTENT),
        Taken::Later => Err(Problem::unavailable("It could not be written down.", 5)),
    }
}
