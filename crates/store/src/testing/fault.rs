use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// What a disk is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A file is created.
    Create,
    /// Bytes are written, or a length is set.
    Write,
    /// A file is synced.
    Sync,
    /// A folder is synced.
    SyncDir,
    /// A file gets a new name.
    Rename,
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// EIO.
    InputOutput,
    /// ENOSPC.
    Full,
    /// The thread that asked panics.
    Panic,
}

impl Failure {
    const EIO: i32 = 5;
    const ENOSPC: i32 = 28;

    #[allow(clippy::panic, reason = "a test asks for it, to see that the committer's panic leaves nobody waiting")]
    pub(super) fn strike(self) -> io::Error {
        match self {
            Self::InputOutput => io::Error::from_raw_os_error(Self::EIO),
            Self::Full => io::Error::from_raw_os_error(Self::ENOSPC),
            Self::Panic => panic!("the disk's panic that a test asked for"),
        }
    }
}

/// A failure that was ordered.
#[derive(Clone, Debug)]
pub(super) struct Order {
    pub(super) operation: Operation,
    pub(super) path: String,
    /// How many more such operations succeed.
    pub(super) after: u64,
    pub(super) failure: Failure,
}

/// How long a test waits for a sync that must come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Holds the syncs of files whose path begins like this, until it is released or dropped.
#[derive(Debug)]
pub struct Held {
    pub(super) gate: Arc<Gate>,
}

#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct GateState {
    prefix: Option<String>,
    waiting: u64,
}

impl Gate {
    pub(super) fn close(&self, prefix: &str) {
        self.locked().prefix = Some(prefix.to_owned());
    }

    /// Waits while syncs of this path are held.
    pub(super) fn pass(&self, path: &str) {
        let mut state = self.locked();
        let is_held = |state: &GateState| state.prefix.as_ref().is_some_and(|prefix| path.starts_with(prefix.as_str()));
        if is_held(&state) {
            state.waiting += 1;
            self.changed.notify_all();
            while is_held(&state) {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            state.waiting -= 1;
        }
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, GateState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    /// Waits until a sync is being held.
    ///
    /// # Panics
    ///
    /// When none comes within ten seconds.
    pub fn wait_for_sync(&self) {
        let state = self.gate.locked();
        let waited = self.gate.changed.wait_timeout_while(state, PATIENCE, |state| state.waiting == 0);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        assert!(state.waiting > 0, "nothing was synced here");
    }

    /// Lets the held syncs go on, and those to come.
    pub fn release(self) {
        drop(self);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.gate.locked().prefix = None;
        self.gate.changed.notify_all();
    }
}
