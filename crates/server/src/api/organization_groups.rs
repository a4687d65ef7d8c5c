//! Organization groups: the tenant tree. The customers below Global are the server's tenants.

use allclear_domain::{
    ids::{JobId, OrganizationGroupId, Tenant},
    organization_group::{OrganizationGroup as Stored, OrganizationGroupKind},
    rules::Rules,
};
use allclear_engine::{Error, directory::organization_groups, setup};
use allclear_store::{db::Tx, organization_groups as stored};
use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};
use uuid::Uuid;

use crate::{
    app::AppState,
    auth::Principal,
    extract::{IfMatch, Json, Path, etag},
    page::{List, NoFilter, Page, PageParams},
    problem::Problem,
};

/// A node of the tenant tree.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OrganizationGroup {
    /// Its id.
    id: OrganizationGroupId,
    /// Its name, unique among its siblings.
    name: String,
    /// What it stands for.
    kind: OrganizationGroupKind,
    /// The node above; null for Global.
    #[schema(required = true)]
    parent_id: Option<OrganizationGroupId>,
    /// Grows with every change.
    version: i64,
    /// The re-evaluation this change started; its progress is at `/api/v1/jobs/{id}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    job_id: Option<JobId>,
}

impl OrganizationGroup {
    fn new(group: Stored, version: i64) -> Self {
        Self { id: group.id, name: group.name, kind: group.kind, parent_id: group.parent, version, job_id: None }
    }
}

/// An organization group to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewOrganizationGroup {
    /// Its name, unique among its siblings.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// The node above; left out: the whole of what is within reach. Global, for a credential with Global reach: a new
    /// customer, that is, a tenant.
    parent_id: Option<OrganizationGroupId>,
}

/// A change of an organization group. What is left out stays.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganizationGroupEdit {
    /// Its name, unique among its siblings.
    #[schema(min_length = 1, max_length = 100)]
    name: Option<String>,
    /// The node above from now on. A customer stays below Global.
    parent_id: Option<OrganizationGroupId>,
    /// The version this edit is based on, unless `If-Match` says it.
    version: Option<i64>,
}

/// What organization groups are sorted by.
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

/// The nodes within reach: of the tenant acted for, and for the server itself Global and its customers.
fn reached(tx: &mut Tx<'_>, rules: &Rules, principal: &Principal) -> Result<Vec<(Stored, i64)>, Error> {
    let mut groups = stored::list(tx, principal.tenant)?;
    groups.retain(|(group, _)| principal.reaches(&rules.organization_groups, group.id));
    if principal.tenant == Tenant::SERVER {
        for (tenant, group) in stored::customers(tx)? {
            groups.extend(stored::get(tx, tenant, group.id)?);
        }
    }
    groups.sort_by(|(a, _), (b, _)| (&a.name, a.id).cmp(&(&b.name, b.id)));
    Ok(groups)
}

/// The organization groups within reach
///
/// Sorted by `name`. Acting for Global: Global itself and all customers.
#[utoipa::path(get, path = "/api/v1/organization-groups", tag = "organization-groups",
    operation_id = "list_organization_groups", params(PageParams),
    responses((status = 200, body = Page<OrganizationGroup>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<NoFilter, SortBy>,
) -> Result<Json<Page<OrganizationGroup>>, Problem> {
    let after = list.after::<(String, Uuid)>()?;
    let descending = list.descending;
    let found = state.engine.read(principal.tenant, move |tx, rules| reached(tx, rules, &principal));
    let mut groups = found.await?;
    if descending {
        groups.reverse();
    }
    if let Some(after) = after {
        groups.retain(|(group, _)| {
            let order = (&group.name, group.id.0).cmp(&(&after.0, after.1));
            if descending { order.is_lt() } else { order.is_gt() }
        });
    }
    let groups = groups.into_iter().map(|(group, version)| OrganizationGroup::new(group, version)).collect();
    list.page(groups, |group: &OrganizationGroup| (group.name.clone(), group.id.0)).map(Json)
}

/// One organization group
#[utoipa::path(get, path = "/api/v1/organization-groups/{id}", tag = "organization-groups",
    operation_id = "get_organization_group",
    params(("id" = OrganizationGroupId, Path, description = "The organization group.")),
    responses((status = 200, body = OrganizationGroup)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<OrganizationGroupId>,
) -> Result<Response, Problem> {
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let found = reached(tx, rules, &principal)?.into_iter().find(|(group, _)| group.id == id);
        found.ok_or(Error::NotFound("organization group"))
    });
    let (group, version) = found.await?;
    Ok(answer(StatusCode::OK, OrganizationGroup::new(group, version)))
}

fn answer(status: StatusCode, group: OrganizationGroup) -> Response {
    (status, etag(group.version), Json(group)).into_response()
}

/// Makes an organization group
#[utoipa::path(post, path = "/api/v1/organization-groups", tag = "organization-groups",
    operation_id = "create_organization_group", request_body = NewOrganizationGroup,
    responses((status = 201, body = OrganizationGroup)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    Json(new): Json<NewOrganizationGroup>,
) -> Result<Response, Problem> {
    let parent = new.parent_id.or_else(|| (principal.tenant == Tenant::SERVER).then_some(OrganizationGroupId::GLOBAL));
    let group = if parent == Some(OrganizationGroupId::GLOBAL) {
        if !principal.server {
            let detail = "is Global: only a credential with Global reach makes customers";
            return Err(Problem::invalid_field("/parent_id", detail));
        }
        setup::create_customer(&state.engine, principal.actor(), new.name).await?.1
    } else {
        let who = principal.clone();
        let made = state.engine.edit(principal.tenant, principal.actor(), move |work| {
            let parent = parent.map_or_else(|| who.home(work.rules(), None), Ok)?;
            organization_groups::create(work, who.reach, parent, &new.name)
        });
        made.await?
    };
    let location = [(header::LOCATION, format!("/api/v1/organization-groups/{}", group.id))];
    Ok((location, answer(StatusCode::CREATED, OrganizationGroup::new(group, 1))).into_response())
}

/// Renames or moves an organization group
///
/// After a move all devices of the tenant are re-evaluated; the answer names the job.
#[utoipa::path(patch, path = "/api/v1/organization-groups/{id}", tag = "organization-groups",
    operation_id = "edit_organization_group", request_body = OrganizationGroupEdit,
    params(("id" = OrganizationGroupId, Path, description = "The organization group.")),
    responses((status = 200, body = OrganizationGroup)))]
async fn edit(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<OrganizationGroupId>,
    if_match: IfMatch,
    Json(edit): Json<OrganizationGroupEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version)?;
    let reach = principal.reach;
    let change = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        organization_groups::edit(work, reach, id, version, edit.name.as_deref(), edit.parent_id)
    });
    let (group, version, job_id) = change.await.map_err(|error| if_match.problem(error))?;
    Ok(answer(StatusCode::OK, OrganizationGroup { job_id, ..OrganizationGroup::new(group, version) }))
}

/// Deletes an organization group that holds nothing and that nothing names
#[utoipa::path(delete, path = "/api/v1/organization-groups/{id}", tag = "organization-groups",
    operation_id = "delete_organization_group",
    params(("id" = OrganizationGroupId, Path, description = "The organization group.")),
    responses((status = 204), (status = 409, description = "It holds something, or something names it.",
        body = Problem, content_type = "application/problem+json")))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<OrganizationGroupId>,
) -> Result<StatusCode, Problem> {
    let reach = principal.reach;
    let gone = state
        .engine
        .edit(principal.tenant, principal.actor(), move |work| organization_groups::delete(work, reach, id));
    gone.await?;
    Ok(StatusCode::NO_CONTENT)
}
