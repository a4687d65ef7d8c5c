//! What is kept: SQLite (the embedded default) and PostgreSQL behind one Store.
//!
//! All SQL of the product is in this crate, written once for both databases. Every function takes an open transaction
//! and the tenant whose rows it may touch. This crate must not know why something is stored, nor what time it is.

pub mod account_status;
pub mod admins;
pub mod android_devices;
pub mod android_enterprise;
pub mod apple_enrollments;
pub mod apple_mdm_settings;
pub mod channel_settings;
pub mod classification_texts;
pub mod dashboard;
pub mod db;
pub mod device_certificates;
pub mod device_commands;
pub mod device_list;
pub mod devices;
pub mod digest;
pub mod enforcement;
pub mod enrollment_tokens;
mod error;
pub mod idempotency;
pub mod indicator_sets;
pub mod indicators;
pub mod integrations;
pub mod items;
pub mod jobs;
pub mod journal;
pub mod json;
pub mod listing;
pub mod logos;
pub mod messages_app;
pub mod notifications;
pub mod organization_groups;
pub mod outbox;
pub mod preview;
pub mod profiles;
pub mod protections;
pub mod push;
pub mod push_tokens;
pub mod roles;
pub mod rules;
pub mod second_factors;
pub mod sessions;
pub mod sign_in_links;
pub mod smart_groups;
pub mod sources;
pub mod tags;
pub mod templates;
pub mod tenants;
#[cfg(feature = "testing")]
pub mod testing;
pub mod threat_list;
pub mod threats;
pub mod tokens;
pub mod trend;
pub mod user_groups;
pub mod users;

pub use error::Error;

/// The migrations, in order.
pub const MIGRATIONS: &[db::migrate::Migration] = &[
    db::migrate::Migration { number: 1, name: "init", sql: include_str!("../migrations/0001_init.sql") },
    db::migrate::Migration { number: 2, name: "lists", sql: include_str!("../migrations/0002_lists.sql") },
    db::migrate::Migration {
        number: 3,
        name: "administrators",
        sql: include_str!("../migrations/0003_administrators.sql"),
    },
    db::migrate::Migration {
        number: 4,
        name: "notifications",
        sql: include_str!("../migrations/0004_notifications.sql"),
    },
    db::migrate::Migration { number: 5, name: "outbox", sql: include_str!("../migrations/0005_outbox.sql") },
    db::migrate::Migration { number: 6, name: "templates", sql: include_str!("../migrations/0006_templates.sql") },
    db::migrate::Migration {
        number: 7,
        name: "messages_app",
        sql: include_str!("../migrations/0007_messages_app.sql"),
    },
    db::migrate::Migration {
        number: 8,
        name: "outbox_expiry",
        sql: include_str!("../migrations/0008_outbox_expiry.sql"),
    },
    db::migrate::Migration {
        number: 9,
        name: "classification_texts",
        sql: include_str!("../migrations/0009_classification_texts.sql"),
    },
    db::migrate::Migration { number: 10, name: "push_tokens", sql: include_str!("../migrations/0010_push_tokens.sql") },
    db::migrate::Migration { number: 11, name: "indicators", sql: include_str!("../migrations/0011_indicators.sql") },
    db::migrate::Migration {
        number: 12,
        name: "device_certificates",
        sql: include_str!("../migrations/0012_device_certificates.sql"),
    },
    db::migrate::Migration { number: 13, name: "apple_mdm", sql: include_str!("../migrations/0013_apple_mdm.sql") },
    db::migrate::Migration { number: 14, name: "android", sql: include_str!("../migrations/0014_android.sql") },
];
