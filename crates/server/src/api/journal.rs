//! The journal: every change in the order of commits.

use allclear_domain::{
    ids::{DeviceId, OrganizationGroupId, Tenant},
    journal::{Change, Entry},
    rights::Right,
    rules::Rules,
};
use allclear_engine::Error;
use allclear_store::{db::Tx, journal as stored, tenants};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Query},
    page::{DEFAULT_LIMIT, MAX_LIMIT},
    problem::Problem,
};

/// Entries read in one go.
const CHUNK: i64 = 500;
/// Entries looked at for one page, at most: a filter that fits little must not cost much.
const LOOKED_AT: usize = 5_000;

/// A part of the journal.
#[derive(Clone, PartialEq, Debug, Serialize, ToSchema)]
pub struct JournalPage {
    /// The entries, oldest first; newest first with `before`.
    items: Vec<Entry>,
    /// What to send as `after` to learn what came later, now or once more has happened.
    next_after: i64,
    /// With `before`: what to send as `before` to go on from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_before: Option<i64>,
    /// Whether there was nothing more. Otherwise there may be more, even if `items` is empty.
    at_end: bool,
}

/// Which entries are wanted.
#[derive(Clone, PartialEq, Debug, Default, Deserialize, IntoParams)]
#[serde(default, deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct JournalParams {
    /// Go on after this position; 0 is before the first. A live stream begins with what happens from now on unless this
    /// or `Last-Event-ID` is given.
    #[param(minimum = 0)]
    pub(super) after: Option<i64>,
    /// Go back from before this position, newest first; one that is not reached yet begins with the newest entry. Not for
    /// a live stream, and not with `after`.
    #[param(minimum = 0)]
    pub(super) before: Option<i64>,
    /// The most entries wanted; a live stream has no such limit.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<u32>,
    /// Only those about this device.
    device_id: Option<DeviceId>,
    /// Only those about such a thing: `device`, or the singular of a resource such as `smart_group`.
    #[param(max_length = 64)]
    kind: Option<String>,
    /// Only those with a change of this type, for example `risk`.
    #[param(max_length = 64)]
    change: Option<String>,
}

impl JournalParams {
    pub(super) fn check(&self) -> Result<(), Problem> {
        for (name, position) in [("after", self.after), ("before", self.before)] {
            if position.is_some_and(|position| position < 0) {
                return Err(Problem::invalid_field(name, "must not be negative"));
            }
        }
        if self.after.is_some() && self.before.is_some() {
            return Err(Problem::invalid_field("before", "cannot be given with after"));
        }
        if self.limit.is_some_and(|limit| !(1..=MAX_LIMIT).contains(&limit)) {
            return Err(Problem::invalid_field("limit", "must be 1 to 500"));
        }
        Ok(())
    }

    fn fits(&self, entry: &Entry) -> bool {
        let kind =
            || if entry.device_id.is_some() { Some("device") } else { entry.object.as_ref().map(|it| &*it.kind) };
        self.device_id.is_none_or(|id| entry.device_id == Some(id))
            && self.kind.as_deref().is_none_or(|wanted| kind() == Some(wanted))
            && self.change.as_deref().is_none_or(|wanted| entry.changes.iter().any(|change| is_type(change, wanted)))
    }
}

fn is_type(change: &Change, wanted: &str) -> bool {
    serde_json::to_value(change).is_ok_and(|change| change["type"] == *wanted)
}

/// Where reading the journal begins, and which way it goes. The position itself is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Start {
    /// Towards the end.
    After(i64),
    /// Towards the beginning.
    Before(i64),
}

/// What somebody may see of the journal: entries about what lay within their reach when they were written. What
/// concerns the whole tenant is for those who reach all of it. Who may not audit sees what lists and pages show anyway,
/// and not what administrators set up and did, nor what it was before.
pub(super) struct Reader {
    within: Option<Vec<OrganizationGroupId>>,
    audits: bool,
    params: JournalParams,
}

/// Entries that fit, and how far they were looked for.
pub(super) struct Found {
    pub(super) entries: Vec<Entry>,
    pub(super) position: i64,
    pub(super) at_end: bool,
}

impl Reader {
    pub(super) fn new(principal: &Principal, rules: &Rules, params: JournalParams) -> Self {
        let audits = principal.rights.contains(&Right::ViewAudit);
        Self { within: principal.within(rules), audits, params }
    }

    /// The entries from a position on, at most `limit`.
    pub(super) fn read(&self, tx: &mut Tx<'_>, tenant: Tenant, from: Start, limit: usize) -> Result<Found, Error> {
        let (mut position, forward) = match from {
            Start::After(position) => (position, true),
            Start::Before(position) => (position, false),
        };
        let mut entries = Vec::new();
        let mut looked_at = 0;
        while looked_at < LOOKED_AT {
            let chunk = match forward {
                true => stored::after(tx, tenant, position, CHUNK)?,
                false => stored::before(tx, tenant, position, CHUNK)?,
            };
            let last = chunk.len() < usize::try_from(CHUNK).unwrap_or(usize::MAX);
            looked_at += chunk.len();
            for (entry, group) in chunk {
                if entries.len() == limit {
                    return Ok(Found { entries, position, at_end: false });
                }
                position = entry.position;
                let within = self.within.as_ref();
                if within.is_none_or(|within| group.is_some_and(|group| within.contains(&group))) {
                    entries.extend(self.seen(entry).filter(|entry| self.params.fits(entry)));
                }
            }
            if last {
                return Ok(Found { entries, position, at_end: true });
            }
        }
        Ok(Found { entries, position, at_end: false })
    }

    /// What this reader sees of an entry, if it is anything.
    fn seen(&self, mut entry: Entry) -> Option<Entry> {
        if !self.audits {
            entry.changes.retain(|change| !change.is_administrative());
        }
        (!entry.changes.is_empty()).then_some(entry)
    }
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The journal, oldest first, or from its end
///
/// Positions have no gaps, but what is out of reach is left out. To follow the journal, send `next_after` as `after`
/// again and again, or listen to `/api/v1/live`; to read it from its end, begin with a `before` beyond it and go on with
/// `next_before`.
#[utoipa::path(get, path = "/api/v1/journal", tag = "journal", operation_id = "read_journal", params(JournalParams),
    responses((status = 200, body = JournalPage)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(params): Query<JournalParams>,
) -> Result<Json<JournalPage>, Problem> {
    params.check()?;
    let (limit, back) = (params.limit.unwrap_or(DEFAULT_LIMIT) as usize, params.before);
    let from = back.map_or(Start::After(params.after.unwrap_or(0)), Start::Before);
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let head = tenants::get(tx, principal.tenant)?.map_or(0, |row| row.journal_position);
        let found = Reader::new(&principal, rules, params.clone()).read(tx, principal.tenant, from, limit)?;
        Ok((found, head))
    });
    let (found, head) = found.await?;
    let next_after = back.map_or(found.position, |before| head.min(before.saturating_sub(1)).max(0));
    let next_before = back.map(|_| found.position);
    Ok(Json(JournalPage { items: found.entries, next_after, next_before, at_end: found.at_end }))
}
