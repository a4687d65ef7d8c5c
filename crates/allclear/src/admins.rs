//! `allclear admin link | list | create | disable | unlock`: the people who sign in to the console, as seen from the
//! server itself, where nobody has to sign in. Works beside a running server.

use allclear_domain::{
    admin::AdminState,
    ids::{OrganizationGroupId, Tenant},
    journal::{Actor, ActorKind},
    rights::BuiltInRole,
    time::Time,
};
use allclear_engine::{
    Engine,
    admins::{self, AdminEdit, NewAdmin},
};
use allclear_server::{
    api::links,
    auth::{Credential, Kind},
    sign_in::password,
};
use allclear_store::{
    admins::{self as stored, Admin, AdminFilter, Scope},
    organization_groups,
    roles::RoleRef,
    tenants,
};
use anyhow::{Context, Result, anyhow};
use clap::Args;

use crate::{
    config::Config,
    output,
    place::{self, Place},
    token::operator,
};

/// Options of `admin link`.
#[derive(Args, Debug)]
pub struct Link {
    #[command(flatten)]
    place: Place,
    /// The administrator who takes up the invitation or chooses a new password by the link, by user name or mail
    /// address; without one, the link makes a new administrator
    user_name: Option<String>,
    /// Where the new administrator administers: `global`, the name of a customer or the id of an organization group
    #[arg(long, value_name = "GROUP", default_value = "global")]
    organization_group: String,
    /// Take all second factors away, for somebody who has lost theirs
    #[arg(long, requires = "user_name")]
    remove_second_factors: bool,
}

/// Options of `admin list`.
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    place: Place,
}

/// Options of `admin create`.
#[derive(Args, Debug)]
pub struct Create {
    #[command(flatten)]
    place: Place,
    /// The name to sign in with
    user_name: String,
    /// What people call them; the user name if not given
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The mail address, good for signing in as well
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// What they may do: the name of a built-in role, or the id of a role of the customer's own
    #[arg(long, value_name = "ROLE", default_value = "administrator")]
    role: String,
    /// Where they may do it: `global`, the name of a customer or the id of an organization group
    #[arg(long, value_name = "GROUP", default_value = "global")]
    organization_group: String,
}

/// Options of `admin disable` and `admin unlock`.
#[derive(Args, Debug)]
pub struct Named {
    #[command(flatten)]
    place: Place,
    /// The user name or mail address
    user_name: String,
}

/// Where people reach the server, as far as its settings say.
fn base_url(config: &Config) -> String {
    if config.public_url.is_empty() { format!("http://{}", config.listen) } else { config.public_url.clone() }
}

/// The text of a new link's address for the first administrator of a server that has none; nothing if it has one.
pub async fn first_start_link(engine: &Engine, base_url: &str) -> Result<Option<String>> {
    let any = engine.db().read(|tx| {
        for tenant in tenants::list(tx)? {
            if stored::count(tx, tenant)? > 0 {
                return Ok(true);
            }
        }
        Ok::<_, allclear_store::Error>(false)
    });
    if any.await? {
        return Ok(None);
    }
    let token = links::set_up(engine, operator(), (Tenant::SERVER, OrganizationGroupId::GLOBAL)).await?;
    Ok(Some(links::url(base_url, &token)))
}

/// Makes an administrator with a password, in place of one of that name, for the demo.
pub async fn with_password(engine: &Engine, user_name: &str, name: &str, text: &str) -> Result<()> {
    let hash = password::hash(text, &**engine.source()).map_err(|error| anyhow!("{error}"))?;
    let wanted = user_name.to_owned();
    let there = engine.db().read(move |tx| stored::by_name(tx, &wanted)).await?;
    let tenant = there.map_or(Tenant::SERVER, |(tenant, _)| tenant);
    let new = NewAdmin {
        user_name: user_name.to_owned(),
        email: None,
        name: name.to_owned(),
        role: RoleRef::BuiltIn(BuiltInRole::Administrator),
        reach: OrganizationGroupId::GLOBAL,
        password: Some(hash.clone()),
    };
    let made = engine.edit(tenant, Actor::new(ActorKind::Operator, "demo"), move |work| match there {
        Some((_, id)) => admins::set_password(work, id, hash.clone(), None).map(|_| ()),
        None => admins::create(work, new.clone()).map(|_| ()),
    });
    Ok(made.await?)
}

/// The administrator of a sign-in name.
async fn find(engine: &Engine, user_name: &str) -> Result<Admin> {
    let wanted = user_name.to_owned();
    let found = engine.db().read(move |tx| match stored::by_name(tx, &wanted)? {
        Some((tenant, id)) => stored::get(tx, tenant, id),
        None => Ok(None),
    });
    found.await?.with_context(|| format!("nobody signs in as {user_name:?}"))
}

impl Link {
    /// Does it.
    pub async fn run(self) -> Result<()> {
        let config = self.place.load()?;
        let engine = place::open_engine(&config).await?;
        let token = match &self.user_name {
            Some(user_name) => {
                let admin = find(&engine, user_name).await?;
                let (secret, credential) = Credential::new(Kind::Link, admin.tenant, engine.source().secret());
                let remove = self.remove_second_factors;
                let link = engine.edit(admin.tenant, operator(), move |work| {
                    if remove {
                        admins::remove_second_factors(work, admin.id)?;
                    }
                    admins::link_for(work, admin.id, &credential.hash)
                });
                let link = link.await?;
                output::line(format!("good once, until {}:", seconds(link.expires_at)))?;
                secret.reveal()
            }
            None => {
                let group = place::group(engine.db(), Some(&self.organization_group)).await?;
                output::line(format!("good once, for a day; makes an administrator of {}:", group.name))?;
                links::set_up(&engine, operator(), (group.tenant, group.id)).await?
            }
        };
        output::line(links::url(&base_url(&config), &token))?;
        engine.db().close().await;
        Ok(())
    }
}

impl List {
    /// Does it.
    pub async fn run(self) -> Result<()> {
        let engine = place::open_engine(&self.place.load()?).await?;
        let now = engine.source().now();
        let all = engine.db().read(|tx| {
            let scope = Scope { tenants: tenants::list(tx)?, groups: None };
            let found = stored::list(tx, &scope, &AdminFilter::default())?;
            found
                .into_iter()
                .map(|admin| {
                    let group = organization_groups::get(tx, admin.tenant, admin.reach)?;
                    Ok((admin, group.map(|(group, _)| group.name).unwrap_or_default()))
                })
                .collect::<Result<Vec<_>, allclear_store::Error>>()
        });
        let rows: Vec<Vec<String>> = all
            .await?
            .into_iter()
            .map(|(admin, group)| {
                let state = match admin.state {
                    _ if admin.locked_until.is_some_and(|until| until > now) => "locked",
                    AdminState::Invited => "invited",
                    AdminState::Active => "active",
                    AdminState::Disabled => "disabled",
                };
                let signed_in = admin.last_signed_in_at.map_or("never".to_owned(), seconds);
                vec![admin.user_name, admin.name, admin.role.to_string(), group, state.to_owned(), signed_in]
            })
            .collect();
        output::table(&["USER NAME", "NAME", "ROLE", "REACH", "STATE", "SIGNED IN"], &rows)?;
        engine.db().close().await;
        Ok(())
    }
}

fn seconds(at: Time) -> String {
    at.to_jiff().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Create {
    /// Does it.
    pub async fn run(self) -> Result<()> {
        let config = self.place.load()?;
        let engine = place::open_engine(&config).await?;
        let group = place::group(engine.db(), Some(&self.organization_group)).await?;
        let role = self.role.parse::<RoleRef>().with_context(|| format!("there is no role {:?}", self.role))?;
        let new = NewAdmin {
            name: self.name.unwrap_or_else(|| self.user_name.clone()),
            user_name: self.user_name,
            email: self.email,
            role,
            reach: group.id,
            password: None,
        };
        let (secret, credential) = Credential::new(Kind::Link, group.tenant, engine.source().secret());
        let made = engine.edit(group.tenant, operator(), move |work| {
            let admin = admins::create(work, new.clone())?;
            admins::link_for(work, admin.id, &credential.hash)?;
            Ok(admin)
        });
        let admin = made.await?;
        output::line(format!(
            "invited {} as {role} of {}; the link is good once, for a week:",
            admin.name, group.name
        ))?;
        output::line(links::url(&base_url(&config), &secret.reveal()))?;
        engine.db().close().await;
        Ok(())
    }
}

impl Named {
    /// Keeps an administrator from signing in, and ends their sessions.
    pub async fn disable(self) -> Result<()> {
        let engine = place::open_engine(&self.place.load()?).await?;
        let admin = find(&engine, &self.user_name).await?;
        let changed = engine.edit(admin.tenant, operator(), move |work| {
            let edit = AdminEdit { disabled: Some(true), ..AdminEdit::default() };
            admins::edit(work, admin.id, &edit, admin.version)
        });
        output::line(format!("disabled {}", changed.await?.user_name))?;
        engine.db().close().await;
        Ok(())
    }

    /// Lifts the lock that too many wrong attempts have set.
    pub async fn unlock(self) -> Result<()> {
        let engine = place::open_engine(&self.place.load()?).await?;
        let admin = find(&engine, &self.user_name).await?;
        let changed = engine.edit(admin.tenant, operator(), move |work| admins::unlock(work, admin.id)).await?;
        output::line(format!("unlocked {}", changed.user_name))?;
        engine.db().close().await;
        Ok(())
    }
}
