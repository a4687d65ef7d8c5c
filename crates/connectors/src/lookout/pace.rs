//! When the next request may start: below a rate, and later after each failure.

use std::{collections::VecDeque, time::Duration};

use tokio::time::{Instant, sleep};

/// Lets at most so many requests start within any span of the given length.
#[derive(Debug)]
pub(super) struct Pace {
    requests: usize,
    per: Duration,
    started: VecDeque<Instant>,
}

impl Pace {
    /// At most `requests`, and at least one, in each span of `per`.
    pub(super) fn new(requests: usize, per: Duration) -> Self {
        Self { requests: requests.max(1), per, started: VecDeque::new() }
    }

    /// Waits until one more request may start, and counts it.
    pub(super) async fn wait(&mut self) {
        if self.started.len() >= self.requests
            && let Some(oldest) = self.started.pop_front()
        {
            sleep(self.per.saturating_sub(oldest.elapsed())).await;
        }
        self.started.push_back(Instant::now());
    }
}

/// A wait that doubles with every failure, somewhere between half and all of it so that many servers do not come back
/// at the same moment.
pub(super) fn jittered(min: Duration, max: Duration, failures: u32) -> Duration {
    let half = min.saturating_mul(2_u32.saturating_pow(failures.max(1))).min(max) / 2;
    let more = rand::random_range(0..=u64::try_from(half.as_micros()).unwrap_or(u64::MAX));
    (half + Duration::from_micros(more)).max(min.min(max))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn waits_grow_within_their_bounds(min in 0_u64..10_000, more in 0_u64..100_000, failures in any::<u32>()) {
            let (min, max) = (Duration::from_millis(min), Duration::from_millis(min + more));
            let wait = jittered(min, max, failures);
            prop_assert!(min <= wait && wait <= max);
            if failures > 20 && min > Duration::ZERO {
                prop_assert!(wait >= max / 2);
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn requests_keep_to_the_pace() {
        let span = Duration::from_secs(60);
        let mut pace = Pace::new(3, span);
        let start = Instant::now();
        let mut waited = Vec::new();
        for request in 0..7 {
            if request == 2 {
                sleep(Duration::from_secs(10)).await;
            }
            pace.wait().await;
            waited.push(start.elapsed().as_secs());
        }
        assert_eq!(waited, [0, 0, 10, 60, 60, 70, 120]);
    }
}
