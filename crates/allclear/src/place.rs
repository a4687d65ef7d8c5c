//! Where a command works: the settings, the data directory and the database, opened as the command needs them.

use std::{path::PathBuf, sync::Arc};

use allclear_domain::ids::{OrganizationGroupId, Tenant};
use allclear_engine::{
    Engine,
    source::{Source, SystemSource},
};
use allclear_store::{
    MIGRATIONS,
    db::{DatabaseUrl, Db, Dialect, migrate},
    organization_groups, tenants,
};
use anyhow::{Context, Result, bail};
use clap::Args;

use crate::{
    config::{self, Config, LogFormat, Sources},
    home, logging,
};

/// Which server a command is about.
#[derive(Args, Clone, Debug, Default)]
pub struct Place {
    /// The directory with the server's files [environment: ALLCLEAR_DATA_DIR]
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// The database: postgres://… or sqlite:PATH; SQLite in the data directory if not given [environment:
    /// ALLCLEAR_DATABASE_URL]
    #[arg(long, value_name = "URL")]
    pub database: Option<String>,
    /// A file with settings (TOML); `allclear doctor --defaults` prints all there are
    #[arg(long, value_name = "FILE", env = "ALLCLEAR_CONFIG")]
    pub config: Option<PathBuf>,
    /// What is logged: a level, also for single parts, as in info,allclear_server=debug
    #[arg(long, value_name = "FILTER")]
    pub log_filter: Option<String>,
    /// How it is logged, on standard error
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub log_format: Option<LogFormat>,
}

impl Place {
    /// Where this command's settings come from.
    pub fn sources(&self) -> Sources {
        let mut flags = Vec::new();
        let path = |path: &PathBuf| path.to_string_lossy().into_owned();
        flags.extend(self.data_dir.as_ref().map(|value| ("data_dir", path(value))));
        flags.extend(self.database.clone().map(|value| ("database.url", value)));
        flags.extend(self.log_filter.clone().map(|value| ("log.filter", value)));
        flags.extend(self.log_format.map(|value| {
            let word = match value {
                LogFormat::Text => "text",
                LogFormat::Json => "json",
            };
            ("log.format", word.to_owned())
        }));
        // Names and values that are no text are none of ours.
        let environment =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Sources { file: self.config.clone(), environment: environment.collect(), flags }
    }

    /// The settings for a command that does its work and ends: it logs warnings only, unless asked for more.
    pub fn load(&self) -> Result<Config> {
        let mut config = config::load(&self.sources())?;
        if self.log_filter.is_none() {
            config.log.filter = "warn".into();
        }
        logging::start(&config.log)?;
        Ok(config)
    }
}

/// What is done about a schema that is not up to date.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Schema {
    /// It is brought up to date.
    Migrate,
    /// An empty database is set up; any other must be up to date already. For commands that run beside a server.
    SetUp,
    /// It must be up to date already.
    Expect,
}

/// An open database and the key that belongs to it.
pub struct Opened {
    /// The database.
    pub db: Db,
    /// The server's key.
    pub key: [u8; 32],
}

/// Opens the database of a server; the data directory, key and database are made when missing.
pub async fn open(config: &Config, schema: Schema) -> Result<Opened> {
    home::prepare(&config.data_dir)?;
    let db = open_database(config).await?;
    let steps = migrate::status(&db, MIGRATIONS).await?;
    let known = steps.iter().any(|step| step.applied);
    let pending = steps.iter().filter(|step| !step.applied).count();
    if pending > 0 && (schema == Schema::Expect || (schema == Schema::SetUp && known)) {
        bail!("the database is {pending} migrations behind this program: run `allclear migrate` first");
    }
    let key = home::key(&config.data_dir, known, &SystemSource)?;
    if pending > 0 {
        let applied = migrate::run(&db, MIGRATIONS).await?;
        tracing::info!(?applied, "the database was migrated");
    }
    Ok(Opened { db, key })
}

/// Opens the database alone.
pub async fn open_database(config: &Config) -> Result<Db> {
    let options = config.database_options()?;
    let url = options.url.clone();
    Db::open(options).await.with_context(|| format!("cannot open the database {url}"))
}

/// Opens the engine for a command that runs beside a server, or without one.
pub async fn open_engine(config: &Config) -> Result<Engine> {
    let Opened { db, key } = open(config, Schema::SetUp).await?;
    let source: Arc<dyn Source> = Arc::new(SystemSource);
    Ok(Engine::open(db, source, key).await?)
}

/// Where a SQLite database is, or why a command is not for the other kind.
pub fn sqlite_path(config: &Config, instead: &str) -> Result<PathBuf> {
    match config.database_url()? {
        DatabaseUrl::Sqlite(path) => Ok(path),
        url @ DatabaseUrl::Postgres(_) => bail!("{url} is a PostgreSQL database: {instead}"),
    }
}

/// An organization group and the tenant it lies in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The tenant; the server itself for Global.
    pub tenant: Tenant,
    /// The group.
    pub id: OrganizationGroupId,
    /// Its name.
    pub name: String,
}

/// The organization group meant by an option: `global`, an id, or the name of a customer. Without one, the only
/// customer there is.
pub async fn group(db: &Db, wanted: Option<&str>) -> Result<Group> {
    let customers: Vec<Group> = db
        .read(organization_groups::customers)
        .await?
        .into_iter()
        .map(|(tenant, group)| Group { tenant, id: group.id, name: group.name })
        .collect();
    let Some(wanted) = wanted else {
        return match customers.as_slice() {
            [only] => Ok(only.clone()),
            [] => bail!("there is no customer yet: make one with `allclear admin create-customer NAME`"),
            several => bail!("there are several customers; choose one with --organization-group:\n{}", listed(several)),
        };
    };
    if wanted.eq_ignore_ascii_case("global") {
        return Ok(Group { tenant: Tenant::SERVER, id: OrganizationGroupId::GLOBAL, name: "Global".into() });
    }
    let Ok(id) = wanted.parse::<OrganizationGroupId>() else {
        let mut named = customers.iter().filter(|customer| customer.name == wanted);
        return match (named.next(), named.next()) {
            (Some(only), None) => Ok(only.clone()),
            (Some(_), Some(_)) => bail!("several customers are called {wanted:?}; give an id:\n{}", listed(&customers)),
            (None, _) => bail!("there is no customer {wanted:?}; there are:\n{}", listed(&customers)),
        };
    };
    let found = db
        .read(move |tx| {
            for tenant in tenants::list(tx)? {
                if let Some((group, _)) = organization_groups::get(tx, tenant, id)? {
                    return Ok(Some(Group { tenant, id, name: group.name }));
                }
            }
            Ok::<_, allclear_store::Error>(None)
        })
        .await?;
    found.with_context(|| format!("there is no organization group {id}; the customers are:\n{}", listed(&customers)))
}

/// The tenant meant by an option, for commands that work within one.
pub async fn tenant(db: &Db, wanted: Option<&str>) -> Result<Group> {
    let group = group(db, wanted).await?;
    if group.tenant == Tenant::SERVER {
        bail!("Global has no devices; choose a customer with --organization-group");
    }
    Ok(group)
}

fn listed(customers: &[Group]) -> String {
    customers.iter().map(|customer| format!("  {}  {}", customer.id, customer.name)).collect::<Vec<_>>().join("\n")
}

/// What kind of database it is, in words.
pub fn dialect(db: &Db) -> &'static str {
    match db.dialect() {
        Dialect::Sqlite => "SQLite",
        Dialect::Postgres => "PostgreSQL",
    }
}
