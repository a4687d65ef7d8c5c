//! A server that is killed again and again while programs hand detections in, devices work and rules change: what was
//! acknowledged is there, and everything derived follows from it.
//!
//! `ALLCLEAR_TEST_KILLS` says how often, `ALLCLEAR_TEST_SEED` begins another way through it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use common::{
    Client, Place, Server,
    client::Answer,
    fleet::{Phone, each, trojan},
    until,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::{task::JoinSet, time::sleep};

const WRITERS: usize = 3;
const PHONES: usize = 4;
/// Threats of each writer: more on each device than its row keeps of the closed ones.
const THREATS: usize = 60;

#[tokio::test]
async fn on_sqlite() {
    killed_again_and_again(Place::sqlite()).await;
}

#[tokio::test]
async fn on_postgres() {
    if let Some(place) = Place::postgres().await {
        killed_again_and_again(place).await;
    }
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().expect("a number"))
}

async fn killed_again_and_again(place: Place) {
    let mut random = StdRng::seed_from_u64(number("ALLCLEAR_TEST_SEED", 1));
    let server = Server::start(&place).await;
    let token = place.token("administrator", None).await;
    let mut world = World::new(&server.client(&token), &mut random).await;
    let mut server = Some(server);
    for round in 1..=number("ALLCLEAR_TEST_KILLS", 20) {
        if random.random_bool(0.2) {
            // Killed while it starts.
            let patience = Duration::from_millis(random.random_range(1..150));
            drop(server.take());
            drop(tokio::time::timeout(patience, Server::start(&place)).await);
        }
        let running = match server.take() {
            Some(running) => running,
            None => Server::start(&place).await,
        };
        let admin = running.client(&token);
        world.check(&admin).await;
        let before = world.writers.iter().map(|writer| writer.sent).sum::<u32>();
        let killed = Arc::new(AtomicBool::new(false));
        let mut work = world.work(&admin, &killed);
        sleep(Duration::from_millis(random.random_range(30..400))).await;
        killed.store(true, Ordering::SeqCst);
        running.kill().await;
        while let Some(part) = work.join_next().await {
            world.put_back(part.unwrap());
        }
        let after = world.writers.iter().map(|writer| writer.sent).sum::<u32>();
        eprintln!("kill {round}: {} detections since the last", after - before);
    }
    let server = Server::start(&place).await;
    let admin = server.client(&token);
    world.check(&admin).await;
    world.settle(&admin).await;
    server.stop().await;
    place.verify().await;
}

/// Everything that goes on around the server, and what it was told.
struct World {
    writers: Vec<Writer>,
    agents: Vec<Agent>,
    rules: Option<Rules>,
}

/// A part of it that works by itself while the server runs.
enum Part {
    Writer(Writer),
    Agent(Agent),
    Rules(Rules),
}

/// A credential's calls to a server that may be killed meanwhile.
#[derive(Clone)]
struct Caller {
    client: Client,
    killed: Arc<AtomicBool>,
}

impl Caller {
    /// The answer; `None` once the server is killed. It must not go away by itself.
    async fn send(&self, request: reqwest::RequestBuilder) -> Option<Answer> {
        match Client::try_send(request).await {
            Ok(answer) => Some(answer),
            Err(error) => {
                assert!(self.killed.load(Ordering::SeqCst), "the server went away by itself: {error:?}");
                None
            }
        }
    }

    async fn call(&self, method: &str, path: &str, body: &Value) -> Option<Answer> {
        self.send(self.client.request(method, path).json(body)).await
    }

    async fn get(&self, path: &str) -> Option<Answer> {
        self.send(self.client.request("GET", path)).await
    }
}

impl World {
    async fn new(admin: &Client, random: &mut StdRng) -> World {
        admin.post("/api/v1/quickstart/risk-response", json!({})).await.expect(200);
        let mut agents = Vec::new();
        for number in 0..PHONES {
            let platform = if number % 2 == 0 { "android" } else { "ios" };
            let phone = Phone::enroll(admin, platform, &format!("S-{number}")).await;
            agents.push(Agent { phone, installed: BTreeMap::new(), answered: BTreeSet::new() });
        }
        let phones: Vec<Phone> = agents.iter().map(|agent| agent.phone.clone()).collect();
        let writers = (0..WRITERS).map(|number| Writer::new(number, phones.clone(), random.random())).collect();
        World { writers, agents, rules: Some(Rules { random: StdRng::seed_from_u64(random.random()) }) }
    }

    /// Sets everything going.
    fn work(&mut self, admin: &Client, killed: &Arc<AtomicBool>) -> JoinSet<Part> {
        let mut work = JoinSet::new();
        let admin = Caller { client: admin.clone(), killed: Arc::clone(killed) };
        for mut writer in self.writers.drain(..) {
            let admin = admin.clone();
            work.spawn(async move {
                while writer.write(&admin).await.is_some() {}
                Part::Writer(writer)
            });
        }
        for mut agent in self.agents.drain(..) {
            // The server has another address every time.
            agent.phone.agent = agent.phone.agent.at(&admin.client);
            let caller = Caller { client: agent.phone.agent.clone(), killed: Arc::clone(killed) };
            work.spawn(async move {
                while agent.obey(&caller, 2).await.is_some() {}
                Part::Agent(agent)
            });
        }
        let mut rules = self.rules.take().expect("they are back");
        work.spawn(async move {
            while rules.change(&admin).await.is_some() {
                sleep(Duration::from_millis(15)).await;
            }
            Part::Rules(rules)
        });
        work
    }

    fn put_back(&mut self, part: Part) {
        match part {
            Part::Writer(writer) => self.writers.push(writer),
            Part::Agent(agent) => self.agents.push(agent),
            Part::Rules(rules) => self.rules = Some(rules),
        }
    }

    /// What was acknowledged is there: every detection is known, and every threat stands as the last one says.
    async fn check(&mut self, admin: &Client) {
        let caller = Caller { client: admin.clone(), killed: Arc::default() };
        let mut wanted = BTreeMap::new();
        for writer in &mut self.writers {
            writer.send(&caller).await.expect("nobody kills it now");
            let again = std::mem::take(&mut writer.acknowledged);
            let taken = admin.post("/api/v1/detections", json!(again)).await.expect(200);
            assert_eq!(taken, json!({ "accepted": 0, "duplicates": again.len(), "rejected": [] }));
            wanted.extend(writer.threats().filter(|(_, status)| !status.is_empty()));
        }
        let threats = admin.all("/api/v1/threats?status=open&status=resolved").await;
        let stored: BTreeMap<String, String> =
            threats.iter().map(|threat| (text(&threat["threat_id"]), text(&threat["status"]))).collect();
        assert_eq!((stored.len(), threats.len()), (wanted.len(), wanted.len()));
        assert_eq!(stored, wanted);
    }

    /// When everything has come to rest, each device has what it should have, and the journal has no gaps.
    async fn settle(&mut self, admin: &Client) {
        until("the re-evaluations are done", async || {
            let jobs = admin.all("/api/v1/jobs").await;
            jobs.iter().all(|job| job["state"] == "done").then_some(())
        })
        .await;
        for agent in &mut self.agents {
            agent.phone.agent = agent.phone.agent.at(admin);
            let caller = Caller { client: agent.phone.agent.clone(), killed: Arc::default() };
            while agent.obey(&caller, 0).await.expect("nobody kills it now") > 0 {}
            let device = agent.phone.seen_by(admin).await;
            let mut wanted = BTreeMap::new();
            for profile in device["profiles"].as_array().unwrap() {
                if profile["desired"] == "install" {
                    wanted.insert(text(&profile["id"]), profile["version"].as_u64().unwrap());
                    assert_eq!(profile["status"], "installed", "{profile}");
                } else {
                    assert_eq!((&profile["status"], &profile["installed_version"]), (&json!("removed"), &Value::Null));
                }
            }
            assert_eq!(agent.installed, wanted, "what is on the device is what should be on it");
        }
        let mut last = 0;
        loop {
            let page = admin.read(&format!("/api/v1/journal?limit=500&after={last}")).await;
            for entry in page["items"].as_array().unwrap() {
                last += 1;
                assert_eq!(entry["position"], last, "no gaps");
            }
            if page["at_end"] == true {
                break;
            }
        }
        assert!(last > 0);
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// Hands detections in, one after the other about each of its threats.
struct Writer {
    number: usize,
    phones: Vec<Phone>,
    random: StdRng,
    /// What the last detection of each threat said; empty before the first.
    says: Vec<&'static str>,
    sent: u32,
    /// Sent, and not answered yet: sent again until it is.
    pending: Vec<Value>,
    /// Answered since the last check.
    acknowledged: Vec<Value>,
}

impl Writer {
    fn new(number: usize, phones: Vec<Phone>, seed: u64) -> Writer {
        let random = StdRng::seed_from_u64(seed);
        Writer { number, phones, random, says: vec![""; THREATS], sent: 0, pending: vec![], acknowledged: vec![] }
    }

    fn name(&self, threat: usize) -> String {
        format!("t-{}-{threat}", self.number)
    }

    /// What was said last about each threat.
    fn threats(&self) -> impl Iterator<Item = (String, String)> {
        self.says.iter().enumerate().map(|(threat, says)| (self.name(threat), (*says).to_owned()))
    }

    /// Makes up some detections and hands them in; `None` if the server is gone.
    async fn write(&mut self, admin: &Caller) -> Option<()> {
        for _ in 0..self.random.random_range(1..5) {
            let threat = self.random.random_range(0..THREATS);
            let says = if self.says[threat] == "open" { "resolved" } else { "open" };
            self.says[threat] = says;
            self.sent += 1;
            let (event, device) = (format!("e-{}-{}", self.number, self.sent), &self.phones[threat % PHONES]);
            self.pending.push(trojan(&event, device.by_serial(), &self.name(threat), says, self.sent));
        }
        self.send(admin).await
    }

    /// Hands in what was not answered yet.
    async fn send(&mut self, admin: &Caller) -> Option<()> {
        let taken = admin.call("POST", "/api/v1/detections", &json!(self.pending)).await?.expect(200);
        let count = |key: &str| taken[key].as_u64().unwrap();
        assert_eq!(count("accepted") + count("duplicates"), self.pending.len() as u64, "{taken}");
        self.acknowledged.append(&mut self.pending);
        Some(())
    }
}

/// A device that does as it is told.
struct Agent {
    phone: Phone,
    installed: BTreeMap<String, u64>,
    /// Commands whose answer was taken: they must not come again.
    answered: BTreeSet<String>,
}

impl Agent {
    /// Fetches commands, does and answers them; how many there were, or `None` if the server is gone.
    async fn obey(&mut self, caller: &Caller, wait: u32) -> Option<usize> {
        let answer = caller.get(&format!("/agent/v1/commands?wait={wait}")).await?.expect(200);
        let commands = answer["commands"].as_array().unwrap();
        for command in commands {
            let (id, profile) = (text(&command["id"]), &command["profile"]);
            assert!(!self.answered.contains(&id), "{id} came again");
            if command["type"] == "install_profile" {
                self.installed.insert(text(&profile["id"]), profile["version"].as_u64().unwrap());
            } else {
                self.installed.remove(profile["id"].as_str().unwrap());
            }
            let path = format!("/agent/v1/commands/{id}/result");
            caller.call("POST", &path, &json!({ "status": "acknowledged" })).await?.expect(200);
            self.answered.insert(id);
        }
        Some(commands.len())
    }
}

/// An administrator who changes the rules.
struct Rules {
    random: StdRng,
}

impl Rules {
    /// Changes something; `None` if the server is gone.
    async fn change(&mut self, admin: &Caller) -> Option<()> {
        match self.random.random_range(0..3) {
            0 => {
                let path = "/api/v1/classifications/trojan";
                let row = admin.get(path).await?.expect(200);
                let level = if row["risk_level"] == "high" { "medium" } else { "high" };
                let edit = json!({ "risk_level": level, "version": row["version"] });
                admin.call("PATCH", path, &edit).await?.expect(200);
            }
            1 => {
                let profiles = admin.get("/api/v1/profiles").await?.expect(200);
                let ids = each(&profiles["items"], "id");
                let id = ids[self.random.random_range(0..ids.len())];
                admin.send(admin.client.request("POST", &format!("/api/v1/profiles/{id}/publish"))).await?.expect(200);
            }
            _ => {
                let groups = admin.get("/api/v1/smart-groups").await?.expect(200);
                let groups = groups["items"].as_array().unwrap();
                let group = &groups[self.random.random_range(0..groups.len())];
                let mut selection = group["selection"].clone();
                let all = selection["criteria"]["platforms"] == json!([]);
                selection["criteria"]["platforms"] = if all { json!([{ "platform": "android" }]) } else { json!([]) };
                let path = format!("/api/v1/smart-groups/{}", text(&group["id"]));
                let edit = json!({ "selection": selection, "version": group["version"] });
                admin.call("PATCH", &path, &edit).await?.expect(200);
            }
        }
        Some(())
    }
}
