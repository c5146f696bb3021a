use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::task::AbortHandle;

use super::line::Line;

/// Shorter than the keep-alive of the common model servers (5 s), so that no request goes out on a connection that
/// its server is about to close.
const KEPT: Duration = Duration::from_secs(4);

/// From when on a connection's server may have closed it without this thread having looked.
const RESTED: Duration = Duration::from_millis(1);

/// The most idle connections that one thread's shelf keeps.
const MOST: usize = 512;

/// How many shelves there are. Threads beyond that share one, which is only slower.
const SHELVES: usize = 64;

/// Connections that wait for a next request.
///
/// A connection is used again by the thread that opened it: its readiness is reported to that thread's runtime, and
/// being woken by another costs more than a new look at the queue.
pub(super) struct Pool {
    shelves: [Mutex<Shelf>; SHELVES],
}

#[derive(Default)]
struct Shelf {
    idle: Vec<Idle>,
    /// Closes what nobody used for too long, as long as there is something.
    sweeper: Option<AbortHandle>,
}

struct Idle {
    line: Line,
    since: Instant,
}

thread_local! {
    static SHELF: Cell<Option<usize>> = const { Cell::new(None) };
}

/// This thread's shelf.
fn own() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    SHELF.get().unwrap_or_else(|| {
        let shelf = NEXT.fetch_add(1, Relaxed) % SHELVES;
        SHELF.set(Some(shelf));
        shelf
    })
}

impl Pool {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self { shelves: std::array::from_fn(|_| Mutex::default()) })
    }

    /// Whether the connection that would be taken has been idle for a moment: its server may have closed it, and this
    /// thread may not have heard of it yet.
    pub(super) fn has_rested(&self) -> bool {
        self.shelf(own()).idle.last().is_some_and(|idle| idle.since.elapsed() >= RESTED)
    }

    /// The connection that was used last and still stands. What its server closed meanwhile is dropped on the way.
    pub(super) fn take(&self, context: &mut Context<'_>) -> Option<Line> {
        let mut shelf = self.shelf(own());
        while let Some(Idle { mut line, since }) = shelf.idle.pop() {
            if since.elapsed() < KEPT && line.poll_usable(context).is_ready() {
                return Some(line);
            }
        }
        None
    }

    /// Keeps a connection whose exchange is over, if it can be used again.
    pub(super) fn give_back(self: &Arc<Self>, mut line: Line, context: &mut Context<'_>) {
        if line.poll_usable(context) == Poll::Pending {
            return;
        }
        let number = own();
        let mut shelf = self.shelf(number);
        if shelf.idle.len() < MOST {
            shelf.idle.push(Idle { line, since: Instant::now() });
        }
        if shelf.sweeper.is_none() {
            shelf.sweeper = Some(tokio::spawn(sweep(Arc::downgrade(self), number)).abort_handle());
        }
    }

    fn shelf(&self, number: usize) -> MutexGuard<'_, Shelf> {
        self.shelves[number].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        for shelf in &mut self.shelves {
            if let Some(sweeper) = shelf.get_mut().unwrap_or_else(PoisonError::into_inner).sweeper.take() {
                sweeper.abort();
            }
        }
    }
}

async fn sweep(pool: Weak<Pool>, number: usize) {
    loop {
        tokio::time::sleep(KEPT).await;
        let Some(pool) = pool.upgrade() else { return };
        let mut shelf = pool.shelf(number);
        shelf.idle.retain(|idle| idle.since.elapsed() < KEPT);
        if shelf.idle.is_empty() {
            shelf.sweeper = None;
            return;
        }
    }
}
