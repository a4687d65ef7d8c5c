//! Who may call what: one table for all routes, and the middleware that holds callers to it.

use std::{collections::HashMap, net::IpAddr, sync::LazyLock, time::Instant};

use allclear_domain::{admin::SecondFactor, rights::Right, time::Time};
use allclear_store::{db::Tx, messages_app, sessions, tokens};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, HeaderValue, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use uuid::Uuid;

use crate::{
    app::AppState,
    auth::{self, Chosen, Credential, DevicePrincipal, Kind, MessagesPrincipal, Principal, SignedIn, Who},
    limits,
    problem::Problem,
    sign_in::{cookie, origin},
};

/// Who may call a route.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Access {
    /// Anybody.
    Public,
    /// An administrator's session, also one that awaits the second factor.
    Session,
    /// An administrator who is signed in, also one who has to set up a second factor before anything else.
    Account,
    /// Anybody with a valid API token or a session, as [`Access::Account`].
    Authenticated,
    /// Who holds the right.
    Right(Right),
    /// Who holds one of the rights.
    AnyOf(&'static [Right]),
    /// Who holds all of the rights.
    AllOf(&'static [Right]),
    /// A device, with its credential.
    Device,
    /// A device's owner, with a session of the Messages app.
    Messages,
    /// A device under Apple's management, which signs what it says: its handler sees who it is, because that needs the
    /// body. Never answered with 401.
    AppleDevice,
}

/// Which command needs which of them, its handler knows.
const COMMANDS: &[Right] = &[Right::CommandDevices, Right::WipeDevices, Right::SendRawCommands];

/// Every route: method, path as the router writes it, who may. What is not here answers nobody.
pub const TABLE: &[(Method, &str, Access)] = &[
    (Method::GET, "/healthz", Access::Public),
    (Method::GET, "/readyz", Access::Public),
    // May ask for a token of its own.
    (Method::GET, "/metrics", Access::Public),
    (Method::GET, "/api/v1/openapi.json", Access::Public),
    (Method::GET, "/api/docs", Access::Public),
    (Method::GET, "/api/docs/", Access::Public),
    (Method::GET, "/api/docs/{*rest}", Access::Public),
    // With a password or a link's text, which is in the body.
    (Method::POST, "/api/v1/session", Access::Public),
    (Method::POST, "/api/v1/links/inspect", Access::Public),
    (Method::POST, "/api/v1/links/redeem", Access::Public),
    (Method::GET, "/api/v1/session", Access::Authenticated),
    (Method::DELETE, "/api/v1/session", Access::Session),
    (Method::POST, "/api/v1/session/totp", Access::Session),
    (Method::POST, "/api/v1/session/recovery-code", Access::Session),
    (Method::POST, "/api/v1/session/passkey", Access::Session),
    (Method::POST, "/api/v1/session/passkey/finish", Access::Session),
    (Method::POST, "/api/v1/session/confirm", Access::Account),
    (Method::PUT, "/api/v1/session/password", Access::Account),
    (Method::PATCH, "/api/v1/account", Access::Account),
    (Method::POST, "/api/v1/account/totp", Access::Account),
    (Method::POST, "/api/v1/account/totp/confirm", Access::Account),
    (Method::DELETE, "/api/v1/account/totp", Access::Account),
    (Method::GET, "/api/v1/account/passkeys", Access::Account),
    (Method::POST, "/api/v1/account/passkeys", Access::Account),
    (Method::POST, "/api/v1/account/passkeys/finish", Access::Account),
    (Method::DELETE, "/api/v1/account/passkeys/{id}", Access::Account),
    (Method::POST, "/api/v1/account/recovery-codes", Access::Account),
    // Of others with manage_roles.
    (Method::GET, "/api/v1/sessions", Access::Authenticated),
    (Method::DELETE, "/api/v1/sessions", Access::Account),
    (Method::DELETE, "/api/v1/sessions/{id}", Access::Authenticated),
    (Method::GET, "/api/v1/admins", Access::Right(Right::ManageRoles)),
    (Method::POST, "/api/v1/admins", Access::Right(Right::ManageRoles)),
    (Method::GET, "/api/v1/admins/{id}", Access::Right(Right::ManageRoles)),
    (Method::PATCH, "/api/v1/admins/{id}", Access::Right(Right::ManageRoles)),
    (Method::DELETE, "/api/v1/admins/{id}", Access::Right(Right::ManageRoles)),
    (Method::POST, "/api/v1/admins/{id}/link", Access::Right(Right::ManageRoles)),
    (Method::POST, "/api/v1/admins/{id}/unlock", Access::Right(Right::ManageRoles)),
    (Method::POST, "/api/v1/detections", Access::Right(Right::IngestDetections)),
    (Method::GET, "/api/v1/threats", Access::Right(Right::View)),
    (Method::GET, "/api/v1/threats/{id}", Access::Right(Right::View)),
    (Method::POST, "/api/v1/threats/{id}/resolve", Access::Right(Right::ManageThreats)),
    (Method::POST, "/api/v1/threats/{id}/ignore", Access::Right(Right::ManageThreats)),
    (Method::POST, "/api/v1/threats/{id}/reopen", Access::Right(Right::ManageThreats)),
    (Method::GET, "/api/v1/devices/{id}/explain", Access::Right(Right::View)),
    (Method::GET, "/api/v1/devices/{id}/effective-settings", Access::Right(Right::View)),
    (Method::GET, "/api/v1/devices/{id}/policy", Access::Right(Right::View)),
    (Method::GET, "/api/v1/journal", Access::Right(Right::ViewAudit)),
    (Method::GET, "/api/v1/live", Access::AnyOf(&[Right::View, Right::ViewAudit])),
    (Method::GET, "/api/v1/dashboard", Access::Right(Right::View)),
    (Method::GET, "/api/v1/dashboard/trend", Access::Right(Right::View)),
    (Method::GET, "/api/v1/search", Access::Right(Right::View)),
    (Method::GET, "/api/v1/notifications", Access::Right(Right::View)),
    (Method::GET, "/api/v1/notifications/{id}", Access::Right(Right::View)),
    (Method::POST, "/api/v1/notifications/retry", Access::Right(Right::Notify)),
    (Method::POST, "/api/v1/notifications/{id}/retry", Access::Right(Right::Notify)),
    (Method::POST, "/api/v1/device-notifications", Access::Right(Right::Notify)),
    (Method::GET, "/api/v1/channels", Access::Right(Right::View)),
    (Method::GET, "/api/v1/channels/email", Access::Right(Right::View)),
    (Method::PUT, "/api/v1/channels/email", Access::Right(Right::ManageSettings)),
    (Method::GET, "/api/v1/channels/sms", Access::Right(Right::View)),
    (Method::PUT, "/api/v1/channels/sms", Access::Right(Right::ManageSettings)),
    (Method::GET, "/api/v1/channels/apns", Access::Right(Right::View)),
    (Method::PUT, "/api/v1/channels/apns", Access::Right(Right::ManageSettings)),
    (Method::GET, "/api/v1/channels/fcm", Access::Right(Right::View)),
    (Method::PUT, "/api/v1/channels/fcm", Access::Right(Right::ManageSettings)),
    // Signed by the gateway that posts it.
    (Method::POST, "/callbacks/sms/{tenant}", Access::Public),
    (Method::POST, "/api/v1/channels/{channel}/test", Access::Right(Right::ManageSettings)),
    (Method::GET, "/api/v1/notification-templates", Access::Right(Right::View)),
    (Method::GET, "/api/v1/notification-templates/languages", Access::Right(Right::View)),
    (Method::POST, "/api/v1/notification-templates/preview", Access::AllOf(&[Right::ManageSettings, Right::View])),
    (Method::GET, "/api/v1/notification-templates/{trigger}/{channel}/{language}", Access::Right(Right::View)),
    (
        Method::PUT,
        "/api/v1/notification-templates/{trigger}/{channel}/{language}",
        Access::Right(Right::ManageSettings),
    ),
    (
        Method::DELETE,
        "/api/v1/notification-templates/{trigger}/{channel}/{language}",
        Access::Right(Right::ManageSettings),
    ),
    (Method::GET, "/api/v1/source-events", Access::Right(Right::View)),
    (Method::POST, "/api/v1/source-events", Access::Right(Right::IngestDetections)),
    (Method::POST, "/api/v1/source-events/{id}/retry", Access::Right(Right::ManageIntegrations)),
    (Method::DELETE, "/api/v1/source-events/{id}", Access::Right(Right::ManageIntegrations)),
    (Method::GET, "/api/v1/integrations", Access::Right(Right::View)),
    (Method::GET, "/api/v1/integrations/{id}", Access::Right(Right::View)),
    (Method::POST, "/api/v1/integrations", Access::Right(Right::ManageIntegrations)),
    (Method::PATCH, "/api/v1/integrations/{id}", Access::Right(Right::ManageIntegrations)),
    (Method::DELETE, "/api/v1/integrations/{id}", Access::Right(Right::ManageIntegrations)),
    (Method::GET, "/api/v1/indicator-sets", Access::Right(Right::View)),
    (Method::POST, "/api/v1/indicator-sets", Access::Right(Right::ManageIntegrations)),
    (Method::GET, "/api/v1/indicator-sets/{id}", Access::Right(Right::View)),
    (Method::PATCH, "/api/v1/indicator-sets/{id}", Access::Right(Right::ManageIntegrations)),
    (Method::DELETE, "/api/v1/indicator-sets/{id}", Access::Right(Right::ManageIntegrations)),
    (Method::PUT, "/api/v1/indicator-sets/{id}/content", Access::Right(Right::ManageIntegrations)),
    (Method::POST, "/api/v1/indicator-sets/{id}/refresh", Access::Right(Right::ManageIntegrations)),
    (Method::GET, "/api/v1/indicators", Access::Right(Right::View)),
    (Method::GET, "/api/v1/devices/{id}/apps", Access::Right(Right::View)),
    (Method::GET, "/api/v1/roles", Access::Right(Right::View)),
    (Method::GET, "/api/v1/roles/{id}", Access::Right(Right::View)),
    (Method::POST, "/api/v1/roles", Access::Right(Right::ManageRoles)),
    (Method::PATCH, "/api/v1/roles/{id}", Access::Right(Right::ManageRoles)),
    (Method::DELETE, "/api/v1/roles/{id}", Access::Right(Right::ManageRoles)),
    (Method::GET, "/api/v1/api-tokens", Access::Right(Right::ManageApiTokens)),
    (Method::GET, "/api/v1/api-tokens/{id}", Access::Right(Right::ManageApiTokens)),
    (Method::POST, "/api/v1/api-tokens", Access::Right(Right::ManageApiTokens)),
    (Method::DELETE, "/api/v1/api-tokens/{id}", Access::Right(Right::ManageApiTokens)),
    (Method::GET, "/api/v1/classifications", Access::Right(Right::View)),
    (Method::POST, "/api/v1/classifications/preview", Access::Right(Right::EditProtections)),
    (Method::GET, "/api/v1/classifications/{id}", Access::Right(Right::View)),
    (Method::PATCH, "/api/v1/classifications/{id}", Access::Right(Right::EditProtections)),
    (Method::DELETE, "/api/v1/classifications/{id}", Access::Right(Right::EditProtections)),
    // Part of the table, and of what messages say.
    (
        Method::PUT,
        "/api/v1/classifications/{id}/texts/{language}",
        Access::AnyOf(&[Right::EditProtections, Right::ManageSettings]),
    ),
    (
        Method::DELETE,
        "/api/v1/classifications/{id}/texts/{language}",
        Access::AnyOf(&[Right::EditProtections, Right::ManageSettings]),
    ),
    (Method::GET, "/api/v1/tags", Access::Right(Right::View)),
    (Method::POST, "/api/v1/tags", Access::Right(Right::ManageTags)),
    (Method::GET, "/api/v1/tags/{id}", Access::Right(Right::View)),
    (Method::PATCH, "/api/v1/tags/{id}", Access::Right(Right::ManageTags)),
    (Method::DELETE, "/api/v1/tags/{id}", Access::Right(Right::ManageTags)),
    (Method::GET, "/api/v1/smart-groups", Access::Right(Right::View)),
    (Method::POST, "/api/v1/smart-groups", Access::Right(Right::ManageSmartGroups)),
    (Method::POST, "/api/v1/smart-groups/preview", Access::Right(Right::ManageSmartGroups)),
    (Method::GET, "/api/v1/smart-groups/{id}", Access::Right(Right::View)),
    (Method::PATCH, "/api/v1/smart-groups/{id}", Access::Right(Right::ManageSmartGroups)),
    (Method::DELETE, "/api/v1/smart-groups/{id}", Access::Right(Right::ManageSmartGroups)),
    (Method::GET, "/api/v1/profiles", Access::Right(Right::View)),
    (Method::POST, "/api/v1/profiles", Access::Right(Right::ManageProfiles)),
    (Method::GET, "/api/v1/profiles/{id}", Access::Right(Right::View)),
    (Method::PATCH, "/api/v1/profiles/{id}", Access::Right(Right::ManageProfiles)),
    (Method::DELETE, "/api/v1/profiles/{id}", Access::Right(Right::ManageProfiles)),
    (Method::POST, "/api/v1/profiles/{id}/publish", Access::Right(Right::ManageProfiles)),
    (Method::POST, "/api/v1/profiles/{id}/retire", Access::Right(Right::ManageProfiles)),
    (Method::POST, "/api/v1/profiles/{id}/preview", Access::Right(Right::ManageProfiles)),
    (Method::GET, "/api/v1/profiles/{id}/versions", Access::Right(Right::View)),
    (Method::GET, "/api/v1/profiles/{id}/mobileconfig", Access::Right(Right::View)),
    (Method::GET, "/api/v1/profiles/{id}/policy", Access::Right(Right::View)),
    (Method::GET, "/api/v1/payload-settings", Access::Right(Right::View)),
    (
        Method::POST,
        "/api/v1/quickstart/risk-response",
        Access::AllOf(&[Right::ManageSmartGroups, Right::ManageProfiles]),
    ),
    (Method::GET, "/api/v1/jobs", Access::Right(Right::View)),
    (Method::GET, "/api/v1/jobs/{id}", Access::Right(Right::View)),
    (Method::GET, "/api/v1/users", Access::Right(Right::View)),
    (Method::POST, "/api/v1/users", Access::Right(Right::ManageUsers)),
    (Method::GET, "/api/v1/users/{id}", Access::Right(Right::View)),
    (Method::PATCH, "/api/v1/users/{id}", Access::Right(Right::ManageUsers)),
    (Method::DELETE, "/api/v1/users/{id}", Access::Right(Right::ManageUsers)),
    (Method::GET, "/api/v1/users/{id}/incidents", Access::Right(Right::View)),
    (Method::GET, "/api/v1/users/{id}/notify", Access::Right(Right::View)),
    (Method::POST, "/api/v1/users/{id}/notify", Access::Right(Right::Notify)),
    (Method::POST, "/api/v1/users/{id}/notify/preview", Access::Right(Right::View)),
    (Method::GET, "/api/v1/user-groups", Access::Right(Right::View)),
    (Method::POST, "/api/v1/user-groups", Access::Right(Right::ManageUsers)),
    (Method::GET, "/api/v1/user-groups/{id}", Access::Right(Right::View)),
    (Method::PATCH, "/api/v1/user-groups/{id}", Access::Right(Right::ManageUsers)),
    (Method::DELETE, "/api/v1/user-groups/{id}", Access::Right(Right::ManageUsers)),
    (Method::GET, "/api/v1/user-groups/{id}/members", Access::Right(Right::View)),
    (Method::POST, "/api/v1/user-groups/{id}/members", Access::Right(Right::ManageUsers)),
    (Method::GET, "/api/v1/organization-groups", Access::Right(Right::View)),
    (Method::POST, "/api/v1/organization-groups", Access::Right(Right::ManageOrganizationGroups)),
    (Method::GET, "/api/v1/organization-groups/{id}", Access::Right(Right::View)),
    (Method::PATCH, "/api/v1/organization-groups/{id}", Access::Right(Right::ManageOrganizationGroups)),
    (Method::DELETE, "/api/v1/organization-groups/{id}", Access::Right(Right::ManageOrganizationGroups)),
    (Method::GET, "/api/v1/enrollment-tokens", Access::Right(Right::EnrollDevices)),
    (Method::POST, "/api/v1/enrollment-tokens", Access::Right(Right::EnrollDevices)),
    (Method::GET, "/api/v1/enrollment-tokens/{id}", Access::Right(Right::EnrollDevices)),
    (Method::DELETE, "/api/v1/enrollment-tokens/{id}", Access::Right(Right::EnrollDevices)),
    (Method::GET, "/api/v1/devices", Access::Right(Right::View)),
    (Method::GET, "/api/v1/devices/{id}", Access::Right(Right::View)),
    (Method::PATCH, "/api/v1/devices/{id}", Access::Right(Right::ManageDevices)),
    (Method::DELETE, "/api/v1/devices/{id}", Access::Right(Right::ManageDevices)),
    (Method::GET, "/api/v1/devices/{id}/timeline", Access::Right(Right::View)),
    (Method::POST, "/api/v1/devices/{id}/unenroll", Access::Right(Right::ManageDevices)),
    (Method::POST, "/api/v1/devices/{id}/tags", Access::Right(Right::ManageTags)),
    (Method::DELETE, "/api/v1/devices/{id}/tags/{tag_id}", Access::Right(Right::ManageTags)),
    (Method::POST, "/api/v1/devices/{id}/requested-profiles", Access::Right(Right::ManageDevices)),
    (Method::DELETE, "/api/v1/devices/{id}/requested-profiles/{profile_id}", Access::Right(Right::ManageDevices)),
    (Method::GET, "/api/v1/devices/{id}/commands", Access::Right(Right::View)),
    (Method::POST, "/api/v1/devices/{id}/commands", Access::AnyOf(COMMANDS)),
    (Method::GET, "/api/v1/devices/{id}/commands/{command_id}", Access::AnyOf(COMMANDS)),
    (Method::POST, "/api/v1/devices/{id}/commands/{command_id}/cancel", Access::AnyOf(COMMANDS)),
    (Method::PUT, "/apple/v1/checkin", Access::AppleDevice),
    (Method::PUT, "/apple/v1/command", Access::AppleDevice),
    // With an enrollment token, which is in the body.
    (Method::POST, "/agent/v1/enroll", Access::Public),
    (Method::GET, "/agent/v1/commands", Access::Device),
    (Method::POST, "/agent/v1/commands/{id}/result", Access::Device),
    (Method::POST, "/agent/v1/detections", Access::Device),
    (Method::POST, "/agent/v1/inventory", Access::Device),
    (Method::GET, "/agent/v1/messages", Access::Device),
    (Method::POST, "/agent/v1/messages/{id}/read", Access::Device),
    (Method::POST, "/agent/v1/messages-link", Access::Device),
    (Method::PUT, "/agent/v1/push-token", Access::Device),
    (Method::DELETE, "/agent/v1/push-token", Access::Device),
    // With an enrollment token in the path, and with what is in its message.
    (Method::GET, "/apple/v1/enroll/{token}", Access::Public),
    (Method::GET, "/apple/v1/scep/{tenant}", Access::Public),
    (Method::POST, "/apple/v1/scep/{tenant}", Access::Public),
    // With what was begun for it, and signed by Google.
    (Method::GET, "/android/v1/sign-up/{tenant}/{secret}", Access::Public),
    (Method::POST, "/android/v1/notifications/{tenant}", Access::Public),
    (Method::GET, "/api/v1/android-enterprise", Access::Right(Right::View)),
    (Method::PUT, "/api/v1/android-enterprise", Access::Right(Right::ManageSettings)),
    (Method::DELETE, "/api/v1/android-enterprise", Access::Right(Right::ManageSettings)),
    (Method::POST, "/api/v1/android-enterprise/sign-up", Access::Right(Right::ManageSettings)),
    (Method::POST, "/api/v1/android-enterprise/check", Access::Right(Right::ManageSettings)),
    (Method::POST, "/api/v1/enrollment-tokens/{id}/android", Access::Right(Right::EnrollDevices)),
    (Method::GET, "/api/v1/apple-mdm", Access::Right(Right::View)),
    (Method::PUT, "/api/v1/apple-mdm", Access::Right(Right::ManageSettings)),
    (Method::POST, "/api/v1/apple-mdm/push-certificate-request", Access::Right(Right::ManageSettings)),
    (Method::GET, "/api/v1/devices/{id}/certificates", Access::Right(Right::View)),
    (Method::POST, "/api/v1/devices/{id}/certificates/{fingerprint}/revoke", Access::Right(Right::ManageDevices)),
    (Method::POST, "/api/v1/devices/{id}/messages-link", Access::Right(Right::EnrollDevices)),
    // With a link's text, which is in the body.
    (Method::POST, "/m/v1/enroll", Access::Public),
    // Of one's own with a session.
    (Method::GET, "/m/manifest.webmanifest", Access::Public),
    (Method::GET, "/m/v1/state", Access::Messages),
    (Method::GET, "/m/v1/wait", Access::Messages),
    (Method::GET, "/m/v1/messages", Access::Messages),
    (Method::POST, "/m/v1/messages/{id}/read", Access::Messages),
    (Method::POST, "/m/v1/check", Access::Messages),
    (Method::GET, "/m/v1/install-link", Access::Messages),
    (Method::GET, "/m/v1/push-key", Access::Messages),
    (Method::PUT, "/m/v1/push-subscription", Access::Messages),
    (Method::DELETE, "/m/v1/push-subscription", Access::Messages),
    (Method::GET, "/api/v1/settings", Access::Right(Right::View)),
    (Method::PUT, "/api/v1/settings", Access::Right(Right::ManageSettings)),
    (Method::GET, "/api/v1/settings/branding/logo", Access::Right(Right::View)),
    (Method::PUT, "/api/v1/settings/branding/logo", Access::Right(Right::ManageSettings)),
    (Method::DELETE, "/api/v1/settings/branding/logo", Access::Right(Right::ManageSettings)),
];

type Routes = HashMap<&'static str, Vec<(&'static Method, Access)>>;

static BY_PATH: LazyLock<Routes> = LazyLock::new(|| {
    let mut routes = Routes::new();
    for (method, path, access) in TABLE {
        routes.entry(path).or_default().push((method, *access));
    }
    routes
});

/// The row of a route, or the answer if there is none.
fn find(method: &Method, path: &str) -> Result<Access, Problem> {
    let Some(methods) = BY_PATH.get(path) else {
        return Err(Problem::internal_because(format!("the route {path} has no row in the access table")));
    };
    let wanted = if method == Method::HEAD { &Method::GET } else { method };
    match methods.iter().find(|(method, _)| *method == wanted) {
        Some((_, access)) => Ok(*access),
        None => {
            let allow: Vec<&str> = methods.iter().map(|(method, _)| method.as_str()).collect();
            let allow = HeaderValue::from_str(&allow.join(", ")).unwrap_or(HeaderValue::from_static(""));
            Err(Problem::method_not_allowed(allow))
        }
    }
}

/// The address a request came from, put there by [`crate::serve`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientAddress(pub IpAddr);

impl ClientAddress {
    /// As people read it: an IPv4 address as such, however it came.
    pub fn text(self) -> String {
        self.0.to_canonical().to_string()
    }
}

/// Lets a request through to its handler, with who is behind it in its extensions, or refuses it.
pub async fn guard(State(state): State<AppState>, matched: MatchedPath, mut request: Request, next: Next) -> Response {
    match admit(&state, matched.as_str(), &mut request).await {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            slow_down(&state, request.extensions().get::<ClientAddress>().copied(), problem).into_response()
        }
    }
}

async fn admit(state: &AppState, path: &str, request: &mut Request) -> Result<(), Problem> {
    let access = find(request.method(), path)?;
    match access {
        Access::Public | Access::AppleDevice => {}
        Access::Device => {
            let device = device(state, request.headers()).await?;
            request.extensions_mut().insert(device);
        }
        Access::Messages => {
            let owner = messages(state, request.method(), request.headers()).await?;
            request.extensions_mut().insert(owner);
        }
        Access::Session => {
            let (signed_in, _) = session(state, request.method(), request.headers(), access).await?;
            request.extensions_mut().insert(signed_in);
        }
        Access::Account | Access::Authenticated | Access::Right(_) | Access::AnyOf(_) | Access::AllOf(_) => {
            let (principal, signed_in) = caller(state, request.method(), request.headers(), access).await?;
            authorize(access, &principal)?;
            if let Some(signed_in) = signed_in {
                let anyway = matches!(access, Access::Account | Access::Authenticated);
                if signed_in.second_factor_needed && !anyway {
                    return Err(Problem::second_factor_needed());
                }
                request.extensions_mut().insert(signed_in);
            }
            request.extensions_mut().insert(principal);
        }
    }
    Ok(())
}

/// Whether somebody with an API token or a session may.
fn authorize(access: Access, principal: &Principal) -> Result<(), Problem> {
    match access {
        Access::Public | Access::Authenticated => Ok(()),
        Access::Session | Access::Account => match principal.who {
            Who::Admin(..) => Ok(()),
            Who::Token(_) => Err(Problem::forbidden_because("This is for administrators who are signed in.")),
        },
        Access::Right(right) => principal.require(right),
        Access::AllOf(rights) => rights.iter().try_for_each(|right| principal.require(*right)),
        Access::AnyOf(rights) if rights.iter().any(|right| principal.rights.contains(right)) => Ok(()),
        Access::AnyOf(rights) => {
            let names: Vec<String> = rights.iter().map(|right| crate::problem::right_name(*right)).collect();
            Err(Problem::forbidden_because(format!("This needs one of the rights {}.", names.join(", "))))
        }
        Access::Device => Err(Problem::forbidden_because("This is for devices.")),
        Access::Messages => Err(Problem::forbidden_because("This is for the Messages app.")),
        Access::AppleDevice => Err(Problem::forbidden_because("This is for Apple devices.")),
    }
}

/// One more request of this credential, if it may have one.
fn pace(state: &AppState, hash: tokens::Hash) -> Result<(), Problem> {
    state.limiters.credentials.take(hash, Instant::now()).map_err(Problem::too_many_requests)
}

/// For which customer a request says it acts; not every route needs one.
fn chosen(headers: &HeaderMap, access: Access) -> Result<Chosen, Problem> {
    let needed = !matches!(access, Access::Account | Access::Authenticated | Access::Session);
    Ok(Chosen { group: auth::chosen(headers)?, needed })
}

/// Who is behind a request: by its API token or, without one, by its session.
async fn caller(
    state: &AppState,
    method: &Method,
    headers: &HeaderMap,
    access: Access,
) -> Result<(Principal, Option<SignedIn>), Problem> {
    if !headers.contains_key(header::AUTHORIZATION) && cookie::CONSOLE.value(headers, &state.options).is_some() {
        let (signed_in, principal) = session(state, method, headers, access).await?;
        let awaited = || Problem::unauthorized("The second factor is awaited.");
        return Ok((principal.ok_or_else(awaited)?, Some(signed_in)));
    }
    let credential = auth::credential(headers, Kind::Api)?;
    let chosen = chosen(headers, access)?;
    pace(state, credential.hash)?;
    let now = state.source.now();
    let (principal, last_used_at) = state.db.read(move |tx| auth::principal(tx, &credential, chosen, now)).await?;
    if last_used_at.is_none_or(|at| at <= now.minus(auth::TOUCH_EVERY)) {
        touch_principal(state, &principal, now);
    }
    Ok((principal, None))
}

/// The session of a request and who acts in it; nobody yet while the second factor is awaited.
async fn session(
    state: &AppState,
    method: &Method,
    headers: &HeaderMap,
    access: Access,
) -> Result<(SignedIn, Option<Principal>), Problem> {
    let value = cookie::CONSOLE.value(headers, &state.options);
    let value = value.ok_or_else(|| Problem::unauthorized("Sign in first."))?;
    let credential = Credential::parse(value).filter(|credential| credential.kind == Kind::Session);
    let credential = credential.ok_or_else(|| Problem::unauthorized("The session has ended; sign in."))?;
    origin::check(method, headers, &state.options)?;
    let chosen = chosen(headers, access)?;
    pace(state, credential.hash)?;
    let now = state.source.now();
    let found = state.db.read(move |tx| {
        let signed_in = auth::signed_in(tx, &credential, now)?;
        let awaited = signed_in.session.second_factor == SecondFactor::Awaited;
        let principal = if awaited { None } else { Some(signed_in.principal(tx, chosen)?) };
        Ok::<_, Problem>((signed_in, principal))
    });
    let (signed_in, principal) = found.await?;
    if let Some(principal) = &principal
        && signed_in.session.last_seen_at <= now.minus(auth::TOUCH_EVERY)
    {
        touch_principal(state, principal, now);
    }
    Ok((signed_in, principal))
}

async fn device(state: &AppState, headers: &HeaderMap) -> Result<DevicePrincipal, Problem> {
    let credential = auth::credential(headers, Kind::Device)?;
    pace(state, credential.hash)?;
    state.db.read(move |tx| auth::device(tx, &credential)).await
}

/// Whose device a request of the Messages app is about.
pub(crate) async fn messages(
    state: &AppState,
    method: &Method,
    headers: &HeaderMap,
) -> Result<MessagesPrincipal, Problem> {
    let value = cookie::MESSAGES.value(headers, &state.options);
    let credential = value.and_then(Credential::parse).filter(|credential| credential.kind == Kind::Messages);
    let not_bound = || Problem::unauthorized("This app is not connected to a device. Open a link first.");
    let credential = credential.ok_or_else(not_bound)?;
    origin::check(method, headers, &state.options)?;
    pace(state, credential.hash)?;
    let now = state.source.now();
    let (owner, last_seen_at) = state.db.read(move |tx| auth::messages(tx, &credential, now)).await?;
    let unless_after = now.minus(auth::TOUCH_MESSAGES_EVERY);
    if last_seen_at <= unless_after {
        touch(state, owner.session.0, move |tx| {
            messages_app::touch_session(tx, owner.tenant, owner.session, now, unless_after)
        });
    }
    Ok(owner)
}

/// Notes the use of an API token or an administrator's session.
fn touch_principal(state: &AppState, principal: &Principal, now: Time) {
    let (home, who, unless_after) = (principal.home, principal.who, now.minus(auth::TOUCH_EVERY));
    match who {
        Who::Token(id) => touch(state, id.0, move |tx| tokens::touch(tx, home, id, now, unless_after)),
        Who::Admin(_, session) => {
            touch(state, session.0, move |tx| sessions::touch(tx, home, session, now, unless_after));
        }
    }
}

/// Notes a use beside the request. If it cannot be noted now, the next use will be.
fn touch(
    state: &AppState,
    used: Uuid,
    note: impl Fn(&mut Tx<'_>) -> Result<(), allclear_store::Error> + Send + 'static,
) {
    if state.limiters.touches.take(used, Instant::now()).is_ok() {
        let db = state.db.clone();
        tokio::spawn(async move {
            if let Err(error) = db.write(note).await {
                tracing::debug!(cause = crate::problem::chain(&error), "the use of a credential was not noted");
            }
        });
    }
}

/// Turns a failed authentication into 429 when its address has had too many. Whoever authenticates is not concerned,
/// as many callers may share an address.
pub(crate) fn slow_down(state: &AppState, address: Option<ClientAddress>, problem: Problem) -> Problem {
    match address.map(|address| limits::client(address.0)) {
        Some(address) if problem.status == axum::http::StatusCode::UNAUTHORIZED => {
            state.limiters.failures.take(address, Instant::now()).map_or_else(Problem::too_many_requests, |()| problem)
        }
        _ => problem,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use std::time::Duration;

    use allclear_domain::ids::{OrganizationGroupId, RoleId, Tenant, TokenId};
    use allclear_domain::time::Span;
    use allclear_store::roles::RoleRef;
    use serde_json::json;

    use super::*;
    use crate::{
        app::{self, ServerOptions},
        testing::{World, answer, request},
    };

    #[tokio::test]
    async fn without_a_valid_credential_nobody_gets_past_the_table() {
        let world = World::new().await;
        let unknown = format!("ac_1_{}", "A".repeat(43));
        for (method, path, access) in TABLE {
            let path = world.filled(path);
            for token in ["", "nonsense", &unknown] {
                let answer = world.send(request(method.as_str(), &path, token, None, &[])).await;
                let in_path = ["/apple/", "/android/"].iter().any(|start| path.starts_with(start));
                if *access == Access::Public && in_path {
                    // What they need is in the path; Apple's devices are never answered 401.
                    answer.expect(404);
                } else if *access == Access::Public {
                    // What takes a body misses it here.
                    let expected = if *method == Method::POST { 415 } else { answer.status.min(399) };
                    assert_eq!(answer.status, expected, "{method} {path}: {}", answer.text());
                } else if *access == Access::AppleDevice {
                    assert_eq!(answer.expect(403)["type"], "/problems/forbidden", "never 401");
                } else {
                    answer.expect(401);
                    assert!(answer.header("www-authenticate").starts_with("Bearer"));
                    assert_eq!(answer.json()["type"], "/problems/unauthorized");
                }
            }
        }
    }

    #[tokio::test]
    async fn every_route_holds_callers_to_its_rights() {
        let world = World::new().await;
        let nothing = nobody(&world).await;
        for (method, path, access) in TABLE {
            if matches!(access, Access::Right(_) | Access::AnyOf(_) | Access::AllOf(_)) {
                let path = world.filled(path);
                let answer = world.send(request(method.as_str(), &path, &nothing, None, &[])).await;
                assert_eq!(answer.expect(403)["type"], "/problems/forbidden", "{method} {path}");
            }
        }
        let read_only = world.token(1, "read_only", world.acme).await;
        world.get("/api/v1/roles", &read_only).await.expect(200);
        let refused = world.call("POST", "/api/v1/roles", &read_only, Some(json!({}))).await.expect(403);
        assert!(refused["detail"].as_str().unwrap().contains("manage_roles"), "{refused}");
    }

    /// A token whose role has no rights.
    async fn nobody(world: &World) -> String {
        let id = RoleId(world.state.source.id());
        let role = allclear_store::roles::Role { id, name: "Nobody".to_owned(), rights: [].into(), version: 1 };
        world.state.db.write(move |tx| allclear_store::roles::insert(tx, Tenant(1), &role)).await.unwrap();
        world.token(1, &id.to_string(), world.acme).await
    }

    #[test]
    fn rights_combine_as_they_are_named() {
        let principal = Principal {
            tenant: Tenant(1),
            home: Tenant(1),
            who: Who::Token(TokenId(uuid::Uuid::nil())),
            name: String::new(),
            role: RoleRef::BuiltIn(allclear_domain::rights::BuiltInRole::ReadOnly),
            rights: [Right::View, Right::ManageTags].into(),
            reach: OrganizationGroupId::GLOBAL,
            server: false,
        };
        let may = |access| authorize(access, &principal).map_err(|problem| problem.status.as_u16());
        assert_eq!(may(Access::Authenticated), Ok(()));
        assert_eq!(may(Access::Right(Right::View)), Ok(()));
        assert_eq!(may(Access::Right(Right::Notify)), Err(403));
        assert_eq!(may(Access::AnyOf(&[Right::Notify, Right::View])), Ok(()));
        assert_eq!(may(Access::AnyOf(&[Right::Notify, Right::ManageUsers])), Err(403));
        assert_eq!(may(Access::AllOf(&[Right::ManageTags, Right::View])), Ok(()));
        assert_eq!(may(Access::AllOf(&[Right::ManageTags, Right::Notify])), Err(403));
        assert_eq!(may(Access::Device), Err(403));
    }

    #[tokio::test]
    async fn a_route_without_a_row_answers_nobody() {
        let world = World::new().await;
        let routes = axum::Router::new().route("/api/v1/forgotten", axum::routing::get(async || "secret"));
        let router = app::assemble(world.state.clone(), routes);
        let answered = answer(&router, request("GET", "/api/v1/forgotten", &world.admin().await, None, &[])).await;
        assert_eq!(answered.expect(500)["type"], "/problems/internal");
    }

    #[tokio::test]
    async fn other_methods_and_paths_are_refused() {
        let world = World::new().await;
        let token = world.admin().await;
        for method in ["PUT", "OPTIONS", "TRACE", "BREW"] {
            let answer = world.call(method, "/api/v1/roles", &token, None).await;
            assert_eq!(answer.expect(405)["type"], "/problems/method-not-allowed");
            assert_eq!(answer.header("allow"), "GET, POST");
        }
        let head = world.call("HEAD", "/api/v1/roles", &token, None).await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        assert_eq!(world.get("/api/v1/nothing", &token).await.expect(404)["type"], "/problems/not-found");
        assert_eq!(world.get("/nothing.html", "").await.status, 404);
    }

    #[tokio::test]
    async fn an_expired_token_is_worth_nothing() {
        let world = World::new().await;
        let expires_at = world.state.source.now().plus(Span::seconds(60));
        let token = world.expiring_token(1, "read_only", world.acme, Some(expires_at)).await;
        world.get("/api/v1/roles", &token).await.expect(200);
        world.pass(Span::seconds(61));
        let refused = world.get("/api/v1/roles", &token).await.expect(401);
        assert!(refused["detail"].as_str().unwrap().contains("expired"));
    }

    #[tokio::test]
    async fn a_credential_with_global_reach_says_for_which_customer_it_acts() {
        let world = World::new().await;
        let global = world.token(0, "administrator", OrganizationGroupId::GLOBAL).await;
        let choose = async |id: &str| {
            world.send(request("GET", "/api/v1/roles", &global, None, &[(auth::ORGANIZATION_GROUP, id)])).await
        };
        let unsaid = world.get("/api/v1/roles", &global).await.expect(400);
        assert_eq!(unsaid["type"], "/problems/choose-organization-group");
        choose(&world.acme.to_string()).await.expect(200);
        choose(&OrganizationGroupId::GLOBAL.to_string()).await.expect(200);
        choose(&world.north.to_string()).await.expect(404);
        choose(&uuid::Uuid::max().to_string()).await.expect(404);
        choose("acme").await.expect(400);

        // The only customer need not be named.
        world
            .state
            .db
            .write(|tx| {
                tx.batch("DELETE FROM organization_group WHERE tenant = 2; DELETE FROM tenant WHERE tenant = 2")
            })
            .await
            .unwrap();
        world.get("/api/v1/roles", &global).await.expect(200);

        let acme = world.admin().await;
        let other = [(auth::ORGANIZATION_GROUP, world.bolt.to_string())];
        let headers = [(other[0].0, other[0].1.as_str())];
        world.send(request("GET", "/api/v1/roles", &acme, None, &headers)).await.expect(404);
    }

    #[tokio::test]
    async fn the_use_of_a_token_is_noted_at_most_once_a_minute() {
        let world = World::new().await;
        let token = world.admin().await;
        let noted = async || {
            let found =
                world.state.db.read(|tx| tx.query_opt::<Option<i64>>("SELECT last_used_at FROM api_token", &[]));
            found.await.unwrap().unwrap()
        };
        assert_eq!(noted().await, None);
        world.get("/api/v1/roles", &token).await.expect(200);
        let deadline = Instant::now() + Duration::from_secs(10);
        let first = loop {
            if let Some(at) = noted().await {
                break at;
            }
            assert!(Instant::now() < deadline, "the use was not noted");
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        world.pass(Span::seconds(59));
        world.get("/api/v1/roles", &token).await.expect(200);
        // Whatever else was to be written comes before this.
        tokio::task::yield_now().await;
        world.state.db.write(|tx| tx.execute("DELETE FROM role", &[])).await.unwrap();
        assert_eq!(noted().await, Some(first));
    }

    #[tokio::test]
    async fn each_credential_has_its_rate() {
        let options = ServerOptions { requests_per_second: 1, requests_burst: 3, ..ServerOptions::default() };
        let world = World::with(options).await;
        let (one, other) = (world.admin().await, world.admin().await);
        for _ in 0..3 {
            world.get("/api/v1/roles", &one).await.expect(200);
        }
        let refused = world.get("/api/v1/roles", &one).await;
        assert_eq!(refused.expect(429)["type"], "/problems/too-many-requests");
        assert_eq!(refused.header("retry-after"), "1");
        world.get("/api/v1/roles", &other).await.expect(200);
    }

    #[tokio::test]
    async fn failures_are_slowed_down_by_address() {
        let world = World::with(ServerOptions { failures_per_second: 2, ..ServerOptions::default() }).await;
        let token = world.admin().await;
        let from = async |address: [u8; 4], token: &str| {
            let mut request = request("GET", "/api/v1/roles", token, None, &[]);
            request.extensions_mut().insert(ClientAddress(address.into()));
            world.send(request).await
        };
        let mut statuses = Vec::new();
        for _ in 0..4 {
            statuses.push(from([192, 0, 2, 1], "wrong").await.status);
        }
        assert_eq!(statuses, [401, 401, 429, 429]);
        assert_eq!(from([192, 0, 2, 2], "wrong").await.status, 401, "another address");
        assert_eq!(from([192, 0, 2, 1], &token).await.status, 200, "who authenticates is not concerned");
    }
}
