//! How much of everything a caller may ask for: bytes, time, rate.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use allclear_connectors::indicators;
use allclear_store::tokens;
use uuid::Uuid;

use crate::{api::indicator_sets, app::ServerOptions};

/// Bounds of one request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// The longest body taken, in bytes.
    pub body: usize,
    /// How long it may take; `None` for answers that wait for something to happen and bound themselves.
    pub time: Option<Duration>,
}

/// The longest body of most requests.
pub const BODY: usize = 1024 * 1024;
/// The longest body of a batch of events.
pub const BATCH: usize = 16 * 1024 * 1024;
/// The longest answer of a device to a command: a list of all its apps, or of its certificates.
pub const ANSWER: usize = 8 * 1024 * 1024;

/// The longest body with everything that is on a device.
pub const INVENTORY: usize = 4 * 1024 * 1024;
/// Where the content of a set of indicators is handed in.
const INDICATORS: &str = "/api/v1/indicator-sets/{id}/content";

/// The bounds of requests to a route, given by its template.
pub fn of(route: &str, options: &ServerOptions) -> Limits {
    let body = match route {
        "/api/v1/detections" | "/api/v1/source-events" | "/agent/v1/detections" => BATCH,
        INDICATORS => indicators::LARGEST,
        "/agent/v1/inventory" => INVENTORY,
        "/apple/v1/scep/{tenant}" => allclear_pki::scep::MAX_BYTES,
        "/apple/v1/command" => ANSWER,
        _ => BODY,
    };
    let time = match route {
        "/api/v1/live" | "/agent/v1/commands" | "/m/v1/wait" => None,
        INDICATORS => Some(options.request_time.max(indicator_sets::TIME)),
        _ => Some(options.request_time),
    };
    Limits { body, time }
}

/// A rate for each of many callers: so many requests a second on average, and so many at once.
#[derive(Debug)]
pub struct Limiter<K> {
    interval: Duration,
    burst: Duration,
    /// When each caller's allowance would be whole again; whoever is not here has all of it.
    callers: Mutex<Callers<K>>,
}

#[derive(Debug)]
struct Callers<K> {
    whole_at: HashMap<K, Instant>,
    sweep_at: usize,
}

const SMALLEST_SWEEP: usize = 1024;

impl<K: Hash + Eq> Limiter<K> {
    /// One request every `interval` on average, up to `burst` at once; both at least one.
    pub fn new(interval: Duration, burst: u32) -> Self {
        let interval = interval.max(Duration::from_nanos(1));
        let callers = Callers { whole_at: HashMap::new(), sweep_at: SMALLEST_SWEEP };
        Self { interval, burst: interval * burst.max(1), callers: Mutex::new(callers) }
    }

    /// So many requests a second.
    pub fn per_second(rate: u32, burst: u32) -> Self {
        Self::new(Duration::from_secs(1) / rate.max(1), burst)
    }

    /// Takes one request off the allowance of a caller, or says after how many seconds there is one again.
    pub fn take(&self, caller: K, now: Instant) -> Result<(), u32> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        let whole_at = callers.whole_at.get(&caller).copied().unwrap_or(now).max(now) + self.interval;
        let owed = whole_at.duration_since(now);
        if owed > self.burst {
            let seconds = (owed - self.burst).as_secs_f64().ceil();
            return Err((seconds as u32).max(1));
        }
        callers.whole_at.insert(caller, whole_at);
        if callers.whole_at.len() >= callers.sweep_at {
            callers.whole_at.retain(|_, whole_at| *whole_at > now);
            callers.sweep_at = (callers.whole_at.len() * 2).max(SMALLEST_SWEEP);
        }
        Ok(())
    }
}

/// The limiters of a server.
#[derive(Debug)]
pub struct Limiters {
    /// Requests of each credential.
    pub credentials: Limiter<tokens::Hash>,
    /// Failed authentications from each address.
    pub failures: Limiter<IpAddr>,
    /// Notes that a token or session was used.
    pub touches: Limiter<Uuid>,
}

impl Limiters {
    /// Limiters as configured.
    pub fn new(options: &ServerOptions) -> Self {
        Self {
            credentials: Limiter::per_second(options.requests_per_second, options.requests_burst),
            failures: Limiter::per_second(options.failures_per_second, options.failures_per_second),
            touches: Limiter::new(Duration::from_secs(60), 1),
        }
    }
}

/// What counts as one client: an IPv4 address or the /64 network of an IPv6 address, which one client has all of.
pub fn client(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let limiter = Limiter::per_second(10, 5);
        let start = Instant::now();
        for _ in 0..5 {
            assert_eq!(limiter.take("a", start), Ok(()));
        }
        assert_eq!(limiter.take("a", start), Err(1));
        assert_eq!(limiter.take("b", start), Ok(()), "each caller has its own");
        assert_eq!(limiter.take("a", start + Duration::from_millis(99)), Err(1));
        assert_eq!(limiter.take("a", start + Duration::from_millis(100)), Ok(()));
        assert_eq!(limiter.take("a", start + Duration::from_millis(100)), Err(1));
        let later = start + Duration::from_secs(60);
        assert_eq!((0..9).filter(|_| limiter.take("a", later).is_ok()).count(), 5, "never more than a burst");
        let slow = Limiter::new(Duration::from_secs(60), 1);
        assert_eq!(slow.take("a", start), Ok(()));
        assert_eq!(slow.take("a", start), Err(60));
    }

    #[test]
    fn callers_who_went_away_are_forgotten() {
        let limiter = Limiter::per_second(1000, 1);
        let start = Instant::now();
        for n in 0..100_000_u32 {
            assert_eq!(limiter.take(n, start + Duration::from_millis(n.into())), Ok(()));
        }
        let callers = limiter.callers.lock().unwrap_or_else(PoisonError::into_inner);
        assert!(callers.whole_at.len() <= SMALLEST_SWEEP, "{}", callers.whole_at.len());
    }

    #[test]
    fn one_client_is_one_address_or_one_network() {
        let parse = |text: &str| text.parse::<IpAddr>().map(client).ok();
        assert_eq!(parse("2001:db8:1:2:3:4:5:6"), parse("2001:db8:1:2::"));
        assert_ne!(parse("2001:db8:1:2::1"), parse("2001:db8:1:3::1"));
        assert_eq!(parse("::ffff:192.0.2.1"), parse("192.0.2.1"));
        assert_ne!(parse("192.0.2.1"), parse("192.0.2.2"));
    }

    #[test]
    fn batches_may_be_long_and_live_answers_may_wait() {
        let options = ServerOptions::default();
        assert_eq!(of("/api/v1/detections", &options), Limits { body: BATCH, time: Some(options.request_time) });
        assert_eq!(of(INDICATORS, &options), Limits { body: indicators::LARGEST, time: Some(indicator_sets::TIME) });
        assert_eq!(of("/api/v1/roles", &options).body, BODY);
        assert_eq!(of("/api/v1/live", &options).time, None);
    }
}
