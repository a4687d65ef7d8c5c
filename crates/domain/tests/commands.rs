//! Commands to a device over a network that loses, repeats, delays and reorders them, and the device's answers: the
//! device ends up with what it should have.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod world;

use allclear_domain::{
    ids::{CommandId, ProfileId},
    profile::{Action, Desired, ProfileReport, ProfileStatus, ResultStatus},
    time::{Span, Time},
};
use proptest::prelude::*;
use uuid::Uuid;
use world::{config, now};

/// Something that happens to one profile on one device.
#[derive(Clone, Copy, Debug)]
enum Happens {
    /// The rules or the facts change: this version is wanted on the device, or none.
    Want(Option<u32>),
    /// The device asks what to do.
    Ask,
    /// A command arrives; it may arrive again.
    Arrive { command: usize, again: bool, status: ResultStatus },
    /// A command is lost.
    LoseCommand(usize),
    /// An answer arrives; it may arrive again.
    Answer { answer: usize, again: bool },
    /// An answer is lost.
    LoseAnswer(usize),
    /// An answer to a command that never was.
    Nonsense,
    /// Time passes, in seconds.
    Wait(i64),
}

fn happens() -> impl Strategy<Value = Happens> {
    let status = prop_oneof![
        3 => Just(ResultStatus::Acknowledged),
        1 => Just(ResultStatus::Error),
        1 => Just(ResultStatus::NotNow),
    ];
    prop_oneof![
        3 => prop::option::of(1..3_u32).prop_map(Happens::Want),
        5 => Just(Happens::Ask),
        4 => (0..8_usize, any::<bool>(), status)
            .prop_map(|(command, again, status)| Happens::Arrive { command, again, status }),
        1 => (0..8_usize).prop_map(Happens::LoseCommand),
        3 => (0..8_usize, any::<bool>()).prop_map(|(answer, again)| Happens::Answer { answer, again }),
        1 => (0..8_usize).prop_map(Happens::LoseAnswer),
        1 => Just(Happens::Nonsense),
        2 => (0..100_000_i64).prop_map(Happens::Wait),
    ]
}

type Command = (CommandId, Action);

/// The server's record, the device, and what is between them.
#[derive(Debug)]
struct World {
    report: ProfileReport,
    wanted: Option<u32>,
    now: Time,
    issued: u128,
    /// Whether a command that was not answered is handed over again under its own id.
    same_id: bool,
    installed: Option<u32>,
    newest: Option<CommandId>,
    done: Option<(CommandId, ResultStatus)>,
    down: Vec<Command>,
    up: Vec<(CommandId, ResultStatus)>,
}

impl World {
    fn new(same_id: bool) -> Self {
        Self {
            report: ProfileReport::new(ProfileId(Uuid::nil())),
            wanted: None,
            now: now(),
            issued: 0,
            same_id,
            installed: None,
            newest: None,
            done: None,
            down: Vec::new(),
            up: Vec::new(),
        }
    }

    /// As the evaluation decides for a profile that is, or is no longer, assigned.
    fn desired(&self) -> Desired {
        match self.wanted {
            Some(version) => Desired::Install { version },
            None if self.report.may_be_installed() => Desired::Remove,
            None => Desired::Nothing,
        }
    }

    fn ask(&mut self) {
        let desired = self.desired();
        let Some(action) = self.report.action(desired, None, self.now) else { return };
        // What is handed over now is what is wanted now.
        match (action, desired) {
            (Action::Install(version), Desired::Install { version: wanted }) => assert_eq!(version, wanted),
            (Action::Remove, Desired::Remove) => {}
            (action, desired) => panic!("told {action:?} where {desired:?} is desired"),
        }
        let command = self.report.handed_over(action).filter(|_| self.same_id).unwrap_or_else(|| {
            self.issued += 1;
            CommandId(Uuid::from_u128(self.issued))
        });
        self.report.issue(command, action, self.now);
        let before = self.report.clone();
        self.report.issue(command, action, self.now);
        assert_eq!(before, self.report, "handing a command over again changes nothing");
        self.down.push((command, action));
    }

    /// The device carries commands out in the order of their ids, and each once: an older one than it has seen is void,
    /// one that it has carried out, or could not, is answered as before.
    fn arrive(&mut self, command: Command, status: ResultStatus) {
        let (id, action) = command;
        if self.newest.is_some_and(|newest| id < newest) {
            return;
        }
        self.newest = Some(id);
        if let Some((done, status)) = self.done
            && done == id
        {
            self.up.push((id, status));
            return;
        }
        if status != ResultStatus::NotNow {
            self.done = Some((id, status));
        }
        if status == ResultStatus::Acknowledged {
            self.installed = match action {
                Action::Install(version) => Some(version),
                Action::Remove => None,
            };
        }
        self.up.push((id, status));
    }

    fn answer(&mut self, (command, status): (CommandId, ResultStatus)) {
        let others: Vec<CommandId> =
            self.report.issued.iter().map(|issued| issued.command).filter(|other| *other > command).collect();
        let was_known = self.report.issued.iter().any(|issued| issued.command == command);
        let before = self.report.clone();
        let taken = self.report.answer(command, status, None, self.now);
        assert_eq!(taken, was_known);
        if !taken {
            assert_eq!(before, self.report, "an answer nobody waits for changes nothing");
        }
        for other in others {
            assert!(self.report.issued.iter().any(|issued| issued.command == other), "an answer lost another command");
        }
    }

    fn happen(&mut self, what: Happens) {
        let take = |all: usize, wanted: usize| (all > 0).then(|| wanted % all);
        match what {
            Happens::Want(version) => self.wanted = version,
            Happens::Ask => self.ask(),
            Happens::Arrive { command, again, status } => {
                if let Some(place) = take(self.down.len(), command) {
                    let command = if again { self.down[place] } else { self.down.remove(place) };
                    self.arrive(command, status);
                }
            }
            Happens::LoseCommand(command) => {
                if let Some(place) = take(self.down.len(), command) {
                    self.down.remove(place);
                }
            }
            Happens::Answer { answer, again } => {
                if let Some(place) = take(self.up.len(), answer) {
                    let answer = if again { self.up[place] } else { self.up.remove(place) };
                    self.answer(answer);
                }
            }
            Happens::LoseAnswer(answer) => {
                if let Some(place) = take(self.up.len(), answer) {
                    self.up.remove(place);
                }
            }
            Happens::Nonsense => self.answer((CommandId(Uuid::max()), ResultStatus::Acknowledged)),
            Happens::Wait(seconds) => self.now = self.now.plus(Span::seconds(seconds)),
        }
        // A device that has it is never believed to be clean.
        assert!(self.installed.is_none() || self.report.may_be_installed(), "{self:?}");
    }

    /// The network works again, and the device asks until there is nothing to do.
    fn settle(&mut self) {
        for _ in 0..4 {
            self.now = self.now.plus(Span::days(1));
            self.ask();
            while let Some(command) = self.down.pop() {
                self.arrive(command, ResultStatus::Acknowledged);
            }
            for answer in std::mem::take(&mut self.up) {
                self.answer(answer);
            }
        }
    }

    fn check(&self) {
        assert_eq!(self.installed, self.wanted, "{self:?}");
        assert_eq!(self.report.installed, self.wanted, "{self:?}");
        assert_eq!(self.report.action(self.desired(), None, self.now.plus(Span::days(1))), None);
        if self.wanted.is_some() {
            assert_eq!(self.report.status(self.desired()), Some(ProfileStatus::Installed));
        }
    }
}

proptest! {
    #![proptest_config(config(1000))]

    #[test]
    fn a_device_ends_up_with_what_it_should_have(
        steps in prop::collection::vec(happens(), 1..80),
        same_id in any::<bool>(),
    ) {
        let mut world = World::new(same_id);
        for step in steps {
            world.happen(step);
        }
        // What is still under way arrives when everything has been settled, too.
        let (commands, answers) = (world.down.clone(), world.up.clone());
        world.settle();
        world.check();
        for command in commands {
            world.arrive(command, ResultStatus::Acknowledged);
        }
        for answer in answers {
            world.answer(answer);
        }
        world.settle();
        world.check();
    }
}
