use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatewright_ledger::Batch;
use gatewright_model::{RequestId, Timestamp};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::feed::Feed;
use super::held_off::HeldOff;
use super::ticket::{Kept, PiecePromise, Promise};
use super::{Broken, LogState, Options};
use crate::sessions::Gist;

/// The two salts of a journey's bodies. They lie beside the bodies, never in the log.
#[derive(Clone, Copy)]
pub(super) struct Salts {
    pub(super) request: [u8; 32],
    pub(super) answer: [u8; 32],
}

/// Something for the committer to write. Leaves are encoded already, on the thread of whoever brought them.
pub(super) enum Entry {
    Intent {
        request: RequestId,
        at: Timestamp,
        leaf: Vec<u8>,
        gist: Option<Box<Gist>>,
        salts: Salts,
        body: Bytes,
        promise: Promise,
    },
    Piece {
        request: RequestId,
        at: Timestamp,
        bytes: Bytes,
        promise: PiecePromise,
    },
    // The place is given back when the entry is dropped, that is after the outcome's sync.
    Outcome {
        request: RequestId,
        leaf: Vec<u8>,
        gist: Option<Box<Gist>>,
        place: OwnedSemaphorePermit,
    },
    Note {
        request: Option<RequestId>,
        leaf: Vec<u8>,
        gist: Option<Box<Gist>>,
        place: OwnedSemaphorePermit,
        promise: Option<Promise>,
    },
}

impl Entry {
    /// What the record says, for the index of sessions; once.
    pub(super) const fn take_gist(&mut self) -> Option<Box<Gist>> {
        match self {
            Self::Intent { gist, .. } | Self::Outcome { gist, .. } | Self::Note { gist, .. } => gist.take(),
            Self::Piece { .. } => None,
        }
    }

    /// Whether somebody waits who is given a receipt.
    pub(super) const fn wants_receipt(&self) -> bool {
        match self {
            Self::Intent { .. } | Self::Note { promise: Some(_), .. } => true,
            Self::Piece { .. } | Self::Outcome { .. } | Self::Note { promise: None, .. } => false,
        }
    }

    /// Tells whoever waits that this is on disk, with its position in the batch, and gives back its place.
    pub(super) fn keep(self, batch: &Arc<Batch>, position: usize) {
        match self {
            Self::Intent { promise, .. } => promise.keep(Kept::new(batch.clone(), position)),
            Self::Piece { promise, .. } => promise.keep(),
            Self::Outcome { place, .. } => drop(place),
            Self::Note { place, promise, .. } => {
                drop(place);
                if let Some(promise) = promise {
                    promise.keep(Kept::new(batch.clone(), position));
                }
            }
        }
    }

    /// The answer bytes that wait while this does.
    pub(super) fn pending_bytes(&self) -> usize {
        match self {
            Self::Piece { bytes, .. } => bytes.len(),
            Self::Intent { .. } | Self::Outcome { .. } | Self::Note { .. } => 0,
        }
    }

    /// Tells whoever waits that this will never be on disk.
    pub(super) fn fail(self, why: &Broken) {
        match self {
            Self::Intent { promise, .. } => promise.fail(why),
            Self::Piece { promise, .. } => promise.fail(why),
            Self::Outcome { place, .. } => drop(place),
            Self::Note { promise, .. } => {
                if let Some(promise) = promise {
                    promise.fail(why);
                }
            }
        }
    }
}

/// What the committer does next.
pub(super) enum Turn {
    /// Write these.
    Commit(Vec<Entry>),
    /// Nothing came for a while.
    Idle,
    /// Write these and stop in order.
    Finish(Vec<Entry>),
    /// Write these and stop without a word: every handle is gone.
    Abandon(Vec<Entry>),
    /// Stop: somebody else has broken the log.
    Over,
}

/// What the log's handles and its committer share.
pub(super) struct Shared {
    pub(super) options: Options,
    /// One for each journey that may be open; a permit travels from intent to outcome.
    pub(super) places: Arc<Semaphore>,
    /// One for each note that may wait.
    pub(super) notes: Arc<Semaphore>,
    /// What the index of sessions is told.
    pub(super) feed: Arc<Feed>,
    /// Since when the disk has been written to, where it is at this moment.
    writing: Mutex<Option<Instant>>,
    /// Whether journeys are admitted.
    pub(super) held_off: HeldOff,
    queue: Mutex<Queue>,
    bell: Condvar,
    state: watch::Sender<LogState>,
    durable: watch::Sender<u64>,
}

struct Queue {
    entries: Vec<Entry>,
    due: Option<Instant>,
    asleep: Asleep,
    /// Answer bytes that are queued or being written.
    pending_bytes: usize,
    waiting: HashMap<RequestId, Waker>,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asleep {
    Yes,
    No,
}

#[derive(Clone)]
enum Stage {
    Open,
    /// No new journeys; what is open may still end.
    Finishing,
    /// Every handle is gone.
    Abandoned,
    Ended,
    Broken(Broken),
}

/// From how many open journeys on an intent finds company without waiting long.
const CROWD: usize = 16;

/// How many notes may wait at once.
const NOTES: usize = 1_024;

impl Shared {
    pub(super) fn new(options: Options, durable: u64) -> Self {
        Self {
            places: Arc::new(Semaphore::new(options.places)),
            notes: Arc::new(Semaphore::new(NOTES)),
            feed: Arc::default(),
            writing: Mutex::default(),
            held_off: HeldOff::default(),
            queue: Mutex::new(Queue {
                entries: Vec::new(),
                due: None,
                asleep: Asleep::No,
                pending_bytes: 0,
                waiting: HashMap::new(),
                stage: Stage::Open,
            }),
            bell: Condvar::new(),
            state: watch::Sender::new(LogState::Healthy),
            durable: watch::Sender::new(durable),
            options,
        }
    }

    /// Says that the disk is being written to from now on, or no more; gives for how long it was.
    pub(super) fn writes(&self, since: Option<Instant>) -> Duration {
        let before = std::mem::replace(&mut *self.writing.lock().unwrap_or_else(PoisonError::into_inner), since);
        before.map_or(Duration::ZERO, |before| before.elapsed())
    }

    /// For how long the disk has been written to, where it is at this moment.
    pub(super) fn writing_for(&self) -> Option<Duration> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner).map(|since| since.elapsed())
    }

    pub(super) fn watch(&self) -> watch::Receiver<LogState> {
        self.state.subscribe()
    }

    pub(super) fn durable(&self) -> watch::Receiver<u64> {
        self.durable.subscribe()
    }

    /// Says how many records are on disk.
    pub(super) fn advance(&self, records: u64) {
        self.durable.send_replace(records);
    }

    /// Puts an entry in the queue; it is written within `delay`.
    pub(super) fn push(&self, entry: Entry, delay: Duration) -> Result<(), Broken> {
        let mut queue = self.locked();
        let refused = match (&queue.stage, &entry) {
            (Stage::Open, _) => None,
            (Stage::Finishing | Stage::Abandoned, Entry::Piece { .. } | Entry::Outcome { .. }) => None,
            (Stage::Broken(why), _) => Some(why.clone()),
            (Stage::Finishing | Stage::Abandoned | Stage::Ended, _) => Some(Broken::new("the log is closed")),
        };
        if let Some(why) = refused {
            drop(queue);
            entry.fail(&why);
            return Err(why);
        }
        queue.pending_bytes += entry.pending_bytes();
        queue.entries.push(entry);
        let due = Instant::now() + delay;
        if queue.due.is_none_or(|earlier| due < earlier) {
            queue.due = Some(due);
            self.ring(queue);
        }
        Ok(())
    }

    /// Ready while fewer answer bytes wait than may.
    pub(super) fn poll_room(&self, request: RequestId, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let mut queue = self.locked();
        if let Stage::Broken(why) = &queue.stage {
            return Poll::Ready(Err(why.clone()));
        }
        if queue.pending_bytes < self.options.pending_bytes {
            return Poll::Ready(Ok(()));
        }
        queue.waiting.insert(request, cx.waker().clone());
        Poll::Pending
    }

    /// The delay of an intent that is waited for before long. Where many journeys are open, others come within a moment,
    /// and a sync for each would cost everybody more than the moment does.
    pub(super) fn soon(&self) -> Duration {
        let open = self.options.places.saturating_sub(self.places.available_permits());
        if open > CROWD { self.options.linger } else { Duration::ZERO }
    }

    /// The delay of an outcome: it rides with the next intent, unless journeys wait for its place. Outcomes that were
    /// queued before places ran low ride with the intents that took the last ones.
    pub(super) fn outcome_delay(&self) -> Duration {
        if self.places.available_permits() <= self.options.places / 8 {
            Duration::ZERO
        } else {
            self.options.outcome_delay
        }
    }

    /// Asks the committer to write what is there and stop.
    pub(super) fn finish(&self) {
        self.leave_open(Stage::Finishing);
    }

    /// Says that every handle is gone.
    pub(super) fn abandon(&self) {
        self.leave_open(Stage::Abandoned);
    }

    fn leave_open(&self, next: Stage) {
        let mut queue = self.locked();
        if let Stage::Open = queue.stage {
            queue.stage = next;
            self.ring(queue);
        }
    }

    /// Waits for the next thing to do. `patience` is how long nothing may come before the turn is idle.
    pub(super) fn next_turn(&self, patience: Option<Duration>) -> Turn {
        let mut queue = self.locked();
        let idle_at = patience.map(|patience| Instant::now() + patience);
        loop {
            match queue.stage {
                Stage::Finishing => return Turn::Finish(take(&mut queue)),
                Stage::Abandoned => return Turn::Abandon(take(&mut queue)),
                Stage::Ended | Stage::Broken(_) => return Turn::Over,
                Stage::Open => {}
            }
            let now = Instant::now();
            if queue.due.is_some_and(|due| due <= now) {
                return Turn::Commit(take(&mut queue));
            }
            if idle_at.is_some_and(|idle_at| idle_at <= now) && queue.due.is_none() {
                return Turn::Idle;
            }
            queue.asleep = Asleep::Yes;
            queue = match queue.due.or(idle_at) {
                Some(until) => {
                    let wait = until.saturating_duration_since(now);
                    self.bell.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.bell.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
            queue.asleep = Asleep::No;
        }
    }

    /// Gives back the room of answer bytes that were written.
    pub(super) fn written(&self, bytes: usize) {
        let mut queue = self.locked();
        queue.pending_bytes = queue.pending_bytes.saturating_sub(bytes);
        if queue.pending_bytes < self.options.pending_bytes && !queue.waiting.is_empty() {
            let waiting = std::mem::take(&mut queue.waiting);
            drop(queue);
            waiting.into_values().for_each(Waker::wake);
        }
    }

    /// Marks the log as broken for ever, under the queue's lock, so that nothing can slip in behind the last batch.
    pub(super) fn break_with(&self, why: &Broken) {
        let (entries, waiting) = {
            let mut queue = self.locked();
            if matches!(queue.stage, Stage::Broken(_) | Stage::Ended) {
                return;
            }
            queue.stage = Stage::Broken(why.clone());
            self.places.close();
            self.notes.close();
            self.state.send_replace(LogState::Broken(why.clone()));
            (take(&mut queue), std::mem::take(&mut queue.waiting))
        };
        // The committer may be waiting for work: the publisher breaks the log too.
        self.bell.notify_one();
        entries.into_iter().for_each(|entry| entry.fail(why));
        waiting.into_values().for_each(Waker::wake);
    }

    /// Marks the log as closed in order; what came too late is told so.
    pub(super) fn end(&self) {
        let late = {
            let mut queue = self.locked();
            queue.stage = Stage::Ended;
            self.places.close();
            self.notes.close();
            self.state.send_replace(LogState::Closed);
            take(&mut queue)
        };
        let why = Broken::new("the log is closed");
        late.into_iter().for_each(|entry| entry.fail(&why));
    }

    /// Whether the log broke.
    pub(super) fn is_broken(&self) -> bool {
        matches!(self.locked().stage, Stage::Broken(_))
    }

    /// Why nothing can be recorded any more.
    pub(super) fn broken(&self) -> Broken {
        match &self.locked().stage {
            Stage::Broken(why) => why.clone(),
            Stage::Open | Stage::Finishing | Stage::Abandoned | Stage::Ended => Broken::new("the log is closed"),
        }
    }

    fn ring(&self, mut queue: MutexGuard<'_, Queue>) {
        if queue.asleep == Asleep::Yes {
            // One wake-up is enough until the committer has slept again.
            queue.asleep = Asleep::No;
            drop(queue);
            self.bell.notify_one();
        }
    }

    fn locked(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn take(queue: &mut Queue) -> Vec<Entry> {
    queue.due = None;
    std::mem::take(&mut queue.entries)
}
