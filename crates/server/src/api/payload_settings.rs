//! The settings that each kind of payload knows, as editors offer them. They come with the server and are the same for
//! every tenant.

use std::collections::BTreeMap;

use allclear_domain::{
    level::Platform,
    payload::{self, PayloadType, SettingSpec},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::AppState, extract::Json};

/// The settings of the payloads of both platforms.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PayloadSettings {
    /// On Android, by kind of payload.
    #[schema(value_type = BTreeMap<PayloadType, Vec<SettingSpec>>)]
    android: BTreeMap<PayloadType, &'static [SettingSpec]>,
    /// On iOS, by kind of payload.
    #[schema(value_type = BTreeMap<PayloadType, Vec<SettingSpec>>)]
    ios: BTreeMap<PayloadType, &'static [SettingSpec]>,
    /// The release of iOS whose payloads custom settings are checked by, for example `iOS 18.1`.
    ios_release: &'static str,
    /// Apple's payload types of that release, for custom settings.
    #[schema(value_type = Vec<String>)]
    ios_payload_types: Vec<&'static str>,
}

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list))
}

/// The settings that payloads know
///
/// For each kind of payload that a platform has: what each setting takes, which value is stricter, and what it asks of a
/// device. For restrictions these are the keys within `settings`.
#[utoipa::path(get, path = "/api/v1/payload-settings", tag = "profiles", operation_id = "list_payload_settings",
    responses((status = 200, body = PayloadSettings)))]
async fn list() -> Json<PayloadSettings> {
    let apple = payload::apple::catalogue();
    Json(PayloadSettings {
        android: payload::catalogue(Platform::Android),
        ios: payload::catalogue(Platform::Ios),
        ios_release: &apple.release,
        ios_payload_types: apple.names().collect(),
    })
}
