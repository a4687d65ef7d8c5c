//! A clock that shows past times, for history that is written afterwards.

use std::sync::atomic::{AtomicI64, Ordering};

use allclear_domain::time::Time;
use allclear_engine::source::{Source, SystemSource};
use uuid::Uuid;

/// Shows the time it was set to; ids carry that time, so that they sort as if they had been made then.
#[derive(Debug)]
pub(super) struct PastClock(AtomicI64);

impl PastClock {
    /// A clock that shows this time.
    pub(super) fn at(time: Time) -> Self {
        Self(AtomicI64::new(time.as_micros()))
    }

    /// Sets it forward; never back.
    pub(super) fn set(&self, time: Time) {
        self.0.fetch_max(time.as_micros(), Ordering::Relaxed);
    }
}

impl Source for PastClock {
    fn now(&self) -> Time {
        Time::from_micros(self.0.load(Ordering::Relaxed))
    }

    fn id(&self) -> Uuid {
        let millis = self.0.load(Ordering::Relaxed).max(0).unsigned_abs() / 1000;
        let random: [u8; 10] = rand::random();
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    fn secret(&self) -> [u8; 32] {
        SystemSource.secret()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_of_the_time_shown() {
        let clock = PastClock::at(Time::from_micros(1_700_000_000_000_000));
        let first = clock.id();
        assert_eq!(first.get_version_num(), 7);
        clock.set(Time::from_micros(1_700_000_000_001_000));
        let second = clock.id();
        clock.set(Time::EPOCH);
        assert!(first < second && second < SystemSource.id() && clock.now() > Time::EPOCH);
    }
}
