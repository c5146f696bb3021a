use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use gatewright_model::ApprovalId;
use tokio::sync::Notify;

/// Who waits for which approval.
#[derive(Default)]
pub(super) struct Waiting(Mutex<HashMap<ApprovalId, (Arc<Notify>, usize)>>);

/// A place among those who wait for an approval; dropping it leaves.
pub(super) struct Place<'w> {
    waiting: &'w Waiting,
    id: ApprovalId,
    pub(super) bell: Arc<Notify>,
}

impl Waiting {
    pub(super) fn join(&self, id: ApprovalId) -> Place<'_> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (bell, count) = all.entry(id).or_default();
        *count += 1;
        Place { waiting: self, id, bell: Arc::clone(bell) }
    }

    pub(super) fn wake(&self, id: ApprovalId) {
        if let Some((bell, _)) = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&id) {
            bell.notify_waiters();
        }
    }

    pub(super) fn wake_all(&self) {
        for (bell, _) in self.0.lock().unwrap_or_else(PoisonError::into_inner).values() {
            bell.notify_waiters();
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut all = self.waiting.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, count)) = all.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.id);
            }
        }
    }
}
