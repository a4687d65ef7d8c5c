//! Devices: what is known, derived and wanted about each, and what people change about them.

mod shown;

use allclear_domain::{
    compliance::Compliance,
    detection::ProtectionStatus,
    device::{EnrollmentCategory, EnrollmentStatus, ManagementType, Ownership},
    ids::{DeviceId, OrganizationGroupId, ProfileId, SmartGroupId, TagId, UserId},
    journal::Entry,
    level::{Platform, RiskLevel},
    profile::ProfileStatus,
    rules::Rules,
};
use allclear_engine::{
    Error,
    devices::{self, DeviceEdit as Edit},
    work::Work,
};
use allclear_store::{
    device_list::{self, DeviceFilter, DeviceSort, TagFilter},
    devices as stored, journal,
    listing::Key,
};
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(crate) use shown::{DesiredAction, NamedUser, user_names};
pub use shown::{Device, DeviceSummary};

use super::common::{distinct, given};
use crate::{
    app::AppState,
    auth::Principal,
    check::Check,
    extract::{IfMatch, Json, Path, etag},
    page::{List, NoFilter, Page, PageParams},
    problem::Problem,
};

/// A change of a device. What is left out stays; null clears.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceEdit {
    /// What people call it.
    #[schema(min_length = 1, max_length = 100)]
    friendly_name: Option<String>,
    /// Where it lives from now on. Never Global.
    organization_group_id: Option<OrganizationGroupId>,
    /// Its user.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<UserId>)]
    user_id: Option<Option<UserId>>,
    /// Whose it is.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Ownership>)]
    ownership: Option<Option<Ownership>>,
    /// How much of it is managed.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<ManagementType>)]
    management: Option<Option<ManagementType>>,
    /// The way it came to us.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<EnrollmentCategory>)]
    enrollment_category: Option<Option<EnrollmentCategory>>,
    /// The id another management system knows it by. Messages that waited for this name are taken in.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 200)]
    external_id: Option<Option<String>>,
    /// The cellular identity.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 200)]
    imei: Option<Option<String>>,
    /// The version this edit is based on, unless `If-Match` says it. May be left out: every detection raises it, too.
    version: Option<i64>,
}

/// An ordinary tag for a device.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TagToSet {
    /// The tag; not one of the engine's.
    tag_id: TagId,
}

/// An optional profile for a device.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProfileToRequest {
    /// The profile; its assignment type is optional.
    profile_id: ProfileId,
}

/// What a list of devices is narrowed to. Several values of one member: any of them.
#[derive(Clone, Debug, Default, Deserialize, IntoParams, ToSchema)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
#[schema(as = DeviceFilter)]
pub struct DeviceParams {
    /// At or below this organization group.
    organization_group_id: Option<OrganizationGroupId>,
    /// Of this user.
    user_id: Option<UserId>,
    /// The platform.
    platform: Option<Platform>,
    /// Whose it is.
    ownership: Option<Ownership>,
    /// Where it stands in its life with us.
    #[serde(default)]
    #[param(required = false)]
    enrollment_status: Vec<EnrollmentStatus>,
    /// The risk level.
    #[serde(default)]
    #[param(required = false)]
    risk_level: Vec<RiskLevel>,
    /// With a score above 0.
    risky: Option<bool>,
    /// The compliance.
    compliance: Option<Compliance>,
    /// The protection status.
    #[serde(default)]
    #[param(required = false)]
    protection_status: Vec<ProtectionStatus>,
    /// With this tag, the engine's too.
    tag_id: Option<TagId>,
    /// In this smart group.
    smart_group_id: Option<SmartGroupId>,
    /// Concerned by this profile.
    profile_id: Option<ProfileId>,
    /// Standing so with the profile; only with `profile_id`.
    #[serde(default)]
    #[param(required = false)]
    profile_status: Vec<ProfileStatus>,
    /// The maker, exactly.
    #[param(max_length = 200)]
    manufacturer: Option<String>,
    /// The model, exactly.
    #[param(max_length = 200)]
    model: Option<String>,
    /// The version of the operating system, exactly.
    #[param(max_length = 200)]
    os_version: Option<String>,
    /// Its name or serial number begins with this, as typed or in another usual spelling.
    #[param(min_length = 1, max_length = 100)]
    q: Option<String>,
}

impl DeviceParams {
    /// Refuses what no device can have, naming it below a pointer; empty in a query.
    pub(crate) fn check(&self, place: &str) -> Result<(), Problem> {
        let mut check = Check::default();
        for (name, text) in [
            ("manufacturer", &self.manufacturer),
            ("model", &self.model),
            ("os_version", &self.os_version),
            ("q", &self.q),
        ] {
            let good = text.as_ref().is_none_or(|text| (1..=200).contains(&text.len()));
            check.that(good, &format!("{place}{name}"), "must have 1 to 200 bytes");
        }
        let alone = self.profile_id.is_none() && !self.profile_status.is_empty();
        check.that(!alone, &format!("{place}profile_status"), "needs profile_id");
        check.finish()
    }

    /// What it means for somebody's reach.
    pub(crate) fn filter(self, principal: &Principal, rules: &Rules) -> DeviceFilter {
        let tag = |id| match rules.tag(id).and_then(|tag| tag.engine) {
            Some(tag) => TagFilter::Engine(tag),
            None => TagFilter::Ordinary(id),
        };
        DeviceFilter {
            organization_groups: principal.narrowed(rules, self.organization_group_id),
            user: self.user_id,
            platform: self.platform,
            ownership: self.ownership,
            enrollment: distinct(self.enrollment_status),
            risk: distinct(self.risk_level),
            risky: self.risky.unwrap_or(false),
            compliance: self.compliance,
            protection: distinct(self.protection_status),
            tag: self.tag_id.map(tag),
            smart_group: self.smart_group_id,
            profile: self.profile_id,
            profile_status: distinct(self.profile_status),
            manufacturer: self.manufacturer,
            model: self.model,
            os_version: self.os_version,
            search: self.q,
        }
    }
}

/// What a timeline is sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimelineBy {
    /// The newest first.
    #[default]
    Newest,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, edit, delete))
        .routes(routes!(timeline))
        .routes(routes!(unenroll))
        .routes(routes!(add_tag))
        .routes(routes!(remove_tag))
        .routes(routes!(request_profile))
        .routes(routes!(withdraw_profile))
}

/// Devices
///
/// Sorted by `created_at`, `friendly_name`, `risk_level` or `score`. All filters given have to hold.
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", operation_id = "list_devices",
    params(DeviceParams, PageParams), responses((status = 200, body = Page<DeviceSummary>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<DeviceParams, DeviceSort>,
) -> Result<Json<Page<DeviceSummary>>, Problem> {
    list.filter.check("")?;
    let (asked, after, limit) = (list.filter.clone(), list.after_one(|key: &Key| list.sort.fits(key))?, list.fetch());
    let (sort, descending, tenant) = (list.sort, list.descending, principal.tenant);
    let found = state.engine.read(tenant, move |tx, rules| {
        let filter = asked.clone().filter(&principal, rules);
        let ids = device_list::list(tx, tenant, &filter, sort, descending, after.as_ref(), limit)?;
        let records = stored::get_many(tx, tenant, &ids)?;
        let keys = records.iter().map(|record| sort.key(record));
        Ok(keys.zip(DeviceSummary::all(tx, rules, tenant, &records)?).collect())
    });
    let found: Vec<(Key, DeviceSummary)> = found.await?;
    let page = list.page(found, |(key, _)| key.clone())?;
    let items = page.items.into_iter().map(|(_, device)| device).collect();
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

async fn one(state: &AppState, principal: &Principal, id: DeviceId) -> Result<Response, Problem> {
    let who = principal.clone();
    let device = state.engine.read(principal.tenant, move |tx, rules| {
        let record = devices::read(tx, rules, who.tenant, who.reach, id)?;
        Device::new(tx, rules, who.tenant, &record)
    });
    let device = device.await?;
    Ok((etag(device.version()), Json(device)).into_response())
}

/// Changes a device in one transaction.
async fn change(
    state: &AppState,
    principal: &Principal,
    change: impl Fn(&mut Work<'_, '_>) -> Result<(), Error> + Send + 'static,
) -> Result<(), Error> {
    state.engine.edit(principal.tenant, principal.actor(), change).await
}

/// One device, with everything derived about it
#[utoipa::path(get, path = "/api/v1/devices/{id}", tag = "devices", operation_id = "get_device",
    params(("id" = DeviceId, Path, description = "The device.")), responses((status = 200, body = Device)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
) -> Result<Response, Problem> {
    one(&state, &principal, id).await
}

/// Changes a device
///
/// Posture, smart groups and profiles follow in the same commit.
#[utoipa::path(patch, path = "/api/v1/devices/{id}", tag = "devices", operation_id = "edit_device",
    request_body = DeviceEdit, params(("id" = DeviceId, Path, description = "The device.")),
    responses((status = 200, body = Device)))]
async fn edit(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
    if_match: IfMatch,
    Json(edit): Json<DeviceEdit>,
) -> Result<Response, Problem> {
    let version = if_match.seen(edit.version).ok();
    let reach = principal.reach;
    let edit = Edit {
        friendly_name: edit.friendly_name,
        organization_group: edit.organization_group_id,
        user: edit.user_id,
        ownership: edit.ownership,
        management: edit.management,
        enrollment_category: edit.enrollment_category,
        external_id: edit.external_id,
        imei: edit.imei,
    };
    let changed = change(&state, &principal, move |work| devices::edit(work, reach, id, version, &edit));
    changed.await.map_err(|error| if_match.problem(error))?;
    one(&state, &principal, id).await
}

/// Deletes a device and everything kept about it but its journal
#[utoipa::path(delete, path = "/api/v1/devices/{id}", tag = "devices", operation_id = "delete_device",
    params(("id" = DeviceId, Path, description = "The device.")), responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
) -> Result<StatusCode, Problem> {
    let reach = principal.reach;
    change(&state, &principal, move |work| devices::delete(work, reach, id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What happened to a device, newest first
#[utoipa::path(get, path = "/api/v1/devices/{id}/timeline", tag = "devices", operation_id = "get_device_timeline",
    params(PageParams, ("id" = DeviceId, Path, description = "The device.")),
    responses((status = 200, body = Page<Entry>)))]
async fn timeline(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
    list: List<NoFilter, TimelineBy>,
) -> Result<Json<Page<Entry>>, Problem> {
    if list.descending {
        return Err(Problem::invalid_field("sort", "must be newest"));
    }
    let (after, limit, tenant) = (list.after::<i64>()?, list.fetch() as usize, principal.tenant);
    let found = state.engine.read(tenant, move |tx, rules| {
        let record = devices::read(tx, rules, tenant, principal.reach, id)?;
        // An entry names the one before it, so the last one shown is read again to go on from it.
        let (start, skip) = after.map_or((record.last_entry, 0), |after| (after, 1));
        let (mut entries, _) = journal::of_device(tx, tenant, id, start, limit + skip)?;
        entries.drain(..skip.min(entries.len()));
        Ok(entries)
    });
    list.page(found.await?, |entry| entry.position).map(Json)
}

/// Ends the management of a device
///
/// Managed profiles are to be taken off it; its agent learns of that with the next commands. From a device that is managed
/// by its platform the management itself is taken off last. Commands that wait for the device are taken back.
#[utoipa::path(post, path = "/api/v1/devices/{id}/unenroll", tag = "devices", operation_id = "unenroll_device",
    params(("id" = DeviceId, Path, description = "The device.")), responses((status = 200, body = Device)))]
async fn unenroll(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
) -> Result<Response, Problem> {
    let reach = principal.reach;
    change(&state, &principal, move |work| devices::unenroll(work, reach, id)).await?;
    one(&state, &principal, id).await
}

/// Sets an ordinary tag on a device
#[utoipa::path(post, path = "/api/v1/devices/{id}/tags", tag = "devices", operation_id = "tag_device",
    request_body = TagToSet, params(("id" = DeviceId, Path, description = "The device.")),
    responses((status = 200, body = Device)))]
async fn add_tag(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
    Json(TagToSet { tag_id }): Json<TagToSet>,
) -> Result<Response, Problem> {
    let reach = principal.reach;
    change(&state, &principal, move |work| devices::add_tag(work, reach, id, tag_id)).await?;
    one(&state, &principal, id).await
}

/// Takes an ordinary tag off a device
#[utoipa::path(delete, path = "/api/v1/devices/{id}/tags/{tag_id}", tag = "devices", operation_id = "untag_device",
    params(("id" = DeviceId, Path, description = "The device."), ("tag_id" = TagId, Path, description = "The tag.")),
    responses((status = 204), (status = 409, description = "The engine sets it.", body = Problem,
        content_type = "application/problem+json")))]
async fn remove_tag(
    State(state): State<AppState>,
    principal: Principal,
    Path((id, tag)): Path<(DeviceId, TagId)>,
) -> Result<StatusCode, Problem> {
    let reach = principal.reach;
    change(&state, &principal, move |work| devices::remove_tag(work, reach, id, tag)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Asks for an optional profile on a device
#[utoipa::path(post, path = "/api/v1/devices/{id}/requested-profiles", tag = "devices",
    operation_id = "request_profile", request_body = ProfileToRequest,
    params(("id" = DeviceId, Path, description = "The device.")), responses((status = 200, body = Device)))]
async fn request_profile(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
    Json(ProfileToRequest { profile_id }): Json<ProfileToRequest>,
) -> Result<Response, Problem> {
    let reach = principal.reach;
    change(&state, &principal, move |work| devices::request_profile(work, reach, id, profile_id)).await?;
    one(&state, &principal, id).await
}

/// Takes the request for an optional profile back
#[utoipa::path(delete, path = "/api/v1/devices/{id}/requested-profiles/{profile_id}", tag = "devices",
    operation_id = "withdraw_profile", params(("id" = DeviceId, Path, description = "The device."),
    ("profile_id" = ProfileId, Path, description = "The profile.")), responses((status = 204)))]
async fn withdraw_profile(
    State(state): State<AppState>,
    principal: Principal,
    Path((id, profile)): Path<(DeviceId, ProfileId)>,
) -> Result<StatusCode, Problem> {
    let reach = principal.reach;
    change(&state, &principal, move |work| devices::withdraw_profile(work, reach, id, profile)).await?;
    Ok(StatusCode::NO_CONTENT)
}
