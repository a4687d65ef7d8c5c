//! `allclear migrate`: the database's schema.

use std::process::ExitCode;

use allclear_store::{MIGRATIONS, db::migrate};
use anyhow::Result;
use clap::Args;

use crate::{
    output,
    place::{self, Place, Schema},
};

/// Bring the database's schema up to date
///
/// `allclear serve` does the same at its start. Several may do it at once; steps that were applied are never undone.
#[derive(Args, Debug)]
pub struct Migrate {
    #[command(flatten)]
    place: Place,
    /// Only say what has been applied and what has not; exit code 1 if something is missing
    #[arg(long)]
    status: bool,
}

impl Migrate {
    /// Does it.
    pub async fn run(self) -> Result<ExitCode> {
        let config = self.place.load()?;
        if self.status {
            return status(&config).await;
        }
        let before = {
            crate::home::prepare(&config.data_dir)?;
            let db = place::open_database(&config).await?;
            let before = migrate::status(&db, MIGRATIONS).await?;
            db.close().await;
            before
        };
        let opened = place::open(&config, Schema::Migrate).await?;
        let missing: Vec<_> = before.iter().filter(|step| !step.applied).collect();
        for step in &missing {
            output::line(format!("applied {:04} {}", step.number, step.name))?;
        }
        if missing.is_empty() {
            output::line("the database is up to date")?;
        }
        opened.db.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

async fn status(config: &crate::config::Config) -> Result<ExitCode> {
    if let Some(path) = missing_file(config)? {
        output::line(format!("there is no database yet at {path}"))?;
        return Ok(ExitCode::FAILURE);
    }
    let db = place::open_database(config).await?;
    let steps = migrate::status(&db, MIGRATIONS).await?;
    db.close().await;
    for step in &steps {
        let state = if step.applied { "applied" } else { "missing" };
        output::line(format!("{state} {:04} {}", step.number, step.name))?;
    }
    let up_to_date = steps.iter().all(|step| step.applied);
    Ok(if up_to_date { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The SQLite file that is not there: looking must not make one.
fn missing_file(config: &crate::config::Config) -> Result<Option<String>> {
    Ok(match config.database_url()? {
        allclear_store::db::DatabaseUrl::Sqlite(path) if !path.exists() => Some(path.display().to_string()),
        _ => None,
    })
}
