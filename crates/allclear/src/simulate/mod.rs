//! `allclear simulate`: phones that behave like phones, over the public interfaces only.

mod phone;
pub mod tally;

use std::{process::ExitCode, sync::Arc, time::Duration};

use allclear_domain::level::Platform;
use allclear_engine::source::{Source, SystemSource};
use anyhow::{Context, Result, bail};
use clap::Args;
use futures_util::{StreamExt, stream};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Body, CallError, Client, Remote},
    output, plausible, signals,
};
use phone::{Outfit, Phone};
use tally::Tally;

/// Simulate phones of both platforms against a server
///
/// Each phone enrolls with a token of its own, reports itself, catches threats and loses them, fetches commands and
/// carries them out. Some are slow, some fail at first, some are offline for a while. What a phone does follows from
/// the seed. Ends on Ctrl-C; prints a line every five seconds.
#[derive(Args, Debug)]
pub struct Simulate {
    /// The token must allow users and enrollment tokens to be made
    #[command(flatten)]
    remote: Remote,
    /// How many phones
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    devices: u32,
    /// How many of a hundred run Android; the others run iOS
    #[arg(long, value_name = "PERCENT", default_value_t = 55, value_parser = clap::value_parser!(u8).range(0..=100))]
    platform_mix: u8,
    /// Detections a second of all phones together; one a minute and phone if not given
    #[arg(long, value_name = "N")]
    rate: Option<f64>,
    /// Requests at once, long polls not counted
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    concurrency: u16,
    /// Long polls at once; phones beyond that take turns
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u16).range(1..=20_000))]
    polls: u16,
    /// End after so many seconds
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
    /// The same seed gives the same phones, which do the same
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

/// What a fleet is made of.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// How many phones.
    pub devices: u32,
    /// How many of a hundred run Android.
    pub android: u8,
    /// Detections a second of all together.
    pub rate: f64,
    /// Requests at once, long polls not counted.
    pub concurrency: usize,
    /// Long polls at once.
    pub polls: usize,
    /// Long polls last so long, in seconds.
    pub wait: u32,
    /// What everything is drawn from.
    pub seed: u64,
}

/// How often a line is printed.
const EVERY: Duration = Duration::from_secs(5);

impl Simulate {
    /// Does it.
    pub async fn run(self) -> Result<ExitCode> {
        if self.remote.token.is_none() {
            bail!("--token is missing");
        }
        let rate = self.rate.unwrap_or(f64::from(self.devices) / 60.0);
        if !(rate.is_finite() && rate > 0.0) {
            bail!("--rate must be above 0");
        }
        let everybody_polls = self.devices <= u32::from(self.polls);
        let plan = Plan {
            devices: self.devices,
            android: self.platform_mix,
            rate,
            concurrency: self.concurrency.into(),
            polls: self.polls.into(),
            wait: if everybody_polls { 30 } else { 2 },
            seed: self.seed,
        };
        let client = Client::new(&self.remote)?;
        let stop = CancellationToken::new();
        let tally = Arc::new(Tally::new(plan.devices));
        let ending = {
            let (stop, told, seconds) = (stop.clone(), signals::stop(), self.seconds);
            tokio::spawn(async move {
                let end = async {
                    match seconds {
                        Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = told => {}
                    () = end => {}
                }
                stop.cancel();
            })
        };
        let reporting = {
            let (stop, tally) = (stop.clone(), Arc::clone(&tally));
            tokio::spawn(async move {
                while !stop.is_cancelled() {
                    tokio::select! {
                        () = stop.cancelled() => break,
                        () = tokio::time::sleep(EVERY) => {}
                    }
                    if output::line(tally.line()).is_err() {
                        stop.cancel();
                    }
                }
            })
        };
        let ran = run(&client, plan, Arc::clone(&tally), stop.clone()).await;
        stop.cancel();
        ending.abort();
        reporting.await.context("the report has failed")?;
        output::line(tally.line())?;
        ran?;
        Ok(if tally.errors() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

/// Runs a fleet until `stop`. Fails if not one phone could be enrolled.
pub async fn run(client: &Client, plan: Plan, tally: Arc<Tally>, stop: CancellationToken) -> Result<()> {
    let shared = Arc::new(Shared {
        plan,
        tally,
        stop,
        requests: Semaphore::new(plan.concurrency),
        polls: Semaphore::new(plan.polls),
        // Tells the messages of one run from those of another with the same seed.
        run: SystemSource.now().as_micros() / 1_000_000,
    });
    let phones: Vec<Result<Phone, CallError>> = stream::iter(0..plan.devices)
        .take_until(shared.stop.clone().cancelled_owned())
        .map(|number| enroll(client, Arc::clone(&shared), number))
        .buffer_unordered(plan.concurrency)
        .collect()
        .await;
    let (mut running, mut failure) = (tokio::task::JoinSet::new(), None);
    for phone in phones {
        match phone {
            Ok(phone) => {
                running.spawn(phone.live());
            }
            Err(error) => {
                shared.tally.error(&error);
                failure = Some(error);
            }
        }
    }
    if running.is_empty()
        && let Some(error) = failure
    {
        return Err(error).context("no phone could be enrolled");
    }
    while let Some(ended) = running.join_next().await {
        ended.context("a phone has failed")?;
    }
    Ok(())
}

/// What all phones of a fleet share.
struct Shared {
    plan: Plan,
    tally: Arc<Tally>,
    stop: CancellationToken,
    requests: Semaphore,
    polls: Semaphore,
    run: i64,
}

impl Shared {
    /// Sends a request, when it is its turn, as often as it makes sense.
    async fn send<T: serde::de::DeserializeOwned>(
        &self,
        client: &Client,
        method: Method,
        path: &str,
        body: &serde_json::Value,
    ) -> Result<T, CallError> {
        // The semaphore is never closed.
        let _turn = self.requests.acquire().await;
        client.insist(method, path, &Body::Json(body)).await
    }
}

#[derive(Deserialize)]
struct Made {
    id: String,
}

#[derive(Deserialize)]
struct UserPage {
    items: Vec<KnownUser>,
}

#[derive(Deserialize)]
struct KnownUser {
    id: String,
    user_name: String,
}

#[derive(Deserialize)]
struct EnrollmentToken {
    token: String,
}

#[derive(Deserialize)]
struct Enrolled {
    device_token: String,
}

/// Makes a user and a token for them, and enrolls a phone with it.
async fn enroll(client: &Client, shared: Arc<Shared>, number: u32) -> Result<Phone, CallError> {
    // Each phone draws its own numbers, so that it does not matter who is served first.
    let mut random = StdRng::seed_from_u64(shared.plan.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ u64::from(number));
    let person = plausible::person(&mut random, number as usize);
    let platform = if random.random_range(0..100) < shared.plan.android { Platform::Android } else { Platform::Ios };
    let outfit = Outfit::draw(&mut random, platform, &person.name, (shared.plan.seed, number));
    let user = user(client, &shared, &person).await?;
    let wanted = json!({"user_id": user, "platform": platform.as_str()});
    let token: EnrollmentToken = shared.send(client, Method::POST, "/api/v1/enrollment-tokens", &wanted).await?;
    let request = json!({"enrollment_token": token.token, "device": outfit.device(SystemSource.now(), &mut random)});
    let enrolled: Enrolled = shared.send(client, Method::POST, "/agent/v1/enroll", &request).await?;
    shared.tally.enrolled();
    Ok(Phone::new(client.with_credential(&enrolled.device_token), shared, outfit, random))
}

/// The user of that name, made if there is none.
async fn user(client: &Client, shared: &Shared, person: &plausible::Person) -> Result<String, CallError> {
    let new = json!({
        "user_name": person.user_name,
        "display_name": person.name,
        "email": person.email,
        "phone": person.phone,
        "locale": person.locale,
    });
    match shared.send::<Made>(client, Method::POST, "/api/v1/users", &new).await {
        Ok(made) => Ok(made.id),
        // From an earlier run with the same seed.
        Err(error) if matches!(error.status(), Some(409 | 422)) => {
            let page: UserPage = client.get(&format!("/api/v1/users?q={}", person.user_name)).await?;
            let known = page.items.into_iter().find(|user| user.user_name == person.user_name);
            known.map(|user| user.id).ok_or(error)
        }
        Err(error) => Err(error),
    }
}
