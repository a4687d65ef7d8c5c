//! The REST resources, one file each.

pub mod account;
pub mod admins;
pub mod android_enrollment;
pub mod android_enterprise;
pub mod android_policy;
pub mod api_tokens;
pub mod apple_mdm;
pub(crate) mod batch;
pub mod channels;
pub mod classifications;
pub(crate) mod common;
pub mod dashboard;
pub mod detections;
pub mod device_apps;
pub mod device_certificates;
pub mod device_commands;
pub mod devices;
#[cfg(test)]
mod directory_tests;
pub mod effective_settings;
pub mod enrollment_tokens;
pub mod explain;
pub mod indicator_sets;
pub mod indicators;
pub mod integrations;
pub mod jobs;
pub mod journal;
pub mod links;
pub mod live;
pub mod logo;
pub mod messages_link;
pub mod mobileconfig;
pub mod notification_templates;
pub mod notifications;
pub mod notify;
pub mod organization_groups;
pub mod payload_settings;
pub mod profiles;
pub mod quickstart;
pub mod roles;
pub mod search;
pub mod session;
pub mod sessions;
pub mod settings;
pub mod sign_in_steps;
pub mod smart_groups;
pub mod source_events;
pub mod tags;
#[cfg(test)]
mod tests;
pub mod threats;
pub mod trend;
pub mod user_groups;
pub mod user_incidents;
pub mod users;

use utoipa_axum::router::OpenApiRouter;

use crate::app::AppState;

/// All of them.
pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(session::router())
        .merge(sign_in_steps::router())
        .merge(account::router())
        .merge(sessions::router())
        .merge(links::router())
        .merge(admins::router())
        .merge(roles::router())
        .merge(tags::router())
        .merge(smart_groups::router())
        .merge(settings::router())
        .merge(logo::router())
        .merge(quickstart::router())
        .merge(profiles::router())
        .merge(mobileconfig::router())
        .merge(android_policy::router())
        .merge(payload_settings::router())
        .merge(jobs::router())
        .merge(channels::router())
        .merge(apple_mdm::router())
        .merge(android_enterprise::router())
        .merge(android_enrollment::router())
        .merge(device_certificates::router())
        .merge(classifications::router())
        .merge(dashboard::router())
        .merge(detections::router())
        .merge(explain::router())
        .merge(effective_settings::router())
        .merge(indicator_sets::router())
        .merge(indicators::router())
        .merge(integrations::router())
        .merge(journal::router())
        .merge(live::router())
        .merge(messages_link::router())
        .merge(notifications::router())
        .merge(notify::router())
        .merge(notification_templates::router())
        .merge(search::router())
        .merge(trend::router())
        .merge(user_incidents::router())
        .merge(source_events::router())
        .merge(threats::router())
        .merge(device_apps::router())
        .merge(devices::router())
        .merge(device_commands::router())
        .merge(enrollment_tokens::router())
        .merge(organization_groups::router())
        .merge(user_groups::router())
        .merge(users::router())
        .merge(api_tokens::router())
}
