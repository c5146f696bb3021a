//! The real clock and the real entropy; everything below is handed them.

use std::cell::RefCell;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use gatewright_model::{Clock, Entropy, Timestamp};

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(u64::try_from(since.as_micros()).unwrap_or(u64::MAX))
    }
}

/// The cryptographic library's generator, asked for some hundred bytes at a time: a call needs several small pieces, and
/// each question costs more than its bytes.
pub struct SystemEntropy;

/// How much is asked for at once.
const DRAWN: usize = 512;

struct Drawn {
    bytes: [u8; DRAWN],
    used: usize,
}

thread_local! {
    static DRAWN_HERE: RefCell<Drawn> = const { RefCell::new(Drawn { bytes: [0; DRAWN], used: DRAWN }) };
}

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > DRAWN / 8 {
            return draw(bytes);
        }
        DRAWN_HERE.with_borrow_mut(|drawn| {
            if DRAWN - drawn.used < bytes.len() {
                draw(&mut drawn.bytes);
                drawn.used = 0;
            }
            let piece = &mut drawn.bytes[drawn.used..drawn.used + bytes.len()];
            bytes.copy_from_slice(piece);
            // Given out once, and then forgotten.
            piece.fill(0);
            drawn.used += bytes.len();
        });
    }
}

fn draw(bytes: &mut [u8]) {
    if SystemRandom::new().fill(bytes).is_err() {
        // Identifiers and salts that can be guessed would break promises in silence.
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_piece_is_given_twice() {
        let fill = |length: usize| {
            let mut bytes = vec![0; length];
            SystemEntropy.fill(&mut bytes);
            bytes
        };
        let mut seen = HashSet::new();
        for round in 0..4_000 {
            let piece = fill([16, 32, 10, 64, 65, 600][round % 6]);
            assert!(piece.iter().any(|byte| *byte != 0));
            assert!(seen.insert(piece), "round {round}");
        }
    }
}
