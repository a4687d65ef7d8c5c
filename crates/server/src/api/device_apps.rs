//! The apps on a device, and what indicators say of them.

use allclear_domain::{
    app::{App, AppSource},
    ids::{DeviceId, ItemId},
    indicator::{IndicatorKind, Item, Matches},
};
use allclear_engine::devices;
use allclear_store::{indicators, items};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::indicators::NamedSet;
use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Path},
    page::{List, Page, PageParams},
    problem::Problem,
    sorted::{Place, Typed},
};

/// An app on a device.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct DeviceApp {
    /// The package name (Android) or bundle identifier (Apple).
    identifier: String,
    /// What people call it.
    #[schema(required = true)]
    name: Option<String>,
    /// The version people see.
    #[schema(required = true)]
    version: Option<String>,
    /// SHA-256 of the certificate it is signed with.
    #[schema(required = true)]
    certificate_sha256: Option<String>,
    /// SHA-1 of the certificate it is signed with.
    #[schema(required = true)]
    certificate_sha1: Option<String>,
    /// SHA-256 of the package file.
    #[schema(required = true)]
    sha256: Option<String>,
    /// Where it came from.
    source: AppSource,
    /// The indicators that fit it now.
    indicators: Vec<FittingIndicator>,
}

impl DeviceApp {
    fn new(app: App, indicators: Vec<FittingIndicator>) -> Self {
        Self {
            identifier: app.identifier,
            name: app.name,
            version: app.version,
            certificate_sha256: app.certificate_sha256,
            certificate_sha1: app.certificate_sha1,
            sha256: app.sha256,
            source: app.source,
            indicators,
        }
    }
}

/// An indicator that fits an app.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FittingIndicator {
    /// What it is compared with.
    kind: IndicatorKind,
    /// The value.
    value: String,
    /// What it gives away.
    name: String,
    /// The kind of threat it stands for.
    classification: String,
    /// Its set.
    set: NamedSet,
}

/// What a list of apps is narrowed to.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct AppParams {
    /// Each word of this is in its name or identifier, whatever the case.
    #[serde(default)]
    #[param(required = false, value_type = String, min_length = 1, max_length = 100)]
    q: Typed,
    /// Where it came from.
    source: Option<AppSource>,
    /// Whether an indicator fits it.
    fitting: Option<bool>,
}

/// What apps are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The name, or the identifier of one without.
    #[default]
    Name,
    /// The identifier.
    Identifier,
}

impl SortBy {
    fn place(self, id: ItemId, app: &App) -> Place {
        match self {
            SortBy::Name => Place::text(app.name.as_ref().unwrap_or(&app.identifier), id),
            SortBy::Identifier => Place::text(&app.identifier, id),
        }
    }
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The indicators among these that fit an app.
fn fitting(app: &App, matches: &Matches) -> Vec<FittingIndicator> {
    let mut found = Vec::new();
    for key in Item::App(app.clone()).keys() {
        found.extend(matches.get(&key).into_iter().flatten().map(|one| FittingIndicator {
            kind: key.0,
            value: key.1.clone(),
            name: one.name.clone(),
            classification: one.classification.clone(),
            set: NamedSet { id: one.set, name: one.set_name.clone() },
        }));
    }
    found
}

/// The apps on a device
///
/// As its agent or its management reported them last. Sorted by `name` or `identifier`.
#[utoipa::path(get, path = "/api/v1/devices/{id}/apps", tag = "devices", operation_id = "list_device_apps",
    params(AppParams, PageParams, ("id" = DeviceId, Path, description = "The device.")),
    responses((status = 200, body = Page<DeviceApp>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<DeviceId>,
    list: List<AppParams, SortBy>,
) -> Result<Json<Page<DeviceApp>>, Problem> {
    let (asked, cut, sort) = (list.filter.clone(), list.cut()?, list.sort);
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let tenant = principal.tenant;
        devices::read(tx, rules, tenant, principal.reach, id)?;
        let on_it = items::of_device(tx, tenant, id)?.into_iter().filter_map(|(id, item)| match item {
            Item::App(app) => Some((id, app)),
            Item::ConfigurationProfile(_) => None,
        });
        let asked_for = |app: &App| {
            asked.source.is_none_or(|source| app.source == source)
                && asked.q.is_in(&[&app.identifier, app.name.as_deref().unwrap_or_default()])
        };
        let mut apps: Vec<(ItemId, App)> = on_it.filter(|(_, app)| asked_for(app)).collect();
        // All have to be compared only where that decides what is shown.
        if asked.fitting.is_none() {
            apps = cut.of(apps, |(id, app)| sort.place(*id, app)).into_iter().map(|(_, app)| app).collect();
        }
        let keys: Vec<_> = apps.iter().flat_map(|(_, app)| Item::App(app.clone()).keys()).collect();
        let matches = indicators::matching(tx, tenant, &keys)?;
        let fits = |app: &App| asked.fitting.is_none_or(|wanted| fitting(app, &matches).is_empty() != wanted);
        let found = cut.of(apps.into_iter().filter(|(_, app)| fits(app)), |(id, app)| sort.place(*id, app));
        let shown = found.into_iter().map(|(place, (_, app))| {
            let indicators = fitting(&app, &matches);
            (place, DeviceApp::new(app, indicators))
        });
        Ok(shown.collect::<Vec<_>>())
    });
    list.cut_page(found.await?).map(Json)
}
