//! Detections coming in.

use std::collections::HashMap;

use allclear_domain::{
    detection::{Detection, DeviceRef, SourceEvent},
    ids::{DeviceId, OrganizationGroupId, Tenant},
};
use allclear_engine::{
    Error,
    ingest::{self, Fact, Outcome, UnknownDevice},
};
use allclear_store::devices;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::batch::{self, Batch, Rejected};
use crate::{app::AppState, auth::Principal, extract::Json, problem::Problem};

/// Detections in one submission: what the engine commits at once.
pub(super) const SUBMISSION: usize = 256;

/// One detection or several.
#[derive(ToSchema)]
#[schema(as = Detections)]
#[serde(untagged)]
#[expect(dead_code, reason = "describes the body, which is read item by item")]
enum Body {
    One(Detection),
    Several(Vec<Detection>),
}

/// What became of detections.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, ToSchema)]
pub struct Taken {
    /// Taken in.
    accepted: u64,
    /// Taken in before; nothing changed.
    duplicates: u64,
    /// Refused; all others are kept.
    pub(crate) rejected: Vec<Rejected>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(submit))
}

/// Hands detections in
///
/// One object, an array, or lines of JSON (`application/x-ndjson`); at most 10,000 and 16 MiB. The answer comes after
/// the commit. A detection that cannot be taken in is in `rejected`, and the others are kept; the codes are `invalid`
/// (it cannot be read), `unknown_device`, `invalid_source`, `invalid_id`, `invalid_classification`, `in_the_future`
/// and `details_too_large`. The same `event_id` from the same source again changes nothing, so that a request without
/// an answer can be sent again.
#[utoipa::path(post, path = "/api/v1/detections", tag = "detections", operation_id = "submit_detections",
    request_body(content((Body = "application/json"), (String = "application/x-ndjson"))),
    responses((status = 200, body = Taken)))]
async fn submit(State(state): State<AppState>, principal: Principal, batch: Batch) -> Result<Json<Taken>, Problem> {
    let mut taken = Taken::default();
    let mut detections: Vec<(usize, Detection)> = Vec::new();
    for (index, item) in batch.items()?.into_iter().enumerate() {
        match batch::read(item) {
            Ok(detection) => detections.push((index, detection)),
            Err(detail) => taken.rejected.push(Rejected { index, code: "invalid", detail }),
        }
    }
    let detections = within_reach(&state, &principal, detections, &mut taken).await?;
    hand_in(&state, principal.tenant, detections, taken).await.map(Json)
}

/// Hands detections to the engine, each with its place in the request, and adds what becomes of them to `taken`.
pub(crate) async fn hand_in(
    state: &AppState,
    tenant: Tenant,
    detections: Vec<(usize, Detection)>,
    mut taken: Taken,
) -> Result<Taken, Problem> {
    let mut rest = detections.into_iter().peekable();
    while rest.peek().is_some() {
        let (places, facts): (Vec<usize>, Vec<Fact>) = rest
            .by_ref()
            .take(SUBMISSION)
            .map(|(index, detection)| {
                let event = SourceEvent::Detection(detection);
                (index, Fact::Source { event, unknown_device: UnknownDevice::Reject })
            })
            .unzip();
        let outcomes = state.engine.submit(tenant, facts).await?;
        for (index, outcome) in places.into_iter().zip(outcomes) {
            match outcome {
                Outcome::Accepted | Outcome::Waiting | Outcome::Exception => taken.accepted += 1,
                Outcome::Duplicate => taken.duplicates += 1,
                Outcome::Rejected { code, detail } => taken.rejected.push(Rejected { index, code, detail }),
            }
        }
    }
    taken.rejected.sort_by_key(|rejected| rejected.index);
    Ok(taken)
}

/// Leaves those on devices within reach; a device elsewhere is as good as unknown.
async fn within_reach(
    state: &AppState,
    principal: &Principal,
    detections: Vec<(usize, Detection)>,
    taken: &mut Taken,
) -> Result<Vec<(usize, Detection)>, Problem> {
    let whole = match state.engine.cached_rules(principal.tenant) {
        Some(rules) => principal.whole_tenant(&rules).is_ok(),
        None => principal.server,
    };
    if whole {
        return Ok(detections);
    }
    let named: Vec<(String, DeviceRef)> =
        detections.iter().map(|(_, one)| (one.source.clone(), one.device.clone())).collect();
    let who = principal.clone();
    let reached = state.engine.read(principal.tenant, move |tx, rules| {
        let found = ingest::locate(tx, who.tenant, &named)?;
        let mut ids: Vec<DeviceId> = found.iter().flatten().copied().collect();
        ids.sort_unstable();
        ids.dedup();
        let groups: HashMap<DeviceId, OrganizationGroupId> = devices::get_many(tx, who.tenant, &ids)?
            .into_iter()
            .map(|record| (record.id(), record.facts.device.organization_group))
            .collect();
        let reaches =
            |id: &DeviceId| groups.get(id).is_some_and(|group| who.reaches(&rules.organization_groups, *group));
        Ok::<_, Error>(found.iter().map(|id| id.as_ref().is_some_and(reaches)).collect::<Vec<bool>>())
    });
    let mut kept = Vec::with_capacity(detections.len());
    for ((index, detection), reached) in detections.into_iter().zip(reached.await?) {
        if reached {
            kept.push((index, detection));
        } else {
            let detail = ingest::nobody_knows(&detection.device);
            taken.rejected.push(Rejected { index, code: "unknown_device", detail });
        }
    }
    Ok(kept)
}
