//! Where time, ids and secrets come from, so that everything above can be run with chosen ones.

use allclear_domain::time::Time;
use uuid::Uuid;

/// The world outside: the clock and chance.
pub trait Source: Send + Sync {
    /// What time it is.
    fn now(&self) -> Time;
    /// A new id, UUIDv7: later ones sort after earlier ones.
    fn id(&self) -> Uuid;
    /// 256 random bits for a credential.
    fn secret(&self) -> [u8; 32];
}

/// The machine's clock and random numbers.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemSource;

impl Source for SystemSource {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> Time {
        jiff::Timestamp::now().into()
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that makes ids")]
    fn id(&self) -> Uuid {
        Uuid::now_v7()
    }

    fn secret(&self) -> [u8; 32] {
        rand::random()
    }
}
