//! What is done for a whole enterprise now and then: news is fetched, devices are listed, and what nobody uses is cleared
//! away.

use std::{collections::HashSet, time::Duration};

use allclear_domain::time::{Span, Time};
use allclear_engine::Error;
use allclear_store::{android_devices as stored, android_enterprise};
use tokio::time::sleep;

use super::{
    Failure, client,
    events::Event,
    intake::{self, Taken},
    keeper::{Keeper, News, STEP, UNUSED},
};

/// Messages fetched at once, and how long for the first is waited.
const PULL: u16 = 100;
const PATIENCE: Duration = Duration::from_secs(20);
/// How long no news is fetched after it was refused.
const NO_NEWS: Duration = Duration::from_secs(60);
/// How often it is looked what can be cleared away, and what is due.
const TIDY: Duration = Duration::from_secs(15);
/// How often all devices are asked for; so often for each page while somebody may enroll.
const LIST: Span = Span::seconds(600);
const LIST_SOON: Span = Span::seconds(15);
/// How much is cleared away at once.
const AT_ONCE: i64 = 20;

impl Keeper {
    /// Fetches what Google tells and takes it in.
    pub(super) async fn pull(&self) {
        if self.client.settings().subscription.is_none() {
            return;
        }
        loop {
            let pulled = self.ask(self.client.pull(PULL, PATIENCE)).await;
            let received = match pulled {
                Ok(received) => received,
                // The pause is in the way already.
                Err(client::Error::Later { .. } | client::Error::Permanent { .. }) => continue,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "no news can be fetched from Google");
                    sleep(NO_NEWS).await;
                    continue;
                }
            };
            let mut taken = Vec::new();
            let count = received.len();
            for one in received {
                let done = match Event::read(&one.message) {
                    Ok(event) => match intake::take(&self.engine, self.tenant, self.client.settings(), &event).await {
                        Ok(Taken::Done) => true,
                        Ok(Taken::TooEarly) => false,
                        Err(error) => {
                            let id = one.message.id.as_str();
                            tracing::warn!(id, error = &error as &dyn std::error::Error, "news was not taken in");
                            false
                        }
                    },
                    Err(why) => {
                        tracing::warn!(id = one.message.id, why, "news from Google cannot be read");
                        true
                    }
                };
                if done {
                    taken.push(one.ack_id);
                }
            }
            if !taken.is_empty() {
                // What is not acknowledged comes again, and changes nothing.
                let _ = self.ask(self.client.acknowledge(&taken)).await;
            }
            if taken.len() < count {
                sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// Asks for all devices now and then, and clears away what nobody uses.
    pub(super) async fn tidy(&self) {
        let mut pages: i64 = 1;
        loop {
            if let Err(failure) = self.tidy_once(&mut pages).await {
                tracing::info!(why = failure.to_string(), "what is at Google could not be looked through");
            }
            sleep(TIDY).await;
        }
    }

    pub(super) async fn tidy_once(&self, pages: &mut i64) -> Result<(), Failure> {
        let (tenant, now) = (self.tenant, self.engine.source().now());
        let read = self.engine.db().read(move |tx| {
            let listed = android_enterprise::get(tx, tenant)?.and_then(|setting| setting.listed_at);
            let stale = stored::stale_tokens(tx, tenant, now, AT_ONCE)?;
            let open = stored::has_tokens(tx, tenant, now)?;
            Ok::<_, Error>((listed, stale, open))
        });
        let (listed, stale, open) = read.await?;
        let often = open || self.client.settings().subscription.is_none();
        let soon = Span::micros(LIST_SOON.as_micros().saturating_mul(*pages));
        let every = if often && soon < LIST { soon } else { LIST };
        if listed.is_none_or(|at| now.since(at) >= every) {
            *pages = self.list(now).await?;
        }
        for name in stale {
            match self.ask(self.client.delete_enrollment_token(&name)).await {
                Ok(()) | Err(client::Error::NotFound { .. } | client::Error::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            self.write(move |tx| stored::forget_token(tx, tenant, &name)).await?;
        }
        let before = now.minus(UNUSED);
        let unused = self.engine.db().read(move |tx| stored::unused_policies(tx, tenant, before, AT_ONCE)).await;
        for id in unused.map_err(Error::from)? {
            let forgotten = id.clone();
            if !self.write(move |tx| stored::forget_policy(tx, tenant, &forgotten, before)).await? {
                continue;
            }
            match self.ask(self.client.delete_policy(&id)).await {
                Ok(()) | Err(client::Error::NotFound { .. } | client::Error::Refused { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Takes in all devices that Google has, and has those asked for that it has not. How many pages there were.
    pub(super) async fn list(&self, now: Time) -> Result<i64, Failure> {
        let (tenant, mut page, mut pages) = (self.tenant, None, 0);
        let mut there: HashSet<String> = HashSet::new();
        loop {
            let found = self.ask(self.client.list_devices(page.as_deref())).await?;
            pages += 1;
            for device in &found.devices {
                there.extend(device["name"].as_str().map(str::to_owned));
                intake::reported(&self.engine, tenant, device, false).await?;
            }
            page = found.next;
            if page.is_none() {
                break;
            }
        }
        self.write(move |tx| android_enterprise::set_listed(tx, tenant, now)).await?;
        let mut after = None;
        loop {
            let read = self.engine.db().read(move |tx| stored::names(tx, tenant, after, STEP)).await;
            let known = read.map_err(Error::from)?;
            let Some((last, ..)) = known.last() else { return Ok(pages) };
            after = Some(*last);
            for (device, name, enrolled_at) in known {
                if !there.contains(&name) && enrolled_at < now {
                    self.tell(News::Ask(device));
                }
            }
        }
    }
}
