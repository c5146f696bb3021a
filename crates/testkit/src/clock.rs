use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gatewright_model::{Clock, Timestamp};

/// A clock that stands still until a test moves it.
#[derive(Debug)]
pub struct FixedClock(AtomicU64);

impl FixedClock {
    /// A clock that stands at `now`.
    pub const fn at(now: Timestamp) -> Self {
        Self(AtomicU64::new(now.micros()))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.set(self.now().plus(by));
    }

    /// Moves the clock anywhere, backwards too, as real ones do.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.micros(), Ordering::SeqCst);
    }
}

/// 2026-11-22T00:00:00Z, a moment that is neither zero nor near any edge.
impl Default for FixedClock {
    fn default() -> Self {
        Self::at(Timestamp::from_seconds(1_795_305_600))
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stands_still_until_moved() {
        let clock = FixedClock::default();
        assert_eq!(clock.now().to_string(), "2026-11-22T00:00:00.000Z");
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_millis(1_500));
        assert_eq!(clock.now().to_string(), "2026-11-22T00:00:01.500Z");
        clock.set(Timestamp::from_seconds(1));
        assert_eq!(clock.now(), Timestamp::from_seconds(1));
    }
}
