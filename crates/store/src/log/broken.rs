use std::fmt;
use std::io;
use std::sync::Arc;

/// The log cannot be relied upon any more and will not be for the rest of this process's life.
///
/// After a failed sync the kernel may have thrown the unwritten pages away, so that a second sync would succeed
/// without having written them; therefore nothing is ever retried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    reason: Arc<str>,
}

impl Broken {
    pub(crate) fn new(reason: impl Into<Arc<str>>) -> Self {
        Self { reason: reason.into() }
    }

    /// What the operating system said, in words for an operator and for `/readyz`.
    pub(crate) fn from_io(doing: &str, error: &io::Error) -> Self {
        let words = match error.kind() {
            io::ErrorKind::StorageFull => "no space left on device".to_owned(),
            io::ErrorKind::QuotaExceeded => "the disk quota is used up".to_owned(),
            io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".to_owned(),
            _ => error.to_string(),
        };
        Self::new(format!("{doing}: {words}"))
    }

    /// Why, in words.
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record cannot be kept: {}", self.reason)
    }
}

impl std::error::Error for Broken {}

/// Whether the log can be relied upon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogState {
    /// It records.
    Healthy,
    /// It was closed in order.
    Closed,
    /// It failed and will not recover in this process.
    Broken(Broken),
}

/// Why something was not recorded; nothing of it may be disclosed or forwarded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unrecorded {
    /// The log is broken or closed.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The record's leaf or its body would be longer than one may be; the log is fine.
    #[error("the record would be {length} bytes long, more than it may have")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// Too many lazy notes wait already; the log is fine. The caller keeps its count and tells it later.
    #[error("too many notes wait to be written")]
    Busy,
    /// Nothing more may be recorded for now; the log is fine.
    #[error("no more is recorded for now: {0}")]
    HeldOff(Arc<str>),
}
