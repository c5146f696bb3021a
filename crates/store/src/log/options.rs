use std::borrow::Cow;
use std::time::Duration;

use gatewright_model::Digest;

/// What a log's first record says of the gateway that writes it.
#[derive(Clone, Debug)]
pub struct Start {
    /// Its version.
    pub build: Cow<'static, str>,
    /// The digest of its configuration.
    pub configuration: Digest,
    /// The digest of its catalogue.
    pub catalogue: Digest,
}

impl Default for Start {
    fn default() -> Self {
        Self { build: Cow::Borrowed(env!("CARGO_PKG_VERSION")), configuration: [0; 32], catalogue: [0; 32] }
    }
}

/// How the log commits. The defaults suit a gateway; tests make things small.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many journeys may be open at once; one more waits in [`Log::intent`](super::Log::intent). At most 3,000,
    /// so that the next start can name all of them in one record.
    pub places: usize,
    /// How long an intent that may linger waits for company.
    pub linger: Duration,
    /// How long an outcome waits for an intent to ride with.
    pub outcome_delay: Duration,
    /// How long a piece of an answer waits to be synced.
    pub chunk_delay: Duration,
    /// How long a note that nobody waits for may stay in memory.
    pub note_delay: Duration,
    /// The most answer bytes that may wait to be written before [`Closing::room`](super::Closing::room) waits.
    pub pending_bytes: usize,
    /// The length at which a segment is closed and the next one begun.
    pub segment_bytes: u64,
    /// How far ahead of the data a segment is filled with zeros, so that a sync need not change the file's length.
    pub ahead_bytes: u64,
    /// The longest time that a record stays without a signed checkpoint that covers it.
    pub checkpoint_every: Duration,
    /// How often tiles are published for standard tools.
    pub publish_every: Duration,
    /// How often the register is told that the log lives, whether or not anything was recorded.
    pub alive_every: Duration,
    /// What the log's first record says.
    pub start: Start,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            places: 2_048,
            linger: Duration::from_millis(2),
            outcome_delay: Duration::from_millis(20),
            chunk_delay: Duration::from_millis(50),
            note_delay: Duration::from_secs(1),
            pending_bytes: 64 << 20,
            segment_bytes: 64 << 20,
            ahead_bytes: 1 << 20,
            checkpoint_every: Duration::from_secs(1),
            publish_every: Duration::from_secs(10),
            alive_every: Duration::from_secs(60),
            start: Start::default(),
        }
    }
}
