//! A second look at decisions, beside the calls. Two things look: a candidate, which is a catalogue that decides along
//! without effect, and Cedar's own authorizer, which makes some decisions again and should come to the same.
//!
//! A call hands over what it was decided on and goes its way. It never waits: the queue is bounded, and what finds no
//! place in it is counted. Everything else happens on one thread.

mod candidate;
mod tally;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use arc_swap::ArcSwapOption;
use gatewright_model::{Clock, Event, Moment, RequestId, Timestamp};
use gatewright_policy::{Again, Case, Decision, Values};
use gatewright_store::log::Log;

pub use candidate::Candidate;
pub use tally::{Counted, Group, Tally};

use crate::{Decided, World};

/// How many decisions may wait; some hundred kilobytes, and seconds of work.
const MOST_WAITING: usize = 1_024;

/// Looks at decisions a second time.
pub struct SecondLook {
    queue: SyncSender<Look>,
    seen: Arc<Seen>,
    /// Of so many decisions one is made again; 0: none.
    every: AtomicU32,
    candidate: ArcSwapOption<Candidate>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

/// What is counted of decisions that were made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rechecks {
    /// Of so many decisions one is made again; 0: none.
    pub every: u32,
    /// How many came out the same.
    pub agreed: u64,
    /// How many did not: each is on record.
    pub doubted: u64,
    /// How many the authorizer cannot be asked about, such as lists.
    pub not_asked: u64,
    /// How many found no place in the queue, or broke off.
    pub dropped: u64,
    /// The first that came out otherwise.
    pub first_doubt: Option<(Timestamp, RequestId)>,
}

/// What the worker knows.
struct Seen {
    log: Log,
    clock: Arc<dyn Clock>,
    closing: AtomicBool,
    agreed: AtomicU64,
    doubted: AtomicU64,
    not_asked: AtomicU64,
    dropped: AtomicU64,
    first_doubt: Mutex<Option<(Timestamp, RequestId)>>,
}

/// A decision, and who looks at it.
struct Look {
    request: RequestId,
    world: Arc<World>,
    case: Case,
    decision: Decision,
    values: Values,
    candidate: Option<Arc<Candidate>>,
    recheck: Recheck,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Recheck {
    Wanted,
    NotWanted,
}

impl SecondLook {
    /// Starts the thread. Decisions that come out otherwise are written into `log`.
    pub fn start(log: Log, clock: Arc<dyn Clock>) -> std::io::Result<Self> {
        let (queue, looks) = sync_channel(MOST_WAITING);
        let seen = Arc::new(Seen {
            log,
            clock,
            closing: AtomicBool::new(false),
            agreed: AtomicU64::new(0),
            doubted: AtomicU64::new(0),
            not_asked: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
            first_doubt: Mutex::new(None),
        });
        let working = Arc::clone(&seen);
        let worker = thread::Builder::new().name("second-look".to_owned()).spawn(move || working.work(&looks))?;
        Ok(Self {
            queue,
            seen,
            every: AtomicU32::new(0),
            candidate: ArcSwapOption::empty(),
            worker: Mutex::new(Some(worker)),
        })
    }

    /// Of so many decisions one is made again from now on; 0: none.
    pub fn recheck_one_of(&self, every: u32) {
        self.every.store(every, Relaxed);
    }

    /// Has another catalogue decide along from now on, or none.
    pub fn put(&self, candidate: Option<Arc<Candidate>>) {
        self.candidate.store(candidate);
    }

    /// The catalogue that decides along.
    pub fn candidate(&self) -> Option<Arc<Candidate>> {
        self.candidate.load_full()
    }

    /// What came of decisions that were made again.
    pub fn rechecks(&self) -> Rechecks {
        let seen = &self.seen;
        Rechecks {
            every: self.every.load(Relaxed),
            agreed: seen.agreed.load(Relaxed),
            doubted: seen.doubted.load(Relaxed),
            not_asked: seen.not_asked.load(Relaxed),
            dropped: seen.dropped.load(Relaxed),
            first_doubt: *seen.first_doubt.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Hands a decision over, if anybody looks at it.
    pub(crate) fn look(&self, request: RequestId, decided: &Decided) {
        let candidate = self.candidate.load();
        let recheck = self.wants(request);
        if candidate.is_none() && recheck == Recheck::NotWanted {
            return;
        }
        let call = decided.examined().call();
        // A file of calls is decided row by row; what stands here is what they came to together. And where a benchmark
        // leaves policy out, nothing was decided.
        if !call.rows().is_empty() || !call.world().stages.policy() {
            return;
        }
        let world = Arc::clone(call.world());
        let live = world.policy.digest();
        let candidate = candidate.as_ref().filter(|candidate| candidate.is_beside(live)).cloned();
        if candidate.is_none() && recheck == Recheck::NotWanted {
            return;
        }
        let values = match call.kept() {
            // What is kept has its tokens taken away after the decision.
            Some(_) => Values::Altered,
            None => Values::AsDecided,
        };
        let (case, decision) = (decided.case(), decided.decision().clone());
        let look = Look { request, world, case, decision, values, candidate, recheck };
        if let Err(unlooked) = self.queue.try_send(look) {
            let (std::sync::mpsc::TrySendError::Full(look) | std::sync::mpsc::TrySendError::Disconnected(look)) =
                unlooked;
            self.seen.drop_look(&look);
        }
    }

    /// Chosen by the call's own random id, so that nobody outside can tell which, and nothing is shared between threads.
    fn wants(&self, request: RequestId) -> Recheck {
        let every = self.every.load(Relaxed);
        let [.., a, b, c, d] = *request.as_bytes();
        match every > 0 && u32::from_be_bytes([a, b, c, d]).is_multiple_of(every) {
            true => Recheck::Wanted,
            false => Recheck::NotWanted,
        }
    }
}

impl Drop for SecondLook {
    fn drop(&mut self) {
        self.seen.closing.store(true, Relaxed);
        let (closed, _) = sync_channel(0);
        // The worker ends with its queue.
        drop(std::mem::replace(&mut self.queue, closed));
        if let Some(worker) = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let _ = worker.join();
        }
    }
}

impl Seen {
    fn work(&self, looks: &Receiver<Look>) {
        for look in looks {
            if self.closing.load(Relaxed) {
                continue;
            }
            // A catalogue that nobody relies on must not end the watch over the one that everybody does.
            if catch_unwind(AssertUnwindSafe(|| self.take(&look))).is_err() {
                tracing::error!(request = %look.request, "looking at a decision a second time broke off");
                self.drop_look(&look);
            }
        }
    }

    fn take(&self, look: &Look) {
        if let Some(candidate) = &look.candidate {
            candidate.decide_along(look.request, &look.world, &look.case, &look.decision, look.values);
        }
        if look.recheck == Recheck::Wanted {
            self.recheck(look);
        }
    }

    fn recheck(&self, look: &Look) {
        let catalogue = &look.world.policy;
        let doubt = match catalogue.decide_again(&look.case, &look.decision, look.values) {
            Again::Agrees => {
                self.agreed.fetch_add(1, Relaxed);
                return;
            }
            Again::NotAsked => {
                self.not_asked.fetch_add(1, Relaxed);
                return;
            }
            Again::Differs(doubt) => doubt,
        };
        self.doubted.fetch_add(1, Relaxed);
        let at = self.clock.now();
        self.first_doubt.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert((at, look.request));
        let (decided, authorizer) = (look.decision.verdict, doubt.authorizer);
        tracing::error!(
            request = %look.request, about = doubt.about, decided = decided.name(), authorizer = authorizer.name(),
            "Cedar's authorizer decides this call otherwise than the gateway did: its index of rules is wrong"
        );
        let event = Event::Doubted {
            call: look.request,
            about: doubt.about.into(),
            verdict: decided,
            authorizer,
            rules: look.decision.rules.clone(),
            catalogue: catalogue.digest(),
        };
        if let Err(why) = self.log.note_lazily(None, vec![Moment { at, event }]) {
            tracing::error!(request = %look.request, %why, "that a decision is in doubt could not be recorded");
        }
    }

    fn drop_look(&self, look: &Look) {
        if let Some(candidate) = &look.candidate {
            candidate.count_dropped();
        }
        if look.recheck == Recheck::Wanted {
            self.dropped.fetch_add(1, Relaxed);
        }
    }
}
