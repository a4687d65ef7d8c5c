//! Tags: labels on devices.

use allclear_domain::{
    ids::{JobId, TagId},
    tag::{EngineTag, Tag as Stored},
};
use allclear_engine::rules::tags;
use allclear_store::tags as stored;
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::common::Started;
use crate::{
    app::AppState,
    auth::Principal,
    extract::{IfMatch, Json, Path, etag},
    page::{List, Page, PageParams},
    problem::Problem,
    sorted::{Place, Typed},
};

/// A label on devices.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Tag {
    /// Its id.
    id: TagId,
    /// Its name, unique in the tenant.
    name: String,
    /// Which of the engine's tags it is; null for one that people set.
    #[schema(required = true)]
    engine: Option<EngineTag>,
    /// Grows with every change.
    version: i64,
}

impl Tag {
    fn new(tag: Stored, version: i64) -> Self {
        Self { id: tag.id, name: tag.name, engine: tag.engine, version }
    }
}

/// A tag to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTag {
    /// Its name.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
}

/// A change of a tag.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagEdit {
    /// Its new name.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The version this edit is based on, unless `If-Match` says it.
    version: Option<i64>,
}

/// What a list of tags is narrowed to.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct TagParams {
    /// Each word of this is in its name, whatever the case.
    #[serde(default)]
    #[param(required = false, value_type = String, min_length = 1, max_length = 100)]
    q: Typed,
    /// The engine's own, or those that people set.
    engine: Option<bool>,
}

/// What tags are sorted by.
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

/// All tags, the engine's too
///
/// Sorted by `name`.
#[utoipa::path(get, path = "/api/v1/tags", tag = "tags", operation_id = "list_tags", params(TagParams, PageParams),
    responses((status = 200, body = Page<Tag>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<TagParams, SortBy>,
) -> Result<Json<Page<Tag>>, Problem> {
    let tenant = principal.tenant;
    let mut tags = state.engine.read(tenant, move |tx, _| Ok(stored::list(tx, tenant)?)).await?;
    let TagParams { q, engine } = &list.filter;
    tags.retain(|(tag, _)| q.is_in(&[&tag.name]) && engine.is_none_or(|engine| tag.engine.is_some() == engine));
    let found = list.cut()?.of(tags, |(tag, _)| Place::text(&tag.name, tag.id));
    let shown = found.into_iter().map(|(place, (tag, version))| (place, Tag::new(tag, version)));
    list.cut_page(shown.collect()).map(Json)
}

/// One tag
#[utoipa::path(get, path = "/api/v1/tags/{id}", tag = "tags", operation_id = "get_tag",
    params(("id" = TagId, Path, description = "The tag.")), responses((status = 200, body = Tag)))]
async fn get(State(state): State<AppState>, principal: Principal, Path(id): Path<TagId>) -> Result<Response, Problem> {
    let tenant = principal.tenant;
    let found = state.engine.read(tenant, move |tx, _| Ok(stored::get(tx, tenant, id)?)).await?;
    let (tag, version) = found.ok_or_else(|| Problem::not_found("tag"))?;
    Ok((etag(version), Json(Tag::new(tag, version))).into_response())
}

/// Makes a tag
#[utoipa::path(post, path = "/api/v1/tags", tag = "tags", operation_id = "create_tag", request_body = NewTag,
    responses((status = 201, body = Tag)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    Json(new): Json<NewTag>,
) -> Result<Response, Problem> {
    let who = principal.clone();
    let made = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        tags::create(work, &new.name)
    });
    let tag = made.await?;
    let location = [(header::LOCATION, format!("/api/v1/tags/{}", tag.id))];
    Ok((StatusCode::CREATED, location, etag(1), Json(Tag::new(tag, 1))).into_response())
}

/// Renames a tag
///
/// The engine's tags may be renamed, too.
#[utoipa::path(patch, path = "/api/v1/tags/{id}", tag = "tags", operation_id = "edit_tag", request_body = TagEdit,
    params(("id" = TagId, Path, description = "The tag.")), responses((status = 200, body = Tag)))]
async fn edit(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<TagId>,
    if_match: IfMatch,
    Json(edit): Json<TagEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let who = principal.clone();
    let changed = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        tags::rename(work, id, &edit.name, Some(version))
    });
    let (tag, version) = changed.await.map_err(|error| if_match.problem(error))?;
    Ok((etag(version), Json(Tag::new(tag, version))).into_response())
}

/// Deletes a tag and takes it off all devices
///
/// Refused for the engine's tags, and while a smart group or a profile asks for it.
#[utoipa::path(delete, path = "/api/v1/tags/{id}", tag = "tags", operation_id = "delete_tag",
    params(("id" = TagId, Path, description = "The tag.")), responses((status = 202, body = Started)))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<TagId>,
) -> Result<(StatusCode, Json<Started>), Problem> {
    let who = principal.clone();
    let gone = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        who.whole_tenant(work.rules())?;
        tags::delete(work, id)
    });
    let job: JobId = gone.await?;
    Ok((StatusCode::ACCEPTED, Json(Started { job_id: Some(job) })))
}
