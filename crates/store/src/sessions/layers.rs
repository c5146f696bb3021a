use std::collections::HashMap;

use gatewright_model::RequestId;

use super::fold::{CallRow, Rows, ThreadRow};
use super::index::Index;
use super::{Gist, SessionsError, ThreadId};
use crate::quotas::Recount;

/// Rows that the index does not have yet, or has in an older state.
#[derive(Default)]
pub(super) struct Tail {
    pub(super) calls: HashMap<RequestId, CallRow>,
    pub(super) threads: HashMap<ThreadId, ThreadRow>,
}

impl Tail {
    /// The calls by their first record, so that a table that is ordered by time grows at its end.
    pub(super) fn in_order(&self) -> impl Iterator<Item = &CallRow> {
        let mut calls: Vec<&CallRow> = self.calls.values().collect();
        calls.sort_unstable_by_key(|call| call.first.record);
        calls.into_iter()
    }

    /// The threads by their last call, by which lists order them: that table grows at its end.
    pub(super) fn threads_in_order(&self) -> impl Iterator<Item = &ThreadRow> {
        let mut threads: Vec<&ThreadRow> = self.threads.values().collect();
        threads.sort_unstable_by_key(|thread| thread.last);
        threads.into_iter()
    }
}

/// Rows of the tail before rows of the index. What is put lands in the tail.
pub(super) struct Layers<'a> {
    pub(super) base: Option<&'a Index>,
    pub(super) tail: &'a mut Tail,
    /// What charges change, where somebody counts them.
    pub(super) recount: Option<&'a mut Recount>,
}

impl Rows for Layers<'_> {
    fn call(&self, request: RequestId) -> Result<Option<CallRow>, SessionsError> {
        match (self.tail.calls.get(&request), self.base) {
            (Some(call), _) => Ok(Some(call.clone())),
            (None, Some(base)) => base.call(request),
            (None, None) => Ok(None),
        }
    }

    fn thread(&self, thread: ThreadId) -> Result<Option<ThreadRow>, SessionsError> {
        match (self.tail.threads.get(&thread), self.base) {
            (Some(thread), _) => Ok(Some(thread.clone())),
            (None, Some(base)) => base.thread(thread),
            (None, None) => Ok(None),
        }
    }

    fn put(&mut self, call: CallRow, thread: ThreadRow) -> Result<(), SessionsError> {
        self.tail.calls.insert(call.request, call);
        self.tail.threads.insert(thread.thread, thread);
        Ok(())
    }

    fn count(&mut self, gist: &Gist) -> Result<(), SessionsError> {
        match (&mut self.recount, self.base) {
            (Some(recount), Some(base)) => recount.hear(base, gist),
            (Some(_) | None, Some(_) | None) => Ok(()),
        }
    }
}
