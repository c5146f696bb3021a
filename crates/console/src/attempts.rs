use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// Sign-ins that one address may begin or end in a minute, and all of them together.
const OF_ONE: u32 = 20;
const OF_ALL: u32 = 600;
/// Addresses that are told apart; when there are more, the newcomers share what is left of the whole.
const MOST_ADDRESSES: usize = 4_096;
/// Seconds that are counted together.
const WINDOW: u64 = 60;

/// Counts attempts to sign in, so that nobody has the identity provider asked without end in this gateway's name.
#[derive(Default)]
pub(crate) struct Attempts(Mutex<Window>);

#[derive(Default)]
struct Window {
    began: u64,
    all: u32,
    of: HashMap<IpAddr, u32>,
}

/// How long whoever tries too often waits, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany(pub(crate) u64);

impl Attempts {
    /// One more.
    pub(crate) fn count(&self, from: IpAddr, now: u64) -> Result<(), TooMany> {
        let mut window = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_sub(window.began) >= WINDOW || now < window.began {
            *window = Window { began: now, ..Window::default() };
        }
        let wait = TooMany(window.began + WINDOW - now);
        if window.all >= OF_ALL {
            return Err(wait);
        }
        let known = window.of.len();
        match window.of.get_mut(&from) {
            Some(count) if *count >= OF_ONE => return Err(wait),
            Some(count) => *count += 1,
            None if known >= MOST_ADDRESSES => {}
            None => {
                window.of.insert(from, 1);
            }
        }
        window.all += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_use_up_what_others_need() {
        let attempts = Attempts::default();
        let (one, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        for _ in 0..OF_ONE {
            assert_eq!(attempts.count(one, 100), Ok(()));
        }
        assert_eq!(attempts.count(one, 110), Err(TooMany(50)));
        assert_eq!(attempts.count(other, 110), Ok(()));
        assert_eq!(attempts.count(one, 160), Ok(()), "another minute");
    }

    #[test]
    fn all_together_have_a_bound() {
        let attempts = Attempts::default();
        for place in 0..OF_ALL {
            let [.., high, low] = place.to_be_bytes();
            assert_eq!(attempts.count(IpAddr::from([10, 1, high, low]), 0), Ok(()));
        }
        assert_eq!(attempts.count(IpAddr::from([10, 9, 9, 9]), 0), Err(TooMany(60)));
    }
}
