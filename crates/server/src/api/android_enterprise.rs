//! How a tenant's Android devices are managed by Google: the service account, the enterprise, and how news comes. The key
//! is written and never shown again.

use allclear_channels::android::{
    self, Failure,
    client::{self, Client},
    read_settings,
    settings::{AndroidSettings, GOOGLE, GOOGLE_KEYS, PUBSUB},
};
use allclear_domain::{ids::Tenant, time::Time};
use allclear_engine::{
    Error,
    android_enterprise::{self as engine, NewSetting, SIGN_UP, Setting},
    channels::Secrets,
};
use allclear_store::{android_devices, organization_groups};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::{
    channels::{none_if_empty, put_secret},
    common::{base_url, given},
};
use crate::{
    app::AppState,
    auth::Principal,
    check::Check,
    extract::{IfMatch, Json, etag},
    problem::Problem,
};

/// How long news is waited for when it is tried whether it can be fetched.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);

/// How Android devices are managed by Google. What is null is so before it is set up.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AndroidEnterprise {
    /// The project in Google's cloud.
    #[schema(required = true)]
    project_id: Option<String>,
    /// The service account.
    #[schema(required = true)]
    client_email: Option<String>,
    /// Whether there is a key.
    private_key_set: bool,
    /// Where the Android Management API is.
    #[schema(required = true)]
    base_url: Option<String>,
    /// Where Pub/Sub is.
    #[schema(required = true)]
    pubsub_base_url: Option<String>,
    /// The enterprise; null before the sign-up is complete.
    #[schema(required = true, example = "enterprises/LC01abcdef")]
    enterprise: Option<String>,
    /// Where Google publishes news; null: it does not.
    #[schema(required = true, example = "projects/example/topics/android")]
    topic: Option<String>,
    /// What news is fetched from; null: it is not.
    #[schema(required = true, example = "projects/example/subscriptions/android")]
    subscription: Option<String>,
    /// The service account in whose name Pub/Sub pushes news; null: pushes are not taken.
    #[schema(required = true)]
    push_email: Option<String>,
    /// Where Pub/Sub can push news to.
    #[schema(format = "uri")]
    push_endpoint: String,
    /// How many devices are managed by it.
    devices: i64,
    /// How it is doing.
    state: AndroidState,
    /// Grows with every change; 0 before the first.
    version: i64,
    /// When it was changed last.
    #[schema(required = true)]
    changed_at: Option<Time>,
}

/// How the management of Android devices is doing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AndroidState {
    /// `not_set_up`, `signing_up` while there is no enterprise, `waiting` while no server has taken it up yet,
    /// `connected` or `failing`.
    #[schema(example = "connected")]
    state: String,
    /// Since when.
    #[schema(required = true)]
    since: Option<Time>,
    /// What Google said, or why it cannot be asked, where it fails.
    #[schema(required = true)]
    answer: Option<String>,
}

impl AndroidState {
    fn new(setting: Option<&Setting>, settings: Option<&AndroidSettings>) -> Self {
        let plain = |state: &str| Self { state: state.to_owned(), since: None, answer: None };
        let (Some(setting), Some(settings)) = (setting, settings) else { return plain("not_set_up") };
        if settings.enterprise.is_none() {
            return plain("signing_up");
        }
        let said: Value = serde_json::from_str(&setting.state).unwrap_or_default();
        Self {
            state: said["state"].as_str().unwrap_or("waiting").to_owned(),
            since: Some(setting.state_at),
            answer: said["why"].as_str().map(str::to_owned),
        }
    }
}

/// How Android devices are managed by Google from now on.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AndroidEnterpriseEdit {
    /// The key of a service account: what is in the JSON file that Google gives out. Left out it stays, for the same
    /// addresses.
    #[schema(max_length = 20_000, write_only)]
    service_account: Option<String>,
    /// An enterprise that the service account may manage already. Left out it stays, null forgets it; a sign-up sets it.
    /// It cannot become another while devices are managed.
    #[serde(default, deserialize_with = "given")]
    #[schema(max_length = 200)]
    enterprise: Option<Option<String>>,
    /// Where Google is to publish news, in the same project: `projects/{project}/topics/{topic}`.
    #[schema(max_length = 300)]
    topic: Option<String>,
    /// What news is fetched from: `projects/{project}/subscriptions/{subscription}`. Without it devices are asked for now
    /// and then.
    #[schema(max_length = 300)]
    subscription: Option<String>,
    /// The service account in whose name Pub/Sub pushes news to `push_endpoint`. Left out pushes are not taken.
    #[schema(max_length = 320)]
    push_email: Option<String>,
    /// Where the Android Management API is; Google unless given.
    #[schema(max_length = 500, format = "uri")]
    base_url: Option<String>,
    /// Where Pub/Sub is; Google unless given.
    #[schema(max_length = 500, format = "uri")]
    pubsub_base_url: Option<String>,
    /// Where the keys are by which pushes are signed; Google's unless given.
    #[schema(max_length = 500, format = "uri")]
    keys_url: Option<String>,
    /// The version this is based on, unless `If-Match` says it; 0 before the first.
    version: Option<i64>,
}

/// A sign-up that was begun.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AndroidSignUp {
    /// Google's page, on which an administrator signs up. It leads back here.
    #[schema(format = "uri")]
    url: String,
    /// Until when.
    expires_at: Time,
}

/// What Google answers.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AndroidCheck {
    /// Whether everything is as it should be.
    works: bool,
    /// What Google said, in words.
    answer: String,
    /// What the enterprise is called.
    #[schema(required = true)]
    display_name: Option<String>,
    /// Where Google publishes news.
    #[schema(required = true)]
    topic: Option<String>,
    /// Which news.
    notifications: Vec<String>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get, put, delete)).routes(routes!(sign_up)).routes(routes!(check))
}

/// How Android devices are managed by Google
///
/// It concerns the whole tenant, so a part of it does not suffice as reach.
#[utoipa::path(get, path = "/api/v1/android-enterprise", tag = "android", operation_id = "get_android_enterprise",
    responses((status = 200, body = AndroidEnterprise)))]
async fn get(State(state): State<AppState>, principal: Principal, headers: HeaderMap) -> Result<Response, Problem> {
    shown(&state, &principal, &headers).await
}

async fn read(state: &AppState, principal: &Principal) -> Result<Option<Setting>, Problem> {
    let (who, sealer) = (principal.clone(), state.engine.sealer().clone());
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        who.whole_tenant(rules)?;
        engine::get(tx, &sealer, who.tenant)
    });
    Ok(found.await?)
}

async fn shown(state: &AppState, principal: &Principal, headers: &HeaderMap) -> Result<Response, Problem> {
    let setting = read(state, principal).await?;
    let tenant = principal.tenant;
    let devices = state.db.read(move |tx| android_devices::count(tx, tenant)).await?;
    let settings = setting.as_ref().map(|setting| read_settings(&setting.config)).transpose()?;
    let key = setting.as_ref().zip(settings.as_ref());
    let answer = AndroidEnterprise {
        private_key_set: key.is_some_and(|(setting, settings)| setting.secrets.contains_key(&settings.secret())),
        push_endpoint: push_endpoint(state, headers, tenant),
        devices,
        state: AndroidState::new(setting.as_ref(), settings.as_ref()),
        version: setting.as_ref().map_or(0, |setting| setting.version),
        changed_at: setting.as_ref().map(|setting| setting.changed_at),
        project_id: settings.as_ref().map(|settings| settings.account.project_id.clone()),
        client_email: settings.as_ref().map(|settings| settings.account.client_email.clone()),
        base_url: settings.as_ref().map(|settings| settings.base_url.clone()),
        pubsub_base_url: settings.as_ref().map(|settings| settings.pubsub_base_url.clone()),
        enterprise: settings.as_ref().and_then(|settings| settings.enterprise.clone()),
        topic: settings.as_ref().and_then(|settings| settings.topic.clone()),
        subscription: settings.as_ref().and_then(|settings| settings.subscription.clone()),
        push_email: settings.and_then(|settings| settings.push_email),
    };
    Ok((etag(answer.version), Json(answer)).into_response())
}

/// Where Pub/Sub pushes a tenant's news to, which is also whom it means with its signature.
pub(crate) fn push_endpoint(state: &AppState, headers: &HeaderMap, tenant: Tenant) -> String {
    format!("{}/android/v1/notifications/{}", base_url(state, headers), tenant.0)
}

/// Sets up how Android devices are managed by Google
///
/// Then sign up, unless there is an enterprise already.
#[utoipa::path(put, path = "/api/v1/android-enterprise", tag = "android", operation_id = "set_android_enterprise",
    request_body = AndroidEnterpriseEdit, responses((status = 200, body = AndroidEnterprise)))]
async fn put(
    State(state): State<AppState>,
    principal: Principal,
    headers: HeaderMap,
    if_match: IfMatch,
    Json(edit): Json<AndroidEnterpriseEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let before = read(&state, &principal).await?;
    let old = before.as_ref().map(|before| read_settings(&before.config)).transpose()?;
    let or = |url: Option<String>, usual: &str| none_if_empty(url).unwrap_or_else(|| usual.to_owned());
    let (base_url, pubsub_base_url) = (or(edit.base_url, GOOGLE), or(edit.pubsub_base_url, PUBSUB));
    let mut secrets = Secrets::new();
    let mut settings = match (none_if_empty(edit.service_account), &old) {
        (Some(text), _) => {
            let read = AndroidSettings::of_service_account(&text, base_url, pubsub_base_url);
            let (settings, key) = read.map_err(|why| Problem::invalid_field("/service_account", why))?;
            secrets.insert(settings.secret(), key);
            settings
        }
        (None, Some(old)) => {
            let settings = AndroidSettings { base_url, pubsub_base_url, ..old.clone() };
            if let Some(before) = &before {
                put_secret(&mut secrets, settings.secret(), None, &before.secrets);
            }
            settings
        }
        (None, None) => return Err(Problem::invalid_field("/service_account", "is needed")),
    };
    let had = old.as_ref().and_then(|old| old.enterprise.clone());
    settings.enterprise = edit.enterprise.unwrap_or_else(|| had.clone());
    settings.topic = edit.topic;
    settings.subscription = edit.subscription;
    settings.push_email = edit.push_email;
    settings.keys_url = or(edit.keys_url, GOOGLE_KEYS);
    Check::of(settings.problems(&secrets, &state.options.outgoing)).finish()?;
    let elsewhere = old.is_some_and(|old| old.base_url != settings.base_url);
    let moves = had.is_some() && (had != settings.enterprise || elsewhere);
    let config = serde_json::to_value(&settings).map_err(|error| Problem::internal(&error))?;
    let new = NewSetting { config, secrets, version };
    let (who, sealer, source) = (principal.clone(), state.engine.sealer().clone(), state.source.clone());
    let set = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        engine::set(work, &sealer, &*source, &new, moves)
    });
    set.await.map_err(|error| if_match.problem(error))?;
    shown(&state, &principal, &headers).await
}

/// Forgets how Android devices are managed by Google
///
/// 409 while devices are managed. The enterprise stays with Google.
#[utoipa::path(delete, path = "/api/v1/android-enterprise", tag = "android",
    operation_id = "delete_android_enterprise", responses((status = 204)))]
async fn delete(State(state): State<AppState>, principal: Principal) -> Result<StatusCode, Problem> {
    let who = principal.clone();
    let gone = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        engine::remove(work)
    });
    gone.await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins a sign-up
///
/// The answer leads to Google, where an administrator of the organisation signs up with an account that manages no
/// enterprise yet. Google leads back here, and devices can be enrolled. A sign-up that was begun before is forgotten.
#[utoipa::path(post, path = "/api/v1/android-enterprise/sign-up", tag = "android",
    operation_id = "begin_android_sign_up", responses((status = 201, body = AndroidSignUp)))]
async fn sign_up(
    State(state): State<AppState>,
    principal: Principal,
    headers: HeaderMap,
) -> Result<(StatusCode, Json<AndroidSignUp>), Problem> {
    let client = set_up(&state, &principal).await?;
    if client.settings().enterprise.is_some() {
        return Err(Problem::conflict("There is an enterprise already."));
    }
    let secret = BASE64URL_NOPAD.encode(&state.source.secret());
    let tenant = principal.tenant;
    let callback = format!("{}/android/v1/sign-up/{}/{secret}", base_url(&state, &headers), tenant.0);
    let begun = client.sign_up_url(&callback, None).await.map_err(|error| google(&error))?;
    let hash = Sha256::digest(secret.as_bytes()).into();
    let (name, expires_at) = (begun.name, state.source.now().plus(SIGN_UP));
    let noted = state.engine.edit(tenant, principal.actor(), move |work| engine::begin_sign_up(work, &name, &hash));
    noted.await?;
    Ok((StatusCode::CREATED, Json(AndroidSignUp { url: begun.url, expires_at })))
}

/// Tries whether Google can be asked
///
/// With what is set. Has Google publish news to the topic that is set where it does not.
#[utoipa::path(post, path = "/api/v1/android-enterprise/check", tag = "android",
    operation_id = "check_android_enterprise", responses((status = 200, body = AndroidCheck)))]
async fn check(State(state): State<AppState>, principal: Principal) -> Result<Json<AndroidCheck>, Problem> {
    let client = set_up(&state, &principal).await?;
    if client.settings().enterprise.is_none() {
        return Err(Problem::conflict("There is no enterprise yet: sign up."));
    }
    let name = organization(&state, principal.tenant).await?;
    let failed = |error: &client::Error| AndroidCheck {
        works: false,
        answer: error.to_string(),
        display_name: None,
        topic: None,
        notifications: Vec::new(),
    };
    let found = match client.get_enterprise().await {
        Ok(found) if found.topic != client.settings().topic => {
            let name = if found.display_name.is_empty() { name } else { found.display_name };
            client.patch_enterprise(&name).await
        }
        found => found,
    };
    let found = match found {
        Ok(found) => found,
        Err(error) => return Ok(Json(failed(&error))),
    };
    let fetched = match client.settings().subscription {
        // What comes is not acknowledged: it comes again.
        Some(_) => client.pull(1, PATIENCE).await.map(|_| ()),
        None => Ok(()),
    };
    Ok(Json(AndroidCheck {
        works: fetched.is_ok(),
        answer: fetched.err().map_or_else(|| format!("{} is there", found.name), |error| error.to_string()),
        display_name: Some(found.display_name),
        topic: found.topic,
        notifications: found.notifications,
    }))
}

/// Whoever asks Google with what is set.
async fn set_up(state: &AppState, principal: &Principal) -> Result<Client, Problem> {
    let who = principal.clone();
    state.engine.read(principal.tenant, move |_, rules| who.whole_tenant(rules)).await?;
    open(state, principal.tenant).await
}

/// Whoever asks Google in a tenant's name.
pub(crate) async fn open(state: &AppState, tenant: Tenant) -> Result<Client, Problem> {
    let opened = android::open_client(&state.engine, tenant, &state.options.outgoing).await.map_err(failure)?;
    opened.ok_or_else(|| Problem::conflict("The management of Android devices by Google is not set up."))
}

/// What the tenant's organisation is called.
pub(crate) async fn organization(state: &AppState, tenant: Tenant) -> Result<String, Problem> {
    let found = state.engine.read(tenant, move |tx, rules| {
        let name = rules.settings.branding.organisation_name.clone();
        if !name.is_empty() {
            return Ok(name);
        }
        let root = rules.organization_groups.root().ok_or(Error::NotFound("organization group"))?;
        Ok(organization_groups::get(tx, tenant, root)?.map(|(group, _)| group.name).unwrap_or_default())
    });
    Ok(found.await?)
}

/// What a caller is told of what goes wrong at Google's.
pub(crate) fn google(error: &client::Error) -> Problem {
    match error {
        client::Error::Later { reason, after } => {
            let seconds = after.and_then(|after| u32::try_from(after.as_secs()).ok()).unwrap_or(10);
            Problem::unavailable(format!("Google cannot be asked now: {reason}"), seconds.max(1))
        }
        error => Problem::conflict(format!("Google refused: {error}")),
    }
}

/// What a caller is told of what goes wrong.
pub(crate) fn failure(failure: Failure) -> Problem {
    match failure {
        Failure::Engine(error) => error.into(),
        Failure::Google(error) => google(&error),
    }
}
