//! `allclear admin`: what operators do on the server itself, without HTTP.

use std::process::ExitCode;

use allclear_engine::{
    Engine,
    jobs::{self, Job, Scope},
    setup, verify,
};
use allclear_store::organization_groups;
use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use crate::{
    admins, home, output,
    place::{self, Group, Place},
    token::operator,
};

/// Commands for operators: administrators, customers, re-evaluation, verification
#[derive(Subcommand, Debug)]
pub enum Admin {
    /// Print a one-time link by which somebody becomes an administrator, or gets into an account again
    Link(admins::Link),
    /// List the administrators of all customers
    List(admins::List),
    /// Invite an administrator; prints a one-time link
    Create(admins::Create),
    /// Keep an administrator from signing in, and end their sessions
    Disable(admins::Named),
    /// Let an administrator sign in again after too many wrong attempts
    Unlock(admins::Named),
    /// List the customers: the organization groups that are tenants
    Tenants(Tenants),
    /// Make a customer
    CreateCustomer(CreateCustomer),
    /// Start a re-evaluation of all devices of a customer
    ///
    /// It is carried out by a running server, or by this command with --wait.
    Reevaluate(Reevaluate),
    /// Check that what is stored follows from rules and facts
    ///
    /// Evaluates every device again, adds up every user's sums again and names what is wrong; changes nothing. Exit code
    /// 1 if anything is.
    Verify(Verify),
    /// Make a new key in place of one that was lost
    NewKey(NewKey),
}

/// Options of `admin tenants`.
#[derive(Args, Debug)]
pub struct Tenants {
    #[command(flatten)]
    place: Place,
}

/// Options of `admin create-customer`.
#[derive(Args, Debug)]
pub struct CreateCustomer {
    #[command(flatten)]
    place: Place,
    /// Its name
    name: String,
}

/// Options of `admin reevaluate`.
#[derive(Args, Debug)]
pub struct Reevaluate {
    #[command(flatten)]
    place: Place,
    /// The customer, by id or name, or a group below one, by id: the devices at or below it; the only customer if not
    /// given
    #[arg(long, value_name = "GROUP")]
    organization_group: Option<String>,
    /// Wait until it is done, and help
    #[arg(long)]
    wait: bool,
}

/// Options of `admin verify`.
#[derive(Args, Debug)]
pub struct Verify {
    #[command(flatten)]
    place: Place,
    /// The customer, by id or name; all if not given
    #[arg(long, value_name = "GROUP")]
    organization_group: Option<String>,
}

/// Options of `admin new-key`.
#[derive(Args, Debug)]
pub struct NewKey {
    #[command(flatten)]
    place: Place,
}

impl Admin {
    /// Does it.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Admin::Link(it) => it.run().await?,
            Admin::List(it) => it.run().await?,
            Admin::Create(it) => it.run().await?,
            Admin::Disable(it) => it.disable().await?,
            Admin::Unlock(it) => it.unlock().await?,
            Admin::Tenants(it) => {
                let engine = place::open_engine(&it.place.load()?).await?;
                tenants(&engine).await?;
                engine.db().close().await;
            }
            Admin::CreateCustomer(it) => {
                let engine = place::open_engine(&it.place.load()?).await?;
                create_customer(&engine, it.name).await?;
                engine.db().close().await;
            }
            Admin::Reevaluate(it) => {
                let engine = place::open_engine(&it.place.load()?).await?;
                let group = place::tenant(engine.db(), it.organization_group.as_deref()).await?;
                reevaluate(&engine, &group, it.wait).await?;
                engine.db().close().await;
            }
            Admin::Verify(it) => {
                let engine = place::open_engine(&it.place.load()?).await?;
                let right = verify_all(&engine, it.organization_group.as_deref()).await?;
                engine.db().close().await;
                return Ok(if right { ExitCode::SUCCESS } else { ExitCode::FAILURE });
            }
            Admin::NewKey(it) => new_key(&it.place)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

async fn customers(engine: &Engine) -> Result<Vec<Group>> {
    let customers = engine.db().read(organization_groups::customers).await?;
    Ok(customers.into_iter().map(|(tenant, group)| Group { tenant, id: group.id, name: group.name }).collect())
}

async fn tenants(engine: &Engine) -> Result<()> {
    let mut rows = Vec::new();
    for customer in customers(engine).await? {
        let tenant = customer.tenant;
        let devices = engine.db().read(move |tx| allclear_store::jobs::count(tx, tenant, &Scope::all())).await?;
        rows.push(vec![tenant.0.to_string(), customer.id.to_string(), devices.to_string(), customer.name]);
    }
    Ok(output::table(&["TENANT", "ORGANIZATION GROUP", "DEVICES", "NAME"], &rows)?)
}

async fn create_customer(engine: &Engine, name: String) -> Result<()> {
    let name = name.trim().to_owned();
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        bail!("the name must be 1 to 100 characters in one line");
    }
    if customers(engine).await?.iter().any(|customer| customer.name == name) {
        bail!("there is a customer {name:?} already");
    }
    let (tenant, group) = setup::create_customer(engine, operator(), name).await?;
    Ok(output::line(format!("created {} ({}), tenant {}", group.name, group.id, tenant.0))?)
}

async fn reevaluate(engine: &Engine, group: &Group, wait: bool) -> Result<()> {
    let (tenant, id) = (group.tenant, group.id);
    let started = engine.edit(tenant, operator(), move |work| {
        let tree = &work.rules().organization_groups;
        let scope = match tree.root() == Some(id) {
            true => Scope::all(),
            false => Scope { organization_groups: tree.within(id), ..Scope::default() },
        };
        jobs::reevaluate(work, scope, "started by an operator".to_owned())
    });
    let job = started.await?;
    let load = async || {
        let found = engine.db().read(move |tx| allclear_store::jobs::get(tx, tenant, job)).await?;
        Ok::<Option<Job>, anyhow::Error>(found)
    };
    let total = load().await?.map_or(0, |job| job.total);
    output::line(format!("job {job}: {total} devices of {}", group.name))?;
    if !wait {
        return Ok(());
    }
    loop {
        jobs::run_all(engine).await?;
        match load().await? {
            Some(job) if job.state != jobs::JobState::Done => {
                // A running server has it.
                tokio::time::sleep(std::time::Duration::from_millis(200)).await;
            }
            done => {
                let (done, changed) = done.map_or((0, 0), |job| (job.done, job.changed));
                return Ok(output::line(format!("done: {done} devices evaluated, {changed} changed"))?);
            }
        }
    }
}

/// Verifies one customer or all, and says whether everything is right.
async fn verify_all(engine: &Engine, wanted: Option<&str>) -> Result<bool> {
    let groups = match wanted {
        Some(wanted) => vec![place::tenant(engine.db(), Some(wanted)).await?],
        None => customers(engine).await?,
    };
    let mut right = true;
    for group in groups {
        let report = verify::verify(engine, group.tenant).await?;
        for finding in &report.findings {
            output::line(finding)?;
        }
        let awaited = match report.awaited {
            0 => String::new(),
            awaited => format!(", {awaited} awaiting a re-evaluation"),
        };
        output::line(format!(
            "{}: {} of {} devices and {} of {} users are wrong{awaited}",
            group.name, report.wrong_devices, report.devices, report.wrong_users, report.users
        ))?;
        right &= report.is_right();
    }
    Ok(right)
}

fn new_key(place: &Place) -> Result<()> {
    let config = place.load()?;
    home::prepare(&config.data_dir)?;
    let path = home::key_path(&config.data_dir);
    if home::read_key(&path)?.is_some() {
        bail!("{} is there; it is not replaced", path.display());
    }
    home::new_key(&path, &allclear_engine::source::SystemSource)?;
    Ok(output::line(format!("made {}; secrets sealed with another key cannot be opened with it", path.display()))?)
}
