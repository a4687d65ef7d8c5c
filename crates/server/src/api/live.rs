//! The journal as it is written, as server-sent events.
//!
//! A stream holds one chunk of entries at a time and reads on only when its client has taken them: however slow a
//! client is, nothing piles up here, and nothing is left out.

use std::{collections::VecDeque, convert::Infallible, time::Duration};

use allclear_domain::{journal::Entry, rights::Right};
use allclear_engine::Error;
use allclear_store::tenants;
use axum::{
    extract::State,
    http::HeaderMap,
    response::sse::{Event, KeepAlive, Sse},
};
use futures_util::{Stream, stream};
use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout_at},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::journal::{Found, JournalParams, Reader, Start};
use crate::{app::AppState, auth::Principal, extract::Query, problem::Problem};

/// How often a silent stream shows that it is alive; tests have no time to wait.
const HEARTBEAT: Duration = if cfg!(test) { Duration::from_millis(150) } else { Duration::from_secs(15) };
/// Entries held for one client.
const CHUNK: usize = 100;
/// How often it is looked whether the credential still holds.
const CREDENTIAL: Duration = if cfg!(test) { Duration::from_millis(100) } else { Duration::from_secs(3) };
/// How long to wait when the database is busy.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(live))
}

/// The journal as it is written
///
/// Server-sent events named `entry`; `id` is the position and `data` the entry as in `/api/v1/journal`. After an
/// interruption send the last `id` as `Last-Event-ID` (browsers do) or `after`, and nothing is missed. A comment every
/// 15 seconds shows that the stream is alive. It ends when the server stops or the credential no longer holds. Without
/// the right `view_audit` it tells what becomes of devices, users and their notifications, and leaves out what
/// administrators set up and did.
#[utoipa::path(get, path = "/api/v1/live", tag = "journal", operation_id = "follow_journal", params(JournalParams,
    ("last-event-id" = Option<i64>, Header, description = "Go on after this position; stands over `after`.")),
    responses((status = 200, content_type = "text/event-stream", body = String)))]
async fn live(
    State(state): State<AppState>,
    principal: Principal,
    headers: HeaderMap,
    Query(mut params): Query<JournalParams>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    if let Some(last) = headers.get("last-event-id") {
        let last = last.to_str().ok().and_then(|text| text.trim().parse().ok());
        params.after = Some(last.ok_or_else(|| Problem::bad_request("Last-Event-ID holds no position."))?);
    }
    params.check()?;
    if params.before.is_some() {
        return Err(Problem::invalid_field("before", "is for reading the journal: a live stream goes on"));
    }
    let begins = params.after.is_none();
    // From before the first look, so that nothing is announced unheard.
    let news = state.engine.journal(principal.tenant);
    let position = match params.after {
        Some(after) => after,
        None => {
            let tenant = principal.tenant;
            let head = state.engine.read(tenant, move |tx, _| Ok(tenants::get(tx, tenant)?)).await?;
            head.map_or(0, |row| row.journal_position)
        }
    };
    let audits = principal.rights.contains(&Right::ViewAudit);
    let follower = Follower {
        state,
        right: if audits { Right::ViewAudit } else { Right::View },
        principal,
        params,
        news,
        position,
        held: VecDeque::new(),
        // Who comes without a position is told where the stream begins, to resume from there.
        said: if begins { position - 1 } else { position },
        checked_at: Instant::now(),
    };
    let events = stream::unfold(follower, async |mut follower| {
        let event = follower.next().await?;
        Some((Ok(event), follower))
    });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(HEARTBEAT)))
}

struct Follower {
    state: AppState,
    principal: Principal,
    /// What it is shown by.
    right: Right,
    params: JournalParams,
    news: watch::Receiver<i64>,
    /// How far the journal has been read.
    position: i64,
    /// Entries that were read and not sent.
    held: VecDeque<Entry>,
    /// The position the client has last been told.
    said: i64,
    checked_at: Instant,
}

impl Follower {
    /// The next event; `None` when the stream ends.
    async fn next(&mut self) -> Option<Event> {
        let stopping = self.state.stopping.clone();
        tokio::select! {
            biased;
            () = stopping.cancelled() => None,
            event = self.find() => event,
        }
    }

    async fn find(&mut self) -> Option<Event> {
        loop {
            if let Some(entry) = self.held.pop_front() {
                self.said = entry.position;
                return Event::default().event("entry").id(entry.position.to_string()).json_data(&entry).ok();
            }
            if self.checked_at.elapsed() >= CREDENTIAL && !self.credential_holds().await {
                return None;
            }
            self.news.mark_unchanged();
            let found = self.read().await?;
            let at_end = found.at_end;
            self.position = found.position;
            self.held = found.entries.into();
            if !self.held.is_empty() {
                continue;
            }
            if self.position > self.said {
                // Nothing for this client: only the position to resume from.
                self.said = self.position;
                return Some(Event::default().id(self.position.to_string()));
            }
            if at_end {
                match timeout_at(self.checked_at + CREDENTIAL, self.news.changed()).await {
                    Ok(Ok(())) | Err(_) => {}
                    Ok(Err(_)) => return None,
                }
            }
        }
    }

    /// Reads on; `None` when the journal cannot be read any more.
    async fn read(&mut self) -> Option<Found> {
        loop {
            let (principal, params, position) = (self.principal.clone(), self.params.clone(), self.position);
            let found = self.state.engine.read(principal.tenant, move |tx, rules| {
                Reader::new(&principal, rules, params.clone()).read(tx, principal.tenant, Start::After(position), CHUNK)
            });
            match found.await {
                Ok(found) => return Some(found),
                Err(Error::Busy) => sleep(PAUSE).await,
                Err(Error::Closed) => return None,
                Err(error) => {
                    tracing::warn!(cause = crate::problem::chain(&error), "a live stream ends");
                    return None;
                }
            }
        }
    }

    /// Whether the credential is still there, has not expired and may still see what it is shown.
    async fn credential_holds(&mut self) -> bool {
        let (principal, right) = (self.principal.clone(), self.right);
        let now = self.state.source.now();
        let read = self.state.db.read(move |tx| crate::auth::still_holds(tx, &principal, right, now));
        self.checked_at = Instant::now();
        // Asked again soon if the database cannot say.
        read.await.unwrap_or(true)
    }
}
