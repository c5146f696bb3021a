use std::sync::Arc;

use gatewright_ledger::LeafKind;
use gatewright_model::{Fate, RequestId, SessionId, Timestamp, Verdict};

use super::{CallState, Caller, Gist, SessionsError, ThreadId};

/// How many models a thread lists.
pub(super) const MODELS: usize = 16;

/// Where a record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) record: u64,
    pub(super) segment: u64,
    pub(super) offset: u64,
}

/// What the index keeps of a call: enough to list it, and where the rest is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallRow {
    pub(super) request: RequestId,
    pub(super) session: Option<SessionId>,
    pub(super) state: CallState,
    pub(super) first: Place,
    pub(super) outcome: Option<Place>,
    /// Where its last known body frame lies, packed.
    pub(super) body: u64,
}

/// What the index keeps of a thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ThreadRow {
    pub(super) thread: ThreadId,
    pub(super) caller: Option<Caller>,
    pub(super) started: Timestamp,
    pub(super) latest: Timestamp,
    pub(super) calls: u64,
    pub(super) refused: u64,
    pub(super) interrupted: u64,
    pub(super) models: Vec<Arc<str>>,
    pub(super) verdict: Option<Verdict>,
    pub(super) state: CallState,
    /// The number of its last call's first record: what lists are ordered by.
    pub(super) last: u64,
}

/// Where rows are kept while records are folded into them.
pub(super) trait Rows {
    fn call(&self, request: RequestId) -> Result<Option<CallRow>, SessionsError>;
    fn thread(&self, thread: ThreadId) -> Result<Option<ThreadRow>, SessionsError>;
    fn put(&mut self, call: CallRow, thread: ThreadRow) -> Result<(), SessionsError>;
    /// Counts what a call was charged, where budgets are counted.
    fn count(&mut self, gist: &Gist) -> Result<(), SessionsError>;
}

/// Folds a record into the rows.
pub(super) fn fold(rows: &mut impl Rows, place: Place, body: u64, gist: Gist) -> Result<(), SessionsError> {
    let Some(request) = gist.request else { return Ok(()) };
    rows.count(&gist)?;
    match (gist.kind, gist.session, gist.refused, gist.fate) {
        (LeafKind::Intent, Some(session), _, _) => {
            let call =
                CallRow { request, session: Some(session), state: CallState::Open, first: place, outcome: None, body };
            begin(rows, call, ThreadId::Session(session), gist)
        }
        (LeafKind::Note, _, Some(code), _) => {
            let state = CallState::Refused(code);
            let call = CallRow { request, session: None, state, first: place, outcome: None, body };
            begin(rows, call, ThreadId::Call(request), gist)
        }
        (LeafKind::Outcome, _, _, Some(fate)) => end(rows, request, place, body, fate, gist.last),
        _ => Ok(()),
    }
}

/// A thread's next call.
fn begin(rows: &mut impl Rows, call: CallRow, id: ThreadId, gist: Gist) -> Result<(), SessionsError> {
    let mut thread = rows.thread(id)?.unwrap_or_else(|| ThreadRow {
        thread: id,
        caller: gist.caller.clone(),
        started: gist.first,
        latest: gist.last,
        calls: 0,
        refused: 0,
        interrupted: 0,
        models: Vec::new(),
        verdict: None,
        state: call.state,
        last: call.first.record,
    });
    thread.calls += 1;
    thread.latest = gist.last;
    thread.verdict = gist.verdict;
    thread.state = call.state;
    thread.last = call.first.record;
    if let CallState::Refused(_) = call.state {
        thread.refused += 1;
    }
    if let Some(model) = gist.model
        && thread.models.len() < MODELS
        && !thread.models.contains(&model)
    {
        thread.models.push(model);
    }
    rows.put(call, thread)
}

/// The end of a call that was begun.
fn end(
    rows: &mut impl Rows,
    request: RequestId,
    place: Place,
    body: u64,
    fate: Fate,
    at: Timestamp,
) -> Result<(), SessionsError> {
    let Some(mut call) = rows.call(request)? else { return Ok(()) };
    let Some(session) = call.session else { return Ok(()) };
    let Some(mut thread) = rows.thread(ThreadId::Session(session))? else { return Ok(()) };
    call.state = CallState::Closed(fate);
    call.outcome = Some(place);
    call.body = body;
    thread.latest = thread.latest.max(at);
    if thread.last == call.first.record {
        thread.state = call.state;
    }
    match fate {
        Fate::Failed(_) => thread.refused += 1,
        Fate::Interrupted => thread.interrupted += 1,
        Fate::Ended | Fate::ClientLeft | Fate::UpstreamCut | Fate::Drained => {}
    }
    rows.put(call, thread)
}
