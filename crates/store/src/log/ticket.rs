use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use gatewright_ledger::{Batch, Receipt};
use tokio::sync::SetOnce;

use super::Broken;

/// A record that is on disk, and what can be shown for it.
#[derive(Clone, Debug)]
pub struct Kept {
    batch: Arc<Batch>,
    position: usize,
}

impl Kept {
    pub(super) const fn new(batch: Arc<Batch>, position: usize) -> Self {
        Self { batch, position }
    }

    /// The log's signed promise that the record is in it. The first of a commit to ask pays for the signature.
    pub fn receipt(&self) -> Option<Receipt> {
        self.batch.receipt(self.position)
    }
}

/// Says when a record is on disk. Cheap to clone; every clone says the same.
#[derive(Clone, Debug)]
pub struct Ticket(Arc<SetOnce<Result<Kept, Broken>>>);

impl Ticket {
    /// Waits until the record is on disk, or can no longer get there.
    pub async fn durable(&self) -> Result<Kept, Broken> {
        self.0.wait().await.clone()
    }
}

/// The committer's side of a [`Ticket`]. Dropped without having been kept, as happens when the committer panics, it
/// says that the record is lost: nobody waits for ever.
#[derive(Debug)]
pub(super) struct Promise(Ticket);

impl Promise {
    pub(super) fn new() -> (Self, Ticket) {
        let ticket = Ticket(Arc::new(SetOnce::new()));
        (Self(ticket.clone()), ticket)
    }

    pub(super) fn keep(self, kept: Kept) {
        // Set once here or in `drop`; the second attempt, by `drop`, changes nothing.
        let _ = self.0.0.set(Ok(kept));
    }

    pub(super) fn fail(self, why: &Broken) {
        let _ = self.0.0.set(Err(why.clone()));
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if !self.0.0.initialized() {
            let _ = self.0.0.set(Err(Broken::new("the committer stopped")));
        }
    }
}

/// How far the pieces of one answer have come to the disk. A journey has one, and at most one task waits on it.
#[derive(Debug, Default)]
pub(super) struct Progress(Mutex<Reached>);

#[derive(Debug, Default)]
struct Reached {
    synced: u64,
    lost: Option<Broken>,
    waker: Option<Waker>,
}

impl Progress {
    /// Ready once the first `number` pieces are on disk.
    pub(super) fn poll(&self, number: u64, cx: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        let mut reached = self.locked();
        if let Some(lost) = &reached.lost {
            return Poll::Ready(Err(lost.clone()));
        }
        if reached.synced >= number {
            return Poll::Ready(Ok(()));
        }
        reached.waker = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(super) fn fail(&self, why: &Broken) {
        self.change(|reached| {
            reached.lost.get_or_insert_with(|| why.clone());
        });
    }

    fn reach(&self, number: u64) {
        self.change(|reached| reached.synced = reached.synced.max(number));
    }

    fn change(&self, change: impl FnOnce(&mut Reached)) {
        let mut reached = self.locked();
        change(&mut reached);
        let waker = reached.waker.take();
        drop(reached);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn locked(&self) -> MutexGuard<'_, Reached> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The committer's duty to one piece of an answer; dropped without having been kept, the piece counts as lost.
#[derive(Debug)]
pub(super) struct PiecePromise {
    progress: Arc<Progress>,
    number: u64,
    kept: bool,
}

impl PiecePromise {
    pub(super) fn new(progress: Arc<Progress>, number: u64) -> Self {
        Self { progress, number, kept: false }
    }

    pub(super) fn keep(mut self) {
        self.kept = true;
        self.progress.reach(self.number);
    }

    pub(super) fn fail(mut self, why: &Broken) {
        self.kept = true;
        self.progress.fail(why);
    }
}

impl Drop for PiecePromise {
    fn drop(&mut self) {
        if !self.kept {
            self.progress.fail(&Broken::new("the committer stopped"));
        }
    }
}
