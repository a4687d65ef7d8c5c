//! `allclear openapi`: the description of the API, for generators of clients.

use std::{collections::BTreeMap, process::ExitCode};

use allclear_domain::{level::Platform, payload};
use anyhow::Result;
use clap::Args;

use crate::output;

/// Print the description of the API (OpenAPI 3.1, JSON)
#[derive(Args, Debug)]
pub struct Openapi {
    /// Instead: the settings that each kind of payload knows, by platform, as editors offer them
    #[arg(long)]
    payload_settings: bool,
}

impl Openapi {
    /// Does it.
    pub fn run(&self) -> Result<ExitCode> {
        output::line(if self.payload_settings {
            let known = [Platform::Android, Platform::Ios].map(|platform| (platform, payload::catalogue(platform)));
            serde_json::to_string_pretty(&BTreeMap::from(known))?
        } else {
            allclear_server::openapi::document().to_pretty_json()?
        })?;
        Ok(ExitCode::SUCCESS)
    }
}
