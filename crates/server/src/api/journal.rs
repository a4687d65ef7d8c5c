//! The journal: every change in the order of commits.

use allclear_domain::{
    ids::{DeviceId, OrganizationGroupId},
    journal::{Change, Entry},
    rules::Rules,
};
use allclear_engine::Error;
use allclear_store::{db::Tx, journal as stored};
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
    /// The entries, oldest first.
    items: Vec<Entry>,
    /// What to send as `after` to go on from here, now or once more has happened.
    next_after: i64,
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
        if self.after.is_some_and(|after| after < 0) {
            return Err(Problem::invalid_field("after", "must not be negative"));
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

/// What somebody may see of the journal: entries about what lay within their reach when they were written. What
/// concerns the whole tenant is for those who reach all of it.
pub(super) struct Reader {
    within: Option<Vec<OrganizationGroupId>>,
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
        Self { within: principal.within(rules), params }
    }

    /// The entries after a position, at most `limit`.
    pub(super) fn read(
        &self,
        tx: &mut Tx<'_>,
        tenant: allclear_domain::ids::Tenant,
        after: i64,
        limit: usize,
    ) -> Result<Found, Error> {
        let mut found = Found { entries: Vec::new(), position: after, at_end: false };
        let mut looked_at = 0;
        while looked_at < LOOKED_AT {
            let chunk = stored::after(tx, tenant, found.position, CHUNK)?;
            let last = chunk.len() < usize::try_from(CHUNK).unwrap_or(usize::MAX);
            looked_at += chunk.len();
            for (entry, group) in chunk {
                if found.entries.len() == limit {
                    return Ok(found);
                }
                found.position = entry.position;
                let within = self.within.as_ref();
                if within.is_none_or(|within| group.is_some_and(|group| within.contains(&group)))
                    && self.params.fits(&entry)
                {
                    found.entries.push(entry);
                }
            }
            if last {
                found.at_end = true;
                return Ok(found);
            }
        }
        Ok(found)
    }
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The journal, oldest first
///
/// Positions have no gaps, but what is out of reach is left out. To follow the journal, send `next_after` as `after`
/// again and again, or listen to `/api/v1/live`.
#[utoipa::path(get, path = "/api/v1/journal", tag = "journal", operation_id = "read_journal", params(JournalParams),
    responses((status = 200, body = JournalPage)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Query(params): Query<JournalParams>,
) -> Result<Json<JournalPage>, Problem> {
    params.check()?;
    let (after, limit) = (params.after.unwrap_or(0), params.limit.unwrap_or(DEFAULT_LIMIT) as usize);
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        Reader::new(&principal, rules, params.clone()).read(tx, principal.tenant, after, limit)
    });
    let found = found.await?;
    Ok(Json(JournalPage { items: found.entries, next_after: found.position, at_end: found.at_end }))
}
