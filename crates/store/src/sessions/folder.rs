use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gatewright_ledger::BodyAt;
use gatewright_model::{Event, RequestId, Timestamp};

use super::fold::{CallRow, Rows as _, ThreadRow};
use super::follow::{Followed, Position, follow, read_leaf};
use super::index::Index;
use super::layers::{Layers, Tail};
use super::{Bodies, Call, CallState, Piece, Query, Replay, Sessions, SessionsError, Summary, ThreadId};
use crate::disk::{Disk, RealDisk};
use crate::folder::{self, log_segments};

/// The index's name in the data folder.
pub(super) const INDEX: &str = "index.db";

/// The most threads that are listed at once.
const MOST: usize = 1_000;

/// The sessions of a data folder: of a gateway that runs, of one that does not, or of a copy. Nothing is written: what
/// the index lacks is read from the log and kept in memory.
pub struct FolderSessions {
    disk: Arc<dyn Disk>,
    index: PathBuf,
    view: Mutex<View>,
}

/// The index, and what the log holds beyond it.
#[derive(Default)]
struct View {
    base: Option<Index>,
    /// Where the index was when the tail was begun.
    base_position: Position,
    tail: Tail,
    position: Position,
}

impl View {
    /// Holds the index still, and starts the tail anew where the index has moved since.
    fn hold(&mut self, index: &Path) -> Result<(), SessionsError> {
        if self.base.is_none() {
            self.base = Index::open_read_only(index);
        }
        let position = self.base.as_ref().map_or_else(|| Ok(Position::default()), Index::hold)?;
        if position != self.base_position {
            self.tail = Tail::default();
            self.base_position = position;
            self.position = position;
        }
        Ok(())
    }

    fn release(&self) {
        if let Some(base) = &self.base {
            base.release();
        }
    }

    /// Reads the log's tail. Where the index speaks of another log, or of one that was rolled back, it is left out:
    /// the log is the truth.
    fn catch_up(&mut self, disk: &Arc<dyn Disk>) -> Result<(), SessionsError> {
        if self.follow(disk)? == Followed::AnotherLog {
            *self = Self::default();
            self.follow(disk)?;
        }
        Ok(())
    }

    fn follow(&mut self, disk: &Arc<dyn Disk>) -> Result<Followed, SessionsError> {
        let mut layers = Layers { base: self.base.as_ref(), tail: &mut self.tail, recount: None };
        follow(disk, &mut self.position, None, u64::MAX, &mut layers)
    }

    fn layers(&mut self) -> Layers<'_> {
        Layers { base: self.base.as_ref(), tail: &mut self.tail, recount: None }
    }
}

impl FolderSessions {
    /// The sessions of the data folder at this path.
    pub fn open(path: &Path) -> Result<Self, SessionsError> {
        let disk: Arc<dyn Disk> = Arc::new(RealDisk::new(path));
        let (segments, _) = log_segments(disk.as_ref())?;
        if segments.is_empty() {
            return Err(SessionsError::NoLog);
        }
        let index = path.join(INDEX);
        Ok(Self { disk, index, view: Mutex::default() })
    }

    /// Runs `look` on a view that holds everything the log does.
    fn look<T>(
        &self,
        look: impl FnOnce(&mut View, &Arc<dyn Disk>) -> Result<T, SessionsError>,
    ) -> Result<T, SessionsError> {
        let mut view = self.view.lock().unwrap_or_else(PoisonError::into_inner);
        view.hold(&self.index)?;
        let looked = view.catch_up(&self.disk).and_then(|()| look(&mut view, &self.disk));
        view.release();
        looked
    }
}

impl Sessions for FolderSessions {
    fn list(&self, query: &Query) -> Result<Vec<Summary>, SessionsError> {
        self.look(|view, _| {
            let limit = query.limit.min(MOST);
            let asked = |thread: &ThreadRow| {
                let caller = match (&query.caller, &thread.caller) {
                    (None, _) => true,
                    (Some((issuer, subject)), Some(caller)) => caller.issuer == *issuer && caller.subject == *subject,
                    (Some(_), None) => false,
                };
                caller && query.before.is_none_or(|before| thread.last < before)
            };
            let mut threads: Vec<ThreadRow> = view.tail.threads.values().filter(|row| asked(row)).cloned().collect();
            if let Some(base) = &view.base {
                // Threads that the tail has moved forward stand in the index too, at their old place.
                let rows = base.list(query, limit.saturating_add(view.tail.threads.len()))?;
                threads.extend(rows.into_iter().filter(|row| !view.tail.threads.contains_key(&row.thread)));
            }
            threads.sort_unstable_by_key(|thread| std::cmp::Reverse(thread.last));
            threads.truncate(limit);
            Ok(threads.into_iter().map(summary).collect())
        })
    }

    fn show(&self, thread: ThreadId) -> Result<Option<Vec<Call>>, SessionsError> {
        self.look(|view, disk| {
            let rows = rows_of(view, thread)?;
            let calls = rows.iter().map(|row| call(disk, row)).collect::<Result<Vec<_>, _>>()?;
            Ok(if calls.is_empty() { None } else { Some(calls) })
        })
    }

    fn replay(&self, thread: ThreadId) -> Result<Option<Vec<Replay>>, SessionsError> {
        self.look(|view, disk| {
            let mut bodies = folder::Bodies::new(disk.clone());
            let mut replays = Vec::new();
            for row in rows_of(view, thread)? {
                let call = call(disk, &row)?;
                let bodies = bodies_of(&mut bodies, &row, &call)?;
                replays.push(Replay { call, bodies });
            }
            Ok(if replays.is_empty() { None } else { Some(replays) })
        })
    }
}

/// The rows of a thread's calls, oldest first.
fn rows_of(view: &mut View, thread: ThreadId) -> Result<Vec<CallRow>, SessionsError> {
    match thread {
        ThreadId::Call(request) => Ok(view.layers().call(request)?.into_iter().collect()),
        ThreadId::Session(session) => {
            let mut rows: HashMap<RequestId, CallRow> = HashMap::new();
            if let Some(base) = &view.base {
                rows.extend(base.calls_of(session)?.into_iter().map(|row| (row.request, row)));
            }
            let newer = view.tail.calls.values().filter(|row| row.session == Some(session));
            rows.extend(newer.map(|row| (row.request, row.clone())));
            let mut rows: Vec<CallRow> = rows.into_values().collect();
            rows.sort_unstable_by_key(|row| row.first.record);
            Ok(rows)
        }
    }
}

/// The call of a row, its story read from the log.
fn call(disk: &Arc<dyn Disk>, row: &CallRow) -> Result<Call, SessionsError> {
    let mut moments = read_leaf(disk, row.first)?.moments;
    if let Some(outcome) = row.outcome {
        moments.extend(read_leaf(disk, outcome)?.moments);
    }
    let caller = moments.iter().find_map(|moment| match &moment.event {
        Event::Authenticated { issuer, subject, kind } => {
            Some(super::Caller { issuer: issuer.clone(), subject: subject.clone(), kind: *kind })
        }
        _ => None,
    });
    Ok(Call {
        request: row.request,
        session: row.session,
        caller,
        state: row.state,
        moments,
        record: row.first.record,
        outcome: row.outcome.map(|outcome| outcome.record),
    })
}

/// The bodies of a call; `None` where it has none or they are gone.
fn bodies_of(bodies: &mut folder::Bodies, row: &CallRow, call: &Call) -> Result<Option<Bodies>, SessionsError> {
    if let CallState::Refused(_) = row.state {
        return Ok(None);
    }
    let Some(chain) = bodies.chain(row.request, BodyAt::from_word(row.body))? else { return Ok(None) };
    let Some(request) = bodies.request(chain.request)? else { return Ok(None) };
    let Some(pieces) = bodies.pieces(&chain)? else { return Ok(None) };
    let opened = opened_at(call).unwrap_or(request.at);
    let pieces = pieces.into_iter().map(|piece| Piece { after: piece.at.since(opened), bytes: piece.bytes }).collect();
    Ok(Some(Bodies { request: request.bytes, pieces }))
}

fn opened_at(call: &Call) -> Option<Timestamp> {
    call.moments.iter().find(|moment| matches!(moment.event, Event::Opened { .. })).map(|moment| moment.at)
}

fn summary(row: ThreadRow) -> Summary {
    let ThreadRow { thread, caller, started, latest, calls, refused, interrupted, models, verdict, state, last } = row;
    Summary { thread, caller, started, latest, calls, refused, interrupted, models, verdict, state, cursor: last }
}
