//! The outbox, whatever happens in whatever order: orders, nodes that take messages in hand, stop or speak late, every
//! answer of a provider, receipts, expiry, administrators who send again and switch channels.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]
#![allow(clippy::needless_pass_by_value, reason = "tests hand their cases over")]

mod common;
#[path = "../../domain/tests/world/mod.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use allclear_domain::{
    ids::{NotificationId, UserId},
    journal::Change,
    notification::{
        Channel,
        NotificationState::{self, Captured, Delivered, Failed, Queued, Sent},
        Transport,
    },
    time::{Span, Time},
};
use allclear_engine::{
    Engine, Error,
    outbox::{self, Attempted, Receipt, ReceiptState, Verdict},
};
use allclear_store::{
    db::Synchronous,
    journal,
    notifications::{self as stored, Notification},
    testing::TestDb,
};
use common::{
    Fixture, TENANT, admin,
    outbox::{all, another_node, notify, set_up, user},
};
use proptest::{prelude::*, sample::select};
use world::config;

const NODES: usize = 2;
const CHANNELS: [Channel; 2] = [Channel::Email, Channel::Sms];
const LEASE: Span = Span::seconds(30);

/// What a provider says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Said {
    Yes,
    Later,
    MuchLater,
    Never,
}

/// Something that happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// An administrator notifies a user; perhaps once more under the same cause.
    Order { user: usize, cause: usize },
    /// A node takes messages in hand.
    Claim { node: usize, channel: usize, limit: i64 },
    /// All nodes do so at the same moment.
    ClaimTogether { channel: usize },
    /// A provider has answered a node, perhaps long after the node's hold has ended.
    Answer { node: usize, which: usize, said: Said },
    /// A node keeps what it has in hand.
    Renew(usize),
    /// A node gives everything back.
    Release(usize),
    /// A node dies, and another takes its place.
    Crash(usize),
    /// A provider reports what became of a message it took over.
    Receipt { which: usize, arrived: bool },
    /// Seconds pass.
    Wait(i64),
    /// What is no longer worth sending is ended.
    Expire,
    /// An administrator sends a message again.
    Retry(usize),
    /// A channel is switched on or off.
    Switch { channel: usize, on: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let (node, channel, which) = (|| 0..NODES, || 0..CHANNELS.len(), || 0..12_usize);
    let said = || select(vec![Said::Yes, Said::Yes, Said::Later, Said::MuchLater, Said::Never]);
    prop_oneof![
        5 => (0..2_usize, 0..3_usize).prop_map(|(user, cause)| Step::Order { user, cause }),
        8 => (node(), channel(), 1..5_i64).prop_map(|(node, channel, limit)| Step::Claim { node, channel, limit }),
        3 => channel().prop_map(|channel| Step::ClaimTogether { channel }),
        14 => (node(), which(), said()).prop_map(|(node, which, said)| Step::Answer { node, which, said }),
        2 => node().prop_map(Step::Renew),
        1 => node().prop_map(Step::Release),
        2 => node().prop_map(Step::Crash),
        3 => (which(), any::<bool>()).prop_map(|(which, arrived)| Step::Receipt { which, arrived }),
        6 => select(vec![1, 20, 31, 120, 4_000, 90_000]).prop_map(Step::Wait),
        2 => Just(Step::Expire),
        3 => which().prop_map(Step::Retry),
        1 => (channel(), any::<bool>()).prop_map(|(channel, on)| Step::Switch { channel, on }),
    ]
}

/// A node, and what it believes to have in hand.
struct Node {
    engine: Engine,
    hand: Vec<Notification>,
}

struct World<'a> {
    fixture: &'a Fixture,
    nodes: Vec<Node>,
    users: Vec<UserId>,
    /// Who may have a message in hand, by the name of the node, and until when.
    leases: BTreeMap<NotificationId, (String, Time)>,
    /// Every message as it stood after the step before.
    seen: BTreeMap<NotificationId, NotificationState>,
    /// What was ordered.
    ordered: BTreeSet<(UserId, String)>,
    /// What a provider said yes to.
    taken: BTreeSet<NotificationId>,
    answers: u32,
}

fn transport(channel: Channel) -> Transport {
    Transport::of(channel).unwrap()
}

impl<'a> World<'a> {
    async fn new(fixture: &'a Fixture) -> Self {
        let mut world = World {
            fixture,
            nodes: Vec::new(),
            users: Vec::new(),
            leases: BTreeMap::new(),
            seen: BTreeMap::new(),
            ordered: BTreeSet::new(),
            taken: BTreeSet::new(),
            answers: 0,
        };
        for channel in CHANNELS {
            set_up(fixture, transport(channel), true).await;
        }
        for (name, phone) in [("ada", "+14255550123"), ("grace", "+14255550124")] {
            world.users.push(user(fixture, name, Some(phone)).await);
        }
        for _ in 0..NODES {
            world.nodes.push(Node { engine: another_node(fixture).await, hand: Vec::new() });
        }
        world
    }

    async fn happen(&mut self, step: Step) {
        // No two attempts at one moment.
        self.fixture.source.advance(Span::micros(1));
        match step {
            Step::Order { user, cause } => {
                let (user, cause) = (self.users[user], format!("{user} {cause}"));
                assert_eq!(notify(self.fixture, user, &cause, &CHANNELS).await.len(), CHANNELS.len());
                self.ordered.insert((user, cause));
            }
            Step::Claim { node, channel, limit } => {
                let until = self.fixture.now().plus(LEASE);
                let claim = outbox::claim(&self.nodes[node].engine, TENANT, CHANNELS[channel], until, limit);
                let claimed = claim.await.unwrap();
                assert!(claimed.len() <= usize::try_from(limit).unwrap());
                self.take(node, claimed, until);
            }
            Step::ClaimTogether { channel } => {
                let until = self.fixture.now().plus(LEASE);
                let [one, two] =
                    [0, 1].map(|node| outbox::claim(&self.nodes[node].engine, TENANT, CHANNELS[channel], until, 3));
                let (one, two) = tokio::join!(one, two);
                self.take(0, one.unwrap(), until);
                self.take(1, two.unwrap(), until);
            }
            Step::Answer { node, which, said } => self.answer(node, which, said).await,
            Step::Renew(node) => {
                let until = self.fixture.now().plus(LEASE);
                let Node { engine, hand } = &mut self.nodes[node];
                let ids = hand.iter().map(|one| one.id).collect();
                let kept: BTreeSet<_> = outbox::renew(engine, TENANT, ids, until).await.unwrap().into_iter().collect();
                let own: BTreeSet<_> =
                    hand.iter().map(|one| one.id).filter(|id| held_by(&self.leases, id, engine)).collect();
                assert_eq!(kept, own, "what is this node's, and nothing else");
                hand.retain(|one| kept.contains(&one.id));
                self.leases.extend(kept.into_iter().map(|id| (id, (engine.node().to_owned(), until))));
            }
            Step::Release(node) => {
                let Node { engine, hand } = &mut self.nodes[node];
                let ids: Vec<NotificationId> = hand.drain(..).map(|one| one.id).collect();
                outbox::release(engine, TENANT, ids.clone()).await.unwrap();
                self.leases.retain(|id, (owner, _)| !(owner == engine.node() && ids.contains(id)));
            }
            Step::Crash(node) => {
                self.nodes[node] = Node { engine: another_node(self.fixture).await, hand: Vec::new() };
            }
            Step::Receipt { which, arrived } => self.receipt(which, arrived).await,
            Step::Wait(seconds) => self.fixture.source.advance(Span::seconds(seconds)),
            Step::Expire => {
                outbox::expire(&self.nodes[0].engine, TENANT).await.unwrap();
            }
            Step::Retry(which) => self.retry(which).await,
            Step::Switch { channel, on } => set_up(self.fixture, transport(CHANNELS[channel]), on).await,
        }
        self.check(step).await;
    }

    /// Nothing is taken that another may still have.
    fn take(&mut self, node: usize, claimed: Vec<Notification>, until: Time) {
        let now = self.fixture.now();
        for one in claimed {
            let held = self.leases.insert(one.id, (self.nodes[node].engine.node().to_owned(), until));
            assert!(held.as_ref().is_none_or(|(_, before)| *before <= now), "{}: in two hands: {held:?}", one.id);
            assert_eq!(one.state, Queued);
            self.nodes[node].hand.retain(|other| other.id != one.id);
            self.nodes[node].hand.push(one);
        }
    }

    async fn answer(&mut self, node: usize, which: usize, said: Said) {
        let Node { engine, hand } = &mut self.nodes[node];
        if hand.is_empty() {
            return;
        }
        let message = hand.remove(which % hand.len());
        self.answers += 1;
        let verdict = match said {
            Said::Yes => Verdict::Sent { message_id: Some(format!("name {}", self.answers)) },
            Said::Later => Verdict::Later { retry_after: None },
            Said::MuchLater => Verdict::Later { retry_after: Some(Span::seconds(50_000)) },
            Said::Never => Verdict::Refused,
        };
        let id = message.id;
        if said == Said::Yes {
            self.taken.insert(id);
        }
        let before = one(self.fixture, id).await;
        let own = held_by(&self.leases, &id, engine);
        let (at, provider, answer) = (self.fixture.now(), "provider".to_owned(), "an answer".to_owned());
        let attempted = Attempted { notification: message, at, provider, verdict, answer };
        outbox::record(engine, TENANT, vec![attempted]).await.unwrap();
        let after = one(self.fixture, id).await;
        if before.state != Queued || !(own || said == Said::Yes) {
            assert_eq!(after, before, "a word that comes too late changes nothing");
            return;
        }
        self.leases.remove(&id);
        assert_eq!(after.delivery.attempts, before.delivery.attempts + 1);
        match said {
            Said::Yes => assert_eq!(after.state, Sent),
            Said::Never => assert_eq!(after.state, Failed),
            Said::Later | Said::MuchLater => {
                let (next, expires) = (after.delivery.next_attempt_at, after.delivery.expires_at);
                assert!(
                    after.state == Failed || next.is_some_and(|next| next > at && Some(next) < expires),
                    "{after:?}"
                );
            }
        }
    }

    async fn receipt(&mut self, which: usize, arrived: bool) {
        let named = |one: &Notification| one.channel == Channel::Sms && one.delivery.provider.is_some();
        let named: Vec<Notification> = all(self.fixture).await.into_iter().filter(named).collect();
        let Some(message) = named.get(which % named.len().max(1)) else { return };
        let Some(name) = message.delivery.message_id.clone() else { return };
        let state = if arrived { ReceiptState::Delivered } else { ReceiptState::Failed };
        let receipt = Receipt { provider: "provider".into(), message_id: name, state, answer: "a receipt".into() };
        assert!(outbox::receipt(&self.fixture.engine, TENANT, receipt).await.unwrap());
    }

    async fn retry(&mut self, which: usize) {
        let all = all(self.fixture).await;
        let Some(message) = all.get(which % all.len().max(1)).cloned() else { return };
        let (id, was) = (message.id, message.state);
        let retried = self.fixture.engine.edit(TENANT, admin(), move |work| outbox::retry(work, &message)).await;
        match retried {
            Ok(()) => assert_eq!((was, one(self.fixture, id).await.state), (Failed, Queued)),
            Err(Error::Conflict(_)) => assert_eq!(one(self.fixture, id).await.state, was),
            Err(error) => panic!("{error}"),
        }
    }

    /// What holds after every step.
    async fn check(&mut self, step: Step) {
        let rows = all(self.fixture).await;
        let distinct: BTreeSet<_> = rows.iter().map(|row| (row.cause.clone(), row.user, row.channel)).collect();
        assert_eq!(distinct.len(), rows.len(), "one cause, one recipient, one channel");
        assert_eq!(rows.len(), self.ordered.len() * CHANNELS.len(), "and every one of them");
        let now = self.fixture.now();
        for row in &rows {
            let waits = row.delivery.next_attempt_at.is_some();
            assert_eq!(waits, row.state == Queued, "it waits for a moment or has come to its end: {row:?}");
            let before = self.seen.insert(row.id, row.state);
            let may = match (before, row.state) {
                (None, state) => matches!(state, Queued | Captured),
                (Some(before), state) if before == state => true,
                (Some(Queued), Sent) => matches!(step, Step::Answer { said: Said::Yes, .. }),
                (Some(Queued), Failed) => matches!(step, Step::Answer { .. } | Step::Expire),
                (Some(Sent), Delivered | Failed) => matches!(step, Step::Receipt { .. }),
                (Some(Failed), Queued) => matches!(step, Step::Retry(_)),
                _ => false,
            };
            assert!(may, "from {before:?} to {:?} by {step:?}", row.state);
            if before != Some(Failed) && row.state == Failed && matches!(step, Step::Expire) {
                assert!(row.delivery.expires_at.is_some_and(|expires| expires <= now), "before its time: {row:?}");
            }
            if matches!(row.state, Sent | Delivered) {
                assert!(self.taken.contains(&row.id), "nobody took it: {row:?}");
            }
            if row.state != Queued {
                self.leases.remove(&row.id);
            }
        }
    }

    /// From now on everything works: within a lease and the longest wait, nothing is left waiting.
    async fn rest(&mut self) {
        let ends: Vec<_> = all(self.fixture).await.into_iter().filter(|row| row.state != Queued).collect();
        for _ in 0..4 {
            for channel in 0..CHANNELS.len() {
                self.happen(Step::Claim { node: 0, channel, limit: 100 }).await;
            }
            while !self.nodes[0].hand.is_empty() {
                self.happen(Step::Answer { node: 0, which: 0, said: Said::Yes }).await;
            }
            self.happen(Step::Wait(50_001)).await;
            self.happen(Step::Expire).await;
        }
        let rows = all(self.fixture).await;
        let stuck: Vec<_> = rows.iter().filter(|row| row.state == Queued).collect();
        assert!(stuck.is_empty(), "{stuck:?}");
        for end in ends {
            assert_eq!(one(self.fixture, end.id).await.state, end.state);
        }
        self.journal(&rows).await;
    }

    /// The journal's last word of each message is how it stands.
    async fn journal(&self, rows: &[Notification]) {
        let entries = self.fixture.engine.db().read(|tx| journal::after(tx, TENANT, 0, 100_000)).await.unwrap();
        let mut last = BTreeMap::new();
        for change in entries.into_iter().flat_map(|(entry, _)| entry.changes) {
            if let Change::Notified { notification, state, .. } = change {
                let before = last.insert(notification, state);
                assert_ne!(before, Some(state), "told once");
            }
        }
        let stand: BTreeMap<_, _> = rows.iter().map(|row| (row.id, row.state)).collect();
        assert_eq!(last, stand);
    }
}

/// Whether a message is a node's, its time over or not: nobody has taken it since.
fn held_by(leases: &BTreeMap<NotificationId, (String, Time)>, id: &NotificationId, node: &Engine) -> bool {
    leases.get(id).is_some_and(|(owner, _)| owner == node.node())
}

async fn one(fixture: &Fixture, id: NotificationId) -> Notification {
    fixture.engine.db().read(move |tx| stored::get(tx, TENANT, id)).await.unwrap().unwrap()
}

fn live_through(database: impl AsyncFn() -> Option<TestDb>, steps: &[Step]) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let Some(database) = database().await else { return };
        let fixture = Fixture::new(database).await;
        let mut world = World::new(&fixture).await;
        for step in steps {
            world.happen(*step).await;
        }
        world.rest().await;
    });
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn every_message_comes_to_one_end(steps in prop::collection::vec(step(), 0..80)) {
        let database = async || Some(TestDb::sqlite(|options| options.synchronous = Synchronous::Normal).await);
        live_through(database, &steps);
    }
}

proptest! {
    #![proptest_config(config(6))]

    #[test]
    fn every_message_comes_to_one_end_on_postgres(steps in prop::collection::vec(step(), 30..80)) {
        live_through(async || TestDb::postgres(|_| {}).await, &steps);
    }
}
