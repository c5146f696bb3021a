//! The append-only log with group commit: an intent before, the answer as it is delivered, one outcome afterwards.
//!
//! Each run of a gateway writes a log of its own, under a key of its own that is never written down; the register, signed
//! by the root key, names them all. The segments are the truth; tiles for standard tools are made from them.
//!
//! One thread, the committer, writes all records: it drains a bounded queue, writes and syncs the bodies, then writes
//! and syncs the ledger, and only then tells those who wait. A failed write or sync breaks the log for ever.

mod ahead;
mod body_writer;
mod broken;
mod checkpoint_writer;
mod closing;
mod committer;
mod feed;
mod held_off;
mod keys;
mod ledger_writer;
mod open;
mod options;
mod publisher;
mod queue;
mod recovery;
mod register;
mod ticket;
mod witnessed;

use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use gatewright_ledger::{BODY_LIMIT, Commitment, Leaf, LeafKind};
use gatewright_model::{Clock, Entropy, Event, Moment, RequestId, SessionId, Tally, Timestamp};
use tokio::sync::watch;

pub use broken::{Broken, LogState, Unrecorded};
pub use closing::{Closing, Ending};
pub use options::{Options, Start};
pub use recovery::{OpenError, Recovered};
pub use ticket::{Kept, Ticket};
pub use witnessed::{ToCosign, Witnessed};

pub(crate) use feed::{Feed, Told};
pub(crate) use held_off::HeldOff;
pub(crate) use publisher::PublishedLog;
use queue::{Entry, Salts, Shared};
use ticket::Promise;

use crate::sessions::Gist;

/// How soon an intent must be on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Urgency {
    /// Something waits for it before it is sent.
    Now,
    /// It overlaps with work that is short: it waits for company only where company is certain.
    Soon,
    /// It overlaps with work that takes longer than the sync, and may wait a moment for company.
    Linger,
}

/// What is known when a journey's record is opened; becomes its intent, ended by an `Opened` event.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Which journey.
    pub request: RequestId,
    /// The thread of calls that it belongs to.
    pub session: SessionId,
    /// When the record is opened.
    pub at: Timestamp,
    /// What happened so far, without the `Opened` event.
    pub moments: Vec<Moment>,
    /// The request as it will be sent, masked.
    pub body: Bytes,
    /// What was masked in it.
    pub masked: Vec<Tally>,
    /// How soon it must be on disk.
    pub urgency: Urgency,
}

/// The log; cheap to clone. When the last clone goes without [`close`](Log::close), what is queued is written and the
/// committer's thread ends, which the drop waits for.
#[derive(Clone)]
pub struct Log {
    handle: Arc<Handle>,
}

struct Handle {
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    register: Arc<Mutex<register::Register>>,
    committer: Option<JoinHandle<()>>,
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shared.abandon();
        if let Some(committer) = self.committer.take() {
            // A panic in there has marked the log as broken; nobody is left to be told.
            let _ = committer.join();
        }
    }
}

impl Log {
    /// Opens a journey's record. Waits while as many journeys are open as there are places.
    ///
    /// The ticket says when the intent is on disk; nothing may be disclosed, and nothing may leave for an external
    /// model server, before it does.
    pub async fn intent(&self, opening: Opening) -> Result<(Ticket, Closing), Unrecorded> {
        let Opening { request, session, at, mut moments, body, masked, urgency } = opening;
        let shared = &self.handle.shared;
        if body.len() > BODY_LIMIT {
            return Err(Unrecorded::TooLong { length: body.len() });
        }
        shared.held_off.admit()?;
        let place = shared.places.clone().acquire_owned().await.map_err(|_| shared.broken())?;
        let salts = self.salts();
        let reference = Commitment::of(&salts.request, &body);
        moments.push(Moment { at, event: Event::Opened { session, request: reference, masked } });
        let story = Leaf { kind: LeafKind::Intent, request: Some(request), moments };
        let (leaf, gist) = encode(&story)?;
        let delay = match urgency {
            Urgency::Now => Duration::ZERO,
            Urgency::Soon => shared.soon(),
            Urgency::Linger => shared.options.linger,
        };
        let (promise, ticket) = Promise::new();
        shared.push(Entry::Intent { request, at, leaf, gist, salts, body, promise }, delay)?;
        let clock = self.handle.clock.clone();
        let closing = Closing::new(shared.clone(), clock, request, (place, &salts.answer), story.moments);
        Ok((ticket, closing))
    }

    /// Records something that belongs to no open journey (a refusal, a reload) and waits until it is on disk.
    pub async fn note(&self, request: Option<RequestId>, moments: Vec<Moment>) -> Result<Kept, Unrecorded> {
        let shared = &self.handle.shared;
        shared.held_off.admit()?;
        let place = shared.notes.clone().acquire_owned().await.map_err(|_| shared.broken())?;
        let (leaf, gist) = encode(&Leaf { kind: LeafKind::Note, request, moments })?;
        let (promise, ticket) = Promise::new();
        let entry = Entry::Note { request, leaf, gist, place, promise: Some(promise) };
        shared.push(entry, Duration::ZERO)?;
        Ok(ticket.durable().await?)
    }

    /// Records something that nobody waits for, such as refusals of strangers told in aggregate: it rides with the
    /// next commit and costs no sync of its own for a while. `Busy` where too many notes wait: keep counting then.
    pub fn note_lazily(&self, request: Option<RequestId>, moments: Vec<Moment>) -> Result<(), Unrecorded> {
        let shared = &self.handle.shared;
        shared.held_off.admit()?;
        let place = shared.notes.clone().try_acquire_owned().map_err(|error| match error {
            tokio::sync::TryAcquireError::NoPermits => Unrecorded::Busy,
            tokio::sync::TryAcquireError::Closed => shared.broken().into(),
        })?;
        let (leaf, gist) = encode(&Leaf { kind: LeafKind::Note, request, moments })?;
        let entry = Entry::Note { request, leaf, gist, place, promise: None };
        Ok(shared.push(entry, shared.options.note_delay)?)
    }

    /// Whether the log can be relied upon at this moment.
    pub fn state(&self) -> LogState {
        self.watch().borrow().clone()
    }

    /// Tells when that changes: the server stops serving when it turns to [`LogState::Broken`].
    pub fn watch(&self) -> watch::Receiver<LogState> {
        self.handle.shared.watch()
    }

    /// How many records are on disk, and when that changes: what the sessions' index follows.
    pub fn durable(&self) -> watch::Receiver<u64> {
        self.handle.shared.durable()
    }

    /// Writes what is there, notes `Stopped` with a last checkpoint, and ends the committer. Call it when every journey
    /// has been dropped: an outcome that comes later is lost, and the next start books it as interrupted.
    pub async fn close(self) -> Result<(), Broken> {
        self.handle.shared.finish();
        let mut state = self.watch();
        let ended = state.wait_for(|state| *state != LogState::Healthy).await.map(|state| state.clone());
        match ended {
            Ok(LogState::Broken(why)) => Err(why),
            Ok(LogState::Closed | LogState::Healthy) | Err(_) => Ok(()),
        }
    }

    /// What the index of sessions is told.
    pub(crate) fn feed(&self) -> Arc<Feed> {
        self.handle.shared.feed.clone()
    }

    /// For how long records have waited for the disk, where it is being written to at this moment. Calls wait with them:
    /// a disk that hangs says nothing by itself.
    pub fn writing_for(&self) -> Option<Duration> {
        self.handle.shared.writing_for()
    }

    /// Why nothing more is recorded for now, where that is so.
    pub fn refusing(&self) -> Option<Arc<str>> {
        self.handle.shared.held_off.why()
    }

    /// What holds the log off from admitting journeys.
    pub(crate) fn held_off(&self) -> HeldOff {
        self.handle.shared.held_off.clone()
    }

    /// The register of logs, to have it cosigned.
    pub fn witnessed(&self) -> Witnessed {
        Witnessed::new(self.handle.register.clone())
    }

    fn salts(&self) -> Salts {
        let mut salts = Salts { request: [0; 32], answer: [0; 32] };
        self.handle.entropy.fill(&mut salts.request);
        self.handle.entropy.fill(&mut salts.answer);
        salts
    }
}

/// A record's bytes, and what the index of sessions is told of it.
fn encode(story: &Leaf) -> Result<(Vec<u8>, Option<Box<Gist>>), Unrecorded> {
    let leaf = story.encode().map_err(|long| Unrecorded::TooLong { length: long.length })?;
    Ok((leaf, Some(Box::new(Gist::of(story)))))
}
