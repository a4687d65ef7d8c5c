//! The email channel: mail relays, and how mails are signed. Passwords and keys are written and never shown again.

use allclear_channels::email::{
    message,
    settings::{DKIM_KEY, Dkim, EmailSettings, Relay, Security},
};
use allclear_domain::{notification::Transport, time::Time};
use allclear_engine::channels::Secrets;
use axum::{
    extract::State,
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
    extract::{IfMatch, Json, etag},
    problem::Problem,
};

/// How mails are sent.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EmailChannel {
    /// Whether mails are sent; else they are captured.
    enabled: bool,
    /// The relays, in the order they are tried in. Empty before the channel is set up.
    relays: Vec<EmailRelay>,
    /// How mails are signed; null: not.
    #[schema(required = true)]
    dkim: Option<EmailDkim>,
    /// The most connections at once.
    connections: u16,
    /// The most mails a second; 0: no limit.
    per_second: u16,
    /// Grows with every change; 0 before the first.
    version: i64,
    /// When it was changed last.
    #[schema(required = true)]
    changed_at: Option<Time>,
}

/// A mail relay.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EmailRelay {
    /// Its name or address.
    host: String,
    /// Its port.
    port: u16,
    /// How the connection is protected.
    security: Security,
    /// Who we are to it; null: it takes our mails without.
    #[schema(required = true)]
    username: Option<String>,
    /// Whether there is a password.
    password_set: bool,
    /// An authority trusted besides the public ones, PEM.
    #[schema(required = true)]
    ca_certificate: Option<String>,
}

/// How mails are signed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EmailDkim {
    /// The domain that signs.
    domain: String,
    /// Which of its keys: the public one is at `SELECTOR._domainkey.DOMAIN`.
    selector: String,
    /// Whether there is a key.
    private_key_set: bool,
}

/// How mails are sent from now on.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailChannelEdit {
    /// Whether mails are sent. Needs a sender's address in the branding.
    enabled: bool,
    /// The relays, in the order they are tried in: the next while one cannot be reached.
    #[schema(min_items = 1, max_items = 5)]
    relays: Vec<EmailRelayEdit>,
    /// How mails are signed; nothing: not.
    dkim: Option<EmailDkimEdit>,
    /// The most connections at once; 4 unless given.
    #[serde(default = "four")]
    #[schema(minimum = 1, maximum = 100)]
    connections: u16,
    /// The most mails a second; 0, which is the default: no limit.
    #[serde(default)]
    per_second: u16,
    /// The version this is based on, unless `If-Match` says it; 0 before the first.
    version: Option<i64>,
}

/// A mail relay from now on.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailRelayEdit {
    /// Its name or address, which its certificate must be for.
    #[schema(min_length = 1, max_length = 253)]
    host: String,
    /// Its port: most often 587 with `starttls` and 465 with `tls`.
    #[schema(minimum = 1)]
    port: u16,
    /// How the connection is protected. `plain` only for hosts that the operator's allow list names.
    security: Security,
    /// Who we are to it, if it asks.
    #[schema(max_length = 256)]
    username: Option<String>,
    /// The password. Left out it stays, for the same host, port and name; empty it is removed.
    #[schema(max_length = 1024, write_only)]
    password: Option<String>,
    /// An authority trusted besides the public ones, PEM.
    #[schema(max_length = 20_000)]
    ca_certificate: Option<String>,
}

/// How mails are signed from now on.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmailDkimEdit {
    /// The domain that signs: the sender's.
    #[schema(max_length = 253)]
    domain: String,
    /// Which of its keys.
    #[schema(max_length = 253)]
    selector: String,
    /// The private key, RSA or Ed25519 in PEM. Left out it stays.
    #[schema(max_length = 20_000, write_only)]
    private_key: Option<String>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get, put))
}

/// How mails are sent
#[utoipa::path(get, path = "/api/v1/channels/email", tag = "channels", operation_id = "get_email_channel",
    responses((status = 200, body = EmailChannel)))]
async fn get(State(state): State<AppState>, principal: Principal) -> Result<Response, Problem> {
    shown(&state, &principal).await
}

async fn shown(state: &AppState, principal: &Principal) -> Result<Response, Problem> {
    let kept = read::<EmailSettings>(state, principal, Transport::Email).await?;
    let settings =
        kept.settings.unwrap_or(EmailSettings { relays: Vec::new(), dkim: None, connections: four(), per_second: 0 });
    let has = |name: &str| kept.secrets.contains_key(name);
    let relay = |relay: Relay| EmailRelay {
        password_set: has(&relay.secret()),
        host: relay.host,
        port: relay.port,
        security: relay.security,
        username: relay.username,
        ca_certificate: relay.ca_certificate,
    };
    let dkim = |dkim: Dkim| EmailDkim { domain: dkim.domain, selector: dkim.selector, private_key_set: has(DKIM_KEY) };
    let channel = EmailChannel {
        enabled: kept.enabled,
        relays: settings.relays.into_iter().map(relay).collect(),
        dkim: settings.dkim.map(dkim),
        connections: settings.connections,
        per_second: settings.per_second,
        version: kept.version,
        changed_at: kept.changed_at,
    };
    Ok((etag(channel.version), Json(channel)).into_response())
}

/// Sets up how mails are sent
///
/// Messages that wait are sent this way from now on. Those that were captured before stay captured.
#[utoipa::path(put, path = "/api/v1/channels/email", tag = "channels", operation_id = "set_email_channel",
    request_body = EmailChannelEdit, responses((status = 200, body = EmailChannel)))]
async fn put(
    State(state): State<AppState>,
    principal: Principal,
    if_match: IfMatch,
    Json(edit): Json<EmailChannelEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let before = read::<EmailSettings>(&state, &principal, Transport::Email).await?.secrets;
    let mut secrets = Secrets::new();
    let mut settings =
        EmailSettings { relays: Vec::new(), dkim: None, connections: edit.connections, per_second: edit.per_second };
    for relay in edit.relays {
        let set = Relay {
            host: relay.host,
            port: relay.port,
            security: relay.security,
            username: none_if_empty(relay.username),
            ca_certificate: none_if_empty(relay.ca_certificate),
        };
        if set.username.is_some() {
            put_secret(&mut secrets, set.secret(), relay.password, &before);
        }
        settings.relays.push(set);
    }
    if let Some(dkim) = edit.dkim {
        put_secret(&mut secrets, DKIM_KEY.to_owned(), dkim.private_key, &before);
        settings.dkim = Some(Dkim { domain: dkim.domain, selector: dkim.selector });
    }
    let mut check = Check::of(settings.problems(&secrets, &state.options.outgoing));
    let branding = state.engine.read(principal.tenant, |_, rules| Ok(rules.settings.branding.clone())).await?;
    check.that(!edit.enabled || branding.sender_address.is_some(), "/enabled", message::NO_SENDER);
    check.finish()?;
    let what = (Transport::Email, edit.enabled, version);
    write(&state, &principal, &if_match, what, &settings, secrets).await?;
    shown(&state, &principal).await
}
