//! Keeping sets up to date: those of URLs when they are due, those of the folder when its files change.
//!
//! A set of a URL is fetched by one node: whoever takes it puts off when it is due. The folder's sets are every tenant's;
//! what is in the folder already is not loaded again, so that several nodes may have the same folder.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use allclear_domain::{
    ids::{IndicatorSetId, Tenant},
    indicator::Origin,
    journal::{Actor, ActorKind},
    time::{Span, Time},
};
use allclear_engine::{
    Engine, Error,
    indicators::{self, Loading, NewSet},
};
use allclear_guard::{AllowList, GuardedClient};
use allclear_store::{
    indicator_sets::{self as stored, IndicatorSet},
    tenants,
};
use reqwest::Url;
use tokio::time::sleep;

use super::{
    digest,
    fetch::{Version, fetch},
    folder::{self, Listed},
};

/// The longest URL, in bytes.
const URL: usize = 500;
/// How long a fetch is a node's own: a dead node's is taken over then.
const HELD: Span = Span::seconds(600);
/// How often the folder's sets are compared with the tenants' even if no file changed: tenants come to be, too.
const COMPARE: Span = Span::seconds(60);

/// How sets are kept up to date.
#[derive(Clone, Debug)]
pub struct Options {
    /// A folder whose files are sets of every tenant.
    pub folder: Option<PathBuf>,
    /// How often the folder is looked at and it is seen what is due.
    pub look: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { folder: None, look: Duration::from_secs(5) }
    }
}

/// Reads the address of a set, or says what is wrong with it. Where its name leads is only known when it is used.
pub fn url(text: &str, allow: &AllowList) -> Result<Url, String> {
    let url = match Url::parse(text) {
        Ok(url) if text.len() <= URL => url,
        Ok(_) => return Err(format!("must be at most {URL} bytes")),
        Err(error) => return Err(format!("is no URL: {error}")),
    };
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return Err("must have neither user, password nor fragment".to_owned());
    }
    allow.check(&url).map_err(|refused| refused.to_string())?;
    Ok(url)
}

/// Keeps all sets up to date until `shutdown` is ready.
pub async fn run(engine: Engine, http: GuardedClient, options: Options, shutdown: impl Future<Output = ()> + Send) {
    let work = async {
        let mut files = Files::default();
        loop {
            if let Err(error) = fetch_due(&engine, &http).await {
                tracing::warn!(error = &error as &dyn std::error::Error, "indicator sets could not be looked at");
            }
            if let Some(folder) = &options.folder
                && let Err(error) = files.look(&engine, folder).await
            {
                tracing::warn!(error = &error as &dyn std::error::Error, "the folder's indicator sets were not loaded");
            }
            sleep(options.look).await;
        }
    };
    // A load that is cut short is done again.
    tokio::select! {
        () = work => {}
        () = shutdown => {}
    }
}

fn actor(name: &str) -> Actor {
    Actor::new(ActorKind::Engine, name)
}

/// The tenants that have devices.
async fn customers(engine: &Engine) -> Result<Vec<Tenant>, Error> {
    let all = engine.db().read(|tx| Ok::<_, Error>(tenants::list(tx)?)).await?;
    Ok(all.into_iter().filter(|tenant| *tenant != Tenant::SERVER).collect())
}

/// Fetches every set that is due, one after the other.
async fn fetch_due(engine: &Engine, http: &GuardedClient) -> Result<(), Error> {
    for tenant in customers(engine).await? {
        while let Some(set) = take_due(engine, tenant).await? {
            let outcome = refreshed(engine, http, tenant, &set).await;
            if let Err(why) = &outcome {
                tracing::info!(indicator_set = set.name, why, "an indicator set was not fetched");
                metrics::counter!("allclear_indicator_sets_failed_total").increment(1);
            }
            let (id, news) = (set.id, outcome);
            if news != Ok(true) {
                let error = news.err();
                engine
                    .edit(tenant, actor("indicators"), move |work| indicators::note_check(work, id, error.clone()))
                    .await?;
            }
        }
    }
    Ok(())
}

/// Takes a set that is due, so that no other node does.
async fn take_due(engine: &Engine, tenant: Tenant) -> Result<Option<IndicatorSet>, Error> {
    let now = engine.source().now();
    if engine.db().read(move |tx| Ok::<_, Error>(stored::due(tx, tenant, now)?)).await?.is_none() {
        return Ok(None);
    }
    let take = engine.edit(tenant, actor("indicators"), move |work| {
        let Some(set) = stored::due(work.tx, work.tenant, work.now)? else { return Ok(None) };
        let put_off = IndicatorSet { next_check_at: Some(work.now.plus(HELD)), ..set.clone() };
        stored::update(work.tx, work.tenant, &put_off)?;
        Ok(Some(set))
    });
    take.await
}

/// Fetches a set and loads what is new; false if nothing is.
async fn refreshed(engine: &Engine, http: &GuardedClient, tenant: Tenant, set: &IndicatorSet) -> Result<bool, String> {
    let address = set.url.as_deref().ok_or("the set has no URL")?;
    let address = Url::parse(address).map_err(|error| format!("the URL cannot be read: {error}"))?;
    let known = Version { etag: set.content.etag.clone(), last_modified: set.content.last_modified.clone() };
    let Some((content, version)) = fetch(http, &address, &known).await? else { return Ok(false) };
    let mut loading = read(content).await?;
    (loading.etag, loading.last_modified) = (version.etag, version.last_modified);
    match indicators::load(engine, tenant, actor("indicators"), set.id, loading).await {
        Ok(()) => Ok(true),
        Err(error) => Err(error.to_string()),
    }
}

/// [`super::read`] on a thread of its own, because it may take a second.
async fn read(content: Vec<u8>) -> Result<Loading, String> {
    let reading = tokio::task::spawn_blocking(move || super::read(&content)).await;
    let read = reading.map_err(|_| "the content could not be read".to_owned())?;
    read.map_err(|why| format!("the content {why}"))
}

/// What this node knows of the folder.
#[derive(Default)]
struct Files {
    seen: BTreeMap<String, Listed>,
    compared_at: Option<Time>,
}

impl Files {
    /// Makes every tenant's sets of the folder what its files hold.
    async fn look(&mut self, engine: &Engine, folder: &Path) -> Result<(), Error> {
        let path = folder.to_owned();
        let listed = tokio::task::spawn_blocking(move || folder::list(&path)).await.map_err(|_| Error::Closed)?;
        let listed = match listed {
            Ok(listed) => listed,
            Err(error) => {
                // What was loaded stays: a folder that is not there for a moment says nothing.
                tracing::warn!(folder = %folder.display(), %error, "the folder of indicator sets cannot be read");
                return Ok(());
            }
        };
        let now = engine.source().now();
        if listed == self.seen && self.compared_at.is_some_and(|at| now.since(at) < COMPARE) {
            return Ok(());
        }
        let mut wanted: BTreeMap<&str, Arc<Result<Vec<u8>, String>>> = BTreeMap::new();
        for (name, file) in &listed {
            let file = file.clone();
            let content = tokio::task::spawn_blocking(move || folder::content(&file)).await;
            wanted.insert(name, Arc::new(content.unwrap_or_else(|_| Err("cannot be read".to_owned()))));
        }
        for tenant in customers(engine).await? {
            apply(engine, tenant, &wanted).await?;
        }
        (self.seen, self.compared_at) = (listed, Some(now));
        Ok(())
    }
}

/// Makes a tenant's sets of the folder what its files hold.
async fn apply(
    engine: &Engine,
    tenant: Tenant,
    wanted: &BTreeMap<&str, Arc<Result<Vec<u8>, String>>>,
) -> Result<(), Error> {
    let sets = engine.db().read(move |tx| Ok::<_, Error>(stored::list(tx, tenant)?)).await?;
    let sets = sets.into_iter().filter(|set| set.origin == Origin::Folder);
    let mut held: BTreeMap<String, IndicatorSet> = sets.map(|set| (set.name.clone(), set)).collect();
    for (name, content) in wanted {
        let set = held.remove(*name);
        if let Err(error) = update(engine, tenant, name, set, content).await {
            tracing::warn!(
                indicator_set = name,
                error = &error as &dyn std::error::Error,
                "a file of the folder was not loaded"
            );
        }
    }
    for set in held.into_values() {
        indicators::delete(engine, tenant, actor("folder"), set.id).await?;
    }
    Ok(())
}

/// Loads a file, if the set does not hold it already.
async fn update(
    engine: &Engine,
    tenant: Tenant,
    name: &str,
    set: Option<IndicatorSet>,
    content: &Result<Vec<u8>, String>,
) -> Result<(), Error> {
    let (loading, why) = match content {
        Ok(content) => {
            let known = set.as_ref().filter(|set| set.error.is_none()).and_then(|set| set.content.digest.as_ref());
            if known == Some(&digest(content)) {
                return Ok(());
            }
            match read(content.clone()).await {
                Ok(loading) => (Some(loading), None),
                Err(why) => (None, Some(why)),
            }
        }
        Err(why) => (None, Some(format!("the file {why}"))),
    };
    if let Some(set) = set.as_ref().filter(|set| why.is_some() && set.error == why) {
        tracing::debug!(indicator_set = set.name, "the file is still not readable");
        return Ok(());
    }
    let id = match set {
        Some(set) => set.id,
        None => make(engine, tenant, name).await?,
    };
    match loading {
        Some(loading) => indicators::load(engine, tenant, actor("folder"), id, loading).await,
        None => engine.edit(tenant, actor("folder"), move |work| indicators::note_check(work, id, why.clone())).await,
    }
}

async fn make(engine: &Engine, tenant: Tenant, name: &str) -> Result<IndicatorSetId, Error> {
    let new =
        NewSet { name: name.to_owned(), origin: Origin::Folder, classification: None, url: None, refresh_seconds: 0 };
    engine.edit(tenant, actor("folder"), move |work| indicators::create(work, new.clone())).await
}
