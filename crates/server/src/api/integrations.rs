//! Threat feeds that are connected. The key to one is written and never shown again.

use allclear_connectors::supervisor;
use allclear_domain::{
    journal::{Change, Object},
    time::Time,
};
use allclear_engine::{Error, work::Work};
use allclear_store::{
    db::Tx,
    integrations::{self as stored, Integration as Stored},
};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::AppState,
    auth::Principal,
    check::{self, Check},
    extract::{IfMatch, Json, Path, etag},
    page::{List, Page, PageParams},
    problem::Problem,
    sorted::{Place, Typed},
};

/// Most integrations of a tenant.
const MOST: usize = 20;
/// The longest key, in characters.
const KEY: usize = 4096;

/// The systems that can be connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum IntegrationKind {
    /// Lookout's Mobile Risk API v2.
    Lookout,
}

impl IntegrationKind {
    fn as_str(self) -> &'static str {
        match self {
            IntegrationKind::Lookout => "lookout",
        }
    }
}

/// A threat feed.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Integration {
    /// Its id.
    id: Uuid,
    /// What it is connected to.
    #[schema(value_type = IntegrationKind)]
    kind: String,
    /// Its name, unique in the tenant.
    name: String,
    /// Where it is.
    base_url: String,
    /// Whether it is read.
    enabled: bool,
    /// How it is doing.
    state: IntegrationState,
    /// How far it has been read, in the feed's own terms; null before the first event.
    #[schema(required = true)]
    position: Option<String>,
    /// Messages of this source that wait for their device.
    waiting: i64,
    /// Messages of this source that could not be understood.
    exceptions: i64,
    /// Grows with every change of what is set.
    version: i64,
}

/// How a feed is doing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct IntegrationState {
    /// `connected`, `connecting`, `resuming`, `reconnecting`, `unauthorised`, `rate_limited` or `position_lost`;
    /// `disabled`; or `waiting` while no server has taken it up yet.
    #[schema(example = "connected")]
    state: String,
    /// Since when.
    since: Time,
    /// What happened, in words, where something went wrong.
    #[schema(required = true)]
    detail: Option<String>,
    /// How often in a row it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u64>,
    /// How long until the next attempt, as of `since` or later.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_in_seconds: Option<f64>,
}

impl IntegrationState {
    fn new(stored: &Stored, now: Time) -> Self {
        let said: Value = serde_json::from_str(&stored.state).unwrap_or_default();
        let word = said["state"].as_str().unwrap_or_default();
        let is_read = stored.enabled && stored.lease_owner.is_some() && stored.lease_until > now;
        let (state, said) = match (stored.enabled, is_read) {
            (false, _) => ("disabled", &Value::Null),
            (true, false) => ("waiting", &Value::Null),
            (true, true) => (word, &said),
        };
        Self {
            state: state.to_owned(),
            since: stored.state_at,
            detail: said["why"].as_str().map(str::to_owned),
            attempt: said["attempt"].as_u64(),
            retry_in_seconds: said["retry_in_seconds"].as_f64(),
        }
    }
}

/// A feed to be connected.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIntegration {
    /// What to connect to.
    kind: IntegrationKind,
    /// Its name, unique in the tenant.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Where it is, for example `https://api.lookout.com`.
    #[schema(max_length = 500, format = "uri")]
    base_url: String,
    /// The key that gives access. Never shown again.
    #[schema(min_length = 1, max_length = 4096, write_only)]
    application_key: String,
    /// Whether it is read; true unless given.
    #[serde(default = "yes")]
    enabled: bool,
}

fn yes() -> bool {
    true
}

/// A change of an integration. What is left out stays.
#[derive(Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntegrationEdit {
    /// Its new name.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// Where it is from now on. Needs the key, too, so that a key never goes where it was not meant to.
    #[schema(max_length = 500, format = "uri")]
    base_url: Option<String>,
    /// The key from now on.
    #[schema(min_length = 1, max_length = 4096, write_only)]
    application_key: Option<String>,
    /// Whether it is read from now on.
    enabled: Option<bool>,
    /// The version this edit is based on, unless `If-Match` says it.
    version: Option<i64>,
}

/// What a list of integrations is narrowed to.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct IntegrationParams {
    /// Each word of this is in its name or address, whatever the case.
    #[serde(default)]
    #[param(required = false, value_type = String, min_length = 1, max_length = 100)]
    q: Typed,
    /// What it is connected to.
    kind: Option<IntegrationKind>,
    /// Whether it is read.
    enabled: Option<bool>,
}

/// What integrations are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The name.
    #[default]
    Name,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, edit, delete))
}

fn shown(tx: &mut Tx<'_>, stored: Stored, now: Time) -> Result<Integration, Error> {
    // Every kind speaks for one source, whose name is the kind's.
    let (waiting, exceptions) = stored::kept(tx, stored.tenant, &stored.kind)?;
    Ok(Integration {
        id: stored.id,
        state: IntegrationState::new(&stored, now),
        kind: stored.kind,
        name: stored.name,
        base_url: stored.base_url,
        enabled: stored.enabled,
        position: stored.position,
        waiting,
        exceptions,
        version: stored.version,
    })
}

/// The integrations
///
/// Sorted by `name`. They concern the whole tenant, so a part of it does not suffice as reach.
#[utoipa::path(get, path = "/api/v1/integrations", tag = "integrations", operation_id = "list_integrations",
    params(IntegrationParams, PageParams), responses((status = 200, body = Page<Integration>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<IntegrationParams, SortBy>,
) -> Result<Json<Page<Integration>>, Problem> {
    let (asked, cut, now) = (list.filter.clone(), list.cut()?, state.source.now());
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        principal.whole_tenant(rules)?;
        let mut all = stored::list(tx, principal.tenant)?;
        all.retain(|one| {
            asked.q.is_in(&[&one.name, &one.base_url])
                && asked.kind.is_none_or(|kind| one.kind == kind.as_str())
                && asked.enabled.is_none_or(|enabled| one.enabled == enabled)
        });
        let found = cut.of(all, |one| Place::text(&one.name, one.id)).into_iter();
        found.map(|(place, one)| Ok((place, shown(tx, one, now)?))).collect::<Result<Vec<_>, Error>>()
    });
    list.cut_page(found.await?).map(Json)
}

/// One integration
#[utoipa::path(get, path = "/api/v1/integrations/{id}", tag = "integrations", operation_id = "get_integration",
    params(("id" = Uuid, Path, description = "The integration.")), responses((status = 200, body = Integration)))]
async fn get(State(state): State<AppState>, principal: Principal, Path(id): Path<Uuid>) -> Result<Response, Problem> {
    one(&state, &principal, id).await.map(with_version)
}

async fn one(state: &AppState, principal: &Principal, id: Uuid) -> Result<Integration, Problem> {
    let (who, now) = (principal.clone(), state.source.now());
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        who.whole_tenant(rules)?;
        let found = stored::get(tx, who.tenant, id)?;
        shown(tx, found.ok_or(Error::NotFound("integration"))?, now)
    });
    Ok(found.await?)
}

fn with_version(integration: Integration) -> Response {
    (etag(integration.version), Json(integration)).into_response()
}

fn check_url(state: &AppState, check: &mut Check, url: &str) {
    if let Err(why) = supervisor::base_url(url, &state.options.outgoing) {
        check.fail("/base_url", why);
    }
}

fn check_key(check: &mut Check, key: &str) {
    let good = (1..=KEY).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    check.that(good, "/application_key", "must have 1 to 4096 visible ASCII characters");
}

fn note(work: &mut Work<'_, '_>, stored: &Stored, change: Change) {
    let object = Object { kind: "integration".into(), id: stored.id.to_string(), name: stored.name.clone() };
    work.note(object, None, change);
}

/// What the journal shows of an integration: everything but the key.
fn outline(stored: &Stored) -> Value {
    json!({
        "kind": stored.kind, "name": stored.name, "base_url": stored.base_url, "enabled": stored.enabled,
    })
}

/// How an integration is doing that nobody has taken up yet.
const WAITING: &str = r#"{"state":"waiting"}"#;

fn name_taken(error: allclear_store::Error) -> Error {
    if error.is_unique_violation() {
        Error::Conflict("there is an integration of that name already".into())
    } else {
        error.into()
    }
}

/// Connects a feed
///
/// It is read from a server within seconds, beginning some days back as far as the feed allows.
#[utoipa::path(post, path = "/api/v1/integrations", tag = "integrations", operation_id = "create_integration",
    request_body = NewIntegration, responses((status = 201, body = Integration)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    Json(new): Json<NewIntegration>,
) -> Result<Response, Problem> {
    let mut check = Check::default();
    check.line("/name", &new.name, check::NAME);
    check_url(&state, &mut check, &new.base_url);
    check_key(&mut check, &new.application_key);
    check.finish()?;
    let sealed_key = state.engine.sealer().seal(principal.tenant, &new.application_key, &*state.source)?;
    let who = principal.clone();
    let made = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        if stored::list(work.tx, work.tenant)?.len() >= MOST {
            return Err(Error::Conflict(format!("there are {MOST} integrations already, which is the most")));
        }
        let one = Stored {
            tenant: work.tenant,
            id: work.source.id(),
            kind: new.kind.as_str().to_owned(),
            name: new.name.clone(),
            enabled: new.enabled,
            base_url: new.base_url.clone(),
            sealed_key: sealed_key.clone(),
            position: None,
            state: WAITING.to_owned(),
            state_at: work.now,
            version: 1,
            lease_owner: None,
            lease_until: Time::EPOCH,
        };
        stored::insert(work.tx, &one).map_err(name_taken)?;
        note(work, &one, Change::Created { after: outline(&one) });
        Ok(one.id)
    });
    let made = one(&state, &principal, made.await?).await?;
    let location = [(header::LOCATION, format!("/api/v1/integrations/{}", made.id))];
    Ok((StatusCode::CREATED, location, with_version(made)).into_response())
}

/// Changes an integration
///
/// It is read anew with what is set now; from another address it begins anew, too.
#[utoipa::path(patch, path = "/api/v1/integrations/{id}", tag = "integrations", operation_id = "edit_integration",
    request_body = IntegrationEdit, params(("id" = Uuid, Path, description = "The integration.")),
    responses((status = 200, body = Integration)))]
async fn edit(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Uuid>,
    if_match: IfMatch,
    Json(edit): Json<IntegrationEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let mut check = Check::default();
    if let Some(name) = &edit.name {
        check.line("/name", name, check::NAME);
    }
    if let Some(url) = &edit.base_url {
        check_url(&state, &mut check, url);
    }
    if let Some(key) = &edit.application_key {
        check_key(&mut check, key);
    }
    check.finish()?;
    let sealer = state.engine.sealer();
    let sealed = edit.application_key.as_ref().map(|key| sealer.seal(principal.tenant, key, &*state.source));
    let (sealed, who) = (sealed.transpose()?, principal.clone());
    let changed = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        let old = stored::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound("integration"))?;
        if old.version != version {
            return Err(Error::Stale(old.version));
        }
        let mut new = old.clone();
        new.name = edit.name.clone().unwrap_or(new.name);
        new.enabled = edit.enabled.unwrap_or(new.enabled);
        if let Some(url) = edit.base_url.clone().filter(|url| *url != old.base_url) {
            if sealed.is_none() {
                return Err(Error::invalid("/application_key", "is needed with another base_url"));
            }
            new.base_url = url;
            new.position = None;
        }
        new.sealed_key = sealed.clone().unwrap_or(new.sealed_key);
        if new == old {
            return Ok(());
        }
        new.version += 1;
        (new.state, new.state_at) = (WAITING.to_owned(), work.now);
        stored::update(work.tx, &new).map_err(name_taken)?;
        let (before, mut after) = (outline(&old), outline(&new));
        if sealed.is_some() {
            after["application_key"] = json!("changed");
        }
        note(work, &new, Change::Updated { before, after });
        Ok(())
    });
    changed.await.map_err(|error| if_match.problem(error))?;
    one(&state, &principal, id).await.map(with_version)
}

/// Disconnects a feed
///
/// What it brought stays.
#[utoipa::path(delete, path = "/api/v1/integrations/{id}", tag = "integrations", operation_id = "delete_integration",
    params(("id" = Uuid, Path, description = "The integration.")), responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let who = principal.clone();
    let deleted = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        let old = stored::get(work.tx, work.tenant, id)?.ok_or(Error::NotFound("integration"))?;
        stored::delete(work.tx, work.tenant, id)?;
        note(work, &old, Change::Deleted { before: outline(&old) });
        Ok(())
    });
    deleted.await?;
    Ok(StatusCode::NO_CONTENT)
}
