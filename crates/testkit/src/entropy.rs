use std::sync::atomic::{AtomicU64, Ordering};

use gatewright_model::Entropy;

/// Bytes that look random, differ from draw to draw, and are the same in every run: SplitMix64 over a counter.
#[derive(Debug, Default)]
pub struct CountingEntropy(AtomicU64);

impl CountingEntropy {
    /// An entropy whose draws differ from those of another seed.
    pub const fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed.wrapping_mul(0x1_0000_0000)))
    }

    fn next(&self) -> u64 {
        let mut word = self.0.fetch_add(1, Ordering::SeqCst).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }
}

impl Entropy for CountingEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.next().to_le_bytes()[..piece.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_differ_and_runs_do_not() {
        let draw = |entropy: &CountingEntropy| {
            let mut bytes = [0; 16];
            entropy.fill(&mut bytes);
            bytes
        };
        let (one, other) = (CountingEntropy::default(), CountingEntropy::default());
        let first = draw(&one);
        assert_eq!(first, draw(&other));
        assert_ne!(first, draw(&one));
        assert_ne!(first, draw(&CountingEntropy::seeded(7)));
    }
}
