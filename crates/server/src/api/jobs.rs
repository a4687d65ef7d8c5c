//! Jobs: the progress of re-evaluations.

use allclear_domain::{ids::JobId, time::Time};
use allclear_engine::jobs::{Job as Stored, JobState};
use allclear_store::jobs;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Path},
    page::{List, NoFilter, Page, PageParams},
    problem::Problem,
};

/// Work that goes on after the request that started it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    id: JobId,
    /// What it does: `reevaluation`, or `indicators`: what is on devices is compared with the indicators, too.
    kind: String,
    /// Why it was started.
    reason: String,
    /// How far it has come.
    state: Progress,
    /// About how many devices it concerns.
    total: i64,
    /// How many of them are done.
    done: i64,
    /// How many of those changed.
    changed: i64,
    /// When it was started.
    created_at: Time,
    /// Who started it.
    created_by: String,
    /// When it last moved.
    updated_at: Time,
}

/// How far a job has come.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = JobState)]
pub enum Progress {
    /// Not begun.
    Waiting,
    /// Under way.
    Running,
    /// Finished.
    Done,
}

impl From<Stored> for Job {
    fn from(job: Stored) -> Self {
        Self {
            id: job.id,
            kind: job.kind,
            reason: job.reason,
            state: match job.state {
                JobState::Waiting => Progress::Waiting,
                JobState::Running => Progress::Running,
                JobState::Done => Progress::Done,
            },
            total: job.total,
            done: job.done,
            changed: job.changed,
            created_at: job.created_at,
            created_by: job.created_by,
            updated_at: job.updated_at,
        }
    }
}

/// What jobs are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The time they were started, newest first.
    #[default]
    Newest,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list)).routes(routes!(get))
}

/// Jobs, newest first
#[utoipa::path(get, path = "/api/v1/jobs", tag = "jobs", operation_id = "list_jobs", params(PageParams),
    responses((status = 200, body = Page<Job>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<NoFilter, SortBy>,
) -> Result<Json<Page<Job>>, Problem> {
    if list.descending {
        return Err(Problem::invalid_field("sort", "must be newest"));
    }
    let (tenant, before, limit) = (principal.tenant, list.after::<JobId>()?, i64::from(list.fetch()));
    let found = state.engine.read(tenant, move |tx, _| Ok(jobs::list(tx, tenant, before, limit)?)).await?;
    list.page(found.into_iter().map(Job::from).collect(), |job| job.id).map(Json)
}

/// One job
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "jobs", operation_id = "get_job",
    params(("id" = JobId, Path, description = "The job.")), responses((status = 200, body = Job)))]
async fn get(State(state): State<AppState>, principal: Principal, Path(id): Path<JobId>) -> Result<Json<Job>, Problem> {
    let tenant = principal.tenant;
    let found = state.engine.read(tenant, move |tx, _| Ok(jobs::get(tx, tenant, id)?)).await?;
    found.map(|job| Json(job.into())).ok_or_else(|| Problem::not_found("job"))
}
