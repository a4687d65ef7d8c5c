//! Settings: defaults < file < environment < command line. The defaults are a commented file in the binary.
//!
//! Knows which settings there are and what they must look like; must not know what is done with them.

use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use allclear_guard::AllowList;
use allclear_server::app::{ServerOptions, TrustedProxies};
use allclear_store::db::{DatabaseUrl, Options, Synchronous};
use figment::{
    Figment, Metadata, Profile, Provider,
    providers::{Format, Toml},
    value::{Dict, Map, Tag, Value},
};
use serde::Deserialize;

/// Every setting with its default and what it is for, as TOML.
pub const DEFAULTS: &str = include_str!("../allclear.default.toml");

/// What settings in the environment begin with.
const PREFIX: &str = "ALLCLEAR_";

/// Variables that are read elsewhere: which file, and by commands that talk to a server or run tests.
const NOT_SETTINGS: &[&str] = &["CONFIG", "SERVER", "TOKEN", "TEST_POSTGRES", "SHARED_DATA"];

/// The settings.
#[derive(Clone, Deserialize)]
pub struct Config {
    /// Where the server keeps its files.
    pub data_dir: PathBuf,
    /// Host and port to listen on.
    pub listen: String,
    /// The address under which others reach the server, without a slash at the end; empty: as a request's `Host` says.
    pub public_url: String,
    /// The database.
    pub database: Database,
    /// The log.
    pub log: Log,
    /// Bounds of requests.
    pub limits: Limits,
    /// The metrics.
    pub metrics: Metrics,
    /// Requests to other servers.
    pub outgoing: Outgoing,
    /// Indicator sets.
    pub indicators: Indicators,
    /// Proxies before the server.
    pub proxy: Proxy,
}

/// `[database]`
#[derive(Clone, Deserialize)]
pub struct Database {
    /// Empty: SQLite in the data directory.
    pub url: String,
    /// SQLite: when it waits for the disk.
    pub synchronous: Waits,
    /// SQLite: MiB of page cache.
    pub cache_mib: u32,
}

/// When SQLite waits for the disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waits {
    /// At every commit.
    Full,
    /// At checkpoints.
    Normal,
}

/// `[log]`
#[derive(Clone, Deserialize)]
pub struct Log {
    /// For people or for programs.
    pub format: LogFormat,
    /// Levels, as of `RUST_LOG`.
    pub filter: String,
}

/// How log lines are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs, one object a line.
    Json,
}

/// `[limits]`
#[derive(Clone, Deserialize)]
pub struct Limits {
    /// Requests a second of one credential, on average.
    pub requests_per_second: u32,
    /// Requests of one credential at once.
    pub requests_burst: u32,
    /// Failed authentications a second from one address.
    pub failures_per_second: u32,
    /// Seconds a request may take.
    pub request_seconds: u32,
}

/// `[metrics]`
#[derive(Clone, Deserialize)]
pub struct Metrics {
    /// What reading them asks for; empty: nothing.
    pub token: String,
}

/// `[outgoing]`
#[derive(Clone, Deserialize)]
pub struct Outgoing {
    /// What may be reached besides public addresses.
    pub allow: Vec<String>,
}

/// `[indicators]`
#[derive(Clone, Deserialize)]
pub struct Indicators {
    /// A folder whose files are sets of every tenant; empty: none.
    pub folder: PathBuf,
}

/// `[proxy]`
#[derive(Clone, Deserialize)]
pub struct Proxy {
    /// Which are believed.
    pub trusted: Vec<String>,
}

/// Where settings come from, besides the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// A file.
    pub file: Option<PathBuf>,
    /// The environment: names and values.
    pub environment: Vec<(String, String)>,
    /// The command line: keys and values.
    pub flags: Vec<(&'static str, String)>,
}

/// What reading all sources gave.
pub struct Reading {
    /// The settings, if they can be used.
    pub config: Option<Config>,
    /// What is wrong, a sentence each that names the key and the source.
    pub problems: Vec<String>,
    /// What looks like a mistake but does not matter.
    pub warnings: Vec<String>,
}

/// Settings that cannot be used.
#[derive(Debug)]
pub struct Invalid(pub Vec<String>);

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the configuration is not valid")?;
        self.0.iter().try_for_each(|problem| write!(f, "\n  - {problem}"))
    }
}

impl std::error::Error for Invalid {}

/// The settings, or everything that is wrong with them.
pub fn load(sources: &Sources) -> Result<Config, Invalid> {
    let reading = read(sources);
    match reading.config {
        Some(config) if reading.problems.is_empty() => Ok(config),
        _ => Err(Invalid(reading.problems)),
    }
}

/// Reads all sources and judges them.
pub fn read(sources: &Sources) -> Reading {
    let defaults = leaves(&Toml::string(DEFAULTS));
    let (mut problems, mut warnings) = (Vec::new(), Vec::new());
    let mut figment = Figment::from(Toml::string(DEFAULTS));
    if let Some(file) = &sources.file {
        match file_problem(file) {
            Some(problem) => problems.push(problem),
            None => {
                let given = Toml::file_exact(file);
                for (key, _) in leaves(&given) {
                    if !defaults.iter().any(|(known, _)| *known == key) {
                        let known = defaults.iter().map(|(known, _)| known.as_str());
                        problems.push(format!(
                            "{}: there is no setting `{key}`{}",
                            file.display(),
                            suggestion(&key, known)
                        ));
                    }
                }
                figment = figment.merge(given);
            }
        }
    }
    let mut environment = Layer::named("the environment");
    for (name, text) in &sources.environment {
        let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| !NOT_SETTINGS.contains(rest)) else { continue };
        match defaults.iter().find(|(key, _)| variable(key) == *rest) {
            // An empty variable counts as one that is not set.
            Some(_) if text.is_empty() => {}
            Some((key, default)) => environment.set(key, default, text),
            // Not refused: other programs make such names, too.
            None => {
                let known: Vec<String> = defaults.iter().map(|(key, _)| variable(key)).collect();
                let hint = suggestion(rest, known.iter().map(String::as_str));
                warnings.push(format!("the environment variable {name} is no setting{hint}"));
            }
        }
    }
    let mut flags = Layer::named("the command line");
    for (key, text) in &sources.flags {
        if let Some((_, default)) = defaults.iter().find(|(known, _)| known == key) {
            flags.set(key, default, text);
        }
    }
    match figment.merge(environment).merge(flags).extract::<Config>() {
        Ok(mut config) => {
            config.public_url.truncate(config.public_url.trim_end_matches('/').len());
            problems.extend(config.problems());
            Reading { config: Some(config), problems, warnings }
        }
        Err(error) => {
            problems.extend(error.into_iter().map(|error| in_words(&error)));
            Reading { config: None, problems, warnings }
        }
    }
}

impl Config {
    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut check = |fine: bool, text: &str| {
            if !fine {
                problems.push(text.to_owned());
            }
        };
        check(!self.data_dir.as_os_str().is_empty(), "data_dir: must not be empty");
        let port = self.listen.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port);
        check(
            port.is_some_and(|port| port.parse::<u16>().is_ok()),
            "listen: must be an address and a port, such as 127.0.0.1:8080 or [::1]:8080",
        );
        let url = self.public_url.split_once("://").filter(|(scheme, rest)| {
            ["http", "https"].contains(scheme) && !rest.is_empty() && !rest.contains(['?', '#', ' '])
        });
        check(
            self.public_url.is_empty() || url.is_some(),
            "public_url: must be empty or a URL such as https://allclear.example.com",
        );
        if let Err(error) = self.database_url() {
            check(false, &format!("database.url: {error}"));
        }
        check((1..=65536).contains(&self.database.cache_mib), "database.cache_mib: must be 1 to 65536");
        if let Err(error) = crate::logging::filter(&self.log.filter) {
            check(false, &format!("log.filter: {error}"));
        }
        for (key, value) in [
            ("requests_per_second", self.limits.requests_per_second),
            ("requests_burst", self.limits.requests_burst),
            ("failures_per_second", self.limits.failures_per_second),
        ] {
            check((1..=1_000_000).contains(&value), &format!("limits.{key}: must be 1 to 1000000"));
        }
        check((1..=3600).contains(&self.limits.request_seconds), "limits.request_seconds: must be 1 to 3600");
        if let Err(error) = self.allow_list() {
            check(false, &format!("outgoing.allow: {error}"));
        }
        if let Err(error) = self.trusted_proxies() {
            check(false, &format!("proxy.trusted: {error}"));
        }
        problems
    }

    /// Where the database is.
    pub fn database_url(&self) -> Result<DatabaseUrl, allclear_store::db::Error> {
        match self.database.url.as_str() {
            "" => Ok(DatabaseUrl::Sqlite(self.data_dir.join(crate::home::DATABASE))),
            url => url.parse(),
        }
    }

    /// How the database is driven.
    pub fn database_options(&self) -> Result<Options, allclear_store::db::Error> {
        let mut options = Options::new(self.database_url()?);
        options.synchronous = match self.database.synchronous {
            Waits::Full => Synchronous::Full,
            Waits::Normal => Synchronous::Normal,
        };
        options.cache_kib = self.database.cache_mib.saturating_mul(1024);
        Ok(options)
    }

    /// What the HTTP face is told.
    pub fn server_options(&self) -> Result<ServerOptions, allclear_guard::BadEntry> {
        let set = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Ok(ServerOptions {
            metrics_token: set(&self.metrics.token),
            public_url: set(&self.public_url),
            request_time: Duration::from_secs(self.limits.request_seconds.into()),
            requests_per_second: self.limits.requests_per_second,
            requests_burst: self.limits.requests_burst,
            failures_per_second: self.limits.failures_per_second,
            outgoing: self.allow_list()?,
            indicators_folder: self.indicators_folder().is_some(),
            // Checked before; whoever cannot be read is not trusted.
            trusted_proxies: self.trusted_proxies().unwrap_or_default(),
        })
    }

    /// The folder with indicator sets, if there is one.
    pub fn indicators_folder(&self) -> Option<PathBuf> {
        Some(self.indicators.folder.clone()).filter(|folder| !folder.as_os_str().is_empty())
    }

    /// The proxies that are believed when they say which certificate a client has shown them.
    fn trusted_proxies(&self) -> Result<TrustedProxies, String> {
        TrustedProxies::new(&self.proxy.trusted)
    }

    /// What the server may reach besides public addresses.
    pub fn allow_list(&self) -> Result<AllowList, allclear_guard::BadEntry> {
        AllowList::new(&self.outgoing.allow)
    }
}

/// Settings from text: each takes the type its default has.
struct Layer {
    name: &'static str,
    data: Dict,
}

impl Layer {
    fn named(name: &'static str) -> Self {
        Self { name, data: Dict::new() }
    }

    fn set(&mut self, key: &str, default: &Value, text: &str) {
        let value = match default {
            Value::Num(..) => text.trim().parse::<i64>().map_or_else(|_| Value::from(text), Value::from),
            Value::Array(..) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Value::Array(Tag::Default, parts.map(Value::from).collect())
            }
            _ => Value::from(text),
        };
        match key.split_once('.') {
            None => {
                self.data.insert(key.to_owned(), value);
            }
            Some((table, key)) => {
                let table = self.data.entry(table.to_owned()).or_insert_with(|| Value::from(Dict::new()));
                if let Value::Dict(_, members) = table {
                    members.insert(key.to_owned(), value);
                }
            }
        }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> figment::error::Result<Map<Profile, Dict>> {
        Ok(Map::from([(Profile::Default, self.data.clone())]))
    }
}

/// All keys of a source, dotted, with their values; none if it cannot be read.
fn leaves(provider: &impl Provider) -> Vec<(String, Value)> {
    fn walk(prefix: &str, members: Dict, found: &mut Vec<(String, Value)>) {
        for (name, value) in members {
            let key = format!("{prefix}{name}");
            match value {
                Value::Dict(_, members) => walk(&format!("{key}."), members, found),
                value => found.push((key, value)),
            }
        }
    }
    let mut found = Vec::new();
    for (_, members) in provider.data().unwrap_or_default() {
        walk("", members, &mut found);
    }
    found
}

/// The variable for a key, without the prefix.
fn variable(key: &str) -> String {
    key.replace('.', "_").to_ascii_uppercase()
}

/// Why a file cannot be read as TOML, if so.
fn file_problem(file: &Path) -> Option<String> {
    if let Err(error) = std::fs::read_to_string(file) {
        return Some(format!("{}: {error}", file.display()));
    }
    Toml::file_exact(file).data().err().map(|error| format!("{}: {}", file.display(), error.kind))
}

/// `; did you mean …?`, if something known is close.
fn suggestion<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> String {
    // A key may also be right and in the wrong table.
    let last = given.rsplit('.').next().unwrap_or(given).to_owned();
    known
        .map(|known| {
            let same_name = known.rsplit('.').next() == Some(last.as_str());
            (if same_name { 1.0 } else { strsim::jaro_winkler(given, known) }, known)
        })
        .filter(|(closeness, _)| *closeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, known)| format!("; did you mean `{known}`?"))
        .unwrap_or_default()
}

/// One error of figment: key, what is wrong, and which source said it.
fn in_words(error: &figment::Error) -> String {
    let source = error.metadata.as_ref().map(|metadata| match &metadata.source {
        Some(figment::Source::File(path)) => path.display().to_string(),
        _ => metadata.name.to_string(),
    });
    let place = source.map(|source| format!(" ({source})")).unwrap_or_default();
    let key = error.path.join(".");
    let colon = if key.is_empty() { "" } else { ": " };
    format!("{key}{colon}{}{place}", error.kind)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that panics has failed")]
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, Sources) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("test.toml");
        std::fs::write(&path, text).unwrap();
        (directory, Sources { file: Some(path), ..Sources::default() })
    }

    fn environment(pairs: &[(&str, &str)]) -> Sources {
        let environment = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Sources { environment, ..Sources::default() }
    }

    #[test]
    fn the_defaults_are_valid_and_complete() {
        let config = load(&Sources::default()).unwrap();
        assert_eq!(config.listen, "127.0.0.1:8080");
        assert_eq!(config.database_url().unwrap().to_string(), "sqlite:allclear-data/allclear.db");
        let options = config.server_options().unwrap();
        let theirs = ServerOptions::default();
        assert_eq!(
            (options.request_time, options.requests_per_second, options.requests_burst, options.failures_per_second),
            (theirs.request_time, theirs.requests_per_second, theirs.requests_burst, theirs.failures_per_second),
            "the documented limits are the server's own"
        );
        assert!(options.metrics_token.is_none());
    }

    #[test]
    fn each_source_overrides_the_one_before() {
        let (_directory, mut sources) =
            file("listen = '127.0.0.1:1'\n[log]\nfilter = 'warn'\nformat = 'json'\n[database]\ncache_mib = 2\n");
        sources.environment = vec![
            ("ALLCLEAR_LISTEN".into(), "127.0.0.1:2".into()),
            ("ALLCLEAR_DATABASE_CACHE_MIB".into(), " 3 ".into()),
            ("ALLCLEAR_OUTGOING_ALLOW".into(), "10.0.0.0/8, feed.internal".into()),
            ("ALLCLEAR_METRICS_TOKEN".into(), "12345".into()),
            ("ALLCLEAR_LOG_FILTER".into(), String::new()),
        ];
        sources.flags = vec![("listen", "127.0.0.1:3".into())];
        let config = load(&sources).unwrap();
        assert_eq!(config.listen, "127.0.0.1:3");
        assert_eq!(config.database.cache_mib, 3);
        assert_eq!(config.log.format, LogFormat::Json);
        assert_eq!(config.log.filter, "warn", "an empty variable says nothing");
        assert_eq!(config.outgoing.allow, ["10.0.0.0/8", "feed.internal"]);
        assert_eq!(
            config.server_options().unwrap().metrics_token.as_deref(),
            Some("12345"),
            "a token of digits is a text"
        );
    }

    #[test]
    fn unknown_keys_are_refused_and_named() {
        let (_directory, sources) = file("lisen = 'x'\n[database]\ncache = 2\n[extra]\ntoken = 1\n");
        let problems = read(&sources).problems;
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems.iter().any(|text| text.contains("`lisen`; did you mean `listen`?")), "{problems:?}");
        assert!(problems.iter().any(|text| text.contains("`database.cache`; did you mean `database.cache_mib`?")));
        assert!(problems.iter().any(|text| text.contains("`extra.token`; did you mean `metrics.token`?")));
        let (_directory, sources) = file("zzzzzzzz = 1");
        assert!(read(&sources).problems[0].ends_with("there is no setting `zzzzzzzz`"));
    }

    #[test]
    fn an_unknown_variable_is_a_warning() {
        let reading = read(&environment(&[("ALLCLEAR_LISTN", "x"), ("ALLCLEAR_CONFIG", "x"), ("HOME", "x")]));
        assert!(reading.problems.is_empty());
        assert_eq!(reading.warnings.len(), 1);
        assert!(reading.warnings[0].contains("ALLCLEAR_LISTN") && reading.warnings[0].contains("`LISTEN`"));
    }

    #[test]
    fn what_makes_no_sense_is_said_with_its_key() {
        for (name, value, expected) in [
            ("ALLCLEAR_LISTEN", "8080", "listen: "),
            ("ALLCLEAR_LISTEN", ":8080", "listen: "),
            ("ALLCLEAR_LISTEN", "a:99999", "listen: "),
            ("ALLCLEAR_PUBLIC_URL", "allclear.example.com", "public_url: "),
            ("ALLCLEAR_PUBLIC_URL", "https://", "public_url: "),
            ("ALLCLEAR_DATABASE_URL", "mysql://x", "database.url: "),
            ("ALLCLEAR_DATABASE_SYNCHRONOUS", "off", "database.synchronous: "),
            ("ALLCLEAR_DATABASE_CACHE_MIB", "many", "database.cache_mib: "),
            ("ALLCLEAR_DATABASE_CACHE_MIB", "0", "database.cache_mib: "),
            ("ALLCLEAR_LOG_FILTER", "a=b=c", "log.filter: "),
            ("ALLCLEAR_LOG_FORMAT", "xml", "log.format: "),
            ("ALLCLEAR_LIMITS_REQUEST_SECONDS", "-1", "limits.request_seconds: "),
            ("ALLCLEAR_LIMITS_REQUESTS_BURST", "0", "limits.requests_burst: "),
            ("ALLCLEAR_OUTGOING_ALLOW", "10.0.0.0/99", "outgoing.allow: "),
        ] {
            let problems = read(&environment(&[(name, value)])).problems;
            assert!(problems.len() == 1 && problems[0].starts_with(expected), "{name}={value}: {problems:?}");
        }
    }

    #[test]
    fn files_that_cannot_be_read_are_named() {
        let (_directory, sources) = file("listen = ");
        assert!(read(&sources).problems[0].contains("test.toml"));
        let missing = Sources { file: Some("no/such/file.toml".into()), ..Sources::default() };
        assert!(read(&missing).problems[0].starts_with("no/such/file.toml: "));
        let (_directory, sources) = file("listen = 5");
        let problems = read(&sources).problems;
        assert!(problems[0].starts_with("listen: ") && problems[0].contains("test.toml"), "{problems:?}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_reading_settings_panic(bytes: Vec<u8>, key: proptest::sample::Index, text in ".{0,60}") {
            let known = leaves(&Toml::string(DEFAULTS));
            let key = &key.get(&known).0;
            let (_directory, mut sources) = file(&text);
            sources.environment.push((format!("{PREFIX}{}", variable(key)), text.clone()));
            sources.flags.push(("listen", text));
            let _ = load(&sources);
            std::fs::write(sources.file.as_ref().unwrap(), &bytes).unwrap();
            let _ = load(&sources);
        }
    }

    #[test]
    fn every_setting_is_documented() {
        let mut explained = false;
        for line in DEFAULTS.lines() {
            match line.trim() {
                "" => explained = false,
                line if line.starts_with('#') => explained = true,
                line if line.starts_with('[') => {}
                // Settings that belong together share what is said above the first.
                line => assert!(explained, "{line}"),
            }
        }
    }
}
