//! `allclear token`: API tokens, made where nobody has one yet. Works beside a running server.

use std::process::ExitCode;

use allclear_domain::{
    ids::{OrganizationGroupId, Tenant, TokenId},
    journal::{Actor, ActorKind, Change, Object},
    rights::BuiltInRole,
    time::{Span, Time},
};
use allclear_engine::{Engine, Error, work::Work};
use allclear_server::auth::{Credential, Kind};
use allclear_store::{
    organization_groups,
    roles::{self, RoleRef},
    tenants,
    tokens::{self, ApiToken},
};
use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};

use crate::{
    output,
    place::{self, Place},
};

/// Make, list and revoke API tokens
#[derive(Subcommand, Debug)]
pub enum Token {
    /// Make a token; it is printed alone on the last line, and never again
    Create(Create),
    /// List tokens; what they consist of is not kept
    List(List),
    /// Revoke a token at once
    Revoke(Revoke),
}

/// Options of `token create`.
#[derive(Args, Debug)]
pub struct Create {
    #[command(flatten)]
    place: Place,
    /// What it may do: administrator, administrator_level_2, security_manager, service_administrator, help_desk,
    /// read_only, or the id of a role of the customer's own
    #[arg(long, value_name = "ROLE")]
    role: String,
    /// What it is for, in your words
    #[arg(long, value_name = "NAME")]
    name: String,
    /// Where it may do it: the id of an organization group, the name of a customer, or `global`; the only customer if
    /// not given
    #[arg(long, value_name = "GROUP")]
    organization_group: Option<String>,
    /// After how many days it is worth nothing, 1 to 3650; never if not given
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=3650))]
    expires_in_days: Option<i64>,
}

/// Options of `token list`.
#[derive(Args, Debug)]
pub struct List {
    #[command(flatten)]
    place: Place,
}

/// Options of `token revoke`.
#[derive(Args, Debug)]
pub struct Revoke {
    #[command(flatten)]
    place: Place,
    /// The token's id, as `token list` shows it
    id: TokenId,
}

/// Most tokens kept in one tenant, as over HTTP.
const MOST: i64 = 1000;

impl Token {
    /// Does it.
    pub async fn run(self) -> Result<ExitCode> {
        match self {
            Token::Create(create) => create.run().await?,
            Token::List(list) => list.run().await?,
            Token::Revoke(revoke) => revoke.run().await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Create {
    async fn run(self) -> Result<()> {
        let engine = place::open_engine(&self.place.load()?).await?;
        let group = place::group(engine.db(), self.organization_group.as_deref()).await?;
        let role = self.role.parse::<RoleRef>().ok().with_context(|| no_role(&self.role))?;
        let expires_at = self.expires_in_days.map(|days| engine.source().now().plus(Span::days(days)));
        let (token, text) = create(&engine, (group.tenant, group.id), role, &self.name, expires_at).await?;
        output::line(format!("API token {} with role {role} for {}:", token.id, group.name))?;
        output::line(text)?;
        engine.db().close().await;
        Ok(())
    }
}

fn no_role(role: &str) -> String {
    let names: Vec<&str> = BuiltInRole::ALL.iter().map(|role| role.as_str()).collect();
    format!("there is no role {role:?}; there are {}", names.join(", "))
}

/// Makes a token for an organization group of a tenant and returns it with its text.
pub async fn create(
    engine: &Engine,
    (tenant, reach): (Tenant, OrganizationGroupId),
    role: RoleRef,
    name: &str,
    expires_at: Option<Time>,
) -> Result<(ApiToken, String)> {
    if !(1..=100).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        bail!("the name must be 1 to 100 characters in one line");
    }
    let source = engine.source();
    let (secret, credential) = Credential::new(Kind::Api, tenant, source.secret());
    let token = ApiToken {
        tenant,
        id: TokenId(source.id()),
        name: name.to_owned(),
        role,
        reach,
        created_at: source.now(),
        created_by: OPERATOR.to_owned(),
        expires_at,
        last_used_at: None,
    };
    let kept = token.clone();
    engine
        .edit(tenant, operator(), move |work| {
            if roles::rights(work.tx, tenant, role)?.is_none() {
                return Err(Error::NotFound("role"));
            }
            if tokens::count(work.tx, tenant)? >= MOST {
                return Err(Error::Conflict(format!("there are {MOST} API tokens already, which is the most")));
            }
            tokens::insert(work.tx, &kept, &credential.hash)?;
            note(work, &kept, |about| Change::Created { after: about });
            Ok(())
        })
        .await?;
    Ok((token, secret.reveal()))
}

const OPERATOR: &str = "command line";

/// Who is at work when a command changes something.
pub fn operator() -> Actor {
    Actor::new(ActorKind::Operator, OPERATOR)
}

fn note(work: &mut Work<'_, '_>, token: &ApiToken, change: impl FnOnce(serde_json::Value) -> Change) {
    let object = Object { kind: "api_token".into(), id: token.id.to_string(), name: token.name.clone() };
    let about = serde_json::json!({
        "name": token.name,
        "role": token.role.to_string(),
        "organization_group": token.reach,
        "expires_at": token.expires_at,
    });
    let group = Some(token.reach).filter(|reach| *reach != OrganizationGroupId::GLOBAL);
    work.note(object, group, change(about));
}

/// All tokens of all tenants with the names of where they reach.
async fn all(engine: &Engine) -> Result<Vec<(ApiToken, String)>> {
    let all = engine.db().read(|tx| {
        let mut all = Vec::new();
        for tenant in tenants::list(tx)? {
            let roots = organization_groups::customers(tx)?;
            let root = roots.iter().find(|(of, _)| *of == tenant).map(|(_, root)| root.id);
            let within = root.unwrap_or(OrganizationGroupId::GLOBAL);
            for token in tokens::list(tx, tenant, within)? {
                let group = organization_groups::get(tx, token.tenant, token.reach)?;
                all.push((token, group.map(|(group, _)| group.name).unwrap_or_default()));
            }
        }
        Ok::<_, allclear_store::Error>(all)
    });
    Ok(all.await?)
}

impl List {
    async fn run(self) -> Result<()> {
        let engine = place::open_engine(&self.place.load()?).await?;
        let seconds = |at: Time| at.to_jiff().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let or_never = |at: Option<Time>| at.map_or("never".to_owned(), seconds);
        let rows: Vec<Vec<String>> = all(&engine)
            .await?
            .into_iter()
            .map(|(token, group)| {
                vec![
                    token.id.to_string(),
                    token.name,
                    token.role.to_string(),
                    group,
                    seconds(token.created_at),
                    or_never(token.expires_at),
                    or_never(token.last_used_at),
                ]
            })
            .collect();
        output::table(&["ID", "NAME", "ROLE", "REACH", "CREATED", "EXPIRES", "LAST USED"], &rows)?;
        engine.db().close().await;
        Ok(())
    }
}

impl Revoke {
    async fn run(self) -> Result<()> {
        let engine = place::open_engine(&self.place.load()?).await?;
        let found = all(&engine).await?.into_iter().find(|(token, _)| token.id == self.id);
        let Some((token, _)) = found else { bail!("there is no token {}", self.id) };
        let name = token.name.clone();
        engine
            .edit(token.tenant, operator(), move |work| {
                if tokens::delete(work.tx, token.tenant, token.id)? {
                    note(work, &token, |about| Change::Deleted { before: about });
                }
                Ok(())
            })
            .await?;
        output::line(format!("revoked {name}"))?;
        engine.db().close().await;
        Ok(())
    }
}
