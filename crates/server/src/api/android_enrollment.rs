//! What an Android phone is shown to put itself under Google's management with an enrollment token.

use allclear_channels::android;
use allclear_domain::{device::ManagementType, ids::TokenId, level::Platform, time::Time};
use allclear_engine::{Error, directory::enrollment};
use allclear_store::enrollment_tokens as stored;
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use super::android_enterprise::{failure, open};
use crate::{
    app::AppState,
    auth::Principal,
    extract::{Json, Path},
    idempotency::ShownOnce,
    problem::Problem,
};

/// Where an enrollment token is opened on a phone.
const LINK: &str = "https://enterprise.google.com/android/enroll?et=";

/// How much of a device is managed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AndroidManagement {
    /// A work profile: on the person's own device, or beside the person's use of the organisation's.
    #[default]
    WorkProfile,
    /// The whole of the organisation's device.
    FullyManaged,
    /// The whole of the organisation's device, which is nobody's in particular.
    Dedicated,
}

impl From<AndroidManagement> for ManagementType {
    fn from(management: AndroidManagement) -> Self {
        match management {
            AndroidManagement::WorkProfile => ManagementType::WorkProfile,
            AndroidManagement::FullyManaged => ManagementType::FullyManaged,
            AndroidManagement::Dedicated => ManagementType::Dedicated,
        }
    }
}

/// How a device is to be enrolled.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAndroidEnrollment {
    /// How much of it is managed; a work profile unless given.
    #[serde(default)]
    management: AndroidManagement,
}

/// What an Android phone is shown.
#[derive(Clone, Serialize, ToSchema)]
pub struct AndroidEnrollment {
    /// How much of it is managed.
    management: AndroidManagement,
    /// What a QR code is made of, for a phone that is new or was reset: tap its first screen six times. Shown here and
    /// never again.
    qr_code: String,
    /// What is typed where the phone asks for a code. Shown here and never again.
    token: String,
    /// A link to open on a phone in use, for a work profile; null for others. Shown here and never again.
    #[schema(required = true, format = "uri")]
    url: Option<String>,
    /// From when on it is worth nothing.
    expires_at: Time,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create))
}

/// Makes what an Android phone is shown to enroll
///
/// The phone is enrolled for the enrollment token's user and uses the token up. 409 while the management of Android devices
/// is not set up, or where the token is for another platform, was used or has expired.
#[utoipa::path(post, path = "/api/v1/enrollment-tokens/{id}/android", tag = "android",
    operation_id = "create_android_enrollment", request_body = NewAndroidEnrollment,
    params(("id" = TokenId, Path, description = "The enrollment token's id.")),
    responses((status = 201, body = AndroidEnrollment)))]
async fn create(
    State(state): State<AppState>,
    principal: Principal,
    Path(id): Path<TokenId>,
    Json(new): Json<NewAndroidEnrollment>,
) -> Result<Response, Problem> {
    let (tenant, who, now) = (principal.tenant, principal.clone(), state.source.now());
    let found = state.engine.read(tenant, move |tx, rules| {
        let found = stored::get(tx, tenant, id)?;
        let found = found.filter(|(_, group)| who.reaches(&rules.organization_groups, *group));
        found.map(|(token, _)| token).ok_or(Error::NotFound("enrollment token"))
    });
    let token = found.await?;
    let unfit = if token.used_at.is_some() {
        Some("The enrollment token was used already.")
    } else if token.expires_at <= now {
        Some("The enrollment token has expired.")
    } else if token.platform.is_some_and(|platform| platform != Platform::Android) {
        Some("The enrollment token is for another platform.")
    } else {
        None
    };
    if let Some(why) = unfit {
        return Err(Problem::conflict(why));
    }
    let client = open(&state, tenant).await?;
    if client.settings().enterprise.is_none() {
        return Err(Problem::conflict("The management of Android devices has no enterprise yet: sign up."));
    }
    let made = android::make_token(&state.engine, tenant, &client, id, token.expires_at, new.management.into());
    let made = made.await.map_err(failure)?;
    let noted = state
        .engine
        .edit(tenant, principal.actor(), move |work| enrollment::note(work, id, json!({ "android": new.management })));
    noted.await?;
    let url = (new.management == AndroidManagement::WorkProfile).then(|| format!("{LINK}{}", made.value));
    let answer = AndroidEnrollment {
        management: new.management,
        qr_code: made.qr_code,
        token: made.value,
        url,
        expires_at: token.expires_at,
    };
    let mut response = (StatusCode::CREATED, Json(answer)).into_response();
    response.extensions_mut().insert(ShownOnce);
    Ok(response)
}
