//! One phone: what it is, what it catches, and how it carries out commands.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use allclear_domain::{level::Platform, time::Time};
use allclear_engine::source::{Source, SystemSource};
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use crate::{
    client::{Body, CallError, Client},
    plausible::{self, Model},
};

/// How a phone behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Temper {
    /// At once.
    Prompt,
    /// After some seconds.
    Slow,
    /// Fails the first attempts, in its own words.
    Failing,
    /// Is out of reach for a while, now and then.
    Away,
}

/// What a phone is.
#[derive(Clone, Debug)]
pub(super) struct Outfit {
    /// Its maker and model.
    pub(super) model: Model,
    /// How it behaves.
    pub(super) temper: Temper,
    serial_number: String,
    friendly_name: String,
    version: &'static str,
}

/// What goes wrong on phones.
const FAILURES: &[&str] = &[
    "The device is locked; the profile can be installed after the next unlock.",
    "Not enough free storage.",
    "Policy application failed: INVALID_VALUE in work profile.",
    "The user postponed the installation.",
];

impl Outfit {
    /// Draws one; `number` makes its serial number, together with the seed.
    pub(super) fn draw(random: &mut StdRng, platform: Platform, owner: &str, (seed, number): (u64, u32)) -> Self {
        let model = plausible::model(random, Some(platform));
        let temper = match random.random_range(0..100) {
            0..10 => Temper::Slow,
            10..18 => Temper::Failing,
            18..24 => Temper::Away,
            _ => Temper::Prompt,
        };
        Self {
            temper,
            serial_number: format!("SIM-{seed}-{number:06}"),
            friendly_name: format!("{owner}'s {}", model.name),
            version: model.version(random),
            model,
        }
    }

    /// What it says of itself when it enrolls.
    pub(super) fn device(&self, now: Time, random: &mut StdRng) -> Value {
        let mut device = json!({
            "platform": self.model.platform.as_str(),
            "serial_number": self.serial_number,
            "manufacturer": self.model.manufacturer,
            "model": self.model.name,
            "os_version": self.version,
            "friendly_name": self.friendly_name,
            "ownership": "corporate_dedicated",
            "management": if self.model.platform == Platform::Ios { "supervised" } else { "fully_managed" },
        });
        if let Some(level) = self.model.patch_level(random, now) {
            device["security_patch_level"] = level.into();
        }
        device
    }
}

/// A phone that is enrolled.
pub(super) struct Phone {
    client: Client,
    shared: Arc<Shared>,
    outfit: Outfit,
    /// What it catches, and when.
    fortune: Mutex<StdRng>,
    /// Threats that are on it.
    caught: Mutex<Vec<Caught>>,
    /// How it handles commands: drawn apart, so that the two do not disturb each other.
    manners: Mutex<StdRng>,
}

/// What a phone is told to do.
#[derive(Deserialize)]
struct Command {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Deserialize)]
struct Commands {
    commands: Vec<Command>,
    messages_waiting: bool,
}

#[derive(Deserialize)]
struct Messages {
    messages: Vec<Message>,
}

/// Something the phone's owner is told.
#[derive(Deserialize)]
struct Message {
    id: String,
    read: bool,
}

/// A threat that is on the phone.
struct Caught {
    id: String,
    classification: &'static str,
    details: serde_json::Map<String, Value>,
}

impl Caught {
    /// Whether the phone's inventory shows it, so that nobody has to detect it.
    fn shows(&self) -> bool {
        plausible::SHOWN.iter().any(|(classification, _, _)| *classification == self.classification)
    }
}

impl Phone {
    /// A phone with its credential in `client`.
    pub(super) fn new(client: Client, shared: Arc<Shared>, outfit: Outfit, mut random: StdRng) -> Self {
        let manners = Mutex::new(StdRng::seed_from_u64(random.next_u64()));
        Self { client, shared, outfit, fortune: Mutex::new(random), caught: Mutex::default(), manners }
    }

    /// Lives until the fleet is told to stop.
    pub(super) async fn live(self) {
        self.take_stock().await;
        let both = async { tokio::join!(self.suffer(), self.obey()) };
        tokio::select! {
            () = self.shared.stop.cancelled() => {}
            _ = both => {}
        }
    }

    /// Says how the phone is.
    async fn take_stock(&self) -> Option<()> {
        let mut inventory = json!({"os_version": self.outfit.version, "protection_status": "activated"});
        for (classification, member, wrong) in plausible::SHOWN {
            let caught = self.caught.lock().unwrap_or_else(PoisonError::into_inner);
            let is_so = caught.iter().any(|caught| caught.classification == *classification);
            // Two kinds may show in one member: of a phone's platform there is one only.
            if is_so || inventory.get(member).is_none() {
                inventory[member] = (is_so == *wrong).into();
            }
        }
        let told = self.shared.send::<Value>(&self.client, Method::POST, "/agent/v1/inventory", &inventory).await;
        self.note(told).map(|_| ())
    }

    /// Looks at the phone anew: says how it is and what is on it.
    async fn check(&self, command: &Command) -> Option<()> {
        self.take_stock().await?;
        let now = SystemSource.now();
        let report = |(place, caught): (usize, &Caught)| {
            let event = format!("{}-{place}", command.id);
            message(&event, caught, "open", now)
        };
        let found: Vec<Value> = {
            let caught = self.caught.lock().unwrap_or_else(PoisonError::into_inner);
            caught.iter().filter(|caught| !caught.shows()).enumerate().map(report).collect()
        };
        if found.is_empty() {
            return Some(());
        }
        let sent = self.shared.send::<Value>(&self.client, Method::POST, "/agent/v1/detections", &json!(found)).await;
        self.note(sent).map(|_| ())
    }

    /// Catches threats and loses them, for ever.
    async fn suffer(&self) {
        let every = f64::from(self.shared.plan.devices) / self.shared.plan.rate;
        for number in 0_u64.. {
            tokio::time::sleep(self.draw(&self.fortune, |random| interval(random, every))).await;
            let (message, shows) = self.draw(&self.fortune, |random| self.next(random, number));
            let opened = message["status"] == "open";
            if shows {
                // The server sees for itself what is wrong.
                if self.take_stock().await.is_none() {
                    continue;
                }
            } else {
                let sent = self.shared.send::<Value>(&self.client, Method::POST, "/agent/v1/detections", &message);
                let Some(taken) = self.note(sent.await) else { continue };
                if taken["rejected"].as_array().is_some_and(|rejected| !rejected.is_empty()) {
                    self.shared.tally.error(&taken["rejected"]);
                    continue;
                }
            }
            if opened {
                self.shared.tally.opened();
            } else {
                self.shared.tally.resolved();
            }
        }
    }

    /// The next message: something new, or the end of something; and whether an inventory shows it.
    fn next(&self, random: &mut StdRng, number: u64) -> (Value, bool) {
        let mut open = self.caught.lock().unwrap_or_else(PoisonError::into_inner);
        let loses = match open.len() {
            0 => false,
            1 => random.random_bool(0.6),
            _ => true,
        };
        let name = format!("{}-{}-{number}", self.outfit.serial_number, self.shared.run);
        let (caught, status) = if loses {
            let place = random.random_range(0..open.len());
            (open.swap_remove(place), "resolved")
        } else {
            let kind = plausible::threat(random, self.outfit.model.platform);
            let details = kind.details(random);
            (Caught { id: name.clone(), classification: kind.classification, details }, "open")
        };
        let message = message(&name, &caught, status, SystemSource.now());
        let shows = caught.shows();
        if status == "open" {
            open.push(caught);
        }
        (message, shows)
    }

    /// Fetches commands and carries them out, for ever.
    async fn obey(&self) {
        let wait = self.shared.plan.wait;
        loop {
            if self.outfit.temper == Temper::Away && self.draw(&self.manners, |random| random.random_bool(0.2)) {
                self.shared.tally.went_offline();
                let pause = self.draw(&self.manners, |random| random.random_range(5..40));
                tokio::time::sleep(Duration::from_secs(pause)).await;
                self.shared.tally.came_back();
            }
            let path = format!("/agent/v1/commands?wait={wait}&messages=true");
            let asked = {
                // The semaphore is never closed.
                let _turn = self.shared.polls.acquire().await;
                self.client.call::<Commands>(Method::GET, &path, &Body::Empty).await
            };
            self.shared.tally.polled();
            match asked {
                Ok(answer) => {
                    for command in answer.commands {
                        self.carry_out(&command).await;
                    }
                    if answer.messages_waiting {
                        self.look_at_messages().await;
                    }
                }
                Err(error) => {
                    let pause = error.retry_after();
                    self.shared.tally.error(&error);
                    tokio::time::sleep(pause.unwrap_or(Duration::from_secs(5))).await;
                }
            }
        }
    }

    /// Fetches messages, and reads those that are new.
    async fn look_at_messages(&self) {
        let fetched = self.client.insist::<Messages>(Method::GET, "/agent/v1/messages", &Body::Empty).await;
        let Some(fetched) = self.note(fetched) else { return };
        for message in fetched.messages.into_iter().filter(|message| !message.read) {
            let takes = self.draw(&self.manners, |random| random.random_range(200..3_000));
            tokio::time::sleep(Duration::from_millis(takes)).await;
            let path = format!("/agent/v1/messages/{}/read", message.id);
            let sent = self.client.insist::<()>(Method::POST, &path, &Body::Empty).await;
            if self.note(sent).is_some() {
                self.shared.tally.read();
            }
        }
    }

    async fn carry_out(&self, command: &Command) {
        let takes = match self.outfit.temper {
            Temper::Slow => self.draw(&self.manners, |random| random.random_range(2_000..12_000)),
            _ => self.draw(&self.manners, |random| random.random_range(100..1_500)),
        };
        tokio::time::sleep(Duration::from_millis(takes)).await;
        let fails = self.outfit.temper == Temper::Failing && self.draw(&self.manners, |random| random.random_bool(0.5));
        let result = if fails {
            let place = self.draw(&self.manners, |random| random.random_range(0..FAILURES.len()));
            json!({"status": "error", "detail": FAILURES[place]})
        } else {
            json!({"status": "acknowledged"})
        };
        if command.kind == "check" && self.check(command).await.is_none() {
            // It is handed out again.
            return;
        }
        let path = format!("/agent/v1/commands/{}/result", command.id);
        let sent = self.shared.send::<Value>(&self.client, Method::POST, &path, &result).await;
        if self.note(sent).is_some() {
            match (fails, command.kind.as_str()) {
                (true, _) => self.shared.tally.failed(),
                (false, "install_profile") => self.shared.tally.installed(),
                (false, "remove_profile") => self.shared.tally.removed(),
                (false, _) => {}
            }
        }
    }

    fn note<T>(&self, result: Result<T, CallError>) -> Option<T> {
        result.map_err(|error| self.shared.tally.error(&error)).ok()
    }

    fn draw<T>(&self, from: &Mutex<StdRng>, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        draw(&mut from.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What is said of a threat on the phone.
fn message(event: &str, caught: &Caught, status: &str, at: Time) -> Value {
    json!({
        "event_id": event,
        "source": "agent",
        "threat_id": caught.id,
        "classification": caught.classification,
        "status": status,
        "detected_at": at,
        "details": caught.details,
    })
}

/// How long until the next of events that come every so many seconds on average.
fn interval(random: &mut StdRng, average: f64) -> Duration {
    let chance: f64 = random.random_range(f64::EPSILON..1.0);
    Duration::from_secs_f64((-chance.ln() * average).clamp(0.0, 86_400.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_phone() {
        let draw = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            let outfit = Outfit::draw(&mut random, Platform::Android, "Ada Nowak", (7, 3));
            (outfit.temper, outfit.device(Time::EPOCH, &mut random))
        };
        assert_eq!(draw(1), draw(1));
        let (_, device) = draw(2);
        assert_eq!(device["serial_number"], "SIM-7-000003");
        assert!(device["friendly_name"].as_str().unwrap().starts_with("Ada Nowak's "));
        assert_eq!(device["platform"], "android");
    }

    #[test]
    fn intervals_have_their_average() {
        let mut random = StdRng::seed_from_u64(1);
        let sum: f64 = (0..10_000).map(|_| interval(&mut random, 3.0).as_secs_f64()).sum();
        assert!((2.8..3.2).contains(&(sum / 10_000.0)), "{sum}");
    }
}
