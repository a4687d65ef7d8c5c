//! A phone behind a network that loses, repeats, delays and reorders commands and answers.

use std::collections::BTreeMap;

use allclear_domain::{
    ids::{CommandId, DeviceId, ProfileId},
    profile::{Action, Desired, ProfileReport, ResultStatus},
};
use allclear_engine::{
    ingest::{Fact, Outcome},
    source::Source,
};

use crate::common::Fixture;

/// A command on its way.
pub type Command = (CommandId, ProfileId, Action);

/// A phone, and what is between it and the server.
#[derive(Debug, Default)]
pub struct Phone {
    pub installed: BTreeMap<ProfileId, u32>,
    newest: BTreeMap<ProfileId, CommandId>,
    done: BTreeMap<CommandId, ResultStatus>,
    down: Vec<Command>,
    up: Vec<(CommandId, ResultStatus)>,
}

impl Phone {
    /// The phone asks what to do: what it is told is what is desired at that moment, and nothing else.
    pub async fn ask(&mut self, fixture: &Fixture, device: DeviceId) -> bool {
        let record = fixture.record(device).await;
        let mut commands = Vec::new();
        for target in &record.posture.profiles {
            let none = ProfileReport::new(target.profile);
            let report = record.facts.reports.iter().find(|report| report.profile == target.profile).unwrap_or(&none);
            let Some(action) = report.action(target.desired, target.held_until, fixture.now()) else { continue };
            match (action, target.desired) {
                (Action::Install(version), Desired::Install { version: wanted }) => assert_eq!(version, wanted),
                (Action::Remove, Desired::Remove) => {}
                (action, desired) => panic!("told {action:?} where {desired:?} is desired"),
            }
            let command = report.handed_over(action).unwrap_or_else(|| CommandId(fixture.source.id()));
            commands.push((command, target.profile, action));
        }
        let told = !commands.is_empty();
        if told {
            fixture.submit(vec![Fact::Delivered { device, commands: commands.clone() }]).await;
        }
        self.down.extend(commands);
        told
    }

    pub fn arrive(&mut self, command: usize, again: bool, status: ResultStatus) {
        if self.down.is_empty() {
            return;
        }
        let place = command % self.down.len();
        let (id, profile, action) = if again { self.down[place] } else { self.down.remove(place) };
        if self.newest.get(&profile).is_some_and(|newest| id < *newest) {
            return;
        }
        self.newest.insert(profile, id);
        if let Some(status) = self.done.get(&id) {
            self.up.push((id, *status));
            return;
        }
        if status != ResultStatus::NotNow {
            self.done.insert(id, status);
        }
        if status == ResultStatus::Acknowledged {
            match action {
                Action::Install(version) => self.installed.insert(profile, version),
                Action::Remove => self.installed.remove(&profile),
            };
        }
        self.up.push((id, status));
    }

    pub async fn answer(&mut self, fixture: &Fixture, device: DeviceId, answer: usize, again: bool) {
        if self.up.is_empty() {
            return;
        }
        let place = answer % self.up.len();
        let (command, status) = if again { self.up[place] } else { self.up.remove(place) };
        let before = fixture.record(device).await.facts.reports;
        let fact = Fact::Answered { device, command, status, detail: None };
        let outcome = fixture.submit(vec![fact]).await.remove(0);
        let after = fixture.record(device).await.facts.reports;
        let concerned = before.iter().find(|report| report.issued.iter().any(|issued| issued.command == command));
        assert_eq!(outcome, if concerned.is_some() { Outcome::Accepted } else { Outcome::Duplicate });
        for report in &before {
            let now = after.iter().find(|it| it.profile == report.profile).expect("no report is lost");
            if concerned.is_none_or(|concerned| concerned.profile != report.profile) {
                assert_eq!(report, now, "an answer about one profile says nothing about another");
            }
            for issued in report.issued.iter().filter(|issued| issued.command > command) {
                assert!(now.issued.contains(issued), "an answer lost another command");
            }
        }
    }

    /// The network works: everything asked for is told, carried out and answered.
    pub async fn obey(&mut self, fixture: &Fixture, device: DeviceId) {
        for _ in 0..5 {
            let told = self.ask(fixture, device).await;
            while !self.down.is_empty() {
                self.arrive(usize::MAX, false, ResultStatus::Acknowledged);
            }
            while !self.up.is_empty() {
                self.answer(fixture, device, 0, false).await;
            }
            if !told {
                return;
            }
        }
        panic!("the phone is told the same again and again: {self:?}");
    }

    /// What is under way to the phone, to arrive again.
    pub fn under_way(&self) -> Vec<Command> {
        self.down.clone()
    }

    /// These arrive late.
    pub fn delayed(&mut self, commands: &[Command]) {
        self.down.extend_from_slice(commands);
    }
}
