//! What a fleet has done so far.

use std::{
    fmt::Display,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

/// Counts of everything. Shared by all phones.
pub struct Tally {
    started: Instant,
    devices: u32,
    enrolled: AtomicU64,
    offline: AtomicU64,
    polls: AtomicU64,
    opened: AtomicU64,
    resolved: AtomicU64,
    installed: AtomicU64,
    removed: AtomicU64,
    failed: AtomicU64,
    read: AtomicU64,
    errors: AtomicU64,
}

macro_rules! counts {
    ($($(#[$doc:meta])* $name:ident => $field:ident),* $(,)?) => { $(
        $(#[$doc])*
        pub fn $name(&self) {
            self.$field.fetch_add(1, Relaxed);
        }
    )* };
}

impl Tally {
    /// For so many phones.
    pub fn new(devices: u32) -> Self {
        let zero = AtomicU64::default;
        Self {
            started: Instant::now(),
            devices,
            enrolled: zero(),
            offline: zero(),
            polls: zero(),
            opened: zero(),
            resolved: zero(),
            installed: zero(),
            removed: zero(),
            failed: zero(),
            read: zero(),
            errors: zero(),
        }
    }

    counts! {
        /// A phone has enrolled.
        enrolled => enrolled,
        /// A phone asked for commands.
        polled => polls,
        /// A threat was reported.
        opened => opened,
        /// The end of a threat was reported.
        resolved => resolved,
        /// A profile was installed.
        installed => installed,
        /// A profile was removed.
        removed => removed,
        /// A command was answered with a failure.
        failed => failed,
        /// A message was read.
        read => read,
        /// A phone has gone offline.
        went_offline => offline,
    }

    /// A phone is back.
    pub fn came_back(&self) {
        self.offline.fetch_sub(1, Relaxed);
    }

    /// Something went wrong that should not; the first few are told.
    pub fn error(&self, error: &impl Display) {
        const TOLD: u64 = 10;
        if self.errors.fetch_add(1, Relaxed) < TOLD {
            eprintln!("{error}");
        }
    }

    /// How much went wrong that should not.
    pub fn errors(&self) -> u64 {
        self.errors.load(Relaxed)
    }

    /// All of it in a line.
    pub fn line(&self) -> String {
        let of = |count: &AtomicU64| count.load(Relaxed);
        let elapsed = self.started.elapsed();
        format!(
            "{}  {}/{} enrolled, {} offline · {} polls · threats {} opened, {} resolved · profiles {} installed, {} \
             removed, {} failed · {} messages read · {} errors",
            clock(elapsed),
            of(&self.enrolled),
            self.devices,
            of(&self.offline),
            of(&self.polls),
            of(&self.opened),
            of(&self.resolved),
            of(&self.installed),
            of(&self.removed),
            of(&self.failed),
            of(&self.read),
            of(&self.errors),
        )
    }
}

fn clock(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_everything() {
        let tally = Tally::new(3);
        tally.enrolled();
        tally.went_offline();
        tally.came_back();
        tally.opened();
        let line = tally.line();
        assert!(line.starts_with("00:00:0") && line.contains("1/3 enrolled, 0 offline") && line.contains("1 opened"));
        assert_eq!(clock(Duration::from_secs(3_725)), "01:02:05");
    }
}
