//! Android devices under Google's management (Android Management API).
//!
//! A device takes one policy, so everything that should be on it is merged into one ([`policy`]); where profiles want
//! different things, [`conflicts`] says so, and [`status`] reads from a device's report what has come of each profile.
//! [`client`] asks Google, [`events`] reads what it tells of its own accord, and [`keys`] says whether it was Google;
//! [`operation`] are commands and what became of them. [`worker`] keeps devices as they should be.

mod apps;
pub mod client;
pub mod conflicts;
mod current;
mod enrollment;
mod error;
pub mod events;
mod intake;
mod keeper;
pub mod keys;
mod look;
mod names;
pub mod operation;
mod passwords;
pub mod policy;
mod render;
pub mod requests;
mod resources;
mod rounds;
mod rules;
mod schedule;
pub mod settings;
pub mod status;
mod steps;
#[cfg(test)]
mod tests;
pub mod worker;

use allclear_domain::ids::Tenant;
use allclear_engine::{Engine, android_enterprise};
use allclear_guard::AllowList;
use allclear_store::json;
pub use client::Error;
pub use enrollment::make_token;
pub use intake::{Taken, take};

use client::Client;
use settings::AndroidSettings;

/// What goes wrong between us and Google.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Here.
    #[error(transparent)]
    Engine(#[from] allclear_engine::Error),
    /// There.
    #[error(transparent)]
    Google(#[from] client::Error),
}

/// What a tenant has set, as it is kept.
pub fn read_settings(config: &str) -> Result<AndroidSettings, allclear_engine::Error> {
    Ok(json::decode(config)?)
}

/// Whoever asks Google in a tenant's name; none before that is set up.
pub async fn open_client(engine: &Engine, tenant: Tenant, allow: &AllowList) -> Result<Option<Client>, Failure> {
    let sealer = engine.sealer().clone();
    let read = engine.db().read(move |tx| android_enterprise::get(tx, &sealer, tenant));
    let Some(setting) = read.await? else { return Ok(None) };
    let client = Client::new(read_settings(&setting.config)?, &setting.secrets, allow, engine.source().clone());
    client.map(Some).map_err(|reason| client::Error::Permanent { reason }.into())
}
