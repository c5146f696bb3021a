//! Sessions: the threads of calls that the log holds, listed, shown and replayed.
//!
//! The log is the truth; the index beside it (`index.db`) only makes looking fast and can be built again at any time.
//! Whatever the index has not seen yet is read from the log's tail, so that what is asked for is never stale.

mod counts;
mod fold;
mod folder;
mod follow;
mod gist;
mod index;
mod indexer;
mod layers;

use std::fmt;
use std::io;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use gatewright_model::{BadId, Code, Fate, IssuerName, Kind, Moment, RequestId, SessionId, Timestamp, Verdict};

pub use folder::FolderSessions;
pub(crate) use gist::Gist;
pub(crate) use indexer::counted;
pub use indexer::{Indexer, rebuild};

/// What a thread of calls is found by: its session, or the one call that never came to belong to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThreadId {
    /// All calls of a session.
    Session(SessionId),
    /// One call by itself; how calls are listed that were refused before they had a session.
    Call(RequestId),
}

impl fmt::Display for ThreadId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Session(session) => session.fmt(f),
            Self::Call(request) => request.fmt(f),
        }
    }
}

impl FromStr for ThreadId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        text.parse().map(Self::Session).or_else(|_| text.parse().map(Self::Call))
    }
}

/// How a call stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallState {
    /// It is under way.
    Open,
    /// It was opened and came to this end.
    Closed(Fate),
    /// It was refused and never opened.
    Refused(Code),
}

impl CallState {
    /// The word in lists: `open`, a fate's name, or `refused`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed(fate) => fate.name(),
            Self::Refused(_) => "refused",
        }
    }
}

/// Who called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who vouched.
    pub issuer: IssuerName,
    /// The issuer's key for the caller.
    pub subject: Arc<str>,
    /// Person or workload.
    pub kind: Kind,
}

/// A thread of calls in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// What it is found by.
    pub thread: ThreadId,
    /// Who called; `None` for a refusal before the caller was known.
    pub caller: Option<Caller>,
    /// When its first call arrived.
    pub started: Timestamp,
    /// When something last happened in it.
    pub latest: Timestamp,
    /// How many calls it has.
    pub calls: u64,
    /// How many of them were refused or failed, and how many were cut off by a crash.
    pub refused: u64,
    /// How many of them were cut off by the gateway's own end.
    pub interrupted: u64,
    /// The models that were asked for, in the order of first use; 16 at most.
    pub models: Vec<Arc<str>>,
    /// What policy said of its last call.
    pub verdict: Option<Verdict>,
    /// How its last call stands.
    pub state: CallState,
    /// What [`Query::before`] takes to go on behind this one.
    pub cursor: u64,
}

/// Which threads are listed.
#[derive(Clone, Debug)]
pub struct Query {
    /// Only those of this caller: issuer and subject.
    pub caller: Option<(IssuerName, Arc<str>)>,
    /// Only those behind this [`Summary::cursor`].
    pub before: Option<u64>,
    /// How many at most; 1,000 are given at most.
    pub limit: usize,
}

impl Default for Query {
    fn default() -> Self {
        Self { caller: None, before: None, limit: 50 }
    }
}

/// One call with its whole story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Its id.
    pub request: RequestId,
    /// The thread that it belongs to, where it was opened.
    pub session: Option<SessionId>,
    /// Who called.
    pub caller: Option<Caller>,
    /// How it stands.
    pub state: CallState,
    /// What happened, in order: of its intent or refusal, then of its outcome.
    pub moments: Vec<Moment>,
    /// The number of its first record, which a proof is asked for by.
    pub record: u64,
    /// The number of its outcome.
    pub outcome: Option<u64>,
}

/// One call as it was heard: its masked request, and its masked answer piece by piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// The call.
    pub call: Call,
    /// Its bodies; `None` for a refused call, which has none, and where they are gone.
    pub bodies: Option<Bodies>,
}

/// A call's two bodies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bodies {
    /// The request as it was sent, masked.
    pub request: Vec<u8>,
    /// The answer as it was delivered, masked.
    pub pieces: Vec<Piece>,
}

/// A piece of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// How long after the record was opened it was handed over.
    pub after: Duration,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Why the sessions cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SessionsError {
    /// There is no log.
    #[error("there is no ledger in this folder")]
    NoLog,
    /// The log is not what was written.
    #[error("record {record} cannot be read; see `gatewright ledger verify`")]
    Damaged {
        /// Which record.
        record: u64,
    },
    /// The operating system refused.
    #[error("reading the data folder: {0}")]
    Disk(#[from] io::Error),
    /// The index refused.
    #[error("the index of sessions: {0}")]
    Index(#[from] rusqlite::Error),
}

/// Where sessions are looked up. Every method blocks on files.
pub trait Sessions: Send + Sync {
    /// The threads of calls, newest first.
    fn list(&self, query: &Query) -> Result<Vec<Summary>, SessionsError>;

    /// The calls of a thread, oldest first; `None` where there is no such thread.
    fn show(&self, thread: ThreadId) -> Result<Option<Vec<Call>>, SessionsError>;

    /// The calls of a thread with their bodies, oldest first; `None` where there is no such thread.
    fn replay(&self, thread: ThreadId) -> Result<Option<Vec<Replay>>, SessionsError>;
}
