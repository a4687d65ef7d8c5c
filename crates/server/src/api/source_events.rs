//! Messages of sources: handed in by programs that speak for a feed, and those that are kept aside.

use allclear_connectors::{lookout, native};
use allclear_domain::{
    detection::{SourceEvent, Unmapped},
    journal::{Change, Object},
    time::Time,
};
use allclear_engine::{
    Error,
    ingest::{self, Fact, Outcome, UnknownDevice},
};
use allclear_store::sources::{self, Kept, KeptState};
use axum::{extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use super::{
    batch::{Batch, Rejected},
    detections::SUBMISSION,
};
use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Path},
    page::{List, PageParams},
    problem::Problem,
};

/// Why a message is kept aside.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceEventState {
    /// Its device is not known yet; it is taken in once the device is.
    #[default]
    Waiting,
    /// It could not be understood.
    Exception,
}

impl From<SourceEventState> for KeptState {
    fn from(state: SourceEventState) -> Self {
        match state {
            SourceEventState::Waiting => KeptState::Waiting,
            SourceEventState::Exception => KeptState::Exception,
        }
    }
}

/// A message that is kept aside.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeptSourceEvent {
    /// The id it is kept under.
    id: Uuid,
    /// Who sent it.
    source: String,
    /// The source's id of it.
    event_id: String,
    /// What the source calls the device, if the message waits for one.
    #[schema(required = true)]
    external_id: Option<String>,
    /// Why it is kept aside.
    reason: String,
    /// The message.
    event: SourceEvent,
    /// When it came.
    received_at: Time,
}

impl From<Kept> for KeptSourceEvent {
    fn from(kept: Kept) -> Self {
        Self {
            id: kept.id,
            source: kept.source,
            event_id: kept.event_id,
            external_id: kept.external_id,
            reason: kept.reason,
            event: kept.event,
            received_at: kept.received_at,
        }
    }
}

/// A page of messages that are kept aside.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KeptPage {
    /// The messages.
    items: Vec<KeptSourceEvent>,
    /// What to send as `cursor` for the next page; null on the last one.
    #[schema(required = true)]
    next_cursor: Option<String>,
    /// How many there are in this state.
    count: i64,
}

/// Which messages are wanted.
#[derive(Clone, Copy, Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct KeptParams {
    /// Why they are kept aside; `waiting` unless given.
    #[param(required = false, inline)]
    state: SourceEventState,
}

/// What messages are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// When they came, the newest first.
    #[default]
    ReceivedAt,
}

/// What became of messages.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, ToSchema)]
pub struct SourceEventsTaken {
    /// Taken in.
    accepted: u64,
    /// Taken in before; nothing changed.
    duplicates: u64,
    /// Kept until their device is known.
    waiting: u64,
    /// Kept, because they could not be understood.
    exceptions: u64,
    /// Always empty: what a feed says is never refused.
    rejected: Vec<Rejected>,
}

impl SourceEventsTaken {
    fn count(&mut self, outcomes: &[Outcome]) {
        for outcome in outcomes {
            match outcome {
                Outcome::Accepted => self.accepted += 1,
                Outcome::Duplicate => self.duplicates += 1,
                Outcome::Waiting => self.waiting += 1,
                Outcome::Exception | Outcome::Rejected { .. } => self.exceptions += 1,
            }
        }
    }
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, submit)).routes(routes!(drop_kept)).routes(routes!(retry))
}

/// Messages that are kept aside, newest first
///
/// They concern the whole tenant, so a part of it does not suffice as reach.
#[utoipa::path(get, path = "/api/v1/source-events", tag = "source-events", operation_id = "list_source_events",
    params(PageParams, KeptParams), responses((status = 200, body = KeptPage)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<KeptParams, SortBy>,
) -> Result<Json<KeptPage>, Problem> {
    if list.descending {
        return Err(Problem::invalid_field("sort", "the newest comes first in any case"));
    }
    let (before, fetch, wanted) = (list.after::<Uuid>()?, list.fetch(), list.filter.state);
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        principal.whole_tenant(rules)?;
        Ok(sources::kept(tx, principal.tenant, wanted.into(), before, fetch.into())?)
    });
    let (kept, count) = found.await?;
    let page = list.page(kept.into_iter().map(KeptSourceEvent::from).collect(), |kept| kept.id)?;
    Ok(Json(KeptPage { items: page.items, next_cursor: page.next_cursor, count }))
}

/// Hands messages of a source in
///
/// For programs that speak for a feed: lines of JSON (`application/x-ndjson`), an array or one object; at most 10,000
/// and 16 MiB. Each has a `type`: `detection`, `sensor`, `notice` or `unmapped`. A message about a device that is not
/// known waits for it; one that cannot be understood is kept as an exception. The answer comes after the commit.
#[utoipa::path(post, path = "/api/v1/source-events", tag = "source-events", operation_id = "submit_source_events",
    request_body(content((SourceEvent = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 200, body = SourceEventsTaken)))]
async fn submit(
    State(state): State<AppState>,
    principal: Principal,
    batch: Batch,
) -> Result<Json<SourceEventsTaken>, Problem> {
    let (who, tenant) = (principal.clone(), principal.tenant);
    state.engine.read(tenant, move |_, rules| who.whole_tenant(rules)).await?;
    let mut taken = SourceEventsTaken::default();
    let mut rest = batch.items()?.into_iter().map(read).peekable();
    while rest.peek().is_some() {
        let fact = |event| Fact::Source { event, unknown_device: UnknownDevice::Wait };
        let facts = rest.by_ref().take(SUBMISSION).map(fact).collect();
        taken.count(&state.engine.submit(tenant, facts).await?);
    }
    Ok(Json(taken))
}

/// The longest message kept of one that was not understood, in bytes.
const RAW: usize = 64 * 1024;

/// Reads a message; one that somebody else could not understand comes as such.
fn read(item: &str) -> SourceEvent {
    let event = native::parse_native(item);
    if matches!(event, SourceEvent::Unmapped(_))
        && let Ok(SourceEvent::Unmapped(theirs)) = serde_json::from_str(item)
        && is_sound(&theirs)
    {
        return SourceEvent::Unmapped(theirs);
    }
    event
}

fn is_sound(unmapped: &Unmapped) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-');
    let bounded = |text: &str, longest| (1..=longest).contains(&text.len());
    bounded(&unmapped.source, 64)
        && unmapped.source.bytes().all(plain)
        && bounded(&unmapped.event_id, 200)
        && bounded(&unmapped.reason, 4_000)
        && unmapped.raw.len() <= RAW
}

/// What a kept message says: one that was not understood is read again, by what is known now.
fn again(event: &SourceEvent) -> Result<Vec<SourceEvent>, Error> {
    let SourceEvent::Unmapped(unmapped) = event else { return Ok(vec![event.clone()]) };
    let mut events = vec![native::parse_native(&unmapped.raw)];
    if matches!(events.as_slice(), [SourceEvent::Unmapped(_)]) && unmapped.source == lookout::SOURCE {
        events = lookout::map(&unmapped.raw);
    }
    match events.iter().find(|event| matches!(event, SourceEvent::Unmapped(_))) {
        Some(_) => Err(Error::Conflict("the message still cannot be understood".into())),
        None => Ok(events),
    }
}

/// Tries a message that is kept aside again
///
/// Refused while its device is still unknown or it still cannot be understood; it is kept as it was then.
#[utoipa::path(post, path = "/api/v1/source-events/{id}/retry", tag = "source-events",
    operation_id = "retry_source_event", params(("id" = Uuid, Path, description = "The message.")),
    responses((status = 200, body = SourceEventsTaken)))]
async fn retry(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<Json<SourceEventsTaken>, Problem> {
    let who = principal.clone();
    let tried = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        let found = sources::get_kept(work.tx, work.tenant, id)?;
        let (_, kept) = found.ok_or(Error::NotFound("source event"))?;
        let events = again(&kept.event)?;
        sources::drop_kept(work.tx, work.tenant, id)?;
        let outcomes = ingest::take_again(work, &events)?;
        // An error undoes everything, so that the message stays where it was.
        match outcomes.iter().find(|outcome| !matches!(outcome, Outcome::Accepted | Outcome::Duplicate)) {
            Some(Outcome::Waiting) => Err(Error::Conflict("the device of the message is still unknown".into())),
            Some(_) => Err(Error::Conflict("the message still cannot be taken in".into())),
            None => Ok(outcomes),
        }
    });
    let mut taken = SourceEventsTaken::default();
    taken.count(&tried.await?);
    Ok(Json(taken))
}

/// Drops a message that could not be understood
///
/// One that waits for its device cannot be dropped.
#[utoipa::path(delete, path = "/api/v1/source-events/{id}", tag = "source-events",
    operation_id = "drop_source_event", params(("id" = Uuid, Path, description = "The message.")),
    responses((status = 204), (status = 409, description = "It waits for its device.", body = Problem,
        content_type = "application/problem+json")))]
async fn drop_kept(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<Uuid>,
) -> Result<StatusCode, Problem> {
    let who = principal.clone();
    let dropped = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        let found = sources::get_kept(work.tx, work.tenant, id)?;
        let (state, kept) = found.ok_or(Error::NotFound("source event"))?;
        if state == KeptState::Waiting {
            return Err(Error::Conflict("the message waits for its device, and is taken in once that is known".into()));
        }
        sources::drop_kept(work.tx, work.tenant, id)?;
        let object = Object { kind: "source_event".into(), id: id.to_string(), name: kept.source };
        let before = serde_json::json!({ "event_id": kept.event_id, "reason": kept.reason });
        work.note(object, None, Change::Deleted { before });
        Ok(())
    });
    dropped.await?;
    Ok(StatusCode::NO_CONTENT)
}
