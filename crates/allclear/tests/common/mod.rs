//! What every black-box test stands on: the real binary on a place of its own, a client, and waiting for conditions.
//!
//! Knows the command line and HTTP, and nothing of the insides: what is tested here is what others get to see.
#![allow(dead_code, reason = "every test file is a program of its own and uses a part of this")]
#![allow(unreachable_pub, reason = "a module of several programs, none of which exports anything")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

pub mod authenticator;
pub mod browser;
pub mod client;
pub mod fleet;
pub mod tenant;

use std::{
    path::{Path, PathBuf},
    process::{Output, Stdio},
    time::{Duration, Instant},
};

use allclear_store::{db::DatabaseUrl, testing::TestDb};
pub use client::Client;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// How long anything may take that a test waits for.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// Where a server keeps everything: a data directory and a database, both gone when this is. Outlives restarts.
pub struct Place {
    directory: TempDir,
    postgres: Option<TestDb>,
}

impl Place {
    /// An empty data directory with SQLite in it.
    pub fn sqlite() -> Place {
        Place { directory: tempfile::tempdir().unwrap(), postgres: None }
    }

    /// An empty data directory and an empty PostgreSQL database; `None`, and a line saying so, without a server for it.
    pub async fn postgres() -> Option<Place> {
        let database = TestDb::postgres(|_| {}).await?;
        database.db.close().await;
        Some(Place { directory: tempfile::tempdir().unwrap(), postgres: Some(database) })
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// A path beside the data directory, for files of a test.
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A command of the binary, without the settings of the test's own environment.
    pub fn bare(&self, arguments: &[&str]) -> Command {
        let mut command = self.program(env!("CARGO_BIN_EXE_allclear"));
        command.args(arguments);
        command
    }

    /// Lines for a shell, which stops at the first that fails.
    pub fn shell(&self, lines: &str) -> Command {
        let mut command = self.program("bash");
        command.args(["-euo", "pipefail", "-c", lines]);
        command
    }

    fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ALLCLEAR_")) {
            command.env_remove(name);
        }
        command.current_dir(self.directory.path()).stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    /// A command of the binary about this place.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.bare(arguments);
        command.arg("--data-dir").arg(self.data_dir());
        if let Some(DatabaseUrl::Postgres(url)) = self.postgres.as_ref().map(|database| &database.options.url) {
            command.arg("--database").arg(url);
        }
        command
    }

    /// Runs a command about this place to its end.
    pub async fn run(&self, arguments: &[&str]) -> Output {
        timeout(PATIENCE * 2, self.command(arguments).output()).await.expect("the command ends").unwrap()
    }

    /// The lines a command prints, which must succeed.
    pub async fn lines(&self, arguments: &[&str]) -> Vec<String> {
        let output = self.run(arguments).await;
        let text = String::from_utf8(output.stdout).unwrap();
        let what = arguments.join(" ");
        assert!(output.status.success(), "{what}: {text}{}", String::from_utf8_lossy(&output.stderr));
        text.lines().map(str::to_owned).collect()
    }

    /// A new token: of a role, for an organization group or, without one, the only customer.
    pub async fn token(&self, role: &str, group: Option<&str>) -> String {
        let mut arguments = vec!["token", "create", "--role", role, "--name", role];
        arguments.extend(group.into_iter().flat_map(|group| ["--organization-group", group]));
        self.lines(&arguments).await.pop().expect("the token is on the last line")
    }

    /// Panics unless what is stored follows from rules and facts.
    pub async fn verify(&self) {
        let output = self.run(&["admin", "verify"]).await;
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// One place of each kind there is.
pub async fn places() -> Vec<Place> {
    let mut all = vec![Place::sqlite()];
    all.extend(Place::postgres().await);
    all
}

/// A running server. Killed when dropped; its log is shown if the test has failed.
pub struct Server {
    /// Where it listens, without a slash at the end.
    pub url: String,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a server and waits until it listens.
    pub async fn start(place: &Place) -> Server {
        Server::start_with(place, &[]).await
    }

    /// The same with settings in the environment, named without `ALLCLEAR_`.
    pub async fn start_with(place: &Place, settings: &[(&str, &str)]) -> Server {
        Server::start_at(place, "127.0.0.1:0", settings).await
    }

    /// The same at a chosen address.
    pub async fn start_at(place: &Place, listen: &str, settings: &[(&str, &str)]) -> Server {
        let log = place.file("server.log");
        let errors = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut command = place.command(&["serve", "--listen", listen]);
        // Tests are refused a lot.
        command.env("ALLCLEAR_LIMITS_FAILURES_PER_SECOND", "1000000");
        for (name, value) in settings {
            command.env(format!("ALLCLEAR_{name}"), value);
        }
        let mut child = command.stdout(Stdio::piped()).stderr(errors).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Made before the wait, so that its log is shown if the wait fails.
        let mut server = Server { url: String::new(), child, log };
        let line = timeout(PATIENCE, lines.next_line()).await.expect("the server starts in time").unwrap();
        let line = line.expect("the server says where it listens");
        server.url = line.strip_prefix("listening on ").expect("an address").to_owned();
        server
    }

    /// A client with a token; without one if it is empty.
    pub fn client(&self, token: &str) -> Client {
        Client::new(&self.url, token)
    }

    /// Ends it as a power cut does: at once.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to end and waits until it has; it must end in good order and may not have logged an error.
    pub async fn stop(mut self) {
        let id = self.child.id().expect("it runs");
        let kill = std::process::Command::new("sh").arg("-c").arg(format!("kill -TERM {id}")).status().unwrap();
        assert!(kill.success());
        let status = timeout(PATIENCE, self.child.wait()).await.expect("the server ends in time").unwrap();
        assert!(status.success(), "{status}");
        let errors = self.errors();
        assert!(errors.is_empty(), "{errors:?}");
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The errors it has logged.
    pub fn errors(&self) -> Vec<String> {
        let is_error = |line: &&str| line.contains(" ERROR ") || line.contains("panicked at");
        self.log().lines().filter(is_error).map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            eprintln!("the end of the server's log:\n{}", lines[lines.len().saturating_sub(60)..].join("\n"));
        }
    }
}

/// Looks again and again until there is something, and returns it; panics when patience is at its end.
pub async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain: {what}");
        tokio::time::sleep(LOOK).await;
    }
}

/// A file of data that is not part of the tree; `None`, and a line saying so, where there is none.
pub fn shared_data(name: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ALLCLEAR_SHARED_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(name);
    if path.exists() {
        return Some(path);
    }
    eprintln!("skipped: there is no {}", path.display());
    None
}
