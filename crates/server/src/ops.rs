//! What whoever runs the server asks it: is it alive, may it take traffic, how is it doing.

use std::time::Duration;

use allclear_engine::enforcement;
use allclear_store::{MIGRATIONS, db::migrate};
use axum::{
    extract::State,
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse, Response},
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use serde::Serialize;
use subtle::ConstantTimeEq;
use utoipa::ToSchema;

use crate::{app::AppState, auth, extract::Json, problem::Problem};

/// Bounds of histogram buckets, in seconds: from a read of a cached page to the request time limit.
const SECONDS: [f64; 15] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Devices may be asleep or switched off for hours.
const ENFORCEMENT: [f64; 13] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 600.0, 3600.0, 86_400.0];

const UPKEEP: Duration = Duration::from_secs(5);

/// Prepares the recorder of metrics; histograms named `…_seconds` get buckets.
///
/// # Errors
/// When the exporter refuses the buckets.
pub fn metrics_builder() -> Result<PrometheusBuilder, BuildError> {
    PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &SECONDS)?
        .set_buckets_for_metric(Matcher::Full(enforcement::METRIC.to_owned()), &ENFORCEMENT)
}

/// Makes all metrics of this process go to one recorder, and returns what reads it. Once in a process.
///
/// # Errors
/// When there is a recorder already.
pub fn install_metrics() -> Result<PrometheusHandle, BuildError> {
    metrics_builder()?.install_recorder()
}

/// Moves what was recorded into its buckets now and then, so that it does not pile up while nobody asks for it. Runs
/// until it is dropped.
pub async fn keep_metrics(handle: PrometheusHandle) {
    let mut ticks = tokio::time::interval(UPKEEP);
    loop {
        ticks.tick().await;
        handle.run_upkeep();
    }
}

/// That all is well.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`; when it is not, the answer is a problem.
    #[schema(example = "ok")]
    pub status: &'static str,
}

const OK: Json<Health> = Json(Health { status: "ok" });

/// Whether the process is alive
#[utoipa::path(get, path = "/healthz", tag = "operation", responses((status = 200, body = Health)))]
pub async fn healthz() -> Json<Health> {
    OK
}

/// Whether this node may take traffic: the database answers, its schema is this version's, and the node is not stopping
#[utoipa::path(get, path = "/readyz", tag = "operation", responses((status = 200, body = Health),
    (status = 503, description = "Not now.", body = Problem, content_type = "application/problem+json")))]
pub async fn readyz(State(state): State<AppState>) -> Result<Json<Health>, Problem> {
    let not_ready = |detail: &str| Problem::unavailable(detail, 1);
    if state.stopping.is_cancelled() {
        return Err(not_ready("The server is stopping."));
    }
    match migrate::status(&state.db, MIGRATIONS).await {
        Ok(steps) if steps.iter().all(|step| step.applied) => Ok(OK),
        Ok(_) => Err(not_ready("The database's schema is not up to date.")),
        Err(error) => {
            tracing::warn!(cause = crate::problem::chain(&error), "not ready");
            Err(not_ready("The database does not answer."))
        }
    }
}

/// The server's metrics in Prometheus text format. May ask for a bearer token of its own
#[utoipa::path(get, path = "/metrics", tag = "operation",
    responses((status = 200, body = String, content_type = "text/plain"),
        (status = 401, description = "Not its token.", body = Problem, content_type = "application/problem+json")))]
pub async fn metrics(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, Problem> {
    if let Some(wanted) = &state.options.metrics_token {
        let given = auth::bearer(&headers)?;
        if !bool::from(given.as_bytes().ct_eq(wanted.as_bytes())) {
            return Err(Problem::unauthorized("The credential is not valid."));
        }
    }
    // Sorts what was recorded since the last time into its buckets.
    state.metrics.run_upkeep();
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    Ok(([(header::CONTENT_TYPE, text)], state.metrics.render()).into_response())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use crate::{app::ServerOptions, testing::World};

    #[tokio::test]
    async fn a_node_is_ready_when_its_database_is() {
        let world = World::new().await;
        assert_eq!(world.get("/healthz", "").await.expect(200)["status"], "ok");
        world.get("/readyz", "").await.expect(200);

        world.state.stopping.cancel();
        assert_eq!(world.get("/readyz", "").await.expect(503)["type"], "/problems/unavailable");
        world.get("/healthz", "").await.expect(200);
    }

    #[tokio::test]
    async fn a_node_is_not_ready_without_its_schema_or_its_database() {
        let world = World::new().await;
        world.state.db.write(|tx| tx.execute("DELETE FROM schema_migration", &[])).await.unwrap();
        let problem = world.get("/readyz", "").await.expect(503);
        assert!(problem["detail"].as_str().unwrap().contains("schema"), "{problem}");

        let world = World::new().await;
        world.state.db.close().await;
        let answer = world.get("/readyz", "").await;
        answer.expect(503);
        assert_eq!(answer.header("retry-after"), "1");
        world.get("/healthz", "").await.expect(200);
    }

    #[tokio::test]
    async fn metrics_may_ask_for_a_token_of_their_own() {
        let open = World::new().await.get("/metrics", "").await;
        assert_eq!(open.status, 200);
        assert!(open.header("content-type").starts_with("text/plain; version=0.0.4"));

        let options = ServerOptions { metrics_token: Some("scrape".to_owned()), ..ServerOptions::default() };
        let world = World::with(options).await;
        world.get("/metrics", "").await.expect(401);
        world.get("/metrics", "scrapf").await.expect(401);
        let admin = world.admin().await;
        world.get("/metrics", &admin).await.expect(401);
        assert_eq!(world.get("/metrics", "scrape").await.status, 200);
    }
}
