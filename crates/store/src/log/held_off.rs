use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::Unrecorded;

/// Whether a log admits what would be recorded: not while more waits for a copy elsewhere than may be lost.
#[derive(Clone, Default)]
pub(crate) struct HeldOff(Arc<Inner>);

#[derive(Default)]
struct Inner {
    /// So that a call looks at one word.
    is_held: AtomicBool,
    why: Mutex<Option<Arc<str>>>,
}

impl HeldOff {
    /// Holds off from now on for this reason, or no more.
    pub(crate) fn hold(&self, why: Option<Arc<str>>) {
        let mut held = self.0.why.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.is_held.store(why.is_some(), Ordering::Release);
        *held = why;
    }

    /// Why it holds off, where it does.
    pub(crate) fn why(&self) -> Option<Arc<str>> {
        if self.0.is_held.load(Ordering::Acquire) {
            self.0.why.lock().unwrap_or_else(PoisonError::into_inner).clone()
        } else {
            None
        }
    }

    pub(super) fn admit(&self) -> Result<(), Unrecorded> {
        self.why().map_or(Ok(()), |why| Err(Unrecorded::HeldOff(why)))
    }
}
