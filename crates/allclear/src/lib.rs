//! The binary's insides: command line, configuration, wiring. One file for each command.
//!
//! This crate puts the others together and decides nothing about a device. What a command does over the network it does
//! as any other program would, by the public interfaces.

pub mod admin;
pub mod admins;
pub mod backup;
pub mod client;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod home;
pub mod ingest;
pub mod logging;
pub mod migrate;
pub mod openapi;
pub mod output;
pub mod place;
pub mod plausible;
pub mod serve;
pub mod signals;
pub mod simulate;
pub mod token;

use std::{io, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Mobile threat response: detections in, restrictions and notices out
#[derive(Parser, Debug)]
#[command(name = "allclear", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Serve(serve::Serve),
    Demo(demo::Demo),
    Ingest(ingest::Ingest),
    Simulate(simulate::Simulate),
    #[command(subcommand)]
    Token(token::Token),
    #[command(subcommand)]
    Admin(admin::Admin),
    Migrate(migrate::Migrate),
    Backup(backup::Backup),
    Restore(backup::Restore),
    Doctor(doctor::Doctor),
    Openapi(openapi::Openapi),
}

impl Command {
    async fn run(self) -> Result<ExitCode> {
        match self {
            Command::Serve(it) => it.run().await,
            Command::Demo(it) => it.run().await,
            Command::Ingest(it) => it.run().await,
            Command::Simulate(it) => it.run().await,
            Command::Token(it) => it.run().await,
            Command::Admin(it) => it.run().await,
            Command::Migrate(it) => it.run().await,
            Command::Backup(it) => it.run().await,
            Command::Restore(it) => it.run().await,
            Command::Doctor(it) => it.run().await,
            Command::Openapi(it) => it.run(),
        }
    }
}

/// Runs the command line of this process. Exit codes: 0 done, 1 failed, 2 not understood.
pub fn main() -> ExitCode {
    let command = Cli::parse().command;
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let result = runtime.block_on(command.run());
    // Whatever still waits, for standard input for example, must not hold the process.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| failed(&error))
}

fn failed(error: &anyhow::Error) -> ExitCode {
    let gone = error
        .chain()
        .any(|cause| cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe));
    if gone {
        // Whoever read the output has seen enough.
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {error}");
    for cause in error.chain().skip(1) {
        eprintln!("  because: {cause}");
    }
    ExitCode::FAILURE
}
