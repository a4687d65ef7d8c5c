//! `allclear openapi`: the description of the API, for generators of clients.

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;

use crate::output;

/// Print the description of the API (OpenAPI 3.1, JSON)
#[derive(Args, Debug)]
pub struct Openapi {}

impl Openapi {
    /// Does it.
    pub fn run(&self) -> Result<ExitCode> {
        output::line(allclear_server::openapi::document().to_pretty_json()?)?;
        Ok(ExitCode::SUCCESS)
    }
}
