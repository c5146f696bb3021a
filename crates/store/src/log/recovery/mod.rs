//! What a start makes of the folder that the last run left: it cuts off what nobody was told of, refuses what no crash
//! can have done, and books journeys that never ended as interrupted.

mod bodies;
mod ledger;

use std::io;
use std::sync::Arc;

use gatewright_ledger::{BadNote, Certificate, Finding, TrustedKey};
use gatewright_model::{Digest, RequestId};

use super::body_writer::BodyState;
use super::ledger_writer::LedgerState;
use crate::disk::{Disk, DiskFile, read_up_to};

pub(super) use bodies::answer_so_far;

/// Why a log cannot be opened. None of it is repaired by itself.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The operating system refused.
    #[error("{doing}: {error}")]
    Disk {
        /// What was being done.
        doing: &'static str,
        /// What it said.
        error: io::Error,
    },
    /// Another gateway works on the same folder.
    #[error("another gateway has this data folder open")]
    InUse,
    /// There is a log without its key, or with a key that cannot be read.
    #[error("the log's key is missing or unreadable: restore keys/log.key, or move the ledger away")]
    Key,
    /// The register of logs does not fit what lies beside it.
    #[error("the register of logs was damaged or changed: {0}. Nothing was touched; see `gatewright ledger verify`")]
    Register(&'static str),
    /// The folder was written by another version.
    #[error(
        "the data folder was written by an earlier version, in a format that this one does not read: verify and keep \
         it with that version, and start this one with an empty folder"
    )]
    OlderFormat,
    /// The log is not what was written, and no crash explains it.
    #[error("the log was damaged or changed: {0}. Nothing was touched; see `gatewright ledger verify`")]
    Damaged(Finding),
    /// The bodies are not what was written, and no crash explains it.
    #[error("the recorded bodies were damaged or changed in segment {segment} at byte {offset}; nothing was touched")]
    DamagedBodies {
        /// Which segment.
        segment: u64,
        /// Where in it.
        offset: u64,
    },
}

impl OpenError {
    pub(super) fn disk(doing: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Disk { doing, error }
    }
}

impl From<BadNote> for OpenError {
    fn from(_: BadNote) -> Self {
        Self::Key
    }
}

/// What a start found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Bytes of a torn tail that were cut off. Nobody had been told that they were on disk.
    pub torn_bytes: u64,
    /// The journeys that the last run left open; each has an outcome `interrupted` now.
    pub interrupted: Vec<RequestId>,
    /// How many records the folder has, those outcomes included.
    pub records: u64,
}

/// The state in which the last run left the folder, its tail cut.
pub(super) struct Restored {
    pub(super) ledger: LedgerState,
    pub(super) bodies: BodyState,
    pub(super) torn_bytes: u64,
    pub(super) before: Option<Before>,
}

/// The log that the last run wrote.
#[derive(Clone)]
pub(super) struct Before {
    pub(super) certificate: Certificate,
    /// The number of its first record.
    pub(super) base: u64,
    pub(super) size: u64,
    pub(super) root: Digest,
    /// Whether anything was recorded in it besides its beginning.
    pub(super) is_used: bool,
    /// The last checkpoint that its key has signed, and how many records that counts.
    pub(super) note: String,
    pub(super) signed: u64,
}

/// Restores the log of this folder, which may be empty.
pub(super) fn restore(disk: &Arc<dyn Disk>, trusted: &TrustedKey) -> Result<Restored, OpenError> {
    let ledger::Found { mut state, torn_bytes, vouched, before, .. } = ledger::restore(disk.as_ref(), trusted)?;
    let (bodies, torn_bodies) = bodies::restore(disk.as_ref(), &vouched)?;
    bodies::follow_journeys(disk.as_ref(), &mut state.journeys)?;
    Ok(Restored { ledger: state, bodies, torn_bytes: torn_bytes + torn_bodies, before })
}

/// Cuts a file behind its last good byte, and writes what no checkpoint covers once more.
///
/// After a failed sync the kernel may show bytes that it has not written and never will, since it counts them as
/// clean. Writing them again makes them dirty, so that the sync which follows is one that counts.
fn cut_and_settle(file: &dyn DiskFile, unsure: u64, end: u64) -> io::Result<()> {
    file.set_len(end)?;
    let mut buffer = vec![0; 64 << 10];
    let mut at = unsure;
    while at < end {
        let want = usize::try_from(end - at).unwrap_or(buffer.len()).min(buffer.len());
        let read = read_up_to(file, at, &mut buffer[..want])?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        file.write_at(at, &buffer[..read])?;
        at += read as u64;
    }
    file.sync()
}
