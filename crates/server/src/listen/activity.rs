use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::{Duration, Instant};

use super::front::Counts;

/// What a connection is doing, told by those who see it: its bytes, its service, its answers' bodies. All of them run in
/// the connection's own task, save HTTP/2 streams, so plain relaxed counters are enough.
#[derive(Debug)]
pub(super) struct Activity {
    counts: Arc<Counts>,
    born: Instant,
    /// Requests that are not answered to their last byte.
    open: AtomicUsize,
    /// When the first byte of a head arrived that no request came of yet. Milliseconds since birth plus one; 0: never.
    head_since: AtomicU64,
    /// When the last answer ended.
    idle_since: AtomicU64,
    /// When the caller's socket took no more.
    blocked_since: AtomicU64,
    /// Answers of which a piece was handed over and the next was not asked for: over HTTP/2 each stream has a window of
    /// its own, which its caller may leave closed while the socket is as free as can be.
    handed: AtomicUsize,
    /// When the last piece was handed over, or the last request came.
    progress: AtomicU64,
    /// HTTP/2 speaks when it likes; only HTTP/1 has a head that is late.
    http2: AtomicBool,
}

/// How long a connection may take for what.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// From a head's first byte to its last.
    pub(super) head: Duration,
    /// From one answer to the next request's first byte.
    pub(super) idle: Duration,
    /// For the caller to take a byte.
    pub(super) write: Duration,
}

/// What a connection ran out of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Late {
    /// A head did not arrive in time.
    Head,
    /// Nothing was asked for a while.
    Idle,
    /// The caller does not read.
    Write,
}

impl Activity {
    pub(super) fn new(counts: Arc<Counts>) -> Self {
        Self {
            counts,
            born: Instant::now(),
            open: AtomicUsize::new(0),
            // A connection is born in the middle of its first head: a caller that says nothing at all is late, too.
            head_since: AtomicU64::new(1),
            idle_since: AtomicU64::new(0),
            blocked_since: AtomicU64::new(0),
            handed: AtomicUsize::new(0),
            progress: AtomicU64::new(1),
            http2: AtomicBool::new(false),
        }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.born.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    pub(super) fn bytes_arrived(&self) {
        if self.open.load(Relaxed) == 0 && self.head_since.load(Relaxed) == 0 && !self.http2.load(Relaxed) {
            self.head_since.store(self.now(), Relaxed);
        }
    }

    pub(super) fn request_began(&self, http2: bool) {
        self.open.fetch_add(1, Relaxed);
        self.counts.open_requests.fetch_add(1, Relaxed);
        self.head_since.store(0, Relaxed);
        self.http2.store(http2, Relaxed);
        if http2 {
            self.progress.store(self.now(), Relaxed);
        }
    }

    /// A piece of an answer was handed over; its caller is to take it now.
    pub(super) fn piece_handed(&self) {
        self.handed.fetch_add(1, Relaxed);
        if self.http2.load(Relaxed) {
            self.progress.store(self.now(), Relaxed);
        }
    }

    /// The caller took it.
    pub(super) fn piece_taken(&self) {
        self.handed.fetch_sub(1, Relaxed);
    }

    pub(super) fn answer_ended(&self) {
        self.counts.open_requests.fetch_sub(1, Relaxed);
        if self.open.fetch_sub(1, Relaxed) == 1 {
            self.idle_since.store(self.now(), Relaxed);
        }
    }

    pub(super) fn write_blocked(&self) {
        if self.blocked_since.load(Relaxed) == 0 {
            self.blocked_since.store(self.now(), Relaxed);
        }
    }

    pub(super) fn write_went_on(&self) {
        self.blocked_since.store(0, Relaxed);
    }

    /// Whether a request is being answered over HTTP/1, where nobody else looks for a caller that has left.
    pub(super) fn answers_http1(&self) -> bool {
        self.open.load(Relaxed) > 0 && !self.http2.load(Relaxed)
    }

    /// Whether every answer of an HTTP/2 connection waits for its caller to open a window. One that waits for its model
    /// server keeps the connection: it would be cut with the others.
    fn all_stalled(&self) -> bool {
        let handed = self.handed.load(Relaxed);
        self.http2.load(Relaxed) && handed > 0 && handed == self.open.load(Relaxed)
    }

    /// The next moment at which the connection is late, and for what; `None` while only the gateway is to be waited for.
    pub(super) fn deadline(&self, patience: &Patience) -> Option<(Instant, Late)> {
        let at = |since: u64, patience: Duration| self.born + Duration::from_millis(since - 1) + patience;
        let blocked = self.blocked_since.load(Relaxed);
        let write = (blocked > 0).then(|| (at(blocked, patience.write), Late::Write));
        let stalled = self.all_stalled().then(|| (at(self.progress.load(Relaxed), patience.write), Late::Write));
        let head = self.head_since.load(Relaxed);
        let waiting = if self.open.load(Relaxed) > 0 {
            None
        } else if head > 0 {
            Some((at(head, patience.head), Late::Head))
        } else {
            Some((at(self.idle_since.load(Relaxed).max(1), patience.idle), Late::Idle))
        };
        [write, stalled, waiting].into_iter().flatten().min_by_key(|(at, _)| *at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { head: Duration::from_secs(10), idle: Duration::from_secs(100), write: Duration::from_secs(50) };

    fn late(activity: &Activity) -> Option<Late> {
        activity.deadline(&PATIENCE).map(|(_, late)| late)
    }

    #[test]
    fn follows_a_connection_through_its_life() {
        let activity = Activity::new(Arc::default());
        assert_eq!(late(&activity), Some(Late::Head), "a caller that says nothing");
        activity.request_began(false);
        assert_eq!(late(&activity), None, "the gateway is at work");
        activity.write_blocked();
        assert_eq!(late(&activity), Some(Late::Write));
        activity.write_went_on();
        activity.answer_ended();
        assert_eq!(late(&activity), Some(Late::Idle), "kept alive");
        activity.bytes_arrived();
        assert_eq!(late(&activity), Some(Late::Head), "the next head began");
    }

    #[test]
    fn an_http2_connection_is_late_when_nobody_on_it_reads() {
        let activity = Activity::new(Arc::default());
        activity.request_began(true);
        activity.request_began(true);
        activity.piece_handed();
        assert_eq!(late(&activity), None, "the other answer waits for its model server");
        activity.piece_handed();
        assert_eq!(late(&activity), Some(Late::Write));
        activity.piece_taken();
        assert_eq!(late(&activity), None);
    }

    #[test]
    fn pings_on_an_idle_http2_connection_begin_no_head() {
        let activity = Activity::new(Arc::default());
        activity.request_began(true);
        activity.answer_ended();
        activity.bytes_arrived();
        assert_eq!(late(&activity), Some(Late::Idle));
    }
}
