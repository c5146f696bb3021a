use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatewright_model::{Digest, Identity, Timestamp};

/// A caller whose token was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Who asks.
    pub identity: Identity,
    /// SHA-256 of the whole token: names it without being it.
    pub digest: Digest,
}

/// Shards, so that threads seldom meet at one lock. A power of two.
const SHARDS: usize = 64;
/// Entries over all shards; at a few hundred bytes each this is some ten megabytes.
const MOST_ENTRIES: usize = 32_768;
/// The longest time that a verification counts.
const LONGEST: Duration = Duration::from_secs(60);

/// Tokens that were verified a moment ago, by the SHA-256 of the whole token.
///
/// The key is the full digest and nothing else: a prefix of a token is alike for every token of an issuer, and a
/// joined key can be forged by its separators. One cache belongs to one [`Identities`](crate::Identities), so to one
/// configuration; what another configuration accepted cannot be found here.
pub(crate) struct Cache {
    shards: Box<[Mutex<Shard>]>,
}

#[derive(Default)]
struct Shard {
    entries: HashMap<Digest, Entry>,
    /// In the order of insertion, which is nearly the order of expiry.
    order: VecDeque<Digest>,
}

/// What a verification rested on, and until when it may be taken as done.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) verified: Arc<Verified>,
    /// Which issuer, by its place in the configuration.
    pub(crate) issuer: usize,
    /// The issuer's key set at that time; another one since then means that the token is verified again.
    pub(crate) generation: u64,
    until: Timestamp,
}

impl Entry {
    pub(crate) fn new(verified: Arc<Verified>, issuer: usize, generation: u64, now: Timestamp) -> Self {
        let until = verified.identity.expires.min(now.plus(LONGEST));
        Self { verified, issuer, generation, until }
    }
}

impl Cache {
    pub(crate) fn new() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect() }
    }

    /// The entry of the token with this digest, while it counts.
    pub(crate) fn get(&self, digest: &Digest, now: Timestamp) -> Option<Entry> {
        let shard = self.shard(digest).lock().unwrap_or_else(PoisonError::into_inner);
        shard.entries.get(digest).filter(|entry| now < entry.until).cloned()
    }

    /// Remembers an entry, and forgets the oldest where there are too many.
    pub(crate) fn put(&self, entry: Entry) {
        let digest = entry.verified.digest;
        let mut shard = self.shard(&digest).lock().unwrap_or_else(PoisonError::into_inner);
        if shard.entries.insert(digest, entry).is_none() {
            shard.order.push_back(digest);
        }
        while shard.order.len() > MOST_ENTRIES / SHARDS {
            if let Some(oldest) = shard.order.pop_front() {
                shard.entries.remove(&oldest);
            }
        }
    }

    fn shard(&self, digest: &Digest) -> &Mutex<Shard> {
        &self.shards[usize::from(digest[0]) % SHARDS]
    }
}

#[cfg(test)]
mod tests {
    use gatewright_model::Kind;

    use super::*;

    fn entry(digest: Digest, expires: u64, now: u64) -> Entry {
        let identity = Identity {
            issuer: "corp".into(),
            subject: "someone".into(),
            kind: Kind::Person,
            groups: Arc::new([]),
            claims: Arc::new([]),
            expires: Timestamp::from_seconds(expires),
        };
        Entry::new(Arc::new(Verified { identity, digest }), 0, 0, Timestamp::from_seconds(now))
    }

    #[test]
    fn counts_for_a_minute_and_never_beyond_the_token() {
        let cache = Cache::new();
        cache.put(entry([1; 32], 1_000, 100));
        cache.put(entry([2; 32], 110, 100));
        let found = |digest, at| cache.get(&digest, Timestamp::from_seconds(at)).is_some();
        assert!(found([1; 32], 159) && !found([1; 32], 160));
        assert!(found([2; 32], 109) && !found([2; 32], 110));
    }

    #[test]
    fn digests_that_share_all_but_one_bit_do_not_meet() {
        let cache = Cache::new();
        cache.put(entry([0; 32], 1_000, 100));
        for bit in 0..256 {
            let mut digest = [0_u8; 32];
            digest[bit / 8] ^= 1 << (bit % 8);
            assert!(cache.get(&digest, Timestamp::from_seconds(101)).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn stays_bounded() {
        let cache = Cache::new();
        for number in 0..100_000_u32 {
            let mut digest = [0_u8; 32];
            digest[..4].copy_from_slice(&number.to_le_bytes());
            cache.put(entry(digest, 1_000, 100));
        }
        let held: usize = cache.shards.iter().map(|shard| shard.lock().map_or(0, |shard| shard.entries.len())).sum();
        assert_eq!(held, MOST_ENTRIES);
        let mut last = [0_u8; 32];
        last[..4].copy_from_slice(&99_999_u32.to_le_bytes());
        assert!(cache.get(&last, Timestamp::from_seconds(101)).is_some(), "the newest stays");
    }
}
