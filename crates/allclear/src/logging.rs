//! The log: lines on standard error, for people or for programs.

use std::io::IsTerminal;

use anyhow::{Context, Result, ensure};
use tracing_subscriber::EnvFilter;

use crate::config::{Log, LogFormat};

/// Reads what to log, such as `info,allclear=debug`.
pub fn filter(text: &str) -> Result<EnvFilter> {
    // The parser cuts text at bytes and panics when that is within a character.
    ensure!(text.is_ascii(), "must be plain ASCII");
    // It calls an error whatever the other side does; the session with an SMSC says itself what matters.
    Ok(EnvFilter::try_new(format!("rusmppc=off,{text}"))?)
}

/// Starts logging. Once in a process.
pub fn start(log: &Log) -> Result<()> {
    let filter = filter(&log.filter).context("log.filter")?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = match log.format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!(error)).context("cannot start logging")
}
