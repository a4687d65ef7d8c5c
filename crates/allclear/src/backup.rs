//! `allclear backup` and `allclear restore`: copies of a SQLite database.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    home, output,
    place::{self, Place},
};

/// Copy the database to a file while the server runs
///
/// The copy is the state at one moment, and checked. The key `secret.key` is not in it: keep a copy of that elsewhere.
/// A PostgreSQL database is backed up with pg_dump.
#[derive(Args, Debug)]
pub struct Backup {
    #[command(flatten)]
    place: Place,
    /// The file to write; it must not exist
    to: PathBuf,
}

/// Put a backup in the place of the database; the server must not be running
#[derive(Args, Debug)]
pub struct Restore {
    #[command(flatten)]
    place: Place,
    /// The backup
    from: PathBuf,
    /// Replace the database that is there
    #[arg(long)]
    force: bool,
}

impl Backup {
    /// Does it.
    pub async fn run(self) -> Result<ExitCode> {
        let config = self.place.load()?;
        let path = place::sqlite_path(&config, "back it up with pg_dump")?;
        if !path.exists() {
            bail!("there is no database at {}", path.display());
        }
        let db = place::open_database(&config).await?;
        db.backup(&self.to).await?;
        db.close().await;
        let bytes = std::fs::metadata(&self.to).context("cannot look at the backup")?.len();
        output::line(format!("{} bytes in {}, checked", bytes, self.to.display()))?;
        let key = home::key_path(&config.data_dir);
        output::line(format!("not in it: the key {}; keep a copy of it elsewhere", key.display()))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    /// Does it.
    pub async fn run(self) -> Result<ExitCode> {
        let config = self.place.load()?;
        let path = place::sqlite_path(&config, "restore it with pg_restore or psql")?;
        home::prepare(&config.data_dir)?;
        let (from, to, force) = (self.from.clone(), path.clone(), self.force);
        tokio::task::spawn_blocking(move || allclear_store::db::restore(&from, &to, force)).await??;
        output::line(format!("{} is now {}", path.display(), self.from.display()))?;
        let key = home::key_path(&config.data_dir);
        if home::read_key(&key)?.is_none() {
            output::line(format!("{} is missing: put back the key that belongs to this database", key.display()))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
