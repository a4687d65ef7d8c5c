//! Enrollment tokens: each lets one device of a user enroll, once. A token's text is shown once, when it is made.

use allclear_domain::{
    ids::{DeviceId, TokenId, UserId},
    level::Platform,
    time::Time,
};
use allclear_engine::{Error, apple_mdm_settings, directory::enrollment};
use allclear_store::{enrollment_tokens as stored, tokens::EnrollmentToken as Stored};
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::common::base_url;
use crate::{
    app::AppState,
    apple::profile_url,
    auth::{Credential, Kind, Principal},
    extract::{Json, Path},
    idempotency::ShownOnce,
    page::{List, NoFilter, Page, PageParams},
    problem::Problem,
};

/// How long a token is good for unless its maker says otherwise, in hours.
const DEFAULT_HOURS: u32 = 72;

/// A one-time credential with which a device of a user is enrolled.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct EnrollmentToken {
    /// Its id; not the credential.
    id: TokenId,
    /// Whose device it enrolls.
    user_id: UserId,
    /// The only platform it is good for; any if null.
    #[schema(required = true)]
    platform: Option<Platform>,
    /// When it was made.
    created_at: Time,
    /// From when on it is worth nothing.
    expires_at: Time,
    /// When it was used; null while it was not.
    #[schema(required = true)]
    used_at: Option<Time>,
    /// The device it enrolled.
    #[schema(required = true)]
    device_id: Option<DeviceId>,
}

impl From<Stored> for EnrollmentToken {
    fn from(token: Stored) -> Self {
        Self {
            id: token.id,
            user_id: token.user,
            platform: token.platform,
            created_at: token.created_at,
            expires_at: token.expires_at,
            used_at: token.used_at,
            device_id: token.device,
        }
    }
}

/// A token that was just made.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct CreatedEnrollmentToken {
    /// The credential itself. It is shown here and never again.
    #[schema(example = "ace_1_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    token: String,
    /// The address to open on the device; the token is in it, after the `#`.
    #[schema(format = "uri")]
    url: String,
    /// The address from which an iPhone or iPad gets the profile that puts it under management; null for other platforms
    /// and while the management of Apple devices is not set up.
    #[schema(required = true, format = "uri")]
    enrollment_profile_url: Option<String>,
    /// What is known about it.
    #[serde(flatten)]
    about: EnrollmentToken,
}

/// A token to be made.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEnrollmentToken {
    /// Whose device it enrolls.
    user_id: UserId,
    /// The only platform it is good for; left out: any.
    platform: Option<Platform>,
    /// How long it is good for, in hours.
    #[schema(minimum = 1, maximum = 720, default = 72)]
    expires_in_hours: Option<u32>,
}

/// What tokens are sorted by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// The time they were made, newest first.
    #[default]
    Newest,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list, create)).routes(routes!(get, delete))
}

/// Enrollment tokens, newest first
///
/// Used and expired ones, too; never the credentials themselves.
#[utoipa::path(get, path = "/api/v1/enrollment-tokens", tag = "enrollment-tokens",
    operation_id = "list_enrollment_tokens", params(PageParams),
    responses((status = 200, body = Page<EnrollmentToken>)))]
async fn list(
    State(state): State<AppState>,
    principal: Principal,
    list: List<NoFilter, SortBy>,
) -> Result<Json<Page<EnrollmentToken>>, Problem> {
    if list.descending {
        return Err(Problem::invalid_field("sort", "must be newest"));
    }
    let (before, limit) = (list.after::<TokenId>()?, list.fetch());
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let within = principal.within(rules);
        Ok(stored::list(tx, principal.tenant, within.as_deref(), before, limit)?)
    });
    list.page(found.await?.into_iter().map(EnrollmentToken::from).collect(), |token| token.id).map(Json)
}

/// One enrollment token
#[utoipa::path(get, path = "/api/v1/enrollment-tokens/{id}", tag = "enrollment-tokens",
    operation_id = "get_enrollment_token", params(("id" = TokenId, Path, description = "The token's id.")),
    responses((status = 200, body = EnrollmentToken)))]
async fn get(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<TokenId>,
) -> Result<Json<EnrollmentToken>, Problem> {
    let found = state.engine.read(principal.tenant, move |tx, rules| {
        let found = stored::get(tx, principal.tenant, id)?;
        let found = found.filter(|(_, group)| principal.reaches(&rules.organization_groups, *group));
        found.map(|(token, _)| token).ok_or(Error::NotFound("enrollment token"))
    });
    Ok(Json(found.await?.into()))
}

/// Makes an enrollment token
///
/// The answer holds the credential, which is shown only here.
#[utoipa::path(post, path = "/api/v1/enrollment-tokens", tag = "enrollment-tokens",
    operation_id = "create_enrollment_token", request_body = NewEnrollmentToken,
    responses((status = 201, body = CreatedEnrollmentToken)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    headers: HeaderMap,
    Json(new): Json<NewEnrollmentToken>,
) -> Result<Response, Problem> {
    let (secret, credential) = Credential::new(Kind::Enrollment, principal.tenant, state.source.secret());
    let (reach, hours) = (principal.reach, new.expires_in_hours.unwrap_or(DEFAULT_HOURS));
    let made = state.engine.edit(principal.tenant, principal.actor(), move |work| {
        let made = enrollment::create_token(work, reach, &credential.hash, new.user_id, new.platform, hours)?;
        Ok((made, apple_mdm_settings::settings(work.tx, work.tenant)?))
    });
    let (made, apple) = made.await?;
    let about: EnrollmentToken = made.into();
    let token = secret.reveal();
    let enrollment_profile_url = profile_url(&state, &apple, about.platform, &token);
    let url = format!("{}/enroll#{token}", base_url(&state, &headers));
    let location = [(header::LOCATION, format!("/api/v1/enrollment-tokens/{}", about.id))];
    let created = CreatedEnrollmentToken { token, url, enrollment_profile_url, about };
    let mut response = (StatusCode::CREATED, location, Json(created)).into_response();
    response.extensions_mut().insert(ShownOnce);
    Ok(response)
}

/// Deletes an enrollment token
///
/// It is worth nothing from then on. A device enrolled with it stays.
#[utoipa::path(delete, path = "/api/v1/enrollment-tokens/{id}", tag = "enrollment-tokens",
    operation_id = "delete_enrollment_token", params(("id" = TokenId, Path, description = "The token's id.")),
    responses((status = 204)))]
async fn delete(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<TokenId>,
) -> Result<StatusCode, Problem> {
    let reach = principal.reach;
    let gone =
        state.engine.edit(principal.tenant, principal.actor(), move |work| enrollment::delete_token(work, reach, id));
    gone.await?;
    Ok(StatusCode::NO_CONTENT)
}
