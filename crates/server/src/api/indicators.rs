//! Indicators of all sets, to look something up.

use allclear_domain::{ids::IndicatorSetId, indicator::IndicatorKind, time::Time};
use allclear_store::{
    indicator_sets,
    indicators::{self as stored, IndicatorFilter, Listed},
};
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    app::AppState,
    auth::Principal,
    check::Check,
    extract::Json,
    page::{List, Page, PageParams},
    problem::Problem,
};

/// An indicator.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Indicator {
    /// What it is compared with.
    kind: IndicatorKind,
    /// The value.
    value: String,
    /// What it gives away.
    name: String,
    /// The kind of threat it stands for.
    classification: String,
    /// What the set itself calls it.
    #[schema(required = true)]
    reference: Option<String>,
    /// It counts from then on; null: it always has.
    #[schema(required = true)]
    valid_from: Option<Time>,
    /// It counts until then; null: for good.
    #[schema(required = true)]
    valid_until: Option<Time>,
    /// Its set.
    set: NamedSet,
}

/// A set, by name.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NamedIndicatorSet)]
pub struct NamedSet {
    /// Its id.
    pub(super) id: IndicatorSetId,
    /// Its name.
    pub(super) name: String,
}

/// What a list of indicators is narrowed to: all that is given has to hold.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct IndicatorParams {
    /// The value begins with this, in lower case but for identifiers of apps.
    #[param(min_length = 1, max_length = 255)]
    q: Option<String>,
    /// What it gives away, exactly.
    #[param(min_length = 1, max_length = 200)]
    name: Option<String>,
    /// What it is compared with.
    kind: Option<IndicatorKind>,
    /// Of this set.
    set_id: Option<IndicatorSetId>,
}

/// What indicators are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The value.
    #[default]
    Value,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// Indicators
///
/// Sorted by `value`. They concern the whole tenant, so a part of it does not suffice as reach.
#[utoipa::path(get, path = "/api/v1/indicators", tag = "indicators", operation_id = "list_indicators",
    params(IndicatorParams, PageParams), responses((status = 200, body = Page<Indicator>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<IndicatorParams, SortBy>,
) -> Result<Json<Page<Indicator>>, Problem> {
    let asked = list.filter.clone();
    let mut check = Check::default();
    for (name, text) in [("q", &asked.q), ("name", &asked.name)] {
        let good = text.as_ref().is_none_or(|text| (1..=255).contains(&text.len()));
        check.that(good, name, "must have 1 to 255 bytes");
    }
    check.finish()?;
    let (after, descending, limit) = (list.after::<stored::Place>()?, list.descending, list.fetch());
    let filter = IndicatorFilter { begins: asked.q, name: asked.name, kind: asked.kind, set: asked.set_id };
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        principal.whole_tenant(rules)?;
        let tenant = principal.tenant;
        let sets = indicator_sets::list(tx, tenant)?;
        let found = stored::list(tx, tenant, &filter, after.as_ref(), descending, limit)?;
        let shown = found.into_iter().map(|Listed { set, indicator }| {
            let known = sets.iter().find(|known| known.id == set);
            let place = (indicator.value.clone(), indicator.kind.as_str().to_owned(), set.0);
            let over = known.and_then(|known| known.classification.clone());
            let shown = Indicator {
                kind: indicator.kind,
                value: indicator.value,
                name: indicator.name,
                classification: over.unwrap_or(indicator.classification),
                reference: indicator.reference,
                valid_from: indicator.valid_from,
                valid_until: indicator.valid_until,
                set: NamedSet { id: set, name: known.map(|known| known.name.clone()).unwrap_or_default() },
            };
            (place, shown)
        });
        Ok(shown.collect::<Vec<_>>())
    });
    let page = list.page(found.await?, |(place, _)| place.clone())?;
    let items = page.items.into_iter().map(|(_, indicator)| indicator).collect();
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}
